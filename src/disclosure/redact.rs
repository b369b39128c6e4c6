//! Redaction: what is left of a record for one recipient.
//!
//! A value goes only if every (person, class) of its label may go. A container goes if anything in
//! it goes. A person of whom nothing may be said does not appear: no entry, no reference, no row.
//! What was taken away leaves no trace: no empty container, no marker, no count, no gap in the
//! numbering of what remains.

use crate::base::vocabulary::DataClass;
use crate::format::{Node, Value};
use crate::record::Record;
use crate::record::labels::{Labels, TOTALS};
use crate::record::places::{self, push_token};
use std::collections::{BTreeMap, BTreeSet};

/// What is left, and what went.
#[derive(Clone, Debug)]
pub struct Redaction {
    /// The record as the recipient may see it.
    pub record: Record,
    /// JSON pointers of all values that go, in the numbering of the whole record.
    pub released: Vec<String>,
    /// Whether anything stayed.
    pub withheld_any: bool,
    /// Persons that appear, by index into the whole record's `persons[]`.
    pub persons_shown: Vec<u16>,
    /// Whether nothing is left that would be worth a delivery.
    pub nothing_left: bool,
}

/// Takes out of `record` what may not go. `may_go` answers for one class of one person.
pub fn redact(
    record: &Record,
    labels: &Labels,
    may_go: &dyn Fn(DataClass, u16) -> bool,
) -> Redaction {
    let allowed: Vec<bool> = labels
        .sets()
        .iter()
        .map(|set| {
            !set.pairs.is_empty()
                && set
                    .pairs
                    .iter()
                    .all(|(person, classes)| classes.iter().all(|class| may_go(class, *person)))
        })
        .collect();
    let naming = naming(labels);
    let goes = |set: &u16| allowed.get(*set as usize) == Some(&true);
    let leaves = labels.leaves().iter().enumerate();
    let may = leaves.filter(|(_, set)| goes(set)).map(|(leaf, _)| leaf);
    let mut shown = told_of(labels, &naming, may);
    let (mut knife, mut out) = loop {
        let mut knife = Knife::new(labels, &allowed, &shown);
        let root = knife.cut(&record.root, false).unwrap_or_else(Node::object);
        let mut out = Record {
            record_type: record.record_type.clone(),
            root,
        };
        knife.renumber_rows(&mut out.root);
        // What was told of a person may have gone with an entry about somebody hidden: then they
        // do not appear either, and what speaks of them goes as well.
        let released = knife.released.iter().map(|(leaf, _)| *leaf);
        let told = told_of(labels, &naming, released);
        let still: BTreeSet<u16> = shown.intersection(&told).copied().collect();
        if still == shown {
            break (knife, out);
        }
        shown = still;
    };
    let body_was_empty = record.body().is_none_or(Node::is_empty_container);
    let nothing_left = knife.shown.is_empty() || (!body_was_empty && out.body().is_none());
    if body_was_empty && record.body().is_some() && out.body().is_none() {
        out.root.set("body", Node::object());
    }
    Redaction {
        record: out,
        released: std::mem::take(&mut knife.released)
            .into_iter()
            .map(|(_, pointer)| pointer)
            .collect(),
        withheld_any: knife.withheld > 0,
        persons_shown: {
            let persons = knife.shown.iter().filter(|at| **at != TOTALS);
            persons.copied().collect()
        },
        nothing_left,
    }
}

/// Leaves that only name somebody: keys and references.
fn naming(labels: &Labels) -> BTreeSet<usize> {
    let all = labels.references().iter().chain(labels.keys());
    all.map(|(leaf, _)| *leaf).collect()
}

/// Persons of whom at least one of these leaves tells more than their key.
fn told_of(
    labels: &Labels,
    naming: &BTreeSet<usize>,
    leaves: impl Iterator<Item = usize>,
) -> BTreeSet<u16> {
    let more = leaves.filter(|leaf| !naming.contains(leaf));
    let sets = more.filter_map(|leaf| labels.leaves().get(leaf).copied());
    let sets: BTreeSet<u16> = sets.collect();
    sets.iter()
        .filter_map(|set| labels.sets().get(*set as usize))
        .flat_map(|set| set.pairs.iter().map(|(person, _)| *person))
        .collect()
}

struct Knife<'a> {
    labels: &'a Labels,
    allowed: &'a [bool],
    shown: &'a BTreeSet<u16>,
    leaf: usize,
    withheld: usize,
    pointer: String,
    /// What goes: the leaf and where it stands.
    released: Vec<(usize, String)>,
    /// For every array, by pointer in the whole record, the items that stayed.
    kept: BTreeMap<String, Vec<usize>>,
}

