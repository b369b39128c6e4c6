//! Goal: who was given what may not be used any further is told so, once, and told nothing else.
//! Method: the road of the delivery tests, with recipients that take notices and others that do
//! not; something happens after a record has arrived.

mod at_the_door;
mod of_facts;

pub use of_facts::by_hand;

use crate::deliver::revoke;
use crate::deliver::{ROI, Road, consent, lodge, referral};
use crate::labels::CONTACT;
use crate::release::PARTNERS;
use kinbridge::base::id::{ConsentId, CorrelationId, PartnerId, PersonId};
use kinbridge::store::{DeliveryState, Exposure, HoldCause, OperatorAct, Resolution, Resolved};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const COUNTY: &str = "https://county.example/inbox";
const CLINIC: &str = "https://clinic.example/inbox";

/// The partners, of whom those with one of these addresses take notices.
async fn road(taking: &[&str]) -> Road {
    let files = PARTNERS.iter().map(|file| {
        let takes = taking.iter().any(|url| file.contains(url));
        match takes {
            true => file.replace("https = {", "recall = true\nhttps = {"),
            false => (*file).to_owned(),
        }
    });
    let files: Vec<String> = files.collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    Road::with(&files).await
}

async fn mother(road: &Road) -> PersonId {
    let found = road
        .store
        .person_by_identifier("urn:example:person|m-1", false)
        .await;
    found.expect("an answer").expect("known")
}

/// The notices that arrived.
fn notices(road: &Road, url: &str) -> Vec<Value> {
    let arrived = road.arrived(url).into_iter();
    let read = arrived.map(|body| serde_json::from_str::<Value>(&body).expect("JSON"));
    read.filter(|body| body.get("notice_id").is_some())
        .collect()
}

async fn entries(road: &Road, kind: &str) -> Vec<Value> {
    let page = road.store.ledger_page(0, 500).await.expect("entries");
    let read = page
        .iter()
        .map(|e| serde_json::from_slice::<Value>(&e.body).expect("JSON"));
    read.filter(|entry| entry["kind"] == kind).collect()
}

fn act(reason: &str) -> OperatorAct {
    OperatorAct {
        operator: String::from("officer"),
        reason: reason.to_owned(),
        at: kinbridge::base::clock::Timestamp(1),
    }
}

/// A referral goes on a consent that is then revoked: the notices that follow.
async fn consented_and_revoked(road: &Road) -> Vec<Value> {
    consent(road, ROI).await;
    road.drive().await;
    assert_eq!(road.arrived(CLINIC).len(), 1);
    road.recall().await;
    assert!(notices(road, CLINIC).is_empty(), "nothing happened");
    road.advance(Duration::from_secs(60));
    revoke(road, "k1").await;
    road.recall().await;
    notices(road, CLINIC)
}

#[tokio::test]
async fn a_revoked_consent_recalls_what_it_had_opened_and_says_nothing_else() {
    // Goal: one notice of ids and one word; delivered, in the accounting and in the ledger; told
    // once. Method: a referral that went on one consent, which is revoked.
    let road = road(&[CLINIC]).await;
    let receipt = road.hand_in("k", &referral()).await;
    let told = consented_and_revoked(&road).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let members: BTreeSet<&str> = told[0]
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let known = [
        "at",
        "delivery_id",
        "instruction",
        "notice_id",
        "reason",
        "record_id",
    ];
    assert_eq!(members, BTreeSet::from(known));
    assert_eq!(told[0]["reason"], "consent-ended");
    let deliveries = road.deliveries(&receipt).await;
    let sent = deliveries
        .iter()
        .find(|d| d.partner.as_str() == "clinic")
        .expect("sent");
    assert_eq!(told[0]["delivery_id"], json!(sent.delivery_id));
    assert_eq!(told[0]["record_id"], json!(sent.record_id));
    assert_eq!(
        sent.state,
        DeliveryState::Confirmed,
        "what arrived has arrived"
    );
    let text = told[0].to_string();
    for word in ["Quill", "k1", "sud", "referral", "m-1", "program", "mother"] {
        assert!(!text.contains(word), "{word}: {text}");
    }

    let page = road
        .store
        .disclosures(mother(&road).await, None, 9)
        .await
        .expect("a page");
    assert_eq!(
        page.disclosures.len(),
        1,
        "a notice discloses nothing about anybody"
    );
    assert_eq!(page.disclosures[0].exposure, Exposure::Confirmed);
    let recall = page.disclosures[0].recall.clone().expect("recalled");
    let (notice, state) = recall.notice.expect("by a notice");
    assert_eq!(
        (json!(notice), state),
        (told[0]["notice_id"].clone(), DeliveryState::Confirmed)
    );
    let noted = entries(&road, "recall").await;
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0]["recalled"], told[0]["delivery_id"]);

    revoke(&road, "k1").await;
    lodge(&road, "k2", ROI).await;
    road.recall().await;
    assert_eq!(notices(&road, CLINIC).len(), 1, "told twice");
}

