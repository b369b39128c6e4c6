//! What the syntaxes of segments write alike: groups in the order of their schema, parts by number.

use super::tree::{Node, Value};
use super::xml::Layout;
use crate::base::Text;

/// The segments and groups inside a group, one item after another, each with its name and what may
/// stand in it: those its schema orders first, then the others.
pub(super) fn in_order<'n>(
    group: &'n Node,
    layout: &'n Layout,
) -> impl Iterator<Item = (&'n Text, &'n Node, Option<&'n Layout>)> {
    let others = group.members().iter().map(|(name, _)| name);
    let others = others.filter(|name| !layout.order.contains(name));
    let names = layout.order.iter().chain(others);
    let named = names.filter_map(|name| Some((name, group.get(name)?)));
    named.flat_map(|(name, node)| {
        let inner = layout.children.get(name);
        items(node).iter().map(move |item| (name, item, inner))
    })
}

/// The items of a list, or the one thing that stands for itself.
pub(super) fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::Array(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// The members whose names are numbers from 1 to `most`, in their order: no segment has more parts.
pub(super) fn numbered(node: &Node, most: usize) -> Vec<(usize, &Node)> {
    let members = node.members().iter();
    let number = |name: &str| name.parse().ok().filter(|n| (1..=most).contains(n));
    let mut out: Vec<(usize, &Node)> = members
        .filter_map(|(name, node)| Some((number(name)?, node)))
        .collect();
    out.sort_by_key(|(number, _)| *number);
    out
}
