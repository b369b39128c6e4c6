//! A copy of a child-abuse report: the call comes first.
//!
//! The gateway is no hotline. It must never take a report nobody has phoned in: without what only
//! the call gives, with a word that stands for nothing in its place, or with a call that has not
//! been made yet.

use super::{Check, time};
use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::finding_codes::{REPORT_BY_PHONE_FIRST, REPORT_CALL_LONG_AGO};
use crate::base::id::{CHILD_ABUSE_REPORT, RecordType};
use crate::format::tree::Node;
use std::time::Duration;

/// When the call was.
const CALLED_AT: &str = "/body/reported_by_phone_at";

/// What only the call gives.
const OF_THE_CALL: [&str; 3] = [CALLED_AT, "/body/agency/name", "/body/agency/reference_no"];

/// What stands where nothing is known, written small and without anything but letters and digits.
/// A number of zeros, or nothing but signs, says as little.
const PLACEHOLDERS: [&str; 20] = [
    "unknown",
    "unk",
    "notknown",
    "na",
    "notapplicable",
    "notavailable",
    "none",
    "nil",
    "null",
    "no",
    "pending",
    "tbd",
    "tba",
    "later",
    "test",
    "xxx",
    "desconocido",
    "ninguno",
    "noaplica",
    "pendiente",
];

/// How far a sender's clock may be ahead of the gateway's.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(5 * 60);

/// The written report is due 36 hours after the call (PC 11166). A copy that comes a month later is
/// an old one sent on, or its year is mistyped: worth a look, and no reason to refuse it.
const WRITTEN_LATE: Duration = Duration::from_secs(30 * 24 * 3600);

pub(super) fn check(check: &mut Check<'_>) {
    for pointer in OF_THE_CALL {
        if check.text(pointer).is_none_or(says_nothing) {
            check.tell(&REPORT_BY_PHONE_FIRST, pointer);
        }
    }
    if before_all_births(check) {
        check.tell(&REPORT_CALL_LONG_AGO, CALLED_AT);
    }
}

/// Whether a text stands for no value.
fn says_nothing(text: &str) -> bool {
    let letters = text.chars().filter(|sign| sign.is_alphanumeric());
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    plain.chars().all(|sign| sign == '0') || PLACEHOLDERS.contains(&plain.as_str())
}

/// Whether the call was before any of the children the report is about was born. One not yet born
/// may be reported beside others; all of them is a date mistyped.
fn before_all_births(check: &Check<'_>) -> bool {
    let Some(called) = check.text(CALLED_AT) else {
        return false;
    };
    let refs = check.items("/envelope/subject_refs");
    let subject = |person: &&Node| {
        let key = person.text("key");
        key.is_some() && refs.iter().any(|named| named.as_str() == key)
    };
    let mut subjects = check.items("/persons").iter().filter(subject).peekable();
    let unborn = |person: &Node| {
        let born = person.text("birth_date");
        born.is_some_and(|born| time::reversed(born, called))
    };
    subjects.peek().is_some() && subjects.all(unborn)
}

/// What is to be said of the call a report tells of, at the instant the copy came: one that has not
/// been made is none, and one long ago is worth a look.
pub fn call(record_type: &RecordType, record: &Node, now: Timestamp) -> Option<Finding> {
    if record_type.as_str() != CHILD_ABUSE_REPORT {
        return None;
    }
    let node = record.pointer(CALLED_AT)?;
    let called = Timestamp::from_rfc3339(node.as_str()?)?;
    let told = |code| {
        let mut finding = Finding::new(code).at(CALLED_AT);
        finding.span = Some(node.span).filter(|span| span.end > 0);
        finding
    };
    if called.since(now) > CLOCKS_APART_MAX {
        let said = "the call is said to be later than this copy came: it has not been made yet";
        return Some(told(&REPORT_BY_PHONE_FIRST).saying(said));
    }
    (now.since(called) > WRITTEN_LATE).then(|| told(&REPORT_CALL_LONG_AGO))
}
