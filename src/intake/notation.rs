//! Places told as the sender wrote them: a value by where it stands in the document, a missing one
//! by where the mapping would have read it.

use crate::base::finding::{Finding, Span};
use crate::base::finding_codes::{CodeEntry, SCHEMA_REQUIRED_MISSING, SERVICE_SOURCE_UNKNOWN};
use crate::base::id::{FormatId, RecordType};
use crate::catalog::format::NotationKind;
use crate::format::split::Unit;
use crate::format::{Node, Value};
use crate::mapping::Plans;
use crate::record::places;
use crate::validate::{Notation, SenderNotation, Step};
use crate::wire::Wire;

/// Codes that tell of what is not there: their place is where it would have been read.
const MISSING: [&CodeEntry; 2] = [&SCHEMA_REQUIRED_MISSING, &SERVICE_SOURCE_UNKNOWN];

/// One document, for telling places in it.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub wire: &'a Wire,
    pub unit: &'a Unit,
    pub tree: &'a Node,
}

impl Document<'_> {
    /// Tells the place of every finding that has a span by the node that stands there.
    pub fn tell(&self, findings: &mut [Finding]) {
        for finding in findings {
            let missing = MISSING.iter().any(|entry| finding.code == entry.code);
            let span = finding.span.filter(|span| span.end > 0 && !missing);
            if let Some(path) = span.and_then(|span| self.path(span)) {
                finding.path = path;
            } else if missing && self.wire.notation_kind() == NotationKind::Column {
                self.tell_row(finding);
            }
        }
    }

    /// What is missing in an item is missing in the row of that item.
    fn tell_row(&self, finding: &mut Finding) {
        let Some(span) = finding.span.filter(|span| span.end > 0) else {
            return;
        };
        let holds = |row: &Node| row.span.start <= span.start && span.end <= row.span.end;
        let at = self.tree.items().iter().position(holds);
        if let (Some(at), Some((_, column))) = (at, finding.path.split_once(", column ")) {
            let steps = [Step::Item(at), Step::Name(column)];
            finding.path = self.notation().path(&steps);
        }
    }

    /// Where a record whose root has these bytes is shown: of rows, the first one.
    pub fn shown(&self, root: Span) -> Span {
        let first = self.tree.items().first().map(|row| row.span);
        match self.wire.notation_kind() {
            NotationKind::Column if root == self.tree.span => first.unwrap_or(root),
            _ => root,
        }
    }

    /// The place of the innermost node with these bytes.
    pub fn path(&self, span: Span) -> Option<String> {
        let mut steps = Vec::new();
        find(self.tree, span, &mut steps).then(|| self.notation().path(&steps))
    }

    fn notation(&self) -> SenderNotation {
        self.wire.document_notation(self.unit, self.tree)
    }
}

/// Descends to the node that stands exactly at the span.
fn find<'a>(node: &'a Node, span: Span, steps: &mut Vec<Step<'a>>) -> bool {
    if node.span == span {
        return true;
    }
    let holds = |node: &Node| node.span.start <= span.start && span.end <= node.span.end;
    match &node.value {
        Value::Object(members) => {
            for (name, child) in members.iter().filter(|(_, child)| holds(child)) {
                steps.push(Step::Name(name));
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
        _ => {}
    }
    false
}

/// Tells a place of a canonical record as the sender would have written it.
pub(super) struct RecordNotation<'a> {
    pub document: Document<'a>,
    pub plans: &'a Plans,
    pub format: &'a FormatId,
    pub record_type: &'a RecordType,
    /// Bytes of the record's root node.
    pub root: Span,
}

impl Notation for RecordNotation<'_> {
    fn path(&self, steps: &[Step<'_>]) -> String {
        let mut pointer = String::new();
        for step in steps {
            match step {
                Step::Name(name) => places::push_token(&mut pointer, name),
                Step::Item(at) => places::push_token(&mut pointer, &at.to_string()),
            }
        }
        self.of_pointer(&pointer)
    }
}

impl RecordNotation<'_> {
    /// The place a JSON pointer of the record names.
    pub fn of_pointer(&self, pointer: &str) -> String {
        let root = self.document.path(self.root).unwrap_or_default();
        let wire = self.document.wire;
        if wire.is_identity() {
            return format!("{root}{pointer}");
        }
        let dotted = dotted(pointer);
        let Some(found) =
            self.plans
                .wire_path(self.format, self.record_type, &dotted, self.document.tree)
        else {
            // No column or element leads there: the canonical name is the clearest there is.
            return dotted;
        };
        let kind = wire.notation_kind();
        let column = found.rsplit('.').next().filter(|name| !name.is_empty());
        if let (NotationKind::Column, Some(column)) = (kind, column) {
            return format!("{}, column {column}", row(&root, self.document.unit));
        }
        // Mapped places begin with the type of the node they stand in; one that does not says too
        // little alone.
        let Some((node_type, rest)) = found.split_once('.').filter(|(_, rest)| *rest != ".") else {
            return dotted;
        };
        match kind {
            NotationKind::Xml => format!("{root}/{rest}"),
            NotationKind::Typed if self.is_root(node_type) => format!("{root}.{rest}"),
            NotationKind::Segment => wire.place_of(rest),
            NotationKind::Typed | NotationKind::Pointer | NotationKind::Column => found,
        }
    }

    fn is_root(&self, node_type: &str) -> bool {
        let mut steps = Vec::new();
        let mut at = self.document.tree;
        if find(at, self.root, &mut steps) {
            for step in &steps {
                let next = match step {
                    Step::Name(name) => at.get(name),
                    Step::Item(item) => at.items().get(*item),
                };
                at = next.unwrap_or(at);
            }
        }
        self.document.wire.type_of(at) == node_type
    }
}

/// The row of a record: its own, or the first of its rows.
fn row(root: &str, unit: &Unit) -> String {
    if root.starts_with("row ") {
        root.to_owned()
    } else {
        format!("row {}", unit.first_row)
    }
}

/// `/body/status_history/2/code` as `body.status_history[].code`.
fn dotted(pointer: &str) -> String {
    let mut out = String::new();
    for token in places::tokens(pointer) {
        if token.bytes().all(|byte| byte.is_ascii_digit()) && !token.is_empty() {
            out.push_str("[]");
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&token);
        }
    }
    out
}
