//! A question as it is asked: who holds, who would receive, why, what, about whom, with which
//! papers and facts.
//!
//! The shape is that of the shipped cases (`policies/cases`). Reading never guesses: a word outside
//! its list stays unknown, an odd value stays odd.

use super::given::{Listed, Maybe, Placed, Scalar, Texts, Word, text};
use super::moment::{Moment, Now};
use crate::base::Text;
use crate::base::vocabulary::{
    ConsentElement, ConsentKind, DataClass, EndEvent, Grantor, Purpose, RecipientRole, SourceRole,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// One question, all classes about one person.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request {
    /// Repeated in the answer.
    #[serde(deserialize_with = "text")]
    pub id: Option<Text>,
    /// What the holder is.
    pub source_role: Word<SourceRole>,
    /// What the recipient is.
    pub recipient_role: Word<RecipientRole>,
    /// Why.
    pub purpose: Word<Purpose>,
    /// The classes asked for, as written.
    pub data_classes: Texts,
    /// Whom they are about.
    #[serde(deserialize_with = "object_or_null")]
    pub subject: Option<Subject>,
    /// All papers on file.
    #[serde(deserialize_with = "objects")]
    pub consents: Vec<Consent>,
    /// The facts of the moment.
    #[serde(deserialize_with = "object_or_default")]
    pub context: Context,
    /// It holds a member by a name like none of these, which nobody has read.
    #[serde(skip)]
    pub has_unknown_member: bool,
}

/// An object with names. A list is not read as its members in their order: nobody wrote the names.
struct Named<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Named<T>, D::Error> {
        source.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Named<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Named)
    }
}

fn object_or_null<'de, D, T>(source: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Named<T>>::deserialize(source)?.map(|named| named.0))
}

fn object_or_default<'de, D, T>(source: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(object_or_null(source)?.unwrap_or_default())
}

/// A list that is there, whatever stands in it.
fn list_or_null<'de, D, T>(source: D) -> Result<Option<Listed<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Placed,
{
    let listed = Listed::deserialize(source)?;
    Ok(Some(listed).filter(|listed| listed.given))
}

fn objects<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<Consent>, D::Error> {
    let all = Option::<Vec<Named<Consent>>>::deserialize(source)?.unwrap_or_default();
    Ok(all.into_iter().map(|named| named.0).collect())
}

/// The person a question is about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Subject {
    /// Compared with a consent's `subject_id`.
    #[serde(deserialize_with = "text")]
    pub id: Option<Text>,
    /// `child`, `parent`, `partner_worker`, `cohort`; all but `child` are adults.
    #[serde(deserialize_with = "text")]
    pub role: Option<Text>,
    /// Whole years at the decision.
    #[serde(deserialize_with = "years")]
    pub age: Option<u16>,
    /// Services the minor alone consented to.
    pub minor_consented: Listed<DataClass>,
    /// Emancipated by a court, by marriage or by service.
    pub emancipated: Maybe,
    /// A dependent between 18 and 21.
    pub nonminor_dependent: Maybe,
    /// Lives apart and manages their own money.
    pub self_sufficient: Maybe,
    /// Has died.
    pub deceased: Maybe,
    /// When they died.
    pub died_on: Option<Moment>,
    /// When they turned 18.
    pub turned_18: Option<Moment>,
    /// A dependent of the juvenile court.
    pub dependent: Maybe,
    /// Removed from home.
    pub removed: Maybe,
    /// The tribe of the child.
    #[serde(deserialize_with = "text")]
    pub tribe_id: Option<Text>,
    /// In the address confidentiality program.
    pub safe_at_home: Maybe,
}

fn years<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u16>, D::Error> {
    Ok(match Scalar::deserialize(source)? {
        Scalar::Number(age) if (0.0..200.0).contains(&age) => Some(age as u16),
        _ => None,
    })
}

/// Whether a paper permits or refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// `permit`
    Permit,
    /// `deny`
    Deny,
}

impl Direction {
    /// Both.
    pub const ALL: &[Direction] = &[Direction::Permit, Direction::Deny];

    /// As a paper says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Permit => "permit",
            Direction::Deny => "deny",
        }
    }
}

impl std::str::FromStr for Direction {
    type Err = ();

    fn from_str(word: &str) -> Result<Direction, ()> {
        let mut all = Direction::ALL.iter().copied();
        all.find(|one| one.as_str() == word).ok_or(())
    }
}

