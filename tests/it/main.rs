//! The one integration-test binary: one module per area.

mod architecture;
mod catalog_schemas;
mod findings;
mod tidy;
mod web;
