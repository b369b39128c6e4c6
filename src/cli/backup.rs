//! `kinbridge backup`: the database as one file, beside a running gateway.

use super::ledger::Place;
use crate::store::archive::Archive;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to back up, and where to.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// The new file; one that is there is never written over
    file: PathBuf,
}

/// Writes the backup, looks through it and prints its newest checkpoint; exit 1 when something in
/// it is wrong.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut archive = Archive::open(&args.place.database()?).await?;
        archive.backup(&args.file).await?;
        let mut copy = Archive::open(&args.file).await?;
        let report = copy.verify(&[], &[]).await?;
        eprintln!(
            "{}: {} ledger entries; the master key is not in it",
            args.file.display(),
            report.entries
        );
        if let Some(checkpoint) = copy.checkpoint().await? {
            println!("{}", serde_json::to_string(&checkpoint)?);
        }
        if report.is_sound() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("something in it is wrong: run `kinbridge ledger verify`");
        Ok(ExitCode::FAILURE)
    })
}
