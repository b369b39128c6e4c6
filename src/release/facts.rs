//! Facts: what is known of a person, the parties and their agreements at this instant.
//!
//! A fact that opens is set only where the record, the partner files or the registry show it;
//! nothing is inferred from silence. Where an age is uncertain the person counts as a child.

use super::asserted::{Asserted, Given};
use super::decide::Parties;
use super::{HeldConsent, ReleaseInput, read_paper, received};
use crate::base::Text;
use crate::base::clock::Timestamp;
use crate::base::fact_key::FactKey;
use crate::base::id::{CHILD_ABUSE_REPORT, OPERATOR_ID, PartnerId, PersonId};
use crate::base::vocabulary::{ClassSet, Grantor, Purpose, SourceRole};
use crate::catalog::partner::Partner;
use crate::disclosure::aging::OF_AGE_YEARS;
use crate::disclosure::given::{Maybe, Scalar, Word};
use crate::disclosure::moment::{Day, Moment, Now, local_day};
use crate::disclosure::request::{
    Agreement, Clock, Consent, Context, Direction, Emergency, Subject,
};
use crate::disclosure::{Ask, CELL_MIN};
use crate::format::Node;
use crate::record::cells;
use crate::rules::Rules;
use std::collections::BTreeSet;

/// From this age a minor may consent to some services alone.
const MAY_CONSENT: u16 = 12;

/// What the record says of one of its persons, as the law asks it.
pub fn subject(person: &Node, id: &str, now: Timestamp) -> Subject {
    let born = person.text("birth_date");
    let age = born.and_then(|date| age(date, now));
    let may_be_minor = age.is_none() && born.is_some_and(|date| !is_of_age(date, now));
    let classes: Vec<&str> = person
        .get("minor_consented")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|row| row.text("class"))
        .collect();
    let mut subject = Subject {
        id: Some(id.into()),
        role: Some(role(person.text("role"), (age, may_be_minor)).into()),
        age,
        tribe_id: tribe(person).map(Into::into),
        safe_at_home: if in_address_program(person) {
            Maybe::True
        } else {
            Maybe::Absent
        },
        ..Subject::default()
    };
    if !classes.is_empty()
        && let Ok(listed) = serde_json::from_value(serde_json::json!(classes))
    {
        subject.minor_consented = listed;
    }
    subject
}

/// A person under 18 is a child whatever part they play; so is one whose date of birth leaves it
/// open, and one of unknown age, unless the part can only be an adult's.
fn role(word: Option<&str>, (age, may_be_minor): (Option<u16>, bool)) -> &'static str {
    match (age, word) {
        _ if may_be_minor => "child",
        (Some(age), _) if age < OF_AGE_YEARS => "child",
        (_, Some("partner_worker" | "worker")) => "partner_worker",
        (None, Some("parent" | "guardian" | "caregiver")) | (Some(_), _) => "parent",
        (None, _) => "child",
    }
}

fn in_address_program(person: &Node) -> bool {
    let addresses = person.get("addresses").map(Node::items);
    addresses.unwrap_or_default().iter().any(|address| {
        let kind = address.text("kind").unwrap_or_default();
        kind.starts_with("safe_at_home")
    })
}

/// The tribe whose member, or eligible child, the person is.
fn tribe(person: &Node) -> Option<&str> {
    let rows = person.get("tribe").map(Node::items).unwrap_or_default();
    rows.iter()
        .find(|row| matches!(row.text("status"), Some("enrolled" | "eligible")))
        .and_then(|row| row.get("tribe"))
        .and_then(|coding| coding.text("code"))
}

/// Whole years at `now` in California. A date of less precision gives an age only where every day
/// it may mean falls on the same side of the ages the law asks for; then the youngest of them.
fn age(date: &str, now: Timestamp) -> Option<u16> {
    let (oldest, youngest) = ages(date, now)?;
    let side = |age: u16| (age >= MAY_CONSENT, age >= OF_AGE_YEARS);
    (side(oldest) == side(youngest)).then_some(youngest)
}

/// Of the days a date may mean, the greatest age and the least.
fn ages(date: &str, now: Timestamp) -> Option<(u16, u16)> {
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i32>().ok());
    let year = parts.next()??;
    let (month, day) = (parts.next().flatten(), parts.next().flatten());
    let today = today(now)?;
    let oldest = years(today, (year, month.unwrap_or(1), day.unwrap_or(1)))?;
    let youngest = years(today, (year, month.unwrap_or(12), day.unwrap_or(31)))?;
    Some((oldest, youngest))
}

