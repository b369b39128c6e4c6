//! Recalls: what happened after something was sent, and the notices that follow from it.
//!
//! A request only notes that something happened; workers look at what was sent page by page. The
//! store finds and writes, whoever decides says which are due. A delivery is recalled once, and a
//! notice is made of ids its recipient was given before: nothing else is ever read for it.

use super::claim::state_code;
use super::model::{
    AtTheDoor, Delivered, DeliveryState, NewDelivery, RecallCause, RecallPage, Recalled, StoreError,
};
use super::script::Script;
use super::sql::{Cell, Columns as _, Fault, all_made, first, for_keys, row, run, run_made};
use super::writer::{Tx, failed};
use super::{Store, claim, decision, given, open};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::limits::{RECALL_PAUSE, RECALLS_MAX};
use crate::base::vocabulary::RecallReason;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

mod hand;

pub(super) use hand::instead;

/// Before the first delivery.
const START: [u8; 16] = [0; 16];

impl Store {
    /// Deliveries to look at again, of one thing that happened; `None` when nothing waits. What was
    /// sent longer ago than `look_back` is left alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recalls_due(&self, look_back: Duration) -> Result<Option<RecallPage>, StoreError> {
        const NAME: &str = "recalls_due";
        let mut conn = self.reader(NAME).await?;
        let found = self.due(&mut conn, look_back).await;
        found.map_err(|fault| failed(NAME, &fault))
    }

    /// Ends a page: notes what is recalled, and how.
    ///
    /// # Errors
    /// When the database fails; the page is looked at again.
    pub async fn recall(&self, page: RecallPage, due: Vec<Recalled>) -> Result<(), StoreError> {
        self.write("recall", (page, due), |tx, (page, due)| {
            Box::pin(end_page(tx, page, due))
        })
        .await
    }

    async fn due(
        &self,
        conn: &mut SqliteConnection,
        look_back: Duration,
    ) -> Result<Option<RecallPage>, Fault> {
        let now = self.inner.clock.now();
        let sql = "SELECT subject, reason, at, since, reached FROM recall_due WHERE next_at <= ? \
                   ORDER BY next_at, subject LIMIT 1";
        let Some(cause) = first(conn, sql, row![now]).await? else {
            return Ok(None);
        };
        let since = cause.int_or_null(3)?.map(Timestamp);
        let reached = cause.id(4)?;
        let cause = RecallCause {
            subject: cause.id(0)?,
            reason: reason_of(&cause.text(1)?)?,
            at: Timestamp(cause.int(2)?),
        };
        let oldest = Timestamp(now.0.saturating_sub(micros(look_back)));
        let (sent, given) = match cause.reason {
            RecallReason::Voided => (SENT_OF_RECORD, GIVEN_OF_RECORD),
            _ => (SENT_OF_PERSON, GIVEN_OF_PERSON),
        };
        let sql = format!(
            "{SENT} {sent} {NEWEST} UNION ALL {GIVEN} {given} {UNTOLD} ORDER BY 1 LIMIT ?4"
        );
        let cells = row![cause.subject, reached, oldest, RECALLS_MAX];
        let rows = all_made(conn, &sql, cells).await?;
        let last = rows.last().map(|row| row.id(0)).transpose()?;
        Ok(Some(RecallPage {
            cause,
            found: self.opened(conn, &rows, (&cause, since)).await?,
            reached: last.unwrap_or(reached),
            more: rows.len() == RECALLS_MAX,
        }))
    }

    async fn opened(
        &self,
        conn: &mut SqliteConnection,
        rows: &[SqliteRow],
        (cause, since): (&RecallCause, Option<Timestamp>),
    ) -> Result<Vec<Delivered>, Fault> {
        let mut versions = Vec::with_capacity(rows.len());
        for row in rows {
            versions.push(row.id(2)?);
        }
        versions.sort_unstable();
        versions.dedup();
        let opened = open::records(conn, &self.inner.keys, &versions).await?;
        let opened = opened
            .into_iter()
            .map(|o| (o.row_id, (o.content, o.key, Arc::new(o.record))));
        let opened: HashMap<_, _> = opened.collect();
        let head = "SELECT delivery_id, media_type, released, bytes FROM delivery_output \
                    WHERE delivery_id IN";
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            ids.push(Cell::from(row.id(0)?));
        }
        let mut outputs = claim::kept_outputs(&for_keys(conn, head, "", &[], &ids).await?)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let delivery = sent(row)?;
            let decided_at = row
                .int_or_null(7)?
                .map_or(Timestamp(row.int(8)?), Timestamp);
            let of = opened.get(&row.id(2)?);
            let output = outputs.remove(&delivery.delivery_id);
            let released_paths = match (of, output) {
                (Some((content, key, _)), Some(output)) => {
                    output
                        .open(&delivery.delivery_id, (content, key))?
                        .released_paths
                }
                _ => Vec::new(),
            };
            let given = self.given(conn, row).await?;
            let readable = of.filter(|_| given != Given::Unreadable);
            let joined = since.is_some_and(|since| decided_at >= since);
            found.push(Delivered {
                record: readable.map(|(_, _, record)| Arc::clone(record)),
                given: match given {
                    Given::Under(answer) => Some(*answer),
                    Given::Sent | Given::Unreadable => None,
                },
                released_paths,
                decided_at,
                certain: joined || cause.reason == RecallReason::Voided,
                delivery,
            });
        }
        Ok(found)
    }
}

