//! Goal: a reference never takes a node of another server, nor one of several. Method: a contact
//! and patients of two servers that count alike, in every way they can be named.

use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::intake::read::{Reading, read};
use kinbridge::rules::Rules;
use serde_json::{Value, json};
use std::sync::OnceLock;

const A: &str = "https://a.example/fhir/";
const B: &str = "https://b.example/fhir/";

/// An entry of a bundle; without a name where it is empty.
fn entry(name: &str, resource: Value) -> Value {
    match name {
        "" => json!({"resource": resource}),
        _ => json!({"fullUrl": name, "resource": resource}),
    }
}

fn patient(name: &str, born: &str) -> Value {
    let body = json!({"resourceType": "Patient", "id": "1", "birthDate": born});
    entry(name, body)
}

fn contact(name: &str, subject: &str) -> Value {
    let body = json!({"resourceType": "Encounter", "id": "9", "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"},
        "identifier": [{"value": "C-9"}], "subject": {"reference": subject},
        "period": {"start": "2026-02-01T09:00:00-08:00"}});
    entry(name, body)
}

fn taken(entries: &[Value]) -> Reading {
    static RULES: OnceLock<std::sync::Arc<Rules>> = OnceLock::new();
    let rules = RULES.get_or_init(|| Rules::load(&[]).expect("no defect"));
    let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entries});
    let bytes = serde_json::to_vec(&bundle).expect("it is JSON");
    let types = [RecordType::new("engagement-contact")];
    read(rules, &FormatId::new("fhir-r4/4.0"), &types, &bytes)
}

/// Births of the subjects; or what is wrong with references, where something is.
fn subjects(entries: &[Value]) -> Result<Vec<String>, Vec<String>> {
    let reading = taken(entries);
    let of_records = reading.records.iter().flat_map(|it| &it.findings);
    let all = reading.findings.iter().chain(of_records);
    let errors: Vec<String> = all
        .filter(|it| it.is_error())
        .map(|it| it.code.to_string())
        .collect();
    if !errors.is_empty() {
        assert!(reading.records.iter().all(|it| it.record.is_none()));
        let of_references = |code: &String| code.starts_with("reference-") || code == "id-repeated";
        return Err(errors.into_iter().filter(of_references).collect());
    }
    let record = reading.records[0].record.as_ref().expect("a record");
    let refs = record.envelope().and_then(|it| it.get("subject_refs"));
    let refs = refs.map(|it| it.items().to_vec()).unwrap_or_default();
    let keys: Vec<&str> = refs.iter().filter_map(|it| it.as_str()).collect();
    let persons = record.root.get("persons").expect("persons").items();
    let named = persons
        .iter()
        .filter(|it| it.text("key").is_some_and(|key| keys.contains(&key)));
    Ok(named
        .map(|it| it.text("birth_date").unwrap_or_default().to_owned())
        .collect())
}

fn born(date: &str) -> Result<Vec<String>, Vec<String>> {
    Ok(vec![date.to_owned()])
}

fn refused(code: &str) -> Result<Vec<String>, Vec<String>> {
    Err(vec![code.to_owned()])
}

#[test]
fn a_reference_without_a_server_is_of_its_own_nodes_server() {
    let both = [
        patient(&format!("{A}Patient/1"), "1990-01-01"),
        patient(&format!("{B}Patient/1"), "1980-08-08"),
    ];
    for (server, expected) in [(A, "1990-01-01"), (B, "1980-08-08")] {
        for text in ["Patient/1", "Patient/1/_history/4"] {
            let contact = contact(&format!("{server}Encounter/9"), text);
            let mut entries = both.to_vec();
            entries.insert(1, contact.clone());
            assert_eq!(subjects(&entries), born(expected), "{server}");
            entries.rotate_left(1);
            assert_eq!(subjects(&entries), born(expected), "{server}");
        }
    }
    // A third server's own patient is not here.
    let third = contact("https://c.example/Encounter/9", "Patient/1");
    let entries = [third, both[0].clone(), both[1].clone()];
    assert_eq!(subjects(&entries), refused("reference-dangling"));
}

