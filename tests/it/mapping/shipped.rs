//! Goal: every shipped mapping keeps the law. Method: each good record among the fixtures goes
//! out and in through every format; so do records with members taken away at random.

use super::law::Bench;
use kinbridge::base::finding::Finding;
use kinbridge::format::Node;
use kinbridge::record::Record;
use std::path::Path;

const FORMATS: &[&str] = &["fhir-r4/4.0", "county-niem/1.0", "provider-csv/1.0"];

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

fn with_id(mut record: Record) -> Record {
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
        for format in FORMATS {
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
