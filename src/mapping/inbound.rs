//! Wire to record: one root node and what it refers to become one canonical record.
//!
//! Bounded by the document, deterministic, and every value keeps the span it was read from, so
//! that whatever is found later is told on the sender's line.

mod items;
mod references;
mod rows;
mod structure;
mod values;

use super::document::{Ambiguous, Found, Index};
use super::plan::{Op, Part, Place, Plan, Target};
use super::sheet;
use super::walk::{assign_absent, get, hold, push, put, reach};
use super::where_in::Trail;
use crate::base::Text;
use crate::base::finding::{Finding, Span, add_within};
use crate::base::finding_codes as codes;
use crate::base::limits::RECORD_FINDINGS_MAX;
use crate::format::tree::{Node, Value};
use std::collections::VecDeque;

/// Parts inside parts, each read within the other.
pub(super) const PARTS_DEPTH_MAX: usize = 8;

/// What one root node became.
pub(super) struct Made {
    /// `{ envelope, persons, body }`.
    pub root: Node,
    /// What was found on the way; spans, not yet lines.
    pub findings: Vec<Finding>,
    /// Nodes of the index that went into it.
    pub used: Vec<usize>,
}

/// One node that serves as a part.
struct Instance<'a> {
    part: usize,
    found: Found<'a>,
    person: Option<usize>,
}

struct Run<'a> {
    plan: &'a Plan,
    index: &'a Index<'a>,
    root: Node,
    persons: Vec<Node>,
    instances: Vec<Instance<'a>>,
    queue: VecDeque<usize>,
    /// Values read from the wire so far; tells whether an item or embedded part is there.
    values: usize,
    /// Parts inside parts that are being read.
    depth: usize,
    missing: Vec<Node>,
    findings: Vec<Finding>,
}

/// Where ops run: the wire node, and the node of the index it stands in.
#[derive(Clone, Copy)]
struct Here<'a, 's> {
    node: &'a Node,
    owner: usize,
    /// What the sheet of the list being run found in the node.
    filled: &'s [Option<&'a Node>],
}

impl<'a, 's> Here<'a, 's> {
    fn of(found: &Found<'a>) -> Here<'a, 's> {
        Here::at(found.node, found.at)
    }

    fn at(node: &'a Node, owner: usize) -> Here<'a, 's> {
        Here {
            node,
            owner,
            filled: &[],
        }
    }

    fn get(&self, place: &Place) -> Option<&'a Node> {
        sheet::read(self.filled, place.slot, self.node, &place.get)
    }
}

/// Makes the record of one root node. `alone`: no other root stands in the document.
pub(super) fn run<'a>(plan: &'a Plan, index: &'a Index<'a>, root: Found<'a>, alone: bool) -> Made {
    let mut run = Run {
        plan,
        index,
        root: Node::object(),
        persons: Vec::new(),
        instances: Vec::new(),
        queue: VecDeque::new(),
        values: 0,
        depth: 0,
        missing: Vec::new(),
        findings: Vec::new(),
    };
    run.root.span = root.node.span;
    run.begin();
    run.add_instance(0, root, None);
    run.drain();
    for (at, part) in plan.parts.iter().enumerate() {
        run.structural(at, part);
        run.elsewhere(at, part);
        if part.person && alone && part.rest {
            run.rest(at, part);
        }
    }
    run.fall_back();
    run.compare_rows(root.node);
    run.look();
    run.finish()
}

impl<'a> Run<'a> {
    fn begin(&mut self) {
        let mut envelope = Node::object();
        envelope.set("record_type", Node::string(self.plan.record.as_str()));
        envelope.set(
            "schema_version",
            Node::string(self.plan.schema_version.as_str()),
        );
        self.root.set("envelope", envelope);
        self.root.set("persons", Node::array());
        self.root.set("body", Node::object());
    }

    fn finish(mut self) -> Made {
        let persons = std::mem::take(&mut self.persons);
        put_member(&mut self.root, "persons", Value::Array(persons));
        if !self.missing.is_empty() {
            let missing = std::mem::take(&mut self.missing);
            if let Some(envelope) = self.root.get_mut("envelope") {
                envelope.set("missing", Node::from(Value::Array(missing)));
            }
        }
        let listed = self.instances.iter().filter(|it| it.found.listed);
        let used = listed.map(|it| it.found.at).collect();
        Made {
            root: self.root,
            findings: self.findings,
            used,
        }
    }

