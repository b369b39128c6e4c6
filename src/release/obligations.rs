//! Obligations: what is owed with a release is done here, told to the recipient, or the release is
//! blocked. None is ever dropped.

use super::HeldConsent;
use crate::base::digest::Digest;
use crate::base::sensitive::Reason;
use crate::base::vocabulary::{ConsentKind, Obligation};
use crate::disclosure::ObligationSet;
use crate::format::json;

/// The statement of 42 CFR 2.32 that goes with every disclosure made with consent.
const PART2_NOTICE: &str = "42 CFR part 2 prohibits unauthorized use or disclosure of these \
    records.";

/// How one obligation is discharged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Written by the transaction that authorises the release, before anything is sent.
    Written,
    /// By what was taken out of the record, or by what stands in it instead.
    TakenOut,
    /// By counting: no cell is small that can be read or computed. What is no table of counts a
    /// person looks at.
    Counted,
    /// Told to the recipient, whom it binds: header of a send, manifest of a pull, member of an
    /// answer at the emergency door.
    Told,
    /// Told, and a signed agreement between the two holds today.
    Agreed,
    /// Goes along with the bytes.
    Attached,
    /// The declaration at the emergency door holds what has to be documented.
    Documented,
    /// By a person who looks, before or after: the release knows which.
    Looked,
    /// Only by a person: the gateway cannot do it, and asks.
    ByHand,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Discharge {
    /// What is owed.
    pub obligation: Obligation,
    /// How it is discharged.
    pub way: Way,
    /// What a person does where the gateway does not, said to whoever resolves the work item.
    pub by_hand: &'static str,
}

const fn row(obligation: Obligation, way: Way, by_hand: &'static str) -> Discharge {
    Discharge {
        obligation,
        way,
        by_hand,
    }
}

/// Every obligation of the vocabulary, in its order.
pub const TABLE: [Discharge; 19] = {
    use Obligation as O;
    [
        row(O::LogDisclosure, Way::Written, ""),
        row(O::MinimumNecessary, Way::Told, ""),
        row(O::Accounting, Way::Written, ""),
        row(O::NoRedisclosure, Way::Told, ""),
        row(
            O::AttachPart2Notice,
            Way::Attached,
            "send the recipient the notice of 42 CFR 2.32 by another way",
        ),
        row(
            O::AttachConsentCopy,
            Way::Attached,
            "send the recipient a copy of the consent, or what it covers, by another way",
        ),
        row(
            O::DocumentEmergency,
            Way::Documented,
            "write down what 42 CFR 2.51(c) wants: recipient and affiliation, who discloses, date \
             and time, nature of the emergency; or have the recipient ask at the emergency door",
        ),
        row(
            O::WrittenRecipientAgreement,
            Way::Agreed,
            "have the written agreement signed, and note it in the partner file",
        ),
        row(
            O::DestroyAfter,
            Way::Agreed,
            "have the written agreement say when the recipient destroys the data",
        ),
        row(O::CftOnly, Way::Told, ""),
        row(O::EducationUseOnly, Way::Told, ""),
        row(O::NoUseInProceedings, Way::Told, ""),
        row(O::SubstituteAddress, Way::TakenOut, ""),
        row(
            O::RegisteredMail,
            Way::ByHand,
            "send the notice by registered or certified mail, return receipt requested; then what \
             is sent here is a copy of it",
        ),
        row(
            O::SmallCellSuppression,
            Way::Counted,
            "see that no cell under the threshold can be read or computed from it",
        ),
        row(
            O::VerifyIdentity,
            Way::ByHand,
            "verify who the member of the team is before anything is told",
        ),
        row(
            O::RedactThirdPartyChildren,
            Way::TakenOut,
            "see that nothing about other children is left in it",
        ),
        row(
            O::NotifyVictim,
            Way::ByHand,
            "tell the victim of the compelled release, and see to their safety first",
        ),
        row(O::HumanReview, Way::Looked, ""),
    ]
};

/// The row of an obligation.
fn discharge(obligation: Obligation) -> Option<&'static Discharge> {
    TABLE.get(obligation.index())
}

fn way(obligation: Obligation) -> Way {
    // A word without a row would be one that nobody can discharge.
    discharge(obligation).map_or(Way::ByHand, |row| row.way)
}

