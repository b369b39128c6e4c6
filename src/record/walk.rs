//! The walk that gives every leaf its first label: schema classes, and the persons it is about.
//!
//! Where a reference is missing or names nobody, the value is about everyone in the record.

use super::Record;
use super::labels::{LabelSet, NOBODY, Origin, TOTALS};
use super::plan::{ALL_CLASSES, AboutPlan, Plan, all_classes};
use crate::base::Text;
use crate::base::vocabulary::{ClassSet, DataClass};
use crate::format::{Node, Value};
use std::collections::HashMap;

/// What a walk found.
#[derive(Default)]
pub(super) struct Walked {
    pub sets: Vec<LabelSet>,
    pub leaves: Vec<u16>,
    pub narratives: Vec<usize>,
    pub references: Vec<(usize, u16)>,
    pub keys: Vec<(usize, u16)>,
}

/// Whom a value is about.
#[derive(Clone)]
enum Whom {
    Subject,
    Case,
    Everyone,
    Nobody,
    One(u16),
    Several(Vec<u16>),
}

/// Person keys, found without hashing: most texts are told apart by their length.
struct Keys<'a> {
    /// Ascending; a key two persons claim names neither.
    known: Vec<(&'a str, Option<u16>)>,
    /// Bit n: some key has n bytes (the last bit: or more).
    lengths: u64,
}

impl<'a> Keys<'a> {
    fn of(persons: &'a [Node]) -> Keys<'a> {
        let numbered = persons.iter().enumerate();
        let mut known: Vec<(&str, Option<u16>)> = numbered
            .filter_map(|(at, person)| Some((person.text("key")?, u16::try_from(at).ok())))
            .filter(|(_, at)| at.is_some())
            .collect();
        known.sort_by_key(|(key, _)| *key);
        known.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = None;
            }
            same
        });
        let lengths = known.iter().fold(0, |bits, (key, _)| bits | bit(key));
        Keys { known, lengths }
    }

    fn person(&self, text: &str) -> Option<u16> {
        if self.lengths & bit(text) == 0 {
            return None;
        }
        let found = self.known.binary_search_by_key(&text, |(key, _)| *key);
        self.known.get(found.ok()?)?.1
    }
}

fn bit(text: &str) -> u64 {
    1 << text.len().min(63)
}

pub(super) struct Walker<'a> {
    root: &'a Node,
    keys: Keys<'a>,
    everyone: Vec<u16>,
    subject: Vec<u16>,
    case: Vec<u16>,
    origin: Origin,
    enclosing: Vec<&'a Node>,
    /// The reference followed last: neighbours are mostly about the same person.
    followed: Option<(&'a Node, &'a Text, Whom)>,
    /// Sets made so far, by whom (one row each) and number of the class set.
    rows: Vec<Vec<u16>>,
    /// Those about several named persons.
    several: HashMap<(u16, Vec<u16>), u16>,
    walked: Walked,
}

/// No set made yet.
const NONE: u16 = u16::MAX;

