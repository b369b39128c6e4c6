//! Rules of a family case: relationships and rights.

use super::Check;
use crate::base::finding_codes::{
    ALLEGED_FATHER_RIGHTS, FATHER_STATUS_MISPLACED, REFERENCE_TO_SELF,
};
use std::collections::BTreeSet;

/// Relationships a father status may stand beside.
const FATHERS: &[&str] = &[
    "FTH",
    "STPFTH",
    "FTHFOST",
    "PRN",
    "presumed_father",
    "alleged_father",
    "biological_father",
];
/// Rights an alleged father does not have by that alone.
const PARENTAL: &[&str] = &[
    "physical_custody",
    "legal_custody",
    "education",
    "medical_consent",
];

pub(super) fn check(check: &mut Check<'_>) {
    let mut alleged = BTreeSet::new();
    let mut settled = BTreeSet::new();
    for (at, row) in check.items("/body/relationships").iter().enumerate() {
        let relationship = row.text("relationship").unwrap_or_default();
        let person = row.text("person");
        if person.is_some() && person == row.text("related_to") {
            let pointer = format!("/body/relationships/{at}/related_to");
            check.tell(&REFERENCE_TO_SELF, &pointer);
        }
        if row.get("father_status").is_some() && !FATHERS.contains(&relationship) {
            let pointer = format!("/body/relationships/{at}/father_status");
            check.tell(&FATHER_STATUS_MISPLACED, &pointer);
        }
        if relationship == "alleged_father" {
            alleged.extend(person);
        } else if FATHERS.contains(&relationship) {
            settled.extend(person);
        }
    }
    for (at, right) in check.items("/body/rights").iter().enumerate() {
        let person = right.text("person").unwrap_or_default();
        let parental = right
            .text("kind")
            .is_some_and(|kind| PARENTAL.contains(&kind));
        if parental && alleged.contains(person) && !settled.contains(person) {
            check.tell(&ALLEGED_FATHER_RIGHTS, &format!("/body/rights/{at}/kind"));
        }
    }
}
