//! Pulling: a job over HTTP, its manifest, its file whole and in part.

use super::harness::{Gateway, LOOKS_MAX, client, until};
use super::submissions::{contact, fits, hand_in};
use kinbridge::base::digest::Digest;
use kinbridge::base::id::*;
use kinbridge::base::limits::EXTRACTS_OF_REQUESTER_MAX;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::extract::{self, Asked};
use kinbridge::store::{Extract, ExtractPage, ExtractState, NewConsent, StoredRecord};
use serde_json::{Value, json};

/// A county that sends contacts and a state department that pulls them.
async fn with_state() -> Gateway {
    let county = format!(
        "role = \"cws\"\nmode = \"live\"\ncounty_fips = \"06067\"\n\n{}",
        super::harness::SENDER
    );
    let state = "role = \"cdss\"\nmode = \"live\"\n\n[[channel]]\nname = \"pull\"\n\
                 direction = \"pull\"\nformat = \"kinbridge-json/1.0\"\n\
                 records = [\"engagement-contact\"]\npurpose = \"state_reporting\"\n";
    Gateway::start_with_partners(&[("alpha", &county), ("state", state)], |_| {}).await
}

async fn get(gateway: &Gateway, path: &str, range: Option<&str>) -> (u16, Vec<u8>) {
    let mut ask = client().get(gateway.url(path)).bearer_auth("token-state");
    if let Some(range) = range {
        ask = ask.header("range", range);
    }
    let answer = ask.send().await.expect("answer");
    let status = answer.status().as_u16();
    (status, answer.bytes().await.expect("body").to_vec())
}

