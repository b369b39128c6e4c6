//! Lists: items on both sides, numbered columns, rows, instances of a part.

use super::shapes::{Resolved, items};
use super::{Builder, Spot};
use crate::catalog::mapping::EachSource;
use crate::mapping::plan::ROWS;
use crate::mapping::plan::{EachOp, Gate, Op, Place, Target};
use crate::mapping::walk::Step;
use toml::Spanned;

/// Lists within lists.
const DEPTH_MAX: usize = 3;
/// Highest number of a column.
const COLUMNS_MAX: u32 = 100;

impl<'s> Builder<'s> {
    /// A list at the top of the file; over all instances of a part, or within a part's node.
    pub(super) fn top_each(&mut self, spanned: &'s Spanned<EachSource>) {
        let source = spanned.as_ref();
        let at = source
            .wire
            .as_ref()
            .map_or(Some(0), |wire| self.wire_part(wire));
        let Some(at) = at else { return };
        let spot = self.part_spot(at);
        let whole = source
            .wire
            .as_ref()
            .and_then(|wire| wire.as_ref().split_once(':'))
            .is_some_and(|(name, rest)| rest.trim().is_empty() && self.part_named(name).is_some());
        if !whole {
            if let Some(op) = self.each(&spot, spanned)
                && let Some(draft) = self.drafts.get_mut(at)
            {
                draft.from_rules.push(Op::Each(op));
            }
            return;
        }
        if !self.parts.get(at).is_some_and(|part| part.many) {
            let message = "the part is not `many`";
            self.defect(self.file, spanned.span(), "each-part", message);
            return;
        }
        if let Some(op) = self.each_instance(at, &spot, spanned)
            && let Some(part) = self.parts.get_mut(at)
        {
            part.each.push(op);
        }
    }

    pub(super) fn inner_each(
        &mut self,
        spot: &Spot<'s>,
        spanned: &'s Spanned<EachSource>,
    ) -> Option<EachOp> {
        if spot.depth >= DEPTH_MAX {
            let message = format!("lists nest to {DEPTH_MAX}");
            self.defect(spot.file, spanned.span(), "each-depth", message);
            return None;
        }
        self.each(spot, spanned)
    }

    /// The record side: an absolute array, or one relative to the context.
    fn list(&mut self, spot: &Spot<'s>, source: &'s EachSource) -> Option<(Target, Spot<'s>)> {
        let ((target, name), shapes) =
            self.target(source.record.as_ref(), source.record.span(), spot)?;
        if target.tail.as_ref().is_none_or(|tail| !tail.is_empty()) {
            let message = "the record path of an each ends in []";
            self.defect(spot.file, source.record.span(), "type-clash", message);
            return None;
        }
        let canonical = self.canonical(spot, &name);
        let inner = Spot {
            record: shapes,
            whole: false,
            inner: true,
            depth: spot.depth + 1,
            below: canonical.1,
            ..spot.clone()
        };
        Some((target, inner))
    }

    fn list_gate(&mut self, source: &'s EachSource, inner: &Spot<'s>) -> Gate {
        let when = source.when.as_ref();
        let only = source.only.as_ref();
        self.note_only(inner, only);
        Gate {
            inward: source.direction.goes_in(),
            outward: source.direction.goes_out(),
            when: when
                .map(|text| self.conditions(text, &inner.wire, true, inner.file))
                .unwrap_or_default(),
            only: only
                .map(|text| self.conditions(text, &inner.record, false, inner.file))
                .unwrap_or_default(),
        }
    }

    fn each_instance(
        &mut self,
        at: usize,
        spot: &Spot<'s>,
        spanned: &'s Spanned<EachSource>,
    ) -> Option<EachOp> {
        let source = spanned.as_ref();
        // The record side starts at the root, whatever the part stands for.
        let root = Spot {
            record: vec![self.record],
            whole: true,
            ..spot.clone()
        };
        let (target, mut inner) = self.list(&root, source)?;
        inner.wire.clone_from(&spot.wire);
        let order = self
            .parts
            .get(at)
            .is_some_and(|part| !part.order_by.is_empty());
        let order_by = if order {
            self.order(at, source, &inner)
        } else {
            None
        };
        let before = self.bounds.len();
        let gate = self.list_gate(source, &inner);
        let ops = self.rows(&source.rule, &source.each, &inner);
        self.direct(before, source.direction, reason(source).as_ref());
        Some(EachOp {
            gate,
            wire: Place::default(),
            record: target,
            shared: false,
            ops: vec![ops],
            sheets: Box::default(),
            columns: false,
            order_by,
        })
    }

