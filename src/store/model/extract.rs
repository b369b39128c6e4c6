//! Structs of extracts: a job fixes five things, everything else follows from them.

use super::DecisionRecord;
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;

/// A job to create. The store adds the fifth thing, the ledger position.
#[derive(Clone, Debug)]
pub struct NewExtract {
    /// Minted by the caller.
    pub extract_id: ExtractId,
    /// Who asks.
    pub requester: PartnerId,
    /// A test partner's extract holds test records only and is not accounted.
    pub test: bool,
    /// The instant all decisions are taken as of.
    pub decided_at: Timestamp,
    /// The rules they are taken by.
    pub rule_set: RuleSetId,
    /// Of the request.
    pub correlation_id: CorrelationId,
    /// Parameters as JSON; record types, periods and words of vocabularies only.
    pub params: String,
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
    /// Versions whose submission stands before this ledger position are in it.
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

/// Which page of a job's records.
#[derive(Clone, Debug)]
pub struct ExtractPage {
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

/// One record of a file, as released to the requester.
#[derive(Clone, Debug)]
pub struct ExtractDisclosure {
    /// Which record.
    pub record_id: RecordId,
    /// Which version.
    pub version: Digest,
    /// Persons and epochs the decision was taken with.
    pub epochs: Vec<(PersonId, i64)>,
    /// The decision.
    pub decision: DecisionRecord,
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
