//! Decisions as stored: short, sealed by a key derived for each delivery or extract.
//!
//! They outlive the record's payload, because an accounting is owed long after it.

use super::keys::{Keys, Place};
use super::model::{ConsentUsed, DecisionRecord, DecisionRow, FactUsed, LookAsked};
use super::sql::Fault;
use crate::base::clock::Timestamp;
use crate::base::digest::{Digest, hex, unhex};
use crate::base::id::{ConsentId, FactId, PartnerId, PersonId, RuleSetId};
use crate::base::vocabulary::Verdict;
use std::collections::HashMap;

/// The stored form: persons, classes and citations are named once.
#[derive(serde::Serialize, serde::Deserialize)]
struct Packed {
    rule_set: String,
    at: i64,
    purpose: String,
    recipient: String,
    source: String,
    obligations: Vec<String>,
    citations: Vec<String>,
    /// Person ids, hexadecimal.
    persons: Vec<String>,
    /// Words the rows name by number.
    words: Vec<String>,
    /// Sets of facts, each their names by number.
    facts: Vec<Vec<u32>>,
    /// Person, class, verdict, citation, set of facts.
    rows: Vec<(u32, u32, u32, u32, u32)>,
    /// Lodger by number, the lodger's id of a consent, revision.
    consents: Vec<(u32, String, u32)>,
    /// Asserter by number, the asserter's id of a fact, revision. Absent in decisions of before
    /// there were any.
    #[serde(default)]
    asserted: Vec<(u32, String, u32)>,
    /// Obligations nobody had discharged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<String>,
    #[serde(default)]
    standing_unknown: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reviews: Vec<LookAsked>,
}

#[derive(Default)]
struct Names {
    words: Vec<String>,
    index: HashMap<String, u32>,
}

impl Names {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.index.get(word) {
            return *number;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.words.push(word.to_owned());
        self.index.insert(word.to_owned(), number);
        number
    }
}

/// A decision ready to be written.
pub(super) struct SealedDecision {
    pub(super) at: Timestamp,
    pub(super) rule_set: RuleSetId,
    pub(super) body: Vec<u8>,
    /// What the ledger says of it.
    pub(super) commitment: Digest,
    /// Of the sealed bytes: whoever has no key can still see whether they were changed.
    pub(super) sealed: Digest,
    /// Persons about whom something may go.
    pub(super) disclosed: Vec<PersonId>,
}

const TABLE: &str = "decision";

/// Packs and seals a decision about `source` (a delivery or a disclosure of an extract).
pub(super) fn seal(
    keys: &Keys,
    source: &[u8; 16],
    decision: &DecisionRecord,
) -> Result<SealedDecision, Fault> {
    let plain = pack(decision)?;
    let key = keys.of_row(source)?;
    let place = Place {
        table: TABLE,
        row: source,
        version: &[],
        column: "body",
    };
    let body = key.seal(&place, &plain)?;
    Ok(SealedDecision {
        at: decision.at,
        rule_set: decision.rule_set.clone(),
        commitment: key.commit(&Digest::of(&plain)),
        sealed: Digest::of(&body),
        body,
        disclosed: disclosed(decision),
    })
}

/// Persons about whom a decision lets something go.
pub(super) fn disclosed(decision: &DecisionRecord) -> Vec<PersonId> {
    let permits = decision
        .rows
        .iter()
        .filter(|row| row.verdict == Verdict::Permit);
    let mut disclosed: Vec<PersonId> = permits.map(|row| row.person).collect();
    disclosed.sort_unstable();
    disclosed.dedup();
    disclosed
}

/// Opens what [`seal`] made.
pub(super) fn open(keys: &Keys, source: &[u8; 16], sealed: &[u8]) -> Result<DecisionRecord, Fault> {
    let place = Place {
        table: TABLE,
        row: source,
        version: &[],
        column: "body",
    };
    unpack(&keys.open_of_row(&place, sealed)?)
}

