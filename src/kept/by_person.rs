//! What the registry has on many persons, found by person: one page of records is decided with it.
//!
//! Rows keep the order of the whole.

use super::{fact_one, held_one};
use crate::base::id::PersonId;
use crate::release::{HeldConsent, HeldFact};
use crate::store::{StoredConsent, StoredFact, StoredRecord};
use std::collections::HashMap;

/// What the registry has on many persons, found by person.
#[derive(Debug, Default)]
pub struct ByPerson<'a> {
    consents: Places<'a, StoredConsent>,
    facts: Places<'a, StoredFact>,
}

impl<'a> ByPerson<'a> {
    /// An index over these.
    pub fn new(consents: &'a [StoredConsent], facts: &'a [StoredFact]) -> ByPerson<'a> {
        ByPerson {
            consents: Places::new(consents, |consent| consent.subject),
            facts: Places::new(facts, |fact| fact.subject),
        }
    }

    /// The consents of one record's persons, in the order of the whole.
    pub fn consents(&self, stored: &StoredRecord) -> Vec<HeldConsent<'a>> {
        self.consents.of(stored).map(held_one).collect()
    }

    /// The facts of one record's persons, in the order of the whole.
    pub fn facts(&self, stored: &StoredRecord) -> Vec<HeldFact<'a>> {
        self.facts.of(stored).map(fact_one).collect()
    }
}

/// Rows of the registry and where each person's stand among them.
#[derive(Debug)]
struct Places<'a, T> {
    all: &'a [T],
    of: HashMap<PersonId, Vec<usize>>,
}

impl<T> Default for Places<'_, T> {
    fn default() -> Self {
        Places {
            all: &[],
            of: HashMap::new(),
        }
    }
}

impl<'a, T> Places<'a, T> {
    fn new(all: &'a [T], subject: fn(&T) -> PersonId) -> Places<'a, T> {
        let mut of: HashMap<PersonId, Vec<usize>> = HashMap::new();
        for (place, row) in all.iter().enumerate() {
            of.entry(subject(row)).or_default().push(place);
        }
        Places { all, of }
    }

    /// The rows of one record's persons, in the order of the whole.
    fn of(&self, stored: &StoredRecord) -> impl Iterator<Item = &'a T> {
        let persons = stored.persons.iter();
        let mut own: Vec<usize> = persons
            .filter_map(|person| self.of.get(&person.person))
            .flatten()
            .copied()
            .collect();
        own.sort_unstable();
        own.dedup();
        let all = self.all;
        own.into_iter().filter_map(move |place| all.get(place))
    }
}
