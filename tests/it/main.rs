//! The one integration-test binary: one module per area.

mod architecture;
mod cases;
mod catalog_schemas;
mod closed_loop;
mod deliver;
mod findings;
mod fixtures;
mod format_laws;
mod https_out;
mod intake;
mod labels;
mod mapping;
mod metamorphic;
mod pull_road;
mod pulls;
mod redact;
mod reference;
mod release;
mod sensitive_clinics;
mod service_source;
mod slicing;
mod store;
mod tidy;
mod validation;
mod web;
mod wire_shapes;
