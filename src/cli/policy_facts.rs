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

/// A kind as a row of the table, and what is said below it.
pub(super) fn line(kind: &FactKind, draft: &str) -> ([String; 5], Vec<String>) {
    let asserters: Vec<&str> = kind.asserters.iter().map(|role| role.as_str()).collect();
    let columns = [
        kind.id.to_string(),
        effect(kind).to_owned(),
        "FACT".to_owned(),
        kind.mark.to_string(),
        kind.citations.join(" "),
    ];
    let confirmed = match kind.confirm {
        true => ", confirmed by a second human",
        false => "",
    };
    let holds = format!(
        "{}; asserted by {}{confirmed}; {}; from {}; {}",
        kind.key,
        asserters.join(" "),
        validity(kind.validity),
        kind.effective,
        kind.owner,
    );
    let says = vec![
        kind.plain_en.to_string(),
        format!("{}{draft}", kind.plain_es),
        holds,
    ];
    (columns, says)
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
