//! Goal: every value of a record is labelled with its classes and persons, and labels only grow.
//! Method: small invented records against the shipped canonical schemas.

use kinbridge::base::id::RecordType;
use kinbridge::base::vocabulary::{ClassSet, DataClass};
use kinbridge::catalog;
use kinbridge::format::json;
use kinbridge::record::Record;
use kinbridge::record::labels::{LabelPlan, Labels, Origin};
use std::collections::BTreeMap;

/// The plans of the shipped catalog.
pub fn plan() -> LabelPlan {
    let (sources, _) = catalog::load(&[]);
    LabelPlan::compile(&sources)
}

/// A record of JSON text.
pub fn record(record_type: &str, text: &str) -> Record {
    let parsed = json::parse(text.as_bytes());
    assert!(parsed.findings.is_empty(), "{:?}", parsed.findings);
    Record {
        record_type: RecordType::new(record_type),
        root: parsed.tree.expect("a document"),
    }
}

/// A contact with a child, a mother and a partner's worker.
pub const CONTACT: &str = r#"{
  "envelope": {
    "record_type": "engagement-contact", "schema_version": "1.0", "source_record_id": "c-1",
    "county_fips": "06067", "service_source": "case", "case_ref": "K-17",
    "subject_refs": ["mother"], "focus_refs": ["child"],
    "missing": [
      {"path": "/persons/0/birth_date", "reason": "unknown"},
      {"path": "/body/mandated_report_made", "reason": "not_asked"}
    ]
  },
  "persons": [
    {"key": "child", "role": "child", "names": [{"use": "legal", "last": "Quill"}]},
    {"key": "mother", "role": "parent", "names": [{"use": "legal", "last": "Quill"}],
     "addresses": [
       {"kind": "safe_at_home_actual", "line": "1 Hidden Way", "household_ref": "h1"},
       {"kind": "mailing", "line": "PO 9"},
       {"kind": "safe_at_home_substitute", "line": "PO Box 1", "city": "Sacramento"}]},
    {"key": "worker", "role": "partner_worker", "names": [{"use": "legal", "last": "Pell"}],
     "addresses": [{"kind": "home", "line": "2 Open Road", "household_ref": "h1"}]}
  ],
  "body": {
    "contact_id": "c-1", "start": "2026-09-01T10:00:00-07:00", "mode": "in_person",
    "court_event": "detention",
    "participants": [{"person": "mother", "role": "parent"},
                     {"person": "worker", "role": "parent_partner"}],
    "disclosures": [{"topic": "sud", "person": "mother"}, {"topic": "dv"}],
    "narrative": "free words"
  }
}"#;

fn by_pointer(record: &Record, labels: &Labels) -> BTreeMap<String, BTreeMap<u16, ClassSet>> {
    let mut out: BTreeMap<String, BTreeMap<u16, ClassSet>> = BTreeMap::new();
    for label in labels.list(record) {
        for person in label.persons {
            out.entry(label.pointer.clone())
                .or_default()
                .insert(person, label.classes);
        }
    }
    out
}

fn classes(words: &[DataClass]) -> ClassSet {
    words.iter().copied().collect()
}

const CHILD: u16 = 0;
const MOTHER: u16 = 1;
const WORKER: u16 = 2;

#[test]
fn classes_and_persons_come_from_the_schema() {
    let record = record("engagement-contact", CONTACT);
    let labels = by_pointer(&record, &plan().label(&record, Origin::default()));
    let contact = classes(&[DataClass::EngagementContact]);
    let file = classes(&[DataClass::JuvenileCaseFile]);
    assert_eq!(labels["/body/mode"], BTreeMap::from([(MOTHER, contact)]));
    assert_eq!(labels["/body/court_event"], BTreeMap::from([(CHILD, file)]));
    assert_eq!(
        labels["/body/participants/1/role"],
        BTreeMap::from([(WORKER, contact)])
    );
    assert_eq!(
        labels["/persons/0/names/0/last"],
        BTreeMap::from([(CHILD, classes(&[DataClass::Demographics]))])
    );
}

#[test]
fn a_reference_that_is_not_there_means_everyone() {
    let record = record("engagement-contact", CONTACT);
    let labels = by_pointer(&record, &plan().label(&record, Origin::default()));
    let dv = classes(&[DataClass::DvInformation]);
    assert_eq!(
        labels["/body/disclosures/1/topic"],
        BTreeMap::from([(CHILD, dv), (MOTHER, dv), (WORKER, dv)])
    );
}

