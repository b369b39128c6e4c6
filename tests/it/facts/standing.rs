//! Goal: toward private persons what might close everything must be known, and lately. Method: the
//! same decision with each of the facts left out, too old or unconfirmed.

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
    // One that stands is no word that none does, also beside one that says so.
    for orders in [vec![order(true)], vec![order(true), order(false)]] {
        let facts: Vec<&Kept> = std::iter::once(&standing).chain(&orders).collect();
        let stands = decide(&facts, NOW);
        assert!(!matches!(stands, Release::Go(_)), "{stands:?}");
    }
    assert!(unknown(&decide(&[&standing, &order(true)], NOW)));
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

/// A paper of the way's holder about health, signed by one of them.
fn signed_by(way: &Way, grantor: &str, class: &str) -> crate::release::Paper {
    let text = json!({"id": "k1", "kind": "general_roi", "type": "permit", "grantor": grantor,
        "classes": [class], "recipients": ["service_org"], "purposes": ["care_coordination"],
        "signed": "2026-03-01", "start": "2026-03-01", "end": "2027-02-28", "revoked": null});
    let mut paper = crate::release::paper(1, &text.to_string());
    paper.lodger = way.holder.clone();
    paper
}

#[test]
fn a_minor_signs_for_what_was_proved_and_not_for_what_was_said_beside_it() {
    // Goal: one proved word does not carry an unproved one: what a minor consented to, and the day
    // a person turned 18, let them sign as far as somebody whose word counts has said so. Method:
    // a confirmed fact, and beside it one that is unconfirmed, or of a provider that is not heard.
    let way = super::way("mhp", "service_org", "care_coordination", "");
    let mut facts = vec![kept(
        "1",
        "holder",
        &said(
            "minor_consented",
            json!(["mental_health"]),
            ("receiver", at(NOW)),
        ),
    )];
    let goes = |class: &str, facts: &[Kept]| {
        let paper = signed_by(&way, "youth", class);
        let facts: Vec<&Kept> = facts.iter().collect();
        let release = super::decide_with(&way, class, (&[paper.held()], &facts), at(NOW));
        opens(&release, class)
    };
    assert!(goes("mental_health", &facts));
    assert!(!goes("general_health", &facts));
    let second = said(
        "minor_consented",
        json!(["general_health"]),
        ("receiver", at(NOW)),
    );
    let mut unconfirmed = second.clone();
    unconfirmed["confirmed_by"] = Value::Null;
    for (by, said) in [("holder", &unconfirmed), ("from-health_provider", &second)] {
        facts.truncate(1);
        facts.push(kept("2", by, said));
        assert!(!goes("general_health", &facts), "{by}");
    }
    facts.truncate(1);
    facts.push(kept("2", "holder", &second));
    assert!(goes("general_health", &facts));
    // The same of a day: the proved one has not come yet.
    let day = |id: &str, day: &str, by: Value| {
        let mut said = said("turned_18", json!(day), ("receiver", at(NOW)));
        said["confirmed_by"] = by;
        kept(id, "holder", &said)
    };
    let later = day("1", "2026-12-01", json!("ben"));
    let sooner = [later, day("2", "2026-09-01", Value::Null)];
    assert!(!goes("general_health", &sooner));
    let proved = [day("1", "2026-09-01", json!("ben"))];
    assert!(goes("general_health", &proved));
}

