//! Goal: what a partner is remembered to have been given is what went, under what let it go, of
//! whom it is about today. Method: deliveries, pulls and the door on the bare store, read back.

use super::world::*;
use super::{emergency, extract};
use kinbridge::base::clock::{Clock as _, Timestamp};
use kinbridge::base::id::*;
use kinbridge::store::*;
use std::time::Duration;

fn of(source: &str, identifiers: &[&str]) -> NewRecord {
    let mut record = record(0, source, source);
    record.persons = vec![person("p", identifiers, true)];
    record
}

async fn accept(store: &Store, source: &str, identifiers: &[&str]) {
    let records = vec![of(source, identifiers)];
    let done = store.accept(submission(None, source, records)).await;
    done.expect("accepted");
}

async fn who(store: &Store, identifier: &str) -> PersonId {
    let found = store.person_by_identifier(identifier, false).await;
    found.expect("an answer").expect("known")
}

/// So many microseconds later.
fn later(by: i64) -> Timestamp {
    Timestamp(START.0 + by)
}

/// Sends what waits for the county on decisions of that instant; the records it was given.
async fn send(world: &World, store: &Store, at: Timestamp) -> Vec<RecordId> {
    route_all(store, &["county"]).await;
    let claims = claim(world, store, &["county"], 9).await;
    for claimed in &claims {
        let mut asked = authorisation(claimed);
        asked.decision.at = at;
        let go = store.authorise(vec![asked]).await;
        assert_eq!(go.expect("an answer"), [Authorised::Go]);
        assert!(complete_one(store, claimed, Completion::Confirmed).await);
    }
    claims.iter().map(|c| c.record.record_id).collect()
}

/// The decisions the county is remembered by.
async fn remembered(store: &Store, records: &[RecordId]) -> Vec<DecisionRecord> {
    by(store, &PartnerId::new("county"), records).await
}

/// The decisions a partner is remembered by.
async fn by(store: &Store, to: &PartnerId, records: &[RecordId]) -> Vec<DecisionRecord> {
    let given = store.given_to(to, records).await;
    let given = given.expect("read").into_iter();
    given.flat_map(|given| given.decisions).collect()
}

/// Of whom something was given by these.
fn persons(decisions: &[DecisionRecord]) -> Vec<PersonId> {
    let rows = decisions.iter().flat_map(|decision| &decision.rows);
    let mut out: Vec<PersonId> = rows.map(|row| row.person).collect();
    out.sort_unstable();
    out
}

#[tokio::test]
async fn what_went_is_judged_by_the_decision_that_let_it_go() {
    // Goal: a later decision that sends nothing hides nothing of what may have arrived. Method: an
    // unsure attempt under one law, then the rest is held, or sent again, under another.
    let world = World::new();
    let store = world.open().await;
    accept(&store, "a", &["s|1"]).await;
    route_all(&store, &["county"]).await;
    let first = claim(&world, &store, &["county"], 9).await.remove(0);
    let go = store.authorise(vec![authorisation(&first)]).await;
    assert_eq!(go.expect("an answer"), [Authorised::Go]);
    let unsure = Completion::Ambiguous {
        next_at: world.clock.now(),
        detail: String::from("x"),
    };
    assert!(complete_one(&store, &first, unsure).await);
    let again = claim(&world, &store, &["county"], 9).await.remove(0);
    let mut narrower = decision(&again, "withhold");
    narrower.citations = vec!["another law".into()];
    let held = Completion::Held {
        cause: HoldCause::HumanReview,
        decision: Some(Box::new(narrower)),
    };
    assert!(complete_one(&store, &again, held).await);
    let seen = remembered(&store, &[first.record.record_id]).await;
    assert_eq!(seen, [decision(&first, "permit")]);
}

#[tokio::test]
async fn a_pull_that_held_a_record_or_was_never_fetched_gave_nothing() {
    // Goal: nobody got by a row what the row did not bring. Method: three records of one job: given
    // and fetched, given and not fetched, held.
    let world = World::new();
    let store = world.open().await;
    for source in ["a", "b", "c"] {
        accept(&store, source, &[&format!("s|{source}")]).await;
    }
    let job = extract::created(&store, 1).await;
    let rows = extract::seen(&store, &job).await.rows;
    extract::file(&store, job.extract_id, 0, &rows[..1]).await;
    extract::file(&store, job.extract_id, 1, &rows[1..2]).await;
    let held = ExtractOutcome::Held(HoldCause::HumanReview);
    let mut held = extract::kept_back(&rows[2], held);
    held.decision = extract::given(&rows[2], 0).decision;
    let page = (job.extract_id, 1);
    let done = store.record_extract_rows(page, vec![held], Vec::new());
    assert!(done.await.expect("recorded"));
    extract::ready(&store, job.extract_id).await;
    let ids: Vec<RecordId> = rows.iter().map(|row| row.record.record_id).collect();
    let state = PartnerId::new("state");
    assert!(by(&store, &state, &ids).await.is_empty(), "nothing left");
    let row = vec![extract::served(&rows[0], b"row bytes ")];
    let left = store.authorise_extract_rows((job.extract_id, 0), row).await;
    assert_eq!(left.expect("asked"), Standing::Current);
    assert_eq!(by(&store, &state, &ids).await.len(), 1);
}

