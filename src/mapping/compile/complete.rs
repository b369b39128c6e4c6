//! What the rows of a mapping read of lists whose every item must be read.
//!
//! Rows of the root part are looked at, and those of the parts whose place in it is known: no
//! format has such lists within others.

use super::Builder;
use crate::mapping::complete::{Branch, Complete, Coverage, Pick};
use crate::mapping::plan::{EachOp, Op, Part, Place};
use crate::mapping::walk::Step;
use std::sync::Arc;

impl Builder<'_> {
    /// What a mapping reads, where its format names such lists.
    pub(super) fn coverage(&self, lists: &Arc<[Complete]>, parts: &[Part]) -> Coverage {
        let mut coverage = Coverage {
            lists: lists.clone(),
            ..Coverage::default()
        };
        let Some(root) = parts.first().filter(|_| !lists.is_empty()) else {
            return coverage;
        };
        let fallbacks = self.fallbacks.iter().filter(|row| row.part == 0);
        let more = fallbacks.map(|row| &row.op);
        let more = more.chain(root.picks.iter().map(|(_, op)| op));
        for op in root.ops.iter().chain(more) {
            read(&mut coverage.root, op);
        }
        for each in &root.each {
            items(&mut coverage.root, each);
        }
        coverage
    }
}

/// Notes what one row reads.
fn read(at: &mut Branch, op: &Op) {
    match op {
        Op::Value(value) if value.gate.inward => {
            place(at, &value.wire);
            if let Some((second, _)) = &value.join {
                place(at, second);
            }
            if let Some(absent) = &value.absent {
                place(at, &absent.wire);
            }
        }
        Op::Ref(reference) if reference.gate.inward => place(at, &reference.wire),
        Op::WireConst(gate, wire, _, true) if gate.inward => place(at, wire),
        Op::Each(each) => items(at, each),
        _ => {}
    }
}

fn items(at: &mut Branch, each: &EachOp) {
    if !each.gate.inward || each.columns {
        return;
    }
    let Some(list) = steps(at, &each.wire.get) else {
        return;
    };
    let Some(item) = list.picked(Pick::Where(each.gate.when.clone())) else {
        return;
    };
    for op in each.ops.iter().flatten() {
        read(item, op);
    }
}

fn place(at: &mut Branch, place: &Place) {
    let found = steps(at, &place.get);
    if let (Some(list), Some(tail)) = (found, &place.tail)
        && let Some(item) = list.picked(Pick::Where(Vec::new()))
    {
        steps(item, tail);
    }
}

fn steps<'b>(from: &'b mut Branch, steps: &[Step]) -> Option<&'b mut Branch> {
    let mut at = from;
    for step in steps {
        at = match step {
            Step::Member(name) => at.member(name),
            Step::Nth(place) => at.picked(Pick::Nth(*place))?,
            Step::Filter(filter) if filter.array => {
                at.picked(Pick::Where(filter.conditions.clone()))?
            }
            Step::Filter(_) => at,
        };
    }
    Some(at)
}
