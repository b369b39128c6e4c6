//! Goal: every row of the law that needs a fact opens with it and not without. Method: a decision
//! for each row with its facts, and with each of them left out or not as it must be.

use super::*;

/// Holder, receiver, purpose, class, agreement, and the facts: kind and value.
pub type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

pub const ROWS: &[Row] = &[
    (
        "mhp",
        "law_enforcement",
        "child_abuse_report",
        "abuse_report",
        "",
        &[("mandated_report", "true")],
    ),
    (
        "cws",
        "tribe",
        "icwa_notice",
        "icwa_inquiry",
        "",
        &[("reason_to_know", "true")],
    ),
    (
        "cws",
        "bia",
        "icwa_inquiry",
        "icwa_inquiry",
        "",
        &[("reason_to_believe", "true")],
    ),
    (
        "cws",
        "court",
        "legal_proceeding",
        "delinquency",
        "",
        &[("order_court", "[\"delinquency\"]")],
    ),
    (
        "lea",
        "court",
        "legal_proceeding",
        "education_record",
        "",
        &[("order_dependency", "[\"education_record\"]")],
    ),
    (
        "sud_program",
        "court",
        "legal_proceeding",
        "sud_part2",
        "",
        &[
            ("order_part2", "[\"sud_part2\"]"),
            ("order_with_subpoena", "true"),
        ],
    ),
    (
        "health_provider",
        "court",
        "legal_proceeding",
        "dv_counselor_comm",
        "",
        &[("order_in_camera", "[\"dv_counselor_comm\"]")],
    ),
    (
        "cws",
        "public",
        "public_request",
        "juvenile_case_file",
        "",
        &[
            ("order_deceased_child", "[\"juvenile_case_file\"]"),
            ("deceased", "true"),
        ],
    ),
    (
        "cws",
        "service_org",
        "case_planning",
        "case_plan",
        "",
        &[("order_petition", "[\"case_plan\"]")],
    ),
    (
        "mhp",
        "health_provider",
        "medical_emergency",
        "sud_part2",
        "",
        &[("emergency", "true"), ("consent_unobtainable", "true")],
    ),
    (
        "lea",
        "mhp",
        "medical_emergency",
        "education_record",
        "",
        &[("emergency", "true"), ("consent_unobtainable", "true")],
    ),
    (
        "mhp",
        "law_enforcement",
        "investigation",
        "mental_health",
        "",
        &[("imminent_threat", "true")],
    ),
    (
        "mhp",
        "self",
        "self_access",
        "mental_health",
        "",
        &[("self_identity", "true")],
    ),
    (
        "cws",
        "youth",
        "self_access",
        "juvenile_case_file",
        "",
        &[("self_identity", "true")],
    ),
    (
        "cws",
        "youth_attorney",
        "legal_proceeding",
        "case_plan",
        "",
        &[("counsel_of_record", "true")],
    ),
    (
        "cws",
        "casa",
        "legal_proceeding",
        "case_plan",
        "",
        &[("casa_appointed", "true")],
    ),
    (
        "cws",
        "court",
        "legal_proceeding",
        "sdm",
        "",
        &[("court_with_jurisdiction", "true")],
    ),
    (
        "cws",
        "parent",
        "parent_access",
        "case_plan",
        "",
        &[("standing", "\"parent_of_subject\"")],
    ),
    (
        "mhp",
        "guardian",
        "parent_access",
        "general_health",
        "",
        &[("standing", "\"guardian_of_subject\"")],
    ),
    (
        "mhp",
        "cws",
        "care_coordination",
        "mental_health",
        "",
        &[("legally_responsible", "true")],
    ),
    (
        "cws",
        "mhp",
        "treatment",
        "case_plan",
        "",
        &[("treating_subject", "true")],
    ),
    (
        "cws",
        "lea",
        "education",
        "demographics",
        "",
        &[("school_of_enrollment", "true")],
    ),
    (
        "cws",
        "law_enforcement",
        "investigation",
        "juvenile_case_file",
        "",
        &[("actively_participating", "true")],
    ),
    (
        "probation",
        "law_enforcement",
        "investigation",
        "delinquency",
        "",
        &[("official_disposition", "true")],
    ),
    (
        "cws",
        "probation",
        "case_planning",
        "delinquency",
        "",
        &[("dual_status", "true")],
    ),
    (
        "probation",
        "cws",
        "placement",
        "sealed_record",
        "",
        &[("legally_responsible", "true")],
    ),
    (
        "cws",
        "tribe",
        "case_planning",
        "case_plan",
        "",
        &[("tribe_party", "true"), ("tribe_of_child", "true")],
    ),
    (
        "cws",
        "cws_other_county",
        "case_planning",
        "cans",
        "",
        &[("inter_county_transfer", "true")],
    ),
    (
        "ppp",
        "service_org",
        "case_planning",
        "cft_plan",
        "",
        &[("cft_member", "true"), ("cft_active", "true")],
    ),
    (
        "cws",
        "mdt_member",
        "investigation",
        "abuse_report",
        "",
        &[
            ("mdt_member", "true"),
            ("mdt_identity_verified", "true"),
            ("mdt_report", "\"2026-09-01\""),
        ],
    ),
    (
        "cws",
        "law_enforcement",
        "investigation",
        "reporter_identity",
        "",
        &[("cross_report", "true")],
    ),
    (
        "cws",
        "caregiver",
        "care_coordination",
        "general_health",
        "",
        &[("caregiver_current", "true")],
    ),
    (
        "lea",
        "cws",
        "education",
        "education_record",
        "",
        &[
            ("legally_responsible", "true"),
            ("county_placing_agency", "true"),
        ],
    ),
    (
        "lea",
        "cws",
        "education",
        "education_record",
        "",
        &[
            ("legally_responsible", "true"),
            ("has_case_plan_access", "true"),
        ],
    ),
    (
        "sud_program",
        "researcher",
        "research",
        "sud_part2",
        "part2_research",
        &[("irb_waiver", "true")],
    ),
    (
        "mhp",
        "researcher",
        "research",
        "mental_health",
        "dua",
        &[("irb_waiver", "true")],
    ),
    (
        "cws",
        "researcher",
        "research",
        "cans",
        "dua",
        &[("irb_waiver", "true")],
    ),
];

