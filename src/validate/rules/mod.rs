//! Rules across the fields of one canonical record.
//!
//! Run on records whose schema holds. Each rule is a warning where the record may still be meant,
//! an error where it contradicts itself. Paths are JSON pointers in the canonical record; whoever
//! tells a sender turns them into the sender's notation. Pure: no clock, no other record.

mod ahead;
mod assignment;
mod billing;
mod cans;
mod contact;
mod family;
mod icwa;
mod meeting;
mod outcome;
mod persons;
mod referral;
mod removal;
mod report;
mod safety;
mod screening;
mod time;
mod workforce;

pub use ahead::ahead;
pub use billing::{billed, claimed};
pub use persons::REFERENCES;
pub use report::call;

use crate::base::finding::Finding;
use crate::base::finding_codes::{
    CORRECTION_UNKNOWN, CodeEntry, EVENT_TIME_MISSING, LABEL_PATH_UNKNOWN, MISSING_CONTRADICTED,
    PERIOD_REVERSED, RECORD_SEALED, SERVICE_SOURCE_UNKNOWN, SUPERSEDED_UNKNOWN,
    UPDATED_BEFORE_CREATED, VOID_UNKNOWN,
};
use crate::base::id::{CHILD_ABUSE_REPORT, RecordType};
use crate::format::tree::{Node, Value};
use std::fmt::Write as _;

/// Everything in a record of that type that contradicts something else in it.
pub fn cross_field(record_type: &RecordType, record: &Node) -> Vec<Finding> {
    let mut check = Check {
        record,
        findings: Vec::new(),
    };
    persons::check(&mut check);
    envelope(&mut check);
    if waits_for_service_source(record_type, record) {
        check.tell(&SERVICE_SOURCE_UNKNOWN, "/envelope/service_source");
    }
    let root = Place {
        above: None,
        step: Step::Root,
    };
    periods(&mut check, record, &root);
    match record_type.as_str() {
        "family-case" => family::check(&mut check),
        "partner-assignment" => assignment::check(&mut check),
        "engagement-contact" => contact::check(&mut check),
        "cft-meeting" => meeting::check(&mut check),
        "service-referral" => referral::check(&mut check),
        "icwa-inquiry" => icwa::check(&mut check),
        "cans-assessment" => cans::check(&mut check),
        "screening-instrument" => screening::check(&mut check),
        "safety-item" => safety::check(&mut check),
        "removal-episode" => removal::check(&mut check),
        "partner-workforce" => workforce::check(&mut check),
        "outcome-snapshot" => outcome::check(&mut check),
        CHILD_ABUSE_REPORT => report::check(&mut check),
        _ => {}
    }
    earlier(&mut check);
    check.findings
}

/// What is to be told of a record that speaks of an earlier one, should that never have come: only
/// whoever keeps records knows. See [`EARLIER`].
fn earlier(check: &mut Check<'_>) {
    let mistaken = check.text("/body/status") == Some("entered-in-error");
    match check.text("/envelope/action") {
        Some("void") => check.tell(&VOID_UNKNOWN, "/envelope/action"),
        _ if mistaken => check.tell(&VOID_UNKNOWN, "/body/status"),
        Some("update") => check.tell(&CORRECTION_UNKNOWN, "/envelope/action"),
        _ => {}
    }
    if check.at("/envelope/supersedes").is_some() {
        check.tell(&SUPERSEDED_UNKNOWN, "/envelope/supersedes");
    }
}

/// Codes that hold only if the earlier record was never received.
pub const EARLIER: [&CodeEntry; 3] = [&VOID_UNKNOWN, &CORRECTION_UNKNOWN, &SUPERSEDED_UNKNOWN];

/// Whether a record of that type must say where the work comes from and does not: which side of
/// the prevention wall it stands on is then nobody's to guess.
pub fn waits_for_service_source(record_type: &RecordType, record: &Node) -> bool {
    matches!(
        record_type.as_str(),
        "family-case" | "partner-assignment" | "engagement-contact" | "service-referral"
    ) && record.pointer("/envelope/service_source").is_none()
}

