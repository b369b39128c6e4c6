//! Goal: a human look is of what stood when it was given. Method: a contact that law has a person
//! look at, let go, and a recipient that takes it only later; in between something changes.

use super::*;
use kinbridge::base::id::PersonId;
use kinbridge::store::HoldCause;

/// The contact with a child who consented themselves to something: a person looks first.
fn odd() -> String {
    let odd = CONTACT.replace("/persons/0/birth_date", "/persons/0/ethnicity");
    odd.replacen(
        "\"key\": \"child\",",
        "\"key\": \"child\", \"birth_date\": \"2019-01-01\", \
         \"minor_consented\": [{\"class\": \"mental_health\"}],",
        1,
    )
}

/// Open looks, each let go.
async fn look(road: &Road) -> usize {
    let items = road.store.work_items(None, None, 9).await.expect("items");
    let looks = items.iter().filter(|i| i.cause == HoldCause::HumanReview);
    let mut had = 0;
    for item in looks {
        let act = OperatorAct {
            operator: "officer".into(),
            reason: "looked at it".into(),
            at: road.now(),
        };
        let done = road
            .store
            .resolve_work_item(item.work_item_id, Resolution::Release, act);
        assert_eq!(done.await.expect("an answer"), Resolved::Done);
        had += 1;
    }
    had
}

/// The last person of the record: not whom it is about.
async fn somebody(road: &Road, receipt: &Receipt) -> PersonId {
    let id = road.deliveries(receipt).await[0].record_id;
    let stored = road.store.record(id).await.expect("an answer");
    let stored = stored.expect("it is known");
    stored.persons.last().expect("a person").person
}

async fn consent_of(road: &Road, id: &str, subject: PersonId) {
    consent_from(road, (id, "2020-01-01"), subject).await;
}

async fn consent_from(road: &Road, (id, start): (&str, &str), subject: PersonId) {
    let body = ROI.replace("sud_program", "service_org");
    let body = body.replace(
        "\"start\": \"2020-01-01\"",
        &format!("\"start\": \"{start}\""),
    );
    let lodged = road.store.put_consent(NewConsent {
        consent_id: ConsentId::new(id),
        partner: PartnerId::new("program"),
        subject,
        body: Sensitive::new(crate::release::complete(&body).into_bytes()),
        at: road.now(),
        correlation_id: CorrelationId::new("test"),
    });
    lodged.await.expect("lodged");
}

#[tokio::test]
async fn a_look_counts_until_something_changes_about_anybody_in_it() {
    // Method: the look is given; the recipient is down; with and without a consent of somebody in
    // the record meanwhile, before the look and after it.
    for changes in [false, true] {
        let road = Road::new().await;
        road.recipient.answers(COUNTY, 503);
        let receipt = road.hand_in("k", &odd()).await;
        road.drive().await;
        assert_eq!(road.state(&receipt, "county").await, DeliveryState::Held);
        let person = somebody(&road, &receipt).await;
        consent_of(&road, "k1", person).await;
        road.drive().await;
        assert_eq!(look(&road).await, 1);
        road.drive().await;
        assert_eq!(road.state(&receipt, "county").await, DeliveryState::Pending);
        assert_eq!(road.recipient.arrived(COUNTY).len(), 1, "tried once");
        road.recipient.answers(COUNTY, 200);
        if changes {
            consent_of(&road, "k2", person).await;
            road.drive().await;
            assert_eq!(road.state(&receipt, "county").await, DeliveryState::Held);
        }
        road.advance(Duration::from_secs(3_600));
        road.drive().await;
        let sent = 2 - usize::from(changes);
        assert_eq!(road.recipient.arrived(COUNTY).len(), sent, "{changes}");
        assert_eq!(look(&road).await, usize::from(changes), "a new look");
        road.drive().await;
        let state = road.state(&receipt, "county").await;
        assert_eq!(state, DeliveryState::Confirmed);
    }
}

#[tokio::test]
async fn what_changed_by_the_calendar_before_a_look_takes_nothing_from_it() {
    // Goal: a change without an entry of the ledger is before a look or behind it. Method: a
    // consent's first day comes while the contact is held; and another one's after the look.
    let road = Road::new().await;
    road.recipient.answers(COUNTY, 503);
    let receipt = road.hand_in("k", &odd()).await;
    road.drive().await;
    let person = somebody(&road, &receipt).await;
    consent_from(&road, ("k1", "2026-09-25"), person).await;
    consent_from(&road, ("k2", "2026-10-25"), person).await;
    road.turn().await;
    road.advance(Duration::from_secs(10 * 86_400));
    let before = road.epoch(person).await;
    road.turn().await;
    assert_eq!(road.epoch(person).await, before + 1, "the day came");
    assert_eq!(look(&road).await, 1);
    road.drive().await;
    let state = road.state(&receipt, "county").await;
    assert_eq!(state, DeliveryState::Pending, "it was tried");
    road.recipient.answers(COUNTY, 200);
    road.advance(Duration::from_secs(30 * 86_400));
    road.turn().await;
    assert_eq!(road.epoch(person).await, before + 2, "the other day came");
    road.drive().await;
    assert_eq!(road.state(&receipt, "county").await, DeliveryState::Held);
    assert_eq!(look(&road).await, 1);
}
