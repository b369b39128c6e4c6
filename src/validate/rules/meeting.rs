//! Rules of a child and family team meeting: when it is due, who came, what follows.
//!
//! The limits are those of the record alone: whether an earlier meeting was held is not looked up.

use super::Check;
use super::time::{day_after, reversed};
use crate::base::finding_codes::{
    ACTION_STEP_INCOMPLETE, ACTION_STEP_OVERDUE, ATTENDANCE_CONTRADICTED,
    INTERPRETER_NOT_QUALIFIED, MEETING_BEFORE_SCHEDULED, MEETING_LATE, MEETING_NOT_HELD,
    MEETING_RELEASE_MISSING, NEXT_MEETING_BEFORE_THIS, NEXT_MEETING_LATE,
};
use crate::format::tree::Node;
use jiff::{Span, ToSpan};

/// Days the team has where services are intensive.
const INTENSIVE_DAYS: i64 = 90;
/// Months the team has else.
const PERIOD_MONTHS: i64 = 6;

/// Why a meeting is due, from which day it is counted, and how far that goes.
fn limit(due_basis: &str) -> Option<(&'static str, Span)> {
    const CARE: &str = "/body/entered_care_on";
    const BEFORE: &str = "/body/previous_held_on";
    Some(match due_basis {
        "60_day" => (CARE, 60.days()),
        "30_day_icwa" => (CARE, 30.days()),
        "6_month" => (BEFORE, PERIOD_MONTHS.months()),
        "90_day" => (BEFORE, INTENSIVE_DAYS.days()),
        _ => return None,
    })
}

pub(super) fn check(check: &mut Check<'_>) {
    due(check);
    next(check);
    attendance(check);
    steps(check);
    let held = check.at("/body/held").is_some();
    let releases =
        check.items("/body/roi_refs").len() + check.items("/envelope/consent_refs").len();
    if held && releases == 0 {
        check.tell(&MEETING_RELEASE_MISSING, "/body/roi_refs");
    }
    let said = |place: &str| check.at(place).and_then(Node::as_bool);
    let interpreted = said("/body/interpreter/used") == Some(true);
    if interpreted && check.text("/body/interpreter/kind") != Some("qualified") {
        check.tell(&INTERPRETER_NOT_QUALIFIED, "/body/interpreter");
    }
}

/// The day it was held, or is to be held.
fn day<'r>(check: &Check<'r>) -> Option<(&'static str, &'r str)> {
    ["/body/held", "/body/scheduled"]
        .into_iter()
        .find_map(|place| Some((place, check.text(place)?)))
}

/// Whether the meeting is within the limit of its basis.
fn due(check: &mut Check<'_>) {
    let times = check.text("/body/scheduled").zip(check.text("/body/held"));
    if times.is_some_and(|(scheduled, held)| reversed(scheduled, held)) {
        check.tell(&MEETING_BEFORE_SCHEDULED, "/body/held");
    }
    let Some((place, on)) = day(check) else {
        return;
    };
    let basis = check.text("/body/due_basis").and_then(limit);
    let last = basis.and_then(|(from, span)| day_after(check.text(from)?, span));
    if last.is_some_and(|last| reversed(on, &last)) {
        check.tell(&MEETING_LATE, place);
    }
}

/// Whether the next meeting comes after this one, and in time.
fn next(check: &mut Check<'_>) {
    let next = check.text("/body/next_date");
    let Some((next, (_, on))) = next.zip(day(check)) else {
        return;
    };
    if reversed(on, next) {
        return check.tell(&NEXT_MEETING_BEFORE_THIS, "/body/next_date");
    }
    let intensive = !check.items("/body/intensive_services").is_empty()
        || check.text("/body/due_basis") == Some("90_day");
    let span = match intensive {
        true => INTENSIVE_DAYS.days(),
        false => PERIOD_MONTHS.months(),
    };
    if day_after(on, span).is_some_and(|last| reversed(next, &last)) {
        check.tell(&NEXT_MEETING_LATE, "/body/next_date");
    }
}

/// Who came, against why not, who else says so, and whether there was a meeting.
fn attendance(check: &mut Check<'_>) {
    let held = check.at("/body/held").is_some();
    let mut came = Vec::new();
    for (at, row) in check.items("/body/attendees").iter().enumerate() {
        let attended = row.get("attended").and_then(Node::as_bool);
        if attended == Some(true) {
            came.push(row.text("role").unwrap_or_default());
        }
        if attended == Some(true) && row.get("declined_reason").is_some() {
            let pointer = format!("/body/attendees/{at}/declined_reason");
            check.tell(&ATTENDANCE_CONTRADICTED, &pointer);
        }
    }
    if !held && !came.is_empty() {
        check.tell(&MEETING_NOT_HELD, "/body/attendees");
    }
    let listed = !check.items("/body/attendees").is_empty();
    let partner = check
        .at("/body/parent_partner_attended")
        .and_then(Node::as_bool);
    let in_list = came.contains(&"parent_partner");
    if partner == Some(false) && in_list {
        check.tell(&ATTENDANCE_CONTRADICTED, "/body/parent_partner_attended");
    }
    let present = check.text("/body/child_voice") == Some("present");
    if present && listed && held && !came.contains(&"child") {
        check.tell(&ATTENDANCE_CONTRADICTED, "/body/child_voice");
    }
}

/// Each step has somebody who does it and a day that is still to come.
fn steps(check: &mut Check<'_>) {
    let on = day(check).map(|(_, on)| on);
    for (at, row) in check.items("/body/action_steps").iter().enumerate() {
        let place = format!("/body/action_steps/{at}");
        let (due, owner) = (row.text("due"), row.get("owner"));
        let over = matches!(row.text("status"), Some("done" | "dropped"));
        if !over && (due.is_none() || owner.is_none()) {
            check.tell(&ACTION_STEP_INCOMPLETE, &place);
        }
        if on.zip(due).is_some_and(|(on, due)| reversed(on, due)) {
            check.tell(&ACTION_STEP_OVERDUE, &format!("{place}/due"));
        }
    }
}
