//! Consents as they are kept, confirmed, used and ended.

use super::OperatorAct;
use crate::base::clock::Timestamp;
use crate::base::id::*;
use crate::base::sensitive::Sensitive;

/// A consent in force or revoked, opened: its newest revision.
#[derive(Clone, Debug)]
pub struct StoredConsent {
    /// As the lodger names it.
    pub consent_id: ConsentId,
    /// As the registry names it to others.
    pub registry_id: RegistryId,
    /// Who lodged it.
    pub partner: PartnerId,
    /// Whose consent it is.
    pub subject: PersonId,
    /// From 1; every change is a new one.
    pub revision: u32,
    /// When this revision was lodged.
    pub lodged_at: Timestamp,
    /// From when it no longer counts.
    pub revoked_at: Option<Timestamp>,
    /// The local day (days since 1970-01-01) from which on it no longer counts, because what it
    /// was to end with has happened.
    pub ended_on: Option<i32>,
    /// Who stands behind this revision besides its lodger, and since when.
    pub confirmed: Vec<(PartnerId, Timestamp)>,
    /// What a consent for one disclosure was used by.
    pub used: Option<ConsentUse>,
    /// The consent as JSON.
    pub body: Sensitive<Vec<u8>>,
    /// How it was captured, as JSON.
    pub capture: Option<Sensitive<Vec<u8>>>,
}

impl StoredConsent {
    /// Whether it was revoked, or what it was to end with has happened.
    pub fn is_ended(&self) -> bool {
        self.revoked_at.is_some() || self.ended_on.is_some()
    }

    /// Whether it is over: ended, or used up. Attempts of the one delivery that used it go on.
    pub fn is_over(&self) -> bool {
        self.is_ended() || self.used.is_some()
    }
}

/// The one use of a consent for one disclosure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentUse {
    /// Attempts of this delivery may go on.
    pub delivery: DeliveryId,
    /// When it was authorised.
    pub at: Timestamp,
}

/// A confirmation to enter.
#[derive(Clone, Debug)]
pub struct NewConfirmation {
    /// Of which consent.
    pub registry_id: RegistryId,
    /// Of which revision: the one that was looked at.
    pub revision: u32,
    /// Who confirms.
    pub by: PartnerId,
    /// Who entered it, as JSON.
    pub body: Sensitive<Vec<u8>>,
    /// When.
    pub at: Timestamp,
    /// Of the request.
    pub correlation_id: CorrelationId,
}

/// What became of a confirmation, or of taking one back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// Entered, now or before.
    Done,
    /// There is no confirmation of theirs to take back.
    Never,
    /// There is a newer revision, or it was revoked or has ended.
    Changed,
}

/// How a consent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was revoked, from this instant on.
    Revoked(Timestamp),
    /// What it was to end with has happened: from this local day on it no longer counts.
    Ended(i32),
}

/// The end of a consent, to enter.
#[derive(Clone, Debug)]
pub struct ConsentEnd {
    /// How.
    pub how: Ending,
    /// Who told of it, how and to whom, as JSON.
    pub told: Option<Sensitive<Vec<u8>>>,
    /// Who enters it: a partner, or the lodger where an officer acts.
    pub by: PartnerId,
    /// The officer's act, where an officer enters it.
    pub act: Option<OperatorAct>,
    /// When.
    pub at: Timestamp,
    /// Of the request.
    pub correlation_id: CorrelationId,
}

/// One revision of a consent, as its history tells it.
#[derive(Clone, Debug)]
pub struct ConsentRevision {
    /// From 1.
    pub revision: u32,
    /// `lodged`, `revoked` or `ended`.
    pub change: String,
    /// When it was entered.
    pub at: Timestamp,
    /// From when it no longer counts.
    pub revoked_at: Option<Timestamp>,
    /// The local day from which on it no longer counts.
    pub ended_on: Option<i32>,
    /// The consent as JSON.
    pub body: Sensitive<Vec<u8>>,
    /// How it was captured, as JSON.
    pub capture: Option<Sensitive<Vec<u8>>>,
    /// Who told of its end, as JSON.
    pub told: Option<Sensitive<Vec<u8>>>,
    /// Who confirmed this revision and who took that back, and when.
    pub confirmed: Vec<Confirmation>,
}

/// A partner's word on a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Whose.
    pub by: PartnerId,
    /// When it was entered.
    pub at: Timestamp,
    /// Whether it stands behind the revision; else it no longer does.
    pub confirms: bool,
}

/// Who besides its lodger may know of a consent by what the paper says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Partners the paper names as disclosers.
    pub named: Vec<PartnerId>,
    /// Any county whose records the person is in.
    pub counties: bool,
}

/// What ties a partner to a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PersonTies {
    /// It has handed in a record about the person.
    pub source: bool,
    /// It has lodged another consent of the person.
    pub lodger: bool,
    /// A record about the person is of the county asked about.
    pub county: bool,
}

/// Who may know of others' consents.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The partner.
    pub partner: PartnerId,
    /// The county it is, if it is one.
    pub county_fips: Option<String>,
    /// Partners whose records, and whose consents, no county learns of.
    pub unseen: Vec<PartnerId>,
}

/// Which consents a page is of.
#[derive(Clone, Debug)]
pub struct ConsentsAsked {
    /// Lodged by this partner; of all where there is none.
    pub lodger: Option<PartnerId>,
    /// Besides, others' that this partner may know of.
    pub others: Option<Reader>,
    /// After this one.
    pub after: Option<RegistryId>,
    /// Rows looked at, at most.
    pub limit: usize,
}

/// A scan of a signed paper, to keep.
#[derive(Clone, Debug)]
pub struct NewScan {
    /// Of which consent.
    pub registry_id: RegistryId,
    /// The revision that was looked at: its newest.
    pub seen: u32,
    /// Who lodged the consent.
    pub lodger: PartnerId,
    /// What the bytes are.
    pub media_type: String,
    /// The bytes.
    pub body: Sensitive<Vec<u8>>,
    /// When.
    pub at: Timestamp,
    /// Of the request.
    pub correlation_id: CorrelationId,
}

/// What became of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanKept {
    /// Kept, as the scan of this revision.
    Done(u32),
    /// This revision has a scan already; nothing was kept.
    Before(u32),
    /// There is a newer revision than the one looked at.
    Changed,
}

/// A scan as it is kept, opened.
#[derive(Clone, Debug)]
pub struct StoredScan {
    /// Of which revision.
    pub revision: u32,
    /// What the bytes are.
    pub media_type: String,
    /// When it was kept.
    pub stored_at: Timestamp,
    /// The bytes.
    pub body: Sensitive<Vec<u8>>,
}
