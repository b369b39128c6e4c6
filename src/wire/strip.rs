//! Columns that are taken out at the door: what a sender's table holds and this gateway must not.
//!
//! It happens as soon as bytes are cells, before any schema, mapping or rule looks at them, so that
//! nothing behind it can keep or repeat what stood there. The sender is told the names of columns,
//! as our own file spells them, and never what was in them.

use crate::base::Text;
use crate::base::finding::Finding;
use crate::base::finding_codes::{COLUMN_LIKE_STRIPPED, COLUMN_STRIPPED};
use crate::base::nearest::nearest;
use crate::format::Parsed;
use crate::format::delimited::Header;
use crate::format::tree::{Node, Value};

/// Columns taken out for one reason.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    /// As the tree calls them.
    pub columns: Vec<Text>,
    /// Why, as the sender is told.
    pub reason: Text,
}

/// Takes them out of the rows of one unit; one finding for each reason.
pub(super) fn take_out(strips: &[Strip], first_row: u32, parsed: &mut Parsed) {
    if strips.is_empty() {
        return;
    }
    let Some(rows) = parsed.tree.as_mut().and_then(Node::items_mut) else {
        return;
    };
    for strip in strips {
        let mut gone: Vec<Text> = Vec::new();
        let mut place = None;
        for (at, row) in rows.iter_mut().enumerate() {
            let Value::Object(members) = &mut row.value else {
                continue;
            };
            members.retain(|(name, cell)| {
                let taken = strip.columns.contains(name);
                if taken {
                    place.get_or_insert((at, cell.span));
                    if !gone.contains(name) {
                        gone.push(name.clone());
                    }
                }
                !taken
            });
        }
        if let Some((at, span)) = place {
            let offset = u32::try_from(at).unwrap_or(u32::MAX);
            let row = first_row.saturating_add(offset);
            let said = format!(
                "taken out at the door: {} ({})",
                gone.join(", "),
                strip.reason
            );
            let told = Finding::new(&COLUMN_STRIPPED).at(format!("row {row}"));
            parsed.findings.push(told.saying(said).spanning(span));
        }
    }
}

/// Tells columns of one unit that nobody reads and whose names look like one that is taken out:
/// what stands in them may be the same. Once for each.
pub(super) fn resembling(
    strips: &[Strip],
    (header, first_row): (&Header, u32),
    parsed: &mut Parsed,
) {
    if strips.is_empty() {
        return;
    }
    let rows = parsed.tree.as_ref().map(Node::items).unwrap_or_default();
    let mut seen: Vec<&Text> = Vec::new();
    let mut told = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        for (name, cell) in row.members() {
            // What is not read is called by its place in the header, from one.
            let place = name
                .strip_prefix('?')
                .and_then(|it| it.parse::<usize>().ok());
            let Some(place) = place.filter(|_| !seen.contains(&name)) else {
                continue;
            };
            seen.push(name);
            let written = place.checked_sub(1).and_then(|at| header.written().get(at));
            let Some((own, reason)) = written.and_then(|it| looks_like(strips, it)) else {
                continue;
            };
            let row = first_row.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            let said = format!(
                "the column is not read and was dropped; it looks like `{own}`, which is taken out \
                 at the door: {reason}"
            );
            let finding = Finding::new(&COLUMN_LIKE_STRIPPED).saying(said);
            let finding = finding.at(format!("row {row}, column {name}"));
            told.push(finding.spanning(cell.span));
        }
    }
    parsed.findings.extend(told);
}

/// The column taken out that a name looks like, and why it is.
fn looks_like<'a>(strips: &'a [Strip], name: &str) -> Option<(&'a Text, &'a Text)> {
    let of = |strip: &'a Strip| strip.columns.iter().map(|own| (own, &strip.reason));
    strips.iter().flat_map(of).find(|(own, _)| alike(own, name))
}

/// Fewest letters of which a name is told by its beginning or within another.
const TELLING: usize = 4;

/// Whether a name is a slip away from one of ours, holds it, or is abbreviated like it.
fn alike(own: &str, name: &str) -> bool {
    let (start, begins) = match own.strip_suffix('*') {
        Some(start) => (start, true),
        None => (own, false),
    };
    let (own, name) = (folded(start), folded(name));
    if own.len() > TELLING && name.contains(&own) || nearest(&name, [own.as_str()]).is_some() {
        return true;
    }
    let (own, name) = (consonants(&own), consonants(&name));
    let letters = own.chars().count();
    if letters < TELLING {
        return false;
    }
    let near = |name: &str| nearest(name, [own.as_str()]).is_some();
    let cut = |count: usize| name.chars().take(count).collect::<String>();
    match begins {
        true => [letters, letters.saturating_add(1)]
            .iter()
            .any(|count| near(&cut(*count))),
        false => letters > TELLING && near(&name),
    }
}

/// Without case, blanks and punctuation.
fn folded(name: &str) -> String {
    let said = name.chars().filter(|one| one.is_alphanumeric());
    said.flat_map(char::to_lowercase).collect()
}

/// As names of columns are abbreviated: without vowels.
fn consonants(name: &str) -> String {
    name.chars().filter(|one| !"aeiou".contains(*one)).collect()
}

#[cfg(test)]
mod tests {
    //! Goal: a column that may hold what is taken out is known by its name, abbreviated or not.
    //! Method: names somebody may give one, and others.
    use super::*;

    #[test]
    fn a_name_like_one_that_is_taken_out_is_known() {
        for (own, name, like) in [
            ("RPTR_*", "REPORTER_NAME", true),
            ("RPTR_*", "Reporter last name", true),
            ("RPTR_LSTNM", "RPRTR_LSTNM", true),
            ("RPTR_LSTNM", "CLIENT_RPTR_LSTNM", true),
            ("RPTR_LSTNM", "REPORTER_LAST_NM", true),
            ("SS_NO", "SSNO", true),
            ("COMMNT_DSC", "COMMENT_DESC", true),
            ("RPTR_*", "WORKER_IND", false),
            ("RPTR_LSTNM", "LAST_NM", false),
            ("SS_NO", "CASE_NO", false),
            ("COMMNT_DSC", "COLOR", false),
        ] {
            assert_eq!(alike(own, name), like, "{own} {name}");
        }
    }
}
