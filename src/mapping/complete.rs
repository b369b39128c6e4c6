//! Lists of which a row must read every item: what a mapping reads of them, and what it leaves.
//!
//! An item that is passed over may be the one that says who may see the rest. Whether an item is
//! read is asked of the mapping's own rows, never of a second list that might say otherwise.

use super::walk::{Condition, Step, get, hold};
use crate::base::Text;
use crate::base::finding::Span;
use crate::base::finding_codes as codes;
use crate::format::tree::{Node, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes what is told of an item, and where it stands.
type Tell<'t> = &'t mut dyn FnMut(&'static codes::CodeEntry, Span);

/// What a format says of its lists.
#[derive(Debug, Default)]
pub struct Looked {
    /// The lists that are looked at; empty: none is.
    pub lists: Vec<Complete>,
    /// Labels that an item itself may be, by the path from it.
    pub labels: Vec<Vec<Step>>,
}

/// A list a format names, wherever it stands.
#[derive(Debug)]
pub struct Complete {
    /// The member it stands in, where it is not to be found anywhere.
    pub within: Option<Text>,
    /// The member that is the list.
    pub list: Text,
    /// An item no row reads refuses its record where these hold.
    pub when: Vec<Condition>,
    /// Such an item refuses; else it is told.
    pub refuses: bool,
}

/// What the rows of a mapping read, from each of its parts downwards.
#[derive(Debug, Default)]
pub struct Coverage {
    /// What is looked at.
    pub looked: Arc<Looked>,
    /// By part; what parts inside it read is read in it.
    pub parts: Vec<Branch>,
}

/// What is read below one place.
#[derive(Clone, Debug, Default)]
pub struct Branch {
    /// A value is read here, whatever stands in it.
    pub here: bool,
    /// Members of an object.
    pub members: BTreeMap<Text, Branch>,
    /// Items of a list.
    pub items: Vec<(Pick, Branch)>,
}

/// Which items of a list are read.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// The one at a place.
    Nth(usize),
    /// Those for which this holds; no condition: all.
    Where(Vec<Condition>),
}

impl Coverage {
    /// Tells the items of nodes that no row reads. Each node comes with the parts it is; what is a
    /// node of its own inside another one is looked at by itself.
    pub fn look(&self, nodes: &[(&Node, Vec<usize>)], tell: Tell<'_>) {
        let apart = |node: &Node| nodes.iter().any(|(own, _)| std::ptr::eq(*own, node));
        for (node, parts) in nodes {
            let read = parts.iter().filter_map(|part| self.parts.get(*part));
            let read: Vec<&Branch> = read.collect();
            self.looked.node("", node, (&read, &apart), tell);
        }
    }
}

/// What is read of a node, and which nodes are not looked into.
type Read<'r, 'b> = (&'r [&'b Branch], &'r dyn Fn(&Node) -> bool);

impl Looked {
    /// Tells items that refuse in what is none of a record's nodes, of which no row reads anything.
    pub fn around(&self, unit: &Node, apart: &dyn Fn(&Node) -> bool, tell: Tell<'_>) {
        if !self.lists.is_empty() && !apart(unit) {
            self.node("", unit, (&[], apart), tell);
        }
    }

    /// `within`: the member the node stands in.
    fn node(&self, within: &str, node: &Node, (read, apart): Read<'_, '_>, tell: Tell<'_>) {
        for (name, child) in node.members() {
            let below = read.iter().filter_map(|branch| branch.members.get(name));
            let below: Vec<&Branch> = below.collect();
            match &child.value {
                Value::Array(_) => self.list((within, name), child, (&below, apart), tell),
                Value::Object(_) if !apart(child) => {
                    self.node(name, child, (&below, apart), tell);
                }
                _ => {}
            }
        }
    }

    fn list(
        &self,
        (within, name): (&str, &str),
        list: &Node,
        (read, apart): Read<'_, '_>,
        tell: Tell<'_>,
    ) {
        let lists = self.lists.iter().filter(|it| it.is(within, name));
        let lists: Vec<&Complete> = lists.collect();
        let mut told = false;
        for (at, item) in list.items().iter().enumerate().filter(|(_, it)| !apart(it)) {
            let picks = read.iter().flat_map(|branch| &branch.items);
            let picks = picks.filter(|(pick, _)| pick.takes(at, item));
            let below: Vec<&Branch> = picks.map(|(_, branch)| branch).collect();
            let label = || self.labels.iter().any(|path| get(item, path).is_some());
            if lists.is_empty() || below.iter().any(|branch| branch.reads(item)) || label() {
                self.node(name, item, (&below, apart), tell);
            } else if lists.iter().any(|it| it.refuses && hold(item, &it.when)) {
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
    /// Whether anything of it stands in a node.
    fn reads(&self, node: &Node) -> bool {
        let of_member = |(name, branch): (&Text, &Branch)| {
            let child = node.get(name);
            child.is_some_and(|child| branch.reads(child))
        };
        let of_item = |(at, item): (usize, &Node)| {
            let mut picks = self.items.iter();
            picks.any(|(pick, branch)| pick.takes(at, item) && branch.reads(item))
        };
        self.here && node.value != Value::Null
            || self.members.iter().any(of_member)
            || !self.items.is_empty() && node.items().iter().enumerate().any(of_item)
    }

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

    /// Adds what another reads of the same place.
    pub fn absorb(&mut self, other: Branch) {
        self.here |= other.here;
        for (name, branch) in other.members {
            self.member(&name).absorb(branch);
        }
        for (pick, branch) in other.items {
            if let Some(own) = self.picked(pick) {
                own.absorb(branch);
            }
        }
    }
}
