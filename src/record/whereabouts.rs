//! Whereabouts: what a record says of where people live that must not get out, and what any record
//! says that equals it.
//!
//! An address the person asked to be kept, a shelter, an actual or a substitute address under Safe
//! at Home (GOV 6205-6210) each say that the person's whereabouts are protected. Lines are compared
//! bare: in upper case, without punctuation and spaces, ways and units abbreviated, wide forms as
//! the plain ones; and besides by their doors, house number and first word of the street, so that
//! a suffix, a unit or a town more or less makes no other place of it. Too much is kept back so,
//! never too little. Nothing here keeps or logs a line.

use super::Record;
use crate::base::id::PersonId;
use crate::base::spelling::narrow;
use crate::base::vocabulary::ClassSet;
use crate::format::{Node, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The address kinds that never leave.
const PROTECTED_KINDS: [&str; 3] = ["confidential", "shelter", "safe_at_home_actual"];
/// The kind that may be given out in their place.
const SUBSTITUTE_KIND: &str = "safe_at_home_substitute";

/// Bytes of a street line at most (the canonical schema's limit); a longer text is none.
const LINE_BYTES_MAX: usize = 240;
/// A bare line shorter than this names no place.
const LINE_CHARS_MIN: usize = 5;
/// Characters that take no room.
const UNSEEN: [char; 6] = [
    '\u{AD}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{FEFF}',
];
/// Directions before the name of a street, written or left out at will.
const DIRECTIONS: [&str; 16] = [
    "N",
    "S",
    "E",
    "W",
    "NE",
    "NW",
    "SE",
    "SW",
    "NORTH",
    "SOUTH",
    "EAST",
    "WEST",
    "NORTHEAST",
    "NORTHWEST",
    "SOUTHEAST",
    "SOUTHWEST",
];
/// What announces the number of a part of a house, or of a box.
const UNITS: [&str; 16] = [
    "APARTMENT",
    "APT",
    "UNIT",
    "SUITE",
    "STE",
    "BUILDING",
    "BLDG",
    "FLOOR",
    "FL",
    "ROOM",
    "RM",
    "LOT",
    "SPACE",
    "SPC",
    "TRAILER",
    "BOX",
];
/// A bare second line shorter than this is a unit of the house, not a place.
const SECOND_LINE_CHARS_MIN: usize = 8;

/// What a record says of one person's whereabouts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// It has an address of the person that never leaves, or the one that stands for it.
    pub protected: bool,
    /// The households the person belongs to, as the sender names them.
    pub households: Vec<String>,
}

/// What all records together say of whereabouts; of some persons and lines that were asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protections {
    /// Persons of whom a record that stands states a protected address.
    pub persons: BTreeSet<PersonId>,
    /// Persons who belong to a household of such a person.
    pub in_household: BTreeSet<PersonId>,
    /// Bare lines, of those asked about, of protected addresses.
    pub lines: BTreeSet<String>,
}

impl Protections {
    /// What of it bears on a record, whose persons are given by key.
    pub fn of(&self, record: &Record, persons: &[(String, PersonId)]) -> Known {
        if self.is_empty() {
            return Known::default();
        }
        let mut known = Known {
            lines: self.lines.clone(),
            ..Known::default()
        };
        for (at, entry) in record.persons().iter().enumerate() {
            let Ok(at) = u16::try_from(at) else {
                continue;
            };
            let key = entry.text("key");
            let found = persons.iter().find(|(own, _)| Some(own.as_str()) == key);
            let is_in = |set: &BTreeSet<PersonId>| found.is_some_and(|(_, id)| set.contains(id));
            if is_in(&self.persons) {
                known.protected.insert(at);
            }
            if is_in(&self.in_household) {
                known.in_household.insert(at);
            }
        }
        known
    }

    /// Whether nothing is protected.
    pub fn is_empty(&self) -> bool {
        *self == Protections::default()
    }
}

/// What is known of a record's persons beyond the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Persons, by index into `persons[]`, of whom some record states a protected address.
    pub protected: BTreeSet<u16>,
    /// Persons of whose household that holds.
    pub in_household: BTreeSet<u16>,
    /// Bare lines of protected addresses, whosever they are.
    pub lines: BTreeSet<String>,
    /// What an entry of `persons[]` tells of the record's subjects by whom it works for.
    pub told: BTreeMap<u16, ClassSet>,
}

impl Known {
    /// Whether nothing is known of whereabouts.
    pub fn is_empty(&self) -> bool {
        self.protected.is_empty() && self.in_household.is_empty() && self.lines.is_empty()
    }
}

/// The addresses of a person.
pub(super) fn addresses(person: &Node) -> &[Node] {
    person.get("addresses").map(Node::items).unwrap_or_default()
}

/// Whether an address stands for the protected one and may go.
pub(super) fn is_substitute(address: &Node) -> bool {
    address.text("kind") == Some(SUBSTITUTE_KIND)
}