impl<'a> Knife<'a> {
    fn new(labels: &'a Labels, allowed: &'a [bool], shown: &'a BTreeSet<u16>) -> Knife<'a> {
        Knife {
            labels,
            allowed,
            shown,
            leaf: 0,
            withheld: 0,
            pointer: String::new(),
            released: Vec::new(),
            kept: BTreeMap::new(),
        }
    }

    fn cut(&mut self, node: &Node, item: bool) -> Option<Node> {
        match &node.value {
            Value::Object(members) if !members.is_empty() => self.cut_object(node, item),
            Value::Array(items) if !items.is_empty() => self.cut_array(node, items),
            _ => {
                let (leaf, goes) = (self.leaf, self.leaf_goes());
                self.leaf += 1;
                // An empty container tells nothing that may be told.
                if !goes || node.is_empty_container() {
                    self.withheld += usize::from(!goes);
                    return None;
                }
                self.released.push((leaf, self.pointer.clone()));
                Some(node.clone())
            }
        }
    }

    fn cut_object(&mut self, node: &Node, item: bool) -> Option<Node> {
        let (length, released) = (self.pointer.len(), self.released.len());
        let mut members = Vec::new();
        let mut names_hidden = false;
        for (name, child) in node.members() {
            names_hidden |= self.names_hidden_person(child);
            push_token(&mut self.pointer, name);
            if let Some(child) = self.cut(child, false) {
                members.push((name.clone(), child));
            }
            self.pointer.truncate(length);
        }
        // An entry that speaks of a hidden person is itself a trace of that person.
        if item && names_hidden {
            self.withheld += self.released.len().saturating_sub(released);
            self.released.truncate(released);
            return None;
        }
        let left = Node {
            value: Value::Object(members),
            span: node.span,
        };
        (!left.is_empty_container()).then_some(left)
    }

    fn cut_array(&mut self, node: &Node, items: &[Node]) -> Option<Node> {
        let length = self.pointer.len();
        let (mut left, mut kept) = (Vec::new(), Vec::new());
        for (at, child) in items.iter().enumerate() {
            push_token(&mut self.pointer, &at.to_string());
            if let Some(child) = self.cut(child, true) {
                left.push(child);
                kept.push(at);
            }
            self.pointer.truncate(length);
        }
        self.kept.insert(self.pointer.clone(), kept);
        let left = Node {
            value: Value::Array(left),
            span: node.span,
        };
        (!left.is_empty_container()).then_some(left)
    }

    fn leaf_goes(&self) -> bool {
        let person_at = |list: &[(usize, u16)]| {
            let found = list.binary_search_by_key(&self.leaf, |(leaf, _)| *leaf);
            found.ok().and_then(|at| list.get(at)).map(|(_, p)| *p)
        };
        if let Some(person) = person_at(self.labels.keys()) {
            return self.shown.contains(&person);
        }
        if person_at(self.labels.references()).is_some_and(|p| !self.shown.contains(&p)) {
            return false;
        }
        let set = self.labels.leaves().get(self.leaf);
        set.and_then(|set| self.allowed.get(*set as usize)) == Some(&true)
    }

    /// Whether a member is itself a reference to a person who does not appear.
    fn names_hidden_person(&self, child: &Node) -> bool {
        let list = self.labels.references();
        let found = list.binary_search_by_key(&self.leaf, |(leaf, _)| *leaf);
        child.as_str().is_some()
            && found
                .ok()
                .and_then(|at| list.get(at))
                .is_some_and(|(_, person)| !self.shown.contains(person))
    }

    /// Rows that point into the record get the numbering of what is left.
    fn renumber_rows(&mut self, root: &mut Node) {
        let Some(envelope) = root.get_mut("envelope") else {
            return;
        };
        for list in ["missing", "labels"] {
            let Some(rows) = envelope.get_mut(list).and_then(Node::items_mut) else {
                continue;
            };
            let place = format!("/envelope/{list}");
            let mut kept = self
                .kept
                .get(&place)
                .cloned()
                .unwrap_or_default()
                .into_iter();
            let mut gone = Vec::new();
            rows.retain_mut(|row| {
                let was = kept.next();
                let path = row.text("path").and_then(|path| self.renumbered(path));
                match path {
                    Some(path) => {
                        row.set("path", Node::string(path));
                        true
                    }
                    None => {
                        gone.extend(was.map(|was| format!("{place}/{was}/")));
                        false
                    }
                }
            });
            if rows.is_empty() {
                envelope.remove(list);
            }
            let before = self.released.len();
            let stays = |(_, path): &(usize, String)| {
                !gone.iter().any(|row| path.starts_with(row.as_str()))
            };
            self.released.retain(stays);
            self.withheld += before - self.released.len();
        }
    }

    /// The path in the new numbering; `None` when what it points into is gone.
    fn renumbered(&self, path: &str) -> Option<String> {
        let (mut old, mut new) = (String::new(), String::new());
        for token in places::tokens(path) {
            match (self.kept.get(&old), token.parse::<usize>()) {
                (Some(kept), Ok(at)) => {
                    let now = kept.iter().position(|was| *was == at)?;
                    push_token(&mut new, &now.to_string());
                }
                _ => push_token(&mut new, &token),
            }
            push_token(&mut old, &token);
        }
        Some(new)
    }
}
