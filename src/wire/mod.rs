//! Declared formats made ready: bytes to tree and back as a `format.toml` says. Pure.
//!
//! It picks the syntax and gives it what the format's schemas fix. It knows no format by name and
//! must never look at what a document says.

mod cutter;
mod header;
mod places;

pub use cutter::Cutter;

use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::finding::{Finding, LineIndex};
use crate::base::id::FormatId;
use crate::base::limits::{BUNDLE_BYTES_MAX, RECORD_BYTES_MAX};
use crate::catalog::Sources;
use crate::catalog::format::{FormatSource, NotationKind, Stream, Syntax};
use crate::catalog::partner::Channel;
use crate::catalog::reads::{self, Reads};
use crate::catalog::schema::{Kind, Shape};
use crate::format::delimited::{self, Dialect, Encoding, cell_text};
use crate::format::split::{SplitKind, Splitter, Unit};
use crate::format::xml::{self, XmlProfile};
use crate::format::{Names, Node, Parsed, json, workbook};
use crate::validate::{SenderNotation, Step};
use cutter::{Book, placed};
use header::{table_of_head, trouble};
use places::WireSchemas;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All formats of a catalog.
#[derive(Debug, Default)]
pub struct Wires {
    wires: BTreeMap<FormatId, Wire>,
    /// As channels declare that their senders write.
    declared: BTreeMap<(FormatId, Reads), Wire>,
}

/// One format, ready to read and write.
#[derive(Clone, Debug)]
pub struct Wire {
    media_types: Vec<String>,
    lines: bool,
    identity: bool,
    notation: NotationKind,
    syntax: Ready,
    schemas: WireSchemas,
}

/// A place of a document and the schema that holds there.
pub struct Target<'a> {
    /// The place.
    pub steps: Vec<Step<'a>>,
    /// What stands there.
    pub node: &'a Node,
    /// Path of the schema below `schemas/`.
    pub schema: String,
    /// Type of the node, which begins its path in some notations.
    pub node_type: String,
}

#[derive(Clone, Debug)]
enum Ready {
    Json(Names),
    Xml(XmlProfile),
    Delimited {
        dialect: Dialect,
        names: Names,
        tables: Arc<[Table]>,
        /// The rows stand in the sheets of a workbook.
        book: bool,
    },
}

/// One kind of file of a delimited format.
#[derive(Clone, Debug)]
struct Table {
    node_type: String,
    header: Vec<Text>,
    telling: Vec<String>,
    group_by: Vec<Text>,
}

impl Wires {
    /// Makes all formats ready.
    pub fn compile(sources: &Sources) -> (Wires, Vec<Defect>) {
        let mut defects = Vec::new();
        let wires: BTreeMap<FormatId, Wire> = sources
            .formats
            .values()
            .map(|format| (format.id.clone(), any(sources, format, &mut defects)))
            .collect();
        let channels = sources.partners.values().flat_map(|it| &it.channel);
        let declared = channels.filter_map(|channel| {
            let (format, reads) = (channel.format.clone(), channel.reads.clone()?);
            let wire = wires.get(&format)?.as_declared(&reads);
            Some(((format, reads), wire))
        });
        let declared = declared.collect();
        (Wires { wires, declared }, defects)
    }

    /// The format of a channel, as that declares its sender writes it.
    pub fn of_channel(&self, channel: &Channel) -> Option<&Wire> {
        let declared = channel.reads.as_ref().and_then(|reads| {
            let key = (channel.format.clone(), reads.clone());
            self.declared.get(&key)
        });
        declared.or_else(|| self.get(&channel.format))
    }

    /// The format of that id.
    pub fn get(&self, format: &FormatId) -> Option<&Wire> {
        self.wires.get(format)
    }
}

