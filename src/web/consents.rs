//! The consent registry: lodge, read, list. A partner sees what it lodged, and of others' consents
//! those it may stand behind.
//!
//! Every word of a consent is checked against its list before it is lodged: the law pack treats a
//! word it does not know as no consent, and the lodger should hear of it now, not at a refusal.

use super::answer::{Call, Outcome, store_failed};
use super::capture::Capture;
use super::consent_state::{
    NOT_OWN_ID, Say, answers_for, confirmations, consent_id, county_may_know, found, is_own_id,
    names_discloser, no_path, opened, paper, reader, state, ties,
};
use super::counting;
use super::disclosures::reason;
use super::json;
use super::lodging::{self, Identifier, LODGING, Lodging, Paper};
use super::paging::Page;
use super::principal::Principal;
use super::problem::{PARAMETER_INVALID, Problem, STATE_CONFLICT};
use super::sets::{self, Sheet};
use super::work::act;
use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::finding_codes::{SCHEMA_CODE_UNKNOWN, SCHEMA_PATTERN_MISMATCH};
use crate::base::id::{ConsentId, PersonId, RegistryId};
use crate::base::sensitive::Sensitive;
use crate::catalog::partner::Mode;
use crate::disclosure::moment::{Day, Now, local_day};
use crate::format::Node;
use crate::intake::scoped_identifier;
use crate::kept::aging::{Whose, event_overdue, stop};
use crate::kept::audience;
use crate::release::read_paper;
use crate::store::{ConsentChange, ConsentsAsked, NewConsent, NewIdentifier, StoredConsent};
use actix_web::HttpResponse;
use actix_web::web::Query;
use serde::Deserialize;
use serde_json::{Value, json};

/// Consents looked at for one page of a list, at most.
const CONSENTS_LOOKED_MAX: usize = 10_000;

/// Lodges a consent or a new revision of it.
pub async fn put(mut call: Call) -> Outcome {
    call.partner()?;
    let id = consent_id(&call)?;
    if !is_own_id(id.as_str()) {
        return Err(Problem::new(&STATE_CONFLICT, NOT_OWN_ID));
    }
    no_path(id.as_str())?;
    let now = call.site.clock.now();
    let check = |tree: &Node, findings: &mut Vec<_>| lodging::check(tree, now, findings);
    let read = json::read_checked(&mut call, &LODGING, check);
    let Lodging {
        subject,
        consent,
        capture,
    } = read.await?;
    let sheet = Sheet {
        except: false,
        paper: consent,
        capture,
    };
    // What else a document of this id had ends: it is this one paper from now on.
    let lodged = sets::replace(&call, id.as_str(), &subject, vec![sheet]).await?;
    let lodged = lodged.lodged.first().ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(told(lodged)))
}

/// A paper that was lodged, to its lodger.
pub fn told(lodged: &Lodged) -> Value {
    json!({
        "consent_id": lodged.consent_id,
        "registry_id": lodged.registry_id,
        "revision": lodged.revision,
        "counts": lodged.counts,
        "findings": lodged.findings,
    })
}

/// A consent as it was lodged.
pub struct Lodged {
    /// The lodger's id of it.
    pub consent_id: ConsentId,
    /// The registry's.
    pub registry_id: RegistryId,
    /// From 1.
    pub revision: u32,
    /// Whether it counts.
    pub counts: bool,
    /// What keeps it from counting, and what it closes more than it says.
    pub findings: Vec<Finding>,
}

