//! Goal: a copy of a child-abuse report that may have arrived is never sent a second time. Method:
//! an agency whose answer leaves that open, one that plainly took nothing, and time that passes.

use super::*;
use kinbridge::store::HoldCause;

const AGENCY: &str = "https://agency.example/inbox";

fn partners() -> Vec<String> {
    let program = PARTNERS[0].replace("\"service-referral\"]", "\"child-abuse-report\"]");
    let agency = format!(
        "id = \"agency\"\nname = \"An agency\"\nrole = \"cws\"\ncounty_fips = \"06067\"\n\
         mode = \"live\"\n[[channel]]\nname = \"out\"\ndirection = \"out\"\n\
         format = \"kinbridge-json/1.0\"\nrecords = [\"child-abuse-report\"]\n\
         purpose = \"child_abuse_report\"\nrelated_by = [\"county\"]\n\
         https = {{ url = \"{AGENCY}\" }}\n"
    );
    vec![program, agency]
}

async fn road() -> Road {
    let partners = partners();
    let partners: Vec<&str> = partners.iter().map(String::as_str).collect();
    Road::with(&partners).await
}

fn report() -> String {
    r#"{
      "envelope": {"record_type": "child-abuse-report", "schema_version": "1.0",
        "source_record_id": "r-1", "county_fips": "06067", "subject_refs": ["c"]},
      "persons": [{"key": "c", "role": "child", "names": [{"last": "Quill"}]}],
      "body": {"reported_by_phone_at": "2026-09-01T10:00:00-07:00",
        "agency": {"name": "An agency", "reference_no": "1"}, "content": "Invented."}
    }"#
    .to_owned()
}

async fn hours_pass(road: &Road) {
    for _ in 0..12 {
        road.advance(Duration::from_secs(3_600));
        road.drive().await;
    }
}

#[tokio::test]
async fn what_may_have_arrived_is_asked_about_and_not_sent_again() {
    let road = road().await;
    road.answers(AGENCY, 500);
    let receipt = road.hand_in("k", &report()).await;
    road.drive().await;
    road.answers(AGENCY, 200);
    hours_pass(&road).await;
    assert_eq!(road.arrived(AGENCY).len(), 1);
    assert_eq!(road.state(&receipt, "agency").await, DeliveryState::Held);
    let items = road.store.work_items(None, None, 9).await.expect("items");
    let causes: Vec<HoldCause> = items.iter().map(|item| item.cause).collect();
    assert_eq!(causes, [HoldCause::ConfirmByPhone]);
    let by = || OperatorAct {
        operator: "first".into(),
        reason: "the agency was asked".into(),
        at: road.now(),
    };
    let id = items[0].work_item_id;
    let released = road
        .store
        .resolve_work_item(id, Resolution::Release, by())
        .await;
    assert_eq!(released.expect("answer"), Resolved::Unfit);
    let discarded = road
        .store
        .resolve_work_item(id, Resolution::Discard, by())
        .await;
    assert_eq!(discarded.expect("answer"), Resolved::Done);
    road.hand_in("again", &report()).await;
    hours_pass(&road).await;
    assert_eq!(
        road.arrived(AGENCY).len(),
        1,
        "sent again it is a duplicate"
    );
}

#[tokio::test]
async fn what_was_not_taken_is_tried_again_until_it_is() {
    let road = road().await;
    road.answers(AGENCY, 503);
    let receipt = road.hand_in("k", &report()).await;
    road.drive().await;
    road.answers(AGENCY, 200);
    hours_pass(&road).await;
    assert_eq!(
        road.state(&receipt, "agency").await,
        DeliveryState::Confirmed
    );
}
