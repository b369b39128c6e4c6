//! Goal: a recipient is told no reason, by nothing that goes along with what it receives. Method:
//! one record toward one recipient, kept in part by law, and by refusals of two kinds; what goes
//! beside the bytes is the same, and neither it nor the bytes hold a word of why.

use super::sender::{NARROW_REFUSAL, World, lodged};
use crate::labels::{CONTACT, record};
use crate::release::{PARTNERS, Paper, rules_with, sent, text};
use kinbridge::release::Protections;

#[test]
fn nothing_that_goes_along_says_why_something_stayed() {
    let rules = rules_with(PARTNERS);
    let contact = record("engagement-contact", CONTACT);
    let world = |papers: Vec<Paper>| World {
        rules: &rules,
        record: &contact,
        to: "county",
        papers,
        protections: Protections::default(),
    };
    let refusal = |by: &str| vec![lodged(by, "k3", 2, NARROW_REFUSAL)];
    let plain = world(Vec::new()).road();
    let plain = sent(&plain);
    let mut bodies = Vec::new();
    for by in ["program", "county", "clinic"] {
        let refused = world(refusal(by)).road();
        let refused = sent(&refused);
        assert_ne!(text(refused), text(plain), "the refusal takes nothing away");
        assert_eq!(refused.media_type(), plain.media_type());
        assert_eq!(refused.told(), plain.told());
        assert_eq!(refused.along(), plain.along());
        for told in [text(refused), refused.told().words()] {
            for row in &refused.taken().rows {
                assert!(!told.contains(&row.citation), "{}", row.citation);
                let mut policies = row.policies.iter();
                assert!(!policies.any(|id| told.contains(&**id)), "{told}");
            }
            for word in [
                "not-releasable",
                "withheld",
                "redacted",
                "refus",
                "directive",
            ] {
                assert!(!told.contains(word), "{word} in {told}");
            }
        }
        bodies.push(text(refused));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "whoever lodged it");
}
