//! The manifest: what a batch holds, by file, with counts and SHA-256.
//!
//! It speaks of released rows, and of how many records could not be read at all: neither a count
//! nor a length tells of a record that was withheld.

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::{ExtractId, PartnerId, RecordId, RuleSetId};
use crate::store::LedgerPromise;

/// What the requester asked for. The files are a pure function of these, the watermark, the
/// instant, the rule set and the requester.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The pull channel of the requester.
    pub channel: crate::base::id::ChannelId,
    /// Record types, in the order of the files.
    pub records: Vec<crate::base::id::RecordType>,
    /// Whether the requester sees test traffic, and only that.
    pub test: bool,
}

/// The manifest of a finished extract.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// Which extract.
    pub extract_id: ExtractId,
    /// Who asked.
    pub requester: PartnerId,
    /// The rules it was decided by.
    pub rule_set: RuleSetId,
    /// Ledger position up to which records are in it.
    pub watermark: u64,
    /// The instant of the decisions.
    pub decided_at: Timestamp,
    /// From then on the files are served no longer.
    pub expires_at: Timestamp,
    /// What was asked for.
    pub parameters: Parameters,
    /// One file per record type that has any.
    pub files: Vec<File>,
    /// Records that should have been decided on and could not be read, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// Records this requester was sent earlier and that are gone now.
    pub deleted: Vec<RecordId>,
    /// How many more are gone than are named.
    #[serde(default)]
    pub deleted_left_out: u64,
    /// The promise that this extract is in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerPromise>,
}

/// Records of one type that could not be read; each has a work item.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gap {
    /// Their type.
    pub record_type: crate::base::id::RecordType,
    /// How many.
    pub records: u64,
}

/// One file of an extract.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct File {
    /// One plain path segment.
    pub name: String,
    /// The record type in it.
    pub record_type: crate::base::id::RecordType,
    /// As served.
    pub media_type: String,
    /// Released records.
    pub records: u64,
    /// Length.
    pub bytes: u64,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// What binds whoever has it: codes of what is owed with any record in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<String>,
}
