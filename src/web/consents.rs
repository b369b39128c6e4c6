//! The consent registry: lodge, read, revoke. A partner sees what it lodged, nothing else.
//!
//! Every word of a consent is checked against its list before it is lodged: the law pack treats a
//! word it does not know as no consent, and the lodger should hear of it now, not at a refusal.

use super::answer::{Call, Outcome, store_failed};
use super::json;
use super::problem::{BODY_INVALID, Problem, STATE_CONFLICT};
use crate::base::clock::Timestamp;
use crate::base::id::{ConsentId, PartnerId};
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::{ConsentKind, DataClass, Grantor, Purpose, RecipientRole};
use crate::catalog::partner::Mode;
use crate::intake::scoped_identifier;
use crate::store::{ConsentChange, NewConsent, StoredConsent};
use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest consent id, bytes.
const ID_BYTES_MAX: usize = 128;

/// A consent on its way in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lodging {
    subject: Identifier,
    consent: Paper,
}

/// Whose consent it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifier {
    system: String,
    value: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Effect {
    Permit,
    Deny,
}

/// A paper as the law pack reads it; its id is the one in the address.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Paper {
    #[serde(skip_deserializing)]
    id: String,
    kind: ConsentKind,
    #[serde(rename = "type")]
    effect: Effect,
    grantor: Grantor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grantor_id: Option<String>,
    classes: Vec<DataClass>,
    recipients: Vec<RecipientRole>,
    purposes: Vec<Purpose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipient_ids: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_period: Option<(String, String)>,
    signed: String,
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiry_statement: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    elements_missing: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coercion_flag: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    supersedes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exception_to: Vec<String>,
}

/// Lodges a consent or a new revision of it.
pub async fn put(mut call: Call) -> Outcome {
    let partner = call.partner()?;
    let id = consent_id(&call)?;
    let mut lodging: Lodging = json::read(&mut call).await?;
    check_dates(&lodging.consent)?;
    lodging.consent.id = id.as_str().to_owned();
    let Identifier { system, value } = &lodging.subject;
    let identifier = scoped_identifier(
        &call.site.rules.load().sources.statewide,
        &partner.id,
        system,
        value,
    );
    let store = &call.site.store;
    let test = is_test(&call, &partner.id)?;
    let subject = store.ensure_person(&identifier, test).await;
    let subject = subject.map_err(|error| store_failed(&error))?;
    let body = serde_json::to_vec(&lodging.consent).unwrap_or_default();
    let change = store.put_consent(NewConsent {
        consent_id: id.clone(),
        partner: partner.id.clone(),
        subject,
        body: Sensitive::new(body),
        at: call.site.clock.now(),
        correlation_id: call.correlation.clone(),
    });
    changed(&id, change.await.map_err(|error| store_failed(&error))?)
}

/// Whether the lodger is a test partner: its consents are about the persons of test traffic.
fn is_test(call: &Call, partner: &PartnerId) -> Result<bool, Problem> {
    let rules = call.site.rules.load();
    // A partner whose file was taken away since the call began lodges nothing.
    let file = rules.partners.get(partner);
    let file = file.ok_or_else(Problem::not_found)?;
    Ok(file.mode == Mode::Test)
}

/// The newest revision.
pub async fn get(call: &Call) -> Outcome {
    let partner = call.partner()?;
    let id = consent_id(call)?;
    let found = call.site.store.get_consent(&partner.id, &id).await;
    let found = found.map_err(|error| store_failed(&error))?;
    let consent = found.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(shown(&consent)))
}

/// From now on it no longer counts; what is still to be sent is decided again without it.
pub async fn revoke(call: &Call) -> Outcome {
    let partner = call.partner()?;
    let id = consent_id(call)?;
    let now = call.site.clock.now();
    let store = &call.site.store;
    let change = store.revoke_consent(&partner.id, &id, now, &call.correlation);
    changed(&id, change.await.map_err(|error| store_failed(&error))?)
}

fn changed(id: &ConsentId, change: ConsentChange) -> Outcome {
    match change {
        ConsentChange::Done {
            revision,
            reevaluated,
            ..
        } => Ok(HttpResponse::Ok().json(json!({
            "consent_id": id,
            "revision": revision,
            "reevaluated": reevaluated,
        }))),
        ConsentChange::Unknown => Err(Problem::not_found()),
        ConsentChange::OtherSubject => Err(Problem::new(
            &STATE_CONFLICT,
            "this consent is another person's: lodge it under an id of its own",
        )),
        ConsentChange::Revoked => Err(Problem::new(
            &STATE_CONFLICT,
            "this consent was revoked: lodge a newly signed one under an id of its own",
        )),
    }
}

fn shown(consent: &StoredConsent) -> Value {
    let body = consent.body.expose(Reason::Send);
    let paper: Value = serde_json::from_slice(body).unwrap_or_default();
    json!({
        "consent_id": consent.consent_id,
        "revision": consent.revision,
        "lodged_at": consent.lodged_at.to_rfc3339(),
        "revoked_at": consent.revoked_at.map(Timestamp::to_rfc3339),
        "consent": paper,
    })
}

fn consent_id(call: &Call) -> Result<ConsentId, Problem> {
    let text = call.part("id");
    let sound = !text.is_empty()
        && text.len() <= ID_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_graphic());
    if sound {
        Ok(ConsentId::new(text))
    } else {
        Err(Problem::not_found())
    }
}

fn check_dates(paper: &Paper) -> Result<(), Problem> {
    let period = paper.data_period.iter().flat_map(|(from, to)| [from, to]);
    let dates = [
        Some(&paper.signed),
        paper.start.as_ref(),
        paper.end.as_ref(),
    ];
    let dates = dates.into_iter().flatten();
    let sound = |text: &String| {
        text.parse::<jiff::civil::Date>()
            .is_ok_and(|_| text.len() == 10)
            || Timestamp::from_rfc3339(text).is_some()
    };
    if period
        .filter(|text| !text.is_empty())
        .chain(dates)
        .all(sound)
    {
        return Ok(());
    }
    Err(Problem::new(
        &BODY_INVALID,
        "write signed, start, end and data_period as YYYY-MM-DD or RFC 3339",
    ))
}
