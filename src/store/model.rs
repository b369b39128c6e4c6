//! The plain structs of the store's operations.

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::id::*;
use crate::base::sensitive::Sensitive;
use crate::base::vocabulary::Verdict;
use crate::outbox::Answer;
use std::sync::Arc;

mod cause;
mod consent;
mod emergency;
mod extract;
mod fact;
mod failure;
mod person;
mod recall;
mod turn;
mod work;
pub use crate::ledger::checkpoint::Checkpoint;
pub use crate::outbox::DeliveryState;
pub use cause::*;
pub use consent::*;
pub use emergency::*;
pub use extract::*;
pub use fact::*;
pub use failure::*;
pub use person::*;
pub use recall::*;
pub use turn::*;
pub use work::*;

/// One record on its way into the store.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// Position in the submission, from zero.
    pub index: u32,
    /// Canonical type.
    pub record_type: RecordType,
    /// The sender's id of it; correction and duplicate are found by it.
    pub source_record_id: String,
    /// Digest of canonical persons and body: the version.
    pub version: Digest,
    /// Canonical JSON of the whole record, without `record_id` (the store knows it).
    pub payload: Sensitive<Vec<u8>>,
    /// The persons it speaks of.
    pub persons: Vec<NewPerson>,
    /// Bare lines of its addresses that never leave; only their keyed digests are kept.
    pub protected_lines: Vec<String>,
    /// Records it was made from.
    pub sources: Vec<RecordId>,
    /// Case number and partner's case keys, for routing, as the sender wrote them.
    pub case_ref: Option<String>,
    /// Five digits.
    pub county_fips: Option<String>,
    /// What the envelope asks for.
    pub action: Action,
    /// `case`, `referral` or `prevention`.
    pub service_source: Option<String>,
    /// Warnings and information to show with the verdict.
    pub findings: Vec<Finding>,
    /// The earlier record it speaks of.
    pub earlier: Earlier,
    /// Set when intake itself holds the record: stored, a work item raised, not routed.
    pub hold: Option<HoldCause>,
}

/// What a record says of an earlier one, which only the store can look up.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// Source id of the record it replaces.
    pub supersedes: Option<String>,
    /// What is told if the earlier record was never received.
    pub findings: Vec<Finding>,
}

/// What a submitted record does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// New, or a correction when the source id is known.
    Upsert,
    /// The sender withdraws it.
    Void,
}

/// A submission to accept in one transaction.
#[derive(Clone, Debug)]
pub struct NewSubmission {
    /// Minted by intake.
    pub submission_id: SubmissionId,
    /// The sender.
    pub partner: PartnerId,
    /// Its in-channel.
    pub channel: ChannelId,
    /// Test traffic never leaves the partner's own lane.
    pub test: bool,
    /// As sent in `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// SHA-256 of the body.
    pub body_digest: Digest,
    /// The rules it was read by.
    pub rule_set: RuleSetId,
    /// Runs through everything.
    pub correlation_id: CorrelationId,
    /// Database clock.
    pub received_at: Timestamp,
    /// Records that passed; rejected ones are only counted and their findings kept.
    pub records: Vec<NewRecord>,
    /// Rejected records: index, sender's id if readable, findings. No payload.
    pub rejected: Vec<Rejected>,
}

/// A record that was not accepted; its content is dropped.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Rejected {
    /// Position in the submission.
    pub index: u32,
    /// Always errors among them.
    pub findings: Vec<Finding>,
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RecordVerdict {
    /// Position in the submission.
    pub index: u32,
    /// Absent when rejected.
    pub record_id: Option<RecordId>,
    /// The sender's own id, given back to the sender alone.
    pub source_record_id: Option<String>,
    /// Accepted, duplicate, rejected or held.
    pub status: RecordStatus,
    /// Why, or what to mend.
    pub findings: Vec<Finding>,
}

/// Status of a record in its submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordStatus {
    /// Stored, a route row written.
    Accepted,
    /// Same id, same content: nothing new stored.
    Duplicate,
    /// Not stored.
    Rejected,
    /// Stored, waiting for a person.
    Held,
}

/// Counts of one submission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// New versions stored.
    pub accepted: u64,
    /// Already known.
    pub duplicate: u64,
    /// Refused.
    pub rejected: u64,
    /// Waiting for a person.
    pub held: u64,
}

/// A promise that the entry is in the log, proved once a later checkpoint covers it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LedgerPromise {
    /// The entry of this submission.
    pub entry_id: EntryId,
    /// RFC 6962 leaf hash.
    pub leaf_hash: Digest,
    /// The newest checkpoint already signed; absent before the first.
    pub checkpoint: Option<Checkpoint>,
}

