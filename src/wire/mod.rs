//! Declared formats made ready: bytes to tree and back as a `format.toml` says. Pure.
//!
//! It picks the syntax and gives it what the format's schemas fix. It knows no format by name and
//! must never look at what a document says.

mod cutter;
mod form;
mod header;
mod lines;
mod marks;
mod places;
mod ready;
mod recognise;
mod rows;
mod strip;

pub use cutter::Cutter;
pub use recognise::{Unclear, sole};

use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::finding::{Finding, LineIndex};
use crate::base::id::FormatId;
use crate::base::limits::{BUNDLE_BYTES_MAX, RECORD_BYTES_MAX};
use crate::catalog::Sources;
use crate::catalog::format::NotationKind;
use crate::catalog::partner::Channel;
use crate::catalog::reads::{self, Reads};

use crate::format::delimited::{self, Dialect, Encoding, cell_text};
use crate::format::hl7v2::{self, MessageProfile, PlaceStep};
use crate::format::split::{SplitKind, Splitter, Unit};
use crate::format::x12::{self, InterchangeProfile, Known};
use crate::format::xml::{self, XmlProfile, members};
use crate::format::{Names, Node, Parsed, json, workbook};
use crate::validate::{SenderNotation, Step};
use cutter::{Book, placed};
use form::{Form, is_among, is_xml};
use header::{table_of_head, trouble};
use lines::is_line_stream;
use marks::Marks;
use places::WireSchemas;
use rows::{Head, Rows};
use std::collections::BTreeMap;
use std::sync::Arc;
use strip::Strip;

/// All formats of a catalog.
#[derive(Debug, Default)]
pub struct Wires {
    wires: BTreeMap<FormatId, Wire>,
    /// As channels declare that their senders write.
    declared: BTreeMap<(FormatId, Reads), Wire>,
    /// As channels ask for what goes to them.
    asked: BTreeMap<(FormatId, String), Wire>,
}

