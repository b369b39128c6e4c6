//! Tree to JSON: compact for the wire, canonical for digests.
//!
//! Numbers are written as the characters they came as. Nothing is ever left out.

use crate::base::Text;
use crate::format::tree::{Node, Value};
use std::borrow::Cow;

/// Compact JSON in document order; appends to `out`.
pub fn write(node: &Node, out: &mut Vec<u8>) {
    emit(node, out, Order::Document);
}

/// Compact JSON with the members of every object sorted by name, for digests.
pub fn canonical(node: &Node) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    emit(node, &mut out, Order::ByName);
    out
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Document,
    ByName,
}

fn emit(node: &Node, out: &mut Vec<u8>, order: Order) {
    match &node.value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(lexeme) => out.extend_from_slice(lexeme.as_bytes()),
        Value::String(text) => string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                emit(item, out, order);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (at, (name, member)) in ordered(members, order).iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                string(name, out);
                out.push(b':');
                emit(member, out, order);
            }
            out.push(b'}');
        }
    }
}

fn ordered(members: &[(Text, Node)], order: Order) -> Cow<'_, [(Text, Node)]> {
    if order == Order::Document || members.is_sorted_by(|a, b| a.0 <= b.0) {
        return Cow::Borrowed(members);
    }
    let mut sorted = members.to_vec();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    Cow::Owned(sorted)
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut from = 0;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        escape(*byte, out);
        from = at + 1;
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    out.push(b'"');
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        _ => {
            let digit = |n: u8| char::from_digit(u32::from(n), 16).map_or(b'0', |c| c as u8);
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: the wire form keeps order and lexemes, the digest form depends on neither order nor
    // document. Method: one object written both ways.
    #[test]
    fn the_wire_keeps_order_and_the_digest_form_sorts() {
        let bytes = br#"{"b":1.50,"a":{"d":"\n\"","c":[null,true]}}"#;
        let node = super::super::parse(bytes).tree.unwrap_or_default();
        let mut out = Vec::new();
        write(&node, &mut out);
        assert_eq!(out, bytes);
        let sorted = canonical(&node);
        assert_eq!(
            String::from_utf8_lossy(&sorted),
            r#"{"a":{"c":[null,true],"d":"\n\""},"b":1.50}"#
        );
    }
}
