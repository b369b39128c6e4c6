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

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_credential_and_no_body_is_waited_for() {
    // Goal: authentication comes before the body. Method: on every route that is not public,
    // announce a body, never send it, show no or a wrong credential, and read the answer.
    let gateway = Gateway::start().await;
    for route in ROUTES.iter().filter(|route| route.access != Access::Public) {
        for credential in ["", "Authorization: Bearer wrong\r\n"] {
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
    // of principal; those not in its row get 403, the others anything else.
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
            assert_eq!(answer.status() != 403, may, "{} as {who}", route.name);
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
                .header("content-type", "application/json")
                .body(held.body(route.name))
                .send()
                .await
                .expect("answer");
            (answer.status().as_u16(), answer.text().await.expect("text"))
        };
        if route.verb != kinbridge::web::routes::Verb::Put {
            let foreign = ask("beta", &own).await;
            assert_eq!(foreign, ask("beta", &unknown).await, "{}", route.name);
            assert_eq!(foreign.0, 404, "{}: {}", route.name, foreign.1);
        }
        if route.name == "extract_file" {
            // Of a job without rows: it has no file for its owner either.
            continue;
        }
        let owner = ask("alpha", &own).await;
        assert!(owner.0 < 300, "{}: {owner:?}", route.name);
    }
    gateway.running.shutdown().await;
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
