//! Release: candidates, facts, decision, redaction, translation, validation. Pure.
//!
//! The only maker of what may leave. Nothing here reads the store, the clock or the network, and
//! nothing leaves without a decision taken at the given instant.

pub mod candidates;
