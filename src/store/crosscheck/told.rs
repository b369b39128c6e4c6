//! What entries of the ledger say of the store's rows, laid down in temporary tables.
//!
//! It reads entries and never a row of the business.

use crate::base::digest::{Digest, unhex};
use crate::base::id::*;
use crate::store::sql::{Fault, Insert, row};
use sqlx::sqlite::SqliteConnection;

/// What entries say, by what they are about. Temporary: it goes with the connection.
pub(super) const TABLES: [&str; 6] = [
    "CREATE TEMP TABLE told_decision (source BLOB NOT NULL, token INTEGER NOT NULL, \
     position INTEGER NOT NULL, at INTEGER NOT NULL, sealed BLOB, disclosed INTEGER NOT NULL, \
     authorised INTEGER NOT NULL, PRIMARY KEY (source, token)) WITHOUT ROWID",
    "CREATE TEMP TABLE told_end (delivery BLOB PRIMARY KEY NOT NULL, position INTEGER NOT NULL, \
     exposure INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TEMP TABLE told_consent (row_id BLOB PRIMARY KEY NOT NULL, position INTEGER NOT NULL, \
     at INTEGER NOT NULL, sealed BLOB, revoked_at INTEGER) WITHOUT ROWID",
    "CREATE TEMP TABLE told_fact (row_id BLOB PRIMARY KEY NOT NULL, position INTEGER NOT NULL, \
     at INTEGER NOT NULL, sealed BLOB, ended_at INTEGER) WITHOUT ROWID",
    "CREATE TEMP TABLE told_extract (extract BLOB PRIMARY KEY NOT NULL, \
     position INTEGER NOT NULL, disclosures BLOB, decisions INTEGER) WITHOUT ROWID",
    "CREATE TEMP TABLE told_left (extract BLOB NOT NULL, at INTEGER NOT NULL, \
     position INTEGER NOT NULL, disclosed INTEGER NOT NULL, PRIMARY KEY (extract, at)) \
     WITHOUT ROWID",
];

/// The members of an entry that are about a row.
#[derive(serde::Deserialize)]
pub(super) struct Told {
    pub(super) at: i64,
    pub(super) submission: Option<SubmissionId>,
    pub(super) partner: Option<String>,
    pub(super) records: Option<Digest>,
    pub(super) accepted: Option<i64>,
    pub(super) duplicate: Option<i64>,
    pub(super) rejected: Option<i64>,
    pub(super) held: Option<i64>,
    pub(super) delivery: Option<DeliveryId>,
    pub(super) disclosure: Option<DisclosureId>,
    pub(super) token: Option<i64>,
    pub(super) sealed: Option<Digest>,
    pub(super) disclosed: Option<i64>,
    pub(super) outcome: Option<String>,
    pub(super) row: Option<String>,
    pub(super) revoked_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) extract: Option<ExtractId>,
    pub(super) change: Option<String>,
    pub(super) disclosures: Option<Digest>,
    pub(super) decisions: Option<i64>,
}

/// Entries of one page, by the table they go to.
pub(super) struct Page {
    pub(super) decisions: Insert,
    pub(super) ends: Insert,
    pub(super) consents: Insert,
    pub(super) facts: Insert,
    pub(super) extracts: Insert,
    pub(super) ended: Insert,
    pub(super) left: Insert,
}

impl Page {
    pub(super) fn new() -> Page {
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
            facts: Insert::new(
                "INSERT INTO told_fact (row_id, position, at, sealed, ended_at) VALUES",
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

    pub(super) async fn save(self, conn: &mut SqliteConnection) -> Result<(), Fault> {
        for insert in [
            self.decisions,
            self.ends,
            self.consents,
            self.facts,
            self.extracts,
            self.ended,
            self.left,
        ] {
            insert.run(conn).await?;
        }
        Ok(())
    }
}

pub(super) fn push_delivery(out: &mut Page, position: u64, kind: &str, told: &Told) {
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

/// A record that was given at the emergency door; the request itself names none.
pub(super) fn push_emergency(out: &mut Page, position: u64, told: &Told) {
    let Some(disclosure) = told.disclosure else {
        return;
    };
    out.decisions.push(row![
        disclosure.0,
        0_i64,
        position,
        told.at,
        told.sealed,
        told.disclosed.unwrap_or_default(),
        true,
    ]);
}

pub(super) fn push_consent(out: &mut Page, position: u64, told: &Told) {
    push_revision(&mut out.consents, position, told, told.revoked_at);
}

pub(super) fn push_fact(out: &mut Page, position: u64, told: &Told) {
    push_revision(&mut out.facts, position, told, told.ended_at);
}

fn push_revision(out: &mut Insert, position: u64, told: &Told, until: Option<i64>) {
    // Confirmations and uses name no revision's row.
    let row_id = told.row.as_deref().and_then(unhex);
    if let Some(row_id) = row_id {
        out.push(row![row_id, position, told.at, told.sealed, until]);
    }
}

pub(super) fn push_extract(out: &mut Page, position: u64, told: &Told) {
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
