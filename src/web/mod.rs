//! HTTP: the API, authentication, limits, and the demo's receiver. The only room that knows actix.

pub mod certificates;
pub mod receiver;
