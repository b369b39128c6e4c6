//! Segments to their places in the groups of a message.
//!
//! Segments come one after another and only the structure tells which group they belong to: each
//! goes to the nearest place that is still open, from the innermost group outwards. One that comes
//! too late for its only place at the top is taken there all the same, and told; one that has no
//! place is never put into another's.

use super::is_segment;
use crate::base::Text;
use crate::base::finding::Span;
use crate::format::tree::{Node, Value};
use crate::format::xml::Layout;

/// The steps to a segment from the message downwards: each name, and which of its kind where it
/// repeats.
pub(super) type Trail = Vec<(Text, Option<usize>)>;

/// Where a segment went.
pub(super) enum Placed<'l> {
    /// Where the structure has it.
    There(&'l Layout),
    /// Behind its place.
    Late(&'l Layout),
    /// It stands there already, and may once.
    Twice,
    /// The structure has it somewhere, but not open here.
    Nowhere,
    /// The structure does not know it.
    Unknown,
}

/// A group that is open.
struct Frame<'l> {
    name: Text,
    layout: &'l Layout,
    /// Place in the order of the member filled last.
    at: usize,
    /// Whether that member is there.
    filled: bool,
    members: Vec<(Text, Node)>,
}

/// A message being built.
pub(super) struct Structure<'l> {
    /// Open groups, outermost first; never empty.
    open: Vec<Frame<'l>>,
    root: &'l Layout,
}

impl<'l> Structure<'l> {
    pub fn new(name: &Text, layout: &'l Layout) -> Structure<'l> {
        Structure {
            open: vec![Frame::new(name.clone(), layout)],
            root: layout,
        }
    }

    /// Opens the place of a segment; `add` puts it there.
    pub fn enter(&mut self, id: &str) -> Placed<'l> {
        for depth in (0..self.open.len()).rev() {
            let Some(at) = self.open.get(depth).and_then(|frame| frame.next(id)) else {
                continue;
            };
            while self.open.len() > depth + 1 {
                self.close();
            }
            return self.descend(at, id);
        }
        let Some(layout) = self.root.children.get(id) else {
            let known = contains(self.root, id);
            return if known {
                Placed::Nowhere
            } else {
                Placed::Unknown
            };
        };
        while self.open.len() > 1 {
            self.close();
        }
        let there = self.open.first().is_some_and(|frame| frame.has(id));
        match there && !layout.array {
            true => Placed::Twice,
            false => Placed::Late(layout),
        }
    }

    /// Marks the way down to a segment as taken.
    fn descend(&mut self, at: usize, id: &str) -> Placed<'l> {
        let mut at = at;
        loop {
            let Some(frame) = self.open.last_mut() else {
                return Placed::Unknown;
            };
            (frame.at, frame.filled) = (at, true);
            let Some((name, layout)) = frame.member(at) else {
                return Placed::Unknown;
            };
            if name == id {
                return Placed::There(layout);
            }
            let inner = Frame::new(name.clone(), layout);
            let Some(next) = inner.next(id) else {
                return Placed::Unknown;
            };
            at = next;
            self.open.push(inner);
        }
    }

    /// The steps to a segment of that name in the group that is open.
    pub fn trail(&self, id: &str) -> Trail {
        let mut out = Vec::new();
        let mut above: Option<&Frame<'l>> = None;
        for frame in &self.open {
            let item = above.and_then(|above| above.repeats(&frame.name));
            out.push((frame.name.clone(), item));
            above = Some(frame);
        }
        let item = above.and_then(|above| above.repeats(id));
        out.push((id.into(), item));
        out
    }

    /// Adds a segment to the group that is open.
    pub fn add(&mut self, id: Text, node: Node) {
        if let Some(frame) = self.open.last_mut() {
            frame.add(id, node);
        }
    }

    /// The place at the top of the message of a segment that may come anywhere, with the steps to
    /// it. No group is closed by it.
    pub fn at_top(&self, id: &str) -> Option<(&'l Layout, Trail)> {
        let top = self.open.first()?;
        let layout = self.root.children.get(id)?;
        let trail = vec![(top.name.clone(), None), (id.into(), top.repeats(id))];
        Some((layout, trail))
    }

    /// Adds a segment that may come anywhere to the message itself.
    pub fn add_at_top(&mut self, id: Text, node: Node) {
        if let Some(frame) = self.open.first_mut() {
            frame.add(id, node);
        }
    }

    /// Adds what has no place to the message itself.
    pub fn add_outside(&mut self, name: Text, node: Node) {
        if let Some(frame) = self.open.first_mut() {
            frame.members.push((name, node));
        }
    }

    fn close(&mut self) {
        if self.open.len() < 2 {
            return;
        }
        if let (Some(done), Some(holder)) = (self.open.pop(), self.open.last_mut()) {
            holder.add(done.name.clone(), done.node());
        }
    }

    /// What may stand in the message.
    pub fn layout(&self) -> &'l Layout {
        self.root
    }

    /// What the message is called.
    pub fn name(&self) -> Text {
        let first = self.open.first();
        first.map(|frame| frame.name.clone()).unwrap_or_default()
    }

    /// The whole message.
    pub fn finish(mut self) -> Node {
        while self.open.len() > 1 {
            self.close();
        }
        self.open.pop().map(Frame::node).unwrap_or_default()
    }
}

