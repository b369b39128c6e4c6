//! Two persons that turn out to be one: joined by a human, and parted again by one.
//!
//! Joining moves what is counted to a person and forgets nothing: every row that moves keeps whose
//! it was, and what comes in while the two are joined is written with the person its identifiers
//! were made known for. Parting gives each its own back. It must never lessen what protects
//! somebody: whereabouts that are protected stay so for both.

use super::consent::{raise_epoch, reevaluate};
use super::model::{OperatorAct, Resolved, StoreError};
use super::prepare::Meta;
use super::recall::{Happened, look_again};
use super::sql::{Cell, Columns as _, Fault, first, row, run, run_made};
use super::writer::Tx;
use super::{Store, identity, open, operator, whereabouts};
use crate::base::clock::Timestamp;
use crate::base::digest::unhex;
use crate::base::id::*;
use crate::base::vocabulary::RecallReason;
use crate::ledger::entry::{EntryKind, Fields};
use std::sync::Arc;

impl Store {
    /// Joins two known persons on an operator's word: all of `other` counts to `keep`.
    ///
    /// # Errors
    /// When the database fails; the persons are apart then.
    pub async fn join_persons(
        &self,
        (keep, other): (PersonId, PersonId),
        act: OperatorAct,
    ) -> Result<Resolved, StoreError> {
        let data = (keep, other, act);
        self.write("join_persons", data, |tx, (keep, other, act)| {
            Box::pin(join_known(tx, (*keep, *other), act))
        })
        .await
    }

    /// Takes back that a person was joined with another one. What came in on identifiers of both
    /// stays with the one that was kept.
    ///
    /// # Errors
    /// When the database fails; the persons are joined then.
    pub async fn part_persons(
        &self,
        other: PersonId,
        act: OperatorAct,
    ) -> Result<Resolved, StoreError> {
        self.write("part_persons", (other, act), |tx, (other, act)| {
            Box::pin(part(tx, *other, act))
        })
        .await
    }
}

/// Joins the persons that the identifiers of each of the record's persons lead to. Whether any
/// person of the record is known better now.
pub(super) async fn persons_of(
    tx: &mut Tx,
    row_id: [u8; 16],
    act: &OperatorAct,
) -> Result<bool, Fault> {
    let meta = open_meta(tx, &row_id).await?;
    let mut known = false;
    for (ordinal, person) in meta.head.persons.iter().enumerate() {
        let keys: Vec<Cell> = person
            .identifiers
            .iter()
            .filter_map(|hex| unhex(hex))
            .map(Cell::from)
            .collect();
        let found = identity::led_to(&mut tx.conn, &meta.partner, &keys).await?;
        let Some((keep, others)) = found.split_first() else {
            continue;
        };
        for other in others {
            join(tx, (*keep, *other), act).await?;
            known = true;
        }
        let sql = "SELECT person FROM record_person WHERE row_id = ? AND ordinal = ?";
        if let Some(stand_in) = first(&mut tx.conn, sql, row![row_id, ordinal]).await? {
            let stand_in = stand_in.id(0)?;
            // They may have been joined over another record since this one was held.
            known |= stand_in != *keep;
            whereabouts::joined(tx, (*keep, stand_in)).await?;
        }
        let sql = "UPDATE record_person SET person = ? WHERE row_id = ? AND ordinal = ?";
        run(&mut tx.conn, sql, row![*keep, row_id, ordinal]).await?;
    }
    Ok(known)
}

/// `Unfit` where they are one already, or one is of test traffic and the other is not.
async fn join_known(
    tx: &mut Tx,
    (keep, other): (PersonId, PersonId),
    act: &OperatorAct,
) -> Result<Resolved, Fault> {
    let sql = "SELECT count(*), count(DISTINCT test) FROM person WHERE person IN (?, ?)";
    let found = first(&mut tx.conn, sql, row![keep.0, other.0]).await?;
    let found = found.ok_or(Fault::Damaged("a count"))?;
    let keep = identity::counts_to(&mut tx.conn, keep).await?;
    let other = identity::counts_to(&mut tx.conn, other).await?;
    if found.int(0)? < 2 && keep != other {
        return Ok(Resolved::Unknown);
    }
    if found.int(1)? != 1 || keep == other {
        return Ok(Resolved::Unfit);
    }
    join(tx, (keep.0, other.0), act).await?;
    operator::append(tx, act, ("persons-joined", &other.to_string()));
    Ok(Resolved::Done)
}

/// Everything of `other` counts to `keep`; both epochs rise, withheld deliveries are decided again.
async fn join(
    tx: &mut Tx,
    (keep, other): ([u8; 16], [u8; 16]),
    act: &OperatorAct,
) -> Result<(), Fault> {
    for sql in [
        "UPDATE person_identifier SET own = coalesce(own, ?2), person = ?1 WHERE person = ?2",
        "UPDATE record_person SET own = coalesce(own, ?2), person = ?1 WHERE person = ?2",
        "UPDATE consent SET own = coalesce(own, ?2), subject = ?1 WHERE subject = ?2",
        "UPDATE consent_audience SET subject = ?1 WHERE subject = ?2",
        "UPDATE fact SET own = coalesce(own, ?2), subject = ?1 WHERE subject = ?2",
        "UPDATE OR IGNORE person_disclosure SET own = coalesce(own, ?2), person = ?1 \
         WHERE person = ?2",
        "UPDATE person SET merged_into = ?1, consent_epoch = consent_epoch + 1 WHERE person = ?2",
    ] {
        run(&mut tx.conn, sql, row![keep, other]).await?;
    }
    let sql = "INSERT INTO person_join (other, joined_at, kept, joined_by) VALUES (?, ?, ?, ?) \
               ON CONFLICT DO UPDATE SET kept = excluded.kept, joined_by = excluded.joined_by, \
               parted_at = NULL, parted_by = NULL";
    let cells = row![other, act.at, keep, act.operator.as_str()];
    run(&mut tx.conn, sql, cells).await?;
    whereabouts::joined(tx, (keep, other)).await?;
    let keep = PersonId(keep);
    raise_epoch(tx, keep).await?;
    reevaluate(tx, keep).await?;
    told(tx, act, ("joined", keep, PersonId(other)));
    Ok(())
}

