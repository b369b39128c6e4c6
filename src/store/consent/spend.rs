//! Consents for one disclosure are spent by the delivery that is authorised on them.
//!
//! Spent when the disclosure is authorised and not when it is confirmed: what may have arrived has
//! used the consent. Attempts of that one delivery may go on.

use super::raise_epoch;
use crate::base::clock::Timestamp;
use crate::base::id::{DeliveryId, PersonId, RegistryId};
use crate::ledger::entry::{EntryKind, Fields};
use crate::store::sql::{Columns as _, Fault, first, row, run};
use crate::store::writer::Tx;

/// Whether a delivery may use what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It may: nobody else has used it.
    ByThis,
    /// Another delivery has used one of them: the decision no longer holds.
    ByAnother,
}

/// Enters that this delivery uses these consents, unless another one has used one of them: then
/// nothing is written.
pub async fn spend(
    tx: &mut Tx,
    keys: &[[u8; 16]],
    (delivery, at): (DeliveryId, Timestamp),
) -> Result<Spent, Fault> {
    for key in keys {
        let sql = "SELECT delivery_id FROM consent_use WHERE consent_key = ?";
        let used = first(&mut tx.conn, sql, row![*key]).await?;
        let used = used.map(|row| row.id(0)).transpose()?;
        if used.is_some_and(|by| by != delivery.0) {
            return Ok(Spent::ByAnother);
        }
    }
    for key in keys {
        let sql = "INSERT INTO consent_use (consent_key, delivery_id, used_at) VALUES (?, ?, ?) \
                   ON CONFLICT DO NOTHING";
        if run(&mut tx.conn, sql, row![*key, delivery.0, at]).await? == 0 {
            continue;
        }
        let sql = "SELECT registry_id, subject, revision FROM consent WHERE consent_key = ?";
        let Some(consent) = first(&mut tx.conn, sql, row![*key]).await? else {
            continue;
        };
        let epoch = raise_epoch(tx, PersonId(consent.id(1)?)).await?;
        let fields = Fields::new()
            .text("change", "used")
            .text("consent", &RegistryId(consent.id(0)?).to_string())
            .text("delivery", &delivery.to_string())
            .int("revision", consent.int(2)?)
            .int("epoch", epoch);
        tx.append(EntryKind::Consent, at, &fields);
    }
    Ok(Spent::ByThis)
}
