//! The notice that something sent may not be used any further.
//!
//! It is made of ids its recipient was given with the thing itself, and one word. It must never
//! say more: no person, no class of data, no consent, nothing of who asked for it or why.

use super::{Outgoing, Taken};
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::{DeliveryId, RecordId, RuleSetId};
use crate::base::sensitive::Sensitive;
use crate::base::vocabulary::{Purpose, RecallReason};
use crate::catalog::partner::{Channel, Partner};
use crate::disclosure::ObligationSet;
use serde_json::json;

/// Media type of a notice.
const MEDIA_TYPE: &str = "application/vnd.kinbridge.recall+json";

/// What a decision that only tells of a recall cites.
const RECALL: &str = "policy:recall";

/// What a notice is made of.
#[derive(Clone, Copy)]
pub struct NoticeInput<'a> {
    /// The rules in force.
    pub rule_set: &'a RuleSetId,
    /// The notice's own id, the same on every attempt.
    pub notice_id: DeliveryId,
    /// The record the recipient was given.
    pub record_id: RecordId,
    /// The delivery it came with.
    pub delivery_id: DeliveryId,
    /// The one word.
    pub reason: RecallReason,
    /// Since when.
    pub at: Timestamp,
    /// Who handed the record in.
    pub source: &'a Partner,
    /// Who was given it.
    pub recipient: &'a Partner,
    /// Over which channel.
    pub channel: &'a Channel,
    /// The instant of the attempt.
    pub now: Timestamp,
}

/// The notice, ready to leave. The same input but for `now` gives the same bytes.
pub fn notice(input: &NoticeInput<'_>) -> Outgoing {
    let document = json!({
        "notice_id": input.notice_id,
        "record_id": input.record_id,
        "delivery_id": input.delivery_id,
        "reason": input.reason,
        "at": input.at.to_rfc3339(),
        "instruction": instruction(input.reason),
    });
    let bytes = document.to_string().into_bytes();
    let purpose = input.channel.purpose.map(Purpose::as_str);
    let parties = (input.source, Some(input.recipient));
    Outgoing {
        excerpt: false,
        along: Digest::of(&bytes),
        bytes: Sensitive::new(bytes),
        media_type: MEDIA_TYPE.to_owned(),
        told: ObligationSet::default(),
        recall: true,
        review_after: false,
        spends: Vec::new(),
        attached: ObligationSet::default(),
        released_paths: Vec::new(),
        persons_shown: Vec::new(),
        withheld_any: false,
        taken: Taken {
            purpose: purpose.unwrap_or_default().to_owned(),
            citations: vec![RECALL.to_owned()],
            ..Taken::empty(input.rule_set, input.now, parties)
        },
    }
}

/// What the recipient is to do. For a permission that was withdrawn what was done in reliance on
/// it stands (42 CFR 2.31): nothing is asked back.
const fn instruction(reason: RecallReason) -> &'static str {
    match reason {
        RecallReason::ConsentEnded => {
            "Make no further use or disclosure of this record under the withdrawn permission. \
             What was done in reliance on it before this notice stands."
        }
        RecallReason::NoLongerPermitted => {
            "Make no further use or disclosure of this record unless you hold another lawful \
             ground for it."
        }
        RecallReason::IdentityCorrected => {
            "This record was sent while two persons were taken for one. Detach it from whom you \
             matched it with, and decide nothing about anybody by it until you have it anew."
        }
        RecallReason::Voided => {
            "The sender withdrew this record as entered in error. Mark it so and do not use it."
        }
    }
}

#[cfg(test)]
mod tests {
    //! Goal: no notice demands what was relied on back, and each says one thing to do.
    use super::*;

    #[test]
    fn a_withdrawn_permission_asks_nothing_back() {
        let told = instruction(RecallReason::ConsentEnded);
        assert!(
            told.contains("no further use") && told.contains("stands"),
            "{told}"
        );
        for reason in RecallReason::ALL {
            let told = instruction(*reason).to_lowercase();
            for word in ["return", "destroy", "delete", "revok", "consent"] {
                assert!(!told.contains(word), "{reason}: {told}");
            }
        }
    }
}