#[tokio::test]
async fn what_was_given_at_the_emergency_door_is_remembered() {
    // Goal: the requester has no first-hand claim to it. Method: one answer at the door, looked up
    // for the requester and for somebody else.
    let world = World::new();
    let store = world.open().await;
    let row = emergency::accepted(&store, "a").await;
    let ids = [row.record.record_id];
    let hospital = PartnerId::new("hospital");
    assert!(by(&store, &hospital, &ids).await.is_empty());
    let new = emergency::answer(&row);
    let decision = new.given[0].decision.clone();
    let answer = store.authorise_emergency(new).await;
    assert_eq!(answer.expect("an answer"), EmergencyAnswer::Go);
    assert_eq!(by(&store, &hospital, &ids).await, [decision]);
    assert!(remembered(&store, &ids).await.is_empty());
}

#[tokio::test]
async fn what_was_given_is_of_whom_it_counts_to_today() {
    // Goal: neither joining nor parting makes anybody's data first-hand. Method: one delivery
    // before two persons are joined and one while they are; looked at joined, and parted again.
    let world = World::new();
    let store = world.open().await;
    accept(&store, "a", &["s|1"]).await;
    accept(&store, "b", &["s|2"]).await;
    let (keep, other) = (who(&store, "s|1").await, who(&store, "s|2").await);
    let apart = send(&world, &store, START).await;
    assert_eq!(apart.len(), 2);
    let then = |by| OperatorAct {
        at: later(by),
        ..act("one child")
    };
    let join = store.join_persons((keep, other), then(1));
    assert_eq!(join.await.expect("an answer"), Resolved::Done);
    let seen = remembered(&store, &apart).await;
    assert_eq!(
        persons(&seen),
        [keep, keep],
        "what was given of the other too"
    );

    world.clock.advance(Duration::from_secs(60));
    accept(&store, "c", &["s|2"]).await;
    let together = send(&world, &store, later(2)).await;
    let parted = store.part_persons(other, then(3)).await;
    assert_eq!(parted.expect("an answer"), Resolved::Done);
    let mut both = [keep, other];
    both.sort_unstable();
    assert_eq!(persons(&remembered(&store, &apart).await), both);
    let seen = remembered(&store, &together).await;
    assert_eq!(persons(&seen), both, "it was told of both as of one");
}

#[tokio::test]
async fn what_was_given_at_the_door_while_two_were_one_is_recalled_of_both() {
    // Goal: no recall takes two persons who were parted since for the one they were. Method: an
    // answer at the door about two joined ones, who are parted; what is looked at again of it.
    let world = World::new();
    let store = world.open().await;
    accept(&store, "x", &["s|1"]).await;
    accept(&store, "y", &["urn:x|a-c"]).await;
    let (keep, other) = (who(&store, "s|1").await, who(&store, "urn:x|a-c").await);
    let then = |by| OperatorAct {
        at: later(by),
        ..act("one child")
    };
    let join = store.join_persons((keep, other), then(1));
    assert_eq!(join.await.expect("an answer"), Resolved::Done);
    let row = emergency::accepted(&store, "a").await;
    let mut new = emergency::answer(&row);
    new.given[0].decision.at = later(2);
    let rows = &mut new.given[0].decision.rows;
    rows.retain(|of| of.person == keep);
    assert_eq!(rows.len(), 1, "one of them is told of as the one they are");
    let answer = store.authorise_emergency(new).await;
    assert_eq!(answer.expect("an answer"), EmergencyAnswer::Go);
    let parted = store.part_persons(other, then(3)).await;
    assert_eq!(parted.expect("an answer"), Resolved::Done);
    world.clock.advance(Duration::from_secs(60));
    let mut both = [keep, other];
    both.sort_unstable();
    let mut seen = 0;
    while let Some(page) = store.recalls_due(Duration::MAX).await.expect("read") {
        let at_the_door = page.found.iter().filter_map(|one| one.given.as_ref());
        for given in at_the_door {
            assert_eq!(persons(std::slice::from_ref(&given.decision)), both);
            seen += 1;
        }
        store.recall(page, Vec::new()).await.expect("ended");
    }
    assert!(seen > 0, "it is looked at again");
}
