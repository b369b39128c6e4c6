//! XML by events, without expanding or fetching anything: what every tree of XML is built from.
//!
//! Holds all that makes a document safe to read: its encoding, its form, namespaces and limits. It
//! stops at what hides the rest and knows nothing of what the elements mean; whoever builds the
//! tree does.

use super::names::{BINDINGS_MAX, Scope, is_name};
use crate::base::Text;
use crate::base::finding::Span;
use crate::base::finding_codes::{
    CONTROL_CHARACTER, CodeEntry, DEPTH_EXCEEDED, DOCTYPE_REFUSED, ENCODING_INVALID, SIZE_EXCEEDED,
    SYNTAX_INVALID,
};
use crate::base::limits::{ATTRIBUTES_MAX, BUNDLE_BYTES_MAX, DEPTH_MAX, NODES_MAX};
use crate::format::Parsed;
use crate::format::notes::{Notes, Stop, bad_utf8, may_stand};
use crate::format::tree::Node;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::reader::Reader;

/// What makes a tree of the events of one document.
pub(super) trait Build {
    /// An element of that name begins at a byte; the error says why it may not stand there.
    fn open(&mut self, name: Text, start: usize) -> Result<(), &'static CodeEntry>;
    /// The element that was opened last has this attribute.
    fn attribute(&mut self, name: Text, value: Text, span: Span, notes: &mut Notes);
    /// The open element has this text, whole or a piece of it.
    fn text(&mut self, text: &str, span: Span, notes: &mut Notes);
    /// The open element ends before a byte. `document` is all of it.
    fn close(&mut self, end: usize, document: &str, notes: &mut Notes);
    /// The place of the open element, as its findings name it.
    fn path(&self) -> String;
    /// The tree, once the document element has ended.
    fn finish(self) -> Option<Node>;
}

/// Reads one XML document. Spans count from the first byte given.
pub(super) fn read<B: Build>(bytes: &[u8], namespaces: &[(Text, Text)], builder: B) -> Parsed {
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
    let mut events = Events {
        builder,
        document: text,
        text: body,
        skipped: text.len() - body.len(),
        from: 0,
        to: 0,
        nodes: 0,
        depth: 0,
        begun: false,
        scope: Scope::new(namespaces),
        marks: Vec::new(),
        notes,
    };
    let read = events.document();
    let tree = read.ok().and_then(|()| events.builder.finish());
    events.notes.finish(tree)
}

struct Events<'a, 'p, B> {
    builder: B,
    /// All of it, and without a byte order mark.
    document: &'a str,
    text: &'a str,
    /// Bytes before the text: a byte order mark.
    skipped: usize,
    /// The event being read.
    from: usize,
    to: usize,
    nodes: usize,
    depth: usize,
    /// Whether the document element has begun.
    begun: bool,
    scope: Scope<'p>,
    /// Bindings that held before each open element.
    marks: Vec<usize>,
    notes: Notes,
}

impl<B: Build> Events<'_, '_, B> {
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
                Ok(Event::CData(text)) if self.depth > 0 => {
                    self.characters(&text.xml10_content())?;
                }
                Ok(Event::GeneralRef(reference)) if self.depth > 0 => {
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
                Ok(Event::Eof) if self.depth == 0 && self.begun => return Ok(()),
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
        let (path, span) = (self.builder.path(), self.span());
        self.notes.stop(code, path, span)
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
        if self.depth >= DEPTH_MAX {
            return Err(self.stop(&DEPTH_EXCEEDED));
        }
        let mark = self.scope.mark();
        let attributes = self.attributes(start)?;
        let raw = start.name();
        let name = Some(raw.as_ref())
            .filter(|name| is_name(name))
            .and_then(|name| self.scope.element(name));
        let Some(name) = name.filter(|_| self.depth > 0 || !self.begun) else {
            return Err(self.stop(&SYNTAX_INVALID));
        };
        let start = self.from + self.skipped;
        if let Err(code) = self.builder.open(name, start) {
            return Err(self.stop(code));
        }
        self.begun = true;
        self.depth += 1;
        self.marks.push(mark);
        for (name, value, span) in attributes {
            self.count()?;
            let Some(name) = self.scope.attribute(&name) else {
                return Err(self.stop(&SYNTAX_INVALID));
            };
            self.builder.attribute(name, value, span, &mut self.notes);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(mark) = self.marks.pop() else {
            return Err(self.stop(&SYNTAX_INVALID));
        };
        self.scope.leave(mark);
        self.depth = self.depth.saturating_sub(1);
        let end = self.to + self.skipped;
        self.builder.close(end, self.document, &mut self.notes);
        Ok(())
    }

    fn characters(&mut self, text: &str) -> Result<(), Stop> {
        self.allowed(text)?;
        if self.depth > 0 {
            let span = self.span();
            self.builder.text(text, span, &mut self.notes);
            return Ok(());
        }
        match text.chars().all(|c| c.is_ascii_whitespace()) {
            true => Ok(()),
            false => Err(self.stop(&SYNTAX_INVALID)),
        }
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
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
