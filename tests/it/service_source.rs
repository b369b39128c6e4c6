//! Goal: which side of the prevention wall a record stands on is never guessed, and only a consent
//! that counts opens the wall. Method: records that do not say, from a channel that declares it and
//! from one that does not, as FHIR and as canonical JSON, down the road to routing.

use crate::deliver::{Road, lodge};
use crate::facts::{entered, said};
use crate::labels::CONTACT;
use crate::release::{PARTNERS, Paper, decide, paper, rules_with};
use crate::store::world::{START, World, inbound};
use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::PartnerId;
use kinbridge::base::sensitive::Reason;
use kinbridge::intake::{Receipt, accept, dry_run};
use kinbridge::release::Release;
use kinbridge::rules::Rules;
use kinbridge::store::{HoldCause, OperatorAct, RecordStatus, Resolution, Store};
use std::time::Duration;

const REFERRAL: &str = r##"{"resourceType": "ServiceRequest", "id": "r-1", "status": "active",
  "intent": "order", "subject": {"reference": "#p"},
  "contained": [{"resourceType": "Patient", "id": "p", "birthDate": "1990-05-05",
                 "name": [{"family": "Quill"}]}]}"##;

/// A program that sends FHIR, its channel with or without a declaration.
fn rules(declared: &str) -> Rules {
    let hospital = format!(
        r#"
id = "hospital"
name = "A hospital"
role = "mhp"
county_fips = "06067"
mode = "live"
agreement = [
  {{ id = "1", kind = "contract_10850" }}, {{ id = "2", kind = "baa" }},
  {{ id = "3", kind = "qsoa" }} ]
[[channel]]
name = "in"
direction = "in"
format = "fhir-r4/4.0"
records = ["service-referral"]
{declared}
"#
    );
    let mut all = PARTNERS.to_vec();
    all.push(&hospital);
    rules_with(&all)
}

fn told(receipt: &Receipt) -> Vec<&str> {
    let findings = receipt.records.iter().flat_map(|r| &r.findings);
    findings.map(|f| f.code.as_ref()).collect()
}

async fn routed(store: &Store) -> Vec<String> {
    let work = store.claim_routes(10).await.expect("routes");
    let payloads = work.iter().map(|w| w.record.payload.expose(Reason::Test));
    payloads
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .collect()
}

#[tokio::test]
async fn what_nobody_says_is_held_with_a_finding_and_a_work_item() {
    let world = World::new();
    let store = world.open().await;
    let rules = rules("");
    let dry = dry_run(
        &store,
        &rules,
        inbound("hospital", Some("d"), REFERRAL, START),
    )
    .await;
    let dry = serde_json::to_value(dry.expect("a dry run")).expect("JSON");
    assert_eq!(dry["records"][0]["status"], "held");
    assert_eq!(dry["records"][0]["recipients"], serde_json::json!([]));
    let receipt = accept(
        &store,
        &rules,
        inbound("hospital", Some("k"), REFERRAL, START),
    )
    .await;
    let receipt = receipt.expect("a receipt");
    assert_eq!(receipt.records[0].status, RecordStatus::Held);
    assert!(told(&receipt).contains(&"service-source-unknown"));
    let mut findings = receipt.records[0].findings.iter();
    let unknown = findings.find(|f| f.code == "service-source-unknown");
    let path = &unknown.expect("told").path;
    assert!(
        path.contains("extension"),
        "in the sender's notation: {path}"
    );
    let items = store.work_items(None, None, 10).await.expect("items");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].cause, HoldCause::ServiceSourceUnknown);
    assert!(routed(&store).await.is_empty(), "it went on");
}

#[tokio::test]
async fn what_the_partner_file_declares_counts_and_nothing_is_held() {
    let world = World::new();
    let store = world.open().await;
    let rules = rules("service_source = \"prevention\"");
    let receipt = accept(
        &store,
        &rules,
        inbound("hospital", Some("k"), REFERRAL, START),
    )
    .await;
    let receipt = receipt.expect("a receipt");
    assert_eq!(receipt.records[0].status, RecordStatus::Accepted);
    assert!(!told(&receipt).contains(&"service-source-unknown"));
    let records = routed(&store).await;
    assert!(records[0].contains("\"service_source\":\"prevention\""));
}

