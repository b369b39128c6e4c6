//! Opening sealed rows: the data key of a version, its head, its payload, its persons.

use super::epochs::LastChange;
use super::keys::{DataKey, Keys, Place};
use super::model::{StoredPerson, StoredRecord};
use super::prepare::{META, Meta, PAYLOAD, RECORD_TABLE};
use super::script::{Answers, At, Script};
use super::setup;
use super::sql::{Cell, Columns as _, Fault, first, row};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::sensitive::Sensitive;
use crate::telemetry::{Event, emit};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::HashMap;

/// Takes a partner's key into memory if it is not there yet.
pub(super) async fn load_partner_key(
    conn: &mut SqliteConnection,
    keys: &Keys,
    partner: &PartnerId,
    key_id: i64,
) -> Result<(), Fault> {
    if keys.partner_key(partner, key_id).is_some() {
        return Ok(());
    }
    let sql = "SELECT wrapped FROM partner_key WHERE partner = ? AND key_id = ?";
    let row = first(conn, sql, row![partner.as_str(), key_id]).await?;
    let row = row.ok_or(Fault::Damaged("a partner key is missing"))?;
    keys.learn_partner(partner, key_id, &row.blob(0)?)
}

/// Unwraps a data key with a partner key that is in memory.
pub(super) fn data_key(
    keys: &Keys,
    partner: &PartnerId,
    key_id: i64,
    wrapped: &[u8],
) -> Result<DataKey, Fault> {
    keys.partner_key(partner, key_id)
        .ok_or(Fault::Damaged("a partner key is missing"))?
        .unwrap(wrapped)
}

/// Opens a version's head.
pub(super) fn meta(
    key: &DataKey,
    row_id: &[u8; 16],
    content: &Digest,
    sealed: &[u8],
) -> Result<Meta, Fault> {
    let place = Place {
        table: RECORD_TABLE,
        row: row_id,
        version: &content.0,
        column: META,
    };
    let plain = key.open(&place, sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Fault::Damaged("a record's head"))
}

/// An opened version with the row it stands in.
pub(super) struct Opened {
    pub(super) row_id: [u8; 16],
    pub(super) content: Digest,
    pub(super) record: StoredRecord,
    pub(super) key: DataKey,
    /// When a person of it last changed.
    pub(super) changed: LastChange,
}

const VERSION_COLUMNS: &str = "SELECT v.row_id, v.record_id, v.version, v.content, v.record_type, \
     v.partner, v.channel, v.submission_id, v.correlation_id, v.test, v.void, v.received_at, \
     v.meta, v.payload, k.key_id, k.wrapped, s.position FROM record_version v \
     JOIN record_key k ON k.row_id = v.row_id \
     JOIN submission s ON s.submission_id = v.submission_id AND s.state = 1 \
     WHERE v.row_id IN";

/// Questions about versions by row, to be asked in one trip, perhaps with others.
pub(super) struct Ask {
    sequenced: At,
    persons: At,
    versions: At,
}

impl Ask {
    /// Adds the questions. Who the persons are and how their consents stand is read before
    /// anything that is decided with it.
    pub(super) fn new(script: &mut Script, rows: &[[u8; 16]]) -> Ask {
        let ids = || rows.iter().map(|id| Cell::from(*id));
        Ask {
            sequenced: script.add(setup::SEQUENCED, []),
            persons: script.keys(PERSONS, &[], ids()),
            versions: script.keys((VERSION_COLUMNS, ""), &[], ids()),
        }
    }

