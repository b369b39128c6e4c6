//! Forms of others as papers: what a box means, what is refused, and what never permits.

use kinbridge::base::finding::Finding;
use kinbridge::base::vocabulary::RecipientRole;
use kinbridge::disclosure::import::{Imported, read};
use kinbridge::format::json;
use kinbridge::rules::Rules;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Rules::load(&[]).expect("rules"));

fn known(id: &str) -> Option<Vec<RecipientRole>> {
    (id == "clinic").then(|| vec![RecipientRole::Mhp])
}

fn imported(form: &str, document: &Value) -> (Option<Imported>, Vec<Finding>) {
    let form = RULES.imports.get(form).expect("a form");
    let parsed = json::parse(document.to_string().as_bytes());
    let mut findings = parsed.findings;
    let read = read(form, &parsed.tree.expect("JSON"), &known, &mut findings);
    (read, findings)
}

/// Each paper as direction, kind, grantor, classes, roles, ids and purposes.
fn lines(form: &str, document: &Value) -> Vec<String> {
    let (read, findings) = imported(form, document);
    assert!(!findings.iter().any(Finding::is_error), "{findings:?}");
    let list = |value: Option<&Value>| {
        let words = value.and_then(Value::as_array).into_iter().flatten();
        words
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let papers = read.expect("read").papers.into_iter();
    papers
        .map(|(direction, paper)| {
            let word = |name: &str| paper[name].as_str().expect("text").to_owned();
            format!(
                "{} {} {} | {} | {} | {} | {}",
                direction.as_str(),
                word("kind"),
                word("grantor"),
                list(paper.get("classes")),
                list(paper.get("recipients")),
                list(paper.get("recipient_ids")),
                list(paper.get("purposes")),
            )
        })
        .collect()
}

/// The answers of an invented person.
pub fn release() -> Value {
    json!({
        "consent_id": "release-1",
        "form": {"version": "1", "language": "en"},
        "person": {"system": "urn:example:family-id", "value": "F-1001"},
        "information": ["physical_health", "mental_health", "substance_use"],
        "information_refused": [],
        "organizations": ["mental_health_provider", "health_plan"],
        "purposes": ["treatment", "care_coordination"],
        "expires": "2027-02-28",
        "signature": {"by": "self", "date": "2026-03-01", "signed": true},
        "revoked": null,
    })
}

#[test]
fn one_release_makes_a_paper_for_each_law_it_is_under() {
    // Goal: each box becomes the kind of paper its law asks for; substance use apart, its one
    // consent for treatment, payment and operations apart from any other purpose. Method: the
    // papers of a release, of one with a named partner, and of one with a refused box.
    let health = "hipaa_auth self | general_health mental_health demographics";
    let to = "mhp health_plan |  |";
    let both = "treatment care_coordination";
    let expected = [
        format!("permit {health} | {to} {both}"),
        format!("permit part2_tpo self | sud_part2 | {to} treatment"),
        format!("permit part2_specific self | sud_part2 | {to} care_coordination"),
    ];
    assert_eq!(lines("ascmi", &release()), expected);
    let mut named = release();
    named["information"] = json!(["physical_health", "mental_health"]);
    named["organizations"] = json!([{"partner": "clinic"}, {"role": "cws"}]);
    let expected = [
        format!("permit {health} | cws |  | {both}"),
        format!("permit {health} | mhp | clinic | {both}"),
    ];
    assert_eq!(lines("ascmi", &named), expected);
    named["information_refused"] = json!(["substance_use"]);
    named["organizations"] = json!([{"partner": "clinic"}]);
    let closed = "mental_health sud_part2 sud_counseling_notes";
    let expected = [
        format!("permit {health} | mhp | clinic | {both}"),
        format!("deny privacy_directive self | {closed} | mhp | clinic | {both}"),
    ];
    assert_eq!(lines("ascmi", &named), expected);
}

#[test]
fn what_a_form_shows_follows_from_its_answers_and_its_version() {
    // Goal: an element nobody answered is not shown, and statements count only for a form known to
    // print them. Method: the elements of a whole release, without its end, of another version.
    let elements = |document: &Value| {
        let (read, _) = imported("ascmi", document);
        let papers = read.expect("read").papers;
        let list = papers[0].1["elements"].as_array().expect("a list").clone();
        let words = list
            .into_iter()
            .filter_map(|one| one.as_str().map(str::to_owned));
        words.collect::<Vec<String>>().join(" ")
    };
    assert_eq!(
        elements(&release()),
        "patient_name description recipient purpose right_to_revoke expiration signature date \
         redisclosure_statement refusal_consequences"
    );
    let mut less = release();
    less["expires"] = Value::Null;
    less["signature"]["signed"] = json!(false);
    less["form"]["version"] = json!("unknown");
    less["disclosers"] = json!(["clinic"]);
    assert_eq!(
        elements(&less),
        "patient_name discloser description recipient purpose date"
    );
}

#[test]
fn an_answer_without_a_meaning_refuses_the_form_and_is_not_repeated() {
    // Goal: nothing is guessed or dropped that could open more. Method: one good release, one thing
    // wrong at a time, each told at its place; MARK stands for an invented person.
    let unknown = "crosswalk-code-unknown";
    let missing = "schema-required-missing";
    for (at, put, code, path) in [
        ("/information", json!(["MARK"]), unknown, "/information/0"),
        ("/information", json!([]), missing, "/information"),
        (
            "/information",
            json!("MARK"),
            "schema-type-mismatch",
            "/information",
        ),
        (
            "/information_refused",
            json!(["MARK"]),
            unknown,
            "/information_refused/0",
        ),
        (
            "/organizations",
            json!(["MARK"]),
            unknown,
            "/organizations/0",
        ),
        (
            "/organizations",
            json!([{"partner": "MARK"}]),
            unknown,
            "/organizations/0",
        ),
        ("/organizations", json!([]), missing, "/organizations"),
        ("/disclosers", json!(["MARK"]), unknown, "/disclosers/0"),
        ("/purposes", json!(["MARK"]), unknown, "/purposes/0"),
        ("/purposes", Value::Null, missing, "/purposes"),
        ("/signature/by", json!("MARK"), unknown, "/signature/by"),
        ("/signature/date", Value::Null, missing, "/signature/date"),
        ("/expires", json!(2027), "schema-type-mismatch", "/expires"),
        ("/person", json!({"value": "MARK"}), missing, "/person"),
        (
            "/signature/MARK",
            json!(1),
            "schema-unknown-field",
            "/signature",
        ),
        ("/MARK", json!(1), "schema-unknown-field", ""),
    ] {
        let mark = |text: &str| text.replace("MARK", "Zilpha Quintrell");
        let put: Value = serde_json::from_str(&mark(&put.to_string())).expect("JSON");
        let mut document = release();
        let (above, member) = at.rsplit_once('/').expect("a pointer");
        document.pointer_mut(above).expect("an object")[mark(member)] = put;
        let (_, findings) = imported("ascmi", &document);
        let hit = findings.iter().find(|f| f.code == code && f.path == path);
        assert!(hit.is_some_and(Finding::is_error), "{at}: {findings:?}");
        assert!(
            !format!("{findings:?}").contains("Quintrell"),
            "{at}: {findings:?}"
        );
    }
    let mut justice = release();
    justice["information"] = json!(["justice", "physical_health"]);
    let (read, findings) = imported("ascmi", &justice);
    assert_eq!(read.expect("read").papers.len(), 1);
    assert_eq!(findings[0].code, "consent-opens-nothing");
    assert_eq!(findings[0].path, "/information/0");
}

/// A consent of the older form.
fn older(kind: &str) -> Value {
    json!({
        "consent_id": "old-1",
        "kind": kind,
        "subject": {"system": "urn:example:family-id", "value": "F-1001"},
        "grantor": {"authority": "parent"},
        "classes": ["MH", "general_health"],
        "recipients": [{"role": "mhp"}],
        "disclosers": ["clinic"],
        "purposes": ["treatment"],
        "signed": "2026-03-01",
        "expires": "2027-02-28",
        "document_ref": "paper-17",
    })
}

#[test]
fn kinds_of_the_older_form_become_papers_by_their_elements() {
    // Goal: the crosswalk of old kinds holds: an LPS release is a health authorization only with
    // all its elements, a minor's own consent is the minor's, a verbal one is kept and never
    // permits. Method: the papers of each.
    let of = |document: &Value| lines("r11", document);
    let rest = "| general_health mental_health | mhp |  | treatment";
    let mut lps = older("lps_5328");
    assert_eq!(of(&lps), [format!("permit general_roi parent {rest}")]);
    lps["elements"] = json!([
        "right_to_revoke",
        "redisclosure_statement",
        "refusal_consequences"
    ]);
    assert_eq!(of(&lps), [format!("permit hipaa_auth parent {rest}")]);
    let own = of(&older("minor_own"));
    assert_eq!(own, [format!("permit hipaa_auth youth {rest}")]);
    let mut part2 = older("part2");
    part2["classes"] = json!(["SUD"]);
    part2["purposes"] = json!(["treatment", "case_planning"]);
    let kinds: Vec<String> = of(&part2)
        .iter()
        .filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
        .collect();
    assert_eq!(kinds, ["part2_tpo", "part2_specific"]);
    let (read, _) = imported("r11", &older("verbal_interim"));
    let paper = &read.expect("read").papers[0].1;
    assert_eq!(paper["elements"], json!([]));
    assert_eq!(paper["elements_missing"], json!(["signature"]));
    let mut event = older("wic832_cft");
    event["expiry_event"] = json!("cft_participation_ends");
    let (read, _) = imported("r11", &event);
    let paper = &read.expect("read").papers[0].1;
    assert_eq!(paper["ends_on_event"], json!("cft_participation_ends"));
    event["expiry_event"] = json!("whenever");
    let (_, findings) = imported("r11", &event);
    assert_eq!(findings[0].path, "/expiry_event");
}
