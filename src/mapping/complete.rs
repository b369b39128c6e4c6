//! Lists of which a row must read every item: what a mapping reads of them, and what it leaves.
//!
//! An item that is passed over may be the one that says who may see the rest. Whether an item is
//! read is asked of the mapping's own rows, never of a second list that might say otherwise.

use super::walk::{Condition, hold};
use crate::base::Text;
use crate::base::finding::Span;
use crate::base::finding_codes as codes;
use crate::format::tree::{Node, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes what is told of an item, and where it stands.
type Tell<'t> = &'t mut dyn FnMut(&'static codes::CodeEntry, Span);

/// A list a format names, wherever it stands.
#[derive(Debug)]
pub struct Complete {
    /// The member it stands in, where it is not to be found anywhere.
    pub within: Option<Text>,
    /// The member that is the list.
    pub list: Text,
    /// An item no row reads refuses its record where these hold.
    pub when: Vec<Condition>,
}

/// What the rows of a mapping read, from its root node downwards.
#[derive(Debug, Default)]
pub struct Coverage {
    /// The lists that are looked at; empty: none is.
    pub lists: Arc<[Complete]>,
    /// At the root node.
    pub root: Branch,
}

/// What is read below one place.
#[derive(Debug, Default)]
pub struct Branch {
    /// Members of an object.
    pub members: BTreeMap<Text, Branch>,
    /// Items of a list.
    pub items: Vec<(Pick, Branch)>,
}

/// Which items of a list are read.
#[derive(Debug, PartialEq)]
pub enum Pick {
    /// The one at a place.
    Nth(usize),
    /// Those for which this holds; no condition: all.
    Where(Vec<Condition>),
}

impl Coverage {
    /// Tells the items of a root node that no row reads.
    pub fn look(&self, root: &Node, tell: Tell<'_>) {
        if !self.lists.is_empty() {
            self.node("", root, &[&self.root], tell);
        }
    }

    /// `within`: the member the node stands in.
    fn node(&self, within: &str, node: &Node, read: &[&Branch], tell: Tell<'_>) {
        for (name, child) in node.members() {
            let below = read.iter().filter_map(|branch| branch.members.get(name));
            let below: Vec<&Branch> = below.collect();
            match &child.value {
                Value::Array(items) => self.list((within, name), items, &below, tell),
                _ => self.node(name, child, &below, tell),
            }
        }
    }

    fn list(&self, (within, name): (&str, &str), items: &[Node], read: &[&Branch], tell: Tell<'_>) {
        let lists = self.lists.iter().filter(|it| it.is(within, name));
        let lists: Vec<&Complete> = lists.collect();
        let mut told = false;
        for (at, item) in items.iter().enumerate() {
            let picks = read.iter().flat_map(|branch| &branch.items);
            let picks = picks.filter(|(pick, _)| pick.takes(at, item));
            let below: Vec<&Branch> = picks.map(|(_, branch)| branch).collect();
            if !below.is_empty() || lists.is_empty() {
                self.node(name, item, &below, tell);
            } else if lists.iter().any(|it| hold(item, &it.when)) {
                tell(&codes::ITEM_NOT_READ, item.span);
            } else if !std::mem::replace(&mut told, true) {
                tell(&codes::WIRE_ITEM_UNUSED, item.span);
            }
        }
    }
}

impl Complete {
    fn is(&self, within: &str, name: &str) -> bool {
        self.list == name && self.within.as_ref().is_none_or(|it| it == within)
    }
}

impl Pick {
    fn takes(&self, at: usize, item: &Node) -> bool {
        match self {
            Pick::Nth(place) => *place == at,
            Pick::Where(conditions) => hold(item, conditions),
        }
    }
}

impl Branch {
    /// What is read of a member.
    pub fn member(&mut self, name: &Text) -> &mut Branch {
        self.members.entry(name.clone()).or_default()
    }

    /// What is read of those items.
    pub fn picked(&mut self, pick: Pick) -> Option<&mut Branch> {
        let known = self.items.iter().position(|(own, _)| *own == pick);
        let at = known.unwrap_or(self.items.len());
        if known.is_none() {
            self.items.push((pick, Branch::default()));
        }
        self.items.get_mut(at).map(|(_, branch)| branch)
    }
}
