//! Goal: a sender learns from what it is told nothing that another party lodged or protects, nor
//! whom else its record concerns; and is never told that something goes which the road keeps.
//! Method: pairs of worlds that differ only in somebody else's word, on the shipped law pack; what
//! the sender is told is compared whole.

use crate::deliver::Road;
use crate::facts::{NOW, at, said};
use crate::labels::{CONTACT, record};
use crate::release::asking;
use crate::release::{PARTNERS, Paper, REFERRAL, ROI, paper, rules_with};
use crate::store::world::inbound;
use kinbridge::base::id::{ConsentId, CorrelationId, FactId, PartnerId, PersonId};
use kinbridge::base::sensitive::Sensitive;
use kinbridge::base::vocabulary::{ClassSet, DataClass, Verdict};
use kinbridge::intake::dry_run;
use kinbridge::record::Record;
use kinbridge::release::{
    HeldConsent, HeldFact, NOT_RELEASABLE, Protections, Release, ReleaseInput, SenderTold,
    known_to_sender, look, recorded, rehearsed, release,
};
use kinbridge::rules::Rules;
use kinbridge::store::NewConsent;
use serde_json::json;

const REFUSAL: &str = r#"{"id": "k2", "kind": "privacy_directive", "type": "deny",
  "grantor": "self", "classes": ["*"], "recipients": ["*"],
  "signed": "2026-09-01", "start": "2026-09-01", "end": null, "revoked": null}"#;

pub const NARROW_REFUSAL: &str = r#"{"id": "k3", "kind": "privacy_directive", "type": "deny",
  "grantor": "self", "classes": ["demographics"], "recipients": ["*"],
  "signed": "2026-09-01", "start": "2026-09-01", "end": null, "revoked": null}"#;

const PART2: &str = r#"{"id": "k4", "kind": "part2_specific", "type": "permit", "grantor": "self",
  "classes": ["sud_part2", "referral", "demographics"], "recipients": ["sud_program", "cws"],
  "purposes": ["treatment", "care_coordination"], "signed": "2026-03-01", "start": "2026-03-01",
  "end": "2027-02-28", "revoked": null}"#;

const UNREADABLE: &str = r#"{"kind": {"of": "no consent"}}"#;

/// A consent somebody lodged about the first or second person.
pub fn lodged(by: &str, id: &str, subject: u8, json: &str) -> Paper {
    let mut paper = paper(subject, json);
    paper.lodger = PartnerId::new(by);
    paper.id = ConsentId::new(id);
    paper
}

/// One record toward one recipient, and what is known of its persons.
pub struct World<'a> {
    pub rules: &'a Rules,
    pub record: &'a Record,
    pub to: &'a str,
    pub papers: Vec<Paper>,
    pub protections: Protections,
}

impl World<'_> {
    fn input<T>(&self, then: impl FnOnce(&ReleaseInput<'_>) -> T) -> T {
        let recipient = &self.rules.partners[&PartnerId::new(self.to)];
        let channel = recipient.channel.iter().find(|c| c.https.is_some());
        let held: Vec<HeldConsent<'_>> = self.papers.iter().map(Paper::held).collect();
        let keys = self.record.persons().iter().filter_map(|p| p.text("key"));
        let persons: Vec<(String, PersonId)> = (1..)
            .zip(keys)
            .map(|(at, key)| (key.to_owned(), PersonId([at; 16])))
            .collect();
        then(&ReleaseInput {
            consents: &held,
            protections: &self.protections,
            ..asking(
                (self.record, &persons),
                &self.rules.partners[&PartnerId::new("program")],
                (recipient, channel.expect("an out-channel")),
            )
        })
    }

    fn rehearsed(&self) -> SenderTold {
        self.input(|input| rehearsed(self.rules, input))
    }

    fn recorded(&self) -> SenderTold {
        self.input(|input| recorded(self.rules, input))
    }

    pub fn road(&self) -> Release {
        self.input(|input| release(self.rules, input))
    }
}

/// What others may have said of the persons, each on top of the sender's own papers.
fn others() -> Vec<(Vec<Paper>, Protections)> {
    let of = |by: &str, json: &str| -> Vec<Paper> {
        [1, 2]
            .map(|subject| lodged(by, &format!("o{subject}"), subject, json))
            .into()
    };
    let mut worlds: Vec<(Vec<Paper>, Protections)> = Vec::new();
    for by in ["county", "clinic", "food-bank"] {
        for json in [REFUSAL, NARROW_REFUSAL, PART2, ROI, UNREADABLE] {
            worlds.push((of(by, json), Protections::default()));
        }
    }
    let protected = Protections {
        persons: [PersonId([1; 16]), PersonId([2; 16])].into(),
        ..Protections::default()
    };
    worlds.push((Vec::new(), protected));
    worlds
}

