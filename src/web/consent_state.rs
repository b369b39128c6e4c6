//! Which consent an address means to the caller, what gives the caller a say in it, and what has
//! become of it.
//!
//! A lodger's own id is the address of its consents. By the registry's id it is found by its
//! lodger, by an officer, by the county whose jurisdiction the person's records are in, where it
//! may know of it, and by who is a source of data about the person; to all others it does not
//! exist.

use super::answer::{Call, store_failed};
use super::counting;
use super::principal::Principal;
use super::problem::{BODY_INVALID, Problem};
use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::id::{ConsentId, PartnerId, RegistryId};
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::{OtherGrantor, SourceRole};
use crate::catalog::Partner;
use crate::disclosure::moment::{Now, local_day};
use crate::disclosure::request::{Consent, Direction};
use crate::kept::{audience, held, lodgers_record};
use crate::release::{read_paper, superseded};
use crate::store::{PersonTies, Reader, StoredConsent};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What gives the caller a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// It lodged it.
    Lodger,
    /// It is the county of the person's records.
    County,
    /// It has itself brought data or another consent of the person.
    Source,
    /// A privacy officer.
    Officer,
}

/// The id in the address, when it is one.
pub fn consent_id(call: &Call) -> Result<ConsentId, Problem> {
    call.told_id().map(ConsentId::new)
}

