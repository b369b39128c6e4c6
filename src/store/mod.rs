//! The only SQL: named operations over plain structs.
//!
//! No transaction handle leaves this module and no transaction spans a network call. Payloads are
//! sealed on the way in and opened on the way out; searchable values exist only as keyed digests.
//! One writer task commits in groups ([`writer`]); readers see what is committed. One process owns
//! a database, by a lock file beside it.

mod accept;
mod accounting;
pub mod archive;
mod authorise;
mod batch;
mod claim;
mod complete;
mod consent;
mod crosscheck;
mod decision;
mod derived;
mod emergency;
mod epochs;
mod erase;
mod explain;
mod extract;
mod fact;
mod findings;
mod given;
mod heads;
mod identity;
mod join;
pub mod keys;
mod lookup;
pub mod model;
mod open;
mod operator;
mod outlived;
mod persons;
mod prepare;
mod proof;
mod recall;
mod recent;
mod replay;
mod reviews;
mod rotate;
mod route;
mod rule_sets;
mod script;
mod sealed;
mod sequence;
mod setup;
mod sql;
mod stage;
mod storage;
mod submission;
mod transition;
mod turn;
mod views;
mod whereabouts;
mod work_items;
mod writer;

pub use keys::MasterKey;
pub use model::*;
pub use rotate::rotate_keys;

use crate::base::clock::{Clock, Timestamp};
use crate::base::id::{DeliveryId, PartnerId, SubmissionId};
use crate::base::limits::PAGE_ROWS_MAX;
use crate::telemetry::{Event, emit};
use accept::AcceptJob;
use futures_util::future::BoxFuture;
use keys::{Keys, PartnerKey};
use prepare::PreparedSubmission;
use sql::Fault;
use sqlx::sqlite::{Sqlite, SqlitePool};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::{Semaphore, mpsc, oneshot};
use writer::{Job, Tx, Work, failed};

