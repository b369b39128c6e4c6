//! Batches that a job fetches: released records, counted and hashed, never stored as files.
//!
//! A job fixes ledger position, instant, rules, requester and parameters; its files are a pure
//! function of these five. The first pass decides, records every row with its bytes' digest, counts
//! and hashes; each download makes the recorded rows again, decided at that moment, and sends them
//! only while they are the same bytes. So no file with people's records lies about, and none is
//! ever served on an older state of consents than the store's. Only what a release made
//! ([`crate::release::Outgoing`]) is ever written.

mod file;
mod job;
mod joint;
mod manifest;
mod pass;

pub use file::{FileError, Pages, serve};
pub use job::{Asked, BeginError, begin, find, go_on, write};
pub use joint::Chunk;
pub use manifest::{File, Gap, Manifest, Parameters};