/// A format by itself, or the sheets of a workbook by the format whose rows they hold.
fn any(sources: &Sources, format: &FormatSource, defects: &mut Vec<Defect>) -> Wire {
    if format.body.syntax != Syntax::Workbook {
        return ready(sources, format, defects);
    }
    let rows = sources.rows_of(format);
    let Some(rows) = rows.filter(|rows| rows.body.syntax == Syntax::Delimited) else {
        defects.push(Defect {
            file: format.file.clone(),
            line: 0,
            column: 0,
            code: "format-rows-missing",
            message: "a workbook holds the rows of no delimited format".into(),
            help: "name one: rows_of = \"<format>/<version>\"".into(),
        });
        return ready(sources, format, defects);
    };
    let mut wire = ready(sources, rows, &mut Vec::new());
    wire.media_types.clone_from(&format.body.media_types);
    if let Ready::Delimited { dialect, book, .. } = &mut wire.syntax {
        // A cell is what it is: nothing stands before a formula's sign in a text.
        (dialect.delimiter, dialect.formulas_guarded) = (b',', false);
        *book = true;
    }
    wire
}

fn ready(sources: &Sources, format: &FormatSource, defects: &mut Vec<Defect>) -> Wire {
    let body = &format.body;
    let shape = |file: &str| sources.schemas.get(&format.schema_path(file));
    let syntax = match (body.syntax, &body.xml) {
        (Syntax::Json, _) => Ready::Json(names(sources, format)),
        (Syntax::Xml, Some(source)) => {
            let document = body.document.as_ref().map(|file| file.as_ref().as_str());
            let namespaces = source.namespaces.iter();
            Ready::Xml(XmlProfile {
                namespaces: namespaces
                    .map(|(prefix, uri)| (prefix.into(), uri.into()))
                    .collect(),
                root: source.root.as_ref().into(),
                layout: document
                    .and_then(shape)
                    .map(|shape| shape.layout())
                    .unwrap_or_default(),
                names: names(sources, format),
            })
        }
        (Syntax::Xml, None) => {
            defects.push(Defect {
                file: format.file.clone(),
                line: 0,
                column: 0,
                code: "format-xml-missing",
                message: "an XML format has no [xml] table".into(),
                help: "name the root element and the namespaces".into(),
            });
            Ready::Xml(XmlProfile::default())
        }
        (Syntax::Delimited, _) => Ready::Delimited {
            dialect: dialect(format),
            names: names(sources, format),
            tables: tables(sources, format).into(),
            book: false,
        },
        // Made of the format whose rows it holds, or a defect.
        (Syntax::Workbook, _) => Ready::Json(Names::default()),
    };
    let by_syntax = match body.syntax {
        Syntax::Json => NotationKind::Pointer,
        Syntax::Xml => NotationKind::Xml,
        Syntax::Delimited | Syntax::Workbook => NotationKind::Column,
    };
    Wire {
        media_types: body.media_types.clone(),
        lines: body.stream.contains(&Stream::Lines),
        identity: body.identity,
        notation: body.notation.unwrap_or(by_syntax),
        syntax,
        schemas: WireSchemas::of(format),
    }
}

fn dialect(format: &FormatSource) -> Dialect {
    let given = format.body.delimited.as_ref();
    let delimiter = given.and_then(|table| u8::try_from(table.delimiter).ok());
    Dialect {
        delimiter: delimiter.unwrap_or(b','),
        formulas_guarded: given.is_some_and(|table| table.formulas_guarded),
        ..Dialect::default()
    }
}

/// Every name a document of the format may be told by: those of its schemas (of the canonical ones
/// where the document is the record) and of the paths its own file gives.
fn names(sources: &Sources, format: &FormatSource) -> Names {
    let own = format.schema_path("");
    let of_format = |path: &&String| {
        path.starts_with(&own) || format.body.identity && path.starts_with("canonical/")
    };
    let mut all = Vec::new();
    for path in sources.schemas.keys().filter(of_format) {
        if let Some(shape) = sources.schemas.get(path) {
            shape.names(&mut |name| all.push(name.clone()));
        }
    }
    all.extend(format.body.names().into_iter().map(Text::from));
    Names::only(all)
}

