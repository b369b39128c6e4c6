//! Goal: every decision carries a citation and the digest of its rules, whatever is asked. Method:
//! generated questions, words outside every list, empty ones, no person, no clock, and what is no
//! question; on the shipped law pack.

use crate::reference::asking::Dice;
use kinbridge::base::vocabulary::{DataClass, Purpose, RecipientRole, SourceRole};
use kinbridge::disclosure::Request;
use kinbridge::rules::Rules;
use serde_json::{Value, json};

/// One of the words, or now and then one nobody knows, or nothing.
fn word(dice: &mut Dice, words: &[&'static str]) -> Value {
    match dice.below(12) {
        0 => json!("made_up"),
        1 => Value::Null,
        _ => json!(dice.pick(words)),
    }
}

fn question(dice: &mut Dice) -> Value {
    let classes: Vec<&str> = DataClass::ALL.iter().map(|class| class.as_str()).collect();
    let sources: Vec<&str> = SourceRole::ALL.iter().map(|role| role.as_str()).collect();
    let recipients: Vec<&str> = RecipientRole::ALL
        .iter()
        .map(|role| role.as_str())
        .collect();
    let purposes: Vec<&str> = Purpose::ALL.iter().map(|word| word.as_str()).collect();
    let asked: Vec<Value> = (0..dice.below(4)).map(|_| word(dice, &classes)).collect();
    let asked: Vec<&Value> = asked.iter().filter(|word| word.is_string()).collect();
    let mut out = json!({
        "id": "q",
        "source_role": word(dice, &sources),
        "recipient_role": word(dice, &recipients),
        "purpose": word(dice, &purposes),
        "data_classes": asked,
        "subject": { "id": "s1", "role": "child", "age": dice.below(25) },
        "consents": [],
        "context": {},
    });
    match dice.below(8) {
        0 => out["subject"] = Value::Null,
        1 => out["context"]["now"] = Value::Null,
        2 => out["context"]["via_county"] = json!(false),
        3 => out["context"]["mandated_report"] = json!(true),
        4 => {
            out["consents"] = json!([{
                "id": "c1", "kind": "general_roi", "type": "permit", "grantor": "self",
                "classes": classes, "recipients": ["*"], "purposes": purposes,
                "signed": "2026-01-01", "start": "2026-01-01", "end": "2026-12-31"
            }]);
        }
        _ => {}
    }
    out
}

#[test]
fn every_decision_cites_and_names_its_rules() {
    let rules = Rules::load(&[]).expect("the shipped catalog");
    let mut dice = Dice::new(7);
    let (mut permits, mut denials) = (0, 0);
    for _ in 0..4_000 {
        let asked = question(&mut dice);
        let request: Request = serde_json::from_value(asked.clone()).expect("a question");
        for decision in [
            rules.policy.decide(&request),
            rules.policy.explain(&request),
        ] {
            assert!(!decision.citations.is_empty(), "{asked}");
            assert_eq!(&*decision.rule_set, rules.digest.as_str());
            for row in &decision.trace {
                assert!(
                    !row.citation.is_empty() && !row.reason.is_empty(),
                    "{asked}"
                );
            }
            match decision.decision.as_str() {
                "deny" => denials += 1,
                _ => permits += 1,
            }
        }
    }
    assert!(permits > 20 && denials > 20, "{permits} {denials}");
    let nothing = rules.policy.unread(None);
    assert!(!nothing.citations.is_empty() && !nothing.rule_set.is_empty());
}
