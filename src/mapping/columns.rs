//! The cells of a table as its columns want them: habits of spreadsheets understood where the
//! sender's partner file declares them, told where it does not.
//!
//! What a column wants is what the record path wants that its row of the mapping leads to; nothing
//! is written twice. It must never change a cell but as declared, and never touches text.

use super::Plans;
use super::cell::{self, Day, Shortened};
use crate::base::Text;
use crate::base::finding::Finding;
use crate::base::finding_codes::{
    CELL_DATE_NOTATION, CELL_DIGITS_ROUNDED, CELL_ERROR_WORD, CELL_EXPONENT, CELL_NOT_COMPUTED,
    CELL_TIME_CLOCK_CHANGE, CELL_TIME_NOTATION, CELL_TIME_ZONE, CELL_ZEROS_LOST, CodeEntry,
    DATE_IMPOSSIBLE,
};
use crate::base::id::FormatId;
use crate::catalog::reads::{DayOrder, Exponents, HourNotation, Reads};
use crate::catalog::schema::{Kind, Shape, TextFormat};
use crate::format::tree::{Node, Value};
use crate::format::workbook::NOT_COMPUTED;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// Zeros that are put in front of a number at most.
const ZEROS_MAX: usize = 12;

/// The columns of one kind of table.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Columns that tell which kind of table it is.
    pub telling: Vec<Text>,
    /// Columns that name the record.
    pub ids: BTreeSet<Text>,
    /// What they hold.
    pub forms: BTreeMap<Text, Form>,
}

/// What a column holds.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// Anything.
    Any,
    /// A day.
    Day,
    /// A day and time.
    Moment,
    /// Either.
    DayOrMoment,
    /// Text of this form.
    Shaped(Regex),
}

impl Form {
    /// What is read into a place of the record as it stands.
    pub fn of(shape: Option<&Shape>) -> Form {
        let Some(Kind::Text(rule)) = shape.map(|shape| &shape.kind) else {
            return Form::Any;
        };
        match rule.format {
            Some(TextFormat::Date | TextFormat::PartialDate) => Form::Day,
            Some(TextFormat::DateTime) => Form::Moment,
            Some(TextFormat::PartialDateTime) => Form::DayOrMoment,
            _ => {
                let pattern = rule.pattern.as_ref().and_then(|text| Regex::new(text).ok());
                pattern.map_or(Form::Any, Form::Shaped)
            }
        }
    }
}

