//! Goal: a consent opens data only once the source of the data or the county of the record stands
//! behind it, and never on the word of who would receive. Method: one referral on the real release
//! path, the same paper lodged and confirmed by each party in turn.

use crate::release::{Paper, REFERRAL, ROI, decide, paper};
use kinbridge::base::clock::Timestamp;
use kinbridge::base::id::PartnerId;
use kinbridge::disclosure::moment::parse_day;
use kinbridge::release::Release;

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).expect("an instant")
}

fn goes(papers: &[Paper]) -> bool {
    let record = crate::labels::record("service-referral", REFERRAL);
    matches!(decide(&record, "program", "clinic", papers), Release::Go(_))
}

fn lodged_by(lodger: &str, confirmed: &[&str]) -> Paper {
    let mut paper = paper(1, ROI);
    paper.lodger = PartnerId::new(lodger);
    let earlier = at("2026-09-01T12:00:00-07:00");
    let each = confirmed.iter().map(|by| (PartnerId::new(by), earlier));
    paper.confirmed = each.collect();
    paper
}

#[test]
fn the_source_or_the_county_stands_behind_it_or_it_opens_nothing() {
    for (lodger, confirmed, opens) in [
        ("program", &[][..], true),
        ("county", &[][..], true),
        ("clinic", &[][..], false),
        ("food-bank", &[][..], false),
        ("clinic", &["clinic"][..], false),
        ("clinic", &["food-bank"][..], false),
        ("clinic", &["program"][..], true),
        ("clinic", &["county"][..], true),
        ("food-bank", &["clinic", "county"][..], true),
    ] {
        let opened = goes(&[lodged_by(lodger, confirmed)]);
        assert_eq!(
            opened, opens,
            "lodged by {lodger}, confirmed by {confirmed:?}"
        );
    }
}

#[test]
fn a_paper_that_names_who_discloses_opens_no_other_sources_data() {
    // The county stands behind it, so that only the naming decides; a refusal is not narrowed.
    for (named, opens) in [
        (r#"["food-bank"]"#, false),
        (r#"["food-bank", "program"]"#, true),
        ("null", true),
        ("{}", false),
    ] {
        let revoked = "\"revoked\": null";
        let naming = format!("{revoked}, \"discloser_ids\": {named}");
        let body = ROI.replace(revoked, &naming);
        let mut held = paper(1, &body);
        held.lodger = PartnerId::new("county");
        assert_eq!(goes(&[held]), opens, "{named}");
        let deny = body.replace("permit", "deny").replace("\"k1\"", "\"k2\"");
        assert!(!goes(&[paper(1, ROI), paper(1, &deny)]), "{named}");
    }
}

#[test]
fn another_countys_word_opens_nothing() {
    let elsewhere = REFERRAL.replace("06067", "06085");
    let record = crate::labels::record("service-referral", &elsewhere);
    let papers = [lodged_by("clinic", &["county"])];
    let release = decide(&record, "program", "clinic", &papers);
    assert!(!matches!(release, Release::Go(_)));
}

#[test]
fn a_confirmation_to_come_does_not_count_and_an_end_that_has_come_does() {
    let mut later = lodged_by("clinic", &["program"]);
    later.confirmed[0].1 = at("2026-09-16T12:00:00-07:00");
    assert!(!goes(&[later]));
    // Decided in the middle of 15 September.
    for (day, opens) in [
        ("2026-09-14", false),
        ("2026-09-15", false),
        ("2026-09-16", true),
    ] {
        let mut ended = paper(1, ROI);
        ended.ended_on = parse_day(day).map(|day| day.0);
        assert_eq!(goes(&[ended]), opens, "ended on {day}");
    }
}

#[test]
fn a_refusal_counts_whoever_lodged_it() {
    let refusal = ROI.replace("permit", "deny").replace("\"k1\"", "\"k2\"");
    let mut refusal = paper(1, &refusal);
    refusal.lodger = PartnerId::new("food-bank");
    assert!(!goes(&[paper(1, ROI), refusal]));
}

#[test]
fn what_lodging_carries_holds_at_release() {
    // One member each that ends, retires or voids a paper.
    let plain = |from: &str, to: &str| paper(1, &ROI.replace(from, to));
    assert!(!goes(&[plain(
        "\"revoked\": null",
        "\"coercion_flag\": true"
    )]));
    let mut newer = ROI.replace("\"k1\"", "\"k2\"");
    newer = newer.replace("\"revoked\": null", "\"supersedes\": [\"k1\"]");
    let mut newer_paper = paper(1, &newer.replace("treatment", "payment"));
    newer_paper.id = kinbridge::base::id::ConsentId::new("k2");
    assert!(!goes(&[paper(1, ROI), newer_paper]), "superseded");
    assert!(
        goes(&[plain("2027-02-28", "2026-09-15")]),
        "the last day, whole"
    );
    assert!(!goes(&[plain("2027-02-28", "2026-09-14")]), "the day after");
    let deny = ROI.replace("permit", "deny").replace("\"k1\"", "\"k2\"");
    let mut deny = paper(1, &deny);
    deny.id = kinbridge::base::id::ConsentId::new("k2");
    let inside = plain("\"revoked\": null", "\"exception_to\": [\"k2\"]");
    assert!(goes(&[inside, deny]), "an exception inside a refusal");
}
