//! Goal: two officers can have a withheld delivery judged anew, and never past the law. Method: a
//! referral nobody consented to, replayed with and without a consent that came too late by itself.

use super::*;

fn by(road: &Road, operator: &str) -> OperatorAct {
    OperatorAct {
        operator: operator.into(),
        reason: "the family asks where it is".into(),
        at: road.world.clock.now(),
    }
}

async fn replay(road: &Road, receipt: &Receipt) {
    let all = road.deliveries(receipt).await;
    let clinic = all.iter().find(|d| d.partner.as_str() == "clinic");
    let id = clinic.expect("a delivery").delivery_id;
    let asked = road.store.request_replay(id, by(road, "first")).await;
    let recorded = matches!(asked.expect("answer"), ReplayRequested::Recorded { .. });
    assert!(recorded);
    road.drive().await;
    assert!(
        road.recipient.arrived(CLINIC).is_empty(),
        "one officer alone"
    );
    let done = road.store.confirm_replay(id, by(road, "second")).await;
    assert_eq!(done.expect("answer"), ReplayConfirmed::Queued);
    road.drive().await;
}

#[tokio::test]
async fn two_officers_do_not_open_what_the_law_keeps_closed() {
    let road = Road::new().await;
    let receipt = road.hand_in("k", &referral()).await;
    road.drive().await;
    replay(&road, &receipt).await;
    assert_eq!(
        road.state(&receipt, "clinic").await,
        DeliveryState::Withheld
    );
    assert!(road.recipient.arrived(CLINIC).is_empty());
}

#[tokio::test]
async fn what_a_late_consent_opens_goes_once_two_officers_ask() {
    let road = Road::new().await;
    let receipt = road.hand_in("k", &referral()).await;
    road.drive().await;
    road.world.clock.advance(Duration::from_secs(31 * 86_400));
    consent(&road, ROI).await;
    road.drive().await;
    assert_eq!(
        road.state(&receipt, "clinic").await,
        DeliveryState::Withheld,
        "past the channel's late-release days nothing moves by itself"
    );
    replay(&road, &receipt).await;
    assert_eq!(
        road.state(&receipt, "clinic").await,
        DeliveryState::Confirmed
    );
    assert_eq!(road.recipient.arrived(CLINIC).len(), 1);
}
