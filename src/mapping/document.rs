//! A document of a format: where its nodes stand, what they are called, how they refer.

mod resolve;

pub use resolve::Ambiguous;

use super::walk::{Condition, Step, assign, get, hold, push, put, reach};
use crate::base::Text;
use crate::base::finding::Span;
use crate::catalog::format::IdForm;
use crate::format::tree::{Node, Value};
use resolve::{Named, Servers};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// How documents of a format are built.
#[derive(Debug, Default)]
pub struct Layout {
    /// Where nodes stand, form by form.
    pub places: Vec<NodePlace>,
    /// How nodes refer to each other.
    pub reference: Option<Reference>,
    /// Rows: the type is told by columns.
    pub headers: Vec<(Text, Vec<Text>)>,
}

impl Layout {
    /// Whether the document that is written is more than its one node.
    pub fn writes_many(&self) -> bool {
        let form = self.places.iter().find(|place| place.write);
        let form = form.or(self.places.first());
        form.is_some_and(|form| form.inner.is_some())
    }

    /// Path in a node of its type, where nodes say it themselves.
    pub fn type_from(&self) -> Option<&[Step]> {
        self.places.iter().find_map(|it| it.type_from.as_deref())
    }
}

/// Where nodes stand.
#[derive(Debug)]
pub struct NodePlace {
    /// The document has this form.
    pub when: Vec<Condition>,
    /// Down to the array of nodes, or to the node.
    pub array: Vec<Step>,
    /// Behind its items; `None` when there is only one node.
    pub inner: Option<Vec<Step>>,
    /// Path in the node of its type.
    pub type_from: Option<Vec<Step>>,
    /// The type itself.
    pub node_type: Option<Text>,
    /// Path beside the node of its absolute name.
    pub name: Option<Vec<Step>>,
    /// Documents are written in this form.
    pub write: bool,
    /// Further members of the document.
    pub constants: Vec<(Text, Node)>,
    /// Member of the document's own id.
    pub id: Option<Text>,
}

/// How nodes refer to each other.
#[derive(Debug)]
pub struct Reference {
    /// Path in a node of its id.
    pub id: Vec<Step>,
    /// Path in a reference of the name.
    pub value: Vec<Step>,
    /// How a node is named by type and id.
    pub names: Vec<Pattern>,
    /// Names are addresses: a server, then type and id; a version may stand behind.
    pub absolute: bool,
    /// Nodes inside a node, and what references to them begin with.
    pub local: Option<(Vec<Step>, Text)>,
    /// Text of references going out.
    pub write: Pattern,
    /// Form of ids going out.
    pub id_form: IdForm,
}

/// Text with holes for type and id.
#[derive(Debug, Default)]
pub struct Pattern(pub Vec<Piece>);

/// A piece of a pattern.
#[derive(Debug)]
pub enum Piece {
    /// As it is.
    Literal(Text),
    /// The node's type.
    Type,
    /// The node's id.
    Id,
}

impl Pattern {
    /// Reads `{type}/{id}`.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.into()));
            }
            let (hole, tail) = after.split_once('}').ok_or("a brace is not closed")?;
            pieces.push(match hole {
                "type" => Piece::Type,
                "id" => Piece::Id,
                _ => return Err("a hole is {type} or {id}".to_owned()),
            });
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.into()));
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Id)) {
            Ok(Pattern(pieces))
        } else {
            Err("the text needs {id}".to_owned())
        }
    }

    /// The text for a type and id.
    pub fn fill(&self, node_type: &str, id: &str) -> Text {
        let long = |piece: &Piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::Type => node_type.len(),
            Piece::Id => id.len(),
        };
        let mut out = Text::with_capacity(self.0.iter().map(long).sum());
        for piece in &self.0 {
            out.push_str(match piece {
                Piece::Literal(text) => text,
                Piece::Type => node_type,
                Piece::Id => id,
            });
        }
        out
    }

    /// Type (empty when the text does not tell) and id out of a text.
    fn read<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str)> {
        let (mut node_type, mut id) = ("", "");
        let mut rest = text;
        let mut pieces = self.0.iter().peekable();
        while let Some(piece) = pieces.next() {
            if let Piece::Literal(literal) = piece {
                rest = rest.strip_prefix(literal.as_str())?;
                continue;
            }
            let end = match pieces.peek() {
                Some(Piece::Literal(literal)) => rest.find(literal.as_str())?,
                _ => rest.len(),
            };
            let (found, tail) = rest.split_at(end);
            if found.is_empty() {
                return None;
            }
            match piece {
                Piece::Type => node_type = found,
                _ => id = found,
            }
            rest = tail;
        }
        rest.is_empty().then_some((node_type, id))
    }
}

