//! Submissions: what was handed in and what became of it. A partner sees its own alone.

use super::answer::{Call, Outcome, store_failed};
use super::paging::Page;
use super::problem::Problem;
use crate::base::id::SubmissionId;
use crate::store::{CONSENT_CHANGED, DeliveryView, RecordTimeline};
use actix_web::HttpResponse;
use serde_json::{Value, json};

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

/// The timeline: its first records and where each of them went.
pub async fn get(call: &Call) -> Outcome {
    let partner = call.partner()?;
    let id = SubmissionId::parse(call.part("id")).ok_or_else(Problem::not_found)?;
    let found = call.site.store.submission(&partner.id, id).await;
    let view = found
        .map_err(|error| store_failed(&error))?
        .ok_or_else(Problem::not_found)?;
    let records: Vec<Value> = view.records.iter().map(timeline).collect();
    Ok(HttpResponse::Ok().json(json!({
        "submission_id": view.submission_id,
        "channel": view.channel,
        "received_at": view.received_at.to_rfc3339(),
        "correlation_id": view.correlation_id,
        "digest": view.body_digest,
        "rule_set": view.rule_set,
        "counts": view.counts,
        "ledger": view.ledger,
        "records": records,
        "records_url": format!("/v1/submissions/{id}/records"),
    })))
}

fn timeline(record: &RecordTimeline) -> Value {
    let mut shown = json!(record.verdict);
    let deliveries: Vec<Value> = record.deliveries.iter().map(delivery).collect();
    if let Some(members) = shown.as_object_mut() {
        members.insert(String::from("deliveries"), Value::Array(deliveries));
    }
    shown
}

fn delivery(view: &DeliveryView) -> Value {
    json!({
        "delivery_id": view.delivery_id,
        "partner": view.partner,
        "channel": view.channel,
        "state": view.state,
        "generation": view.generation,
        "attempts": view.attempts,
        "queued_at": view.queued_at.to_rfc3339(),
        "updated_at": view.updated_at.to_rfc3339(),
        // That a consent changed meanwhile may be anybody's word.
        "detail": view.detail.as_deref().filter(|detail| *detail != CONSENT_CHANGED),
    })
}
