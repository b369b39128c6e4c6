//! A file of rows being cut: its header is looked at once, before the first row is given.
//!
//! It must never give a row of a file whose header is refused.

use super::Table;
use super::marks::{self, Marks};
use crate::base::finding::Finding;
use crate::format::Names;
use crate::format::split::{Splitter, Unit};
use std::collections::VecDeque;
use std::sync::Arc;

/// Cuts one file of rows.
#[derive(Debug)]
pub struct Rows {
    splitter: Splitter,
    head: Head,
    looked: bool,
    /// What the header is refused for, not told yet.
    told: VecDeque<Finding>,
    refused: bool,
}

/// What a header is held against.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub tables: Arc<[Table]>,
    pub marks: Arc<Marks>,
    pub names: Arc<Names>,
}

impl Rows {
    pub(super) fn new(splitter: Splitter, head: Head) -> Rows {
        Rows {
            splitter,
            head,
            looked: false,
            told: VecDeque::new(),
            refused: false,
        }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        // Of a refused file nothing is kept, however much of it still comes.
        if !self.refused {
            self.splitter.push(chunk);
        }
    }

    pub(super) fn finish(&mut self) {
        self.splitter.finish();
    }

    pub(super) fn next_unit(&mut self) -> Option<Result<Unit, Finding>> {
        if !self.refused {
            let next = self.splitter.next_unit()?;
            self.look(&next);
            if !self.refused {
                return Some(next);
            }
        }
        self.told.pop_front().map(Err)
    }

    /// Looks at the header of the first unit.
    fn look(&mut self, next: &Result<Unit, Finding>) {
        let header = next.as_ref().ok().and_then(|unit| unit.header.as_ref());
        let Some(header) = header.filter(|_| !self.looked) else {
            return;
        };
        self.looked = true;
        let Head {
            tables,
            marks,
            names,
        } = &self.head;
        self.told = marks::mistaken(marks, names, (tables, header)).into();
        self.refused = !self.told.is_empty();
    }
}