fn tables(sources: &Sources, format: &FormatSource) -> Vec<Table> {
    let schemas = format.body.schema.iter().map(|schema| schema.as_ref());
    schemas
        .filter_map(|schema| {
            let path = format.schema_path(schema.file.as_ref());
            Some(Table {
                node_type: schema.node_type.clone(),
                header: columns(sources.schemas.get(&path)?),
                telling: schema.header.clone(),
                group_by: schema.group_by.iter().map(Text::from).collect(),
            })
        })
        .collect()
}

/// Columns in the order they are written.
fn columns(shape: &Shape) -> Vec<Text> {
    match &shape.kind {
        Kind::Object { order: Some(o), .. } => o.clone(),
        _ => shape
            .members()
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
    }
}

impl Wire {
    /// The same format, as a sender is declared to write it.
    fn as_declared(&self, reads: &Reads) -> Wire {
        let mut own = self.clone();
        if let Ready::Delimited { dialect, .. } = &mut own.syntax {
            let delimiter = reads.delimiter.and_then(|it| u8::try_from(it).ok());
            dialect.delimiter = delimiter.unwrap_or(dialect.delimiter);
            dialect.blank_rows = reads.blank_rows;
            dialect.encoding = match reads.encoding {
                reads::Encoding::Utf8 => Encoding::Utf8,
                reads::Encoding::Windows1252 => Encoding::Windows1252,
            };
        }
        own
    }

    /// The media type of what is written.
    pub fn media_type(&self) -> &str {
        self.media_types
            .first()
            .map_or("application/octet-stream", String::as_str)
    }

    /// Media types it is read from.
    pub fn media_types(&self) -> &[String] {
        &self.media_types
    }

    /// One document to its tree; lines and columns of findings are filled in.
    pub fn parse(&self, unit: &Unit) -> Parsed {
        let mut parsed = match &self.syntax {
            Ready::Json(names) => json::parse_naming(&unit.bytes, names),
            Ready::Xml(profile) => xml::parse(&unit.bytes, profile),
            Ready::Delimited { dialect, names, .. } => {
                let (bytes, row) = (&unit.bytes, unit.first_row);
                match &unit.header {
                    Some(header) => delimited::parse_below(header, bytes, dialect, row, names),
                    None => delimited::parse_rows(bytes, dialect, row, names),
                }
            }
        };
        fill(unit, &mut parsed.findings);
        parsed
    }

