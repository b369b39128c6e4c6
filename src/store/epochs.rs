//! Epochs: whether anything changed about persons since a decision was taken, or since a human
//! looked.
//!
//! The one comparison every authorisation makes, at the emergency door too, and the one that says
//! whether a look still counts. A person nobody knows must never count as unchanged.

use super::script::{At, Script};
use super::sql::{Cell, Columns as _, Fault};
use crate::base::id::PersonId;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::HashMap;

/// When anybody in a version last changed, by `person.consents_changed`.
#[derive(Clone, Copy)]
pub(super) struct LastChange(i64);

impl LastChange {
    /// The newest of its persons'.
    pub(super) fn of(persons: impl Iterator<Item = i64>) -> LastChange {
        LastChange(persons.max().unwrap_or(0))
    }

    /// Whether a look counts that stands there in the ledger: nothing has changed since. What
    /// [`look_counts`] says to the database.
    pub(super) fn leaves(self, looked: i64) -> bool {
        looked > self.0
    }
}

/// [`LastChange`] of the version in `row`, a column or a bound place, as an expression of SQL.
pub(super) fn last_change(row: &str) -> String {
    format!(
        "(SELECT coalesce(max(p.consents_changed), 0) FROM record_person r \
         JOIN person p ON p.person = r.person WHERE r.row_id = {row})"
    )
}

/// Whether a look given at `looked` still counts for the version in `row`, as a condition of SQL.
pub(super) fn look_counts(looked: &str, row: &str) -> String {
    format!("{looked} > {}", last_change(row))
}

/// Epochs as they stand.
pub(super) struct Epochs(HashMap<PersonId, i64>);

impl Epochs {
    /// What [`ask`] asked for.
    pub(super) fn read(rows: &[SqliteRow]) -> Result<Epochs, Fault> {
        let one = |row: &SqliteRow| Ok((PersonId(row.id(0)?), row.int(1)?));
        rows.iter()
            .map(one)
            .collect::<Result<_, Fault>>()
            .map(Epochs)
    }

    /// Whether they are these.
    pub(super) fn are(&self, taken_with: &[(PersonId, i64)]) -> bool {
        let same = |(person, epoch): &(PersonId, i64)| self.0.get(person) == Some(epoch);
        taken_with.iter().all(same)
    }
}

/// Asks for the epochs of persons, each once.
pub(super) fn ask(script: &mut Script, mut persons: Vec<PersonId>) -> At {
    persons.sort_unstable();
    persons.dedup();
    let head = "SELECT person, consent_epoch FROM person WHERE person IN";
    let keys = persons.into_iter().map(|person| Cell::from(person.0));
    script.keys((head, ""), &[], keys)
}

/// Whether the persons' epochs are those a decision was taken with.
pub(super) async fn unchanged(
    conn: &mut SqliteConnection,
    taken_with: &[(PersonId, i64)],
) -> Result<bool, Fault> {
    let mut script = Script::default();
    let persons = taken_with.iter().map(|(person, _)| *person);
    let asked = ask(&mut script, persons.collect());
    let rows = script.run(conn).await?.take(&asked);
    Ok(Epochs::read(&rows)?.are(taken_with))
}