fn never_leaves(address: &Node) -> bool {
    let kind = address.text("kind").unwrap_or_default();
    PROTECTED_KINDS.contains(&kind)
}

/// What a person's entry says.
pub fn stated(person: &Node) -> Stated {
    let all = addresses(person);
    let households: BTreeSet<&str> = all.iter().filter_map(|a| a.text("household_ref")).collect();
    Stated {
        protected: all.iter().any(|a| never_leaves(a) || is_substitute(a)),
        households: households.into_iter().map(str::to_owned).collect(),
    }
}

/// Bare lines of all addresses of the record that never leave.
pub fn protected_lines(record: &Record) -> BTreeSet<String> {
    let all = record.persons().iter().flat_map(addresses);
    all.filter(|address| never_leaves(address))
        .flat_map(address_lines)
        .collect()
}

/// Every bare text of the record that may be the line of an address: what has to be asked whether
/// it is that of a protected one.
pub fn lines(record: &Record) -> BTreeSet<String> {
    let all = record.persons().iter().flat_map(addresses);
    let whole = all.filter(|address| !is_substitute(address));
    let mut out: BTreeSet<String> = whole.flat_map(address_lines).collect();
    texts(&record.root, &mut 0, &mut |text, _| {
        out.extend(free_lines(text))
    });
    out
}

/// The bare lines and doors an address can be recognised by.
pub(super) fn address_lines(address: &Node) -> impl Iterator<Item = String> {
    let (line, second) = (address.text("line"), address.text("line_2"));
    let both = line
        .zip(second)
        .map(|(line, second)| format!("{line} {second}"));
    let whole = both.as_deref().or(line).or(second);
    let doors = whole.map(doors).unwrap_or_default();
    let second = second.and_then(bare);
    let second = second.filter(|text| text.chars().count() >= SECOND_LINE_CHARS_MIN);
    let of_first = line.and_then(bare).into_iter();
    let bare_lines = of_first.chain(both.as_deref().and_then(bare)).chain(second);
    bare_lines.chain(doors)
}

/// A text anywhere in a record, bare and as doors, if it can be the line of an address at all: most
/// are one word, and no line is.
pub(super) fn free_lines(text: &str) -> impl Iterator<Item = String> {
    let text = Some(text).filter(|text| text.trim().contains(char::is_whitespace));
    let doors = text.map(doors).unwrap_or_default();
    text.and_then(bare).into_iter().chain(doors)
}

/// Calls `visit` with every text and the number of its leaf, in document order.
pub(super) fn texts<'a>(node: &'a Node, at: &mut usize, visit: &mut dyn FnMut(&'a str, usize)) {
    match &node.value {
        Value::Object(members) if !members.is_empty() => {
            for (_, child) in members {
                texts(child, at, visit);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for child in items {
                texts(child, at, visit);
            }
        }
        _ => {
            if let Some(text) = node.as_str() {
                visit(text, *at);
            }
            *at += 1;
        }
    }
}

/// A line as it is compared; `None` for what names no place.
fn bare(line: &str) -> Option<String> {
    if line.len() > LINE_BYTES_MAX {
        return None;
    }
    let upper = plain(line);
    let mut out = String::with_capacity(upper.len());
    let (mut count, mut digits) = (0, false);
    for word in words(&upper) {
        count += 1;
        digits |= word.contains(|c: char| c.is_ascii_digit());
        out.push_str(short(word));
    }
    // One word without a number is no place but "unknown" or the like.
    (out.chars().count() >= LINE_CHARS_MIN && (digits || count > 1)).then_some(out)
}

/// In upper case, the wide forms of ASCII as ASCII, without what takes no room.
fn plain(line: &str) -> String {
    let shown = line.chars().filter(|c| !UNSEEN.contains(c));
    shown.map(narrow).collect::<String>().to_uppercase()
}

fn words(upper: &str) -> impl Iterator<Item = &str> {
    let words = upper.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty())
}

/// House numbers of a line with the first word of the street after each, directions left out. The
/// number of a unit is none unless there is no other. The space between the two keeps a door from
/// equalling a bare line.
fn doors(line: &str) -> Vec<String> {
    if bare(line).is_none() {
        return Vec::new();
    }
    let upper = plain(line);
    let words: Vec<&str> = words(&upper).collect();
    let (mut houses, mut units) = (Vec::new(), Vec::new());
    for (at, word) in words.iter().enumerate() {
        let Some(number) = house_number(word) else {
            continue;
        };
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let unit = before.is_some_and(|word| UNITS.contains(word));
        let list = if unit { &mut units } else { &mut houses };
        let streets = words.iter().skip(at + 1).filter(|word| names_street(word));
        for street in streets {
            list.push(format!("{number} {}", short(street)));
            // A letter may belong to the number, or be the street.
            if street.chars().nth(1).is_some() {
                break;
            }
        }
    }
    if houses.is_empty() { units } else { houses }
}

