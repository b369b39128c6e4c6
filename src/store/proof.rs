//! Reading the ledger: pages of entries, proofs of inclusion and consistency.

use super::model::{InclusionProof, LedgerEntry, StoreError};
use super::sql::{Columns as _, Fault, all, row};
use super::submission::unsigned;
use super::writer::failed;
use super::{Store, sequence, setup};
use crate::base::digest::Digest;
use crate::base::id::EntryId;
use crate::base::limits::PAGE_ROWS_MAX;
use crate::ledger::tree::{self, Subtrees};
use sqlx::sqlite::SqliteConnection;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

impl Store {
    /// Entries from a position on, sequenced or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ledger_page(
        &self,
        from: u64,
        limit: usize,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        const NAME: &str = "ledger_page";
        let mut conn = self.reader(NAME).await?;
        let found = page(&mut conn, from, limit.min(PAGE_ROWS_MAX)).await;
        found.map_err(|fault| failed(NAME, &fault))
    }

    /// Proof that an entry stands in the ledger of the newest checkpoint; `None` when it is
    /// unknown or no checkpoint covers it yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn inclusion_proof(&self, id: EntryId) -> Result<Option<InclusionProof>, StoreError> {
        const NAME: &str = "inclusion_proof";
        let mut conn = self.reader(NAME).await?;
        let found = inclusion(&mut conn, id).await;
        found.map_err(|fault| failed(NAME, &fault))
    }

    /// Proof that the ledger of `new` entries only added to that of `old`; `None` when that many
    /// are not covered by a checkpoint.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consistency_proof(
        &self,
        old: u64,
        new: u64,
    ) -> Result<Option<Vec<Digest>>, StoreError> {
        const NAME: &str = "consistency_proof";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            if new > setup::sequenced(&mut conn).await? {
                return Ok(None);
            }
            let prove = |source: &dyn Subtrees| tree::consistency_proof(source, old, new);
            proved(&mut conn, &prove).await
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}

/// A page of entries.
pub(super) async fn page(
    conn: &mut SqliteConnection,
    from: u64,
    limit: usize,
) -> Result<Vec<LedgerEntry>, Fault> {
    let sql = "SELECT position, leaf_hash, body FROM ledger_entry WHERE position >= ? \
               ORDER BY position LIMIT ?";
    let rows = all(conn, sql, row![from, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(LedgerEntry {
                position: unsigned(row, 0)?,
                leaf_hash: row.digest(1)?,
                body: row.blob(2)?,
            })
        })
        .collect()
}

async fn inclusion(
    conn: &mut SqliteConnection,
    id: EntryId,
) -> Result<Option<InclusionProof>, Fault> {
    let Some(checkpoint) = setup::newest_checkpoint(conn).await? else {
        return Ok(None);
    };
    let Some((position, leaf_hash)) = sequence::position(conn, id).await? else {
        return Ok(None);
    };
    let size = checkpoint.size;
    let prove = |source: &dyn Subtrees| tree::inclusion_proof(source, position, size);
    let path = proved(conn, &prove).await?;
    Ok(path.map(|path| InclusionProof {
        position,
        leaf_hash,
        path,
        checkpoint,
    }))
}

type Prove<'a> = &'a (dyn Fn(&dyn Subtrees) -> Option<Vec<Digest>> + Sync);

/// Computes a proof: once to learn which subtrees it needs, once with them.
async fn proved(
    conn: &mut SqliteConnection,
    prove: Prove<'_>,
) -> Result<Option<Vec<Digest>>, Fault> {
    let Some(needed) = needed(prove) else {
        return Ok(None);
    };
    let mut found = HashMap::new();
    for (level, index) in needed {
        let hash = sequence::subtree(conn, level, index).await?;
        found.insert((level, index), hash);
    }
    Ok(prove(&Found(found)))
}

fn needed(prove: Prove<'_>) -> Option<BTreeSet<(u32, u64)>> {
    let wanted = Wanted::default();
    prove(&wanted)?;
    Some(wanted.0.into_inner())
}

/// Notes what it is asked for.
#[derive(Default)]
struct Wanted(RefCell<BTreeSet<(u32, u64)>>);

impl Subtrees for Wanted {
    fn subtree(&self, level: u32, index: u64) -> Option<Digest> {
        self.0.borrow_mut().insert((level, index));
        Some(Digest([0; 32]))
    }
}

/// Answers from what was read.
struct Found(HashMap<(u32, u64), Digest>);

impl Subtrees for Found {
    fn subtree(&self, level: u32, index: u64) -> Option<Digest> {
        self.0.get(&(level, index)).copied()
    }
}
