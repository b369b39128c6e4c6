//! A batch: a body too large to hold, read and stored as it streams in.
//!
//! Memory holds one unit, one chunk of the transport, at most 500 records being read and at most
//! as many being written: the next are read while the last are sealed and stored, one chunk after
//! the other. Nothing of it is visible, and no key bound, before the seal; what is not sealed is
//! erased.

use super::admission::Sender;
use super::read::{Reader, Reading};
use super::{Receipt, Refusal, admit_all, hotline, papers, sorted_out, way_in};
use crate::base::clock::Timestamp;
use crate::base::digest::DigestStream;
use crate::base::finding::Finding;
use crate::base::id::{ChannelId, CorrelationId, PartnerId, SubmissionId};
use crate::base::limits::{BATCH_BYTES_MAX, CHUNK_RECORDS_MAX, RECEIPT_FINDINGS_MAX};
use crate::catalog::partner::Mode;
use crate::rules::Rules;
use crate::store::{AcceptError, NewSubmission, Store, StoreError};
use crate::wire::Cutter;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Bytes looked at before it is settled how the stream is cut.
const HEAD_BYTES_MAX: usize = 1 << 20;

/// Who sends a batch, and over what.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The authenticated sender.
    pub partner: PartnerId,
    /// Its in-channel.
    pub channel: ChannelId,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// From `traceparent`, or minted.
    pub correlation: CorrelationId,
    /// When the first byte came.
    pub received_at: Timestamp,
}

/// A batch being received. Dropping it without [`Batch::finish`] leaves it to be erased.
pub struct Batch {
    store: Store,
    rules: Arc<Rules>,
    opening: Opening,
    id: SubmissionId,
    digest: DigestStream,
    bytes: u64,
    head: Vec<u8>,
    cut: Option<Cut>,
    reading: Reading,
    /// The chunk being written; the next waits for it.
    writing: Option<JoinHandle<Result<(), AcceptError>>>,
    /// Something of it was stored.
    accepted: bool,
    /// A report in it has to be made by phone first.
    by_phone: bool,
    /// What is told when nothing was.
    told: Vec<Finding>,
}

struct Cut {
    splitter: Cutter,
    stream: bool,
}

impl Batch {
    /// Opens a batch in the store, invisible to everyone.
    ///
    /// # Errors
    /// When the channel or format is unknown, or the store cannot take it.
    pub async fn begin(
        store: Store,
        rules: Arc<Rules>,
        opening: Opening,
    ) -> Result<Batch, Refusal> {
        let (partner, channel) = way_in(&rules, &opening.partner, &opening.channel)?;
        if rules.wires.get(&channel.format).is_none() {
            return Err(Refusal::FormatUnknown);
        }
        let digest = DigestStream::default();
        let id = store
            .begin_batch(NewSubmission {
                submission_id: SubmissionId::mint(opening.received_at),
                partner: partner.id.clone(),
                channel: opening.channel.clone(),
                test: partner.mode == Mode::Test,
                idempotency_key: opening.key.clone(),
                body_digest: digest.clone().finish(),
                rule_set: rules.digest.clone(),
                correlation_id: opening.correlation.clone(),
                received_at: opening.received_at,
                records: Vec::new(),
                rejected: Vec::new(),
            })
            .await?;
        Ok(Batch {
            store,
            rules,
            opening,
            id,
            digest,
            bytes: 0,
            head: Vec::new(),
            cut: None,
            reading: Reading::default(),
            writing: None,
            accepted: false,
            by_phone: false,
            told: Vec::new(),
        })
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// When the body is too large or the store fails; the batch is to be abandoned then.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > BATCH_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        self.digest.update(bytes);
        if self.cut.is_none() {
            self.head.extend_from_slice(bytes);
            if !shows_cut(&self.head) && self.head.len() < HEAD_BYTES_MAX {
                return Ok(());
            }
            self.settle_cut()?;
            let head = std::mem::take(&mut self.head);
            return self.feed(&head).await;
        }
        self.feed(bytes).await
    }

    /// Reads what is left, seals the batch and gives the receipt.
    ///
    /// # Errors
    /// When no record was accepted, the key belongs to another body, or the store fails; nothing
    /// of the batch stays then.
    pub async fn finish(mut self) -> Result<Receipt, Refusal> {
        if self.cut.is_none() {
            self.settle_cut()?;
            let head = std::mem::take(&mut self.head);
            self.feed(&head).await?;
        }
        if let Some(cut) = &mut self.cut {
            cut.splitter.finish();
        }
        self.read_units().await?;
        self.store_chunk().await?;
        self.written().await?;
        if !self.accepted {
            self.store
                .abandon_batch(self.id)
                .await
                .map_err(Refusal::Store)?;
            return Err(Refusal::Nothing(self.told));
        }
        let digest = self.digest.finish();
        let committed = self.store.seal_batch(self.id, digest).await?;
        let sender = &self.opening.partner;
        Ok(Receipt::of(&committed).telling(&self.rules, sender, self.by_phone))
    }

