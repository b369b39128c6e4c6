//! Questions made at random, leaning to what some row or paper speaks of.

use super::fitting::fit;
use super::meetings::MEETINGS;
use super::signing::consents;
use super::vocabulary::{CLASSES, PURPOSES, RECIPIENTS, SOURCES};
use serde_json::{Map, Value, json};

/// A small generator, so that a seed names its question for good.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True in so many of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// Facts that are true, false or empty.
const FACTS: [&str; 37] = [
    "mandated_report",
    "cross_report",
    "reason_to_know",
    "reason_to_believe",
    "tribe_party",
    "counsel_of_record",
    "appointed",
    "court_with_jurisdiction",
    "actively_participating",
    "official_disposition",
    "school_of_enrollment",
    "treating_subject",
    "caregiver_current",
    "dual_status",
    "inter_county_transfer",
    "legally_responsible",
    "has_case_plan_access",
    "county_placing_agency",
    "addresses_education_needs",
    "authorized_by_agency",
    "imminent_threat",
    "provider_elects_to_inform",
    "source_is_covered_entity",
    "irb_waiver",
    "program_member",
    "recipient_is_reporter_employer",
    "provider_detriment_finding",
    "suspected_abuser",
    "restriction_agreed",
    "restraining_order",
    "grantor_parent_is_abuser",
    "subject_is_worker",
    "via_county",
    "parent_is_party",
    "grant_requires_reporting",
    "self_sufficient",
    "removed",
];

const RESTRICTING_FROM: usize = 25;

/// The question of a seed.
pub fn question(seed: u64) -> Value {
    let mut dice = Dice::new(seed);
    let (source, recipient, purpose, classes) = *dice.pick_meeting();
    let mut classes: Vec<String> = classes.split(' ').map(str::to_owned).collect();
    let turn = |dice: &mut Dice, word: &str, all: &[&str], percent| {
        if dice.chance(percent) {
            dice.pick(all).to_owned()
        } else {
            word.to_owned()
        }
    };
    let source = turn(&mut dice, source, &SOURCES, 10);
    let recipient = turn(&mut dice, recipient, &RECIPIENTS, 18);
    let purpose = turn(&mut dice, purpose, &PURPOSES, 15);
    for class in &mut classes {
        *class = turn(&mut dice, class, &CLASSES, 25);
    }
    classes.dedup();
    if dice.chance(2) {
        classes.push(String::from("genome_sequence"));
    }
    let subject = subject(&mut dice, &classes);
    let consents = consents(&mut dice, &recipient, &purpose, &classes);
    let context = context(&mut dice, &recipient, &classes);
    let mut question = json!({
        "id": format!("q{seed}"),
        "source_role": source,
        "recipient_role": recipient,
        "purpose": purpose,
        "data_classes": classes,
        "subject": subject,
        "consents": consents,
        "context": context,
    });
    if dice.chance(20) && !question["subject"].is_null() {
        let (opening, closing) = FACTS.split_at(RESTRICTING_FROM);
        fit(&mut dice, &mut question, opening, closing);
    }
    question
}

impl Dice {
    fn pick_meeting(
        &mut self,
    ) -> &'static (&'static str, &'static str, &'static str, &'static str) {
        &MEETINGS[self.below(MEETINGS.len())]
    }
}

fn subject(dice: &mut Dice, classes: &[String]) -> Value {
    if dice.chance(1) {
        return Value::Null;
    }
    let mut subject = Map::new();
    subject.insert("id".into(), json!("s1"));
    let child = dice.chance(65);
    let role = match (child, dice.below(10)) {
        (true, _) => "child",
        (false, 0..7) => "parent",
        (false, 7) => "cohort",
        (false, _) => "partner_worker",
    };
    subject.insert("role".into(), json!(role));
    if dice.chance(95) {
        let age = if child {
            3 + dice.below(17)
        } else {
            20 + dice.below(40)
        };
        subject.insert("age".into(), json!(age));
    }
    for (key, percent) in [
        ("emancipated", 4),
        ("nonminor_dependent", 4),
        ("self_sufficient", 12),
        ("deceased", 6),
        ("dependent", 50),
        ("removed", 25),
    ] {
        if dice.chance(percent) {
            subject.insert(key.into(), json!(true));
        } else if key != "dependent" && dice.chance(2) {
            subject.insert(key.into(), unreadable(dice));
        }
    }
    days(dice, &mut subject);
    if child && dice.chance(25) {
        let class = &classes[dice.below(classes.len())];
        subject.insert("minor_consented".into(), json!([class]));
    }
    if dice.chance(40) {
        subject.insert("tribe_id".into(), json!("T1"));
    }
    Value::Object(subject)
}

/// What stands where a truth value belongs and is none.
fn unreadable(dice: &mut Dice) -> Value {
    match dice.below(5) {
        0 => json!("true"),
        1 => json!(1),
        2 => json!([true]),
        3 => json!({}),
        _ => Value::Null,
    }
}

/// Now and then the day somebody died or came of age: past, to come, or not to be read.
fn days(dice: &mut Dice, facts: &mut Map<String, Value>) {
    for key in ["died_on", "turned_18"] {
        if dice.chance(3) {
            let day = match dice.below(6) {
                0 => json!("2099-01-01"),
                1 => json!("soon"),
                2 => json!(20260101),
                3 => Value::Null,
                4 => json!("2026-09-15"),
                _ => json!("2026-05-01"),
            };
            facts.insert(key.into(), day);
        }
    }
}

