//! Goal: a paper of which nobody can say whether it refuses, or what, closes what it may close, and
//! a person looks before anything else goes. Method: one question that law alone answers with a
//! permit, and the same with papers whose `type`, words or ids are not understood; the answer, what
//! is owed and when, and how the paper is explained.

use crate::cases::policy;
use kinbridge::base::vocabulary::{Effect, Obligation};
use kinbridge::disclosure::{Decision, Policy, Request};
use serde_json::{Value, json};
use std::sync::LazyLock;

static POLICY: LazyLock<Policy> = LazyLock::new(policy);

/// Two classes that go between those who treat, and a paper beside them.
fn decide(paper: &Value) -> Decision {
    let question = json!({
        "id": "q", "source_role": "mhp", "recipient_role": "health_provider",
        "purpose": "treatment", "data_classes": ["mental_health", "general_health"],
        "subject": {"id": "s1", "role": "parent", "age": 30}, "consents": [paper], "context": {},
    });
    let request: Request = serde_json::from_value(question).expect("a question");
    POLICY.explain(&request)
}

fn reviewed(decision: &Decision) -> bool {
    decision.obligations.contains(&Obligation::HumanReview)
}

#[test]
fn without_a_known_type_it_refuses_everything_it_may() {
    let types = [json!("DENY"), json!("Permit"), json!(null), json!(7)];
    for told in types {
        let paper = json!({"id": "d", "kind": "privacy_directive", "type": told,
            "signed": "2026-01-01"});
        let decision = decide(&paper);
        assert_eq!(decision.decision, Effect::Deny, "{told}");
        assert!(reviewed(&decision), "{told}");
        let row = &decision.consents.as_ref().expect("papers")[0];
        assert!(row.counts, "{told}");
        assert!(row.en.contains("holds as a refusal"), "{}", row.en);
    }
    let left_out = json!({"id": "d", "kind": "general_roi", "grantor": "self"});
    assert_eq!(decide(&left_out).decision, Effect::Deny);
}

#[test]
fn what_is_read_of_it_limits_it_and_a_person_looks_at_the_rest() {
    let paper = |more: Value| {
        let mut paper = json!({"id": "d", "type": "refuse", "grantor": "self",
            "signed": "2026-01-01"});
        let all = paper.as_object_mut().expect("a paper");
        all.extend(more.as_object().cloned().expect("members"));
        paper
    };
    let one = decide(&paper(json!({"classes": ["mental_health"]})));
    assert_eq!(one.decision, Effect::PermitWithRedaction);
    assert_eq!(one.redact, ["mental_health"]);
    assert!(reviewed(&one), "before the rest goes");
    let other = decide(&paper(json!({"recipients": ["cws"]})));
    assert_eq!(other.decision, Effect::Permit);
    assert!(reviewed(&other));
    // Over by its own dates, revoked or about somebody else: it is not in force whatever it says.
    for over in [
        json!({"end": "2026-02-01"}),
        json!({"revoked": "2026-02-01"}),
        json!({"subject_id": "s2"}),
    ] {
        let decision = decide(&paper(over.clone()));
        assert_eq!(decision.decision, Effect::Permit, "{over}");
        assert!(!reviewed(&decision), "{over}");
    }
}

#[test]
fn a_refusal_of_words_nobody_knows_is_not_limited_by_them() {
    let refusal = |key: &str, value: Value| {
        let mut paper = json!({"id": "d", "kind": "privacy_directive", "type": "deny",
            "grantor": "self", "signed": "2026-01-01"});
        paper[key] = value;
        paper
    };
    for (key, value) in [
        ("classes", json!(["mental_helth"])),
        ("classes", json!({})),
        ("recipients", json!(["hospital"])),
        ("purposes", json!(5)),
        ("recipient_ids", json!([{}])),
        ("subject_id", json!({"id": "s1"})),
    ] {
        let decision = decide(&refusal(key, value.clone()));
        assert_eq!(decision.decision, Effect::Deny, "{key}: {value}");
        assert!(reviewed(&decision), "{key}: {value}");
    }
    let partly = decide(&refusal("classes", json!(["mental_health", "helth"])));
    assert_eq!(partly.redact, ["mental_health"]);
    assert!(reviewed(&partly), "the other word may mean the other class");
}
