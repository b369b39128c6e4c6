//! A format's own file to the layout of its documents.

use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::nearest::letters;
use crate::catalog::SourceFile;
use crate::catalog::format::{FormatSource, NodeSource, ReferenceSource, Syntax};
use crate::format::tree::{Node, Value};
use crate::mapping::complete::{Complete, Looked};
use crate::mapping::document::{Layout, NodePlace, Pattern, Reference};
use crate::mapping::marks::LabelPlace;
use crate::mapping::path::{Bracket, RawCondition, RawStep, RawTest, conditions, parse};
use crate::mapping::walk::{Condition, Filter, Step, Test};
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;

/// What separates steps of wire paths in this format.
pub(super) fn separator(format: &FormatSource) -> char {
    match format.body.syntax {
        Syntax::Xml => '/',
        Syntax::Json | Syntax::Delimited | Syntax::Workbook => '.',
        Syntax::Hl7v2 | Syntax::X12 => '.',
    }
}

/// Compiles the layout of a format; what is wrong with it is told.
pub(super) fn layout(
    format: &FormatSource,
    file: &SourceFile,
    defects: &mut Vec<Defect>,
) -> Layout {
    let mut reader = Reader {
        file,
        separator: separator(format),
        defects,
    };
    let mut layout = Layout::default();
    for source in &format.body.node {
        layout.places.extend(reader.place(source));
    }
    if let Some(source) = &format.body.reference {
        layout.reference = reader.reference(source);
    }
    if format.body.syntax == Syntax::Delimited {
        for schema in &format.body.schema {
            let schema = schema.as_ref();
            let columns = schema.header.iter().map(Text::from).collect();
            layout
                .headers
                .push((schema.node_type.as_str().into(), columns));
        }
    } else if layout.places.is_empty() {
        reader.wrong(
            None,
            "the format has no [[node]]: nothing tells where records stand",
        );
    }
    layout
}

/// The lists of which a row must read every item; what is wrong with them is told. `labels`: where
/// an item may be a label.
pub(super) fn looked(
    format: &FormatSource,
    file: &SourceFile,
    labels: &[LabelPlace],
    defects: &mut Vec<Defect>,
) -> Arc<Looked> {
    let mut reader = Reader {
        file,
        separator: separator(format),
        defects,
    };
    let lists = format.body.complete.iter().map(|source| {
        let source = source.as_ref();
        let list = source.list.as_ref().as_str();
        let (within, list) = match list.rsplit_once(reader.separator) {
            Some((within, list)) => (Some(within.into()), list),
            None => (None, list),
        };
        Complete {
            within,
            list: list.into(),
            when: reader.conditions(source.when.as_ref()),
            refuses: source.refuse,
        }
    });
    let lists = lists.collect();
    let whole = labels
        .iter()
        .filter_map(|place| match place.lists.as_slice() {
            [path] => Some(path.clone()),
            _ => None,
        });
    Arc::new(Looked {
        lists,
        labels: whole.collect(),
    })
}

/// Reads paths of a format's own file.
pub(super) struct Reader<'a> {
    pub file: &'a SourceFile,
    pub separator: char,
    pub defects: &'a mut Vec<Defect>,
}

