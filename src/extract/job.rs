//! The job: fixed when it is asked for, written in one pass that decides, records, counts, hashes.

use super::joint::Joiner;
use super::manifest::{File, Manifest, Parameters};
use super::pass::{Pass, Released};
use crate::base::clock::Timestamp;
use crate::base::id::{CorrelationId, ExtractId, PartnerId, RecordType};
use crate::base::sensitive::Reason;
use crate::catalog::partner::{Direction, Mode, Partner};
use crate::kept::decision_record;
use crate::rules::Rules;
use crate::store::{
    Extract, ExtractDisclosure, ExtractFile, LedgerPromise, NewExtract, Store, StoreError,
};
use std::sync::Arc;

/// Record types of one job at most.
const TYPES_MAX: usize = 64;
/// Records that a manifest names as deleted at most; more go into the next job.
const DELETED_MAX: usize = 500;

/// Why a job was not begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The partner has no channel to pull by, or none in that format.
    #[error("no pull channel of this partner fits")]
    NoChannel,
    /// The channel is not open for a record type that was asked for.
    #[error("the channel is not open for a record type that was asked for")]
    RecordType,
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
        decided_at: now,
        rule_set: rules.digest.clone(),
        correlation_id,
        params: serde_json::to_string(&parameters).unwrap_or_default(),
    };
    Ok(store.create_extract(new).await?)
}

fn parameters(partner: &Partner, asked: &Asked) -> Result<Parameters, BeginError> {
    let fits = |format: &crate::base::id::FormatId| {
        asked.format.as_ref().is_none_or(|wanted| wanted == format)
    };
    let channel = partner
        .channel
        .iter()
        .find(|channel| channel.direction == Direction::Pull && fits(&channel.format))
        .ok_or(BeginError::NoChannel)?;
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
    records.truncate(TYPES_MAX);
    Ok(Parameters {
        channel: channel.name.clone().ok_or(BeginError::NoChannel)?,
        records,
        test: partner.mode == Mode::Test,
    })
}

/// Writes the job: the one pass that decides, records the disclosures, counts and hashes. A
/// consent that changes meanwhile, or rules that are no longer in force, give it up.
///
/// # Errors
/// When the store fails; the job stays to be written after a restart.
pub async fn write(store: &Store, rules: &Arc<Rules>, extract: &Extract) -> Result<(), StoreError> {
    let manifest = match parse(rules, extract) {
        Some(parameters) => manifest(store, rules, extract, parameters).await?,
        None => None,
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
    let (mut files, mut ledger) = (Vec::new(), None);
    for record_type in &parameters.records {
        let Some(pass) = Pass::open(store, rules, extract, &parameters, record_type) else {
            return Ok(None);
        };
        let number = u32::try_from(files.len()).unwrap_or(u32::MAX);
        match count(store, pass, extract, (record_type, number)).await? {
            Counted::Empty => {}
            Counted::Changed => return Ok(None),
            Counted::File(counted) => {
                let (file, promise) = *counted;
                files.push(file);
                ledger = Some(promise);
            }
        }
    }
    Ok(Some(Manifest {
        extract_id: extract.extract_id,
        requester: extract.requester.clone(),
        rule_set: extract.rule_set.clone(),
        watermark: extract.position,
        decided_at: extract.decided_at,
        parameters,
        files,
        deleted: store
            .extract_deleted(extract.extract_id, None, DELETED_MAX)
            .await?,
        ledger,
    }))
}

enum Counted {
    /// Nothing of this type may go.
    Empty,
    /// A consent changed while it was counted.
    Changed,
    /// A file and its ledger entry.
    File(Box<(File, LedgerPromise)>),
}

async fn count(
    store: &Store,
    mut pass: Pass,
    extract: &Extract,
    (record_type, number): (&RecordType, u32),
) -> Result<Counted, StoreError> {
    let (joint, media_type) = (pass.joint(), pass.media_type());
    let mut joiner = Joiner::new(joint);
    while let Some(page) = pass.next().await? {
        if page.is_empty() {
            continue;
        }
        for released in &page {
            joiner.add(released.outgoing.bytes().expose(Reason::Send));
        }
        let given = page.iter().map(disclosure).collect();
        if !store
            .record_extract_disclosures(extract.extract_id, given)
            .await?
        {
            return Ok(Counted::Changed);
        }
    }
    let (rows, bytes) = (joiner.records(), joiner.bytes());
    let Some(sha256) = joiner.digest().filter(|_| rows > 0) else {
        return Ok(Counted::Empty);
    };
    let kept = ExtractFile {
        number,
        sha256,
        rows,
        bytes,
    };
    let promise = store.record_extract_file(extract.extract_id, kept).await?;
    let file = File {
        name: joint.file_name(record_type.as_str()),
        record_type: record_type.clone(),
        media_type,
        records: rows,
        bytes,
        sha256,
    };
    Ok(Counted::File(Box::new((file, promise))))
}

fn disclosure(released: &Released) -> ExtractDisclosure {
    let persons = released.stored.persons.iter();
    ExtractDisclosure {
        record_id: released.stored.record_id,
        version: released.stored.version,
        epochs: persons
            .map(|person| (person.person, person.epoch))
            .collect(),
        decision: decision_record(released.outgoing.taken()),
    }
}

/// Jobs a restart found unfinished are written again from the beginning.
///
/// # Errors
/// When the store fails.
pub async fn go_on(store: &Store, rules: &Arc<Rules>) -> Result<(), StoreError> {
    for extract in store.extracts_writing().await? {
        write(store, rules, &extract).await?;
    }
    Ok(())
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
