//! A fact of the registry as it is kept, and what it gives to a question.
//!
//! It reads and applies. Whether a fact counts (who asserts it, toward whom, when, confirmed or
//! not) is settled before by those who know the parties.

use super::gather::MDT_DAYS_MAX;
use super::given::{Maybe, Scalar, Word};
use super::moment::{Day, Moment, local_day, parse_day};
use super::request::{Context, CourtOrder, Requester, Subject, Tie};
use crate::base::clock::Timestamp;
use crate::base::fact_key::{FactKey, FactShape, TERMINATED};
use crate::base::id::PartnerId;
use crate::base::vocabulary::{ClassSet, DataClass};
use serde::{Deserialize, Serialize};

/// A fact as its asserter entered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// Which kind, by the table of facts.
    pub kind: String,
    /// What is asserted.
    pub value: FactValue,
    /// Toward which partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<PartnerId>,
    /// Against which other person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_person: Option<OtherPerson>,
    /// First local day, `YYYY-MM-DD`.
    pub from: String,
    /// Last local day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What it rests on.
    pub source: String,
    /// SHA-256 of the document, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_digest: Option<String>,
    /// Who entered it.
    pub entered_by: String,
    /// When it was entered as it stands.
    pub entered_at: String,
    /// The second human who confirmed it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<String>,
    /// Who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// The second human of the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_confirmed_by: Option<String>,
}

/// Another person, as the asserter identifies them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherPerson {
    /// The system the value is of.
    pub system: String,
    /// The value.
    pub value: String,
}

/// What is asserted: its form is that of the kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// Yes or no.
    Truth(bool),
    /// Data classes.
    Classes(Vec<DataClass>),
    /// A word of the kind's list, or a day.
    Text(String),
}

/// A value in its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Yes or no.
    Truth(bool),
    /// Data classes.
    Classes(ClassSet),
    /// A word, by its place: the later, the less it opens.
    Word(usize),
    /// A whole local day.
    Date(Day),
}

impl FactValue {
    /// The value in the form of that fact; `None` when it has another form.
    pub fn told(&self, key: FactKey) -> Option<Told> {
        Some(match (key.shape(), self) {
            (FactShape::Truth, FactValue::Truth(said)) => Told::Truth(*said),
            (FactShape::Classes, FactValue::Classes(classes)) => {
                Told::Classes(classes.iter().copied().collect())
            }
            (FactShape::Word(words), FactValue::Text(word)) => {
                Told::Word(words.iter().position(|known| known == word)?)
            }
            (FactShape::Date, FactValue::Text(day)) => Told::Date(parse_day(day)?),
            _ => return None,
        })
    }
}

impl Told {
    /// Whether this value of a fact that only closes does close.
    pub const fn closes(self) -> bool {
        match self {
            Told::Truth(said) => said,
            Told::Word(place) => place > 0,
            Told::Classes(_) | Told::Date(_) => true,
        }
    }

    /// The days from which on this value gives another answer than the day before.
    pub fn turns(self, key: FactKey) -> Vec<Day> {
        let Told::Date(day) = self else {
            return Vec::new();
        };
        let mut days = vec![day, Day(day.0.saturating_add(1))];
        if key == FactKey::MdtReport {
            days.push(Day(day.0.saturating_add(MDT_DAYS_MAX + 1)));
        }
        days
    }

    /// Of two values of one fact the one that opens less, and whether they contradict.
    #[must_use]
    pub fn least(self, other: Told, key: FactKey) -> (Told, bool) {
        match (self, other) {
            (Told::Truth(one), Told::Truth(two)) if key.restricts() => {
                (Told::Truth(one || two), one != two)
            }
            (Told::Truth(one), Told::Truth(two)) => (Told::Truth(one && two), one != two),
            (Told::Word(one), Told::Word(two)) => (Told::Word(one.max(two)), one != two),
            (Told::Classes(one), Told::Classes(two)) if key == FactKey::RequiredElements => {
                (Told::Classes(one.without(one.without(two))), false)
            }
            (Told::Classes(one), Told::Classes(two)) => (Told::Classes(one.union(two)), false),
            // Any report that qualifies will do.
            (Told::Date(one), Told::Date(two)) if key == FactKey::MdtReport => {
                (Told::Date(one.max(two)), false)
            }
            (Told::Date(one), Told::Date(two)) => (Told::Date(one.min(two)), one != two),
            _ => (self, true),
        }
    }
}

