//! Routing: records that wait for it, and the deliveries it finds.
//!
//! Claims live in memory only: this database has one process, and routing twice changes nothing.
//! What stands behind the prevention wall is routed again when its persons' papers change.

use super::model::{HoldCause, NewDelivery, NewWorkItem, RouteWork, Routed, StoreError};
use super::script::Script;
use super::sql::{Cell, Columns as _, Fault, Insert, all, for_keys, row, run};
use super::stage::cause_word;
use super::writer::{Tx, failed};
use super::{Store, open};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::*;
use crate::base::limits::{LEASE, ROUTED_AGAIN_WITHIN};
use std::collections::{BTreeMap, BTreeSet, HashMap};

impl Store {
    /// Records that wait for routing, oldest first; each is given to one caller until its lease
    /// ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_routes(&self, limit: usize) -> Result<Vec<RouteWork>, StoreError> {
        const NAME: &str = "claim_routes";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let asked = self.lease_routes(&mut conn, limit).await?;
            let rows: Vec<[u8; 16]> = asked.keys().copied().collect();
            let opened = open::records(&mut conn, &self.inner.keys, &rows).await?;
            let mut work = BTreeMap::new();
            for opened in opened {
                let (again, asked) = asked.get(&opened.row_id).copied().unwrap_or_default();
                let record = opened.record;
                let one = RouteWork {
                    record,
                    again,
                    asked,
                };
                work.insert(opened.row_id, one);
            }
            Ok(work.into_values().collect())
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// Until a record may wait for routing: one was accepted since the last time.
    pub async fn records_waiting(&self) {
        self.inner.waiting.notified().await;
    }

    async fn lease_routes(
        &self,
        conn: &mut sqlx::sqlite::SqliteConnection,
        limit: usize,
    ) -> Result<BTreeMap<[u8; 16], (bool, u32)>, Fault> {
        let now = self.inner.clock.now();
        let leased = {
            let mut routes = super::lock(&self.inner.routes);
            routes.retain(|_, until| *until > now);
            routes.len()
        };
        let sql = "SELECT row_id, again, asked FROM route_work ORDER BY row_id LIMIT ?";
        let waiting = all(conn, sql, row![limit + leased]).await?;
        let mut routes = super::lock(&self.inner.routes);
        let mut out = BTreeMap::new();
        for row in waiting {
            let row_id = row.id(0)?;
            if out.len() < limit && !routes.contains_key(&row_id) {
                routes.insert(row_id, now.after(LEASE));
                let asked = u32::try_from(row.int(2)?).map_err(|_| Fault::Damaged("a count"))?;
                out.insert(row_id, (row.int(1)? == 1, asked));
            }
        }
        Ok(out)
    }

    /// Queues what routing found. A version that was replaced meanwhile queues nothing.
    ///
    /// # Errors
    /// When the database fails; nothing of it stands then.
    pub async fn routed(&self, found: Vec<Routed>) -> Result<(), StoreError> {
        let done = self
            .write("routed", found, |tx, found| Box::pin(queue(tx, found)))
            .await?;
        let mut routes = super::lock(&self.inner.routes);
        for row_id in done {
            routes.remove(&row_id);
        }
        Ok(())
    }
}

/// A version as routing needs it.
struct VersionRow {
    row_id: [u8; 16],
    revision: i64,
    test: bool,
    sender: PartnerId,
    is_current: bool,
}

type Versions = HashMap<(RecordId, Digest), VersionRow>;

async fn versions(tx: &mut Tx, records: Vec<Cell>) -> Result<Versions, Fault> {
    let head = "SELECT v.record_id, v.version, v.row_id, v.revision, v.test, v.partner, \
                r.current_row FROM record_version v JOIN record r ON r.record_id = v.record_id \
                WHERE v.record_id IN";
    let mut out = HashMap::new();
    for row in for_keys(&mut tx.conn, head, "", &[], &records).await? {
        let row_id = row.id(2)?;
        let version = VersionRow {
            row_id,
            revision: row.int(3)?,
            test: row.int(4)? == 1,
            sender: PartnerId::new(&row.text(5)?),
            is_current: row.id_or_null(6)? == Some(row_id),
        };
        out.insert((RecordId(row.id(0)?), row.digest(1)?), version);
    }
    Ok(out)
}

