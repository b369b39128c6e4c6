//! The names a document may be told by: those of our own schemas.
//!
//! A name somebody typed can be a value: the name of a person as a member, a number as the heading
//! of a column. A name that is not ours is therefore replaced by its ordinal while the document is
//! read (`?3`, the third in its parent), in the tree and in every path alike, so that nothing after
//! the parser can repeat it. It must never let a name through that no schema has.

use super::tree::Node;
use crate::base::Text;
use crate::base::nearest::{letters, nearest};
use compact_str::format_compact;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Names that may stand in a tree and in a path.
#[derive(Clone, Debug)]
pub struct Names {
    /// `None`: all of them.
    known: Option<HashSet<Text, BuildHasherDefault<Fnv>>>,
    /// Names of ours that stand for every spelling of them; one that ends in `*` for all names
    /// that begin so.
    stand_ins: Vec<Text>,
    /// Words by which a name that is not ours may say who may see the rest.
    mark_words: Vec<Text>,
}

impl Names {
    /// Every name: for documents of our own making, never for a sender's.
    pub const ALL: Names = Names {
        known: None,
        stand_ins: Vec::new(),
        mark_words: Vec::new(),
    };

    /// Only these.
    pub fn only(names: impl IntoIterator<Item = Text>) -> Names {
        Names {
            known: Some(names.into_iter().collect()),
            stand_ins: Vec::new(),
            mark_words: Vec::new(),
        }
    }

    /// These too, each for every spelling of it, and with `*` at its end for all that begin so.
    #[must_use]
    pub fn standing_in(self, stand_ins: Vec<Text>) -> Names {
        Names { stand_ins, ..self }
    }

    /// A name that is not ours and has one of these words in it, or is a slip away from a long one,
    /// is told apart from other strangers (`?3!`), by the word and never by the name.
    #[must_use]
    pub fn speaking(self, mark_words: Vec<Text>) -> Names {
        Names { mark_words, ..self }
    }

    /// What stands for an unknown name at that place.
    pub(super) fn masked(&self, name: &str, at: usize) -> Text {
        let mut mask = masked(at);
        if speaks(name, &self.mark_words) {
            mask.push(SPEAKS);
        }
        mask
    }

    /// Whether a name may be shown.
    pub fn shows(&self, name: &str) -> bool {
        self.known.as_ref().is_none_or(|known| known.contains(name))
    }

    /// Whether a name of ours stands for it.
    pub fn meant(&self, name: &str) -> bool {
        self.stand_in(name).is_some()
    }

    /// The name of ours that stands for somebody's spelling of it.
    pub(super) fn stand_in(&self, name: &str) -> Option<&Text> {
        let meant = |own: &&Text| match own.strip_suffix('*') {
            Some(start) => name
                .get(..start.len())
                .is_some_and(|it| it.eq_ignore_ascii_case(start)),
            None => name.eq_ignore_ascii_case(own),
        };
        self.stand_ins.iter().find(meant)
    }

    /// Replaces the names of a whole object that may not be shown, in the order of its members.
    pub(super) fn mask(&self, members: &mut [(Text, Node)]) {
        if self.known.is_none() {
            return;
        }
        for (at, (name, _)) in members.iter_mut().enumerate() {
            if !self.shows(name) {
                *name = self.masked(name, at);
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

/// What a stranger's mask ends with where its name may say who may see the rest.
const SPEAKS: char = '!';
/// Letters from which on a slip still leaves a word that can hardly be another one.
const SLIPS_FROM: usize = 10;

/// Whether a mask stands for a name that may say who may see the rest.
pub fn is_speaking(mask: &str) -> bool {
    let mask = mask.strip_prefix('@').unwrap_or(mask);
    mask.starts_with('?') && mask.ends_with(SPEAKS)
}

/// Whether a name, masked or not, may say who may see the rest.
pub fn speaks(name: &str, mark_words: &[Text]) -> bool {
    if mark_words.is_empty() {
        return false;
    }
    let own = letters(name);
    let words = || mark_words.iter().map(Text::as_str);
    let long = words().filter(|word| word.len() >= SLIPS_FROM);
    is_speaking(name)
        || words().any(|word| own.contains(&letters(word)))
        || nearest(&own, long).is_some()
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
        let names = names.standing_in(vec!["ALIEN_NO".into(), "RPT_*".into()]);
        let meant = |name: &str| names.stand_in(name).map(Text::as_str);
        assert_eq!(meant("alien_no"), Some("ALIEN_NO"));
        assert_eq!(meant("Rpt_x"), Some("RPT_*"));
        assert_eq!(
            (meant("RPT"), meant("ALIEN_NO2"), meant("d\u{f6}b")),
            (None, None, None)
        );
        let names = Names::only([]).speaking(vec!["sealed".into(), "AccessLevelCode".into()]);
        let masks = ["x", "IsSealed", "kb:AcessLevelCode", "level"].map(|it| names.masked(it, 0));
        assert_eq!(masks, ["?1", "?1!", "?1!", "?1"]);
        assert!(Names::ALL.shows("anything"));
        assert!(!Names::only([]).shows(""));
    }
}