/// Whether a lodger may take it as its own id of a document: neither of the form of the registry's,
/// as FHIR writes it too, nor one of a document's further papers.
pub fn is_own_id(id: &str) -> bool {
    let registrys = RegistryId::parse(&id.replacen('-', "_", 1)).is_some();
    !registrys && id.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

/// What is told of an id that is not.
pub const NOT_OWN_ID: &str = "ids of this form are the registry's, or of a document's further \
                              papers: lodge it under an id of your own";

/// That an id goes to recipients with the paper's copy, and some make a file's name of it: it names
/// no path, in whatever writing, and no folder.
///
/// # Errors
/// What to use instead.
pub fn no_path(id: &str) -> Result<(), Problem> {
    let names = ['/', '\\', '%'];
    if ["", ".", ".."].contains(&id) || id.contains(names) {
        let detail = "recipients may name files after the id: use letters, digits, `-`, `_`, `.` \
                      and `:`, no slash, backslash or percent sign, and not `.` or `..` alone";
        return Err(Problem::new(&BODY_INVALID, detail));
    }
    Ok(())
}

/// An id for a document whose lodger names none. It is the lodger's, and no registry id.
pub fn minted_id(call: &Call) -> String {
    let minted = RegistryId::mint(call.site.clock.now()).to_string();
    let number = minted.split_once('_').map_or("", |(_, number)| number);
    format!("doc-{number}")
}

/// The consent the address means to the caller.
pub async fn found(call: &Call) -> Result<(StoredConsent, Say), Problem> {
    let id = consent_id(call)?;
    let store = &call.site.store;
    let partner = match &call.principal {
        Some(Principal::Partner(pass)) => Some(&pass.id),
        _ => None,
    };
    if let Some(partner) = partner {
        let own = store.get_consent(partner, &id).await;
        if let Some(own) = own.map_err(|error| store_failed(&error))? {
            return Ok((own, Say::Lodger));
        }
    }
    let registered = RegistryId::parse(id.as_str()).ok_or_else(Problem::not_found)?;
    let consent = store.registered_consent(registered).await;
    let consent = consent.map_err(|error| store_failed(&error))?;
    let consent = consent.ok_or_else(Problem::not_found)?;
    let say = match partner {
        None => Say::Officer,
        Some(partner) => say_of(call, partner, &consent)
            .await?
            .ok_or_else(Problem::not_found)?,
    };
    Ok((consent, say))
}

/// What gives a partner a say in a consent; `None` where to it there is no such consent.
pub async fn say_of(
    call: &Call,
    partner: &PartnerId,
    consent: &StoredConsent,
) -> Result<Option<Say>, Problem> {
    if *partner == consent.partner {
        return Ok(Some(Say::Lodger));
    }
    let (ties, _) = ties(call, partner, consent).await?;
    Ok(match ties {
        PersonTies { county: true, .. } if county_may_know(call, consent, partner) => {
            Some(Say::County)
        }
        PersonTies { source: true, .. } | PersonTies { lodger: true, .. } => Some(Say::Source),
        _ => None,
    })
}

/// What ties a partner to the person of a consent, and which county it is, if it is one.
pub async fn ties(
    call: &Call,
    partner: &PartnerId,
    consent: &StoredConsent,
) -> Result<(PersonTies, Option<String>), Problem> {
    let reader = reader(call, partner);
    let about = (consent.subject, consent.registry_id);
    let ties = call.site.store.ties_to(about, &reader).await;
    Ok((
        ties.map_err(|error| store_failed(&error))?,
        reader.county_fips,
    ))
}

/// A partner as one that may know of others' consents.
pub fn reader(call: &Call, partner: &PartnerId) -> Reader {
    let rules = call.site.rules.load();
    let unseen = rules.partners.iter().filter(|(_, file)| unseen(file));
    Reader {
        partner: partner.clone(),
        county_fips: rules.partners.get(partner).and_then(county),
        unseen: unseen.map(|(id, _)| id.clone()).collect(),
    }
}

/// Whether to be known to this source says by itself what no county may learn.
fn unseen(partner: &Partner) -> bool {
    matches!(
        partner.source_role(),
        Some(SourceRole::SudProgram | SourceRole::DvProgram)
    )
}

/// Whether a county may know of another's consent by its jurisdiction: the paper names it as
/// discloser, or neither its kind nor its lodger says what no county may learn.
pub fn county_may_know(call: &Call, consent: &StoredConsent, county: &PartnerId) -> bool {
    let rules = call.site.rules.load();
    let audience = audience(&rules, &consent.body);
    let lodger = rules.partners.get(&consent.partner);
    let by_jurisdiction = audience.counties && lodger.is_some_and(|file| !unseen(file));
    audience.named.contains(county) || by_jurisdiction
}

/// The county a partner is, if it is one.
pub fn county(partner: &Partner) -> Option<String> {
    let is_county = partner.source_role() == Some(SourceRole::Cws);
    partner.county_fips.clone().filter(|_| is_county)
}

/// The stored paper, as it was lodged.
pub fn paper(consent: &StoredConsent) -> Value {
    opened(&consent.body)
}

/// What was kept as JSON, to be shown.
pub fn opened(sealed: &Sensitive<Vec<u8>>) -> Value {
    serde_json::from_slice(sealed.expose(Reason::Send)).unwrap_or_default()
}

/// Who confirmed a revision and when, to be shown.
pub fn confirmations(confirmed: &[(PartnerId, Timestamp)]) -> Vec<Value> {
    let each = confirmed.iter();
    each.map(|(by, at)| json!({ "by": by, "at": at.to_rfc3339() }))
        .collect()
}

/// Whether the paper itself names this partner as one that is to disclose.
pub fn names_discloser(consent: &StoredConsent, partner: &PartnerId) -> bool {
    let named = read_paper(&consent.body).and_then(|paper| paper.discloser_ids);
    named.is_some_and(|ids| ids.hold(partner.as_str()))
}

/// Whether a source answers for what a consent opens of its data: the paper names it as discloser,
/// or names nobody and the source stands behind it.
pub fn answers_for(consent: &StoredConsent, partner: &PartnerId) -> bool {
    let confirmed = consent.confirmed.iter().any(|(by, _)| by == partner);
    let named = read_paper(&consent.body).and_then(|paper| paper.discloser_ids);
    named.map_or(confirmed, |ids| ids.hold(partner.as_str()))
}

/// What has become of a consent, and for whose data it counts.
pub struct State {
    /// `lodged`, `effective`, `revoked`, `ended` or `superseded`.
    pub word: &'static str,
    sources: BTreeSet<PartnerId>,
    counties: BTreeSet<String>,
    counts: bool,
    findings: Vec<Finding>,
}

impl State {
    /// Adds it to what is shown of a consent.
    pub fn add_to(&self, shown: &mut Value) {
        let Some(members) = shown.as_object_mut() else {
            return;
        };
        let whose = json!({ "sources": self.sources, "counties": self.counties });
        for (name, value) in [
            ("state", json!(self.word)),
            ("effective_for", whose),
            ("counts", json!(self.counts)),
            ("findings", json!(self.findings)),
        ] {
            members.insert(name.to_owned(), value);
        }
    }
}

/// What has become of it by now.
pub async fn state(call: &Call, consent: &StoredConsent) -> Result<State, Problem> {
    let now = call.site.clock.now();
    let paper = read_paper(&consent.body).unwrap_or_default();
    let mut state = State {
        word: "lodged",
        sources: BTreeSet::new(),
        counties: BTreeSet::new(),
        counts: false,
        findings: Vec::new(),
    };
    {
        let rules = call.site.rules.load();
        let asked = (other_signer(consent), Now::at(now));
        state.findings = counting::findings(&rules, &paper, asked);
    }
    if let Some(word) = over(call, consent, (&paper, now)).await? {
        state.word = word;
        return Ok(state);
    }
    state.counts = state.findings.is_empty();
    let officer = !matches!(call.principal, Some(Principal::Partner(_)));
    let behind = consent.confirmed.iter().map(|(by, _)| by);
    for partner in std::iter::once(&consent.partner).chain(behind) {
        let (ties, county) = ties(call, partner, consent).await?;
        let named = paper.discloser_ids.as_ref();
        if ties.source && named.is_none_or(|ids| ids.hold(partner.as_str())) {
            state.sources.insert(partner.clone());
        }
        // Lodging about anybody must not tell a county whether others hold records of them.
        let told = officer || *partner != consent.partner;
        state
            .counties
            .extend(county.filter(|_| ties.county && told));
    }
    let refuses = paper.direction.known() == Some(Direction::Deny);
    let somewhere = !state.sources.is_empty() || !state.counties.is_empty();
    if refuses || (state.counts && somewhere) {
        state.word = "effective";
    }
    Ok(state)
}

/// The word of a consent that counts no more.
async fn over(
    call: &Call,
    consent: &StoredConsent,
    (paper, now): (&Consent, Timestamp),
) -> Result<Option<&'static str>, Problem> {
    let at = Now::at(now);
    if consent.revoked_at.is_some_and(|from| from <= now)
        || paper.revoked.is_some_and(|from| from.begun(at))
    {
        return Ok(Some("revoked"));
    }
    let happened = consent.ended_on.is_some_and(|day| day <= local_day(now).0);
    if happened || consent.used.is_some() || paper.end.is_some_and(|end| end.over(at)) {
        return Ok(Some("ended"));
    }
    let store = &call.site.store;
    let all = store
        .consents_by(&consent.partner, &[consent.subject])
        .await;
    let all = all.map_err(|error| store_failed(&error))?;
    let names = |other: &StoredConsent| {
        read_paper(&other.body).is_some_and(|paper| {
            other.registry_id != consent.registry_id
                && paper.supersedes.hold(consent.consent_id.as_str())
        })
    };
    if !all.iter().any(names) {
        return Ok(None);
    }
    // Who may retire a refusal hangs on who the person is: what another's record says of that is
    // not told to anybody by it.
    let asks = match &call.principal {
        Some(Principal::Partner(pass)) => pass.id == consent.partner,
        _ => true,
    };
    let known = match asks {
        true => lodgers_record(&call.site.store, consent).await,
        false => Ok(None),
    };
    let known = known.map_err(|error| store_failed(&error))?;
    let person = known
        .as_ref()
        .and_then(|(record, at)| record.persons().get(*at));
    let rules = call.site.rules.load();
    let of = (consent.subject, person);
    let over = superseded(&rules, &held(&all), of, now);
    let at = all
        .iter()
        .position(|one| one.registry_id == consent.registry_id);
    let retired = at.and_then(|at| over.get(at)).is_some_and(|over| *over);
    Ok(retired.then_some("superseded"))
}

/// The signer of the stored paper, where the rules give that signer no say.
fn other_signer(consent: &StoredConsent) -> Option<OtherGrantor> {
    paper(consent).get("grantor")?.as_str()?.parse().ok()
}
