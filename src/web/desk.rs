//! Work items as those who decide them read them: why, whereto, what is at stake, and by which law.
//!
//! A partner hears the cause and its own ids, never whom else its record was meant for. Operators
//! hear recipient, channel, purpose and type; classes and law only where their roles may resolve
//! the item, or audit. Whom an emergency was declared about is shown to those who say why they
//! look. It must never show a value of a record.

use super::answer::{Call, store_failed};
use super::emergency::{self, Listener};
use super::explain::looks_told;
use super::principal::{OperatorPass, Principal};
use super::problem::Problem;
use crate::base::clock::Timestamp;
use crate::base::id::EmergencyId;
use crate::base::vocabulary::Verdict;
use crate::catalog::partner::{Channel, Partner};
use crate::config::Role;
use crate::kept::{
    Toward, classes_held, decision_record, on_file, recorded_reviews, release_stored,
};
use crate::release::{Release, Taken, by_hand};
use crate::rules::Rules;
use crate::store::{DecisionRecord, DeliveryView, HoldCause, RecallByHand, StoredRecord, WorkItem};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const VOCABULARY: &str = "\
    a purpose or data class outside the vocabulary: the rules must learn it before it is released";
const CONTRADICTED: &str = "\
    records of one batch have this id and say different things, and one may restrict what another \
    does not: have the sender say which holds and send it again; release lets this one go as it is";

/// What a cause means, for the people who decide.
const fn meaning(cause: HoldCause) -> &'static str {
    match cause {
        HoldCause::IdentityAmbiguous => {
            "identifiers of one person in the record lead to different persons already known: \
             join them, or let the record go on with this person apart"
        }
        HoldCause::OutputInvalid => {
            "what is left after redaction is not valid in the recipient's format, at the places \
             told as `invalid`: mend the mapping or the record, then release"
        }
        HoldCause::AddresseeUnknown => "no partner file knows the addressee: add it, or discard",
        HoldCause::VocabularyUnknown => VOCABULARY,
        HoldCause::ServiceSourceUnknown => {
            "neither the record nor the partner file says whether the work comes from a case, a \
             referral or prevention: have the sender correct it, or release it behind the \
             prevention wall"
        }
        HoldCause::RecordContradicted => CONTRADICTED,
        HoldCause::HumanReview => {
            "law wants a person to look before anything is sent: release lets it be decided again \
             with that look done"
        }
        HoldCause::RecipientRefused => "the recipient refused it for good: mend what it refused",
        HoldCause::AttemptsExhausted => "every attempt failed: see that the recipient answers",
        HoldCause::ObligationOpen => {
            "the gateway cannot do what is owed with the disclosure: a person does what `to_do` \
             says, then releases it"
        }
        HoldCause::Withheld => {
            "law and consent withhold it from an addressee the record names: two privacy officers \
             may have its delivery decided again, or it is discarded"
        }
        HoldCause::Unreadable => "it cannot be opened any more: a pull left it out",
        HoldCause::ConsentAgesOut => {
            "consents its partner has lodged stop soon, because the child they are of comes of \
             age: they are told by the registry's ids, and the young person may sign anew"
        }
        HoldCause::ReplayConfirmation => {
            "an officer asked to decide a withheld delivery again: another privacy officer \
             confirms that at the delivery, or it is discarded"
        }
        HoldCause::StandingUnknown => {
            "nobody has confirmed lately who the recipient is to the person, or that no protective \
             order stands; or an order or a suspicion of abuse does: the county enters or confirms \
             both facts, or ends what stands, and it is decided again at once"
        }
        HoldCause::ReviewAfter => {
            "it went at once, as the law lets it in an emergency: a privacy officer says by \
             `due_at` whether that was justified"
        }
        HoldCause::RecallByHand => {
            "what this partner was given may not be used any further, and its channel takes no \
             notice: tell it, by record and word as `recalls` lists them, then discard the item \
             saying how it was told"
        }
        HoldCause::EmergencyAccess => {
            "somebody asked at the emergency door: see that it was as declared; a review is due \
             where anything was given"
        }
        HoldCause::EmergencyNotice => {
            "a record was given at the emergency door: its source is told to whom, and documents it"
        }
        HoldCause::ConfirmByPhone => {
            "a copy of a child-abuse report may have arrived and is never sent a second time: ask \
             the agency by phone, then discard the item saying what it answered"
        }
    }
}

/// What these roles may resolve it with.
fn own_words(roles: &[Role], cause: HoldCause) -> Vec<&'static str> {
    let settling = cause.settling();
    let may = roles.contains(&Role::PrivacyOfficer)
        || (roles.contains(&Role::Integrator) && !settling.officers);
    let words = settling.resolutions.iter().filter(|_| may);
    words.map(|word| word.as_str()).collect()
}

