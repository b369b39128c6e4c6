//! Spanish a county has had reviewed: files it lays over the pack, for the words of the printed
//! forms and of explanations.
//!
//! A row stands for one English text, word for word: where that changes, what was reviewed no
//! longer says it, and the row is a defect. It never changes the English, and nothing without a
//! reviewer.

use super::tables::defect;
use crate::base::defect::Defect;
use crate::catalog::files::is_table;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The files whose words it may say.
const TOLD: [&str; 2] = ["policies/forms.toml", "policies/explanations.toml"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Who reviewed it, and when.
    es_reviewer: String,
    text: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    en: String,
    es: Arc<str>,
}

/// Reviewed Spanish, by its English.
#[derive(Debug, Default)]
pub struct Reviewed(BTreeMap<String, Arc<str>>);

impl Reviewed {
    /// Reads the files `policies/spanish-<name>.toml` among those of a pack; a file without a
    /// reviewer, a text nobody says and one said in two ways are defects.
    pub fn read(files: &BTreeMap<String, String>, defects: &mut Vec<Defect>) -> Reviewed {
        let mut all = Reviewed::default();
        let own = files.iter().filter(|(path, _)| is_table("spanish", path));
        let mut own = own.peekable();
        let said = match own.peek() {
            Some(_) => english(files),
            None => return all,
        };
        for (path, text) in own {
            let mut tell = |message: &str| defects.push(defect(path, "policy-spanish", message));
            let Ok(file) = toml::from_str::<File>(text) else {
                tell("it holds `es_reviewer` and rows `[[text]]` with `en` and `es`");
                continue;
            };
            if file.es_reviewer.trim().is_empty() {
                tell("`es_reviewer` names who reviewed it");
                continue;
            }
            for row in file.text {
                let start: String = row.en.chars().take(40).collect();
                if !said.contains(&row.en) || row.es.trim().is_empty() {
                    tell(&format!(
                        "no form or explanation says `{start}`, or its Spanish is empty"
                    ));
                }
                let before = all.0.insert(row.en, Arc::clone(&row.es));
                if before.is_some_and(|before| before != row.es) {
                    tell(&format!("`{start}` is said in two ways"));
                }
            }
        }
        all
    }

    /// The reviewed Spanish of an English text.
    pub fn of(&self, english: &str) -> Option<&Arc<str>> {
        self.0.get(english)
    }

    /// Puts it over every text of a table, and marks each.
    pub fn lay_over(&self, value: &mut toml::Value) {
        match value {
            toml::Value::Table(table) => {
                let en = table.get("en").and_then(toml::Value::as_str);
                if let Some(es) = en.and_then(|en| self.of(en)) {
                    table.insert("es".to_owned(), toml::Value::String(es.to_string()));
                    table.insert("reviewed".to_owned(), toml::Value::Boolean(true));
                }
                table.iter_mut().for_each(|(_, inner)| self.lay_over(inner));
            }
            toml::Value::Array(list) => list.iter_mut().for_each(|inner| self.lay_over(inner)),
            _ => {}
        }
    }
}

/// Every English text of the tables.
fn english(files: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let tables = TOLD.iter().filter_map(|path| files.get(*path));
    for text in tables {
        if let Ok(table) = toml::from_str::<toml::Value>(text) {
            gather(&table, &mut out);
        }
    }
    out
}

fn gather(value: &toml::Value, out: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            let en = table.get("en").and_then(toml::Value::as_str);
            out.extend(en.map(str::to_owned));
            table.values().for_each(|inner| gather(inner, out));
        }
        toml::Value::Array(list) => list.iter().for_each(|inner| gather(inner, out)),
        _ => {}
    }
}