    /// Tells the items no row reads, of lists of which every one must be.
    fn look(&mut self) {
        let coverage = &self.plan.coverage;
        if coverage.parts.is_empty() {
            return;
        }
        let mut nodes: Vec<(&Node, Vec<usize>)> = Vec::new();
        for it in &self.instances {
            let part = self.plan.parts.get(it.part);
            if part.is_none_or(|part| part.embedded) {
                continue;
            }
            let known = nodes.iter_mut();
            let mut known = known.filter(|(node, _)| std::ptr::eq(*node, it.found.node));
            match known.next() {
                Some((_, parts)) => parts.push(it.part),
                None => nodes.push((it.found.node, vec![it.part])),
            }
        }
        coverage.look(&nodes, &mut |code, span| {
            self.find(Finding::new(code), span);
        });
    }

    /// Rows that fill what others have left empty.
    fn fall_back(&mut self) {
        let plan = self.plan;
        for row in &plan.fallbacks {
            let mut all = self.instances.iter().filter(|it| it.part == row.part);
            let it = if row.last {
                all.next_back()
            } else {
                all.next()
            };
            let Some(found) = it.map(|it| it.found) else {
                continue;
            };
            let here = Here::of(&found);
            let ops = std::slice::from_ref(&row.op);
            self.run_ops(ops, here, &mut Node::object(), &Trail::Root(""));
            self.drain();
        }
    }

    fn find(&mut self, finding: Finding, span: Span) {
        add_within(
            &mut self.findings,
            finding.spanning(span),
            RECORD_FINDINGS_MAX,
        );
    }

    fn drain(&mut self) {
        while let Some(at) = self.queue.pop_front() {
            self.run_instance(at);
        }
    }

    /// The instance for a node, made when it is new.
    fn add_instance(&mut self, part: usize, found: Found<'a>, key: Option<&Text>) -> usize {
        let known = self
            .instances
            .iter()
            .position(|it| std::ptr::eq(it.found.node, found.node) && self.same_kind(it, part));
        if let Some(at) = known {
            return at;
        }
        let person = self.plan.parts.get(part).is_some_and(|p| p.person);
        let person = person.then(|| self.new_person(key, found.node.span));
        self.instances.push(Instance {
            part,
            found,
            person,
        });
        self.queue.push_back(self.instances.len() - 1);
        self.instances.len() - 1
    }

    /// One node is one person whatever part reached it first, and one instance of each other part.
    fn same_kind(&self, instance: &Instance<'_>, part: usize) -> bool {
        instance.part == part
            || (instance.person.is_some() && self.plan.parts.get(part).is_some_and(|p| p.person))
    }

    fn new_person(&mut self, key: Option<&Text>, span: Span) -> usize {
        let taken =
            |key: &str, persons: &[Node]| persons.iter().any(|p| p.text("key") == Some(key));
        let key = match key {
            Some(key) => key.clone(),
            None => {
                let mut number = self.persons.len() + 1;
                loop {
                    let key = compact_str::format_compact!("p{number}");
                    if !taken(&key, &self.persons) {
                        break key;
                    }
                    number += 1;
                }
            }
        };
        let mut person = Node::object();
        person.span = span;
        person.set(
            "key",
            Node {
                value: Value::String(key),
                span,
            },
        );
        self.persons.push(person);
        self.persons.len() - 1
    }

    fn run_instance(&mut self, at: usize) {
        let Some((part, found, person)) = self
            .instances
            .get(at)
            .map(|it| (it.part, it.found, it.person))
        else {
            return;
        };
        let plan = self.plan;
        let Some(part) = plan.parts.get(part) else {
            return;
        };
        let here = Here::of(&found);
        match person {
            Some(person) => self.run_person(part, here, person),
            None => self.run_object(part, here),
        }
    }

    fn run_person(&mut self, part: &'a Part, here: Here<'a, '_>, person: usize) {
        let mut entry = self
            .persons
            .get_mut(person)
            .map(std::mem::take)
            .unwrap_or_default();
        self.run_part(part, here, &mut entry, &Trail::Person(person));
        assign_absent(&mut entry, &part.only);
        if let Some(slot) = self.persons.get_mut(person) {
            *slot = entry;
        }
    }

    fn run_object(&mut self, part: &'a Part, here: Here<'a, '_>) {
        let mut object = Node::object();
        let trail = Trail::Root(&part.context_pointer);
        self.run_part(part, here, &mut object, &trail);
        if !object.is_empty_container() && !part.context.is_empty() {
            merge(reach(&mut self.root, &part.context), object);
        }
    }

