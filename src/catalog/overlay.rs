//! Overlays: what a deployment lays over the shipped catalog may add; where it replaces, no label
//! may be lost.
//!
//! A schema replaced must give every path at least the classes it had. A mapping replaced must not
//! read a wire path into a less labelled place than before.

use super::mapping::{EachSource, MappingFile, RuleSource};
use super::schema::{About, Shape, compile_all};
use super::{SourceFile, Sources};
use crate::base::defect::Defect;
use crate::base::vocabulary::ClassSet;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::Spanned;

/// Defects of files that replace shipped ones.
pub fn check(sources: &Sources) -> Vec<Defect> {
    let mut defects = Vec::new();
    let replaced: Vec<&SourceFile> = sources
        .files
        .values()
        .filter(|file| file.shipped.is_some())
        .collect();
    if replaced.is_empty() {
        return defects;
    }
    let shipped = shipped_shapes(sources);
    for (path, shape) in &sources.schemas {
        if let (Some(old), true) = (shipped.get(path), path.starts_with("canonical/")) {
            weaker_labels(path, old, shape, &mut defects);
        }
    }
    for file in replaced
        .iter()
        .filter(|file| file.path.starts_with("mappings/"))
    {
        let source = sources
            .mappings
            .iter()
            .find(|mapping| mapping.file == file.path);
        let record = source.and_then(|mapping| {
            sources
                .schemas
                .get(&format!("canonical/{}.schema.json", mapping.record))
        });
        let (Some(source), Some(record), Some(old)) = (source, record, &file.shipped) else {
            continue;
        };
        if let Ok(old) = toml::from_str::<MappingFile>(old) {
            weaker_rows(file, &old, &source.body, record, &mut defects);
        }
    }
    defects
}

/// The shapes as they were shipped: every replaced schema in its shipped text.
fn shipped_shapes(sources: &Sources) -> BTreeMap<String, Arc<Shape>> {
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
    let mut lost = Vec::new();
    for (leaf, old) in &before {
        // A path that is gone holds nothing, and so discloses nothing.
        let Some(new) = after.get(leaf) else { continue };
        // Behind a `oneOf` a path has labels per variant, in the order of the file.
        let same = old.len() == new.len();
        let weaker = |(at, it): (usize, &Label)| {
            let facing = if same {
                new.get(at..=at)
            } else {
                Some(new.as_slice())
            };
            let facing = facing.unwrap_or_default();
            facing
                .iter()
                .any(|n| !it.0.without(n.0).is_empty() || it.1 != n.1)
        };
        if old.iter().enumerate().any(weaker) {
            lost.push(leaf.clone());
        }
    }
    for leaf in lost {
        defects.push(Defect {
            file: format!("schemas/{path}"),
            line: 0,
            column: 0,
            code: "overlay-weakens-labels",
            message: format!("`{leaf}` loses a data class or is about someone else"),
            help: "an overlay may add classes, never take one away".to_owned(),
        });
    }
}

type Label = (ClassSet, Option<About>);

fn labels(shape: &Shape) -> BTreeMap<String, Vec<Label>> {
    let mut out: BTreeMap<String, Vec<Label>> = BTreeMap::new();
    shape.leaves(&mut |leaf, at| {
        let label = (at.classes, at.about.clone());
        out.entry(leaf.to_owned()).or_default().push(label);
    });
    out
}

/// Wire paths that are read into less labelled places than before.
fn weaker_rows(
    file: &SourceFile,
    old: &MappingFile,
    new: &MappingFile,
    record: &Shape,
    defects: &mut Vec<Defect>,
) {
    let (before, after) = (readings(old, record), readings(new, record));
    for (wire, (classes, span)) in &after {
        let Some((shipped, _)) = before.get(wire) else {
            continue;
        };
        if !shipped.without(*classes).is_empty() {
            let message = format!("`{wire}` is read into a place with fewer data classes");
            let mut defect = file.defect(Some(span.clone()), "overlay-weakens-labels", message);
            defect.help = "keep the record path, or choose one with all its classes".to_owned();
            defects.push(defect);
        }
    }
}

type Readings = BTreeMap<String, (ClassSet, std::ops::Range<usize>)>;

/// The classes each wire path is read into.
fn readings(file: &MappingFile, record: &Shape) -> Readings {
    let mut out = Readings::new();
    rows(
        &file.rule,
        &file.each,
        &Context {
            wire: "",
            record: "",
            shape: record,
        },
        &mut out,
    );
    for template in &file.template {
        let template = template.as_ref();
        let context = Context {
            wire: template.name.as_ref(),
            record: "persons[]",
            shape: record,
        };
        rows(&template.rule, &template.each, &context, &mut out);
    }
    out
}

struct Context<'a> {
    wire: &'a str,
    record: &'a str,
    shape: &'a Shape,
}

fn rows(
    rules: &[Spanned<RuleSource>],
    lists: &[Spanned<EachSource>],
    context: &Context<'_>,
    out: &mut Readings,
) {
    for rule in rules {
        let source = rule.as_ref();
        let (Some(wire), Some(record)) = (&source.wire, &source.record) else {
            continue;
        };
        if !source.direction.goes_in() {
            continue;
        }
        let key = format!("{} {}", context.wire, wire.as_ref());
        for path in record.as_ref().all() {
            let path = whole(context.record, path);
            let classes = context
                .shape
                .at(&path)
                .map_or(ClassSet::EMPTY, |shape| shape.classes);
            let entry = out.entry(key.clone()).or_insert((classes, rule.span()));
            entry.0 = entry.0.union(classes);
        }
    }
    for list in lists {
        let source = list.as_ref();
        let record = whole(context.record, source.record.as_ref());
        let wire = source
            .wire
            .as_ref()
            .map(|wire| wire.as_ref().as_str())
            .unwrap_or_default();
        let wire = format!("{} {wire}", context.wire);
        let inner = Context {
            wire: &wire,
            record: &record,
            shape: context.shape,
        };
        rows(&source.rule, &source.each, &inner, out);
    }
}

/// A record path from the root, its filters and places left out.
fn whole(context: &str, path: &str) -> String {
    let mut bare = String::new();
    let mut depth = 0_u32;
    for c in path.chars() {
        match c {
            '[' => depth += 1,
            ']' => {
                depth = depth.saturating_sub(1);
                bare.push_str("[]");
            }
            _ if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    match bare.strip_prefix('.') {
        Some(rest) if context.is_empty() || rest.is_empty() => format!("{context}{rest}"),
        Some(rest) => format!("{context}.{rest}"),
        None => bare,
    }
}

#[cfg(test)]
mod tests {
    //! Goal: an overlay cannot take a label away. Method: shipped files laid over with changes.
    use super::*;
    use crate::catalog::{files, from_files};

    fn codes(path: &str, from: &str, to: &str) -> Vec<&'static str> {
        let (mut all, mut defects) = files::read(&[]);
        let file = all.get_mut(path).expect("a shipped file");
        let shipped = file.text.clone();
        assert!(shipped.contains(from), "{path} holds {from}");
        file.text = shipped.replacen(from, to, 1);
        file.shipped = Some(shipped);
        file.overlay = true;
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
    fn paths_lose_filters_and_gain_their_context() {
        assert_eq!(
            whole("persons[]", ".names[use='legal'].last"),
            "persons[].names[].last"
        );
        assert_eq!(whole("body.x[]", "."), "body.x[]");
        assert_eq!(whole("body.x[]", "envelope.y"), "envelope.y");
    }
}
