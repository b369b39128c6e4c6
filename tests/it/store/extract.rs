//! Extracts: the same five things give the same rows; only recorded rows leave, never on an older
//! state of consents; what left is accounted, file by file.

use super::world::*;
use kinbridge::base::clock::Timestamp;
use kinbridge::base::digest::Digest;
use kinbridge::base::id::*;
use kinbridge::base::limits::{EXTRACT_AGE_MAX, EXTRACTS_OF_REQUESTER_MAX, EXTRACTS_UNDER_WAY_MAX};
use kinbridge::base::sensitive::{Reason, Sensitive};
use kinbridge::store::*;
use sqlx::Connection as _;
use std::time::Duration;

fn new_extract(n: u8) -> NewExtract {
    NewExtract {
        extract_id: ExtractId([n; 16]),
        requester: PartnerId::new("state"),
        test: false,
        rule_set: RuleSetId::new("rules"),
        correlation_id: CorrelationId::new("corr"),
        params: r#"{"channel": "pull"}"#.into(),
    }
}

pub async fn created(store: &Store, n: u8) -> Extract {
    match store.create_extract(new_extract(n)).await.expect("job") {
        NewJob::Created(extract) => *extract,
        other => panic!("{other:?}"),
    }
}

fn page(extract: &Extract, after: Option<RecordId>, limit: usize) -> ExtractPage {
    ExtractPage {
        requester: extract.requester.clone(),
        channel: ChannelId::new("pull"),
        position: extract.position,
        test: extract.test,
        record_type: RecordType::new("service-referral"),
        after,
        limit,
    }
}

async fn sources(store: &Store, extract: &Extract) -> Vec<(String, Digest)> {
    let mut out = Vec::new();
    let mut after = None;
    loop {
        let seen = store.extract_page(&page(extract, after, 3)).await;
        let seen = seen.expect("page");
        for row in seen.rows {
            assert!(after < Some(row.record.record_id));
            let said = Digest::of(row.record.payload.expose(Reason::Seal));
            out.push((row.record.source_record_id, said));
        }
        after = seen.next;
        if after.is_none() {
            break;
        }
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
    let first = created(&store, 1).await;
    let before = sources(&store, &first).await;
    let names: Vec<&str> = before.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"]);
    assert_eq!(before[1].1, Digest::of(b"{\"text\":\"two\"}"));
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
    assert_eq!(done.await.expect("resolved"), Resolved::Done);
    assert_eq!(sources(&store, &first).await, before);
    let second = created(&store, 2).await;
    let after = sources(&store, &second).await;
    let names: Vec<&str> = after.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["held", "new", "r0", "r1", "r3", "r4", "r5", "r6", "r7"]
    );
}

pub async fn seen(store: &Store, extract: &Extract) -> ExtractRows {
    let seen = store.extract_page(&page(extract, None, 9)).await;
    seen.expect("page")
}

fn decision_on(row: &ExtractRow, effect: &str) -> DecisionRecord {
    DecisionRecord {
        open: Vec::new(),
        rule_set: RuleSetId::new("rules"),
        at: START,
        purpose: "state_reporting".into(),
        recipient_role: "cdss".into(),
        source_role: "cws".into(),
        rows: vec![DecisionRow {
            person: row.record.persons[0].person,
            data_class: "referral".into(),
            verdict: effect.parse().expect("a verdict"),
            citation: "WIC 10850".into(),
            facts: 0,
        }],
        facts: vec![Vec::new()],
        consents: Vec::new(),
        asserted: Vec::new(),
        standing_unknown: false,
        obligations: Vec::new(),
        reviews: Vec::new(),
        citations: Vec::new(),
    }
}

/// The row as the `n`th of ten bytes each.
pub fn given(row: &ExtractRow, n: u64) -> ExtractTaken {
    ExtractTaken {
        record_id: row.record.record_id,
        row: row.row,
        decision: decision_on(row, "permit"),
        outcome: ExtractOutcome::Given(ExtractOutput {
            review_due: None,
            persons: row.record.persons.iter().map(|p| p.person).collect(),
            digest: Digest::of(b"row bytes "),
            starts_at: n * 10,
            ends_at: n * 10 + 10,
        }),
    }
}

pub fn kept_back(row: &ExtractRow, outcome: ExtractOutcome) -> ExtractTaken {
    ExtractTaken {
        outcome,
        decision: decision_on(row, "withhold"),
        ..given(row, 0)
    }
}

pub fn served(row: &ExtractRow, bytes: &[u8]) -> ServedOutput {
    ServedOutput {
        record_id: row.record.record_id,
        digest: Digest::of(bytes),
    }
}

