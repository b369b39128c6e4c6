//! The receipt: what a sender gets once everything is committed, in the shape all senders rely on.
//!
//! It is made from a committed submission and from nothing else.

use super::hotline::{self, Hotline};
use crate::base::digest::Digest;
use crate::base::id::{CorrelationId, PartnerId, RuleSetId, SubmissionId};
use crate::base::limits::{RECEIPT_FINDINGS_MAX, RECEIPT_RECORDS_MAX};
use crate::rules::Rules;
use crate::store::{Committed, Counts, LedgerPromise, RecordVerdict};

/// Answer to an accepted submission.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Receipt {
    /// Minted once; a repeated key gets the same.
    pub submission_id: SubmissionId,
    /// SHA-256 of the body.
    pub digest: Digest,
    /// The rules it was read by.
    pub rule_set: RuleSetId,
    /// Runs through everything that follows.
    pub correlation_id: CorrelationId,
    /// A promise, proved once a later checkpoint covers it.
    pub ledger: LedgerPromise,
    /// Over all records.
    pub counts: Counts,
    /// Whom to call, when a report among them has to be made by phone first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotline: Option<Hotline>,
    /// The first verdicts; all of them are behind `records_url`.
    pub records: Vec<RecordVerdict>,
    /// Whether findings were left out here.
    pub findings_truncated: bool,
    /// Where all verdicts are paged.
    pub records_url: String,
}

impl Receipt {
    /// The receipt of a committed submission.
    pub fn of(committed: &Committed) -> Receipt {
        let mut findings_left = RECEIPT_FINDINGS_MAX;
        let mut truncated = false;
        let records = committed
            .records()
            .iter()
            .take(RECEIPT_RECORDS_MAX)
            .map(|verdict| {
                let mut verdict = verdict.clone();
                truncated |= verdict.findings.len() > findings_left;
                verdict.findings.truncate(findings_left);
                findings_left = findings_left.saturating_sub(verdict.findings.len());
                verdict
            })
            .collect();
        let id = committed.submission_id();
        Receipt {
            submission_id: id,
            digest: committed.body_digest(),
            rule_set: committed.rule_set().clone(),
            correlation_id: committed.correlation_id().clone(),
            ledger: committed.ledger().clone(),
            counts: committed.counts(),
            hotline: None,
            records,
            findings_truncated: truncated || committed.records().len() > RECEIPT_RECORDS_MAX,
            records_url: format!("/v1/submissions/{id}/records"),
        }
    }

    /// With whom to call where one of its records was kept out for want of a call, or one of those
    /// it has no room for (`beyond`).
    #[must_use]
    pub fn telling(mut self, rules: &Rules, sender: &PartnerId, beyond: bool) -> Receipt {
        let findings = self.records.iter().flat_map(|verdict| &verdict.findings);
        let due = beyond || hotline::is_due(findings);
        self.hotline = due.then(|| Hotline::of(rules, sender));
        self
    }
}
