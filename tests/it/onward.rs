//! Goal: what somebody was given goes on only as the law or consent it came under says, whatever
//! they call it. Method: the road of the delivery tests with a substance-use program, a clinic and
//! a hospital; decisions are taken on the stored records as every send takes them.

mod plain;

use crate::deliver::Road;
use crate::facts::{entered, said};
use crate::release::complete;
use kinbridge::base::digest::Digest;
use kinbridge::base::id::*;
use kinbridge::base::sensitive::Sensitive;
use kinbridge::base::vocabulary::Verdict;
use kinbridge::intake::Receipt;
use kinbridge::kept::{Toward, decision_record, on_file, release_stored};
use kinbridge::release::{Basis, Release, Taken};
use kinbridge::store::{
    DecisionRecord, DecisionRow, DeliveryState, EmergencyAnswer, EmergencyAsk, EmergencyGiven,
    NewConsent, NewEmergency,
};
use serde_json::{Value, json};

fn partner(id: &str, role: &str, ways: &str) -> String {
    format!(
        "id = \"{id}\"\nname = \"Invented {id}\"\nrole = \"{role}\"\nmode = \"live\"\n\
         county_fips = \"06067\"\nagreement = [{{ id = \"1\", kind = \"contract_10850\" }}, \
         {{ id = \"2\", kind = \"baa\" }}, {{ id = \"3\", kind = \"qsoa\" }}]\n\
         identifier = [{{ system = \"urn:org\", value = \"{id}\" }}]\n\
         [[channel]]\nname = \"in\"\ndirection = \"in\"\nformat = \"kinbridge-json/1.0\"\n\
         records = [\"service-referral\"]\n{ways}"
    )
}

fn out(id: &str, purpose: &str) -> String {
    format!(
        "[[channel]]\nname = \"out\"\ndirection = \"out\"\nformat = \"kinbridge-json/1.0\"\n\
         records = [\"service-referral\"]\npurpose = \"{purpose}\"\nrelated_by = [\"addressee\"]\n\
         https = {{ url = \"https://{id}.example/inbox\" }}\n"
    )
}

async fn road() -> Road {
    let files = [
        partner("recovery", "sud_program", ""),
        partner("clinic", "mhp", &out("clinic", "treatment")),
        partner("hospital", "health_provider", &out("hospital", "treatment")),
        partner("county", "cws", &out("county", "care_coordination")),
        partner("program", "ppp", &out("program", "education")),
    ];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    Road::with(&files).await
}

/// A referral about one person, all of it of one more class, with more in its envelope.
fn referral(id: &str, to: &str, class: &str, more: Value) -> String {
    let born = if class == "sud_part2" {
        "1990-05-05"
    } else {
        "2014-05-05"
    };
    let role = if class == "sud_part2" {
        "parent"
    } else {
        "child"
    };
    let mut record = json!({
        "envelope": {"record_type": "service-referral", "schema_version": "1.0",
            "source_record_id": id, "county_fips": "06067", "service_source": "case",
            "subject_refs": ["one"], "labels": [{"path": "/body", "classes": [class]}]},
        "persons": [{"key": "one", "role": role, "birth_date": born,
            "identifiers": [{"system": "urn:example:person", "value": "q-1"}],
            "names": [{"use": "legal", "last": "Quill"}]}],
        "body": {"referral_id": id, "status": "requested",
            "recipient": {"identifiers": [{"system": "urn:org", "value": to}]}}
    });
    let envelope = record["envelope"].as_object_mut().expect("an envelope");
    envelope.extend(more.as_object().expect("members").clone());
    record.to_string()
}

async fn lodge(road: &Road, lodger: &str, id: &str, paper: Value) {
    lodge_of(road, (lodger, "q-1"), id, paper).await;
}

