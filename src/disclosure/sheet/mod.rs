//! The printable consent forms: which boxes each has, and the words in them.
//!
//! The boxes are the elements the engine checks (`policies/consents.toml`) and the classes the kind
//! opens (`policies/consents.cedar`); `policies/forms.toml` only says them in plain words. A box
//! without words and words without a box are defects, so a form can neither ask for less than the
//! engine checks nor promise what a kind does not open. It must never claim to be an official form.

mod page;

pub use crate::base::language::Language;

use super::pack::Pack;
use super::spanish::Reviewed;
use super::tables::{KindRow, Signers, TABLE_MISSING, defect};
use crate::base::defect::Defect;
use crate::base::vocabulary::{ConsentKind, DataClass};
use crate::catalog::{Sources, files::whole, read_toml};
use serde::Deserialize;
use std::sync::Arc;

/// The file of the words.
const FORMS: &str = "policies/forms.toml";

/// One text in every language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    en: Arc<str>,
    es: Arc<str>,
    /// Whether a county has had this Spanish reviewed.
    #[serde(default)]
    reviewed: bool,
}

impl Told {
    fn is(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Spanish => &self.es,
        }
    }
}

/// The words that stand on every form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageWords {
    draft: Told,
    unconfirmed: Told,
    large_type: Told,
    whose: Told,
    born: Told,
    classes: Told,
    to_file: Told,
    who_signs: Told,
    take_back: Told,
    take_back_words: Told,
    not_signing: Told,
    not_signing_words: Told,
    ends: Told,
    minor_ends: Told,
    part2: Told,
    part2_words: Told,
    alone: Told,
    single_use: Told,
    copy: Told,
    form: Told,
    version: Told,
    language: Told,
    rules: Told,
    disclaimer: Told,
}

/// A kind of paper in words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindWords {
    id: ConsentKind,
    title: Told,
    /// Whether it is set in 14 point type.
    #[serde(default)]
    large_type: bool,
    /// How it ends, where no box asks for an end.
    #[serde(default)]
    ends: Option<Told>,
}

/// An element in words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ElementWords {
    id: Arc<str>,
    /// The kinds these words stand for; all the others when empty.
    #[serde(default)]
    kinds: Vec<ConsentKind>,
    title: Told,
    words: Told,
    /// Lines to write on.
    lines: u8,
}

/// Who may sign, in words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignerWords {
    id: SignerId,
    words: Told,
}

/// What the table of kinds says of signers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum SignerId {
    Signers(Signers),
    More(MoreSigners),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MoreSigners {
    ChildAttorney,
}

/// A class in words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassWords {
    id: DataClass,
    #[serde(default)]
    kinds: Vec<ConsentKind>,
    words: Told,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    version: Arc<str>,
    mark: Arc<str>,
    #[serde(rename = "owner")]
    _owner: Arc<str>,
    #[serde(default)]
    es_reviewer: Option<Arc<str>>,
    page: PageWords,
    kind: Vec<KindWords>,
    element: Vec<ElementWords>,
    signer: Vec<SignerWords>,
    class: Vec<ClassWords>,
}

/// All forms, ready to print.
#[derive(Clone, Debug, Default)]
pub struct Sheets {
    words: Option<Arc<Words>>,
}

/// One form: what stands on it, before it is set.
struct Sheet<'a> {
    words: &'a Words,
    kind: &'a KindWords,
    row: &'a KindRow,
    elements: Vec<&'a ElementWords>,
    classes: Vec<&'a ClassWords>,
    /// Whether a class it opens is of 42 CFR Part 2.
    part2: bool,
}

impl Sheets {
    /// Reads the words and holds them against the pack; every box without words and all words
    /// without a box are told.
    pub fn compile(sources: &Sources, pack: &Pack) -> (Sheets, Vec<Defect>) {
        let mut defects = Vec::new();
        let Some(file) = sources.files.get(FORMS) else {
            let missing = whole(FORMS, TABLE_MISSING, "the file is missing");
            return (Sheets::default(), vec![missing]);
        };
        let Some(words) = read_toml::<Words>(file, &mut defects) else {
            return (Sheets::default(), defects);
        };
        // What is wrong with these files the pack has told.
        let reviewed = Reviewed::read(&sources.policy_data, &mut Vec::new());
        let words = words_over(&file.text, &reviewed).unwrap_or(words);
        words.check(pack, &mut |message| {
            defects.push(defect(FORMS, "consent-form-words", message));
        });
        let sheets = Sheets {
            words: Some(Arc::new(words)),
        };
        (sheets, defects)
    }

    /// The form of a kind as one HTML page; `rule_set` is what it was made under. `None` only where
    /// the words could not be read, and such rules are never served.
    pub fn page(
        &self,
        pack: &Pack,
        kind: ConsentKind,
        language: Language,
        rule_set: &str,
    ) -> Option<String> {
        let sheet = self.words.as_deref()?.sheet(pack, kind)?;
        Some(page::set(&sheet, language, rule_set))
    }

