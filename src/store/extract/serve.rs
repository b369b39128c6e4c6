//! What leaves of a file: exactly the recorded rows, committed page by page before they leave.
//!
//! A page whose bytes are not those that were recorded, or whose job is stale or too old, must
//! never leave. From the commit on its rows count as possibly disclosed, at that instant.

use super::super::authorise::disclosure_insert;
use super::super::decision;
use super::super::model::{ServedOutput, ServedRow, ServedRows, Standing, StoreError};
use super::super::sql::{Cell, Columns as _, Fault, all, for_keys, row, run};
use super::super::submission::unsigned;
use super::super::writer::{Tx, failed};
use super::super::{Store, open};
use super::rows::{disclosure_id, handled, output};
use super::{count, entry_fields, read, standing};
use crate::base::id::*;
use crate::base::limits::PAGE_ROWS_MAX;
use crate::ledger::entry::EntryKind;
use sqlx::sqlite::SqliteConnection;
use std::collections::{HashMap, HashSet};

/// A page of recorded rows that is about to leave.
struct Leaving {
    extract_id: ExtractId,
    file: u32,
    /// Each row with the persons about whom something is in it.
    rows: Vec<(DisclosureId, Vec<PersonId>)>,
}

impl Store {
    /// The recorded rows of a file from the one that holds byte `from` on. `None` when one of them
    /// can no longer be opened.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extract_file_rows(
        &self,
        (id, file): (ExtractId, u32),
        from: u64,
        limit: usize,
    ) -> Result<Option<ServedRows>, StoreError> {
        const NAME: &str = "extract_file_rows";
        let mut conn = self.reader(NAME).await?;
        let found = self.file_rows(&mut conn, (id, file), (from, limit)).await;
        found.map_err(|fault| failed(NAME, &fault))
    }

    async fn file_rows(
        &self,
        conn: &mut SqliteConnection,
        (id, file): (ExtractId, u32),
        (from, limit): (u64, usize),
    ) -> Result<Option<ServedRows>, Fault> {
        let sql = "SELECT row_id, starts_at, ends_at, requester, (\
                   SELECT json_extract(e.params, '$.channel') FROM extract e \
                   WHERE e.extract_id = extract_record.extract_id) FROM extract_record \
                   WHERE extract_id = ? AND file = ? AND ends_at > ? ORDER BY ends_at LIMIT ?";
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        let recorded = all(conn, sql, row![id.0, file, from, limit]).await?;
        let mut ids = Vec::with_capacity(recorded.len());
        let mut requester = (PartnerId::new(""), ChannelId::new(""));
        for row in &recorded {
            ids.push(row.id(0)?);
            requester = (PartnerId::new(&row.text(3)?), ChannelId::new(&row.text(4)?));
        }
        let opened = open::records(conn, &self.inner.keys, &ids).await?;
        let handled = handled(conn, (&requester.0, &requester.1), &opened).await?;
        let mut opened: HashMap<[u8; 16], _> = opened
            .into_iter()
            .map(|opened| (opened.row_id, opened.record))
            .collect();
        let mut rows = Vec::with_capacity(recorded.len());
        for (row, row_id) in recorded.iter().zip(ids) {
            let Some(record) = opened.remove(&row_id) else {
                return Ok(None);
            };
            let handled = handled.get(&row_id).copied().unwrap_or_default();
            rows.push(ServedRow {
                record,
                reviewed: handled.reviewed,
                done: handled.done,
                starts_at: unsigned(row, 1)?,
                ends_at: unsigned(row, 2)?,
            });
        }
        let at = self.inner.clock.now();
        Ok(Some(ServedRows { rows, at }))
    }

    /// Commits that these rows of a file leave now: from then on they may have arrived. Anything
    /// but `Current` means that nothing of them may leave.
    ///
    /// # Errors
    /// When the database fails; nothing may leave then.
    pub async fn authorise_extract_rows(
        &self,
        (extract_id, file): (ExtractId, u32),
        rows: Vec<ServedOutput>,
    ) -> Result<Standing, StoreError> {
        const NAME: &str = "authorise_extract_rows";
        let mut conn = self.reader(NAME).await?;
        let rows = self.as_recorded(&mut conn, (extract_id, file), &rows).await;
        drop(conn);
        let Some(rows) = rows.map_err(|fault| failed(NAME, &fault))? else {
            self.extract_differs(extract_id).await?;
            return Ok(Standing::Stale);
        };
        let leaving = Leaving {
            extract_id,
            file,
            rows,
        };
        self.write(NAME, leaving, |tx, leaving| Box::pin(leave(tx, leaving)))
            .await
    }

    /// The rows with whom they disclose, if every one was recorded with these very bytes.
    async fn as_recorded(
        &self,
        conn: &mut SqliteConnection,
        (id, file): (ExtractId, u32),
        rows: &[ServedOutput],
    ) -> Result<Option<Vec<(DisclosureId, Vec<PersonId>)>>, Fault> {
        let keys = &self.inner.keys;
        let head = "SELECT e.disclosure_id, e.output, c.body FROM extract_record e \
                    JOIN decision c ON c.source_id = e.disclosure_id AND c.token = 0 \
                    WHERE e.extract_id = ? AND e.file = ? AND e.outcome = 0 \
                    AND e.disclosure_id IN";
        let fixed = [Cell::from(id.0), Cell::from(file)];
        let wanted = rows.iter().map(|row| disclosure_id(id, row.record_id));
        let wanted: Vec<DisclosureId> = wanted.collect();
        let cells: Vec<Cell> = wanted.iter().map(|id| Cell::from(id.0)).collect();
        let mut recorded = HashMap::new();
        for row in for_keys(conn, head, "", &fixed, &cells).await? {
            recorded.insert(DisclosureId(row.id(0)?), (row.digest(1)?, row.blob(2)?));
        }
        let mut out = Vec::with_capacity(rows.len());
        for (id, row) in wanted.into_iter().zip(rows) {
            let Some((kept, body)) = recorded.get(&id) else {
                return Ok(None);
            };
            if output(keys, id, &row.digest) != *kept {
                return Ok(None);
            }
            let decision = decision::open(keys, &id.0, body)?;
            out.push((id, decision::disclosed(&decision)));
        }
        Ok(Some(out))
    }

    /// Says that a file was handed over to its end.
    ///
    /// # Errors
    /// When the database fails; it then stays possibly disclosed.
    pub async fn extract_file_fetched(&self, id: ExtractId, file: u32) -> Result<(), StoreError> {
        self.write("extract_file_fetched", (id, file), |tx, (id, file)| {
            Box::pin(async move {
                let sql = "UPDATE extract_file SET exposure = 2 \
                           WHERE extract_id = ? AND file = ? AND exposure > 0";
                run(&mut tx.conn, sql, row![id.0, *file]).await?;
                if let Some(extract) = read(&mut tx.conn, *id).await? {
                    let fields = entry_fields("fetched", &extract).int("file", i64::from(*file));
                    let at = tx.now();
                    tx.append(EntryKind::Extract, at, &fields);
                }
                Ok(())
            })
        })
        .await
    }
}

