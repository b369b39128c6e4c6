//! Record to wire: what a row refers to, by another node or inside the node itself.

use super::{Here, Made, Run, place};
use crate::base::Text;
use crate::format::tree::{Node, Value};
use crate::mapping::MapError;
use crate::mapping::inbound::PARTS_DEPTH_MAX;
use crate::mapping::plan::{Op, Part, RefOp};
use crate::mapping::walk::{assign, get, hold, put};
use crate::mapping::where_in::Trail;

/// Which row a reference is read by.
enum By {
    /// The one that is being written.
    Itself,
    /// Another, for which it is written too.
    Twin,
    /// None.
    None,
}

impl<'a> Run<'a> {
    /// One row that refers to something, among the rows it stands with.
    pub(super) fn reference(
        &mut self,
        (op, rows): (&'a RefOp, &'a [Op]),
        here: Here<'a, '_>,
        node: &mut Node,
    ) {
        if !op.gate.outward {
            return;
        }
        let Some(target) = &op.record else {
            self.refer_to_object(op, here, node);
            return;
        };
        let base = if target.absolute {
            self.record
        } else {
            here.context
        };
        if !hold(base, &op.gate.only) {
            return;
        }
        let Some(at) = self.read(target, here) else {
            return;
        };
        match &target.tail {
            None => self.one_reference((op, rows), at, node),
            Some(tail) => {
                let keys = at.items().iter().filter_map(|item| get(item, tail));
                for (number, key) in keys.enumerate() {
                    if op.wire.is_rows() {
                        self.in_row(op, number, key, node);
                        continue;
                    }
                    self.one_reference((op, rows), key, node);
                    if op.wire.tail.is_none() {
                        // One place on the wire: the first of the list.
                        break;
                    }
                }
            }
        }
    }

    fn one_reference(
        &mut self,
        (op, rows): (&'a RefOp, &'a [Op]),
        value: &'a Node,
        node: &mut Node,
    ) {
        if matches!(value.value, Value::Object(_)) {
            self.refer_to_value(op, value, node);
            return;
        }
        let Some(key) = value.as_str() else { return };
        self.note(value);
        let Some(person) = self.persons.iter().position(|p| p.text("key") == Some(key)) else {
            return;
        };
        let plan = self.plan;
        let embedded = op
            .parts
            .iter()
            .filter_map(|at| plan.parts.get(*at))
            .find(|p| p.embedded);
        if let Some(part) = embedded {
            self.embed(op, part, person, node);
            return;
        }
        let known = self.made.iter().position(|it| it.person == Some(person));
        let known = known.or_else(|| {
            let entry = self.persons.get(person)?;
            let fits = |at: &&usize| {
                plan.parts
                    .get(**at)
                    .is_some_and(|p| p.person && hold(entry, &p.only))
            };
            let part = op.parts.iter().find(fits)?;
            Some(self.make(*part, Some(person)))
        });
        let Some(made) = known.and_then(|at| self.made.get(at)) else {
            return;
        };
        // A person is one node: where none of the rows takes that kind, nobody would read it.
        match self.read_by(op, rows, made) {
            By::None if op.gate.inward => {
                let path = op.record.as_ref().map(|it| it.pointer.clone());
                self.refuse(MapError::NotWritable {
                    path: path.unwrap_or_default(),
                });
            }
            // The place of this row is for other kinds.
            By::Twin if op.gate.inward => {}
            By::Itself | By::Twin | By::None => {
                if let Some(text) = self.name(made) {
                    self.write_reference(op, text, node);
                }
            }
        }
    }

    /// What reads a node of that kind: the row, or another of the same record path that is written
    /// wherever this one is.
    fn read_by(&self, op: &RefOp, rows: &[Op], made: &Made<'_>) -> By {
        let kind = |at: usize| self.plan.parts.get(at).map(|part| &part.node_type);
        let takes = |row: &RefOp| row.parts.iter().any(|at| kind(*at) == kind(made.part));
        if takes(op) {
            return By::Itself;
        }
        let same = |row: &RefOp| match (&row.record, &op.record) {
            (Some(l), Some(r)) => l.absolute == r.absolute && l.pointer == r.pointer,
            _ => false,
        };
        let twins = rows.iter().filter_map(|row| match row {
            Op::Ref(row) => Some(row).filter(|row| row.gate.inward && same(row)),
            _ => None,
        });
        let mut found = By::None;
        for twin in twins.filter(|row| takes(row)) {
            if twin.gate.outward && twin.gate.only.is_empty() {
                return By::Twin;
            }
            // Read from elsewhere, and written nowhere but here.
            found = By::Itself;
        }
        found
    }

