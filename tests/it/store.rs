//! The contract of the store: one suite that any database behind the named operations passes.

mod accept;
mod backup;
mod batch;
mod consent;
mod courses;
mod crash;
mod crosscheck;
mod delivery;
mod emergency;
mod extract;
mod fact;
mod given;
mod identity;
mod ledger;
mod outlived;
mod plans;
mod replay;
mod reviews;
mod rotate;
mod sealing;
pub mod storage;
pub mod world;
