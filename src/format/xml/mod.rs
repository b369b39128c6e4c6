//! XML: bytes to tree and back.
//!
//! An element is an object: `@name` its attributes, `$` its text, child elements by their names.
//! Names carry the prefixes of the format, whatever prefixes the document uses. An element is an
//! array exactly where its schema says it repeats. A document type is refused; only the five
//! predefined entities and character references are resolved. It must never fetch or expand
//! anything.

mod begins;
mod entries;
mod events;
mod lexical;
pub mod members;
mod names;
mod parse;
mod write;

pub use begins::begins;
pub use parse::parse;
pub use write::write;

use super::names::Names;
use crate::base::Text;
use std::collections::BTreeMap;

/// What a format fixes about its documents.
#[derive(Clone, Debug, Default)]
pub struct XmlProfile {
    /// Prefix and namespace URI; the empty prefix is the default namespace of elements.
    pub namespaces: Vec<(Text, Text)>,
    /// Name of the document element, with the format's prefix. The tree is this element's object.
    pub root: Text,
    /// What may stand in the document element.
    pub layout: Layout,
    /// Names that may stand in the tree; an element or attribute of another name is told by its
    /// ordinal.
    pub names: Names,
}

/// What a schema says about one element that the syntax needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Whether it repeats, so that even one becomes an array.
    pub array: bool,
    /// Whether what holds it must have it.
    pub required: bool,
    /// Whether it has text, so that blanks in it mean something.
    pub text: bool,
    /// How its text may be written otherwise, where it is no free text.
    pub lexical: Option<Lexical>,
    /// What its text is, where it is a plain value and no object.
    pub leaf: Option<Leaf>,
    /// Child elements in the order they are written; others follow in the order of the tree.
    pub order: Vec<Text>,
    /// Child elements.
    pub children: BTreeMap<Text, Layout>,
}

/// What XML Schema lets stand for a text besides its one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lexical {
    /// Blanks around it and several between its words.
    Collapsed,
    /// The same, and `1` and `0` for true and false.
    Boolean,
    /// The same, and a zone behind a day, month or year.
    Date,
}

/// What a plain value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
