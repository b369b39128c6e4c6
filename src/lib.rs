//! Kinbridge: a gateway for family engagement records.
//!
//! Read the rooms in the order a record passes through them:
//!
//! 1. [`base`] words all rooms speak: ids, clock, limits, findings, vocabularies
//! 2. [`catalog`] files that describe formats, law and partners; [`rules`] all of them compiled
//! 3. [`format`](mod@format) bytes to tree and back; [`wire`] a declared format made ready
//! 4. [`validate`] a tree against its schema; [`mapping`] a tree to the canonical [`record`]
//! 5. [`intake`] bytes to a receipt or a refusal; [`listen`] ways to it beside HTTP
//! 6. [`store`] the only SQL; [`ledger`] what happened, in a log that cannot be altered unnoticed
//! 7. [`disclosure`] who may have what, and why; [`release`] one record, for one recipient, now
//! 8. [`kept`] what the store keeps, as a release reads it
//! 9. [`deliver`] lanes and transports out; [`extract`] batches a state job pulls; [`door`] what
//!    goes at once in an emergency
//! 10. [`web`] HTTP; [`cli`] the command line; [`app`] the only wiring; [`config`] settings
//!
//! [`telemetry`] is the one vocabulary of logs and metrics; [`checkup`] what `doctor` looks at.
//! ARCHITECTURE.md says what each room may import and what must never happen.

// On the road nothing may stop the process: what can fail says so.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]

pub mod app;
pub mod base;
pub mod catalog;
pub mod checkup;
pub mod cli;
pub mod config;
pub mod deliver;
pub mod disclosure;
pub mod door;
pub mod extract;
pub mod format;
pub mod intake;
pub mod kept;
pub mod ledger;
pub mod listen;
pub mod mapping;
pub mod outbox;
pub mod record;
pub mod release;
pub mod rules;
pub mod store;
pub mod telemetry;
pub mod validate;
pub mod web;
pub mod wire;
