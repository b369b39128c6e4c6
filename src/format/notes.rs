//! The findings one parser gathers, bounded.
//!
//! It must never hold a value: parsers give places and codes.

use super::Parsed;
use super::tree::Node;
use crate::base::finding::{Finding, Span};
use crate::base::finding_codes::{CodeEntry, FINDINGS_TRUNCATED};
use crate::base::limits::RECORD_FINDINGS_MAX;

/// A parser met something it cannot read past.
#[derive(Debug)]
pub(super) struct Stop;

/// The findings so far.
#[derive(Debug, Default)]
pub(super) struct Notes {
    findings: Vec<Finding>,
    dropped: bool,
}

impl Notes {
    /// Adds a finding, or only remembers that there are more.
    pub(super) fn push(&mut self, finding: Finding) {
        if self.findings.len() < RECORD_FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.dropped = true;
        }
    }

    /// Adds a finding of that code at that place.
    pub(super) fn add(&mut self, code: &'static CodeEntry, path: String, span: Span) {
        self.push(Finding::new(code).at(path).spanning(span));
    }

    /// Adds the finding that ends parsing.
    pub(super) fn stop(&mut self, code: &'static CodeEntry, path: String, span: Span) -> Stop {
        self.stop_with(Finding::new(code).at(path).spanning(span))
    }

    /// The same, with a finding that says more than its code.
    pub(super) fn stop_with(&mut self, finding: Finding) -> Stop {
        // The reason for stopping is always told, even past the cap.
        self.findings.push(finding);
        Stop
    }

    /// What the parser hands back.
    pub(super) fn finish(mut self, tree: Option<Node>) -> Parsed {
        if self.dropped {
            self.findings.push(Finding::new(&FINDINGS_TRUNCATED));
        }
        Parsed {
            tree,
            findings: self.findings,
        }
    }
}

/// Whether a character may stand in text of any syntax: what XML 1.0 can carry.
pub(super) fn may_stand(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// The first byte of UTF-8 text that does not decode, as a span of the bad sequence.
pub(super) fn bad_utf8(error: std::str::Utf8Error) -> Span {
    let start = error.valid_up_to();
    Span::new(start, start + error.error_len().unwrap_or(1))
}
