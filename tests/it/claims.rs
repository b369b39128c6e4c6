//! Goal: a billed contact leaves as the claim the golden file says, or not at all with everything
//! that is missing told; what others hand in of X12 is told by what it is, whatever it is sent as,
//! and never becomes a record.
//! Method: every case of `fixtures/x12-837p/engagement-contact` goes the road of a release toward
//! an invented payer, with a consent that opens what a claim says; interchanges of each kind are
//! read as every format. `KINBRIDGE_BLESS=x12-837p` writes what is expected.

use crate::fixtures::rules as shipped;
use crate::release::{asking, persons, rules_with};
use kinbridge::base::finding::Finding;
use kinbridge::base::id::{ConsentId, FormatId, PartnerId, PersonId, RecordType};
use kinbridge::base::sensitive::{Reason, Sensitive};
use kinbridge::format::x12::{Delimiters, Segment, segments};
use kinbridge::intake::read::read;
use kinbridge::record::Record;
use kinbridge::release::{HeldConsent, Hold, Release, ReleaseInput, SinceLodged, release};
use kinbridge::rules::Rules;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const FORMAT: &str = "x12-837p/005010X222A1";

/// What the client agreed to tell the payer.
const PAPER: &str = r#"{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "self",
  "classes": ["engagement_contact", "contact_address", "mental_health", "demographics"],
  "recipients": ["health_plan"], "purposes": ["payment"], "signed": "2026-03-01",
  "start": "2026-03-01", "end": "2027-02-28", "revoked": null}"#;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/x12-837p")
}

fn blessing() -> bool {
    std::env::var("KINBRIDGE_BLESS").is_ok_and(|word| word == "x12-837p")
}

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let text = std::fs::read_to_string(folder().join("partners.toml")).expect("partners");
        let table: toml::Table = toml::from_str(&text).expect("TOML");
        let files: Vec<String> = table["partner"]
            .as_array()
            .expect("partners")
            .iter()
            .map(|partner| toml::to_string(partner).expect("TOML"))
            .collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        rules_with(&files)
    })
}

/// Every folder of cases, with its name.
fn cases(of: &str) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder().join(of)).expect("cases");
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.expect("a case").path()).collect();
    all.sort();
    let name = |path: &Path| {
        path.file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    all.into_iter().map(|path| (name(&path), path)).collect()
}

fn record_of(path: &Path) -> Record {
    let bytes = std::fs::read(path.join("input.json")).expect("an input");
    let allowed = [RecordType::new("engagement-contact")];
    let format = FormatId::new("kinbridge-json/1.0");
    let mut reading = read(&shipped(), &format, &allowed, &bytes);
    let first = reading.records.pop();
    let record = first.and_then(|read| read.record);
    record.unwrap_or_else(|| panic!("{}: not read", path.display()))
}

/// What becomes of a record on its way to the payer.
fn decided(record: &Record) -> Release {
    let rules = rules();
    let partner = |id: &str| &rules.partners[&PartnerId::new(id)];
    let payer = partner("payer");
    let id = ConsentId::new("k1");
    let lodger = PartnerId::new("peer-program");
    let body = Sensitive::new(crate::release::complete(PAPER).into_bytes());
    let persons = persons(record);
    let of = |subject: PersonId| HeldConsent {
        id: &id,
        lodger: &lodger,
        subject,
        revoked_at: None,
        revision: 1,
        since: SinceLodged::default(),
        body: &body,
    };
    let consents: Vec<HeldConsent<'_>> = persons.iter().map(|(_, person)| of(*person)).collect();
    release(
        rules,
        &ReleaseInput {
            consents: &consents,
            ..asking(
                (record, &persons),
                partner("peer-program"),
                (payer, &payer.channel[0]),
            )
        },
    )
}

fn told(findings: &[Finding]) -> Value {
    let rows = findings.iter();
    let rows = rows.map(|it| json!({"code": it.code, "path": it.path, "severity": it.severity}));
    rows.collect()
}

