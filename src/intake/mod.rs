//! Intake: bytes from a partner to a receipt or a refusal. Every way in calls this.
//!
//! It reads, decides what the gateway may hold at all, and commits. A receipt comes only from a
//! committed transaction. The body of a refused submission is dropped: neither stored nor logged.

pub mod admission;
pub mod batch;
pub mod dry_run;
pub mod hotline;
mod ids;
mod notation;
mod papers;
mod prepare;
pub mod read;
pub mod receipt;
pub mod ways;

pub use batch::Batch;
pub use dry_run::dry_run;
pub use hotline::Hotline;
pub use prepare::scoped_identifier;
use read::Reader;
pub use read::{ReadRecord, Reading, read, read_of};
pub use receipt::Receipt;

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::finding_codes::{FINDINGS_TRUNCATED, SERVICE_SOURCE_UNKNOWN};
use crate::base::id::{ChannelId, CorrelationId, PartnerId, SubmissionId};
use crate::base::limits::{
    RECEIPT_FINDINGS_MAX, RECORD_FINDINGS_MAX, SMALL_BODY_BYTES_MAX, SMALL_RECORDS_MAX,
};
use crate::base::sensitive::{Reason, Sensitive};
use crate::catalog::partner::{Channel, Direction, Mode, Partner};
use crate::catalog::statewide::Statewide;
use crate::rules::Rules;
use crate::store::{AcceptError, HoldCause, NewSubmission, Rejected, Store, StoreError};
use crate::validate::rules::{ahead, call, waits_for_service_source};
use admission::{Papers, Sender};

/// One submission as a transport hands it over.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// The authenticated sender.
    pub partner: PartnerId,
    /// Its in-channel.
    pub channel: ChannelId,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// The whole body.
    pub body: Sensitive<Vec<u8>>,
    /// From `traceparent`, or minted.
    pub correlation: CorrelationId,
    /// When the body was complete.
    pub received_at: Timestamp,
}

/// Why nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The partner has no such in-channel.
    #[error("the partner has no such channel")]
    ChannelUnknown,
    /// The catalog has no such format.
    #[error("the format is unknown")]
    FormatUnknown,
    /// Larger than a small submission may be: send it as a batch.
    #[error("the submission is too large to be answered in the request")]
    TooLarge,
    /// No record was accepted; nothing was stored. All findings, by record.
    #[error("no record can be accepted")]
    Nothing(Vec<Finding>),
    /// The key belongs to another body.
    #[error("the idempotency key was used with another body")]
    KeyConflict,
    /// Too much is under way.
    #[error("the gateway cannot take more at the moment")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<AcceptError> for Refusal {
    fn from(error: AcceptError) -> Refusal {
        match error {
            AcceptError::KeyConflict => Refusal::KeyConflict,
            AcceptError::Busy => Refusal::Busy,
            AcceptError::Store(cause) => Refusal::Store(cause),
        }
    }
}

/// Accepts a small submission: read, admit, commit, receipt.
///
/// # Errors
/// See [`Refusal`]; nothing of a refused submission is kept.
pub async fn accept(store: &Store, rules: &Rules, inbound: Inbound) -> Result<Receipt, Refusal> {
    let Admitted {
        partner,
        mut reading,
        body_digest,
        ..
    } = admitted(store, rules, &inbound).await?;
    let (records, rejected) = sorted_out(&mut reading, partner, &rules.sources.statewide);
    if records.is_empty() {
        return Err(Refusal::Nothing(told(reading)));
    }
    let committed = store
        .accept(NewSubmission {
            submission_id: SubmissionId::mint(inbound.received_at),
            partner: partner.id.clone(),
            channel: inbound.channel,
            test: partner.mode == Mode::Test,
            idempotency_key: inbound.key,
            body_digest,
            rule_set: rules.digest.clone(),
            correlation_id: inbound.correlation,
            received_at: inbound.received_at,
            records,
            rejected,
        })
        .await?;
    Ok(Receipt::of(&committed).telling(rules, &partner.id, false))
}

/// A small submission, read and admitted.
struct Admitted<'a> {
    partner: &'a Partner,
    channel: &'a Channel,
    reading: Reading,
    papers: Papers,
    body_digest: Digest,
}