/// One node of a document.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The node.
    pub node: &'a Node,
    /// Its type.
    pub node_type: &'a str,
    /// Its place in the index; nodes inside a node have the one of theirs.
    pub at: usize,
    /// Whether it stands in the index itself.
    pub listed: bool,
}

/// Who points to whom by one path.
#[derive(Debug, Default)]
struct Pointers {
    /// Places of nodes that are pointed to, ascending, and of those that point to them.
    sure: Vec<(usize, usize)>,
    /// Ids that could mean more than one node, ascending, with the nodes that say them and where.
    unsure: Vec<(Text, usize, Span)>,
}

/// Nodes that point to one node.
#[derive(Debug, Default)]
pub struct PointingBack<'a> {
    /// In document order.
    pub nodes: Vec<Found<'a>>,
    /// Nodes that may mean it or another, with their references.
    pub unsure: Vec<(Found<'a>, Span)>,
}

/// All nodes of one document, findable by name.
pub struct Index<'a> {
    layout: &'a Layout,
    /// In document order.
    pub nodes: Vec<Found<'a>>,
    /// Ids with the places of their nodes, ascending.
    by_id: Vec<(&'a str, usize)>,
    /// Names with the places of their nodes, ascending.
    by_name: Vec<(&'a str, usize)>,
    /// Of every node.
    named: Vec<Named<'a>>,
    servers: Servers<'a>,
    /// By the path of a reference: who points to whom by it, ascending by whom. Worked out once
    /// per path, so that a document of many records is not searched through for each.
    back: RefCell<Vec<(usize, Pointers)>>,
    /// Whether nodes beyond the limit were left out.
    pub truncated: bool,
    /// Nodes with the name of another, or with no name and the type and id of another.
    pub doubled: Vec<&'a Node>,
}

impl<'a> Index<'a> {
    /// Lists the nodes of a document, `most` at most.
    pub fn new(layout: &'a Layout, unit: &'a Node, most: usize) -> Index<'a> {
        let mut index = Index {
            layout,
            nodes: Vec::new(),
            by_id: Vec::new(),
            by_name: Vec::new(),
            named: Vec::new(),
            servers: Servers::None,
            back: RefCell::new(Vec::new()),
            truncated: false,
            doubled: Vec::new(),
        };
        if !layout.headers.is_empty() {
            let node_type = header_type(layout, unit);
            index.add(unit, node_type, None);
            return index.sorted();
        }
        let form = layout.places.iter().find(|place| hold(unit, &place.when));
        let when = form.map(|place| &place.when);
        for place in &layout.places {
            if Some(&place.when) != when {
                continue;
            }
            let Some(at) = get(unit, &place.array) else {
                continue;
            };
            let Some(inner) = &place.inner else {
                index.add(at, type_of(place, at), None);
                continue;
            };
            for item in at.items() {
                let Some(node) = get(item, inner) else {
                    continue;
                };
                if index.nodes.len() >= most {
                    index.truncated = true;
                    return index.sorted();
                }
                let name = place.name.as_ref().and_then(|name| get(item, name));
                index.add(node, type_of(place, node), name.and_then(Node::as_str));
            }
        }
        index.sorted()
    }

    fn add(&mut self, node: &'a Node, node_type: &'a str, name: Option<&'a str>) {
        let at = self.nodes.len();
        self.nodes.push(Found {
            node,
            node_type,
            at,
            listed: true,
        });
        self.named.push(Named::Not);
        let Some(reference) = &self.layout.reference else {
            return;
        };
        let mut id = get(node, &reference.id).and_then(Node::lexeme);
        if let Some(name) = name {
            let mut named = Named::Otherwise;
            if let Some((_, told)) = reference.relative(name).filter(|_| reference.absolute) {
                named = Named::Not;
                id = id.or(Some(told));
            } else if let Some((server, of, told)) = reference.address(name)
                && (of.is_empty() || of == node_type)
            {
                named = Named::Under(server);
                id = id.or(Some(told));
                self.servers = self.servers.with(server);
            }
            if let Some(slot) = self.named.last_mut() {
                *slot = named;
            }
            if named != Named::Not {
                self.by_name.push((name, at));
            }
        }
        if let Some(id) = id {
            self.by_id.push((id, at));
        }
    }

    /// Makes ids and names findable, and finds what is there twice.
    fn sorted(mut self) -> Index<'a> {
        self.by_id.sort_unstable();
        self.by_name.sort_unstable();
        let mut doubled: Vec<usize> = Vec::new();
        for same in self.by_name.chunk_by(|left, right| left.0 == right.0) {
            doubled.extend(same.iter().skip(1).map(|(_, at)| *at));
        }
        let of = |at: &usize| {
            let node_type = self.nodes.get(*at).map(|it| it.node_type);
            (node_type, self.named.get(*at) == Some(&Named::Not))
        };
        for same in self.by_id.chunk_by(|left, right| left.0 == right.0) {
            let told = same.iter().map(|(_, at)| of(at));
            let mut known: BTreeSet<Option<&str>> = told
                .filter_map(|(node_type, unnamed)| (!unnamed).then_some(node_type))
                .collect();
            for (_, at) in same {
                let (node_type, unnamed) = of(at);
                if unnamed && !known.insert(node_type) {
                    doubled.push(*at);
                }
            }
        }
        doubled.sort_unstable();
        doubled.dedup();
        let nodes = doubled.iter().filter_map(|at| self.nodes.get(*at));
        self.doubled = nodes.map(|found| found.node).collect();
        self
    }

    /// The text of a reference node.
    pub fn reference_text(&self, node: &'a Node) -> Option<&'a str> {
        get(node, &self.layout.reference.as_ref()?.value).and_then(Node::as_str)
    }

    /// Nodes whose reference at a path (of a plan, known by its address) points to a listed node.
    pub fn pointing_back(&self, path: &[Step], target: usize) -> PointingBack<'a> {
        let mut all = self.back.borrow_mut();
        let path_id = path.as_ptr().addr();
        if !all.iter().any(|(known, _)| *known == path_id) {
            all.push((path_id, self.pointers(path)));
        }
        let mut out = PointingBack::default();
        let known = all.iter().find(|(known, _)| *known == path_id);
        let Some((_, table)) = known else {
            return out;
        };
        let from = table.sure.partition_point(|(whom, _)| *whom < target);
        let rest = table.sure.get(from..).unwrap_or_default().iter();
        let own = rest.take_while(|(whom, _)| *whom == target);
        out.nodes = own.filter_map(|(_, at)| self.node(*at)).collect();
        let reference = self.layout.reference.as_ref();
        let node = self.nodes.get(target).map(|found| found.node);
        let id = reference.zip(node).and_then(|(it, node)| get(node, &it.id));
        if let Some(id) = id.and_then(Node::lexeme) {
            let from = table
                .unsure
                .partition_point(|(known, ..)| known.as_str() < id);
            let rest = table.unsure.get(from..).unwrap_or_default().iter();
            let same = rest.take_while(|(known, ..)| *known == id);
            let told = same.filter_map(|(_, at, span)| Some((self.node(*at)?, *span)));
            out.unsure = told.collect();
        }
        out
    }

    fn node(&self, at: usize) -> Option<Found<'a>> {
        self.nodes.get(at).copied()
    }

    /// Whom every node points to by a path.
    fn pointers(&self, path: &[Step]) -> Pointers {
        let mut table = Pointers::default();
        for node in &self.nodes {
            let Some(at) = get(node.node, path) else {
                continue;
            };
            let Some(text) = self.reference_text(at) else {
                continue;
            };
            match self.resolve(text, node.at) {
                Ok(Some(found)) if found.listed => table.sure.push((found.at, node.at)),
                Ok(_) => {}
                Err(Ambiguous) => {
                    let id = self.id_meant(text).into();
                    table.unsure.push((id, node.at, at.span));
                }
            }
        }
        table.sure.sort_unstable();
        let order = |left: &(Text, usize, _), right: &(Text, usize, _)| {
            (&left.0, left.1).cmp(&(&right.0, right.1))
        };
        table.unsure.sort_unstable_by(order);
        table
    }
}

