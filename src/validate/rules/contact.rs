//! Rules of an engagement contact.
//!
//! The reporting-duty warning goes to the sender alone: it says nothing about whether a report
//! exists and is never stored with the record.

use super::Check;
use super::time::{Elapsed, elapsed};
use crate::base::finding_codes::{
    ACTIVITY_MINUTES_EXCEEDED, CHECK_REPORTING_DUTY, DURATION_CLOCK_CHANGE, DURATION_MISMATCH,
    GROUP_MODE_MISMATCH, INTERPRETER_NOT_QUALIFIED,
};
use crate::format::tree::Node;

/// Interpretation, in the code set of activities.
const INTERPRETATION: &str = "A15";

pub(super) fn check(check: &mut Check<'_>) {
    duration(check);
    activities(check);
    let has = |list: &str, member: &str, word: &str| {
        let mut rows = check.items(list).iter();
        rows.any(|row| row.text(member) == Some(word))
    };
    let interpreted = has("/body/activities", "code", INTERPRETATION);
    let safety = has("/body/disclosures", "topic", "safety");
    if interpreted && check.text("/body/interpreter/kind") != Some("qualified") {
        let kind = check.at("/body/interpreter").is_some();
        let pointer = if kind {
            "/body/interpreter"
        } else {
            "/body/activities"
        };
        check.tell(&INTERPRETER_NOT_QUALIFIED, pointer);
    }
    let reported = check
        .at("/body/mandated_report_made")
        .and_then(Node::as_bool);
    if safety && reported != Some(true) {
        check.tell(&CHECK_REPORTING_DUTY, "/body/disclosures");
    }
    if check.at("/body/group").is_some() && check.text("/body/mode") != Some("group") {
        check.tell(&GROUP_MODE_MISMATCH, "/body/group");
    }
}

fn minutes(node: &Node) -> Option<i64> {
    node.lexeme()?.parse().ok()
}

fn duration(check: &mut Check<'_>) {
    let times = check.text("/body/start").zip(check.text("/body/end"));
    let duration = check.at("/body/duration_min").and_then(minutes);
    let Some(((start, end), duration)) = times.zip(duration) else {
        return;
    };
    if super::time::reversed(start, end) {
        // Told as such; the duration cannot agree with it.
        return;
    }
    match elapsed(start, end, duration) {
        Some(Elapsed::AgreesByClock) => check.tell(&DURATION_CLOCK_CHANGE, "/body/duration_min"),
        Some(Elapsed::Differs) => check.tell(&DURATION_MISMATCH, "/body/duration_min"),
        Some(Elapsed::Agrees) | None => {}
    }
}

fn activities(check: &mut Check<'_>) {
    let duration = check.at("/body/duration_min").and_then(minutes);
    let rows = check.items("/body/activities").iter();
    let sum: i64 = rows.filter_map(|row| minutes(row.get("min")?)).sum();
    if duration.is_some_and(|duration| sum > duration) {
        check.tell(&ACTIVITY_MINUTES_EXCEEDED, "/body/activities");
    }
}
