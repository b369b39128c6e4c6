//! Instants and dates held against each other.
//!
//! A sender's offset is kept and believed; the zone of California only decides whether a
//! disagreement is one of the two days a year on which clocks change.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// Where the records come from.
const ZONE: &str = "America/Los_Angeles";

/// The instant of a text with an offset.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The date and time as the sender's clock showed it.
fn clock(text: &str) -> Option<DateTime> {
    // The offset is the last sign after the time, or Z.
    let (date, time) = text.split_once('T')?;
    let end = time.find(['Z', '+', '-']).unwrap_or(time.len());
    format!("{date}T{}", time.get(..end)?).parse().ok()
}

/// The same clock reading in the zone of the records.
fn local(text: &str, zone: &TimeZone) -> Option<Zoned> {
    clock(text)?.to_zoned(zone.clone()).ok()
}

/// Whether the end is before the start; dates of different precision only as far as both go.
pub(super) fn reversed(start: &str, end: &str) -> bool {
    if let (Some(from), Some(to)) = (instant(start), instant(end)) {
        return to < from;
    }
    // Other words that have a start and an end are no days.
    let begins =
        |text: &&str| text.len() >= 4 && text.bytes().take(4).all(|it| it.is_ascii_digit());
    let days = |text: &str| {
        let day = text.get(..text.find('T').unwrap_or(text.len()));
        day.filter(begins).map(str::to_owned)
    };
    let (Some(start), Some(end)) = (days(start), days(end)) else {
        return false;
    };
    let length = start.len().min(end.len());
    // ISO dates sort as they read.
    matches!((start.get(..length), end.get(..length)), (Some(s), Some(e)) if e < s)
}

/// The day that long after a date or instant, as text; `None` where the day itself is not said.
pub(super) fn day_after(from: &str, span: Span) -> Option<String> {
    let day: Date = from.get(..10)?.parse().ok()?;
    Some(day.checked_add(span).ok()?.to_string())
}

/// The least and the greatest age in whole years at a date, both as exact as they are known;
/// negative before birth.
pub(super) fn ages(born: &str, date: &str) -> Option<(i64, i64)> {
    let year = |text: &str| text.get(..4)?.parse::<i64>().ok();
    // What is not known of a day is its earliest or its latest.
    let day = |text: &str, least: bool| {
        let rest = text.get(4..text.len().min(10)).unwrap_or_default();
        let filled = if least { "-01-01" } else { "-12-31" };
        format!("{rest}{}", filled.get(rest.len()..).unwrap_or_default())
    };
    let years = year(date)? - year(born)?;
    let age = |early: bool| years - i64::from(day(date, early) < day(born, !early));
    Some((age(true), age(false)))
}

/// How a duration stands to start and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elapsed {
    /// It is the time between the two instants, give or take a minute.
    Agrees,
    /// It is what clocks in California show between them, on a day they change.
    AgreesByClock,
    /// Neither.
    Differs,
}

