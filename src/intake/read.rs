//! Reading a submission: bytes to canonical records and findings. Pure.
//!
//! Every finding is told at once, in the sender's notation, with line and column and never a value.
//! A record with an error gives no record; a document-level error that cannot be laid at one record
//! keeps all records of that document out.

use super::ids::Ids;
use super::notation::{Document, RecordNotation};
use super::prepare::takes_back;
use crate::base::finding::{Finding, Severity, Span};
use crate::base::finding_codes::{
    FINDINGS_TRUNCATED, RECORD_CONTRADICTED, RECORD_TYPE_UNKNOWN, SCHEMA_REQUIRED_MISSING,
};
use crate::base::id::{FormatId, RecordType};
use crate::base::limits::{RECORD_FINDINGS_MAX, SMALL_RECORDS_MAX};
use crate::catalog::partner::Channel;
use crate::catalog::reads::Reads;
use crate::format::split::Unit;
use crate::mapping::InRecord;
use crate::record::Record;
use crate::rules::Rules;
use crate::store::HoldCause;
use crate::validate::{self, rules::EARLIER};
use crate::wire::Wire;
use compact_str::format_compact;
use std::sync::Arc;

/// What reading gave.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Every record found, in the sender's order.
    pub records: Vec<ReadRecord>,
    /// Findings about the file as a whole; with one of error level no record stands.
    pub findings: Vec<Finding>,
    /// Records of the submission before these.
    before: usize,
    /// Ids of all records of the submission that stand.
    ids: Ids,
}

/// One record as read.
#[derive(Clone, Debug)]
pub struct ReadRecord {
    /// Position in the submission, from zero.
    pub index: u32,
    /// The record; absent when it has an error.
    pub record: Option<Record>,
    /// Everything found, errors first.
    pub findings: Vec<Finding>,
    /// What is told of it only if the earlier record it speaks of was never received.
    pub earlier: Vec<Finding>,
    /// What a person must look at before it goes on.
    pub hold: Option<HoldCause>,
    /// Where it was read from, for as long as there may be something to tell of it.
    pub source: Option<Source>,
}

/// The document a record was read from.
#[derive(Clone, Debug)]
pub struct Source {
    unit: Arc<Unit>,
    /// Bytes of the record's root node.
    root: Span,
}

impl Reading {
    /// Takes what was read so far and goes on counting.
    #[must_use]
    pub fn take(&mut self) -> Reading {
        let next = Reading {
            before: self.before.saturating_add(self.records.len()),
            ids: std::mem::take(&mut self.ids),
            ..Reading::default()
        };
        std::mem::replace(self, next)
    }
}

/// Reads one submission in one format.
///
/// It stops once there are more records than may be answered in the request, whatever follows. An
/// unknown format gives an empty reading: the caller has looked it up before.
pub fn read(rules: &Rules, format: &FormatId, allowed: &[RecordType], bytes: &[u8]) -> Reading {
    match Reader::new(rules, format, allowed) {
        Some(reader) => reader.whole(bytes),
        None => Reading::default(),
    }
}

/// The same as a channel's sender writes it.
pub fn read_of(rules: &Rules, channel: &Channel, bytes: &[u8]) -> Reading {
    match Reader::of(rules, channel) {
        Some(reader) => reader.whole(bytes),
        None => Reading::default(),
    }
}

/// One format of a rule set, as a reader of documents.
pub struct Reader<'a> {
    rules: &'a Rules,
    format: &'a FormatId,
    allowed: &'a [RecordType],
    /// The format's syntax.
    pub wire: &'a Wire,
    /// Habits of the sender's spreadsheet that are accepted.
    reads: Option<&'a Reads>,
}

