//! The cells of a delimited text, one after another, each with its place and whether its quotes
//! are right.
//!
//! Reads bytes; whether they are text is the caller's question. Never looks at what a cell says.

use super::Dialect;
use crate::base::finding::Span;
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

/// One cell.
#[derive(Debug)]
pub struct Cell<'b> {
    /// Its bytes, unquoted.
    pub bytes: &'b [u8],
    /// Where it stands, quotes included.
    pub span: Span,
    /// Whether it ends its row.
    pub ends_row: bool,
    /// Whether a quoted cell is closed, and nothing follows the closing quote.
    pub quoted_right: bool,
}

/// A reader over all cells of a text.
pub struct Cells<'a> {
    bytes: &'a [u8],
    reader: Reader,
    at: usize,
    delimiter: u8,
    starts_row: bool,
    buffer: Vec<u8>,
}

impl<'a> Cells<'a> {
    /// From the first byte after a byte order mark.
    pub fn new(bytes: &'a [u8], dialect: &Dialect) -> Cells<'a> {
        let mut cells = Cells::rows(bytes, dialect);
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            cells.at = 3;
        }
        cells
    }

    /// From the first byte: of rows that stand further down, where a mark belongs to its cell.
    pub fn rows(bytes: &'a [u8], dialect: &Dialect) -> Cells<'a> {
        Cells {
            bytes,
            reader: ReaderBuilder::new().delimiter(dialect.delimiter).build(),
            at: 0,
            delimiter: dialect.delimiter,
            starts_row: true,
            buffer: vec![0; 256],
        }
    }

    /// The next cell; blank lines are no rows.
    pub fn next_cell(&mut self) -> Option<Cell<'_>> {
        let start = self.at;
        let mut filled = 0;
        let ends_row = loop {
            let input = self.bytes.get(self.at..).unwrap_or_default();
            let output = self.buffer.get_mut(filled..).unwrap_or_default();
            let (result, read, written) = self.reader.read_field(input, output);
            self.at += read;
            filled += written;
            match result {
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => self.buffer.resize(self.buffer.len() * 2, 0),
                ReadFieldResult::Field { record_end } => break record_end,
                ReadFieldResult::End => return None,
            }
        };
        let (start, end) = self.trimmed(start);
        self.starts_row = ends_row;
        let raw = self.bytes.get(start..end).unwrap_or_default();
        Some(Cell {
            bytes: self.buffer.get(..filled).unwrap_or_default(),
            span: Span::new(start, end),
            ends_row,
            quoted_right: quoted_right(raw),
        })
    }

    /// The cell's own bytes among those just read: without the line ends before its row and
    /// without the byte that ended it.
    fn trimmed(&self, start: usize) -> (usize, usize) {
        let raw = self.bytes.get(start..self.at).unwrap_or_default();
        let blank = |b: &&u8| matches!(b, b'\r' | b'\n');
        let before = if self.starts_row {
            raw.iter().take_while(blank).count()
        } else {
            0
        };
        let cell = raw.get(before..).unwrap_or_default();
        let ended = cell
            .last()
            .is_some_and(|last| *last == self.delimiter || blank(&last));
        (start + before, self.at - usize::from(ended))
    }
}

/// The cells of the first row there is; the last one as far as the bytes go.
pub fn first_row(bytes: &[u8], dialect: &Dialect) -> Vec<Vec<u8>> {
    let mut cells = Cells::rows(bytes, dialect);
    let mut all = Vec::new();
    while let Some(cell) = cells.next_cell() {
        let ends_row = cell.ends_row;
        all.push(cell.bytes.to_vec());
        if ends_row {
            break;
        }
    }
    all
}

fn quoted_right(raw: &[u8]) -> bool {
    if raw.first() != Some(&b'"') {
        return true;
    }
    let inner = raw.len().checked_sub(1).and_then(|end| raw.get(1..end));
    let closed = raw.len() >= 2 && raw.last() == Some(&b'"');
    // Inside, quotes come in pairs.
    let mut rest = inner.unwrap_or_default().iter();
    while let Some(byte) = rest.next() {
        if *byte == b'"' && rest.next() != Some(&b'"') {
            return false;
        }
    }
    closed
}
