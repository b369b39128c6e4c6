//! New generations of keys, while no gateway has the database open.
//!
//! What is written from then on is sealed and signed by the new ones; what stands opens and proves
//! by the old ones, which stay, wrapped. It must never take a key away: what it sealed would be
//! lost. The index key has no new generation here, because every keyed digest hangs on it.

use super::keys::{ACCOUNTING, MasterKey, SIGNING};
use super::model::StoreError;
use super::setup::{add_secret, closed, existing_keys};
use super::sql::{Columns as _, Fault, all, first, row, run};
use super::submission::generation;
use super::writer::failed;
use crate::base::clock::Timestamp;
use sqlx::sqlite::SqliteConnection;
use std::path::Path;

/// Makes a new generation of the accounting, the signing and every partner's key. Gives the public
/// half of the new signing key, 32 bytes, to be kept outside.
///
/// # Errors
/// When a gateway has the database open, the master key is another's, or it cannot be written; all
/// keys are then as before.
pub async fn rotate_keys(
    database: &Path,
    master: MasterKey,
    now: Timestamp,
) -> Result<Vec<u8>, StoreError> {
    let rotated = async {
        let (mut conn, _lock) = closed(database).await?;
        // The key that wraps the new ones must be the one that opens the old ones.
        existing_keys(&mut conn, master.clone()).await?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await?;
        for name in [ACCOUNTING, SIGNING] {
            let next = newest(&mut conn, name).await?.saturating_add(1);
            add_secret(&mut conn, &master, (name, next), now).await?;
        }
        partners(&mut conn, &master, now).await?;
        let (number, public) = existing_keys(&mut conn, master).await?.public_key();
        let sql = "INSERT INTO ledger_key (generation, public_key) VALUES (?, ?)";
        run(&mut conn, sql, row![number, public.as_slice()]).await?;
        sqlx::query("COMMIT").execute(&mut conn).await?;
        Ok(public)
    };
    rotated
        .await
        .map_err(|fault: Fault| failed("rotate_keys", &fault))
}

async fn newest(conn: &mut SqliteConnection, name: &str) -> Result<u32, Fault> {
    let sql = "SELECT max(generation) FROM store_secret WHERE name = ?";
    let row = first(conn, sql, row![name]).await?;
    let row = row.ok_or(Fault::Damaged("a key of the store is missing"))?;
    generation(&row, 0)
}

async fn partners(
    conn: &mut SqliteConnection,
    master: &MasterKey,
    now: Timestamp,
) -> Result<(), Fault> {
    let sql = "SELECT partner, max(key_id) FROM partner_key GROUP BY partner";
    for found in all(conn, sql, []).await? {
        let sql = "INSERT INTO partner_key (partner, key_id, wrapped, created_at) \
                   VALUES (?, ?, ?, ?)";
        let next = found.int(1)?.saturating_add(1);
        let cells = row![found.text(0)?, next, master.generate()?, now];
        run(conn, sql, cells).await?;
    }
    Ok(())
}
