//! Words of explanations, English and Spanish: a table of the pack.
//!
//! Every reason a paper is judged by and every fact has exactly one row, or the pack has a defect.
//! A kept pack that is older than the table tells facts by their own words.

use super::facts::Flag;
use super::spanish::Reviewed;
use super::tables::{TABLE_MISSING, defect, read};
use super::why::Why;
use crate::base::defect::Defect;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const FILE: &str = "policies/explanations.toml";

/// One phrase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Phrase {
    /// In plain English.
    pub en: Arc<str>,
    /// In plain Spanish.
    pub es: Arc<str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    en: Arc<str>,
    es: Arc<str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    es_reviewer: Option<Arc<str>>,
    nothing_opens: Phrase,
    not_effective: Phrase,
    #[serde(default)]
    signer_out: Phrase,
    #[serde(default)]
    handed_on: Phrase,
    #[serde(default)]
    not_evaluated: Phrase,
    #[serde(default)]
    class_unknown: Phrase,
    #[serde(default)]
    question_lacks: Phrase,
    paper: Vec<Row>,
    fact: Vec<Row>,
    #[serde(default)]
    review: Vec<Row>,
}

/// All phrases.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Why a class stays that nobody forbids.
    pub nothing_opens: Phrase,
    /// Why a paper opens nothing whoever lodged it has no say.
    pub not_effective: Phrase,
    /// Why a paper opens nothing that a fact takes out.
    pub signer_out: Phrase,
    /// Why a paper opens nothing that the sender may have been given something under.
    pub handed_on: Phrase,
    /// Why a class stays where a policy could not be evaluated.
    pub not_evaluated: Phrase,
    /// Why a class stays that is none of the vocabulary.
    pub class_unknown: Phrase,
    /// Why all classes of a question stay that cannot be decided.
    pub question_lacks: Phrase,
    /// Whether nobody has reviewed the Spanish of it.
    pub es_machine_draft: bool,
    papers: BTreeMap<String, Phrase>,
    facts: BTreeMap<String, Phrase>,
    /// Filled before it is known who asks, see [`Words::say_reviews`].
    reviews: BTreeMap<String, Phrase>,
}

impl Words {
    /// Reads the table.
    pub(super) fn read(files: &BTreeMap<String, String>, defects: &mut Vec<Defect>) -> Words {
        let Some(table) = read::<Table>(files, FILE, defects) else {
            return Words::default();
        };
        let reviewed = Reviewed::read(files, defects);
        for (id, phrase) in [
            ("signer_out", &table.signer_out),
            ("handed_on", &table.handed_on),
            ("not_evaluated", &table.not_evaluated),
            ("class_unknown", &table.class_unknown),
            ("question_lacks", &table.question_lacks),
        ] {
            if phrase.en.is_empty() || phrase.es.is_empty() {
                defects.push(defect(FILE, TABLE_MISSING, format!("no words for `{id}`")));
            }
        }
        let over = |phrase: Phrase| match reviewed.of(&phrase.en) {
            Some(es) => Phrase {
                es: Arc::clone(es),
                ..phrase
            },
            None => phrase,
        };
        let own = reviewed.of(&table.nothing_opens.en).is_some();
        let papers = Why::ALL.iter().map(|why| why.id());
        let facts = Flag::ALL.iter().map(|flag| flag.name());
        Words {
            papers: complete(("paper", table.paper), papers, (&over, defects)),
            facts: complete(("fact", table.fact), facts, (&over, defects)),
            reviews: by_id(("review", table.review), (&over, defects)),
            nothing_opens: over(table.nothing_opens),
            not_effective: over(table.not_effective),
            signer_out: over(table.signer_out),
            handed_on: over(table.handed_on),
            not_evaluated: over(table.not_evaluated),
            class_unknown: over(table.class_unknown),
            question_lacks: over(table.question_lacks),
            es_machine_draft: table.es_reviewer.is_none() && !own,
        }
    }

    /// Why a paper counts or does not.
    pub fn paper(&self, why: Why) -> Phrase {
        self.papers.get(why.id()).cloned().unwrap_or_default()
    }

    /// Who asks is known once the obligations are read: each has words, and no others do.
    pub(super) fn say_reviews(&mut self, asking: &[&str], defects: &mut Vec<Defect>) {
        let all = std::mem::take(&mut self.reviews);
        self.reviews = exactly(("review", all), asking.iter().copied(), defects);
    }

    /// Why a row asks for a look.
    pub(super) fn review(&self, by: &str) -> Option<&Phrase> {
        self.reviews.get(by)
    }

    /// What a fact says.
    pub fn fact(&self, flag: Flag) -> Phrase {
        let own = || Phrase {
            en: Arc::from(flag.text()),
            es: Arc::from(flag.text()),
        };
        self.facts.get(flag.name()).cloned().unwrap_or_else(own)
    }
}

/// The rows by id; each id that has none or several, and each row of another id, is a defect.
fn complete<'a>(
    (what, rows): (&str, Vec<Row>),
    ids: impl Iterator<Item = &'a str>,
    (over, defects): (&dyn Fn(Phrase) -> Phrase, &mut Vec<Defect>),
) -> BTreeMap<String, Phrase> {
    let rows = by_id((what, rows), (over, &mut *defects));
    exactly((what, rows), ids, defects)
}

/// The rows by id; an id that has several is a defect.
fn by_id(
    (what, rows): (&str, Vec<Row>),
    (over, defects): (&dyn Fn(Phrase) -> Phrase, &mut Vec<Defect>),
) -> BTreeMap<String, Phrase> {
    let mut found: BTreeMap<String, Phrase> = BTreeMap::new();
    for Row { id, en, es } in rows {
        let phrase = over(Phrase { en, es });
        if found.insert(id.clone(), phrase).is_some() {
            let message = format!("two rows for the {what} `{id}`");
            defects.push(defect(FILE, "policy-table", message));
        }
    }
    found
}

/// The phrases of these ids; each id that has none, and each phrase of another, is a defect.
fn exactly<'a>(
    (what, mut left): (&str, BTreeMap<String, Phrase>),
    ids: impl Iterator<Item = &'a str>,
    defects: &mut Vec<Defect>,
) -> BTreeMap<String, Phrase> {
    let mut out: BTreeMap<String, Phrase> = BTreeMap::new();
    // Several rows may ask under one id.
    let ids: BTreeSet<&str> = ids.collect();
    for id in ids {
        match left.remove(id) {
            Some(phrase) => drop(out.insert(id.to_owned(), phrase)),
            None => {
                let message = format!("no row for the {what} `{id}`");
                defects.push(defect(FILE, TABLE_MISSING, message));
            }
        }
    }
    for id in left.keys() {
        let message = format!("unknown {what} `{id}`");
        defects.push(defect(FILE, "policy-table", message));
    }
    out
}
