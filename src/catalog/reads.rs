//! `[channel.reads]` of a partner file: the habits of a sender's spreadsheet that are accepted.
//!
//! Without a declaration each of them is a finding, because nobody can tell from the cell what was
//! meant. A declaration says what is meant; it never opens a way to guess.

use serde::Deserialize;

/// How the cells of one in-channel are to be understood.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reads {
    /// How characters stand in bytes.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands between the cells, where it is not the format's own.
    #[serde(default, deserialize_with = "delimiter")]
    pub delimiter: Option<char>,
    /// How days are written, besides the format's own notation.
    #[serde(default)]
    pub dates: Option<DayOrder>,
    /// How times of day may be written, besides 24 hours.
    #[serde(default)]
    pub times: Option<HourNotation>,
    /// The zone of times that have no offset, by its IANA name.
    #[serde(default)]
    pub zone: Option<String>,
    /// Zeros that are missing in front of numbers of a fixed length are put back.
    #[serde(default)]
    pub leading_zeros: bool,
    /// Numbers shortened to a power of ten.
    #[serde(default)]
    pub exponents: Option<Exponents>,
    /// Rows that hold nothing are passed over.
    #[serde(default)]
    pub blank_rows: bool,
    /// Cells that hold an error of the spreadsheet are taken for empty.
    #[serde(default)]
    pub error_words: bool,
    /// Words that stand for an empty cell.
    #[serde(default)]
    pub empty: Vec<String>,
}

/// How characters stand in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// What Windows programs write in Western Europe and the Americas.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// In which order day and month stand in front of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum DayOrder {
    /// As in the United States.
    #[serde(rename = "m/d/yyyy")]
    MonthDay,
    /// As elsewhere.
    #[serde(rename = "d/m/yyyy")]
    DayMonth,
}

/// How hours are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum HourNotation {
    /// 1 to 12 with AM or PM; 24 hours where neither stands there.
    #[serde(rename = "12-hour")]
    TwelveHour,
}

/// Which numbers shortened to a power of ten are written out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exponents {
    /// Those with all their digits.
    Exact,
    /// Others too, with zeros for the digits that are not there; never ids of records.
    Rounded,
}

fn delimiter<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Option<char>, D::Error> {
    super::format::delimiter(text).map(Some)
}

impl Reads {
    /// The zone, found in the zone tables.
    pub fn time_zone(&self) -> Option<jiff::tz::TimeZone> {
        jiff::tz::TimeZone::get(self.zone.as_deref()?).ok()
    }

    /// What of it cannot work, in sentences for a defect.
    pub fn wrong(&self) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(zone) = self.zone.as_ref().filter(|_| self.time_zone().is_none()) {
            out.push(format!("`{zone}` is not a time zone"));
        }
        if self.times.is_some() && self.zone.is_none() {
            out.push("`times` needs `zone`: a time of day is an instant only somewhere".to_owned());
        }
        if self.empty.iter().any(|word| word.trim().is_empty()) {
            out.push("a word of `empty` is itself empty".to_owned());
        }
        out
    }
}
