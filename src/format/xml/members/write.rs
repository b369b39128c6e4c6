//! A tree of JSON as its XML form, always well formed.
//!
//! Members of nodes come in the order of the format. What the form has no place for is left out of
//! the text and told by [`unwritable`], which whoever writes asks first.

use super::{MembersProfile, names_a_node, parse};
use crate::base::Text;
use crate::format::names::Names;
use crate::format::tree::{Node, Value};
use crate::format::xml::Layout;
use crate::format::xml::names::is_name;
use crate::format::xml::write::{Place, escape, simple};

/// Writes a document; appends to `out`.
pub fn write(node: &Node, profile: &MembersProfile, out: &mut Vec<u8>) {
    Writer::new(profile, out).document(node);
}

/// JSON pointers of all that the form has no place for.
pub fn unwritable(node: &Node, profile: &MembersProfile) -> Vec<String> {
    let mut scratch = Vec::new();
    let mut writer = Writer::new(profile, &mut scratch);
    writer.document(node);
    writer.left_out
}

struct Writer<'p, 'o> {
    profile: &'p MembersProfile,
    out: &'o mut Vec<u8>,
    /// Steps to the node being written.
    path: Vec<String>,
    left_out: Vec<String>,
}

/// A value and what else stands in its element.
#[derive(Clone, Copy)]
struct Written<'a> {
    value: &'a Node,
    aside: Option<&'a Node>,
}

