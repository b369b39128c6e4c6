//! The emergency door in the store: given only as committed, told to whom it concerns, and the
//! ledger knows of it what the accounting does.

use super::ledger::verify_after;
use super::world::*;
use kinbridge::base::digest::Digest;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::{Reason, Sensitive};
use kinbridge::store::*;
use std::collections::HashSet;

pub async fn accepted(store: &Store, source: &str) -> EmergencyRow {
    let records = vec![record(0, source, source)];
    let done = store.accept(submission(None, source, records)).await;
    done.expect("accepted");
    let identifier = format!("urn:x|{source}-c");
    let person = store.person_seen_by(&sender(), &identifier, false).await;
    let person = person.expect("read").expect("known");
    let mut rows = on_file(store, person, false).await;
    rows.remove(0)
}

const REFERRAL: &str = "service-referral";

async fn on_file(store: &Store, person: PersonId, test: bool) -> Vec<EmergencyRow> {
    let types = [RecordType::new(REFERRAL)];
    page(store, (person, test), &types, None).await.rows
}

/// One page of two.
async fn page(
    store: &Store,
    (person, test): (PersonId, bool),
    record_types: &[RecordType],
    after: Option<EmergencyCursor>,
) -> EmergencyPage {
    let ask = EmergencyAsk {
        person,
        test,
        record_types,
        after,
        limit: 2,
    };
    store.emergency_records(ask).await.expect("read")
}

#[tokio::test]
async fn every_record_of_the_types_asked_for_is_read_once() {
    // Goal: no record is hidden behind newer ones, and none of another type takes a place. Method:
    // three of a person read by twos, newest first, and a type nobody handed in.
    let world = World::new();
    let store = world.open().await;
    let mut person = None;
    for source in ["a", "b", "c"] {
        let mut one = record(0, source, source);
        one.persons = vec![super::world::person("child", &["urn:x|same"], true)];
        let done = store.accept(submission(None, source, vec![one])).await;
        done.expect("accepted");
        let found = store.person_seen_by(&sender(), "urn:x|same", false).await;
        person = found.expect("read");
    }
    let whom = (person.expect("known"), false);
    let types = [RecordType::new(REFERRAL)];
    let first = page(&store, whom, &types, None).await;
    let second = page(&store, whom, &types, first.next).await;
    assert_eq!((first.rows.len(), second.rows.len()), (2, 1));
    assert!(first.next.is_some() && second.next.is_none());
    let rows = first.rows.iter().chain(&second.rows);
    let rows: HashSet<RecordId> = rows.map(|row| row.record.record_id).collect();
    assert_eq!(rows.len(), 3);
    let other = [RecordType::new("engagement-contact")];
    let other = page(&store, whom, &other, None).await;
    assert!(other.rows.is_empty() && other.next.is_none());
}

/// An answer that gives this record, on consents as they are in it.
pub fn answer(row: &EmergencyRow) -> NewEmergency {
    let persons = &row.record.persons;
    let decision = DecisionRecord {
        rule_set: RuleSetId::new("rules"),
        at: START,
        purpose: "medical_emergency".into(),
        recipient_role: "health_provider".into(),
        source_role: "mhp".into(),
        rows: persons
            .iter()
            .map(|p| DecisionRow {
                person: p.person,
                data_class: "mental_health".into(),
                verdict: "permit".parse().expect("a verdict"),
                citation: "42CFR2.51".into(),
                facts: 0,
            })
            .collect(),
        facts: vec![vec!["emergency".into()]],
        consents: Vec::new(),
        asserted: Vec::new(),
        obligations: vec!["document_emergency".into()],
        reviews: Vec::new(),
        citations: vec!["42CFR2.51".into()],
        open: Vec::new(),
        standing_unknown: false,
    };
    NewEmergency {
        emergency_id: EmergencyId::mint(START),
        requester: PartnerId::new("hospital"),
        channel: ChannelId::new("emergency"),
        purpose: "medical_emergency".into(),
        test: false,
        rule_set: RuleSetId::new("rules"),
        correlation_id: CorrelationId::new("corr"),
        declaration: Sensitive::new(b"{\"why\":\"declared words\"}".to_vec()),
        epochs: persons.iter().map(|p| (p.person, p.epoch)).collect(),
        spends: Vec::new(),
        given: vec![EmergencyGiven {
            record_id: row.record.record_id,
            row: row.row,
            source: sender(),
            decision,
            output: Digest::of(b"given"),
        }],
        held: 0,
        truncated: false,
        unread: false,
        review_due: START,
    }
}

async fn disclosed(store: &Store, person: PersonId) -> Vec<Disclosure> {
    let page = store.disclosures(person, None, 9).await;
    page.expect("read").disclosures
}

