//! The canonical record: one unit of decision, translation and delivery.
//!
//! Shape (DESIGN section 3): `{ envelope, persons: [{key, identifiers, ...}], body }`, all text
//! and trees; references to persons are keys inside the record. It must never hold a value that
//! did not come from the sender or from the commit.

pub mod cells;
pub mod labels;
pub mod places;
pub mod plan;
mod shield;
pub mod sources;
pub mod strip;
mod walk;
pub mod whereabouts;

use crate::base::digest::Digest;
use crate::base::id::{RecordId, RecordType};
use crate::format::{Node, Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

/// One canonical record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The type, by the name of its canonical schema.
    pub record_type: RecordType,
    /// `{ envelope, persons, body }`, valid against that schema.
    pub root: Node,
}

/// Who a stored record is and which version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordVersion {
    /// The record over all versions.
    pub record_id: RecordId,
    /// Digest of its canonical persons and body.
    pub version: Digest,
}

impl Record {
    /// The envelope object.
    pub fn envelope(&self) -> Option<&Node> {
        self.root.get("envelope")
    }

    /// Whether its sender marks it, or the placement of somebody in it, as sealed.
    pub fn is_sealed(&self) -> bool {
        let own = self.envelope();
        let level = own.and_then(|envelope| envelope.text("access_level"));
        let placement = own.and_then(|envelope| envelope.get("sealed_placement"));
        level == Some("R") || placement.and_then(Node::as_bool) == Some(true)
    }

    /// Whether its sender marks it as sensitive.
    pub fn is_sensitive(&self) -> bool {
        let own = self.envelope();
        own.and_then(|envelope| envelope.text("access_level")) == Some("S")
    }

    /// The persons of the record.
    pub fn persons(&self) -> &[Node] {
        self.root
            .get("persons")
            .map(Node::items)
            .unwrap_or_default()
    }

    /// The body object.
    pub fn body(&self) -> Option<&Node> {
        self.root.get("body")
    }
}

/// Members of the envelope that say nothing of the matter.
const NOT_OF_THE_MATTER: [&str; 4] = ["record_id", "created_at", "updated_at", "hash"];

/// The digest that tells one version of a record from another: all that the sender says of the
/// matter, labels and withdrawal included; not when or over what it was written down.
pub fn version(root: &Node) -> Digest {
    let canonical = |node: Option<&Node>| node.map(json::canonical).unwrap_or_default();
    let envelope = root
        .get("envelope")
        .map(|envelope| json::canonical_without(envelope, &NOT_OF_THE_MATTER));
    Digest::of_parts(&[
        &envelope.unwrap_or_default(),
        &canonical(root.get("persons")),
        &canonical(root.get("body")),
    ])
}

/// A number that is the same for two records whose [`version`] is the same. Cheap, and for telling
/// records of one submission apart only: it must not be kept.
pub fn likeness(root: &Node) -> u64 {
    let of = |name: &str, without: &[&str]| root.get(name).map(|node| likened(node, without));
    let mut all = DefaultHasher::new();
    of("envelope", &NOT_OF_THE_MATTER).hash(&mut all);
    of("persons", &[]).hash(&mut all);
    of("body", &[]).hash(&mut all);
    all.finish()
}

fn likened(node: &Node, without: &[&str]) -> u64 {
    let mut all = DefaultHasher::new();
    match &node.value {
        Value::Null => 0_u8.hash(&mut all),
        Value::Bool(value) => (1_u8, value).hash(&mut all),
        Value::Number(text) => (2_u8, text.as_str()).hash(&mut all),
        Value::String(text) => (3_u8, text.as_str()).hash(&mut all),
        Value::Array(items) => {
            4_u8.hash(&mut all);
            items
                .iter()
                .for_each(|item| likened(item, &[]).hash(&mut all));
        }
        Value::Object(members) => {
            // The order of members says nothing.
            let kept = members
                .iter()
                .filter(|(name, _)| !without.contains(&name.as_str()));
            let sum = kept.fold(0_u64, |sum, (name, value)| {
                let mut one = DefaultHasher::new();
                (name.as_str(), likened(value, &[])).hash(&mut one);
                sum.wrapping_add(one.finish())
            });
            (5_u8, sum).hash(&mut all);
        }
    }
    all.finish()
}