impl Assertion {
    /// Whether today is one of its days.
    pub fn holds_on(&self, today: Day) -> bool {
        let begun = parse_day(&self.from).is_some_and(|from| from <= today);
        let to = self.to.as_deref().map(parse_day);
        begun && to.is_none_or(|to| to.is_some_and(|to| today <= to))
    }

    /// Whether both its days can be read.
    pub fn is_dated(&self) -> bool {
        let mut days = [Some(&self.from), self.to.as_ref()].into_iter().flatten();
        days.all(|day| parse_day(day).is_some())
    }

    /// Whether today may be one of its days: one that cannot be read may be any.
    pub fn may_hold_on(&self, today: Day) -> bool {
        let begun = parse_day(&self.from).is_none_or(|from| from <= today);
        let to = self.to.as_deref().and_then(parse_day);
        begun && to.is_none_or(|to| today <= to)
    }

    /// Whether this, said in place of `before` under the same id, can only take away: then one
    /// human says it, as one says it under an id of its own.
    ///
    /// It says yes, of what gives nobody anything, toward the same one, from today on at the latest
    /// and for no fewer days to come than a yes before it. A no gives less than nothing once it is
    /// gone: that nobody says so any more is no leave, and what it contradicted holds by itself.
    pub fn only_takes(&self, before: &Assertion, key: FactKey, today: Day) -> bool {
        let said = |one: &Assertion| one.value.told(key);
        let (Some(now), Some(then)) = (said(self), said(before)) else {
            return false;
        };
        let same = self.kind == before.kind
            && self.recipient == before.recipient
            && self.other_person == before.other_person;
        let dated = self.is_dated() && before.is_dated();
        let first = |one: &Assertion| parse_day(&one.from);
        let last = |one: &Assertion| one.to.as_deref().and_then(parse_day);
        // A yes that has run out closes nothing any more.
        let closed = then.closes() && last(before).is_none_or(|to| to >= today);
        let begins = match closed {
            true => first(before).map(|from| from.max(today)),
            false => Some(today),
        };
        let lasts = match (closed, last(self), last(before)) {
            (true, Some(to), until) => until.is_some_and(|until| until <= to),
            (true, None, _) | (false, _, _) => true,
        };
        let runs = begins.zip(first(self)).is_some_and(|(by, from)| from <= by);
        key.only_takes() && now == Told::Truth(true) && same && dated && runs && lasts
    }

    /// Local days since it began.
    pub fn days_old(&self, today: Day) -> Option<i32> {
        Some(today.0.saturating_sub(parse_day(&self.from)?.0))
    }

    /// When it was entered as it stands.
    pub fn entered(&self) -> Option<Timestamp> {
        Timestamp::from_rfc3339(&self.entered_at)
    }

    /// When a second human confirmed it last.
    pub fn confirmed(&self) -> Option<Timestamp> {
        self.confirmed_by
            .as_ref()
            .filter(|by| **by != self.entered_by)?;
        Timestamp::from_rfc3339(self.confirmed_at.as_deref()?)
    }

    /// Whether a second human confirmed it so many local days ago at most.
    pub fn fresh(&self, now: Timestamp, days: u32) -> bool {
        let age = |at: Timestamp| local_day(now).0.saturating_sub(local_day(at).0);
        let fits = |age: i32| u32::try_from(age).is_ok_and(|age| age <= days);
        self.confirmed().is_some_and(|at| fits(age(at)))
    }
}

