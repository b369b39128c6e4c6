//! A declared format made ready: its syntax with what its file and schemas fix. Pure.
//!
//! It knows no format by name; what a file leaves out is a defect, never a guess.

use super::form;
use super::marks::{Mark, Marks};
use super::places::WireSchemas;
use super::{Ready, Strip, Table, Wire};
use crate::base::Text;
use crate::base::defect::Defect;
use crate::catalog::Sources;
use crate::catalog::format::{FormatSource, Hl7v2Source, NotationKind, Stream, Syntax};
use crate::catalog::schema::{Kind, Shape};
use crate::format::Names;
use crate::format::delimited::Dialect;
use crate::format::hl7v2::MessageProfile;
use crate::format::x12::{InterchangeProfile, Known};
use crate::format::xml::{Layout, XmlProfile};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A format by itself, or the sheets of a workbook by the format whose rows they hold.
pub(super) fn any(sources: &Sources, format: &FormatSource, defects: &mut Vec<Defect>) -> Wire {
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
            names: names(sources, format).into(),
            tables: tables(sources, format, defects).into(),
            marks: marks(sources, format, defects).into(),
            book: false,
        },
        // Made of the format whose rows it holds, or a defect.
        (Syntax::Workbook, _) => Ready::Json(Names::default()),
        (Syntax::Hl7v2, _) => Ready::Messages(messages(sources, format, defects)),
        (Syntax::X12, _) => Ready::Interchange(InterchangeProfile {
            structures: structures(sources, format),
            names: names(sources, format),
        }),
    };
    let by_syntax = match body.syntax {
        Syntax::Json => NotationKind::Pointer,
        Syntax::Xml => NotationKind::Xml,
        Syntax::Delimited | Syntax::Workbook => NotationKind::Column,
        Syntax::Hl7v2 | Syntax::X12 => NotationKind::Segment,
    };
    Wire {
        media_types: form::media_types(format),
        lines: body.stream.contains(&Stream::Lines),
        identity: body.identity,
        read: body.read,
        notation: body.notation.unwrap_or(by_syntax),
        xml_form: form::ready(sources, format, defects),
        as_xml: false,
        interchanges: Arc::default(),
        syntax,
        schemas: WireSchemas::of(format),
        strips: strips(sources, format, defects),
    }
}

/// Columns taken out at the door. What a schema reads, or tells rows by, cannot be taken out.
fn strips(sources: &Sources, format: &FormatSource, defects: &mut Vec<Defect>) -> Arc<[Strip]> {
    let schemas = format.body.schema.iter().map(|schema| schema.as_ref());
    let paths = schemas.map(|schema| format.schema_path(schema.file.as_ref()));
    let read: Vec<Text> = paths
        .filter_map(|path| sources.schemas.get(&path))
        .flat_map(|shape| columns(shape))
        .collect();
    let rows = format.body.strip.iter().map(|row| row.as_ref());
    let made: Vec<Strip> = rows
        .map(|row| Strip {
            columns: row.columns.iter().map(Text::from).collect(),
            reason: Text::from(&row.reason),
        })
        .collect();
    let taken = stand_ins(format);
    let names = Names::only([]).standing_in(taken.clone());
    let both = read.iter().any(|name| names.meant(name));
    if both || !taken.is_empty() && format.body.syntax != Syntax::Delimited {
        defects.push(Defect {
            file: format.file.clone(),
            line: 0,
            column: 0,
            code: "format-strip-invalid",
            message: "`strip` names a column a schema reads, or stands in a format without columns"
                .into(),
            help: "name columns of rows that no schema has".into(),
        });
    }
    made.into()
}

