//! The parts of a workbook that lead to its sheets: relations, list of sheets, shared texts.
//!
//! Elements are known by their names without a prefix, so that both editions of the standard are
//! read. A DOCTYPE is never read, and an entity only when XML itself has it.

use super::Trouble;
use super::archive::Archive;
use crate::base::limits::{WORKBOOK_CELLS_MAX, WORKBOOK_SHEETS_MAX};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// A sheet of the list.
#[derive(Debug)]
pub(super) struct SheetPart {
    pub name: String,
    pub path: String,
    pub hidden: bool,
}

/// What the workbook's own part says.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub sheets: Vec<SheetPart>,
    pub shared: Option<String>,
    pub styles: Option<String>,
    /// Days are counted from 1904.
    pub from_1904: bool,
}

/// One step through an XML part.
pub(super) enum Step<'x> {
    /// An element begins.
    Open(BytesStart<'x>),
    /// An element ends.
    Close(String),
    /// Characters.
    Text(String),
}

/// The events of a part that matter here.
pub(super) struct Steps<'x> {
    reader: Reader<&'x [u8]>,
}

impl<'x> Steps<'x> {
    pub fn of(xml: &'x str) -> Steps<'x> {
        let xml = xml.strip_prefix('\u{feff}').unwrap_or(xml);
        let mut reader = Reader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        Steps { reader }
    }

    pub fn next(&mut self) -> Result<Option<Step<'x>>, Trouble> {
        loop {
            return Ok(Some(match self.reader.read_event() {
                Ok(Event::Start(start)) => Step::Open(start),
                Ok(Event::End(end)) => Step::Close(end.local_name().as_ref().to_owned()),
                Ok(Event::Text(text)) => Step::Text(text.xml10_content().into_owned()),
                Ok(Event::CData(text)) => Step::Text(text.xml10_content().into_owned()),
                Ok(Event::GeneralRef(reference)) => {
                    let named = resolve_predefined_entity(&reference);
                    match (reference.resolve_char_ref(), named) {
                        (Ok(Some(c)), _) => Step::Text(c.to_string()),
                        (Ok(None), Some(text)) => Step::Text(text.to_owned()),
                        _ => return Err(Trouble::Broken),
                    }
                }
                Ok(Event::Decl(_) | Event::Comment(_) | Event::PI(_)) => continue,
                Ok(Event::Eof) => return Ok(None),
                _ => return Err(Trouble::Broken),
            }));
        }
    }
}

/// The attribute of that name, whatever its prefix.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut all = start.attributes().filter_map(Result::ok);
    let found = all.find(|it| it.key.local_name().as_ref() == name)?;
    let value = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

/// The name of an element without its prefix.
pub(super) fn local(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

/// Reads the workbook's own part and what it relates to.
pub(super) fn book(archive: &mut Archive) -> Result<Book, Trouble> {
    let top = relations(&archive.read("_rels/.rels").map_err(no_workbook)?, "")?;
    let path = of_kind(&top, "/officeDocument").ok_or(Trouble::NoWorkbook)?;
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let prefix = match folder {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    let relations = relations(
        &archive.read(&format!("{prefix}_rels/{file}.rels"))?,
        &prefix,
    )?;
    let mut book = Book {
        shared: of_kind(&relations, "/sharedStrings"),
        styles: of_kind(&relations, "/styles"),
        ..Book::default()
    };
    let xml = archive.read(&path)?;
    let mut steps = Steps::of(&xml);
    while let Some(step) = steps.next()? {
        let Step::Open(start) = step else { continue };
        match local(&start).as_str() {
            "workbookPr" => {
                let told = attribute(&start, "date1904");
                book.from_1904 = matches!(told.as_deref(), Some("1" | "true"));
            }
            "sheet" => {
                if book.sheets.len() >= WORKBOOK_SHEETS_MAX {
                    return Err(Trouble::TooLarge);
                }
                let id = attribute(&start, "id").ok_or(Trouble::Broken)?;
                let found = relations.iter().find(|relation| relation.id == id);
                let found = found.ok_or(Trouble::Broken)?;
                // Charts and dialogues are sheets without cells.
                if found.kind.ends_with("/worksheet") {
                    book.sheets.push(SheetPart {
                        name: attribute(&start, "name").unwrap_or_default(),
                        path: found.target.clone(),
                        hidden: is_hidden(&start),
                    });
                }
            }
            _ => {}
        }
    }
    Ok(book)
}

fn is_hidden(sheet: &BytesStart<'_>) -> bool {
    let state = attribute(sheet, "state");
    matches!(state.as_deref(), Some("hidden" | "veryHidden"))
}

/// An archive without relations is something else that is zipped.
fn no_workbook(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Broken => Trouble::NoWorkbook,
        other => other,
    }
}

struct Relation {
    id: String,
    kind: String,
    target: String,
}

fn of_kind(relations: &[Relation], kind: &str) -> Option<String> {
    let mut all = relations.iter();
    all.find(|relation| relation.kind.ends_with(kind))
        .map(|relation| relation.target.clone())
}

/// Relations of a part; targets are seen from the archive's root.
fn relations(xml: &str, folder: &str) -> Result<Vec<Relation>, Trouble> {
    let mut out = Vec::new();
    let mut steps = Steps::of(xml);
    while let Some(step) = steps.next()? {
        let Step::Open(start) = step else { continue };
        let told = |name: &str| attribute(&start, name);
        let all = (told("Id"), told("Type"), told("Target"));
        // What lies outside the file is never fetched.
        let outside = told("TargetMode").as_deref() == Some("External");
        if let ((Some(id), Some(kind), Some(target)), false) = (all, outside) {
            let target = match target.strip_prefix('/') {
                Some(from_root) => from_root.to_owned(),
                None => format!("{folder}{target}"),
            };
            out.push(Relation { id, kind, target });
        }
    }
    Ok(out)
}

/// The texts cells share, in their order.
pub(super) fn shared(xml: &str) -> Result<Vec<Box<str>>, Trouble> {
    let mut out: Vec<Box<str>> = Vec::new();
    let mut text = Gathered::default();
    let mut steps = Steps::of(xml);
    while let Some(step) = steps.next()? {
        if text.take(&step) {
            continue;
        }
        match step {
            Step::Open(start) if local(&start) == "si" => text = Gathered::default(),
            Step::Close(name) if name == "si" => {
                if out.len() >= WORKBOOK_CELLS_MAX {
                    return Err(Trouble::TooLarge);
                }
                out.push(std::mem::take(&mut text.text).into_boxed_str());
            }
            _ => {}
        }
    }
    Ok(out)
}

/// The text of an element that may be in several runs, without how it is pronounced.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub text: String,
    inside: bool,
    spoken: bool,
}

impl Gathered {
    /// Takes a step that belongs to the text.
    pub fn take(&mut self, step: &Step<'_>) -> bool {
        match step {
            Step::Open(start) => match local(start).as_str() {
                "t" => self.inside = true,
                "rPh" => self.spoken = true,
                _ => return false,
            },
            Step::Close(name) => match name.as_str() {
                "t" => self.inside = false,
                "rPh" => self.spoken = false,
                _ => return false,
            },
            Step::Text(text) if self.inside => {
                if !self.spoken {
                    self.text.push_str(text);
                }
            }
            Step::Text(_) => return false,
        }
        true
    }
}
