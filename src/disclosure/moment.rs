//! Days and instants as the law reads them: whole days in America/Los_Angeles.
//!
//! A date without a time is a whole local day; an instant is an instant. What cannot be read is
//! kept as unreadable, never guessed and never repeated.

use crate::base::clock::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::sync::LazyLock;

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

/// A date or an instant of a paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A whole local day.
    Day(Day),
    /// An instant, and the local day it falls on.
    Instant(Timestamp, Day),
    /// Present and not readable.
    Unreadable,
}

/// The instant a decision is taken at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The instant.
    pub at: Timestamp,
    /// Its day in California.
    pub day: Day,
    /// Whether it was told in another zone than California's.
    pub foreign_zone: bool,
}

static LOCAL: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC));

/// California's time zone.
pub(super) fn zone() -> TimeZone {
    LOCAL.clone()
}

impl Day {
    /// Its date; `None` for a day no calendar has.
    pub fn date(self) -> Option<jiff::civil::Date> {
        let span = jiff::Span::new().try_days(self.0).ok()?;
        jiff::civil::date(1970, 1, 1).checked_add(span).ok()
    }
}

impl std::fmt::Display for Day {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{date}"),
            None => f.write_str("?"),
        }
    }
}

const SECOND: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

/// The local offset from UTC in seconds at an instant.
fn offset_seconds(at: Timestamp) -> i64 {
    let instant = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
    i64::from(LOCAL.to_offset(instant).seconds())
}

/// The local day an instant falls on.
pub fn local_day(at: Timestamp) -> Day {
    let seconds = at.0.div_euclid(SECOND) + offset_seconds(at);
    Day(i32::try_from(seconds.div_euclid(DAY_SECONDS)).unwrap_or(i32::MAX))
}

/// The first instant of a local day; `None` for a day no calendar has.
pub fn first_instant(day: Day) -> Option<Timestamp> {
    let zoned = day.date()?.to_zoned(LOCAL.clone()).ok()?;
    Some(Timestamp(zoned.timestamp().as_microsecond()))
}

fn day_of(date: jiff::civil::Date) -> Day {
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = date.since(epoch).map(|span| span.get_days());
    Day(days.unwrap_or(i32::MAX))
}

fn number(text: &str) -> Option<i16> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Reads `YYYY-MM-DD`.
pub fn parse_day(text: &str) -> Option<Day> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let year = number(text.get(..4)?)?;
    let month = i8::try_from(number(text.get(5..7)?)?).ok()?;
    let day = i8::try_from(number(text.get(8..)?)?).ok()?;
    jiff::civil::Date::new(year, month, day).ok().map(day_of)
}

/// The seconds of the offset an RFC 3339 text ends with.
fn told_offset(text: &str) -> Option<i64> {
    if text.ends_with(['Z', 'z']) {
        return Some(0);
    }
    let tail = text.get(text.len().checked_sub(6)?..)?;
    let sign = match tail.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = i64::from(number(tail.get(1..3)?)?);
    let minutes = i64::from(number(tail.get(4..)?)?);
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Local civil date and time without an offset.
fn parse_local(text: &str) -> Option<Timestamp> {
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(LOCAL.clone()).ok()?;
    Some(Timestamp(zoned.timestamp().as_microsecond()))
}

impl Moment {
    /// Reads a date or an instant.
    pub fn read(text: &str) -> Moment {
        if let Some(day) = parse_day(text) {
            return Moment::Day(day);
        }
        let instant = if told_offset(text).is_some() {
            Timestamp::from_rfc3339(text)
        } else {
            parse_local(text)
        };
        match instant {
            Some(at) => Moment::Instant(at, local_day(at)),
            None => Moment::Unreadable,
        }
    }

    /// The local day; `None` when unreadable.
    pub fn day(self) -> Option<Day> {
        match self {
            Moment::Day(day) | Moment::Instant(_, day) => Some(day),
            Moment::Unreadable => None,
        }
    }

    /// Whether it has begun: a day from its start, an instant from then on.
    pub fn begun(self, now: Now) -> bool {
        match self {
            Moment::Day(day) => day <= now.day,
            Moment::Instant(at, _) => at <= now.at,
            Moment::Unreadable => false,
        }
    }

    /// Whether it is over: a day after its end, an instant after it.
    pub fn over(self, now: Now) -> bool {
        match self {
            Moment::Day(day) => day < now.day,
            Moment::Instant(at, _) => at < now.at,
            Moment::Unreadable => true,
        }
    }
}

impl Now {
    /// The decision instant `at`, told by a machine.
    pub fn at(at: Timestamp) -> Now {
        Now {
            at,
            day: local_day(at),
            foreign_zone: false,
        }
    }

    /// Reads the instant of a request: RFC 3339, or local time without an offset.
    pub fn read(text: &str) -> Option<Now> {
        let offset = told_offset(text);
        let at = match (parse_day(text), offset) {
            (Some(_), _) => parse_local(&format!("{text}T00:00:00"))?,
            (None, Some(_)) => Timestamp::from_rfc3339(text)?,
            (None, None) => parse_local(text)?,
        };
        Some(Now {
            at,
            day: local_day(at),
            foreign_zone: offset.is_some_and(|told| told != offset_seconds(at)),
        })
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Moment, D::Error> {
        let text = super::given::Scalar::deserialize(source)?;
        Ok(match text {
            super::given::Scalar::Text(text) => Moment::read(&text),
            _ => Moment::Unreadable,
        })
    }
}

#[cfg(test)]
mod tests {
    //! Goal: days begin and end at local midnight. Method: instants on both sides of it.
    use super::*;

    #[test]
    fn a_day_ends_at_local_midnight() {
        let before = Now::read("2026-09-16T06:59:59Z").expect("an instant");
        let after = Now::read("2026-09-16T07:00:00Z").expect("an instant");
        let end = Moment::read("2026-09-15");
        assert!(!end.over(before) && end.over(after));
        assert!(before.foreign_zone && after.foreign_zone);
        let local = Now::read("2026-09-15T23:59:59-07:00").expect("an instant");
        assert!(!local.foreign_zone);
    }

    #[test]
    fn a_day_begins_at_local_midnight_in_summer_and_in_winter() {
        for (day, begins) in [
            ("2026-09-15", "2026-09-15T07:00:00Z"),
            ("2026-01-15", "2026-01-15T08:00:00Z"),
            // The clocks change on this day and the one after begins an hour later.
            ("2026-11-01", "2026-11-01T07:00:00Z"),
            ("2026-11-02", "2026-11-02T08:00:00Z"),
        ] {
            let at = parse_day(day).and_then(first_instant).expect("an instant");
            assert_eq!(Some(at), Timestamp::from_rfc3339(begins), "{day}");
            assert_eq!(Some(local_day(at)), parse_day(day));
            assert_eq!(local_day(Timestamp(at.0 - 1)).0, local_day(at).0 - 1);
        }
    }

    #[test]
    fn winter_has_another_offset_and_nonsense_is_unreadable() {
        let winter = Now::read("2026-01-15T00:30:00-08:00").expect("an instant");
        assert_eq!(Some(winter.day), parse_day("2026-01-15"));
        assert!(!winter.foreign_zone);
        for text in ["2026-02-30", "soon", "", "2026-1-1", "2026-09-15T25:00:00Z"] {
            assert_eq!(Moment::read(text), Moment::Unreadable, "{text}");
            assert_eq!(Now::read(text), None, "{text}");
        }
    }
}
