//! The XML form of a format whose documents are JSON: made ready, told by its first byte, written
//! where a channel asks for it. Pure.
//!
//! What the form leaves open is a defect; it knows no format by name.

use super::ready::names;
use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::finding::{Finding, Span};
use crate::base::finding_codes::{MEDIA_TYPE_DIFFERS, SYNTAX_INVALID, XML_CONTENT_MISPLACED};
use crate::catalog::Sources;
use crate::catalog::format::{FormatSource, Syntax, XmlFormSource};
use crate::format::xml::Layout;
use crate::format::xml::members::{self, MembersProfile};
use crate::format::{Node, Parsed};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A format's XML form.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub profile: Arc<MembersProfile>,
    media_types: Vec<String>,
}

impl Form {
    /// Whether a media type is one of the form's.
    pub fn is(&self, media: &str) -> bool {
        is_among(&self.media_types, media)
    }

    /// What is told of a body that begins otherwise than its media type says; nothing before
    /// anything has come.
    pub fn differs(&self, media: &str, head: &[u8]) -> Option<Finding> {
        first(head)?;
        (self.is(media) != is_xml(head)).then(|| {
            let mut finding = Finding::new(&MEDIA_TYPE_DIFFERS);
            (finding.line, finding.column) = (Some(1), Some(1));
            finding
        })
    }

    /// What of a tree the form has no place for.
    pub fn refused(&self, tree: &Node) -> Vec<Finding> {
        let places = members::unwritable(tree, &self.profile);
        let told = |place: String| Finding::new(&XML_CONTENT_MISPLACED).at(place);
        places.into_iter().map(told).collect()
    }
}

/// A line of a stream that begins as XML, which has no lines: nothing of it is read.
pub(super) fn as_line() -> Parsed {
    let told = Finding::new(&SYNTAX_INVALID)
        .saying("this line of the stream begins as XML; each line is one document of JSON")
        .fixed_by("write the line as JSON, or send the XML document alone")
        .spanning(Span::new(0, 1));
    Parsed {
        tree: None,
        findings: vec![told],
    }
}

/// Whether a media type stands in a list of them.
pub(super) fn is_among(known: &[String], media: &str) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(media))
}

/// Whether a body that begins so is XML.
pub(super) fn is_xml(head: &[u8]) -> bool {
    first(head) == Some(b'<')
}

/// The first byte that is no blank, behind a byte order mark.
fn first(head: &[u8]) -> Option<u8> {
    let body = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    body.iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}

/// All media types of a format, the form's behind its own.
pub(super) fn media_types(format: &FormatSource) -> Vec<String> {
    let form = format.body.xml_form.iter();
    let more = form.flat_map(|form| &form.as_ref().media_types);
    format
        .body
        .media_types
        .iter()
        .chain(more)
        .cloned()
        .collect()
}

/// The form a format declares.
pub(super) fn ready(
    sources: &Sources,
    format: &FormatSource,
    defects: &mut Vec<Defect>,
) -> Option<Form> {
    let spanned = format.body.xml_form.as_ref()?;
    let source = spanned.as_ref();
    if let Some((message, help)) = wrong(sources, format, source) {
        let file = sources.files.get(&format.file);
        let mut defect = match file {
            Some(file) => file.defect(Some(spanned.span()), "format-form-invalid", message),
            None => Defect {
                file: format.file.clone(),
                line: 0,
                column: 0,
                code: "format-form-invalid",
                message,
                help: String::new(),
            },
        };
        defect.help = help.to_owned();
        defects.push(defect);
        return None;
    }
    let texts = |words: &[String]| words.iter().map(Text::from).collect::<Vec<Text>>();
    let embedded = source.embedded.as_ref();
    let attributes = source.attributes.iter();
    let profile = MembersProfile {
        namespaces: MembersProfile::namespaces(
            &source.namespace,
            embedded.map(|it| it.namespace.as_str()),
        ),
        node_type: Text::from(&source.node_type),
        value: Text::from(&source.value),
        aside: Text::from(&source.aside),
        attributes: attributes
            .map(|(name, of)| (Text::from(name), texts(of)))
            .collect(),
        embedded: embedded.map(|it| texts(&it.members)).unwrap_or_default(),
        repeated: texts(&source.repeated),
        first_of_nodes: texts(&source.first_of_nodes),
        first: texts(&source.first),
        types: types(sources, format, source),
        names: names(sources, format),
    };
    Some(Form {
        profile: Arc::new(profile),
        media_types: source.media_types.clone(),
    })
}

/// What a declared form leaves open, and what helps.
fn wrong(
    sources: &Sources,
    format: &FormatSource,
    source: &XmlFormSource,
) -> Option<(String, &'static str)> {
    if format.body.syntax != Syntax::Json {
        let message = "`xml_form` is the other form of a JSON format".to_owned();
        return Some((message, "leave it out; an XML format says `xml`"));
    }
    let words = [
        &source.namespace,
        &source.node_type,
        &source.value,
        &source.aside,
    ];
    if words.iter().any(|word| word.is_empty()) || source.media_types.is_empty() {
        let message = "a word or the list of media types is empty".to_owned();
        return Some((message, "say what stands in the documents"));
    }
    let own = &format.body.media_types;
    if source.media_types.iter().any(|media| is_among(own, media)) {
        let message = "a media type is that of both forms".to_owned();
        return Some((message, "the media type tells which form a body has"));
    }
    let lacks = |file: &str| !sources.schemas.contains_key(&format.schema_path(file));
    let mut files = source.schema.iter().map(|schema| schema.file.as_ref());
    files.find(|file| lacks(file)).map(|file| {
        let message = format!("there is no schema `{file}` beside the format's file");
        (message, "name a schema that is there")
    })
}

/// What may stand in nodes of each type.
fn types(
    sources: &Sources,
    format: &FormatSource,
    source: &XmlFormSource,
) -> BTreeMap<Text, Layout> {
    let own = format.body.schema.iter().map(|schema| schema.as_ref());
    let laid_out = own.chain(&source.schema).filter_map(|schema| {
        let shape = sources
            .schemas
            .get(&format.schema_path(schema.file.as_ref()))?;
        Some((Text::from(&schema.node_type), shape.ordered_layout()))
    });
    laid_out.collect()
}
