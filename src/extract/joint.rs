//! How released records of one type become one file: lines of JSON, or rows under one header.

use aws_lc_rs::digest::{Context, SHA256};

use crate::base::digest::{Digest, hex};

/// How the records of a file stand beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// One document a line.
    Lines,
    /// One header, then rows.
    Rows,
}

impl Joint {
    /// The name of the file with records of this type: one plain path segment.
    pub fn file_name(self, record_type: &str) -> String {
        match self {
            Joint::Lines => format!("{record_type}.ndjson"),
            Joint::Rows => format!("{record_type}.csv"),
        }
    }
}

/// Puts released records of one type together, counting and hashing as it goes.
pub struct Joiner {
    joint: Joint,
    header: Option<Vec<u8>>,
    hasher: Context,
    records: u64,
    bytes: u64,
}

impl Joiner {
    /// An empty file.
    pub fn new(joint: Joint) -> Joiner {
        Joiner {
            joint,
            header: None,
            hasher: Context::new(&SHA256),
            records: 0,
            bytes: 0,
        }
    }

    /// The bytes that one more released record adds to the file.
    pub fn add(&mut self, document: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(document.len() + 1);
        match self.joint {
            Joint::Lines => {
                out.extend_from_slice(document);
                while out.last() == Some(&b'\n') {
                    out.pop();
                }
                out.push(b'\n');
            }
            Joint::Rows => {
                let end = document
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map_or(0, |at| at + 1);
                let (head, rows) = document.split_at(end);
                if self.header.is_none() {
                    out.extend_from_slice(head);
                    self.header = Some(head.to_vec());
                }
                out.extend_from_slice(rows);
            }
        }
        self.hasher.update(&out);
        self.records += 1;
        self.bytes += out.len() as u64;
        out
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
        let mut lines = Joiner::new(Joint::Lines);
        let file = [lines.add(b"{\"a\":1}"), lines.add(b"{\"a\":2}\n")].concat();
        assert_eq!(file, b"{\"a\":1}\n{\"a\":2}\n");
        assert_eq!((lines.records(), lines.bytes()), (2, 16));
        assert_eq!(lines.digest(), Some(Digest::of(&file)));

        let mut rows = Joiner::new(Joint::Rows);
        let file = [
            rows.add(b"id,mode\n1,phone\n"),
            rows.add(b"id,mode\n2,video\n"),
        ]
        .concat();
        assert_eq!(file, b"id,mode\n1,phone\n2,video\n");
        assert_eq!(rows.digest(), Some(Digest::of(&file)));
    }
}
