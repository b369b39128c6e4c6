//! What an out-channel writes into every document because no record holds it: who sends, to whom,
//! by which numbers.
//!
//! Places of a document of segments by their paths in it, `CLAIM.ISA.6`. What a record or a mapping
//! says always goes first: only an empty place is filled. It must never hold anything of a person.

use super::Sources;
use super::format::{FormatSource, Syntax};
use super::partner::{Channel, Direction};
use super::schema::{Kind, Shape};
use crate::format::Node;
use std::collections::BTreeMap;

/// Fills the empty places of a document.
pub fn fill(tree: &mut Node, texts: &BTreeMap<String, String>) {
    for (path, text) in texts {
        let mut steps = path.split('.');
        let Some(structure) = steps.next().filter(|name| tree.get(name).is_some()) else {
            continue;
        };
        let mut at = Some(&mut *tree);
        for step in std::iter::once(structure).chain(steps) {
            at = at.and_then(|node| member(node, step));
        }
        if let Some(place) = at.filter(|place| place.is_empty_container()) {
            *place = Node::string(text.as_str());
        }
    }
}

/// The member of an object, made where it is missing.
fn member<'n>(node: &'n mut Node, name: &str) -> Option<&'n mut Node> {
    if node.lexeme().is_some() {
        return None;
    }
    if node.get(name).is_none() {
        node.set(name, Node::object());
    }
    node.get_mut(name)
}

/// What is wrong with the table of a channel, each a sentence.
pub(super) fn wrong(sources: &Sources, channel: &Channel) -> Vec<String> {
    let mut out = Vec::new();
    if channel.fill.is_empty() {
        return out;
    }
    if channel.direction == Direction::In {
        out.push("`fill` is for what is written".to_owned());
    }
    let Some(format) = sources.formats.get(&channel.format) else {
        return out;
    };
    if !matches!(format.body.syntax, Syntax::Hl7v2 | Syntax::X12) {
        out.push("`fill` is for formats of segments".to_owned());
        return out;
    }
    for (path, text) in &channel.fill {
        match place(sources, format, path) {
            None => out.push(format!("`fill`: there is no single text at `{path}`")),
            Some(shape) if !takes(shape, text) => {
                out.push(format!("`fill`: the text of `{path}` does not fit there"));
            }
            Some(_) => {}
        }
    }
    out
}

fn place<'s>(sources: &'s Sources, format: &FormatSource, path: &str) -> Option<&'s Shape> {
    let (structure, rest) = path.split_once('.')?;
    let mut schemas = format.body.schema.iter().map(|schema| schema.as_ref());
    let schema = schemas.find(|it| it.node_type == structure)?;
    let shape = sources
        .schemas
        .get(&format.schema_path(schema.file.as_ref()))?;
    rest.split('.').try_fold(shape.as_ref(), |shape, step| {
        let mut members = shape.members().iter();
        members
            .find(|(name, _)| name == step)
            .map(|(_, shape)| shape)
    })
}

fn takes(shape: &Shape, text: &str) -> bool {
    let Kind::Text(rule) = &shape.kind else {
        return false;
    };
    let length = text.chars().count();
    let form = rule.pattern.as_deref().map(regex::Regex::new);
    let fits = form.is_none_or(|form| form.is_ok_and(|form| form.is_match(text)));
    let known = rule.codes.is_empty() || rule.codes.iter().any(|code| code == text);
    let long = rule.max_chars.is_some_and(|max| length > max);
    known && fits && !long && length >= rule.min_chars.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: only what is empty is filled, and nothing of another structure. Method: a document with
    // one of two elements, and a path of a structure it is not.
    #[test]
    fn only_an_empty_place_is_filled() {
        let mut segment = Node::object();
        segment.set("1", Node::string("said"));
        let mut document = Node::object();
        document.set("ABC", segment);
        let mut tree = Node::object();
        tree.set("ONE", document);
        let rows = [
            ("ONE.ABC.1", "not this"),
            ("ONE.ABC.2", "filled"),
            ("ONE.LOOP.DEF.3.1", "deep"),
            ("ONE.ABC.1.1", "inside a text"),
            ("TWO.ABC.2", "elsewhere"),
        ];
        let texts = rows.map(|(path, text)| (path.to_owned(), text.to_owned()));
        fill(&mut tree, &texts.into_iter().collect());
        let at = |pointer: &str| tree.pointer(pointer).and_then(Node::as_str);
        assert_eq!(at("/ONE/ABC/1"), Some("said"));
        assert_eq!(at("/ONE/ABC/2"), Some("filled"));
        assert_eq!(at("/ONE/LOOP/DEF/3/1"), Some("deep"));
        assert_eq!(tree.members().len(), 1);
    }
}
