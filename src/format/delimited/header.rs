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
    /// Cells of its row, those at its end without a name too.
    width: usize,
    /// By the names of the file's format, worked out at the first row.
    shown: OnceLock<Vec<Text>>,
}

impl PartialEq for Header {
    fn eq(&self, other: &Header) -> bool {
        self.written == other.written && self.width == other.width
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

    /// How many cells a row has.
    pub(super) fn width(&self) -> usize {
        self.width
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
        // Columns at the end without a name are none; one before a name is a fault.
        let mut unnamed = None;
        let mut width = 0;
        let path = |column: usize| format!("row 1, column {column}");
        loop {
            let Some(cell) = cells.next_cell() else {
                let path = "row 1".to_owned();
                return Err(notes.stop(&HEADER_INVALID, path, Default::default()));
            };
            width += 1;
            if width > CELLS_MAX || cell.bytes.len() > COLUMN_NAME_BYTES_MAX {
                return Err(notes.stop(&SIZE_EXCEEDED, path(width), cell.span));
            }
            let name = match text_of(&cell, encoding) {
                Ok(name) => name,
                Err(code) => return Err(notes.stop(code, path(width), cell.span)),
            };
            if name.trim().is_empty() {
                unnamed.get_or_insert((width, cell.span));
            } else if written.contains(&name) {
                return Err(notes.stop(&HEADER_INVALID, path(width), cell.span));
            } else if let Some((column, span)) = unnamed {
                return Err(notes.stop(&HEADER_INVALID, path(column), span));
            } else {
                written.push(name);
            }
            if cell.ends_row {
                break;
            }
        }
        if let (true, Some((column, span))) = (written.is_empty(), unnamed) {
            return Err(notes.stop(&HEADER_INVALID, path(column), span));
        }
        let shown = OnceLock::new();
        Ok(Header {
            written,
            width,
            shown,
        })
    }
}