/// Holds a duration in minutes against start and end; `None` when they are not instants.
pub(super) fn elapsed(start: &str, end: &str, minutes: i64) -> Option<Elapsed> {
    let near = |seconds: i64| (seconds - minutes.saturating_mul(60)).abs() <= 60;
    let between = instant(end)?.as_second() - instant(start)?.as_second();
    if near(between) {
        return Some(Elapsed::Agrees);
    }
    let zone = TimeZone::get(ZONE).ok()?;
    let (from, to) = (local(start, &zone)?, local(end, &zone)?);
    if from.offset() == to.offset() {
        return Some(Elapsed::Differs);
    }
    let zoned = to.timestamp().as_second() - from.timestamp().as_second();
    let shown = clock(end)?.duration_since(clock(start)?).as_secs();
    Some(if near(zoned) || near(shown) {
        Elapsed::AgreesByClock
    } else {
        Elapsed::Differs
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: only days and instants have an order. Method: pairs of both, and of other words.
    #[test]
    fn words_are_never_reversed() {
        for (start, end, expected) in [
            ("2026-05-04", "2026-05-03", true),
            ("2026-05", "2026-05-03", false),
            (
                "2026-05-04T10:00:00-07:00",
                "2026-05-04T09:00:00-07:00",
                true,
            ),
            ("2026", "2025-12", true),
            ("moderate", "high", false),
            ("24_hour", "10_day", false),
        ] {
            assert_eq!(reversed(start, end), expected, "{start} {end}");
        }
    }

    // Goal: an age is as exact as the dates. Method: dates of each precision around a birthday.
    #[test]
    fn ages_of_dates_of_any_precision() {
        for (born, date, expected) in [
            ("2020-05-04", "2026-05-03", Some((5, 5))),
            ("2020-05-04", "2026-05-04", Some((6, 6))),
            ("2020-05", "2026-05-20", Some((5, 6))),
            ("2020", "2026-05-20", Some((5, 6))),
            ("2020-05-04", "2026", Some((5, 6))),
            ("2020-02-29", "2026-02-28", Some((5, 5))),
            ("2027", "2026-05-20", Some((-2, -1))),
            ("soon", "2026", None),
        ] {
            assert_eq!(ages(born, date), expected, "{born} {date}");
        }
    }

    const DURATIONS: &[(&str, &str, i64, Elapsed)] = &[
        (
            "2026-05-04T10:00:00-07:00",
            "2026-05-04T11:30:00-07:00",
            90,
            Elapsed::Agrees,
        ),
        (
            "2026-05-04T10:00:00-07:00",
            "2026-05-04T11:30:40-07:00",
            91,
            Elapsed::Agrees,
        ),
        (
            "2026-05-04T10:00:00-07:00",
            "2026-05-04T18:30:00Z",
            90,
            Elapsed::Agrees,
        ),
        (
            "2026-05-04T10:00:00-07:00",
            "2026-05-04T11:30:00-07:00",
            30,
            Elapsed::Differs,
        ),
        // Spring: the hour from two to three does not exist.
        (
            "2026-03-08T01:30:00-08:00",
            "2026-03-08T03:30:00-07:00",
            60,
            Elapsed::Agrees,
        ),
        (
            "2026-03-08T01:30:00-08:00",
            "2026-03-08T03:30:00-07:00",
            120,
            Elapsed::AgreesByClock,
        ),
        (
            "2026-03-08T01:30:00-08:00",
            "2026-03-08T03:30:00-08:00",
            60,
            Elapsed::AgreesByClock,
        ),
        (
            "2026-03-08T01:30:00-08:00",
            "2026-03-08T03:30:00-07:00",
            30,
            Elapsed::Differs,
        ),
        // Autumn: the hour from one to two comes twice.
        (
            "2026-11-01T00:30:00-07:00",
            "2026-11-01T02:30:00-08:00",
            180,
            Elapsed::Agrees,
        ),
        (
            "2026-11-01T00:30:00-07:00",
            "2026-11-01T02:30:00-08:00",
            120,
            Elapsed::AgreesByClock,
        ),
        (
            "2026-11-01T00:30:00-07:00",
            "2026-11-01T02:30:00-07:00",
            180,
            Elapsed::AgreesByClock,
        ),
    ];

    // Goal: durations are elapsed time; on the two days clocks change the clock's reading is told
    // apart from a plain mistake. Method: both changes of 2026 and an ordinary day.
    #[test]
    fn durations_hold_across_a_change_of_clocks() {
        for (start, end, minutes, expected) in DURATIONS {
            let expected = *expected;
            assert_eq!(
                elapsed(start, end, *minutes),
                Some(expected),
                "{start} {end} {minutes}"
            );
        }
        assert_eq!(elapsed("2026-05", "2026-06", 1), None);
    }

    // Goal: limits are counted in days and calendar months. Method: ends of months, and what is no
    // whole day.
    #[test]
    fn the_day_after_a_span() {
        use jiff::ToSpan;
        for (from, span, expected) in [
            ("2026-08-31", 6.months(), Some("2027-02-28")),
            ("2026-09-01T23:30:00-07:00", 30.days(), Some("2026-10-01")),
            ("2026-09", 30.days(), None),
            ("9999-12-31", 1.days(), None),
        ] {
            assert_eq!(day_after(from, span).as_deref(), expected, "{from}");
        }
    }

    // Goal: an end before its start is told as far as both are precise. Method: a table.
    #[test]
    fn an_end_before_its_start() {
        for (start, end, expected) in [
            ("2026-05", "2026-04-30", true),
            ("2026", "2026-01-01", false),
            ("2026-05-04T10:00:00-07:00", "2026-05-04T16:30:00Z", true),
            ("2026-05-04T10:00:00-07:00", "2026-05-04T17:30:00Z", false),
            ("2026-05-04", "2026-05-03T23:00:00Z", true),
        ] {
            assert_eq!(reversed(start, end), expected, "{start} {end}");
        }
    }
}
