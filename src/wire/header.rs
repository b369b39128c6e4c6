//! Which kind of file rows are, told by their header; and if it is none, why.
//!
//! Only names of our own templates are ever shown: what somebody wrote there may be a value.

use super::Table;
use crate::base::finding::Finding;
use crate::base::finding_codes::HEADER_INVALID;
use crate::format::delimited::Dialect;

/// What else cells are separated by, and what it is called.
const DELIMITERS: [(u8, &str); 4] = [
    (b',', "a comma"),
    (b';', "a semicolon"),
    (b'\t', "a tab"),
    (b'|', "a bar"),
];

/// The table whose telling columns all stand in the header.
pub(super) fn table_of_head<'a>(
    tables: &'a [Table],
    head: &[u8],
    dialect: &Dialect,
) -> Option<&'a Table> {
    let names = names(head, dialect.delimiter)?;
    told(tables, |own| names.iter().any(|name| name == own))
}

/// Why rows under this header cannot be read, when the cause can be told.
pub(super) fn trouble(tables: &[Table], head: &[u8], dialect: &Dialect) -> Option<Finding> {
    // A header that is no text, or none at all, is the parser's to tell.
    let own = names(head, dialect.delimiter)?;
    if let Some(table) = told(tables, |word| own.iter().any(|name| name == word)) {
        return misspelt(table, &own);
    }
    let loosely = |names: &[String], word: &str| names.iter().any(|name| alike(name, word));
    if let Some(table) = told(tables, |word| loosely(&own, word)) {
        return misspelt(table, &own);
    }
    let others = DELIMITERS.iter().filter(|(d, _)| *d != dialect.delimiter);
    for (other, called) in others {
        let names = names(head, *other)?;
        if told(tables, |word| loosely(&names, word)).is_some() {
            let known = DELIMITERS.iter().find(|(d, _)| *d == dialect.delimiter);
            let meant = known.map_or("the delimiter of the format", |(_, called)| *called);
            let said = format!("the cells are separated by {called}, where {meant} belongs");
            return Some(refused(
                said,
                format!("save the file with {meant} between the cells"),
            ));
        }
    }
    let mut telling = tables.iter().flat_map(|table| &table.telling).peekable();
    telling.peek()?;
    let known: Vec<String> = telling.map(|name| format!("`{name}`")).collect();
    let said = "no column tells which record type the rows are".to_owned();
    let fix = format!(
        "start with the header of the template; one of these tells: {}",
        known.join(", ")
    );
    Some(refused(said, fix))
}

/// A column of the template that is written otherwise.
fn misspelt(table: &Table, names: &[String]) -> Option<Finding> {
    let missing = table
        .header
        .iter()
        .filter(|own| !names.iter().any(|name| name == own.as_str()));
    let (meant, at) = missing
        .filter_map(|own| Some((own, names.iter().position(|name| alike(name, own))?)))
        .find(|(_, at)| {
            let name = names.get(*at).map(String::as_str);
            !table.header.iter().any(|own| Some(own.as_str()) == name)
        })?;
    let said = format!("column {} is not written as in the template", at + 1);
    Some(refused(
        said,
        format!("write it `{meant}`, and the others as in the template too"),
    ))
}

fn refused(said: String, fix: String) -> Finding {
    let mut finding = Finding::new(&HEADER_INVALID)
        .at("row 1")
        .saying(said)
        .fixed_by(fix);
    finding.line = Some(1);
    finding.column = Some(1);
    finding
}

fn told(tables: &[Table], stands: impl Fn(&str) -> bool) -> Option<&Table> {
    tables.iter().find(|table| {
        let telling = &table.telling;
        !telling.is_empty() && telling.iter().all(|name| stands(name))
    })
}

/// The same but for case, and blanks or hyphens in place of underscores.
fn alike(name: &str, own: &str) -> bool {
    let letter = |c: char| match c {
        ' ' | '-' => '_',
        c => c.to_ascii_lowercase(),
    };
    name.chars().map(letter).eq(own.chars().map(letter))
}

/// The names in the first line; `None` when it is no text or empty.
fn names(head: &[u8], delimiter: u8) -> Option<Vec<String>> {
    let end = head.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let line = head.get(..end.unwrap_or(head.len()))?;
    let text = std::str::from_utf8(line)
        .ok()?
        .trim_start_matches('\u{feff}');
    if text.trim().is_empty() || text.contains(|c: char| c.is_control() && c != '\t') {
        return None;
    }
    let names = text.split(char::from(delimiter));
    Some(
        names
            .map(|name| name.trim().trim_matches('"').trim().to_owned())
            .collect(),
    )
}
