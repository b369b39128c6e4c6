//! Accounting of disclosures: who was given what about a person, when, and on what ground.
//!
//! It reads the accounting alone; test traffic is not in it. Who reads it says why, and that stands
//! in the ledger before a line is shown.

use super::answer::{Call, Outcome, store_failed};
use super::emergency::{self, Listener};
use super::paging::Page;
use super::problem::{PARAMETER_INVALID, Problem};
use super::work::{REASON_CHARS_MAX, act};
use crate::base::clock::Timestamp;
use crate::base::id::{DisclosureId, PersonId};
use crate::store::{Disclosure, DisclosureCursor, RecallView};
use actix_web::HttpResponse;
use actix_web::web::Query;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where the reason of a reading stands.
const REASON_HEADER: &str = "Kinbridge-Reason";

#[derive(Deserialize)]
struct About {
    person: String,
}

/// One page about one person.
pub async fn list(call: &Call) -> Outcome {
    let about = Query::<About>::from_query(call.request.query_string());
    let about = about.map_err(|_| {
        let detail = "name the person: per_... or system|value, percent-encoded";
        Problem::new(&PARAMETER_INVALID, detail)
    })?;
    let page = Page::of(call)?;
    let after = page.after(cursor)?;
    let act = act(call, reason(call)?)?;
    let person = person(call, &about.person).await?;
    let store = &call.site.store;
    let about = person.to_string();
    let noted = store.record_operator_action(act, "accounting_read", &about);
    noted.await.map_err(|error| store_failed(&error))?;
    let found = store.disclosures(person, after, page.rows()).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let next = found
        .next
        .map(|next| format!("{} {}", next.at.0, next.disclosure_id));
    let rows: Vec<Value> = found.disclosures.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({
        "disclosures": rows,
        "next_cursor": next.map(|key| page.cursor_of(&key)),
    })))
}

/// Whether the call says why it reads.
pub fn says_why(call: &Call) -> bool {
    call.request.headers().contains_key(REASON_HEADER)
}

/// Why it is read: a header, because a query would stand in logs along the way.
pub fn reason(call: &Call) -> Result<String, Problem> {
    let stated = call.request.headers().get(REASON_HEADER);
    let stated = stated.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let stated = stated.map(str::trim).unwrap_or_default();
    if stated.is_empty() || stated.chars().count() > REASON_CHARS_MAX {
        let detail = format!(
            "say in the header {REASON_HEADER} why you read it, in 1 to {REASON_CHARS_MAX} \
             characters; it goes into the ledger"
        );
        return Err(Problem::new(&PARAMETER_INVALID, detail));
    }
    Ok(stated.to_owned())
}

/// Somebody who is known, by id or by an identifier; all else answers alike.
async fn person(call: &Call, named: &str) -> Result<PersonId, Problem> {
    let store = &call.site.store;
    let found = match PersonId::parse(named) {
        Some(id) => store.is_person(id).await.map(|known| known.then_some(id)),
        None => {
            let rules = call.site.rules.load();
            let named = rules.sources.statewide.compared_text(named);
            store.person_by_identifier(&named, false).await
        }
    };
    found
        .map_err(|error| store_failed(&error))?
        .ok_or_else(Problem::not_found)
}

fn cursor(key: &str) -> Option<DisclosureCursor> {
    let (at, id) = key.split_once(' ')?;
    Some(DisclosureCursor {
        at: Timestamp(at.parse().ok()?),
        disclosure_id: DisclosureId::parse(id)?,
    })
}

fn shown(disclosure: &Disclosure) -> Value {
    json!({
        "disclosure_id": disclosure.disclosure_id,
        "person": disclosure.person,
        "at": disclosure.at.to_rfc3339(),
        "partner": disclosure.partner,
        "channel": disclosure.channel,
        "record_id": disclosure.record_id,
        "record_type": disclosure.record_type,
        "source": disclosure.source,
        "exposure": disclosure.exposure,
        "purpose": disclosure.decision.purpose,
        "recipient_role": disclosure.decision.recipient_role,
        "rule_set": disclosure.decision.rule_set,
        "decision": rows_about(disclosure),
        "obligations": disclosure.decision.obligations,
        "citations": disclosure.decision.citations,
        "recall": disclosure.recall.as_ref().map(recalled),
        "emergency": disclosure.emergency.as_ref()
            .map(|told| emergency::shown(told, Listener::Officer)),
    })
}

/// That its recipient may not use it any further, and how it is told so.
fn recalled(recall: &RecallView) -> Value {
    let (notice, state) = recall.notice.unzip();
    json!({
        "reason": recall.reason,
        "at": recall.at.to_rfc3339(),
        "notice_id": notice,
        "state": state,
    })
}

/// What was decided about this person; what was about others in the record is theirs to ask.
fn rows_about(disclosure: &Disclosure) -> Vec<Value> {
    let rows = disclosure.decision.rows.iter();
    rows.filter(|row| row.person == disclosure.person)
        .map(|row| {
            json!({
                "person": row.person,
                "data_class": row.data_class,
                "effect": row.verdict,
                "citation": row.citation,
            })
        })
        .collect()
}
