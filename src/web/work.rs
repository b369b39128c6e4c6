//! Held and failed work: what waits for a person, and what a person does about it.
//!
//! Every act of an operator carries a reason and becomes a ledger entry in the same transaction.

use super::answer::{Call, Outcome, forbidden, store_failed};
use super::desk::shown;
use super::disclosures::{reason, says_why};
use super::forms::{Form, object, required, text, word};
use super::json;
use super::paging::Page;
use super::principal::Principal;
use super::problem::{BODY_INVALID, Problem, STATE_CONFLICT};
use super::submissions::is_known;
use crate::base::id::{CHILD_ABUSE_REPORT, DeliveryId, WorkItemId};
use crate::base::paperwork::says_something;
use crate::config::Role;
use crate::store::{
    DeliveryState, OperatorAct, ReplayConfirmed, ReplayRequested, Resolution, Resolved,
    StoredRecord, WorkItem,
};
use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Items looked at for one page of a sender's, at most.
const ITEMS_LOOKED_MAX: usize = 10_000;

/// Longest reason, characters.
pub const REASON_CHARS_MAX: usize = 2_000;

/// The form of a reason alone.
pub static REASON: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![(
        "reason",
        required(text(1, REASON_CHARS_MAX)),
    )]))
});

/// The form of a resolution.
static RESOLVING: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![
        (
            "resolution",
            required(word(&Resolution::ALL, Resolution::as_str)),
        ),
        ("reason", required(text(1, REASON_CHARS_MAX))),
    ]))
});

/// What an operator writes for the ledger.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolving {
    resolution: Resolution,
    reason: String,
}

/// Open work items: a partner's own, an operator's all.
pub async fn items(call: &Call) -> Outcome {
    let page = Page::of(call)?;
    let after = page.after(WorkItemId::parse)?;
    let own = match &call.principal {
        Some(Principal::Partner(pass)) => Some(&pass.id),
        _ => None,
    };
    let (mut items, mut looked, mut next) = (Vec::new(), 0, None);
    let (mut behind, limit) = (after, page.rows_and_one());
    // What its sender is not told of takes no place, and no cursor names it.
    while items.len() < limit {
        let found = call.site.store.work_items(own, behind, limit).await;
        let found = found.map_err(|error| store_failed(&error))?;
        let (count, last) = (found.len(), found.last().map(|item| item.work_item_id));
        for item in found {
            if own.is_none() || is_told(call, &item).await? {
                items.push(item);
            }
        }
        looked += count;
        if count < limit {
            break;
        }
        behind = last;
        if looked >= ITEMS_LOOKED_MAX {
            next = last.map(|id| page.cursor_of(&id.to_string()));
            break;
        }
    }
    let cut = page.cut(&mut items, |item| item.work_item_id.to_string());
    let named = may_be_named(call).await?;
    let mut told: Vec<Value> = Vec::with_capacity(items.len());
    for item in &items {
        told.push(shown(call, item, named).await?);
    }
    Ok(HttpResponse::Ok().json(json!({ "work_items": told, "next_cursor": cut.or(next) })))
}

/// Whether whoever reads the list says why, as operators may: only then an item names the person it
/// is about. That it was read so is entered first.
async fn may_be_named(call: &Call) -> Result<bool, Problem> {
    if !matches!(call.principal, Some(Principal::Operator(_))) || !says_why(call) {
        return Ok(false);
    }
    let act = act(call, reason(call)?)?;
    let store = &call.site.store;
    let noted = store.record_operator_action(act, "work_items_read", "all");
    noted.await.map_err(|error| store_failed(&error))?;
    Ok(true)
}

/// Whether a record's sender is told of the item: not where it is about a delivery to somebody it
/// does not know of, or a pull by such a one.
async fn is_told(call: &Call, item: &WorkItem) -> Result<bool, Problem> {
    let store = &call.site.store;
    let to = match (item.delivery_id, &item.requester) {
        (Some(delivery), _) => {
            let delivery = store.delivery(delivery).await;
            let delivery = delivery.map_err(|error| store_failed(&error))?;
            delivery.map(|delivery| delivery.partner)
        }
        (None, Some(requester)) => Some(requester.clone()),
        (None, None) => return Ok(true),
    };
    let Some(record) = item.record_id else {
        return Ok(true);
    };
    let stored = store.record(record).await;
    let stored = stored.map_err(|error| store_failed(&error))?;
    let rules = call.site.rules.load();
    let both = to.zip(stored);
    Ok(both.is_some_and(|(to, stored)| is_known(&rules, &stored, &to)))
}

/// Resolves one.
pub async fn resolve(mut call: Call) -> Outcome {
    let id = WorkItemId::parse(call.part("id")).ok_or_else(Problem::not_found)?;
    let cause = call.site.store.work_item_cause(id).await;
    let cause = cause.map_err(|error| store_failed(&error))?;
    let cause = cause.ok_or_else(Problem::not_found)?;
    let resolving: Resolving = json::read(&mut call, &RESOLVING).await?;
    // Who is whom is never an integrator's to say.
    let officers = cause.settling().officers || resolving.resolution == Resolution::JoinPersons;
    if officers && !call.operator()?.roles.contains(&Role::PrivacyOfficer) {
        return Err(forbidden());
    }
    let act = act(&call, resolving.reason)?;
    let done = call
        .site
        .store
        .resolve_work_item(id, resolving.resolution, act)
        .await;
    match done.map_err(|error| store_failed(&error))? {
        Resolved::Done => Ok(done_now()),
        Resolved::Unknown => Err(Problem::not_found()),
        Resolved::Unfit => Err(conflict("the item does not take this resolution now")),
        Resolved::TwoOfficers => Err(conflict(
            "withheld by law or consent: two officers replay its delivery, or discard the item",
        )),
    }
}

