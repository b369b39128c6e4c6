//! What a mapping keeps and what it loses, path by path: generated, never written by hand.

use crate::base::Text;
use crate::catalog::MappingSource;
use crate::catalog::format::FormatSource;
use crate::catalog::mapping::{EachSource, RuleSource};
use crate::catalog::schema::Shape;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

/// Where a record says why it has no value at a path.
const WHY_MISSING: &str = "envelope.missing";

/// What one row binds.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// The part the row stands in.
    pub part: usize,
    /// Whether the path starts at the record's root rather than at what the part stands for.
    pub absolute: bool,
    /// Canonical path.
    pub path: String,
    /// Works wire to record.
    pub inward: bool,
    /// Works record to wire.
    pub outward: bool,
    /// Has an inverse.
    pub exact: bool,
    /// Why not, in the author's words or the compiler's.
    pub reason: Option<String>,
    /// The wire path, for people.
    pub wire: String,
    /// The canonical schema requires the path: there is always a value.
    pub required: bool,
}

/// A bound path from the record's root.
#[derive(Clone, Debug)]
pub(super) struct Mounted {
    part: usize,
    pub path: String,
    pub inward: bool,
    outward: bool,
    exact: bool,
    reason: Option<String>,
    wire: String,
    required: bool,
}

/// What a mapping keeps and loses of a record type.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LossReport {
    /// `<format>/<version>`.
    pub format: String,
    /// The record type.
    pub record: String,
    /// Paths that come back as they were.
    pub kept: Vec<String>,
    /// Paths that are written, or written in part, but do not come back as they were.
    pub changed: Vec<Loss>,
    /// Paths that are not written at all.
    pub lost: Vec<Loss>,
    /// Wire paths that are left unread on purpose.
    pub ignored: Vec<Loss>,
    /// What holds for the record as a whole.
    pub limits: Vec<String>,
}

/// One path and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Canonical path, or wire path where that is meant.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// The parts that persons are written by.
#[derive(Debug, Default)]
pub(super) struct Persons {
    /// Their numbers.
    pub parts: Vec<usize>,
    /// Whether one of them takes the persons nothing refers to.
    pub rest: bool,
}

/// Bound paths from the record's root: a part may stand for several places.
pub(super) fn mounted(bounds: &[Bound], mounts: &[Vec<String>]) -> Vec<Mounted> {
    let mut out = Vec::new();
    for bound in bounds {
        let whole = vec![String::new()];
        let places = if bound.absolute {
            &whole
        } else {
            mounts.get(bound.part).unwrap_or(&whole)
        };
        for place in places {
            out.push(Mounted {
                part: bound.part,
                path: super::compile::join(place, &bound.path),
                inward: bound.inward,
                outward: bound.outward,
                exact: bound.exact,
                reason: bound.reason.clone(),
                wire: bound.wire.clone(),
                required: bound.required,
            });
        }
    }
    elsewhere(&mut out);
    out
}

/// A path that a row going in alone may fill from elsewhere does not come back empty where it was
/// empty, unless the same place of the wire is only written from it.
fn elsewhere(bounds: &mut [Mounted]) {
    let alone = |it: &&Mounted| it.inward && !it.outward && !it.required;
    let filled: BTreeSet<String> = bounds
        .iter()
        .filter(alone)
        .filter(|it| {
            let twin = |o: &Mounted| o.outward && o.path == it.path && o.wire == it.wire;
            !bounds.iter().any(twin)
        })
        .map(|it| it.path.clone())
        .collect();
    for bound in bounds.iter_mut().filter(|it| filled.contains(&it.path)) {
        if bound.exact {
            bound.exact = false;
            bound.reason = Some("it may also be read from elsewhere".to_owned());
        }
    }
}

/// Canonical path to the wire path that reads it first.
pub(super) fn wire_paths(bounds: &[Mounted]) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for bound in bounds.iter().filter(|bound| bound.inward) {
        out.entry(bound.path.clone())
            .or_insert_with(|| bound.wire.clone());
    }
    out
}

/// Whether a dropped path is, or holds, something of the record.
pub(super) fn covers_any(drop: &str, record: &Shape) -> bool {
    leaves(record).iter().any(|leaf| covers(drop, leaf))
}

