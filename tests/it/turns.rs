//! Goal: a fact or a consent that begins or ends to count by the calendar has what waits decided
//! again within a minute of it, though nobody enters anything. Method: the road of the delivery
//! tests on a clock that moves when told; the deliveries are looked at a second before the day and
//! a second after, and no step before it may have touched them.

use crate::deliver::{ROI, Road, lodge, referral};
use crate::release::PARTNERS;
use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::intake::Receipt;
use kinbridge::store::{DeliveryState, DeliveryView, FactStep, HoldCause, NewFact};
use serde_json::{Value, json};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const CASA: (&str, &str, &str) = ("advocate", "casa", "legal_proceeding");
const PARENT: (&str, &str, &str) = ("portal", "parent", "parent_access");

/// A county and one recipient of that role, whose next attempt is weeks away.
async fn road((id, role, purpose): (&str, &str, &str)) -> (Road, Receipt) {
    let county = "id = \"county\"\nname = \"A county\"\nrole = \"cws\"\nmode = \"live\"\n\
        county_fips = \"06067\"\nagreement = [{ id = \"1\", kind = \"contract_10850\" }]\n\
        asserts = [\"standing\", \"restraining_order\", \
        \"parental_rights\", \"casa_appointed\"]\n[[channel]]\nname = \"in\"\n\
        direction = \"in\"\nformat = \"kinbridge-json/1.0\"\nrecords = [\"family-case\"]\n";
    let recipient = format!(
        "id = \"{id}\"\nname = \"Invented\"\nrole = \"{role}\"\nmode = \"live\"\n\
         county_fips = \"06067\"\nagreement = [{{ id = \"1\", kind = \"contract_10850\" }}, \
         {{ id = \"2\", kind = \"baa\" }}]\n[[channel]]\nname = \"out\"\ndirection = \"out\"\n\
         format = \"kinbridge-json/1.0\"\nrecords = [\"family-case\"]\npurpose = \"{purpose}\"\n\
         related_by = [\"county\"]\nhttps = {{ url = \"{}\", retry_secs = [2500000], \
         give_up_days = 30 }}\n",
        url(id)
    );
    let road = Road::with(&[county, &recipient]).await;
    let case = json!({
        "envelope": {"record_type": "family-case", "schema_version": "1.0",
            "source_record_id": "c-1", "county_fips": "06067", "service_source": "case",
            "subject_refs": ["child"], "focus_refs": ["child"],
            "labels": [{"path": "/body/case_number", "classes": ["case_plan"]}]},
        "persons": [{"key": "child", "role": "child", "birth_date": "2012-05-05",
            "identifiers": [{"system": "urn:example:person", "value": "q-1"}],
            "names": [{"use": "legal", "last": "Quill"}]}],
        "body": {"case_number": "K-17"}
    });
    let receipt = road.hand_in_from("county", "k", &case.to_string()).await;
    (road, receipt)
}

fn url(id: &str) -> String {
    format!("https://{id}.example/inbox")
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).expect("an instant")
}

async fn child(road: &Road) -> PersonId {
    let found = road
        .store
        .person_by_identifier("urn:example:person|q-1", false);
    found.await.expect("an answer").expect("known")
}

/// A fact toward a recipient, confirmed at that instant, with these days.
async fn assert_fact(road: &Road, (kind, value, to): (&str, Value, &str), days: Value) {
    let now = road.now();
    let mut said = json!({"kind": kind, "value": value, "recipient": to, "from": "2026-01-01",
        "source": "court_record", "entered_by": "ana", "entered_at": now.to_rfc3339(),
        "confirmed_by": "ben", "confirmed_at": now.to_rfc3339()});
    let members = said.as_object_mut().expect("members");
    members.extend(days.as_object().expect("members").clone());
    let done = road.store.put_fact(NewFact {
        fact_id: FactId::new(kind),
        partner: PartnerId::new("county"),
        subject: child(road).await,
        of_household: kind == "safe_at_home",
        step: FactStep::Asserted,
        after: None,
        ended_at: None,
        body: Sensitive::new(said.to_string().into_bytes()),
        at: now,
        correlation_id: CorrelationId::new("test"),
    });
    done.await.expect("kept");
}

/// The road of the delivery tests with a referral on it; the clinic's next attempt is weeks away.
async fn clinic() -> (Road, Receipt) {
    let patient = "https://clinic.example/inbox\", retry_secs = [2500000], give_up_days = 30 }";
    let files = PARTNERS.iter();
    let files = files.map(|file| file.replace("https://clinic.example/inbox\" }", patient));
    let files: Vec<String> = files.collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let road = Road::with(&files).await;
    let receipt = road.hand_in("k", &referral()).await;
    (road, receipt)
}

