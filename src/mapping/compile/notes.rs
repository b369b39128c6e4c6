//! Notes of what rows bind: the ground of the checks, the loss report and the paths in findings.

use super::{Builder, Spot};
use crate::catalog::mapping::{Direction, RuleSource};
use crate::mapping::loss::Bound;
use crate::mapping::plan::Gate;

impl<'s> Builder<'s> {
    /// A wire path as findings name it: below the type of its node, without the part's name.
    fn shown(&self, node_type: &str, spot: &Spot<'s>, wire: &str) -> String {
        let wire = match spot.number {
            Some(number) => wire.replace("{n}", &number.to_string()),
            None => wire.to_owned(),
        };
        let of_part = |name: &str| !spot.inner && self.parts.iter().any(|p| p.name == name);
        let bare = wire
            .split_once(':')
            .filter(|(name, _)| of_part(name))
            .map_or(wire.as_str(), |(_, rest)| rest);
        match (node_type.is_empty(), bare.is_empty()) {
            (true, _) => format!("{}{wire}", spot.prefix),
            (false, true) => node_type.to_owned(),
            (false, false) => {
                let separator = super::layout::separator(self.format);
                format!("{node_type}{separator}{bare}")
            }
        }
    }

    /// Notes what a row binds, for the checks and the loss report.
    pub(super) fn note(
        &mut self,
        spot: &Spot<'s>,
        canonical: &(bool, String),
        gate: &Gate,
        exact: bool,
        source: &RuleSource,
        wire: &str,
    ) {
        let node_type = self
            .parts
            .get(spot.part)
            .map(|p| p.node_type.clone())
            .unwrap_or_default();
        self.bounds.push(Bound {
            part: spot.part,
            absolute: canonical.0,
            path: canonical.1.clone(),
            inward: gate.inward,
            outward: gate.outward,
            exact,
            reason: source.lossy.clone().or_else(|| {
                (source.crosswalk.is_some() && !exact && gate.inward && gate.outward)
                    .then(|| "some codes have no code of the same meaning".to_owned())
            }),
            wire: self.shown(&node_type, spot, wire),
            required: false,
        });
    }

    /// The path of the note just made is required.
    pub(super) fn require(&mut self, required: bool) {
        if let Some(bound) = self.bounds.last_mut() {
            bound.required = required;
        }
    }

    /// The note just made holds for some values only.
    pub(super) fn limit(&mut self, partial: Option<String>) {
        if let (Some(partial), Some(bound)) = (partial, self.bounds.last_mut()) {
            bound.exact = false;
            bound.reason.get_or_insert(partial);
        }
    }

    pub(super) fn bind(&mut self, part: usize, path: &str, absolute: bool, wire: &str) {
        self.bounds.push(Bound {
            part,
            absolute,
            path: path.to_owned(),
            inward: true,
            outward: true,
            exact: true,
            reason: None,
            wire: wire.to_owned(),
            required: false,
        });
    }

    /// What is noted since then works as the row or list around it does.
    pub(super) fn direct(&mut self, from: usize, direction: Direction, reason: Option<&String>) {
        for bound in self.bounds.iter_mut().skip(from) {
            bound.inward &= direction.goes_in();
            bound.outward &= direction.goes_out();
            bound.exact &= bound.inward && bound.outward && reason.is_none();
            if bound.reason.is_none() {
                bound.reason = reason.cloned();
            }
        }
    }
}
