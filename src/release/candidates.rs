//! Who is even asked about: partners with a channel for the record type and a tie to the record.
//!
//! No tie, no decision, no trace outside. A record of a test partner stays with that partner and
//! the simulated recipients; a prevention record, or one that does not say, never reaches child
//! welfare, probation, police, courts or attorneys unless the family's own consent names them.

use crate::base::id::{CHILD_ABUSE_REPORT, ChannelId, PartnerId};
use crate::base::vocabulary::{Purpose, RecipientRole, ServiceSource, SourceRole};
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

/// What ties a partner to a record over one of its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// The record has to do with it.
    Related(Relation),
    /// The state fetches all records of a type.
    StatePull,
}

/// Why a record goes to a partner over a channel in no case, whatever law and consents say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untied {
    /// The partner or its channel is not in the catalog.
    NoChannel,
    /// The channel does not take such records out.
    NotSubscribed,
    /// It is the partner's own record.
    Own,
    /// Test traffic, or live traffic, that is not the partner's to see.
    OtherTraffic,
    /// The prevention wall stands between.
    Walled,
    /// The record has nothing to do with the partner.
    NoTie,
}

impl Untied {
    /// What a decision cites for it.
    pub const fn citation(self) -> &'static str {
        match self {
            Untied::NoChannel => "policy:channel-gone",
            Untied::NotSubscribed => "policy:not-subscribed",
            Untied::Own => "policy:own-record",
            Untied::OtherTraffic => "policy:other-traffic",
            Untied::Walled => "policy:prevention-wall",
            Untied::NoTie => "policy:no-tie",
        }
    }
}

/// Whom the family's own consents name, one entry for each that names anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedByFamily(pub Vec<Named>);

/// Whom one consent names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Recipients of these roles.
    pub roles: Vec<RecipientRole>,
    /// Of them only these partners, where it lists any.
    pub partners: Option<Vec<PartnerId>>,
}

impl NamedByFamily {
    fn names(&self, partner: &Partner, role: RecipientRole) -> bool {
        self.0.iter().any(|named| {
            let listed = named.partners.as_ref();
            named.roles.contains(&role) && listed.is_none_or(|all| all.contains(&partner.id))
        })
    }
}

/// All candidates of a record, in the order of partner ids and channels.
pub fn candidates(partners: &BTreeMap<PartnerId, Partner>, ties: &Ties<'_>) -> Vec<Candidate> {
    let mut out = Vec::new();
    for partner in partners.values() {
        let pushed = |channel: &&Channel| channel.direction == Direction::Out;
        for channel in partner.channel.iter().filter(pushed) {
            let (Some(name), Ok(tie)) = (&channel.name, tied(partner, channel, ties)) else {
                continue;
            };
            out.push(Candidate {
                partner: partner.id.clone(),
                channel: name.clone(),
                addressee: tie == Tie::Related(Relation::Addressee),
            });
        }
    }
    out
}

/// What ties a partner to a record over one of its channels. The one rule of who is even asked
/// about: routing finds candidates by it, and every release checks it again.
///
/// # Errors
/// With the reason, when the record goes there in no case.
pub fn tied(partner: &Partner, channel: &Channel, ties: &Ties<'_>) -> Result<Tie, Untied> {
    reachable(partner, channel, ties)?;
    let pulls = channel.direction == Direction::Pull;
    let tie = match (pulls, channel.purpose) {
        (true, Some(Purpose::StateReporting)) => return Ok(Tie::StatePull),
        // Who is not the state fetches only records that name it.
        (true, _) => tie(&[Relation::Addressee, Relation::Requester], partner, ties),
        (false, _) => tie(&channel.related_by, partner, ties),
    };
    tie.map(Tie::Related).ok_or(Untied::NoTie)
}

/// Whether a record may go to a partner over one of its channels if it has to do with it: what is
/// asked where somebody else says that it does, at the emergency door.
///
/// # Errors
/// With the reason, when the record goes there in no case.
pub fn reachable(partner: &Partner, channel: &Channel, ties: &Ties<'_>) -> Result<(), Untied> {
    if !subscribes(channel, ties.record) {
        return Err(Untied::NotSubscribed);
    }
    let pulls = channel.direction == Direction::Pull;
    // A live sender has its own records; a test sender may see its own come back.
    if partner.id == *ties.sender && (pulls || !ties.test) {
        return Err(Untied::Own);
    }
    if !in_traffic(partner, ties.sender, ties.test) {
        return Err(Untied::OtherTraffic);
    }
    if walled_off(partner, ties.record, ties.named_by_family) {
        return Err(Untied::Walled);
    }
    Ok(())
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

/// Whether the record itself names this partner: as the one that asks or is asked, as whom a worker
/// on it works for, or as the county agency of the county it is of. That records of a county go to
/// others in it stands in their own files, and no record says it.
pub fn written_on(partner: &Partner, record: &Record) -> bool {
    let named = [Relation::Addressee, Relation::Requester, Relation::Team];
    let agency = partner.source_role() == Some(SourceRole::Cws);
    named.iter().any(|one| holds(*one, partner, record))
        || (agency && holds(Relation::County, partner, record))
}

/// Whether such records leave by this channel at all.
fn subscribes(channel: &Channel, record: &Record) -> bool {
    let leads_out = match channel.direction {
        Direction::In => false,
        Direction::Out => channel.https.is_some(),
        Direction::Pull => true,
    };
    leads_out && channel.records.contains(&record.record_type) && channel.takes(&record.root)
}

/// Whether a partner may see traffic of this mode at all: test traffic stays with its sender and
/// the simulated recipients, live traffic with live partners.
fn in_traffic(partner: &Partner, sender: &PartnerId, test: bool) -> bool {
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
fn walled_off(partner: &Partner, record: &Record, named: &NamedByFamily) -> bool {
    // Nothing keeps a report of child abuse from those who take such reports.
    if record.record_type.as_str() == CHILD_ABUSE_REPORT || !behind_the_wall(record) {
        return false;
    }
    match partner.recipient_role() {
        Some(role) => kept_out(role) && !named.names(partner, role),
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

/// The first of these ties that holds; the addressee's comes first.
fn tie(wanted: &[Relation], partner: &Partner, ties: &Ties<'_>) -> Option<Relation> {
    let found = |relation: &&Relation| holds(**relation, partner, ties.record);
    let named = wanted.iter().filter(|one| **one == Relation::Addressee);
    let others = wanted.iter().filter(|one| **one != Relation::Addressee);
    named.chain(others).find(found).copied()
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
