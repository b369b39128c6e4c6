//! What the gateway gave a partner: the decisions under which it was given some records.

use super::model::{Given, StoreError};
use super::sql::{Cell, Columns as _, Fault, for_keys};
use super::writer::failed;
use super::{Store, decision};
use crate::base::id::{PartnerId, RecordId};
use std::collections::BTreeMap;

/// Deliveries that have arrived or may have; of each the newest decision.
const SENT: (&str, &str) = (
    "SELECT d.record_id, d.delivery_id, c.body FROM delivery d JOIN decision c \
     ON c.source_id = d.delivery_id AND c.token = (SELECT max(n.token) FROM decision n \
     WHERE n.source_id = d.delivery_id) WHERE d.partner = ? AND d.recall_of IS NULL \
     AND (d.exposure > 0 OR d.state = 2) AND d.record_id IN",
    "",
);

/// Rows of pulls.
const PULLED: (&str, &str) = (
    "SELECT e.record_id, e.disclosure_id, c.body FROM extract_record e JOIN decision c \
     ON c.source_id = e.disclosure_id WHERE e.requester = ? AND e.record_id IN",
    "",
);

impl Store {
    /// What a partner was given of these records. Its own are not there; one it was never given,
    /// or that nobody knows, is there without a decision.
    ///
    /// # Errors
    /// When the database fails; nothing may be released then.
    pub async fn given_to(
        &self,
        partner: &PartnerId,
        records: &[RecordId],
    ) -> Result<Vec<Given>, StoreError> {
        const NAME: &str = "given_to";
        let mut conn = self.reader(NAME).await?;
        let keys: Vec<Cell> = records.iter().map(|id| Cell::from(id.0)).collect();
        let found = async {
            let mut out: BTreeMap<RecordId, Given> = BTreeMap::new();
            for id in records {
                out.insert(*id, Given::default());
            }
            let head = "SELECT record_id FROM record WHERE partner = ? AND record_id IN";
            let own = [Cell::from(partner.as_str())];
            for row in for_keys(&mut conn, head, "", &own, &keys).await? {
                out.remove(&RecordId(row.id(0)?));
            }
            for (head, tail) in [SENT, PULLED] {
                for row in for_keys(&mut conn, head, tail, &own, &keys).await? {
                    let opened = decision::open(&self.inner.keys, &row.id(1)?, &row.blob(2)?)?;
                    if let Some(given) = out.get_mut(&RecordId(row.id(0)?)) {
                        given.decisions.push(opened);
                    }
                }
            }
            Ok(out.into_values().collect())
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}
