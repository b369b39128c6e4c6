//! The ids of a submission's records: one that comes again and says something else is seen.
//!
//! It must never let one of the two stand as if the other were not there, and never grow without
//! bound: of a long batch it remembers the last many. Digests only, no id is kept as it was sent.

use crate::base::Text;
use crate::base::digest::Digest;
use crate::base::limits::IDS_REMEMBERED_MAX;
use crate::record::{Record, likeness};
use std::collections::HashMap;

/// What is remembered of the first record of an id.
#[derive(Clone, Debug)]
struct Seen {
    says: u64,
    index: u32,
    place: Text,
    /// One after it said something else.
    contradicted: bool,
}

/// Records that came before, by type and id.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    recent: HashMap<Digest, Seen>,
    /// Those before the recent ones.
    older: HashMap<Digest, Seen>,
}

/// A record before this one has its id and says something else.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clash {
    /// Where that stands.
    pub first: Text,
    /// Its position, where nobody has been told of it yet.
    pub index: Option<u32>,
}

/// What a record is known by: its type and id. `None` where it has none.
pub(super) fn key(record: &Record) -> Option<Digest> {
    let id = record.envelope()?.text("source_record_id")?;
    let kind = record.record_type.as_str();
    Some(Digest::of_parts(&[kind.as_bytes(), id.as_bytes()]))
}

impl Ids {
    /// Takes in a record that stands at `place`. The first of an id stays the one later ones are
    /// compared with; once two differ, every later one clashes, whatever it says.
    pub(super) fn meet(
        &mut self,
        (key, record): (Digest, &Record),
        (index, place): (u32, Text),
    ) -> Option<Clash> {
        let says = likeness(&record.root);
        let known = match self.recent.get_mut(&key) {
            Some(seen) => Some(seen),
            None => self.older.get_mut(&key),
        };
        if let Some(seen) = known {
            if seen.says == says && !seen.contradicted {
                return None;
            }
            let untold = !std::mem::replace(&mut seen.contradicted, true);
            return Some(Clash {
                first: seen.place.clone(),
                index: untold.then_some(seen.index),
            });
        }
        if self.recent.len() >= IDS_REMEMBERED_MAX {
            self.older = std::mem::take(&mut self.recent);
        }
        let seen = Seen {
            says,
            index,
            place,
            contradicted: false,
        };
        self.recent.insert(key, seen);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::RecordType;
    use crate::format::json;

    /// Goal: the same id with other content is seen, the same content is not, nor is another type;
    /// the first is told of once. Method: records one after another.
    #[test]
    fn an_id_that_comes_again_is_seen_where_it_says_something_else() {
        let record = |kind: &str, body: &str| Record {
            record_type: RecordType::new(kind),
            root: json::parse(
                format!("{{\"envelope\":{{\"source_record_id\":\"x\"}},\"body\":{body}}}")
                    .as_bytes(),
            )
            .tree
            .expect("a tree"),
        };
        let mut ids = Ids::default();
        let mut index = 0;
        let mut meet = |kind, body, place: &str| {
            let record = record(kind, body);
            index += 1;
            let key = key(&record).expect("an id");
            ids.meet((key, &record), (index, place.into()))
        };
        assert_eq!(meet("a", "{\"m\":1,\"n\":[2,3]}", "one"), None);
        assert_eq!(meet("a", "{\"n\":[2,3],\"m\":1}", "two"), None);
        assert_eq!(meet("b", "{\"m\":1}", "three"), None);
        let clash = |index| {
            Some(Clash {
                first: "one".into(),
                index,
            })
        };
        assert_eq!(meet("a", "{\"m\":1,\"n\":[3,2]}", "four"), clash(Some(1)));
        assert_eq!(meet("a", "{\"m\":\"1\",\"n\":[2,3]}", "five"), clash(None));
        // Said as the first said it: which of them holds is unclear by now.
        assert_eq!(meet("a", "{\"m\":1,\"n\":[2,3]}", "six"), clash(None));
        assert_eq!(meet("b", "{\"m\":1}", "seven"), None);
    }
}
