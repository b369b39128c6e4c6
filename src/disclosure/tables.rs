//! The tables of the law pack: classes, kinds of consent, citations by situation, obligations.
//!
//! Law is data: what changes when a statute changes stands in `policies/`. A table with an unknown
//! word is a defect, never a guess.

use super::condition::{Places, When, WhenText};
use super::facts::Flag;
use super::given::Listed;
use super::review::{BESIDE_THE_PACK, Review, ReviewedAfter};
use super::words::Words;
use crate::base::defect::Defect;
use crate::base::vocabulary::{
    ClassSet, ConsentElement, ConsentKind, DataClass, EndEvent, Grantor, Obligation, OtherGrantor,
    RecipientRole,
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
    /// No permit of a county's pack may reach it.
    #[serde(default)]
    pub no_county_permit: bool,
    /// From which age a minor's own consent to the service counts; none where a minor cannot
    /// consent to it alone.
    #[serde(default)]
    pub minor_consent_age: Option<u16>,
    /// The one kind of signer's paper such consent counts on, where it does not count on all.
    #[serde(default)]
    pub minor_consent_signers: Option<Signers>,
    /// Needs of a referral that say as much as the class.
    #[serde(default)]
    pub needs: Vec<Arc<str>>,
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
    pub elements: Vec<ConsentElement>,
    /// What it must show besides when it names a recipient of that role.
    #[serde(default)]
    pub toward: BTreeMap<RecipientRole, Vec<ConsentElement>>,
    /// How it ends.
    pub end: EndRule,
    /// Events it may name to end with.
    #[serde(default)]
    pub events: Vec<EndEvent>,
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
    /// Whether that there is one says by itself what no county may learn of by its jurisdiction.
    #[serde(default)]
    pub hidden_from_counties: bool,
}

impl KindRow {
    /// Whether the form must show a signature or the day of it.
    pub fn needs_signing(&self) -> bool {
        let shown = |element: &ConsentElement| {
            matches!(element, ConsentElement::Signature | ConsentElement::Date)
        };
        self.elements.iter().any(shown)
    }

    /// What a form that shows these lacks toward these recipients. A list with a word that is no
    /// element, or with `*`, shows only what it names.
    pub fn lacks(
        &self,
        shown: Listed<ConsentElement>,
        recipients: Listed<RecipientRole>,
    ) -> impl Iterator<Item = ConsentElement> {
        let named = self.toward.iter();
        let named = named.filter(move |(role, _)| recipients.names(**role));
        let asked = self
            .elements
            .iter()
            .chain(named.flat_map(|(_, elements)| elements));
        let absent = move |element: &&ConsentElement| shown.bits & (1 << element.index()) == 0;
        asked.filter(absent).copied()
    }

    /// Whether it need not say a day on which it ends, because it says an event.
    pub fn may_end_with(&self, event: Option<EndEvent>) -> bool {
        event.is_some_and(|event| self.events.contains(&event))
    }
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
    /// Of a `human_review`: what the row is called.
    pub asks: Option<Arc<str>>,
    /// Of a `human_review`: when the person looks.
    pub review: Review,
    /// When.
    pub when: When,
}

/// A fact that may be offered as what would open a class.
#[derive(Clone, Debug)]
pub struct Unlock {
    /// The fact.
    pub flag: Flag,
    /// The value that opens.
    pub to: bool,
    /// In plain English.
    pub en: Arc<str>,
    /// In plain Spanish.
    pub es: Arc<str>,
}

/// A signer in words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignerWords {
    /// Who.
    pub id: Grantor,
    /// In plain English.
    pub en: Arc<str>,
    /// In plain Spanish.
    pub es: Arc<str>,
}

/// A signer the rules give no say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherSigner {
    /// Who.
    pub id: OtherGrantor,
    /// How sure that reading is: `K` until counsel has confirmed it.
    pub mark: Arc<str>,
    /// What is told in plain English.
    pub en: Arc<str>,
    /// In plain Spanish.
    pub es: Arc<str>,
}

