//! Goal: what the law withholds does not get out by another way: by an addressee nobody knows, by
//! free text beside a withheld value, by an answer that floods people with refusals to look at.
//! Method: invented partners and records on the shipped law pack, decided and sent by hand.

use crate::labels::{CONTACT, record};
use crate::release::decide_by;
use crate::release::{PARTNERS, Paper, REFERRAL, paper, rules_with};
use kinbridge::base::id::PartnerId;
use kinbridge::base::sensitive::Reason;
use kinbridge::record::Record;
use kinbridge::release::Release;
use kinbridge::rules::Rules;
use std::sync::OnceLock;

/// A county that investigates.
const INVESTIGATION: &str = r#"
id = "hotline"
name = "A county's investigators"
role = "cws"
county_fips = "06067"
mode = "live"
identifier = [{ system = "urn:org", value = "hotline" }]
[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]
purpose = "investigation"
related_by = ["county"]
https = { url = "https://hotline.example/inbox" }
"#;

/// A parent's own door.
const PARENT: &str = r#"
id = "mother"
name = "A parent"
role = "parent"
county_fips = "06067"
mode = "live"
[[channel]]
name = "out"
direction = "out"
format = "kinbridge-json/1.0"
records = ["service-referral"]
purpose = "parent_access"
related_by = ["county"]
https = { url = "https://mother.example/inbox" }
"#;

pub fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut all = PARTNERS.to_vec();
        all.extend([INVESTIGATION, PARENT]);
        rules_with(&all)
    })
}

/// Decides one record for one recipient in the middle of September 2026.
fn decide(record: &Record, way: (&str, &str), papers: &[Paper]) -> Release {
    decide_by(rules(), record, way, papers)
}

fn told(release: &Release) -> String {
    match release {
        Release::Go(outgoing) => {
            String::from_utf8(outgoing.bytes().expose(Reason::Test).clone()).expect("UTF-8")
        }
        Release::Withheld(_) => String::new(),
        Release::Held(hold, _) => panic!("held: {hold:?}"),
        Release::Untied(taken) => panic!("not asked: {:?}", taken.citations),
    }
}

#[test]
fn a_referral_to_nobody_we_know_goes_to_no_third_party() {
    for recipient in [
        r#"{"name": "Somewhere"}"#,
        r#"{"name": "A substance-use program"}"#,
        r#"{"identifiers": [{"system": "urn:org", "value": "clinics"}]}"#,
        r#"{"worker": "mother"}"#,
    ] {
        let known = r#"{"identifiers": [{"system": "urn:org", "value": "clinic"}]}}"#;
        let text = REFERRAL.replace(known, &format!("{recipient}}}"));
        assert_ne!(text, REFERRAL);
        let record = record("service-referral", &text);
        let release = decide(&record, ("program", "county"), &[]);
        assert!(
            matches!(release, Release::Withheld(_)),
            "{recipient}: {release:?}"
        );
        let asked = text.replace("\"value\": \"program\"", "\"value\": \" County \"");
        let record = crate::labels::record("service-referral", &asked);
        let release = decide(&record, ("program", "county"), &[]);
        assert!(
            told(&release).contains("requested"),
            "{recipient}: it asked for it"
        );
    }
}

#[test]
fn case_and_spaces_of_an_identifier_hide_nobody() {
    for value in ["CLINIC", " clinic ", "Cli nic"] {
        let text = REFERRAL.replace("\"clinic\"", &format!("\"{value}\""));
        let record = record("service-referral", &text);
        let release = decide(&record, ("program", "county"), &[]);
        assert!(
            matches!(release, Release::Withheld(_)),
            "{value}: {release:?}"
        );
        let Release::Withheld(taken) = &release else {
            unreachable!()
        };
        let rows = taken
            .rows
            .iter()
            .filter(|row| row.data_class == "sud_part2");
        assert!(
            rows.count() > 0,
            "{value}: it was not seen whose clinic it is"
        );
    }
    let text = REFERRAL.replace("\"clinic\"", "\"Food-Bank\"");
    let release = decide(
        &record("service-referral", &text),
        ("program", "county"),
        &[],
    );
    assert!(told(&release).contains("Food-Bank"));
}

