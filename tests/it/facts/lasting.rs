//! Goal: facts hold as long as they say and no longer; of two that contradict, the one that opens
//! less holds. Method: decisions at the instants around each end.

use super::*;
use kinbridge::disclosure::review::FACTS_CONFLICT;
use kinbridge::release::Hold;

#[test]
fn a_threat_is_imminent_for_a_day_and_a_kinds_longest_term_ends_it() {
    let way = super::way("mhp", "law_enforcement", "investigation", "");
    let threat = said("imminent_threat", json!(true), ("receiver", at(NOW)));
    let threat = kept("f", "holder", &threat);
    for (instant, open) in [
        (NOW, true),
        ("2026-09-16T11:59:59-07:00", true),
        ("2026-09-16T12:00:00-07:00", false),
        ("2026-09-15T11:59:59-07:00", false),
    ] {
        let release = decide(&way, "mental_health", &[&threat], at(instant));
        assert_eq!(opens(&release, "mental_health"), open, "{instant}");
    }
    let way = super::way("cws", "law_enforcement", "investigation", "");
    let mut part = said("actively_participating", json!(true), ("receiver", at(NOW)));
    part["from"] = "2026-09-01".into();
    part["to"] = Value::Null;
    let part = kept("f", "county", &part);
    // Ninety days from the first of September, that day included.
    for (instant, open) in [
        ("2026-11-29T23:59:59-08:00", true),
        ("2026-11-30T00:00:00-08:00", false),
    ] {
        let release = decide(&way, "juvenile_case_file", &[&part], at(instant));
        assert_eq!(opens(&release, "juvenile_case_file"), open, "{instant}");
    }
}

#[test]
fn days_are_whole_local_days() {
    let way = super::way("cws", "casa", "legal_proceeding", "");
    let mut fact = said("casa_appointed", json!(true), ("receiver", at(NOW)));
    fact["from"] = "2026-09-10".into();
    fact["to"] = "2026-09-20".into();
    let fact = kept("f", "county", &fact);
    for (instant, open) in [
        ("2026-09-09T23:59:59-07:00", false),
        ("2026-09-10T07:00:00Z", true),
        ("2026-09-21T06:59:59Z", true),
        ("2026-09-21T07:00:00Z", false),
    ] {
        let release = decide(&way, "case_plan", &[&fact], at(instant));
        assert_eq!(opens(&release, "case_plan"), open, "{instant}");
    }
}

/// Of two facts that contradict, toward that class: whether it opens, and whether a person looks.
fn of_two(way: &Way, class: &str, one: &Kept, two: &Kept) -> (bool, bool) {
    let release = decide(way, class, &[one, two], at(NOW));
    let look = match &release {
        Release::Held(hold, _) => *hold == Hold::HumanReview,
        Release::Withheld(taken) => taken.obligations.contains(&"human_review"),
        Release::Go(_) | Release::Untied(_) => false,
    };
    let asked = !release.taken().reviews.is_empty();
    assert_eq!(asked, look, "whoever asks for a look is named: {release:?}");
    (opens(&release, class), look)
}

#[test]
fn of_two_that_contradict_the_one_that_opens_less_holds_and_a_person_looks() {
    let way = super::way("cws", "law_enforcement", "investigation", "");
    let fact = |id: &str, by: &str, value: Value| {
        kept(
            id,
            by,
            &said("actively_participating", value, ("receiver", at(NOW))),
        )
    };
    let yes = fact("1", "county", json!(true));
    let no = fact("2", "from-probation", json!(false));
    let class = "juvenile_case_file";
    assert_eq!(of_two(&way, class, &yes, &yes), (true, false));
    assert_eq!(of_two(&way, class, &yes, &no), (false, true));
    let decided = decide(&way, class, &[&yes, &no], at(NOW));
    let mut asked = decided.taken().reviews.iter();
    assert!(asked.any(|one| *one.by == *FACTS_CONFLICT), "{decided:?}");
    assert_eq!(of_two(&way, class, &no, &yes), (false, true));

    let way = super::way("cws", "parent", "parent_access", "");
    let fact = |id: &str, kind: &str, value: Value| {
        kept(id, "county", &said(kind, value, ("receiver", at(NOW))))
    };
    let standing = fact("1", "standing", json!("parent_of_subject"));
    let rights = |id: &str, word: &str| fact(id, "parental_rights", json!(word));
    assert!(of_two(&way, "case_plan", &standing, &rights("2", "intact")).0);
    assert!(!of_two(&way, "case_plan", &standing, &rights("2", "terminated")).0);
    let born = fact("3", "standing", json!("biological_parent"));
    assert_eq!(of_two(&way, "case_plan", &standing, &born), (false, true));
}

#[test]
fn two_orders_of_different_kinds_reach_nothing_of_each_others() {
    let way = super::way("sud_program", "court", "legal_proceeding", "");
    let order = |id: &str, kind: &str, classes: Value| {
        kept(id, "county", &said(kind, classes, ("receiver", at(NOW))))
    };
    let part2 = order("1", "order_part2", json!(["sud_part2"]));
    let subpoena = order("2", "order_with_subpoena", json!(true));
    let plain = order("3", "order_court", json!(["sud_part2", "general_health"]));
    let shown = |facts: &[&Kept]| opens(&decide(&way, "sud_part2", facts, at(NOW)), "sud_part2");
    assert!(shown(&[&part2, &subpoena]));
    assert!(!shown(&[&plain, &subpoena]));
    assert!(!shown(&[&part2, &subpoena, &plain]));
    let nothing = order("4", "order_opens_nothing", json!("subpoena_only"));
    assert!(!shown(&[&nothing]));
    assert!(shown(&[&part2, &subpoena, &nothing]));
}

#[test]
fn a_fact_that_closes_counts_at_once_whoever_may_have_said_it() {
    // Goal: no restriction waits for a second human, a county of the jurisdiction or the holder's
    // own word; it ends when it is over. Method: what stands open, and one restriction beside it.
    let way = super::way("mhp", "parent", "parent_access", "");
    let standing = said(
        "standing",
        json!("parent_of_subject"),
        ("receiver", at(NOW)),
    );
    let standing = kept("f1", "county", &standing);
    let class = "general_health";
    let shown = |facts: &[&Kept]| opens(&decide(&way, class, facts, at(NOW)), class);
    assert!(shown(&[&standing]));
    for (kind, value) in [
        ("provider_detriment_finding", json!(true)),
        ("restriction_agreed", json!(true)),
        ("suspected_abuser", json!(true)),
        ("parental_rights", json!("terminated")),
        ("guardianship", json!("terminated")),
        ("minor_consented", json!(["general_health"])),
        ("turned_18", json!("2026-09-15")),
    ] {
        let mut fact = said(kind, value, ("receiver", at(NOW)));
        fact["confirmed_by"] = Value::Null;
        let closing = kept("f2", "elsewhere", &fact);
        assert!(!shown(&[&standing, &closing]), "{kind}");
        fact["to"] = "2026-09-14".into();
        let over = kept("f2", "elsewhere", &fact);
        assert!(shown(&[&standing, &over]), "{kind}: over");
    }
    let mut unconfirmed = said("emancipated", json!(true), ("receiver", at(NOW)));
    unconfirmed["confirmed_by"] = Value::Null;
    let unconfirmed = kept("f2", "county", &unconfirmed);
    assert!(!shown(&[&standing, &unconfirmed]), "perhaps of age in law");
}
