//! The bytes of one message to a tree.
//!
//! Segments may end with CR, LF or both; the frame of a transport around them is passed over. Stops
//! at what hides the rest (no head, separators that do not separate, a character set or a message
//! nobody reads) and reads on after what does not.

use super::charset::Charset;
use super::escape::{Unread, unescaped};
use super::structure::{Placed, Structure, Trail};
use super::{Delimiters, MessageProfile, PlaceStep, is_segment, place};
use crate::base::Text;
use crate::base::finding::{Finding, Span};
use crate::base::finding_codes::{
    CONTROL_CHARACTER, CodeEntry, ELEMENT_REPEATED, ENCODING_INVALID, ESCAPE_UNREAD,
    MODIFIER_NOT_READ, RECORD_TYPE_UNKNOWN, SEGMENT_LATE, SEGMENT_MISPLACED, SIZE_EXCEEDED,
    SYNTAX_INVALID, WIRE_UNKNOWN_FIELD,
};
use crate::base::limits::{BUNDLE_BYTES_MAX, NODES_MAX};
use crate::format::Parsed;
use crate::format::names::masked;
use crate::format::notes::{Notes, Stop, may_stand};
use crate::format::tree::{Node, Value};
use crate::format::xml::Layout;
use compact_str::format_compact;

/// Segments that head a message, a batch or a file, and those that end a batch or a file.
pub(in crate::format) const HEADS: [&[u8; 3]; 5] = [b"MSH", b"BHS", b"FHS", b"BTS", b"FTS"];
/// Which field of the head is what, counted as HL7 counts.
const MESSAGE_TYPE: usize = 9;
const CHARACTER_SET: usize = 18;
/// What a transport puts around a message.
const FRAME: [u8; 2] = [0x0B, 0x1C];

/// Where the line that begins at `from` ends, and where the next begins.
pub(in crate::format) fn line_end(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let rest = bytes.get(from..)?;
    let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let both = rest
        .get(end..)
        .is_some_and(|tail| tail.starts_with(b"\r\n"));
    Some((from + end, from + end + if both { 2 } else { 1 }))
}

/// The name of a line that heads or ends a message, a batch or a file.
pub(in crate::format) fn head_of(line: &[u8]) -> Option<&'static [u8; 3]> {
    let name = unframed(line).1.get(..3)?;
    let follows = unframed(line).1.get(3);
    let apart = follows.is_none_or(u8::is_ascii_punctuation);
    HEADS
        .into_iter()
        .find(|head| name == head.as_slice() && apart)
}

/// Whether a text begins with the head of a message, a batch or a file.
pub fn begins(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    head_of(head.trim_ascii_start()).is_some()
}

/// A line without the frame of a transport, and how many bytes stood before it.
fn unframed(line: &[u8]) -> (usize, &[u8]) {
    let framing = |byte: &&u8| FRAME.contains(*byte);
    let before = line.iter().take_while(framing).count();
    let rest = line.get(before..).unwrap_or_default();
    let behind = rest.iter().rev().take_while(framing).count();
    (before, rest.get(..rest.len() - behind).unwrap_or_default())
}

/// Reads one message. Spans count from the first byte given.
pub fn parse(bytes: &[u8], profile: &MessageProfile) -> Parsed {
    let mut notes = Notes::default();
    if bytes.len() > BUNDLE_BYTES_MAX {
        notes.add(&SIZE_EXCEEDED, String::new(), Span::new(0, 0));
        return notes.finish(None);
    }
    match Reader::open(bytes, profile, &mut notes) {
        Ok((mut reader, lines)) => {
            let tree = reader.message(&lines);
            reader.notes.finish(Some(tree))
        }
        Err(Stop) => notes.finish(None),
    }
}

/// A line that is not blank: where it starts, and what it says.
type Line<'b> = (usize, &'b [u8]);

fn lines(bytes: &[u8]) -> Vec<Line<'_>> {
    let mut out = Vec::new();
    let mut from = if bytes.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    while from < bytes.len() {
        let (end, next) = line_end(bytes, from).unwrap_or((bytes.len(), bytes.len()));
        let (before, line) = unframed(bytes.get(from..end).unwrap_or_default());
        if !line.trim_ascii().is_empty() {
            out.push((from + before, line));
        }
        from = next;
    }
    out
}