/// How something left.
#[derive(PartialEq)]
enum Given {
    /// By a delivery.
    Sent,
    /// At the emergency door, under this decision.
    Under(Box<AtTheDoor>),
    /// There, and nobody can tell any more what it was.
    Unreadable,
}

impl Store {
    /// How it left; of an answer at the emergency door the decision, of whom its persons are today.
    async fn given(&self, conn: &mut SqliteConnection, row: &SqliteRow) -> Result<Given, Fault> {
        let Some(access) = row.id_or_null(9)? else {
            return Ok(Given::Sent);
        };
        let body = row.blob_or_null(10)?;
        let opened =
            body.and_then(|body| decision::open(&self.inner.keys, &row.id(0).ok()?, &body).ok());
        let Some(opened) = opened else {
            return Ok(Given::Unreadable);
        };
        Ok(Given::Under(Box::new(AtTheDoor {
            access_id: EmergencyId(access),
            decision: given::of_today(conn, opened).await?,
        })))
    }
}

fn micros(of: Duration) -> i64 {
    i64::try_from(of.as_micros()).unwrap_or(i64::MAX)
}

fn reason_of(word: &str) -> Result<RecallReason, Fault> {
    word.parse()
        .map_err(|_| Fault::Damaged("a reason of a recall is unknown"))
}

/// What has left and was not recalled.
const SENT: &str = "SELECT DISTINCT d.delivery_id, d.record_id, d.row_id, d.version, d.partner, \
     d.channel, d.generation, (SELECT c.at FROM decision c WHERE c.source_id = d.delivery_id \
     AND c.authorised = 1 ORDER BY c.token DESC LIMIT 1), d.queued_at, NULL, NULL FROM delivery d";

/// What was given at the emergency door.
const GIVEN: &str = "SELECT DISTINCT g.disclosure_id, g.record_id, g.row_id, v.version, \
     a.requester, a.channel, 0, c.at, a.at, g.emergency_id, c.body FROM emergency_disclosure g \
     JOIN emergency_access a ON a.emergency_id = g.emergency_id \
     JOIN record_version v ON v.row_id = g.row_id \
     LEFT JOIN decision c ON c.source_id = g.disclosure_id AND c.token = 0";

/// Of a person, in whatever version it was.
const SENT_OF_PERSON: &str = "JOIN record_person p ON p.row_id = d.row_id WHERE p.person = ?1";
const GIVEN_OF_PERSON: &str = "JOIN record_person p ON p.row_id = g.row_id WHERE p.person = ?1";

