//! The XML form of a format whose documents are JSON: the same tree, written as elements.
//!
//! A member is an element of its name, an item an element more, a plain value an attribute of its
//! element; a node's element is called as its type. What the tree is does not depend on the form:
//! reading the one and the other gives the same. What the form has no place for is told, in reading
//! and before writing, and never guessed. It knows no format by name.

mod parse;
mod write;

pub use parse::parse;
pub use write::{unwritable, write};

use super::begins::first_element;
use super::{Layout, Leaf};
use crate::base::Text;
use crate::format::names::Names;
use std::collections::BTreeMap;

/// The prefix by which elements of the embedded namespace are told; no name of a format has it.
const EMBEDDED: &str = "embedded:";

/// What a format fixes about the XML form of its documents.
#[derive(Clone, Debug, Default)]
pub struct MembersProfile {
    /// The format's namespace, and that of elements that are carried as their own text.
    pub namespaces: Vec<(Text, Text)>,
    /// The member that says what a node is: the name of its element.
    pub node_type: Text,
    /// The attribute that holds a plain value.
    pub value: Text,
    /// What stands before the name of a plain value's member where something else in its element
    /// is meant.
    pub aside: Text,
    /// Members that are attributes, and of elements of which names; none: of all that are no nodes.
    pub attributes: Vec<(Text, Vec<Text>)>,
    /// Members that are carried as the text of an element.
    pub embedded: Vec<Text>,
    /// Members that are arrays where no schema says what they are.
    pub repeated: Vec<Text>,
    /// Members of nodes that are written first.
    pub first_of_nodes: Vec<Text>,
    /// Members of anything else that are written first.
    pub first: Vec<Text>,
    /// What may stand in nodes, by their types.
    pub types: BTreeMap<Text, Layout>,
    /// Names that may stand in the tree; others are told by their ordinals.
    pub names: Names,
}

impl MembersProfile {
    /// A profile of the format's namespace and that of what is carried as text.
    pub fn namespaces(own: &str, embedded: Option<&str>) -> Vec<(Text, Text)> {
        let prefix = EMBEDDED.trim_end_matches(':');
        let embedded = embedded.map(|uri| (prefix.into(), uri.into()));
        std::iter::once((Text::default(), own.into()))
            .chain(embedded)
            .collect()
    }

    /// Whether a member of an element of that name is an attribute.
    fn is_attribute(&self, name: &str, element: &str, is_node: bool) -> bool {
        let declared = self.attributes.iter().find(|(known, _)| known == name);
        declared
            .is_some_and(|(_, of)| !is_node && (of.is_empty() || of.iter().any(|it| it == element)))
    }

    fn aside_of(&self, name: &str) -> Text {
        compact_str::format_compact!("{}{name}", self.aside)
    }
}

/// Whether a text begins as a document of the form, of one of its types.
pub fn begins(head: &[u8], profile: &MembersProfile) -> bool {
    let name = first_element(head, &profile.namespaces);
    name.is_some_and(|name| profile.types.contains_key(&name))
}

/// Whether an element stands for a node, whose type is its name: members never begin so.
fn names_a_node(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

#[cfg(test)]
#[path = "members_tests.rs"]
mod tests;
