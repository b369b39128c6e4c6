//! Where in the sender's document something stands, in the notation of its format. Worked out only
//! when there is something to tell.

use super::walk;
use crate::base::finding::{Finding, Span};
use crate::catalog::format::{NotationKind, Syntax};
use crate::format::hl7v2::{self, PlaceStep};
use crate::format::tree::{Node, Value};
use std::collections::BTreeSet;

/// A notation, and the types a place may be told by: what a document calls its own type is a value
/// until it is one of these.
#[derive(Clone, Copy)]
pub(super) struct Telling<'a> {
    /// The notation.
    pub kind: NotationKind,
    /// Types of the format.
    pub types: &'a BTreeSet<String>,
    /// Path in a node of its type.
    pub type_from: &'a [walk::Step],
}

/// One step down a document.
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

/// The notation of a format.
pub(super) fn notation(declared: Option<NotationKind>, syntax: Syntax) -> NotationKind {
    declared.unwrap_or(match syntax {
        Syntax::Json => NotationKind::Pointer,
        Syntax::Xml => NotationKind::Xml,
        Syntax::Delimited | Syntax::Workbook => NotationKind::Column,
        Syntax::Hl7v2 | Syntax::X12 => NotationKind::Segment,
    })
}

/// Fills the paths of findings that have a span and no path yet.
pub(super) fn fill(unit: &Node, kind: Telling<'_>, findings: &mut [Finding]) {
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.path.is_empty())
    {
        if let Some(span) = finding.span {
            finding.path = path(unit, span, kind);
        }
    }
}

/// The place of a span.
pub(super) fn path(unit: &Node, span: Span, telling: Telling<'_>) -> String {
    let mut steps = Vec::new();
    find(unit, span, &mut steps);
    match telling.kind {
        NotationKind::Pointer => pointer(&steps),
        NotationKind::Xml => xml(&steps),
        NotationKind::Column => column(&steps),
        NotationKind::Segment => segment(&steps),
        NotationKind::Typed => typed(unit, &steps, telling),
    }
}

/// Descends to the innermost node that holds the span.
fn find<'a>(node: &'a Node, span: Span, steps: &mut Vec<Step<'a>>) -> bool {
    let holds = |node: &Node| node.span.start <= span.start && span.end <= node.span.end;
    if node.span == span && node.span.end > 0 {
        return true;
    }
    match &node.value {
        Value::Object(members) => {
            for (name, child) in members.iter().filter(|(_, child)| holds(child)) {
                steps.push(Step::Member(name));
                if find(child, span, steps) {
                    return true;
                }
                steps.pop();
            }
        }
        Value::Array(items) => {
            for (at, child) in items.iter().enumerate().filter(|(_, child)| holds(child)) {
                steps.push(Step::Item(at));
                if find(child, span, steps) {
                    return true;
                }
                steps.pop();
            }
        }
        _ => return holds(node),
    }
    false
}

fn pointer(steps: &[Step<'_>]) -> String {
    steps
        .iter()
        .map(|step| match step {
            Step::Member(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
            Step::Item(at) => format!("/{at}"),
        })
        .collect()
}

fn xml(steps: &[Step<'_>]) -> String {
    let mut out = String::new();
    for step in steps {
        match step {
            Step::Member("$") => {}
            Step::Member(name) => {
                if !out.is_empty() {
                    out.push('/');
                }
                out.push_str(name);
            }
            Step::Item(at) => out.push_str(&format!("[{}]", at + 1)),
        }
    }
    out
}

fn segment(steps: &[Step<'_>]) -> String {
    hl7v2::place(steps.iter().map(|step| match step {
        Step::Member(name) => PlaceStep::Name(name),
        Step::Item(at) => PlaceStep::Item(*at),
    }))
}

fn column(steps: &[Step<'_>]) -> String {
    match steps {
        [Step::Item(row), Step::Member(name), ..] => format!("row {}, column {name}", row + 1),
        [Step::Item(row), ..] => format!("row {}", row + 1),
        _ => String::new(),
    }
}

/// `Type.member[0]`, from the innermost node that says its type.
fn typed(unit: &Node, steps: &[Step<'_>], telling: Telling<'_>) -> String {
    let typed = |node: &Node| {
        let found = walk::get(node, telling.type_from).and_then(Node::as_str);
        found
            .filter(|t| telling.types.contains(*t))
            .map(str::to_owned)
    };
    let (mut at, mut out) = (unit, typed(unit).unwrap_or_default());
    for step in steps {
        let next = match step {
            Step::Member(name) => {
                out.push('.');
                out.push_str(name);
                at.get(name)
            }
            Step::Item(place) => {
                out.push_str(&format!("[{place}]"));
                at.items().get(*place)
            }
        };
        let Some(next) = next else { break };
        at = next;
        if let Some(found) = typed(at) {
            out = format!("{out}.ofType({found})");
        }
    }
    out
}
