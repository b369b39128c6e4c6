//! What would open a withheld class: the smallest set of facts, at most two, in plain words.
//!
//! Only facts the pack lists as such are offered, each with a phrase in English and Spanish. What a
//! hard stop closes is offered nothing. Every offer has been put to the engine.

use super::answer::{Judged, Key};
use super::facts::{Facts, Flag, Flags};
use super::pack::Pack;
use super::person::Person;
use super::rule::Rank;
use super::tables::{Signers, Tables, Unlock};
use crate::base::vocabulary::{ConsentKind, DataClass, Grantor, RecipientRole};
use std::sync::Arc;

/// The grantors in the order in which they are offered as signers.
const OFFERED: [Grantor; 8] = [
    Grantor::Myself,
    Grantor::Parent,
    Grantor::YouthAndParent,
    Grantor::Youth,
    Grantor::YouthAttorney,
    Grantor::PersonalRepresentative,
    Grantor::Tribe,
    Grantor::Reporter,
];

/// Looks for the smallest set that opens one class.
pub fn smallest(pack: &Pack, era: usize, facts: &Facts, one: &Judged, person: &Person) -> Vec<Key> {
    let parental = matches!(
        facts.recipient,
        RecipientRole::Parent | RecipientRole::Guardian
    );
    let tie_ended = parental && facts.flags.has(Flag::RightsTerminated);
    let no_consent = tie_ended || facts.flags.has(Flag::Coerced);
    let stopped = one
        .outcome
        .stops
        .iter()
        .filter_map(|index| pack.rules.get(index))
        .any(|rule| matches!(rule.rank, Rank::Stop | Rank::County));
    if stopped || one.outcome.failed {
        return Vec::new();
    }
    let candidates: Vec<(&Unlock, Key)> = pack
        .tables
        .unlocks
        .iter()
        .filter(|unlock| offered(pack, facts, one.class, unlock))
        .filter(|unlock| !no_consent || kind_of(unlock).is_none())
        .filter_map(|unlock| Some((unlock, told(&pack.tables, unlock, one.class, person)?)))
        .collect();
    let opens = |flags: Flags| {
        let facts = Facts { flags, ..*facts };
        pack.evaluate(era, &facts, one.class).permit
    };
    for (unlock, key) in &candidates {
        if opens(facts.flags.flipped(unlock.flag)) {
            return vec![key.clone()];
        }
    }
    for (at, (first, first_key)) in candidates.iter().enumerate() {
        for (second, second_key) in candidates.iter().skip(at + 1) {
            if opens(facts.flags.flipped(first.flag).flipped(second.flag)) {
                return vec![first_key.clone(), second_key.clone()];
            }
        }
    }
    Vec::new()
}

/// Whether a policy that could speak here looks at the fact, and it stands the other way.
fn offered(pack: &Pack, facts: &Facts, class: DataClass, unlock: &Unlock) -> bool {
    let looked_at = pack.rules.iter().any(|rule| {
        rule.scope.mentions.has(unlock.flag)
            && rule.speaks_of(facts.source, facts.recipient, facts.purpose, class)
    });
    let held_back = unlock.flag == Flag::Standing && !facts.flags.has(Flag::Minor);
    looked_at && !held_back && facts.flags.has(unlock.flag) != unlock.to
}

fn kind_of(unlock: &Unlock) -> Option<ConsentKind> {
    ConsentKind::ALL
        .iter()
        .copied()
        .find(|kind| Flag::of_kind(*kind) == unlock.flag)
}

/// The offer in words; `None` if nobody could sign it.
fn told(tables: &Tables, unlock: &Unlock, class: DataClass, person: &Person) -> Option<Key> {
    let kind = kind_of(unlock);
    let fact = Arc::from(unlock.flag.name());
    let Some(row) = kind.and_then(|kind| tables.kind(kind)) else {
        return Some(Key {
            fact,
            en: Arc::clone(&unlock.en),
            es: Arc::clone(&unlock.es),
        });
    };
    let signer = signer(tables, row.signers, row.child_attorney, class, person)?;
    let words = tables.signers.iter().find(|words| words.id == signer)?;
    Some(Key {
        fact,
        en: Arc::from(unlock.en.replace("{signer}", &words.en)),
        es: Arc::from(unlock.es.replace("{signer}", &words.es)),
    })
}

/// Who may sign such a paper for this class.
fn signer(
    tables: &Tables,
    signers: Signers,
    child_attorney: bool,
    class: DataClass,
    person: &Person,
) -> Option<Grantor> {
    OFFERED.iter().copied().find(|grantor| {
        let attorney = *grantor == Grantor::YouthAttorney && child_attorney && person.dependent;
        let minor_self = *grantor == Grantor::Myself && person.minor;
        (attorney || person.accepts(signers, *grantor, tables).contains(class)) && !minor_self
    })
}
