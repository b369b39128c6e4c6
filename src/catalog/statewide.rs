//! Which members of a person are identifiers that hold statewide, as the canonical schemas mark
//! them with `x-identifier`.
//!
//! Compiled once from the shapes. It must never name a member itself.

use super::schema::{Compared, Kind, Shape};
use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::spelling::letters;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where an identifier may be marked, in the notation of [`Shape::at`].
const PERSONS: &str = "persons[]";

/// Names of a person's members that are identifiers valid statewide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statewide(Vec<Mark>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    name: Text,
    compared: Compared,
    /// The form of its values.
    pattern: Option<Text>,
}

impl Mark {
    fn of(name: &Text, member: &Shape) -> Option<Mark> {
        Some(Mark {
            name: name.clone(),
            compared: member.statewide?,
            pattern: match &member.kind {
                Kind::Text(rule) => rule.pattern.clone(),
                _ => None,
            },
        })
    }
}

impl Statewide {
    /// Reads the marks of all record schemas; a mark elsewhere than on a person is a defect.
    pub fn compile(shapes: &BTreeMap<String, Arc<Shape>>) -> (Statewide, Vec<Defect>) {
        let (mut names, mut defects) = (Vec::new(), Vec::new());
        let canonical = shapes
            .iter()
            .filter(|(path, _)| path.starts_with("canonical/"));
        for (path, shape) in canonical {
            let Some(person) = shape.at(PERSONS) else {
                continue;
            };
            let marked = person
                .members()
                .iter()
                .filter_map(|(name, member)| Mark::of(name, member));
            for mark in marked {
                if !names.contains(&mark) {
                    names.push(mark);
                }
            }
            shape.leaves(&mut |leaf, at| {
                let own = leaf
                    .strip_prefix(PERSONS)
                    .and_then(|rest| rest.strip_prefix('.'));
                if at.statewide.is_some() && own.is_none_or(|name| name.contains(['.', '['])) {
                    let message = format!("`{leaf}` is marked and is no member of a person");
                    let file = format!("schemas/{path}");
                    defects.push(super::whole(&file, "schema-identifier-misplaced", message));
                }
            });
        }
        (Statewide(names), defects)
    }

    /// Whether a naming system of that name holds statewide.
    pub fn contains(&self, name: &str) -> bool {
        self.mark(name).is_some()
    }

    /// The name of the naming system a text means, where it spells it otherwise.
    pub fn misspelled(&self, text: &str) -> Option<&str> {
        let meant = self.names().find(|name| letters(name) == letters(text))?;
        (text.trim() != meant).then_some(meant)
    }

    /// Whether a value has the form of that naming system; of one that is none any has.
    pub fn fits(&self, system: &str, value: &str) -> bool {
        let pattern = self.mark(system).and_then(|mark| mark.pattern.as_deref());
        pattern.is_none_or(|pattern| {
            let form = regex::Regex::new(pattern);
            form.is_ok_and(|form| form.is_match(&self.compared(system, value)))
        })
    }

    fn mark(&self, name: &str) -> Option<&Mark> {
        self.0.iter().find(|mark| mark.name.as_str() == name)
    }

    /// All names, in the order of the schema.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|mark| mark.name.as_str())
    }

    /// A value as values of that naming system are compared: without surrounding space, and
    /// otherwise as it is written unless the schema says that more makes no difference.
    pub fn compared(&self, system: &str, value: &str) -> String {
        match self.mark(system).map(|mark| mark.compared) {
            Some(Compared::AnyCase) => value
                .chars()
                .filter(|c| !c.is_whitespace())
                .flat_map(char::to_uppercase)
                .collect(),
            _ => value.trim().to_owned(),
        }
    }

    /// The same for `system|value`.
    pub fn compared_text(&self, identifier: &str) -> String {
        let (system, value) = identifier.split_once('|').unwrap_or(("", identifier));
        let system = system.trim();
        format!("{system}|{}", self.compared(system, value))
    }
}

#[cfg(test)]
mod tests {
    //! Goal: the schema says what holds statewide, and only a person's own members can.
    //! Method: the shipped schemas, with a mark moved.
    use crate::catalog::{files, from_files};

    fn compiled(path: &str, from: &str, to: &str) -> (Vec<String>, Vec<&'static str>) {
        let (mut all, mut defects) = files::read(&[]);
        let file = all.get_mut(path).expect("a shipped file");
        assert!(file.text.contains(from), "{path} holds {from}");
        file.text = file.text.replacen(from, to, 1);
        let sources = from_files(all, &mut defects);
        let names = sources.statewide.names().map(str::to_owned).collect();
        let mut codes: Vec<_> = defects.iter().map(|defect| defect.code).collect();
        codes.dedup();
        (names, codes)
    }

    #[test]
    fn a_mark_in_the_schema_makes_an_identifier_statewide() {
        let person = "schemas/canonical/part/person.schema.json";
        let mark = "\"x-identifier\": \"statewide\",";
        let (names, codes) = compiled(person, mark, mark);
        assert_eq!(names, ["cws_client_id", "cin"]);
        assert!(codes.is_empty(), "{codes:?}");
        let (names, codes) = compiled(person, mark, "");
        assert_eq!(names, ["cin"]);
        assert!(codes.is_empty(), "{codes:?}");
        let (names, codes) = compiled(person, "\"statewide\"", "\"everywhere\"");
        assert_eq!(names, ["cin"]);
        assert_eq!(codes, ["schema-value-invalid"]);
    }

    #[test]
    fn a_mark_elsewhere_is_a_defect() {
        let zip = "schemas/canonical/part/zip.schema.json";
        let marked = "\"type\": \"string\", \"x-identifier\": \"statewide\"";
        let (_, codes) = compiled(zip, "\"type\": \"string\"", marked);
        assert_eq!(codes, ["schema-identifier-misplaced"]);
    }
}
