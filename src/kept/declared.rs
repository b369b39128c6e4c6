//! What was declared at the emergency door, read back from the decision that was taken on it.
//!
//! The declaration itself is sealed and stays so: whose emergency it was stands in the facts of the
//! decision.

use crate::base::id::PersonId;
use crate::disclosure::facts::Flag;
use crate::release::Emergency;
use crate::store::{DecisionRecord, DecisionRow};
use std::collections::BTreeSet;

/// What was declared at the emergency door, by the decision that was taken on it: of one person,
/// and of each of whom it may have been where the registry held an emergency of another.
pub fn declared_with(given: &DecisionRecord) -> impl Iterator<Item = Emergency> {
    let holds = |row: &DecisionRow, flag: Flag| {
        let facts = given.facts.get(row.facts);
        facts.is_some_and(|facts| facts.iter().any(|name| name == flag.name()))
    };
    let rows = given.rows.iter();
    let of = rows.filter(|row| holds(row, Flag::Emergency)).map(|row| {
        let unobtainable = holds(row, Flag::ConsentUnobtainable);
        (row.person, !unobtainable)
    });
    let mut of: BTreeSet<(PersonId, bool)> = of.collect();
    if of.is_empty() {
        // Of nobody who is in the record: nothing rested on it.
        of.insert((PersonId([0; 16]), true));
    }
    of.into_iter()
        .map(|(subject, consent_obtainable)| Emergency {
            subject,
            consent_obtainable,
        })
}
