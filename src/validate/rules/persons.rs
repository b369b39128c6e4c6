//! Persons of a record: keys, references to them, addresses that must stay confidential.
//!
//! A reference is followed by key only; names are never compared.

use super::Check;
use crate::base::finding_codes::{
    PERSON_KEY_REPEATED, REFERENCE_DANGLING, SUBSTITUTE_ADDRESS_MISSING,
};
use crate::format::tree::Node;
use std::collections::BTreeSet;

/// Where keys of persons stand; `*` is every item of a list.
const REFERENCES: &[&str] = &[
    "/envelope/subject_refs/*",
    "/envelope/focus_refs/*",
    "/body/participants/*/person",
    "/body/on_behalf_of",
    "/body/disclosures/*/person",
    "/body/next_step/who",
    "/body/relationships/*/person",
    "/body/relationships/*/related_to",
    "/body/rights/*/person",
    "/body/rights/*/child",
    "/body/placement/*/person",
    "/body/requester/worker",
    "/body/recipient/worker",
    "/body/status_history/*/by/worker",
];

pub(super) fn check(check: &mut Check<'_>) {
    let mut keys = BTreeSet::new();
    for (at, person) in check.items("/persons").iter().enumerate() {
        if let Some(key) = person.text("key")
            && !keys.insert(key)
        {
            check.tell(&PERSON_KEY_REPEATED, &format!("/persons/{at}/key"));
        }
        addresses(check, person, at);
    }
    for pattern in REFERENCES {
        let mut found = Vec::new();
        expand(check.record, "", pattern, &mut found);
        for (pointer, node) in found {
            if node.as_str().is_some_and(|key| !keys.contains(key)) {
                check.tell(&REFERENCE_DANGLING, &pointer);
            }
        }
    }
}

/// Every place a pattern leads to.
fn expand<'r>(node: &'r Node, above: &str, pattern: &str, found: &mut Vec<(String, &'r Node)>) {
    let Some(rest) = pattern.strip_prefix('/') else {
        found.push((above.to_owned(), node));
        return;
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (step, rest) = rest.split_at(end);
    if step == "*" {
        for (at, item) in node.items().iter().enumerate() {
            expand(item, &format!("{above}/{at}"), rest, found);
        }
    } else if let Some(member) = node.get(step) {
        expand(member, &format!("{above}/{step}"), rest, found);
    }
}

fn addresses(check: &mut Check<'_>, person: &Node, at: usize) {
    let addresses = person.get("addresses").map(Node::items).unwrap_or_default();
    let of_kind = |kind: &str| addresses.iter().position(|a| a.text("kind") == Some(kind));
    let actual = of_kind("safe_at_home_actual");
    if let (Some(actual), None) = (actual, of_kind("safe_at_home_substitute")) {
        let pointer = format!("/persons/{at}/addresses/{actual}");
        check.tell(&SUBSTITUTE_ADDRESS_MISSING, &pointer);
    }
}