/// A handle of the open store; clones share it. The writer ends when the last one is dropped.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    readers: SqlitePool,
    accepts: mpsc::Sender<AcceptJob>,
    completes: mpsc::Sender<complete::CompleteJob>,
    work: mpsc::Sender<Box<dyn Job>>,
    chunks: mpsc::Sender<Box<dyn Job>>,
    in_flight: Arc<Semaphore>,
    writer: Mutex<Option<tokio::task::JoinHandle<()>>>,
    /// Told when a record may wait for routing.
    waiting: tokio::sync::Notify,
    /// Records given to a router, until when.
    routes: Mutex<HashMap<[u8; 16], Timestamp>>,
    /// Keys of claimed deliveries.
    claims: Mutex<HashMap<DeliveryId, claim::ClaimedKey>>,
    /// Consents looked up lately.
    recent: Arc<recent::Recent>,
    /// How the last write ended, as far as the storage is concerned.
    storage: Arc<storage::Watch>,
    /// Batches being received.
    batches: Mutex<HashMap<SubmissionId, batch::Receiving>>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens or creates the database file: takes its lock, brings the schema up to date, erases
    /// what was never sealed, starts the writer.
    ///
    /// # Errors
    /// When another process has it, the schema is of a later program, or the master key is not
    /// this database's.
    pub async fn open(
        path: &Path,
        master: MasterKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Store, StoreError> {
        Store::open_within(path, master, clock, None).await
    }

    /// As [`Store::open`], with the size in MiB the database may grow to.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_within(
        path: &Path,
        master: MasterKey,
        clock: Arc<dyn Clock>,
        mib_max: Option<u64>,
    ) -> Result<Store, StoreError> {
        setup::open(path, master, clock, mib_max)
            .await
            .map_err(|fault| failed("open", &fault))
    }

    /// Accepts a small submission in one transaction; the answer comes after the commit. The same
    /// key and body again give the same receipt.
    ///
    /// # Errors
    /// `KeyConflict` for the same key with another body, `Busy` when too much is under way.
    pub async fn accept(&self, submission: NewSubmission) -> Result<Committed, AcceptError> {
        let permit = Arc::clone(&self.inner.in_flight)
            .try_acquire_owned()
            .map_err(|_| AcceptError::Busy)?;
        let partner_key = self.partner_key(&submission.partner).await?;
        let now = self.inner.clock.now();
        let prepared = PreparedSubmission::new(&self.inner.keys, &partner_key, (submission, now))
            .map_err(|fault| failed("accept", &fault))?;
        let (reply, answer) = oneshot::channel();
        let job = AcceptJob {
            submission: Arc::new(prepared),
            reply,
            outcome: None,
            _permit: permit,
        };
        // The permit guarantees room in the channel.
        self.inner
            .accepts
            .try_send(job)
            .map_err(|_| AcceptError::Busy)?;
        let committed = answer
            .await
            .unwrap_or_else(|_| Err(stopped("accept").into()))?;
        self.inner.waiting.notify_one();
        Ok(committed)
    }

    /// All verdicts of a partner's submission after an index, at most a page; `None` when the
    /// submission is unknown, another partner's or not sealed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn submission_records(
        &self,
        partner: &PartnerId,
        id: SubmissionId,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Option<Vec<RecordVerdict>>, StoreError> {
        const NAME: &str = "submission_records";
        let limit = limit.min(PAGE_ROWS_MAX + 1);
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let head = submission::head(&mut conn, &self.inner.keys, id).await?;
            if head.is_none_or(|head| head.partner != *partner) {
                return Ok(None);
            }
            let page = (id, after, limit);
            let rows = submission::verdicts(&mut conn, &self.inner.keys, page).await?;
            Ok(Some(rows))
        };
        found.await.map_err(|fault| failed(NAME, &fault))
    }

    /// Waits until everything handed to the writer is committed and closes the database. Other
    /// clones of this handle answer with errors afterwards.
    pub async fn close(self) {
        let writer = lock(&self.inner.writer).take();
        // Dropping the sender stops the writer once it has done what is queued.
        drop(lock(&self.inner.stop).take());
        if let Some(writer) = writer
            && writer.await.is_err()
        {
            emit(&Event::Failed {
                operation: "close",
                cause: "the writer ended badly",
            });
        }
        self.inner.readers.close().await;
    }

    /// The partner's key that wraps from now on; made at first use.
    async fn partner_key(&self, partner: &PartnerId) -> Result<Arc<PartnerKey>, StoreError> {
        if let Some(key) = self.inner.keys.partner(partner) {
            return Ok(key);
        }
        const NAME: &str = "partner_key";
        let made = self.write(NAME, partner.clone(), |tx, partner| {
            Box::pin(setup::make_partner_key(tx, partner))
        });
        let (id, wrapped) = made.await?;
        // Only now that it is committed: what a key wraps that was rolled back opens never again.
        let keys = &self.inner.keys;
        let learned = keys.learn_partner(partner, id, &wrapped);
        learned.map_err(|fault| failed(NAME, &fault))?;
        keys.wrap_with(partner, id);
        let missing = Fault::Damaged("a partner key is missing");
        keys.partner(partner).ok_or_else(|| failed(NAME, &missing))
    }

    /// Runs a function in the writer's next group.
    async fn write<D, T, F>(
        &self,
        operation: &'static str,
        data: D,
        function: F,
    ) -> Result<T, StoreError>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a D) -> BoxFuture<'a, Result<T, Fault>> + Send + 'static,
    {
        self.hand_over((&self.inner.work, operation), data, function)
            .await
    }

    /// Runs a function in one of the writer's next groups, by way of the inbox given.
    async fn hand_over<D, T, F>(
        &self,
        (inbox, operation): (&mpsc::Sender<Box<dyn Job>>, &'static str),
        data: D,
        function: F,
    ) -> Result<T, StoreError>
    where
        D: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a D) -> BoxFuture<'a, Result<T, Fault>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Work {
            operation,
            data,
            function,
            result: None,
            reply,
        });
        let sent = inbox.send(job).await;
        sent.map_err(|_| stopped(operation))?;
        answer.await.unwrap_or_else(|_| Err(stopped(operation)))
    }

    /// A connection that only reads.
    async fn reader(
        &self,
        operation: &'static str,
    ) -> Result<sqlx::pool::PoolConnection<Sqlite>, StoreError> {
        let taken = self.inner.readers.acquire().await;
        taken.map_err(|error| failed(operation, &error.into()))
    }
}

/// A lock whose holder panicked is taken all the same: what it guards is a map, whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn stopped(operation: &'static str) -> StoreError {
    failed(operation, &Fault::Damaged("the writer has stopped"))
}
