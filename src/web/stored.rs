//! The decision about a stored record toward a recipient, as the road would take it now.
//!
//! Nothing is released, stored or shown of the record itself. A partner asks about its own records
//! and the recipients it named on them, and is told what its own word comes to; what is foreign,
//! unknown or unrelated answers alike. Privacy officers and auditors ask about all, say why,
//! and are told the whole trace.

use super::answer::{Call, Outcome, forbidden, store_failed};
use super::disclosures::reason;
use super::explain::{LOOKED, trace_now};
use super::forms::{Form, errors, object, required, text, word};
use super::json;
use super::principal::Principal;
use super::problem::Problem;
use super::work::{REASON_CHARS_MAX, act};
use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, RecordId};
use crate::base::vocabulary::{Effect, Purpose, Verdict};
use crate::catalog::partner::{Channel, Direction, Partner};
use crate::config::Role;
use crate::disclosure::DecisionMode;
use crate::intake::dry_run::dry_rows;
use crate::kept::{ByPerson, OnFile, Readied, Toward, held, held_facts, on_file, persons};
use crate::release::candidates::{Ties, Untied, candidates};
use crate::release::{
    FamilyPapers, HeldConsent, HeldFact, Release, family_names, known_to_sender, opened,
    own_consents, own_facts, recorded, release,
};
use crate::rules::Rules;
use crate::store::StoredRecord;
use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Longest id, characters.
const ID_CHARS_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    record_id: String,
    recipient: PartnerId,
    purpose: Purpose,
    /// Why an officer looks; a header may say it instead.
    reason: Option<String>,
}

static ASKED: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![
        ("record_id", required(text(1, ID_CHARS_MAX))),
        ("recipient", required(text(1, ID_CHARS_MAX))),
        ("purpose", required(word(Purpose::ALL, Purpose::as_str))),
        ("reason", text(1, REASON_CHARS_MAX)),
    ]))
});

/// How much of a decision its asker is told.
#[derive(Clone, Copy, PartialEq)]
enum Depth {
    /// As a dry run: what the sender's own word comes to.
    Sender,
    /// The road's decision with the policies and what they say.
    Officer,
}

/// What is decided.
struct Question<'a> {
    rules: &'a Rules,
    stored: &'a StoredRecord,
    found: &'a OnFile,
    recipient: &'a Partner,
    purpose: Purpose,
    now: Timestamp,
}

/// Decides about one stored record.
pub async fn decide(call: &Call, bytes: &[u8]) -> Outcome {
    let depth = depth(call)?;
    let (_, findings) = ASKED.read(bytes);
    if let Some(findings) = errors(bytes, findings) {
        return Err(json::misfit(&findings));
    }
    let asked: Asked = json::parse(bytes)?;
    let stored = record(call, &asked.record_id).await?;
    let rules = call.site.rules.load();
    let recipient = rules.partners.get(&asked.recipient);
    let recipient = recipient.ok_or_else(Problem::not_found)?;
    if depth == Depth::Officer {
        let reason = match asked.reason {
            Some(reason) => reason,
            None => reason(call)?,
        };
        let target = format!("{} {} {}", stored.record_id, recipient.id, asked.purpose);
        let noted = call
            .site
            .store
            .record_operator_action(act(call, reason)?, LOOKED, &target);
        noted.await.map_err(|error| store_failed(&error))?;
    }
    let found = on_file(&call.site.store, std::iter::once(&stored)).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let question = Question {
        rules: &rules,
        stored: &stored,
        found: &found,
        recipient,
        purpose: asked.purpose,
        now: call.site.clock.now(),
    };
    let mut answer = match depth {
        Depth::Sender => for_sender(&question).ok_or_else(Problem::not_found)?,
        Depth::Officer => for_officer(&question),
    };
    if let Some(members) = answer.as_object_mut() {
        members.insert(String::from("id"), json!(stored.record_id));
        members.insert(String::from("mode"), json!(DecisionMode::Live));
        members.insert(String::from("recipient"), json!(recipient.id));
        members.insert(String::from("purpose"), json!(asked.purpose));
        members.insert(String::from("rule_set"), json!(rules.digest));
    }
    Ok(HttpResponse::Ok().json(answer))
}

fn depth(call: &Call) -> Result<Depth, Problem> {
    let all = [Role::PrivacyOfficer, Role::Auditor];
    match &call.principal {
        Some(Principal::Partner(_)) => Ok(Depth::Sender),
        Some(Principal::Operator(pass)) if pass.roles.iter().any(|role| all.contains(role)) => {
            Ok(Depth::Officer)
        }
        _ => Err(forbidden()),
    }
}

/// The record, if it is one the caller may ask about.
async fn record(call: &Call, id: &str) -> Result<StoredRecord, Problem> {
    let id = RecordId::parse(id).ok_or_else(Problem::not_found)?;
    let found = call.site.store.record(id).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let own = |stored: &StoredRecord| match &call.principal {
        Some(Principal::Partner(pass)) => pass.id == stored.partner,
        Some(Principal::Operator(_)) => true,
        None => false,
    };
    found
        .filter(|stored| !stored.void && own(stored))
        .ok_or_else(Problem::not_found)
}

