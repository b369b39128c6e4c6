//! Which node a reference names.
//!
//! A reference without a server is of the server its own node stands on; one with a server names
//! a node of that server only. It must never take one of several, or a node of another server:
//! what could mean more than one is told, what means none is dangling.

use super::{Found, Index, Reference};
use crate::format::tree::Node;
use crate::mapping::walk::get;

/// A reference that could mean more than one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

/// How a node is named in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named<'a> {
    /// By type and id alone.
    Not,
    /// By a name that tells no server.
    Otherwise,
    /// By the address below this server's, which ends with a slash.
    Under(&'a str),
}

/// The servers the named nodes of a document stand on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Servers<'a> {
    /// None is told.
    #[default]
    None,
    /// All on one: nodes that tell none stand there too.
    One(&'a str),
    /// More than one: a node that tells none may stand anywhere.
    Many,
}

impl<'a> Servers<'a> {
    pub(super) fn with(self, server: &'a str) -> Servers<'a> {
        match self {
            Servers::None => Servers::One(server),
            Servers::One(known) if known == server => self,
            Servers::One(_) | Servers::Many => Servers::Many,
        }
    }
}

impl Reference {
    /// Type and id out of a text that tells no server.
    pub(super) fn relative<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let told = self.names.iter().find_map(|pattern| pattern.read(text));
        // What stands before a colon is the scheme of an address.
        told.filter(|(node_type, id)| {
            !self.absolute || !node_type.contains(':') && !id.contains(':')
        })
    }

    /// Server, type and id out of an address.
    pub(super) fn address<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str, &'t str)> {
        if !self.absolute {
            return None;
        }
        let (second, _) = text.rmatch_indices('/').nth(1)?;
        let (server, rest) = text.split_at_checked(second + 1)?;
        let (node_type, id) = self.relative(rest)?;
        Some((server, node_type, id))
    }

    /// A reference without the version it asks for.
    fn unversioned<'t>(&self, text: &'t str) -> &'t str {
        match text.split_once("/_history/") {
            Some((bare, _)) if self.absolute => bare,
            _ => text,
        }
    }
}

type Resolved<'a> = Result<Option<Found<'a>>, Ambiguous>;

