//! Members an open schema does not name: one warning per distinct path, never silence.
//!
//! Paths are told apart without their item numbers, so that a member that stands in a thousand
//! items is one warning at its first place.

use super::engine::is_closed;
use super::notation::{Notation, Step};
use crate::base::Text;
use crate::base::finding::{Finding, add_within};
use crate::base::finding_codes::{MODIFIER_NOT_READ, WIRE_UNKNOWN_FIELD};
use crate::base::limits::RECORD_FINDINGS_MAX;
use crate::catalog::schema::{Kind, Shape};
use crate::format::speaks;
use crate::format::tree::Node;
use std::collections::HashSet;

/// Whether anything in the shape is open.
pub(super) fn is_open(shape: &Shape) -> bool {
    match &shape.kind {
        Kind::Object {
            members, closed, ..
        } => !closed || members.iter().any(|(_, member)| is_open(member)),
        Kind::Array { item, .. } => is_open(item),
        Kind::OneOf { variants, .. } => variants.iter().any(|(_, variant)| is_open(variant)),
        _ => false,
    }
}

/// Adds a warning for every distinct member the shape does not name.
pub(super) fn unknown(
    shape: &Shape,
    node: &Node,
    steps: &[Step<'_>],
    (notation, mark_words): (&dyn Notation, &[Text]),
    findings: &mut Vec<Finding>,
) {
    let mut walk = Walk {
        steps: steps.to_vec(),
        seen: HashSet::new(),
        notation,
        mark_words,
        findings,
    };
    walk.node(shape, node);
}

/// What is told of such a member.
const MARK: &str = "by its name this may say who may see the rest, and nothing reads it here";

struct Walk<'n, 'f> {
    steps: Vec<Step<'n>>,
    seen: HashSet<String>,
    notation: &'f dyn Notation,
    mark_words: &'f [Text],
    findings: &'f mut Vec<Finding>,
}

impl<'n> Walk<'n, '_> {
    fn node(&mut self, shape: &Shape, node: &'n Node) {
        match &shape.kind {
            // An open object that names nothing takes anything: what stands in it is not ours.
            Kind::Object { members, .. } if members.is_empty() => {}
            Kind::Object {
                members, closed, ..
            } => {
                for (name, child) in node.members() {
                    self.steps.push(Step::Name(name));
                    match members.iter().find(|(known, _)| known == name) {
                        Some((_, member)) => self.node(member, child),
                        None if *closed => {}
                        None => self.tell(child, ""),
                    }
                    self.steps.pop();
                }
            }
            Kind::Array { item, .. } => {
                for (at, child) in node.items().iter().enumerate() {
                    self.steps.push(Step::Item(at));
                    self.node(item, child);
                    self.steps.pop();
                }
            }
            Kind::OneOf {
                discriminator,
                variants,
            } => {
                let value = node.text(discriminator);
                match value.and_then(|value| shape.variant(value)) {
                    Some(variant) => self.node(variant, node),
                    // Without the discriminator the engine tells an error.
                    None if value.is_none() => {}
                    None if variants.iter().any(|(_, variant)| is_closed(variant)) => {}
                    None => self.tell(node, value.unwrap_or_default()),
                }
            }
            _ => {}
        }
    }

    /// Whether the member, or what it stands in, may say who may see the rest.
    fn is_mark(&self) -> bool {
        let names = self.steps.iter().rev().filter_map(|step| match step {
            Step::Name(name) => Some(*name),
            Step::Item(_) => None,
        });
        let mut names = names.take(2);
        names.any(|name| speaks(name, self.mark_words))
    }

    /// One warning per path and kind; the kind itself is not told. What may be a mark is an error
    /// wherever it stands.
    fn tell(&mut self, node: &Node, kind: &str) {
        if self.is_mark() {
            let path = self.notation.path(&self.steps);
            let told = Finding::new(&MODIFIER_NOT_READ).saying(MARK).at(path);
            let told = told.spanning(node.span);
            return add_within(self.findings, told, RECORD_FINDINGS_MAX);
        }
        if self.findings.len() >= RECORD_FINDINGS_MAX {
            return;
        }
        let mut key = String::from(kind);
        for step in &self.steps {
            key.push('\n');
            if let Step::Name(name) = step {
                key.push_str(name);
            }
        }
        if self.seen.insert(key) {
            let path = self.notation.path(&self.steps);
            self.findings.push(
                Finding::new(&WIRE_UNKNOWN_FIELD)
                    .at(path)
                    .spanning(node.span),
            );
        }
    }
}