impl<'a> Reader<'a> {
    /// A reader; `None` when the catalog has no such format.
    pub fn new(
        rules: &'a Rules,
        format: &'a FormatId,
        allowed: &'a [RecordType],
    ) -> Option<Reader<'a>> {
        Some(Reader {
            rules,
            format: rules.sources.mapped_as(format),
            allowed,
            wire: rules.wires.get(format)?,
            reads: None,
        })
    }

    /// A reader of what a channel's sender writes; `None` as above.
    pub fn of(rules: &'a Rules, channel: &'a Channel) -> Option<Reader<'a>> {
        Some(Reader {
            rules,
            format: rules.sources.mapped_as(&channel.format),
            allowed: &channel.records,
            wire: rules.wires.of_channel(channel)?,
            reads: channel.reads.as_ref(),
        })
    }

    /// Reads a body that is held whole, as far as may be answered in the request.
    fn whole(&self, bytes: &[u8]) -> Reading {
        let mut reading = Reading::default();
        let stream = self.wire.is_stream(bytes);
        for unit in self.wire.units(bytes) {
            match unit {
                Ok(unit) => self.unit(&Arc::new(unit), stream, &mut reading),
                Err(finding) => self.lost(finding, stream, &mut reading),
            }
            if reading.records.len() > SMALL_RECORDS_MAX {
                return reading;
            }
        }
        if reading.records.is_empty() && reading.findings.is_empty() {
            reading.findings.push(Finding::new(&RECORD_TYPE_UNKNOWN));
        }
        reading
    }

    /// A piece of the stream that could not be cut out: it stands for one record.
    pub fn lost(&self, finding: Finding, stream: bool, reading: &mut Reading) {
        if stream {
            add(reading, None, vec![finding], None);
        } else {
            reading.findings.push(finding);
        }
    }

    /// Reads one document. In a `stream` a document that gives no record stands for one.
    pub fn unit(&self, unit: &Arc<Unit>, stream: bool, reading: &mut Reading) {
        let mut parsed = self.wire.parse(unit);
        let mut findings = parsed.findings;
        if let Some(rows) = &mut parsed.tree {
            let place = (rows, unit.first_row);
            let told = self.rules.plans.understand(self.format, place, self.reads);
            findings.extend(told);
        }
        self.wire
            .tell_parsed(unit, parsed.tree.as_ref(), &mut findings);
        let rest = match &parsed.tree {
            None => findings,
            Some(tree) => {
                let document = Document {
                    wire: self.wire,
                    unit,
                    tree,
                };
                findings.extend(self.check_wire(unit, tree));
                mark_empty(self.wire.unmarked(unit, tree), &mut findings);
                let mut inbound = self.rules.plans.inbound(self.format, tree, self.allowed);
                document.tell(&mut inbound.findings);
                findings.extend(inbound.findings);
                if inbound.records.is_empty() && !findings.iter().any(Finding::is_error) {
                    findings.push(Finding::new(&RECORD_TYPE_UNKNOWN).spanning(tree.span));
                }
                self.wire.fill(unit, &mut findings);
                self.records((&document, unit), inbound.records, findings, reading)
            }
        };
        if rest.is_empty() {
            return;
        }
        if stream {
            add(reading, None, rest, None);
        } else {
            reading.findings.extend(rest);
        }
    }

    /// Tells findings placed by a pointer in a record where that stands in the document, which is
    /// read once more for it. What was taken out stands no more: its finding has the bytes already.
    pub fn place(&self, source: &Source, record: &Record, findings: &mut [Finding]) {
        let unit = source.unit.as_ref();
        let Some(tree) = self.wire.parse(unit).tree else {
            return;
        };
        let document = Document {
            wire: self.wire,
            unit,
            tree: &tree,
        };
        let notation = RecordNotation {
            document,
            plans: &self.rules.plans,
            format: self.format,
            record_type: &record.record_type,
            root: source.root,
        };
        for finding in findings.iter_mut() {
            let node = record.root.pointer(&finding.path);
            let own = node.map(|node| node.span).filter(|span| span.end > 0);
            let own = finding.span.or(own);
            let there = own.and_then(|span| document.path(span));
            finding.path = there.unwrap_or_else(|| notation.of_pointer(&finding.path));
            finding.span = own.or(Some(document.shown(source.root)));
        }
        self.wire.fill(unit, findings);
    }

    /// Adds the records of a document; gives the findings that are nobody's.
    fn records(
        &self,
        (document, unit): (&Document<'_>, &Arc<Unit>),
        found: Vec<InRecord>,
        mut findings: Vec<Finding>,
        reading: &mut Reading,
    ) -> Vec<Finding> {
        let alone = found.len() == 1;
        let mut made = Vec::new();
        for record in found {
            let (own, rest) = findings
                .into_iter()
                .partition(|finding| alone || lies_in(finding.span, record.span));
            findings = rest;
            made.push((record, own));
        }
        let broken = findings.iter().any(Finding::is_error);
        for (found, mut own) in made {
            let checked = !own.iter().any(Finding::is_error);
            let hold = found.held.then_some(HoldCause::VocabularyUnknown);
            let (root, path) = (found.span, found.path.clone());
            let (record, more) = self.check_record(document, found, checked);
            own.extend(more);
            let good = !broken && !own.iter().any(Finding::is_error);
            if good && !takes_back(&record) {
                own.extend(repeated(document, (&record, root, &path), &mut reading.ids));
            }
            let unit = Arc::clone(unit);
            let record = good.then_some((record, Source { unit, root }));
            add(reading, record, own, hold);
        }
        findings
    }

    /// Findings of the wire schemas. A format whose document is the record has none of its own.
    fn check_wire(&self, unit: &Unit, tree: &crate::format::Node) -> Vec<Finding> {
        let mut out = Vec::new();
        for target in self.wire.targets(tree) {
            let Some(schema) = self.rules.schemas.get(&target.schema) else {
                continue;
            };
            let notation = self.wire.notation(unit, &target);
            out.extend(schema.check_under(target.node, &target.steps, &notation));
        }
        out
    }

    /// The record with what the mapping found and, when its document has no error of its own,
    /// what the canonical schema and the rules across fields find.
    fn check_record(
        &self,
        document: &Document<'_>,
        found: InRecord,
        whole: bool,
    ) -> (Record, Vec<Finding>) {
        let mut out = found.findings;
        let record = found.record;
        let mut more = Vec::new();
        if whole {
            let notation = RecordNotation {
                document: *document,
                plans: &self.rules.plans,
                format: self.format,
                record_type: &record.record_type,
                root: found.span,
            };
            more = self.check_canonical(&record, &notation, !out.iter().any(Finding::is_error));
        }
        let root = document.shown(found.span);
        for finding in &mut more {
            let own = finding
                .span
                .filter(|span| span.end > 0 && *span != found.span);
            finding.span = own.or(Some(root));
        }
        document.tell(&mut out);
        // A value that could not be read is told as that, not as missing too. What is only worth
        // knowing does not stand in for what refuses the record.
        more.retain(|finding| {
            let said = |known: &Finding| known.is_error() && known.path == finding.path;
            finding.code != SCHEMA_REQUIRED_MISSING.code || !out.iter().any(said)
        });
        document.tell(&mut more);
        out.extend(more);
        document.wire.fill(document.unit, &mut out);
        (record, out)
    }

    fn check_canonical(
        &self,
        record: &Record,
        notation: &RecordNotation<'_>,
        mapped: bool,
    ) -> Vec<Finding> {
        let path = format!("canonical/{}.schema.json", record.record_type);
        let mut out = Vec::new();
        if let Some(schema) = self.rules.schemas.get(&path) {
            out.extend(schema.check(&record.root, notation));
        }
        if mapped && !out.iter().any(Finding::is_error) {
            let mut across = validate::rules::cross_field(&record.record_type, &record.root);
            let services = &self.rules.sources.billing;
            across.extend(validate::rules::billed(services, &record.root));
            for finding in &mut across {
                finding.path = notation.of_pointer(&finding.path);
            }
            out.extend(across);
        }
        out
    }
}