#[test]
fn every_case_is_claimed_or_held_as_expected() {
    let mut wrong = Vec::new();
    let mut counts = [0, 0];
    for (name, path) in cases("engagement-contact") {
        let record = record_of(&path);
        let (file, got) = match decided(&record) {
            Release::Go(outgoing) => {
                assert_eq!(outgoing.media_type(), "application/edi-x12");
                let bytes = outgoing.bytes().expose(Reason::Test).clone();
                ("expected.x12", String::from_utf8(bytes).expect("text"))
            }
            Release::Held(Hold::OutputInvalid, taken) => {
                let text = serde_json::to_string_pretty(&told(&taken.invalid)).expect("JSON");
                ("expected.json", text + "\n")
            }
            other => panic!("{name}: {other:?}"),
        };
        let bad = name.starts_with("bad-");
        assert_eq!(file == "expected.json", bad, "{name}: {got}");
        counts[usize::from(bad)] += 1;
        if blessing() {
            std::fs::write(path.join(file), &got).expect("a file");
        } else if std::fs::read_to_string(path.join(file)).unwrap_or_default() != got {
            wrong.push(format!("{name}: {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(counts[0] >= 3 && counts[1] >= 5, "{counts:?}");
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn what_is_written_counts_itself_right_and_comes_again_the_same() {
    for (name, path) in cases("engagement-contact") {
        let record = record_of(&path);
        let (Release::Go(first), Release::Go(second)) = (decided(&record), decided(&record)) else {
            assert!(name.starts_with("bad-"), "{name}");
            continue;
        };
        let bytes = first.bytes().expose(Reason::Test).clone();
        assert_eq!(&bytes, second.bytes().expose(Reason::Test), "{name}");
        let delimiters = Delimiters::read(&bytes).expect("signs");
        let all: Vec<Segment<'_>> = segments(&bytes, delimiters).collect();
        let at = |id: &str| {
            let found = all.iter().position(|it| it.id() == id.as_bytes());
            found.unwrap_or_else(|| panic!("{name}: no {id}"))
        };
        let (set, end) = (at("ST"), at("SE"));
        assert_eq!(text(all[end].element(1)), (end - set + 1).to_string());
        assert_eq!(all[end].element(2), all[set].element(2));
        assert_eq!(all[at("GE")].element(2), all[at("GS")].element(6));
        assert_eq!(all[at("IEA")].element(2), all[at("ISA")].element(13));
        assert_eq!(at("IEA"), all.len() - 1);
        let levels: Vec<&[u8]> = all
            .iter()
            .filter(|it| it.id() == b"HL")
            .map(|it| it.element(1))
            .collect();
        assert_eq!(levels, [b"1", b"2"]);
        // Nothing of the sender's own keys, case or words goes along.
        for trace in ["p1", "PSS-0001", "case_ref"] {
            assert!(!text(&bytes).contains(trace), "{name}: {trace}");
        }
    }
}

#[test]
fn a_contact_that_is_not_billed_is_none_of_the_channels() {
    let mut record = record_of(&folder().join("engagement-contact/home-visit"));
    let body = record.root.get_mut("body").expect("a body");
    assert!(body.remove("billable").is_some());
    assert!(matches!(decided(&record), Release::Untied(_)));
}

#[test]
fn two_versions_of_a_contact_have_other_control_numbers() {
    let path = folder().join("engagement-contact/home-visit");
    let record = record_of(&path);
    let mut other = record.clone();
    let billable = other
        .root
        .get_mut("body")
        .and_then(|it| it.get_mut("billable"));
    let charge = kinbridge::format::Node::string("61.21");
    billable.expect("billed").set("charge", charge);
    let number = |record: &Record| match decided(record) {
        Release::Go(outgoing) => {
            let bytes = outgoing.bytes().expose(Reason::Test).clone();
            let first = segments(&bytes, Delimiters::default())
                .next()
                .expect("a head");
            text(first.element(13)).to_owned()
        }
        other => panic!("{other:?}"),
    };
    assert_ne!(number(&record), number(&other));
}

#[test]
fn an_interchange_is_told_by_what_it_is_whatever_it_is_sent_as() {
    let rules = shipped();
    let allowed = [
        RecordType::new("engagement-contact"),
        RecordType::new("person"),
    ];
    let mut formats = 0;
    for (name, path) in cases("recognised") {
        let bytes = std::fs::read(path.join("input.x12")).expect("an input");
        let mut words = Vec::new();
        for format in rules.sources.formats.keys() {
            let reading = read(&rules, format, &allowed, &bytes);
            let mut records = reading.records.iter();
            assert!(records.all(|it| it.record.is_none()), "{name} as {format}");
            let [finding] = reading.findings.as_slice() else {
                panic!("{name} as {format}: {:?}", reading.findings);
            };
            assert_eq!(finding.code, "interchange-not-read", "{name} as {format}");
            assert!(finding.is_error() && finding.line == Some(1));
            for value in ["INVENTED", "90000001A", "FIXTURE", "260317"] {
                assert!(!finding.message.contains(value), "{}", finding.message);
            }
            words.push(finding.message.clone());
            formats += 1;
        }
        words.dedup();
        let [said] = words.as_slice() else {
            panic!("{name}: told in several ways: {words:?}");
        };
        let kind = match name.as_str() {
            "837p" => "(837P)",
            "999" | "damaged-head" => "(999)",
            "ta1" => "(TA1)",
            "277ca" => "(277CA)",
            _ => "of a kind the gateway does not know",
        };
        assert!(said.ends_with(kind), "{name}: {said}");
    }
    assert!(formats > 20, "{formats}");
}

#[test]
fn an_ordinary_file_is_no_interchange_and_the_format_itself_reads_nothing() {
    let rules = shipped();
    let allowed = [RecordType::new("engagement-contact")];
    let format = FormatId::new(FORMAT);
    let path = folder().join("engagement-contact/home-visit/input.json");
    let bytes = std::fs::read(path).expect("an input");
    let reading = read(&rules, &format, &allowed, &bytes);
    assert!(reading.records.is_empty());
    let codes: Vec<&str> = reading.findings.iter().map(|it| it.code.as_ref()).collect();
    assert_eq!(codes, ["syntax-invalid"]);
}

#[test]
fn what_a_channel_fills_must_fit_its_place() {
    let text = std::fs::read_to_string(folder().join("partners.toml")).expect("partners");
    let told = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let text = text.replacen(from, to, 1);
        let table: toml::Table = toml::from_str(&text).expect("TOML");
        let dir = tempfile::tempdir().expect("a folder");
        let partners = dir.path().join("mappings/partners");
        std::fs::create_dir_all(&partners).expect("a folder");
        for partner in table["partner"].as_array().expect("partners") {
            let id = partner["id"].as_str().expect("an id");
            let file = partners.join(format!("{id}.toml"));
            std::fs::write(file, toml::to_string(partner).expect("TOML")).expect("a file");
        }
        let (_, defects) = kinbridge::catalog::load(&[dir.path().to_path_buf()]);
        let about = |it: &&kinbridge::base::defect::Defect| it.message.contains("fill");
        defects.iter().filter(about).count()
    };
    assert_eq!(told("ZZ", "ZZ"), 0);
    let wrong = [
        ("CLAIM.ISA.5", "CLAIM.ISA.99"),
        ("CLAIM.ISA.5", "OTHER.ISA.5"),
        ("\"CLAIM.ISA.5\"", "\"CLAIM.ISA\""),
        ("= \"ZZ\"", "= \"not a qualifier\""),
        ("990000001", "99-0000001"),
        ("x12-837p/005010X222A1", "fhir-r4/4.0"),
    ];
    for (from, to) in wrong {
        assert_eq!(told(from, to), 1, "{to}");
    }
}
