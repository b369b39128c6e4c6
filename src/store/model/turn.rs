//! Structs of turns: what of the registry begins or ends to count by the calendar.

use super::{Audience, StoredConsent, StoredFact};
use crate::base::clock::Timestamp;
use crate::base::vocabulary::RecallReason;

/// Facts and consents whose day has come, or at which nobody has looked yet.
#[derive(Clone, Debug, Default)]
pub struct TurnPage {
    /// Facts, each with the instant up to which its turns were minded.
    pub facts: Vec<(StoredFact, Timestamp)>,
    /// Consents.
    pub consents: Vec<(StoredConsent, Timestamp)>,
    /// Rows that cannot be opened: nothing of theirs turns any more.
    pub(in crate::store) closed: Vec<(TurnTable, [u8; 16])>,
}

impl TurnPage {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.facts.len() + self.consents.len() + self.closed.len()
    }

    /// Whether nothing is due.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum TurnTable {
    Fact,
    Consent,
}

/// What a look at one of them came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// When to look again; never without.
    pub next: Option<Timestamp>,
    /// Whether the answer it gives has changed: what is queued or withheld is decided again.
    pub turned: bool,
    /// What was sent is to be looked at again because of it: it happened then.
    pub recall: Option<(RecallReason, Timestamp)>,
    /// Who besides its lodger may know of a consent.
    pub audience: Option<Audience>,
}
