//! Batches: stored in chunks nobody sees, made visible by one last transaction.
//!
//! Only the seal gives a receipt and binds the key. What is not sealed is erased: when it is
//! abandoned, when its deadline has passed, when the store opens. Re-sending starts anew.

use super::accept::{
    KEYS_BOUND, SubmissionRows, Totals, append_entry, key_insert, key_row, promise,
};
use super::model::{
    AcceptError, Committed, HoldCause, NewRecord, NewSubmission, NewWorkItem, RecordStatus,
    Rejected, StoreError,
};
use super::prepare::{PreparedSubmission, idempotency_key};
use super::route::{WorkOf, work_insert, work_row};
use super::sql::{Columns as _, Fault, all, first, row, run, run_made};
use super::stage::{Part, cause_of, cause_word, stage, status_code, superseding};
use super::writer::{Appended, Tx, failed};
use super::{Store, erase, findings, identity, recall, submission, whereabouts};
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::limits::{BATCH_DEADLINE, CHUNK_RECORDS_MAX, RECEIPT_RECORDS_MAX};

/// A batch that is being received.
#[derive(Clone)]
pub(super) struct Receiving {
    head: NewSubmission,
    totals: Totals,
}

/// What sealing came to.
enum Sealed {
    Done(Box<Committed>),
    KeyConflict,
    /// The batch is gone: abandoned or past its deadline.
    Gone,
}

