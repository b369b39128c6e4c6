//! Consents: what changes one stops decisions taken before it and reopens what was withheld.

use super::world::*;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Reason;
use kinbridge::store::*;
use serde_json::Value;
use sqlx::Connection as _;
use std::time::Duration;

async fn ensure(store: &Store, identifier: &str) -> PersonId {
    let (sender, identifier) = (sender(), identifier.into());
    let person = store.ensure_person(&sender, &identifier, false);
    person.await.expect("person")
}

async fn claimed_one(world: &World, store: &Store) -> Claimed {
    let records = vec![record(0, "a", "one")];
    let done = store.accept(submission(None, "1", records)).await;
    assert!(done.is_ok());
    route_all(store, &["county"]).await;
    claim(world, store, &["county"], 4).await.remove(0)
}

#[tokio::test]
async fn a_consent_changed_after_the_decision_stops_the_send() {
    // Goal: no authorisation on a decision older than a consent. Method: lodge between claim and
    // authorise; then with the new epoch it goes.
    let world = World::new();
    let store = world.open().await;
    let claimed = claimed_one(&world, &store).await;
    let person = claimed.record.persons[0].person;
    let change = store.put_consent(consent(person, "{}")).await.expect("put");
    let ConsentChange::Done {
        epoch, revision, ..
    } = change
    else {
        panic!("not done: {change:?}")
    };
    assert_eq!((epoch, revision), (1, 1));
    let mut asked = authorisation(&claimed);
    let answer = store.authorise(vec![asked.clone()]).await.expect("answer");
    assert_eq!(answer, [Authorised::EpochChanged]);
    asked.epochs = vec![(person, 1)];
    let answer = store.authorise(vec![asked]).await.expect("answer");
    assert_eq!(answer, [Authorised::Go]);
}

#[tokio::test]
async fn withheld_waits_for_consent_but_not_for_ever() {
    // Goal: a withheld delivery is decided again when a consent of its person changes, within the
    // late-release days. Method: withhold, lodge, withhold, wait 31 days, revoke.
    let world = World::new();
    let store = world.open().await;
    let claimed = claimed_one(&world, &store).await;
    let person = claimed.record.persons[0].person;
    let withheld = |claimed: &Claimed| Completion::Withheld {
        decision: Box::new(decision(claimed, "withhold")),
    };
    assert!(complete_one(&store, &claimed, withheld(&claimed)).await);
    assert_eq!(state(&store, &claimed).await, DeliveryState::Withheld);
    let items = store.work_items(None, None, 9).await.expect("items");
    assert_eq!(items[0].cause, HoldCause::Withheld);
    let change = store.put_consent(consent(person, "{}")).await.expect("put");
    assert!(matches!(change, ConsentChange::Done { reevaluated: 1, .. }));
    let again = claim(&world, &store, &["county"], 4).await.remove(0);
    assert_eq!(again.delivery, claimed.delivery);
    assert!(complete_one(&store, &again, withheld(&again)).await);
    world.clock.advance(Duration::from_secs(31 * 86_400));
    let corr = CorrelationId::new("corr");
    let id = ConsentId::new("c-1");
    let change = store.revoke_consent(&sender(), &id, START, &corr).await;
    let change = change.expect("revoked");
    assert!(matches!(
        change,
        ConsentChange::Done {
            reevaluated: 0,
            revision: 2,
            epoch: 2
        }
    ));
}

#[tokio::test]
async fn consents_are_the_lodgers_and_keep_their_history() {
    // Goal: the newest revision is read, another lodger's is unknown, a consent never changes its
    // person. Method: put twice, read, revoke, read by person.
    let world = World::new();
    let store = world.open().await;
    let subject = store
        .ensure_person(&sender(), &"s|1".into(), false)
        .await
        .expect("person");
    let spaced = ensure(&store, " s|1 ").await;
    assert_eq!(spaced, subject);
    assert_ne!(ensure(&store, "S|1").await, subject, "compared as written");
    store
        .put_consent(consent(subject, "{\"a\":1}"))
        .await
        .expect("put");
    store
        .put_consent(consent(subject, "{\"a\":2}"))
        .await
        .expect("put");
    let id = ConsentId::new("c-1");
    let read = store.get_consent(&sender(), &id).await.expect("read");
    let read = read.expect("known");
    assert_eq!(read.revision, 2);
    assert_eq!(read.body.expose(Reason::Test), b"{\"a\":2}");
    let other = store.get_consent(&PartnerId::new("other"), &id).await;
    assert!(other.expect("read").is_none());
    let stranger = store
        .ensure_person(&sender(), &"s|2".into(), false)
        .await
        .expect("person");
    let moved = store
        .put_consent(consent(stranger, "{}"))
        .await
        .expect("put");
    assert_eq!(moved, ConsentChange::OtherSubject);
    let corr = CorrelationId::new("corr");
    store
        .revoke_consent(&sender(), &id, START, &corr)
        .await
        .expect("revoked");
    let all = store.consents_of(&[subject, stranger]).await.expect("all");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].revoked_at, Some(START));
    assert_eq!(all[0].consent_id, id);
}