    /// Gives the batch up; what was stored of it is erased.
    ///
    /// # Errors
    /// When the store fails; the batch is then erased at its deadline.
    pub async fn abandon(mut self) -> Result<(), Refusal> {
        // What is being written ends before it is erased; how it ended does not matter any more.
        let _ = self.written().await;
        let done = self.store.abandon_batch(self.id).await;
        done.map_err(Refusal::Store)
    }

    fn settle_cut(&mut self) -> Result<(), Refusal> {
        let (_, channel) = way_in(&self.rules, &self.opening.partner, &self.opening.channel)?;
        let wire = self.rules.wires.of_channel(channel);
        let wire = wire.ok_or(Refusal::FormatUnknown)?;
        self.cut = Some(Cut {
            splitter: wire.splitter(&self.head),
            stream: wire.is_stream(&self.head),
        });
        Ok(())
    }

    async fn feed(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if let Some(cut) = &mut self.cut {
            cut.splitter.push(bytes);
        }
        self.read_units().await
    }

    /// Reads every whole unit there is, storing as chunks fill.
    async fn read_units(&mut self) -> Result<(), Refusal> {
        loop {
            let rules = Arc::clone(&self.rules);
            let (_, channel) = way_in(&rules, &self.opening.partner, &self.opening.channel)?;
            let reader = Reader::of(&rules, channel);
            let (Some(reader), Some(cut)) = (reader, &mut self.cut) else {
                return Err(Refusal::FormatUnknown);
            };
            let mut full = false;
            while let Some(next) = cut.splitter.next_unit() {
                match next {
                    Ok(unit) => reader.unit(&Arc::new(unit), cut.stream, &mut self.reading),
                    Err(finding) => reader.lost(finding, cut.stream, &mut self.reading),
                }
                if self.reading.records.len() >= CHUNK_RECORDS_MAX {
                    full = true;
                    break;
                }
            }
            if !full {
                return Ok(());
            }
            self.store_chunk().await?;
        }
    }

    /// Admits and stores what has been read, at most 500 records at a time.
    async fn store_chunk(&mut self) -> Result<(), Refusal> {
        let mut reading = self.reading.take();
        if reading.records.is_empty() && reading.findings.is_empty() {
            return Ok(());
        }
        let contradicted = reading.take_contradicted();
        if !contradicted.is_empty() {
            // They stand in chunks before this one, of which the last may still be written.
            self.written().await?;
            self.store.hold_contradicted(self.id, contradicted).await?;
        }
        let now = self.opening.received_at;
        let (partner, channel) = way_in(&self.rules, &self.opening.partner, &self.opening.channel)?;
        let papers = papers::look_up(&self.store, &self.rules, &reading, (partner, now)).await?;
        let sender = Sender {
            partner,
            channel,
            papers: &papers,
            now,
        };
        admit_all(&self.rules, &mut reading, &sender);
        let (mut records, mut rejected) =
            sorted_out(&mut reading, partner, &self.rules.sources.statewide);
        self.accepted |= !records.is_empty();
        self.by_phone |= hotline::is_due(rejected.iter().flat_map(|it| &it.findings));
        if !self.accepted && self.told.len() < RECEIPT_FINDINGS_MAX {
            self.told.extend(super::told(reading));
            self.told.truncate(RECEIPT_FINDINGS_MAX);
        }
        while !records.is_empty() || !rejected.is_empty() {
            let later = records.split_off(records.len().min(CHUNK_RECORDS_MAX));
            let chunk = std::mem::replace(&mut records, later);
            let refused = std::mem::take(&mut rejected);
            self.written().await?;
            let (store, id) = (self.store.clone(), self.id);
            let append = async move { store.append_chunk(id, chunk, refused).await };
            self.writing = Some(tokio::spawn(append));
        }
        Ok(())
    }

    /// Waits for the chunk being written, if there is one.
    async fn written(&mut self) -> Result<(), Refusal> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        let ended = writing.await.unwrap_or_else(|error| {
            let ended = StoreError::inside("append_chunk", error.to_string());
            Err(AcceptError::Store(ended))
        });
        ended.map_err(Refusal::from)
    }
}

/// Whether two lines with something on them are there.
fn shows_cut(head: &[u8]) -> bool {
    let lines = head.split_inclusive(|byte| matches!(byte, b'\n' | b'\r'));
    let whole = lines.filter(|line| matches!(line.last(), Some(b'\n' | b'\r')));
    let said = whole.filter(|line| !line.trim_ascii().is_empty());
    said.take(2).count() == 2
}
