//! Goal: what a decision rests on changes, and everything queued is decided anew within a minute,
//! whatever state it is in and whether its recipient answers or not. Method: the road of the
//! delivery tests on a clock that moves when told: something is brought into a state, the change
//! comes, and the new decision's instant is compared with it.

use crate::deliver::{ROI, Road, consent, lodge, referral, revoke};
use crate::facts::{entered, said};
use crate::store::world::{authorisation, claim};
use kinbridge::base::limits::LEASE;
use kinbridge::intake::Receipt;
use kinbridge::store::{
    DeliveryState, DeliveryView, FactChange, HoldCause, OperatorAct, Resolution, Resolved,
};
use serde_json::json;
use std::time::Duration;

const CLINIC: &str = "https://clinic.example/inbox";
const MINUTE: Duration = Duration::from_secs(60);

/// The delivery's newest generation toward the clinic.
async fn newest(road: &Road, receipt: &Receipt) -> DeliveryView {
    let all = road.deliveries(receipt).await.into_iter();
    let own = all.filter(|d| d.partner.as_str() == "clinic");
    own.max_by_key(|d| d.generation).expect("a delivery")
}

/// A referral the family consented to, not yet sent.
async fn consented(status: u16) -> (Road, Receipt) {
    let road = Road::new().await;
    road.answers(CLINIC, status);
    let receipt = road.hand_in("k", &referral()).await;
    consent(&road, ROI).await;
    (road, receipt)
}

#[tokio::test]
async fn what_waits_for_a_later_attempt_is_decided_at_once() {
    // Method: a recipient that takes nothing, and one that breaks off; the consent is revoked right
    // after, no time passes.
    for (status, end) in [
        (503, DeliveryState::Withheld),
        (500, DeliveryState::Withheld),
    ] {
        let (road, receipt) = consented(status).await;
        road.drive().await;
        let waiting = newest(&road, &receipt).await;
        assert!(
            waiting.next_at > road.now(),
            "it waits for its next attempt"
        );
        let at = revoke(&road, "k1").await;
        road.drive().await;
        let judged = newest(&road, &receipt).await;
        assert_eq!(judged.state, end, "{status}");
        assert!(judged.updated_at.since(at) < MINUTE);
        assert_eq!(
            road.arrived(CLINIC).len(),
            1,
            "{status}: nothing is sent by it"
        );
    }
}

#[tokio::test]
async fn a_recipient_that_is_down_keeps_no_decision_waiting() {
    // Method: more failures than open the lane's breaker, then the revocation.
    let road = Road::new().await;
    road.answers(CLINIC, 503);
    let mut receipts = Vec::new();
    for number in 0..9 {
        let body = referral().replace("r-1", &format!("r-{number}"));
        receipts.push(road.hand_in(&number.to_string(), &body).await);
    }
    consent(&road, ROI).await;
    road.drive().await;
    let at = revoke(&road, "k1").await;
    let before = road.arrived(CLINIC).len();
    road.drive().await;
    for receipt in &receipts {
        let judged = newest(&road, receipt).await;
        assert_eq!(judged.state, DeliveryState::Withheld);
        assert!(judged.updated_at.since(at) < MINUTE);
    }
    assert_eq!(road.arrived(CLINIC).len(), before);
}

#[tokio::test]
async fn what_may_still_go_waits_on_for_its_attempt() {
    // Goal: deciding anew sends nothing early. Method: a second consent stands; the first is
    // revoked, a fact is asserted and the rules change while the delivery waits.
    let (road, receipt) = consented(503).await;
    road.drive().await;
    lodge(&road, "k2", ROI).await;
    road.drive().await;
    let waiting = newest(&road, &receipt).await;
    assert!(waiting.detail.is_some(), "what the attempt said");
    for change in 0..3 {
        match change {
            0 => drop(revoke(&road, "k1").await),
            1 => assert_fact(&road).await,
            _ => drop(road.store.reevaluate_partner(None).await.expect("queued")),
        }
        road.advance(Duration::from_millis(1));
        road.drive().await;
        let judged = newest(&road, &receipt).await;
        assert_eq!(judged.state, DeliveryState::Pending);
        assert_eq!(judged.next_at, waiting.next_at, "change {change}");
        assert_eq!(judged.detail, waiting.detail, "no word of the change");
        assert_eq!(
            judged.updated_at,
            road.now(),
            "change {change}: not decided anew"
        );
    }
    assert_eq!(road.arrived(CLINIC).len(), 1);
    road.answers(CLINIC, 200);
    road.advance(Duration::from_secs(3_600));
    road.drive().await;
    assert_eq!(
        road.state(&receipt, "clinic").await,
        DeliveryState::Confirmed
    );
}

