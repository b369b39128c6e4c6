//! Accepting submissions: many in one transaction, each answered after the commit.
//!
//! An idempotency key is bound by the receipt and by nothing else. Equal keys in one group merge in
//! memory. A receipt is built from what was committed, now or earlier, never before.

use super::model::{
    AcceptError, Committed, Counts, LedgerPromise, NewSubmission, RecordStatus, RecordVerdict,
};
use super::prepare::PreparedSubmission;
use super::script::{At, Script};
use super::sql::{Cell, Columns as _, Fault, Insert, row};
use super::stage::{self, Part, Staged};
use super::submission;
use super::writer::{Appended, Tx, failed};
use crate::base::digest::Digest;
use crate::base::id::SubmissionId;
use crate::base::limits::RECEIPT_RECORDS_MAX;
use crate::ledger::entry::{EntryKind, Fields};
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A submission that waits for the writer. The permit keeps the number in flight bounded.
pub(super) struct AcceptJob {
    pub(super) submission: Arc<PreparedSubmission>,
    pub(super) reply: oneshot::Sender<Result<Committed, AcceptError>>,
    pub(super) outcome: Option<Outcome>,
    pub(super) _permit: OwnedSemaphorePermit,
}

/// What the transaction made of a submission.
pub(super) enum Outcome {
    Committed(Box<Committed>),
    KeyConflict,
}

impl AcceptJob {
    /// Answers, after the commit or the failure.
    pub(super) fn answer(self, fault: Option<&Fault>) {
        let result = match (fault, self.outcome) {
            (None, Some(Outcome::Committed(committed))) => Ok(*committed),
            (None, Some(Outcome::KeyConflict)) => Err(AcceptError::KeyConflict),
            (None, None) => Err(failed("accept", &Fault::Damaged("no result")).into()),
            (Some(fault), _) => Err(failed("accept", fault).into()),
        };
        // The sender may have hung up; the submission stands and its key answers next time.
        drop(self.reply.send(result));
    }
}

/// Who answers a submission's key.
enum Binding {
    /// Nobody yet: this one is written.
    Free,
    /// An earlier submission in the database.
    Stored(SubmissionId, Digest),
    /// An earlier one of the same group, by index.
    Twin(usize),
}

/// Writes all submissions of a group; outcomes are set on the jobs. One trip asks what is known;
/// what is written goes with the commit.
pub(super) async fn run_group(tx: &mut Tx, jobs: &mut [AcceptJob]) -> Result<(), Fault> {
    let submissions: Vec<Arc<PreparedSubmission>> =
        jobs.iter().map(|job| Arc::clone(&job.submission)).collect();
    let all: Vec<Part<'_>> = submissions.iter().map(|s| part(s)).collect();
    let mut asks = Script::default();
    let keys = ask_keys(&mut asks, &submissions);
    let asked = stage::ask(&mut asks, &all);
    let mut answers = tx.ask(asks).await?;
    let bindings = bind_keys(tx, &submissions, &answers.take(&keys))?;
    let fresh: Vec<usize> = (0..submissions.len())
        .filter(|i| matches!(bindings.get(*i), Some(Binding::Free)))
        .collect();
    let parts: Vec<Part<'_>> = fresh
        .iter()
        .filter_map(|i| submissions.get(*i))
        .map(|s| part(s))
        .collect();
    let staged = stage::write(tx, &parts, (&asked, &mut answers))?;
    let mut heads = SubmissionRows::new();
    let mut made: HashMap<usize, Committed> = HashMap::new();
    let sealed = fresh.iter().filter_map(|i| submissions.get(*i));
    let sealed = sealed.map(|submission| submission.body.1.as_slice());
    for (((index, part), staged), sealed) in fresh.iter().zip(&parts).zip(staged).zip(sealed) {
        let mut totals = Totals::default();
        totals.add(&staged);
        totals.counts.rejected = part.head.rejected.len() as u64;
        let entry = append_entry(tx, part.head, &totals);
        heads.push((part.head, sealed), &totals, Some((&entry, tx)));
        let committed = committed(tx, part, &totals, (entry, staged));
        made.insert(*index, committed);
    }
    heads.save(tx);
    for (index, binding) in bindings.into_iter().enumerate() {
        let outcome = settle(tx, (index, binding), &submissions, &made).await?;
        if let Some(job) = jobs.get_mut(index) {
            job.outcome = Some(outcome);
        }
    }
    Ok(())
}

