//! A stream of messages cut into messages: one begins where a line heads one, whether batches stand
//! around them or not.
//!
//! What heads and ends batches and files is no message; its counts are held against what was there.

use super::{Splitter, Unit};
use crate::base::finding::{Finding, LineIndex};
use crate::base::finding_codes::{BATCH_COUNT_MISMATCH, MODIFIER_NOT_READ, SYNTAX_INVALID};
use crate::format::hl7v2::{HEADS, head_of, line_end};

/// Which field of the head of a batch or a file says its security, counted as HL7 counts.
const SECURITY: usize = 8;

/// Where the cutting stands.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// What was not given begins with the head of a message.
    open: bool,
    /// Text that belongs to no message has been told.
    told: bool,
    /// Messages of the batch that is open, and batches of the file that is open.
    batch: Option<u64>,
    file: Option<u64>,
}

impl Splitter {
    /// The next message, or what is wrong between two.
    pub(super) fn next_message(&mut self) -> Option<Result<Unit, Finding>> {
        loop {
            let Some((end, next)) = self.next_line_end() else {
                return self.rest_of_messages();
            };
            let line = self.buffer.get(self.scanned..end).unwrap_or_default();
            let head = head_of(line);
            if head.is_some() && self.messages.open {
                // The line is looked at again once the message before it is given.
                self.messages.open = false;
                if let Some(piece) = self.cut() {
                    return Some(Ok(message(piece.bytes, piece.line)));
                }
                continue;
            }
            let blank = line.trim_ascii().is_empty();
            let count = trailer_count(line);
            let secured = head.is_some_and(|head| is_secured(head, line));
            self.scanned = next;
            if secured {
                return Some(Err(self.secured()));
            }
            let found = match head {
                Some(head) => self.headed(head, count),
                None if self.messages.open => self.too_long(),
                None if blank => None,
                None => self.stray(),
            };
            if !self.messages.open {
                self.drop_scanned();
            }
            if found.is_some() {
                return found.map(Err);
            }
        }
    }

    /// The end of the line being scanned, and where the next begins.
    fn next_line_end(&mut self) -> Option<(usize, usize)> {
        let found = line_end(&self.buffer, self.scanned);
        let length = self.buffer.len();
        match found {
            // A line feed may follow that has not come yet.
            Some((_, next)) if next == length && !self.finished => None,
            Some(found) => Some(found),
            None if self.finished && self.scanned < length => Some((length, length)),
            None => None,
        }
    }

    /// Nothing whole is left: what to say of it.
    fn rest_of_messages(&mut self) -> Option<Result<Unit, Finding>> {
        let held = self.buffer.len().saturating_sub(self.taken);
        if held > self.unit_bytes_max && !self.finished {
            // A line without an end: what has come of it is let go.
            let first = !self.oversize;
            self.oversize = true;
            let line = self.line;
            let lost = self.buffer.len();
            self.line = self
                .line
                .saturating_add(line_ends(self.buffer.get(self.taken..)));
            (self.taken, self.scanned) = (lost, lost);
            self.messages.open = true;
            return first.then(|| Splitter::too_large(line)).map(Err);
        }
        if !self.finished {
            return None;
        }
        if std::mem::take(&mut self.messages.open)
            && let Some(piece) = self.cut()
        {
            return Some(Ok(message(piece.bytes, piece.line)));
        }
        let unended = self.messages.batch.take().is_some() | self.messages.file.take().is_some();
        unended.then(|| self.miscounted()).map(Err)
    }

