//! Release: candidates, facts, decision, redaction, translation, validation. Pure.
//!
//! The only maker of what may leave ([`Outgoing`]). Nothing here reads the store, the clock or the
//! network, and nothing leaves without a decision taken at the given instant. The same input gives
//! the same bytes.

mod asserted;
pub mod candidates;
mod decide;
mod discreet;
mod facts;
mod keys;
mod look;
mod obligations;
mod outgoing;
mod papers;
mod recall;
mod received;
mod services;
mod standing;
mod turns;
mod used;
mod written;

pub use asserted::{assertion, must_be_known};
pub use decide::{no_channel, opened, release, rendered, waits_for_addressee, would};
pub use discreet::{
    NOT_RELEASABLE, SenderRow, SenderTold, known_to_sender, own_consents, own_facts, recorded,
    rehearsed,
};
pub use facts::{consents as registry_papers, refuses_nobody_known};
pub use look::{PaperLook, PersonLook, look};
pub use obligations::{Discharge, TABLE as DISCHARGES, Way, by_hand};
pub use outgoing::{Kept, Narrower, Outgoing};
pub use papers::{FamilyPapers, counties_may_know, family_names, read_paper, superseded};
pub use recall::{NoticeInput, notice};
pub use received::{Basis, GivenRow, GivenUnder, LAWS, Received, derived_from, received};
pub use standing::Acquaintance;
pub use turns::{Turns, turns_of_consent, turns_of_fact};

use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::id::{ConsentId, DeliveryId, FactId, PartnerId, PersonId, RecordId, RuleSetId};
use crate::base::sensitive::Sensitive;
use crate::base::vocabulary::{Effect, Verdict};
use crate::catalog::partner::{Channel, Partner};
pub use crate::disclosure::ObligationSet;
use crate::disclosure::facts::Flags;
use crate::disclosure::review::ReviewAsked;
use crate::record::Record;
pub use crate::record::whereabouts::Protections;
use std::sync::Arc;

/// One record, one recipient, one instant.
#[derive(Clone, Copy)]
pub struct ReleaseInput<'a> {
    /// The record, as it was accepted.
    pub record: &'a Record,
    /// The gateway's id of it, which the recipient is told.
    pub record_id: RecordId,
    /// Keys of the record's persons and who they are.
    pub persons: &'a [(String, PersonId)],
    /// Who handed it in.
    pub source: &'a Partner,
    /// Who would receive it.
    pub recipient: &'a Partner,
    /// Over which channel.
    pub channel: &'a Channel,
    /// Whether it is test traffic.
    pub test: bool,
    /// Whether a person has looked at this delivery and let it go on: a review is then done, and
    /// nothing else is opened by it.
    pub reviewed: bool,
    /// What a person has said is done of what this delivery owes and the gateway cannot do.
    pub done: ObligationSet,
    /// The declaration at the emergency door this answers, if it answers one.
    pub emergency: Option<Emergency>,
    /// Every consent of the record's persons.
    pub consents: &'a [HeldConsent<'a>],
    /// Every fact the registry holds of the record's persons.
    pub facts: &'a [HeldFact<'a>],
    /// What the registry holds of others of their households: of whom each bears on.
    pub housemates: &'a [(PersonId, HeldFact<'a>)],
    /// What other records say of where the record's persons live.
    pub protections: &'a Protections,
    /// How the sender got what it hands on, where the gateway itself gave it to them.
    pub received: &'a [Received],
    /// The instant of the decision.
    pub now: Timestamp,
}

/// An emergency as the requester declares it. It is a fact of this one answer about this one
/// person, and the declaration holds all that 42 CFR 2.51 wants documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emergency {
    /// Whose emergency it is.
    pub subject: PersonId,
    /// Whether their consent can be had.
    pub consent_obtainable: bool,
}

/// A consent of the registry, opened.
#[derive(Clone, Copy)]
pub struct HeldConsent<'a> {
    /// As the lodger names it.
    pub id: &'a ConsentId,
    /// Who lodged it.
    pub lodger: &'a PartnerId,
    /// Whose it is.
    pub subject: PersonId,
    /// From when it no longer counts.
    pub revoked_at: Option<Timestamp>,
    /// Which revision of it this is.
    pub revision: u32,
    /// What has become of it since it was lodged.
    pub since: SinceLodged<'a>,
    /// The consent as JSON.
    pub body: &'a Sensitive<Vec<u8>>,
}

/// What has become of a consent since it was lodged, revocation apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct SinceLodged<'a> {
    /// Partners that stand behind it besides its lodger, and since when.
    pub confirmed: &'a [(PartnerId, Timestamp)],
    /// The local day (days since 1970-01-01) from which on it no longer counts, because what it
    /// was to end with has happened.
    pub ended_on: Option<i32>,
    /// What a consent for one disclosure was used by, and when.
    pub used: Option<(DeliveryId, Timestamp)>,
}

/// A fact of the registry, opened.
#[derive(Clone, Copy)]
pub struct HeldFact<'a> {
    /// As the asserter names it.
    pub id: &'a FactId,
    /// Who asserts it.
    pub asserter: &'a PartnerId,
    /// Of whom.
    pub subject: PersonId,
    /// From when it no longer counts.
    pub ended_at: Option<Timestamp>,
    /// Which revision of it this is.
    pub revision: u32,
    /// The fact as JSON.
    pub body: &'a Sensitive<Vec<u8>>,
}