impl Store {
    /// Begins a batch; `head` has no records. The id it gives is the submission's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_batch(&self, head: NewSubmission) -> Result<SubmissionId, AcceptError> {
        self.partner_key(&head.partner).await?;
        let id = head.submission_id;
        self.write("begin_batch", head.clone(), |tx, head| {
            Box::pin(begin(tx, head))
        })
        .await?;
        let receiving = Receiving {
            head,
            totals: Totals::default(),
        };
        super::lock(&self.inner.batches).insert(id, receiving);
        Ok(id)
    }

    /// Stores a chunk of at most 500 records and the findings of rejected ones. Chunks of one
    /// batch are appended one after the other.
    ///
    /// # Errors
    /// When the chunk is too large, the batch is gone, or the database fails; the chunk is then
    /// not stored.
    pub async fn append_chunk(
        &self,
        id: SubmissionId,
        records: Vec<NewRecord>,
        rejected: Vec<Rejected>,
    ) -> Result<(), AcceptError> {
        const NAME: &str = "append_chunk";
        let gone = || failed(NAME, &Fault::Damaged("the batch is not being received"));
        if records.len() > CHUNK_RECORDS_MAX {
            return Err(failed(NAME, &Fault::Damaged("the chunk is too large")).into());
        }
        // Taken out while it is written: two chunks at once would mix their order.
        let taken = super::lock(&self.inner.batches).remove(&id);
        let receiving = taken.ok_or_else(gone)?;
        let mut head = receiving.head.clone();
        head.records = records;
        head.rejected = rejected;
        let written = self.write_chunk(head, receiving.totals).await;
        let mut kept = receiving;
        let result = written.and_then(|totals| totals.ok_or_else(gone));
        if let Ok(totals) = &result {
            kept.totals = *totals;
        }
        super::lock(&self.inner.batches).insert(id, kept);
        result.map(drop).map_err(AcceptError::from)
    }

    async fn write_chunk(
        &self,
        head: NewSubmission,
        totals: Totals,
    ) -> Result<Option<Totals>, StoreError> {
        const NAME: &str = "append_chunk";
        let partner_key = self.partner_key(&head.partner).await?;
        let keys = std::sync::Arc::clone(&self.inner.keys);
        let now = self.inner.clock.now();
        // Sealing five hundred records is no work for a thread that serves requests.
        let sealing = tokio::task::spawn_blocking(move || {
            PreparedSubmission::new(&keys, &partner_key, (head, now))
        });
        let sealed = sealing
            .await
            .unwrap_or(Err(Fault::Damaged("sealing ended badly")));
        let prepared = sealed.map_err(|fault| failed(NAME, &fault))?;
        let chunk: Chunk = (prepared, totals);
        let inbox = (&self.inner.chunks, NAME);
        self.hand_over(inbox, chunk, |tx, chunk| Box::pin(append(tx, chunk)))
            .await
    }

    /// Keeps records of a batch for a person, because others of it contradict them: by position.
    /// One that waits already, or that was known before the batch, stays as it is.
    ///
    /// # Errors
    /// When the batch is gone, or the database fails; nothing is held then.
    pub async fn hold_contradicted(
        &self,
        id: SubmissionId,
        records: Vec<u32>,
    ) -> Result<(), AcceptError> {
        const NAME: &str = "hold_contradicted";
        let gone = || failed(NAME, &Fault::Damaged("the batch is not being received"));
        let taken = super::lock(&self.inner.batches).remove(&id);
        let mut receiving = taken.ok_or_else(gone)?;
        let held = self
            .write(NAME, (id, records), |tx, those| Box::pin(hold(tx, those)))
            .await;
        if let Ok(held) = &held {
            let counts = &mut receiving.totals.counts;
            counts.accepted = counts.accepted.saturating_sub(*held);
            counts.held += held;
        }
        super::lock(&self.inner.batches).insert(id, receiving);
        held.map(drop).map_err(AcceptError::from)
    }

    /// Makes the batch visible, binds its key and gives the receipt. A key that is bound to the
    /// same body gives the first receipt again and this batch is erased.
    ///
    /// # Errors
    /// `KeyConflict` when the key belongs to another body (the batch is erased), or when the
    /// database fails.
    pub async fn seal_batch(
        &self,
        id: SubmissionId,
        body_digest: Digest,
    ) -> Result<Committed, AcceptError> {
        const NAME: &str = "seal_batch";
        let taken = super::lock(&self.inner.batches).remove(&id);
        let gone = || failed(NAME, &Fault::Damaged("the batch is not being received"));
        let mut receiving = taken.ok_or_else(gone)?;
        receiving.head.body_digest = body_digest;
        let sealed = self
            .write(NAME, receiving, |tx, receiving| {
                Box::pin(seal(tx, receiving))
            })
            .await?;
        match sealed {
            Sealed::Done(committed) => {
                self.inner.waiting.notify_one();
                if committed.submission_id != id {
                    self.abandon_batch(id).await?;
                }
                Ok(*committed)
            }
            Sealed::KeyConflict => {
                self.abandon_batch(id).await?;
                Err(AcceptError::KeyConflict)
            }
            Sealed::Gone => Err(gone().into()),
        }
    }

    /// Erases a batch that is still received, step by step. Nothing happens to a sealed one.
    ///
    /// # Errors
    /// When the database fails; what is left is erased at the next opening.
    pub async fn abandon_batch(&self, id: SubmissionId) -> Result<(), StoreError> {
        super::lock(&self.inner.batches).remove(&id);
        loop {
            let more = self
                .write("abandon_batch", id, |tx, id| {
                    Box::pin(erase::step(&mut tx.conn, *id))
                })
                .await?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Erases batches whose deadline has passed. To be called now and then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_overdue_batches(&self) -> Result<usize, StoreError> {
        const NAME: &str = "erase_overdue_batches";
        let mut conn = self.reader(NAME).await?;
        let now = self.inner.clock.now();
        let overdue = erase::unsealed(&mut conn, Some(now)).await;
        let overdue = overdue.map_err(|fault| failed(NAME, &fault))?;
        drop(conn);
        for id in &overdue {
            self.abandon_batch(*id).await?;
        }
        Ok(overdue.len())
    }
}

type Chunk = (PreparedSubmission, Totals);

async fn append(tx: &mut Tx, (prepared, totals): &Chunk) -> Result<Option<Totals>, Fault> {
    let head = &prepared.head;
    if !is_receiving(tx, head.submission_id).await? {
        return Ok(None);
    }
    let part = Part {
        head,
        records: &prepared.records,
        rejected: &prepared.rejected,
        visible: false,
    };
    let staged = stage(tx, &[part]).await?;
    let mut totals = *totals;
    for records in &staged {
        totals.add(records);
    }
    totals.counts.rejected += head.rejected.len() as u64;
    Ok(Some(totals))
}

/// How many of them are held now and were not.
async fn hold(tx: &mut Tx, (id, records): &(SubmissionId, Vec<u32>)) -> Result<u64, Fault> {
    let mut held = 0;
    for index in records {
        let sql = "UPDATE record_version SET held_until = ?3 WHERE row_id = (\
                   SELECT row_id FROM submission_record \
                   WHERE submission_id = ?1 AND record_index = ?2 AND status = 0)";
        run(&mut tx.conn, sql, row![id.0, *index, i64::MAX]).await?;
        let sql = "UPDATE submission_record SET status = ?3, hold = ?4 \
                   WHERE submission_id = ?1 AND record_index = ?2 AND status = 0";
        let waits = status_code(RecordStatus::Held);
        let cause = cause_word(HoldCause::RecordContradicted);
        held += run(&mut tx.conn, sql, row![id.0, *index, waits, cause]).await?;
    }
    Ok(held)
}

async fn begin(tx: &mut Tx, head: &NewSubmission) -> Result<(), Fault> {
    let mut rows = SubmissionRows::new();
    // Of nothing yet: the seal says what the body was.
    let digest = findings::seal_body_digest(&tx.keys, head)?;
    rows.push((head, &digest), &Totals::default(), None);
    rows.save(tx);
    let deadline = head.received_at.after(BATCH_DEADLINE);
    let sql = "UPDATE submission SET deadline = ? WHERE submission_id = ?";
    tx.writes.add(sql, row![deadline, head.submission_id.0]);
    Ok(())
}

async fn is_receiving(tx: &mut Tx, id: SubmissionId) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM submission WHERE submission_id = ? AND state = 0";
    Ok(first(&mut tx.conn, sql, row![id.0]).await?.is_some())
}

