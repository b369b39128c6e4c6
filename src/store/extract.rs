//! Extracts: jobs fixed by ledger position, instant, rules, requester and parameters.
//!
//! What a file discloses is recorded before the file can be fetched; it counts as disclosed once
//! somebody began to fetch it. A job with a person whose consents changed since is stale.

use super::accept::promise;
use super::authorise::{decision_insert, decision_row, disclosure_insert};
use super::decision::{self, SealedDecision};
use super::model::{
    Extract, ExtractDisclosure, ExtractFile, ExtractPage, ExtractState, LedgerPromise, NewExtract,
    StoreError, StoredRecord,
};
use super::sql::{Cell, Columns as _, Fault, Insert, all, first, for_keys, row, run};
use super::submission::unsigned;
use super::writer::{Tx, failed};
use super::{Store, open, sequence, setup};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::limits::PAGE_ROWS_MAX;
use crate::ledger::entry::{EntryKind, Fields};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::HashMap;

/// A disclosure with its decision sealed.
struct Given {
    record_id: RecordId,
    version: Digest,
    disclosure_id: DisclosureId,
    epochs: Vec<(PersonId, i64)>,
    decision: SealedDecision,
}

impl Store {
    /// Creates a job over everything committed so far.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_extract(&self, new: NewExtract) -> Result<Extract, StoreError> {
        self.write("create_extract", new, |tx, new| Box::pin(create(tx, new)))
            .await
    }

    /// A requester's job; another's is unknown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extract(
        &self,
        requester: &PartnerId,
        id: ExtractId,
    ) -> Result<Option<Extract>, StoreError> {
        const NAME: &str = "extract";
        let mut conn = self.reader(NAME).await?;
        let found = read(&mut conn, id).await;
        let found = found.map_err(|fault| failed(NAME, &fault))?;
        Ok(found.filter(|extract| extract.requester == *requester))
    }

    /// Jobs that are still being written: to go on with after a restart.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extracts_writing(&self) -> Result<Vec<Extract>, StoreError> {
        const NAME: &str = "extracts_writing";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let sql = "SELECT extract_id FROM extract WHERE state = 0 ORDER BY extract_id";
            let mut out = Vec::new();
            for row in all(&mut conn, sql, []).await? {
                out.extend(read(&mut conn, ExtractId(row.id(0)?)).await?);
            }
            Ok(out)
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// Records of one type as of a position, in order of their ids: the newest version of each,
    /// not withdrawn, not held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extract_page(&self, page: &ExtractPage) -> Result<Vec<StoredRecord>, StoreError> {
        const NAME: &str = "extract_page";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let rows = page_rows(&mut conn, page).await?;
            let sequenced = setup::sequenced(&mut conn).await?;
            let mut opened = open::records(&mut conn, &self.inner.keys, &rows, sequenced).await?;
            opened.sort_by_key(|opened| opened.record.record_id);
            Ok(opened.into_iter().map(|opened| opened.record).collect())
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// Records what rows of a file disclose, a page at a time and before the file can be fetched.
    /// `false` when a consent changed meanwhile: nothing is recorded, decide again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_extract_disclosures(
        &self,
        id: ExtractId,
        given: Vec<ExtractDisclosure>,
    ) -> Result<bool, StoreError> {
        const NAME: &str = "record_extract_disclosures";
        let seal = |given: ExtractDisclosure| {
            let parts: [&[u8]; 2] = [&id.0, &given.record_id.0];
            let disclosure_id = DisclosureId(Digest::of_parts(&parts).half());
            let decision = &given.decision;
            Ok(Given {
                record_id: given.record_id,
                version: given.version,
                disclosure_id,
                decision: decision::seal(&self.inner.keys, &disclosure_id.0, decision)?,
                epochs: given.epochs,
            })
        };
        let given: Result<Vec<_>, Fault> = given.into_iter().map(seal).collect();
        let given = given.map_err(|fault| failed(NAME, &fault))?;
        self.write(NAME, (id, given), |tx, (id, given)| {
            Box::pin(give(tx, *id, given))
        })
        .await
    }

    /// Records a file that was written whole.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_extract_file(
        &self,
        id: ExtractId,
        file: ExtractFile,
    ) -> Result<LedgerPromise, StoreError> {
        self.write("record_extract_file", (id, file), |tx, (id, file)| {
            Box::pin(async move {
                let extract = read(&mut tx.conn, *id).await?;
                let extract = extract.ok_or(Fault::Damaged("an extract is missing"))?;
                let sql = "SELECT disclosures_hash FROM extract WHERE extract_id = ?";
                let hash = first(&mut tx.conn, sql, row![id.0]).await?;
                let hash = hash.ok_or(Fault::Damaged("an extract is missing"))?;
                let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
                let fields = entry_fields("file", &extract)
                    .int("file", i64::from(file.number))
                    .digest("sha256", &file.sha256)
                    .int("rows", count(file.rows))
                    .int("bytes", count(file.bytes))
                    .digest("disclosures", &hash.digest(0)?);
                let at = tx.now();
                let entry = tx.append(EntryKind::Extract, at, &fields);
                Ok(promise(tx, &entry))
            })
        })
        .await
    }

    /// Ends a job: ready with its manifest, or given up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_extract(
        &self,
        id: ExtractId,
        manifest: Option<String>,
    ) -> Result<(), StoreError> {
        self.write("finish_extract", (id, manifest), |tx, (id, manifest)| {
            Box::pin(async move {
                let sql = "UPDATE extract SET state = ?, manifest = ?, updated_at = ? \
                           WHERE extract_id = ? AND state = 0";
                let state = if manifest.is_some() { 1_i64 } else { 2 };
                let cells = row![state, manifest.as_deref(), tx.now(), id.0];
                run(&mut tx.conn, sql, cells).await?;
                Ok(())
            })
        })
        .await
    }

    /// Whether a ready job may be fetched now: no person in it has a newer consent epoch.
    ///
    /// # Errors
    /// When the database fails; it must then not be fetched.
    pub async fn extract_is_current(&self, id: ExtractId) -> Result<bool, StoreError> {
        const NAME: &str = "extract_is_current";
        let mut conn = self.reader(NAME).await?;
        let current = is_current(&mut conn, id).await;
        current.map_err(|fault| failed(NAME, &fault))
    }

    /// Says that a file begins to be fetched (its rows may have arrived from now on) or was fetched
    /// whole. `false` when the job is stale or not ready: nothing may be served then.
    ///
    /// # Errors
    /// When the database fails; nothing may be served then.
    pub async fn serve_extract(&self, id: ExtractId, whole: bool) -> Result<bool, StoreError> {
        self.write("serve_extract", (id, whole), |tx, (id, whole)| {
            Box::pin(serve(tx, *id, *whole))
        })
        .await
    }

    /// Records a requester was given before a job and that are withdrawn as of its position.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extract_deleted(
        &self,
        id: ExtractId,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
        const NAME: &str = "extract_deleted";
        let mut conn = self.reader(NAME).await?;
        let found = deleted(&mut conn, (id, after, limit)).await;
        found.map_err(|fault| failed(NAME, &fault))
    }
}

