//! Persons of a record on its way in, and how far their identifiers lead.

use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, PersonId};
use crate::record::whereabouts::Stated;

/// One person of a record.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Key inside the record.
    pub key: String,
    /// Every identifier of it.
    pub identifiers: Vec<NewIdentifier>,
    /// Whether the record is about this person (subject or focus child).
    pub focus: bool,
    /// What the record says of where the person lives.
    pub whereabouts: Stated,
}

/// An identifier as one sender gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIdentifier {
    /// `system|value`, written as values of the system are compared.
    pub text: String,
    /// How far it leads.
    pub reach: Reach,
}

/// How far an identifier leads, and what the sender's word on it is worth to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is the sender's own: it leads nobody else anywhere.
    Own,
    /// Others use it too. That it is the same person's as another identifier is the sender's
    /// word, and counts for the sender's own records.
    Shared,
    /// Others use it too, and the sender is the authority for it: two such identifiers of one
    /// person are one person's for everybody.
    Vouched,
}

impl From<&str> for NewIdentifier {
    fn from(text: &str) -> NewIdentifier {
        NewIdentifier {
            text: text.to_owned(),
            reach: Reach::Shared,
        }
    }
}

/// A person as an officer sees it: ids and counts, never an identifier or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonView {
    /// Which.
    pub person: PersonId,
    /// Whom everything of it counts to today; itself, unless it was joined with another.
    pub counts_to: PersonId,
    /// Whether it is of test traffic.
    pub test: bool,
    /// On whose word identifiers lead to it.
    pub words: Vec<IdentifierWord>,
    /// Joins it was part of, either way, taken back ones too, oldest first; bounded.
    pub joins: Vec<PersonJoin>,
    /// Records that speak of it.
    pub records: u64,
    /// Consents of it.
    pub consents: u64,
    /// Disclosures the accounting lists.
    pub disclosures: u64,
}

/// Identifiers that lead to a person on one partner's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierWord {
    /// Whose word it is.
    pub partner: PartnerId,
    /// Whether they lead everybody there, or that partner alone.
    pub everybody: bool,
    /// Whom they were made known for, when that one was joined with this person since.
    pub own: Option<PersonId>,
    /// How many.
    pub identifiers: u64,
}

/// One join by a human's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonJoin {
    /// Who counts to the other since.
    pub other: PersonId,
    /// Who was kept.
    pub kept: PersonId,
    /// When.
    pub joined_at: Timestamp,
    /// The operator that joined them.
    pub joined_by: String,
    /// When it was taken back, and by which operator.
    pub parted: Option<(Timestamp, String)>,
}
