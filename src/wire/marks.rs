//! Columns that say who may see a row, so that none is lost to a slip of the pen or an empty cell.
//!
//! A column nobody reads is told and dropped; where it was meant to be a mark, its rows would look
//! open. So a name that is almost a mark refuses the file. It must never take such a column for the
//! mark it resembles, and never show what somebody wrote there.

use super::Table;
use super::header::refused;
use crate::base::Text;
use crate::base::finding::Finding;
use crate::base::finding_codes::MARK_EMPTY;
use crate::base::nearest::{letters, within};
use crate::format::delimited::Header;
use crate::format::{Names, Node};

/// One such column.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub name: Text,
    /// No row of a file that has it may leave it empty.
    pub filled: bool,
    /// What may stand in it; nothing where any text may.
    pub words: Vec<Text>,
}

/// All such columns of a format.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub columns: Vec<Mark>,
    /// Words in the name of a column nobody reads, by which it may say who may see a row.
    pub words: Vec<Text>,
}

/// What is told of columns that are no column of these rows and almost a mark, or one that rows of
/// another kind have.
pub(super) fn mistaken(
    marks: &Marks,
    names: &Names,
    (tables, header): (&[Table], &Header),
) -> Vec<Finding> {
    let written = header.written();
    let told = |table: &&Table| {
        let mut telling = table.telling.iter();
        telling.all(|name| written.iter().any(|own| own == name.as_str()))
    };
    let own: Vec<&Text> = tables
        .iter()
        .filter(told)
        .flat_map(|it| &it.header)
        .collect();
    let strange = written.iter().enumerate();
    let strange = strange.filter(|(_, name)| !own.contains(name) && !names.meant(name));
    let told = strange.filter_map(|(at, name)| {
        let column = at.saturating_add(1);
        match meant(&marks.columns, name) {
            Some(meant) => Some(told_of(column, name, meant)),
            None => {
                let mut words = marks.words.iter();
                let word = words.find(|word| letters(name).contains(&letters(word)))?;
                Some(speaking(column, word))
            }
        }
    });
    told.collect()
}

/// A name that is like no mark, and holds a word that marks are made of.
fn speaking(column: usize, word: &str) -> Finding {
    let said = format!("the name of column {column} has `{word}` in it, and no row reads it");
    let fix = "if it says who may see a row, say it in the columns that do, and take it out; else \
               give it another name";
    refused(said, fix.to_owned()).at(format!("row 1, column {column}"))
}

fn told_of(column: usize, name: &str, meant: &Text) -> Finding {
    let says = "which says who may see a row";
    let (said, fix) = if name == meant {
        (
            format!(
                "column {column} is `{meant}`, {says}, and rows of this kind have no place for it"
            ),
            "take it out of this file, and hold back rows it restricts".to_owned(),
        )
    } else {
        (
            format!("column {column} is almost called `{meant}`, {says}"),
            format!(
                "call it `{meant}` if it is that, once and with the strictest word; else take it \
                 out or give it another name"
            ),
        )
    };
    refused(said, fix).at(format!("row 1, column {column}"))
}

/// The mark a name is meant to be: the same letters and digits, alone or within it, or a slip away.
fn meant<'a>(marks: &'a [Mark], name: &str) -> Option<&'a Text> {
    let names = marks.iter().map(|mark| mark.name.as_str());
    let meant = within(name, names)?;
    let found = marks.iter().find(|mark| mark.name == meant);
    found.map(|mark| &mark.name)
}

/// What is told of the rows that leave a mark of their file empty.
pub(super) fn unmarked(
    marks: &Marks,
    header: &Header,
    (rows, first_row): (&[Node], u32),
) -> Vec<Finding> {
    let stands = |mark: &&Mark| mark.filled && header.written().contains(&mark.name);
    let marks: Vec<&Mark> = marks.columns.iter().filter(stands).collect();
    let mut out = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let number = first_row.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
        for mark in marks.iter().filter(|mark| row.get(&mark.name).is_none()) {
            let place = format!("row {number}, column {}", mark.name);
            let told = Finding::new(&MARK_EMPTY).at(place).spanning(row.span);
            out.push(match mark.words.is_empty() {
                true => told,
                false => told.fixed_by(format!("write one of: {}", mark.words.join(", "))),
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    //! Goal: a mark is known by every spelling somebody may give it, and another column is not
    //! taken for one. Method: names, and the mark each is told as.
    use super::*;

    #[test]
    fn what_is_almost_a_mark_is_known_as_it() {
        let mark = |name: &str| Mark {
            name: name.into(),
            filled: true,
            words: Vec::new(),
        };
        let marks = [mark("SECRET_IND"), mark("access_level")];
        for (name, wanted) in [
            ("secret_ind", Some("SECRET_IND")),
            ("SECRET IND ", Some("SECRET_IND")),
            ("secret.ind\u{a0}", Some("SECRET_IND")),
            ("SECRETIND", Some("SECRET_IND")),
            ("CLIENT.SECRET_IND", Some("SECRET_IND")),
            ("SECRET_IND_1", Some("SECRET_IND")),
            ("SECRT_IND", Some("SECRET_IND")),
            ("SECRET_INDC", Some("SECRET_IND")),
            ("Access Level", Some("access_level")),
            ("acces_levl", Some("access_level")),
            ("SECTION", None),
            ("level", None),
            ("access", None),
            ("", None),
        ] {
            assert_eq!(meant(&marks, name).map(Text::as_str), wanted, "{name}");
        }
    }
}
