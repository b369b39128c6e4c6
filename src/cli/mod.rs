//! The command line: one file per command.
//!
//! A command parses its arguments, calls the library and prints. It decides nothing.

#[macro_use]
mod out;

mod backup;
mod check;
mod decide;
mod demo;
mod doctor;
mod findings;
mod form;
mod keys;
mod ledger;
pub mod partner;
mod policy;
mod policy_facts;
mod policy_readings;
mod pull;
mod recorded;
mod records;
mod replay;
mod serve;
mod translate;
mod validate;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A gateway for family engagement records.
#[derive(Debug, Parser)]
#[command(name = "kinbridge", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the database into one file, beside a running gateway
    Backup(backup::Args),
    /// Compile the catalog and print every defect
    Check(check::Args),
    /// Answer disclosure questions from a file, one a line
    Decide(decide::Args),
    /// Tell a family's story through a real gateway on loopback
    Demo(demo::Args),
    /// Look at store, keys, clock, certificates, agreements and rules
    Doctor(doctor::Args),
    /// Print the reference of all finding codes, as in docs/findings.md
    Findings(findings::Args),
    /// Print a consent form of one kind as an HTML page for one sheet of paper
    Form(form::Args),
    /// Make new generations of the store's keys, while the gateway is stopped
    Keys(keys::Args),
    /// Verify, export and read the ledger
    Ledger(ledger::Args),
    /// Onboard a partner: new, certify
    Partner(partner::Args),
    /// List, test and compare law packs
    Policy(policy::Args),
    /// Fetch a batch of released records, with progress, resume and hashes
    Pull(pull::Args),
    /// Print the data dictionary of the record types, as in docs/records.md
    Records(records::Args),
    /// Serve the API and deliver, until told to stop
    Serve(serve::Args),
    /// Write the records of a file in another format, deciding nothing
    Translate(translate::Args),
    /// Tell everything wrong with a file, as intake would
    Validate(validate::Args),
}

/// Runs the command line of this process. Exit codes: 0 done, 1 refused or failed, 2 usage; 141
/// when whoever read the output has gone.
pub fn run() -> ExitCode {
    out::until_gone(command)
}

fn command() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Backup(args) => backup::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Decide(args) => decide::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Findings(args) => findings::run(&args),
        Command::Form(args) => form::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Ledger(args) => ledger::run(&args),
        Command::Partner(args) => partner::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Pull(args) => pull::run(&args),
        Command::Records(args) => records::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Translate(args) => translate::run(&args),
        Command::Validate(args) => validate::run(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("kinbridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}
