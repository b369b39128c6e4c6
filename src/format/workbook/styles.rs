//! How the numbers of cells are meant: as the format of their style says.
//!
//! A number is a day or a time only by its format. Colours, fonts and words in a format mean
//! nothing here.

use super::Trouble;
use super::parts::{Step, Steps, attribute, local};
use std::collections::BTreeMap;

/// What a number of a style is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A number.
    Number,
    /// A number of at least so many digits.
    Digits(usize),
    /// A day.
    Day,
    /// A day and time.
    Moment,
    /// A time of day.
    Time,
}

/// Styles of a workbook.
#[derive(Debug)]
pub(super) struct Styles {
    by_number: Vec<Meaning>,
    /// Days are counted from 1904.
    pub from_1904: bool,
}

impl Styles {
    /// Without any style.
    pub fn plain(from_1904: bool) -> Styles {
        Styles {
            by_number: Vec::new(),
            from_1904,
        }
    }

    pub fn read(xml: &str, from_1904: bool) -> Result<Styles, Trouble> {
        let mut own: BTreeMap<u32, Meaning> = BTreeMap::new();
        let mut by_number = Vec::new();
        let mut cells = false;
        let mut steps = Steps::of(xml);
        while let Some(step) = steps.next()? {
            match step {
                Step::Open(start) => match local(&start).as_str() {
                    "numFmt" => {
                        let id = number(attribute(&start, "numFmtId"));
                        let code = attribute(&start, "formatCode").unwrap_or_default();
                        own.insert(id, of_code(&code));
                    }
                    "cellXfs" => cells = true,
                    "xf" if cells => {
                        let id = number(attribute(&start, "numFmtId"));
                        by_number.push(own.get(&id).copied().unwrap_or(built_in(id)));
                    }
                    _ => {}
                },
                Step::Close(name) if name == "cellXfs" => cells = false,
                _ => {}
            }
        }
        Ok(Styles {
            by_number,
            from_1904,
        })
    }

    /// What numbers of that style are.
    pub fn meaning(&self, style: usize) -> Meaning {
        self.by_number
            .get(style)
            .copied()
            .unwrap_or(Meaning::Number)
    }
}

fn number(text: Option<String>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Formats every program knows by number.
fn built_in(id: u32) -> Meaning {
    match id {
        14..=17 | 27..=36 | 50..=58 => Meaning::Day,
        18..=21 | 45..=47 => Meaning::Time,
        22 => Meaning::Moment,
        _ => Meaning::Number,
    }
}

/// What a format written by somebody means, by the letters that stand outside quotes, brackets
/// and escapes in its first section.
fn of_code(code: &str) -> Meaning {
    let mut letters = String::new();
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => break,
            '"' => chars.by_ref().take_while(|c| *c != '"').for_each(drop),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                // [h] is a length of time; the others are colours, languages and conditions.
                let elapsed = inside.chars().all(|c| matches!(c, 'h' | 'H' | 's' | 'S'));
                letters.extend(elapsed.then_some('h'));
            }
            '\\' | '_' | '*' => drop(chars.next()),
            c => letters.push(c.to_ascii_lowercase()),
        }
    }
    if !letters.is_empty() && letters.bytes().all(|byte| byte == b'0') {
        return Meaning::Digits(letters.len());
    }
    let has = |wanted: &[char]| letters.contains(wanted);
    match (has(&['y', 'd']), has(&['h', 's'])) {
        _ if letters.contains("general") => Meaning::Number,
        (true, true) => Meaning::Moment,
        (true, false) => Meaning::Day,
        (false, true) => Meaning::Time,
        (false, false) => Meaning::Number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: formats are told by what they show, not by the words in them. Method: one of each
    // kind, some with letters that mean nothing.
    #[test]
    fn a_format_is_told_by_its_letters() {
        for (code, wanted) in [
            ("yyyy\\-mm\\-dd", Meaning::Day),
            ("[$-409]m/d/yy h:mm AM/PM;@", Meaning::Moment),
            ("h:mm:ss", Meaning::Time),
            ("[h]:mm", Meaning::Time),
            ("00000", Meaning::Digits(5)),
            ("0.00", Meaning::Number),
            ("General", Meaning::Number),
            ("#,##0 \"days\"", Meaning::Number),
            ("[Red]0;[Blue]dd", Meaning::Digits(1)),
        ] {
            assert_eq!(of_code(code), wanted, "{code}");
        }
        assert_eq!(
            (built_in(14), built_in(22)),
            (Meaning::Day, Meaning::Moment)
        );
    }
}
