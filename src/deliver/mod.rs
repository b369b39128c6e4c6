//! Sending: the outbox state machine, its lanes and the transports out.
//!
//! It accepts only what release made. It must never send without a committed authorisation, never
//! hold a transaction across a network call, and never let one partner that is down slow another.

pub mod breaker;
pub mod https;
pub mod outbox;
pub mod schedule;
pub mod transport;
