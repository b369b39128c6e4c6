//! What entries of the ledger say of the store's rows, laid down in temporary tables.
//!
//! It reads entries and never a row of the business.

use crate::base::digest::{Digest, unhex};
use crate::base::id::*;
use crate::store::sql::{Fault, Insert, row};
use sqlx::sqlite::SqliteConnection;

/// What entries say, by what they are about. Temporary: it goes with the connection.
pub(super) const TABLES: [&str; 11] = [
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
    "CREATE TEMP TABLE told_access (emergency BLOB PRIMARY KEY NOT NULL, \
     position INTEGER NOT NULL, at INTEGER NOT NULL, sealed BLOB, requester TEXT, channel TEXT, \
     purpose TEXT, test INTEGER, rule_set TEXT, correlation TEXT) WITHOUT ROWID",
    "CREATE TEMP TABLE told_given (disclosure BLOB PRIMARY KEY NOT NULL, \
     position INTEGER NOT NULL, emergency BLOB NOT NULL, record BLOB, output BLOB) WITHOUT ROWID",
    "CREATE TEMP TABLE told_use (consent BLOB PRIMARY KEY NOT NULL, position INTEGER NOT NULL, \
     at INTEGER NOT NULL, delivery BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TEMP TABLE told_confirmation (row_id BLOB PRIMARY KEY NOT NULL, \
     position INTEGER NOT NULL, at INTEGER NOT NULL, sealed BLOB, consent BLOB, by TEXT, \
     revision INTEGER, number INTEGER) WITHOUT ROWID",
    "CREATE TEMP TABLE told_scan (row_id BLOB PRIMARY KEY NOT NULL, position INTEGER NOT NULL, \
     at INTEGER NOT NULL, sealed BLOB, consent BLOB, revision INTEGER, media_type TEXT) \
     WITHOUT ROWID",
];

/// What the entry of a request at the emergency door says, and of a record it was given.
#[derive(serde::Deserialize)]
struct ToldEmergency {
    at: i64,
    emergency: EmergencyId,
    sealed: Option<Digest>,
    requester: Option<String>,
    channel: Option<String>,
    purpose: Option<String>,
    test: Option<i64>,
    rule_set: Option<String>,
    correlation: Option<String>,
    record: Option<RecordId>,
    output: Option<Digest>,
}

/// What the entry of a consent's confirmation says, of its one use or of its scan.
#[derive(serde::Deserialize)]
struct ToldConsentAct {
    at: i64,
    change: String,
    consent: RegistryId,
    sealed: Option<Digest>,
    delivery: Option<DeliveryId>,
    emergency: Option<EmergencyId>,
    confirmation: Option<String>,
    scan: Option<String>,
    media_type: Option<String>,
    by: Option<String>,
    revision: Option<i64>,
    number: Option<i64>,
}

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
    accesses: Insert,
    given: Insert,
    uses: Insert,
    confirmations: Insert,
    scans: Insert,
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
            accesses: Insert::new(
                "INSERT INTO told_access (emergency, position, at, sealed, requester, channel, \
                 purpose, test, rule_set, correlation) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            given: Insert::new(
                "INSERT INTO told_given (disclosure, position, emergency, record, output) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            uses: Insert::new(
                "INSERT INTO told_use (consent, position, at, delivery) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            confirmations: Insert::new(
                "INSERT INTO told_confirmation (row_id, position, at, sealed, consent, by, \
                 revision, number) VALUES",
                "ON CONFLICT DO NOTHING",
            ),
            scans: Insert::new(
                "INSERT INTO told_scan (row_id, position, at, sealed, consent, revision, \
                 media_type) VALUES",
                "ON CONFLICT DO NOTHING",
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
            self.accesses,
            self.given,
            self.uses,
            self.confirmations,
            self.scans,
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

/// A request at the emergency door, or a record that was given there.
pub(super) fn push_emergency(out: &mut Page, position: u64, told: &Told, body: &[u8]) {
    let of = serde_json::from_slice::<ToldEmergency>(body).ok();
    let Some(disclosure) = told.disclosure else {
        if let Some(of) = of {
            push_access(out, position, of);
        }
        return;
    };
    if let Some(of) = of {
        let record = of.record.map(|record| record.0.to_vec());
        let cells = row![disclosure.0, position, of.emergency.0, record, of.output];
        out.given.push(cells);
    }
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

fn push_access(out: &mut Page, position: u64, of: ToldEmergency) {
    out.accesses.push(row![
        of.emergency.0,
        position,
        of.at,
        of.sealed,
        of.requester,
        of.channel,
        of.purpose,
        of.test,
        of.rule_set,
        of.correlation,
    ]);
}

pub(super) fn push_consent(out: &mut Page, position: u64, told: &Told, body: &[u8]) {
    push_revision(&mut out.consents, position, told, told.revoked_at);
    let Ok(act) = serde_json::from_slice::<ToldConsentAct>(body) else {
        return;
    };
    let row_id = act.confirmation.as_deref().or(act.scan.as_deref());
    let row_id = row_id.and_then(unhex);
    let user = act.delivery.map(|delivery| delivery.0);
    let user = user.or_else(|| act.emergency.map(|emergency| emergency.0));
    match (act.change.as_str(), user, row_id) {
        ("used", Some(user), _) => {
            out.uses.push(row![act.consent.0, position, act.at, user]);
        }
        ("confirmed" | "unconfirmed", _, Some(row_id)) => out.confirmations.push(row![
            row_id,
            position,
            act.at,
            act.sealed,
            act.consent.0,
            act.by,
            act.revision,
            // Entries from before a confirmation could be taken back are each the first.
            act.number.unwrap_or(1),
        ]),
        ("scanned", _, Some(row_id)) => out.scans.push(row![
            row_id,
            position,
            act.at,
            act.sealed,
            act.consent.0,
            act.revision,
            act.media_type,
        ]),
        _ => {}
    }
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
