//! The rows of the business held against the ledger, for a verification from outside.
//!
//! Every sealed submission, decision, disclosure, revision of a consent or fact, confirmation, use
//! and scan of a consent, request at the emergency door, and extract must have its entry and every
//! entry its row, and what both say must agree. It reads the database inside the caller's
//! transaction, writes only temporary tables of its own connection, and must never change a row.

mod checks;
mod told;

use super::sql::{Columns as _, Fault, all, first, row};
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::ledger::verify::{RowProblem, RowProblemKind, RowReport};
use checks::{CHECKS, LISTED, SEALED, Sealed};
use sqlx::sqlite::SqliteConnection;
use told::{
    Page, TABLES, Told, push_consent, push_delivery, push_emergency, push_extract, push_fact,
};

/// Rows of one kind that are named at most; more of the kind are not told.
const NAMED_MAX: i64 = 100;

/// The kind of an entry alone.
#[derive(serde::Deserialize)]
struct Kind {
    kind: String,
}

/// Takes entries in, then compares.
pub(super) struct Crosscheck {
    report: RowReport,
}

impl Crosscheck {
    /// Nothing told yet.
    pub(super) async fn new(conn: &mut SqliteConnection) -> Result<Crosscheck, Fault> {
        for table in TABLES {
            super::sql::run(conn, table, []).await?;
        }
        let report = RowReport::default();
        Ok(Crosscheck { report })
    }

    /// Takes a page of entries in. One that cannot be read is told by the verification itself.
    pub(super) async fn entries(
        &mut self,
        conn: &mut SqliteConnection,
        page: &[super::model::LedgerEntry],
    ) -> Result<(), Fault> {
        let mut out = Page::new();
        for entry in page {
            let Ok(Kind { kind }) = serde_json::from_slice(&entry.body) else {
                continue;
            };
            if !matches!(
                kind.as_str(),
                "submission"
                    | "authorised"
                    | "withheld"
                    | "completed"
                    | "consent"
                    | "fact"
                    | "extract"
                    | "emergency"
            ) {
                continue;
            }
            let Ok(told) = serde_json::from_slice::<Told>(&entry.body) else {
                continue;
            };
            match kind.as_str() {
                "submission" => self.submission(conn, entry.position, &told).await?,
                "consent" => push_consent(&mut out, entry.position, &told, &entry.body),
                "fact" => push_fact(&mut out, entry.position, &told),
                "emergency" => push_emergency(&mut out, entry.position, &told, &entry.body),
                "extract" => push_extract(&mut out, entry.position, &told),
                kind => push_delivery(&mut out, entry.position, kind, &told),
            }
        }
        out.save(conn).await
    }

    /// A submission's row and the verdicts on its records, against its entry.
    async fn submission(
        &mut self,
        conn: &mut SqliteConnection,
        position: u64,
        told: &Told,
    ) -> Result<(), Fault> {
        let Some(id) = told.submission else {
            return Ok(());
        };
        let sql = "SELECT partner, received_at, accepted, duplicate, rejected, held, position, \
                   records_hash FROM submission WHERE submission_id = ? AND state = 1";
        let name = id.to_string();
        let Some(found) = first(conn, sql, row![id.0]).await? else {
            let message = "the submission is in the ledger and not in the store";
            self.note(RowProblemKind::RowMissing, name, Some(position), message);
            return Ok(());
        };
        let says = [
            found.int(1)?,
            found.int(2)?,
            found.int(3)?,
            found.int(4)?,
            found.int(5)?,
            found.int(6)?,
        ];
        let place = i64::try_from(position).unwrap_or(i64::MAX);
        let counts = [told.accepted, told.duplicate, told.rejected, told.held];
        let counts = counts.map(Option::unwrap_or_default);
        let [accepted, duplicate, rejected, held] = counts;
        let should = [told.at, accepted, duplicate, rejected, held, place];
        let partner = Some(found.text(0)?);
        if says != should || partner != told.partner || Some(found.digest(7)?) != told.records {
            let message = "the submission's row does not say what its entry says";
            self.note(RowProblemKind::RowAltered, name, Some(position), message);
        } else if Some(records_hash(conn, id).await?) != told.records {
            let message = "the submission's records are not those its entry was written over";
            self.note(RowProblemKind::RowAltered, name, Some(position), message);
        }
        Ok(())
    }

    /// Compares everything told with everything stored.
    pub(super) async fn finish(mut self, conn: &mut SqliteConnection) -> Result<RowReport, Fault> {
        for sql in LISTED {
            super::sql::run(conn, sql, []).await?;
        }
        for check in CHECKS {
            let rows = all(conn, check.sql, row![NAMED_MAX]).await?;
            for found in &rows {
                let position = found.int_or_null(1)?;
                let position = position.and_then(|p| u64::try_from(p).ok());
                let name = check.about.name(found)?;
                self.note(check.kind, name, position, check.message);
            }
        }
        for sealed in SEALED {
            self.sealed(conn, &sealed).await?;
        }
        let sql = "SELECT count(*) FROM record_version v JOIN submission s \
                   ON s.submission_id = v.submission_id AND s.state = 1 \
                   WHERE NOT EXISTS (SELECT 1 FROM record_key k WHERE k.row_id = v.row_id)";
        if let Some(found) = first(conn, sql, []).await? {
            self.report.shredded = super::submission::unsigned(&found, 0)?;
        }
        Ok(self.report)
    }

    /// Sealed bytes against the digests of them in the entries.
    async fn sealed(&mut self, conn: &mut SqliteConnection, of: &Sealed) -> Result<(), Fault> {
        let (mut id, mut token) = ([0; 16], i64::MIN);
        loop {
            let rows = all(conn, of.sql, row![id, token, NAMED_MAX]).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            (id, token) = (last.id(0)?, last.int(1)?);
            for found in &rows {
                if Digest::of(&found.blob(2)?) != found.digest(3)? {
                    let position = Some(super::submission::unsigned(found, 4)?);
                    let name = of.about.name(found)?;
                    self.note(RowProblemKind::RowAltered, name, position, of.message);
                }
            }
        }
    }

    fn note(
        &mut self,
        kind: RowProblemKind,
        subject: String,
        position: Option<u64>,
        message: &str,
    ) {
        self.report.note(RowProblem {
            kind,
            subject,
            position,
            message: message.to_owned(),
        });
    }
}

/// The digest over a submission's records as they stand.
async fn records_hash(conn: &mut SqliteConnection, id: SubmissionId) -> Result<Digest, Fault> {
    let sql = "SELECT r.record_id, v.commitment FROM submission_record r \
               LEFT JOIN record_version v ON v.row_id = r.row_id \
               WHERE r.submission_id = ? AND r.status <> 2 ORDER BY r.record_index";
    let mut hash = Digest([0; 32]);
    for found in all(conn, sql, row![id.0]).await? {
        let record = found.id_or_null(0)?.unwrap_or_default();
        let commitment = found.blob_or_null(1)?.unwrap_or_default();
        hash = Digest::of_parts(&[&hash.0, &record, &commitment]);
    }
    Ok(hash)
}
