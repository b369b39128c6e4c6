//! Accounting of disclosures: who was given what about a person, when, and on what ground.
//!
//! It reads the accounting alone; test traffic is not in it.

use super::answer::{Call, Outcome, store_failed};
use super::paging::Page;
use super::problem::{PARAMETER_INVALID, Problem};
use crate::base::clock::Timestamp;
use crate::base::id::{DisclosureId, PersonId};
use crate::store::{Disclosure, DisclosureCursor};
use actix_web::HttpResponse;
use actix_web::web::Query;
use serde::Deserialize;
use serde_json::{Value, json};

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
    let person = person(call, &about.person).await?;
    let found = call
        .site
        .store
        .disclosures(person, after, page.rows())
        .await;
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

async fn person(call: &Call, named: &str) -> Result<PersonId, Problem> {
    if let Some(id) = PersonId::parse(named) {
        return Ok(id);
    }
    let found = call.site.store.person_by_identifier(named, false).await;
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
        "decision": disclosure.decision.rows,
        "obligations": disclosure.decision.obligations,
        "citations": disclosure.decision.citations,
    })
}
