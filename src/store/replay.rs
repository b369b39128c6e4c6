//! Sending again: a held or dead delivery by one operator, a withheld one by two.
//!
//! A replay only queues: the delivery is decided anew before it is sent, so that no officer opens
//! what law and consent keep closed. What is withheld moves only when a second, different officer
//! confirms in time; until then nothing changes but the ledger and a work item.

use super::model::{
    DeliveryState, HoldCause, OperatorAct, ReplayConfirmed, ReplayRequested, StoreError,
};
use super::route::{DELIVERY_WORK, delivery_work_row};
use super::script::Script;
use super::sql::{Columns as _, Fault, all, first, row, run};
use super::transition::{Moves, moves};
use super::writer::Tx;
use super::{Store, claim::state_code, operator};
use crate::base::clock::Timestamp;
use crate::base::id::DeliveryId;
use crate::base::limits::SECOND_OFFICER_WAIT;
use crate::outbox::Event;

impl Store {
    /// Queues a delivery again that was held or dead, at once and with its attempts kept. `false`
    /// when it is unknown or in no such state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replay(
        &self,
        delivery_id: DeliveryId,
        act: OperatorAct,
    ) -> Result<bool, StoreError> {
        self.write("replay", (delivery_id, act), |tx, (id, act)| {
            Box::pin(replay(tx, *id, act))
        })
        .await
    }

    /// A first officer asks that a withheld delivery be decided again. It stays where it is; a
    /// work item says that a second officer is waited for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_replay(
        &self,
        delivery_id: DeliveryId,
        act: OperatorAct,
    ) -> Result<ReplayRequested, StoreError> {
        self.write("request_replay", (delivery_id, act), |tx, (id, act)| {
            Box::pin(request(tx, *id, act))
        })
        .await
    }

    /// A second officer confirms: the delivery is queued for a new decision.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm_replay(
        &self,
        delivery_id: DeliveryId,
        act: OperatorAct,
    ) -> Result<ReplayConfirmed, StoreError> {
        self.write("confirm_replay", (delivery_id, act), |tx, (id, act)| {
            Box::pin(confirm(tx, *id, act))
        })
        .await
    }

    /// Ends requests no second officer confirmed in time, and those whose delivery is withheld no
    /// more. How many.
    ///
    /// # Errors
    /// When the database fails; they are refused all the same.
    pub async fn end_overdue_replays(&self) -> Result<u64, StoreError> {
        self.write("end_overdue_replays", (), |tx, ()| {
            Box::pin(end_overdue(tx))
        })
        .await
    }
}

async fn replay(tx: &mut Tx, id: DeliveryId, act: &OperatorAct) -> Result<bool, Fault> {
    if !queue(tx, id, &[DeliveryState::Held, DeliveryState::Dead]).await? {
        return Ok(false);
    }
    let sql = "UPDATE work_item SET state = 1, resolution = 'replayed', resolved_at = ? \
               WHERE state = 0 AND due_at IS NULL AND delivery_id = ?";
    run(&mut tx.conn, sql, row![act.at, id.0]).await?;
    operator::append(tx, act, ("replay", &id.to_string()));
    Ok(true)
}

/// Makes a delivery that rests in one of these states wait for its next attempt.
pub(super) async fn queue(
    tx: &mut Tx,
    id: DeliveryId,
    from: &[DeliveryState],
) -> Result<bool, Fault> {
    let Moves { set, from } = moves(Event::Replay, from);
    let sql = format!(
        "UPDATE delivery SET {set}, next_at = ?1, due_since = ?1, updated_at = ?1 \
         WHERE {from} AND delivery_id = ?2 RETURNING state"
    );
    let mut script = Script::default();
    let queued = script.add(&sql, row![tx.now(), id.0]);
    let rows = script.run(&mut tx.conn).await?.take(&queued);
    let state = rows.first().map(|row| row.int(0)).transpose()?;
    // An older version is not sent again.
    Ok(state.is_some_and(|state| state != state_code(DeliveryState::Superseded)))
}

async fn is_withheld(tx: &mut Tx, id: DeliveryId) -> Result<bool, Fault> {
    let sql = "SELECT state FROM delivery WHERE delivery_id = ?";
    let found = first(&mut tx.conn, sql, row![id.0]).await?;
    let state = found.map(|row| row.int(0)).transpose()?;
    Ok(state == Some(state_code(DeliveryState::Withheld)))
}

