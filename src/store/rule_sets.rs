//! Rule sets that were used, kept whole: any past decision can be taken again.

use super::Store;
use super::model::StoreError;
use super::sql::{Columns as _, Fault, first, row, run};
use super::writer::failed;
use crate::base::id::RuleSetId;
use sqlx::sqlite::SqliteConnection;

impl Store {
    /// Keeps a rule set (the catalog's files as bytes, in a form its caller reads again). Keeping
    /// one twice changes nothing.
    ///
    /// # Errors
    /// When the database fails; the rule set must then not be used.
    pub async fn keep_rule_set(&self, id: &RuleSetId, body: Vec<u8>) -> Result<(), StoreError> {
        self.write("keep_rule_set", (id.clone(), body), |tx, (id, body)| {
            Box::pin(async move {
                let sql = "INSERT INTO rule_set (rule_set, stored_at, body) VALUES (?, ?, ?) \
                           ON CONFLICT (rule_set) DO NOTHING";
                let cells = row![id.as_str(), tx.now(), body.as_slice()];
                run(&mut tx.conn, sql, cells).await.map(drop)
            })
        })
        .await
    }

    /// A kept rule set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rule_set(&self, id: &RuleSetId) -> Result<Option<Vec<u8>>, StoreError> {
        const NAME: &str = "rule_set";
        let mut conn = self.reader(NAME).await?;
        let found = read(&mut conn, id).await;
        found.map_err(|fault| failed(NAME, &fault))
    }
}

/// A kept rule set.
pub(super) async fn read(
    conn: &mut SqliteConnection,
    id: &RuleSetId,
) -> Result<Option<Vec<u8>>, Fault> {
    let sql = "SELECT body FROM rule_set WHERE rule_set = ?";
    let row = first(conn, sql, row![id.as_str()]).await?;
    row.map(|row| row.blob(0)).transpose()
}
