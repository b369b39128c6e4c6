//! Numbers: counters, gauges and histograms, shown as Prometheus text.
//!
//! One recorder for the process, as the `metrics` facade has it. Label values are partner ids,
//! route names, states and codes: closed sets, never anything a sender wrote.

use super::Event;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

const REQUEST_SECONDS: &str = "kinbridge_request_seconds";
const GROUP_MEMBERS: &str = "kinbridge_group_members";
const GROUP_SECONDS: &str = "kinbridge_group_commit_seconds";
const RECORDS: &str = "kinbridge_records_total";
const SUBMISSIONS: &str = "kinbridge_submissions_total";
const REFUSED: &str = "kinbridge_refused_total";
const DELIVERIES: &str = "kinbridge_deliveries_total";
const ROUTED: &str = "kinbridge_routed_records_total";
const CACHE: &str = "kinbridge_decisions_total";
const LANE_PENDING: &str = "kinbridge_lane_pending";
const LANE_OLDEST: &str = "kinbridge_lane_oldest_seconds";
const EMERGENCIES: &str = "kinbridge_emergency_accesses_total";
const REVIEWS_OVERDUE: &str = "kinbridge_reviews_overdue";
const LEDGER_SIZE: &str = "kinbridge_ledger_checkpoint_size";
const IN_FLIGHT: &str = "kinbridge_submissions_in_flight";
const FAILED: &str = "kinbridge_failed_total";
const STORAGE: &str = "kinbridge_storage_trouble";
const RULES: &str = "kinbridge_rules_loads_total";
const CLOSED: &str = "kinbridge_listener_closed_total";
const TLS: &str = "kinbridge_tls_loads_total";

const SECONDS: [f64; 12] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0,
];
const MEMBERS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The process's numbers.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Prometheus text of all numbers.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }

    /// Folds waiting samples; call it every few seconds so that they never pile up.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    /// How many submissions are between body and commit.
    pub fn in_flight(&self, now: usize) {
        gauge!(IN_FLIGHT).set(now as f64);
    }
}

/// The recorder, installed at the first call. `None` when another one is installed.
pub fn metrics() -> Option<Metrics> {
    static INSTALLED: OnceLock<Option<Metrics>> = OnceLock::new();
    INSTALLED.get_or_init(|| install().ok()).clone()
}

fn install() -> Result<Metrics, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix(String::from("seconds")), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix(String::from("members")), &MEMBERS)?
        .install_recorder()?;
    describe();
    Ok(Metrics(handle))
}

fn describe() {
    describe_histogram!(REQUEST_SECONDS, "From a request's head to its answer");
    describe_histogram!(GROUP_MEMBERS, "Requests committed together by the writer");
    describe_histogram!(GROUP_SECONDS, "Begin to commit of one group");
    describe_counter!(SUBMISSIONS, "Receipts given, first and repeated");
    describe_counter!(RECORDS, "Records by verdict");
    describe_counter!(REFUSED, "Submissions refused whole, by problem code");
    describe_counter!(ROUTED, "Records routed");
    describe_counter!(DELIVERIES, "Deliveries by the state they reached");
    describe_counter!(CACHE, "Decisions from memory and computed");
    describe_gauge!(LANE_PENDING, "Undelivered, by recipient and channel");
    describe_gauge!(LANE_OLDEST, "Age of the oldest undelivered");
    describe_counter!(EMERGENCIES, "Requests answered at the emergency door");
    describe_gauge!(REVIEWS_OVERDUE, "Reviews nobody has done in time");
    describe_gauge!(LEDGER_SIZE, "Entries covered by the newest checkpoint");
    describe_gauge!(IN_FLIGHT, "Submissions between body and commit");
    describe_counter!(FAILED, "Failed operations");
    describe_gauge!(STORAGE, "1 while the last write failed for the storage");
    describe_counter!(RULES, "Loads of the rules by outcome");
    describe_counter!(CLOSED, "Connections beside HTTP ended from here");
    describe_counter!(TLS, "Loads of the TLS files after the start by outcome");
}

