//! Formats to canonical records and back, by compiled plans. Pure: no clock, no store, no partner.
//!
//! The language of the files is specified in `mappings/README.md`. Nothing here may know a format,
//! a code or a field by name.

mod cell;
mod columns;
mod compile;
mod complete;
mod document;
mod inbound;
mod loss;
mod marks;
mod marks_asked;
mod marks_out;
mod outbound;
mod path;
mod plan;
mod sheet;
mod table;
mod told;
mod transform;
mod walk;
mod where_in;

pub use loss::{Loss, LossReport};
pub use marks_out::Labelled;

use crate::base::defect::Defect;
use crate::base::finding::{Finding, Span, add_within};
use crate::base::finding_codes as codes;
use crate::base::id::{FormatId, RecordType};
use crate::base::limits::{BUNDLE_NODES_MAX, RECORD_FINDINGS_MAX};
use crate::catalog::Sources;
use crate::catalog::format::{NotationKind, Syntax};
use crate::format::tree::Node;
use crate::record::Record;
use document::{Found, Index, Layout};
use plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is found of a record that must wait for a person.
const HOLDING: [&codes::CodeEntry; 2] = [&codes::CROSSWALK_CODE_HELD, &codes::ROWS_NEED_REVIEW];

/// All formats, compiled.
#[derive(Debug, Default)]
pub struct Plans {
    formats: BTreeMap<FormatId, FormatPlans>,
}

#[derive(Debug)]
struct FormatPlans {
    notation: Option<NotationKind>,
    /// Types of nodes and documents a place may be told by.
    types: BTreeSet<String>,
    syntax: Syntax,
    /// Whether records are written in it.
    written: bool,
    /// Node types that are consents.
    consents: Vec<String>,
    layout: Layout,
    marks: marks::Marks,
    /// Lists of which a row must read every item.
    looked: Arc<complete::Looked>,
    /// By precedence.
    plans: Vec<Plan>,
    losses: BTreeMap<RecordType, LossReport>,
    /// Of every mapping of a type; the one that is written by first.
    wire_paths: BTreeMap<RecordType, Vec<BTreeMap<String, String>>>,
    /// Of tables: what their columns hold.
    columns: BTreeMap<RecordType, columns::Columns>,
}

/// What a document became.
#[derive(Debug, Default)]
pub struct Inbound {
    /// The records, in document order.
    pub records: Vec<InRecord>,
    /// Findings about the document as a whole.
    pub findings: Vec<Finding>,
}

/// One record and what was found while reading it.
#[derive(Debug)]
pub struct InRecord {
    /// The record; values keep the spans they were read from.
    pub record: Record,
    /// Bytes of its root node.
    pub span: Span,
    /// Its root node, in the sender's notation.
    pub path: String,
    /// Findings about it, spans not yet lines.
    pub findings: Vec<Finding>,
    /// A code without a row asks that a person look at it before it goes on.
    pub held: bool,
}

/// What a record became.
#[derive(Debug)]
pub struct OutTree {
    /// The document.
    pub tree: Node,
}

/// Why a record cannot be written in a format. Names canonical paths, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The format is not in the catalog.
    #[error("the format is not in the catalog")]
    FormatUnknown,
    /// Nothing is ever written in the format.
    #[error("the format is only read, never written")]
    ReadOnly,
    /// The format has no mapping of this record type.
    #[error("the format has no mapping of this record type")]
    MappingMissing,
    /// A value is outside what the format can say.
    #[error("the value at {path} cannot be written in this format")]
    NotWritable {
        /// Canonical pointer.
        path: String,
    },
    /// A code has no row.
    #[error("the code at {path} has no row in its crosswalk")]
    Unmapped {
        /// Canonical pointer.
        path: String,
    },
    /// A list is longer than the format has places.
    #[error("the list at {path} is longer than the format has places")]
    TooManyItems {
        /// Canonical pointer.
        path: String,
    },
}

impl Plans {
    /// Compiles all mappings of a catalog; every defect is told.
    pub fn compile(sources: &Sources) -> (Plans, Vec<Defect>) {
        compile::compile(sources)
    }

    /// Reads the records of one document. `allowed`: the types the channel is open for.
    pub fn inbound(&self, format: &FormatId, unit: &Node, allowed: &[RecordType]) -> Inbound {
        let mut out = Inbound::default();
        let Some(format) = self.formats.get(format) else {
            out.findings.push(Finding::new(&codes::RECORD_TYPE_UNKNOWN));
            return out;
        };
        format.inbound(unit, allowed, &mut out);
        let kind = told::notation(format.notation, format.syntax);
        let kind = told::Telling {
            kind,
            types: &format.types,
            type_from: format.layout.type_from().unwrap_or_default(),
        };
        told::fill(unit, kind, &mut out.findings);
        for record in &mut out.records {
            told::fill(unit, kind, &mut record.findings);
            record.path = told::path(unit, record.span, kind);
        }
        out
    }

