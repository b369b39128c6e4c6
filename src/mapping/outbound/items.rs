//! Record to wire: items on both sides, and rows.

use super::{Here, Run};
use crate::base::Text;
use crate::format::tree::{Node, Value};
use crate::mapping::MapError;
use crate::mapping::inbound::put_in_order;
use crate::mapping::plan::{EachOp, Part, ROWS, RefOp};
use crate::mapping::walk::{assign, get, hold, item, reach};
use crate::mapping::where_in::Trail;

impl<'a> Run<'a> {
    /// One `each` over items of the record.
    pub(super) fn each(&mut self, op: &'a EachOp, here: Here<'a, '_>, node: &mut Node) {
        if !op.gate.outward {
            return;
        }
        let items = self.items(op, here);
        for (number, (at, context)) in items.into_iter().enumerate() {
            let trail = Trail::Item {
                of: here.trail,
                list: &op.record.pointer,
                absolute: op.record.absolute,
                at,
            };
            let here = Here::at(context, &trail);
            if op.columns {
                match op.ops.get(number) {
                    Some(ops) => self.run_ops(ops, here, node),
                    None => self.refuse(MapError::TooManyItems {
                        path: op.record.pointer.clone(),
                    }),
                }
                continue;
            }
            let Some(ops) = op.ops.first() else { continue };
            let Some(list) = reach(node, &op.wire.set) else {
                continue;
            };
            let place = if op.shared {
                number
            } else {
                list.items().len()
            };
            let before = self.values;
            let mut slot = match op.shared {
                true => item(list, place).map(std::mem::take).unwrap_or_default(),
                false => Node::object(),
            };
            if !op.shared {
                assign(&mut slot, &op.gate.when);
            }
            self.run_list(ops, &op.sheets.record, here, &mut slot);
            if (self.values > before || op.shared)
                && let Some(list) = reach(node, &op.wire.set)
                && let Some(at) = item(list, place)
            {
                *at = slot;
            } else {
                drop_empty(node, op);
            }
        }
    }

    /// The person of that key, embedded in row `number`, which other lists fill as well.
    pub(super) fn in_row(&mut self, op: &'a RefOp, number: usize, key: &Node, node: &mut Node) {
        let known = |p: &&Node| p.get("key") == Some(key);
        let Some(person) = self.persons.iter().position(|p| known(&p)) else {
            return;
        };
        let plan = self.plan;
        let mut parts = op.parts.iter().filter_map(|at| plan.parts.get(*at));
        let Some(part) = parts.find(|part| part.embedded) else {
            return;
        };
        let slot = |node: &'_ mut Node| -> Option<Node> {
            let list = reach(node, &op.wire.set)?;
            item(list, number).map(std::mem::take)
        };
        let mut row = slot(node).unwrap_or_default();
        self.embed_in(part, person, &mut row);
        if let Some(list) = reach(node, &op.wire.set)
            && let Some(at) = item(list, number)
        {
            *at = row;
        }
    }

    /// Record items an op takes, with their places.
    fn items(&self, op: &EachOp, here: Here<'a, '_>) -> Vec<(usize, &'a Node)> {
        let list = self.read(&op.record, here).map(Node::items);
        let list = list.unwrap_or_default();
        let mut items: Vec<(usize, &Node)> = list
            .iter()
            .enumerate()
            .filter(|(_, item)| hold(item, &op.gate.only))
            .collect();
        if let Some(order) = &op.order_by {
            put_in_order(&mut items, |(_, item)| get(item, order));
        }
        items
    }

    /// The nodes of a `many` part: one per item of its `each`.
    pub(super) fn many(&mut self, at: usize, part: &'a Part) {
        let root = Trail::Root("");
        for op in part.each.iter().filter(|op| op.gate.outward) {
            for (place, context) in self.items(op, Here::at(self.record, &root)) {
                let trail = Trail::Item {
                    of: &root,
                    list: &op.record.pointer,
                    absolute: true,
                    at: place,
                };
                let ordinal = self.counts.get(at).copied().unwrap_or(0);
                let (mut node, id) = self.bare(at, None, ordinal);
                assign(&mut node, &op.gate.when);
                let here = Here::at(context, &trail);
                self.begin();
                if let Some(ops) = op.ops.first() {
                    self.run_list(ops, &op.sheets.record, here, &mut node);
                }
                self.fill_node(part, None, &mut node);
                self.keep(at, None, (node, id));
                self.end(self.made.len().checked_sub(1));
                self.drain();
            }
        }
        self.pick(at, part);
        self.list_references(at, part);
    }

    /// Rules on the first or last instance, which is made when there is none.
    fn pick(&mut self, at: usize, part: &'a Part) {
        for (last, op) in &part.picks {
            let place = if *last {
                self.made.iter().rposition(|it| it.part == at)
            } else {
                self.made.iter().position(|it| it.part == at)
            };
            let new = place.is_none();
            let (mut node, id) = match place.and_then(|place| self.made.get_mut(place)) {
                Some(made) => (std::mem::take(&mut made.node), made.id.clone()),
                None => self.bare(at, None, 0),
            };
            let before = self.values;
            let root = Trail::Root("");
            let here = Here::at(self.record, &root);
            self.begin();
            self.run_ops(std::slice::from_ref(op), here, &mut node);
            let new = new && self.values > before;
            match place.and_then(|place| self.made.get_mut(place)) {
                Some(made) => made.node = node,
                None if new => self.keep(at, None, (node, id)),
                None => {}
            }
            let last = self.made.len().checked_sub(1).filter(|_| new);
            self.end(place.or(last));
        }
    }

    /// References from the part that lists a `many` part.
    fn list_references(&mut self, at: usize, part: &'a Part) {
        let crate::mapping::plan::Link::Forward { from, path } = &part.link else {
            return;
        };
        let all = self.made.iter().filter(|it| it.part == at);
        let names: Vec<Text> = all.filter_map(|it| self.name(it)).collect();
        let Some(reference) = &self.layout.reference else {
            return;
        };
        if let Some(holder) = self.made.iter_mut().find(|it| it.part == *from) {
            for name in names {
                if let Some(slot) = super::place(&mut holder.node, path) {
                    let value = Node::from(Value::String(name));
                    crate::mapping::walk::put(slot, &reference.value, value);
                }
            }
        }
    }
}

/// Takes away a list that was only reached for.
fn drop_empty(node: &mut Node, op: &EachOp) {
    use crate::mapping::walk::Step;
    let Some((Step::Member(name), holder)) = op.wire.set.split_last() else {
        return;
    };
    if let Some(holder) = reach(node, holder)
        && holder.get(name).is_some_and(|list| list.items().is_empty())
    {
        holder.remove(name);
    }
}

/// The rows of a unit: what stands once is repeated on every row.
pub(super) fn rows(mut unit: Node) -> Node {
    let own = unit.remove(ROWS);
    let rows = match own.map(|node| node.value) {
        Some(Value::Array(rows)) if !rows.is_empty() => rows,
        _ => vec![Node::object()],
    };
    let repeated = rows.into_iter().map(|row| {
        let mut out = unit.clone();
        if let Value::Object(members) = row.value {
            for (name, node) in members {
                out.set(&name, node);
            }
        }
        out
    });
    Node::from(Value::Array(repeated.collect()))
}