/// The release of the delivery tests, with these days.
fn roi(days: Value) -> String {
    let mut paper: Value = serde_json::from_str(ROI).expect("JSON");
    let members = paper.as_object_mut().expect("members");
    members.extend(days.as_object().expect("members").clone());
    paper.to_string()
}

/// The newest delivery to the one recipient that is looked at.
async fn newest(road: &Road, receipt: &Receipt) -> DeliveryView {
    let mut all = Vec::new();
    for sender in ["county", "program"] {
        let sender = PartnerId::new(sender);
        let view = road.store.submission(&sender, receipt.submission_id).await;
        let records = view.expect("an answer").map(|view| view.records);
        let records = records.into_iter().flatten();
        all.extend(records.flat_map(|record| record.deliveries));
    }
    let own = all
        .into_iter()
        .filter(|one| one.partner.as_str() != "county");
    own.max_by_key(|one| one.generation).expect("a delivery")
}

/// Comes to an instant, minds the calendar and delivers.
async fn come_to(road: &Road, instant: Timestamp) {
    road.advance(instant.since(road.now()));
    road.turn().await;
    road.drive().await;
}

/// Before the day nothing is touched; a second after its beginning it is as told.
async fn turns_at(road: &Road, receipt: &Receipt, day: &str, after: DeliveryState) {
    let before = newest(road, receipt).await;
    assert_ne!(before.state, after);
    let midnight = at(day);
    come_to(road, Timestamp(midnight.0 - 1_000_000)).await;
    let untouched = newest(road, receipt).await;
    assert_eq!(untouched.state, before.state);
    assert_eq!(
        untouched.updated_at, before.updated_at,
        "decided for nothing"
    );
    come_to(road, Timestamp(midnight.0 + 1_000_000)).await;
    let turned = newest(road, receipt).await;
    assert_eq!(turned.state, after);
    assert!(turned.updated_at.since(midnight) < MINUTE);
    assert_eq!(road.turn().await, 0, "a turn is minded once");
}

#[tokio::test]
async fn a_fact_whose_first_day_comes_opens_what_was_withheld() {
    let (road, receipt) = road(CASA).await;
    let days = json!({"from": "2026-09-25"});
    road.drive().await;
    assert_fact(&road, ("casa_appointed", json!(true), "advocate"), days).await;
    road.turn().await;
    road.drive().await;
    turns_at(
        &road,
        &receipt,
        "2026-09-25T07:00:00Z",
        DeliveryState::Confirmed,
    )
    .await;
    assert_eq!(road.arrived(&url("advocate")).len(), 1);
}

#[tokio::test]
async fn a_fact_whose_last_day_is_over_closes_what_waits() {
    let (road, receipt) = road(CASA).await;
    road.answers(&url("advocate"), 503);
    let days = json!({"to": "2026-09-24"});
    assert_fact(&road, ("casa_appointed", json!(true), "advocate"), days).await;
    road.turn().await;
    road.drive().await;
    assert_eq!(newest(&road, &receipt).await.state, DeliveryState::Pending);
    turns_at(
        &road,
        &receipt,
        "2026-09-25T07:00:00Z",
        DeliveryState::Withheld,
    )
    .await;
    assert_eq!(
        road.arrived(&url("advocate")).len(),
        1,
        "nothing is sent by it"
    );
}

#[tokio::test]
async fn a_kinds_longest_term_and_an_old_confirmation_turn_too() {
    // Method: an appointment of a year and a day ago with no last day; a standing last confirmed
    // 27 days ago.
    let (casa, receipt) = road(CASA).await;
    casa.answers(&url("advocate"), 503);
    let days = json!({"from": "2025-09-25"});
    assert_fact(&casa, ("casa_appointed", json!(true), "advocate"), days).await;
    casa.drive().await;
    casa.turn().await;
    casa.drive().await;
    turns_at(
        &casa,
        &receipt,
        "2026-09-25T07:00:00Z",
        DeliveryState::Withheld,
    )
    .await;

    let (parent, receipt) = road(PARENT).await;
    parent.answers(&url("portal"), 503);
    let days = json!({"confirmed_at": "2026-08-25T12:00:00-07:00"});
    let standing = ("standing", json!("parent_of_subject"), "portal");
    assert_fact(&parent, standing, days).await;
    assert_fact(
        &parent,
        ("restraining_order", json!(false), "portal"),
        json!({}),
    )
    .await;
    parent.turn().await;
    parent.drive().await;
    assert_eq!(
        newest(&parent, &receipt).await.state,
        DeliveryState::Pending
    );
    // Thirty days after the 25th of August it still counts.
    turns_at(
        &parent,
        &receipt,
        "2026-09-25T07:00:00Z",
        DeliveryState::Withheld,
    )
    .await;
    let items = parent.store.work_items(None, None, 9).await.expect("items");
    assert!(
        items
            .iter()
            .any(|item| item.cause == HoldCause::StandingUnknown)
    );
}

