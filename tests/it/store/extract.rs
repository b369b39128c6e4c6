//! Extracts: the same five things give the same rows; stale ones are not served; what was fetched
//! is accounted.

use super::world::*;
use kinbridge::base::digest::Digest;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::store::*;

fn new_extract(n: u8) -> NewExtract {
    NewExtract {
        extract_id: ExtractId([n; 16]),
        requester: PartnerId::new("state"),
        test: false,
        decided_at: START,
        rule_set: RuleSetId::new("rules"),
        correlation_id: CorrelationId::new("corr"),
        params: "{}".into(),
    }
}

async fn sources(store: &Store, extract: &Extract) -> Vec<(String, Digest)> {
    let mut out = Vec::new();
    let mut after = None;
    loop {
        let page = ExtractPage {
            position: extract.position,
            test: extract.test,
            record_type: RecordType::new("service-referral"),
            after,
            limit: 3,
        };
        let records = store.extract_page(&page).await.expect("page");
        let Some(last) = records.last() else { break };
        assert!(after < Some(last.record_id));
        after = Some(last.record_id);
        out.extend(records.into_iter().map(|r| (r.source_record_id, r.version)));
    }
    out.sort();
    out
}

async fn accept(store: &Store, records: Vec<NewRecord>) {
    store
        .accept(submission(None, "x", records))
        .await
        .expect("accepted");
}

fn given(record: &StoredRecord) -> ExtractDisclosure {
    let person = &record.persons[0];
    ExtractDisclosure {
        record_id: record.record_id,
        version: record.version,
        epochs: vec![(person.person, person.epoch)],
        decision: DecisionRecord {
            rule_set: RuleSetId::new("rules"),
            at: START,
            purpose: "state_reporting".into(),
            recipient_role: "cdss".into(),
            source_role: "cws".into(),
            rows: vec![DecisionRow {
                person: person.person,
                data_class: "referral".into(),
                effect: "permit".into(),
                citation: "WIC 10850".into(),
            }],
            obligations: Vec::new(),
            citations: Vec::new(),
        },
    }
}

#[tokio::test]
async fn an_extract_is_the_ledger_as_of_its_position() {
    // Goal: later corrections, voids, arrivals and releases change nothing in a job. Method: 8
    // records of every kind, a job, changes, the same job and a new one.
    let world = World::new();
    let store = world.open().await;
    let records = (0..8).map(|n| record(n, &format!("r{n}"), "one")).collect();
    accept(&store, records).await;
    let mut held = record(0, "held", "one");
    held.hold = Some(HoldCause::HumanReview);
    accept(&store, vec![held, record(1, "r1", "two")]).await;
    let mut test = submission(None, "t", vec![record(0, "test", "one")]);
    test.test = true;
    store.accept(test).await.expect("accepted");
    let first = store.create_extract(new_extract(1)).await.expect("job");
    let before = sources(&store, &first).await;
    let names: Vec<&str> = before.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"]);
    assert_eq!(before[1].1, Digest::of(b"two"));
    let mut void = record(0, "r2", "one");
    void.action = Action::Void;
    accept(
        &store,
        vec![void, record(1, "r3", "three"), record(2, "new", "n")],
    )
    .await;
    let items = store.work_items(None, None, 9).await.expect("items");
    let id = items[0].work_item_id;
    let done = store.resolve_work_item(id, Resolution::Release, act("seen"));
    assert!(done.await.expect("resolved"));
    assert_eq!(sources(&store, &first).await, before);
    let second = store.create_extract(new_extract(2)).await.expect("job");
    let after = sources(&store, &second).await;
    let names: Vec<&str> = after.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["held", "new", "r0", "r1", "r3", "r4", "r5", "r6", "r7"]
    );
}

#[tokio::test]
async fn a_file_is_served_only_while_its_consents_stand() {
    // Goal: disclosures are recorded before serving, a newer epoch makes the job stale, the
    // accounting lists what was fetched. Method: write a job, serve it, change a consent, serve.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one"), record(1, "b", "one")]).await;
    let job = store.create_extract(new_extract(1)).await.expect("job");
    let page = ExtractPage {
        position: job.position,
        test: false,
        record_type: RecordType::new("service-referral"),
        after: None,
        limit: 9,
    };
    let records = store.extract_page(&page).await.expect("page");
    let id = job.extract_id;
    let rows: Vec<ExtractDisclosure> = records.iter().map(given).collect();
    let recorded = store.record_extract_disclosures(id, rows.clone()).await;
    assert!(recorded.expect("recorded"));
    let file = ExtractFile {
        number: 0,
        sha256: Digest::of(b"file"),
        rows: 2,
        bytes: 4,
    };
    store.record_extract_file(id, file).await.expect("recorded");
    assert!(!store.serve_extract(id, false).await.expect("not ready"));
    let person = records[0].persons[0].person;
    let none = store.disclosures(person, None, 9).await.expect("page");
    assert!(none.disclosures.is_empty());
    store
        .finish_extract(id, Some("{}".into()))
        .await
        .expect("ready");
    assert!(store.serve_extract(id, false).await.expect("served"));
    assert!(store.serve_extract(id, true).await.expect("served"));
    let one = store.disclosures(person, None, 9).await.expect("page");
    assert_eq!(one.disclosures.len(), 1);
    assert_eq!(one.disclosures[0].exposure, Exposure::Confirmed);
    assert_eq!(one.disclosures[0].partner, PartnerId::new("state"));
    let consent = NewConsent {
        consent_id: ConsentId::new("c"),
        partner: sender(),
        subject: person,
        body: Sensitive::new(b"{}".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    store.put_consent(consent).await.expect("put");
    assert!(!store.extract_is_current(id).await.expect("stale"));
    assert!(!store.serve_extract(id, false).await.expect("stale"));
    let next = store.create_extract(new_extract(2)).await.expect("job");
    let late = store
        .record_extract_disclosures(next.extract_id, rows)
        .await;
    assert!(!late.expect("refused"));
    let mut void = record(0, "b", "one");
    void.action = Action::Void;
    accept(&store, vec![void]).await;
    let last = store.create_extract(new_extract(3)).await.expect("job");
    let gone = store.extract_deleted(last.extract_id, None, 9).await;
    let b = records
        .iter()
        .find(|r| r.source_record_id == "b")
        .expect("b");
    assert_eq!(gone.expect("gone"), [b.record_id]);
    let other = store.extract(&sender(), id).await.expect("read");
    assert!(other.is_none());
}
