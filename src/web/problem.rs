//! Errors as the caller sees them: RFC 9457 problem details with stable codes.
//!
//! A detail says what to do; it must never repeat a value of a record or the text of an inner
//! error. What went wrong inside is logged once, under the same correlation id.

use crate::base::finding::Finding;
use crate::base::id::CorrelationId;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// One kind of problem; its code is never renamed or reused.
#[derive(Debug)]
pub struct Kind {
    /// HTTP status.
    pub status: u16,
    /// Stable, kebab-case.
    pub code: &'static str,
    /// The kind in a few words.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $status:literal, $code:literal, $title:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: Kind = Kind { status: $status, code: $code, title: $title };
        )*
        /// All kinds, for the documents.
        pub static KINDS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    PARAMETER_INVALID = 400, "parameter-invalid", "A header or parameter is missing or malformed";
    UNAUTHENTICATED = 401, "unauthenticated", "No valid credential";
    FORBIDDEN = 403, "forbidden", "This credential may not do this";
    FACT_NOT_ASSERTABLE = 403, "fact-not-assertable", "This partner may not assert such a fact";
    NOT_FOUND = 404, "not-found", "There is no such thing, or it is not yours";
    METHOD_NOT_ALLOWED = 405, "method-not-allowed", "This address does not take this method";
    BODY_TOO_SLOW = 408, "body-too-slow", "The body came too slowly or not at all";
    KEY_CONFLICT = 409, "idempotency-key-conflict", "The key was used with another body";
    STATE_CONFLICT = 409, "state-conflict", "It is not in a state that allows this";
    EXTRACT_STALE = 409, "extract-stale", "A consent or the rules changed since it was decided";
    EXTRACT_EXPIRED = 410, "extract-expired", "The extract is too old to be served";
    BODY_TOO_LARGE = 413, "body-too-large", "The body is larger than this route takes";
    FORMAT_UNSUPPORTED = 415, "format-unsupported", "This format is not taken here";
    RANGE_INVALID = 416, "range-invalid", "The file does not reach so far";
    BODY_INVALID = 422, "body-invalid", "The body cannot be read as what it should be";
    REPORT_BY_PHONE_FIRST = 422, "report-by-phone-first", "Report by phone first; llame primero";
    NOTHING_ACCEPTED = 422, "nothing-accepted", "No record could be accepted";
    RULES_DEFECTIVE = 422, "rules-defective", "The catalog has defects; the old rules stay";
    RATE_LIMITED = 429, "rate-limited", "Too many requests from this partner";
    INTERNAL = 500, "internal", "Something failed inside; it is logged";
    BUSY = 503, "busy", "Too much is under way; try again";
    STOPPING = 503, "stopping", "The gateway is stopping; try again";
    STORAGE_FULL = 503, "storage-full", "The gateway's storage is full; nothing was taken";
    STORAGE_FAILING = 503, "storage-failing", "The gateway's storage fails; nothing was taken";
    STORE_UNAVAILABLE = 503, "store-unavailable", "The store cannot take more; try again";
}

/// An answer that says no.
#[derive(Debug)]
pub struct Problem {
    /// Which kind.
    pub kind: &'static Kind,
    detail: Cow<'static, str>,
    more: Option<Box<More>>,
}

/// What few problems have.
#[derive(Debug, Default)]
struct More {
    retry_after_secs: Option<u64>,
    allow: Option<String>,
    members: Map<String, Value>,
}