/// Reads a small submission and takes the operator's own decision on every record of it.
async fn admitted<'a>(
    store: &Store,
    rules: &'a Rules,
    inbound: &Inbound,
) -> Result<Admitted<'a>, Refusal> {
    let (partner, channel) = way_in(rules, &inbound.partner, &inbound.channel)?;
    let body = inbound.body.expose(Reason::Parse);
    if body.len() > SMALL_BODY_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    if rules.wires.get(&channel.format).is_none() {
        return Err(Refusal::FormatUnknown);
    }
    let mut reading = read_of(rules, channel, body);
    if reading.records.len() > SMALL_RECORDS_MAX {
        return Err(Refusal::TooLarge);
    }
    let now = inbound.received_at;
    let papers = papers::look_up(store, rules, &reading, (partner, now)).await?;
    let sender = Sender {
        partner,
        channel,
        papers: &papers,
        now,
    };
    admit_all(rules, &mut reading, &sender);
    Ok(Admitted {
        partner,
        channel,
        reading,
        papers,
        body_digest: Digest::of(body),
    })
}

/// The partner and its in-channel of that name.
fn way_in<'a>(
    rules: &'a Rules,
    partner: &PartnerId,
    channel: &ChannelId,
) -> Result<(&'a Partner, &'a Channel), Refusal> {
    let partner = rules.partners.get(partner);
    let partner = partner.ok_or(Refusal::ChannelUnknown)?;
    let channel = partner.channel(channel);
    let channel = channel.filter(|channel| channel.direction == Direction::In);
    Ok((partner, channel.ok_or(Refusal::ChannelUnknown)?))
}

/// Applies the operator's own decision to every record; what is refused loses its content.
pub fn admit_all(rules: &Rules, reading: &mut Reading, sender: &Sender<'_>) {
    let reader = Reader::of(rules, sender.channel);
    for read in &mut reading.records {
        let Some(record) = &mut read.record else {
            hotline::tell(rules, &sender.partner.id, &mut read.findings);
            continue;
        };
        prepare::complete(record, sender.partner, sender.channel);
        if waits_for_service_source(&record.record_type, &record.root) {
            read.hold = read.hold.or(Some(HoldCause::ServiceSourceUnknown));
        } else {
            read.findings
                .retain(|finding| finding.code != SERVICE_SOURCE_UNKNOWN.code);
        }
        let (law, plan) = (&rules.sources.operator, &rules.labels);
        let papers = sender.papers.get(&read.index);
        let papers = papers.map(Vec::as_slice).unwrap_or_default();
        let mut findings = admission::admit(law, plan, record, papers, sender);
        findings.extend(prepare::walled_for_silence(record));
        findings.extend(prepare::small_cells(record));
        findings.extend(call(&record.record_type, &record.root, sender.now));
        findings.extend(ahead(&record.root, sender.now));
        if let (Some(reader), Some(source), false) = (&reader, &read.source, findings.is_empty()) {
            reader.place(source, record, &mut findings);
        }
        for finding in &mut findings {
            finding.record_index = Some(read.index);
        }
        hotline::tell(rules, &sender.partner.id, &mut findings);
        let refused = findings.iter().any(Finding::is_error);
        read.findings.extend(findings);
        read.findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        read.findings.truncate(RECORD_FINDINGS_MAX);
        if refused {
            (read.record, read.source) = (None, None);
        }
    }
}

/// Records that stand, ready for the store, and those that do not, with their findings.
fn sorted_out(
    reading: &mut Reading,
    partner: &Partner,
    statewide: &Statewide,
) -> (Vec<crate::store::NewRecord>, Vec<Rejected>) {
    let (mut records, mut rejected) = (Vec::new(), Vec::new());
    let broken = reading.findings.iter().any(Finding::is_error);
    for read in &mut reading.records {
        match prepare::new_record(read, partner, statewide).filter(|_| !broken) {
            Some(record) => records.push(record),
            None => rejected.push(Rejected {
                index: read.index,
                findings: read.findings.clone(),
            }),
        }
    }
    (records, rejected)
}

/// All findings of a reading, bounded.
fn told(reading: Reading) -> Vec<Finding> {
    let of_records = reading.records.into_iter().flat_map(|read| read.findings);
    let mut all: Vec<Finding> = reading.findings.into_iter().chain(of_records).collect();
    if all.len() > RECEIPT_FINDINGS_MAX {
        all.truncate(RECEIPT_FINDINGS_MAX.saturating_sub(1));
        all.push(Finding::new(&FINDINGS_TRUNCATED));
    }
    all
}
