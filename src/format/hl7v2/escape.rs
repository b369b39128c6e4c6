//! Escapes in text: `\F\` and its kin, hexadecimal bytes, line breaks of formatted text.
//!
//! It works on bytes, before the character set is looked at. What it does not know it keeps as it
//! stands and says so.

use super::Delimiters;

/// Bytes between the two signs of an escape, at most.
const ESCAPE_BYTES_MAX: usize = 128;
/// Line breaks one escape may stand for.
const SKIPPED_LINES_MAX: usize = 99;

/// What was not quite read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unread {
    /// Highlighting or layout, left out.
    Layout,
    /// An escape nobody knows, kept as it stands.
    Unknown,
    /// Another character set begins: what follows cannot be read.
    Charset,
}

/// The bytes meant, and the worst of what was not read.
pub(super) fn unescaped(raw: &[u8], delimiters: &Delimiters) -> (Vec<u8>, Option<Unread>) {
    let mut out = Vec::with_capacity(raw.len());
    let mut unread = None;
    let mut rest = raw;
    let Some(sign) = delimiters.escape else {
        return (raw.to_vec(), None);
    };
    while let Some(at) = rest.iter().position(|byte| *byte == sign) {
        let (before, tail) = rest.split_at(at);
        out.extend_from_slice(before);
        let inner = tail.get(1..).unwrap_or_default();
        let end = inner.iter().take(ESCAPE_BYTES_MAX).position(|b| *b == sign);
        let read = end.and_then(|end| Some((inner.get(..end)?, inner.get(end + 1..)?)));
        let Some((code, after)) = read else {
            // A lone sign stands for itself.
            unread = unread.max(Some(Unread::Unknown));
            out.push(sign);
            rest = inner;
            continue;
        };
        if let Some(missed) = one(code, delimiters, &mut out) {
            unread = unread.max(Some(missed));
            if missed == Unread::Unknown {
                // What stands before the second sign is text; that sign may begin an escape.
                out.push(sign);
                out.extend_from_slice(code);
                rest = inner.get(code.len()..).unwrap_or_default();
                continue;
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    (out, unread)
}

/// One escape: what it means goes to `out`.
fn one(code: &[u8], delimiters: &Delimiters, out: &mut Vec<u8>) -> Option<Unread> {
    let plain = match code {
        b"F" => Some(delimiters.field),
        b"S" => delimiters.component,
        b"T" => delimiters.subcomponent,
        b"R" => delimiters.repetition,
        b"E" => delimiters.escape,
        b"P" => Some(delimiters.truncation.unwrap_or(b'#')),
        b"H" | b"N" => return Some(Unread::Layout),
        [b'X' | b'x', digits @ ..] => return hexadecimal(digits, out),
        [b'C' | b'M', digits @ ..] if !digits.is_empty() && are_hexadecimal(digits) => {
            return Some(Unread::Charset);
        }
        [b'.', layout @ ..] => return formatted(layout, out),
        _ => None,
    };
    out.extend(plain);
    plain.is_none().then_some(Unread::Unknown)
}

fn are_hexadecimal(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_hexdigit)
}

fn hexadecimal(digits: &[u8], out: &mut Vec<u8>) -> Option<Unread> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !are_hexadecimal(digits) {
        return Some(Unread::Unknown);
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0);
    for pair in digits.chunks(2) {
        let value = pair.iter().fold(0, |sum, byte| sum * 16 + digit(byte));
        out.extend(u8::try_from(value).ok());
    }
    None
}

/// Commands of formatted text: breaks are kept, the rest is layout.
fn formatted(command: &[u8], out: &mut Vec<u8>) -> Option<Unread> {
    let name = command.get(..2).unwrap_or_default().to_ascii_lowercase();
    let count = command.get(2..).unwrap_or_default().trim_ascii();
    let number = std::str::from_utf8(count).ok().and_then(|n| n.parse().ok());
    let breaks = match (name.as_slice(), number) {
        (b"br", None) if count.is_empty() => 1,
        (b"sp", None) if count.is_empty() => 1,
        (b"sp", Some(lines)) if lines <= SKIPPED_LINES_MAX => lines,
        (b"in" | b"ti" | b"sk" | b"fi" | b"nf" | b"ce", _) => {
            out.extend((name == b"ce").then_some(b'\n'));
            out.extend((name == b"sk").then_some(b' '));
            return Some(Unread::Layout);
        }
        _ => return Some(Unread::Unknown),
    };
    out.extend(std::iter::repeat_n(b'\n', breaks));
    None
}

/// Writes a text so that it is read as what it is.
pub(super) fn escape(text: &str, delimiters: &Delimiters, out: &mut Vec<u8>) {
    let sign = delimiters.escape.unwrap_or(b'\\');
    let code = |code: &[u8], out: &mut Vec<u8>| {
        out.push(sign);
        out.extend_from_slice(code);
        out.push(sign);
    };
    // Two quotes alone would say that there is no value.
    let mut rest = text.bytes();
    if text == "\"\"" {
        code(b"X22", out);
        rest.next();
    }
    for byte in rest {
        match byte {
            b'\n' => code(b".br", out),
            b'\r' => code(b"X0D", out),
            byte if byte == delimiters.field => code(b"F", out),
            byte if byte == sign => code(b"E", out),
            byte if Some(byte) == delimiters.component => code(b"S", out),
            byte if Some(byte) == delimiters.subcomponent => code(b"T", out),
            byte if Some(byte) == delimiters.repetition => code(b"R", out),
            byte if Some(byte) == delimiters.truncation => code(b"P", out),
            byte => out.push(byte),
        }
    }
}
