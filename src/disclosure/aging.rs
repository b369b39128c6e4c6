//! What stops a consent by the calendar: its own end, a child's coming of age, an event nobody has
//! reported.
//!
//! A parent's signature opens nothing from the day the child is of age. Who is told of it, and how
//! the day becomes known, is not said here.

use super::moment::{Day, Moment, parse_day};
use super::request::{Consent, Direction};
use crate::base::vocabulary::Grantor;

/// Years from which a person is of age: a parent's signature then opens nothing.
pub const OF_AGE_YEARS: u16 = 18;

/// How many days before is told of it, nearest first.
const TOLD_BEFORE_DAYS: [i32; 2] = [30, 90];

/// After how many days without word of its event a consent is looked at.
const EVENT_DAYS_MAX: i32 = 365;

/// Whether a paper permits: what only refuses is nobody's loss when it stops.
pub fn permits(paper: &Consent) -> bool {
    paper.direction.known() == Some(Direction::Permit)
}

/// Whether coming of age stops what is signed so.
pub fn stops_of_age(paper: &Consent) -> bool {
    matches!(
        paper.grantor.known(),
        Some(
            Grantor::Parent | Grantor::Guardian | Grantor::YouthAndParent | Grantor::YouthAttorney
        )
    )
}

/// The day on which whoever was born then is of age; the earliest it may be.
pub fn comes_of_age(born: &str) -> Option<Day> {
    let mut parts = born.splitn(3, '-');
    let year = parts.next()?.parse::<i32>().ok()? + i32::from(OF_AGE_YEARS);
    let month: u8 = parts.next().map_or(Some(1), |part| part.parse().ok())?;
    let day: u8 = parts.next().map_or(Some(1), |part| part.parse().ok())?;
    let on = |month: u8, day: u8| parse_day(&format!("{year:04}-{month:02}-{day:02}"));
    // Born on a leap day: of age on the first of March where there is no 29th.
    on(month, day).or_else(|| on(3, 1).filter(|_| (month, day) == (2, 29)))
}

/// The first day to come on which a paper counts no more: the one after its end, or the one on
/// which the child it is of is of age.
pub fn stops_on(paper: &Consent, of_age: Option<Day>, today: Day) -> Option<Day> {
    let end = paper.end.and_then(Moment::day).map(|day| Day(day.0 + 1));
    let days = [end, of_age].into_iter().flatten();
    days.filter(|day| *day > today).min()
}

/// Within how many days the paper stops by coming of age on a day, if it is time to tell and it
/// does not end before by itself.
pub fn soon_of_age(paper: &Consent, of_age: Option<Day>, today: Day) -> Option<i32> {
    let left = of_age?.0 - today.0;
    let end = paper.end.and_then(Moment::day);
    let ends_first = end.is_some_and(|end| end.0 - today.0 < left);
    let mut before = TOLD_BEFORE_DAYS.into_iter();
    let within = before.find(|days| left > 0 && left <= *days);
    within.filter(|_| !ends_first)
}

/// Whether it ends with an event nobody has reported for a year: it counts, and is to be looked at.
pub fn event_overdue(paper: &Consent, today: Day) -> bool {
    let signed = paper.signed.and_then(Moment::day);
    let waits = signed.is_some_and(|day| today.0 - day.0 > EVENT_DAYS_MAX);
    paper.ends_on_event.known().is_some() && paper.end.is_none() && waits
}

#[cfg(test)]
mod tests {
    //! Goal: the day of coming of age is the earliest it may be, and is told in time. Method: dates
    //! by hand.
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

    #[test]
    fn it_is_told_within_ninety_and_within_thirty_days_unless_it_ends_before() {
        let (today, open) = (Day(20_000), Consent::default());
        let told = |paper: &Consent, left: i32| soon_of_age(paper, Some(Day(20_000 + left)), today);
        for (left, within) in [(91, None), (90, Some(90)), (31, Some(90)), (30, Some(30))] {
            assert_eq!(told(&open, left), within, "{left} days");
        }
        assert_eq!(told(&open, 1), Some(30));
        assert_eq!(told(&open, 0), None, "it has stopped");
        let ends = Consent {
            end: Some(Moment::Day(Day(20_009))),
            ..Consent::default()
        };
        assert_eq!(told(&ends, 10), None);
        assert_eq!(told(&ends, 9), Some(30));
        assert_eq!(stops_on(&ends, Some(Day(20_030)), today), Some(Day(20_010)));
        assert_eq!(stops_on(&ends, Some(Day(20_005)), today), Some(Day(20_005)));
        assert_eq!(stops_on(&open, Some(today), today), None);
    }
}