#[tokio::test]
async fn a_record_that_says_it_itself_is_not_overruled() {
    let world = World::new();
    let store = world.open().await;
    let rules = rules("service_source = \"prevention\"");
    let said = REFERRAL.replace(
        "\"status\": \"active\",",
        "\"status\": \"active\", \"extension\": [{\"url\": \"urn:kinbridge:fhir:service-source\", \
         \"valueCode\": \"case\"}],",
    );
    let receipt = accept(&store, &rules, inbound("hospital", Some("k"), &said, START)).await;
    assert_eq!(receipt.expect("a receipt").counts.accepted, 1);
    assert!(routed(&store).await[0].contains("\"service_source\":\"case\""));
}

#[tokio::test]
async fn a_held_record_let_on_stays_behind_the_wall_until_it_says_otherwise() {
    let road = Road::new().await;
    let unsaid = CONTACT.replace("\"service_source\": \"case\", ", "");
    assert_ne!(unsaid, CONTACT);
    let receipt = road.hand_in("k1", &unsaid).await;
    assert_eq!(receipt.records[0].status, RecordStatus::Held);
    let items = road.store.work_items(None, None, 10).await.expect("items");
    let act = OperatorAct {
        operator: "officer".to_owned(),
        reason: "looked at it".to_owned(),
        at: START,
    };
    let done = road
        .store
        .resolve_work_item(items[0].work_item_id, Resolution::Release, act)
        .await;
    assert_eq!(
        done.expect("the store answers"),
        kinbridge::store::Resolved::Done
    );
    road.drive().await;
    assert!(road.deliveries(&receipt).await.is_empty(), "child welfare");
    // The sender says it: a correction, and the county is asked about.
    let said = road.hand_in("k2", CONTACT).await;
    assert_eq!(said.records[0].status, RecordStatus::Accepted);
    road.drive().await;
    assert_eq!(road.deliveries(&said).await.len(), 1);
}

#[test]
fn the_family_opens_the_wall_only_with_a_consent_that_counts_now() {
    let prevention = CONTACT.replace("\"case\"", "\"prevention\"");
    let record = crate::labels::record("engagement-contact", &prevention);
    let own = r#"{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "self",
      "classes": ["engagement_contact", "demographics", "juvenile_case_file"],
      "recipients": ["cws"], "purposes": ["care_coordination"], "signed": "2026-01-01",
      "start": "2026-01-01", "end": "2026-12-31", "revoked": null}"#;
    let walled = |paper: Paper| match decide(&record, "program", "county", &[paper]) {
        // Behind the wall nobody is even asked.
        Release::Untied(taken) => taken.rows.is_empty(),
        Release::Withheld(_) | Release::Go(_) => false,
        Release::Held(..) => panic!("held"),
    };
    assert!(!walled(paper(2, own)), "a consent in force");
    for (from, to, why) in [
        ("2026-12-31", "2026-03-31", "expired"),
        (
            "\"start\": \"2026-01-01\"",
            "\"start\": \"2026-11-01\"",
            "not begun",
        ),
        (
            "\"revoked\": null",
            "\"revoked\": \"2026-02-01\"",
            "revoked on paper",
        ),
        ("\"end\": \"2026-12-31\"", "\"end\": null", "without an end"),
        (
            "\"grantor\": \"self\"",
            "\"grantor\": \"court\"",
            "not the family's",
        ),
        ("[\"cws\"]", "[\"*\"]", "everyone names nobody"),
        (
            "\"revoked\": null",
            "\"discloser_ids\": [\"food-bank\"]",
            "another's to disclose",
        ),
    ] {
        assert_ne!(own, own.replace(from, to), "{why}");
        assert!(walled(paper(2, &own.replace(from, to))), "{why}");
    }
    let mut revoked = paper(2, own);
    revoked.revoked_at = Some(Timestamp::from_rfc3339("2026-02-01T00:00:00Z").expect("one"));
    assert!(walled(revoked), "revoked in the registry");
    let mut foreign = paper(2, own);
    foreign.lodger = PartnerId::new("county");
    assert!(walled(foreign), "lodged by the recipient");
}

/// A prevention contact of a child born then.
fn prevention(born: &str) -> String {
    let child = format!(
        "{{\"key\": \"child\", \"role\": \"child\", \"birth_date\": \"{born}\", \"identifiers\": \
         [{{\"system\": \"urn:example:person\", \"value\": \"m-1\"}}],"
    );
    let contact = CONTACT.replace("\"case\"", "\"prevention\"");
    let contact = contact.replacen("{\"key\": \"child\", \"role\": \"child\",", &child, 1);
    assert!(contact.contains(born));
    contact.replace("/persons/0/birth_date", "/persons/0/ethnicity")
}

