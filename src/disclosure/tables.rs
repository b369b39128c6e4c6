//! The tables of the law pack: classes, kinds of consent, citations by situation, obligations.
//!
//! Law is data: what changes when a statute changes stands in `policies/`. A table with an unknown
//! word is a defect, never a guess.

use super::facts::{Flag, Flags};
use crate::base::defect::Defect;
use crate::base::vocabulary::{
    ClassSet, ConsentKind, DataClass, Effect, Obligation, Purpose, RecipientRole, SourceRole,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the pack says about one class.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRow {
    /// The class.
    pub id: DataClass,
    /// Cited when no policy speaks of it.
    pub default_citation: Arc<str>,
    /// All tokens that keep it closed.
    pub bar: Vec<Arc<str>>,
    /// 42 CFR Part 2: minor and parent sign together.
    #[serde(default)]
    pub part2: bool,
    /// Only the person themselves may sign.
    #[serde(default)]
    pub own_voice: bool,
    /// A minor and a parent sign together.
    #[serde(default)]
    pub joint: bool,
    /// A parent of a removed child may not sign without an order.
    #[serde(default)]
    pub removed_closed: bool,
    /// From which age a minor's own consent to the service counts.
    #[serde(default)]
    pub minor_consent_age: u16,
}

/// Who may sign a kind of paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signers {
    /// The person, or for a minor the parent or guardian, by class.
    Subject,
    /// A parent or guardian of a minor, the student from 18.
    Student,
    /// An adult survivor; a minor with the parent, unless the parent is the abuser.
    Survivor,
    /// The person themselves at any age.
    OwnVoice,
    /// The tribe.
    Tribe,
    /// The reporter.
    Reporter,
}

/// How a kind of paper ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndRule {
    /// An end date is required.
    Stated,
    /// Or the statement that there is none.
    StatedOrNone,
    /// May lack an end.
    Open,
}

/// What a form must not be combined with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alone {
    /// With anything.
    #[default]
    No,
    /// Names no other class.
    Class,
    /// Names no other class and no other purpose.
    ClassAndPurpose,
}

/// One kind of consent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindRow {
    /// The kind.
    pub id: ConsentKind,
    /// Who may sign.
    pub signers: Signers,
    /// What the form must show.
    pub elements: Vec<Arc<str>>,
    /// How it ends.
    pub end: EndRule,
    /// What it must not be combined with.
    #[serde(default)]
    pub alone: Alone,
    /// Whether the attorney of a dependent child may sign too.
    #[serde(default)]
    pub child_attorney: bool,
    /// Whether it is spent by its first use.
    #[serde(default)]
    pub single_use: bool,
    /// Whether it permits only inside an opt-in exchange.
    #[serde(default)]
    pub exchange_only: bool,
}

/// A condition as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WhenText {
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
        let words = self.0;
        (0..256).filter(move |index| Rules256(words).contains(*index))
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

/// Citations of one situation.
#[derive(Clone, Debug)]
pub struct Cited {
    /// What is cited.
    pub tokens: Vec<Arc<str>>,
    /// When.
    pub when: When,
}

/// One obligation and when.
#[derive(Clone, Debug)]
pub struct Owed {
    /// What is owed, or waived.
    pub obligation: Obligation,
    /// When.
    pub when: When,
}

