//! The kinds of facts in the lists of the law: what each gives, who may assert it, how long.
//!
//! It shows the table and decides nothing.

use crate::catalog::facts::{FactKind, Validity};

/// A kind under the same names as a policy.
pub(super) fn json(kind: &FactKind) -> serde_json::Value {
    let asserters: Vec<&str> = kind.asserters.iter().map(|role| role.as_str()).collect();
    serde_json::json!({
        "id": kind.id,
        "row": "FACT",
        "rank": "fact",
        "effect": effect(kind),
        "sets": kind.key.as_str(),
        "about": kind.about.as_str(),
        "asserters": asserters,
        "confirm": kind.confirm,
        "validity": validity(kind.validity),
        "classes": [],
        "citations": kind.citations,
        "mark": kind.mark,
        "effective": kind.effective,
        "sunset": "",
        "owner": kind.owner,
        "plain_en": kind.plain_en,
        "plain_es": kind.plain_es,
        "es_machine_draft": kind.es_machine_draft,
    })
}

/// A kind in lines.
pub(super) fn line(kind: &FactKind, draft: &str) -> String {
    let asserters: Vec<&str> = kind.asserters.iter().map(|role| role.as_str()).collect();
    format!(
        "{} [{} FACT {}] {}\n    {}\n    {}{draft}\n    {}; asserted by {}{}; {}; from {}; {}",
        kind.id,
        effect(kind),
        kind.mark,
        kind.citations.join(" "),
        kind.plain_en,
        kind.plain_es,
        kind.key,
        asserters.join(" "),
        if kind.confirm {
            ", confirmed by a second human"
        } else {
            ""
        },
        validity(kind.validity),
        kind.effective,
        kind.owner,
    )
}

const fn effect(kind: &FactKind) -> &'static str {
    if kind.key.restricts() {
        "restricts"
    } else {
        "opens"
    }
}

fn validity(validity: Validity) -> String {
    match validity {
        Validity::Open => "until ended".to_owned(),
        Validity::Days(days) => format!("{days} days at most"),
        Validity::Hours(hours) => format!("{hours} hours at most"),
    }
}