async fn queue(tx: &mut Tx, found: &[Routed]) -> Result<Vec<[u8; 16]>, Fault> {
    let ids = found.iter().map(|r| Cell::from(r.record_id.0)).collect();
    let versions = versions(tx, ids).await?;
    let mut deliveries = delivery_insert();
    let mut work = work_insert();
    let mut done = Vec::new();
    let now = tx.now();
    for (place, routed) in found.iter().enumerate() {
        let Some(version) = versions.get(&(routed.record_id, routed.version)) else {
            continue;
        };
        done.push((version.row_id, routed.asked));
        if !version.is_current {
            continue;
        }
        for delivery in &routed.deliveries {
            let queued = Queued {
                row_id: version.row_id,
                revision: version.revision,
                test: version.test,
                at: now,
                due: in_turn(now, found.len().saturating_sub(place)),
            };
            deliveries.push(delivery_row(delivery, &queued));
        }
        for item in &routed.work {
            let whose = (&version.sender, version.test);
            let of = WorkOf::version(whose, (routed.record_id, version.row_id));
            work.push(work_row(item, &of, now));
        }
    }
    let mut script = Script::default();
    deliveries.add_to(&mut script);
    work.add_to(&mut script);
    // Asked once more while it was being routed, it stays.
    for asked in done
        .iter()
        .map(|(_, asked)| *asked)
        .collect::<BTreeSet<u32>>()
    {
        let rows = done.iter().filter(|(_, of)| *of == asked);
        let rows = rows.map(|(row, _)| Cell::from(*row));
        let head = "DELETE FROM route_work WHERE asked = ? AND row_id IN";
        script.keys((head, ""), &[Cell::from(i64::from(asked))], rows);
    }
    script.run(&mut tx.conn).await?;
    Ok(done.into_iter().map(|(row, _)| row).collect())
}

/// Has a person's records behind the prevention wall routed again: whom the family names may be
/// another now. What is held waits for its person.
pub(super) async fn route_again(tx: &mut Tx, person: PersonId) -> Result<(), Fault> {
    let now = tx.now();
    let since = now.before(ROUTED_AGAIN_WITHIN);
    let sql = "INSERT INTO route_work (row_id, queued_at, again, asked) \
               SELECT n.row_id, ?2, 1, 1 FROM newest_of_person n WHERE n.person = ?1 \
               AND coalesce(n.service_source, '') NOT IN ('case', 'referral') \
               AND n.held_until < 9223372036854775807 AND n.received_at > ?3 \
               ON CONFLICT (row_id) DO UPDATE SET asked = asked + 1";
    run(&mut tx.conn, sql, row![person.0, now, since])
        .await
        .map(drop)
}

/// Records of a group come due in their order, all deliveries of one at the same instant, so that
/// claims find them together and each is read once for all its recipients.
fn in_turn(now: Timestamp, before: usize) -> Timestamp {
    Timestamp(
        now.0
            .saturating_sub(i64::try_from(before).unwrap_or(i64::MAX)),
    )
}

/// What a delivery row takes from its record's row.
pub(super) struct Queued {
    pub(super) row_id: [u8; 16],
    pub(super) revision: i64,
    pub(super) test: bool,
    pub(super) at: Timestamp,
    /// Not before.
    pub(super) due: Timestamp,
}

/// The insert of [`delivery_row`]s; a delivery that is there already stays as it is.
pub(super) fn delivery_insert() -> Insert {
    Insert::new(
        "INSERT INTO delivery (delivery_id, record_id, row_id, revision, version, partner, \
         channel, generation, addressee, test, state, token, lease_until, attempts, \
         next_at, queued_at, received_month, late_until, updated_at, exposure, due_since) \
         VALUES",
        "ON CONFLICT (delivery_id) DO NOTHING",
    )
}

