//! What a record gives away by who stands on it: a referral to a clinic for one thing says that
//! thing, and so does a record that comes from there.
//!
//! It only ever adds classes. What the partner files do not declare and no role says is not known.

use super::{ReleaseInput, candidates};
use crate::base::vocabulary::{ClassSet, DataClass, SourceRole};
use crate::catalog::Partner;
use crate::format::Node;
use crate::rules::Rules;
use std::collections::BTreeMap;

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
        let requester = input.record.body().and_then(|body| body.get("requester"));
        told = told.union(of_named(rules, input, requester));
    }
    told.union(of_the_history(rules, input, addressee))
        .union(of_the_need(rules, input))
}

/// What the entries of professionals give away by whom they work for: classes by index into
/// `persons[]`, about the subjects of the record.
pub(super) fn told_by_entries(rules: &Rules, input: &ReleaseInput<'_>) -> BTreeMap<u16, ClassSet> {
    let persons = input.record.persons().iter().enumerate();
    let told = persons.filter_map(|(at, person)| {
        let employer = person.get("worker").and_then(|w| w.get("organization"));
        let classes = of_named(rules, input, employer);
        let at = u16::try_from(at).ok()?;
        (!classes.is_empty()).then_some((at, classes))
    });
    told.collect()
}

/// What whoever set a status gives away. What the addressee has answered is of its class toward
/// the one that asked, too.
fn of_the_history(
    rules: &Rules,
    input: &ReleaseInput<'_>,
    addressee: Option<&Partner>,
) -> ClassSet {
    let history = input
        .record
        .body()
        .and_then(|body| body.get("status_history"));
    let steps = history.map(Node::items).unwrap_or_default();
    let mut told = ClassSet::EMPTY;
    for by in steps.iter().filter_map(|step| step.get("by")) {
        told = told.union(of_named(rules, input, Some(by)));
        let answered = addressee.filter(|partner| candidates::named_in(partner, Some(by)));
        if let Some(partner) = answered.filter(|partner| partner.id != input.recipient.id) {
            told = told.union(partner.services());
        }
    }
    told
}

/// What naming an organisation tells anybody but that organisation, by its identifiers or by the
/// name of a partner. That a mental-health plan is named says nothing by itself.
fn of_named(rules: &Rules, input: &ReleaseInput<'_>, named: Option<&Node>) -> ClassSet {
    let Some(named) = named else {
        return ClassSet::EMPTY;
    };
    let mut told = ClassSet::EMPTY;
    for partner in rules.partners.values() {
        let classes = sensitive(partner);
        if classes.is_empty() || partner.id == input.recipient.id {
            continue;
        }
        let name = named.text("name");
        if candidates::named_in(partner, Some(named))
            || name.is_some_and(|name| candidates::alike(name, &partner.name))
        {
            told = told.union(classes);
        }
    }
    told
}

fn sensitive(partner: &Partner) -> ClassSet {
    match partner.source_role() {
        Some(SourceRole::Mhp) => partner.declared_services(),
        _ => partner.services(),
    }
}

/// Needs that say as much as the clinic would, by the law pack. They are said by the referral
/// itself, so wherever it goes; only the one that asked, and an addressee whose service it is, know
/// without it.
fn of_the_need(rules: &Rules, input: &ReleaseInput<'_>) -> ClassSet {
    let body = input.record.body();
    let need = body.and_then(|body| body.text("need_category"));
    let told = need.map_or(ClassSet::EMPTY, |need| rules.policy.of_need(need));
    if candidates::is_requester(input.recipient, input.record) {
        ClassSet::EMPTY
    } else if candidates::is_party(input.recipient, input.record) {
        told.without(input.recipient.services())
    } else {
        told
    }
}
