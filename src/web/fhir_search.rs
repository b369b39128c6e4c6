//! FHIR search of Consents: those of one person the calling partner may read, a page at a time.
//!
//! The person is named by an identifier, in the address or, better, in a form: what stands between
//! a client and this gateway may write addresses down. Nothing the gateway itself writes holds it:
//! no log, and no link of an answer. A person nobody knows answers like one without papers.

use super::answer::{Call, Outcome, store_failed};
use super::consent_state::{Say, answers_for, paper, reader, say_of};
use super::consents::known_by;
use super::fhir_consents::{FHIR_JSON, is_resource_id, shown};
use super::lodging::Identifier;
use super::media::media_type;
use super::problem::{BODY_INVALID, FORMAT_UNSUPPORTED, PARAMETER_INVALID, Problem};
use super::sets::{Slot, document, numbered};
use crate::base::id::{PersonId, RegistryId};
use crate::disclosure::fhir::{self, Kept};
use crate::store::StoredConsent;
use actix_web::HttpResponse;
use actix_web::web::Query;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An answer without its entries.
const BUNDLE: &str = include_str!("fhir.bundle.json");
/// What forms come as.
const FORM_TYPE: &str = "application/x-www-form-urlencoded";
/// Entries of a page, and when nothing is asked.
const ENTRIES_MAX: usize = 100;
const ENTRIES_DEFAULT: usize = 50;
/// Of whom nothing is kept.
const NOBODY: PersonId = PersonId([0; 16]);
/// Members of a paper that are its lodger's own ids, or say which of two has signed.
const LODGERS_OWN: [&str; 4] = ["id", "grantor_id", "supersedes", "exception_to"];

/// What is searched for.
#[derive(Default)]
struct Asked {
    person: Option<Identifier>,
    /// The last entry of the page before.
    after: Option<RegistryId>,
    count: Option<usize>,
}

/// Answers a search by its address.
pub async fn get(call: &Call) -> Outcome {
    let asked = read(call.request.query_string())?;
    answered(call, &asked).await
}

/// Answers a search by a form.
pub async fn post(mut call: Call) -> Outcome {
    call.partner()?;
    if !media_type(&call)?.eq_ignore_ascii_case(FORM_TYPE) {
        let detail = "send the search as application/x-www-form-urlencoded";
        return Err(Problem::new(&FORMAT_UNSUPPORTED, detail));
    }
    if !call.request.query_string().is_empty() {
        let detail = "a search by a form has its parameters in the form";
        return Err(Problem::new(&PARAMETER_INVALID, detail));
    }
    let announced = usize::try_from(call.announced()).unwrap_or(0);
    let bytes = call.body.whole(announced).await?;
    let form = std::str::from_utf8(&bytes);
    let form = form.map_err(|_| Problem::new(&BODY_INVALID, "the form is no text"))?;
    answered(&call, &read(form)?).await
}

/// The parameters, each once; any other refuses the search, because leaving one out would answer
/// another question.
fn read(text: &str) -> Result<Asked, Problem> {
    let pairs = Query::<Vec<(String, String)>>::from_query(text);
    let pairs = pairs.map_err(|_| refused())?.into_inner();
    let mut asked = Asked::default();
    for (name, value) in pairs {
        let taken = match name.as_str() {
            "patient.identifier" | "patient:identifier" if asked.person.is_none() => {
                asked.person = identifier(&value);
                asked.person.is_some()
            }
            "_cursor" if asked.after.is_none() => {
                asked.after = RegistryId::parse(&value.replacen('-', "_", 1));
                asked.after.is_some()
            }
            "_count" if asked.count.is_none() => {
                asked.count = value.parse().ok().filter(|count| *count > 0);
                asked.count.is_some()
            }
            "_format" => [FHIR_JSON, "application/json", "json"].contains(&value.as_str()),
            _ => false,
        };
        if !taken {
            return Err(refused());
        }
    }
    match asked.person.is_some() == asked.after.is_some() {
        true => Err(refused()),
        false => Ok(asked),
    }
}