fn part(submission: &PreparedSubmission) -> Part<'_> {
    Part {
        head: &submission.head,
        records: &submission.records,
        rejected: &submission.rejected,
        visible: true,
    }
}

async fn settle(
    tx: &mut Tx,
    (index, binding): (usize, Binding),
    submissions: &[Arc<PreparedSubmission>],
    made: &HashMap<usize, Committed>,
) -> Result<Outcome, Fault> {
    let mine = submissions.get(index).map(|s| s.head.body_digest);
    let compared = submissions.get(index).map(|s| s.body.0);
    let made = |i: &usize| {
        let missing = Fault::Damaged("a receipt is missing");
        made.get(i).cloned().ok_or(missing)
    };
    let outcome = match binding {
        Binding::Free => made(&index)?,
        Binding::Twin(first) => {
            let mut committed = made(&first)?;
            committed.repeated = true;
            committed
        }
        Binding::Stored(_, digest) if Some(digest) != compared => return Ok(Outcome::KeyConflict),
        Binding::Stored(id, _) => submission::committed(tx, id).await?,
    };
    if Some(outcome.body_digest) != mine {
        return Ok(Outcome::KeyConflict);
    }
    Ok(Outcome::Committed(Box::new(outcome)))
}

/// Asks who answers the keys of a group already.
fn ask_keys(asks: &mut Script, submissions: &[Arc<PreparedSubmission>]) -> At {
    let keys = submissions.iter().filter_map(|submission| submission.key);
    let head = "SELECT key, submission_id, body_digest FROM idempotency WHERE key IN";
    asks.keys((head, ""), &[], keys.map(Cell::from))
}

/// Binds the keys of a group; who is not first learns who is.
fn bind_keys(
    tx: &mut Tx,
    submissions: &[Arc<PreparedSubmission>],
    stored: &[SqliteRow],
) -> Result<Vec<Binding>, Fault> {
    let mut known = HashMap::new();
    for row in stored {
        known.insert(row.id(0)?, (SubmissionId(row.id(1)?), row.digest(2)?));
    }
    let mut first: HashMap<[u8; 16], usize> = HashMap::new();
    let mut insert = key_insert("");
    let mut bind = |(index, submission): (usize, &Arc<PreparedSubmission>)| {
        let Some(key) = submission.key else {
            return Binding::Free;
        };
        if let Some((id, digest)) = known.get(&key) {
            return Binding::Stored(*id, *digest);
        }
        match first.entry(key) {
            Entry::Occupied(twin) => Binding::Twin(*twin.get()),
            Entry::Vacant(slot) => {
                slot.insert(index);
                insert.push(key_row((key, submission.body.0), &submission.head));
                Binding::Free
            }
        }
    };
    let bindings = submissions.iter().enumerate().map(&mut bind).collect();
    insert.add_to(&mut tx.writes);
    Ok(bindings)
}

/// What returns the keys an insert bound, and passes over those that were bound before.
pub(super) const KEYS_BOUND: &str = "ON CONFLICT (key) DO NOTHING RETURNING key";

/// The insert that binds keys.
pub(super) fn key_insert(tail: &'static str) -> Insert {
    let head = "INSERT INTO idempotency (key, body_digest, submission_id, created_at) VALUES";
    Insert::new(head, tail)
}

/// One row of [`key_insert`], with the keyed digest of the body.
pub(super) fn key_row((key, compared): ([u8; 16], Digest), head: &NewSubmission) -> [Cell; 4] {
    row![key, compared, head.submission_id.0, head.received_at]
}

/// Counts of a submission and the running digest over its records.
#[derive(Clone, Copy)]
pub(super) struct Totals {
    pub(super) counts: Counts,
    pub(super) hash: Digest,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            counts: Counts::default(),
            hash: Digest([0; 32]),
        }
    }
}

impl Totals {
    /// Adds staged records, in order.
    pub(super) fn add(&mut self, staged: &[Staged]) {
        for record in staged {
            match record.status {
                RecordStatus::Accepted => self.counts.accepted += 1,
                RecordStatus::Duplicate => self.counts.duplicate += 1,
                RecordStatus::Held => self.counts.held += 1,
                RecordStatus::Rejected => self.counts.rejected += 1,
            }
            let parts: [&[u8]; 3] = [&self.hash.0, &record.record_id.0, &record.commitment.0];
            self.hash = Digest::of_parts(&parts);
        }
    }
}