impl Reader<'_> {
    /// Tells what is wrong with the file.
    pub fn wrong(&mut self, span: Option<Range<usize>>, message: &str) {
        self.defects
            .push(self.file.defect(span, "format-invalid", message));
    }

    /// A path with `[]` once at most.
    pub fn path(&mut self, text: &str, span: Option<Range<usize>>) -> Option<Plain> {
        let mut lists = self.lists(text, span.clone())?.into_iter();
        let head = lists.next().unwrap_or_default();
        let tail = lists.next();
        if lists.next().is_some() {
            self.wrong(span, "[] may stand once");
            return None;
        }
        Some(Plain { head, tail })
    }

    /// A path cut behind each `[]`.
    pub fn lists(&mut self, text: &str, span: Option<Range<usize>>) -> Option<Vec<Vec<Step>>> {
        match parse(text, self.separator, &[]) {
            Ok(raw) => Some(plain(&raw.steps)),
            Err(message) => {
                self.wrong(span, &message);
                None
            }
        }
    }

    /// A path without `[]`.
    pub fn steps(&mut self, text: &Spanned<String>) -> Option<Vec<Step>> {
        let plain = self.path(text.as_ref(), Some(text.span()))?;
        if plain.tail.is_some() {
            self.wrong(Some(text.span()), "[] has no meaning here");
            return None;
        }
        Some(plain.head)
    }

    /// Conditions; none given, none hold back.
    pub fn conditions(&mut self, text: Option<&Spanned<String>>) -> Vec<Condition> {
        let Some(text) = text else {
            return Vec::new();
        };
        match conditions(text.as_ref(), self.separator) {
            Ok(raw) => raw.iter().map(plain_condition).collect(),
            Err(message) => {
                self.wrong(Some(text.span()), &message);
                Vec::new()
            }
        }
    }

    fn place(&mut self, source: &Spanned<NodeSource>) -> Option<NodePlace> {
        let node = source.as_ref();
        let at = self.path(node.at.as_ref(), Some(node.at.span()))?;
        let when = self.conditions(node.when.as_ref());
        if node.type_from.is_none() && node.node_type.is_none() {
            self.wrong(Some(source.span()), "give `type_from` or `type`");
        }
        let name = node.name.as_ref().and_then(|text| {
            let path = self.path(text.as_ref(), Some(text.span()))?;
            if path.head != at.head || path.tail.is_none() {
                self.wrong(
                    Some(text.span()),
                    "`name` must stand in the same items as `at`",
                );
            }
            path.tail
        });
        Some(NodePlace {
            when,
            type_from: node.type_from.as_ref().and_then(|text| self.steps(text)),
            node_type: node.node_type.as_deref().map(Text::from),
            name,
            write: node.write,
            constants: node.constants.iter().filter_map(constant).collect(),
            id: node.id.as_deref().map(Text::from),
            array: at.head,
            inner: at.tail,
        })
    }

    fn reference(&mut self, source: &ReferenceSource) -> Option<Reference> {
        let id = self.path(&source.id, None)?.head;
        let value = self.path(&source.value, None)?.head;
        let mut pattern = |text: &String| match Pattern::parse(text) {
            Ok(pattern) => Some(pattern),
            Err(message) => {
                self.wrong(None, &format!("[reference] `{text}`: {message}"));
                None
            }
        };
        let names = source.names.iter().filter_map(&mut pattern).collect();
        let write = pattern(&source.write)?;
        let local = source.local.as_ref().and_then(|local| {
            let at = self.path(&local.at, None)?;
            Some((at.head, Text::from(&local.prefix)))
        });
        Some(Reference {
            id,
            value,
            names,
            absolute: source.absolute,
            local,
            write,
            id_form: source.id_form,
        })
    }
}

/// A path that no schema has seen.
pub(super) struct Plain {
    /// Down to the list, or to the value.
    pub head: Vec<Step>,
    /// Behind the items of the list.
    pub tail: Option<Vec<Step>>,
}

fn plain(steps: &[RawStep]) -> Vec<Vec<Step>> {
    let mut out = Vec::new();
    let mut last = Vec::new();
    for step in steps {
        if !step.name.is_empty() {
            last.push(Step::Member(step.name.as_str().into()));
        }
        match &step.bracket {
            Bracket::None => {}
            Bracket::Nth(place) => last.push(Step::Nth(*place)),
            Bracket::Filter(raw) => last.push(Step::Filter(Box::new(Filter {
                // Brackets on the context itself ask something of it.
                array: !step.name.is_empty(),
                conditions: raw.iter().map(plain_condition).collect(),
            }))),
            Bracket::Items => out.push(std::mem::take(&mut last)),
        }
    }
    out.push(last);
    out
}

fn plain_condition(raw: &RawCondition) -> Condition {
    Condition {
        steps: raw.path.iter().flat_map(|name| plain_steps(name)).collect(),
        test: match &raw.test {
            RawTest::Is(text) => Test::Is(Value::String(text.into())),
            RawTest::IsNot(text) => Test::IsNot(Value::String(text.into())),
            RawTest::Like(text) => Test::Like(letters(text).into()),
            RawTest::There => Test::There,
            RawTest::NotThere => Test::NotThere,
        },
    }
}

/// A member of a condition; with `[0]` behind it, an item of it by its place.
fn plain_steps(name: &str) -> Vec<Step> {
    let inner = name.strip_suffix(']').and_then(|it| it.rsplit_once('['));
    match inner.and_then(|(list, place)| Some((list, place.parse().ok()?))) {
        Some((list, place)) => vec![Step::Member(list.into()), Step::Nth(place)],
        None => vec![Step::Member(name.into())],
    }
}

fn constant((name, value): (&String, &toml::Value)) -> Option<(Text, Node)> {
    let value = match value {
        toml::Value::String(text) => Value::String(text.into()),
        toml::Value::Boolean(value) => Value::Bool(*value),
        toml::Value::Integer(number) => Value::Number(number.to_string().into()),
        _ => return None,
    };
    Some((name.into(), Node::from(value)))
}