/// Begins a job and looks until it has ended.
async fn ended(gateway: &Gateway, asked: Value) -> Value {
    let ask = client()
        .post(gateway.url("/v1/extracts"))
        .bearer_auth("token-state");
    let answer = ask.json(&asked).send().await.expect("answer");
    assert_eq!(answer.status(), 202);
    let place = answer.headers()["location"]
        .to_str()
        .expect("text")
        .to_owned();
    until("the end of a job", LOOKS_MAX, async || {
        let (status, body) = get(gateway, &place, None).await;
        assert_eq!(status, 200);
        let job: Value = serde_json::from_slice(&body).expect("json");
        match job["status"] == "running" {
            true => Err(job),
            false => Ok(job),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_has_a_form() {
    // Goal: a body that says nothing is not taken for one that asks for everything. Method: bodies
    // of other forms.
    let gateway = with_state().await;
    for body in [json!([]), json!(null), json!("x"), json!({"record": []})] {
        let ask = client().post(gateway.url("/v1/extracts"));
        let answer = ask.bearer_auth("token-state").json(&body).send().await;
        assert_eq!(answer.expect("answer").status(), 422, "{body}");
    }
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_what_its_manifest_says() {
    // Goal: lengths and hashes hold, and a broken download goes on where it stopped. Method: one
    // record of a county, pulled by the state whole and from the middle.
    let gateway = with_state().await;
    let sent = hand_in(&gateway, "", &[], contact("c-1").to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let job = ended(&gateway, json!({ "records": ["engagement-contact"] })).await;
    fits(&gateway, "Extract", &job).await;
    let file = &job["manifest"]["files"][0];
    assert_eq!(file["records"], 1, "{job}");
    let id = job["extract_id"].as_str().expect("id");
    let path = format!(
        "/v1/extracts/{id}/files/{}",
        file["name"].as_str().expect("name")
    );
    let (status, whole) = get(&gateway, &path, None).await;
    assert_eq!(status, 200);
    assert_eq!(whole.len() as u64, file["bytes"].as_u64().expect("bytes"));
    assert_eq!(
        Digest::of(&whole).to_hex(),
        file["sha256"].as_str().expect("hash")
    );
    let (status, rest) = get(&gateway, &path, Some("bytes=10-")).await;
    assert_eq!((status, rest.as_slice()), (206, &whole[10..]));
    let beyond = format!("bytes={}-", whole.len());
    assert_eq!(get(&gateway, &path, Some(&beyond)).await.0, 416);
    assert_eq!(get(&gateway, &path, Some("bytes=0-5")).await.0, 400);
    let other = format!("/v1/extracts/{id}/files/other.ndjson");
    assert_eq!(get(&gateway, &other, None).await.0, 404);
    gateway.running.shutdown().await;
    every_decision_comes_out_again(gateway.folder.path());
}

/// Takes the recorded decisions again by the executable, beside nobody.
fn every_decision_comes_out_again(folder: &std::path::Path) {
    let config = kinbridge::config::Config::on_loopback(folder).expect("settings");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_kinbridge"))
        .args(["ledger", "replay", "--output", "json", "--database"])
        .arg(config.database_file())
        .arg("--master-key")
        .arg(config.master_key_file())
        .output()
        .expect("runs");
    assert!(run.status.success(), "{run:?}");
    let told: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(told["differences"], 0);
    assert_eq!(told["rule_sets"], 1);
    assert!(told["rows"].as_u64().is_some_and(|rows| rows > 3), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_gives_only_what_it_is_open_for() {
    // Goal: no record type by asking for it. Method: a type the pull channel does not carry.
    let gateway = with_state().await;
    let ask = client()
        .post(gateway.url("/v1/extracts"))
        .bearer_auth("token-state");
    let answer = ask
        .json(&json!({ "records": ["family-case"] }))
        .send()
        .await
        .expect("answer");
    assert_eq!(answer.status(), 403);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_pull_channels_the_named_one_is_meant() {
    // Goal: who has a channel for emergencies beside another reaches both. Method: both, the
    // emergency door's first in the file; unnamed, each by name, and a name nobody has.
    let pull = |name: &str, purpose: &str| {
        format!(
            "[[channel]]\nname = \"{name}\"\ndirection = \"pull\"\n\
             format = \"kinbridge-json/1.0\"\nrecords = [\"engagement-contact\"]\n\
             purpose = \"{purpose}\"\n"
        )
    };
    let file = format!(
        "role = \"health_provider\"\nmode = \"live\"\n\n{}{}",
        pull("er", "medical_emergency"),
        pull("care", "treatment")
    );
    let gateway = Gateway::start_with_partners(&[("state", &file)], |_| {}).await;
    for (asked, meant) in [
        (json!({}), "care"),
        (json!({ "channel": "care" }), "care"),
        (json!({ "channel": "er" }), "er"),
    ] {
        let job = ended(&gateway, asked).await;
        assert_eq!(job["manifest"]["parameters"]["channel"], meant, "{job}");
    }
    let ask = client()
        .post(gateway.url("/v1/extracts"))
        .bearer_auth("token-state");
    let answer = ask.json(&json!({ "channel": "nobodys" })).send().await;
    assert_eq!(answer.expect("answer").status(), 403);
    gateway.running.shutdown().await;
}

/// Begins a job without anybody writing it.
async fn begun(gateway: &Gateway) -> Extract {
    let inner = &gateway.running.gateway;
    let rules = inner.rules.load_full();
    let state = &rules.partners[&PartnerId::new("state")];
    let stamp = (inner.clock.now(), CorrelationId::new("corr"));
    let all = Asked::default();
    let begun = extract::begin(&inner.store, &rules, state, &all, stamp);
    begun.await.expect("begun")
}

/// The one record a job sees.
async fn only_record(gateway: &Gateway, job: &Extract) -> StoredRecord {
    let page = ExtractPage {
        requester: job.requester.clone(),
        channel: ChannelId::new("pull"),
        position: job.position,
        test: job.test,
        record_type: RecordType::new("engagement-contact"),
        after: None,
        limit: 9,
    };
    let seen = gateway.running.gateway.store.extract_page(&page).await;
    let row = seen.expect("page").rows.into_iter().next();
    row.expect("a record").record
}

async fn lodge(gateway: &Gateway, record: &StoredRecord) {
    let consent = NewConsent {
        consent_id: ConsentId::new("c-1"),
        partner: PartnerId::new("alpha"),
        subject: record.persons[0].person,
        // One that neither opens nor refuses: the record still goes.
        body: Sensitive::new(b"{\"type\": \"permit\"}".to_vec()),
        at: gateway.running.gateway.clock.now(),
        correlation_id: CorrelationId::new("corr"),
    };
    let lodged = gateway.running.gateway.store.put_consent(consent).await;
    lodged.expect("lodged");
}

async fn write(gateway: &Gateway, job: &Extract) -> ExtractState {
    let inner = &gateway.running.gateway;
    let rules = inner.rules.load_full();
    let written = extract::write(&inner.store, &rules, job).await;
    written.expect("written");
    let found = extract::find(&inner.store, &job.requester, job.extract_id).await;
    found.expect("read").expect("known").0.state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_after_the_job_gives_it_up() {
    // Goal: a job never decides on consents that changed after it was made, even when it reads them
    // anew. Method: make it, change a consent, write it; then one that nothing disturbs.
    let gateway = with_state().await;
    let sent = hand_in(&gateway, "", &[], contact("c-1").to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let job = begun(&gateway).await;
    lodge(&gateway, &only_record(&gateway, &job).await).await;
    assert_eq!(write(&gateway, &job).await, ExtractState::Abandoned);
    let job = begun(&gateway).await;
    assert_eq!(write(&gateway, &job).await, ExtractState::Ready);
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_served_only_while_its_consents_stand() {
    // Goal: a stale job says so and serves nothing; what was fetched is confirmed in the
    // accounting. Method: fetch a file, change a consent of a person in it, fetch again.
    let gateway = with_state().await;
    let sent = hand_in(&gateway, "", &[], contact("c-1").to_string()).await;
    assert_eq!(sent.status, 202, "{}", sent.body);
    let job = begun(&gateway).await;
    assert_eq!(write(&gateway, &job).await, ExtractState::Ready);
    let place = format!("/v1/extracts/{}", job.extract_id);
    let file = format!("{place}/files/engagement-contact.ndjson");
    assert_eq!(get(&gateway, &file, None).await.0, 200);
    let record = only_record(&gateway, &job).await;
    let store = &gateway.running.gateway.store;
    let person = record.persons[0].person;
    let accounted = store.disclosures(person, None, 9).await.expect("page");
    assert_eq!(accounted.disclosures.len(), 1);
    assert_eq!(accounted.disclosures[0].partner, PartnerId::new("state"));
    lodge(&gateway, &record).await;
    let (status, body) = get(&gateway, &file, None).await;
    let problem: Value = serde_json::from_slice(&body).expect("json");
    assert_eq!((status, &problem["code"]), (409, &json!("extract-stale")));
    let (_, body) = get(&gateway, &place, None).await;
    let shown: Value = serde_json::from_slice(&body).expect("json");
    assert_eq!(shown["status"], "stale");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requester_waits_for_its_own_jobs() {
    // Goal: too many jobs are refused with a time to come back. Method: as many as may be under
    // way, which nobody writes, and one more over HTTP.
    let gateway = with_state().await;
    for _ in 0..EXTRACTS_OF_REQUESTER_MAX {
        begun(&gateway).await;
    }
    let ask = client()
        .post(gateway.url("/v1/extracts"))
        .bearer_auth("token-state");
    let answer = ask.json(&json!({})).send().await.expect("answer");
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().contains_key("retry-after"));
    gateway.running.shutdown().await;
}
