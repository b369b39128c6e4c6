//! From a plain record to a sealed one, before the writer sees it: all cryptography happens here,
//! on the caller's thread.

use super::derived::RowKey;
use super::findings;
use super::keys::{DataKey, Domain, Keys, PartnerKey, Place};
use super::model::{Action, HoldCause, NewRecord, NewSubmission, Reach};
use super::sql::Fault;
use super::whereabouts::{household_key, line_key};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::id::{PartnerId, RecordId, RecordType, SubmissionId};
use crate::base::sensitive::Reason;

/// Table and column names bound into sealed record values.
pub(super) const RECORD_TABLE: &str = "record_version";
pub(super) const PAYLOAD: &str = "payload";
pub(super) const META: &str = "meta";

/// What is sealed beside the payload.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Meta {
    /// The sender's id.
    pub(super) source: String,
    /// Keys of the persons, in order of `record_person.ordinal`.
    pub(super) persons: Vec<MetaPerson>,
}

/// One person of [`Meta`].
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct MetaPerson {
    /// Key inside the record.
    pub(super) key: String,
    /// Keyed digests of its identifiers, hexadecimal: a held record is joined again by them.
    pub(super) identifiers: Vec<String>,
}

/// A record ready for the writer.
pub(super) struct PreparedRecord {
    pub(super) row_id: [u8; 16],
    pub(super) record_id: RecordId,
    pub(super) source_key: [u8; 16],
    pub(super) source_record_id: String,
    pub(super) index: u32,
    pub(super) record_type: RecordType,
    pub(super) content: Digest,
    pub(super) action: Action,
    pub(super) hold: Option<HoldCause>,
    pub(super) county_fips: Option<String>,
    pub(super) service_source: Option<String>,
    pub(super) case_key: Option<[u8; 16]>,
    pub(super) findings: Vec<Finding>,
    /// Which record it replaces.
    pub(super) supersedes: Option<[u8; 16]>,
    /// What is told if the earlier record it speaks of is unknown.
    pub(super) earlier: Vec<Finding>,
    /// The findings for the record's row when it is stored, and when it repeats one.
    pub(super) findings_sealed: Option<Vec<u8>>,
    pub(super) findings_repeated: Option<Vec<u8>>,
    /// Seals what is told only once it is known what it replaces.
    pub(super) data_key: DataKey,
    pub(super) persons: Vec<PreparedPerson>,
    /// Keyed digests of the lines of protected addresses.
    pub(super) lines: Vec<[u8; 16]>,
    /// Records it was made from.
    pub(super) sources: Vec<RecordId>,
    pub(super) key_id: i64,
    pub(super) wrapped: Vec<u8>,
    pub(super) commitment: Digest,
    pub(super) meta: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

/// A person of a prepared record.
pub(super) struct PreparedPerson {
    pub(super) identifiers: Vec<([u8; 16], Reach)>,
    pub(super) focus: bool,
    /// The record states a protected address of it.
    pub(super) protected: bool,
    /// Keyed digests of its households.
    pub(super) households: Vec<[u8; 16]>,
}

/// A submission ready for the writer.
pub(super) struct PreparedSubmission {
    /// Everything but the records.
    pub(super) head: NewSubmission,
    pub(super) records: Vec<PreparedRecord>,
    pub(super) key: Option<[u8; 16]>,
    /// The body's digest as it may be compared, and as it may be read again.
    pub(super) body: (Digest, Vec<u8>),
    /// Findings of the rejected ones, in order.
    pub(super) rejected: Vec<Option<Vec<u8>>>,
}

/// Who hands in, in which lane.
pub(super) struct Sender<'a> {
    pub(super) partner: &'a PartnerId,
    pub(super) test: bool,
    /// When ids are minted. Not when the first byte came: ids of one instant sort at random, and
    /// all records of a batch came at one, so that every row would go to a page of its own.
    pub(super) now: Timestamp,
    pub(super) submission: SubmissionId,
    /// The submission's key.
    pub(super) key: RowKey,
}

impl PreparedSubmission {
    /// Seals all records of a submission.
    pub(super) fn new(
        keys: &Keys,
        partner_key: &PartnerKey,
        (mut submission, now): (NewSubmission, Timestamp),
    ) -> Result<PreparedSubmission, Fault> {
        let records = std::mem::take(&mut submission.records);
        let id = submission.submission_id;
        let sender = Sender {
            partner: &submission.partner,
            test: submission.test,
            now,
            submission: id,
            key: keys.of_row(&id.0)?,
        };
        let rejected = submission
            .rejected
            .iter()
            .map(|rejected| findings::seal(&sender.key, (id, rejected.index), &rejected.findings));
        let rejected = rejected.collect::<Result<_, _>>()?;
        let records = records
            .into_iter()
            .map(|record| prepare(keys, partner_key, &sender, record))
            .collect::<Result<Vec<_>, _>>()?;
        let key = submission
            .idempotency_key
            .as_deref()
            .map(|key| idempotency_key(keys, &submission.partner, key));
        let digest = &submission.body_digest;
        let compared = findings::keyed_body_digest(keys, &submission.partner, digest);
        Ok(PreparedSubmission {
            body: (compared, findings::seal_body_digest(keys, &submission)?),
            head: submission,
            records,
            key,
            rejected,
        })
    }
}

