//! `kinbridge doctor`: store, keys, clock, certificates, agreements and rules at a glance.

use crate::base::clock::{Clock as _, SystemClock};
use crate::catalog;
use crate::checkup::{self, Point, Standing};
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// Settings as `serve` reads them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Settings file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Prints the table; exit 1 when a point failed.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    let now = SystemClock.now();
    let mut points = vec![Point::new("clock", Standing::Good, now.to_rfc3339())];
    points.extend(checkup::master_key(&config));
    points.extend(checkup::tls(&config, now));
    let (sources, defects) = catalog::load(&config.catalog);
    points.push(rules(sources.digest.as_str(), defects.len()));
    points.extend(checkup::partners(&sources, now));
    print!("{}", checkup::table(&mut points));
    let failed = points.iter().any(|p| p.standing == Standing::Failed);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn rules(digest: &str, defects: usize) -> Point {
    match defects {
        0 => Point::new("rules", Standing::Good, digest),
        n => Point::new(
            "rules",
            Standing::Failed,
            format!("{n} defects; `kinbridge check` prints them"),
        ),
    }
}
