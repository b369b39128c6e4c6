//! Routing, claiming, authorising, completing: no send without a committed authorisation, no
//! delivery lost, none in the way of another.

use super::world::*;
use kinbridge::base::clock::Clock as _;
use kinbridge::base::id::PersonId;
use kinbridge::base::sensitive::Reason;
use kinbridge::outbox::Answer;
use kinbridge::store::*;
use std::time::Duration;

async fn one_accepted(store: &Store, source: &str, text: &str) {
    let records = vec![record(0, source, text)];
    let done = store.accept(submission(None, text, records)).await;
    assert_eq!(done.expect("accepted").counts().accepted, 1);
}

#[tokio::test]
async fn a_record_goes_its_whole_way() {
    // Goal: accepted, routed, claimed, authorised, confirmed, and never again. Method: one record
    // to two recipients, looking at what each step gives.
    let world = World::new();
    let store = world.open().await;
    one_accepted(&store, "a", "one").await;
    assert_eq!(route_all(&store, &["county", "ppp"]).await, 1);
    assert_eq!(store.claim_routes(5).await.expect("routes").len(), 0);
    let claims = claim(&world, &store, &["county", "ppp"], 4).await;
    assert_eq!(claims.len(), 2);
    let first = &claims[0];
    let payload = first.record.payload.expose(Reason::Test);
    assert_eq!(payload, b"{\"text\":\"one\"}");
    assert_eq!(first.record.source_record_id, "a");
    assert_eq!(first.record.persons[0].key, "child");
    assert!(first.kept.is_none() && first.attempts == 0);
    let asked: Vec<_> = claims.iter().map(authorisation).collect();
    let answers = store.authorise(asked.clone()).await.expect("answers");
    assert_eq!(answers, [Authorised::Go, Authorised::Go]);
    let again = store.authorise(asked).await.expect("answers");
    assert_eq!(again, [Authorised::Stale, Authorised::Stale]);
    for claimed in &claims {
        assert!(complete_one(&store, claimed, Completion::Confirmed).await);
        assert!(!complete_one(&store, claimed, Completion::Confirmed).await);
        assert_eq!(state(&store, claimed).await, DeliveryState::Confirmed);
    }
    assert!(
        claim(&world, &store, &["county", "ppp"], 4)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_restart_keeps_routes_and_deliveries() {
    // Goal: nothing in flight is lost with the process. Method: reopen before routing, and again
    // between authorise and complete.
    let world = World::new();
    let store = world.open().await;
    one_accepted(&store, "a", "one").await;
    assert_eq!(store.claim_routes(5).await.expect("routes").len(), 1);
    store.close().await;
    let store = world.open().await;
    assert_eq!(route_all(&store, &["county"]).await, 1);
    let claims = claim(&world, &store, &["county"], 4).await;
    let going = store.authorise(vec![authorisation(&claims[0])]).await;
    assert_eq!(going.expect("answer"), [Authorised::Go]);
    store.close().await;
    let store = world.open().await;
    assert!(claim(&world, &store, &["county"], 4).await.is_empty());
    world.clock.advance(Duration::from_secs(61));
    let again = claim(&world, &store, &["county"], 4).await;
    assert_eq!(again.len(), 1);
    assert!(again[0].ambiguous && again[0].attempts == 1);
    let kept = again[0].kept.as_ref().expect("the first bytes");
    assert_eq!(kept.bytes.expose(Reason::Test), b"released bytes");
    assert_eq!(kept.released_paths, ["/body/status"]);
    assert_eq!(again[0].delivery, claims[0].delivery);
    // The first claim's token is worth nothing now.
    assert!(!complete_one(&store, &claims[0], Completion::Confirmed).await);
    tried(&store, &again[0], Completion::Confirmed).await;
}

#[tokio::test]
async fn lanes_have_limits_and_do_not_wait_for_each_other() {
    // Goal: at most so many at once per lane; a stuck lane leaves others alone. Method: ten
    // records to two lanes with limits 3 and 0.
    let world = World::new();
    let store = world.open().await;
    for n in 0..10 {
        one_accepted(&store, &format!("r{n}"), &format!("t{n}")).await;
    }
    route_all(&store, &["county", "ppp"]).await;
    assert_eq!(claim(&world, &store, &["county"], 3).await.len(), 3);
    assert_eq!(claim(&world, &store, &["county"], 3).await.len(), 0);
    assert_eq!(claim(&world, &store, &["county"], 5).await.len(), 2);
    assert_eq!(claim(&world, &store, &["ppp"], 0).await.len(), 0);
    assert_eq!(claim(&world, &store, &["ppp"], 100).await.len(), 10);
    let lanes = store.lanes().await.expect("lanes");
    assert_eq!(lanes.len(), 1);
    assert_eq!(lanes[0].pending, 5);
}

#[tokio::test]
async fn lanes_are_served_by_turns() {
    // Goal: a long and old queue takes no place others have a right to, places already taken
    // count, and a lane that has no limit is served apart. Method: five old records for one
    // recipient, then one for three, and few places.
    let world = World::new();
    let store = world.open().await;
    for n in 0..5 {
        one_accepted(&store, &format!("r{n}"), &format!("t{n}")).await;
    }
    route_all(&store, &["busy"]).await;
    world.clock.advance(Duration::from_secs(1));
    one_accepted(&store, "late", "late").await;
    route_all(&store, &["busy", "calm", "gone"]).await;
    let lanes: (&[&str], u32) = (&["busy", "calm"], 9);
    let to = |claims: &[Claimed]| -> Vec<String> {
        let names = claims.iter().map(|c| c.delivery.partner.to_string());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    let first = claim_some(&world, &store, lanes, (1, 0)).await;
    assert_eq!(to(&first), ["busy"], "the oldest of the first turn");
    let second = claim_some(&world, &store, lanes, (2, 0)).await;
    assert_eq!(to(&second), ["busy", "calm"], "one each");
    let rest = claim_some(&world, &store, lanes, (500, 0)).await;
    assert_eq!(to(&rest), ["busy"; 4]);
    let gone = claim_some(&world, &store, lanes, (500, 1)).await;
    assert_eq!(to(&gone), ["gone"]);
}

#[tokio::test]
async fn what_is_under_way_alone_keeps_later_versions_waiting() {
    // Goal: an authorised attempt blocks the next version of the same record, nothing else; what
    // was not yet sent is superseded. Method: authorise one, correct it, and look at what is due.
    let world = World::new();
    let store = world.open().await;
    one_accepted(&store, "a", "one").await;
    one_accepted(&store, "b", "bee").await;
    route_all(&store, &["county"]).await;
    let claims = claim(&world, &store, &["county"], 9).await;
    let (a, b) = match claims[0].record.source_record_id.as_str() {
        "a" => (&claims[0], &claims[1]),
        _ => (&claims[1], &claims[0]),
    };
    store.authorise(vec![authorisation(a)]).await.expect("go");
    let held = Completion::Held {
        cause: HoldCause::OutputInvalid,
        decision: None,
    };
    assert!(complete_one(&store, b, held).await);
    one_accepted(&store, "a", "two").await;
    one_accepted(&store, "b", "bee two").await;
    one_accepted(&store, "c", "see").await;
    route_all(&store, &["county"]).await;
    let due = claim(&world, &store, &["county"], 9).await;
    let mut sources: Vec<_> = due.iter().map(|c| &c.record.source_record_id).collect();
    sources.sort();
    assert_eq!(sources, ["b", "c"]);
    assert_eq!(state(&store, b).await, DeliveryState::Superseded);
    let ambiguous = Completion::Ambiguous {
        next_at: world.clock.now(),
        detail: "timeout".into(),
    };
    assert!(complete_one(&store, a, ambiguous).await);
    assert_eq!(state(&store, a).await, DeliveryState::Superseded);
    let due = claim(&world, &store, &["county"], 9).await;
    assert_eq!(
        due[0].record.payload.expose(Reason::Test),
        b"{\"text\":\"two\"}"
    );
}

#[tokio::test]
async fn failed_deliveries_raise_work_and_are_replayed() {
    // Goal: refused and dead deliveries are kept, shown and can be tried again. Method: both, then
    // replay one and resolve the other.
    let world = World::new();
    let store = world.open().await;
    one_accepted(&store, "a", "one").await;
    one_accepted(&store, "b", "two").await;
    route_all(&store, &["county"]).await;
    let claims = claim(&world, &store, &["county"], 9).await;
    let detail = || String::from("410");
    store
        .authorise(claims.iter().map(authorisation).collect())
        .await
        .expect("go");
    let refused = Completion::Refused { detail: detail() };
    assert!(complete_one(&store, &claims[0], refused).await);
    let dead = Completion::Dead {
        answer: Answer::NotTaken,
        detail: detail(),
    };
    assert!(complete_one(&store, &claims[1], dead).await);
    let items = store.work_items(None, None, 10).await.expect("items");
    let causes: Vec<_> = items.iter().map(|i| i.cause).collect();
    assert!(causes.contains(&HoldCause::RecipientRefused));
    assert!(causes.contains(&HoldCause::AttemptsExhausted));
    assert!(claim(&world, &store, &["county"], 9).await.is_empty());
    let id = claims[0].delivery.delivery_id;
    assert!(store.replay(id, act("mended")).await.expect("replay"));
    assert!(!store.replay(id, act("mended")).await.expect("replay"));
    let left = store.work_items(None, None, 10).await.expect("items");
    assert_eq!(left.len(), 1);
    let done = store.resolve_work_item(left[0].work_item_id, Resolution::Release, act("mended"));
    assert_eq!(done.await.expect("resolved"), Resolved::Done);
    assert_eq!(claim(&world, &store, &["county"], 9).await.len(), 2);
    assert!(
        store
            .work_items(None, None, 9)
            .await
            .expect("items")
            .is_empty()
    );
}

#[tokio::test]
async fn a_narrower_release_withdraws_and_queues_the_next_generation() {
    // Goal: other bytes never go under the same delivery id. Method: withdraw with a next
    // generation and claim it.
    let world = World::new();
    let store = world.open().await;
    one_accepted(&store, "a", "one").await;
    route_all(&store, &["county"]).await;
    let claims = claim(&world, &store, &["county"], 9).await;
    let next = delivery(&claims[0].record, "county", 1);
    let withdrawn = Completion::Withdrawn {
        next: Some(next.clone()),
    };
    let again = Completion::Retry {
        next_at: world.clock.now(),
        detail: "503".into(),
    };
    tried(&store, &claims[0], again).await;
    let claims = claim(&world, &store, &["county"], 9).await;
    assert!(complete_one(&store, &claims[0], withdrawn).await);
    assert_eq!(state(&store, &claims[0]).await, DeliveryState::Withdrawn);
    let claims = claim(&world, &store, &["county"], 9).await;
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].delivery, next);
}

#[tokio::test]
async fn a_held_record_is_routed_once_its_persons_are_joined() {
    // Goal: an ambiguous person holds the record until somebody decides. Method: two persons, a
    // record with both identifiers, join, and see one person everywhere.
    let world = World::new();
    let store = world.open().await;
    let with = |index, source: &str, ids: &[&str]| {
        let mut record = record(index, source, source);
        record.persons = vec![person("p", ids, true)];
        record
    };
    let known = vec![with(0, "a", &["s|1"]), with(1, "b", &["s|2"])];
    store.accept(submission(None, "1", known)).await.expect("1");
    assert_eq!(route_all(&store, &[]).await, 2);
    let torn = vec![with(0, "c", &["s|1", "s|2"])];
    store.accept(submission(None, "2", torn)).await.expect("2");
    assert_eq!(route_all(&store, &[]).await, 0);
    let items = store.work_items(Some(&sender()), None, 9).await;
    let items = items.expect("items");
    assert_eq!(items[0].cause, HoldCause::IdentityAmbiguous);
    let id = items[0].work_item_id;
    let done = store.resolve_work_item(id, Resolution::JoinPersons, act("same child"));
    assert_eq!(done.await.expect("resolved"), Resolved::Done);
    let one = store
        .person_by_identifier("s|1", false)
        .await
        .expect("person");
    let two = store
        .person_by_identifier("s|2", false)
        .await
        .expect("person");
    assert_eq!(one, two);
    let work = store.claim_routes(9).await.expect("routes");
    assert_eq!(work.len(), 1);
    assert_eq!(Some(work[0].record.persons[0].person), one);
    assert!(work[0].record.persons[0].epoch > 0);
}

#[tokio::test]
async fn what_was_told_while_joined_is_accounted_to_whom_it_was_about() {
    // Goal: parting two persons parts their accounting too, also of what went out meanwhile.
    // Method: one delivery before the join and two while it held, then part.
    let world = World::new();
    let store = world.open().await;
    let with = |index, source: &str, ids: &[&str]| {
        let mut record = record(index, source, source);
        record.persons = vec![person("p", ids, true)];
        record
    };
    let send = async || {
        route_all(&store, &["county"]).await;
        loop {
            let claims = claim(&world, &store, &["county"], 9).await;
            for claimed in &claims {
                tried(&store, claimed, Completion::Confirmed).await;
            }
            if claims.is_empty() {
                break;
            }
        }
    };
    let known = vec![with(0, "a", &["s|1"]), with(1, "b", &["s|2"])];
    store.accept(submission(None, "1", known)).await.expect("1");
    send().await;
    let mut both = Vec::new();
    for identifier in ["s|1", "s|2"] {
        let person = store.person_by_identifier(identifier, false).await;
        both.push((person.expect("an answer").expect("known"), identifier));
    }
    // The lesser id is kept.
    both.sort();
    let [(keep, _), (other, identifier)] = <[_; 2]>::try_from(both).expect("two");
    let torn = vec![with(0, "c", &["s|1", "s|2"])];
    store.accept(submission(None, "2", torn)).await.expect("2");
    let id = store.work_items(None, None, 9).await.expect("items")[0].work_item_id;
    let join = store.resolve_work_item(id, Resolution::JoinPersons, act("one"));
    assert_eq!(join.await.expect("joined"), Resolved::Done);
    let third = vec![with(0, "d", &[identifier])];
    store.accept(submission(None, "3", third)).await.expect("3");
    send().await;
    let told = async |person: PersonId| {
        let page = store.disclosures(person, None, 9).await.expect("a page");
        page.disclosures.len()
    };
    assert_eq!((told(keep).await, told(other).await), (4, 4));
    let parted = store.part_persons(other, act("two after all"));
    assert_eq!(parted.await.expect("parted"), Resolved::Done);
    assert_eq!((told(keep).await, told(other).await), (2, 2));
}

/// Authorises one claim and ends it so.
async fn tried(store: &Store, claimed: &Claimed, end: Completion) {
    let going = store.authorise(vec![authorisation(claimed)]).await;
    assert_eq!(going.expect("answer"), [Authorised::Go]);
    assert!(complete_one(store, claimed, end).await);
}

async fn exposures(store: &Store, claimed: &Claimed) -> Vec<Exposure> {
    let person = claimed.record.persons[0].person;
    let page = store.disclosures(person, None, 9).await.expect("a page");
    page.disclosures.iter().map(|d| d.exposure).collect()
}

#[tokio::test]
async fn an_unsure_last_attempt_stays_accounted_when_the_delivery_dies() {
    // Goal: what may have arrived is never taken back. Method: the last attempt ends unsure, then
    // a replay that certainly does not arrive.
    let world = World::new();
    let store = world.open().await;
    one_accepted(&store, "a", "one").await;
    route_all(&store, &["county"]).await;
    let claims = claim(&world, &store, &["county"], 9).await;
    let dead = |answer| Completion::Dead {
        answer,
        detail: "timeout".into(),
    };
    tried(&store, &claims[0], dead(Answer::Unsure)).await;
    assert_eq!(state(&store, &claims[0]).await, DeliveryState::Dead);
    assert_eq!(exposures(&store, &claims[0]).await, [Exposure::Possible]);
    let id = claims[0].delivery.delivery_id;
    assert!(store.replay(id, act("again")).await.expect("replay"));
    assert_eq!(state(&store, &claims[0]).await, DeliveryState::Ambiguous);
    let again = claim(&world, &store, &["county"], 9).await;
    assert!(again[0].ambiguous);
    tried(&store, &again[0], dead(Answer::NotTaken)).await;
    assert_eq!(exposures(&store, &claims[0]).await, [Exposure::Possible]);
}

#[tokio::test]
async fn an_older_version_never_goes_after_a_newer_one() {
    // Goal: whatever state the older version is in, it is not tried once there is a newer one.
    // Method: seven records, one in each state, all corrected; then whatever is due.
    let world = World::new();
    let store = world.open().await;
    let names = [
        "pending",
        "ambiguous",
        "held",
        "dead",
        "leased",
        "sent",
        "unsure",
    ];
    for name in names {
        one_accepted(&store, name, name).await;
    }
    route_all(&store, &["county"]).await;
    let all = claim(&world, &store, &["county"], 99).await;
    let of = |name: &str| {
        let found = all.iter().find(|c| c.record.source_record_id == name);
        found.expect("claimed")
    };
    let (next_at, detail) = (world.clock.now(), String::from("503"));
    let retry = Completion::Retry {
        next_at,
        detail: detail.clone(),
    };
    let ambiguous = Completion::Ambiguous { next_at, detail };
    let dead = Completion::Dead {
        answer: Answer::NotTaken,
        detail: String::new(),
    };
    let held = Completion::Held {
        cause: HoldCause::OutputInvalid,
        decision: None,
    };
    tried(&store, of("pending"), retry.clone()).await;
    tried(&store, of("ambiguous"), ambiguous.clone()).await;
    tried(&store, of("dead"), dead).await;
    assert!(complete_one(&store, of("held"), held).await);
    let going = vec![authorisation(of("sent")), authorisation(of("unsure"))];
    store.authorise(going).await.expect("go");
    for name in names {
        one_accepted(&store, name, &format!("{name} two")).await;
    }
    for name in ["pending", "ambiguous", "held", "dead", "leased"] {
        let now = state(&store, of(name)).await;
        assert_eq!(now, DeliveryState::Superseded, "{name}");
        let id = of(name).delivery.delivery_id;
        let again = store.replay(id, act("again")).await.expect("replay");
        assert!(!again, "{name}");
    }
    // What is under way ends, and is not tried again.
    let late = store.authorise(vec![authorisation(of("leased"))]).await;
    assert_eq!(late.expect("answer"), [Authorised::Stale]);
    assert!(complete_one(&store, of("sent"), retry).await);
    assert_eq!(state(&store, of("sent")).await, DeliveryState::Superseded);
    world.clock.advance(Duration::from_secs(61));
    route_all(&store, &["county"]).await;
    let due = claim(&world, &store, &["county"], 99).await;
    assert_eq!(state(&store, of("unsure")).await, DeliveryState::Superseded);
    assert_eq!(due.len(), names.len());
    assert!(
        due.iter()
            .all(|c| c.record.version != of(&c.record.source_record_id).record.version)
    );
    assert_eq!(exposures(&store, of("unsure")).await, [Exposure::Possible]);
}

#[tokio::test]
async fn the_accounting_is_of_the_first_attempt_that_may_have_arrived() {
    // Goal: date and decision are those of the attempt the recipient may have got. Method: one
    // that certainly failed, one unsure, one confirmed, a minute apart.
    let world = World::new();
    let store = world.open().await;
    one_accepted(&store, "a", "one").await;
    route_all(&store, &["county"]).await;
    let mut second = None;
    for turn in 0..3 {
        world.clock.advance(Duration::from_secs(60));
        let claims = claim(&world, &store, &["county"], 9).await;
        let (next_at, detail) = (world.clock.now(), String::from("x"));
        let end = match turn {
            0 => Completion::Retry { next_at, detail },
            1 => Completion::Ambiguous { next_at, detail },
            _ => Completion::Confirmed,
        };
        second = second.or_else(|| (turn == 1).then_some(next_at));
        tried(&store, &claims[0], end).await;
        let page = store
            .disclosures(claims[0].record.persons[0].person, None, 9)
            .await;
        let seen = page.expect("a page").disclosures;
        let at: Vec<_> = seen.iter().map(|d| d.at).collect();
        assert_eq!(at, Vec::from_iter(second), "attempt {turn}");
    }
}

#[tokio::test]
async fn nobody_confirms_or_withdraws_what_was_never_sent() {
    // Goal: an end the outbox does not know changes nothing. Method: both on a bare claim.
    let world = World::new();
    let store = world.open().await;
    one_accepted(&store, "a", "one").await;
    route_all(&store, &["county"]).await;
    let claims = claim(&world, &store, &["county"], 9).await;
    for end in [Completion::Confirmed, Completion::Withdrawn { next: None }] {
        assert!(!complete_one(&store, &claims[0], end).await);
        assert_eq!(state(&store, &claims[0]).await, DeliveryState::Leased);
    }
}
