//! Rules of a snapshot of outcomes: each cell stands once and is not more than what it is out of.
//!
//! Whether a cell is small is not asked here: that is the law's word, and keeps nothing out.

use super::Check;
use crate::base::finding_codes::{MEASURE_GROUP_INCOMPLETE, MEASURE_OVER_WHOLE, MEASURE_REPEATED};
use crate::format::{Node, Value};
use std::collections::BTreeSet;

const MEASURES: &str = "/body/measures";

pub(super) fn check(check: &mut Check<'_>) {
    let mut seen = BTreeSet::new();
    for (at, entry) in check.items(MEASURES).iter().enumerate() {
        let place = |member: &str| format!("{MEASURES}/{at}/{member}");
        let (dimension, group) = (entry.text("dimension"), entry.text("group"));
        match (dimension.is_some(), group.is_some()) {
            (true, false) => check.tell(&MEASURE_GROUP_INCOMPLETE, &place("dimension")),
            (false, true) => check.tell(&MEASURE_GROUP_INCOMPLETE, &place("group")),
            _ => {}
        }
        if !seen.insert((entry.text("measure"), dimension, group)) {
            check.tell(&MEASURE_REPEATED, &place("measure"));
        }
        let counted = whole(entry, "count").zip(whole(entry, "out_of"));
        if counted.is_some_and(|(count, all)| count > all) {
            check.tell(&MEASURE_OVER_WHOLE, &place("count"));
        }
    }
}

fn whole(entry: &Node, member: &str) -> Option<u64> {
    match &entry.get(member)?.value {
        Value::Number(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::changes;

    const RIGHT: &str = r#"{"envelope":{},"body":{"period":{"start":"2026-07","end":"2026-09"},
      "measures":[{"measure":"contacts","count":40},
        {"measure":"contacts","dimension":"culture","group":"c1","count":40},
        {"measure":"referrals_closed","count":30,"out_of":60}]}}"#;

    const CHANGES: &[(&str, &str, &str, &str)] = &[
        (
            "\"dimension\":\"culture\",\"group\":\"c1\",",
            "",
            "measure-repeated",
            "/body/measures/1/measure",
        ),
        (
            "\"dimension\":\"culture\",",
            "",
            "measure-group-incomplete",
            "/body/measures/1/group",
        ),
        (
            "\"group\":\"c1\",",
            "",
            "measure-group-incomplete",
            "/body/measures/1/dimension",
        ),
        (
            "\"out_of\":60",
            "\"out_of\":29",
            "measure-over-whole",
            "/body/measures/2/count",
        ),
        (
            "\"2026-09\"",
            "\"2026-06\"",
            "period-reversed",
            "/body/period/end",
        ),
    ];

    // Goal: a cell that contradicts another is told. Method: one change each.
    #[test]
    fn cells_stand_once_and_within_what_they_are_out_of() {
        changes("outcome-snapshot", RIGHT, CHANGES);
    }
}