impl<'a> Walker<'a> {
    pub fn new(record: &'a Record, origin: Origin) -> Walker<'a> {
        let keys = Keys::of(record.persons());
        let count = u16::try_from(record.persons().len()).unwrap_or(NOBODY);
        let everyone = if count == 0 {
            vec![NOBODY]
        } else {
            (0..count).collect()
        };
        // A case without a named child is about everyone: an empty list is read so below.
        let named = |list: &str| -> Vec<u16> {
            let refs = record.envelope().and_then(|e| e.get(list));
            let refs = refs.map(Node::items).unwrap_or_default().iter();
            let mut out: Vec<u16> = refs.filter_map(|key| keys.person(key.as_str()?)).collect();
            out.sort_unstable();
            out.dedup();
            out
        };
        let (subject, case) = (named("subject_refs"), named("focus_refs"));
        Walker {
            root: &record.root,
            keys,
            everyone,
            subject,
            case,
            origin,
            enclosing: Vec::new(),
            followed: None,
            rows: vec![Vec::new(); usize::from(count) + 4],
            several: HashMap::new(),
            walked: Walked::default(),
        }
    }

    /// What was found so far.
    pub fn take(&mut self) -> Walked {
        std::mem::take(&mut self.walked)
    }

    pub fn walk(&mut self, node: &'a Node, plan: Option<&'a Plan>) {
        let plan = plan.and_then(|plan| plan.settle(|name| node.text(name)));
        match &node.value {
            Value::Object(members) if !members.is_empty() => {
                self.enclosing.push(node);
                let mut next = 0;
                for (name, child) in members {
                    self.walk(child, plan.and_then(|p| p.below_in_turn(name, &mut next)));
                }
                self.enclosing.pop();
            }
            Value::Array(items) if !items.is_empty() => {
                let plan = plan.and_then(|plan| plan.below("0"));
                for child in items {
                    self.walk(child, plan);
                }
            }
            _ => self.leaf(node, plan),
        }
    }

    fn leaf(&mut self, node: &'a Node, plan: Option<&'a Plan>) {
        self.note_reference(node, plan);
        let set = match plan {
            Some(plan) if !plan.classes.is_empty() => {
                let whom = self.whom(&plan.about, 0);
                self.numbered(plan.number, plan.classes, whom)
            }
            _ => self.numbered(ALL_CLASSES, all_classes(), Whom::Everyone),
        };
        if plan.is_some_and(|plan| plan.narrative) {
            self.walked.narratives.push(self.walked.leaves.len());
        }
        self.walked.leaves.push(set);
    }

    /// The place of the set of those classes about those persons, made when it is new.
    fn numbered(&mut self, number: u16, classes: ClassSet, whom: Whom) -> u16 {
        let row = match &whom {
            Whom::Everyone => 0,
            Whom::Subject => 1,
            Whom::Case => 2,
            Whom::Nobody => 3,
            Whom::One(person) => usize::from(*person) + 4,
            Whom::Several(persons) => {
                let key = (number, persons.clone());
                return match self.several.get(&key) {
                    Some(set) => *set,
                    None => {
                        let set = self.made(classes, &whom);
                        self.several.insert(key, set);
                        set
                    }
                };
            }
        };
        let column = usize::from(number);
        let known = self.rows.get(row).and_then(|row| row.get(column));
        if let Some(set) = known.filter(|set| **set != NONE) {
            return *set;
        }
        let set = self.made(classes, &whom);
        if let Some(row) = self.rows.get_mut(row) {
            if row.len() <= column {
                row.resize(column + 1, NONE);
            }
            if let Some(slot) = row.get_mut(column) {
                *slot = set;
            }
        }
        set
    }

    fn made(&mut self, classes: ClassSet, whom: &Whom) -> u16 {
        let set = u16::try_from(self.walked.sets.len()).unwrap_or(NONE);
        self.walked.sets.push(self.set(classes, whom));
        set
    }

    /// Remembers values that name a person of the record. A word of a closed list never does.
    fn note_reference(&mut self, node: &'a Node, plan: Option<&Plan>) {
        if plan.is_some_and(|plan| plan.closed_list) {
            return;
        }
        let Some(person) = node.as_str().and_then(|key| self.keys.person(key)) else {
            return;
        };
        let leaf = self.walked.leaves.len();
        // `persons[i].key` itself: three levels deep, the root, the list and the entry.
        let own = self.enclosing.len() == 2
            && self
                .enclosing
                .last()
                .and_then(|entry| entry.get("key"))
                .is_some_and(|key| std::ptr::eq(key, node));
        if own {
            self.walked.keys.push((leaf, person));
        } else {
            self.walked.references.push((leaf, person));
        }
    }

    /// Resolves whom; `missing` is how many innermost enclosing objects are not there.
    fn whom(&mut self, about: &'a AboutPlan, missing: usize) -> Whom {
        let (up, member) = match about {
            AboutPlan::Subject => return Whom::Subject,
            AboutPlan::Case => return Whom::Case,
            AboutPlan::Everyone => return Whom::Everyone,
            AboutPlan::Nobody => return Whom::Nobody,
            AboutPlan::Key { up, member } => (up, member),
        };
        let there = up.checked_sub(missing);
        let Some(holder) = there.and_then(|up| self.enclosing.iter().rev().nth(up)) else {
            return Whom::Everyone;
        };
        if let Some((last, name, whom)) = &self.followed
            && std::ptr::eq(*last, *holder)
            && *name == member
        {
            return whom.clone();
        }
        let named = holder.get(member).map(|node| self.named_by(node));
        let whom = named.unwrap_or(Whom::Everyone);
        self.followed = Some((holder, member, whom.clone()));
        whom
    }

    fn named_by(&self, node: &Node) -> Whom {
        let one = |node: &Node| node.as_str().and_then(|key| self.keys.person(key));
        match &node.value {
            Value::Array(items) if !items.is_empty() => {
                match items.iter().map(one).collect::<Option<Vec<u16>>>() {
                    Some(all) => Whom::Several(all),
                    None => Whom::Everyone,
                }
            }
            _ => one(node).map_or(Whom::Everyone, Whom::One),
        }
    }

    fn set(&self, classes: ClassSet, whom: &Whom) -> LabelSet {
        // Totals are of nobody's data, whoever counts.
        let classes = match whom {
            Whom::Nobody => classes,
            _ => at_origin(classes, self.origin),
        };
        let persons: &[u16] = match whom {
            Whom::Subject => &self.subject,
            Whom::Case => &self.case,
            Whom::Everyone => &self.everyone,
            Whom::Nobody => &[TOTALS],
            Whom::One(person) => std::slice::from_ref(person),
            Whom::Several(persons) => persons,
        };
        let persons = if persons.is_empty() {
            &self.everyone
        } else {
            persons
        };
        let mut pairs: Vec<(u16, ClassSet)> = persons.iter().map(|p| (*p, classes)).collect();
        pairs.sort_unstable_by_key(|(person, _)| *person);
        pairs.dedup();
        LabelSet { pairs }
    }

    /// The label a value at `path` would have, though it is not there.
    pub fn absent(&mut self, plan: Option<&'a Plan>, path: &[String]) -> LabelSet {
        let mut plan = plan;
        let mut node = Some(self.root);
        let mut missing = 0;
        self.enclosing.clear();
        for token in path {
            let token = if token == "*" { "0" } else { token };
            plan = plan
                .and_then(|p| p.settle(|name| node.and_then(|n| n.text(name))))
                .and_then(|p| p.below(token));
            match node {
                Some(present) if matches!(present.value, Value::Object(_)) => {
                    self.enclosing.push(present);
                    node = present.get(token);
                }
                Some(present) => node = present.items().get(token.parse().unwrap_or(usize::MAX)),
                None if token.parse::<usize>().is_err() => missing += 1,
                None => {}
            }
        }
        match plan {
            Some(plan) if !plan.classes_below().is_empty() => {
                let whom = self.whom(&plan.about, missing);
                self.set(plan.classes_below(), &whom)
            }
            _ => self.set(all_classes(), &Whom::Everyone),
        }
    }
}

/// What the holder makes of a class. Substance-use data is Part 2 data only where a Part 2 program
/// or consent is its origin; what such a program or a domestic-violence program sends is of that
/// class as a whole, also where the same words from another sender would be plain program data.
fn at_origin(classes: ClassSet, origin: Origin) -> ClassSet {
    let plain: ClassSet = [
        DataClass::Demographics,
        DataClass::Referral,
        DataClass::EngagementContact,
    ]
    .into_iter()
    .collect();
    let mut out = classes;
    let part2 = ClassSet::of(DataClass::SudPart2);
    // It falls only where it is all the value is of. What a minor consented to alone is marked as
    // other care beside: fallen, it would stand on the paper of a parent for that other care.
    if classes == part2 && !origin.part2_program && !origin.part2_consent {
        out = ClassSet::of(DataClass::MentalHealth);
    }
    if origin.part2_program {
        out = out.without(plain).union(part2);
    }
    if origin.dv_program {
        out = out
            .without(plain)
            .union(ClassSet::of(DataClass::DvInformation));
    }
    out
}
