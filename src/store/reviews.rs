//! Reviews of what went at once: whether they are done in time, and what they found.
//!
//! Nothing is stopped or taken back here: a verdict and a missed deadline are entries of the ledger
//! and a matter for people.

use super::Store;
use super::model::StoreError;
use super::sql::{Columns as _, Fault, all, first, row, run};
use super::writer::Tx;
use crate::base::id::{DeliveryId, EmergencyId, RecordId, WorkItemId};
use crate::base::limits::PAGE_ROWS_MAX;
use crate::ledger::entry::{EntryKind, Fields};

impl Store {
    /// Marks reviews whose time has run out as overdue, some at a time, each once; gives which.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_overdue_reviews(&self) -> Result<Vec<WorkItemId>, StoreError> {
        self.write("mark_overdue_reviews", (), |tx, ()| {
            Box::pin(mark_overdue(tx))
        })
        .await
    }
}

async fn mark_overdue(tx: &mut Tx) -> Result<Vec<WorkItemId>, Fault> {
    let now = tx.now();
    let sql = "SELECT work_item_id FROM work_item INDEXED BY work_item_due \
               WHERE state = 0 AND due_at IS NOT NULL AND due_at <= ? AND overdue_at IS NULL \
               ORDER BY due_at LIMIT ?";
    let mut out = Vec::new();
    for found in all(&mut tx.conn, sql, row![now, PAGE_ROWS_MAX]).await? {
        let id = WorkItemId(found.id(0)?);
        let sql = "UPDATE work_item SET overdue_at = ? WHERE work_item_id = ?";
        run(&mut tx.conn, sql, row![now, id.0]).await?;
        append(tx, id, "overdue").await?;
        out.push(id);
    }
    Ok(out)
}

/// A review has found that what went should not have gone.
pub(super) async fn found_unjustified(tx: &mut Tx, id: WorkItemId) -> Result<(), Fault> {
    append(tx, id, "finding-opened").await
}

async fn append(tx: &mut Tx, id: WorkItemId, what: &str) -> Result<(), Fault> {
    let sql = "SELECT w.record_id, w.delivery_id, d.partner, w.test, w.emergency_id \
               FROM work_item w LEFT JOIN delivery d ON d.delivery_id = w.delivery_id \
               WHERE w.work_item_id = ?";
    let found = first(&mut tx.conn, sql, row![id.0]).await?;
    let found = found.ok_or(Fault::Damaged("a work item is missing"))?;
    let mut fields = Fields::new()
        .text("change", what)
        .text("work_item", &id.to_string());
    if let Some(record) = found.id_or_null(0)? {
        fields = fields.text("record", &RecordId(record).to_string());
    }
    if let Some(delivery) = found.id_or_null(1)? {
        fields = fields.text("delivery", &DeliveryId(delivery).to_string());
    }
    if let Some(partner) = found.text_or_null(2)? {
        fields = fields.text("partner", &partner);
    }
    if let Some(emergency) = found.id_or_null(4)? {
        fields = fields.text("emergency", &EmergencyId(emergency).to_string());
    }
    let fields = fields.int("test", found.int(3)?);
    let now = tx.now();
    tx.append(EntryKind::Review, now, &fields);
    Ok(())
}
