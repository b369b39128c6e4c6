//! Whether a text begins as a document of a format: by the name of its first element.
//!
//! For telling whose document a text is before it is read. It checks nothing else.

use super::XmlProfile;
use super::names::Scope;
use crate::base::Text;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Whether the first element is the format's own, in its namespace.
pub fn begins(head: &[u8], profile: &XmlProfile) -> bool {
    first_element(head, &profile.namespaces).is_some_and(|name| name == profile.root)
}

/// The name of the first element with the prefixes of a format; `None` when there is none yet.
pub(super) fn first_element(head: &[u8], namespaces: &[(Text, Text)]) -> Option<Text> {
    // A beginning may end within a character.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => {
            let whole = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
    };
    let mut reader = Reader::from_str(text.strip_prefix('\u{FEFF}').unwrap_or(text));
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) => return named(&start, namespaces),
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

fn named(start: &BytesStart<'_>, namespaces: &[(Text, Text)]) -> Option<Text> {
    let mut scope = Scope::new(namespaces);
    for attribute in start.attributes().flatten() {
        let name = attribute.key.as_ref();
        let prefix = match name.split_once(':') {
            Some(("xmlns", prefix)) => prefix,
            None if name == "xmlns" => "",
            _ => continue,
        };
        let Ok(uri) = attribute.normalized_value(XmlVersion::Implicit1_0) else {
            return None;
        };
        if !scope.bind(prefix, &uri) {
            return None;
        }
    }
    scope.element(start.name().as_ref())
}