fn own() -> [Vec<Paper>; 4] {
    [
        Vec::new(),
        vec![lodged("program", "k1", 1, ROI)],
        vec![lodged("program", "k2", 1, REFUSAL)],
        vec![
            lodged("program", "k1", 1, ROI),
            lodged("program", "k4", 1, PART2),
        ],
    ]
}

/// Every pair: the sender's own papers alone, and with somebody else's word.
fn pairs(check: impl Fn(&World<'_>, &World<'_>)) {
    let rules = rules_with(PARTNERS);
    let referral = record("service-referral", REFERRAL);
    let contact = record("engagement-contact", CONTACT);
    let ways = [
        (&referral, "clinic"),
        (&referral, "county"),
        (&contact, "county"),
    ];
    for (record, to) in ways {
        let world = |papers: Vec<Paper>, protections: Protections| World {
            rules: &rules,
            record,
            to,
            papers,
            protections,
        };
        for papers in own() {
            let again = || papers.iter().map(Paper::again);
            for (theirs, protections) in others() {
                let alone = world(again().collect(), Protections::default());
                check(&alone, &world(again().chain(theirs).collect(), protections));
            }
        }
    }
}

#[test]
fn a_rehearsal_is_the_same_whatever_others_have_said() {
    pairs(|alone, other| assert_eq!(alone.rehearsed(), other.rehearsed()));
}

#[test]
fn what_is_told_of_a_stored_record_differs_by_not_releasable_alone() {
    pairs(|alone, other| {
        let (before, after) = (alone.recorded(), other.recorded());
        assert_eq!(before.rows.len(), after.rows.len());
        let mut changed = before.outcome != after.outcome;
        for (before, after) in before.rows.iter().zip(&after.rows) {
            assert_eq!(
                (before.person, before.data_class),
                (after.person, after.data_class)
            );
            if before != after {
                changed = true;
                assert_eq!((before.effect, after.effect), ("permit", NOT_RELEASABLE));
                assert_eq!(after.citation, "policy:not-releasable");
                assert!(after.policies.is_none(), "{after:?}");
            }
        }
        if !changed {
            assert_eq!(before, after);
            return;
        }
        assert!(["released", NOT_RELEASABLE].contains(&after.outcome));
        let told = |citation: &String| {
            let own = after.rows.iter().any(|row| row.citation == *citation);
            own || citation == "policy:not-releasable"
        };
        assert!(after.citations.iter().all(told), "{after:?}");
        let added = after.released.iter().find(|p| !before.released.contains(p));
        assert_eq!(added, None);
    });
}

#[test]
fn nothing_is_called_released_that_the_road_keeps() {
    let mut kept = 0;
    let mut masked = 0;
    let count = std::cell::RefCell::new((&mut kept, &mut masked));
    pairs(|_, world| {
        let told = world.recorded();
        let mut count = count.borrow_mut();
        *count.1 += usize::from(told.rows.iter().any(|row| row.effect == NOT_RELEASABLE));
        match world.road() {
            // Whose whereabouts others protect is told nowhere.
            Release::Go(outgoing) if world.protections.is_empty() => {
                let all = outgoing.released_paths();
                assert!(told.released.iter().all(|path| all.contains(path)));
            }
            Release::Go(_) => {}
            _ => {
                *count.0 += 1;
                assert_ne!(told.outcome, "released");
                assert!(told.released.is_empty());
                assert_eq!(told.decision.as_str(), "deny");
            }
        }
    });
    assert!(kept > 0 && masked > 0, "no pair showed it: {kept} {masked}");
}