/// A record under examination.
struct Check<'r> {
    record: &'r Node,
    findings: Vec<Finding>,
}

impl<'r> Check<'r> {
    /// The value at a pointer.
    fn at(&self, pointer: &str) -> Option<&'r Node> {
        self.record.pointer(pointer)
    }

    /// The text at a pointer.
    fn text(&self, pointer: &str) -> Option<&'r str> {
        self.at(pointer).and_then(Node::as_str)
    }

    /// The items of the list at a pointer.
    fn items(&self, pointer: &str) -> &'r [Node] {
        self.at(pointer).map(Node::items).unwrap_or_default()
    }

    /// Tells a finding at a pointer, placed where the value stands if it does.
    fn tell(&mut self, code: &'static CodeEntry, pointer: &str) {
        let mut finding = Finding::new(code).at(pointer);
        finding.span = self.at(pointer).map(|node| node.span);
        self.findings.push(finding);
    }
}

fn envelope(check: &mut Check<'_>) {
    let created = check.text("/envelope/created_at").and_then(time::instant);
    let updated = check.text("/envelope/updated_at").and_then(time::instant);
    if created.zip(updated).is_some_and(|(from, to)| to < from) {
        check.tell(&UPDATED_BEFORE_CREATED, "/envelope/updated_at");
    }
    let late = check.at("/envelope/entered_late").and_then(Node::as_bool);
    let told = check.at("/envelope/event_at").or(check.at("/body/start"));
    if late == Some(true) && told.is_none() {
        check.tell(&EVENT_TIME_MISSING, "/envelope/entered_late");
    }
    if check.text("/envelope/access_level") == Some("R") {
        check.tell(&RECORD_SEALED, "/envelope/access_level");
    }
    let placement = check.at("/envelope/sealed_placement");
    if placement.and_then(Node::as_bool) == Some(true) {
        check.tell(&RECORD_SEALED, "/envelope/sealed_placement");
    }
    // A value both missing and present, and a label on nothing: neither is guessed at.
    let rows = [
        ("/envelope/missing", true, &MISSING_CONTRADICTED),
        ("/envelope/labels", false, &LABEL_PATH_UNKNOWN),
    ];
    for (list, wrong_when_present, code) in rows {
        for (at, row) in check.items(list).iter().enumerate() {
            let Some(path) = row.text("path") else {
                continue;
            };
            if check.at(path).is_some() == wrong_when_present {
                check.tell(code, &format!("{list}/{at}/path"));
            }
        }
    }
}

/// Pairs of members that begin and end something, in any object.
const PAIRS: &[(&str, &str)] = &[
    ("start", "end"),
    ("from", "to"),
    ("contacted_on", "responded_on"),
    ("mailed", "received"),
    ("removal_date", "exit_date"),
    ("issued", "renews"),
];

/// A place on the way down, written out as a pointer only when there is something to tell.
struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Name(&'a str),
    Item(usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let mut pointer = self.above.map(Place::pointer).unwrap_or_default();
        // Writing to text cannot fail.
        let _ = match self.step {
            Step::Root => Ok(()),
            Step::Name(name) => write!(pointer, "/{name}"),
            Step::Item(at) => write!(pointer, "/{at}"),
        };
        pointer
    }
}

fn periods(check: &mut Check<'_>, node: &Node, place: &Place<'_>) {
    let below = |step| Place {
        above: Some(place),
        step,
    };
    match &node.value {
        Value::Object(members) => {
            for (start, end) in PAIRS {
                let both = node.text(start).zip(node.text(end));
                if both.is_some_and(|(start, end)| time::reversed(start, end)) {
                    check.tell(&PERIOD_REVERSED, &below(Step::Name(end)).pointer());
                }
            }
            for (name, member) in members {
                periods(check, member, &below(Step::Name(name)));
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                periods(check, item, &below(Step::Item(at)));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "../rules_tests.rs"]
mod tests;