/// A paper of whoever that value stands for.
async fn lodge_of(road: &Road, (lodger, whose): (&str, &str), id: &str, paper: Value) {
    let identifier = format!("urn:example:person|{whose}");
    let found = road.store.person_by_identifier(&identifier, false).await;
    let lodged = road.store.put_consent(NewConsent {
        subject: found.expect("an answer").expect("known"),
        body: Sensitive::new(complete(&paper.to_string()).into_bytes()),
        ..consent(lodger, id, road)
    });
    lodged.await.expect("lodged");
}

fn consent(lodger: &str, id: &str, road: &Road) -> NewConsent {
    NewConsent {
        consent_id: ConsentId::new(id),
        partner: PartnerId::new(lodger),
        subject: kinbridge::base::id::PersonId([0; 16]),
        body: Sensitive::new(Vec::new()),
        at: road.now(),
        correlation_id: CorrelationId::new("test"),
    }
}

fn paper(kind: &str, classes: &[&str], to: &[&str]) -> Value {
    json!({"kind": kind, "type": "permit", "grantor": "self", "classes": classes,
        "recipients": to, "purposes": ["treatment"], "signed": "2026-01-01",
        "start": "2026-01-01", "end": "2027-12-31"})
}

/// The decision on a stored record toward a partner, as a send would take it now.
async fn taken(road: &Road, record: RecordId, to: &str) -> Taken {
    let stored = road
        .store
        .record(record)
        .await
        .expect("read")
        .expect("known");
    let found = on_file(&road.store, std::iter::once(&stored))
        .await
        .expect("on file");
    let rules = road.rules();
    let recipient = &rules.partners[&PartnerId::new(to)];
    let channel = recipient
        .channel
        .iter()
        .find(|c| c.purpose.is_some())
        .expect("a channel");
    let toward = Toward::plain(recipient, channel);
    match release_stored(&rules, &stored, toward, &found, road.now()).expect("decided") {
        Release::Go(outgoing) => outgoing.taken().clone(),
        Release::Withheld(taken) | Release::Held(_, taken) | Release::Untied(taken) => *taken,
    }
}

fn goes(taken: &Taken, class: &str) -> bool {
    let mut rows = taken.rows.iter().filter(|row| row.data_class == class);
    let row = rows
        .next()
        .unwrap_or_else(|| panic!("{class} is not asked: {taken:?}"));
    row.verdict == Verdict::Permit
}

fn flagged(taken: &Taken, flag: &str) -> bool {
    taken
        .rows
        .iter()
        .any(|row| row.facts.iter().any(|fact| fact.name() == flag))
}

fn id_of(receipt: &Receipt) -> RecordId {
    let body = serde_json::to_value(receipt).expect("JSON");
    let id = body["records"][0]["record_id"].as_str().expect("accepted");
    RecordId::parse(id).expect("an id")
}

/// The program's referral has reached the clinic by virtue of a Part 2 consent.
async fn reached_the_clinic(road: &Road, kind: &str) -> RecordId {
    let first = referral("s-1", "clinic", "sud_part2", json!({}));
    let first = road.hand_in_from("recovery", "a", &first).await;
    let rest = [
        "referral",
        "demographics",
        "mental_health",
        "general_health",
    ];
    lodge(
        road,
        "recovery",
        "c-rest",
        paper("general_roi", &rest, &["mhp"]),
    )
    .await;
    lodge(
        road,
        "recovery",
        "c-1",
        paper(kind, &["sud_part2"], &["mhp", "health_provider"]),
    )
    .await;
    road.drive().await;
    let view = road
        .store
        .submission(&PartnerId::new("recovery"), first.submission_id)
        .await;
    let view = view.expect("read").expect("known");
    let sent = &view.records[0].deliveries[0];
    assert_eq!(sent.state, DeliveryState::Confirmed, "{sent:?}");
    let record = id_of(&first);
    assert!(goes(&taken(road, record, "clinic").await, "sud_part2"));
    record
}

