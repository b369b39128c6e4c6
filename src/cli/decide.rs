//! `kinbridge decide`: answers questions from a file, one JSON object a line, in order.
//!
//! The facts in a question are a what-if: an answer releases nothing. A line that is no question is
//! answered with deny, and the command ends with exit code 1; so is one that says a member's name
//! wrong, for nobody knows what it would have closed.

use super::out::Out;
use crate::base::Text;
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::finding::Finding;
use crate::base::finding_codes::SCHEMA_TYPE_MISMATCH;
use crate::base::limits::RECORD_BYTES_MAX;
use crate::catalog;
use crate::disclosure::{Policy, Request};
use anyhow::{Context, bail};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

/// Lines answered in one go, by all threads together.
const BLOCK_LINES: usize = 4_096;
/// Bytes of lines answered in one go; one more line may come on top.
const BLOCK_BYTES: usize = 32 << 20;

/// Arguments of `decide`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add what would open each withheld class, and how each consent was judged
    #[arg(long)]
    explain: bool,
    /// A catalog folder laid over the shipped one; may be repeated
    #[arg(long)]
    catalog: Vec<PathBuf>,
    /// One question a line; `-` is standard input
    file: PathBuf,
}

/// The law pack of the shipped catalog with overlays; all defects are told.
pub fn load(overlays: &[PathBuf]) -> anyhow::Result<Policy> {
    let (sources, mut defects) = catalog::load(overlays);
    defects.retain(|defect| defect.file.starts_with("policies"));
    let (policy, more) = Policy::compile(&sources);
    defects.extend(more);
    defects.extend(policy.unfit(SystemClock.now()));
    if defects.is_empty() {
        return Ok(policy);
    }
    for defect in &defects {
        eprintln!("{defect}");
    }
    bail!("the law pack has {} defects", defects.len());
}

fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = File::open(path).with_context(|| format!("{}", path.display()))?;
    Ok(Box::new(BufReader::with_capacity(1 << 20, file)))
}

/// Answers every line.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let policy = load(&args.catalog)?;
    let mut input = open(&args.file)?;
    let mut out = BufWriter::with_capacity(1 << 20, Out::new());
    let mut line_number = 0;
    let mut unread = 0_usize;
    loop {
        let block = read_block(&mut input, &mut line_number)?;
        if block.is_empty() {
            break;
        }
        for part in answer_block(&policy, &block, args.explain) {
            out.write_all(&part.out)?;
            for told in part.told {
                eprintln!("line {}: {}", told.line, told.what);
                unread += usize::from(told.unread);
            }
        }
    }
    out.flush()?;
    Ok(if unread == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Line {
    number: usize,
    /// `None` when the line is too long to be held.
    bytes: Option<Vec<u8>>,
}

fn read_block(mut input: &mut dyn BufRead, number: &mut usize) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut held = 0;
    while lines.len() < BLOCK_LINES && held < BLOCK_BYTES {
        let mut bytes = Vec::with_capacity(1_024);
        // The line end is not counted.
        let limit = RECORD_BYTES_MAX as u64 + 1;
        if (&mut input).take(limit).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        *number += 1;
        let whole = bytes.last() == Some(&b'\n') || bytes.len() <= RECORD_BYTES_MAX;
        if !whole {
            skip_line(input)?;
        }
        held += bytes.len();
        if !whole || !bytes.trim_ascii().is_empty() {
            lines.push(Line {
                number: *number,
                bytes: whole.then_some(bytes),
            });
        }
    }
    Ok(lines)
}

/// Reads over the rest of a line without holding it.
fn skip_line(input: &mut dyn BufRead) -> std::io::Result<()> {
    loop {
        let some = input.fill_buf()?;
        let end = some.iter().position(|byte| *byte == b'\n');
        let (taken, done) = (end.map_or(some.len(), |at| at + 1), end.is_some());
        input.consume(taken);
        if done || taken == 0 {
            return Ok(());
        }
    }
}

#[derive(Default)]
struct Part {
    out: Vec<u8>,
    told: Vec<Told>,
}

/// What is said of a line beside its answer.
struct Told {
    line: usize,
    what: String,
    /// Whether the line is no question.
    unread: bool,
}

/// The answers in the order of the lines, taken by as many threads as there are processors.
fn answer_block(policy: &Policy, block: &[Line], explain: bool) -> Vec<Part> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = block.len().div_ceil(threads).max(64);
    thread::scope(|scope| {
        let parts: Vec<_> = block
            .chunks(share)
            .map(|lines| scope.spawn(move || answer_lines(policy, lines, explain)))
            .collect();
        parts
            .into_iter()
            .map(|part| part.join().unwrap_or_default())
            .collect()
    })
}

fn answer_lines(policy: &Policy, lines: &[Line], explain: bool) -> Part {
    let mut part = Part::default();
    for line in lines {
        let mut tell = |what: String, unread| {
            let line = line.number;
            part.told.push(Told { line, what, unread });
        };
        let decision = match line.bytes.as_deref() {
            Some(bytes) => {
                let read = Request::read(bytes);
                let none = read.request.is_none();
                for finding in &read.findings {
                    tell(said(finding), none && finding.is_error());
                }
                match read.request {
                    Some(request) if explain => policy.explain(&request),
                    Some(request) => policy.decide(&request),
                    None => policy.unread(id_of(bytes)),
                }
            }
            None => {
                tell("longer than 1 MiB".to_owned(), true);
                policy.unread(None)
            }
        };
        if serde_json::to_writer(&mut part.out, &decision).is_err() {
            tell("the answer cannot be written".to_owned(), true);
        }
        part.out.push(b'\n');
    }
    part
}

/// A finding about a line; never what the line says.
fn said(finding: &Finding) -> String {
    if finding.code == SCHEMA_TYPE_MISMATCH.code {
        return "not a question".to_owned();
    }
    let column = finding.column.unwrap_or(0);
    let Finding {
        path, message, fix, ..
    } = finding;
    let note = if finding.is_error() { "" } else { "note: " };
    format!("column {column}: {note}{path}: {message}; {fix}")
}

/// The id of a line that is no question, if it can be read.
fn id_of(line: &[u8]) -> Option<Text> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("id")?.as_str().map(Text::new)
}
