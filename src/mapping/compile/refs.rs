//! Rules whose value is a reference to a part.

use super::{Builder, Spot};
use crate::catalog::mapping::RuleSource;
use crate::mapping::plan::{Gate, Op, RefOp, Target};
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
        let (place, found) = self.reference_place(wire, spot)?;
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
            record = Some(target.0);
            if !canonical.1.is_empty() || spot.inner {
                self.note(spot, &canonical, &gate, true, source, wire.as_ref());
                self.limit(partial);
            }
        }
        let embedded = parts
            .iter()
            .any(|at| self.parts.get(*at).is_some_and(|p| p.embedded));
        for at in &parts {
            if self.parts.get(*at).is_some_and(|part| part.embedded) {
                self.embed(*at, found.shapes.clone());
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
        }))
    }

    /// Object parts stand for what the target holds.
    fn mount(
        &mut self,
        parts: &[usize],
        shapes: &[&'s crate::catalog::schema::Shape],
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