#[tokio::test]
async fn consents_begin_and_end_by_themselves() {
    let midnight = "2026-09-25T07:00:00Z";
    let (beginning, receipt) = clinic().await;
    beginning.drive().await;
    lodge(&beginning, "k1", &roi(json!({"start": "2026-09-25"}))).await;
    beginning.turn().await;
    beginning.drive().await;
    turns_at(&beginning, &receipt, midnight, DeliveryState::Confirmed).await;

    for (days, at) in [
        (json!({"end": "2026-09-24"}), midnight),
        (
            json!({"revoked": "2026-09-23T10:00:00Z"}),
            "2026-09-23T10:00:00Z",
        ),
    ] {
        let (ending, receipt) = clinic().await;
        ending.answers(&url("clinic"), 503);
        lodge(&ending, "k1", &roi(days)).await;
        ending.turn().await;
        ending.drive().await;
        assert_eq!(
            newest(&ending, &receipt).await.state,
            DeliveryState::Pending
        );
        turns_at(&ending, &receipt, at, DeliveryState::Withheld).await;
    }
}

#[tokio::test]
async fn a_refusal_that_begins_later_closes_then_and_recalls() {
    let no = json!({"id": "k2", "kind": "privacy_directive", "type": "deny",
        "start": "2026-09-25"});
    for (answer, before, after) in [
        (503, DeliveryState::Pending, DeliveryState::Withheld),
        (200, DeliveryState::Confirmed, DeliveryState::Confirmed),
    ] {
        let (road, receipt) = clinic().await;
        road.answers(&url("clinic"), answer);
        lodge(&road, "k1", &roi(json!({}))).await;
        lodge(&road, "k2", &roi(no.clone())).await;
        road.turn().await;
        road.drive().await;
        road.recall().await;
        assert_eq!(newest(&road, &receipt).await.state, before);
        come_to(&road, at("2026-09-25T07:00:01Z")).await;
        assert_eq!(newest(&road, &receipt).await.state, after);
        road.recall().await;
        let recalled = usize::from(answer == 200);
        assert_eq!(by_hand(&road).await, recalled, "{answer}");
    }
}

async fn by_hand(road: &Road) -> usize {
    let items = road.store.work_items(None, None, 9).await.expect("items");
    let own = items.iter();
    own.filter(|item| item.cause == HoldCause::RecallByHand)
        .count()
}

#[tokio::test]
async fn what_begins_to_close_recalls_and_what_runs_out_does_not() {
    // Method: the record has arrived; then rights end on a day told before, or a fact runs out.
    for (kind, value, days, recalled) in [
        (
            "parental_rights",
            json!("terminated"),
            json!({"from": "2026-09-25"}),
            1,
        ),
        (
            "parental_rights",
            json!("intact"),
            json!({"to": "2026-09-24"}),
            0,
        ),
    ] {
        let (road, receipt) = road(PARENT).await;
        let standing = ("standing", json!("parent_of_subject"), "portal");
        assert_fact(&road, standing, json!({})).await;
        assert_fact(
            &road,
            ("restraining_order", json!(false), "portal"),
            json!({}),
        )
        .await;
        assert_fact(&road, (kind, value, "portal"), days).await;
        road.turn().await;
        road.drive().await;
        road.recall().await;
        let state = newest(&road, &receipt).await.state;
        assert_eq!(state, DeliveryState::Confirmed);
        come_to(&road, at("2026-09-25T07:00:01Z")).await;
        road.recall().await;
        assert_eq!(by_hand(&road).await, recalled, "{kind}");
    }
}

#[tokio::test]
async fn a_look_costs_what_has_turned_and_a_person_that_has_turned_is_new_to_pulls() {
    let (road, _) = road(CASA).await;
    road.drive().await;
    assert_eq!(road.turn().await, 0, "nothing is on file");
    let days = json!({"from": "2026-09-25"});
    assert_fact(&road, ("casa_appointed", json!(true), "advocate"), days).await;
    let epoch = road.epoch(child(&road).await).await;
    assert_eq!(road.turn().await, 1, "an entry is looked at once");
    assert_eq!(road.turn().await, 0);
    assert_eq!(
        road.epoch(child(&road).await).await,
        epoch,
        "an entry is no turn"
    );
    come_to(&road, at("2026-09-25T07:00:00Z")).await;
    assert_eq!(road.epoch(child(&road).await).await, epoch + 1);
    // Other rules may make it hold for longer or less: it is looked at again, and has not turned.
    road.store.reevaluate_partner(None).await.expect("queued");
    assert_eq!(road.turn().await, 1);
    assert_eq!(road.epoch(child(&road).await).await, epoch + 1);
}
