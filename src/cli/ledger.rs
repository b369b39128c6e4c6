//! `kinbridge ledger`: verify, export and read the ledger, beside a running gateway or on a copy.

use super::out::Out;
use crate::base::digest::unhex;
use crate::base::id::PersonId;
use crate::base::vocabulary::Verdict;
use crate::config::Config;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::export;
use crate::ledger::verify::{Report, RowReport};
use crate::store::archive::{Archive, Who};
use crate::store::{Disclosure, MasterKey};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with the ledger.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify every entry, the tree and the checkpoints; exit 1 when anything is wrong
    Verify(Verify),
    /// Write the whole ledger as text, which `verify --export` and anybody else can check
    Export(Export),
    /// Take every recorded decision again by its own rule set; exit 1 when one comes out otherwise
    Replay(super::replay::Args),
    /// List what about a person went to whom, under which decision
    Disclosures(Disclosures),
}

/// Which database.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// Database file; left out, the one of the settings
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Settings file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Verify {
    #[command(flatten)]
    place: Place,
    /// An export instead of a database
    #[arg(long, value_name = "FILE", conflicts_with_all = ["database", "config"])]
    export: Option<PathBuf>,
    /// A key checkpoints may be signed with, as kept outside; may be repeated; left out, the
    /// ledger's own word
    #[arg(long, value_name = "HEX")]
    public_key: Vec<String>,
    /// A checkpoint kept outside (JSON, as in a receipt); may be repeated
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    output: String,
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    place: Place,
    /// Where to; left out, standard output
    file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Disclosures {
    #[command(flatten)]
    place: Place,
    /// Master key file; left out, the one of the settings
    #[arg(long, value_name = "FILE")]
    master_key: Option<PathBuf>,
    /// The person by the gateway's id, `per_...`
    #[arg(
        long,
        conflicts_with = "identifier",
        required_unless_present = "identifier"
    )]
    person: Option<String>,
    /// The person by an identifier, `system|value`
    #[arg(long)]
    identifier: Option<String>,
    /// `text` or `json`
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    output: String,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match &args.command {
            Command::Verify(args) => verify(args).await,
            Command::Export(args) => write_export(args).await,
            Command::Replay(args) => super::replay::run(args).await,
            Command::Disclosures(args) => disclosures(args).await,
        }
    })
}

impl Place {
    /// Whether one was named.
    pub(super) fn is_named(&self) -> bool {
        self.database.is_some() || self.config.is_some()
    }

    pub(super) fn config(&self) -> anyhow::Result<Config> {
        Ok(Config::load(self.config.as_deref())?)
    }

    pub(super) fn database(&self) -> anyhow::Result<PathBuf> {
        match &self.database {
            Some(file) => Ok(file.clone()),
            None => Ok(self.config()?.database_file()),
        }
    }
}

