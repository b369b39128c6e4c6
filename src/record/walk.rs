//! The walk that gives every leaf its first label: schema classes, and the persons it is about.
//!
//! Where a reference is missing or names nobody, the value is about everyone in the record.

use super::Record;
use super::labels::{LabelSet, NOBODY, Origin};
use super::plan::{AboutPlan, Plan, all_classes};
use crate::base::Text;
use crate::base::vocabulary::{ClassSet, DataClass};
use crate::format::{Node, Value};
use std::collections::HashMap;

/// What a walk found.
pub(super) struct Walked {
    pub sets: Vec<LabelSet>,
    pub leaves: Vec<u16>,
    pub narratives: Vec<usize>,
    pub references: Vec<(usize, u16)>,
    pub keys: Vec<(usize, u16)>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Whom {
    Subject,
    Case,
    Everyone,
    One(u16),
    Several(Vec<u16>),
}

pub(super) struct Walker<'a> {
    root: &'a Node,
    /// A key two persons claim names neither.
    keys: HashMap<&'a str, Option<u16>>,
    everyone: Vec<u16>,
    subject: Vec<u16>,
    case: Vec<u16>,
    origin: Origin,
    enclosing: Vec<&'a Node>,
    index: HashMap<(ClassSet, Whom), u16>,
    walked: Walked,
}

impl<'a> Walker<'a> {
    pub fn new(record: &'a Record, origin: Origin) -> Walker<'a> {
        let mut keys = HashMap::new();
        for (at, person) in record.persons().iter().enumerate() {
            if let (Some(key), Ok(at)) = (person.text("key"), u16::try_from(at)) {
                keys.entry(key)
                    .and_modify(|slot| *slot = None)
                    .or_insert(Some(at));
            }
        }
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
            let mut out: Vec<u16> = refs
                .filter_map(|key| keys.get(key.as_str()?).copied().flatten())
                .collect();
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
            index: HashMap::new(),
            walked: Walked {
                sets: Vec::new(),
                leaves: Vec::new(),
                narratives: Vec::new(),
                references: Vec::new(),
                keys: Vec::new(),
            },
        }
    }

    pub fn finish(self) -> Walked {
        self.walked
    }

    pub fn walk(&mut self, node: &'a Node, plan: Option<&Plan>) {
        let plan = plan.and_then(|plan| plan.settle(|name| node.text(name).map(Text::from)));
        match &node.value {
            Value::Object(members) if !members.is_empty() => {
                self.enclosing.push(node);
                for (name, child) in members {
                    self.walk(child, plan.and_then(|plan| plan.below(name)));
                }
                self.enclosing.pop();
            }
            Value::Array(items) if !items.is_empty() => {
                for child in items {
                    self.walk(child, plan.and_then(|plan| plan.below("0")));
                }
            }
            _ => self.leaf(node, plan),
        }
    }

    fn leaf(&mut self, node: &'a Node, plan: Option<&Plan>) {
        self.note_reference(node, plan);
        let (classes, whom) = match plan {
            Some(plan) if !plan.classes.is_empty() => (plan.classes, self.whom(&plan.about, 0)),
            _ => (all_classes(), Whom::Everyone),
        };
        if plan.is_some_and(|plan| plan.narrative) {
            self.walked.narratives.push(self.walked.leaves.len());
        }
        let key = (classes, whom);
        let set = match self.index.get(&key) {
            Some(set) => *set,
            None => {
                let set = u16::try_from(self.walked.sets.len()).unwrap_or(u16::MAX);
                self.walked.sets.push(self.set(classes, &key.1));
                self.index.insert(key, set);
                set
            }
        };
        self.walked.leaves.push(set);
    }

    /// Remembers values that name a person of the record. A word of a closed list never does.
    fn note_reference(&mut self, node: &'a Node, plan: Option<&Plan>) {
        if plan.is_some_and(|plan| plan.closed_list) {
            return;
        }
        let Some(Some(person)) = node.as_str().and_then(|key| self.keys.get(key)).copied() else {
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
    fn whom(&self, about: &AboutPlan, missing: usize) -> Whom {
        match about {
            AboutPlan::Subject => Whom::Subject,
            AboutPlan::Case => Whom::Case,
            AboutPlan::Everyone => Whom::Everyone,
            AboutPlan::Key { up, member } => {
                let there = up.checked_sub(missing);
                let holder = there.and_then(|up| self.enclosing.iter().rev().nth(up));
                match holder.and_then(|node| node.get(member)) {
                    Some(node) => self.named_by(node),
                    None => Whom::Everyone,
                }
            }
        }
    }

    fn named_by(&self, node: &Node) -> Whom {
        let one = |node: &Node| {
            let found = node.as_str().and_then(|key| self.keys.get(key));
            found.copied().flatten()
        };
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
        let classes = at_origin(classes, self.origin);
        let persons: &[u16] = match whom {
            Whom::Subject => &self.subject,
            Whom::Case => &self.case,
            Whom::Everyone => &self.everyone,
            Whom::One(person) => std::slice::from_ref(person),
            Whom::Several(persons) => persons,
        };
        let persons = if persons.is_empty() {
            &self.everyone
        } else {
            persons
        };
        let mut out = LabelSet::default();
        for person in persons {
            out.add(&LabelSet {
                pairs: vec![(*person, classes)],
            });
        }
        out
    }

    /// The label a value at `path` would have, though it is not there.
    pub fn absent(&mut self, plan: Option<&Plan>, path: &[String]) -> LabelSet {
        let mut plan = plan;
        let mut node = Some(self.root);
        let mut missing = 0;
        for token in path {
            let token = if token == "*" { "0" } else { token };
            plan = plan
                .and_then(|p| p.settle(|name| node.and_then(|n| n.text(name)).map(Text::from)))
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
                self.set(plan.classes_below(), &self.whom(&plan.about, missing))
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
    if classes.contains(DataClass::SudPart2) && !origin.part2_program && !origin.part2_consent {
        out = out
            .without(part2)
            .union(ClassSet::of(DataClass::MentalHealth));
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
