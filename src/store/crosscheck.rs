//! The rows of the business held against the ledger, for a verification from outside.
//!
//! Every sealed submission, decision, disclosure, consent revision and extract must have its entry
//! and every entry its row, and what both say must agree. It reads the database inside the caller's
//! transaction, writes only temporary tables of its own connection, and must never change a row.

use super::sql::{Columns as _, Fault, Insert, all, first, row};
use crate::base::digest::{Digest, unhex};
use crate::base::id::*;
use crate::ledger::verify::{RowProblem, RowProblemKind, RowReport};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

/// Rows of one kind that are named at most; more of the kind are not told.
const NAMED_MAX: i64 = 100;

/// What entries say, by what they are about. Temporary: it goes with the connection.
const TABLES: [&str; 5] = [
    "CREATE TEMP TABLE told_decision (source BLOB NOT NULL, token INTEGER NOT NULL, \
     position INTEGER NOT NULL, at INTEGER NOT NULL, sealed BLOB, disclosed INTEGER NOT NULL, \
     authorised INTEGER NOT NULL, PRIMARY KEY (source, token)) WITHOUT ROWID",
    "CREATE TEMP TABLE told_end (delivery BLOB PRIMARY KEY NOT NULL, position INTEGER NOT NULL, \
     exposure INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TEMP TABLE told_consent (row_id BLOB PRIMARY KEY NOT NULL, position INTEGER NOT NULL, \
     at INTEGER NOT NULL, sealed BLOB, revoked_at INTEGER) WITHOUT ROWID",
    "CREATE TEMP TABLE told_extract (extract BLOB PRIMARY KEY NOT NULL, \
     position INTEGER NOT NULL, disclosures BLOB, decisions INTEGER) WITHOUT ROWID",
    "CREATE TEMP TABLE told_left (extract BLOB NOT NULL, at INTEGER NOT NULL, \
     position INTEGER NOT NULL, disclosed INTEGER NOT NULL, PRIMARY KEY (extract, at)) \
     WITHOUT ROWID",
];

/// What the accounting lists, counted as the entries count it.
const LISTED: [&str; 2] = [
    "CREATE TEMP TABLE listed AS SELECT disclosure_id, token, count(*) AS persons, \
     min(at) AS since, max(at) AS until FROM person_disclosure WHERE source = 0 \
     GROUP BY disclosure_id, token",
    "CREATE TEMP TABLE listed_left AS SELECT e.extract_id AS extract, p.at AS at, \
     count(*) AS disclosed FROM person_disclosure p LEFT JOIN extract_record e \
     ON e.disclosure_id = p.disclosure_id WHERE p.source = 1 GROUP BY e.extract_id, p.at",
];

/// The members of an entry that are about a row.
#[derive(serde::Deserialize)]
struct Told {
    at: i64,
    submission: Option<SubmissionId>,
    partner: Option<String>,
    records: Option<Digest>,
    accepted: Option<i64>,
    duplicate: Option<i64>,
    rejected: Option<i64>,
    held: Option<i64>,
    delivery: Option<DeliveryId>,
    token: Option<i64>,
    sealed: Option<Digest>,
    disclosed: Option<i64>,
    outcome: Option<String>,
    row: Option<String>,
    revoked_at: Option<i64>,
    extract: Option<ExtractId>,
    change: Option<String>,
    disclosures: Option<Digest>,
    decisions: Option<i64>,
}

/// The kind of an entry alone.
#[derive(serde::Deserialize)]
struct Kind {
    kind: String,
}

/// Entries of one page, by the table they go to.
struct Page {
    decisions: Insert,
    ends: Insert,
    consents: Insert,
    extracts: Insert,
    ended: Insert,
    left: Insert,
}