async fn leave(tx: &mut Tx, leaving: &Leaving) -> Result<Standing, Fault> {
    let now = tx.now();
    let standing = standing(&mut tx.conn, leaving.extract_id, now).await?;
    let extract = read(&mut tx.conn, leaving.extract_id).await?;
    let (Standing::Current, Some(extract)) = (standing, extract) else {
        return Ok(standing);
    };
    let keys: Vec<Cell> = leaving
        .rows
        .iter()
        .map(|(id, _)| Cell::from(id.0))
        .collect();
    // What is fetched again was disclosed when it first left.
    let head = "UPDATE extract_record SET sent_at = ? WHERE sent_at IS NULL AND disclosure_id IN";
    let fixed = [Cell::from(now)];
    let tail = "RETURNING disclosure_id";
    let left = for_keys(&mut tx.conn, head, tail, &fixed, &keys).await?;
    let left = left.iter().map(|row| row.id(0).map(DisclosureId));
    let left = left.collect::<Result<HashSet<_>, Fault>>()?;
    let mut disclosures = disclosure_insert();
    let new = leaving.rows.iter().filter(|(id, _)| left.contains(id));
    let mut disclosed = 0;
    for (id, persons) in new.filter(|_| !extract.test) {
        disclosed += persons.len() as u64;
        for person in persons {
            disclosures.push(row![person.0, now, id.0, 1_i64, 0_i64]);
        }
    }
    disclosures.run(&mut tx.conn).await?;
    let sql = "UPDATE extract_file SET exposure = max(exposure, 1) \
               WHERE extract_id = ? AND file = ?";
    run(&mut tx.conn, sql, row![leaving.extract_id.0, leaving.file]).await?;
    let rows = u64::try_from(leaving.rows.len()).unwrap_or(u64::MAX);
    let fields = entry_fields("serving", &extract)
        .int("file", i64::from(leaving.file))
        .int("rows", count(rows))
        .int("disclosed", count(disclosed));
    tx.append(EntryKind::Extract, now, &fields);
    Ok(Standing::Current)
}
