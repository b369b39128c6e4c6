//! Delimited text: bytes to rows and back, a cell at a time, so that a finding has its column.
//!
//! The tree is an array of objects by header; an empty cell is an absent member. A bad row is a
//! finding of that row and keeps its place in the array, so that one row never sinks the file. It
//! must never change a cell: nothing is trimmed, and the one escaping there is (of formulas, where
//! the dialect says so) is undone in reading.

mod cells;
mod encoding;
mod formula;
mod header;
mod parse;
mod write;

pub use cells::first_row;
pub use encoding::Encoding;
pub use header::Header;
pub use parse::{parse, parse_below, parse_rows};
pub(in crate::format) use write::line as write_line;
pub use write::{text as cell_text, write};

/// How a file separates its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Between cells; quotes are always `"`, doubled inside a quoted cell.
    pub delimiter: u8,
    /// Cells that a spreadsheet would take for formulas stand behind an apostrophe.
    pub formulas_guarded: bool,
    /// How characters stand in bytes.
    pub encoding: Encoding,
    /// Rows without a value are passed over; else each run of them is told.
    pub blank_rows: bool,
}

impl Default for Dialect {
    fn default() -> Dialect {
        Dialect {
            delimiter: b',',
            formulas_guarded: false,
            encoding: Encoding::Utf8,
            blank_rows: false,
        }
    }
}

#[cfg(test)]
#[path = "delimited_tests.rs"]
mod tests;
