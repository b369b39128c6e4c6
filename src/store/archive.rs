//! A database read from outside: no lock, no writer, no change. For the command line, beside a
//! running gateway or on a copy.

use super::crosscheck::Crosscheck;
use super::keys::{Domain, Keys, MasterKey};
use super::model::{Checkpoint, DecisionRecord, DisclosureCursor, DisclosurePage, StoreError};
use super::prepare::identifier_domain;
use super::sql::{Columns as _, Fault, all, first, row, run};
use super::submission::{checkpoint_at, generation, unsigned};
use super::writer::failed;
use super::{accounting, decision, identity, proof, rule_sets, setup};
use crate::base::id::{DeliveryId, DisclosureId, PersonId, RuleSetId};
use crate::ledger::checkpoint::PublicKeys;
use crate::ledger::export;
use crate::ledger::verify::{NO_OUTSIDE_CHECKPOINT, Report, Verifier};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Entries read at once.
const PAGE: usize = 2_000;

/// Decisions read at once.
const DECISIONS_PAGE: usize = 500;

/// A database opened for reading only.
pub struct Archive {
    conn: SqliteConnection,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Archive")
    }
}

impl Archive {
    /// Opens a database file.
    ///
    /// # Errors
    /// When it cannot be read or is no database of this program.
    pub async fn open(path: &Path) -> Result<Archive, StoreError> {
        let opened = async {
            let mut conn = setup::reading(path).connect().await?;
            let sql = "SELECT count(*) FROM store_fact";
            first(&mut conn, sql, []).await?;
            Ok(Archive { conn })
        };
        opened
            .await
            .map_err(|fault: Fault| failed("archive", &fault))
    }