/// A pending delivery.
pub(super) fn delivery_row(delivery: &NewDelivery, queued: &Queued) -> [Cell; 21] {
    let late = std::time::Duration::from_secs(u64::from(delivery.late_release_days) * 86_400);
    row![
        delivery.delivery_id.0,
        delivery.record_id.0,
        queued.row_id,
        queued.revision,
        delivery.version,
        delivery.partner.as_str(),
        delivery.channel.as_str(),
        delivery.generation,
        delivery.addressee,
        queued.test,
        0_i64,
        0_i64,
        0_i64,
        0_i64,
        queued.due,
        queued.at,
        queued.at.month(),
        queued.at.after(late),
        queued.at,
        0_i64,
        queued.at,
    ]
}

/// What a work item is about.
#[derive(Clone, Copy)]
pub(super) struct WorkOf<'a> {
    pub(super) partner: &'a PartnerId,
    pub(super) record_id: Option<RecordId>,
    /// Absent where a newer version must not end it.
    pub(super) row_id: Option<[u8; 16]>,
    pub(super) delivery_id: Option<[u8; 16]>,
    pub(super) emergency_id: Option<EmergencyId>,
    pub(super) test: bool,
}

impl<'a> WorkOf<'a> {
    /// About nothing but whom it is for.
    pub(super) fn partner(partner: &'a PartnerId, test: bool) -> WorkOf<'a> {
        WorkOf {
            partner,
            record_id: None,
            row_id: None,
            delivery_id: None,
            emergency_id: None,
            test,
        }
    }

    /// About a version of a record.
    pub(super) fn version(
        (partner, test): (&'a PartnerId, bool),
        (record_id, row_id): (RecordId, [u8; 16]),
    ) -> WorkOf<'a> {
        WorkOf {
            record_id: Some(record_id),
            row_id: Some(row_id),
            ..WorkOf::partner(partner, test)
        }
    }
}

/// The insert of [`work_row`]s.
pub(super) fn work_insert() -> Insert {
    Insert::new(
        "INSERT INTO work_item (work_item_id, partner, cause, record_id, row_id, delivery_id, \
         test, state, created_at, detail, due_at, emergency_id) VALUES",
        "",
    )
}

/// An open work item; its id comes first.
pub(super) fn work_row(item: &NewWorkItem, of: &WorkOf<'_>, at: Timestamp) -> [Cell; 12] {
    row![
        WorkItemId::mint(at).0,
        of.partner.as_str(),
        cause_word(item.cause),
        of.record_id.map(|id| id.0),
        of.row_id,
        of.delivery_id,
        of.test,
        0_i64,
        at,
        (!item.detail.is_empty()).then_some(item.detail.as_str()),
        item.due_at,
        of.emergency_id.map(|id| id.0),
    ]
}

/// An open work item about a delivery that was not read, as [`delivery_work_row`] says; where it is
/// asked for once, none if there ever was one of that cause.
pub(super) const DELIVERY_WORK: &str = "INSERT INTO work_item (work_item_id, partner, cause, \
     record_id, row_id, delivery_id, test, state, created_at, due_at) SELECT ?, r.partner, ?, \
     d.record_id, d.row_id, d.delivery_id, d.test, 0, ?, ? FROM delivery d \
     JOIN record r ON r.record_id = d.record_id WHERE d.delivery_id = ? AND NOT (? AND EXISTS \
     (SELECT 1 FROM work_item w WHERE w.delivery_id = d.delivery_id AND w.cause = ?))";

/// What [`DELIVERY_WORK`] binds; the item's id comes first.
pub(super) fn delivery_work_row(
    (cause, once): (HoldCause, bool),
    id: DeliveryId,
    (at, due_at): (Timestamp, Option<Timestamp>),
) -> [Cell; 7] {
    let item = WorkItemId::mint(at).0;
    let word = cause_word(cause);
    row![item, word.as_str(), at, due_at, id.0, once, word.as_str()]
}
