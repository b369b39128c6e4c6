//! The facts of a question, from what was asked and from the person: closed, yes or no.
//!
//! A fact that opens holds only if it is said and true; a fact that restricts holds unless it is
//! absent or false.

use super::facts::{Flag, Flags};
use super::given::{Maybe, Scalar, Word};
use super::moment::Now;
use super::papers::Papers;
use super::person::Person;
use super::request::{Context, MultidisciplinaryTeam, Requester, Subject};
use crate::base::vocabulary::{ClassSet, ConsentKind, DataClass};

/// Local days a report to the team may be old.
pub(super) const MDT_DAYS_MAX: i32 = 30;
/// From this count on a cell hides who is in it.
pub const CELL_MIN: u32 = 11;

/// The facts that hold for all classes of the question.
pub fn gather(context: &Context, subject: &Subject, person: &Person, now: Now) -> Flags {
    let mut flags = of_the_moment(context);
    flags = flags.union(of_orders(context));
    flags = flags.union(of_ties(context, subject, person));
    flags.set_if(Flag::LocalTime, now.foreign_zone);
    flags
}

fn of_the_moment(context: &Context) -> Flags {
    let c = context;
    let mut flags = Flags::NONE;
    let via_county = matches!(c.via_county, Maybe::Absent | Maybe::True);
    flags.set_if(Flag::ViaCounty, via_county);
    let opens = [
        (Flag::MandatedReport, c.mandated_report),
        (Flag::CrossReport, c.cross_report),
        (Flag::ReasonToKnow, c.reason_to_know),
        (Flag::ReasonToBelieve, c.reason_to_believe),
        (Flag::TribeParty, c.tribe_party),
        (Flag::CounselOfRecord, c.counsel_of_record),
        (Flag::Appointed, c.appointed),
        (Flag::CourtWithJurisdiction, c.court_with_jurisdiction),
        (Flag::ActivelyParticipating, c.actively_participating),
        (Flag::OfficialDisposition, c.official_disposition),
        (Flag::SchoolOfEnrollment, c.school_of_enrollment),
        (Flag::TreatingSubject, c.treating_subject),
        (Flag::CaregiverCurrent, c.caregiver_current),
        (Flag::DualStatus, c.dual_status),
        (Flag::InterCountyTransfer, c.inter_county_transfer),
        (Flag::LegallyResponsible, c.legally_responsible),
        (Flag::HasCasePlanAccess, c.has_case_plan_access),
        (Flag::CountyPlacingAgency, c.county_placing_agency),
        (Flag::AddressesEducationNeeds, c.addresses_education_needs),
        (Flag::AuthorizedByAgency, c.authorized_by_agency),
        (Flag::ImminentThreat, c.imminent_threat),
        (Flag::ElectsToInform, c.provider_elects_to_inform),
        (Flag::CoveredEntity, c.source_is_covered_entity),
        (Flag::IrbWaiver, c.irb_waiver),
        (Flag::ProgramMember, c.program_member),
    ];
    for (flag, said) in opens {
        flags.set_if(flag, said.holds());
        flags.set_if(Flag::FactNull, said.says_nothing());
    }
    let restricts = [
        (Flag::ReporterEmployer, c.recipient_is_reporter_employer),
        (Flag::DetrimentFinding, c.provider_detriment_finding),
        (Flag::RestrictionAgreed, c.restriction_agreed),
        (Flag::RestrainingOrder, c.restraining_order),
        (Flag::WorkerSubject, c.subject_is_worker),
        (Flag::SuspectedAbuser, c.suspected_abuser),
    ];
    for (flag, said) in restricts {
        flags.set_if(flag, said.closes());
        flags.set_if(Flag::FactNull, said.says_nothing());
    }
    flags.set_if(Flag::OptIn, c.implicit_policy.is_some());
    flags.set_if(Flag::Proceeding, c.proceeding.is_some());
    let large = matches!(c.min_cell, Some(Scalar::Number(cell)) if cell >= f64::from(CELL_MIN));
    flags.set_if(Flag::CellsLarge, large);
    flags.set_if(Flag::FactNull, nested_null(c));
    if let Some(team) = &c.cft {
        flags.set_if(Flag::CftMember, team.member.holds());
        flags.set_if(Flag::CftActive, team.active.holds());
    }
    if let Some(team) = &c.mdt {
        flags = flags.union(of_team(team));
    }
    if let Some(emergency) = &c.emergency {
        flags.set_if(Flag::Emergency, emergency.bona_fide.holds());
        let unobtainable = emergency.consent_obtainable == Maybe::False;
        flags.set_if(Flag::ConsentUnobtainable, unobtainable);
    }
    flags
}

/// Whether a fact inside another is there and empty.
fn nested_null(context: &Context) -> bool {
    let mut facts = Vec::new();
    if let Some(team) = &context.mdt {
        facts.extend([
            team.member,
            team.identity_verified,
            team.good_cause_documented,
        ]);
    }
    if let Some(team) = &context.cft {
        facts.extend([team.member, team.active]);
    }
    if let Some(emergency) = &context.emergency {
        facts.extend([emergency.bona_fide, emergency.consent_obtainable]);
    }
    if let Some(agreement) = &context.agreement {
        facts.push(agreement.signed);
    }
    if let Some(order) = &context.court_order {
        facts.push(order.with_subpoena);
    }
    facts.into_iter().any(Maybe::says_nothing)
}

