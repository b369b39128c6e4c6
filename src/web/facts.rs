//! The registry of facts: assert, confirm, end. A partner sees what it asserts, nothing else.
//!
//! What opens something may need a second human of the asserter; what only closes counts at once,
//! and takes two humans to end or to change to anything that may close less.

use super::answer::{Call, Outcome, store_failed};
use super::asserting::{self, Asserting, HUMAN_CHARS_MAX, Told, needs_second, not_second};
use super::consents::person_of;
use super::forms::{Form, errors, object, required, text};
use super::json;
use super::problem::{FACT_NOT_ASSERTABLE, Problem, STATE_CONFLICT};
use crate::base::clock::Timestamp;
use crate::base::id::{FactId, PersonId};
use crate::base::paperwork::same_human;
use crate::base::sensitive::{Reason, Sensitive};
use crate::catalog::facts::FactKind;
use crate::disclosure::moment::local_day;
use crate::disclosure::registry::Assertion;
use crate::store::{FactChange, FactStep, NewFact, StoredFact};
use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Asserts a fact or a new revision of it.
pub async fn put(mut call: Call) -> Outcome {
    call.partner()?;
    let id = fact_id(&call)?;
    let now = call.site.clock.now();
    let bytes = json::document(&mut call).await?;
    let (kind, asserting) = read(&call, &bytes, now)?;
    let known = found(&call, &id).await?;
    let before = known.as_ref().map(readable).transpose()?;
    // Another kind would end what this one says, by one human where it takes two.
    if before.as_ref().is_some_and(|before| before.kind != kind.id) {
        let detail = "this fact is of another kind: assert it under an id of its own";
        return Err(Problem::new(&STATE_CONFLICT, detail));
    }
    let subject = person_of(&call, &asserting.subject).await?;
    let said = as_kept(asserting.fact, before.as_ref(), now);
    if let (Some(known), Some(before)) = (&known, &before)
        && known.ended_at.is_none()
        && known.subject == subject
        && repeats(&said, before)
    {
        return Ok(answered(&id, known.revision));
    }
    let alone = match (&known, &before) {
        (Some(known), Some(before)) => {
            known.subject == subject && said.only_takes(before, kind.key, local_day(now))
        }
        _ => true,
    };
    if kind.key.restricts() && said.confirmed_by.is_none() && !alone {
        return Err(json::misfit(&[needs_second("/fact/confirmed_by")]));
    }
    let change = Change {
        step: FactStep::Asserted,
        after: known.map(|known| known.revision),
        ended_at: None,
        subject,
    };
    write(&call, &id, (&said, change), now).await
}

/// The kind the body is of, and what it says: all findings at once.
fn read(call: &Call, bytes: &[u8], now: Timestamp) -> Result<(FactKind, Asserting), Problem> {
    let rules = call.site.rules.load();
    let law = &rules.sources.facts;
    let (tree, mut findings) = asserting::of_any_kind(law).read(bytes);
    findings.retain(|finding| finding.is_error());
    let fact = tree.as_ref().and_then(|tree| tree.get("fact"));
    let kind = fact.and_then(|fact| fact.text("kind"));
    let Some(kind) = kind.and_then(|id| law.kind(id)) else {
        let told = errors(bytes, findings).unwrap_or_default();
        return Err(json::misfit(&told));
    };
    let own = rules.partners.get(&call.partner()?.id);
    let own = own.ok_or_else(Problem::not_found)?;
    if !kind.is_asserted_by(own) {
        let detail = "your partner file does not let you assert this kind of fact";
        return Err(Problem::new(&FACT_NOT_ASSERTABLE, detail));
    }
    let (tree, mut findings) = asserting::of_kind(kind).read(bytes);
    if let Some(tree) = &tree {
        asserting::check((&rules, kind), tree, now, &mut findings);
    }
    if let Some(findings) = errors(bytes, findings) {
        return Err(json::misfit(&findings));
    }
    Ok((kind.clone(), json::parse(bytes)?))
}

fn as_kept(told: Told, before: Option<&Assertion>, now: Timestamp) -> Assertion {
    let from = told
        .from
        .or_else(|| before.map(|before| before.from.clone()));
    Assertion {
        kind: told.kind,
        value: told.value,
        recipient: told.recipient,
        other_person: told.other_person,
        from: from.unwrap_or_else(|| local_day(now).to_string()),
        to: told.to,
        source: told.source.as_str().to_owned(),
        document_digest: told.document_digest,
        entered_by: told.entered_by,
        entered_at: now.to_rfc3339(),
        confirmed_at: told.confirmed_by.is_some().then(|| now.to_rfc3339()),
        confirmed_by: told.confirmed_by,
        ended_by: None,
        end_confirmed_by: None,
    }
}

/// Whether it says again what is kept already; a confirmation had since then stays.
fn repeats(said: &Assertion, kept: &Assertion) -> bool {
    let confirmed = said.confirmed_by.is_none() || said.confirmed_by == kept.confirmed_by;
    let again = Assertion {
        entered_at: kept.entered_at.clone(),
        confirmed_by: kept.confirmed_by.clone(),
        confirmed_at: kept.confirmed_at.clone(),
        ..said.clone()
    };
    confirmed && again == *kept
}

/// The newest revision.
pub async fn get(call: &Call) -> Outcome {
    call.partner()?;
    let fact = own(call, &fact_id(call)?).await?;
    Ok(HttpResponse::Ok().json(shown(&fact)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirming {
    confirmed_by: String,
}

static CONFIRMING: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![(
        "confirmed_by",
        required(text(1, HUMAN_CHARS_MAX)),
    )]))
});

