//! The HTTP surface, driven from outside against an in-process gateway on a free port.

mod admission;
mod desk;
mod emergency;
mod explain;
mod extracts;
mod facts;
mod fhir;
mod forms_of_bodies;
pub mod harness;
pub mod holdings;
mod hotline;
mod identity;
mod imports;
mod offices;
mod operators;
mod persons;
mod registry;
mod replay;
mod scans;
mod sheets;
mod storage;
pub mod stored;
pub mod submissions;
mod table;
mod unsaid_format;
