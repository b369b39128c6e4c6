//! Consents that stop by themselves: a day that comes, a child that turns 18, an event nobody has
//! reported.
//!
//! A parent's signature opens nothing from the day the child is of age. Their source is told of it
//! in time, once 90 and once 30 days before, by the registry's ids alone: no name and no date of
//! birth is written anywhere. The date comes from the newest record the lodger itself has handed
//! in, opened for this and forgotten.

use super::lodgers_record;
use crate::base::clock::Timestamp;
use crate::base::id::{PartnerId, PersonId, RegistryId};
use crate::base::vocabulary::Grantor;
use crate::disclosure::moment::{Day, Moment, local_day, parse_day};
use crate::disclosure::request::{Consent, Direction};
use crate::release::read_paper;
use crate::store::{ConsentsAsked, Store, StoreError, StoredConsent};
use std::collections::BTreeMap;

/// How many days before its source is told, nearest first.
const TOLD_BEFORE: [i32; 2] = [30, 90];

/// From this age a parent's signature opens nothing.
const OF_AGE: i32 = 18;

/// After how many days without word of its event a consent is looked at.
const EVENT_DAYS_MAX: i32 = 365;

/// Consents looked at per page.
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
        Whose::Own => of_age(store, consent, &paper).await?,
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

/// The day on which the person is of age, where that stops the consent.
async fn of_age(
    store: &Store,
    consent: &StoredConsent,
    paper: &Consent,
) -> Result<Option<Day>, StoreError> {
    let stops = matches!(
        paper.grantor.known(),
        Some(
            Grantor::Parent | Grantor::Guardian | Grantor::YouthAndParent | Grantor::YouthAttorney
        )
    );
    if !stops {
        return Ok(None);
    }
    let known = lodgers_record(store, consent).await?;
    let entry = known
        .as_ref()
        .and_then(|(record, at)| record.persons().get(*at));
    Ok(entry.and_then(|entry| comes_of_age(entry.text("birth_date")?)))
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

/// Tells the sources of what stops soon because a child comes of age; who was told is not told
/// again. Gives how many consents were told of.
///
/// # Errors
/// When the store fails; what was told until then was told.
pub async fn tell(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let mut asked = ConsentsAsked {
        lodger: None,
        tied: None,
        after: None,
        limit: PAGE,
    };
    let mut soon: BTreeMap<(PartnerId, PersonId, i32), Vec<RegistryId>> = BTreeMap::new();
    loop {
        let page = store.consents_page(&asked).await?;
        for consent in &page {
            let Some(paper) = standing(consent) else {
                continue;
            };
            let left = of_age(store, consent, &paper).await?;
            let left = left.map(|day| day.0 - local_day(now).0);
            let mut before = TOLD_BEFORE.into_iter();
            let within = left.and_then(|left| before.find(|days| left > 0 && left <= *days));
            let ends_first = paper.end.is_some_and(|end| {
                let end = end.day().map(|day| day.0 - local_day(now).0);
                end.zip(left).is_some_and(|(end, left)| end < left)
            });
            if let (Some(days), false) = (within, ends_first) {
                let of = (consent.partner.clone(), consent.subject, days);
                soon.entry(of).or_default().push(consent.registry_id);
            }
        }
        asked.after = page.last().map(|consent| consent.registry_id);
        if page.is_empty() {
            break;
        }
    }
    let mut told = 0;
    for ((lodger, _, days), consents) in soon {
        told += store.tell_stopping(lodger, (days, consents), now).await?;
    }
    Ok(told)
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