impl<'a> Index<'a> {
    /// The node a reference that stands in node `owner` names, if it is in the document.
    ///
    /// # Errors
    /// When it could mean more than one.
    pub fn resolve(&self, text: &str, owner: usize) -> Resolved<'a> {
        let Some(reference) = &self.layout.reference else {
            return Ok(None);
        };
        if let Some((at, prefix)) = &reference.local
            && let Some(id) = text.strip_prefix(prefix.as_str())
        {
            return self.local(reference, at, id, owner);
        }
        let bare = reference.unversioned(text);
        let mut found = Choice::default();
        found.all(self.with_name("", text));
        if bare != text {
            found.all(self.with_name("", bare));
        }
        if !found.is_empty() {
            return self.chosen(&found);
        }
        if let Some(kind) = reference.relative(bare) {
            return self.of_own_server(bare, kind, owner);
        }
        if let Some((server, node_type, id)) = reference.address(bare)
            && self.servers == Servers::One(server)
        {
            found.all(self.of_kind(node_type, id, |named| named == Named::Not));
        }
        self.chosen(&found)
    }

    /// The id in a reference, whatever else it tells.
    pub(super) fn id_meant<'t>(&self, text: &'t str) -> &'t str {
        let Some(reference) = &self.layout.reference else {
            return text;
        };
        let bare = reference.unversioned(text);
        let address = || reference.address(bare).map(|(_, _, id)| id);
        let relative = reference.relative(bare).map(|(_, id)| id);
        relative.or_else(address).unwrap_or(text)
    }

    /// What a reference that tells no server means for the node it stands in.
    fn of_own_server(&self, bare: &str, kind: (&str, &str), owner: usize) -> Resolved<'a> {
        let (node_type, id) = kind;
        let of_kind = |fits: fn(Named<'_>) -> bool| self.of_kind(node_type, id, fits);
        let mut found = Choice::default();
        let own = self.named.get(owner).copied().unwrap_or(Named::Not);
        match (own, self.servers) {
            (Named::Under(server), Servers::Many) => {
                found.all(self.with_name(server, bare));
                if found.is_empty() && of_kind(|it| it == Named::Not).next().is_some() {
                    return Err(Ambiguous);
                }
            }
            (Named::Under(server), _) => {
                found.all(self.with_name(server, bare));
                found.all(of_kind(|it| it == Named::Not));
            }
            (_, Servers::One(server)) => {
                found.all(self.with_name(server, bare));
                found.all(of_kind(|it| !matches!(it, Named::Under(_))));
            }
            (_, Servers::None) => found.all(of_kind(|_| true)),
            (_, Servers::Many) => {
                if of_kind(|it| matches!(it, Named::Under(_))).next().is_some() {
                    return Err(Ambiguous);
                }
                found.all(of_kind(|_| true));
            }
        }
        self.chosen(&found)
    }

    fn chosen(&self, found: &Choice) -> Resolved<'a> {
        match (found.first, found.more) {
            (_, true) => Err(Ambiguous),
            (Some(at), _) => Ok(self.nodes.get(at).copied()),
            (None, _) => Ok(None),
        }
    }

    /// Nodes whose name is `server` and `rest`, at most two.
    fn with_name(&self, server: &str, rest: &str) -> impl Iterator<Item = usize> {
        let whole: std::borrow::Cow<'_, str> = match server {
            "" => rest.into(),
            _ => format!("{server}{rest}").into(),
        };
        let from = self.by_name.partition_point(|(name, _)| *name < &*whole);
        let rest = self.by_name.get(from..).unwrap_or_default().iter();
        let same = rest.take_while(|(name, _)| *name == &*whole).take(2);
        same.map(|(_, at)| *at).collect::<Vec<_>>().into_iter()
    }

    /// Nodes of a type (any, where it is empty) and id that are named as asked.
    fn of_kind(
        &self,
        node_type: &str,
        id: &str,
        fits: impl Fn(Named<'a>) -> bool,
    ) -> impl Iterator<Item = usize> {
        let from = self.by_id.partition_point(|(known, _)| *known < id);
        let rest = self.by_id.get(from..).unwrap_or_default().iter();
        let same = rest.take_while(move |(known, _)| *known == id);
        same.map(|(_, at)| *at).filter(move |at| {
            let found = self.nodes.get(*at);
            found.is_some_and(|it| node_type.is_empty() || it.node_type == node_type)
                && self.named.get(*at).is_some_and(|named| fits(*named))
        })
    }

    fn local(
        &self,
        reference: &Reference,
        at: &[super::Step],
        id: &str,
        owner: usize,
    ) -> Resolved<'a> {
        let places = &self.layout.places;
        let type_from = places.iter().find_map(|it| it.type_from.as_ref());
        let list = self.nodes.get(owner).and_then(|it| get(it.node, at));
        let (Some(list), Some(type_from)) = (list, type_from) else {
            return Ok(None);
        };
        let own = |item: &&Node| get(item, &reference.id).and_then(Node::as_str) == Some(id);
        let mut same = list.items().iter().filter(own);
        match (same.next(), same.next()) {
            (_, Some(_)) => Err(Ambiguous),
            (None, _) => Ok(None),
            (Some(node), _) => Ok(Some(Found {
                node,
                node_type: get(node, type_from).and_then(Node::as_str).unwrap_or(""),
                at: owner,
                listed: false,
            })),
        }
    }
}

/// None, one or more of what was looked for.
#[derive(Default)]
struct Choice {
    first: Option<usize>,
    more: bool,
}

impl Choice {
    fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn all(&mut self, found: impl Iterator<Item = usize>) {
        for at in found {
            match self.first {
                None => self.first = Some(at),
                Some(first) if first == at => {}
                Some(_) => {
                    self.more = true;
                    return;
                }
            }
        }
    }
}
