//! Overlays: what a deployment lays over the shipped catalog may add; where it replaces, no label
//! may be lost.
//!
//! A schema replaced must give every path at least the classes it had, its persons, its narrative
//! mark and its way of naming a person. A mapping replaced must not read a wire path into a less
//! labelled place than before ([`rows`]); a format and a code table that labels must only add to
//! what was shipped ([`additive`]).

mod additive;
mod rows;

use super::schema::{About, Compared, Shape, compile_all};
use super::{SourceFile, Sources};
use crate::base::defect::Defect;
use crate::base::vocabulary::ClassSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Shapes by path below `schemas/`.
type Shapes = BTreeMap<String, Arc<Shape>>;

const CODE: &str = "overlay-weakens-labels";

/// Defects of files that replace shipped ones.
pub fn check(sources: &Sources) -> Vec<Defect> {
    let mut defects = Vec::new();
    let replaced = sources.files.values();
    let replaced: Vec<&SourceFile> = replaced.filter(|file| file.shipped.is_some()).collect();
    if replaced.is_empty() {
        return defects;
    }
    let shipped = shipped_shapes(sources);
    for (path, shape) in &sources.schemas {
        if let (Some(old), true) = (shipped.get(path), path.starts_with("canonical/")) {
            weaker_labels(path, old, shape, &mut defects);
        }
    }
    for file in replaced {
        let path = file.path.as_str();
        if path.ends_with("/format.toml") {
            additive::format(file, &mut defects);
        } else if path.starts_with("mappings/crosswalks/") {
            additive::crosswalk(file, sources, &shipped, &mut defects);
        } else if path.starts_with("mappings/") && !path.ends_with(super::billing::FILE) {
            rows::check(file, sources, &shipped, &mut defects);
        }
    }
    defects
}

/// The shapes as they were shipped: every replaced schema in its shipped text.
fn shipped_shapes(sources: &Sources) -> Shapes {
    let mut texts: BTreeMap<String, &str> = BTreeMap::new();
    for (path, file) in &sources.files {
        let Some(name) = path.strip_prefix("schemas/") else {
            continue;
        };
        let own = (!file.overlay).then_some(file.text.as_str());
        let shipped = own.or(file.shipped.as_deref());
        let read = path.ends_with(".schema.json") && !name.starts_with("kinbridge/");
        if let Some(text) = shipped.filter(|_| read) {
            texts.insert(name.to_owned(), text);
        }
    }
    compile_all(&texts).0
}

fn weaker_labels(path: &str, old: &Shape, new: &Shape, defects: &mut Vec<Defect>) {
    let (before, after) = (labels(old), labels(new));
    let mut tell = |message: String, help: &str| {
        defects.push(Defect {
            file: format!("schemas/{path}"),
            line: 0,
            column: 0,
            code: CODE,
            message,
            help: help.to_owned(),
        });
    };
    let mut gone = ClassSet::EMPTY;
    for (leaf, old) in &before {
        let Some(new) = after.get(leaf) else {
            gone = old.iter().fold(gone, |all, label| all.union(label.classes));
            continue;
        };
        // Behind a `oneOf` a path has labels per variant, in the order of the file.
        let same = old.len() == new.len();
        let weaker = |(at, it): (usize, &Label)| {
            let facing = if same {
                new.get(at..=at)
            } else {
                Some(new.as_slice())
            };
            facing.unwrap_or_default().iter().any(|n| n.is_weaker(it))
        };
        if old.iter().enumerate().any(weaker) {
            let message = format!(
                "`{leaf}` loses a data class or its narrative mark, is about someone else, or \
                 names a person otherwise"
            );
            tell(message, "an overlay may add classes, never take one away");
        }
    }
    // Where something went, what is new may be the same thing under another name.
    for (leaf, new) in after.iter().filter(|(leaf, _)| !before.contains_key(*leaf)) {
        if new
            .iter()
            .any(|label| !gone.without(label.classes).is_empty())
        {
            let message = format!("`{leaf}` is new and lacks data classes of what is gone");
            tell(
                message,
                "keep what was there, or give its classes to what is new",
            );
        }
    }
}

