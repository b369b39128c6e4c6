//! Obligations: what is owed with a release is done here, told to the recipient, or the release is
//! blocked. None is ever dropped.

use super::{HeldConsent, Hold};
use crate::base::digest::Digest;
use crate::base::sensitive::Reason;
use crate::base::vocabulary::{ConsentKind, Obligation};
use crate::disclosure::ObligationSet;
use crate::format::json;

/// The statement of 42 CFR 2.32 that goes with every disclosure made with consent.
const PART2_NOTICE: &str = "42 CFR part 2 prohibits unauthorized use or disclosure of these \
    records.";

/// How one obligation is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By the ledger, the accounting, labels or redaction.
    Done,
    /// Told to the recipient, whom it binds.
    Told,
    /// Goes along with the bytes.
    Attached,
    /// By a person who looks, before or after: the release knows which.
    Looked,
    /// Only a person can.
    Blocked,
}

fn way(obligation: Obligation) -> Way {
    use Obligation as O;
    match obligation {
        // The authorisation writes decision and disclosure before anything is sent.
        O::LogDisclosure | O::Accounting | O::DocumentEmergency => Way::Done,
        // Protected addresses are withheld by their labels; a substitute on record goes instead.
        O::SubstituteAddress => Way::Done,
        // Other families' children are taken out before redaction.
        O::RedactThirdPartyChildren => Way::Done,
        O::MinimumNecessary
        | O::NoRedisclosure
        | O::WrittenRecipientAgreement
        | O::DestroyAfter
        | O::CftOnly
        | O::EducationUseOnly
        | O::NoUseInProceedings => Way::Told,
        O::AttachPart2Notice | O::AttachConsentCopy => Way::Attached,
        O::HumanReview => Way::Looked,
        O::RegisteredMail | O::SmallCellSuppression | O::VerifyIdentity | O::NotifyVictim => {
            Way::Blocked
        }
    }
}

/// The obligations of a set, in the order of the vocabulary.
pub fn listed(owed: ObligationSet) -> impl Iterator<Item = Obligation> {
    Obligation::ALL
        .iter()
        .copied()
        .filter(move |obligation| owed.0 & (1 << obligation.index()) != 0)
}

/// What keeps a release from going out by itself, but for the look of a person.
pub fn blocked(owed: ObligationSet) -> Option<Hold> {
    let open = listed(owed).any(|obligation| way(obligation) == Way::Blocked);
    open.then_some(Hold::ObligationOpen)
}

/// Codes of what binds the recipient, comma separated; never a value.
pub fn told(owed: ObligationSet) -> String {
    let words: Vec<&str> = listed(owed)
        .filter(|obligation| matches!(way(*obligation), Way::Told | Way::Attached))
        .map(Obligation::as_str)
        .collect();
    words.join(",")
}

/// Whether something has to go along with the bytes.
pub fn attaches(owed: ObligationSet) -> bool {
    listed(owed).any(|obligation| way(obligation) == Way::Attached)
}

/// What goes along as JSON: the notice and copies of the consents. `None` when a copy is owed and
/// none can be read.
pub fn along(consents: &[HeldConsent<'_>]) -> Option<String> {
    let mut copies = Vec::new();
    for held in consents {
        let bytes = held.body.expose(Reason::Decide);
        let tree = json::parse(bytes).tree?;
        let kind = tree.text("kind").and_then(|k| k.parse().ok());
        if kind.is_some_and(is_part2) && tree.text("type") == Some("permit") {
            let mut copy = Vec::new();
            json::write(&tree, &mut copy);
            copies.push(String::from_utf8(copy).ok()?);
        }
    }
    if copies.is_empty() {
        return None;
    }
    Some(format!(
        "{{\"notice\":\"{PART2_NOTICE}\",\"consents\":[{}]}}",
        copies.join(",")
    ))
}

/// The record and what goes along, as one body: `multipart/mixed` of the two.
pub fn attach(record: &[u8], media_type: &str, along: &str) -> (Vec<u8>, String) {
    // Derived from the parts, so that a re-send is byte for byte the same.
    let digest = Digest::of_parts(&[record, along.as_bytes()]).to_hex();
    let boundary = format!("kinbridge-{digest}");
    let mut out = Vec::with_capacity(record.len() + along.len() + 512);
    for (kind, part) in [(media_type, record), ("application/json", along.as_bytes())] {
        out.extend_from_slice(format!("--{boundary}\r\nContent-Type: {kind}\r\n\r\n").as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (out, format!("multipart/mixed; boundary={boundary}"))
}

/// Whether a consent of this kind opens substance-use records.
pub fn is_part2(kind: ConsentKind) -> bool {
    matches!(
        kind,
        ConsentKind::Part2Tpo
            | ConsentKind::Part2Specific
            | ConsentKind::Part2CounselingNotes
            | ConsentKind::Part2Legal
    )
}
