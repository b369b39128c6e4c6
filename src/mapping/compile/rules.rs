//! Rows: one value on both sides, proved to have an inverse or marked as having none.

use super::check::values_of;
use super::shapes::{codes, scalar};
use super::{Builder, Spot};
use crate::base::Text;
use crate::catalog::mapping::{AbsentSource, Direction, Pick, RuleSource};
use crate::catalog::schema::Shape;
use crate::format::tree::Node;
use crate::mapping::path::parse;
use crate::mapping::plan::{Absent, Fallback, Gate, Op, Place, Target, ValueOp};
use crate::mapping::table::Table;
use crate::mapping::transform::{Form, Transform};
use crate::mapping::walk::{Condition, Step};
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;

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

    fn gate(&mut self, spot: &Spot<'s>, source: &'s RuleSource) -> Gate {
        let when = source.when.as_ref();
        let only = source.only.as_ref();
        self.note_only(spot, only);
        let mut asked = when
            .map(|text| self.conditions(text, &spot.wire, true, spot.file))
            .unwrap_or_default();
        if spot.rows_root && !source.direction.goes_out() {
            of_first_row(&mut asked);
        }
        Gate {
            inward: source.direction.goes_in(),
            outward: source.direction.goes_out(),
            when: asked,
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
                self.require(target.0.required);
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
        let mut first = Vec::new();
        for text in paths.as_ref().all() {
            let ((target, name), found) = self.target(text, paths.span(), spot)?;
            record.push(target);
            names.push(name);
            first = if first.is_empty() { found } else { first };
        }
        let (place, found) = self.place(wire, spot)?;
        let listed = record.first().is_some_and(|target| target.tail.is_some());
        if place.tail.is_some() && !listed {
            let message = "[] on the wire side needs [] on the record side";
            self.defect(spot.file, wire.span(), "type-clash", message);
            return None;
        }
        let chain = self.chain(spot, source);
        let table = self.table(
            spot,
            source.crosswalk.as_ref(),
            &gate,
            &first,
            &found.shapes,
        );
        self.type_check(spot, spanned, &chain, &found.shapes, &first);
        let default = self.default(spot, source, &first);
        let exact = self.prove(spot, spanned, &record, &chain, table.as_deref(), &first);
        let proof = (exact && !later_place(&place.set), place.tail.is_none());
        for aimed in names.iter().zip(&record) {
            self.note_value(spot, source, aimed, &gate, proof);
        }
        if self.is_rows() && gate.inward {
            let straight = table.is_none().then(|| first.first().copied()).flatten();
            self.column(&place, &chain, straight);
        }
        if chain.is_empty() && table.is_none() && gate.outward {
            self.codes_fit(spot, wire, &first, &found.shapes);
        }
        let absent = source
            .absent
            .as_ref()
            .and_then(|it| self.absent(spot, it, wire));
        let join = self.join(spot, source);
        Some(ValueOp {
            gate,
            wire: place,
            record,
            chain,
            table,
            default,
            absent,
            join,
            guard_in: self.rivals_in(spot, source),
            agrees: source.expect,
            guard_out: source.pick.is_some() || self.rivals_out(spot, source),
        })
    }

    fn default(
        &mut self,
        spot: &Spot<'s>,
        source: &'s RuleSource,
        shapes: &[&'s Shape],
    ) -> Option<Node> {
        let value = source.default.as_ref()?;
        let text = match value.as_ref() {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.scalar(&text, shapes, spot, value.span())
    }

    /// Notes one record path of a row. `proof`: the row has an inverse; the wire has one place.
    fn note_value(
        &mut self,
        spot: &Spot<'s>,
        source: &'s RuleSource,
        (name, target): (&String, &Target),
        gate: &Gate,
        proof: (bool, bool),
    ) {
        let canonical = self.canonical(spot, name);
        let first = target.tail.is_some() && proof.1;
        let first = first.then(|| "only the first of the list".to_owned());
        let picked = source.pick.map(|_| "as the list says".to_owned());
        let partial = target.partial.clone().or(first).or(picked);
        let wire = source
            .wire
            .as_ref()
            .map(|wire| wire.as_ref().as_str())
            .unwrap_or_default();
        self.note(
            spot,
            &canonical,
            gate,
            proof.0 && partial.is_none(),
            source,
            wire,
        );
        self.limit(partial);
        self.require(target.required);
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
        // Of a row that has another defect nothing is known.
        let known = !shapes.is_empty()
            && table.is_some() == source.crosswalk.is_some()
            && chain.len() == source.transform.len();
        if known && chained && !guessed && source.lossy.is_some() {
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
}

impl<'s> Builder<'s> {
    /// The second place of a value. What stands in two places can be put together, not taken apart.
    fn join(&mut self, spot: &Spot<'s>, source: &'s RuleSource) -> Option<(Place, Text)> {
        let join = source.join.as_ref()?;
        let (place, _) = self.place(&join.as_ref().wire, spot)?;
        let alone = place.tail.is_none() && source.absent.is_none() && source.default.is_none();
        if source.direction != Direction::In || !alone {
            let message = "`join` goes with direction = \"in\", and without a list, `absent` or \
                           `default`";
            self.defect(spot.file, join.span(), "rule-join", message);
            return None;
        }
        Some((place, Text::from(&join.as_ref().by)))
    }
}

/// What is asked of the rows of a record is asked of its first one.
pub(super) fn of_first_row(conditions: &mut [Condition]) {
    for condition in conditions {
        condition.steps.insert(0, Step::Nth(0));
    }
}

/// Whether a path goes to another place of a list than the first, which must then be there.
fn later_place(steps: &[Step]) -> bool {
    steps
        .iter()
        .any(|step| matches!(step, Step::Nth(place) if *place > 0))
}

/// Whether every code a record may hold comes back.
fn exact(table: &Table, shapes: &[&Shape]) -> bool {
    let back = |code: &Text| table.outward(code).is_some_and(|it| it.exact);
    match codes(shapes) {
        Some(codes) => codes.iter().all(back),
        None => table.canonical_codes().all(back),
    }
}