fn entry_fields(change: &str, extract: &Extract) -> Fields {
    Fields::new()
        .text("change", change)
        .text("extract", &extract.extract_id.to_string())
        .text("requester", extract.requester.as_str())
        .int("test", i64::from(extract.test))
        .int("position", i64::try_from(extract.position).unwrap_or(0))
        .int("decided_at", extract.decided_at.0)
        .text("rule_set", extract.rule_set.as_str())
        .text("correlation", extract.correlation_id.as_str())
}

async fn create(tx: &mut Tx, new: &NewExtract) -> Result<Extract, Fault> {
    // The job's position must be covered by a checkpoint.
    while sequence::sequence(tx).await?.is_some() {}
    let extract = Extract {
        extract_id: new.extract_id,
        requester: new.requester.clone(),
        test: new.test,
        position: setup::sequenced(&mut tx.conn).await?,
        decided_at: new.decided_at,
        rule_set: new.rule_set.clone(),
        correlation_id: new.correlation_id.clone(),
        params: new.params.clone(),
        state: ExtractState::Writing,
        created_at: tx.now(),
        manifest: None,
    };
    let sql = "INSERT INTO extract (extract_id, requester, test, position, decided_at, rule_set, \
               correlation_id, params, state, exposure, created_at, updated_at, \
               disclosures_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?)";
    let cells = row![
        extract.extract_id.0,
        extract.requester.as_str(),
        extract.test,
        extract.position,
        extract.decided_at,
        extract.rule_set.as_str(),
        extract.correlation_id.as_str(),
        extract.params.as_str(),
        extract.created_at,
        extract.created_at,
        Digest([0; 32]),
    ];
    run(&mut tx.conn, sql, cells).await?;
    let fields = entry_fields("created", &extract);
    tx.append(EntryKind::Extract, extract.created_at, &fields);
    Ok(extract)
}