/// Of a record, before it was voided.
const GIVEN_OF_RECORD: &str = "WHERE g.record_id = ?1 AND EXISTS (SELECT 1 FROM record_version n \
     WHERE n.record_id = g.record_id AND n.void = 1 AND n.revision > v.revision)";
const SENT_OF_RECORD: &str = "WHERE d.record_id = ?1 AND EXISTS (SELECT 1 FROM record_version v \
     WHERE v.record_id = d.record_id AND v.void = 1 AND v.revision > d.revision)";

/// Of each record and channel the newest that has arrived for certain, and what may have since.
const NEWEST: &str = "AND d.delivery_id > ?2 AND d.exposure > 0 AND d.recall_of IS NULL \
     AND d.updated_at >= ?3 AND NOT EXISTS (SELECT 1 FROM delivery n \
     WHERE n.record_id = d.record_id AND n.partner = d.partner AND n.channel = d.channel \
     AND n.recall_of IS NULL AND n.exposure = 2 AND (n.revision, n.generation) \
     > (d.revision, d.generation) AND NOT EXISTS (SELECT 1 FROM record_version v \
     WHERE v.row_id = n.row_id AND v.void = 1)) \
     AND NOT EXISTS (SELECT 1 FROM delivery n WHERE n.recall_of = d.delivery_id) \
     AND NOT EXISTS (SELECT 1 FROM recall_by_hand h WHERE h.delivery_id = d.delivery_id)";

/// Each answer was another one, and was given whole.
const UNTOLD: &str = "AND g.disclosure_id > ?2 AND a.at >= ?3 AND NOT EXISTS (\
     SELECT 1 FROM recall_by_hand h WHERE h.delivery_id = g.disclosure_id)";

fn sent(row: &SqliteRow) -> Result<NewDelivery, Fault> {
    Ok(NewDelivery {
        delivery_id: DeliveryId(row.id(0)?),
        record_id: RecordId(row.id(1)?),
        version: row.digest(3)?,
        partner: PartnerId::new(&row.text(4)?),
        channel: ChannelId::new(&row.text(5)?),
        generation: u32::try_from(row.int(6)?).map_err(|_| Fault::Damaged("a count"))?,
        addressee: false,
        late_release_days: 0,
    })
}

/// Something that happened to a person after things about them may have been sent.
pub(super) struct Happened {
    pub(super) reason: RecallReason,
    pub(super) at: Timestamp,
    /// Everything decided from then on is recalled, whatever is decided now.
    pub(super) since: Option<Timestamp>,
}

/// Notes that what was sent about a person is to be looked at again.
pub(super) async fn look_again(
    tx: &mut Tx,
    person: PersonId,
    happened: &Happened,
) -> Result<(), Fault> {
    let Happened { reason, at, since } = happened;
    // Nothing has left in most cases: then there is nothing to come back to.
    let sql = format!(
        "INSERT INTO recall_due (subject, reason, at, since, reached, next_at) \
         SELECT o.person, ?2, ?3, ?4, ?5, ?3 FROM person o WHERE o.person = ?1 \
         AND {MAY_HAVE_LEFT} ON CONFLICT DO NOTHING"
    );
    let cells = row![person.0, reason.as_str(), *at, *since, START];
    run_made(&mut tx.conn, &sql, cells).await.map(drop)
}

/// Whether something about the person `o.person` has left, or is leaving (state 2).
pub(super) const MAY_HAVE_LEFT: &str = "(EXISTS (SELECT 1 FROM record_person s \
     JOIN delivery d ON d.row_id = s.row_id WHERE s.person = o.person \
     AND (d.exposure > 0 OR d.state = 2)) OR EXISTS (SELECT 1 FROM record_person s \
     JOIN emergency_disclosure g ON g.row_id = s.row_id WHERE s.person = o.person))";

