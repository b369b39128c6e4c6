//! Consents that stop by themselves, read from the store and told of; what stops them is said in
//! [`crate::disclosure::aging`].
//!
//! Who lodged a paper that a child's coming of age stops, who confirmed it and the sources it names
//! are told of it in time, by the registry's ids alone: no name and no date of birth is written
//! anywhere. The date comes from the newest record the one told has itself handed in, by which what
//! it holds is judged, opened for this and forgotten; or from the day somebody has asserted, where
//! the one told has handed in such a record. Nobody is told anything by another's record.

use super::own_record;
use crate::base::clock::Timestamp;
use crate::base::fact_key::FactKey;
use crate::base::id::{PartnerId, PersonId, RegistryId};
use crate::catalog::facts::FactLaw;
use crate::disclosure::aging as law;
use crate::disclosure::moment::{Day, local_day};
use crate::disclosure::registry::Told;
use crate::disclosure::request::Consent;
use crate::release::{assertion, read_paper};
use crate::store::{ConsentsAsked, Store, StoreError, StoredConsent};
use std::collections::{BTreeMap, BTreeSet};

/// Told of one consent at most, beside its lodger.
const TOLD_MAX: usize = 50;

/// Consents looked at at a time.
const PAGE: usize = 200;

/// Whether it still stands and permits, as far as the registry knows.
fn standing(consent: &StoredConsent) -> Option<Consent> {
    let paper = read_paper(&consent.body).filter(|_| !consent.is_over());
    paper.filter(|paper| paper.revoked.is_none() && law::permits(paper))
}

/// Whose consents are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The reader's own, or the reader says why it is read.
    Own,
    /// Another's, of which the reader knows the paper alone: no day that comes from a record.
    Others,
}

/// The first day to come on which a consent counts no more: the one after its end, or the one on
/// which the child it is of is of age, where a parent has signed. `None` when there is none, or
/// nobody knows.
///
/// # Errors
/// When the store fails.
pub async fn stop(
    store: &Store,
    consent: &StoredConsent,
    (whose, now): (Whose, Timestamp),
) -> Result<Option<Day>, StoreError> {
    let Some(paper) = standing(consent) else {
        return Ok(None);
    };
    let of_age = match whose {
        Whose::Own => {
            let (_, day) = of_age(store, consent, (&paper, &consent.partner)).await?;
            day
        }
        Whose::Others => None,
    };
    Ok(law::stops_on(&paper, of_age, local_day(now)))
}

/// Whether it ends with an event nobody has reported for a year: it counts, and is to be looked at.
pub fn event_overdue(consent: &StoredConsent, now: Timestamp) -> bool {
    standing(consent).is_some_and(|paper| law::event_overdue(&paper, local_day(now)))
}

/// Whether a partner has handed in a record of the person, and the day on which by it the person is
/// of age, where that stops the consent.
async fn of_age(
    store: &Store,
    consent: &StoredConsent,
    (paper, partner): (&Consent, &PartnerId),
) -> Result<(bool, Option<Day>), StoreError> {
    if !law::stops_of_age(paper) {
        return Ok((false, None));
    }
    let known = own_record(store, consent.subject, partner).await?;
    let entry = known
        .as_ref()
        .and_then(|(record, at)| record.persons().get(*at));
    let day = entry.and_then(|entry| law::comes_of_age(entry.text("birth_date")?));
    Ok((known.is_some(), day))
}

/// Who is told of a consent: its lodger, who confirmed it, and the sources it names.
fn concerned(consent: &StoredConsent, paper: &Consent) -> BTreeSet<PartnerId> {
    let mut all = BTreeSet::from([consent.partner.clone()]);
    let confirmed = consent.confirmed.iter().map(|(by, _)| by.clone());
    let named = paper.discloser_ids.iter().flat_map(|texts| &texts.0);
    let named = named.map(|id| PartnerId::new(id));
    all.extend(confirmed.chain(named).take(TOLD_MAX));
    all
}

/// The earliest day that is asserted and stands, on which a person is of age.
async fn asserted(
    store: &Store,
    facts: &FactLaw,
    (person, now): (PersonId, Timestamp),
) -> Result<Option<Day>, StoreError> {
    let Some(kind) = facts.giving(FactKey::Turned18) else {
        return Ok(None);
    };
    let said = store.facts_of(&[person]).await?;
    let standing = said
        .iter()
        .filter(|fact| fact.ended_at.is_none_or(|at| at > now));
    let days = standing.filter_map(|fact| {
        let said = assertion(&fact.body).filter(|said| said.kind == kind.id)?;
        match said.value.told(kind.key)? {
            Told::Date(day) if said.holds_on(local_day(now)) => Some(day),
            _ => None,
        }
    });
    Ok(days.min())
}

/// What became of one page of consents.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    /// How many consents were told of.
    pub told: u64,
    /// Behind which the next page begins; `None` after the last.
    pub next: Option<RegistryId>,
}

/// Tells those concerned of what stops soon because a child comes of age, of one page of consents;
/// who was told is not told again.
///
/// # Errors
/// When the store fails; what was told until then was told.
pub async fn tell(
    store: &Store,
    facts: &FactLaw,
    (after, now): (Option<RegistryId>, Timestamp),
) -> Result<Looked, StoreError> {
    let asked = ConsentsAsked {
        lodger: None,
        others: None,
        after,
        limit: PAGE,
    };
    let page = store.consents_page(&asked).await?;
    let mut soon: BTreeMap<(PartnerId, PersonId, i32), Vec<RegistryId>> = BTreeMap::new();
    for consent in &page {
        let paper = standing(consent).filter(law::stops_of_age);
        let Some(paper) = paper else { continue };
        let entered = asserted(store, facts, (consent.subject, now)).await?;
        for partner in concerned(consent, &paper) {
            let (source, own) = of_age(store, consent, (&paper, &partner)).await?;
            let day = own.or(entered.filter(|_| source));
            if let Some(days) = law::soon_of_age(&paper, day, local_day(now)) {
                let of = (partner, consent.subject, days);
                soon.entry(of).or_default().push(consent.registry_id);
            }
        }
    }
    let mut told = 0;
    for ((partner, _, days), consents) in soon {
        told += store.tell_stopping(partner, (days, consents), now).await?;
    }
    let next = page.last().map(|consent| consent.registry_id);
    Ok(Looked { told, next })
}