/// The number a word begins with, if it can be that of a house: "77A" is 77, "5TH" a street.
fn house_number(word: &str) -> Option<&str> {
    let end = word.find(|c: char| !c.is_ascii_digit());
    let (number, rest) = word.split_at(end.unwrap_or(word.len()));
    let ordinal = ["ST", "ND", "RD", "TH"].contains(&rest);
    (!number.is_empty() && !ordinal).then(|| number.trim_start_matches('0'))
}

/// Whether a word after the number begins the name of the street: not another number, a direction
/// or what announces a unit.
fn names_street(word: &str) -> bool {
    word.contains(char::is_alphabetic)
        && !DIRECTIONS.contains(&word)
        && !UNITS.contains(&word)
        && !short(word).is_empty()
}

/// How the post writes the word; the name of a unit is left out before its number.
fn short(word: &str) -> &str {
    match word {
        "STREET" | "STR" => "ST",
        "AVENUE" | "AV" => "AVE",
        "ROAD" => "RD",
        "DRIVE" => "DR",
        "LANE" => "LN",
        "COURT" => "CT",
        "PLACE" => "PL",
        "CIRCLE" => "CIR",
        "BOULEVARD" => "BLVD",
        "HIGHWAY" => "HWY",
        "PARKWAY" => "PKWY",
        "TERRACE" => "TER",
        "NORTH" => "N",
        "SOUTH" => "S",
        "EAST" => "E",
        "WEST" => "W",
        "APARTMENT" | "APT" | "UNIT" | "SUITE" | "STE" | "NUMBER" | "NO" => "",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    //! Goal: the same place is the same line however it is typed, and what is no place is none.
    //! Method: pairs of spellings.
    use super::{address_lines, bare, doors, free_lines};
    use crate::format::json;
    use std::collections::BTreeSet;

    #[test]
    fn one_place_is_one_line() {
        for (one, other) in [
            ("12 Oak Street, Apt. 4", "12 OAK ST #4"),
            ("  77  hiddenst", "77 HIDDENST"),
            ("5 North Elm Avenue", "5 N. Elm Ave"),
            ("P.O. Box 9", "PO BOX 9"),
        ] {
            assert_eq!(bare(one), bare(other), "{one}");
            assert!(bare(one).is_some(), "{one}");
        }
        assert_ne!(bare("12 Oak St"), bare("12 Oak St Apt 4"));
    }

    #[test]
    fn one_house_has_one_door_however_much_stands_behind_it() {
        for line in [
            "77 Hidden Hollow",
            "77 HIDDEN  HOLLOW",
            "77 Hidden Hollow Rd",
            "77 Hidden Hollow, Apt 2",
            "\u{FF17}\u{FF17} \u{FF28}idden Hollow",
            "0077 N. Hid\u{AD}den Hollow",
            "77B Northwest Hidden Hollow Road Unit 5 Rear",
        ] {
            assert_eq!(doors(line), ["77 HIDDEN"], "{line}");
        }
        for (line, told) in [
            ("Apt 4, 77 Hidden", &["77 HIDDEN"][..]),
            ("Unit 77 Hidden Hollow", &["77 HIDDEN"]),
            ("123 5th Ave", &["123 5TH"]),
            ("77-A Hidden Hollow", &["77 A", "77 HIDDEN"]),
            ("12-14 Oak St", &["12 OAK", "14 OAK"]),
            ("PO Box 4", &[]),
            ("she is at 77 Hidden Hollow", &["77 HIDDEN"]),
            ("Hidden Hollow", &[]),
        ] {
            assert_eq!(doors(line), told, "{line}");
        }
        assert_eq!(
            bare("\u{FF17}\u{FF17}\u{3000}Hidden\u{FF0C}Hollow"),
            bare("77 Hidden Hollow")
        );
    }

    #[test]
    fn the_two_lines_of_an_address_are_read_as_one() {
        let parts = |address: &str| -> BTreeSet<String> {
            let node = json::parse(address.as_bytes()).tree.expect("a tree");
            address_lines(&node).collect()
        };
        let one = parts(r#"{"line": "77", "line_2": "Hidden Hollow"}"#);
        let other = parts(r#"{"line": "77 Hidden Hollow Road"}"#);
        assert!(!one.is_disjoint(&other), "{one:?} {other:?}");
    }

    #[test]
    fn what_names_no_place_is_no_line() {
        for text in ["", "unknown", "N/A", "1 A", "Apt 4"] {
            assert_eq!(bare(text), None, "{text}");
        }
        assert_eq!(free_lines("12Oak").count(), 0);
        assert!(free_lines("12 Oak St").count() > 0);
        assert_eq!(bare(&"9 ".repeat(200)), None);
    }
}
