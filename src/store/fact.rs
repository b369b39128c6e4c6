//! Facts: immutable revisions, the person's epoch, and withheld deliveries decided again.
//!
//! Every change raises the epoch of the person in the same transaction, so that no decision taken
//! before it can still be authorised. What a fact says is sealed and never read here.

use super::consent::{raise_epoch, reevaluate};
use super::keys::Domain;
use super::model::{FactChange, FactStep, HoldCause, NewFact, StoreError, StoredFact};
use super::recall::{Happened, look_again};
use super::sealed::{self, Sealed};
use super::sql::{Cell, Columns as _, Fault, first, for_keys, row, run};
use super::stage::cause_word;
use super::writer::{Tx, failed};
use super::{Store, identity, whereabouts};
use crate::base::clock::Timestamp;
use crate::base::digest::{Digest, hex};
use crate::base::id::*;
use crate::base::limits::FACTS_OF_ASSERTER_MAX;
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::RecallReason;
use crate::ledger::entry::{EntryKind, Fields};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

const TABLE: &str = "fact_revision";

/// Facts in their newest revision.
const NEWEST: &str = "SELECT f.asserter, f.subject, r.revision, r.row_id, r.entered_at, \
     r.ended_at, r.key_id, r.wrapped, r.body FROM fact f JOIN fact_revision r \
     ON r.fact_key = f.fact_key AND r.revision = f.revision WHERE";

/// Facts in the revision that was the newest before an instant. What an asserter said in test
/// traffic before it went live was of nobody real.
const BEFORE: &str = "SELECT f.asserter, f.subject, r.revision, r.row_id, r.entered_at, \
     r.ended_at, r.key_id, r.wrapped, r.body FROM fact f JOIN fact_revision r \
     ON r.fact_key = f.fact_key AND r.revision = (SELECT max(n.revision) FROM fact_revision n \
     WHERE n.fact_key = f.fact_key AND n.entered_at < ?) \
     JOIN person p ON p.person = f.subject JOIN person o ON o.person = r.subject \
     WHERE p.test = o.test AND";

/// What is sealed: the asserter's id of the fact and its body.
#[derive(serde::Serialize, serde::Deserialize)]
struct Body {
    id: FactId,
    fact: String,
}

/// A revision ready for the writer.
struct Entered {
    key: [u8; 16],
    asserter: PartnerId,
    subject: PersonId,
    of_household: bool,
    step: FactStep,
    after: Option<u32>,
    at: Timestamp,
    ended_at: Option<Timestamp>,
    sealed: Sealed,
    correlation_id: CorrelationId,
}

impl Store {
    /// Keeps a fact or a new revision of it.
    ///
    /// # Errors
    /// When the database fails; nothing has changed then.
    pub async fn put_fact(&self, fact: NewFact) -> Result<FactChange, StoreError> {
        const NAME: &str = "put_fact";
        let partner_key = self.partner_key(&fact.partner).await?;
        let seal = || {
            let text = String::from_utf8(fact.body.expose(Reason::Seal).clone())
                .map_err(|_| Fault::Damaged("a fact is not text"))?;
            let plain = serde_json::to_vec(&Body {
                id: fact.fact_id.clone(),
                fact: text,
            });
            let plain = plain.map_err(|_| Fault::Damaged("a fact"))?;
            sealed::seal(TABLE, &partner_key, fact.at, &plain)
        };
        let entered = Entered {
            key: self.fact_key(&fact.partner, &fact.fact_id),
            sealed: seal().map_err(|fault| failed(NAME, &fault))?,
            asserter: fact.partner,
            subject: fact.subject,
            of_household: fact.of_household,
            step: fact.step,
            after: fact.after,
            at: fact.at,
            ended_at: fact.ended_at,
            correlation_id: fact.correlation_id,
        };
        self.write(NAME, entered, |tx, entered| Box::pin(enter(tx, entered)))
            .await
    }

