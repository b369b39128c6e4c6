//! Goal: a change of facts recalls what it took the ground from, and nothing else; nobody's silence
//! is taken for a change. Method: a county's case sent on a fact, and what may happen to facts
//! afterwards, on a clock that moves when told.

use super::*;
use crate::deliver::revoke;
use crate::facts::said;
use kinbridge::base::id::FactId;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::store::{FactChange, FactStep, NewConsent, NewFact, WorkItem};

const POLICE: &str = "https://police.example/inbox";
const PARENT: &str = "https://parent.example/inbox";
const DAY: Duration = Duration::from_secs(86_400);

const COUNTY_FILE: &str = r#"
id = "county"
name = "A county"
role = "cws"
county_fips = "06067"
mode = "live"
agreement = [
  { id = "1", kind = "contract_10850" }, { id = "2", kind = "baa" }, { id = "3", kind = "qsoa" },
  { id = "4", kind = "county_contract", with = "county" } ]
asserts = ["standing", "restraining_order", "suspected_abuser", "actively_participating",
  "casa_appointed"]
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["family-case", "service-referral"]
"#;

fn recipient(id: &str, role: &str, purpose: &str) -> String {
    format!(
        "id = \"{id}\"\nname = \"An invented one\"\nrole = \"{role}\"\nmode = \"live\"\n\
         county_fips = \"06067\"\n[[channel]]\nname = \"out\"\ndirection = \"out\"\n\
         format = \"kinbridge-json/1.0\"\nrecords = [\"family-case\"]\n\
         purpose = \"{purpose}\"\nrelated_by = [\"county\"]\nrecall = true\n\
         https = {{ url = \"https://{id}.example/inbox\" }}\n"
    )
}

/// A county, and one recipient of its cases.
async fn road(id: &str, role: &str, purpose: &str) -> Road {
    let to = recipient(id, role, purpose);
    // A private person's file that takes notices is a defect; one below is taken all the same.
    let to = match role {
        "parent" => to.replace("recall = true\n", ""),
        _ => to,
    };
    Road::with(&[PARTNERS[0], COUNTY_FILE, &to]).await
}

fn case(class: &str) -> String {
    json!({
        "envelope": {"record_type": "family-case", "schema_version": "1.0",
            "source_record_id": "c-1", "county_fips": "06067", "service_source": "case",
            "subject_refs": ["child"], "focus_refs": ["child"],
            "labels": [{"path": "/body/case_number", "classes": [class]}]},
        "persons": [{"key": "child", "role": "child", "birth_date": "2012-05-05",
            "identifiers": [{"system": "urn:example:person", "value": "m-1"}],
            "names": [{"use": "legal", "last": "Quill"}]}],
        "body": {"case_number": "K-17"}
    })
    .to_string()
}

/// One step of a fact the county asserts of the child, confirmed today.
struct Step {
    id: &'static str,
    kind: &'static str,
    value: Value,
    toward: Value,
    last: &'static str,
    revision: u32,
}

impl Step {
    async fn take(&mut self, road: &Road, step: FactStep) {
        let mut said = said(self.kind, self.value.clone(), ("", road.now()));
        said["recipient"] = self.toward.clone();
        said["from"] = "2026-09-15".into();
        said["to"] = self.last.into();
        let done = road.store.put_fact(NewFact {
            fact_id: FactId::new(self.id),
            partner: PartnerId::new("county"),
            subject: mother(road).await,
            of_household: false,
            step,
            after: (self.revision > 0).then_some(self.revision),
            ended_at: (step == FactStep::Ended).then(|| road.now()),
            body: Sensitive::new(said.to_string().into_bytes()),
            at: road.now(),
            correlation_id: CorrelationId::new("test"),
        });
        assert!(matches!(done.await.expect("kept"), FactChange::Done { .. }));
        self.revision += 1;
    }
}

fn fact(id: &'static str, kind: &'static str, value: Value, to: &'static str) -> Step {
    Step {
        id,
        kind,
        value,
        toward: json!(to),
        last: "2027-08-31",
        revision: 0,
    }
}

pub async fn by_hand(road: &Road) -> Vec<WorkItem> {
    let items = road.store.work_items(None, None, 99).await.expect("items");
    let own = items.into_iter();
    own.filter(|item| item.cause == HoldCause::RecallByHand)
        .collect()
}

