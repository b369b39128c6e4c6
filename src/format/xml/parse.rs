//! XML to the tree of its elements and attributes.
//!
//! Reads on after what does not hide the rest: an element or attribute that stands twice.

use super::begins::first_element;
use super::entries::Entries;
use super::events::{self, Build};
use super::{Layout, XmlProfile};
use crate::base::Text;
use crate::base::finding::{Finding, Span};
use crate::base::finding_codes::{
    CodeEntry, DUPLICATE_KEY, ELEMENT_REPEATED, XML_NAMESPACE_UNEXPECTED, XML_ROOT_UNEXPECTED,
};
use crate::format::Parsed;
use crate::format::names::Names;
use crate::format::notes::Notes;
use crate::format::tree::{Node, Value};

/// Reads one XML document. Spans count from the first byte given.
pub fn parse(bytes: &[u8], profile: &XmlProfile) -> Parsed {
    let elements = Elements {
        profile,
        frames: Vec::new(),
        root: None,
    };
    let mut parsed = events::read(bytes, &profile.namespaces, elements);
    let at_root = |it: &&mut Finding| it.code == XML_ROOT_UNEXPECTED.code;
    for told in parsed.findings.iter_mut().filter(at_root) {
        let name = first_element(bytes, &profile.namespaces).unwrap_or_default();
        let local = name.split_once('}').map(|(_, local)| local);
        if local.is_some_and(|local| is_called(&profile.root, local)) {
            told.message = OTHER_NAMESPACE.to_owned();
        }
        told.fix = format!("begin with {}", profile.wanted(&profile.root));
    }
    parsed
}

/// What is told of an outermost element that only its namespace makes another.
const OTHER_NAMESPACE: &str = "the outermost element is called as this format's, in a namespace \
    this format does not have: that of another version, or of something else";

/// Whether a name of the format, with its prefix, is called so within its namespace.
fn is_called(known: &str, local: &str) -> bool {
    known.rsplit_once(':').map_or(known, |(_, own)| own) == local
}

impl XmlProfile {
    /// An element of the format and its namespace, as a sender is told them.
    fn wanted(&self, name: &str) -> String {
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        let mut all = self.namespaces.iter();
        let uri = all.find(|(known, _)| known == prefix).map(|(_, uri)| uri);
        let uri = uri.map(Text::as_str).unwrap_or_default();
        format!("`{name}` in the namespace `{uri}` (under any prefix)")
    }
}

/// An element that is open.
struct Frame<'p> {
    name: Text,
    /// As shown in a path.
    shown: Text,
    /// Which of its name among its siblings, from 1, where it may repeat.
    ordinal: Option<usize>,
    start: usize,
    layout: Option<&'p Layout>,
    entries: Entries,
    /// Members that are attributes; they stand first.
    attributes: usize,
    text: String,
    text_span: Option<Span>,
    has_children: bool,
}

impl Frame<'_> {
    /// What stands for an unknown name that is member `at`.
    fn ordinal_of(&self, name: &str, at: usize, names: &Names) -> Text {
        if name.starts_with('@') {
            compact_str::format_compact!("@{}", names.masked(name, at))
        } else {
            names.masked(name, at.saturating_sub(self.attributes))
        }
    }
}

/// The elements of a document as far as they have come.
struct Elements<'p> {
    profile: &'p XmlProfile,
    frames: Vec<Frame<'p>>,
    root: Option<Node>,
}

impl Elements<'_> {
    /// How a child or attribute of the open element is shown: by its name, or by its ordinal among
    /// the elements or the attributes.
    fn shown(&self, name: &str) -> Text {
        let Some(frame) = self.frames.last() else {
            return name.into();
        };
        if self.profile.names.shows(name) {
            return name.into();
        }
        let entries = &frame.entries;
        let at = entries.place(name).unwrap_or(entries.members.len());
        frame.ordinal_of(name, at, &self.profile.names)
    }

    /// Replaces the names of a whole element that may not be shown.
    fn mask(&self, frame: &mut Frame<'_>) {
        for at in 0..frame.entries.members.len() {
            let name = frame.entries.members.get(at).map(|(name, _)| name);
            let strange = name.filter(|name| *name != "$" && !self.profile.names.shows(name));
            let Some(shown) = strange.map(|name| frame.ordinal_of(name, at, &self.profile.names))
            else {
                continue;
            };
            if let Some((name, _)) = frame.entries.members.get_mut(at) {
                *name = shown;
            }
        }
    }

    /// The child of the open element that another of an unknown namespace, or of none, is called
    /// like.
    fn meant(&self, name: &str) -> Option<Text> {
        let local = match name.strip_prefix('{') {
            Some(rest) => rest.split_once('}')?.1,
            None => name,
        };
        let children = &self.frames.last()?.layout?.children;
        if local.contains(':') || children.contains_key(name) {
            return None;
        }
        let mut known = children.keys();
        known.find(|known| is_called(known, local)).cloned()
    }

    /// The path of the open element, in XML notation, with one more step.
    fn below(&self, step: &str) -> String {
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
}

