//! Goal: what was given at the emergency door is recalled as what was sent is, by a person, once,
//! and only where its ground is gone. Method: a hospital is given a record by the same release the
//! door uses; something happens afterwards.

use super::of_facts::by_hand;
use super::*;
use crate::deliver::revoke;
use kinbridge::base::digest::Digest;
use kinbridge::base::id::{ChannelId, EmergencyId, RecordType};
use kinbridge::base::sensitive::{Reason, Sensitive};
use kinbridge::kept::{Readied, Toward, decision_record, on_file};
use kinbridge::release::{Emergency, Release};
use kinbridge::store::{EmergencyAnswer, EmergencyAsk, EmergencyGiven, NewConsent, NewEmergency};

const HOSPITAL: &str = r#"
id = "hospital"
name = "A hospital"
role = "health_provider"
mode = "live"
[[channel]]
name = "emergency"
direction = "pull"
format = "kinbridge-json/1.0"
records = ["engagement-contact", "service-referral"]
purpose = "medical_emergency"
"#;

const SURGERY: &str = r#"
id = "surgery"
name = "A clinic that treats"
role = "mhp"
mode = "live"
agreement = [
  { id = "1", kind = "contract_10850" }, { id = "2", kind = "baa" }, { id = "3", kind = "qsoa" },
  { id = "4", kind = "county_contract", with = "county" } ]
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]
"#;

async fn road() -> Road {
    Road::with(&[PARTNERS[0], PARTNERS[3], SURGERY, HOSPITAL]).await
}

/// A contact with a diagnosis, of the mother.
fn contact() -> String {
    json!({
        "envelope": {"record_type": "engagement-contact", "schema_version": "1.0",
            "source_record_id": "c-1", "subject_refs": ["mother"], "service_source": "referral"},
        "persons": [
            {"key": "mother", "role": "parent", "birth_date": "1990-05-05",
             "identifiers": [{"system": "urn:example:person", "value": "m-1"}],
             "names": [{"use": "legal", "last": "Quill"}]},
            {"key": "worker", "role": "partner_worker",
             "names": [{"use": "legal", "last": "Pell"}]}],
        "body": {"contact_id": "c-1", "start": "2026-09-20T09:30:00-07:00", "mode": "phone",
            "attempt_result": "left_message", "service_level": "direct",
            "participants": [{"person": "worker", "role": "parent_partner"}],
            "billable": {"hcpcs": "H0038", "dx": ["F11.20"]}}
    })
    .to_string()
}

/// What the hospital is given about the person now; how many records that are.
async fn ask(road: &Road, person: PersonId) -> usize {
    given(road, person, false).await
}

/// The same, and whether the person could be asked.
async fn given(road: &Road, person: PersonId, consent_obtainable: bool) -> usize {
    let (rules, id) = (road.rules(), EmergencyId::mint(road.now()));
    let hospital = &rules.partners[&PartnerId::new("hospital")];
    let channel = &hospital.channel[0];
    let types: Vec<RecordType> = channel.records.clone();
    let page = road.store.emergency_records(EmergencyAsk {
        person,
        test: false,
        record_types: &types,
        after: None,
        limit: 9,
    });
    let rows = page.await.expect("a page").rows;
    let found = on_file(&road.store, rows.iter().map(|row| &row.record)).await;
    let found = found.expect("read");
    let by_person = found.by_person();
    let toward = Toward {
        emergency: Some(Emergency {
            subject: person,
            consent_obtainable,
        }),
        ..Toward::plain(hospital, channel)
    };
    let mut given = Vec::new();
    let (mut epochs, mut spends) = (Vec::new(), Vec::new());
    for row in &rows {
        let readied = Readied::new(&row.record, &found, &by_person).expect("readable");
        let Some(Release::Go(outgoing)) = readied.release(&rules, toward, road.now()) else {
            continue;
        };
        epochs.extend(row.record.persons.iter().map(|p| (p.person, p.epoch)));
        spends.extend_from_slice(outgoing.spends());
        given.push(EmergencyGiven {
            record_id: row.record.record_id,
            row: row.row,
            source: row.record.partner.clone(),
            decision: decision_record(outgoing.taken()),
            output: Digest::of(outgoing.bytes().expose(Reason::Test)),
        });
    }
    let count = given.len();
    let answered = road.store.authorise_emergency(NewEmergency {
        emergency_id: id,
        requester: hospital.id.clone(),
        channel: ChannelId::new("emergency"),
        purpose: String::from("medical_emergency"),
        test: false,
        rule_set: rules.digest.clone(),
        correlation_id: CorrelationId::new("test"),
        declaration: Sensitive::new(b"{}".to_vec()),
        epochs,
        given,
        held: 0,
        truncated: false,
        unread: false,
        spends,
        review_due: road.now(),
    });
    assert_eq!(answered.await.expect("committed"), EmergencyAnswer::Go);
    count
}

