//! County packs: policies a county lays over the shipped ones.
//!
//! A forbid tightens and never reaches a mandate: the engine adds that itself. A permit loosens; it
//! needs counsel's name, date and reason, and cannot reach a class that a hard stop closes. A pack
//! adds files; it never replaces a shipped one.

use super::moment::parse_day;
use super::rule::{Rank, Rule};
use super::tables::defect;
use crate::base::defect::Defect;
use crate::base::vocabulary::ClassSet;
use cedar_policy as cedar;
use serde_json::json;

const COUNSEL: [&str; 3] = ["counsel", "counsel_date", "reason"];

/// Takes one policy of a county pack; the error says why it cannot be taken.
pub fn admit(policy: &cedar::Policy, rule: &Rule) -> Result<cedar::Policy, String> {
    let wrong = |what: &str| format!("policy `{}`: {what}", rule.id);
    if policy.effect() == cedar::Effect::Forbid {
        if rule.rank != Rank::County {
            return Err(wrong("a county's forbid has the rank `county`"));
        }
        return beneath_mandates(policy).ok_or_else(|| wrong("cannot be set beneath mandates"));
    }
    if rule.rank != Rank::Permission {
        return Err(wrong("a county's permit has the rank `permission`"));
    }
    for key in COUNSEL {
        if policy
            .annotation(key)
            .is_none_or(|text| text.trim().is_empty())
        {
            return Err(wrong("a permit needs @counsel, @counsel_date and @reason"));
        }
    }
    if policy
        .annotation("counsel_date")
        .and_then(parse_day)
        .is_none()
    {
        return Err(wrong("@counsel_date is not a date"));
    }
    Ok(policy.clone())
}

/// The same policy with `unless { context.mandate }`.
fn beneath_mandates(policy: &cedar::Policy) -> Option<cedar::Policy> {
    let mut text = policy.to_json().ok()?;
    text.get_mut("conditions")?.as_array_mut()?.push(json!({
        "kind": "unless",
        "body": { ".": { "left": { "Var": "context" }, "attr": "mandate" } }
    }));
    cedar::Policy::from_json(Some(policy.id().clone()), text).ok()
}

/// Permits of counties that reach a class some hard stop closes for everyone.
pub fn reach_hard_stops(rules: &[Rule], county: &[bool]) -> Vec<Defect> {
    let stopped = rules
        .iter()
        .filter(|rule| rule.rank == Rank::Stop && rule.closes_whole_classes())
        .fold(ClassSet::EMPTY, |set, rule| set.union(rule.scope.classes));
    rules
        .iter()
        .zip(county)
        .filter(|(rule, county)| **county && rule.permits && rule.scope.classes.0 & stopped.0 != 0)
        .map(|(rule, _)| {
            let message = format!(
                "policy `{}` reaches a class that a hard stop closes",
                rule.id
            );
            defect("policies", "policy-county", message)
        })
        .collect()
}
