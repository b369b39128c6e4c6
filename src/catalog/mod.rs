//! Catalog files to parsed sources: schemas, mappings, crosswalks, partners, policies.
//!
//! Only this module reads catalog files. It compiles nothing of another module's: each pure module
//! has `compile(&Sources) -> (Compiled, Vec<Defect>)`.

pub mod partner;
pub mod schema;