/// A referral to somebody who treats nobody.
fn to_the_food_bank() -> String {
    referral().replace("clinic", "food-bank")
}

/// The words told by hand, and to whom.
async fn told(road: &Road) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for item in by_hand(road).await {
        let listed = road.store.recalls_by_hand(item.work_item_id).await;
        for recall in listed.expect("a list") {
            assert!(recall.access_id.is_some() && recall.delivery_id.is_none());
            let word = recall.reason.as_str().to_owned();
            out.push((item.partner.as_str().to_owned(), word));
        }
    }
    out
}

fn one(word: &str) -> Vec<(String, String)> {
    vec![(String::from("hospital"), word.to_owned())]
}

/// A consent to an emergency with a provider, and one to something else.
fn for_emergencies() -> String {
    let own = ROI.replace("sud_program", "health_provider");
    own.replace("\"treatment\"", "\"medical_emergency\"")
}

#[tokio::test]
async fn a_voided_record_is_recalled_from_the_door_and_a_consent_it_never_needed_is_not() {
    let road = road().await;
    road.hand_in_from("surgery", "a", &contact()).await;
    let person = mother(&road).await;
    assert_eq!(ask(&road, person).await, 1);
    assert_eq!(ask(&road, person).await, 1, "asked once more");
    road.advance(Duration::from_secs(60));
    lodge(&road, "k1", &for_emergencies()).await;
    road.advance(Duration::from_secs(60));
    revoke(&road, "k1").await;
    road.recall().await;
    assert!(told(&road).await.is_empty(), "{:?}", told(&road).await);
    let mut void: Value = serde_json::from_str(&contact()).expect("JSON");
    void["envelope"]["action"] = "void".into();
    road.hand_in_from("surgery", "b", &void.to_string()).await;
    for _ in 0..2 {
        road.recall().await;
        assert_eq!(by_hand(&road).await.len(), 1, "one item per recipient");
        assert_eq!(told(&road).await, [one("voided"), one("voided")].concat());
    }
    let page = road.store.disclosures(person, None, 9).await;
    let page = page.expect("a page").disclosures;
    assert_eq!(page.len(), 2);
    let recalled = page.iter().filter_map(|one| one.recall.as_ref());
    assert_eq!(recalled.filter(|one| one.notice.is_none()).count(), 2);
    assert_eq!(entries(&road, "recall").await.len(), 2);
}

#[tokio::test]
async fn a_consent_that_opened_an_answer_recalls_it_when_it_ends() {
    let road = road().await;
    road.hand_in("a", &to_the_food_bank()).await;
    let person = mother(&road).await;
    assert_eq!(ask(&road, person).await, 0, "no row of the law opens it");
    lodge(&road, "k1", &for_emergencies()).await;
    assert_eq!(ask(&road, person).await, 1);
    road.advance(Duration::from_secs(60));
    lodge(&road, "k2", ROI).await;
    revoke(&road, "k2").await;
    road.recall().await;
    assert!(told(&road).await.is_empty(), "{:?}", told(&road).await);
    road.advance(Duration::from_secs(60));
    revoke(&road, "k1").await;
    road.recall().await;
    assert_eq!(told(&road).await, one("consent-ended"));
}

