//! One record or person by its id, persons by their identifiers, for those who ask about them.

use super::model::{StoreError, StoredRecord};
use super::prepare::identifier_domain;
use super::sql::{Cell, Columns as _, Fault, first, row};
use super::writer::failed;
use super::{Store, identity, open};
use crate::base::id::{PartnerId, PersonId, RecordId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

impl Store {
    /// The person an identifier (`system|value`, as values of the system are compared) leads to,
    /// among the persons of test traffic or among the real ones: the two never meet. Where it
    /// leads everybody; if it leads only some partners somewhere, and all to one person, there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person_by_identifier(
        &self,
        identifier: &str,
        test: bool,
    ) -> Result<Option<PersonId>, StoreError> {
        const NAME: &str = "person_by_identifier";
        let domain = identifier_domain(test);
        let key = self.inner.keys.blind(domain, &[identifier.trim()]);
        let mut conn = self.reader(NAME).await?;
        let found = identity::seen(&mut conn, key, None).await;
        found
            .map(|found| found.map(|whose| whose.person))
            .map_err(|fault| failed(NAME, &fault))
    }

    /// The person an identifier leads this partner to: by its own word, or everybody.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person_seen_by(
        &self,
        partner: &PartnerId,
        identifier: &str,
        test: bool,
    ) -> Result<Option<PersonId>, StoreError> {
        const NAME: &str = "person_seen_by";
        let domain = identifier_domain(test);
        let key = self.inner.keys.blind(domain, &[identifier.trim()]);
        let mut conn = self.reader(NAME).await?;
        let found = identity::seen(&mut conn, key, Some(partner)).await;
        found
            .map(|found| found.map(|whose| whose.person))
            .map_err(|fault| failed(NAME, &fault))
    }

    /// All persons each of these identifiers leads this partner to; those that lead nowhere are
    /// not there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn persons_seen_by(
        &self,
        partner: &PartnerId,
        identifiers: &BTreeSet<String>,
        test: bool,
    ) -> Result<BTreeMap<String, BTreeSet<PersonId>>, StoreError> {
        const NAME: &str = "persons_seen_by";
        let domain = identifier_domain(test);
        let blind = |text: &String| self.inner.keys.blind(domain, &[text.trim()]);
        let texts: HashMap<[u8; 16], &String> = identifiers.iter().map(|t| (blind(t), t)).collect();
        let keys: Vec<Cell> = texts.keys().copied().map(Cell::from).collect();
        let mut conn = self.reader(NAME).await?;
        let led = identity::led(&mut conn, partner, &keys).await;
        let mut out: BTreeMap<String, BTreeSet<PersonId>> = BTreeMap::new();
        for (key, person) in led.map_err(|fault| failed(NAME, &fault))? {
            if let Some(text) = texts.get(&key) {
                out.entry((*text).clone()).or_default().insert(person);
            }
        }
        Ok(out)
    }

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
