//! Extracts: jobs fixed by ledger position, instant, rules, requester and parameters.
//!
//! Here a job begins and ends. Everything it decides is recorded before it can be fetched
//! ([`rows`]); what leaves is committed page by page before it leaves ([`serve`]). A job that knows
//! an older state of a person's consents than the store must never be fetched.

mod rows;
mod serve;

use super::accept::promise;
use super::keys::{Keys, Place};
use super::model::{
    Extract, ExtractFile, ExtractState, LedgerPromise, NewExtract, NewJob, Standing, StoreError,
};
use super::sql::{Cell, Columns as _, Fault, all, first, for_keys, row, run};
use super::submission::unsigned;
use super::writer::{Tx, failed};
use super::{Store, sequence, setup};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::limits::{
    EXTRACT_AGE_MAX, EXTRACTS_OF_REQUESTER_MAX, EXTRACTS_UNDER_WAY_MAX, PAGE_ROWS_MAX,
};
use crate::ledger::entry::{EntryKind, Fields};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

impl Store {
    /// Creates a job over everything committed so far, as of this instant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_extract(&self, new: NewExtract) -> Result<NewJob, StoreError> {
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
        let found = async {
            let found = read(&mut conn, id).await?;
            let mine = found.filter(|extract| extract.requester == *requester);
            let Some(mut extract) = mine else {
                return Ok(None);
            };
            extract.manifest = manifest(&mut conn, &self.inner.keys, id).await?;
            Ok(Some(extract))
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
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

    /// Readies a job to be written: what an earlier run of it left half done is erased, so that
    /// every row is counted once. `false` when it is not to be written any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start_extract(&self, id: ExtractId) -> Result<bool, StoreError> {
        const NAME: &str = "start_extract";
        loop {
            let inbox = (&self.inner.chunks, NAME);
            let step = self.hand_over(inbox, id, |tx, id| Box::pin(start_step(tx, *id)));
            match step.await? {
                Start::Again => {}
                Start::Ready => return Ok(true),
                Start::Over => return Ok(false),
            }
        }
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
            Box::pin(record_file(tx, *id, file))
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
            Box::pin(finish(tx, *id, manifest.as_deref()))
        })
        .await
    }

    /// Whether a job may be fetched now.
    ///
    /// # Errors
    /// When the database fails; it must then not be fetched.
    pub async fn extract_standing(&self, id: ExtractId) -> Result<Standing, StoreError> {
        const NAME: &str = "extract_standing";
        let mut conn = self.reader(NAME).await?;
        let found = standing(&mut conn, id, self.inner.clock.now()).await;
        found.map_err(|fault| failed(NAME, &fault))
    }

    /// A download no longer makes the bytes the job has recorded: it is stale from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extract_differs(&self, id: ExtractId) -> Result<(), StoreError> {
        self.write("extract_differs", id, |tx, id| {
            Box::pin(async move {
                let sql = "UPDATE extract SET state = 3, updated_at = ? \
                           WHERE extract_id = ? AND state = 1";
                let now = tx.now();
                run(&mut tx.conn, sql, row![now, id.0]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Records a requester was sent before and that are withdrawn as of a job's position.
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
        .int("position", count(extract.position))
        .int("decided_at", extract.decided_at.0)
        .text("rule_set", extract.rule_set.as_str())
        .text("correlation", extract.correlation_id.as_str())
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

async fn create(tx: &mut Tx, new: &NewExtract) -> Result<NewJob, Fault> {
    let sql = "SELECT count(*), coalesce(sum(requester = ?), 0) FROM extract WHERE state = 0";
    if let Some(row) = first(&mut tx.conn, sql, row![new.requester.as_str()]).await? {
        if row.int(1)? >= i64::from(EXTRACTS_OF_REQUESTER_MAX) {
            return Ok(NewJob::RequesterBusy);
        }
        if row.int(0)? >= i64::from(EXTRACTS_UNDER_WAY_MAX) {
            return Ok(NewJob::Busy);
        }
    }
    // The job's position must be covered by a checkpoint.
    while sequence::sequence(tx).await?.is_some() {}
    let now = tx.now();
    let extract = Extract {
        extract_id: new.extract_id,
        requester: new.requester.clone(),
        test: new.test,
        position: setup::sequenced(&mut tx.conn).await?,
        decided_at: now,
        rule_set: new.rule_set.clone(),
        correlation_id: new.correlation_id.clone(),
        params: new.params.clone(),
        state: ExtractState::Writing,
        created_at: now,
        manifest: None,
    };
    let sql = "INSERT INTO extract (extract_id, requester, test, position, decided_at, rule_set, \
               correlation_id, params, state, created_at, updated_at, disclosures_hash) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)";
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
    tx.append(EntryKind::Extract, now, &entry_fields("created", &extract));
    Ok(NewJob::Created(Box::new(extract)))
}

/// A job, without its manifest.
async fn read(conn: &mut SqliteConnection, id: ExtractId) -> Result<Option<Extract>, Fault> {
    let sql = "SELECT requester, test, position, decided_at, rule_set, correlation_id, params, \
               state, created_at FROM extract WHERE extract_id = ?";
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
            3 => ExtractState::Stale,
            _ => ExtractState::Abandoned,
        },
        created_at: Timestamp(row.int(8)?),
        manifest: None,
    })
}

/// A manifest names the digests of what was released: it is sealed.
fn manifest_place(id: &ExtractId) -> Place<'_> {
    Place {
        table: "extract",
        row: &id.0,
        version: &[],
        column: "manifest",
    }
}

async fn manifest(
    conn: &mut SqliteConnection,
    keys: &Keys,
    id: ExtractId,
) -> Result<Option<String>, Fault> {
    let sql = "SELECT manifest FROM extract WHERE extract_id = ?";
    let row = first(conn, sql, row![id.0]).await?;
    let sealed = row.map(|row| row.blob_or_null(0)).transpose()?.flatten();
    let plain = sealed.map(|sealed| keys.open_of_row(&manifest_place(&id), &sealed));
    let plain = plain.transpose()?.map(String::from_utf8).transpose();
    plain.map_err(|_| Fault::Damaged("a manifest"))
}

fn is_expired(extract: &Extract, now: Timestamp) -> bool {
    now >= extract.created_at.after(EXTRACT_AGE_MAX)
}

/// What one step of readying came to.
enum Start {
    Again,
    Ready,
    Over,
}

/// Erases one step of what an earlier run left. A job that is still being written was never served.
async fn start_step(tx: &mut Tx, id: ExtractId) -> Result<Start, Fault> {
    let extract = read(&mut tx.conn, id).await?;
    let writing = extract.filter(|extract| extract.state == ExtractState::Writing);
    let Some(extract) = writing.filter(|extract| !is_expired(extract, tx.now())) else {
        return Ok(Start::Over);
    };
    let sql = "SELECT disclosure_id FROM extract_record WHERE extract_id = ? LIMIT ?";
    let left = all(&mut tx.conn, sql, row![id.0, PAGE_ROWS_MAX]).await?;
    if !left.is_empty() {
        let ids = left.iter().map(|row| row.id(0).map(Cell::from));
        let ids = ids.collect::<Result<Vec<Cell>, Fault>>()?;
        for head in [
            "DELETE FROM decision WHERE source_id IN",
            "DELETE FROM extract_record WHERE disclosure_id IN",
        ] {
            for_keys(&mut tx.conn, head, "", &[], &ids).await?;
        }
        return Ok(Start::Again);
    }
    for sql in [
        "DELETE FROM extract_person WHERE extract_id = ?",
        "DELETE FROM extract_file WHERE extract_id = ?",
    ] {
        run(&mut tx.conn, sql, row![id.0]).await?;
    }
    let sql = "UPDATE extract SET disclosures_hash = ?1 WHERE extract_id = ?2 \
               AND disclosures_hash <> ?1";
    if run(&mut tx.conn, sql, row![Digest([0; 32]), id.0]).await? > 0 {
        let at = tx.now();
        tx.append(
            EntryKind::Extract,
            at,
            &entry_fields("begun-anew", &extract),
        );
    }
    Ok(Start::Ready)
}

/// The chain over everything decided so far.
async fn chain(tx: &mut Tx, id: ExtractId) -> Result<Digest, Fault> {
    let sql = "SELECT disclosures_hash FROM extract WHERE extract_id = ?";
    let row = first(&mut tx.conn, sql, row![id.0]).await?;
    row.ok_or(Fault::Damaged("an extract is missing"))?
        .digest(0)
}

async fn record_file(
    tx: &mut Tx,
    id: ExtractId,
    file: &ExtractFile,
) -> Result<LedgerPromise, Fault> {
    let extract = read(&mut tx.conn, id).await?;
    let extract = extract.ok_or(Fault::Damaged("an extract is missing"))?;
    let sql = "INSERT INTO extract_file (extract_id, file, exposure) VALUES (?, ?, 0) \
               ON CONFLICT DO NOTHING";
    run(&mut tx.conn, sql, row![id.0, file.number]).await?;
    let fields = entry_fields("file", &extract)
        .int("file", i64::from(file.number))
        .digest("sha256", &file.sha256)
        .int("rows", count(file.rows))
        .int("bytes", count(file.bytes))
        .digest("disclosures", &chain(tx, id).await?);
    let at = tx.now();
    let entry = tx.append(EntryKind::Extract, at, &fields);
    Ok(promise(tx, &entry))
}

/// Ends a job that is being written; the ledger keeps a commitment to everything it decided.
async fn finish(tx: &mut Tx, id: ExtractId, manifest: Option<&str>) -> Result<(), Fault> {
    let extract = read(&mut tx.conn, id).await?;
    let Some(extract) = extract.filter(|extract| extract.state == ExtractState::Writing) else {
        return Ok(());
    };
    let (state, word) = match manifest {
        Some(_) => (1_i64, "ready"),
        None => (2, "given-up"),
    };
    let now = tx.now();
    let sql = "UPDATE extract SET state = ?, manifest = ?, updated_at = ? WHERE extract_id = ?";
    let key = tx.keys.of_row(&id.0)?;
    let manifest = manifest.map(|text| key.seal(&manifest_place(&id), text.as_bytes()));
    let manifest = manifest.transpose()?;
    run(&mut tx.conn, sql, row![state, manifest, now, id.0]).await?;
    let sql = "SELECT count(*) FROM extract_record WHERE extract_id = ?";
    let decided = first(&mut tx.conn, sql, row![id.0]).await?;
    let decided = decided.map_or(Ok(0), |row| row.int(0))?;
    let fields = entry_fields(word, &extract)
        .digest("disclosures", &chain(tx, id).await?)
        .int("decisions", decided);
    tx.append(EntryKind::Extract, now, &fields);
    Ok(())
}

/// Whether a job may be fetched at an instant.
async fn standing(
    conn: &mut SqliteConnection,
    id: ExtractId,
    now: Timestamp,
) -> Result<Standing, Fault> {
    let extract = read(conn, id).await?;
    let Some(extract) = extract.filter(|extract| extract.state == ExtractState::Ready) else {
        return Ok(Standing::Stale);
    };
    if is_expired(&extract, now) {
        return Ok(Standing::Expired);
    }
    // Few persons change after a job: they lead, by their index.
    let sql = "SELECT 1 FROM person p CROSS JOIN extract_person x \
               ON x.extract_id = ?1 AND x.person = p.person \
               WHERE p.consents_changed > 0 AND p.consents_changed > ?2 LIMIT 1";
    Ok(
        match first(conn, sql, row![id.0, extract.position]).await? {
            Some(_) => Standing::Stale,
            None => Standing::Current,
        },
    )
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
               AND e.record_id > ?2 AND e.sent_at IS NOT NULL AND 1 = (SELECT v.void \
               FROM record_version v JOIN submission s ON s.submission_id = v.submission_id \
               WHERE v.record_id = e.record_id AND s.state = 1 AND s.position < ?3 \
               ORDER BY s.position DESC, v.revision DESC LIMIT 1) \
               ORDER BY e.record_id LIMIT ?4";
    let cells = row![
        extract.requester.as_str(),
        after.map_or([0; 16], |id| id.0),
        extract.position,
        limit.min(PAGE_ROWS_MAX),
    ];
    let rows = all(conn, sql, cells).await?;
    rows.iter().map(|row| row.id(0).map(RecordId)).collect()
}