impl<'l> Frame<'l> {
    fn new(name: Text, layout: &'l Layout) -> Frame<'l> {
        Frame {
            name,
            layout,
            at: 0,
            filled: false,
            members: Vec::new(),
        }
    }

    fn member(&self, at: usize) -> Option<(&'l Text, &'l Layout)> {
        let name = self.layout.order.get(at)?;
        Some((name, self.layout.children.get(name)?))
    }

    /// The next member that can take a segment of that name, or that holds one that can.
    fn next(&self, id: &str) -> Option<usize> {
        (self.at..self.layout.order.len()).find(|at| {
            let Some((name, layout)) = self.member(*at) else {
                return false;
            };
            let open = *at > self.at || !self.filled || layout.array;
            open && (name == id || !is_segment(name.as_bytes()) && begins(layout, id))
        })
    }

    fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(known, _)| known == name)
    }

    /// Which item the next of that name is, where it repeats.
    fn repeats(&self, name: &str) -> Option<usize> {
        let layout = self.layout.children.get(name)?;
        let known = self.members.iter().find(|(known, _)| known == name);
        let before = known.map_or(0, |(_, node)| node.items().len());
        layout.array.then_some(before)
    }

    fn add(&mut self, name: Text, node: Node) {
        let array = self.layout.children.get(&name).is_some_and(|it| it.array);
        let known = self.members.iter_mut().find(|(known, _)| *known == name);
        match known {
            Some((_, list)) => {
                list.span.end = list.span.end.max(node.span.end);
                if let Some(items) = list.items_mut() {
                    items.push(node);
                }
            }
            None if array => {
                let span = node.span;
                let value = Value::Array(vec![node]);
                self.members.push((name, Node { value, span }));
            }
            None => self.members.push((name, node)),
        }
    }

    fn node(self) -> Node {
        let spans = || self.members.iter().map(|(_, node)| node.span);
        let span = Span {
            start: spans().map(|span| span.start).min().unwrap_or_default(),
            end: spans().map(|span| span.end).max().unwrap_or_default(),
        };
        let value = Value::Object(self.members);
        Node { value, span }
    }
}

/// Whether a group may begin with a segment of that name: only what need not be there comes before.
fn begins(layout: &Layout, id: &str) -> bool {
    for name in &layout.order {
        let Some(inner) = layout.children.get(name) else {
            continue;
        };
        if name == id || !is_segment(name.as_bytes()) && begins(inner, id) {
            return true;
        }
        if inner.required {
            return false;
        }
    }
    false
}

/// Whether a segment of that name may stand anywhere in it.
fn contains(layout: &Layout, id: &str) -> bool {
    layout
        .children
        .iter()
        .any(|(name, inner)| name == id || !is_segment(name.as_bytes()) && contains(inner, id))
}
