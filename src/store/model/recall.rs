//! Structs of recalls: what has to be told after something was sent.

use super::{DecisionRecord, NewDelivery, StoredRecord};
use crate::base::clock::Timestamp;
use crate::base::id::{DeliveryId, EmergencyId};
use crate::base::vocabulary::RecallReason;
use std::sync::Arc;

/// What a delivery that is a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    /// What it is about.
    pub of: DeliveryId,
    /// The one word.
    pub reason: RecallReason,
    /// Since when.
    pub at: Timestamp,
}

/// Something that happened after deliveries had left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecallCause {
    /// A person, or the record of `voided`.
    pub(in crate::store) subject: [u8; 16],
    /// What happened.
    pub reason: RecallReason,
    /// When.
    pub at: Timestamp,
}

/// Deliveries to look at again because of one thing that happened.
#[derive(Clone, Debug)]
pub struct RecallPage {
    /// What happened.
    pub cause: RecallCause,
    /// Deliveries that have arrived or may have, in the order of their ids.
    pub found: Vec<Delivered>,
    /// The last that was looked at.
    pub(in crate::store) reached: [u8; 16],
    /// Whether more may follow.
    pub(in crate::store) more: bool,
}

/// A delivery that has arrived or may have, or a record given at the emergency door.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Which.
    pub delivery: NewDelivery,
    /// The version that was sent; absent when it cannot be opened any more.
    pub record: Option<Arc<StoredRecord>>,
    /// JSON pointers of what was in it.
    pub released_paths: Vec<String>,
    /// The instant it was decided for.
    pub decided_at: Timestamp,
    /// How it was given at the emergency door; absent where it was sent.
    pub given: Option<AtTheDoor>,
    /// Whether what happened is against it whatever is decided now.
    pub certain: bool,
}

/// How a record was given at the emergency door.
#[derive(Clone, Debug, PartialEq)]
pub struct AtTheDoor {
    /// In answer to which request.
    pub access_id: EmergencyId,
    /// Under which decision, of whom its persons are today.
    pub decision: DecisionRecord,
}

/// A delivery that is to be recalled, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// Which.
    pub delivery_id: DeliveryId,
    /// By a notice over its channel, else by a person.
    pub by_notice: bool,
}

/// What a partner was given of one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// Under these decisions; none when it was never given the record.
    pub decisions: Vec<super::DecisionRecord>,
}

/// A recall that a person has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecallByHand {
    /// What is recalled, where it was sent.
    pub delivery_id: Option<DeliveryId>,
    /// The request it was given in answer to at the emergency door.
    pub access_id: Option<EmergencyId>,
    /// The one word.
    pub reason: RecallReason,
    /// Since when.
    pub at: Timestamp,
    /// The record the recipient was given.
    pub record_id: crate::base::id::RecordId,
}

/// How a disclosure was recalled, as the accounting shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecallView {
    /// The one word.
    pub reason: RecallReason,
    /// Since when.
    pub at: Timestamp,
    /// The notice and where it stands; absent when a person has to tell it.
    pub notice: Option<(DeliveryId, super::DeliveryState)>,
}
