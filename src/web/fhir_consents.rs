//! FHIR R4 Consent over HTTP: another form of the same registry.
//!
//! What comes in is read by `disclosure::fhir`, lodged as papers by the registry's one way in, and
//! shown again from the papers. Every error is an OperationOutcome that names the place.

use super::answer::{Call, Outcome};
use super::consent_state::{NOT_OWN_ID, is_own_id, minted_id, no_path};
use super::fhir_search;
use super::lodging::Identifier;
use super::media::media_type;
use super::problem::{
    BODY_INVALID, FORMAT_UNSUPPORTED, PARAMETER_INVALID, Problem, STATE_CONFLICT, outcome,
};
use super::sets::{self, Slot};
use crate::base::finding::{Finding, LineIndex};
use crate::disclosure::fhir::{self, Kept, Reading, Standing};
use crate::format::json;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, LOCATION};
use serde_json::{Value, json};

/// The media type of what is sent out, and one of the two taken in.
pub const FHIR_JSON: &str = "application/fhir+json";
/// What this server takes, but for its version.
const CAPABILITY: &str = include_str!("fhir.capability.json");
/// Longest id of a resource, characters.
const ID_CHARS_MAX: usize = 64;

/// Lodges a Consent under the client's id.
pub async fn put(mut call: Call) -> Outcome {
    call.partner()?;
    let id = resource_id(&call)?;
    let (told, reading, findings) = body(&mut call).await?;
    if told.is_some_and(|told| told != id) {
        let detail = "the id in the resource is not the one in the address";
        return Err(Problem::new(&PARAMETER_INVALID, detail));
    }
    if !is_own_id(&id) {
        return Err(Problem::new(&STATE_CONFLICT, NOT_OWN_ID));
    }
    no_path(&id)?;
    kept(&call, &id, reading, findings).await
}

/// Lodges a Consent under an id of the gateway's.
pub async fn post(mut call: Call) -> Outcome {
    call.partner()?;
    let (_, reading, findings) = body(&mut call).await?;
    let id = minted_id(&call);
    kept(&call, &id, reading, findings).await
}

/// The papers of a document as a Consent; by the registry's id a paper the caller may read.
pub async fn get(call: &Call) -> Outcome {
    call.partner()?;
    let id = resource_id(call)?;
    let slots = sets::slots(call, &id).await?;
    let resource = match slots.is_empty() {
        true => fhir_search::by_registry(call, &id).await?,
        false => shown(call, &id, &slots).ok_or_else(Problem::not_found)?,
    };
    let revision = resource.pointer("/meta/versionId").and_then(Value::as_str);
    let revision = revision.unwrap_or_default();
    Ok(HttpResponse::Ok()
        .content_type(FHIR_JSON)
        .insert_header((ETAG, format!("W/\"{revision}\"")))
        .body(resource.to_string()))
}

/// What this server takes, no more.
pub fn metadata() -> Outcome {
    let mut statement: Value = serde_json::from_str(CAPABILITY).unwrap_or_default();
    if let Some(software) = statement
        .pointer_mut("/software")
        .and_then(Value::as_object_mut)
    {
        software.insert(String::from("version"), json!(env!("CARGO_PKG_VERSION")));
    }
    Ok(HttpResponse::Ok()
        .content_type(FHIR_JSON)
        .body(statement.to_string()))
}

