//! A stored record made ready to be asked about, once for all its recipients.
//!
//! It hands what is kept to release and gives its answer back; it decides nothing.

use super::by_person::ByPerson;
use super::{OnFile, persons};
use crate::base::clock::Timestamp;
use crate::base::id::{DeliveryId, PersonId};
use crate::catalog::partner::{Channel, Partner};
use crate::record::Record;
use crate::record::whereabouts::Protections;
use crate::release::{
    Acquaintance, Emergency, HeldConsent, HeldFact, ObligationSet, Received, Release, ReleaseInput,
    Would, no_channel, opened, release, would,
};
use crate::rules::Rules;
use crate::store::StoredRecord;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Nobody's whereabouts are protected.
static NOTHING: Protections = Protections {
    persons: BTreeSet::new(),
    in_household: BTreeSet::new(),
    lines: BTreeSet::new(),
};

/// Toward whom a stored record is decided.
#[derive(Clone, Copy)]
pub struct Toward<'a> {
    /// The recipient.
    pub recipient: &'a Partner,
    /// Over which of its channels.
    pub channel: &'a Channel,
    /// Whether a person has looked at this delivery and let it go on.
    pub reviewed: bool,
    /// What a person has said is done of what it owes.
    pub done: ObligationSet,
    /// The declaration at the emergency door it answers, if it answers one.
    pub emergency: Option<Emergency>,
}

impl<'a> Toward<'a> {
    /// Toward that channel, with nothing that anybody has done or declared about it.
    pub fn plain(recipient: &'a Partner, channel: &'a Channel) -> Toward<'a> {
        Toward {
            recipient,
            channel,
            reviewed: false,
            done: ObligationSet::default(),
            emergency: None,
        }
    }
}

/// A stored record read once, for all its recipients.
pub struct Readied<'a> {
    stored: &'a StoredRecord,
    record: Cow<'a, Record>,
    persons: Vec<(String, PersonId)>,
    consents: Vec<HeldConsent<'a>>,
    facts: Vec<HeldFact<'a>>,
    housemates: Vec<(PersonId, HeldFact<'a>)>,
    protections: &'a Protections,
    received: &'a [Received],
}

impl<'a> Readied<'a> {
    /// Reads a stored record. `None` when its payload cannot be read: then nothing may leave.
    pub fn new(
        stored: &'a StoredRecord,
        found: &'a OnFile,
        on_file: &ByPerson<'a>,
    ) -> Option<Readied<'a>> {
        let record = match found.read.get(&(stored.record_id, stored.version)) {
            Some(read) => Cow::Borrowed(read),
            None => Cow::Owned(opened(&stored.record_type, &stored.payload)?),
        };
        Some(Readied {
            stored,
            record,
            persons: persons(stored),
            consents: on_file.consents(stored),
            facts: on_file.facts(stored),
            housemates: found.housemates(stored),
            received: found.received(stored),
            protections: match stored.test {
                true => &found.test,
                false => &found.live,
            },
        })
    }

    /// The same as if nobody's whereabouts were protected by what others say: how it was before
    /// that was said.
    pub fn unprotected(self) -> Readied<'a> {
        Readied {
            housemates: Vec::new(),
            protections: &NOTHING,
            ..self
        }
    }

    /// Decides for a recipient at an instant. `None` when the record's sender is no longer in the
    /// catalog: then nothing may leave.
    pub fn release(&self, rules: &Rules, toward: Toward<'_>, now: Timestamp) -> Option<Release> {
        Some(release(rules, &self.input(rules, toward, now)?))
    }

    /// As [`Readied::release`], for one attempt of a delivery: a consent for one disclosure that
    /// this very delivery has used still counts for it.
    pub fn release_attempt(
        &self,
        rules: &Rules,
        attempt: (Toward<'_>, DeliveryId),
        now: Timestamp,
    ) -> Option<Release> {
        self.attempted(rules, attempt, now, |input| release(rules, input))
    }

    /// What would be decided of a delivery that has left, at an instant.
    pub fn judge(
        &self,
        rules: &Rules,
        attempt: (Toward<'_>, DeliveryId),
        (now, how_well): (Timestamp, Acquaintance),
    ) -> Option<Would> {
        self.attempted(rules, attempt, now, |input| would(rules, input, how_well))
    }

    /// Asks about one attempt of a delivery, by whatever `ask` does with the question.
    fn attempted<T>(
        &self,
        rules: &Rules,
        (toward, delivery): (Toward<'_>, DeliveryId),
        now: Timestamp,
        ask: impl FnOnce(&ReleaseInput<'_>) -> T,
    ) -> Option<T> {
        let by_this = |used: &(DeliveryId, Timestamp)| used.0 == delivery;
        let mut input = self.input(rules, toward, now)?;
        let mut consents = Vec::new();
        if input.consents.iter().any(|held| held.since.used.is_some()) {
            consents.extend_from_slice(input.consents);
            for held in &mut consents {
                held.since.used = held.since.used.filter(|used| !by_this(used));
            }
            input.consents = &consents;
        }
        Some(ask(&input))
    }

    /// What is decided on. `None` as for [`Readied::release`].
    pub fn input<'b>(
        &'b self,
        rules: &'b Rules,
        toward: Toward<'b>,
        now: Timestamp,
    ) -> Option<ReleaseInput<'b>> {
        Some(ReleaseInput {
            record: &self.record,
            record_id: self.stored.record_id,
            persons: &self.persons,
            source: rules.partners.get(&self.stored.partner)?,
            recipient: toward.recipient,
            channel: toward.channel,
            test: self.stored.test,
            reviewed: toward.reviewed,
            done: toward.done,
            emergency: toward.emergency,
            consents: &self.consents,
            facts: &self.facts,
            housemates: &self.housemates,
            protections: self.protections,
            received: self.received,
            now,
        })
    }

    /// What becomes of it when the recipient or its channel is no longer in the catalog. `None`
    /// when its sender is not either.
    pub fn no_channel(
        &self,
        rules: &Rules,
        recipient: Option<&Partner>,
        now: Timestamp,
    ) -> Option<Release> {
        let source = rules.partners.get(&self.stored.partner)?;
        Some(no_channel(rules, source, recipient, now))
    }
}

/// Decides on a stored record for one recipient at an instant. `None` when its sender is no longer
/// in the catalog or its payload cannot be read: then nothing may leave.
pub fn release_stored(
    rules: &Rules,
    stored: &StoredRecord,
    toward: Toward<'_>,
    found: &OnFile,
    now: Timestamp,
) -> Option<Release> {
    let by_person = found.by_person();
    Readied::new(stored, found, &by_person)?.release(rules, toward, now)
}
