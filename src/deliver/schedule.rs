//! When an attempt is made again: the partner file's schedule, jitter and the recipient's wish.
//!
//! Pure: the same delivery and attempt give the same instant. Jitter comes from the ids, so that a
//! thousand deliveries that failed together do not come back together.

use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::base::id::DeliveryId;
use crate::catalog::partner::Https;
use std::time::Duration;

/// The longest a recipient may ask us to wait.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(6 * 3600);

/// What the schedule says after an attempt that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Again, not before.
    At(Timestamp),
    /// The give-up time is over.
    GiveUp,
}

/// One delivery's place in its schedule.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Attempts made, the failed one included.
    pub attempts: u32,
    /// When it was queued or last brought up again.
    pub due_since: Timestamp,
    /// When the attempt failed.
    pub now: Timestamp,
    /// What the recipient asked for.
    pub retry_after: Option<Duration>,
}

/// The next attempt of a delivery.
pub fn next(https: &Https, place: &Place) -> Next {
    let give_up = Duration::from_secs(u64::from(https.give_up_days) * 86_400);
    if place.now.since(place.due_since) >= give_up {
        return Next::GiveUp;
    }
    let step = usize::try_from(place.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let last = https.retry_secs.last().copied().unwrap_or(3_600);
    let secs = https.retry_secs.get(step).copied().unwrap_or(last);
    let wait = jittered(Duration::from_secs(secs), place);
    let asked = place.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    Next::At(place.now.after(wait.max(asked)))
}

/// Between 80 % and 120 % of `base`, by a digest of delivery and attempt.
fn jittered(base: Duration, place: &Place) -> Duration {
    let digest = Digest::of_parts(&[&place.delivery_id.0, &place.attempts.to_be_bytes()]);
    let [high, low, ..] = digest.0;
    let share = u32::from(u16::from_be_bytes([high, low]));
    // 0..=65535 onto 800..=1200 thousandths.
    let thousandths = 800 + share * 400 / 65_535;
    base.saturating_mul(thousandths) / 1_000
}

#[cfg(test)]
mod tests {
    //! Goal: the schedule is the partner file's, within 20 %, to the microsecond repeatable.
    use super::*;

    fn https(retry_secs: Vec<u64>) -> Https {
        Https {
            url: String::new(),
            in_flight_max: 1,
            retry_secs,
            give_up_days: 10,
            ca_file: None,
            private_network: false,
        }
    }

    fn place(id: u8, attempts: u32) -> Place {
        Place {
            delivery_id: DeliveryId([id; 16]),
            attempts,
            due_since: Timestamp(0),
            now: Timestamp(1_000_000),
            retry_after: None,
        }
    }

    fn wait(next: Next) -> f64 {
        match next {
            Next::At(at) => at.since(Timestamp(1_000_000)).as_secs_f64(),
            Next::GiveUp => f64::INFINITY,
        }
    }

    #[test]
    fn each_attempt_waits_its_own_step_and_the_last_repeats() {
        let https = https(vec![30, 120, 600]);
        for (attempts, base) in [(1, 30.0), (2, 120.0), (3, 600.0), (4, 600.0), (90, 600.0)] {
            for id in 0..50 {
                let secs = wait(next(&https, &place(id, attempts)));
                assert!(
                    (base * 0.8..=base * 1.2).contains(&secs),
                    "attempt {attempts}: {secs}"
                );
            }
        }
    }

    #[test]
    fn jitter_spreads_deliveries_and_repeats_for_one() {
        let https = https(vec![600]);
        let all: std::collections::BTreeSet<String> = (0..50)
            .map(|id| format!("{:?}", next(&https, &place(id, 1))))
            .collect();
        assert!(all.len() > 40, "only {} different instants", all.len());
        assert_eq!(next(&https, &place(3, 1)), next(&https, &place(3, 1)));
    }

    #[test]
    fn the_recipient_may_ask_for_more_but_not_for_ever() {
        let https = https(vec![30]);
        let mut asked = place(1, 1);
        asked.retry_after = Some(Duration::from_secs(900));
        assert_eq!(wait(next(&https, &asked)), 900.0);
        asked.retry_after = Some(Duration::from_secs(90 * 86_400));
        assert_eq!(wait(next(&https, &asked)), RETRY_AFTER_MAX.as_secs_f64());
    }

    #[test]
    fn after_the_give_up_time_there_is_no_further_attempt() {
        let mut late = place(1, 40);
        late.now = Timestamp(10 * 86_400 * 1_000_000);
        assert_eq!(next(&https(vec![30]), &late), Next::GiveUp);
    }
}
