//! Rules of a partner's work: it is never joined to a family.

use super::Check;
use crate::base::finding_codes::WORKFORCE_JOINED_TO_FAMILY;

/// Where an envelope names a family.
const OF_A_FAMILY: [&str; 2] = ["/envelope/case_ref", "/envelope/focus_refs"];

pub(super) fn check(check: &mut Check<'_>) {
    for pointer in OF_A_FAMILY {
        if check.at(pointer).is_some() {
            check.tell(&WORKFORCE_JOINED_TO_FAMILY, pointer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::changes;

    const RIGHT: &str = r#"{"envelope":{"subject_refs":["w1"]},"persons":[{"key":"w1"}],
      "body":{"entry_set_id":"e1","partner":"w1","entries":[{"kind":"certification",
        "issued":"2025-03-01","renews":"2027-02-28"},{"kind":"supervision","supervisor":"w1"}]}}"#;

    const CHANGES: &[(&str, &str, &str, &str)] = &[
        (
            "[\"w1\"]}",
            "[\"w1\"],\"case_ref\":\"c\"}",
            "workforce-joined-to-family",
            "/envelope/case_ref",
        ),
        (
            "[\"w1\"]}",
            "[\"w1\"],\"focus_refs\":[\"w1\"]}",
            "workforce-joined-to-family",
            "/envelope/focus_refs",
        ),
        ("2027", "2024", "period-reversed", "/body/entries/0/renews"),
        (
            "\"supervisor\":\"w1\"",
            "\"supervisor\":\"w9\"",
            "reference-dangling",
            "/body/entries/1/supervisor",
        ),
    ];

    // Goal: a worker's record that names a family is refused. Method: one change each.
    #[test]
    fn a_workers_record_names_no_family() {
        changes("partner-workforce", RIGHT, CHANGES);
    }
}
