//! Tests generated from the route table: every row is held to what its columns say.

use super::harness::{Gateway, client, raw_head};
use super::holdings;
use kinbridge::web::routes::{Access, BodyRule, IdKind, ROUTES, Route, Scope};

/// An address of the route with made-up ids.
pub fn address(route: &Route, id: &str) -> String {
    let parts = route
        .path
        .split('/')
        .map(|part| match part.starts_with('{') {
            true => id,
            false => part,
        });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether an id that was never there is a new one.
fn creates(route: &Route) -> bool {
    route.verb == kinbridge::web::routes::Verb::Put && route.path.ends_with("{id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_credential_and_no_body_is_waited_for() {
    // Goal: authentication comes before the body. Method: on every route that is not public,
    // announce a body, never send it, show no or a wrong credential, and read the answer.
    let gateway = Gateway::start().await;
    for route in ROUTES.iter().filter(|route| route.access != Access::Public) {
        let two = "Authorization: Bearer token-alpha\r\n".repeat(2);
        for credential in ["", "Authorization: Bearer wrong\r\n", &two] {
            let request = format!(
                "{} {} HTTP/1.1\r\nHost: x\r\n{credential}Content-Length: 1000\r\n\r\n",
                route.verb.method(),
                address(route, "made-up"),
            );
            let head = tokio::task::block_in_place(|| raw_head(&gateway, &request));
            assert!(head.starts_with("HTTP/1.1 401"), "{}: {head}", route.name);
            assert!(
                head.to_lowercase().contains("www-authenticate: bearer"),
                "{head}"
            );
        }
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_asked_for_as_the_table_says() {
    // Goal: who may call what is the table and nothing else. Method: every route with every kind
    // of principal; those not in its row get 403, the others an answer about what they asked for.
    let gateway = Gateway::start().await;
    for route in ROUTES {
        let Access::Known { partners, roles } = route.access else {
            continue;
        };
        for who in ["alpha", "integrator", "privacy_officer", "auditor"] {
            let may = match who {
                "alpha" => partners,
                role => roles.iter().any(|r| r.as_str() == role),
            };
            let answer = client()
                .request(
                    route.verb.method().as_str().parse().expect("method"),
                    gateway.url(&address(route, "made-up")),
                )
                .bearer_auth(format!("token-{who}"))
                .send()
                .await
                .expect("answer");
            // Let in is to be answered about what was asked: not found, not acceptable, done.
            let status = answer.status();
            let let_in = status != 401 && status != 403;
            assert_eq!(let_in, may, "{} as {who}: {status}", route.name);
            assert!(
                !status.is_server_error(),
                "{} as {who}: {status}",
                route.name
            );
        }
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_body_over_the_limit_is_refused_unread() {
    // Goal: 413 before the body. Method: every route with a body, one byte over its limit.
    let gateway = Gateway::start().await;
    for route in ROUTES.iter().filter(|route| route.body != BodyRule::None) {
        let Access::Known { partners, roles } = route.access else {
            continue;
        };
        let who = if partners { "alpha" } else { roles[0].as_str() };
        let request = format!(
            "{} {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-{who}\r\n\
             Content-Length: {}\r\n\r\n",
            route.verb.method(),
            address(route, "made-up"),
            route.body.bytes_max() + 1,
        );
        let head = tokio::task::block_in_place(|| raw_head(&gateway, &request));
        assert!(head.starts_with("HTTP/1.1 413"), "{}: {head}", route.name);
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_and_unknown_ids_answer_alike() {
    // Goal: nobody learns from an id whether another partner has something. Method: every route
    // with an id of the caller's own: ask as the owner, as another partner, and for an id of the
    // same form that never was; the last two answers are equal but for the exchange's own id.
    let gateway = Gateway::start().await;
    let held = holdings::of_alpha(&gateway).await;
    for route in ROUTES {
        let Scope::Own(kind) = route.scope else {
            continue;
        };
        if kind == IdKind::None {
            continue;
        }
        let (own, unknown) = held.ids(kind);
        let ask = async |who: &str, id: &str| {
            let verb = route.verb.method().as_str().parse().expect("method");
            let answer = client()
                .request(verb, gateway.url(&address(route, id)))
                .bearer_auth(format!("token-{who}"))
                .header("traceparent", TRACE)
                .header("content-type", held.media(route.name))
                .body(held.body(route.name))
                .send()
                .await
                .expect("answer");
            (answer.status().as_u16(), answer.text().await.expect("text"))
        };
        if !creates(route) {
            let foreign = ask("beta", &own).await;
            assert_eq!(foreign, ask("beta", &unknown).await, "{}", route.name);
            assert_eq!(foreign.0, 404, "{}: {}", route.name, foreign.1);
        }
        // A job without rows has no file for its owner either; a lodger revokes.
        if ["extract_file", "consent_unconfirm"].contains(&route.name) {
            continue;
        }
        let owner = ask("alpha", &own).await;
        assert!(owner.0 < 300, "{}: {owner:?}", route.name);
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_id_answers_alike_whatever_is_sent_with_it() {
    // Goal: a body or media type never tells an unknown id from a foreign one. Method: every route
    // with an id that must exist, with no body, a body of no type, junk and JSON; of a foreign id,
    // an unknown one and one of no form.
    let gateway = Gateway::start().await;
    let held = holdings::of_alpha(&gateway).await;
    for route in ROUTES.iter().filter(|route| route.path.contains('{')) {
        if creates(route) {
            continue;
        }
        let (who, mut ids) = match route.scope {
            Scope::Own(kind) => ("beta", vec![held.ids(kind).0, held.ids(kind).1]),
            _ => {
                let at = kinbridge::base::clock::Timestamp(1);
                let work = kinbridge::base::id::WorkItemId::mint(at).to_string();
                let delivery = kinbridge::base::id::DeliveryId([9; 16]).to_string();
                ("privacy_officer", vec![work, delivery])
            }
        };
        ids.push(String::from("made-up"));
        let mut told = std::collections::BTreeSet::new();
        for id in &ids {
            for (media, body) in [
                ("", ""),
                ("", "{}"),
                ("text/plain", "junk"),
                ("application/json", "junk"),
                ("application/json", "{\"reason\":\"x\"}"),
            ] {
                let verb = route.verb.method().as_str().parse().expect("method");
                let mut ask = client()
                    .request(verb, gateway.url(&address(route, id)))
                    .bearer_auth(format!("token-{who}"))
                    .header("traceparent", TRACE);
                if !media.is_empty() {
                    ask = ask.header("content-type", media);
                }
                let answer = ask.body(body).send().await.expect("answer");
                assert_eq!(answer.status(), 404, "{} {media} {body}", route.name);
                told.insert(answer.text().await.expect("text"));
            }
        }
        assert_eq!(told.len(), 1, "{}: {told:?}", route.name);
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coded_body_is_refused_on_every_route() {
    // Goal: nothing is unpacked: a coding is 415 with what to do. Method: every route with a body.
    let gateway = Gateway::start().await;
    for route in ROUTES.iter().filter(|route| route.body != BodyRule::None) {
        let Access::Known { partners, roles } = route.access else {
            continue;
        };
        let who = if partners { "alpha" } else { roles[0].as_str() };
        for (coding, refused) in [("gzip", true), ("identity, br", true), ("Identity", false)] {
            let verb = route.verb.method().as_str().parse().expect("method");
            let ask = client()
                .request(verb, gateway.url(&address(route, "made-up")))
                .bearer_auth(format!("token-{who}"))
                .header("content-type", "application/json")
                .header("content-encoding", coding);
            let answer = ask.body("[]").send().await.expect("answer");
            let text = answer.text().await.expect("text");
            assert_eq!(
                text.contains("Content-Encoding"),
                refused,
                "{}: {text}",
                route.name
            );
        }
    }
    gateway.running.shutdown().await;
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
