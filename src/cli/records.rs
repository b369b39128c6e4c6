//! `kinbridge records`: the data dictionary of the shipped record types, as in docs/records.md.

use crate::catalog;
use std::process::ExitCode;

/// No arguments.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the dictionary.
pub fn run(_: &Args) -> anyhow::Result<ExitCode> {
    let (sources, _) = catalog::load(&[]);
    print!("{}", catalog::dictionary::dictionary(&sources));
    Ok(ExitCode::SUCCESS)
}