#[tokio::test]
async fn a_notice_that_does_not_arrive_is_sent_again_as_it_was() {
    // Goal: the outbox carries a notice as it carries records. Method: a recipient that breaks off,
    // is down, and takes it at last; a correction of the record meanwhile supersedes nothing of it.
    let road = road(&[CLINIC]).await;
    road.hand_in("k", &referral()).await;
    consent(&road, ROI).await;
    road.drive().await;
    revoke(&road, "k1").await;
    for status in [500, 503, 200] {
        road.answers(CLINIC, status);
        road.recall().await;
        road.advance(Duration::from_secs(3_600));
        road.hand_in(
            &status.to_string(),
            &referral().replace("Quill", &format!("Quill{status}")),
        )
        .await;
        road.drive().await;
    }
    road.advance(Duration::from_secs(3_600));
    road.drive().await;
    let told = notices(&road, CLINIC);
    assert_eq!(told.len(), 4, "unsure twice, not taken, taken: {told:?}");
    assert!(told.iter().all(|one| *one == told[0]));
}

#[tokio::test]
async fn what_merely_ran_out_or_was_given_anew_is_not_recalled() {
    // Goal: no recall without somebody's change, and none of what may go today. Method: a consent
    // that ends by its own date while another one is revoked; one revoked with a second in force.
    let road = road(&[CLINIC]).await;
    road.hand_in("a", &referral()).await;
    let short = ROI.replace("2099-12-31", "2026-12-31");
    lodge(&road, "k1", &short).await;
    road.drive().await;
    assert_eq!(road.arrived(CLINIC).len(), 1);
    road.advance(Duration::from_secs(300 * 86_400));
    lodge(&road, "k2", &ROI.replace("sud_program", "service_org")).await;
    revoke(&road, "k2").await;
    road.recall().await;
    assert!(notices(&road, CLINIC).is_empty(), "it had ended by itself");
    lodge(&road, "k3", ROI).await;
    revoke(&road, "k1").await;
    road.recall().await;
    assert!(notices(&road, CLINIC).is_empty(), "it may go today");
    revoke(&road, "k3").await;
    road.recall().await;
    assert_eq!(notices(&road, CLINIC)[0]["reason"], "consent-ended");
}

#[tokio::test]
async fn a_refusal_recalls_what_went_before_it_was_lodged() {
    // Goal: a refusal is a paper of its own and still reaches back, signed long ago or just now; a
    // permit of its own recalls nothing. Method: sent on a consent, then each lodged.
    for (signed, recalled) in [("2020-01-01", true), ("2026-09-25", true), ("", false)] {
        let road = road(&[CLINIC]).await;
        road.hand_in("k", &referral()).await;
        lodge(&road, "k1", ROI).await;
        road.drive().await;
        assert_eq!(road.arrived(CLINIC).len(), 1);
        road.advance(Duration::from_secs(10 * 86_400));
        let body = match recalled {
            true => ROI.replace("permit", "deny").replace("2020-01-01", signed),
            false => ROI.replace("sud_program", "service_org"),
        };
        lodge(&road, "k2", &body.replace("\"k1\"", "\"k2\"")).await;
        road.recall().await;
        let told = notices(&road, CLINIC);
        assert_eq!(told.len(), usize::from(recalled), "{signed}: {told:?}");
    }
}

