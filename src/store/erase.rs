//! Erasing what was never sealed, a few hundred rows at a time.

use super::sql::{Cell, Columns as _, Fault, all, for_keys, row, run};
use crate::base::clock::Timestamp;
use crate::base::id::SubmissionId;
use crate::base::limits::CHUNK_RECORDS_MAX;
use sqlx::sqlite::SqliteConnection;

/// Submissions that are not sealed: all, or those overdue at an instant.
pub(super) async fn unsealed(
    conn: &mut SqliteConnection,
    overdue_at: Option<Timestamp>,
) -> Result<Vec<SubmissionId>, Fault> {
    let sql = "SELECT submission_id FROM submission WHERE state = 0 AND coalesce(deadline, 0) <= ?";
    let until = overdue_at.unwrap_or(Timestamp(i64::MAX));
    let rows = all(conn, sql, row![until]).await?;
    rows.iter().map(|row| row.id(0).map(SubmissionId)).collect()
}

/// Erases one step of an unsealed submission; `false` when nothing is left of it.
pub(super) async fn step(conn: &mut SqliteConnection, id: SubmissionId) -> Result<bool, Fault> {
    let sql = "SELECT record_index, status, record_id, row_id FROM submission_record \
               WHERE submission_id = ?1 AND EXISTS (SELECT 1 FROM submission s \
               WHERE s.submission_id = ?1 AND s.state = 0) LIMIT ?2";
    let rows = all(conn, sql, row![id.0, CHUNK_RECORDS_MAX]).await?;
    if rows.is_empty() {
        let sql = "DELETE FROM submission WHERE submission_id = ? AND state = 0";
        run(conn, sql, row![id.0]).await?;
        return Ok(false);
    }
    let (mut own, mut records, mut last) = (Vec::new(), Vec::new(), 0);
    for row in &rows {
        last = last.max(row.int(0)?);
        if matches!(row.int(1)?, 0 | 3)
            && let (Some(record), Some(row_id)) = (row.id_or_null(2)?, row.id_or_null(3)?)
        {
            records.push(Cell::from(record));
            own.push(Cell::from(row_id));
        }
    }
    let persons = persons_of(conn, &own).await?;
    for head in [
        "DELETE FROM record_version WHERE row_id IN",
        "DELETE FROM record_key WHERE row_id IN",
        "DELETE FROM protection WHERE row_id IN",
        "DELETE FROM protected_line WHERE row_id IN",
        "DELETE FROM record_person WHERE row_id IN",
    ] {
        for_keys(conn, head, "", &[], &own).await?;
    }
    let newest = "UPDATE record SET current_row = (SELECT v.row_id FROM record_version v \
                  WHERE v.record_id = record.record_id ORDER BY v.revision DESC LIMIT 1) \
                  WHERE current_row NOT IN (SELECT row_id FROM record_version v \
                  WHERE v.record_id = record.record_id) AND record_id IN";
    for_keys(conn, newest, "", &[], &records).await?;
    let empty = "DELETE FROM record WHERE NOT EXISTS (SELECT 1 FROM record_version v \
                 WHERE v.record_id = record.record_id) AND record_id IN";
    for_keys(conn, empty, "", &[], &records).await?;
    forget_persons(conn, id, &persons).await?;
    let sql = "DELETE FROM submission_record WHERE submission_id = ? AND record_index <= ?";
    run(conn, sql, row![id.0, last]).await?;
    Ok(true)
}

async fn persons_of(conn: &mut SqliteConnection, rows: &[Cell]) -> Result<Vec<Cell>, Fault> {
    let head = "SELECT DISTINCT person FROM record_person WHERE row_id IN";
    let found = for_keys(conn, head, "", &[], rows).await?;
    found.iter().map(|row| row.id(0).map(Cell::from)).collect()
}

/// Persons that only the erased rows knew.
async fn forget_persons(
    conn: &mut SqliteConnection,
    id: SubmissionId,
    persons: &[Cell],
) -> Result<(), Fault> {
    // Nobody else ever saw them: whoever uses the same identifiers has learned them anew.
    let links = "DELETE FROM person_identifier WHERE learned_from = ? AND person IN";
    for_keys(conn, links, "", &[Cell::from(id.0)], persons).await?;
    let unknown = "DELETE FROM person WHERE NOT EXISTS (SELECT 1 FROM person_identifier i \
                   WHERE i.person = person.person) AND NOT EXISTS (SELECT 1 FROM record_person r \
                   WHERE r.person = person.person) AND NOT EXISTS (SELECT 1 FROM consent c \
                   WHERE c.subject = person.person) AND NOT EXISTS (SELECT 1 FROM fact f \
                   WHERE f.subject = person.person) AND person IN";
    for_keys(conn, unknown, "", &[], persons).await?;
    Ok(())
}

/// Erases everything unsealed, before the store serves. Returns how many submissions.
pub(super) async fn all_unsealed(conn: &mut SqliteConnection) -> Result<usize, Fault> {
    let left = unsealed(conn, None).await?;
    for id in &left {
        loop {
            sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
            let more = step(conn, *id).await?;
            sqlx::query("COMMIT").execute(&mut *conn).await?;
            if !more {
                break;
            }
        }
    }
    Ok(left.len())
}
