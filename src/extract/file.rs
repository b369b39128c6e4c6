//! Serving a file of a job: the same pass again, as a stream, from any byte on.
//!
//! Before the first byte the store has committed that it is being served. A consent that changes
//! meanwhile breaks the stream: the rest is never sent.

use super::job::parse;
use super::joint::Joiner;
use super::manifest::{File, Manifest};
use super::pass::Pass;
use crate::base::sensitive::Reason;
use crate::rules::Rules;
use crate::store::{Extract, Store, StoreError};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::mpsc;

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
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Begins to serve a file from byte `from` on. The receiver ends early when it may not go on.
///
/// # Errors
/// When there is no such file, the job is stale, or the store fails.
pub async fn serve(
    store: &Store,
    rules: &Arc<Rules>,
    (extract, manifest): (&Extract, &Manifest),
    name: &str,
    from: u64,
) -> Result<(File, mpsc::Receiver<Result<Bytes, FileError>>), FileError> {
    let file = manifest.files.iter().find(|file| file.name == name);
    let file = file.ok_or(FileError::Unknown)?.clone();
    let parameters = parse(rules, extract).ok_or(FileError::Stale)?;
    let pass = Pass::open(store, rules, extract, &parameters, &file.record_type);
    let pass = pass.ok_or(FileError::Stale)?;
    if !store.serve_extract(extract.extract_id, false).await? {
        return Err(FileError::Stale);
    }
    let (send, receive) = mpsc::channel(PAGES_WAITING_MAX);
    let stream = Stream {
        store: store.clone(),
        extract: extract.clone(),
        file: file.clone(),
        send,
    };
    tokio::spawn(stream.run(pass, from));
    Ok((file, receive))
}

struct Stream {
    store: Store,
    extract: Extract,
    file: File,
    send: mpsc::Sender<Result<Bytes, FileError>>,
}

impl Stream {
    async fn run(self, pass: Pass, from: u64) {
        if let Err(error) = self.pages(pass, from).await {
            // A reader that has gone away needs no error.
            let _ = self.send.send(Err(error)).await;
        }
    }

    async fn pages(&self, mut pass: Pass, from: u64) -> Result<(), FileError> {
        let mut joiner = Joiner::new(pass.joint());
        let mut skip = usize::try_from(from).unwrap_or(usize::MAX);
        while let Some(page) = pass.next().await? {
            let mut chunk = Vec::new();
            for released in &page {
                let added = joiner.add(released.outgoing.bytes().expose(Reason::Send));
                let start = skip.min(added.len());
                skip -= start;
                chunk.extend_from_slice(added.get(start..).unwrap_or_default());
            }
            // Decided as of the job's instant; whether that still holds is asked for every page.
            if !self
                .store
                .extract_is_current(self.extract.extract_id)
                .await?
            {
                return Err(FileError::Stale);
            }
            if !chunk.is_empty() && self.send.send(Ok(chunk.into())).await.is_err() {
                return Ok(());
            }
        }
        if joiner.digest() != Some(self.file.sha256) {
            return Err(FileError::Stale);
        }
        self.store
            .serve_extract(self.extract.extract_id, true)
            .await?;
        Ok(())
    }
}
