//! Verification of a whole ledger, entry by entry, naming what is wrong and where.
//!
//! Three things must agree: every entry's content with its stored leaf hash, every entry with the
//! one before it (number and hash), and the tree's root with every signed checkpoint.

use super::checkpoint::{Checkpoint, PublicKeys};
use super::entry::{Link, read_link};
use super::tree::{Frontier, leaf_hash};
use crate::base::digest::Digest;

/// Problems reported at most; more are only counted.
const PROBLEMS_MAX: usize = 100;

/// What kind of tampering a problem looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The content of an entry was changed.
    Altered,
    /// Two entries changed places, or one stands where it does not belong.
    OutOfPlace,
    /// An entry was put in.
    Inserted,
    /// Entries are missing.
    Missing,
    /// Entries at the end are missing.
    Truncated,
    /// The entries do not add up to what was signed.
    RootDiffers,
    /// A checkpoint was not signed by the ledger's key.
    SignatureInvalid,
}

/// One thing wrong.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// What it looks like.
    pub kind: ProblemKind,
    /// Zero-based position of the entry meant (of the first one, where several are).
    pub position: u64,
    /// For people.
    pub message: String,
}

/// What verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Entries read.
    pub entries: u64,
    /// Checkpoints that matched.
    pub checkpoints: u64,
    /// Entries covered by the newest matching checkpoint.
    pub covered: u64,
    /// In the order found.
    pub problems: Vec<Problem>,
    /// Problems beyond those listed.
    pub problems_omitted: u64,
    /// The rows of the store against the entries; absent where only entries were read.
    pub rows: Option<RowReport>,
    /// What this verification could not exclude, for people.
    pub notes: Vec<String>,
}

/// What a row of the store that disagrees with the ledger looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowProblemKind {
    /// An entry has no row.
    RowMissing,
    /// A row has no entry.
    EntryMissing,
    /// A row says something else than its entry.
    RowAltered,
}

/// One row, or one entry without its row.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RowProblem {
    /// What it looks like.
    pub kind: RowProblemKind,
    /// Which: an id of the store, never a value.
    pub subject: String,
    /// Zero-based position of its entry, where there is or was one.
    pub position: Option<u64>,
    /// For people.
    pub message: String,
}

/// The rows of the store against the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RowReport {
    /// In the order found.
    pub problems: Vec<RowProblem>,
    /// Problems beyond those listed.
    pub problems_omitted: u64,
    /// Stored versions whose key was deleted: their rows stand, nobody can read them.
    pub shredded: u64,
}

impl RowReport {
    /// Takes a problem in.
    pub fn note(&mut self, problem: RowProblem) {
        if self.problems.len() >= PROBLEMS_MAX {
            self.problems_omitted += 1;
            return;
        }
        self.problems.push(problem);
    }
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        let rows = self.rows.as_ref();
        self.problems.is_empty() && rows.is_none_or(|rows| rows.problems.is_empty())
    }
}

/// What to say when nobody gave a checkpoint from elsewhere.
pub const NO_OUTSIDE_CHECKPOINT: &str = "no checkpoint kept outside was given: that the newest \
     entries were cut off together with their checkpoints and rows cannot be excluded. Keep \
     checkpoints elsewhere (a receipt's `ledger.checkpoint`) and give one with --checkpoint FILE";

/// An entry with what its link must be held against.
#[derive(Clone)]
struct Seen {
    position: u64,
    leaf: Digest,
    link: Option<Link>,
}

impl Seen {
    fn number(&self) -> Option<u64> {
        self.link.map(|link| Link::split(link.entry_id).1)
    }
}

/// What the next entry must follow.
struct Chain {
    writer: Option<[u8; 8]>,
    number: u64,
    prev: Digest,
    /// Leaf hash before `prev`: an insertion shows by the next entry following that one.
    before: Digest,
}

/// Verifies entries in order, with the checkpoints between them.
pub struct Verifier {
    keys: PublicKeys,
    frontier: Frontier,
    chain: Chain,
    /// The newest entry waits for the one after it: which of two is wrong shows only there.
    waiting: Option<Seen>,
    /// The waiting entry was already explained (it changed places with the one before).
    explained: bool,
    expected: u64,
    root_differs: bool,
    report: Report,
}

impl Verifier {
    /// Checkpoints must be signed by one of these keys.
    pub fn new(keys: PublicKeys) -> Verifier {
        Verifier {
            keys,
            frontier: Frontier::default(),
            chain: Chain {
                writer: None,
                number: 0,
                prev: Digest([0; 32]),
                before: Digest([0; 32]),
            },
            waiting: None,
            explained: false,
            expected: 0,
            root_differs: false,
            report: Report::default(),
        }
    }

    /// The next entry: its position and leaf hash as stored (where they are), and its bytes.
    pub fn entry(&mut self, position: u64, stored_leaf: Option<Digest>, body: &[u8]) {
        let leaf = leaf_hash(body);
        if position != self.expected {
            let message = format!("no entry stands at position {}", self.expected);
            self.problem(ProblemKind::Missing, self.expected, message);
        }
        self.expected = position + 1;
        if stored_leaf.is_some_and(|stored| stored != leaf) {
            let message = "the content of the entry does not match its leaf hash";
            self.problem(ProblemKind::Altered, position, message.into());
        }
        let seen = Seen {
            position,
            leaf,
            link: read_link(body),
        };
        if seen.link.is_none() {
            let message = "the entry cannot be read";
            self.problem(ProblemKind::Altered, position, message.into());
        }
        self.frontier.push(leaf, |_| ());
        self.report.entries += 1;
        if let Some(waiting) = self.waiting.take() {
            self.judge(&waiting, Some(&seen));
        }
        self.waiting = Some(seen);
    }

