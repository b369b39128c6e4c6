//! Goal: every shipped mapping keeps the law. Method: each good record among the fixtures goes
//! out and in through every format; so do records with members taken away at random.

use super::law::Bench;
use kinbridge::base::finding::Finding;
use kinbridge::base::id::FormatId;
use kinbridge::format::Node;
use kinbridge::record::Record;
use std::path::Path;

pub const FORMATS: &[&str] = &[
    "fhir-r4/4.0",
    "county-niem/1.0",
    "provider-csv/1.0",
    "hl7v2/2.5.1",
];

/// Good records among the canonical fixtures, with an id as the commit gives one.
pub fn records(bench: &Bench) -> Vec<(String, Record)> {
    let mut out = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kinbridge-json");
    for folder in std::fs::read_dir(root).expect("fixtures").flatten() {
        for case in std::fs::read_dir(folder.path()).expect("cases").flatten() {
            let name = case.file_name().to_string_lossy().into_owned();
            let path = case.path().join("input.json");
            if name.starts_with("bad") || name.contains("one-bad") || !path.exists() {
                continue;
            }
            let bytes = std::fs::read(&path).expect("readable");
            for (record, _) in bench.read("kinbridge-json/1.0", &bytes) {
                out.push((name.clone(), with_id(record)));
            }
        }
    }
    assert!(out.len() > 8, "too few fixtures");
    out
}

/// Whether the format has a home for records of that type.
fn has(bench: &Bench, format: &str, record: &Record) -> bool {
    let types = bench.types(&FormatId::new(format));
    types.contains(&record.record_type)
}

pub fn with_id(mut record: Record) -> Record {
    let id = Node::string("rec_0123456789abcdef0123456789abcdef");
    if let Some(envelope) = record.root.get_mut("envelope") {
        envelope.set("record_id", id);
    }
    record
}

#[test]
fn fixtures_keep_the_law() {
    let bench = Bench::new(&[]);
    for (name, record) in records(&bench) {
        for format in FORMATS.iter().filter(|it| has(&bench, it, &record)) {
            bench.hold(format, &record, &name);
        }
    }
}

#[test]
fn good_inputs_are_read_without_errors_and_keep_the_law() {
    // Goal: what partners send is read, and what was read keeps the law of the same format.
    // Method: every good fixture of every format; the first record goes out and in again.
    let bench = Bench::new(&[]);
    for format in FORMATS {
        let folder = format.split('/').next().expect("a name");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(folder);
        for kind in std::fs::read_dir(root).expect("fixtures").flatten() {
            for case in std::fs::read_dir(kind.path()).expect("cases").flatten() {
                let name = case.file_name().to_string_lossy().into_owned();
                if name.starts_with("bad") || name.contains("one-bad") {
                    continue;
                }
                let mut files = std::fs::read_dir(case.path()).expect("files").flatten();
                let input = files.find(|f| f.file_name().to_string_lossy().starts_with("input"));
                let bytes = std::fs::read(input.expect("an input").path()).expect("readable");
                for (record, findings) in bench.read(format, &bytes) {
                    let errors: Vec<&Finding> = findings.iter().filter(|f| f.is_error()).collect();
                    assert!(errors.is_empty(), "{name}: {errors:#?}");
                    bench.hold(format, &with_id(record), &name);
                }
            }
        }
    }
}

/// Paths whose absence a record survives, taken away by the bits of a seed.
fn thinned(node: &mut Node, seed: &mut u64, depth: usize) {
    let next = |seed: &mut u64| {
        // xorshift: the seed comes from the generator, this only spreads it.
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed
    };
    if let Some(items) = node.items_mut() {
        for item in items {
            thinned(item, seed, depth + 1);
        }
        return;
    }
    let names: Vec<String> = node
        .members()
        .iter()
        .map(|(name, _)| name.to_string())
        .collect();
    for name in names {
        // Steps are put in the order of their times: one without a time has no place of its own.
        if depth > 0 && name != "at" && next(seed).is_multiple_of(12) {
            node.remove(&name);
        } else if let Some(child) = node.get_mut(&name) {
            thinned(child, seed, depth + 1);
        }
    }
}

#[test]
fn records_with_members_taken_away_keep_the_law() {
    // Goal: the law holds whatever is absent. Method: members of good records are taken away by
    // spread seeds; what the canonical schema still takes goes through every format.
    let bench = Bench::new(&[]);
    let all = records(&bench);
    let mut held = 0;
    for number in 1..=60_u64 {
        let mut seed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for (name, record) in &all {
            let mut record = record.clone();
            thinned(&mut record.root, &mut seed, 0);
            let path = format!("canonical/{}.schema.json", record.record_type);
            let schema = bench.schemas.get(&path).expect("a schema");
            if !schema.is_valid(&record.root) || empty_within(&record.root) {
                continue;
            }
            held += 1;
            for format in FORMATS.iter().filter(|it| has(&bench, it, &record)) {
                bench.hold(format, &record, name);
            }
        }
    }
    assert!(held > 20, "{held} records held");
}

/// Whether a list or object has nothing in it: no format can say that, and no sender means it. The
/// body of a person record alone is empty.
pub fn empty_within(root: &Node) -> bool {
    fn empty(node: &Node) -> bool {
        let members = node.members().iter().map(|(_, child)| child);
        node.is_empty_container() || members.chain(node.items()).any(empty)
    }
    root.members().iter().any(|(name, child)| match &**name {
        "body" => child.members().iter().any(|(_, inner)| empty(inner)),
        _ => empty(child),
    })
}

#[test]
fn the_loss_reports_are_those_of_the_mappings() {
    // Goal: docs/loss is current. Method: compare with the generator.
    let bench = Bench::new(&[]);
    let mut count = 0;
    for report in bench.plans.losses() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/loss");
        let file = root
            .join(&report.format)
            .join(format!("{}.json", report.record));
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            written,
            report.to_json(),
            "run: kinbridge check --losses docs/loss"
        );
        count += 1;
    }
    assert!(count >= 16, "{count} reports");
}