async fn read(conn: &mut SqliteConnection, id: ExtractId) -> Result<Option<Extract>, Fault> {
    let sql = "SELECT requester, test, position, decided_at, rule_set, correlation_id, params, \
               state, created_at, manifest FROM extract WHERE extract_id = ?";
    let row = first(conn, sql, row![id.0]).await?;
    row.map(|row| read_row(&row, id)).transpose()
}

fn read_row(row: &SqliteRow, id: ExtractId) -> Result<Extract, Fault> {
    Ok(Extract {
        extract_id: id,
        requester: PartnerId::new(&row.text(0)?),
        test: row.int(1)? == 1,
        position: unsigned(row, 2)?,
        decided_at: Timestamp(row.int(3)?),
        rule_set: RuleSetId::new(&row.text(4)?),
        correlation_id: CorrelationId::new(&row.text(5)?),
        params: row.text(6)?,
        state: match row.int(7)? {
            0 => ExtractState::Writing,
            1 => ExtractState::Ready,
            _ => ExtractState::Abandoned,
        },
        created_at: Timestamp(row.int(8)?),
        manifest: row.text_or_null(9)?,
    })
}

async fn page_rows(
    conn: &mut SqliteConnection,
    page: &ExtractPage,
) -> Result<Vec<[u8; 16]>, Fault> {
    let sql = "SELECT v.row_id FROM record_version v \
               JOIN submission s ON s.submission_id = v.submission_id \
               WHERE v.record_type = ?1 AND v.record_id > ?2 AND s.state = 1 \
               AND s.position < ?3 AND v.test = ?4 AND v.void = 0 AND v.held_until <= ?3 \
               AND NOT EXISTS (SELECT 1 FROM record_version n \
               JOIN submission t ON t.submission_id = n.submission_id \
               WHERE n.record_type = ?1 AND n.record_id = v.record_id AND t.state = 1 \
               AND t.position < ?3 AND (t.position, n.revision) > (s.position, v.revision)) \
               ORDER BY v.record_id LIMIT ?5";
    let after = page.after.map_or([0; 16], |id| id.0);
    let cells = row![
        page.record_type.as_str(),
        after,
        page.position,
        page.test,
        page.limit.min(PAGE_ROWS_MAX),
    ];
    let rows = all(conn, sql, cells).await?;
    rows.iter().map(|row| row.id(0)).collect()
}

async fn rows_of(
    tx: &mut Tx,
    given: &[Given],
) -> Result<HashMap<(RecordId, Digest), [u8; 16]>, Fault> {
    let records: Vec<Cell> = given.iter().map(|g| Cell::from(g.record_id.0)).collect();
    let head = "SELECT record_id, version, row_id FROM record_version WHERE record_id IN";
    let mut out = HashMap::new();
    for row in for_keys(&mut tx.conn, head, "", &[], &records).await? {
        out.insert((RecordId(row.id(0)?), row.digest(1)?), row.id(2)?);
    }
    Ok(out)
}

async fn give(tx: &mut Tx, id: ExtractId, given: &[Given]) -> Result<bool, Fault> {
    let extract = read(&mut tx.conn, id).await?;
    let Some(extract) = extract.filter(|e| e.state == ExtractState::Writing) else {
        return Ok(false);
    };
    let mut persons: HashMap<PersonId, i64> = HashMap::new();
    for given in given {
        persons.extend(given.epochs.iter().copied());
    }
    let known = super::authorise::epochs(tx, persons.keys().copied().collect()).await?;
    if persons
        .iter()
        .any(|(person, epoch)| known.get(person) != Some(epoch))
    {
        return Ok(false);
    }
    let rows = rows_of(tx, given).await?;
    let now = tx.now();
    let mut inserts = GivenRows::new();
    let sql = "SELECT disclosures_hash FROM extract WHERE extract_id = ?";
    let hash = first(&mut tx.conn, sql, row![id.0]).await?;
    let mut hash = hash
        .ok_or(Fault::Damaged("an extract is missing"))?
        .digest(0)?;
    for given in given {
        let missing = Fault::Damaged("a version is missing");
        let row_id = rows.get(&(given.record_id, given.version)).ok_or(missing)?;
        inserts.push(&extract, given, *row_id, now);
        let commitment = given.decision.commitment.0;
        hash = Digest::of_parts(&[&hash.0, &given.disclosure_id.0, &commitment]);
    }
    for (person, epoch) in persons {
        inserts.persons.push(row![id.0, person.0, epoch]);
    }
    inserts.save(tx).await?;
    let sql = "UPDATE extract SET disclosures_hash = ?, updated_at = ? WHERE extract_id = ?";
    run(&mut tx.conn, sql, row![hash, now, id.0]).await?;
    Ok(true)
}

