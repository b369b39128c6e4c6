//! The sequencer: takes new entries into the tree and signs a checkpoint.

use super::model::{Checkpoint, StoreError};
use super::sql::{Columns as _, Fault, Insert, all, first, row, run};
use super::writer::Tx;
use super::{Store, setup};
use crate::base::digest::{Digest, hex};
use crate::base::id::EntryId;
use crate::ledger::checkpoint::signed_text;
use crate::ledger::tree::{Frontier, Subtrees, range_root};
use sqlx::sqlite::SqliteConnection;

/// Entries of one checkpoint at most; the next step takes the rest.
const ENTRIES_MAX: u64 = 10_000;
/// Subtrees from this level up (256 entries) are kept; smaller ones are computed.
pub(super) const NODE_LEVEL_MIN: u32 = 8;

impl Store {
    /// Takes the entries written since the last call into the tree and signs a checkpoint over
    /// them. To be called every second or so; `None` when there was nothing new.
    ///
    /// # Errors
    /// When the database fails; the next call tries again.
    pub async fn sequence(&self) -> Result<Option<Checkpoint>, StoreError> {
        let mut newest = None;
        loop {
            let step = self
                .write("sequence", (), |tx, ()| Box::pin(sequence(tx)))
                .await?;
            let Some(checkpoint) = step else {
                return Ok(newest);
            };
            newest = Some(checkpoint);
        }
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        const NAME: &str = "checkpoint";
        let mut conn = self.reader(NAME).await?;
        let found = setup::newest_checkpoint(&mut conn).await;
        found.map_err(|fault| super::writer::failed(NAME, &fault))
    }

    /// The key checkpoints are signed with from now on: 32 bytes, public.
    pub fn ledger_public_key(&self) -> Vec<u8> {
        self.inner.keys.public_key().1
    }
}

/// One step: at most 10,000 entries.
pub(super) async fn sequence(tx: &mut Tx) -> Result<Option<Checkpoint>, Fault> {
    let mut frontier = match tx.frontier.take() {
        Some(frontier) => frontier,
        None => load_frontier(tx).await?,
    };
    let sql = "SELECT leaf_hash FROM ledger_entry WHERE position >= ? ORDER BY position LIMIT ?";
    let new = all(&mut tx.conn, sql, row![frontier.size(), ENTRIES_MAX]).await?;
    if new.is_empty() {
        tx.frontier = Some(frontier);
        return Ok(None);
    }
    let mut nodes = Insert::new("INSERT INTO ledger_node (level, node, hash) VALUES", "");
    for row in &new {
        frontier.push(row.digest(0)?, |subtree| {
            if subtree.level >= NODE_LEVEL_MIN {
                nodes.push(row![subtree.level, subtree.index, subtree.hash]);
            }
        });
    }
    nodes.run(&mut tx.conn).await?;
    let at = tx.now();
    let (size, root) = (frontier.size(), frontier.root());
    let text = signed_text(size, &root, at);
    let checkpoint = Checkpoint {
        size,
        root,
        at,
        key_generation: tx.keys.public_key().0,
        signature: hex(&tx.keys.sign(text.as_bytes())),
    };
    let sql = "INSERT INTO ledger_checkpoint (size, root, at, key_generation, signature) \
               VALUES (?, ?, ?, ?, ?)";
    let signature = checkpoint.signature.as_str();
    let cells = row![size, root, at, checkpoint.key_generation, signature];
    run(&mut tx.conn, sql, cells).await?;
    tx.frontier = Some(frontier);
    tx.tail.checkpoint = Some(checkpoint.clone());
    Ok(Some(checkpoint))
}

/// The right edge as of the newest checkpoint.
async fn load_frontier(tx: &mut Tx) -> Result<Frontier, Fault> {
    let size = setup::sequenced(&mut tx.conn).await?;
    let mut edge = Vec::new();
    for (level, index) in Frontier::parts(size) {
        edge.push(subtree(&mut tx.conn, level, index).await?);
    }
    Frontier::from_parts(size, edge).ok_or(Fault::Damaged("the ledger's tree"))
}

/// Hash of a complete subtree: kept, or computed from at most 128 leaves.
pub(super) async fn subtree(
    conn: &mut SqliteConnection,
    level: u32,
    index: u64,
) -> Result<Digest, Fault> {
    let damaged = || Fault::Damaged("the ledger's tree");
    if level >= NODE_LEVEL_MIN {
        let sql = "SELECT hash FROM ledger_node WHERE level = ? AND node = ?";
        let row = first(conn, sql, row![level, index]).await?;
        return row.ok_or_else(damaged)?.digest(0);
    }
    let sql = "SELECT leaf_hash FROM ledger_entry WHERE position >= ? ORDER BY position LIMIT ?";
    let (start, count) = (index << level, 1_u64 << level);
    let rows = all(conn, sql, row![start, count]).await?;
    let leaves = rows.iter().map(|row| row.digest(0));
    let leaves = Leaves(leaves.collect::<Result<_, _>>()?);
    // Counted from the first leaf of this subtree, which is complete by itself.
    let root = leaves.subtree(level, 0);
    root.ok_or_else(damaged)
}

/// Leaves of one small subtree.
struct Leaves(Vec<Digest>);

impl Subtrees for Leaves {
    fn subtree(&self, level: u32, index: u64) -> Option<Digest> {
        if level == 0 {
            return self.0.get(usize::try_from(index).ok()?).copied();
        }
        let half = |side: u64| {
            let width = 1_u64 << (level - 1);
            let start = (index * 2 + side) * width;
            range_root(self, start, start + width)
        };
        Some(crate::ledger::tree::node_hash(&half(0)?, &half(1)?))
    }
}

/// The position of an entry, from its id: one writer, one sequence.
pub(super) async fn position(
    conn: &mut SqliteConnection,
    id: EntryId,
) -> Result<Option<(u64, Digest)>, Fault> {
    let (_, number) = crate::ledger::entry::Link::split(id);
    let sql = "SELECT leaf_hash FROM ledger_entry WHERE position = ? AND entry_id = ?";
    match first(conn, sql, row![number, id.0]).await? {
        Some(row) => Ok(Some((number, row.digest(0)?))),
        None => Ok(None),
    }
}
