//! County packs: policies a county lays over the shipped ones.
//!
//! A forbid tightens and never reaches a mandate: the engine adds that itself. A permit loosens; it
//! needs counsel's name, date and reason, cannot reach a class that a hard stop closes, and stays
//! behind the gates every shipped permission stands behind: the engine adds those too. A pack adds
//! files; it never replaces a shipped one.

use super::moment::{Day, parse_day};
use super::rule::{Rank, Rule};
use super::spot::Wrong;
use super::tables::ClassRow;
use crate::base::defect::Defect;
use crate::base::vocabulary::ClassSet;
use cedar_policy as cedar;
use serde_json::json;

const COUNSEL: [&str; 3] = ["counsel", "counsel_date", "reason"];

/// What no county's counsel waives, as conditions of every permit of a county: the county of
/// jurisdiction is the way; a domestic-violence program's records take the survivor's word (34 USC
/// 12291(b)(2)); parents and guardians have standing, and no restriction, finding of a clinician or
/// minor's own consent stands against them, nor against others of the home (45 CFR 164.502(g),
/// 164.522; HSC 123115), and a removed child's mental health is not theirs (CIV 56.106); an HIV
/// test is for no health plan (HSC 120980); counts are large enough to hide behind.
const GATES: &str = r#"
permit (principal, action, resource)
when { context.via_county }
unless { context.source == Source::"dv_program" }
unless { context.restriction_agreed }
unless {
    [Recipient::"parent", Recipient::"guardian"].contains(principal) &&
    (!context.standing || context.detriment_finding ||
        resource == DataClass::"mental_health" && context.removed)
}
unless {
    [Recipient::"parent", Recipient::"guardian", Recipient::"caregiver",
        Recipient::"intimate_partner"].contains(principal) && context.minor_consented
}
unless { principal == Recipient::"health_plan" && resource == DataClass::"hiv_test" }
unless { resource == DataClass::"aggregate_deidentified" && !context.cells_large };
"#;

/// Takes one policy of a county pack; the error says why it cannot be taken.
pub fn admit(policy: &cedar::Policy, rule: &Rule) -> Result<cedar::Policy, Wrong> {
    let named = |what: &str| format!("policy `{}`: {what}", rule.id);
    if policy.effect() == cedar::Effect::Forbid {
        if rule.rank != Rank::County {
            let what = named("a county's forbid has the rank `county`");
            return Err(Wrong::at("rank", what));
        }
        let beneath = beneath_mandates(policy);
        return beneath.ok_or_else(|| Wrong::whole(named("cannot be set beneath mandates")));
    }
    if rule.rank != Rank::Permission {
        let what = named("a county's permit has the rank `permission`");
        return Err(Wrong::at("rank", what));
    }
    for key in COUNSEL {
        if policy
            .annotation(key)
            .is_none_or(|text| text.trim().is_empty())
        {
            let what = named("a permit needs @counsel, @counsel_date and @reason");
            return Err(Wrong::at(key, what));
        }
    }
    if policy
        .annotation("counsel_date")
        .and_then(parse_day)
        .is_none()
    {
        let what = named("@counsel_date is not a date");
        return Err(Wrong::at("counsel_date", what));
    }
    let behind = behind_gates(policy);
    behind.ok_or_else(|| Wrong::whole(named("cannot be set behind the gates of a permission")))
}

/// The same policy with the conditions of [`GATES`] besides its own.
fn behind_gates(policy: &cedar::Policy) -> Option<cedar::Policy> {
    let gates = cedar::Policy::parse(None, GATES).ok()?.to_json().ok()?;
    let mut text = policy.to_json().ok()?;
    let own = text.get_mut("conditions")?.as_array_mut()?;
    own.extend(gates.get("conditions")?.as_array()?.iter().cloned());
    cedar::Policy::from_json(Some(policy.id().clone()), text).ok()
}

/// Permits counsel has signed on a day that is yet to come.
pub fn signed_ahead(rules: &[Rule], today: Day) -> Vec<Defect> {
    let signed = |rule: &Rule| parse_day(&rule.counsel.as_ref()?.date);
    let ahead = rules.iter().filter(|rule| signed(rule) > Some(today));
    let told = ahead.map(|rule| {
        let what = format!("policy `{}`: @counsel_date is in the future", rule.id);
        let wrong = Wrong::at("counsel_date", what);
        let wrong = wrong.help("enter the day counsel signed; `@effective` may lie ahead");
        rule.spot.defect("policy-county", wrong)
    });
    told.collect()
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
            rule.spot.defect("policy-county", Wrong::whole(message))
        })
        .collect()
}
