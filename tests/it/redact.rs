//! Goal: a value goes only if all its labels may go, and what stays leaves no trace.
//! Method: invented records, permissions as closures, and random permissions against the labels.

use crate::labels::{CONTACT, plan, record};
use kinbridge::base::vocabulary::DataClass;
use kinbridge::disclosure::redact::{Redaction, redact};
use kinbridge::format::{Node, Value, json};
use kinbridge::record::Record;
use kinbridge::record::labels::Origin;
use proptest::prelude::*;

const CHILD: u16 = 0;
const WORKER: u16 = 2;

fn cut(record: &Record, may_go: &dyn Fn(DataClass, u16) -> bool) -> Redaction {
    let labels = plan().label(record, Origin::default());
    redact(record, &labels, may_go)
}

fn text(record: &Record) -> String {
    let mut out = Vec::new();
    json::write(&record.root, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn everything_permitted_is_the_record_itself() {
    let record = record("engagement-contact", CONTACT);
    let all = cut(&record, &|_, _| true);
    assert_eq!(all.record, record);
    assert!(!all.withheld_any && !all.nothing_left);
}

#[test]
fn nothing_permitted_leaves_nothing() {
    let record = record("engagement-contact", CONTACT);
    let none = cut(&record, &|_, _| false);
    assert!(none.nothing_left);
    assert!(none.released.is_empty() && none.persons_shown.is_empty());
}

#[test]
fn a_withheld_class_leaves_no_container_row_or_marker() {
    let record = record("engagement-contact", CONTACT);
    let open = |class| !matches!(class, DataClass::MentalHealth | DataClass::DvInformation);
    let left = cut(&record, &|class, _| open(class));
    let told = text(&left.record);
    for trace in [
        "disclosures",
        "topic",
        "sud",
        "\"dv\"",
        "narrative",
        "[]",
        "{}",
    ] {
        assert!(!told.contains(trace), "{trace} in {told}");
    }
    assert!(left.withheld_any && !left.nothing_left);
    let report = cut(&record, &|class, _| class != DataClass::AbuseReport);
    assert!(!text(&report.record).contains("mandated_report_made"));
    assert!(text(&report.record).contains("/persons/0/birth_date"));
}

#[test]
fn a_person_of_whom_nothing_may_be_said_does_not_appear() {
    let record = record("engagement-contact", CONTACT);
    let left = cut(&record, &|_, person| person != WORKER);
    let told = text(&left.record);
    for trace in ["worker", "Pell", "parent_partner"] {
        assert!(!told.contains(trace), "{trace} in {told}");
    }
    assert_eq!(left.record.persons().len(), 2);
    assert_eq!(left.persons_shown, [0, 1]);
}

#[test]
fn a_reference_to_a_hidden_person_takes_its_entry_along() {
    let record = record(
        "family-case",
        r#"{"envelope": {"record_type": "family-case", "schema_version": "1.0",
            "source_record_id": "f-1", "service_source": "case",
            "subject_refs": ["kim"], "focus_refs": ["kim"]},
          "persons": [{"key": "kim", "role": "child"}, {"key": "ann", "role": "parent"},
                      {"key": "bob", "role": "parent"}],
          "body": {"case_number": "K-17", "relationships": [
            {"person": "ann", "related_to": "kim", "relationship": "MTH"},
            {"person": "ann", "related_to": "bob", "relationship": "SPS"},
            {"person": "bob", "related_to": "kim", "relationship": "FTH"}]}}"#,
    );
    let left = cut(&record, &|_, person| person != 2);
    let told = text(&left.record);
    assert!(!told.contains("bob") && !told.contains("SPS"), "{told}");
    let kept = left.record.root.pointer("/body/relationships");
    assert_eq!(kept.map(|list| list.items().len()), Some(1));
}

#[test]
fn rows_follow_the_numbering_of_what_is_left() {
    let text_of_two = CONTACT.replace("/persons/0/birth_date", "/persons/1/birth_date");
    let record = record("engagement-contact", &text_of_two);
    let left = cut(&record, &|class, person| {
        person != CHILD || class == DataClass::MentalHealth
    });
    assert_eq!(left.record.persons().len(), 2);
    assert!(text(&left.record).contains("/persons/0/birth_date"));
}

/// Every string of a record, with no regard to where it stands.
fn values(node: &Node, out: &mut Vec<String>) {
    match &node.value {
        Value::Object(members) => members.iter().for_each(|(_, child)| values(child, out)),
        Value::Array(items) => items.iter().for_each(|child| values(child, out)),
        _ => out.extend(node.lexeme().map(str::to_owned)),
    }
}

fn has_empty_container(node: &Node) -> bool {
    node.is_empty_container()
        || node.items().iter().any(has_empty_container)
        || node
            .members()
            .iter()
            .any(|(_, child)| has_empty_container(child))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_goes_was_permitted_and_no_shape_remains(
        permitted in proptest::collection::vec(any::<u64>(), 3)
    ) {
        let record = record("engagement-contact", CONTACT);
        let labels = plan().label(&record, Origin::default());
        let may = |class: DataClass, person: u16| {
            permitted.get(person as usize).is_some_and(|set| set & (1 << class.index()) != 0)
        };
        let left = redact(&record, &labels, &may);
        let mut naming: Vec<String> = vec!["child".into(), "mother".into(), "worker".into()];
        for pointer in &left.released {
            let labels = labels.list(&record);
            let own = labels.iter().filter(|label| &label.pointer == pointer);
            let key = record.root.pointer(pointer).and_then(Node::as_str).unwrap_or_default();
            if pointer.ends_with("/key") {
                continue;
            }
            for label in own {
                for person in &label.persons {
                    for class in label.classes.iter() {
                        prop_assert!(may(class, *person), "{pointer}");
                    }
                }
            }
            naming.retain(|name| name != key);
        }
        prop_assert!(left.nothing_left || !has_empty_container(&left.record.root));
        let (mut all, mut kept) = (Vec::new(), Vec::new());
        values(&record.root, &mut all);
        values(&left.record.root, &mut kept);
        for value in kept {
            prop_assert!(all.contains(&value) || value.starts_with("/persons/"));
        }
    }
}
