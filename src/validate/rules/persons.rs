//! Persons of a record: keys, identifiers, references to them, addresses that must stay
//! confidential.
//!
//! A reference is followed by key only; names are never compared.

use super::Check;
use crate::base::finding::Finding;
use crate::base::finding_codes::{
    IDENTIFIER_MISPLACED, PERSON_DISAGREES, PERSON_KEY_REPEATED, REFERENCE_DANGLING,
    SUBSTITUTE_ADDRESS_MISSING,
};
use crate::base::spelling::letters;
use crate::format::tree::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Where keys of persons stand; `*` is every item of a list.
pub const REFERENCES: &[&str] = &[
    "/envelope/subject_refs/*",
    "/envelope/focus_refs/*",
    "/persons/*/worker/organization/worker",
    "/body/partner_id",
    "/body/closing_feedback/by",
    "/body/facilitator",
    "/body/attendees/*/person",
    "/body/notices/*/person",
    "/body/action_steps/*/owner",
    "/body/confidentiality_signed/*/person",
    "/body/participants/*/person",
    "/body/billable/rendered_by/person",
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
    "/body/child",
    "/body/asked/*/person",
    "/body/active_efforts/*/by",
    "/body/conducted_by",
    "/body/items/*/caregiver",
    "/body/respondent",
    "/body/override/approver",
    "/body/statement/children/*",
    "/body/plan/monitor",
    "/body/plan/actions/*/owner",
    "/body/network_member/person",
    "/body/topics/*/person",
    "/body/partner",
    "/body/entries/*/supervisor",
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
    identifiers(check);
    misplaced(check);
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
pub(super) fn expand(
    node: &Node,
    (above, pattern): (&mut String, &str),
    show: &mut impl FnMut(&str, &Node),
) {
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

/// Members of a person that identify it by themselves.
const OWN_IDENTIFIERS: [&str; 2] = ["cin", "cws_client_id"];

/// One identifier is one person's: two entries that bear it make one person two, of whom nobody
/// can tell what holds. Entries with the same key are told as that.
fn identifiers(check: &mut Check<'_>) {
    let mut bearers: BTreeMap<(&str, &str), Option<&str>> = BTreeMap::new();
    let mut twice: Vec<(String, &Node)> = Vec::new();
    for (at, person) in check.items("/persons").iter().enumerate() {
        let key = person.text("key");
        for (name, value, node, pointer) in borne(person) {
            let first = *bearers.entry((name, value)).or_insert(key);
            if first != key {
                twice.push((format!("/persons/{at}/{pointer}"), node));
            }
        }
    }
    for (pointer, node) in twice {
        let mut told = Finding::new(&PERSON_DISAGREES)
            .at(pointer)
            .saying("another person of the record bears the same identifier".to_owned());
        told.span = Some(node.span);
        check.findings.push(told);
    }
}

/// What has a member of its own has classes of its own: among the others, however its system is
/// written, it would pass for any identifier.
fn misplaced(check: &mut Check<'_>) {
    for (at, person) in check.items("/persons").iter().enumerate() {
        let listed = person.get("identifiers").map(Node::items);
        for (entry, identifier) in listed.unwrap_or_default().iter().enumerate() {
            let system = letters(identifier.text("system").unwrap_or_default());
            if OWN_IDENTIFIERS.iter().any(|own| letters(own) == system) {
                let pointer = format!("/persons/{at}/identifiers/{entry}/system");
                check.tell(&IDENTIFIER_MISPLACED, &pointer);
            }
        }
    }
}

/// A person's identifiers: system, value, the value's node and its place in the person.
fn borne(person: &Node) -> Vec<(&str, &str, &Node, String)> {
    let own = OWN_IDENTIFIERS.iter().filter_map(|name| {
        let node = person.get(name)?;
        Some((*name, node.as_str()?.trim(), node, (*name).to_owned()))
    });
    let listed = person.get("identifiers").map(Node::items);
    let listed = listed.unwrap_or_default().iter().enumerate();
    let listed = listed.filter_map(|(at, entry)| {
        let node = entry.get("value")?;
        let pointer = format!("identifiers/{at}/value");
        Some((
            entry.text("system")?.trim(),
            node.as_str()?.trim(),
            node,
            pointer,
        ))
    });
    own.chain(listed).collect()
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
