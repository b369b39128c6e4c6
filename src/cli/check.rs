//! `kinbridge check`: compiles the catalog and prints every defect.

use crate::base::clock::{Clock, SystemClock};
use crate::catalog::{self, partner_check};
use crate::rules::Rules;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A catalog folder laid over the shipped one; may be repeated
    #[arg(long)]
    catalog: Vec<PathBuf>,
    /// Write the loss report of every mapping into this folder, as in docs/loss
    #[arg(long, value_name = "DIR")]
    losses: Option<PathBuf>,
}

/// Prints all defects; exit code 1 when there is any.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (sources, mut defects) = catalog::load(&args.catalog);
    let counts = (
        sources.formats.len(),
        sources.mappings.iter().filter(|m| !m.is_shared()).count(),
        sources.partners.len(),
    );
    let now = SystemClock.now();
    defects.extend(catalog::fit::check(&sources, now));
    let (rules, more) = Rules::from_sources(sources);
    defects.extend(more);
    defects.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    defects.dedup();
    for defect in &defects {
        println!("{defect}");
    }
    for (partner, agreement) in partner_check::expired(&rules.sources, now) {
        println!("warning: {}: agreement {agreement} has run out", partner.id);
    }
    if let Some(folder) = &args.losses {
        for report in rules.plans.losses() {
            let path = folder.join(&report.format);
            std::fs::create_dir_all(&path)?;
            std::fs::write(
                path.join(format!("{}.json", report.record)),
                report.to_json(),
            )?;
        }
    }
    let (formats, mappings, partners) = counts;
    println!(
        "{} defects; {formats} formats, {mappings} mappings, {partners} partners; rule set {}",
        defects.len(),
        rules.digest
    );
    Ok(if defects.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
