//! Claiming deliveries: who may be tried now, under a lease and a fencing token.
//!
//! A held, withheld or dead delivery never blocks its channel; one under way blocks only later
//! versions of the same record to the same recipient. The channels are independent: they are
//! served by turns.

use super::keys::{DataKey, Place};
use super::model::{
    ClaimRequest, Claimed, Completion, DeliveryState, KeptOutput, NewDelivery, Recall, StoreError,
};
use super::script::{At, Script};
use super::sql::{Cell, Columns as _, Fault, row};
use super::transition::{Moves, moves};
use super::writer::{Tx, failed};
use super::{Store, open};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::limits::REJUDGED_MAX;
use crate::base::sensitive::Sensitive;
use crate::outbox::Event;
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

/// What a claim keeps in memory until it ends: the key its output is sealed with.
pub(super) struct ClaimedKey {
    pub(super) token: i64,
    pub(super) row_id: [u8; 16],
    pub(super) content: Digest,
    pub(super) key: DataKey,
    pub(super) of: ClaimOf,
    /// It is only decided anew: nobody may send by this claim.
    pub(super) only_judged: bool,
}

/// What is claimed; it stays so until the claim ends.
#[derive(Clone)]
pub(super) struct ClaimOf {
    pub(super) record_id: RecordId,
    pub(super) partner: PartnerId,
    pub(super) channel: ChannelId,
    pub(super) test: bool,
    /// Before this claim's.
    pub(super) attempts: u32,
    /// Whether one of them may have arrived.
    pub(super) exposed: bool,
}

/// Table name bound into sealed outputs.
pub(super) const OUTPUT_TABLE: &str = "delivery_output";

/// The number a state is stored as.
pub(super) const fn state_code(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Pending => 0,
        DeliveryState::Leased => 1,
        DeliveryState::Authorised => 2,
        DeliveryState::Ambiguous => 4,
        DeliveryState::Confirmed => 5,
        DeliveryState::Withheld => 6,
        DeliveryState::Held => 7,
        DeliveryState::Withdrawn => 8,
        DeliveryState::Superseded => 9,
        DeliveryState::Dead => 10,
    }
}

/// The state of a stored number.
pub(super) fn state_of(code: i64) -> Result<DeliveryState, Fault> {
    DeliveryState::ALL
        .into_iter()
        .find(|state| state_code(*state) == code)
        .ok_or(Fault::Damaged("a delivery state is unknown"))
}

impl Store {
    /// Claims deliveries that are due, within the limits of their lanes. Expired claims are taken
    /// over: one that was never authorised as if it had not been, an authorised one as ambiguous.
    ///
    /// # Errors
    /// When the database fails; nothing is claimed then.
    pub async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, StoreError> {
        const NAME: &str = "claim";
        let leases = self
            .write(NAME, request, |tx, request| Box::pin(lease(tx, request)))
            .await?;
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let opened = self.open_claims(leases).await;
        let (claims, closed) = opened.map_err(|fault| failed(NAME, &fault))?;
        if !closed.is_empty() {
            // Shredded or damaged: nothing can be sent, and nothing else must wait for it.
            let ended = closed.into_iter();
            let ended = ended.map(|(id, token)| (id, token, Completion::Unreadable));
            self.complete(ended.collect()).await?;
        }
        Ok(claims)
    }

