//! Record to wire: one canonical record becomes the nodes of a format, and they a document.
//!
//! Everything written derives from the record alone: the same record gives the same bytes, at any
//! time. It decides nothing; what it is given has been decided upon.

mod items;
mod references;
mod values;

use super::MapError;
use super::document::{Layout, Reference, Written, assemble};
use super::marks_out::{ByPlace, Labelled, MarksOut, by_place, place_of};
use super::plan::{Link, Op, Part, Plan, Target};
use super::sheet::{self, Filled, Sheet};
use super::walk::{assign, get, hold, push, put, reach};
use super::where_in::Trail;
use crate::base::Text;
use crate::base::digest::{Digest, hex};
use crate::base::vocabulary::ClassSet;
use crate::catalog::format::IdForm;
use crate::format::tree::{Node, Value};
use crate::record::Record;
use std::collections::VecDeque;

/// One node being written.
struct Made<'a> {
    part: usize,
    node: Node,
    id: Text,
    person: Option<usize>,
    /// The object it stands for, where a rule referred to it.
    object: Option<&'a Node>,
    /// Classes of the values that went into it.
    classes: ClassSet,
}

struct Run<'a> {
    plan: &'a Plan,
    layout: &'a Layout,
    record: &'a Node,
    /// What rows read from the root of the record.
    whole: Filled<'a>,
    record_id: &'a str,
    persons: &'a [Node],
    missing: &'a [Node],
    made: Vec<Made<'a>>,
    queue: VecDeque<usize>,
    /// Nodes made of each part so far.
    counts: Vec<usize>,
    /// Values written so far; tells whether a part is there.
    values: usize,
    /// Parts inside parts that are being written.
    depth: usize,
    error: Option<MapError>,
    /// Classes of the record's places, where nodes are labelled.
    classes: Option<ByPlace>,
    /// Classes of what went into the nodes being written, the innermost last.
    open: Vec<ClassSet>,
    /// Values bear the span of what they were made of.
    traced: bool,
}

/// Where ops run: the record's context, and how it is called.
#[derive(Clone, Copy)]
struct Here<'a, 't> {
    context: &'a Node,
    trail: &'t Trail<'t>,
    /// What the sheet of the list being run found in the context.
    filled: &'t [Option<&'a Node>],
}

impl<'a, 't> Here<'a, 't> {
    fn at(context: &'a Node, trail: &'t Trail<'t>) -> Here<'a, 't> {
        Here {
            context,
            trail,
            filled: &[],
        }
    }
}

