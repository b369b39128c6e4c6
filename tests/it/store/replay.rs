//! Goal: a withheld delivery moves only when two different officers say so in time; every step is
//! an entry of the ledger. Method: a delivery withheld in the store, asked for by one officer and
//! by two, in time and late, by its work items too; states, items and entries are read after each.

use super::world::*;
use kinbridge::base::clock::{Clock as _, Timestamp};
use kinbridge::base::id::DeliveryId;
use kinbridge::base::limits::SECOND_OFFICER_WAIT;
use kinbridge::store::*;
use std::time::Duration;

fn by(operator: &str) -> OperatorAct {
    OperatorAct {
        operator: operator.into(),
        ..act("the family called")
    }
}

/// A delivery that law withholds, of a record of the one sender.
async fn withheld(world: &World, store: &Store) -> Claimed {
    let records = vec![record(0, "a", "one")];
    store
        .accept(submission(None, "one", records))
        .await
        .expect("accepted");
    route_all(store, &["county"]).await;
    let claimed = claim(world, store, &["county"], 9).await.remove(0);
    withhold(store, &claimed).await;
    claimed
}

async fn withhold(store: &Store, claimed: &Claimed) {
    let decision = Box::new(decision(claimed, "withhold"));
    assert!(complete_one(store, claimed, Completion::Withheld { decision }).await);
}

async fn actions(store: &Store) -> Vec<(String, String)> {
    let page = store.ledger_page(0, 100).await.expect("entries");
    let bodies = page.iter().map(|entry| serde_json::from_slice(&entry.body));
    let entries: Vec<serde_json::Value> = bodies.collect::<Result<_, _>>().expect("JSON");
    let text = entries.iter().map(ToString::to_string);
    text.filter(|text| text.contains("replay"))
        .map(|text| {
            let word = ["replay-requested", "replay-confirmed", "replay-ended"];
            let word = word.into_iter().find(|word| text.contains(word));
            let who = ["first", "second"]
                .into_iter()
                .find(|who| text.contains(who));
            (word.unwrap_or("?").into(), who.unwrap_or("?").into())
        })
        .collect()
}

fn waits(world: &World) -> ReplayRequested {
    let until = world.clock.now().after(SECOND_OFFICER_WAIT);
    ReplayRequested::Recorded { until }
}

async fn items(store: &Store) -> Vec<HoldCause> {
    let items = store.work_items(None, None, 9).await.expect("items");
    items.iter().map(|item| item.cause).collect()
}

