//! The job: fixed when it is asked for, written in one pass that decides, records, counts, hashes.

use super::joint::Joiner;
use super::manifest::{File, Gap, Manifest, Parameters};
use super::pass::{Answer, Decided, Decider, Scan};
use crate::base::clock::Timestamp;
use crate::base::id::{ChannelId, CorrelationId, ExtractId, PartnerId, RecordId, RecordType};
use crate::base::limits::{EXTRACT_AGE_MAX, EXTRACT_DELETED_MAX, EXTRACT_TYPES_MAX, PAGE_ROWS_MAX};
use crate::base::vocabulary::Purpose;
use crate::catalog::partner::{Channel, Direction, Mode, Partner};
use crate::kept::decision_record;
use crate::rules::Rules;
use crate::store::{
    Extract, ExtractFile, ExtractOutcome, ExtractOutput, ExtractTaken, LedgerPromise, NewExtract,
    NewJob, Store, StoreError,
};
use std::sync::Arc;

/// Why a job was not begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The partner has no channel to pull by, or none in that format.
    #[error("no pull channel of this partner fits")]
    NoChannel,
    /// The channel is not open for a record type that was asked for.
    #[error("the channel is not open for a record type that was asked for")]
    RecordType,
    /// The requester has as many under way as it may.
    #[error("this requester has enough extracts under way")]
    RequesterBusy,
    /// As many are under way as the gateway takes.
    #[error("enough extracts are under way")]
    Busy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is asked for; left out, all the channel is open for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Record types.
    pub records: Vec<RecordType>,
    /// Format of the files.
    pub format: Option<crate::base::id::FormatId>,
    /// The pull channel; left out, the first that fits, and one of the emergency door's last.
    pub channel: Option<ChannelId>,
}

/// Fixes a job for a partner.
///
/// # Errors
/// When no channel fits what is asked for, or the store fails.
pub async fn begin(
    store: &Store,
    rules: &Rules,
    partner: &Partner,
    asked: &Asked,
    (now, correlation_id): (Timestamp, CorrelationId),
) -> Result<Extract, BeginError> {
    let parameters = parameters(partner, asked)?;
    let new = NewExtract {
        extract_id: ExtractId::mint(now),
        requester: partner.id.clone(),
        test: parameters.test,
        rule_set: rules.digest.clone(),
        correlation_id,
        params: serde_json::to_string(&parameters).unwrap_or_default(),
    };
    match store.create_extract(new).await? {
        NewJob::Created(extract) => Ok(*extract),
        NewJob::RequesterBusy => Err(BeginError::RequesterBusy),
        NewJob::Busy => Err(BeginError::Busy),
    }
}

fn parameters(partner: &Partner, asked: &Asked) -> Result<Parameters, BeginError> {
    let fits = |format: &crate::base::id::FormatId| {
        asked.format.as_ref().is_none_or(|wanted| wanted == format)
    };
    let named = |channel: &&Channel| {
        let wanted = asked.channel.as_ref();
        wanted.is_none_or(|wanted| channel.name.as_ref() == Some(wanted))
    };
    let pulls = partner.channel.iter().filter(named);
    let pulls = pulls.filter(|pull| pull.direction == Direction::Pull && fits(&pull.format));
    // Unnamed, one of the emergency door's is meant only where there is no other.
    let channel = pulls.min_by_key(|pull| pull.purpose.is_some_and(Purpose::is_emergency));
    let channel = channel.ok_or(BeginError::NoChannel)?;
    let mut records = match asked.records.as_slice() {
        [] => channel.records.clone(),
        some => some.to_vec(),
    };
    if !records
        .iter()
        .all(|wanted| channel.records.contains(wanted))
    {
        return Err(BeginError::RecordType);
    }
    records.sort();
    records.dedup();
    records.truncate(EXTRACT_TYPES_MAX);
    Ok(Parameters {
        channel: channel.name.clone().ok_or(BeginError::NoChannel)?,
        records,
        test: partner.mode == Mode::Test,
    })
}

/// Writes the job: the one pass that decides, records every row, counts and hashes. A consent that
/// changed since the job was made, or rules that are no longer in force, give it up; so does a
/// store that fails, as far as it can still be told.
///
/// # Errors
/// When the store fails.
pub async fn write(store: &Store, rules: &Arc<Rules>, extract: &Extract) -> Result<(), StoreError> {
    let written = written(store, rules, extract).await;
    if written.is_err() {
        // If this fails too, a restart takes the job up again.
        let _ = store.finish_extract(extract.extract_id, None).await;
    }
    written
}

async fn written(store: &Store, rules: &Arc<Rules>, extract: &Extract) -> Result<(), StoreError> {
    let manifest = match parse(rules, extract) {
        Some(parameters) if store.start_extract(extract.extract_id).await? => {
            manifest(store, rules, extract, parameters).await?
        }
        _ => None,
    };
    let text = manifest.and_then(|manifest| serde_json::to_string(&manifest).ok());
    store.finish_extract(extract.extract_id, text).await
}

/// The parameters, as long as the rules of the job are in force.
pub(super) fn parse(rules: &Rules, extract: &Extract) -> Option<Parameters> {
    if extract.rule_set != rules.digest {
        return None;
    }
    serde_json::from_str(&extract.params).ok()
}