async fn assert_fact(road: &Road) {
    let subject = road
        .store
        .person_by_identifier("urn:example:person|m-1", false)
        .await;
    let subject = subject.expect("an answer").expect("known");
    let fact = said("caregiver_current", json!(true), ("program", road.now()));
    let done = road
        .store
        .put_fact(entered("f1", subject, &fact, road.now()));
    assert!(matches!(done.await.expect("kept"), FactChange::Done { .. }));
}

#[tokio::test]
async fn what_a_lost_worker_had_is_decided_within_its_lease() {
    // Method: a claim nobody ends, before and after its authorisation; the lease is a minute at
    // most, and runs from before the revocation.
    assert!(LEASE <= MINUTE);
    for authorised in [false, true] {
        let (road, receipt) = consented(200).await;
        while newest_or_none(&road, &receipt).await.is_none() {
            road.route().await;
        }
        let claims = claim(&road.world, &road.store, &["clinic"], 9).await;
        assert_eq!(claims.len(), 1);
        if authorised {
            let asked = vec![authorisation(&claims[0])];
            road.store.authorise(asked).await.expect("authorised");
        }
        road.advance(Duration::from_secs(1));
        let at = revoke(&road, "k1").await;
        road.advance(LEASE - Duration::from_secs(1));
        road.drive().await;
        let judged = newest(&road, &receipt).await;
        assert_eq!(
            judged.state,
            DeliveryState::Withheld,
            "authorised: {authorised}"
        );
        assert_eq!(judged.generation, u32::from(authorised));
        assert!(judged.updated_at.since(at) < MINUTE);
        assert!(road.arrived(CLINIC).is_empty());
    }
}

async fn newest_or_none(road: &Road, receipt: &Receipt) -> Option<DeliveryView> {
    let all = road.deliveries(receipt).await.into_iter();
    all.into_iter().find(|d| d.partner.as_str() == "clinic")
}

#[tokio::test]
async fn what_a_person_lets_go_is_decided_by_what_holds_then() {
    // Method: held because the recipient refused it; revoked; released by an operator.
    let (road, receipt) = consented(422).await;
    road.drive().await;
    assert_eq!(newest(&road, &receipt).await.state, DeliveryState::Held);
    revoke(&road, "k1").await;
    road.drive().await;
    road.answers(CLINIC, 200);
    let items = road.store.work_items(None, None, 9).await.expect("items");
    let refused = items
        .iter()
        .find(|i| i.cause == HoldCause::RecipientRefused);
    let act = OperatorAct {
        operator: String::from("officer"),
        reason: String::from("mended"),
        at: road.now(),
    };
    let id = refused.expect("an item").work_item_id;
    let done = road
        .store
        .resolve_work_item(id, Resolution::Release, act)
        .await;
    assert_eq!(done.expect("an answer"), Resolved::Done);
    road.drive().await;
    assert_eq!(newest(&road, &receipt).await.state, DeliveryState::Withheld);
    assert_eq!(road.arrived(CLINIC).len(), 1);
}

#[tokio::test]
async fn a_withholding_is_told_once_and_a_lane_is_as_old_as_its_last_queueing() {
    // Method: a referral withheld from its addressee, decided again three times; then released by
    // a consent days later to a recipient that takes nothing.
    let road = Road::new().await;
    road.answers(CLINIC, 503);
    let receipt = road.hand_in("k", &referral()).await;
    road.drive().await;
    for _ in 0..3 {
        assert!(road.store.reevaluate_partner(None).await.expect("queued") > 0);
        road.drive().await;
    }
    let items = road.store.work_items(None, None, 99).await.expect("items");
    let withheld = items.iter().filter(|i| i.cause == HoldCause::Withheld);
    assert_eq!(withheld.count(), 1, "{items:?}");
    road.advance(Duration::from_secs(5 * 86_400));
    consent(&road, ROI).await;
    road.drive().await;
    assert_eq!(newest(&road, &receipt).await.state, DeliveryState::Pending);
    let lanes = road.store.lanes().await.expect("lanes");
    let clinic = lanes.iter().find(|lane| lane.partner.as_str() == "clinic");
    assert_eq!(clinic.and_then(|lane| lane.oldest_at), Some(road.now()));
}
