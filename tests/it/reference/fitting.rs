//! Questions whose facts are those that what is asked about needs: rows with many conditions meet
//! too seldom by chance.

use super::asking::Dice;
use super::{text, words};
use serde_json::{Map, Value, json};

/// The question with everything that opens, nothing that closes, and one sound paper.
pub fn fit(dice: &mut Dice, q: &mut Value, opening: &[&str], closing: &[&str]) {
    let classes: Vec<String> = words(&q["data_classes"])
        .into_iter()
        .map(str::to_owned)
        .collect();
    let class = classes[dice.below(classes.len())].clone();
    let (source, to) = (text(q, "source_role"), text(q, "recipient_role"));
    let (source, to) = (source.to_owned(), to.to_owned());
    let purpose = text(q, "purpose").to_owned();
    let paper = paper(dice, q, &class);
    let context = q["context"].as_object_mut().expect("a context");
    for fact in closing
        .iter()
        .chain(&["proceeding", "now", "required_elements"])
    {
        context.remove(*fact);
    }
    for fact in opening {
        context.insert((*fact).into(), json!(true));
    }
    let part2 = source == "sud_program";
    let agreement = match &*purpose {
        "research" if part2 => "part2_research",
        "research" => "dua",
        "audit" | "state_reporting" if part2 => "part2_audit",
        "operations" | "payment" if part2 => "qsoa",
        _ => "county_contract",
    };
    let agreement = json!({"type": agreement, "signed": true});
    context.insert("agreement".into(), agreement);
    let team = json!({"member": true, "identity_verified": true, "days_since_report": 9});
    context.insert("mdt".into(), team);
    context.insert("court_order".into(), order(dice, &to, &class));
    let under = match &*class {
        "education_record" => "20USC1232g(b)(1)(L)",
        // Under the paper itself it goes on by its own row alone.
        "sud_part2" if paper["kind"] == "part2_tpo" => "k9",
        _ => "WIC5328.04",
    };
    received(context, under);
    if purpose == "parent_access" {
        context.insert("requester".into(), json!("parent_of_subject"));
        context.remove("parental_rights");
        context.remove("guardianship");
        q["subject"]["self_sufficient"] = json!(true);
    }
    if to == "public" {
        q["subject"]["deceased"] = json!(true);
    }
    q["consents"] = json!([paper]);
}

fn received(context: &mut Map<String, Value>, under: &str) {
    context.insert("received_under".into(), json!(under));
}

/// An order that names the class and reaches the recipient.
fn order(dice: &mut Dice, to: &str, class: &str) -> Value {
    let kind = match (to, class) {
        ("public", _) => "wic827a2",
        (_, "education_record") => "dependency_order",
        (_, "sud_part2") => "part2_subpart_e",
        (_, "dv_counselor_comm" | "sa_counselor_comm") => "evid1037_2_in_camera",
        _ => dice.pick(&["court_order", "wic827_petition_granted"]),
    };
    json!({"type": kind, "classes": [class], "with_subpoena": true})
}

/// A paper that opens the class for this recipient and purpose, if any kind does.
fn paper(dice: &mut Dice, q: &Value, class: &str) -> Value {
    let purpose = text(q, "purpose");
    let care = ["treatment", "payment", "operations"].contains(&purpose);
    let kind = match class {
        "sud_part2" if purpose == "legal_proceeding" => "part2_legal",
        "sud_part2" if care => "part2_tpo",
        _ if purpose == "research" => "research_auth",
        _ => dice.pick(super::signing::kinds_for(class)),
    };
    let child = q["subject"]["role"] == "child" && q["subject"]["age"].as_u64() < Some(18);
    let grantor = match (kind, child) {
        ("tribal_authorization", _) => "tribe",
        ("reporter_waiver", _) => "reporter",
        ("sogi_permission", _) | (_, false) => "self",
        (_, true) => "youth_and_parent",
    };
    json!({
        "id": "k9", "kind": kind, "type": "permit", "grantor": grantor, "classes": [class],
        "recipients": [text(q, "recipient_role")], "purposes": [purpose],
        "signed": "2026-03-01", "start": "2026-03-01", "end": "2027-02-28", "revoked": null,
    })
}
