//! Structs of routing, claiming, consents, work items and views.

use super::{
    Checkpoint, Counts, DecisionRecord, DeliveryState, EmergencyTold, HoldCause, LedgerPromise,
    NewDelivery, RecallView, RecordVerdict, StoredRecord,
};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::sensitive::Sensitive;
use std::time::Duration;

/// A record that waits for routing.
#[derive(Clone, Debug)]
pub struct RouteWork {
    /// The record, opened.
    pub record: StoredRecord,
    /// It was routed before: what its persons consented to has changed since.
    pub again: bool,
    /// How many changes that was when it was claimed.
    pub asked: u32,
}

/// What routing found for one record. Routing twice changes nothing.
#[derive(Clone, Debug)]
pub struct Routed {
    /// Which record.
    pub record_id: RecordId,
    /// Which version; deliveries of a version that was replaced meanwhile are not queued.
    pub version: Digest,
    /// As it was claimed; asked once more meanwhile, it is routed once more.
    pub asked: u32,
    /// The candidates.
    pub deliveries: Vec<NewDelivery>,
    /// What a person must look at.
    pub work: Vec<NewWorkItem>,
}

/// A thing for a person to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorkItem {
    /// Why.
    pub cause: HoldCause,
    /// Kind of trouble at most, never a value of the record.
    pub detail: String,
    /// When it has to be done, if it is due at all.
    pub due_at: Option<Timestamp>,
}

impl NewWorkItem {
    /// Of which nothing is said but why.
    pub const fn plain(cause: HoldCause) -> NewWorkItem {
        NewWorkItem {
            cause,
            detail: String::new(),
            due_at: None,
        }
    }
}

/// How many deliveries of one (partner, channel) may be claimed at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneLimit {
    /// The recipient.
    pub partner: PartnerId,
    /// Its channel.
    pub channel: ChannelId,
    /// Leases at once, those already held included; 0 keeps the lane closed.
    pub in_flight_max: u32,
}

/// What a worker asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Deliveries at most.
    pub limit: usize,
    /// The present instant.
    pub now: Timestamp,
    /// How long the claim holds.
    pub lease: Duration,
    /// Limits per lane.
    pub lanes: Vec<LaneLimit>,
    /// Leases at once of a lane that has no limit here: its channel is gone from the rules, and
    /// what waits for it is claimed to be ended. 0 leaves it alone.
    pub unlisted_max: u32,
}

/// What is asked of the whereabouts of people, in live traffic or in test traffic.
#[derive(Clone, Debug)]
pub struct ProtectionAsk {
    /// Whether it is about test traffic.
    pub test: bool,
    /// Which persons.
    pub persons: Vec<PersonId>,
    /// Which bare lines.
    pub lines: Vec<String>,
}

/// A consent to lodge: its first or a new revision.
#[derive(Clone, Debug)]
pub struct NewConsent {
    /// As the lodger names it; only its keyed digest is searchable.
    pub consent_id: ConsentId,
    /// Who lodges it.
    pub partner: PartnerId,
    /// Whose consent it is.
    pub subject: PersonId,
    /// The consent as JSON.
    pub body: Sensitive<Vec<u8>>,
    /// When.
    pub at: Timestamp,
    /// Of the request.
    pub correlation_id: CorrelationId,
}

/// What became of a change to a consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentChange {
    /// Committed.
    Done {
        /// The new revision.
        revision: u32,
        /// The person's epoch from now on.
        epoch: i64,
        /// Withheld deliveries queued for a new decision.
        reevaluated: u64,
    },
    /// The lodger has no such consent.
    Unknown,
    /// The consent is another person's.
    OtherSubject,
    /// It was revoked or has ended: a new consent needs an id of its own.
    Revoked,
    /// It changed while it was to be ended, again and again.
    Newer,
}

/// Who acts, for what reason. Every operator action is a ledger entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorAct {
    /// Principal name.
    pub operator: String,
    /// Why, in the operator's words; no personal data belongs here.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// One work item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    /// Which.
    pub work_item_id: WorkItemId,
    /// The sender whose record it concerns.
    pub partner: PartnerId,
    /// Why.
    pub cause: HoldCause,
    /// The record, when one is meant.
    pub record_id: Option<RecordId>,
    /// The delivery, when one is meant.
    pub delivery_id: Option<DeliveryId>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// How it was resolved.
    pub resolution: Option<String>,
    /// Kind of trouble.
    pub detail: Option<String>,
    /// Who pulled, when a pull raised it.
    pub requester: Option<PartnerId>,
    /// Over which channel.
    pub pulled_over: Option<ChannelId>,
    /// When it has to be done, if it is due at all.
    pub due_at: Option<Timestamp>,
    /// Since when the gateway has called it overdue.
    pub overdue_at: Option<Timestamp>,
    /// The request at the emergency door it is about.
    pub emergency_id: Option<EmergencyId>,
}

/// One delivery as a view shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryView {
    /// Which.
    pub delivery_id: DeliveryId,
    /// The record.
    pub record_id: RecordId,
    /// Its version.
    pub version: Digest,
    /// To whom.
    pub partner: PartnerId,
    /// Over which channel.
    pub channel: ChannelId,
    /// Where it stands.
    pub state: DeliveryState,
    /// From zero.
    pub generation: u32,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Not before, while it waits.
    pub next_at: Timestamp,
    /// Status or transport word of the last attempt.
    pub detail: Option<String>,
}

