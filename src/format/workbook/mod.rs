//! Workbooks (Office Open XML, `.xlsx`): sheets to rows of cells, written as delimited text.
//!
//! What comes out of a sheet is what its cells hold, a line a row, so that everything after it is
//! the road of delimited text: header, groups, columns, findings. Formulas give the values they
//! were saved with; dates are told by the format of their cells. It reads no macros, links or
//! pictures, computes nothing, and unpacks no more than the limits allow, whatever a file says of
//! its own size.

mod archive;
mod number;
mod parts;
mod sheet;
mod styles;
mod write;

pub use archive::begins;
pub use sheet::NOT_COMPUTED;
pub use write::write;

use super::delimited::Dialect;
use crate::base::finding::Finding;
use crate::base::finding_codes::{SIZE_EXCEEDED, WORKBOOK_LOCKED, WORKBOOK_UNREADABLE};
use archive::Archive;
use sheet::Budget;
use styles::Styles;

/// Why a workbook, or a part of it, is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is no workbook.
    NoWorkbook,
    /// It is of the old format, or encrypted.
    Locked,
    /// It is larger than the limits.
    TooLarge,
    /// It contradicts itself.
    Broken,
}

impl From<Trouble> for Finding {
    fn from(trouble: Trouble) -> Finding {
        match trouble {
            Trouble::NoWorkbook => Finding::new(&WORKBOOK_UNREADABLE),
            Trouble::Broken => Finding::new(&WORKBOOK_UNREADABLE)
                .saying("the workbook is damaged")
                .fixed_by("open it in the spreadsheet program and save it again as .xlsx"),
            Trouble::Locked => Finding::new(&WORKBOOK_LOCKED),
            Trouble::TooLarge => Finding::new(&SIZE_EXCEEDED),
        }
    }
}

/// One workbook, its sheets read one after another.
#[derive(Debug)]
pub struct Workbook {
    archive: Archive,
    shared: Vec<Box<str>>,
    styles: Styles,
    sheets: std::vec::IntoIter<parts::SheetPart>,
    budget: Budget,
    number: u32,
}

/// One sheet.
#[derive(Debug)]
pub struct Sheet {
    /// Its place in the workbook, from one.
    pub number: u32,
    /// Its name, which somebody typed: never to be shown.
    pub name: String,
    /// The program does not show it.
    pub hidden: bool,
    /// Its rows as delimited text in UTF-8: line n is row n. Empty for a sheet without a cell.
    pub text: Vec<u8>,
}

impl Workbook {
    /// Opens a workbook.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn open(bytes: Vec<u8>) -> Result<Workbook, Trouble> {
        let mut archive = Archive::open(bytes)?;
        let book = parts::book(&mut archive)?;
        let shared = match &book.shared {
            Some(path) => parts::shared(&archive.read(path)?)?,
            None => Vec::new(),
        };
        let styles = match &book.styles {
            Some(path) => Styles::read(&archive.read(path)?, book.from_1904)?,
            None => Styles::plain(book.from_1904),
        };
        Ok(Workbook {
            archive,
            shared,
            styles,
            sheets: book.sheets.into_iter(),
            budget: Budget::default(),
            number: 0,
        })
    }

    /// The next sheet, its cells separated as the dialect says; a sheet that cannot be read is the
    /// last one.
    pub fn next_sheet(&mut self, dialect: &Dialect) -> Option<Result<Sheet, Finding>> {
        let part = self.sheets.next()?;
        self.number += 1;
        let read = self.archive.read(&part.path).and_then(|xml| {
            let cells = (self.shared.as_slice(), &self.styles);
            sheet::read(&xml, cells, dialect, &mut self.budget)
        });
        Some(match read {
            Ok(text) => Ok(Sheet {
                number: self.number,
                name: part.name,
                hidden: part.hidden,
                text,
            }),
            Err(trouble) => {
                self.sheets = Vec::new().into_iter();
                let finding = Finding::from(trouble);
                Err(finding.at(format!("sheet {}", self.number)))
            }
        })
    }
}
