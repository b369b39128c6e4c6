//! Transforms of dates, instants and lengths of time.

use super::Fault;
use crate::format::tree::{Node, Value};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A date or local time notation such as `MM/DD/YYYY` or `YYYY-MM-DD HH:MM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateForm {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Literal(char),
}

/// Fields read by a form; what it has not is the least.
#[derive(Default)]
struct Fields {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
}

impl DateForm {
    /// Reads a notation; `MM` is the month before `HH` and the minute after it.
    pub fn parse(text: &str) -> Result<DateForm, String> {
        let mut pieces = Vec::new();
        let mut rest = text.trim();
        while let Some(c) = rest.chars().next() {
            let hours = pieces.contains(&Piece::Hour);
            let known = [
                ("YYYY", Piece::Year),
                ("MM", if hours { Piece::Minute } else { Piece::Month }),
                ("DD", Piece::Day),
                ("HH", Piece::Hour),
                ("SS", Piece::Second),
            ];
            let found = known
                .into_iter()
                .find_map(|(word, piece)| Some((rest.strip_prefix(word)?, piece)));
            let (tail, piece) = match found {
                Some(found) => found,
                None if c.is_ascii_alphabetic() && c != 'T' => {
                    return Err(format!("`{text}` is not a date notation"));
                }
                None => (
                    rest.get(c.len_utf8()..).unwrap_or_default(),
                    Piece::Literal(c),
                ),
            };
            pieces.push(piece);
            rest = tail;
        }
        if !pieces.contains(&Piece::Year) {
            return Err("a date notation needs YYYY".to_owned());
        }
        Ok(DateForm { pieces })
    }

    /// Whether it holds a day.
    pub fn has_day(&self) -> bool {
        self.pieces.contains(&Piece::Day)
    }

    /// Whether it is the canonical notation itself, which keeps every precision.
    pub fn keeps_precision(&self) -> bool {
        let canonical = DateForm::parse("YYYY-MM-DD");
        canonical.is_ok_and(|form| form == *self)
    }

    /// Wire to canonical date.
    pub fn read(&self, text: &str) -> Result<String, Fault> {
        let fields = self.fields(text)?;
        let out = match (self.pieces.contains(&Piece::Month), self.has_day()) {
            (false, _) => format!("{:04}", fields.year),
            (true, false) => format!("{:04}-{:02}", fields.year, fields.month),
            (true, true) => format!("{:04}-{:02}-{:02}", fields.year, fields.month, fields.day),
        };
        Date::new(fields.year, fields.month.max(1), fields.day.max(1)).map_err(|_| Fault::Date)?;
        Ok(out)
    }

    /// Canonical date to wire; a date of less precision than the notation cannot be written.
    pub fn write(&self, text: &str) -> Result<String, Fault> {
        let mut parts = text.split('-').map(|part| part.parse::<i16>().ok());
        let year = parts.next().flatten().ok_or(Fault::Date)?;
        let month = parts.next().flatten();
        let day = parts.next().flatten();
        let part = |value: Option<i16>| value.and_then(|v| i8::try_from(v).ok()).ok_or(Fault::Date);
        let mut fields = Fields {
            year,
            ..Fields::default()
        };
        if self.pieces.contains(&Piece::Month) {
            fields.month = part(month)?;
        }
        if self.has_day() {
            fields.day = part(day)?;
        }
        Ok(self.text(&fields))
    }

    fn text(&self, fields: &Fields) -> String {
        use std::fmt::Write as _;
        let mut out = String::new();
        for piece in &self.pieces {
            // Writing into a string does not fail.
            let _ = match piece {
                Piece::Year => write!(out, "{:04}", fields.year),
                Piece::Month => write!(out, "{:02}", fields.month),
                Piece::Day => write!(out, "{:02}", fields.day),
                Piece::Hour => write!(out, "{:02}", fields.hour),
                Piece::Minute => write!(out, "{:02}", fields.minute),
                Piece::Second => write!(out, "{:02}", fields.second),
                Piece::Literal(c) => write!(out, "{c}"),
            };
        }
        out
    }

    fn fields(&self, text: &str) -> Result<Fields, Fault> {
        let mut fields = Fields::default();
        let mut rest = text;
        for piece in &self.pieces {
            if let Piece::Literal(c) = piece {
                rest = rest.strip_prefix(*c).ok_or(Fault::Date)?;
                continue;
            }
            let most = if *piece == Piece::Year { 4 } else { 2 };
            let count = rest
                .bytes()
                .take(most)
                .take_while(u8::is_ascii_digit)
                .count();
            // One digit is common for months, days and hours where a separator follows.
            if count == 0 || (*piece == Piece::Year && count < 4) {
                return Err(Fault::Date);
            }
            let (digits, tail) = rest.split_at(count);
            rest = tail;
            let number: i16 = digits.parse().map_err(|_| Fault::Date)?;
            let small = || i8::try_from(number).map_err(|_| Fault::Date);
            match piece {
                Piece::Year => fields.year = number,
                Piece::Month => fields.month = small()?,
                Piece::Day => fields.day = small()?,
                Piece::Hour => fields.hour = small()?,
                Piece::Minute => fields.minute = small()?,
                Piece::Second => fields.second = small()?,
                Piece::Literal(_) => {}
            }
        }
        if rest.is_empty() {
            Ok(fields)
        } else {
            Err(Fault::Date)
        }
    }
}

/// An instant in RFC 3339 with the sender's offset. Seconds that were left out are zero; a space
/// in the place of the `T`, as spreadsheets write it, is taken for one.
pub(super) fn instant(text: &str) -> Result<String, Fault> {
    let full: Result<jiff::Timestamp, _> = text.parse();
    let read = || {
        let (date, time, rest) = (text.get(..10)?, text.get(11..16)?, text.get(16..)?);
        let seconds = if rest.starts_with(':') { "" } else { ":00" };
        Some(format!("{date}T{time}{seconds}{rest}").to_ascii_uppercase())
    };
    match full {
        Ok(_) => read().ok_or(Fault::Form),
        // A time that exists, but nobody can say when it was.
        Err(_) if text.parse::<DateTime>().is_ok() => Err(Fault::Form),
        Err(_) => Err(Fault::Date),
    }
}

/// Local time of a zone to an instant with that zone's offset.
pub(super) fn from_local(
    text: &str,
    zone: &TimeZone,
    form: Option<&DateForm>,
) -> Result<String, Fault> {
    let civil = match form {
        Some(form) => {
            let f = form.fields(text)?;
            DateTime::new(f.year, f.month, f.day, f.hour, f.minute, f.second, 0)
                .map_err(|_| Fault::Date)?
        }
        None => text.parse().map_err(|_| Fault::Date)?,
    };
    let zoned = civil.to_zoned(zone.clone()).map_err(|_| Fault::Date)?;
    Ok(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

/// An instant to the local time of a zone.
pub(super) fn to_local(
    text: &str,
    zone: &TimeZone,
    form: Option<&DateForm>,
) -> Result<String, Fault> {
    let instant: jiff::Timestamp = text.parse().map_err(|_| Fault::Date)?;
    let civil = instant.to_zoned(zone.clone()).datetime();
    Ok(match form {
        Some(form) => form.text(&Fields {
            year: civil.year(),
            month: civil.month(),
            day: civil.day(),
            hour: civil.hour(),
            minute: civil.minute(),
            second: civil.second(),
        }),
        None => civil.strftime("%Y-%m-%dT%H:%M").to_string(),
    })
}

/// ISO 8601 length of time to whole minutes.
pub(super) fn minutes(text: &str) -> Result<Value, Fault> {
    let length: jiff::SignedDuration = text.parse().map_err(|_| Fault::Form)?;
    if length.as_secs() % 60 != 0 || length.is_negative() {
        return Err(Fault::Form);
    }
    Ok(Value::Number((length.as_secs() / 60).to_string().into()))
}

/// Whole minutes to an ISO 8601 length of time.
pub(super) fn from_minutes(node: &Node) -> Result<Value, Fault> {
    let lexeme = node.lexeme().ok_or(Fault::Form)?;
    let minutes: u32 = lexeme.parse().map_err(|_| Fault::Form)?;
    let text = match (minutes / 60, minutes % 60) {
        (0, rest) => format!("PT{rest}M"),
        (hours, 0) => format!("PT{hours}H"),
        (hours, rest) => format!("PT{hours}H{rest}M"),
    };
    Ok(Value::String(text.into()))
}
