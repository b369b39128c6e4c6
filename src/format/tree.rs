//! The format-neutral tree: what every syntax is read into and written from.
//!
//! Numbers stay the characters they were sent as. Every node knows the bytes it came from.

use crate::base::Text;
use crate::base::finding::Span;

/// One node: a value and where it stood.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Bytes in the sender's document; zero for nodes made here.
    pub span: Span,
}

/// The value of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// An explicit null.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, as the characters it was sent as.
    Number(Text),
    /// A string.
    String(Text),
    /// An ordered list.
    Array(Vec<Node>),
    /// Names and nodes in document order; no name twice.
    Object(Vec<(Text, Node)>),
}

/// Two nodes are equal when their values are; where they stood does not matter.
impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        self.value == other.value
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Node {
        Node {
            value,
            span: Span::default(),
        }
    }
}

impl Node {
    /// A string node.
    pub fn string(text: impl Into<Text>) -> Node {
        Node::from(Value::String(text.into()))
    }

    /// An empty object.
    pub fn object() -> Node {
        Node::from(Value::Object(Vec::new()))
    }

    /// An empty array.
    pub fn array() -> Node {
        Node::from(Value::Array(Vec::new()))
    }

    /// The member of an object.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.members()
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, node)| node)
    }

    /// The member of an object, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Object(members) => members
                .iter_mut()
                .find(|(key, _)| key == name)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// Sets a member of an object, replacing one of the same name; a non-object becomes one.
    pub fn set(&mut self, name: &str, node: Node) {
        if let Some(slot) = self.get_mut(name) {
            *slot = node;
            return;
        }
        match &mut self.value {
            Value::Object(members) => members.push((name.into(), node)),
            other => *other = Value::Object(vec![(name.into(), node)]),
        }
    }

    /// Takes a member out of an object.
    pub fn remove(&mut self, name: &str) -> Option<Node> {
        match &mut self.value {
            Value::Object(members) => {
                let at = members.iter().position(|(key, _)| key == name)?;
                Some(members.remove(at).1)
            }
            _ => None,
        }
    }

    /// The members of an object; empty for anything else.
    pub fn members(&self) -> &[(Text, Node)] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of an array; empty for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// The items of an array, to change.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.value {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a string or the lexeme of a number.
    pub fn lexeme(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) | Value::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The text of a member.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Node::as_str)
    }

    /// The node a JSON pointer (RFC 6901) names.
    pub fn pointer(&self, pointer: &str) -> Option<&Node> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer
            .strip_prefix('/')?
            .split('/')
            .try_fold(self, |node, token| match &node.value {
                Value::Object(_) if token.contains('~') => {
                    node.get(&token.replace("~1", "/").replace("~0", "~"))
                }
                Value::Object(_) => node.get(token),
                Value::Array(items) => {
                    // RFC 6901, section 4: no sign, no leading zero.
                    let plain = token == "0" || !token.starts_with(['0', '+']);
                    let at = token.parse::<usize>().ok().filter(|_| plain);
                    at.and_then(|at| items.get(at))
                }
                _ => None,
            })
    }

    /// Whether it is an object or array with nothing in it.
    pub fn is_empty_container(&self) -> bool {
        match &self.value {
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        }
    }
}