/// Which of some records were voided after they may have been sent: ends with `IN`.
pub(super) const VOIDED: &str = "INSERT INTO recall_due (subject, reason, at, reached, next_at) \
     SELECT DISTINCT v.record_id, 'voided', column1, zeroblob(16), column1 \
     FROM record_version v, (VALUES (?)) WHERE v.void = 1 AND (EXISTS (SELECT 1 FROM delivery d \
     WHERE d.record_id = v.record_id AND d.revision < v.revision AND d.recall_of IS NULL \
     AND (d.exposure > 0 OR d.state = 2)) OR EXISTS (SELECT 1 FROM emergency_disclosure g \
     JOIN record_version o ON o.row_id = g.row_id WHERE g.record_id = v.record_id \
     AND o.revision < v.revision)) AND v.record_id IN";
/// Behind the keys of [`VOIDED`].
pub(super) const VOIDED_TAIL: &str = "ON CONFLICT DO NOTHING";

async fn end_page(tx: &mut Tx, page: &RecallPage, due: &[Recalled]) -> Result<(), Fault> {
    tx.flush().await?;
    for one in due {
        match one.by_notice {
            true => queue_notice(tx, &page.cause, one.delivery_id).await?,
            false => hand::by_hand(tx, page.cause.reason, one.delivery_id).await?,
        }
    }
    let cause = &page.cause;
    let key = row![cause.subject, cause.reason.as_str(), cause.at];
    let (sql, first) = if page.more {
        let sql = "UPDATE recall_due SET reached = ? WHERE subject = ? AND reason = ? AND at = ?";
        (sql, Some(Cell::from(page.reached)))
    } else if under_way(tx, cause).await? {
        // What was on its way when it happened ends before anything is told of it.
        let sql = "UPDATE recall_due SET reached = zeroblob(16), next_at = ? \
                   WHERE subject = ? AND reason = ? AND at = ?";
        (sql, Some(Cell::from(tx.now().after(RECALL_PAUSE))))
    } else {
        (
            "DELETE FROM recall_due WHERE subject = ? AND reason = ? AND at = ?",
            None,
        )
    };
    let mut script = Script::default();
    script.add(sql, first.into_iter().chain(key));
    script.run(&mut tx.conn).await.map(drop)
}

/// Whether something authorised before it happened is still being sent.
async fn under_way(tx: &mut Tx, cause: &RecallCause) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM delivery d WHERE d.state = ?2 AND d.recall_of IS NULL \
               AND d.updated_at <= ?3 AND (d.record_id = ?1 OR d.row_id IN (\
               SELECT p.row_id FROM record_person p WHERE p.person = ?1)) LIMIT 1";
    let sending = state_code(DeliveryState::Authorised);
    let cells = row![cause.subject, sending, cause.at];
    Ok(first(&mut tx.conn, sql, cells).await?.is_some())
}

/// The id of the notice about a delivery: there is one.
fn notice_of(id: DeliveryId) -> DeliveryId {
    DeliveryId(Digest::of_parts(&[b"recall", &id.0]).half())
}

async fn queue_notice(tx: &mut Tx, cause: &RecallCause, id: DeliveryId) -> Result<(), Fault> {
    let notice = notice_of(id);
    let now = tx.now();
    let sql = "INSERT INTO delivery (delivery_id, record_id, row_id, revision, version, partner, \
               channel, generation, addressee, test, state, token, lease_until, attempts, \
               next_at, queued_at, received_month, late_until, updated_at, exposure, due_since, \
               recall_of, recall_reason) SELECT ?1, record_id, row_id, revision, version, \
               partner, channel, generation, 0, test, 0, 0, 0, 0, ?2, ?2, ?3, ?2, ?2, 0, ?2, \
               delivery_id, ?4 FROM delivery WHERE delivery_id = ?5 AND recall_of IS NULL \
               ON CONFLICT DO NOTHING";
    let cells = row![notice.0, now, now.month(), cause.reason.as_str(), id.0];
    if run(&mut tx.conn, sql, cells).await? > 0 {
        hand::noted(tx, cause.reason, (id, notice)).await?;
    }
    Ok(())
}
