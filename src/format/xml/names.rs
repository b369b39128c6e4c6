//! Names and namespaces: from the prefixes of a document to those of the format.
//!
//! A name of a namespace the format does not know keeps it, as `{uri}local`: it can then never
//! be taken for one of the format's.

use crate::base::Text;

/// The namespace of `xml:lang` and the like; its prefix is fixed by XML itself.
const XML_URI: &str = "http://www.w3.org/XML/1998/namespace";
/// Prefixes bound at once; more is no document of people.
pub(super) const BINDINGS_MAX: usize = 256;

/// The prefixes bound at one place of a document.
pub(super) struct Scope<'p> {
    /// The format's prefixes and the namespaces they stand for.
    namespaces: &'p [(Text, Text)],
    /// Prefix, URI, innermost last.
    bindings: Vec<(Text, Text)>,
}

impl<'p> Scope<'p> {
    pub(super) fn new(namespaces: &'p [(Text, Text)]) -> Scope<'p> {
        Scope {
            namespaces,
            bindings: Vec::new(),
        }
    }

    /// How many bindings hold; give it to [`Scope::leave`] when the element ends.
    pub(super) fn mark(&self) -> usize {
        self.bindings.len()
    }

    pub(super) fn leave(&mut self, mark: usize) {
        self.bindings.truncate(mark);
    }

    /// Binds a prefix; false when it may not be bound so.
    pub(super) fn bind(&mut self, prefix: &str, uri: &str) -> bool {
        let fixed = prefix == "xmlns" || (prefix == "xml") != (uri == XML_URI);
        let undone = !prefix.is_empty() && uri.is_empty();
        if fixed || undone || self.bindings.len() >= BINDINGS_MAX {
            return false;
        }
        self.bindings.push((prefix.into(), uri.into()));
        true
    }

    fn uri(&self, prefix: &str) -> Option<&str> {
        if prefix == "xml" {
            return Some(XML_URI);
        }
        self.bindings
            .iter()
            .rev()
            .find(|(bound, _)| bound == prefix)
            .map(|(_, uri)| uri.as_str())
    }

    /// The format's name of an element; `None` when its prefix is not declared.
    pub(super) fn element(&self, name: &str) -> Option<Text> {
        match name.split_once(':') {
            Some((prefix, local)) => Some(self.named(self.uri(prefix)?, local)),
            None => Some(self.named(self.uri("").unwrap_or_default(), name)),
        }
    }

    /// The format's name of an attribute, without `@`. No prefix is no namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<Text> {
        match name.split_once(':') {
            Some((prefix, local)) => {
                let named = self.named(self.uri(prefix)?, local);
                // Without a prefix it would be an attribute of no namespace, which is another.
                let bare = named == local;
                Some(match self.uri(prefix).filter(|_| bare) {
                    Some(uri) => compact_str::format_compact!("{{{uri}}}{local}"),
                    None => named,
                })
            }
            None => Some(name.into()),
        }
    }

    fn named(&self, uri: &str, local: &str) -> Text {
        if uri == XML_URI {
            return compact_str::format_compact!("xml:{local}");
        }
        let known = self.namespaces.iter().find(|(_, u)| u == uri);
        let by_default = || self.namespaces.iter().any(|(prefix, _)| prefix.is_empty());
        match known {
            Some((prefix, _)) if prefix.is_empty() => local.into(),
            Some((prefix, _)) => compact_str::format_compact!("{prefix}:{local}"),
            None if uri.is_empty() && !by_default() => local.into(),
            None => compact_str::format_compact!("{{{uri}}}{local}"),
        }
    }
}

/// Whether a text is a name of XML with at most one prefix.
pub(super) fn is_name(name: &str) -> bool {
    match name.split_once(':') {
        Some((prefix, local)) => is_plain_name(prefix) && is_plain_name(local),
        None => is_plain_name(name),
    }
}

fn is_plain_name(name: &str) -> bool {
    let ascii = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.bytes().all(ascii) {
        let first = name.bytes().next();
        return first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    }
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

fn starts_name(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}'
            | '\u{203F}'..='\u{2040}')
}