    /// A checkpoint; to be given once as many entries as it covers were given.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        if !self.keys.signed(checkpoint) {
            let message = format!(
                "the checkpoint over {} entries was not signed by this ledger's key",
                checkpoint.size
            );
            self.problem(ProblemKind::SignatureInvalid, checkpoint.size, message);
            return;
        }
        let read = self.frontier.size();
        if read < checkpoint.size {
            let message = format!(
                "a signed checkpoint covers {} entries, but only {read} are there",
                checkpoint.size
            );
            self.problem(ProblemKind::Truncated, read, message);
        } else if read > checkpoint.size || self.frontier.root() != checkpoint.root {
            self.differs(checkpoint);
        } else {
            self.report.checkpoints += 1;
            self.report.covered = checkpoint.size;
        }
    }

    /// Only the first differing checkpoint says where; later ones differ because of it.
    fn differs(&mut self, checkpoint: &Checkpoint) {
        if self.root_differs {
            return;
        }
        self.root_differs = true;
        let from = self.report.covered;
        let message = format!(
            "the entries at positions {from} to {} are not those that were signed",
            checkpoint.size.saturating_sub(1)
        );
        self.problem(ProblemKind::RootDiffers, from, message);
    }

    /// Ends the verification.
    pub fn finish(mut self) -> Report {
        if let Some(waiting) = self.waiting.take() {
            self.judge(&waiting, None);
        }
        // What names an entry comes before what only names a range.
        let problems = &mut self.report.problems;
        problems.sort_by_key(|problem| problem.kind == ProblemKind::RootDiffers);
        self.report
    }

    fn judge(&mut self, entry: &Seen, next: Option<&Seen>) {
        let Some(link) = entry.link else {
            self.advance(entry);
            return;
        };
        let (writer, number) = Link::split(link.entry_id);
        let chain = &self.chain;
        let known_writer = chain.writer.is_none_or(|known| known == writer);
        let follows = link.prev == chain.prev;
        if self.explained {
            self.explained = false;
        } else if known_writer && number == chain.number && follows {
            self.advance(entry);
        } else if known_writer && number == chain.number {
            self.broken(entry, next);
        } else if !known_writer || follows {
            let message = "the number or writer of the entry was changed";
            self.problem(ProblemKind::Altered, entry.position, message.into());
            self.advance(entry);
        } else {
            self.misplaced(entry, number, next);
        }
        self.chain.writer.get_or_insert(writer);
    }

    /// Right number, but it does not carry the hash of the entry before.
    fn broken(&mut self, entry: &Seen, next: Option<&Seen>) {
        let next_prev = next.and_then(|next| next.link).map(|link| link.prev);
        // Intact as the one after saw it: then the one before was changed.
        let intact = next_prev.is_none_or(|prev| prev == entry.leaf);
        let at = if intact {
            entry.position.saturating_sub(1)
        } else {
            entry.position
        };
        let message = "the content of the entry was changed after the next one was written";
        self.problem(ProblemKind::Altered, at, message.into());
        self.advance(entry);
    }

    fn misplaced(&mut self, entry: &Seen, number: u64, next: Option<&Seen>) {
        let wanted = self.chain.number;
        let next_number = next.and_then(Seen::number);
        let position = entry.position;
        if number == wanted + 1 && next_number == Some(wanted) {
            let message = format!("it has changed places with position {}", position + 1);
            self.problem(ProblemKind::OutOfPlace, position, message);
            self.chain.number = wanted + 2;
            self.chain.before = next.map_or(self.chain.prev, |next| next.leaf);
            self.chain.prev = entry.leaf;
            self.explained = true;
        } else if number > wanted && next_number.is_none_or(|next| next == number + 1) {
            let message = format!("{} entries before it are missing", number - wanted);
            self.problem(ProblemKind::Missing, position, message);
            self.chain.number = number;
            self.advance(entry);
        } else if number + 1 == wanted
            && entry
                .link
                .is_some_and(|link| link.prev == self.chain.before)
        {
            let message = "the entry was put in; the next one follows the one before it";
            self.problem(
                ProblemKind::Inserted,
                position.saturating_sub(1),
                message.into(),
            );
            self.chain.number = number;
            self.advance(entry);
        } else {
            let message = format!("it is number {number}, but number {wanted} belongs here");
            self.problem(ProblemKind::OutOfPlace, position, message);
            self.advance(entry);
        }
    }

    fn advance(&mut self, entry: &Seen) {
        self.chain.number += 1;
        self.chain.before = self.chain.prev;
        self.chain.prev = entry.leaf;
    }

    fn problem(&mut self, kind: ProblemKind, position: u64, message: String) {
        let known = |p: &Problem| p.kind == kind && p.position == position;
        if self.report.problems.iter().any(known) {
            return;
        }
        if self.report.problems.len() >= PROBLEMS_MAX {
            self.report.problems_omitted += 1;
            return;
        }
        self.report.problems.push(Problem {
            kind,
            position,
            message,
        });
    }
}