#[test]
fn a_reference_to_another_server_finds_nothing_here() {
    let absent = format!("{B}Patient/1");
    for name in [
        format!("{A}Patient/1"),
        "urn:uuid:00000000-0000-4000-8000-000000000001".to_owned(),
        String::new(),
    ] {
        for own in [format!("{A}Encounter/9"), String::new()] {
            let entries = [patient(&name, "1990-01-01"), contact(&own, &absent)];
            let got = subjects(&entries);
            assert_eq!(got, refused("reference-dangling"), "{name} {own}");
        }
    }
    let there = [
        patient(&absent, "1980-08-08"),
        contact(&format!("{A}Encounter/9"), &absent),
    ];
    assert_eq!(subjects(&there), born("1980-08-08"));
}

#[test]
fn a_name_two_parts_have_means_neither() {
    let name = format!("{A}Patient/1");
    for text in ["Patient/1", &name] {
        let entries = [
            contact(&format!("{A}Encounter/9"), text),
            patient(&name, "1990-01-01"),
            patient(&name, "1980-08-08"),
        ];
        let errors = subjects(&entries).expect_err("two have the name");
        assert!(errors.contains(&"id-repeated".to_owned()), "{errors:?}");
        assert!(
            errors.contains(&"reference-ambiguous".to_owned()),
            "{errors:?}"
        );
    }
    let urn = "urn:uuid:00000000-0000-4000-8000-000000000001";
    let entries = [
        contact("", urn),
        patient(urn, "1990-01-01"),
        patient(urn, "1980-08-08"),
    ];
    assert!(subjects(&entries).is_err());
}

#[test]
fn what_could_mean_two_is_told_as_that() {
    let on_a = patient(&format!("{A}Patient/1"), "1990-01-01");
    let on_b = patient(&format!("{B}Patient/1"), "1980-08-08");
    let urn = "urn:uuid:00000000-0000-4000-8000-000000000009";
    for own in ["", urn] {
        let entries = [contact(own, "Patient/1"), on_a.clone(), on_b.clone()];
        assert_eq!(subjects(&entries), refused("reference-ambiguous"), "{own}");
        // The document's only server is meant where none is told.
        let entries = [contact(own, "Patient/1"), on_a.clone()];
        assert_eq!(subjects(&entries), born("1990-01-01"), "{own}");
    }
    // A patient that tells no server may stand on either of two.
    let elsewhere = entry(
        &format!("{B}Organization/2"),
        json!({"resourceType": "Organization", "id": "2", "name": "Invented House"}),
    );
    let entries = [
        contact(&format!("{A}Encounter/9"), "Patient/1"),
        patient("", "1990-01-01"),
        elsewhere,
    ];
    assert_eq!(subjects(&entries), refused("reference-ambiguous"));
    let entries = [
        contact(&format!("{A}Encounter/9"), "Patient/1"),
        patient("", "1990-01-01"),
    ];
    assert_eq!(subjects(&entries), born("1990-01-01"));
    let two = json!({"resourceType": "Patient", "id": "p", "birthDate": "1990-01-01"});
    let mut holder = contact("", "#p");
    holder["resource"]["contained"] = json!([two, two]);
    assert_eq!(subjects(&[holder]), refused("reference-ambiguous"));
}

#[test]
fn a_node_that_points_back_to_one_of_several_is_told() {
    // RelatedPerson of two servers' Patient/1, itself of none.
    let related = entry(
        "",
        json!({"resourceType": "RelatedPerson", "id": "5",
            "patient": {"reference": "Patient/1"}, "name": [{"text": "Somebody Invented"}]}),
    );
    let entries = [
        contact(&format!("{A}Encounter/9"), "Patient/1"),
        patient(&format!("{A}Patient/1"), "1990-01-01"),
        patient(&format!("{B}Patient/1"), "1980-08-08"),
        related,
    ];
    assert_eq!(subjects(&entries), refused("reference-ambiguous"));
}

