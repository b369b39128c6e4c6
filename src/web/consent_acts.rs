//! What becomes of a lodged consent: it is confirmed, revoked, ends; and its history.
//!
//! What was lodged is never overwritten. A recipient may lodge what would give it data and may not
//! confirm it into counting: whose word opens what, release judges.

use super::answer::{Call, Outcome, store_failed};
use super::capture::{ENTERED, Entered, REVOCATION, Revocation};
use super::consent_state::{Say, answers_for, found, opened};
use super::consents::{known_by, noted};
use super::disclosures::reason;
use super::forms::{Form, object, required, text, word};
use super::json;
use super::principal::Principal;
use super::problem::{Problem, STATE_CONFLICT};
use super::sets;
use super::work::act;
use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::finding_codes::{DATE_IN_FUTURE, SCHEMA_PATTERN_MISMATCH};
use crate::base::id::{PartnerId, PersonId};
use crate::base::sensitive::Sensitive;
use crate::base::vocabulary::EndEvent;
use crate::disclosure::moment::{Day, Moment, Now, local_day};
use crate::release::read_paper;
use crate::store::{
    Confirmation, Confirmed, ConsentEnd, ConsentRevision, Ending, NewConfirmation, OperatorAct,
    StoredConsent,
};
use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Longest id or date, characters.
const TEXT_CHARS_MAX: usize = 128;

/// The source of the data or the county stands behind a consent another partner lodged.
pub async fn confirm(mut call: Call) -> Outcome {
    let (consent, say) = found(&call).await?;
    let entered: Entered = json::read(&mut call, &ENTERED).await?;
    // Its lodger stands behind it already.
    if say != Say::Lodger {
        let word = word_of(&call, &consent, &entered).await?;
        let done = call.site.store.confirm_consent(word).await;
        settled(done.map_err(|error| store_failed(&error))?)?;
    }
    Ok(spoken_of(&consent))
}

/// Whoever confirmed a revision no longer stands behind it: its data go on it no more.
pub async fn unconfirm(mut call: Call) -> Outcome {
    let (consent, say) = found(&call).await?;
    let entered: Entered = json::read(&mut call, &ENTERED).await?;
    if say == Say::Lodger {
        let detail = "you lodged it: revoke it, if it was revoked";
        return Err(Problem::new(&STATE_CONFLICT, detail));
    }
    let word = word_of(&call, &consent, &entered).await?;
    let done = call.site.store.unconfirm_consent(word).await;
    settled(done.map_err(|error| store_failed(&error))?)?;
    Ok(spoken_of(&consent))
}

/// The calling partner's word on a revision. Nobody but its lodger is shown whose it is: they must
/// know.
async fn word_of(
    call: &Call,
    consent: &StoredConsent,
    entered: &Entered,
) -> Result<NewConfirmation, Problem> {
    if !leads_to(call, entered, consent.subject).await? {
        return Err(Problem::not_found());
    }
    Ok(NewConfirmation {
        registry_id: consent.registry_id,
        revision: consent.revision,
        by: call.partner()?.id.clone(),
        body: sealed(entered),
        at: call.site.clock.now(),
        correlation_id: call.correlation.clone(),
    })
}

fn settled(done: Confirmed) -> Result<(), Problem> {
    let detail = match done {
        Confirmed::Done => return Ok(()),
        Confirmed::Never => "you have not confirmed this revision",
        Confirmed::Changed => "it was revoked, has ended or was lodged anew: look at it again",
    };
    Err(Problem::new(&STATE_CONFLICT, detail))
}

fn spoken_of(consent: &StoredConsent) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "registry_id": consent.registry_id,
        "revision": consent.revision,
    }))
}

/// Whether the identifier leads the calling partner to this person.
async fn leads_to(call: &Call, entered: &Entered, subject: PersonId) -> Result<bool, Problem> {
    let (partner, store) = (call.partner()?, &call.site.store);
    let (identifier, test) = known_by(call, &entered.subject)?;
    let person = store.person_seen_by(&partner.id, &identifier.text, test);
    Ok(person.await.map_err(|error| store_failed(&error))? == Some(subject))
}

fn sealed<T: Serialize>(told: &T) -> Sensitive<Vec<u8>> {
    Sensitive::new(serde_json::to_vec(told).unwrap_or_default())
}

/// Who may end a consent on the person's word: its lodger, the county, a source that answers for
/// what it opens, an officer. To any other source of data it is as if it were not there.
async fn to_end(call: &Call) -> Result<(StoredConsent, Option<OperatorAct>), Problem> {
    let (consent, say) = found(call).await?;
    match say {
        Say::Lodger | Say::County => Ok((consent, None)),
        Say::Officer => Ok((consent, Some(act(call, reason(call)?)?))),
        Say::Source if answers_for(&consent, &call.partner()?.id) => Ok((consent, None)),
        Say::Source => Err(Problem::not_found()),
    }
}

/// It no longer counts from the instant the revocation was told, by whatever means; what is still
/// to be sent is decided again without it. A consent that was revoked before stays as it is. A
/// document of several papers is revoked whole: whoever revokes need not know how many it made.
pub async fn revoke(mut call: Call) -> Outcome {
    let (consent, act) = to_end(&call).await?;
    let told: Option<Revocation> = json::read_optional(&mut call, &REVOCATION).await?;
    let now = call.site.clock.now();
    let at = match told.as_ref().and_then(|told| told.told_at.as_deref()) {
        Some(text) => told_at(text, now)?,
        None => now,
    };
    let told = told.filter(|told| told.is_said()).map(|told| sealed(&told));
    let set = sets::whole(&call, consent.clone()).await?;
    finish(&call, (consent, set), (Ending::Revoked(at), told, act)).await
}

