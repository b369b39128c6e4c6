//! Goal: what a minor consented to alone is closed as the care it names, whoever signs for other
//! care. Method: one row of every kind on a child, its labels, and what goes to a parent partner
//! program on a parent's authorization for the classes the whole list is marked with.

use crate::labels::{plan, record};
use crate::release::{PARTNERS, Paper, REFERRAL, decide_by, paper, rules_with, sent, text};
use kinbridge::base::vocabulary::DataClass;
use kinbridge::record::Record;
use kinbridge::record::labels::Origin;
use kinbridge::release::{Hold, Release};

/// Every kind of care, with a statute.
const ROWS: &[(&str, &str)] = &[
    ("general_health", "fam_6922"),
    ("mental_health", "fam_6924"),
    ("sud_part2", "fam_6929"),
    ("hiv_test", "fam_6926"),
    ("reproductive_health", "fam_6925"),
    ("gender_affirming_care", "fam_6922"),
    ("dv_information", "fam_6927"),
];

/// A referral of a child of fourteen who consented to care alone.
fn referral(rows: &[(&str, &str)]) -> Record {
    let rows: Vec<String> = rows
        .iter()
        .map(|(class, basis)| {
            format!(r#"{{"class": "{class}", "service_date": "2026-08-02", "basis": "{basis}"}}"#)
        })
        .collect();
    let child = format!(
        r#""role": "child", "minor_consented": [{}], "birth_date": "2012-05-05""#,
        rows.join(", ")
    );
    let text = REFERRAL.replace(r#""role": "parent", "birth_date": "1990-05-05""#, &child);
    assert_ne!(text, REFERRAL);
    record("service-referral", &text)
}

/// Everything a parent of a minor can sign for on one such form.
const BY_A_PARENT: &str = r#"{"id": "k1", "kind": "hipaa_auth", "type": "permit",
  "grantor": "parent", "recipients": ["ppp"], "purposes": ["care_coordination"],
  "classes": ["referral", "demographics", "mental_health", "reproductive_health"],
  "signed": "2026-03-01", "start": "2026-03-01", "end": "2027-02-28", "revoked": null}"#;

fn decided(record: &Record) -> Release {
    let role = |text: &&str| {
        text.replace("role = \"ppp\"", "role = \"mhp\"")
            .replace("role = \"sud_program\"", "role = \"ppp\"")
            .replace("\"treatment\"", "\"care_coordination\"")
    };
    let partners: Vec<String> = PARTNERS.iter().map(role).collect();
    let partners: Vec<&str> = partners.iter().map(String::as_str).collect();
    let papers: [Paper; 1] = [paper(1, BY_A_PARENT)];
    decide_by(
        &rules_with(&partners),
        record,
        ("program", "clinic"),
        &papers,
    )
}

#[test]
fn every_row_has_the_class_it_names_whoever_sends_it() {
    let record = referral(ROWS);
    for part2_program in [false, true] {
        let origin = Origin {
            part2_program,
            ..Origin::default()
        };
        let labels = plan().label(&record, origin).list(&record);
        for (at, (class, _)) in ROWS.iter().enumerate() {
            let class: DataClass = class.parse().expect("a class");
            for member in ["class", "service_date", "basis"] {
                let pointer = format!("/persons/0/minor_consented/{at}/{member}");
                let label = labels.iter().find(|label| label.pointer == pointer);
                let classes = label.expect("a label").classes;
                for must in [
                    class,
                    DataClass::MentalHealth,
                    DataClass::ReproductiveHealth,
                ] {
                    assert!(classes.contains(must), "{pointer} lacks {}", must.as_str());
                }
            }
        }
    }
}

#[test]
fn a_statute_that_names_the_care_is_closed_as_that_care() {
    // The row says mental health; the statute speaks of drugs and alcohol.
    let record = referral(&[("mental_health", "fam_6929")]);
    let labels = plan().label(&record, Origin::default()).list(&record);
    let basis = labels
        .iter()
        .find(|label| label.pointer.ends_with("/basis"));
    let classes = basis.expect("a label").classes;
    assert!(classes.contains(DataClass::SudPart2) && classes.contains(DataClass::HivTest));
}

#[test]
fn a_parent_who_signs_for_other_care_opens_no_row_of_the_minor() {
    for row in ROWS {
        let release = decided(&referral(&[*row]));
        // No minor consents to that care alone: facts against the law wait for a human look.
        if row.0 == "gender_affirming_care" {
            assert!(matches!(release, Release::Held(Hold::HumanReview, _)));
            continue;
        }
        let told = text(sent(&release));
        assert!(told.contains("Quill"), "the referral itself goes: {told}");
        assert!(!told.contains("minor_consented"), "{}: {told}", row.0);
    }
}
