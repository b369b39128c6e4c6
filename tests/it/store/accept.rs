//! Accepting: receipts, keys, duplicates, corrections, identity.

use super::world::*;
use kinbridge::base::digest::Digest;
use kinbridge::base::finding::Finding;
use kinbridge::base::finding_codes::{SUPERSEDED_UNKNOWN, VOID_UNKNOWN};
use kinbridge::store::{AcceptError, Action, Earlier, NewRecord, RecordStatus, RecordVerdict};

fn statuses(committed: &kinbridge::store::Committed) -> Vec<RecordStatus> {
    committed.records().iter().map(|r| r.status).collect()
}

#[tokio::test]
async fn the_same_key_and_body_give_the_same_receipt_for_ever() {
    // Goal: one key, one receipt. Method: accept, repeat, reopen, repeat, then another body.
    let world = World::new();
    let store = world.open().await;
    let ask = || submission(Some("k1"), "body", vec![record(0, "a", "one")]);
    let first = store.accept(ask()).await.expect("accepted");
    assert!(!first.repeated());
    let again = store.accept(ask()).await.expect("repeated");
    assert!(again.repeated());
    assert_eq!(first.submission_id(), again.submission_id());
    assert_eq!(first.records(), again.records());
    assert_eq!(first.ledger().entry_id, again.ledger().entry_id);
    store.close().await;
    let store = world.open().await;
    let later = store.accept(ask()).await.expect("repeated");
    assert_eq!(first.records(), later.records());
    let other = submission(Some("k1"), "other body", vec![record(0, "b", "two")]);
    let refused = store.accept(other).await;
    assert!(matches!(refused, Err(AcceptError::KeyConflict)));
}

