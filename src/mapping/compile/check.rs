//! What is proved of a whole file: nothing required is left unset, no row is dead, no code falls
//! through a crosswalk, nothing is declared and never used.

use super::shapes::codes;
use super::{Builder, Spot};
use crate::base::defect::Defect;
use crate::catalog::Sources;
use crate::catalog::mapping::{Direction, RuleSource};
use crate::catalog::schema::{Kind, Shape};
use crate::mapping::loss::{self, LossReport, Persons};
use crate::mapping::plan::Gate;
use crate::mapping::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use toml::Spanned;

/// Paths the engine and intake fill in themselves.
const FILLED: &[&str] = &[
    "envelope.record_type",
    "envelope.schema_version",
    "envelope.missing[].path",
    "envelope.missing[].reason",
    "persons[].key",
];

impl<'s> Builder<'s> {
    /// The code table of a row, held against both value sets.
    pub(super) fn table(
        &mut self,
        spot: &Spot<'s>,
        name: Option<&'s Spanned<String>>,
        gate: &Gate,
        record: &[&'s Shape],
        wire: &[&'s Shape],
    ) -> Option<Arc<Table>> {
        let name = name?;
        let Some(table) = self.tables.get(name.as_ref()) else {
            let message = format!("there is no crosswalk `{}`", name.as_ref());
            self.defect(spot.file, name.span(), "crosswalk-unknown", message);
            return None;
        };
        self.built.used_tables.insert(name.as_ref().clone());
        if let Some(known) = codes(record) {
            let foreign = table.canonical_codes().find(|code| !known.contains(code));
            if let Some(code) = foreign {
                let message = format!(
                    "crosswalk `{}`: `{code}` is no code of the record",
                    table.name
                );
                self.defect(spot.file, name.span(), "code-not-in-value-set", message);
            }
            let gap = known
                .iter()
                .find(|code| gate.outward && table.outward(code).is_none());
            if let Some(code) = gap {
                let message = format!("crosswalk `{}` has no row for `{code}`", table.name);
                self.defect(spot.file, name.span(), "crosswalk-gap", message);
            }
        }
        if let Some(known) = codes(wire) {
            let foreign = table.wire_codes().find(|code| !known.contains(code));
            if let Some(code) = foreign {
                let message = format!(
                    "crosswalk `{}`: `{code}` is no code of the wire",
                    table.name
                );
                self.defect(spot.file, name.span(), "code-not-in-value-set", message);
            }
        }
        Some(Arc::clone(table))
    }

    /// Without a crosswalk, every code of the record must be one of the wire too.
    pub(super) fn codes_fit(
        &mut self,
        spot: &Spot<'s>,
        place: &Spanned<String>,
        record: &[&'s Shape],
        wire: &[&'s Shape],
    ) {
        let (Some(record), Some(wire)) = (codes(record), codes(wire)) else {
            return;
        };
        if let Some(code) = record.iter().find(|code| !wire.contains(code)) {
            let message = format!("`{code}` is not in the value set of `{}`", place.as_ref());
            self.defect(spot.file, place.span(), "code-not-in-value-set", message);
        }
    }

    /// Whether an earlier row may set the same record path. Parts are not read in the order of
    /// the file, so the first row of a path sets it whatever stands there already.
    pub(super) fn rivals_in(&self, spot: &Spot<'s>, source: &RuleSource) -> bool {
        let Some(record) = &source.record else {
            return false;
        };
        let paths = record.as_ref().all();
        let same = |other: &RuleSource| {
            let theirs = other.record.as_ref().map(|it| it.as_ref().all());
            theirs.is_some_and(|theirs| theirs.iter().any(|path| paths.contains(path)))
        };
        if spot.file.path != self.mapping.file {
            return self.siblings(spot, &same);
        }
        let (mut earlier, mut met) = (false, false);
        let body = &self.mapping.body;
        visit(&body.rule, &body.each, &mut |rule| {
            met |= std::ptr::eq(rule, source);
            earlier |= !met && rule.direction.goes_in() && same(rule);
        });
        earlier
    }

    /// Whether another row of the same context may set the same wire path.
    pub(super) fn rivals_out(&self, spot: &Spot<'s>, source: &RuleSource) -> bool {
        let Some(wire) = &source.wire else {
            return false;
        };
        self.siblings(spot, &|other| {
            other
                .wire
                .as_ref()
                .is_some_and(|theirs| theirs.as_ref() == wire.as_ref())
        })
    }

    /// More than one row of the file where this one stands for which the test holds. Rows of
    /// other contexts count too: a guard too many costs a look, one too few a value.
    fn siblings(&self, spot: &Spot<'s>, test: &dyn Fn(&RuleSource) -> bool) -> bool {
        let mut count = 0;
        if spot.file.path == self.mapping.file {
            let body = &self.mapping.body;
            visit(&body.rule, &body.each, &mut |rule| {
                count += usize::from(test(rule))
            });
        }
        for (_, template) in self.templates.values() {
            visit(&template.rule, &template.each, &mut |rule| {
                count += usize::from(test(rule))
            });
        }
        count > 1
    }

    /// Checks of the whole file, and the reports that come of it.
    pub(super) fn check(&mut self) {
        self.dead_rows();
        self.rows_of_read_only();
        self.required_of_the_wire();
        let bounds = loss::mounted(&self.bounds, &self.mounts());
        let mut unset = Vec::new();
        if self.format.is_read() {
            required(self.record, &mut String::new(), true, &bounds, &mut unset);
        }
        for path in unset {
            let message = format!("`{path}` is required and no row sets it");
            let mut defect = self.file.defect(None, "required-target-unset", message);
            defect.help = "map it, or set it by `const`".to_owned();
            self.built.defects.push(defect);
        }
        for spanned in &self.mapping.body.drop {
            let Some(path) = &spanned.as_ref().record else {
                let message = "`drop` names a record path";
                self.defect(self.file, spanned.span(), "rule-incomplete", message);
                continue;
            };
            if !loss::covers_any(path.as_ref(), self.record) {
                let message = format!("`{}` is no path of the record", path.as_ref());
                self.defect(self.file, path.span(), "record-path-unknown", message);
            }
        }
        self.unused_templates();
        self.built.wire_paths = loss::wire_paths(&bounds);
        let people = self
            .parts
            .iter()
            .enumerate()
            .filter(|(_, part)| part.person);
        let persons = Persons {
            parts: people.clone().map(|(at, _)| at).collect(),
            rest: people.clone().any(|(_, part)| part.rest),
        };
        let loss = LossReport::new(self.format, self.mapping, self.record, &bounds, &persons);
        self.built.loss = loss;
    }

    /// In a format that is only read every row says so: nothing of it looks as if it were written.
    fn rows_of_read_only(&mut self) {
        if self.format.is_written() {
            return;
        }
        let body = &self.mapping.body;
        let mut wrong = Vec::new();
        let mut see = |rule: &RuleSource| {
            let place = rule.record.as_ref().map(Spanned::span);
            let place = place.or(rule.wire.as_ref().map(Spanned::span));
            wrong.extend(place.filter(|_| rule.direction != Direction::In));
        };
        visit(&body.rule, &body.each, &mut see);
        for template in &body.template {
            visit(&template.as_ref().rule, &template.as_ref().each, &mut see);
        }
        for place in wrong {
            let message = "the format is only read: mark the row direction = \"in\"";
            self.defect(self.file, place, "rule-goes-out", message);
        }
    }

    fn mounts(&self) -> Vec<Vec<String>> {
        self.drafts
            .iter()
            .map(|draft| draft.mounts.clone())
            .collect()
    }

    fn unused_templates(&mut self) {
        for template in &self.mapping.body.template {
            let name = &template.as_ref().name;
            if !self.used_templates.contains(name.as_ref().as_str()) {
                let message = "no part uses the template";
                self.defect(self.file, name.span(), "template-unused", message);
            }
        }
    }

    /// A row is dead when an earlier one of the same direction always takes its place.
    fn dead_rows(&mut self) {
        let body = &self.mapping.body;
        let mut dead = Vec::new();
        find_dead(&body.rule, &mut dead);
        let mut lists: Vec<&crate::catalog::mapping::EachSource> =
            body.each.iter().map(|each| each.as_ref()).collect();
        while let Some(list) = lists.pop() {
            find_dead(&list.rule, &mut dead);
            lists.extend(list.each.iter().map(|each| each.as_ref()));
        }
        for span in dead {
            let message = "an earlier row always takes the place of this one";
            self.defect(self.file, span, "dead-row", message);
        }
    }
}

fn find_dead(rules: &[Spanned<RuleSource>], dead: &mut Vec<std::ops::Range<usize>>) {
    let mut seen: BTreeSet<(String, String, bool)> = BTreeSet::new();
    for spanned in rules {
        let rule = spanned.as_ref();
        let free = rule.when.is_none() && rule.only.is_none() && rule.pick.is_none();
        let (Some(record), Some(wire)) = (&rule.record, &rule.wire) else {
            continue;
        };
        let key = |inward: bool| {
            (
                record.as_ref().all().join(" "),
                wire.as_ref().clone(),
                inward,
            )
        };
        let mut ways = Vec::new();
        if rule.direction.goes_in() {
            ways.push(key(true));
        }
        if rule.direction.goes_out() {
            ways.push(key(false));
        }
        if ways.iter().all(|way| seen.contains(way)) {
            dead.push(spanned.span());
        }
        if free {
            seen.extend(ways);
        }
    }
}

fn visit(
    rules: &[Spanned<RuleSource>],
    lists: &[Spanned<crate::catalog::mapping::EachSource>],
    see: &mut dyn FnMut(&RuleSource),
) {
    for rule in rules {
        see(rule.as_ref());
    }
    for list in lists {
        visit(&list.as_ref().rule, &list.as_ref().each, see);
    }
}

/// Required leaves that no row going in sets. Below an optional object only where some row sets
/// anything in it.
fn required(
    shape: &Shape,
    path: &mut String,
    must: bool,
    bounds: &[loss::Mounted],
    unset: &mut Vec<String>,
) {
    let set = |path: &str| {
        bounds
            .iter()
            .any(|bound| bound.inward && below(&bound.path, path))
    };
    let length = path.len();
    match &shape.kind {
        Kind::Object { members, .. } => {
            for (name, member) in members {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                let must = (must && member.required) || (!member.is_leaf() && set(path));
                required(member, path, must, bounds, unset);
                path.truncate(length);
            }
        }
        Kind::Array { item, min, .. } => {
            let must = must && (*min > 0 || set(path));
            path.push_str("[]");
            required(item, path, must, bounds, unset);
            path.truncate(length);
        }
        // Which variant it is, only the record tells.
        Kind::OneOf { .. } => {}
        _ => {
            if must && !set(path) && !filled(path) {
                unset.push(path.clone());
            }
        }
    }
}

/// Whether a bound path is the path, lies below it, or is the same list without its `[]`.
fn below(bound: &str, path: &str) -> bool {
    let Some(rest) = bound.strip_prefix(path) else {
        return path.strip_suffix("[]") == Some(bound);
    };
    rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]")
}

/// Two pieces of a canonical path.
pub(in crate::mapping) fn join(left: &str, right: &str) -> String {
    match (left, right) {
        ("", path) | (path, "") => path.to_owned(),
        (left, right) => format!("{left}.{right}"),
    }
}

/// Whether the engine or intake fills a path in themselves.
pub(in crate::mapping) fn filled(path: &str) -> bool {
    FILLED.contains(&path)
}

/// The shapes of single values: items for lists.
pub(super) fn values_of<'s>(shapes: &[&'s Shape]) -> Vec<&'s Shape> {
    shapes
        .iter()
        .map(|shape| shape.item().unwrap_or(shape))
        .collect()
}

/// Crosswalks that no mapping uses.
pub(super) fn unused_tables(sources: &Sources, used: &BTreeSet<String>, defects: &mut Vec<Defect>) {
    // A mapping with a defect may not have come to the table it names.
    if !defects.is_empty() {
        return;
    }
    let all: &BTreeMap<_, _> = &sources.crosswalks;
    for (name, table) in all {
        if !used.contains(name) {
            let message = "no mapping uses the crosswalk";
            defects.push(crate::catalog::files::whole(
                &table.file,
                "crosswalk-unused",
                message,
            ));
        }
    }
}
