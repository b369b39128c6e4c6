//! From which other records a record was made, by the ids the gateway gave them.
//!
//! What its envelope names, and the one whose id it uses as its own, however it is written. It must
//! never decide what follows of it.

use super::Record;
use crate::base::id::RecordId;
use crate::format::Node;

/// What the gateway's ids of records begin with.
const PREFIX: &str = "rec_";
/// Hexadecimal digits behind it.
const DIGITS: usize = 32;

/// All of them, each once; none for nearly all records.
pub fn sources(record: &Record, source_record_id: &str) -> Vec<RecordId> {
    let ids = record.envelope().and_then(|e| e.get("derived_from"));
    let ids = ids.map(Node::items).unwrap_or_default().iter();
    let mut out: Vec<RecordId> = ids.filter_map(|id| spelled(id.as_str()?)).collect();
    out.extend(spelled(source_record_id));
    out.sort_unstable();
    out.dedup();
    out
}

/// The gateway's id a text holds, whatever stands around it and in whatever case.
pub fn spelled(text: &str) -> Option<RecordId> {
    let text = text.to_ascii_lowercase();
    let mut places = text.match_indices(PREFIX).map(|(at, _)| at);
    places.find_map(|at| RecordId::parse(text.get(at..at + PREFIX.len() + DIGITS)?))
}

#[cfg(test)]
mod tests {
    //! Goal: a record that goes by the gateway's id of another is known to be made from it.
    use super::*;

    #[test]
    fn an_id_is_known_however_it_is_written() {
        let id = format!("{PREFIX}{}", "0a".repeat(DIGITS / 2));
        let found = RecordId::parse(&id);
        assert!(found.is_some());
        for text in [
            id.clone(),
            id.to_uppercase(),
            format!(" {id}"),
            format!("copy of rec_{id}-2"),
        ] {
            assert_eq!(spelled(&text), found, "{text}");
        }
        assert_eq!(spelled("rec_1"), None);
        assert_eq!(spelled(&id[..id.len() - 1]), None);
    }
}
