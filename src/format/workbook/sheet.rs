//! The cells of one sheet, written as delimited text: line n is row n.
//!
//! Rows and cells a sheet leaves out are empty ones; what is empty to the end of the sheet or of
//! a row is not there. Cells keep their text; numbers are what their style says they are.

use super::Trouble;
use super::number;
use super::parts::{Gathered, Step, Steps, attribute, local};
use super::styles::Styles;
use crate::base::limits::{
    CELLS_MAX, WORKBOOK_CELLS_MAX, WORKBOOK_ROWS_MAX, WORKBOOK_TEXT_BYTES_MAX,
};
use crate::format::delimited::{Dialect, write_line};
use quick_xml::events::BytesStart;

/// What a formula that was saved without its value is told as: no program writes this word.
pub const NOT_COMPUTED: &str = "#NOT-COMPUTED!";
/// What a cell that is no number of its kind is told as.
const NO_VALUE: &str = "#VALUE!";

/// What may still be read of a workbook.
#[derive(Debug)]
pub(super) struct Budget {
    cells: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            cells: WORKBOOK_CELLS_MAX,
            bytes: WORKBOOK_TEXT_BYTES_MAX,
        }
    }
}

/// Reads a sheet. `cells`: the shared texts and the styles.
pub(super) fn read(
    xml: &str,
    cells: (&[Box<str>], &Styles),
    dialect: &Dialect,
    budget: &mut Budget,
) -> Result<Vec<u8>, Trouble> {
    let mut lines = Lines {
        out: Vec::new(),
        dialect: *dialect,
        next: 1,
        width: 0,
    };
    let mut reader = Reader {
        cells,
        budget,
        row: Row::default(),
        cell: Cell::default(),
    };
    let mut steps = Steps::of(xml);
    while let Some(step) = steps.next()? {
        reader.step(step, &mut lines)?;
    }
    Ok(lines.out)
}

struct Reader<'a> {
    cells: (&'a [Box<str>], &'a Styles),
    budget: &'a mut Budget,
    row: Row,
    cell: Cell,
}

/// The row being read.
#[derive(Default)]
struct Row {
    number: usize,
    cells: Vec<String>,
    /// Column of the last cell, from one.
    column: usize,
}

/// The cell being read.
#[derive(Default)]
struct Cell {
    kind: String,
    style: usize,
    formula: bool,
    in_value: bool,
    value: Option<String>,
    inline: Option<Gathered>,
}

impl Reader<'_> {
    fn step(&mut self, step: Step<'_>, lines: &mut Lines) -> Result<(), Trouble> {
        if let Some(inline) = &mut self.cell.inline
            && inline.take(&step)
        {
            return Ok(());
        }
        match step {
            Step::Open(start) => self.open(&start),
            Step::Text(text) if self.cell.in_value => {
                self.cell.value.get_or_insert_default().push_str(&text);
                Ok(())
            }
            Step::Text(_) => Ok(()),
            Step::Close(name) => match name.as_str() {
                "v" => {
                    self.cell.in_value = false;
                    Ok(())
                }
                "c" => self.close_cell(),
                "row" => {
                    let row = std::mem::take(&mut self.row.cells);
                    let before = lines.out.len();
                    lines.add(self.row.number, row);
                    self.spend(lines.out.len() - before)
                }
                _ => Ok(()),
            },
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), Trouble> {
        match local(start).as_str() {
            "row" => {
                let told = attribute(start, "r").and_then(|text| text.parse().ok());
                let number = told.unwrap_or(self.row.number + 1);
                if number <= self.row.number {
                    return Err(Trouble::Broken);
                }
                if number > WORKBOOK_ROWS_MAX {
                    return Err(Trouble::TooLarge);
                }
                self.row = Row {
                    number,
                    ..Row::default()
                };
            }
            "c" => {
                self.budget.cells = self.budget.cells.checked_sub(1).ok_or(Trouble::TooLarge)?;
                let told = attribute(start, "r").map(|place| column(&place));
                let column = told.unwrap_or(Some(self.row.column + 1));
                let column = column.filter(|column| *column > self.row.column);
                self.row.column = column.ok_or(Trouble::Broken)?;
                let style = attribute(start, "s").and_then(|text| text.parse().ok());
                self.cell = Cell {
                    kind: attribute(start, "t").unwrap_or_default(),
                    style: style.unwrap_or_default(),
                    ..Cell::default()
                };
            }
            "v" => self.cell.in_value = true,
            "f" => self.cell.formula = true,
            "is" => self.cell.inline = Some(Gathered::default()),
            _ => {}
        }
        Ok(())
    }

    fn close_cell(&mut self) -> Result<(), Trouble> {
        let cell = std::mem::take(&mut self.cell);
        let text = self.text(cell)?;
        if text.is_empty() {
            return Ok(());
        }
        if self.row.column > CELLS_MAX {
            return Err(Trouble::TooLarge);
        }
        // Shared texts are counted each time they stand somewhere.
        self.spend(text.len())?;
        self.row.cells.resize(self.row.column, String::new());
        if let Some(last) = self.row.cells.last_mut() {
            *last = text;
        }
        Ok(())
    }

    fn text(&self, cell: Cell) -> Result<String, Trouble> {
        if let Some(inline) = cell.inline {
            return Ok(inline.text);
        }
        let Some(value) = cell.value else {
            let told = cell.formula.then_some(NOT_COMPUTED);
            return Ok(told.unwrap_or_default().to_owned());
        };
        let (shared, styles) = self.cells;
        Ok(match cell.kind.as_str() {
            "s" => {
                let at: Option<usize> = value.trim().parse().ok();
                let found = at.and_then(|at| shared.get(at));
                found.ok_or(Trouble::Broken)?.to_string()
            }
            "str" | "inlineStr" | "e" | "d" => value,
            "b" => match value.trim() {
                "1" | "true" => "TRUE".to_owned(),
                _ => "FALSE".to_owned(),
            },
            _ => {
                let meaning = styles.meaning(cell.style);
                let text = number::text(value.trim(), meaning, styles.from_1904);
                text.unwrap_or_else(|| NO_VALUE.to_owned())
            }
        })
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Trouble> {
        self.budget.bytes = self
            .budget
            .bytes
            .checked_sub(bytes)
            .ok_or(Trouble::TooLarge)?;
        Ok(())
    }
}

/// The column of a place such as `AB12`, from one.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_uppercase);
    let number = letters.take(4).fold(0_usize, |number, letter| {
        number * 26 + usize::from(letter - b'A') + 1
    });
    (number > 0).then_some(number)
}

/// The rows so far, as text.
struct Lines {
    out: Vec<u8>,
    dialect: Dialect,
    /// The row the next line is.
    next: usize,
    /// Columns of the first row that has any.
    width: usize,
}

impl Lines {
    fn add(&mut self, number: usize, mut cells: Vec<String>) {
        if cells.is_empty() {
            return;
        }
        while self.next < number {
            // Two cells without a value: a row that holds nothing, not a line that is no row.
            self.out.extend_from_slice(&[self.dialect.delimiter, b'\n']);
            self.next += 1;
        }
        // Blanks behind the last name, and under no name, are what a program leaves there.
        while cells.len() > self.width && cells.last().is_some_and(|it| it.trim().is_empty()) {
            cells.pop();
        }
        if self.width == 0 {
            self.width = cells.len();
        }
        cells.resize(cells.len().max(self.width), String::new());
        write_line(
            cells.iter().map(String::as_str),
            &self.dialect,
            &mut self.out,
        );
        self.next += 1;
    }
}
