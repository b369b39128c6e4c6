//! Serving a file of a job: its recorded rows made again, as a stream, from any byte on.
//!
//! Every page is decided anew at the moment it leaves, on what is known then, and leaves only once
//! the store has found the very bytes that were recorded and committed that they leave. What
//! differs breaks the stream before its first differing byte: the rest is never sent.

use super::job::parse;
use super::joint::{Chunk, Place};
use super::manifest::{File, Manifest};
use super::pass::{Answer, Decider, Handled};
use crate::base::clock::Timestamp;
use crate::base::id::ExtractId;
use crate::base::limits::{EXTRACT_PAGE_ROWS, EXTRACT_STALL_MAX};
use crate::kept::{Readied, on_file};
use crate::rules::Rules;
use crate::store::{Extract, ServedOutput, ServedRow, Standing, Store, StoreError};
use arc_swap::ArcSwap;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

/// Pages that may wait for a slow reader.
const PAGES_WAITING_MAX: usize = 2;

/// Why a file is not served, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The manifest has no such file.
    #[error("no such file")]
    Unknown,
    /// A consent or the rules changed since; begin a new job.
    #[error("the extract is stale")]
    Stale,
    /// The job is too old; begin a new one.
    #[error("the extract has expired")]
    Expired,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Pages of a file; ends early when it may not go on.
pub type Pages = mpsc::Receiver<Result<Chunk, FileError>>;

/// Begins to serve a file from byte `from` on. `place` is given back when the stream has ended.
///
/// # Errors
/// When there is no such file, the job is stale or too old, or the store fails.
pub async fn serve(
    store: &Store,
    rules: &Arc<ArcSwap<Rules>>,
    (extract, manifest): (&Extract, &Manifest),
    (name, from): (&str, u64),
    place: OwnedSemaphorePermit,
) -> Result<(File, Pages), FileError> {
    let mut files = (0_u32..).zip(&manifest.files);
    let file = files.find(|(_, file)| file.name == name);
    let (number, file) = file.ok_or(FileError::Unknown)?;
    let in_force = rules.load_full();
    let parameters = parse(&in_force, extract).ok_or(FileError::Stale)?;
    let decider = Decider::new(&in_force, extract, &parameters).ok_or(FileError::Stale)?;
    let mut stream = Stream {
        store: store.clone(),
        rules: rules.clone(),
        decider,
        extract: extract.clone(),
        number,
        from,
    };
    standing(store.extract_standing(extract.extract_id).await?)?;
    // Before the answer begins: what cannot be served is told as such.
    let first = stream.page().await?.ok_or(FileError::Stale)?;
    let (send, receive) = mpsc::channel(PAGES_WAITING_MAX);
    tokio::spawn(async move {
        stream.run(first, send).await;
        drop(place);
    });
    Ok((file.clone(), receive))
}

fn standing(standing: Standing) -> Result<(), FileError> {
    match standing {
        Standing::Current => Ok(()),
        Standing::Stale => Err(FileError::Stale),
        Standing::Expired => Err(FileError::Expired),
    }
}

struct Stream {
    store: Store,
    /// Rules in force, whatever they become meanwhile.
    rules: Arc<ArcSwap<Rules>>,
    decider: Decider,
    extract: Extract,
    /// Which file of the job.
    number: u32,
    /// The next byte to be sent.
    from: u64,
}

impl Stream {
    async fn run(mut self, first: Chunk, send: mpsc::Sender<Result<Chunk, FileError>>) {
        let mut page = Ok(Some(first));
        loop {
            match page {
                Ok(Some(chunk)) => {
                    // Gone, or so slow that the place is another's.
                    if !matches!(
                        timeout(EXTRACT_STALL_MAX, send.send(Ok(chunk))).await,
                        Ok(Ok(()))
                    ) {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    // A reader that has gone away needs no error.
                    let _ = send.send(Err(error)).await;
                    return;
                }
            }
            page = self.page().await;
        }
        // Only once the last page was taken: one that still waits may never be.
        let taken = timeout(EXTRACT_STALL_MAX, send.reserve_many(PAGES_WAITING_MAX)).await;
        if matches!(taken, Ok(Ok(_))) {
            let done = self.store.extract_file_fetched(self.id(), self.number);
            if let Err(error) = done.await {
                let _ = send.send(Err(error.into())).await;
            }
        }
    }

    fn id(&self) -> ExtractId {
        self.extract.extract_id
    }

    /// The next rows, made again and committed to leave; `None` after the last.
    async fn page(&mut self) -> Result<Option<Chunk>, FileError> {
        if self.rules.load().digest != self.extract.rule_set {
            return Err(FileError::Stale);
        }
        let file = (self.id(), self.number);
        let rows = self
            .store
            .extract_file_rows(file, self.from, EXTRACT_PAGE_ROWS);
        let Some(recorded) = rows.await? else {
            return Err(self.differs().await);
        };
        let found = on_file(&self.store, recorded.rows.iter().map(|r| &r.record)).await?;
        let (mut chunk, mut outputs) = (Chunk::default(), Vec::new());
        let mut next = self.from;
        let by_person = found.by_person();
        for row in &recorded.rows {
            let readied = Readied::new(&row.record, &found, &by_person);
            let Some(output) = self.made_again((row, readied), recorded.at, &mut chunk) else {
                return Err(self.differs().await);
            };
            outputs.push(output);
            next = row.ends_at;
        }
        if outputs.is_empty() {
            return Ok(None);
        }
        standing(self.store.authorise_extract_rows(file, outputs).await?)?;
        self.from = next;
        Ok(Some(chunk))
    }

    /// A row decided at this instant, its bytes added to the chunk; `None` when it may not go now.
    fn made_again(
        &self,
        (row, readied): (&ServedRow, Option<Readied<'_>>),
        now: Timestamp,
        chunk: &mut Chunk,
    ) -> Option<ServedOutput> {
        let handled = Handled {
            reviewed: row.reviewed,
            done: row.done,
        };
        let Answer::Go(outgoing) = self.decider.decide((readied, handled), now) else {
            return None;
        };
        let place = match row.starts_at {
            0 => Place::First,
            _ => Place::Later,
        };
        let piece = self.decider.joint().piece(&outgoing, place);
        chunk.push(&piece, self.from.saturating_sub(row.starts_at));
        Some(ServedOutput {
            record_id: row.record.record_id,
            digest: piece.digest(),
        })
    }

    async fn differs(&self) -> FileError {
        match self.store.extract_differs(self.id()).await {
            Ok(()) => FileError::Stale,
            Err(error) => error.into(),
        }
    }
}
