//! Rules of a removal episode: what belongs to it lies within it, and it ends with a reason.
//!
//! Dates are held against each other only as far as both are known.

use super::Check;
use super::time::reversed;
use crate::base::finding_codes::{
    EPISODE_DATE_OUTSIDE, EPISODE_END_INCOMPLETE, EPISODE_UNORDERED, JURISDICTIONS_OVERLAP,
    REMOVED_BEFORE_BIRTH,
};

const REMOVED: &str = "/body/removal_date";
const LEFT: &str = "/body/exit_date";
const REASON: &str = "/body/exit_reason";

/// Lists of the episode, the member that has the date, and whether it may be later than the end:
/// what a court still holds after it may, where the child lives may not.
const DATED: &[(&str, &str, bool)] = &[
    ("/body/placement_changes", "date", false),
    ("/body/trial_home_visit", "start", false),
    ("/body/trial_home_visit", "end", false),
    ("/body/permanency_plan", "date", true),
    ("/body/periodic_review", "", true),
    ("/body/permanency_hearing", "", true),
];
/// Lists whose order is that of their dates.
const ORDERED: &[(&str, &str)] = &[
    ("/body/placement_changes", "date"),
    ("/body/permanency_plan", "date"),
];

pub(super) fn check(check: &mut Check<'_>) {
    let (removed, left) = (check.text(REMOVED), check.text(LEFT));
    match (left.is_some(), check.at(REASON).is_some()) {
        (true, false) => check.tell(&EPISODE_END_INCOMPLETE, LEFT),
        (false, true) => check.tell(&EPISODE_END_INCOMPLETE, REASON),
        _ => {}
    }
    let born = check.text("/body/child").and_then(|key| born(check, key));
    if born
        .zip(removed)
        .is_some_and(|(born, removed)| reversed(born, removed))
    {
        check.tell(&REMOVED_BEFORE_BIRTH, REMOVED);
    }
    for (list, member, after) in DATED {
        let wrong = |date: &str| {
            let early = removed.is_some_and(|removed| reversed(removed, date));
            early || (!after && left.is_some_and(|left| reversed(date, left)))
        };
        for (pointer, date) in dates(check, list, member) {
            if wrong(date) {
                check.tell(&EPISODE_DATE_OUTSIDE, &pointer);
            }
        }
    }
    for (list, member) in ORDERED {
        let dates = dates(check, list, member);
        for (before, now) in dates.iter().zip(dates.iter().skip(1)) {
            if reversed(before.1, now.1) {
                check.tell(&EPISODE_UNORDERED, &now.0);
            }
        }
    }
    counties(check);
}

/// When the person with that key was born.
fn born<'r>(check: &Check<'r>, key: &str) -> Option<&'r str> {
    let mut persons = check.items("/persons").iter();
    persons
        .find(|one| one.text("key") == Some(key))?
        .text("birth_date")
}

/// The dates of a list with their places; without a member the items are dates themselves.
fn dates<'r>(check: &Check<'r>, list: &str, member: &str) -> Vec<(String, &'r str)> {
    let rows = check.items(list).iter().enumerate();
    let each = rows.filter_map(|(at, row)| match member {
        "" => Some((format!("{list}/{at}"), row.as_str()?)),
        member => Some((format!("{list}/{at}/{member}"), row.text(member)?)),
    });
    each.collect()
}

/// One county at a time: a county that begins before the one before it ended, or while it lasts.
fn counties(check: &mut Check<'_>) {
    const LIST: &str = "/body/county_of_jurisdiction";
    let rows = check.items(LIST);
    for (at, (before, now)) in rows.iter().zip(rows.iter().skip(1)).enumerate() {
        let other = before.text("fips") != now.text("fips");
        let begun = now.text("from");
        let still = before.get("to").is_none();
        let within = before
            .text("to")
            .zip(begun)
            .is_some_and(|(to, from)| reversed(to, from));
        if other && (still || within) {
            check.tell(&JURISDICTIONS_OVERLAP, &format!("{LIST}/{}", at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::changes;

    const RIGHT: &str = r#"{"envelope":{"subject_refs":["p1"]},
      "persons":[{"key":"p1","birth_date":"2019-02"}],
      "body":{"episode_id":"e1","child":"p1","removal_date":"2025-08-30",
        "exit_date":"2026-09-12","exit_reason":"reunification",
        "placement_changes":[{"date":"2025-08","type":"a"},{"date":"2025-09-14","type":"b"}],
        "trial_home_visit":[{"start":"2026-07-01","end":"2026-09-12"}],
        "permanency_plan":[{"date":"2025-10-20"},{"date":"2026-01-20"}],
        "periodic_review":["2026-02-26"],"permanency_hearing":["2026-10-01"],
        "county_of_jurisdiction":[{"fips":"06067","from":"2025-08-30","to":"2026-04-01"},
          {"fips":"06113","from":"2026-04-01"}]}}"#;

    const CHANGES: &[(&str, &str, &str, &str)] = &[
        (
            "\"exit_reason\":\"reunification\",",
            "",
            "episode-end-incomplete",
            "/body/exit_date",
        ),
        (
            "2019-02",
            "2025-09",
            "removed-before-birth",
            "/body/removal_date",
        ),
        (
            "\"date\":\"2025-08\"",
            "\"date\":\"2025-07\"",
            "episode-date-outside",
            "/body/placement_changes/0/date",
        ),
        (
            "\"end\":\"2026-09-12\"",
            "\"end\":\"2026-09-13\"",
            "episode-date-outside",
            "/body/trial_home_visit/0/end",
        ),
        (
            "2026-02-26",
            "2025-02-26",
            "episode-date-outside",
            "/body/periodic_review/0",
        ),
        (
            "2026-01-20",
            "2025-09-20",
            "episode-unordered",
            "/body/permanency_plan/1/date",
        ),
        (
            "\"to\":\"2026-04-01\"",
            "\"to\":\"2026-04-02\"",
            "jurisdictions-overlap",
            "/body/county_of_jurisdiction/1",
        ),
        (
            ",\"to\":\"2026-04-01\"",
            "",
            "jurisdictions-overlap",
            "/body/county_of_jurisdiction/1",
        ),
    ];

    // Goal: what is out of order is told at its place, and dates are believed only as far as they
    // go: a month is no day before the removal. Method: one change each.
    #[test]
    fn an_episode_in_order() {
        changes("removal-episode", RIGHT, CHANGES);
    }
}
