//! The closed facts a decision rests on: yes or no, nothing else.
//!
//! A fact never carries an id, a date or a free value, so a decision is a constant of its facts and
//! can be remembered. The facts up to the last consent are the context of the law pack; the rest
//! only explain, cite and send to review.

use crate::base::vocabulary::{ConsentKind, Purpose, RecipientRole, SourceRole};

macro_rules! flags {
    ($($variant:ident $name:literal $text:literal,)*) => {
        /// One closed fact.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Flag {
            $(#[doc = $text] $variant,)*
        }

        impl Flag {
            /// All facts, in the order of their bits.
            pub const ALL: &'static [Flag] = &[$(Flag::$variant),*];

            /// The name in the law pack and its tables.
            pub const fn name(self) -> &'static str {
                match self { $(Flag::$variant => $name),* }
            }

            /// What it says, in plain English.
            pub const fn text(self) -> &'static str {
                match self { $(Flag::$variant => $text),* }
            }
        }
    };
}

flags! {
    ViaCounty "via_county" "the way out is through the county, or nothing says otherwise",
    MandatedReport "mandated_report" "a mandated child-abuse report is being made",
    CrossReport "cross_report" "agencies that receive reports inform one another",
    ReporterEmployer "reporter_employer" "the recipient employs the reporter",
    ReasonToKnow "reason_to_know" "reason to know that the child is an Indian child",
    ReasonToBelieve "reason_to_believe" "reason to believe it",
    ChildsTribeKnown "childs_tribe_known" "the child's tribe is on record",
    TribeIsChilds "tribe_is_childs" "the recipient is that tribe",
    TribeParty "tribe_party" "the tribe is a party to the case",
    OrderCourt "order_court" "a court order is shown",
    OrderDependency "order_dependency" "an order in a dependency case is shown",
    OrderPart2 "order_part2" "a subpart E order is shown",
    OrderInCamera "order_in_camera" "an order after weighing the privilege in chambers is shown",
    OrderDeceasedChild "order_deceased_child" "an order on the file of a deceased child is shown",
    OrderPetition "order_petition" "a granted petition for the file is shown",
    OrderWithSubpoena "order_with_subpoena" "the order comes with a subpoena",
    CounselOfRecord "counsel_of_record" "the recipient is counsel of record",
    Appointed "appointed" "the recipient is appointed",
    CourtWithJurisdiction "court_with_jurisdiction" "the recipient is the court with jurisdiction",
    ActivelyParticipating "actively_participating" "the recipient actively takes part in the case",
    OfficialDisposition "official_disposition" "asked for an official disposition",
    SchoolOfEnrollment "school_of_enrollment" "the recipient is the school of enrollment",
    TreatingSubject "treating_subject" "the recipient treats or supervises the person",
    CaregiverCurrent "caregiver_current" "the recipient cares for the child now",
    DualStatus "dual_status" "the youth is under both systems",
    InterCountyTransfer "inter_county_transfer" "the case moves to the other county",
    LegallyResponsible "legally_responsible" "the recipient is legally responsible for the child",
    HasCasePlanAccess "has_case_plan_access" "the recipient has access to the case plan",
    CountyPlacingAgency "county_placing_agency" "the recipient is the county placing agency",
    AddressesEducationNeeds "addresses_education_needs" "the recipient addresses the pupil's needs",
    AuthorizedByAgency "authorized_by_agency" "the agency authorized the recipient",
    Emergency "emergency" "a bona fide emergency",
    ConsentUnobtainable "consent_unobtainable" "consent cannot be obtained",
    ImminentThreat "imminent_threat" "a serious and imminent threat",
    RequesterIsSubject "requester_is_subject" "the person themselves asks",
    Standing "standing" "a parent or guardian with standing asks",
    DetrimentFinding "detriment_finding" "the provider found access detrimental",
    SelfSufficient "self_sufficient" "the minor lives apart and manages their own money",
    ElectsToInform "elects_to_inform" "the clinician chose to inform the parent",
    RestrictionAgreed "restriction_agreed" "a restriction was agreed with the person",
    RestrainingOrder "restraining_order" "a protective order stands against the one who asks",
    Minor "minor" "the person is under 18 and not emancipated",
    Adult "adult" "the person is an adult, emancipated or a nonminor dependent",
    Child "child" "the person is a child of the case and not an adult",
    Deceased "deceased" "the person has died",
    Removed "removed" "the child is removed from home",
    ReceivedUnderHealthLaw "received_under_health_law" "received to coordinate a minor's care",
    ReceivedUnderEducationLaw "received_under_education_law" "received under the Scholars Act",
    OnwardConsent "onward_consent" "the holder got it under a Part 2 consent still in force",
    CoveredEntity "covered_entity" "the holder is a covered entity",
    ContractSigned "contract_signed" "a signed county contract",
    AuditAgreement "audit_agreement" "a signed Part 2 audit agreement",
    ResearchAgreement "research_agreement" "a signed Part 2 research agreement",
    QsoaSigned "qsoa_signed" "a signed qualified service organization agreement",
    DuaSigned "dua_signed" "a signed data use agreement",
    IrbWaiver "irb_waiver" "a waiver of the review board",
    OptIn "opt_in" "an opt-in exchange domain",
    Proceeding "proceeding" "a proceeding about the person is named",
    CftMember "cft_member" "the recipient is a designated member of the family team",
    CftActive "cft_active" "the family team is active",
    MdtMember "mdt_member" "the recipient is a member of the multidisciplinary team",
    MdtIdentity "mdt_identity" "their identity is verified",
    MdtReport "mdt_report" "there is a qualifying report",
    MdtInWindow "mdt_in_window" "the report is at most thirty days old",
    MdtGoodCause "mdt_good_cause" "good cause for longer is documented",
    ProgramMember "program_member" "the recipient acts as a member of the program",
    WorkerSubject "worker_subject" "the person is the recipient's own worker",
    CellsLarge "cells_large" "no total counts fewer than eleven persons",
    Named "named" "the order names this class",
    Required "required" "the report requires this class, or says nothing about elements",
    MinorConsented "minor_consented" "the minor alone consented to this service",
    Refused "refused" "a refusal in force names this class",
    Mandate "mandate" "a duty, an emergency or a right opens this class",
    ConsentGeneralRoi "consent_general_roi" "such a consent counts",
    ConsentHipaaAuth "consent_hipaa_auth" "such a consent counts",
    ConsentPsychNotesAuth "consent_psych_notes_auth" "such a consent counts",
    ConsentPart2Tpo "consent_part2_tpo" "such a consent counts",
    ConsentPart2Specific "consent_part2_specific" "such a consent counts",
    ConsentPart2CounselingNotes "consent_part2_counseling_notes" "such a consent counts",
    ConsentPart2Legal "consent_part2_legal" "such a consent counts",
    ConsentCftRoi "consent_cft_roi" "such a consent counts",
    ConsentIcspSingleAuth "consent_icsp_single_auth" "such a consent counts",
    ConsentFerpaConsent "consent_ferpa_consent" "such a consent counts",
    ConsentVawaRelease "consent_vawa_release" "such a consent counts",
    ConsentHivAuth "consent_hiv_auth" "such a consent counts",
    ConsentResearchAuth "consent_research_auth" "such a consent counts",
    ConsentSogiPermission "consent_sogi_permission" "such a consent counts",
    ConsentTribalAuthorization "consent_tribal_authorization" "such a consent counts",
    ConsentReporterWaiver "consent_reporter_waiver" "such a consent counts",
    ConsentPrivacyDirective "consent_privacy_directive" "such a consent counts",
    MissingSubject "missing_subject" "no person is named",
    EmptyRequest "empty_request" "nothing is asked for",
    NoClock "no_clock" "the instant is unknown",
    UnknownWord "unknown_word" "a role or purpose outside the vocabulary",
    UnknownClass "unknown_class" "a data class outside the vocabulary",
    UnknownKind "unknown_kind" "a consent of an unknown kind",
    OtherSubject "other_subject" "a consent of another person",
    SharedId "shared_id" "two different consents under one id",
    Malformed "malformed" "a consent whose dates cannot be",
    Coerced "coerced" "a consent flagged as possibly coerced",
    BothOnFile "both_on_file" "a permit and a refusal are both on file",
    RefusalUnanswered "refusal_unanswered" "a permit contests a refusal in force",
    Supersession "supersession" "one directive retires another",
    LastDay "last_day" "a consent on its last local day",
    LocalTime "local_time" "the instant was given in another zone",
    AgeUnknown "age_unknown" "the child's age is not on record",
    FactNull "fact_null" "a fact is present but empty",
    SignedByDead "signed_by_dead" "a consent of a person who has since died",
    AuthorityEnded "authority_ended" "authority existed at signing and ended since",
    AgedOut "aged_out" "a parent's signature for a person now 18",
    MinorSigns "minor_signs" "the minor is the signer",
    ParentSigns "parent_signs" "a parent or guardian is the signer",
    NonminorDependent "nonminor_dependent" "a nonminor dependent",
    Emancipated "emancipated" "an emancipated minor",
    MinorConsentFlag "minor_consent_flag" "a service the minor consented to is on record",
    MinorConsentConflict "minor_consent_conflict" "such a flag below its age",
    SuspectedAbuser "suspected_abuser" "the one who asks is a suspected abuser",
    RightsTerminated "rights_terminated" "parental rights or guardianship have ended",
    OrderInsufficient "order_insufficient" "legal process that opens nothing",
    OrderOutOfState "order_out_of_state" "a subpoena of another state",
    OrderParentMaySign "order_parent_may_sign" "the juvenile court let the parent sign",
    ReceivedUnderConsent "received_under_consent" "the holder got it under a consent",
    ConsentedAddress "consented_address" "a consent names an actual Safe at Home address",
    TribeOther "tribe_other" "the recipient is not the child's tribe",
    ChildRole "child_role" "the person is a child of the case",
    RefusalUnclear "refusal_unclear" "a paper that may refuse more than is understood of it",
    UnknownMember "unknown_member" "a member of the question that nobody has read",
}

