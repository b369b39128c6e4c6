//! New, duplicate or correction: the head of a record over all its versions.
//!
//! A version counts as known when its submission is sealed, or is the one being written. A batch
//! that is still received is invisible: what it holds neither makes a duplicate nor a correction.

use super::model::Action;
use super::prepare::PreparedRecord;
use super::script::{At, Script};
use super::sql::{Cell, Columns as _, Fault, Insert, row};
use super::stage::Part;
use crate::base::digest::Digest;
use crate::base::id::{PartnerId, RecordId, RecordType, SubmissionId};
use sqlx::sqlite::SqliteRow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

/// Whether a record says anything new.
pub(super) enum Novelty {
    /// Nothing: this content is known.
    Duplicate(Known),
    /// A new version is stored.
    New(NewVersion),
}

/// A known version.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) record_id: RecordId,
    pub(super) row_id: [u8; 16],
    pub(super) commitment: Digest,
}

/// A version to store.
pub(super) struct NewVersion {
    pub(super) record_id: RecordId,
    pub(super) revision: i64,
    /// Unique within the record.
    pub(super) version: Digest,
    /// Visible versions before it.
    pub(super) replaces: Vec<[u8; 16]>,
    /// One of them came in the same submission.
    pub(super) repeated: bool,
    /// The last of them came in the same submission, and took nothing back.
    pub(super) contradicts: bool,
    /// The record it says it replaces was never received.
    pub(super) superseded_unknown: bool,
    /// Whether the head must be looked at again when the batch is sealed.
    pub(super) corrects: bool,
}

struct Version {
    row_id: [u8; 16],
    submission: SubmissionId,
    sealed: bool,
    void: bool,
    content: Digest,
    version: Digest,
    commitment: Digest,
}

struct Head {
    record_id: RecordId,
    partner: PartnerId,
    record_type: RecordType,
    revision: i64,
    current: Option<[u8; 16]>,
    versions: Vec<Version>,
    changed: bool,
}

/// The heads one transaction touches.
#[derive(Default)]
pub(super) struct Heads {
    heads: HashMap<[u8; 16], Head>,
    /// Versions of a batch still received whose head somebody else took over.
    overtaken: Vec<(SubmissionId, [u8; 16])>,
}

impl Heads {
    /// Asks for the heads of these records and all their versions.
    pub(super) fn ask(asks: &mut Script, parts: &[Part<'_>]) -> At {
        let records = parts.iter().flat_map(|part| part.records);
        let named = |record: &PreparedRecord| [Some(record.source_key), record.supersedes];
        let keys: BTreeSet<[u8; 16]> = records.flat_map(named).flatten().collect();
        let head = "SELECT r.source_key, r.record_id, r.revision, r.current_row, r.partner, \
                    r.record_type, v.row_id, v.submission_id, s.state, v.void, v.content, \
                    v.version, v.commitment \
                    FROM record r LEFT JOIN record_version v ON v.record_id = r.record_id \
                    LEFT JOIN submission s ON s.submission_id = v.submission_id \
                    WHERE r.source_key IN";
        let keys = keys.into_iter().map(Cell::from);
        asks.keys((head, "ORDER BY v.revision"), &[], keys)
    }

    /// Takes in the answer.
    pub(super) fn learn(rows: &[SqliteRow]) -> Result<Heads, Fault> {
        let mut heads = Heads::default();
        for row in rows {
            let head = match heads.heads.entry(row.id(0)?) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(slot) => slot.insert(Head {
                    record_id: RecordId(row.id(1)?),
                    revision: row.int(2)?,
                    current: row.id_or_null(3)?,
                    partner: PartnerId::new(&row.text(4)?),
                    record_type: RecordType::new(&row.text(5)?),
                    versions: Vec::new(),
                    changed: false,
                }),
            };
            let Some(row_id) = row.id_or_null(6)? else {
                continue;
            };
            head.versions.push(Version {
                row_id,
                submission: SubmissionId(row.id(7)?),
                sealed: row.int(8)? == 1,
                void: row.int(9)? == 1,
                content: row.digest(10)?,
                version: row.digest(11)?,
                commitment: row.digest(12)?,
            });
        }
        Ok(heads)
    }

