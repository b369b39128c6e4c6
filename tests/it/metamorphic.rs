//! Goal: laws that need no oracle hold. Method: change a generated question in a way whose effect
//! is known, and compare the two answers.

use crate::cases::policy;
use crate::reference::{asking, rows};
use kinbridge::base::fact_key::FactKey;
use kinbridge::disclosure::{Decision, Policy, Request};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

static POLICY: LazyLock<Policy> = LazyLock::new(policy);

fn decide(q: &Value) -> Decision {
    let request: Request = serde_json::from_value(q.clone()).expect("a question");
    POLICY.decide(&request)
}

fn permits(q: &Value) -> BTreeSet<String> {
    decide(q).permit.iter().map(ToString::to_string).collect()
}

/// The parts of an answer that do not depend on the order of the question.
fn sets(q: &Value) -> (BTreeSet<String>, BTreeSet<&'static str>, BTreeSet<String>) {
    let decision = decide(q);
    let obligations = decision.obligations.iter().map(|one| one.as_str());
    (
        decision.permit.iter().map(ToString::to_string).collect(),
        obligations.collect(),
        decision.citations.iter().map(ToString::to_string).collect(),
    )
}

/// Puts a law to generated questions; `KINBRIDGE_TUPLES` makes it long.
fn law(check: impl Fn(u64, &Value) -> Result<(), TestCaseError>) {
    let cases = std::env::var("KINBRIDGE_TUPLES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(300);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome =
        TestRunner::new(config).run(&any::<u64>(), |seed| check(seed, &asking::question(seed)));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn papers(q: &mut Value) -> &mut Vec<Value> {
    q["consents"].as_array_mut().expect("consents")
}

#[test]
fn a_further_refusal_never_releases_more() {
    law(|seed, q| {
        let mut more = q.clone();
        let other = asking::question(seed.wrapping_add(1));
        let Some(mut refusal) = other["consents"].get(0).cloned() else {
            return Ok(());
        };
        refusal["type"] = json!("deny");
        refusal["id"] = json!("k9");
        refusal["recipients"] = json!(["*"]);
        refusal["purposes"] = json!([q["purpose"]]);
        refusal["classes"] = q["data_classes"].clone();
        if let Some(paper) = refusal.as_object_mut() {
            paper.remove("supersedes");
        }
        papers(&mut more).push(refusal);
        prop_assert!(permits(&more).is_subset(&permits(q)), "{more}");
        Ok(())
    });
}

#[test]
fn a_permit_revoked_expired_or_removed_never_releases_more() {
    law(|seed, q| {
        let count = q["consents"].as_array().map_or(0, Vec::len);
        if count == 0 {
            return Ok(());
        }
        let at = (seed % count as u64) as usize;
        if q["consents"][at]["type"] != "permit" {
            return Ok(());
        }
        let before = permits(q);
        let mut revoked = q.clone();
        revoked["consents"][at]["revoked"] = json!("2026-01-02");
        prop_assert!(permits(&revoked).is_subset(&before), "revoked: {revoked}");
        let mut expired = q.clone();
        expired["consents"][at]["end"] = json!("2026-07-02");
        prop_assert!(permits(&expired).is_subset(&before), "expired: {expired}");
        let id = q["consents"][at]["id"].clone();
        let shared = q["consents"]
            .as_array()
            .is_some_and(|all| all.iter().filter(|paper| paper["id"] == id).count() > 1);
        let retires = !q["consents"][at]["supersedes"].is_null();
        if !shared && !retires {
            let mut removed = q.clone();
            papers(&mut removed).remove(at);
            prop_assert!(permits(&removed).is_subset(&before), "removed: {removed}");
        }
        Ok(())
    });
}

#[test]
fn a_paper_that_does_not_say_that_it_permits_never_releases_more() {
    law(|seed, q| {
        let count = q["consents"].as_array().map_or(0, Vec::len);
        if count == 0 {
            return Ok(());
        }
        let at = (seed % count as u64) as usize;
        let before = permits(q);
        let unsaid = [json!("DENY"), json!(""), json!(null), json!(true)];
        let mut vague = q.clone();
        vague["consents"][at]["type"] = unsaid[(seed >> 9) as usize % unsaid.len()].clone();
        prop_assert!(permits(&vague).is_subset(&before), "no such word: {vague}");
        if let Some(paper) = vague["consents"][at].as_object_mut() {
            paper.remove("type");
        }
        prop_assert!(permits(&vague).is_subset(&before), "left out: {vague}");
        // What it may close is what the same paper closes as a refusal.
        let mut refused = vague.clone();
        refused["consents"][at]["type"] = json!("deny");
        if refused["consents"][at]["supersedes"].is_null() {
            prop_assert_eq!(
                permits(&vague),
                permits(&refused),
                "as a refusal: {}",
                vague
            );
        }
        Ok(())
    });
}

#[test]
fn order_and_repetition_change_nothing() {
    law(|_, q| {
        let mut turned = q.clone();
        papers(&mut turned).reverse();
        turned["data_classes"]
            .as_array_mut()
            .expect("classes")
            .reverse();
        prop_assert_eq!(sets(q), sets(&turned), "turned: {}", turned);
        let mut twice = q.clone();
        let Some(first) = papers(&mut twice).first().cloned() else {
            return Ok(());
        };
        papers(&mut twice).push(first);
        prop_assert_eq!(sets(q), sets(&twice), "twice: {}", twice);
        Ok(())
    });
}

#[test]
fn each_class_is_decided_by_itself() {
    law(|_, q| {
        let mut union = BTreeSet::new();
        for class in q["data_classes"].as_array().expect("classes") {
            let mut alone = q.clone();
            alone["data_classes"] = json!([class]);
            union.extend(permits(&alone));
        }
        prop_assert_eq!(permits(q), union, "{}", q);
        let mut with = q.clone();
        with["data_classes"]
            .as_array_mut()
            .expect("classes")
            .push(json!("shoe_size"));
        prop_assert_eq!(permits(q), permits(&with), "{}", with);
        Ok(())
    });
}

#[test]
fn a_recipient_id_no_paper_speaks_of_changes_nothing() {
    law(|_, q| {
        let limited = q["consents"]
            .as_array()
            .is_some_and(|all| all.iter().any(|paper| !paper["recipient_ids"].is_null()));
        if limited {
            return Ok(());
        }
        let mut other = q.clone();
        other["context"]["recipient_id"] = json!("org-77");
        prop_assert_eq!(sets(q), sets(&other), "{}", other);
        Ok(())
    });
}

#[test]
fn no_refusal_reaches_a_mandate() {
    law(|_, q| {
        let mut refused = q.clone();
        papers(&mut refused).push(json!({
            "id": "k9", "kind": "privacy_directive", "type": "deny", "grantor": "self",
            "classes": q["data_classes"], "recipients": ["*"], "purposes": [q["purpose"]],
            "signed": "2026-01-01", "start": null, "end": null, "revoked": null,
        }));
        let after = permits(&refused);
        for class in permits(q) {
            let mandated = rows::statutory(q, &class)
                .iter()
                .any(|basis| matches!(basis.rank, 'D' | 'E' | 'R'));
            prop_assert!(!mandated || after.contains(&class), "{class}: {refused}");
        }
        Ok(())
    });
}

/// Facts that only restrict, or by whose absence more is known.
const RESTRICT: [&str; 18] = [
    "died_on",
    "turned_18",
    "restraining_order",
    "provider_detriment_finding",
    "restriction_agreed",
    "suspected_abuser",
    "grantor_parent_is_abuser",
    "subject_is_worker",
    "recipient_is_reporter_employer",
    "via_county",
    "proceeding",
    "implicit_policy",
    "required_elements",
    "parental_rights",
    "guardianship",
    "received_under",
    "now",
    "",
];

#[test]
fn a_fact_taken_away_never_opens_a_class() {
    law(|seed, q| {
        let context = q["context"].as_object().expect("a context");
        if context.is_empty() {
            return Ok(());
        }
        let at = (seed >> 7) as usize % context.len();
        let Some(fact) = context.keys().nth(at).cloned() else {
            return Ok(());
        };
        if RESTRICT.contains(&fact.as_str()) {
            return Ok(());
        }
        let mut less = q.clone();
        less["context"]
            .as_object_mut()
            .expect("a context")
            .remove(&fact);
        prop_assert!(permits(&less).is_subset(&permits(q)), "{fact}: {q}");
        Ok(())
    });
}

#[test]
fn a_yes_of_what_only_takes_opens_no_class() {
    // What one human changes alone: whatever was said before, or nothing.
    let takes: Vec<&str> = FactKey::ALL
        .iter()
        .filter(|key| key.only_takes())
        .map(|key| key.as_str())
        .collect();
    assert_eq!(takes.len(), 8);
    law(|seed, q| {
        let (holder, member) = takes[(seed >> 5) as usize % takes.len()]
            .split_once('.')
            .expect("a member");
        let mut more = q.clone();
        more[holder][member] = match member {
            "proceeding" => json!("proceeding"),
            _ => json!(true),
        };
        prop_assert!(permits(&more).is_subset(&permits(q)), "{member}: {q}");
        Ok(())
    });
}

#[test]
fn memory_changes_no_answer() {
    // Method: a policy that remembers thousands of answers against one that has just begun.
    for seed in 0..2_000 {
        decide(&asking::question(seed));
    }
    let fresh = policy();
    for seed in (0..400).rev() {
        let q = asking::question(seed);
        let request: Request = serde_json::from_value(q.clone()).expect("a question");
        let told = |decision: &Decision| serde_json::to_string(decision).expect("JSON");
        assert_eq!(
            told(&POLICY.decide(&request)),
            told(&fresh.decide(&request)),
            "{q}"
        );
    }
}
