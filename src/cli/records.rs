//! `kinbridge records`: the data dictionary, and the column guides of delimited formats.

use super::out::Out;
use crate::catalog::{self, columns, dictionary};
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
    /// A catalog folder laid over the shipped one; may repeat
    #[arg(long)]
    catalog: Vec<PathBuf>,
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
    let text = match (&args.format, &args.template) {
        (None, _) => Some(dictionary::dictionary(&sources)),
        (Some(format), None) => columns::guide(&sources, format),
        (Some(format), Some(record)) => columns::template(&sources, format, record),
    };
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
