//! What operators do, and what partners hear of decisions.

use super::harness::{Gateway, client, overlay};
use kinbridge::app::{self, StartError};
use kinbridge::base::clock::{Clock as _, SystemClock};
use kinbridge::base::digest::Digest;
use kinbridge::config::Config;
use kinbridge::rules::Rules;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn reloading_takes_new_partners_in_and_refuses_defects() {
    // Goal: a partner is a file, and a broken file changes nothing. Method: add a partner and
    // reload; then break its file and reload; its token works before and after the refusal.
    let gateway = Gateway::start().await;
    let works = async |who: &str| {
        let path = gateway.url("/v1/work-items");
        let ask = client().get(path).bearer_auth(format!("token-{who}"));
        ask.send().await.expect("answer").status().as_u16()
    };
    assert_eq!(works("gamma").await, 401);
    let folder = overlay(gateway.folder(), &[("gamma", "")]);
    let reason = json!({ "reason": "a new partner" });
    let (status, body) = gateway
        .ask("integrator", "POST", "/v1/rules/reload", reason.clone())
        .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(works("gamma").await, 200);
    let broken = folder.join("mappings/partners/gamma.toml");
    std::fs::write(broken, "id = 3").expect("written");
    let (status, body) = gateway
        .ask("integrator", "POST", "/v1/rules/reload", reason)
        .await;
    assert_eq!((status, &body["code"]), (422, &json!("rules-defective")));
    assert_eq!(body["defects"][0]["file"], "mappings/partners/gamma.toml");
    assert_eq!(works("gamma").await, 200);
    // The rules in use are kept whole, the broken ones are not.
    let inner = &gateway.running.gateway;
    let used = inner.rules.load().digest.clone();
    let kept = inner.store.rule_set(&used).await.expect("read");
    let kept: serde_json::Value = serde_json::from_slice(&kept.expect("kept")).expect("JSON");
    let partner = kept["files"]["mappings/partners/gamma.toml"]["text"].as_str();
    assert!(partner.is_some_and(|text| text.contains("gamma")));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_partner_that_is_not_filled_in_is_not_taken_over() {
    // Goal: what `partner new` leaves open keeps a live partner out. Method: reload with one.
    let gateway = Gateway::start().await;
    let live = "role = \"ppp\"\nmode = \"live\"\n\n\n[[agreement]]\nid = \"to be filled in\"\n\
                kind = \"baa\"\n";
    overlay(gateway.folder(), &[("delta", live)]);
    let reason = json!({ "reason": "a new partner" });
    let (status, body) = gateway
        .ask("integrator", "POST", "/v1/rules/reload", reason)
        .await;
    assert_eq!((status, &body["code"]), (422, &json!("rules-defective")));
    let defects = body["defects"].as_array().expect("defects");
    let told = defects.iter().find(|d| d["code"] == "partner-unfinished");
    assert!(told.is_some_and(|d| d["line"].as_u64() > Some(0)), "{body}");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_defect_is_told_at_once_with_its_place() {
    // Goal: a start and a reload tell what `check` tells, all of it, each where it is to be mended.
    // Method: a file that is no TOML, a live partner not filled in, not certified and without the
    // agreements its channel needs, and one with another's token, in one folder.
    let gateway = Gateway::start().await;
    let live = "role = \"ppp\"\nmode = \"live\"\n\n\n[[channel]]\nname = \"in\"\n\
                direction = \"in\"\nformat = \"kinbridge-json/1.0\"\n\
                records = [\"person\"]\n\n[[agreement]]\nid = \"TBD\"\nkind = \"baa\"\n";
    let folder = overlay(
        gateway.folder(),
        &[("delta", live), ("gamma", ""), ("zeta", "")],
    );
    let partners = folder.join("mappings/partners");
    std::fs::write(partners.join("gamma.toml"), "id = 3").expect("written");
    let zeta = std::fs::read_to_string(partners.join("zeta.toml")).expect("read");
    let (own, alphas) = (Digest::of(b"token-zeta"), Digest::of(b"token-alpha"));
    let zeta = zeta.replace(&own.to_hex(), &alphas.to_hex());
    std::fs::write(partners.join("zeta.toml"), zeta).expect("written");
    let reason = json!({ "reason": "new partners" });
    let (status, body) = gateway
        .ask("integrator", "POST", "/v1/rules/reload", reason)
        .await;
    assert_eq!(status, 422, "{body}");
    let told = body["defects"].as_array().expect("defects").clone();
    for (code, file) in [
        ("partner-not-certified", "delta"),
        ("partner-unfinished", "delta"),
        ("operator-agreement-missing", "delta"),
        ("credential-clash", "zeta"),
    ] {
        let file = format!("mappings/partners/{file}.toml");
        let one = told
            .iter()
            .find(|d| d["code"] == code && d["file"] == json!(file));
        let one = one.unwrap_or_else(|| panic!("{code}: {told:#?}"));
        assert!(one["line"].as_u64() > Some(0), "{one}");
        assert!(one["column"].as_u64() > Some(0), "{one}");
    }
    assert!(
        told.iter()
            .any(|d| d["file"] == "mappings/partners/gamma.toml")
    );
    let config = Config::clone(&gateway.running.gateway.config);
    let (_, checked) = Rules::survey(&config.catalog, SystemClock.now());
    let Err(StartError::Catalog(at_start)) = app::start(config).await else {
        panic!("a defective catalog is not served");
    };
    let at_start: Vec<Value> = at_start.iter().map(|defect| json!(defect)).collect();
    assert_eq!(at_start, told);
    for defect in checked {
        assert!(told.contains(&json!(defect)), "{defect}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_gives_a_reason() {
    // Goal: no act without words for the ledger. Method: an empty reason, one member too many.
    let gateway = Gateway::start().await;
    for body in [
        json!({ "reason": " " }),
        json!({ "reason": "x", "force": true }),
    ] {
        let (status, problem) = gateway
            .ask("integrator", "POST", "/v1/rules/reload", body)
            .await;
        assert_eq!((status, &problem["code"]), (422, &json!("body-invalid")));
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_told_in_the_shape_of_the_document() {
    // Goal: the answer fits its schema, explained or not. Method: one question both ways, held
    // against the schema the gateway serves.
    let gateway = Gateway::start().await;
    let document = client()
        .get(gateway.url("/openapi.json"))
        .send()
        .await
        .expect("answer");
    let document: Value = document.json().await.expect("json");
    let schema = json!({
        "$ref": "#/components/schemas/Decision", "components": document["components"],
    });
    let schema = jsonschema::validator_for(&schema).expect("schema");
    let question = json!({
        "id": "Q1", "source_role": "cws", "recipient_role": "ppp",
        "purpose": "care_coordination", "data_classes": ["referral", "sud_part2"],
        "subject": { "id": "s1", "role": "parent", "age": 34 },
        "context": { "now": "2026-09-15T12:00:00-07:00" },
    });
    for path in ["/v1/decisions", "/v1/decisions?explain=true"] {
        for who in ["alpha", "integrator", "auditor"] {
            let (status, refused) = gateway.ask(who, "POST", path, question.clone()).await;
            assert_eq!(
                (status, &refused["code"]),
                (403, &json!("forbidden")),
                "{who}"
            );
        }
        let (status, decision) = gateway
            .ask("privacy_officer", "POST", path, question.clone())
            .await;
        assert_eq!(status, 200);
        assert_eq!(decision["decision"], "deny");
        assert_eq!(decision["mode"], "hypothetical");
        let errors: Vec<String> = schema
            .iter_errors(&decision)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_with_a_name_nobody_knows_is_refused() {
    // Goal: what nobody reads of a what-if never permits. Method: a question that permits, and the
    // same with a slip, a name like no other and an impossible age; a paper of no known type.
    let gateway = Gateway::start().await;
    let question = json!({
        "id": "Q1", "source_role": "mhp", "recipient_role": "health_provider",
        "purpose": "treatment", "data_classes": ["mental_health"],
        "subject": { "id": "s1", "role": "parent", "age": 34 }, "consents": [], "context": {},
    });
    let path = "/v1/decisions";
    let (status, decision) = gateway
        .ask("privacy_officer", "POST", path, question.clone())
        .await;
    assert_eq!((status, &decision["decision"]), (200, &json!("permit")));
    assert!(decision["trace"][0]["reason_es"].is_string(), "{decision}");
    for (at, name, value, path_told) in [
        ("", "consent", json!([]), "/?"),
        ("/context", "suspectedabuser", json!(true), "/context/?"),
        ("/context", "moon", json!("full"), "/context/?"),
        ("/subject", "age", json!(-4), "/subject/age"),
    ] {
        let mut slip = question.clone();
        slip.pointer_mut(at).expect("a place")[name] = value;
        let (status, problem) = gateway.ask("privacy_officer", "POST", path, slip).await;
        assert_eq!((status, &problem["code"]), (422, &json!("body-invalid")));
        let finding = &problem["findings"][0];
        let told = finding["path"].as_str().expect("a path");
        assert!(told.starts_with(path_told), "{finding}");
        assert_eq!(finding["severity"], "error");
        assert!(finding["line"].is_number(), "{finding}");
    }
    let mut vague = question.clone();
    vague["consents"] = json!([{ "id": "d", "type": "DENY", "signed": "2026-01-01" }]);
    let (_, decision) = gateway.ask("privacy_officer", "POST", path, vague).await;
    assert_eq!(decision["decision"], "deny");
    assert_eq!(decision["obligations"], json!(["human_review"]));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_fit_is_told_by_place_and_never_repeated() {
    // Goal: no echo of what a caller wrote. Method: a marked word where a vocabulary word belongs.
    let gateway = Gateway::start().await;
    let mut lodging = super::holdings::lodging();
    lodging["consent"]["kind"] = json!("CANARY-7731");
    let ask = client()
        .put(gateway.url("/v1/consents/c1"))
        .bearer_auth("token-alpha");
    let answer = ask.json(&lodging).send().await.expect("answer");
    assert_eq!(answer.status(), 422);
    let text = answer.text().await.expect("text");
    assert!(text.contains("/consent/kind"), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
    gateway.running.shutdown().await;
}
