//! Toward parents, guardians, caregivers and intimate partners a fact nobody told might close
//! everything: who they are to the person, and that no protective order stands, must be known, and
//! lately. Nothing goes while they are suspected of having harmed the person, either.
//!
//! It opens nothing: what the law withholds stays withheld however well the recipient is known.

use super::asserted::Asserted;
use super::decide::person;
use super::{FactSeen, ReleaseInput, Taken};
use crate::base::vocabulary::{ClassSet, DataClass};
use crate::format::Node;
use std::collections::{BTreeMap, BTreeSet};

/// How well a private recipient must be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquaintance {
    /// Confirmed lately enough: whatever leaves.
    Lately,
    /// Confirmed, however long ago: whether the end of a fact took that ground away.
    Ever,
    /// Not asked: what other ground was taken away.
    Supposed,
}

/// What is cited when it is not known.
const UNKNOWN: &str = "policy:standing-known";
/// What a protective order closes, whoever of the record it is about.
const PROTECTED: [DataClass; 2] = [DataClass::DvInformation, DataClass::ContactAddress];

/// The facts by which the recipient is known, when it is toward everybody it must be: the persons
/// the record is about, or all shown where it says of nobody; and whose whereabouts are shown.
pub(super) fn known(
    (asserted, how_well): (&Asserted<'_>, Acquaintance),
    input: &ReleaseInput<'_>,
    (shown, permit): (&[u16], &BTreeMap<u16, ClassSet>),
) -> Option<BTreeSet<FactSeen>> {
    let mut seen = BTreeSet::new();
    let focus: Vec<u16> = shown
        .iter()
        .copied()
        .filter(|at| is_focus(input, *at))
        .collect();
    let of = if focus.is_empty() { shown } else { &focus };
    for at in shown {
        let (_, id) = person(input, *at)?;
        let open = permit.get(at).copied().unwrap_or(ClassSet::EMPTY);
        let about = of.contains(at);
        if about {
            seen.insert(asserted.standing(id, how_well)?);
        }
        if about || PROTECTED.iter().any(|class| open.contains(*class)) {
            seen.insert(asserted.protection(id, how_well)?);
        }
    }
    Some(seen)
}

/// Whether the record is about the person at that place.
fn is_focus(input: &ReleaseInput<'_>, at: u16) -> bool {
    let key = input.record.persons().get(usize::from(at));
    let Some(key) = key.and_then(|entry| entry.text("key")) else {
        return false;
    };
    ["subject_refs", "focus_refs"].into_iter().any(|list| {
        let refs = input.record.envelope().and_then(|e| e.get(list));
        let refs = refs.map(Node::items).unwrap_or_default();
        refs.iter().any(|named| named.as_str() == Some(key))
    })
}

/// Withheld until it is known. What is owed with a release is not owed then.
pub(super) fn unknown(mut taken: Taken) -> Taken {
    taken.standing_unknown = true;
    taken.obligations.clear();
    taken.citations.push(UNKNOWN.to_owned());
    taken
}