impl Page {
    fn new() -> Page {
        Page {
            decisions: Insert::new(
                "INSERT INTO told_decision (source, token, position, at, sealed, disclosed, \
                 authorised) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            ends: Insert::new(
                "INSERT INTO told_end (delivery, position, exposure) VALUES",
                "ON CONFLICT (delivery) DO UPDATE SET position = excluded.position, \
                 exposure = max(exposure, excluded.exposure)",
            ),
            consents: Insert::new(
                "INSERT INTO told_consent (row_id, position, at, sealed, revoked_at) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            extracts: Insert::new(
                "INSERT INTO told_extract (extract, position) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            ended: Insert::new(
                "INSERT INTO told_extract (extract, position, disclosures, decisions) VALUES",
                "ON CONFLICT (extract) DO UPDATE SET disclosures = excluded.disclosures, \
                 decisions = excluded.decisions",
            ),
            left: Insert::new(
                "INSERT INTO told_left (extract, at, position, disclosed) VALUES",
                "ON CONFLICT (extract, at) DO UPDATE SET \
                 disclosed = disclosed + excluded.disclosed",
            ),
        }
    }

    async fn save(self, conn: &mut SqliteConnection) -> Result<(), Fault> {
        for insert in [
            self.decisions,
            self.ends,
            self.consents,
            self.extracts,
            self.ended,
            self.left,
        ] {
            insert.run(conn).await?;
        }
        Ok(())
    }
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
                "submission" | "authorised" | "withheld" | "completed" | "consent" | "extract"
            ) {
                continue;
            }
            let Ok(told) = serde_json::from_slice::<Told>(&entry.body) else {
                continue;
            };
            match kind.as_str() {
                "submission" => self.submission(conn, entry.position, &told).await?,
                "consent" => push_consent(&mut out, entry.position, &told),
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

fn push_delivery(out: &mut Page, position: u64, kind: &str, told: &Told) {
    let (Some(delivery), Some(token)) = (told.delivery, told.token) else {
        return;
    };
    // What a person has to look at was decided too.
    if kind == "completed" && told.sealed.is_none() {
        let exposure = match told.outcome.as_deref() {
            Some("confirmed") => 2_i64,
            Some("refused" | "ambiguous") => 1,
            _ => return,
        };
        out.ends.push(row![delivery.0, position, exposure]);
        return;
    }
    out.decisions.push(row![
        delivery.0,
        token,
        position,
        told.at,
        told.sealed,
        told.disclosed.unwrap_or_default(),
        kind == "authorised",
    ]);
}

fn push_consent(out: &mut Page, position: u64, told: &Told) {
    let row_id = told.row.as_deref().and_then(unhex);
    if let Some(row_id) = row_id {
        out.consents.push(row![
            row_id,
            position,
            told.at,
            told.sealed,
            told.revoked_at
        ]);
    }
}

fn push_extract(out: &mut Page, position: u64, told: &Told) {
    let Some(id) = told.extract else {
        return;
    };
    match told.change.as_deref() {
        Some("created") => out.extracts.push(row![id.0, position]),
        Some("ready" | "given-up") => {
            out.ended
                .push(row![id.0, position, told.disclosures, told.decisions]);
        }
        Some("serving") => {
            let disclosed = told.disclosed.unwrap_or_default();
            out.left.push(row![id.0, told.at, position, disclosed]);
        }
        _ => {}
    }
}

/// What a found row is named as.
#[derive(Clone, Copy)]
enum About {
    Submission,
    Delivery,
    Decision,
    Disclosure,
    Consent,
    Extract,
}

impl About {
    fn name(self, row: &SqliteRow) -> Result<String, Fault> {
        let Some(id) = row.id_or_null(0)? else {
            return Ok(String::from("unnamed"));
        };
        Ok(match self {
            About::Submission => SubmissionId(id).to_string(),
            About::Delivery | About::Decision => DeliveryId(id).to_string(),
            About::Disclosure => DisclosureId(id).to_string(),
            About::Consent => format!("consent revision {}", crate::base::digest::hex(&id)),
            About::Extract => ExtractId(id).to_string(),
        })
    }
}

/// One comparison: its rows are (id, position of the entry where there is one); the one bound
/// value is how many are wanted.
struct Check {
    about: About,
    kind: RowProblemKind,
    message: &'static str,
    sql: &'static str,
}

/// Sealed bytes to compare: (id, number, bytes, digest, position) after (id, number), so many.
struct Sealed {
    about: About,
    message: &'static str,
    sql: &'static str,
}

const SEALED: [Sealed; 2] = [
    Sealed {
        about: About::Decision,
        message: "a decision about the delivery was changed",
        sql: "SELECT d.source_id, d.token, d.body, t.sealed, t.position FROM decision d \
              JOIN told_decision t ON t.source = d.source_id AND t.token = d.token \
              WHERE t.sealed IS NOT NULL AND (d.source_id, d.token) > (?, ?) \
              ORDER BY d.source_id, d.token LIMIT ?",
    },
    Sealed {
        about: About::Consent,
        message: "the content of the consent's revision was changed",
        sql: "SELECT t.row_id, 0, r.body, t.sealed, t.position FROM told_consent t \
              JOIN consent_revision r ON r.row_id = t.row_id \
              WHERE t.sealed IS NOT NULL AND (t.row_id, 0) > (?, ?) ORDER BY t.row_id LIMIT ?",
    },
];

const CHECKS: [Check; 16] = [
    Check {
        about: About::Submission,
        kind: RowProblemKind::EntryMissing,
        message: "the submission is in the store and its entry not in the ledger",
        sql: "SELECT s.submission_id, s.position FROM submission s WHERE s.state = 1 \
              AND NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.position = s.position \
              AND e.entry_id = s.entry_id AND e.leaf_hash = s.leaf_hash) LIMIT ?",
    },
    Check {
        about: About::Submission,
        kind: RowProblemKind::EntryMissing,
        message: "the submission was answered with a checkpoint that is no longer there",
        sql: "SELECT s.submission_id, s.position FROM submission s WHERE s.state = 1 \
              AND s.checkpoint_size IS NOT NULL AND NOT EXISTS (SELECT 1 \
              FROM ledger_checkpoint c WHERE c.size = s.checkpoint_size) LIMIT ?",
    },
    Check {
        about: About::Decision,
        kind: RowProblemKind::RowMissing,
        message: "a decision about the delivery is in the ledger and not in the store",
        sql: "SELECT t.source, t.position FROM told_decision t WHERE NOT EXISTS (\
              SELECT 1 FROM decision d WHERE d.source_id = t.source AND d.token = t.token) LIMIT ?",
    },
    Check {
        about: About::Decision,
        kind: RowProblemKind::EntryMissing,
        message: "a decision about the delivery is in the store and its entry not in the ledger",
        sql: "SELECT d.source_id, NULL FROM decision d WHERE NOT EXISTS (SELECT 1 \
              FROM told_decision t WHERE t.source = d.source_id AND t.token = d.token) \
              AND NOT EXISTS (SELECT 1 FROM extract_record e \
              WHERE e.disclosure_id = d.source_id) LIMIT ?",
    },
    Check {
        about: About::Delivery,
        kind: RowProblemKind::RowMissing,
        message: "the delivery was authorised in the ledger and is not in the store",
        sql: "SELECT t.source, min(t.position) FROM told_decision t WHERE NOT EXISTS (\
              SELECT 1 FROM delivery d WHERE d.delivery_id = t.source) GROUP BY t.source LIMIT ?",
    },
    Check {
        about: About::Delivery,
        kind: RowProblemKind::RowAltered,
        message: "by the ledger it arrived or may have, and the store no longer says so",
        sql: "SELECT t.delivery, t.position FROM told_end t JOIN delivery d \
              ON d.delivery_id = t.delivery WHERE d.exposure < t.exposure LIMIT ?",
    },
    Check {
        about: About::Disclosure,
        kind: RowProblemKind::RowMissing,
        message: "a disclosure is in the ledger and not, or not whole, in the accounting",
        sql: "SELECT t.source, t.position FROM told_decision t LEFT JOIN listed l \
              ON l.disclosure_id = t.source AND l.token = t.token WHERE t.disclosed > 0 \
              AND coalesce(l.persons, 0) < t.disclosed LIMIT ?",
    },
    Check {
        about: About::Disclosure,
        kind: RowProblemKind::EntryMissing,
        message: "the accounting lists a disclosure the ledger does not know",
        sql: "SELECT l.disclosure_id, t.position FROM listed l LEFT JOIN told_decision t \
              ON t.source = l.disclosure_id AND t.token = l.token \
              WHERE l.persons > coalesce(t.disclosed, 0) LIMIT ?",
    },
    Check {
        about: About::Disclosure,
        kind: RowProblemKind::RowAltered,
        message: "the accounting gives the disclosure another date than the ledger",
        sql: "SELECT t.source, t.position FROM told_decision t JOIN listed l \
              ON l.disclosure_id = t.source AND l.token = t.token \
              WHERE t.disclosed > 0 AND (l.since <> t.at OR l.until <> t.at) LIMIT ?",
    },
    Check {
        about: About::Consent,
        kind: RowProblemKind::RowMissing,
        message: "the consent's revision is in the ledger and not in the store",
        sql: "SELECT t.row_id, t.position FROM told_consent t WHERE NOT EXISTS (\
              SELECT 1 FROM consent_revision r WHERE r.row_id = t.row_id) LIMIT ?",
    },
    Check {
        about: About::Consent,
        kind: RowProblemKind::EntryMissing,
        message: "the consent's revision is in the store and its entry not in the ledger",
        sql: "SELECT r.row_id, NULL FROM consent_revision r WHERE NOT EXISTS (\
              SELECT 1 FROM told_consent t WHERE t.row_id = r.row_id) LIMIT ?",
    },
    Check {
        about: About::Consent,
        kind: RowProblemKind::RowAltered,
        message: "the consent's revision, or which of them is in force, was changed",
        sql: "SELECT t.row_id, t.position FROM told_consent t JOIN consent_revision r \
              ON r.row_id = t.row_id LEFT JOIN consent c ON c.consent_key = r.consent_key \
              WHERE r.lodged_at <> t.at OR r.revoked_at IS NOT t.revoked_at \
              OR r.revision > coalesce(c.revision, 0) LIMIT ?",
    },
    Check {
        about: About::Extract,
        kind: RowProblemKind::RowMissing,
        message: "the extract is in the ledger and not in the store",
        sql: "SELECT t.extract, t.position FROM told_extract t WHERE NOT EXISTS (\
              SELECT 1 FROM extract x WHERE x.extract_id = t.extract) LIMIT ?",
    },
    Check {
        about: About::Extract,
        kind: RowProblemKind::EntryMissing,
        message: "the extract is in the store and its entry not in the ledger",
        sql: "SELECT x.extract_id, NULL FROM extract x WHERE NOT EXISTS (\
              SELECT 1 FROM told_extract t WHERE t.extract = x.extract_id) LIMIT ?",
    },
    Check {
        about: About::Extract,
        kind: RowProblemKind::RowAltered,
        message: "the extract's decisions are not those its entry was written over",
        sql: "SELECT t.extract, t.position FROM told_extract t JOIN extract x \
              ON x.extract_id = t.extract WHERE t.disclosures IS NOT NULL \
              AND (x.disclosures_hash <> t.disclosures OR t.decisions <> (SELECT count(*) \
              FROM extract_record e JOIN decision d ON d.source_id = e.disclosure_id \
              AND d.token = 0 WHERE e.extract_id = t.extract)) LIMIT ?",
    },
    Check {
        about: About::Extract,
        kind: RowProblemKind::RowAltered,
        message: "the accounting of what was fetched of the extract is not the ledger's",
        sql: "SELECT extract, max(position) FROM (SELECT t.extract, t.position FROM told_left t \
              LEFT JOIN listed_left l ON l.extract = t.extract AND l.at = t.at \
              WHERE t.disclosed <> coalesce(l.disclosed, 0) UNION ALL \
              SELECT l.extract, NULL FROM listed_left l WHERE NOT EXISTS (SELECT 1 \
              FROM told_left t WHERE t.extract = l.extract AND t.at = l.at)) \
              GROUP BY extract LIMIT ?",
    },
];
