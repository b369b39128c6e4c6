//! Sending: the outbox state machine, its lanes and the transports out.
//!
//! It accepts only what release made. It must never send without a committed authorisation, never
//! hold a transaction across a network call, and never let one partner that is down slow another.

pub mod breaker;
pub mod courier;
pub mod https;
pub mod outbox;
mod router;
pub mod schedule;
pub mod transport;

pub use courier::{Courier, UnderWay};
pub use https::HttpsTransport;

use std::time::Duration;
use tokio::sync::watch;

/// How long a worker rests when nothing is due.
const REST: Duration = Duration::from_millis(50);
/// How long it lets work gather after a step that was not full: one step of many records costs
/// the store little more than one step of a single record.
const GATHER: Duration = Duration::from_millis(5);
/// How long it rests after the store failed.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Routes and delivers until told to stop; sends under way are then finished.
pub async fn run(courier: Courier, shutdown: watch::Receiver<bool>) {
    let routing = route_until(courier.clone(), shutdown.clone());
    let sending = send_until(courier, shutdown);
    tokio::join!(routing, sending);
}

async fn route_until(courier: Courier, mut shutdown: watch::Receiver<bool>) {
    loop {
        let rest = match courier.route().await {
            Ok(0) => REST,
            Ok(routed) if routed < courier::ROUTES_MAX => GATHER,
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::error!(%error, "routing failed");
                REST_AFTER_FAILURE
            }
        };
        if stopped_within(rest, &mut shutdown).await {
            return;
        }
    }
}

async fn send_until(courier: Courier, mut shutdown: watch::Receiver<bool>) {
    let mut under_way = UnderWay::default();
    loop {
        let rest = match courier.send(&mut under_way).await {
            Ok(0) => REST,
            Ok(_) => GATHER,
            Err(error) => {
                tracing::error!(%error, "claiming failed");
                REST_AFTER_FAILURE
            }
        };
        if stopped_within(rest, &mut shutdown).await {
            break;
        }
    }
    under_way.finish().await;
}

/// Rests; whether it was told to stop meanwhile. Whoever could tell being gone means stop.
async fn stopped_within(rest: Duration, shutdown: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        _ = shutdown.wait_for(|stop| *stop) => true,
        () = tokio::time::sleep(rest) => false,
    }
}