/// What is told of a record whose id came before, naming both places.
fn repeated(
    document: &Document<'_>,
    (record, root, path): (&Record, Span, &str),
    ids: &mut Ids,
) -> Option<Finding> {
    let unit = document.unit;
    let place = match (document.wire.is_tabular(), path) {
        (true, _) if unit.sheet.is_some() => {
            let sheet = unit.sheet.as_deref().unwrap_or_default();
            format_compact!("{sheet}, row {}", unit.first_row)
        }
        (true, _) => format_compact!("row {}", unit.first_row),
        (false, "") => format_compact!("line {}", unit.first_line),
        (false, path) => format_compact!("line {}, {path}", unit.first_line),
    };
    let first = ids.meet(record, place)?;
    let id = record.envelope().and_then(|it| it.get("source_record_id"));
    let span = id.map(|id| id.span).filter(|span| span.end > 0);
    let span = span.unwrap_or_else(|| document.shown(root));
    let said = format!("{} ({first})", RECORD_CONTRADICTED.message);
    let mut told = [Finding::new(&RECORD_CONTRADICTED)
        .saying(said)
        .spanning(span)];
    document.tell(&mut told);
    document.wire.fill(unit, &mut told);
    let [told] = told;
    Some(told)
}

/// A mark that is empty is told as that, not as missing too.
fn mark_empty(told: Vec<Finding>, findings: &mut Vec<Finding>) {
    let missing = SCHEMA_REQUIRED_MISSING.code;
    findings.retain(|it| it.code != missing || !told.iter().any(|empty| empty.path == it.path));
    findings.extend(told);
}

fn lies_in(span: Option<Span>, holder: Span) -> bool {
    span.is_some_and(|span| span.start >= holder.start && span.end <= holder.end)
}

/// Adds a record with its findings, bounded and with errors first.
fn add(
    reading: &mut Reading,
    record: Option<(Record, Source)>,
    mut findings: Vec<Finding>,
    hold: Option<HoldCause>,
) {
    let index = reading.before.saturating_add(reading.records.len());
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    validate::tell_once(&mut findings);
    for finding in &mut findings {
        finding.record_index = u32::try_from(index).ok();
    }
    let speaks = |it: &Finding| EARLIER.iter().any(|entry| entry.code == it.code);
    let (earlier, mut findings): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(speaks);
    if findings.len() > RECORD_FINDINGS_MAX {
        findings.truncate(RECORD_FINDINGS_MAX.saturating_sub(1));
        let mut more = Finding::new(&FINDINGS_TRUNCATED);
        more.record_index = u32::try_from(index).ok();
        findings.push(more);
    }
    let good = findings.iter().all(|f| f.severity != Severity::Error);
    let (record, source) = record.filter(|_| good).unzip();
    reading.records.push(ReadRecord {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        record,
        source,
        findings,
        earlier,
        hold,
    });
}
