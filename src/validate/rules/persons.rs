//! Persons of a record: keys, references to them, addresses that must stay confidential.
//!
//! A reference is followed by key only; names are never compared.

use super::Check;
use crate::base::finding_codes::{
    PERSON_KEY_REPEATED, REFERENCE_DANGLING, SUBSTITUTE_ADDRESS_MISSING,
};
use crate::format::tree::Node;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Where keys of persons stand; `*` is every item of a list.
pub const REFERENCES: &[&str] = &[
    "/envelope/subject_refs/*",
    "/envelope/focus_refs/*",
    "/persons/*/worker/organization/worker",
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
        let mut dangling = Vec::new();
        let known = |node: &Node| node.as_str().is_none_or(|key| keys.contains(key));
        expand(
            check.record,
            (&mut String::new(), pattern),
            &mut |at, node| {
                if !known(node) {
                    dangling.push(at.to_owned());
                }
            },
        );
        for pointer in dangling {
            check.tell(&REFERENCE_DANGLING, &pointer);
        }
    }
}

/// Shows every place a pattern leads to, with its pointer.
fn expand(node: &Node, (above, pattern): (&mut String, &str), show: &mut impl FnMut(&str, &Node)) {
    let Some(rest) = pattern.strip_prefix('/') else {
        return show(above, node);
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (step, rest) = rest.split_at(end);
    let length = above.len();
    if step == "*" {
        for (at, item) in node.items().iter().enumerate() {
            // Writing to text cannot fail.
            let _ = write!(above, "/{at}");
            expand(item, (above, rest), show);
            above.truncate(length);
        }
    } else if let Some(member) = node.get(step) {
        above.push('/');
        above.push_str(step);
        expand(member, (above, rest), show);
        above.truncate(length);
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