#[tokio::test]
async fn what_is_confirmed_or_renewed_takes_nothing_away_and_what_ends_does() {
    // Method: sent to the police on a fact with a last day; that day passes; another fact of the
    // child is confirmed, renewed and ended meanwhile; the first is renewed, confirmed, ended.
    let road = road("police", "law_enforcement", "investigation").await;
    road.hand_in_from("county", "k", &case("juvenile_case_file"))
        .await;
    let mut ground = fact("g", "actively_participating", json!(true), "police");
    ground.last = "2026-09-30";
    ground.take(&road, FactStep::Asserted).await;
    road.drive().await;
    assert_eq!(road.arrived(POLICE).len(), 1);
    let mut other = fact("o", "casa_appointed", json!(true), "somebody");
    for (late, step) in [
        (false, FactStep::Asserted),
        (false, FactStep::Confirmed),
        (true, FactStep::Confirmed),
        (true, FactStep::Asserted),
        (true, FactStep::Ended),
    ] {
        road.advance(DAY * if late { 15 } else { 1 });
        other.take(&road, step).await;
        road.recall().await;
        let told = notices(&road, POLICE);
        assert!(told.is_empty(), "{step:?} after {late}: {told:?}");
    }
    ground.last = "2026-12-10";
    for step in [FactStep::Asserted, FactStep::Confirmed] {
        ground.take(&road, step).await;
        road.recall().await;
        road.advance(DAY);
        assert!(notices(&road, POLICE).is_empty(), "{step:?}");
    }
    ground.take(&road, FactStep::Ended).await;
    road.recall().await;
    let told = notices(&road, POLICE);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["reason"], "no-longer-permitted");
}

#[tokio::test]
async fn a_fact_that_says_another_thing_recalls_what_it_had_opened() {
    // Goal: what a revision had said is read from it. Method: sent on a fact whose next revision
    // denies it.
    let road = road("police", "law_enforcement", "investigation").await;
    road.hand_in_from("county", "k", &case("juvenile_case_file"))
        .await;
    let mut ground = fact("g", "actively_participating", json!(true), "police");
    ground.take(&road, FactStep::Asserted).await;
    road.drive().await;
    assert_eq!(road.arrived(POLICE).len(), 1);
    road.advance(DAY);
    ground.value = json!(false);
    ground.take(&road, FactStep::Asserted).await;
    road.recall().await;
    assert_eq!(notices(&road, POLICE).len(), 1);
}

#[tokio::test]
async fn how_long_ago_a_parent_was_confirmed_recalls_nothing_and_who_they_are_not_does() {
    // Goal: toward private persons a change of consents recalls nothing that rested on none, be
    // the word on who they are old or new; the end of that word does. Method: sent to a parent on
    // the law, both facts confirmed anew later and old again, a consent lodged and revoked; then
    // the parent is none.
    let road = road("parent", "parent", "parent_access").await;
    road.hand_in_from("county", "k", &case("case_plan")).await;
    let mut standing = fact("s", "standing", json!("parent_of_subject"), "parent");
    let mut order = fact("r", "restraining_order", json!(false), "parent");
    for step in [FactStep::Asserted, FactStep::Confirmed] {
        standing.take(&road, step).await;
        order.take(&road, step).await;
        road.drive().await;
        assert_eq!(road.arrived(PARENT).len(), 1);
        road.advance(DAY * 40);
        road.recall().await;
    }
    lodge(&road, "k1", &ROI.replace("sud_program", "service_org")).await;
    road.advance(DAY);
    revoke(&road, "k1").await;
    road.recall().await;
    assert!(by_hand(&road).await.is_empty(), "nothing was taken away");
    standing.take(&road, FactStep::Ended).await;
    road.recall().await;
    let told = by_hand(&road).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let listed = road.store.recalls_by_hand(told[0].work_item_id).await;
    let listed = listed.expect("a list");
    assert_eq!(listed[0].reason.as_str(), "no-longer-permitted");
    assert_eq!(road.arrived(PARENT).len(), 1, "no notice goes to a parent");
}

#[tokio::test]
async fn a_private_person_is_told_by_a_person_whatever_its_channel_takes() {
    // Goal: no machine tells a parent that something was entered: it may be a protective order.
    // Method: a parent whose channel takes notices, by a file the catalog does not serve (it is a
    // defect there) and this road takes all the same; what it was sent may not go any more.
    let to = recipient("parent", "parent", "parent_access");
    assert!(to.contains("recall = true"));
    let road = Road::with(&[PARTNERS[0], COUNTY_FILE, &to]).await;
    road.hand_in_from("county", "k", &case("case_plan")).await;
    let mut standing = fact("s", "standing", json!("parent_of_subject"), "parent");
    standing.take(&road, FactStep::Asserted).await;
    let mut order = fact("r", "restraining_order", json!(false), "parent");
    order.take(&road, FactStep::Asserted).await;
    road.drive().await;
    assert_eq!(road.arrived(PARENT).len(), 1);
    road.advance(DAY);
    standing.take(&road, FactStep::Ended).await;
    road.recall().await;
    assert_eq!(road.arrived(PARENT).len(), 1, "no notice goes to a parent");
    assert_eq!(by_hand(&road).await.len(), 1);
}