    /// The claims, and those whose record cannot be opened.
    async fn open_claims(&self, leases: Vec<Lease>) -> Result<(Vec<Claimed>, Closed), Fault> {
        let mut conn = self.inner.readers.acquire().await?;
        let mut rows: Vec<[u8; 16]> = leases.iter().map(|lease| lease.row_id).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut script = Script::default();
        let ask = open::Ask::new(&mut script, &rows);
        let outputs = ask_outputs(&mut script, &leases);
        let mut answers = script.run(&mut conn).await?;
        let opened = ask.open(&mut conn, &self.inner.keys, &mut answers).await?;
        drop(conn);
        let shared = opened.into_iter().map(|o| {
            let record = Arc::new(o.record);
            (o.row_id, (record, (o.content, o.changed), o.key))
        });
        let records: HashMap<[u8; 16], _> = shared.collect();
        let mut kept = kept_outputs(&answers.take(&outputs))?;
        let mut out = Vec::with_capacity(leases.len());
        let mut closed = Vec::new();
        let mut claims = super::lock(&self.inner.claims);
        for lease in leases {
            let Some((record, (content, changed), key)) = records.get(&lease.row_id) else {
                closed.push((lease.delivery.delivery_id, lease.token));
                continue;
            };
            let kept = kept
                .remove(&lease.delivery.delivery_id)
                .map(|row| row.open(&lease.delivery.delivery_id, (content, key)))
                .transpose()?;
            let key = ClaimedKey {
                token: lease.token,
                row_id: lease.row_id,
                content: *content,
                key: key.clone(),
                only_judged: lease.resume_at.is_some(),
                of: ClaimOf {
                    record_id: lease.delivery.record_id,
                    partner: lease.delivery.partner.clone(),
                    channel: lease.delivery.channel.clone(),
                    test: record.test,
                    attempts: lease.attempts,
                    exposed: lease.exposed,
                },
            };
            claims.insert(lease.delivery.delivery_id, key);
            out.push(Claimed {
                delivery: lease.delivery,
                token: lease.token,
                attempts: lease.attempts,
                due_since: lease.due_since,
                record: Arc::clone(record),
                kept,
                ambiguous: lease.exposed,
                // Read with the epochs: a change since then refuses the authorisation.
                reviewed: changed.leaves(lease.looked),
                done: lease.done,
                recall: lease.recall,
                resume_at: lease.resume_at,
            });
        }
        Ok((out, closed))
    }
}

type Closed = Vec<(DeliveryId, i64)>;

/// A delivery as claimed, its record not yet opened.
struct Lease {
    delivery: NewDelivery,
    row_id: [u8; 16],
    token: i64,
    attempts: u32,
    due_since: Timestamp,
    exposed: bool,
    /// Where in the ledger a person last let it go on; 0 for nowhere.
    looked: i64,
    done: u32,
    due: Timestamp,
    resume_at: Option<Timestamp>,
    recall: Option<Recall>,
}

/// Due deliveries of every channel something waits for, as far as it has room, oldest first, each
/// with its turn: how many of its channel are under way or stand before it. Channels are found by
/// stepping through the index, so that one with a long queue costs no more than another.
const DUE: &str = "WITH RECURSIVE ask(now, lanes, others) AS (SELECT ?, ?, ?), \
     room(partner, channel, most) AS MATERIALIZED (SELECT value ->> 0, value ->> 1, value ->> 2 \
     FROM ask, json_each(ask.lanes)), \
     head(id) AS (SELECT (SELECT delivery_id FROM delivery WHERE state IN (0, 4) \
     ORDER BY partner, channel LIMIT 1) UNION ALL SELECT coalesce((SELECT n.delivery_id \
     FROM delivery n WHERE n.state IN (0, 4) AND n.partner = d.partner AND n.channel > d.channel \
     ORDER BY n.channel LIMIT 1), (SELECT n.delivery_id FROM delivery n \
     WHERE n.state IN (0, 4) AND n.partner > d.partner ORDER BY n.partner, n.channel LIMIT 1)) \
     FROM head JOIN delivery d ON d.delivery_id = head.id), \
     lane(partner, channel, claimed, most) AS MATERIALIZED (SELECT d.partner, d.channel, \
     (SELECT count(*) FROM delivery c WHERE c.partner = d.partner AND c.channel = d.channel \
     AND c.state IN (1, 2)), coalesce(r.most, (SELECT others FROM ask)) \
     FROM head JOIN delivery d ON d.delivery_id = head.id \
     LEFT JOIN room r ON r.partner = d.partner AND r.channel = d.channel), \
     due(id, next_at, turn, most) AS (SELECT d.delivery_id, d.next_at, lane.claimed \
     + row_number() OVER (PARTITION BY d.partner, d.channel ORDER BY d.next_at), lane.most \
     FROM lane CROSS JOIN delivery d WHERE lane.most > lane.claimed AND d.delivery_id IN (\
     SELECT x.delivery_id FROM delivery x WHERE x.partner = lane.partner \
     AND x.channel = lane.channel AND x.state IN (0, 4) AND x.next_at <= (SELECT now FROM ask) \
     AND (x.recall_of IS NOT NULL OR NOT EXISTS (SELECT 1 FROM delivery e \
     WHERE e.record_id = x.record_id AND e.recall_of IS NULL AND e.partner = x.partner \
     AND e.channel = x.channel AND e.revision < x.revision \
     AND e.state IN (0, 1, 2, 4))) ORDER BY x.next_at LIMIT ?)) \
     SELECT id, next_at, turn FROM due WHERE turn <= most";