/// The recipient's channel the record would be routed to for that purpose, on these consents and
/// facts.
fn related<'a>(
    question: &Question<'a>,
    (consents, facts): (&[HeldConsent<'_>], &[HeldFact<'_>]),
) -> Option<&'a Channel> {
    let stored = question.stored;
    let record = opened(&stored.record_type, &stored.payload)?;
    let named = family_names(
        question.rules,
        &FamilyPapers {
            record: &record,
            persons: &persons(stored),
            source: &stored.partner,
            consents,
            facts,
            now: question.now,
        },
    );
    let ties = Ties {
        record: &record,
        sender: &stored.partner,
        test: stored.test,
        named_by_family: &named,
    };
    let found = candidates(&question.rules.partners, &ties);
    let recipient = question.recipient;
    let mut own = found.iter().filter(|c| c.partner == recipient.id);
    own.find_map(|candidate| {
        let channel = recipient.channel(&candidate.channel)?;
        (channel.purpose == Some(question.purpose)).then_some(channel)
    })
}

/// The channel over which the recipient may pull such records for that purpose.
fn pulled<'a>(question: &Question<'a>) -> Option<&'a Channel> {
    question.recipient.channel.iter().find(|channel| {
        channel.direction == Direction::Pull
            && channel.purpose == Some(question.purpose)
            && channel.records.contains(&question.stored.record_type)
    })
}

/// What the record's sender is told; `None` about a recipient its own word does not lead to.
fn for_sender(question: &Question<'_>) -> Option<Value> {
    let Question { rules, stored, .. } = *question;
    let own = own_consents(&held(&question.found.consents), &stored.partner);
    let facts = own_facts(&held_facts(&question.found.facts), &stored.partner);
    let channel = related(question, (&own, &facts))?;
    let by_person = ByPerson::new(&question.found.consents, &question.found.facts);
    let readied = Readied::new(stored, question.found, &by_person)?;
    let toward = Toward::plain(question.recipient, channel);
    let input = readied.input(rules, toward, question.now)?;
    if !known_to_sender(question.recipient, &stored.partner, input.record) {
        return None;
    }
    let told = recorded(rules, &input);
    let rows = told.rows.iter();
    let rows = rows.map(|row| (row.data_class, row.effect == Verdict::Permit.as_str()));
    let (permit, redact) = split(rows, told.decision.as_str() != "deny");
    Some(json!({
        "outcome": told.outcome,
        "decision": told.decision,
        "related": true,
        "permit": permit,
        "redact": redact,
        "released": told.released,
        "obligations": told.obligations,
        "citations": told.citations,
        "trace": dry_rows(rules, told.rows.clone(), input.persons),
    }))
}

/// Classes of which all goes, and those of which something stays; neither where nothing goes.
fn split<'a>(
    rows: impl Iterator<Item = (&'a str, bool)> + Clone,
    goes: bool,
) -> (Vec<&'a str>, Vec<&'a str>) {
    if !goes {
        return (Vec::new(), Vec::new());
    }
    let of = |permitted: bool| -> BTreeSet<&'a str> {
        let rows = rows.clone().filter(|(_, permit)| *permit == permitted);
        rows.map(|(class, _)| class).collect()
    };
    let (open, closed) = (of(true), of(false));
    let permit = open.difference(&closed).copied().collect();
    (permit, closed.into_iter().collect())
}

/// What officers are told: the road's own decision, in full.
fn for_officer(question: &Question<'_>) -> Value {
    let Question { rules, stored, .. } = *question;
    let all = held(&question.found.consents);
    let facts = held_facts(&question.found.facts);
    let channel = related(question, (&all, &facts)).or_else(|| pulled(question));
    let by_person = ByPerson::new(&question.found.consents, &question.found.facts);
    let readied = Readied::new(stored, question.found, &by_person);
    let input = readied
        .as_ref()
        .zip(channel)
        .and_then(|(readied, channel)| {
            readied.input(
                rules,
                Toward::plain(question.recipient, channel),
                question.now,
            )
        });
    let release = input.as_ref().map(|input| release(rules, input));
    let told = release.as_ref().map(Release::told);
    let (outcome, decision) = told.unwrap_or(("withheld", Effect::Deny));
    let taken = release.as_ref().map(Release::taken);
    let released = release.as_ref().map(Release::released_paths);
    let rows = taken.map(|taken| taken.rows.as_slice()).unwrap_or_default();
    let permitted = rows.iter();
    let permitted = permitted.map(|row| (row.data_class, row.verdict == Verdict::Permit));
    let (permit, redact) = split(permitted, decision != Effect::Deny);
    let none = vec![Untied::NoTie.citation().to_owned()];
    let mut told = json!({
        "outcome": outcome,
        "decision": decision,
        "related": !matches!(release, None | Some(Release::Untied(_))),
        "permit": permit,
        "redact": redact,
        "released": released.unwrap_or_default(),
        "obligations": taken.map(|taken| taken.obligations.as_slice()).unwrap_or_default(),
        "citations": taken.map_or(&none, |taken| &taken.citations),
        "trace": [],
    });
    if let (Some(input), Some(taken), Some(members)) = (&input, taken, told.as_object_mut()) {
        members.extend(trace_now(rules, input, taken));
    }
    told
}