/// Whether a dropped path covers a leaf; `[]` may be left out.
fn covers(drop: &str, leaf: &str) -> bool {
    let (drop, leaf) = (drop.replace("[]", ""), leaf.replace("[]", ""));
    leaf.strip_prefix(drop.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn leaves(record: &Shape) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    record.leaves(&mut |path, _| out.push(path.to_owned()));
    let mut seen = BTreeSet::new();
    out.retain(|path| seen.insert(path.clone()));
    out
}

impl LossReport {
    pub(super) fn identity(
        format: &FormatSource,
        mapping: &MappingSource,
        record: &Shape,
    ) -> LossReport {
        LossReport {
            format: format.id.to_string(),
            record: mapping.record.to_string(),
            kept: leaves(record),
            ..LossReport::default()
        }
    }

    pub(super) fn new(
        format: &FormatSource,
        mapping: &MappingSource,
        record: &Shape,
        bounds: &[Mounted],
        persons: &Persons,
    ) -> LossReport {
        let mut report = LossReport {
            format: format.id.to_string(),
            record: mapping.record.to_string(),
            ..LossReport::default()
        };
        for leaf in leaves(record) {
            report.place(leaf, mapping, bounds, persons);
        }
        for source in &mapping.body.ignore {
            let source = source.as_ref();
            if let Some(wire) = &source.wire {
                report.ignored.push(Loss {
                    path: wire.as_ref().clone(),
                    reason: source.reason.clone(),
                });
            }
        }
        for strip in format.body.strip.iter().map(|it| it.as_ref()) {
            report
                .ignored
                .extend(strip.columns.iter().map(|column| Loss {
                    path: column.clone(),
                    reason: format!("taken out at the door: {}", strip.reason),
                }));
        }
        if !format.is_written() {
            let limit = "the format is only read: no record is written in it";
            report.limits.push(limit.to_owned());
        }
        if !persons.rest {
            report
                .limits
                .push("persons that nothing refers to are not written".to_owned());
        }
        report.orders(mapping);
        report
    }

    /// Lists that are sorted on the way.
    fn orders(&mut self, mapping: &MappingSource) {
        let parts = mapping.body.part.iter().map(|part| part.as_ref());
        for part in parts {
            let Some(keys) = &part.order_by else {
                continue;
            };
            let keys = keys.as_ref().all().join("`, else `");
            let instances = format!("{}:", part.name.as_ref());
            let lists = mapping.body.each.iter().map(|each| each.as_ref());
            let of_part = lists.filter(|each| {
                let wire = each.wire.as_ref().map(|wire| wire.as_ref());
                each.direction.goes_out() && wire == Some(&instances)
            });
            self.limits.extend(of_part.map(|each| {
                format!(
                    "`{}` comes in the order of `{keys}`; an item without stays behind the one \
                     before it",
                    each.record.as_ref()
                )
            }));
        }
    }

    fn place(
        &mut self,
        leaf: String,
        mapping: &MappingSource,
        bounds: &[Mounted],
        persons: &Persons,
    ) {
        let why = leaf.starts_with(WHY_MISSING);
        if super::compile::filled(&leaf) && !why {
            self.kept.push(leaf);
            return;
        }
        if why && says_why(mapping) {
            self.changed.push(Loss {
                path: leaf,
                reason: "only for the paths whose rows say why a value is missing".to_owned(),
            });
            return;
        }
        let rows: Vec<&Mounted> = bounds.iter().filter(|b| same(&b.path, &leaf)).collect();
        let kept = |part: &usize| rows.iter().any(|row| row.exact && row.part == *part);
        let some = rows.iter().any(|row| row.exact);
        let all = !leaf.starts_with("persons[]") || persons.parts.iter().all(kept);
        if some && all {
            self.kept.push(leaf);
            return;
        }
        let roles = some.then(|| "only for persons in some roles".to_owned());
        let drop = mapping
            .body
            .drop
            .iter()
            .map(|drop| drop.as_ref())
            .find(|drop| {
                drop.record
                    .as_ref()
                    .is_some_and(|path| covers(path.as_ref(), &leaf))
            });
        let said = drop.map(|drop| drop.reason.clone());
        let reason = said
            .or(roles)
            .or_else(|| rows.iter().find_map(|row| row.reason.clone()));
        let written = rows.iter().find(|row| row.outward);
        let list = if written.is_some() {
            &mut self.changed
        } else {
            &mut self.lost
        };
        let other = match (written, rows.is_empty()) {
            (Some(row), _) if row.inward => "it does not come back as it was",
            (Some(_), _) => "it is written and not read back",
            (None, false) => "it is read and never written",
            (None, true) => "the format has no place for it",
        };
        list.push(Loss {
            path: leaf,
            reason: reason.unwrap_or_else(|| other.to_owned()),
        });
    }

    /// The report as JSON text with a line end, the form of the files below `docs/loss`.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Whether any row of a mapping carries the reason why a value is missing.
fn says_why(mapping: &MappingSource) -> bool {
    fn any(rules: &[Spanned<RuleSource>], lists: &[Spanned<EachSource>]) -> bool {
        rules.iter().any(|rule| rule.as_ref().absent.is_some())
            || lists
                .iter()
                .any(|list| any(&list.as_ref().rule, &list.as_ref().each))
    }
    let body = &mapping.body;
    let mut templates = body.template.iter().map(|it| it.as_ref());
    any(&body.rule, &body.each) || templates.any(|it| any(&it.rule, &it.each))
}

/// The path itself, or its list as a whole.
fn same(bound: &str, leaf: &str) -> bool {
    bound == leaf || leaf.strip_suffix("[]") == Some(bound)
}

/// The wire path of a canonical one, or of the nearest one above it.
pub(super) fn nearest<'m>(paths: &'m BTreeMap<String, String>, path: &str) -> Option<&'m str> {
    let mut at = Text::from(path);
    loop {
        if let Some(found) = paths.get(at.as_str()) {
            return Some(found);
        }
        let list = format!("{at}[]");
        if let Some(found) = paths.get(&list) {
            return Some(found);
        }
        let below = format!("{at}.");
        if let Some((_, found)) = paths.iter().find(|(known, _)| known.starts_with(&below)) {
            return Some(found);
        }
        // A list may be bound whole: its items are told by it.
        let bare = at.trim_end_matches("[]").len();
        let cut = match bare < at.len() {
            true => bare,
            false => at.rfind('.')?,
        };
        at.truncate(cut);
    }
}
