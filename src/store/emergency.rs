//! The emergency door: what is on file about a person, and what was given, to whom and why.
//!
//! Nothing is given that was not committed before: declaration, decisions, disclosures, entries of
//! the ledger, notices and the review that is due stand in one transaction. What was declared is
//! sealed; nobody hears of another source's records.

use super::authorise::{decision_insert, decision_row, disclosure_insert};
use super::consent::{self, Spent, User};
use super::decision::{self, SealedDecision};
use super::keys::{Domain, Keys, Place};
use super::model::{
    DecisionRecord, EmergencyAnswer, EmergencyAsk, EmergencyCursor, EmergencyPage, EmergencyRow,
    EmergencyTold, HoldCause, NewEmergency, NewWorkItem, RowRef, StoreError,
};
use super::route::{WorkOf, work_insert, work_row};
use super::sql::{Cell, Columns as _, Fault, Insert, all, first, for_keys, row, run};
use super::writer::{Tx, failed};
use super::{Store, epochs, identity, open};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::sensitive::{Reason, Sensitive};
use crate::ledger::entry::{EntryKind, Fields};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::{HashMap, HashSet};

/// One answer, sealed.
struct Asked {
    new: NewEmergency,
    declaration: Vec<u8>,
    /// What the ledger says of it.
    commitment: Digest,
    /// Keys of the consents for one disclosure that it uses up.
    spends: Vec<[u8; 16]>,
    given: Vec<Sealed>,
}

/// One record of it, sealed.
struct Sealed {
    disclosure_id: DisclosureId,
    record_id: RecordId,
    row: RowRef,
    source: PartnerId,
    decision: SealedDecision,
    output: Digest,
}

impl Store {
    /// The newest versions of records of some types that speak of a person, newest first: not
    /// withdrawn, not held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn emergency_records(
        &self,
        ask: EmergencyAsk<'_>,
    ) -> Result<EmergencyPage, StoreError> {
        const NAME: &str = "emergency_records";
        let mut conn = self.reader(NAME).await?;
        let found = records(&mut conn, &self.inner.keys, &ask).await;
        found.map_err(|fault| failed(NAME, &fault))
    }

    /// Commits an answer; only `Go` lets it be given.
    ///
    /// # Errors
    /// When the database fails; nothing may be given then.
    pub async fn authorise_emergency(
        &self,
        new: NewEmergency,
    ) -> Result<EmergencyAnswer, StoreError> {
        const NAME: &str = "authorise_emergency";
        let spends = new.spends.iter();
        let spends = spends.map(|(lodger, id)| self.consent_key(lodger, id));
        let spends = spends.collect();
        let asked = seal(&self.inner.keys, new, spends).map_err(|fault| failed(NAME, &fault))?;
        self.write(NAME, asked, |tx, asked| Box::pin(authorise(tx, asked)))
            .await
    }

    /// What was declared with a request; `None` when there is none of that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn emergency(&self, id: EmergencyId) -> Result<Option<EmergencyTold>, StoreError> {
        const NAME: &str = "emergency";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let sql = "SELECT emergency_id, requester, purpose, at, request \
                       FROM emergency_access WHERE emergency_id = ?";
            let found = first(&mut conn, sql, row![id.0]).await?;
            found.map(|row| told(&self.inner.keys, &row, 0)).transpose()
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}

impl Store {
    /// What a request was answered with, record by record.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn emergency_given(
        &self,
        id: EmergencyId,
    ) -> Result<Vec<(RecordId, DecisionRecord)>, StoreError> {
        const NAME: &str = "emergency_given";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let sql = "SELECT g.disclosure_id, g.record_id, c.body FROM emergency_disclosure g \
                       JOIN decision c ON c.source_id = g.disclosure_id AND c.token = 0 \
                       WHERE g.emergency_id = ? ORDER BY g.record_id";
            let rows = all(&mut conn, sql, row![id.0]).await?;
            let read = rows.iter().map(|row| {
                let decision = decision::open(&self.inner.keys, &row.id(0)?, &row.blob(2)?)?;
                Ok((RecordId(row.id(1)?), decision))
            });
            read.collect::<Result<Vec<_>, Fault>>()
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}

/// Of which record in answer to which request; the accounting knows a disclosure by it.
fn disclosure_id(id: EmergencyId, record_id: RecordId) -> DisclosureId {
    let parts: [&[u8]; 2] = [&id.0, &record_id.0];
    DisclosureId(Digest::of_parts(&parts).half())
}

fn place(id: &EmergencyId) -> Place<'_> {
    Place {
        table: "emergency_access",
        row: &id.0,
        version: &[],
        column: "request",
    }
}