/// One paper: a consent, an authorization, a release, a waiver or a refusal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// Its id; the same id with other content voids both.
    #[serde(deserialize_with = "text")]
    pub id: Option<Text>,
    /// What kind of paper.
    pub kind: Word<ConsentKind>,
    /// Permit or deny.
    #[serde(rename = "type")]
    pub direction: Word<Direction>,
    /// Who signed.
    pub grantor: Word<Grantor>,
    /// Which of two co-holders signed.
    #[serde(deserialize_with = "text")]
    pub grantor_id: Option<Text>,
    /// Whose record.
    #[serde(deserialize_with = "text")]
    pub subject_id: Option<Text>,
    /// What it covers.
    pub classes: Listed<DataClass>,
    /// For which roles.
    pub recipients: Listed<RecipientRole>,
    /// For which purposes.
    pub purposes: Listed<Purpose>,
    /// Only these recipients, if given.
    pub recipient_ids: Option<Texts>,
    /// Only data that these hold, if given. The rules see no holder by its id: release looks.
    pub discloser_ids: Option<Texts>,
    /// Only data of this period, if given.
    pub data_period: Option<Period>,
    /// When it was signed.
    pub signed: Option<Moment>,
    /// From when; the signing if absent.
    pub start: Option<Moment>,
    /// Until when, the day included.
    pub end: Option<Moment>,
    /// When it was revoked.
    pub revoked: Option<Moment>,
    /// `active` or absent; all else is no consent.
    pub status: Word<Active>,
    /// Elements the form lacks.
    pub elements_missing: Texts,
    /// Elements the form shows, where that is said: what its kind asks for besides is missing.
    /// Where nothing is said, only `elements_missing` speaks.
    #[serde(deserialize_with = "list_or_null")]
    pub elements: Option<Listed<ConsentElement>>,
    /// The event that ends it, where that may stand for an end date.
    pub ends_on_event: Word<EndEvent>,
    /// From when on it has ended, because the event has happened.
    pub ended: Option<Moment>,
    /// `none`: no expiry, where the kind allows that.
    #[serde(deserialize_with = "text")]
    pub expiry_statement: Option<Text>,
    /// When a single-use paper was used.
    pub used_on: Option<Moment>,
    /// Possibly signed under pressure.
    pub coercion_flag: Maybe,
    /// Papers it retires.
    pub supersedes: Texts,
    /// The refusal it is the exception of.
    pub exception_to: Texts,
}

impl Consent {
    /// Whether it refuses, or may: it does not say that it permits.
    pub fn may_refuse(&self) -> bool {
        self.direction.known() != Some(Direction::Permit)
    }
}

/// The one status in which a paper counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Active;

impl std::str::FromStr for Active {
    type Err = ();

    fn from_str(word: &str) -> Result<Active, ()> {
        (word == "active").then_some(Active).ok_or(())
    }
}

/// The period a consent's data must fall in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First day; open if empty.
    pub from: Option<Moment>,
    /// Last day; open if empty.
    pub to: Option<Moment>,
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Period, D::Error> {
        let texts = Texts::deserialize(source)?.0;
        let read = |at: usize| texts.get(at).map(|text| Moment::read(text));
        Ok(if texts.len() == 2 {
            Period {
                from: read(0),
                to: read(1),
            }
        } else {
            Period {
                from: Some(Moment::Unreadable),
                to: Some(Moment::Unreadable),
            }
        })
    }
}

/// A fact that may be missing, empty, or given.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Clock {
    /// The key is not there.
    #[default]
    Absent,
    /// The instant.
    At(Now),
    /// Empty or unreadable.
    Unknown,
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Clock, D::Error> {
        Ok(match Scalar::deserialize(source)? {
            Scalar::Text(text) => Now::read(&text).map_or(Clock::Unknown, Clock::At),
            _ => Clock::Unknown,
        })
    }
}

/// An agreement with the recipient.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Agreement {
    /// `county_contract`, `part2_audit`, `part2_research`, `qsoa`, `dua`.
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: Option<Text>,
    /// Whether it is signed.
    pub signed: Maybe,
}

/// An order or other legal process that was shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CourtOrder {
    /// Which one.
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: Option<Text>,
    /// The classes it names; it reaches no other.
    pub classes: Listed<DataClass>,
    /// Whether a subpoena comes with it.
    pub with_subpoena: Maybe,
}

/// An emergency as declared.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Emergency {
    /// Declared in good faith.
    pub bona_fide: Maybe,
    /// Whether consent can be had.
    pub consent_obtainable: Maybe,
}