/// Pieces between separators, each with where it starts.
fn split(bytes: &[u8], start: usize, sign: Option<u8>) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = start;
    bytes
        .split(move |byte| Some(*byte) == sign)
        .map(move |piece| {
            let from = at;
            at += piece.len() + 1;
            (from, piece)
        })
}

/// Where in a segment the reader is, counted from 1; 0 is not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spot {
    field: usize,
    repetition: usize,
    parts: [usize; 2],
}

struct Reader<'p> {
    delimiters: Delimiters,
    charset: Charset,
    profile: &'p MessageProfile,
    structure: Structure<'p>,
    /// The segment being read, from the message downwards.
    trail: Trail,
    spot: Spot,
    /// What has been told of a place once: segment, place, code.
    told: Vec<(Text, Spot, &'static str)>,
    notes: Notes,
}

impl<'p> Reader<'p> {
    /// Reads the head of a message.
    fn open<'b>(
        bytes: &'b [u8],
        profile: &'p MessageProfile,
        notes: &mut Notes,
    ) -> Result<(Reader<'p>, Vec<Line<'b>>), Stop> {
        let lines = lines(bytes);
        let (start, head) = lines.first().copied().unwrap_or_default();
        let whole = Span::new(start, start + head.len());
        let [message, ..] = HEADS;
        if !head.starts_with(message) {
            let said = "a message begins with its head segment";
            let finding = Finding::new(&SYNTAX_INVALID).saying(said).spanning(whole);
            return Err(notes.stop_with(finding));
        }
        let name = String::from_utf8_lossy(message);
        let stop = |notes: &mut Notes, code, field, span, said: &str| {
            let finding = Finding::new(code).at(format!("{name}-{field}"));
            notes.stop_with(finding.spanning(span).saying(said))
        };
        let Some(delimiters) = Delimiters::read(head) else {
            let said = "the separators are not four different punctuation marks";
            return Err(stop(notes, &SYNTAX_INVALID, 2, whole, said));
        };
        let signs = delimiters.signs();
        let apart = |byte: &&u8| **byte == delimiters.field || signs.contains(*byte);
        if bytes.iter().filter(apart).count() + lines.len() > NODES_MAX {
            notes.add(&SIZE_EXCEEDED, String::new(), Span::new(0, 0));
            return Err(Stop);
        }
        // The separator itself is the first field.
        let field = |number: usize| {
            let mut fields = split(head, start, Some(delimiters.field));
            fields.nth(number.saturating_sub(1)).unwrap_or((start, b""))
        };
        let first = |piece: (usize, &'b [u8]), sign| {
            let (from, text) = split(piece.1, piece.0, sign).next().unwrap_or(piece);
            (Span::new(from, from + text.len()), text)
        };
        let (span, set) = first(field(CHARACTER_SET), delimiters.repetition);
        let Some(charset) = Charset::named(set) else {
            let said = "the declared character set is not read; send UNICODE UTF-8 or 8859/1";
            return Err(stop(notes, &ENCODING_INVALID, CHARACTER_SET, span, said));
        };
        let told = field(MESSAGE_TYPE);
        let Some((structure, layout)) = structure_of(told.1, &delimiters, profile) else {
            let span = Span::new(told.0, told.0 + told.1.len());
            let said = "this message or event is none the format knows";
            return Err(stop(notes, &RECORD_TYPE_UNKNOWN, MESSAGE_TYPE, span, said));
        };
        let reader = Reader {
            delimiters,
            charset,
            profile,
            structure: Structure::new(structure, layout),
            trail: Vec::new(),
            spot: Spot::default(),
            told: Vec::new(),
            notes: Notes::default(),
        };
        Ok((reader, lines))
    }

    /// All segments; gives the document.
    fn message(&mut self, lines: &[Line<'_>]) -> Node {
        for (at, (start, line)) in lines.iter().enumerate() {
            self.line(at, *start, line);
        }
        let blank = Structure::new(&Text::default(), self.structure.layout());
        let structure = std::mem::replace(&mut self.structure, blank);
        let name = structure.name();
        let message = structure.finish();
        let span = message.span;
        let value = Value::Object(vec![(name, message)]);
        Node { value, span }
    }

    fn line(&mut self, at: usize, start: usize, line: &[u8]) {
        let span = Span::new(start, start + line.len());
        let id = line.get(..3).filter(|id| is_segment(id));
        let apart = line
            .get(3)
            .is_none_or(|byte| *byte == self.delimiters.field);
        let id = id
            .filter(|_| apart)
            .and_then(|id| std::str::from_utf8(id).ok());
        let Some(id) = id else {
            let said = "the line begins with no name of a segment";
            let fix = "a line break inside a field is written \\.br\\";
            let finding = Finding::new(&SYNTAX_INVALID).at(format!("segment {}", at + 1));
            self.notes
                .push(finding.spanning(span).saying(said).fixed_by(fix));
            return;
        };
        self.spot = Spot::default();
        if self.profile.anywhere.iter().any(|it| it == id)
            && let Some((layout, trail)) = self.structure.at_top(id)
        {
            self.trail = trail;
            let node = self.segment(id, (start, line), layout);
            return self.structure.add_at_top(id.into(), node);
        }
        let entered = self.structure.enter(id);
        self.trail = self.structure.trail(id);
        match entered {
            Placed::There(layout) => {
                let node = self.segment(id, (start, line), layout);
                self.structure.add(id.into(), node);
            }
            Placed::Late(layout) => {
                self.tell(&SEGMENT_LATE, span);
                let node = self.segment(id, (start, line), layout);
                self.structure.add(id.into(), node);
            }
            Placed::Twice => self.tell(&ELEMENT_REPEATED, span),
            Placed::Nowhere => self.tell(&SEGMENT_MISPLACED, span),
            Placed::Unknown if self.restricts(id, (start, line)) => {
                self.tell(&MODIFIER_NOT_READ, span);
            }
            Placed::Unknown => {
                // The name is kept for a schema to tell of, unless it may be a value.
                let known = self.profile.names.shows(id);
                let name = if known { id.into() } else { masked(at) };
                let value = Value::Object(Vec::new());
                self.structure.add_outside(name, Node { value, span });
            }
        }
    }

    /// Whether a segment that has no place has anything that must not be passed over.
    fn restricts(&self, id: &str, (start, line): Line<'_>) -> bool {
        let fields = split(line, start, Some(self.delimiters.field)).enumerate();
        let mut filled = fields
            .skip(1)
            .filter(|(_, (_, field))| self.is_filled(field));
        filled.any(|(number, _)| {
            let place = format_compact!("{id}.{number}");
            let mut known = self.profile.restricting.iter();
            known.any(|it| it == id || *it == place)
        })
    }

    fn segment(&mut self, id: &str, (start, line): Line<'_>, layout: &Layout) -> Node {
        let [message, ..] = HEADS;
        let is_head = id.as_bytes() == message;
        let mut members = Vec::new();
        for (at, (from, bytes)) in split(line, start, Some(self.delimiters.field)).enumerate() {
            // In the head the separator itself is field 1, and the other signs are field 2.
            let number = if is_head { at + 1 } else { at };
            if at == 0 || bytes.is_empty() {
                continue;
            }
            let name = format_compact!("{number}");
            let span = Span::new(from, from + bytes.len());
            if is_head && number == 2 {
                members.extend(self.separators(layout, span));
                continue;
            }
            self.spot = Spot {
                field: number,
                ..Spot::default()
            };
            let node = match layout.children.get(&name) {
                Some(inner) => self.field((from, bytes), inner),
                None => self.beside(bytes, span),
            };
            members.extend(node.map(|node| (name, node)));
        }
        let value = Value::Object(members);
        let span = Span::new(start, start + line.len());
        Node { value, span }
    }

    /// The separators as fields, where the schema asks for them.
    fn separators(&self, layout: &Layout, span: Span) -> Vec<(Text, Node)> {
        let field = Text::from(char::from(self.delimiters.field).to_string());
        let signs = self
            .delimiters
            .signs()
            .into_iter()
            .map(char::from)
            .collect();
        let before = Span {
            start: span.start.saturating_sub(1),
            end: span.start,
        };
        let both = [("1", field, before), ("2", signs, span)];
        let asked = both
            .into_iter()
            .filter(|(name, ..)| layout.children.contains_key(*name));
        asked
            .map(|(name, text, span)| {
                let value = Value::String(text);
                (name.into(), Node { value, span })
            })
            .collect()
    }

    fn field(&mut self, (start, bytes): Line<'_>, layout: &Layout) -> Option<Node> {
        let span = Span::new(start, start + bytes.len());
        let mut pieces = split(bytes, start, self.delimiters.repetition);
        if !layout.array {
            let first = pieces.next()?;
            if pieces.any(|(_, more)| self.is_filled(more)) {
                self.tell(&ELEMENT_REPEATED, span);
            }
            return self.part(first, layout, 0);
        }
        let mut items: Vec<Node> = Vec::new();
        for (at, piece) in pieces.enumerate() {
            self.spot.repetition = at + 1;
            self.spot.parts = [0, 0];
            let node = self.part(piece, layout, 0);
            // An empty repetition keeps its place among those with parts.
            let empty = || unread(Span::new(piece.0, piece.0 + piece.1.len()));
            let keeps = !layout.children.is_empty();
            items.extend(node.or_else(|| keeps.then(empty)));
        }
        while items.last().is_some_and(Node::is_empty_container) {
            items.pop();
        }
        let value = Value::Array(items);
        let node = Node { value, span };
        (!node.is_empty_container()).then_some(node)
    }

    /// A repetition (level 0), a component (1) or a subcomponent (2).
    fn part(&mut self, piece: Line<'_>, layout: &Layout, level: usize) -> Option<Node> {
        let (start, bytes) = piece;
        if layout.children.is_empty() {
            return self.first_leaf(piece, level);
        }
        let mut members = Vec::new();
        for (at, piece) in split(bytes, start, self.sign(level)).enumerate() {
            let (from, bytes) = piece;
            self.step(level, at + 1);
            let name = format_compact!("{}", at + 1);
            let node = match layout.children.get(&name) {
                Some(inner) => self.part(piece, inner, level + 1),
                None => self.beside(bytes, Span::new(from, from + bytes.len())),
            };
            members.extend(node.map(|node| (name, node)));
        }
        self.step(level, 0);
        let span = Span::new(start, start + bytes.len());
        let value = Value::Object(members);
        let node = Node { value, span };
        (!node.is_empty_container()).then_some(node)
    }

    /// The first of the parts where the schema knows none; the others are told.
    fn first_leaf(&mut self, piece: Line<'_>, level: usize) -> Option<Node> {
        let mut first = piece;
        for level in level..2 {
            let (start, bytes) = first;
            let mut pieces = split(bytes, start, self.sign(level)).enumerate();
            first = pieces.next().map_or(first, |(_, piece)| piece);
            let more = pieces.find(|(_, (_, more))| self.is_filled(more));
            if let Some((at, (from, more))) = more {
                self.step(level, at + 1);
                let code = match self.is_whole() {
                    true => &MODIFIER_NOT_READ,
                    false => &WIRE_UNKNOWN_FIELD,
                };
                self.tell_once(code, Span::new(from, from + more.len()));
                self.step(level, 0);
            }
        }
        self.leaf(first)
    }

    /// What stands where no schema has a place: kept for a schema to tell of, or told where nothing
    /// may be left unread.
    fn beside(&mut self, bytes: &[u8], span: Span) -> Option<Node> {
        let filled = self.is_filled(bytes);
        if filled && self.is_whole() {
            self.tell_once(&MODIFIER_NOT_READ, span);
            return None;
        }
        filled.then(|| unread(span))
    }

    /// Whether nothing may be left unread where the reader is.
    fn is_whole(&self) -> bool {
        let Some((segment, _)) = self.trail.last() else {
            return false;
        };
        let field = format_compact!("{segment}.{}", self.spot.field);
        let component = format_compact!("{field}.{}", self.spot.parts[0]);
        let mut whole = self.profile.whole.iter();
        whole.any(|place| place == segment || *place == field || *place == component)
    }

    fn leaf(&mut self, (start, bytes): Line<'_>) -> Option<Node> {
        // Two quotes say that there is no value.
        if bytes.is_empty() || bytes == b"\"\"" {
            return None;
        }
        let span = Span::new(start, start + bytes.len());
        let (bytes, missed) = unescaped(bytes, &self.delimiters);
        match missed {
            Some(Unread::Charset) => self.tell(&ENCODING_INVALID, span),
            Some(_) => self.tell_once(&ESCAPE_UNREAD, span),
            None => {}
        }
        let Some(text) = self.charset.text(&bytes) else {
            let said = "the text is not in the character set the message declares";
            let fix = "declare the character set of the text in the head of the message";
            let finding = Finding::new(&ENCODING_INVALID)
                .at(self.path())
                .spanning(span);
            self.notes.push(finding.saying(said).fixed_by(fix));
            return None;
        };
        if !text.chars().all(may_stand) {
            self.tell(&CONTROL_CHARACTER, span);
            return None;
        }
        let value = Value::String(text);
        Some(Node { value, span })
    }

    fn sign(&self, level: usize) -> Option<u8> {
        match level {
            0 => self.delimiters.component,
            1 => self.delimiters.subcomponent,
            _ => None,
        }
    }

    fn step(&mut self, level: usize, at: usize) {
        if let Some(part) = self.spot.parts.get_mut(level) {
            *part = at;
        }
    }

    /// Whether there is more than separators.
    fn is_filled(&self, bytes: &[u8]) -> bool {
        let signs = [
            self.delimiters.component,
            self.delimiters.subcomponent,
            self.delimiters.repetition,
        ];
        bytes.iter().any(|byte| !signs.contains(&Some(*byte)))
    }

    fn path(&self) -> String {
        let number = |number: usize| format_compact!("{number}");
        let [component, subcomponent] = self.spot.parts;
        let numbers = [self.spot.field, component, subcomponent].map(number);
        let mut steps = Vec::new();
        for (name, item) in &self.trail {
            steps.push(PlaceStep::Name(name));
            steps.extend(item.map(PlaceStep::Item));
        }
        for (at, name) in numbers.iter().enumerate().filter(|(_, name)| *name != "0") {
            steps.push(PlaceStep::Name(name));
            let repetition = self.spot.repetition.checked_sub(1).filter(|_| at == 0);
            steps.extend(repetition.map(PlaceStep::Item));
        }
        place(steps.into_iter())
    }

    fn tell(&mut self, code: &'static CodeEntry, span: Span) {
        let path = self.path();
        self.notes.add(code, path, span);
    }

    /// Tells something of a field once, however often it repeats.
    fn tell_once(&mut self, code: &'static CodeEntry, span: Span) {
        let id = self.trail.last().map(|(id, _)| id.clone());
        let spot = Spot {
            repetition: 0,
            ..self.spot
        };
        let key = (id.unwrap_or_default(), spot, code.code);
        if !self.told.contains(&key) {
            self.told.push(key);
            self.tell(code, span);
        }
    }
}

/// What stands where no schema has a place.
fn unread(span: Span) -> Node {
    let value = Value::Object(Vec::new());
    Node { value, span }
}

/// The structure of a message by its type field.
fn structure_of<'p>(
    told: &[u8],
    delimiters: &Delimiters,
    profile: &'p MessageProfile,
) -> Option<(&'p Text, &'p Layout)> {
    let mut parts = split(told, 0, delimiters.component).map(|(_, part)| part);
    let code = std::str::from_utf8(parts.next()?).ok()?;
    let event = std::str::from_utf8(parts.next().unwrap_or_default()).ok()?;
    let both = format_compact!("{code}^{event}");
    let found = profile.messages.get(&both);
    let name = found.or_else(|| profile.messages.get(code))?;
    profile.structures.get_key_value(name)
}