/// Whether whoever was born on any day the date may mean is of age at `now` in California.
fn is_of_age(date: &str, now: Timestamp) -> bool {
    let youngest = ages(date, now).map(|(_, youngest)| youngest);
    youngest.is_some_and(|age| age >= OF_AGE_YEARS)
}

fn years(today: (i32, i32, i32), born: (i32, i32, i32)) -> Option<u16> {
    let had_birthday = (today.1, today.2) >= (born.1, born.2);
    let years = today.0 - born.0 - i32::from(!had_birthday);
    u16::try_from(years).ok()
}

fn today(now: Timestamp) -> Option<(i32, i32, i32)> {
    let date = local_day(now).date()?;
    Some((
        i32::from(date.year()),
        i32::from(date.month()),
        i32::from(date.day()),
    ))
}

/// The facts all persons of one release share.
pub fn context(input: &ReleaseInput<'_>, purpose: Purpose) -> Context {
    Context {
        now: Clock::At(Now::at(input.now)),
        recipient_id: Some(input.recipient.id.as_str().into()),
        data_date: data_date(input),
        agreement: agreement(input, purpose).map(|kind| Agreement {
            kind: Some(kind.into()),
            signed: Maybe::True,
        }),
        source_is_covered_entity: covered(input.source),
        // Nobody has to say so: a copy of a report is one.
        mandated_report: match input.record.record_type.as_str() == CHILD_ABUSE_REPORT {
            true => Maybe::True,
            false => Maybe::Absent,
        },
        subject_is_worker: if a_worker_is_the_subject(input) {
            Maybe::True
        } else {
            Maybe::Absent
        },
        ..Context::default()
    }
}

/// The emergency that is declared for this person alone: a fact of this one answer, whatever the
/// registry says of emergencies.
fn declare(input: &ReleaseInput<'_>, person: PersonId, context: &mut Context) {
    let declared = input.emergency.filter(|one| one.subject == person);
    if let Some(declared) = declared {
        let consent_obtainable = match declared.consent_obtainable {
            true => Maybe::True,
            false => Maybe::False,
        };
        context.emergency = Some(Emergency {
            bona_fide: Maybe::True,
            consent_obtainable,
        });
    }
}

/// The day the data is of: the event's, where the record says it.
fn data_date(input: &ReleaseInput<'_>) -> Option<Moment> {
    let body = input.record.body().and_then(|body| body.text("start"));
    let event = input.record.envelope().and_then(|e| e.text("event_at"));
    event.or(body).map(Moment::read)
}

fn covered(source: &Partner) -> Maybe {
    match source.source_role() {
        Some(SourceRole::Mhp | SourceRole::HealthProvider) => Maybe::True,
        _ => Maybe::Absent,
    }
}