/// What becomes of a cell.
enum Verdict {
    /// It stays.
    Stays,
    /// It is empty.
    Empty,
    /// It is this.
    Is(String),
    /// It stays, and this is told of it.
    Wrong(Vec<&'static CodeEntry>),
    /// It is this, and this is told of it.
    Doubtful(String, &'static CodeEntry),
}

impl Plans {
    /// Understands the cells of a table as its sender's partner file declares, and tells what it
    /// does not. `first_row`: the number of the first row, for places. Nothing of other formats.
    pub fn understand(
        &self,
        format: &FormatId,
        (rows, first_row): (&mut Node, u32),
        reads: Option<&Reads>,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let tables = self.formats.get(format).map(|format| &format.columns);
        let told = |columns: &&Columns| {
            let first = rows.items().first();
            let has = |name: &Text| first.is_some_and(|row| row.get(name).is_some());
            !columns.telling.is_empty() && columns.telling.iter().all(has)
        };
        let found = tables.and_then(|tables| tables.values().find(told));
        let (Some(columns), Some(items)) = (found, rows.items_mut()) else {
            return findings;
        };
        let nothing = Reads::default();
        let reader = Reader {
            columns,
            reads: reads.unwrap_or(&nothing),
        };
        for (at, row) in items.iter_mut().enumerate() {
            let number = first_row.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            reader.row(row, number, &mut findings);
        }
        findings
    }
}

struct Reader<'a> {
    columns: &'a Columns,
    reads: &'a Reads,
}

impl Reader<'_> {
    fn row(&self, row: &mut Node, number: u32, findings: &mut Vec<Finding>) {
        let Value::Object(members) = &mut row.value else {
            return;
        };
        members.retain_mut(|(name, node)| {
            let (Some(form), Some(text)) = (self.columns.forms.get(name), node.as_str()) else {
                return true;
            };
            let verdict = self.cell(text, form, self.columns.ids.contains(name));
            let mut tell = |code: &'static CodeEntry| {
                let place = format!("row {number}, column {name}");
                findings.push(Finding::new(code).at(place).spanning(node.span));
            };
            match verdict {
                Verdict::Stays => {}
                Verdict::Empty => return false,
                Verdict::Is(text) => node.value = Value::String(text.into()),
                Verdict::Wrong(codes) => codes.into_iter().for_each(tell),
                Verdict::Doubtful(text, code) => {
                    tell(code);
                    node.value = Value::String(text.into());
                }
            }
            true
        });
    }

    fn cell(&self, text: &str, form: &Form, id: bool) -> Verdict {
        if cell::is_error_word(text) {
            return match self.reads.error_words && !id {
                true => Verdict::Empty,
                false if text == NOT_COMPUTED => Verdict::Wrong(vec![&CELL_NOT_COMPUTED]),
                false => Verdict::Wrong(vec![&CELL_ERROR_WORD]),
            };
        }
        if !id && self.reads.empty.iter().any(|word| word == text) {
            return Verdict::Empty;
        }
        if let Some(number) = cell::shortened(text) {
            return self.number(number, id);
        }
        match form {
            Form::Any => Verdict::Stays,
            Form::Shaped(shape) => self.zeros(text, shape),
            Form::Day => self.day(text),
            Form::Moment => self.moment(text),
            Form::DayOrMoment => match cell::dated(text) {
                Some(dated) if !dated.rest.is_empty() => self.moment(text),
                _ => self.day(text),
            },
        }
    }

    fn number(&self, number: Shortened, id: bool) -> Verdict {
        match (number, self.reads.exponents) {
            (Shortened::Exact(text), Some(_)) => Verdict::Is(text),
            (Shortened::Rounded(text), Some(Exponents::Rounded)) if !id => {
                Verdict::Doubtful(text, &CELL_DIGITS_ROUNDED)
            }
            _ => Verdict::Wrong(vec![&CELL_EXPONENT]),
        }
    }

    /// Digits that have the form only with zeros in front.
    fn zeros(&self, text: &str, shape: &Regex) -> Verdict {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || text.is_empty() || shape.is_match(text) {
            return Verdict::Stays;
        }
        let longer = (1..=ZEROS_MAX).map(|count| format!("{}{text}", "0".repeat(count)));
        match longer.into_iter().find(|longer| shape.is_match(longer)) {
            Some(longer) if self.reads.leading_zeros => Verdict::Is(longer),
            Some(_) => Verdict::Wrong(vec![&CELL_ZEROS_LOST]),
            None => Verdict::Stays,
        }
    }

    /// The order of day and month, or what is told where none is declared.
    fn order(&self, day: Day) -> Result<DayOrder, &'static CodeEntry> {
        match (day, self.reads.dates) {
            (Day::Plain(..), order) => Ok(order.unwrap_or(DayOrder::MonthDay)),
            (Day::Slashed(..), Some(order)) => Ok(order),
            (Day::Slashed(..), None) | (Day::ShortYear, _) => Err(&CELL_DATE_NOTATION),
        }
    }

    fn day(&self, text: &str) -> Verdict {
        let Some(dated) = cell::dated(text) else {
            return Verdict::Stays;
        };
        let midnight = cell::clock(dated.rest).and_then(|clock| clock.time);
        let midnight = midnight.is_some_and(|time| time == jiff::civil::Time::midnight());
        let plain = matches!(dated.day, Day::Plain(..));
        if plain && dated.rest.is_empty() || !(dated.rest.is_empty() || midnight) {
            return Verdict::Stays;
        }
        match self.order(dated.day).map(|order| dated.day.date(order)) {
            Ok(Some(date)) => Verdict::Is(date.to_string()),
            Ok(None) => Verdict::Wrong(vec![&DATE_IMPOSSIBLE]),
            Err(code) => Verdict::Wrong(vec![code]),
        }
    }

    fn moment(&self, text: &str) -> Verdict {
        let Some(dated) = cell::dated(text) else {
            return Verdict::Stays;
        };
        let Some(clock) = cell::clock(dated.rest) else {
            // A day alone in a spreadsheet's notation, or a time with its offset.
            return match self.order(dated.day) {
                Err(code) => Verdict::Wrong(vec![code]),
                Ok(_) => Verdict::Stays,
            };
        };
        let order = self.order(dated.day);
        let hours = self.reads.times == Some(HourNotation::TwelveHour) || !clock.twelve_hour;
        let mut wrong = Vec::new();
        wrong.extend(order.err());
        wrong.extend((!hours).then_some(&CELL_TIME_NOTATION));
        let zone = self.reads.time_zone();
        if wrong.is_empty() && zone.is_none() {
            return Verdict::Wrong(vec![&CELL_TIME_ZONE]);
        }
        let (Ok(order), Some(zone), true) = (order, zone, wrong.is_empty()) else {
            return Verdict::Wrong(wrong);
        };
        match (dated.day.date(order), clock.time) {
            (Some(date), Some(time)) => match cell::instant(date, time, &zone) {
                Some(instant) => Verdict::Is(instant),
                None => Verdict::Wrong(vec![&CELL_TIME_CLOCK_CHANGE]),
            },
            _ => Verdict::Wrong(vec![&DATE_IMPOSSIBLE]),
        }
    }
}
