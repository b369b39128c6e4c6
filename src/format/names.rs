//! The names a document may be told by: those of our own schemas.
//!
//! A name somebody typed can be a value: the name of a person as a member, a number as the heading
//! of a column. A name that is not ours is therefore replaced by its ordinal while the document is
//! read (`?3`, the third in its parent), in the tree and in every path alike, so that nothing after
//! the parser can repeat it. It must never let a name through that no schema has.

use super::tree::Node;
use crate::base::Text;
use compact_str::format_compact;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Names that may stand in a tree and in a path.
#[derive(Clone, Debug)]
pub struct Names(Option<HashSet<Text, BuildHasherDefault<Fnv>>>);

impl Names {
    /// Every name: for documents of our own making, never for a sender's.
    pub const ALL: Names = Names(None);

    /// Only these.
    pub fn only(names: impl IntoIterator<Item = Text>) -> Names {
        Names(Some(names.into_iter().collect()))
    }

    /// Whether a name may be shown.
    pub fn shows(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|known| known.contains(name))
    }

    /// Replaces the names of a whole object that may not be shown, in the order of its members.
    pub(super) fn mask(&self, members: &mut [(Text, Node)]) {
        if self.0.is_none() {
            return;
        }
        for (at, (name, _)) in members.iter_mut().enumerate() {
            if !self.shows(name) {
                *name = masked(at);
            }
        }
    }
}

/// None: whoever says nothing shows nothing.
impl Default for Names {
    fn default() -> Names {
        Names::only([])
    }
}

/// What stands for an unknown name: its place among the names of its parent, told from one.
pub(super) fn masked(at: usize) -> Text {
    format_compact!("?{}", at.saturating_add(1))
}

/// FNV-1a. The set is ours and fixed, so nobody can choose names that collide in it.
#[derive(Clone, Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: only our own names come through, and a name that looks like a stand-in is no exception.
    // Method: an object with three strangers.
    #[test]
    fn a_name_that_is_not_ours_becomes_its_ordinal() {
        let names = Names::only(["dob".into()]);
        let mut members: Vec<(Text, Node)> = ["Ada Testperson", "dob", "?9", "DOB"]
            .into_iter()
            .map(|name| (name.into(), Node::default()))
            .collect();
        names.mask(&mut members);
        let shown: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(shown, ["?1", "dob", "?3", "?4"]);
        assert!(Names::ALL.shows("anything"));
        assert!(!Names::only([]).shows(""));
    }
}
