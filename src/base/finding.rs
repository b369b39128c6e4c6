//! A finding: one thing wrong with what a sender handed in, told so that the sender can mend it.
//!
//! It says what, where in *their* file, and what to do. It must never carry a value of a record.

use super::finding_codes::CodeEntry;

/// How bad it is. A record with an error is not accepted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Information,
    /// Accepted, but something was ignored, guessed or looks wrong.
    Warning,
    /// Not accepted.
    Error,
}

/// A run of bytes in the sender's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// From byte offsets, saturating at 4 GiB.
    pub fn new(start: usize, end: usize) -> Span {
        let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span {
            start: clip(start),
            end: clip(end),
        }
    }
}

/// One validation result.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable kebab-case code, an entry of `docs/findings.md`.
    pub code: std::borrow::Cow<'static, str>,
    /// Zero-based index of the record in the submission, absent when the whole file is meant.
    pub record_index: Option<u32>,
    /// Where, in the notation of the sender's format.
    pub path: String,
    /// One-based line in the sender's file, when known.
    pub line: Option<u32>,
    /// One-based column (characters) in that line, when known.
    pub column: Option<u32>,
    /// What is wrong; never a value.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// The bytes meant, turned into line and column by [`LineIndex`].
    #[serde(skip)]
    pub span: Option<Span>,
}

/// Adds a finding to a list of so many at most. Of a full one an error takes the place of the last
/// that is none: what refuses a record is never lost behind what is only told.
pub fn add_within(findings: &mut Vec<Finding>, finding: Finding, most: usize) {
    if findings.len() < most {
        return findings.push(finding);
    }
    let told = findings.iter_mut().rev().find(|it| !it.is_error());
    if let Some(told) = told.filter(|_| finding.is_error()) {
        *told = finding;
    }
}

impl Finding {
    /// A finding with the message and fix of its code.
    pub fn new(code: &'static CodeEntry) -> Finding {
        Finding {
            severity: code.severity,
            code: code.code.into(),
            record_index: None,
            path: String::new(),
            line: None,
            column: None,
            message: code.message.to_owned(),
            fix: code.fix.to_owned(),
            span: None,
        }
    }

    /// Where, in the sender's notation.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Finding {
        self.path = path.into();
        self
    }

    /// The bytes meant.
    #[must_use]
    pub fn spanning(mut self, span: Span) -> Finding {
        self.span = Some(span);
        self
    }

    /// A message more exact than the code's own; it must not hold a value of the record.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Finding {
        self.message = message.into();
        self
    }

    /// Advice more exact than the code's own.
    #[must_use]
    pub fn fixed_by(mut self, fix: impl Into<String>) -> Finding {
        self.fix = fix.into();
        self
    }

    /// The record meant.
    #[must_use]
    pub fn of_record(mut self, index: usize) -> Finding {
        self.record_index = u32::try_from(index).ok();
        self
    }

    /// Whether this keeps the record from being accepted.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Line starts of one document; turns byte offsets into lines and columns.
#[derive(Debug)]
pub struct LineIndex<'a> {
    bytes: &'a [u8],
    starts: Vec<usize>,
    base_line: u32,
}

impl<'a> LineIndex<'a> {
    /// Indexes a document whose first line is `base_line` (one-based) of the sender's file.
    pub fn new(bytes: &'a [u8], base_line: u32) -> LineIndex<'a> {
        let mut starts = vec![0];
        starts.extend(
            bytes
                .iter()
                .enumerate()
                .filter(|(_, b)| **b == b'\n')
                .map(|(i, _)| i + 1),
        );
        LineIndex {
            bytes,
            starts,
            base_line,
        }
    }

    /// The same where a carriage return alone ends a line too.
    pub fn with_returns(bytes: &'a [u8], base_line: u32) -> LineIndex<'a> {
        let ends = |(at, byte): &(usize, &u8)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let mut starts = vec![0];
        let ends = bytes.iter().enumerate().filter(ends);
        starts.extend(ends.map(|(at, _)| at + 1));
        LineIndex {
            bytes,
            starts,
            base_line,
        }
    }

    /// How many lines end in it.
    pub fn lines(&self) -> u32 {
        u32::try_from(self.starts.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// One-based line and column (in characters) of a byte offset.
    pub fn locate(&self, offset: u32) -> (u32, u32) {
        let offset = (offset as usize).min(self.bytes.len());
        let line = self
            .starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let text = self.bytes.get(start..offset).unwrap_or_default();
        // Continuation bytes of UTF-8 do not start a character.
        let column = text.iter().filter(|b| (**b & 0xC0) != 0x80).count() + 1;
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        (
            line.saturating_add(self.base_line),
            u32::try_from(column).unwrap_or(u32::MAX),
        )
    }

    /// Fills line and column of every finding that has a span.
    pub fn fill(&self, findings: &mut [Finding]) {
        for finding in findings {
            if let Some(span) = finding.span {
                let (line, column) = self.locate(span.start);
                finding.line = Some(line);
                finding.column = Some(column);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what refuses is not lost behind what is told. Method: a full list, and one more of
    /// each.
    #[test]
    fn an_error_takes_the_place_of_a_warning() {
        let warning = || Finding::new(&crate::base::finding_codes::WIRE_UNKNOWN_FIELD);
        let error = || Finding::new(&crate::base::finding_codes::ITEM_NOT_READ);
        let mut all = vec![warning(), warning()];
        add_within(&mut all, warning(), 2);
        add_within(&mut all, error(), 2);
        let errors: Vec<bool> = all.iter().map(Finding::is_error).collect();
        assert_eq!(errors, [false, true]);
        add_within(&mut all, error(), 2);
        add_within(&mut all, error(), 2);
        assert!(all.len() == 2 && all.iter().all(Finding::is_error));
    }
}