/// The persons that were joined into one, itself included: bound as `?1`.
const JOINED_INTO: &str = "WITH RECURSIVE mine (person) AS (SELECT ?1 UNION \
     SELECT p.person FROM person p JOIN mine ON p.merged_into = mine.person)";

/// What goes back to a person from the one it counts to: `?1` from `?2`. Disclosures first: which
/// are its own follows from its records.
const GOES_BACK: [&str; 7] = [
    "UPDATE OR IGNORE person_disclosure SET own = nullif(coalesce(own, ?1), ?1), person = ?1 \
     WHERE person = ?2 AND (own IN mine OR own IS NULL AND EXISTS (SELECT 1 FROM record_person r \
     WHERE r.own IN mine AND r.person = ?2 AND r.row_id = coalesce(\
     (SELECT d.row_id FROM delivery d WHERE d.delivery_id = person_disclosure.disclosure_id), \
     (SELECT e.row_id FROM extract_record e \
     WHERE e.disclosure_id = person_disclosure.disclosure_id), \
     (SELECT g.row_id FROM emergency_disclosure g \
     WHERE g.disclosure_id = person_disclosure.disclosure_id))))",
    "UPDATE record_person SET own = nullif(own, ?1), person = ?1 WHERE own IN mine AND person = ?2",
    "UPDATE person_identifier SET own = nullif(own, ?1), person = ?1 \
     WHERE own IN mine AND person = ?2",
    "UPDATE consent SET own = nullif(own, ?1), subject = ?1 WHERE own IN mine AND subject = ?2",
    "UPDATE consent_audience SET subject = ?1 WHERE subject = ?2 AND registry_id IN \
     (SELECT c.registry_id FROM consent c WHERE c.subject = ?1)",
    "UPDATE fact SET own = nullif(own, ?1), subject = ?1 WHERE own IN mine AND subject = ?2",
    "UPDATE person SET merged_into = NULL, consent_epoch = consent_epoch + 1 \
     WHERE person = ?1 AND ?2 IS NOT NULL",
];

async fn part(tx: &mut Tx, other: PersonId, act: &OperatorAct) -> Result<Resolved, Fault> {
    let keep = identity::counts_to(&mut tx.conn, other).await?;
    if keep == other {
        return Ok(Resolved::Unknown);
    }
    whereabouts::joined(tx, (other.0, keep.0)).await?;
    for sql in GOES_BACK {
        let sql = format!("{JOINED_INTO} {sql}");
        run_made(&mut tx.conn, &sql, row![other.0, keep.0]).await?;
    }
    let sql = "SELECT max(joined_at) FROM person_join WHERE other = ? AND parted_at IS NULL";
    let joined = first(&mut tx.conn, sql, row![other.0]).await?;
    let joined_at = joined.map(|row| row.int_or_null(0)).transpose()?.flatten();
    let joined_at = joined_at.map(Timestamp);
    let sql = "UPDATE person_join SET parted_at = ?2, parted_by = ?3 \
               WHERE other = ?1 AND parted_at IS NULL";
    run(
        &mut tx.conn,
        sql,
        row![other.0, act.at, act.operator.as_str()],
    )
    .await?;
    raise_epoch(tx, keep).await?;
    for person in [keep, other] {
        reevaluate(tx, person).await?;
    }
    // Whatever was released of the one while it was taken for the other; and of the other what the
    // consents of both had opened.
    for (person, since) in [(other, joined_at), (keep, None)] {
        let happened = Happened {
            reason: RecallReason::IdentityCorrected,
            at: act.at,
            since,
        };
        look_again(tx, person, &happened).await?;
    }
    told(tx, act, ("parted", keep, other));
    operator::append(tx, act, ("persons-parted", &other.to_string()));
    Ok(Resolved::Done)
}

fn told(tx: &mut Tx, act: &OperatorAct, (change, keep, other): (&str, PersonId, PersonId)) {
    let fields = Fields::new()
        .text("change", change)
        .text("person", &keep.to_string())
        .text("other", &other.to_string())
        .text("operator", &act.operator);
    tx.append(EntryKind::Identity, act.at, &fields);
}

/// A held record's head, and whose record it is.
struct Held {
    partner: PartnerId,
    head: Meta,
}

async fn open_meta(tx: &mut Tx, row_id: &[u8; 16]) -> Result<Held, Fault> {
    let sql = "SELECT v.content, v.meta, k.partner, k.key_id, k.wrapped FROM record_version v \
               JOIN record_key k ON k.row_id = v.row_id WHERE v.row_id = ?";
    let found = first(&mut tx.conn, sql, row![*row_id]).await?;
    let found = found.ok_or(Fault::Damaged("a held record is missing"))?;
    let keys = Arc::clone(&tx.keys);
    let partner = PartnerId::new(&found.text(2)?);
    open::load_partner_key(&mut tx.conn, &keys, &partner, found.int(3)?).await?;
    let key = open::data_key(&keys, &partner, found.int(3)?, &found.blob(4)?)?;
    let head = open::meta(&key, row_id, &found.digest(0)?, &found.blob(1)?)?;
    Ok(Held { partner, head })
}