fn of_team(team: &MultidisciplinaryTeam) -> Flags {
    let mut flags = Flags::NONE;
    flags.set_if(Flag::MdtMember, team.member.holds());
    flags.set_if(Flag::MdtIdentity, team.identity_verified.holds());
    flags.set_if(Flag::MdtGoodCause, team.good_cause_documented.holds());
    if let Some(Scalar::Number(days)) = team.days_since_report {
        flags.set_if(Flag::MdtReport, days >= 0.0);
        flags.set_if(
            Flag::MdtInWindow,
            (0.0..=f64::from(MDT_DAYS_MAX)).contains(&days),
        );
    }
    flags
}

fn of_orders(context: &Context) -> Flags {
    let mut flags = Flags::NONE;
    if let Some(order) = &context.court_order {
        let flag = match order.kind.as_deref() {
            Some("court_order") => Some(Flag::OrderCourt),
            Some("dependency_order") => Some(Flag::OrderDependency),
            Some("part2_subpart_e") => Some(Flag::OrderPart2),
            Some("evid1037_2_in_camera") => Some(Flag::OrderInCamera),
            Some("wic827a2") => Some(Flag::OrderDeceasedChild),
            Some("wic827_petition_granted") => Some(Flag::OrderPetition),
            Some("juvenile_parent_may_authorize") => Some(Flag::OrderParentMaySign),
            _ => None,
        };
        flags.set(flag.unwrap_or(Flag::OrderInsufficient));
        let foreign = order.kind.as_deref() == Some("out_of_state_subpoena");
        flags.set_if(Flag::OrderOutOfState, foreign);
        flags.set_if(Flag::OrderWithSubpoena, order.with_subpoena.holds());
    }
    if let Some(agreement) = context.agreement.as_ref().filter(|a| a.signed.holds()) {
        match agreement.kind.as_deref() {
            Some("county_contract") => flags.set(Flag::ContractSigned),
            Some("part2_audit") => flags.set(Flag::AuditAgreement),
            Some("part2_research") => flags.set(Flag::ResearchAgreement),
            Some("qsoa") => flags.set(Flag::QsoaSigned),
            Some("dua") => flags.set(Flag::DuaSigned),
            _ => {}
        }
    }
    match context.received_under.as_deref() {
        Some("WIC5328.04" | "CIV56.103") => flags.set(Flag::ReceivedUnderHealthLaw),
        Some("20USC1232g(b)(1)(L)") => flags.set(Flag::ReceivedUnderEducationLaw),
        Some(_) => flags.set(Flag::ReceivedUnderConsent),
        None => {}
    }
    flags
}

fn of_ties(context: &Context, subject: &Subject, person: &Person) -> Flags {
    let mut flags = Flags::NONE;
    let facts = [
        (Flag::Minor, person.minor),
        (Flag::Adult, person.adult),
        (
            Flag::Child,
            person.child_role && !person.adult && !person.unsure,
        ),
        (Flag::ChildRole, person.child_role),
        (Flag::Deceased, person.deceased),
        (Flag::Removed, person.removed),
        (Flag::AgeUnknown, person.age_unknown),
        (Flag::MinorConsentConflict, person.minor_consent_conflict),
        (Flag::MinorConsentFlag, !subject.minor_consented.is_blank()),
        (Flag::Emancipated, subject.emancipated.holds()),
        (Flag::NonminorDependent, subject.nonminor_dependent.holds()),
        (Flag::SelfSufficient, subject.self_sufficient.holds()),
        (Flag::Standing, person.standing(context)),
        (
            Flag::RequesterIsSubject,
            context.requester == Word::Known(Requester::Subject),
        ),
        (
            Flag::RightsTerminated,
            !context.parental_rights.stands() || !context.guardianship.stands(),
        ),
        (Flag::ChildsTribeKnown, subject.tribe_id.is_some()),
        (
            Flag::TribeIsChilds,
            subject.tribe_id.is_some() && subject.tribe_id == context.recipient_tribe_id,
        ),
        (
            Flag::TribeOther,
            subject.tribe_id.is_some()
                && context.recipient_tribe_id.is_some()
                && subject.tribe_id != context.recipient_tribe_id,
        ),
    ];
    for (flag, holds) in facts {
        flags.set_if(flag, holds);
    }
    flags
}

/// The facts of one class, on top of those of the question.
pub fn of_class(class: DataClass, context: &Context, person: &Person, papers: &Papers) -> Flags {
    let mut flags = Flags::NONE;
    let named = context
        .court_order
        .as_ref()
        .is_some_and(|order| order.classes.classes().contains(class));
    flags.set_if(Flag::Named, named);
    let elements = context.required_elements;
    flags.set_if(
        Flag::Required,
        !elements.given || elements.classes().contains(class),
    );
    flags.set_if(Flag::MinorConsented, person.minor_consented.contains(class));
    flags.set_if(Flag::Refused, papers.refused.contains(class));
    for (kind, covers) in ConsentKind::ALL.iter().zip(papers.covers) {
        flags.set_if(Flag::of_kind(*kind), covers.contains(class));
    }
    flags
}

/// The facts that say what a question lacks.
pub fn of_question(classes: ClassSet, unknown_class: bool, blank: bool) -> Flags {
    let mut flags = Flags::NONE;
    flags.set_if(Flag::UnknownClass, unknown_class);
    flags.set_if(Flag::EmptyRequest, blank && classes.is_empty());
    flags
}
