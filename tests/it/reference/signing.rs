//! Papers made at random, mostly about what is asked.

use super::asking::Dice;
use super::papers::KINDS;
use super::vocabulary::{CLASSES, PURPOSES, RECIPIENTS};
use serde_json::{Value, json};

/// The kinds that may open a class, so that papers are not all beside the point.
pub fn kinds_for(class: &str) -> &'static [&'static str] {
    match class {
        "sud_part2" => &["part2_tpo", "part2_specific", "part2_legal"],
        "sud_counseling_notes" => &["part2_counseling_notes"],
        "psychotherapy_notes" => &["psych_notes_auth"],
        "hiv_test" => &["hiv_auth"],
        "education_record" => &["ferpa_consent", "icsp_single_auth"],
        "dv_information" => &["vawa_release", "privacy_directive"],
        "sogi" => &["sogi_permission"],
        "tribal_confidential" => &["tribal_authorization"],
        "reporter_identity" => &["reporter_waiver"],
        "cft_plan" | "sdm" => &["cft_roi"],
        _ => &[
            "general_roi",
            "hipaa_auth",
            "cft_roi",
            "icsp_single_auth",
            "research_auth",
            "privacy_directive",
        ],
    }
}

/// Some papers, mostly about what is asked.
pub fn consents(dice: &mut Dice, recipient: &str, purpose: &str, classes: &[String]) -> Vec<Value> {
    let count = [0, 1, 1, 1, 2, 2, 3][dice.below(7)];
    (0..count)
        .map(|at| consent(dice, at, recipient, purpose, classes))
        .collect()
}

fn consent(dice: &mut Dice, at: usize, to: &str, purpose: &str, classes: &[String]) -> Value {
    let class = classes[dice.below(classes.len())].clone();
    let deny = dice.chance(30);
    let kind = match dice.below(100) {
        0..70 => dice.pick(kinds_for(&class)),
        70..73 => "verbal",
        _ => dice.pick(&KINDS),
    };
    let kind = if deny && dice.chance(70) {
        "privacy_directive"
    } else {
        kind
    };
    let grantors = [
        "self",
        "youth",
        "parent",
        "guardian",
        "youth_and_parent",
        "youth_attorney",
        "personal_representative",
        "tribe",
        "reporter",
    ];
    let grantor = match (kind, dice.below(100)) {
        ("tribal_authorization", 0..80) => "tribe",
        ("reporter_waiver", 0..80) => "reporter",
        (_, 0..75) => dice.pick(&grantors[..5]),
        _ => dice.pick(&grantors),
    };
    let mut named = vec![class];
    if dice.chance(35) {
        named.push(dice.pick(&CLASSES).to_owned());
    }
    let mut to: Vec<&str> = vec![if dice.chance(8) { "*" } else { to }];
    if dice.chance(12) {
        to = vec![dice.pick(&RECIPIENTS)];
    }
    let mut purposes = vec![purpose];
    if dice.chance(30) {
        purposes.push(dice.pick(&PURPOSES));
    }
    if dice.chance(8) {
        purposes.remove(0);
    }
    let mut paper = json!({
        "id": format!("k{at}"),
        "kind": kind,
        "type": if deny { "deny" } else { "permit" },
        "grantor": grantor,
        "classes": named,
        "recipients": to,
        "purposes": purposes,
        "signed": dice.pick(&["2026-03-01", "2026-01-10", "2026-06-01"]),
        "start": dice.pick(&["2026-03-01", "2026-06-01"]),
        "end": dice.pick(&["2027-02-28", "2026-09-15"]),
        "revoked": null,
    });
    spoil(dice, at, &mut paper);
    paper
}

/// Now and then something about a paper is not as it should be, or is a limit.
fn spoil(dice: &mut Dice, at: usize, paper: &mut Value) {
    let other = format!("k{}", if at == 0 { 1 } else { at - 1 });
    if dice.chance(12) {
        paper["start"] = Value::Null;
    }
    if dice.chance(15) {
        paper["end"] = Value::Null;
        if dice.chance(70) {
            paper["expiry_statement"] = json!("none");
        }
    }
    if dice.chance(8) {
        paper["supersedes"] = json!([other]);
    }
    if dice.chance(6) {
        paper["exception_to"] = json!(other);
    }
    if dice.chance(10) {
        paper["grantor_id"] = json!(dice.pick(&["g1", "g2"]));
    }
    if dice.chance(10) {
        paper["recipient_ids"] = json!([dice.pick(&["org-1", "org-2"])]);
    }
    if dice.chance(8) {
        paper["data_period"] = json!(["2026-01-01", "2026-12-31"]);
    }
    if dice.chance(4) {
        paper["id"] = json!("k0");
    }
    match dice.below(40) {
        0 => paper["end"] = json!("2026-01-01"),
        1 => paper["start"] = json!("2026-11-01"),
        2 => paper["revoked"] = json!("2026-09-15"),
        3 => paper["revoked"] = json!("2026-09-15T18:59:59Z"),
        4 => paper["revoked"] = json!("2027-01-01"),
        5 => paper["status"] = json!("inactive"),
        6 => paper["elements_missing"] = json!(["signature"]),
        7 => paper["used_on"] = json!("2026-07-01"),
        8 => paper["coercion_flag"] = json!(true),
        9 => paper["subject_id"] = json!("s2"),
        10 => paper["subject_id"] = json!("s1"),
        11 => paper["status"] = json!("active"),
        12 | 13 => paper["signed"] = Value::Null,
        _ => {}
    }
    garble(dice, paper);
}

/// Now and then a word that says what a paper means, or how far it reaches, is none of the list.
fn garble(dice: &mut Dice, paper: &mut Value) {
    match dice.below(60) {
        0 => paper["type"] = json!(dice.pick(&["DENY", "refuse", "Permit"])),
        1 => paper["type"] = Value::Null,
        2 => drop(paper.as_object_mut().and_then(|all| all.remove("type"))),
        3 => {
            let list = dice.pick(&["classes", "recipients", "purposes"]);
            paper[list] = json!(["misspelt"]);
        }
        4 => paper[dice.pick(&["classes", "recipients", "purposes"])] = json!([]),
        5 => {
            let list = dice.pick(&["classes", "recipients", "purposes"]);
            if let Some(list) = paper[list].as_array_mut() {
                list.push(json!("misspelt"));
            }
        }
        _ => {}
    }
}