/// How many recipients a prevention contact of a child is queued for, on a consent of the child's
/// and facts of the county's about it.
async fn queued(born: &str, consent: &str, facts: &[(&str, serde_json::Value)]) -> usize {
    let asserts = "asserts = [\"emancipated\", \"parental_rights\", ";
    let files = PARTNERS.iter();
    let files = files.map(|file| file.replace("asserts = [", asserts));
    let files: Vec<String> = files.collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let road = Road::with(&files).await;
    let contact = prevention(born);
    let receipt = road.hand_in("k", &contact).await;
    lodge(&road, "k1", consent).await;
    let known = road
        .store
        .person_by_identifier("urn:example:person|m-1", false);
    let known = known.await.expect("an answer").expect("known");
    for (kind, value) in facts {
        let mut fact = said(kind, value.clone(), ("county", road.now()));
        fact.as_object_mut().expect("members").remove("recipient");
        let done = road.store.put_fact(entered(kind, known, &fact, road.now()));
        done.await.expect("kept");
    }
    road.drive().await;
    road.deliveries(&receipt).await.len()
}

#[tokio::test]
async fn a_family_that_names_the_county_later_has_its_records_go_then() {
    // Goal: a record behind the wall is not lost to the family's later word, goes at most once, and
    // not where its time to go late has run out. Method: routed with nobody named; then the consent
    // is lodged, and again; another record received too long before.
    let road = Road::new().await;
    let paper = r#"{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "parent",
        "classes": ["engagement_contact", "demographics"], "recipients": ["cws"],
        "purposes": ["care_coordination"], "signed": "2026-01-01", "start": "2026-01-01",
        "end": "2099-12-31", "revoked": null}"#;
    let contact = prevention("2012-05-05");
    let old = road.hand_in("k1", &contact).await;
    road.drive().await;
    road.advance(Duration::from_secs(31 * 86_400));
    let another = contact.replace("c-1", "c-2");
    assert_ne!(another, contact);
    let new = road.hand_in("k2", &another).await;
    road.drive().await;
    assert!(road.deliveries(&old).await.is_empty());
    assert!(road.deliveries(&new).await.is_empty());
    for _ in 0..2 {
        lodge(&road, "k1", paper).await;
        road.drive().await;
        assert_eq!(road.deliveries(&new).await.len(), 1);
        assert!(road.deliveries(&old).await.is_empty());
    }
}

#[tokio::test]
async fn who_may_not_sign_opens_no_wall_and_facts_say_who_may() {
    // Goal: routing asks of a signature what every decision asks. Method: one consent that names
    // the county, signed by a parent or by the child; the child's age and the facts of the county
    // change who may.
    let paper = |grantor: &str| {
        format!(
            r#"{{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "{grantor}",
            "classes": ["engagement_contact", "demographics"], "recipients": ["cws"],
            "purposes": ["care_coordination"], "signed": "2026-01-01", "start": "2026-01-01",
            "end": "2026-12-31", "revoked": null}}"#
        )
    };
    let (parent, child) = (paper("parent"), paper("self"));
    let ended = ("parental_rights", serde_json::json!("terminated"));
    let free = ("emancipated", serde_json::json!(true));
    for (born, consent, facts, open) in [
        ("2012-05-05", &parent, vec![], 1),
        ("2012-05-05", &parent, vec![ended], 0),
        ("2000-05-05", &parent, vec![], 0),
        ("2000-05-05", &child, vec![], 1),
        ("2010-05-05", &child, vec![], 0),
        ("2010-05-05", &child, vec![free.clone()], 1),
        ("2010-05-05", &parent, vec![free], 0),
    ] {
        let told = queued(born, consent, &facts).await;
        assert_eq!(told, open, "{born} {consent} {facts:?}");
    }
    // A paper that names partners names them alone, and those only in a role it names.
    for (named, open) in [
        ("\"recipient_ids\": [\"county\"], ", 1),
        ("\"recipient_ids\": [\"clinic\"], ", 0),
    ] {
        let paper = parent.replace("\"purposes\"", &format!("{named}\"purposes\""));
        assert_eq!(queued("2012-05-05", &paper, &[]).await, open, "{named}");
        let another = paper.replace("[\"cws\"]", "[\"lea\"]");
        assert_eq!(queued("2012-05-05", &another, &[]).await, 0, "{named}");
    }
}
