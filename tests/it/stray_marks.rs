//! Goal: what a FHIR document says of who may see a record opens nothing where the gateway does not
//! read it: in another place, with another kind of value, in another spelling, or on a resource
//! that only speaks of the record. Method: one Bundle that is taken, with one such mark each.

use crate::release::{PARTNERS, rules_with};
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::intake::read::{Reading, read};
use kinbridge::rules::Rules;
use serde_json::{Value, json};
use std::sync::OnceLock;

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| rules_with(PARTNERS))
}

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const INLINE: &str = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/\
                      extension-inline-sec-label";

/// A contact with a patient and a worker.
fn bundle() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/fhir-r4/engagement-contact/home-visit/input.json"
    );
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// Which entry of the Bundle has a resource of that type.
fn at(bundle: &Value, kind: &str) -> String {
    let entries = bundle["entry"].as_array().expect("entries");
    let place = entries
        .iter()
        .position(|entry| entry["resource"]["resourceType"] == kind);
    format!("/entry/{}/resource", place.expect("such a resource"))
}

/// The Bundle with something put at a place, or added to the list there.
fn with(pointer: &str, member: &str, more: Value) -> Value {
    let mut bundle = bundle();
    let holder = bundle.pointer_mut(pointer).expect("the place is there");
    match (holder.get_mut(member).and_then(Value::as_array_mut), more) {
        (Some(list), Value::Array(items)) => list.extend(items),
        (_, more) => holder[member] = more,
    }
    bundle
}

fn taken(bundle: &Value) -> Reading {
    let format = FormatId::new("fhir-r4/4.0");
    let types = [RecordType::new("engagement-contact")];
    read(rules(), &format, &types, bundle.to_string().as_bytes())
}

fn errors(bundle: &Value) -> Vec<String> {
    let reading = taken(bundle);
    let records = reading.records.iter().flat_map(|it| &it.findings);
    let all = records.chain(&reading.findings);
    let wrong = all.filter(|it| it.is_error());
    wrong.map(|it| it.code.to_string()).collect()
}

fn coding(code: &str) -> Value {
    json!({"system": CONFIDENTIALITY, "code": code})
}

#[test]
fn the_bundle_itself_is_taken() {
    assert!(errors(&bundle()).is_empty(), "{:?}", errors(&bundle()));
    let own = with(
        &at(&bundle(), "Encounter"),
        "extension",
        json!([{"url": "https://example.org/fhir/visit-number", "valueString": "7"}]),
    );
    assert!(errors(&own).is_empty(), "another's extension is only told");
    let told = taken(&own).records.remove(0).findings;
    assert!(
        told.iter().any(|it| it.code == "wire-item-unused"),
        "{told:?}"
    );
}

#[test]
fn an_extension_that_restricts_and_is_not_read_refuses() {
    let encounter = at(&bundle(), "Encounter");
    let patient = at(&bundle(), "Patient");
    let level = "urn:kinbridge:fhir:access-level";
    let mut all = Vec::new();
    for value in [
        json!({"url": level, "valueString": "R"}),
        json!({"url": level, "valueCoding": {"code": "R"}}),
        json!({"url": level}),
        json!({"url": "urn:kinbridge:fhir:access_level", "valueCode": "R"}),
        json!({"url": "urn:kinbridge:fhir:Access-Level", "valueCode": "R"}),
        json!({"url": "urn:kinbridge:fhir:access-level/", "valueCode": "R"}),
        json!({"url": "urn:kinbridge:fhir:access-level|1.0", "valueCode": "R"}),
        json!({"url": "urn:kinbridge:fhir:sealed-placement", "valueString": "true"}),
        json!({"url": INLINE, "valueCodeableConcept": {"coding": [coding("R")]}}),
        json!({"url": INLINE, "valueCode": "R"}),
        json!({"url": INLINE}),
        json!({"url": format!("{INLINE}|1.0.0"), "valueCoding": coding("R")}),
        json!({"url": format!("{INLINE}/"), "valueCoding": coding("R")}),
        json!({"url": "https://example.org/StructureDefinition/confidentiality", "valueCode": "R"}),
    ] {
        all.push(with(&encounter, "extension", json!([value.clone()])));
        all.push(with(&patient, "extension", json!([value.clone()])));
        all.push(with("", "extension", json!([value.clone()])));
        all.push(with(&encounter, "_status", json!({"extension": [value]})));
    }
    let right = json!([{"url": level, "valueCode": "R"}]);
    all.push(with(&patient, "extension", right.clone()));
    all.push(with("", "extension", right.clone()));
    let address = json!([{"use": "home", "line": ["1 Example Way"], "extension": [
        {"url": "urn:kinbridge:fhir:address-kind", "valueString": "confidential"}]}]);
    all.push(with(&patient, "address", address));
    for bundle in all {
        assert!(!errors(&bundle).is_empty(), "{bundle}");
        assert!(taken(&bundle).records.iter().all(|it| it.record.is_none()));
    }
    let read = taken(&with(&encounter, "extension", right));
    let record = read.records[0].record.as_ref().expect("a record");
    let level = record.envelope().and_then(|it| it.text("access_level"));
    assert_eq!(level, Some("R"), "in its own place it is read");
}

