//! Goal: where somebody lives whose whereabouts are protected does not get out, whichever record
//! says it, whenever, and whoever else it is said of. Method: an invented program and county, a
//! store in a temporary folder; what arrives is searched for the line. Every case is first driven
//! without the statement, to see that the line would go.

use crate::deliver::Road;
use crate::facts::{entered, said};
use crate::recall::by_hand;
use crate::release::PARTNERS;
use crate::store::world::inbound;
use kinbridge::base::id::PersonId;
use kinbridge::intake::dry_run;
use kinbridge::store::{FactChange, FactStep, NewFact};
use serde_json::json;
use std::time::Duration;

const COUNTY: &str = "https://county.example/inbox";

/// A contact; each person is (identifier, addresses as JSON).
fn contact(id: &str, persons: &[(&str, &str)]) -> String {
    let entries: Vec<String> = persons
        .iter()
        .map(|(identifier, addresses)| {
            format!(
                r#"{{"key": "{identifier}", "role": "parent",
                    "names": [{{"use": "legal", "last": "Quill"}}],
                    "identifiers": [{{"system": "urn:example:person", "value": "{identifier}"}}],
                    "telecom": [{{"system": "phone", "value": "+15550100"}}],
                    "addresses": [{addresses}]}}"#
            )
        })
        .collect();
    format!(
        r#"{{"envelope": {{"record_type": "engagement-contact", "schema_version": "1.0",
             "source_record_id": "{id}", "county_fips": "06067", "service_source": "case",
             "subject_refs": ["{}"]}},
            "persons": [{}],
            "body": {{"contact_id": "{id}", "start": "2026-09-01T10:00:00-07:00",
              "mode": "in_person"}}}}"#,
        persons[0].0,
        entries.join(",")
    )
}

