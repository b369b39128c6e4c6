//! County packs: policies a county lays over the shipped ones.
//!
//! A forbid tightens and never reaches a mandate: the engine adds that itself. A permit loosens; it
//! needs counsel's name, date and reason, and cannot reach a class that a hard stop closes. A pack
//! adds files; it never replaces a shipped one.

use super::moment::parse_day;
use super::rule::{Rank, Rule};
use super::tables::{ClassRow, defect};
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

/// Permits of counties that reach a class some hard stop closes for everyone, or one that is no
/// county's to open.
pub fn reach_hard_stops(rules: &[Rule], county: &[bool], classes: &[ClassRow]) -> Vec<Defect> {
    let stops = rules.iter();
    let stops = stops.filter(|rule| rule.rank == Rank::Stop && rule.closes_whole_classes());
    let kept = classes.iter().filter(|row| row.no_county_permit);
    let kept: ClassSet = kept.map(|row| row.id).collect();
    let stopped = stops.fold(kept, |set, rule| set.union(rule.scope.classes));
    rules
        .iter()
        .zip(county)
        .filter(|(rule, county)| **county && rule.permits && rule.scope.classes.0 & stopped.0 != 0)
        .map(|(rule, _)| {
            let reached = ClassSet(rule.scope.classes.0 & stopped.0);
            let reached: Vec<&str> = reached.iter().map(|class| class.as_str()).collect();
            let message = format!(
                "policy `{}` reaches {}, which no county opens",
                rule.id,
                reached.join(", ")
            );
            defect("policies", "policy-county", message)
        })
        .collect()
}
