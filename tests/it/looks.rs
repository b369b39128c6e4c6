//! Goal: whoever looks at a decision is told who asked for the look, and why, in both languages.
//! Method: the pack's own rows and rows with something wrong; a question with a paper nobody can
//! read, one of facts that contradict each other and one that needs no look; records on their way.

use crate::cases::policy;
use kinbridge::disclosure::review::{FACTS_CONFLICT, MARKED_SENSITIVE, Review, ReviewAsked};
use kinbridge::disclosure::{Policy, Request};
use serde_json::{Value, json};

const OBLIGATIONS: &str = "policies/obligations.toml";

/// What is wrong with the shipped pack once this file of it says something else.
fn defects_of(path: &str, change: impl Fn(&str) -> String) -> Vec<String> {
    let (sources, _) = kinbridge::catalog::load(&[]);
    let mut changed = sources;
    let text = changed.policy_data.get_mut(path).expect("a shipped file");
    *text = change(text);
    let (_, defects) = Policy::compile(&changed);
    defects.into_iter().map(|defect| defect.message).collect()
}

#[test]
fn no_row_may_ask_for_a_look_that_nobody_can_explain() {
    let id = "id = \"refusal_unclear\"\n";
    let owed = "obligation = \"log_disclosure\"\n";
    let named = format!("id = \"log\"\n{owed}");
    for (from, to, told) in [
        (id, "", "needs an `id`"),
        (id, "id = \"\"\n", "needs an `id`"),
        (id, "id = \"moon\"\n", "no row for the review `moon`"),
        (owed, &named, "mean something for human_review only"),
    ] {
        let defects = defects_of(OBLIGATIONS, |text| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        assert!(
            defects.iter().any(|d| d.contains(told)),
            "{told}: {defects:?}"
        );
    }
    // The words of a look nobody asks for are a slip as well, and so are words said twice.
    for (more, told) in [
        ("moon", "unknown review `moon`"),
        ("coerced", "two rows for the review `coerced`"),
    ] {
        let defects = defects_of("policies/explanations.toml", |text| {
            format!("{text}\n[[review]]\nid = \"{more}\"\nen = \"a\"\nes = \"b\"\n")
        });
        assert_eq!(defects, [told]);
    }
}

#[test]
fn every_asker_of_the_pack_says_why_in_both_languages() {
    let policy = policy();
    let pack = &policy.pack().tables;
    let rows = pack.owed.iter().filter_map(|row| row.asks.clone());
    let after = pack.reviewed_after.iter().map(|row| row.id.clone());
    let beside = [FACTS_CONFLICT, MARKED_SENSITIVE].map(Into::into);
    let mut seen = 0;
    for by in rows.chain(after).chain(beside) {
        let when = Review::Before;
        let told = policy.asked_in_words(&ReviewAsked { by, when });
        let plain = told.plain.as_ref().expect("words");
        assert!(!plain.reason.is_empty() && !plain.reason_es.is_empty());
        assert_ne!(plain.reason, plain.reason_es, "{}", told.asked.by);
        seen += 1;
    }
    assert!(seen > 25, "{seen}");
}

/// Who asks for a look at what these papers would let go, in the full explanation.
fn asked(consents: Value, recipient: &str) -> Value {
    let question = json!({
        "id": "q", "source_role": "mhp", "recipient_role": recipient, "purpose": "treatment",
        "data_classes": ["mental_health"], "subject": {"id": "s1", "role": "parent", "age": 30},
        "consents": consents, "context": {},
    });
    let request: Request = serde_json::from_value(question).expect("a question");
    let plain = serde_json::to_value(policy().decide(&request)).expect("JSON");
    assert!(plain.get("reviews").is_none(), "only when asked to explain");
    let mut told = serde_json::to_value(policy().explain(&request)).expect("JSON");
    told["reviews"].take()
}

#[test]
fn an_explanation_names_the_row_that_asks() {
    let unclear = json!([{"id": "d", "type": "DENY", "signed": "2026-01-01"}]);
    let told = asked(unclear, "health_provider");
    let by = told.as_array().expect("rows").iter();
    let row = by.clone().find(|row| row["by"] == "refusal_unclear");
    let row = row.expect("the row that asks");
    assert_eq!(row["when"], "before");
    for word in ["reason", "reason_es"] {
        assert!(
            row[word].as_str().is_some_and(|text| text.len() > 20),
            "{row}"
        );
    }
    assert_eq!(row["es_machine_draft"], json!(true));
    assert_eq!(asked(json!([]), "health_provider"), json!([]));
    let agency = asked(json!([]), "federal_immigration");
    let all: Vec<&Value> = agency
        .as_array()
        .expect("rows")
        .iter()
        .map(|r| &r["by"])
        .collect();
    assert!(all.contains(&&json!("immigration_agency")), "{all:?}");
}
