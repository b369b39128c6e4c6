//! The last step: a cut record as bytes of the recipient's format, or what is invalid about them.
//!
//! Nothing that is not valid there is written. What is told of it is code and place, never a value.

use super::{ReleaseInput, keys};
use crate::base::finding::{Finding, Severity, Span};
use crate::base::finding_codes::{
    CROSSWALK_CODE_UNKNOWN, RECORD_TYPE_UNKNOWN, SCHEMA_VALUE_OUT_OF_RANGE,
};
use crate::catalog::fill::fill;
use crate::format::split::Unit;
use crate::format::{Node, Value, json};
use crate::mapping::{Labelled, MapError};
use crate::record::Record;
use crate::rules::Rules;
use crate::validate::SenderNotation;
use crate::validate::rules::claimed;
use crate::wire::Wire;

/// The row that stands below the header of a table that is written.
const FIRST_ROW: u32 = 2;

/// The record as bytes of the channel's format, with their media type.
///
/// # Errors
/// Everything that would not be valid: places of the record as pointers, places of the document as
/// the recipient names them.
pub(super) fn written(
    rules: &Rules,
    input: &ReleaseInput<'_>,
    (record, labelled): (&Record, Labelled<'_>),
) -> Result<(Vec<u8>, String), Vec<Finding>> {
    let format = &input.channel.format;
    let absent = || vec![Finding::new(&RECORD_TYPE_UNKNOWN)];
    let wire = rules.wires.of_channel(input.channel).ok_or_else(absent)?;
    let canonical = format!("canonical/{}.schema.json", record.record_type);
    let schema = rules.schemas.get(&canonical).ok_or_else(absent)?;
    if !schema.is_valid(&record.root) {
        return Err(schema.check(&record.root, &SenderNotation::Pointer));
    }
    let claim = rules
        .sources
        .formats
        .get(format)
        .is_some_and(|it| it.body.claims);
    if claim {
        unclaimable(rules, input.record)?;
    }
    let out = rules.plans.outbound_labelled(format, record, labelled);
    let mut out = out.map_err(|error| vec![unwritable(&error)])?;
    fill(&mut out.tree, &input.channel.fill);
    if let Some(mut found) = invalid(rules, wire, &out.tree) {
        traced(rules, (wire, input), record, &mut found);
        return Err(found);
    }
    let refused = wire.refused(&out.tree);
    match refused.is_empty() {
        true => Ok((wire.write(&out.tree), wire.media_type().to_owned())),
        false => Err(refused),
    }
}

/// What is invalid about a document, at the first of its places that is.
fn invalid(rules: &Rules, wire: &Wire, tree: &Node) -> Option<Vec<Finding>> {
    let absent = || vec![Finding::new(&RECORD_TYPE_UNKNOWN)];
    let targets = wire.targets(tree);
    if targets.is_empty() && !wire.is_identity() {
        return Some(absent());
    }
    for target in targets {
        let Some(schema) = rules.schemas.get(&target.schema) else {
            return Some(absent());
        };
        if !schema.is_valid(target.node) {
            let document = Unit {
                header: None,
                sheet: None,
                line: false,
                notes: Vec::new(),
                bytes: Vec::new(),
                first_line: 1,
                first_row: FIRST_ROW,
            };
            let notation = wire.notation(&document, &target);
            return Some(schema.check_under(target.node, &target.steps, &notation));
        }
    }
    None
}

/// Adds to what is invalid where it comes from: whoever resolves it knows the record, and not the
/// recipient's format. The record is written once more, every value of it numbered.
fn traced(
    rules: &Rules,
    (wire, input): (&Wire, &ReleaseInput<'_>),
    record: &Record,
    found: &mut [Finding],
) {
    let mut numbered = record.clone();
    let mut pointers = Vec::new();
    number(&mut numbered.root, &mut String::new(), &mut pointers);
    let format = &input.channel.format;
    let Ok(mut out) = rules.plans.outbound_traced(format, &numbered) else {
        return;
    };
    fill(&mut out.tree, &input.channel.fill);
    let again = invalid(rules, wire, &out.tree).unwrap_or_default();
    for finding in found {
        let mut same = again.iter();
        let same = same.find(|it| it.code == finding.code && it.path == finding.path);
        let at = same.and_then(|it| it.span).map(|span| span.start as usize);
        let pointer = at.and_then(|at| pointers.get(at.checked_sub(1)?));
        if let Some(pointer) = pointer {
            finding.message = format!(
                "{}; it is made of {pointer} of what was to go",
                finding.message
            );
        }
    }
}

/// Numbers every value of a record from 1, as spans, and lists their pointers.
fn number(node: &mut Node, at: &mut String, pointers: &mut Vec<String>) {
    pointers.push(at.clone());
    let number = pointers.len();
    node.span = Span::new(number, number.saturating_add(1));
    let length = at.len();
    match &mut node.value {
        Value::Object(members) => {
            for (name, member) in members {
                at.push('/');
                at.push_str(name);
                self::number(member, at, pointers);
                at.truncate(length);
            }
        }
        Value::Array(items) => {
            for (item, node) in items.iter_mut().enumerate() {
                at.push_str(&format!("/{item}"));
                self::number(node, at, pointers);
                at.truncate(length);
            }
        }
        _ => {}
    }
}

/// What keeps a record from being claimed, by all it says: what a claim rests on need not go along.
fn unclaimable(rules: &Rules, whole: &Record) -> Result<(), Vec<Finding>> {
    let mut found = claimed(&rules.sources.billing, &whole.root);
    for finding in &mut found {
        finding.severity = Severity::Error;
    }
    match found.is_empty() {
        true => Ok(()),
        false => Err(found),
    }
}

/// Media type of a part of a record.
pub(super) const EXCERPT_TYPE: &str = "application/vnd.kinbridge.excerpt+json";

/// What may go of a record that is not a whole one any more, in the gateway's own form: its
/// canonical members, none of them required. `None` where even that would not be valid.
pub(super) fn excerpt(rules: &Rules, left: &Record) -> Option<Vec<u8>> {
    let schema = rules.schemas.excerpt(left.record_type.as_str())?;
    let mut root = left.root.clone();
    keys::rename(&mut root);
    schema.is_valid(&root).then(|| {
        let mut bytes = Vec::new();
        json::write(&root, &mut bytes);
        bytes
    })
}

/// What the mapping could not write, as a finding.
fn unwritable(error: &MapError) -> Finding {
    let (code, path) = match error {
        MapError::FormatUnknown | MapError::MappingMissing | MapError::ReadOnly => {
            (&RECORD_TYPE_UNKNOWN, "")
        }
        MapError::NotWritable { path } => (&SCHEMA_VALUE_OUT_OF_RANGE, path.as_str()),
        MapError::Unmapped { path } => (&CROSSWALK_CODE_UNKNOWN, path.as_str()),
        MapError::TooManyItems { path } => (&SCHEMA_VALUE_OUT_OF_RANGE, path.as_str()),
    };
    Finding::new(code).at(path).saying(error.to_string())
}
