//! Where the wire schemas of a format hold in one of its documents.

use super::Target;
use crate::base::Text;
use crate::catalog::format::{FormatSource, NodeSource};
use crate::format::Node;
use crate::format::json::Shown;
use crate::validate::Step;
use std::collections::{BTreeMap, BTreeSet};

/// The wire schemas of one format and where their nodes stand.
#[derive(Clone, Debug, Default)]
pub(super) struct WireSchemas {
    document: Option<String>,
    by_type: BTreeMap<String, String>,
    nodes: Vec<NodeSource>,
    types: BTreeSet<String>,
}

impl WireSchemas {
    pub fn of(format: &FormatSource) -> WireSchemas {
        let body = &format.body;
        let schemas = body.schema.iter().map(|schema| schema.as_ref());
        WireSchemas {
            document: body
                .document
                .as_ref()
                .map(|file| format.schema_path(file.as_ref())),
            by_type: schemas
                .map(|s| (s.node_type.clone(), format.schema_path(s.file.as_ref())))
                .collect(),
            nodes: body.node.iter().map(|node| node.as_ref().clone()).collect(),
            types: body.types(),
        }
    }

    /// The document's schema, or those of its nodes where the document has none.
    pub fn targets<'a>(&self, tree: &'a Node) -> Vec<Target<'a>> {
        if let Some(schema) = &self.document {
            return vec![Target {
                steps: Vec::new(),
                node: tree,
                schema: schema.clone(),
                node_type: String::new(),
            }];
        }
        let holds = |node: &&NodeSource| {
            let when = node.when.as_ref().map(|when| when.as_ref().as_str());
            when.is_none_or(|when| condition(tree, when))
        };
        let form = self.nodes.iter().find(holds);
        let when = form.map(|node| node.when.as_ref().map(|when| when.as_ref()));
        let mut out = Vec::new();
        for node in &self.nodes {
            if Some(node.when.as_ref().map(|when| when.as_ref())) == when {
                self.nodes_of(tree, node, &mut out);
            }
        }
        out
    }

    /// Every row of a table, each by itself.
    pub fn rows<'a>(&self, tree: &'a Node, node_type: &str) -> Vec<Target<'a>> {
        let Some(schema) = self.by_type.get(node_type) else {
            return Vec::new();
        };
        let rows = tree.items().iter().enumerate();
        rows.map(|(at, row)| Target {
            steps: vec![Step::Item(at)],
            node: row,
            schema: schema.clone(),
            node_type: node_type.to_owned(),
        })
        .collect()
    }

    /// What a document says of itself where its nodes say their types; nothing when it is no type
    /// of the format.
    pub fn document_type(&self, tree: &Node) -> String {
        let told = self.nodes.iter().find_map(|node| {
            let path = node.type_from.as_ref()?.as_ref().replace('.', "/");
            let told = tree.pointer(&format!("/{path}")).and_then(Node::as_str);
            told.filter(|word| self.types.contains(*word))
        });
        told.unwrap_or_default().to_owned()
    }

    /// Whether a document that shows these members may be of one of the format's forms: it has what
    /// leads to their nodes, and what these say their type by.
    pub fn may_show(&self, members: &[Shown]) -> bool {
        let shows = |path: &str, word: Option<&str>| {
            let (name, below) = match path.split_once('.') {
                Some((name, _)) => (name, true),
                None => (path, false),
            };
            let mut own = members.iter();
            let found = own.find(|(shown, _)| shown == name.trim_end_matches("[]"));
            // A word further down is not looked for.
            found.is_some_and(|(_, text)| below || word.is_none_or(|w| text.as_deref() == Some(w)))
        };
        self.nodes.iter().any(|node| {
            let form = node.when.as_ref().is_none_or(|when| {
                let (path, word) = parted(when.as_ref());
                shows(path, word)
            });
            let own = node.at.as_ref() == ".";
            let typed = node.type_from.as_ref().filter(|_| own);
            let typed = typed.is_none_or(|path| shows(path.as_ref(), None));
            form && typed && (own || node.when.is_some() || shows(node.at.as_ref(), None))
        }) && !members.is_empty()
    }

    /// What a path of dotted notation begins with: the document's own type.
    pub fn root_name(&self, target: &Target<'_>) -> Text {
        let inside = !target.steps.is_empty();
        let constant = self.nodes.iter().find_map(|node| {
            let (path, word) = node.when.as_ref()?.as_ref().split_once('=')?;
            let own = node
                .type_from
                .as_ref()
                .is_some_and(|t| t.as_ref() == path.trim());
            own.then(|| word.trim().trim_matches('\'').to_owned())
        });
        match constant {
            Some(word) if inside => word.into(),
            _ => target.node_type.as_str().into(),
        }
    }

    fn nodes_of<'a>(&self, tree: &'a Node, source: &NodeSource, out: &mut Vec<Target<'a>>) {
        let mut found = vec![(Vec::new(), tree)];
        for part in source
            .at
            .as_ref()
            .split(['.', '/'])
            .filter(|p| !p.is_empty())
        {
            let name = part.trim_end_matches("[]");
            found = found
                .into_iter()
                .flat_map(|(steps, node)| below(steps, node, name, part.ends_with("[]")))
                .collect();
        }
        for (steps, node) in found {
            let told = source.type_from.as_ref().and_then(|path| {
                let path = path.as_ref().replace('.', "/");
                node.pointer(&format!("/{path}")).and_then(Node::as_str)
            });
            let node_type = told.or(source.node_type.as_deref()).unwrap_or_default();
            if let Some(schema) = self.by_type.get(node_type) {
                out.push(Target {
                    steps,
                    node,
                    schema: schema.clone(),
                    node_type: node_type.to_owned(),
                });
            }
        }
    }
}

fn below<'a>(
    steps: Vec<Step<'a>>,
    node: &'a Node,
    name: &str,
    items: bool,
) -> Vec<(Vec<Step<'a>>, &'a Node)> {
    let found = node.members().iter().find(|(key, _)| key == name);
    let Some((key, child)) = found else {
        return Vec::new();
    };
    let mut steps = steps;
    steps.push(Step::Name(key));
    if !items {
        return vec![(steps, child)];
    }
    let each = child.items().iter().enumerate();
    each.map(|(at, item)| {
        let mut steps = steps.clone();
        steps.push(Step::Item(at));
        (steps, item)
    })
    .collect()
}

/// `path='word'`, or a path that leads somewhere.
fn condition(tree: &Node, when: &str) -> bool {
    let (path, word) = parted(when);
    let found = tree.pointer(&format!("/{}", path.replace('.', "/")));
    match word {
        Some(word) => found.and_then(Node::as_str) == Some(word),
        None => found.is_some(),
    }
}

/// A condition's path, and the word that must stand there.
fn parted(when: &str) -> (&str, Option<&str>) {
    match when.split_once('=') {
        Some((path, word)) => (path.trim(), Some(word.trim().trim_matches('\''))),
        None => (when.trim(), None),
    }
}
