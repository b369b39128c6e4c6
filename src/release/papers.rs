//! Papers of the registry as release may use them: whose consents may open anything, and whom the
//! family itself names.
//!
//! A paper opens the prevention wall only while it counts, by the same judgement as any consent:
//! expired, revoked, replaced or not yet begun, it names nobody.

use super::asserted::{Asserted, Circumstances};
use super::candidates::{Named, NamedByFamily, behind_the_wall};
use super::{HeldConsent, HeldFact, ReleaseInput, facts, received};
use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, PersonId};
use crate::base::sensitive::{Reason, Sensitive};
use crate::base::vocabulary::{Grantor, RecipientRole, SourceRole};
use crate::catalog::Partner;
use crate::catalog::partner::Direction as Way;
use crate::disclosure::moment::Now;
use crate::disclosure::request::{Clock, Consent, Context, Direction};
use crate::format::Node;
use crate::record::Record;
use crate::rules::Rules;

/// The papers of a record's family, and what they are judged by.
#[derive(Clone, Copy)]
pub struct FamilyPapers<'a> {
    /// The record.
    pub record: &'a Record,
    /// Keys of its persons and who they are.
    pub persons: &'a [(String, PersonId)],
    /// Who handed it in.
    pub source: &'a PartnerId,
    /// Every consent of its persons.
    pub consents: &'a [HeldConsent<'a>],
    /// What partners assert of them.
    pub facts: &'a [HeldFact<'a>],
    /// The instant they must hold at.
    pub now: Timestamp,
}

/// Whom the persons' own consents name, as roles or as partners: what opens the prevention wall. A
/// consent names somebody only while it counts and whoever signed it may, by the same facts as any
/// decision asks. Nobody for a record that does not stand behind the wall.
pub fn family_names(rules: &Rules, papers: &FamilyPapers<'_>) -> NamedByFamily {
    let mut named = NamedByFamily::default();
    if papers.consents.is_empty() || !behind_the_wall(papers.record) {
        return named;
    }
    let context = Context {
        now: Clock::At(Now::at(papers.now)),
        ..Context::default()
    };
    let lodged: Vec<HeldConsent<'_>> = papers
        .consents
        .iter()
        .filter(|held| well_lodged(rules, papers, held))
        .copied()
        .collect();
    let asserted = Asserted::new(
        rules,
        Circumstances {
            record: papers.record,
            source: papers.source,
            recipient: None,
            facts: papers.facts,
            now: papers.now,
        },
    );
    for person in papers.record.persons() {
        let Some(id) = identity(person, papers.persons) else {
            continue;
        };
        let of = (context.clone(), papers.now);
        let own = facts::known(&asserted, (person, id), &lodged, of);
        let policy = &rules.policy;
        let signed = policy.signed_in_force(&own.subject, &own.context, &own.consents);
        let each = own.consents.iter().zip(signed);
        let counting = each.filter(|(_, counts)| *counts);
        for (consent, _) in counting.filter(|(consent, _)| of_the_family(consent)) {
            add(&mut named, consent);
        }
    }
    named
}

/// For each of these papers of one lodger about one person whether others of them have taken its
/// place, as the law says it of that person; of one nobody knows, in doubt none has.
pub fn superseded(
    rules: &Rules,
    held: &[HeldConsent<'_>],
    (id, entry): (PersonId, Option<&Node>),
    now: Timestamp,
) -> Vec<bool> {
    let context = Context {
        now: Clock::At(Now::at(now)),
        ..Context::default()
    };
    let subject = entry.map(|entry| facts::subject(entry, &id.to_string(), now));
    let papers = facts::consents(held, id);
    rules
        .policy
        .superseded(&subject.unwrap_or_default(), &context, &papers)
}

/// A paper of the registry as the rules read it; `None` when nobody can. What it does not say its
/// form shows, the form does not show: nobody's silence stands for an element.
pub fn read_paper(body: &Sensitive<Vec<u8>>) -> Option<Consent> {
    let mut paper: Consent = serde_json::from_slice(body.expose(Reason::Decide)).ok()?;
    paper.elements.get_or_insert_default();
    Some(paper)
}

/// Whether the county of a person's records may know of a paper that does not name it: not of one
/// whose kind alone says what no county may learn.
pub fn counties_may_know(rules: &Rules, paper: &Consent) -> bool {
    let tables = &rules.policy.pack().tables;
    let row = paper.kind.known().and_then(|kind| tables.kind(kind));
    row.is_some_and(|row| !row.hidden_from_counties)
}

/// Who a person of a record is.
pub(super) fn identity(person: &Node, persons: &[(String, PersonId)]) -> Option<PersonId> {
    let key = person.text("key")?;
    let found = persons.iter().find(|(known, _)| known == key);
    found.map(|(_, id)| *id)
}

fn add(named: &mut NamedByFamily, consent: &Consent) {
    let roles = RecipientRole::ALL.iter().copied();
    let listed = roles.filter(|role| consent.recipients.names(*role));
    let ids = consent.recipient_ids.as_ref();
    let partners = ids.map(|ids| ids.0.iter().map(|id| PartnerId::new(id)).collect());
    // A release to everyone names nobody.
    if partners.is_some() || !consent.recipients.all {
        named.0.push(Named {
            roles: listed.collect(),
            partners,
        });
    }
}

/// A permission of the family's own.
fn of_the_family(consent: &Consent) -> bool {
    let own = matches!(
        consent.grantor.known(),
        Some(
            Grantor::Myself
                | Grantor::Youth
                | Grantor::Parent
                | Grantor::Guardian
                | Grantor::YouthAndParent
        )
    );
    own && consent.direction.known() == Some(Direction::Permit)
}

/// The consents that are looked at for this record toward this recipient, and those that are not:
/// whoever lodged them has no say, and nothing was given to the sender by virtue of them.
pub(super) fn heard<'a>(
    rules: &Rules,
    input: &ReleaseInput<'a>,
) -> (Vec<HeldConsent<'a>>, Vec<HeldConsent<'a>>) {
    let all = input.consents.iter().copied();
    all.partition(|held| may_open(rules, input, held) || received::names(input, held))
}

