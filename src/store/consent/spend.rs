//! Consents for one disclosure are spent by the delivery that is authorised on them, or by the
//! answer at the emergency door that was.
//!
//! Spent when the disclosure is authorised and not when it is confirmed: what may have arrived has
//! used the consent. Attempts of that one delivery may go on.

use super::raise_epoch;
use crate::base::clock::Timestamp;
use crate::base::id::{DeliveryId, EmergencyId, PersonId, RegistryId};
use crate::ledger::entry::{EntryKind, Fields};
use crate::store::sql::{Columns as _, Fault, first, row, run};
use crate::store::writer::Tx;

/// What uses a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// A delivery: its attempts are one disclosure.
    Delivery(DeliveryId),
    /// An answer at the emergency door: its records go together.
    Emergency(EmergencyId),
}

impl User {
    fn id(self) -> [u8; 16] {
        match self {
            User::Delivery(DeliveryId(id)) | User::Emergency(EmergencyId(id)) => id,
        }
    }

    /// It, as the ledger names it.
    fn told(self, fields: Fields) -> Fields {
        match self {
            User::Delivery(id) => fields.text("delivery", &id.to_string()),
            User::Emergency(id) => fields.text("emergency", &id.to_string()),
        }
    }
}

/// Whether what goes may use what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It may: nobody else has used it.
    ByThis,
    /// Another one has used one of them: the decision no longer holds.
    ByAnother,
}

/// Enters that this one uses these consents, unless another one has used one of them: then nothing
/// is written.
pub async fn spend(
    tx: &mut Tx,
    keys: &[[u8; 16]],
    (user, at): (User, Timestamp),
) -> Result<Spent, Fault> {
    for key in keys {
        let sql = "SELECT delivery_id FROM consent_use WHERE consent_key = ?";
        let used = first(&mut tx.conn, sql, row![*key]).await?;
        let used = used.map(|row| row.id(0)).transpose()?;
        if used.is_some_and(|by| by != user.id()) {
            return Ok(Spent::ByAnother);
        }
    }
    for key in keys {
        let sql = "INSERT INTO consent_use (consent_key, delivery_id, used_at) VALUES (?, ?, ?) \
                   ON CONFLICT DO NOTHING";
        if run(&mut tx.conn, sql, row![*key, user.id(), at]).await? == 0 {
            continue;
        }
        let sql = "SELECT registry_id, subject, revision FROM consent WHERE consent_key = ?";
        let Some(consent) = first(&mut tx.conn, sql, row![*key]).await? else {
            continue;
        };
        let epoch = raise_epoch(tx, PersonId(consent.id(1)?)).await?;
        let fields = Fields::new()
            .text("change", "used")
            .text("consent", &RegistryId(consent.id(0)?).to_string());
        let fields = user
            .told(fields)
            .int("revision", consent.int(2)?)
            .int("epoch", epoch);
        tx.append(EntryKind::Consent, at, &fields);
    }
    Ok(Spent::ByThis)
}
