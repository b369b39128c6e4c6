//! Conditions over a decision that has been taken: of citations and obligations.
//!
//! A condition with an unknown word is a defect of its table, never a guess.

use super::facts::{Flag, Flags};
use super::tables::defect;
use crate::base::defect::Defect;
use crate::base::vocabulary::{ClassSet, DataClass, Effect, Purpose, RecipientRole, SourceRole};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A condition as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WhenText {
    sources: Vec<SourceRole>,
    recipients: Vec<RecipientRole>,
    purposes: Vec<Purpose>,
    requested: Vec<DataClass>,
    released: Vec<DataClass>,
    withheld: Vec<DataClass>,
    minor_consented_withheld: Vec<DataClass>,
    flags: Vec<String>,
    not_flags: Vec<String>,
    rows: Vec<String>,
    not_rows: Vec<String>,
    not_policies: Vec<String>,
    effect: Option<String>,
}

/// Which policies, by their place in the pack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules256(pub [u64; 4]);

impl Rules256 {
    /// Adds one.
    pub fn insert(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    /// Whether it is in.
    pub fn contains(&self, index: usize) -> bool {
        self.0
            .get(index / 64)
            .is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// Whether both have one in common.
    pub fn meets(&self, other: &Rules256) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    /// Adds all of the other.
    pub fn add(&mut self, other: &Rules256) {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a |= b;
        }
    }

    /// Whether none is in.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The places, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                (word != 0).then(|| {
                    word &= word - 1;
                    at * 64 + bit
                })
            })
        })
    }
}

/// A condition over a decision that has been taken.
#[derive(Clone, Debug, Default)]
pub struct When {
    sources: u64,
    recipients: u64,
    purposes: u64,
    requested: ClassSet,
    released: ClassSet,
    withheld: ClassSet,
    minor_consented_withheld: ClassSet,
    flags: Flags,
    not_flags: Flags,
    rows: Option<Rules256>,
    not_rules: Rules256,
    effect: Option<bool>,
}

/// What a condition looks at.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// The holder, if known.
    pub source: Option<SourceRole>,
    /// The recipient, if known.
    pub recipient: Option<RecipientRole>,
    /// The purpose, if known.
    pub purpose: Option<Purpose>,
    /// The known classes asked for.
    pub requested: ClassSet,
    /// Those that go.
    pub released: ClassSet,
    /// Those the minor alone consented to.
    pub minor_consented: ClassSet,
    /// All facts.
    pub flags: Flags,
    /// The policies used.
    pub used: Rules256,
}

impl When {
    /// Whether everything it names holds.
    pub fn holds(&self, at: &Situation) -> bool {
        let withheld = at.requested.without(at.released);
        one_of(self.sources, at.source.map(SourceRole::index))
            && one_of(self.recipients, at.recipient.map(RecipientRole::index))
            && one_of(self.purposes, at.purpose.map(Purpose::index))
            && meets(self.requested, at.requested)
            && meets(self.released, at.released)
            && meets(self.withheld, withheld)
            && meets(
                self.minor_consented_withheld,
                ClassSet(withheld.0 & at.minor_consented.0),
            )
            && at.flags.covers(self.flags)
            && self.not_flags.both(at.flags) == Flags::NONE
            && self.rows.is_none_or(|rows| rows.meets(&at.used))
            && !self.not_rules.meets(&at.used)
            && self
                .effect
                .is_none_or(|release| release != at.released.is_empty())
    }
}

fn one_of(set: u64, index: Option<usize>) -> bool {
    set == 0 || index.is_some_and(|index| set & (1 << index) != 0)
}

fn meets(named: ClassSet, there: ClassSet) -> bool {
    named.is_empty() || named.0 & there.0 != 0
}

/// Where the rows and policies of the pack stand, by name.
pub struct Places<'a> {
    /// Policies by row.
    pub rows: &'a BTreeMap<Arc<str>, Rules256>,
    /// Policies by id.
    pub policies: &'a BTreeMap<Arc<str>, usize>,
}

impl Places<'_> {
    /// Reads a condition of a table.
    pub fn resolve(&self, text: &WhenText, file: &str, defects: &mut Vec<Defect>) -> When {
        let mut unknown = |list: &str, word: &str| {
            let message = format!("unknown {list} `{word}`");
            defects.push(defect(file, "policy-table", message));
        };
        let mut flags = |names: &[String]| {
            let mut set = Flags::NONE;
            for name in names {
                match Flag::named(name) {
                    Some(flag) => set.set(flag),
                    None => unknown("fact", name),
                }
            }
            set
        };
        let (need, lack) = (flags(&text.flags), flags(&text.not_flags));
        let mut rows = |names: &[String]| {
            let mut set = Rules256::default();
            for name in names {
                match self.rows.get(name.as_str()) {
                    Some(row) => set.add(row),
                    None => unknown("row", name),
                }
            }
            set
        };
        let named_rows = (!text.rows.is_empty()).then(|| rows(&text.rows));
        let mut not_rules = rows(&text.not_rows);
        for name in &text.not_policies {
            match self.policies.get(name.as_str()) {
                Some(index) => not_rules.insert(*index),
                None => unknown("policy", name),
            }
        }
        let effect = match text.effect.as_deref() {
            None => None,
            Some("release") => Some(true),
            Some(word) if word == Effect::Deny.as_str() => Some(false),
            Some(word) => {
                unknown("effect", word);
                None
            }
        };
        let set = |classes: &[DataClass]| classes.iter().copied().collect::<ClassSet>();
        When {
            sources: text.sources.iter().fold(0, |s, r| s | 1 << r.index()),
            recipients: text.recipients.iter().fold(0, |s, r| s | 1 << r.index()),
            purposes: text.purposes.iter().fold(0, |s, p| s | 1 << p.index()),
            requested: set(&text.requested),
            released: set(&text.released),
            withheld: set(&text.withheld),
            minor_consented_withheld: set(&text.minor_consented_withheld),
            flags: need,
            not_flags: lack,
            rows: named_rows,
            not_rules,
            effect,
        }
    }
}