/// All tables.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// By class, in the order of the vocabulary.
    pub classes: Vec<ClassRow>,
    /// By kind, in the order of the vocabulary.
    pub kinds: Vec<KindRow>,
    /// Citations by situation.
    pub situations: Vec<Cited>,
    /// Obligations by situation.
    pub owed: Vec<Owed>,
    /// Obligations of policies taken back.
    pub waived: Vec<Owed>,
    /// Classes of 42 CFR Part 2.
    pub part2: ClassSet,
    /// Classes only the person themselves may open.
    pub own_voice: ClassSet,
    /// Classes a minor and a parent open together, Part 2 apart.
    pub joint: ClassSet,
    /// Classes a parent of a removed child may not open without an order.
    pub removed_closed: ClassSet,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassFile {
    class: Vec<ClassRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindFile {
    kind: Vec<KindRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SituationText {
    tokens: Vec<Arc<str>>,
    #[serde(default)]
    when: WhenText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SituationFile {
    situation: Vec<SituationText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwedText {
    obligation: Obligation,
    #[serde(default)]
    when: WhenText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObligationFile {
    owe: Vec<OwedText>,
    #[serde(default)]
    waive: Vec<OwedText>,
}

/// Where the rows and policies of the pack stand, by name.
pub struct Places<'a> {
    /// Policies by row.
    pub rows: &'a BTreeMap<Arc<str>, Rules256>,
    /// Policies by id.
    pub policies: &'a BTreeMap<Arc<str>, usize>,
}

const CLASSES: &str = "policies/classes.toml";
const CONSENTS: &str = "policies/consents.toml";
const SITUATIONS: &str = "policies/situations.toml";
const OBLIGATIONS: &str = "policies/obligations.toml";

/// A defect of a whole policy file.
pub fn defect(file: &str, code: &'static str, message: impl Into<String>) -> Defect {
    Defect {
        file: file.to_owned(),
        line: 0,
        column: 0,
        code,
        message: message.into(),
        help: String::new(),
    }
}

fn read<T: DeserializeOwned>(
    files: &BTreeMap<String, String>,
    path: &str,
    defects: &mut Vec<Defect>,
) -> Option<T> {
    let Some(text) = files.get(path) else {
        defects.push(defect(path, "policy-table-missing", "the file is missing"));
        return None;
    };
    match toml::from_str(text) {
        Ok(table) => Some(table),
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            let before = text.get(..offset).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            defects.push(Defect {
                line: u32::try_from(line).unwrap_or(u32::MAX),
                ..defect(path, "policy-table", error.message())
            });
            None
        }
    }
}

impl Tables {
    /// Reads the tables about classes and kinds.
    pub fn read(files: &BTreeMap<String, String>, defects: &mut Vec<Defect>) -> Tables {
        let mut tables = Tables::default();
        if let Some(file) = read::<ClassFile>(files, CLASSES, defects) {
            tables.classes = file.class;
            tables.classes.sort_by_key(|row| row.id);
        }
        if let Some(file) = read::<KindFile>(files, CONSENTS, defects) {
            tables.kinds = file.kind;
            tables.kinds.sort_by_key(|row| row.id);
        }
        if !tables.classes.iter().map(|row| &row.id).eq(DataClass::ALL) {
            defects.push(defect(
                CLASSES,
                "policy-table",
                "every data class needs exactly one row",
            ));
        }
        if !tables.kinds.iter().map(|row| &row.id).eq(ConsentKind::ALL) {
            defects.push(defect(
                CONSENTS,
                "policy-table",
                "every kind of consent needs exactly one row",
            ));
        }
        let classes_where = |test: fn(&ClassRow) -> bool| {
            tables
                .classes
                .iter()
                .filter(|row| test(row))
                .map(|row| row.id)
                .collect::<ClassSet>()
        };
        let part2 = classes_where(|row| row.part2);
        let own_voice = classes_where(|row| row.own_voice);
        let joint = classes_where(|row| row.joint);
        let removed_closed = classes_where(|row| row.removed_closed);
        Tables {
            part2,
            own_voice,
            joint,
            removed_closed,
            ..tables
        }
    }

    /// Reads the tables that name policies.
    pub fn read_situations(
        &mut self,
        files: &BTreeMap<String, String>,
        places: &Places<'_>,
        defects: &mut Vec<Defect>,
    ) {
        if let Some(file) = read::<SituationFile>(files, SITUATIONS, defects) {
            for text in file.situation {
                let when = places.resolve(&text.when, SITUATIONS, defects);
                self.situations.push(Cited {
                    tokens: text.tokens,
                    when,
                });
            }
        }
        if let Some(file) = read::<ObligationFile>(files, OBLIGATIONS, defects) {
            let mut resolve = |list: Vec<OwedText>| {
                list.into_iter()
                    .map(|text| Owed {
                        obligation: text.obligation,
                        when: places.resolve(&text.when, OBLIGATIONS, defects),
                    })
                    .collect()
            };
            self.owed = resolve(file.owe);
            self.waived = resolve(file.waive);
        }
    }

    /// The row of a class.
    pub fn class(&self, class: DataClass) -> Option<&ClassRow> {
        self.classes.get(class.index())
    }

    /// The row of a kind.
    pub fn kind(&self, kind: ConsentKind) -> Option<&KindRow> {
        self.kinds.get(kind.index())
    }
}

impl Places<'_> {
    fn resolve(&self, text: &WhenText, file: &str, defects: &mut Vec<Defect>) -> When {
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
