//! Mappings laid over shipped ones: no wire path may be read into a less labelled place.
//!
//! Shipped rows are looked up in the shipped record shapes and new ones in the new shapes, so that
//! a place that goes with its mapping still counts. A wire path is the same however it is written:
//! under another name of its part, by a place in a list, by a numbered column.

use super::{CODE, Shapes};
use crate::base::defect::Defect;
use crate::base::vocabulary::ClassSet;
use crate::catalog::mapping::{EachSource, MappingFile, MappingSource, RuleSource};
use crate::catalog::schema::Shape;
use crate::catalog::{SourceFile, Sources};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use toml::Spanned;

/// Defects of a mapping file, or a file of templates, laid over a shipped one.
pub fn check(file: &SourceFile, sources: &Sources, shipped: &Shapes, defects: &mut Vec<Defect>) {
    let source = sources.mappings.iter().find(|own| own.file == file.path);
    let shipped_text = file.shipped.as_deref().unwrap_or_default();
    let (Some(source), Ok(old)) = (source, toml::from_str::<MappingFile>(shipped_text)) else {
        return;
    };
    let (before, after) = (
        readings(&old, source, sources, shipped),
        readings(&source.body, source, sources, &sources.schemas),
    );
    for (wire, new) in &after {
        if before
            .get(wire)
            .is_some_and(|old| old.records == new.records && !old.exceeds(new))
        {
            continue;
        }
        let facing = before.iter().filter(|(old, _)| meet(old, wire));
        if facing.clone().any(|(_, old)| old.exceeds(new)) {
            let message = format!(
                "`{}` is read into a place with fewer data classes",
                wire.trim()
            );
            let mut defect = file.defect(Some(new.span.clone()), CODE, message);
            defect.help = "keep the record path, or choose one with all its classes".to_owned();
            defects.push(defect);
        }
    }
}

/// What one wire path is read into.
struct Reading {
    records: BTreeSet<String>,
    classes: ClassSet,
    narrative: bool,
    span: std::ops::Range<usize>,
}

impl Reading {
    fn exceeds(&self, new: &Reading) -> bool {
        !self.classes.without(new.classes).is_empty() || (self.narrative && !new.narrative)
    }
}

type Readings = BTreeMap<String, Reading>;

/// The places each wire path is read into.
fn readings(
    file: &MappingFile,
    source: &MappingSource,
    sources: &Sources,
    schemas: &Shapes,
) -> Readings {
    let mut out = Readings::new();
    let shape = |record: &str| schemas.get(&format!("canonical/{record}.schema.json"));
    let parts = types(file);
    if let Some(shape) = shape(source.record.as_str()) {
        let context = Context {
            wire: "",
            record: "",
            shape,
            parts: &parts,
        };
        rows(&file.rule, &file.each, &context, &mut out);
    }
    for template in &file.template {
        let template = template.as_ref();
        for (record, at) in uses(template.name.as_ref(), source, sources) {
            let Some(shape) = shape(&record) else {
                continue;
            };
            let context = Context {
                wire: template.name.as_ref(),
                record: &at,
                shape,
                parts: &parts,
            };
            rows(&template.rule, &template.each, &context, &mut out);
        }
    }
    out
}

/// Where a template of a file is used: record types, and the place in them it speaks of.
fn uses(name: &str, source: &MappingSource, sources: &Sources) -> BTreeSet<(String, String)> {
    let beside = sources
        .mappings
        .iter()
        .filter(|own| own.format == source.format);
    let mut out = BTreeSet::new();
    for mapping in beside.filter(|own| !own.is_shared()) {
        for part in mapping.body.part.iter().map(|part| part.as_ref()) {
            if part.templates.iter().any(|used| used.as_ref() == name) {
                // A person's `record` is where its key stands, not the person.
                let own = part.record.as_ref().filter(|_| !part.person);
                let at = own.map(|at| whole("", at.as_ref()));
                let at = at.unwrap_or_else(|| "persons[]".to_owned());
                out.insert((mapping.record.as_str().to_owned(), at));
            }
        }
    }
    out
}

/// The node types of the parts of a file, by name.
fn types(file: &MappingFile) -> BTreeMap<&str, &str> {
    let parts = file.part.iter().map(|part| part.as_ref());
    parts
        .filter_map(|part| {
            let node_type = part.node_type.as_ref()?;
            Some((part.name.as_ref().as_str(), node_type.as_ref().as_str()))
        })
        .collect()
}

struct Context<'a> {
    wire: &'a str,
    record: &'a str,
    shape: &'a Arc<Shape>,
    parts: &'a BTreeMap<&'a str, &'a str>,
}

impl Context<'_> {
    /// A wire path with its surroundings; a part counts by its node type.
    fn wire(&self, path: &str) -> String {
        let typed = path.split_once(':').and_then(|(part, rest)| {
            let node_type = self.parts.get(part)?;
            Some(format!("{node_type}:{rest}"))
        });
        format!("{} {}", self.wire, typed.as_deref().unwrap_or(path))
    }
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
        for path in record.as_ref().all() {
            let path = whole(context.record, path);
            let place = context.shape.at(&path);
            let entry = out.entry(context.wire(wire.as_ref()));
            let reading = entry.or_insert_with(|| Reading {
                records: BTreeSet::new(),
                classes: ClassSet::EMPTY,
                narrative: false,
                span: rule.span(),
            });
            reading.classes = reading.classes.union(classes(place));
            reading.narrative |= place.is_some_and(|place| place.narrative);
            reading.records.insert(path);
        }
    }
    for list in lists {
        let source = list.as_ref();
        let record = whole(context.record, source.record.as_ref());
        let wire = source.wire.as_ref().map(|wire| wire.as_ref().as_str());
        let inner = Context {
            wire: &context.wire(wire.unwrap_or_default()),
            record: &record,
            shape: context.shape,
            parts: context.parts,
        };
        rows(&source.rule, &source.each, &inner, out);
    }
}