/// The id the resource itself tells, and the body read; a problem when anything of it keeps it from
/// being lodged.
async fn body(call: &mut Call) -> Result<(Option<String>, Reading, Vec<Finding>), Problem> {
    let media = media_type(call)?.to_ascii_lowercase();
    if ![FHIR_JSON, "application/json"].contains(&media.as_str()) {
        let detail = "send this as application/fhir+json";
        return Err(Problem::new(&FORMAT_UNSUPPORTED, detail));
    }
    let announced = usize::try_from(call.announced()).unwrap_or(0);
    let bytes = call.body.whole(announced).await?;
    let parsed = json::parse(&bytes);
    let mut findings = parsed.findings;
    let rules = call.site.rules.load();
    let roles = |id: &str| rules.recipient_roles(id);
    let tree = parsed.tree.as_ref();
    let told = tree.and_then(|tree| tree.text("id")).map(str::to_owned);
    let reading =
        tree.and_then(|tree| fhir::read(tree, &rules.consent_codes, &roles, &mut findings));
    LineIndex::new(&bytes, 1).fill(&mut findings);
    match reading.filter(|_| !findings.iter().any(Finding::is_error)) {
        Some(reading) => Ok((told, reading, findings)),
        None => Err(misfit(&findings)),
    }
}

fn misfit(findings: &[Finding]) -> Problem {
    let detail = "mend what the issues say; nothing was lodged";
    Problem::new(&BODY_INVALID, detail).with("findings", json!(findings))
}

async fn kept(call: &Call, id: &str, reading: Reading, mut told: Vec<Finding>) -> Outcome {
    if reading.standing != Standing::Stands {
        if reading.standing == Standing::Ends && sets::end_all(call, id).await? {
            let slots = sets::slots(call, id).await?;
            let revision = slots.first().map_or(0, |first| first.stored.revision);
            return Ok(answered((id, revision), StatusCode::OK, &told));
        }
        let detail = "a Consent is lodged when it is active, and ended by one that is inactive";
        return Err(Problem::new(&BODY_INVALID, detail));
    }
    let papers = reading.papers.into_iter();
    let papers = papers.map(|one| (one.except, one.paper));
    let sheets = sets::checked(call, &reading.subject, papers);
    let sheets = sheets.map_err(|findings| {
        // Its places are those of the registry's own form.
        let here = findings.into_iter().map(|finding| finding.at("Consent"));
        misfit(&here.collect::<Vec<_>>())
    })?;
    let (system, value) = reading.subject;
    let done = sets::replace(call, id, &Identifier { system, value }, sheets).await?;
    let revision = done.lodged.first().map_or(0, |first| first.revision);
    // What keeps a paper from counting, at the document.
    let why_not = done.lodged.into_iter().flat_map(|one| one.findings);
    told.extend(why_not.map(|finding| finding.at("Consent")));
    let status = match done.new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    Ok(answered((id, revision), status, &told))
}

fn answered((id, revision): (&str, u32), status: StatusCode, told: &[Finding]) -> HttpResponse {
    let body = outcome("lodged, or ended, as it says", told);
    HttpResponse::build(status)
        .content_type(FHIR_JSON)
        .insert_header((LOCATION, format!("/fhir/Consent/{id}")))
        .insert_header((ETAG, format!("W/\"{revision}\"")))
        .body(body.to_string())
}

/// The Consent of the papers that still stand, or of all of them when none does.
pub fn shown(call: &Call, id: &str, slots: &[Slot]) -> Option<Value> {
    let ended = !slots.iter().any(Slot::stands);
    let standing = slots.iter().filter(|slot| ended || slot.stands());
    let papers: Vec<Kept> = standing
        .map(|slot| Kept {
            paper: slot.paper.clone(),
        })
        .collect();
    let rules = call.site.rules.load();
    let mut resource = fhir::write(&rules.consent_codes, id, id, &papers, ended)?;
    let first = slots.first()?;
    let meta = json!({
        "versionId": first.stored.revision.to_string(),
        "lastUpdated": first.stored.lodged_at.to_rfc3339(),
    });
    resource.as_object_mut()?.insert(String::from("meta"), meta);
    Some(resource)
}

/// An id as FHIR allows it.
fn resource_id(call: &Call) -> Result<String, Problem> {
    let text = call.part("id");
    match is_resource_id(text) {
        true => Ok(text.to_owned()),
        false => Err(Problem::not_found()),
    }
}

/// Whether FHIR allows it as an id.
pub fn is_resource_id(text: &str) -> bool {
    let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(sound)
}
