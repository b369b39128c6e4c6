//! Turns: the instants at which a fact or a consent of the registry begins or ends to count by the
//! calendar alone.
//!
//! It says when to decide again and never what: one instant too many costs a decision, one too few
//! would leave an answer standing that time has changed.

use super::asserted::read_assertion;
use super::{HeldConsent, HeldFact, read_paper};
use crate::base::clock::Timestamp;
use crate::base::fact_key::FactKey;
use crate::catalog::facts::Validity;
use crate::disclosure::moment::{Day, Moment, first_instant, local_day};
use crate::disclosure::request::Direction;
use crate::rules::Rules;
use std::time::Duration;

/// All of one fact or consent, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    at: Vec<Timestamp>,
    /// From when on it closes, where it may: what was sent before is to be looked at then.
    closes: Vec<Timestamp>,
}

impl Turns {
    /// The first after an instant.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.at.iter().copied().filter(|at| *at > after).min()
    }

    /// Whether one lies after the one instant and not after the other.
    pub fn any_within(&self, after: Timestamp, until: Timestamp) -> bool {
        self.at.iter().any(|at| *at > after && *at <= until)
    }

    /// When it last began to close in that time.
    pub fn closed_within(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let all = self.closes.iter().copied();
        all.filter(|at| *at > after && *at <= until).max()
    }

    fn day(&mut self, day: Day) {
        self.at.extend(first_instant(day));
    }

    /// From when on something has begun: a day from its first instant.
    fn begins(&mut self, moment: Moment) {
        self.at.extend(begins(moment));
    }

    /// From when on something is over: a day counts to its end, an instant is itself the last.
    fn ends(&mut self, moment: Moment) {
        match moment {
            Moment::Day(day) => self.day(next(day)),
            Moment::Instant(at, _) => self.at.push(Timestamp(at.0.saturating_add(1))),
            Moment::Unreadable => {}
        }
    }
}

fn next(day: Day) -> Day {
    later(day, 1)
}

fn later(day: Day, days: u32) -> Day {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    Day(day.0.saturating_add(days))
}

fn begins(moment: Moment) -> Option<Timestamp> {
    match moment {
        Moment::Day(day) => first_instant(day),
        Moment::Instant(at, _) => Some(at),
        Moment::Unreadable => None,
    }
}

/// Those of a fact: its days, how long its kind holds, how long its confirmation of standing counts
/// and, where it says a day, that day.
pub fn turns_of_fact(rules: &Rules, held: &HeldFact<'_>) -> Turns {
    let mut turns = Turns::default();
    turns.at.extend(held.ended_at);
    let Some(said) = read_assertion(held) else {
        return turns;
    };
    let law = &rules.sources.facts;
    let kind = law.kind(&said.kind);
    let from = Moment::read(&said.from);
    turns.begins(from);
    if let Some(to) = said.to.as_deref() {
        turns.ends(Moment::read(to));
    }
    let Some((kind, told)) = kind.and_then(|kind| Some((kind, said.value.told(kind.key)?))) else {
        return turns;
    };
    if kind.key.restricts() && told.closes() {
        turns.closes.extend(begins(from));
    }
    match (kind.validity, from, said.entered()) {
        (Validity::Days(days), Moment::Day(day), _) => turns.day(later(day, days)),
        (Validity::Hours(hours), _, Some(at)) => {
            let term = Duration::from_secs(u64::from(hours).saturating_mul(3_600));
            turns.at.extend([at, at.after(term)]);
        }
        _ => {}
    }
    if let (FactKey::Requester | FactKey::RestrainingOrder, Some(at)) = (kind.key, said.confirmed())
    {
        let last = later(local_day(at), law.standing_max_age_days);
        turns.day(next(last));
    }
    for day in told.turns(kind.key) {
        turns.day(day);
    }
    turns
}

/// Those of a consent: its days, and what has become of it since it was lodged.
pub fn turns_of_consent(held: &HeldConsent<'_>) -> Turns {
    let mut turns = Turns::default();
    turns.at.extend(held.revoked_at);
    turns.closes.extend(held.revoked_at);
    if let Some(day) = held.since.ended_on {
        turns.day(Day(day));
    }
    let Some(paper) = read_paper(held.body) else {
        return turns;
    };
    let begin = [paper.signed, paper.start, paper.revoked, paper.ended];
    for moment in begin.into_iter().flatten() {
        turns.begins(moment);
    }
    if let Some(end) = paper.end {
        turns.ends(end);
    }
    turns.closes.extend(paper.revoked.and_then(begins));
    if paper.direction.known() != Some(Direction::Permit) {
        let start = paper.start.or(paper.signed);
        turns.closes.extend(start.and_then(begins));
    }
    turns
}

