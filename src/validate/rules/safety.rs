//! Rules of a safety item: each kind has its own part, each tool its own results.
//!
//! No rule reads free text, and none looks for who reported: there is no member for it.

use super::{Check, time};
use crate::base::finding_codes::{
    PERIOD_REVERSED, SAFETY_OVERRIDE_CONTRADICTED, SAFETY_PART_MISSING, SAFETY_PART_UNEXPECTED,
    SAFETY_RESULT_UNFIT, SAFETY_TOOL_WITHDRAWN,
};

/// Kinds and the member that holds what they are.
const PARTS: &[(&str, &str)] = &[
    ("sdm_result", "tool"),
    ("harm_statement", "statement"),
    ("danger_statement", "statement"),
    ("safety_goal", "statement"),
    ("safety_plan", "plan"),
    ("network_member", "network_member"),
];

const THREE: &[&str] = &["safe", "safe_with_plan", "unsafe"];
const LEVELS: &[&str] = &["low", "moderate", "high", "very_high"];

/// K: which results each tool has.
const TOOLS: &[(&str, &[&str])] = &[
    ("hotline_screening", &["evaluate_out", "in_person_response"]),
    ("hotline_response_priority", &["24_hour", "10_day"]),
    ("safety_assessment", THREE),
    ("substitute_care_safety", THREE),
    ("congregate_care_safety", THREE),
    ("risk_assessment", LEVELS),
    ("risk_reassessment", LEVELS),
    (
        "reunification_reassessment",
        &["return_home", "continue_services", "terminate_services"],
    ),
];

/// Tools no longer in use; their results are no results of today's.
const WITHDRAWN: &[&str] = &["fsna", "csna"];

pub(super) fn check(check: &mut Check<'_>) {
    parts(check);
    let Some(tool) = check.text("/body/tool") else {
        return;
    };
    if WITHDRAWN.contains(&tool) {
        check.tell(&SAFETY_TOOL_WITHDRAWN, "/body/tool");
    }
    let results = TOOLS.iter().find(|(name, _)| *name == tool);
    let results = results.map(|(_, results)| *results).unwrap_or_default();
    for at in ["/body/result", "/body/override/from", "/body/override/to"] {
        if check.text(at).is_some_and(|said| !results.contains(&said)) {
            check.tell(&SAFETY_RESULT_UNFIT, at);
        }
    }
    let result = check.text("/body/result");
    let to = check.text("/body/override/to");
    if to.is_some() && result.is_some() && to != result {
        check.tell(&SAFETY_OVERRIDE_CONTRADICTED, "/body/override/to");
    }
    let scored = check.text("/body/scored");
    let from = check.text("/body/override/from").or(result);
    let levels = results.first() == LEVELS.first();
    if levels && scored.is_some() && from.is_some() && scored != from {
        check.tell(&SAFETY_OVERRIDE_CONTRADICTED, "/body/scored");
    }
}

/// Of each kind its own part, and none of another's.
fn parts(check: &mut Check<'_>) {
    let kind = check.text("/body/kind");
    let own = PARTS.iter().find(|(name, _)| Some(*name) == kind);
    let Some((_, own)) = own else { return };
    let void = check.text("/envelope/action") == Some("void");
    if !void && check.at(&format!("/body/{own}")).is_none() {
        check.tell(&SAFETY_PART_MISSING, "/body/kind");
    }
    for part in ["tool", "statement", "plan", "network_member"] {
        let pointer = format!("/body/{part}");
        if part != *own && check.at(&pointer).is_some() {
            check.tell(&SAFETY_PART_UNEXPECTED, &pointer);
        }
    }
    let date = check.text("/body/date");
    let review = check.text("/body/plan/review_date");
    let both = date.zip(review);
    if both.is_some_and(|(date, review)| time::reversed(date, review)) {
        check.tell(&PERIOD_REVERSED, "/body/plan/review_date");
    }
}
