//! Who besides its lodger may know of a consent, in columns a search can ask.
//!
//! What is written here follows from the sealed paper and is told by who reads it; nothing is
//! decided by it, and whoever is found by it is still asked about before anything is shown.

use crate::base::id::{PartnerId, PersonId, RegistryId};
use crate::store::model::Audience;
use crate::store::sql::{Fault, row, run};
use crate::store::writer::Tx;

/// Stands for any county whose records the person is in.
const COUNTIES: &str = "";

/// Writes the audience of a consent's newest revision in place of what was known.
pub(in crate::store) async fn write(
    tx: &mut Tx,
    (consent, subject): (RegistryId, PersonId),
    audience: &Audience,
) -> Result<(), Fault> {
    let sql = "DELETE FROM consent_audience WHERE registry_id = ?";
    run(&mut tx.conn, sql, row![consent.0]).await?;
    let named = audience.named.iter().map(PartnerId::as_str);
    for reader in named.chain(audience.counties.then_some(COUNTIES)) {
        let sql = "INSERT INTO consent_audience (reader, registry_id, subject) VALUES (?, ?, ?) \
                   ON CONFLICT DO NOTHING";
        run(&mut tx.conn, sql, row![reader, consent.0, subject.0]).await?;
    }
    of_confirmers(tx, (consent, subject)).await
}

/// Adds who has confirmed the newest revision: whoever stood behind it may know what of.
pub(super) async fn of_confirmers(
    tx: &mut Tx,
    (consent, subject): (RegistryId, PersonId),
) -> Result<(), Fault> {
    let sql = "INSERT INTO consent_audience (reader, registry_id, subject) \
               SELECT DISTINCT f.confirmed_by, c.registry_id, ?2 FROM consent c \
               JOIN consent_confirmation f ON f.consent_key = c.consent_key \
               AND f.revision = c.revision WHERE c.registry_id = ?1 ON CONFLICT DO NOTHING";
    run(&mut tx.conn, sql, row![consent.0, subject.0])
        .await
        .map(drop)
}