#[tokio::test]
async fn a_test_consent_says_nothing_about_a_real_person() {
    // Goal: what a test partner lodges touches no real decision, and going live is possible with
    // the same consent ids. Method: the same identifier in both worlds, then the same id again.
    let world = World::new();
    let store = world.open().await;
    let test = store
        .ensure_person(&sender(), &"s|1".into(), true)
        .await
        .expect("person");
    let real = store
        .ensure_person(&sender(), &"s|1".into(), false)
        .await
        .expect("person");
    assert_ne!(test, real);
    store.put_consent(consent(test, "{}")).await.expect("put");
    let of_real = store.consents_of(&[real]).await.expect("consents");
    assert!(of_real.is_empty());
    let again = store.put_consent(consent(real, "{}")).await.expect("put");
    assert!(matches!(again, ConsentChange::Done { revision: 2, .. }));
    let of_both = store.consents_of(&[test, real]).await.expect("consents");
    assert_eq!(of_both.len(), 1);
    assert_eq!(of_both[0].subject, real);
    let known = store.person_by_identifier("s|1", true).await;
    assert_eq!(known.expect("read"), Some(test));
}

#[tokio::test]
async fn a_lookup_never_remembers_past_a_change() {
    // Goal: whoever looks a consent up sees every change that was answered. Method: look it up
    // twice before it is lodged, lodge, look up twice, lodge anew, revoke, look up each time.
    let world = World::new();
    let store = world.open().await;
    let person = store
        .ensure_person(&sender(), &"urn:x|p-1".into(), false)
        .await
        .expect("a person");
    let (partner, id) = (sender(), ConsentId::new("c-1"));
    for _ in 0..2 {
        let found = store.get_consent(&partner, &id).await.expect("an answer");
        assert!(found.is_none());
    }
    for (revision, text) in [(1, "{}"), (2, "{\"kind\":\"roi\"}")] {
        store.put_consent(consent(person, text)).await.expect("put");
        for _ in 0..2 {
            let found = store.get_consent(&partner, &id).await.expect("an answer");
            let found = found.expect("it is lodged");
            assert_eq!(found.revision, revision);
            assert_eq!(found.body.expose(Reason::Test), text.as_bytes());
        }
    }
    let correlation = CorrelationId::new("corr");
    let done = store
        .revoke_consent(&partner, &id, START, &correlation)
        .await;
    assert!(matches!(done, Ok(ConsentChange::Done { .. })));
    let found = store.get_consent(&partner, &id).await.expect("an answer");
    assert_eq!(found.and_then(|found| found.revoked_at), Some(START));
}

#[tokio::test]
async fn a_revocation_says_how_much_went_that_it_does_not_list() {
    // Goal: the ledger's list of what was disclosed since a revocation was told never looks whole
    // where it is not. Method: a hundred disclosures, then thirty more, written as they are kept,
    // and a revocation told before all of them.
    for (count, said) in [(100, None), (130, Some(130))] {
        let world = World::new();
        let store = world.open().await;
        let subject = ensure(&store, "s|1").await;
        store
            .put_consent(consent(subject, "{}"))
            .await
            .expect("put");
        let url = format!("sqlite://{}", world.database().display());
        let mut conn = sqlx::SqliteConnection::connect(&url).await.expect("open");
        for number in 0..count {
            let sql = "INSERT INTO person_disclosure (person, at, disclosure_id, source, token) \
                       VALUES (?, ?, ?, 0, 1)";
            let id = vec![u8::try_from(number).expect("small"); 16];
            let row = sqlx::query(sql)
                .bind(subject.0.to_vec())
                .bind(START.0)
                .bind(id);
            row.execute(&mut conn).await.expect("written");
        }
        let (id, corr) = (ConsentId::new("c-1"), CorrelationId::new("corr"));
        let revoked = store.revoke_consent(&sender(), &id, START, &corr).await;
        revoked.expect("revoked");
        let page = store.ledger_page(0, 500).await.expect("entries");
        let read = page
            .iter()
            .map(|e| serde_json::from_slice::<Value>(&e.body));
        let all: Vec<Value> = read.collect::<Result<_, _>>().expect("JSON");
        let entry = all.iter().find(|entry| entry["change"] == "revoked");
        let entry = entry.expect("the revocation");
        let listed = entry["disclosed_since"].as_array().map(Vec::len);
        assert_eq!(listed, Some(100));
        assert_eq!(entry["disclosed_since_in_all"].as_i64(), said);
    }
}
