//! XML bytes to tree, by events, without expanding or fetching anything.
//!
//! Stops at what hides the rest (syntax, a document type, limits) and reads on after what does not
//! (an element or attribute that stands twice).

use super::names::{BINDINGS_MAX, Scope, is_name};
use super::{Layout, XmlProfile};
use crate::base::Text;
use crate::base::finding::Span;
use crate::base::finding_codes::{
    CONTROL_CHARACTER, CodeEntry, DEPTH_EXCEEDED, DOCTYPE_REFUSED, DUPLICATE_KEY, ELEMENT_REPEATED,
    ENCODING_INVALID, SIZE_EXCEEDED, SYNTAX_INVALID, XML_ROOT_UNEXPECTED,
};
use crate::base::limits::{ATTRIBUTES_MAX, BUNDLE_BYTES_MAX, DEPTH_MAX, NODES_MAX};
use crate::format::Parsed;
use crate::format::names::masked;
use crate::format::notes::{Notes, Stop, bad_utf8, may_stand};
use crate::format::tree::{Node, Value};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::reader::Reader;
use std::collections::HashMap;

/// Elements with more members than this find them by hash.
const SCANNED_NAMES_MAX: usize = 24;

/// Reads one XML document. Spans count from the first byte given.
pub fn parse(bytes: &[u8], profile: &XmlProfile) -> Parsed {
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
    let body = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut parser = Parser {
        profile,
        text: body,
        skipped: text.len() - body.len(),
        from: 0,
        to: 0,
        nodes: 0,
        scope: Scope::new(profile),
        frames: Vec::new(),
        root: None,
        notes,
    };
    let tree = parser.document().ok().and(parser.root.take());
    parser.notes.finish(tree)
}

/// An element that is open.
struct Frame<'p> {
    name: Text,
    /// As shown in a path.
    shown: Text,
    /// Which of its name among its siblings, from 1, where it may repeat.
    ordinal: Option<usize>,
    start: usize,
    mark: usize,
    layout: Option<&'p Layout>,
    members: Vec<(Text, Node)>,
    /// Members that are attributes; they stand first.
    attributes: usize,
    places: HashMap<Text, usize>,
    text: String,
    text_span: Option<(usize, usize)>,
    has_children: bool,
}

impl Frame<'_> {
    fn place(&self, name: &str) -> Option<usize> {
        if self.members.len() < SCANNED_NAMES_MAX {
            return self.members.iter().position(|(known, _)| known == name);
        }
        self.places.get(name).copied()
    }

    /// What stands for an unknown name that is member `at`.
    fn ordinal_of(&self, name: &str, at: usize) -> Text {
        if name.starts_with('@') {
            compact_str::format_compact!("@{}", masked(at))
        } else {
            masked(at.saturating_sub(self.attributes))
        }
    }

    fn add(&mut self, name: Text, node: Node) {
        self.members.push((name, node));
        if self.members.len() >= SCANNED_NAMES_MAX {
            let known = self.places.len();
            let fresh = self.members.iter().enumerate().skip(known);
            self.places
                .extend(fresh.map(|(at, (name, _))| (name.clone(), at)));
        }
    }
}

struct Parser<'a, 'p> {
    profile: &'p XmlProfile,
    text: &'a str,
    /// Bytes before the text: a byte order mark.
    skipped: usize,
    /// The event being read.
    from: usize,
    to: usize,
    nodes: usize,
    scope: Scope<'p>,
    frames: Vec<Frame<'p>>,
    root: Option<Node>,
    notes: Notes,
}

impl<'a, 'p> Parser<'a, 'p> {
    fn document(&mut self) -> Result<(), Stop> {
        let mut reader = Reader::from_str(self.text);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        loop {
            self.from = position(reader.buffer_position());
            let event = reader.read_event();
            self.to = position(reader.buffer_position());
            match event {
                Ok(Event::Start(start)) => self.start(&start)?,
                Ok(Event::End(_)) => self.end()?,
                Ok(Event::Text(text)) => {
                    if text.contains("]]>") {
                        return Err(self.stop(&SYNTAX_INVALID));
                    }
                    self.characters(&text.xml10_content())?;
                }
                Ok(Event::CData(text)) if !self.frames.is_empty() => {
                    self.characters(&text.xml10_content())?;
                }
                Ok(Event::GeneralRef(reference)) if !self.frames.is_empty() => {
                    let c = reference.resolve_char_ref();
                    match (c, resolve_predefined_entity(&reference)) {
                        (Ok(Some(c)), _) => self.characters(c.encode_utf8(&mut [0; 4]))?,
                        (Ok(None), Some(text)) => self.characters(text)?,
                        _ => return Err(self.stop(&SYNTAX_INVALID)),
                    }
                }
                Ok(Event::Decl(declaration)) => self.declaration(&declaration)?,
                Ok(Event::DocType(_)) => return Err(self.stop(&DOCTYPE_REFUSED)),
                Ok(Event::Comment(_)) => {}
                Ok(Event::PI(pi)) if !pi.target().eq_ignore_ascii_case("xml") => {}
                Ok(Event::Eof) if self.frames.is_empty() && self.root.is_some() => return Ok(()),
                Err(_) => {
                    self.from = position(reader.error_position()).max(self.from);
                    return Err(self.stop(&SYNTAX_INVALID));
                }
                Ok(_) => return Err(self.stop(&SYNTAX_INVALID)),
            }
        }
    }