/// The keyed digest of an idempotency key.
pub(super) fn idempotency_key(keys: &Keys, partner: &PartnerId, key: &str) -> [u8; 16] {
    keys.blind(Domain::Idempotency, &[partner.as_str(), key])
}

/// Seals one record.
pub(super) fn prepare(
    keys: &Keys,
    partner_key: &PartnerKey,
    sender: &Sender<'_>,
    record: NewRecord,
) -> Result<PreparedRecord, Fault> {
    // Row ids sort by time like all minted ids, so that rows are appended, not scattered.
    let row_id = RecordId::mint(sender.now).0;
    let persons = prepare_persons(keys, sender, &record);
    let lines = record.protected_lines.iter();
    let lines = lines
        .map(|line| line_key(keys, sender.test, line))
        .collect();
    let data_key = DataKey::generate()?;
    let key = |id: &str| source_key(keys, sender, (&record.record_type, id));
    let (source_key, supersedes) = (
        key(&record.source_record_id),
        record.earlier.supersedes.as_deref().map(key),
    );
    // The plain digest never stands in the database: it would outlive a shredded record, and
    // whoever guesses its content could confirm the guess.
    let content = keys.blind_bytes(Domain::Content, &[&source_key, &record.version.0]);
    let place = |column| Place {
        table: RECORD_TABLE,
        row: &row_id,
        version: &content.0,
        column,
    };
    let meta = serde_json::to_vec(&meta(&record, &persons))
        .map_err(|_| Fault::Damaged("a record's head"))?;
    let sealed_meta = data_key.seal(&place(META), &meta)?;
    let payload = data_key.seal(&place(PAYLOAD), record.payload.expose(Reason::Seal))?;
    let repeated = (sender.submission, record.index);
    Ok(PreparedRecord {
        findings_sealed: findings::seal_own(&data_key, &row_id, &record.findings)?,
        findings_repeated: findings::seal(&sender.key, repeated, &record.findings)?,
        row_id,
        data_key: data_key.clone(),
        record_id: RecordId::mint(sender.now),
        source_key,
        commitment: data_key.commit(&record.version),
        wrapped: partner_key.wrap(&data_key)?,
        key_id: partner_key.id,
        case_key: record
            .case_ref
            .as_deref()
            .map(|case| keys.blind(Domain::Case, &[sender.partner.as_str(), case])),
        source_record_id: record.source_record_id,
        index: record.index,
        record_type: record.record_type,
        content,
        action: record.action,
        hold: record.hold,
        county_fips: record.county_fips,
        service_source: record.service_source,
        findings: record.findings,
        supersedes,
        earlier: record.earlier.findings,
        persons,
        lines,
        sources: record.sources,
        meta: sealed_meta,
        payload,
    })
}

fn meta(record: &NewRecord, persons: &[PreparedPerson]) -> Meta {
    let persons = record.persons.iter().zip(persons);
    Meta {
        source: record.source_record_id.clone(),
        persons: persons
            .map(|(person, prepared)| MetaPerson {
                key: person.key.clone(),
                identifiers: prepared.identifiers.iter().map(|(id, _)| hex(id)).collect(),
            })
            .collect(),
    }
}

/// Which record this is: the sender's id of it, in the sender's lane and among its type.
fn source_key(keys: &Keys, sender: &Sender<'_>, (kind, id): (&RecordType, &str)) -> [u8; 16] {
    let source = [
        sender.partner.as_str(),
        if sender.test { "test" } else { "live" },
        kind.as_str(),
        id,
    ];
    keys.blind(Domain::Source, &source)
}

fn hex(bytes: &[u8; 16]) -> String {
    crate::base::digest::hex(bytes)
}

fn prepare_persons(keys: &Keys, sender: &Sender<'_>, record: &NewRecord) -> Vec<PreparedPerson> {
    let domain = identifier_domain(sender.test);
    let one = |person: &super::model::NewPerson| {
        let mut identifiers: Vec<([u8; 16], Reach)> = person
            .identifiers
            .iter()
            .map(|given| (keys.blind(domain, &[given.text.trim()]), given.reach))
            .collect();
        if identifiers.is_empty() {
            // Without any identifier the person is the same one in every version of this record.
            let own = [
                "record",
                sender.partner.as_str(),
                record.record_type.as_str(),
                &record.source_record_id,
                &person.key,
            ];
            identifiers.push((keys.blind(domain, &own), Reach::Own));
        }
        let households = person.whereabouts.households.iter();
        PreparedPerson {
            identifiers,
            focus: person.focus,
            protected: person.whereabouts.protected,
            households: households
                .map(|name| household_key(keys, (sender.partner, sender.test), name))
                .collect(),
        }
    };
    record.persons.iter().map(one).collect()
}

/// Identifiers of test traffic are another world.
pub(super) fn identifier_domain(test: bool) -> Domain {
    if test {
        Domain::TestIdentifier
    } else {
        Domain::Identifier
    }
}