fn seal(keys: &Keys, new: NewEmergency, spends: Vec<[u8; 16]>) -> Result<Asked, Fault> {
    let id = new.emergency_id;
    let key = keys.of_row(&id.0)?;
    let plain = new.declaration.expose(Reason::Seal);
    let declaration = key.seal(&place(&id), plain)?;
    let commitment = key.commit(&Digest::of(plain));
    let given = new.given.iter().map(|given| {
        let disclosure_id = disclosure_id(id, given.record_id);
        let parts: [&[u8]; 2] = [&disclosure_id.0, &given.output.0];
        Ok(Sealed {
            disclosure_id,
            record_id: given.record_id,
            row: given.row,
            source: given.source.clone(),
            decision: decision::seal(keys, &disclosure_id.0, &given.decision)?,
            output: keys.blind_bytes(Domain::Output, &parts),
        })
    });
    let given = given.collect::<Result<Vec<_>, Fault>>()?;
    Ok(Asked {
        new,
        declaration,
        commitment,
        spends,
        given,
    })
}

/// A row of (id, requester, purpose, at, request) from a column on.
pub(super) fn told(keys: &Keys, row: &SqliteRow, from: usize) -> Result<EmergencyTold, Fault> {
    let id = EmergencyId(row.id(from)?);
    let plain = keys.open_of_row(&place(&id), &row.blob(from + 4)?)?;
    Ok(EmergencyTold {
        emergency_id: id,
        requester: PartnerId::new(&row.text(from + 1)?),
        purpose: row.text(from + 2)?,
        at: Timestamp(row.int(from + 3)?),
        declaration: Sensitive::new(plain),
    })
}

const RECORDS: &str = "SELECT DISTINCT n.row_id, n.received_at FROM newest_of_person n \
     WHERE n.person = ? AND n.test = ? \
     AND n.record_type IN (SELECT value FROM json_each(?)) \
     AND n.held_until <= (SELECT coalesce(max(position) + 1, 0) FROM ledger_entry) \
     AND (n.received_at, n.row_id) < (?, ?) \
     ORDER BY n.received_at DESC, n.row_id DESC LIMIT ?";

async fn records(
    conn: &mut SqliteConnection,
    keys: &Keys,
    ask: &EmergencyAsk<'_>,
) -> Result<EmergencyPage, Fault> {
    let person = identity::counts_to(conn, ask.person).await?;
    let types: Vec<&str> = ask.record_types.iter().map(RecordType::as_str).collect();
    let types = serde_json::to_string(&types).map_err(|_| Fault::Damaged("a list of types"))?;
    let (at, id) = match ask.after {
        Some(after) => (after.received_at.0, after.row.0),
        None => (i64::MAX, [u8::MAX; 16]),
    };
    let cells = row![person.0, ask.test, types, at, id, ask.limit];
    let found = all(conn, RECORDS, cells).await?;
    let ids = found.iter().map(|row| row.id(0));
    let ids = ids.collect::<Result<Vec<[u8; 16]>, Fault>>()?;
    // One that cannot be opened is left out, and the page goes on behind it all the same.
    let last = found.last().filter(|_| found.len() >= ask.limit);
    let next = last.map(|row| {
        Ok::<_, Fault>(EmergencyCursor {
            row: RowRef(row.id(0)?),
            received_at: Timestamp(row.int(1)?),
        })
    });
    let opened = open::records(conn, keys, &ids).await?;
    let mut opened: HashMap<[u8; 16], _> = opened
        .into_iter()
        .map(|opened| (opened.row_id, opened.record))
        .collect();
    let in_order = ids.into_iter().filter_map(|id| {
        let record = opened.remove(&id)?;
        let row = RowRef(id);
        Some(EmergencyRow { row, record })
    });
    Ok(EmergencyPage {
        rows: in_order.collect(),
        next: next.transpose()?,
    })
}

async fn authorise(tx: &mut Tx, asked: &Asked) -> Result<EmergencyAnswer, Fault> {
    if !epochs::unchanged(&mut tx.conn, &asked.new.epochs).await?
        || !all_stand(tx, &asked.given).await?
    {
        return Ok(EmergencyAnswer::Changed);
    }
    let now = tx.now();
    let user = User::Emergency(asked.new.emergency_id);
    if consent::spend(tx, &asked.spends, (user, now)).await? == Spent::ByAnother {
        return Ok(EmergencyAnswer::Changed);
    }
    insert(tx, asked, now).await?;
    let mut decisions = decision_insert();
    let mut disclosures = disclosure_insert();
    let mut records = Insert::new(
        "INSERT INTO emergency_disclosure (disclosure_id, emergency_id, record_id, row_id, \
         output) VALUES",
        "",
    );
    for given in &asked.given {
        let id = given.disclosure_id.0;
        decisions.push(decision_row((&id, 0), &given.decision, true));
        records.push(row![
            id,
            asked.new.emergency_id.0,
            given.record_id.0,
            given.row.0,
            given.output,
        ]);
        for person in given.decision.disclosed.iter().filter(|_| !asked.new.test) {
            disclosures.push(row![person.0, now, id, 2_i64, 0_i64]);
        }
        append_given(tx, &asked.new, given, now);
    }
    decisions.run(&mut tx.conn).await?;
    records.run(&mut tx.conn).await?;
    disclosures.run(&mut tx.conn).await?;
    raise(tx, asked, now).await?;
    Ok(EmergencyAnswer::Go)
}

