//! Decisions on request: what may go to whom, and why. Nothing is released or stored.

use super::answer::{Call, Outcome};
use super::json;
use crate::disclosure::Request;
use actix_web::HttpResponse;

/// Decides one question in the shape of the shipped cases.
pub async fn decide(mut call: Call) -> Outcome {
    let explain = call.asks_for("explain")?;
    let request: Request = json::read(&mut call).await?;
    let rules = call.site.rules.load();
    let decision = if explain {
        rules.policy.explain(&request)
    } else {
        rules.policy.decide(&request)
    };
    Ok(HttpResponse::Ok().json(decision))
}
