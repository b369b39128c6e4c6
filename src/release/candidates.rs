//! Who is even asked about: partners with a channel for the record type and a tie to the record.
//!
//! No tie, no decision, no trace outside. A record of a test partner stays with that partner and
//! the simulated recipients; a prevention record, or one that does not say, never reaches child
//! welfare, probation, police, courts or attorneys unless the family's own consent names them.

use crate::base::id::{ChannelId, PartnerId, RecordType};
use crate::base::vocabulary::{RecipientRole, ServiceSource};
use crate::catalog::partner::{Channel, Direction, Mode, Partner, Relation};
use crate::format::Node;
use crate::record::Record;
use std::collections::BTreeMap;

/// One channel a record may go out on, before anything is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// To whom.
    pub partner: PartnerId,
    /// Over which channel.
    pub channel: ChannelId,
    /// The record names it: withholding then raises a work item.
    pub addressee: bool,
}

/// What ties are found from.
#[derive(Clone, Copy, Debug)]
pub struct Ties<'a> {
    /// The record.
    pub record: &'a Record,
    /// Who sent it.
    pub sender: &'a PartnerId,
    /// Whether it is test traffic.
    pub test: bool,
    /// Recipient roles and partner ids the family's own consents name.
    pub named_by_family: &'a NamedByFamily,
}

/// Whom the family's own consents name, as roles or as partners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedByFamily {
    /// Roles, never the wildcard.
    pub roles: Vec<RecipientRole>,
    /// Partners.
    pub partners: Vec<PartnerId>,
}

/// All candidates of a record, in the order of partner ids and channels.
pub fn candidates(partners: &BTreeMap<PartnerId, Partner>, ties: &Ties<'_>) -> Vec<Candidate> {
    let mut out = Vec::new();
    for partner in partners.values().filter(|p| may_be_asked(p, ties)) {
        for channel in &partner.channel {
            let Some(name) = channel.name.clone() else {
                continue;
            };
            let found = tie(partner, channel, ties);
            if found.is_some() && subscribes(channel, &ties.record.record_type) {
                out.push(Candidate {
                    partner: partner.id.clone(),
                    channel: name,
                    addressee: found == Some(Relation::Addressee),
                });
            }
        }
    }
    out
}

/// Whether the record names an addressee that is none of the partners by its identifiers: a name
/// alone is nobody's. What such a referral tells by whom it is addressed to is not known, so it
/// goes to no third party.
pub fn addressee_unknown(partners: &BTreeMap<PartnerId, Partner>, record: &Record) -> bool {
    let named = organization(record, "recipient");
    named.is_some() && !partners.values().any(|partner| named_in(partner, named))
}

/// The partner the record names as the one asked to serve.
pub fn addressee<'a>(
    partners: &'a BTreeMap<PartnerId, Partner>,
    record: &Record,
) -> Option<&'a Partner> {
    let named = organization(record, "recipient");
    partners.values().find(|partner| named_in(partner, named))
}

/// Whether the record names this partner as the one that asks.
pub fn is_requester(partner: &Partner, record: &Record) -> bool {
    named_in(partner, organization(record, "requester"))
}

/// Whether the record names this partner as requester or addressee.
pub fn is_party(partner: &Partner, record: &Record) -> bool {
    ["requester", "recipient"]
        .iter()
        .any(|part| named_in(partner, organization(record, part)))
}

fn subscribes(channel: &Channel, record_type: &RecordType) -> bool {
    channel.direction == Direction::Out
        && channel.https.is_some()
        && channel.records.contains(record_type)
}

/// Modes and walls, before any tie is looked for.
fn may_be_asked(partner: &Partner, ties: &Ties<'_>) -> bool {
    // A live sender has its own records.
    let known = !ties.test && partner.id == *ties.sender;
    !known
        && in_lane(partner, ties.sender, ties.test)
        && !walled_off(partner, ties.record, ties.named_by_family)
}

/// Whether a partner may see traffic of this mode at all: test traffic stays with its sender and
/// the simulated recipients, live traffic with live partners.
pub fn in_lane(partner: &Partner, sender: &PartnerId, test: bool) -> bool {
    if test {
        partner.id == *sender || partner.simulated
    } else {
        partner.mode == Mode::Live && !partner.simulated
    }
}

/// Whether a record stands behind the prevention wall: it says so, or does not say that it does
/// not.
pub fn behind_the_wall(record: &Record) -> bool {
    let source = record.envelope().and_then(|e| e.text("service_source"));
    let known = source.and_then(|word| word.parse::<ServiceSource>().ok());
    !matches!(known, Some(ServiceSource::Case | ServiceSource::Referral))
}

/// Whether the prevention wall keeps this record from that partner.
pub fn walled_off(partner: &Partner, record: &Record, named: &NamedByFamily) -> bool {
    if !behind_the_wall(record) {
        return false;
    }
    match partner.recipient_role() {
        Some(role) => {
            kept_out(role) && !named.roles.contains(&role) && !named.partners.contains(&partner.id)
        }
        None => true,
    }
}

fn kept_out(role: RecipientRole) -> bool {
    use RecipientRole as R;
    matches!(
        role,
        R::Cws
            | R::CwsOtherCounty
            | R::Probation
            | R::LawEnforcement
            | R::FederalImmigration
            | R::Court
            | R::YouthAttorney
            | R::ParentAttorney
            | R::Casa
            | R::MdtMember
    )
}

/// The first tie of the channel's list that holds; the addressee's comes first.
fn tie(partner: &Partner, channel: &Channel, ties: &Ties<'_>) -> Option<Relation> {
    let mut wanted = channel.related_by.clone();
    wanted.sort_by_key(|relation| *relation != Relation::Addressee);
    wanted
        .into_iter()
        .find(|relation| holds(*relation, partner, ties.record))
}

fn holds(relation: Relation, partner: &Partner, record: &Record) -> bool {
    match relation {
        Relation::Addressee | Relation::Target => {
            named_in(partner, organization(record, "recipient"))
        }
        Relation::Requester => named_in(partner, organization(record, "requester")),
        Relation::Assignment | Relation::Team => record.persons().iter().any(|person| {
            let worker = person.get("worker");
            named_in(partner, worker.and_then(|w| w.get("organization")))
        }),
        Relation::County => {
            let county = record.envelope().and_then(|e| e.text("county_fips"));
            county.is_some() && county == partner.county_fips.as_deref()
        }
    }
}

fn organization<'a>(record: &'a Record, part: &str) -> Option<&'a Node> {
    record.body().and_then(|body| body.get(part))
}

/// Whether an organisation of the record carries one of the partner's identifiers, however its
/// case and spaces were typed.
pub fn named_in(partner: &Partner, organization: Option<&Node>) -> bool {
    let identifiers = organization.and_then(|org| org.get("identifiers"));
    let identifiers = identifiers.map(Node::items).unwrap_or_default();
    let same = |found: Option<&str>, own: &str| found.is_some_and(|found| alike(found, own));
    identifiers.iter().any(|found| {
        partner.identifier.iter().any(|own| {
            same(found.text("value"), &own.value) && same(found.text("system"), &own.system)
        })
    })
}

/// Whether two words are the same but for case and spaces.
pub fn alike(one: &str, other: &str) -> bool {
    fn bare(text: &str) -> impl Iterator<Item = char> {
        let shown = text.chars().filter(|c| !c.is_whitespace());
        shown.flat_map(char::to_lowercase)
    }
    bare(one).eq(bare(other))
}
