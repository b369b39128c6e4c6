//! Goal: what fuzzing once found, or grew to find it with, never brings a road down again. Method:
//! the corpus below `fuzz/corpus` and every fixture go down the same roads the fuzzed targets
//! take, as this build makes them: no panic, findings within the input, and what is accepted goes
//! out and comes in again.

#[path = "../../fuzz/src/compiling.rs"]
mod compiling;
#[path = "../../fuzz/src/submission.rs"]
mod submission;

use crate::tidy::root;
use std::path::{Path, PathBuf};
use submission::Road;

/// Targets that read a format, and the folder of its fixtures.
const ROADS: &[(&str, &str, &str)] = &[
    ("json", "kinbridge-json/1.0", "kinbridge-json"),
    ("fhir", "fhir-r4/4.0", "fhir-r4"),
    ("niem", "county-niem/1.0", "county-niem"),
    ("csv", "provider-csv/1.0", "provider-csv"),
    ("xlsx", "provider-xlsx/1.0", ""),
    ("hl7v2", "hl7v2/2.5.1", "hl7v2"),
    ("x12", "x12-837p/005010X222A1", ""),
];

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.path() {
            path if path.is_dir() => files_below(&path, out),
            path => out.push(path),
        }
    }
    out.sort();
}

/// What was kept of a target's corpus.
fn corpus(target: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    files_below(&root().join("fuzz/corpus").join(target), &mut out);
    out
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a file of the repository")
}

#[test]
fn the_corpus_and_the_fixtures_take_their_roads() {
    for (target, format, folder) in ROADS {
        let road = Road::new(format);
        road.ready();
        let mut inputs = corpus(target);
        if !folder.is_empty() {
            files_below(&root().join("fixtures").join(folder), &mut inputs);
            inputs.retain(|it| it.file_stem().is_some_and(|stem| stem != "expected"));
        }
        assert!(!inputs.is_empty(), "{target}: nothing to try");
        for input in inputs {
            // The test's own output names the input, should the road end in it.
            println!("{}", input.display());
            match *target {
                "x12" => road.recognise(&bytes(&input)),
                _ => road.take(&bytes(&input)),
            }
        }
    }
}

#[test]
fn mappings_of_the_corpus_are_compiled_and_shipped_ones_stand() {
    for input in corpus("mapping") {
        println!("{}", input.display());
        compiling::take(&bytes(&input));
    }
    let mut shipped = Vec::new();
    for format in ["fhir-r4/4.0", "county-niem/1.0", "hl7v2/2.5.1"] {
        let folder = root().join("mappings").join(format);
        let mut files = Vec::new();
        files_below(&folder, &mut files);
        for file in files {
            let record = file.file_stem().expect("a name").to_string_lossy();
            if !record.starts_with('_') {
                let text = std::fs::read_to_string(&file).expect("a mapping");
                shipped.push(format!("# {format} {record}\n{text}"));
            }
        }
    }
    assert!(shipped.len() > 20, "{} mappings", shipped.len());
    let stand = shipped.iter().filter(|it| compiling::stands(it.as_bytes()));
    assert_eq!(stand.count(), shipped.len(), "shipped mappings are refused");
}
