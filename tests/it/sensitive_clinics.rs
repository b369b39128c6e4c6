//! Goal: who a referral is addressed to, or comes from, tells no third party what it is for; and a
//! sender's own keys of persons leave with nobody. Method: one referral, the addressee or the
//! sender declared as one kind of clinic after the other, with and without a family's consent.

use crate::labels::record;
use crate::release::{PARTNERS, Paper, REFERRAL, decide_by, paper, rules_with, sent, text};
use kinbridge::release::Release;
use kinbridge::rules::Rules;

/// The partners of the release tests, one of them declared.
fn rules(id: &str, declared: &str, role: Option<&str>) -> Rules {
    let named = format!("id = \"{id}\"");
    let all: Vec<String> = PARTNERS
        .iter()
        .map(|text| {
            if !text.contains(&named) {
                return (*text).to_owned();
            }
            let text = text.replace(&named, &format!("{named}\n{declared}"));
            role.map_or(text.clone(), |role| {
                text.replace("role = \"sud_program\"", &format!("role = \"{role}\""))
            })
        })
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    rules_with(&all)
}

fn goes(rules: &Rules, from: &str, to: &str, papers: &[Paper]) -> bool {
    let record = record("service-referral", REFERRAL);
    match decide_by(rules, &record, (from, to), papers) {
        Release::Go(_) => true,
        Release::Withheld(_) => false,
        Release::Held(hold, _) => panic!("held: {hold:?}"),
        Release::Untied(taken) => panic!("not asked: {:?}", taken.citations),
    }
}

#[test]
fn an_addressee_of_an_open_kind_is_told_to_the_county() {
    let rules = rules("clinic", "", Some("health_provider"));
    assert!(goes(&rules, "program", "county", &[]));
}

#[test]
fn an_addressee_of_a_sensitive_kind_closes_the_referral_to_third_parties() {
    for class in [
        "hiv_test",
        "reproductive_health",
        "gender_affirming_care",
        "dv_information",
    ] {
        let declared = format!("service_classes = [\"{class}\"]");
        let rules = rules("clinic", &declared, Some("health_provider"));
        assert!(!goes(&rules, "program", "county", &[]), "{class}");
    }
    for role in ["sud_program", "mhp", "dv_program"] {
        let rules = rules("clinic", "", Some(role));
        assert!(!goes(&rules, "program", "county", &[]), "{role}");
    }
}

#[test]
fn toward_the_addressee_it_is_a_referral() {
    let roi = crate::release::ROI.replace("sud_program", "health_provider");
    let plain = rules("clinic", "", Some("health_provider"));
    let clinic = rules(
        "clinic",
        "service_classes = [\"hiv_test\"]",
        Some("health_provider"),
    );
    let before = goes(&plain, "program", "clinic", &[paper(1, &roi)]);
    assert_eq!(
        goes(&clinic, "program", "clinic", &[paper(1, &roi)]),
        before
    );
    assert!(before);
}

#[test]
fn a_sender_of_a_sensitive_kind_labels_what_it_sends() {
    let open = rules("program", "", None);
    assert!(goes(
        &open,
        "program",
        "clinic",
        &[paper(1, crate::release::ROI)]
    ));
    let closed = rules("program", "service_classes = [\"hiv_test\"]", None);
    assert!(!goes(
        &closed,
        "program",
        "clinic",
        &[paper(1, crate::release::ROI)]
    ));
}

#[test]
fn an_addressee_nobody_knows_says_nothing_and_a_known_one_does() {
    let rules = rules("clinic", "", None);
    assert!(!goes(&rules, "program", "county", &[]));
    let elsewhere = REFERRAL.replace("\"clinic\"", "\"food-bank\"");
    let record = record("service-referral", &elsewhere);
    let release = decide_by(&rules, &record, ("program", "county"), &[]);
    assert!(text(sent(&release)).contains("food-bank"));
}

#[test]
fn keys_of_the_sender_do_not_leave() {
    let rules = rules("clinic", "", Some("health_provider"));
    let own = REFERRAL.replace("\"mother\"", "\"CLIENT-77\"").replace(
        "\"status\": \"requested\"",
        "\"status\": \"requested\", \"program_code\": \"x\"",
    );
    let record = record("service-referral", &own);
    let first = decide_by(&rules, &record, ("program", "county"), &[]);
    let told = text(sent(&first));
    assert!(!told.contains("CLIENT-77"), "{told}");
    assert!(told.contains("\"subject_refs\":[\"p1\"]") && told.contains("\"key\":\"p1\""));
    let again = decide_by(&rules, &record, ("program", "county"), &[]);
    assert_eq!(text(sent(&again)), told);
}
