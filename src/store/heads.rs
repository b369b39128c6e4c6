//! New, duplicate or correction: the head of a record over all its versions.
//!
//! A version counts as known when its submission is sealed, or is the one being written. A batch
//! that is still received is invisible: what it holds neither makes a duplicate nor a correction.

use super::model::Action;
use super::prepare::PreparedRecord;
use super::sql::{Cell, Columns as _, Fault, Insert, for_keys, row};
use super::stage::Part;
use super::writer::Tx;
use crate::base::digest::Digest;
use crate::base::id::{PartnerId, RecordId, RecordType, SubmissionId};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// What is to be done with one record.
pub(super) enum Verdict {
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
pub(super) struct Heads {
    heads: HashMap<[u8; 16], Head>,
    /// Versions of a batch still received whose head somebody else took over.
    overtaken: Vec<(SubmissionId, [u8; 16])>,
}

impl Heads {
    /// Reserves heads for new records and reads those that exist.
    pub(super) async fn load(tx: &mut Tx, parts: &[Part<'_>]) -> Result<Heads, Fault> {
        let mut heads = HashMap::new();
        let mut insert = Insert::new(
            "INSERT INTO record (record_id, source_key, partner, record_type, current_row, \
             revision) VALUES",
            "ON CONFLICT (source_key) DO NOTHING RETURNING source_key",
        );
        for part in parts {
            for record in part.records {
                if let Entry::Vacant(slot) = heads.entry(record.source_key) {
                    slot.insert(fresh_head(&part.head.partner, record));
                    insert.push(row![
                        record.record_id.0,
                        record.source_key,
                        part.head.partner.as_str(),
                        record.record_type.as_str(),
                        record.row_id,
                        1_i64,
                    ]);
                }
            }
        }
        let mut known: HashSet<[u8; 16]> = heads.keys().copied().collect();
        for row in insert.returning(&mut tx.conn).await? {
            known.remove(&row.id(0)?);
        }
        let mut out = Heads {
            heads,
            overtaken: Vec::new(),
        };
        if !known.is_empty() {
            out.read_known(tx, known).await?;
        }
        Ok(out)
    }

    async fn read_known(&mut self, tx: &mut Tx, known: HashSet<[u8; 16]>) -> Result<(), Fault> {
        let keys: Vec<Cell> = known.into_iter().map(Cell::from).collect();
        let head = "SELECT r.source_key, r.record_id, r.revision, r.current_row, v.row_id, \
                    v.submission_id, s.state, v.void, v.content, v.version, v.commitment \
                    FROM record r LEFT JOIN record_version v ON v.record_id = r.record_id \
                    LEFT JOIN submission s ON s.submission_id = v.submission_id \
                    WHERE r.source_key IN";
        let rows = for_keys(&mut tx.conn, head, "ORDER BY v.revision", &[], &keys).await?;
        for row in rows {
            let Some(head) = self.heads.get_mut(&row.id(0)?) else {
                continue;
            };
            head.record_id = RecordId(row.id(1)?);
            head.revision = row.int(2)?;
            head.current = row.id_or_null(3)?;
            let Some(row_id) = row.id_or_null(4)? else {
                continue;
            };
            head.versions.push(Version {
                row_id,
                submission: SubmissionId(row.id(5)?),
                sealed: row.int(6)? == 1,
                void: row.int(7)? == 1,
                content: row.digest(8)?,
                version: row.digest(9)?,
                commitment: row.digest(10)?,
            });
        }
        Ok(())
    }

    /// Judges the records of one part, in order.
    pub(super) fn judge(&mut self, part: &Part<'_>) -> Vec<Verdict> {
        part.records
            .iter()
            .map(|record| self.judge_one(part, record))
            .collect()
    }

    fn judge_one(&mut self, part: &Part<'_>, record: &PreparedRecord) -> Verdict {
        let mine = part.head.submission_id;
        let void = record.action == Action::Void;
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
            return Verdict::Duplicate(Known {
                record_id: head.record_id,
                row_id: known.row_id,
                commitment: known.commitment,
            });
        }
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
            replaces,
        };
        head.take(part, record, &new);
        self.overtaken.extend(hidden);
        Verdict::New(new)
    }

    /// Writes the heads that changed.
    pub(super) async fn save(&self, tx: &mut Tx) -> Result<(), Fault> {
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
        upsert.run(&mut tx.conn).await?;
        for (submission, row_id) in &self.overtaken {
            let sql = "UPDATE submission_record SET correction = 1 \
                       WHERE submission_id = ? AND row_id = ?";
            super::sql::run(&mut tx.conn, sql, row![submission.0, *row_id]).await?;
        }
        Ok(())
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
        // The reserving insert already wrote the first version of a new record.
        self.changed |= self.revision > 0;
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
