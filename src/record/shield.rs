//! Where somebody lives whose whereabouts are protected: no locating value of that person or of
//! the household leaves, and no line anywhere that equals such an address or names its door.
//!
//! It only adds the class of protected addresses. The substitute address alone is left as it is.

use super::Record;
use super::labels::{LabelSet, Sheet};
use super::places;
use super::whereabouts::{self, Known, Stated, addresses};
use crate::base::vocabulary::{ClassSet, DataClass};
use std::collections::BTreeSet;
use std::ops::Range;

const PROTECTED: ClassSet = ClassSet::of(DataClass::SafeAtHomeAddress);

/// Labels what would give a protected address away, by the record itself and by what is known.
pub(super) fn protect(record: &Record, known: &Known, sheet: &mut Sheet) {
    let persons = record.persons();
    let stated: Vec<Stated> = persons.iter().map(whereabouts::stated).collect();
    if known.is_empty() && !stated.iter().any(|person| person.protected) {
        return;
    }
    let shielded = shielded(&stated, known);
    let substitutes = substitutes(record);
    let is_substitute = |leaf: usize| substitutes.iter().any(|run| run.contains(&leaf));
    for leaf in 0..sheet.leaves() {
        if !is_substitute(leaf) {
            sheet.change(leaf..leaf + 1, &|set| locating(set, &shielded));
        }
    }
    protect_lines(record, (known, &shielded), sheet, &is_substitute);
    // Free text may tell it, whatever else the record says.
    let told = LabelSet {
        pairs: shielded.iter().map(|person| (*person, PROTECTED)).collect(),
    };
    if let Some(leaf) = sheet.narratives.first().copied() {
        sheet.change(leaf..leaf + 1, &|set| {
            let mut set = set.clone();
            set.add(&told);
            set
        });
    }
}

/// Who is protected: of whom it is stated, here or elsewhere, and who shares a household of theirs.
fn shielded(stated: &[Stated], known: &Known) -> BTreeSet<u16> {
    let numbered = || {
        let each = stated.iter().enumerate();
        each.filter_map(|(at, person)| Some((u16::try_from(at).ok()?, person)))
    };
    let own = |at: u16, person: &Stated| person.protected || known.protected.contains(&at);
    let households: BTreeSet<&String> = numbered()
        .filter(|(at, person)| own(*at, person))
        .flat_map(|(_, person)| &person.households)
        .collect();
    let shares = |person: &Stated| person.households.iter().any(|h| households.contains(h));
    numbered()
        .filter(|(at, person)| {
            own(*at, person) || known.in_household.contains(at) || shares(person)
        })
        .map(|(at, _)| at)
        .collect()
}

/// A value that locates a protected person is of the class of protected addresses.
fn locating(set: &LabelSet, shielded: &BTreeSet<u16>) -> LabelSet {
    let pairs = set.pairs.iter().map(|(person, classes)| {
        let locates = classes.contains(DataClass::ContactAddress) && shielded.contains(person);
        let classes = if locates {
            classes.union(PROTECTED)
        } else {
            *classes
        };
        (*person, classes)
    });
    LabelSet {
        pairs: pairs.collect(),
    }
}

fn substitutes(record: &Record) -> Vec<Range<usize>> {
    let of_person = record.persons().iter().enumerate();
    of_person
        .flat_map(|(at, person)| {
            let each = addresses(person).iter().enumerate();
            let each = each.filter(|(_, address)| whereabouts::is_substitute(address));
            each.flat_map(move |(number, _)| run_of(record, at, number))
        })
        .collect()
}

/// The leaves of one address.
fn run_of(record: &Record, person: usize, address: usize) -> Vec<Range<usize>> {
    let (person, address) = (person.to_string(), address.to_string());
    let path = ["persons", &person, "addresses", &address].map(str::to_owned);
    places::runs(&record.root, &path)
}

/// What equals the line of a protected address is protected whoever it belongs to: the whole
/// address it stands in, or the text alone.
fn protect_lines(
    record: &Record,
    (known, shielded): (&Known, &BTreeSet<u16>),
    sheet: &mut Sheet,
    is_substitute: &dyn Fn(usize) -> bool,
) {
    let mut lines = known.lines.clone();
    for person in shielded {
        let person = record.persons().get(usize::from(*person));
        let all = person.map(addresses).unwrap_or_default().iter();
        let all = all.filter(|address| !whereabouts::is_substitute(address));
        lines.extend(all.flat_map(whereabouts::address_lines));
    }
    if lines.is_empty() {
        return;
    }
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, person) in record.persons().iter().enumerate() {
        for (number, address) in addresses(person).iter().enumerate() {
            let mut own = whereabouts::address_lines(address);
            if !whereabouts::is_substitute(address) && own.any(|line| lines.contains(&line)) {
                runs.extend(run_of(record, at, number));
            }
        }
    }
    whereabouts::texts(&record.root, &mut 0, &mut |text, leaf| {
        let mut own = whereabouts::free_lines(text);
        if own.any(|line| lines.contains(&line)) && !is_substitute(leaf) {
            runs.push(leaf..leaf + 1);
        }
    });
    for run in runs {
        sheet.change(run, &|set| set.with(PROTECTED));
    }
}
