//! Goal: the source hears 90 and 30 days before a child is of age which consents will stop, and
//! nothing of the child. Method: a record with a date of birth, a parent's release, and the clock
//! of the look moved on.

use crate::deliver::Road;
use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::{ConsentId, CorrelationId, PartnerId, PersonId};
use kinbridge::base::sensitive::Sensitive;
use kinbridge::kept::aging;
use kinbridge::store::{NewConsent, WorkItem};

const PARENT: &str = r#"{"id": "k1", "kind": "general_roi", "type": "permit",
  "grantor": "parent", "classes": ["referral"], "recipients": ["sud_program"],
  "purposes": ["treatment"], "signed": "2026-03-01", "end": "2099-12-31"}"#;

async fn told(road: &Road, day: &str) -> (u64, Vec<WorkItem>) {
    told_to(road, "program", day).await
}

async fn told_to(road: &Road, partner: &str, day: &str) -> (u64, Vec<WorkItem>) {
    let now = Timestamp::from_rfc3339(&format!("{day}T12:00:00-08:00")).expect("an instant");
    let law = kinbridge::catalog::load(&[]).0.facts;
    let (mut told, mut after) = (0, None);
    loop {
        let looked = aging::tell(&road.store, &law, (after, now)).await;
        let looked = looked.expect("told");
        told += looked.told;
        after = looked.next;
        if after.is_none() {
            break;
        }
    }
    let own = PartnerId::new(partner);
    let items = road
        .store
        .work_items(Some(&own), None, 50)
        .await
        .expect("items");
    let aged = |item: &WorkItem| {
        item.detail
            .as_deref()
            .is_some_and(|d| d.starts_with("within"))
    };
    (told, items.into_iter().filter(aged).collect())
}

#[tokio::test]
async fn the_lodger_hears_in_time_and_only_of_ids() {
    let road = Road::new().await;
    let child = crate::deliver::referral().replace(
        r#""role": "parent", "birth_date": "1990-05-05""#,
        r#""role": "child", "birth_date": "2009-06-15""#,
    );
    road.hand_in("k", &child).await;
    let subject = road
        .store
        .person_by_identifier("urn:example:person|m-1", false)
        .await;
    let subject = subject.expect("an answer").expect("a person");
    let lodged = road.store.put_consent(NewConsent {
        consent_id: ConsentId::new("k1"),
        partner: PartnerId::new("program"),
        subject,
        body: Sensitive::new(crate::release::complete(PARENT).into_bytes()),
        at: road.now(),
        correlation_id: CorrelationId::new("test"),
    });
    lodged.await.expect("lodged");
    let id = road.store.consents_of(&[subject]).await.expect("consents")[0].registry_id;
    assert_eq!(told(&road, "2027-03-16").await.0, 0, "91 days before");
    let (count, items) = told(&road, "2027-03-17").await;
    assert_eq!((count, items.len()), (1, 1), "90 days before");
    assert_eq!(told(&road, "2027-03-18").await.0, 0, "told already");
    let (count, items) = told(&road, "2027-05-16").await;
    assert_eq!((count, items.len()), (1, 2), "30 days before");
    for item in items {
        let detail = item.detail.expect("words");
        assert!(detail.contains(&id.to_string()), "{detail}");
        assert!(
            !detail.contains("2009") && !detail.contains("Quill"),
            "{detail}"
        );
    }
    assert_eq!(told(&road, "2027-06-15").await.0, 0, "of age");
}

/// A parent's release of the record's child, lodged by the county, that names the program.
async fn lodged_by_county(road: &Road, subject: PersonId) -> String {
    let mut paper: serde_json::Value = serde_json::from_str(PARENT).expect("JSON");
    paper["discloser_ids"] = serde_json::json!(["program"]);
    let lodged = road.store.put_consent(NewConsent {
        consent_id: ConsentId::new("k1"),
        partner: PartnerId::new("county"),
        subject,
        body: Sensitive::new(crate::release::complete(&paper.to_string()).into_bytes()),
        at: road.now(),
        correlation_id: CorrelationId::new("test"),
    });
    lodged.await.expect("lodged");
    let all = road.store.consents_of(&[subject]).await.expect("consents");
    all[0].registry_id.to_string()
}

#[tokio::test]
async fn the_source_hears_of_what_others_lodged_and_nobody_by_anothers_record() {
    // Goal: whose data a paper opens hears that it stops, whoever lodged it. Method: the county as
    // lodger without a record of the child, the program as source, by its record's date of birth;
    // then a record without one, and the day that the county asserts.
    let road = Road::new().await;
    let child = |birth: &str| {
        crate::deliver::referral().replace(
            r#""role": "parent", "birth_date": "1990-05-05""#,
            &format!(r#""role": "child"{birth}"#),
        )
    };
    road.hand_in("k", &child(r#", "birth_date": "2009-06-15""#))
        .await;
    let subject = road
        .store
        .person_by_identifier("urn:example:person|m-1", false)
        .await;
    let subject = subject.expect("an answer").expect("a person");
    let id = lodged_by_county(&road, subject).await;
    let (count, items) = told(&road, "2027-03-17").await;
    assert_eq!((count, items.len()), (1, 1), "the source alone");
    assert!(items[0].detail.as_deref().is_some_and(|d| d.contains(&id)));
    assert_eq!(told_to(&road, "county", "2027-03-18").await.1.len(), 0);

    let road = Road::new().await;
    road.hand_in("k", &child("")).await;
    let subject = road
        .store
        .person_by_identifier("urn:example:person|m-1", false)
        .await;
    let subject = subject.expect("an answer").expect("a person");
    lodged_by_county(&road, subject).await;
    assert_eq!(told(&road, "2027-03-17").await.0, 0, "no day is known");
    let fact = crate::facts::said(
        "turned_18",
        serde_json::json!("2027-06-15"),
        ("program", road.now()),
    );
    let fact = crate::facts::entered("f1", subject, &fact, road.now());
    road.store.put_fact(fact).await.expect("asserted");
    let (count, items) = told(&road, "2027-03-17").await;
    assert_eq!((count, items.len()), (1, 1), "by the day asserted");
    assert_eq!(told_to(&road, "county", "2027-03-18").await.1.len(), 0);
}