/// A submission as its sender sees it.
#[derive(Clone, Debug)]
pub struct SubmissionView {
    /// Which.
    pub submission_id: SubmissionId,
    /// Over which channel.
    pub channel: ChannelId,
    /// When.
    pub received_at: Timestamp,
    /// Of the first sending.
    pub correlation_id: CorrelationId,
    /// Digest of the body.
    pub body_digest: Digest,
    /// The rules it was read by.
    pub rule_set: RuleSetId,
    /// Counts over all records.
    pub counts: Counts,
    /// The promise.
    pub ledger: LedgerPromise,
    /// The first records with their deliveries; the rest is paged.
    pub records: Vec<RecordTimeline>,
}

/// One record of a submission with its deliveries.
#[derive(Clone, Debug)]
pub struct RecordTimeline {
    /// What became of it at intake.
    pub verdict: RecordVerdict,
    /// Where it went, of this version.
    pub deliveries: Vec<DeliveryView>,
    /// This version, opened; `None` where it went nowhere or cannot be opened.
    pub stored: Option<StoredRecord>,
}

/// One lane's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneStat {
    /// The recipient.
    pub partner: PartnerId,
    /// Its channel.
    pub channel: ChannelId,
    /// Deliveries that wait (pending or ambiguous).
    pub pending: u64,
    /// When the oldest of them was queued or last brought up again.
    pub oldest_at: Option<Timestamp>,
}

/// How the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreHealth {
    /// Records that wait for routing.
    pub routes_waiting: u64,
    /// Open work items, test traffic apart.
    pub work_items_open: u64,
    /// Of these, reviews nobody has done in time.
    pub reviews_overdue: u64,
    /// Ledger entries written.
    pub entries: u64,
    /// Of these, covered by a checkpoint.
    pub entries_sequenced: u64,
    /// Submissions between body and commit.
    pub in_flight: usize,
}

/// What became of an operator's word on a work item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Done.
    Done,
    /// There is no open item of that id.
    Unknown,
    /// The resolution does not fit the item as it stands.
    Unfit,
    /// It is about a withheld delivery, which one officer alone never makes move.
    TwoOfficers,
}

/// What became of a first officer's request to decide a withheld delivery again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayRequested {
    /// Recorded: a second officer may confirm.
    Recorded {
        /// Until when.
        until: Timestamp,
    },
    /// One is already waiting.
    Waits {
        /// Until when.
        until: Timestamp,
    },
    /// The delivery is not withheld, or there is none.
    NotWithheld,
}

/// What became of a second officer's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayConfirmed {
    /// The delivery waits for a new decision.
    Queued,
    /// The one who asked cannot confirm.
    SameOfficer,
    /// Nothing waits to be confirmed: never asked for, run out, or withheld no more.
    NotAsked,
}

/// Whether something left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exposure {
    /// It may have arrived.
    Possible,
    /// The recipient confirmed it.
    Confirmed,
}

/// One line of the accounting of disclosures.
#[derive(Clone, Debug, PartialEq)]
pub struct Disclosure {
    /// Which.
    pub disclosure_id: DisclosureId,
    /// About whom.
    pub person: PersonId,
    /// When it was authorised.
    pub at: Timestamp,
    /// To whom.
    pub partner: PartnerId,
    /// Over which channel.
    pub channel: ChannelId,
    /// Of which record.
    pub record_id: RecordId,
    /// What type.
    pub record_type: RecordType,
    /// Who had handed it in.
    pub source: PartnerId,
    /// Whether it surely arrived.
    pub exposure: Exposure,
    /// The decision it went out under.
    pub decision: DecisionRecord,
    /// Set when its recipient may not use it any further.
    pub recall: Option<RecallView>,
    /// What was declared for it, when it was given at the emergency door.
    pub emergency: Option<EmergencyTold>,
}

/// Proof that an entry stands in the ledger a checkpoint signs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InclusionProof {
    /// Zero-based position of the entry.
    pub position: u64,
    /// Its leaf hash.
    pub leaf_hash: Digest,
    /// RFC 6962 audit path, from the leaf upwards.
    pub path: Vec<Digest>,
    /// What it is proved against.
    pub checkpoint: Checkpoint,
}

/// One entry as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Zero-based position.
    pub position: u64,
    /// Leaf hash as stored.
    pub leaf_hash: Digest,
    /// Canonical bytes: one line of JSON.
    pub body: Vec<u8>,
}

/// Where a page of disclosures ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DisclosureCursor {
    /// When it was authorised.
    pub at: Timestamp,
    /// Which.
    pub disclosure_id: DisclosureId,
}

/// A page of the accounting.
#[derive(Clone, Debug, PartialEq)]
pub struct DisclosurePage {
    /// Oldest first; may be fewer than asked for although more follow.
    pub disclosures: Vec<Disclosure>,
    /// Where the next page starts; absent at the end.
    pub next: Option<DisclosureCursor>,
}