    /// An asserter's fact, its newest revision. Another asserter's is unknown.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get_fact(
        &self,
        partner: &PartnerId,
        fact_id: &FactId,
    ) -> Result<Option<StoredFact>, StoreError> {
        const NAME: &str = "get_fact";
        let keys = [Cell::from(self.fact_key(partner, fact_id))];
        let mut conn = self.reader(NAME).await?;
        let found = self.facts(&mut conn, "f.fact_key IN", &keys).await;
        let found = found.map_err(|fault| failed(NAME, &fault))?;
        Ok(found.into_iter().next())
    }

    /// All facts of these persons, ended ones too, newest revisions, in the order of entering.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn facts_of(&self, persons: &[PersonId]) -> Result<Vec<StoredFact>, StoreError> {
        const NAME: &str = "facts_of";
        let keys: Vec<Cell> = persons.iter().map(|p| Cell::from(p.0)).collect();
        let mut conn = self.reader(NAME).await?;
        let found = self.facts(&mut conn, "f.subject IN", &keys);
        found.await.map_err(|fault| failed(NAME, &fault))
    }

    /// The facts one partner asserted of these persons, as [`Store::facts_of`]. What others assert
    /// costs it nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn facts_by(
        &self,
        asserter: &PartnerId,
        persons: &[PersonId],
    ) -> Result<Vec<StoredFact>, StoreError> {
        const NAME: &str = "facts_by";
        let keys: Vec<Cell> = persons.iter().map(|p| Cell::from(p.0)).collect();
        let head = format!("{NEWEST} f.asserter = ? AND f.subject IN");
        let own = [Cell::from(asserter.as_str())];
        let mut conn = self.reader(NAME).await?;
        let found = self.facts_where(&mut conn, (&head, &own), &keys);
        found.await.map_err(|fault| failed(NAME, &fault))
    }

    /// The same as they stood before an instant: what was entered from then on had not been said.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn facts_before(
        &self,
        persons: &[PersonId],
        at: Timestamp,
    ) -> Result<Vec<StoredFact>, StoreError> {
        const NAME: &str = "facts_before";
        let keys: Vec<Cell> = persons.iter().map(|p| Cell::from(p.0)).collect();
        let mut conn = self.reader(NAME).await?;
        let (head, at) = (format!("{BEFORE} f.subject IN"), [Cell::from(at)]);
        let found = self.facts_where(&mut conn, (&head, &at), &keys);
        found.await.map_err(|fault| failed(NAME, &fault))
    }

    pub(super) fn fact_key(&self, partner: &PartnerId, fact_id: &FactId) -> [u8; 16] {
        let parts = [partner.as_str(), fact_id.as_str()];
        self.inner.keys.blind(Domain::Fact, &parts)
    }

    pub(super) async fn facts(
        &self,
        conn: &mut SqliteConnection,
        condition: &str,
        keys: &[Cell],
    ) -> Result<Vec<StoredFact>, Fault> {
        let head = format!("{NEWEST} {condition}");
        self.facts_where(conn, (&head, &[]), keys).await
    }

    async fn facts_where(
        &self,
        conn: &mut SqliteConnection,
        (head, first): (&str, &[Cell]),
        keys: &[Cell],
    ) -> Result<Vec<StoredFact>, Fault> {
        let mut out = Vec::new();
        for row in for_keys(conn, head, "", first, keys).await? {
            out.push(self.open_fact(conn, &row).await?);
        }
        out.sort_by(|one: &StoredFact, other| {
            let key = |fact: &StoredFact| (fact.entered_at, fact.partner.clone());
            key(one)
                .cmp(&key(other))
                .then_with(|| one.fact_id.cmp(&other.fact_id))
        });
        Ok(out)
    }

    async fn open_fact(
        &self,
        conn: &mut SqliteConnection,
        row: &SqliteRow,
    ) -> Result<StoredFact, Fault> {
        let partner = PartnerId::new(&row.text(0)?);
        let revision = Sealed {
            row_id: row.id(3)?,
            key_id: row.int(6)?,
            wrapped: row.blob(7)?,
            body: row.blob(8)?,
        };
        let keys = &self.inner.keys;
        let plain = sealed::open(conn, keys, (TABLE, &partner), &revision).await?;
        let body: Body = serde_json::from_slice(&plain).map_err(|_| Fault::Damaged("a fact"))?;
        Ok(StoredFact {
            fact_id: body.id,
            partner,
            subject: PersonId(row.id(1)?),
            revision: number(row.int(2)?)?,
            entered_at: Timestamp(row.int(4)?),
            ended_at: row.int_or_null(5)?.map(Timestamp),
            body: Sensitive::new(body.fact.into_bytes()),
        })
    }
}

fn number(revision: i64) -> Result<u32, Fault> {
    u32::try_from(revision).map_err(|_| Fault::Damaged("a revision"))
}

