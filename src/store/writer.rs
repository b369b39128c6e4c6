//! The one writer: takes what is queued, commits it as one group, answers.
//!
//! There is no timer: a group is whatever waited while the last one was committed. A failed group
//! is rolled back and its members committed one by one. Nobody is answered before the commit.

use super::accept::{self, AcceptJob};
use super::complete::{self, CompleteJob};
use super::keys::Keys;
use super::model::{Checkpoint, StoreError, StoreErrorKind};
use super::recent::Recent;
use super::script::{Answers, Script};
use super::sql::{Fault, Insert, row};
use super::storage::Watch;
use crate::base::clock::{Clock, Timestamp};
use crate::base::digest::Digest;
use crate::base::id::EntryId;
use crate::base::limits::IN_FLIGHT_MAX;
use crate::ledger::entry::{EntryKind, Fields, Link, encode};
use crate::ledger::tree::{Frontier, leaf_hash};
use crate::telemetry::{Event, emit};
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// Work items of one group at most, submissions apart.
const WORK_MAX: usize = 64;

/// Where the next ledger entry goes.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    /// This database's writer.
    pub(super) writer: [u8; 8],
    /// Position of the next entry, which is its number in the writer's sequence too.
    pub(super) next: u64,
    /// Leaf hash of the entry before.
    pub(super) prev: Digest,
    /// The newest checkpoint.
    pub(super) checkpoint: Option<Checkpoint>,
}

/// An entry that was appended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appended {
    pub(super) entry_id: EntryId,
    pub(super) leaf_hash: Digest,
    pub(super) position: u64,
}

/// The writer's connection inside a transaction.
pub(super) struct Tx {
    pub(super) conn: SqliteConnection,
    pub(super) keys: Arc<Keys>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tail: Tail,
    /// The tree's right edge, read again after a roll-back.
    pub(super) frontier: Option<Frontier>,
    /// Consents looked up lately: forgotten after a commit that touched one.
    pub(super) recent: Arc<Recent>,
    /// Told how each write ended.
    pub(super) storage: Arc<Watch>,
    /// Whether this transaction touched a consent.
    pub(super) consents_touched: bool,
    /// What is still to be written: it goes with the next question, at the latest with the commit.
    /// A job that puts something here and then reads `conn` itself calls [`Tx::flush`] before.
    pub(super) writes: Script,
    entries: Insert,
}

impl Tx {
    pub(super) fn new(
        conn: SqliteConnection,
        keys: Arc<Keys>,
        clock: Arc<dyn Clock>,
        tail: Tail,
    ) -> Tx {
        Tx {
            conn,
            keys,
            clock,
            tail,
            frontier: None,
            recent: Arc::default(),
            storage: Arc::default(),
            consents_touched: false,
            writes: Script::default(),
            entries: no_entries(),
        }
    }

    /// The instant of this transaction.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Appends a ledger entry; it is written with the commit.
    pub(super) fn append(&mut self, kind: EntryKind, at: Timestamp, fields: &Fields) -> Appended {
        let link = Link {
            entry_id: Link::entry_id(self.tail.writer, self.tail.next),
            prev: self.tail.prev,
            at,
        };
        let body = encode(&link, kind, fields);
        let appended = Appended {
            entry_id: link.entry_id,
            leaf_hash: leaf_hash(&body),
            position: self.tail.next,
        };
        let leaf = appended.leaf_hash;
        self.entries
            .push(row![appended.position, link.entry_id.0, leaf, body]);
        self.tail.next += 1;
        self.tail.prev = leaf;
        appended
    }

    /// Writes what is to be written and asks, in one trip.
    pub(super) async fn ask(&mut self, asks: Script) -> Result<Answers, Fault> {
        let mut script = std::mem::take(&mut self.writes);
        let by = script.append(asks);
        Ok(script.run(&mut self.conn).await?.behind(by))
    }

    /// Writes what is to be written.
    pub(super) async fn flush(&mut self) -> Result<(), Fault> {
        self.ask(Script::default()).await.map(drop)
    }

    /// Writes the entries appended so far, for whoever counts them in this transaction.
    pub(super) async fn lay_down(&mut self) -> Result<(), Fault> {
        let entries = std::mem::replace(&mut self.entries, no_entries());
        entries.add_to(&mut self.writes);
        self.flush().await
    }

