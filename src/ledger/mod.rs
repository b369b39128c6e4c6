//! The ledger's arithmetic: entry encoding, the RFC 6962 tree, proofs, checkpoints, verification.
//!
//! Pure: it reads no database and asks no clock. An entry must never hold a personal value or a
//! plain digest of one; the store gives it salted commitments.

pub mod checkpoint;
pub mod entry;
pub mod export;
pub mod tree;
pub mod verify;

use checkpoint::Checkpoint;
use verify::Verifier;

/// Checkpoints in the order a verification meets them.
pub struct CheckpointQueue(std::collections::VecDeque<Checkpoint>);

/// Orders checkpoints (those of a database, or kept elsewhere) for a verification.
pub fn verify_order(checkpoints: &[Checkpoint]) -> CheckpointQueue {
    let mut all = checkpoints.to_vec();
    all.sort_by_key(|checkpoint| checkpoint.size);
    CheckpointQueue(all.into())
}

impl CheckpointQueue {
    /// Verifies those that cover exactly the entries read so far.
    pub fn due(&mut self, entries: u64, verifier: &mut Verifier) {
        while self.0.front().is_some_and(|next| next.size <= entries) {
            if let Some(next) = self.0.pop_front() {
                verifier.checkpoint(&next);
            }
        }
    }

    /// Verifies all that are left, at the end of the ledger.
    pub fn rest(mut self, entries: u64, verifier: &mut Verifier) {
        self.due(entries, verifier);
        for checkpoint in self.0 {
            verifier.checkpoint(&checkpoint);
        }
    }
}
