//! Goal: what each office may do, and what the ledger holds of it. Method: held records and a
//! person put into the store, asked for by every kind of operator; then the ledger is read.

use super::harness::{Gateway, client};
use crate::store::world;
use kinbridge::base::id::PersonId;
use kinbridge::store::{HoldCause, Store};
use serde_json::{Value, json};

/// Every entry of the ledger so far, as JSON.
async fn ledger(store: &Store) -> Vec<Value> {
    store.sequence().await.expect("sequenced");
    let entries = store.ledger_page(0, 500).await.expect("read");
    let parse = |body: &Vec<u8>| serde_json::from_slice(body).expect("JSON");
    entries.iter().map(|entry| parse(&entry.body)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_accounting_needs_a_reason_and_is_itself_on_record() {
    let gateway = Gateway::start().await;
    let store = gateway.running.gateway.store.clone();
    let person = store
        .ensure_person(
            &kinbridge::base::id::PartnerId::new("program"),
            &"urn:example:a|1".into(),
            false,
        )
        .await;
    let person = person.expect("made");
    let read = async |named: &str, reason: Option<&str>| {
        let mut ask = client()
            .get(gateway.url(&format!("/v1/disclosures?person={named}")))
            .bearer_auth("token-auditor");
        if let Some(reason) = reason {
            ask = ask.header("Kinbridge-Reason", reason);
        }
        ask.send().await.expect("answer").status().as_u16()
    };
    let known = person.to_string();
    let long = "x".repeat(2_001);
    for reason in [None, Some(""), Some("  "), Some(long.as_str())] {
        assert_eq!(read(&known, reason).await, 400, "{reason:?}");
    }
    let why = Some("la familia pregunta, año 2026");
    assert_eq!(read(&known, why).await, 200);
    assert_eq!(read("urn:example:a%7C1", why).await, 200);
    let nobody = PersonId([7; 16]).to_string();
    for unknown in [nobody.as_str(), "urn:example:a%7C2", "nonsense"] {
        assert_eq!(read(unknown, why).await, 404, "{unknown}");
    }
    let entries = ledger(&store).await;
    let read = entries.iter().filter(|e| e["action"] == "accounting_read");
    let read: Vec<&Value> = read.collect();
    assert_eq!(read.len(), 2);
    for entry in read {
        assert_eq!(entry["operator"], "auditor");
        assert_eq!(entry["target"], json!(known));
        assert_eq!(entry["reason"], json!(why));
    }
    drop(store);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_law_wants_looked_at_is_a_privacy_officers_alone() {
    let gateway = Gateway::start().await;
    let store = gateway.running.gateway.store.clone();
    let causes = [
        (HoldCause::HumanReview, 403),
        (HoldCause::IdentityAmbiguous, 403),
        (HoldCause::AddresseeUnknown, 200),
    ];
    let records = (0_u32..).zip(causes).map(|(index, (cause, _))| {
        let mut record = world::record(index, &format!("held-{index}"), "one");
        record.hold = Some(cause);
        record
    });
    let submission = world::submission(None, "one", records.collect());
    store.accept(submission).await.expect("accepted");
    let items = store.work_items(None, None, 9).await.expect("items");
    let id = |cause| {
        let item = items.iter().find(|item| item.cause == cause);
        item.expect("an item").work_item_id
    };
    let joined = json!({ "resolution": "join_persons", "reason": "one child" });
    let path = format!("/v1/work-items/{}/resolve", id(HoldCause::AddresseeUnknown));
    let (status, _) = gateway
        .ask("integrator", "POST", &path, joined.clone())
        .await;
    assert_eq!(status, 403, "who is whom is not an integrator's to say");
    for (cause, expected) in causes {
        let path = format!("/v1/work-items/{}/resolve", id(cause));
        for word in ["release", "discard"] {
            let body = json!({ "resolution": word, "reason": "seen" });
            let (status, told) = gateway.ask("integrator", "POST", &path, body.clone()).await;
            assert_eq!(status, expected, "{cause:?} {word}: {told}");
            if expected == 200 {
                break;
            }
        }
        if expected == 403 {
            let body = json!({ "resolution": "discard", "reason": "seen" });
            let (status, told) = gateway
                .ask("privacy_officer", "POST", &path, body.clone())
                .await;
            assert_eq!(status, 200, "{cause:?}: {told}");
        }
    }
    drop(store);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_rules_read_again_is_on_record() {
    let gateway = Gateway::start().await;
    let store = gateway.running.gateway.store.clone();
    gateway
        .running
        .reload()
        .await
        .expect("reloaded by a signal");
    let body = json!({ "reason": "a new partner" });
    let (status, _) = gateway
        .ask("integrator", "POST", "/v1/rules/reload", body.clone())
        .await;
    assert_eq!(status, 200);
    let digest = gateway.running.gateway.rules.load().digest.clone();
    let entries = ledger(&store).await;
    let reloads = entries.iter().filter(|e| e["action"] == "rules_reload");
    let told = reloads.map(|e| {
        (
            e["kind"].clone(),
            e["operator"].clone(),
            e["target"].clone(),
        )
    });
    let told: Vec<_> = told.collect();
    let target = json!(digest.as_str());
    let by_signal = (json!("system"), Value::Null, target.clone());
    let by_operator = (json!("operator"), json!("integrator"), target);
    assert_eq!(told, [by_signal, by_operator]);
    drop(store);
    gateway.running.shutdown().await;
}
