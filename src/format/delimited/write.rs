//! Rows to delimited text (RFC 4180): CRLF line ends, quotes only where needed.
//!
//! Writes the columns of the header and nothing else; cells are written verbatim but for
//! the guard before a formula.

use super::Dialect;
use super::formula::needs_guard;
use crate::base::Text;
use crate::format::tree::{Node, Value};

/// Writes the header and one line per row; appends to `out`.
pub fn write(rows: &[Node], header: &[Text], dialect: &Dialect, out: &mut Vec<u8>) {
    line(header.iter().map(Text::as_str), dialect, out);
    for row in rows {
        line(header.iter().map(|name| text(row, name)), dialect, out);
    }
}

/// The cell of a row under a header's name; empty where it has none.
pub fn text<'r>(row: &'r Node, name: &str) -> &'r str {
    match row.get(name).map(|node| &node.value) {
        Some(Value::String(text) | Value::Number(text)) => text,
        Some(Value::Bool(true)) => "true",
        Some(Value::Bool(false)) => "false",
        _ => "",
    }
}

/// One row.
pub(in crate::format) fn line<'t>(
    cells: impl Iterator<Item = &'t str>,
    dialect: &Dialect,
    out: &mut Vec<u8>,
) {
    let from = out.len();
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(dialect.delimiter);
        }
        write_cell(cell, dialect, out);
    }
    if out.len() == from {
        // One empty cell must not become a blank line, which is no row.
        out.extend_from_slice(b"\"\"");
    }
    out.extend_from_slice(b"\r\n");
}

fn write_cell(cell: &str, dialect: &Dialect, out: &mut Vec<u8>) {
    let guard = dialect.formulas_guarded && needs_guard(cell);
    let special = |b: u8| matches!(b, b'"' | b'\r' | b'\n') || b == dialect.delimiter;
    if !cell.bytes().any(special) && !cell.starts_with('\u{FEFF}') {
        out.extend(guard.then_some(b'\''));
        out.extend_from_slice(cell.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend(guard.then_some(b'\''));
    for byte in cell.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
