//! A stream cut into units that are parsed one by one, in bounded memory, with the line numbers of
//! the sender's file.
//!
//! Bytes are pushed as they come and units taken as they are whole. Between two pushes it holds at
//! most one unit and one chunk, and the header once for all units. A unit that is too large is a
//! finding, and reading goes on after it. It never looks at what a unit says beyond where it ends
//! and to which group it belongs.

mod messages;

use super::delimited::{Dialect, Header, first_row};
use crate::base::Text;
use crate::base::finding::{Finding, LineIndex};
use crate::base::finding_codes::{HEADER_INVALID, ROW_BLANK, SIZE_EXCEEDED};
use std::collections::VecDeque;
use std::sync::Arc;

/// How a stream is cut.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitKind {
    /// One document per line; blank lines are none.
    Lines,
    /// One row, or the contiguous rows whose `group_by` cells are the same, under the header.
    Delimited {
        /// How cells are separated.
        dialect: Dialect,
        /// Columns that name the group; none for one row per unit.
        group_by: Vec<Text>,
    },
    /// One message, from its head to the next.
    Messages,
    /// The whole stream.
    Whole,
}

/// One unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Delimited, cut out of a file: its header. Without one the bytes begin with it.
    pub header: Option<Arc<Header>>,
    /// Rows of a workbook: how their sheet is told.
    pub sheet: Option<Text>,
    /// One line of a stream of them.
    pub line: bool,
    /// What is told of the place it was cut from.
    pub notes: Vec<Finding>,
    /// A document of its own: for delimited text the rows.
    pub bytes: Vec<u8>,
    /// What `LineIndex::new` takes as base line, so that lines are the sender's.
    pub first_line: u32,
    /// Delimited: the number of the first row as a spreadsheet counts, for `parse_rows`; else 1.
    pub first_row: u32,
}

/// Cuts one stream.
#[derive(Debug)]
pub struct Splitter {
    kind: SplitKind,
    unit_bytes_max: usize,
    buffer: Vec<u8>,
    /// Bytes of the buffer that belong to units given or dropped.
    taken: usize,
    /// Bytes of the buffer looked at.
    scanned: usize,
    state: Quotes,
    /// Line of the first byte not taken.
    line: u32,
    /// The piece being scanned is too large: its bytes are dropped as they come.
    oversize: bool,
    finished: bool,
    /// Nothing more is given: the header is unusable, or the whole is too large.
    dead: bool,
    at_start: bool,
    header: Option<Columns>,
    row: u32,
    /// The last piece ended with a carriage return: a line feed alone is its other half.
    returned: bool,
    group: Option<Group>,
    /// Empty rows not told yet.
    blanks: Option<Blanks>,
    /// The next group may lack its first row.
    lost_before: bool,
    messages: messages::Messages,
    told: VecDeque<Finding>,
}

/// Where the scan of delimited text stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Quotes {
    CellStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

#[derive(Debug)]
struct Columns {
    header: Arc<Header>,
    /// Positions of the `group_by` columns.
    grouping: Vec<usize>,
}

#[derive(Debug)]
struct Group {
    key: Vec<Vec<u8>>,
    unit: Unit,
    /// Line feeds after its last row: blank lines, which are nothing unless a row follows.
    blank: usize,
    oversize: bool,
}

/// A run of rows that have cells and say nothing.
#[derive(Clone, Copy, Debug)]
struct Blanks {
    first: u32,
    last: u32,
    line: u32,
}

/// A line or row, cut but not yet given.
struct Piece {
    bytes: Vec<u8>,
    line: u32,
}

impl Splitter {
    /// A splitter whose units are at most so large.
    pub fn new(kind: SplitKind, unit_bytes_max: usize) -> Splitter {
        Splitter {
            kind,
            unit_bytes_max,
            buffer: Vec::new(),
            taken: 0,
            scanned: 0,
            state: Quotes::CellStart,
            line: 1,
            oversize: false,
            finished: false,
            dead: false,
            at_start: true,
            header: None,
            row: 1,
            returned: false,
            group: None,
            blanks: None,
            lost_before: false,
            messages: messages::Messages::default(),
            told: VecDeque::new(),
        }
    }

