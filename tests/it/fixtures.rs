//! Goal: every fixture is read exactly as its expected file says.
//! Method: find `fixtures/<format>/<record>/<case>/`, read `input.*` with the real reader of the
//! intake, compare records and findings with `expected.json`. With `KINBRIDGE_BLESS` set to the
//! name of a format its expected files are written instead, to be read before they are committed.

use crate::canaries::grow::types_of;
use kinbridge::base::id::{CHILD_ABUSE_REPORT, FormatId, RecordType};
use kinbridge::format::json;
use kinbridge::intake::read::{Reading, read};
use kinbridge::rules::Rules;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Formats whose fixtures have expected files.
const FORMATS: [&str; 6] = [
    "county-niem",
    "cws-cms-extract",
    "fhir-r4",
    "hl7v2",
    "kinbridge-json",
    "provider-csv",
];

pub struct Case {
    pub format: String,
    pub record: String,
    pub name: String,
    folder: PathBuf,
    pub input: PathBuf,
}

impl Case {
    /// A case of no folder.
    pub fn named(format: &str, record: &str) -> Case {
        Case {
            format: format.to_owned(),
            record: record.to_owned(),
            name: String::new(),
            folder: PathBuf::new(),
            input: PathBuf::new(),
        }
    }
}

pub fn rules() -> Arc<Rules> {
    static RULES: OnceLock<Arc<Rules>> = OnceLock::new();
    let load = || Rules::load(&[]).expect("the shipped catalog has no defect");
    Arc::clone(RULES.get_or_init(load))
}

/// The shipped catalog under what a county lays over it for a format, where its code tables are
/// the county's to fill (`fixtures/catalogs/<format>`).
pub fn rules_for(format: &str) -> Arc<Rules> {
    static LAID: OnceLock<BTreeMap<String, Arc<Rules>>> = OnceLock::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalogs");
    let load = || {
        let laid = folders(&root).into_iter().map(|folder| {
            let rules = Rules::load(std::slice::from_ref(&folder));
            (name(&folder), rules.expect("the catalog has no defect"))
        });
        laid.collect()
    };
    let laid = LAID.get_or_init(load);
    laid.get(format).map_or_else(rules, Arc::clone)
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).expect("a fixture folder is readable");
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    all.sort();
    all
}

fn name(path: &Path) -> String {
    let name = path.file_name().expect("a name");
    name.to_string_lossy().into_owned()
}

pub fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut all = Vec::new();
    for format in FORMATS.map(|name| root.join(name)) {
        for record in folders(&format) {
            for folder in folders(&record) {
                let mut files = std::fs::read_dir(&folder).expect("a case");
                let input = files
                    .find_map(|file| {
                        let path = file.expect("a file").path();
                        name(&path).starts_with("input.").then_some(path)
                    })
                    .expect("every case has an input");
                all.push(Case {
                    format: name(&format),
                    record: name(&record),
                    name: name(&folder),
                    input,
                    folder,
                });
            }
        }
    }
    all
}

pub fn format_of(rules: &Rules, name: &str) -> FormatId {
    let prefix = format!("{name}/");
    let known = rules.sources.formats.keys();
    let mut all = known.filter(|id| id.as_str().starts_with(&prefix));
    all.next_back().expect("the format is shipped").clone()
}

fn reading_of(case: &Case) -> Reading {
    let rules = rules_for(&case.format);
    let format = format_of(&rules, &case.format);
    let bytes = std::fs::read(&case.input).expect("the input is readable");
    read(&rules, &format, &[RecordType::new(&case.record)], &bytes)
}

/// What an expected file holds.
fn shown(reading: &Reading) -> Value {
    let mut findings = Vec::new();
    let of_records = reading.records.iter().flat_map(|record| &record.findings);
    for finding in reading.findings.iter().chain(of_records) {
        findings.push(json!({
            "severity": finding.severity,
            "code": finding.code,
            "record_index": finding.record_index,
            "path": finding.path,
            "line": finding.line,
        }));
    }
    let records: Vec<Value> = reading
        .records
        .iter()
        .map(|read| match &read.record {
            Some(record) => {
                let mut bytes = Vec::new();
                json::write(&record.root, &mut bytes);
                serde_json::from_slice(&bytes).expect("a record is JSON")
            }
            None => Value::Null,
        })
        .collect();
    json!({ "records": records, "findings": findings })
}

