//! Members of an element that is open, found by their names however many there are.

use crate::base::Text;
use crate::format::tree::Node;
use std::collections::HashMap;

/// Elements with more members than this find them by hash.
const SCANNED_NAMES_MAX: usize = 24;

/// Members in the order they came.
#[derive(Default)]
pub(super) struct Entries {
    pub members: Vec<(Text, Node)>,
    places: HashMap<Text, usize>,
}

impl Entries {
    /// Where the member of that name stands.
    pub fn place(&self, name: &str) -> Option<usize> {
        if self.members.len() < SCANNED_NAMES_MAX {
            return self.members.iter().position(|(known, _)| known == name);
        }
        self.places.get(name).copied()
    }

    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.place(name)
            .and_then(|at| self.members.get(at))
            .map(|(_, node)| node)
    }

    /// The member of that name, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.place(name)
            .and_then(|at| self.members.get_mut(at))
            .map(|(_, node)| node)
    }

    /// Adds a member whose name does not stand yet.
    pub fn add(&mut self, name: Text, node: Node) {
        self.members.push((name, node));
        if self.members.len() >= SCANNED_NAMES_MAX {
            let known = self.places.len();
            let fresh = self.members.iter().enumerate().skip(known);
            self.places
                .extend(fresh.map(|(at, (name, _))| (name.clone(), at)));
        }
    }
}