impl Build for Elements<'_> {
    fn open(&mut self, name: Text, start: usize) -> Result<(), &'static CodeEntry> {
        let shown = self.shown(&name);
        let (layout, ordinal) = match self.frames.last_mut() {
            Some(parent) => {
                parent.has_children = true;
                let layout = parent.layout.and_then(|l| l.children.get(&name));
                let ordinal = match parent.entries.get(&name).map(|node| &node.value) {
                    Some(Value::Array(items)) => Some(items.len() + 1),
                    Some(_) => Some(2),
                    None => layout.filter(|layout| layout.array).map(|_| 1),
                };
                (layout, ordinal)
            }
            None if name == self.profile.root => (Some(&self.profile.layout), None),
            None => return Err(&XML_ROOT_UNEXPECTED),
        };
        self.frames.push(Frame {
            name,
            shown,
            ordinal,
            start,
            layout,
            entries: Entries::default(),
            attributes: 0,
            text: String::new(),
            text_span: None,
            has_children: false,
        });
        Ok(())
    }

    fn attribute(&mut self, name: Text, value: Text, span: Span, notes: &mut Notes) {
        let name = compact_str::format_compact!("@{name}");
        let path = self.below(&self.shown(&name));
        if let Some(frame) = self.frames.last_mut() {
            if frame.entries.place(&name).is_some() {
                notes.add(&DUPLICATE_KEY, path, span);
            } else {
                let value = Value::String(value);
                frame.entries.add(name, Node { value, span });
                frame.attributes += 1;
            }
        }
    }

    fn text(&mut self, text: &str, span: Span, _: &mut Notes) {
        if let Some(frame) = self.frames.last_mut() {
            frame.text.push_str(text);
            let start = frame.text_span.map_or(span.start, |first| first.start);
            frame.text_span = Some(Span { start, ..span });
        }
    }

    fn close(&mut self, end: usize, _: &str, notes: &mut Notes) {
        let Some(mut frame) = self.frames.pop() else {
            return;
        };
        let blank = frame.text.chars().all(|c| c.is_ascii_whitespace());
        let meant = !frame.has_children && frame.layout.is_some_and(|layout| layout.text);
        if let Some(span) = frame.text_span.filter(|_| meant || !blank) {
            let lexical = frame.layout.and_then(|layout| layout.lexical);
            let text = lexical.map(|it| it.read(&frame.text));
            let value = Value::String(text.unwrap_or_else(|| frame.text.as_str().into()));
            frame.entries.add("$".into(), Node { value, span });
        }
        self.mask(&mut frame);
        let span = Span::new(frame.start, end);
        let node = Node {
            value: Value::Object(frame.entries.members),
            span,
        };
        let array = frame.layout.is_some_and(|layout| layout.array);
        let known = frame.layout.is_some();
        if let Some(meant) = self.meant(&frame.name) {
            let told = Finding::new(&XML_NAMESPACE_UNEXPECTED).at(self.below(&frame.shown));
            notes.push(
                told.fixed_by(format!("write {}", self.profile.wanted(&meant)))
                    .spanning(span),
            );
        }
        match self.frames.last_mut() {
            None => self.root = Some(node),
            Some(parent) => {
                if join(&mut parent.entries, frame.name, node, (array, known)) {
                    notes.add(&ELEMENT_REPEATED, self.below(&frame.shown), span);
                }
            }
        }
    }

    fn path(&self) -> String {
        self.below("")
    }

    fn finish(self) -> Option<Node> {
        self.root
    }
}

/// Puts a child into its parent; true when it stands again where it may stand once.
fn join(parent: &mut Entries, name: Text, node: Node, (array, known): (bool, bool)) -> bool {
    let span = node.span;
    match parent.get_mut(&name) {
        None if array => {
            let value = Value::Array(vec![node]);
            parent.add(name, Node { value, span });
        }
        None => parent.add(name, node),
        Some(present) => {
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
