//! Rules whose value is a reference to a part.

use super::{Builder, Spot};
use crate::catalog::mapping::RuleSource;
use crate::catalog::schema::Shape;
use crate::mapping::plan::{Gate, Op, Place, ROWS, RefOp, Target};
use crate::mapping::walk::Step;
use toml::Spanned;

impl<'s> Builder<'s> {
    /// A rule with `refers`.
    pub(super) fn reference(
        &mut self,
        spot: &Spot<'s>,
        spanned: &'s Spanned<RuleSource>,
        gate: Gate,
    ) -> Option<Op> {
        let source = spanned.as_ref();
        let (Some(refers), Some(wire)) = (&source.refers, &source.wire) else {
            let message = "`refers` needs `wire`";
            self.defect(spot.file, spanned.span(), "rule-incomplete", message);
            return None;
        };
        let mut parts = Vec::new();
        for name in refers.as_ref().all() {
            match self.part_named(name) {
                Some(at) => parts.push(at),
                None => {
                    let message = format!("there is no part `{name}`");
                    self.defect(spot.file, refers.span(), "part-unknown", message);
                }
            }
        }
        let (place, shapes_there) = self.places_of(wire, spot)?;
        let mut record = None;
        if let Some(path) = &source.record {
            let text = path.as_ref().all().first().copied().unwrap_or_default();
            let (target, shapes) = self.target(text, path.span(), spot)?;
            let canonical = self.canonical(spot, &target.1);
            let partial = target.0.partial.clone().or_else(|| {
                let first = target.0.tail.is_some() && place.tail.is_none();
                first.then(|| "only the first of the list".to_owned())
            });
            self.mount(&parts, &shapes, spot, &target, &canonical);
            let required = target.0.required;
            record = Some(target.0);
            if !canonical.1.is_empty() || spot.inner {
                // An embedded person is told by the column or element of its key.
                let part = parts.first().and_then(|at| self.source(*at));
                let key = part.filter(|p| p.embedded).and_then(|p| p.key.as_ref());
                let shown = key.map_or(wire.as_ref(), |key| key.as_ref());
                self.note(spot, &canonical, &gate, true, source, shown);
                self.limit(partial);
                self.require(required);
            }
        }
        let embedded = parts
            .iter()
            .any(|at| self.parts.get(*at).is_some_and(|p| p.embedded));
        for at in &parts {
            if self.parts.get(*at).is_some_and(|part| part.embedded) {
                self.embed(*at, shapes_there.clone());
            }
            self.use_part(*at);
        }
        let here = !embedded && place.get.is_empty() && place.tail.is_none();
        Some(Op::Ref(RefOp {
            gate,
            wire: place,
            record,
            parts,
            here,
            optional: false,
            same: source.expect,
        }))
    }

    /// Where the references stand: at a path, or one in each row.
    fn places_of(
        &mut self,
        wire: &'s Spanned<String>,
        spot: &Spot<'s>,
    ) -> Option<(Place, Vec<&'s Shape>)> {
        if spot.rows_root && wire.as_ref().trim() == "$rows[]" {
            let place = Place {
                get: Vec::new(),
                set: vec![Step::Member(ROWS.into())],
                tail: Some(Vec::new()),
                slot: None,
            };
            return Some((place, spot.wire.clone()));
        }
        let (place, found) = self.reference_place(wire, spot)?;
        Some((place, found.shapes))
    }

    /// Object parts stand for what the target holds.
    fn mount(
        &mut self,
        parts: &[usize],
        shapes: &[&'s Shape],
        spot: &Spot<'s>,
        target: &(Target, String),
        canonical: &(bool, String),
    ) {
        let full = if canonical.0 {
            vec![canonical.1.clone()]
        } else {
            let mounts = self
                .drafts
                .get(spot.part)
                .map(|d| d.mounts.clone())
                .unwrap_or_default();
            mounts
                .iter()
                .map(|mount| super::check::join(mount, &target.1))
                .collect()
        };
        for at in parts {
            if self.parts.get(*at).is_some_and(|part| part.person) {
                continue;
            }
            if let Some(draft) = self.drafts.get_mut(*at)
                && !draft.whole
            {
                if draft.record.is_empty() {
                    draft.record = shapes.to_vec();
                }
                draft.mounts.extend(full.iter().cloned());
            }
        }
    }
}