/// Lodges the calling partner's paper about the person its identifier leads to: the one way in,
/// whatever form the paper came in. The same paper said again is the revision that is kept: it
/// takes no confirmation away.
pub async fn lodge(
    call: &Call,
    id: &ConsentId,
    mut paper: Paper,
    (subject, capture): (&Identifier, Option<Capture>),
) -> Result<Lodged, Problem> {
    let partner = call.partner()?;
    let now = call.site.clock.now();
    paper.id = id.as_str().to_owned();
    let body = serde_json::to_vec(&paper).unwrap_or_default();
    let body = Sensitive::new(body);
    let (findings, audience) = {
        let rules = call.site.rules.load();
        let read = read_paper(&body).unwrap_or_default();
        let mut findings = counting::findings(&rules, &read, (paper.other_signer(), Now::at(now)));
        let counts = findings.is_empty();
        findings.extend(counting::widened(&rules, &read));
        ((counts, findings), audience(&rules, &body))
    };
    let subject = person_of(call, subject).await?;
    let store = &call.site.store;
    let capture = capture.and_then(|capture| serde_json::to_vec(&capture).ok());
    let capture = capture.map(Sensitive::new);
    let lodged = |stored: &StoredConsent, revision: u32, (counts, findings)| Lodged {
        consent_id: id.clone(),
        registry_id: stored.registry_id,
        revision,
        counts,
        findings,
    };
    let before = store.get_consent(&partner.id, id).await;
    let before = before.map_err(|error| store_failed(&error))?;
    let again = |kept: &&StoredConsent| {
        !kept.is_ended() && kept.subject == subject && kept.body == body && kept.capture == capture
    };
    if let Some(kept) = before.as_ref().filter(again) {
        return Ok(lodged(kept, kept.revision, findings));
    }
    let lodging = NewConsent {
        consent_id: id.clone(),
        partner: partner.id.clone(),
        subject,
        body,
        at: now,
        correlation_id: call.correlation.clone(),
    };
    let change = store.lodge_consent(lodging, capture, audience);
    let revision = changed(change.await.map_err(|error| store_failed(&error))?)?;
    let stored = store.get_consent(&partner.id, id).await;
    let stored = stored.map_err(|error| store_failed(&error))?;
    let stored = stored.ok_or_else(Problem::not_found)?;
    Ok(lodged(&stored, revision, findings))
}

/// The person the calling partner's identifier leads to, made known if it leads to none.
pub async fn person_of(call: &Call, subject: &Identifier) -> Result<PersonId, Problem> {
    let (identifier, test) = known_by(call, subject)?;
    let (partner, store) = (call.partner()?, &call.site.store);
    let person = store.ensure_person(&partner.id, &identifier, test).await;
    person.map_err(|error| store_failed(&error))
}

/// An identifier as the calling partner means it, and whether of test persons.
pub fn known_by(call: &Call, subject: &Identifier) -> Result<(NewIdentifier, bool), Problem> {
    let Identifier { system, value } = subject;
    let rules = call.site.rules.load();
    // A partner whose file was taken away since the call began lodges nothing.
    let file = rules.partners.get(&call.partner()?.id);
    let file = file.ok_or_else(Problem::not_found)?;
    if let Some(meant) = rules.sources.statewide.misspelled(system) {
        // Taken as a name of the partner's own it would lead to nobody else's records.
        let finding = Finding::new(&SCHEMA_CODE_UNKNOWN).at("/subject/system");
        return Err(json::misfit(&[finding.fixed_by(format!("write {meant}"))]));
    }
    if !rules.sources.statewide.fits(system.trim(), value) {
        let finding = Finding::new(&SCHEMA_PATTERN_MISMATCH).at("/subject/value");
        return Err(json::misfit(&[finding]));
    }
    let scoped = scoped_identifier(&rules.sources.statewide, file, system, value);
    Ok((scoped, file.mode == Mode::Test))
}

/// The newest revision, with what has become of it. Who may only stand behind it sees it where it
/// answers for what it opens, or as the county; an officer says why.
pub async fn get(call: &Call) -> Outcome {
    let (consent, say) = found(call).await?;
    match say {
        Say::Source if !answers_for(&consent, &call.partner()?.id) => {
            return Err(Problem::not_found());
        }
        Say::Officer => noted(call, "consent_read", &consent).await?,
        _ => {}
    }
    let own = matches!(say, Say::Lodger | Say::Officer);
    let mut told = shown(&consent, own);
    state(call, &consent).await?.add_to(&mut told);
    Ok(HttpResponse::Ok().json(told))
}

