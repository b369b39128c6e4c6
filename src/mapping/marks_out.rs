//! Labels that are written: on each node what is in it, on the document how secret it is.
//!
//! They tell of what is there and of nothing else: they derive from the values that went into a
//! node, never from what was withheld. On a whole document stands no code of a class or duty.

use super::walk::{Step, get, push, put, reach};
use crate::base::Text;
use crate::base::vocabulary::{ClassSet, Obligation};
use crate::format::tree::{Node, Value};
use std::collections::HashMap;

/// What is said of a record for its labels.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// Classes of every leaf of the record, in document order.
    pub leaves: &'a [ClassSet],
    /// What the decision owes.
    pub owed: &'a [Obligation],
}

/// How a format writes labels.
#[derive(Debug, Default)]
pub struct MarksOut {
    /// In a node and in the document: the list they are added to.
    pub at: Vec<Step>,
    /// In place of the list: one code of a level, where what it stands in is there.
    pub single: bool,
    /// Path in a label of its code system.
    pub system: Vec<Step>,
    /// Path in a label of its code.
    pub code: Vec<Step>,
    /// Code system of the levels.
    pub secrecy: Text,
    /// Codes with their classes, least secret first.
    pub levels: Vec<(Text, ClassSet)>,
    /// Code system of what follows.
    pub sensitivity_system: Text,
    /// Codes of a class.
    pub sensitivity: Vec<(ClassSet, Vec<Text>)>,
    /// Codes of what binds, where one of the classes is there.
    pub duties: Vec<(Obligation, ClassSet, Text)>,
}

/// The classes of every place of a record, found by where it lies in memory.
pub type ByPlace = HashMap<usize, ClassSet>;

/// Where a place of a record lies while the record is written.
pub fn place_of(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

/// The classes of every place; a container has those of all in it.
pub fn by_place(root: &Node, leaves: &[ClassSet]) -> ByPlace {
    let mut out = ByPlace::with_capacity(leaves.len() * 2);
    let everything = leaves
        .iter()
        .fold(ClassSet::EMPTY, |all, own| all.union(*own));
    let mut next = leaves.iter().copied();
    // More places than were labelled: then each may be of anything that is there.
    fill(root, &mut || next.next().unwrap_or(everything), &mut out);
    out
}

fn fill(node: &Node, next: &mut dyn FnMut() -> ClassSet, out: &mut ByPlace) -> ClassSet {
    let classes = match &node.value {
        Value::Object(members) if !members.is_empty() => {
            let each = members.iter().map(|(_, child)| child);
            each.fold(ClassSet::EMPTY, |all, child| {
                all.union(fill(child, next, out))
            })
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().fold(ClassSet::EMPTY, |all, child| {
                all.union(fill(child, next, out))
            })
        }
        _ => next(),
    };
    out.insert(place_of(node), classes);
    classes
}

impl MarksOut {
    /// Labels a node with what is in it.
    pub fn label(&self, node: &mut Node, classes: ClassSet, owed: &[Obligation]) {
        if classes == ClassSet::EMPTY {
            return;
        }
        if self.single {
            return self.set(node, classes);
        }
        self.add(node, &self.secrecy, self.level(classes));
        for (class, codes) in &self.sensitivity {
            if meet(*class, classes) {
                let codes = codes.iter();
                codes.for_each(|code| self.add(node, &self.sensitivity_system, Some(code)));
            }
        }
        for (obligation, bound, code) in &self.duties {
            if owed.contains(obligation) && meet(*bound, classes) {
                self.add(node, &self.sensitivity_system, Some(code));
            }
        }
    }

    /// Labels a document with the highest level of anything in it, and with nothing else.
    pub fn label_document(&self, document: &mut Node, classes: ClassSet) {
        if self.single {
            self.set(document, classes);
        } else if classes != ClassSet::EMPTY {
            self.add(document, &self.secrecy, self.level(classes));
        }
    }

    /// The one code of a level.
    fn set(&self, node: &mut Node, classes: ClassSet) {
        let holder = self.at.split_last().map(|(_, holder)| holder);
        let there = holder.is_some_and(|holder| get(node, holder).is_some());
        if let Some(code) = self.level(classes).filter(|_| there) {
            put(node, &self.at, Node::string(code.clone()));
        }
    }

    fn level(&self, classes: ClassSet) -> Option<&Text> {
        let mut levels = self.levels.iter().rev();
        levels
            .find(|(_, own)| meet(*own, classes))
            .map(|(code, _)| code)
    }

    fn add(&self, node: &mut Node, system: &Text, code: Option<&Text>) {
        let Some(code) = code else { return };
        let mut label = Node::object();
        put(&mut label, &self.system, Node::string(system.clone()));
        put(&mut label, &self.code, Node::string(code.clone()));
        let Some(list) = reach(node, &self.at) else {
            return;
        };
        // Two duties may have one code.
        if !list.items().contains(&label)
            && let Some(slot) = push(list)
        {
            *slot = label;
        }
    }
}

fn meet(one: ClassSet, other: ClassSet) -> bool {
    one.iter().any(|class| other.contains(class))
}
