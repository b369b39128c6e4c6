//! Decisions, timed one by one for their percentiles; printed, never asserted.
//!
//! `cargo bench --bench decide` asks about whole records with the shipped law pack and twenty papers
//! on file for each person: warm, where outcomes are remembered, and cold, by a pack that has never
//! been asked. Then it times `kinbridge decide` over a file of 100,000 questions as one process.
//! `cargo bench --bench decide -- warm`, `cold` or `lines` runs one of the three.

use kinbridge::base::vocabulary::{ClassSet, Purpose, RecipientRole, SourceRole};
use kinbridge::catalog::{self, Sources};
use kinbridge::disclosure::{Ask, Consent, Context, Policy, Subject};
use kinbridge::format::json;
use kinbridge::record::Record;
use kinbridge::record::labels::Origin;
use kinbridge::rules::Rules;
use serde_json::{Value, json};
use std::hint::black_box;
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONTACT: &str = include_str!("../fixtures/bench/engagement-contact.json");
const REFERRAL: &str = include_str!("../fixtures/bench/service-referral.json");
const CASES: &str = include_str!("../policies/cases/disclosure-cases.jsonl");
const SEED: u64 = 20_261_122;
const WARM_ROUNDS: usize = 200_000;
const COLD_ROUNDS: usize = 1_000;
const LINES: usize = 100_000;
const PAPERS: usize = 20;

fn main() {
    if std::env::args().any(|word| word == "--list" || word == "--test") {
        return;
    }
    let words = ["warm", "cold", "lines"];
    let named = |word: &str| std::env::args().any(|argument| argument == word);
    let all = !words.iter().any(|word| named(word));
    let (sources, defects) = catalog::load(&[]);
    assert!(defects.is_empty(), "the shipped catalog has no defect");
    println!("| whole record, {PAPERS} papers a person | p50 us | p99 us | longest us |");
    println!("|---|---|---|---|");
    for record_type in ["engagement-contact", "service-referral"] {
        let asked = Asked::of(record_type);
        if all || named("warm") {
            warm(&asked);
        }
        if all || named("cold") {
            cold(&asked, &sources);
        }
    }
    if all || named("lines") {
        lines();
    }
}

/// All questions about one record toward one recipient: one per person it speaks of.
struct Asked {
    record_type: &'static str,
    persons: Vec<(Subject, ClassSet)>,
    consents: Vec<Consent>,
    context: Context,
}

impl Asked {
    fn of(record_type: &'static str) -> Asked {
        let text = match record_type {
            "service-referral" => REFERRAL,
            _ => CONTACT,
        };
        let rules = Rules::load(&[]).expect("no defect");
        let record = Record {
            record_type: kinbridge::base::id::RecordType::new(record_type),
            root: json::parse(text.as_bytes()).tree.expect("it is JSON"),
        };
        let asked = rules.labels.label(&record, Origin::default()).asked();
        let subject = |at: u16| {
            let (role, age) = match at % 2 {
                0 => ("parent", 35),
                _ => ("child", 9),
            };
            read(&json!({"id": format!("p{at}"), "role": role, "age": age}))
        };
        Asked {
            record_type,
            persons: asked.iter().map(|(at, set)| (subject(*at), *set)).collect(),
            consents: (0..PAPERS).map(paper).collect(),
            context: read(&json!({"now": "2026-09-19T12:00:00-07:00",
                "recipient_id": "county", "data_date": "2026-09-17"})),
        }
    }

    fn ask(&self, policy: &Policy) -> usize {
        let rows = self.persons.iter().map(|(subject, classes)| {
            let answer = policy.ask(&Ask {
                source: SourceRole::Mhp,
                recipient: RecipientRole::Cws,
                purpose: Purpose::CareCoordination,
                classes: *classes,
                subject,
                consents: &self.consents,
                context: &self.context,
            });
            answer.rows.len()
        });
        rows.sum()
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("it is in the vocabulary")
}

/// Papers as a family that has been with the county for years has them: some in force, some spent
/// or taken back, some for others, one a refusal.
fn paper(at: usize) -> Consent {
    let kinds = [
        "general_roi",
        "hipaa_auth",
        "part2_tpo",
        "cft_roi",
        "part2_specific",
    ];
    let kind = kinds[at % kinds.len()];
    let grantor = ["self", "parent", "parent"][at % 3];
    let recipients: &[&str] = [&["cws", "mhp"][..], &["mhp"][..]][(at % 4).min(1)];
    let mut paper = json!({
        "id": format!("c{at}"), "kind": kind, "type": "permit",
        "grantor": grantor,
        "classes": ["general_health", "mental_health", "referral", "engagement_contact",
            "sud_part2"],
        "recipients": recipients,
        "purposes": ["care_coordination", "treatment"],
        "signed": "2026-03-02", "start": "2026-03-02", "end": "2027-03-01",
    });
    match at % 7 {
        2 => paper["revoked"] = json!("2026-06-01"),
        3 => paper["end"] = json!("2026-04-01"),
        4 => paper["recipient_ids"] = json!(["somebody-else"]),
        5 => paper["elements_missing"] = json!(["signature"]),
        6 => {
            paper["type"] = json!("deny");
            paper["recipients"] = json!(["lea"]);
        }
        _ => {}
    }
    read(&paper)
}

fn warm(asked: &Asked) {
    let (sources, _) = catalog::load(&[]);
    let policy = Policy::compile(&sources).0;
    assert!(asked.ask(&policy) > 0, "nothing is asked");
    let times = (0..WARM_ROUNDS).map(|_| timed(asked, &policy)).collect();
    print(asked.record_type, "warm", times);
}

fn cold(asked: &Asked, sources: &Sources) {
    let fresh = |_| timed(asked, &Policy::compile(sources).0);
    let times = (0..COLD_ROUNDS).map(fresh).collect();
    print(asked.record_type, "cold", times);
}

fn timed(asked: &Asked, policy: &Policy) -> Duration {
    let begun = Instant::now();
    black_box(asked.ask(black_box(policy)));
    begun.elapsed()
}

fn print(record_type: &str, what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| {
        let place = (share * (times.len() - 1) as f64).round() as usize;
        times[place].as_secs_f64() * 1e6
    };
    println!(
        "| {record_type}, {what} | {:.1} | {:.1} | {:.1} |",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// The shipped cases with another recipient, purpose and age in each line.
fn lines() {
    let cases: Vec<Value> = CASES
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("questions.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    let mut dice = SEED;
    let mut below = |n: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) as usize % n
    };
    for number in 0..LINES {
        let mut case = cases[number % cases.len()].clone();
        case["id"] = json!(format!("{number}"));
        case["recipient_role"] = json!(RecipientRole::ALL[below(RecipientRole::ALL.len())]);
        case["purpose"] = json!(Purpose::ALL[below(Purpose::ALL.len())]);
        case["subject"]["age"] = json!(below(60));
        writeln!(file, "{case}").expect("written");
    }
    file.flush().expect("written");
    drop(file);
    let begun = Instant::now();
    let run = Command::new(env!("CARGO_BIN_EXE_kinbridge"))
        .arg("decide")
        .arg(&path)
        .output()
        .expect("it runs");
    let took = begun.elapsed().as_secs_f64();
    let answered = run.stdout.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!((answered, run.status.success()), (LINES, true));
    println!();
    println!(
        "kinbridge decide, {LINES} questions (seed {SEED}), start included: {:.0} a second",
        LINES as f64 / took
    );
}
