//! Work items that outlive what they wait for end by themselves; looks at what went do not.

use super::world::*;
use kinbridge::base::clock::Clock as _;
use kinbridge::base::id::{ChannelId, PartnerId};
use kinbridge::base::vocabulary::Obligation;
use kinbridge::outbox::Answer;
use kinbridge::store::*;
use sqlx::{Connection as _, Row as _};
use std::time::Duration;

type Ended = (String, Option<String>);

/// Every item there has been: its cause, and how it ended where it has.
async fn items(world: &World) -> Vec<Ended> {
    let url = format!("sqlite://{}", world.database().display());
    let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("open");
    let sql = "SELECT cause, CASE state WHEN 0 THEN NULL ELSE resolution END FROM work_item";
    let rows = sqlx::query(sql).fetch_all(&mut conn).await.expect("rows");
    conn.close().await.expect("closed");
    sorted(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn sorted(mut items: Vec<Ended>) -> Vec<Ended> {
    items.sort();
    items
}

fn item(cause: &str, ended: Option<&str>) -> Ended {
    (cause.to_owned(), ended.map(str::to_owned))
}

/// Withheld from a named addressee; or for a look; or because nobody has said who asks.
fn withheld(claimed: &Claimed, cause: HoldCause) -> Completion {
    let look = (cause == HoldCause::HumanReview).then_some(Obligation::HumanReview);
    let decision = DecisionRecord {
        obligations: look.iter().map(|owed| owed.as_str().to_owned()).collect(),
        standing_unknown: cause == HoldCause::StandingUnknown,
        ..decision(claimed, "withhold")
    };
    Completion::Withheld {
        decision: Box::new(decision),
    }
}

async fn handed_in(store: &Store, text: &str) {
    let done = store.accept(submission(None, text, vec![record(0, "a", text)]));
    assert_eq!(done.await.expect("accepted").counts().accepted, 1);
}

/// Has everything withheld decided again, and claims one.
async fn again(world: &World, store: &Store) -> Claimed {
    store.reevaluate_partner(None).await.expect("queued");
    claim(world, store, &["county"], 1).await.remove(0)
}

/// A delivery that was withheld for that cause, and goes on now.
async fn opened(world: &World, store: &Store, cause: HoldCause) -> Claimed {
    handed_in(store, "one").await;
    route_all(store, &["county"]).await;
    let claimed = claim(world, store, &["county"], 1).await.remove(0);
    assert!(complete_one(store, &claimed, withheld(&claimed, cause)).await);
    again(world, store).await
}

async fn go(world: &World, store: &Store, claimed: &Claimed) {
    let asked = Authorisation {
        review_due: Some(world.clock.now().after(Duration::from_secs(3_600))),
        ..authorisation(claimed)
    };
    let answer = store.authorise(vec![asked]).await.expect("answer");
    assert_eq!(answer, [Authorised::Go]);
}

#[tokio::test]
async fn what_was_asked_before_it_went_ends_as_it_arrives_and_a_look_at_what_went_does_not() {
    // Goal: nobody is asked any longer about what has arrived; what is due afterwards stays.
    // Method: each cause of a withholding, opened by a change, sent and confirmed.
    for (cause, word) in [
        (HoldCause::Withheld, "withheld"),
        (HoldCause::HumanReview, "human-review"),
        (HoldCause::StandingUnknown, "standing-unknown"),
    ] {
        let world = World::new();
        let store = world.open().await;
        let claimed = opened(&world, &store, cause).await;
        go(&world, &store, &claimed).await;
        let review = item("review-after", None);
        let open = [item(word, None), review.clone()];
        assert_eq!(
            items(&world).await,
            sorted(open.to_vec()),
            "it may not arrive"
        );
        assert!(complete_one(&store, &claimed, Completion::Confirmed).await);
        let ended = [item(word, Some("delivered")), review];
        assert_eq!(items(&world).await, sorted(ended.to_vec()));
        let left = store.work_items(None, None, 9).await.expect("items");
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].cause, HoldCause::ReviewAfter);
    }
}

#[tokio::test]
async fn what_goes_on_as_another_generation_takes_its_items_along() {
    // Goal: an item about a generation that was withdrawn ends; the next one's own stays. Method:
    // opened, perhaps arrived, withdrawn for less, and that withheld.
    let world = World::new();
    let store = world.open().await;
    let claimed = opened(&world, &store, HoldCause::Withheld).await;
    go(&world, &store, &claimed).await;
    let unsure = Completion::Ambiguous {
        next_at: world.clock.now(),
        detail: "timeout".into(),
    };
    assert!(complete_one(&store, &claimed, unsure).await);
    let claimed = claim(&world, &store, &["county"], 1).await.remove(0);
    let next = delivery(&claimed.record, "county", 1);
    let withdrawn = Completion::Withdrawn { next: Some(next) };
    assert!(complete_one(&store, &claimed, withdrawn).await);
    let ended = item("withheld", Some("withdrawn"));
    let review = item("review-after", None);
    assert_eq!(
        items(&world).await,
        sorted(vec![ended.clone(), review.clone()])
    );
    let next = claim(&world, &store, &["county"], 1).await.remove(0);
    let kept = withheld(&next, HoldCause::Withheld);
    assert!(complete_one(&store, &next, kept).await);
    assert_eq!(
        items(&world).await,
        sorted(vec![ended, review, item("withheld", None)])
    );
}