#[tokio::test]
async fn two_officers_queue_it_for_a_new_decision() {
    let world = World::new();
    let store = world.open().await;
    let claimed = withheld(&world, &store).await;
    let id = claimed.delivery.delivery_id;
    assert!(
        !store.replay(id, by("first")).await.expect("replay"),
        "one alone"
    );
    let asked = store.request_replay(id, by("first")).await.expect("asked");
    assert_eq!(asked, waits(&world));
    assert_eq!(state(&store, &claimed).await, DeliveryState::Withheld);
    assert!(claim(&world, &store, &["county"], 9).await.is_empty());
    let alone = store.confirm_replay(id, by("first")).await.expect("answer");
    assert_eq!(alone, ReplayConfirmed::SameOfficer);
    assert_eq!(state(&store, &claimed).await, DeliveryState::Withheld);
    let done = store
        .confirm_replay(id, by("second"))
        .await
        .expect("answer");
    assert_eq!(done, ReplayConfirmed::Queued);
    let again = store
        .confirm_replay(id, by("second"))
        .await
        .expect("answer");
    assert_eq!(again, ReplayConfirmed::NotAsked);
    assert_eq!(items(&store).await, [HoldCause::Withheld]);
    let claims = claim(&world, &store, &["county"], 9).await;
    assert_eq!(claims.len(), 1);
    assert!(
        !claims[0].reviewed,
        "nobody's look stands in for the decision"
    );
    withhold(&store, &claims[0]).await;
    assert_eq!(state(&store, &claimed).await, DeliveryState::Withheld);
    let told = actions(&store).await;
    let pair = |word: &str, who: &str| (word.to_owned(), who.to_owned());
    let expected = [
        pair("replay-requested", "first"),
        pair("replay-confirmed", "second"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_request_runs_out_and_is_ended() {
    let world = World::new();
    let store = world.open().await;
    let claimed = withheld(&world, &store).await;
    let id = claimed.delivery.delivery_id;
    store.request_replay(id, by("first")).await.expect("asked");
    let twice = store.request_replay(id, by("second")).await.expect("asked");
    assert!(matches!(twice, ReplayRequested::Waits { .. }), "{twice:?}");
    world
        .clock
        .advance(SECOND_OFFICER_WAIT - Duration::from_secs(1));
    assert_eq!(store.end_overdue_replays().await.expect("ended"), 0);
    world.clock.advance(Duration::from_secs(1));
    let late = store
        .confirm_replay(id, by("second"))
        .await
        .expect("answer");
    assert_eq!(late, ReplayConfirmed::NotAsked);
    assert_eq!(state(&store, &claimed).await, DeliveryState::Withheld);
    assert_eq!(store.end_overdue_replays().await.expect("ended"), 1);
    assert_eq!(items(&store).await, [HoldCause::Withheld]);
    let last = actions(&store).await.pop().expect("an entry");
    assert_eq!(last, ("replay-ended".to_owned(), "first".to_owned()));
    // It may be asked for anew, by anyone.
    let anew = store.request_replay(id, by("second")).await.expect("asked");
    assert_eq!(anew, waits(&world));
}

#[tokio::test]
async fn what_is_unknown_or_not_withheld_is_not_asked_for() {
    let world = World::new();
    let store = world.open().await;
    let unknown = DeliveryId::mint(Timestamp(1));
    let asked = store.request_replay(unknown, by("first")).await;
    assert_eq!(asked.expect("answer"), ReplayRequested::NotWithheld);
    let confirmed = store.confirm_replay(unknown, by("second")).await;
    assert_eq!(confirmed.expect("answer"), ReplayConfirmed::NotAsked);
    let claimed = withheld(&world, &store).await;
    let id = claimed.delivery.delivery_id;
    let unasked = store.confirm_replay(id, by("second")).await;
    assert_eq!(unasked.expect("answer"), ReplayConfirmed::NotAsked);
    store.request_replay(id, by("first")).await.expect("asked");
    // The law changed meanwhile and it is on its way by itself: nothing is left to confirm.
    assert_eq!(store.reevaluate_partner(None).await.expect("queued"), 1);
    let moot = store.confirm_replay(id, by("second")).await;
    assert_eq!(moot.expect("answer"), ReplayConfirmed::NotAsked);
    assert_eq!(store.end_overdue_replays().await.expect("ended"), 1);
}

#[tokio::test]
async fn a_work_item_is_no_way_around_and_is_no_senders_to_see() {
    let world = World::new();
    let store = world.open().await;
    let claimed = withheld(&world, &store).await;
    let id = claimed.delivery.delivery_id;
    store.request_replay(id, by("first")).await.expect("asked");
    let own = store.work_items(Some(&sender()), None, 9).await;
    let own: Vec<_> = own.expect("items").iter().map(|item| item.cause).collect();
    assert_eq!(own, [HoldCause::Withheld], "the addressee's, as before");
    let all = store.work_items(None, None, 9).await.expect("items");
    assert_eq!(all.len(), 2);
    for item in &all {
        let done = store.resolve_work_item(item.work_item_id, Resolution::Release, by("second"));
        assert_eq!(done.await.expect("answer"), Resolved::TwoOfficers);
    }
    assert_eq!(state(&store, &claimed).await, DeliveryState::Withheld);
    let asked = all
        .iter()
        .find(|i| i.cause == HoldCause::ReplayConfirmation);
    let asked = asked.expect("the request's item").work_item_id;
    let done = store.resolve_work_item(asked, Resolution::Discard, by("second"));
    assert_eq!(done.await.expect("answer"), Resolved::Done);
    let gone = store.confirm_replay(id, by("second")).await;
    assert_eq!(gone.expect("answer"), ReplayConfirmed::NotAsked);
}
