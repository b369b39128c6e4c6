//! Persons: from identifiers to one person, deterministically.
//!
//! None known: a new person. Several that agree: that person, and the unknown ones are learned.
//! Two persons: nobody is joined, the record is held for a human.

use super::prepare::PreparedPerson;
use super::script::{At, Script};
use super::sql::{Cell, Columns as _, Fault, Insert, row};
use crate::base::clock::Timestamp;
use crate::base::id::{PersonId, SubmissionId};
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeSet, HashMap};

/// What one transaction knows and learns of persons.
#[derive(Default)]
pub(super) struct People {
    known: HashMap<[u8; 16], PersonId>,
    minted: Vec<(PersonId, bool)>,
    learned: Vec<([u8; 16], PersonId, SubmissionId)>,
}

/// Who a record's person turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) person: PersonId,
    /// Its identifiers lead to different persons; `person` is then a new one, linked to nobody.
    pub(super) ambiguous: bool,
}

/// Where identifiers come from.
pub(super) struct Origin {
    pub(super) submission: SubmissionId,
    pub(super) test: bool,
    pub(super) at: Timestamp,
}

impl People {
    /// Asks what is known of these identifiers.
    pub(super) fn ask(asks: &mut Script, identifiers: BTreeSet<[u8; 16]>) -> At {
        let head = "SELECT identifier, person FROM person_identifier WHERE identifier IN";
        asks.keys((head, ""), &[], identifiers.into_iter().map(Cell::from))
    }

    /// Takes in the answer.
    pub(super) fn learn(rows: &[SqliteRow]) -> Result<People, Fault> {
        let mut people = People::default();
        for row in rows {
            people.known.insert(row.id(0)?, PersonId(row.id(1)?));
        }
        Ok(people)
    }

    /// Finds or mints the person of these identifiers.
    pub(super) fn join(&mut self, person: &PreparedPerson, origin: &Origin) -> Joined {
        let mut found: Option<PersonId> = None;
        let mut ambiguous = false;
        for identifier in &person.identifiers {
            match (self.known.get(identifier), found) {
                (Some(known), None) => found = Some(*known),
                (Some(known), Some(one)) if *known != one => ambiguous = true,
                _ => {}
            }
        }
        if ambiguous {
            let person = self.mint(origin);
            return Joined {
                person,
                ambiguous: true,
            };
        }
        let joined = match found {
            Some(known) => known,
            None => self.mint(origin),
        };
        for identifier in &person.identifiers {
            if self.known.insert(*identifier, joined).is_none() {
                self.learned.push((*identifier, joined, origin.submission));
            }
        }
        Joined {
            person: joined,
            ambiguous: false,
        }
    }

    fn mint(&mut self, origin: &Origin) -> PersonId {
        let person = PersonId::mint(origin.at);
        self.minted.push((person, origin.test));
        person
    }

    /// Writes new persons and links.
    pub(super) fn save(self, writes: &mut Script) {
        let mut persons = Insert::new(
            "INSERT INTO person (person, consent_epoch, test) VALUES",
            "",
        );
        for (person, test) in self.minted {
            persons.push(row![person.0, 0_i64, test]);
        }
        persons.add_to(writes);
        let mut links = Insert::new(
            "INSERT INTO person_identifier (identifier, person, learned_from) VALUES",
            "",
        );
        for (identifier, person, from) in self.learned {
            links.push(row![identifier, person.0, from.0]);
        }
        links.add_to(writes);
    }
}
