//! Kinbridge: a gateway for family engagement records.
//!
//! Layout, in the order a record passes through:
//!
//! * [`base`] the vocabulary all speak; [`catalog`] the files that describe formats and partners
//! * [`format`] bytes to tree and back; [`validate`] the tree against its schema
//! * [`record`] the canonical record and its labels
//! * [`store`] the only SQL; [`deliver`] lanes and transports out
//! * [`ledger`] what happened, in a log that cannot be altered unnoticed
//! * [`disclosure`] who may have what, and why
//! * [`cli`] the command line

pub mod app;
pub mod base;
pub mod catalog;
pub mod checkup;
pub mod cli;
pub mod config;
pub mod deliver;
pub mod disclosure;
pub mod extract;
pub mod format;
pub mod intake;
pub mod kept;
pub mod ledger;
pub mod mapping;
pub mod record;
pub mod release;
pub mod rules;
pub mod store;
pub mod telemetry;
pub mod validate;
pub mod web;
pub mod wire;