async fn seal(tx: &mut Tx, receiving: &Receiving) -> Result<Sealed, Fault> {
    let (head, totals) = (&receiving.head, &receiving.totals);
    let id = head.submission_id;
    if !is_receiving(tx, id).await? {
        return Ok(Sealed::Gone);
    }
    if let Some(known) = bind_key(tx, head).await? {
        if known.body_digest != head.body_digest {
            return Ok(Sealed::KeyConflict);
        }
        return Ok(Sealed::Done(Box::new(known)));
    }
    identity::reconcile(tx, id).await?;
    take_heads(tx, id).await?;
    let now = tx.now();
    // What takes back a record that never came has nobody to go to.
    let sql = "INSERT INTO route_work (row_id, queued_at) SELECT c.row_id, ?2 \
               FROM submission_record c JOIN record_version v ON v.row_id = c.row_id \
               WHERE c.submission_id = ?1 AND c.status = 0 AND (v.void = 0 OR c.correction = 1) \
               ORDER BY c.row_id";
    run(&mut tx.conn, sql, row![id.0, now]).await?;
    stop_replaced(tx, id).await?;
    whereabouts::batch_sealed(tx, id).await?;
    raise_work(tx, head).await?;
    let entry = append_entry(tx, head, totals);
    show(tx, head, (totals, &entry)).await?;
    let keys = std::sync::Arc::clone(&tx.keys);
    let page = (id, None, RECEIPT_RECORDS_MAX);
    let records = submission::verdicts(&mut tx.conn, &keys, page).await?;
    Ok(Sealed::Done(Box::new(Committed {
        submission_id: id,
        partner: head.partner.clone(),
        body_digest: head.body_digest,
        rule_set: head.rule_set.clone(),
        correlation_id: head.correlation_id.clone(),
        ledger: promise(tx, &entry),
        counts: totals.counts,
        records,
        repeated: false,
    })))
}

/// Binds the batch's key; the submission that has it already, if any.
async fn bind_key(tx: &mut Tx, head: &NewSubmission) -> Result<Option<Committed>, Fault> {
    let Some(key) = &head.idempotency_key else {
        return Ok(None);
    };
    let key = idempotency_key(&tx.keys, &head.partner, key);
    let mut insert = key_insert(KEYS_BOUND);
    let compared = findings::keyed_body_digest(&tx.keys, &head.partner, &head.body_digest);
    insert.push(key_row((key, compared), head));
    if !insert.returning(&mut tx.conn).await?.is_empty() {
        return Ok(None);
    }
    let sql = "SELECT submission_id FROM idempotency WHERE key = ?";
    let row = first(&mut tx.conn, sql, row![key]).await?;
    let row = row.ok_or(Fault::Damaged("a bound key is missing"))?;
    let known = submission::committed(tx, SubmissionId(row.id(0)?)).await?;
    Ok(Some(known))
}

