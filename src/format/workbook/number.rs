//! Numbers of cells as text: days from their serials, whole numbers with all their digits.
//!
//! A number with more digits than a spreadsheet keeps is written as a spreadsheet shows it, so
//! that what is gone is seen; it is never filled up.

use super::styles::Meaning;
use jiff::ToSpan;
use jiff::civil::Date;

/// Digits a spreadsheet keeps.
const DIGITS_KEPT: usize = 15;
/// The first day after those it knows: 1 January 10000.
const SERIAL_MAX: f64 = 2_958_466.0;
const SECONDS_OF_DAY: i64 = 86_400;
/// What a spreadsheet shows where it can show no day.
const NO_DAY: &str = "########";

/// The text of a number, as the style says it is meant; `None` when it is none.
pub(super) fn text(lexeme: &str, meaning: Meaning, from_1904: bool) -> Option<String> {
    match meaning {
        Meaning::Number => plain(lexeme),
        Meaning::Digits(count) => {
            let plain = plain(lexeme)?;
            let whole = plain.bytes().all(|byte| byte.is_ascii_digit());
            Some(match whole {
                true => format!("{plain:0>count$}"),
                false => plain,
            })
        }
        Meaning::Day | Meaning::Moment | Meaning::Time => {
            let serial: f64 = lexeme.parse().ok()?;
            Some(moment(serial, meaning, from_1904).unwrap_or_else(|| NO_DAY.to_owned()))
        }
    }
}

fn plain(lexeme: &str) -> Option<String> {
    if lexeme.len() <= DIGITS_KEPT && lexeme.bytes().all(|byte| byte.is_ascii_digit()) {
        return (!lexeme.is_empty()).then(|| lexeme.to_owned());
    }
    let number: f64 = lexeme
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())?;
    if number.abs() >= 1e15 {
        let shown = format!("{number:.14e}");
        let (mantissa, power) = shown.split_once('e')?;
        return Some(format!("{mantissa}E+{power}"));
    }
    // What is stored behind the digits that are kept is the machine's, not the sender's.
    let kept: f64 = format!("{number:.14e}").parse().ok()?;
    Some(kept.to_string())
}

fn moment(serial: f64, meaning: Meaning, from_1904: bool) -> Option<String> {
    if !(0.0..SERIAL_MAX).contains(&serial) {
        return None;
    }
    let (mut day, fraction) = (serial.trunc() as i64, serial.fract());
    let mut second = (fraction * SECONDS_OF_DAY as f64).round() as i64;
    if second == SECONDS_OF_DAY {
        (day, second) = (day + 1, 0);
    }
    let time = format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    if meaning == Meaning::Time && day == 0 {
        return Some(time);
    }
    let date = date(day, from_1904)?;
    Some(match meaning == Meaning::Day && second == 0 {
        true => date,
        false => format!("{date} {time}"),
    })
}

/// The day of a serial. Counted from 1900 there is a 29 February 1900, which never was.
fn date(serial: i64, from_1904: bool) -> Option<String> {
    let (first, days) = match (from_1904, serial) {
        (true, days) => (Date::new(1904, 1, 1), days),
        (false, 60) => return Some("1900-02-29".to_owned()),
        (false, days @ 1..60) => (Date::new(1899, 12, 31), days),
        (false, days @ 61..) => (Date::new(1899, 12, 30), days),
        (false, _) => return None,
    };
    let date = first.ok()?.checked_add(days.days()).ok()?;
    Some(date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: days are those the sheet shows, in both ways of counting. Method: serials whose days
    // are known.
    #[test]
    fn serials_are_days() {
        let day = |serial: &str, from_1904| text(serial, Meaning::Day, from_1904);
        assert_eq!(day("1", false).as_deref(), Some("1900-01-01"));
        assert_eq!(day("59", false).as_deref(), Some("1900-02-28"));
        assert_eq!(day("60", false).as_deref(), Some("1900-02-29"));
        assert_eq!(day("61", false).as_deref(), Some("1900-03-01"));
        assert_eq!(day("46095", false).as_deref(), Some("2026-03-14"));
        assert_eq!(day("44633", true).as_deref(), Some("2026-03-14"));
        assert_eq!(day("-1", false).as_deref(), Some(NO_DAY));
        assert_eq!(day("3000000", false).as_deref(), Some(NO_DAY));
        let moment = text("46095.604166666664", Meaning::Moment, false);
        assert_eq!(moment.as_deref(), Some("2026-03-14 14:30:00"));
        let late = text("46095.999999999", Meaning::Moment, false);
        assert_eq!(late.as_deref(), Some("2026-03-15 00:00:00"));
        assert_eq!(
            text("0.5", Meaning::Time, false).as_deref(),
            Some("12:00:00")
        );
    }

    // Goal: numbers keep the digits the sheet keeps and no others. Method: pairs.
    #[test]
    fn numbers_keep_their_digits() {
        let plain = |lexeme: &str| text(lexeme, Meaning::Number, false);
        for (lexeme, wanted) in [
            ("75", "75"),
            ("1.2345678901E10", "12345678901"),
            ("0.30000000000000004", "0.3"),
            ("-11.5", "-11.5"),
            ("1234567890123456789", "1.23456789012346E+18"),
        ] {
            assert_eq!(plain(lexeme).as_deref(), Some(wanted));
        }
        assert_eq!(plain("x"), None);
        assert_eq!(plain("1e999"), None);
        assert_eq!(
            text("2139", Meaning::Digits(5), false).as_deref(),
            Some("02139")
        );
    }
}
