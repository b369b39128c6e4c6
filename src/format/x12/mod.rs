//! X12: interchanges of segments, written from trees, and recognised where they are handed in.
//!
//! The document is an object with one member, named like its structure; below it segments and
//! groups by their names, elements and components by their numbers, as in HL7 v2. In what order
//! they come the format's schemas say. X12 has no escape: a value with a sign that separates parts
//! is refused, never changed. What is handed in is told by what it says it is and is not read; it
//! must never be taken for something else.

mod delimiters;
mod recognise;
mod segments;
mod write;

pub use delimiters::Delimiters;
pub use recognise::{Known, recognise};
pub use segments::{Segment, segments};
pub use write::{refused, write};

use super::Parsed;
use super::names::Names;
use super::xml::Layout;
use crate::base::Text;
use crate::base::finding::{Finding, Span};
use crate::base::finding_codes::{INTERCHANGE_NOT_READ, SYNTAX_INVALID};
use std::collections::BTreeMap;

/// What a format fixes about its interchanges.
#[derive(Clone, Debug, Default)]
pub struct InterchangeProfile {
    /// What may stand in an interchange, by structure.
    pub structures: BTreeMap<Text, Layout>,
    /// Names that may stand in the tree.
    pub names: Names,
}

/// What is told of an interchange that was handed in.
pub fn not_read(kind: &str) -> Finding {
    let said = format!("{}: {kind}", INTERCHANGE_NOT_READ.message);
    Finding::new(&INTERCHANGE_NOT_READ)
        .saying(said)
        .spanning(Span::new(0, segments::HEAD.len()))
}

/// A document handed in: never a tree, only what it is.
pub fn parse(bytes: &[u8], known: &[Known]) -> Parsed {
    let finding = match recognise(bytes, known) {
        Some(kind) => not_read(kind),
        None => Finding::new(&SYNTAX_INVALID).saying("this is no X12 interchange"),
    };
    Parsed {
        tree: None,
        findings: vec![finding],
    }
}

#[cfg(test)]
#[path = "x12_tests.rs"]
mod tests;
