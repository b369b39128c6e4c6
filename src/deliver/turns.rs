//! What the calendar alone changes: facts and consents whose day has come have what waits decided
//! again, as an entry of the registry would.
//!
//! It looks at what is due and at nothing else, and decides nothing itself.

use crate::base::clock::Timestamp;
use crate::base::vocabulary::RecallReason;
use crate::kept::{audience, held, held_facts};
use crate::release::{Turns, turns_of_consent, turns_of_fact};
use crate::rules::Rules;
use crate::store::{Store, StoreError, Turn};

/// Looks at one page of what is due; gives how many there were.
pub(super) async fn turn_some(
    store: &Store,
    rules: &Rules,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let page = store.turns_due(now).await?;
    let facts: Vec<Turn> = page
        .facts
        .iter()
        .map(|(fact, minded)| {
            let held = held_facts(std::slice::from_ref(fact));
            let turns = held.first().map(|held| turns_of_fact(rules, held));
            let since = (fact.entered_at.max(*minded), now);
            let reason = RecallReason::NoLongerPermitted;
            turn(&turns.unwrap_or_default(), since, reason)
        })
        .collect();
    let consents: Vec<Turn> = page
        .consents
        .iter()
        .map(|(consent, minded)| {
            let held = held(std::slice::from_ref(consent));
            let turns = held.first().map(turns_of_consent);
            let since = (consent.lodged_at.max(*minded), now);
            let reason = RecallReason::ConsentEnded;
            Turn {
                audience: Some(audience(rules, &consent.body)),
                ..turn(&turns.unwrap_or_default(), since, reason)
            }
        })
        .collect();
    let found = page.len();
    if found > 0 {
        store.turned(page, (facts, consents), now).await?;
    }
    Ok(found)
}

/// What has turned since it was last minded. What begins to close is recalled as of that instant:
/// what has merely run out is not.
fn turn(turns: &Turns, (since, now): (Timestamp, Timestamp), reason: RecallReason) -> Turn {
    let closed = turns.closed_within(since, now);
    Turn {
        next: turns.next(now),
        turned: turns.any_within(since, now),
        recall: closed.map(|at| (reason, at)),
        audience: None,
    }
}