/// A request that waits for a second officer.
struct Open {
    officer: String,
    until: Timestamp,
}

async fn open_request(tx: &mut Tx, id: DeliveryId) -> Result<Option<Open>, Fault> {
    let sql = "SELECT officer, until FROM replay_request WHERE delivery_id = ? AND until > ?";
    let now = tx.now();
    let found = first(&mut tx.conn, sql, row![id.0, now]).await?;
    found
        .map(|row| {
            Ok(Open {
                officer: row.text(0)?,
                until: Timestamp(row.int(1)?),
            })
        })
        .transpose()
}

async fn request(tx: &mut Tx, id: DeliveryId, act: &OperatorAct) -> Result<ReplayRequested, Fault> {
    if !is_withheld(tx, id).await? {
        return Ok(ReplayRequested::NotWithheld);
    }
    if let Some(open) = open_request(tx, id).await? {
        return Ok(ReplayRequested::Waits { until: open.until });
    }
    // One that ran out and was not yet ended.
    end(tx, id, "expired").await?;
    let now = tx.now();
    let until = now.after(SECOND_OFFICER_WAIT);
    let asked = (HoldCause::ReplayConfirmation, false);
    let item = delivery_work_row(asked, id, (now, None));
    let [item_id, ..] = item.clone();
    run(&mut tx.conn, DELIVERY_WORK, item).await?;
    let sql = "INSERT INTO replay_request (delivery_id, officer, asked_at, until, work_item_id) \
               VALUES (?, ?, ?, ?, ?)";
    let cells = row![id.0, act.operator.as_str(), now, until, item_id];
    run(&mut tx.conn, sql, cells).await?;
    operator::append(tx, act, ("replay-requested", &id.to_string()));
    Ok(ReplayRequested::Recorded { until })
}

async fn confirm(tx: &mut Tx, id: DeliveryId, act: &OperatorAct) -> Result<ReplayConfirmed, Fault> {
    let Some(open) = open_request(tx, id).await? else {
        return Ok(ReplayConfirmed::NotAsked);
    };
    if open.officer == act.operator {
        return Ok(ReplayConfirmed::SameOfficer);
    }
    if !queue(tx, id, &[DeliveryState::Withheld]).await? {
        return Ok(ReplayConfirmed::NotAsked);
    }
    end(tx, id, "replayed").await?;
    operator::append(tx, act, ("replay-confirmed", &id.to_string()));
    Ok(ReplayConfirmed::Queued)
}

/// Ends the request of a delivery, if there is one, and its work item.
pub(super) async fn end(tx: &mut Tx, id: DeliveryId, how: &str) -> Result<bool, Fault> {
    let sql = "UPDATE work_item SET state = 1, resolution = ?, resolved_at = ? WHERE state = 0 \
               AND work_item_id = (SELECT work_item_id FROM replay_request WHERE delivery_id = ?)";
    let now = tx.now();
    run(&mut tx.conn, sql, row![how, now, id.0]).await?;
    let sql = "DELETE FROM replay_request WHERE delivery_id = ?";
    Ok(run(&mut tx.conn, sql, row![id.0]).await? > 0)
}

async fn end_overdue(tx: &mut Tx) -> Result<u64, Fault> {
    let sql = "SELECT q.delivery_id, q.officer, q.until <= ?1 FROM replay_request q \
               JOIN delivery d ON d.delivery_id = q.delivery_id \
               WHERE q.until <= ?1 OR d.state <> ?2";
    let now = tx.now();
    let withheld = state_code(DeliveryState::Withheld);
    let mut ended = 0;
    for found in all(&mut tx.conn, sql, row![now, withheld]).await? {
        let id = DeliveryId(found.id(0)?);
        let (how, reason) = match found.int(2)? {
            1 => ("expired", "no second officer confirmed in time"),
            _ => ("moot", "the delivery is withheld no more"),
        };
        end(tx, id, how).await?;
        let act = OperatorAct {
            operator: found.text(1)?,
            reason: reason.to_owned(),
            at: now,
        };
        operator::append(tx, &act, ("replay-ended", &id.to_string()));
        ended += 1;
    }
    Ok(ended)
}
