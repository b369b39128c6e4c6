//! Reviews of what went at once: raised with the authorisation, ended by a verdict, told if late.

use super::world::*;
use kinbridge::base::clock::Clock as _;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::base::vocabulary::Obligation;
use kinbridge::store::*;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

async fn sent(world: &World, store: &Store, text: &str) -> Claimed {
    let records = vec![record(0, "a", text)];
    let done = store.accept(submission(None, text, records)).await;
    assert_eq!(done.expect("accepted").counts().accepted, 1);
    route_all(store, &["county"]).await;
    let claimed = claim(world, store, &["county"], 4).await.remove(0);
    authorised(world, store, &claimed).await;
    claimed
}

async fn authorised(world: &World, store: &Store, claimed: &Claimed) {
    let asked = Authorisation {
        review_due: Some(world.clock.now().after(HOUR)),
        ..authorisation(claimed)
    };
    let answer = store.authorise(vec![asked]).await.expect("answer");
    assert_eq!(answer, [Authorised::Go]);
}

async fn reviews(store: &Store) -> Vec<WorkItem> {
    let items = store.work_items(None, None, 9).await.expect("items");
    let reviews = items.into_iter();
    reviews
        .filter(|item| item.cause == HoldCause::ReviewAfter)
        .collect()
}

/// The `change` of every review entry of the ledger.
async fn told(store: &Store) -> Vec<String> {
    while store.sequence().await.expect("sequenced").is_some() {}
    let entries = store.ledger_page(0, 500).await.expect("entries");
    let read = entries.iter().map(|entry| {
        let body: serde_json::Value = serde_json::from_slice(&entry.body).expect("json");
        body
    });
    let reviews = read.filter(|entry| entry["kind"] == "review");
    reviews.map(|entry| entry["change"].to_string()).collect()
}

#[tokio::test]
async fn a_review_is_raised_once_and_survives_a_correction() {
    // Goal: what has gone is looked at, once, whatever comes after. Method: authorised twice, then
    // corrected by its sender.
    let world = World::new();
    let store = world.open().await;
    let claimed = sent(&world, &store, "one").await;
    let first = reviews(&store).await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].due_at, Some(START.after(HOUR)));
    assert_eq!(first[0].delivery_id, Some(claimed.delivery.delivery_id));
    let retry = Completion::Retry {
        next_at: world.clock.now(),
        detail: "503".into(),
    };
    assert!(complete_one(&store, &claimed, retry).await);
    let again = claim(&world, &store, &["county"], 4).await.remove(0);
    authorised(&world, &store, &again).await;
    let records = vec![record(0, "a", "two")];
    let corrected = store.accept(submission(None, "two", records)).await;
    corrected.expect("corrected");
    assert_eq!(reviews(&store).await, first);
    let own = store.work_items(Some(&sender()), None, 9).await;
    assert!(own.expect("items").is_empty(), "no matter of the sender's");
}

#[tokio::test]
async fn what_nobody_looks_at_in_time_is_overdue_once() {
    // Goal: an alarm at the due instant, and one entry. Method: the clock before and at it.
    let world = World::new();
    let store = world.open().await;
    sent(&world, &store, "one").await;
    world.clock.advance(HOUR - Duration::from_micros(1));
    assert!(
        store
            .mark_overdue_reviews()
            .await
            .expect("looked")
            .is_empty()
    );
    world.clock.advance(Duration::from_micros(1));
    let late = store.mark_overdue_reviews().await.expect("looked");
    assert_eq!(late, [reviews(&store).await[0].work_item_id]);
    assert!(
        store
            .mark_overdue_reviews()
            .await
            .expect("looked")
            .is_empty()
    );
    assert_eq!(reviews(&store).await[0].overdue_at, Some(START.after(HOUR)));
    assert_eq!(store.health().await.expect("health").reviews_overdue, 1);
    assert_eq!(told(&store).await, ["\"overdue\""]);
    let done = store.resolve_work_item(late[0], Resolution::Justified, act("it was"));
    assert_eq!(done.await.expect("resolved"), Resolved::Done);
    assert_eq!(store.health().await.expect("health").reviews_overdue, 0);
}

#[tokio::test]
async fn a_review_ends_with_a_verdict_and_nothing_else_does() {
    // Goal: no review is discarded, no hold is judged; an unjustified one opens a finding and stops
    // nothing. Method: every resolution on a review and on a held delivery.
    let world = World::new();
    let store = world.open().await;
    let claimed = sent(&world, &store, "one").await;
    let id = reviews(&store).await[0].work_item_id;
    for wrong in [
        Resolution::Release,
        Resolution::Discard,
        Resolution::JoinPersons,
    ] {
        let done = store.resolve_work_item(id, wrong, act("why")).await;
        assert_eq!(done.expect("answer"), Resolved::Unfit, "{wrong:?}");
    }
    let done = store.resolve_work_item(id, Resolution::NotJustified, act("no emergency"));
    assert_eq!(done.await.expect("answer"), Resolved::Done);
    assert!(reviews(&store).await.is_empty());
    assert_eq!(told(&store).await, ["\"finding-opened\""]);
    assert!(complete_one(&store, &claimed, Completion::Confirmed).await);

    one_held(&world, &store).await;
    let items = store.work_items(None, None, 9).await.expect("items");
    for wrong in [Resolution::Justified, Resolution::NotJustified] {
        let done = store.resolve_work_item(items[0].work_item_id, wrong, act("why"));
        assert_eq!(done.await.expect("answer"), Resolved::Unfit, "{wrong:?}");
    }
}

