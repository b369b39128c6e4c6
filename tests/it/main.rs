//! The one integration-test binary: one module per area.

mod architecture;
mod findings;
mod tidy;
