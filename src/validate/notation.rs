//! How a sender names a place in its own file.
//!
//! Names in paths are the sender's member names, never values.

use crate::base::Text;
use crate::format::hl7v2::{self, PlaceStep};

/// One step from the top of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// To a member.
    Name(&'a str),
    /// To an item, from 0.
    Item(usize),
}

/// A way of writing places.
pub trait Notation {
    /// The place those steps lead to.
    fn path(&self, steps: &[Step<'_>]) -> String;
}

/// The notations senders know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderNotation {
    /// RFC 6901: `/entry/0/resource/status`.
    Pointer,
    /// Dotted from the name of the resource: `Bundle.entry[0].resource.status`.
    Dotted(Text),
    /// Elements from the document element, counted from 1: `kb:Exchange/nc:Person[2]/@id`.
    Xml(Text),
    /// `row 3, column dob`: rows as a spreadsheet counts. The row is that of the first item, or
    /// of the row itself where one row is looked at.
    Rows(u32),
    /// Segment, field, repetition and component, counted from 1: `PID-5[2].1`.
    Segments,
}

impl Notation for SenderNotation {
    fn path(&self, steps: &[Step<'_>]) -> String {
        match self {
            SenderNotation::Pointer => pointer(steps),
            SenderNotation::Dotted(root) => dotted(root, steps),
            SenderNotation::Xml(root) => elements(root, steps),
            SenderNotation::Rows(first) => cell(*first, steps),
            SenderNotation::Segments => segments(steps),
        }
    }
}

impl SenderNotation {
    /// The place a JSON pointer names, as a parser tells it: numbers are items.
    pub fn of_pointer(&self, pointer: &str) -> String {
        let tokens: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect();
        let steps: Vec<Step<'_>> = tokens
            .iter()
            .map(|token| match token.parse() {
                Ok(at) => Step::Item(at),
                Err(_) => Step::Name(token),
            })
            .collect();
        self.path(&steps)
    }
}

fn pointer(steps: &[Step<'_>]) -> String {
    let mut path = String::new();
    for step in steps {
        path.push('/');
        match step {
            Step::Name(name) => path.push_str(&name.replace('~', "~0").replace('/', "~1")),
            Step::Item(at) => path.push_str(&at.to_string()),
        }
    }
    path
}

fn dotted(root: &str, steps: &[Step<'_>]) -> String {
    let mut path = String::from(root);
    for step in steps {
        match step {
            Step::Name(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Step::Item(at) => path.push_str(&format!("[{at}]")),
        }
    }
    path
}

fn elements(root: &str, steps: &[Step<'_>]) -> String {
    let mut path = String::from(root);
    for step in steps {
        match step {
            // The text of an element is told by the element.
            Step::Name("$") => {}
            Step::Name(name) => {
                path.push('/');
                path.push_str(name);
            }
            Step::Item(at) => path.push_str(&format!("[{}]", at.saturating_add(1))),
        }
    }
    path
}

fn segments(steps: &[Step<'_>]) -> String {
    hl7v2::place(steps.iter().map(|step| match step {
        Step::Name(name) => PlaceStep::Name(name),
        Step::Item(at) => PlaceStep::Item(*at),
    }))
}

fn cell(first: u32, steps: &[Step<'_>]) -> String {
    let mut row = first;
    let mut column = "";
    for step in steps {
        match step {
            Step::Item(at) => row = first.saturating_add(u32::try_from(*at).unwrap_or(u32::MAX)),
            Step::Name(name) => column = name,
        }
    }
    if column.is_empty() {
        format!("row {row}")
    } else {
        format!("row {row}, column {column}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: one place reads as each sender writes it. Method: the same steps in all notations.
    #[test]
    fn one_place_in_every_notation() {
        let steps = [Step::Name("a/b"), Step::Item(1), Step::Name("@c")];
        assert_eq!(SenderNotation::Pointer.path(&steps), "/a~1b/1/@c");
        let bundle = SenderNotation::Dotted("Bundle".into());
        assert_eq!(bundle.of_pointer("/a~1b/1/@c"), "Bundle.a/b[1].@c");
        assert_eq!(bundle.of_pointer(""), "Bundle");
        assert_eq!(
            SenderNotation::Dotted("Bundle".into()).path(&steps),
            "Bundle.a/b[1].@c"
        );
        let text = [Step::Name("nc:Person"), Step::Item(1), Step::Name("$")];
        assert_eq!(
            SenderNotation::Xml("kb:X".into()).path(&text),
            "kb:X/nc:Person[2]"
        );
        let cell = [Step::Item(1), Step::Name("dob")];
        assert_eq!(SenderNotation::Rows(2).path(&cell), "row 3, column dob");
        assert_eq!(
            SenderNotation::Rows(7).path(&cell[1..]),
            "row 7, column dob"
        );
        assert_eq!(SenderNotation::Rows(7).path(&[]), "row 7");
        let part = [
            Step::Name("ORU_R01"),
            Step::Name("ORDER_OBSERVATION"),
            Step::Item(1),
            Step::Name("OBX"),
            Step::Item(0),
            Step::Name("5"),
            Step::Item(2),
            Step::Name("1"),
        ];
        let notation = SenderNotation::Segments;
        assert_eq!(notation.path(&part), "ORDER_OBSERVATION[2].OBX[1]-5[3].1");
        assert_eq!(notation.path(&part[..1]), "");
    }
}
