//! Rules of an ICWA inquiry: whose word a status is, and what it may not stand beside.
//!
//! Nothing here ends an inquiry: the duty to ask goes on, and a later record may say anything of
//! what an earlier one said.

use super::Check;
use crate::base::finding_codes::{
    ICWA_ANSWER_UNFOLLOWED, ICWA_NOT_DETERMINED, ICWA_NOTICE_MISSING, ICWA_STATUS_CONTRADICTED,
    ICWA_STATUS_UNATTRIBUTED,
};
use crate::format::tree::Node;

const STATUS: &str = "/body/status";
/// What only a court says.
const DETERMINED: [&str; 2] = ["determined_indian_child", "determined_not"];
/// What a tribe says of a child that is its own (WIC 224.2(h)).
const OF_THE_TRIBE: [&str; 2] = ["eligible", "member"];

pub(super) fn check(check: &mut Check<'_>) {
    let Some(status) = check.text(STATUS) else {
        return;
    };
    let by = check.text("/body/status_by_role");
    if by.is_none() {
        check.tell(&ICWA_STATUS_UNATTRIBUTED, STATUS);
    }
    let determination = check.at("/body/determination").is_some();
    let determined = DETERMINED.contains(&status);
    let court = by.is_none_or(|by| by == "court");
    if determined && !(determination && court) {
        check.tell(&ICWA_NOT_DETERMINED, STATUS);
    }
    if determination && !determined {
        check.tell(&ICWA_STATUS_CONTRADICTED, "/body/determination");
    }
    answers(check, status);
    if status == "reason_to_know" && !noticed(check) {
        check.tell(&ICWA_NOTICE_MISSING, STATUS);
    }
}

/// A status that says there is nothing, beside somebody who says there is. Told at the status: not
/// whose answer it was.
fn answers(check: &mut Check<'_>, status: &str) {
    let of_the_tribe = |row: &Node| {
        row.text("response")
            .is_some_and(|it| OF_THE_TRIBE.contains(&it))
    };
    let tribe = check.items("/body/tribes").iter().any(of_the_tribe);
    let mut asked = check
        .items("/body/asked")
        .iter()
        .chain(check.at("/body/reporter"));
    let told = asked.any(|row| row.text("answer") == Some("yes"));
    match status {
        "no_reason" if tribe => check.tell(&ICWA_STATUS_CONTRADICTED, STATUS),
        "no_reason" if told => check.tell(&ICWA_ANSWER_UNFOLLOWED, STATUS),
        "determined_not" if tribe => check.tell(&ICWA_ANSWER_UNFOLLOWED, STATUS),
        _ => {}
    }
}

fn noticed(check: &Check<'_>) -> bool {
    let mut forms = check.items("/body/forms").iter();
    let form = forms.any(|row| row.text("form") == Some("ICWA-030"));
    form || !check.items("/body/notices").is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{changes, wrong};

    const RIGHT: &str = r#"{"envelope":{"subject_refs":["p1"]},
      "persons":[{"key":"p1"},{"key":"p2"}],
      "body":{"inquiry_id":"i1","child":"p1","status":"reason_to_know",
        "status_by_role":"child_welfare_worker",
        "asked":[{"person":"p2","relation":"extended_family","answer":"yes"}],
        "tribes":[{"name":"T","contacted_on":"2026-05-02","responded_on":"2026-05-20",
          "response":"eligible"}],
        "notices":[{"to":"tribe","mailed":"2026-05-03","received":"2026-05-06"}],
        "active_efforts":[{"what":"w","by":"p2"}]}}"#;

    const CHANGES: &[(&str, &str, &str, &str)] = &[
        (
            "\"child\":\"p1\"",
            "\"child\":\"p9\"",
            "reference-dangling",
            "/body/child",
        ),
        (
            "\"by\":\"p2\"",
            "\"by\":\"p9\"",
            "reference-dangling",
            "/body/active_efforts/0/by",
        ),
        (
            "\"status_by_role\":\"child_welfare_worker\",",
            "",
            "icwa-status-unattributed",
            "/body/status",
        ),
        (
            "reason_to_know",
            "no_reason",
            "icwa-status-contradicted",
            "/body/status",
        ),
        (
            "\"asked\":",
            "\"determination\":{\"by\":\"court\",\"date\":\"2026-06-01\"},\"asked\":",
            "icwa-status-contradicted",
            "/body/determination",
        ),
        (
            "2026-05-20",
            "2026-05-01",
            "period-reversed",
            "/body/tribes/0/responded_on",
        ),
        (
            "2026-05-06",
            "2026-05-02",
            "period-reversed",
            "/body/notices/0/received",
        ),
        (
            "[{\"to\":\"tribe\",\"mailed\":\"2026-05-03\",\"received\":\"2026-05-06\"}]",
            "[]",
            "icwa-notice-missing",
            "/body/status",
        ),
    ];

    // Goal: each contradiction is told at its place, and what a partner hands in without a status
    // is right. Method: one change each; the statuses a court gives; a record of answers alone.
    #[test]
    fn whose_word_a_status_is() {
        changes("icwa-inquiry", RIGHT, CHANGES);
        let told = |record: &str| {
            let found = wrong("icwa-inquiry", record);
            found.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
        };
        let claimed = RIGHT.replace("reason_to_know", "determined_not");
        assert_eq!(
            told(&claimed),
            ["icwa-not-determined", "icwa-answer-unfollowed"]
        );
        let court = RIGHT.replace("child_welfare_worker", "court").replace(
            "reason_to_know\",",
            r#"determined_indian_child","determination":{"by":"court","date":"2026-06-01"},"#,
        );
        assert_eq!(told(&court), [""; 0]);
        let unheard = RIGHT
            .replace("eligible", "no_response")
            .replace("reason_to_know", "no_reason");
        assert_eq!(told(&unheard), ["icwa-answer-unfollowed"]);
        let note = RIGHT.replace(
            "\"status\":\"reason_to_know\",\n        \"status_by_role\":\"child_welfare_worker\",",
            "",
        );
        assert!(!note.contains("status"));
        assert_eq!(told(&note), [""; 0]);
    }
}