    /// Opens what was asked about; shredded and invisible versions are left out, and so is one
    /// that is damaged or whose partner's key is: one bad row must not stop the others. Whoever
    /// must know which are missing compares. Order is not kept.
    pub(super) async fn open(
        &self,
        conn: &mut SqliteConnection,
        keys: &Keys,
        answers: &mut Answers,
    ) -> Result<Vec<Opened>, Fault> {
        let sequenced = match answers.take(&self.sequenced).first() {
            Some(row) => super::submission::unsigned(row, 0)?,
            None => 0,
        };
        let mut persons = persons(&answers.take(&self.persons))?;
        let found = answers.take(&self.versions);
        let mut out = Vec::with_capacity(found.len());
        for row in &found {
            let row_id = row.id(0)?;
            let partner = PartnerId::new(&row.text(5)?);
            let key = load_partner_key(conn, keys, &partner, row.int(14)?).await;
            let mine = persons.remove(&row_id).unwrap_or_default();
            match key.and_then(|()| open_row(keys, row, (row_id, partner), (mine, sequenced))) {
                Ok(opened) => out.push(opened),
                // The database, not the row: nobody may take the row for damaged.
                Err(fault) if !matches!(fault, Fault::Damaged(_)) => return Err(fault),
                Err(fault) => {
                    emit(&Event::RecordUnreadable {
                        record: &RecordId(row.id(1)?),
                        cause: &fault.cause(),
                    });
                }
            }
        }
        Ok(out)
    }
}

/// Opens versions by row, as [`Ask`].
pub(super) async fn records(
    conn: &mut SqliteConnection,
    keys: &Keys,
    rows: &[[u8; 16]],
) -> Result<Vec<Opened>, Fault> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut script = Script::default();
    let ask = Ask::new(&mut script, rows);
    let mut answers = script.run(conn).await?;
    ask.open(conn, keys, &mut answers).await
}

fn open_row(
    keys: &Keys,
    row: &SqliteRow,
    (row_id, partner): ([u8; 16], PartnerId),
    (persons, sequenced): (Vec<PersonRow>, u64),
) -> Result<Opened, Fault> {
    let content = row.digest(3)?;
    let key = data_key(keys, &partner, row.int(14)?, &row.blob(15)?)?;
    let meta = meta(&key, &row_id, &content, &row.blob(12)?)?;
    let place = Place {
        table: RECORD_TABLE,
        row: &row_id,
        version: &content.0,
        column: PAYLOAD,
    };
    let payload = key.open(&place, &row.blob(13)?)?;
    let changed = LastChange::of(persons.iter().map(|row| row.changed));
    let named = meta.persons.into_iter().zip(persons);
    let position = row.int_or_null(16)?.and_then(|p| u64::try_from(p).ok());
    Ok(Opened {
        changed,
        row_id,
        content,
        record: StoredRecord {
            record_id: RecordId(row.id(1)?),
            version: row.digest(2)?,
            record_type: RecordType::new(&row.text(4)?),
            partner,
            channel: ChannelId::new(&row.text(6)?),
            source_record_id: meta.source,
            test: row.int(9)? == 1,
            void: row.int(10)? == 1,
            received_at: Timestamp(row.int(11)?),
            submission_id: SubmissionId(row.id(7)?),
            correlation_id: CorrelationId::new(&row.text(8)?),
            position: position.filter(|p| *p < sequenced),
            payload: Sensitive::new(payload),
            persons: named.map(|(meta, row)| row.named(meta.key)).collect(),
        },
        key,
    })
}

/// A person of a row, not yet named.
struct PersonRow {
    person: PersonId,
    focus: bool,
    epoch: i64,
    changed: i64,
}

impl PersonRow {
    fn named(self, key: String) -> StoredPerson {
        StoredPerson {
            key,
            person: self.person,
            focus: self.focus,
            epoch: self.epoch,
        }
    }
}

const PERSONS: (&str, &str) = (
    "SELECT r.row_id, r.person, r.focus, p.consent_epoch, p.consents_changed \
     FROM record_person r \
     JOIN person p ON p.person = r.person WHERE r.row_id IN",
    "ORDER BY r.row_id, r.ordinal",
);

fn persons(rows: &[SqliteRow]) -> Result<HashMap<[u8; 16], Vec<PersonRow>>, Fault> {
    let mut out: HashMap<[u8; 16], Vec<PersonRow>> = HashMap::new();
    for row in rows {
        out.entry(row.id(0)?).or_default().push(PersonRow {
            person: PersonId(row.id(1)?),
            focus: row.int(2)? == 1,
            epoch: row.int(3)?,
            changed: row.int(4)?,
        });
    }
    Ok(out)
}
