//! What a format's own file says where its documents are XML, or may be.
//!
//! Only parsed here.

use super::SchemaSource;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// What only XML formats have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XmlSource {
    /// Prefixed root element.
    pub root: Spanned<String>,
    /// Prefix to namespace, fixed for the format.
    pub namespaces: BTreeMap<String, String>,
    /// Schemas shipped for those who validate with their own tools.
    #[serde(default)]
    pub xsd: Vec<Spanned<String>>,
}

/// The XML form of a format whose documents are JSON. Both are the same tree; what is an array,
/// a number or a boolean in it, and the order of elements, the wire schemas say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XmlFormSource {
    /// Media types of it; the first one is written.
    pub media_types: Vec<String>,
    /// Namespace of its elements.
    pub namespace: String,
    /// Member of a node that is the name of the node's element.
    #[serde(rename = "type")]
    pub node_type: String,
    /// Attribute that holds a plain value.
    pub value: String,
    /// What stands before a plain value's name in the member for all else in its element.
    pub aside: String,
    /// Members that are attributes, and of elements of which names; none: of all that are no nodes.
    #[serde(default)]
    pub attributes: BTreeMap<String, Vec<String>>,
    /// What is carried as the text of an element.
    #[serde(default)]
    pub embedded: Option<EmbeddedSource>,
    /// Members that are arrays where no schema says what they are.
    #[serde(default)]
    pub repeated: Vec<String>,
    /// Members of nodes that are written before the others.
    #[serde(default)]
    pub first_of_nodes: Vec<String>,
    /// Members of anything else that are written before the others.
    #[serde(default)]
    pub first: Vec<String>,
    /// Schemas of node types that are read for their form alone: nothing is held against them.
    #[serde(default)]
    pub schema: Vec<SchemaSource>,
}

/// Elements of another namespace, whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddedSource {
    /// Their namespace.
    pub namespace: String,
    /// The members they are.
    pub members: Vec<String>,
}
