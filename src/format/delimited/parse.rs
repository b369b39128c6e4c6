//! Delimited bytes to an array of objects by header.
//!
//! A finding names its row as a spreadsheet counts (the header is row 1) and its column by the
//! header. Findings of the header end reading; findings of a row carry the row's record index.

use super::cells::{Cell, Cells};
use super::formula::unguarded;
use super::header::Header;
use super::{Dialect, Encoding};
use crate::base::Text;
use crate::base::finding::{Finding, Span};
use crate::base::finding_codes::{
    CONTROL_CHARACTER, CodeEntry, ENCODING_INVALID, HEADER_INVALID, ROW_LENGTH_MISMATCH,
    SIZE_EXCEEDED, SYNTAX_INVALID,
};
use crate::base::limits::{BUNDLE_BYTES_MAX, NODES_MAX};
use crate::format::Parsed;
use crate::format::names::{Names, masked};
use crate::format::notes::{Notes, Stop, may_stand};
use crate::format::tree::{Node, Value};

/// The first row below the header, as a spreadsheet counts.
const FIRST_ROW: u32 = 2;

/// Reads a whole file of our own: every name of a column may be shown.
pub fn parse(bytes: &[u8], dialect: &Dialect) -> Parsed {
    parse_rows(bytes, dialect, FIRST_ROW, &Names::ALL)
}

/// Reads a header and some rows, of which the first is row `first_row` of the sender's file. Names
/// of columns that may not be shown become ordinals: without a header the first row of values
/// stands in its place.
pub fn parse_rows(bytes: &[u8], dialect: &Dialect, first_row: u32, names: &Names) -> Parsed {
    let mut notes = Notes::default();
    if bytes.len() > BUNDLE_BYTES_MAX {
        notes.add(&SIZE_EXCEEDED, String::new(), Span::new(0, 0));
        return notes.finish(None);
    }
    let mut cells = Cells::new(bytes, dialect);
    let Ok(header) = Header::take(&mut cells, dialect.encoding, &mut notes) else {
        return notes.finish(None);
    };
    let columns = (&header, header.shown(names));
    Rows::new(cells, columns, (first_row, dialect), notes).read(bytes.len())
}

/// Reads rows that stand below a header, the first one as above.
pub fn parse_below(
    header: &Header,
    bytes: &[u8],
    dialect: &Dialect,
    first_row: u32,
    names: &Names,
) -> Parsed {
    let cells = Cells::rows(bytes, dialect);
    let columns = (header, header.shown(names));
    let place = (first_row, dialect);
    Rows::new(cells, columns, place, Notes::default()).read(bytes.len())
}

struct Rows<'a> {
    cells: Cells<'a>,
    dialect: Dialect,
    /// As written.
    header: &'a [Text],
    /// Cells of a row.
    width: usize,
    /// As shown.
    columns: &'a [Text],
    first_row: u32,
    nodes: usize,
    notes: Notes,
}

/// A cell that is text, or what is wrong with it.
pub(super) fn text_of(cell: &Cell<'_>, encoding: Encoding) -> Result<Text, &'static CodeEntry> {
    let text = encoding.decode(cell.bytes).ok_or(&ENCODING_INVALID)?;
    if !cell.quoted_right {
        return Err(&SYNTAX_INVALID);
    }
    if !text.chars().all(may_stand) {
        return Err(&CONTROL_CHARACTER);
    }
    Ok(text)
}

impl<'a> Rows<'a> {
    fn new(
        cells: Cells<'a>,
        (header, columns): (&'a Header, &'a [Text]),
        (first_row, dialect): (u32, &Dialect),
        notes: Notes,
    ) -> Rows<'a> {
        Rows {
            cells,
            dialect: *dialect,
            header: header.written(),
            width: header.width(),
            columns,
            first_row,
            nodes: 0,
            notes,
        }
    }

    fn read(mut self, length: usize) -> Parsed {
        let tree = self.rows(length).ok();
        self.notes.finish(tree)
    }

    fn rows(&mut self, length: usize) -> Result<Node, Stop> {
        let mut rows = Vec::new();
        while let Some(row) = self.read_row(rows.len())? {
            rows.push(row);
        }
        Ok(Node {
            value: Value::Array(rows),
            span: Span::new(0, length),
        })
    }

    /// One row; what does not fit the header is a finding of the row.
    fn read_row(&mut self, index: usize) -> Result<Option<Node>, Stop> {
        let offset = u32::try_from(index).unwrap_or(u32::MAX);
        let number = self.first_row.saturating_add(offset);
        let mut members = Vec::with_capacity(self.header.len());
        let mut span: Option<Span> = None;
        let mut count = 0;
        let mut repeats_header = true;
        loop {
            let Some(cell) = self.cells.next_cell() else {
                return Ok(None);
            };
            self.nodes += 1;
            if self.nodes > NODES_MAX {
                let path = format!("row {number}");
                return Err(self.notes.stop(&SIZE_EXCEEDED, path, cell.span));
            }
            let start = span.map_or(cell.span.start, |span| span.start);
            span = Some(Span {
                start,
                end: cell.span.end,
            });
            if let (Some(written), Some(name)) = (self.header.get(count), self.columns.get(count)) {
                let (node, code) = node_of(&cell, &self.dialect);
                repeats_header &= node.as_str() == Some(written);
                if let Some(code) = code {
                    let path = format!("row {number}, column {name}");
                    let finding = Finding::new(code).at(path).spanning(cell.span);
                    self.notes.push(finding.of_record(index));
                }
                if !cell.bytes.is_empty() {
                    members.push((name.clone(), node));
                }
            } else if count < self.width && !cell.bytes.trim_ascii().is_empty() {
                self.notes
                    .push(unnamed((number, count), cell.span).of_record(index));
            }
            count += 1;
            if cell.ends_row {
                break;
            }
        }
        let span = span.unwrap_or_default();
        self.check_row(index, number, count, (repeats_header, span));
        let value = Value::Object(members);
        Ok(Some(Node { value, span }))
    }

    fn check_row(&mut self, index: usize, number: u32, count: usize, row: (bool, Span)) {
        let (repeats_header, span) = row;
        let code = if count != self.width {
            &ROW_LENGTH_MISMATCH
        } else if repeats_header {
            &HEADER_INVALID
        } else {
            return;
        };
        let finding = Finding::new(code).at(format!("row {number}"));
        self.notes.push(finding.spanning(span).of_record(index));
    }
}

/// What is told of a cell under a heading without a name: to drop it might drop what matters.
fn unnamed((row, at): (u32, usize), span: Span) -> Finding {
    let place = format!("row {row}, column {}", masked(at));
    let told = Finding::new(&ROW_LENGTH_MISMATCH).at(place).spanning(span);
    told.saying("the cell stands in a column without a name")
        .fixed_by("give its column the name it has in the template, or empty it")
}

fn node_of(cell: &Cell<'_>, dialect: &Dialect) -> (Node, Option<&'static CodeEntry>) {
    let (text, code) = match text_of(cell, dialect.encoding) {
        Ok(text) if dialect.formulas_guarded => (unguarded(&text).into(), None),
        Ok(text) => (text, None),
        Err(code) => (Text::default(), Some(code)),
    };
    let value = Value::String(text);
    let span = cell.span;
    (Node { value, span }, code)
}