fn context(dice: &mut Dice, recipient: &str, classes: &[String]) -> Value {
    let mut c = Map::new();
    for (at, fact) in FACTS.iter().enumerate() {
        let restricts = at >= RESTRICTING_FROM;
        let roll = dice.below(100);
        let value = match (restricts, roll) {
            (false, 0..55) | (true, 0..5) => json!(true),
            (false, 55..65) | (true, 5..15) => json!(false),
            (false, 65..68) => Value::Null,
            (false, 68..70) | (true, 15..17) => unreadable(dice),
            _ => continue,
        };
        if !(*fact == "via_county" && value == json!(false) && dice.chance(50)) {
            c.insert((*fact).into(), value);
        }
    }
    instants(dice, &mut c);
    days(dice, &mut c);
    if dice.chance(10) {
        c.insert("custody".into(), json!("joint_legal"));
    }
    if dice.chance(12) {
        c.insert("implicit_policy".into(), json!("deny"));
    }
    if dice.chance(40) {
        c.insert("recipient_id".into(), json!(dice.pick(&["org-1", "org-2"])));
    }
    if dice.chance(30) {
        let under = ["WIC5328.04", "CIV56.103", "20USC1232g(b)(1)(L)", "k0", "k1"];
        c.insert("received_under".into(), json!(dice.pick(&under)));
    }
    let kinds = [
        "county_contract",
        "part2_audit",
        "part2_research",
        "qsoa",
        "dua",
    ];
    if dice.chance(75) {
        let agreement = json!({"type": dice.pick(&kinds), "signed": dice.chance(85)});
        c.insert("agreement".into(), agreement);
    }
    if dice.chance(45) {
        c.insert("court_order".into(), order(dice, classes));
    }
    if dice.chance(7) {
        c.insert("proceeding".into(), json!("dependency_against_subject"));
    }
    if dice.chance(60) {
        let emergency = json!({
            "bona_fide": dice.chance(85),
            "consent_obtainable": dice.chance(25),
        });
        c.insert("emergency".into(), emergency);
    }
    teams(dice, recipient, &mut c);
    ties(dice, recipient, &mut c);
    if dice.chance(30) {
        let class = &classes[dice.below(classes.len())];
        c.insert("required_elements".into(), json!([class, "demographics"]));
    }
    if dice.chance(70) {
        c.insert("min_cell".into(), json!(5 + dice.below(12)));
    }
    Value::Object(c)
}

fn instants(dice: &mut Dice, c: &mut Map<String, Value>) {
    let now = [
        "2026-09-15T12:00:00-07:00",
        "2026-09-16T06:59:00Z",
        "2026-09-16T07:00:00Z",
        "2026-12-31T23:59:59-08:00",
    ];
    match dice.below(100) {
        0 => c.insert("now".into(), Value::Null),
        1..30 => c.insert("now".into(), json!(dice.pick(&now))),
        _ => None,
    };
    if dice.chance(40) {
        let date = dice.pick(&["2026-02-01", "2025-06-01"]);
        c.insert("data_date".into(), json!(date));
    }
}

fn order(dice: &mut Dice, classes: &[String]) -> Value {
    let kinds = [
        "court_order",
        "dependency_order",
        "juvenile_parent_may_authorize",
        "part2_subpart_e",
        "evid1037_2_in_camera",
        "wic827a2",
        "wic827_petition_granted",
        "subpoena_only",
        "out_of_state_subpoena",
        "administrative_warrant",
    ];
    let mut named: Vec<&String> = classes.iter().filter(|_| dice.chance(75)).collect();
    named.truncate(3);
    json!({
        "type": dice.pick(&kinds),
        "classes": named,
        "with_subpoena": dice.chance(60),
    })
}

fn teams(dice: &mut Dice, recipient: &str, c: &mut Map<String, Value>) {
    if recipient == "mdt_member" || dice.chance(20) {
        let days = match dice.below(5) {
            0 => Value::Null,
            _ => json!(dice.below(60)),
        };
        let team = json!({
            "member": dice.chance(85),
            "identity_verified": dice.chance(80),
            "days_since_report": days,
            "good_cause_documented": dice.chance(30),
        });
        c.insert("mdt".into(), team);
    }
    if recipient == "cft_member" || dice.chance(30) {
        let team = json!({"member": dice.chance(85), "active": dice.chance(75)});
        c.insert("cft".into(), team);
    }
}

fn ties(dice: &mut Dice, recipient: &str, c: &mut Map<String, Value>) {
    let asks = [
        "parent_of_subject",
        "guardian_of_subject",
        "biological_parent",
        "subject",
    ];
    if dice.chance(70) {
        let fits = match recipient {
            "self" | "youth" => "subject",
            _ => "parent_of_subject",
        };
        let asks = if dice.chance(70) {
            fits
        } else {
            dice.pick(&asks)
        };
        c.insert("requester".into(), json!(asks));
    }
    for tie in ["parental_rights", "guardianship"] {
        if dice.chance(25) {
            let state = if dice.chance(60) {
                "intact"
            } else {
                "terminated"
            };
            c.insert(tie.into(), json!(state));
        }
    }
    if dice.chance(50) {
        c.insert("recipient_tribe_id".into(), json!(dice.pick(&["T1", "T2"])));
    }
}