/// What a leaf's schema says of whoever may see it.
struct Label {
    classes: ClassSet,
    about: Option<About>,
    narrative: bool,
    statewide: Option<Compared>,
}

impl Label {
    fn is_weaker(&self, old: &Label) -> bool {
        !old.classes.without(self.classes).is_empty()
            || old.about != self.about
            || (old.narrative && !self.narrative)
            || old.statewide != self.statewide
    }
}

fn labels(shape: &Shape) -> BTreeMap<String, Vec<Label>> {
    let mut out: BTreeMap<String, Vec<Label>> = BTreeMap::new();
    shape.leaves(&mut |leaf, at| {
        out.entry(leaf.to_owned()).or_default().push(Label {
            classes: at.classes,
            about: at.about.clone(),
            narrative: at.narrative,
            statewide: at.statewide,
        });
    });
    out
}

#[cfg(test)]
mod tests {
    //! Goal: an overlay cannot take a label away. Method: shipped files laid over with changes.
    use super::*;
    use crate::catalog::{files, from_files};

    fn codes(path: &str, from: &str, to: &str) -> Vec<&'static str> {
        laid(&[(path, from, to)])
    }

    /// What is told when shipped files are laid over with one change each.
    pub(super) fn laid(changes: &[(&str, &str, &str)]) -> Vec<&'static str> {
        let (mut all, mut defects) = files::read(&[]);
        for (path, from, to) in changes {
            let file = all.get_mut(*path).expect("a shipped file");
            let shipped = file.text.clone();
            assert!(shipped.contains(from), "{path} holds {from}");
            file.text = shipped.replacen(from, to, 1);
            file.shipped = Some(shipped);
            file.overlay = true;
        }
        from_files(all, &mut defects);
        let mut codes: Vec<&str> = defects.iter().map(|defect| defect.code).collect();
        codes.dedup();
        codes
    }

    #[test]
    fn a_schema_may_gain_classes_and_not_lose_one() {
        let path = "schemas/canonical/part/person.schema.json";
        let old = "\"x-data-class\": [\"juvenile_case_file\", \"demographics\"]";
        let more = "\"x-data-class\": [\"juvenile_case_file\", \"demographics\", \"sogi\"]";
        assert!(
            codes(path, old, more).is_empty(),
            "{:?}",
            codes(path, old, more)
        );
        let less = "\"x-data-class\": [\"demographics\"]";
        assert_eq!(codes(path, old, less), ["overlay-weakens-labels"]);
    }

    #[test]
    fn a_mapping_may_not_read_into_a_less_labelled_place() {
        let path = "mappings/provider-csv/1.0/engagement-contact.toml";
        let old = "record = \"body.location_type\"";
        let weaker = "record = \"body.program_code\"";
        assert!(codes(path, old, weaker).contains(&"overlay-weakens-labels"));
    }

    #[test]
    fn free_text_stays_free_text_and_names_of_persons_stay_what_they_are() {
        let path = "schemas/canonical/engagement-contact.schema.json";
        let mark = "\"x-narrative\": true";
        assert_eq!(codes(path, mark, "\"x-narrative\": false"), [CODE]);
        let path = "schemas/canonical/part/person.schema.json";
        let mark = "\"x-identifier\": \"statewide\"";
        let other = "\"x-identifier\": \"statewide-any-case\"";
        assert!(codes(path, mark, other).contains(&CODE));
    }

    #[test]
    fn what_is_renamed_keeps_its_classes() {
        let schema = "schemas/canonical/engagement-contact.schema.json";
        let old = "\"mandated_report_made\": {\n          \"type\": \"boolean\",\n          \
                   \"x-data-class\": \"abuse_report\",";
        let same = old.replace("mandated_report_made", "report_made");
        assert_eq!(codes(schema, old, &same), [""; 0]);
        let less = "\"report_made\": { \"type\": \"boolean\",";
        assert_eq!(codes(schema, old, less), [CODE]);
    }
}
