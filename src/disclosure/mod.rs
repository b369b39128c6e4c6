//! Consents to facts to a decision, obligations, redaction and explanation. Pure.

pub mod redact;
