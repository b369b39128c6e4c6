//! What operators did: a ledger entry each, with a reason.

use super::model::{LedgerPromise, OperatorAct, StoreError};
use super::sql::Fault;
use super::writer::{Appended, Tx};
use super::{Store, accept};
use crate::base::clock::Timestamp;
use crate::ledger::entry::{EntryKind, Fields};

impl Store {
    /// Records an operator's action that changes nothing in this store by itself (a reload of the
    /// rules, a decision asked for, an accounting read).
    ///
    /// # Errors
    /// When the database fails; the action must then not be done.
    pub async fn record_operator_action(
        &self,
        act: OperatorAct,
        action: &str,
        target: &str,
    ) -> Result<LedgerPromise, StoreError> {
        let data = (act, action.to_owned(), target.to_owned());
        self.write(
            "record_operator_action",
            data,
            |tx, (act, action, target)| {
                Box::pin(async move {
                    let entry = append(tx, act, (action, target));
                    Ok::<_, Fault>(accept::promise(tx, &entry))
                })
            },
        )
        .await
    }
}

impl Store {
    /// Records what the gateway is about to do without an operator of the API: whoever may signal
    /// the process has it read its rules again.
    ///
    /// # Errors
    /// When the database fails; the action must then not be done.
    pub async fn record_system_action(
        &self,
        at: Timestamp,
        action: &str,
        target: &str,
    ) -> Result<LedgerPromise, StoreError> {
        let data = (at, action.to_owned(), target.to_owned());
        self.write("record_system_action", data, |tx, (at, action, target)| {
            Box::pin(async move {
                let fields = Fields::new().text("action", action).text("target", target);
                let entry = tx.append(EntryKind::System, *at, &fields);
                Ok::<_, Fault>(accept::promise(tx, &entry))
            })
        })
        .await
    }
}

/// Appends the entry of an action on a target (an id, never a value).
pub(super) fn append(tx: &mut Tx, act: &OperatorAct, (action, target): (&str, &str)) -> Appended {
    let fields = Fields::new()
        .text("operator", &act.operator)
        .text("action", action)
        .text("target", target)
        .text("reason", &act.reason);
    tx.append(EntryKind::Operator, act.at, &fields)
}
