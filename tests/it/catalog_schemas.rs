//! Goal: the shipped schemas are within the profile and fully labelled. Method: load the shipped
//! catalog and look at what the schema compiler says.

use crate::canaries::grow::types;
use kinbridge::base::vocabulary::DataClass;
use kinbridge::catalog;
use kinbridge::catalog::mapping::{EachSource, RuleSource};
use kinbridge::catalog::schema::{About, Shape};
use toml::Spanned;

fn shape<'a>(sources: &'a catalog::Sources, record: &str) -> &'a Shape {
    sources
        .schemas
        .get(&format!("canonical/{record}.schema.json"))
        .expect("the record type is shipped")
}

#[test]
fn the_shipped_schemas_have_no_defect() {
    let (_, defects) = catalog::load(&[]);
    let told: Vec<String> = defects
        .iter()
        .filter(|d| d.file.starts_with("schemas/"))
        .map(ToString::to_string)
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn every_leaf_of_a_record_has_a_class_and_a_person() {
    let (sources, _) = catalog::load(&[]);
    for record in types(&sources) {
        let mut leaves = 0;
        shape(&sources, &record).leaves(&mut |path, leaf| {
            leaves += 1;
            assert!(!leaf.classes.is_empty(), "{record}: {path} has no class");
            assert!(leaf.about.is_some(), "{record}: {path} is about nobody");
        });
        assert!(leaves > 20, "{record} has only {leaves} leaves");
    }
}

#[test]
fn labels_are_those_of_the_dictionary() {
    let (sources, _) = catalog::load(&[]);
    let contact = shape(&sources, "engagement-contact");
    let classes = |path: &str| -> Vec<DataClass> {
        let leaf = contact.at(path).expect("the path exists");
        leaf.classes.iter().collect()
    };
    assert_eq!(classes("body.mode"), [DataClass::EngagementContact]);
    assert_eq!(classes("body.location_type"), [DataClass::ContactAddress]);
    assert_eq!(classes("body.billable.dx[]"), [DataClass::MentalHealth]);
    assert_eq!(
        classes("body.mandated_report_made"),
        [DataClass::AbuseReport]
    );
    assert_eq!(classes("persons[].gender_identity.code"), [DataClass::Sogi]);
    assert_eq!(
        classes("persons[].tribe[].enrolment_no"),
        [DataClass::TribalConfidential]
    );
    assert_eq!(
        classes("persons[].cws_client_id"),
        [DataClass::JuvenileCaseFile, DataClass::Demographics]
    );
    let about = contact
        .at("persons[].names[].last")
        .expect("a name")
        .about
        .clone();
    assert_eq!(about, Some(About::Person("./key".into())));
    assert!(contact.at("body.narrative").expect("free text").narrative);
}

#[test]
fn a_protected_address_is_its_own_class() {
    let (sources, _) = catalog::load(&[]);
    let address = shape(&sources, "person")
        .at("persons[].addresses[]")
        .expect("addresses");
    for (kind, class) in [
        ("home", DataClass::ContactAddress),
        ("safe_at_home_substitute", DataClass::ContactAddress),
        ("safe_at_home_actual", DataClass::SafeAtHomeAddress),
        ("confidential", DataClass::SafeAtHomeAddress),
        ("shelter", DataClass::SafeAtHomeAddress),
    ] {
        let city = address.variant(kind).and_then(|v| v.at("city"));
        assert!(city.expect("a city").classes.contains(class), "{kind}");
    }
}

#[test]
fn disclosed_topics_keep_apart() {
    let (sources, _) = catalog::load(&[]);
    let topics = shape(&sources, "engagement-contact")
        .at("body.disclosures[]")
        .expect("topics");
    let class = |topic: &str| {
        let leaf = topics.variant(topic).and_then(|v| v.at("topic"));
        leaf.expect("a topic").classes.iter().collect::<Vec<_>>()
    };
    assert_eq!(class("sud"), [DataClass::SudPart2]);
    assert_eq!(class("dv"), [DataClass::DvInformation]);
    assert_eq!(class("imm"), [DataClass::ImmigrationStatus]);
}

/// What rows state that no sender said: defaults and constants going in.
fn stated(rules: &[Spanned<RuleSource>], eaches: &[Spanned<EachSource>], out: &mut Vec<String>) {
    for rule in rules.iter().map(AsRef::as_ref) {
        let constant = rule.constant.as_ref().filter(|_| rule.record.is_some());
        let stated = rule.default.as_ref().or(constant);
        let goes_in = rule.direction.goes_in();
        out.extend(stated.filter(|_| goes_in).map(|it| it.as_ref().to_string()));
    }
    for each in eaches.iter().map(AsRef::as_ref) {
        stated(&each.rule, &each.each, out);
    }
}

#[test]
fn no_format_states_what_its_sender_did_not() {
    // The catch-all of a code set says no more than that nothing else is known.
    let (sources, _) = catalog::load(&[]);
    for mapping in &sources.mappings {
        let mut out = Vec::new();
        stated(&mapping.body.rule, &mapping.body.each, &mut out);
        for template in mapping.body.template.iter().map(AsRef::as_ref) {
            stated(&template.rule, &template.each, &mut out);
        }
        out.retain(|value| value != "\"other\"");
        assert!(out.is_empty(), "{}: {out:?}", mapping.file);
    }
}

fn printed(arguments: &[&str]) -> String {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_kinbridge"))
        .args(arguments)
        .output()
        .expect("the executable runs");
    assert!(run.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&run.stdout).into_owned()
}

fn document(name: &str) -> String {
    let file = format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(file).expect("the document is readable")
}

#[test]
fn the_dictionary_is_what_the_command_prints() {
    assert_eq!(document("records.md"), printed(&["records"]));
}

#[test]
fn the_column_guide_is_what_the_command_prints() {
    let guide = printed(&["records", "--format", "provider-csv/1.0"]);
    assert_eq!(document("provider-csv.md"), guide);
}

#[test]
fn a_template_names_every_column_once() {
    let header = printed(&[
        "records",
        "--format",
        "provider-csv/1.0",
        "--template",
        "person",
    ]);
    let columns: Vec<&str> = header.trim_end().split(',').collect();
    let mut once = columns.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), columns.len());
    assert_eq!(columns.first(), Some(&"person_id"));
    assert!(columns.contains(&"addr3_household"));
}

