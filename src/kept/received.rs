//! How the sender of a record got what it hands on, read from what the gateway gave them.
//!
//! The decision kept of a disclosure says by which law a class of a person went, and which consents
//! were looked at; which of these opened the rest is not guessed: every one that may have is taken.

use crate::base::id::PersonId;
use crate::base::sensitive::Sensitive;
use crate::base::vocabulary::{ClassSet, DataClass, Verdict};
use crate::disclosure::request::Direction;
use crate::release::{Basis, LAWS, Received, read_paper};
use crate::store::{DecisionRecord, DecisionRow, Given, StoredConsent, StoredRecord};

/// How the sender of a record got what it hands on, by what it was given.
pub(super) fn of(
    given: &[Given],
    stored: &StoredRecord,
    consents: &[StoredConsent],
) -> Vec<Received> {
    let mut out = Vec::new();
    for given in given {
        let mut left = Vec::new();
        for person in stored.persons.iter().map(|person| person.person) {
            let of = given.decisions.iter();
            let before = out.len();
            out.extend(of.filter_map(|decision| basis(decision, person, consents)));
            if out.len() == before {
                left.push(person);
            }
        }
        let permitted = given.decisions.iter().flat_map(|decision| &decision.rows);
        let permitted = permitted.filter(|row| row.verdict == Verdict::Permit);
        let strays: Vec<&DecisionRow> = permitted.filter(|row| !speaks_of(stored, row)).collect();
        let another = |person, rows: &[&DecisionRow]| Received {
            person,
            basis: Basis::Another,
            by_law: Vec::new(),
            otherwise: ClassSet::EMPTY,
            part2: rows.iter().any(|row| is_part2(row)),
        };
        if left.len() == stored.persons.len() {
            // Never given, or of nobody the record speaks of: whose it is cannot be told.
            out.push(another(None, &strays));
        } else if !strays.is_empty() {
            // What was given of somebody else may be of whoever nothing is known to be given of.
            out.extend(
                left.into_iter()
                    .map(|person| another(Some(person), &strays)),
            );
        }
    }
    out
}

/// Whether a record is of the person of a decision's row.
fn speaks_of(stored: &StoredRecord, row: &DecisionRow) -> bool {
    stored.persons.iter().any(|p| p.person == row.person)
}

fn is_part2(row: &DecisionRow) -> bool {
    row.verdict == Verdict::Permit && row.data_class == DataClass::SudPart2.as_str()
}

/// By what a decision gave something of a person; `None` when it gave nothing of them.
fn basis(
    decision: &DecisionRecord,
    person: PersonId,
    consents: &[StoredConsent],
) -> Option<Received> {
    let rows = decision.rows.iter();
    let rows = rows.filter(|row| row.person == person && row.verdict == Verdict::Permit);
    let rows: Vec<&DecisionRow> = rows.collect();
    let law = |row: &DecisionRow| {
        let mut laws = LAWS.iter();
        laws.find(|law| row.citation.starts_with(**law)).copied()
    };
    let otherwise = rows.iter().filter(|row| law(row).is_none());
    let otherwise: ClassSet = otherwise
        .filter_map(|row| row.data_class.parse().ok())
        .collect();
    let by_law = rows.iter().filter_map(|row| {
        let class = row.data_class.parse().ok()?;
        Some((class, law(row)?))
    });
    let by_law = by_law.collect();
    let opened = decision.consents.iter().filter(|used| {
        let mut held = consents.iter();
        held.any(|held| {
            let same = held.partner == used.lodger && held.consent_id == used.consent_id;
            let of = same && held.subject == person;
            of && may_have_opened(&held.body, (otherwise, &decision.recipient_role))
        })
    });
    let opened = opened.map(|used| (used.lodger.clone(), used.consent_id.clone()));
    let opened: Vec<_> = opened.collect();
    let basis = match rows.iter().find_map(|row| law(row)) {
        _ if !opened.is_empty() => Basis::Consents(opened),
        Some(law) => Basis::Law(law),
        None => Basis::Another,
    };
    (!rows.is_empty()).then(|| Received {
        person: Some(person),
        basis,
        by_law,
        otherwise,
        part2: rows.iter().any(|row| is_part2(row)),
    })
}

/// Whether a paper permits one of these classes toward a recipient of that role.
fn may_have_opened(body: &Sensitive<Vec<u8>>, (classes, role): (ClassSet, &str)) -> bool {
    let Some(paper) = read_paper(body) else {
        return true;
    };
    let toward = role.parse().is_ok_and(|role| paper.recipients.names(role));
    let about = paper.classes.all || paper.classes.classes().0 & classes.0 != 0;
    toward && about && paper.direction.known() == Some(Direction::Permit)
}
