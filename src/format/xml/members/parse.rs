//! XML to the tree its document has as JSON.
//!
//! Plain values stay the characters they were sent as; what they are a schema says, and without one
//! they are text. Nothing in an element is passed over: what has no place in the form is told.

use super::{EMBEDDED, Leaf, MembersProfile, names_a_node};
use crate::base::Text;
use crate::base::finding::Span;
use crate::base::finding_codes::{
    CodeEntry, DUPLICATE_KEY, ELEMENT_REPEATED, NUMBER_NOT_EXACT, SCHEMA_TYPE_MISMATCH,
    XML_CONTENT_MISPLACED, XML_ROOT_UNEXPECTED,
};
use crate::format::notes::Notes;
use crate::format::tree::{Node, Value};
use crate::format::xml::Layout;
use crate::format::xml::entries::Entries;
use crate::format::xml::events::{self, Build};
use crate::format::{Parsed, json};

/// Reads one document. Paths of findings are JSON pointers, spans count from the first byte given.
pub fn parse(bytes: &[u8], profile: &MembersProfile) -> Parsed {
    let members = Members {
        profile,
        frames: Vec::new(),
        inside: 0,
        root: None,
    };
    events::read(bytes, &profile.namespaces, members)
}

/// An element that is open.
struct Frame<'p> {
    /// The member's name; of a node its type.
    name: Text,
    /// The step to it in a pointer; none to a node, which stands for what holds it.
    step: String,
    kind: Kind,
    start: usize,
    layout: Option<&'p Layout>,
    entries: Entries,
    /// The attribute that holds a plain value.
    value: Option<Node>,
    /// The node it holds, which is all it may hold.
    node: Option<Node>,
    /// Whether text was told that has no place in it.
    told: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Member,
    Node,
    /// Carried as its own text.
    Embedded,
}

/// What an element is as a member.
struct Made {
    value: Node,
    /// What else stands in the element of a plain value.
    aside: Option<Node>,
}

/// The members of a document as far as they have come.
struct Members<'p> {
    profile: &'p MembersProfile,
    frames: Vec<Frame<'p>>,
    /// Elements open inside one that is carried as text.
    inside: usize,
    root: Option<Node>,
}

impl<'p> Members<'p> {
    fn below(&self, step: &str) -> String {
        let mut path: String = self.frames.iter().map(|it| it.step.as_str()).collect();
        if !step.is_empty() {
            path.push('/');
            path.push_str(step);
        }
        path
    }

    /// The name of a member of the open element as it may be shown.
    fn shown(&self, name: &str) -> Text {
        let entries = self.frames.last().map(|frame| &frame.entries);
        let at = entries.map(|it| it.place(name).unwrap_or(it.members.len()));
        match self.profile.names.shows(name) {
            true => name.replace('~', "~0").replace('/', "~1").into(),
            false => self.profile.names.masked(name, at.unwrap_or_default()),
        }
    }

    /// The step of a pointer to the next element of that name in the open one.
    fn step(&self, name: &str, layout: Option<&Layout>) -> String {
        let mut step = format!("/{}", self.shown(name));
        let present = self.frames.last().and_then(|frame| frame.entries.get(name));
        let at = match present.map(|node| &node.value) {
            Some(Value::Array(items)) => Some(items.len()),
            Some(_) if layout.is_none() => Some(1),
            Some(_) => None,
            None => self.repeats(name, layout).then_some(0),
        };
        if let Some(at) = at {
            step.push_str(&format!("/{at}"));
        }
        step
    }

    /// Whether even one of that name is an array.
    fn repeats(&self, name: &str, layout: Option<&Layout>) -> bool {
        match layout {
            Some(layout) => layout.array,
            None => self.profile.repeated.iter().any(|known| known == name),
        }
    }

    /// What a closed element is; its own findings are told.
    fn made(&self, mut frame: Frame<'_>, span: Span, notes: &mut Notes) -> Made {
        let leaf = frame.layout.and_then(|layout| layout.leaf);
        let plain = frame.value.is_some() || leaf.is_some() && frame.node.is_none();
        let mut value = frame.value.take();
        let bare = frame.entries.members.is_empty();
        if let Some(node) = &mut value {
            let exact = read_as(node, leaf);
            if !exact {
                notes.add(&NUMBER_NOT_EXACT, self.below("") + &frame.step, node.span);
            }
        }
        if let Some(node) = frame.node.take() {
            if value.is_some() || !bare {
                let path = self.below("") + &frame.step;
                notes.add(&XML_CONTENT_MISPLACED, path, span);
            }
            return Made {
                value: node,
                aside: None,
            };
        }
        if !plain && self.is_of_another_type(&frame) {
            let path = self.below("") + &frame.step;
            notes.add(&SCHEMA_TYPE_MISMATCH, path, span);
        }
        self.profile.names.mask(&mut frame.entries.members);
        let object = Node {
            value: Value::Object(frame.entries.members),
            span,
        };
        if !plain {
            return Made {
                value: object,
                aside: None,
            };
        }
        // An element that says nothing at all is an empty value, for its schema to tell.
        let nothing = match bare {
            true => Value::String(Text::default()),
            false => Value::Null,
        };
        Made {
            value: value.unwrap_or(Node {
                value: nothing,
                span,
            }),
            aside: (!bare).then_some(object),
        }
    }

