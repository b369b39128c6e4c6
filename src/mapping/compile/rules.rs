//! Rows: one value on both sides, proved to have an inverse or marked as having none.

use super::check::{join, values_of};
use super::shapes::{Resolved, codes, resolve, scalar};
use super::{Builder, Spot};
use crate::base::Text;
use crate::catalog::mapping::{AbsentSource, Direction, Pick, RuleSource};
use crate::catalog::schema::Shape;
use crate::format::tree::Node;
use crate::mapping::loss::Bound;
use crate::mapping::path::parse;
use crate::mapping::plan::{Absent, Fallback, Gate, Op, Place, Target, ValueOp};
use crate::mapping::table::Table;
use crate::mapping::transform::{Form, Transform};
use crate::mapping::walk::Step;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;

/// A compiled record path, its canonical name, and what stands there.
pub(super) type Aimed<'s> = ((Target, String), Vec<&'s Shape>);

impl<'s> Builder<'s> {
    /// All rows at the top of the file.
    pub(super) fn read_rules(&mut self) {
        for spanned in &self.mapping.body.rule {
            let source = spanned.as_ref();
            let at = source
                .wire
                .as_ref()
                .map_or(Some(0), |wire| self.wire_part(wire));
            let Some(at) = at else { continue };
            let spot = self.part_spot(at);
            let Some(op) = self.rule(&spot, spanned) else {
                continue;
            };
            if source.direction == Direction::In && self.rivals_in(&spot, source) {
                let last = source.pick == Some(Pick::Last);
                self.fallbacks.push(Fallback { part: at, last, op });
                continue;
            }
            let many = self.parts.get(at).is_some_and(|p| p.many && !p.person);
            match (source.pick, many) {
                (Some(pick), true) => {
                    if let Some(part) = self.parts.get_mut(at) {
                        part.picks.push((pick == Pick::Last, op));
                    }
                }
                (None, false) => {
                    if let Some(draft) = self.drafts.get_mut(at) {
                        draft.from_rules.push(op);
                    }
                }
                _ => {
                    let message = "`pick` goes with a `many` part outside its each, and only there";
                    self.defect(self.file, spanned.span(), "rule-pick", message);
                }
            }
        }
        for spanned in &self.mapping.body.each {
            self.top_each(spanned);
        }
    }

    /// The part a wire path at the top names.
    pub(super) fn wire_part(&mut self, wire: &'s Spanned<String>) -> Option<usize> {
        let names = self.part_names();
        let separator = super::layout::separator(self.format);
        match parse(wire.as_ref(), separator, &names) {
            Ok(raw) => match raw.part {
                Some(name) => self.part_named(&name),
                None => Some(0),
            },
            Err(message) => {
                self.defect(self.file, wire.span(), "wire-path-unknown", message);
                None
            }
        }
    }

    /// Rows and lists of one context.
    pub(super) fn rows(
        &mut self,
        rules: &'s [Spanned<RuleSource>],
        lists: &'s [Spanned<crate::catalog::mapping::EachSource>],
        spot: &Spot<'s>,
    ) -> Vec<Op> {
        let mut ops: Vec<Op> = rules
            .iter()
            .filter_map(|rule| self.rule(spot, rule))
            .collect();
        ops.extend(
            lists
                .iter()
                .filter_map(|list| self.inner_each(spot, list))
                .map(Op::Each),
        );
        ops
    }

