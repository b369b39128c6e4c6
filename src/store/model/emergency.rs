//! Structs of the emergency door.

use super::{DecisionRecord, RowRef, StoredRecord};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::sensitive::Sensitive;

/// A record that speaks of whoever is asked about.
#[derive(Clone, Debug)]
pub struct EmergencyRow {
    /// Where its newest version stands.
    pub row: RowRef,
    /// What it is.
    pub record: StoredRecord,
}

/// Which records that speak of a person are asked for.
#[derive(Clone, Debug)]
pub struct EmergencyAsk<'a> {
    /// Whom.
    pub person: PersonId,
    /// In test traffic, or in live traffic.
    pub test: bool,
    /// Of which types.
    pub record_types: &'a [RecordType],
    /// Behind which; from the newest on when `None`.
    pub after: Option<EmergencyCursor>,
    /// So many at most.
    pub limit: usize,
}

/// Where a page of them ended.
#[derive(Clone, Copy, Debug)]
pub struct EmergencyCursor {
    /// When the last of it came in.
    pub received_at: Timestamp,
    /// Which that was.
    pub row: RowRef,
}

/// Some of them, newest first.
#[derive(Clone, Debug)]
pub struct EmergencyPage {
    /// The records.
    pub rows: Vec<EmergencyRow>,
    /// Where to go on; `None` where there are no more.
    pub next: Option<EmergencyCursor>,
}

/// An answer at the emergency door, before it is given.
#[derive(Clone, Debug)]
pub struct NewEmergency {
    /// Which.
    pub emergency_id: EmergencyId,
    /// Who asks.
    pub requester: PartnerId,
    /// Over which of its channels.
    pub channel: ChannelId,
    /// For which purpose of use.
    pub purpose: String,
    /// Test traffic is never accounted.
    pub test: bool,
    /// By which rules it was decided.
    pub rule_set: RuleSetId,
    /// Of the request.
    pub correlation_id: CorrelationId,
    /// What the requester declares, as JSON: who, why, and what 42 CFR 2.51 wants documented.
    pub declaration: Sensitive<Vec<u8>>,
    /// Person and epoch the decisions were taken with; any change refuses the answer.
    pub epochs: Vec<(PersonId, i64)>,
    /// The consents for one disclosure it rests on, by lodger: the answer uses them up, or is
    /// refused where another disclosure has.
    pub spends: Vec<(PartnerId, ConsentId)>,
    /// What is given, record by record.
    pub given: Vec<EmergencyGiven>,
    /// Records that wait for a person and are therefore not given.
    pub held: u64,
    /// Whether more may go than one answer holds.
    pub truncated: bool,
    /// Whether there are older records nobody has decided.
    pub unread: bool,
    /// When an officer has to have looked at it.
    pub review_due: Timestamp,
}

/// One record that is given.
#[derive(Clone, Debug)]
pub struct EmergencyGiven {
    /// Which.
    pub record_id: RecordId,
    /// Which version.
    pub row: RowRef,
    /// Who had handed it in.
    pub source: PartnerId,
    /// The decision it goes under.
    pub decision: DecisionRecord,
    /// Of the bytes; kept under a key.
    pub output: Digest,
}

/// Whether an answer may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmergencyAnswer {
    /// Committed: give it now.
    Go,
    /// A consent, a fact or a record of it changed meanwhile, or a consent was used: decide again.
    Changed,
}

/// What was declared at the emergency door, opened.
#[derive(Clone, Debug, PartialEq)]
pub struct EmergencyTold {
    /// Which request.
    pub emergency_id: EmergencyId,
    /// Who asked.
    pub requester: PartnerId,
    /// For which purpose of use.
    pub purpose: String,
    /// When.
    pub at: Timestamp,
    /// What was declared, as JSON.
    pub declaration: Sensitive<Vec<u8>>,
}
