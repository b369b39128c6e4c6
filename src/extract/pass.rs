//! One pass over the records of one type: decide, release, a page at a time.
//!
//! Both the pass that counts and the pass that serves go through here; with the same job they see
//! the same records in the same order.

use super::joint::Joint;
use super::manifest::Parameters;
use crate::base::id::{PersonId, RecordType};
use crate::catalog::partner::{Channel, Partner};
use crate::kept::{Toward, held, persons, release_stored};
use crate::release::candidates::{is_party, walled_off};
use crate::release::{FamilyPapers, Outgoing, Release, family_names, opened};
use crate::rules::Rules;
use crate::store::{Extract, ExtractPage, Store, StoreError, StoredConsent, StoredRecord};
use std::sync::Arc;

/// Records decided in one go.
const PAGE_ROWS: usize = 250;

/// A record that may go, with what was released of it.
pub struct Released {
    /// Which record and version, for whom.
    pub stored: StoredRecord,
    /// What of it may go.
    pub outgoing: Outgoing,
}

/// A pass over the records of one type of one job.
pub struct Pass {
    store: Store,
    rules: Arc<Rules>,
    recipient: Partner,
    channel: Channel,
    extract: Extract,
    page: ExtractPage,
    ended: bool,
}

impl Pass {
    /// A pass from the beginning; `None` when the requester or its channel is gone.
    pub fn open(
        store: &Store,
        rules: &Arc<Rules>,
        extract: &Extract,
        parameters: &Parameters,
        record_type: &RecordType,
    ) -> Option<Pass> {
        let recipient = rules.partners.get(&extract.requester)?.clone();
        let channel = recipient.channel(&parameters.channel)?.clone();
        let page = ExtractPage {
            position: extract.position,
            test: extract.test,
            record_type: record_type.clone(),
            after: None,
            limit: PAGE_ROWS,
        };
        Some(Pass {
            store: store.clone(),
            rules: rules.clone(),
            recipient,
            channel,
            extract: extract.clone(),
            page,
            ended: false,
        })
    }

    /// How the files of this channel's format are joined.
    pub fn joint(&self) -> Joint {
        let tabular = self
            .rules
            .wires
            .get(&self.channel.format)
            .is_some_and(|w| w.is_tabular());
        if tabular { Joint::Rows } else { Joint::Lines }
    }

    /// Media type of the file.
    pub fn media_type(&self) -> String {
        let wire = self.rules.wires.get(&self.channel.format);
        match self.joint() {
            Joint::Lines => "application/x-ndjson".to_owned(),
            Joint::Rows => wire
                .map(|wire| wire.media_type().to_owned())
                .unwrap_or_default(),
        }
    }

    /// What may go of the next page; `None` after the last.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self) -> Result<Option<Vec<Released>>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let records = self.store.extract_page(&self.page).await?;
        let Some(last) = records.last() else {
            return Ok(None);
        };
        self.page.after = Some(last.record_id);
        self.ended = records.len() < self.page.limit;
        let mut persons: Vec<PersonId> = records
            .iter()
            .flat_map(|r| &r.persons)
            .map(|p| p.person)
            .collect();
        persons.sort_unstable();
        persons.dedup();
        let consents = self.store.consents_of(&persons).await?;
        let released = records
            .into_iter()
            .filter_map(|stored| self.decide(stored, &consents));
        Ok(Some(released.collect()))
    }

    fn decide(&self, stored: StoredRecord, consents: &[StoredConsent]) -> Option<Released> {
        if !self.may_be_asked(&stored, consents) {
            return None;
        }
        let to = Toward {
            recipient: &self.recipient,
            channel: &self.channel,
            reviewed: false,
        };
        let at = self.extract.decided_at;
        match release_stored(&self.rules, &stored, to, consents, at)? {
            Release::Go(outgoing) => Some(Released {
                stored,
                outgoing: *outgoing,
            }),
            Release::Withheld(_) | Release::Held(..) => None,
        }
    }

    /// The prevention wall stands for pulls as for sends; and who is not the state pulls only
    /// records that name it.
    fn may_be_asked(&self, stored: &StoredRecord, consents: &[StoredConsent]) -> bool {
        let Some(record) = opened(&stored.record_type, &stored.payload) else {
            return false;
        };
        let own: Vec<StoredConsent> = consents
            .iter()
            .filter(|consent| stored.persons.iter().any(|p| p.person == consent.subject))
            .cloned()
            .collect();
        let named = family_names(
            &self.rules,
            &FamilyPapers {
                record: &record,
                persons: &persons(stored),
                source: &stored.partner,
                consents: &held(&own),
                now: self.extract.decided_at,
            },
        );
        let purpose = self.channel.purpose;
        let state = purpose == Some(crate::base::vocabulary::Purpose::StateReporting);
        !walled_off(&self.recipient, &record, &named)
            && (state || is_party(&self.recipient, &record))
            && stored.partner != self.recipient.id
    }
}
