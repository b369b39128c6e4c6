//! Business days: which days offices are open, and when something due within one falls due.
//!
//! Days are California's. Closed days are rows of `policies/calendar*.toml`; all files hold at
//! once. A row that says no day is a defect, never a guess.

use super::moment;
use super::tables::{TABLE_MISSING, defect};
use crate::base::clock::Timestamp;
use crate::base::defect::Defect;
use crate::catalog::files::is_table;
use jiff::civil::{Date, Time, Weekday};
use jiff::{Span, ToSpan as _};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The shipped file.
const SHIPPED: &str = "policies/calendar.toml";
/// How many days ahead an open one is looked for.
const LOOK_DAYS: usize = 366;

/// The closed days.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    closed: Vec<Closed>,
    /// Name and mark of the rows that have one.
    marks: Vec<(String, String)>,
}

/// One closed day as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosedText {
    name: String,
    /// `V` or `K`; a county's own rows may leave it out.
    #[serde(default)]
    mark: Option<String>,
    #[serde(default)]
    day: Option<String>,
    #[serde(default)]
    moves: Vec<Move>,
    #[serde(default)]
    month: Option<i8>,
    #[serde(default)]
    weekday: Option<Word>,
    #[serde(default)]
    nth: Option<i8>,
    #[serde(default)]
    date: Option<toml::value::Datetime>,
    #[serde(default)]
    after_days: i32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarFile {
    closed: Vec<ClosedText>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Move {
    Sunday,
    Saturday,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Word {
    const fn weekday(self) -> Weekday {
        match self {
            Word::Monday => Weekday::Monday,
            Word::Tuesday => Weekday::Tuesday,
            Word::Wednesday => Weekday::Wednesday,
            Word::Thursday => Weekday::Thursday,
            Word::Friday => Weekday::Friday,
            Word::Saturday => Weekday::Saturday,
            Word::Sunday => Weekday::Sunday,
        }
    }
}

/// One closed day, each year or once.
#[derive(Clone, Debug)]
struct Closed {
    when: When,
    after_days: i32,
}

#[derive(Clone, Debug)]
enum When {
    Yearly {
        month: i8,
        day: i8,
        moves: Vec<Move>,
    },
    Nth {
        month: i8,
        weekday: Weekday,
        nth: i8,
    },
    Once(Date),
}

impl Closed {
    fn read(text: &ClosedText) -> Option<Closed> {
        let when = match (&text.day, text.month, text.weekday, text.nth, &text.date) {
            (Some(day), None, None, None, None) => {
                let (month, day) = day.split_once('-')?;
                let (month, day) = (month.parse().ok()?, day.parse().ok()?);
                // A leap day would be closed in some years only: it is no row of a calendar.
                Date::new(2001, month, day).ok()?;
                When::Yearly {
                    month,
                    day,
                    moves: text.moves.clone(),
                }
            }
            (None, Some(month), Some(weekday), Some(nth), None) => {
                let weekday = weekday.weekday();
                let first = Date::new(2001, month, 1).ok()?;
                first.nth_weekday_of_month(nth, weekday).ok()?;
                When::Nth {
                    month,
                    weekday,
                    nth,
                }
            }
            (None, None, None, None, Some(date)) if date.time.is_none() => {
                When::Once(date.to_string().parse().ok()?)
            }
            _ => return None,
        };
        let sound = text.mark.as_deref().is_none_or(|m| matches!(m, "V" | "K"));
        let near = (-6..=6).contains(&text.after_days);
        (sound && near).then_some(Closed {
            when,
            after_days: text.after_days,
        })
    }

    /// The day of this row that falls in a year.
    fn of(&self, year: i16) -> Option<Date> {
        let date = match &self.when {
            When::Yearly { month, day, moves } => {
                let date = Date::new(year, *month, *day).ok()?;
                match date.weekday() {
                    Weekday::Sunday if moves.contains(&Move::Sunday) => date.tomorrow().ok()?,
                    Weekday::Saturday if moves.contains(&Move::Saturday) => {
                        date.yesterday().ok()?
                    }
                    _ => date,
                }
            }
            When::Nth {
                month,
                weekday,
                nth,
            } => {
                let first = Date::new(year, *month, 1).ok()?;
                first.nth_weekday_of_month(*nth, *weekday).ok()?
            }
            When::Once(date) => *date,
        };
        date.checked_add(days(self.after_days)).ok()
    }
}

fn days(count: i32) -> Span {
    count.days()
}

impl Calendar {
    /// Reads all calendars among the files of `policies/`.
    pub fn read(files: &BTreeMap<String, String>, defects: &mut Vec<Defect>) -> Calendar {
        let mut out = Calendar::default();
        if !files.contains_key(SHIPPED) {
            defects.push(defect(SHIPPED, TABLE_MISSING, "the file is missing"));
        }
        let own = files.iter().filter(|(path, _)| is_table("calendar", path));
        for (path, text) in own {
            match toml::from_str::<CalendarFile>(text) {
                Err(error) => defects.push(defect(path, "policy-table", error.message())),
                Ok(file) => {
                    for row in &file.closed {
                        match Closed::read(row) {
                            Some(closed) => {
                                out.closed.push(closed);
                                let mark = row.mark.clone();
                                out.marks.extend(mark.map(|mark| (row.name.clone(), mark)));
                            }
                            None => {
                                let message = format!("`{}` says no day", row.name);
                                defects.push(defect(path, "policy-table", message));
                            }
                        }
                    }
                }
            }
        }
        out
    }

    /// The closed days that say how sure they are: name and mark.
    pub fn marks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.marks.iter().map(|(name, mark)| (&**name, &**mark))
    }

    /// When something that happened at an instant is due within one business day: at the same
    /// local time of the next open day. What happens on a closed day counts as of the beginning of
    /// the next open one.
    pub fn due(&self, at: Timestamp) -> Timestamp {
        let zone = moment::zone();
        let instant = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
        let local = instant.to_zoned(zone.clone()).datetime();
        let (day, time) = (local.date(), local.time());
        let due = if self.is_open(day) {
            self.next_open(day).to_datetime(time)
        } else {
            let begun = self.next_open(day);
            self.next_open(begun).to_datetime(Time::midnight())
        };
        let ended = due.to_zoned(zone).map(|due| due.timestamp());
        Timestamp(ended.map_or(at.0, jiff::Timestamp::as_microsecond))
    }

    /// Whether offices are open on a day.
    fn is_open(&self, day: Date) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        // What a row moves may fall into the year before or after its own.
        let years = [day.year() - 1, day.year(), day.year() + 1];
        let mut rows = self.closed.iter();
        !weekend && !rows.any(|row| years.iter().any(|year| row.of(*year) == Some(day)))
    }

    /// The first open day after a day.
    fn next_open(&self, day: Date) -> Date {
        let mut next = day;
        for _ in 0..LOOK_DAYS {
            next = next.tomorrow().unwrap_or(next);
            if self.is_open(next) {
                break;
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(more: &[(&str, &str)]) -> (Calendar, Vec<Defect>) {
        let shipped = include_str!("../../policies/calendar.toml");
        let mut files = BTreeMap::from([(SHIPPED.to_owned(), shipped.to_owned())]);
        for (path, text) in more {
            files.insert((*path).to_owned(), (*text).to_owned());
        }
        let mut defects = Vec::new();
        (Calendar::read(&files, &mut defects), defects)
    }

    fn due(calendar: &Calendar, at: &str) -> String {
        let at = Timestamp::from_rfc3339(at).expect("an instant");
        let zone = moment::zone();
        let due = jiff::Timestamp::from_microsecond(calendar.due(at).0).expect("an instant");
        due.to_zoned(zone).datetime().to_string()
    }

    #[test]
    fn a_business_day_has_no_weekend_and_no_holiday() {
        // Goal: within one business day, in California. Method: instants on either side of
        // weekends, holidays, moved holidays and the change of clocks.
        let (calendar, defects) = calendar(&[]);
        assert!(defects.is_empty(), "{defects:?}");
        for (at, wanted) in [
            ("2026-09-15T12:00:00-07:00", "2026-09-16T12:00:00"),
            ("2026-09-18T15:00:00-07:00", "2026-09-21T15:00:00"), // a Friday
            ("2026-09-19T15:00:00-07:00", "2026-09-22T00:00:00"), // a Saturday
            ("2026-09-16T05:00:00Z", "2026-09-16T22:00:00"),      // still the day before
            ("2026-11-25T09:00:00-08:00", "2026-11-30T09:00:00"), // before Thanksgiving
            ("2028-11-09T09:00:00-08:00", "2028-11-13T09:00:00"), // the 11th is a Saturday
            ("2027-07-02T09:00:00-07:00", "2027-07-06T09:00:00"), // the 4th is a Sunday
            ("2026-12-31T09:00:00-08:00", "2027-01-04T09:00:00"), // over the year
            ("2026-10-30T09:00:00-07:00", "2026-11-02T09:00:00"), // clocks change between
        ] {
            assert_eq!(due(&calendar, at), wanted, "{at}");
        }
    }

    #[test]
    fn a_county_adds_its_own_days() {
        // Goal: an overlay's day counts. Method: one day once, one that says nothing.
        let own = "policies/calendar-here.toml";
        let row = "[[closed]]\nname = \"a day\"\ndate = 2026-09-16\n";
        let (calendar, defects) = calendar(&[(own, row)]);
        assert!(defects.is_empty(), "{defects:?}");
        let next = due(&calendar, "2026-09-15T12:00:00-07:00");
        assert_eq!(next, "2026-09-17T12:00:00");
        let none = "[[closed]]\nname = \"no day\"\n";
        let (_, defects) = self::calendar(&[(own, none)]);
        assert_eq!(defects.len(), 1);
    }
}