/// Proof of a committed submission; only the store makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    pub(super) submission_id: SubmissionId,
    pub(super) partner: PartnerId,
    pub(super) body_digest: Digest,
    pub(super) rule_set: RuleSetId,
    pub(super) correlation_id: CorrelationId,
    pub(super) ledger: LedgerPromise,
    pub(super) counts: Counts,
    pub(super) records: Vec<RecordVerdict>,
    pub(super) repeated: bool,
}

impl Committed {
    /// The submission.
    pub fn submission_id(&self) -> SubmissionId {
        self.submission_id
    }
    /// The sender.
    pub fn partner(&self) -> &PartnerId {
        &self.partner
    }
    /// Digest of the body as it was first sent.
    pub fn body_digest(&self) -> Digest {
        self.body_digest
    }
    /// The rules it was read by.
    pub fn rule_set(&self) -> &RuleSetId {
        &self.rule_set
    }
    /// Of the first sending.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.correlation_id
    }
    /// The promise.
    pub fn ledger(&self) -> &LedgerPromise {
        &self.ledger
    }
    /// Counts over all records.
    pub fn counts(&self) -> Counts {
        self.counts
    }
    /// Verdicts, bounded for a receipt.
    pub fn records(&self) -> &[RecordVerdict] {
        &self.records
    }
    /// Whether this answers a repeated key with the first receipt.
    pub fn repeated(&self) -> bool {
        self.repeated
    }
}

/// A stored record, opened.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    /// Which.
    pub record_id: RecordId,
    /// Which version: a keyed digest of the store's, not the one the record came with.
    pub version: Digest,
    /// Its type.
    pub record_type: RecordType,
    /// Who sent it.
    pub partner: PartnerId,
    /// The sender's channel.
    pub channel: ChannelId,
    /// The sender's id.
    pub source_record_id: String,
    /// Whether it is test traffic.
    pub test: bool,
    /// Whether the sender voided it.
    pub void: bool,
    /// When it was received.
    pub received_at: Timestamp,
    /// Submission that brought this version.
    pub submission_id: SubmissionId,
    /// Of that submission.
    pub correlation_id: CorrelationId,
    /// Ledger position once sequenced.
    pub position: Option<u64>,
    /// Canonical JSON.
    pub payload: Sensitive<Vec<u8>>,
    /// Record key to person.
    pub persons: Vec<StoredPerson>,
}

/// A person of a stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPerson {
    /// Key inside the record.
    pub key: String,
    /// The joined person.
    pub person: PersonId,
    /// Whether the record is about this person.
    pub focus: bool,
    /// Consent epoch read together with the record.
    pub epoch: i64,
}

/// One candidate the router found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// `digest(record id, version, partner, channel, purpose, generation)`, halved.
    pub delivery_id: DeliveryId,
    /// What.
    pub record_id: RecordId,
    /// Which version.
    pub version: Digest,
    /// To whom.
    pub partner: PartnerId,
    /// Over which channel.
    pub channel: ChannelId,
    /// From zero; grows when narrower bytes replace sent ones.
    pub generation: u32,
    /// Whether the partner was named as addressee (then withholding raises a work item).
    pub addressee: bool,
    /// Days after queueing during which a withheld delivery may still go out (channel setting).
    pub late_release_days: u32,
}

/// A delivery a worker has claimed.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// What is to be sent.
    pub delivery: NewDelivery,
    /// Fencing token: a stale one changes nothing.
    pub token: i64,
    /// Attempts made before this one.
    pub attempts: u32,
    /// When it was queued or last brought up again; giving up is counted from then.
    pub due_since: Timestamp,
    /// The record, opened once for all its claims.
    pub record: Arc<StoredRecord>,
    /// Bytes of the first authorised attempt, with the digest of their released set.
    pub kept: Option<KeptOutput>,
    /// Whether an earlier attempt may have arrived.
    pub ambiguous: bool,
    /// Whether a person has looked at it and let it go on.
    pub reviewed: bool,
    /// Obligations a person has said are done for it, one bit each by their place in the
    /// vocabulary.
    pub done: u32,
    /// Set when it is only decided anew: if it may still go, its attempt is due then.
    pub resume_at: Option<Timestamp>,
    /// Set when it is a notice about an earlier delivery, not a record.
    pub recall: Option<Recall>,
}

/// The bytes a delivery has once been authorised with.
#[derive(Clone, Debug)]
pub struct KeptOutput {
    /// Exactly what was or may have been sent.
    pub bytes: Sensitive<Vec<u8>>,
    /// Media type.
    pub media_type: String,
    /// Sorted `(pointer)` list of what was released; compared with a new decision.
    pub released_paths: Vec<String>,
    /// Digest of all that goes along with the record.
    pub along: Digest,
}