    /// A line that heads or ends something.
    fn headed(&mut self, head: &[u8; 3], count: Option<u64>) -> Option<Finding> {
        let [message, batch, file, batch_end, file_end] = HEADS;
        let state = &mut self.messages;
        state.told = false;
        let (held, open) = match head {
            _ if head == message => {
                state.open = true;
                state.batch = state.batch.map(|count| count.saturating_add(1));
                return None;
            }
            _ if head == batch => {
                state.file = state.file.map(|count| count.saturating_add(1));
                (None, state.batch.replace(0))
            }
            _ if head == file => (None, state.file.replace(0).or(state.batch.take())),
            _ if head == batch_end => (state.batch.take(), None),
            _ if head == file_end => (state.file.take(), state.batch.take()),
            _ => (None, None),
        };
        // A count that is not told is not held against anything.
        let wrong = [batch_end, file_end].contains(&head)
            && held.is_none_or(|held| count.is_some_and(|count| count != held));
        (wrong || open.is_some()).then(|| self.miscounted())
    }

    fn miscounted(&self) -> Finding {
        let mut finding = Finding::new(&BATCH_COUNT_MISMATCH);
        (finding.line, finding.column) = (Some(self.line), Some(1));
        finding
    }

    /// A head that says under what security all behind it goes: nobody reads that, and nothing
    /// behind it is read.
    fn secured(&mut self) -> Finding {
        let said = "the batch says under what security it goes, and nothing reads that";
        let fix = "leave the field out if it says nothing, or agree with the county what it means; \
                   nothing behind this line was read";
        let mut finding = Finding::new(&MODIFIER_NOT_READ).saying(said).fixed_by(fix);
        (finding.line, finding.column) = (Some(self.line), Some(1));
        self.dead = true;
        finding
    }

    /// Another line of a message: too much of one is told once and let go.
    fn too_long(&mut self) -> Option<Finding> {
        let held = self.scanned.saturating_sub(self.taken);
        if held <= self.unit_bytes_max {
            return None;
        }
        let first = !self.oversize;
        self.oversize = true;
        let line = self.line;
        self.drop_scanned();
        first.then(|| Splitter::too_large(line))
    }

    /// Text before the first message, told once.
    fn stray(&mut self) -> Option<Finding> {
        if std::mem::replace(&mut self.messages.told, true) {
            return None;
        }
        let said = "the text belongs to no message: none has begun";
        let mut finding = Finding::new(&SYNTAX_INVALID).saying(said);
        (finding.line, finding.column) = (Some(self.line), Some(1));
        Some(finding)
    }
}

fn message(bytes: Vec<u8>, first_line: u32) -> Unit {
    Unit {
        header: None,
        bytes,
        first_line,
        first_row: 1,
        sheet: None,
        line: false,
        notes: Vec::new(),
    }
}

/// Whether the head of a batch or a file has anything in the field for security (BHS-8, FHS-8).
fn is_secured(head: &[u8; 3], line: &[u8]) -> bool {
    let [_, batch, file, ..] = HEADS;
    let start = line.iter().position(u8::is_ascii_uppercase);
    let signs = start.and_then(|start| line.get(start + 3..)?.split_first());
    let Some((separator, rest)) = signs.filter(|_| [batch, file].contains(&head)) else {
        return false;
    };
    // The separator is field 1.
    let mut fields = rest.split(|byte| byte == separator);
    let field = fields.nth(SECURITY - 2).unwrap_or_default();
    field.iter().any(u8::is_ascii_alphanumeric)
}

/// How many of its kind a trailer says there are; what is no number is as wrong as any can be.
fn trailer_count(line: &[u8]) -> Option<u64> {
    let start = line.iter().position(u8::is_ascii_uppercase)?;
    let (separator, rest) = line.get(start + 3..)?.split_first()?;
    let count = rest.split(|byte| byte == separator).next()?.trim_ascii();
    let told = std::str::from_utf8(count)
        .ok()
        .and_then(|it| it.parse().ok());
    (!count.is_empty()).then(|| told.unwrap_or(u64::MAX))
}

/// Line ends of text whose lines may end with a carriage return alone.
pub(super) fn line_ends(bytes: Option<&[u8]>) -> u32 {
    LineIndex::with_returns(bytes.unwrap_or_default(), 0).lines()
}