/// Counts one event.
pub(super) fn count(event: &Event<'_>) {
    match event {
        Event::Answered {
            route,
            status,
            took,
            ..
        } => {
            let class = class(*status);
            histogram!(REQUEST_SECONDS, "route" => *route, "status" => class)
                .record(took.as_secs_f64());
        }
        Event::Accepted { .. } => verdicts(event),
        Event::Refused { code, .. } => counter!(REFUSED, "code" => *code).increment(1),
        Event::GroupCommitted { members, took } => {
            histogram!(GROUP_MEMBERS).record(*members as f64);
            histogram!(GROUP_SECONDS).record(took.as_secs_f64());
        }
        Event::Routed { records, .. } => counter!(ROUTED).increment(*records as u64),
        Event::DecisionCache { hits, misses } => {
            counter!(CACHE, "from" => "memory").increment(*hits);
            counter!(CACHE, "from" => "policies").increment(*misses);
        }
        Event::Delivery { partner, state, .. } => {
            let partner = partner.as_str().to_owned();
            counter!(DELIVERIES, "partner" => partner, "state" => *state).increment(1);
        }
        Event::Lane { .. } => lane(event),
        Event::EmergencyAccess { partner, test, .. } => {
            if !test {
                let partner = partner.as_str().to_owned();
                counter!(EMERGENCIES, "partner" => partner).increment(1);
            }
        }
        Event::ReviewsOverdue { open } => gauge!(REVIEWS_OVERDUE).set(*open as f64),
        Event::CheckpointSigned { size } => gauge!(LEDGER_SIZE).set(*size as f64),
        Event::RulesLoaded { .. } => counter!(RULES, "outcome" => "loaded").increment(1),
        Event::RulesRefused { .. } => counter!(RULES, "outcome" => "refused").increment(1),
        Event::ListenerClosed { .. } => counter!(CLOSED).increment(1),
        Event::TlsLoaded => counter!(TLS, "outcome" => "loaded").increment(1),
        Event::TlsRefused { .. } => counter!(TLS, "outcome" => "refused").increment(1),
        Event::Failed { operation, .. } => {
            counter!(FAILED, "operation" => *operation).increment(1);
        }
        Event::RecordUnreadable { .. } => {
            counter!(FAILED, "operation" => "open_record").increment(1);
        }
        Event::Started { .. } | Event::StorageTakesWrites => gauge!(STORAGE).set(0.0),
        Event::StorageTrouble { .. } => gauge!(STORAGE).set(1.0),
        Event::Stopping
        | Event::Stopped
        | Event::GroupTakenApart { .. }
        | Event::BatchesErased { .. }
        | Event::RecipientUntrusted { .. }
        | Event::KeyBesideDatabase
        | Event::ReviewOverdue { .. } => {}
    }
}

fn verdicts(event: &Event<'_>) {
    let Event::Accepted {
        accepted,
        duplicate,
        rejected,
        held,
        ..
    } = event
    else {
        return;
    };
    counter!(SUBMISSIONS).increment(1);
    for (verdict, number) in [
        ("accepted", *accepted),
        ("duplicate", *duplicate),
        ("rejected", *rejected),
        ("held", *held),
    ] {
        if number > 0 {
            counter!(RECORDS, "verdict" => verdict).increment(number);
        }
    }
}

fn lane(event: &Event<'_>) {
    if let Event::Lane {
        partner,
        channel,
        pending,
        oldest,
    } = event
    {
        let labels = [
            ("partner", partner.as_str().to_owned()),
            ("channel", channel.as_str().to_owned()),
        ];
        gauge!(LANE_PENDING, &labels).set(*pending as f64);
        gauge!(LANE_OLDEST, &labels).set(oldest.as_secs_f64());
    }
}

fn class(status: u16) -> &'static str {
    match status {
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        503 => "503",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{ChannelId, CorrelationId, PartnerId};
    use std::time::Duration;

    #[test]
    fn an_event_becomes_prometheus_text() {
        // Goal: names, labels and buckets as documented. Method: emit, render, look for the lines.
        let shown = metrics().expect("first recorder of the process");
        let partner = PartnerId::new("test-partner");
        crate::telemetry::emit(&Event::Lane {
            partner: &partner,
            channel: &ChannelId::new("out-x"),
            pending: 3,
            oldest: Duration::from_secs(90),
        });
        crate::telemetry::emit(&Event::Answered {
            route: "healthz",
            status: 200,
            took: Duration::from_millis(3),
            correlation: &CorrelationId::new("c"),
            problem: None,
        });
        let text = shown.render();
        let lane = "kinbridge_lane_oldest_seconds{partner=\"test-partner\",channel=\"out-x\"} 90";
        assert!(text.contains(lane), "{text}");
        assert!(
            text.contains("kinbridge_request_seconds_bucket{route=\"healthz\""),
            "{text}"
        );
    }
}