    /// Writes one record. Pure: the same record gives the same tree.
    pub fn outbound(&self, format: &FormatId, record: &Record) -> Result<OutTree, MapError> {
        self.write(format, record, (None, false))
    }

    /// The same, each value with the span of the value of the record it was made of: for telling
    /// where what is wrong with it comes from.
    pub fn outbound_traced(&self, format: &FormatId, record: &Record) -> Result<OutTree, MapError> {
        self.write(format, record, (None, true))
    }

    /// Writes one record, each node labelled with what is in it where the format has labels.
    pub fn outbound_labelled(
        &self,
        format: &FormatId,
        record: &Record,
        labelled: Labelled<'_>,
    ) -> Result<OutTree, MapError> {
        self.write(format, record, (Some(labelled), false))
    }

    /// Whether a format has labels that are written.
    pub fn writes_labels(&self, format: &FormatId) -> bool {
        let format = self.formats.get(format);
        format.is_some_and(|format| format.marks.out.is_some())
    }

    fn write(
        &self,
        format: &FormatId,
        record: &Record,
        (labelled, traced): (Option<Labelled<'_>>, bool),
    ) -> Result<OutTree, MapError> {
        let format = self.formats.get(format).ok_or(MapError::FormatUnknown)?;
        if !format.written {
            return Err(MapError::ReadOnly);
        }
        let plan = format
            .plan(&record.record_type)
            .ok_or(MapError::MappingMissing)?;
        let tree = if plan.identity {
            record.root.clone()
        } else {
            let marking = format.marks.out.as_ref().zip(labelled);
            outbound::run(plan, &format.layout, record, marking, traced)?
        };
        Ok(OutTree { tree })
    }

    /// Whether a format has a mapping of a record type.
    pub fn has(&self, format: &FormatId, record_type: &RecordType) -> bool {
        self.formats
            .get(format)
            .is_some_and(|it| it.plan(record_type).is_some())
    }

    /// What the mapping of a record type keeps and loses.
    pub fn loss(&self, format: &FormatId, record_type: &RecordType) -> Option<&LossReport> {
        self.formats.get(format)?.losses.get(record_type)
    }

    /// All loss reports.
    pub fn losses(&self) -> impl Iterator<Item = &LossReport> {
        self.formats
            .values()
            .flat_map(|format| format.losses.values())
    }

    /// A canonical path (`body.mode`, `/body/mode`, `persons[].birth_date`) in the notation of a
    /// format, for findings about values that are not there. Where a type has several mappings it
    /// is the one of what the document begins with.
    pub fn wire_path(
        &self,
        format: &FormatId,
        record_type: &RecordType,
        record_path: &str,
        document: &Node,
    ) -> Option<String> {
        let format = self.formats.get(format)?;
        if format.plan(record_type)?.identity {
            return Some(record_path.to_owned());
        }
        let all = format.wire_paths.get(record_type)?;
        let begins = |path: &String| {
            let root = path.split('.').next().unwrap_or_default();
            document.get(root).is_some()
        };
        let own = all.iter().find(|paths| paths.values().any(begins));
        let paths = own.or(all.first())?;
        loss::nearest(paths, &canonical(record_path)).map(str::to_owned)
    }
}

impl FormatPlans {
    fn plan(&self, record_type: &RecordType) -> Option<&Plan> {
        let mut writing = self.plans.iter().filter(|plan| !plan.read_only);
        writing.find(|plan| plan.record == *record_type)
    }

    fn inbound(&self, unit: &Node, allowed: &[RecordType], out: &mut Inbound) {
        let index = Index::new(&self.layout, unit, BUNDLE_NODES_MAX);
        if index.truncated {
            out.findings
                .push(Finding::new(&codes::SIZE_EXCEEDED).spanning(unit.span));
        }
        for node in &index.doubled {
            let finding = Finding::new(&codes::ID_REPEATED);
            out.findings.push(finding.spanning(node.span));
        }
        let mut used: BTreeSet<usize> = BTreeSet::new();
        let mut made: Vec<(usize, InRecord, Vec<usize>)> = Vec::new();
        let plans = || {
            self.plans
                .iter()
                .filter(|plan| allowed.contains(&plan.record))
        };
        let roots = |plan: &Plan| index.nodes.iter().filter(|n| plan.is_root(n)).count();
        let top = plans().map(|plan| plan.precedence).max();
        let count: usize = plans()
            .filter(|p| Some(p.precedence) == top)
            .map(roots)
            .sum();
        for plan in plans() {
            let is_root = |node: &&Found<'_>| !used.contains(&node.at) && plan.is_root(node);
            let nodes: Vec<Found<'_>> = index.nodes.iter().filter(is_root).copied().collect();
            let alone = count <= 1 && nodes.len() == 1;
            for node in nodes {
                let (record, taken) = plan.read(&index, node, alone);
                used.extend(&taken);
                made.push((node.at, record, taken));
            }
        }
        made.sort_by_key(|(at, ..)| *at);
        self.mark(unit, &index, &used, &mut made);
        out.records
            .extend(made.into_iter().map(|(_, record, _)| record));
        self.report_unused(&index, &used, out);
    }