async fn enter(tx: &mut Tx, entered: &Entered) -> Result<FactChange, Fault> {
    let subject = identity::counts_to(&mut tx.conn, entered.subject).await?;
    let sql = "SELECT f.subject, f.revision, r.ended_at IS NOT NULL, p.test, f.household \
               FROM fact f JOIN person p ON p.person = f.subject JOIN fact_revision r \
               ON r.fact_key = f.fact_key AND r.revision = f.revision WHERE f.fact_key = ?";
    let known = first(&mut tx.conn, sql, row![entered.key]).await?;
    let revision = match &known {
        // An asserter that went live asserts its facts again, of real persons now.
        Some(row) if row.id(0)? != subject.0 && row.int(3)? == 0 => {
            return Ok(FactChange::OtherSubject);
        }
        Some(row) if row.id(0)? == subject.0 && row.int(2)? == 1 => return Ok(FactChange::Ended),
        Some(row) => row.int(1)?,
        // By one asserter alone: nobody keeps others from asserting theirs.
        None if held(tx, (subject, &entered.asserter)).await? >= FACTS_OF_ASSERTER_MAX => {
            return Ok(FactChange::TooMany);
        }
        None => 0,
    };
    if entered.after.map_or(0, i64::from) != revision {
        return Ok(FactChange::Moved);
    }
    let revision = revision.saturating_add(1);
    write_revision(tx, entered, (revision, subject)).await?;
    let epoch = raise_epoch(tx, subject).await?;
    let reevaluated = reevaluate(tx, subject).await?;
    let happened = Happened {
        reason: RecallReason::NoLongerPermitted,
        at: entered.at,
        since: None,
    };
    look_again(tx, subject, &happened).await?;
    answered(tx, subject).await?;
    let did = known.as_ref().map(|row| row.int(4)).transpose()?;
    if entered.of_household || did == Some(1) {
        whereabouts::housemates(tx, subject, Some(&happened)).await?;
    }
    append_change(tx, entered, (revision, epoch));
    Ok(FactChange::Done {
        revision: number(revision)?,
        epoch,
        reevaluated,
    })
}

/// Facts an asserter has of a person, ended ones too.
async fn held(tx: &mut Tx, (person, asserter): (PersonId, &PartnerId)) -> Result<i64, Fault> {
    let sql = "SELECT count(*) FROM fact WHERE subject = ? AND asserter = ?";
    let found = first(&mut tx.conn, sql, row![person.0, asserter.as_str()]).await?;
    found.ok_or(Fault::Damaged("a count"))?.int(0)
}

/// What waited for somebody to say who a recipient is to this person is decided again: whoever was
/// to look need not.
pub(super) async fn answered(tx: &mut Tx, person: PersonId) -> Result<(), Fault> {
    // Found by the person's records: there may be many open items of others.
    let sql = "UPDATE work_item SET state = 1, resolution = 'decided-again', resolved_at = ? \
               WHERE +state = 0 AND cause = ? AND row_id IN (\
               SELECT row_id FROM record_person WHERE person = ?)";
    let cause = cause_word(HoldCause::StandingUnknown);
    let cells = row![tx.now(), cause, person.0];
    run(&mut tx.conn, sql, cells).await.map(drop)
}

async fn write_revision(
    tx: &mut Tx,
    entered: &Entered,
    (revision, person): (i64, PersonId),
) -> Result<(), Fault> {
    let sql = "INSERT INTO fact (fact_key, asserter, subject, revision, own, household) \
               VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (fact_key) DO UPDATE SET \
               household = excluded.household, \
               own = CASE WHEN subject = excluded.subject THEN own ELSE excluded.own END, \
               subject = excluded.subject, revision = excluded.revision, turns_at = 0, \
               turned_to = 0";
    let subject = entered.subject.0;
    let own = (entered.subject != person).then_some(subject);
    let asserter = entered.asserter.as_str();
    let household = i64::from(entered.of_household);
    let cells = row![entered.key, asserter, person.0, revision, own, household];
    run(&mut tx.conn, sql, cells).await?;
    let sql = "INSERT INTO fact_revision (fact_key, revision, row_id, subject, entered_at, \
               ended_at, key_id, wrapped, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let cells = row![
        entered.key,
        revision,
        entered.sealed.row_id,
        subject,
        entered.at,
        entered.ended_at,
        entered.sealed.key_id,
        entered.sealed.wrapped.as_slice(),
        entered.sealed.body.as_slice(),
    ];
    run(&mut tx.conn, sql, cells).await.map(drop)
}

fn append_change(tx: &mut Tx, entered: &Entered, (revision, epoch): (i64, i64)) {
    let fields = Fields::new()
        .text("change", entered.step.as_str())
        .text("asserter", entered.asserter.as_str())
        .text("subject", &entered.subject.to_string())
        .int("revision", revision)
        .int("epoch", epoch)
        .text("row", &hex(&entered.sealed.row_id))
        .digest("sealed", &Digest::of(&entered.sealed.body))
        .text("correlation", entered.correlation_id.as_str());
    let fields = match entered.ended_at {
        Some(at) => fields.int("ended_at", at.0),
        None => fields,
    };
    tx.append(EntryKind::Fact, entered.at, &fields);
}
