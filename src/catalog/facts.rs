//! The closed list of facts partners may assert: the rows of `policies/facts.toml`.
//!
//! Law is data: who may assert a kind, about whom, for how long, and whether a second human has to
//! confirm it. A row with an unknown word, a fact of a question without a row or with two, and a
//! form the engine does not read are defects, never a guess. A county's file can only shorten how
//! long a confirmation of standing counts.

use super::files::is_table;
use super::partner::Partner;
use super::{SourceFile, read_toml, whole};
use crate::base::defect::Defect;
use crate::base::fact_key::{FactKey, FactShape};
use crate::base::vocabulary::SourceRole;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use toml::Spanned;

/// The shipped file.
pub const SHIPPED: &str = "policies/facts.toml";
const STANDING_DAYS_MAX: u32 = 365;

/// Files of this kind: `policies/facts.toml` and `policies/facts-<name>.toml`.
pub fn is_file(path: &str) -> bool {
    is_table("facts", path)
}

/// All rows, checked.
#[derive(Clone, Debug, Default)]
pub struct FactLaw {
    /// In the order of the file.
    pub kinds: Vec<FactKind>,
    /// How long a confirmation of standing counts, days; the shortest of all files.
    pub standing_max_age_days: u32,
}

/// One kind of fact.
#[derive(Clone, Debug)]
pub struct FactKind {
    /// As partners name it.
    pub id: String,
    /// What it gives to a question.
    pub key: FactKey,
    /// Toward whom it is asserted.
    pub about: About,
    /// Who may assert it.
    pub asserters: Vec<SourceRole>,
    /// Whether a second human must confirm it before it opens anything.
    pub confirm: bool,
    /// How long it can hold.
    pub validity: Validity,
    /// What it cites.
    pub citations: Vec<String>,
    /// V: seen in a named source; K: background knowledge, not confirmed.
    pub mark: String,
    /// From which day on, `YYYY-MM-DD`.
    pub effective: String,
    /// Who answers for it.
    pub owner: String,
    /// What it says, in English.
    pub plain_en: String,
    /// What it says, in Spanish.
    pub plain_es: String,
    /// Whether nobody has reviewed the Spanish.
    pub es_machine_draft: bool,
}

/// Toward whom a kind is asserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Of the person alone.
    Subject,
    /// Of the person toward one partner.
    Recipient,
    /// Toward one partner, or against another person, or against whomever.
    RecipientOrPerson,
}

impl About {
    /// As the table writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            About::Subject => "subject",
            About::Recipient => "recipient",
            About::RecipientOrPerson => "recipient_or_person",
        }
    }
}

/// How long a fact can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Until it is ended.
    Open,
    /// So many local days, the first one included.
    Days(u32),
    /// So many hours from when it was entered.
    Hours(u32),
}

impl FactLaw {
    /// The kind of that name.
    pub fn kind(&self, id: &str) -> Option<&FactKind> {
        self.kinds.iter().find(|kind| kind.id == id)
    }

    /// The kind that gives this fact.
    pub fn giving(&self, key: FactKey) -> Option<&FactKind> {
        self.kinds.iter().find(|kind| kind.key == key)
    }

    /// Reads the rows of all files; each row that cannot be understood is told and left out.
    pub fn read(files: &BTreeMap<String, SourceFile>) -> (FactLaw, Vec<Defect>) {
        let mut reader = Reader::default();
        match files.get(SHIPPED) {
            Some(file) => reader.shipped(file),
            None => {
                let defect = whole(SHIPPED, "fact-law-missing", "the file is missing");
                reader.defects.push(defect);
            }
        }
        for (path, file) in files {
            if is_file(path) && path != SHIPPED {
                reader.county(file);
            }
        }
        (reader.law, reader.defects)
    }
}

impl FactKind {
    /// Whether a partner of this role may assert it at all.
    pub fn may_be_asserted_by(&self, role: SourceRole) -> bool {
        self.asserters.contains(&role)
    }

