//! A format's own file, `schemas/formats/<format>/<version>/format.toml`: what the wire looks like.
//!
//! The language is specified in `mappings/README.md`, section 1. Only parsed here.

mod labels;
mod xml;

pub use labels::{
    DutySource, LabelPlaceSource, LabelSetSource, LabelsOutSource, LabelsSource, LevelSource,
    ReasonSource, SensitivitySource,
};
pub use xml::{EmbeddedSource, XmlFormSource, XmlSource};

use crate::base::id::FormatId;
use serde::Deserialize;
use std::collections::BTreeSet;
use toml::Spanned;

/// One format and version, parsed.
#[derive(Clone, Debug)]
pub struct FormatSource {
    /// `<format>/<version>`.
    pub id: FormatId,
    /// The file, relative to its catalog folder.
    pub file: String,
    /// What stands in it.
    pub body: FormatFile,
}

/// The keys of `format.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatFile {
    /// For people.
    pub name: String,
    /// How bytes become a tree.
    pub syntax: Syntax,
    /// Record streams it may also come as.
    #[serde(default)]
    pub stream: Vec<Stream>,
    /// The first one is written.
    #[serde(default)]
    pub media_types: Vec<String>,
    /// How findings name places; left out, the syntax's own way.
    #[serde(default)]
    pub notation: Option<NotationKind>,
    /// The document is the canonical record itself.
    #[serde(default)]
    pub identity: bool,
    /// Of workbooks: the delimited format whose tables stand in the sheets. Its schemas and
    /// mappings are theirs.
    #[serde(default)]
    pub rows_of: Option<FormatId>,
    /// Schema file of the whole document.
    #[serde(default)]
    pub document: Option<Spanned<String>>,
    /// Where nodes stand.
    #[serde(default)]
    pub node: Vec<Spanned<NodeSource>>,
    /// How nodes refer to each other.
    #[serde(default)]
    pub reference: Option<ReferenceSource>,
    /// Wire schemas by node type.
    #[serde(default)]
    pub schema: Vec<Spanned<SchemaSource>>,
    /// Node types that are consents: a document does not lodge them.
    #[serde(default)]
    pub consents: Vec<String>,
    /// Labels by which a sender says how sensitive a place is.
    #[serde(default)]
    pub labels: Option<LabelsSource>,
    /// What changes the meaning of where it stands and is not read: its record is refused.
    #[serde(default)]
    pub refuse: Vec<Spanned<RefuseSource>>,
    /// Lists of which a row must read every item.
    #[serde(default)]
    pub complete: Vec<Spanned<CompleteSource>>,
    /// Words in the name of a column or member no schema has, by which it may say who may see the
    /// rest: such a one is not passed over.
    #[serde(default)]
    pub mark_words: Vec<String>,
    /// Of XML formats.
    #[serde(default)]
    pub xml: Option<XmlSource>,
    /// Of JSON formats: the same documents as XML, told by their first byte.
    #[serde(default)]
    pub xml_form: Option<Spanned<XmlFormSource>>,
    /// Of delimited formats.
    #[serde(default)]
    pub delimited: Option<DelimitedSource>,
    /// Of HL7 v2 formats.
    #[serde(default)]
    pub hl7v2: Option<Hl7v2Source>,
    /// Of X12 formats.
    #[serde(default)]
    pub x12: Option<X12Source>,
    /// Its documents are claims: what is claimed must hold by the table of billed services.
    #[serde(default)]
    pub claims: bool,
    /// Whether records are read in it too; `false`: it is only written.
    #[serde(default = "yes")]
    pub read: bool,
    /// Whether records are written in it too; `false`: it is only read.
    #[serde(default = "yes")]
    pub written: bool,
    /// Columns taken out at the door, before anything looks at what stands in them.
    #[serde(default)]
    pub strip: Vec<Spanned<StripSource>>,
}

impl FormatFile {
    /// The types of nodes and documents this file speaks of.
    pub fn types(&self) -> BTreeSet<String> {
        let nodes = self.node.iter().map(|node| node.as_ref());
        let word = |when: &Spanned<String>| {
            let (_, word) = when.as_ref().split_once('=')?;
            Some(word.trim().trim_matches('\'').to_owned())
        };
        let of_documents = nodes.clone().filter_map(|node| word(node.when.as_ref()?));
        let of_nodes = nodes.filter_map(|node| node.node_type.clone());
        let of_schemas = self
            .schema
            .iter()
            .map(|schema| schema.as_ref().node_type.clone());
        let consents = self.consents.iter().cloned();
        let of_nodes = of_documents.chain(of_nodes);
        of_nodes.chain(of_schemas).chain(consents).collect()
    }

