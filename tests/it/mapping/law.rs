//! The law of a mapping: with L the paths the loss report calls kept, what goes out and comes in
//! is the same on L, what goes out is valid, and going out again gives the same bytes.

use super::kept;
use kinbridge::base::finding::Finding;
use kinbridge::base::finding_codes::{
    CodeEntry, SCHEMA_PATTERN_MISMATCH, SCHEMA_VALUE_OUT_OF_RANGE,
};
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::catalog::format::Syntax;
use kinbridge::catalog::{self, Sources};
use kinbridge::format::Node;
use kinbridge::format::split::Unit;
use kinbridge::mapping::{MapError, Plans};
use kinbridge::record::Record;
use kinbridge::validate::{Schemas, SenderNotation};
use kinbridge::wire::Wires;
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
        let read = self.try_read(format, bytes);
        read.unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// The same; what keeps a document from being read is told.
    fn try_read(&self, format: &str, bytes: &[u8]) -> Result<Vec<(Record, Vec<Finding>)>, String> {
        let format = FormatId::new(format);
        let wire = self.wires.get(&format).expect("the format");
        let mut out = Vec::new();
        for unit in wire.units(bytes) {
            let unit = unit.map_err(|it| format!("it cannot be cut: {it:?}"))?;
            let parsed = wire.parse(&unit);
            if !parsed.findings.is_empty() {
                return Err(format!("it cannot be parsed: {:?}", parsed.findings));
            }
            let tree = parsed.tree.ok_or("no tree")?;
            let inbound = self.plans.inbound(&format, &tree, &self.types(&format));
            let errors: Vec<_> = inbound.findings.iter().filter(|f| f.is_error()).collect();
            if !errors.is_empty() {
                return Err(format!("{errors:?}"));
            }
            let records = inbound.records.into_iter();
            out.extend(records.map(|it| (it.record, it.findings)));
        }
        Ok(out)
    }

    /// The bytes of one record in a format.
    pub fn write(&self, format: &str, record: &Record) -> Vec<u8> {
        self.try_write(format, record).expect("it can be written")
    }

    fn try_write(&self, format: &str, record: &Record) -> Result<Vec<u8>, MapError> {
        let format = FormatId::new(format);
        let tree = self.plans.outbound(&format, record)?.tree;
        Ok(self.wires.get(&format).expect("the format").write(&tree))
    }

    /// Findings of the format's own schemas about a document.
    pub fn check_wire(&self, format: &str, bytes: &[u8], record: &RecordType) -> Vec<Finding> {
        let source = &self.sources.formats[&FormatId::new(format)];
        let wire = self.wires.get(&source.id).expect("the format");
        let unit = Unit {
            header: None,
            sheet: None,
            line: false,
            notes: Vec::new(),
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
        match self.outcome(format, record) {
            Ok(()) => {}
            Err(Broken::Refused(why)) => panic!("{what}: {format}: it cannot be written: {why}"),
            Err(Broken::Held(code)) => panic!("{what}: {format}: its schema refuses it: {code}"),
            Err(Broken::Law(wrong)) => panic!("{what}: {format}: {wrong}"),
        }
    }

    /// Whether the law holds for one record in one format.
    pub fn outcome(&self, format: &str, record: &Record) -> Result<(), Broken> {
        let bytes = self.try_write(format, record).map_err(Broken::Refused)?;
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let law = |wrong: String| Broken::Law(format!("{wrong}\n{shown}"));
        let wrong: Vec<Finding> = self.check_wire(format, &bytes, &record.record_type);
        let wrong: Vec<_> = wrong.iter().filter(|f| f.is_error()).collect();
        if let Some(first) = wrong.first() {
            // What the wire has no form for is never sent: a release holds such a record.
            let of_value = |f: &&Finding| OF_A_VALUE.iter().any(|it| it.code == f.code);
            return Err(match wrong.iter().all(of_value) {
                true => Broken::Held(first.code.to_string()),
                false => law(format!("invalid: {wrong:#?}")),
            });
        }
        let mut back = self.try_read(format, &bytes).map_err(law)?;
        let (mut back, findings) = match back.len() {
            1 => back.remove(0),
            count => return Err(law(format!("{count} records of one"))),
        };
        let errors: Vec<_> = findings.iter().filter(|f| f.is_error()).collect();
        if !errors.is_empty() {
            return Err(law(format!("{errors:#?}")));
        }
        carry_id(record, &mut back);
        let report = self
            .plans
            .loss(&FormatId::new(format), &record.record_type)
            .expect("a loss report");
        kept::same(report, record, &back).map_err(law)?;
        let again = self.try_write(format, &back);
        let again = again.map_err(|why| law(format!("out again: {why}")))?;
        let again = String::from_utf8_lossy(&again).into_owned();
        match again == shown {
            true => Ok(()),
            false => Err(law(format!("out again it is otherwise:\n{again}\nand was"))),
        }
    }
}

/// What a schema of a format says of one value that is not of the form the wire wants.
const OF_A_VALUE: &[&CodeEntry] = &[&SCHEMA_PATTERN_MISMATCH, &SCHEMA_VALUE_OUT_OF_RANGE];

/// Why a record does not come out as it went in.
#[derive(Debug)]
pub enum Broken {
    /// The format says that it cannot be written: nothing goes out.
    Refused(MapError),
    /// The format's own schema refuses one of its values, by this code: nothing goes out.
    Held(String),
    /// It goes out, and not by the law.
    Law(String),
}

/// What the commit gives a record, both have.
fn carry_id(from: &Record, to: &mut Record) {
    let id = from.envelope().and_then(|e| e.get("record_id")).cloned();
    if let (Some(id), Some(envelope)) = (id, to.root.get_mut("envelope")) {
        envelope.set("record_id", id);
    }
}
