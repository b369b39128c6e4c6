//! `kinbridge keys`: new generations of the store's keys, while the gateway is stopped.

use crate::base::clock::{Clock as _, SystemClock};
use crate::base::digest::hex;
use crate::config::Config;
use crate::store::{MasterKey, rotate_keys};
use std::path::PathBuf;
use std::process::ExitCode;

/// What to do with the keys.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Seal and sign by new keys from now on; the old ones stay and open what they sealed
    Rotate(Rotate),
}

#[derive(Debug, clap::Args)]
struct Rotate {
    /// Settings file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Command::Rotate(rotate) = &args.command;
    let config = Config::load(rotate.config.as_deref())?;
    let key = MasterKey::load(&config.master_key_file())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let now = SystemClock.now();
    let public = runtime.block_on(rotate_keys(&config.database_file(), key, now))?;
    println!("checkpoints are signed by this key from now on; keep it outside:");
    println!("{}", hex(&public));
    Ok(ExitCode::SUCCESS)
}