/// Whether each record still is as it was decided: not replaced by its sender, not withdrawn.
async fn all_stand(tx: &mut Tx, given: &[Sealed]) -> Result<bool, Fault> {
    let keys: Vec<Cell> = given.iter().map(|given| Cell::from(given.row.0)).collect();
    let head = "SELECT v.row_id FROM record_version v JOIN record r \
                ON r.record_id = v.record_id AND r.current_row = v.row_id \
                WHERE v.void = 0 AND v.row_id IN";
    let found = for_keys(&mut tx.conn, head, "", &[], &keys).await?;
    let standing = found.iter().map(|row| row.id(0));
    let standing = standing.collect::<Result<HashSet<[u8; 16]>, Fault>>()?;
    Ok(given.iter().all(|given| standing.contains(&given.row.0)))
}

async fn insert(tx: &mut Tx, asked: &Asked, now: Timestamp) -> Result<(), Fault> {
    let new = &asked.new;
    let sql = "INSERT INTO emergency_access (emergency_id, requester, channel, purpose, test, at, \
               received_month, rule_set, correlation_id, request) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let cells = row![
        new.emergency_id.0,
        new.requester.as_str(),
        new.channel.as_str(),
        new.purpose.as_str(),
        new.test,
        now,
        now.month(),
        new.rule_set.as_str(),
        new.correlation_id.as_str(),
        asked.declaration.as_slice(),
    ];
    run(&mut tx.conn, sql, cells).await?;
    let fields = Fields::new()
        .text("emergency", &new.emergency_id.to_string())
        .text("requester", new.requester.as_str())
        .text("channel", new.channel.as_str())
        .text("purpose", &new.purpose)
        .int("test", i64::from(new.test))
        .text("rule_set", new.rule_set.as_str())
        .text("correlation", new.correlation_id.as_str())
        .int(
            "given",
            i64::try_from(asked.given.len()).unwrap_or(i64::MAX),
        )
        .digest("declaration", &asked.commitment)
        .digest("sealed", &Digest::of(&asked.declaration));
    tx.append(EntryKind::Emergency, now, &fields);
    Ok(())
}

/// One entry for each record, so that the accounting can be held against the ledger.
fn append_given(tx: &mut Tx, new: &NewEmergency, given: &Sealed, now: Timestamp) {
    let disclosed = match new.test {
        true => 0,
        false => given.decision.disclosed.len(),
    };
    let fields = Fields::new()
        .text("emergency", &new.emergency_id.to_string())
        .text("disclosure", &given.disclosure_id.to_string())
        .text("record", &given.record_id.to_string())
        .text("partner", new.requester.as_str())
        .text("channel", new.channel.as_str())
        .text("purpose", &new.purpose)
        .text("rule_set", given.decision.rule_set.as_str())
        .int("test", i64::from(new.test))
        .int("disclosed", i64::try_from(disclosed).unwrap_or(i64::MAX))
        .digest("decision", &given.decision.commitment)
        .digest("sealed", &given.decision.sealed)
        .digest("output", &given.output);
    tx.append(EntryKind::Emergency, now, &fields);
}

/// Who is told of it: the officers of every request, the source of each record that was given; and
/// the review, where anything was.
async fn raise(tx: &mut Tx, asked: &Asked, now: Timestamp) -> Result<(), Fault> {
    let new = &asked.new;
    let mut items = work_insert();
    let mut push = |item: NewWorkItem, (partner, given): (&PartnerId, Option<&Sealed>)| {
        let of = WorkOf {
            record_id: given.map(|given| given.record_id),
            row_id: given.map(|given| given.row.0),
            emergency_id: Some(new.emergency_id),
            ..WorkOf::partner(partner, new.test)
        };
        items.push(work_row(&item, &of, now));
    };
    let mut counts = format!("given {}, held {}", asked.given.len(), new.held);
    for (so, word) in [
        (new.truncated, ", more may go than one answer holds"),
        (new.unread, ", older ones not looked at"),
    ] {
        counts.push_str(if so { word } else { "" });
    }
    let told = NewWorkItem {
        detail: counts,
        ..NewWorkItem::plain(HoldCause::EmergencyAccess)
    };
    push(told, (&new.requester, None));
    if !asked.given.is_empty() {
        let review = NewWorkItem {
            due_at: Some(new.review_due),
            ..NewWorkItem::plain(HoldCause::ReviewAfter)
        };
        push(review, (&new.requester, None));
    }
    for given in &asked.given {
        let notice = NewWorkItem::plain(HoldCause::EmergencyNotice);
        push(notice, (&given.source, Some(given)));
    }
    items.run(&mut tx.conn).await
}
