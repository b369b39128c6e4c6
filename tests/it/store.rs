//! The contract of the store: one suite that any database behind the named operations passes.

mod accept;
mod consent;
mod delivery;
mod world;