/// What the decision came to.
#[derive(Debug)]
pub enum Release {
    /// This may go.
    Go(Box<Outgoing>),
    /// Law and consents withhold everything.
    Withheld(Box<Taken>),
    /// A person must look first.
    Held(Hold, Box<Taken>),
    /// Nobody was asked about: no channel leads there, or no tie, or the prevention wall or the
    /// other kind of traffic stands between.
    Untied(Box<Taken>),
}

impl Release {
    /// The outcome in a word, and the effect of the whole.
    pub fn told(&self) -> (&'static str, Effect) {
        match self {
            Release::Go(outgoing) if outgoing.withheld_any() => {
                ("released", Effect::PermitWithRedaction)
            }
            Release::Go(_) => ("released", Effect::Permit),
            Release::Held(..) => ("held", Effect::Deny),
            Release::Withheld(_) | Release::Untied(_) => ("withheld", Effect::Deny),
        }
    }

    /// The decision.
    pub fn taken(&self) -> &Taken {
        match self {
            Release::Go(outgoing) => outgoing.taken(),
            Release::Held(_, taken) | Release::Withheld(taken) | Release::Untied(taken) => taken,
        }
    }

    /// JSON pointers of what goes, in the numbering of the accepted record.
    pub fn released_paths(&self) -> &[String] {
        match self {
            Release::Go(outgoing) => outgoing.released_paths(),
            Release::Held(..) | Release::Withheld(_) | Release::Untied(_) => &[],
        }
    }
}

/// What would be decided, on a supposition or of what has left: it is read, and nothing can be sent
/// by it.
#[derive(Debug)]
pub struct Would(Release);

impl Would {
    /// Whether something would go.
    pub fn goes(&self) -> bool {
        matches!(self.0, Release::Go(_))
    }

    /// The decision.
    pub fn taken(&self) -> &Taken {
        self.0.taken()
    }

    /// JSON pointers of what would go, in the numbering of the accepted record.
    pub fn released_paths(&self) -> &[String] {
        self.0.released_paths()
    }
}

/// Why a person must look first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// What is left would not be valid in the recipient's format.
    OutputInvalid,
    /// The rules ask for a human look, or a fact only a person knows is needed.
    HumanReview,
    /// Something is owed that the gateway cannot do.
    ObligationOpen,
    /// A role or purpose outside the vocabulary, or none.
    VocabularyUnknown,
}

/// A decision as it was taken; no value of the record is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// By which rules.
    pub rule_set: RuleSetId,
    /// When.
    pub at: Timestamp,
    /// Why it would be sent.
    pub purpose: String,
    /// What the recipient is.
    pub recipient_role: String,
    /// What the sender is.
    pub source_role: String,
    /// Person by person, class by class.
    pub rows: Vec<TakenRow>,
    /// Everything owed.
    pub obligations: Vec<&'static str>,
    /// Who asked that a person looks, done or not.
    pub reviews: Vec<ReviewAsked>,
    /// Everything cited.
    pub citations: Vec<String>,
    /// The consents on file that were looked at, counting or not.
    pub consents: Vec<ConsentSeen>,
    /// The facts of the registry it rested on.
    pub asserted: Vec<FactSeen>,
    /// Held as [`Hold::ObligationOpen`]: what is owed and not discharged.
    pub open: Vec<&'static str>,
    /// Withheld because nobody has confirmed lately who the recipient is to the person.
    pub standing_unknown: bool,
    /// Held as [`Hold::OutputInvalid`]: what is invalid about what is left.
    pub invalid: Vec<Finding>,
}

impl Taken {
    /// A decision about which nothing is known but by what, when and toward whom it was taken.
    pub(crate) fn empty(
        rule_set: &RuleSetId,
        now: Timestamp,
        (source, recipient): (&Partner, Option<&Partner>),
    ) -> Taken {
        let recipient_role = recipient.map(|partner| partner.role.clone());
        Taken {
            rule_set: rule_set.clone(),
            at: now,
            purpose: String::new(),
            recipient_role: recipient_role.unwrap_or_default(),
            source_role: source.role.clone(),
            rows: Vec::new(),
            obligations: Vec::new(),
            reviews: Vec::new(),
            citations: Vec::new(),
            consents: Vec::new(),
            asserted: Vec::new(),
            open: Vec::new(),
            standing_unknown: false,
            invalid: Vec::new(),
        }
    }
}

/// One revision of a consent, as a decision found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentSeen {
    /// Who lodged it.
    pub lodger: PartnerId,
    /// The lodger's id of it.
    pub id: ConsentId,
    /// Its revision.
    pub revision: u32,
}

/// One revision of a fact, as a decision rested on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactSeen {
    /// Who asserts it.
    pub asserter: PartnerId,
    /// The asserter's id of it.
    pub id: FactId,
    /// Its revision.
    pub revision: u32,
}

/// One class of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenRow {
    /// The person.
    pub person: PersonId,
    /// The class.
    pub data_class: &'static str,
    /// Whether it may go.
    pub verdict: Verdict,
    /// The facts it was judged by.
    pub facts: Flags,
    /// What is cited first.
    pub citation: String,
    /// The policies that opened or closed it.
    pub policies: Arc<[Arc<str>]>,
}
