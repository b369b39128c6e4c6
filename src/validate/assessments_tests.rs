//! Rules of assessments, screenings and safety items: a right record has no finding, and every
//! contradiction put into it has its own.

use super::{changes, wrong};

const CANS: &str = r#"{"envelope":{"subject_refs":["p1"]},
  "persons":[{"key":"p1","birth_date":"2015-11"},{"key":"p2"},{"key":"p3"}],
  "body":{"assessment_id":"a1","age_form":"age_6_21","event_date":"2026-08-03","has_caregiver":true,
    "status":"IN_PROGRESS","items":[{"code":"ANXIETY","rating":"1"},
    {"code":"SAFETY","caregiver_index":"a","caregiver":"p2","rating":"0"},
    {"code":"SAFETY","caregiver_index":"b","caregiver":"p3","rating":"na","confidential":true},
    {"code":"NEGLECT","rating":"no"}]}}"#;

// Goal: each rule of an assessment is told at its place. Method: one change each.
#[test]
fn assessments() {
    let table = [
        (
            "NEGLECT",
            "ANXIETY",
            "assessment-item-repeated",
            "/body/items/3/code",
        ),
        (
            "ANXIETY",
            "REGULATORY",
            "assessment-item-foreign",
            "/body/items/0/code",
        ),
        (
            "2026-08-03",
            "2014-08-03",
            "assessment-before-birth",
            "/body/event_date",
        ),
        (
            "IN_PROGRESS",
            "DELETED",
            "assessment-deleted",
            "/body/status",
        ),
        (
            "IN_PROGRESS",
            "COMPLETED",
            "assessment-incomplete",
            "/body/items",
        ),
        (
            "\"rating\":\"1\"",
            "\"rating\":\"1\",\"confidential\":true",
            "confidential-unlabelled",
            "/body/items/0/confidential",
        ),
    ];
    changes("cans-assessment", CANS, &table);
    let none = CANS.replace("\"has_caregiver\":true", "\"has_caregiver\":false");
    let told = wrong("cans-assessment", &none);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .all(|(code, _)| code == "assessment-caregiver-contradicted")
    );
    let mixed = CANS
        .replace("\"b\"", "\"a\"")
        .replacen("SAFETY", "KNOWLEDGE", 1);
    assert_eq!(
        wrong("cans-assessment", &mixed),
        [(
            "assessment-caregiver-mixed".into(),
            "/body/items/2/caregiver".into()
        )]
    );
    let marked = CANS.replace("\"rating\":\"1\"", "\"rating\":\"1\",\"confidential\":true");
    let released = marked.replace(
        "\"age_form\"",
        "\"can_release_confidential_info\":true,\"age_form\"",
    );
    assert_eq!(wrong("cans-assessment", &released), []);
    let label = "{\"labels\":[{\"path\":\"/body/items/0\",\"classes\":[\"mental_health\"]}],";
    let labelled = marked.replacen("{\"subject_refs\"", &format!("{label}\"subject_refs\""), 1);
    assert_eq!(wrong("cans-assessment", &labelled), []);
}

// Goal: an assessment is complete when every item of its form is rated, for every caregiver block,
// and not otherwise. Method: the complete fixture; one rating, one name, one block taken away.
#[test]
fn a_complete_assessment_has_all_its_items() {
    let whole =
        include_str!("../../fixtures/kinbridge-json/cans-assessment/two-caregivers/input.json");
    assert_eq!(wrong("cans-assessment", whole), []);
    let incomplete = [("assessment-incomplete".to_owned(), "/body/items".to_owned())];
    for lost in ["\"code\": \"RUNAWAY\",", "\"code\": \"CONDUCT\","] {
        let found = whole.replacen(lost, "\"code\": \"\",", 1);
        assert_eq!(wrong("cans-assessment", &found), incomplete, "{lost}");
    }
    let unnamed = whole.replace("\"caregiver\": \"p3\",", "");
    assert_eq!(wrong("cans-assessment", &unnamed), incomplete);
}

/// A checklist with every question answered 1 but the given ones left blank.
fn screening(born: &str, blank: &[u8], sums: &str) -> String {
    let asked = (1..=35).filter(|number| !blank.contains(number));
    let items: Vec<String> = asked
        .map(|number| format!("{{\"number\":{number},\"answer\":1}}"))
        .collect();
    format!(
        "{{\"envelope\":{{\"subject_refs\":[\"p1\"]}},\"persons\":[{{\"key\":\"p1\",\
         \"birth_date\":\"{born}\"}}],\"body\":{{\"screening_id\":\"s1\",\
         \"instrument\":\"psc_35\",\"date\":\"2026-08-03\"{sums},\"items\":[{}]}}}}",
        items.join(",")
    )
}

const OLD: &str = "2015-11-02";
const SMALL: &str = "2022-01";
const SCHOOL: &[u8] = &[5, 6, 17, 18];

/// Birth, blanks, sums, and what is told: code and path.
type Row = (
    &'static str,
    &'static [u8],
    &'static str,
    Option<(&'static str, &'static str)>,
);

