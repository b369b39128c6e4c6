//! One record or person by its id, for those who ask about it.

use super::model::{StoreError, StoredRecord};
use super::sql::{Columns as _, Fault, first, row};
use super::writer::failed;
use super::{Store, open};
use crate::base::id::{PersonId, RecordId};

impl Store {
    /// Whether a person of that id is known, also one that was joined with another since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_person(&self, id: PersonId) -> Result<bool, StoreError> {
        const NAME: &str = "is_person";
        let mut conn = self.reader(NAME).await?;
        let sql = "SELECT 1 FROM person WHERE person = ?";
        let found = first(&mut conn, sql, row![id.0]).await;
        found
            .map(|row| row.is_some())
            .map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// The newest version of a record; `None` when there is none, it is not sealed yet, was
    /// shredded, or cannot be opened. Whose it is, the caller looks at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, id: RecordId) -> Result<Option<StoredRecord>, StoreError> {
        const NAME: &str = "record";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let sql = "SELECT current_row FROM record WHERE record_id = ?";
            let current = first(&mut conn, sql, row![id.0]).await?;
            let current = current.map(|row| row.id_or_null(0)).transpose()?.flatten();
            let Some(current) = current else {
                return Ok(None);
            };
            let rows = [current];
            let opened = open::records(&mut conn, &self.inner.keys, &rows).await?;
            Ok(opened.into_iter().next().map(|opened| opened.record))
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}
