//! JSON bytes to tree (RFC 8259), all findings with their place.
//!
//! Reads on after what does not hide the rest (a name twice, a rounded number, a control
//! character) and stops at what does (syntax, encoding, depth, size).

use super::number::is_exact;
use crate::base::Text;
use crate::base::finding::{Finding, Span};
use crate::base::finding_codes::{
    CONTROL_CHARACTER, CodeEntry, DEPTH_EXCEEDED, DUPLICATE_KEY, ENCODING_INVALID,
    NUMBER_NOT_EXACT, SIZE_EXCEEDED, SYNTAX_INVALID,
};
use crate::base::limits::{BUNDLE_BYTES_MAX, DEPTH_MAX, NODES_MAX};
use crate::format::Parsed;
use crate::format::names::{Names, masked};
use crate::format::notes::{Notes, Stop, bad_utf8, may_stand};
use crate::format::tree::{Node, Value};
use std::collections::HashMap;

/// Objects with more members than this look names up by hash, so that many names cost no square.
const SCANNED_NAMES_MAX: usize = 24;

/// Reads one JSON document of our own: every name in it may be shown. Spans count from the first
/// byte given.
pub fn parse(bytes: &[u8]) -> Parsed {
    parse_naming(bytes, &Names::ALL)
}

/// Reads one JSON document of a sender; names that may not be shown become ordinals.
pub fn parse_naming(bytes: &[u8], names: &Names) -> Parsed {
    let mut notes = Notes::default();
    if bytes.len() > BUNDLE_BYTES_MAX {
        notes.add(&SIZE_EXCEEDED, String::new(), Span::new(0, 0));
        return notes.finish(None);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            notes.add(&ENCODING_INVALID, String::new(), bad_utf8(error));
            return notes.finish(None);
        }
    };
    let mut parser = Parser {
        text,
        bytes,
        at: if text.starts_with('\u{FEFF}') { 3 } else { 0 },
        nodes: 0,
        path: Vec::new(),
        names,
        odd: bytes.contains(&0xEF),
        notes,
    };
    let tree = parser.document().ok();
    parser.notes.finish(tree)
}

