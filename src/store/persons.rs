//! One person as an officer sees it: on whose word it is one, and how much counts to it.
//!
//! Ids and counts only: nothing sealed is opened here, and no identifier is told.

use super::model::{IdentifierWord, PersonJoin, PersonView, StoreError};
use super::sql::{Columns as _, Fault, all, first, row};
use super::writer::failed;
use super::{Store, identity};
use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, PersonId};
use crate::base::limits::PAGE_ROWS_MAX;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

impl Store {
    /// A person by id; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person(&self, id: PersonId) -> Result<Option<PersonView>, StoreError> {
        const NAME: &str = "person";
        let mut conn = self.reader(NAME).await?;
        let found = view(&mut conn, id).await;
        found.map_err(|fault| failed(NAME, &fault))
    }
}

/// What counts to a person, by kinds.
const COUNTS: &str = "SELECT p.test, (SELECT count(DISTINCT v.record_id) FROM record_person r \
     JOIN record_version v ON v.row_id = r.row_id JOIN submission s \
     ON s.submission_id = v.submission_id AND s.state = 1 WHERE r.person = p.person), \
     (SELECT count(*) FROM consent c WHERE c.subject = p.person), \
     (SELECT count(DISTINCT d.disclosure_id) FROM person_disclosure d WHERE d.person = p.person) \
     FROM person p WHERE p.person = ?";

const WORDS: &str = "SELECT i.asserted_by, i.scope = '', i.own, count(*) \
     FROM person_identifier i LEFT JOIN submission s ON s.submission_id = i.learned_from \
     WHERE i.person = ? AND coalesce(s.state, 1) = 1 GROUP BY 1, 2, 3 ORDER BY 1, 2 DESC, 3 \
     LIMIT ?";

const JOINS: &str = "SELECT other, kept, joined_at, joined_by, parted_at, parted_by \
     FROM person_join WHERE other = ?1 OR kept = ?1 ORDER BY joined_at, other LIMIT ?2";

async fn view(conn: &mut SqliteConnection, id: PersonId) -> Result<Option<PersonView>, Fault> {
    let Some(counts) = first(conn, COUNTS, row![id.0]).await? else {
        return Ok(None);
    };
    let words = all(conn, WORDS, row![id.0, PAGE_ROWS_MAX]).await?;
    let joins = all(conn, JOINS, row![id.0, PAGE_ROWS_MAX]).await?;
    Ok(Some(PersonView {
        person: id,
        counts_to: identity::counts_to(conn, id).await?,
        test: counts.int(0)? == 1,
        words: words.iter().map(word).collect::<Result<_, Fault>>()?,
        joins: joins.iter().map(join).collect::<Result<_, Fault>>()?,
        records: count(&counts, 1)?,
        consents: count(&counts, 2)?,
        disclosures: count(&counts, 3)?,
    }))
}

fn count(row: &SqliteRow, index: usize) -> Result<u64, Fault> {
    u64::try_from(row.int(index)?).map_err(|_| Fault::Damaged("a count"))
}

fn word(row: &SqliteRow) -> Result<IdentifierWord, Fault> {
    Ok(IdentifierWord {
        partner: PartnerId::new(&row.text(0)?),
        everybody: row.int(1)? == 1,
        own: row.id_or_null(2)?.map(PersonId),
        identifiers: count(row, 3)?,
    })
}

fn join(row: &SqliteRow) -> Result<PersonJoin, Fault> {
    let parted_at = row.int_or_null(4)?.map(Timestamp);
    Ok(PersonJoin {
        other: PersonId(row.id(0)?),
        kept: PersonId(row.id(1)?),
        joined_at: Timestamp(row.int(2)?),
        joined_by: row.text(3)?,
        parted: parted_at.zip(row.text_or_null(5)?),
    })
}
