//! The ledger's verification also holds the store's rows against the entries.

use super::ledger::verify_after;
use super::world::*;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::ledger::verify::RowProblemKind;
use kinbridge::store::*;

/// A store with a disclosure, a withholding, a revoked consent, an ended fact and an extract nobody
/// fetched.
async fn lived_in(world: &World) {
    let store = world.open().await;
    let records = vec![record(0, "a", "one"), record(1, "b", "two")];
    let done = store.accept(submission(None, "1", records)).await;
    done.expect("accepted");
    route_all(&store, &["county"]).await;
    confirmed_consent(&store).await;
    let claims = claim(world, &store, &["county"], 9).await;
    let [sent, kept] = claims.as_slice() else {
        panic!("two deliveries")
    };
    let go = Authorisation {
        spends: vec![(sender(), ConsentId::new("once"))],
        ..authorisation(sent)
    };
    let go = store.authorise(vec![go]).await;
    assert_eq!(go.expect("an answer"), [Authorised::Go]);
    assert!(complete_one(&store, sent, Completion::Confirmed).await);
    let decision = Box::new(decision(kept, "withhold"));
    assert!(complete_one(&store, kept, Completion::Withheld { decision }).await);
    lodge_and_revoke(&store, kept.record.persons[0].person).await;
    let extract = NewExtract {
        extract_id: ExtractId([1; 16]),
        requester: PartnerId::new("state"),
        test: false,
        rule_set: RuleSetId::new("rules"),
        correlation_id: CorrelationId::new("corr"),
        params: "{}".into(),
    };
    store.create_extract(extract).await.expect("a job");
    let ended = store.finish_extract(ExtractId([1; 16]), None).await;
    ended.expect("ended");
    store.sequence().await.expect("sequenced");
    store.close().await;
}