#[test]
fn free_text_stays_where_anything_beside_it_stays() {
    let text = REFERRAL.replace("\"clinic\"", "\"food-bank\"").replace(
        "\"status\": \"requested\",",
        "\"status\": \"requested\", \"status_history\": [{\"code\": \"requested\", \
             \"reason\": \"REASONWORDS\"}], \"program_code\": \"PROGRAM1\",",
    );
    let open = decide(
        &record("service-referral", &text),
        ("program", "county"),
        &[],
    );
    assert!(
        told(&open).contains("REASONWORDS"),
        "nothing is withheld: {}",
        told(&open)
    );
    let closed = text.replace(
        "\"service_source\"",
        "\"labels\": [{\"path\": \"/body/program_code\", \"classes\": [\"sud_part2\"]}], \
         \"service_source\"",
    );
    let closed = decide(
        &record("service-referral", &closed),
        ("program", "county"),
        &[],
    );
    let told = told(&closed);
    assert!(told.contains("requested"), "{told}");
    assert!(
        !told.contains("REASONWORDS") && !told.contains("PROGRAM1"),
        "{told}"
    );
    let group = CONTACT.replace(
        "\"mode\": \"in_person\",",
        "\"mode\": \"group\", \"group\": {\"size_band\": \"2-5\", \"topic\": \"TOPICWORDS\", \
         \"curriculum\": \"BOOKWORDS\"},",
    );
    let group = decide(
        &record("engagement-contact", &group),
        ("program", "county"),
        &[],
    );
    let told = self::told(&group);
    assert!(told.contains("2-5"), "{told}");
    assert!(
        !told.contains("TOPICWORDS") && !told.contains("BOOKWORDS"),
        "{told}"
    );
}

#[test]
fn a_refusal_of_everything_is_withheld_and_says_if_a_human_should_look() {
    let contact = record("engagement-contact", CONTACT);
    let asked = decide(&contact, ("program", "hotline"), &[]);
    let Release::Withheld(taken) = &asked else {
        panic!("not withheld: {asked:?}");
    };
    assert_eq!(taken.obligations, ["human_review"]);
    let referral = record("service-referral", REFERRAL);
    let plain = decide(&referral, ("program", "county"), &[]);
    let Release::Withheld(taken) = &plain else {
        panic!("not withheld: {plain:?}");
    };
    assert!(taken.obligations.is_empty(), "{:?}", taken.obligations);
}

#[test]
fn nothing_goes_to_a_parent_in_live_operation_without_known_standing() {
    // What may not go to a parent anyway is simply withheld; what might waits for the county.
    let closed = record("service-referral", REFERRAL);
    let release = decide(&closed, ("county", "mother"), &[]);
    assert!(matches!(release, Release::Withheld(_)), "{release:?}");
    let open = REFERRAL.replace("\"clinic\"", "\"food-bank\"");
    let granted = r#"{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "self",
      "classes": ["referral", "demographics"], "recipients": ["parent"],
      "purposes": ["parent_access"], "signed": "2026-03-01", "start": "2026-03-01",
      "end": "2027-02-28", "revoked": null}"#;
    let mut granted = paper(1, granted);
    granted.lodger = PartnerId::new("county");
    let release = decide(
        &record("service-referral", &open),
        ("county", "mother"),
        &[granted],
    );
    assert!(
        matches!(&release, Release::Withheld(taken) if taken.standing_unknown),
        "{release:?}"
    );
}

/// A referral to the food bank, with more said of it.
fn to_food_bank(more: &str) -> String {
    REFERRAL.replace("\"clinic\"", "\"food-bank\"").replace(
        "\"status\": \"requested\",",
        &format!("\"status\": \"requested\", {more},"),
    )
}

