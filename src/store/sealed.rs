//! One revision of a paper of the registry, sealed for the partner that keeps it.
//!
//! It says nothing of what the paper is: consents and facts are both kept so.

use super::keys::{DataKey, Keys, PartnerKey, Place};
use super::open;
use super::sql::Fault;
use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, RecordId};
use sqlx::sqlite::SqliteConnection;

/// A sealed revision, as it is written.
pub(super) struct Sealed {
    pub(super) row_id: [u8; 16],
    pub(super) key_id: i64,
    pub(super) wrapped: Vec<u8>,
    pub(super) body: Vec<u8>,
}

/// Seals a revision under a key of its own.
pub(super) fn seal(
    table: &'static str,
    partner_key: &PartnerKey,
    at: Timestamp,
    plain: &[u8],
) -> Result<Sealed, Fault> {
    let row_id = RecordId::mint(at).0;
    let key = DataKey::generate()?;
    Ok(Sealed {
        row_id,
        key_id: partner_key.id,
        wrapped: partner_key.wrap(&key)?,
        body: key.seal(&place(table, &row_id), plain)?,
    })
}

/// Opens what [`seal`] made.
pub(super) async fn open(
    conn: &mut SqliteConnection,
    keys: &Keys,
    (table, partner): (&'static str, &PartnerId),
    sealed: &Sealed,
) -> Result<Vec<u8>, Fault> {
    open::load_partner_key(conn, keys, partner, sealed.key_id).await?;
    let key = open::data_key(keys, partner, sealed.key_id, &sealed.wrapped)?;
    key.open(&place(table, &sealed.row_id), &sealed.body)
}

fn place<'a>(table: &'static str, row_id: &'a [u8; 16]) -> Place<'a> {
    Place {
        table,
        row: row_id,
        version: &[],
        column: "body",
    }
}
