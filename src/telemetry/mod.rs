//! One event vocabulary for logs and metrics.
//!
//! A module that has something to tell emits an [`Event`]; this module alone decides its log line
//! and its metrics, so that both speak of the same things. It must never be handed a record's
//! value: events carry ids, counts, codes and durations only.

mod event;
mod logs;
mod metric;

pub use event::Event;
pub use logs::start_logs;
pub use metric::{Metrics, metrics};

/// Tells one event: its metrics, then its log line.
pub fn emit(event: &Event<'_>) {
    metric::count(event);
    logs::write(event);
}
