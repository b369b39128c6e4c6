//! Toward private persons what might close everything must be known, and lately.

use super::*;

fn fact(id: &str, kind: &str, value: Value) -> Kept {
    kept(id, "county", &said(kind, value, ("receiver", at(NOW))))
}

fn unknown(release: &Release) -> bool {
    matches!(release, Release::Withheld(taken) if taken.standing_unknown)
}

#[test]
fn a_parent_is_given_nothing_unless_standing_and_no_order_are_known_lately() {
    let way = super::way("cws", "parent", "parent_access", "");
    let standing = fact("1", "standing", json!("parent_of_subject"));
    let order = |value: bool| fact("2", "restraining_order", json!(value));
    let decide = |facts: &[&Kept], now: &str| decide(&way, "case_plan", facts, at(now));
    assert!(unknown(&decide(&[&standing], NOW)), "no order is not known");
    let both = [&standing, &order(false)];
    assert!(
        matches!(decide(&both, NOW), Release::Go(_)),
        "{:?}",
        decide(&both, NOW)
    );
    assert!(matches!(
        decide(&both, "2026-10-15T23:59:59-07:00"),
        Release::Go(_)
    ));
    assert!(
        unknown(&decide(&both, "2026-10-16T00:00:00-07:00")),
        "a day older than thirty"
    );
    // One that stands is known; what it leaves open goes.
    let stands = decide(&[&standing, &order(true)], NOW);
    assert!(matches!(stands, Release::Go(_)), "{stands:?}");
    let address = super::decide(&way, "contact_address", &[&standing, &order(true)], at(NOW));
    assert!(!opens(&address, "contact_address"));
    let mut alone = said("restraining_order", json!(false), ("receiver", at(NOW)));
    alone["confirmed_by"] = Value::Null;
    let alone = kept("2", "county", &alone);
    assert!(
        unknown(&decide(&[&standing, &alone], NOW)),
        "nobody confirmed it"
    );
    let elsewhere = said("restraining_order", json!(false), ("receiver", at(NOW)));
    let elsewhere = kept("2", "elsewhere", &elsewhere);
    assert!(
        unknown(&decide(&[&standing, &elsewhere], NOW)),
        "another county's word"
    );
}

#[test]
fn a_county_may_ask_for_a_fresher_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let policies = folder.path().join("policies");
    std::fs::create_dir(&policies).expect("a folder");
    let file = policies.join("facts-county.toml");
    std::fs::write(file, "standing_max_age_days = 7\n").expect("written");
    let shorter = kinbridge::catalog::load(&[folder.path().to_owned()])
        .0
        .facts;
    let way = super::way("cws", "parent", "parent_access", "");
    let facts = [
        fact("1", "standing", json!("parent_of_subject")),
        fact("2", "restraining_order", json!(false)),
    ];
    let all: Vec<&Kept> = facts.iter().collect();
    let later = at("2026-09-23T12:00:00-07:00");
    assert!(matches!(
        decide(&way, "case_plan", &all, later),
        Release::Go(_)
    ));
    let mut sources = (*way.rules.sources).clone();
    sources.facts = shorter;
    let shorter = Way {
        rules: Box::leak(Box::new(Rules::from_sources(sources).0)),
        ..way
    };
    assert!(unknown(&decide(&shorter, "case_plan", &all, later)));
}

#[test]
fn an_order_against_whomever_counts_for_every_private_person_and_no_agency() {
    for (receiver, purpose, relation) in [
        ("parent", "parent_access", "parent_of_subject"),
        ("caregiver", "care_coordination", "caregiver_of_subject"),
    ] {
        let way = super::way("cws", receiver, purpose, "");
        let standing = fact("1", "standing", json!(relation));
        let mut order = said("restraining_order", json!(true), ("receiver", at(NOW)));
        for (named, counts) in [
            (json!("receiver"), true),
            (Value::Null, true),
            (json!("x"), false),
        ] {
            order["recipient"] = named.clone();
            let order = kept("2", "county", &order);
            let release = decide(&way, "contact_address", &[&standing, &order], at(NOW));
            let Release::Withheld(taken) = &release else {
                panic!("not withheld: {release:?}");
            };
            let flagged = taken.rows.iter().any(|row| {
                row.facts
                    .has(kinbridge::disclosure::facts::Flag::RestrainingOrder)
            });
            assert_eq!(flagged, counts, "{receiver}: {named}");
        }
    }
    let way = super::way("cws", "law_enforcement", "investigation", "");
    let part = fact("1", "actively_participating", json!(true));
    let mut order = said("restraining_order", json!(true), ("receiver", at(NOW)));
    order["recipient"] = Value::Null;
    let order = kept("2", "county", &order);
    let release = decide(&way, "contact_address", &[&part, &order], at(NOW));
    assert!(
        opens(&release, "contact_address"),
        "the police are nobody's abuser"
    );
}

#[test]
fn a_tie_that_ended_signs_nothing_toward_anybody() {
    // Goal: whose parental rights ended signs for nobody, whichever recipient the county named.
    // Method: a referral's consent is not needed here: the subject's own release road is asked
    // with a parent's permission lodged by the holder.
    use crate::release::paper;
    let way = super::way("mhp", "service_org", "care_coordination", "");
    let text = r#"{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "parent",
      "classes": ["mental_health"], "recipients": ["service_org"],
      "purposes": ["care_coordination"], "signed": "2026-03-01", "start": "2026-03-01",
      "end": "2027-02-28", "revoked": null}"#;
    let mut paper = paper(1, text);
    paper.lodger = way.holder.clone();
    let asked = |facts: &[&Kept]| {
        let release = super::decide_with(&way, "mental_health", (&[paper.held()], facts), at(NOW));
        opens(&release, "mental_health")
    };
    assert!(asked(&[]));
    let mut ended = said(
        "parental_rights",
        json!("terminated"),
        ("somebody-else", at(NOW)),
    );
    ended["confirmed_by"] = Value::Null;
    assert!(!asked(&[&kept("f", "county", &ended)]));
}