    /// A reference to the node of an object; equal objects share one.
    pub(super) fn refer_to_value(&mut self, op: &'a RefOp, value: &'a Node, node: &mut Node) {
        let plan = self.plan;
        let fits = |at: &&usize| {
            plan.parts
                .get(**at)
                .is_some_and(|p| !p.person && hold(value, &p.only))
        };
        let Some(at) = op.parts.iter().find(fits).copied() else {
            return;
        };
        let Some(part) = plan.parts.get(at).filter(|_| self.depth < PARTS_DEPTH_MAX) else {
            return;
        };
        let root = Trail::Root("");
        let here = Here::at(value, &root);
        self.depth += 1;
        if part.embedded {
            if let Some(slot) = place(node, &op.wire) {
                assign(slot, &part.when);
                self.run_part(part, here, slot);
            }
            assign(node, &op.gate.when);
        } else {
            let same = |it: &Made<'_>| it.part == at && it.object == Some(value);
            let known = self.made.iter().position(same);
            let place = known.unwrap_or_else(|| self.make_object(at, part, here));
            if let Some(text) = self.made.get(place).and_then(|it| self.name(it)) {
                self.write_reference(op, text, node);
            }
        }
        self.depth -= 1;
    }

    pub(super) fn make_object(&mut self, at: usize, part: &'a Part, here: Here<'a, '_>) -> usize {
        let ordinal = self.counts.get(at).copied().unwrap_or(0);
        let (mut node, id) = self.bare(at, None, ordinal);
        // Its place is taken before what it refers to, as in the order of reading.
        self.keep(at, None, (Node::default(), id));
        let place = self.made.len() - 1;
        self.begin();
        self.run_part(part, here, &mut node);
        self.end(Some(place));
        if let Some(made) = self.made.get_mut(place) {
            made.node = node;
            made.object = Some(here.context);
        }
        place
    }

    pub(super) fn write_reference(&mut self, op: &'a RefOp, text: Text, node: &mut Node) {
        let Some(reference) = &self.layout.reference else {
            return;
        };
        if let Some(slot) = place(node, &op.wire) {
            put(slot, &reference.value, Node::from(Value::String(text)));
            self.values += 1;
        }
        assign(node, &op.gate.when);
    }

    pub(super) fn embed(&mut self, op: &'a RefOp, part: &'a Part, person: usize, node: &mut Node) {
        let Some(slot) = place(node, &op.wire) else {
            return;
        };
        let before = self.values;
        self.embed_in(part, person, slot);
        if self.values > before {
            assign(node, &op.gate.when);
        }
    }

    pub(super) fn embed_in(&mut self, part: &'a Part, person: usize, slot: &mut Node) {
        let key = self.persons.get(person).and_then(|p| p.text("key"));
        if let (Some(key), Some(place)) = (key, &part.key) {
            put(slot, &place.set, Node::string(key));
            self.values += 1;
        }
        assign(slot, &part.when);
        self.fill_node(part, Some(person), slot);
    }

    /// A reference the record does not hold: to an object part, or to the first node of a part.
    pub(super) fn refer_to_object(&mut self, op: &'a RefOp, here: Here<'a, '_>, node: &mut Node) {
        if !hold(here.context, &op.gate.only) {
            return;
        }
        let plan = self.plan;
        for at in &op.parts {
            let Some(part) = plan.parts.get(*at) else {
                continue;
            };
            if !part.person && part.embedded {
                if get(self.record, &part.context).is_some()
                    && let Some(slot) = place(node, &op.wire)
                {
                    self.fill_node(part, None, slot);
                }
                return;
            }
            let there = self.counts.get(*at).is_some_and(|count| *count > 0);
            if !there && !part.person && !part.many && part.is_object_of(self.record) {
                self.make(*at, None);
            }
            if let Some(text) = self.name_of_first(*at) {
                self.write_reference(op, text, node);
                return;
            }
        }
    }
}
