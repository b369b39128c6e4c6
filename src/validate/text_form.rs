//! Texts with a form: dates, instants, decimals, ids.
//!
//! Tells a text that has not the form from one that has it and names a day or time that does not
//! exist. Never corrects anything.

use crate::catalog::schema::TextFormat;

/// What a text is in its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// As it should be.
    Right,
    /// It does not have the form.
    WrongForm,
    /// It has the form, but there is no such day or time.
    Impossible,
}

use Fit::{Impossible, Right, WrongForm};

/// Characters of a decimal.
const DECIMAL_CHARS_MAX: usize = 30;

/// Holds a text against a form.
pub fn fit(format: TextFormat, text: &str) -> Fit {
    let is = |right: bool| if right { Right } else { WrongForm };
    match format {
        TextFormat::Date => date(text),
        TextFormat::PartialDate => partial_date(text),
        TextFormat::DateTime => date_time(text, Offset::Required),
        TextFormat::LocalDateTime => date_time(text, Offset::None),
        TextFormat::PartialDateTime if text.contains('T') => date_time(text, Offset::Required),
        TextFormat::PartialDateTime => partial_date(text),
        TextFormat::Time => time(text).0,
        TextFormat::Decimal => is(is_decimal(text)),
        TextFormat::Uuid => is(is_uuid(text)),
        TextFormat::Uri => is(is_uri(text)),
        TextFormat::Language => is(is_language(text)),
    }
}

/// The form in words, for advice.
pub fn wanted(format: TextFormat) -> &'static str {
    match format {
        TextFormat::Date => "YYYY-MM-DD, a day that exists",
        TextFormat::PartialDate => "YYYY, YYYY-MM or YYYY-MM-DD, a day that exists",
        TextFormat::DateTime => "YYYY-MM-DDThh:mm:ss with Z or an offset such as -08:00",
        TextFormat::PartialDateTime => {
            "YYYY, YYYY-MM, YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss with Z or an offset"
        }
        TextFormat::LocalDateTime => "YYYY-MM-DDThh:mm:ss without an offset",
        TextFormat::Time => "hh:mm or hh:mm:ss",
        TextFormat::Decimal => "digits with at most one point, such as 12.50",
        TextFormat::Uuid => "a UUID in lower or upper case, 36 characters",
        TextFormat::Uri => "an absolute URI such as https://... or urn:...",
        TextFormat::Language => "a language tag such as es or zh-Hant",
    }
}