    fn begin(&mut self) {
        self.writes.add("BEGIN IMMEDIATE", []);
    }

    async fn commit(&mut self) -> Result<(), Fault> {
        let entries = std::mem::replace(&mut self.entries, no_entries());
        entries.add_to(&mut self.writes);
        self.writes.add("COMMIT", []);
        let done = self.flush().await;
        // Even when it failed: whether it took hold is not certain then.
        if std::mem::take(&mut self.consents_touched) {
            self.recent.forget();
        }
        done
    }

    async fn roll_back(&mut self, tail: Tail) {
        self.entries = no_entries();
        self.writes = Script::default();
        self.frontier = None;
        self.tail = tail;
        // Fails only when no transaction is open, which is what is wanted.
        drop(sqlx::query("ROLLBACK").execute(&mut self.conn).await);
    }
}

fn no_entries() -> Insert {
    let head = "INSERT INTO ledger_entry (position, entry_id, leaf_hash, body) VALUES";
    Insert::new(head, "")
}

/// A unit of work inside the writer's transaction.
pub(super) trait Job: Send {
    /// Does it; may be called again after a roll-back.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>>;
    /// Answers, after the commit or the failure.
    fn answer(self: Box<Self>, outcome: Result<(), Fault>);
}

/// A job made of a function and its data.
pub(super) struct Work<D, T, F> {
    pub(super) operation: &'static str,
    pub(super) data: D,
    pub(super) function: F,
    pub(super) result: Option<T>,
    pub(super) reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<D, T, F> Job for Work<D, T, F>
where
    D: Send + Sync,
    T: Send,
    F: for<'a> Fn(&'a mut Tx, &'a D) -> BoxFuture<'a, Result<T, Fault>> + Send,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        let future = (self.function)(tx, &self.data);
        let result = &mut self.result;
        Box::pin(async move {
            *result = Some(future.await?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<(), Fault>) {
        let operation = self.operation;
        let result = match (outcome, self.result) {
            (Ok(()), Some(result)) => Ok(result),
            (Ok(()), None) => Err(failed(operation, &Fault::Damaged("no result"))),
            (Err(fault), _) => Err(failed(operation, &fault)),
        };
        // The asker may have gone; the work stands either way.
        drop(self.reply.send(result));
    }
}

/// A store error of an operation.
pub(super) fn failed(operation: &'static str, fault: &Fault) -> StoreError {
    StoreError {
        operation,
        cause: fault.cause(),
        kind: fault.kind(),
    }
}

/// What the writer listens to.
pub(super) struct Inboxes {
    pub(super) accepts: mpsc::Receiver<AcceptJob>,
    pub(super) completes: mpsc::Receiver<CompleteJob>,
    pub(super) work: mpsc::Receiver<Box<dyn Job>>,
    pub(super) chunks: mpsc::Receiver<Box<dyn Job>>,
    /// Fires when the store is closed; what is queued by then is still done.
    pub(super) stop: oneshot::Receiver<()>,
    /// Held while the database is open.
    pub(super) lock: std::fs::File,
}

/// One group.
#[derive(Default)]
struct Group {
    accepts: Vec<AcceptJob>,
    completes: Vec<CompleteJob>,
    work: Vec<Box<dyn Job>>,
}

impl Group {
    fn len(&self) -> usize {
        self.accepts.len() + self.completes.len() + self.work.len()
    }
}

/// Runs until the store is closed or every handle of it is gone, then closes the connection.
pub(super) async fn run(mut tx: Tx, mut inboxes: Inboxes) {
    while let Some(group) = next_group(&mut inboxes).await {
        let members = group.len();
        let began = Instant::now();
        commit_group(&mut tx, group).await;
        emit(&Event::GroupCommitted {
            members,
            took: began.elapsed(),
        });
    }
    use sqlx::Connection as _;
    // The readers are read-only and cannot do it when they close after this: the file alone is
    // then the whole store.
    let moved = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
    if let Err(error) = moved.execute(&mut tx.conn).await {
        emit(&Event::Failed {
            operation: "move_log",
            cause: &Fault::from(error).cause(),
        });
    }
    if let Err(error) = tx.conn.close().await {
        emit(&Event::Failed {
            operation: "close",
            cause: &Fault::from(error).cause(),
        });
    }
    // Only now may another process open the database.
    drop(inboxes.lock);
}

/// Waits for the first job and takes what else is queued; of chunks one per group, so that a batch
/// and the small submissions take turns.
async fn next_group(inboxes: &mut Inboxes) -> Option<Group> {
    let mut group = Group::default();
    let mut chunk_taken = false;
    tokio::select! {
        biased;
        Some(job) = inboxes.accepts.recv() => group.accepts.push(job),
        Some(job) = inboxes.completes.recv() => group.completes.push(job),
        Some(job) = inboxes.work.recv() => group.work.push(job),
        Some(job) = inboxes.chunks.recv() => { chunk_taken = true; group.work.push(job); }
        // The handles are gone when the sender is, which is an error here and just as final.
        _ = &mut inboxes.stop => return None,
        else => return None,
    }
    while group.accepts.len() < IN_FLIGHT_MAX {
        let Ok(job) = inboxes.accepts.try_recv() else {
            break;
        };
        group.accepts.push(job);
    }
    while group.completes.len() < IN_FLIGHT_MAX {
        let Ok(job) = inboxes.completes.try_recv() else {
            break;
        };
        group.completes.push(job);
    }
    while group.work.len() < WORK_MAX {
        let Ok(job) = inboxes.work.try_recv() else {
            break;
        };
        group.work.push(job);
    }
    if !chunk_taken && let Ok(job) = inboxes.chunks.try_recv() {
        group.work.push(job);
    }
    Some(group)
}

async fn commit_group(tx: &mut Tx, mut group: Group) {
    let members = group.len();
    match attempt(tx, &mut group).await {
        Ok(()) => {}
        Err(fault) if members > 1 && !fault.is_of_all() => {
            emit(&Event::GroupTakenApart {
                members,
                cause: &fault.cause(),
            });
            return one_by_one(tx, group).await;
        }
        Err(fault) => return refuse(group, &fault),
    }
    answer(group);
}

/// Runs all members in one transaction; on any failure nothing of it stays.
async fn attempt(tx: &mut Tx, group: &mut Group) -> Result<(), Fault> {
    let tail = tx.tail.clone();
    let result = run_members(tx, group).await;
    match &result {
        // An entry was written: a transaction of nothing would say nothing about the storage.
        Ok(()) if tx.tail.next > tail.next => tx.storage.wrote(),
        Ok(()) => {}
        Err(fault) => {
            if let StoreErrorKind::Storage(trouble) = fault.kind() {
                tx.storage.failed(trouble);
            }
            tx.roll_back(tail).await;
        }
    }
    result
}

async fn run_members(tx: &mut Tx, group: &mut Group) -> Result<(), Fault> {
    tx.begin();
    if !group.accepts.is_empty() {
        accept::run_group(tx, &mut group.accepts).await?;
    }
    if !group.completes.is_empty() {
        tx.flush().await?;
        complete::run_group(tx, &mut group.completes).await?;
    }
    for job in &mut group.work {
        tx.flush().await?;
        job.run(tx).await?;
    }
    tx.commit().await
}

async fn one_by_one(tx: &mut Tx, group: Group) {
    for job in group.accepts {
        let mut single = Group::default();
        single.accepts.push(job);
        settle(tx, single).await;
    }
    for job in group.completes {
        let mut single = Group::default();
        single.completes.push(job);
        settle(tx, single).await;
    }
    for job in group.work {
        let mut single = Group::default();
        single.work.push(job);
        settle(tx, single).await;
    }
}

async fn settle(tx: &mut Tx, mut single: Group) {
    match attempt(tx, &mut single).await {
        Ok(()) => answer(single),
        Err(fault) => refuse(single, &fault),
    }
}

fn answer(group: Group) {
    for job in group.accepts {
        job.answer(None);
    }
    for job in group.completes {
        job.answer(None);
    }
    for job in group.work {
        job.answer(Ok(()));
    }
}

fn refuse(group: Group, fault: &Fault) {
    for job in group.accepts {
        job.answer(Some(fault));
    }
    for job in group.completes {
        job.answer(Some(fault));
    }
    for job in group.work {
        job.answer(Err(fault.told()));
    }
}
