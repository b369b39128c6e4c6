//! Decisions on request: what may go to whom, and why. Nothing is released or stored.
//!
//! A question names a stored record, or is written out as the shipped cases are. The latter is a
//! what-if: it rests on whatever the asker writes, so it is a privacy officer's alone, is marked
//! hypothetical, and can release nothing.

use super::answer::{Call, Outcome, forbidden};
use super::forms::{Form, errors, opened, text};
use super::problem::{PARAMETER_INVALID, Problem};
use super::{json, stored};
use crate::base::finding::Severity;
use crate::config::Role;
use crate::disclosure::{DecisionMode, Request};
use actix_web::HttpResponse;
use std::sync::LazyLock;

/// Longest record id, characters.
const ID_CHARS_MAX: usize = 64;

/// A question is an object; what it says beyond that is read strictly by the decision itself.
static QUESTION: LazyLock<Form> =
    LazyLock::new(|| Form::of(opened(vec![("record_id", text(1, ID_CHARS_MAX))])));

/// Decides one question.
pub async fn decide(mut call: Call) -> Outcome {
    let explain = call.asks_for("explain")?;
    let bytes = json::document(&mut call).await?;
    let (tree, mut findings) = QUESTION.read(&bytes);
    findings.retain(|finding| finding.is_error());
    if let Some(findings) = errors(&bytes, findings) {
        return Err(json::misfit(&findings));
    }
    if tree
        .as_ref()
        .and_then(|tree| tree.get("record_id"))
        .is_some()
    {
        if explain {
            let detail = "explain is for questions that are written out, not for a stored record";
            return Err(Problem::new(&PARAMETER_INVALID, detail));
        }
        return stored::decide(&call, &bytes).await;
    }
    if !call.operator()?.roles.contains(&Role::PrivacyOfficer) {
        return Err(forbidden());
    }
    let request = question(&bytes)?;
    let rules = call.site.rules.load();
    let decision = if explain {
        rules.policy.explain(&request)
    } else {
        rules.policy.decide(&request)
    };
    let decision = decision.in_mode(DecisionMode::Hypothetical);
    Ok(HttpResponse::Ok().json(decision))
}

/// A question that is written out. What nobody reads of it is no note here: it is refused.
fn question(bytes: &[u8]) -> Result<Request, Problem> {
    let mut read = Request::read(bytes);
    for finding in &mut read.findings {
        finding.severity = Severity::Error;
    }
    match read.request.filter(|_| read.findings.is_empty()) {
        Some(request) => Ok(request),
        None => Err(json::misfit(&read.findings)),
    }
}
