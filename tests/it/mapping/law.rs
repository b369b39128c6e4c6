//! The law of a mapping: with L the paths the loss report calls kept, what goes out and comes in
//! is the same on L, what goes out is valid, and going out again gives the same bytes.

use kinbridge::base::finding::Finding;
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::catalog::format::Syntax;
use kinbridge::catalog::{self, Sources};
use kinbridge::format::split::Unit;
use kinbridge::format::{Node, Value, json};
use kinbridge::mapping::Plans;
use kinbridge::record::Record;
use kinbridge::validate::{Schemas, SenderNotation};
use kinbridge::wire::Wires;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A catalog, compiled as far as mapping needs it.
pub struct Bench {
    pub sources: Sources,
    pub schemas: Schemas,
    pub wires: Wires,
    pub plans: Plans,
}

impl Bench {
    /// The shipped catalog with overlays; any defect fails the test.
    pub fn new(overlays: &[PathBuf]) -> Bench {
        let (sources, mut defects) = catalog::load(overlays);
        let (schemas, more) = Schemas::compile(&sources);
        defects.extend(more);
        let (wires, more) = Wires::compile(&sources);
        defects.extend(more);
        let (plans, more) = Plans::compile(&sources);
        defects.extend(more);
        let shown: Vec<String> = defects.iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "{}", shown.join("\n"));
        Bench {
            sources,
            schemas,
            wires,
            plans,
        }
    }

    /// All record types that the format maps.
    pub fn types(&self, format: &FormatId) -> Vec<RecordType> {
        let all = self.sources.mappings.iter().filter(|m| !m.is_shared());
        all.filter(|m| m.format == *format)
            .map(|m| m.record.clone())
            .collect()
    }

    /// The records of one document.
    pub fn read(&self, format: &str, bytes: &[u8]) -> Vec<(Record, Vec<Finding>)> {
        let format = FormatId::new(format);
        let wire = self.wires.get(&format).expect("the format");
        let mut out = Vec::new();
        for unit in wire.units(bytes) {
            let unit = unit.expect("it can be cut");
            let parsed = wire.parse(&unit);
            assert!(parsed.findings.is_empty(), "{:?}", parsed.findings);
            out.extend(self.read_tree(&format, &parsed.tree.expect("a tree")));
        }
        out
    }

    fn read_tree(&self, format: &FormatId, tree: &Node) -> Vec<(Record, Vec<Finding>)> {
        let inbound = self.plans.inbound(format, tree, &self.types(format));
        let errors: Vec<_> = inbound.findings.iter().filter(|f| f.is_error()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        inbound
            .records
            .into_iter()
            .map(|it| (it.record, it.findings))
            .collect()
    }

    /// The bytes of one record in a format.
    pub fn write(&self, format: &str, record: &Record) -> Vec<u8> {
        let format = FormatId::new(format);
        let tree = self
            .plans
            .outbound(&format, record)
            .expect("it can be written")
            .tree;
        self.wires.get(&format).expect("the format").write(&tree)
    }

    /// Findings of the format's own schemas about a document.
    pub fn check_wire(&self, format: &str, bytes: &[u8], record: &RecordType) -> Vec<Finding> {
        let source = &self.sources.formats[&FormatId::new(format)];
        let wire = self.wires.get(&source.id).expect("the format");
        let unit = Unit {
            header: None,
            sheet: None,
            bytes: bytes.to_vec(),
            first_line: 1,
            first_row: 1,
        };
        let tree = wire.parse(&unit).tree.expect("a tree");
        let mut out = Vec::new();
        let mut check = |file: &str, node: &Node| {
            let schema = self
                .schemas
                .get(&source.schema_path(file))
                .expect("a schema");
            out.extend(schema.check(node, &SenderNotation::Pointer));
        };
        if let Some(file) = &source.body.document {
            check(file.as_ref(), &tree);
        }
        let of_type = |name: &str| {
            let all = source.body.schema.iter().map(|schema| schema.as_ref());
            all.into_iter()
                .find(|schema| schema.node_type == name)
                .map(|s| s.file.as_ref().clone())
        };
        match source.body.syntax {
            Syntax::Xml | Syntax::Workbook | Syntax::X12 => {}
            Syntax::Hl7v2 => {
                for (structure, message) in tree.members() {
                    check(&of_type(structure).expect("a structure"), message);
                }
            }
            Syntax::Delimited => {
                let only = || {
                    source
                        .body
                        .schema
                        .first()
                        .map(|s| s.as_ref().file.as_ref().clone())
                };
                let file = of_type(record.as_str())
                    .or_else(only)
                    .expect("a row schema");
                tree.items().iter().for_each(|row| check(&file, row));
            }
            Syntax::Json => {
                let type_from = source.body.node[0].as_ref().type_from.as_ref();
                let member = type_from
                    .map(|path| path.as_ref().clone())
                    .unwrap_or_default();
                let entries = tree.get("entry").map(Node::items).unwrap_or_default();
                let inner = entries.iter().filter_map(|entry| entry.get("resource"));
                for node in inner.chain(entries.is_empty().then_some(&tree)) {
                    if let Some(file) = node.text(&member).and_then(of_type) {
                        check(&file, node);
                    }
                }
            }
        }
        out
    }

    /// Holds one record to the law of one format.
    pub fn hold(&self, format: &str, record: &Record, what: &str) {
        let bytes = self.write(format, record);
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let wrong: Vec<Finding> = self.check_wire(format, &bytes, &record.record_type);
        let wrong: Vec<_> = wrong.iter().filter(|f| f.is_error()).collect();
        assert!(
            wrong.is_empty(),
            "{what}: {format}: invalid: {wrong:#?}\n{shown}"
        );
        let mut back = self.read(format, &bytes);
        assert_eq!(back.len(), 1, "{what}: {format}: one record\n{shown}");
        let (mut back, findings) = back.remove(0);
        let errors: Vec<_> = findings.iter().filter(|f| f.is_error()).collect();
        assert!(errors.is_empty(), "{what}: {format}: {errors:#?}\n{shown}");
        carry_id(record, &mut back);
        let report = self.plans.loss(&FormatId::new(format), &record.record_type);
        let report = report.expect("a loss report");
        if report.limits.is_empty() {
            let counts = (record.persons().len(), back.persons().len());
            assert_eq!(counts.0, counts.1, "{what}: {format}: persons\n{shown}");
        }
        if let Err(wrong) = same_on(&report.kept, record, &back) {
            panic!("{what}: {format}: {wrong}\n{shown}");
        }
        let again = self.write(format, &back);
        let again = String::from_utf8_lossy(&again).into_owned();
        assert_eq!(shown, again, "{what}: {format}: out again");
    }
}