    fn span(&self) -> Span {
        Span::new(self.from + self.skipped, self.to + self.skipped)
    }

    fn stop(&mut self, code: &'static CodeEntry) -> Stop {
        let (path, span) = (self.path(""), self.span());
        self.notes.stop(code, path, span)
    }

    /// How a child or attribute of the open element is shown: by its name, or by its ordinal among
    /// the elements or the attributes.
    fn shown(&self, name: &str) -> Text {
        let Some(frame) = self.frames.last() else {
            return name.into();
        };
        if self.profile.names.shows(name) {
            return name.into();
        }
        frame.ordinal_of(name, frame.place(name).unwrap_or(frame.members.len()))
    }

    /// Replaces the names of a whole element that may not be shown.
    fn mask(&self, frame: &mut Frame<'_>) {
        for at in 0..frame.members.len() {
            let name = frame.members.get(at).map(|(name, _)| name);
            let strange = name.filter(|name| *name != "$" && !self.profile.names.shows(name));
            let Some(shown) = strange.map(|name| frame.ordinal_of(name, at)) else {
                continue;
            };
            if let Some((name, _)) = frame.members.get_mut(at) {
                *name = shown;
            }
        }
    }

    /// The path of the open element, in XML notation, with one more step.
    fn path(&self, step: &str) -> String {
        let mut path = String::new();
        for frame in &self.frames {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(&frame.shown);
            if let Some(ordinal) = frame.ordinal {
                path.push_str(&format!("[{ordinal}]"));
            }
        }
        if !step.is_empty() {
            path.push('/');
            path.push_str(step);
        }
        path
    }

    fn declaration(&mut self, declaration: &BytesDecl<'_>) -> Result<(), Stop> {
        let version = declaration.version();
        if self.from != 0 || !matches!(version.as_deref(), Ok("1.0")) {
            return Err(self.stop(&SYNTAX_INVALID));
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
            Some(Ok(name)) if name.eq_ignore_ascii_case("us-ascii") => Ok(()),
            Some(_) => Err(self.stop(&ENCODING_INVALID)),
        }
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(self.stop(&SIZE_EXCEEDED));
        }
        Ok(())
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Stop> {
        self.count()?;
        if self.frames.len() >= DEPTH_MAX {
            return Err(self.stop(&DEPTH_EXCEEDED));
        }
        let mark = self.scope.mark();
        let attributes = self.attributes(start)?;
        let raw = start.name();
        let name = Some(raw.as_ref())
            .filter(|name| is_name(name))
            .and_then(|name| self.scope.element(name));
        let Some(name) = name else {
            return Err(self.stop(&SYNTAX_INVALID));
        };
        let frame = self.frame(name, mark)?;
        self.frames.push(frame);
        for (name, value, span) in attributes {
            self.attribute(&name, value, span)?;
        }
        Ok(())
    }

