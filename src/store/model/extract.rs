//! Structs of extracts: a job fixes five things, everything else follows from them.

use super::{DecisionRecord, HoldCause, StoredRecord};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;

/// A job to create. The store adds the ledger position and the instant of the decisions.
#[derive(Clone, Debug)]
pub struct NewExtract {
    /// Minted by the caller.
    pub extract_id: ExtractId,
    /// Who asks.
    pub requester: PartnerId,
    /// A test partner's extract holds test records only and is not accounted.
    pub test: bool,
    /// The rules they are taken by.
    pub rule_set: RuleSetId,
    /// Of the request.
    pub correlation_id: CorrelationId,
    /// Parameters as JSON; record types, periods and words of vocabularies only.
    pub params: String,
}

/// Whether a job was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewJob {
    /// It was.
    Created(Box<Extract>),
    /// The requester has as many under way as it may.
    RequesterBusy,
    /// As many are under way as the gateway takes.
    Busy,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtractState {
    /// Files are being written.
    Writing,
    /// May be fetched while it is not stale.
    Ready,
    /// Given up.
    Abandoned,
    /// What it was decided on no longer holds.
    Stale,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extract {
    /// Which.
    pub extract_id: ExtractId,
    /// Who asked.
    pub requester: PartnerId,
    /// Test records only.
    pub test: bool,
    /// Versions whose submission stands before this ledger position are in it; a person whose
    /// consents changed at or after it makes the job stale.
    pub position: u64,
    /// The instant all decisions are taken as of.
    pub decided_at: Timestamp,
    /// The rules they are taken by.
    pub rule_set: RuleSetId,
    /// Of the request.
    pub correlation_id: CorrelationId,
    /// Parameters as JSON.
    pub params: String,
    /// Where it stands.
    pub state: ExtractState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// The manifest once it is ready, JSON.
    pub manifest: Option<String>,
}

/// Whether a job may be fetched now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Current,
    /// What it was decided on no longer holds.
    Stale,
    /// It is too old.
    Expired,
}

/// Which page of a job's records.
#[derive(Clone, Debug)]
pub struct ExtractPage {
    /// Who asks: some of the records a person may have looked at for this requester.
    pub requester: PartnerId,
    /// Over which channel.
    pub channel: ChannelId,
    /// The job's position.
    pub position: u64,
    /// Test records only, or none of them.
    pub test: bool,
    /// One record type; a job goes through its types in order.
    pub record_type: RecordType,
    /// After this record.
    pub after: Option<RecordId>,
    /// Records at most.
    pub limit: usize,
}

/// The row a version stands in; of no meaning outside the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowRef(pub(in crate::store) [u8; 16]);

/// One version a job sees.
#[derive(Clone, Debug)]
pub struct ExtractRow {
    /// Where it stands.
    pub row: RowRef,
    /// What it is.
    pub record: StoredRecord,
    /// Whether a person has looked at it for this requester and let it go on.
    pub reviewed: bool,
    /// Obligations a person has said are done for this requester, one bit each by their place in
    /// the vocabulary.
    pub done: u32,
}

/// A version that was selected and cannot be opened: shredded or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which record.
    pub record_id: RecordId,
    /// Where it stands.
    pub row: RowRef,
}

/// A page of what a job sees.
#[derive(Clone, Debug)]
pub struct ExtractRows {
    /// In order of the record ids.
    pub rows: Vec<ExtractRow>,
    /// What was selected too and cannot be opened.
    pub unreadable: Vec<Unreadable>,
    /// Where the next page starts; absent after the last, whatever could be opened.
    pub next: Option<RecordId>,
}

/// One record a job has decided on.
#[derive(Clone, Debug)]
pub struct ExtractTaken {
    /// Which record.
    pub record_id: RecordId,
    /// Which version.
    pub row: RowRef,
    /// The decision.
    pub decision: DecisionRecord,
    /// What it came to.
    pub outcome: ExtractOutcome,
}

/// What a decision of a job came to.
#[derive(Clone, Debug)]
pub enum ExtractOutcome {
    /// It goes into the file.
    Given(ExtractOutput),
    /// Law and consents withhold it.
    Withheld,
    /// A person must look.
    Held(HoldCause),
}

/// What one record adds to its file.
#[derive(Clone, Debug)]
pub struct ExtractOutput {
    /// Persons of the record: a change of their consents makes the job stale.
    pub persons: Vec<PersonId>,
    /// Digest of the bytes; kept under a key.
    pub digest: Digest,
    /// First byte in the file.
    pub starts_at: u64,
    /// One after its last byte.
    pub ends_at: u64,
    /// When a person has to have looked at it, where one looks only after it has gone.
    pub review_due: Option<Timestamp>,
}

/// A file of a job, written whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtractFile {
    /// From zero.
    pub number: u32,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Released rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A recorded row of a file, to be made again.
#[derive(Clone, Debug)]
pub struct ServedRow {
    /// What it is.
    pub record: StoredRecord,
    /// Whether a person has looked at it for this requester and let it go on.
    pub reviewed: bool,
    /// Obligations a person has said are done for this requester, one bit each by their place in
    /// the vocabulary.
    pub done: u32,
    /// First byte in the file.
    pub starts_at: u64,
    /// One after its last byte.
    pub ends_at: u64,
}

/// A page of a file's recorded rows.
#[derive(Clone, Debug)]
pub struct ServedRows {
    /// In the order of the file; none after its end.
    pub rows: Vec<ServedRow>,
    /// The present instant.
    pub at: Timestamp,
}

/// A row made again, before it is sent.
#[derive(Clone, Debug)]
pub struct ServedOutput {
    /// Which record.
    pub record_id: RecordId,
    /// Digest of the bytes that would be sent.
    pub digest: Digest,
}