/// One item for whoever calls, with the person it names where the caller has said why it looks.
pub async fn shown(call: &Call, item: &WorkItem, named: bool) -> Result<Value, Problem> {
    let mut told = json!({
        "work_item_id": item.work_item_id,
        "partner": item.partner,
        "cause": item.cause,
        "record_id": item.record_id,
        "delivery_id": item.delivery_id,
        "created_at": item.created_at.to_rfc3339(),
        "resolved_at": item.resolved_at.map(Timestamp::to_rfc3339),
        "resolution": item.resolution,
        "detail": item.detail,
        "due_at": item.due_at.map(Timestamp::to_rfc3339),
        "overdue": item.overdue_at.is_some(),
    });
    if let (Some(Principal::Partner(pass)), Some(id)) = (&call.principal, item.emergency_id) {
        let listener = Listener::of_source(call.site.rules.load().partners.get(&pass.id));
        put(&mut told, "emergency", declared(call, id, listener).await?);
    }
    if let (Some(Principal::Operator(pass)), Some(members)) =
        (&call.principal, told.as_object_mut())
    {
        let resolutions = json!(own_words(&pass.roles, item.cause));
        members.insert(String::from("meaning"), json!(meaning(item.cause)));
        members.insert(String::from("resolutions"), resolutions);
        if item.cause == HoldCause::ObligationOpen {
            members.insert(String::from("to_do"), json!(to_do(item)));
        }
        members.insert(String::from("about"), about(call, pass, item).await?);
        if item.cause == HoldCause::RecallByHand {
            members.insert(String::from("recalls"), recalls(call, item).await?);
        }
        let entitled =
            !own_words(&pass.roles, item.cause).is_empty() || pass.roles.contains(&Role::Auditor);
        if let Some(id) = item.emergency_id {
            members.insert(String::from("on_call"), json!(on_call(call)));
            if entitled {
                let listener = if named {
                    Listener::Officer
                } else {
                    Listener::Desk
                };
                let declared = declared(call, id, listener).await?;
                members.insert(String::from("emergency"), declared);
            }
        }
    }
    Ok(told)
}

fn put(told: &mut Value, name: &str, value: Value) {
    if let Some(members) = told.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// Who is told first; none in particular where the settings name nobody.
fn on_call(call: &Call) -> Vec<&str> {
    let operators = call.site.config.operator.iter();
    let on_call = operators.filter(|operator| operator.on_call);
    on_call.map(|operator| operator.id.as_str()).collect()
}

/// What was declared at the emergency door; officers also hear what was given, by class and law.
async fn declared(call: &Call, id: EmergencyId, to: Listener) -> Result<Value, Problem> {
    let store = &call.site.store;
    let found = store.emergency(id).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let Some(found) = found else {
        return Ok(Value::Null);
    };
    let mut told = emergency::shown(&found, to);
    if matches!(to, Listener::Officer | Listener::Desk) {
        let given = store.emergency_given(id).await;
        let given = given.map_err(|error| store_failed(&error))?;
        let rules = call.site.rules.load();
        let given = given.iter().map(|(record, decision)| {
            json!({ "record_id": record, "decision": decided(&rules, decision, "recorded") })
        });
        put(&mut told, "given", given.collect());
    }
    Ok(told)
}

/// What is owed that only a person can do.
fn to_do(item: &WorkItem) -> Vec<Value> {
    let owed = item.detail.as_deref().unwrap_or_default().split(',');
    let told = owed.filter_map(|owed| Some((owed, by_hand(owed)?)));
    told.map(|(owed, what)| json!({ "obligation": owed, "by_hand": what }))
        .collect()
}

/// What a person has to tell this partner: ids and one word each.
async fn recalls(call: &Call, item: &WorkItem) -> Result<Value, Problem> {
    let found = call.site.store.recalls_by_hand(item.work_item_id).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let one = |recall: &RecallByHand| {
        json!({
            "record_id": recall.record_id,
            "delivery_id": recall.delivery_id,
            "access_id": recall.access_id,
            "reason": recall.reason,
            "at": recall.at.to_rfc3339(),
        })
    };
    Ok(found.iter().map(one).collect())
}

/// What is known of what waits.
struct Waiting<'a> {
    item: &'a WorkItem,
    record: Option<StoredRecord>,
    delivery: Option<DeliveryView>,
}

