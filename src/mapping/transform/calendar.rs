//! Transforms of dates, instants and lengths of time.

use super::Fault;
use crate::format::tree::{Node, Value};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A date or local time notation such as `MM/DD/YYYY` or `YYYY-MM-DD HH:MM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateForm {
    pieces: Vec<Piece>,
    /// Pieces before which the text may end.
    stops: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// A sign and four digits; a date has no use for them.
    Offset,
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
    /// Reads a notation; `MM` is the month before `HH` and the minute after it. What stands in
    /// brackets, at the end, may be missing: `YYYY[MM[DD]]`.
    pub fn parse(text: &str) -> Result<DateForm, String> {
        let mut pieces = Vec::new();
        let mut stops = Vec::new();
        let given = text.trim();
        let mut rest = given.trim_end_matches(']');
        let closed = given.len() - rest.len();
        while let Some(c) = rest.chars().next() {
            if c == '[' {
                stops.push(pieces.len());
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let hours = pieces.contains(&Piece::Hour);
            let known = [
                ("YYYY", Piece::Year),
                ("MM", if hours { Piece::Minute } else { Piece::Month }),
                ("DD", Piece::Day),
                ("HH", Piece::Hour),
                ("SS", Piece::Second),
                ("+ZZZZ", Piece::Offset),
            ];
            let found = known
                .into_iter()
                .find_map(|(word, piece)| Some((rest.strip_prefix(word)?, piece)));
            let (tail, piece) = match found {
                Some(found) => found,
                None if c.is_ascii_alphabetic() && c != 'T' || c == ']' => {
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
        if closed != stops.len() || stops.contains(&0) {
            return Err("the brackets of a date notation close at its end".to_owned());
        }
        let offset = pieces.iter().position(|piece| *piece == Piece::Offset);
        if offset.is_some_and(|at| at + 1 < pieces.len() || !stops.contains(&at)) {
            return Err("an offset stands last, in brackets".to_owned());
        }
        Ok(DateForm { pieces, stops })
    }

    /// Whether it holds a day.
    pub fn has_day(&self) -> bool {
        self.pieces.contains(&Piece::Day)
    }

    /// Whether it is the canonical notation itself, which keeps every precision.
    pub fn keeps_precision(&self) -> bool {
        let canonical = DateForm::parse("YYYY-MM-DD");
        let may_miss = |piece: Piece| {
            let mut stops = self.stops.iter();
            stops.any(|at| self.field_at(*at) == Some(&piece))
        };
        canonical.is_ok_and(|form| form == *self) || may_miss(Piece::Month) && may_miss(Piece::Day)
    }

    fn has_offset(&self) -> bool {
        self.pieces.last() == Some(&Piece::Offset)
    }

    /// The first field from a piece on.
    fn field_at(&self, at: usize) -> Option<&Piece> {
        let mut rest = self.pieces.iter().skip(at);
        rest.find(|piece| !matches!(piece, Piece::Literal(_)))
    }

    /// Wire to canonical date.
    pub fn read(&self, text: &str) -> Result<String, Fault> {
        let (fields, count) = self.fields(text)?;
        let read = |piece| self.pieces.iter().take(count).any(|known| *known == piece);
        let out = match (read(Piece::Month), read(Piece::Day)) {
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
        // The notation ends where the date does, and a date has no time.
        let ends = |at: &&usize| match self.field_at(**at) {
            Some(Piece::Month) => month.is_none(),
            Some(Piece::Day) => day.is_none(),
            Some(Piece::Hour) => true,
            _ => false,
        };
        let count = self.stops.iter().find(ends).copied();
        let count = count.unwrap_or(self.pieces.len());
        let written = |piece| self.pieces.iter().take(count).any(|known| *known == piece);
        if written(Piece::Month) {
            fields.month = part(month)?;
        }
        if written(Piece::Day) {
            fields.day = part(day)?;
        }
        Ok(self.text(&fields, count))
    }

    fn text(&self, fields: &Fields, count: usize) -> String {
        use std::fmt::Write as _;
        let mut out = String::new();
        for piece in self.pieces.iter().take(count) {
            // Writing into a string does not fail.
            let _ = match piece {
                Piece::Year => write!(out, "{:04}", fields.year),
                Piece::Month => write!(out, "{:02}", fields.month),
                Piece::Day => write!(out, "{:02}", fields.day),
                Piece::Hour => write!(out, "{:02}", fields.hour),
                Piece::Minute => write!(out, "{:02}", fields.minute),
                Piece::Second => write!(out, "{:02}", fields.second),
                Piece::Offset => Ok(()),
                Piece::Literal(c) => write!(out, "{c}"),
            };
        }
        out
    }

    /// What was read, and how many pieces of the notation it took.
    fn fields(&self, text: &str) -> Result<(Fields, usize), Fault> {
        let mut fields = Fields::default();
        let mut rest = text;
        for (at, piece) in self.pieces.iter().enumerate() {
            let may_end = self.stops.contains(&at);
            if may_end && (rest.is_empty() || self.has_offset() && is_offset(rest)) {
                return Ok((fields, at));
            }
            if *piece == Piece::Offset {
                return Err(Fault::Date);
            }
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
            let whole = *piece == Piece::Year || !self.stops.is_empty();
            if count == 0 || whole && count < most {
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
                Piece::Offset | Piece::Literal(_) => {}
            }
        }
        if rest.is_empty() {
            Ok((fields, self.pieces.len()))
        } else {
            Err(Fault::Date)
        }
    }
}

fn is_offset(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or_default();
    digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
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
            let (f, _) = form.fields(text)?;
            DateTime::new(f.year, f.month, f.day, f.hour, f.minute, f.second, 0)
                .map_err(|_| Fault::Date)?
        }
        None => text.parse().map_err(|_| Fault::Date)?,
    };
    // Which of the two is meant, or what instead of none, nobody has said.
    let only = zone.to_ambiguous_zoned(civil).unambiguous();
    let zoned = only.map_err(|_| Fault::Clock)?;
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
        Some(form) => {
            let fields = Fields {
                year: civil.year(),
                month: civil.month(),
                day: civil.day(),
                hour: civil.hour(),
                minute: civil.minute(),
                second: civil.second(),
            };
            form.text(&fields, form.pieces.len())
        }
        None => civil.strftime("%Y-%m-%dT%H:%M").to_string(),
    })
}

/// `YYYYMMDDHHMM[SS[.F]][+ZZZZ]` to an instant; without an offset it is that of the zone.
pub(super) fn from_compact(text: &str, zone: &TimeZone) -> Result<String, Fault> {
    let at = text.find(['+', '-']).unwrap_or(text.len());
    let (civil, offset) = text.split_at(at);
    let (whole, fraction) = civil.split_once('.').unwrap_or((civil, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let two = |at: usize| whole.get(at..at + 2).unwrap_or("00");
    let fits = matches!(whole.len(), 12 | 14) && digits(whole) && digits(fraction);
    let year = whole.get(..4).filter(|_| fits && fraction.len() <= 9);
    let year = year.ok_or(Fault::Form)?;
    let time = format!("{}:{}:{}", two(8), two(10), two(12));
    let local = format!("{year}-{}-{}T{time}", two(4), two(6));
    let fraction = match fraction {
        "" => String::new(),
        some => format!(".{some}"),
    };
    let civil: DateTime = local.parse().map_err(|_| Fault::Date)?;
    let offset = match (offset.get(..3), offset.get(3..)) {
        (Some(hours), Some(minutes)) if offset.len() == 5 => format!("{hours}:{minutes}"),
        _ if offset.is_empty() => {
            let zoned = civil.to_zoned(zone.clone()).map_err(|_| Fault::Date)?;
            zoned.strftime("%:z").to_string()
        }
        _ => return Err(Fault::Form),
    };
    let out = format!("{local}{fraction}{offset}");
    let known: Result<jiff::Timestamp, _> = out.parse();
    known.map(|_| out).map_err(|_| Fault::Date)
}

/// An instant to the same, with seconds and its own offset.
pub(super) fn to_compact(text: &str) -> Result<String, Fault> {
    let _: jiff::Timestamp = text.parse().map_err(|_| Fault::Date)?;
    let (local, rest) = (text.get(..19), text.get(19..).unwrap_or_default());
    let local = local.ok_or(Fault::Form)?;
    let at = rest.find(['+', '-', 'Z', 'z']).ok_or(Fault::Form)?;
    let (fraction, offset) = rest.split_at(at);
    let digits = |text: &str| text.replace(['-', ':', 'T', 't', ' '], "");
    // Four digits of a second are all there is room for.
    let fraction = fraction.get(..5).unwrap_or(fraction);
    let offset = match offset {
        "Z" | "z" => "+0000".to_owned(),
        some => some.replace(':', ""),
    };
    Ok(format!("{}{fraction}{offset}", digits(local)))
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