impl<'p, 'o> Writer<'p, 'o> {
    fn new(profile: &'p MembersProfile, out: &'o mut Vec<u8>) -> Writer<'p, 'o> {
        Writer {
            profile,
            out,
            path: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn leave_out(&mut self, step: &str) {
        let mut pointer: String = self.path.iter().map(|step| format!("/{step}")).collect();
        if !step.is_empty() {
            pointer.push('/');
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        self.left_out.push(pointer);
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn document(&mut self, node: &Node) {
        let Some(name) = self.node_type(node) else {
            return self.leave_out("");
        };
        self.text("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let uri = self.profile.namespaces.first();
        let uri = uri.map(|(_, uri)| uri.clone()).unwrap_or_default();
        self.text(&format!("<{name} xmlns=\""));
        escape(&uri, Place::Attribute, self.out);
        self.text("\"");
        self.inside(&name, node, self.profile.types.get(&name), true);
        self.text("\n");
    }

    /// The name of the element of a node that says what it is.
    fn node_type(&self, node: &Node) -> Option<Text> {
        let name = node.text(&self.profile.node_type)?;
        (is_element(name) && names_a_node(name)).then(|| name.into())
    }

    /// What stands in an element whose name is written, and its end.
    fn inside(&mut self, element: &str, node: &Node, layout: Option<&Layout>, is_node: bool) {
        self.attributes(element, node, is_node);
        let from = self.out.len();
        self.text(">");
        self.children(element, node, layout, is_node);
        self.end(element, from);
    }

    /// Ends an element whose first tag ends at a byte; one with nothing in it is that tag alone.
    fn end(&mut self, element: &str, from: usize) {
        if self.out.len() == from.saturating_add(1) {
            self.out.truncate(from);
            self.text("/>");
        } else {
            self.text(&format!("</{element}>"));
        }
    }

    fn attributes(&mut self, element: &str, node: &Node, is_node: bool) {
        for (name, value) in node.members() {
            if self.profile.is_attribute(name, element, is_node)
                && let Some(text) = value.as_str()
            {
                self.attribute(name, text);
            }
        }
    }

    fn attribute(&mut self, name: &str, text: &str) {
        self.text(&format!(" {name}=\""));
        escape(text, Place::Attribute, self.out);
        self.text("\"");
    }

    fn children(&mut self, element: &str, node: &Node, layout: Option<&Layout>, is_node: bool) {
        let profile = self.profile;
        let first = match is_node {
            true => &profile.first_of_nodes,
            false => &profile.first,
        };
        let order = layout.map(|layout| layout.order.as_slice());
        let rank = |name: &str| {
            let name = name.strip_prefix(profile.aside.as_str()).unwrap_or(name);
            let mut listed = first.iter().chain(order.unwrap_or_default());
            listed.position(|known| known == name).unwrap_or(usize::MAX)
        };
        let mut members: Vec<&(Text, Node)> = node.members().iter().collect();
        // Stable: what has no place in the order follows as it stands.
        members.sort_by_key(|(name, _)| rank(name));
        for (name, value) in members {
            let attribute = self.profile.is_attribute(name, element, is_node);
            let type_of_node = is_node && *name == self.profile.node_type;
            if type_of_node || attribute && value.as_str().is_some() {
                continue;
            }
            self.path.push(name.replace('~', "~0").replace('/', "~1"));
            self.member(node, (name, value), layout);
            self.path.pop();
        }
    }

    fn member(&mut self, object: &Node, (name, value): (&str, &Node), parent: Option<&Layout>) {
        if let Some(base) = name.strip_prefix(self.profile.aside.as_str()) {
            // Written with its value, where there is one.
            match object.get(base) {
                Some(_) => {}
                None => self.items(base, None, Some(value), parent),
            }
            return;
        }
        let aside = object.get(&self.profile.aside_of(name));
        self.items(name, Some(value), aside, parent);
    }

    /// The elements of one member: one for each item.
    fn items(
        &mut self,
        name: &str,
        value: Option<&Node>,
        aside: Option<&Node>,
        parent: Option<&Layout>,
    ) {
        let nothing = Node::default();
        let layout = parent.and_then(|layout| layout.children.get(name));
        let beside = name.starts_with(self.profile.aside.as_str());
        if !is_element(name) || names_a_node(name) || beside {
            return self.leave_out("");
        }
        let count = |node: Option<&Node>| match node.map(|node| &node.value) {
            Some(Value::Array(items)) => Some(items.len()),
            _ => None,
        };
        let (items, beside) = (count(value), count(aside));
        if value.is_some() && aside.is_some() && items.is_some() != beside.is_some() {
            return self.leave_out("");
        }
        let Some(items) = items.max(beside) else {
            let value = value.unwrap_or(&nothing);
            return self.element(name, Written { value, aside }, layout);
        };
        for at in 0..items {
            let value = value.and_then(|node| node.items().get(at));
            let written = Written {
                value: value.unwrap_or(&nothing),
                aside: aside.and_then(|node| node.items().get(at)),
            };
            self.path.push(at.to_string());
            self.element(name, written, layout);
            self.path.pop();
        }
    }

    fn element(&mut self, name: &str, written: Written<'_>, layout: Option<&Layout>) {
        let Written { value, aside } = written;
        let aside = aside.filter(|node| node.value != Value::Null);
        let beside = aside.filter(|node| !node.members().is_empty());
        if aside.is_some() && beside.is_none() {
            self.leave_out("");
        }
        match &value.value {
            Value::Array(_) => self.leave_out(""),
            Value::Object(_) if beside.is_some() => self.leave_out(""),
            Value::Object(_) => match value.get(&self.profile.node_type) {
                Some(_) => self.holder(name, value),
                None => {
                    self.text(&format!("<{name}"));
                    self.inside(name, value, layout, false);
                }
            },
            Value::Null if beside.is_none() => self.leave_out(""),
            _ if self.profile.embedded.iter().any(|known| known == name) => {
                match value.as_str().filter(|text| self.is_whole(name, text)) {
                    Some(text) if beside.is_none() => self.text(text),
                    _ => self.leave_out(""),
                }
            }
            _ => {
                self.text(&format!("<{name}"));
                if let Some(text) = simple(value) {
                    let attribute = self.profile.value.clone();
                    self.attribute(&attribute, text);
                }
                let nothing = Node::default();
                self.inside(name, beside.unwrap_or(&nothing), None, false);
            }
        }
    }

    /// An element that holds a node.
    fn holder(&mut self, name: &str, node: &Node) {
        let Some(own) = self.node_type(node) else {
            return self.leave_out("");
        };
        self.text(&format!("<{name}><{own}"));
        self.inside(&own, node, self.profile.types.get(&own), true);
        self.text(&format!("</{name}>"));
    }

    /// Whether a text is one whole element that is read as that text again.
    fn is_whole(&self, name: &str, text: &str) -> bool {
        let uri = self.profile.namespaces.first();
        let uri = uri.map(|(_, uri)| uri.as_str()).unwrap_or_default();
        let mut whole = b"<N xmlns=\"".to_vec();
        escape(uri, Place::Attribute, &mut whole);
        whole.extend_from_slice(b"\">");
        whole.extend_from_slice(text.as_bytes());
        whole.extend_from_slice(b"</N>");
        let profile = MembersProfile {
            names: Names::ALL,
            ..self.profile.clone()
        };
        let read = parse(&whole, &profile);
        let alone = |tree: Node| tree.members().len() == 2 && tree.text(name) == Some(text);
        read.findings.is_empty() && read.tree.is_some_and(alone)
    }
}

/// Whether a text is a name an element of the form may have.
fn is_element(name: &str) -> bool {
    is_name(name) && !name.contains(':')
}