/// Enters an officer's reading, with the reason given, before anything is shown.
pub async fn noted(call: &Call, what: &str, consent: &StoredConsent) -> Result<(), Problem> {
    let act = act(call, reason(call)?)?;
    let id = consent.registry_id.to_string();
    let noted = call.site.store.record_operator_action(act, what, &id).await;
    noted.map(drop).map_err(|error| store_failed(&error))
}

/// The revision a change made.
pub fn changed(change: ConsentChange) -> Result<u32, Problem> {
    match change {
        // How many deliveries are decided again is not told: it would say to anybody whether
        // the person has records that are withheld.
        ConsentChange::Done { revision, .. } => Ok(revision),
        ConsentChange::Unknown => Err(Problem::not_found()),
        ConsentChange::OtherSubject => Err(Problem::new(
            &STATE_CONFLICT,
            "this consent is another person's: lodge it under an id of its own",
        )),
        ConsentChange::Newer => Err(Problem::new(
            &STATE_CONFLICT,
            "this consent is changing at this moment: look at it and try again",
        )),
        ConsentChange::Revoked => Err(Problem::new(
            &STATE_CONFLICT,
            "this consent was revoked or has ended: lodge a newly signed one under its own id",
        )),
    }
}

/// A consent as its lodger and officers read it, or as who may stand behind it does: without the
/// lodger's own id of it, without which of two signed, and without how it was captured.
fn shown(consent: &StoredConsent, own: bool) -> Value {
    let mut paper = paper(consent);
    let captured = own.then(|| captured(consent)).flatten();
    let id = own.then_some(&consent.consent_id);
    if let (false, Some(members)) = (own, paper.as_object_mut()) {
        members.remove("id");
        members.remove("grantor_id");
    }
    json!({
        "consent_id": id,
        "registry_id": consent.registry_id,
        "lodged_by": consent.partner,
        "revision": consent.revision,
        "lodged_at": consent.lodged_at.to_rfc3339(),
        "revoked_at": consent.revoked_at.map(Timestamp::to_rfc3339),
        "ended_on": consent.ended_on.map(|day| Day(day).to_string()),
        "confirmed": confirmations(&consent.confirmed),
        "consent": paper,
        "capture": captured,
    })
}

/// How a consent was captured, where that was told.
pub fn captured(consent: &StoredConsent) -> Option<Value> {
    consent.capture.as_ref().map(opened)
}

/// A page of consents: an officer's all; a partner's own and, asked for those that are lodged, the
/// ones it may stand behind and the paper or its jurisdiction names it for. No paper is shown.
pub async fn list(call: &Call) -> Outcome {
    let page = Page::of(call)?;
    let after = page.after(RegistryId::parse)?;
    let filter = Filter::of(call)?;
    let partner = match &call.principal {
        Some(Principal::Partner(pass)) => Some(pass.id.clone()),
        _ => None,
    };
    // It shows when children come of age: who reads that of all says why.
    if partner.is_none() && filter.stops_within_days.is_some() {
        let act = act(call, reason(call)?)?;
        let store = &call.site.store;
        let noted = store.record_operator_action(act, "consents_stopping_read", "all");
        noted.await.map_err(|error| store_failed(&error))?;
    }
    let waiting = filter.state.as_deref() == Some("lodged");
    let others = partner.as_ref().filter(|_| waiting);
    let others = others.map(|partner| reader(call, partner));
    let mut asked = ConsentsAsked {
        lodger: partner.clone(),
        others,
        after,
        limit: page.rows_and_one(),
    };
    let mut rows: Vec<(RegistryId, Value)> = Vec::new();
    let (mut looked, mut next) = (0, None);
    // What is filtered out takes no place: a page is full or the last.
    while rows.len() <= page.rows() {
        let found = call.site.store.consents_page(&asked).await;
        let found = found.map_err(|error| store_failed(&error))?;
        for consent in &found {
            if rows.len() > page.rows() {
                break;
            }
            let own = partner.as_ref().is_none_or(|id| *id == consent.partner);
            let row = row(call, consent, (own, &filter)).await?;
            rows.extend(row.map(|row| (consent.registry_id, row)));
        }
        looked += found.len();
        let Some(last) = found.last().filter(|_| found.len() >= asked.limit) else {
            break;
        };
        asked.after = Some(last.registry_id);
        if looked >= CONSENTS_LOOKED_MAX {
            next = Some(page.cursor_of(&last.registry_id.to_string()));
            break;
        }
    }
    let cut = page.cut(&mut rows, |(id, _)| id.to_string());
    let rows: Vec<Value> = rows.into_iter().map(|(_, row)| row).collect();
    Ok(HttpResponse::Ok().json(json!({ "consents": rows, "next_cursor": cut.or(next) })))
}

