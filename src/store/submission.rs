//! Reading submissions back: the stored receipt, all verdicts, the timeline.
//!
//! Another partner's submission and an unknown one are the same: nothing.

use super::keys::Keys;
use super::model::{Checkpoint, Committed, Counts, LedgerPromise, RecordStatus, RecordVerdict};
use super::sql::{Columns as _, Fault, all, first, row};
use super::stage::status_of;
use super::writer::Tx;
use super::{findings, open};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::limits::RECEIPT_RECORDS_MAX;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::sync::Arc;

/// The head row of a sealed submission.
pub(super) struct HeadRow {
    pub(super) partner: PartnerId,
    pub(super) channel: ChannelId,
    pub(super) body_digest: Digest,
    pub(super) rule_set: RuleSetId,
    pub(super) correlation_id: CorrelationId,
    pub(super) received_at: Timestamp,
    pub(super) counts: Counts,
    pub(super) ledger: LedgerPromise,
}

/// A sealed submission's head with its promise as it was given.
pub(super) async fn head(
    conn: &mut SqliteConnection,
    keys: &Keys,
    id: SubmissionId,
) -> Result<Option<HeadRow>, Fault> {
    let sql = "SELECT s.partner, s.channel, s.body_digest, s.rule_set, s.correlation_id, \
               s.received_at, s.accepted, s.duplicate, s.rejected, s.held, s.entry_id, \
               s.leaf_hash, c.size, c.root, c.at, c.key_generation, c.signature FROM submission s \
               LEFT JOIN ledger_checkpoint c ON c.size = s.checkpoint_size \
               WHERE s.submission_id = ? AND s.state = 1";
    let Some(row) = first(conn, sql, row![id.0]).await? else {
        return Ok(None);
    };
    Ok(Some(HeadRow {
        partner: PartnerId::new(&row.text(0)?),
        channel: ChannelId::new(&row.text(1)?),
        body_digest: findings::open_body_digest(keys, id, &row.blob(2)?)?,
        rule_set: RuleSetId::new(&row.text(3)?),
        correlation_id: CorrelationId::new(&row.text(4)?),
        received_at: Timestamp(row.int(5)?),
        counts: Counts {
            accepted: unsigned(&row, 6)?,
            duplicate: unsigned(&row, 7)?,
            rejected: unsigned(&row, 8)?,
            held: unsigned(&row, 9)?,
        },
        ledger: LedgerPromise {
            entry_id: EntryId(row.id(10)?),
            leaf_hash: row.digest(11)?,
            checkpoint: checkpoint_at(&row, 12)?,
        },
    }))
}

/// A checkpoint in five columns from `index`, when there is one.
pub(super) fn checkpoint_at(row: &SqliteRow, index: usize) -> Result<Option<Checkpoint>, Fault> {
    if row.int_or_null(index)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Checkpoint {
        size: unsigned(row, index)?,
        root: row.digest(index + 1)?,
        at: Timestamp(row.int(index + 2)?),
        key_generation: generation(row, index + 3)?,
        signature: row.text(index + 4)?,
    }))
}

/// The number of a key's generation.
pub(super) fn generation(row: &SqliteRow, index: usize) -> Result<u32, Fault> {
    u32::try_from(row.int(index)?).map_err(|_| Fault::Damaged("a key's generation"))
}

/// A count that is never negative.
pub(super) fn unsigned(row: &SqliteRow, index: usize) -> Result<u64, Fault> {
    u64::try_from(row.int(index)?).map_err(|_| Fault::Damaged("a count is negative"))
}

/// The receipt of a committed submission, built again from what is stored.
pub(super) async fn committed(tx: &mut Tx, id: SubmissionId) -> Result<Committed, Fault> {
    let keys = Arc::clone(&tx.keys);
    let missing = Fault::Damaged("a bound key has no submission");
    let head = head(&mut tx.conn, &keys, id).await?.ok_or(missing)?;
    let records = verdicts(&mut tx.conn, &keys, (id, None, RECEIPT_RECORDS_MAX)).await?;
    Ok(Committed {
        submission_id: id,
        partner: head.partner,
        body_digest: head.body_digest,
        rule_set: head.rule_set,
        correlation_id: head.correlation_id,
        ledger: head.ledger,
        counts: head.counts,
        records,
        repeated: true,
    })
}

/// Verdicts of a submission after an index, in order.
pub(super) async fn verdicts(
    conn: &mut SqliteConnection,
    keys: &Keys,
    (id, after, limit): (SubmissionId, Option<u32>, usize),
) -> Result<Vec<RecordVerdict>, Fault> {
    let sql = "SELECT r.record_index, r.status, r.record_id, r.findings, r.row_id, v.content, \
               v.meta, k.partner, k.key_id, k.wrapped FROM submission_record r \
               LEFT JOIN record_version v ON v.row_id = r.row_id \
               LEFT JOIN record_key k ON k.row_id = r.row_id \
               WHERE r.submission_id = ? AND r.record_index > ? ORDER BY r.record_index LIMIT ?";
    let after = after.map_or(-1, i64::from);
    let rows = all(conn, sql, row![id.0, after, limit]).await?;
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        let index = u32::try_from(row.int(0)?).map_err(|_| Fault::Damaged("an index"))?;
        let status = status_of(row.int(1)?)?;
        let sealed = row.blob_or_null(3)?;
        // A shredded record has no key left; its verdict stands without the sender's id.
        let key = match row.blob_or_null(9)? {
            Some(wrapped) => {
                let partner = PartnerId::new(&row.text(7)?);
                open::load_partner_key(conn, keys, &partner, row.int(8)?).await?;
                Some(open::data_key(keys, &partner, row.int(8)?, &wrapped)?)
            }
            None => None,
        };
        let source = match &key {
            Some(key) => Some(open::meta(key, &row.id(4)?, &row.digest(5)?, &row.blob(6)?)?.source),
            None => None,
        };
        let findings = match (sealed, status, &key) {
            (None, ..) => Vec::new(),
            (Some(sealed), RecordStatus::Accepted | RecordStatus::Held, Some(key)) => {
                findings::open_own(key, &row.id(4)?, &sealed)?
            }
            (Some(_), RecordStatus::Accepted | RecordStatus::Held, None) => Vec::new(),
            (Some(sealed), RecordStatus::Duplicate | RecordStatus::Rejected, _) => {
                findings::open(keys, (id, index), &sealed)?
            }
        };
        out.push(RecordVerdict {
            index,
            record_id: row.id_or_null(2)?.map(RecordId),
            source_record_id: source,
            status,
            findings,
        });
    }
    Ok(out)
}
