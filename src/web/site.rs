//! What all requests share: settings, clock, credentials, and what is in flight.

use super::principal::Directory;
use crate::app::Gateway;
use crate::base::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The state behind every route; one for the process.
pub struct Site {
    /// Settings.
    pub config: Arc<Config>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Everything kept.
    pub store: Store,
    /// Credentials in force.
    pub directory: ArcSwap<Directory>,
    /// OpenAPI, rendered once.
    pub openapi: String,
    in_flight: AtomicUsize,
    stopping: AtomicBool,
}

impl Site {
    /// Serves this gateway for these principals.
    pub fn new(gateway: &Gateway, directory: Directory) -> Site {
        Site {
            config: gateway.config.clone(),
            clock: gateway.clock.clone(),
            store: gateway.store.clone(),
            directory: ArcSwap::from_pointee(directory),
            openapi: super::openapi::render(),
            in_flight: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    /// From now on readiness says no.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Whether a stop has begun.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// How many submissions are between body and commit.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// A place among the submissions in flight; `None` when all are taken.
    pub fn enter(self: &Arc<Self>) -> Option<Place> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.clone());
        (before < self.config.limits.in_flight_max).then_some(place)
    }
}

/// A place among the submissions in flight, given back when dropped.
pub struct Place(Arc<Site>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
