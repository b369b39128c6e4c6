//! Epochs: whether anything changed about persons since a decision was taken.
//!
//! The one comparison every authorisation makes, at the emergency door too. A person nobody knows
//! must never count as unchanged.

use super::script::{At, Script};
use super::sql::{Cell, Columns as _, Fault};
use crate::base::id::PersonId;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::HashMap;

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