#[tokio::test]
async fn what_ended_by_itself_is_asked_for_again() {
    // Goal: an item that nobody put away does not silence the next. Method: opened, unreadable for
    // a while, tried again and withheld again; then put away by an officer and withheld once more.
    let world = World::new();
    let store = world.open().await;
    let claimed = opened(&world, &store, HoldCause::Withheld).await;
    assert!(complete_one(&store, &claimed, Completion::Unreadable).await);
    let mut expected = vec![
        item("withheld", Some("ended")),
        item("attempts-exhausted", None),
    ];
    assert_eq!(items(&world).await, sorted(expected.to_vec()));
    let id = claimed.delivery.delivery_id;
    assert!(
        store
            .replay(id, act("their network"))
            .await
            .expect("answer")
    );
    let claimed = claim(&world, &store, &["county"], 1).await.remove(0);
    let kept = withheld(&claimed, HoldCause::Withheld);
    assert!(complete_one(&store, &claimed, kept).await);
    expected[1] = item("attempts-exhausted", Some("replayed"));
    expected.push(item("withheld", None));
    assert_eq!(items(&world).await, sorted(expected.to_vec()));
    let open = store.work_items(Some(&sender()), None, 9).await;
    let open = open.expect("items")[0].work_item_id;
    let done = store.resolve_work_item(open, Resolution::Discard, act("told"));
    assert_eq!(done.await.expect("answer"), Resolved::Done);
    let claimed = again(&world, &store).await;
    let kept = withheld(&claimed, HoldCause::Withheld);
    assert!(complete_one(&store, &claimed, kept).await);
    expected[2] = item("withheld", Some("discarded"));
    assert_eq!(
        items(&world).await,
        sorted(expected.to_vec()),
        "once is enough"
    );
}

#[tokio::test]
async fn a_look_that_two_channels_share_ends_with_the_last_of_them() {
    // Goal: one item stands for both channels as long as either is withheld. Method: both withheld
    // for a look; the one the item names arrives, then the other.
    let world = World::new();
    let store = world.open().await;
    handed_in(&store, "one").await;
    let work = store.claim_routes(9).await.expect("routes").remove(0);
    let first = delivery(&work.record, "county", 0);
    let second = NewDelivery {
        channel: ChannelId::new("two"),
        ..delivery(&work.record, "county", 7)
    };
    let routed = Routed {
        asked: work.asked,
        record_id: work.record.record_id,
        version: work.record.version,
        deliveries: vec![first, second],
        work: Vec::new(),
    };
    store.routed(vec![routed]).await.expect("routed");
    let mut claims = both(&world, &store).await;
    for claimed in &claims {
        let kept = withheld(claimed, HoldCause::HumanReview);
        assert!(complete_one(&store, claimed, kept).await);
    }
    let look = "human-review";
    assert_eq!(items(&world).await, sorted(vec![item(look, None)]));
    store.reevaluate_partner(None).await.expect("queued");
    claims = both(&world, &store).await;
    let kept = withheld(&claims[1], HoldCause::HumanReview);
    assert!(complete_one(&store, &claims[1], kept).await);
    let answer = store.authorise(vec![authorisation(&claims[0])]).await;
    assert_eq!(answer.expect("answer"), [Authorised::Go]);
    assert!(complete_one(&store, &claims[0], Completion::Confirmed).await);
    assert_eq!(
        items(&world).await,
        sorted(vec![item(look, None)]),
        "the other waits"
    );
    store.reevaluate_partner(None).await.expect("queued");
    let last = both(&world, &store).await.remove(0);
    let answer = store.authorise(vec![authorisation(&last)]).await;
    assert_eq!(answer.expect("answer"), [Authorised::Go]);
    assert!(complete_one(&store, &last, Completion::Confirmed).await);
    assert_eq!(
        items(&world).await,
        sorted(vec![item(look, Some("delivered"))])
    );
}

/// What is due over both channels, `out` before `two`.
async fn both(world: &World, store: &Store) -> Vec<Claimed> {
    let lanes = ["out", "two"].map(|channel| LaneLimit {
        partner: PartnerId::new("county"),
        channel: ChannelId::new(channel),
        in_flight_max: 4,
    });
    let request = ClaimRequest {
        limit: 9,
        now: world.clock.now(),
        lease: Duration::from_secs(60),
        lanes: lanes.to_vec(),
        unlisted_max: 0,
    };
    let mut claims = store.claim(request).await.expect("claimed");
    claims.sort_by_key(|claimed| claimed.delivery.channel.as_str().to_owned());
    claims
}

#[tokio::test]
async fn what_has_used_up_its_attempts_is_one_matter() {
    // Goal: only what still waits is asked about. Method: withheld, opened, sent in vain to the
    // end; then tried once more, with success.
    let world = World::new();
    let store = world.open().await;
    let claimed = opened(&world, &store, HoldCause::HumanReview).await;
    go(&world, &store, &claimed).await;
    let dead = Completion::Dead {
        answer: Answer::NotTaken,
        detail: "503".into(),
    };
    assert!(complete_one(&store, &claimed, dead).await);
    let mut expected = vec![
        item("human-review", Some("ended")),
        item("review-after", None),
        item("attempts-exhausted", None),
    ];
    assert_eq!(items(&world).await, sorted(expected.to_vec()));
    let id = claimed.delivery.delivery_id;
    assert!(store.replay(id, act("again")).await.expect("answer"));
    let claimed = claim(&world, &store, &["county"], 1).await.remove(0);
    go(&world, &store, &claimed).await;
    assert!(complete_one(&store, &claimed, Completion::Confirmed).await);
    expected[2] = item("attempts-exhausted", Some("replayed"));
    assert_eq!(items(&world).await, sorted(expected));
}