#[tokio::test]
async fn what_was_sent_too_long_ago_is_left_alone() {
    // Goal: the look back is bounded. Method: a revocation more than a year after the sending.
    let road = road(&[CLINIC]).await;
    road.hand_in("a", &referral()).await;
    consent(&road, ROI).await;
    road.drive().await;
    road.advance(Duration::from_secs(400 * 86_400));
    revoke(&road, "k1").await;
    road.recall().await;
    assert!(notices(&road, CLINIC).is_empty());
}

#[tokio::test]
async fn a_recipient_that_takes_no_notice_is_one_work_item() {
    // Goal: what a machine does not take a person is asked to tell, once per recipient however much
    // it is; no partner sees it. Method: more referrals than one page to one that takes none.
    let road = road(&[]).await;
    for number in 0..70 {
        let body = referral().replace("r-1", &format!("r-{number}"));
        road.hand_in(&number.to_string(), &body).await;
    }
    consent(&road, ROI).await;
    road.drive().await;
    assert_eq!(road.arrived(CLINIC).len(), 70);
    revoke(&road, "k1").await;
    road.recall().await;
    assert_eq!(road.arrived(CLINIC).len(), 70);
    let items = road.store.work_items(None, None, 500).await.expect("items");
    let mine = |cause: &HoldCause| *cause == HoldCause::RecallByHand;
    let by_hand: Vec<_> = items.iter().filter(|item| mine(&item.cause)).collect();
    assert_eq!(by_hand.len(), 1, "{by_hand:?}");
    assert_eq!(by_hand[0].partner.as_str(), "clinic");
    let id = by_hand[0].work_item_id;
    let listed = road.store.recalls_by_hand(id).await.expect("a list");
    assert_eq!(listed.len(), 70);
    for partner in ["clinic", "program"] {
        let own = road
            .store
            .work_items(Some(&PartnerId::new(partner)), None, 500)
            .await;
        assert!(
            !own.expect("items").iter().any(|item| mine(&item.cause)),
            "{partner}"
        );
    }
    let page = road
        .store
        .disclosures(mother(&road).await, None, 500)
        .await
        .expect("a page");
    let by_hand = page.disclosures.iter().filter_map(|d| d.recall.as_ref());
    assert_eq!(by_hand.filter(|recall| recall.notice.is_none()).count(), 70);
    let release = road
        .store
        .resolve_work_item(id, Resolution::Release, act("?"))
        .await;
    assert_eq!(release.expect("an answer"), Resolved::Unfit);
    let done = road
        .store
        .resolve_work_item(id, Resolution::Discard, act("by telephone"))
        .await;
    assert_eq!(done.expect("an answer"), Resolved::Done);
}

#[tokio::test]
async fn a_notice_whose_channel_takes_none_any_more_is_told_by_hand() {
    // Goal: what no notice can tell a person tells, to the recipient and from its list; no sender
    // hears of it. Method: two notices that wait for a recipient that is down, then a partner file
    // without notices; replayed, nothing is listed twice.
    let road = road(&[CLINIC]).await;
    for number in 0..2 {
        let body = referral().replace("r-1", &format!("r-{number}"));
        road.hand_in(&number.to_string(), &body).await;
    }
    consent(&road, ROI).await;
    road.drive().await;
    road.answers(CLINIC, 503);
    revoke(&road, "k1").await;
    road.recall().await;
    assert_eq!(notices(&road, CLINIC).len(), 2, "tried");
    let before = road.arrived(CLINIC).len();
    road.answers(CLINIC, 200);
    road.take_over(crate::release::rules_with(PARTNERS)).await;
    road.advance(Duration::from_secs(86_400));
    road.drive().await;
    assert_eq!(road.arrived(CLINIC).len(), before);
    let items = road.store.work_items(None, None, 9).await.expect("items");
    assert_eq!(items.len(), 1, "{items:?}");
    let item = &items[0];
    assert_eq!(item.cause, HoldCause::RecallByHand);
    assert_eq!(item.partner.as_str(), "clinic");
    let listed = road.store.recalls_by_hand(item.work_item_id).await;
    let listed = listed.expect("a list");
    assert_eq!(listed.len(), 2);
    let told: BTreeSet<_> = notices(&road, CLINIC)
        .iter()
        .map(|one| one["record_id"].to_string())
        .collect();
    let ids = listed.iter().map(|one| json!(one.record_id).to_string());
    assert_eq!(ids.collect::<BTreeSet<_>>(), told);
    let words = listed.iter().map(|one| one.reason.as_str());
    assert!(words.into_iter().all(|word| word == "consent-ended"));
    let page = road.store.disclosures(mother(&road).await, None, 9).await;
    for one in page.expect("a page").disclosures {
        assert_eq!(one.recall.expect("recalled").notice, None, "by a person");
    }
}

