//! A tree to the bytes of one message: segments end with CR, trailing empty fields are left out.
//!
//! Segments come in the order of the structure. Text is escaped; what the tree does not hold is not
//! written.

use super::escape::escape;
use super::parse::HEADS;
use super::{Delimiters, MessageProfile, is_segment};
use crate::format::numbered::{in_order, numbered};
use crate::format::tree::{Node, Value};
use crate::format::xml::Layout;

/// Writes the message of a document; appends to `out`.
pub fn write(tree: &Node, profile: &MessageProfile, out: &mut Vec<u8>) {
    let Some((name, message)) = tree.members().first() else {
        return;
    };
    let [head, ..] = HEADS;
    let own = std::str::from_utf8(head)
        .ok()
        .and_then(|id| message.get(id));
    let own = own.and_then(|head| {
        let [field] = head.text("1")?.as_bytes() else {
            return None;
        };
        Delimiters::of(*field, head.text("2")?.as_bytes())
    });
    let writer = Writer {
        delimiters: own.filter(Delimiters::are_whole).unwrap_or_default(),
    };
    let plain = Layout::default();
    let layout = profile.structures.get(name).unwrap_or(&plain);
    writer.group(message, layout, out);
}

struct Writer {
    delimiters: Delimiters,
}

impl Writer {
    fn group(&self, group: &Node, layout: &Layout, out: &mut Vec<u8>) {
        let plain = Layout::default();
        for (name, item, inner) in in_order(group, layout) {
            if is_segment(name.as_bytes()) {
                self.segment(name.as_bytes(), item, out);
            } else {
                self.group(item, inner.unwrap_or(&plain), out);
            }
        }
    }

    fn segment(&self, id: &[u8], segment: &Node, out: &mut Vec<u8>) {
        let [head, ..] = HEADS;
        let is_head = id == head;
        out.extend_from_slice(id);
        let mut at = 0;
        if is_head {
            out.push(self.delimiters.field);
            out.extend(self.delimiters.signs());
            at = 2;
        }
        for (number, node) in numbered(segment, NUMBER_MAX) {
            let mut text = Vec::new();
            self.field(node, &mut text);
            if number <= at || text.is_empty() {
                continue;
            }
            out.extend(std::iter::repeat_n(self.delimiters.field, number - at));
            out.extend(text);
            at = number;
        }
        out.push(b'\r');
    }

    fn field(&self, field: &Node, out: &mut Vec<u8>) {
        let Value::Array(items) = &field.value else {
            return self.part(field, self.delimiters.component, out);
        };
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.extend(self.delimiters.repetition);
            }
            self.part(item, self.delimiters.component, out);
        }
    }

    fn part(&self, part: &Node, sign: Option<u8>, out: &mut Vec<u8>) {
        let mut at = 1;
        for (number, node) in numbered(part, NUMBER_MAX) {
            let mut text = Vec::new();
            self.part(node, self.delimiters.subcomponent, &mut text);
            if number < at || text.is_empty() {
                continue;
            }
            out.extend(std::iter::repeat_n(sign.unwrap_or(b' '), number - at));
            out.extend(text);
            at = number;
        }
        match &part.value {
            Value::String(text) | Value::Number(text) => escape(text, &self.delimiters, out),
            Value::Bool(value) => out.push(if *value { b'Y' } else { b'N' }),
            _ => {}
        }
    }
}

/// Highest number a part is written at: more is no field of any message.
const NUMBER_MAX: usize = 999;