    /// The node a reference names; what it does not name, or not clearly, is told.
    fn resolve(
        &mut self,
        reference: &'a Node,
        here: Here<'a, '_>,
        required: bool,
    ) -> Option<Found<'a>> {
        let index = self.index;
        let text = index.reference_text(reference);
        let found = text.map_or(Ok(None), |text| index.resolve(text, here.owner));
        // A record whose references stay inside reaches only what its own node holds.
        let inside = |found: &Found<'_>| !self.plan.root_only || !found.listed;
        let code = match found {
            Ok(Some(found)) if inside(&found) => return Some(found),
            Ok(_) if required => &codes::REFERENCE_DANGLING,
            Ok(_) => &codes::REFERENCE_UNRESOLVED,
            Err(Ambiguous) => &codes::REFERENCE_AMBIGUOUS,
        };
        self.find(Finding::new(code), reference.span);
        None
    }

    fn run_part(
        &mut self,
        part: &'a Part,
        here: Here<'a, '_>,
        context: &mut Node,
        trail: &Trail<'_>,
    ) {
        let filled = part.sheets.wire.fill(here.node);
        let here = Here {
            filled: &filled,
            ..here
        };
        self.run_ops(&part.ops, here, context, trail);
    }

    fn run_ops(
        &mut self,
        ops: &'a [Op],
        here: Here<'a, '_>,
        context: &mut Node,
        trail: &Trail<'_>,
    ) {
        for op in ops {
            match op {
                Op::Value(value) => self.value(value, here, context, trail),
                Op::Ref(reference) => self.reference(reference, here, context),
                Op::Each(each) => self.each(each, here, context, trail),
                Op::Unread(unread) => self.unread(unread, here),
                Op::RecordConst(gate, target, value) => {
                    let base = if target.absolute {
                        &self.root
                    } else {
                        &*context
                    };
                    let there = get(base, &target.steps).is_some() && target.tail.is_none();
                    if gate.inward && !there && hold(here.node, &gate.when) {
                        self.set(target, context, value.clone());
                    }
                }
                Op::WireConst(gate, place, value, expected) => {
                    if gate.inward && *expected && hold(here.node, &gate.when) {
                        let it = here.get(place);
                        if it.is_none_or(|it| it.value != value.value) {
                            let span = it.map_or(here.node.span, |it| it.span);
                            self.find(Finding::new(&codes::SCHEMA_CODE_UNKNOWN), span);
                        }
                    }
                }
            }
        }
    }

    /// Sets a value in the record, or adds it to a list.
    fn set(&mut self, target: &Target, context: &mut Node, value: Node) {
        let base = if target.absolute {
            &mut self.root
        } else {
            context
        };
        match &target.tail {
            None => put(base, &target.steps, value),
            Some(tail) => {
                if let Some(item) = reach(base, &target.steps).and_then(push) {
                    put(item, tail, value);
                }
            }
        }
    }
}

impl Part {
    /// Whether a node can be this part.
    pub(super) fn accepts(&self, found: &Found<'_>) -> bool {
        self.node_type == found.node_type && hold(found.node, &self.when)
    }
}

/// Sorts by what is found of each item: instants by time, other text as it is. An item of which
/// nothing is found stays behind the one before it: only its place tells when it was.
pub(super) fn put_in_order<'n, T: Copy>(
    items: &mut Vec<T>,
    found: impl Fn(&T) -> Option<&'n Node>,
) {
    let mut before = SortKey::default();
    let mut keyed: Vec<(SortKey, T)> = Vec::with_capacity(items.len());
    for item in items.iter() {
        if let Some(text) = found(item).and_then(Node::lexeme) {
            before = sort_key(text);
        }
        keyed.push((before.clone(), *item));
    }
    keyed.sort_by(|left, right| left.0.cmp(&right.0));
    *items = keyed.into_iter().map(|(_, item)| item).collect();
}

/// Nothing told yet, then what has a time, then what has not.
type SortKey = (u8, i128, Text);

fn sort_key(text: &str) -> SortKey {
    // A date alone is its first moment.
    let padded = match text.len() {
        4 => format!("{text}-01-01T00:00:00Z"),
        7 => format!("{text}-01T00:00:00Z"),
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    match padded.parse::<jiff::Timestamp>() {
        Ok(instant) => (1, instant.as_nanosecond(), Text::default()),
        Err(_) => (2, 0, text.into()),
    }
}

fn put_member(node: &mut Node, name: &str, value: Value) {
    if let Some(slot) = node.get_mut(name) {
        slot.value = value;
    }
}

/// Puts the members of an object into another; what is there is replaced.
fn merge(into: Option<&mut Node>, from: Node) {
    let (Some(into), Value::Object(members)) = (into, from.value) else {
        return;
    };
    for (name, node) in members {
        into.set(&name, node);
    }
}
