//! Facts: every change stops decisions taken before it and reopens what was withheld.

use super::world::*;
use kinbridge::base::id::*;
use kinbridge::base::limits::FACTS_OF_ASSERTER_MAX;
use kinbridge::base::sensitive::Reason;
use kinbridge::store::*;

async fn claimed_one(world: &World, store: &Store) -> Claimed {
    let records = vec![record(0, "a", "one")];
    let done = store.accept(submission(None, "1", records)).await;
    assert!(done.is_ok());
    route_all(store, &["county"]).await;
    claim(world, store, &["county"], 4).await.remove(0)
}

fn next(fact: NewFact, step: FactStep, after: u32) -> NewFact {
    NewFact {
        step,
        after: Some(after),
        ..fact
    }
}

#[tokio::test]
async fn a_fact_changed_after_the_decision_stops_the_send_and_reopens_what_was_withheld() {
    // Goal: no authorisation on a decision older than a fact, and each change of one has what is
    // withheld decided again. Method: assert between claim and authorise; withhold, confirm the
    // fact, withhold, end it.
    let world = World::new();
    let store = world.open().await;
    let claimed = claimed_one(&world, &store).await;
    let person = claimed.record.persons[0].person;
    let first = fact("f-1", person, "{}");
    let done = store.put_fact(first.clone()).await.expect("entered");
    let one = FactChange::Done {
        revision: 1,
        epoch: 1,
        reevaluated: 0,
    };
    assert_eq!(done, one);
    let asked = authorisation(&claimed);
    let answer = store.authorise(vec![asked]).await.expect("answer");
    assert_eq!(answer, [Authorised::EpochChanged]);
    let mut claimed = claimed;
    for (after, step) in [(1, FactStep::Confirmed), (2, FactStep::Ended)] {
        let withheld = Completion::Withheld {
            decision: Box::new(decision(&claimed, "withhold")),
        };
        assert!(complete_one(&store, &claimed, withheld).await);
        let change = next(first.clone(), step, after);
        let change = store.put_fact(change).await.expect("changed");
        assert!(matches!(change, FactChange::Done { reevaluated: 1, .. }));
        claimed = claim(&world, &store, &["county"], 4).await.remove(0);
    }
}

#[tokio::test]
async fn a_fact_is_its_asserters_and_its_revisions_follow_one_another() {
    // Goal: nobody else has it, a revision made from an older one is refused, an ended one stays
    // ended, another person's is not taken. Method: each, and what is read back after.
    let world = World::new();
    let store = world.open().await;
    let mut persons = Vec::new();
    for identifier in ["urn:p|1", "urn:p|2"] {
        let (partner, identifier) = (sender(), identifier.into());
        let ensured = store.ensure_person(&partner, &identifier, false);
        persons.push(ensured.await.expect("a person"));
    }
    let first = fact("f-1", persons[0], "{\"n\":1}");
    let put = |fact: NewFact| {
        let store = store.clone();
        async move { store.put_fact(fact).await.expect("an answer") }
    };
    assert!(matches!(put(first.clone()).await, FactChange::Done { .. }));
    assert_eq!(put(first.clone()).await, FactChange::Moved, "it is there");
    let ahead = next(first.clone(), FactStep::Asserted, 2);
    assert_eq!(put(ahead).await, FactChange::Moved);
    let others = NewFact {
        subject: persons[1],
        ..next(first.clone(), FactStep::Asserted, 1)
    };
    assert_eq!(put(others).await, FactChange::OtherSubject);
    let ended = NewFact {
        ended_at: Some(START),
        ..next(first.clone(), FactStep::Ended, 1)
    };
    assert!(matches!(
        put(ended).await,
        FactChange::Done { revision: 2, .. }
    ));
    let again = next(first, FactStep::Asserted, 2);
    assert_eq!(put(again).await, FactChange::Ended);
    let id = FactId::new("f-1");
    let stranger = PartnerId::new("county");
    assert!(
        store
            .get_fact(&stranger, &id)
            .await
            .expect("read")
            .is_none()
    );
    let kept = store.get_fact(&sender(), &id).await.expect("read");
    let kept = kept.expect("it is there");
    assert_eq!((kept.revision, kept.ended_at), (2, Some(START)));
    assert_eq!(kept.body.expose(Reason::Decide), b"{\"n\":1}");
    let of_both = store.facts_of(&persons).await.expect("read");
    assert_eq!(of_both.len(), 1);
    assert_eq!(of_both[0].subject, persons[0]);
}

#[tokio::test]
async fn an_asserter_has_so_many_facts_of_a_person_and_keeps_nobody_else_from_theirs() {
    // Goal: what a decision has to read is bounded. Method: as many facts as there may be, one
    // more, a change of one that is there, and one of another asserter's.
    let world = World::new();
    let store = world.open().await;
    let (partner, identifier) = (sender(), "urn:p|1".into());
    let ensured = store.ensure_person(&partner, &identifier, false);
    let person = ensured.await.expect("a person");
    let put = async |fact: NewFact| store.put_fact(fact).await.expect("an answer");
    for number in 0..FACTS_OF_ASSERTER_MAX {
        let done = put(fact(&format!("f-{number}"), person, "{}")).await;
        assert!(matches!(done, FactChange::Done { .. }), "{number}");
    }
    assert_eq!(put(fact("more", person, "{}")).await, FactChange::TooMany);
    let changed = next(fact("f-0", person, "{}"), FactStep::Confirmed, 1);
    assert!(matches!(put(changed).await, FactChange::Done { .. }));
    let others = NewFact {
        partner: PartnerId::new("county"),
        ..fact("f-0", person, "{}")
    };
    assert!(matches!(put(others).await, FactChange::Done { .. }));
}
