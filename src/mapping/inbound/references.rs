//! Wire to record: values that refer to a part, and parts that stand in the value itself.

use super::{Here, Instance, PARTS_DEPTH_MAX, Run};
use crate::base::Text;
use crate::base::finding::{Finding, Span};
use crate::base::finding_codes as codes;
use crate::format::tree::{Node, Value};
use crate::mapping::document::Found;
use crate::mapping::plan::{Part, RefOp, Target};
use crate::mapping::walk::{assign_absent, get, hold};
use crate::mapping::where_in::Trail;

impl<'a> Run<'a> {
    pub(super) fn reference(&mut self, op: &'a RefOp, here: Here<'a, '_>, context: &mut Node) {
        let Some(target) = op.record.as_ref().filter(|_| op.gate.inward) else {
            self.touch(op, here);
            return;
        };
        if !hold(here.node, &op.gate.when) {
            return;
        }
        if op.here {
            self.itself(op, target, here, context);
            return;
        }
        let Some(at) = here.get(&op.wire) else {
            return;
        };
        match &op.wire.tail {
            None => self.one_reference(op, target, at, here, context),
            Some(tail) => {
                for item in at.items() {
                    if let Some(reference) = get(item, tail) {
                        self.one_reference(op, target, reference, here, context);
                    }
                }
            }
        }
    }

    fn one_reference(
        &mut self,
        op: &'a RefOp,
        target: &Target,
        at: &'a Node,
        here: Here<'a, '_>,
        context: &mut Node,
    ) {
        let plan = self.plan;
        let embedded = op
            .parts
            .iter()
            .filter_map(|part| plan.parts.get(*part))
            .find(|p| p.embedded);
        let made = match embedded {
            Some(part) if part.person => self.embedded(part, Here::at(at, here.owner)),
            Some(part) => self.object(part, Here::at(at, here.owner)),
            None => self
                .resolve(at, here, target.required && !op.optional)
                .and_then(|found| self.referred(op, found)),
        };
        if let Some(mut made) = made {
            made.span = at.span;
            self.values += 1;
            // What is repeated on every row is said once.
            if !op.wire.is_rows() || !self.listed(target, context, &made) {
                self.set(target, context, made);
            }
        }
    }

    fn listed(&self, target: &Target, context: &Node, key: &Node) -> bool {
        let base = match target.absolute {
            true => &self.root,
            false => context,
        };
        let items = get(base, &target.steps).map(Node::items);
        items.unwrap_or_default().contains(key)
    }

