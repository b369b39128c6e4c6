//! Steps of the outbox as SQL: what the machine says of every standing, as one `CASE`.
//!
//! Statements over many deliveries and the end of a single one apply the same function. Nothing
//! here may name a transition of its own.

use super::claim::state_code;
use super::sql::Fault;
use crate::outbox::{Arrival, Delivery, DeliveryState, Event, step};
use std::fmt::Write as _;

/// Whether the record of a delivery has a newer version.
/// A notice is about what was sent: newer versions change nothing about it.
pub(super) const OUTDATED: &str = "coalesce(delivery.recall_of IS NULL AND delivery.row_id <> \
     (SELECT r.current_row FROM record r WHERE r.record_id = delivery.record_id), 0)";

/// The number an arrival is stored as.
pub(super) const fn arrival_code(arrival: Arrival) -> i64 {
    match arrival {
        Arrival::No => 0,
        Arrival::Perhaps => 1,
        Arrival::Yes => 2,
    }
}

/// The arrival of a stored number.
pub(super) fn arrival_of(code: i64) -> Result<Arrival, Fault> {
    Arrival::ALL
        .into_iter()
        .find(|arrival| arrival_code(*arrival) == code)
        .ok_or(Fault::Damaged("an exposure is unknown"))
}

/// An event as two parts of an `UPDATE delivery`.
pub(super) struct Moves {
    /// Assignments to `state` and `exposure`.
    pub(super) set: String,
    /// Condition: the states in which the event can happen.
    pub(super) from: String,
}

/// What an event does to deliveries of these states. Nothing it does may depend on kept bytes.
pub(super) fn moves(event: Event, states: &[DeliveryState]) -> Moves {
    let (mut to_state, mut to_exposure) = (String::new(), String::new());
    let mut from: Vec<String> = Vec::new();
    for state in states.iter().copied() {
        for (key, to) in standings(state).filter_map(|(key, d)| moved(key, d, event)) {
            let code = state_code(state).to_string();
            if from.last() != Some(&code) {
                from.push(code);
            }
            // A string takes it all.
            let _ = write!(to_state, " WHEN {key} THEN {}", state_code(to.state));
            let _ = write!(to_exposure, " WHEN {key} THEN {}", arrival_code(to.arrival));
        }
    }
    let key = format!("state * 8 + exposure * 2 + {OUTDATED}");
    Moves {
        set: format!(
            "state = CASE {key}{to_state} ELSE state END, \
             exposure = CASE {key}{to_exposure} ELSE exposure END"
        ),
        from: format!("state IN ({})", from.join(", ")),
    }
}

fn moved(key: i64, delivery: Delivery, event: Event) -> Option<(i64, Delivery)> {
    let (to, _) = step(delivery, event)?;
    let same = to.state == delivery.state && to.arrival == delivery.arrival;
    (!same).then_some((key, to))
}

/// Every standing in a state, with the number the statement knows it by.
fn standings(state: DeliveryState) -> impl Iterator<Item = (i64, Delivery)> {
    Arrival::ALL.into_iter().flat_map(move |arrival| {
        [false, true].into_iter().map(move |outdated| {
            let key = state_code(state) * 8 + arrival_code(arrival) * 2 + i64::from(outdated);
            let delivery = Delivery {
                state,
                kept: arrival > Arrival::No,
                arrival,
                outdated,
            };
            (key, delivery)
        })
    })
}
