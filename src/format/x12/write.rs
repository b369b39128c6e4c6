//! A tree to the bytes of one interchange, and what keeps it from being written.
//!
//! Elements of the head are filled to their widths. Counts, and the control numbers the tree does
//! not give, are worked out here from what is written: the same tree gives the same bytes.

use super::delimiters::{COMPONENT, REPETITION, WIDTHS};
use super::segments::HEAD;
use super::{Delimiters, InterchangeProfile};
use crate::base::Text;
use crate::base::digest::Digest;
use crate::base::finding::Finding;
use crate::base::finding_codes::{CHARACTER_NOT_WRITABLE, SCHEMA_VALUE_OUT_OF_RANGE};
use crate::format::hl7v2::{PlaceStep, is_segment, place};
use crate::format::numbered::{in_order, items, numbered};
use crate::format::tree::{Node, Value};
use crate::format::xml::Layout;

/// The segments that head and end a group and a set, and the one that ends an interchange.
const GROUP: &[u8] = b"GS";
const SET: &[u8] = b"ST";
const ENDS: [&str; 3] = ["SE", "GE", "IEA"];
/// Where control numbers stand in the heads of an interchange, a group and a set.
const CONTROL: [(&[u8], usize); 3] = [(HEAD, 13), (GROUP, 6), (SET, 2)];
/// Control numbers have nine digits; none is zero.
const CONTROL_MAX: u64 = 999_999_999;
/// The number of the only set of an interchange.
const ONLY_SET: &str = "0001";
/// Highest number a part is written at: more is no element of any segment.
const NUMBER_MAX: usize = 99;

/// Everything in a tree that this syntax cannot say; places, never values.
pub fn refused(tree: &Node) -> Vec<Finding> {
    let mut found = Vec::new();
    look(tree, &mut Vec::new(), &mut found);
    found
}

/// Writes the interchange of a document; nothing at all where something in it is [`refused`].
pub fn write(tree: &Node, profile: &InterchangeProfile, out: &mut Vec<u8>) {
    let Some((name, document)) = tree.members().first() else {
        return;
    };
    if !refused(tree).is_empty() {
        return;
    }
    let plain = Layout::default();
    let layout = profile.structures.get(name).unwrap_or(&plain);
    let mut lines = Vec::new();
    gather(document, layout, &mut lines);
    let numbers = Numbers::of(&lines);
    for line in &mut lines {
        line.number(&numbers);
    }
    let delimiters = Delimiters::default();
    // Head and group head are outside the set, whose own two ends count.
    let outside = |line: &&Line| line.id == HEAD || line.id == GROUP;
    let inside = lines.len() - lines.iter().filter(outside).count();
    for line in &lines {
        line.write(&delimiters, out);
    }
    let [set, group, interchange] = ENDS;
    let ends = [
        (set, (inside + 1).to_string(), &numbers.set),
        (group, String::from("1"), &numbers.group),
        (interchange, String::from("1"), &numbers.interchange),
    ];
    for (id, count, control) in ends {
        out.extend_from_slice(id.as_bytes());
        for element in [count.as_str(), control.as_str()] {
            out.push(delimiters.element);
            out.extend_from_slice(element.as_bytes());
        }
        out.push(delimiters.segment);
    }
}

/// One segment, its elements as they are written.
struct Line {
    id: Vec<u8>,
    elements: Vec<Vec<u8>>,
}

/// Control numbers of an interchange, its group and its set.
struct Numbers {
    interchange: String,
    group: String,
    set: String,
}

impl Numbers {
    /// Those the tree gives, and for the others a number that follows from all that is written: it
    /// tells nothing and comes again only for the same.
    fn of(lines: &[Line]) -> Numbers {
        let mut parts: Vec<&[u8]> = Vec::new();
        for line in lines {
            parts.push(&line.id);
            parts.extend(line.elements.iter().map(Vec::as_slice));
        }
        let half = Digest::of_parts(&parts).half();
        let first = half.iter().take(8);
        let wide = first.fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let derived = wide % CONTROL_MAX + 1;
        let given = |(id, at): (&[u8], usize)| {
            let line = lines.iter().find(|line| line.id == id)?;
            let text = line.elements.get(at.checked_sub(1)?)?;
            let text = String::from_utf8_lossy(text).into_owned();
            (!text.is_empty()).then_some(text)
        };
        let [interchange, group, set] = CONTROL;
        Numbers {
            interchange: given(interchange).unwrap_or_else(|| format!("{derived:09}")),
            group: given(group).unwrap_or_else(|| derived.to_string()),
            set: given(set).unwrap_or_else(|| ONLY_SET.to_owned()),
        }
    }
}