async fn manifest(
    store: &Store,
    rules: &Arc<Rules>,
    extract: &Extract,
    parameters: Parameters,
) -> Result<Option<Manifest>, StoreError> {
    let (mut files, mut gaps, mut ledger) = (Vec::new(), Vec::new(), None);
    for record_type in &parameters.records {
        let Some(decider) = Decider::new(rules, extract, &parameters) else {
            return Ok(None);
        };
        let number = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let counted = count(store, decider, extract, (record_type, number)).await?;
        let Some(counted) = counted else {
            return Ok(None);
        };
        if counted.gaps > 0 {
            gaps.push(Gap {
                record_type: record_type.clone(),
                records: counted.gaps,
            });
        }
        if let Some((file, promise)) = counted.file {
            files.push(file);
            ledger = Some(promise);
        }
    }
    let (deleted, deleted_left_out) = deleted(store, extract.extract_id).await?;
    Ok(Some(Manifest {
        extract_id: extract.extract_id,
        requester: extract.requester.clone(),
        rule_set: extract.rule_set.clone(),
        watermark: extract.position,
        decided_at: extract.decided_at,
        expires_at: extract.created_at.after(EXTRACT_AGE_MAX),
        parameters,
        files,
        gaps,
        deleted,
        deleted_left_out,
        ledger,
    }))
}

/// Everything the requester was sent that is gone, page by page, and how many are not named.
async fn deleted(store: &Store, id: ExtractId) -> Result<(Vec<RecordId>, u64), StoreError> {
    let (mut named, mut left_out, mut after) = (Vec::new(), 0, None);
    loop {
        let page = store.extract_deleted(id, after, PAGE_ROWS_MAX).await?;
        for record in &page {
            if named.len() < EXTRACT_DELETED_MAX {
                named.push(*record);
            } else {
                left_out += 1;
            }
        }
        after = page.last().copied();
        if page.len() < PAGE_ROWS_MAX {
            return Ok((named, left_out));
        }
    }
}

/// The records of one type.
struct Counted {
    /// Their file and its ledger entry, when anything may go.
    file: Option<(File, LedgerPromise)>,
    /// Records that could not be read.
    gaps: u64,
}

/// Writes the records of one type; `None` when a consent changed.
async fn count(
    store: &Store,
    decider: Decider,
    extract: &Extract,
    (record_type, number): (&RecordType, u32),
) -> Result<Option<Counted>, StoreError> {
    let (joint, media_type) = (decider.joint(), decider.media_type());
    let mut scan = Scan::new(store, decider, extract, record_type);
    let (mut joiner, mut gaps) = (Joiner::new(joint), 0);
    while let Some(page) = scan.next().await? {
        gaps += u64::try_from(page.unreadable.len()).unwrap_or(u64::MAX);
        let decided = page.decided.into_iter();
        let taken: Vec<ExtractTaken> = decided.filter_map(|one| taken(one, &mut joiner)).collect();
        let file = (extract.extract_id, number);
        let recorded = store.record_extract_rows(file, taken, page.unreadable);
        if !recorded.await? {
            return Ok(None);
        }
    }
    let (records, bytes) = (joiner.records(), joiner.bytes());
    let obligations = joiner.obligations();
    let Some(sha256) = joiner.digest().filter(|_| records > 0) else {
        return Ok(Some(Counted { file: None, gaps }));
    };
    let kept = ExtractFile {
        number,
        sha256,
        rows: records,
        bytes,
    };
    let promise = store.record_extract_file(extract.extract_id, kept).await?;
    let file = File {
        name: joint.file_name(record_type.as_str()),
        record_type: record_type.clone(),
        media_type,
        records,
        bytes,
        sha256,
        obligations,
    };
    Ok(Some(Counted {
        file: Some((file, promise)),
        gaps,
    }))
}

/// A decision as the store records it, what may go added to the file.
fn taken(decided: Decided, joiner: &mut Joiner) -> Option<ExtractTaken> {
    let (decision, outcome) = match decided.answer {
        Answer::Go(outgoing) => {
            let starts_at = joiner.bytes();
            let piece = joiner.add(&outgoing);
            let output = ExtractOutput {
                persons: decided.persons,
                digest: piece.digest(),
                starts_at,
                ends_at: joiner.bytes(),
                review_due: decided.review_due,
            };
            let decision = decision_record(outgoing.taken());
            (decision, ExtractOutcome::Given(output))
        }
        Answer::Withheld(decision) => (decision, ExtractOutcome::Withheld),
        Answer::Held(cause, decision) => (decision, ExtractOutcome::Held(cause)),
        Answer::NotAsked | Answer::Unreadable => return None,
    };
    Some(ExtractTaken {
        record_id: decided.record_id,
        row: decided.row,
        decision,
        outcome,
    })
}

/// Jobs a restart found unfinished are written again from the beginning.
///
/// # Errors
/// When the store fails; the first failure, after all were tried.
pub async fn go_on(
    store: &Store,
    rules: &Arc<Rules>,
    unfinished: Vec<Extract>,
) -> Result<(), StoreError> {
    let mut done = Ok(());
    for extract in unfinished {
        done = done.and(write(store, rules, &extract).await);
    }
    done
}

/// A partner's job with its manifest, if it has one yet.
///
/// # Errors
/// When the store fails.
pub async fn find(
    store: &Store,
    partner: &PartnerId,
    id: ExtractId,
) -> Result<Option<(Extract, Option<Manifest>)>, StoreError> {
    let found = store.extract(partner, id).await?;
    Ok(found.map(|extract| {
        let text = extract.manifest.as_deref().unwrap_or_default();
        let manifest = serde_json::from_str(text).ok();
        (extract, manifest)
    }))
}
