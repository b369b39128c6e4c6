//! Tree to XML, always well formed.
//!
//! All namespaces of the format are declared on the document element. A member whose name is no
//! XML name, or has a prefix the format does not declare, cannot be written and is left out; the
//! schemas of XML formats hold no such names. Characters XML cannot carry are refused when a
//! document is read; here they become U+FFFD rather than a broken document.

use super::names::is_name;
use super::{Layout, XmlProfile};
use crate::base::Text;
use crate::format::notes::may_stand;
use crate::format::tree::{Node, Value};

/// Writes the document whose document element's object is `node`; appends to `out`.
pub fn write(node: &Node, profile: &XmlProfile, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut declarations = Vec::new();
    for (prefix, uri) in &profile.namespaces {
        declarations.extend_from_slice(b" xmlns");
        if !prefix.is_empty() {
            declarations.push(b':');
            declarations.extend_from_slice(prefix.as_bytes());
        }
        declarations.extend_from_slice(b"=\"");
        escape(uri, Place::Attribute, &mut declarations);
        declarations.push(b'"');
    }
    let writer = Writer { profile };
    writer.element(
        &profile.root,
        node,
        Some(&profile.layout),
        &declarations,
        out,
    );
    out.push(b'\n');
}

struct Writer<'p> {
    profile: &'p XmlProfile,
}

impl Writer<'_> {
    fn writable(&self, name: &str) -> bool {
        is_name(name)
            && name.split_once(':').is_none_or(|(prefix, _)| {
                prefix == "xml" || self.profile.namespaces.iter().any(|(p, _)| p == prefix)
            })
    }

    fn element(
        &self,
        name: &str,
        node: &Node,
        layout: Option<&Layout>,
        declarations: &[u8],
        out: &mut Vec<u8>,
    ) {
        if !self.writable(name) {
            return;
        }
        out.push(b'<');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(declarations);
        for (attribute, value) in node.members() {
            if let Some(attribute) = attribute.strip_prefix('@') {
                self.attribute(attribute, value, out);
            }
        }
        let from = out.len();
        out.push(b'>');
        self.content(node, layout, out);
        if out.len() == from + 1 {
            out.truncate(from);
            out.extend_from_slice(b"/>");
            return;
        }
        out.extend_from_slice(b"</");
        out.extend_from_slice(name.as_bytes());
        out.push(b'>');
    }

    fn attribute(&self, name: &str, value: &Node, out: &mut Vec<u8>) {
        let Some(text) = simple(value) else {
            return;
        };
        if self.writable(name) && name != "xmlns" {
            out.push(b' ');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"=\"");
            escape(text, Place::Attribute, out);
            out.push(b'"');
        }
    }

    fn content(&self, node: &Node, layout: Option<&Layout>, out: &mut Vec<u8>) {
        let text = match &node.value {
            Value::Object(_) => node.get("$").and_then(simple),
            _ => simple(node),
        };
        if let Some(text) = text {
            escape(text, Place::Content, out);
        }
        let order = layout.map(|layout| layout.order.as_slice());
        let order = order.unwrap_or_default();
        let members = node.members().iter();
        let mut ranked: Vec<(usize, &(Text, Node))> = members
            .filter_map(|member| {
                let rank = order.iter().position(|name| *name == member.0);
                let other = !member.0.starts_with(['@', '$']);
                Some((rank.or(other.then_some(usize::MAX))?, member))
            })
            .collect();
        // Stable: what has no place in the order follows as it stands.
        ranked.sort_by_key(|(rank, _)| *rank);
        for (_, (name, child)) in ranked {
            self.children(name, child, layout, out);
        }
    }

    fn children(&self, name: &Text, child: &Node, parent: Option<&Layout>, out: &mut Vec<u8>) {
        let layout = parent.and_then(|parent| parent.children.get(name));
        match &child.value {
            Value::Null => {}
            Value::Array(items) => {
                for item in items {
                    self.element(name, item, layout, b"", out);
                }
            }
            _ => self.element(name, child, layout, b"", out),
        }
    }
}

/// The text of a value that has one.
pub(super) fn simple(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) | Value::Number(text) => Some(text),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Content,
    Attribute,
}

pub(super) fn escape(text: &str, place: Place, out: &mut Vec<u8>) {
    // Most text holds nothing that needs a look: blanks and marks aside, printable ASCII.
    let plain =
        |byte: &u8| matches!(*byte, b' '..=b'~') && !matches!(*byte, b'&' | b'<' | b'>' | b'"');
    let bytes = text.as_bytes();
    let odd = bytes.iter().position(|byte| !plain(byte));
    let (head, rest) = text.split_at(odd.unwrap_or(bytes.len()));
    out.extend_from_slice(head.as_bytes());
    let mut buffer = [0; 4];
    for c in rest.chars() {
        let written = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            // A reader turns a bare carriage return into a line feed.
            '\r' => "&#13;",
            '"' if place == Place::Attribute => "&quot;",
            '\n' if place == Place::Attribute => "&#10;",
            '\t' if place == Place::Attribute => "&#9;",
            c if may_stand(c) => c.encode_utf8(&mut buffer),
            _ => "\u{FFFD}",
        };
        out.extend_from_slice(written.as_bytes());
    }
}
