//! How far a county's policy reaches on a day: it may have ended, not have begun, or close only
//! what a mandate opens, which no county closes.
//!
//! It is told to whoever looks at a pack and changes no decision.

use super::decide::Policy;
use super::moment::{Now, parse_day};
use super::pack::Pack;
use super::rule::{Rank, Rule};
use crate::base::clock::Timestamp;
use crate::base::defect::Defect;
use serde::Serialize;
use std::sync::Arc;

/// How far a policy reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// On that day.
    pub state: State,
    /// Mandates that open what it speaks of: what they open stays open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mandates: Vec<Arc<str>>,
}

/// What a policy does on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It says what it says.
    #[default]
    InForce,
    /// Its `@sunset` has passed.
    Ended,
    /// Its `@effective` is yet to come.
    NotBegun,
    /// It closes nothing that anything but a mandate opens.
    NoEffect,
}

impl Policy {
    /// How far the policy of this id reaches on the day of an instant.
    pub fn reach(&self, id: &str, now: Timestamp) -> Reach {
        let mut rules = self.pack().rules.iter();
        let rule = rules.find(|rule| &*rule.id == id);
        rule.map_or_else(Reach::default, |rule| of(self.pack(), rule, now))
    }

    /// What keeps the pack from being served on the day of an instant.
    pub fn unfit(&self, now: Timestamp) -> Vec<Defect> {
        super::county::signed_ahead(&self.pack().rules, Now::at(now).day)
    }
}

fn of(pack: &Pack, rule: &Rule, now: Timestamp) -> Reach {
    let today = Now::at(now).day;
    let mut reach = Reach::default();
    if parse_day(&rule.sunset).is_some_and(|last| last < today) {
        reach.state = State::Ended;
    } else if parse_day(&rule.effective).is_some_and(|from| today < from) {
        reach.state = State::NotBegun;
    }
    if rule.rank != Rank::County {
        return reach;
    }
    let met = pack
        .rules
        .iter()
        .filter(|one| one.permits && one.meets(rule));
    let (above, below): (Vec<&Rule>, Vec<&Rule>) = met.partition(|one| one.rank.is_mandate());
    if below.is_empty() && reach.state == State::InForce {
        reach.state = State::NoEffect;
    }
    reach.mandates = above.iter().map(|one| Arc::clone(&one.id)).collect();
    reach
}
