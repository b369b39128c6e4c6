//! Log lines: JSON, one event each, on standard error.

use super::Event;
use tracing::{debug, error, info, warn};
use tracing_subscriber::EnvFilter;

/// Starts logging for this process. Does nothing when a test or an earlier start has done so.
pub fn start_logs(filter: &str) {
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .try_init();
    if started.is_err() {
        debug!("logging was already started");
    }
}

/// Writes the line of one event.
pub(super) fn write(event: &Event<'_>) {
    match event {
        Event::Answered { .. } => answered(event),
        Event::Accepted { .. } | Event::Refused { .. } => intake(event),
        Event::Delivery { .. } => delivery(event),
        Event::Started { address, rule_set } => info!(%address, rule_set, "started"),
        Event::Stopping => info!("stopping"),
        Event::Stopped => info!("stopped"),
        Event::RulesLoaded { rule_set } => info!(rule_set, "rules_loaded"),
        Event::RulesRefused { defects } => error!(defects, "rules_refused"),
        Event::ListenerClosed { cause } => warn!(cause, "listener_closed"),
        Event::TlsLoaded => info!("tls_loaded"),
        Event::TlsRefused { cause } => error!(cause, "tls_refused"),
        Event::RecipientUntrusted {
            partner,
            channel,
            detail,
        } => warn!(%partner, %channel, detail, "recipient_untrusted"),
        Event::KeyBesideDatabase => warn!("master_key_beside_database"),
        Event::StorageTrouble { trouble, cause } => error!(trouble, cause, "storage_trouble"),
        Event::StorageTakesWrites => info!("storage_takes_writes"),
        Event::Failed { operation, cause } => error!(operation, cause, "failed"),
        Event::GroupTakenApart { members, cause } => warn!(members, cause, "group_taken_apart"),
        Event::BatchesErased { erased } => info!(erased, "unsealed_batches_erased"),
        Event::RecordUnreadable { record, cause } => error!(%record, cause, "record_unreadable"),
        Event::EmergencyAccess {
            partner,
            access,
            given,
            test,
        } => warn!(%partner, %access, given, test, "emergency_access"),
        Event::ReviewOverdue { item } => error!(work_item = %item, "review_overdue"),
        Event::CheckpointSigned { size } => debug!(size, "checkpoint_signed"),
        Event::Routed {
            records,
            deliveries,
        } => debug!(records, deliveries, "routed"),
        Event::GroupCommitted { .. }
        | Event::DecisionCache { .. }
        | Event::Lane { .. }
        | Event::ReviewsOverdue { .. } => {}
    }
}

fn answered(event: &Event<'_>) {
    let Event::Answered {
        route,
        status,
        took,
        correlation,
        problem,
    } = event
    else {
        return;
    };
    let took_us = took.as_micros() as u64;
    if *status >= 500 && *status != 503 {
        error!(route, status, took_us, correlation_id = %correlation, problem, "answered");
    } else if *status >= 400 {
        info!(route, status, took_us, correlation_id = %correlation, problem, "answered");
    } else {
        debug!(route, status, took_us, correlation_id = %correlation, "answered");
    }
}

fn intake(event: &Event<'_>) {
    match event {
        Event::Accepted {
            partner,
            accepted,
            duplicate,
            rejected,
            held,
            correlation,
        } => debug!(
            %partner,
            accepted,
            duplicate,
            rejected,
            held,
            correlation_id = %correlation,
            "submission_accepted"
        ),
        Event::Refused {
            partner,
            code,
            correlation,
        } => info!(%partner, code, correlation_id = %correlation, "submission_refused"),
        _ => {}
    }
}

fn delivery(event: &Event<'_>) {
    let Event::Delivery {
        partner,
        channel,
        delivery,
        state,
        attempts,
    } = event
    else {
        return;
    };
    if *state == "dead" {
        error!(%partner, %channel, %delivery, state, attempts, "delivery");
    } else {
        debug!(%partner, %channel, %delivery, state, attempts, "delivery");
    }
}
