//! Which columns of a table say one thing of a whole record. Worked out from what the rules read.

use super::Builder;
use crate::base::Text;
use crate::catalog::schema::Shape;
use crate::mapping::columns::Form;
use crate::mapping::plan::{Fallback, Op, Part, Place};
use crate::mapping::transform::Transform;
use crate::mapping::walk::Step;
use std::collections::BTreeSet;

impl Builder<'_> {
    /// Notes what a column holds: of several rows that read it, what the most exact one wants.
    pub(super) fn column(&mut self, place: &Place, chain: &[Transform], shape: Option<&Shape>) {
        let form = match chain {
            [] | [Transform::Instant] => Form::of(shape),
            _ => Form::Any,
        };
        let Some(name) = column_of(place) else { return };
        let known = self.built.columns.forms.entry(name).or_insert(Form::Any);
        if matches!(known, Form::Any) {
            *known = form;
        }
    }
}

/// The column a place of a row is in.
fn column_of(place: &Place) -> Option<Text> {
    place.get.iter().find_map(|step| match step {
        Step::Member(name) => Some(name.clone()),
        _ => None,
    })
}

/// Columns read of the first row alone, and not of each row too.
pub(super) fn single(parts: &[Part], fallbacks: &[Fallback]) -> Vec<Text> {
    let mut sorter = Sorter {
        parts,
        seen: BTreeSet::new(),
        once: BTreeSet::new(),
        each: BTreeSet::new(),
    };
    sorter.part(0, false);
    // What is read only where another column says nothing is of the whole record too.
    for row in fallbacks {
        sorter.ops(std::slice::from_ref(&row.op), false);
    }
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
                    if let Some((second, _)) = &value.join {
                        self.place(second, rows);
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
        if let Some(name) = column_of(place) {
            if rows { &mut self.each } else { &mut self.once }.insert(name);
        }
    }
}
