//! Reading for people: a submission's timeline, the lanes' queues, how the store is.

use super::claim::state_of;
use super::model::{
    DeliveryView, LaneStat, RecordTimeline, StoreError, StoreHealth, StoredRecord, SubmissionView,
};
use super::sql::{Cell, Columns as _, Fault, all, first, for_keys, row};
use super::submission::{self, unsigned};
use super::writer::failed;
use super::{Store, open, setup};
use crate::base::clock::Timestamp;
use crate::base::id::*;
use crate::base::limits::PAGE_ROWS_MAX;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::HashMap;

impl Store {
    /// A partner's submission with its first records and where they went; `None` when it is
    /// unknown, another partner's or not sealed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn submission(
        &self,
        partner: &PartnerId,
        id: SubmissionId,
    ) -> Result<Option<SubmissionView>, StoreError> {
        const NAME: &str = "submission";
        let mut conn = self.reader(NAME).await?;
        let found = self.view(&mut conn, partner, id).await;
        found.map_err(|fault| failed(NAME, &fault))
    }

    async fn view(
        &self,
        conn: &mut SqliteConnection,
        partner: &PartnerId,
        id: SubmissionId,
    ) -> Result<Option<SubmissionView>, Fault> {
        let head = submission::head(conn, &self.inner.keys, id).await?;
        let Some(head) = head.filter(|head| head.partner == *partner) else {
            return Ok(None);
        };
        let page = (id, None, PAGE_ROWS_MAX);
        let verdicts = submission::verdicts(conn, &self.inner.keys, page).await?;
        let sql = "SELECT record_index, row_id FROM submission_record WHERE submission_id = ? \
                   AND status IN (0, 3) ORDER BY record_index LIMIT ?";
        let mut rows: HashMap<i64, [u8; 16]> = HashMap::new();
        for row in all(conn, sql, row![id.0, PAGE_ROWS_MAX]).await? {
            rows.insert(row.int(0)?, row.id(1)?);
        }
        let keys: Vec<Cell> = rows.values().map(|row| Cell::from(*row)).collect();
        let mut sent = deliveries_of_rows(conn, &keys).await?;
        let ids: Vec<[u8; 16]> = sent.keys().copied().collect();
        let opened = open::records(conn, &self.inner.keys, &ids).await?;
        let opened = opened.into_iter().map(|one| (one.row_id, one.record));
        let mut opened: HashMap<[u8; 16], StoredRecord> = opened.collect();
        let records = verdicts.into_iter().map(|verdict| {
            let row = rows.get(&i64::from(verdict.index));
            RecordTimeline {
                verdict,
                deliveries: row.and_then(|row| sent.remove(row)).unwrap_or_default(),
                stored: row.and_then(|row| opened.remove(row)),
            }
        });
        Ok(Some(SubmissionView {
            submission_id: id,
            channel: head.channel,
            received_at: head.received_at,
            correlation_id: head.correlation_id,
            body_digest: head.body_digest,
            rule_set: head.rule_set,
            counts: head.counts,
            ledger: head.ledger,
            records: records.collect(),
        }))
    }

    /// Every lane with something waiting, test traffic apart.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lanes(&self) -> Result<Vec<LaneStat>, StoreError> {
        const NAME: &str = "lanes";
        let mut conn = self.reader(NAME).await?;
        let sql = "SELECT partner, channel, count(*), min(due_since) FROM delivery \
                   WHERE state IN (0, 4) AND test = 0 GROUP BY partner, channel";
        let found = async {
            let rows = all(&mut conn, sql, []).await?;
            rows.iter()
                .map(|row| {
                    Ok(LaneStat {
                        partner: PartnerId::new(&row.text(0)?),
                        channel: ChannelId::new(&row.text(1)?),
                        pending: unsigned(row, 2)?,
                        oldest_at: row.int_or_null(3)?.map(Timestamp),
                    })
                })
                .collect::<Result<Vec<_>, Fault>>()
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }

    /// How the store is: what waits, where the ledger stands. Fails when it cannot be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn health(&self) -> Result<StoreHealth, StoreError> {
        const NAME: &str = "health";
        let mut conn = self.reader(NAME).await?;
        let sql = "SELECT (SELECT count(*) FROM route_work), \
                   (SELECT count(*) FROM work_item WHERE state = 0 AND test = 0), \
                   (SELECT count(*) FROM work_item WHERE state = 0 AND test = 0 \
                   AND due_at IS NOT NULL AND overdue_at IS NOT NULL), \
                   (SELECT coalesce(max(position) + 1, 0) FROM ledger_entry)";
        let found = async {
            let sequenced = setup::sequenced(&mut conn).await?;
            let row = first(&mut conn, sql, []).await?;
            let row = row.ok_or(Fault::Damaged("no row"))?;
            Ok(StoreHealth {
                routes_waiting: unsigned(&row, 0)?,
                work_items_open: unsigned(&row, 1)?,
                reviews_overdue: unsigned(&row, 2)?,
                entries: unsigned(&row, 3)?,
                entries_sequenced: sequenced,
                in_flight: crate::base::limits::IN_FLIGHT_MAX
                    - self.inner.in_flight.available_permits(),
            })
        };
        found.await.map_err(|fault: Fault| failed(NAME, &fault))
    }
}

const DELIVERY_COLUMNS: &str = "SELECT delivery_id, record_id, version, partner, channel, state, \
     generation, attempts, queued_at, updated_at, next_at, detail, row_id FROM delivery WHERE";

/// Deliveries by one indexed column.
pub(super) async fn deliveries(
    conn: &mut SqliteConnection,
    column: &'static str,
    keys: &[Cell],
) -> Result<Vec<DeliveryView>, Fault> {
    let head = format!("{DELIVERY_COLUMNS} {column} IN");
    let rows = for_keys(conn, &head, "ORDER BY queued_at", &[], keys).await?;
    rows.iter().map(read).collect()
}

async fn deliveries_of_rows(
    conn: &mut SqliteConnection,
    rows: &[Cell],
) -> Result<HashMap<[u8; 16], Vec<DeliveryView>>, Fault> {
    let head = format!("{DELIVERY_COLUMNS} recall_of IS NULL AND row_id IN");
    let mut out: HashMap<[u8; 16], Vec<DeliveryView>> = HashMap::new();
    for row in for_keys(conn, &head, "ORDER BY queued_at", &[], rows).await? {
        out.entry(row.id(12)?).or_default().push(read(&row)?);
    }
    Ok(out)
}

fn read(row: &SqliteRow) -> Result<DeliveryView, Fault> {
    let small = |index| u32::try_from(row.int(index)?).map_err(|_| Fault::Damaged("a count"));
    Ok(DeliveryView {
        delivery_id: DeliveryId(row.id(0)?),
        record_id: RecordId(row.id(1)?),
        version: row.digest(2)?,
        partner: PartnerId::new(&row.text(3)?),
        channel: ChannelId::new(&row.text(4)?),
        state: state_of(row.int(5)?)?,
        generation: small(6)?,
        attempts: small(7)?,
        queued_at: Timestamp(row.int(8)?),
        updated_at: Timestamp(row.int(9)?),
        next_at: Timestamp(row.int(10)?),
        detail: row.text_or_null(11)?,
    })
}
