//! A county's pack may not change a shipped case that a mandate answers: what a duty, an emergency
//! or a right opens stays open, and nothing more goes along with it.

use super::cases::{self, Case};
use super::decide::Policy;
use super::pack::Files;
use super::rule::Rule;
use super::spot::Wrong;
use super::tables::defect;
use crate::base::defect::Defect;
use std::collections::{BTreeMap, BTreeSet};

const CASES: &str = "policies/cases/";
const CODE: &str = "policy-mandate-changed";

/// The shipped mandate cases the pack decides otherwise than what is shipped alone would.
pub(super) fn changed(files: Files<'_>, laid: &Policy) -> Vec<Defect> {
    let Some(pack) = files.county.iter().find(|path| path.ends_with(".cedar")) else {
        return Vec::new();
    };
    let own = files.texts.iter();
    let own = own.filter(|(path, _)| !files.county.contains(*path));
    let texts: BTreeMap<String, String> = own
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect();
    let (shipped, defects) = Policy::from_files(Files {
        texts: &texts,
        county: &BTreeSet::new(),
    });
    if !defects.is_empty() {
        // Told by the compilation of the whole.
        return Vec::new();
    }
    let lines = texts.iter().filter(|(path, _)| path.starts_with(CASES));
    let lines = lines.flat_map(|(_, text)| text.lines());
    let changed = lines
        .filter_map(|line| cases::read(line).ok())
        .filter(|case| {
            let before = shipped.decide(&case.request);
            let mandated = before.trace.iter().any(|row| {
                row.effect == "permit" && row.policies.iter().any(|id| is_mandate(&shipped, id))
            });
            let after = || laid.decide(&case.request);
            mandated && {
                let after = after();
                (before.decision, before.permit) != (after.decision, after.permit)
            }
        });
    let told = changed.map(|case| {
        let what = format!("the pack changes the shipped mandate case `{}`", case.id);
        let wrong = Wrong::whole(what).help(
            "what a duty, an emergency or a right decides is not a county's to change: narrow \
             the policy by purpose, recipient or class",
        );
        match by(laid, &case, files) {
            Some(rule) => rule.spot.defect(CODE, wrong),
            None => Defect {
                help: wrong.help,
                ..defect(pack, CODE, wrong.message)
            },
        }
    });
    told.collect()
}

/// The county's policy that speaks in the answer.
fn by<'a>(laid: &'a Policy, case: &Case, files: Files<'_>) -> Option<&'a Rule> {
    let answer = laid.decide(&case.request);
    let spoke = |rule: &Rule| {
        let mut rows = answer.trace.iter();
        files.county.contains(&*rule.spot.file) && rows.any(|row| row.policies.contains(&rule.id))
    };
    laid.pack().rules.iter().find(|rule| spoke(rule))
}

fn is_mandate(policy: &Policy, id: &str) -> bool {
    let mut rules = policy.pack().rules.iter();
    rules.any(|rule| &*rule.id == id && rule.rank.is_mandate())
}