/// All tables.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// By class, in the order of the vocabulary.
    pub classes: Vec<ClassRow>,
    /// By kind, in the order of the vocabulary.
    pub kinds: Vec<KindRow>,
    /// Signers the rules give no say, in the order of the vocabulary.
    pub others: Vec<OtherSigner>,
    /// Citations by situation.
    pub situations: Vec<Cited>,
    /// Obligations by situation.
    pub owed: Vec<Owed>,
    /// Obligations of policies taken back.
    pub waived: Vec<Owed>,
    /// Releases a person looks at afterwards although no `human_review` is owed for them.
    pub reviewed_after: Vec<ReviewedAfter>,
    /// What may be offered, in order.
    pub unlocks: Vec<Unlock>,
    /// Signers in words.
    pub signers: Vec<SignerWords>,
    /// Words of explanations.
    pub words: Words,
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
    grantor: Vec<OtherSigner>,
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
    #[serde(default)]
    id: Option<Arc<str>>,
    obligation: Obligation,
    #[serde(default)]
    review: Option<Review>,
    #[serde(default)]
    when: WhenText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewText {
    #[serde(default)]
    id: Option<Arc<str>>,
    when: WhenText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObligationFile {
    owe: Vec<OwedText>,
    #[serde(default)]
    waive: Vec<OwedText>,
    #[serde(default)]
    review_after: Vec<ReviewText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnlockText {
    id: String,
    #[serde(default = "yes")]
    to: bool,
    en: Arc<str>,
    es: Arc<str>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnlockFile {
    fact: Vec<UnlockText>,
    signer: Vec<SignerWords>,
}

const CLASSES: &str = "policies/classes.toml";
const CONSENTS: &str = "policies/consents.toml";
const SITUATIONS: &str = "policies/situations.toml";
const OBLIGATIONS: &str = "policies/obligations.toml";
const UNLOCK: &str = "policies/unlock.toml";

/// The code of a table that is not there.
pub const TABLE_MISSING: &str = "policy-table-missing";

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

pub(super) fn read<T: DeserializeOwned>(
    files: &BTreeMap<String, String>,
    path: &str,
    defects: &mut Vec<Defect>,
) -> Option<T> {
    let Some(text) = files.get(path) else {
        defects.push(defect(path, TABLE_MISSING, "the file is missing"));
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
        let mut tables = Tables {
            words: Words::read(files, defects),
            ..Tables::default()
        };
        if let Some(file) = read::<ClassFile>(files, CLASSES, defects) {
            tables.classes = file.class;
            tables.classes.sort_by_key(|row| row.id);
        }
        if let Some(file) = read::<KindFile>(files, CONSENTS, defects) {
            tables.kinds = file.kind;
            tables.kinds.sort_by_key(|row| row.id);
            tables.others = file.grantor;
            tables.others.sort_by_key(|row| row.id);
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
        if !tables
            .others
            .iter()
            .map(|row| &row.id)
            .eq(OtherGrantor::ALL)
        {
            defects.push(defect(
                CONSENTS,
                "policy-table",
                "every grantor the rules give no say needs exactly one row",
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
            self.owed = owed(file.owe, places, defects);
            self.waived = owed(file.waive, places, defects);
            let after = file.review_after.into_iter().map(|text| ReviewedAfter {
                id: named(text.id, defects),
                when: places.resolve(&text.when, OBLIGATIONS, defects),
            });
            self.reviewed_after = after.collect();
        }
        let asking = self.owed.iter().filter_map(|row| row.asks.as_deref());
        let after = self.reviewed_after.iter().map(|row| &*row.id);
        let asking: Vec<&str> = asking.chain(after).chain(BESIDE_THE_PACK).collect();
        self.words.say_reviews(&asking, defects);
    }

    /// Reads what may be offered.
    pub fn read_unlocks(&mut self, files: &BTreeMap<String, String>, defects: &mut Vec<Defect>) {
        let Some(file) = read::<UnlockFile>(files, UNLOCK, defects) else {
            return;
        };
        self.signers = file.signer;
        for text in file.fact {
            match Flag::named(&text.id) {
                Some(flag) => self.unlocks.push(Unlock {
                    flag,
                    to: text.to,
                    en: text.en,
                    es: text.es,
                }),
                None => {
                    let message = format!("unknown fact `{}`", text.id);
                    defects.push(defect(UNLOCK, "policy-table", message));
                }
            }
        }
    }

    /// The classes that need of a referral says by itself.
    pub fn of_need(&self, need: &str) -> ClassSet {
        let says = |row: &&ClassRow| row.needs.iter().any(|own| own.as_ref() == need);
        self.classes.iter().filter(says).map(|row| row.id).collect()
    }

    /// The row of a class.
    pub fn class(&self, class: DataClass) -> Option<&ClassRow> {
        self.classes.get(class.index())
    }

    /// What is told of a signer the rules give no say.
    pub fn other(&self, signer: OtherGrantor) -> Option<&OtherSigner> {
        self.others.get(signer.index())
    }

    /// The row of a kind.
    pub fn kind(&self, kind: ConsentKind) -> Option<&KindRow> {
        self.kinds.get(kind.index())
    }
}

/// Rows of obligations. One that has a person look says by its id who asks.
fn owed(rows: Vec<OwedText>, places: &Places<'_>, defects: &mut Vec<Defect>) -> Vec<Owed> {
    let each = rows.into_iter().map(|text| {
        let looks = text.obligation == Obligation::HumanReview;
        if !looks && (text.review.is_some() || text.id.is_some()) {
            let message = "`id` and `review` mean something for human_review only";
            defects.push(defect(OBLIGATIONS, "policy-table", message));
        }
        Owed {
            obligation: text.obligation,
            asks: looks.then(|| named(text.id, defects)),
            review: match looks {
                true => text.review.unwrap_or(Review::Before),
                false => Review::None,
            },
            when: places.resolve(&text.when, OBLIGATIONS, defects),
        }
    });
    each.collect()
}

/// The id of a row that has a person look. A kept pack of before they had any names none.
fn named(id: Option<Arc<str>>, defects: &mut Vec<Defect>) -> Arc<str> {
    let id = id.filter(|id| !id.is_empty());
    if id.is_none() {
        let message = "a row that has a person look needs an `id`, or nobody could say why";
        defects.push(defect(OBLIGATIONS, "policy-table", message));
    }
    id.unwrap_or_else(|| Arc::from("unnamed"))
}