impl Problem {
    /// A problem with what to do about it.
    pub fn new(kind: &'static Kind, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem {
            kind,
            detail: detail.into(),
            more: None,
        }
    }

    /// Unknown and foreign alike: always exactly this.
    pub fn not_found() -> Problem {
        Problem::new(&NOT_FOUND, "check the id; only your own are shown")
    }

    /// Tells the caller when to come back, in whole seconds.
    #[must_use]
    pub fn retry_after(mut self, secs: u64) -> Problem {
        self.more().retry_after_secs = Some(secs);
        self
    }

    /// Methods this address takes, comma separated.
    #[must_use]
    pub fn allowing(mut self, methods: String) -> Problem {
        self.more().allow = Some(methods);
        self
    }

    /// A further member: findings, defects. Never a value of a record.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Problem {
        self.more().members.insert(name.to_owned(), value);
        self
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// The answer on a route that speaks FHIR.
    pub fn into_outcome(mut self, correlation: &CorrelationId) -> HttpResponse {
        let findings = self
            .more
            .as_mut()
            .and_then(|more| more.members.remove("findings"));
        let findings: Vec<Finding> = findings
            .and_then(|list| serde_json::from_value(list).ok())
            .unwrap_or_default();
        let mut body = outcome(&self.detail, &findings);
        let head = json!({
            "severity": "error",
            "code": issue_type(self.kind.status),
            "details": {"coding": [{"system": PROBLEMS, "code": self.kind.code}],
                        "text": self.kind.title},
            "diagnostics": self.detail,
        });
        if let Some(first) = body.pointer_mut("/issue/0") {
            *first = head;
        }
        let mut response = self.into_response(correlation);
        let media = HeaderValue::from_static("application/fhir+json");
        response.headers_mut().insert(CONTENT_TYPE, media);
        response.set_body(BoxBody::new(body.to_string()))
    }

    /// The answer.
    pub fn into_response(self, correlation: &CorrelationId) -> HttpResponse {
        let status =
            StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut builder = HttpResponse::build(status);
        if status == StatusCode::UNAUTHORIZED {
            builder.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        let more = self.more.map(|more| *more).unwrap_or_default();
        if let Some(secs) = more.retry_after_secs {
            builder.insert_header((RETRY_AFTER, secs));
        }
        if let Some(methods) = more.allow {
            builder.insert_header((ALLOW, methods));
        }
        let mut body = json!({
            "type": format!("urn:kinbridge:problem:{}", self.kind.code),
            "title": self.kind.title,
            "status": self.kind.status,
            "code": self.kind.code,
            "detail": self.detail,
            "correlation_id": correlation,
        });
        if let Some(object) = body.as_object_mut() {
            object.extend(more.members);
        }
        builder
            .content_type("application/problem+json")
            .body(body.to_string())
    }
}

/// What errors of FHIR routes are told in, without its issues.
const OUTCOME: &str = include_str!("fhir.outcome.json");
/// The system of the codes of problems and findings.
const PROBLEMS: &str = "urn:kinbridge:problem";
/// The same of findings.
const FINDINGS: &str = "urn:kinbridge:finding";

/// An OperationOutcome that says what was done and tells all findings, each at its place.
pub fn outcome(done: &str, findings: &[Finding]) -> Value {
    let mut issues = vec![json!({
        "severity": "information",
        "code": "informational",
        "diagnostics": done,
    })];
    issues.extend(findings.iter().map(|finding| {
        json!({
            "severity": finding.severity,
            "code": if finding.is_error() { "invalid" } else { "business-rule" },
            "details": {"coding": [{"system": FINDINGS, "code": finding.code}],
                        "text": finding.message},
            "diagnostics": finding.fix,
            "expression": [finding.path],
        })
    }));
    let mut document: Value = serde_json::from_str(OUTCOME).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.insert(String::from("issue"), Value::Array(issues));
    }
    document
}

/// The kind of issue a status is.
fn issue_type(status: u16) -> &'static str {
    match status {
        401 => "login",
        403 => "forbidden",
        404 => "not-found",
        405 | 415 => "not-supported",
        409 => "conflict",
        413 => "too-long",
        429 | 503 => "throttled",
        500 => "exception",
        _ => "invalid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_kebab_case() {
        // Goal: a code names one kind for ever. Method: look at all.
        let codes: BTreeSet<&str> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
        for code in codes {
            assert!(
                code.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{code}"
            );
        }
    }
}
