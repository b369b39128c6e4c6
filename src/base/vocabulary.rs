//! The closed word lists of the field: roles, purposes, data classes, consents, obligations.
//!
//! Each is an enum whose text is the standard term. A word outside its list never parses: the
//! caller must withhold, not guess.

/// A text that is not in the word list it was read for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {list}: one of {}", known.join(", "))]
pub struct UnknownWord {
    /// Which list.
    pub list: &'static str,
    /// The words it has.
    pub known: &'static [&'static str],
    /// The word; catalog and API vocabulary only, never a record's value.
    pub word: String,
}

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident, $list:literal { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl $name {
            /// All words, in the order of the list.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The standard term.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }

            /// Position in the list.
            pub const fn index(self) -> usize {
                self as usize
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<$name, UnknownWord> {
                match word {
                    $($text => Ok($name::$variant),)*
                    _ => Err(UnknownWord {
                        list: $list,
                        known: &[$($text),*],
                        word: word.to_owned(),
                    }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<$name, D::Error> {
                let word = String::deserialize(d)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(super) use vocabulary;

vocabulary! {
    /// Where the work with a family comes from; what the prevention wall looks at.
    ServiceSource, "service source" {
        Case = "case",
        Referral = "referral",
        Prevention = "prevention",
    }
}

vocabulary! {
    /// What the holder of a record is (disclosure rules, section 0).
    SourceRole, "source role" {
        Cws = "cws",
        Probation = "probation",
        Mhp = "mhp",
        SudProgram = "sud_program",
        HealthProvider = "health_provider",
        Lea = "lea",
        Tribe = "tribe",
        Cdss = "cdss",
        Ppp = "ppp",
        DvProgram = "dv_program",
        Court = "court",
    }
}
vocabulary! {
    /// What the one who would receive it is.
    RecipientRole, "recipient role" {
        Cws = "cws",
        CwsOtherCounty = "cws_other_county",
        Probation = "probation",
        Mhp = "mhp",
        SudProgram = "sud_program",
        HealthProvider = "health_provider",
        HealthPlan = "health_plan",
        Hie = "hie",
        ServiceOrg = "service_org",
        Lea = "lea",
        Tribe = "tribe",
        Bia = "bia",
        Cdss = "cdss",
        Dhcs = "dhcs",
        CftMember = "cft_member",
        MdtMember = "mdt_member",
        Ppp = "ppp",
        Parent = "parent",
        Guardian = "guardian",
        Caregiver = "caregiver",
        Youth = "youth",
        Myself = "self",
        YouthAttorney = "youth_attorney",
        ParentAttorney = "parent_attorney",
        Casa = "casa",
        Court = "court",
        LawEnforcement = "law_enforcement",
        FederalImmigration = "federal_immigration",
        IntimatePartner = "intimate_partner",
        Researcher = "researcher",
        Auditor = "auditor",
        Public = "public",
    }
}
vocabulary! {
    /// Why it is asked for.
    Purpose, "purpose of use" {
        Treatment = "treatment",
        CareCoordination = "care_coordination",
        Payment = "payment",
        Operations = "operations",
        Research = "research",
        MedicalEmergency = "medical_emergency",
        BreakGlass = "break_glass",
        Marketing = "marketing",
        CasePlanning = "case_planning",
        Placement = "placement",
        ChildAbuseReport = "child_abuse_report",
        Investigation = "investigation",
        StateReporting = "state_reporting",
        Audit = "audit",
        LegalProceeding = "legal_proceeding",
        ImmigrationEnforcement = "immigration_enforcement",
        IcwaNotice = "icwa_notice",
        IcwaInquiry = "icwa_inquiry",
        Education = "education",
        ParentAccess = "parent_access",
        SelfAccess = "self_access",
        WorkforceOversight = "workforce_oversight",
        PublicRequest = "public_request",
    }
}
vocabulary! {
    /// What kind of data a value is.
    DataClass, "data class" {
        GeneralHealth = "general_health",
        MentalHealth = "mental_health",
        PsychotherapyNotes = "psychotherapy_notes",
        SudPart2 = "sud_part2",
        SudCounselingNotes = "sud_counseling_notes",
        HivTest = "hiv_test",
        ReproductiveHealth = "reproductive_health",
        GenderAffirmingCare = "gender_affirming_care",
        DvInformation = "dv_information",
        DvCounselorComm = "dv_counselor_comm",
        SaCounselorComm = "sa_counselor_comm",
        EducationRecord = "education_record",
        JuvenileCaseFile = "juvenile_case_file",
        Delinquency = "delinquency",
        SealedRecord = "sealed_record",
        AbuseReport = "abuse_report",
        ReporterIdentity = "reporter_identity",
        ImmigrationStatus = "immigration_status",
        Sogi = "sogi",
        ContactAddress = "contact_address",
        SafeAtHomeAddress = "safe_at_home_address",
        Demographics = "demographics",
        EngagementContact = "engagement_contact",
        CasePlan = "case_plan",
        CftPlan = "cft_plan",
        Cans = "cans",
        Sdm = "sdm",
        Referral = "referral",
        IcwaInquiry = "icwa_inquiry",
        TribalConfidential = "tribal_confidential",
        AdoptionRecord = "adoption_record",
        AttorneyClient = "attorney_client",
        WorkforceRecord = "workforce_record",
        PartnerLivedExperience = "partner_lived_experience",
        AggregateDeidentified = "aggregate_deidentified",
    }
}
vocabulary! {
    /// What kind of consent a paper is.
    ConsentKind, "consent kind" {
        GeneralRoi = "general_roi",
        HipaaAuth = "hipaa_auth",
        PsychNotesAuth = "psych_notes_auth",
        Part2Tpo = "part2_tpo",
        Part2Specific = "part2_specific",
        Part2CounselingNotes = "part2_counseling_notes",
        Part2Legal = "part2_legal",
        CftRoi = "cft_roi",
        IcspSingleAuth = "icsp_single_auth",
        FerpaConsent = "ferpa_consent",
        VawaRelease = "vawa_release",
        HivAuth = "hiv_auth",
        ResearchAuth = "research_auth",
        SogiPermission = "sogi_permission",
        TribalAuthorization = "tribal_authorization",
        ReporterWaiver = "reporter_waiver",
        PrivacyDirective = "privacy_directive",
    }
}
vocabulary! {
    /// Who signed it.
    Grantor, "grantor" {
        Myself = "self",
        Youth = "youth",
        Parent = "parent",
        Guardian = "guardian",
        YouthAndParent = "youth_and_parent",
        YouthAttorney = "youth_attorney",
        PersonalRepresentative = "personal_representative",
        Tribe = "tribe",
        Reporter = "reporter",
    }
}
vocabulary! {
    /// Who signed, where the rules give that signer no say: such a paper permits nothing.
    OtherGrantor, "grantor without a rule" {
        EducationalRightsHolder = "educational_rights_holder",
        IndianCustodian = "indian_custodian",
        Conservator = "conservator",
        Court = "court",
    }
}
vocabulary! {
    /// What the form of a consent shows.
    ConsentElement, "element of a consent" {
        PatientName = "patient_name",
        Discloser = "discloser",
        Description = "description",
        Recipient = "recipient",
        IntermediaryParticipants = "intermediary_participants",
        Purpose = "purpose",
        RightToRevoke = "right_to_revoke",
        Expiration = "expiration",
        Signature = "signature",
        Date = "date",
        RedisclosureStatement = "redisclosure_statement",
        RefusalConsequences = "refusal_consequences",
    }
}
vocabulary! {
    /// What a consent ends with, where it does not end on a day.
    EndEvent, "ending event" {
        CftParticipationEnds = "cft_participation_ends",
        ProgramEnds = "program_ends",
        EndOfStudy = "end_of_study",
        CaseCloses = "case_closes",
        TreatmentEnds = "treatment_ends",
        Other = "other",
    }
}
vocabulary! {
    /// What is owed with a release.
    Obligation, "obligation" {
        LogDisclosure = "log_disclosure",
        MinimumNecessary = "minimum_necessary",
        Accounting = "accounting",
        NoRedisclosure = "no_redisclosure",
        AttachPart2Notice = "attach_part2_notice",
        AttachConsentCopy = "attach_consent_copy",
        DocumentEmergency = "document_emergency",
        WrittenRecipientAgreement = "written_recipient_agreement",
        DestroyAfter = "destroy_after",
        CftOnly = "cft_only",
        EducationUseOnly = "education_use_only",
        NoUseInProceedings = "no_use_in_proceedings",
        SubstituteAddress = "substitute_address",
        RegisteredMail = "registered_mail",
        SmallCellSuppression = "small_cell_suppression",
        VerifyIdentity = "verify_identity",
        RedactThirdPartyChildren = "redact_third_party_children",
        NotifyVictim = "notify_victim",
        HumanReview = "human_review",
    }
}

vocabulary! {
    /// The result of one decision.
    Effect, "decision" {
        Permit = "permit",
        PermitWithRedaction = "permit-with-redaction",
        Deny = "deny",
    }
}

vocabulary! {
    /// What a decision says of one class of one person.
    Verdict, "verdict" {
        Permit = "permit",
        Withhold = "withhold",
    }
}

vocabulary! {
    /// Why what was sent may not be used any further: the one word its recipient is told.
    RecallReason, "reason of a recall" {
        ConsentEnded = "consent-ended",
        NoLongerPermitted = "no-longer-permitted",
        IdentityCorrected = "identity-corrected",
        Voided = "voided",
    }
}

/// A set of data classes, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct ClassSet(pub u64);

impl ClassSet {
    /// The empty set.
    pub const EMPTY: ClassSet = ClassSet(0);

    /// The set of one class.
    pub const fn of(class: DataClass) -> ClassSet {
        ClassSet(1 << class.index())
    }

    /// Adds a class.
    pub fn insert(&mut self, class: DataClass) {
        self.0 |= 1 << class.index();
    }

    /// Whether the class is in it.
    pub const fn contains(self, class: DataClass) -> bool {
        self.0 & (1 << class.index()) != 0
    }

    /// Both together.
    #[must_use]
    pub const fn union(self, other: ClassSet) -> ClassSet {
        ClassSet(self.0 | other.0)
    }

    /// What is in this and not in `other`.
    #[must_use]
    pub const fn without(self, other: ClassSet) -> ClassSet {
        ClassSet(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The classes, in the order of the vocabulary.
    pub fn iter(self) -> impl Iterator<Item = DataClass> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let at = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            DataClass::ALL.get(at).copied()
        })
    }
}

impl FromIterator<DataClass> for ClassSet {
    fn from_iter<I: IntoIterator<Item = DataClass>>(classes: I) -> ClassSet {
        classes
            .into_iter()
            .fold(ClassSet::EMPTY, |set, class| set.union(ClassSet::of(class)))
    }
}

impl RecipientRole {
    /// Whether it is somebody close to the person and no agency: to them a fact nobody told may
    /// close everything, and no machine tells them of a change.
    pub const fn is_private(self) -> bool {
        matches!(
            self,
            RecipientRole::Parent
                | RecipientRole::Guardian
                | RecipientRole::Caregiver
                | RecipientRole::IntimatePartner
        )
    }
}

impl Purpose {
    /// Those that are declared at the emergency door.
    pub const EMERGENCIES: &[Purpose] = &[Purpose::MedicalEmergency, Purpose::BreakGlass];

    /// Whether it is one of [`Purpose::EMERGENCIES`].
    pub fn is_emergency(self) -> bool {
        Purpose::EMERGENCIES.contains(&self)
    }
}