/// Adds the places below a schema where the key of a person stands, lists as `*`.
fn key_places(
    folder: &std::path::Path,
    schema: &serde_json::Value,
    at: &str,
    out: &mut Vec<String>,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        if reference.ends_with("person-key.schema.json") {
            out.push(at.to_owned());
            return;
        }
        let file = folder.join(reference);
        let text = std::fs::read_to_string(&file).expect("a schema");
        let part = serde_json::from_str(&text).expect("JSON");
        key_places(file.parent().expect("a folder"), &part, at, out);
        return;
    }
    for variant in schema["oneOf"].as_array().into_iter().flatten() {
        key_places(folder, variant, at, out);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        key_places(folder, member, &format!("{at}/{name}"), out);
    }
    if !schema["items"].is_null() {
        key_places(folder, &schema["items"], &format!("{at}/*"), out);
    }
}

#[test]
fn every_place_of_a_persons_key_is_known_to_checks_and_release() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/canonical");
    let mut found = Vec::new();
    for record in types(&catalog::load(&[]).0) {
        let text = std::fs::read_to_string(folder.join(format!("{record}.schema.json")));
        let schema = serde_json::from_str(&text.expect("a schema")).expect("JSON");
        key_places(&folder, &schema, "", &mut found);
    }
    found.retain(|place| place != "/persons/*/key");
    assert!(found.len() > 10, "{found:?}");
    for place in found {
        let known = kinbridge::validate::rules::REFERENCES.contains(&place.as_str());
        assert!(known, "{place}");
    }
}
