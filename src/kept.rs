//! What the store keeps as release reads it, and what release decides as the store keeps it.
//!
//! Sends, retries and pulls all go through here, so that none of them has a reading of its own.
//! It decides nothing.

use crate::base::clock::Timestamp;
use crate::base::id::PersonId;
use crate::catalog::partner::{Channel, Partner};
use crate::disclosure::facts::Flags;
use crate::release::{HeldConsent, Hold, Release, ReleaseInput, Taken, opened, release};
use crate::rules::Rules;
use crate::store::{
    ConsentUsed, DecisionRecord, DecisionRow, HoldCause, StoredConsent, StoredRecord,
};

/// Consents of the store as release reads them.
pub fn held(consents: &[StoredConsent]) -> Vec<HeldConsent<'_>> {
    let each = consents.iter().map(|consent| HeldConsent {
        id: &consent.consent_id,
        lodger: &consent.partner,
        subject: consent.subject,
        revoked_at: consent.revoked_at,
        revision: consent.revision,
        body: &consent.body,
    });
    each.collect()
}

/// Keys of a stored record's persons and who they are.
pub fn persons(stored: &StoredRecord) -> Vec<(String, PersonId)> {
    let each = stored.persons.iter();
    each.map(|person| (person.key.clone(), person.person))
        .collect()
}

/// Toward whom a stored record is decided.
#[derive(Clone, Copy)]
pub struct Toward<'a> {
    /// The recipient.
    pub recipient: &'a Partner,
    /// Over which of its channels.
    pub channel: &'a Channel,
    /// Whether a person has looked at this delivery and let it go on.
    pub reviewed: bool,
}

/// Decides on a stored record for a recipient at an instant. `None` when its sender is no longer
/// in the catalog or its payload cannot be read: then nothing may leave.
pub fn release_stored(
    rules: &Rules,
    stored: &StoredRecord,
    toward: Toward<'_>,
    consents: &[StoredConsent],
    now: Timestamp,
) -> Option<Release> {
    let source = rules.partners.get(&stored.partner)?;
    let record = opened(&stored.record_type, &stored.payload)?;
    let persons = persons(stored);
    let own: Vec<HeldConsent<'_>> = held(consents)
        .into_iter()
        .filter(|held| persons.iter().any(|(_, person)| *person == held.subject))
        .collect();
    Some(release(
        rules,
        &ReleaseInput {
            record: &record,
            record_id: stored.record_id,
            persons: &persons,
            source,
            recipient: toward.recipient,
            channel: toward.channel,
            test: stored.test,
            reviewed: toward.reviewed,
            consents: &own,
            now,
        },
    ))
}

/// Why a record waits for a person, as the store keeps it.
pub fn hold_cause(hold: Hold) -> HoldCause {
    match hold {
        Hold::OutputInvalid => HoldCause::OutputInvalid,
        Hold::HumanReview => HoldCause::HumanReview,
        Hold::ObligationOpen => HoldCause::ObligationOpen,
        Hold::VocabularyUnknown => HoldCause::VocabularyUnknown,
    }
}

/// A decision as ledger and accounting keep it: what was decided, and everything the policies
/// looked at, so that it can be taken again.
pub fn decision_record(taken: &Taken) -> DecisionRecord {
    let mut sets: Vec<Flags> = Vec::new();
    let rows = taken.rows.iter().map(|row| {
        let known = sets.iter().position(|set| *set == row.facts);
        let facts = known.unwrap_or_else(|| {
            sets.push(row.facts);
            sets.len() - 1
        });
        DecisionRow {
            person: row.person,
            data_class: row.data_class.to_owned(),
            verdict: row.verdict,
            citation: row.citation.clone(),
            facts,
        }
    });
    let rows = rows.collect();
    let consents = taken.consents.iter().map(|seen| ConsentUsed {
        lodger: seen.lodger.clone(),
        consent_id: seen.id.clone(),
        revision: seen.revision,
    });
    let names = |set: &Flags| set.iter().map(|flag| flag.name().to_owned()).collect();
    DecisionRecord {
        rule_set: taken.rule_set.clone(),
        at: taken.at,
        purpose: taken.purpose.clone(),
        recipient_role: taken.recipient_role.clone(),
        source_role: taken.source_role.clone(),
        rows,
        facts: sets.iter().map(names).collect(),
        consents: consents.collect(),
        obligations: taken.obligations.iter().map(|o| (*o).to_owned()).collect(),
        citations: taken.citations.clone(),
    }
}