    /// The person that the node itself is.
    fn itself(&mut self, op: &RefOp, target: &Target, here: Here<'a, '_>, context: &mut Node) {
        let same = |it: &&Instance<'_>| {
            std::ptr::eq(it.found.node, here.node) && op.parts.contains(&it.part)
        };
        let person = self.instances.iter().find(same).and_then(|it| it.person);
        let key = person
            .and_then(|at| self.persons.get(at))
            .and_then(|p| p.get("key"));
        if let Some(key) = key.cloned() {
            self.values += 1;
            self.set(target, context, key);
        }
    }

    /// The key of the person or the object that a node found by reference stands for.
    fn referred(&mut self, op: &'a RefOp, found: Found<'a>) -> Option<Node> {
        let plan = self.plan;
        let fits = |at: &&usize| plan.parts.get(**at).is_some_and(|p| p.accepts(&found));
        let at = *op.parts.iter().find(fits)?;
        let part = plan.parts.get(at)?;
        if !part.person {
            self.instances.push(Instance {
                part: at,
                found,
                person: None,
            });
            let here = Here::of(&found);
            return self.object(part, here);
        }
        let key = part
            .key
            .as_ref()
            .and_then(|place| get(found.node, &place.get));
        let key = key.and_then(Node::lexeme).map(Text::from);
        let instance = self.add_instance(at, found, key.as_ref());
        let person = self.instances.get(instance)?.person?;
        self.persons.get(person)?.get("key").cloned()
    }

    /// An object of the record out of a part's node.
    fn object(&mut self, part: &'a Part, here: Here<'a, '_>) -> Option<Node> {
        if self.depth >= PARTS_DEPTH_MAX || !hold(here.node, &part.when) {
            return None;
        }
        let before = self.values;
        let mut object = Node::object();
        self.depth += 1;
        self.run_part(part, here, &mut object, &Trail::Root(""));
        self.depth -= 1;
        (self.values > before).then_some(object)
    }

    /// A reference the record does not hold still makes an object part exist.
    fn touch(&mut self, op: &'a RefOp, here: Here<'a, '_>) {
        if !op.gate.inward || !hold(here.node, &op.gate.when) {
            return;
        }
        if op.same {
            self.must_be_known(op, here);
        }
        let plan = self.plan;
        let objects = op
            .parts
            .iter()
            .filter(|p| plan.parts.get(**p).is_some_and(|p| !p.person));
        for at in objects {
            let Some(part) = plan.parts.get(*at) else {
                continue;
            };
            let Some(reference) = here.get(&op.wire) else {
                continue;
            };
            if part.embedded {
                self.run_object(part, Here::at(reference, here.owner));
                continue;
            }
            let found = self.resolve(reference, here, false);
            if let Some(found) = found.filter(|found| part.accepts(found)) {
                self.add_instance(*at, found, None);
            }
        }
    }

    /// What names another person than the one the record is about belongs to another record.
    fn must_be_known(&mut self, op: &'a RefOp, here: Here<'a, '_>) {
        let plan = self.plan;
        let Some(reference) = here.get(&op.wire) else {
            return;
        };
        // What has only a name to show is told, and refuses nothing.
        let refers = self.index.reference_text(reference).is_some();
        let Some(found) = self.resolve(reference, here, refers) else {
            return;
        };
        let parts = op.parts.iter().filter_map(|at| plan.parts.get(*at));
        let fits = parts.into_iter().any(|part| part.accepts(&found));
        let mut known = self
            .instances
            .iter()
            .filter(|it| op.parts.contains(&it.part));
        if fits && !known.any(|it| std::ptr::eq(it.found.node, found.node)) {
            self.find(Finding::new(&codes::PERSON_DISAGREES), reference.span);
        }
    }

    /// Runs a part that stands in the node itself; its key if it is there at all.
    fn embedded(&mut self, part: &'a Part, here: Here<'a, '_>) -> Option<Node> {
        if self.depth >= PARTS_DEPTH_MAX || !hold(here.node, &part.when) {
            return None;
        }
        let key = part
            .key
            .as_ref()
            .and_then(|place| get(here.node, &place.get));
        let key = key.and_then(Node::lexeme).map(Text::from);
        let before = self.values;
        let mut entry = Node::object();
        let number = self.persons.len();
        self.depth += 1;
        self.run_part(part, here, &mut entry, &Trail::Person(number));
        self.depth -= 1;
        if key.is_none() && self.values == before {
            return None;
        }
        let same = match &key {
            Some(key) => self.persons.iter().position(|p| p.text("key") == Some(key)),
            None => self
                .persons
                .iter()
                .position(|p| shares_identifier(p, &entry)),
        };
        let person = match same {
            Some(at) => at,
            None => self.new_person(key.as_ref(), here.node.span),
        };
        let slot = self.persons.get_mut(person)?;
        assign_absent(&mut entry, &part.only);
        let mut wrong = Vec::new();
        fill(slot, entry, &mut wrong);
        let key = slot.get("key").cloned();
        for span in wrong {
            self.find(Finding::new(&codes::PERSON_DISAGREES), span);
        }
        key
    }
}

/// Puts members into an object where it has none of that name, and gives where a value is there
/// and says something else. Lists stay as they are, but for one item told twice.
fn fill(into: &mut Node, from: Node, wrong: &mut Vec<Span>) {
    let Value::Object(members) = from.value else {
        return;
    };
    for (name, node) in members {
        let Some(own) = into.get_mut(&name) else {
            into.set(&name, node);
            continue;
        };
        meet(own, node, wrong);
    }
}

fn meet(own: &mut Node, other: Node, wrong: &mut Vec<Span>) {
    match (&mut own.value, other.value) {
        (Value::Object(_), value @ Value::Object(_)) => {
            let other = Node {
                value,
                span: other.span,
            };
            fill(own, other, wrong);
        }
        (Value::Array(items), Value::Array(others)) => {
            let mut others = others.into_iter();
            if let ([one], Some(other), None) = (items.as_mut_slice(), others.next(), others.next())
            {
                meet(one, other, wrong);
            }
        }
        (value, new) => {
            if *value != new {
                wrong.push(other.span);
            }
        }
    }
}

fn shares_identifier(left: &Node, right: &Node) -> bool {
    let of = |node: &Node| -> Vec<(Text, Text)> {
        let list = node.get("identifiers").map(Node::items).unwrap_or_default();
        let pair = |it: &Node| Some((it.text("system")?.into(), it.text("value")?.into()));
        list.iter().filter_map(pair).collect()
    };
    let left = of(left);
    !left.is_empty() && of(right).iter().any(|pair| left.contains(pair))
}
