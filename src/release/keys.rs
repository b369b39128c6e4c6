//! Keys of persons as they leave: ordinals of the record that goes, never what the sender wrote.
//!
//! A sender may use ids of its own as keys, and what an id tells nobody has decided upon. The new
//! keys derive from the order of the persons that go, so the same release gives the same bytes and
//! the numbering has no gap where somebody was left out.

use crate::base::Text;
use crate::format::{Node, Value};
use crate::validate::rules::REFERENCES;
use std::collections::BTreeMap;

/// Gives every person of a record the key `p1`, `p2`, ... and every reference the new key of whom
/// it names. A reference that names nobody is taken away.
pub(super) fn rename(record: &mut Node) {
    let mut keys = BTreeMap::new();
    let persons = record.get_mut("persons").and_then(Node::items_mut);
    for (at, person) in persons.into_iter().flatten().enumerate() {
        let new = format!("p{}", at + 1);
        if let Some(old) = person.text("key").map(Text::from) {
            keys.insert(old, new.clone());
            person.set("key", Node::string(new));
        }
    }
    for pattern in REFERENCES {
        refer(record, pattern, &keys);
    }
}

/// Renames what stands at a pattern; `false` when it names nobody and must go.
fn refer(node: &mut Node, pattern: &str, keys: &BTreeMap<Text, String>) -> bool {
    let Some(rest) = pattern.strip_prefix('/') else {
        // What is no text is no reference, and stays as it is.
        let Some(old) = node.as_str() else {
            return true;
        };
        let Some(new) = keys.get(old) else {
            return false;
        };
        let span = node.span;
        *node = Node::string(new.clone());
        node.span = span;
        return true;
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (step, rest) = rest.split_at(end);
    if let Value::Array(items) = &mut node.value {
        if step == "*" {
            items.retain_mut(|item| refer(item, rest, keys));
        }
        return true;
    }
    let member = node.get_mut(step);
    if member.is_some_and(|member| !refer(member, rest, keys)) {
        node.remove(step);
    }
    true
}

#[cfg(test)]
mod tests {
    //! Goal: no key of a sender leaves, and who is meant stays the same. Method: a record whose
    //! keys are the sender's own ids, one of them also the value of an identifier.
    use super::rename;
    use crate::format::{Node, json};

    fn tree(text: &str) -> Node {
        json::parse(text.as_bytes()).tree.expect("a tree")
    }

    fn text(node: &Node) -> String {
        let mut out = Vec::new();
        json::write(node, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn keys_become_ordinals_and_references_follow() {
        let mut record = tree(
            r#"{"envelope":{"subject_refs":["C-77"],"focus_refs":["C-77","p1"]},
                "persons":[{"key":"p1","identifiers":[{"system":"s","value":"C-77"}]},
                           {"key":"C-77"}],
                "body":{"participants":[{"person":"p1"},{"person":"C-77"}],
                        "next_step":{"what":"C-77","who":"C-77"}}}"#,
        );
        rename(&mut record);
        let wanted = tree(
            r#"{"envelope":{"subject_refs":["p2"],"focus_refs":["p2","p1"]},
                "persons":[{"key":"p1","identifiers":[{"system":"s","value":"C-77"}]},
                           {"key":"p2"}],
                "body":{"participants":[{"person":"p1"},{"person":"p2"}],
                        "next_step":{"what":"C-77","who":"p2"}}}"#,
        );
        assert_eq!(text(&record), text(&wanted));
        let once = text(&record);
        rename(&mut record);
        assert_eq!(text(&record), once, "done twice it changes nothing");
    }

    #[test]
    fn a_reference_to_nobody_does_not_leave() {
        let mut record = tree(
            r#"{"envelope":{"subject_refs":["A","B"]},"persons":[{"key":"A"}],
                "body":{"requester":{"name":"N","worker":"B"}}}"#,
        );
        rename(&mut record);
        assert!(!text(&record).contains('B'), "{}", text(&record));
        assert!(text(&record).contains("\"name\":\"N\""));
    }
}
