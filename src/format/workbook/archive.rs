//! The ZIP archive a workbook is: its parts by name, unpacked within one budget.
//!
//! Sizes an archive states are never believed: what is unpacked is counted. No ZIP64, no
//! encryption, no split archives; none of them is a workbook anybody sends.

use super::Trouble;
use crate::base::limits::{WORKBOOK_PARTS_MAX, WORKBOOK_UNPACKED_BYTES_MAX};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

const END: [u8; 4] = *b"PK\x05\x06";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// What an old or an encrypted workbook begins with.
const COMPOUND: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
/// The end of an archive with the longest comment.
const END_BYTES_MAX: usize = 22 + 0xFFFF;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An archive, held whole.
#[derive(Debug)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Bytes that may still be unpacked.
    left: usize,
}

#[derive(Debug)]
struct Entry {
    name: String,
    method: u16,
    crc: u32,
    packed: usize,
    at: usize,
}

/// Whether bytes begin as a workbook does, be it one that is not read here.
pub fn begins(head: &[u8]) -> bool {
    head.starts_with(&LOCAL) || head.starts_with(&COMPOUND)
}

impl Archive {
    pub fn open(bytes: Vec<u8>) -> Result<Archive, Trouble> {
        if bytes.starts_with(&COMPOUND) {
            return Err(Trouble::Locked);
        }
        let entries = entries(&bytes)?;
        Ok(Archive {
            bytes,
            entries,
            left: WORKBOOK_UNPACKED_BYTES_MAX,
        })
    }

    /// One part, unpacked, as text.
    pub fn read(&mut self, name: &str) -> Result<String, Trouble> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.name.eq_ignore_ascii_case(name));
        let entry = entry.ok_or(Trouble::Broken)?;
        let packed = packed(&self.bytes, entry).ok_or(Trouble::Broken)?;
        let unpacked = match entry.method {
            STORED if packed.len() <= self.left => packed.to_vec(),
            STORED => return Err(Trouble::TooLarge),
            DEFLATED => {
                decompress_to_vec_with_limit(packed, self.left).map_err(|error| {
                    match error.status {
                        TINFLStatus::HasMoreOutput => Trouble::TooLarge,
                        _ => Trouble::Broken,
                    }
                })?
            }
            _ => return Err(Trouble::Broken),
        };
        self.left = self.left.saturating_sub(unpacked.len());
        if crc32(&unpacked) != entry.crc {
            return Err(Trouble::Broken);
        }
        String::from_utf8(unpacked).map_err(|_| Trouble::Broken)
    }
}

/// The parts the archive lists at its end.
fn entries(bytes: &[u8]) -> Result<Vec<Entry>, Trouble> {
    let tail = bytes.len().saturating_sub(END_BYTES_MAX);
    let last = bytes.get(tail..).unwrap_or_default();
    let found = last.windows(4).rposition(|window| window == END);
    let end = found.map(|at| at + tail).ok_or(Trouble::NoWorkbook)?;
    let count = short(bytes, end + 10).ok_or(Trouble::NoWorkbook)?;
    let mut at = long(bytes, end + 16).ok_or(Trouble::NoWorkbook)?;
    if usize::from(count) > WORKBOOK_PARTS_MAX {
        return Err(Trouble::TooLarge);
    }
    let mut out = Vec::new();
    for _ in 0..count {
        let (entry, next) = entry(bytes, at).ok_or(Trouble::Broken)?;
        // Bit 0: encrypted.
        if short(bytes, at + 8).is_none_or(|flags| flags & 1 == 1) {
            return Err(Trouble::Locked);
        }
        out.push(entry);
        at = next;
    }
    Ok(out)
}

fn entry(bytes: &[u8], at: usize) -> Option<(Entry, usize)> {
    if bytes.get(at..at.checked_add(4)?)? != CENTRAL {
        return None;
    }
    let length = |offset: usize| short(bytes, at + offset).map(usize::from);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let named = bytes.get(at + 46..at + 46 + name)?;
    let entry = Entry {
        name: std::str::from_utf8(named).ok()?.to_owned(),
        method: short(bytes, at + 10)?,
        crc: u32::try_from(long(bytes, at + 16)?).ok()?,
        packed: long(bytes, at + 20)?,
        at: long(bytes, at + 42)?,
    };
    Some((entry, at + 46 + name + extra + comment))
}

fn packed<'b>(bytes: &'b [u8], entry: &Entry) -> Option<&'b [u8]> {
    let at = entry.at;
    if bytes.get(at..at.checked_add(4)?)? != LOCAL {
        return None;
    }
    let name = usize::from(short(bytes, at + 26)?);
    let extra = usize::from(short(bytes, at + 28)?);
    let from = at + 30 + name + extra;
    bytes.get(from..from.checked_add(entry.packed)?)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let found = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(found.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let found = bytes.get(at..at.checked_add(4)?)?;
    let number = u32::from_le_bytes(found.try_into().ok()?);
    // All ones: the true number stands in a ZIP64 field, or it is a check value.
    usize::try_from(number).ok()
}

/// The check value of ZIP.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let at = (crc ^ u32::from(*byte)) & 0xFF;
        (crc >> 8) ^ TABLE.get(at as usize).copied().unwrap_or_default()
    };
    !bytes.iter().fold(!0, step)
}

static TABLE: std::sync::LazyLock<Vec<u32>> = std::sync::LazyLock::new(|| {
    let entry = |byte: u32| {
        (0..8).fold(byte, |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    };
    (0..256).map(entry).collect()
});
