//! Reading a body with a limit and a pace.
//!
//! A sender may stall for the grace; after it, bytes must have come at the minimum rate on the
//! whole. It must never hold more than the route's limit, and never be asked before the caller is
//! known.

use super::problem::{BODY_INVALID, BODY_TOO_LARGE, BODY_TOO_SLOW, Problem};
use crate::config::Limits;
use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt as _;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// By when how many bytes must have come.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    grace: Duration,
    rate: u64,
}

impl Pace {
    /// From the settings.
    pub fn of(limits: &Limits) -> Pace {
        Pace {
            grace: limits.body_grace(),
            rate: limits.body_rate_min.max(1),
        }
    }

    /// How long after the start the next byte is due, when so many have come.
    pub fn due(self, received: u64) -> Duration {
        let earned = Duration::from_micros(received.saturating_mul(1_000_000) / self.rate);
        self.grace.saturating_add(earned)
    }

    /// How long the line may be silent.
    pub fn silence_max(self) -> Duration {
        self.grace
    }
}

/// A body on its way in.
pub struct Body {
    payload: Payload,
    pace: Pace,
    started: Instant,
    received: u64,
    bytes_max: u64,
}

impl Body {
    /// Nothing is read yet.
    pub fn new(payload: Payload, pace: Pace, bytes_max: u64) -> Body {
        Body {
            payload,
            pace,
            started: Instant::now(),
            received: 0,
            bytes_max,
        }
    }

    /// Bytes that have come so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The next chunk, `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let by_rate = self.started + self.pace.due(self.received);
        let by_silence = Instant::now() + self.pace.silence_max();
        let due = by_rate.min(by_silence);
        let chunk = match timeout_at(due, self.payload.next()).await {
            Err(_) => return Err(too_slow()),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(broken_off()),
            Ok(Some(Ok(chunk))) => chunk,
        };
        self.received += chunk.len() as u64;
        if self.received > self.bytes_max {
            return Err(too_large(self.bytes_max));
        }
        Ok(Some(chunk))
    }

    /// The rest of the body, whole.
    pub async fn whole(&mut self, announced: usize) -> Result<Vec<u8>, Problem> {
        // The announced length is a hint of the caller's: memory is taken for what has come.
        let mut all = Vec::with_capacity(announced.min(64 << 10));
        while let Some(chunk) = self.next().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}

/// The answer to a body over the limit.
pub fn too_large(bytes_max: u64) -> Problem {
    Problem::new(&BODY_TOO_LARGE, format!("send at most {bytes_max} bytes"))
}

fn too_slow() -> Problem {
    Problem::new(&BODY_TOO_SLOW, "send the body without long pauses")
}

fn broken_off() -> Problem {
    Problem::new(&BODY_INVALID, "the body ended before its announced length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_earns_time_by_the_bytes_it_brings() {
        // Goal: 1 KiB/s after 10 s. Method: the pure schedule.
        let pace = Pace {
            grace: Duration::from_secs(10),
            rate: 1_024,
        };
        assert_eq!(pace.due(0), Duration::from_secs(10));
        assert_eq!(pace.due(10_240), Duration::from_secs(20));
        assert!(pace.due(u64::MAX) > Duration::from_secs(1_000));
    }
}