fn address(kind: &str, line: &str, household: &str) -> String {
    let household = match household {
        "" => String::new(),
        name => format!(r#", "household_ref": "{name}""#),
    };
    format!(r#"{{"kind": "{kind}", "line": "{line}", "city": "Davis"{household}}}"#)
}

fn void(id: &str, persons: &[(&str, &str)]) -> String {
    contact(id, persons).replace(
        "\"schema_version\"",
        "\"action\": \"void\", \"schema_version\"",
    )
}

/// What the county got of these, handed in and driven one after the other.
async fn told(road: &Road, records: &[String]) -> String {
    let before = road.arrived(COUNTY).len();
    for (at, record) in records.iter().enumerate() {
        road.hand_in(&format!("k{before}-{at}"), record).await;
        road.drive().await;
    }
    let arrived = road.arrived(COUNTY);
    arrived[before..].join("\n")
}

const HOME: &str = "77 Hidden Street";

#[tokio::test]
async fn another_record_of_the_person_does_not_give_the_address_away() {
    let home = address("home", HOME, "");
    let open = Road::new().await;
    let plain = told(&open, &[contact("c1", &[("m1", &home)])]).await;
    assert!(
        plain.contains(HOME) && plain.contains("+15550100"),
        "{plain}"
    );
    for kind in [
        "shelter",
        "confidential",
        "safe_at_home_actual",
        "safe_at_home_substitute",
    ] {
        let road = Road::new().await;
        let stated = contact("c1", &[("m1", &address(kind, "PO Box 4", ""))]);
        told(&road, &[stated]).await;
        let later = contact("c2", &[("m1", &home)]);
        let got = told(&road, &[later]).await;
        assert!(
            got.contains("in_person"),
            "{kind}: the record itself goes: {got}"
        );
        for trace in [HOME, "Davis", "+15550100", "addresses", "telecom"] {
            assert!(!got.contains(trace), "{kind}: {trace} in {got}");
        }
    }
}

#[tokio::test]
async fn the_substitute_goes_in_its_place() {
    let road = Road::new().await;
    let both = format!(
        "{},{}",
        address("safe_at_home_substitute", "PO Box 4", "hearth-7"),
        address("home", HOME, "")
    );
    told(
        &road,
        &[contact("c1", &[("m1", &address("shelter", "1 Way", ""))])],
    )
    .await;
    let got = told(&road, &[contact("c2", &[("m1", &both)])]).await;
    assert!(got.contains("PO Box 4") && !got.contains(HOME), "{got}");
    // A relative's address elsewhere may be known by the same word.
    assert!(!got.contains("hearth-7"), "{got}");
}

#[tokio::test]
async fn nobody_of_the_household_gives_it_away() {
    let home = address("home", HOME, "h1");
    let open = Road::new().await;
    let plain = told(&open, &[contact("c1", &[("child", &home)])]).await;
    assert!(plain.contains(HOME), "{plain}");
    let road = Road::new().await;
    told(
        &road,
        &[contact("c1", &[("m1", &address("shelter", "1 Way", "h1"))])],
    )
    .await;
    let got = told(&road, &[contact("c2", &[("child", &home)])]).await;
    assert!(got.contains("in_person") && !got.contains(HOME), "{got}");
    // The child belongs to that household from now on, also where no record says so.
    let bare = address("home", "8 Other Road", "");
    let got = told(&road, &[contact("c3", &[("child", &bare)])]).await;
    assert!(
        got.contains("in_person") && !got.contains("8 Other Road"),
        "{got}"
    );
    // Another household is nobody's business.
    let other = address("home", "9 Open Road", "h2");
    let got = told(&road, &[contact("c4", &[("aunt", &other)])]).await;
    assert!(got.contains("9 Open Road"), "{got}");
}

async fn person(road: &Road, identifier: &str) -> PersonId {
    let identifier = format!("urn:example:person|{identifier}");
    let known = road.store.person_by_identifier(&identifier, false).await;
    known.expect("an answer").expect("known")
}

async fn takes_part(road: &Road, person: PersonId, step: FactStep) {
    let mut fact = said("safe_at_home", json!(true), ("county", road.now()));
    fact.as_object_mut().expect("members").remove("recipient");
    let ended = step == FactStep::Ended;
    let fact = NewFact {
        step,
        after: ended.then_some(1),
        ended_at: ended.then(|| road.now()),
        ..entered("f1", person, &fact, road.now())
    };
    let done = road.store.put_fact(fact).await.expect("kept");
    assert!(matches!(done, FactChange::Done { .. }), "{done:?}");
}

#[tokio::test]
async fn whoever_lives_with_a_participant_of_the_registry_gives_nothing_away() {
    let road = Road::new().await;
    let home = address("home", HOME, "h1");
    let alone = |id: &str| contact(id, &[("gran", &home)]);
    told(&road, &[contact("c1", &[("m1", &home)])]).await;
    let got = told(&road, &[alone("c2")]).await;
    assert!(got.contains(HOME), "nobody takes part yet: {got}");
    let mother = person(&road, "m1").await;
    takes_part(&road, mother, FactStep::Asserted).await;
    let got = told(&road, &[alone("c3")]).await;
    assert!(got.contains("in_person") && !got.contains(HOME), "{got}");
    // Another household is nobody's business.
    let other = address("home", "9 Open Road", "h2");
    let got = told(&road, &[contact("c4", &[("aunt", &other)])]).await;
    assert!(got.contains("9 Open Road"), "{got}");
    takes_part(&road, mother, FactStep::Ended).await;
    let got = told(&road, &[alone("c5")]).await;
    assert!(got.contains(HOME), "no longer: {got}");
}

/// The records whose recall a person is to tell.
async fn recalled(road: &Road) -> usize {
    road.recall().await;
    let mut count = 0;
    for item in by_hand(road).await {
        let listed = road.store.recalls_by_hand(item.work_item_id).await;
        count += listed.expect("a list").len();
    }
    count
}

#[tokio::test]
async fn what_went_of_a_household_is_recalled_when_it_becomes_protected() {
    // Goal: who has an address that has become protected since is told to use it no further,
    // once. Method: the four ways by which it becomes so, each after an address that went.
    let home = address("home", HOME, "h1");
    let plain = address("mailing", "PO Box 9", "h1");
    let stated = address("confidential", "1 Way", "h1");
    let gran = contact("c1", &[("gran", &home)]);
    // A record of another of the household, and a second one that says nothing new.
    let road = Road::new().await;
    told(&road, std::slice::from_ref(&gran)).await;
    assert_eq!(recalled(&road).await, 0);
    told(&road, &[contact("c2", &[("m1", &stated)])]).await;
    assert_eq!(recalled(&road).await, 1, "stated");
    told(&road, &[contact("c3", &[("m1", &stated)])]).await;
    assert_eq!(recalled(&road).await, 1, "stated again");
    // The registry.
    let road = Road::new().await;
    told(&road, &[contact("c2", &[("m1", &plain)]), gran.clone()]).await;
    let mother = person(&road, "m1").await;
    takes_part(&road, mother, FactStep::Asserted).await;
    // The mother's own mailing address too.
    assert_eq!(recalled(&road).await, 2, "asserted");
    // Whoever comes to a household that is protected.
    let road = Road::new().await;
    let before = contact("c1", &[("gran", &address("home", HOME, "h2"))]);
    told(&road, &[contact("c2", &[("m1", &stated)]), before]).await;
    assert_eq!(recalled(&road).await, 0);
    told(
        &road,
        &[contact("c3", &[("gran", &address("home", "5 Way", "h1"))])],
    )
    .await;
    assert_eq!(recalled(&road).await, 1, "joined the household");
    // The person's own later record.
    let road = Road::new().await;
    told(
        &road,
        &[contact("c1", &[("m1", &address("home", HOME, ""))])],
    )
    .await;
    told(&road, &[contact("c2", &[("m1", &stated)])]).await;
    assert_eq!(recalled(&road).await, 1, "its own");
}

#[tokio::test]
async fn a_line_that_equals_a_protected_one_goes_for_nobody() {
    let home = address("home", HOME, "");
    let shelter = address("shelter", "77 HIDDEN ST.", "");
    let road = Road::new().await;
    let both = contact("c1", &[("m1", &shelter), ("aunt", &home)]);
    let got = told(&road, &[both]).await;
    assert!(
        got.contains("in_person") && !got.contains(HOME),
        "same record: {got}"
    );
    let worded = contact("c2", &[("uncle", &home)]).replace(
        "\"contact_id\"",
        "\"program_code\": \"77 hidden st\", \"contact_id\"",
    );
    let got = told(&road, &[worded]).await;
    assert!(got.contains("in_person"), "{got}");
    for trace in [HOME, "77 hidden st", "Davis"] {
        assert!(!got.contains(trace), "{trace} in {got}");
    }
    let next_door = contact("c3", &[("uncle", &address("home", "79 Hidden Street", ""))]);
    let got = told(&road, &[next_door]).await;
    assert!(got.contains("79 Hidden Street"), "{got}");
}

#[tokio::test]
async fn a_protected_street_written_otherwise_goes_for_nobody() {
    let road = Road::new().await;
    let stated = address("safe_at_home_actual", "77 Hidden Hollow", "");
    told(&road, &[contact("c1", &[("m1", &stated)])]).await;
    let spellings = [
        "77 HIDDEN  HOLLOW",
        "77 Hidden Hollow Rd",
        "77 Hidden Hollow, Apt 2",
        "\u{FF17}\u{FF17} Hidden Hollow",
    ];
    for (at, line) in spellings.iter().enumerate() {
        let home = address("home", line, "");
        let (id, person) = (format!("d{at}"), format!("uncle{at}"));
        let got = told(&road, &[contact(&id, &[(&person, &home)])]).await;
        assert!(got.contains("in_person"), "{line}: {got}");
        for trace in [*line, "Davis"] {
            assert!(!got.contains(trace), "{line}: {trace} in {got}");
        }
    }
    let next_door = address("home", "79 Hidden Hollow Rd", "");
    let got = told(&road, &[contact("e1", &[("aunt", &next_door)])]).await;
    assert!(got.contains("79 Hidden Hollow Rd"), "{got}");
}

#[tokio::test]
async fn what_is_stated_later_stops_what_is_queued() {
    let road = Road::new().await;
    road.answers(COUNTY, 503);
    let home = contact("c1", &[("m1", &address("home", HOME, ""))]);
    road.hand_in("k1", &home).await;
    road.drive().await;
    assert!(road.arrived(COUNTY)[0].contains(HOME));
    let tried = road.arrived(COUNTY).len();
    let stated = contact("c2", &[("m1", &address("confidential", "1 Way", ""))]);
    road.hand_in("k2", &stated).await;
    road.answers(COUNTY, 200);
    road.advance(Duration::from_secs(40));
    road.drive().await;
    let after = road.arrived(COUNTY)[tried..].join("\n");
    assert!(after.contains("c1") && after.contains("c2"), "{after}");
    assert!(!after.contains(HOME), "{after}");
}

#[tokio::test]
async fn what_is_taken_back_protects_no_longer() {
    let stated = [("m1", &*address("shelter", "1 Way", ""))];
    let home = address("home", HOME, "");
    let road = Road::new().await;
    told(&road, &[contact("c1", &stated), void("c1", &stated)]).await;
    let got = told(&road, &[contact("c2", &[("m1", &home)])]).await;
    assert!(got.contains(HOME), "voided: {got}");
    let road = Road::new().await;
    let corrected = contact("c1", &[("m1", &address("mailing", "1 Way", ""))]);
    told(&road, &[contact("c1", &stated), corrected]).await;
    let got = told(&road, &[contact("c2", &[("m1", &home)])]).await;
    assert!(got.contains(HOME), "corrected: {got}");
    // As long as one record stands, it protects.
    let road = Road::new().await;
    let (first, second) = (contact("c1", &stated), contact("c3", &stated));
    told(&road, &[first, second, void("c1", &stated)]).await;
    let got = told(&road, &[contact("c2", &[("m1", &home)])]).await;
    assert!(
        got.contains("in_person") && !got.contains(HOME),
        "one stands: {got}"
    );
}

/// What a dry run of the program answers, without the digest of the body.
async fn tried(road: &Road, body: String) -> String {
    let inbound = inbound("program", None, &body, road.now());
    let run = dry_run(&road.store, &road.rules(), inbound).await;
    serde_json::to_string(&run.expect("a dry run").records).expect("JSON")
}

#[tokio::test]
async fn a_dry_run_tells_nothing_of_what_others_protect() {
    // Goal: nobody can ask who is protected or where they live. Method: the same dry runs where
    // another sender has stated a shelter with household and line, and where nobody has.
    let other = PARTNERS[0].replace("\"program\"", "\"harbor\"");
    let cin = |body: String| body.replace("urn:example:person", "urn:kinbridge:id:cin");
    let (road, empty) = (
        Road::with(&[PARTNERS, &[&other]].concat()).await,
        Road::new().await,
    );
    let known = "90000131A";
    let shelter = address("shelter", HOME, "h1");
    let stated = cin(contact("c1", &[(known, &shelter)]));
    road.hand_in_from("harbor", "k", &stated).await;
    // The premise: a record that is handed in is kept from telling.
    let home = address("home", HOME, "");
    let got = told(&road, &[cin(contact("c2", &[(known, &home)]))]).await;
    assert!(got.contains("in_person") && !got.contains(HOME), "{got}");
    for (person, home) in [
        (known, address("home", "9 Other Street", "")),
        ("90000297A", address("home", HOME, "")),
        (known, address("home", HOME, "h1")),
    ] {
        let body = cin(contact("c3", &[(person, &home)]));
        let answer = tried(&road, body.clone()).await;
        assert!(answer.contains("/persons/0/addresses/0/line"), "{answer}");
        assert_eq!(answer, tried(&empty, body).await, "{person}");
    }
}

#[tokio::test]
async fn a_dry_run_withholds_what_its_own_record_protects() {
    let road = Road::new().await;
    let stated = (
        "m1",
        &*format!(
            "{},{}",
            address("shelter", "1 Way", "h1"),
            address("home", HOME, "")
        ),
    );
    let child = ("child", &*address("home", HOME, "h1"));
    let answer = tried(&road, contact("c1", &[stated, child])).await;
    assert!(answer.contains("/body/mode"), "{answer}");
    for path in ["/persons/0/addresses", "/persons/1/addresses"] {
        assert!(!answer.contains(path), "{path} in {answer}");
    }
}

#[tokio::test]
async fn a_trial_protects_nobody_real() {
    let tester = PARTNERS[0]
        .replace("\"program\"", "\"tester\"")
        .replace("mode = \"live\"", "mode = \"test\"");
    let road = Road::with(&[PARTNERS, &[&tester]].concat()).await;
    let stated = contact("c1", &[("m1", &address("shelter", HOME, ""))]);
    road.hand_in_from("tester", "k", &stated).await;
    road.drive().await;
    let got = told(
        &road,
        &[contact("c2", &[("m1", &address("home", HOME, ""))])],
    )
    .await;
    assert!(got.contains(HOME), "{got}");
}
