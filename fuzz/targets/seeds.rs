//! Writes what the fixtures give to begin with into the folder `KINBRIDGE_SEEDS`, a folder for each
//! target: inputs as they are, tables as workbooks too, interchanges as they are written, mappings
//! as they are shipped, below a line that says for what they are. It is built as a target, since
//! what is instrumented runs with the engine alone, and it ends before anything is fuzzed.

#![no_main]

use kinbridge::format::workbook;
use libfuzzer_sys::fuzz_target;
use std::path::{Path, PathBuf};

/// Targets and the folder of fixtures each begins with.
const INPUTS: &[(&str, &str)] = &[
    ("json", "kinbridge-json"),
    ("fhir", "fhir-r4"),
    ("niem", "county-niem"),
    ("csv", "provider-csv"),
    ("hl7v2", "hl7v2"),
];

fuzz_target!(
    init: write(),
    |_bytes: &[u8]| std::process::exit(0)
);

fn write() {
    let out = std::env::var_os("KINBRIDGE_SEEDS").map(PathBuf::from);
    let out = out.expect("KINBRIDGE_SEEDS names the folder to write to");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (target, folder) in INPUTS {
        for (name, bytes) in inputs(&root.join("fixtures").join(folder)) {
            if *target == "csv" {
                keep(&out, "xlsx", &name, &book(&bytes));
            }
            keep(&out, target, &name, &bytes);
        }
    }
    interchanges(&root, &out);
    mappings(&root.join("mappings"), &out);
}

fn keep(out: &Path, target: &str, name: &str, bytes: &[u8]) {
    let folder = out.join(target);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(name), bytes).expect("a seed is written");
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of fixtures");
    let mut all: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    all.sort();
    all
}

/// Every input below a format's fixtures, by record type and case.
fn inputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for kind in below(folder).into_iter().filter(|it| it.is_dir()) {
        for case in below(&kind).into_iter().filter(|it| it.is_dir()) {
            let is_input = |it: &PathBuf| it.file_stem().is_some_and(|stem| stem == "input");
            for file in below(&case).into_iter().filter(is_input) {
                let name = [&kind, &case].map(|it| it.file_name().unwrap_or_default());
                let name = name.map(|it| it.to_string_lossy().into_owned()).join("_");
                out.push((name, std::fs::read(&file).expect("an input is read")));
            }
        }
    }
    out
}

/// A table as the sheet of a workbook, cell by cell as it stands.
fn book(table: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(table).into_owned();
    let rows = text.lines().map(|line| line.split(',').collect());
    workbook::write("Sheet1", rows)
}

/// Interchanges as the gateway writes them.
fn interchanges(root: &Path, out: &Path) {
    for kind in below(&root.join("fixtures/x12-837p"))
        .into_iter()
        .filter(|it| it.is_dir())
    {
        for case in below(&kind) {
            let name = case
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if let Ok(bytes) = std::fs::read(case.join("expected.x12")) {
                keep(out, "x12", &name, &bytes);
            }
        }
    }
}

fn mappings(root: &Path, out: &Path) {
    for format in below(root).into_iter().filter(|it| it.is_dir()) {
        for version in below(&format).into_iter().filter(|it| it.is_dir()) {
            for file in below(&version) {
                let words = [&format, &version, &file].map(|it| {
                    let name = it.file_stem().unwrap_or_default();
                    name.to_string_lossy().into_owned()
                });
                let [name, _, record] = words;
                if record.starts_with('_') {
                    continue;
                }
                let version = version.file_name().unwrap_or_default().to_string_lossy();
                let text = std::fs::read_to_string(&file).expect("a mapping is read");
                let text = format!("# {name}/{version} {record}\n{text}");
                keep(out, "mapping", &format!("{name}_{record}"), text.as_bytes());
            }
        }
    }
}