#[cfg(test)]
mod tests {
    //! Goal: each turn is the first instant of another answer. Method: papers by hand, and the
    //! instants they must give.
    use super::*;
    use crate::base::id::{ConsentId, FactId, PartnerId, PersonId};
    use crate::base::sensitive::Sensitive;
    use crate::catalog;
    use crate::release::SinceLodged;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_rfc3339(text).expect("an instant")
    }

    fn all(turns: &Turns) -> Vec<String> {
        let mut at = turns.at.clone();
        at.sort_unstable();
        at.dedup();
        at.iter().map(|at| at.to_rfc3339()).collect()
    }

    fn of_fact(body: &str) -> Turns {
        let (rules, _) = Rules::from_sources(catalog::load(&[]).0);
        let body = Sensitive::new(body.as_bytes().to_vec());
        let held = HeldFact {
            id: &FactId::new("f"),
            asserter: &PartnerId::new("county"),
            subject: PersonId([1; 16]),
            ended_at: None,
            revision: 1,
            body: &body,
        };
        turns_of_fact(&rules, &held)
    }

    #[test]
    fn a_fact_turns_on_its_days_its_term_and_when_it_grows_old() {
        let standing = of_fact(
            r#"{"kind": "standing", "value": "parent_of_subject", "recipient": "p",
            "from": "2026-09-15", "to": "2026-12-01", "source": "s", "entered_by": "a",
            "entered_at": "2026-09-14T12:00:00-07:00", "confirmed_by": "b",
            "confirmed_at": "2026-09-14T13:00:00-07:00"}"#,
        );
        assert_eq!(
            all(&standing),
            [
                "2026-09-15T07:00:00.000000Z",
                // Thirty days after the fourteenth of September it still counts.
                "2026-10-15T07:00:00.000000Z",
                "2026-12-02T08:00:00.000000Z"
            ]
        );
        let ever = (Timestamp(0), Timestamp(i64::MAX));
        assert_eq!(standing.closed_within(ever.0, ever.1), None);
        let order = of_fact(
            r#"{"kind": "restraining_order", "value": true, "from": "2026-09-20", "source": "s",
            "entered_by": "a", "entered_at": "2026-09-14T12:00:00-07:00"}"#,
        );
        assert_eq!(all(&order), ["2026-09-20T07:00:00.000000Z"]);
        let day = at("2026-09-20T07:00:00Z");
        assert_eq!(order.closed_within(ever.0, day), Some(day));
        let threat = of_fact(
            r#"{"kind": "imminent_threat", "value": true, "from": "2026-09-14", "source": "s",
            "entered_by": "a", "entered_at": "2026-09-14T12:00:00-07:00"}"#,
        );
        assert_eq!(
            threat.next(at("2026-09-14T12:00:00-07:00")),
            Some(at("2026-09-15T12:00:00-07:00"))
        );
        let report = of_fact(
            r#"{"kind": "mdt_report", "value": "2026-09-01", "from": "2026-09-02", "source": "s",
            "entered_by": "a", "entered_at": "2026-09-02T12:00:00-07:00"}"#,
        );
        assert!(all(&report).contains(&"2026-10-02T07:00:00.000000Z".to_owned()));
    }

    #[test]
    fn a_consent_turns_on_its_days() {
        let body = br#"{"id": "k", "kind": "general_roi", "type": "permit",
            "signed": "2026-09-01", "end": "2026-09-30", "revoked": "2026-09-20T10:00:00Z"}"#;
        let (id, lodger) = (ConsentId::new("k"), PartnerId::new("program"));
        let body = Sensitive::new(body.to_vec());
        let mut held = HeldConsent {
            id: &id,
            lodger: &lodger,
            subject: PersonId([1; 16]),
            revoked_at: None,
            revision: 1,
            since: SinceLodged::default(),
            body: &body,
        };
        let turns = turns_of_consent(&held);
        let end = at("2026-10-01T07:00:00Z");
        assert_eq!(turns.next(at("2026-09-30T07:00:00Z")), Some(end));
        assert_eq!(turns.next(end), None);
        let (before, revoked) = (at("2026-09-20T09:59:59Z"), at("2026-09-20T10:00:00Z"));
        assert_eq!(turns.closed_within(before, revoked), Some(revoked));
        let after = turns.closed_within(revoked, end);
        assert_eq!(after, None, "its end is no change");
        held.revoked_at = Some(at("2026-09-10T10:00:00Z"));
        let turns = turns_of_consent(&held);
        assert_eq!(turns.next(at("2026-09-03T07:00:00Z")), held.revoked_at);
    }
}
