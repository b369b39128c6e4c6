//! Turns: facts and consents that begin or end to count by the calendar, without anybody's entry.
//!
//! Each has the instant of its next turn in a column of its own, so that a look costs what has
//! turned and never a scan. When that is, whoever reads bodies says; what follows of it is what
//! follows of an entry: the person's epoch is raised and what waits is decided again.

use super::consent::{audience, raise_epoch, reevaluate};
use super::fact::answered;
use super::model::{StoreError, StoredConsent, StoredFact, Turn, TurnPage, TurnTable};
use super::recall::{Happened, look_again};
use super::sql::{Cell, Columns as _, Fault, all, first, row, run};
use super::writer::{Tx, failed};
use super::{Store, whereabouts};
use crate::base::clock::Timestamp;
use crate::base::id::{PersonId, RegistryId};
use crate::base::limits::TURNS_MAX;

/// A turn of one row, for the writer.
struct Done {
    table: TurnTable,
    key: [u8; 16],
    /// Another one has been looked at by nobody.
    revision: Option<u32>,
    turn: Turn,
}

impl Store {
    /// Facts and consents whose turn has come, each kind so many at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn turns_due(&self, now: Timestamp) -> Result<TurnPage, StoreError> {
        const NAME: &str = "turns_due";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let mut page = TurnPage::default();
            let sql = "SELECT fact_key, turned_to FROM fact \
                       WHERE turns_at <= ? ORDER BY turns_at LIMIT ?";
            for row in all(&mut conn, sql, row![now, TURNS_MAX]).await? {
                let key = row.id(0)?;
                let keys = [Cell::from(key)];
                match one(self.facts(&mut conn, "f.fact_key IN", &keys).await)? {
                    Some(fact) => page.facts.push((fact, Timestamp(row.int(1)?))),
                    None => page.closed.push((TurnTable::Fact, key)),
                }
            }
            let sql = "SELECT consent_key, turned_to FROM consent \
                       WHERE turns_at <= ? ORDER BY turns_at LIMIT ?";
            for row in all(&mut conn, sql, row![now, TURNS_MAX]).await? {
                let key = row.id(0)?;
                let keys = [Cell::from(key)];
                match one(self.consents(&mut conn, "c.consent_key IN", &keys).await)? {
                    Some(consent) => page.consents.push((consent, Timestamp(row.int(1)?))),
                    None => page.closed.push((TurnTable::Consent, key)),
                }
            }
            Ok(page)
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// Notes what a look came to, in the order of the page; who has turned is decided again.
    ///
    /// # Errors
    /// When the database fails; the page is looked at again.
    pub async fn turned(
        &self,
        page: TurnPage,
        (facts, consents): (Vec<Turn>, Vec<Turn>),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let of_fact = |((fact, _), turn): (&(StoredFact, Timestamp), Turn)| Done {
            table: TurnTable::Fact,
            key: self.fact_key(&fact.partner, &fact.fact_id),
            revision: Some(fact.revision),
            turn,
        };
        let of_consent = |((consent, _), turn): (&(StoredConsent, Timestamp), Turn)| Done {
            table: TurnTable::Consent,
            key: self.consent_key(&consent.partner, &consent.consent_id),
            revision: Some(consent.revision),
            turn,
        };
        let closed = page.closed.iter().map(|(table, key)| Done {
            table: *table,
            key: *key,
            revision: None,
            turn: Turn::default(),
        });
        let facts = page.facts.iter().zip(facts).map(of_fact);
        let consents = page.consents.iter().zip(consents).map(of_consent);
        let done: Vec<Done> = facts.chain(consents).chain(closed).collect();
        self.write("turned", (done, now), |tx, (done, now)| {
            Box::pin(turn(tx, done, *now))
        })
        .await
    }
}

/// The one row asked for; none when it is damaged, because nothing else must wait for it.
fn one<T>(opened: Result<Vec<T>, Fault>) -> Result<Option<T>, Fault> {
    match opened {
        Ok(rows) => Ok(rows.into_iter().next()),
        Err(Fault::Damaged(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn turn(tx: &mut Tx, done: &[Done], now: Timestamp) -> Result<(), Fault> {
    for one in done {
        let sql = match one.table {
            TurnTable::Fact => {
                "UPDATE fact SET turns_at = ?2, turned_to = ?3 WHERE fact_key = ?1 \
                 AND (?4 IS NULL OR revision = ?4) RETURNING subject, household"
            }
            TurnTable::Consent => {
                "UPDATE consent SET turns_at = ?2, turned_to = ?3 WHERE consent_key = ?1 \
                 AND (?4 IS NULL OR revision = ?4) RETURNING subject, registry_id"
            }
        };
        let revision = one.revision.map(i64::from);
        let cells = row![one.key, one.turn.next, now, revision];
        let Some(row) = first(&mut tx.conn, sql, cells).await? else {
            // It was changed meanwhile: it is looked at again as it stands now.
            continue;
        };
        if let Some(audience) = &one.turn.audience {
            let of = (RegistryId(row.id(1)?), PersonId(row.id(0)?));
            audience::write(tx, of, audience).await?;
        }
        if one.turn.turned {
            let of_household = one.table == TurnTable::Fact && row.int(1)? == 1;
            follow(tx, (PersonId(row.id(0)?), of_household), one).await?;
        }
    }
    Ok(())
}

/// What follows of a turn for the person it is of.
async fn follow(
    tx: &mut Tx,
    (subject, of_household): (PersonId, bool),
    done: &Done,
) -> Result<(), Fault> {
    raise_epoch(tx, subject).await?;
    reevaluate(tx, subject).await?;
    if done.table == TurnTable::Fact {
        answered(tx, subject).await?;
    }
    let recall = done.turn.recall.map(|(reason, at)| Happened {
        reason,
        at,
        since: None,
    });
    if let Some(happened) = &recall {
        look_again(tx, subject, happened).await?;
    }
    if of_household {
        whereabouts::housemates(tx, subject, recall.as_ref()).await?;
    }
    Ok(())
}

/// Has every fact and consent looked at again: how long facts hold, and who may know of consents,
/// may be another under other rules. What was minded stays minded.
pub(super) async fn look_at_all(tx: &mut Tx) -> Result<(), Fault> {
    for sql in [
        "UPDATE fact SET turns_at = 0",
        "UPDATE consent SET turns_at = 0",
    ] {
        run(&mut tx.conn, sql, []).await?;
    }
    Ok(())
}