    /// The record value that the instances' order comes from.
    fn order(&mut self, at: usize, source: &'s EachSource, inner: &Spot<'s>) -> Option<Vec<Step>> {
        let all = self.mapping.body.part.iter().map(|part| part.as_ref());
        let name = self.parts.get(at).map(|part| part.name.clone())?;
        let part = all
            .into_iter()
            .find(|part| part.name.as_ref() == name.as_str())?;
        let order = part.order_by.as_ref()?;
        let row = source.rule.iter().map(|rule| rule.as_ref()).find(|rule| {
            let wire = rule.wire.as_ref().map(|wire| wire.as_ref().as_str());
            wire.is_some_and(|wire| order.as_ref().all().contains(&wire)) && rule.record.is_some()
        });
        let path = row.and_then(|row| row.record.as_ref());
        let Some(path) = path else {
            if source.direction.goes_out() {
                let message = "no row of the each binds the path of `order_by`";
                self.defect(self.file, order.span(), "order-unbound", message);
            }
            return None;
        };
        let text = path.as_ref().all().first().copied().unwrap_or_default();
        let ((target, _), _) = self.target(text, path.span(), inner)?;
        Some(target.steps)
    }

    fn each(&mut self, spot: &Spot<'s>, spanned: &'s Spanned<EachSource>) -> Option<EachOp> {
        let source = spanned.as_ref();
        let (target, inner) = self.list(spot, source)?;
        let op = match (&source.columns, &source.wire) {
            (Some(columns), None) => self.columns(columns, source, inner)?,
            (None, Some(wire)) => self.wire_items(spot, wire, source, inner)?,
            _ => {
                let message = "an each has either `wire` or `columns`";
                self.defect(spot.file, spanned.span(), "each-incomplete", message);
                return None;
            }
        };
        Some(EachOp {
            record: target,
            ..op
        })
    }

    fn columns(
        &mut self,
        columns: &'s Spanned<(u32, u32)>,
        source: &'s EachSource,
        inner: Spot<'s>,
    ) -> Option<EachOp> {
        let (first, last) = *columns.as_ref();
        if first > last || last > COLUMNS_MAX {
            let message =
                format!("columns go from a lower to a higher number, up to {COLUMNS_MAX}");
            self.defect(inner.file, columns.span(), "each-columns", message);
            return None;
        }
        let gate_from = self.bounds.len();
        let gate = self.list_gate(source, &inner);
        self.direct(gate_from, source.direction, reason(source).as_ref());
        let mut ops = Vec::new();
        for number in first..=last {
            let spot = Spot {
                number: Some(number),
                ..inner.clone()
            };
            let before = self.bounds.len();
            ops.push(self.rows(&source.rule, &source.each, &spot));
            if number == first {
                self.direct(before, source.direction, reason(source).as_ref());
            } else {
                // One note per path, not one per column.
                self.bounds.truncate(before);
            }
        }
        Some(EachOp {
            gate,
            wire: Place::default(),
            record: Target::default(),
            shared: false,
            ops,
            sheets: Box::default(),
            columns: true,
            order_by: None,
        })
    }

    fn wire_items(
        &mut self,
        spot: &Spot<'s>,
        wire: &'s Spanned<String>,
        source: &'s EachSource,
        inner: Spot<'s>,
    ) -> Option<EachOp> {
        let rows = wire.as_ref().trim() == "$rows[]";
        let (place, shapes) = if rows && spot.rows_root {
            let place = Place {
                get: Vec::new(),
                set: vec![Step::Member(ROWS.into())],
                ..Place::default()
            };
            (place, spot.wire.clone())
        } else {
            let (place, found) = self.reference_place(wire, spot)?;
            self.ends_in_items(spot, wire, &found)?;
            let shapes = found.shapes.clone();
            (
                Place {
                    tail: None,
                    ..place
                },
                shapes,
            )
        };
        let inner = Spot {
            wire: shapes,
            rows_root: false,
            ..inner
        };
        let before = self.bounds.len();
        let gate = self.list_gate(source, &inner);
        let ops = self.rows(&source.rule, &source.each, &inner);
        self.direct(before, source.direction, reason(source).as_ref());
        Some(EachOp {
            gate,
            wire: place,
            record: Target::default(),
            shared: rows,
            ops: vec![ops],
            sheets: Box::default(),
            columns: false,
            order_by: None,
        })
    }

    fn ends_in_items(
        &mut self,
        spot: &Spot<'s>,
        wire: &Spanned<String>,
        found: &Resolved<'s>,
    ) -> Option<()> {
        if found.tail.as_ref().is_some_and(Vec::is_empty) && items(&found.shapes).is_empty() {
            return Some(());
        }
        let message = "the wire path of an each ends in []";
        self.defect(spot.file, wire.span(), "type-clash", message);
        None
    }
}

/// Why the rows of a list do not keep all they could.
fn reason(source: &EachSource) -> Option<String> {
    let only = source.only.as_ref();
    source
        .lossy
        .clone()
        .or_else(|| only.map(|text| format!("only where {}", text.as_ref())))
}
