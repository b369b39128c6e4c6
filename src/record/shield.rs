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

/// The role of a child in a record.
const CHILD: &str = "child";
/// The kind of the address of one who is placed elsewhere.
const PLACED: &str = "placement";

/// Those of a record whose whereabouts are protected, by index into `persons[]`.
#[derive(Default)]
pub(super) struct Shield {
    persons: BTreeSet<u16>,
}

/// Labels what would give a protected address away, by the record itself and by what is known.
pub(super) fn protect(record: &Record, known: &Known, sheet: &mut Sheet) -> Shield {
    let persons = record.persons();
    let stated: Vec<Stated> = persons.iter().map(whereabouts::stated).collect();
    if known.is_empty() && !stated.iter().any(|person| person.protected) {
        return Shield::default();
    }
    let shield = Shield {
        persons: shielded(record, &stated, known),
    };
    let shielded = &shield.persons;
    let substitutes = substitutes(record);
    let is_substitute = |leaf: usize| substitutes.iter().any(|run| run.contains(&leaf));
    for leaf in 0..sheet.leaves() {
        if !is_substitute(leaf) {
            sheet.change(leaf..leaf + 1, &|set| shield.locating(set));
        }
    }
    protect_lines(record, (known, shielded), sheet, &is_substitute);
    bind_to_statements(record, ((&stated, known), shielded), sheet);
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
    shield
}

impl Shield {
    /// A value that locates a protected person is of the class of protected addresses.
    pub(super) fn locating(&self, set: &LabelSet) -> LabelSet {
        let pairs = set.pairs.iter().map(|(person, classes)| {
            let locates = classes.contains(DataClass::ContactAddress);
            let classes = match locates && self.persons.contains(person) {
                true => classes.union(PROTECTED),
                false => *classes,
            };
            (*person, classes)
        });
        LabelSet {
            pairs: pairs.collect(),
        }
    }
}

/// Who is protected: of whom it is stated, here or elsewhere, and who shares a household of theirs.
/// Children of the record who do not say with whom they live do so too, and with a protected child
/// those who care for children: else the one would give the other away.
fn shielded(record: &Record, stated: &[Stated], known: &Known) -> BTreeSet<u16> {
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
    let said = numbered().filter(|(at, person)| {
        own(*at, person) || known.in_household.contains(at) || shares(person)
    });
    let mut shielded: BTreeSet<u16> = said.map(|(at, _)| at).collect();
    let mates = housemates(record, (stated, known)).into_iter();
    shielded.extend(mates.filter(|at| home_statements(record, *at).is_empty()));
    shielded
}

/// Who lives with a protected person unless the record says otherwise: the children; with a
/// protected child those who care for children.
fn housemates(record: &Record, (stated, known): (&[Stated], &Known)) -> Vec<u16> {
    let persons = record.persons().iter().zip(stated).enumerate();
    let persons = persons.filter_map(|(at, (person, stated))| {
        let at = u16::try_from(at).ok()?;
        let own = stated.protected || known.protected.contains(&at);
        Some((at, person.text("role").unwrap_or_default(), own))
    });
    let persons: Vec<(u16, &str, bool)> = persons.collect();
    let protected = persons.iter().filter(|(.., own)| *own);
    let protected: Vec<&str> = protected.map(|(_, role, _)| *role).collect();
    let with: &[&str] = match (protected.is_empty(), protected.contains(&CHILD)) {
        (true, _) => &[],
        (false, false) => &[CHILD],
        (false, true) => &[CHILD, "parent", "guardian", "caregiver"],
    };
    let mates = persons.iter().filter(|(_, role, _)| with.contains(role));
    mates.map(|(at, ..)| *at).collect()
}

/// The leaves that say with whom a person lives: their households, and that they are placed.
fn home_statements(record: &Record, person: u16) -> Vec<Range<usize>> {
    let entry = record.persons().get(usize::from(person));
    let mut out = Vec::new();
    for (number, address) in entry.map(addresses).unwrap_or_default().iter().enumerate() {
        let placed = address.text("kind") == Some(PLACED);
        let household = address.get("household_ref").map(|_| "household_ref");
        for name in placed.then_some("kind").into_iter().chain(household) {
            let (at, number) = (person.to_string(), number.to_string());
            let path = ["persons", &at, "addresses", &number, name].map(str::to_owned);
            out.extend(places::runs(&record.root, &path));
        }
    }
    out
}

/// What locates somebody who says that they live elsewhere goes only where the saying may: without
/// it, it would be kept.
fn bind_to_statements(
    record: &Record,
    (of, shielded): ((&[Stated], &Known), &BTreeSet<u16>),
    sheet: &mut Sheet,
) {
    let mates = housemates(record, of).into_iter();
    for person in mates.filter(|at| !shielded.contains(at)) {
        let mut said = LabelSet::default();
        for run in home_statements(record, person) {
            said.add(&sheet.union(run));
        }
        sheet.change(0..sheet.leaves(), &|set| {
            let mut set = set.clone();
            let own = set.pairs.iter().find(|(at, _)| *at == person);
            if own.is_some_and(|(_, classes)| classes.contains(DataClass::ContactAddress)) {
                set.add(&said);
            }
            set
        });
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
