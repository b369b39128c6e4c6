//! The bodies of the API's own: what each must hold, and every finding where it does not.
//!
//! A finding names the field by its JSON pointer and what belongs there, with the words of a closed
//! list. It must never repeat what was sent: not a value, not a name that is not ours.

use crate::base::Text;
use crate::base::finding::{Finding, LineIndex};
use crate::base::finding_codes::SCHEMA_TYPE_MISMATCH;
use crate::catalog::schema::{Kind, Shape, TextRule};
use crate::format::tree::{Node, Value};
use crate::format::{Names, json};
use crate::validate::{Schema, SenderNotation};
use std::sync::Arc;

/// One kind of body.
pub struct Form {
    /// Absent when the shape could not be compiled: then nothing is taken.
    schema: Option<Schema>,
    names: Names,
}

impl Form {
    /// The form of a shape.
    pub fn of(shape: Shape) -> Form {
        let mut names = Vec::new();
        shape.names(&mut |name| names.push(name.clone()));
        Form {
            schema: Schema::compile(&Arc::new(shape)).ok(),
            names: Names::only(names),
        }
    }

    /// The body as a tree, with everything wrong with it; lines are not yet filled in.
    pub fn read(&self, bytes: &[u8]) -> (Option<Node>, Vec<Finding>) {
        let parsed = json::parse_naming(bytes, &self.names);
        let mut findings = parsed.findings;
        let Some(schema) = &self.schema else {
            return (None, vec![Finding::new(&SCHEMA_TYPE_MISMATCH)]);
        };
        let Some(mut tree) = parsed.tree else {
            return (None, findings);
        };
        drop_nulls(schema.shape(), &mut tree);
        findings.extend(schema.check(&tree, &SenderNotation::Pointer));
        (Some(tree), findings)
    }
}

/// The findings with their lines, when one of them is an error.
pub fn errors(bytes: &[u8], mut findings: Vec<Finding>) -> Option<Vec<Finding>> {
    if !findings.iter().any(Finding::is_error) {
        return None;
    }
    LineIndex::new(bytes, 1).fill(&mut findings);
    Some(findings)
}

/// An optional member that is null is one that is not there.
fn drop_nulls(shape: &Shape, node: &mut Node) {
    let Value::Object(members) = &mut node.value else {
        return;
    };
    members.retain_mut(|(name, member)| {
        let known = shape.members().iter().find(|(known, _)| known == name);
        let Some((_, shape)) = known else {
            return true;
        };
        drop_nulls(shape, member);
        shape.required || member.value != Value::Null
    });
}

/// An object of these members and no others.
pub fn object(members: Vec<(&str, Shape)>) -> Shape {
    Shape::of(Kind::Object {
        members: members
            .into_iter()
            .map(|(name, shape)| (Text::new(name), shape))
            .collect(),
        closed: true,
        order: None,
    })
}

/// An object of which these members are looked at; others may stand in it.
pub fn opened(members: Vec<(&str, Shape)>) -> Shape {
    let mut shape = object(members);
    if let Kind::Object { closed, .. } = &mut shape.kind {
        *closed = false;
    }
    shape
}

/// Text of so many characters.
pub fn text(min_chars: usize, max_chars: usize) -> Shape {
    Shape::of(Kind::Text(TextRule {
        min_chars,
        max_chars: Some(max_chars),
        ..TextRule::default()
    }))
}

/// One word of a closed list.
pub fn word<W: Copy>(all: &[W], as_str: fn(W) -> &'static str) -> Shape {
    Shape::of(Kind::Text(TextRule {
        codes: all.iter().map(|word| Text::new(as_str(*word))).collect(),
        ..TextRule::default()
    }))
}

/// So many items of one form.
pub fn list(item: Shape, min: usize, max: usize) -> Shape {
    Shape::of(Kind::Array {
        item: Box::new(item),
        min,
        max: Some(max),
    })
}

/// True or false.
pub fn truth() -> Shape {
    Shape::of(Kind::Boolean)
}

/// A member that must be there.
pub fn required(shape: Shape) -> Shape {
    Shape {
        required: true,
        ..shape
    }
}
