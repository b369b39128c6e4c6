//! HTTP: the API, authentication, limits, and the demo's receiver. The only room that knows actix.
//!
//! A request goes one way, see [`answer`]: who, may it, is there room, how large, then its handler.
//! Nothing of a body is read before the caller is known, and no answer carries a value that its
//! caller may not see.

pub mod answer;
mod asserting;
pub mod body;
mod capture;
pub mod certificates;
mod connection;
mod consent_acts;
mod consent_state;
mod consents;
pub mod correlation;
mod counting;
mod deadline;
mod decisions;
mod desk;
mod disclosures;
mod emergency;
mod explain;
mod extracts;
mod facts;
mod fhir_consents;
mod fhir_search;
mod forms;
mod health;
mod imports;
mod json;
mod lodging;
mod media;
pub mod openapi;
mod operations;
mod paging;
mod persons;
mod places;
pub mod principal;
pub mod problem;
pub mod receiver;
mod register;
pub mod routes;
mod scans;
pub mod server;
mod sets;
mod sheets;
pub mod site;
mod stored;
mod submissions;
mod submit;
pub mod tls;
mod work;