/// Writes one record; `traced`, so that each value bears the span of what it was made of.
pub(super) fn run(
    plan: &Plan,
    layout: &Layout,
    record: &Record,
    marking: Option<(&MarksOut, Labelled<'_>)>,
    traced: bool,
) -> Result<Node, MapError> {
    let envelope = record.envelope();
    let mut run = Run {
        plan,
        layout,
        record: &record.root,
        whole: plan.whole.fill(&record.root),
        record_id: envelope.and_then(|e| e.text("record_id")).unwrap_or(""),
        persons: record.persons(),
        missing: envelope
            .and_then(|e| e.get("missing"))
            .map(Node::items)
            .unwrap_or_default(),
        made: Vec::new(),
        queue: VecDeque::new(),
        counts: vec![0; plan.parts.len()],
        values: 0,
        depth: 0,
        error: None,
        classes: marking.map(|(_, labelled)| by_place(&record.root, labelled.leaves)),
        open: Vec::new(),
        traced,
    };
    run.make(0, None);
    run.drain();
    for (at, part) in plan.parts.iter().enumerate() {
        run.structural(at, part);
        if part.person && part.rest {
            run.rest(at, part);
        }
    }
    run.point_back();
    run.finish(marking)
}

impl<'a> Run<'a> {
    fn finish(self, marking: Option<(&MarksOut, Labelled<'_>)>) -> Result<Node, MapError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let plan = self.plan;
        let order = |made: &Made<'_>| {
            let part = plan.parts.get(made.part);
            (part.map_or(0, |p| p.order), made.part)
        };
        let mut made = self.made;
        let document_id = derived(
            self.record_id,
            "document",
            "",
            self.layout.reference.as_ref(),
        );
        // The root leads, the others follow by part; within a part as they were made.
        made.sort_by_key(order);
        let mut all = ClassSet::EMPTY;
        if let Some((marks, labelled)) = marking {
            for it in &mut made {
                all = all.union(it.classes);
                marks.label(&mut it.node, it.classes, labelled.owed);
            }
        }
        let written = made.into_iter().map(|it| Written {
            node_type: plan
                .parts
                .get(it.part)
                .map(|p| p.node_type.clone())
                .unwrap_or_default(),
            node: it.node,
            id: it.id,
        });
        let mut unit = assemble(self.layout, written.collect(), &document_id);
        if let Some((marks, _)) = marking.filter(|_| self.layout.writes_many()) {
            marks.label_document(&mut unit, all);
        }
        Ok(if self.layout.headers.is_empty() {
            unit
        } else {
            items::rows(unit)
        })
    }

    fn refuse(&mut self, error: MapError) {
        self.error.get_or_insert(error);
    }

    fn drain(&mut self) {
        while let Some(at) = self.queue.pop_front() {
            self.fill(at);
        }
    }

    /// A new node of a part, with type and id, its values still to come.
    fn make(&mut self, part: usize, person: Option<usize>) -> usize {
        let node = self.bare(part, person, self.counts.get(part).copied().unwrap_or(0));
        self.keep(part, person, node);
        self.queue.push_back(self.made.len() - 1);
        self.made.len() - 1
    }

    fn keep(&mut self, part: usize, person: Option<usize>, node: (Node, Text)) {
        if let Some(count) = self.counts.get_mut(part) {
            *count += 1;
        }
        let (node, id) = node;
        self.made.push(Made {
            part,
            node,
            id,
            person,
            object: None,
            classes: ClassSet::EMPTY,
        });
    }

    /// From here on values go into another node.
    fn begin(&mut self) {
        self.open.push(ClassSet::EMPTY);
    }

    /// The node that was begun last is the one at that place, or was given up.
    fn end(&mut self, at: Option<usize>) {
        let classes = self.open.pop().unwrap_or_default();
        if let Some(made) = at.and_then(|at| self.made.get_mut(at)) {
            made.classes = made.classes.union(classes);
        }
    }

    /// A value of the record goes into the node that was begun last.
    fn note(&mut self, from: &Node) {
        let found = self
            .classes
            .as_ref()
            .and_then(|all| all.get(&place_of(from)));
        if let (Some(classes), Some(open)) = (found, self.open.last_mut()) {
            *open = open.union(*classes);
        }
    }

    /// A node with nothing but type, id, key and what its conditions say.
    fn bare(&self, at: usize, person: Option<usize>, ordinal: usize) -> (Node, Text) {
        let mut node = Node::object();
        let Some(part) = self.plan.parts.get(at) else {
            return (node, Text::default());
        };
        let type_from = self.layout.places.iter().find_map(|p| p.type_from.as_ref());
        if let Some(path) = type_from {
            put(&mut node, path, Node::string(part.node_type.clone()));
        }
        let key = person
            .and_then(|at| self.persons.get(at))
            .and_then(|p| p.text("key"));
        let named = match (key, &part.key) {
            (Some(key), Some(_)) => Text::from(key),
            _ => compact_str::format_compact!("{ordinal}"),
        };
        let mut id = Text::default();
        if let Some(reference) = &self.layout.reference {
            id = derived(self.record_id, &part.name, &named, Some(reference));
            put(&mut node, &reference.id, Node::string(id.clone()));
        }
        assign(&mut node, &part.when);
        if let (Some(key), Some(place)) = (key, &part.key) {
            put(&mut node, &place.set, Node::string(key));
        }
        (node, id)
    }

    /// Writes the values of a node made before.
    fn fill(&mut self, at: usize) {
        let Some((part, person)) = self.made.get(at).map(|it| (it.part, it.person)) else {
            return;
        };
        let plan = self.plan;
        let Some(part) = plan.parts.get(part) else {
            return;
        };
        let mut node = self.made.get_mut(at).map(|it| std::mem::take(&mut it.node));
        self.begin();
        if let Some(node) = &mut node {
            self.fill_node(part, person, node);
        }
        self.end(Some(at));
        if let (Some(made), Some(node)) = (self.made.get_mut(at), node) {
            made.node = node;
        }
    }

    fn fill_node(&mut self, part: &'a Part, person: Option<usize>, node: &mut Node) {
        match person {
            Some(at) => {
                if let Some(context) = self.persons.get(at) {
                    let trail = Trail::Person(at);
                    self.run_part(part, Here::at(context, &trail), node);
                }
            }
            None => {
                if let Some(context) = get(self.record, &part.context) {
                    let trail = Trail::Root(&part.context_pointer);
                    self.run_part(part, Here::at(context, &trail), node);
                }
            }
        }
    }

    /// Parts that stand by structure rather than by a rule's reference.
    fn structural(&mut self, at: usize, part: &'a Part) {
        let linked = matches!(part.link, Link::Forward { .. } | Link::Backward { .. });
        if !linked || part.embedded {
            return;
        }
        if part.person {
            self.rest(at, part);
        } else if part.many {
            self.many(at, part);
        } else if matches!(part.link, Link::Backward { .. }) && self.counts.get(at) == Some(&0) {
            self.single(at, part);
        }
        self.drain();
    }

    /// An object part exists if its object is there, any other if one of its rules has a value.
    fn single(&mut self, at: usize, part: &'a Part) {
        let (mut node, id) = self.bare(at, None, 0);
        let before = self.values;
        self.begin();
        self.fill_node(part, None, &mut node);
        let there = self.values > before;
        if there {
            self.keep(at, None, (node, id));
        }
        self.end(self.made.len().checked_sub(1).filter(|_| there));
    }

    /// Persons no part has written yet.
    fn rest(&mut self, at: usize, part: &'a Part) {
        for (person, entry) in self.persons.iter().enumerate() {
            let written = self.made.iter().any(|it| it.person == Some(person));
            if !written && hold(entry, &part.only) {
                self.make(at, Some(person));
            }
        }
        self.drain();
    }

    /// References of parts that point to what they were found by.
    fn point_back(&mut self) {
        let plan = self.plan;
        for at in 0..self.made.len() {
            let part = self.made.get(at).and_then(|it| plan.parts.get(it.part));
            let Some(Link::Backward { into, path }) = part.map(|p| &p.link) else {
                continue;
            };
            let Some(text) = self.name_of_first(*into) else {
                continue;
            };
            if let (Some(made), Some(reference)) = (self.made.get_mut(at), &self.layout.reference) {
                let slot = reach(&mut made.node, path);
                if let Some(slot) = slot.filter(|slot| get(slot, &reference.value).is_none()) {
                    put(slot, &reference.value, Node::from(Value::String(text)));
                }
            }
        }
    }

    fn name_of_first(&self, part: usize) -> Option<Text> {
        self.made
            .iter()
            .find(|it| it.part == part)
            .and_then(|it| self.name(it))
    }

    fn name(&self, made: &Made<'_>) -> Option<Text> {
        let reference = self.layout.reference.as_ref()?;
        let part = self.plan.parts.get(made.part)?;
        Some(reference.write.fill(&part.node_type, &made.id))
    }

    fn run_part(&mut self, part: &'a Part, here: Here<'a, '_>, node: &mut Node) {
        self.run_list(&part.ops, &part.sheets.record, here, node);
    }

    fn run_list(&mut self, ops: &'a [Op], sheet: &Sheet, here: Here<'a, '_>, node: &mut Node) {
        let filled = sheet.fill(here.context);
        let here = Here {
            filled: &filled,
            ..here
        };
        self.run_ops(ops, here, node);
    }

    /// The value a row names.
    fn read(&self, target: &Target, here: Here<'a, '_>) -> Option<&'a Node> {
        let (base, filled) = match target.absolute {
            true => (self.record, self.whole.as_slice()),
            false => (here.context, here.filled),
        };
        sheet::read(filled, target.slot, base, &target.steps)
    }

    fn run_ops(&mut self, ops: &'a [Op], here: Here<'a, '_>, node: &mut Node) {
        for op in ops {
            match op {
                Op::Value(value) => self.value(value, here, node),
                Op::Ref(reference) => self.reference((reference, ops), here, node),
                Op::Each(each) => self.each(each, here, node),
                Op::WireConst(gate, place, value, _) => {
                    // What an earlier row says of the record is not replaced by what all have.
                    let free = get(node, &place.set).is_none();
                    if free && gate.outward && hold(here.context, &gate.only) {
                        set(node, place, value.clone());
                        assign(node, &gate.when);
                    }
                }
                Op::RecordConst(..) | Op::Unread(_) => {}
            }
        }
    }
}

