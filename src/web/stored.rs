//! The decision about a stored record toward a recipient, as the road would take it now.
//!
//! Nothing is released, stored or shown of the record itself. A partner asks about its own records
//! and recipients they concern, as deeply as a dry run tells; what is foreign, unknown or unrelated
//! answers alike. Privacy officers and auditors ask about all, with the policies and their reasons.

use super::answer::{Call, Outcome, forbidden, store_failed};
use super::forms::{Form, errors, object, required, text, word};
use super::json;
use super::principal::Principal;
use super::problem::Problem;
use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, RecordId};
use crate::base::vocabulary::{Purpose, Verdict};
use crate::catalog::partner::{Channel, Direction, Partner};
use crate::config::Role;
use crate::kept::{Toward, held, on_file, persons, release_stored};
use crate::release::candidates::{Ties, candidates};
use crate::release::{FamilyPapers, Release, Taken, family_names, opened};
use crate::rules::Rules;
use crate::store::{StoredConsent, StoredRecord};
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
}

static ASKED: LazyLock<Form> = LazyLock::new(|| {
    Form::of(object(vec![
        ("record_id", required(text(1, ID_CHARS_MAX))),
        ("recipient", required(text(1, ID_CHARS_MAX))),
        ("purpose", required(word(Purpose::ALL, Purpose::as_str))),
    ]))
});

/// How much of a decision its asker is told.
#[derive(Clone, Copy, PartialEq)]
enum Depth {
    /// As a dry run: person, class, effect, citation.
    Sender,
    /// Also the policies and what they say.
    Officer,
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
    let found = on_file(&call.site.store, std::iter::once(&stored)).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let consents = &found.consents;
    let now = call.site.clock.now();
    let related = related(&rules, &stored, consents, (recipient, asked.purpose, now));
    let channel = match depth {
        Depth::Sender => Some(related.ok_or_else(Problem::not_found)?),
        Depth::Officer => related.or_else(|| pulled(recipient, &stored, asked.purpose)),
    };
    let release = channel.and_then(|channel| {
        let toward = Toward {
            recipient,
            channel,
            reviewed: false,
        };
        release_stored(&rules, &stored, toward, &found, now)
    });
    let mut answer = shown(&rules, &stored, release.as_ref(), depth);
    if let Some(members) = answer.as_object_mut() {
        members.insert(String::from("id"), json!(stored.record_id));
        members.insert(String::from("recipient"), json!(recipient.id));
        members.insert(String::from("purpose"), json!(asked.purpose));
        let related = !matches!(release, None | Some(Release::Untied(_)));
        members.insert(String::from("related"), json!(related));
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

/// The recipient's channel the record would be routed to for that purpose.
fn related<'a>(
    rules: &Rules,
    stored: &StoredRecord,
    consents: &[StoredConsent],
    (recipient, purpose, now): (&'a Partner, Purpose, Timestamp),
) -> Option<&'a Channel> {
    let record = opened(&stored.record_type, &stored.payload)?;
    let named = family_names(
        rules,
        &FamilyPapers {
            record: &record,
            persons: &persons(stored),
            source: &stored.partner,
            consents: &held(consents),
            now,
        },
    );
    let ties = Ties {
        record: &record,
        sender: &stored.partner,
        test: stored.test,
        named_by_family: &named,
    };
    let found = candidates(&rules.partners, &ties);
    let mut own = found.iter().filter(|c| c.partner == recipient.id);
    own.find_map(|candidate| {
        let channel = recipient.channel(&candidate.channel)?;
        (channel.purpose == Some(purpose)).then_some(channel)
    })
}

/// The channel over which the recipient may pull such records for that purpose.
fn pulled<'a>(
    recipient: &'a Partner,
    stored: &StoredRecord,
    purpose: Purpose,
) -> Option<&'a Channel> {
    recipient.channel.iter().find(|channel| {
        channel.direction == Direction::Pull
            && channel.purpose == Some(purpose)
            && channel.records.contains(&stored.record_type)
    })
}

fn shown(rules: &Rules, stored: &StoredRecord, release: Option<&Release>, depth: Depth) -> Value {
    let none = Vec::new();
    let (outcome, decision, taken, released): (_, _, Option<&Taken>, _) = match release {
        Some(Release::Go(outgoing)) => {
            let decision = match outgoing.withheld_any() {
                true => "permit-with-redaction",
                false => "permit",
            };
            (
                "released",
                decision,
                Some(outgoing.taken()),
                outgoing.released_paths(),
            )
        }
        Some(Release::Held(_, taken)) => ("held", "deny", Some(&**taken), none.as_slice()),
        Some(Release::Withheld(taken) | Release::Untied(taken)) => {
            ("withheld", "deny", Some(&**taken), none.as_slice())
        }
        None => ("withheld", "deny", None, none.as_slice()),
    };
    let known;
    let taken = match (taken, opened(&stored.record_type, &stored.payload)) {
        (Some(taken), Some(record)) if depth == Depth::Sender => {
            known = taken.as_the_sender_knows(&record);
            Some(&known)
        }
        (taken, _) => taken,
    };
    let rows = taken.map(|taken| taken.rows.as_slice()).unwrap_or_default();
    let closed: BTreeSet<&str> = rows
        .iter()
        .filter(|r| r.verdict != Verdict::Permit)
        .map(|r| r.data_class)
        .collect();
    let open: BTreeSet<&str> = rows
        .iter()
        .filter(|r| r.verdict == Verdict::Permit)
        .map(|r| r.data_class)
        .collect();
    let goes = decision != "deny";
    let permit: Vec<&&str> = open.difference(&closed).filter(|_| goes).collect();
    let redact: Vec<&&str> = closed.iter().filter(|_| goes).collect();
    json!({
        "outcome": outcome,
        "decision": decision,
        "permit": permit,
        "redact": redact,
        "released": released,
        "obligations": taken.map(|taken| taken.obligations.as_slice()).unwrap_or_default(),
        "citations": taken.map(|taken| taken.citations.as_slice()).unwrap_or_default(),
        "trace": trace(rules, stored, taken, depth),
    })
}

/// Person by person, class by class; a person is told by its key in the record.
fn trace(rules: &Rules, stored: &StoredRecord, taken: Option<&Taken>, depth: Depth) -> Vec<Value> {
    let rows = taken.map(|taken| taken.rows.as_slice()).unwrap_or_default();
    let each = rows.iter().map(|row| {
        let person = stored
            .persons
            .iter()
            .find(|known| known.person == row.person);
        let mut told = json!({
            "person": person.map(|person| person.key.as_str()),
            "data_class": row.data_class,
            "effect": row.verdict.as_str(),
            "citation": row.citation,
        });
        if let (Depth::Officer, Some(members)) = (depth, told.as_object_mut()) {
            members.insert(String::from("policies"), json!(row.policies));
            let reason = rules.policy.plain_reason(&row.policies);
            members.insert(String::from("reason"), json!(reason));
        }
        told
    });
    each.collect()
}
