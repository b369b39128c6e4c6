//! The answer to a message in the original mode of acknowledgment: MSH, MSA, and one ERR for each
//! finding (HL7 v2.5.1, sections 2.9.2 and 2.15).
//!
//! What it repeats of the message is its head alone, to the one who sent it: names of the two
//! systems, event, control id, version and character set, byte for byte. It must never repeat
//! anything of the segments below, nor let a text end a field.

use super::parse::{HEADS, head_of, line_end};
use super::{Delimiters, is_segment};
use crate::base::clock::Timestamp;
use crate::base::finding::Finding;
use crate::base::finding_codes as codes;

/// Errors told of one message: a sender mends the first ones first.
const ERRORS_TOLD_MAX: usize = 20;

/// Bytes of one field of the head that are repeated, at most; a longer one is none of HL7's.
const REPEATED_BYTES_MAX: usize = 250;

/// Versions whose ERR has its places in field 1 (before 2.5).
const OLD_VERSIONS: [&[u8]; 4] = [b"2.1", b"2.2", b"2.3", b"2.4"];

/// What became of a message (table 0008).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgment {
    /// It is kept; sending it again changes nothing.
    Accept,
    /// It is refused for what it says: it has to be mended before it is sent again.
    Error,
    /// It could not be taken for another reason; the same message may be taken later.
    Reject,
}

impl Acknowledgment {
    const fn code(self) -> &'static str {
        match self {
            Acknowledgment::Accept => "AA",
            Acknowledgment::Error => "AE",
            Acknowledgment::Reject => "AR",
        }
    }
}

/// What is said in an answer.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// What became of the message.
    pub acknowledgment: Acknowledgment,
    /// What is wrong with it or noticed about it.
    pub findings: &'a [Finding],
    /// The answer's own control id.
    pub id: &'a str,
    /// When it is given.
    pub at: Timestamp,
}

/// The answer to a message, segments ending with CR.
pub fn acknowledge(message: &[u8], told: Told<'_>) -> Vec<u8> {
    let lines = lines(message);
    let head = Head::of(&lines);
    let mut answer = Answer {
        delimiters: head.delimiters,
        out: Vec::new(),
    };
    answer.head(&head, &told);
    let code = told.acknowledgment.code().as_bytes();
    answer.segment(b"MSA", &[code, head.field(CONTROL_ID)]);
    let errors = told.findings.iter().filter(|finding| finding.is_error());
    let others = told.findings.iter().filter(|finding| !finding.is_error());
    let old = OLD_VERSIONS
        .iter()
        .any(|old| head.field(VERSION).starts_with(old));
    for finding in errors.chain(others).take(ERRORS_TOLD_MAX) {
        answer.error(finding, &place(finding, &lines), old);
    }
    answer.out
}

/// Fields of the head, counted as HL7 counts them.
const SENDING: [usize; 2] = [3, 4];
const RECEIVING: [usize; 2] = [5, 6];
const MESSAGE_TYPE: usize = 9;
const CONTROL_ID: usize = 10;
const PROCESSING: usize = 11;
const VERSION: usize = 12;
const CHARACTER_SET: usize = 18;

/// The head of the message that is answered.
struct Head<'m> {
    delimiters: Delimiters,
    fields: Vec<&'m [u8]>,
}

impl<'m> Head<'m> {
    /// The first head of a message among these lines; one without any field where there is none.
    fn of(lines: &[&'m [u8]]) -> Head<'m> {
        let [message, ..] = HEADS;
        let heads = |line: &&&[u8]| head_of(line).is_some_and(|head| head == message);
        let line = lines.iter().find(heads).copied().unwrap_or_default();
        let start = line.iter().position(|byte| *byte == b'M').unwrap_or(0);
        let line = line.get(start..).unwrap_or_default();
        let read = Delimiters::read(line).filter(Delimiters::are_whole);
        let fields = read.map(|own| line.split(move |byte| *byte == own.field).collect());
        Head {
            delimiters: read.unwrap_or_default(),
            fields: fields.unwrap_or_default(),
        }
    }

    /// A field as it was sent; nothing for one that is too long to be one.
    fn field(&self, number: usize) -> &'m [u8] {
        // The separator itself is field 1.
        let field = number.checked_sub(1).and_then(|at| self.fields.get(at));
        let field = field.copied().unwrap_or_default();
        match field.len() <= REPEATED_BYTES_MAX && !field.iter().any(u8::is_ascii_control) {
            true => field,
            false => &[],
        }
    }

    /// The event of the message.
    fn event(&self) -> &'m [u8] {
        let field = self.field(MESSAGE_TYPE);
        let sign = self.delimiters.component;
        let mut parts = field.split(|byte| Some(*byte) == sign);
        parts.nth(1).unwrap_or_default()
    }
}

/// Where a finding is, as HL7's errors say it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    segment: String,
    occurrence: usize,
    /// Field, its repetition, component, subcomponent.
    numbers: Vec<usize>,
}