/// Goal: of two values where one may stand the gateway chooses none. Method: a kind of address told
/// twice, of which the second alone protects it, and an identifier of one system twice.
#[test]
fn what_may_stand_once_and_stands_twice_is_told() {
    let kind = |code: &str| json!({"url": "urn:kinbridge:fhir:address-kind", "valueCode": code});
    let with = |kinds: &[&str], numbers: &[&str]| {
        let kinds: Vec<Value> = kinds.iter().map(|code| kind(code)).collect();
        let number = |value: &&str| json!({"system": "urn:kinbridge:id:cin", "value": value});
        let numbers: Vec<Value> = numbers.iter().map(number).collect();
        let mut patient = patient("https://a.example/fhir/Patient/1", "1990");
        patient["resource"]["identifier"] = Value::from(numbers);
        patient["resource"]["address"] = json!([{"use": "home", "line": ["1 Invented Lane"],
            "city": "Sampleton", "extension": kinds}]);
        let contact = contact("https://a.example/fhir/Encounter/9", "Patient/1");
        let reading = taken(&[patient, contact]);
        let of_records = reading.records.iter().flat_map(|it| &it.findings);
        let all = reading.findings.iter().chain(of_records);
        let told = all.filter(|it| it.code == "element-repeated").count();
        assert!(told == 0 || reading.records.iter().all(|it| it.record.is_none()));
        told
    };
    assert_eq!(with(&["home"], &["90000001A"]), 0);
    assert_eq!(with(&["home", "safe_at_home_actual"], &["90000001A"]), 1);
    assert_eq!(with(&["home"], &["90000001A", "90000002A"]), 1);
}

/// Goal: a need told in our codes and another one told in somebody else's are never taken for one.
/// Method: the same referral with both categories, alike, different, and each alone.
#[test]
fn a_need_told_twice_is_one_need_or_told() {
    const OURS: &str = "urn:kinbridge:code-system:need-category";
    const THEIRS: &str =
        "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes";
    let told = |needs: &[(&str, &str)]| {
        let coding =
            |(system, code): &(&str, &str)| json!({"coding": [{"system": system, "code": code}]});
        let categories: Vec<Value> = needs.iter().map(coding).collect();
        let request = entry(
            "https://a.example/fhir/ServiceRequest/3",
            json!({"resourceType": "ServiceRequest", "id": "3", "status": "active",
                "intent": "order", "identifier": [{"value": "R-3"}], "category": categories,
                "authoredOn": "2026-02-01T09:00:00-08:00",
                "subject": {"reference": "Patient/1"}}),
        );
        let rules = Rules::load(&[]).expect("no defect");
        let patient = patient("https://a.example/fhir/Patient/1", "1990");
        let bundle = json!({"resourceType": "Bundle", "type": "collection",
            "entry": [patient, request]});
        let bytes = serde_json::to_vec(&bundle).expect("it is JSON");
        let types = [RecordType::new("service-referral")];
        let reading = read(&rules, &FormatId::new("fhir-r4/4.0"), &types, &bytes);
        let of_records = reading.records.iter().flat_map(|it| &it.findings);
        let all = reading.findings.iter().chain(of_records);
        all.filter(|it| it.code == "element-repeated").count()
    };
    assert_eq!(told(&[(OURS, "food-insecurity")]), 0);
    assert_eq!(told(&[(THEIRS, "food-insecurity")]), 0);
    assert_eq!(
        told(&[(OURS, "food-insecurity"), (THEIRS, "food-insecurity")]),
        0
    );
    assert_eq!(
        told(&[(OURS, "food-insecurity"), (THEIRS, "homelessness")]),
        1
    );
    assert_eq!(
        told(&[(THEIRS, "homelessness"), (OURS, "food-insecurity")]),
        1
    );
}
