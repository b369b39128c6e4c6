//! Transforms of texts, numbers and pairs.

use super::{Fault, Transform};
use crate::base::Text;
use crate::format::tree::{Node, Value};

/// Widest padding.
const WIDTH_MAX: usize = 64;

pub(super) fn parse_pad(width: &str, with: &str) -> Result<Transform, String> {
    let width: usize = width
        .parse()
        .ok()
        .filter(|width| *width <= WIDTH_MAX)
        .ok_or_else(|| format!("`pad` needs a width up to {WIDTH_MAX}"))?;
    let mut chars = with.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(Transform::Pad(width, c)),
        _ => Err("`pad` needs one character".to_owned()),
    }
}

pub(super) fn parse_mark(count: &str, sign: &str) -> Result<Transform, String> {
    let Transform::Pad(count, sign) = parse_pad(count, sign)
        .map_err(|_| format!("`mark-after` needs a count up to {WIDTH_MAX} and one character"))?
    else {
        return Err("`mark-after` needs a count and one character".to_owned());
    };
    Ok(Transform::MarkAfter(count, sign))
}

/// A text with the sign behind so many characters, where there are more.
pub(super) fn mark(text: &str, count: usize, sign: char) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    for (at, c) in text.chars().enumerate() {
        if at == count {
            out.push(sign);
        }
        out.push(c);
    }
    out
}

/// The same without the sign; one that stands elsewhere, or is missing, would not come back.
pub(super) fn unmark(text: &str, count: usize, sign: char) -> Result<String, Fault> {
    let out: String = text.chars().filter(|c| *c != sign).collect();
    match mark(&out, count, sign) == text {
        true => Ok(out),
        false => Err(Fault::Form),
    }
}

/// Latin letters without their marks, for wires that have no others; any other stays.
pub(super) fn plain_letters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let row = PLAIN.iter().find(|(marked, _)| marked.contains(c));
        match row {
            Some((_, plain)) => out.push_str(plain),
            None => out.push(c),
        }
    }
    out
}

/// Letters with marks, and what is written for them.
const PLAIN: [(&str, &str); 32] = [
    ("áàâäãåāăą", "a"),
    ("ÁÀÂÄÃÅĀĂĄ", "A"),
    ("çćč", "c"),
    ("ÇĆČ", "C"),
    ("ďđð", "d"),
    ("ĎĐÐ", "D"),
    ("éèêëēėęě", "e"),
    ("ÉÈÊËĒĖĘĚ", "E"),
    ("íìîïīįı", "i"),
    ("ÍÌÎÏĪĮİ", "I"),
    ("ñńň", "n"),
    ("ÑŃŇ", "N"),
    ("óòôöõøōő", "o"),
    ("ÓÒÔÖÕØŌŐ", "O"),
    ("řŕ", "r"),
    ("ŘŔ", "R"),
    ("śšşș", "s"),
    ("ŚŠŞȘ", "S"),
    ("úùûüūůűų", "u"),
    ("ÚÙÛÜŪŮŰŲ", "U"),
    ("ýÿ", "y"),
    ("ÝŸ", "Y"),
    ("źżž", "z"),
    ("ŹŻŽ", "Z"),
    ("łľĺ", "l"),
    ("ŁĽĹ", "L"),
    ("ťţț", "t"),
    ("ŤŢȚ", "T"),
    ("ğģ", "g"),
    ("ĞĢ", "G"),
    ("\u{2019}\u{2018}", "'"),
    ("\u{2010}\u{2013}", "-"),
];

/// Any scalar as text.
pub(super) fn scalar(node: &Node) -> Result<Value, Fault> {
    match &node.value {
        Value::String(text) | Value::Number(text) => Ok(Value::String(text.clone())),
        Value::Bool(value) => Ok(Value::String(if *value { "true" } else { "false" }.into())),
        _ => Err(Fault::Form),
    }
}

/// Text of a scalar as the scalar.
pub(super) fn unscalar(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        number => Value::Number(number.into()),
    }
}

pub(super) fn integer(text: &str) -> Result<Value, Fault> {
    let number: i64 = text.trim().parse().map_err(|_| Fault::Form)?;
    Ok(Value::Number(number.to_string().into()))
}

pub(super) fn split(text: &str, by: &str) -> Value {
    // A blank around a visible separator means nothing; a blank separator is taken as it is.
    let by = if by.trim().is_empty() { by } else { by.trim() };
    let items = text.split(by).map(str::trim);
    Value::Array(
        items
            .filter(|item| !item.is_empty())
            .map(Node::string)
            .collect(),
    )
}

/// Pieces of a composed text, as they are.
pub(super) fn pieces(text: &str, by: &str) -> Value {
    Value::Array(text.split(by).map(Node::string).collect())
}

/// Joins texts; an item that holds the separator would not come back (the last may, in a
/// `concat`, whose number of items is known).
pub(super) fn join(node: &Node, by: &str, every: bool) -> Result<Value, Fault> {
    let items = node.items();
    let mut out = Text::default();
    for (at, item) in items.iter().enumerate() {
        let text = item.lexeme().ok_or(Fault::Form)?;
        let last = !every && at + 1 == items.len();
        if !last && (text.contains(by) || text.trim() != text) {
            return Err(Fault::Form);
        }
        if at > 0 {
            out.push_str(by);
        }
        out.push_str(text);
    }
    Ok(Value::String(out))
}

pub(super) fn join_pair(node: &Node, first: &str, second: &str) -> Result<Value, Fault> {
    let member = |name: &str| node.get(name).and_then(Node::lexeme).ok_or(Fault::Form);
    let (first, second) = (member(first)?, member(second)?);
    let mut out = Text::with_capacity(first.len() + second.len() + 1);
    out.push_str(first);
    out.push('|');
    out.push_str(second);
    Ok(Value::String(out))
}

pub(super) fn unpair(text: &str, first: &Text, second: &Text) -> Result<Value, Fault> {
    let (left, right) = text.rsplit_once('|').ok_or(Fault::Form)?;
    Ok(Value::Object(vec![
        (first.clone(), Node::string(left)),
        (second.clone(), Node::string(right)),
    ]))
}

pub(super) fn unpad(text: &str, with: char) -> &str {
    let bare = text.trim_start_matches(with);
    if bare.is_empty() {
        // All padding: one of it is the value.
        text.get(text.len().saturating_sub(with.len_utf8())..)
            .unwrap_or(text)
    } else {
        bare
    }
}

pub(super) fn pad(text: &str, width: usize, with: char) -> Result<String, Fault> {
    let length = text.chars().count();
    if length > width || (length > 1 && text.starts_with(with)) {
        return Err(Fault::Form);
    }
    let mut out: String = std::iter::repeat_n(with, width - length).collect();
    out.push_str(text);
    Ok(out)
}

/// `+1` and ten digits.
pub(super) fn phone(text: &str) -> Result<String, Fault> {
    let allowed = |c: char| c.is_ascii_digit() || "+()-. ".contains(c);
    if !text.chars().all(allowed) {
        return Err(Fault::Form);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        10 => Ok(format!("+1{digits}")),
        11 if digits.starts_with('1') => Ok(format!("+{digits}")),
        _ => Err(Fault::Form),
    }
}
