//! Why something waits for a person, what ends the wait, and who hears of it: one table.
//!
//! A cause is heard by a record's sender only where its row says so: what officers settle among
//! themselves would tell of a withholding.

use super::DeliveryState;

/// Why a record or delivery waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldCause {
    /// Two identifiers of one person lead to two different persons.
    IdentityAmbiguous,
    /// The output would be invalid after redaction.
    OutputInvalid,
    /// The record names an addressee no partner file knows.
    AddresseeUnknown,
    /// A purpose or class outside the vocabulary.
    VocabularyUnknown,
    /// Neither the record nor the partner file says where the work with the family comes from.
    ServiceSourceUnknown,
    /// Records of one batch have its id and say different things.
    RecordContradicted,
    /// A human must look before sending.
    HumanReview,
    /// The recipient refused it for good.
    RecipientRefused,
    /// All attempts were used up.
    AttemptsExhausted,
    /// An obligation could not be discharged.
    ObligationOpen,
    /// Law and consent withhold it from a named addressee.
    Withheld,
    /// It stands in the store and cannot be opened any more: a pull left it out.
    Unreadable,
    /// An officer asked to decide a withheld delivery again; a second one has to confirm.
    ReplayConfirmation,
    /// Consents of the partner stop soon, because a child comes of age.
    ConsentAgesOut,
    /// It went at once; an officer says afterwards whether that was justified.
    ReviewAfter,
    /// What a recipient was given may not be used any further, and its channel takes no notice.
    RecallByHand,
    /// Nobody has confirmed lately who the recipient is to the person, or that no protective order
    /// stands.
    StandingUnknown,
    /// Somebody asked at the emergency door: told to the officers.
    EmergencyAccess,
    /// A record was given at the emergency door: told to who had handed it in.
    EmergencyNotice,
    /// A copy of a child-abuse report may have arrived: it is never sent again, a person asks.
    ConfirmByPhone,
}

/// What an operator does about a work item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Let it go on as it is: a held record is routed (persons that were ambiguous stay apart), a
    /// delivery is tried again.
    Release,
    /// The persons its identifiers lead to are one: join them, then go on.
    JoinPersons,
    /// Leave it where it is; nothing is sent.
    Discard,
    /// What went at once was rightly sent.
    Justified,
    /// It was not; what follows is for people, and nothing is stopped by it.
    NotJustified,
    /// Whoever is told of something has read it.
    Acknowledge,
}

impl Resolution {
    /// All of them.
    pub const ALL: [Resolution; 6] = [
        Resolution::Release,
        Resolution::JoinPersons,
        Resolution::Discard,
        Resolution::Justified,
        Resolution::NotJustified,
        Resolution::Acknowledge,
    ];

    /// As bodies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Resolution::Release => "release",
            Resolution::JoinPersons => "join_persons",
            Resolution::Discard => "discard",
            Resolution::Justified => "justified",
            Resolution::NotJustified => "not_justified",
            Resolution::Acknowledge => "acknowledge",
        }
    }
}

/// Who hears that something waits for this cause, beside operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearer {
    /// The partner it stands with.
    Partner,
    /// Nobody.
    Operators,
}

/// What a cause lets be done, by whom, and who hears of it.
#[derive(Clone, Copy, Debug)]
pub struct Settling {
    /// What it is resolved with.
    pub resolutions: &'static [Resolution],
    /// Whether a privacy officer alone says so.
    pub officers: bool,
    /// Who hears of it.
    pub hearer: Hearer,
    /// States of its delivery that end it without anybody's word: nothing waits any more.
    pub outlived: &'static [DeliveryState],
}