    /// Whether an element has members and none of those its schema has. What would be a list in
    /// JSON, where one object is meant, cannot be seen otherwise here.
    fn is_of_another_type(&self, frame: &Frame<'_>) -> bool {
        let Some(layout) = frame.layout else {
            return false;
        };
        let anywhere = |name: &Text| {
            self.profile.first.contains(name)
                || name.starts_with('@')
                || self.profile.attributes.iter().any(|(own, _)| own == name)
        };
        let members = frame.entries.members.iter().map(|(name, _)| name);
        let mut own = members.filter(|name| !anywhere(name)).peekable();
        frame.kind == Kind::Member
            && !layout.array
            && !layout.children.is_empty()
            && own.peek().is_some()
            && own.all(|name| !layout.children.contains_key(name))
    }

    /// Puts a closed element into the open one.
    fn join(&mut self, name: Text, made: Made, layout: Option<&Layout>, notes: &mut Notes) {
        let array = self.repeats(&name, layout);
        let beside = self.profile.aside_of(&name);
        let Some(parent) = self.frames.last_mut() else {
            return;
        };
        let entries = &mut parent.entries;
        let stands = entries.place(&name).is_some() || entries.place(&beside).is_some();
        let span = made.value.span;
        let misplaced = parent.node.is_some();
        if misplaced || stands && !array && layout.is_some() {
            let code = match misplaced {
                true => &XML_CONTENT_MISPLACED,
                false => &ELEMENT_REPEATED,
            };
            let path = self.below(&self.shown(&name));
            notes.add(code, path, span);
            return;
        }
        if !array && !stands {
            if made.value.value != Value::Null {
                entries.add(name, made.value);
            }
            if let Some(aside) = made.aside {
                entries.add(beside, aside);
            }
            return;
        }
        let before = items_before(entries, &name);
        if made.aside.is_some() || entries.place(&beside).is_some() {
            let aside = made.aside.unwrap_or(Node {
                value: Value::Null,
                span,
            });
            push(entries, beside, aside, before);
        }
        push(entries, name, made.value, before);
    }
}