impl Line {
    /// Puts the control number into a head, and what else a head must have.
    fn number(&mut self, numbers: &Numbers) {
        let all = [&numbers.interchange, &numbers.group, &numbers.set];
        for ((id, at), number) in CONTROL.into_iter().zip(all) {
            if self.id == id {
                self.set(at, number.as_bytes());
            }
        }
        if self.id != HEAD {
            return;
        }
        let delimiters = Delimiters::default();
        self.set(REPETITION, &[delimiters.repetition.unwrap_or(b'U')]);
        self.set(COMPONENT, &[delimiters.component]);
        for (element, width) in self.elements.iter_mut().zip(WIDTHS) {
            element.resize(width.max(element.len()), b' ');
        }
    }

    fn set(&mut self, number: usize, text: &[u8]) {
        if self.elements.len() < number {
            self.elements.resize(number, Vec::new());
        }
        if let Some(slot) = self.elements.get_mut(number.saturating_sub(1)) {
            slot.clear();
            slot.extend_from_slice(text);
        }
    }

    fn write(&self, delimiters: &Delimiters, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id);
        // Empty elements at the end are left out.
        let filled = self.elements.iter().rposition(|it| !it.is_empty());
        for element in self.elements.iter().take(filled.map_or(0, |at| at + 1)) {
            out.push(delimiters.element);
            out.extend_from_slice(element);
        }
        out.push(delimiters.segment);
    }
}

/// The segments of a group in the order of its schema. One without anything in it is none.
fn gather(group: &Node, layout: &Layout, lines: &mut Vec<Line>) {
    let plain = Layout::default();
    for (name, item, inner) in in_order(group, layout) {
        if !is_segment(name.as_bytes()) {
            gather(item, inner.unwrap_or(&plain), lines);
        } else if !item.is_empty_container() {
            lines.push(line(name, item));
        }
    }
}

fn line(id: &Text, segment: &Node) -> Line {
    let delimiters = Delimiters::default();
    let mut line = Line {
        id: id.as_bytes().to_vec(),
        elements: Vec::new(),
    };
    for (number, node) in numbered(segment, NUMBER_MAX) {
        let mut text = Vec::new();
        for (at, item) in items(node).iter().enumerate() {
            if at > 0 {
                text.extend(delimiters.repetition);
            }
            components(item, &delimiters, &mut text);
        }
        line.set(number, &text);
    }
    line
}

fn components(element: &Node, delimiters: &Delimiters, out: &mut Vec<u8>) {
    if let Some(text) = element.lexeme() {
        out.extend_from_slice(text.as_bytes());
    }
    let mut at = 1;
    for (number, node) in numbered(element, NUMBER_MAX) {
        let Some(text) = node.lexeme().filter(|text| !text.is_empty()) else {
            continue;
        };
        out.extend(std::iter::repeat_n(
            delimiters.component,
            number.saturating_sub(at),
        ));
        out.extend_from_slice(text.as_bytes());
        at = number;
    }
}

/// Looks for texts that cannot be written, on the way down.
fn look<'n>(node: &'n Node, steps: &mut Vec<PlaceStep<'n>>, found: &mut Vec<Finding>) {
    match &node.value {
        Value::Object(members) => {
            for (name, member) in members {
                steps.push(PlaceStep::Name(name));
                look(member, steps, found);
                steps.pop();
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                steps.push(PlaceStep::Item(at));
                look(item, steps, found);
                steps.pop();
            }
        }
        Value::String(text) | Value::Number(text) => {
            let delimiters = Delimiters::default();
            let printed = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
            let said = |byte: u8| printed(byte) && !delimiters.separates(byte);
            let entry = if !text.bytes().all(said) {
                &CHARACTER_NOT_WRITABLE
            } else if is_too_wide(steps, text) {
                &SCHEMA_VALUE_OUT_OF_RANGE
            } else {
                return;
            };
            found.push(Finding::new(entry).at(place(steps.iter().copied())));
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether an element of the head does not fit its place, by whose width its signs are found.
fn is_too_wide(steps: &[PlaceStep<'_>], text: &str) -> bool {
    let [.., PlaceStep::Name(segment), PlaceStep::Name(number)] = steps else {
        return false;
    };
    let number = number.parse::<usize>().ok();
    let width = number.and_then(|number| WIDTHS.get(number.checked_sub(1)?));
    segment.as_bytes() == HEAD && width.is_some_and(|width| text.len() > *width)
}
