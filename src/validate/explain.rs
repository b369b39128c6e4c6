//! An engine error as a finding: exact code, the sender's path, what the schema wants.
//!
//! Messages are made of schema words only; the engine's own messages are never used, because they
//! quote the value.

use super::notation::{Notation, Step};
use super::text_form::{Fit, fit, wanted};
use crate::base::finding::Finding;
use crate::base::finding_codes::{
    CodeEntry, DATE_IMPOSSIBLE, SCHEMA_CODE_UNKNOWN, SCHEMA_PATTERN_MISMATCH,
    SCHEMA_REQUIRED_MISSING, SCHEMA_TYPE_MISMATCH, SCHEMA_UNKNOWN_FIELD, SCHEMA_VALUE_OUT_OF_RANGE,
};
use crate::catalog::schema::TextFormat;
use crate::format::tree::{Node, Value};
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::LocationSegment;
use serde_json::Value as Plain;

/// Codes of a set that are listed in advice.
const CODES_LISTED_MAX: usize = 64;
/// What to do about a field that other entries have.
const MISPLACED: &str = "leave it out: other entries have this field, one of this kind does not";
/// How a whole number is written, so that every format can say the same.
const WHOLE: &str = "write a whole number in digits alone: 1, not 1.0 or 1e0; 0, not -0";

/// Adds the findings of one engine error.
pub(super) fn explain(
    error: &jsonschema::ValidationError<'_>,
    root: &Node,
    above: &[Step<'_>],
    notation: &dyn Notation,
    findings: &mut Vec<Finding>,
) {
    let mut place = Place::find(error, root, above);
    let finding = |code: &'static CodeEntry, place: &Place<'_>| {
        Finding::new(code)
            .at(notation.path(&place.steps))
            .spanning(place.node.span)
    };
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            place.steps.push(Step::Name(name));
            findings.push(finding(&SCHEMA_REQUIRED_MISSING, &place));
        }
        Kind::AdditionalProperties { unexpected } => {
            for name in unexpected {
                let mut member = place.clone();
                member.node = place.node.get(name).unwrap_or(place.node);
                member.steps.push(Step::Name(name));
                let told = finding(&SCHEMA_UNKNOWN_FIELD, &member);
                // A name that is shown is one of ours: it belongs elsewhere.
                let misplaced = !name.starts_with('?');
                findings.push(if misplaced {
                    told.fixed_by(MISPLACED)
                } else {
                    told
                });
            }
        }
        Kind::Type { kind } => {
            let said = format!("expected {}, found {}", type_word(kind), found(place.node));
            let told = finding(&SCHEMA_TYPE_MISMATCH, &place).saying(said);
            let whole = is_whole(kind) && matches!(place.node.value, Value::Number(_));
            findings.push(if whole { told.fixed_by(WHOLE) } else { told });
        }
        Kind::Enum { options } => {
            let found = finding(&SCHEMA_CODE_UNKNOWN, &place);
            findings.push(found.fixed_by(codes(options)));
        }
        Kind::Constant { expected_value } => {
            let fix = format!("use {}", plain(expected_value));
            findings.push(finding(&SCHEMA_CODE_UNKNOWN, &place).fixed_by(fix));
        }
        Kind::Pattern { pattern } => {
            let fix = format!("the form is: {pattern}");
            findings.push(finding(&SCHEMA_PATTERN_MISMATCH, &place).fixed_by(fix));
        }
        Kind::Format { format } => {
            findings.push(form(format, &place, &finding));
        }
        other => match limit(other) {
            Some(fix) => {
                let found = finding(&SCHEMA_VALUE_OUT_OF_RANGE, &place);
                findings.push(found.fixed_by(fix));
            }
            None => findings.push(finding(&SCHEMA_TYPE_MISMATCH, &place)),
        },
    }
}

/// A node and the steps to it from the top of the document.
#[derive(Clone)]
struct Place<'n> {
    node: &'n Node,
    steps: Vec<Step<'n>>,
}

impl<'n> Place<'n> {
    fn find(
        error: &'n jsonschema::ValidationError<'_>,
        root: &'n Node,
        above: &[Step<'n>],
    ) -> Place<'n> {
        let mut place = Place {
            node: root,
            steps: above.to_vec(),
        };
        for segment in error.instance_path().segments() {
            place.step(&segment);
        }
        place
    }

    fn step(&mut self, segment: &LocationSegment<'_>) {
        match (&self.node.value, segment) {
            (Value::Array(items), LocationSegment::Index(at)) => {
                if let Some(item) = items.get(*at) {
                    self.node = item;
                    self.steps.push(Step::Item(*at));
                }
            }
            (Value::Object(members), segment) => {
                let name = segment.to_string();
                if let Some((name, member)) = members.iter().find(|(known, _)| *known == name) {
                    self.node = member;
                    self.steps.push(Step::Name(name));
                }
            }
            _ => {}
        }
    }
}

fn form(
    format: &str,
    place: &Place<'_>,
    finding: &dyn Fn(&'static CodeEntry, &Place<'_>) -> Finding,
) -> Finding {
    let Some(format) = TextFormat::of(format) else {
        return finding(&SCHEMA_PATTERN_MISMATCH, place);
    };
    let text = place.node.as_str().unwrap_or_default();
    let code = match fit(format, text) {
        Fit::Impossible => &DATE_IMPOSSIBLE,
        _ => &SCHEMA_PATTERN_MISMATCH,
    };
    finding(code, place).fixed_by(format!("the form is: {}", wanted(format)))
}

fn is_whole(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Single(one) if one.to_string() == "integer")
}

fn type_word(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => match one.to_string().as_str() {
            "string" => "text".to_owned(),
            "array" => "a list".to_owned(),
            "integer" => "a whole number".to_owned(),
            "number" => "a number".to_owned(),
            "boolean" => "true or false".to_owned(),
            "object" => "an object".to_owned(),
            other => other.to_owned(),
        },
        TypeKind::Multiple(_) => "another type".to_owned(),
    }
}

fn found(node: &Node) -> &'static str {
    match &node.value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn codes(options: &Plain) -> String {
    let all = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let listed: Vec<&str> = all
        .iter()
        .filter_map(Plain::as_str)
        .take(CODES_LISTED_MAX)
        .collect();
    let more = if all.len() > listed.len() {
        ", ..."
    } else {
        ""
    };
    format!("use one of: {}{more}", listed.join(", "))
}

/// A value of the schema, in words.
fn plain(value: &Plain) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn limit(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Minimum { limit } => format!("the least is {}", plain(limit)),
        Kind::Maximum { limit } => format!("the most is {}", plain(limit)),
        Kind::MinLength { limit } => format!("at least {limit} characters"),
        Kind::MaxLength { limit } => format!("at most {limit} characters"),
        Kind::MinItems { limit } => format!("at least {limit} items"),
        Kind::MaxItems { limit } => format!("at most {limit} items"),
        _ => return None,
    })
}
