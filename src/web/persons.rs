//! Who is whom: what an officer sees of a person, and joining and parting on an officer's word.
//!
//! Ids and counts only. It must never tell an identifier, a name or a date of birth, and every look
//! and every change stands in the ledger with its reason.

use super::answer::{Call, Outcome, store_failed};
use super::disclosures::reason;
use super::forms::{Form, object, required, text};
use super::json;
use super::problem::{Problem, STATE_CONFLICT};
use super::work::{REASON, REASON_CHARS_MAX, Reason, act, done_now};
use crate::base::clock::Timestamp;
use crate::base::id::PersonId;
use crate::store::{IdentifierWord, PersonJoin, PersonView, Resolved};
use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Characters of an id.
const ID_CHARS: usize = 36;

static JOINING: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![
        ("other", required(text(ID_CHARS, ID_CHARS))),
        ("reason", required(text(1, REASON_CHARS_MAX))),
    ]))
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joining {
    other: String,
    reason: String,
}

/// One person, for a privacy officer who says why.
pub async fn get(call: &Call) -> Outcome {
    let view = known(call).await?;
    let act = act(call, reason(call)?)?;
    let (store, about) = (&call.site.store, view.person.to_string());
    let noted = store.record_operator_action(act, "person_read", &about);
    noted.await.map_err(|error| store_failed(&error))?;
    Ok(HttpResponse::Ok().json(shown(&view)))
}

/// Joins another known person with this one.
pub async fn join(mut call: Call) -> Outcome {
    let keep = known(&call).await?.person;
    let Joining { other, reason } = json::read(&mut call, &JOINING).await?;
    let other = PersonId::parse(&other).ok_or_else(unknown_other)?;
    let act = act(&call, reason)?;
    let done = call.site.store.join_persons((keep, other), act).await;
    match done.map_err(|error| store_failed(&error))? {
        Resolved::Done => Ok(done_now()),
        Resolved::Unknown => Err(unknown_other()),
        Resolved::Unfit | Resolved::TwoOfficers => {
            let detail = "they are one already, or one is of test traffic and the other is not";
            Err(Problem::new(&STATE_CONFLICT, detail))
        }
    }
}

/// Takes back that this person was joined with another one.
pub async fn part(mut call: Call) -> Outcome {
    let other = known(&call).await?.person;
    let stated: Reason = json::read(&mut call, &REASON).await?;
    let act = act(&call, stated.into_text())?;
    let done = call.site.store.part_persons(other, act).await;
    match done.map_err(|error| store_failed(&error))? {
        Resolved::Done => Ok(done_now()),
        _ => {
            let detail = "it counts to nobody else: name the one that was joined into the other";
            Err(Problem::new(&STATE_CONFLICT, detail))
        }
    }
}

fn unknown_other() -> Problem {
    Problem::new(&STATE_CONFLICT, "`other` is no person known here")
}

/// The person of the address; all else answers alike.
async fn known(call: &Call) -> Result<PersonView, Problem> {
    let id = PersonId::parse(call.part("id")).ok_or_else(Problem::not_found)?;
    let found = call.site.store.person(id).await;
    let found = found.map_err(|error| store_failed(&error))?;
    found.ok_or_else(Problem::not_found)
}

fn shown(view: &PersonView) -> Value {
    json!({
        "person": view.person,
        "counts_to": view.counts_to,
        "test": view.test,
        "words": view.words.iter().map(word).collect::<Vec<_>>(),
        "joins": view.joins.iter().map(joined).collect::<Vec<_>>(),
        "records": view.records,
        "consents": view.consents,
        "disclosures": view.disclosures,
    })
}

/// A partner's word that identifiers are this person's.
fn word(word: &IdentifierWord) -> Value {
    json!({
        "by": "partner",
        "partner": word.partner,
        "leads": if word.everybody { "everybody" } else { "partner" },
        "person": word.own,
        "identifiers": word.identifiers,
    })
}

/// A human's word that two persons are one.
fn joined(join: &PersonJoin) -> Value {
    let (parted_at, parted_by) = join.parted.as_ref().map(|(at, by)| (*at, by)).unzip();
    json!({
        "by": "human",
        "other": join.other,
        "kept": join.kept,
        "joined_at": join.joined_at.to_rfc3339(),
        "joined_by": join.joined_by,
        "parted_at": parted_at.map(Timestamp::to_rfc3339),
        "parted_by": parted_by,
    })
}
