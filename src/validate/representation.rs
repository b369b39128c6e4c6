//! The tree as the schema engine sees it: borrowed, nothing converted.
//!
//! The engine keeps a copy of the offending value in its errors; here that copy is always null, so
//! that no value of a record can reach a message.

use crate::base::Text;
use crate::format::tree::{Node, Value};
use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, NodeIdentity, Object};
use serde_json::Value as Plain;
use std::borrow::Cow;

/// The representation.
pub(super) struct Tree;

impl Json for Tree {
    type Node<'a> = &'a Node;
    type PreparedKey = Text;
    type StringBuffer = Node;

    // A lookup walks the members, so one pass over them is cheaper than several lookups.
    const KEYS_PER_LOOKUP: usize = 8;

    fn prepare_key(key: &str) -> Text {
        key.into()
    }

    fn with_string_node<T>(buffer: &mut Node, string: &str, f: impl FnOnce(&Node) -> T) -> T {
        *buffer = Node::string(string);
        f(buffer)
    }
}

/// A number by its lexeme.
pub(super) struct Lexeme<'a>(&'a str);

impl JsonNumber for Lexeme<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(serde_json::from_str(self.0).unwrap_or_else(|_| 0.into()))
    }

    fn is_integer(&self) -> bool {
        // As every format can write it: `1.0`, `1e0` and `-0` are told to the sender.
        self.as_i64()
            .is_some_and(|value| value != 0 || self.0 == "0")
    }
}

impl<'a> jsonschema::json::Node<'a, Tree> for &'a Node {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = Lexeme<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        match &self.value {
            Value::Object(members) => Some(Members(members)),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Items<'a>> {
        match &self.value {
            Value::Array(items) => Some(Items(items)),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match &self.value {
            Value::String(text) => Some(Cow::Borrowed(text.as_str())),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<Lexeme<'a>> {
        match &self.value {
            Value::Number(lexeme) => Some(Lexeme(lexeme)),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        self.as_bool()
    }

    fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    fn json_type(&self) -> JsonType {
        match &self.value {
            Value::Null => JsonType::Null,
            Value::Bool(_) => JsonType::Boolean,
            Value::Number(_) => JsonType::Number,
            Value::String(_) => JsonType::String,
            Value::Array(_) => JsonType::Array,
            Value::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Plain) -> bool {
        // Codes and constants of the schema profile are texts.
        match (&self.value, expected) {
            (Value::String(text), Plain::String(other)) => text == other,
            (Value::Bool(value), Plain::Bool(other)) => value == other,
            (Value::Null, Plain::Null) => true,
            (Value::Number(lexeme), Plain::Number(other)) => {
                lexeme.parse::<f64>().ok() == other.as_f64()
            }
            _ => false,
        }
    }

    fn to_value(&self) -> Cow<'a, Plain> {
        Cow::Owned(Plain::Null)
    }

    fn identity(&self) -> Option<NodeIdentity> {
        let node: *const Node = *self;
        Some(NodeIdentity::new(node as usize))
    }
}

/// The members of an object.
pub(super) struct Members<'a>(&'a [(Text, Node)]);

/// An iterator over members, by name.
pub(super) struct MembersIter<'a>(std::slice::Iter<'a, (Text, Node)>);

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, &'a Node);

    fn next(&mut self) -> Option<(&'a str, &'a Node)> {
        self.0.next().map(|(name, node)| (name.as_str(), node))
    }
}

impl<'a> Object<'a, Tree> for Members<'a> {
    type Node = &'a Node;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &Text) -> Option<&'a Node> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter(self.0.iter())
    }
}

/// The items of an array.
pub(super) struct Items<'a>(&'a [Node]);

impl<'a> Array<'a, Tree> for Items<'a> {
    type Node = &'a Node;
    type ElementsIter = std::slice::Iter<'a, Node>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> std::slice::Iter<'a, Node> {
        self.0.iter()
    }

    fn is_unique(&self) -> bool {
        // The profile has no `uniqueItems`.
        true
    }
}
