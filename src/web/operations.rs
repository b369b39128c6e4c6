//! Running the gateway: reloading its rules.

use super::answer::{Call, Outcome};
use super::json;
use super::problem::{Problem, RULES_DEFECTIVE};
use super::work::{REASON, Reason, act};
use actix_web::HttpResponse;
use serde_json::json;

/// Reads the catalog again. A refused reload is answered with all defects.
pub async fn reload(mut call: Call) -> Outcome {
    let reason: Reason = json::read(&mut call, &REASON).await?;
    let act = act(&call, reason.into_text())?;
    let loaded = call.site.reload(Some(act)).await;
    let digest = loaded.map_err(|defects| {
        let detail = "mend the defects; `kinbridge check` prints them too";
        Problem::new(&RULES_DEFECTIVE, detail).with("defects", json!(defects))
    })?;
    Ok(HttpResponse::Ok().json(json!({ "rule_set": digest })))
}