impl HoldCause {
    /// All of them.
    pub const ALL: [HoldCause; 20] = [
        HoldCause::IdentityAmbiguous,
        HoldCause::OutputInvalid,
        HoldCause::AddresseeUnknown,
        HoldCause::VocabularyUnknown,
        HoldCause::ServiceSourceUnknown,
        HoldCause::RecordContradicted,
        HoldCause::HumanReview,
        HoldCause::RecipientRefused,
        HoldCause::AttemptsExhausted,
        HoldCause::ObligationOpen,
        HoldCause::Withheld,
        HoldCause::Unreadable,
        HoldCause::ReplayConfirmation,
        HoldCause::ConsentAgesOut,
        HoldCause::ReviewAfter,
        HoldCause::RecallByHand,
        HoldCause::StandingUnknown,
        HoldCause::EmergencyAccess,
        HoldCause::EmergencyNotice,
        HoldCause::ConfirmByPhone,
    ];

    /// How an item of this cause is settled.
    pub const fn settling(self) -> Settling {
        use Hearer::{Operators, Partner};
        use Resolution::{Acknowledge, Discard, JoinPersons, Justified, NotJustified, Release};
        let (resolutions, officers, hearer): (&'static [Resolution], bool, Hearer) = match self {
            // Who is whom, and a look that law asks for, are a privacy officer's.
            HoldCause::IdentityAmbiguous => (&[Release, JoinPersons, Discard], true, Partner),
            HoldCause::HumanReview => (&[Release, Discard], true, Operators),
            // The other one may have restricted it.
            HoldCause::ObligationOpen | HoldCause::RecordContradicted => {
                (&[Release, Discard], true, Partner)
            }
            HoldCause::OutputInvalid
            | HoldCause::AddresseeUnknown
            | HoldCause::VocabularyUnknown
            | HoldCause::ServiceSourceUnknown
            | HoldCause::RecipientRefused
            | HoldCause::AttemptsExhausted
            | HoldCause::Unreadable => (&[Release, Discard], false, Partner),
            // To send it takes two officers, at the delivery.
            HoldCause::Withheld => (&[Discard], false, Partner),
            // What may have arrived and must not arrive twice goes on by nobody's word.
            HoldCause::ConfirmByPhone => (&[Discard], false, Partner),
            HoldCause::ConsentAgesOut => (&[Discard], false, Partner),
            HoldCause::ReplayConfirmation
            | HoldCause::RecallByHand
            | HoldCause::StandingUnknown => (&[Discard], false, Operators),
            HoldCause::ReviewAfter => (&[Justified, NotJustified], true, Operators),
            HoldCause::EmergencyAccess => (&[Acknowledge], true, Operators),
            HoldCause::EmergencyNotice => (&[Acknowledge], true, Partner),
        };
        Settling {
            resolutions,
            officers,
            hearer,
            outlived: self.outlived(),
        }
    }

    /// What was asked before anything went is idle once it has gone, goes on as another generation,
    /// was replaced, or has used up its attempts; a failure is idle once a later attempt arrived.
    /// What is about bytes that left, and what was told, stays until somebody says so.
    const fn outlived(self) -> &'static [DeliveryState] {
        use DeliveryState::{Confirmed, Dead, Superseded, Withdrawn};
        match self {
            HoldCause::Withheld
            | HoldCause::HumanReview
            | HoldCause::StandingUnknown
            | HoldCause::ObligationOpen
            | HoldCause::OutputInvalid => &[Confirmed, Withdrawn, Superseded, Dead],
            HoldCause::RecipientRefused | HoldCause::AttemptsExhausted => {
                &[Confirmed, Withdrawn, Superseded]
            }
            HoldCause::IdentityAmbiguous
            | HoldCause::AddresseeUnknown
            | HoldCause::VocabularyUnknown
            | HoldCause::ServiceSourceUnknown
            | HoldCause::RecordContradicted
            | HoldCause::Unreadable
            | HoldCause::ReplayConfirmation
            | HoldCause::ConsentAgesOut
            | HoldCause::ReviewAfter
            | HoldCause::RecallByHand
            | HoldCause::EmergencyAccess
            | HoldCause::EmergencyNotice
            | HoldCause::ConfirmByPhone => &[],
        }
    }
}
