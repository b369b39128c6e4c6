//! What a record gives away by who stands on it: a referral to a clinic for one thing says that
//! thing, and so does a record that comes from there.
//!
//! It only ever adds classes. What the partner files do not declare and no role says is not known.

use super::{ReleaseInput, candidates};
use crate::base::vocabulary::{ClassSet, DataClass, SourceRole};
use crate::record::Record;
use crate::rules::Rules;

/// Classes every value of the record takes on toward this recipient.
pub(super) fn told(rules: &Rules, input: &ReleaseInput<'_>) -> ClassSet {
    let addressee = candidates::addressee(&rules.partners, input.record);
    let mut told = ClassSet::EMPTY;
    // Its own service is no news to the sender itself.
    if input.recipient.id != input.source.id {
        told = input.source.declared_services();
        let answers = addressee.is_some_and(|partner| partner.id == input.source.id);
        // What programs under Part 2 and for victims send is labelled by its origin already.
        if answers && input.source.source_role() == Some(SourceRole::Mhp) {
            told.insert(DataClass::MentalHealth);
        }
    }
    if !candidates::is_party(input.recipient, input.record) {
        told = told.union(addressee.map_or(ClassSet::EMPTY, |partner| partner.services()));
        told = told.union(of_the_need(input.record));
    }
    told
}

/// Needs that say as much as the clinic would.
fn of_the_need(record: &Record) -> ClassSet {
    let need = record.body().and_then(|body| body.text("need_category"));
    match need {
        Some("intimate-partner-violence" | "safety-planning") => {
            ClassSet::of(DataClass::DvInformation)
        }
        _ => ClassSet::EMPTY,
    }
}