struct GivenRows {
    records: Insert,
    decisions: Insert,
    disclosures: Insert,
    persons: Insert,
}

impl GivenRows {
    fn new() -> GivenRows {
        GivenRows {
            records: Insert::new(
                "INSERT INTO extract_record (requester, record_id, extract_id, row_id, \
                 disclosure_id) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            decisions: decision_insert(),
            disclosures: disclosure_insert(),
            // The oldest epoch counts: it is the first to be overtaken.
            persons: Insert::new(
                "INSERT INTO extract_person (extract_id, person, epoch) VALUES",
                "ON CONFLICT DO UPDATE SET epoch = min(epoch, excluded.epoch)",
            ),
        }
    }

    fn push(&mut self, extract: &Extract, given: &Given, row_id: [u8; 16], now: Timestamp) {
        let id = given.disclosure_id.0;
        self.records.push(row![
            extract.requester.as_str(),
            given.record_id.0,
            extract.extract_id.0,
            row_id,
            id,
        ]);
        self.decisions.push(decision_row(&id, 0, &given.decision));
        if !extract.test {
            for person in &given.decision.disclosed {
                self.disclosures.push(row![person.0, now, id, 1_i64, 0_i64]);
            }
        }
    }

    async fn save(self, tx: &mut Tx) -> Result<(), Fault> {
        let conn = &mut tx.conn;
        self.records.run(conn).await?;
        self.decisions.run(conn).await?;
        self.disclosures.run(conn).await?;
        self.persons.run(conn).await
    }
}

async fn is_current(conn: &mut SqliteConnection, id: ExtractId) -> Result<bool, Fault> {
    let sql = "SELECT state = 1 AND NOT EXISTS (SELECT 1 FROM extract_person x \
               JOIN person p ON p.person = x.person WHERE x.extract_id = ?1 \
               AND p.consent_epoch > x.epoch) FROM extract WHERE extract_id = ?1";
    match first(conn, sql, row![id.0]).await? {
        Some(row) => Ok(row.int(0)? == 1),
        None => Ok(false),
    }
}

async fn serve(tx: &mut Tx, id: ExtractId, whole: bool) -> Result<bool, Fault> {
    let Some(extract) = read(&mut tx.conn, id).await? else {
        return Ok(false);
    };
    // What was fetched whole was fetched, whatever changed meanwhile.
    if !whole && !is_current(&mut tx.conn, id).await? {
        return Ok(false);
    }
    let now = tx.now();
    let sql = "UPDATE extract SET exposure = max(exposure, ?), updated_at = ? \
               WHERE extract_id = ?";
    let exposure = if whole { 2_i64 } else { 1 };
    run(&mut tx.conn, sql, row![exposure, now, id.0]).await?;
    let word = if whole { "fetched" } else { "serving" };
    tx.append(EntryKind::Extract, now, &entry_fields(word, &extract));
    Ok(true)
}

async fn deleted(
    conn: &mut SqliteConnection,
    (id, after, limit): (ExtractId, Option<RecordId>, usize),
) -> Result<Vec<RecordId>, Fault> {
    let Some(extract) = read(conn, id).await? else {
        return Ok(Vec::new());
    };
    // The newest version of each as of the position is withdrawn.
    let sql = "SELECT DISTINCT e.record_id FROM extract_record e WHERE e.requester = ?1 \
               AND e.record_id > ?2 AND e.extract_id <> ?3 AND 1 = (SELECT v.void \
               FROM record_version v JOIN submission s ON s.submission_id = v.submission_id \
               WHERE v.record_id = e.record_id AND s.state = 1 AND s.position < ?4 \
               ORDER BY s.position DESC, v.revision DESC LIMIT 1) \
               ORDER BY e.record_id LIMIT ?5";
    let cells = row![
        extract.requester.as_str(),
        after.map_or([0; 16], |id| id.0),
        id.0,
        extract.position,
        limit.min(PAGE_ROWS_MAX),
    ];
    let rows = all(conn, sql, cells).await?;
    rows.iter().map(|row| row.id(0).map(RecordId)).collect()
}
