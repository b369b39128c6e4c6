//! What the gateway gave a partner: the decisions under which it was given some records.

use super::model::{DecisionRecord, DecisionRow, Given, StoreError};
use super::sql::{Cell, Columns as _, Fault, all, for_keys, row};
use super::writer::failed;
use super::{Store, decision, identity};
use crate::base::id::{PartnerId, PersonId, RecordId};
use sqlx::sqlite::SqliteConnection;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// Deliveries that have arrived or may have; of each every decision that let it go. What held it
/// back afterwards, or before, says nothing of what had left.
const SENT: &str = "SELECT d.record_id, d.delivery_id, c.body FROM delivery d JOIN decision c \
     ON c.source_id = d.delivery_id AND c.authorised = 1 WHERE d.partner = ? \
     AND d.recall_of IS NULL AND (d.exposure > 0 OR d.state = 2) AND d.record_id IN";

/// Rows of pulls that were given and fetched.
const PULLED: &str = "SELECT e.record_id, e.disclosure_id, c.body FROM extract_record e \
     JOIN decision c ON c.source_id = e.disclosure_id WHERE e.requester = ? AND e.outcome = 0 \
     AND e.sent_at IS NOT NULL AND e.record_id IN";

/// Answers at the emergency door.
const ANSWERED: &str = "SELECT g.record_id, g.disclosure_id, c.body FROM emergency_disclosure g \
     JOIN emergency_access a ON a.emergency_id = g.emergency_id \
     JOIN decision c ON c.source_id = g.disclosure_id WHERE a.requester = ? AND g.record_id IN";

/// Who counted to a person at an instant: bound as `?1` and `?2`.
const COUNTED: &str = "WITH RECURSIVE was (person) AS (SELECT ?1 UNION SELECT j.other \
     FROM person_join j JOIN was ON j.kept = was.person WHERE j.joined_at <= ?2 \
     AND (j.parted_at IS NULL OR j.parted_at > ?2)) SELECT person FROM was";

impl Store {
    /// What a partner was given of these records, by sends, pulls and the emergency door. Its own
    /// are not there; one it was never given, or that nobody knows, is there without a decision.
    /// Persons are whoever they count to today.
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
            for head in [SENT, PULLED, ANSWERED] {
                for row in for_keys(&mut conn, head, "", &own, &keys).await? {
                    let opened = decision::open(&self.inner.keys, &row.id(1)?, &row.blob(2)?)?;
                    let opened = of_today(&mut conn, opened).await?;
                    if let Some(given) = out.get_mut(&RecordId(row.id(0)?)) {
                        given.decisions.push(opened);
                    }
                }
            }
            Ok(out.into_values().collect())
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// The records that any version of these was made from, by record.
    ///
    /// # Errors
    /// When the database fails; nothing may be released then.
    pub async fn sources_of(
        &self,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, Vec<RecordId>>, StoreError> {
        const NAME: &str = "sources_of";
        let mut conn = self.reader(NAME).await?;
        let keys: Vec<Cell> = records.iter().map(|id| Cell::from(id.0)).collect();
        let head = "SELECT record_id, source FROM record_source WHERE record_id IN";
        let found = async {
            let mut out: HashMap<RecordId, Vec<RecordId>> = HashMap::new();
            for row in for_keys(&mut conn, head, "", &[], &keys).await? {
                let sources = out.entry(RecordId(row.id(0)?)).or_default();
                sources.push(RecordId(row.id(1)?));
            }
            Ok(out)
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}

/// A decision, its rows of whoever its persons count to today: who was taken for one person then
/// may be two now, and the other way round.
pub(super) async fn of_today(
    conn: &mut SqliteConnection,
    mut decision: DecisionRecord,
) -> Result<DecisionRecord, Fault> {
    let mut today: HashMap<PersonId, Vec<PersonId>> = HashMap::new();
    let mut rows = Vec::with_capacity(decision.rows.len());
    for row in decision.rows {
        let persons = match today.entry(row.person) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(counted(conn, (row.person, decision.at.0)).await?),
        };
        let persons = persons.iter();
        rows.extend(persons.map(|person| DecisionRow {
            person: *person,
            ..row.clone()
        }));
    }
    decision.rows = rows;
    Ok(decision)
}

async fn counted(
    conn: &mut SqliteConnection,
    (person, at): (PersonId, i64),
) -> Result<Vec<PersonId>, Fault> {
    let mut out = Vec::new();
    for row in all(conn, COUNTED, row![person.0, at]).await? {
        out.push(identity::counts_to(conn, PersonId(row.id(0)?)).await?);
    }
    out.sort_unstable();
    out.dedup();
    Ok(out)
}
