//! Goal: what was lodged is never overwritten, whoever confirms or ends it; one use spends a
//! consent for one disclosure; a coming end is told once. Method: the store, and its own tables.

use crate::store::world::{
    START, World, authorisation, claim, consent, record, route_all, sender, submission,
};
use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::{ConsentId, CorrelationId, PartnerId, PersonId};
use kinbridge::base::sensitive::{Reason, Sensitive};
use kinbridge::store::*;

async fn person(store: &Store) -> PersonId {
    let found = store
        .ensure_person(&sender(), &"urn:x|1".into(), false)
        .await;
    found.expect("a person")
}

async fn registered(store: &Store) -> StoredConsent {
    let found = store.get_consent(&sender(), &ConsentId::new("c-1")).await;
    found.expect("an answer").expect("a consent")
}

async fn confirm(store: &Store, revision: u32) -> Confirmed {
    let confirmation = NewConfirmation {
        registry_id: registered(store).await.registry_id,
        revision,
        by: PartnerId::new("county"),
        body: Sensitive::new(b"{\"entered_by\":\"w-17\"}".to_vec()),
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    store
        .confirm_consent(confirmation)
        .await
        .expect("an answer")
}

async fn end(store: &Store, how: Ending) -> ConsentChange {
    let end = ConsentEnd {
        how,
        told: Some(Sensitive::new(b"{\"means\":\"oral\"}".to_vec())),
        by: PartnerId::new("county"),
        act: None,
        at: START,
        correlation_id: CorrelationId::new("corr"),
    };
    let id = registered(store).await.registry_id;
    store.end_consent(id, end).await.expect("an answer")
}

#[tokio::test]
async fn every_revision_stays_and_a_confirmation_is_of_one_revision() {
    let world = World::new();
    let store = world.open().await;
    let subject = person(&store).await;
    store
        .put_consent(consent(subject, "{\"a\":1}"))
        .await
        .expect("lodged");
    let first = registered(&store).await.registry_id;
    assert_eq!(confirm(&store, 1).await, Confirmed::Done);
    assert_eq!(confirm(&store, 1).await, Confirmed::Done);
    assert_eq!(registered(&store).await.confirmed.len(), 1);
    store
        .put_consent(consent(subject, "{\"a\":2}"))
        .await
        .expect("lodged");
    assert_eq!(registered(&store).await.registry_id, first);
    assert!(
        registered(&store).await.confirmed.is_empty(),
        "a new revision needs a new one"
    );
    assert_eq!(confirm(&store, 1).await, Confirmed::Changed);
    let told = Timestamp(START.0 - 1_000_000);
    let done = end(&store, Ending::Revoked(told)).await;
    assert!(
        matches!(done, ConsentChange::Done { revision: 3, .. }),
        "{done:?}"
    );
    assert_eq!(registered(&store).await.revoked_at, Some(told));
    assert_eq!(confirm(&store, 3).await, Confirmed::Changed);
    let again = store.put_consent(consent(subject, "{\"a\":3}")).await;
    assert_eq!(again.expect("an answer"), ConsentChange::Revoked);
    let history = store.consent_history(first).await.expect("an answer");
    let bodies: Vec<&[u8]> = history
        .iter()
        .map(|one| one.body.expose(Reason::Test).as_slice())
        .collect();
    assert_eq!(bodies, [&b"{\"a\":1}"[..], b"{\"a\":2}", b"{\"a\":2}"]);
    let changes: Vec<&str> = history.iter().map(|one| one.change.as_str()).collect();
    assert_eq!(changes, ["lodged", "lodged", "revoked"]);
    assert_eq!(history[0].confirmed.len(), 1);
    assert!(history[2].told.is_some() && history[1].told.is_none());
}

#[tokio::test]
async fn an_ended_consent_is_not_lodged_again_and_may_still_be_revoked() {
    let world = World::new();
    let store = world.open().await;
    let subject = person(&store).await;
    store
        .put_consent(consent(subject, "{}"))
        .await
        .expect("lodged");
    end(&store, Ending::Ended(20_000)).await;
    assert_eq!(registered(&store).await.ended_on, Some(20_000));
    let again = store.put_consent(consent(subject, "{}")).await;
    assert_eq!(again.expect("an answer"), ConsentChange::Revoked);
    end(&store, Ending::Revoked(START)).await;
    let both = registered(&store).await;
    assert_eq!(
        (both.ended_on, both.revoked_at),
        (Some(20_000), Some(START))
    );
}

#[tokio::test]
async fn one_delivery_uses_a_consent_for_one_disclosure_and_may_go_on() {
    let world = World::new();
    let store = world.open().await;
    let records = vec![record(0, "a", "one"), record(1, "b", "two")];
    store
        .accept(submission(None, "1", records))
        .await
        .expect("accepted");
    route_all(&store, &["county"]).await;
    let claims = claim(&world, &store, &["county"], 9).await;
    let subject = person(&store).await;
    store
        .put_consent(consent(subject, "{}"))
        .await
        .expect("lodged");
    let spends = vec![(sender(), ConsentId::new("c-1"))];
    let asked: Vec<Authorisation> = claims
        .iter()
        .map(|claimed| Authorisation {
            spends: spends.clone(),
            ..authorisation(claimed)
        })
        .collect();
    assert_eq!(asked.len(), 2);
    let answers = store.authorise(asked).await.expect("answers");
    assert_eq!(answers, [Authorised::Go, Authorised::EpochChanged]);
    let used = registered(&store).await.used.expect("used");
    assert_eq!(used.delivery, claims[0].delivery.delivery_id);
}

#[tokio::test]
async fn a_coming_end_is_told_once_for_each_time_before() {
    let world = World::new();
    let store = world.open().await;
    let subject = person(&store).await;
    store
        .put_consent(consent(subject, "{}"))
        .await
        .expect("lodged");
    let id = registered(&store).await.registry_id;
    let mut told = Vec::new();
    for days in [90, 90, 30, 30] {
        let asked = store.tell_stopping(sender(), (days, vec![id]), START).await;
        told.push(asked.expect("told"));
    }
    assert_eq!(told, [1, 0, 1, 0]);
    let items = store
        .work_items(Some(&sender()), None, 9)
        .await
        .expect("items");
    assert_eq!(items.len(), 2);
    for item in &items {
        assert_eq!(item.cause, HoldCause::ConsentAgesOut);
        assert!(
            item.detail
                .as_deref()
                .is_some_and(|text| text.contains(&id.to_string()))
        );
    }
}

#[tokio::test]
async fn what_an_item_does_not_name_is_told_the_next_time() {
    // Goal: nobody counts as told of a consent no item names. Method: one more than an item names,
    // told of until nothing is left.
    let world = World::new();
    let store = world.open().await;
    let subject = person(&store).await;
    let mut ids = Vec::new();
    for number in 0..51 {
        let one = NewConsent {
            consent_id: ConsentId::new(&format!("c-{number}")),
            ..consent(subject, "{}")
        };
        let id = one.consent_id.clone();
        store.put_consent(one).await.expect("lodged");
        let kept = store.get_consent(&sender(), &id).await.expect("read");
        ids.push(kept.expect("known").registry_id);
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        let asked = store.tell_stopping(sender(), (90, ids.clone()), START);
        told.push(asked.await.expect("told"));
    }
    assert_eq!(told, [50, 1, 0]);
    let items = store.work_items(Some(&sender()), None, 9).await;
    let items = items.expect("items");
    let said: Vec<&str> = items.iter().filter_map(|i| i.detail.as_deref()).collect();
    let said = said.join(" ");
    assert!(ids.iter().all(|id| said.contains(&id.to_string())));
}
