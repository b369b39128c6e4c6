//! Goal: whatever locates a participant of Safe at Home or their household is of the class that
//! never leaves, in every record type there is and will be. Method: records with something in every
//! leaf of their schema; for each way somebody is protected the labels are compared, leaf by leaf,
//! with what the schema says of the leaf.

use crate::canaries::grow::{Grown, grow, types};
use crate::deliver::Road;
use crate::facts::{entered, said};
use crate::release::rules_with;
use kinbridge::base::id::{FactId, PartnerId};
use kinbridge::base::vocabulary::DataClass;
use kinbridge::catalog;
use kinbridge::format::{Node, json};
use kinbridge::record::Record;
use kinbridge::record::labels::Origin;
use kinbridge::record::whereabouts::Known;
use kinbridge::rules::Rules;
use kinbridge::store::{FactChange, FactStep, NewFact};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// What tells where somebody is, in whatever record: each must be of the class of addresses.
const LOCATING: [&str; 11] = [
    "/persons/addresses/line",
    "/persons/addresses/line_2",
    "/persons/addresses/city",
    "/persons/addresses/state",
    "/persons/addresses/zip",
    "/persons/addresses/household_ref",
    "/persons/telecom/value",
    "/persons/telecom/use",
    "/body/location_type",
    "/body/placement/type",
    "/body/placement/since",
];

const CHILD: &str = "Kqzj-child";
const MOTHER: &str = "Kqzj-mother";
const AUNT: &str = "Kqzj-aunt";

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| rules_with(&[]))
}

/// Leaves as (place, key of a person they are about) that are of the class of protected addresses.
fn kept(record: &Record, known: &Known) -> BTreeSet<(String, String)> {
    let origin = Origin::default();
    let labels = rules().labels.label_knowing(record, origin, known);
    let mut out = BTreeSet::new();
    for label in labels.list(record) {
        if label.classes.contains(DataClass::SafeAtHomeAddress) {
            let steps = label.pointer.split('/');
            let names = steps.filter(|step| step.parse::<usize>().is_err());
            let place = names.collect::<Vec<_>>().join("/");
            let person = &record.persons()[usize::from(label.persons[0])];
            out.insert((place, person.text("key").expect("a key").to_owned()));
        }
    }
    out
}

/// What the schema says must be kept when these are protected.
fn expected(grown: &Grown, record: &Record, keys: &[&str]) -> BTreeSet<(String, String)> {
    let mut body = BTreeSet::new();
    leaves(
        record.body().expect("a body"),
        "/body".to_owned(),
        &mut body,
    );
    let there = |place: &String, key: &String| {
        let own = record.persons().iter();
        let own = own.filter(|person| person.text("key") == Some(key));
        let mut places = body.clone();
        own.for_each(|person| leaves(person, "/persons".to_owned(), &mut places));
        places.contains(place)
    };
    let located = grown.canaries.iter();
    let located = located.filter(|one| one.classes.contains(DataClass::ContactAddress));
    let each = located.flat_map(|canary| {
        let own = canary.persons.iter();
        let own = own.filter(|key| keys.contains(&key.as_str()) && there(&canary.place, key));
        own.map(|key| (canary.place.clone(), key.clone()))
    });
    each.collect()
}

fn leaves(node: &Node, at: String, out: &mut BTreeSet<String>) {
    for (name, child) in node.members() {
        leaves(child, format!("{at}/{name}"), out);
    }
    for child in node.items() {
        leaves(child, at.clone(), out);
    }
    if node.members().is_empty() && node.items().is_empty() {
        out.insert(at);
    }
}

/// The record with one home address for each person, in a household of their own or in none.
fn at_home(grown: &Grown, households: bool) -> Record {
    let mut record = grown.record.clone();
    let persons = record.root.get_mut("persons").and_then(Node::items_mut);
    for (at, person) in persons.into_iter().flatten().enumerate() {
        let Some(all) = person.get_mut("addresses").and_then(Node::items_mut) else {
            continue;
        };
        all.retain(|address| address.text("kind") == Some("home"));
        for address in all.iter_mut() {
            address.remove("household_ref");
            if households {
                address.set("household_ref", Node::string(format!("h{at}")));
            }
        }
    }
    record
}

/// Adds an address to a person.
fn add(record: &mut Record, key: &str, address: &str) {
    let address = json::parse(address.as_bytes()).tree.expect("JSON");
    let persons = record.root.get_mut("persons").and_then(Node::items_mut);
    let mut persons = persons.into_iter().flatten();
    let person = persons.find(|person| person.text("key") == Some(key));
    let person = person.expect("a person");
    match person.get_mut("addresses").and_then(Node::items_mut) {
        Some(all) => all.push(address),
        None => person.set("addresses", json::parse(b"[]").tree.expect("JSON")),
    }
}

fn protecting(indices: &[u16]) -> Known {
    Known {
        protected: indices.iter().copied().collect(),
        ..Known::default()
    }
}