/// Gives a fact to the question. Orders and the child's tribe are put together by who knows all of
/// them.
pub fn apply(key: FactKey, told: Told, today: Day, context: &mut Context, subject: &mut Subject) {
    match told {
        Told::Truth(said) => truth(key, said, context, subject),
        Told::Word(place) => word(key, place, context),
        Told::Classes(classes) => of_classes(key, classes, context, subject),
        Told::Date(day) => date(key, day, today, context, subject),
    }
}

const fn maybe(said: bool) -> Maybe {
    match said {
        true => Maybe::True,
        false => Maybe::False,
    }
}

fn truth(key: FactKey, said: bool, context: &mut Context, subject: &mut Subject) {
    let said = maybe(said);
    if let Some(slot) = slot(key, context, subject) {
        *slot = said;
        return;
    }
    match key {
        FactKey::RequesterIsSubject if said == Maybe::True => {
            // Nobody is somebody else's parent and that person too.
            context.requester = match context.requester {
                Word::Absent => Word::Known(Requester::Subject),
                _ => Word::Unknown,
            };
        }
        FactKey::Proceeding if said == Maybe::True => {
            context.proceeding = Some(FactKey::Proceeding.as_str().into());
        }
        FactKey::Emergency => context.emergency.get_or_insert_default().bona_fide = said,
        FactKey::ConsentUnobtainable => {
            let emergency = context.emergency.get_or_insert_default();
            emergency.consent_obtainable = maybe(said != Maybe::True);
        }
        FactKey::MdtMember => context.mdt.get_or_insert_default().member = said,
        FactKey::MdtIdentity => context.mdt.get_or_insert_default().identity_verified = said,
        FactKey::MdtGoodCause => {
            context.mdt.get_or_insert_default().good_cause_documented = said;
        }
        FactKey::CftMember => context.cft.get_or_insert_default().member = said,
        FactKey::CftActive => context.cft.get_or_insert_default().active = said,
        _ => {}
    }
}

/// Where a yes or no of that name stands.
fn slot<'a>(
    key: FactKey,
    context: &'a mut Context,
    subject: &'a mut Subject,
) -> Option<&'a mut Maybe> {
    Some(match key {
        FactKey::RestrainingOrder => &mut context.restraining_order,
        FactKey::SuspectedAbuser => &mut context.suspected_abuser,
        FactKey::GrantorIsAbuser => &mut context.grantor_parent_is_abuser,
        FactKey::CaregiverCurrent => &mut context.caregiver_current,
        FactKey::DetrimentFinding => &mut context.provider_detriment_finding,
        FactKey::ElectsToInform => &mut context.provider_elects_to_inform,
        FactKey::RestrictionAgreed => &mut context.restriction_agreed,
        FactKey::ImminentThreat => &mut context.imminent_threat,
        FactKey::MandatedReport => &mut context.mandated_report,
        FactKey::CrossReport => &mut context.cross_report,
        FactKey::ReporterEmployer => &mut context.recipient_is_reporter_employer,
        FactKey::CounselOfRecord => &mut context.counsel_of_record,
        FactKey::Appointed => &mut context.appointed,
        FactKey::CourtWithJurisdiction => &mut context.court_with_jurisdiction,
        FactKey::ActivelyParticipating => &mut context.actively_participating,
        FactKey::OfficialDisposition => &mut context.official_disposition,
        FactKey::LegallyResponsible => &mut context.legally_responsible,
        FactKey::HasCasePlanAccess => &mut context.has_case_plan_access,
        FactKey::CountyPlacingAgency => &mut context.county_placing_agency,
        FactKey::TreatingSubject => &mut context.treating_subject,
        FactKey::SchoolOfEnrollment => &mut context.school_of_enrollment,
        FactKey::AddressesEducationNeeds => &mut context.addresses_education_needs,
        FactKey::AuthorizedByAgency => &mut context.authorized_by_agency,
        FactKey::ProgramMember => &mut context.program_member,
        FactKey::DualStatus => &mut context.dual_status,
        FactKey::InterCountyTransfer => &mut context.inter_county_transfer,
        FactKey::IrbWaiver => &mut context.irb_waiver,
        FactKey::TribeParty => &mut context.tribe_party,
        FactKey::ReasonToKnow => &mut context.reason_to_know,
        FactKey::ReasonToBelieve => &mut context.reason_to_believe,
        FactKey::SelfSufficient => &mut subject.self_sufficient,
        FactKey::SafeAtHome => &mut subject.safe_at_home,
        FactKey::Removed => &mut subject.removed,
        FactKey::Dependent => &mut subject.dependent,
        FactKey::NonminorDependent => &mut subject.nonminor_dependent,
        FactKey::Emancipated => &mut subject.emancipated,
        FactKey::Deceased => &mut subject.deceased,
        _ => return None,
    })
}