/// Records a file of these rows.
pub async fn file(store: &Store, id: ExtractId, number: u32, rows: &[ExtractRow]) {
    let taken = (0..).zip(rows).map(|(n, row)| given(row, n)).collect();
    let recorded = store.record_extract_rows((id, number), taken, Vec::new());
    assert!(recorded.await.expect("recorded"));
    let file = ExtractFile {
        number,
        sha256: Digest::of(b"file"),
        rows: rows.len() as u64,
        bytes: rows.len() as u64 * 10,
    };
    store.record_extract_file(id, file).await.expect("recorded");
}

pub async fn ready(store: &Store, id: ExtractId) {
    let done = store.finish_extract(id, Some("{}".into()));
    done.await.expect("ready");
}

async fn lodge(store: &Store, person: PersonId) {
    let consent = NewConsent {
        consent_id: ConsentId::new("c"),
        partner: sender(),
        subject: person,
        body: Sensitive::new(b"{}".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    store.put_consent(consent).await.expect("put");
}

async fn accounted(store: &Store, row: &ExtractRow) -> Vec<(Timestamp, Exposure)> {
    let person = row.record.persons[0].person;
    let page = store.disclosures(person, None, 9).await.expect("page");
    let rows = page.disclosures.into_iter();
    rows.map(|one| (one.at, one.exposure)).collect()
}

async fn change(world: &World, sql: &'static str, row: RecordId) {
    let url = format!("sqlite://{}", world.database().display());
    let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("open");
    let done = sqlx::query(sql)
        .bind(row.0.to_vec())
        .execute(&mut conn)
        .await;
    assert_eq!(done.expect("done").rows_affected(), 1);
}

#[tokio::test]
async fn each_file_is_accounted_when_it_leaves() {
    // Goal: what was fetched is accounted, at the fetch, and nothing else. Method: a job of two
    // files, of which one is fetched an hour later, twice, and then to its end.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one"), record(1, "b", "one")]).await;
    let job = created(&store, 1).await;
    let rows = seen(&store, &job).await.rows;
    file(&store, job.extract_id, 0, &rows[..1]).await;
    file(&store, job.extract_id, 1, &rows[1..]).await;
    let leave = async || {
        let left = vec![served(&rows[0], b"row bytes ")];
        let left = store.authorise_extract_rows((job.extract_id, 0), left);
        left.await.expect("asked")
    };
    assert_eq!(leave().await, Standing::Stale, "not ready yet");
    ready(&store, job.extract_id).await;
    assert!(accounted(&store, &rows[0]).await.is_empty());
    world.clock.advance(Duration::from_secs(3600));
    let fetched_at = START.after(Duration::from_secs(3600));
    assert_eq!(leave().await, Standing::Current);
    let possibly = vec![(fetched_at, Exposure::Possible)];
    assert_eq!(accounted(&store, &rows[0]).await, possibly);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(leave().await, Standing::Current);
    assert_eq!(accounted(&store, &rows[0]).await, possibly);
    let whole = store.extract_file_fetched(job.extract_id, 0);
    whole.await.expect("fetched");
    let surely = vec![(fetched_at, Exposure::Confirmed)];
    assert_eq!(accounted(&store, &rows[0]).await, surely);
    assert!(accounted(&store, &rows[1]).await.is_empty());
}

#[tokio::test]
async fn only_the_recorded_rows_and_bytes_leave() {
    // Goal: what was withheld is in no file, and other bytes than the recorded ones never leave.
    // Method: one row given, one withheld; ask for the file's rows, and for both to leave.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one"), record(1, "b", "one")]).await;
    let job = created(&store, 1).await;
    let rows = seen(&store, &job).await.rows;
    let taken = vec![
        given(&rows[0], 0),
        kept_back(&rows[1], ExtractOutcome::Withheld),
    ];
    let id = (job.extract_id, 0);
    let recorded = store.record_extract_rows(id, taken, Vec::new()).await;
    assert!(recorded.expect("recorded"));
    ready(&store, job.extract_id).await;
    let page = store.extract_file_rows(id, 0, 9).await.expect("rows");
    let page = page.expect("all open").rows;
    assert_eq!(page.len(), 1);
    assert_eq!(page[0].record.record_id, rows[0].record.record_id);
    let none = store.extract_file_rows(id, 10, 9).await.expect("rows");
    assert!(none.expect("all open").rows.is_empty());
    let withheld = vec![served(&rows[1], b"row bytes ")];
    let left = store.authorise_extract_rows(id, withheld).await;
    assert_eq!(left.expect("asked"), Standing::Stale);
    assert!(accounted(&store, &rows[1]).await.is_empty());
    let stale = store.extract_standing(job.extract_id).await;
    assert_eq!(stale.expect("known"), Standing::Stale);

    let other = created(&store, 2).await;
    file(&store, other.extract_id, 0, &rows[..1]).await;
    ready(&store, other.extract_id).await;
    let changed = vec![served(&rows[0], b"other bytes")];
    let left = store.authorise_extract_rows((other.extract_id, 0), changed);
    assert_eq!(left.await.expect("asked"), Standing::Stale);
    assert!(accounted(&store, &rows[0]).await.is_empty());
}

#[tokio::test]
async fn a_job_never_goes_on_older_facts() {
    // Goal: a consent newer than the job stops it, whether it comes before a page is read, between
    // reading and recording, or after. Method: change one at each moment.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one")]).await;
    let before = created(&store, 1).await;
    let person = seen(&store, &before).await.rows[0].record.persons[0].person;
    lodge(&store, person).await;
    let rows = seen(&store, &before).await.rows;
    let taken = vec![given(&rows[0], 0)];
    let late = store.record_extract_rows((before.extract_id, 0), taken.clone(), Vec::new());
    assert!(!late.await.expect("refused"), "read after the change");
    store
        .finish_extract(before.extract_id, None)
        .await
        .expect("ended");

    let between = created(&store, 2).await;
    lodge(&store, person).await;
    let late = store.record_extract_rows((between.extract_id, 0), taken, Vec::new());
    assert!(!late.await.expect("refused"), "read before the change");

    let after = created(&store, 3).await;
    file(&store, after.extract_id, 0, &rows).await;
    ready(&store, after.extract_id).await;
    let standing = async || {
        store
            .extract_standing(after.extract_id)
            .await
            .expect("known")
    };
    assert_eq!(standing().await, Standing::Current);
    lodge(&store, person).await;
    assert_eq!(standing().await, Standing::Stale);
    let left = vec![served(&rows[0], b"row bytes ")];
    let left = store
        .authorise_extract_rows((after.extract_id, 0), left)
        .await;
    assert_eq!(left.expect("asked"), Standing::Stale);
    assert!(accounted(&store, &rows[0]).await.is_empty());
}

#[tokio::test]
async fn a_job_past_its_age_is_served_no_longer() {
    // Goal: files expire. Method: a ready job, the clock at its age, then an unfinished one.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one")]).await;
    let job = created(&store, 1).await;
    let rows = seen(&store, &job).await.rows;
    file(&store, job.extract_id, 0, &rows).await;
    ready(&store, job.extract_id).await;
    let unfinished = created(&store, 2).await;
    world.clock.advance(EXTRACT_AGE_MAX);
    let standing = store.extract_standing(job.extract_id).await;
    assert_eq!(standing.expect("known"), Standing::Expired);
    let left = vec![served(&rows[0], b"row bytes ")];
    let left = store
        .authorise_extract_rows((job.extract_id, 0), left)
        .await;
    assert_eq!(left.expect("asked"), Standing::Expired);
    let start = store.start_extract(unfinished.extract_id).await;
    assert!(!start.expect("asked"));
}

#[tokio::test]
async fn an_unreadable_record_is_a_gap_and_ends_nothing() {
    // Goal: a shredded record hides none of those after it, and a person hears of it once. Method:
    // shred the second of five, read by threes, record the gap in two jobs; shred a recorded one.
    let world = World::new();
    let store = world.open().await;
    let records = (0..5).map(|n| record(n, &format!("r{n}"), "one")).collect();
    accept(&store, records).await;
    let job = created(&store, 1).await;
    let rows = seen(&store, &job).await.rows;
    let shred = "DELETE FROM record_key WHERE row_id = \
                 (SELECT row_id FROM record_version WHERE record_id = ?)";
    change(&world, shred, rows[1].record.record_id).await;
    let first = store
        .extract_page(&page(&job, None, 3))
        .await
        .expect("page");
    assert_eq!(first.rows.len(), 2);
    assert_eq!(first.unreadable.len(), 1);
    assert_eq!(first.unreadable[0].record_id, rows[1].record.record_id);
    assert!(first.next.is_some(), "the page is full all the same");
    let second = store.extract_page(&page(&job, first.next, 3)).await;
    assert_eq!(second.expect("page").rows.len(), 2);
    for n in 2..4 {
        let job = created(&store, n).await;
        let gaps = first.unreadable.clone();
        let recorded = store.record_extract_rows((job.extract_id, 0), Vec::new(), gaps);
        assert!(recorded.await.expect("recorded"));
        store
            .finish_extract(job.extract_id, None)
            .await
            .expect("ended");
    }
    let items = store.work_items(None, None, 9).await.expect("items");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].cause, HoldCause::Unreadable);
    assert_eq!(items[0].record_id, Some(rows[1].record.record_id));
    file(&store, job.extract_id, 0, &rows[2..]).await;
    ready(&store, job.extract_id).await;
    change(&world, shred, rows[3].record.record_id).await;
    let served = store.extract_file_rows((job.extract_id, 0), 0, 9).await;
    assert!(served.expect("read").is_none(), "a file is served whole");
}

