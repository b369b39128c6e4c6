//! Consents that stop by themselves: a day that comes, a child that turns 18, an event nobody has
//! reported.
//!
//! A parent's signature opens nothing from the day the child is of age. Who lodged the paper, who
//! confirmed it and the sources it names are told of it in time, once 90 and once 30 days before,
//! by the registry's ids alone: no name and no date of birth is written anywhere. The date comes
//! from the newest record the one told has itself handed in, by which what it holds is judged,
//! opened for this and forgotten; or from the day somebody has asserted, where the one told has
//! handed in such a record. Nobody is told anything by another's record.

use super::own_record;
use crate::base::clock::Timestamp;
use crate::base::fact_key::FactKey;
use crate::base::id::{PartnerId, PersonId, RegistryId};
use crate::base::vocabulary::Grantor;
use crate::catalog::facts::FactLaw;
use crate::disclosure::moment::{Day, Moment, local_day, parse_day};
use crate::disclosure::registry::Told;
use crate::disclosure::request::{Consent, Direction};
use crate::release::{assertion, read_paper};
use crate::store::{ConsentsAsked, Store, StoreError, StoredConsent};
use std::collections::{BTreeMap, BTreeSet};

/// How many days before its source is told, nearest first.
const TOLD_BEFORE: [i32; 2] = [30, 90];

/// From this age a parent's signature opens nothing.
const OF_AGE: i32 = 18;

/// After how many days without word of its event a consent is looked at.
const EVENT_DAYS_MAX: i32 = 365;

/// Told of one consent at most, beside its lodger.
const TOLD_MAX: usize = 50;

/// Consents looked at at a time.
const PAGE: usize = 200;

/// Whether it still stands and permits, as far as the registry knows.
fn standing(consent: &StoredConsent) -> Option<Consent> {
    let over = consent.revoked_at.is_some() || consent.ended_on.is_some() || consent.used.is_some();
    let paper = read_paper(&consent.body).filter(|_| !over)?;
    (paper.direction.known() == Some(Direction::Permit)).then_some(paper)
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
    let end = paper.end.and_then(Moment::day).map(|day| Day(day.0 + 1));
    let of_age = match whose {
        Whose::Own => {
            let (_, day) = of_age(store, consent, (&paper, &consent.partner)).await?;
            day
        }
        Whose::Others => None,
    };
    let days = [end, of_age].into_iter().flatten();
    Ok(days.filter(|day| *day > local_day(now)).min())
}

/// Whether it ends with an event nobody has reported for a year: it counts, and is to be looked at.
pub fn event_overdue(consent: &StoredConsent, now: Timestamp) -> bool {
    standing(consent).is_some_and(|paper| {
        let signed = paper.signed.and_then(Moment::day);
        let waits = signed.is_some_and(|day| local_day(now).0 - day.0 > EVENT_DAYS_MAX);
        paper.ends_on_event.known().is_some() && paper.end.is_none() && waits
    })
}

/// Whether coming of age stops what is signed so.
fn stops(paper: &Consent) -> bool {
    matches!(
        paper.grantor.known(),
        Some(
            Grantor::Parent | Grantor::Guardian | Grantor::YouthAndParent | Grantor::YouthAttorney
        )
    )
}

/// Whether a partner has handed in a record of the person, and the day on which by it the person is
/// of age, where that stops the consent.
async fn of_age(
    store: &Store,
    consent: &StoredConsent,
    (paper, partner): (&Consent, &PartnerId),
) -> Result<(bool, Option<Day>), StoreError> {
    if !stops(paper) {
        return Ok((false, None));
    }
    let known = own_record(store, consent.subject, partner).await?;
    let entry = known
        .as_ref()
        .and_then(|(record, at)| record.persons().get(*at));
    let day = entry.and_then(|entry| comes_of_age(entry.text("birth_date")?));
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
    law: &FactLaw,
    (person, now): (PersonId, Timestamp),
) -> Result<Option<Day>, StoreError> {
    let Some(kind) = law.giving(FactKey::Turned18) else {
        return Ok(None);
    };
    let facts = store.facts_of(&[person]).await?;
    let standing = facts
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

/// The day on which whoever was born then is of age; the earliest it may be.
fn comes_of_age(born: &str) -> Option<Day> {
    let mut parts = born.splitn(3, '-');
    let year = parts.next()?.parse::<i32>().ok()? + OF_AGE;
    let month: u8 = parts.next().map_or(Some(1), |part| part.parse().ok())?;
    let day: u8 = parts.next().map_or(Some(1), |part| part.parse().ok())?;
    let on = |month: u8, day: u8| parse_day(&format!("{year:04}-{month:02}-{day:02}"));
    // Born on a leap day: of age on the first of March where there is no 29th.
    on(month, day).or_else(|| on(3, 1).filter(|_| (month, day) == (2, 29)))
}

/// Within how many days the paper stops by coming of age on a day, if it is time to tell and it
/// does not end before by itself.
fn soon_enough(paper: &Consent, day: Option<Day>, now: Timestamp) -> Option<i32> {
    let left = day?.0 - local_day(now).0;
    let end = paper.end.and_then(Moment::day);
    let ends_first = end.is_some_and(|end| end.0 - local_day(now).0 < left);
    let mut before = TOLD_BEFORE.into_iter();
    let within = before.find(|days| left > 0 && left <= *days);
    within.filter(|_| !ends_first)
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
    law: &FactLaw,
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
        let paper = standing(consent).filter(stops);
        let Some(paper) = paper else { continue };
        let entered = asserted(store, law, (consent.subject, now)).await?;
        for partner in concerned(consent, &paper) {
            let (source, own) = of_age(store, consent, (&paper, &partner)).await?;
            let day = own.or(entered.filter(|_| source));
            if let Some(days) = soon_enough(&paper, day, now) {
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

#[cfg(test)]
mod tests {
    //! Goal: the day of coming of age is the earliest it may be. Method: dates by hand.
    use super::*;

    #[test]
    fn of_age_on_the_birthday_or_the_first_of_march() {
        let day = |text: &str| parse_day(text);
        assert_eq!(comes_of_age("2009-02-01"), day("2027-02-01"));
        assert_eq!(comes_of_age("2008-02-29"), day("2026-03-01"));
        assert_eq!(comes_of_age("2009-02"), day("2027-02-01"));
        assert_eq!(comes_of_age("2009"), day("2027-01-01"));
        assert_eq!(comes_of_age("soon"), None);
    }
}
