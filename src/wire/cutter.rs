//! A body cut into documents as it comes: a stream by its lines, a workbook sheet by sheet.
//!
//! A workbook is held whole, as its list of parts stands at its end; its sheets are cut like files
//! of rows, one after another. The name somebody gave a sheet is shown only where it is the name
//! of one of our own tables.

use super::rows::{Head, Rows};
use super::rows_splitter;
use crate::base::Text;
use crate::base::finding::Finding;
use crate::base::finding_codes::{SHEET_HIDDEN, SIZE_EXCEEDED};
use crate::base::limits::BUNDLE_BYTES_MAX;
use crate::format::delimited::Dialect;
use crate::format::split::{Splitter, Unit};
use crate::format::workbook::Workbook;
use compact_str::format_compact;

/// Cuts one body.
#[derive(Debug)]
pub enum Cutter {
    /// As its bytes come.
    Stream(Box<Splitter>),
    /// As its rows come.
    Rows(Box<Rows>),
    /// When all of it is there.
    Book(Box<Book>),
}

/// A workbook being received, or its sheets being cut.
#[derive(Debug)]
pub struct Book {
    head: Head,
    dialect: Dialect,
    state: State,
    sheet: Option<(Text, Rows)>,
    /// To be told with the first rows of the sheet.
    note: Option<Finding>,
}

#[derive(Debug)]
enum State {
    Receiving(Vec<u8>),
    /// One finding is left to be told.
    Refused(Box<Finding>),
    Open(Box<Workbook>),
    Done,
}

impl Cutter {
    /// Takes the next bytes. Take all units before pushing again: memory is bounded by that.
    pub fn push(&mut self, chunk: &[u8]) {
        match self {
            Cutter::Stream(splitter) => splitter.push(chunk),
            Cutter::Rows(rows) => rows.push(chunk),
            Cutter::Book(book) => book.push(chunk),
        }
    }

    /// Says that no more bytes come.
    pub fn finish(&mut self) {
        match self {
            Cutter::Stream(splitter) => splitter.finish(),
            Cutter::Rows(rows) => rows.finish(),
            Cutter::Book(book) => book.finish(),
        }
    }

    /// The next unit or finding; `None` when more bytes are needed or nothing is left.
    pub fn next_unit(&mut self) -> Option<Result<Unit, Finding>> {
        match self {
            Cutter::Stream(splitter) => splitter.next_unit(),
            Cutter::Rows(rows) => rows.next_unit(),
            Cutter::Book(book) => book.next_unit(),
        }
    }
}

impl Book {
    pub(super) fn new(head: Head, dialect: Dialect) -> Book {
        Book {
            head,
            dialect,
            state: State::Receiving(Vec::new()),
            sheet: None,
            note: None,
        }
    }

    fn push(&mut self, chunk: &[u8]) {
        if let State::Receiving(bytes) = &mut self.state {
            if bytes.len().saturating_add(chunk.len()) > BUNDLE_BYTES_MAX {
                self.state = State::Refused(Box::new(Finding::new(&SIZE_EXCEEDED)));
            } else {
                bytes.extend_from_slice(chunk);
            }
        }
    }

    fn finish(&mut self) {
        if let State::Receiving(bytes) = &mut self.state {
            self.state = match Workbook::open(std::mem::take(bytes)) {
                Ok(workbook) => State::Open(Box::new(workbook)),
                Err(trouble) => State::Refused(Box::new(trouble.into())),
            };
        }
    }

    fn next_unit(&mut self) -> Option<Result<Unit, Finding>> {
        loop {
            if let Some((label, rows)) = &mut self.sheet {
                match rows.next_unit() {
                    Some(Ok(mut unit)) => {
                        unit.sheet = Some(label.clone());
                        unit.notes.extend(self.note.take());
                        return Some(Ok(unit));
                    }
                    Some(Err(mut finding)) => {
                        placed(label, &mut finding);
                        return Some(Err(finding));
                    }
                    None => self.sheet = None,
                }
            }
            match &mut self.state {
                State::Receiving(_) | State::Done => return None,
                State::Refused(finding) => {
                    let told = finding.as_ref().clone();
                    self.state = State::Done;
                    return Some(Err(told));
                }
                State::Open(workbook) => match workbook.next_sheet(&self.dialect)? {
                    Ok(sheet) if sheet.text.is_empty() => {}
                    Ok(sheet) => {
                        let label = self.label(&sheet.name, sheet.number);
                        let hidden = || Finding::new(&SHEET_HIDDEN).at(label.as_str());
                        self.note = sheet.hidden.then(hidden);
                        let splitter = rows_splitter(&self.head.tables, &self.dialect, &sheet.text);
                        let mut rows = Rows::new(splitter, self.head.clone());
                        rows.push(&sheet.text);
                        rows.finish();
                        self.sheet = Some((label, rows));
                    }
                    Err(finding) => return Some(Err(finding)),
                },
            }
        }
    }

    /// How a sheet is told.
    fn label(&self, name: &str, number: u32) -> Text {
        let mut tables = self.head.tables.iter();
        let own = tables.find(|table| table.node_type == name);
        match own {
            Some(table) => format_compact!("sheet {}", table.node_type),
            None => format_compact!("sheet {number}"),
        }
    }
}

/// Tells the place of a finding in a sheet, which has rows and columns and no lines.
pub(super) fn placed(label: &str, finding: &mut Finding) {
    (finding.line, finding.column) = (None, None);
    if finding.path.is_empty() {
        finding.path = label.to_owned();
    } else if !finding.path.starts_with(label) {
        finding.path = format!("{label}, {}", finding.path);
    }
}