    /// Whether this partner may, by its role and by its file.
    pub fn is_asserted_by(&self, partner: &Partner) -> bool {
        let role = partner.source_role();
        role.is_some_and(|role| self.may_be_asserted_by(role)) && partner.asserts.contains(&self.id)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShippedFile {
    owner: String,
    effective: Spanned<toml::value::Datetime>,
    standing_max_age_days: Spanned<u32>,
    kind: Vec<Spanned<KindText>>,
}

/// A county's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountyFile {
    standing_max_age_days: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindText {
    id: Spanned<String>,
    sets: Spanned<String>,
    value: Spanned<String>,
    words: Option<Vec<String>>,
    about: About,
    #[serde(default)]
    restrictive: bool,
    asserters: Vec<Spanned<String>>,
    #[serde(default)]
    confirm: bool,
    days_max: Option<u32>,
    hours_max: Option<u32>,
    #[serde(default)]
    fresh: bool,
    citation: Spanned<String>,
    mark: Spanned<String>,
    plain_en: String,
    plain_es: String,
    #[serde(default)]
    es_reviewer: String,
}

#[derive(Default)]
struct Reader {
    law: FactLaw,
    /// What a county's file can shorten.
    shipped_days: u32,
    defects: Vec<Defect>,
}

impl Reader {
    fn wrong(&mut self, file: &SourceFile, span: Range<usize>, message: impl Into<String>) {
        let defect = file.defect(Some(span), "fact-law-invalid", message.into());
        self.defects.push(defect);
    }

    fn shipped(&mut self, file: &SourceFile) {
        let Some(read) = read_toml::<ShippedFile>(file, &mut self.defects) else {
            return;
        };
        let date = read.effective.as_ref();
        let day = date.date.filter(|_| date.time.is_none());
        if day.is_none() {
            let message = "`effective` is a day, YYYY-MM-DD";
            self.wrong(file, read.effective.span(), message);
        }
        let days = *read.standing_max_age_days.as_ref();
        self.age(file, &read.standing_max_age_days);
        self.law.standing_max_age_days = days;
        self.shipped_days = days;
        let mut ids = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for text in read.kind {
            let (span, text) = (text.span(), text.into_inner());
            if !ids.insert(text.id.as_ref().clone()) {
                let message = format!("two rows are called `{}`", text.id.as_ref());
                self.wrong(file, text.id.span(), message);
            }
            let before = self.defects.len();
            let kind = self.kind(file, span, text);
            let Some(mut kind) = kind.filter(|_| self.defects.len() == before) else {
                continue;
            };
            kind.owner.clone_from(&read.owner);
            kind.effective = day.map(|day| day.to_string()).unwrap_or_default();
            keys.insert(kind.key);
            self.law.kinds.push(kind);
        }
        for key in FactKey::ALL.iter().filter(|key| !keys.contains(key)) {
            let message = format!("no sound row gives `{key}`");
            self.wrong(file, 0..0, message);
        }
    }

    fn county(&mut self, file: &SourceFile) {
        let Some(read) = read_toml::<CountyFile>(file, &mut self.defects) else {
            return;
        };
        self.age(file, &read.standing_max_age_days);
        let days = *read.standing_max_age_days.as_ref();
        let shipped = self.shipped_days;
        if days > shipped {
            let message = format!("longer than the shipped {shipped} days: the shortest counts");
            self.wrong(file, read.standing_max_age_days.span(), message);
        }
        self.law.standing_max_age_days = self.law.standing_max_age_days.min(days);
    }

    fn age(&mut self, file: &SourceFile, days: &Spanned<u32>) {
        if !(1..=STANDING_DAYS_MAX).contains(days.as_ref()) {
            let message = format!("1 to {STANDING_DAYS_MAX} days");
            self.wrong(file, days.span(), message);
        }
    }

    fn kind(&mut self, file: &SourceFile, span: Range<usize>, text: KindText) -> Option<FactKind> {
        let key: FactKey = match text.sets.as_ref().parse() {
            Ok(key) => key,
            Err(_) => {
                let message = format!("`{}` is no fact of a question", text.sets.as_ref());
                self.wrong(file, text.sets.span(), message);
                return None;
            }
        };
        if self.law.kinds.iter().any(|kind| kind.key == key) {
            self.wrong(file, text.sets.span(), "two rows give the same fact");
        }
        self.form(file, key, &text);
        self.effect(file, key, &text);
        let validity = self.validity(file, span.clone(), &text);
        let mut asserters = Vec::with_capacity(text.asserters.len());
        for word in &text.asserters {
            match word.as_ref().parse() {
                Ok(role) => asserters.push(role),
                Err(error) => self.wrong(file, word.span(), format!("{error}")),
            }
        }
        if asserters.is_empty() {
            self.wrong(file, span, "nobody may assert it");
        }
        let mark = text.mark.as_ref().clone();
        if !matches!(mark.as_str(), "V" | "K") {
            self.wrong(file, text.mark.span(), "a mark is V or K");
        }
        let citations: Vec<String> = text
            .citation
            .as_ref()
            .split(' ')
            .map(str::to_owned)
            .collect();
        if citations.iter().any(String::is_empty) {
            self.wrong(
                file,
                text.citation.span(),
                "give citations, one space between them",
            );
        }
        Some(FactKind {
            id: text.id.into_inner(),
            key,
            about: text.about,
            asserters,
            confirm: text.confirm,
            validity,
            citations,
            mark,
            effective: String::new(),
            owner: String::new(),
            plain_en: text.plain_en,
            plain_es: text.plain_es,
            es_machine_draft: text.es_reviewer.is_empty(),
        })
    }

    /// What it says of its effect is what the engine does.
    fn effect(&mut self, file: &SourceFile, key: FactKey, text: &KindText) {
        if text.restrictive != key.restricts() {
            let message = match key.restricts() {
                true => "this fact only closes: say `restrictive = true`",
                false => "this fact opens: it is not restrictive",
            };
            self.wrong(file, text.sets.span(), message);
        }
        if text.fresh != key.must_be_known() {
            let message = match key.must_be_known() {
                true => "this fact must be known lately: say `fresh = true`",
                false => "nothing asks how old this fact is: take `fresh` out",
            };
            self.wrong(file, text.sets.span(), message);
        }
    }

    fn validity(&mut self, file: &SourceFile, span: Range<usize>, text: &KindText) -> Validity {
        match (text.days_max, text.hours_max) {
            (None, None) => Validity::Open,
            (Some(days), None) if days > 0 => Validity::Days(days),
            (None, Some(hours)) if hours > 0 => Validity::Hours(hours),
            _ => {
                let message = "one of `days_max` and `hours_max`, above zero";
                self.wrong(file, span, message);
                Validity::Open
            }
        }
    }

    /// The form of the value is the one the engine reads.
    fn form(&mut self, file: &SourceFile, key: FactKey, text: &KindText) {
        let shape = key.shape();
        if text.value.as_ref() != shape.as_str() {
            let message = format!("the engine reads a {} here", shape.as_str());
            self.wrong(file, text.value.span(), message);
        }
        let words = match shape {
            FactShape::Word(words) => words,
            _ => &[],
        };
        let told = text.words.as_deref().unwrap_or_default();
        if !told.iter().map(String::as_str).eq(words.iter().copied()) {
            let message = format!("the words, the one that opens least last: {words:?}");
            self.wrong(file, text.value.span(), message);
        }
    }
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
