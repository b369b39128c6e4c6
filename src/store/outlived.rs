//! Work items that outlive what they wait for: an item about a delivery that has gone on another
//! way ends by itself, saying how.
//!
//! Which causes end so, and by what, the table of causes says. A look at what went stays, and so
//! does a look shared by several deliveries of one version while one of them is withheld still.

use super::claim::state_code;
use super::model::{DeliveryState, HoldCause};
use super::script::Script;
use super::sql::Cell;
use super::stage::cause_word;
use crate::base::clock::Timestamp;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// Whether a delivery in this state may have ended an item.
pub(super) fn ends(state: DeliveryState) -> bool {
    how(state).is_some()
}

/// How such an item is said to have ended.
const fn how(state: DeliveryState) -> Option<&'static str> {
    match state {
        DeliveryState::Confirmed => Some("delivered"),
        DeliveryState::Withdrawn => Some("withdrawn"),
        DeliveryState::Superseded => Some("superseded"),
        DeliveryState::Dead => Some("ended"),
        DeliveryState::Pending
        | DeliveryState::Leased
        | DeliveryState::Authorised
        | DeliveryState::Ambiguous
        | DeliveryState::Withheld
        | DeliveryState::Held => None,
    }
}

/// A look of this cause is asked for once for each version and recipient, whatever the channel.
fn is_shared(cause: HoldCause) -> bool {
    matches!(cause, HoldCause::HumanReview | HoldCause::StandingUnknown)
}

static CLOSING: LazyLock<(String, String)> = LazyLock::new(closing);

/// The statement before and after the keys of the deliveries that have ended.
fn closing() -> (String, String) {
    let (mut word, mut met, mut shared) = (String::new(), String::new(), String::new());
    for state in DeliveryState::ALL {
        if let Some(how) = how(state) {
            // A string takes it all.
            let _ = write!(word, " WHEN {} THEN '{how}'", state_code(state));
        }
    }
    for cause in HoldCause::ALL {
        let name = cause_word(cause);
        for state in cause.settling().outlived {
            let or = if met.is_empty() { "" } else { " OR " };
            let _ = write!(
                met,
                "{or}w.cause = '{name}' AND d.state = {}",
                state_code(*state)
            );
        }
        if is_shared(cause) {
            let comma = if shared.is_empty() { "" } else { ", " };
            let _ = write!(shared, "{comma}'{name}'");
        }
    }
    let withheld = state_code(DeliveryState::Withheld);
    let head = format!(
        "UPDATE work_item SET state = 1, resolved_at = ?, resolution = (SELECT CASE d.state{word} \
         END FROM delivery d WHERE d.delivery_id = work_item.delivery_id) \
         WHERE +state = 0 AND work_item_id IN (SELECT w.work_item_id FROM delivery e \
         CROSS JOIN work_item w ON w.row_id = e.row_id \
         CROSS JOIN delivery d ON d.delivery_id = w.delivery_id \
         WHERE +w.state = 0 AND ({met}) AND NOT (w.cause IN ({shared}) AND EXISTS (\
         SELECT 1 FROM delivery o WHERE o.row_id = d.row_id AND o.partner = d.partner \
         AND o.state = {withheld})) AND e.delivery_id IN"
    );
    (head, String::from(")"))
}

/// Ends what the end of these deliveries has made idle, as they then stand.
pub(super) fn close(script: &mut Script, settled: Vec<Cell>, now: Timestamp) {
    let (head, tail) = (CLOSING.0.as_str(), CLOSING.1.as_str());
    script.keys((head, tail), &[Cell::from(now)], settled);
}