#[test]
fn every_fixture_is_read_as_expected() {
    let bless = std::env::var("KINBRIDGE_BLESS").unwrap_or_default();
    let mut wrong = Vec::new();
    for case in cases() {
        let file = case.folder.join("expected.json");
        let got = shown(&reading_of(&case));
        if bless == case.format {
            let text = serde_json::to_string_pretty(&got).expect("JSON") + "\n";
            std::fs::write(&file, text).expect("the expected file is writable");
            continue;
        }
        let expected = std::fs::read(&file).unwrap_or_default();
        let expected: Value = serde_json::from_slice(&expected).unwrap_or_default();
        if got != expected {
            let got = serde_json::to_string_pretty(&got).expect("JSON");
            wrong.push(format!("{}: it is read as\n{got}", case.folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn good_cases_are_accepted_and_bad_ones_are_not() {
    for case in cases() {
        let reading = reading_of(&case);
        let mut findings = reading.findings.iter().chain(
            reading
                .records
                .iter()
                .flat_map(|record| record.findings.iter()),
        );
        let at = format!("{}/{}/{}", case.format, case.record, case.name);
        let bad = case.name.starts_with("bad-") || case.name.ends_with("-one-bad");
        assert_eq!(findings.any(|f| f.is_error()), bad, "{at}");
        let taken = reading
            .records
            .iter()
            .filter(|r| r.record.is_some())
            .count();
        assert!(bad || taken > 0, "{at}");
    }
}

/// The values of an input, names of members, elements and columns left out.
fn values(format: &str, text: &str) -> BTreeSet<String> {
    let pieces: Vec<&str> = if format.contains("csv") || format.contains("extract") {
        let rows = text.split_once('\n').map(|(_, rows)| rows);
        rows.unwrap_or_default()
            .split([',', '"', '\n', '\r'])
            .collect()
    } else if format.contains("hl7") {
        text.split(|c: char| "|^~&\\\r\n!@+*%".contains(c))
            .collect()
    } else if format.contains("niem") {
        let after_tags = text.split('<').filter_map(|piece| piece.split_once('>'));
        after_tags.map(|(_, value)| value).collect()
    } else {
        let pieces: Vec<&str> = text.split('"').collect();
        let pairs = pieces.windows(2);
        let named = pairs.filter(|pair| !pair[1].trim_start().starts_with(':'));
        named.map(|pair| pair[0]).collect()
    };
    let pieces = pieces.into_iter().map(str::trim);
    let long = pieces.filter(|piece| piece.len() > 4 && piece.chars().any(char::is_alphanumeric));
    long.map(str::to_owned).collect()
}

#[test]
fn a_finding_never_repeats_a_value() {
    // Method: every value of every input, but words that stand in the catalog or among the
    // messages: codes and names of members may be told.
    let rules = rules();
    let mut known = String::new();
    for file in rules.sources.files.values() {
        known.push_str(&file.text);
    }
    let messages = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings.md");
    known.push_str(&std::fs::read_to_string(messages).expect("the messages"));
    let mut looked_for: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases() {
        let bytes = std::fs::read(&case.input).expect("the input is readable");
        let text = String::from_utf8_lossy(&bytes);
        let mut values = values(&case.format, &text);
        values.retain(|value| !known.contains(value.as_str()));
        let reading = reading_of(&case);
        let records = reading.records.iter().flat_map(|record| &record.findings);
        for finding in reading.findings.iter().chain(records) {
            *looked_for.entry(case.format.clone()).or_default() += values.len();
            let told = serde_json::to_string(finding).expect("JSON");
            let value = values.iter().find(|value| told.contains(value.as_str()));
            assert_eq!(value, None, "{}: {told}", case.folder.display());
        }
    }
    for format in FORMATS {
        let count = looked_for.get(format).copied().unwrap_or_default();
        assert!(count > 100, "{format}: {count}");
    }
}

#[test]
fn every_format_has_enough_cases() {
    let rules = rules();
    let mut counts: BTreeMap<(String, String), (usize, usize)> = BTreeMap::new();
    for case in cases() {
        let slot = counts.entry((case.format, case.record)).or_default();
        if case.name.starts_with("bad-") {
            slot.1 += 1;
        } else {
            slot.0 += 1;
        }
    }
    for format in FORMATS {
        // What only reports need is held by the tests of reports.
        let id = format_of(&rules, format);
        let mut types = types_of(&rules.sources, id.as_str());
        types.retain(|kind| kind != CHILD_ABUSE_REPORT);
        assert!(types.len() >= 4, "{format}: {types:?}");
        for record in types {
            let key = (format.to_owned(), record.clone());
            let (good, bad) = counts.get(&key).copied().unwrap_or_default();
            assert!(good >= 3 && bad >= 5, "{format} {record}: {good} and {bad}");
        }
    }
}

#[test]
fn what_a_file_says_comes_back() {
    // Everything a provider file can say must survive being written to such a file again.
    let rules = rules();
    let format = format_of(&rules, "provider-csv");
    let wire = rules.wires.get(&format).expect("the format is ready");
    let mut seen = 0;
    for case in cases() {
        if case.format != "provider-csv" || case.name.starts_with("bad-") {
            continue;
        }
        for record in reading_of(&case)
            .records
            .into_iter()
            .filter_map(|r| r.record)
        {
            let out = rules
                .plans
                .outbound(&format, &record)
                .expect("it can be written");
            let bytes = wire.write(&out.tree);
            let again = read(
                &rules,
                &format,
                std::slice::from_ref(&record.record_type),
                &bytes,
            );
            let back = again.records.first().and_then(|r| r.record.clone());
            let same = back
                .as_ref()
                .is_some_and(|b| json::canonical(&b.root) == json::canonical(&record.root));
            assert!(same, "{}", case.folder.display());
            seen += 1;
        }
    }
    assert!(seen > 15, "only {seen} records went round");
}