    /// Judges the records of one part, in order.
    pub(super) fn judge(&mut self, part: &Part<'_>) -> Vec<Novelty> {
        part.records
            .iter()
            .map(|record| self.judge_one(part, record))
            .collect()
    }

    fn judge_one(&mut self, part: &Part<'_>, record: &PreparedRecord) -> Novelty {
        let mine = part.head.submission_id;
        let void = record.action == Action::Void;
        let superseded_unknown = record.supersedes.is_some_and(|key| {
            let head = self.heads.get(&key);
            let mut versions = head.iter().flat_map(|head| &head.versions);
            !versions.any(|v| v.sealed || v.submission == mine)
        });
        let fresh = || fresh_head(&part.head.partner, record);
        let head = self.heads.entry(record.source_key).or_insert_with(fresh);
        let seen = |v: &&Version| v.sealed || v.submission == mine;
        let current = head.versions.iter().rfind(seen);
        let repeats = match current {
            Some(current) if void && current.void => Some(current),
            Some(current) if !void && !current.void => head
                .versions
                .iter()
                .filter(seen)
                .find(|v| !v.void && v.content == record.content),
            _ => None,
        };
        if let Some(known) = repeats {
            return Novelty::Duplicate(Known {
                record_id: head.record_id,
                row_id: known.row_id,
                commitment: known.commitment,
            });
        }
        let contradicts =
            !void && current.is_some_and(|known| known.submission == mine && !known.void);
        let replaces: Vec<[u8; 16]> = head
            .versions
            .iter()
            .filter(seen)
            .map(|v| v.row_id)
            .collect();
        let hidden = head.versions.iter().filter(|v| !seen(v));
        let hidden: Vec<_> = hidden.map(|v| (v.submission, v.row_id)).collect();
        let new = NewVersion {
            record_id: head.record_id,
            revision: head.revision,
            version: unused_version(head, record),
            corrects: !head.versions.is_empty(),
            repeated: head.versions.iter().any(|v| v.submission == mine),
            contradicts,
            replaces,
            superseded_unknown,
        };
        head.take(part, record, &new);
        self.overtaken.extend(hidden);
        Novelty::New(new)
    }

    /// Writes the heads that are new or changed.
    pub(super) fn save(&self, writes: &mut Script) {
        let mut upsert = Insert::new(
            "INSERT INTO record (record_id, source_key, partner, record_type, current_row, \
             revision) VALUES",
            "ON CONFLICT (record_id) DO UPDATE SET current_row = excluded.current_row, \
             revision = excluded.revision",
        );
        for (source_key, head) in self.heads.iter().filter(|(_, head)| head.changed) {
            upsert.push(row![
                head.record_id.0,
                *source_key,
                head.partner.as_str(),
                head.record_type.as_str(),
                head.current,
                head.revision,
            ]);
        }
        upsert.add_to(writes);
        for (submission, row_id) in &self.overtaken {
            let sql = "UPDATE submission_record SET correction = 1 \
                       WHERE submission_id = ? AND row_id = ?";
            writes.add(sql, row![submission.0, *row_id]);
        }
    }
}

fn fresh_head(partner: &PartnerId, record: &PreparedRecord) -> Head {
    Head {
        record_id: record.record_id,
        partner: partner.clone(),
        record_type: record.record_type.clone(),
        revision: 0,
        current: None,
        versions: Vec::new(),
        changed: false,
    }
}

impl Head {
    fn take(&mut self, part: &Part<'_>, record: &PreparedRecord, new: &NewVersion) {
        self.changed = true;
        self.revision += 1;
        // An invisible version becomes current when its batch is sealed, or if nothing else is.
        if part.visible || self.current.is_none() {
            self.current = Some(record.row_id);
        }
        self.versions.push(Version {
            row_id: record.row_id,
            submission: part.head.submission_id,
            sealed: part.visible,
            void: record.action == Action::Void,
            content: record.content,
            version: new.version,
            commitment: record.commitment,
        });
    }
}

/// The content's digest, unless the record already has a version of that name (content that comes
/// back after something else, or a void): delivery ids must not repeat.
fn unused_version(head: &Head, record: &PreparedRecord) -> Digest {
    if head.versions.iter().all(|v| v.version != record.content) {
        return record.content;
    }
    Digest::of_parts(&[&record.content.0, &head.revision.to_be_bytes()])
}
