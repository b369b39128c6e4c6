//! What the gateway gave the sender of a record, as the store keeps it, put to release: how the
//! sender got what it hands on is said there.

use crate::base::vocabulary::Verdict;
use crate::release::{GivenRow, GivenUnder, Received, received};
use crate::store::{DecisionRecord, Given, StoredConsent, StoredRecord};

/// How the sender of a record got what it hands on, by what it was given.
pub(super) fn of(
    given: &[Given],
    stored: &StoredRecord,
    consents: &[StoredConsent],
) -> Vec<Received> {
    let given: Vec<Vec<GivenUnder<'_>>> = given
        .iter()
        .map(|given| given.decisions.iter().map(under).collect())
        .collect();
    let persons: Vec<_> = stored.persons.iter().map(|person| person.person).collect();
    received(&given, &persons, &super::held(consents))
}

/// What was let go under one decision.
fn under(decision: &DecisionRecord) -> GivenUnder<'_> {
    let rows = decision.rows.iter();
    let rows = rows.filter(|row| row.verdict == Verdict::Permit);
    let rows = rows.map(|row| GivenRow {
        person: row.person,
        data_class: &row.data_class,
        citation: &row.citation,
    });
    let consents = decision.consents.iter();
    GivenUnder {
        recipient_role: &decision.recipient_role,
        rows: rows.collect(),
        consents: consents
            .map(|used| (&used.lodger, &used.consent_id))
            .collect(),
    }
}