/// `system|value` of a FHIR token: both told, one of them alone, `\` before what stands for itself.
fn identifier(token: &str) -> Option<Identifier> {
    let mut parts = vec![String::new()];
    let mut letters = token.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => parts.last_mut()?.push(letters.next()?),
            '|' => parts.push(String::new()),
            ',' => return None,
            plain => parts.last_mut()?.push(plain),
        }
    }
    let [system, value] = <[String; 2]>::try_from(parts).ok()?;
    (!system.is_empty() && !value.is_empty()).then_some(Identifier { system, value })
}

fn refused() -> Problem {
    let detail = "search by patient.identifier (system|value), with _count and _format at will, \
                  each once; a next page as its link says";
    Problem::new(&PARAMETER_INVALID, detail)
}

async fn answered(call: &Call, asked: &Asked) -> Outcome {
    // A person nobody knows is looked for like any other, and takes as long.
    let person = subject(call, asked).await?;
    let all = readable(call, person.unwrap_or(NOBODY)).await?;
    let count = asked.count.unwrap_or(ENTRIES_DEFAULT).min(ENTRIES_MAX);
    let total = all.len();
    let mut left = all.into_iter();
    if let Some(after) = asked.after {
        left = left
            .filter(|(id, _)| *id > after)
            .collect::<BTreeMap<_, _>>()
            .into_iter();
    }
    let page: Vec<(RegistryId, Value)> = left.by_ref().take(count).collect();
    let mut links = vec![json!({ "relation": "self", "url": "/fhir/Consent" })];
    if let (Some((last, _)), true) = (page.last(), left.next().is_some()) {
        let url = format!(
            "/fhir/Consent?_cursor={}&_count={count}",
            resource_id(*last)
        );
        links.push(json!({ "relation": "next", "url": url }));
    }
    let entries = page.into_iter();
    let entries = entries.map(|(_, one)| json!({ "resource": one, "search": {"mode": "match"} }));
    let mut bundle: Value = serde_json::from_str(BUNDLE).unwrap_or_default();
    if let Some(members) = bundle.as_object_mut() {
        members.insert(String::from("total"), json!(total));
        members.insert(String::from("link"), json!(links));
        members.insert(String::from("entry"), entries.collect());
    }
    Ok(HttpResponse::Ok()
        .content_type(FHIR_JSON)
        .body(bundle.to_string()))
}

/// Whose papers are asked for.
async fn subject(call: &Call, asked: &Asked) -> Result<Option<PersonId>, Problem> {
    let (partner, store) = (call.partner()?, &call.site.store);
    if let Some(identifier) = &asked.person {
        let (identifier, test) = known_by(call, identifier)?;
        let person = store.person_seen_by(&partner.id, &identifier.text, test);
        return person.await.map_err(|error| store_failed(&error));
    }
    let Some(last) = asked.after else {
        return Ok(None);
    };
    let last = store.registered_consent(last).await;
    let last = last.map_err(|error| store_failed(&error))?;
    let last = last.ok_or_else(refused)?;
    match may_read(call, &last).await? {
        true => Ok(Some(last.subject)),
        false => Err(refused()),
    }
}

/// Whether the calling partner may read it: as by its address.
async fn may_read(call: &Call, consent: &StoredConsent) -> Result<bool, Problem> {
    let partner = &call.partner()?.id;
    Ok(match say_of(call, partner, consent).await? {
        Some(Say::Source) => answers_for(consent, partner),
        Some(_) => true,
        None => false,
    })
}

