//! The vocabulary every other module speaks: ids, time, digests, findings, the closed word lists.
//!
//! Nothing here does anything; it only names. It must never import another module of the crate,
//! read the environment or know a partner.

pub mod clock;
pub mod defect;
pub mod digest;
pub mod fact_key;
pub mod finding;
pub mod finding_codes;
pub mod id;
pub mod language;
pub mod limits;
pub mod nearest;
pub mod paperwork;
pub mod sensitive;
pub mod spelling;
pub mod vocabulary;

/// Short text of the tree: up to 24 bytes live inside the value, without an allocation.
pub type Text = compact_str::CompactString;
