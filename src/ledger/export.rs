//! A ledger as a text file: anyone can read it, and verify it without this program.
//!
//! First line `kinbridge-ledger-v1` and the public keys, hex, the first generation first;
//! then `E <entry's canonical bytes>` in order and `C <checkpoint as JSON>` behind the entries it
//! covers.

use super::checkpoint::{Checkpoint, PublicKeys};
use super::verify::{NO_OUTSIDE_CHECKPOINT, Report, Verifier};
use crate::base::digest::{hex, unhex};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

const HEAD: &str = "kinbridge-ledger-v1";
/// Bytes of one line at most.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// Why an export cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file.
    #[error("the export cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The form.
    #[error("line {0} is not a line of a ledger export")]
    Form(u64),
}

/// Writes the first line.
///
/// # Errors
/// When the file cannot be written.
pub fn write_head(out: &mut dyn Write, keys: &BTreeMap<u32, Vec<u8>>) -> std::io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    for key in keys.values() {
        write!(out, " {}", hex(key))?;
    }
    writeln!(out)
}

/// The keys of the first line.
fn read_head(line: &[u8]) -> Option<BTreeMap<u32, Vec<u8>>> {
    let keys = std::str::from_utf8(line).ok()?.strip_prefix(HEAD)?;
    let keys = keys.strip_prefix(' ')?.split(' ').map(unhex);
    let numbered = (1..).zip(keys);
    numbered.map(|(number, key)| Some((number, key?))).collect()
}

/// Writes one entry.
///
/// # Errors
/// When the file cannot be written.
pub fn write_entry(out: &mut dyn Write, body: &[u8]) -> std::io::Result<()> {
    out.write_all(b"E ")?;
    out.write_all(body)?;
    out.write_all(b"\n")
}

/// Writes one checkpoint.
///
/// # Errors
/// When the file cannot be written.
pub fn write_checkpoint(out: &mut dyn Write, checkpoint: &Checkpoint) -> std::io::Result<()> {
    out.write_all(b"C ")?;
    serde_json::to_writer(&mut *out, checkpoint)?;
    out.write_all(b"\n")
}

/// Verifies an export. Keys given by the caller count more than those in the file.
///
/// # Errors
/// When the file cannot be read or is no export.
pub fn verify(
    input: &mut dyn BufRead,
    kept_outside: &[Vec<u8>],
    checkpoints: &[Checkpoint],
) -> Result<Report, ExportError> {
    let mut line = Vec::new();
    read_line(input, &mut line)?;
    let own = read_head(&line).ok_or(ExportError::Form(1))?;
    let mut verifier = Verifier::new(PublicKeys::choose(kept_outside, own));
    let mut given = super::verify_order(checkpoints);
    let (mut position, mut number) = (0, 1);
    while read_line(input, &mut line)? {
        number += 1;
        given.due(position, &mut verifier);
        match (line.get(..2), line.get(2..)) {
            (Some(b"E "), Some(body)) => {
                verifier.entry(position, None, body);
                position += 1;
            }
            (Some(b"C "), Some(json)) => {
                let checkpoint: Checkpoint =
                    serde_json::from_slice(json).map_err(|_| ExportError::Form(number))?;
                verifier.checkpoint(&checkpoint);
            }
            _ => return Err(ExportError::Form(number)),
        }
    }
    given.rest(position, &mut verifier);
    let mut report = verifier.finish();
    if checkpoints.is_empty() {
        report.notes.push(NO_OUTSIDE_CHECKPOINT.to_owned());
    }
    Ok(report)
}

fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    use std::io::Read as _;
    line.clear();
    let read = input.take(LINE_BYTES_MAX).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(read > 0)
}
