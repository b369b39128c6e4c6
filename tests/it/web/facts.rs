//! The registry of facts over the API: who may assert what, what a second human is asked for, and
//! every finding at its field.

use super::harness::{Gateway, SENDER};
use super::holdings::asserting;
use kinbridge::base::clock::{Clock as _, SystemClock, Timestamp};
use kinbridge::disclosure::moment::local_day;
use serde_json::{Value, json};

const COUNTY: &str = "role = \"cws\"\nmode = \"test\"\ncounty_fips = \"06067\"\n\
    asserts = [\"casa_appointed\", \"restraining_order\", \"removed\"]\n\n";

async fn with_county() -> Gateway {
    let partners = [("alpha", SENDER), ("beta", SENDER), ("county", COUNTY)];
    Gateway::start_with_partners(&partners, |_| {}).await
}

fn fact(more: &Value) -> Value {
    let mut body = json!({
        "subject": { "system": "urn:example:family-id", "value": "F-1001" },
        "fact": { "kind": "casa_appointed", "value": true, "recipient": "beta",
                  "source": "court_order", "entered_by": "ana" }
    });
    for (name, value) in more.as_object().expect("members") {
        body["fact"][name] = value.clone();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_is_asserted_confirmed_said_again_and_ended() {
    // Goal: its revisions follow one another, saying it again takes no confirmation away, an ended
    // one stays ended. Method: the life of one fact.
    let gateway = with_county().await;
    let path = "/v1/facts/ord-1";
    let put = async || gateway.ask("county", "PUT", path, fact(&json!({}))).await;
    assert_eq!(
        put().await,
        (200, json!({ "fact_id": "ord-1", "revision": 1 }))
    );
    let confirm = format!("{path}/confirm");
    let by = async |who: &str| {
        gateway
            .ask("county", "POST", &confirm, json!({ "confirmed_by": who }))
            .await
    };
    let (status, refused) = by(" Ana ").await;
    assert_eq!(status, 422);
    assert_eq!(refused["findings"][0]["path"], "/confirmed_by");
    assert_eq!(by("ben").await.1["revision"], 2);
    assert_eq!(put().await.1["revision"], 2, "said again");
    let (_, kept) = gateway.ask("county", "GET", path, Value::Null).await;
    assert_eq!(kept["fact"]["confirmed_by"], "ben");
    assert_eq!(kept["ended_at"], Value::Null);
    let end = format!("{path}/end");
    let ended = json!({ "ended_by": "ana" });
    let done = gateway.ask("county", "POST", &end, ended.clone()).await;
    assert_eq!(done.1["revision"], 3);
    let again = gateway.ask("county", "POST", &end, ended).await;
    assert_eq!(again.1["revision"], 3);
    let (status, refused) = put().await;
    assert_eq!((status, &refused["code"]), (409, &json!("state-conflict")));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_closes_takes_two_humans_to_change_and_to_end() {
    // Goal: nobody alone opens what an order closes. Method: an order asserted by one, then changed
    // and ended by one, by one under another spelling, and by two.
    let gateway = with_county().await;
    let path = "/v1/facts/ord-1";
    let order = |value: bool, second: Value| {
        let more = json!({ "kind": "restraining_order", "value": value, "confirmed_by": second });
        fact(&more)
    };
    let put = async |body: Value| gateway.ask("county", "PUT", path, body).await;
    assert_eq!(
        put(order(true, Value::Null)).await.0,
        200,
        "it counts at once"
    );
    let (status, refused) = put(order(false, Value::Null)).await;
    assert_eq!(status, 422);
    assert_eq!(refused["findings"][0]["path"], "/fact/confirmed_by");
    assert_eq!(put(order(false, json!("ben"))).await.1["revision"], 2);
    // Nor does another kind take its place: what closes would be gone by one human's word.
    for kind in ["casa_appointed", "removed"] {
        for second in [Value::Null, json!("ben")] {
            let mut other = fact(&json!({ "kind": kind, "confirmed_by": second }));
            if kind == "removed" {
                let members = other["fact"].as_object_mut().expect("members");
                members.remove("recipient");
            }
            let (status, refused) = put(other).await;
            assert_eq!((status, &refused["code"]), (409, &json!("state-conflict")));
        }
    }
    let (_, kept) = gateway.ask("county", "GET", path, Value::Null).await;
    assert_eq!(
        (&kept["fact"]["kind"], &kept["revision"]),
        (&json!("restraining_order"), &json!(2))
    );
    let end = format!("{path}/end");
    let by = async |body: Value| gateway.ask("county", "POST", &end, body).await;
    assert_eq!(by(json!({ "ended_by": "ana" })).await.0, 422);
    assert_eq!(
        by(json!({ "ended_by": "ana", "confirmed_by": "ANA" }))
            .await
            .0,
        422
    );
    assert_eq!(
        by(json!({ "ended_by": "ana", "confirmed_by": "ben" }))
            .await
            .0,
        200
    );
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_only_closes_more_counts_by_one_human() {
    // Goal: no order becomes an order at once, and nothing that may close less passes so. Method:
    // one fact changed step by step, each by one human alone.
    let gateway = with_county().await;
    let put = async |id: &str, body: Value| {
        gateway
            .ask("county", "PUT", &format!("/v1/facts/{id}"), body)
            .await
    };
    let none = json!({ "kind": "restraining_order", "value": false, "confirmed_by": "ben" });
    let order = |more: Value| {
        let mut body = fact(&json!({ "kind": "restraining_order", "value": true }));
        for (name, value) in more.as_object().expect("members") {
            body["fact"][name] = value.clone();
        }
        body
    };
    assert_eq!(put("ord-1", fact(&none)).await.0, 200);
    for refused in [
        json!({ "recipient": "alpha" }),
        json!({ "from": "2999-01-01" }),
        json!({ "value": false, "source": "statement" }),
    ] {
        assert_eq!(
            put("ord-1", order(refused.clone())).await.0,
            422,
            "{refused}"
        );
    }
    let (status, taken) = put("ord-1", order(json!({ "to": "2998-12-31" }))).await;
    assert_eq!((status, &taken["revision"]), (200, &json!(2)), "{taken}");
    for refused in [
        json!({ "to": "2998-12-30" }),
        json!({ "recipient": "alpha", "to": "2998-12-31" }),
        json!({ "value": false, "to": "2998-12-31" }),
        json!({ "from": "2999-01-01", "to": "2999-12-31" }),
    ] {
        assert_eq!(
            put("ord-1", order(refused.clone())).await.0,
            422,
            "{refused}"
        );
    }
    assert_eq!(
        put("ord-1", order(json!({}))).await.1["revision"],
        3,
        "longer"
    );
    // Where a yes takes a refusal its weight, two say it.
    let mut removed = fact(&json!({ "kind": "removed", "value": false, "confirmed_by": "ben" }));
    removed["fact"]
        .as_object_mut()
        .expect("members")
        .remove("recipient");
    assert_eq!(put("rem-1", removed.clone()).await.0, 200);
    removed["fact"]["value"] = json!(true);
    removed["fact"]["confirmed_by"] = Value::Null;
    assert_eq!(put("rem-1", removed).await.0, 422);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_asserts_only_what_its_file_says() {
    // Goal: 403 with a code of its own, whatever the role may; and nothing is kept. Method: kinds
    // in and out of the partner's file, each read back.
    let gateway = with_county().await;
    for (who, kind, value) in [
        ("alpha", "casa_appointed", json!(true)),
        ("county", "standing", json!("parent_of_subject")),
        ("county", "imminent_threat", json!(true)),
    ] {
        let body = fact(&json!({ "kind": kind, "value": value }));
        let (status, refused) = gateway.ask(who, "PUT", "/v1/facts/f-7", body).await;
        assert_eq!(
            (status, &refused["code"]),
            (403, &json!("fact-not-assertable")),
            "{kind}"
        );
        let (status, _) = gateway.ask(who, "GET", "/v1/facts/f-7", Value::Null).await;
        assert_eq!(status, 404);
    }
    let own = gateway
        .ask("alpha", "PUT", "/v1/facts/f-7", asserting())
        .await;
    assert_eq!(own.0, 200);
    gateway.running.shutdown().await;
}

/// What is changed of a sound fact, where that is told, and as what.
fn misfits() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (
            json!({ "kind": "CANARY" }),
            "/fact/kind",
            "schema-code-unknown",
        ),
        (
            json!({ "value": "CANARY" }),
            "/fact/value",
            "schema-type-mismatch",
        ),
        (
            json!({ "recipient": "CANARY" }),
            "/fact/recipient",
            "schema-code-unknown",
        ),
        (
            json!({ "recipient": null }),
            "/fact/recipient",
            "schema-type-mismatch",
        ),
        (
            json!({ "from": "2026-02-30" }),
            "/fact/from",
            "date-impossible",
        ),
        (
            json!({ "from": "2026-02-10", "to": "2026-02-09" }),
            "/fact/to",
            "period-reversed",
        ),
        (
            json!({ "from": "2026-01-01", "to": "2027-01-01" }),
            "/fact/to",
            "schema-value-out-of-range",
        ),
        (
            json!({ "source": "CANARY" }),
            "/fact/source",
            "schema-code-unknown",
        ),
        (
            json!({ "document_digest": "CANARY" }),
            "/fact/document_digest",
            "schema-",
        ),
        (
            json!({ "confirmed_by": "Ana" }),
            "/fact/confirmed_by",
            "schema-value-out-of-range",
        ),
        (
            json!({ "entered_by": null }),
            "/fact/entered_by",
            "schema-type-mismatch",
        ),
        (json!({ "CANARY": 1 }), "/fact", "schema-unknown-field"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_finding_names_its_field_and_repeats_nothing() {
    // Goal: a sender finds what to mend, and no answer repeats what it was sent. Method: a fact
    // with one member wrong, for each way to be wrong, with a word that stands nowhere else.
    let gateway = with_county().await;
    for (more, at, code) in misfits() {
        let (status, refused) = gateway
            .ask("county", "PUT", "/v1/facts/f-1", fact(&more))
            .await;
        assert_eq!(status, 422, "{more}: {refused}");
        let found = refused["findings"].as_array().expect("findings");
        let named = found.iter().any(|finding| {
            let path = finding["path"].as_str().unwrap_or_default();
            path.starts_with(at)
                && finding["code"]
                    .as_str()
                    .is_some_and(|it| it.starts_with(code))
        });
        assert!(named, "{more}: {refused}");
        assert!(!refused.to_string().contains("CANARY"), "{refused}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_hours_takes_no_day_behind_its_end() {
    // Goal: nobody is shown an emergency for longer than it counts. Method: a provider's, with days
    // around the end of its hours.
    let provider =
        format!("role = \"health_provider\"\nmode = \"test\"\nasserts = [\"emergency\"]\n{SENDER}");
    let gateway = Gateway::start_with_partners(&[("clinic", &provider)], |_| {}).await;
    let day = |hours: i64| {
        let now = Timestamp(SystemClock.now().0 + hours * 3_600_000_000);
        local_day(now).to_string()
    };
    for (name, hours, status) in [
        ("to", 0, 200),
        ("to", 23, 200),
        ("to", 49, 422),
        ("to", 72, 422),
        ("from", 49, 422),
    ] {
        let mut body = json!({
            "subject": { "system": "urn:example:family-id", "value": "F-1001" },
            "fact": { "kind": "emergency", "value": true, "source": "observation",
                      "entered_by": "ana" }
        });
        body["fact"][name] = json!(day(hours));
        let (got, told) = gateway.ask("clinic", "PUT", "/v1/facts/e-1", body).await;
        assert_eq!(got, status, "{name} {hours}: {told}");
        if status == 422 {
            let found = &told["findings"][0];
            assert_eq!(found["path"], format!("/fact/{name}"), "{told}");
            assert!(found["fix"].to_string().contains("24 hours"), "{found}");
        }
    }
    gateway.running.shutdown().await;
}