/// What an operator is told of what waits.
async fn about(call: &Call, pass: &OperatorPass, item: &WorkItem) -> Result<Value, Problem> {
    let store = &call.site.store;
    let record = match item.record_id {
        Some(id) => store
            .record(id)
            .await
            .map_err(|error| store_failed(&error))?,
        None => None,
    };
    let delivery = match item.delivery_id {
        Some(id) => store
            .delivery(id)
            .await
            .map_err(|error| store_failed(&error))?,
        None => None,
    };
    let waiting = Waiting {
        item,
        record: record.filter(|record| !record.void),
        delivery,
    };
    let rules = call.site.rules.load();
    let toward = toward(&rules, &waiting);
    let (record, delivery) = (&waiting.record, &waiting.delivery);
    let recipient = delivery.as_ref().map(|delivery| &delivery.partner);
    let mut told = json!({
        "record_type": record.as_ref().map(|record| &record.record_type),
        "recipient": recipient.or(item.requester.as_ref()),
        "channel": delivery.as_ref().map(|delivery| &delivery.channel)
            .or(toward.and_then(|(_, channel)| channel.name.as_ref())),
        "purpose": toward.and_then(|(_, channel)| channel.purpose),
        "state": delivery.as_ref().map(|delivery| delivery.state),
    });
    let audits = pass.roles.contains(&Role::Auditor);
    if let (true, Some(members)) = (
        audits || !own_words(&pass.roles, item.cause).is_empty(),
        told.as_object_mut(),
    ) {
        let classes = record.as_ref().map(|record| classes_held(&rules, record));
        let classes = classes.unwrap_or_default().iter();
        let classes: Vec<&str> = classes.map(|class| class.as_str()).collect();
        members.insert(String::from("classes"), json!(classes));
        let (decision, invalid) = decision(call, &rules, &waiting).await?;
        members.insert(String::from("decision"), decision);
        if !invalid.is_empty() {
            members.insert(String::from("invalid"), Value::Array(invalid));
        }
    }
    Ok(told)
}

/// Whom it waits on the way to, and over which channel.
fn toward<'a>(rules: &'a Rules, waiting: &Waiting<'_>) -> Option<(&'a Partner, &'a Channel)> {
    if let Some(delivery) = &waiting.delivery {
        let recipient = rules.partners.get(&delivery.partner)?;
        return Some((recipient, recipient.channel(&delivery.channel)?));
    }
    let recipient = rules.partners.get(waiting.item.requester.as_ref()?)?;
    let over = waiting.item.pulled_over.as_ref()?;
    Some((recipient, recipient.channel(over)?))
}

/// What was decided last, or, where nothing is on record because it was held, what would be now;
/// of what cannot be written also what is invalid about it.
async fn decision(
    call: &Call,
    rules: &Rules,
    waiting: &Waiting<'_>,
) -> Result<(Value, Vec<Value>), Problem> {
    let store = &call.site.store;
    let mut recorded = None;
    if let Some(delivery) = &waiting.delivery {
        let found = store.decision(delivery.delivery_id).await;
        recorded = found.map_err(|error| store_failed(&error))?;
    }
    let unwritten = waiting.item.cause == HoldCause::OutputInvalid;
    let now = match &recorded {
        Some(_) if !unwritten => None,
        _ => taken_now(call, rules, waiting).await?,
    };
    let invalid = now.iter().flat_map(|taken| &taken.invalid);
    let invalid = invalid.map(
        |finding| json!({ "code": finding.code, "path": finding.path, "message": finding.message }),
    );
    let invalid = invalid.collect();
    let decided = match (&recorded, &now) {
        (Some(recorded), _) => decided(rules, recorded, "recorded"),
        (None, Some(taken)) => decided(rules, &decision_record(taken), "now"),
        (None, None) => Value::Null,
    };
    Ok((decided, invalid))
}

/// What would be decided now. That it could not be written means that whoever had to look has.
async fn taken_now(
    call: &Call,
    rules: &Rules,
    waiting: &Waiting<'_>,
) -> Result<Option<Taken>, Problem> {
    let (Some(record), Some((recipient, channel))) = (&waiting.record, toward(rules, waiting))
    else {
        return Ok(None);
    };
    let found = on_file(&call.site.store, std::iter::once(record)).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let toward = Toward {
        reviewed: waiting.item.cause == HoldCause::OutputInvalid,
        ..Toward::plain(recipient, channel)
    };
    let release = release_stored(rules, record, toward, &found, call.site.clock.now());
    Ok(release.map(|release| match release {
        Release::Go(outgoing) => outgoing.taken().clone(),
        Release::Held(_, taken) | Release::Withheld(taken) | Release::Untied(taken) => *taken,
    }))
}

/// Classes and law of a decision; whom each row is about stays in the accounting.
fn decided(rules: &Rules, decision: &DecisionRecord, taken: &str) -> Value {
    let of = |permitted: bool| -> Vec<Value> {
        let rows = decision.rows.iter();
        let rows = rows.filter(|row| (row.verdict == Verdict::Permit) == permitted);
        let rows: BTreeSet<(&str, &str)> = rows
            .map(|row| (row.data_class.as_str(), row.citation.as_str()))
            .collect();
        rows.into_iter()
            .map(|(class, citation)| json!({ "data_class": class, "citation": citation }))
            .collect()
    };
    json!({
        "taken": taken,
        "at": decision.at.to_rfc3339(),
        "purpose": decision.purpose,
        "permitted": of(true),
        "withheld": of(false),
        "obligations": decision.obligations,
        "reviews": looks_told(Some(&rules.policy), &recorded_reviews(decision)),
        "citations": decision.citations,
    })
}