    /// Verifies the whole ledger against its own checkpoints and any given from elsewhere, under
    /// the database's keys or those given, and the store's rows against the ledger.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn verify(
        &mut self,
        kept_outside: &[Vec<u8>],
        elsewhere: &[Checkpoint],
    ) -> Result<Report, StoreError> {
        // One view of the database: a gateway may write beside this.
        let verified = async {
            run(&mut self.conn, "BEGIN", []).await?;
            let report = self.verify_all(kept_outside, elsewhere).await;
            run(&mut self.conn, "ROLLBACK", []).await?;
            report
        };
        verified
            .await
            .map_err(|fault| failed("ledger_verify", &fault))
    }

    async fn verify_all(
        &mut self,
        kept_outside: &[Vec<u8>],
        elsewhere: &[Checkpoint],
    ) -> Result<Report, Fault> {
        let keys = PublicKeys::choose(kept_outside, self.public_keys().await?);
        let mut checkpoints = self.checkpoints().await?;
        checkpoints.extend_from_slice(elsewhere);
        let mut queue = crate::ledger::verify_order(&checkpoints);
        let mut verifier = Verifier::new(keys);
        let mut rows = Crosscheck::new(&mut self.conn).await?;
        let (mut from, mut read) = (0, 0);
        loop {
            let page = proof::page(&mut self.conn, from, PAGE).await?;
            let Some(last) = page.last() else { break };
            from = last.position + 1;
            for entry in &page {
                queue.due(read, &mut verifier);
                verifier.entry(entry.position, Some(entry.leaf_hash), &entry.body);
                read += 1;
            }
            rows.entries(&mut self.conn, &page).await?;
        }
        queue.rest(read, &mut verifier);
        let mut report = verifier.finish();
        report.rows = Some(rows.finish(&mut self.conn).await?);
        if elsewhere.is_empty() {
            report.notes.push(NO_OUTSIDE_CHECKPOINT.to_owned());
        }
        Ok(report)
    }

    /// Writes the whole database, as it stands at this moment, into a new file for this user
    /// alone. A gateway may go on beside it. The keys in it stay wrapped by the master key.
    ///
    /// # Errors
    /// When the file is there already or cannot be written; what was begun is then removed.
    pub async fn backup(&mut self, to: &Path) -> Result<(), StoreError> {
        const NAME: &str = "backup";
        let file = setup::new_file(to).map_err(|fault| failed(NAME, &fault))?;
        let written = async {
            let name = to.to_str();
            let name = name.ok_or_else(|| Fault::Refused("the name is not text".to_owned()))?;
            run(&mut self.conn, "VACUUM INTO ?", row![name]).await?;
            // A backup must survive a power cut.
            file.sync_all()
                .map_err(|error| setup::unwritable(to, &error))
        };
        let written = written.await;
        if written.is_err() {
            // The failure counts, not that half a file stays.
            drop(std::fs::remove_file(to));
        }
        written.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreError> {
        let found = setup::newest_checkpoint(&mut self.conn).await;
        found.map_err(|fault| failed("checkpoint", &fault))
    }

    /// Writes the ledger as text.
    ///
    /// # Errors
    /// When the database cannot be read or the text not written.
    pub async fn export(&mut self, out: &mut dyn Write) -> Result<u64, StoreError> {
        let written = self.export_all(out).await;
        written.map_err(|fault| failed("ledger_export", &fault))
    }

    async fn export_all(&mut self, out: &mut dyn Write) -> Result<u64, Fault> {
        let unwritten = |_| Fault::Damaged("the export cannot be written");
        export::write_head(out, &self.public_keys().await?).map_err(unwritten)?;
        let checkpoints = self.checkpoints().await?;
        let mut next = checkpoints.iter().peekable();
        let mut from = 0;
        loop {
            let page = proof::page(&mut self.conn, from, PAGE).await?;
            let Some(last) = page.last() else { break };
            from = last.position + 1;
            for entry in &page {
                export::write_entry(out, &entry.body).map_err(unwritten)?;
                while let Some(checkpoint) = next.next_if(|c| c.size == entry.position + 1) {
                    export::write_checkpoint(out, checkpoint).map_err(unwritten)?;
                }
            }
        }
        // What is signed beyond the last entry shows the truncation to the reader.
        for checkpoint in next {
            export::write_checkpoint(out, checkpoint).map_err(unwritten)?;
        }
        out.flush().map_err(unwritten)?;
        Ok(from)
    }

    /// Disclosures about a person, for which the master key is needed.
    ///
    /// # Errors
    /// When the database cannot be read or the key is another's.
    pub async fn disclosures(
        &mut self,
        master: MasterKey,
        who: &Who,
        after: Option<DisclosureCursor>,
    ) -> Result<Option<DisclosurePage>, StoreError> {
        let found = async {
            let keys = setup::existing_keys(&mut self.conn, master).await?;
            let Some(person) = self.find(&keys, who).await? else {
                return Ok(None);
            };
            let ask = (person, after, crate::base::limits::PAGE_ROWS_MAX);
            accounting::page(&mut self.conn, &keys, ask).await.map(Some)
        };
        found
            .await
            .map_err(|fault: Fault| failed("disclosures", &fault))
    }

    /// Decisions after one (from the first when none), in the order of what they are about; an
    /// empty page is the end. The master key is needed.
    ///
    /// # Errors
    /// When the database cannot be read, a decision cannot be opened, or the key is another's.
    pub async fn decisions(
        &mut self,
        master: MasterKey,
        after: Option<DecisionPlace>,
    ) -> Result<Vec<(DecisionPlace, DecisionRecord)>, StoreError> {
        let found = async {
            let keys = setup::existing_keys(&mut self.conn, master).await?;
            let sql = "SELECT source_id, token, body FROM decision \
                       WHERE (source_id, token) > (?, ?) ORDER BY source_id, token LIMIT ?";
            let after = after.unwrap_or(DecisionPlace {
                source: [0; 16],
                token: i64::MIN,
            });
            let cells = row![after.source, after.token, DECISIONS_PAGE];
            let rows = all(&mut self.conn, sql, cells).await?;
            let open = |row: &SqliteRow| {
                let place = DecisionPlace {
                    source: row.id(0)?,
                    token: row.int(1)?,
                };
                let record = decision::open(&keys, &place.source, &row.blob(2)?)?;
                Ok((place, record))
            };
            rows.iter().map(open).collect::<Result<Vec<_>, Fault>>()
        };
        found
            .await
            .map_err(|fault: Fault| failed("decisions", &fault))
    }

    /// What a decision is about, by the id people use: a delivery, or a disclosure of a pull.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn decided_name(&mut self, id: [u8; 16]) -> Result<String, StoreError> {
        let sql = "SELECT 1 FROM delivery WHERE delivery_id = ?";
        let found = first(&mut self.conn, sql, row![id]).await;
        let found = found.map_err(|fault: Fault| failed("decided_name", &fault))?;
        Ok(match found {
            Some(_) => DeliveryId(id).to_string(),
            None => DisclosureId(id).to_string(),
        })
    }

    /// A rule set that was used, as it was kept.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rule_set(&mut self, id: &RuleSetId) -> Result<Option<Vec<u8>>, StoreError> {
        let found = rule_sets::read(&mut self.conn, id).await;
        found.map_err(|fault| failed("rule_set", &fault))
    }

    async fn find(&mut self, keys: &Keys, who: &Who) -> Result<Option<PersonId>, Fault> {
        let identifier = match who {
            Who::Person(person) => return Ok(Some(*person)),
            Who::Identifier(identifier) => identifier,
        };
        let domain: Domain = identifier_domain(false);
        let key = keys.blind(domain, &[identifier.trim()]);
        let found = identity::seen(&mut self.conn, key, None).await?;
        Ok(found.map(|whose| whose.person))
    }

    async fn public_keys(&mut self) -> Result<BTreeMap<u32, Vec<u8>>, Fault> {
        let rows = all(
            &mut self.conn,
            "SELECT generation, public_key FROM ledger_key",
            [],
        )
        .await?;
        let read = |row: &SqliteRow| Ok((generation(row, 0)?, row.blob(1)?));
        rows.iter().map(read).collect()
    }

    async fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, Fault> {
        let sql =
            "SELECT size, root, at, key_generation, signature FROM ledger_checkpoint ORDER BY size";
        let rows = all(&mut self.conn, sql, []).await?;
        let read = |row| checkpoint_at(row, 0);
        let found = rows.iter().filter_map(|row| read(row).transpose());
        found.collect()
    }

    /// Ledger entries there are.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn entries(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM ledger_entry";
        let counted = async {
            let row = first(&mut self.conn, sql, []).await?;
            row.map_or(Ok(0), |row| unsigned(&row, 0))
        };
        counted
            .await
            .map_err(|fault: Fault| failed("ledger_entries", &fault))
    }
}

/// Which decision: what it is about (a delivery, or a disclosure of an extract) and under which
/// claim it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionPlace {
    /// Delivery or disclosure id.
    pub source: [u8; 16],
    /// Token of the claim.
    pub token: i64,
}

/// Whose disclosures.
#[derive(Clone, Debug)]
pub enum Who {
    /// By the gateway's own id.
    Person(PersonId),
    /// By `system|value`.
    Identifier(String),
}