    /// A tree to bytes. A delimited tree is written under the header its columns belong to.
    pub fn write(&self, tree: &Node) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.syntax {
            Ready::Json(_) => json::write(tree, &mut out),
            Ready::Xml(profile) => xml::write(tree, profile, &mut out),
            Ready::Delimited {
                tables, book: true, ..
            } => {
                let table = table_of(tables, tree.items());
                return table.map_or_else(Vec::new, |table| sheet_of(table, tree.items()));
            }
            Ready::Delimited {
                dialect, tables, ..
            } => {
                let table = table_of(tables, tree.items());
                let header = table.map(|it| it.header.as_slice()).unwrap_or_default();
                delimited::write(tree.items(), header, dialect, &mut out);
            }
        }
        out
    }

    /// Whether a file of it is rows under a header.
    pub fn is_tabular(&self) -> bool {
        matches!(self.syntax, Ready::Delimited { .. })
    }

    /// Whether the document is the canonical record itself.
    pub fn is_identity(&self) -> bool {
        self.identity
    }

    /// Places of a document that have a wire schema. A format whose document is the record has
    /// none: the canonical schema says it all.
    pub fn targets<'a>(&'a self, tree: &'a Node) -> Vec<Target<'a>> {
        match &self.syntax {
            _ if self.identity => Vec::new(),
            Ready::Delimited { tables, .. } => {
                let told = |table: &&Table| {
                    let mut rows = tree.items().iter();
                    let first = rows.next();
                    table
                        .telling
                        .iter()
                        .all(|name| first.is_some_and(|row| row.get(name).is_some()))
                };
                let table = tables.iter().find(told).or_else(|| tables.first());
                let node_type = table.map(|table| table.node_type.as_str());
                self.schemas.rows(tree, node_type.unwrap_or_default())
            }
            Ready::Json(_) | Ready::Xml(_) => self.schemas.targets(tree),
        }
    }

    /// The type a node says itself; empty where it says none.
    pub fn type_of(&self, node: &Node) -> String {
        self.schemas.document_type(node)
    }

    /// The kind of notation findings name places in.
    pub fn notation_kind(&self) -> NotationKind {
        self.notation
    }

    /// How the sender names places of a whole document.
    pub fn document_notation(&self, unit: &Unit, tree: &Node) -> SenderNotation {
        let whole = Target {
            steps: Vec::new(),
            node: tree,
            schema: String::new(),
            node_type: self.schemas.document_type(tree),
        };
        self.notation(unit, &whole)
    }

    /// Tells findings of the parser, which speaks in pointers, as the sender of JSON does.
    pub fn tell_parsed(&self, unit: &Unit, tree: Option<&Node>, findings: &mut [Finding]) {
        if self.notation != NotationKind::Typed || findings.is_empty() {
            return;
        }
        let notation = match tree {
            Some(tree) => self.document_notation(unit, tree),
            None => SenderNotation::Dotted(Text::default()),
        };
        for finding in findings {
            finding.path = notation.of_pointer(&finding.path);
        }
    }

    /// How the sender names places below a target.
    pub fn notation(&self, unit: &Unit, target: &Target<'_>) -> SenderNotation {
        match (self.notation, &self.syntax) {
            (NotationKind::Pointer, _) => SenderNotation::Pointer,
            (NotationKind::Column, _) => SenderNotation::Rows(unit.first_row),
            (NotationKind::Typed, _) => SenderNotation::Dotted(self.schemas.root_name(target)),
            (NotationKind::Xml, Ready::Xml(profile)) => SenderNotation::Xml(profile.root.clone()),
            (NotationKind::Xml, _) => SenderNotation::Pointer,
        }
    }

    /// Whether documents are workbooks, which are bytes of their own and no text.
    pub fn is_workbook(&self) -> bool {
        matches!(self.syntax, Ready::Delimited { book: true, .. })
    }

    /// Cuts a stream of this format into documents. `head` is how the stream begins.
    pub fn splitter(&self, head: &[u8]) -> Cutter {
        if let Ready::Delimited {
            dialect,
            tables,
            book,
            ..
        } = &self.syntax
        {
            return match book {
                true => Cutter::Book(Box::new(Book::new(Arc::clone(tables), *dialect))),
                false => Cutter::Stream(Box::new(rows_splitter(tables, dialect, head))),
            };
        }
        let kind = self.split_kind(head);
        let bytes_max = match kind {
            SplitKind::Whole => BUNDLE_BYTES_MAX,
            SplitKind::Lines | SplitKind::Delimited { .. } => RECORD_BYTES_MAX,
        };
        Cutter::Stream(Box::new(Splitter::new(kind, bytes_max)))
    }

    fn split_kind(&self, head: &[u8]) -> SplitKind {
        match &self.syntax {
            Ready::Delimited {
                dialect, tables, ..
            } => rows_kind(tables, dialect, head),
            Ready::Json(_) if self.lines && is_line_stream(head) => SplitKind::Lines,
            Ready::Json(_) | Ready::Xml(_) => SplitKind::Whole,
        }
    }

    /// Whether a stream that begins so is cut into many documents.
    pub fn is_stream(&self, head: &[u8]) -> bool {
        self.split_kind(head) != SplitKind::Whole
    }

    /// The documents of a body that is held whole, one after another, and what is wrong with its
    /// cutting where it stands.
    pub fn units(&self, bytes: &[u8]) -> impl Iterator<Item = Result<Unit, Finding>> {
        let mut splitter = self.splitter(bytes);
        splitter.push(bytes);
        splitter.finish();
        std::iter::from_fn(move || splitter.next_unit())
    }
}