/// Who may say it here: the county if it may at all, else the holder.
fn asserter(way: &Way, kind: &str) -> &'static str {
    let kind = way.rules.sources.facts.kind(kind).expect("a kind");
    let county = &way.rules.partners[&PartnerId::new("county")];
    if kind.is_asserted_by(county) {
        "county"
    } else {
        "holder"
    }
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The facts of a row, each as changed.
fn facts(way: &Way, row: &Row, change: impl Fn(usize, &mut Value, &mut String)) -> Vec<Kept> {
    let each = row.5.iter().enumerate();
    each.map(|(place, (kind, text))| {
        let mut fact = said(kind, value(text), ("receiver", at(NOW)));
        let mut by = asserter(way, kind).to_owned();
        change(place, &mut fact, &mut by);
        kept(&format!("f{place}"), &by, &fact)
    })
    .collect()
}

fn opened(way: &Way, row: &Row, facts: &[Kept]) -> bool {
    let all: Vec<&Kept> = facts.iter().collect();
    opens(&decide(way, row.3, &all, at(NOW)), row.3)
}

#[test]
fn each_row_that_needs_a_fact_opens_with_it_and_not_without() {
    for row in ROWS {
        let way = super::way(row.0, row.1, row.2, row.4);
        let name = format!("{} to {} for {}: {}", row.0, row.1, row.2, row.3);
        let all = facts(&way, row, |_, _, _| {});
        assert!(opened(&way, row, &all), "{name}: opens with its facts");
        assert!(!opened(&way, row, &[]), "{name}: opens without a fact");
        for left_out in 0..all.len() {
            let mut fewer: Vec<&Kept> = all.iter().collect();
            fewer.remove(left_out);
            let release = decide(&way, row.3, &fewer, at(NOW));
            assert!(
                !opens(&release, row.3),
                "{name}: opens without fact {left_out}"
            );
        }
    }
}

#[test]
fn a_fact_that_does_not_count_opens_nothing() {
    // Goal: before its first day, after its last, of another recipient, ended, unconfirmed where
    // that is due, confirmed by who entered it, said by one who may not, or by another county, a
    // fact is as if it were not there. Method: each change on each fact of each row.
    type Change = fn(&mut Value, &mut String);
    let changes: [(&str, Change); 8] = [
        ("not begun", |fact, _| fact["from"] = "2026-09-16".into()),
        ("over", |fact, _| fact["to"] = "2026-09-14".into()),
        ("no day", |fact, _| fact["from"] = "soon".into()),
        ("not said by it", |_, by| *by = "silent".into()),
        ("nobody's", |_, by| *by = "nobody".into()),
        ("another form", |fact, _| fact["value"] = 7.into()),
        ("another kind", |fact, _| fact["kind"] = "hearsay".into()),
        ("another county's", |_, by| *by = "elsewhere".into()),
    ];
    for row in ROWS {
        let way = super::way(row.0, row.1, row.2, row.4);
        for place in 0..row.5.len() {
            let kind = way
                .rules
                .sources
                .facts
                .kind(row.5[place].0)
                .expect("a kind");
            // A fact that only closes counts whoever may have said it.
            let closes = kind.key.restricts();
            for (name, change) in &changes {
                let by_whom = ["not said by it", "nobody's", "another county's"].contains(name);
                if closes && by_whom {
                    continue;
                }
                // It goes on closing where its days cannot be read, and a person looks.
                if closes && *name == "no day" {
                    continue;
                }
                let changed = facts(&way, row, |at, fact, by| {
                    if at == place {
                        change(fact, by);
                    }
                });
                assert!(!opened(&way, row, &changed), "{}: {name}", kind.id);
            }
            let stranger = facts(&way, row, |at, fact, _| {
                if at == place {
                    fact["recipient"] = "clinic".into();
                }
            });
            let about_all = kind.about == kinbridge::catalog::facts::About::Subject;
            assert_eq!(
                opened(&way, row, &stranger),
                about_all,
                "{}: toward another",
                kind.id
            );
            let mut ended = facts(&way, row, |_, _, _| {});
            ended[place].ended_at = Some(at(NOW));
            assert!(!opened(&way, row, &ended), "{}: ended", kind.id);
        }
    }
}

