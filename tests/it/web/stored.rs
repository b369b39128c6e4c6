//! Decisions about stored records: who may ask, how deeply they are told, and what answers alike.

use super::harness::{Gateway, SENDER, client};
use super::submissions::{contact, fits, hand_in};
use kinbridge::base::id::RecordId;
use serde_json::{Value, json};

pub const COUNTY: &str = r#"role = "cws"
mode = "test"
simulated = true
county_fips = "06067"

[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]
purpose = "care_coordination"
related_by = ["county"]
https = { url = "https://county.example/inbox" }
"#;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const PURPOSE: &str = "care_coordination";

/// A gateway with a simulated county and one contact of alpha's, the trial of it, and its id.
async fn world() -> (Gateway, Value, String) {
    let sender = format!(
        "\n[[agreement]]\nid = \"4\"\nkind = \"county_contract\"\nwith = \"county\"\n{SENDER}"
    );
    let partners = [
        ("alpha", sender.as_str()),
        ("beta", SENDER),
        ("county", COUNTY),
    ];
    let gateway = Gateway::start_with_partners(&partners, |_| {}).await;
    let mut contact = contact("c-1");
    contact["envelope"]["county_fips"] = json!("06067");
    contact["body"]["narrative"] = json!("Zilpha Quintrell");
    let dry = hand_in(&gateway, "?dry_run=true", &[], contact.to_string()).await;
    let sent = hand_in(&gateway, "", &[], contact.to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let id = sent.body["records"][0]["record_id"].as_str();
    let id = id.expect("an id").to_owned();
    (gateway, dry.body["records"][0]["recipients"][0].clone(), id)
}

/// Who asks about which record toward whom for what.
async fn ask(gateway: &Gateway, who: &str, about: (&str, &str, &str)) -> (u16, Value) {
    let ask = client()
        .post(gateway.url("/v1/decisions"))
        .header("traceparent", TRACE)
        .bearer_auth(format!("token-{who}"));
    let (id, to, purpose) = about;
    let mut body = json!({ "record_id": id, "recipient": to, "purpose": purpose });
    if !["alpha", "beta"].contains(&who) {
        body["reason"] = json!("the family asks");
    }
    let answer = ask.json(&body).send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

#[tokio::test(flavor = "multi_thread")]
async fn sender_and_officers_are_told_what_the_road_would_do() {
    // Goal: the decision about a stored record is the road's own: its sender hears what a dry run
    // tells, officers the reasons too, nobody a value. Method: hand a contact in after a dry run,
    // ask as each.
    let (gateway, trial, id) = world().await;
    let (status, own) = ask(&gateway, "alpha", (&id, "county", PURPOSE)).await;
    assert_eq!(status, 200, "{own}");
    fits(&gateway, "Decision", &own).await;
    for member in ["outcome", "released", "obligations", "citations", "trace"] {
        assert_eq!(own[member], trial[member], "{member}");
    }
    assert!(own["trace"].as_array().is_some_and(|rows| !rows.is_empty()));
    assert!(own["trace"][0]["person"].is_string(), "{own}");
    assert_eq!(own["trace"][0].get("policies"), None);
    for officer in ["privacy_officer", "auditor"] {
        let (status, full) = ask(&gateway, officer, (&id, "county", PURPOSE)).await;
        assert_eq!(status, 200);
        fits(&gateway, "Decision", &full).await;
        for member in ["decision", "permit", "redact", "released"] {
            assert_eq!(full[member], own[member], "{member}");
        }
        assert!(full["trace"][0]["reason"].is_string(), "{full}");
        assert!(full["trace"][0]["policies"].is_array(), "{full}");
        assert!(full["trace"][0]["reason_es"].is_string(), "{full}");
        assert!(full["facts"][0]["es"].is_string(), "{full}");
        let rows = full["trace"].as_array().expect("rows");
        let closed = rows.iter().filter(|row| row["effect"] == "withhold");
        for row in closed {
            let unlock = row["unlock"].as_array().expect("what would open it");
            assert!(unlock.len() <= 2, "{row}");
        }
        assert!(!full.to_string().contains("Quintrell"));
        let (status, none) = ask(&gateway, officer, (&id, "beta", "research")).await;
        assert_eq!((status, &none["related"]), (200, &json!(false)));
        assert_eq!(none["decision"], "deny");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_foreign_unknown_or_unrelated_answers_alike() {
    // Goal: nobody learns from a question whether a record, a partner or a tie exists. Method: a
    // record nobody has against a foreign one, an id of no form, a partner nobody knows, one the
    // record does not concern, a purpose it is not sent for.
    let (gateway, _, id) = world().await;
    let unknown = RecordId([7; 16]).to_string();
    let (status, alike) = ask(&gateway, "alpha", (&unknown, "county", PURPOSE)).await;
    assert_eq!(status, 404);
    for (who, about) in [
        ("beta", (id.as_str(), "county", PURPOSE)),
        ("alpha", ("made-up", "county", PURPOSE)),
        ("alpha", (&id, "nobody", PURPOSE)),
        ("alpha", (&id, "beta", PURPOSE)),
        ("alpha", (&id, "county", "research")),
        ("privacy_officer", (&unknown, "county", PURPOSE)),
    ] {
        let told = ask(&gateway, who, about).await;
        assert_eq!(told, (404, alike.clone()), "{who} {about:?}");
    }
    let (status, _) = ask(&gateway, "integrator", (&id, "county", PURPOSE)).await;
    assert_eq!(status, 403);
    let (status, _) = ask(&gateway, "integrator", (&unknown, "county", PURPOSE)).await;
    assert_eq!(status, 403);
    let (status, problem) = ask(&gateway, "alpha", (&id, "county", "Zilpha")).await;
    assert_eq!(status, 422);
    let told = problem["findings"][0].to_string();
    assert!(
        told.contains("/purpose") && !told.contains("Zilpha"),
        "{told}"
    );
    gateway.running.shutdown().await;
}
