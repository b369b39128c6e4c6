//! `kinbridge translate`: records of one format in another, for authors of mappings.
//!
//! Records are read as intake reads them: one with an error is told and not written. No decision is
//! taken: whatever else is in the file comes out. It says so each time.

use super::out::Out;
use super::validate::find;
use crate::base::id::{FormatId, RecordType};
use crate::intake::read::{Reader, Reading};
use crate::mapping::Plans;
use crate::rules::Rules;
use crate::wire::Wire;
use anyhow::{Context, bail};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Arguments of `translate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Format and version of the file; without a version the newest
    #[arg(long)]
    from: String,
    /// Format and version to write; without a version the newest
    #[arg(long)]
    to: String,
    /// Media type to write, where the format has several; left out, its first
    #[arg(long)]
    media: Option<String>,
    /// Write the loss reports of the mappings used into this file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// A catalog folder laid over the shipped one; may be repeated
    #[arg(long)]
    catalog: Vec<PathBuf>,
    /// The file; `-` is standard input
    file: PathBuf,
}

/// Translates a file; exit code 1 when a finding is an error or a record cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let rules = match Rules::load(&args.catalog) {
        Ok(rules) => rules,
        Err(defects) => {
            for defect in &defects {
                eprintln!("{defect}");
            }
            bail!("the catalog has defects");
        }
    };
    eprintln!("kinbridge: translated without a decision; this is not a release");
    let named = |name: &str| find(&rules, name).map_err(anyhow::Error::msg);
    let (from, to) = (named(&args.from)?, named(&args.to)?);
    let allowed = record_types(&rules);
    let reader = Reader::new(&rules, &from, &allowed);
    let (Some(reader), Some(writer)) = (reader, rules.wires.get(&to)) else {
        bail!("{from} cannot be read or {to} not written");
    };
    if writer.is_workbook() {
        bail!("{to} is read, and written for samples and templates only");
    }
    let asked = written_as(writer, args)?;
    let writer = asked.as_ref().unwrap_or(writer);
    let bytes = read(&args.file)?;
    let mut job = Job {
        plans: &rules.plans,
        from: rules.sources.mapped_as(&from),
        to: &to,
        failed: false,
        used: Vec::new(),
    };
    let mut out = Out::new();
    let mut reading = Reading::default();
    let stream = reader.wire.is_stream(&bytes);
    for unit in reader.wire.units(&bytes) {
        match unit {
            Ok(unit) => reader.unit(&Arc::new(unit), stream, &mut reading),
            Err(finding) => reader.lost(finding, stream, &mut reading),
        }
    }
    // Nothing is written before all is read: a later record may contradict one before it.
    job.tell(&reading.findings);
    for one in reading.records {
        job.tell(&one.findings);
        let tree = one.record.and_then(|record| job.write(&record, writer));
        if let Some(tree) = tree {
            out.write_all(&writer.write(&tree))?;
            out.write_all(b"\n")?;
        }
    }
    if let Some(path) = &args.report {
        report(path, &job)?;
    }
    Ok(if job.failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

struct Job<'a> {
    plans: &'a Plans,
    from: &'a FormatId,
    to: &'a FormatId,
    failed: bool,
    used: Vec<RecordType>,
}

impl Job<'_> {
    fn tell(&mut self, findings: &[crate::base::finding::Finding]) {
        for finding in findings {
            self.failed |= finding.is_error();
            let place = match (finding.line, finding.column) {
                (Some(line), Some(column)) => format!("{line}:{column}: "),
                _ => String::new(),
            };
            eprintln!(
                "{place}{} {}: {}",
                finding.code, finding.path, finding.message
            );
        }
    }

    /// The record as a tree the format has a place for all of.
    fn write(
        &mut self,
        record: &crate::record::Record,
        writer: &Wire,
    ) -> Option<crate::format::Node> {
        if !self.used.contains(&record.record_type) {
            self.used.push(record.record_type.clone());
        }
        match self.plans.outbound(self.to, record) {
            Ok(out) => {
                let refused = writer.refused(&out.tree);
                self.tell(&refused);
                refused.is_empty().then_some(out.tree)
            }
            Err(error) => {
                self.failed = true;
                eprintln!("{}: {error}", record.record_type);
                None
            }
        }
    }
}

/// The format under the media type that is asked for; nothing where none is.
fn written_as(writer: &Wire, args: &Args) -> anyhow::Result<Option<Wire>> {
    let Some(media) = &args.media else {
        return Ok(None);
    };
    let asked = writer.written_as(media).with_context(|| {
        let known = writer.media_types().join(", ");
        format!("{} is not written as {media}; it has {known}", args.to)
    })?;
    Ok(Some(asked))
}

fn record_types(rules: &Rules) -> Vec<RecordType> {
    let mut all: Vec<RecordType> = rules
        .sources
        .mappings
        .iter()
        .filter(|mapping| !mapping.is_shared())
        .map(|mapping| mapping.record.clone())
        .collect();
    all.sort();
    all.dedup();
    all
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn report(path: &Path, job: &Job<'_>) -> anyhow::Result<()> {
    let both = [job.from, job.to];
    let all: Vec<_> = job
        .used
        .iter()
        .flat_map(|record| {
            both.iter()
                .filter_map(move |format| job.plans.loss(format, record))
        })
        .collect();
    std::fs::write(path, serde_json::to_string_pretty(&all)?)?;
    Ok(())
}