#[test]
fn what_a_second_human_must_confirm_opens_nothing_before() {
    for row in ROWS {
        let way = super::way(row.0, row.1, row.2, row.4);
        for place in 0..row.5.len() {
            let kind = way
                .rules
                .sources
                .facts
                .kind(row.5[place].0)
                .expect("a kind");
            for alone in [Value::Null, json!("ana")] {
                let changed = facts(&way, row, |at, fact, _| {
                    if at == place {
                        fact["confirmed_by"] = alone.clone();
                    }
                });
                let counts = !kind.confirm || kind.key.restricts();
                assert_eq!(opened(&way, row, &changed), counts, "{}: {alone}", kind.id);
            }
        }
    }
}

#[test]
fn what_a_decision_rested_on_is_told_with_it() {
    let way = super::way("cws", "casa", "legal_proceeding", "");
    let fact = kept(
        "f1",
        "county",
        &said("casa_appointed", json!(true), ("receiver", at(NOW))),
    );
    let other = kept(
        "f2",
        "county",
        &said("counsel_of_record", json!(true), ("clinic", at(NOW))),
    );
    let release = decide(&way, "case_plan", &[&fact, &other], at(NOW));
    let taken = match &release {
        Release::Go(outgoing) => outgoing.taken(),
        Release::Held(_, taken) | Release::Withheld(taken) | Release::Untied(taken) => taken,
    };
    let seen: Vec<(&str, u32)> = taken
        .asserted
        .iter()
        .map(|f| (f.id.as_str(), f.revision))
        .collect();
    assert_eq!(
        seen,
        [("f1", 1)],
        "toward another recipient nothing was asked"
    );
}

#[test]
fn the_page_of_facts_is_the_table() {
    // Goal: docs/facts.md tells every kind as the law pack has it, and no other. Method: its rows
    // written anew from the table.
    use kinbridge::base::fact_key::FactShape;
    use kinbridge::base::paperwork::FactSource;
    use kinbridge::catalog::facts::Validity;
    let law = kinbridge::catalog::load(&[]).0.facts;
    let page = std::fs::read_to_string("docs/facts.md").expect("the page");
    let told: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let rows: Vec<String> = law
        .kinds
        .iter()
        .map(|kind| {
            let by: Vec<&str> = kind.asserters.iter().map(|role| role.as_str()).collect();
            let lasts = match kind.validity {
                Validity::Open => "until ended".to_owned(),
                Validity::Days(days) => format!("{days} days"),
                Validity::Hours(hours) => format!("{hours} hours"),
            };
            format!(
                "| `{}` | {} | {} | {} | {} | {} | {} | {} | {lasts} | {} |",
                kind.id,
                kind.plain_en,
                kind.key,
                kind.key.shape().as_str(),
                kind.about.as_str().replace('_', " "),
                by.join(", "),
                if kind.key.restricts() {
                    "closes"
                } else {
                    "opens"
                },
                if kind.confirm { "two" } else { "one" },
                kind.mark,
            )
        })
        .collect();
    assert_eq!(told, rows);
    // The closed lists of words, each once for the kind that has it.
    let told: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("- `"))
        .collect();
    let line = |name: &str, words: &[&str]| format!("- `{name}`: `{}`", words.join("`, `"));
    let lists = law.kinds.iter().filter_map(|kind| match kind.key.shape() {
        FactShape::Word(words) => Some(line(&kind.id, words)),
        _ => None,
    });
    let sources: Vec<&str> = FactSource::ALL.iter().map(|one| one.as_str()).collect();
    let lists: Vec<String> = std::iter::once(line("source", &sources))
        .chain(lists)
        .collect();
    assert_eq!(told, lists);
    // And the kinds of which a yes is one human's to say.
    let alone: Vec<&str> = law
        .kinds
        .iter()
        .filter(|kind| kind.key.only_takes())
        .map(|kind| kind.id.as_str())
        .collect();
    let (last, others) = alone.split_last().expect("kinds");
    let alone = format!("of `{}` and `{last}`, toward", others.join("`, `"));
    assert!(page.contains(&alone), "{alone}");
    let days = format!("`standing_max_age_days` ({};", law.standing_max_age_days);
    assert!(page.contains(&days), "{days}");
}