struct Answer {
    delimiters: Delimiters,
    out: Vec<u8>,
}

impl Answer {
    fn head(&mut self, head: &Head<'_>, told: &Told<'_>) {
        let digits = told.at.to_rfc3339();
        let digits = digits.bytes().filter(u8::is_ascii_digit).take(14);
        let time: Vec<u8> = digits.chain(*b"+0000").collect();
        let kind = self.components(&[b"ACK", head.event(), b"ACK"]);
        let signs = self.delimiters.signs();
        let [from, to] = [RECEIVING, SENDING].map(|fields| fields.map(|at| head.field(at)));
        let mut fields: Vec<&[u8]> = vec![&signs];
        fields.extend(from.into_iter().chain(to));
        fields.extend([time.as_slice(), b"", &kind, told.id.as_bytes()]);
        fields.extend([head.field(PROCESSING), head.field(VERSION)]);
        let set = head.field(CHARACTER_SET);
        if !set.is_empty() {
            fields.extend([b"".as_slice(); CHARACTER_SET - VERSION - 1]);
            fields.push(set);
        }
        self.segment(b"MSH", &fields);
    }

    fn error(&mut self, finding: &Finding, place: &Place, old: bool) {
        let severity: &[u8] = if finding.is_error() { b"E" } else { b"W" };
        let (number, text) = error_code(&finding.code);
        let numbers: Vec<String> = std::iter::once(place.occurrence)
            .chain(place.numbers.iter().copied())
            .map(|number| number.to_string())
            .collect();
        let mut parts = vec![place.segment.as_bytes()];
        parts.extend(numbers.iter().map(String::as_bytes));
        if place.segment.is_empty() {
            parts.clear();
        }
        let code = [number.as_bytes(), text.as_bytes(), b"HL70357"];
        if old {
            parts.truncate(3);
            parts.resize(3, b"");
            let code = self.subcomponents(&code);
            parts.push(&code);
            let field = self.components(&parts);
            return self.segment(b"ERR", &[&field]);
        }
        let at = self.components(&parts);
        let code = self.components(&code);
        let own = self.components(&[finding.code.as_bytes()]);
        let path = self.text(&finding.path);
        let said = self.text(&format!("{}; {}", finding.message, finding.fix));
        let fields: [&[u8]; 8] = [b"", &at, &code, severity, &own, b"", &path, &said];
        self.segment(b"ERR", &fields);
    }

    /// A text of our own; nothing in it ends a field.
    fn text(&self, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        super::escape::escape(text, &self.delimiters, &mut out);
        // The sender's character set is not ours to know.
        out.retain(|byte| byte.is_ascii() && !byte.is_ascii_control());
        out
    }

    fn components(&self, parts: &[&[u8]]) -> Vec<u8> {
        parts.join(self.delimiters.component.as_slice())
    }

    fn subcomponents(&self, parts: &[&[u8]]) -> Vec<u8> {
        parts.join(self.delimiters.subcomponent.as_slice())
    }

    fn segment(&mut self, id: &[u8], fields: &[&[u8]]) {
        self.out.extend_from_slice(id);
        for field in fields {
            self.out.push(self.delimiters.field);
            self.out.extend_from_slice(field);
        }
        while self.out.last() == Some(&self.delimiters.field) {
            self.out.pop();
        }
        self.out.push(b'\r');
    }
}

/// Codes of table 0357: the nearest one that is true.
fn error_code(code: &str) -> (&'static str, &'static str) {
    let is = |entries: &[&codes::CodeEntry]| entries.iter().any(|entry| entry.code == code);
    if is(&[&codes::SEGMENT_LATE, &codes::SEGMENT_MISPLACED]) {
        ("100", "Segment sequence error")
    } else if is(&[&codes::SCHEMA_REQUIRED_MISSING]) {
        ("101", "Required field missing")
    } else if is(&[&codes::SCHEMA_CODE_UNKNOWN, &codes::CROSSWALK_CODE_UNKNOWN]) {
        ("103", "Table value not found")
    } else if is(&[&codes::RECORD_TYPE_UNKNOWN]) {
        ("200", "Unsupported message type")
    } else if is(&[
        &codes::SYNTAX_INVALID,
        &codes::ENCODING_INVALID,
        &codes::SCHEMA_TYPE_MISMATCH,
        &codes::SCHEMA_PATTERN_MISMATCH,
        &codes::SCHEMA_VALUE_OUT_OF_RANGE,
        &codes::DATE_IMPOSSIBLE,
    ]) {
        ("102", "Data type error")
    } else {
        ("207", "Application internal error")
    }
}

/// The lines of a text whose lines end with CR, LF or both.
fn lines(message: &[u8]) -> Vec<&[u8]> {
    let (mut out, mut from) = (Vec::new(), 0);
    while let Some((end, next)) = line_end(message, from) {
        out.extend(message.get(from..end));
        from = next;
    }
    out.extend(message.get(from..));
    out
}

