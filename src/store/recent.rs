//! Consents looked up lately, so that the records that name one need not each ask the database.
//!
//! Only this process writes the database, and its writer forgets everything here after each commit
//! that touched a consent, before anybody is answered: what is remembered is what is committed. It
//! must never outlive such a commit.

use super::lock;
use super::model::StoredConsent;
use crate::base::limits::CONSENT_LOOKUPS_MAX;
use std::collections::HashMap;
use std::sync::Mutex;

/// Outcomes of lookups by the consent's blind key; a consent that is not there is one too.
#[derive(Default)]
pub(super) struct Recent(Mutex<Lookups>);

#[derive(Default)]
struct Lookups {
    /// How often everything was forgotten.
    era: u64,
    found: HashMap<[u8; 16], Option<StoredConsent>>,
}

impl Recent {
    /// What a lookup of that key gave, or the era in which to remember it.
    pub(super) fn get(&self, key: &[u8; 16]) -> Result<Option<StoredConsent>, u64> {
        let lookups = lock(&self.0);
        lookups.found.get(key).cloned().ok_or(lookups.era)
    }

    /// Remembers an outcome, unless a consent has changed since the lookup began in `era`.
    pub(super) fn keep(&self, era: u64, key: [u8; 16], found: Option<&StoredConsent>) {
        let mut lookups = lock(&self.0);
        if lookups.era != era {
            return;
        }
        if lookups.found.len() >= CONSENT_LOOKUPS_MAX {
            lookups.found.clear();
        }
        lookups.found.insert(key, found.cloned());
    }

    /// Forgets everything: a consent has changed.
    pub(super) fn forget(&self) {
        let mut lookups = lock(&self.0);
        lookups.era = lookups.era.wrapping_add(1);
        lookups.found.clear();
    }
}