/// The program's consent by which it reached the clinic ends now.
async fn revoke(road: &Road) {
    let (recovery, correlation) = (PartnerId::new("recovery"), CorrelationId::new("test"));
    let id = ConsentId::new("c-1");
    let revoked = road
        .store
        .revoke_consent(&recovery, &id, road.now(), &correlation);
    revoked.await.expect("revoked");
}

#[tokio::test]
async fn what_came_under_a_treatment_consent_goes_on_by_that_consent_while_it_stands() {
    // Goal: ONWARD-P2 both ways on the gateway's own memory. Method: the clinic hands on what it
    // was given, naming the record; then the consent is revoked; then another kind of consent.
    let road = road().await;
    let given = reached_the_clinic(&road, "part2_tpo").await;
    let whence = json!({ "derived_from": [given] });
    let onward = road
        .hand_in_from(
            "clinic",
            "b",
            &referral("h-1", "hospital", "sud_part2", whence),
        )
        .await;
    let onward = id_of(&onward);
    let open = taken(&road, onward, "hospital").await;
    assert!(goes(&open, "sud_part2"), "{:?}", open.rows);
    assert!(
        open.citations.iter().any(|c| c.contains("42CFR2.33(b)(1)")),
        "{:?}",
        open.citations
    );
    assert!(
        flagged(&open, "onward_consent"),
        "replay needs it in the record"
    );
    revoke(&road).await;
    assert!(
        !goes(&taken(&road, onward, "hospital").await, "sud_part2"),
        "it was revoked"
    );
}

#[tokio::test]
async fn a_consent_something_came_under_is_no_ground_to_pass_it_on() {
    // Goal: nobody passes on as their own, or by the consent it came under, what they were given.
    // Method: a specific consent that names clinic and hospital; the clinic hands the thing on
    // naming its record, then under that id, then claiming the consent or a law it came under.
    let road = road().await;
    let given = reached_the_clinic(&road, "part2_specific").await;
    let by_consent = json!({ "derived_from": [given], "received_under": "WIC5328.04" });
    for (id, more) in [
        ("h-1", json!({ "derived_from": [given] })),
        ("h-2", by_consent),
        (given.to_string().as_str(), json!({})),
    ] {
        let record = referral(id, "hospital", "sud_part2", more);
        let onward = road.hand_in_from("clinic", id, &record).await;
        let closed = taken(&road, id_of(&onward), "hospital").await;
        assert!(!goes(&closed, "sud_part2"), "{id}: {:?}", closed.rows);
        assert!(flagged(&closed, "received_under_consent"), "{id}");
        assert!(
            !flagged(&closed, "received_under_health_law"),
            "{id}: the gateway knows better"
        );
    }
}

#[tokio::test]
async fn a_claim_is_taken_by_its_words_and_a_record_nobody_gave_opens_nothing() {
    // Goal: COORD-ON and USA-ON by the sender's word, both ways. Method: a county hands on a
    // child's health and school records: first-hand, under each law, under a consent, and from a
    // record it was never given.
    let road = road().await;
    let unknown = json!({ "derived_from": [RecordId([9; 16])], "received_under": "CIV56.103" });
    let cases = [
        ("k-1", json!({}), false),
        ("k-2", json!({ "received_under": "WIC5328.04" }), true),
        ("k-3", json!({ "received_under": "CIV56.103" }), true),
        ("k-4", json!({ "received_under": "c-9" }), false),
        ("k-5", unknown, false),
        (
            "k-6",
            json!({ "received_under": "20USC1232g(b)(1)(L)" }),
            false,
        ),
    ];
    for (id, more, opens) in cases {
        let record = referral(id, "hospital", "mental_health", more);
        let onward = road.hand_in_from("county", id, &record).await;
        let decided = taken(&road, id_of(&onward), "hospital").await;
        assert_eq!(
            goes(&decided, "mental_health"),
            opens,
            "{id}: {:?}",
            decided.rows
        );
    }
    let school = json!({ "received_under": "20USC1232g(b)(1)(L)" });
    for (id, more, flag) in [("e-1", json!({}), false), ("e-2", school, true)] {
        let record = referral(id, "program", "education_record", more);
        let onward = road.hand_in_from("county", id, &record).await;
        let decided = taken(&road, id_of(&onward), "program").await;
        assert_eq!(
            flagged(&decided, "received_under_education_law"),
            flag,
            "{id}"
        );
        // Who addresses the pupil's needs, by whose authority, is no word of the sender's.
        assert!(!goes(&decided, "education_record"), "{id}");
    }
}

