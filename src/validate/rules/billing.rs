//! What is billed of a contact, against the table of billed services: units against minutes, a
//! certification on the day of the service, one patient.
//!
//! Which services there are, and how their units are counted, is the table's. A contact may be
//! right and no claim: what is missing is told only where one is to be written.

use super::Check;
use super::time::instant;
use crate::base::finding::Finding;
use crate::base::finding_codes::{BILLED_FOR_SEVERAL, CERTIFICATION_NOT_IN_FORCE, UNITS_MISMATCH};
use crate::catalog::billing::Service;
use crate::format::tree::Node;

const UNITS: &str = "/body/billable/units";
const CERTIFICATE: &str = "/body/billable/rendered_by/certificate";

/// Characters of a day.
const DAY: usize = 10;

/// What a record says of a billed service that contradicts the table.
pub fn billed(services: &[Service], record: &Node) -> Vec<Finding> {
    look(services, record, false)
}

/// The same, and everything the table asks of a claim that the record does not say.
pub fn claimed(services: &[Service], record: &Node) -> Vec<Finding> {
    look(services, record, true)
}

fn look(services: &[Service], record: &Node, claimed: bool) -> Vec<Finding> {
    let mut check = Check {
        record,
        findings: Vec::new(),
    };
    if check.at("/body/billable").is_none() {
        return Vec::new();
    }
    let subjects = check.items("/envelope/subject_refs").len();
    if claimed && subjects > 1 {
        check.tell(&BILLED_FOR_SEVERAL, "/envelope/subject_refs");
    }
    let code = check.text("/body/billable/hcpcs");
    let service = services.iter().find(|row| Some(row.hcpcs.as_str()) == code);
    let Some(service) = service else {
        return check.findings;
    };
    units(&mut check, service, claimed);
    if service.certified {
        certificate(&mut check, claimed);
    }
    check.findings
}

fn units(check: &mut Check<'_>, service: &Service, claimed: bool) {
    let stated = check.text(UNITS).and_then(whole);
    let right = match minutes(check) {
        Some(minutes) => stated == Some(service.units(minutes)),
        None => !claimed,
    };
    if check.at(UNITS).is_some() && !right {
        check.tell(&UNITS_MISMATCH, UNITS);
    }
}

/// A decimal that is a whole number.
fn whole(text: &str) -> Option<u32> {
    let (number, rest) = text.split_once('.').unwrap_or((text, ""));
    let number = number.parse().ok()?;
    rest.bytes().all(|digit| digit == b'0').then_some(number)
}

/// The minutes it took, as stated or by its two ends.
fn minutes(check: &Check<'_>) -> Option<u32> {
    let stated = check.at("/body/duration_min").and_then(Node::lexeme);
    if let Some(stated) = stated {
        return stated.parse().ok();
    }
    let ends = ["/body/start", "/body/end"];
    let [start, end] = ends.map(|at| check.text(at).and_then(instant));
    let seconds = end?.as_millisecond().checked_sub(start?.as_millisecond())? / 1_000;
    u32::try_from(seconds / 60).ok()
}

/// A certificate is in force from its first day to its last; of one that tells less than days only
/// what is certain counts.
fn certificate(check: &mut Check<'_>, claimed: bool) {
    let shown = check.at(CERTIFICATE);
    if shown.is_none() && !claimed {
        return;
    }
    let day = check.text("/body/start").and_then(|start| start.get(..DAY));
    let of = |name: &str| shown.and_then(|it| it.text(name));
    let in_force = day.is_some_and(|day| {
        let begun = of("issued").is_some_and(|first| is_by(first, day));
        begun && of("renews").is_some_and(|last| is_by_end(day, last))
    });
    if !in_force {
        let place = if shown.is_some() {
            CERTIFICATE
        } else {
            "/body/billable"
        };
        check.tell(&CERTIFICATION_NOT_IN_FORCE, place);
    }
}

/// Whether all of a date, which may be a month or a year, is at or before a day.
fn is_by(date: &str, day: &str) -> bool {
    let same = day.get(..date.len());
    same.is_some_and(|same| date < same || date == same && date.len() == DAY)
}

/// Whether a day is at or before all of a date.
fn is_by_end(day: &str, date: &str) -> bool {
    let same = day.get(..date.len());
    same.is_some_and(|same| same < date || same == date && date.len() == DAY)
}

#[cfg(test)]
#[path = "../billing_tests.rs"]
mod tests;
