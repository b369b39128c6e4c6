//! Health, readiness and the OpenAPI document.

use super::answer::{Call, Outcome, storage_takes_nothing, store_failed};
use super::problem::{Problem, STOPPING};
use actix_web::HttpResponse;
use serde_json::json;

/// The process answers.
pub fn healthz() -> Outcome {
    Ok(HttpResponse::Ok().json(json!({ "status": "ok" })))
}

/// Submissions can be taken: no stop has begun, the store answers, and the last write did not fail
/// for its storage.
pub async fn readyz(call: &Call) -> Outcome {
    if call.site.stopping() {
        return Err(Problem::new(&STOPPING, "use another gateway").retry_after(5));
    }
    if let Some(trouble) = call.site.store.storage_trouble() {
        return Err(storage_takes_nothing(trouble));
    }
    let health = call.site.store.health().await;
    health.map_err(|error| store_failed(&error))?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}

/// OpenAPI 3.1.
pub fn openapi(call: &Call) -> Outcome {
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(call.site.openapi.clone()))
}