impl Flag {
    /// The fact of this name.
    pub fn named(name: &str) -> Option<Flag> {
        Flag::ALL.iter().copied().find(|flag| flag.name() == name)
    }

    /// The fact that a consent of this kind counts.
    pub const fn of_kind(kind: ConsentKind) -> Flag {
        match kind {
            ConsentKind::GeneralRoi => Flag::ConsentGeneralRoi,
            ConsentKind::HipaaAuth => Flag::ConsentHipaaAuth,
            ConsentKind::PsychNotesAuth => Flag::ConsentPsychNotesAuth,
            ConsentKind::Part2Tpo => Flag::ConsentPart2Tpo,
            ConsentKind::Part2Specific => Flag::ConsentPart2Specific,
            ConsentKind::Part2CounselingNotes => Flag::ConsentPart2CounselingNotes,
            ConsentKind::Part2Legal => Flag::ConsentPart2Legal,
            ConsentKind::CftRoi => Flag::ConsentCftRoi,
            ConsentKind::IcspSingleAuth => Flag::ConsentIcspSingleAuth,
            ConsentKind::FerpaConsent => Flag::ConsentFerpaConsent,
            ConsentKind::VawaRelease => Flag::ConsentVawaRelease,
            ConsentKind::HivAuth => Flag::ConsentHivAuth,
            ConsentKind::ResearchAuth => Flag::ConsentResearchAuth,
            ConsentKind::SogiPermission => Flag::ConsentSogiPermission,
            ConsentKind::TribalAuthorization => Flag::ConsentTribalAuthorization,
            ConsentKind::ReporterWaiver => Flag::ConsentReporterWaiver,
            ConsentKind::PrivacyDirective => Flag::ConsentPrivacyDirective,
        }
    }

