//! Rules across fields, one test per record type: a right record has no finding, and every
//! contradiction put into it has its own.

use super::{call, cross_field};
use crate::base::clock::Timestamp;
use crate::base::id::RecordType;
use crate::format::json;

#[path = "assessments_tests.rs"]
mod assessments;
#[path = "rules_course_tests.rs"]
mod course;

/// Codes and paths of what a record of that type contradicts.
pub(super) fn wrong(record_type: &str, record: &str) -> Vec<(String, String)> {
    let node = json::parse(record.as_bytes()).tree.expect("a tree");
    let record_type = RecordType(record_type.into());
    cross_field(&record_type, &node)
        .into_iter()
        .map(|f| (f.code.into_owned(), f.path))
        .collect()
}

/// Puts one change after another into a right record and compares what is told.
pub(super) fn changes(record_type: &str, right: &str, table: &[(&str, &str, &str, &str)]) {
    assert_eq!(wrong(record_type, right), []);
    for (from, to, code, path) in table {
        assert!(right.contains(from), "{from}");
        let found = wrong(record_type, &right.replacen(from, to, 1));
        assert_eq!(found, [((*code).to_owned(), (*path).to_owned())], "{to}");
    }
}

const CONTACT: &str = r#"{"envelope":{"service_source":"case","subject_refs":["p1"],
  "created_at":"2026-05-05T08:00:00-07:00",
  "updated_at":"2026-05-05T16:00:00Z","access_level":"N","missing":[{"path":"/body/group",
  "reason":"not_applicable"}],"labels":[{"path":"/body/narrative","classes":["dv_information"]}]},
  "persons":[{"key":"p1","addresses":[{"kind":"safe_at_home_actual"},
    {"kind":"safe_at_home_substitute"}]},{"key":"p2"}],
  "body":{"contact_id":"c1","start":"2026-05-04T10:00:00-07:00","end":"2026-05-04T11:00:00-07:00",
    "duration_min":60,"mode":"phone","participants":[{"person":"p2","role":"parent"}],
    "activities":[{"code":"A15","min":20},{"code":"A1","min":40}],
    "interpreter":{"used":true,"kind":"qualified"},"disclosures":[{"topic":"safety","person":"p1"}],
    "mandated_report_made":true,"narrative":"x"}}"#;

const CONTACT_CHANGES: &[(&str, &str, &str, &str)] = &[
    (
        "\"service_source\":\"case\",",
        "",
        "service-source-unknown",
        "/envelope/service_source",
    ),
    (
        "\"key\":\"p2\"",
        "\"key\":\"p9\"",
        "reference-dangling",
        "/body/participants/0/person",
    ),
    (
        "[\"p1\"]",
        "[\"p7\"]",
        "reference-dangling",
        "/envelope/subject_refs/0",
    ),
    (
        "{\"key\":\"p2\"}",
        "{\"key\":\"p2\"},{\"key\":\"p2\"}",
        "person-key-repeated",
        "/persons/2/key",
    ),
    (
        "{\"key\":\"p2\"}",
        "{\"key\":\"p2\",\"identifiers\":[{\"system\":\"CWS client ID\",\"value\":\"x\"}]}",
        "identifier-misplaced",
        "/persons/1/identifiers/0/system",
    ),
    (
        "safe_at_home_substitute",
        "mailing",
        "substitute-address-missing",
        "/persons/0/addresses/0",
    ),
    (
        "16:00:00Z",
        "14:00:00Z",
        "updated-before-created",
        "/envelope/updated_at",
    ),
    (
        "\"access_level\":\"N\"",
        "\"access_level\":\"R\"",
        "record-sealed",
        "/envelope/access_level",
    ),
    (
        "\"access_level\":\"N\"",
        "\"sealed_placement\":true",
        "record-sealed",
        "/envelope/sealed_placement",
    ),
    (
        "/body/group",
        "/body/mode",
        "missing-contradicted",
        "/envelope/missing/0/path",
    ),
    (
        "/body/narrative",
        "/body/narative",
        "label-path-unknown",
        "/envelope/labels/0/path",
    ),
    ("T11:00:00", "T09:00:00", "period-reversed", "/body/end"),
    (
        "\"duration_min\":60",
        "\"duration_min\":75",
        "duration-mismatch",
        "/body/duration_min",
    ),
    (
        "\"min\":40",
        "\"min\":41",
        "activity-minutes-exceeded",
        "/body/activities",
    ),
    (
        "qualified",
        "family",
        "interpreter-not-qualified",
        "/body/interpreter",
    ),
    (
        "\"mandated_report_made\":true",
        "\"mandated_report_made\":false",
        "check-reporting-duty",
        "/body/disclosures",
    ),
];

