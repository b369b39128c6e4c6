//! Goal: who may see why is told why, in both languages, says a reason that stands in the ledger,
//! and is shown no value of a record. Method: a county whose delivery was decided by the gateway
//! itself, a refusal of the family's, and everybody who asks.

use super::harness::{Gateway, LOOKS_MAX, SENDER, client, until};
use super::stored::COUNTY;
use super::submissions::{contact, fits, hand_in};
use crate::facts::{entered, said};
use kinbridge::base::clock::{Clock as _, SystemClock};
use kinbridge::base::id::{ConsentId, CorrelationId, DeliveryId, PartnerId, RecordId};
use kinbridge::base::sensitive::Sensitive;
use kinbridge::store::NewConsent;
use serde_json::{Value, json};

/// A gateway, the record that was handed in and its delivery once it was decided.
async fn world() -> (Gateway, String, String) {
    let sender = format!(
        "\n[[agreement]]\nid = \"4\"\nkind = \"county_contract\"\nwith = \"county\"\n{SENDER}"
    );
    // Nobody listens there: what is decided stays in the gateway.
    let county = COUNTY.replace("https://county.example", "https://127.0.0.1:9");
    let partners = [
        ("alpha", sender.as_str()),
        ("beta", SENDER),
        ("county", county.as_str()),
    ];
    let gateway = Gateway::start_with_partners(&partners, |_| {}).await;
    let mut contact = contact("c-1");
    contact["envelope"]["county_fips"] = json!("06067");
    contact["body"]["narrative"] = json!("Zilpha Quintrell");
    let sent = hand_in(&gateway, "", &[], contact.to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let record = sent.body["records"][0]["record_id"].as_str().expect("id");
    let submission = sent.body["submission_id"].as_str().expect("id");
    let path = format!("/v1/submissions/{submission}");
    let delivery = until("a decision", LOOKS_MAX, async || {
        let told = get(&gateway, &path, "alpha", None).await.1;
        let delivery = told["records"][0]["deliveries"][0].clone();
        match (
            delivery["attempts"].as_u64(),
            delivery["delivery_id"].as_str(),
        ) {
            (Some(1..), Some(id)) => Ok(id.to_owned()),
            _ => Err(delivery),
        }
    });
    let delivery = delivery.await;
    (gateway, record.to_owned(), delivery)
}

async fn get(gateway: &Gateway, path: &str, who: &str, reason: Option<&str>) -> (u16, Value) {
    let mut ask = client()
        .get(gateway.url(path))
        .bearer_auth(format!("token-{who}"));
    if let Some(reason) = reason {
        ask = ask.header("Kinbridge-Reason", reason);
    }
    let answer = ask.send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

/// What the privacy officer is told.
async fn post(gateway: &Gateway, body: &Value) -> (u16, Value) {
    let ask = client()
        .post(gateway.url("/v1/decisions"))
        .bearer_auth("token-privacy_officer")
        .json(body);
    let answer = ask.send().await.expect("answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

/// Looks at decisions in the ledger, in order.
async fn looks(gateway: &Gateway) -> Vec<Value> {
    let store = &gateway.running.gateway.store;
    let page = store.ledger_page(0, 500).await.expect("entries");
    let bodies = page.into_iter().map(|entry| entry.body);
    let entries = bodies.map(|body| serde_json::from_slice::<Value>(&body).expect("JSON"));
    entries
        .filter(|entry| entry["action"] == "decision_read")
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_decision_is_told_in_full_to_those_who_say_why_they_look() {
    let (gateway, record, delivery) = world().await;
    let path = format!("/v1/deliveries/{delivery}/decision");
    for officer in ["privacy_officer", "auditor"] {
        let (status, told) = get(&gateway, &path, officer, Some("the family asks")).await;
        assert_eq!(status, 200, "{told}");
        fits(&gateway, "PastDecision", &told).await;
        assert_eq!(told["as_recorded"], json!(true), "{told}");
        assert_eq!(told["record_id"], json!(record));
        assert_eq!(told["partner"], json!("county"));
        let rows = told["trace"].as_array().expect("rows");
        assert!(!rows.is_empty());
        for row in rows {
            for word in ["reason", "reason_es", "citation", "person", "person_id"] {
                assert!(
                    row[word].as_str().is_some_and(|text| !text.is_empty()),
                    "{row}"
                );
            }
            assert!(row["facts"].as_array().is_some_and(|all| !all.is_empty()));
        }
        assert!(!told["facts"].as_array().expect("facts").is_empty());
        assert!(!told.to_string().contains("Quintrell"));
        let look = looks(&gateway).await.pop().expect("the look is recorded");
        assert_eq!(
            (&look["operator"], &look["target"], &look["reason"]),
            (&json!(officer), &json!(delivery), &json!("the family asks"))
        );
    }
    for reason in [None, Some(" ")] {
        let (status, problem) = get(&gateway, &path, "privacy_officer", reason).await;
        assert_eq!(
            (status, &problem["code"]),
            (400, &json!("parameter-invalid"))
        );
    }
    assert_eq!(get(&gateway, &path, "alpha", Some("mine")).await.0, 403);
    assert_eq!(get(&gateway, &path, "county", Some("mine")).await.0, 403);
    assert_eq!(
        get(&gateway, &path, "integrator", Some("mine")).await.0,
        403
    );
    let unknown = format!("/v1/deliveries/{}/decision", DeliveryId([9; 16]));
    let nobody = get(&gateway, &unknown, "auditor", Some("a look")).await;
    assert_eq!(nobody.0, 404);
    assert_eq!(looks(&gateway).await.len(), 2, "nothing more was looked at");
    gateway.running.shutdown().await;
}

/// The program's own release has ended and a parent's counts no more, whose rights have; another
/// program's has no say, its refusal counts.
async fn lodge_papers(gateway: &Gateway, record: &str) {
    let release = |more: Value| {
        let mut paper = json!({
            "kind": "general_roi", "type": "permit", "grantor": "self", "classes": ["demographics"],
            "recipients": ["cws"], "purposes": ["care_coordination"], "signed": "2024-03-01",
            "start": "2024-03-01", "end": "2024-12-31", "revoked": null
        });
        for (name, value) in more.as_object().expect("members") {
            paper[name] = value.clone();
        }
        crate::release::complete(&paper.to_string())
    };
    let refusal = json!({ "kind": "privacy_directive", "type": "deny", "end": null });
    // Nobody can say of it that it permits: it may refuse what is not demographics, too.
    let unclear = json!({
        "kind": "general_roi", "type": "NO", "grantor": "self", "classes": ["demographics"],
        "signed": "2024-03-01",
    });
    let store = &gateway.running.gateway.store;
    let id = RecordId::parse(record).expect("an id");
    let stored = store.record(id).await.expect("read").expect("there");
    let (person, now) = (stored.persons[0].person, SystemClock.now());
    let rights = said("parental_rights", json!("terminated"), ("county", now));
    let told = store
        .put_fact(entered("rights", person, &rights, now))
        .await;
    told.expect("kept");
    for (by, id, body) in [
        ("alpha", "ended", release(json!({}))),
        (
            "alpha",
            "signer",
            release(json!({ "grantor": "parent", "end": null })),
        ),
        ("beta", "no-say", release(json!({}))),
        ("beta", "refusal", release(refusal)),
        ("alpha", "unclear", unclear.to_string()),
    ] {
        let lodged = store.put_consent(NewConsent {
            consent_id: ConsentId::new(id),
            partner: PartnerId::new(by),
            subject: person,
            body: Sensitive::new(body.into_bytes()),
            at: now,
            correlation_id: CorrelationId::new("test"),
        });
        lodged.await.expect("lodged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_is_told_of_each_consent_why_it_counts_and_nothing_without_a_reason() {
    let (gateway, record, _) = world().await;
    lodge_papers(&gateway, &record).await;
    let ask = json!({
        "record_id": record, "recipient": "county", "purpose": "care_coordination",
    });
    let (status, problem) = post(&gateway, &ask).await;
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("parameter-invalid"))
    );
    assert_eq!(looks(&gateway).await.len(), 0);
    let mut with = ask.clone();
    with["reason"] = json!("the family asks");
    let (status, told) = post(&gateway, &with).await;
    assert_eq!(status, 200, "{told}");
    fits(&gateway, "Decision", &told).await;
    assert!(told["rule_set"].is_string());
    let asks = told["reviews"].as_array().expect("who asks for a look");
    let row = asks.iter().find(|row| row["by"] == "refusal_unclear");
    let row = row.expect("the paper nobody can read asks for one");
    assert_eq!(row["when"], "before");
    assert!(
        row["reason"]
            .as_str()
            .is_some_and(|why| why.starts_with("a paper on file refuses"))
    );
    for (id, counts, words) in [
        ("ended", false, "it has ended"),
        ("signer", false, "a fact on file ends the say"),
        ("no-say", false, "whoever lodged it cannot open this"),
        ("refusal", true, "it counts"),
    ] {
        let mut papers = told["consents"].as_array().expect("papers").iter();
        let paper = papers.find(|paper| paper["consent_id"] == id);
        let paper = paper.expect("told");
        assert_eq!(
            (&paper["person"], &paper["counts"]),
            (&json!("p1"), &json!(counts))
        );
        assert!(
            paper["en"].as_str().is_some_and(|en| en.starts_with(words)),
            "{paper}"
        );
        assert!(
            paper["es"].as_str().is_some_and(|es| !es.is_empty()),
            "{paper}"
        );
    }
    let mut rows = told["trace"].as_array().expect("rows").iter();
    let refused = rows.find(|row| row["data_class"] == "demographics");
    assert_eq!(
        refused.expect("a row")["unlock"][0]["fact"],
        "refused",
        "{told}"
    );
    let look = looks(&gateway).await.pop().expect("the look is recorded");
    assert_eq!(
        look["target"],
        json!(format!("{record} county care_coordination"))
    );
    gateway.running.shutdown().await;
}