/// A consent for one disclosure, which the county confirms.
async fn confirmed_consent(store: &Store) {
    let consent_id = ConsentId::new("once");
    let subject = store.person_seen_by(&sender(), "urn:x|a-c", false).await;
    let consent = NewConsent {
        consent_id: consent_id.clone(),
        partner: sender(),
        subject: subject.expect("read").expect("known"),
        body: Sensitive::new(b"{}".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    store.put_consent(consent).await.expect("lodged");
    let lodged = store.get_consent(&sender(), &consent_id).await;
    let confirmation = NewConfirmation {
        registry_id: lodged.expect("read").expect("there").registry_id,
        revision: 1,
        by: PartnerId::new("county"),
        body: Sensitive::new(b"{}".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    let scan = NewScan {
        registry_id: confirmation.registry_id,
        seen: 1,
        lodger: sender(),
        media_type: "application/pdf".into(),
        body: Sensitive::new(b"%PDF-1.7".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    let done = store.confirm_consent(confirmation).await;
    assert_eq!(done.expect("confirmed"), Confirmed::Done);
    let kept = store.keep_scan(scan).await;
    assert_eq!(kept.expect("kept"), ScanKept::Done(1));
}

async fn lodge_and_revoke(store: &Store, subject: PersonId) {
    let (consent_id, correlation) = (ConsentId::new("c-1"), CorrelationId::new("corr"));
    let consent = NewConsent {
        consent_id: consent_id.clone(),
        partner: sender(),
        subject,
        body: Sensitive::new(b"{}".to_vec()),
        at: START,
        correlation_id: correlation.clone(),
    };
    store.put_consent(consent).await.expect("lodged");
    store
        .put_fact(fact("f-1", subject, "{}"))
        .await
        .expect("entered");
    let ended = NewFact {
        step: FactStep::Ended,
        after: Some(1),
        ended_at: Some(START),
        ..fact("f-1", subject, "{}")
    };
    store.put_fact(ended).await.expect("ended");
    let lodger = sender();
    let revoked = store.revoke_consent(&lodger, &consent_id, START, &correlation);
    revoked.await.expect("revoked");
}

use RowProblemKind::{EntryMissing, RowAltered, RowMissing};

/// What is done to the rows, and how the row is named.
const TAMPERINGS: [(&str, RowProblemKind, &str); 34] = [
    ("DELETE FROM consent_use", RowMissing, "use of consent"),
    (
        "UPDATE consent_use SET delivery_id = zeroblob(16)",
        RowAltered,
        "use of consent",
    ),
    (
        "UPDATE consent_use SET used_at = used_at - 1",
        RowAltered,
        "use of consent",
    ),
    (
        "INSERT INTO consent_use SELECT consent_key, zeroblob(16), 1 FROM consent \
         WHERE consent_key NOT IN (SELECT u.consent_key FROM consent_use u)",
        EntryMissing,
        "use of consent",
    ),
    (
        "DELETE FROM consent_confirmation",
        RowMissing,
        "consent confirmation",
    ),
    (
        "UPDATE consent_confirmation SET confirmed_by = 'another'",
        RowAltered,
        "consent confirmation",
    ),
    (
        "UPDATE consent_confirmation SET number = 2",
        RowAltered,
        "consent confirmation",
    ),
    (
        "UPDATE consent_confirmation SET body = zeroblob(99)",
        RowAltered,
        "consent confirmation",
    ),
    (
        "INSERT INTO consent_confirmation SELECT zeroblob(16), consent_key, revision, 'another', \
         confirmed_at, key_id, wrapped, body, 1 FROM consent_confirmation",
        EntryMissing,
        "consent confirmation",
    ),
    ("DELETE FROM consent_scan", RowMissing, "scan of consent"),
    (
        "UPDATE consent_scan SET revision = 2",
        RowAltered,
        "scan of consent",
    ),
    (
        "UPDATE consent_scan SET body = zeroblob(99)",
        RowAltered,
        "scan of consent",
    ),
    (
        "INSERT INTO consent_scan SELECT zeroblob(16), consent_key, 9, media_type, stored_at, \
         key_id, wrapped, body FROM consent_scan",
        EntryMissing,
        "scan of consent",
    ),
    ("DELETE FROM submission", RowMissing, "sub_"),
    ("UPDATE submission SET accepted = 1", RowAltered, "sub_"),
    ("UPDATE submission SET received_at = 1", RowAltered, "sub_"),
    (
        "DELETE FROM record_version WHERE revision = 0",
        RowAltered,
        "sub_",
    ),
    ("DELETE FROM submission_record", RowAltered, "sub_"),
    ("DELETE FROM decision", RowMissing, "dlv_"),
    (
        "UPDATE decision SET body = zeroblob(99)",
        RowAltered,
        "dlv_",
    ),
    ("DELETE FROM delivery", RowMissing, "dlv_"),
    ("UPDATE delivery SET exposure = 0", RowAltered, "dlv_"),
    ("DELETE FROM person_disclosure", RowMissing, "dis_"),
    (
        "UPDATE person_disclosure SET at = at - 86400000000",
        RowAltered,
        "dis_",
    ),
    (
        "INSERT INTO person_disclosure VALUES (zeroblob(16), 1, zeroblob(16), 0, 1, NULL)",
        EntryMissing,
        "dis_",
    ),
    (
        "DELETE FROM consent_revision WHERE revision = 2",
        RowMissing,
        "consent revision",
    ),
    (
        "UPDATE consent_revision SET revoked_at = NULL",
        RowAltered,
        "consent revision",
    ),
    (
        "UPDATE consent SET revision = 1",
        RowAltered,
        "consent revision",
    ),
    (
        "DELETE FROM fact_revision WHERE revision = 2",
        RowMissing,
        "fact revision",
    ),
    (
        "UPDATE fact_revision SET ended_at = NULL",
        RowAltered,
        "fact revision",
    ),
    ("UPDATE fact SET revision = 1", RowAltered, "fact revision"),
    (
        "UPDATE fact_revision SET body = zeroblob(99)",
        RowAltered,
        "fact revision",
    ),
    ("DELETE FROM extract", RowMissing, "ext_"),
    (
        "UPDATE extract SET disclosures_hash = randomblob(32)",
        RowAltered,
        "ext_",
    ),
];

#[tokio::test]
async fn rows_that_disagree_with_the_ledger_are_found_and_named() {
    // Goal: nobody takes a row away, changes or adds one without `ledger verify` naming it, and
    // nothing is named that nobody touched. Method: a store that was lived in, one tampering per
    // copy, the entries themselves untouched.
    let world = World::new();
    lived_in(&world).await;
    let sound = verify_after(&world, &[]).await;
    assert!(sound.is_sound(), "{sound:?}");
    for (sql, kind, subject) in TAMPERINGS {
        let report = verify_after(&world, &[sql]).await;
        assert!(report.problems.is_empty(), "{sql}: {report:?}");
        let rows = report.rows.expect("compared").problems;
        let named = rows
            .iter()
            .any(|p| p.kind == kind && p.subject.starts_with(subject));
        assert!(named, "{sql}: {rows:?}");
    }
}

#[tokio::test]
async fn a_ledger_emptied_beside_its_rows_is_found() {
    // Goal: deleting every entry, or the newest with their checkpoint, never passes while rows
    // remain. Method: empty the ledger whole, then cut its end with the checkpoints.
    let world = World::new();
    lived_in(&world).await;
    let whole = [
        "DELETE FROM ledger_entry",
        "DELETE FROM ledger_checkpoint",
        "DELETE FROM ledger_node",
    ];
    let report = verify_after(&world, &whole).await;
    assert!(report.problems.is_empty(), "the entries alone show nothing");
    let rows = report.rows.expect("compared").problems;
    for subject in [
        "sub_",
        "dlv_",
        "dis_",
        "consent revision",
        "consent confirmation",
        "use of consent",
        "fact revision",
        "ext_",
    ] {
        let named = |p: &kinbridge::ledger::verify::RowProblem| {
            p.kind == EntryMissing && p.subject.starts_with(subject)
        };
        assert!(rows.iter().any(named), "{subject}: {rows:?}");
    }
    let end = [
        "DELETE FROM ledger_entry WHERE position >= 1",
        "DELETE FROM ledger_checkpoint",
    ];
    let report = verify_after(&world, &end).await;
    assert!(!report.is_sound(), "{report:?}");
}

#[tokio::test]
async fn what_was_shredded_is_told_apart_from_what_was_tampered_with() {
    // Goal: a deleted key is no tampering, and the report counts it. Method: delete one of two.
    let world = World::new();
    lived_in(&world).await;
    let shred = "DELETE FROM record_key WHERE row_id IN (SELECT row_id FROM record_key LIMIT 1)";
    let report = verify_after(&world, &[shred]).await;
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.rows.expect("compared").shredded, 1);
    let note = report.notes.first().expect("a note");
    assert!(note.contains("--checkpoint"), "{note}");
}