/// The instant a revocation was told: a day is its beginning.
fn told_at(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let wrong = |finding: Finding| json::misfit(&[finding.at("/told_at")]);
    let read = Now::read(text).map(|told| told.at);
    let at = read.ok_or_else(|| wrong(Finding::new(&SCHEMA_PATTERN_MISMATCH)))?;
    match at <= now {
        true => Ok(at),
        false => Err(wrong(Finding::new(&DATE_IN_FUTURE).fixed_by(
            "a revocation counts from when it was told, and not from a day to come",
        ))),
    }
}

/// That what a consent was to end with has happened.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Happened {
    event: EndEvent,
    on: String,
    entered_by: String,
}

static HAPPENED: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![
        ("event", required(word(EndEvent::ALL, EndEvent::as_str))),
        ("on", required(text(1, TEXT_CHARS_MAX))),
        ("entered_by", required(text(1, TEXT_CHARS_MAX))),
    ]))
});

/// What it was to end with has happened: from that day on it no longer counts, nor does any other
/// permit of its document that ends with this.
pub async fn ended(mut call: Call) -> Outcome {
    let (consent, act) = to_end(&call).await?;
    let told: Happened = json::read(&mut call, &HAPPENED).await?;
    let now = call.site.clock.now();
    let wrong = |finding: Finding| json::misfit(&[finding.at("/on")]);
    let day = match Moment::read(&told.on) {
        Moment::Day(day) if day <= local_day(now) => day,
        Moment::Day(_) => {
            let finding = Finding::new(&DATE_IN_FUTURE).fixed_by("tell it once it has happened");
            return Err(wrong(finding));
        }
        _ => return Err(wrong(Finding::new(&SCHEMA_PATTERN_MISMATCH))),
    };
    let over = consent.is_ended();
    let mut set = sets::whole(&call, consent.clone()).await?;
    set.retain(|one| ends_with(&call, one, told.event));
    if !over && set.is_empty() {
        let detail = "the consent does not end with this: revoke it, if it was revoked";
        return Err(Problem::new(&STATE_CONFLICT, detail));
    }
    let ending = (Ending::Ended(day.0), Some(sealed(&told)), act);
    finish(&call, (consent, set), ending).await
}

/// Whether the paper says this event, or its kind ends with it whatever the paper says. A refusal
/// ends with nothing but its revocation.
fn ends_with(call: &Call, consent: &StoredConsent, event: EndEvent) -> bool {
    let Some(paper) = read_paper(&consent.body) else {
        return false;
    };
    let permits = paper.direction.known() == Some(crate::disclosure::request::Direction::Permit);
    let rules = call.site.rules.load();
    let row = paper
        .kind
        .known()
        .and_then(|kind| rules.policy.pack().tables.kind(kind));
    permits
        && row.is_some_and(|row| match paper.ends_on_event.known() {
            Some(said) => said == event,
            None => row.may_end_with(Some(event)),
        })
}

/// Ends these papers one by one, and answers for the one that was addressed.
async fn finish(
    call: &Call,
    (consent, set): (StoredConsent, Vec<StoredConsent>),
    (how, told, act): (Ending, Option<Sensitive<Vec<u8>>>, Option<OperatorAct>),
) -> Outcome {
    let by = match &call.principal {
        Some(Principal::Partner(pass)) => pass.id.clone(),
        // The ledger names the officer in the act's own entry.
        _ => PartnerId::new(""),
    };
    let end = ConsentEnd {
        how,
        told,
        by,
        act,
        at: call.site.clock.now(),
        correlation_id: call.correlation.clone(),
    };
    let set = set.iter().map(|one| one.registry_id);
    let ended = sets::end_each(call, set, &end).await?;
    let mut ended = ended.into_iter();
    let own = ended.find(|(id, _)| *id == consent.registry_id);
    let revision = own.map_or(consent.revision, |(_, revision)| revision);
    let own = call.part("id") == consent.consent_id.as_str();
    Ok(HttpResponse::Ok().json(json!({
        "consent_id": own.then_some(&consent.consent_id),
        "registry_id": consent.registry_id,
        "revision": revision,
    })))
}

/// Every revision of a consent, who made it and when. To its lodger, and to an officer who says
/// why.
pub async fn history(call: &Call) -> Outcome {
    let (consent, say) = found(call).await?;
    match say {
        Say::Lodger => {}
        Say::Officer => noted(call, "consent_history_read", &consent).await?,
        Say::County | Say::Source => return Err(Problem::not_found()),
    }
    let history = call.site.store.consent_history(consent.registry_id).await;
    let history = history.map_err(|error| store_failed(&error))?;
    let rows: Vec<Value> = history.iter().map(revision).collect();
    Ok(HttpResponse::Ok().json(json!({
        "consent_id": consent.consent_id,
        "registry_id": consent.registry_id,
        "revisions": rows,
    })))
}

/// A confirmation of a revision, or that it was taken back, as its history shows it.
fn said(word: &Confirmation) -> Value {
    json!({ "by": word.by, "at": word.at.to_rfc3339(), "confirms": word.confirms })
}

fn revision(one: &ConsentRevision) -> Value {
    json!({
        "revision": one.revision,
        "change": one.change,
        "at": one.at.to_rfc3339(),
        "revoked_at": one.revoked_at.map(Timestamp::to_rfc3339),
        "ended_on": one.ended_on.map(|day| Day(day).to_string()),
        "consent": opened(&one.body),
        "capture": one.capture.as_ref().map(opened),
        "told": one.told.as_ref().map(opened),
        "confirmed": one.confirmed.iter().map(said).collect::<Vec<Value>>(),
    })
}