// Goal: each rule of contacts, persons and envelopes is told at its place. Method: one change each.
#[test]
fn contacts() {
    changes("engagement-contact", CONTACT, CONTACT_CHANGES);
    let late = CONTACT.replace("\"access_level\"", "\"entered_late\":true,\"access_level\"");
    assert_eq!(wrong("engagement-contact", &late), []);
    let late = late.replace("\"start\":", "\"begun\":");
    assert_eq!(
        wrong("engagement-contact", &late)[0].0,
        "event-time-missing"
    );
    let group = CONTACT
        .replace("/body/group", "/body/fund")
        .replace("\"narrative\":\"x\"", "\"narrative\":\"x\",\"group\":{}");
    assert_eq!(
        wrong("engagement-contact", &group),
        [("group-mode-mismatch".into(), "/body/group".into())]
    );
    let spring = CONTACT
        .replace("2026-05-04T10:00:00-07:00", "2026-03-08T01:30:00-08:00")
        .replace("2026-05-04T11:00:00-07:00", "2026-03-08T03:30:00-07:00");
    assert_eq!(wrong("engagement-contact", &spring), []);
    let spring = spring.replace("\"duration_min\":60", "\"duration_min\":120");
    assert_eq!(
        wrong("engagement-contact", &spring)[0].0,
        "duration-clock-change"
    );
}

const REFERRAL: &str = r#"{"envelope":{"service_source":"case","subject_refs":["p1"]},
  "persons":[{"key":"p1"}],
  "body":{"referral_id":"r1","sub_referral_of":"r0","consent_ref":"k1","status":"completed",
    "outcome":"service_received","loop_closed_at":"2026-05-06T10:00:00-07:00",
    "status_history":[{"code":"requested","at":"2026-05-01T10:00:00-07:00"},
      {"code":"accepted"},{"code":"completed","at":"2026-05-01T18:00:00Z"}]}}"#;

// Goal: each rule of referrals is told at its place. Method: one change each.
#[test]
fn referrals() {
    changes(
        "service-referral",
        REFERRAL,
        &[
            (
                "18:00:00Z",
                "16:00:00Z",
                "status-history-unordered",
                "/body/status_history/2/at",
            ),
            (
                "\"accepted\"",
                "\"rejected\"",
                "status-after-end",
                "/body/status_history/2/code",
            ),
            (
                "\"code\":\"completed\"",
                "\"code\":\"failed\"",
                "status-history-mismatch",
                "/body/status_history/2/code",
            ),
            (
                "service_received",
                "declined",
                "outcome-contradicted",
                "/body/outcome",
            ),
            (
                "\"r0\"",
                "\"r1\"",
                "reference-to-self",
                "/body/sub_referral_of",
            ),
            (
                "\"consent_ref\":\"k1\",",
                "",
                "referral-consent-missing",
                "/body/consent_ref",
            ),
        ],
    );
    let named = REFERRAL.replace(
        "\"status\":",
        "\"recipient\":{\"worker\":\"p4\"},\"status\":",
    );
    let found = wrong("service-referral", &named);
    assert_eq!(found[0].1, "/body/recipient/worker");
    let void = REFERRAL
        .replace("\"subject_refs\"", "\"action\":\"void\",\"subject_refs\"")
        .replace(
            "\"status\":\"completed\"",
            "\"status\":\"entered-in-error\"",
        )
        .replace("\"outcome\":\"service_received\",", "");
    // Whether what it takes back ever came is the store's to say.
    assert_eq!(
        wrong("service-referral", &void),
        [("void-unknown".into(), "/envelope/action".into())]
    );
    let open = REFERRAL
        .replace("completed", "on-hold")
        .replace("service_received", "waitlisted");
    assert_eq!(
        wrong("service-referral", &open),
        [("loop-closed-early".into(), "/body/loop_closed_at".into())]
    );
}

