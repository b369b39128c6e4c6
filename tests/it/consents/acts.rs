//! Goal: over the API a consent is confirmed only by who may, revoked by any means at once, ended
//! by its event; strangers learn nothing. Method: two partners and a stranger about one person.

use crate::web::harness::{Gateway, SENDER};
use crate::web::holdings::{in_county, lodging};
use crate::web::stored::COUNTY;
use serde_json::{Value, json};

pub(super) fn paper() -> Value {
    let mut body = lodging();
    body["consent"]["elements"] = json!([
        "description",
        "recipient",
        "purpose",
        "expiration",
        "signature",
        "date"
    ]);
    body["consent"]["discloser_ids"] = json!(["beta"]);
    body["capture"] = json!({ "method": "paper_scan", "keyed_by": "w-1", "second_look_by": "w-2" });
    body
}

async fn world() -> (Gateway, String) {
    let partners = [("alpha", SENDER), ("beta", SENDER), ("gamma", SENDER)];
    let gateway = Gateway::start_with_partners(&partners, |_| {}).await;
    let (status, told) = gateway
        .ask("alpha", "PUT", "/v1/consents/c1", paper())
        .await;
    assert_eq!((status, &told["counts"]), (200, &json!(true)), "{told}");
    // Beta is a source about the person: it has lodged a consent of its own.
    let (status, _) = gateway.ask("beta", "PUT", "/v1/consents/b1", paper()).await;
    assert_eq!(status, 200);
    let id = told["registry_id"].as_str().expect("an id").to_owned();
    (gateway, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_confirms_and_a_stranger_finds_nothing() {
    let (gateway, id) = world().await;
    let path = format!("/v1/consents/{id}/confirm");
    let subject = paper()["subject"].clone();
    let entered = json!({ "entered_by": "w-17", "subject": subject });
    let (status, stranger) = gateway.ask("gamma", "POST", &path, entered.clone()).await;
    assert_eq!(status, 404);
    let nobody = "/v1/consents/con_00000000000000000000000000000000/confirm";
    let (_, unknown) = gateway.ask("gamma", "POST", nobody, entered.clone()).await;
    assert_eq!(stranger["code"], unknown["code"]);
    assert_eq!(gateway.ask("beta", "POST", &path, json!({})).await.0, 422);
    // Whose it is must be known: another's identifier finds nothing, one of nobody's neither.
    let mut other = entered.clone();
    other["subject"]["value"] = json!("F-2002");
    assert_eq!(gateway.ask("beta", "POST", &path, other).await.0, 404);
    assert_eq!(gateway.ask("beta", "POST", &path, entered).await.0, 200);
    let (_, own) = gateway
        .ask("alpha", "GET", "/v1/consents/c1", Value::Null)
        .await;
    assert_eq!(own["confirmed"][0]["by"], "beta", "{own}");
    assert_eq!(own["capture"]["keyed_by"], "w-1");
    // The paper names beta as discloser: it reads the paper, not whose id it has or who keyed it.
    let by_id = format!("/v1/consents/{id}");
    let (status, seen) = gateway.ask("beta", "GET", &by_id, Value::Null).await;
    assert_eq!(
        (status, &seen["consent_id"], &seen["capture"]),
        (200, &Value::Null, &Value::Null)
    );
    assert_eq!(
        gateway.ask("gamma", "GET", &by_id, Value::Null).await.0,
        404
    );
    // Said again it is the same revision, and who stands behind it still does.
    let (_, told) = gateway
        .ask("alpha", "PUT", "/v1/consents/c1", paper())
        .await;
    assert_eq!(told["revision"], 1, "{told}");
    let (_, own) = gateway
        .ask("alpha", "GET", "/v1/consents/c1", Value::Null)
        .await;
    assert_eq!(own["confirmed"][0]["by"], "beta", "{own}");
    // A new revision needs a new word, also where only how it was taken is another.
    let mut anew = paper();
    anew["capture"]["second_look_by"] = json!("w-3");
    let (_, told) = gateway.ask("alpha", "PUT", "/v1/consents/c1", anew).await;
    assert_eq!(told["revision"], 2, "{told}");
    let (_, own) = gateway
        .ask("alpha", "GET", "/v1/consents/c1", Value::Null)
        .await;
    assert_eq!(own["confirmed"], json!([]));
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_counts_from_when_it_was_told_by_whatever_means() {
    let (gateway, id) = world().await;
    let path = format!("/v1/consents/{id}/revoke");
    let told = |at: &str| json!({ "means": "oral", "told_at": at, "told_to": "w-3" });
    let (status, problem) = gateway
        .ask("alpha", "POST", &path, told("2199-01-01"))
        .await;
    assert_eq!(
        (status, &problem["findings"][0]["path"]),
        (422, &json!("/told_at"))
    );
    let officer = gateway
        .ask("privacy_officer", "POST", &path, told("2026-03-02"))
        .await;
    assert_eq!(officer.0, 200, "{}", officer.1);
    let (_, own) = gateway
        .ask("alpha", "GET", "/v1/consents/c1", Value::Null)
        .await;
    assert_eq!(own["state"], "revoked");
    let at = own["revoked_at"].as_str().expect("an instant");
    assert!(at.starts_with("2026-03-02"), "{at}");
    let history = "/v1/consents/c1/history";
    let (_, told) = gateway.ask("alpha", "GET", history, Value::Null).await;
    assert_eq!(told["revisions"][1]["change"], "revoked");
    assert_eq!(told["revisions"][1]["told"]["means"], "oral");
    assert_eq!(
        gateway.ask("beta", "GET", history, Value::Null).await.0,
        404
    );
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_ends_with_its_own_event_and_with_no_other() {
    let (gateway, _) = world().await;
    let mut team = paper();
    team["consent"]["kind"] = json!("cft_roi");
    team["consent"]["end"] = Value::Null;
    team["consent"]["ends_on_event"] = json!("cft_participation_ends");
    let (_, told) = gateway.ask("alpha", "PUT", "/v1/consents/c2", team).await;
    assert_eq!(told["counts"], json!(true), "{told}");
    let happened = |event: &str, on: &str| json!({ "event": event, "on": on, "entered_by": "w-1" });
    let path = "/v1/consents/c2/ended";
    let end = "cft_participation_ends";
    let other = gateway
        .ask("alpha", "POST", path, happened("case_closes", "2026-03-02"))
        .await;
    assert_eq!(other.0, 409);
    let later = gateway
        .ask("alpha", "POST", path, happened(end, "2199-01-01"))
        .await;
    assert_eq!(later.0, 422);
    let (_, shown) = gateway
        .ask("alpha", "GET", "/fhir/Consent/c2", Value::Null)
        .await;
    assert_eq!(shown["status"], "active", "{shown}");
    let ended = gateway
        .ask("alpha", "POST", path, happened(end, "2026-03-02"))
        .await;
    assert_eq!(ended.0, 200, "{}", ended.1);
    let (_, own) = gateway
        .ask("alpha", "GET", "/v1/consents/c2", Value::Null)
        .await;
    assert_eq!(
        (&own["state"], &own["ended_on"]),
        (&json!("ended"), &json!("2026-03-02"))
    );
    let (_, shown) = gateway
        .ask("alpha", "GET", "/fhir/Consent/c2", Value::Null)
        .await;
    assert_eq!(shown["status"], "inactive", "{shown}");
    let of = "/v1/consents?state=ended";
    let (_, list) = gateway.ask("alpha", "GET", of, Value::Null).await;
    assert_eq!(list["consents"].as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list["consents"][0]["consent_id"], "c2");
    let (status, _) = gateway
        .ask("alpha", "GET", "/v1/consents?state=x", Value::Null)
        .await;
    assert_eq!(status, 400);
    gateway.running.shutdown().await;
}

const TREATMENT: &str = "role = \"sud_program\"\nmode = \"test\"\n\n";

/// Ids of the others' consents a county is told of.
async fn told_to_the_county(gateway: &Gateway) -> Vec<Value> {
    let list = "/v1/consents?state=lodged";
    let (status, list) = gateway.ask("county", "GET", list, Value::Null).await;
    assert_eq!(status, 200, "{list}");
    let rows = list["consents"].as_array().expect("rows").iter();
    let others = rows.filter(|row| row["lodged_by"] != "county");
    others.map(|row| row["registry_id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_tells_no_county_what_others_hold() {
    // Goal: neither a county's own lodging nor the list says whether somebody behind the wall or a
    // treatment program knows a person; of others' papers it sees those it may know of, without
    // who of two signed. Method: the same person, records of one source after another.
    let treatment = TREATMENT.to_owned() + SENDER;
    let partners = [
        ("county", COUNTY),
        ("alpha", SENDER),
        ("beta", SENDER),
        ("program", treatment.as_str()),
    ];
    let gateway = Gateway::start_with_partners(&partners, |_| {}).await;
    let store = &gateway.running.gateway.store;
    let mut plain = paper();
    let members = plain["consent"].as_object_mut().expect("an object");
    members.remove("discloser_ids");
    plain["consent"]["grantor_id"] = json!("g-1");
    let mut part2 = plain.clone();
    part2["consent"]["kind"] = json!("part2_specific");
    let mut named = part2.clone();
    named["consent"]["discloser_ids"] = json!(["county"]);
    let mut ids = Vec::new();
    for (who, id, paper) in [
        ("county", "own", &plain),
        ("beta", "plain", &plain),
        ("alpha", "part2", &part2),
        ("program", "plain", &plain),
        ("alpha", "named", &named),
    ] {
        let path = format!("/v1/consents/{id}");
        let (status, told) = gateway.ask(who, "PUT", &path, paper.clone()).await;
        assert_eq!(status, 200, "{told}");
        ids.push(told["registry_id"].clone());
    }
    let own = "/v1/consents/own";
    let (_, nothing) = gateway.ask("county", "GET", own, Value::Null).await;
    let hidden = [
        ("alpha", Some("prevention")),
        ("alpha", None),
        ("program", Some("case")),
    ];
    for (source, service) in hidden {
        in_county(store, source, ("06067", service)).await;
        let (_, told) = gateway.ask("county", "GET", own, Value::Null).await;
        assert_eq!(told, nothing, "{source} {service:?}");
        let seen = told_to_the_county(&gateway).await;
        assert!(!seen.contains(&ids[1]), "{source} {service:?}");
        let by_id = format!("/v1/consents/{}", ids[1].as_str().expect("an id"));
        let (status, _) = gateway.ask("county", "GET", &by_id, Value::Null).await;
        assert_eq!(status, 404, "{source} {service:?}");
    }
    in_county(store, "alpha", ("06067", Some("case"))).await;
    let (_, told) = gateway.ask("county", "GET", own, Value::Null).await;
    assert_eq!(told, nothing, "nor of what it may know of otherwise");
    let mut seen = told_to_the_county(&gateway).await;
    seen.retain(|id| *id != ids[4]);
    assert_eq!(seen, [ids[1].clone()]);
    for (at, status) in [(1, 200), (2, 404), (3, 404), (4, 200)] {
        let by_id = format!("/v1/consents/{}", ids[at].as_str().expect("an id"));
        let (found, told) = gateway.ask("county", "GET", &by_id, Value::Null).await;
        assert_eq!(found, status, "{at}: {told}");
        assert!(!told.to_string().contains("g-1"), "{told}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_look_is_a_second_humans_and_a_digest_is_one_in_any_letters() {
    // Goal: the same rules as of a fact. Method: one name in other letters, one digest likewise.
    let (gateway, _) = world().await;
    for (second, digest, taken) in [
        (" W-1 ", "ab".repeat(32), 422),
        ("w-2", "ab".repeat(32), 200),
        ("w-2", "AB".repeat(32), 200),
        ("w-2", "xy".repeat(32), 422),
    ] {
        let mut body = paper();
        body["capture"]["second_look_by"] = json!(second);
        body["capture"]["document_sha256"] = json!(digest);
        let (status, told) = gateway.ask("alpha", "PUT", "/v1/consents/c3", body).await;
        assert_eq!(status, taken, "{second} {digest}: {told}");
    }
    gateway.running.shutdown().await;
}
