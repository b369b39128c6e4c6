//! How released records of one type become one file: lines of JSON, or rows under one header.
//!
//! Only what a release made goes in, and only what came out of here goes to a reader: there is no
//! way from other bytes into a file.

use crate::base::digest::{Digest, hex};
use crate::base::sensitive::Reason;
use crate::base::vocabulary::Obligation;
use crate::release::Outgoing;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use std::collections::BTreeSet;

/// How the records of a file stand beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// One document a line.
    Lines,
    /// One header, then rows.
    Rows,
}

/// Where in its file a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It begins the file.
    First,
    /// Others stand before it.
    Later,
}

/// What one released record adds to its file.
pub struct Piece(Vec<u8>);

impl Piece {
    /// Digest of the bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// How many bytes.
    pub fn len(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }
}

/// Consecutive bytes of a file, on their way to whoever fetches it.
#[derive(Default)]
pub struct Chunk(Vec<u8>);

impl Chunk {
    /// Adds a piece without its first `skip` bytes.
    pub(super) fn push(&mut self, piece: &Piece, skip: u64) {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        self.0
            .extend_from_slice(piece.0.get(skip..).unwrap_or_default());
    }

    /// The bytes.
    pub fn into_bytes(self) -> Bytes {
        self.0.into()
    }
}

impl Joint {
    /// The name of the file with records of this type: one plain path segment.
    pub fn file_name(self, record_type: &str) -> String {
        match self {
            Joint::Lines => format!("{record_type}.ndjson"),
            Joint::Rows => format!("{record_type}.csv"),
        }
    }

    /// What a released record adds at its place.
    pub fn piece(self, outgoing: &Outgoing, place: Place) -> Piece {
        Piece(self.cut(outgoing.bytes().expose(Reason::Send), place))
    }

    fn cut(self, document: &[u8], place: Place) -> Vec<u8> {
        match (self, place) {
            (Joint::Lines, _) => {
                let end = document.iter().rposition(|byte| *byte != b'\n');
                let line = document.get(..end.map_or(0, |at| at + 1));
                let mut out = line.unwrap_or_default().to_vec();
                out.push(b'\n');
                out
            }
            (Joint::Rows, Place::First) => document.to_vec(),
            (Joint::Rows, Place::Later) => {
                let end = document.iter().position(|byte| *byte == b'\n');
                let rows = document.get(end.map_or(0, |at| at + 1)..);
                rows.unwrap_or_default().to_vec()
            }
        }
    }
}

/// Puts released records of one type together, counting and hashing as it goes.
pub struct Joiner {
    joint: Joint,
    hasher: Context,
    records: u64,
    bytes: u64,
    obligations: BTreeSet<&'static str>,
}

impl Joiner {
    /// An empty file.
    pub fn new(joint: Joint) -> Joiner {
        Joiner {
            joint,
            hasher: Context::new(&SHA256),
            records: 0,
            bytes: 0,
            obligations: BTreeSet::new(),
        }
    }

    /// Adds one more released record.
    pub fn add(&mut self, outgoing: &Outgoing) -> Piece {
        let place = match self.bytes {
            0 => Place::First,
            _ => Place::Later,
        };
        let piece = self.joint.piece(outgoing, place);
        self.hasher.update(&piece.0);
        self.records += 1;
        self.bytes += piece.len();
        let told = outgoing.told();
        self.obligations.extend(told.iter().map(Obligation::as_str));
        piece
    }

    /// What binds whoever has the file: codes of what is owed with any record in it.
    pub fn obligations(&self) -> Vec<String> {
        self.obligations.iter().map(ToString::to_string).collect()
    }

    /// Released records so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Length so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of all of it.
    pub fn digest(self) -> Option<Digest> {
        Digest::from_hex(&hex(self.hasher.finish().as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_once_and_rows_share_one_header() {
        // Goal: joined documents are one document of their kind. Method: cut each at its place.
        let lines = [
            Joint::Lines.cut(b"{\"a\":1}", Place::First),
            Joint::Lines.cut(b"{\"a\":2}\n\n", Place::Later),
        ];
        assert_eq!(lines.concat(), b"{\"a\":1}\n{\"a\":2}\n");
        let rows = [
            Joint::Rows.cut(b"id,mode\n1,phone\n", Place::First),
            Joint::Rows.cut(b"id,mode\n2,video\n", Place::Later),
        ];
        assert_eq!(rows.concat(), b"id,mode\n1,phone\n2,video\n");
    }

    #[test]
    fn a_chunk_begins_where_it_was_asked_to() {
        // Goal: a download goes on in the middle of a row. Method: skip into a piece, and past it.
        let mut chunk = Chunk::default();
        chunk.push(&Piece(b"abc".to_vec()), 1);
        chunk.push(&Piece(b"def".to_vec()), 0);
        chunk.push(&Piece(b"ghi".to_vec()), 9);
        assert_eq!(&chunk.into_bytes()[..], b"bcdef");
    }
}