fn classes(place: Option<&Shape>) -> ClassSet {
    let mut classes = ClassSet::EMPTY;
    if let Some(place) = place {
        place.leaves(&mut |_, leaf| classes = classes.union(leaf.classes));
    }
    classes
}

/// Whether two wire paths may mean the same value.
fn meet(one: &str, other: &str) -> bool {
    let (one, other) = (steps(one), steps(other));
    one.len() == other.len() && one.iter().zip(&other).all(|(a, b)| step_meets(a, b))
}

/// The steps of a path, each with what stands in its brackets.
fn steps(path: &str) -> Vec<(String, Option<String>)> {
    let mut out = vec![(String::new(), None::<String>)];
    let mut depth = 0_u32;
    for c in path.chars() {
        let Some((name, inside)) = out.last_mut() else {
            break;
        };
        match c {
            '[' => {
                depth += 1;
                inside.get_or_insert_default();
            }
            ']' => depth = depth.saturating_sub(1),
            '.' | '/' | ' ' if depth == 0 => out.push((String::new(), None)),
            _ if depth == 0 => name.push(c),
            _ => inside.get_or_insert_default().push(c),
        }
    }
    out.retain(|(name, inside)| !name.is_empty() || inside.is_some());
    out
}

/// A list meets each of its places and each choice out of it; two places or choices meet only
/// where they are the same.
fn step_meets(one: &(String, Option<String>), other: &(String, Option<String>)) -> bool {
    let inside = match (one.1.as_deref(), other.1.as_deref()) {
        (Some(one), Some(other)) => one == other || one.is_empty() || other.is_empty(),
        _ => true,
    };
    inside && (numbered(&one.0, &other.0) || numbered(&other.0, &one.0))
}

/// Whether a name is the other, or one of the numbered columns it stands for.
fn numbered(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once("{n}") else {
        return pattern == name;
    };
    let number = name
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    pattern == name
        || number.is_some_and(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
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
    //! Goal: one wire value is known under every way of writing its path. Method: pairs of paths,
    //! and shipped mappings laid over with one row each.
    use super::super::tests::laid;
    use super::*;

    #[test]
    fn paths_lose_filters_and_gain_their_context() {
        assert_eq!(
            whole("persons[]", ".names[use='legal'].last"),
            "persons[].names[].last"
        );
        assert_eq!(whole("body.x[]", "."), "body.x[]");
        assert_eq!(whole("body.x[]", "envelope.y"), "envelope.y");
    }

    #[test]
    fn a_place_of_a_list_is_in_the_list() {
        for (one, other) in [
            ("note[0].text", "note[].text"),
            ("note.text", "note[].text"),
            ("x[a='1'].v", "x[].v"),
            ("addr{n}_line", "addr2_line"),
        ] {
            assert!(meet(one, other) && meet(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("x[a='1'].v", "x[a='2'].v"),
            ("note[0].text", "note[1].text"),
            ("addr{n}_line", "addr_line"),
            ("note.text", "note.time"),
        ] {
            assert!(!meet(one, other) && !meet(other, one), "{one} {other}");
        }
    }

    #[test]
    fn another_way_of_writing_a_path_takes_no_class_away() {
        let address = "record = \".line\"\nwire = \"addr{n}\"";
        let path = "mappings/provider-csv/1.0/person.toml";
        let moved = "record = \".line\"\nwire = \"addr{n}x\"\n\
                     [[template.each.rule]]\nrecord = \".household_ref\"\nwire = \"addr1\"";
        assert!(
            !laid(&[(path, address, moved)]).contains(&CODE),
            "the same class"
        );
        let weaker = "record = \".line\"\nwire = \"addr{n}x\"\n[[template.rule]]\n\
                      record = \".language\"\nwire = \"addr1\"\n[[template.each.rule]]\n\
                      record = \".line\"\nwire = \"addr{n}y\"";
        let told = laid(&[(path, address, weaker)]);
        assert!(told.contains(&CODE), "{told:?}");
    }

    #[test]
    fn shared_templates_are_looked_at_too() {
        let path = "mappings/fhir-r4/4.0/_person.toml";
        let (cin, weaker) = ("record = \".cin\"", "record = \".language\"");
        assert!(laid(&[(path, cin, weaker)]).contains(&CODE));
    }

    #[test]
    fn nothing_changed_is_nothing_lost() {
        let (sources, _) = crate::catalog::load(&[]);
        let all: Vec<(&str, &str, &str)> = sources
            .files
            .keys()
            .filter(|path| path.ends_with(".toml") && !path.starts_with("policies/"))
            .map(|path| (path.as_str(), "\n", "\n# laid over\n"))
            .collect();
        assert!(all.len() > 15, "{}", all.len());
        assert_eq!(laid(&all), [""; 0]);
    }
}