/// What the commit gives a record, both have.
fn carry_id(from: &Record, to: &mut Record) {
    let id = from.envelope().and_then(|e| e.get("record_id")).cloned();
    if let (Some(id), Some(envelope)) = (id, to.root.get_mut("envelope")) {
        envelope.set("record_id", id);
    }
}

/// Whether two records are the same on the paths given. Keys of persons may differ, and persons
/// have no order; a key of one record must always stand for the same key of the other.
fn same_on(kept: &[String], left: &Record, right: &Record) -> Result<(), String> {
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    let is_key = |record: &Record, text: &str| person(record, text).is_some();
    for path in kept.iter().filter(|path| !path.starts_with("persons[]")) {
        let (l, r) = (values(&left.root, path), values(&right.root, path));
        if l.len() != r.len() {
            return Err(format!("{path}: {l:?} and {r:?}"));
        }
        for (l, r) in l.into_iter().zip(r) {
            if is_key(left, &l) && is_key(right, &r) {
                let known = keys.entry(l.clone()).or_insert_with(|| r.clone());
                if *known != r {
                    return Err(format!("{path}: {l} is {known} and {r}"));
                }
            } else if l != r {
                return Err(format!("{path}: {l} and {r}"));
            }
        }
    }
    for (l, r) in &keys {
        let (Some(l), Some(r)) = (person(left, l), person(right, r)) else {
            continue;
        };
        for path in kept
            .iter()
            .filter_map(|path| path.strip_prefix("persons[]."))
        {
            let (l, r) = (values(l, path), values(r, path));
            if path != "key" && l != r {
                return Err(format!("persons[].{path}: {l:?} and {r:?}"));
            }
        }
    }
    Ok(())
}

fn person<'a>(record: &'a Record, key: &str) -> Option<&'a Node> {
    record
        .persons()
        .iter()
        .find(|person| person.text("key") == Some(key))
}

/// All values at a path, in order. Pointers into the record are not compared: places may change.
fn values(node: &Node, path: &str) -> Vec<String> {
    let mut out = Vec::new();
    if !path.starts_with("envelope.missing") {
        collect(node, &path.split('.').collect::<Vec<_>>(), &mut out);
    }
    out
}

fn collect(node: &Node, steps: &[&str], out: &mut Vec<String>) {
    let Some((first, rest)) = steps.split_first() else {
        let mut text = Vec::new();
        json::write(node, &mut text);
        let text = String::from_utf8(text).expect("utf-8");
        out.push(text.trim_matches('"').to_owned());
        return;
    };
    let name = first.trim_end_matches("[]");
    let Some(child) = node.get(name) else { return };
    match &child.value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, rest, out)),
        _ => collect(child, rest, out),
    }
}
