//! Work items: what waits for a person, and what that person decides.

use super::model::{
    DeliveryState, Hearer, HoldCause, OperatorAct, Resolution, Resolved, StoreError, WorkItem,
};
use super::sql::{Columns as _, Fault, all, all_made, first, row, run};
use super::stage::{cause_of, cause_word};
use super::writer::{Tx, failed};
use super::{Store, join, operator, reviews, whereabouts};
use crate::base::clock::Timestamp;
use crate::base::id::*;
use crate::base::limits::PAGE_ROWS_MAX;
use crate::base::vocabulary::Obligation;
use sqlx::sqlite::SqliteRow;

/// Columns of an item, as [`read`] takes them.
const COLUMNS: &str = "SELECT work_item_id, partner, cause, record_id, delivery_id, created_at, \
     resolved_at, resolution, detail, (SELECT x.requester FROM extract_work x \
     WHERE x.work_item_id = work_item.work_item_id), due_at, overdue_at, emergency_id, \
     (SELECT x.channel FROM extract_work x WHERE x.work_item_id = work_item.work_item_id) \
     FROM work_item";

/// Of one partner, what it is told of.
const OF_PARTNER: &str = "AND partner = ?3 AND cause IN (SELECT value FROM json_each(?4))";

impl Store {
    /// Open work items in order of their ids after a cursor; of one sender, or of all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn work_items(
        &self,
        partner: Option<&PartnerId>,
        after: Option<WorkItemId>,
        limit: usize,
    ) -> Result<Vec<WorkItem>, StoreError> {
        const NAME: &str = "work_items";
        let mut conn = self.reader(NAME).await?;
        let whose = match partner {
            Some(_) => OF_PARTNER,
            None => "",
        };
        let sql = format!(
            "{COLUMNS} WHERE state = 0 AND work_item_id > ?1 {whose} \
             ORDER BY work_item_id LIMIT ?2"
        );
        let after = after.map_or([0; 16], |id| id.0);
        let heard = HoldCause::ALL.into_iter();
        let heard = heard.filter(|cause| cause.settling().hearer == Hearer::Partner);
        let heard = serde_json::json!(heard.collect::<Vec<_>>()).to_string();
        let limit = limit.min(PAGE_ROWS_MAX + 1);
        let whose = partner.map(|partner| row![partner.as_str(), heard]);
        let cells = row![after, limit].into_iter();
        let cells = cells.chain(whose.into_iter().flatten());
        let found = async {
            let rows = all_made(&mut conn, &sql, cells).await?;
            rows.iter().map(read).collect::<Result<Vec<_>, _>>()
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// Why the open work item of that id waits; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn work_item_cause(&self, id: WorkItemId) -> Result<Option<HoldCause>, StoreError> {
        const NAME: &str = "work_item_cause";
        let mut conn = self.reader(NAME).await?;
        let found = async {
            let sql = "SELECT cause FROM work_item WHERE work_item_id = ? AND state = 0";
            let found = first(&mut conn, sql, row![id.0]).await?;
            found.map(|row| cause_of(&row.text(0)?)).transpose()
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// Whether that open work item is this partner's own to read and put away: a notice about a
    /// record it handed in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_own_notice(
        &self,
        partner: &PartnerId,
        id: WorkItemId,
    ) -> Result<bool, StoreError> {
        const NAME: &str = "is_own_notice";
        let mut conn = self.reader(NAME).await?;
        let sql = "SELECT 1 FROM work_item WHERE work_item_id = ? AND state = 0 \
                   AND partner = ? AND cause = ?";
        let notice = cause_word(HoldCause::EmergencyNotice);
        let found = first(&mut conn, sql, row![id.0, partner.as_str(), notice]).await;
        found
            .map(|row| row.is_some())
            .map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// Resolves an open work item. A withheld delivery is never released by this: see
    /// [`Store::request_replay`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resolve_work_item(
        &self,
        id: WorkItemId,
        resolution: Resolution,
        act: OperatorAct,
    ) -> Result<Resolved, StoreError> {
        let data = (id, resolution, act);
        self.write("resolve_work_item", data, |tx, (id, resolution, act)| {
            Box::pin(resolve(tx, *id, *resolution, act))
        })
        .await
    }
}

fn read(row: &SqliteRow) -> Result<WorkItem, Fault> {
    Ok(WorkItem {
        work_item_id: WorkItemId(row.id(0)?),
        partner: PartnerId::new(&row.text(1)?),
        cause: cause_of(&row.text(2)?)?,
        record_id: row.id_or_null(3)?.map(RecordId),
        delivery_id: row.id_or_null(4)?.map(DeliveryId),
        created_at: Timestamp(row.int(5)?),
        resolved_at: row.int_or_null(6)?.map(Timestamp),
        resolution: row.text_or_null(7)?,
        detail: row.text_or_null(8)?,
        requester: row.text_or_null(9)?.map(|id| PartnerId::new(&id)),
        due_at: row.int_or_null(10)?.map(Timestamp),
        overdue_at: row.int_or_null(11)?.map(Timestamp),
        emergency_id: row.id_or_null(12)?.map(EmergencyId),
        pulled_over: row.text_or_null(13)?.map(|name| ChannelId::new(&name)),
    })
}

const fn word(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Release => "released",
        Resolution::JoinPersons => "persons-joined",
        Resolution::Discard => "discarded",
        Resolution::Justified => "justified",
        Resolution::NotJustified => "not-justified",
        Resolution::Acknowledge => "acknowledged",
    }
}

