//! Sending: the courier, its lanes and the transports out.
//!
//! It accepts only what release made. It must never send without a committed authorisation, never
//! hold a transaction across a network call, and never let one partner that is down slow another.

pub mod breaker;
pub mod courier;
pub mod https;
mod plan;
mod recall;
mod router;
pub mod schedule;
pub mod transport;
mod turns;

pub use courier::{Courier, UnderWay};
pub use https::HttpsTransport;

use crate::base::limits::{CLAIMS_MAX, ROUTES_MAX, TURNS_MAX};
use crate::store::StoreError;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a worker rests when nothing is due and nobody tells it that something is.
const REST: Duration = Duration::from_millis(50);
/// From the start of one step that was not full to the start of the next: under load work gathers,
/// and one step of many records costs the store little more than one step of a single record. What
/// comes after a rest goes at once.
const GATHER: Duration = Duration::from_millis(5);
/// Between two looks at the calendar.
const REST_OF_TURNS: Duration = Duration::from_secs(1);
/// How long it rests when nothing happened to what was sent.
const REST_OF_RECALLS: Duration = Duration::from_secs(1);
/// How long it rests after the store failed.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Routes and delivers until told to stop; sends under way are then finished.
pub async fn run(courier: Courier, shutdown: watch::Receiver<bool>) {
    let routing = route_until(&courier, shutdown.clone());
    let recalling = recall_until(&courier, shutdown.clone());
    let turning = turn_until(&courier, shutdown.clone());
    let sending = send_until(&courier, shutdown);
    tokio::join!(routing, sending, recalling, turning);
}

async fn route_until(courier: &Courier, mut shutdown: watch::Receiver<bool>) {
    loop {
        let began = Instant::now();
        let routed = courier.route().await;
        let rest = rest(&routed, ROUTES_MAX, began);
        if let Err(error) = &routed {
            error.tell();
        }
        let news = async {
            match routed {
                Ok(0) => courier.records_waiting().await,
                _ => std::future::pending().await,
            }
        };
        if stopped_within(rest, news, &mut shutdown).await {
            return;
        }
    }
}

/// What was sent is looked at again after something happened: in no hurry, but well within the
/// minute.
async fn recall_until(courier: &Courier, mut shutdown: watch::Receiver<bool>) {
    loop {
        let rest = match courier.recall().await {
            Ok(Some(_)) => GATHER,
            Ok(None) => REST_OF_RECALLS,
            Err(error) => {
                error.tell();
                REST_AFTER_FAILURE
            }
        };
        if stopped_within(rest, std::future::pending(), &mut shutdown).await {
            return;
        }
    }
}

/// What the calendar changes is decided again well within the minute.
async fn turn_until(courier: &Courier, mut shutdown: watch::Receiver<bool>) {
    loop {
        let rest = match courier.turn().await {
            Ok(found) if found >= TURNS_MAX => Duration::ZERO,
            Ok(_) => REST_OF_TURNS,
            Err(error) => {
                error.tell();
                REST_AFTER_FAILURE
            }
        };
        if stopped_within(rest, std::future::pending(), &mut shutdown).await {
            return;
        }
    }
}

async fn send_until(courier: &Courier, mut shutdown: watch::Receiver<bool>) {
    let mut under_way = UnderWay::default();
    loop {
        let began = Instant::now();
        let sent = courier.send(&mut under_way).await;
        let rest = rest(&sent, CLAIMS_MAX, began);
        if let Err(error) = &sent {
            error.tell();
        }
        let news = async {
            match sent {
                Ok(0) => courier.deliveries_due().await,
                _ => std::future::pending().await,
            }
        };
        if stopped_within(rest, news, &mut shutdown).await {
            break;
        }
    }
    under_way.finish().await;
}

/// How long to rest after a step that began then, unless there is news.
fn rest(step: &Result<usize, StoreError>, full: usize, began: Instant) -> Duration {
    match step {
        Ok(0) => REST,
        Ok(done) if *done < full => GATHER.saturating_sub(began.elapsed()),
        Ok(_) => Duration::ZERO,
        Err(_) => REST_AFTER_FAILURE,
    }
}

/// Rests until there is news; whether it was told to stop meanwhile. Whoever could tell being gone
/// means stop.
async fn stopped_within(
    rest: Duration,
    news: impl Future<Output = ()>,
    shutdown: &mut watch::Receiver<bool>,
) -> bool {
    tokio::select! {
        biased;
        _ = shutdown.wait_for(|stop| *stop) => true,
        () = news => false,
        () = tokio::time::sleep(rest) => false,
    }
}