#[tokio::test]
async fn what_was_given_of_one_as_of_another_is_recalled_when_they_are_parted() {
    // Goal: whom it was given of is asked as of today, joined or parted. Method: the referral of
    // another mother goes on the consent of the first while they are one; parted, it is recalled.
    let road = road().await;
    road.hand_in("a", &to_the_food_bank()).await;
    lodge(&road, "k1", &for_emergencies()).await;
    let other = to_the_food_bank().replace("m-1", "m-2");
    let other = other.replace("r-1", "s-1");
    road.hand_in("b", &other).await;
    let first = mother(&road).await;
    assert_eq!(ask(&road, first).await, 1);
    road.advance(Duration::from_secs(60));
    let found = road
        .store
        .person_by_identifier("urn:example:person|m-2", false);
    let second = found.await.expect("an answer").expect("known");
    let by = |who: &str| OperatorAct {
        at: road.now(),
        ..act(who)
    };
    let joined = road.store.join_persons((second, first), by("one")).await;
    assert_eq!(joined.expect("an answer"), Resolved::Done);
    assert_eq!(ask(&road, second).await, 2, "one consent for both");
    road.advance(Duration::from_secs(60));
    lodge(&road, "k2", ROI).await;
    revoke(&road, "k2").await;
    road.recall().await;
    assert!(told(&road).await.is_empty(), "{:?}", told(&road).await);
    road.advance(Duration::from_secs(60));
    let parted = road.store.part_persons(first, by("two")).await;
    assert_eq!(parted.expect("an answer"), Resolved::Done);
    road.recall().await;
    let told = told(&road).await;
    assert!(!told.is_empty());
    assert!(
        told.iter().all(|one| one.1 == "identity-corrected"),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_an_answer_used_up_itself_is_not_held_against_it() {
    // Goal: a consent for one disclosure opened that answer, and is no reason to recall it. Method:
    // a test result given on one; another consent lodged and revoked; then the one itself.
    let road = road().await;
    let mut marked: Value = serde_json::from_str(&contact()).expect("JSON");
    marked["envelope"]["labels"] = json!([{"path": "/body/start", "classes": ["hiv_test"]}]);
    road.hand_in_from("surgery", "a", &marked.to_string()).await;
    let person = mother(&road).await;
    let of = |classes: &str| for_emergencies().replace("\"referral\", \"demographics\"", classes);
    let others = of("\"mental_health\", \"engagement_contact\", \"demographics\"");
    let once = of("\"hiv_test\"").replace("general_roi", "hiv_auth");
    for (id, body) in [("others", others), ("once", once)] {
        let lodged = road.store.put_consent(NewConsent {
            consent_id: ConsentId::new(id),
            partner: PartnerId::new("surgery"),
            subject: person,
            body: Sensitive::new(crate::release::complete(&body).into_bytes()),
            at: road.now(),
            correlation_id: CorrelationId::new("test"),
        });
        lodged.await.expect("lodged");
    }
    assert_eq!(given(&road, person, true).await, 1);
    let (by, id) = (PartnerId::new("surgery"), ConsentId::new("once"));
    let used = road.store.get_consent(&by, &id).await;
    let used = used.expect("an answer").expect("known").used;
    assert!(used.is_some(), "nothing was used up");
    road.advance(Duration::from_secs(60));
    lodge(&road, "k2", ROI).await;
    revoke(&road, "k2").await;
    road.recall().await;
    assert!(told(&road).await.is_empty(), "{:?}", told(&road).await);
    road.advance(Duration::from_secs(60));
    let now = (road.now(), CorrelationId::new("test"));
    let revoked = road.store.revoke_consent(&by, &id, now.0, &now.1).await;
    revoked.expect("revoked");
    road.recall().await;
    assert_eq!(told(&road).await, one("consent-ended"));
}
