//! `kinbridge translate`: records of one format in another, for authors of mappings.
//!
//! No decision is taken: whatever is in the file comes out. It says so each time.

use super::out::Out;
use crate::base::id::{FormatId, RecordType};
use crate::mapping::Plans;
use crate::rules::Rules;
use crate::wire::Wire;
use anyhow::{Context, bail};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `translate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Format and version of the file
    #[arg(long)]
    from: String,
    /// Format and version to write
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
    let (from, to) = (FormatId::new(&args.from), FormatId::new(&args.to));
    let (Some(reader), Some(writer)) = (rules.wires.get(&from), rules.wires.get(&to)) else {
        let known: Vec<&str> = rules.sources.formats.keys().map(|id| id.as_str()).collect();
        bail!("unknown format; the catalog has {}", known.join(", "));
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
    let allowed = record_types(&rules);
    for unit in reader.units(&bytes) {
        let unit = match unit {
            Ok(unit) => unit,
            Err(finding) => {
                job.tell(&[finding]);
                continue;
            }
        };
        let mut parsed = reader.parse(&unit);
        if let Some(rows) = &mut parsed.tree {
            let place = (rows, unit.first_row);
            let mut told = job.plans.understand(job.from, place, None);
            reader.fill(&unit, &mut told);
            parsed.findings.extend(told);
        }
        job.tell(&parsed.findings);
        let Some(tree) = parsed.tree else { continue };
        let mut inbound = job.plans.inbound(job.from, &tree, &allowed);
        reader.fill(&unit, &mut inbound.findings);
        job.tell(&inbound.findings);
        for mut record in inbound.records {
            reader.fill(&unit, &mut record.findings);
            job.tell(&record.findings);
            if let Some(tree) = job.write(&record.record, writer) {
                out.write_all(&writer.write(&tree))?;
                out.write_all(b"\n")?;
            }
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
