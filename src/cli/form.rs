//! `kinbridge form`: one printable consent form.

use super::{decide, records::language};
use crate::base::vocabulary::ConsentKind;
use crate::catalog;
use crate::disclosure::sheet::{Language, Sheets};
use anyhow::{Context, bail};
use std::path::PathBuf;
use std::process::ExitCode;

/// Which form.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A kind of consent: `part2_tpo`, `general_roi`, ...
    #[arg(long, value_parser = kind)]
    kind: ConsentKind,
    /// `en` or `es`
    #[arg(long, default_value = "en", value_parser = language)]
    lang: Language,
    /// Write to this file; left out, to standard output
    #[arg(long)]
    output: Option<PathBuf>,
    /// A catalog folder laid over the shipped one; may be repeated
    #[arg(long)]
    catalog: Vec<PathBuf>,
}

fn kind(word: &str) -> Result<ConsentKind, String> {
    let all = || ConsentKind::ALL.iter().map(|kind| kind.as_str());
    let told = || format!("the kinds are: {}", all().collect::<Vec<_>>().join(", "));
    word.parse().map_err(|_| told())
}

/// Prints it.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let policy = decide::load(&args.catalog)?;
    let (sources, _) = catalog::load(&args.catalog);
    let (sheets, defects) = Sheets::compile(&sources, policy.pack());
    for defect in &defects {
        eprintln!("{defect}");
    }
    let digest = sources.digest.as_str();
    let page = sheets.page(policy.pack(), args.kind, args.lang, digest);
    let Some(page) = page.filter(|_| defects.is_empty()) else {
        bail!("the words of the forms have {} defects", defects.len());
    };
    match &args.output {
        Some(path) => {
            let written = std::fs::write(path, &page);
            written.with_context(|| format!("{}", path.display()))?;
        }
        None => print!("{page}"),
    }
    Ok(ExitCode::SUCCESS)
}