#[tokio::test]
async fn a_void_is_told_to_those_who_have_what_it_voids() {
    // Goal: a withdrawn record is recalled where it arrived. Method: a contact that arrived, then
    // its void; what arrives beside the void itself is one notice.
    let road = road(&[COUNTY]).await;
    let receipt = road.hand_in("a", CONTACT).await;
    road.drive().await;
    let sent = road.deliveries(&receipt).await;
    let sent = sent
        .iter()
        .find(|d| d.partner.as_str() == "county")
        .expect("sent");
    let void = CONTACT.replacen(
        "\"record_type\"",
        "\"action\": \"void\", \"record_type\"",
        1,
    );
    assert_ne!(void, CONTACT);
    road.hand_in("b", &void).await;
    road.drive().await;
    road.recall().await;
    let told = notices(&road, COUNTY);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["reason"], "voided");
    assert_eq!(told[0]["delivery_id"], json!(sent.delivery_id));
    assert_eq!(told[0]["record_id"], json!(sent.record_id));
}

#[tokio::test]
async fn what_was_sent_while_two_persons_were_one_is_recalled_when_they_are_parted() {
    // Goal: a join taken back reaches everybody who received it, and nobody else. Method: two
    // mothers, joined by an officer; a referral of the second goes on the consent of the first; one
    // sent before the join and one after the parting are not recalled.
    let road = road(&[CLINIC]).await;
    let of_second = |number: u32| {
        let own = referral().replace("m-1", "m-2");
        own.replace("r-1", &format!("s-{number}"))
    };
    road.hand_in("a", &referral()).await;
    consent(&road, ROI).await;
    road.hand_in("b", &of_second(1)).await;
    road.drive().await;
    assert_eq!(
        road.arrived(CLINIC).len(),
        1,
        "the second mother has consented to nothing"
    );
    road.advance(Duration::from_secs(60));
    let second = road
        .store
        .person_by_identifier("urn:example:person|m-2", false)
        .await;
    let second = second.expect("an answer").expect("known");
    let joined = OperatorAct {
        at: road.now(),
        ..act("one")
    };
    let joined = road
        .store
        .join_persons((mother(&road).await, second), joined)
        .await;
    assert_eq!(joined.expect("an answer"), Resolved::Done);
    road.drive().await;
    assert_eq!(
        road.arrived(CLINIC).len(),
        2,
        "it counts for both while they are one"
    );
    road.advance(Duration::from_secs(60));
    let parted = OperatorAct {
        at: road.now(),
        ..act("two")
    };
    let parted = road.store.part_persons(second, parted).await;
    assert_eq!(parted.expect("an answer"), Resolved::Done);
    road.hand_in("c", &of_second(2)).await;
    road.drive().await;
    road.recall().await;
    let told = notices(&road, CLINIC);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["reason"], "identity-corrected");
    let arrived = road.arrived(CLINIC);
    let sent: Value = serde_json::from_str(&arrived[1]).expect("JSON");
    assert_eq!(told[0]["record_id"], sent["envelope"]["record_id"]);
    assert_eq!(arrived.len(), 3);
}
