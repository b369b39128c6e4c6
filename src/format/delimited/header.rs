//! The header of a file: read once, shared by all its rows.
//!
//! It is all one may know of a file before its first row, so it is kept small: a file of many rows
//! must never carry it many times.

use super::cells::Cells;
use super::parse::text_of;
use super::{Dialect, Encoding};
use crate::base::Text;
use crate::base::finding::Finding;
use crate::base::finding_codes::{HEADER_INVALID, SIZE_EXCEEDED};
use crate::base::limits::{CELLS_MAX, COLUMN_NAME_BYTES_MAX};
use crate::format::names::{Names, masked};
use crate::format::notes::{Notes, Stop};
use std::sync::OnceLock;

/// The names of the columns.
#[derive(Debug, Default)]
pub struct Header {
    written: Vec<Text>,
    /// By the names of the file's format, worked out at the first row.
    shown: OnceLock<Vec<Text>>,
}

impl PartialEq for Header {
    fn eq(&self, other: &Header) -> bool {
        self.written == other.written
    }
}

impl Eq for Header {}

impl Header {
    /// Reads the row a file begins with; without it there is at least one finding.
    pub fn read(bytes: &[u8], dialect: &Dialect) -> (Option<Header>, Vec<Finding>) {
        let mut notes = Notes::default();
        let header = Header::take(
            &mut Cells::new(bytes, dialect),
            dialect.encoding,
            &mut notes,
        )
        .ok();
        (header, notes.finish(None).findings)
    }

    /// The names as they were written.
    pub fn written(&self) -> &[Text] {
        &self.written
    }

    /// The names as they may be shown. A header belongs to one format: the first names count.
    pub(super) fn shown(&self, names: &Names) -> &[Text] {
        let show = |(at, name): (usize, &Text)| match (names.stand_in(name), names.shows(name)) {
            (Some(own), _) => own.clone(),
            (None, true) => name.clone(),
            (None, false) => masked(at),
        };
        self.shown
            .get_or_init(|| self.written.iter().enumerate().map(show).collect())
    }

    /// Reads the cells of the first row.
    pub(super) fn take(
        cells: &mut Cells<'_>,
        encoding: Encoding,
        notes: &mut Notes,
    ) -> Result<Header, Stop> {
        let mut written: Vec<Text> = Vec::new();
        loop {
            let Some(cell) = cells.next_cell() else {
                let path = "row 1".to_owned();
                return Err(notes.stop(&HEADER_INVALID, path, Default::default()));
            };
            let column = written.len() + 1;
            let path = || format!("row 1, column {column}");
            if column > CELLS_MAX || cell.bytes.len() > COLUMN_NAME_BYTES_MAX {
                return Err(notes.stop(&SIZE_EXCEEDED, path(), cell.span));
            }
            let name = match text_of(&cell, encoding) {
                Ok(name) => name,
                Err(code) => return Err(notes.stop(code, path(), cell.span)),
            };
            if name.is_empty() || written.contains(&name) {
                return Err(notes.stop(&HEADER_INVALID, path(), cell.span));
            }
            written.push(name);
            if cell.ends_row {
                let shown = OnceLock::new();
                return Ok(Header { written, shown });
            }
        }
    }
}