    /// A splitter that gives nothing but this: the stream is not to be read.
    pub fn refusing(finding: Finding) -> Splitter {
        let mut splitter = Splitter::new(SplitKind::Whole, 0);
        splitter.dead = true;
        splitter.told.push_back(finding);
        splitter
    }

    /// Takes the next bytes. Take all units before pushing again: memory is bounded by that.
    pub fn push(&mut self, chunk: &[u8]) {
        if self.dead {
            return;
        }
        self.buffer.drain(..self.taken.min(self.buffer.len()));
        self.scanned = self.scanned.saturating_sub(self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(chunk);
        if self.at_start && self.buffer.len() >= 3 {
            self.skip_mark();
        }
    }

    /// Says that no more bytes come.
    pub fn finish(&mut self) {
        self.finished = true;
        self.skip_mark();
    }

    fn skip_mark(&mut self) {
        if self.at_start && self.buffer.starts_with(b"\xEF\xBB\xBF") {
            self.buffer.drain(..3);
        }
        self.at_start = false;
    }

    /// The next unit or finding; `None` when more bytes are needed or nothing is left.
    pub fn next_unit(&mut self) -> Option<Result<Unit, Finding>> {
        if let Some(finding) = self.told.pop_front() {
            return Some(Err(finding));
        }
        if self.dead || self.at_start {
            return None;
        }
        match self.kind.clone() {
            SplitKind::Lines => self.next_line(),
            SplitKind::Delimited { dialect, group_by } => self.next_group(&dialect, &group_by),
            SplitKind::Messages => self.next_message(),
            SplitKind::Whole => self.whole(),
        }
    }

    fn too_large(line: u32) -> Finding {
        let mut finding = Finding::new(&SIZE_EXCEEDED);
        finding.line = Some(line);
        finding.column = Some(1);
        finding
    }

    fn whole(&mut self) -> Option<Result<Unit, Finding>> {
        if self.buffer.len() > self.unit_bytes_max {
            self.dead = true;
            self.buffer = Vec::new();
            return Some(Err(Splitter::too_large(1)));
        }
        if !self.finished {
            return None;
        }
        self.dead = true;
        Some(Ok(Unit {
            header: None,
            sheet: None,
            line: false,
            notes: Vec::new(),
            bytes: std::mem::take(&mut self.buffer),
            first_line: 1,
            first_row: 1,
        }))
    }

    fn next_line(&mut self) -> Option<Result<Unit, Finding>> {
        loop {
            let piece = match self.next_piece(None)? {
                Ok(piece) => piece,
                Err(finding) => return Some(Err(finding)),
            };
            if !piece.bytes.iter().all(u8::is_ascii_whitespace) {
                return Some(Ok(Unit {
                    header: None,
                    sheet: None,
                    line: true,
                    notes: Vec::new(),
                    bytes: piece.bytes,
                    first_line: piece.line,
                    first_row: 1,
                }));
            }
        }
    }

    /// The next line, or the next row where a dialect says what quotes hide; with its line end.
    fn next_piece(&mut self, dialect: Option<&Dialect>) -> Option<Result<Piece, Finding>> {
        while let Some(byte) = self.buffer.get(self.scanned).copied() {
            self.scanned += 1;
            let ends = match dialect {
                None => byte == b'\n',
                Some(dialect) => self.step(byte, dialect),
            };
            if ends {
                if let Some(piece) = self.cut() {
                    return Some(Ok(piece));
                }
            } else if self.scanned - self.taken > self.unit_bytes_max && !self.oversize {
                self.oversize = true;
                return Some(Err(Splitter::too_large(self.line)));
            }
        }
        if self.oversize {
            self.drop_scanned();
        } else if self.finished && self.scanned > self.taken {
            return self.cut().map(Ok);
        }
        None
    }

    /// One byte of delimited text; true when it ends a row.
    fn step(&mut self, byte: u8, dialect: &Dialect) -> bool {
        self.state = match (self.state, byte) {
            (Quotes::CellStart, b'"') | (Quotes::QuoteInQuoted, b'"') => Quotes::Quoted,
            (Quotes::Quoted, b'"') => Quotes::QuoteInQuoted,
            (Quotes::Quoted, _) => Quotes::Quoted,
            (_, b'\n' | b'\r') => Quotes::CellStart,
            (_, byte) if byte == dialect.delimiter => Quotes::CellStart,
            _ => Quotes::Plain,
        };
        // A carriage return ends a row too; the line feed after it is then a blank row.
        self.state == Quotes::CellStart && matches!(byte, b'\n' | b'\r')
    }

    /// Takes what was scanned; nothing when it was too large and is only dropped.
    fn cut(&mut self) -> Option<Piece> {
        if self.oversize {
            self.oversize = false;
            self.drop_scanned();
            return None;
        }
        let bytes = self.buffer.get(self.taken..self.scanned);
        let piece = Piece {
            bytes: bytes.unwrap_or_default().to_vec(),
            line: self.line,
        };
        self.drop_scanned();
        Some(piece)
    }

    fn drop_scanned(&mut self) {
        let bytes = self.buffer.get(self.taken..self.scanned);
        let ends = match self.kind {
            SplitKind::Messages => messages::line_ends(bytes),
            _ => line_ends(bytes.unwrap_or_default()),
        };
        self.line = self.line.saturating_add(ends);
        self.taken = self.scanned;
    }

    fn next_group(
        &mut self,
        dialect: &Dialect,
        group_by: &[Text],
    ) -> Option<Result<Unit, Finding>> {
        loop {
            let piece = match self.next_piece(Some(dialect)) {
                Some(Ok(piece)) => piece,
                Some(Err(finding)) => {
                    self.lost_row();
                    return Some(Err(finding));
                }
                None if self.finished => return self.last(dialect),
                None => return None,
            };
            let half = std::mem::take(&mut self.returned) && piece.bytes == b"\n";
            self.returned = piece.bytes.ends_with(b"\r");
            let given = if piece.bytes.iter().all(|b| matches!(b, b'\r' | b'\n')) {
                self.blank(&piece, half);
                None
            } else if self.header.is_none() {
                self.read_header(piece, dialect, group_by)
            } else {
                self.add_row(&piece, dialect)
            };
            if given.is_some() {
                return given;
            }
        }
    }

    /// A row too large to hold: the groups it may belong to are not given without it.
    fn lost_row(&mut self) {
        self.dead |= self.header.is_none();
        self.row = self.row.saturating_add(1);
        if self.header.as_ref().is_some_and(|h| !h.grouping.is_empty()) {
            self.lost_before = true;
            if let Some(group) = &mut self.group {
                group.oversize = true;
            }
        }
    }

    /// The group still open when the stream ends, or what an empty stream lacks.
    fn last(&mut self, dialect: &Dialect) -> Option<Result<Unit, Finding>> {
        if self.header.is_none() {
            self.dead = true;
            return Header::read(b"", dialect).1.pop().map(Err);
        }
        self.tell_blanks().or_else(|| self.close())
    }

    fn close(&mut self) -> Option<Result<Unit, Finding>> {
        let group = self.group.take()?;
        // An oversize group was told when it grew too large.
        (!group.oversize).then_some(Ok(group.unit))
    }

    /// A blank line is no row but keeps the lines of an open group right, and the numbers of the
    /// rows behind it as a spreadsheet counts them. It is only counted: a file of blank lines must
    /// not grow anything.
    fn blank(&mut self, piece: &Piece, half: bool) {
        if !half {
            self.row = self.row.saturating_add(1);
        }
        if let Some(group) = &mut self.group {
            group.blank += line_feeds(&piece.bytes);
        }
    }

    fn read_header(
        &mut self,
        piece: Piece,
        dialect: &Dialect,
        group_by: &[Text],
    ) -> Option<Result<Unit, Finding>> {
        let (header, findings) = Header::read(&piece.bytes, dialect);
        self.told.extend(findings);
        for finding in &mut self.told {
            if let Some(rest) = finding.path.strip_prefix("row 1") {
                finding.path = format!("row {}{rest}", self.row);
            }
        }
        let index = LineIndex::new(&piece.bytes, piece.line);
        index.fill(self.told.make_contiguous());
        let known = header.is_some();
        let header = header.unwrap_or_default();
        let names = header.written();
        let position = |name: &Text| names.iter().position(|known| known == name);
        let grouping: Vec<usize> = group_by.iter().filter_map(position).collect();
        if known && grouping.len() < group_by.len() {
            let finding = Finding::new(&HEADER_INVALID).at("row 1");
            let said = "a column that groups the rows of a record is missing";
            self.told.push_back(finding.saying(said));
        }
        self.dead = !self.told.is_empty();
        self.header = Some(Columns {
            header: Arc::new(header),
            grouping,
        });
        self.told.pop_front().map(Err)
    }

    /// Adds a row to its group; gives the group before when the row starts another.
    fn add_row(&mut self, piece: &Piece, dialect: &Dialect) -> Option<Result<Unit, Finding>> {
        self.row = self.row.saturating_add(1);
        let columns = self.header.as_ref()?;
        let mut cells = first_row(&piece.bytes, dialect);
        // One empty cell alone is how a row of one column says nothing.
        if cells.len() > 1 && cells.iter().all(Vec::is_empty) {
            return self.blank_row(piece.line, dialect);
        }
        let mut cell = |at: &usize| cells.get_mut(*at).map(std::mem::take).unwrap_or_default();
        let key: Vec<Vec<u8>> = columns.grouping.iter().map(&mut cell).collect();
        let grouped = !columns.grouping.is_empty();
        if let Some(group) = self.group.as_mut().filter(|g| grouped && g.key == key) {
            return group.add(piece, self.unit_bytes_max);
        }
        let fresh = Group {
            key,
            unit: Unit {
                header: Some(Arc::clone(&columns.header)),
                sheet: None,
                line: false,
                notes: Vec::new(),
                bytes: piece.bytes.clone(),
                first_line: piece.line,
                first_row: self.row,
            },
            blank: 0,
            oversize: std::mem::take(&mut self.lost_before),
        };
        let before = self.close().or_else(|| self.tell_blanks());
        self.group = Some(fresh);
        before
    }

    /// A row of empty cells ends the group before it. A run of them is told once, unless the
    /// sender is known to leave such rows.
    fn blank_row(&mut self, line: u32, dialect: &Dialect) -> Option<Result<Unit, Finding>> {
        if !dialect.blank_rows {
            let (first, last) = (self.row, self.row);
            let run = self.blanks.get_or_insert(Blanks { first, last, line });
            run.last = last;
        }
        self.close()
    }

    fn tell_blanks(&mut self) -> Option<Result<Unit, Finding>> {
        let run = self.blanks.take()?;
        let mut finding = Finding::new(&ROW_BLANK).at(format!("row {}", run.first));
        if run.last > run.first {
            finding = finding.saying(format!("rows {} to {} hold nothing", run.first, run.last));
        }
        (finding.line, finding.column) = (Some(run.line), Some(1));
        Some(Err(finding))
    }
}

impl Group {
    /// Adds a row that belongs to it; tells when it grows too large by that.
    fn add(&mut self, piece: &Piece, bytes_max: usize) -> Option<Result<Unit, Finding>> {
        let blank = std::mem::take(&mut self.blank);
        if self.oversize {
            return None;
        }
        let bytes = &mut self.unit.bytes;
        let more = piece.bytes.len().saturating_add(blank);
        if bytes.len().saturating_add(more) > bytes_max {
            self.oversize = true;
            *bytes = Vec::new();
            return Some(Err(Splitter::too_large(piece.line)));
        }
        bytes.resize(bytes.len() + blank, b'\n');
        bytes.extend_from_slice(&piece.bytes);
        None
    }
}

fn line_feeds(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn line_ends(bytes: &[u8]) -> u32 {
    u32::try_from(line_feeds(bytes)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
