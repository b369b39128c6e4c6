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
    match told(tables, |own| names.iter().any(|name| name == own)) {
        Told::One(table) => Some(table),
        Told::None | Told::Several => None,
    }
}

/// Whether a head that tells no kind of file is like one that does: a name is spelt otherwise, or
/// something else stands between the cells.
pub(super) fn resembles(tables: &[Table], head: &[u8]) -> bool {
    DELIMITERS.iter().any(|(delimiter, _)| {
        names(head, *delimiter).is_some_and(|names| {
            let like = |word: &str| names.iter().any(|name| alike(name, word));
            !matches!(told(tables, like), Told::None)
        })
    })
}

/// Why rows under this header cannot be read, when the cause can be told.
pub(super) fn trouble(tables: &[Table], head: &[u8], dialect: &Dialect) -> Option<Finding> {
    // A header that is no text, or none at all, is the parser's to tell.
    let own = names(head, dialect.delimiter)?;
    match told(tables, |word| own.iter().any(|name| name == word)) {
        Told::One(table) => return misspelt(table, &own),
        Told::Several => return Some(several()),
        Told::None => {}
    }
    let loosely = |names: &[String], word: &str| names.iter().any(|name| alike(name, word));
    match told(tables, |word| loosely(&own, word)) {
        Told::One(table) => return misspelt(table, &own),
        Told::Several => return Some(several()),
        Told::None => {}
    }
    let others = DELIMITERS.iter().filter(|(d, _)| *d != dialect.delimiter);
    for (other, called) in others {
        let names = names(head, *other)?;
        if !matches!(told(tables, |word| loosely(&names, word)), Told::None) {
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

/// A finding of the header as a whole.
pub(super) fn refused(said: String, fix: String) -> Finding {
    let mut finding = Finding::new(&HEADER_INVALID)
        .at("row 1")
        .saying(said)
        .fixed_by(fix);
    finding.line = Some(1);
    finding.column = Some(1);
    finding
}

/// Which kind of file a header tells.
enum Told<'a> {
    None,
    One(&'a Table),
    /// The columns that tell one kind beside those that tell another.
    Several,
}

/// The kind whose telling columns all stand in a header. Where those of several do, it is the one
/// that has those of the others among its own columns.
fn told(tables: &[Table], stands: impl Fn(&str) -> bool) -> Told<'_> {
    let all = |table: &&Table| {
        let telling = &table.telling;
        !telling.is_empty() && telling.iter().all(|name| stands(name))
    };
    let found: Vec<&Table> = tables.iter().filter(all).collect();
    let holds = |table: &Table, other: &Table| {
        let mut telling = other.telling.iter();
        telling.all(|name| table.header.iter().any(|own| own == name.as_str()))
    };
    let mut whole = found
        .iter()
        .filter(|table| found.iter().all(|other| holds(table, other)));
    match (whole.next(), whole.next(), found.is_empty()) {
        (Some(table), None, _) => Told::One(table),
        (_, _, true) => Told::None,
        _ => Told::Several,
    }
}

fn several() -> Finding {
    refused(
        "the columns tell more than one kind of file".to_owned(),
        "keep to the columns of one template, one file for each record type".to_owned(),
    )
}

/// The same but for case, and blanks or hyphens in place of underscores.
fn alike(name: &str, own: &str) -> bool {
    let letter = |c: char| match c {
        ' ' | '-' => '_',
        c => c.to_ascii_lowercase(),
    };
    name.trim().chars().map(letter).eq(own.chars().map(letter))
}

/// A cell without its quotes; a blank beside it is part of it.
fn unquoted(cell: &str) -> &str {
    let inside = cell.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    inside.unwrap_or(cell)
}

/// The names in the first line that says something; `None` when it is no text or empty.
fn names(head: &[u8], delimiter: u8) -> Option<Vec<String>> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
    // Blank lines before a header are nothing.
    let head = head.get(head.iter().position(|byte| !ends(byte))?..)?;
    let line = head.get(..head.iter().position(ends).unwrap_or(head.len()))?;
    let text = std::str::from_utf8(line).ok()?;
    if text.trim().is_empty() || text.contains(|c: char| c.is_control() && c != '\t') {
        return None;
    }
    let names = text.split(char::from(delimiter));
    Some(names.map(|name| unquoted(name).to_owned()).collect())
}
