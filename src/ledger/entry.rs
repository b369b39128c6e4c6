//! One entry's canonical bytes.
//!
//! An entry is one line of JSON with a fixed order of members and no white space, so that its
//! bytes can be hashed, exported and read without this program. It names its writer, its number in
//! that writer's sequence and the leaf hash of the entry before it.

use crate::base::clock::Timestamp;
use crate::base::digest::{Digest, hex};
use crate::base::id::EntryId;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A submission was committed.
    Submission,
    /// A decision was taken and a disclosure may follow.
    Authorised,
    /// An attempt ended.
    Completed,
    /// A decision withheld a delivery.
    Withheld,
    /// A consent was lodged, changed or revoked.
    Consent,
    /// A fact was asserted, changed, confirmed or ended.
    Fact,
    /// An operator did something.
    Operator,
    /// The gateway did something no operator asked for over the API.
    System,
    /// A file of an extract was written.
    Extract,
    /// Persons were joined.
    Identity,
    /// Somebody asked at the emergency door, or was given a record there.
    Emergency,
    /// What had gone at once was looked at, or was not in time.
    Review,
    /// What was sent may not be used any further.
    Recall,
}

impl EntryKind {
    /// The word in the entry.
    pub const fn as_str(self) -> &'static str {
        match self {
            EntryKind::Submission => "submission",
            EntryKind::Authorised => "authorised",
            EntryKind::Completed => "completed",
            EntryKind::Withheld => "withheld",
            EntryKind::Consent => "consent",
            EntryKind::Fact => "fact",
            EntryKind::Operator => "operator",
            EntryKind::System => "system",
            EntryKind::Extract => "extract",
            EntryKind::Identity => "identity",
            EntryKind::Emergency => "emergency",
            EntryKind::Review => "review",
            EntryKind::Recall => "recall",
        }
    }
}

/// Who wrote an entry and after which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Writer (8 bytes) and its sequence number (8 bytes, big endian).
    pub entry_id: EntryId,
    /// Leaf hash of the same writer's entry before; all zero for its first.
    pub prev: Digest,
    /// When.
    pub at: Timestamp,
}

impl Link {
    /// The id of a writer's entry by number.
    pub fn entry_id(writer: [u8; 8], sequence: u64) -> EntryId {
        let mut bytes = [0_u8; 16];
        let parts = writer.into_iter().chain(sequence.to_be_bytes());
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        EntryId(bytes)
    }

    /// Writer and sequence number of an entry id.
    pub fn split(entry_id: EntryId) -> ([u8; 8], u64) {
        let mut writer = [0_u8; 8];
        let mut sequence = [0_u8; 8];
        for (to, from) in writer.iter_mut().chain(sequence.iter_mut()).zip(entry_id.0) {
            *to = from;
        }
        (writer, u64::from_be_bytes(sequence))
    }
}

/// The members after the link; values are ids, words of vocabularies, counts and digests.
#[derive(Clone, Debug, Default)]
pub struct Fields(String);

impl Fields {
    /// None yet.
    pub fn new() -> Fields {
        Fields::default()
    }

    /// A word or id.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Fields {
        self.name(name);
        self.quoted(value);
        self
    }

    /// A number.
    #[must_use]
    pub fn int(mut self, name: &str, value: i64) -> Fields {
        self.name(name);
        self.0.push_str(&value.to_string());
        self
    }

    /// A digest, hexadecimal.
    #[must_use]
    pub fn digest(self, name: &str, value: &Digest) -> Fields {
        let text = hex(&value.0);
        self.text(name, &text)
    }

    /// A list of words.
    #[must_use]
    pub fn list<'a>(mut self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Fields {
        self.name(name);
        self.0.push('[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.quoted(value);
        }
        self.0.push(']');
        self
    }

    fn name(&mut self, name: &str) {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn quoted(&mut self, value: &str) {
        // serde_json escapes in one fixed way and cannot fail on text.
        self.0.push_str(&serde_json::Value::from(value).to_string());
    }
}

/// The canonical bytes of an entry.
pub fn encode(link: &Link, kind: EntryKind, fields: &Fields) -> Vec<u8> {
    format!(
        "{{\"v\":1,\"entry\":\"{}\",\"prev\":\"{}\",\"at\":{},\"kind\":\"{}\"{}}}",
        link.entry_id,
        link.prev,
        link.at.0,
        kind.as_str(),
        fields.0
    )
    .into_bytes()
}

/// Reads the link of canonical bytes; `None` when they are not an entry.
pub fn read_link(bytes: &[u8]) -> Option<Link> {
    #[derive(serde::Deserialize)]
    struct Head {
        v: u8,
        entry: EntryId,
        prev: Digest,
        at: i64,
    }
    let head: Head = serde_json::from_slice(bytes).ok()?;
    (head.v == 1).then_some(Link {
        entry_id: head.entry,
        prev: head.prev,
        at: Timestamp(head.at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_and_is_one_line_of_json() {
        // Goal: canonical bytes carry their link. Method: encode and read.
        let link = Link {
            entry_id: Link::entry_id([7; 8], 41),
            prev: Digest::of(b"before"),
            at: Timestamp(1_790_000_000_000_000),
        };
        let fields = Fields::new()
            .text("reason", "said \"so\"\n")
            .int("accepted", 3)
            .digest("records", &Digest::of(b"x"))
            .list("citations", ["a", "b"]);
        let bytes = encode(&link, EntryKind::Operator, &fields);
        assert_eq!(read_link(&bytes), Some(link));
        assert!(!bytes.contains(&b'\n'));
        let json: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(json["citations"][1], "b");
        assert_eq!(Link::split(link.entry_id), ([7; 8], 41));
    }
}