async fn resolve(
    tx: &mut Tx,
    id: WorkItemId,
    resolution: Resolution,
    act: &OperatorAct,
) -> Result<Resolved, Fault> {
    let sql = "SELECT w.row_id, w.delivery_id, d.state IS NOT NULL AND d.state = 6, w.cause \
               FROM work_item w LEFT JOIN delivery d ON d.delivery_id = w.delivery_id \
               WHERE w.work_item_id = ? AND w.state = 0";
    let Some(item) = first(&mut tx.conn, sql, row![id.0]).await? else {
        return Ok(Resolved::Unknown);
    };
    let (row_id, delivery) = (item.id_or_null(0)?, item.id_or_null(1)?);
    let cause = cause_of(&item.text(3)?)?;
    if resolution == Resolution::Release && item.int(2)? == 1 {
        return Ok(Resolved::TwoOfficers);
    }
    let fits = match (resolution, row_id, delivery) {
        _ if !cause.settling().resolutions.contains(&resolution) => false,
        (Resolution::Justified | Resolution::NotJustified | Resolution::Acknowledge, _, _) => true,
        (Resolution::Discard, _, _) => true,
        // What a pull held goes into the requester's next one; nothing is routed anew.
        (_, _, None) if is_of_pull(tx, id).await? => resolution == Resolution::Release,
        (Resolution::Release, _, Some(delivery)) => release_delivery(tx, delivery).await?,
        (Resolution::Release, Some(row_id), None) => release_record(tx, row_id).await?,
        (Resolution::JoinPersons, Some(row_id), None) => {
            join::persons_of(tx, row_id, act).await? && release_record(tx, row_id).await?
        }
        _ => false,
    };
    if !fits {
        return Ok(Resolved::Unfit);
    }
    let looked = looked(tx);
    let sql = "UPDATE work_item SET state = 1, resolution = ?, resolved_at = ?, looked = ? \
               WHERE work_item_id = ?";
    let cells = row![word(resolution), act.at, looked, id.0];
    run(&mut tx.conn, sql, cells).await?;
    let sql = "DELETE FROM replay_request WHERE work_item_id = ?";
    run(&mut tx.conn, sql, row![id.0]).await?;
    operator::append(tx, act, (word(resolution), &id.to_string()));
    if resolution == Resolution::NotJustified {
        reviews::found_unjustified(tx, id).await?;
    }
    tx.lay_down().await?;
    Ok(Resolved::Done)
}

async fn is_of_pull(tx: &mut Tx, id: WorkItemId) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM extract_work WHERE work_item_id = ?";
    Ok(first(&mut tx.conn, sql, row![id.0]).await?.is_some())
}

async fn release_delivery(tx: &mut Tx, delivery: [u8; 16]) -> Result<bool, Fault> {
    let rests = [DeliveryState::Held, DeliveryState::Dead];
    if !super::replay::queue(tx, DeliveryId(delivery), &rests).await? {
        return Ok(false);
    }
    let sql = "UPDATE delivery SET reviewed = ?3 WHERE delivery_id = ?1 AND EXISTS (\
               SELECT 1 FROM work_item w WHERE w.delivery_id = ?1 AND w.state = 0 \
               AND w.cause = ?2)";
    let review = cause_word(HoldCause::HumanReview);
    let looked = looked(tx);
    run(&mut tx.conn, sql, row![delivery, review, looked]).await?;
    let sql = "SELECT detail FROM work_item WHERE delivery_id = ? AND state = 0 AND cause = ?";
    let owed = cause_word(HoldCause::ObligationOpen);
    for item in all(&mut tx.conn, sql, row![delivery, owed]).await? {
        let done = obligations(&item.text_or_null(0)?.unwrap_or_default());
        let sql = "UPDATE delivery SET done = done | ? WHERE delivery_id = ?";
        run(&mut tx.conn, sql, row![done, delivery]).await?;
    }
    Ok(true)
}

/// Where in the ledger a look given now stands, before its own entry: behind every change of
/// before, with an entry or without one, by the count of `person.consents_changed`. Its entry is
/// laid down with it ([`Tx::lay_down`]), so that whatever changes from then on is newer.
fn looked(tx: &Tx) -> u64 {
    tx.tail.next.saturating_add(2)
}

/// The obligations an item names, one bit each by their place in the vocabulary.
pub(super) fn obligations(detail: &str) -> u32 {
    let words = detail.split(',').filter_map(|word| word.parse().ok());
    words.fold(0, |set, one: Obligation| set | 1 << one.index())
}

/// Routes a held record, if it is still the current version.
async fn release_record(tx: &mut Tx, row_id: [u8; 16]) -> Result<bool, Fault> {
    let sql = "SELECT v.submission_id FROM record_version v \
               JOIN record r ON r.record_id = v.record_id AND r.current_row = v.row_id \
               WHERE v.row_id = ?";
    let Some(found) = first(&mut tx.conn, sql, row![row_id]).await? else {
        return Ok(false);
    };
    let now = tx.now();
    let sql = "INSERT INTO route_work (row_id, queued_at) VALUES (?, ?) ON CONFLICT DO NOTHING";
    run(&mut tx.conn, sql, row![row_id, now]).await?;
    let sql = "UPDATE record_version SET held_until = ? WHERE row_id = ?";
    run(&mut tx.conn, sql, row![tx.tail.next, row_id]).await?;
    let sql = "UPDATE submission_record SET status = 0 WHERE submission_id = ? AND row_id = ? \
               AND status = 3";
    run(&mut tx.conn, sql, row![found.id(0)?, row_id]).await?;
    whereabouts::version_changed(tx, row_id).await?;
    Ok(true)
}
