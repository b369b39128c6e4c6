//! Which columns of a table say one thing of a whole record. Worked out from what the rules read.

use crate::base::Text;
use crate::mapping::plan::{Op, Part, Place};
use crate::mapping::walk::Step;
use std::collections::BTreeSet;

/// Columns read of the first row alone, and not of each row too.
pub(super) fn single(parts: &[Part]) -> Vec<Text> {
    let mut sorter = Sorter {
        parts,
        seen: BTreeSet::new(),
        once: BTreeSet::new(),
        each: BTreeSet::new(),
    };
    sorter.part(0, false);
    sorter.once.difference(&sorter.each).cloned().collect()
}

struct Sorter<'p> {
    parts: &'p [Part],
    seen: BTreeSet<(usize, bool)>,
    once: BTreeSet<Text>,
    each: BTreeSet<Text>,
}

impl Sorter<'_> {
    fn part(&mut self, at: usize, rows: bool) {
        let parts = self.parts;
        let Some(part) = parts.get(at).filter(|_| self.seen.insert((at, rows))) else {
            return;
        };
        if let Some(key) = &part.key {
            self.place(key, rows);
        }
        self.ops(&part.ops, rows);
    }

    fn ops(&mut self, ops: &[Op], rows: bool) {
        for op in ops {
            match op {
                Op::Value(value) => {
                    self.place(&value.wire, rows);
                    if let Some(absent) = &value.absent {
                        self.place(&absent.wire, rows);
                    }
                }
                Op::WireConst(_, place, _, _) => self.place(place, rows),
                Op::Ref(reference) => {
                    for part in &reference.parts {
                        self.part(*part, rows || reference.wire.is_rows());
                    }
                }
                Op::Each(each) => {
                    for ops in &each.ops {
                        self.ops(ops, rows || (!each.columns && each.wire.is_rows()));
                    }
                }
                Op::RecordConst(..) | Op::Unread(_) => {}
            }
        }
    }

    fn place(&mut self, place: &Place, rows: bool) {
        let mut steps = place.get.iter();
        let name = steps.find_map(|step| match step {
            Step::Member(name) => Some(name.clone()),
            _ => None,
        });
        if let Some(name) = name {
            if rows { &mut self.each } else { &mut self.once }.insert(name);
        }
    }
}
