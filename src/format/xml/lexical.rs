//! The lexical forms XML Schema (part 2) gives a value, read as the one form the wire schema has.
//!
//! It changes how a value is written and never which it is: what is none of the forms stays as it
//! stands, for the schema to refuse.

use super::Lexical;
use crate::base::Text;

impl Lexical {
    /// A text in the one form.
    pub(super) fn read(self, text: &str) -> Text {
        let text = collapsed(text);
        match (self, text.as_str()) {
            (Lexical::Boolean, "1") => "true".into(),
            (Lexical::Boolean, "0") => "false".into(),
            (Lexical::Date, dated) => without_zone(dated).into(),
            _ => text,
        }
    }
}

/// `whiteSpace="collapse"`: no blanks around, and one between.
fn collapsed(text: &str) -> Text {
    let words = text.split([' ', '\t', '\n', '\r']);
    let mut out = Text::default();
    for word in words.filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A day, month or year without its zone: the day it names is the same in every zone.
fn without_zone(text: &str) -> &str {
    if let Some(day) = text.strip_suffix('Z') {
        return day;
    }
    let split = text.len().checked_sub("+hh:mm".len());
    let parts = split.and_then(|at| Some((text.get(..at)?, text.get(at..)?)));
    match parts {
        // What is left is a year, a month or a day: the end of none of them looks like a zone.
        Some((day, zone)) if matches!(day.len(), 4 | 7 | 10) && is_zone(zone) => day,
        _ => text,
    }
}

/// `+hh:mm` or `-hh:mm`, up to fourteen hours.
fn is_zone(text: &str) -> bool {
    let Some((hours, minutes)) = text.get(1..).and_then(|it| it.split_once(':')) else {
        return false;
    };
    let number = |text: &str| {
        let right = text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit());
        right.then(|| text.parse::<u8>().ok()).flatten()
    };
    let last = match number(hours) {
        Some(0..=13) => 59,
        Some(14) => 0,
        _ => return false,
    };
    text.starts_with(['+', '-']) && number(minutes).is_some_and(|it| it <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: every form of a value is that value, and nothing else becomes one. Method: a table.
    #[test]
    fn forms_of_one_value_are_one() {
        use Lexical::{Boolean, Collapsed, Date};
        for (lexical, text, expected) in [
            (Collapsed, "\n\t a  b \r\n", "a b"),
            (Collapsed, "1", "1"),
            (Boolean, " 1 ", "true"),
            (Boolean, "0", "false"),
            (Boolean, "true", "true"),
            (Boolean, "01", "01"),
            (Boolean, "TRUE", "TRUE"),
            (Date, "2026-03-14Z", "2026-03-14"),
            (Date, "\n2026-03-14-08:00\n", "2026-03-14"),
            (Date, "2026-03+14:00", "2026-03"),
            (Date, "2026Z", "2026"),
            (Date, "2026-03-14", "2026-03-14"),
            (Date, "2026-03-14+14:01", "2026-03-14+14:01"),
            (
                Date,
                "2026-03-14T10:00:00-08:00",
                "2026-03-14T10:00:00-08:00",
            ),
            (Date, "2026-03-14 Z", "2026-03-14 "),
            (Date, "-08:00", "-08:00"),
            (Date, "é2026-08:00", "é2026-08:00"),
        ] {
            assert_eq!(lexical.read(text), expected, "{lexical:?} {text:?}");
        }
    }
}