    /// One row.
    pub(super) fn rule(&mut self, spot: &Spot<'s>, spanned: &'s Spanned<RuleSource>) -> Option<Op> {
        let source = spanned.as_ref();
        let before = self.bounds.len();
        let gate = self.gate(spot, source);
        let op = match (&source.refers, &source.constant) {
            (Some(_), _) => self.reference(spot, spanned, gate),
            (None, Some(constant)) => self.constant(spot, spanned, constant, gate),
            (None, None) => self.value(spot, spanned, gate).map(Op::Value),
        };
        let partly = source
            .only
            .as_ref()
            .map(|text| format!("only where {}", text.as_ref()));
        self.direct(
            before,
            source.direction,
            source.lossy.as_ref().or(partly.as_ref()),
        );
        op
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

    fn gate(&mut self, spot: &Spot<'s>, source: &'s RuleSource) -> Gate {
        let when = source.when.as_ref();
        let only = source.only.as_ref();
        self.note_only(spot, only);
        Gate {
            inward: source.direction.goes_in(),
            outward: source.direction.goes_out(),
            when: when
                .map(|text| self.conditions(text, &spot.wire, true, spot.file))
                .unwrap_or_default(),
            only: only
                .map(|text| self.conditions(text, &spot.record, false, spot.file))
                .unwrap_or_default(),
        }
    }

    fn constant(
        &mut self,
        spot: &Spot<'s>,
        spanned: &'s Spanned<RuleSource>,
        constant: &'s Spanned<toml::Value>,
        gate: Gate,
    ) -> Option<Op> {
        let source = spanned.as_ref();
        let text = match constant.as_ref() {
            toml::Value::String(text) => text.clone(),
            toml::Value::Boolean(value) => value.to_string(),
            toml::Value::Integer(number) => number.to_string(),
            _ => {
                let message = "a constant is a text, a boolean or a whole number";
                self.defect(spot.file, constant.span(), "constant-invalid", message);
                return None;
            }
        };
        match (&source.record, &source.wire) {
            (Some(path), None) => {
                let path_text = path.as_ref().all().first().copied().unwrap_or_default();
                let (target, shapes) = self.target(path_text, path.span(), spot)?;
                let value = self.scalar(&text, &shapes, spot, constant.span())?;
                let canonical = self.canonical(spot, &target.1);
                let inward = Gate {
                    outward: false,
                    ..gate.clone()
                };
                self.note(spot, &canonical, &inward, false, source, "a constant");
                Some(Op::RecordConst(gate, target.0, value))
            }
            (None, Some(wire)) => {
                let (place, found) = self.place(wire, spot)?;
                let value = self.scalar(&text, &found.shapes, spot, constant.span())?;
                Some(Op::WireConst(gate, place, value, source.expect))
            }
            _ => {
                let message = "a constant stands on one side: `record` or `wire`";
                self.defect(spot.file, spanned.span(), "constant-invalid", message);
                None
            }
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        shapes: &[&'s Shape],
        spot: &Spot<'s>,
        span: Range<usize>,
    ) -> Option<Node> {
        match scalar(text, shapes) {
            Ok(value) => Some(Node::from(value)),
            Err(message) => {
                self.defect(spot.file, span, "code-not-in-value-set", message);
                None
            }
        }
    }

    fn value(
        &mut self,
        spot: &Spot<'s>,
        spanned: &'s Spanned<RuleSource>,
        gate: Gate,
    ) -> Option<ValueOp> {
        let source = spanned.as_ref();
        let (Some(paths), Some(wire)) = (&source.record, &source.wire) else {
            let message =
                "a row needs `record` and `wire`, or one of them with `const` or `refers`";
            self.defect(spot.file, spanned.span(), "rule-incomplete", message);
            return None;
        };
        let mut record = Vec::new();
        let mut names = Vec::new();
        let mut shapes = Vec::new();
        for text in paths.as_ref().all() {
            let ((target, name), found) = self.target(text, paths.span(), spot)?;
            record.push(target);
            names.push(name);
            shapes.push(found);
        }
        let (place, found) = self.place(wire, spot)?;
        let listed = record.first().is_some_and(|target| target.tail.is_some());
        if place.tail.is_some() && !listed {
            let message = "[] on the wire side needs [] on the record side";
            self.defect(spot.file, wire.span(), "type-clash", message);
            return None;
        }
        let first = shapes.first().cloned().unwrap_or_default();
        let chain = self.chain(spot, source);
        let table = self.table(
            spot,
            source.crosswalk.as_ref(),
            &gate,
            &first,
            &found.shapes,
        );
        self.type_check(spot, spanned, &chain, &found.shapes, &first);
        let default = source.default.as_ref().and_then(|value| {
            let text = match value.as_ref() {
                toml::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            self.scalar(&text, &first, spot, value.span())
        });
        let exact = self.prove(spot, spanned, &record, &chain, table.as_deref(), &first);
        for (name, target) in names.iter().zip(&record) {
            let canonical = self.canonical(spot, name);
            let partial = target.partial.clone().or_else(|| {
                let first = target.tail.is_some() && place.tail.is_none();
                first.then(|| "only the first of the list".to_owned())
            });
            let picked = source.pick.map(|_| "as the list says".to_owned());
            let partial = partial.or(picked);
            let exact = exact && partial.is_none();
            self.note(spot, &canonical, &gate, exact, source, wire.as_ref());
            self.limit(partial);
        }
        if chain.is_empty() && table.is_none() && gate.outward {
            self.codes_fit(spot, wire, &first, &found.shapes);
        }
        let absent = source
            .absent
            .as_ref()
            .and_then(|it| self.absent(spot, it, wire));
        Some(ValueOp {
            gate,
            wire: place,
            record,
            chain,
            table,
            default,
            absent,
            guard_in: self.rivals_in(spot, source),
            guard_out: source.pick.is_some() || self.rivals_out(spot, source),
        })
    }

    fn chain(&mut self, spot: &Spot<'s>, source: &'s RuleSource) -> Vec<Transform> {
        let mut chain = Vec::new();
        for text in &source.transform {
            match Transform::parse(text.as_ref()) {
                Ok(transform) => chain.push(transform),
                Err(message) => {
                    self.defect(spot.file, text.span(), "transform-unknown", message);
                }
            }
        }
        chain
    }

    fn type_check(
        &mut self,
        spot: &Spot<'s>,
        spanned: &'s Spanned<RuleSource>,
        chain: &[Transform],
        wire: &[&'s Shape],
        record: &[&'s Shape],
    ) {
        let several = spanned
            .as_ref()
            .record
            .as_ref()
            .is_some_and(|r| r.as_ref().all().len() > 1);
        let forms = (
            wire.first().and_then(|shape| Form::of(shape)),
            record.first().and_then(|shape| Form::of(shape)),
        );
        let (Some(mut form), Some(goal)) = forms else {
            let message = "lists of anything but text go by `each`";
            self.defect(spot.file, spanned.span(), "type-clash", message);
            return;
        };
        for transform in chain {
            let (from, to) = transform.forms();
            let takes = from == form
                || matches!(transform, Transform::AsText if form != Form::Object)
                || (from == Form::Text && form == Form::Number);
            if !takes {
                let message = format!(
                    "a transform reads {} here, not {}",
                    from.word(),
                    form.word()
                );
                self.defect(spot.file, spanned.span(), "type-clash", message);
                return;
            }
            form = to;
        }
        let goal = if several { Form::Texts } else { goal };
        if form != goal || form == Form::Object {
            let message = format!(
                "the wire gives {}, the record takes {}",
                form.word(),
                goal.word()
            );
            self.defect(spot.file, spanned.span(), "type-clash", message);
        }
    }

    /// Whether the row has an inverse; a row in both directions that has none must say why.
    fn prove(
        &mut self,
        spot: &Spot<'s>,
        spanned: &'s Spanned<RuleSource>,
        record: &[Target],
        chain: &[Transform],
        table: Option<&Table>,
        shapes: &[&'s Shape],
    ) -> bool {
        let source = spanned.as_ref();
        if !(source.direction.goes_in() && source.direction.goes_out()) {
            return false;
        }
        let chained = chain.iter().all(|it| it.inverts(&values_of(shapes)));
        let required = record.iter().all(|target| target.required);
        let guessed = source.default.is_some() && !required;
        if (!chained || guessed) && source.lossy.is_none() {
            let what = if chained {
                "a default for an optional value"
            } else {
                "a transform"
            };
            let message = format!("{what} has no inverse: mark the row `direction` or `lossy`");
            self.defect(spot.file, spanned.span(), "row-not-invertible", message);
        }
        if chained && !guessed && source.lossy.is_some() {
            let message = "the row loses nothing; take `lossy` away";
            let all = table.is_none_or(|table| exact(table, shapes));
            if all {
                self.defect(spot.file, spanned.span(), "row-not-lossy", message);
            }
        }
        chained && !guessed && table.is_none_or(|table| exact(table, shapes))
    }

    fn absent(
        &mut self,
        spot: &Spot<'s>,
        source: &'s Spanned<AbsentSource>,
        own: &Spanned<String>,
    ) -> Option<Absent> {
        let it = source.as_ref();
        let (wire, _) = self.place(&it.wire, spot)?;
        let name = it.crosswalk.as_ref();
        let Some(table) = self.tables.get(name) else {
            let message = format!("there is no crosswalk `{name}`");
            self.defect(spot.file, it.crosswalk.span(), "crosswalk-unknown", message);
            return None;
        };
        self.built.used_tables.insert(name.clone());
        Some(Absent {
            wire,
            table: Arc::clone(table),
            sentinel: it.wire.as_ref() == own.as_ref(),
        })
    }

    /// A place of the wire that holds a value.
    pub(super) fn place(
        &mut self,
        text: &'s Spanned<String>,
        spot: &Spot<'s>,
    ) -> Option<(Place, Resolved<'s>)> {
        self.any_place(text, spot, self.is_xml())
    }

    /// A place of the wire that holds a node or a reference.
    pub(super) fn reference_place(
        &mut self,
        text: &'s Spanned<String>,
        spot: &Spot<'s>,
    ) -> Option<(Place, Resolved<'s>)> {
        self.any_place(text, spot, false)
    }

    fn any_place(
        &mut self,
        text: &'s Spanned<String>,
        spot: &Spot<'s>,
        wants_text: bool,
    ) -> Option<(Place, Resolved<'s>)> {
        if spot.wire.is_empty() {
            // Told where the part was declared.
            return None;
        }
        let mut written = text.as_ref().clone();
        if let Some(number) = spot.number {
            written = written.replace("{n}", &number.to_string());
        }
        let names = self.part_names();
        let separator = super::layout::separator(self.format);
        let found = parse(&written, separator, &names).and_then(|mut raw| {
            if raw.part.is_some() && spot.inner {
                return Err("no part can be named inside an each or a template".to_owned());
            }
            if let Some(first) = raw.steps.first_mut() {
                first.name.insert_str(0, spot.prefix);
            }
            resolve(&raw.steps, &spot.wire, wants_text)
        });
        let found = self.told(found, spot.file, text, "wire-path-unknown")?;
        let mut get = found.head.clone();
        if spot.rows_root {
            get.insert(0, Step::Nth(0));
        }
        let place = Place {
            get,
            set: found.head.clone(),
            tail: found.tail.clone(),
        };
        Some((place, found))
    }

    /// A place of the record, relative to its context or absolute.
    pub(super) fn target(
        &mut self,
        text: &str,
        span: Range<usize>,
        spot: &Spot<'s>,
    ) -> Option<Aimed<'s>> {
        let raw = match parse(text, '.', &[]) {
            Ok(raw) => raw,
            Err(message) => {
                self.defect(spot.file, span, "record-path-unknown", message);
                return None;
            }
        };
        let relative = raw.relative || text.trim() == ".";
        if !relative && raw.steps.first().is_some_and(|step| step.name == "persons") {
            let message = "persons are filled by person parts only";
            self.defect(spot.file, span, "record-path-persons", message);
            return None;
        }
        let from = if relative {
            spot.record.clone()
        } else {
            vec![self.record]
        };
        if from.is_empty() {
            return None;
        }
        match resolve(&raw.steps, &from, false) {
            Ok(found) => {
                for path in &found.assigned {
                    let (absolute, path) = self.canonical(spot, path);
                    self.bind(spot.part, &path, absolute, "a condition");
                    self.limit(found.partial.clone());
                }
                let target = Target {
                    absolute: !relative || spot.whole,
                    steps: found.head,
                    tail: found.tail,
                    pointer: found.pointer,
                    required: found.required,
                    partial: found.partial,
                };
                Some(((target, found.canonical), found.shapes))
            }
            Err(message) => {
                let message = format!("`{text}`: {message}");
                self.defect(spot.file, span, "record-path-unknown", message);
                None
            }
        }
    }

    /// The canonical name of a path in a context: whether it starts at the root, and the path.
    pub(super) fn canonical(&self, spot: &Spot<'s>, path: &str) -> (bool, String) {
        let from_root = ["envelope", "body"].iter().any(|name| {
            path == *name
                || path
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('.'))
        });
        if from_root || spot.whole {
            (true, path.to_owned())
        } else {
            (false, join(&spot.below, path))
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
        });
    }

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
        });
    }
}

/// Whether every code a record may hold comes back.
fn exact(table: &Table, shapes: &[&Shape]) -> bool {
    let back = |code: &Text| table.outward(code).is_some_and(|it| it.exact);
    match codes(shapes) {
        Some(codes) => codes.iter().all(back),
        None => table.canonical_codes().all(back),
    }
}
