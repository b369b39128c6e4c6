//! What a decision may tell the sender of the record: whose whereabouts are protected only where
//! the record says so itself. The decision that is kept has everything.

use super::Taken;
use crate::base::vocabulary::{DataClass, Obligation};
use crate::record::Record;
use crate::record::whereabouts::stated;

impl Taken {
    /// The decision without what only other senders' records say.
    #[must_use]
    pub fn as_the_sender_knows(&self, record: &Record) -> Taken {
        let protected = DataClass::SafeAtHomeAddress.as_str();
        let mut out = self.clone();
        if record
            .persons()
            .iter()
            .any(|person| stated(person).protected)
        {
            return out;
        }
        out.rows.retain(|row| row.data_class != protected);
        if out.rows.len() < self.rows.len() {
            let substitute = Obligation::SubstituteAddress.as_str();
            out.obligations.retain(|owed| *owed != substitute);
            out.citations = out.rows.iter().map(|row| row.citation.clone()).collect();
            out.citations.sort_unstable();
            out.citations.dedup();
        }
        out
    }
}
