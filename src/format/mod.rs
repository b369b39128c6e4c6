//! Wire syntaxes: bytes to tree and back, one file each, pure.
//!
//! Parsing never panics and never fails silently: it gives a tree as far as one could be read,
//! and all findings. It knows syntaxes, never a partner, a record type or a code.

pub mod delimited;
pub mod hl7v2;
pub mod json;
mod names;
mod notes;
mod numbered;
pub mod split;
pub mod tree;
pub mod workbook;
pub mod x12;
pub mod xml;

pub use names::{Names, is_speaking, speaks};
pub use tree::{Node, Value};

use crate::base::finding::Finding;

/// What parsing gave: the tree as far as it goes, and everything wrong with it.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The document; absent when nothing usable was read.
    pub tree: Option<Node>,
    /// All findings, spans not yet turned into lines.
    pub findings: Vec<Finding>,
}