#[tokio::test]
async fn what_was_given_is_accounted_and_the_ledger_agrees() {
    // Goal: accounting, declaration and ledger say the same. Method: one answer, read back, and the
    // whole database held against its ledger; then with the disclosure taken out.
    let world = World::new();
    let store = world.open().await;
    let row = accepted(&store, "a").await;
    let new = answer(&row);
    let id = new.emergency_id;
    let person = row.record.persons[0].person;
    let done = store.authorise_emergency(new).await;
    assert_eq!(done.expect("answer"), EmergencyAnswer::Go);
    let listed = disclosed(&store, person).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].partner, PartnerId::new("hospital"));
    let told = listed[0].emergency.as_ref().expect("declared");
    assert_eq!(told.emergency_id, id);
    assert!(told.declaration.expose(Reason::Test).ends_with(b"words\"}"));
    let given = store.emergency_given(id).await.expect("read");
    assert_eq!(given.len(), 1);
    while store.sequence().await.expect("sequenced").is_some() {}
    store.close().await;
    let bytes = std::fs::read(world.database()).expect("the database");
    let found = bytes.windows(14).any(|part| part == b"declared words");
    assert!(!found, "the declaration stands in clear");
    let sound = verify_after(&world, &[]).await;
    assert!(sound.is_sound(), "{sound:?}");
    for tampering in [
        "DELETE FROM person_disclosure",
        "UPDATE person_disclosure SET at = at - 86400000000",
        "UPDATE decision SET body = zeroblob(99)",
        "DELETE FROM decision",
        "DELETE FROM emergency_disclosure",
        "UPDATE emergency_disclosure SET output = zeroblob(32)",
        "UPDATE emergency_disclosure SET record_id = zeroblob(16)",
        "DELETE FROM emergency_access",
        "UPDATE emergency_access SET requester = 'another'",
        "UPDATE emergency_access SET purpose = 'break_glass'",
        "UPDATE emergency_access SET at = at - 1",
        "UPDATE emergency_access SET request = zeroblob(99)",
        "INSERT INTO emergency_access SELECT zeroblob(16), requester, channel, purpose, test, at, \
         received_month, rule_set, correlation_id, request FROM emergency_access",
        "INSERT INTO emergency_disclosure SELECT zeroblob(16), emergency_id, record_id, row_id, \
         output FROM emergency_disclosure",
    ] {
        let report = verify_after(&world, &[tampering]).await;
        assert!(!report.is_sound(), "{tampering}");
    }
}

#[tokio::test]
async fn an_answer_on_an_older_state_of_consents_is_not_given() {
    // Goal: a revocation meanwhile wins. Method: an epoch that is not the person's any more.
    let world = World::new();
    let store = world.open().await;
    let row = accepted(&store, "a").await;
    let mut new = answer(&row);
    new.epochs[0].1 -= 1;
    let done = store.authorise_emergency(new).await;
    assert_eq!(done.expect("answer"), EmergencyAnswer::Changed);
    assert!(
        disclosed(&store, row.record.persons[0].person)
            .await
            .is_empty()
    );
    assert!(
        store
            .work_items(None, None, 9)
            .await
            .expect("items")
            .is_empty()
    );
}

#[tokio::test]
async fn a_record_withdrawn_or_replaced_meanwhile_is_not_given() {
    // Goal: what its sender took back or corrected before the answer was committed is decided anew.
    // Method: decided, then voided, or handed in anew; no consent changes.
    for action in [Action::Void, Action::Upsert] {
        let world = World::new();
        let store = world.open().await;
        let row = accepted(&store, "a").await;
        let new = answer(&row);
        let mut later = record(0, "a", "later");
        later.action = action;
        let done = store.accept(submission(None, "later", vec![later])).await;
        done.expect("accepted");
        let done = store.authorise_emergency(new).await;
        assert_eq!(
            done.expect("answer"),
            EmergencyAnswer::Changed,
            "{action:?}"
        );
        let person = row.record.persons[0].person;
        assert!(disclosed(&store, person).await.is_empty(), "{action:?}");
    }
}

#[tokio::test]
async fn withdrawn_and_foreign_traffic_is_not_on_file() {
    // Goal: only what is current and of this traffic is even decided. Method: a void, and test
    // traffic asked for live.
    let world = World::new();
    let store = world.open().await;
    let row = accepted(&store, "a").await;
    let person = row.record.persons[0].person;
    assert!(on_file(&store, person, true).await.is_empty());
    let mut void = record(0, "a", "void");
    void.action = Action::Void;
    let done = store.accept(submission(None, "void", vec![void])).await;
    done.expect("accepted");
    assert!(on_file(&store, person, false).await.is_empty());
}

#[tokio::test]
async fn an_answer_uses_up_what_is_for_one_disclosure() {
    // Goal: a consent for one disclosure opens one answer; the second finds it spent, and the
    // ledger knows by what. Method: two answers on the same consent, the second on epochs of after
    // the first; then the row that says so altered.
    let world = World::new();
    let store = world.open().await;
    let row = accepted(&store, "a").await;
    let person = row.record.persons[0].person;
    let once = ConsentId::new("once");
    let consent = NewConsent {
        consent_id: once.clone(),
        partner: sender(),
        subject: person,
        body: Sensitive::new(b"{}".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    store.put_consent(consent).await.expect("lodged");
    let asked = async || {
        let rows = on_file(&store, person, false).await;
        NewEmergency {
            spends: vec![(sender(), once.clone())],
            ..answer(&rows[0])
        }
    };
    let first = asked().await;
    let id = first.emergency_id;
    let done = store.authorise_emergency(first).await;
    assert_eq!(done.expect("answer"), EmergencyAnswer::Go);
    let used = store.get_consent(&sender(), &once).await.expect("read");
    assert_eq!(
        used.and_then(|one| one.used).expect("used").delivery.0,
        id.0
    );
    let mut second = asked().await;
    second.emergency_id = EmergencyId([9; 16]);
    let done = store.authorise_emergency(second).await;
    assert_eq!(done.expect("answer"), EmergencyAnswer::Changed);
    assert_eq!(disclosed(&store, person).await.len(), 1);
    while store.sequence().await.expect("sequenced").is_some() {}
    store.close().await;
    let sound = verify_after(&world, &[]).await;
    assert!(sound.is_sound(), "{sound:?}");
    for tampering in [
        "DELETE FROM consent_use",
        "UPDATE consent_use SET delivery_id = zeroblob(16)",
    ] {
        let report = verify_after(&world, &[tampering]).await;
        assert!(!report.is_sound(), "{tampering}");
    }
}