/// What a worker asks the store to commit before it may send.
#[derive(Clone, Debug)]
pub struct Authorisation {
    /// The claim.
    pub delivery_id: DeliveryId,
    /// Its token.
    pub token: i64,
    /// Person and epoch the decision was taken with; any change refuses the authorisation.
    pub epochs: Vec<(PersonId, i64)>,
    /// Consents for one disclosure that it rests on, by lodger and the lodger's id: used up by it.
    pub spends: Vec<(PartnerId, ConsentId)>,
    /// Decision record: what the ledger and the accounting keep.
    pub decision: DecisionRecord,
    /// The bytes to keep for further attempts.
    pub output: KeptOutput,
    /// When a person has to have looked at it, where one looks only after it has gone.
    pub review_due: Option<Timestamp>,
}

/// A decision as kept.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DecisionRecord {
    /// Rules it was taken by.
    pub rule_set: RuleSetId,
    /// When.
    pub at: Timestamp,
    /// Purpose of use.
    pub purpose: String,
    /// Recipient's role.
    pub recipient_role: String,
    /// Source's role.
    pub source_role: String,
    /// Per person and class.
    pub rows: Vec<DecisionRow>,
    /// The sets of facts the rows were judged by, each the names of those that held.
    pub facts: Vec<Vec<String>>,
    /// The consents that were looked at, counting or not.
    pub consents: Vec<ConsentUsed>,
    /// The facts of the registry it rested on.
    pub asserted: Vec<FactUsed>,
    /// Withheld because nobody has confirmed lately who the recipient is to the person.
    pub standing_unknown: bool,
    /// Owed and discharged.
    pub obligations: Vec<String>,
    /// Who asked that a person looks, and when. Absent in decisions of before it was kept.
    #[serde(default)]
    pub reviews: Vec<LookAsked>,
    /// All citations.
    pub citations: Vec<String>,
    /// Owed and not discharged: what a person has to do before anything goes.
    #[serde(default)]
    pub open: Vec<String>,
}

/// Who asked that a person looks.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LookAsked {
    /// The row of the rules.
    pub by: String,
    /// Before it went, or else within a business day afterwards.
    pub before: bool,
}

/// A decision with what it was about.
#[derive(Clone, Debug, PartialEq)]
pub struct PastDecision {
    /// The delivery, or the disclosure of a pull, by its id.
    pub named: String,
    /// The record.
    pub record_id: RecordId,
    /// Toward whom.
    pub partner: PartnerId,
    /// Over which channel; `None` in a pull.
    pub channel: Option<ChannelId>,
    /// Where the delivery stands; `None` in a pull.
    pub state: Option<DeliveryState>,
    /// The decision.
    pub decision: DecisionRecord,
}

/// One (person, class) of a decision.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DecisionRow {
    /// The person.
    pub person: PersonId,
    /// The data class.
    pub data_class: String,
    /// Whether it may go.
    pub verdict: Verdict,
    /// The first citation.
    pub citation: String,
    /// Which of the decision's sets of facts it was judged by.
    pub facts: usize,
}

/// A revision of a consent a decision looked at.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ConsentUsed {
    /// Who lodged it.
    pub lodger: PartnerId,
    /// The lodger's id of it.
    pub consent_id: ConsentId,
    /// Its revision.
    pub revision: u32,
}

/// A revision of a fact a decision rested on.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FactUsed {
    /// Who asserts it.
    pub asserter: PartnerId,
    /// The asserter's id of it.
    pub fact_id: FactId,
    /// Its revision.
    pub revision: u32,
}

/// Whether the store let a worker go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorised {
    /// Committed; send now.
    Go,
    /// The token is stale or the delivery is no longer claimed: drop it.
    Stale,
    /// A consent changed meanwhile: decide again.
    EpochChanged,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Completion {
    /// The recipient confirmed.
    Confirmed,
    /// It refused for good (work item raised with the cause).
    Refused {
        /// HTTP status or transport word, never a body.
        detail: String,
    },
    /// It certainly did not arrive; again at the instant.
    Retry {
        /// Not before.
        next_at: Timestamp,
        /// Status or transport word.
        detail: String,
    },
    /// It may have arrived; again at the instant with the same id and bytes.
    Ambiguous {
        /// Not before.
        next_at: Timestamp,
        /// Transport word.
        detail: String,
    },
    /// All attempts used up.
    Dead {
        /// How the last one was answered: what may have arrived stays so.
        answer: Answer,
        /// Last cause.
        detail: String,
    },
    /// The record cannot be opened any more; nothing was attempted.
    Unreadable,
    /// What was decided does not count any more, and nothing was attempted.
    DecideAgain {
        /// Not before.
        next_at: Timestamp,
    },
    /// Law or consent withholds it now.
    Withheld {
        /// What decided.
        decision: Box<DecisionRecord>,
    },
    /// A person must look.
    Held {
        /// Why.
        cause: HoldCause,
        /// What was decided, when a decision could be taken.
        decision: Option<Box<DecisionRecord>>,
    },
    /// Narrower than what may have been sent: this generation ends, the next is queued.
    Withdrawn {
        /// The next generation, when anything may still go.
        next: Option<NewDelivery>,
    },
}