/// A run of decimal digits of that length as a number.
fn digits<T: std::str::FromStr>(text: &str, length: usize) -> Option<T> {
    let right = text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

fn date(text: &str) -> Fit {
    let mut parts = text.splitn(3, '-');
    let year = parts.next().and_then(|part| digits::<i16>(part, 4));
    let month = parts.next().and_then(|part| digits::<i8>(part, 2));
    let day = parts.next().and_then(|part| digits::<i8>(part, 2));
    match (year, month, day) {
        (Some(year), Some(month), Some(day)) if year > 0 => {
            match jiff::civil::Date::new(year, month, day) {
                Ok(_) => Right,
                Err(_) => Impossible,
            }
        }
        (Some(_), Some(_), Some(_)) => Impossible,
        _ => WrongForm,
    }
}

fn partial_date(text: &str) -> Fit {
    match text.len() {
        // Its length is its precision: the missing parts are any that exist.
        4 => date(&format!("{text}-01-01")),
        7 => date(&format!("{text}-01")),
        _ => date(text),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Offset {
    Required,
    None,
}

fn date_time(text: &str, offset: Offset) -> Fit {
    let Some((day, rest)) = text.split_once('T') else {
        return WrongForm;
    };
    let (clock, rest) = time(rest);
    let zone = match (offset, rest) {
        (Offset::None, "") | (Offset::Required, "Z") => Right,
        (Offset::None, _) => WrongForm,
        (Offset::Required, rest) => zone(rest),
    };
    // A zone fixes an instant only with seconds (RFC 3339).
    let seconds = text.get(10..).is_some_and(|t| t.matches(':').count() >= 2);
    let seconds = if offset == Offset::None || seconds {
        Right
    } else {
        WrongForm
    };
    [date(day), clock, zone, seconds]
        .into_iter()
        .fold(Right, worse)
}

fn worse(a: Fit, b: Fit) -> Fit {
    match (a, b) {
        (WrongForm, _) | (_, WrongForm) => WrongForm,
        (Impossible, _) | (_, Impossible) => Impossible,
        _ => Right,
    }
}

/// A time of day at the start of a text, and what follows it.
fn time(text: &str) -> (Fit, &str) {
    let part = |from: usize| text.get(from..from + 2).and_then(|t| digits::<u8>(t, 2));
    let (Some(hour), Some(minute)) = (part(0), part(3)) else {
        return (WrongForm, text);
    };
    if text.get(2..3) != Some(":") {
        return (WrongForm, text);
    }
    let mut second = 0;
    let mut rest = text.get(5..).unwrap_or_default();
    if rest.starts_with(':') {
        let Some(value) = part(6) else {
            return (WrongForm, text);
        };
        second = value;
        rest = text.get(8..).unwrap_or_default();
        if let Some(fraction) = rest.strip_prefix('.') {
            let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            let length = fraction.len() - after.len();
            if length == 0 || length > 9 {
                return (WrongForm, text);
            }
            rest = after;
        }
    }
    // 60 is a leap second, which ends an hour in every zone of whole hours.
    let last = if minute == 59 { 60 } else { 59 };
    let exists = hour <= 23 && minute <= 59 && second <= last;
    (if exists { Right } else { Impossible }, rest)
}

fn zone(text: &str) -> Fit {
    let Some(offset) = text.strip_prefix(['+', '-']) else {
        return WrongForm;
    };
    let hours = offset.get(..2).and_then(|t| digits::<u8>(t, 2));
    let minutes = offset.get(2..).and_then(|t| t.strip_prefix(':'));
    match (hours, minutes.and_then(|t| digits::<u8>(t, 2))) {
        (Some(hours), Some(minutes)) if hours < 14 && minutes <= 59 => Right,
        (Some(14), Some(0)) => Right,
        (Some(_), Some(_)) => Impossible,
        _ => WrongForm,
    }
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let padded = whole.len() > 1 && whole.starts_with('0');
    text.len() <= DECIMAL_CHARS_MAX && digits(whole) && digits(fraction) && !padded
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(plain)
        && !rest.is_empty()
        && !rest.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
}

fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let primary = parts.next().unwrap_or_default();
    let alphabetic = primary.bytes().all(|b| b.is_ascii_alphabetic());
    let long = (2..=8).contains(&primary.len());
    let mut rest = parts.all(|part| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    rest &= text.len() <= 35;
    alphabetic && rest && (long || matches!(primary, "x" | "i") && text.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: form and existence are told apart. Method: a table per format.
    #[test]
    fn forms_and_days_are_told_apart() {
        use TextFormat::*;
        for (format, text, expected) in [
            (Date, "2024-02-29", Right),
            (Date, "2026-02-29", Impossible),
            (Date, "2026-13-01", Impossible),
            (Date, "0000-01-01", Impossible),
            (Date, "2026-2-9", WrongForm),
            (Date, "03/05/2026", WrongForm),
            (Date, "2026-01-01T", WrongForm),
            (PartialDate, "2026", Right),
            (PartialDate, "2026-12", Right),
            (PartialDate, "2026-00", Impossible),
            (PartialDate, "26", WrongForm),
            (DateTime, "2026-03-08T02:30:00-08:00", Right),
            (DateTime, "2026-03-08T02:30:00.123456789Z", Right),
            (DateTime, "2026-03-08T24:00:00Z", Impossible),
            (DateTime, "2026-02-30T10:00:00Z", Impossible),
            (DateTime, "2026-03-08T10:15:60Z", Impossible),
            (DateTime, "2016-12-31T15:59:60-08:00", Right),
            (DateTime, "2026-03-08T10:00:00+15:00", Impossible),
            (DateTime, "2026-03-08T10:00:00", WrongForm),
            (DateTime, "2026-03-08T10:00Z", WrongForm),
            (DateTime, "2026-03-08 10:00:00Z", WrongForm),
            (DateTime, "2026-03-08T10:00:00.Z", WrongForm),
            (DateTime, "2026-03-08T1:00:00Z", WrongForm),
            (PartialDateTime, "2026-03", Right),
            (PartialDateTime, "2026-03-08T10:00:00Z", Right),
            (LocalDateTime, "2026-03-08T10:00", Right),
            (LocalDateTime, "2026-03-08T10:00:00Z", WrongForm),
            (LocalDateTime, "2026-03-08T10:61", Impossible),
            (Time, "10:15:00", Right),
            (Time, "25:00", Impossible),
            (Decimal, "-12.50", Right),
            (Decimal, "1e3", WrongForm),
            (Decimal, "01", WrongForm),
            (Decimal, ".5", WrongForm),
            (Uuid, "018f2d3a-0000-7000-8000-000000000001", Right),
            (Uuid, "018f2d3a", WrongForm),
            (Uri, "urn:x", Right),
            (Uri, "http://a b", WrongForm),
            (Uri, "no-scheme", WrongForm),
            (Language, "zh-Hant", Right),
            (Language, "english!", WrongForm),
            (Date, "２０２６-01-01", WrongForm),
            (DateTime, "2026-03-08Té0:00:00Z", WrongForm),
        ] {
            assert_eq!(fit(format, text), expected, "{format:?} {text}");
        }
    }
}
