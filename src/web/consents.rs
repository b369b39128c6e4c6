//! The consent registry: lodge, read, revoke. A partner sees what it lodged, nothing else.
//!
//! Every word of a consent is checked against its list before it is lodged: the law pack treats a
//! word it does not know as no consent, and the lodger should hear of it now, not at a refusal.

use super::answer::{Call, Outcome, store_failed};
use super::forms::{Form, object};
use super::json;
use super::lodging::{self, Identifier, LODGING, Lodging};
use super::problem::{Problem, STATE_CONFLICT};
use crate::base::clock::Timestamp;
use crate::base::id::ConsentId;
use crate::base::sensitive::{Reason, Sensitive};
use crate::catalog::partner::Mode;
use crate::format::Node;
use crate::intake::scoped_identifier;
use crate::store::{ConsentChange, NewConsent, StoredConsent};
use actix_web::HttpResponse;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Longest consent id, bytes.
const ID_BYTES_MAX: usize = 128;

/// Lodges a consent or a new revision of it.
pub async fn put(mut call: Call) -> Outcome {
    let partner = call.partner()?;
    let id = consent_id(&call)?;
    let now = call.site.clock.now();
    let check = |tree: &Node, findings: &mut Vec<_>| lodging::check(tree, now, findings);
    let read = json::read_checked(&mut call, &LODGING, check);
    let mut lodging: Lodging = read.await?;
    lodging.consent.id = id.as_str().to_owned();
    let Identifier { system, value } = &lodging.subject;
    let (identifier, test) = {
        let rules = call.site.rules.load();
        // A partner whose file was taken away since the call began lodges nothing.
        let file = rules.partners.get(&partner.id);
        let file = file.ok_or_else(Problem::not_found)?;
        let scoped = scoped_identifier(&rules.sources.statewide, file, system, value);
        (scoped, file.mode == Mode::Test)
    };
    let store = &call.site.store;
    let subject = store.ensure_person(&partner.id, &identifier, test).await;
    let subject = subject.map_err(|error| store_failed(&error))?;
    let body = serde_json::to_vec(&lodging.consent).unwrap_or_default();
    let change = store.put_consent(NewConsent {
        consent_id: id.clone(),
        partner: partner.id.clone(),
        subject,
        body: Sensitive::new(body),
        at: now,
        correlation_id: call.correlation.clone(),
    });
    changed(&id, change.await.map_err(|error| store_failed(&error))?)
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

/// A revocation says nothing more than its address.
static REVOCATION: LazyLock<Form> = LazyLock::new(|| Form::of(object(Vec::new())));

/// From now on it no longer counts; what is still to be sent is decided again without it. A
/// consent that was revoked before stays as it is.
pub async fn revoke(mut call: Call) -> Outcome {
    let partner = call.partner()?;
    let id = consent_id(&call)?;
    let found = call.site.store.get_consent(&partner.id, &id).await;
    let found = found.map_err(|error| store_failed(&error))?;
    found.ok_or_else(Problem::not_found)?;
    json::read_none(&mut call, &REVOCATION).await?;
    let now = call.site.clock.now();
    let store = &call.site.store;
    let change = store.revoke_consent(&partner.id, &id, now, &call.correlation);
    changed(&id, change.await.map_err(|error| store_failed(&error))?)
}

fn changed(id: &ConsentId, change: ConsentChange) -> Outcome {
    match change {
        // How many deliveries are decided again is not told: it would say to anybody whether
        // the person has records that are withheld.
        ConsentChange::Done { revision, .. } => Ok(HttpResponse::Ok().json(json!({
            "consent_id": id,
            "revision": revision,
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