/// One row of a list, if the filter lets it through and the caller may know of it.
async fn row(
    call: &Call,
    consent: &StoredConsent,
    (own, filter): (bool, &Filter),
) -> Result<Option<Value>, Problem> {
    if !own && !may_know(call, consent).await? {
        return Ok(None);
    }
    let now = call.site.clock.now();
    let whose = if own { Whose::Own } else { Whose::Others };
    let stops = match filter.stops_within_days {
        Some(days) => match stop(&call.site.store, consent, (whose, now)).await {
            Ok(Some(day)) if day.0 - local_day(now).0 <= i32::from(days) => Some(day),
            Ok(_) => return Ok(None),
            Err(error) => return Err(store_failed(&error)),
        },
        None => None,
    };
    if filter.review == Some(true) && !event_overdue(consent, now) {
        return Ok(None);
    }
    let state = state(call, consent).await?;
    if filter
        .state
        .as_deref()
        .is_some_and(|word| word != state.word)
    {
        return Ok(None);
    }
    let paper = paper(consent);
    let id = own.then_some(&consent.consent_id);
    Ok(Some(json!({
        "consent_id": id,
        "registry_id": consent.registry_id,
        "lodged_by": consent.partner,
        "revision": consent.revision,
        "lodged_at": consent.lodged_at.to_rfc3339(),
        "kind": paper.get("kind"),
        "type": paper.get("type"),
        "state": state.word,
        "stops_on": stops.map(|day| day.to_string()),
    })))
}

/// Whether a partner may know of another's consent: the paper names it as discloser, or it is the
/// county of the person's records and the paper is not of what no county may learn.
async fn may_know(call: &Call, consent: &StoredConsent) -> Result<bool, Problem> {
    let partner = call.partner()?;
    if names_discloser(consent, &partner.id) {
        return Ok(true);
    }
    if !county_may_know(call, consent, &partner.id) {
        return Ok(false);
    }
    let (ties, _) = ties(call, &partner.id, consent).await?;
    Ok(ties.county)
}

/// What a list is narrowed to.
#[derive(Deserialize)]
struct Filter {
    state: Option<String>,
    stops_within_days: Option<u16>,
    review: Option<bool>,
}

impl Filter {
    fn of(call: &Call) -> Result<Filter, Problem> {
        let read = Query::<Filter>::from_query(call.request.query_string());
        let filter = read.map(Query::into_inner).ok();
        let known = |word: &String| STATES.contains(&word.as_str());
        filter
            .filter(|filter| filter.state.as_ref().is_none_or(known))
            .ok_or_else(|| {
                let detail = "state is lodged, effective, revoked, ended or superseded; \
                              stops_within_days a number; review true or false";
                Problem::new(&PARAMETER_INVALID, detail)
            })
    }
}

/// What has become of a consent, in a word.
const STATES: [&str; 5] = ["lodged", "effective", "revoked", "ended", "superseded"];
