//! Persons of a record on its way in, and how far their identifiers lead.

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
