//! What the rows of a mapping read of lists whose every item must be read, part by part.
//!
//! What a row writes at a place counts as read there: it is no mark of somebody else's.

use super::Builder;
use crate::mapping::complete::{Branch, Coverage, Looked, Pick};
use crate::mapping::inbound::PARTS_DEPTH_MAX;
use crate::mapping::plan::{EachOp, Link, Op, Part, Place, RefOp};
use crate::mapping::walk::Step;
use std::sync::Arc;

impl Builder<'_> {
    /// What a mapping reads, where its format names such lists.
    pub(super) fn coverage(&self, looked: &Arc<Looked>, parts: &[Part]) -> Coverage {
        let reading = Reading {
            builder: self,
            parts,
        };
        let named = !looked.lists.is_empty();
        let all = parts.iter().enumerate().filter(|_| named);
        Coverage {
            looked: looked.clone(),
            parts: all.map(|(at, _)| reading.part(at, 0)).collect(),
        }
    }
}

struct Reading<'r, 's> {
    builder: &'r Builder<'s>,
    parts: &'r [Part],
}

impl Reading<'_, '_> {
    /// What a part reads, with the parts inside it.
    fn part(&self, at: usize, depth: usize) -> Branch {
        let mut branch = Branch::default();
        let Some(part) = self.parts.get(at).filter(|_| depth < PARTS_DEPTH_MAX) else {
            return branch;
        };
        let fallbacks = self.builder.fallbacks.iter().filter(|row| row.part == at);
        let more = fallbacks.map(|row| &row.op);
        let more = more.chain(part.picks.iter().map(|(_, op)| op));
        for op in part.ops.iter().chain(more) {
            self.row(&mut branch, op, depth);
        }
        // These run on the node itself.
        for op in part.each.iter().flat_map(|each| each.ops.iter().flatten()) {
            self.row(&mut branch, op, depth);
        }
        if let Some(key) = &part.key {
            place(&mut branch, key, Branch::leaf);
        }
        if let Link::Backward { path, .. } = &part.link
            && let Some(end) = steps(&mut branch, path)
        {
            end.here = true;
        }
        for (own, other) in self.parts.iter().enumerate() {
            if let Link::Forward { from, path } = &other.link
                && *from == at
            {
                place(&mut branch, path, || self.inside(own, other, depth));
            }
            for (from, reference) in &other.also {
                if *from == at {
                    self.reference(&mut branch, reference, depth);
                }
            }
        }
        branch
    }

    /// What a part reads of the place it is found by: all of it, where it stands there.
    fn inside(&self, at: usize, part: &Part, depth: usize) -> Branch {
        match part.embedded {
            true => self.part(at, depth + 1),
            false => Branch::leaf(),
        }
    }

    fn row(&self, at: &mut Branch, op: &Op, depth: usize) {
        match op {
            Op::Value(value) => {
                place(at, &value.wire, Branch::leaf);
                if let Some((second, _)) = &value.join {
                    place(at, second, Branch::leaf);
                }
                if let Some(absent) = &value.absent {
                    place(at, &absent.wire, Branch::leaf);
                }
            }
            Op::Ref(reference) => self.reference(at, reference, depth),
            Op::WireConst(_, wire, _, true) => place(at, wire, Branch::leaf),
            Op::Each(each) => self.items(at, each, depth),
            Op::WireConst(..) | Op::RecordConst(..) | Op::Unread(_) => {}
        }
    }

    fn reference(&self, at: &mut Branch, reference: &RefOp, depth: usize) {
        place(at, &reference.wire, || {
            let mut branch = Branch::leaf();
            for own in &reference.parts {
                let part = self.parts.get(*own).filter(|part| part.embedded);
                if let Some(part) = part {
                    branch.absorb(self.inside(*own, part, depth));
                }
            }
            branch
        });
    }

    fn items(&self, at: &mut Branch, each: &EachOp, depth: usize) {
        if each.columns {
            return;
        }
        let Some(list) = steps(at, &each.wire.get) else {
            return;
        };
        let Some(item) = list.picked(Pick::Where(each.gate.when.clone())) else {
            return;
        };
        for op in each.ops.iter().flatten() {
            self.row(item, op, depth);
        }
    }
}

impl Branch {
    fn leaf() -> Branch {
        Branch {
            here: true,
            ..Branch::default()
        }
    }
}

fn place(at: &mut Branch, place: &Place, end: impl Fn() -> Branch) {
    let Some(found) = steps(at, &place.get) else {
        return;
    };
    match &place.tail {
        None => {
            found.absorb(end());
            // Where a list stands, each of its items is meant.
            if let Some(item) = found.picked(Pick::Where(Vec::new())) {
                item.absorb(end());
            }
        }
        Some(tail) => {
            let item = found.picked(Pick::Where(Vec::new()));
            if let Some(found) = item.and_then(|item| steps(item, tail)) {
                found.absorb(end());
            }
        }
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
