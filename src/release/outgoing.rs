//! What may leave. Only a release makes one, and only after a decision.

use super::{ObligationSet, Taken};
use crate::base::digest::Digest;
use crate::base::id::{ConsentId, PartnerId};
use crate::base::sensitive::Sensitive;

/// Bytes that may leave, with the decision they leave under.
#[derive(Debug)]
pub struct Outgoing {
    pub(super) bytes: Sensitive<Vec<u8>>,
    pub(super) media_type: String,
    pub(super) told: ObligationSet,
    /// A notice about something sent before, not a record.
    pub(super) recall: bool,
    pub(super) along: Digest,
    pub(super) released_paths: Vec<String>,
    pub(super) persons_shown: Vec<u16>,
    pub(super) withheld_any: bool,
    pub(super) review_after: bool,
    pub(super) attached: ObligationSet,
    pub(super) excerpt: bool,
    pub(super) spends: Vec<(PartnerId, ConsentId)>,
    pub(super) taken: Taken,
}

/// What an earlier authorised attempt has kept.
#[derive(Clone, Debug)]
pub struct Kept {
    bytes: Sensitive<Vec<u8>>,
    media_type: String,
    released_paths: Vec<String>,
    along: Digest,
}

impl Kept {
    /// What the store gives back of an authorised attempt: exactly what was or may have been sent,
    /// its media type, JSON pointers of what was in it, and the digest of all that went along.
    /// Called where the store is read as release reads it, and nowhere else.
    pub fn of_store(
        bytes: Sensitive<Vec<u8>>,
        media_type: String,
        released_paths: Vec<String>,
        along: Digest,
    ) -> Kept {
        Kept {
            bytes,
            media_type,
            released_paths,
            along,
        }
    }
}

/// The decision of this moment releases less than what was kept, or under other terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Narrower;

impl Outgoing {
    /// The bytes.
    pub fn bytes(&self) -> &Sensitive<Vec<u8>> {
        &self.bytes
    }

    /// The bytes, given up.
    pub fn into_bytes(self) -> Sensitive<Vec<u8>> {
        self.bytes
    }

    /// Their media type.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The obligations that bind the recipient, which it is told.
    pub fn told(&self) -> ObligationSet {
        self.told
    }

    /// Whether it is a notice that something sent before may not be used any further.
    pub fn is_recall(&self) -> bool {
        self.recall
    }

    /// Digest of all that goes along with the record: notice, copies of consents, and what the
    /// recipient is told it owes.
    pub fn along(&self) -> Digest {
        self.along
    }

    /// JSON pointers of everything in it, in the numbering of the accepted record.
    pub fn released_paths(&self) -> &[String] {
        &self.released_paths
    }

    /// Persons that appear in it, by index into the accepted record's `persons[]`.
    pub fn persons_shown(&self) -> &[u16] {
        &self.persons_shown
    }

    /// Whether anything stayed back.
    pub fn withheld_any(&self) -> bool {
        self.withheld_any
    }

    /// Whether it is a part of a record in the gateway's own form and not in the channel's format.
    pub fn is_excerpt(&self) -> bool {
        self.excerpt
    }

    /// Obligations that are discharged by what goes along with the record.
    pub fn attached(&self) -> ObligationSet {
        self.attached
    }

    /// Whether a person has to look at it after it has gone.
    pub fn review_after(&self) -> bool {
        self.review_after
    }

    /// Consents for one disclosure that it rests on, by lodger and the lodger's id.
    pub fn spends(&self) -> &[(PartnerId, ConsentId)] {
        &self.spends
    }

    /// The decision.
    pub fn taken(&self) -> &Taken {
        &self.taken
    }

    /// The same delivery once more: the kept bytes, if all that is in them may still go and
    /// nothing that goes along has changed.
    ///
    /// # Errors
    /// When this decision releases less, or with other notices, copies or obligations.
    pub fn again(self, kept: Kept) -> Result<Outgoing, Narrower> {
        let now: std::collections::BTreeSet<&String> = self.released_paths.iter().collect();
        let narrower = !kept.released_paths.iter().all(|path| now.contains(path));
        if narrower || kept.along != self.along {
            return Err(Narrower);
        }
        Ok(Outgoing {
            bytes: kept.bytes,
            media_type: kept.media_type,
            released_paths: kept.released_paths,
            ..self
        })
    }
}
