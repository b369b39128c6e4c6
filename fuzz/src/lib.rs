//! Arbitrary bytes down the roads by which something of another's comes in. Each target in
//! `targets/` is one road; a panic in it is a finding. Nothing here may know what is in a format:
//! a target names one and hands over bytes.

pub mod compiling;
pub mod submission;
