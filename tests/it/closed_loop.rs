//! Goal: a closed-loop referral as providers publish it becomes one record with its persons and
//! its history, and stands the same in every format. Method: one bundle whose requester is named
//! by its tasks alone and which refers to two resources that are not there; what it becomes is
//! compared with the files beside it. `KINBRIDGE_BLESS=closed-loop` writes them.

use kinbridge::base::finding::{Finding, Severity};
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::format::json;
use kinbridge::intake::read::{Reading, read};
use kinbridge::record::Record;
use kinbridge::rules::Rules;
use std::path::PathBuf;
use std::sync::Arc;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/exchange/closed-loop-referral")
        .join(name)
}

fn rules() -> Arc<Rules> {
    Rules::load(&[]).expect("the shipped catalog has no defect")
}

fn reading(rules: &Rules) -> Reading {
    let bytes = std::fs::read(file("input.fhir.json")).expect("the bundle is there");
    let allowed = ["person", "service-referral", "engagement-contact"].map(RecordType::new);
    read(rules, &FormatId::new("fhir-r4/4.0"), &allowed, &bytes)
}

fn findings(reading: &Reading) -> Vec<&Finding> {
    let of_records = reading.records.iter().flat_map(|record| &record.findings);
    reading.findings.iter().chain(of_records).collect()
}

fn the_record(reading: &Reading) -> Record {
    assert_eq!(reading.records.len(), 1, "one referral and nothing else");
    let record = reading.records[0].record.clone();
    record.expect("the referral is accepted")
}

fn same(name: &str, got: &[u8]) {
    if std::env::var("KINBRIDGE_BLESS").is_ok_and(|word| word == "closed-loop") {
        std::fs::write(file(name), got).expect("the file is writable");
    }
    let expected = std::fs::read(file(name)).unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(got), text(&expected), "{name}");
}

#[test]
fn the_bundle_is_one_referral_with_persons_and_history() {
    let rules = rules();
    let reading = reading(&rules);
    let record = the_record(&reading);
    let body = record.body().expect("a body");
    let history = body.get("status_history").expect("a history").items();
    let codes: Vec<_> = history.iter().filter_map(|it| it.text("code")).collect();
    assert_eq!(codes, ["accepted", "completed"]);
    assert_eq!(body.text("status"), Some("completed"));
    assert_eq!(body.text("outcome"), Some("service_received"));
    assert_eq!(record.persons().len(), 3, "patient, mother, practitioner");
    let requester = body.get("requester").expect("a requester");
    assert_eq!(requester.text("name"), Some("Makebelieve Clinic"));
    assert!(requester.text("worker").is_some());
}

#[test]
fn absent_references_are_warnings() {
    let rules = rules();
    let reading = reading(&rules);
    let all = findings(&reading);
    assert!(all.iter().all(|finding| !finding.is_error()));
    let told = |code: &str| {
        let warned = all.iter().filter(|f| f.severity == Severity::Warning);
        warned.filter(|finding| finding.code == code).count()
    };
    assert!(told("reference-unresolved") > 0, "the absent organisation");
    assert!(told("wire-unknown-field") > 0, "the reason is not read");
    assert!(told("wire-node-unused") > 0, "the goal is not read");
}

#[test]
fn it_stands_the_same_in_every_format() {
    let rules = rules();
    let record = the_record(&reading(&rules));
    let mut bytes = Vec::new();
    json::write(&record.root, &mut bytes);
    same("expected.canonical.json", &bytes);
    for (format, name) in [
        ("county-niem/1.0", "expected.niem.xml"),
        ("fhir-r4/4.0", "expected.fhir.json"),
    ] {
        let format = FormatId::new(format);
        let out = rules
            .plans
            .outbound(&format, &record)
            .expect("it is written");
        let wire = rules.wires.get(&format).expect("the format is shipped");
        let written = wire.write(&out.tree);
        same(name, &written);
        let again = read(
            &rules,
            &format,
            std::slice::from_ref(&record.record_type),
            &written,
        );
        let again = the_record(&again);
        let second = rules
            .plans
            .outbound(&format, &again)
            .expect("it is written");
        assert_eq!(wire.write(&second.tree), written, "{name} written again");
    }
}

// Goal: who took part in a meeting is written as R4 allows. Method: every meeting of the fixtures
// written as FHIR; a participant's `individual` is never a Patient, and nobody is named twice.
#[test]
fn a_patient_is_no_individual_of_a_meeting() {
    let rules = rules();
    let (format, kind) = (FormatId::new("fhir-r4/4.0"), RecordType::new("cft-meeting"));
    let (mut individuals, mut patients) = (0, 0);
    for case in crate::fixtures::cases() {
        if case.format != "kinbridge-json" || case.record != "cft-meeting" {
            continue;
        }
        let bytes = std::fs::read(&case.input).expect("the input");
        let own = FormatId::new("kinbridge-json/1.0");
        let reading = read(&rules, &own, std::slice::from_ref(&kind), &bytes);
        for record in reading.records.iter().filter_map(|it| it.record.as_ref()) {
            let out = rules.plans.outbound(&format, record).expect("written");
            let entries = out.tree.get("entry").expect("entries").items();
            let typed = |name: &str| {
                let mut own = entries.iter().filter(|it| it.text("fullUrl") == Some(name));
                own.find_map(|it| it.get("resource")?.text("resourceType"))
            };
            let resources = entries.iter().filter_map(|it| it.get("resource"));
            let said = resources.filter_map(|it| it.get("participant"));
            for participant in said.flat_map(|it| it.items()) {
                let extensions = participant.get("extension").map(|it| it.items());
                let beside = extensions
                    .unwrap_or_default()
                    .iter()
                    .filter(|it| it.text("url") == Some("urn:kinbridge:fhir:participant"));
                let beside = beside.count();
                let named = participant.pointer("/individual/reference");
                match named.and_then(|it| it.as_str()).and_then(typed) {
                    Some("Practitioner" | "RelatedPerson") => {
                        assert_eq!(beside, 0, "{}: twice", case.name);
                        individuals += 1;
                    }
                    None => {
                        assert_eq!(beside, 1, "{}: nobody", case.name);
                        patients += 1;
                    }
                    other => panic!("{}: {other:?}", case.name),
                }
            }
        }
    }
    assert!(individuals > 5 && patients > 5, "{individuals} {patients}");
}