/// The recipient's seat in a multidisciplinary team.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MultidisciplinaryTeam {
    /// Whether they are a member.
    pub member: Maybe,
    /// Whether their identity is verified.
    pub identity_verified: Maybe,
    /// Days since the report; none if there is no qualifying report.
    pub days_since_report: Option<Scalar>,
    /// Whether cause for longer is documented.
    pub good_cause_documented: Maybe,
}

/// The recipient's seat in a child and family team.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FamilyTeam {
    /// Whether they are a designated member.
    pub member: Maybe,
    /// Whether the team is active.
    pub active: Maybe,
}

/// Who asks on behalf of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    /// `parent_of_subject`
    Parent,
    /// `guardian_of_subject`
    Guardian,
    /// `biological_parent`: after an adoption, no standing.
    BiologicalParent,
    /// `subject`
    Subject,
}

impl std::str::FromStr for Requester {
    type Err = ();

    fn from_str(word: &str) -> Result<Requester, ()> {
        match word {
            "parent_of_subject" => Ok(Requester::Parent),
            "guardian_of_subject" => Ok(Requester::Guardian),
            "biological_parent" => Ok(Requester::BiologicalParent),
            "subject" => Ok(Requester::Subject),
            _ => Err(()),
        }
    }
}

/// A tie in law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// `intact`
    Intact,
    /// `terminated`
    Terminated,
}

impl std::str::FromStr for Tie {
    type Err = ();

    fn from_str(word: &str) -> Result<Tie, ()> {
        match word {
            "intact" => Ok(Tie::Intact),
            "terminated" => Ok(Tie::Terminated),
            _ => Err(()),
        }
    }
}

impl Word<Tie> {
    /// Intact or nothing said; an unknown word is not.
    pub fn stands(self) -> bool {
        matches!(self, Word::Absent | Word::Known(Tie::Intact))
    }
}

/// The facts of the moment, by the names of the rules.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the names are the documentation; the rules list what each does
pub struct Context {
    pub now: Clock,
    #[serde(deserialize_with = "text")]
    pub implicit_policy: Option<Text>,
    #[serde(deserialize_with = "text")]
    pub recipient_id: Option<Text>,
    pub data_date: Option<Moment>,
    #[serde(deserialize_with = "text")]
    pub received_under: Option<Text>,
    pub source_is_covered_entity: Maybe,
    pub agreement: Option<Agreement>,
    pub irb_waiver: Maybe,
    pub court_order: Option<CourtOrder>,
    #[serde(deserialize_with = "text")]
    pub proceeding: Option<Text>,
    pub emergency: Option<Emergency>,
    pub imminent_threat: Maybe,
    pub mandated_report: Maybe,
    pub cross_report: Maybe,
    pub recipient_is_reporter_employer: Maybe,
    pub mdt: Option<MultidisciplinaryTeam>,
    pub cft: Option<FamilyTeam>,
    pub program_member: Maybe,
    pub requester: Word<Requester>,
    pub parental_rights: Word<Tie>,
    pub guardianship: Word<Tie>,
    pub provider_detriment_finding: Maybe,
    pub suspected_abuser: Maybe,
    pub restriction_agreed: Maybe,
    pub restraining_order: Maybe,
    pub grantor_parent_is_abuser: Maybe,
    pub provider_elects_to_inform: Maybe,
    pub counsel_of_record: Maybe,
    pub appointed: Maybe,
    pub court_with_jurisdiction: Maybe,
    pub actively_participating: Maybe,
    pub official_disposition: Maybe,
    pub school_of_enrollment: Maybe,
    pub treating_subject: Maybe,
    pub caregiver_current: Maybe,
    pub dual_status: Maybe,
    pub inter_county_transfer: Maybe,
    pub legally_responsible: Maybe,
    pub has_case_plan_access: Maybe,
    pub county_placing_agency: Maybe,
    pub addresses_education_needs: Maybe,
    pub authorized_by_agency: Maybe,
    pub tribe_party: Maybe,
    #[serde(deserialize_with = "text")]
    pub recipient_tribe_id: Option<Text>,
    pub reason_to_know: Maybe,
    pub reason_to_believe: Maybe,
    pub required_elements: Listed<DataClass>,
    pub min_cell: Option<Scalar>,
    pub via_county: Maybe,
    pub subject_is_worker: Maybe,
    pub died_on: Option<Moment>,
    pub turned_18: Option<Moment>,
}
