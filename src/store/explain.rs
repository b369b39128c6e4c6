//! The newest decision about a delivery, or about a record in a pull or at the emergency door, for
//! those who may see why.

use super::claim::state_of;
use super::keys::Keys;
use super::model::{DecisionRecord, PastDecision, StoreError};
use super::sql::{Columns as _, Fault, first, row};
use super::writer::failed;
use super::{Store, decision};
use crate::base::id::*;
use sqlx::sqlite::SqliteConnection;

impl Store {
    /// What was decided last about this delivery; `None` before the first decision. It names
    /// persons, classes and law: for privacy officers, never for a sender or a recipient.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decision(&self, id: DeliveryId) -> Result<Option<DecisionRecord>, StoreError> {
        const NAME: &str = "decision";
        let mut conn = self.reader(NAME).await?;
        let sql = "SELECT body FROM decision WHERE source_id = ? ORDER BY at DESC, token DESC \
                   LIMIT 1";
        let found = async {
            let Some(row) = first(&mut conn, sql, row![id.0]).await? else {
                return Ok(None);
            };
            decision::open(&self.inner.keys, &id.0, &row.blob(0)?).map(Some)
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// What was decided last under this id (of a delivery, or of a disclosure of a pull or at the
    /// emergency door), and what it was about. For privacy officers and auditors, never for a
    /// sender or a recipient.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn past_decision(&self, id: [u8; 16]) -> Result<Option<PastDecision>, StoreError> {
        const NAME: &str = "past_decision";
        let mut conn = self.reader(NAME).await?;
        let found = past(&mut conn, &self.inner.keys, id).await;
        found.map_err(|fault| failed(NAME, &fault))
    }
}

/// As [`Store::past_decision`].
pub(super) async fn past(
    conn: &mut SqliteConnection,
    keys: &Keys,
    id: [u8; 16],
) -> Result<Option<PastDecision>, Fault> {
    let sql = "SELECT c.body, coalesce(d.record_id, e.record_id, g.record_id), \
               coalesce(d.partner, e.requester, a.requester), \
               coalesce(d.channel, nullif(a.channel, '')), d.state FROM decision c \
               LEFT JOIN delivery d ON d.delivery_id = c.source_id \
               LEFT JOIN extract_record e ON e.disclosure_id = c.source_id \
               LEFT JOIN emergency_disclosure g ON g.disclosure_id = c.source_id \
               LEFT JOIN emergency_access a ON a.emergency_id = g.emergency_id \
               WHERE c.source_id = ? ORDER BY c.at DESC, c.token DESC LIMIT 1";
    let Some(row) = first(conn, sql, row![id]).await? else {
        return Ok(None);
    };
    let state = row.int_or_null(4)?.map(state_of).transpose()?;
    Ok(Some(PastDecision {
        named: match state {
            Some(_) => DeliveryId(id).to_string(),
            None => DisclosureId(id).to_string(),
        },
        record_id: RecordId(row.id(1)?),
        partner: PartnerId::new(&row.text(2)?),
        channel: row.text_or_null(3)?.map(|name| ChannelId::new(&name)),
        state,
        decision: decision::open(keys, &id, &row.blob(0)?)?,
    }))
}
