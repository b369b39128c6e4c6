//! HL7 v2: bytes of one message to tree and back.
//!
//! The document is an object with one member, named like the message's structure; below it segments
//! and groups by their names, fields, components and subcomponents by their numbers. Which of them
//! repeat, which have parts and in what order they come the format's schemas say; which events have
//! which structure the format says too. An empty field, and the two quotes by which a sender says
//! that there is no value, are absent. It must never guess a character set, and never take a part
//! that has no place for one that has.

mod acknowledge;
mod charset;
mod delimiters;
mod escape;
mod parse;
mod place;
mod structure;
mod write;

pub use acknowledge::{Acknowledgment, Told, acknowledge};
pub use delimiters::Delimiters;
pub use parse::{begins, parse};
pub use place::{PlaceStep, place};
pub use write::write;

pub(super) use parse::{HEADS, head_of, line_end};

use super::names::Names;
use super::xml::Layout;
use crate::base::Text;
use std::collections::BTreeMap;

/// What a format fixes about its messages.
#[derive(Clone, Debug, Default)]
pub struct MessageProfile {
    /// Structure by message code and trigger event, written `code^event`, or by the code alone.
    pub messages: BTreeMap<Text, Text>,
    /// What may stand in a message, by structure.
    pub structures: BTreeMap<Text, Layout>,
    /// Segments that stand at the top of the message wherever in it they come.
    pub anywhere: Vec<Text>,
    /// Segments, fields of them (`ABC.1`) and components (`ABC.1.1`), in which nothing may be left
    /// unread.
    pub whole: Vec<Text>,
    /// Segments and fields of them that must not be passed over where they have no place.
    pub restricting: Vec<Text>,
    /// Names that may stand in the tree; a segment of another name is told by its ordinal.
    pub names: Names,
}

/// Whether a name is that of a segment: three capitals or digits (in X12 also two), the first a
/// capital. Groups and structures have longer names.
pub(super) fn is_segment(name: &[u8]) -> bool {
    let follows = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    match name {
        [first, rest @ ..] => {
            first.is_ascii_uppercase() && (1..=2).contains(&rest.len()) && rest.iter().all(follows)
        }
        [] => false,
    }
}

#[cfg(test)]
#[path = "hl7v2_tests.rs"]
mod tests;