#[tokio::test]
async fn where_a_record_is_from_goes_to_nobody() {
    // Goal: neither member of the envelope leaves. Method: a record with both that goes.
    let road = road().await;
    let whence = json!({ "received_under": "c-77", "derived_from": [RecordId([9; 16])] });
    let record = referral("z-1", "hospital", "mental_health", whence);
    road.hand_in_from(
        "clinic",
        "z",
        &record
            .replace("2014-05-05", "1990-05-05")
            .replace("child", "parent"),
    )
    .await;
    let all = ["referral", "demographics", "mental_health"];
    lodge(
        &road,
        "clinic",
        "c-z",
        paper("general_roi", &all, &["health_provider"]),
    )
    .await;
    road.drive().await;
    let arrived = road.arrived("https://hospital.example/inbox");
    assert_eq!(arrived.len(), 1);
    for word in ["c-77", "received_under", "derived_from", "0909"] {
        assert!(!arrived[0].contains(word), "{word}: {}", arrived[0]);
    }
}

/// Answers the hospital at the emergency door with all a record holds of substance use.
async fn answered_at_the_door(road: &Road, record: RecordId) {
    let stored = road.store.record(record).await;
    let stored = stored.expect("read").expect("known");
    let types = [stored.record_type.clone()];
    let ask = EmergencyAsk {
        person: stored.persons[0].person,
        test: false,
        record_types: &types,
        after: None,
        limit: 9,
    };
    let page = road.store.emergency_records(ask).await.expect("read");
    let row = page.rows.iter().find(|row| row.record.record_id == record);
    let taken = taken(road, record, "clinic").await;
    let rows = stored.persons.iter().map(|person| DecisionRow {
        person: person.person,
        data_class: "sud_part2".into(),
        verdict: Verdict::Permit,
        citation: "42CFR2.51".into(),
        facts: 0,
    });
    let decision = DecisionRecord {
        rows: rows.collect(),
        facts: vec![Vec::new()],
        ..decision_record(&taken)
    };
    let new = NewEmergency {
        emergency_id: EmergencyId::mint(road.now()),
        requester: PartnerId::new("hospital"),
        channel: ChannelId::new("door"),
        purpose: "medical_emergency".into(),
        test: false,
        rule_set: decision.rule_set.clone(),
        correlation_id: CorrelationId::new("test"),
        declaration: Sensitive::new(b"{}".to_vec()),
        spends: Vec::new(),
        epochs: stored.persons.iter().map(|p| (p.person, p.epoch)).collect(),
        given: vec![EmergencyGiven {
            record_id: record,
            row: row.expect("on file").row,
            source: stored.partner.clone(),
            decision,
            output: Digest::of(b"told"),
        }],
        held: 0,
        truncated: false,
        unread: false,
        review_due: road.now(),
    };
    let answer = road.store.authorise_emergency(new).await;
    assert_eq!(answer.expect("an answer"), EmergencyAnswer::Go);
}