/// One step of the way to the node being read.
#[derive(Clone, Copy)]
enum Step {
    /// Its bytes, and its ordinal in its object.
    Name(usize, usize, usize),
    Item(usize),
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: usize,
    path: Vec<Step>,
    names: &'a Names,
    /// Whether the document may hold a non-character anywhere: they start with EF.
    odd: bool,
    notes: Notes,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<Node, Stop> {
        self.blank();
        let node = self.value()?;
        self.blank();
        if self.at < self.bytes.len() {
            return Err(self.stop(&SYNTAX_INVALID, self.at));
        }
        Ok(node)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The JSON pointer of the node being read.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                Step::Item(at) => pointer.push_str(&at.to_string()),
                Step::Name(start, end, at) => {
                    // A name written with escapes is not found here, and so not shown.
                    let raw = self.text.get(*start..*end).unwrap_or_default();
                    if self.names.shows(raw) {
                        pointer.push_str(&raw.replace('~', "~0").replace('/', "~1"));
                    } else {
                        pointer.push_str(&masked(*at));
                    }
                }
            }
        }
        pointer
    }

    fn stop(&mut self, code: &'static CodeEntry, at: usize) -> Stop {
        let path = self.pointer();
        self.notes.stop(code, path, Span::new(at, at + 1))
    }

    fn value(&mut self) -> Result<Node, Stop> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(self.stop(&SIZE_EXCEEDED, self.at));
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'"') => Value::String(self.string()?),
            Some(b'{') => self.object()?,
            Some(b'[') => self.array()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            _ => return Err(self.stop(&SYNTAX_INVALID, self.at)),
        };
        Ok(Node {
            value,
            span: Span::new(start, self.at),
        })
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Stop> {
        if self.bytes.get(self.at..self.at + word.len()) != Some(word.as_bytes()) {
            return Err(self.stop(&SYNTAX_INVALID, self.at));
        }
        self.at += word.len();
        Ok(value)
    }

    fn enter(&mut self) -> Result<(), Stop> {
        if self.path.len() >= DEPTH_MAX {
            return Err(self.stop(&DEPTH_EXCEEDED, self.at));
        }
        self.at += 1;
        self.blank();
        Ok(())
    }

    fn array(&mut self) -> Result<Value, Stop> {
        self.enter()?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.path.push(Step::Item(items.len()));
            items.push(self.value()?);
            self.path.pop();
            if self.another(b']')? {
                continue;
            }
            return Ok(Value::Array(items));
        }
    }

    /// After an item or member: whether another follows before the closing bracket.
    fn another(&mut self, close: u8) -> Result<bool, Stop> {
        self.blank();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.blank();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.stop(&SYNTAX_INVALID, self.at)),
        }
    }

    fn object(&mut self) -> Result<Value, Stop> {
        self.enter()?;
        let mut members: Vec<(Text, Node)> = Vec::new();
        let mut names: HashMap<Text, usize> = HashMap::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.stop(&SYNTAX_INVALID, self.at));
            }
            let name = self.string()?;
            let end = self.at - 1;
            let before = seen(&members, &mut names, &name);
            let ordinal = before.unwrap_or(members.len());
            self.path.push(Step::Name(start + 1, end, ordinal));
            let twice = before.is_some();
            if twice {
                let path = self.pointer();
                self.notes
                    .add(&DUPLICATE_KEY, path, Span::new(start, self.at));
            }
            self.blank();
            if self.peek() != Some(b':') {
                return Err(self.stop(&SYNTAX_INVALID, self.at));
            }
            self.at += 1;
            self.blank();
            let node = self.value()?;
            self.path.pop();
            if !twice {
                members.push((name, node));
            }
            if !self.another(b'}')? {
                self.names.mask(&mut members);
                return Ok(Value::Object(members));
            }
        }
    }

    fn digits(&mut self) -> Result<(), Stop> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from {
            return Err(self.stop(&SYNTAX_INVALID, self.at));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Stop> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let lexeme = self.text.get(start..self.at).unwrap_or_default();
        if lexeme.len() > 15 || lexeme.contains(['e', 'E']) {
            let span = Span::new(start, self.at);
            if !is_exact(lexeme) {
                let path = self.pointer();
                self.notes.add(&NUMBER_NOT_EXACT, path, span);
            }
        }
        Ok(Value::Number(lexeme.into()))
    }

    fn string(&mut self) -> Result<Text, Stop> {
        self.at += 1;
        let start = self.at;
        self.plain();
        match self.peek() {
            Some(b'"') => {
                let text = self.text.get(start..self.at).unwrap_or_default();
                self.at += 1;
                if self.odd {
                    self.check_text(text, start);
                }
                Ok(text.into())
            }
            Some(b'\\') => self.escaped(start),
            _ => Err(self.bad_string(start)),
        }
    }

    /// Goes over characters of a string that stand for themselves.
    fn plain(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
        self.at += rest.iter().position(special).unwrap_or(rest.len());
    }

    /// A raw control character, or the end of the line or document, inside a string.
    fn bad_string(&mut self, start: usize) -> Stop {
        if !matches!(self.peek(), None | Some(b'\n' | b'\r')) {
            return self.stop(&CONTROL_CHARACTER, self.at);
        }
        // A text ends on the line it begins on: what is missing is its end, not what comes next.
        let path = self.pointer();
        let quote = start.saturating_sub(1);
        let finding = Finding::new(&SYNTAX_INVALID)
            .at(path)
            .spanning(Span::new(quote, self.at))
            .saying("the text that begins here is not closed on its line")
            .fixed_by("close it with a quotation mark; a line break inside it is written \\n");
        self.notes.stop_with(finding)
    }

    /// The rest of a string that holds an escape.
    fn escaped(&mut self, start: usize) -> Result<Text, Stop> {
        let mut text = String::from(self.text.get(start..self.at).unwrap_or_default());
        loop {
            let from = self.at;
            self.plain();
            text.push_str(self.text.get(from..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.check_text(&text, start);
                    return Ok(text.into());
                }
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(self.bad_string(start)),
            }
        }
    }

    fn check_text(&mut self, text: &str, start: usize) {
        // Only bytes below 0x20 and the two non-characters (EF BF BE/BF) can fail.
        if text.bytes().any(|b| b < 0x20 || b == 0xEF) && !text.chars().all(may_stand) {
            let path = self.pointer();
            let span = Span::new(start, self.at);
            self.notes.add(&CONTROL_CHARACTER, path, span);
        }
    }

    fn escape(&mut self) -> Result<char, Stop> {
        let start = self.at;
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return Err(self.stop(&SYNTAX_INVALID, start)),
        };
        self.at += 1;
        Ok(c)
    }

    /// `\uXXXX`, with its second half where it is the first of a surrogate pair.
    fn unicode(&mut self, start: usize) -> Result<char, Stop> {
        let first = self.hex(start)?;
        let code = match first {
            0xD800..=0xDBFF if self.peek() == Some(b'\\') => {
                self.at += 1;
                let second = self.hex(start)?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(self.stop(&ENCODING_INVALID, start));
                }
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            code => code,
        };
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => Err(self.stop(&ENCODING_INVALID, start)),
        }
    }

    fn hex(&mut self, start: usize) -> Result<u32, Stop> {
        let digits = self
            .text
            .get(self.at..self.at + 5)
            .and_then(|text| text.strip_prefix('u'))
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 5;
                Ok(code)
            }
            None => Err(self.stop(&SYNTAX_INVALID, start)),
        }
    }
}

/// Where the name stands already; remembers it where a hash is worth its cost.
fn seen(members: &[(Text, Node)], names: &mut HashMap<Text, usize>, name: &Text) -> Option<usize> {
    if members.len() < SCANNED_NAMES_MAX {
        return members.iter().position(|(known, _)| known == name);
    }
    if names.is_empty() {
        let all = members.iter().enumerate();
        names.extend(all.map(|(at, (known, _))| (known.clone(), at)));
    }
    if let Some(at) = names.get(name) {
        return Some(*at);
    }
    names.insert(name.clone(), members.len());
    None
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