const SCREENINGS: &[Row] = &[
    (
        OLD,
        &[],
        ",\"total\":35,\"blanks\":0,\"valid\":true,\"at_cut_off\":true",
        None,
    ),
    (
        OLD,
        &[],
        ",\"total\":34",
        Some(("screening-total-mismatch", "/body/total")),
    ),
    (
        OLD,
        &[1, 2, 3],
        ",\"total\":32,\"blanks\":3,\"valid\":true",
        None,
    ),
    (
        OLD,
        &[1],
        ",\"blanks\":0",
        Some(("screening-blanks-mismatch", "/body/blanks")),
    ),
    (
        OLD,
        &[1, 2, 3, 4],
        ",\"valid\":true",
        Some(("screening-not-valid", "/body/valid")),
    ),
    (OLD, &[1, 2, 3, 4], ",\"valid\":false", None),
    (
        OLD,
        &[],
        ",\"at_cut_off\":false",
        Some(("screening-cut-off-contradicted", "/body/at_cut_off")),
    ),
    (SMALL, &[], ",\"total\":31", None),
    (
        SMALL,
        SCHOOL,
        ",\"total\":31,\"blanks\":0,\"valid\":true",
        None,
    ),
    (
        SMALL,
        &[],
        ",\"total\":35",
        Some(("screening-total-mismatch", "/body/total")),
    ),
    ("2020", &[], ",\"total\":35", None),
    ("2020", &[], ",\"total\":31", None),
    (
        "1990",
        &[],
        "",
        Some(("screening-age-unusual", "/body/date")),
    ),
    (
        "2028",
        &[],
        "",
        Some(("assessment-before-birth", "/body/date")),
    ),
];

// Goal: sums of a checklist are held against its answers, at each age. Method: sums that hold and
// ones that do not, with blanks and questions that do not count.
#[test]
fn screenings() {
    for &(born, blank, sums, expected) in SCREENINGS {
        let found = wrong("screening-instrument", &screening(born, blank, sums));
        let expected: Vec<(String, String)> = expected
            .into_iter()
            .map(|(code, path)| (code.to_owned(), path.to_owned()))
            .collect();
        assert_eq!(found, expected, "{born} {blank:?} {sums}");
    }
    let plain = screening(OLD, &[], ",\"total\":35");
    let more = plain.replace("\"number\":35", "\"number\":36");
    assert_eq!(
        wrong("screening-instrument", &more)[0].0,
        "screening-item-unknown"
    );
    let twice = plain.replace("\"number\":35", "\"number\":34");
    assert_eq!(
        wrong("screening-instrument", &twice)[0].0,
        "assessment-item-repeated"
    );
    let label = "\"labels\":[{\"path\":\"/body/items/0\",\"classes\":[\"sogi\"]}],\"subject_refs\"";
    let labelled = plain.replacen("\"subject_refs\"", label, 1);
    let told = [("total-unlabelled".to_owned(), "/body/total".to_owned())];
    assert_eq!(wrong("screening-instrument", &labelled), told);
}

const SAFETY: &str = r#"{"envelope":{"subject_refs":["p1"]},"persons":[{"key":"p1"}],
  "body":{"item_id":"s1","kind":"sdm_result","date":"2026-08-03","tool":"risk_assessment",
    "scored":"high","result":"moderate","recommendation":"open",
    "override":{"from":"high","to":"moderate","reason":"discretionary"}}}"#;

// Goal: each tool has its own results, each kind its own part. Method: one change each.
#[test]
fn safety_items() {
    let unfit = "safety-result-unfit";
    let override_wrong = "safety-override-contradicted";
    changes(
        "safety-item",
        SAFETY,
        &[
            (
                "\"from\":\"high\"",
                "\"from\":\"low\"",
                override_wrong,
                "/body/scored",
            ),
            (
                "\"to\":\"moderate\"",
                "\"to\":\"low\"",
                override_wrong,
                "/body/override/to",
            ),
            (
                "\"tool\":\"risk_assessment\",",
                "",
                "safety-part-missing",
                "/body/kind",
            ),
            (
                "\"override\"",
                "\"plan\":{},\"override\"",
                "safety-part-unexpected",
                "/body/plan",
            ),
        ],
    );
    let old = SAFETY.replace("risk_assessment", "csna");
    let told = wrong("safety-item", &old);
    assert_eq!(told[0].0, "safety-tool-withdrawn");
    for (tool, result, fits) in [
        ("safety_assessment", "safe_with_plan", true),
        ("congregate_care_safety", "unsafe", true),
        ("hotline_screening", "evaluate_out", true),
        ("hotline_response_priority", "24_hour", true),
        ("reunification_reassessment", "return_home", true),
        ("hotline_screening", "10_day", false),
        ("safety_assessment", "low", false),
        ("risk_reassessment", "safe", false),
    ] {
        let text = format!(
            "{{\"envelope\":{{\"subject_refs\":[]}},\"body\":{{\"kind\":\"sdm_result\",\
             \"tool\":\"{tool}\",\"result\":\"{result}\"}}}}"
        );
        let expected: &[(String, String)] = &[(unfit.into(), "/body/result".into())];
        let expected = if fits { &[] } else { expected };
        assert_eq!(wrong("safety-item", &text), expected, "{tool} {result}");
    }
    let plan = SAFETY.replace("sdm_result", "safety_plan").replace(
        "\"override\"",
        "\"plan\":{\"days\":\"7\",\"review_date\":\"2026-08-01\"},\"override\"",
    );
    let codes: Vec<String> = wrong("safety-item", &plan)
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(codes, ["safety-part-unexpected", "period-reversed"]);
}
