//! A tree against its schema: findings a sender can act on.
//!
//! The schema engine runs on the tree itself, on linear patterns, over schemas without a reference
//! in them: there is nothing it could fetch. A finding names the place in the sender's notation
//! and what the schema wants; it must never repeat what the record says.

mod engine;
mod explain;
mod notation;
mod open;
mod representation;
pub mod rules;
pub mod text_form;

pub use notation::{Notation, SenderNotation, Step};

use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::finding::{Finding, Severity};
use crate::base::finding_codes::{
    CELL_DATE_NOTATION, CELL_ERROR_WORD, CELL_EXPONENT, CELL_TIME_CLOCK_CHANGE, CELL_TIME_NOTATION,
    CELL_TIME_ZONE, CELL_ZEROS_LOST, CROSSWALK_CODE_UNKNOWN, CodeEntry, DATE_IMPOSSIBLE,
    FINDINGS_TRUNCATED, SCHEMA_CODE_UNKNOWN, SCHEMA_PATTERN_MISMATCH, SCHEMA_TYPE_MISMATCH,
    SCHEMA_VALUE_OUT_OF_RANGE, WIRE_UNKNOWN_FIELD, XML_NAMESPACE_UNEXPECTED,
};
use crate::base::id::FormatId;
use crate::base::limits::RECORD_FINDINGS_MAX;
use crate::catalog::Sources;
use crate::catalog::schema::Shape;
use crate::format::tree::Node;
use representation::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All schemas of the catalog, compiled.
#[derive(Debug)]
pub struct Schemas {
    by_path: BTreeMap<String, Schema>,
    /// By file name.
    excerpts: BTreeMap<String, Schema>,
}

impl Schemas {
    /// Compiles the shapes of the catalog, by their paths below `schemas/`.
    pub fn compile(sources: &Sources) -> (Schemas, Vec<Defect>) {
        let mut by_path = BTreeMap::new();
        let mut defects = Vec::new();
        for (path, shape) in &sources.schemas {
            match Schema::compile(shape) {
                Ok(mut schema) => {
                    schema.mark_words = mark_words(sources, path);
                    by_path.insert(path.clone(), schema);
                }
                Err(message) => defects.push(Defect {
                    file: format!("schemas/{path}"),
                    line: 0,
                    column: 0,
                    code: "schema-not-compiled",
                    message,
                    help: String::new(),
                }),
            }
        }
        let excerpts = sources.schemas.iter().filter_map(|(path, shape)| {
            let name = path.strip_prefix("canonical/")?;
            let whole = (!name.contains('/')).then_some(shape)?;
            let loose = Schema::compile(&Arc::new(whole.as_excerpt())).ok()?;
            Some((name.to_owned(), loose))
        });
        let excerpts = excerpts.collect();
        (Schemas { by_path, excerpts }, defects)
    }

    /// The schema of an excerpt of a record: its canonical one with nothing required.
    pub fn excerpt(&self, record_type: &str) -> Option<&Schema> {
        self.excerpts.get(&format!("{record_type}.schema.json"))
    }

    /// The schema of a path such as `canonical/person.schema.json`.
    pub fn get(&self, path: &str) -> Option<&Schema> {
        self.by_path.get(path)
    }
}

/// The words of the format a schema is of.
fn mark_words(sources: &Sources, path: &str) -> Vec<Text> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let own = folder.strip_prefix("formats/").unwrap_or_default();
    let format = sources.formats.get(&FormatId::new(own));
    let words = format.iter().flat_map(|format| &format.body.mark_words);
    words.map(Text::from).collect()
}

/// One schema, compiled.
#[derive(Debug)]
pub struct Schema {
    shape: Arc<Shape>,
    engine: jsonschema::Validator<Tree>,
    /// Whether anything in it is open, so that unknown members must be looked for.
    open: bool,
    /// Words in their names by which they may say who may see the rest.
    mark_words: Vec<Text>,
}

impl Schema {
    /// Compiles a shape; the error says what the engine could not take.
    pub fn compile(shape: &Arc<Shape>) -> Result<Schema, String> {
        Ok(Schema {
            shape: Arc::clone(shape),
            engine: engine::build(shape)?,
            open: open::is_open(shape),
            mark_words: Vec::new(),
        })
    }