/// The batch's versions of known records become the current ones: they are sealed last.
async fn take_heads(tx: &mut Tx, id: SubmissionId) -> Result<(), Fault> {
    let sql = "SELECT DISTINCT v.row_id, v.record_id FROM submission_record c \
               JOIN record_version v ON v.row_id = c.row_id \
               JOIN record_version n ON n.record_id = v.record_id AND n.revision > v.revision \
               AND n.submission_id <> v.submission_id \
               WHERE c.submission_id = ? AND c.correction = 1 AND c.status IN (0, 3) \
               ORDER BY v.record_id, v.revision";
    for late in all(&mut tx.conn, sql, row![id.0]).await? {
        let (row_id, record) = (late.id(0)?, late.id(1)?);
        let sql = "UPDATE record_version SET revision = \
                   (SELECT revision FROM record WHERE record_id = ?2) WHERE row_id = ?1";
        run(&mut tx.conn, sql, row![row_id, record]).await?;
        let sql = "UPDATE record SET revision = revision + 1 WHERE record_id = ?";
        run(&mut tx.conn, sql, row![record]).await?;
    }
    let sql = "UPDATE record SET current_row = (SELECT v.row_id FROM record_version v \
               WHERE v.record_id = record.record_id AND v.submission_id = ?1 \
               ORDER BY v.revision DESC LIMIT 1) WHERE record_id IN (\
               SELECT record_id FROM submission_record WHERE submission_id = ?1 \
               AND correction = 1 AND status IN (0, 3))";
    run(&mut tx.conn, sql, row![id.0]).await?;
    Ok(())
}

/// Older versions of what the batch corrects are no longer routed, delivered or looked at.
async fn stop_replaced(tx: &mut Tx, id: SubmissionId) -> Result<(), Fault> {
    let now = tx.now();
    let stop = superseding()
        + " (SELECT record_id FROM submission_record \
           WHERE submission_id = ? AND correction = 1 AND status IN (0, 3))";
    run_made(&mut tx.conn, &stop, row![now, id.0]).await?;
    let voided = format!(
        "{} (SELECT record_id FROM submission_record WHERE submission_id = ? \
         AND correction = 1 AND status IN (0, 3)) {}",
        recall::VOIDED,
        recall::VOIDED_TAIL
    );
    run_made(&mut tx.conn, &voided, row![now, id.0]).await?;
    for sql in [
        "DELETE FROM route_work WHERE ?2 > 0 AND row_id IN (SELECT v.row_id \
         FROM submission_record c JOIN record_version v ON v.record_id = c.record_id \
         JOIN record r ON r.record_id = c.record_id AND r.current_row <> v.row_id \
         WHERE c.submission_id = ?1 AND c.correction = 1 AND c.status IN (0, 3))",
        "UPDATE work_item SET state = 1, resolution = 'superseded', resolved_at = ?2 \
         WHERE +state = 0 AND due_at IS NULL AND emergency_id IS NULL \
         AND row_id IN (SELECT v.row_id FROM submission_record c \
         JOIN record_version v ON v.record_id = c.record_id AND v.submission_id <> ?1 \
         WHERE c.submission_id = ?1 AND c.correction = 1 AND c.status IN (0, 3))",
    ] {
        run(&mut tx.conn, sql, row![id.0, now]).await?;
    }
    Ok(())
}

/// A work item for every held record.
async fn raise_work(tx: &mut Tx, head: &NewSubmission) -> Result<(), Fault> {
    let now = tx.now();
    let sql = "SELECT record_id, row_id, hold FROM submission_record WHERE submission_id = ? \
               AND status = 3";
    let mut work = work_insert();
    for held in all(&mut tx.conn, sql, row![head.submission_id.0]).await? {
        let item = NewWorkItem::plain(cause_of(&held.text(2)?)?);
        let held = (RecordId(held.id(0)?), held.id(1)?);
        let of = WorkOf::version((&head.partner, head.test), held);
        work.push(work_row(&item, &of, now));
    }
    work.run(&mut tx.conn).await
}

async fn show(
    tx: &mut Tx,
    head: &NewSubmission,
    (totals, entry): (&Totals, &Appended),
) -> Result<(), Fault> {
    let sql = "UPDATE submission SET state = 1, body_digest = ?, accepted = ?, duplicate = ?, \
               rejected = ?, held = ?, records_hash = ?, deadline = NULL, position = ?, \
               entry_id = ?, leaf_hash = ?, checkpoint_size = ? WHERE submission_id = ?";
    let cells = row![
        findings::seal_body_digest(&tx.keys, head)?,
        totals.counts.accepted,
        totals.counts.duplicate,
        totals.counts.rejected,
        totals.counts.held,
        totals.hash,
        entry.position,
        entry.entry_id.0,
        entry.leaf_hash,
        tx.tail.checkpoint.as_ref().map(|c| c.size),
        head.submission_id.0,
    ];
    run(&mut tx.conn, sql, cells).await?;
    Ok(())
}
