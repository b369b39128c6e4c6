//! `kinbridge partner`: a new partner's file, and the list it passes before it goes live.

mod answers;
pub mod certify;
mod letter;
mod new;
mod samples;
mod tryout;

use std::process::ExitCode;

/// Onboarding of partners.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Ask a few questions; write the partner file, samples and a letter of connection
    New(Box<new::Args>),
    /// Try the go-live list on a gateway of its own and print pass or fail
    Certify(certify::Args),
}

/// Runs the subcommand.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::New(args) => new::run(args),
        Command::Certify(args) => certify::run(args),
    }
}