#[tokio::test]
async fn what_a_pull_holds_waits_for_a_person_once() {
    // Goal: a held record raises one item for all jobs, and goes on once a person has let it.
    // Method: hold it in two jobs, release the item, look at the next job's page.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one")]).await;
    for n in 1..3 {
        let job = created(&store, n).await;
        let rows = seen(&store, &job).await.rows;
        assert!(!rows[0].reviewed);
        let held = kept_back(&rows[0], ExtractOutcome::Held(HoldCause::HumanReview));
        let recorded = store.record_extract_rows((job.extract_id, 0), vec![held], Vec::new());
        assert!(recorded.await.expect("recorded"));
        store
            .finish_extract(job.extract_id, None)
            .await
            .expect("ended");
    }
    let items = store.work_items(None, None, 9).await.expect("items");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].cause, HoldCause::HumanReview);
    let id = items[0].work_item_id;
    let joined = store.resolve_work_item(id, Resolution::JoinPersons, act("no"));
    assert_eq!(joined.await.expect("asked"), Resolved::Unfit);
    let waiting = store.health().await.expect("health").routes_waiting;
    let done = store.resolve_work_item(id, Resolution::Release, act("seen"));
    assert_eq!(done.await.expect("resolved"), Resolved::Done);
    assert_eq!(
        store.health().await.expect("health").routes_waiting,
        waiting
    );
    let job = created(&store, 3).await;
    assert!(seen(&store, &job).await.rows[0].reviewed);
    let mut another = job.clone();
    another.requester = PartnerId::new("another");
    assert!(!seen(&store, &another).await.rows[0].reviewed);
    // What was looked at for one purpose was not for another.
    let other = ExtractPage {
        channel: ChannelId::new("other"),
        ..page(&job, None, 9)
    };
    let rows = store.extract_page(&other).await.expect("a page").rows;
    assert!(!rows[0].reviewed);
}

