//! Facts of the registry: what a partner asserts of a person, revision by revision.

use crate::base::clock::Timestamp;
use crate::base::id::{CorrelationId, FactId, PartnerId, PersonId};
use crate::base::sensitive::Sensitive;

/// A fact to keep: its first or a new revision.
#[derive(Clone, Debug)]
pub struct NewFact {
    /// As the asserter names it; only its keyed digest is searchable.
    pub fact_id: FactId,
    /// Who asserts it.
    pub partner: PartnerId,
    /// Of whom.
    pub subject: PersonId,
    /// Whether it concerns everybody of its subject's household.
    pub of_household: bool,
    /// What is done to it.
    pub step: FactStep,
    /// The revision this one was made from; none for the first. Another newest one refuses it.
    pub after: Option<u32>,
    /// From when it no longer counts.
    pub ended_at: Option<Timestamp>,
    /// The fact as JSON.
    pub body: Sensitive<Vec<u8>>,
    /// When.
    pub at: Timestamp,
    /// Of the request.
    pub correlation_id: CorrelationId,
}

/// A fact that concerns its subject's household.
#[derive(Debug)]
pub struct HouseholdFact {
    /// Others of the household, of those asked about.
    pub of: Vec<PersonId>,
    /// The fact.
    pub fact: StoredFact,
}

/// What is done to a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactStep {
    /// Asserted, or asserted otherwise.
    Asserted,
    /// Confirmed by a second human.
    Confirmed,
    /// Ended.
    Ended,
}

impl FactStep {
    /// The word in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            FactStep::Asserted => "asserted",
            FactStep::Confirmed => "confirmed",
            FactStep::Ended => "ended",
        }
    }
}

/// A fact, opened: its newest revision.
#[derive(Clone, Debug)]
pub struct StoredFact {
    /// As the asserter names it.
    pub fact_id: FactId,
    /// Who asserts it.
    pub partner: PartnerId,
    /// Of whom.
    pub subject: PersonId,
    /// From 1; every change is a new one.
    pub revision: u32,
    /// When this revision was entered.
    pub entered_at: Timestamp,
    /// From when it no longer counts.
    pub ended_at: Option<Timestamp>,
    /// The fact as JSON.
    pub body: Sensitive<Vec<u8>>,
}

/// What became of a change to a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactChange {
    /// Committed.
    Done {
        /// The new revision.
        revision: u32,
        /// The person's epoch from now on.
        epoch: i64,
        /// Withheld deliveries queued for a new decision.
        reevaluated: u64,
    },
    /// The fact is another person's.
    OtherSubject,
    /// It was ended: another one needs an id of its own.
    Ended,
    /// Its newest revision is not the one this was made from.
    Moved,
    /// The asserter has as many of the person as there may be.
    TooMany,
}