const FAMILY: &str = r#"{"envelope":{"service_source":"case","subject_refs":["p1"]},
  "persons":[{"key":"p1","names":[{"period":{"start":"2020","end":"2020-05"}}]},{"key":"p2"}],
  "body":{"case_number":"1","relationships":[{"person":"p2","related_to":"p1",
    "relationship":"presumed_father","father_status":"located"}],
    "rights":[{"person":"p2","kind":"education","from":"2026-01","to":"2026-01-31"}]}}"#;

// Goal: each rule of family cases is told at its place. Method: one change each.
#[test]
fn family_cases() {
    changes(
        "family-case",
        FAMILY,
        &[
            (
                "\"related_to\":\"p1\"",
                "\"related_to\":\"p2\"",
                "reference-to-self",
                "/body/relationships/0/related_to",
            ),
            (
                "presumed_father",
                "MAUNT",
                "father-status-misplaced",
                "/body/relationships/0/father_status",
            ),
            (
                "presumed_father",
                "alleged_father",
                "alleged-father-rights",
                "/body/rights/0/kind",
            ),
            (
                "2026-01-31",
                "2025-12-31",
                "period-reversed",
                "/body/rights/0/to",
            ),
            (
                "2020-05",
                "2019",
                "period-reversed",
                "/persons/0/names/0/period/end",
            ),
        ],
    );
}

// Goal: an identifier is one person's. Method: two persons who bear the same one of each kind, and
// what is no such case.
#[test]
fn an_identifier_is_of_one_person() {
    let told = |first: &str, second: &str| {
        let record = FAMILY
            .replacen("\"key\":\"p1\"", &format!("\"key\":\"p1\",{first}"), 1)
            .replacen("\"key\":\"p2\"", &format!("\"key\":\"p2\",{second}"), 1);
        wrong("family-case", &record)
    };
    let listed = |system: &str, value: &str| {
        format!("\"identifiers\":[{{\"system\":\"{system}\",\"value\":\"{value}\"}}]")
    };
    for (one, place) in [
        ("\"cin\":\"90000001A\"".to_owned(), "cin"),
        (
            "\"cws_client_id\":\"AbCdEf0123\"".to_owned(),
            "cws_client_id",
        ),
        (listed("urn:example:person", "7"), "identifiers/0/value"),
    ] {
        let expected = ("person-disagrees".to_owned(), format!("/persons/1/{place}"));
        assert_eq!(told(&one, &one), [expected]);
    }
    let none: [(String, String); 0] = [];
    assert_eq!(told("\"cin\":\"90000001A\"", "\"cin\":\"90000002A\""), none);
    assert_eq!(told(&listed("urn:a", "7"), &listed("urn:b", "7")), none);
    // Twice with one person is once.
    let twice = FAMILY.replacen(
        "\"key\":\"p1\"",
        "\"key\":\"p1\",\"identifiers\":[{\"system\":\"a\",\"value\":\"7\"},\
         {\"system\":\"a\",\"value\":\"7\"}]",
        1,
    );
    assert_eq!(wrong("family-case", &twice), none);
}

