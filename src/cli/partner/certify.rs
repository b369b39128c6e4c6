//! `kinbridge partner certify`: the go-live list, tried on a gateway of its own.
//!
//! The gateway runs in a temporary folder on loopback with the partner in test mode; nothing of
//! the deployment's data is touched. Only a whole pass is written.

use super::tryout::{Tried, Tryout};
use crate::base::clock::{Clock, SystemClock};
use crate::base::id::PartnerId;
use crate::catalog::certified::{Pass, tried};
use crate::rules::Rules;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `certify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The partner's id
    #[arg(long)]
    partner: String,
    /// Catalog folder with the partner's file; the pass is written into the last one
    #[arg(long, required = true)]
    catalog: Vec<PathBuf>,
}

/// Tries the list, prints it, writes the pass.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (pass, list) = runtime.block_on(certify(&args.catalog, &args.partner))?;
    for tried in &list {
        let word = if tried.passed { "pass" } else { "FAIL" };
        println!("{word} {}", tried.what);
        for line in tried.why.lines() {
            println!("     {line}");
        }
    }
    let Some(pass) = pass else {
        println!("\n{} may not go live yet", args.partner);
        return Ok(ExitCode::FAILURE);
    };
    let folder = args.catalog.last().context("a catalog folder")?;
    let file = write_pass(folder, &pass)?;
    println!(
        "\npass written to {}; now set mode = \"live\"",
        file.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Tries the list for a partner of these catalogs; the pass only when all of it holds.
pub async fn certify(
    catalogs: &[PathBuf],
    partner: &str,
) -> anyhow::Result<(Option<Pass>, Vec<Tried>)> {
    let rules = Rules::load(catalogs).map_err(|defects| {
        let all: Vec<String> = defects.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the catalog has defects:\n{}", all.join("\n"))
    })?;
    let id = PartnerId::new(partner);
    let file = rules.partners.get(&id);
    let digest = tried(file.with_context(|| format!("no partner {partner} in the catalog"))?);
    let (rule_set, list) = (
        rules.digest.clone(),
        Tryout::start(catalogs, &id)?.run().await?,
    );
    let passed = list.iter().all(|tried| tried.passed);
    let pass = passed.then(|| Pass {
        partner: id,
        channels_sha256: digest,
        rule_set,
        at: SystemClock.now().to_rfc3339(),
        checks: list.iter().map(|tried| tried.what.clone()).collect(),
    });
    Ok((pass, list))
}

/// Writes a pass into a catalog folder.
pub fn write_pass(catalog: &Path, pass: &Pass) -> anyhow::Result<PathBuf> {
    let folder = catalog.join("mappings/certified");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.toml", pass.partner));
    std::fs::write(&file, toml::to_string(pass)?)?;
    Ok(file)
}