#[test]
fn substance_use_is_part_2_only_by_its_origin() {
    let record = record("engagement-contact", CONTACT);
    let topic = |origin| {
        let labels = by_pointer(&record, &plan().label(&record, origin));
        labels["/body/disclosures/0/topic"][&MOTHER]
    };
    assert_eq!(
        topic(Origin::default()),
        classes(&[DataClass::MentalHealth])
    );
    let consented = Origin {
        part2_consent: true,
        ..Origin::default()
    };
    assert_eq!(topic(consented), classes(&[DataClass::SudPart2]));
}

#[test]
fn what_a_part_2_program_sends_is_part_2_as_a_whole() {
    let record = record("engagement-contact", CONTACT);
    let origin = Origin {
        part2_program: true,
        ..Origin::default()
    };
    for set in plan().label(&record, origin).sets() {
        for (_, classes) in &set.pairs {
            assert!(classes.contains(DataClass::SudPart2));
        }
    }
}

#[test]
fn a_protected_address_protects_every_address_of_the_household() {
    let record = record("engagement-contact", CONTACT);
    let labels = by_pointer(&record, &plan().label(&record, Origin::default()));
    let hidden = |pointer: &str| {
        labels[pointer]
            .values()
            .all(|classes| classes.contains(DataClass::SafeAtHomeAddress))
    };
    assert!(hidden("/persons/1/addresses/0/line"));
    assert!(hidden("/persons/1/addresses/1/line"), "same person");
    assert!(hidden("/persons/2/addresses/0/line"), "same household");
    assert!(!hidden("/persons/1/addresses/2/line"), "the substitute");
}

#[test]
fn a_narrative_carries_every_label_of_the_record() {
    let record = record("engagement-contact", CONTACT);
    let labels = plan().label(&record, Origin::default());
    let narrative = &by_pointer(&record, &labels)["/body/narrative"];
    for (person, classes) in labels.asked() {
        assert_eq!(narrative.get(&person), Some(&classes));
    }
}

#[test]
fn a_missing_row_goes_where_its_value_would_go() {
    let record = record("engagement-contact", CONTACT);
    let labels = by_pointer(&record, &plan().label(&record, Origin::default()));
    let birth = &labels["/envelope/missing/0/path"];
    assert!(birth[&CHILD].contains(DataClass::Demographics));
    let report = &labels["/envelope/missing/1/reason"];
    assert!(report[&MOTHER].contains(DataClass::AbuseReport));
}

#[test]
fn the_sender_can_add_labels_and_never_take_one_away() {
    let with_labels = |rows: &str| {
        let text = CONTACT.replacen(
            "\"missing\"",
            &format!("\"labels\": {rows}, \"missing\""),
            1,
        );
        record("engagement-contact", &text)
    };
    let plain = record("engagement-contact", CONTACT);
    let before = by_pointer(&plain, &plan().label(&plain, Origin::default()));
    let added = with_labels(r#"[{"path": "/body/mode", "classes": ["hiv_test"]}]"#);
    let after = by_pointer(&added, &plan().label(&added, Origin::default()));
    for (pointer, persons) in &before {
        for (person, classes) in persons {
            assert!(
                classes.without(after[pointer][person]).is_empty(),
                "{pointer} lost a class"
            );
        }
    }
    assert!(after["/body/mode"][&MOTHER].contains(DataClass::HivTest));
    let row = &after["/envelope/labels/0/path"];
    assert!(
        row[&MOTHER].contains(DataClass::HivTest),
        "the row tells too"
    );
    let astray = with_labels(r#"[{"path": "/body/moed", "classes": ["hiv_test"]}]"#);
    let strict = by_pointer(&astray, &plan().label(&astray, Origin::default()));
    assert!(strict["/body/contact_id"][&MOTHER].contains(DataClass::HivTest));
}

#[test]
fn a_type_nobody_described_is_of_every_class() {
    let record = record("something-else", CONTACT);
    let labels = plan().label(&record, Origin::default());
    for set in labels.sets() {
        for (_, classes) in &set.pairs {
            assert!(classes.contains(DataClass::AttorneyClient));
        }
    }
}
