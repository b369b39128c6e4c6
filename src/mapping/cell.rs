//! What a spreadsheet makes of a cell: its errors, its dates and times, its long numbers.
//!
//! Each is recognised by the whole cell and put into the canonical notation only as the caller
//! says it is meant. It must never guess between day and month, or which of two hours was meant.

use crate::catalog::reads::DayOrder;
use crate::format::workbook::NOT_COMPUTED;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// What spreadsheets write where a formula has no value.
const ERROR_WORDS: [&str; 12] = [
    "#N/A",
    "#NAME?",
    "#REF!",
    "#VALUE!",
    "#DIV/0!",
    "#NUM!",
    "#NULL!",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#GETTING_DATA",
    NOT_COMPUTED,
];

/// Digits a number that was shortened is written out to.
const DIGITS_MAX: usize = 30;

/// Whether the cell is an error, or was exported from a column too narrow for it.
pub(super) fn is_error_word(text: &str) -> bool {
    let narrow = text.len() > 1 && text.bytes().all(|byte| byte == b'#');
    narrow || ERROR_WORDS.contains(&text)
}

/// A number shortened to a power of ten.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shortened {
    /// With all its digits.
    Exact(String),
    /// With zeros for those that are gone.
    Rounded(String),
    /// No whole number.
    Fraction,
}

/// `1.2E+10`, as spreadsheets write it: capital letter, sign, two digits or more.
pub(super) fn shortened(text: &str) -> Option<Shortened> {
    let (mantissa, power) = text.split_once('E')?;
    let (sign, power) = power.split_at_checked(1)?;
    if power.len() < 2 || !digits(power) {
        return None;
    }
    let (minus, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let sound = whole.len() == 1 && digits(whole) && (digits(part) || !mantissa.contains('.'));
    if !sound || !matches!(sign, "+" | "-") {
        return None;
    }
    let power = power.parse::<usize>().ok().filter(|_| sign == "+");
    let Some(power) = power.filter(|power| part.len() <= *power && *power < DIGITS_MAX) else {
        return Some(Shortened::Fraction);
    };
    let zeros = "0".repeat(power - part.len());
    let written = format!("{minus}{whole}{part}{zeros}");
    Some(match zeros.is_empty() {
        true => Shortened::Exact(written),
        false => Shortened::Rounded(written),
    })
}

/// A day, and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dated<'t> {
    /// The day.
    pub day: Day,
    /// Without the blank or `T` before it; empty where the cell is a day alone.
    pub rest: &'t str,
}

/// A day as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// `2026-03-14`.
    Plain(i16, i8, i8),
    /// `3/14/2026`: two numbers and the year.
    Slashed(i8, i8, i16),
    /// `3/14/26`: nobody can tell the century.
    ShortYear,
}

/// Reads a cell that begins with a day.
pub(super) fn dated(text: &str) -> Option<Dated<'_>> {
    let end = text.find([' ', 'T']).unwrap_or(text.len());
    let (day, rest) = text.split_at(end);
    let rest = rest.get(1..).unwrap_or_default().trim_start();
    let separator = if day.contains('/') { '/' } else { '-' };
    let parts: Vec<&str> = day.split(separator).collect();
    let [first, second, third] = parts.as_slice() else {
        return None;
    };
    if ![first, second, third].iter().all(|part| digits(part)) {
        return None;
    }
    let day = match (separator, first.len(), second.len(), third.len()) {
        ('-', 4, 2, 2) => Day::Plain(
            first.parse().ok()?,
            second.parse().ok()?,
            third.parse().ok()?,
        ),
        ('/', 1 | 2, 1 | 2, 4) => Day::Slashed(
            first.parse().ok()?,
            second.parse().ok()?,
            third.parse().ok()?,
        ),
        ('/', 1 | 2, 1 | 2, 2) => Day::ShortYear,
        _ => return None,
    };
    Some(Dated { day, rest })
}

impl Day {
    /// The day; `None` when it does not exist, or its century is not told.
    pub fn date(self, order: DayOrder) -> Option<Date> {
        let (year, month, day) = match (self, order) {
            (Day::Plain(year, month, day), _) => (year, month, day),
            (Day::Slashed(month, day, year), DayOrder::MonthDay)
            | (Day::Slashed(day, month, year), DayOrder::DayMonth) => (year, month, day),
            (Day::ShortYear, _) => return None,
        };
        Date::new(year, month, day).ok()
    }
}

/// A time of day without an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// The time; `None` when there is none such.
    pub time: Option<Time>,
    /// With AM or PM.
    pub twelve_hour: bool,
}

/// `2:30 PM`, `14:30`, `14:30:00`; nothing else may stand there.
pub(super) fn clock(text: &str) -> Option<Clock> {
    let upper = text.to_ascii_uppercase();
    let half = |mark: &str| upper.strip_suffix(mark).map(str::trim_end);
    let (bare, afternoon) = match (half("AM"), half("PM")) {
        (Some(bare), _) => (bare, Some(false)),
        (_, Some(bare)) => (bare, Some(true)),
        _ => (upper.as_str(), None),
    };
    let mut parts = bare.split(':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let second = parts.next().unwrap_or("00");
    let sound = (1..=2).contains(&hour.len()) && minute.len() == 2 && second.len() == 2;
    if !sound || parts.next().is_some() || ![hour, minute, second].iter().all(|t| digits(t)) {
        return None;
    }
    let hour: i8 = hour.parse().ok()?;
    let hour = match (afternoon, hour) {
        (None, hour) => Some(hour),
        (Some(_), 0 | 13..) => None,
        (Some(afternoon), hour) => Some(hour % 12 + if afternoon { 12 } else { 0 }),
    };
    let (minute, second) = (minute.parse().ok()?, second.parse().ok()?);
    Some(Clock {
        time: hour.and_then(|hour| Time::new(hour, minute, second, 0).ok()),
        twelve_hour: afternoon.is_some(),
    })
}

/// A local time as an instant with its zone's offset; `None` when the clocks change then, so that
/// it happens twice or never.
pub(super) fn instant(date: Date, time: Time, zone: &TimeZone) -> Option<String> {
    let local = DateTime::from_parts(date, time);
    let zoned = zone.to_ambiguous_zoned(local).unambiguous().ok()?;
    Some(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
#[path = "cell_tests.rs"]
mod tests;
