//! Worked cases with their expected answers, and how an answer is scored against them.
//!
//! Scored: decision, redact set and core obligations exactly, one citation in common. Advisory
//! obligations are reported. A false permit is data out where the case expects it to stay.

use super::answer::Decision;
use super::decide::Policy;
use super::request::Request;
use crate::base::finding::Finding;
use crate::base::vocabulary::{Effect, Obligation};
use serde::Deserialize;
use std::collections::BTreeSet;

/// What a case expects.
#[derive(Clone, Debug, Deserialize)]
pub struct Expect {
    /// The whole.
    pub decision: Effect,
    /// What stays back.
    pub redact: BTreeSet<String>,
    /// What is owed.
    pub obligations: BTreeSet<String>,
    /// At least one of these is cited.
    pub citation: Vec<String>,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    expect: Expect,
    #[serde(default)]
    confidence: String,
    #[serde(default)]
    why: String,
}

/// One worked case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its id.
    pub id: String,
    /// The question.
    pub request: Request,
    /// The answer.
    pub expect: Expect,
    /// `high`, `medium`, `low`.
    pub confidence: String,
    /// Why the answer is what it is.
    pub why: String,
}

/// How an answer compares with a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// Decision and redact set agree.
    pub decision: bool,
    /// Core obligations agree.
    pub obligations: bool,
    /// A citation is in common.
    pub citation: bool,
    /// Advisory obligations agree; reported only.
    pub advisory: bool,
    /// Data out that the case keeps back.
    pub false_permit: bool,
}

impl Score {
    /// Everything that is scored agrees.
    pub fn exact(&self) -> bool {
        self.decision && self.obligations && self.citation && !self.false_permit
    }
}

/// Obligations that are scored exactly; the others are advisory.
pub const CORE: [Obligation; 13] = [
    Obligation::LogDisclosure,
    Obligation::AttachPart2Notice,
    Obligation::AttachConsentCopy,
    Obligation::CftOnly,
    Obligation::RegisteredMail,
    Obligation::SubstituteAddress,
    Obligation::SmallCellSuppression,
    Obligation::DocumentEmergency,
    Obligation::RedactThirdPartyChildren,
    Obligation::VerifyIdentity,
    Obligation::EducationUseOnly,
    Obligation::WrittenRecipientAgreement,
    Obligation::DestroyAfter,
];

/// Why a line is no case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoCase {
    /// Where in the line, from 1; 0 where that is not known.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

impl From<serde_json::Error> for NoCase {
    /// Without the place, which is told in the file's own lines.
    fn from(error: serde_json::Error) -> NoCase {
        let text = error.to_string();
        let end = text.rfind(" at line ").unwrap_or(text.len());
        NoCase {
            column: error.column(),
            what: text.get(..end).unwrap_or_default().to_owned(),
        }
    }
}

/// Reads one case from a line of JSON.
pub fn read(line: &str) -> Result<Case, NoCase> {
    let head: Head = serde_json::from_str(line)?;
    let read = Request::read(line.as_bytes());
    let Some(request) = read.request else {
        let mut wrong = read.findings.into_iter().filter(Finding::is_error);
        let place = |at: &Finding| at.column.and_then(|column| column.try_into().ok());
        return Err(wrong.next().map_or_else(
            || NoCase {
                column: 0,
                what: "no question".to_owned(),
            },
            |finding| NoCase {
                column: place(&finding).unwrap_or(0),
                what: format!("{}: {}; {}", finding.path, finding.message, finding.fix),
            },
        ));
    };
    Ok(Case {
        id: head.id,
        request,
        expect: head.expect,
        confidence: head.confidence,
        why: head.why,
    })
}

/// Decides a case and scores the answer.
pub fn run(policy: &Policy, case: &Case) -> (Decision, Score) {
    let decision = policy.decide(&case.request);
    let score = score(&decision, &case.expect);
    (decision, score)
}

/// Scores an answer.
pub fn score(decision: &Decision, expect: &Expect) -> Score {
    let redact: BTreeSet<String> = decision.redact.iter().map(ToString::to_string).collect();
    let is_core = |word: &str| CORE.iter().any(|core| core.as_str() == word);
    let produced: BTreeSet<&str> = decision.obligations.iter().map(|o| o.as_str()).collect();
    let expected: BTreeSet<&str> = expect.obligations.iter().map(String::as_str).collect();
    let part = |set: &BTreeSet<&str>, core: bool| -> BTreeSet<String> {
        set.iter()
            .filter(|word| is_core(word) == core)
            .map(ToString::to_string)
            .collect()
    };
    let kept_back = match expect.decision {
        Effect::Deny => !decision.permit.is_empty(),
        _ => decision
            .permit
            .iter()
            .any(|class| expect.redact.contains(class.as_str())),
    };
    Score {
        decision: decision.decision == expect.decision && redact == expect.redact,
        obligations: part(&produced, true) == part(&expected, true),
        citation: expect
            .citation
            .iter()
            .any(|token| decision.citations.iter().any(|made| same(token, made))),
        advisory: part(&produced, false) == part(&expected, false),
        false_permit: kept_back,
    }
}

/// Tokens match up to the first `(`; of the two exchange families, up to the colon.
fn same(expected: &str, made: &str) -> bool {
    let cut = |token: &str| -> String {
        for family in ["IHE-PCF", "LEAP"] {
            if token.starts_with(family) {
                return family.to_owned();
            }
        }
        if token.starts_with("policy:") {
            return token.to_owned();
        }
        token.split('(').next().unwrap_or_default().to_owned()
    };
    cut(expected) == cut(made)
}
