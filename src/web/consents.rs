//! The consent registry: lodge, read, revoke. A partner sees what it lodged, nothing else.
//!
//! Every word of a consent is checked against its list before it is lodged: the law pack treats a
//! word it does not know as no consent, and the lodger should hear of it now, not at a refusal.

use super::answer::{Call, Outcome, store_failed};
use super::counting;
use super::forms::{Form, object};
use super::json;
use super::lodging::{self, Identifier, LODGING, Lodging, Paper};
use super::problem::{Problem, STATE_CONFLICT};
use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::id::{ConsentId, PersonId, RegistryId};
use crate::base::sensitive::{Reason, Sensitive};
use crate::catalog::partner::Mode;
use crate::disclosure::moment::Now;
use crate::format::Node;
use crate::intake::scoped_identifier;
use crate::release::read_paper;
use crate::store::{ConsentChange, NewConsent, StoredConsent};
use actix_web::HttpResponse;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Longest consent id, bytes.
const ID_BYTES_MAX: usize = 128;

/// Lodges a consent or a new revision of it.
pub async fn put(mut call: Call) -> Outcome {
    call.partner()?;
    let id = consent_id(&call)?;
    let now = call.site.clock.now();
    let check = |tree: &Node, findings: &mut Vec<_>| lodging::check(tree, now, findings);
    let read = json::read_checked(&mut call, &LODGING, check);
    let Lodging { subject, consent } = read.await?;
    let lodged = lodge(&call, &id, consent, &subject).await?;
    Ok(HttpResponse::Ok().json(json!({
        "consent_id": lodged.consent_id,
        "registry_id": lodged.registry_id,
        "revision": lodged.revision,
        "counts": lodged.findings.is_empty(),
        "findings": lodged.findings,
    })))
}

/// A consent as it was lodged.
pub struct Lodged {
    /// The lodger's id of it.
    pub consent_id: ConsentId,
    /// The registry's.
    pub registry_id: RegistryId,
    /// From 1.
    pub revision: u32,
    /// What keeps it from counting; with none it counts.
    pub findings: Vec<Finding>,
}

/// Lodges the calling partner's paper about the person its identifier leads to: the one way in,
/// whatever form the paper came in.
pub async fn lodge(
    call: &Call,
    id: &ConsentId,
    mut paper: Paper,
    subject: &Identifier,
) -> Result<Lodged, Problem> {
    let partner = call.partner()?;
    let now = call.site.clock.now();
    paper.id = id.as_str().to_owned();
    let body = serde_json::to_vec(&paper).unwrap_or_default();
    let body = Sensitive::new(body);
    let findings = {
        let rules = call.site.rules.load();
        let read = read_paper(&body).unwrap_or_default();
        counting::findings(&rules, &read, (paper.other_signer(), Now::at(now)))
    };
    let subject = person_of(call, subject).await?;
    let change = call.site.store.put_consent(NewConsent {
        consent_id: id.clone(),
        partner: partner.id.clone(),
        subject,
        body,
        at: now,
        correlation_id: call.correlation.clone(),
    });
    let revision = changed(change.await.map_err(|error| store_failed(&error))?)?;
    let stored = own(call, id).await?;
    Ok(Lodged {
        consent_id: id.clone(),
        registry_id: stored.registry_id,
        revision,
        findings,
    })
}

/// The person the calling partner's identifier leads to, made known if it leads to none.
pub async fn person_of(call: &Call, subject: &Identifier) -> Result<PersonId, Problem> {
    let partner = call.partner()?;
    let Identifier { system, value } = subject;
    let (identifier, test) = {
        let rules = call.site.rules.load();
        // A partner whose file was taken away since the call began lodges nothing.
        let file = rules.partners.get(&partner.id);
        let file = file.ok_or_else(Problem::not_found)?;
        let scoped = scoped_identifier(&rules.sources.statewide, file, system, value);
        (scoped, file.mode == Mode::Test)
    };
    let store = &call.site.store;
    let person = store.ensure_person(&partner.id, &identifier, test).await;
    person.map_err(|error| store_failed(&error))
}

/// The calling partner's own consent of that id.
async fn own(call: &Call, id: &ConsentId) -> Result<StoredConsent, Problem> {
    let found = call.site.store.get_consent(&call.partner()?.id, id).await;
    found
        .map_err(|error| store_failed(&error))?
        .ok_or_else(Problem::not_found)
}

/// The newest revision.
pub async fn get(call: &Call) -> Outcome {
    call.partner()?;
    let id = consent_id(call)?;
    Ok(HttpResponse::Ok().json(shown(&own(call, &id).await?)))
}

/// A revocation says nothing more than its address.
static REVOCATION: LazyLock<Form> = LazyLock::new(|| Form::of(object(Vec::new())));

/// From now on it no longer counts; what is still to be sent is decided again without it. A
/// consent that was revoked before stays as it is.
pub async fn revoke(mut call: Call) -> Outcome {
    let partner = call.partner()?;
    let id = consent_id(&call)?;
    let registry_id = own(&call, &id).await?.registry_id;
    json::read_none(&mut call, &REVOCATION).await?;
    let now = call.site.clock.now();
    let store = &call.site.store;
    let change = store.revoke_consent(&partner.id, &id, now, &call.correlation);
    let revision = changed(change.await.map_err(|error| store_failed(&error))?)?;
    Ok(HttpResponse::Ok().json(json!({
        "consent_id": id,
        "registry_id": registry_id,
        "revision": revision,
    })))
}

/// The revision a change made.
fn changed(change: ConsentChange) -> Result<u32, Problem> {
    match change {
        // How many deliveries are decided again is not told: it would say to anybody whether
        // the person has records that are withheld.
        ConsentChange::Done { revision, .. } => Ok(revision),
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

/// A paper for whoever lodged it.
pub fn paper_of(consent: &StoredConsent) -> Value {
    let body = consent.body.expose(Reason::Send);
    serde_json::from_slice(body).unwrap_or_default()
}

fn shown(consent: &StoredConsent) -> Value {
    let paper = paper_of(consent);
    json!({
        "consent_id": consent.consent_id,
        "registry_id": consent.registry_id,
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