#[test]
fn a_label_where_none_belongs_refuses() {
    let encounter = at(&bundle(), "Encounter");
    let label = json!([coding("R")]);
    for bundle in [
        with(&encounter, "meta", json!({"tag": label})),
        with(&encounter, "security", label.clone()),
        with("/entry/0", "security", label.clone()),
        with(&encounter, "_meta", json!({"security": label})),
        with(&encounter, "securityLabel", json!([{"coding": label}])),
        with(
            &encounter,
            "meta",
            json!({"security": [{"system": CONFIDENTIALITY, "code": "N", "extension": []},
                {"system": CONFIDENTIALITY, "code": "N", "_code": {"id": "a"}}]}),
        ),
    ] {
        assert!(!errors(&bundle).is_empty(), "{bundle}");
    }
}

#[test]
fn what_speaks_of_a_record_holds_for_it() {
    let more = |resource: Value| with("", "entry", json!([{"resource": resource}]));
    let meta = json!({"security": [coding("R")]});
    for resource in [
        json!({"resourceType": "Provenance", "meta": meta}),
        json!({"resourceType": "Composition", "confidentiality": "R"}),
        json!({"resourceType": "MessageHeader", "meta": meta}),
        json!({"resourceType": "DocumentReference", "securityLabel": [{"coding": [coding("R")]}]}),
        json!({"resourceType": "List", "extension": [
            {"url": "urn:kinbridge:fhir:access-level", "valueCode": "R"}]}),
        json!({"resourceType": "Consent", "provision": {"type": "deny"}}),
    ] {
        assert!(!errors(&more(resource.clone())).is_empty(), "{resource}");
    }
    // A class that is named holds as on the record itself.
    let named = json!({"security": [coding("R"), {"system": ACT, "code": "HIV"}]});
    let reading = taken(&more(json!({"resourceType": "Provenance", "meta": named})));
    let record = reading.records[0].record.as_ref().expect("a record");
    let labels = record.envelope().and_then(|it| it.get("labels"));
    assert!(
        labels.is_some_and(|it| it.items().len() == 2),
        "{reading:?}"
    );
    // What is of another matter says nothing of this one.
    for resource in [
        json!({"resourceType": "Observation", "status": "final", "meta": meta,
            "code": {"text": "height"}}),
        json!({"resourceType": "Consent", "meta": meta, "provision": {"type": "permit"}}),
    ] {
        let all = errors(&more(resource.clone()));
        assert!(all.is_empty(), "{resource} {all:?}");
    }
}

#[test]
fn how_restricted_is_explained_by_what_is_as_secret() {
    let encounter = at(&bundle(), "Encounter");
    let labelled = |codes: &[(&str, &str)]| {
        let all = codes.iter();
        let all = all.map(|(system, code)| json!({"system": system, "code": code}));
        let all: Vec<Value> = all.collect();
        errors(&with(&encounter, "meta", json!({"security": all})))
    };
    let unknown = ["security-label-unknown"];
    assert!(labelled(&[(CONFIDENTIALITY, "R"), (ACT, "MH")]).is_empty());
    assert!(labelled(&[(CONFIDENTIALITY, "R"), (ACT, "HIV")]).is_empty());
    assert!(labelled(&[(CONFIDENTIALITY, "V"), (ACT, "HIV")]).is_empty());
    assert_eq!(labelled(&[(CONFIDENTIALITY, "V"), (ACT, "MH")]), unknown);
    assert_eq!(labelled(&[(CONFIDENTIALITY, "R"), (ACT, "COGN")]), unknown);
}

#[test]
fn a_member_that_is_called_as_if_it_restricted_refuses() {
    let encounter = at(&bundle(), "Encounter");
    for (place, member) in [
        (encounter.as_str(), "Security"),
        (encounter.as_str(), "accessLevel"),
        ("/entry/0", "confidentiality_code"),
        ("", "sealed-placement"),
    ] {
        let bundle = with(place, member, json!("R"));
        assert!(!errors(&bundle).is_empty(), "{place} {member}");
    }
    assert!(errors(&with(&encounter, "reading", json!("R"))).is_empty());
}