/// The person's Consents the calling partner may read, by the registry's id of their first paper.
async fn readable(call: &Call, person: PersonId) -> Result<BTreeMap<RegistryId, Value>, Problem> {
    let partner = &call.partner()?.id;
    let reader = reader(call, partner);
    let all = call.site.store.consents_known_to(&reader, person).await;
    let all = all.map_err(|error| store_failed(&error))?;
    let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.partner == *partner);
    let mut found = BTreeMap::new();
    let mut documents: BTreeMap<String, Vec<Slot>> = BTreeMap::new();
    for consent in own {
        let id = document(consent.consent_id.as_str()).to_owned();
        documents.entry(id).or_default().push(numbered(consent));
    }
    for (id, mut slots) in documents {
        slots.sort_by_key(|slot| slot.number);
        let whole = slots.first().filter(|first| first.number == 0);
        let whole = whole.zip(
            is_resource_id(&id)
                .then(|| shown(call, &id, &slots))
                .flatten(),
        );
        match whole {
            Some((first, resource)) => {
                found.insert(first.stored.registry_id, resource);
            }
            // What is no FHIR document is told paper by paper.
            None => found.extend(slots.iter().filter_map(|slot| {
                Some((slot.stored.registry_id, single(call, &slot.stored, true)?))
            })),
        }
    }
    for consent in others {
        if may_read(call, &consent).await?
            && let Some(resource) = single(call, &consent, false)
        {
            found.insert(consent.registry_id, resource);
        }
    }
    Ok(found)
}

/// One paper by the registry's id, if the calling partner may read it.
pub async fn by_registry(call: &Call, id: &str) -> Result<Value, Problem> {
    let id = RegistryId::parse(&id.replacen('-', "_", 1)).ok_or_else(Problem::not_found)?;
    let consent = call.site.store.registered_consent(id).await;
    let consent = consent.map_err(|error| store_failed(&error))?;
    let consent = consent.ok_or_else(Problem::not_found)?;
    if !may_read(call, &consent).await? {
        return Err(Problem::not_found());
    }
    let own = consent.partner == call.partner()?.id;
    single(call, &consent, own).ok_or_else(Problem::not_found)
}

/// A paper alone, without what is its lodger's where that is another.
fn single(call: &Call, consent: &StoredConsent, own: bool) -> Option<Value> {
    let mut paper = paper(consent);
    if let (false, Some(members)) = (own, paper.as_object_mut()) {
        members.retain(|name, _| !LODGERS_OWN.contains(&name.as_str()));
    }
    let id = resource_id(consent.registry_id);
    let ended = consent.is_over();
    let rules = call.site.rules.load();
    let mut resource = fhir::write(&rules.consent_codes, &id, "", &[Kept { paper }], ended)?;
    let meta = json!({
        "versionId": consent.revision.to_string(),
        "lastUpdated": consent.lodged_at.to_rfc3339(),
    });
    resource.as_object_mut()?.insert(String::from("meta"), meta);
    Some(resource)
}

/// The registry's id, as FHIR allows ids.
fn resource_id(id: RegistryId) -> String {
    id.to_string().replacen('_', "-", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_refuses_the_search() {
        // Goal: no search answers another question than was asked. Method: good ones, and each with
        // one thing that is not taken.
        for good in [
            "patient.identifier=urn:x%7C1",
            "patient:identifier=urn:x%7C1&_count=2&_format=json",
            "_cursor=con-0198f0c2a4b07c1e8a5d3f6b9c2e1d40&_count=2",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "patient=Patient/1",
            "patient.identifier=1",
            "patient.identifier=%7C1",
            "patient.identifier=urn:x%7C",
            "patient.identifier=urn:x%7C1%7C2",
            "patient.identifier=urn:x%7C1,urn:x%7C2",
            "patient.identifier=urn:x%7C1&patient.identifier=urn:x%7C2",
            "patient.identifier=urn:x%7C1&_cursor=con-0198f0c2a4b07c1e8a5d3f6b9c2e1d40",
            "patient.identifier=urn:x%7C1&status=active",
            "patient.identifier=urn:x%7C1&_count=0",
            "patient.identifier=urn:x%7C1&_format=xml",
            "_cursor=1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let escaped = identifier(r"urn:x|a\,b\|c").expect("an identifier");
        assert_eq!((&*escaped.system, &*escaped.value), ("urn:x", "a,b|c"));
    }
}