#[test]
fn what_closes_stays_closed_where_its_days_cannot_be_read() {
    // Goal: a damaged row opens nothing by dropping out. Method: what a closing fact closes, with
    // its first or its last day spoiled; then one whose other day says that it is over; and a
    // spoiled fact that opens.
    let way = super::way("mhp", "parent", "parent_access", "");
    let standing = fact("1", "standing", json!("parent_of_subject"));
    let class = "general_health";
    let shown = |facts: &[&Kept]| opens(&decide(&way, class, facts, at(NOW)), class);
    let closed = |kind: &str, value: &Value, from: &str, to: Value| {
        let mut said = said(kind, value.clone(), ("receiver", at(NOW)));
        said["from"] = from.into();
        said["to"] = to;
        !shown(&[&standing, &kept("2", "county", &said)])
    };
    for (kind, value) in [
        ("suspected_abuser", json!(true)),
        ("parental_rights", json!("terminated")),
        ("restriction_agreed", json!(true)),
        ("minor_consented", json!([class])),
    ] {
        assert!(closed(kind, &value, "2026-13-01", Value::Null), "{kind}");
        assert!(closed(kind, &value, "2026-01-01", json!("soon")), "{kind}");
        assert!(
            !closed(kind, &value, "2026-13-01", json!("2026-09-14")),
            "{kind}: over"
        );
        assert!(
            !closed(kind, &value, "2026-09-16", json!("soon")),
            "{kind}: not yet"
        );
    }
    let mut spoiled = said(
        "standing",
        json!("parent_of_subject"),
        ("receiver", at(NOW)),
    );
    spoiled["from"] = "soon".into();
    assert!(!shown(&[&kept("1", "county", &spoiled)]));
    let order = |from: &str| {
        let mut order = said("restraining_order", json!(true), ("receiver", at(NOW)));
        order["from"] = from.into();
        let order = kept("2", "county", &order);
        let flag = kinbridge::disclosure::facts::Flag::RestrainingOrder;
        match &decide(&way, class, &[&standing, &order], at(NOW)) {
            Release::Held(_, taken) | Release::Withheld(taken) => {
                taken.rows.iter().all(|row| row.facts.has(flag))
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(order("2026-01-01") && order("soon"));
}

#[test]
fn that_no_order_stands_against_one_person_clears_nobody_else() {
    // Goal: a search about one person is no search about another. Method: the same word with
    // another person named, with nobody named, and with the recipient named.
    let way = super::way("cws", "parent", "parent_access", "");
    let standing = fact("1", "standing", json!("parent_of_subject"));
    for (recipient, other, known) in [
        (
            Value::Null,
            json!({ "system": "urn:x", "value": "someone-else" }),
            false,
        ),
        (Value::Null, Value::Null, true),
        (json!("receiver"), Value::Null, true),
    ] {
        let mut none = said("restraining_order", json!(false), ("receiver", at(NOW)));
        none["recipient"] = recipient.clone();
        none["other_person"] = other.clone();
        let release = decide(
            &way,
            "case_plan",
            &[&standing, &kept("2", "county", &none)],
            at(NOW),
        );
        assert_eq!(
            unknown(&release),
            !known,
            "{recipient} {other}: {release:?}"
        );
        assert_eq!(
            matches!(release, Release::Go(_)),
            known,
            "{recipient} {other}"
        );
    }
}

#[test]
fn a_tribes_own_word_does_not_make_another_tribes_child_its_own() {
    // Goal: where the county names another tribe, the claim of this one opens nothing and a person
    // looks. Method: the tribe's own word alone, the county's for it, and its own beside the
    // county's for another, in both orders.
    let way = super::way("cws", "tribe", "case_planning", "");
    let class = "case_plan";
    let party = fact("1", "tribe_party", json!(true));
    let named = |id: &str, by: &str, tribe: &str| {
        kept(
            id,
            by,
            &said("tribe_of_child", json!(true), (tribe, at(NOW))),
        )
    };
    let own = named("2", "receiver", "receiver");
    let other = named("3", "county", "from-tribe");
    let shown = |facts: &[&Kept]| {
        let release = decide(&way, class, facts, at(NOW));
        (
            opens(&release, class),
            matches!(release, Release::Held(..)) || looked(&release),
        )
    };
    assert_eq!(shown(&[&party, &own]), (true, false));
    assert_eq!(
        shown(&[&party, &named("4", "county", "receiver")]),
        (true, false)
    );
    for facts in [[&party, &other, &own], [&own, &other, &party]] {
        assert_eq!(shown(&facts), (false, true));
    }
    assert!(!shown(&[&party, &other]).0);
}

fn looked(release: &Release) -> bool {
    matches!(release, Release::Withheld(taken) if taken.obligations.contains(&"human_review"))
}
