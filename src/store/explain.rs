//! The newest decision about a delivery, for those who may see why.

use super::model::{DecisionRecord, StoreError};
use super::sql::{Columns as _, Fault, first, row};
use super::writer::failed;
use super::{Store, decision};
use crate::base::id::DeliveryId;

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
}
