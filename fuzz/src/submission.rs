//! A submission of any bytes, read as `kinbridge validate` and the gateway read it: cut, parsed,
//! validated, mapped. Whatever comes, every finding lies within what was sent, how the bytes
//! arrive makes no difference, and what is accepted goes out and comes in again.

use kinbridge::base::finding::Finding;
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::format::Node;
use kinbridge::format::split::Unit;
use kinbridge::intake::read::{self, Reading};
use kinbridge::record::Record;
use kinbridge::rules::Rules;
use kinbridge::wire::Wire;
use std::sync::{Arc, LazyLock};

/// The shipped catalog, compiled once.
static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Rules::load(&[]).expect("no defect"));

/// Every record type there is.
static TYPES: LazyLock<Vec<RecordType>> = LazyLock::new(|| {
    let names = RULES.sources.schemas.keys().filter_map(|path| {
        let name = path.strip_prefix("canonical/")?;
        name.strip_suffix(".schema.json")
    });
    let own = names.filter(|name| !name.contains('/'));
    own.map(RecordType::new).collect()
});

/// What the commit gives a record.
const RECORD_ID: &str = "rec_0123456789abcdef0123456789abcdef";

/// One format, ready.
pub struct Road {
    format: FormatId,
}

impl Road {
    /// The road of a shipped format, `<name>/<version>`.
    pub fn new(format: &str) -> Road {
        let format = FormatId::new(format);
        assert!(RULES.wires.get(&format).is_some(), "no such format");
        Road { format }
    }

    /// Goes the road once with nothing, so that what it needs is there.
    pub fn ready(&self) {
        self.take(b"");
    }

    /// Reads a submission and holds what comes of it to what is promised of any.
    pub fn take(&self, bytes: &[u8]) {
        let reading = read::read(&RULES, &self.format, &TYPES, bytes);
        self.findings_lie_within(bytes, &reading);
        self.pieces_make_no_difference(bytes);
        for read in &reading.records {
            if let Some(record) = &read.record {
                self.goes_out_and_in(record);
            }
        }
    }

    /// As [`Road::take`], of what may be an interchange: one is told as that and gives no record.
    pub fn recognise(&self, bytes: &[u8]) {
        self.take(bytes);
        let reading = read::read(&RULES, &self.format, &TYPES, bytes);
        let told = |finding: &Finding| finding.code == "interchange-not-read";
        if reading.findings.iter().any(told) {
            assert!(reading.records.is_empty(), "records beside an interchange");
        }
    }

    fn wire(&self) -> &'static Wire {
        RULES.wires.get(&self.format).expect("looked up before")
    }

    fn findings_lie_within(&self, bytes: &[u8], reading: &Reading) {
        let of_records = reading.records.iter().flat_map(|it| &it.findings);
        let mut lines: Option<Vec<usize>> = None;
        for finding in reading.findings.iter().chain(of_records) {
            assert!(!finding.message.is_empty() && !finding.fix.is_empty());
            let (Some(line), Some(column)) = (finding.line, finding.column) else {
                continue;
            };
            let lines = lines.get_or_insert_with(|| widths(bytes, self.wire().is_messages()));
            let (line, column) = (line as usize, column as usize);
            let width = line.checked_sub(1).and_then(|at| lines.get(at));
            let width = width.unwrap_or_else(|| panic!("{}: line {line}", finding.code));
            let there = (1..=width + 1).contains(&column);
            assert!(there, "{}: column {column} of {width}", finding.code);
        }
    }

    /// The same documents are cut out of bytes that come in two pieces.
    fn pieces_make_no_difference(&self, bytes: &[u8]) {
        // A head decides how a stream is cut, so that both ways begin with the same.
        let whole = self.cut(bytes, bytes.len());
        let at = bytes.iter().fold(bytes.len(), |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
        });
        let parts = self.cut(bytes, at % (bytes.len() + 1));
        assert!(whole == parts, "cut differently in pieces");
    }

    fn cut(&self, bytes: &[u8], at: usize) -> Vec<Result<Unit, Finding>> {
        let mut cutter = self.wire().splitter(bytes);
        let (first, rest) = bytes.split_at(at);
        let mut out = Vec::new();
        for piece in [first, rest] {
            cutter.push(piece);
            if !self.wire().is_workbook() {
                out.extend(std::iter::from_fn(|| cutter.next_unit()));
            }
        }
        cutter.finish();
        out.extend(std::iter::from_fn(|| cutter.next_unit()));
        out
    }

    /// What is accepted is written, read without an error as one record, and written the same.
    fn goes_out_and_in(&self, record: &Record) {
        let record = with_id(record.clone());
        let Some(first) = self.write(&record) else {
            return;
        };
        let mut back = read::read(&RULES, &self.format, &TYPES, &first);
        let findings = back.records.iter().flat_map(|it| &it.findings);
        let errors: Vec<&Finding> = back
            .findings
            .iter()
            .chain(findings)
            .filter(|finding| finding.is_error())
            .collect();
        assert!(errors.is_empty(), "written and refused: {errors:?}");
        assert_eq!(back.records.len(), 1, "written and read as one");
        let read = back.records.pop().and_then(|it| it.record);
        let again = self.write(&with_id(read.expect("no error")));
        assert!(again == Some(first), "written otherwise the second time");
    }

    /// The bytes of a record; `None` where the format cannot say it, which holds it back.
    fn write(&self, record: &Record) -> Option<Vec<u8>> {
        let mapped = RULES.sources.mapped_as(&self.format);
        let tree = RULES.plans.outbound(mapped, record).ok()?.tree;
        let refused = self.wire().refused(&tree);
        refused.is_empty().then(|| self.wire().write(&tree))
    }
}

fn with_id(mut record: Record) -> Record {
    if let Some(envelope) = record.root.get_mut("envelope") {
        envelope.set("record_id", Node::string(RECORD_ID));
    }
    record
}

/// Characters of each line. In messages a carriage return alone ends one too.
fn widths(bytes: &[u8], returns: bool) -> Vec<usize> {
    let mut out = vec![0];
    for (at, byte) in bytes.iter().enumerate() {
        let lone = returns && *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n');
        if *byte == b'\n' || lone {
            out.push(0);
        } else if let Some(width) = out.last_mut() {
            // Bytes that go on with a character of UTF-8 are none of their own.
            *width += usize::from((byte & 0xC0) != 0x80);
        }
    }
    out
}