/// The ledger entry of a committed submission.
pub(super) fn append_entry(tx: &mut Tx, head: &NewSubmission, totals: &Totals) -> Appended {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let fields = Fields::new()
        .text("submission", &head.submission_id.to_string())
        .text("partner", head.partner.as_str())
        .text("channel", head.channel.as_str())
        .int("test", i64::from(head.test))
        .text("rule_set", head.rule_set.as_str())
        .text("correlation", head.correlation_id.as_str())
        .int("accepted", count(totals.counts.accepted))
        .int("duplicate", count(totals.counts.duplicate))
        .int("rejected", count(totals.counts.rejected))
        .int("held", count(totals.counts.held))
        .digest("records", &totals.hash);
    tx.append(EntryKind::Submission, head.received_at, &fields)
}

/// Inserts of submission rows.
pub(super) struct SubmissionRows(Insert);

impl SubmissionRows {
    pub(super) fn new() -> SubmissionRows {
        SubmissionRows(Insert::new(
            "INSERT INTO submission (submission_id, partner, channel, test, state, body_digest, \
             rule_set, correlation_id, received_at, received_month, accepted, duplicate, \
             rejected, held, records_hash, position, entry_id, leaf_hash, checkpoint_size) VALUES",
            "",
        ))
    }

    /// A sealed submission with its entry, or one that is still received; the digest of its body
    /// comes sealed.
    pub(super) fn push(
        &mut self,
        (head, body_digest): (&NewSubmission, &[u8]),
        totals: &Totals,
        entry: Option<(&Appended, &Tx)>,
    ) {
        let checkpoint = entry.and_then(|(_, tx)| tx.tail.checkpoint.as_ref());
        self.0.push(row![
            head.submission_id.0,
            head.partner.as_str(),
            head.channel.as_str(),
            head.test,
            entry.is_some(),
            body_digest,
            head.rule_set.as_str(),
            head.correlation_id.as_str(),
            head.received_at,
            head.received_at.month(),
            totals.counts.accepted,
            totals.counts.duplicate,
            totals.counts.rejected,
            totals.counts.held,
            totals.hash,
            entry.map(|(entry, _)| entry.position),
            entry.map(|(entry, _)| entry.entry_id.0),
            entry.map(|(entry, _)| entry.leaf_hash),
            checkpoint.map(|c| c.size),
        ]);
    }

    pub(super) fn save(self, tx: &mut Tx) {
        self.0.add_to(&mut tx.writes);
    }
}

fn committed(
    tx: &Tx,
    part: &Part<'_>,
    totals: &Totals,
    (entry, staged): (Appended, Vec<Staged>),
) -> Committed {
    let head = part.head;
    Committed {
        submission_id: head.submission_id,
        partner: head.partner.clone(),
        body_digest: head.body_digest,
        rule_set: head.rule_set.clone(),
        correlation_id: head.correlation_id.clone(),
        ledger: promise(tx, &entry),
        counts: totals.counts,
        records: verdicts(part, staged),
        repeated: false,
    }
}

/// The promise of an entry, with the newest checkpoint there is.
pub(super) fn promise(tx: &Tx, entry: &Appended) -> LedgerPromise {
    LedgerPromise {
        entry_id: entry.entry_id,
        leaf_hash: entry.leaf_hash,
        checkpoint: tx.tail.checkpoint.clone(),
    }
}

fn verdicts(part: &Part<'_>, staged: Vec<Staged>) -> Vec<RecordVerdict> {
    let accepted = part
        .records
        .iter()
        .zip(staged)
        .map(|(record, staged)| RecordVerdict {
            index: record.index,
            record_id: Some(staged.record_id),
            source_record_id: Some(record.source_record_id.clone()),
            status: staged.status,
            findings: staged.findings,
        });
    let rejected = part.head.rejected.iter().map(|rejected| RecordVerdict {
        index: rejected.index,
        record_id: None,
        source_record_id: None,
        status: RecordStatus::Rejected,
        findings: rejected.findings.clone(),
    });
    let mut out: Vec<RecordVerdict> = accepted.chain(rejected).collect();
    out.sort_by_key(|verdict| verdict.index);
    out.truncate(RECEIPT_RECORDS_MAX);
    out
}