/// Holds the one record of a new job for that cause; whether a person had looked at it, and what is
/// open afterwards.
async fn held_again(store: &Store, n: u8, cause: HoldCause) -> (bool, Vec<WorkItem>) {
    let job = created(store, n).await;
    let rows = seen(store, &job).await.rows;
    let reviewed = rows[0].reviewed;
    let held = kept_back(&rows[0], ExtractOutcome::Held(cause));
    let recorded = store.record_extract_rows((job.extract_id, 0), vec![held], Vec::new());
    assert!(recorded.await.expect("recorded"));
    let ended = store.finish_extract(job.extract_id, None);
    ended.await.expect("ended");
    let items = store.work_items(None, None, 9).await.expect("items");
    (reviewed, items)
}

#[tokio::test]
async fn a_look_for_a_pull_counts_until_something_changes_and_is_then_asked_for_again() {
    // Goal: what was looked at, or refused, stays so while nothing changes, and no later hold ends
    // at a resolved item in silence. Method: looked at, a consent, held anew; the same discarded.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one")]).await;
    let job = created(&store, 0).await;
    let person = seen(&store, &job).await.rows[0].record.persons[0].person;
    let look = HoldCause::HumanReview;
    let mut n = 0;
    for resolution in [Resolution::Release, Resolution::Discard] {
        lodge(&store, person).await;
        n += 1;
        let (reviewed, items) = held_again(&store, n, look).await;
        assert_eq!((reviewed, items.len()), (false, 1), "{resolution:?}");
        let own = store.work_items(Some(&sender()), None, 9).await;
        assert!(own.expect("items").is_empty(), "told to the sender");
        let done = store.resolve_work_item(items[0].work_item_id, resolution, act("seen"));
        assert_eq!(done.await.expect("resolved"), Resolved::Done);
        n += 1;
        let (reviewed, items) = held_again(&store, n, look).await;
        assert_eq!(reviewed, resolution == Resolution::Release);
        assert!(items.is_empty(), "{resolution:?}: asked twice");
    }
}