    /// The shape it was compiled from.
    pub fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    /// Whether the tree has no error. Cheap: nothing is built.
    pub fn is_valid(&self, node: &Node) -> bool {
        self.engine.is_valid(node)
    }

    /// Everything wrong with a document.
    pub fn check(&self, node: &Node, notation: &dyn Notation) -> Vec<Finding> {
        self.check_under(node, &[], notation)
    }

    /// Everything wrong with a node that stands at `steps` of the sender's document.
    pub fn check_under(
        &self,
        node: &Node,
        steps: &[Step<'_>],
        notation: &dyn Notation,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.is_valid(node) {
            for error in self.engine.iter_errors(node).take(RECORD_FINDINGS_MAX) {
                explain::explain(&error, node, steps, notation, &mut findings);
            }
            tell_once(&mut findings);
        }
        if self.open {
            let told = (notation, &self.mark_words[..]);
            open::unknown(&self.shape, node, steps, told, &mut findings);
        }
        if findings.len() >= RECORD_FINDINGS_MAX {
            findings.truncate(RECORD_FINDINGS_MAX);
            findings.push(Finding::new(&FINDINGS_TRUNCATED));
        }
        findings
    }
}

/// What else is found of a cell that a spreadsheet has spoilt.
const OF_CELLS: &[&CodeEntry] = &[
    &SCHEMA_TYPE_MISMATCH,
    &SCHEMA_CODE_UNKNOWN,
    &CROSSWALK_CODE_UNKNOWN,
    &SCHEMA_PATTERN_MISMATCH,
    &SCHEMA_VALUE_OUT_OF_RANGE,
    &DATE_IMPOSSIBLE,
];

/// A finding of the first code makes those of the others at the same place superfluous.
const SAID_BY: &[(&CodeEntry, &[&CodeEntry])] = &[
    (&CELL_ERROR_WORD, OF_CELLS),
    (&CELL_DATE_NOTATION, OF_CELLS),
    (&CELL_TIME_NOTATION, OF_CELLS),
    (&CELL_TIME_ZONE, OF_CELLS),
    (&CELL_TIME_CLOCK_CHANGE, OF_CELLS),
    (&CELL_ZEROS_LOST, OF_CELLS),
    (&CELL_EXPONENT, OF_CELLS),
    (
        &SCHEMA_TYPE_MISMATCH,
        &[
            &SCHEMA_CODE_UNKNOWN,
            &CROSSWALK_CODE_UNKNOWN,
            &SCHEMA_PATTERN_MISMATCH,
            &SCHEMA_VALUE_OUT_OF_RANGE,
            &DATE_IMPOSSIBLE,
        ],
    ),
    (
        &SCHEMA_CODE_UNKNOWN,
        &[&CROSSWALK_CODE_UNKNOWN, &SCHEMA_PATTERN_MISMATCH],
    ),
    (&DATE_IMPOSSIBLE, &[&SCHEMA_PATTERN_MISMATCH]),
    (&XML_NAMESPACE_UNEXPECTED, &[&WIRE_UNKNOWN_FIELD]),
];

/// Keeps one finding of a code at a place, and of several that say the same the one that says most;
/// never one that is less grave than what it says it for.
pub fn tell_once(findings: &mut Vec<Finding>) {
    let mut said: BTreeMap<(&str, String), Severity> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| !finding.path.is_empty()) {
        let by = SAID_BY.iter().filter(|(code, _)| code.code == finding.code);
        for other in by.flat_map(|(_, others)| others.iter()) {
            let grave = said.entry((other.code, finding.path.clone()));
            let grave = grave.or_insert(finding.severity);
            *grave = finding.severity.max(*grave);
        }
    }
    let mut seen = BTreeSet::new();
    findings.retain(|finding| {
        let start = finding.span.map(|span| span.start);
        let (code, path) = (finding.code.clone(), finding.path.clone());
        let by = said.get(&(finding.code.as_ref(), path.clone()));
        let superfluous = by.is_some_and(|by| *by >= finding.severity);
        !superfluous && seen.insert((code, path, start, finding.severity))
    });
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
