//! The ids of a submission's records: one that comes again and says something else is seen.
//!
//! It must never let the second take the first one's place in silence, and never grow without
//! bound: of a long batch it remembers the last many. Digests only, no id is kept as it was sent.

use crate::base::Text;
use crate::base::digest::Digest;
use crate::base::limits::IDS_REMEMBERED_MAX;
use crate::record::{Record, likeness};
use std::collections::HashMap;

/// What is remembered of one record.
#[derive(Clone, Debug)]
struct Seen {
    says: u64,
    place: Text,
}

/// Records that came before, by type and id.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    recent: HashMap<Digest, Seen>,
    /// Those before the recent ones.
    older: HashMap<Digest, Seen>,
}

impl Ids {
    /// Takes in a record that stands at `place`; gives the place of one before it that has its id
    /// and says something else. The first one stays the one later ones are compared with.
    pub(super) fn meet(&mut self, record: &Record, place: Text) -> Option<Text> {
        let id = record.envelope()?.text("source_record_id")?;
        let kind = record.record_type.as_str();
        let key = Digest::of_parts(&[kind.as_bytes(), id.as_bytes()]);
        let says = likeness(&record.root);
        if let Some(seen) = self.recent.get(&key).or_else(|| self.older.get(&key)) {
            return (seen.says != says).then(|| seen.place.clone());
        }
        if self.recent.len() >= IDS_REMEMBERED_MAX {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(key, Seen { says, place });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::RecordType;
    use crate::format::json;

    /// Goal: the same id with other content is seen, the same content is not, nor is another type.
    /// Method: five records one after another.
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
        let mut meet = |kind, body, place: &str| ids.meet(&record(kind, body), place.into());
        assert_eq!(meet("a", "{\"m\":1,\"n\":[2,3]}", "one"), None);
        assert_eq!(meet("a", "{\"n\":[2,3],\"m\":1}", "two"), None);
        assert_eq!(meet("b", "{\"m\":1}", "three"), None);
        let first = Some(Text::from("one"));
        assert_eq!(meet("a", "{\"m\":1,\"n\":[3,2]}", "four"), first);
        assert_eq!(meet("a", "{\"m\":\"1\",\"n\":[2,3]}", "five"), first);
    }
}
