//! Reading a submission: bytes to canonical records and findings. Pure.
//!
//! Every finding is told at once, in the sender's notation, with line and column and never a value.
//! A record with an error gives no record; a document-level error that cannot be laid at one record
//! keeps all records of that document out.

use super::ids::{self, Ids};
use super::notation::{Document, RecordNotation};
use super::prepare::takes_back;
use crate::base::Text;
use crate::base::digest::Digest;
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
    /// Ids of all records of the submission.
    ids: Ids,
    /// Positions of records read before these that one of these contradicts.
    contradicted: Vec<u32>,
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
    /// What it is known by, and where it stands.
    own: Option<Own>,
}

/// How a record is found again in its reading, when another contradicts it.
#[derive(Clone, Debug)]
struct Own {
    key: Digest,
    path: Text,
    /// Of a sheet there are none.
    line: Option<u32>,
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

    /// Takes the positions of records before these that are contradicted in these.
    pub(super) fn take_contradicted(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.contradicted)
    }

    fn next_index(&self) -> u32 {
        let index = self.before.saturating_add(self.records.len());
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Lets no record of that id stand that came before the one at `place`.
    fn contradict(&mut self, key: Digest, first: u32, place: &str) {
        for read in &mut self.records {
            let Some(own) = read.own.as_ref().filter(|own| own.key == key) else {
                continue;
            };
            let mut told = contradicted(place).at(own.path.as_str());
            (told.line, told.column) = (own.line, own.line.map(|_| 1));
            told.record_index = Some(read.index);
            read.findings.insert(0, told);
            read.findings.truncate(RECORD_FINDINGS_MAX);
            (read.record, read.source) = (None, None);
        }
        if usize::try_from(first).is_ok_and(|first| first < self.before) {
            self.contradicted.push(first);
        }
    }
}

/// What is told of a record, naming the place of the other.
fn contradicted(other: &str) -> Finding {
    let said = format!("{} ({other})", RECORD_CONTRADICTED.message);
    Finding::new(&RECORD_CONTRADICTED).saying(said)
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
        findings.extend(unit.notes.iter().cloned());
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
            // One that is refused for something else may say the stricter thing: it counts too.
            let again = ids::key(&record).filter(|_| !takes_back(&record));
            let known = again.map(|key| known(unit, document.wire, (key, &path)));
            if let Some(known) = &known {
                own.extend(repeated(document, (&record, root), known, reading));
            }
            let good = !broken && !own.iter().any(Finding::is_error);
            let unit = Arc::clone(unit);
            let record = good.then_some((record, Source { unit, root }));
            add(reading, record, own, hold);
            if let Some(read) = reading.records.last_mut() {
                read.own = known;
            }
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

/// How a record is found again, and where it stands.
fn known(unit: &Unit, wire: &Wire, (key, path): (Digest, &str)) -> Own {
    let path = match (wire.is_tabular(), &unit.sheet) {
        (true, Some(sheet)) => format_compact!("{sheet}, row {}", unit.first_row),
        (true, None) => format_compact!("row {}", unit.first_row),
        (false, _) => Text::from(path),
    };
    let line = unit.sheet.is_none().then_some(unit.first_line);
    Own { key, path, line }
}

/// What is told of a record whose id came before with something else. Those before it that said
/// it are told too, and stand no more: which of them is right, or sealed, nobody here can say.
fn repeated(
    document: &Document<'_>,
    (record, root): (&Record, Span),
    own: &Own,
    reading: &mut Reading,
) -> Option<Finding> {
    let unit = document.unit;
    let place = match (document.wire.is_tabular(), own.path.as_str()) {
        (true, path) => Text::from(path),
        (false, "") => format_compact!("line {}", unit.first_line),
        (false, path) => format_compact!("line {}, {path}", unit.first_line),
    };
    let at = (reading.next_index(), place.clone());
    let clash = reading.ids.meet((own.key, record), at)?;
    if let Some(first) = clash.index {
        reading.contradict(own.key, first, &place);
    }
    let id = record.envelope().and_then(|it| it.get("source_record_id"));
    let span = id.map(|id| id.span).filter(|span| span.end > 0);
    let span = span.unwrap_or_else(|| document.shown(root));
    let mut told = [contradicted(&clash.first).spanning(span)];
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
        own: None,
    });
}
