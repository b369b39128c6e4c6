//! One breaker per (partner, channel): a recipient that is down is asked seldom, alone.
//!
//! It only delays; it never drops a delivery and never touches another partner's lane.

use crate::base::clock::Timestamp;
use crate::base::id::{ChannelId, PartnerId};
use std::collections::HashMap;
use std::time::Duration;

/// Failures in a row that open a breaker.
const FAILURES_MAX: u32 = 5;
/// How long it stays open the first time; doubles up to [`OPEN_MAX`].
const OPEN_FIRST: Duration = Duration::from_secs(15);
/// The longest it stays open between two trial attempts.
const OPEN_MAX: Duration = Duration::from_secs(300);

/// The breakers of all lanes; a lane without failures has no entry.
#[derive(Debug, Default)]
pub struct Breakers {
    lanes: HashMap<(PartnerId, ChannelId), Breaker>,
}

#[derive(Clone, Copy, Debug)]
struct Breaker {
    failures: u32,
    open_until: Option<Timestamp>,
}

impl Breakers {
    /// How many attempts a lane may have under way at `now`: none while open, one as a trial.
    pub fn allowance(
        &self,
        lane: &(PartnerId, ChannelId),
        in_flight_max: u32,
        now: Timestamp,
    ) -> u32 {
        match self.lanes.get(lane) {
            Some(breaker) if breaker.failures >= FAILURES_MAX => match breaker.open_until {
                Some(until) if now < until => 0,
                _ => 1,
            },
            _ => in_flight_max,
        }
    }

    /// The recipient answered, whatever it said of the record.
    pub fn succeeded(&mut self, lane: &(PartnerId, ChannelId)) {
        self.lanes.remove(lane);
    }

    /// The recipient could not be reached or could not work.
    pub fn failed(&mut self, lane: &(PartnerId, ChannelId), now: Timestamp) {
        let breaker = self.lanes.entry(lane.clone()).or_insert(Breaker {
            failures: 0,
            open_until: None,
        });
        breaker.failures = breaker.failures.saturating_add(1);
        if let Some(trips) = breaker.failures.checked_sub(FAILURES_MAX) {
            let open = OPEN_FIRST.saturating_mul(1 << trips.min(8)).min(OPEN_MAX);
            breaker.open_until = Some(now.after(open));
        }
    }
}

#[cfg(test)]
mod tests {
    //! Goal: a lane that fails is left alone for a while, others are not touched.
    use super::*;

    fn lane(name: &str) -> (PartnerId, ChannelId) {
        (PartnerId::new(name), ChannelId::new("out"))
    }

    #[test]
    fn five_failures_open_one_lane_and_a_success_closes_it() {
        let (down, up) = (lane("down"), lane("up"));
        let mut breakers = Breakers::default();
        let start = Timestamp(0);
        for _ in 0..4 {
            breakers.failed(&down, start);
        }
        assert_eq!(breakers.allowance(&down, 4, start), 4);
        breakers.failed(&down, start);
        assert_eq!(breakers.allowance(&down, 4, start), 0);
        assert_eq!(breakers.allowance(&up, 4, start), 4);
        let later = start.after(OPEN_FIRST);
        assert_eq!(breakers.allowance(&down, 4, later), 1);
        breakers.failed(&down, later);
        assert_eq!(breakers.allowance(&down, 4, later.after(OPEN_FIRST)), 0);
        breakers.succeeded(&down);
        assert_eq!(breakers.allowance(&down, 4, later), 4);
    }

    #[test]
    fn it_never_stays_open_longer_than_the_maximum() {
        let down = lane("down");
        let mut breakers = Breakers::default();
        for _ in 0..1_000 {
            breakers.failed(&down, Timestamp(0));
        }
        assert_eq!(
            breakers.allowance(&down, 4, Timestamp(0).after(OPEN_MAX)),
            1
        );
    }
}
