//! Batches that a job fetches: released records, counted and hashed, never stored as files.
//!
//! A job fixes ledger position, instant, rules, requester and parameters; its files are a pure
//! function of these five. The first pass decides, records what will be disclosed, counts and
//! hashes; each download makes the same bytes again. So no file with people's records lies about.
//! Only what a release made ([`crate::release::Outgoing`]) is ever written.

mod file;
mod job;
mod joint;
mod manifest;
mod pass;

pub use file::{FileError, serve};
pub use job::{Asked, BeginError, begin, find, go_on, write};
pub use manifest::{File, Manifest, Parameters};