/// A second human says that it is so, now.
pub async fn confirm(mut call: Call) -> Outcome {
    call.partner()?;
    let id = fact_id(&call)?;
    let kept = own(&call, &id).await?;
    let Confirming { confirmed_by } = json::read(&mut call, &CONFIRMING).await?;
    let mut said = readable(&kept)?;
    if same_human(&said.entered_by, &confirmed_by) {
        return Err(json::misfit(&[not_second("/confirmed_by")]));
    }
    let now = call.site.clock.now();
    said.confirmed_by = Some(confirmed_by);
    said.confirmed_at = Some(now.to_rfc3339());
    let change = Change {
        step: FactStep::Confirmed,
        after: Some(kept.revision),
        ended_at: None,
        subject: kept.subject,
    };
    write(&call, &id, (&said, change), now).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    ended_by: String,
    confirmed_by: Option<String>,
}

static ENDING: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![
        ("ended_by", required(text(1, HUMAN_CHARS_MAX))),
        ("confirmed_by", text(1, HUMAN_CHARS_MAX)),
    ]))
});

/// From now on it no longer counts.
pub async fn end(mut call: Call) -> Outcome {
    call.partner()?;
    let id = fact_id(&call)?;
    let kept = own(&call, &id).await?;
    let ending: Ending = json::read(&mut call, &ENDING).await?;
    let mut said = readable(&kept)?;
    if kept.ended_at.is_some() {
        return Ok(answered(&id, kept.revision));
    }
    let closes = {
        let rules = call.site.rules.load();
        // A kind that is no longer in the list might have closed something.
        let kind = rules.sources.facts.kind(&said.kind);
        kind.is_none_or(|kind| kind.key.restricts())
    };
    match &ending.confirmed_by {
        None if closes => return Err(json::misfit(&[needs_second("/confirmed_by")])),
        Some(by) if same_human(by, &ending.ended_by) => {
            return Err(json::misfit(&[not_second("/confirmed_by")]));
        }
        _ => {}
    }
    let now = call.site.clock.now();
    said.ended_by = Some(ending.ended_by);
    said.end_confirmed_by = ending.confirmed_by;
    let change = Change {
        step: FactStep::Ended,
        after: Some(kept.revision),
        ended_at: Some(now),
        subject: kept.subject,
    };
    write(&call, &id, (&said, change), now).await
}

/// What is done to a fact.
struct Change {
    step: FactStep,
    after: Option<u32>,
    ended_at: Option<Timestamp>,
    subject: PersonId,
}

async fn write(
    call: &Call,
    id: &FactId,
    (said, change): (&Assertion, Change),
    now: Timestamp,
) -> Outcome {
    let body = serde_json::to_vec(said).unwrap_or_default();
    // Of a kind the rules no longer know nobody can say whom it concerns.
    let of_household = {
        let rules = call.site.rules.load();
        let kind = rules.sources.facts.kind(&said.kind);
        kind.is_none_or(|kind| kind.key.concerns_household())
    };
    let written = call.site.store.put_fact(NewFact {
        fact_id: id.clone(),
        partner: call.partner()?.id.clone(),
        subject: change.subject,
        of_household,
        step: change.step,
        after: change.after,
        ended_at: change.ended_at,
        body: Sensitive::new(body),
        at: now,
        correlation_id: call.correlation.clone(),
    });
    let detail = match written.await.map_err(|error| store_failed(&error))? {
        // How many deliveries are decided again is not told: it would say to anybody whether
        // the person has records that are withheld.
        FactChange::Done { revision, .. } => return Ok(answered(id, revision)),
        FactChange::OtherSubject => {
            "this fact is another person's: assert it under an id of its own"
        }
        FactChange::Ended => "this fact was ended: assert another one under an id of its own",
        FactChange::Moved => "this fact was changed meanwhile: look at it and try again",
        FactChange::TooMany => {
            "you have asserted as many facts of this person as there may be: say it anew under \
             the id of one of them"
        }
    };
    Err(Problem::new(&STATE_CONFLICT, detail))
}

fn answered(id: &FactId, revision: u32) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "fact_id": id, "revision": revision }))
}

async fn found(call: &Call, id: &FactId) -> Result<Option<StoredFact>, Problem> {
    let found = call.site.store.get_fact(&call.partner()?.id, id).await;
    found.map_err(|error| store_failed(&error))
}

/// The calling partner's own fact of that id.
async fn own(call: &Call, id: &FactId) -> Result<StoredFact, Problem> {
    found(call, id).await?.ok_or_else(Problem::not_found)
}

fn assertion(fact: &StoredFact) -> Option<Assertion> {
    serde_json::from_slice(fact.body.expose(Reason::Send)).ok()
}

fn readable(fact: &StoredFact) -> Result<Assertion, Problem> {
    let detail = "this fact cannot be read any more: assert another one under an id of its own";
    assertion(fact).ok_or_else(|| Problem::new(&STATE_CONFLICT, detail))
}

fn shown(fact: &StoredFact) -> Value {
    json!({
        "fact_id": fact.fact_id,
        "revision": fact.revision,
        "ended_at": fact.ended_at.map(Timestamp::to_rfc3339),
        "fact": assertion(fact),
    })
}

fn fact_id(call: &Call) -> Result<FactId, Problem> {
    call.told_id().map(FactId::new)
}