/// One way of protection: the record, what is known besides, and who is protected by it.
struct Protection {
    way: &'static str,
    record: Record,
    known: Known,
    keys: Vec<&'static str>,
}

/// All ways for the persons of a family.
fn ways(grown: &Grown) -> Vec<Protection> {
    let mut out = Vec::new();
    let mut push = |way, record: &Record, known, keys: &[&'static str]| {
        out.push(Protection {
            way,
            record: record.clone(),
            known,
            keys: keys.to_vec(),
        });
    };
    let (apart, unsaid) = (at_home(grown, true), at_home(grown, false));
    let of = |at: u16| protecting(&[at]);
    push("nobody", &apart, Known::default(), &[]);
    push("known elsewhere", &apart, of(1), &[MOTHER]);
    push("children live with her", &unsaid, of(1), &[CHILD, MOTHER]);
    push("whoever cares for it", &unsaid, of(0), &[CHILD, MOTHER]);
    push("a relative has children", &unsaid, of(2), &[CHILD, AUNT]);
    let member = Known {
        in_household: [2].into(),
        ..Known::default()
    };
    push("a household known elsewhere", &apart, member, &[AUNT]);
    let with = |record: &Record, key: &str, kind: &str, household: &str| {
        let mut record = record.clone();
        let household = match household {
            "" => String::new(),
            name => format!(", \"household_ref\": \"{name}\""),
        };
        add(
            &mut record,
            key,
            &format!("{{\"kind\": \"{kind}\"{household}}}"),
        );
        record
    };
    for kind in [
        "safe_at_home_substitute",
        "safe_at_home_actual",
        "confidential",
        "shelter",
    ] {
        let stated = with(&apart, MOTHER, kind, "h1");
        push(kind, &stated, Known::default(), &[MOTHER]);
    }
    let shared = with(&apart, AUNT, "mailing", "h1");
    push("one household", &shared, of(1), &[MOTHER, AUNT]);
    let placed = with(&unsaid, CHILD, "placement", "");
    push("a child placed elsewhere", &placed, of(1), &[MOTHER]);
    let other = with(&unsaid, CHILD, "mailing", "h0");
    push("a child of another household", &other, of(1), &[MOTHER]);
    out
}

#[test]
fn every_locating_leaf_of_every_schema_is_kept_for_the_household() {
    let (sources, _) = catalog::load(&[]);
    let (mut numbers, mut seen) = (0, BTreeSet::new());
    for kind in types(&sources) {
        let grown = grow(&sources, &kind, "program", &mut numbers);
        for canary in &grown.canaries {
            let address = [DataClass::ContactAddress, DataClass::SafeAtHomeAddress];
            let locates = address.iter().any(|class| canary.classes.contains(*class));
            let named = LOCATING.contains(&canary.place.as_str());
            assert!(locates || !named, "{kind}: {}", canary.place);
            if locates {
                seen.insert(canary.place.clone());
            }
        }
        let places = grown.canaries.iter().map(|canary| canary.place.as_str());
        if !places.clone().any(|place| seen.contains(place)) {
            continue;
        }
        let places: BTreeSet<&str> = places.collect();
        let told = grown.canaries.iter().filter(|canary| canary.narrative);
        let told: BTreeSet<&str> = told.map(|canary| canary.place.as_str()).collect();
        let alone = |way, known, keys| Protection {
            way,
            record: at_home(&grown, true),
            known,
            keys,
        };
        let mut persons = grown.record.persons().iter();
        let of_a_family = persons.any(|person| person.text("role") == Some("child"));
        let ways = match grown.record.persons().len() {
            // Of people at work none lives with another.
            2.. if !of_a_family => vec![
                alone("nobody", Known::default(), vec![]),
                alone("known elsewhere", protecting(&[1]), vec![MOTHER]),
            ],
            1 => vec![
                alone("nobody", Known::default(), vec![]),
                alone("alone", protecting(&[0]), vec![CHILD]),
            ],
            _ => ways(&grown),
        };
        for one in ways {
            let mut found = kept(&one.record, &one.known);
            // Free text stays where anybody is protected; references are no leaves of their own.
            found.retain(|(place, _)| places.contains(&**place) && !told.contains(&**place));
            let wanted = expected(&grown, &one.record, &one.keys);
            assert_eq!(found, wanted, "{kind}: {}", one.way);
            assert_eq!(found.is_empty(), one.keys.is_empty(), "{kind}: {}", one.way);
        }
    }
    for place in LOCATING {
        assert!(seen.contains(place), "no schema has {place}");
    }
}