/// How a file of rows is cut.
fn rows_kind(tables: &[Table], dialect: &Dialect, head: &[u8]) -> SplitKind {
    SplitKind::Delimited {
        dialect: *dialect,
        group_by: table_of_head(tables, head, dialect)
            .map(|table| table.group_by.clone())
            .unwrap_or_default(),
    }
}

/// Cuts a file of rows that begins so.
fn rows_splitter(tables: &[Table], dialect: &Dialect, head: &[u8]) -> Splitter {
    match trouble(tables, head, dialect) {
        Some(finding) => Splitter::refusing(finding),
        None => Splitter::new(rows_kind(tables, dialect, head), RECORD_BYTES_MAX),
    }
}

/// Fills lines and columns of findings about a unit; of a sheet, which has none, its name.
pub fn fill(unit: &Unit, findings: &mut [Finding]) {
    // Most documents have none: their lines need not be counted.
    if findings.is_empty() {
        return;
    }
    if let Some(label) = &unit.sheet {
        findings
            .iter_mut()
            .for_each(|finding| placed(label, finding));
        return;
    }
    LineIndex::new(&unit.bytes, unit.first_line).fill(findings);
}

/// Lines a stream is told by, one of which may be anything.
const STREAM_LINES_SEEN: usize = 8;

/// Whether a text that begins so is one document a line.
///
/// Within one document an object follows only what opens a place for it. Where lines begin one
/// after another line that leaves no place open, each is a document, well formed or not: a bad
/// line must never make one broken document of all.
fn is_line_stream(head: &[u8]) -> bool {
    let lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.filter(|line| !line.is_empty());
    let Some(first) = lines.next() else {
        return false;
    };
    if first.first() != Some(&b'{') || leaves_place(first) {
        return false;
    }
    let (mut before, mut of_first) = (first, true);
    let mut more = false;
    for line in lines.take(STREAM_LINES_SEEN) {
        more = true;
        // Behind the first line a list may be open that an earlier line began.
        let listed = !of_first && before.last() == Some(&b',');
        let begins = |line: &[u8]| line.first() == Some(&b'{');
        if begins(before) && !leaves_place(before) && !listed && begins(line) {
            return true;
        }
        (before, of_first) = (line, false);
    }
    // One line alone is no stream; the first is parsed only when nothing simpler tells.
    let whole = |line| {
        let parsed = json::parse(line);
        let object = parsed.tree.is_some_and(|tree| !tree.members().is_empty());
        object && parsed.findings.is_empty()
    };
    more && whole(first)
}

/// Whether an object may follow a line that begins one.
fn leaves_place(line: &[u8]) -> bool {
    match line.last() {
        Some(b'{' | b'[' | b':') => true,
        // Behind a comma an object stands in a list only.
        Some(b',') => innermost(line) == Some(b'['),
        _ => false,
    }
}

/// The last bracket of a line that is not closed in it.
fn innermost(line: &[u8]) -> Option<u8> {
    let mut open = Vec::new();
    let mut bytes = line.iter();
    let mut quoted = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                bytes.next();
            }
            b'{' | b'[' if !quoted => open.push(*byte),
            b'}' | b']' if !quoted => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

/// The table of rows: the one that has all their columns, and of several the one told first.
fn table_of<'a>(tables: &'a [Table], rows: &[Node]) -> Option<&'a Table> {
    let has = |table: &&Table| {
        let mut names = rows.iter().flat_map(|row| row.members());
        names.all(|(name, _)| table.header.contains(name))
            && table
                .telling
                .iter()
                .all(|name| rows.first().is_some_and(|row| row.get(name).is_some()))
    };
    tables.iter().find(has)
}

/// Rows as a workbook of one sheet, called as the table is.
fn sheet_of(table: &Table, rows: &[Node]) -> Vec<u8> {
    let cells = |row| table.header.iter().map(move |name| cell_text(row, name));
    let head: Vec<&str> = table.header.iter().map(Text::as_str).collect();
    let rows = rows.iter().map(|row| cells(row).collect());
    workbook::write(&table.node_type, std::iter::once(head).chain(rows))
}
