//! Consents to facts to a decision, obligations, redaction and explanation. Pure.
//!
//! A question ([`Request`], [`Ask`]) is read leniently and decided strictly: the person's capacity
//! and every paper are judged by plain code over the tables of the pack, what remains are closed
//! facts, and Cedar decides class by class over them. Nothing is ever permitted by default; what is
//! unknown is withheld.

pub mod aging;
pub mod among;
pub mod answer;
pub mod calendar;
pub mod cases;
pub mod cite;
pub mod condition;
mod county;
pub mod decide;
pub mod facts;
pub mod fhir;
mod fields;
mod gather;
pub mod given;
pub mod import;
pub mod lodged;
mod mandates;
pub mod members;
mod memo;
pub mod moment;
mod odd_word;
pub mod pack;
pub mod papers;
pub mod person;
mod plain;
pub mod reach;
pub mod redact;
pub mod registry;
pub mod request;
pub mod review;
pub mod rule;
pub mod sheet;
mod spanish;
mod spot;
pub mod tables;
mod unlock;
pub mod why;
pub mod words;

pub use answer::{Answer, Decision, DecisionMode, PolicyInfo, Row, TraceRow};
pub use decide::{Ask, Policy};
pub use gather::CELL_MIN;
pub use plain::{Again, Plain, Seen};
pub use request::{Consent, Context, Request, Subject};
pub use review::Review;
pub use rule::ObligationSet;