const REPORT: &str = r#"{"envelope":{"subject_refs":["c","d"]},
  "persons":[{"key":"c","birth_date":"2019-05"},{"key":"d"},{"key":"m","birth_date":"1990"}],
  "body":{"reported_by_phone_at":"2026-03-02T10:00:00-08:00",
    "agency":{"name":"Invented agency","reference_no":"REF-1"}}}"#;

// Goal: a copy of a report has what only the call gives, and no word that stands for nothing in its
// place. Method: every such word, in other writings too; and numbers that look a little like one.
#[test]
fn a_report_without_a_call_contradicts_itself() {
    let (by_phone, number) = ("report-by-phone-first", "/body/agency/reference_no");
    for word in [
        "unknown",
        "UNKNOWN",
        " N/A ",
        "n.a.",
        "-",
        "---",
        "?",
        "None",
        "PENDING",
        "t.b.d.",
        "0000",
        "Pendiente",
        "desconocido",
        "not available",
    ] {
        let said = format!("\"reference_no\":\"{word}\"");
        changes(
            "child-abuse-report",
            REPORT,
            &[("\"reference_no\":\"REF-1\"", &said, by_phone, number)],
        );
    }
    changes(
        "child-abuse-report",
        REPORT,
        &[
            ("Invented agency", "n/a", by_phone, "/body/agency/name"),
            (
                "\"name\":\"Invented agency\",",
                "",
                by_phone,
                "/body/agency/name",
            ),
            (",\"reference_no\":\"REF-1\"", "", by_phone, number),
            (
                "\"reported_by_phone_at\":\"2026-03-02T10:00:00-08:00\",",
                "",
                by_phone,
                "/body/reported_by_phone_at",
            ),
        ],
    );
    for number in ["7", "0042", "NA-17", "none-3", "PENDING 12"] {
        let other = REPORT.replace("REF-1", number);
        assert_eq!(wrong("child-abuse-report", &other), [], "{number}");
    }
}

// Goal: a call before every child the report is about was born is worth a look, and one not yet
// born beside others is not. Method: the year of the call and of one child.
#[test]
fn a_call_before_the_births_is_told() {
    let one = REPORT.replace("\"c\",\"d\"]", "\"c\"]");
    assert_eq!(wrong("child-abuse-report", &one), []);
    let before = one.replace("2026-03-02", "1926-03-02");
    let at = "/body/reported_by_phone_at".to_owned();
    assert_eq!(
        wrong("child-abuse-report", &before),
        [("report-call-long-ago".to_owned(), at)]
    );
    let beside = REPORT.replace("2026-03-02", "1926-03-02");
    assert_eq!(wrong("child-abuse-report", &beside), []);
}

// Goal: a call that has not been made is none, one long ago is worth a look. Method: the instants
// around both bounds, and another type of record.
#[test]
fn a_call_is_held_against_the_instant_its_copy_came() {
    let node = json::parse(REPORT.as_bytes()).tree.expect("a tree");
    let told = |record_type: &str, now: &str| {
        let now = Timestamp::from_rfc3339(now).expect("an instant");
        let found = call(&RecordType(record_type.into()), &node, now);
        found.map(|finding| (finding.code.into_owned(), finding.severity))
    };
    use crate::base::finding::Severity::{Error, Warning};
    let first = Some(("report-by-phone-first".to_owned(), Error));
    let late = Some(("report-call-long-ago".to_owned(), Warning));
    for (now, expected) in [
        ("2026-03-02T17:54:59Z", first.clone()),
        ("2026-03-02T17:55:00Z", None),
        ("2026-03-02T18:00:00Z", None),
        ("2026-04-01T18:00:00Z", None),
        ("2026-04-01T18:00:01Z", late),
        ("2025-03-02T18:00:00Z", first),
    ] {
        assert_eq!(told("child-abuse-report", now), expected, "{now}");
        assert_eq!(told("service-referral", now), None, "{now}");
    }
}
