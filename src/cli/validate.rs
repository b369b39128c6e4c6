//! `kinbridge validate`: what a submission in one format would be told, without sending it.
//!
//! Reads the file as intake does, in bounded pieces, and prints every finding. Stores nothing,
//! decides nothing about disclosure. Exit codes: 0 no finding at error level, 1 otherwise, 2 usage.

use super::out::Out;
use crate::base::clock::{Clock as _, SystemClock, Timestamp};
use crate::base::finding::Finding;
use crate::base::finding_codes::SERVICE_SOURCE_UNKNOWN;
use crate::base::id::{FormatId, PartnerId, RecordType};
use crate::catalog::partner::{Channel, Direction};
use crate::intake::read::{ReadRecord, Reader, Reading};
use crate::intake::ways::HEAD_BYTES_MAX;
use crate::rules::Rules;
use crate::validate::rules::{ahead, call};
use crate::wire::{Unclear, sole};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// One line each, for people.
    Text,
    /// A JSON array, for programs.
    Json,
}

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Format and version, such as fhir-r4/4.0; without a version the newest. Left out, told by how
    /// the file begins
    #[arg(long)]
    format: Option<String>,
    /// A partner: the file is read as its channel of the format declares (`[channel.reads]`)
    #[arg(long)]
    partner: Option<String>,
    /// How findings are printed
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// A catalog folder laid over the shipped one; may be repeated
    #[arg(long)]
    catalog: Vec<PathBuf>,
    /// The file; `-` is standard input
    file: PathBuf,
}

/// Validates one file.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match findings(args) {
        Ok(findings) => {
            print(args, &findings)?;
            let refused = findings.iter().any(Finding::is_error);
            Ok(ExitCode::from(u8::from(refused)))
        }
        Err(message) => {
            eprintln!("kinbridge: {message}");
            Ok(ExitCode::from(2))
        }
    }
}

/// Every finding of the file, in its order; the error is a matter of usage.
fn findings(args: &Args) -> Result<Vec<Finding>, String> {
    let rules = Rules::load(&args.catalog).map_err(|defects| {
        let told: Vec<String> = defects.iter().map(ToString::to_string).collect();
        format!("the catalog has defects\n{}", told.join("\n"))
    })?;
    let named = |error| format!("{}: {error}", args.file.display());
    let mut input = open(&args.file)?;
    let head = piece(&mut input).map_err(named)?;
    let format = match &args.format {
        Some(name) => find(&rules, name)?,
        None => told_by(&rules, &head)?,
    };
    if rules.wires.get(&format).is_some_and(|wire| !wire.is_read()) {
        return Err(format!("`{format}` is only written, never read"));
    }
    let allowed = record_types(&rules);
    let partner = args.partner.as_ref();
    let declared = partner.map(|partner| channel(&rules, partner, &format));
    let declared = declared.transpose()?;
    let reader = match declared {
        Some(channel) => Reader::of(&rules, channel),
        None => Reader::new(&rules, &format, &allowed),
    };
    let reader = reader.ok_or("the format cannot be read")?;
    let mut reading = Reading::default();
    read(&reader, (head, &mut input), &mut reading).map_err(named)?;
    let of_records = reading.records.into_iter().flat_map(|r| r.findings);
    let mut all: Vec<Finding> = reading.findings.into_iter().chain(of_records).collect();
    // What the channel declares for its records no sender is asked for.
    if declared.is_some_and(|channel| channel.service_source.is_some()) {
        all.retain(|finding| finding.code != SERVICE_SOURCE_UNKNOWN.code);
    }
    Ok(all)
}

/// The format of that id, or the newest version of that name.
pub(super) fn find(rules: &Rules, name: &str) -> Result<FormatId, String> {
    let mut known = rules.sources.formats.keys();
    let of_name = |id: &&FormatId| {
        id.as_str() == name || id.as_str().rsplit_once('/').is_some_and(|(n, _)| n == name)
    };
    known.by_ref().rfind(of_name).cloned().ok_or_else(|| {
        let all: Vec<&str> = rules.sources.formats.keys().map(FormatId::as_str).collect();
        format!("there is no format `{name}`; there are: {}", all.join(", "))
    })
}