#[tokio::test]
async fn an_order_recalls_what_a_parent_was_sent_before_it() {
    // Goal: where the county finds a protective order, or suspects the parent, what went while it
    // had not is told by hand, and nothing more goes. Method: the same fact says so, another beside
    // it, or a suspicion.
    for beside in [None, Some("restraining_order"), Some("suspected_abuser")] {
        let road = road("parent", "parent", "parent_access").await;
        road.hand_in_from("county", "k", &case("case_plan")).await;
        let mut standing = fact("s", "standing", json!("parent_of_subject"), "parent");
        standing.take(&road, FactStep::Asserted).await;
        let mut order = fact("r", "restraining_order", json!(false), "parent");
        order.take(&road, FactStep::Asserted).await;
        road.drive().await;
        assert_eq!(road.arrived(PARENT).len(), 1);
        road.advance(DAY);
        if let Some(kind) = beside {
            order = fact("r2", kind, json!(true), "parent");
        }
        order.value = json!(true);
        order.take(&road, FactStep::Asserted).await;
        road.recall().await;
        assert_eq!(by_hand(&road).await.len(), 1, "{beside:?}");
        let again = case("case_plan").replace("c-1", "c-2");
        road.hand_in_from("county", "k2", &again).await;
        road.drive().await;
        assert_eq!(road.arrived(PARENT).len(), 1, "{beside:?}");
    }
}

/// A county's referral of the child.
fn referred(id: &str) -> String {
    json!({
        "envelope": {"record_type": "service-referral", "schema_version": "1.0",
            "source_record_id": id, "county_fips": "06067", "service_source": "case",
            "subject_refs": ["child"]},
        "persons": [{"key": "child", "role": "child", "birth_date": "2014-05-05",
            "identifiers": [{"system": "urn:example:person", "value": "m-1"}],
            "names": [{"use": "legal", "last": "Quill"}]}],
        "body": {"referral_id": id, "status": "requested"}
    })
    .to_string()
}

#[tokio::test]
async fn who_is_suspected_of_harming_a_child_is_given_nothing_by_anybodys_permission() {
    // Goal: a permission opens nothing to a private person while they are suspected, whoever is
    // named, and what went before is told by hand. Method: a county's referral goes to a parent on
    // a parent's permission; then a suspicion toward them, toward nobody named, or somebody else.
    for (toward, closes) in [
        (json!("parent"), true),
        (Value::Null, true),
        (json!("x"), false),
    ] {
        let to = recipient("parent", "parent", "care_coordination").replace("recall = true\n", "");
        let to = to.replace("family-case", "service-referral");
        let road = Road::with(&[PARTNERS[0], COUNTY_FILE, &to]).await;
        road.hand_in_from("county", "k1", &referred("r-1")).await;
        for (id, kind, value) in [
            ("s", "standing", json!("parent_of_subject")),
            ("r", "restraining_order", json!(false)),
        ] {
            let mut known = fact(id, kind, value, "parent");
            known.take(&road, FactStep::Asserted).await;
        }
        let paper = r#"{"id": "c-1", "kind": "general_roi", "type": "permit", "grantor": "parent",
            "classes": ["referral", "demographics"], "recipients": ["parent"],
            "purposes": ["care_coordination"], "signed": "2026-01-01", "end": "2099-12-31"}"#;
        let lodged = road.store.put_consent(NewConsent {
            consent_id: ConsentId::new("c-1"),
            partner: PartnerId::new("county"),
            subject: mother(&road).await,
            body: Sensitive::new(crate::release::complete(paper).into_bytes()),
            at: road.now(),
            correlation_id: CorrelationId::new("test"),
        });
        lodged.await.expect("lodged");
        road.drive().await;
        assert_eq!(road.arrived(PARENT).len(), 1, "{toward}");
        road.advance(DAY);
        let mut suspicion = fact("a", "suspected_abuser", json!(true), "parent");
        suspicion.toward = toward.clone();
        suspicion.take(&road, FactStep::Asserted).await;
        road.recall().await;
        assert_eq!(by_hand(&road).await.len(), usize::from(closes), "{toward}");
        road.hand_in_from("county", "k2", &referred("r-2")).await;
        road.drive().await;
        let arrived = if closes { 1 } else { 2 };
        assert_eq!(road.arrived(PARENT).len(), arrived, "{toward}");
    }
}