    /// V or K: whether the words are confirmed.
    pub fn mark(&self) -> &str {
        self.words.as_deref().map_or("", |words| &words.mark)
    }

    /// The version a capture names.
    pub fn version(&self) -> &str {
        self.words.as_deref().map_or("", |words| &words.version)
    }
}

/// The words with what a county has had reviewed.
fn words_over(text: &str, reviewed: &Reviewed) -> Option<Words> {
    let mut table = toml::from_str::<toml::Value>(text).ok()?;
    reviewed.lay_over(&mut table);
    table.try_into().ok()
}

/// Whether words stand for a kind; those that name it go before those that name none.
fn fits(kinds: &[ConsentKind], kind: ConsentKind) -> bool {
    kinds.contains(&kind)
}

impl Words {
    fn sheet<'a>(&'a self, pack: &'a Pack, kind: ConsentKind) -> Option<Sheet<'a>> {
        let row = pack.tables.kind(kind)?;
        let opens = pack.kind_opens.get(kind.index())?;
        let elements = row
            .elements
            .iter()
            .filter_map(|id| self.element(id.as_str(), kind));
        let classes = opens.iter().filter_map(|class| self.class(class, kind));
        Some(Sheet {
            words: self,
            kind: self.kind.iter().find(|words| words.id == kind)?,
            row,
            elements: elements.collect(),
            classes: classes.collect(),
            part2: opens.0 & pack.tables.part2.0 != 0,
        })
    }

    fn element(&self, id: &str, kind: ConsentKind) -> Option<&ElementWords> {
        let of = |words: &&ElementWords| &*words.id == id;
        let own = self.element.iter().filter(of);
        let mut own = own.filter(|words| fits(&words.kinds, kind));
        let mut every = self.element.iter().filter(of);
        own.next()
            .or_else(|| every.find(|words| words.kinds.is_empty()))
    }

    fn class(&self, class: DataClass, kind: ConsentKind) -> Option<&ClassWords> {
        let mut own = self.class.iter().filter(|words| words.id == class);
        let mut every = own.clone();
        own.find(|words| fits(&words.kinds, kind))
            .or_else(|| every.find(|words| words.kinds.is_empty()))
    }

    fn signer(&self, id: SignerId) -> Option<&Told> {
        let found = self.signer.iter().find(|row| row.id == id);
        found.map(|row| &row.words)
    }

    /// Tells every box without words and all words without a box.
    fn check(&self, pack: &Pack, tell: &mut dyn FnMut(String)) {
        let rows = || pack.tables.kinds.iter();
        if !matches!(&*self.mark, "V" | "K") {
            tell(String::from("mark is V or K"));
        }
        for kind in ConsentKind::ALL {
            let own = self.kind.iter().filter(|words| words.id == *kind);
            if own.count() != 1 {
                tell(format!("{kind} needs exactly one row of words"));
            }
        }
        for row in rows() {
            self.check_kind(pack, row, tell);
        }
        for words in &self.element {
            let used = |row: &KindRow| {
                row.elements
                    .iter()
                    .any(|id| id.as_str() == words.id.as_ref())
            };
            let of = |kind: ConsentKind| rows().any(|row| row.id == kind && used(row));
            let dead = match words.kinds.is_empty() {
                true => !rows().any(used),
                false => !words.kinds.iter().all(|kind| of(*kind)),
            };
            if dead {
                tell(format!("words for `{}` without a box", words.id));
            }
        }
        for words in &self.class {
            let open = |kind: usize| pack.kind_opens.get(kind).copied().unwrap_or_default();
            let opened = |kind: usize| open(kind).contains(words.id);
            let dead = match words.kinds.is_empty() {
                true => !(0..pack.kind_opens.len()).any(opened),
                false => !words.kinds.iter().all(|kind| opened(kind.index())),
            };
            if dead {
                tell(format!("words for {} without a box", words.id));
            }
        }
    }

    fn check_kind(&self, pack: &Pack, row: &KindRow, tell: &mut dyn FnMut(String)) {
        let kind = row.id;
        for element in &row.elements {
            if self.element(element.as_str(), kind).is_none() {
                tell(format!("no words for element `{element}` of {kind}"));
            }
        }
        let opens = pack.kind_opens.get(kind.index()).copied();
        for class in opens.unwrap_or_default().iter() {
            if self.class(class, kind).is_none() {
                tell(format!("no words for class {class} of {kind}"));
            }
        }
        let ended = row
            .elements
            .iter()
            .any(|id| id.as_str() == page::EXPIRATION);
        let ends = self.kind.iter().find(|words| words.id == kind);
        if ended == ends.is_some_and(|words| words.ends.is_some()) {
            tell(format!("{kind} says how it ends in a box or in words"));
        }
        let attorney = SignerId::More(MoreSigners::ChildAttorney);
        let signed = self.signer(SignerId::Signers(row.signers)).is_some();
        if !signed || (row.child_attorney && self.signer(attorney).is_none()) {
            tell(format!("no words for who may sign {kind}"));
        }
    }
}
