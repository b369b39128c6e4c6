//! JSON: bytes to tree and back.
//!
//! The parser is our own because a record must never be guessed at: a name that stands twice, a
//! number a reader would round, text that is not UTF-8 are findings with their place. It must
//! never panic, recurse without bound or drop a character.

mod number;
mod outline;
mod parse;
mod write;

pub use number::is_exact;
pub use outline::{Shown, outline};
pub use parse::{parse, parse_naming};
pub use write::{canonical, canonical_without, write};
