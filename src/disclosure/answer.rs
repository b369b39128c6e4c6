//! What comes out of a decision: which classes go, what is owed, what is cited, and why.

use super::condition::Rules256;
use super::facts::Flags;
use super::pack::Outcome;
use super::review::{Review, ReviewAsked, ReviewRow, strictest};
use super::rule::{Counsel, ObligationSet, Rank};
use crate::base::Text;
use crate::base::vocabulary::{ClassSet, DataClass, Effect, Obligation, Verdict};
use serde::Serialize;
use std::sync::Arc;

/// One class of an answer.
#[derive(Clone, Debug)]
pub struct Row {
    /// The class.
    pub class: DataClass,
    /// Whether it may go.
    pub verdict: Verdict,
    /// What to cite for it first.
    pub citation: Arc<str>,
    /// The policies that opened or closed it.
    pub policies: Arc<[Arc<str>]>,
    /// The facts it was judged by: with the rule set and the words, the whole question.
    pub flags: Flags,
}

/// The answer to a typed question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The whole.
    pub effect: Effect,
    /// What may go.
    pub permit: ClassSet,
    /// What is owed.
    pub obligations: ObligationSet,
    /// Who asks that a person looks at it.
    pub reviews: Vec<ReviewAsked>,
    /// Class by class, in the order of the vocabulary.
    pub rows: Vec<Row>,
    /// Everything cited.
    pub citations: Vec<Arc<str>>,
}

impl Answer {
    /// When a person looks at it: the strictest of all that ask.
    pub fn review(&self) -> Review {
        strictest(&self.reviews)
    }
}

/// What a withheld class would need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// The fact.
    pub fact: Arc<str>,
    /// In plain English.
    pub en: Arc<str>,
    /// In plain Spanish.
    pub es: Arc<str>,
}

/// One class of a decision as it is told.
#[derive(Clone, Debug, Serialize)]
pub struct TraceRow {
    /// The class as asked for.
    pub data_class: Text,
    /// `permit` or `withhold`.
    pub effect: &'static str,
    /// The policies that opened or closed it.
    pub policies: Vec<Arc<str>>,
    /// What to cite for it first.
    pub citation: Arc<str>,
    /// Why, in plain words.
    pub reason: Arc<str>,
    /// The same in Spanish.
    pub reason_es: Arc<str>,
    /// Whether nobody has reviewed the Spanish.
    pub es_machine_draft: bool,
    /// The smallest set of facts that would open it; only when asked to explain.
    pub unlock: Option<Vec<Key>>,
}

/// How one paper was judged; only when asked to explain.
#[derive(Clone, Debug, Serialize)]
pub struct PaperRow {
    /// The paper.
    pub id: Option<Text>,
    /// Whether it counts for this question.
    pub counts: bool,
    /// Why, in English.
    pub en: Arc<str>,
    /// Why, in Spanish.
    pub es: Arc<str>,
}

/// What `kinbridge policy list` tells of one policy.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PolicyInfo {
    /// `@id`
    pub id: Arc<str>,
    /// `@row` of the law table.
    pub row: Arc<str>,
    /// How strong it is.
    pub rank: Rank,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// The classes it may speak of.
    pub classes: Vec<DataClass>,
    /// What it cites.
    pub citations: Vec<Arc<str>>,
    /// V: seen in a named source; K: background knowledge, not confirmed.
    pub mark: Arc<str>,
    /// From when.
    pub effective: Arc<str>,
    /// Until when, empty if open.
    pub sunset: Arc<str>,
    /// Who answers for it.
    pub owner: Arc<str>,
    /// What it says, in English.
    pub plain_en: Arc<str>,
    /// What it says, in Spanish.
    pub plain_es: Arc<str>,
    /// Whether nobody has reviewed the Spanish.
    pub es_machine_draft: bool,
    /// Who of counsel let a county loosen by it; only of a county's own permit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counsel: Option<Counsel>,
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DecisionMode {
    /// A written case, whose facts are as it says; what it does not say is not so.
    Case,
    /// A what-if asked of the gateway: it releases nothing.
    Hypothetical,
    /// A stored record, on what the registry holds.
    Live,
}

/// The decision as it is told.
#[derive(Clone, Debug, Serialize)]
pub struct Decision {
    /// The question's id.
    pub id: Option<Text>,
    /// What it rests on.
    pub mode: DecisionMode,
    /// The whole.
    pub decision: Effect,
    /// What may go, in the order asked.
    pub permit: Vec<Text>,
    /// What stays back; empty when nothing goes.
    pub redact: Vec<Text>,
    /// What is owed.
    pub obligations: Vec<Obligation>,
    /// Everything cited.
    pub citations: Vec<Arc<str>>,
    /// Digest of the rules it was taken by.
    pub rule_set: Arc<str>,
    /// Class by class, in the order asked.
    pub trace: Vec<TraceRow>,
    /// Paper by paper; only when asked to explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consents: Option<Vec<PaperRow>>,
    /// Who asks that a person looks; only when asked to explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviews: Option<Vec<ReviewRow>>,
}

/// One judged class, before it is told.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The class.
    pub class: DataClass,
    /// What the policies say.
    pub outcome: Arc<Outcome>,
    /// The facts it was judged by.
    pub flags: Flags,
}

/// The whole question judged.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Class by class, in the order of the vocabulary.
    pub classes: Vec<Judged>,
    /// What was asked for and is known.
    pub requested: ClassSet,
    /// What may go.
    pub permit: ClassSet,
    /// Facts of the question, its papers and its classes together.
    pub flags: Flags,
    /// Classes the minor alone consented to.
    pub minor_consented: ClassSet,
    /// Kinds of consent in scope, one bit each.
    pub kinds_in_scope: u32,
    /// Policies used for what goes.
    pub used: Rules256,
}

impl Decision {
    /// The same, told as resting on something else.
    #[must_use]
    pub fn in_mode(self, mode: DecisionMode) -> Decision {
        Decision { mode, ..self }
    }

    /// The answer to what is no question: deny, and somebody looks at it.
    pub(super) fn unread(id: Option<Text>, rule_set: Arc<str>) -> Decision {
        Decision {
            id,
            mode: DecisionMode::Case,
            decision: Effect::Deny,
            permit: Vec::new(),
            redact: Vec::new(),
            obligations: vec![Obligation::HumanReview],
            citations: vec![Arc::from("policy:unknown-default-deny")],
            rule_set,
            trace: Vec::new(),
            consents: None,
            reviews: None,
        }
    }
}
