//! Submissions: what was handed in and what became of it. A partner sees its own alone.
//!
//! Of where a record went it must never tell more than a decision does: of the recipients the
//! sender knows alone, and of nothing kept back why, since when or whether a person looks at it.

use super::answer::{Call, Outcome, store_failed};
use super::paging::Page;
use super::problem::Problem;
use crate::base::id::{PartnerId, SubmissionId};
use crate::release::{known_to_sender, opened};
use crate::rules::Rules;
use crate::store::{DeliveryState, DeliveryView, RecordTimeline, StoredRecord};
use actix_web::HttpResponse;
use serde_json::{Value, json};

/// All verdicts, page by page.
pub async fn records(call: &Call) -> Outcome {
    let partner = call.partner()?;
    let page = Page::of(call)?;
    let after = page.after(|key| key.parse::<u32>().ok())?;
    let id = SubmissionId::parse(call.part("id")).ok_or_else(Problem::not_found)?;
    let rows = page.rows_and_one();
    let store = &call.site.store;
    let found = store.submission_records(&partner.id, id, after, rows).await;
    let mut verdicts = found
        .map_err(|error| store_failed(&error))?
        .ok_or_else(Problem::not_found)?;
    let next_cursor = page.cut(&mut verdicts, |verdict| verdict.index.to_string());
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
    let rules = call.site.rules.load();
    let records = view.records.iter();
    let records: Vec<Value> = records.map(|record| timeline(&rules, record)).collect();
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

fn timeline(rules: &Rules, record: &RecordTimeline) -> Value {
    let mut shown = json!(record.verdict);
    let deliveries: Vec<Value> = match &record.stored {
        Some(stored) => told(rules, stored, &record.deliveries),
        None => Vec::new(),
    };
    if let Some(members) = shown.as_object_mut() {
        members.insert(String::from("deliveries"), Value::Array(deliveries));
    }
    shown
}

/// The deliveries to recipients the record's sender knows of.
fn told(rules: &Rules, stored: &StoredRecord, deliveries: &[DeliveryView]) -> Vec<Value> {
    let known = deliveries
        .iter()
        .filter(|to| is_known(rules, stored, &to.partner));
    known.map(delivery).collect()
}

/// Whether a record's sender knows of this recipient; a record nobody can read names nobody.
pub(super) fn is_known(rules: &Rules, stored: &StoredRecord, recipient: &PartnerId) -> bool {
    let record = opened(&stored.record_type, &stored.payload);
    let known = record.zip(rules.partners.get(recipient));
    known.is_some_and(|(record, to)| known_to_sender(to, &stored.partner, &record))
}

fn delivery(view: &DeliveryView) -> Value {
    use DeliveryState::{Ambiguous, Authorised, Held, Leased, Pending, Withdrawn, Withheld};
    // Whether law, consent or a person keeps it, and since when, may be anybody's word.
    let kept = matches!(view.state, Withheld | Held | Withdrawn);
    // What waits is decided anew as somebody's word changes: when that was is not told either.
    let waits = matches!(view.state, Pending | Leased | Authorised | Ambiguous);
    let settled_at = match kept || waits {
        true => view.queued_at,
        false => view.updated_at,
    };
    let detail = view.detail.as_deref().filter(|_| !kept);
    json!({
        "delivery_id": view.delivery_id,
        "partner": view.partner,
        "channel": view.channel,
        "state": if kept { Withheld } else { view.state },
        "generation": if kept { 0 } else { view.generation },
        "attempts": view.attempts,
        "queued_at": view.queued_at.to_rfc3339(),
        "updated_at": settled_at.to_rfc3339(),
        "detail": detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::digest::Digest;
    use crate::base::id::{ChannelId, DeliveryId, RecordId};

    fn view(state: DeliveryState, generation: u32, updated_at: i64) -> DeliveryView {
        DeliveryView {
            delivery_id: DeliveryId([1; 16]),
            record_id: RecordId([2; 16]),
            version: Digest([3; 32]),
            partner: PartnerId::new("somebody"),
            channel: ChannelId::new("push"),
            state,
            generation,
            attempts: 1,
            queued_at: Timestamp(0),
            updated_at: Timestamp(updated_at),
            next_at: Timestamp(0),
            detail: Some(String::from("why")),
        }
    }

    #[test]
    fn what_is_kept_back_reads_alike_whatever_keeps_it() {
        // Goal: the sender cannot tell a refusal from a look or a withdrawal. Method: compare.
        let withheld = delivery(&view(DeliveryState::Withheld, 0, 1));
        for (state, generation) in [(DeliveryState::Held, 1), (DeliveryState::Withdrawn, 2)] {
            assert_eq!(delivery(&view(state, generation, 5_000_000)), withheld);
        }
        for state in [DeliveryState::Pending, DeliveryState::Ambiguous] {
            let (one, two) = (view(state, 0, 1), view(state, 0, 5_000_000));
            assert_eq!(delivery(&one), delivery(&two), "decided anew meanwhile");
        }
        let sent = delivery(&view(DeliveryState::Confirmed, 1, 5_000_000));
        assert_eq!(
            (&sent["state"], &sent["detail"]),
            (&json!("confirmed"), &json!("why"))
        );
    }
}
