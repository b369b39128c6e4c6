//! The only SQL: named operations over plain structs.
//!
//! No transaction handle leaves this module and no transaction spans a network call. Payloads are
//! sealed on the way in and opened on the way out; searchable values exist only as keyed digests.

pub mod model;