#[tokio::test]
async fn what_is_owed_anew_is_asked_for_and_what_was_done_stays_done() {
    // Goal: an obligation more after the first was done is a new item. Method: two holds, the first
    // released in between.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one")]).await;
    let owed = HoldCause::ObligationOpen;
    let (_, items) = held_again(&store, 1, owed).await;
    let done = store.resolve_work_item(items[0].work_item_id, Resolution::Release, act("done"));
    assert_eq!(done.await.expect("resolved"), Resolved::Done);
    let (_, items) = held_again(&store, 2, owed).await;
    assert_eq!(items.len(), 1);
    let (_, items) = held_again(&store, 3, owed).await;
    assert_eq!(items.len(), 1, "one is open");
}

#[tokio::test]
async fn a_job_written_again_is_counted_once() {
    // Goal: what a crash left half done stands nowhere afterwards. Method: record a page, reopen
    // the store, start the job again, record a smaller file.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one"), record(1, "b", "one")]).await;
    let job = created(&store, 1).await;
    assert!(store.start_extract(job.extract_id).await.expect("started"));
    let rows = seen(&store, &job).await.rows;
    file(&store, job.extract_id, 0, &rows).await;
    store.close().await;
    let store = world.open().await;
    let unfinished = store.extracts_writing().await.expect("jobs");
    assert_eq!(unfinished, std::slice::from_ref(&job));
    assert!(store.start_extract(job.extract_id).await.expect("started"));
    file(&store, job.extract_id, 0, &rows[..1]).await;
    ready(&store, job.extract_id).await;
    let page = store.extract_file_rows((job.extract_id, 0), 0, 9).await;
    assert_eq!(page.expect("rows").expect("all open").rows.len(), 1);
    let start = store.start_extract(job.extract_id).await;
    assert!(!start.expect("asked"), "a ready job is never written again");
}

#[tokio::test]
async fn only_so_many_jobs_are_under_way() {
    // Goal: a scan of everything is not to be had without bound. Method: begin as many as a
    // requester may, one more, as many as there may be, one more; end one.
    let world = World::new();
    let store = world.open().await;
    for n in 0..EXTRACTS_OF_REQUESTER_MAX {
        created(&store, n as u8).await;
    }
    let more = store.create_extract(new_extract(100)).await.expect("asked");
    assert_eq!(more, NewJob::RequesterBusy);
    for n in EXTRACTS_OF_REQUESTER_MAX..EXTRACTS_UNDER_WAY_MAX {
        let mut job = new_extract(n as u8);
        job.requester = PartnerId::new(&format!("other-{n}"));
        let begun = store.create_extract(job).await.expect("asked");
        assert!(matches!(begun, NewJob::Created(_)));
    }
    let mut last = new_extract(101);
    last.requester = PartnerId::new("last");
    let more = store.create_extract(last.clone()).await.expect("asked");
    assert_eq!(more, NewJob::Busy);
    store
        .finish_extract(ExtractId([0; 16]), None)
        .await
        .expect("ended");
    let begun = store.create_extract(last).await.expect("asked");
    assert!(matches!(begun, NewJob::Created(_)));
}

#[tokio::test]
async fn a_manifest_tells_what_of_the_sent_is_gone() {
    // Goal: only what this requester was sent is told to be gone. Method: two records in a job, one
    // of them sent, both withdrawn, the next job.
    let world = World::new();
    let store = world.open().await;
    accept(&store, vec![record(0, "a", "one"), record(1, "b", "one")]).await;
    let job = created(&store, 1).await;
    let rows = seen(&store, &job).await.rows;
    file(&store, job.extract_id, 0, &rows).await;
    ready(&store, job.extract_id).await;
    let left = vec![served(&rows[0], b"row bytes ")];
    let left = store
        .authorise_extract_rows((job.extract_id, 0), left)
        .await;
    assert_eq!(left.expect("asked"), Standing::Current);
    let void = |n: u32, name: &str| {
        let mut void = record(n, name, "one");
        void.action = Action::Void;
        void
    };
    accept(&store, vec![void(0, "a"), void(1, "b")]).await;
    let next = created(&store, 2).await;
    let gone = store.extract_deleted(next.extract_id, None, 9).await;
    assert_eq!(gone.expect("gone"), [rows[0].record.record_id]);
    let other = store.extract(&sender(), next.extract_id).await;
    assert!(other.expect("read").is_none());
}