/// An acknowledgement says nothing more than its address.
static READ: LazyLock<Form> = LazyLock::new(|| Form::of(object(Vec::new())));

/// A partner has read a notice about a record it handed in.
pub async fn acknowledge(mut call: Call) -> Outcome {
    let pass = call.partner()?;
    let id = WorkItemId::parse(call.part("id")).ok_or_else(Problem::not_found)?;
    let store = &call.site.store;
    let own = store.is_own_notice(&pass.id, id).await;
    if !own.map_err(|error| store_failed(&error))? {
        return Err(Problem::not_found());
    }
    json::read_none(&mut call, &READ).await?;
    let act = OperatorAct {
        operator: format!("partner {}", pass.id),
        reason: String::from("read"),
        at: call.site.clock.now(),
    };
    let store = &call.site.store;
    let done = store.resolve_work_item(id, Resolution::Acknowledge, act);
    match done.await.map_err(|error| store_failed(&error))? {
        Resolved::Done => Ok(done_now()),
        _ => Err(Problem::not_found()),
    }
}

/// Queues a dead or held delivery again; it is decided anew before it is sent. For a withheld one
/// this is the request of a first privacy officer, which a second one confirms.
pub async fn replay(mut call: Call) -> Outcome {
    let id = DeliveryId::parse(call.part("id")).ok_or_else(Problem::not_found)?;
    let found = call.site.store.delivery(id).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let found = found.ok_or_else(Problem::not_found)?;
    let Reason { reason } = json::read(&mut call, &REASON).await?;
    let act = act(&call, reason)?;
    let record = call.site.store.record(found.record_id).await;
    let record = record.map_err(|error| store_failed(&error))?;
    let report = |record: StoredRecord| record.record_type.as_str() == CHILD_ABUSE_REPORT;
    if found.attempts > 0 && record.is_some_and(report) {
        return Err(conflict(
            "a copy of a child-abuse report is never sent again: ask the agency by phone",
        ));
    }
    if found.state == DeliveryState::Withheld {
        return request(&call, id, act).await;
    }
    let done = call.site.store.replay(id, act).await;
    if done.map_err(|error| store_failed(&error))? {
        Ok(done_now())
    } else {
        Err(conflict(
            "only what is held, dead or withheld is tried again",
        ))
    }
}

/// One officer alone never makes a withheld delivery move.
async fn request(call: &Call, id: DeliveryId, act: OperatorAct) -> Outcome {
    if !call.operator()?.roles.contains(&Role::PrivacyOfficer) {
        return Err(forbidden());
    }
    let asked = call.site.store.request_replay(id, act).await;
    match asked.map_err(|error| store_failed(&error))? {
        ReplayRequested::Recorded { until } => {
            let body = json!({ "status": "waits-for-second-officer", "until": until.to_rfc3339() });
            Ok(HttpResponse::Accepted().json(body))
        }
        ReplayRequested::Waits { until } => Err(conflict(format!(
            "asked for already: a second officer may confirm until {}",
            until.to_rfc3339()
        ))),
        ReplayRequested::NotWithheld => Err(conflict("it is withheld no more")),
    }
}

/// A second officer confirms that a withheld delivery is decided again.
pub async fn confirm_replay(mut call: Call) -> Outcome {
    let id = DeliveryId::parse(call.part("id")).ok_or_else(Problem::not_found)?;
    let found = call.site.store.delivery(id).await;
    let found = found.map_err(|error| store_failed(&error))?;
    found.ok_or_else(Problem::not_found)?;
    let Reason { reason } = json::read(&mut call, &REASON).await?;
    let act = act(&call, reason)?;
    let confirmed = call.site.store.confirm_replay(id, act).await;
    match confirmed.map_err(|error| store_failed(&error))? {
        ReplayConfirmed::Queued => Ok(done_now()),
        ReplayConfirmed::SameOfficer => Err(conflict("another officer than the first confirms")),
        ReplayConfirmed::NotAsked => Err(conflict(
            "nothing waits for a second officer: it was not asked for, or the time has run out",
        )),
    }
}

fn conflict(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(&STATE_CONFLICT, detail)
}

/// The calling operator's act, for the ledger.
pub fn act(call: &Call, reason: String) -> Result<OperatorAct, Problem> {
    if !says_something(&reason) {
        return Err(Problem::new(&BODY_INVALID, "give a reason in words"));
    }
    Ok(OperatorAct {
        operator: call.operator()?.id.clone(),
        reason,
        at: call.site.clock.now(),
    })
}

/// The answer where there is nothing to show.
pub fn done_now() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "done" }))
}

impl Reason {
    /// The words.
    pub fn into_text(self) -> String {
        self.reason
    }
}
