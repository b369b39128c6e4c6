//! The shapes of the IHE PCF examples, in words of our own: basic, intermediate, advanced.

use super::*;

const TPO: [&str; 3] = ["TREAT", "HPAYMT", "HOPERAT"];

fn labels(system: &str, codes: &[&str]) -> Value {
    codes.iter().map(|code| coded(system, code)).collect()
}

type Shape = (&'static str, Value, &'static str);

/// Name, provision, and what its papers are: type, classes, roles, ids, purposes; `*` is all.
fn basic() -> Vec<Shape> {
    let tpo = || purposes(&TPO);
    vec![
        (
            "basic-treat",
            json!({"type": "permit", "purpose": tpo()}),
            "permit | * | * | - | treatment payment operations",
        ),
        (
            "basic-expired",
            json!({"type": "permit", "period": {"end": "2022-12-31"}, "purpose": tpo()}),
            "permit | * | * | - | treatment payment operations",
        ),
        (
            "basic-one-clinic",
            json!({"type": "permit", "actor": [partner("clinic")], "purpose": tpo()}),
            "permit | * | mhp | clinic | treatment payment operations",
        ),
        (
            "basic-two-organizations",
            json!({"type": "permit", "actor": [partner("clinic"), partner("program")],
                   "purpose": purposes(&["TREAT"])}),
            "permit | * | mhp ppp | clinic program | treatment",
        ),
        (
            "basic-deny",
            json!({"type": "deny"}),
            "deny | * | * | - | *",
        ),
        (
            "basic-break-glass-only",
            json!({"type": "permit", "purpose": purposes(&["BTG"])}),
            "permit | * | * | - | break_glass",
        ),
        (
            "basic-no-purpose",
            json!({"type": "permit"}),
            "permit | * | * | - | *",
        ),
        (
            "basic-not-one-clinic",
            json!({"type": "permit", "purpose": tpo(),
                   "provision": [{"type": "deny", "actor": [partner("clinic")]}]}),
            "permit | * | * | - | treatment payment operations\n\
             deny | * | mhp | clinic | treatment payment operations",
        ),
    ]
}

fn intermediate() -> Vec<Shape> {
    let tpo = || purposes(&TPO);
    let in_2026 = json!({"start": "2026-01-01", "end": "2026-12-31"});
    vec![
        (
            "intermediate-timeframe",
            json!({"type": "permit", "purpose": tpo(), "dataPeriod": in_2026}),
            "permit | * | * | - | treatment payment operations",
        ),
        (
            "intermediate-not-timeframe",
            json!({"type": "permit", "purpose": tpo(),
                   "provision": [{"type": "deny", "dataPeriod": in_2026}]}),
            "permit | * | * | - | treatment payment operations\n\
             deny | * | * | - | treatment payment operations",
        ),
        (
            "intermediate-purpose",
            json!({"type": "permit", "purpose": purposes(&["HRESCH"]),
                   "actor": [partner("program")]}),
            "permit | * | ppp | program | research",
        ),
        (
            "intermediate-deny-but-emergencies",
            json!({"type": "deny",
                   "provision": [{"type": "permit", "purpose": purposes(&["ETREAT"])}]}),
            "deny | * | * | - | *\npermit | * | * | - | medical_emergency",
        ),
    ]
}

fn advanced() -> Vec<Shape> {
    let tpo = || purposes(&TPO);
    vec![
        (
            "advanced-normal",
            json!({"type": "permit", "purpose": tpo(),
                   "securityLabel": labels(CONFIDENTIALITY, &["N"])}),
            "permit | general_health | * | - | treatment payment operations",
        ),
        (
            "advanced-normal-restricted",
            json!({"type": "permit", "purpose": tpo(),
                   "securityLabel": labels(CONFIDENTIALITY, &["N", "R"])}),
            "permit | general_health mental_health sud_part2 hiv_test reproductive_health \
             dv_information | * | - | treatment payment operations",
        ),
        (
            "advanced-normal-not-restricted",
            json!({"type": "permit", "purpose": tpo(),
                   "securityLabel": labels(CONFIDENTIALITY, &["N"]),
                   "provision": [{"type": "deny",
                                  "securityLabel": labels(CONFIDENTIALITY, &["R"])}]}),
            "permit | general_health | * | - | treatment payment operations\n\
             deny | mental_health psychotherapy_notes sud_part2 sud_counseling_notes hiv_test \
             reproductive_health gender_affirming_care dv_information dv_counselor_comm \
             sa_counselor_comm sogi | * | - | treatment payment operations",
        ),
    ]
}