/// What a person does about an open obligation; `None` of a word outside the vocabulary.
pub fn by_hand(word: &str) -> Option<&'static str> {
    let obligation = word.parse().ok()?;
    discharge(obligation).map(|row| row.by_hand)
}

/// What the gateway has found of what discharging some obligations needs.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// A signed agreement that bears on it holds today.
    pub agreed: bool,
    /// What 42 CFR 2.51 wants documented is there.
    pub documented: bool,
    /// Every count that can be read or computed from it is large enough.
    pub counted: bool,
    /// No child of another family is in it.
    pub apart: bool,
}

/// What is owed and cannot be discharged as things stand: nothing goes until a person has done it.
/// What is attached is looked at where it is attached.
pub fn open(owed: ObligationSet, standing: Standing) -> ObligationSet {
    let mut open = ObligationSet::default();
    for obligation in owed.iter() {
        let done = match way(obligation) {
            Way::Written | Way::Told | Way::Attached | Way::Looked => true,
            Way::TakenOut => obligation != Obligation::RedactThirdPartyChildren || standing.apart,
            Way::Counted => standing.counted,
            Way::Agreed => standing.agreed,
            Way::Documented => standing.documented,
            Way::ByHand => false,
        };
        if !done {
            open.insert(obligation);
        }
    }
    open
}

/// What of it binds the recipient.
pub fn told(owed: ObligationSet) -> ObligationSet {
    let binds = |obligation: &Obligation| {
        matches!(way(*obligation), Way::Told | Way::Agreed | Way::Attached)
    };
    let mut told = ObligationSet::default();
    for obligation in owed.iter().filter(binds) {
        told.insert(obligation);
    }
    told
}

/// What of it goes along with the bytes.
pub fn attached(owed: ObligationSet) -> ObligationSet {
    let mut attached = ObligationSet::default();
    for obligation in owed.iter().filter(|one| way(*one) == Way::Attached) {
        attached.insert(obligation);
    }
    attached
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

#[cfg(test)]
mod tests {
    use super::*;

    fn only(obligation: Obligation) -> ObligationSet {
        let mut set = ObligationSet::default();
        set.insert(obligation);
        set
    }

    const ALL_FOUND: Standing = Standing {
        agreed: true,
        documented: true,
        counted: true,
        apart: true,
    };

    const NONE_FOUND: Standing = Standing {
        agreed: false,
        documented: false,
        counted: false,
        apart: false,
    };

    #[test]
    fn every_obligation_of_the_vocabulary_is_discharged_or_blocks() {
        // Goal: none is dropped. Method: each alone, with everything found and with nothing found:
        // it is told, attached, written, taken out, looked at, or keeps the release back.
        for (row, obligation) in TABLE.iter().zip(Obligation::ALL) {
            assert_eq!(row.obligation, *obligation, "the order of the vocabulary");
            let owed = only(*obligation);
            let word = obligation.as_str();
            let at_best = open(owed, ALL_FOUND).contains(*obligation);
            let at_worst = open(owed, NONE_FOUND).contains(*obligation);
            let (told, enclosed) = (told(owed).words() == word, attached(owed) == owed);
            let seen = (at_best, at_worst, told, enclosed);
            let wanted = match row.way {
                Way::Written | Way::Looked => (false, false, false, false),
                Way::TakenOut => {
                    let children = *obligation == Obligation::RedactThirdPartyChildren;
                    (false, children, false, false)
                }
                Way::Told => (false, false, true, false),
                Way::Agreed => (false, true, true, false),
                Way::Attached => (false, false, true, true),
                Way::Documented | Way::Counted => (false, true, false, false),
                Way::ByHand => (true, true, false, false),
            };
            assert_eq!(seen, wanted, "{word}");
            // Whoever is asked to do it is told what.
            let asked = at_worst || enclosed;
            assert_eq!(asked, !row.by_hand.is_empty(), "{word}");
            assert_eq!(by_hand(word), Some(row.by_hand));
        }
        assert_eq!(TABLE.len(), Obligation::ALL.len());
        assert_eq!(by_hand("no such duty"), None);
    }
}