impl Part {
    /// Whether it stands for an object that this record has.
    fn is_object_of(&self, record: &Node) -> bool {
        !self.context.is_empty() && get(record, &self.context).is_some()
    }
}

/// The place of a path in a node, a new item where it is a list.
fn place<'n>(node: &'n mut Node, place: &super::plan::Place) -> Option<&'n mut Node> {
    let slot = reach(node, &place.set)?;
    match &place.tail {
        None => Some(slot),
        Some(tail) => reach(push(slot)?, tail),
    }
}

fn set(node: &mut Node, at: &super::plan::Place, value: Node) {
    if let Some(slot) = place(node, at) {
        *slot = value;
    }
}

/// An id that tells nothing: of the record, what it is in it, and which.
fn derived(record_id: &str, part: &str, key: &str, reference: Option<&Reference>) -> Text {
    let parts = [record_id.as_bytes(), part.as_bytes(), key.as_bytes()];
    let mut half = Digest::of_parts(&parts).half();
    match reference.map_or(IdForm::Hex, |it| it.id_form) {
        IdForm::Hex => hex(&half).into(),
        IdForm::Ncname => compact_str::format_compact!("_{}", hex(&half)),
        IdForm::Uuid => {
            // Version 8, variant 1: a UUID whose bits are the digest's.
            for (at, byte) in half.iter_mut().enumerate() {
                match at {
                    6 => *byte = (*byte & 0x0f) | 0x80,
                    8 => *byte = (*byte & 0x3f) | 0x80,
                    _ => {}
                }
            }
            compact_str::format_compact!("{}", uuid::Uuid::from_bytes(half))
        }
    }
}
