//! Rules of a service referral: its history, its end, its consent.

use super::Check;
use super::time::instant;
use crate::base::finding_codes::{
    LOOP_CLOSED_EARLY, OUTCOME_CONTRADICTED, REFERENCE_TO_SELF, REFERRAL_CONSENT_MISSING,
    REFERRAL_DRAFT, STATUS_AFTER_END, STATUS_HISTORY_MISMATCH, STATUS_HISTORY_UNORDERED,
};

/// Statuses that end a referral.
const ENDS: &[&str] = &[
    "completed",
    "rejected",
    "cancelled",
    "failed",
    "entered-in-error",
];
/// Statuses in which nothing was sent to anyone yet.
const UNSENT: &[&str] = &["draft", "entered-in-error"];
/// Outcomes that cannot stand beside a status.
const CONTRADICTIONS: &[(&str, &[&str])] = &[
    (
        "service_received",
        &[
            "draft",
            "requested",
            "rejected",
            "cancelled",
            "entered-in-error",
        ],
    ),
    ("waitlisted", &["completed", "entered-in-error"]),
    ("ineligible", &["completed"]),
    ("declined", &["completed"]),
    ("no_capacity", &["completed"]),
    ("unreachable", &["completed"]),
];

pub(super) fn check(check: &mut Check<'_>) {
    history(check);
    let status = check.text("/body/status").unwrap_or_default();
    let void = check.text("/envelope/action") == Some("void");
    if status == "draft" && !void {
        check.tell(&REFERRAL_DRAFT, "/body/status");
    }
    if check.at("/body/loop_closed_at").is_some() && !ENDS.contains(&status) {
        check.tell(&LOOP_CLOSED_EARLY, "/body/loop_closed_at");
    }
    let outcome = check.text("/body/outcome");
    let wrong =
        |(word, statuses): &(&str, &[&str])| outcome == Some(word) && statuses.contains(&status);
    if CONTRADICTIONS.iter().any(wrong) {
        check.tell(&OUTCOME_CONTRADICTED, "/body/outcome");
    }
    let own = check.text("/body/referral_id");
    if own.is_some() && own == check.text("/body/sub_referral_of") {
        check.tell(&REFERENCE_TO_SELF, "/body/sub_referral_of");
    }
    let consent = check.at("/body/consent_ref").is_some();
    let consents = !check.items("/envelope/consent_refs").is_empty();
    if !consent && !consents && !UNSENT.contains(&status) {
        check.tell(&REFERRAL_CONSENT_MISSING, "/body/consent_ref");
    }
}

fn history(check: &mut Check<'_>) {
    let rows = check.items("/body/status_history");
    let mut before = None;
    let mut unordered = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let now = row.text("at").and_then(instant);
        if now.zip(before).is_some_and(|(now, before)| now < before) {
            unordered.push(format!("/body/status_history/{at}/at"));
        }
        before = now.or(before);
    }
    for pointer in &unordered {
        check.tell(&STATUS_HISTORY_UNORDERED, pointer);
    }
    let codes: Vec<&str> = rows.iter().filter_map(|row| row.text("code")).collect();
    if let (Some((last, earlier)), true) = (codes.split_last(), unordered.is_empty()) {
        // A voided record has the status that voids it, not one it went through.
        let void = check.text("/envelope/action") == Some("void");
        if !void && check.text("/body/status") != Some(last) {
            let at = codes.len().saturating_sub(1);
            check.tell(
                &STATUS_HISTORY_MISMATCH,
                &format!("/body/status_history/{at}/code"),
            );
        }
        // The same end told twice is no going on.
        let ended = earlier
            .iter()
            .position(|code| ENDS.contains(code) && code != last);
        if let Some(at) = ended {
            check.tell(
                &STATUS_AFTER_END,
                &format!("/body/status_history/{}/code", at + 1),
            );
        }
    }
}
