//! The last step: a cut record as bytes of the recipient's format, or what is invalid about them.
//!
//! Nothing that is not valid there is written. What is told of it is code and place, never a value.

use super::{ReleaseInput, keys};
use crate::base::finding::{Finding, Severity};
use crate::base::finding_codes::{
    CROSSWALK_CODE_UNKNOWN, RECORD_TYPE_UNKNOWN, SCHEMA_VALUE_OUT_OF_RANGE,
};
use crate::catalog::fill::fill;
use crate::format::json;
use crate::format::split::Unit;
use crate::mapping::{Labelled, MapError};
use crate::record::Record;
use crate::rules::Rules;
use crate::validate::SenderNotation;
use crate::validate::rules::claimed;

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
    let targets = wire.targets(&out.tree);
    if targets.is_empty() && !wire.is_identity() {
        return Err(absent());
    }
    for target in targets {
        let schema = rules.schemas.get(&target.schema).ok_or_else(absent)?;
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
            return Err(schema.check_under(target.node, &target.steps, &notation));
        }
    }
    let refused = wire.refused(&out.tree);
    match refused.is_empty() {
        true => Ok((wire.write(&out.tree), wire.media_type().to_owned())),
        false => Err(refused),
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