    /// Puts on every record what is said of its nodes, of the document around them, and on nodes
    /// that speak of others.
    fn mark(
        &self,
        unit: &Node,
        index: &Index<'_>,
        used: &BTreeSet<usize>,
        made: &mut [(usize, InRecord, Vec<usize>)],
    ) {
        let mut marked = self.marks.read(unit, index);
        let address = |node: &Node| std::ptr::from_ref(node).addr();
        let nodes: BTreeSet<usize> = match self.looked.lists.is_empty() {
            true => BTreeSet::new(),
            false => index.nodes.iter().map(|it| address(it.node)).collect(),
        };
        let apart = |node: &Node| nodes.contains(&address(node));
        let mut around: Vec<Finding> = Vec::new();
        let mut tell = |code: &'static codes::CodeEntry, span: Span| {
            if code.code == codes::ITEM_NOT_READ.code && around.len() < RECORD_FINDINGS_MAX {
                around.push(Finding::new(code).spanning(span));
            }
        };
        self.looked.around(unit, &apart, &mut tell);
        let mut speaking = Vec::new();
        for node in index.nodes.iter().filter(|it| !used.contains(&it.at)) {
            let consent = self.consents.iter().any(|it| it == node.node_type);
            let speaks = self.marks.speaks.iter().any(|it| it == node.node_type);
            if speaks {
                self.looked.around(node.node, &|_| false, &mut tell);
            }
            if (speaks || consent) && marked.keeps(node.at, consent) {
                speaking.push(node.at);
            }
        }
        for (_, record, taken) in made {
            taken.extend(&speaking);
            marked.put_on(record, taken);
            for finding in &around {
                add_within(&mut record.findings, finding.clone(), RECORD_FINDINGS_MAX);
            }
        }
    }

    fn report_unused(&self, index: &Index<'_>, used: &BTreeSet<usize>, out: &mut Inbound) {
        let is_consent = |node: &Found<'_>| self.consents.iter().any(|it| it == node.node_type);
        if out.records.is_empty() {
            let span = index.nodes.first().map(|node| node.node.span);
            let told = Finding::new(&codes::RECORD_TYPE_UNKNOWN).spanning(span.unwrap_or_default());
            out.findings.push(told);
            // Whoever sends a consent here learns where consents go.
            if let Some(consent) = index.nodes.iter().find(|node| is_consent(node)) {
                let told = Finding::new(&codes::CONSENT_ELSEWHERE);
                out.findings.push(told.spanning(consent.node.span));
            }
            return;
        }
        let mut told: BTreeSet<&str> = BTreeSet::new();
        for node in index.nodes.iter().filter(|node| !used.contains(&node.at)) {
            if told.insert(node.node_type) && told.len() <= RECORD_FINDINGS_MAX {
                let finding = Finding::new(if is_consent(node) {
                    &codes::CONSENT_ELSEWHERE
                } else {
                    &codes::WIRE_NODE_UNUSED
                });
                out.findings.push(finding.spanning(node.node.span));
            }
        }
    }
}

impl Plan {
    fn is_root(&self, node: &Found<'_>) -> bool {
        if self.identity {
            return node.node_type == self.record.as_str();
        }
        self.parts.first().is_some_and(|root| root.accepts(node))
    }

    fn read(&self, index: &Index<'_>, node: Found<'_>, alone: bool) -> (InRecord, Vec<usize>) {
        let (root, findings, used) = if self.identity {
            (node.node.clone(), Vec::new(), vec![node.at])
        } else {
            let made = inbound::run(self, index, node, alone);
            (made.root, made.findings, made.used)
        };
        let held = findings
            .iter()
            .any(|it| HOLDING.iter().any(|code| it.code == code.code));
        let record = InRecord {
            record: Record {
                record_type: self.record.clone(),
                root,
            },
            span: node.node.span,
            path: String::new(),
            findings,
            held,
        };
        (record, used)
    }
}

/// A pointer or path with every place of a list as `[]`.
fn canonical(path: &str) -> String {
    if !path.starts_with('/') {
        return path.to_owned();
    }
    let mut out = String::new();
    for step in path.split('/').skip(1) {
        if step.parse::<usize>().is_ok() {
            out.push_str("[]");
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(step);
        }
    }
    out
}