/// One format, ready to read and write.
#[derive(Clone, Debug)]
pub struct Wire {
    media_types: Vec<String>,
    lines: bool,
    identity: bool,
    read: bool,
    notation: NotationKind,
    /// Interchanges of others that are told by what they are, whatever format they are sent as.
    interchanges: Arc<[Known]>,
    syntax: Ready,
    /// The same documents as XML.
    xml_form: Option<Form>,
    /// Documents are written in that form.
    as_xml: bool,
    schemas: WireSchemas,
    strips: Arc<[Strip]>,
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
        names: Arc<Names>,
        tables: Arc<[Table]>,
        /// Columns that say who may see a row.
        marks: Arc<Marks>,
        /// The rows stand in the sheets of a workbook.
        book: bool,
    },
    Messages(MessageProfile),
    Interchange(InterchangeProfile),
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
        let interchanges: Arc<[Known]> = ready::known(sources).into();
        let mut any = |format| Wire {
            interchanges: Arc::clone(&interchanges),
            ..ready::any(sources, format, &mut defects)
        };
        let formats = sources.formats.values();
        let wires: BTreeMap<FormatId, Wire> = formats
            .map(|format| (format.id.clone(), any(format)))
            .collect();
        let channels = sources.partners.values().flat_map(|it| &it.channel);
        let declared = channels.clone().filter_map(|channel| {
            let (format, reads) = (channel.format.clone(), channel.reads.clone()?);
            let wire = wires.get(&format)?.as_declared(&reads);
            Some(((format, reads), wire))
        });
        let declared = declared.collect();
        let asked = channels.filter_map(|channel| {
            let (format, media) = (channel.format.clone(), channel.media_type.clone()?);
            let wire = wires.get(&format)?.written_as(&media)?;
            Some(((format, media), wire))
        });
        let asked = asked.collect();
        let all = Wires {
            wires,
            declared,
            asked,
        };
        (all, defects)
    }

    /// The format of a channel, as that declares its sender writes it or asks for what goes to it;
    /// `None` when the catalog has no such format, or nothing of it is written as asked.
    pub fn of_channel(&self, channel: &Channel) -> Option<&Wire> {
        let format = &channel.format;
        if let Some(media) = &channel.media_type {
            return self.asked.get(&(format.clone(), media.clone()));
        }
        let declared = channel.reads.as_ref().and_then(|reads| {
            let key = (format.clone(), reads.clone());
            self.declared.get(&key)
        });
        declared.or_else(|| self.get(format))
    }

    /// The format of that id.
    pub fn get(&self, format: &FormatId) -> Option<&Wire> {
        self.wires.get(format)
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

    /// The same format, written under one of its media types; `None` when it is none of them, or
    /// one that is only read.
    pub fn written_as(&self, media: &str) -> Option<Wire> {
        let form = self.xml_form.as_ref();
        let as_xml = form.is_some_and(|form| form.is(media));
        let own = self.media_types.first();
        if !as_xml && !own.is_some_and(|own| own.eq_ignore_ascii_case(media)) {
            return None;
        }
        let mut asked = self.clone();
        asked.as_xml = as_xml;
        let known = |known: &String| known.eq_ignore_ascii_case(media);
        if let Some(at) = asked.media_types.iter().position(known) {
            asked.media_types.swap(0, at);
        }
        Some(asked)
    }

    /// What is told of a body that is not what its media type says; `head` is how it begins. A type
    /// that is none of the format's says nothing.
    pub fn differs(&self, media: &str, head: &[u8]) -> Option<Finding> {
        let form = self.xml_form.as_ref();
        let form = form.filter(|_| is_among(&self.media_types, media));
        form.and_then(|form| form.differs(media, head))
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
        let form = self.xml_form.as_ref().filter(|_| is_xml(&unit.bytes));
        let mut parsed = match &self.syntax {
            Ready::Json(names) => match form {
                Some(_) if unit.line => form::as_line(),
                Some(form) => members::parse(&unit.bytes, &form.profile),
                None => json::parse_naming(&unit.bytes, names),
            },
            Ready::Xml(profile) => xml::parse(&unit.bytes, profile),
            Ready::Messages(profile) => hl7v2::parse(&unit.bytes, profile),
            Ready::Interchange(_) => x12::parse(&unit.bytes, &self.interchanges),
            Ready::Delimited { dialect, names, .. } => {
                let (bytes, row) = (&unit.bytes, unit.first_row);
                match &unit.header {
                    Some(header) => delimited::parse_below(header, bytes, dialect, row, names),
                    None => delimited::parse_rows(bytes, dialect, row, names),
                }
            }
        };
        strip::take_out(&self.strips, unit.first_row, &mut parsed);
        if let Some(header) = &unit.header {
            strip::resembling(&self.strips, (header, unit.first_row), &mut parsed);
        }
        self.fill(unit, &mut parsed.findings);
        parsed
    }

    /// Fills lines and columns of findings about a unit; of a sheet, which has none, its name.
    pub fn fill(&self, unit: &Unit, findings: &mut [Finding]) {
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
        let index = match self.syntax {
            Ready::Messages(_) => LineIndex::with_returns(&unit.bytes, unit.first_line),
            _ => LineIndex::new(&unit.bytes, unit.first_line),
        };
        index.fill(findings);
    }

    /// A place of a message by its path in a mapping, `PID.5[].1`, as its sender names it.
    pub fn place_of(&self, path: &str) -> String {
        // What chooses among items is no place.
        let mut depth = 0_u32;
        let outside = |c: &char| {
            depth = depth.saturating_add(u32::from(*c == '['));
            let keeps = depth == 0;
            depth = depth.saturating_sub(u32::from(*c == ']'));
            keeps
        };
        let plain: String = path.chars().filter(outside).collect();
        let names = plain.split('.');
        // A mapped path begins within the structure.
        let inside = std::iter::once("").chain(names.filter(|name| !name.is_empty()));
        hl7v2::place(inside.map(PlaceStep::Name))
    }

    /// A tree to bytes. A delimited tree is written under the header its columns belong to.
    pub fn write(&self, tree: &Node) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.syntax {
            Ready::Json(_) => match self.form_written() {
                Some(form) => members::write(tree, &form.profile, &mut out),
                None => json::write(tree, &mut out),
            },
            Ready::Xml(profile) => xml::write(tree, profile, &mut out),
            Ready::Messages(profile) => hl7v2::write(tree, profile, &mut out),
            Ready::Interchange(profile) => x12::write(tree, profile, &mut out),
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

    /// What of a tree this syntax cannot say: nothing is written of a tree with such a value.
    pub fn refused(&self, tree: &Node) -> Vec<Finding> {
        match &self.syntax {
            Ready::Interchange(_) => x12::refused(tree),
            _ => {
                let form = self.form_written();
                form.map(|form| form.refused(tree)).unwrap_or_default()
            }
        }
    }

    fn form_written(&self) -> Option<&Form> {
        self.xml_form.as_ref().filter(|_| self.as_xml)
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
            Ready::Json(_) | Ready::Xml(_) | Ready::Messages(_) | Ready::Interchange(_) => {
                self.schemas.targets(tree)
            }
        }
    }

    /// What is told of rows that leave a column empty that says who may see them. To be asked of
    /// rows as they are read in the end: what a sender's words for nothing emptied is empty.
    pub fn unmarked(&self, unit: &Unit, tree: &Node) -> Vec<Finding> {
        match (&self.syntax, &unit.header) {
            (Ready::Delimited { marks, .. }, Some(header)) => {
                marks::unmarked(marks, header, (tree.items(), unit.first_row))
            }
            _ => Vec::new(),
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
            (NotationKind::Segment, _) => SenderNotation::Segments,
            (NotationKind::Typed, _) => SenderNotation::Dotted(self.schemas.root_name(target)),
            (NotationKind::Xml, Ready::Xml(profile)) => SenderNotation::Xml(profile.root.clone()),
            (NotationKind::Xml, _) => SenderNotation::Pointer,
        }
    }

    /// Whether documents of it are looked into at all, be it to refuse them as what they are.
    pub fn is_read(&self) -> bool {
        self.read
    }

    /// Whether documents are workbooks, which are bytes of their own and no text.
    pub fn is_workbook(&self) -> bool {
        matches!(self.syntax, Ready::Delimited { book: true, .. })
    }

    /// Whether documents are messages, one of which is answered by a message.
    pub fn is_messages(&self) -> bool {
        matches!(self.syntax, Ready::Messages(_))
    }

    /// Cuts a stream of this format into documents. `head` is how the stream begins.
    pub fn splitter(&self, head: &[u8]) -> Cutter {
        // An interchange is told as what it is, and never read as something else.
        if let Some(kind) = x12::recognise(head, &self.interchanges) {
            let mut told = [x12::not_read(kind)];
            LineIndex::new(head, 1).fill(&mut told);
            let [told] = told;
            return Cutter::Stream(Box::new(Splitter::refusing(told)));
        }
        if let Ready::Delimited {
            dialect,
            names,
            tables,
            marks,
            book,
        } = &self.syntax
        {
            let known = Head {
                tables: Arc::clone(tables),
                marks: Arc::clone(marks),
                names: Arc::clone(names),
            };
            return match book {
                true => Cutter::Book(Box::new(Book::new(known, *dialect))),
                false => {
                    let splitter = rows_splitter(tables, dialect, head);
                    Cutter::Rows(Box::new(Rows::new(splitter, known)))
                }
            };
        }
        let kind = self.split_kind(head);
        let bytes_max = match kind {
            SplitKind::Whole => BUNDLE_BYTES_MAX,
            SplitKind::Lines | SplitKind::Delimited { .. } | SplitKind::Messages => {
                RECORD_BYTES_MAX
            }
        };
        Cutter::Stream(Box::new(Splitter::new(kind, bytes_max)))
    }

    fn split_kind(&self, head: &[u8]) -> SplitKind {
        match &self.syntax {
            Ready::Delimited {
                dialect, tables, ..
            } => rows_kind(tables, dialect, head),
            Ready::Json(_) if self.lines && is_line_stream(head) => SplitKind::Lines,
            Ready::Messages(_) => SplitKind::Messages,
            Ready::Json(_) | Ready::Xml(_) | Ready::Interchange(_) => SplitKind::Whole,
        }
    }

    /// Whether a stream that begins so is cut into many documents.
    pub fn is_stream(&self, head: &[u8]) -> bool {
        let interchange = x12::recognise(head, &self.interchanges).is_some();
        !interchange && self.split_kind(head) != SplitKind::Whole
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