/// What is to be decided anew whether it is due or not, whatever room its channel has: nothing is
/// sent by it. What is under way comes when it waits again.
const REJUDGE: &str = "SELECT q.delivery_id, d.state FROM rejudge q JOIN delivery d \
     ON d.delivery_id = q.delivery_id WHERE d.state NOT IN (1, 2) ORDER BY q.delivery_id LIMIT ?";

/// Ends claims whose lease is over: what was authorised may have arrived.
static TAKE_OVER: LazyLock<String> = LazyLock::new(|| {
    let claimed = [DeliveryState::Leased, DeliveryState::Authorised];
    let Moves { set, from } = moves(Event::LeaseExpired, &claimed);
    format!(
        "UPDATE delivery SET {set}, next_at = ?, updated_at = ? WHERE {from} AND lease_until <= ?"
    )
});

/// Takes deliveries that wait.
static TAKE: LazyLock<String> = LazyLock::new(|| {
    let waiting = [DeliveryState::Pending, DeliveryState::Ambiguous];
    let Moves { set, from } = moves(Event::Claim, &waiting);
    format!(
        "UPDATE delivery SET {set}, token = token + 1, lease_until = ?, updated_at = ? \
         WHERE {from} AND delivery_id IN"
    )
});

async fn lease(tx: &mut Tx, request: &ClaimRequest) -> Result<Vec<Lease>, Fault> {
    let now = request.now;
    let mut script = Script::default();
    script.add(&TAKE_OVER, row![now, now, now]);
    let room = request.lanes.iter().map(|lane| lane.in_flight_max);
    let room = room.fold(request.unlisted_max, u32::max);
    let most = i64::from(room).min(i64::try_from(request.limit).unwrap_or(i64::MAX));
    let lanes = request.lanes.iter();
    let lanes = lanes.map(|lane| (&lane.partner, &lane.channel, lane.in_flight_max));
    let lanes = serde_json::to_string(&lanes.collect::<Vec<_>>())
        .map_err(|_| Fault::Damaged("the limits of a claim"))?;
    let asked = script.add(DUE, row![now, lanes, request.unlisted_max, most]);
    let again = script.add(REJUDGE, row![request.limit.min(REJUDGED_MAX)]);
    let mut answers = script.run(&mut tx.conn).await?;
    let (looked_at, mut again) = judged_anew(&answers.take(&again))?;
    let rows = answers.take(&asked);
    let due = rows
        .iter()
        .map(|row| Ok((row.int(2)?, row.int(1)?, row.id(0)?)));
    let mut due = due.collect::<Result<Vec<(i64, i64, [u8; 16])>, Fault>>()?;
    // By turns, then by age: a channel with a long queue takes no place another has a right to,
    // and the deliveries of one record, which come due together, are claimed together.
    due.sort_unstable();
    due.truncate(request.limit.saturating_sub(again.len()));
    let due = due.into_iter().map(|(_, _, id)| id);
    let due: BTreeSet<[u8; 16]> = due.collect();
    // What is due anyway is sent by the same decision.
    again.retain(|id| !due.contains(id));
    let due = due.iter().chain(&again).map(|id| Cell::from(*id));
    let tail = "RETURNING delivery_id, record_id, row_id, version, partner, channel, generation, \
                addressee, late_until, queued_at, token, attempts, exposure, reviewed, \
                next_at, due_since, state, done, recall_of, recall_reason";
    let first = row![now.after(request.lease), now];
    let mut script = Script::default();
    let claimed = script.keys((TAKE.as_str(), tail), &first, due);
    script.keys(
        ("DELETE FROM rejudge WHERE delivery_id IN", ""),
        &[],
        looked_at,
    );
    let rows = script.run(&mut tx.conn).await?.take(&claimed);
    let mut leases = Vec::with_capacity(rows.len());
    for row in &rows {
        // An older version is superseded instead.
        if state_of(row.int(16)?)? == DeliveryState::Leased {
            let mut lease = read_lease(row)?;
            let only_judged = again.contains(&lease.delivery.delivery_id.0);
            lease.resume_at = only_judged.then_some(lease.due);
            leases.push(lease);
        }
    }
    leases.sort_by_key(|lease| (lease.due, lease.row_id, lease.delivery.delivery_id));
    Ok(leases)
}