#[tokio::test]
async fn sixty_four_equal_posts_are_one_submission() {
    // Goal: equal keys merge, also within one group. Method: 64 tasks at once, two bodies.
    let world = World::new();
    let store = world.open().await;
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let store = store.clone();
            let body = if n % 8 == 7 { "other" } else { "same" };
            let ask = submission(Some("key"), body, vec![record(0, "a", body)]);
            tokio::spawn(async move { store.accept(ask).await })
        })
        .collect();
    let mut ids = std::collections::BTreeMap::new();
    let mut conflicts = 0;
    for task in tasks {
        match task.await.expect("task") {
            Ok(committed) => *ids.entry(committed.submission_id()).or_insert(0) += 1,
            Err(AcceptError::KeyConflict) => conflicts += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(ids.values().sum::<usize>() + conflicts, 64);
    assert!(conflicts == 8 || conflicts == 56);
}

#[tokio::test]
async fn duplicates_corrections_and_voids_are_told_apart() {
    // Goal: same content is a duplicate, other content a correction of the same record, a void ends
    // it. Method: one source id through all of these, inside one submission and across.
    let world = World::new();
    let store = world.open().await;
    let both = vec![record(0, "a", "one"), record(1, "a", "one")];
    let first = store.accept(submission(None, "1", both)).await.expect("1");
    assert_eq!(
        statuses(&first),
        [RecordStatus::Accepted, RecordStatus::Duplicate]
    );
    let id = first.records()[0].record_id;
    assert_eq!(id, first.records()[1].record_id);
    let two = vec![record(0, "a", "two"), record(1, "a", "one")];
    let second = store.accept(submission(None, "2", two)).await.expect("2");
    assert_eq!(
        statuses(&second),
        [RecordStatus::Accepted, RecordStatus::Duplicate]
    );
    assert_eq!(second.records()[0].record_id, id);
    let void = |n: u32| {
        let mut record = record(n, "a", "two");
        record.action = Action::Void;
        record
    };
    let voids = vec![void(0), void(1), record(2, "a", "two")];
    let third = store.accept(submission(None, "3", voids)).await.expect("3");
    assert_eq!(
        statuses(&third),
        [
            RecordStatus::Accepted,
            RecordStatus::Duplicate,
            RecordStatus::Accepted
        ]
    );
    assert_eq!(third.counts().accepted, 2);
    assert_eq!(third.counts().duplicate, 1);
}

/// A record that speaks of an earlier one: of its own id, and of the one it replaces.
fn speaking(index: u32, source: &str, text: &str, replaced: Option<&str>) -> NewRecord {
    let mut record = record(index, source, text);
    let codes = [&VOID_UNKNOWN, &SUPERSEDED_UNKNOWN];
    let codes = codes.iter().take(1 + usize::from(replaced.is_some()));
    record.earlier = Earlier {
        supersedes: replaced.map(str::to_owned),
        findings: codes.map(|code| Finding::new(code)).collect(),
    };
    record
}

#[tokio::test]
async fn what_speaks_of_a_record_that_never_came_is_told_and_takes_nothing_back() {
    // Goal: a void of an unknown id goes nowhere and is told; so is a correction or replacement of
    // one. Method: each of them before and after the record they speak of, small and as a batch.
    let world = World::new();
    let store = world.open().await;
    let void = |index, source: &str| {
        let mut record = speaking(index, source, "void", None);
        record.action = Action::Void;
        record
    };
    let told = |committed: &kinbridge::store::Committed| -> Vec<Vec<String>> {
        let codes = |r: &RecordVerdict| r.findings.iter().map(|f| f.code.to_string()).collect();
        committed.records().iter().map(codes).collect()
    };
    let first = vec![void(0, "a"), speaking(1, "b", "one", Some("c"))];
    let first = store.accept(submission(None, "1", first)).await.expect("1");
    assert_eq!(
        told(&first),
        [
            vec!["void-unknown"],
            vec!["void-unknown", "superseded-unknown"]
        ]
    );
    assert_eq!(first.counts().accepted, 2);
    assert_eq!(
        route_all(&store, &["county"]).await,
        1,
        "the void goes nowhere"
    );
    let second = vec![record(0, "c", "one"), speaking(1, "b", "two", Some("c"))];
    let second = store
        .accept(submission(None, "2", second))
        .await
        .expect("2");
    assert_eq!(told(&second), [Vec::<String>::new(), vec![]]);
    let id = store
        .begin_batch(submission(None, "3", vec![]))
        .await
        .expect("begun");
    let chunk = vec![
        void(0, "d"),
        void(1, "c"),
        record(2, "e", "one"),
        void(3, "e"),
    ];
    store
        .append_chunk(id, chunk, vec![])
        .await
        .expect("appended");
    let sealed = store
        .seal_batch(id, Digest::of(b"3"))
        .await
        .expect("sealed");
    assert_eq!(told(&sealed)[0], ["void-unknown"]);
    assert!(told(&sealed)[1..].iter().all(Vec::is_empty));
    let routed = route_all(&store, &["county"]).await;
    assert_eq!(
        routed, 3,
        "b, the void of c in its place, that of e likewise"
    );
}

#[tokio::test]
async fn two_identifiers_of_two_people_hold_the_record() {
    // Goal: persons are joined when identifiers agree and never when they do not. Method: two
    // people, then a record whose one person carries both identifiers.
    let world = World::new();
    let store = world.open().await;
    let with = |index, source: &str, ids: &[&str]| {
        let mut record = record(index, source, source);
        record.persons = vec![person("p", ids, true)];
        record
    };
    let known = vec![
        with(0, "a", &["s|1"]),
        with(1, "b", &["s|2"]),
        with(2, "c", &["s|1", "s|3"]),
    ];
    let first = store.accept(submission(None, "1", known)).await.expect("1");
    assert_eq!(first.counts().accepted, 3);
    let torn = vec![with(0, "d", &["s|3", "s|2"])];
    let second = store.accept(submission(None, "2", torn)).await.expect("2");
    assert_eq!(statuses(&second), [RecordStatus::Held]);
    assert_eq!(second.counts().held, 1);
}

#[tokio::test]
async fn verdicts_are_paged_and_a_foreign_submission_is_unknown() {
    // Goal: all verdicts in order, to the sender alone. Method: 30 records in pages of 7.
    let world = World::new();
    let store = world.open().await;
    let records = (0..30).map(|n| record(n, &format!("r{n}"), "x")).collect();
    let committed = store
        .accept(submission(None, "1", records))
        .await
        .expect("1");
    let id = committed.submission_id();
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = store.submission_records(&sender(), id, after, 7).await;
        let page = page.expect("page").expect("known");
        let Some(last) = page.last() else { break };
        after = Some(last.index);
        seen.extend(page);
    }
    assert_eq!(seen, committed.records());
    let other = kinbridge::base::id::PartnerId::new("other");
    let foreign = store.submission_records(&other, id, None, 7).await;
    assert_eq!(foreign.expect("answer"), None);
}
