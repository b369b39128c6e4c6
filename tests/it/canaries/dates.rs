//! Dates that are planted: each its own, and none where no date can be.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Dates that are later than every birth, and earlier than the end of what they belong to.
const LATE: [&str; 7] = [
    "/body/removal_date",
    "/body/placement_changes/date",
    "/body/trial_home_visit/start",
    "/body/trial_home_visit/end",
    "/body/permanency_plan/date",
    "/body/periodic_review",
    "/body/permanency_hearing",
];

/// Days on which, in the years below, nothing lies that the gateway itself speaks of.
const DAYS: [usize; 13] = [7, 8, 9, 11, 12, 15, 19, 21, 22, 23, 24, 25, 27];

/// The date of a place that cannot lie anywhere: of an episode, between all births and today, its
/// end behind the rest; of an assignment, behind the instants of its record and not a year ahead.
pub fn late(place: &str) -> Option<String> {
    static PAST: AtomicUsize = AtomicUsize::new(0);
    static BEHIND: AtomicUsize = AtomicUsize::new(0);
    let (next, first, months) = match place {
        "/body/start" | "/body/end" => (&BEHIND, 2027, 10),
        "/body/exit_date" => (&PAST, 2021, 60),
        place if LATE.contains(&place) => (&PAST, 2016, 60),
        _ => return None,
    };
    let next = next.fetch_add(1, Ordering::Relaxed);
    let (month, day) = (next / DAYS.len(), DAYS[next % DAYS.len()]);
    assert!(month < months, "too many dates for one each");
    let year = first + month / 12;
    Some(format!("{year}-{:02}-{day:02}", 1 + month % 12))
}
