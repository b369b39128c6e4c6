//! Ways in beside HTTP: what comes over a socket is handed to intake, and its answer goes back.
//!
//! It finds out who speaks and where a message ends. It must never look into one, and never answer
//! that something was taken before intake has committed it.

mod frame;
pub mod mllp;

pub use mllp::{Callers, Desk, Mllp};