/// The only format a file that begins so may be of.
fn told_by(rules: &Rules, head: &[u8]) -> Result<FormatId, String> {
    let ids = rules.sources.formats.keys();
    let offered = ids.filter_map(|id| Some((id, rules.wires.get(id)?)));
    let list = |ids: &mut dyn Iterator<Item = &FormatId>| {
        let all: Vec<&str> = ids.map(FormatId::as_str).collect();
        all.join(", ")
    };
    let told = sole(offered, head.get(..HEAD_BYTES_MAX).unwrap_or(head));
    told.cloned().map_err(|unclear| match unclear {
        Unclear::Unlike => {
            let all = list(&mut rules.sources.formats.keys());
            format!("the file begins like no format; name one with --format: {all}")
        }
        Unclear::Several(fitting) => {
            let all = list(&mut fitting.into_iter());
            format!("the file may be of several formats; name one with --format: {all}")
        }
    })
}

/// The partner's in-channel of a format.
fn channel<'r>(rules: &'r Rules, partner: &str, format: &FormatId) -> Result<&'r Channel, String> {
    let file = rules.partners.get(&PartnerId::new(partner));
    let file = file.ok_or_else(|| format!("there is no partner `{partner}`"))?;
    let mut channels = file.channel.iter();
    let found = channels.find(|it| it.direction == Direction::In && it.format == *format);
    found.ok_or_else(|| format!("`{partner}` has no in-channel of `{format}`"))
}

/// Every record type there is.
fn record_types(rules: &Rules) -> Vec<RecordType> {
    let paths = rules.sources.schemas.keys();
    let name = |path: &String| {
        let name = path
            .strip_prefix("canonical/")?
            .strip_suffix(".schema.json")?;
        (!name.contains('/')).then(|| RecordType(name.into()))
    };
    paths.filter_map(name).collect()
}

fn open(path: &Path) -> Result<Box<dyn Read>, String> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// The next bytes; none at the end.
fn piece(input: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let mut chunk = Vec::new();
    input.take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

/// Reads a file that begins with `chunk`.
fn read(
    reader: &Reader<'_>,
    (mut chunk, input): (Vec<u8>, &mut dyn Read),
    into: &mut Reading,
) -> std::io::Result<()> {
    let now = SystemClock.now();
    let stream = reader.wire.is_stream(&chunk);
    let mut splitter = reader.wire.splitter(&chunk);
    loop {
        let last = chunk.is_empty();
        if last {
            splitter.finish();
        } else {
            splitter.push(&chunk);
        }
        while let Some(next) = splitter.next_unit() {
            let before = into.records.len();
            match next {
                Ok(unit) => reader.unit(&Arc::new(unit), stream, into),
                Err(finding) => reader.lost(finding, stream, into),
            }
            for record in into.records.iter_mut().skip(before) {
                as_of(reader, record, now);
                // Only the findings are wanted: a long file is not held whole.
                (record.record, record.source) = (None, None);
            }
        }
        if last {
            return Ok(());
        }
        chunk = piece(input)?;
    }
}

/// Adds what only the instant of looking tells of a record.
fn as_of(reader: &Reader<'_>, read: &mut ReadRecord, now: Timestamp) {
    let (Some(record), Some(source)) = (&read.record, &read.source) else {
        return;
    };
    let mut told = ahead(&record.root, now);
    told.extend(call(&record.record_type, &record.root, now));
    if told.is_empty() {
        return;
    }
    reader.place(source, record, &mut told);
    for finding in &mut told {
        finding.record_index = Some(read.index);
    }
    read.findings.extend(told);
}

fn print(args: &Args, findings: &[Finding]) -> anyhow::Result<()> {
    let mut out = Out::new();
    if args.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, findings)?;
        writeln!(out)?;
        return Ok(());
    }
    for finding in findings {
        write_line(&mut out, &args.file, finding)?;
    }
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    writeln!(out, "{errors} errors, {} findings", findings.len())?;
    Ok(())
}

fn write_line(out: &mut dyn Write, file: &Path, finding: &Finding) -> std::io::Result<()> {
    write!(out, "{}", file.display())?;
    if let (Some(line), Some(column)) = (finding.line, finding.column) {
        write!(out, ":{line}:{column}")?;
    }
    let severity = format!("{:?}", finding.severity).to_lowercase();
    writeln!(
        out,
        ": {severity}: {}: {} [{}]",
        finding.path, finding.message, finding.code
    )?;
    writeln!(out, "    {}", finding.fix)
}