#[test]
fn what_a_sender_calls_an_address_is_one() {
    // Goal: a value its sender labels as locating is kept like any other. Method: the codes of a
    // contact's program, labelled so, of a mother known to be protected and of one who is not.
    let text = crate::labels::CONTACT.replace("\"safe_at_home_actual\"", "\"home\"");
    let text = text.replace("\"safe_at_home_substitute\"", "\"mailing\"");
    let record = crate::labels::record("engagement-contact", &text);
    let mut labelled = record.clone();
    let body = labelled.root.get_mut("body").expect("a body");
    body.set("program_code", Node::string("Otter Wing"));
    let rows = br#"[{"path": "/body/program_code", "classes": ["contact_address"]},
        {"path": "/body/plan_part", "classes": ["contact_address"]}]"#;
    let envelope = labelled.root.get_mut("envelope").expect("an envelope");
    envelope.set("labels", json::parse(rows).tree.expect("JSON"));
    let place = |found: &BTreeSet<(String, String)>| {
        let mut places = found.iter().map(|(place, _)| place.as_str());
        places.any(|place| place == "/body/program_code")
    };
    let mother = record
        .persons()
        .iter()
        .position(|p| p.text("key") == Some("mother"));
    let mother = u16::try_from(mother.expect("a mother")).expect("small");
    assert!(place(&kept(&labelled, &protecting(&[mother]))));
    assert!(!place(&kept(&labelled, &Known::default())));
}

const COUNTY: &str = "https://county.example/inbox";

fn contact(id: &str) -> String {
    format!(
        r#"{{"envelope": {{"record_type": "engagement-contact", "schema_version": "1.0",
             "source_record_id": "{id}", "county_fips": "06067", "service_source": "case",
             "subject_refs": ["mother"]}},
            "persons": [{{"key": "mother", "role": "parent", "birth_date": "1990-05-05",
              "identifiers": [{{"system": "urn:example:person", "value": "m-1"}}],
              "names": [{{"use": "legal", "last": "Quill"}}],
              "telecom": [{{"system": "phone", "value": "+15550100"}}],
              "addresses": [{{"kind": "home", "line": "77 Hidden Street", "city": "Davis"}},
                {{"kind": "safe_at_home_substitute", "line": "PO Box 4"}}]}},
              {{"key": "child", "role": "child", "birth_date": "2015-05-05",
              "names": [{{"use": "legal", "last": "Quill"}}],
              "addresses": [{{"kind": "home", "line": "77 Hidden St Rear", "city": "Winters"}}]}}],
            "body": {{"contact_id": "{id}", "start": "2026-09-01T10:00:00-07:00",
              "mode": "in_person", "location_type": "home"}}}}"#
    )
}

#[tokio::test]
async fn who_takes_part_by_the_registry_is_kept_as_if_a_record_said_so() {
    // Goal: a fact of the registry does what a statement in a record does, at once and by whoever
    // entered it, until it is ended. Method: one contact again and again on the road to the county;
    // it says of the substitute only that it is a mailing address.
    let road = Road::new().await;
    let plain = |id: &str| contact(id).replace("safe_at_home_substitute", "mailing");
    let traces = [
        "77 Hidden",
        "Davis",
        "Winters",
        "+15550100",
        "location_type",
        "PO Box 4",
    ];
    let told = async |id: &str| {
        let before = road.arrived(COUNTY).len();
        road.hand_in(id, &plain(id)).await;
        road.drive().await;
        road.arrived(COUNTY)[before..].join("\n")
    };
    let open = told("c1").await;
    for trace in traces {
        assert!(open.contains(trace), "{trace} in {open}");
    }
    let known = road
        .store
        .person_by_identifier("urn:example:person|m-1", false);
    let known = known.await.expect("an answer").expect("known");
    let mut fact = said("safe_at_home", json!(true), ("county", road.now()));
    let members = fact.as_object_mut().expect("members");
    members.remove("recipient");
    // Nobody has confirmed it, and it counts.
    members.remove("confirmed_by");
    let entry = entered("f1", known, &fact, road.now());
    let done = road.store.put_fact(entry.clone()).await.expect("kept");
    assert!(matches!(done, FactChange::Done { .. }));
    let kept = told("c2").await;
    assert!(kept.contains("in_person"), "the record itself goes: {kept}");
    for trace in traces {
        assert!(!kept.contains(trace), "{trace} in {kept}");
    }
    let both = contact("c3");
    road.hand_in("c3", &both).await;
    road.drive().await;
    let arrived = road.arrived(COUNTY);
    let last = arrived.last().expect("a record");
    assert!(
        last.contains("PO Box 4") && !last.contains("77 Hidden"),
        "{last}"
    );
    // The statement of the third record is withdrawn with it, the fact by its end.
    let void = both.replace(
        "\"schema_version\"",
        "\"action\": \"void\", \"schema_version\"",
    );
    road.hand_in("c4", &void).await;
    let ended = NewFact {
        fact_id: FactId::new("f1"),
        partner: PartnerId::new("county"),
        step: FactStep::Ended,
        after: Some(1),
        ended_at: Some(road.now()),
        ..entry
    };
    let done = road.store.put_fact(ended).await.expect("kept");
    assert!(matches!(done, FactChange::Done { .. }), "{done:?}");
    let open = told("c5").await;
    assert!(open.contains("77 Hidden Street"), "{open}");
}
