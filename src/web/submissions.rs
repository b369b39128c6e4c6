//! Submissions: what was handed in and what became of it. A partner sees its own alone.

use super::answer::{Call, Outcome, store_failed};
use super::paging::Page;
use super::problem::Problem;
use crate::base::id::SubmissionId;
use actix_web::HttpResponse;
use serde_json::json;

/// All verdicts, page by page.
pub async fn records(call: &Call) -> Outcome {
    let partner = call.partner()?;
    let page = Page::of(call)?;
    let after = page.after(|key| key.parse::<u32>().ok())?;
    let id = SubmissionId::parse(call.part("id")).ok_or_else(Problem::not_found)?;
    let rows = page.rows();
    let store = &call.site.store;
    let found = store.submission_records(&partner.id, id, after, rows).await;
    let verdicts = found
        .map_err(|error| store_failed(&error))?
        .ok_or_else(Problem::not_found)?;
    let last = verdicts.last().map(|verdict| verdict.index.to_string());
    let next_cursor = page.next(verdicts.len(), last);
    Ok(HttpResponse::Ok().json(json!({ "records": verdicts, "next_cursor": next_cursor })))
}
