//! Goal: what its sender marks as sealed goes to nobody, what it marks as sensitive only after a
//! person has looked. Method: one contact that goes as it is, each mark put into its envelope.

use super::*;
use kinbridge::disclosure::review::{MARKED_SENSITIVE, Review, ReviewAsked};

/// The contact with more in its envelope.
fn marked(more: &str) -> Record {
    let text = CONTACT.replacen("\"case_ref\"", &format!("{more}, \"case_ref\""), 1);
    assert_ne!(text, CONTACT);
    record("engagement-contact", &text)
}

#[test]
fn a_sealed_record_stops_whole() {
    // A sealed placement of somebody in it does what a sealed record does.
    for mark in ["\"access_level\": \"R\"", "\"sealed_placement\": true"] {
        let release = decide(&marked(mark), "program", "county", &[]);
        assert!(
            matches!(release, Release::Withheld(_)),
            "{mark}: {release:?}"
        );
    }
    let open = marked("\"sealed_placement\": false, \"access_level\": \"N\"");
    let open = decide(&open, "program", "county", &[]);
    assert!(matches!(open, Release::Go(_)), "{open:?}");
}

#[test]
fn a_record_its_sender_calls_sensitive_goes_after_somebody_has_looked() {
    let sensitive = marked("\"access_level\": \"S\"");
    let release = decide(&sensitive, "program", "county", &[]);
    let Release::Held(hold, taken) = &release else {
        panic!("not held: {release:?}");
    };
    assert_eq!(*hold, Hold::HumanReview);
    assert!(taken.obligations.contains(&"human_review"));
    let asks = [ReviewAsked::beside_the_pack(
        MARKED_SENSITIVE,
        Review::Before,
    )];
    assert_eq!(taken.reviews, asks, "the look says who asked for it");
    let way = ("program", "county");
    let looked = decide_seen(rules(), &sensitive, way, (&[], now(), true));
    assert!(matches!(looked, Release::Go(_)), "{looked:?}");
    assert_eq!(
        looked.taken().reviews,
        asks,
        "and so does what goes after it"
    );
}
