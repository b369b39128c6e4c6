//! What a fact of the registry gives to a question: a closed list, each with the form of its value.
//!
//! Who may assert which and for how long is law and stands in `policies/facts.toml`; what each does
//! to a decision is the engine's.

use super::vocabulary::{UnknownWord, vocabulary};

vocabulary! {
    /// A member of the question's context or subject (disclosure rules, section 2.10).
    FactKey, "fact of a question" {
        Requester = "context.requester",
        RequesterIsSubject = "context.requester.subject",
        RestrainingOrder = "context.restraining_order",
        ParentalRights = "context.parental_rights",
        Guardianship = "context.guardianship",
        Custody = "context.custody",
        SuspectedAbuser = "context.suspected_abuser",
        GrantorIsAbuser = "context.grantor_parent_is_abuser",
        CaregiverCurrent = "context.caregiver_current",
        DetrimentFinding = "context.provider_detriment_finding",
        ElectsToInform = "context.provider_elects_to_inform",
        RestrictionAgreed = "context.restriction_agreed",
        MinorConsented = "subject.minor_consented",
        SelfSufficient = "subject.self_sufficient",
        Emergency = "context.emergency.bona_fide",
        ConsentUnobtainable = "context.emergency.consent_unobtainable",
        ImminentThreat = "context.imminent_threat",
        MandatedReport = "context.mandated_report",
        CrossReport = "context.cross_report",
        ReporterEmployer = "context.recipient_is_reporter_employer",
        OrderCourt = "context.court_order.court_order",
        OrderDependency = "context.court_order.dependency_order",
        OrderPart2 = "context.court_order.part2_subpart_e",
        OrderWithSubpoena = "context.court_order.with_subpoena",
        OrderInCamera = "context.court_order.evid1037_2_in_camera",
        OrderDeceasedChild = "context.court_order.wic827a2",
        OrderPetition = "context.court_order.wic827_petition_granted",
        OrderParentMaySign = "context.court_order.juvenile_parent_may_authorize",
        OrderOpensNothing = "context.court_order.insufficient",
        Proceeding = "context.proceeding",
        CounselOfRecord = "context.counsel_of_record",
        Appointed = "context.appointed",
        CourtWithJurisdiction = "context.court_with_jurisdiction",
        ActivelyParticipating = "context.actively_participating",
        OfficialDisposition = "context.official_disposition",
        LegallyResponsible = "context.legally_responsible",
        HasCasePlanAccess = "context.has_case_plan_access",
        CountyPlacingAgency = "context.county_placing_agency",
        TreatingSubject = "context.treating_subject",
        SchoolOfEnrollment = "context.school_of_enrollment",
        AddressesEducationNeeds = "context.addresses_education_needs",
        AuthorizedByAgency = "context.authorized_by_agency",
        ProgramMember = "context.program_member",
        DualStatus = "context.dual_status",
        InterCountyTransfer = "context.inter_county_transfer",
        IrbWaiver = "context.irb_waiver",
        RequiredElements = "context.required_elements",
        CftMember = "context.cft.member",
        CftActive = "context.cft.active",
        MdtMember = "context.mdt.member",
        MdtIdentity = "context.mdt.identity_verified",
        MdtReport = "context.mdt.report_date",
        MdtGoodCause = "context.mdt.good_cause_documented",
        TribeOfChild = "context.recipient_tribe_id",
        TribeParty = "context.tribe_party",
        ReasonToKnow = "context.reason_to_know",
        ReasonToBelieve = "context.reason_to_believe",
        SafeAtHome = "subject.safe_at_home",
        Removed = "subject.removed",
        Dependent = "subject.dependent",
        Ward = "subject.ward",
        NonminorDependent = "subject.nonminor_dependent",
        Emancipated = "subject.emancipated",
        Deceased = "subject.deceased",
        DiedOn = "subject.died_on",
        Turned18 = "subject.turned_18",
    }
}

/// The form of a fact's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactShape {
    /// Yes or no.
    Truth,
    /// Data classes.
    Classes,
    /// One of these words, the one that opens least last.
    Word(&'static [&'static str]),
    /// A whole local day.
    Date,
}

impl FactShape {
    /// As the table of facts writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            FactShape::Truth => "truth",
            FactShape::Classes => "classes",
            FactShape::Word(_) => "word",
            FactShape::Date => "date",
        }
    }
}

/// The word of a tie in law that has ended.
pub const TERMINATED: &str = "terminated";
const TIES: &[&str] = &["intact", TERMINATED];
const CUSTODIES: &[&str] = &["joint_legal", "sole", "none"];
/// Who a recipient may be to the person; only the first three are asked for by a policy.
const RELATIONS: &[&str] = &[
    "parent_of_subject",
    "guardian_of_subject",
    "caregiver_of_subject",
    "partner_of_subject",
    "biological_parent",
];
const PROCESSES: &[&str] = &[
    "subpoena_only",
    "administrative_warrant",
    "out_of_state_subpoena",
];

impl FactKey {
    /// The form of its value.
    pub const fn shape(self) -> FactShape {
        match self {
            FactKey::Requester => FactShape::Word(RELATIONS),
            FactKey::ParentalRights | FactKey::Guardianship => FactShape::Word(TIES),
            FactKey::Custody => FactShape::Word(CUSTODIES),
            FactKey::OrderOpensNothing => FactShape::Word(PROCESSES),
            FactKey::OrderCourt
            | FactKey::OrderDependency
            | FactKey::OrderPart2
            | FactKey::OrderInCamera
            | FactKey::OrderDeceasedChild
            | FactKey::OrderPetition
            | FactKey::OrderParentMaySign
            | FactKey::RequiredElements
            | FactKey::MinorConsented => FactShape::Classes,
            FactKey::MdtReport | FactKey::DiedOn | FactKey::Turned18 => FactShape::Date,
            _ => FactShape::Truth,
        }
    }

    /// Whether it concerns everybody of its subject's household, in whatever record they are.
    pub const fn concerns_household(self) -> bool {
        matches!(self, FactKey::SafeAtHome)
    }

    /// Whether it only closes: then it counts as soon as it is entered.
    pub const fn restricts(self) -> bool {
        matches!(
            self,
            FactKey::RestrainingOrder
                | FactKey::ParentalRights
                | FactKey::Guardianship
                | FactKey::SuspectedAbuser
                | FactKey::GrantorIsAbuser
                | FactKey::DetrimentFinding
                | FactKey::RestrictionAgreed
                | FactKey::ReporterEmployer
                | FactKey::OrderOpensNothing
                | FactKey::Proceeding
                | FactKey::RequiredElements
                | FactKey::MinorConsented
                | FactKey::SafeAtHome
                | FactKey::Removed
                | FactKey::Deceased
                | FactKey::DiedOn
                | FactKey::Turned18
        )
    }

    /// Whether saying yes takes something from everybody and gives nobody anything. Where rights
    /// end or a child is removed, a refusal loses its signer too; for who died or is of age,
    /// another signs.
    pub const fn only_takes(self) -> bool {
        matches!(
            self,
            FactKey::RestrainingOrder
                | FactKey::SuspectedAbuser
                | FactKey::GrantorIsAbuser
                | FactKey::DetrimentFinding
                | FactKey::RestrictionAgreed
                | FactKey::ReporterEmployer
                | FactKey::Proceeding
                | FactKey::SafeAtHome
        )
    }

    /// Whether it must be known, and lately, toward those to whom a fact nobody told might close
    /// everything.
    pub const fn must_be_known(self) -> bool {
        matches!(self, FactKey::Requester | FactKey::RestrainingOrder)
    }
}
