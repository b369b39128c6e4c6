//! The word of a policy nobody knows: a role, a purpose, a class, a holder or a fact that is none.
//!
//! It explains why a policy was not understood, and takes nothing for what it may have meant.

use super::facts::Flag;
use super::pack::SCHEMA;
use super::spot::Wrong;
use crate::base::nearest::nearest;
use crate::base::vocabulary::{DataClass, Purpose, RecipientRole, SourceRole};
use serde_json::Value;

/// A name in the schema, what it means, and its words.
type List = (&'static str, &'static str, Vec<&'static str>);

fn lists() -> [List; 4] {
    let names = |words: &mut dyn Iterator<Item = &'static str>| words.collect();
    [
        (
            "Recipient",
            "recipient role",
            names(&mut RecipientRole::ALL.iter().map(|one| one.as_str())),
        ),
        (
            "Action",
            "purpose",
            names(&mut Purpose::ALL.iter().map(|one| one.as_str())),
        ),
        (
            "DataClass",
            "data class",
            names(&mut DataClass::ALL.iter().map(|one| one.as_str())),
        ),
        (
            "Source",
            "source role",
            names(&mut SourceRole::ALL.iter().map(|one| one.as_str())),
        ),
    ]
}

/// What is not understood in a policy in Cedar's JSON form.
pub fn explain(id: &str, policy: &Value) -> Wrong {
    odd(id, policy).unwrap_or_else(|| {
        Wrong::whole(format!(
            "policy `{id}`: its scope or a condition has a form that is not understood"
        ))
        .help("write sets as `[...].contains(principal)` and facts as `context.name`")
    })
}

/// The first word nobody knows.
fn odd(id: &str, value: &Value) -> Option<Wrong> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    if let (Some(of), Some(word)) = (text("type"), text("id")) {
        return entity(id, of, word);
    }
    let access = value.get(".").or_else(|| value.get("has"));
    let name = access.filter(|access| {
        let left = access.get("left").and_then(|left| left.get("Var"));
        left.and_then(Value::as_str) == Some("context")
    });
    if let Some(name) = name.and_then(|access| access.get("attr")?.as_str()) {
        return fact(id, name);
    }
    match value {
        Value::Object(members) => members.values().find_map(|one| odd(id, one)),
        Value::Array(items) => items.iter().find_map(|one| odd(id, one)),
        _ => None,
    }
}

fn entity(id: &str, of: &str, word: &str) -> Option<Wrong> {
    let lists = lists();
    let Some((_, what, words)) = lists.iter().find(|(name, ..)| *name == of) else {
        let names = lists.iter().map(|(name, ..)| *name);
        let meant = meant(of, names).unwrap_or_default();
        let wrong = Wrong::whole(format!("policy `{id}`: `{of}` is no type of the law pack"));
        let help = format!("{meant}a policy speaks of Recipient, Action, DataClass and Source");
        return Some(Wrong {
            near: Some(format!("{of}::")),
            ..wrong.help(help)
        });
    };
    if words.contains(&word) {
        return None;
    }
    let meant = meant(word, words.iter().copied()).unwrap_or_default();
    let wrong = Wrong::whole(format!("policy `{id}`: `{word}` is no {what}"));
    let help = format!(
        "{meant}{what} is one of {}; the list stands in {SCHEMA} at `{of}`",
        words.join(", ")
    );
    Some(Wrong {
        near: Some(format!("{of}::\"{word}\"")),
        ..wrong.help(help)
    })
}

fn fact(id: &str, name: &str) -> Option<Wrong> {
    if name == "source" || Flag::named(name).is_some() {
        return None;
    }
    let meant = meant(name, Flag::ALL.iter().map(|flag| flag.name())).unwrap_or_default();
    let wrong = Wrong::whole(format!("policy `{id}`: `{name}` is no fact of a decision"));
    let help = format!("{meant}the facts stand in {SCHEMA} at `Facts`");
    Some(Wrong {
        near: Some(name.to_owned()),
        ..wrong.help(help)
    })
}

/// The word that may be meant, as it is told.
pub fn meant<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, words).map(|near| format!("is `{near}` meant? "))
}
