//! Rules of a partner assignment: its course, its end, the family's choice.
//!
//! Never tells of the check for conflicts: its result stays with the program.

use super::Check;
use super::time::reversed;
use crate::base::finding_codes::{
    ASSIGNMENT_END_UNEXPLAINED, ASSIGNMENT_NOT_DECLINED, ASSIGNMENT_WITHOUT_PARTNER,
    BROKER_COMMUNITY_MISPLACED, CHOICE_NOT_ASKED, FEEDBACK_CONTRADICTED, STEPS_UNORDERED,
};
use crate::format::tree::Node;

/// The course of an assignment, each step after those before it.
const STEPS: &[&str] = &[
    "/body/requested_at",
    "/body/accepted_at",
    "/body/first_contact_at",
    "/body/end",
];

/// What nobody has who was turned away.
const TAKEN_UP: &[&str] = &["/body/accepted_at", "/body/first_contact_at", "/body/start"];

/// Roles that speak for a community.
const BROKERS: &[&str] = &["cultural_broker", "tribal_liaison"];

pub(super) fn check(check: &mut Check<'_>) {
    in_order(check, STEPS);
    in_order(check, &["/body/requested_at", "/body/start"]);
    let taken_up = TAKEN_UP.iter().any(|place| check.at(place).is_some());
    if taken_up && check.at("/body/declined_reason").is_some() {
        check.tell(&ASSIGNMENT_NOT_DECLINED, "/body/declined_reason");
    }
    if taken_up && check.at("/body/partner_id").is_none() {
        check.tell(&ASSIGNMENT_WITHOUT_PARTNER, "/body/partner_id");
    }
    match (check.at("/body/end"), check.at("/body/end_reason")) {
        (Some(_), None) => check.tell(&ASSIGNMENT_END_UNEXPLAINED, "/body/end"),
        (None, Some(_)) => check.tell(&ASSIGNMENT_END_UNEXPLAINED, "/body/end_reason"),
        _ => {}
    }
    let broker = check
        .text("/body/role")
        .is_some_and(|r| BROKERS.contains(&r));
    if !broker && check.at("/body/broker_community").is_some() {
        check.tell(&BROKER_COMMUNITY_MISPLACED, "/body/broker_community");
    }
    family(check);
}

/// What the family was asked, and what it said.
fn family(check: &mut Check<'_>) {
    let said = |place: &str| check.at(place).and_then(Node::as_bool);
    let wishes = !check.items("/body/family_choice/preference").is_empty();
    let unasked = said("/body/family_choice/asked") == Some(false);
    let silent = said("/body/closing_feedback/given") == Some(false);
    if wishes && unasked {
        check.tell(&CHOICE_NOT_ASKED, "/body/family_choice/asked");
    }
    let scale = check.at("/body/closing_feedback/scale").is_some();
    if silent && scale {
        check.tell(&FEEDBACK_CONTRADICTED, "/body/closing_feedback/scale");
    }
}

/// Tells each step that is before an earlier one.
fn in_order(check: &mut Check<'_>, steps: &[&str]) {
    let mut before = None;
    for step in steps {
        let Some(now) = check.text(step) else {
            continue;
        };
        if before.is_some_and(|before| reversed(before, now)) {
            check.tell(&STEPS_UNORDERED, step);
        }
        before = Some(now);
    }
}
