//! `kinbridge records`: the data dictionary, and the column guides of delimited formats.

use super::out::Out;
use crate::base::language::Language;
use crate::catalog::{self, columns, dictionary, paper};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to print; without options the dictionary of docs/records.md.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A delimited format: print what its columns hold
    #[arg(long)]
    format: Option<String>,
    /// With --format: print only the header row of this record type's file; of a workbook's format
    /// the workbook itself, to be sent into a file
    #[arg(long, requires = "format")]
    template: Option<String>,
    /// With --format: print the paper form of this record type's file, a page of HTML whose boxes
    /// are its columns
    #[arg(long, requires = "format", conflicts_with = "template")]
    paper: Option<String>,
    /// Of the paper form: `en` or `es`
    #[arg(long, default_value = "en", value_parser = language)]
    lang: Language,
    /// A catalog folder laid over the shipped one; may repeat
    #[arg(long)]
    catalog: Vec<PathBuf>,
}

/// A language by its tag.
pub(super) fn language(word: &str) -> Result<Language, String> {
    word.parse().map_err(|()| String::from("en or es"))
}

/// Prints it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (sources, _) = catalog::load(&args.catalog);
    if let (Some(format), Some(record)) = (&args.format, &args.template)
        && let Some(book) = columns::workbook_template(&sources, format, record)
    {
        Out::new().write_all(&book)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let (Some(format), Some(record)) = (&args.format, &args.paper) {
        return shown(paper::sheet(&sources, (format, record), args.lang));
    }
    shown(match (&args.format, &args.template) {
        (None, _) => Some(dictionary::dictionary(&sources)),
        (Some(format), None) => columns::guide(&sources, format),
        (Some(format), Some(record)) => columns::template(&sources, format, record),
    })
}

fn shown(text: Option<String>) -> anyhow::Result<ExitCode> {
    match text {
        Some(text) => {
            print!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        None => {
            eprintln!("kinbridge: no delimited format, or no file in it, of that name");
            Ok(ExitCode::from(2))
        }
    }
}