/// What was looked at, and what of it waits: what ended meanwhile needs no new decision.
fn judged_anew(rows: &[SqliteRow]) -> Result<(Vec<Cell>, BTreeSet<[u8; 16]>), Fault> {
    let (mut looked_at, mut waiting) = (Vec::with_capacity(rows.len()), BTreeSet::new());
    for row in rows {
        let id = row.id(0)?;
        looked_at.push(Cell::from(id));
        if matches!(
            state_of(row.int(1)?)?,
            DeliveryState::Pending | DeliveryState::Ambiguous
        ) {
            waiting.insert(id);
        }
    }
    Ok((looked_at, waiting))
}

fn read_lease(row: &SqliteRow) -> Result<Lease, Fault> {
    let queued_at = Timestamp(row.int(9)?);
    let late = Timestamp(row.int(8)?).since(queued_at).as_secs() / 86_400;
    let small = |index| u32::try_from(row.int(index)?).map_err(|_| Fault::Damaged("a count"));
    Ok(Lease {
        delivery: NewDelivery {
            delivery_id: DeliveryId(row.id(0)?),
            record_id: RecordId(row.id(1)?),
            version: row.digest(3)?,
            partner: PartnerId::new(&row.text(4)?),
            channel: ChannelId::new(&row.text(5)?),
            generation: small(6)?,
            addressee: row.int(7)? == 1,
            late_release_days: u32::try_from(late).unwrap_or(u32::MAX),
        },
        row_id: row.id(2)?,
        due_since: Timestamp(row.int(15)?),
        token: row.int(10)?,
        attempts: small(11)?,
        exposed: row.int(12)? > 0,
        looked: row.int(13)?,
        done: small(17)?,
        recall: recall(row, queued_at)?,
        due: Timestamp(row.int(14)?),
        resume_at: None,
    })
}

/// What a notice tells, when the delivery is one.
fn recall(row: &SqliteRow, at: Timestamp) -> Result<Option<Recall>, Fault> {
    let Some(of) = row.id_or_null(18)? else {
        return Ok(None);
    };
    let reason = row.text(19)?.parse();
    let reason = reason.map_err(|_| Fault::Damaged("a reason of a recall is unknown"))?;
    let of = DeliveryId(of);
    Ok(Some(Recall { of, reason, at }))
}

/// A sealed output.
pub(super) struct KeptRow {
    media_type: String,
    released: Vec<u8>,
    bytes: Vec<u8>,
}

impl KeptRow {
    pub(super) fn open(
        self,
        id: &DeliveryId,
        (content, key): (&Digest, &DataKey),
    ) -> Result<KeptOutput, Fault> {
        let place = |column| Place {
            table: OUTPUT_TABLE,
            row: &id.0,
            version: &content.0,
            column,
        };
        let released = key.open(&place("released"), &self.released)?;
        let bytes = key.open(&place("bytes"), &self.bytes)?;
        let (released_paths, along) = serde_json::from_slice(&released)
            .map_err(|_| Fault::Damaged("the released paths of an output"))?;
        Ok(KeptOutput {
            bytes: Sensitive::new(bytes),
            media_type: self.media_type,
            released_paths,
            along,
        })
    }
}

/// Asks for the outputs; only what was authorised once has one.
fn ask_outputs(script: &mut Script, leases: &[Lease]) -> At {
    let tried = leases.iter().filter(|lease| lease.attempts > 0);
    let keys = tried.map(|lease| Cell::from(lease.delivery.delivery_id.0));
    let head = "SELECT delivery_id, media_type, released, bytes FROM delivery_output \
                WHERE delivery_id IN";
    script.keys((head, ""), &[], keys)
}

pub(super) fn kept_outputs(rows: &[SqliteRow]) -> Result<HashMap<DeliveryId, KeptRow>, Fault> {
    let one = |row: &SqliteRow| {
        let kept = KeptRow {
            media_type: row.text(1)?,
            released: row.blob(2)?,
            bytes: row.blob(3)?,
        };
        Ok((DeliveryId(row.id(0)?), kept))
    };
    rows.iter().map(one).collect()
}
