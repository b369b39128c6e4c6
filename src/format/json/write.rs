//! Tree to JSON: compact for the wire, canonical for digests.
//!
//! Numbers are written as the characters they came as. Nothing is ever left out.

use crate::base::Text;
use crate::format::tree::{Node, Value};

/// Compact JSON in document order; appends to `out`.
pub fn write(node: &Node, out: &mut Vec<u8>) {
    emit(node, out, Order::Document);
}

/// Compact JSON with the members of every object sorted by name, for digests.
pub fn canonical(node: &Node) -> Vec<u8> {
    canonical_without(node, &[])
}

/// [`canonical`], without members of these names in the object itself.
pub fn canonical_without(node: &Node, names: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    match &node.value {
        Value::Object(members) => {
            let kept = members
                .iter()
                .filter(|(name, _)| !names.contains(&name.as_str()));
            object(in_order(kept, Order::ByName), &mut out, Order::ByName);
        }
        _ => emit(node, &mut out, Order::ByName),
    }
    out
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Document,
    ByName,
}

type Member = (Text, Node);

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
        Value::Object(members)
            if order == Order::Document || members.is_sorted_by(|a, b| a.0 <= b.0) =>
        {
            object(members, out, order);
        }
        Value::Object(members) => object(in_order(members, order), out, order),
    }
}

fn object<'a>(members: impl IntoIterator<Item = &'a Member>, out: &mut Vec<u8>, order: Order) {
    out.push(b'{');
    for (at, (name, member)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        string(name, out);
        out.push(b':');
        emit(member, out, order);
    }
    out.push(b'}');
}

fn in_order<'a>(members: impl IntoIterator<Item = &'a Member>, order: Order) -> Vec<&'a Member> {
    let mut members: Vec<&Member> = members.into_iter().collect();
    if order == Order::ByName {
        members.sort_by(|a, b| a.0.cmp(&b.0));
    }
    members
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else {
            break;
        };
        escape(*byte, out);
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes from the start stand for themselves: eight at a time, then one by one.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The high bit of a byte is set where the byte is zero (or, harmlessly, behind such a one).
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (words, _) = bytes.as_chunks::<8>();
    let plain = words.iter().take_while(|word| {
        let word = u64::from_le_bytes(**word);
        let below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        below_space | quote | backslash == 0
    });
    let sure = plain.count() * 8;
    let rest = bytes.get(sure..).unwrap_or_default();
    let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    sure + rest.iter().position(special).unwrap_or(rest.len())
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

    #[test]
    fn every_byte_is_escaped_wherever_it_stands() {
        // Goal: reading eight bytes at a time misses none. Method: every control byte, quote,
        // backslash and some others at every place of texts of several lengths, read back.
        for byte in (0..=0x7F_u8).chain([0xC3]) {
            let one = if byte == 0xC3 { 'ü' } else { char::from(byte) };
            for length in [1_usize, 7, 8, 9, 17] {
                for place in 0..length {
                    let text: String = (0..length)
                        .map(|at| if at == place { one } else { 'x' })
                        .collect();
                    let mut out = Vec::new();
                    write(&Node::string(text.as_str()), &mut out);
                    assert!(out.iter().all(|b| *b >= 0x20), "{byte:#x} at {place}");
                    let back: String = serde_json::from_slice(&out).unwrap();
                    assert_eq!(back, text);
                }
            }
        }
    }
}