async fn one_held(world: &World, store: &Store) {
    let records = vec![record(0, "b", "held")];
    let done = store.accept(submission(None, "held", records)).await;
    done.expect("accepted");
    route_all(store, &["county"]).await;
    let claimed = claim(world, store, &["county"], 4).await.remove(0);
    let held = Completion::Held {
        cause: HoldCause::HumanReview,
        decision: None,
    };
    assert!(complete_one(store, &claimed, held).await);
}

#[tokio::test]
async fn what_a_person_has_done_is_known_to_the_next_decision() {
    // Goal: an open obligation is done by whoever releases its item, and by nobody else. Method: a
    // held delivery that owes two, released, claimed again.
    let world = World::new();
    let store = world.open().await;
    let records = vec![record(0, "a", "one")];
    let done = store.accept(submission(None, "one", records)).await;
    done.expect("accepted");
    route_all(&store, &["county"]).await;
    let claimed = claim(&world, &store, &["county"], 4).await.remove(0);
    assert_eq!(claimed.done, 0);
    let owed = [Obligation::VerifyIdentity, Obligation::RegisteredMail];
    let decision = DecisionRecord {
        open: owed.iter().map(|owed| owed.as_str().to_owned()).collect(),
        ..decision(&claimed, "permit")
    };
    let held = Completion::Held {
        cause: HoldCause::ObligationOpen,
        decision: Some(Box::new(decision)),
    };
    assert!(complete_one(&store, &claimed, held).await);
    let items = store.work_items(None, None, 9).await.expect("items");
    assert_eq!(
        items[0].detail.as_deref(),
        Some("verify_identity,registered_mail")
    );
    let id = items[0].work_item_id;
    let released = store.resolve_work_item(id, Resolution::Release, act("seen to"));
    assert_eq!(released.await.expect("answer"), Resolved::Done);
    let again = claim(&world, &store, &["county"], 4).await.remove(0);
    let bits = owed.iter().fold(0, |set, one| set | 1 << one.index());
    assert_eq!(again.done, bits);
    assert!(!again.reviewed, "nobody has looked at it");
}

async fn lodge(store: &Store, claimed: &Claimed, id: &str) {
    let consent = NewConsent {
        consent_id: ConsentId::new(id),
        partner: sender(),
        subject: claimed.record.persons[0].person,
        body: Sensitive::new(b"{}".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    store.put_consent(consent).await.expect("lodged");
}

/// Lets whatever waits for a look go.
async fn look(store: &Store) -> usize {
    let items = store.work_items(None, None, 9).await.expect("items");
    for item in &items {
        assert_eq!(item.cause, HoldCause::HumanReview);
        let done = store.resolve_work_item(item.work_item_id, Resolution::Release, act("seen"));
        assert_eq!(done.await.expect("answer"), Resolved::Done);
    }
    items.len()
}

#[tokio::test]
async fn what_a_delivery_uses_up_itself_takes_no_look_from_it_and_what_others_do_does() {
    // Goal: a further attempt goes on by the look of the first. Method: a delivery that was looked
    // at, uses a consent for one disclosure and is not taken; then another consent.
    let world = World::new();
    let store = world.open().await;
    one_held(&world, &store).await;
    assert_eq!(look(&store).await, 1);
    let claimed = claim(&world, &store, &["county"], 4).await.remove(0);
    assert!(claimed.reviewed);
    lodge(&store, &claimed, "once").await;
    let late = Completion::DecideAgain {
        next_at: world.clock.now(),
    };
    assert!(complete_one(&store, &claimed, late).await);
    let claimed = claim(&world, &store, &["county"], 4).await.remove(0);
    assert!(!claimed.reviewed, "a consent was lodged");
    let held = Completion::Held {
        cause: HoldCause::HumanReview,
        decision: None,
    };
    assert!(complete_one(&store, &claimed, held).await);
    assert_eq!(look(&store).await, 1);
    let claimed = claim(&world, &store, &["county"], 4).await.remove(0);
    let asked = Authorisation {
        spends: vec![(sender(), ConsentId::new("once"))],
        ..authorisation(&claimed)
    };
    let answer = store.authorise(vec![asked]).await.expect("answer");
    assert_eq!(answer, [Authorised::Go]);
    for (consent, reviewed) in [(None, true), (Some("more"), false)] {
        if let Some(id) = consent {
            lodge(&store, &claimed, id).await;
        }
        world.clock.advance(HOUR);
        let claimed = claim(&world, &store, &["county"], 4).await.remove(0);
        assert_eq!(claimed.reviewed, reviewed, "{consent:?}");
    }
}

#[tokio::test]
async fn a_look_at_a_withholding_is_asked_for_again_when_something_has_changed() {
    // Goal: one item while nothing changes, another after. Method: withheld, put away, withheld
    // again by new rules and by a consent.
    let world = World::new();
    let store = world.open().await;
    let records = vec![record(0, "a", "one")];
    let done = store.accept(submission(None, "one", records)).await;
    done.expect("accepted");
    route_all(&store, &["county"]).await;
    for (change, asked) in [("none", 1), ("rules", 0), ("consent", 1)] {
        if change == "rules" {
            store.reevaluate_partner(None).await.expect("queued");
        }
        let claimed = claim(&world, &store, &["county"], 4).await.remove(0);
        let decision = DecisionRecord {
            obligations: vec![Obligation::HumanReview.as_str().to_owned()],
            ..decision(&claimed, "withhold")
        };
        let withheld = Completion::Withheld {
            decision: Box::new(decision),
        };
        assert!(complete_one(&store, &claimed, withheld).await);
        let items = store.work_items(None, None, 9).await.expect("items");
        assert_eq!(items.len(), asked, "{change}");
        for item in &items {
            let done = store.resolve_work_item(item.work_item_id, Resolution::Discard, act("no"));
            assert_eq!(done.await.expect("answer"), Resolved::Done);
        }
        if change == "rules" {
            lodge(&store, &claimed, "c").await;
        }
    }
}