/// The agreement that bears on this purpose between these two, if one of their files shows it and
/// it holds today.
pub fn agreement(input: &ReleaseInput<'_>, purpose: Purpose) -> Option<&'static str> {
    let part2 = input.source.source_role() == Some(SourceRole::SudProgram);
    let kind = match purpose {
        Purpose::Research if part2 => "part2_research",
        Purpose::Research => "dua",
        Purpose::Audit | Purpose::StateReporting if part2 => "part2_audit",
        Purpose::Operations | Purpose::Payment if part2 => "qsoa",
        _ => "county_contract",
    };
    let shown = |one: &Partner, other| one.agreed_with(other, kind, input.now).is_some();
    let (source, recipient) = (input.source, input.recipient);
    (shown(source, recipient) || shown(recipient, source)).then_some(kind)
}

fn a_worker_is_the_subject(input: &ReleaseInput<'_>) -> bool {
    let refs = input.record.envelope().and_then(|e| e.get("subject_refs"));
    let refs = refs.map(Node::items).unwrap_or_default();
    input.record.persons().iter().any(|person| {
        let key = person.text("key");
        person.text("role") == Some("partner_worker")
            && refs.iter().any(|named| named.as_str() == key)
    })
}

/// The facts totals are asked with: how large the smallest count is that can be read or computed.
/// Nothing of them is about a person, and no paper opens them.
pub(super) fn of_totals(input: &ReleaseInput<'_>, purpose: Purpose) -> Context {
    let smallest = cells::smallest(input.record).and_then(|cell| u32::try_from(cell).ok());
    Context {
        min_cell: smallest.map(|cell| Scalar::Number(f64::from(cell))),
        ..context(input, purpose)
    }
}

/// Whether the law would hold the smallest count of the record for large enough.
pub(super) fn cells_large(input: &ReleaseInput<'_>) -> bool {
    cells::smallest(input.record).is_some_and(|cell| cell >= u64::from(CELL_MIN))
}

/// All that is asked with about one person.
pub(super) struct Question {
    /// The person.
    pub(super) subject: Subject,
    /// The facts of the moment.
    pub(super) context: Context,
    /// The person's papers.
    pub(super) consents: Vec<Consent>,
    /// Ids of papers a fact has taken out of it, because of who signed them.
    pub(super) void: BTreeSet<Text>,
    /// What the registry of facts gave to it.
    pub(super) given: Given,
}

impl Question {
    /// Puts it about some classes of the person, portion by portion as they came to the sender.
    pub(super) fn put(
        &self,
        input: &ReleaseInput<'_>,
        (parties, person, classes): (Parties, PersonId, ClassSet),
        mut each: impl FnMut(&Ask<'_>),
    ) {
        for (classes, context) in received::portions(input, person, (classes, &self.context)) {
            each(&Ask {
                source: parties.source,
                recipient: parties.recipient,
                purpose: parties.purpose,
                classes,
                subject: &self.subject,
                consents: &self.consents,
                context: &context,
            });
        }
    }
}

/// The question about one of the record's persons, on these of the person's papers.
pub(super) fn question(
    asserted: &Asserted<'_>,
    input: &ReleaseInput<'_>,
    (entry, person): (&Node, PersonId),
    held: &[HeldConsent<'_>],
    purpose: Purpose,
) -> Question {
    let now = (context(input, purpose), input.now);
    let mut question = known(asserted, (entry, person), held, now);
    declare(input, person, &mut question.context);
    if let Some(under) = received::under(input, person) {
        under.narrow(&mut question.context, &mut question.consents);
    }
    question
}

/// What is known of one of the record's persons, whatever is asked: what the record says and the
/// registry gives and takes, and the person's papers but for those whose signer it takes out.
pub(super) fn known(
    asserted: &Asserted<'_>,
    (entry, person): (&Node, PersonId),
    held: &[HeldConsent<'_>],
    (mut context, now): (Context, Timestamp),
) -> Question {
    let mut subject = subject(entry, &person.to_string(), now);
    let mut given = asserted.give(person, &mut subject, &mut context);
    let (mut consents, mut void) = (consents(held, person), BTreeSet::new());
    for consent in &mut consents {
        if refuses_nobody_known(asserted.rules, consent) {
            consent.recipient_ids = None;
        }
    }
    let ended = SIGNED_BY.map(|(tie, grantors)| (asserted.ended(tie, person), grantors));
    let of_age = subject.age.is_some_and(|age| age >= OF_AGE_YEARS);
    let unproved = LETS_SIGN.map(|(key, grantors)| {
        let known = key == FactKey::Turned18 && of_age;
        let seen = asserted.unproved(key, person).filter(|_| !known);
        (seen, grantors)
    });
    for (seen, grantors) in ended.into_iter().chain(unproved) {
        if let Some(seen) = seen {
            given.seen.insert(seen);
            let is_void = |consent: &Consent| {
                let by = consent
                    .grantor
                    .known()
                    .is_some_and(|by| grantors.contains(&by));
                by && consent.direction.known() == Some(Direction::Permit)
            };
            let (out, left): (Vec<_>, Vec<_>) = consents.into_iter().partition(is_void);
            consents = left;
            void.extend(out.into_iter().filter_map(|consent| consent.id));
        }
    }
    Question {
        subject,
        context,
        consents,
        void,
        given,
    }
}

/// Whether it is a refusal toward somebody who is no partner here: then it is one toward everybody
/// it may mean. Whom it names cannot be told, and it must not close nothing. By whom the data would
/// be given never limits one.
pub fn refuses_nobody_known(rules: &Rules, consent: &Consent) -> bool {
    let is_known =
        |id: &Text| *id == OPERATOR_ID || rules.partners.contains_key(&PartnerId::new(id));
    let ids = consent.recipient_ids.as_ref();
    consent.may_refuse() && ids.is_some_and(|ids| !ids.0.iter().all(is_known))
}

/// Who signs by which tie. Where one has ended nobody knows which parent signed: a permit counts
/// for nothing then, a refusal still does.
const SIGNED_BY: [(FactKey, &[Grantor]); 2] = [
    (
        FactKey::ParentalRights,
        &[Grantor::Parent, Grantor::YouthAndParent],
    ),
    (FactKey::Guardianship, &[Grantor::Guardian]),
];

/// Whose signature a fact would let count. Entered by one whose word opens nothing, or unconfirmed,
/// it closes what it closes and lets nobody sign.
const LETS_SIGN: [(FactKey, &[Grantor]); 4] = [
    (FactKey::MinorConsented, &[Grantor::Myself, Grantor::Youth]),
    (FactKey::Turned18, &[Grantor::Myself, Grantor::Youth]),
    (FactKey::Deceased, &[Grantor::PersonalRepresentative]),
    (FactKey::DiedOn, &[Grantor::PersonalRepresentative]),
];

/// The consents of one person as the rules read them.
pub fn consents(held: &[HeldConsent<'_>], person: PersonId) -> Vec<Consent> {
    let own = held.iter().filter(|held| held.subject == person);
    own.map(|held| {
        let mut consent = read_paper(held.body).unwrap_or_else(unreadable);
        // Ids are the lodger's own: two lodgers may use the same one.
        let scoped = |id: &str| format!("{}/{id}", held.lodger).into();
        consent.id = Some(scoped(held.id.as_str()));
        for list in [&mut consent.supersedes, &mut consent.exception_to] {
            for id in &mut list.0 {
                *id = scoped(id);
            }
        }
        // The registry has joined the paper to the person; the lodger's own id of them is not ours.
        consent.subject_id = None;
        if let Some(at) = held.revoked_at {
            let sooner = |told: Moment| match told {
                Moment::Instant(told, _) => told <= at,
                Moment::Day(day) => day <= local_day(at),
                Moment::Unreadable => false,
            };
            if !consent.revoked.is_some_and(sooner) {
                consent.revoked = Some(Moment::Instant(at, local_day(at)));
            }
        }
        if let Some(day) = held.since.ended_on {
            consent.ended = Some(Moment::Day(Day(day)));
        }
        if let Some((_, at)) = held.since.used {
            consent.used_on = Some(Moment::Instant(at, local_day(at)));
        }
        consent
    })
    .collect()
}

/// Stands for a paper nobody can read: it permits nothing and asks for a human look.
fn unreadable() -> Consent {
    Consent {
        kind: Word::Unknown,
        ..Consent::default()
    }
}

#[cfg(test)]
mod tests {
    //! Goal: an age is known only where every day the date may mean agrees.
    use super::*;

    const NOW: &str = "2026-09-15T12:00:00-07:00";

    fn at(date: &str) -> Option<u16> {
        age(date, Timestamp::from_rfc3339(NOW).expect("an instant"))
    }

    #[test]
    fn whole_years_on_the_local_day() {
        assert_eq!(at("2008-09-15"), Some(18));
        assert_eq!(at("2008-09-16"), Some(17));
        assert_eq!(at("2014-09-16"), Some(11));
    }

    #[test]
    fn a_year_alone_tells_nothing_at_the_edge() {
        assert_eq!(at("2008"), None, "17 or 18");
        assert_eq!(at("2014"), None, "11 or 12");
        assert_eq!(at("2016"), Some(9));
        assert_eq!(at("1990"), Some(35));
        assert_eq!(at("2008-08"), Some(18));
        assert_eq!(at("2030-01-01"), None, "not born");
        assert_eq!(at("soon"), None);
    }

    #[test]
    fn a_parent_under_18_is_a_child() {
        assert_eq!(role(Some("parent"), (Some(16), false)), "child");
        assert_eq!(role(Some("parent"), (None, false)), "parent");
        assert_eq!(role(Some("parent"), (None, true)), "child", "17 or 18");
        assert_eq!(role(Some("relative"), (None, false)), "child");
        let worker = Some("partner_worker");
        assert_eq!(role(worker, (None, false)), "partner_worker");
    }

    #[test]
    fn a_parent_whose_date_of_birth_leaves_it_open_is_a_child() {
        let now = Timestamp::from_rfc3339(NOW).expect("an instant");
        let role_of = |born: &str| {
            let text = format!(r#"{{"role": "parent", "birth_date": "{born}"}}"#);
            let person = crate::format::json::parse(text.as_bytes())
                .tree
                .expect("JSON");
            subject(&person, "p", now).role.expect("a role")
        };
        assert_eq!(role_of("2008").as_str(), "child");
        assert_eq!(role_of("2007").as_str(), "parent");
        assert_eq!(role_of("1990").as_str(), "parent");
    }
}