impl Build for Members<'_> {
    fn open(&mut self, name: Text, start: usize) -> Result<(), &'static CodeEntry> {
        if self.inside > 0 {
            self.inside = self.inside.saturating_add(1);
            return Ok(());
        }
        let embedded = name.strip_prefix(EMBEDDED).map(Text::from);
        let kind = match (&embedded, self.frames.is_empty()) {
            (Some(_), true) => return Err(&XML_ROOT_UNEXPECTED),
            (None, true) if name.starts_with('{') => return Err(&XML_ROOT_UNEXPECTED),
            (None, true) => Kind::Node,
            (Some(_), false) => Kind::Embedded,
            (None, false) if names_a_node(&name) => Kind::Node,
            (None, false) => Kind::Member,
        };
        self.inside = usize::from(kind == Kind::Embedded);
        let mut name = embedded.unwrap_or(name);
        if name.starts_with(self.profile.aside.as_str()) {
            // No element is called as what stands beside another.
            name = compact_str::format_compact!("{{}}{name}");
        }
        let outer = self.frames.last().and_then(|frame| frame.layout);
        let layout = match kind {
            Kind::Node => self.profile.types.get(&name),
            _ => outer.and_then(|layout| layout.children.get(&name)),
        };
        let mut entries = Entries::default();
        let step = match kind {
            Kind::Node => {
                let span = Span::new(start, start.saturating_add(1));
                let value = Value::String(name.clone());
                entries.add(self.profile.node_type.clone(), Node { value, span });
                String::new()
            }
            _ => self.step(&name, layout),
        };
        self.frames.push(Frame {
            name,
            step,
            kind,
            start,
            layout,
            entries,
            value: None,
            node: None,
            told: false,
        });
        Ok(())
    }

    fn attribute(&mut self, name: Text, value: Text, span: Span, notes: &mut Notes) {
        if self.inside > 0 {
            return;
        }
        let path = self.below(&self.shown(&name));
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let node = Node {
            value: Value::String(value),
            span,
        };
        let is_node = frame.kind == Kind::Node;
        if name == self.profile.value && !is_node {
            frame.value = Some(node);
            return;
        }
        let own = self.profile.is_attribute(&name, &frame.name, is_node);
        let name = match own {
            true => name,
            false => compact_str::format_compact!("@{name}"),
        };
        match frame.entries.place(&name) {
            Some(_) => notes.add(&DUPLICATE_KEY, path, span),
            None => frame.entries.add(name, node),
        }
    }

    fn text(&mut self, text: &str, span: Span, notes: &mut Notes) {
        if self.inside > 0 || text.chars().all(|c| c.is_ascii_whitespace()) {
            return;
        }
        let path = self.below("");
        if let Some(frame) = self.frames.last_mut()
            && !frame.told
        {
            frame.told = true;
            // Where a value belongs it was meant as that: one cause is told once.
            if frame.value.is_none() && frame.layout.is_some_and(|it| it.leaf.is_some()) {
                let value = Value::String(text.trim().into());
                frame.value = Some(Node { value, span });
            }
            notes.add(&XML_CONTENT_MISPLACED, path, span);
        }
    }

    fn close(&mut self, end: usize, document: &str, notes: &mut Notes) {
        self.inside = self.inside.saturating_sub(1);
        if self.inside > 0 {
            return;
        }
        let Some(frame) = self.frames.pop() else {
            return;
        };
        let span = Span::new(frame.start, end);
        let (name, kind, layout) = (frame.name.clone(), frame.kind, frame.layout);
        let made = match kind {
            Kind::Embedded => Made {
                value: Node {
                    value: Value::String(document.get(frame.start..end).unwrap_or_default().into()),
                    span,
                },
                aside: None,
            },
            Kind::Node | Kind::Member => self.made(frame, span, notes),
        };
        if kind != Kind::Node {
            self.join(name, made, layout, notes);
            return;
        }
        let path = self.below("");
        match self.frames.last_mut() {
            None => self.root = Some(made.value),
            Some(holder) if holder.kind == Kind::Member && holder.node.is_none() => {
                holder.node = Some(made.value);
            }
            Some(_) => notes.add(&XML_CONTENT_MISPLACED, path, span),
        }
    }

    fn path(&self) -> String {
        self.below("")
    }

    fn finish(self) -> Option<Node> {
        self.root
    }
}

/// Makes a text what its schema says it is, where it has the form of that; false where a number is
/// another one for its usual readers.
fn read_as(node: &mut Node, leaf: Option<Leaf>) -> bool {
    let Some(text) = node.as_str() else {
        return true;
    };
    let value = match (leaf, text) {
        (Some(Leaf::Boolean), "true") => Value::Bool(true),
        (Some(Leaf::Boolean), "false") => Value::Bool(false),
        (Some(Leaf::Number), text) => {
            let read = json::parse(text.as_bytes());
            match read.tree.map(|it| it.value) {
                Some(Value::Number(number)) if number == text => {
                    node.value = Value::Number(number);
                    return read.findings.is_empty();
                }
                _ => return true,
            }
        }
        _ => return true,
    };
    node.value = value;
    true
}

/// How many items there are before one more.
fn items_before(entries: &Entries, name: &str) -> usize {
    match entries.get(name).map(|node| &node.value) {
        Some(Value::Array(items)) => items.len(),
        Some(_) => 1,
        None => 0,
    }
}

/// Adds an item; what stands alone becomes the first one, and what is missing before it is null.
fn push(entries: &mut Entries, name: Text, node: Node, before: usize) {
    let span = node.span;
    // An array is a byte longer than what is in it, as if it had a bracket: it can be told apart
    // from its only item. The tag that closes its parent follows at least.
    let end = span.end.saturating_add(1);
    let blank = |_| Node {
        value: Value::Null,
        span,
    };
    let Some(present) = entries.get_mut(&name) else {
        let mut items: Vec<Node> = (0..before).map(blank).collect();
        items.push(node);
        let span = Span { end, ..span };
        let value = Value::Array(items);
        entries.add(name, Node { value, span });
        return;
    };
    if !matches!(present.value, Value::Array(_)) {
        let first = std::mem::take(present);
        present.span = first.span;
        present.value = Value::Array(vec![first]);
    }
    present.span.end = end;
    if let Value::Array(items) = &mut present.value {
        items.extend((items.len()..before).map(blank));
        items.push(node);
    }
}