async fn verify(args: &Verify) -> anyhow::Result<ExitCode> {
    let keys = args.public_key.iter();
    let keys = keys.map(|hex| unhex(hex).context("the public key is not hexadecimal"));
    let keys = keys.collect::<anyhow::Result<Vec<Vec<u8>>>>()?;
    let kept = args.checkpoint.iter().map(|file| read_checkpoint(file));
    let kept = kept.collect::<anyhow::Result<Vec<_>>>()?;
    let report = match &args.export {
        Some(file) => {
            let file = File::open(file).context("the export cannot be opened")?;
            export::verify(&mut BufReader::new(file), &keys, &kept)?
        }
        None => {
            let mut archive = Archive::open(&args.place.database()?).await?;
            archive.verify(&keys, &kept).await?
        }
    };
    if args.output == "json" {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report_text(&report));
    }
    Ok(if report.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read_checkpoint(file: &Path) -> anyhow::Result<Checkpoint> {
    let text = std::fs::read_to_string(file).context("a checkpoint cannot be read")?;
    serde_json::from_str(&text).context("a checkpoint file is not a checkpoint")
}

fn report_text(report: &Report) -> String {
    let mut out = format!(
        "{} entries, {} checkpoints match, {} entries are covered by them\n",
        report.entries, report.checkpoints, report.covered
    );
    for problem in &report.problems {
        let kind = serde_json::to_value(problem.kind).unwrap_or_default();
        let kind = kind.as_str().unwrap_or_default().to_owned();
        out.push_str(&format!(
            "position {}: {kind}: {}\n",
            problem.position, problem.message
        ));
    }
    if report.problems_omitted > 0 {
        out.push_str(&format!("and {} more\n", report.problems_omitted));
    }
    if let Some(rows) = &report.rows {
        push_rows(&mut out, rows);
    }
    for note in &report.notes {
        out.push_str(&format!("note: {note}\n"));
    }
    out.push_str(if report.is_sound() {
        "nothing is wrong\n"
    } else {
        "the ledger or the store was altered\n"
    });
    out
}

fn push_rows(out: &mut String, rows: &RowReport) {
    for problem in &rows.problems {
        let kind = serde_json::to_value(problem.kind).unwrap_or_default();
        let kind = kind.as_str().unwrap_or_default().to_owned();
        let at = problem.position.map(|at| format!(" (position {at})"));
        let at = at.unwrap_or_default();
        let (subject, message) = (&problem.subject, &problem.message);
        out.push_str(&format!("{subject}{at}: {kind}: {message}\n"));
    }
    if rows.problems_omitted > 0 {
        out.push_str(&format!("and {} more\n", rows.problems_omitted));
    }
    if rows.shredded > 0 {
        let count = rows.shredded;
        out.push_str(&format!("{count} stored versions are shredded: no key\n"));
    }
}

async fn write_export(args: &Export) -> anyhow::Result<ExitCode> {
    let mut archive = Archive::open(&args.place.database()?).await?;
    match &args.file {
        Some(file) => {
            let file = File::create(file).context("the export cannot be created")?;
            archive.export(&mut BufWriter::new(file)).await?;
        }
        None => {
            let out = Out::new();
            archive.export(&mut BufWriter::new(out)).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn disclosures(args: &Disclosures) -> anyhow::Result<ExitCode> {
    let who = match (&args.person, &args.identifier) {
        (Some(id), _) => Who::Person(PersonId::parse(id).context("not a person id")?),
        (None, Some(identifier)) => Who::Identifier(identifier.clone()),
        (None, None) => bail!("name a person or an identifier"),
    };
    let key_file = match &args.master_key {
        Some(file) => file.clone(),
        None => args.place.config()?.master_key_file(),
    };
    let key = MasterKey::load(&key_file)?;
    let mut archive = Archive::open(&args.place.database()?).await?;
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let Some(page) = archive.disclosures(key.clone(), &who, after).await? else {
            bail!("no person is known by this identifier");
        };
        all.extend(page.disclosures);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if args.output == "json" {
        let lines: Vec<_> = all.iter().map(line).collect();
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        all.iter().for_each(|one| println!("{}", text(one)));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(one: &Disclosure) -> serde_json::Value {
    serde_json::json!({
        "disclosure_id": one.disclosure_id,
        "person": one.person,
        "at": one.at.to_rfc3339(),
        "recipient": one.partner,
        "purpose": one.decision.purpose,
        "record_id": one.record_id,
        "record_type": one.record_type,
        "source": one.source,
        "exposure": one.exposure,
        "data_classes": classes(one),
        "citations": one.decision.citations,
        "rule_set": one.decision.rule_set,
    })
}

fn text(one: &Disclosure) -> String {
    let exposure = match one.exposure {
        crate::store::Exposure::Confirmed => "received",
        crate::store::Exposure::Possible => "may have been received",
    };
    format!(
        "{}  {}  {}  from {}  {}  {}  {}",
        one.at.to_rfc3339(),
        one.partner,
        one.record_type,
        one.source,
        one.decision.purpose,
        exposure,
        classes(one).join(", ")
    )
}

/// The classes that went about this person.
fn classes(one: &Disclosure) -> Vec<&str> {
    let rows = one.decision.rows.iter();
    let mut classes: Vec<&str> = rows
        .filter(|row| row.person == one.person && row.verdict == Verdict::Permit)
        .map(|row| row.data_class.as_str())
        .collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}
