//! What a sender is told of a decision: what its own record and its own consents come to.
//!
//! It is decided once more on the sender's own word alone: on consents it lodged and facts it
//! asserted itself, and on no statement of anybody else. Where that would let a class go and the
//! road keeps it, the class reads `not-releasable` and nothing more. It must never tell, nor let
//! anybody find out by asking twice, what another party lodged, asserted or protects, or whom the
//! record concerns beside those the sender named.

use super::{
    HeldConsent, HeldFact, ObligationSet, Protections, Release, ReleaseInput, candidates, release,
};
use crate::base::id::{PartnerId, PersonId};
use crate::base::vocabulary::{Effect, Verdict};
use crate::catalog::partner::Partner;
use crate::record::Record;
use crate::rules::Rules;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is kept for reasons that are not the sender's to know.
pub const NOT_RELEASABLE: &str = "not-releasable";
/// What is cited for it.
const NOT_RELEASABLE_CITATION: &str = "policy:not-releasable";

/// A decision as its record's sender is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderTold {
    /// `released`, `withheld`, `held` or [`NOT_RELEASABLE`].
    pub outcome: &'static str,
    /// The whole.
    pub decision: Effect,
    /// JSON pointers of what goes, in the numbering of the accepted record.
    pub released: Vec<String>,
    /// Person by person, class by class.
    pub rows: Vec<SenderRow>,
    /// Everything owed.
    pub obligations: Vec<&'static str>,
    /// Everything cited.
    pub citations: Vec<String>,
}

/// One class of one person, as the sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderRow {
    /// The person.
    pub person: PersonId,
    /// The class.
    pub data_class: &'static str,
    /// `permit`, `withhold` or [`NOT_RELEASABLE`].
    pub effect: &'static str,
    /// What is cited first.
    pub citation: String,
    /// The policies that opened or closed it; `None` where that is not told.
    pub policies: Option<Arc<[Arc<str>]>>,
}

/// Whether the sender of a record knows of this recipient: it wrote it on the record (as the one
/// that asks or is asked, or as whom a worker on it works for), or it is the county agency of the
/// county whose record it says it is, or itself.
pub fn known_to_sender(partner: &Partner, sender: &PartnerId, record: &Record) -> bool {
    partner.id == *sender || candidates::written_on(partner, record)
}

/// The decision on the sender's own word: as if there were no consent but its own, and nobody else
/// had said anything of the record's persons.
pub fn on_own_word(rules: &Rules, input: &ReleaseInput<'_>) -> Release {
    let own = own_consents(input.consents, &input.source.id);
    let facts = own_facts(input.facts, &input.source.id);
    release(
        rules,
        &ReleaseInput {
            consents: &own,
            facts: &facts,
            housemates: &[],
            protections: &Protections::default(),
            reviewed: false,
            done: ObligationSet::default(),
            emergency: None,
            ..*input
        },
    )
}

/// The consents this partner lodged itself.
pub fn own_consents<'a>(all: &[HeldConsent<'a>], lodger: &PartnerId) -> Vec<HeldConsent<'a>> {
    let own = all.iter().filter(|held| held.lodger == lodger);
    own.copied().collect()
}

/// The facts this partner asserted itself.
pub fn own_facts<'a>(all: &[HeldFact<'a>], asserter: &PartnerId) -> Vec<HeldFact<'a>> {
    let own = all.iter().filter(|held| held.asserter == asserter);
    own.copied().collect()
}

/// What the sender is told before anything is stored: what its own word comes to, and nothing of
/// what the road would make of it.
pub fn rehearsed(rules: &Rules, input: &ReleaseInput<'_>) -> SenderTold {
    told(&on_own_word(rules, input))
}

/// What the sender is told of a record it handed in: as [`rehearsed`], and what the road keeps all
/// the same is not releasable. Whose whereabouts are protected by others' records is not told.
pub fn recorded(rules: &Rules, input: &ReleaseInput<'_>) -> SenderTold {
    let own = on_own_word(rules, input);
    let road = release(
        rules,
        &ReleaseInput {
            housemates: &[],
            protections: &Protections::default(),
            ..*input
        },
    );
    masked(told(&own), &road)
}

fn told(own: &Release) -> SenderTold {
    let (outcome, decision) = own.told();
    let taken = own.taken();
    let rows = taken.rows.iter().map(|row| SenderRow {
        person: row.person,
        data_class: row.data_class,
        effect: row.verdict.as_str(),
        citation: row.citation.clone(),
        policies: Some(Arc::clone(&row.policies)),
    });
    SenderTold {
        outcome,
        decision,
        released: own.released_paths().to_vec(),
        rows: rows.collect(),
        obligations: taken.obligations.clone(),
        citations: taken.citations.clone(),
    }
}

/// Closes what the road closes, without a word about why.
fn masked(mut told: SenderTold, road: &Release) -> SenderTold {
    let goes = match road {
        Release::Go(_) => true,
        Release::Held(..) => told.outcome == "held",
        Release::Withheld(_) | Release::Untied(_) => false,
    };
    let rows = road.taken().rows.iter().filter(|_| goes);
    let open: BTreeSet<(PersonId, &str)> = rows
        .filter(|row| row.verdict == Verdict::Permit)
        .map(|row| (row.person, row.data_class))
        .collect();
    let mut closed = false;
    for row in &mut told.rows {
        let permitted = row.effect == Verdict::Permit.as_str();
        if permitted && !open.contains(&(row.person, row.data_class)) {
            row.effect = NOT_RELEASABLE;
            NOT_RELEASABLE_CITATION.clone_into(&mut row.citation);
            row.policies = None;
            closed = true;
        }
    }
    if !goes && matches!(told.outcome, "released" | "held") {
        told.outcome = NOT_RELEASABLE;
        told.decision = Effect::Deny;
        told.obligations.clear();
        closed = true;
    }
    if closed {
        told.citations = told.rows.iter().map(|row| row.citation.clone()).collect();
        told.citations.push(NOT_RELEASABLE_CITATION.to_owned());
        told.citations.sort_unstable();
        told.citations.dedup();
        if told.decision == Effect::Permit {
            told.decision = Effect::PermitWithRedaction;
        }
    }
    let kept: BTreeSet<&String> = road.released_paths().iter().collect();
    told.released.retain(|path| kept.contains(path));
    told
}