#[test]
fn whoever_set_a_status_is_told_to_nobody_it_says_something_to() {
    let by = |org: &str| {
        to_food_bank(&format!(
            r#""status_history": [{{"code": "requested", "by": {org}}}]"#
        ))
    };
    let plain = by(r#"{"identifiers": [{"system": "urn:org", "value": "program"}]}"#);
    let release = decide(
        &record("service-referral", &plain),
        ("program", "county"),
        &[],
    );
    assert!(told(&release).contains("requested"), "{release:?}");
    for org in [
        r#"{"identifiers": [{"system": "urn:org", "value": "CLINIC"}]}"#,
        r#"{"name": "A Substance-Use Program"}"#,
    ] {
        let record = record("service-referral", &by(org));
        let release = decide(&record, ("program", "county"), &[]);
        assert!(
            matches!(release, Release::Withheld(_)),
            "{org}: {release:?}"
        );
    }
}

#[test]
fn whom_a_worker_works_for_is_told_to_nobody_it_says_something_to() {
    let at = |org: &str| {
        let worker = format!(
            "\"key\": \"worker\", \"worker\": {{\"title\": \"TITLEWORDS\", \
             \"organization\": {{\"identifiers\": [{{\"system\": \"urn:org\", \
             \"value\": \"{org}\"}}]}}}},"
        );
        let text = CONTACT.replace("\"key\": \"worker\",", &worker);
        record("engagement-contact", &text)
    };
    let plain = told(&decide(&at("food-bank"), ("program", "county"), &[]));
    assert!(plain.contains("food-bank"), "{plain}");
    let closed = told(&decide(&at("clinic"), ("program", "county"), &[]));
    assert!(closed.contains("in_person"), "{closed}");
    for trace in ["clinic", "TITLEWORDS", "Pell"] {
        assert!(!closed.contains(trace), "{trace} in {closed}");
    }
}

#[test]
fn a_need_that_says_it_all_is_of_its_class_for_the_addressee_too() {
    let county = |need: &str| {
        let text = to_food_bank(&format!("\"need_category\": \"{need}\""));
        record(
            "service-referral",
            &text.replace("\"food-bank\"", "\"county\""),
        )
    };
    let open = decide(&county("housing"), ("program", "county"), &[]);
    assert!(told(&open).contains("housing"), "{open:?}");
    for need in ["intimate-partner-violence", "safety-planning"] {
        let closed = decide(&county(need), ("program", "county"), &[]);
        assert!(matches!(closed, Release::Withheld(_)), "{need}: {closed:?}");
    }
}

#[test]
fn needs_of_the_law_pack_are_needs_a_referral_can_have() {
    let (sources, _) = kinbridge::catalog::load(&[]);
    let schema = &sources.schemas["canonical/service-referral.schema.json"];
    let kind = &schema.at("body.need_category").expect("the member").kind;
    let kinbridge::catalog::schema::Kind::Text(rule) = kind else {
        panic!("a code");
    };
    let table: toml::Table = sources.policy_data["policies/classes.toml"]
        .parse()
        .expect("TOML");
    let rows = table["class"].as_array().expect("rows").iter();
    let needs: Vec<&str> = rows
        .filter_map(|row| row.get("needs")?.as_array())
        .flatten()
        .filter_map(toml::Value::as_str)
        .collect();
    assert!(!needs.is_empty());
    for need in needs {
        assert!(rule.codes.iter().any(|code| code == need), "{need}");
    }
}

#[test]
fn a_county_opens_records_of_its_own_jurisdiction_alone() {
    let mut lodged = paper(1, crate::release::ROI);
    lodged.lodger = PartnerId::new("county");
    let own = record("service-referral", REFERRAL);
    let release = decide(&own, ("program", "clinic"), std::slice::from_ref(&lodged));
    assert!(told(&release).contains("requested"), "{release:?}");
    for elsewhere in ["\"county_fips\": \"06001\",", ""] {
        let text = REFERRAL.replace("\"county_fips\": \"06067\",", elsewhere);
        assert_ne!(text, REFERRAL);
        let record = record("service-referral", &text);
        let release = decide(
            &record,
            ("program", "clinic"),
            std::slice::from_ref(&lodged),
        );
        assert!(
            matches!(release, Release::Withheld(_)),
            "{elsewhere}: {release:?}"
        );
    }
}