    /// The names in the paths this file gives.
    pub fn names(&self) -> Vec<String> {
        let mut paths: Vec<&str> = Vec::new();
        for node in &self.node {
            let node = node.as_ref();
            paths.push(node.at.as_ref());
            let more = [&node.when, &node.type_from, &node.name];
            paths.extend(
                more.into_iter()
                    .flatten()
                    .map(|path| path.as_ref().as_str()),
            );
        }
        if let Some(reference) = &self.reference {
            paths.extend([reference.id.as_str(), reference.value.as_str()]);
            paths.extend(reference.local.iter().map(|local| local.at.as_str()));
        }
        // What the format asks for must be seen, whether a schema has it or not.
        if let Some(labels) = &self.labels {
            let out = labels.out.iter().map(|out| &out.as_ref().at);
            let own = labels.at.iter().chain([&labels.system, &labels.code]);
            let places = labels.place.iter().map(|place| place.as_ref());
            let places =
                places.flat_map(|it| [&it.system, &it.code].into_iter().flatten().chain([&it.at]));
            let own = own.chain(places).chain(out);
            paths.extend(own.map(|path| path.as_ref().as_str()));
        }
        for refuse in &self.refuse {
            paths.push(refuse.as_ref().at.as_ref());
        }
        if let Some(form) = &self.xml_form {
            paths.extend(form.as_ref().repeated.iter().map(String::as_str));
        }
        let known = self.hl7v2.iter().flat_map(|it| &it.segments);
        paths.extend(known.map(String::as_str));
        let taken = self.strip.iter().flat_map(|strip| &strip.as_ref().columns);
        paths.extend(taken.map(String::as_str));
        let apart = |c: char| "./[]='\" ,".contains(c);
        let names = paths.into_iter().flat_map(|path| path.split(apart));
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// How bytes become a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Syntax {
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// Rows of cells under a header.
    Delimited,
    /// Such rows in the sheets of a workbook; read only.
    Workbook,
    /// Messages of segments.
    Hl7v2,
    /// Interchanges of segments; written, and recognised where they are handed in.
    X12,
}

impl Syntax {
    /// Whether documents are rows of cells under a header.
    pub fn is_tabular(self) -> bool {
        matches!(self, Syntax::Delimited | Syntax::Workbook)
    }

    /// Whether documents can stand beside each other in one file that is still read: as lines of
    /// JSON, or as rows under one header.
    pub fn is_joined(self) -> bool {
        matches!(self, Syntax::Json | Syntax::Delimited)
    }
}

/// A record stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// One document per line.
    Lines,
}

/// How findings name places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotationKind {
    /// RFC 6901.
    Pointer,
    /// Element path.
    Xml,
    /// Row and column.
    Column,
    /// Segment, field, repetition, component.
    Segment,
    /// Dotted path from the type that a node says itself.
    Typed,
}

/// Where nodes stand in a document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSource {
    /// The document has this form: one path, or one `path='word'`; test in, assignment out.
    #[serde(default, deserialize_with = "form")]
    pub when: Option<Spanned<String>>,
    /// Path of the nodes.
    pub at: Spanned<String>,
    /// Path in the node of its type.
    #[serde(default)]
    pub type_from: Option<Spanned<String>>,
    /// The type itself.
    #[serde(default, rename = "type")]
    pub node_type: Option<String>,
    /// Path of the node's absolute name.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// Documents are written in this form.
    #[serde(default)]
    pub write: bool,
    /// Further members of the document, going out.
    #[serde(default, rename = "const")]
    pub constants: toml::Table,
    /// Member that gets the document's own derived id, going out.
    #[serde(default)]
    pub id: Option<String>,
}

/// What changes the meaning of where it stands, at any depth.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefuseSource {
    /// Path of it.
    pub at: Spanned<String>,
    /// Only where this holds.
    #[serde(default)]
    pub when: Option<Spanned<String>>,
    /// What the sender is told it is; left out, that it changes the meaning and is not read.
    #[serde(default)]
    pub says: Option<String>,
}

/// A list, wherever it stands, of which a row must read every item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompleteSource {
    /// The member that is the list, wherever it stands; or the one it stands in, and the list.
    pub list: Spanned<String>,
    /// An item no row reads refuses its record where this holds; any other is only told.
    #[serde(default)]
    pub when: Option<Spanned<String>>,
    /// Whether such an item refuses at all.
    #[serde(default = "yes")]
    pub refuse: bool,
}

/// Columns taken out at the door.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripSource {
    /// Their names, in whatever case; one that ends in `*` means all that begin so.
    pub columns: Vec<String>,
    /// Why, as the sender is told.
    pub reason: String,
}

/// How nodes refer to each other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceSource {
    /// Path in a node of its id.
    pub id: String,
    /// Path in a reference of the name; `.` when the reference is the text itself.
    pub value: String,
    /// How a node is named by its members.
    pub names: Vec<String>,
    /// Names are addresses: a server, then type and id.
    #[serde(default)]
    pub absolute: bool,
    /// Nodes inside a node.
    #[serde(default)]
    pub local: Option<LocalSource>,
    /// Text of references going out.
    pub write: String,
    /// Form of ids going out.
    #[serde(default)]
    pub id_form: IdForm,
}

/// Nodes inside a node, named within it only.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalSource {
    /// Path of the inner nodes.
    pub at: String,
    /// What references to them begin with.
    pub prefix: String,
}