/// Whether a consent may open anything for this record toward this recipient: one lodged or
/// confirmed by the source of the data or by the county of the record's jurisdiction. What would
/// receive may lodge, and neither its lodging nor its word gives it data. One that names who is to
/// disclose opens no other's data. One for a single use opens nothing to a pull, which may be
/// fetched any number of times. A refusal counts whoever lodged it.
fn may_open(rules: &Rules, input: &ReleaseInput<'_>, held: &HeldConsent<'_>) -> bool {
    let stands = |who: &PartnerId| {
        *who == input.source.id
            || (*who != input.recipient.id && is_its_county(rules, input.record, who))
    };
    // What is given at the emergency door is given once, over whatever channel leads there.
    let again = input.channel.direction == Way::Pull && input.emergency.is_none();
    let pulled = again && is_for_one_use(rules, held);
    let given = discloses(held, &input.source.id) && backed(held, input.now, stands);
    (!pulled && given) || refuses(held)
}

/// As [`may_open`], before a recipient is known.
fn well_lodged(rules: &Rules, papers: &FamilyPapers<'_>, held: &HeldConsent<'_>) -> bool {
    let stands = |who: &PartnerId| who == papers.source || is_its_county(rules, papers.record, who);
    (discloses(held, papers.source) && backed(held, papers.now, stands)) || refuses(held)
}

/// Whether it lets this source disclose: it names nobody who is to, or this one.
fn discloses(held: &HeldConsent<'_>, source: &PartnerId) -> bool {
    let named = read_paper(held.body).and_then(|paper| paper.discloser_ids);
    named.is_none_or(|named| named.hold(source.as_str()))
}

/// Whether its lodger or somebody who has confirmed it by then is one of those.
fn backed(held: &HeldConsent<'_>, now: Timestamp, stands: impl Fn(&PartnerId) -> bool) -> bool {
    let mut confirmed = held.since.confirmed.iter();
    stands(held.lodger) || confirmed.any(|(by, at)| *at <= now && stands(by))
}

/// Whether a partner is the county that the record is in the jurisdiction of: another county's
/// word opens nothing, and where the record does not say which it is, no county's does.
fn is_its_county(rules: &Rules, record: &Record, who: &PartnerId) -> bool {
    let county = record.envelope().and_then(|e| e.text("county_fips"));
    let partner = rules.partners.get(who);
    let is_county = partner.and_then(Partner::source_role) == Some(SourceRole::Cws);
    let own = partner.and_then(|partner| partner.county_fips.as_deref());
    is_county && county.is_some() && county == own
}

/// Whether it permits one disclosure and no other.
pub(super) fn is_for_one_use(rules: &Rules, held: &HeldConsent<'_>) -> bool {
    let kind = read_paper(held.body).and_then(|paper| paper.kind.known());
    let row = kind.and_then(|kind| rules.policy.pack().tables.kind(kind));
    row.is_some_and(|row| row.single_use)
}

/// Whether it does not permit; one nobody can read is kept, to ask for a human look.
fn refuses(held: &HeldConsent<'_>) -> bool {
    read_paper(held.body).is_none_or(|paper| paper.may_refuse())
}