#[tokio::test]
async fn what_was_given_at_the_emergency_door_stays_under_part_2() {
    // Goal: what a program's patient record told in an emergency is no mental health of whoever
    // was told. Method: the hospital hands it on naming the record, once never given and once
    // given at the door; how it is labelled rests on what is read here.
    let road = road().await;
    let first = referral("s-1", "clinic", "sud_part2", json!({}));
    let first = id_of(&road.hand_in_from("recovery", "a", &first).await);
    let whence = json!({ "derived_from": [first] });
    let onward = referral("h-1", "clinic", "sud_part2", whence);
    let onward = id_of(&road.hand_in_from("hospital", "b", &onward).await);
    let part2 = async || {
        let stored = road.store.record(onward).await.expect("read");
        let stored = stored.expect("known");
        let found = on_file(&road.store, std::iter::once(&stored)).await;
        let received = found.expect("on file").received(&stored).to_vec();
        assert_eq!(received.len(), 1, "{received:?}");
        received[0].part2
    };
    assert!(!part2().await, "never given");
    answered_at_the_door(&road, first).await;
    assert!(part2().await);
}

/// As [`referral`], about a second person too.
fn of_two(id: &str, to: &str, other: &str, more: Value) -> String {
    let one = referral(id, to, "sud_part2", more);
    let mut one: Value = serde_json::from_str(&one).expect("JSON");
    let second = json!({"key": "two", "role": "parent", "birth_date": "1991-05-05",
        "identifiers": [{"system": "urn:example:person", "value": other}],
        "names": [{"use": "legal", "last": "Quill"}]});
    one["persons"].as_array_mut().expect("persons").push(second);
    one["envelope"]["subject_refs"] = json!(["one", "two"]);
    one.to_string()
}

#[tokio::test]
async fn who_is_named_otherwise_is_no_first_hand_either() {
    // Goal: data of two persons given, one of whom the recipient calls by another id, is
    // first-hand of neither; who brings data of another person beside it is not hurt where
    // everybody given is named. Method: the clinic hands on the record with a second person it
    // knows by its own id, then with both as they were given.
    let road = road().await;
    let first = of_two("s-1", "clinic", "q-2", json!({}));
    let first = road.hand_in_from("recovery", "a", &first).await;
    let all = [
        "referral",
        "demographics",
        "mental_health",
        "general_health",
        "sud_part2",
    ];
    for (at, of) in ["q-1", "q-2"].into_iter().enumerate() {
        let kinds = [("general_roi", &all[..4]), ("part2_specific", &all[4..])];
        for (kind, classes) in kinds {
            lodge_of(
                &road,
                ("recovery", of),
                &format!("c-{at}-{kind}"),
                paper(kind, classes, &["mhp"]),
            )
            .await;
        }
    }
    road.drive().await;
    let record = id_of(&first);
    let given = road
        .store
        .given_to(&PartnerId::new("clinic"), &[record])
        .await;
    assert_eq!(given.expect("read")[0].decisions.len(), 1, "it has arrived");
    for (id, other, expected) in [("h-1", "q-2", false), ("h-2", "q-3", true)] {
        let whence = json!({ "derived_from": [record] });
        let onward = of_two(id, "hospital", other, whence);
        let onward = id_of(&road.hand_in_from("clinic", id, &onward).await);
        let stored = road
            .store
            .record(onward)
            .await
            .expect("read")
            .expect("known");
        let found = on_file(&road.store, std::iter::once(&stored)).await;
        let received = found.expect("on file").received(&stored).to_vec();
        let another = received.iter().filter(|one| one.basis == Basis::Another);
        let another: Vec<_> = another.map(|one| one.person).collect();
        let stranger = stored
            .persons
            .iter()
            .find(|p| p.key == "two")
            .map(|p| p.person);
        let wanted = if expected { vec![stranger] } else { Vec::new() };
        assert_eq!(another, wanted, "{id}: {received:?}");
    }
}

/// A school, a county that may assert what the law of education records asks, and a tutor.
async fn schooled() -> Road {
    let asserts = "asserts = [\"legally_responsible\", \"has_case_plan_access\", \
        \"addresses_education_needs\", \"authorized_by_agency\"]\nidentifier =";
    let files = [
        partner("school", "lea", ""),
        partner("county", "cws", &out("county", "care_coordination"))
            .replace("identifier =", asserts),
        partner("tutor", "ppp", &out("tutor", "education")),
    ];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    Road::with(&files).await
}

