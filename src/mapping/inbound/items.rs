//! Wire to record: items on both sides.

use super::{Here, Run};
use crate::base::finding::Finding;
use crate::base::finding_codes as codes;
use crate::format::tree::Node;
use crate::mapping::document::Found;
use crate::mapping::plan::{EachOp, Part, Unread};
use crate::mapping::walk::{assign_absent, get, hold, push, reach};
use crate::mapping::where_in::Trail;

impl<'a> Run<'a> {
    /// One `each` over items of the node it stands in.
    pub(super) fn each(
        &mut self,
        op: &'a EachOp,
        here: Here<'a, '_>,
        context: &mut Node,
        trail: &Trail<'_>,
    ) {
        if !op.gate.inward {
            return;
        }
        if op.columns {
            for number in 0..op.ops.len() {
                self.item(op, number, here, context, trail);
            }
            return;
        }
        let Some(list) = here.get(&op.wire) else {
            return;
        };
        for node in list.items() {
            self.item(op, 0, Here::at(node, here.owner), context, trail);
        }
    }

    /// Tells the first item of a list that no row reads.
    pub(super) fn unread(&mut self, unread: &Unread, here: Here<'a, '_>) {
        let list = get(here.node, &unread.list).map(Node::items);
        let beyond = list.and_then(|items| items.get(unread.read..));
        let first = beyond.into_iter().flatten().find(|item| {
            let mut chosen = unread.chosen.iter();
            !chosen.any(|conditions| hold(item, conditions))
        });
        if let Some(item) = first {
            self.find(Finding::new(&codes::WIRE_ITEM_UNUSED), item.span);
        }
    }

    /// Ops over all instances of a `many` part, then the rules that pick one of them.
    pub(super) fn run_many(&mut self, part: &'a Part, found: &[Found<'a>]) {
        let trail = Trail::Root("");
        let mut nothing = Node::object();
        for op in part.each.iter().filter(|op| op.gate.inward) {
            for it in found {
                let here = Here::of(it);
                self.item(op, 0, here, &mut nothing, &trail);
                self.drain();
            }
        }
        for (last, op) in &part.picks {
            let it = if *last { found.last() } else { found.first() };
            if let Some(it) = it {
                let here = Here::of(it);
                self.run_ops(std::slice::from_ref(op), here, &mut nothing, &trail);
                self.drain();
            }
        }
    }

    fn item(
        &mut self,
        op: &'a EachOp,
        number: usize,
        here: Here<'a, '_>,
        context: &mut Node,
        trail: &Trail<'_>,
    ) {
        let Some(ops) = op.ops.get(number) else {
            return;
        };
        if !hold(here.node, &op.gate.when) {
            return;
        }
        let base = if op.record.absolute {
            &self.root
        } else {
            &*context
        };
        let at = get(base, &op.record.steps).map_or(0, |list| list.items().len());
        let trail = Trail::Item {
            of: trail,
            list: &op.record.pointer,
            absolute: op.record.absolute,
            at,
        };
        let before = (self.values, self.missing.len());
        let mut item = Node::object();
        item.span = here.node.span;
        if op.columns || op.sheets.wire.is_empty() {
            self.run_ops(ops, here, &mut item, &trail);
        } else {
            let filled = op.sheets.wire.fill(here.node);
            let here = Here {
                filled: &filled,
                ..here
            };
            self.run_ops(ops, here, &mut item, &trail);
        }
        if self.values == before.0 {
            // Nothing was read: reasons for what is not there go with it.
            self.missing.truncate(before.1);
            return;
        }
        assign_absent(&mut item, &op.gate.only);
        let base = if op.record.absolute {
            &mut self.root
        } else {
            context
        };
        if let Some(slot) = reach(base, &op.record.steps).and_then(push) {
            *slot = item;
        }
    }
}
