//! Citations and obligations of a judged question (disclosure rules, 2.9 and 2.11).

use super::answer::Judgement;
use super::condition::{Rules256, Situation};
use super::pack::Pack;
use super::rule::{ObligationSet, Rank};
use crate::base::vocabulary::ConsentKind;
use std::sync::Arc;

/// Citations without repetition, in the order they arise.
#[derive(Debug, Default)]
struct Citations(Vec<Arc<str>>);

impl Citations {
    fn add(&mut self, tokens: &[Arc<str>]) {
        for token in tokens {
            if !self.0.contains(token) {
                self.0.push(Arc::clone(token));
            }
        }
    }
}

/// Everything cited: rows used, rows missed, papers in scope, bars of classes kept closed,
/// situation.
pub fn citations(pack: &Pack, judged: &Judgement, at: &Situation) -> Vec<Arc<str>> {
    let mut cited = Citations::default();
    let mut rules = judged.used;
    for one in &judged.classes {
        if !one.outcome.permit {
            rules.add(&one.outcome.stops);
        }
    }
    cite_rules(pack, &rules, &mut cited);
    let mut missed = Rules256::default();
    for one in &judged.classes {
        missed.add(&one.outcome.missed);
    }
    cite_rules(pack, &missed, &mut cited);
    for rule in &pack.rules {
        let in_scope = rule
            .kind
            .is_some_and(|kind| judged.kinds_in_scope & (1 << kind.index()) != 0);
        if in_scope && rule.kind != Some(ConsentKind::PrivacyDirective) {
            cited.add(&rule.citations);
        }
    }
    for class in judged.requested.without(judged.permit).iter() {
        if let Some(row) = pack.tables.class(class) {
            cited.add(&row.bar);
        }
    }
    for situation in &pack.tables.situations {
        if situation.when.holds(at) {
            cited.add(&situation.tokens);
        }
    }
    cited.0
}

fn cite_rules(pack: &Pack, rules: &Rules256, cited: &mut Citations) {
    for index in rules.iter() {
        if let Some(rule) = pack.rules.get(index) {
            cited.add(&rule.citations);
        }
    }
}

/// What is owed for what goes.
pub fn obligations(pack: &Pack, judged: &Judgement, at: &Situation) -> ObligationSet {
    let mut owed = ObligationSet::default();
    for one in judged.classes.iter().filter(|one| one.outcome.permit) {
        owed = owed.union(of_class(pack, &one.outcome.used));
    }
    for waived in pack.tables.waived.iter().filter(|w| w.when.holds(at)) {
        owed.remove(waived.obligation);
    }
    for rule in pack.tables.owed.iter().filter(|o| o.when.holds(at)) {
        owed.insert(rule.obligation);
    }
    owed
}

/// What the policies that open one class owe.
fn of_class(pack: &Pack, used: &Rules256) -> ObligationSet {
    let used = rests_on(pack, used);
    let rules = used.iter().filter_map(|index| pack.rules.get(index));
    rules.fold(ObligationSet::default(), |owed, rule| {
        owed.union(rule.obligations)
    })
}

/// The policies the release of one class rests on: where a consent opens it, not on an emergency
/// row that would open it as well.
pub(super) fn rests_on(pack: &Pack, used: &Rules256) -> Rules256 {
    let rules = || used.iter().filter_map(|at| Some((at, pack.rules.get(at)?)));
    let consented = rules().any(|(_, rule)| rule.rank == Rank::Consent);
    let mut out = Rules256::default();
    for (at, _) in rules().filter(|(_, r)| !(consented && r.rank == Rank::Emergency)) {
        out.insert(at);
    }
    out
}