    const fn bit(self) -> u128 {
        1 << (self as u32)
    }
}

/// A set of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u128);

impl Flags {
    /// No fact.
    pub const NONE: Flags = Flags(0);

    /// The set of one fact.
    pub const fn of(flag: Flag) -> Flags {
        Flags(flag.bit())
    }

    /// Adds a fact.
    pub fn set(&mut self, flag: Flag) {
        self.0 |= flag.bit();
    }

    /// Adds a fact if it holds.
    pub fn set_if(&mut self, flag: Flag, holds: bool) {
        if holds {
            self.set(flag);
        }
    }

    /// Whether the fact holds.
    pub const fn has(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }

    /// The same with one fact turned around.
    #[must_use]
    pub const fn flipped(self, flag: Flag) -> Flags {
        Flags(self.0 ^ flag.bit())
    }

    /// Both together.
    #[must_use]
    pub const fn union(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// What both hold.
    #[must_use]
    pub const fn both(self, other: Flags) -> Flags {
        Flags(self.0 & other.0)
    }

    /// Whether everything in `other` holds here.
    pub const fn covers(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The facts that hold, in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL
            .iter()
            .copied()
            .filter(move |flag| self.has(*flag))
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Flags {
        flags.into_iter().fold(Flags::NONE, |mut set, flag| {
            set.set(flag);
            set
        })
    }
}

/// Everything a decision about one class depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Who holds the record.
    pub source: SourceRole,
    /// Who would receive it.
    pub recipient: RecipientRole,
    /// Why.
    pub purpose: Purpose,
    /// What holds.
    pub flags: Flags,
}

const _: () = assert!(Flag::ALL.len() <= 128, "one bit each");