    fn frame(&mut self, name: Text, mark: usize) -> Result<Frame<'p>, Stop> {
        let shown = self.shown(&name);
        let (layout, ordinal) = match self.frames.last_mut() {
            Some(parent) => {
                parent.has_children = true;
                let layout = parent.layout.and_then(|l| l.children.get(&name));
                let before = parent.place(&name).and_then(|at| parent.members.get(at));
                let ordinal = match before.map(|(_, node)| &node.value) {
                    Some(Value::Array(items)) => Some(items.len() + 1),
                    Some(_) => Some(2),
                    None => layout.filter(|layout| layout.array).map(|_| 1),
                };
                (layout, ordinal)
            }
            None if self.root.is_some() => return Err(self.stop(&SYNTAX_INVALID)),
            None if name == self.profile.root => (Some(&self.profile.layout), None),
            None => return Err(self.stop(&XML_ROOT_UNEXPECTED)),
        };
        Ok(Frame {
            name,
            shown,
            ordinal,
            start: self.from,
            mark,
            layout,
            members: Vec::new(),
            attributes: 0,
            places: HashMap::new(),
            text: String::new(),
            text_span: None,
            has_children: false,
        })
    }

    /// Raw name, value and place of every attribute that is no declaration; declarations are bound.
    fn attributes(&mut self, start: &BytesStart<'_>) -> Result<Vec<(String, Text, Span)>, Stop> {
        let mut found = Vec::new();
        for (count, attribute) in start.attributes().enumerate() {
            let Ok(attribute) = attribute else {
                return Err(self.stop(&SYNTAX_INVALID));
            };
            if count >= ATTRIBUTES_MAX {
                return Err(self.stop(&SIZE_EXCEEDED));
            }
            let name = attribute.key.as_ref();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let (Ok(value), true) = (value, is_name(name) && !attribute.value.contains('<')) else {
                return Err(self.stop(&SYNTAX_INVALID));
            };
            let prefix = match name.split_once(':') {
                Some(("xmlns", prefix)) => Some(prefix),
                None if name == "xmlns" => Some(""),
                _ => None,
            };
            match prefix {
                Some(prefix) => self.bind(prefix, &value)?,
                None => {
                    self.allowed(&value)?;
                    let span = self.value_span(&attribute.value);
                    found.push((name.to_owned(), Text::from(value.as_ref()), span));
                }
            }
        }
        Ok(found)
    }

    fn bind(&mut self, prefix: &str, uri: &str) -> Result<(), Stop> {
        if self.scope.bind(prefix, uri) {
            return Ok(());
        }
        let full = self.scope.mark() >= BINDINGS_MAX;
        Err(self.stop(if full {
            &SIZE_EXCEEDED
        } else {
            &SYNTAX_INVALID
        }))
    }

    fn allowed(&mut self, text: &str) -> Result<(), Stop> {
        if text.chars().all(may_stand) {
            return Ok(());
        }
        Err(self.stop(&CONTROL_CHARACTER))
    }

    /// Where a value borrowed from the document stands.
    fn value_span(&self, value: &str) -> Span {
        let offset = (value.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        match offset.filter(|at| at + value.len() <= self.text.len()) {
            Some(at) => Span::new(at + self.skipped, at + value.len() + self.skipped),
            None => self.span(),
        }
    }

    fn attribute(&mut self, name: &str, value: Text, span: Span) -> Result<(), Stop> {
        self.count()?;
        let Some(name) = self.scope.attribute(name) else {
            return Err(self.stop(&SYNTAX_INVALID));
        };
        let name = compact_str::format_compact!("@{name}");
        let path = self.path(&self.shown(&name));
        if let Some(frame) = self.frames.last_mut() {
            if frame.place(&name).is_some() {
                self.notes.add(&DUPLICATE_KEY, path, span);
            } else {
                let value = Value::String(value);
                frame.add(name, Node { value, span });
                frame.attributes += 1;
            }
        }
        Ok(())
    }

    fn characters(&mut self, text: &str) -> Result<(), Stop> {
        self.allowed(text)?;
        let (from, to) = (self.from, self.to);
        match self.frames.last_mut() {
            Some(frame) => {
                frame.text.push_str(text);
                let start = frame.text_span.map_or(from, |(start, _)| start);
                frame.text_span = Some((start, to));
                Ok(())
            }
            None if text.chars().all(|c| c.is_ascii_whitespace()) => Ok(()),
            None => Err(self.stop(&SYNTAX_INVALID)),
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(mut frame) = self.frames.pop() else {
            return Err(self.stop(&SYNTAX_INVALID));
        };
        self.scope.leave(frame.mark);
        let blank = frame.text.chars().all(|c| c.is_ascii_whitespace());
        let meant = !frame.has_children && frame.layout.is_some_and(|layout| layout.text);
        if let Some((start, end)) = frame.text_span.filter(|_| meant || !blank) {
            let value = Value::String(frame.text.as_str().into());
            let span = Span::new(start + self.skipped, end + self.skipped);
            frame.add("$".into(), Node { value, span });
        }
        self.mask(&mut frame);
        let node = Node {
            value: Value::Object(frame.members),
            span: Span::new(frame.start + self.skipped, self.to + self.skipped),
        };
        let array = frame.layout.is_some_and(|layout| layout.array);
        let known = frame.layout.is_some();
        match self.frames.last_mut() {
            None => self.root = Some(node),
            Some(parent) => {
                if join(parent, frame.name, node, (array, known)) {
                    let path = self.path(&frame.shown);
                    let span = Span::new(frame.start + self.skipped, self.to + self.skipped);
                    self.notes.add(&ELEMENT_REPEATED, path, span);
                }
            }
        }
        Ok(())
    }
}

/// Puts a child into its parent; true when it stands again where it may stand once.
fn join(parent: &mut Frame<'_>, name: Text, node: Node, (array, known): (bool, bool)) -> bool {
    let span = node.span;
    let place = parent.place(&name);
    match place.and_then(|at| parent.members.get_mut(at)) {
        None if array => {
            let value = Value::Array(vec![node]);
            parent.add(name, Node { value, span });
        }
        None => parent.add(name, node),
        Some((_, present)) => {
            if known && !array {
                return true;
            }
            present.span.end = span.end;
            if let Value::Array(items) = &mut present.value {
                items.push(node);
            } else {
                let first = std::mem::take(present);
                present.span = Span {
                    start: first.span.start,
                    end: span.end,
                };
                present.value = Value::Array(vec![first, node]);
            }
        }
    }
    false
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
