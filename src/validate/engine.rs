//! Shape to schema engine.
//!
//! The engine gets one schema without references, written from the shape, so that there is
//! nothing to resolve. A choice by discriminator becomes a chain of if and then, so that errors
//! inside the chosen variant are told one by one and not as "no variant fits".

use super::representation::Tree;
use super::text_form::{Fit, fit};
use crate::base::Text;
use crate::catalog::schema::{Kind, Shape, TextFormat, TextRule};
use serde_json::{Map, Value, json};

/// Compiles the engine of one shape.
pub(super) fn build(shape: &Shape) -> Result<jsonschema::Validator<Tree>, String> {
    let mut options = jsonschema::options_for::<Tree>()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .should_validate_formats(true)
        .offline();
    for word in TextFormat::WORDS {
        if let Some(format) = TextFormat::of(word) {
            options = options.with_format(*word, move |text| fit(format, text) == Fit::Right);
        }
    }
    // The message may only speak of the schema; there is no record here.
    options
        .build(&schema_of(shape))
        .map_err(|error| error.to_string())
}

/// The schema of a shape.
fn schema_of(shape: &Shape) -> Value {
    match &shape.kind {
        Kind::Object {
            members, closed, ..
        } => object(members, *closed),
        Kind::Array { item, min, max } => {
            let mut schema = json!({ "type": "array", "items": schema_of(item) });
            put(&mut schema, "minItems", (*min > 0).then_some(*min));
            put(&mut schema, "maxItems", *max);
            schema
        }
        Kind::Text(rule) => text(rule),
        Kind::Number { min, max } => {
            let mut schema = json!({ "type": "number" });
            put(&mut schema, "minimum", *min);
            put(&mut schema, "maximum", *max);
            schema
        }
        Kind::Integer { min, max } => {
            let mut schema = json!({ "type": "integer" });
            put(&mut schema, "minimum", *min);
            put(&mut schema, "maximum", *max);
            schema
        }
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::OneOf {
            discriminator,
            variants,
        } => one_of(discriminator, variants),
    }
}

fn put<T: serde::Serialize>(schema: &mut Value, keyword: &str, value: Option<T>) {
    if let (Some(map), Some(value)) = (schema.as_object_mut(), value) {
        map.insert(keyword.to_owned(), json!(value));
    }
}

fn object(members: &[(Text, Shape)], closed: bool) -> Value {
    let properties: Map<String, Value> = members
        .iter()
        .map(|(name, shape)| (name.to_string(), schema_of(shape)))
        .collect();
    let required: Vec<&str> = members
        .iter()
        .filter(|(_, shape)| shape.required)
        .map(|(name, _)| name.as_str())
        .collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    put(
        &mut schema,
        "required",
        (!required.is_empty()).then_some(required),
    );
    put(&mut schema, "additionalProperties", closed.then_some(false));
    schema
}

fn text(rule: &TextRule) -> Value {
    let mut schema = json!({ "type": "string" });
    let codes: Vec<&str> = rule.codes.iter().map(Text::as_str).collect();
    put(&mut schema, "enum", (!codes.is_empty()).then_some(codes));
    put(&mut schema, "pattern", rule.pattern.as_deref());
    put(&mut schema, "format", rule.format.map(TextFormat::word));
    put(
        &mut schema,
        "minLength",
        (rule.min_chars > 0).then_some(rule.min_chars),
    );
    put(&mut schema, "maxLength", rule.max_chars);
    schema
}

fn one_of(discriminator: &str, variants: &[(Text, Shape)]) -> Value {
    let known: Vec<&str> = variants.iter().map(|(value, _)| value.as_str()).collect();
    let closed = variants.iter().any(|(_, shape)| is_closed(shape));
    let mut told_by = json!({ "type": "string" });
    put(&mut told_by, "enum", closed.then_some(known));
    let choices: Vec<Value> = variants
        .iter()
        .map(|(value, shape)| {
            json!({
                "if": { "properties": { discriminator: { "const": value.as_str() } },
                        "required": [discriminator] },
                "then": schema_of(shape),
            })
        })
        .collect();
    json!({
        "type": "object",
        "required": [discriminator],
        "properties": { discriminator: told_by },
        "allOf": choices,
    })
}

/// Whether other members are an error here.
pub(super) fn is_closed(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::Object { closed: true, .. })
}