fn word(key: FactKey, place: usize, context: &mut Context) {
    let FactShape::Word(words) = key.shape() else {
        return;
    };
    let Some(word) = words.get(place) else {
        return;
    };
    let tie = match *word == TERMINATED {
        true => Word::Known(Tie::Terminated),
        false => Word::Known(Tie::Intact),
    };
    match key {
        // A relation no policy asks for stays unsaid.
        FactKey::Requester => {
            context.requester = word.parse().map_or(Word::Absent, Word::Known);
        }
        FactKey::ParentalRights => context.parental_rights = tie,
        FactKey::Guardianship => context.guardianship = tie,
        FactKey::OrderOpensNothing if context.court_order.is_none() => {
            context.court_order = Some(CourtOrder {
                kind: Some((*word).into()),
                ..CourtOrder::default()
            });
        }
        _ => {}
    }
}

fn of_classes(key: FactKey, classes: ClassSet, context: &mut Context, subject: &mut Subject) {
    match key {
        FactKey::MinorConsented => {
            subject.minor_consented.given = true;
            subject.minor_consented.bits |= classes.0;
        }
        FactKey::RequiredElements => {
            context.required_elements.given = true;
            context.required_elements.bits = classes.0;
        }
        _ => {}
    }
}

fn date(key: FactKey, day: Day, today: Day, context: &mut Context, subject: &mut Subject) {
    match key {
        FactKey::MdtReport => {
            let days = f64::from(today.0.saturating_sub(day.0));
            let team = context.mdt.get_or_insert_default();
            team.days_since_report = Some(Scalar::Number(days));
        }
        FactKey::DiedOn => subject.died_on = Some(Moment::Day(day)),
        FactKey::Turned18 => subject.turned_18 = Some(Moment::Day(day)),
        _ => {}
    }
}

/// What the rules call an order that opens its classes; `None` for other facts.
pub const fn order_type(key: FactKey) -> Option<&'static str> {
    Some(match key {
        FactKey::OrderCourt => "court_order",
        FactKey::OrderDependency => "dependency_order",
        FactKey::OrderPart2 => "part2_subpart_e",
        FactKey::OrderInCamera => "evid1037_2_in_camera",
        FactKey::OrderDeceasedChild => "wic827a2",
        FactKey::OrderPetition => "wic827_petition_granted",
        FactKey::OrderParentMaySign => "juvenile_parent_may_authorize",
        _ => return None,
    })
}

/// Gives an order to the question.
pub fn show_order(kind: &'static str, classes: ClassSet, subpoena: bool, context: &mut Context) {
    let mut order = CourtOrder {
        kind: Some(kind.into()),
        with_subpoena: match subpoena {
            true => Maybe::True,
            false => Maybe::Absent,
        },
        ..CourtOrder::default()
    };
    order.classes.given = true;
    order.classes.bits = classes.0;
    context.court_order = Some(order);
}
