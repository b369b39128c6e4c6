//! Recalls a person has to tell: one open item per recipient, and what it is about.
//!
//! A notice that finds its channel closed ends here, and whatever was given at the emergency door,
//! where no channel leads back. It never makes a notice, and tells each disclosure once.

use super::super::Store;
use super::super::model::{HoldCause, NewWorkItem, RecallByHand, StoreError};
use super::super::route::{WorkOf, work_insert, work_row};
use super::super::sql::{Cell, Columns as _, Fault, all, first, row, run};
use super::super::stage::cause_word;
use super::super::writer::{Tx, failed};
use super::reason_of;
use crate::base::clock::Timestamp;
use crate::base::id::*;
use crate::base::limits::RECALLS_SHOWN_MAX;
use crate::base::vocabulary::RecallReason;
use crate::ledger::entry::{EntryKind, Fields};
use sqlx::sqlite::SqliteRow;

impl Store {
    /// What the work item of recalls by hand is about, so many at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recalls_by_hand(&self, id: WorkItemId) -> Result<Vec<RecallByHand>, StoreError> {
        const NAME: &str = "recalls_by_hand";
        let mut conn = self.reader(NAME).await?;
        let sql = "SELECT h.delivery_id, h.reason, h.at, coalesce(d.record_id, g.record_id), \
                   g.emergency_id FROM recall_by_hand h \
                   LEFT JOIN delivery d ON d.delivery_id = h.delivery_id \
                   LEFT JOIN emergency_disclosure g ON g.disclosure_id = h.delivery_id \
                   WHERE h.work_item_id = ? ORDER BY h.delivery_id LIMIT ?";
        let found = async {
            let rows = all(&mut conn, sql, row![id.0, RECALLS_SHOWN_MAX]).await?;
            rows.iter().map(listed).collect::<Result<Vec<_>, Fault>>()
        };
        found.await.map_err(|fault| failed(NAME, &fault))
    }
}

fn listed(row: &SqliteRow) -> Result<RecallByHand, Fault> {
    let access = row.id_or_null(4)?.map(EmergencyId);
    Ok(RecallByHand {
        delivery_id: match access {
            Some(_) => None,
            None => Some(DeliveryId(row.id(0)?)),
        },
        access_id: access,
        reason: reason_of(&row.text(1)?)?,
        at: Timestamp(row.int(2)?),
        record_id: RecordId(row.id(3)?),
    })
}

/// What left, by a delivery or at the emergency door.
struct Left {
    record_id: RecordId,
    partner: String,
    channel: String,
    test: i64,
    /// The id it is accounted under.
    named: String,
}

async fn left(tx: &mut Tx, id: DeliveryId) -> Result<Left, Fault> {
    let sql = "SELECT record_id, partner, channel, test, 0 FROM delivery WHERE delivery_id = ?1 \
               UNION ALL SELECT g.record_id, a.requester, a.channel, a.test, 1 \
               FROM emergency_disclosure g \
               JOIN emergency_access a ON a.emergency_id = g.emergency_id \
               WHERE g.disclosure_id = ?1";
    let found = first(&mut tx.conn, sql, row![id.0]).await?;
    let found = found.ok_or(Fault::Damaged("a disclosure is missing"))?;
    Ok(Left {
        record_id: RecordId(found.id(0)?),
        partner: found.text(1)?,
        channel: found.text(2)?,
        test: found.int(3)?,
        named: match found.int(4)? {
            0 => id.to_string(),
            _ => DisclosureId(id.0).to_string(),
        },
    })
}

/// Puts it on the list of its recipient's open item, which is made where there is none. What stands
/// on a list already was told, or will be.
pub(super) async fn by_hand(tx: &mut Tx, why: RecallReason, id: DeliveryId) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM recall_by_hand WHERE delivery_id = ?";
    if first(&mut tx.conn, sql, row![id.0]).await?.is_some() {
        return Ok(());
    }
    let left = left(tx, id).await?;
    let item = open_item(tx, &left).await?;
    let now = tx.now();
    let sql = "INSERT INTO recall_by_hand (delivery_id, work_item_id, reason, at) \
               VALUES (?, ?, ?, ?)";
    run(&mut tx.conn, sql, row![id.0, item, why.as_str(), now]).await?;
    append(tx, (why, &left), None);
    Ok(())
}

/// The recipient's open item.
async fn open_item(tx: &mut Tx, left: &Left) -> Result<Cell, Fault> {
    let sql = "SELECT work_item_id FROM work_item WHERE state = 0 AND partner = ? AND cause = ? \
               AND test = ? ORDER BY work_item_id LIMIT 1";
    let cause = HoldCause::RecallByHand;
    let cells = row![left.partner.as_str(), cause_word(cause), left.test];
    if let Some(open) = first(&mut tx.conn, sql, cells).await? {
        return open.id(0).map(Cell::from);
    }
    let partner = PartnerId::new(&left.partner);
    let of = WorkOf::partner(&partner, left.test == 1);
    let item = work_row(&NewWorkItem::plain(cause), &of, tx.now());
    let [id, ..] = item.clone();
    let mut work = work_insert();
    work.push(item);
    work.run(&mut tx.conn).await?;
    Ok(id)
}

/// A person tells what a notice cannot: its channel takes none any more.
pub(in crate::store) async fn instead(tx: &mut Tx, notice: DeliveryId) -> Result<(), Fault> {
    let sql = "SELECT recall_of, recall_reason FROM delivery WHERE delivery_id = ? \
               AND recall_of IS NOT NULL";
    let Some(found) = first(&mut tx.conn, sql, row![notice.0]).await? else {
        return Ok(());
    };
    let why = reason_of(&found.text(1)?)?;
    by_hand(tx, why, DeliveryId(found.id(0)?)).await
}

/// The ledger's entry of a recall by notice.
pub(super) async fn noted(
    tx: &mut Tx,
    why: RecallReason,
    (id, notice): (DeliveryId, DeliveryId),
) -> Result<(), Fault> {
    let left = left(tx, id).await?;
    append(tx, (why, &left), Some(notice));
    Ok(())
}

fn append(tx: &mut Tx, (why, left): (RecallReason, &Left), notice: Option<DeliveryId>) {
    let fields = Fields::new()
        .text("recalled", &left.named)
        .text("record", &left.record_id.to_string())
        .text("partner", &left.partner)
        .text("channel", &left.channel)
        .int("test", left.test)
        .text("reason", why.as_str());
    let fields = match notice {
        Some(notice) => fields.text("notice", &notice.to_string()),
        None => fields.text("by", "hand"),
    };
    let now = tx.now();
    tx.append(EntryKind::Recall, now, &fields);
}
