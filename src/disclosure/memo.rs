//! Decisions remembered: an outcome is a constant of the facts its class looks at.
//!
//! Bounded: a full shelf is emptied. It never changes an answer, only its price.

use super::facts::{Facts, Flags};
use super::pack::{Outcome, Pack};
use crate::base::limits::DECISIONS_CACHED_MAX;
use crate::base::vocabulary::DataClass;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    era: u16,
    class: DataClass,
    facts: Facts,
}

const SHELVES: usize = 16;

/// The memory of one rule set.
#[derive(Debug)]
pub struct Memo {
    shelves: Vec<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    known: RwLock<HashMap<Key, Arc<Outcome>>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Default for Memo {
    fn default() -> Memo {
        Memo {
            shelves: (0..SHELVES).map(|_| Shelf::default()).collect(),
        }
    }
}

impl Memo {
    /// The outcome, from memory or from the engine.
    pub fn outcome(
        &self,
        pack: &Pack,
        era: usize,
        facts: &Facts,
        class: DataClass,
    ) -> Arc<Outcome> {
        let looked_at = pack.mentions(era, class);
        let facts = Facts {
            flags: Flags(facts.flags.0 & looked_at.0),
            ..*facts
        };
        let key = Key {
            era: u16::try_from(era).unwrap_or(u16::MAX),
            class,
            facts,
        };
        let Some(shelf) = self.shelves.get(class.index() % SHELVES) else {
            return Arc::new(pack.evaluate(era, &facts, class));
        };
        let known = {
            let known = shelf.known.read().unwrap_or_else(PoisonError::into_inner);
            known.get(&key).map(Arc::clone)
        };
        if let Some(outcome) = known {
            shelf.hits.fetch_add(1, Ordering::Relaxed);
            return outcome;
        }
        shelf.misses.fetch_add(1, Ordering::Relaxed);
        let outcome = Arc::new(pack.evaluate(era, &facts, class));
        let mut known = shelf.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= DECISIONS_CACHED_MAX / SHELVES {
            known.clear();
        }
        known.insert(key, Arc::clone(&outcome));
        outcome
    }

    /// How often it answered from memory, and how often not, since it was made.
    pub fn counts(&self) -> (u64, u64) {
        let sum = |of: fn(&Shelf) -> &AtomicU64| {
            let all = self.shelves.iter().map(of);
            all.map(|count| count.load(Ordering::Relaxed)).sum()
        };
        (sum(|shelf| &shelf.hits), sum(|shelf| &shelf.misses))
    }
}