#[test]
fn an_order_another_party_entered_is_told_nowhere() {
    let rules = rules_with(PARTNERS);
    let contact = record("engagement-contact", CONTACT);
    let world = World {
        rules: &rules,
        record: &contact,
        to: "county",
        papers: Vec::new(),
        protections: Protections::default(),
    };
    let order = said("restraining_order", json!(true), ("county", at(NOW)));
    let body = Sensitive::new(order.to_string().into_bytes());
    let (id, county) = (FactId::new("f1"), PartnerId::new("county"));
    let held = [1, 2, 3].map(|subject| HeldFact {
        id: &id,
        asserter: &county,
        subject: PersonId([subject; 16]),
        ended_at: None,
        revision: 1,
        body: &body,
    });
    world.input(|input| {
        let ordered = &ReleaseInput {
            facts: &held,
            ..*input
        };
        assert_eq!(rehearsed(&rules, input), rehearsed(&rules, ordered));
        // An officer is told of it: what is looked at is the road's own question.
        let mut all = ClassSet::EMPTY;
        DataClass::ALL.iter().for_each(|class| all.insert(*class));
        let all = [1, 2, 3].map(|subject| (PersonId([subject; 16]), all));
        let closed = |input: &ReleaseInput<'_>| {
            let looks = look(&rules, input, &all);
            let classes = looks.iter().flat_map(|look| &look.classes);
            classes
                .filter(|seen| seen.verdict != Verdict::Permit)
                .count()
        };
        assert!(
            closed(ordered) > closed(input),
            "the officer's trace knows no order"
        );
        let (before, after) = (recorded(&rules, input), recorded(&rules, ordered));
        let rows = before.rows.iter().zip(&after.rows);
        let changed: Vec<_> = rows.filter(|(before, after)| before != after).collect();
        assert!(!changed.is_empty(), "the order keeps nothing back");
        for (before, after) in changed {
            assert_eq!((before.effect, after.effect), ("permit", NOT_RELEASABLE));
            assert_eq!(after.citation, "policy:not-releasable");
        }
        assert!(!after.citations.iter().any(|token| token.starts_with("FAM")));
    });
}

#[test]
fn the_sender_knows_whom_it_named_and_the_county_agency() {
    // An office of the same county that takes its records by jurisdiction is on no record.
    let probation = PARTNERS[1]
        .replace("id = \"county\"", "id = \"probation\"")
        .replace("role = \"cws\"", "role = \"probation\"")
        .replace("value = \"county\"", "value = \"probation\"");
    let rules = rules_with(&[PARTNERS, &[&probation]].concat());
    let record = record("service-referral", REFERRAL);
    let sender = PartnerId::new("program");
    let known = |id: &str| {
        let partner = &rules.partners[&PartnerId::new(id)];
        known_to_sender(partner, &sender, &record)
    };
    assert!(known("clinic"), "the addressee");
    assert!(known("program"), "the one that asks");
    assert!(known("county"), "the agency of the county it names");
    assert!(!known("probation"), "tied by jurisdiction alone");
    assert!(!known("food-bank"), "on no line of it");
}

#[tokio::test]
async fn a_dry_run_is_the_same_bytes_beside_a_refusal_others_lodged() {
    // The same road twice; on one of them the county has lodged a refusal of the mother's, and
    // probation takes the county's records.
    let probation = PARTNERS[1]
        .replace("id = \"county\"", "id = \"probation\"")
        .replace("role = \"cws\"", "role = \"probation\"")
        .replace("value = \"county\"", "value = \"probation\"")
        .replace("https://county", "https://probation");
    let (plain, refused) = (
        Road::new().await,
        Road::with(&[PARTNERS, &[&probation]].concat()).await,
    );
    for road in [&plain, &refused] {
        road.hand_in("k", &body()).await;
    }
    let person = "urn:example:person|m-1";
    let found = refused.store.person_by_identifier(person, false).await;
    let lodged = refused.store.put_consent(NewConsent {
        consent_id: ConsentId::new("k9"),
        partner: PartnerId::new("county"),
        subject: found.expect("read").expect("known"),
        body: Sensitive::new(REFUSAL.as_bytes().to_vec()),
        at: refused.now(),
        correlation_id: CorrelationId::new("test"),
    });
    lodged.await.expect("lodged");
    let answer = tried(&plain).await;
    assert!(answer.contains("\"partner\":\"county\""), "{answer}");
    assert!(answer.contains("\"effect\":\"permit\""), "{answer}");
    assert_eq!(answer, tried(&refused).await);
}

/// A contact with the mother.
fn body() -> String {
    CONTACT.replacen(
        r#"{"key": "mother", "role": "parent","#,
        r#"{"key": "mother", "role": "parent", "birth_date": "1990-05-05",
            "identifiers": [{"system": "urn:example:person", "value": "m-1"}],"#,
        1,
    )
}

async fn tried(road: &Road) -> String {
    let inbound = inbound("program", None, &body(), road.now());
    let run = dry_run(&road.store, &road.rules(), inbound).await;
    serde_json::to_string(&run.expect("a dry run")).expect("JSON")
}
