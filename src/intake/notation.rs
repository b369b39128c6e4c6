//! Places of the canonical record told in the sender's notation.

use crate::base::id::{FormatId, RecordType};
use crate::mapping::Plans;
use crate::record::places;
use crate::validate::{Notation, Step};

/// Tells a place of a canonical record as the sender wrote it.
pub(super) struct RecordNotation<'a> {
    pub plans: &'a Plans,
    pub format: &'a FormatId,
    pub record_type: &'a RecordType,
    /// Where the record's root stands in the sender's document.
    pub root: &'a str,
    /// The document is the record: paths are the sender's own.
    pub identity: bool,
}

impl Notation for RecordNotation<'_> {
    fn path(&self, steps: &[Step<'_>]) -> String {
        let mut pointer = String::new();
        for step in steps {
            match step {
                Step::Name(name) => places::push_token(&mut pointer, name),
                Step::Item(at) => places::push_token(&mut pointer, &at.to_string()),
            }
        }
        self.of_pointer(&pointer)
    }
}

impl RecordNotation<'_> {
    /// The place a JSON pointer of the record names.
    pub fn of_pointer(&self, pointer: &str) -> String {
        if self.identity {
            return format!("{}{pointer}", self.root.trim_end_matches('/'));
        }
        let dotted = dotted(pointer);
        match self.plans.wire_path(self.format, self.record_type, &dotted) {
            Some(wire) if self.root.is_empty() => wire,
            Some(wire) => format!("{}: {wire}", self.root),
            // No column or element leads there: the canonical name is the clearest there is.
            None => dotted,
        }
    }
}

/// `/body/status_history/2/code` as `body.status_history[].code`.
fn dotted(pointer: &str) -> String {
    let mut out = String::new();
    for token in places::tokens(pointer) {
        if token.bytes().all(|byte| byte.is_ascii_digit()) && !token.is_empty() {
            out.push_str("[]");
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&token);
        }
    }
    out
}
