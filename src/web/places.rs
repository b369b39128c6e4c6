//! Places among the submissions in flight. Nobody may hold all of them: half is the most.
//!
//! A place is taken before the body, so that overload is answered without reading it; a sender may
//! hold one for as long as its body takes.

use crate::base::id::PartnerId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All places there are.
pub struct Places {
    all_max: usize,
    each_max: usize,
    held: Mutex<HashMap<PartnerId, usize>>,
}

impl Places {
    /// So many; of one place there is no half.
    pub fn new(all_max: usize) -> Arc<Places> {
        Arc::new(Places {
            all_max,
            each_max: (all_max / 2).max(1),
            held: Mutex::default(),
        })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.held().values().sum()
    }

    /// A place for a partner; `None` when all are taken, or its share is.
    pub fn enter(self: &Arc<Self>, partner: &PartnerId) -> Option<Place> {
        let mut held = self.held();
        let own = held.get(partner).copied().unwrap_or(0);
        if own >= self.each_max || held.values().sum::<usize>() >= self.all_max {
            return None;
        }
        held.insert(partner.clone(), own + 1);
        Some(Place {
            places: self.clone(),
            partner: partner.clone(),
        })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<PartnerId, usize>> {
        // The counts are whole after every step: one that panicked elsewhere did not spoil them.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, given back when dropped.
pub struct Place {
    places: Arc<Places>,
    partner: PartnerId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held();
        let own = held.get(&self.partner).copied().unwrap_or(0);
        if own > 1 {
            held.insert(self.partner.clone(), own - 1);
        } else {
            held.remove(&self.partner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_half() {
        // Goal: one partner leaves room for others, and what is given back can be taken again.
        // Method: five places, three partners.
        let places = Places::new(5);
        let [a, b, c] = ["a", "b", "c"].map(PartnerId::new);
        let first = places.enter(&a).expect("a place");
        let _second = places.enter(&a).expect("half of five");
        assert!(places.enter(&a).is_none());
        let _others = [places.enter(&b), places.enter(&b)].map(|place| place.expect("a place"));
        let last = places.enter(&c).expect("the last place");
        assert!(places.enter(&c).is_none(), "all are taken");
        drop(last);
        drop(first);
        assert_eq!(places.taken(), 3);
        let _again = places.enter(&a).expect("given back");
        assert!(places.enter(&a).is_none());
    }

    #[test]
    fn one_place_is_for_anybody() {
        // Goal: the least setting serves. Method: one place, taken in turn.
        let places = Places::new(1);
        let [a, b] = ["a", "b"].map(PartnerId::new);
        let first = places.enter(&a);
        assert!(first.is_some() && places.enter(&b).is_none());
        drop(first);
        assert!(places.enter(&b).is_some());
    }
}