/// Form of ids going out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdForm {
    /// Eight-four-four-four-twelve.
    #[default]
    Uuid,
    /// `_` and 32 hexadecimal digits.
    Ncname,
    /// 32 hexadecimal digits.
    Hex,
}

/// A wire schema of one node type.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaSource {
    /// The node type.
    #[serde(rename = "type")]
    pub node_type: String,
    /// File beside `format.toml`.
    pub file: Spanned<String>,
    /// Delimited: columns that tell that a file is of this type.
    #[serde(default)]
    pub header: Vec<String>,
    /// Delimited: columns whose contiguous equal values make one unit.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// Delimited: columns whose rows may differ within a unit, but then a person must look.
    #[serde(default)]
    pub review: Vec<String>,
}

/// What only delimited formats have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelimitedSource {
    /// One ASCII character that stands for nothing else in a table.
    #[serde(default = "comma", deserialize_with = "delimiter")]
    pub delimiter: char,
    /// Cells that a spreadsheet would take for formulas stand behind an apostrophe.
    #[serde(default)]
    pub formulas_guarded: bool,
    /// Columns that say who may see a row: a column that is almost called so refuses the file, and
    /// where a file has one, no row leaves it empty.
    #[serde(default)]
    pub marks: Vec<String>,
    /// Such columns that a row may leave empty, by the format's own word.
    #[serde(default)]
    pub optional_marks: Vec<String>,
}

/// What only HL7 v2 formats have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hl7v2Source {
    /// Structure by message code and trigger event, `code^event`, or by the code alone.
    pub messages: std::collections::BTreeMap<String, Spanned<String>>,
    /// Segments no schema has that findings may name.
    #[serde(default)]
    pub segments: Vec<String>,
    /// Segments that hold for the whole message wherever in it they stand. Every structure has them
    /// at its top, repeating.
    #[serde(default)]
    pub anywhere: Vec<String>,
    /// Segments, fields of them (`ABC.1`) and components (`ABC.1.1`), in which nothing may be left
    /// unread.
    #[serde(default)]
    pub whole: Vec<String>,
    /// Segments and fields of them that refuse where they have no place in the message.
    #[serde(default)]
    pub restricting: Vec<String>,
}

/// What only X12 formats have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct X12Source {
    /// Kinds of interchange that are recognised by what they say they are, the first that fits.
    #[serde(default)]
    pub recognised: Vec<RecognisedSource>,
}

/// A kind of interchange.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecognisedSource {
    /// The first segment behind the interchange's head, where that tells the kind.
    #[serde(default)]
    pub segment: Option<String>,
    /// The transaction set.
    #[serde(default)]
    pub set: Option<String>,
    /// How the name of the implementation guide begins.
    #[serde(default)]
    pub guide: Option<String>,
    /// What it is, in the words a sender is told.
    pub says: String,
}

fn comma() -> char {
    ','
}

fn yes() -> bool {
    true
}

/// What cells are told apart by: a byte that can be no part of another character, of a quoted cell,
/// of a line end or of a guarded formula.
pub(super) fn delimiter<'de, D: serde::Deserializer<'de>>(text: D) -> Result<char, D::Error> {
    let given = char::deserialize(text)?;
    let apart = given == '\t' || given.is_ascii_punctuation();
    match apart && !"\"'+-=@._".contains(given) {
        true => Ok(given),
        false => Err(serde::de::Error::custom(
            "the delimiter is a tab or an ASCII sign that no cell is written with",
        )),
    }
}

/// How a form of document is told. More than this a document's form is not asked: a condition that
/// is not understood would hold for no document, and no schema would then be held against any.
fn form<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Option<Spanned<String>>, D::Error> {
    let given = Option::<Spanned<String>>::deserialize(text)?;
    let plain = |path: &str| !path.trim().is_empty() && !path.contains(['=', '!', ',', '\'']);
    let quoted = |word: &str| {
        let inner = word
            .trim()
            .strip_prefix('\'')
            .and_then(|w| w.strip_suffix('\''));
        inner.is_some_and(|word| !word.contains('\''))
    };
    let understood = |text: &str| match text.split_once('=') {
        Some((path, word)) => plain(path) && quoted(word),
        None => plain(text),
    };
    match given.as_ref().is_none_or(|text| understood(text.as_ref())) {
        true => Ok(given),
        false => Err(serde::de::Error::custom(
            "a form of document is told by one path or by one path='word'",
        )),
    }
}

impl FormatSource {
    /// The folder of the format, relative to `schemas/`.
    pub fn folder(&self) -> String {
        format!("formats/{}", self.id)
    }

    /// Whether documents of it are read into records; those of others are recognised and refused.
    pub fn is_read(&self) -> bool {
        self.body.read && self.body.syntax != Syntax::X12
    }

    /// Whether anything can be written in it.
    pub fn is_written(&self) -> bool {
        self.body.written && self.body.syntax != Syntax::Workbook
    }

    /// The path under which a schema file of this format stands in `Sources::schemas`.
    pub fn schema_path(&self, file: &str) -> String {
        format!("{}/{file}", self.folder())
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
