//! Rules of partner assignments and team meetings: a right record has no finding, and every
//! contradiction put into it has its own.

use super::{changes, wrong};

const ASSIGNMENT: &str = r#"{"envelope":{"service_source":"case","subject_refs":["p1"]},
  "persons":[{"key":"p1"},{"key":"w1"}],
  "body":{"assignment_id":"a1","partner_id":"w1","role":"cultural_broker",
    "requested_at":"2026-05-01T10:00:00-07:00","accepted_at":"2026-05-02T10:00:00-07:00",
    "first_contact_at":"2026-05-03T10:00:00-07:00","start":"2026-05-02","end":"2026-06",
    "end_reason":"goals_met","broker_community":{"code":"x"},"conflict_check":"conflict",
    "family_choice":{"asked":true,"preference":[{"basis":"faith"}]},
    "closing_feedback":{"given":true,"by":"p1","scale":4}}}"#;

// Goal: each rule of partner assignments is told at its place, and nothing is of the check for
// conflicts. Method: one change each; the right record has a conflict.
#[test]
fn assignments() {
    let (early, late) = ("steps-unordered", "assignment-end-unexplained");
    changes(
        "partner-assignment",
        ASSIGNMENT,
        &[
            ("05-02T10", "04-02T10", early, "/body/accepted_at"),
            ("05-03T10", "05-01T23", early, "/body/first_contact_at"),
            ("\"2026-06\"", "\"2026-05-02\"", early, "/body/end"),
            ("\"2026-05-02\"", "\"2026-04\"", early, "/body/start"),
            ("\"end_reason\":\"goals_met\",", "", late, "/body/end"),
            ("\"end\":\"2026-06\",", "", late, "/body/end_reason"),
            (
                "\"end_reason\":",
                "\"declined_reason\":\"time\",\"end_reason\":",
                "assignment-not-declined",
                "/body/declined_reason",
            ),
            (
                "\"partner_id\":\"w1\",",
                "",
                "assignment-without-partner",
                "/body/partner_id",
            ),
            (
                "\"partner_id\":\"w1\"",
                "\"partner_id\":\"w2\"",
                "reference-dangling",
                "/body/partner_id",
            ),
            (
                "cultural_broker",
                "parent_partner",
                "broker-community-misplaced",
                "/body/broker_community",
            ),
            (
                "\"asked\":true",
                "\"asked\":false",
                "choice-not-asked",
                "/body/family_choice/asked",
            ),
            (
                "\"given\":true",
                "\"given\":false",
                "feedback-contradicted",
                "/body/closing_feedback/scale",
            ),
            (
                "\"service_source\":\"case\",",
                "",
                "service-source-unknown",
                "/envelope/service_source",
            ),
        ],
    );
}

const MEETING: &str = r#"{"envelope":{"subject_refs":["p1"]},"persons":[{"key":"p1"},{"key":"w1"}],
  "body":{"meeting_id":"m1","type":"initial","due_basis":"60_day","roi_refs":["k1"],
    "scheduled":"2026-09-17T10:00:00-07:00","held":"2026-09-17T10:05:00-07:00",
    "entered_care_on":"2026-07-19","previous_held_on":"2026-06-19","child_voice":"present",
    "parent_partner_attended":true,"interpreter":{"used":true,"kind":"qualified"},
    "attendees":[{"person":"p1","role":"child","attended":true},
      {"person":"w1","role":"parent_partner","attended":true},{"person":"p1","role":"other",
      "declined_reason":"time"}],
    "action_steps":[{"what":"x","owner":"w1","due":"2026-09-17"},{"what":"y","status":"done"}],
    "next_date":"2027-03-17"}}"#;

// Goal: each rule of team meetings is told at its place. Method: one change each.
#[test]
fn meetings() {
    let (late, next) = ("meeting-late", "/body/next_date");
    let (who, step) = ("attendance-contradicted", "action-step-incomplete");
    changes(
        "cft-meeting",
        MEETING,
        &[
            ("07-19", "07-18", late, "/body/held"),
            ("60_day", "30_day_icwa", late, "/body/held"),
            (
                "T10:00:00",
                "T10:06:00",
                "meeting-before-scheduled",
                "/body/held",
            ),
            ("2027-03-17", "2027-03-18", "next-meeting-late", next),
            ("2027-03-17", "2026-09-16", "next-meeting-before-this", next),
            (
                "[\"k1\"]",
                "[]",
                "meeting-release-missing",
                "/body/roi_refs",
            ),
            (
                "qualified",
                "family",
                "interpreter-not-qualified",
                "/body/interpreter",
            ),
            (
                "\"role\":\"parent_partner\"",
                "\"declined_reason\":\"work\",\"role\":\"parent_partner\"",
                who,
                "/body/attendees/1/declined_reason",
            ),
            (
                "partner_attended\":true",
                "partner_attended\":false",
                who,
                "/body/parent_partner_attended",
            ),
            ("\"child\",", "\"parent\",", who, "/body/child_voice"),
            ("\"owner\":\"w1\",", "", step, "/body/action_steps/0"),
            (",\"due\":\"2026-09-17\"", "", step, "/body/action_steps/0"),
            (
                "\"due\":\"2026-09-17\"",
                "\"due\":\"2026-09-16\"",
                "action-step-overdue",
                "/body/action_steps/0/due",
            ),
        ],
    );
    // A meeting that was not held has invitations, and nobody who came.
    let held = "\"held\":\"2026-09-17T10:05:00-07:00\",";
    let planned = MEETING.replace(held, "");
    let not_held = ("meeting-not-held".into(), "/body/attendees".into());
    assert_eq!(wrong("cft-meeting", &planned), [not_held]);
}

// Goal: the time limits are those of the table. Method: the last day in time and the day after, of
// each basis.
#[test]
fn meetings_are_due_by_their_basis() {
    for (basis, care, before, expected) in [
        ("60_day", "2026-07-19", "2020-01-01", None),
        ("60_day", "2026-07-18", "2026-09-01", Some("/body/held")),
        ("30_day_icwa", "2026-08-18", "2020-01-01", None),
        (
            "30_day_icwa",
            "2026-08-17",
            "2026-09-01",
            Some("/body/held"),
        ),
        ("6_month", "2020-01-01", "2026-03-17", None),
        ("6_month", "2026-09-01", "2026-03-16", Some("/body/held")),
        ("90_day", "2020-01-01", "2026-06-19", None),
        ("90_day", "2026-09-01", "2026-06-18", Some("/body/held")),
        ("change", "2020-01-01", "2020-01-01", None),
        // A month alone is not counted from.
        ("60_day", "2026-01", "2020-01-01", None),
    ] {
        let record = MEETING
            .replace("60_day", basis)
            .replace("2026-07-19", care)
            .replace("2026-06-19", before)
            .replace("2027-03-17", "2026-12-16");
        let late = wrong("cft-meeting", &record);
        let late: Vec<&str> = late.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(late.first().copied(), expected, "{basis} {care} {before}");
    }
    // Intensive services bring the next meeting within 90 days.
    let close = MEETING.replace("2027-03-17", "2026-12-16");
    assert_eq!(wrong("cft-meeting", &close), []);
    let intensive = |record: &str| {
        let with = "\"intensive_services\":[\"icc\"],\"next_date\"";
        wrong("cft-meeting", &record.replace("\"next_date\"", with))
    };
    assert_eq!(intensive(&close), []);
    let later = close.replace("2026-12-16", "2026-12-17");
    let late = ("next-meeting-late".into(), "/body/next_date".into());
    assert_eq!(intensive(&later), [late]);
}