fn stand_ins(format: &FormatSource) -> Vec<Text> {
    let rows = format.body.strip.iter();
    rows.flat_map(|row| &row.as_ref().columns)
        .map(Text::from)
        .collect()
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
pub(super) fn names(sources: &Sources, format: &FormatSource) -> Names {
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
    let words = format.body.mark_words.iter().map(Text::from);
    Names::only(all)
        .standing_in(stand_ins(format))
        .speaking(words.collect())
}

/// The kinds of files, each with its columns; what tells or groups rows must be one of them.
fn tables(sources: &Sources, format: &FormatSource, defects: &mut Vec<Defect>) -> Vec<Table> {
    let schemas = format.body.schema.iter().map(|schema| schema.as_ref());
    for schema in schemas.clone() {
        let path = format.schema_path(schema.file.as_ref());
        let known = sources.schemas.get(&path).map(|shape| columns(shape));
        let known = known.unwrap_or_default();
        let mut named = schema.header.iter().chain(&schema.group_by);
        if let Some(strange) = named.find(|name| !known.iter().any(|own| own == name.as_str())) {
            defects.push(Defect {
                file: format.file.clone(),
                line: 0,
                column: 0,
                code: "format-column-unknown",
                message: format!("`{strange}` is no column of {}", schema.file.as_ref()),
                help: "name columns as the row schema does, without quotes of their own".into(),
            });
        }
    }
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

/// Columns that say who may see a row, with the words that may stand in them.
fn marks(sources: &Sources, format: &FormatSource, defects: &mut Vec<Defect>) -> Marks {
    let Some(given) = &format.body.delimited else {
        return Marks::default();
    };
    let schemas = format.body.schema.iter().map(|schema| schema.as_ref());
    let paths = schemas.map(|schema| format.schema_path(schema.file.as_ref()));
    let shapes = paths.filter_map(|path| sources.schemas.get(&path).map(AsRef::as_ref));
    let shapes: Vec<&Shape> = shapes.collect();
    let strict = given.marks.iter().map(|name| (name, true));
    let optional = given.optional_marks.iter().map(|name| (name, false));
    let made = strict.chain(optional).filter_map(|(name, filled)| {
        let members = shapes.iter().flat_map(|shape| shape.members());
        let mut own = members.filter(|(own, _)| own == name).peekable();
        if own.peek().is_none() {
            defects.push(Defect {
                file: format.file.clone(),
                line: 0,
                column: 0,
                code: "format-column-unknown",
                message: format!("`{name}` is no column of any row schema"),
                help: "name columns that say who may see a row as the row schemas do".into(),
            });
            return None;
        }
        let words = own.find_map(|(_, shape)| match &shape.kind {
            Kind::Text(rule) if !rule.codes.is_empty() => Some(rule.codes.clone()),
            _ => None,
        });
        Some(Mark {
            name: Text::from(name),
            filled,
            words: words.unwrap_or_default(),
        })
    });
    Marks {
        columns: made.collect(),
        words: format.body.mark_words.iter().map(Text::from).collect(),
    }
}

/// What may stand in each structure of a format.
pub(super) fn structures(sources: &Sources, format: &FormatSource) -> BTreeMap<Text, Layout> {
    let schemas = format.body.schema.iter().map(|schema| schema.as_ref());
    let layout = |file: &str| Some(sources.schemas.get(&format.schema_path(file))?.layout());
    schemas
        .filter_map(|it| Some((Text::from(&it.node_type), layout(it.file.as_ref())?)))
        .collect()
}

/// The kinds of interchange the formats of a catalog recognise.
pub(super) fn known(sources: &Sources) -> Vec<Known> {
    let text = |it: &Option<String>| it.as_ref().map(Text::from);
    let formats = sources.formats.values();
    let rows = formats.flat_map(|format| &format.body.x12);
    let rows = rows.flat_map(|it| &it.recognised);
    rows.map(|row| Known {
        segment: text(&row.segment),
        set: text(&row.set),
        guide: text(&row.guide),
        says: Text::from(&row.says),
    })
    .collect()
}

/// What the schemas say of the messages of a format.
fn messages(sources: &Sources, format: &FormatSource, defects: &mut Vec<Defect>) -> MessageProfile {
    let structures = structures(sources, format);
    let given = format.body.hl7v2.iter().flat_map(|it| &it.messages);
    let messages: BTreeMap<Text, Text> = given
        .map(|(message, structure)| (message.into(), structure.as_ref().into()))
        .collect();
    let anywhere = format.body.hl7v2.iter().flat_map(|it| &it.anywhere);
    let anywhere: Vec<Text> = anywhere.map(Text::from).collect();
    let at_top = |layout: &Layout| {
        let mut names = anywhere.iter();
        names.all(|name| layout.children.get(name).is_some_and(|it| it.array))
    };
    let unknown = messages
        .values()
        .find(|name| !structures.contains_key(*name));
    if !structures.values().all(at_top) {
        defects.push(Defect {
            file: format.file.clone(),
            line: 0,
            column: 0,
            code: "format-segment-missing",
            message: "a structure has no place for a segment that may stand anywhere".into(),
            help: "give every structure the segments of `anywhere` at its top, as arrays".into(),
        });
    }
    if messages.is_empty() || unknown.is_some() {
        defects.push(Defect {
            file: format.file.clone(),
            line: 0,
            column: 0,
            code: "format-messages-missing",
            message: "a message of the format has no structure that is a [[schema]]".into(),
            help: "name every message and its structure in the table `messages`".into(),
        });
    }
    let places = |of: &dyn Fn(&Hl7v2Source) -> &Vec<String>| {
        let all = format.body.hl7v2.iter().flat_map(of);
        all.map(Text::from).collect()
    };
    MessageProfile {
        messages,
        structures,
        anywhere,
        whole: places(&|it| &it.whole),
        restricting: places(&|it| &it.restricting),
        names: names(sources, format),
    }
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
