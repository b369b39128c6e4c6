//! `kinbridge check`: compiles the catalog and prints every defect.

use crate::base::clock::{Clock, SystemClock};
use crate::catalog::partner_check;
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
    let now = SystemClock.now();
    let (rules, defects) = Rules::survey(&args.catalog, now);
    let sources = &rules.sources;
    let counts = (
        sources.formats.len(),
        sources.mappings.iter().filter(|m| !m.is_shared()).count(),
        sources.partners.len(),
    );
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