fn type_of<'a>(place: &'a NodePlace, node: &'a Node) -> &'a str {
    let own = place.type_from.as_ref().and_then(|path| get(node, path));
    own.and_then(Node::as_str)
        .or(place.node_type.as_deref())
        .unwrap_or("")
}

/// The type whose telling columns are filled in most; the first one on a tie.
fn header_type<'a>(layout: &'a Layout, unit: &Node) -> &'a str {
    let score = |columns: &[Text]| {
        let filled = |name: &&Text| unit.items().iter().any(|row| row.get(name).is_some());
        columns.iter().filter(filled).count()
    };
    let mut best: (usize, &str) = (0, "");
    for (node_type, columns) in &layout.headers {
        let found = score(columns);
        // All columns filled in beats more columns of another type in part.
        let weight = if found == columns.len() {
            found + 1_000
        } else {
            found
        };
        if weight > best.0 {
            best = (weight, node_type);
        }
    }
    best.1
}

/// One node to be written.
#[derive(Debug)]
pub struct Written {
    /// The node, its type and id in it.
    pub node: Node,
    /// Its type.
    pub node_type: Text,
    /// Its id; empty when the format has none.
    pub id: Text,
}

/// Builds the document of the nodes given; the first one is the root.
pub fn assemble(layout: &Layout, nodes: Vec<Written>, document_id: &str) -> Node {
    let mut unit = Node::object();
    let writes = |place: &&NodePlace| place.write;
    let form = layout.places.iter().find(writes).or(layout.places.first());
    let Some(form) = form else {
        return nodes.into_iter().next().map_or(unit, |first| first.node);
    };
    assign(&mut unit, &form.when);
    if let Some(id) = &form.id {
        unit.set(id, Node::string(document_id));
    }
    for (name, value) in &form.constants {
        unit.set(name, value.clone());
    }
    for written in nodes {
        let fits = |place: &&NodePlace| {
            place.when == form.when
                && place
                    .node_type
                    .as_ref()
                    .is_none_or(|t| *t == written.node_type)
        };
        if let Some(place) = layout.places.iter().find(fits) {
            unit = add_node(layout, place, unit, written);
        }
    }
    unit
}

fn add_node(layout: &Layout, place: &NodePlace, mut unit: Node, written: Written) -> Node {
    let Some(inner) = &place.inner else {
        if place.array.is_empty() {
            return written.node;
        }
        put(&mut unit, &place.array, written.node);
        return unit;
    };
    if let Some(item) = reach(&mut unit, &place.array).and_then(push) {
        if let (Some(name), Some(reference)) = (&place.name, &layout.reference) {
            let text = reference.write.fill(&written.node_type, &written.id);
            put(item, name, Node::from(Value::String(text)));
        }
        put(item, inner, written.node);
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a pattern reads what it writes. Method: three patterns.
    #[test]
    fn a_pattern_reads_what_it_writes() {
        for (pattern, text) in [
            ("{type}/{id}", "Patient/1"),
            ("{id}", "1"),
            ("u:{id}", "u:1"),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(pattern.fill("Patient", "1"), text);
            assert_eq!(pattern.read(text).map(|found| found.1), Some("1"));
        }
        assert!(Pattern::parse("{type}").is_err());
        assert!(Pattern::parse("{type}/{id}").unwrap().read("1").is_none());
    }
}