fn focused() -> Vec<Shape> {
    let tpo = || purposes(&TPO);
    vec![
        (
            "advanced-normal-focused-restricted",
            json!({"type": "permit", "purpose": tpo(),
                   "securityLabel": labels(CONFIDENTIALITY, &["N"]),
                   "provision": [{"type": "permit", "actor": [partner("clinic")],
                                  "securityLabel": labels(CONFIDENTIALITY, &["R"])}]}),
            "permit | general_health | * | - | treatment payment operations\n\
             permit | mental_health sud_part2 hiv_test reproductive_health dv_information | mhp \
             | clinic | treatment payment operations",
        ),
        (
            "advanced-normal-focused-psy",
            json!({"type": "permit", "purpose": tpo(),
                   "securityLabel": labels(CONFIDENTIALITY, &["N"]),
                   "provision": [{"type": "permit", "actor": [partner("clinic")],
                                  "securityLabel": labels(ACT, &["PSY"])}]}),
            "permit | general_health | * | - | treatment payment operations\n\
             permit | mental_health | mhp | clinic | treatment payment operations",
        ),
        (
            "advanced-normal-focused-psy-or-sex",
            json!({"type": "permit", "purpose": tpo(),
                   "securityLabel": labels(CONFIDENTIALITY, &["N"]),
                   "provision": [{"type": "permit", "actor": [partner("clinic")],
                                  "securityLabel": labels(ACT, &["PSY", "SEX"])}]}),
            "permit | general_health | * | - | treatment payment operations\n\
             permit | mental_health reproductive_health | mhp | clinic \
             | treatment payment operations",
        ),
        (
            "advanced-not-substance-use",
            json!({"type": "permit", "purpose": tpo(),
                   "provision": [{"type": "deny", "securityLabel": labels(ACT, &["ETHUD"])}]}),
            "permit | * | * | - | treatment payment operations\n\
             deny | mental_health sud_part2 sud_counseling_notes | * | - \
             | treatment payment operations",
        ),
    ]
}

/// Shapes that name single records: what they say cannot be kept, and is never ignored.
fn by_record() -> Vec<(&'static str, Value)> {
    let data =
        |meaning: &str| json!([{"meaning": meaning, "reference": {"reference": "Observation/1"}}]);
    let tpo = || purposes(&TPO);
    vec![
        (
            "intermediate-data",
            json!({"type": "permit", "purpose": tpo(), "data": data("instance")}),
        ),
        (
            "intermediate-not-data",
            json!({"type": "permit", "purpose": tpo(),
                   "provision": [{"type": "deny", "data": data("instance")}]}),
        ),
        (
            "intermediate-related",
            json!({"type": "permit", "purpose": tpo(), "data": data("related")}),
        ),
        (
            "intermediate-not-authored-by",
            json!({"type": "permit", "purpose": tpo(),
                   "provision": [{"type": "deny", "data": data("authoredby")}]}),
        ),
    ]
}

/// One paper as the table writes it.
fn line(paper: &Inward) -> String {
    let list = |name: &str, all: usize| {
        let words = paper.paper[name].as_array().expect("a list");
        let words: Vec<&str> = words.iter().map(|w| w.as_str().expect("text")).collect();
        match words.len() == all {
            true => String::from("*"),
            false => words.join(" "),
        }
    };
    let ids = match paper.paper.get("recipient_ids") {
        Some(_) => list("recipient_ids", usize::MAX),
        None => String::from("-"),
    };
    // A permit that limits none names no actual protected address.
    let permits = paper.direction == Direction::Permit;
    let classes = DataClass::ALL.len() - usize::from(permits);
    assert!(!permits || !list("classes", usize::MAX).contains("safe_at_home_address"));
    format!(
        "{} | {} | {} | {ids} | {}",
        paper.direction.as_str(),
        list("classes", classes),
        list("recipients", RecipientRole::ALL.len()),
        list("purposes", Purpose::ALL.len()),
    )
}

#[test]
fn the_shapes_of_the_profile_are_read_as_they_are_meant_and_written_again() {
    // Goal: all 23 shapes have one reading: papers no wider than the document, or a refusal at the
    // place that cannot be kept. Method: each shape against its papers, written and read again.
    let representable = [basic(), intermediate(), advanced(), focused()].concat();
    let by_record = by_record();
    assert_eq!(representable.len() + by_record.len(), 23);
    for (name, provision, expected) in representable {
        let document = document(provision);
        let papers = papers(&document);
        let lines: Vec<String> = papers.iter().map(line).collect();
        assert_eq!(lines.join("\n"), expected, "{name}");
        let root = papers[0].direction;
        for paper in &papers[1..] {
            let inside = root == Direction::Deny && paper.direction == Direction::Permit;
            assert_eq!(paper.except, inside, "{name}");
        }
        comes_back(name, &papers);
    }
    for (name, provision) in by_record {
        let told = told(&document(provision));
        let refused = told
            .iter()
            .any(|(code, path)| code == "consent-not-representable" && path.ends_with(".data"));
        assert!(refused, "{name}: {told:?}");
    }
}

#[test]
fn periods_are_taken_over_by_what_is_inside() {
    // Goal: an exception lasts no longer and reaches no other data than what it stands in, unless
    // it says so. Method: a period and a data period at the root, then inside.
    let root = json!({"start": "2026-01-01", "end": "2026-12-31"});
    let own = json!({"start": "2026-03-01"});
    let provision = json!({
        "type": "deny", "period": root, "dataPeriod": root,
        "provision": [{"type": "permit"}, {"type": "permit", "period": own, "dataPeriod": own}],
    });
    let papers = papers(&document(provision));
    let of = |at: usize, name: &str| papers[at].paper[name].clone();
    assert_eq!(of(1, "end"), json!("2026-12-31"));
    assert_eq!(of(1, "data_period"), json!(["2026-01-01", "2026-12-31"]));
    assert_eq!(
        (of(2, "start"), of(2, "end")),
        (json!("2026-03-01"), json!(null))
    );
    assert_eq!(of(2, "data_period"), json!(["2026-03-01", ""]));
}
