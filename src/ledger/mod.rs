//! The ledger's arithmetic: entry encoding, the RFC 6962 tree, proofs, checkpoints, verification.
//!
//! Pure: it reads no database and asks no clock. An entry must never hold a personal value or a
//! plain digest of one; the store gives it salted commitments.

pub mod entry;
pub mod tree;
