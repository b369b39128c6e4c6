//! Findings and digests of bodies as stored: sealed, for both speak of what a sender wrote.
//!
//! The findings of a stored version are sealed by its own data key and go when it is shredded. A
//! refused record has no key, and a repeated one not its own: theirs, and the body's digest, are
//! sealed by a key derived for the submission.

use super::derived::RowKey;
use super::keys::{DataKey, Domain, Keys, Place};
use super::model::NewSubmission;
use super::sql::Fault;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::id::{PartnerId, SubmissionId};

const DAMAGED: Fault = Fault::Damaged("stored findings");

fn own_place(row_id: &[u8; 16]) -> Place<'_> {
    Place {
        table: "submission_record",
        row: row_id,
        version: &[],
        column: "findings",
    }
}

fn place<'a>(submission: &'a SubmissionId, index: &'a [u8; 4]) -> Place<'a> {
    Place {
        table: "submission_record",
        row: &submission.0,
        version: index,
        column: "findings",
    }
}

fn text(findings: &[Finding]) -> Result<Option<Vec<u8>>, Fault> {
    if findings.is_empty() {
        return Ok(None);
    }
    serde_json::to_vec(findings).map(Some).map_err(|_| DAMAGED)
}

/// Seals the findings of a version; nothing when there are none.
pub(super) fn seal_own(
    key: &DataKey,
    row_id: &[u8; 16],
    findings: &[Finding],
) -> Result<Option<Vec<u8>>, Fault> {
    let plain = text(findings)?;
    let sealed = plain.map(|plain| key.seal(&own_place(row_id), &plain));
    sealed.transpose()
}

/// Seals findings by the submission's key; nothing when there are none.
pub(super) fn seal(
    key: &RowKey,
    (submission, index): (SubmissionId, u32),
    findings: &[Finding],
) -> Result<Option<Vec<u8>>, Fault> {
    let plain = text(findings)?;
    let index = index.to_be_bytes();
    let sealed = plain.map(|plain| key.seal(&place(&submission, &index), &plain));
    sealed.transpose()
}

/// Opens what [`seal_own`] made.
pub(super) fn open_own(
    key: &DataKey,
    row_id: &[u8; 16],
    sealed: &[u8],
) -> Result<Vec<Finding>, Fault> {
    read(&key.open(&own_place(row_id), sealed)?)
}

/// Opens what [`seal`] made.
pub(super) fn open(
    keys: &Keys,
    (submission, index): (SubmissionId, u32),
    sealed: &[u8],
) -> Result<Vec<Finding>, Fault> {
    let index = index.to_be_bytes();
    read(&keys.open_of_row(&place(&submission, &index), sealed)?)
}

fn read(plain: &[u8]) -> Result<Vec<Finding>, Fault> {
    serde_json::from_slice(plain).map_err(|_| DAMAGED)
}

fn body_place(submission: &SubmissionId) -> Place<'_> {
    Place {
        table: "submission",
        row: &submission.0,
        version: &[],
        column: "body_digest",
    }
}

/// Seals the digest of a submission's body.
pub(super) fn seal_body_digest(keys: &Keys, head: &NewSubmission) -> Result<Vec<u8>, Fault> {
    let id = &head.submission_id;
    keys.of_row(&id.0)?
        .seal(&body_place(id), &head.body_digest.0)
}

/// Opens the digest of a submission's body.
pub(super) fn open_body_digest(
    keys: &Keys,
    id: SubmissionId,
    sealed: &[u8],
) -> Result<Digest, Fault> {
    let plain = keys.open_of_row(&body_place(&id), sealed)?;
    let bytes = <[u8; 32]>::try_from(plain).map_err(|_| Fault::Damaged("a body's digest"))?;
    Ok(Digest(bytes))
}

/// What an idempotency key compares bodies by.
pub(super) fn keyed_body_digest(keys: &Keys, partner: &PartnerId, digest: &Digest) -> Digest {
    keys.blind_bytes(Domain::Body, &[partner.as_str().as_bytes(), &digest.0])
}