async fn fact(road: &Road, kind: &str, toward: &str) {
    let child = road
        .store
        .person_by_identifier("urn:example:person|q-1", false);
    let child = child.await.expect("an answer").expect("known");
    let fact = said(kind, json!(true), (toward, road.now()));
    let done = road.store.put_fact(entered(kind, child, &fact, road.now()));
    done.await.expect("kept");
}

/// A referral of the child with one value of the school's in it, and the family's release for the
/// rest of it.
async fn with_school_value(road: &Road, way: (&str, &str), purpose: &str, more: Value) -> Receipt {
    let (from, to) = way;
    let mut more = more;
    more["labels"] = json!([{"path": "/body/program_code", "classes": ["education_record"]}]);
    let record = referral(&format!("{from}-1"), to, "education_record", more);
    let record = record.replacen(
        "\"status\":\"requested\"",
        "\"status\":\"requested\",\"program_code\":\"Otter-Reading\"",
        1,
    );
    assert!(record.contains("Otter-Reading"));
    let receipt = road.hand_in_from(from, from, &record).await;
    let mut release = paper(
        "general_roi",
        &["referral", "demographics"],
        &["cws", "ppp"],
    );
    release["grantor"] = "parent".into();
    release["purposes"] = json!([purpose]);
    lodge(road, from, &format!("{from}-roi"), release).await;
    receipt
}

#[tokio::test]
async fn a_schools_record_goes_on_to_whom_the_county_says_addresses_the_pupils_needs() {
    // Goal: USA and then USA-ON on the road itself: what a county was given by the law goes on by
    // the law, though what came with it came by a release; with both facts of the registry and not
    // with one. Method: each choice of facts; the county names the record it was given, or says so.
    let needs = "addresses_education_needs";
    let authorized = "authorized_by_agency";
    for (facts, by_record) in [
        (&[][..], true),
        (&[needs][..], true),
        (&[authorized][..], true),
        (&[needs, authorized][..], true),
        (&[needs][..], false),
        (&[needs, authorized][..], false),
    ] {
        let road = schooled().await;
        let first = with_school_value(&road, ("school", "county"), "care_coordination", json!({}));
        let first = id_of(&first.await);
        fact(&road, "legally_responsible", "county").await;
        fact(&road, "has_case_plan_access", "county").await;
        road.drive().await;
        let arrived = road.arrived("https://county.example/inbox");
        assert!(arrived.len() == 1 && arrived[0].contains("Otter-Reading"));
        let given = taken(&road, first, "county").await;
        assert!(goes(&given, "education_record"), "{:?}", given.rows);
        for kind in facts {
            fact(&road, kind, "tutor").await;
        }
        let whence = match by_record {
            true => json!({ "derived_from": [first] }),
            false => json!({ "received_under": "20USC1232g(b)(1)(L)" }),
        };
        let onward = with_school_value(&road, ("county", "tutor"), "education", whence);
        let onward = id_of(&onward.await);
        road.drive().await;
        let open = facts.len() == 2;
        let decided = taken(&road, onward, "tutor").await;
        assert_eq!(
            goes(&decided, "education_record"),
            open,
            "{facts:?} {by_record}"
        );
        let arrived = road.arrived("https://tutor.example/inbox");
        assert_eq!(arrived.len(), 1, "{facts:?} {by_record}: {decided:?}");
        assert_eq!(
            arrived[0].contains("Otter-Reading"),
            open,
            "{facts:?} {by_record}"
        );
        for owed in ["education_use_only", "no_redisclosure"] {
            let owed = decided.obligations.contains(&owed);
            assert_eq!(
                owed, open,
                "{facts:?} {by_record}: {:?}",
                decided.obligations
            );
        }
        if open {
            let cited = decided.citations.iter();
            assert!(cited.into_iter().any(|one| one == "20USC1232g(b)(1)(L)"));
        }
    }
}
