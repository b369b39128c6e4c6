//! Goal: the engine agrees with a second, plain reading of the rule table. Method: an evaluator
//! without Cedar, tables or compiled facts, straight over the JSON of a question, row by row; many
//! generated questions are put to both. A quick count runs with the tests;
//! `KINBRIDGE_TUPLES=1000000` makes it long.

pub mod asking;
mod fitting;
mod meetings;
mod papers;
pub mod rows;
mod signing;
mod vocabulary;

use crate::cases::policy;
use kinbridge::disclosure::Request;
use serde_json::Value;
use std::collections::BTreeSet;

/// What the second reading says.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    pub permit: BTreeSet<String>,
    pub core: BTreeSet<&'static str>,
}

/// The classes that may go and what is owed for them at the core.
pub fn verdict(q: &Value) -> Verdict {
    let mut permit = BTreeSet::new();
    let mut core = BTreeSet::new();
    let nothing = Verdict {
        permit: BTreeSet::new(),
        core: BTreeSet::new(),
    };
    let clock_unknown = q["context"].get("now").is_some_and(Value::is_null);
    if q["subject"].is_null() || clock_unknown || !rows::roles_are_known(q) {
        return nothing;
    }
    let (recipient, purpose) = (text(q, "recipient_role"), text(q, "purpose"));
    for class in words(&q["data_classes"]) {
        if !vocabulary::CLASSES.contains(&class) || rows::hard_stop(q, class) {
            continue;
        }
        let refused = papers::refused(q, class);
        let mut bases: Vec<rows::Basis> = rows::statutory(q, class);
        bases.retain(|basis| !refused || basis.rank != 'S');
        let consents = if refused {
            BTreeSet::new()
        } else {
            papers::permits(q, class)
        };
        if bases.is_empty() && consents.is_empty() {
            continue;
        }
        permit.insert(class.to_owned());
        owed_for(class, &bases, &consents, &mut core);
        let study = matches!(purpose, "audit" | "research");
        let bound = |basis: &rows::Basis| rows::BINDING.contains(&basis.row);
        if bases.iter().any(bound) && study {
            core.insert("destroy_after");
        }
        let family = ["parent", "guardian", "youth", "self", "public"];
        if ["juvenile_case_file", "case_plan"].contains(&class) && family.contains(&recipient) {
            core.insert("redact_third_party_children");
        }
    }
    if !permit.is_empty() {
        owed_for_all(q, recipient, purpose, &permit, &mut core);
    }
    Verdict { permit, core }
}

/// Section 2.9, what follows from the basis of one class.
fn owed_for(
    class: &str,
    bases: &[rows::Basis],
    consents: &BTreeSet<&'static str>,
    core: &mut BTreeSet<&'static str>,
) {
    if class.starts_with("sud_") && !consents.is_empty() {
        core.insert("attach_part2_notice");
        core.insert("attach_consent_copy");
    }
    for basis in bases {
        match basis.row {
            "EMER" | "EMEREDU" if consents.is_empty() => {
                core.insert("document_emergency");
            }
            "USA" | "USA-ON" => {
                core.insert("education_use_only");
            }
            row if rows::BINDING.contains(&row) => {
                core.insert("written_recipient_agreement");
            }
            _ => {}
        }
    }
    if class == "aggregate_deidentified" {
        core.insert("small_cell_suppression");
    }
}

/// Section 2.9, what follows from the release as a whole.
fn owed_for_all(
    q: &Value,
    recipient: &str,
    purpose: &str,
    permit: &BTreeSet<String>,
    core: &mut BTreeSet<&'static str>,
) {
    core.insert("log_disclosure");
    let cft = &q["context"]["cft"];
    if recipient == "cft_member" || (cft["member"] == true && cft["active"] == true) {
        core.insert("cft_only");
    }
    if purpose == "icwa_notice" {
        core.insert("registered_mail");
    }
    if purpose == "break_glass" {
        core.insert("document_emergency");
    }
    if recipient == "mdt_member" {
        core.insert("verify_identity");
    }
    let home = "safe_at_home_address";
    if words(&q["data_classes"]).contains(&home) && !permit.contains(home) {
        core.insert("substitute_address");
    }
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

fn engine(policy: &kinbridge::disclosure::Policy, q: &Value) -> Verdict {
    let request: Request = serde_json::from_value(q.clone()).expect("a question");
    let decision = policy.decide(&request);
    let core: BTreeSet<&str> = kinbridge::disclosure::cases::CORE
        .iter()
        .filter(|one| decision.obligations.contains(one))
        .map(|one| one.as_str())
        .collect();
    Verdict {
        permit: decision.permit.iter().map(ToString::to_string).collect(),
        core,
    }
}

#[test]
fn the_second_reading_decides_the_shipped_cases() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/policies/cases/disclosure-cases.jsonl"
    );
    let cases = std::fs::read_to_string(path).expect("the cases");
    for line in cases.lines() {
        let q: Value = serde_json::from_str(line).expect("a case");
        let expect = &q["expect"];
        let kept: BTreeSet<&str> = words(&expect["redact"]).into_iter().collect();
        let wanted: BTreeSet<String> = if expect["decision"] == "deny" {
            BTreeSet::new()
        } else {
            let asked = words(&q["data_classes"]).into_iter();
            asked
                .filter(|class| !kept.contains(class))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(verdict(&q).permit, wanted, "{}", q["id"]);
    }
}

#[test]
fn engine_and_second_reading_agree() {
    let policy = policy();
    let count: u64 = std::env::var("KINBRIDGE_TUPLES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(4_000);
    let (mut permits, mut apart, mut rows_seen) = (0_u64, 0, BTreeSet::new());
    for seed in 0..count {
        let q = asking::question(seed);
        let (plain, engine) = (verdict(&q), engine(&policy, &q));
        for class in &plain.permit {
            rows_seen.extend(rows::statutory(&q, class).iter().map(|basis| basis.row));
            rows_seen.extend(papers::permits(&q, class));
        }
        permits += u64::from(!plain.permit.is_empty());
        if plain != engine {
            apart += 1;
            println!("{q}\n  plain  {plain:?}\n  engine {engine:?}");
        }
        assert!(apart < 10, "the two readings part");
    }
    assert_eq!(apart, 0, "the two readings part");
    println!("{count} questions, {permits} with a release, by {rows_seen:?}");
    assert!(
        permits * 10 > count,
        "the generator finds releases: {permits}"
    );
    let all: BTreeSet<&str> = rows::ALL.into_iter().chain(papers::KINDS).collect();
    let never: Vec<_> = all.symmetric_difference(&rows_seen).collect();
    assert!(never.is_empty(), "every row and kind releases: {never:?}");
}