fn pack(decision: &DecisionRecord) -> Result<Vec<u8>, Fault> {
    let (mut persons, mut words) = (Names::default(), Names::default());
    let rows = decision
        .rows
        .iter()
        .map(|row| {
            (
                persons.number(&hex(&row.person.0)),
                words.number(&row.data_class),
                words.number(row.verdict.as_str()),
                words.number(&row.citation),
                u32::try_from(row.facts).unwrap_or(u32::MAX),
            )
        })
        .collect();
    let facts = decision.facts.iter();
    let facts = facts.map(|set| set.iter().map(|name| words.number(name)).collect());
    let facts = facts.collect();
    let consents = decision.consents.iter().map(|used| {
        let lodger = words.number(used.lodger.as_str());
        (lodger, used.consent_id.as_str().to_owned(), used.revision)
    });
    let consents = consents.collect();
    let asserted = decision.asserted.iter().map(|used| {
        let asserter = words.number(used.asserter.as_str());
        (asserter, used.fact_id.as_str().to_owned(), used.revision)
    });
    let asserted = asserted.collect();
    let packed = Packed {
        rule_set: decision.rule_set.as_str().to_owned(),
        at: decision.at.0,
        purpose: decision.purpose.clone(),
        recipient: decision.recipient_role.clone(),
        source: decision.source_role.clone(),
        obligations: decision.obligations.clone(),
        citations: decision.citations.clone(),
        persons: persons.words,
        words: words.words,
        facts,
        rows,
        consents,
        asserted,
        open: decision.open.clone(),
        standing_unknown: decision.standing_unknown,
        reviews: decision.reviews.clone(),
    };
    serde_json::to_vec(&packed).map_err(|_| Fault::Damaged("a decision"))
}

fn unpack(plain: &[u8]) -> Result<DecisionRecord, Fault> {
    let damaged = || Fault::Damaged("a stored decision");
    let packed: Packed = serde_json::from_slice(plain).map_err(|_| damaged())?;
    let word = |n: u32| {
        let found = packed.words.get(n as usize).cloned();
        found.ok_or_else(damaged)
    };
    let person = |n: u32| {
        let text = packed.persons.get(n as usize).ok_or_else(damaged)?;
        let bytes = unhex(text).ok_or_else(damaged)?;
        PersonId::from_bytes(&bytes).ok_or_else(damaged)
    };
    let rows = packed
        .rows
        .iter()
        .map(|(who, class, verdict, citation, facts)| {
            Ok(DecisionRow {
                person: person(*who)?,
                data_class: word(*class)?,
                verdict: word(*verdict)?.parse().map_err(|_| damaged())?,
                citation: word(*citation)?,
                facts: *facts as usize,
            })
        });
    let facts = packed.facts.iter();
    let facts = facts.map(|set| set.iter().map(|name| word(*name)).collect());
    let consents = packed.consents.iter().map(|(lodger, id, revision)| {
        Ok(ConsentUsed {
            lodger: PartnerId::new(&word(*lodger)?),
            consent_id: ConsentId::new(id),
            revision: *revision,
        })
    });
    let asserted = packed.asserted.iter().map(|(asserter, id, revision)| {
        Ok(FactUsed {
            asserter: PartnerId::new(&word(*asserter)?),
            fact_id: FactId::new(id),
            revision: *revision,
        })
    });
    Ok(DecisionRecord {
        rule_set: RuleSetId::new(&packed.rule_set),
        at: Timestamp(packed.at),
        purpose: packed.purpose.clone(),
        recipient_role: packed.recipient.clone(),
        source_role: packed.source.clone(),
        rows: rows.collect::<Result<_, Fault>>()?,
        facts: facts.collect::<Result<_, Fault>>()?,
        consents: consents.collect::<Result<_, Fault>>()?,
        asserted: asserted.collect::<Result<_, Fault>>()?,
        standing_unknown: packed.standing_unknown,
        obligations: packed.obligations.clone(),
        reviews: packed.reviews.clone(),
        citations: packed.citations.clone(),
        open: packed.open.clone(),
    })
}