/// The place of a finding: from `ORDER[3].OBX[2]-5[2].1` its last segment and the numbers behind;
/// which of its name in the message its line says.
fn place(finding: &Finding, lines: &[&[u8]]) -> Place {
    let (above, below) = match finding.path.split_once('-') {
        Some((above, below)) => (above, Some(below)),
        None => (finding.path.as_str(), None),
    };
    let last = above.rsplit('.').next().unwrap_or_default();
    let (segment, index) = numbered(last);
    if !is_segment(segment.as_bytes()) {
        return Place::default();
    }
    let line = finding.line.and_then(|line| usize::try_from(line).ok());
    let named = |line: &&&[u8]| line.starts_with(segment.as_bytes());
    let occurrence = line.map_or(0, |line| lines.iter().take(line).filter(named).count());
    let mut numbers = Vec::new();
    for (at, step) in below.into_iter().flat_map(|it| it.split('.')).enumerate() {
        let (number, repetition) = numbered(step);
        let Ok(number) = number.parse() else { break };
        numbers.push(number);
        if at == 0 {
            numbers.push(repetition.unwrap_or(1));
        }
    }
    Place {
        segment: segment.to_owned(),
        occurrence: occurrence.max(index.unwrap_or(1)),
        numbers,
    }
}

/// A step and the number in brackets behind it.
fn numbered(step: &str) -> (&str, Option<usize>) {
    let (name, number) = step.split_once('[').unwrap_or((step, ""));
    (name, number.trim_end_matches(']').parse().ok())
}

#[cfg(test)]
mod tests {
    //! Goal: an answer fits what it answers, whatever that says. Method: a message with its own
    //! signs, one of before 2.5, one without a head, and findings in odd places.
    use super::*;

    const NOON: Timestamp = Timestamp(1_790_000_000_000_000);

    fn told(findings: &[Finding], acknowledgment: Acknowledgment) -> Told<'_> {
        let (id, at) = ("k-1", NOON);
        Told {
            acknowledgment,
            findings,
            id,
            at,
        }
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn the_systems_change_places_and_the_control_id_comes_back() {
        let message = b"MSH|^~\\&|EHR|CLINIC|KB|COUNTY|2026||ADT^A04^ADT_A01|42|P|2.5.1\rPID|1\r";
        let answer = text(acknowledge(message, told(&[], Acknowledgment::Accept)));
        assert_eq!(
            answer,
            "MSH|^~\\&|KB|COUNTY|EHR|CLINIC|20260921141320+0000||ACK^A04^ACK|k-1|P|2.5.1\r\
             MSA|AA|42\r"
        );
    }

    #[test]
    fn an_error_says_where_and_ends_no_field() {
        let message = b"MSH#*~\\&#E#C#K#Y#2026##REF*I12#7#P#2.6\nPRD#x\nPRD#y\n";
        let mut finding = Finding::new(&codes::SCHEMA_CODE_UNKNOWN).at("PROVIDER[2].PRD-2[3].1");
        finding.line = Some(3);
        finding.message = String::from("a # and a * and a \u{e9}");
        let findings = [finding];
        let answer = text(acknowledge(message, told(&findings, Acknowledgment::Error)));
        let error = answer.split('\r').nth(2).expect("an error");
        assert!(answer.contains("\rMSA#AE#7\r"), "{answer}");
        let fields: Vec<&str> = error.split('#').collect();
        assert_eq!(fields[2], "PRD*2*2*3*1");
        assert_eq!(fields[3], "103*Table value not found*HL70357");
        assert_eq!((fields[4], fields[5]), ("E", "schema-code-unknown"));
        assert_eq!(fields[7], "PROVIDER[2].PRD-2[3].1");
        assert!(
            fields[8].starts_with("a \\F\\ and a \\S\\ and a ;"),
            "{error}"
        );
        assert_eq!(fields.len(), 9);
    }

    #[test]
    fn before_version_2_5_the_place_is_field_1() {
        let message = b"MSH|^~\\&|E|C|K|Y|2020||ADT^A08|9|P|2.3\rPID|1\r";
        let findings = [Finding::new(&codes::SCHEMA_REQUIRED_MISSING).at("PID-5")];
        let answer = text(acknowledge(message, told(&findings, Acknowledgment::Error)));
        let error = "ERR|PID^1^5^101&Required field missing&HL70357\r";
        assert!(answer.ends_with(error), "{answer}");
    }

    #[test]
    fn what_has_no_head_is_answered_all_the_same() {
        for junk in [&b""[..], b"MSH", b"MSH|||", b"PID|1\r", b"\x0bMSH\rMSH|"] {
            let answer = text(acknowledge(junk, told(&[], Acknowledgment::Reject)));
            assert!(answer.starts_with("MSH|^~\\&|||||2026"), "{answer}");
            assert!(answer.ends_with("MSA|AR\r"), "{answer}");
        }
    }
}
