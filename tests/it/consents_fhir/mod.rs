//! FHIR Consent in and out: a permit is never read wider than the document, a refusal never
//! narrower, and what was read is written again.

mod refused;
mod shapes;

use kinbridge::base::finding::Finding;
use kinbridge::base::vocabulary::{ConsentKind, DataClass, Purpose, RecipientRole};
use kinbridge::disclosure::fhir::{Codes, Inward, Kept, Reading, read, write};
use kinbridge::format::json;
use kinbridge::{catalog, disclosure::request::Direction};
use serde_json::{Value, json};
use std::sync::LazyLock;

pub static CODES: LazyLock<Codes> = LazyLock::new(|| {
    let (sources, _) = catalog::load(&[]);
    let (codes, defects) = Codes::compile(&sources);
    assert!(defects.is_empty(), "{defects:?}");
    codes
});

pub const REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
pub const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub const CLASS: &str = "urn:kinbridge:fhir:data-class";

const GRANTORS: [&str; 5] = ["self", "parent", "tribe", "conservator", "youth_and_parent"];

/// A document of an invented person around a provision.
pub fn document(provision: Value) -> Value {
    json!({
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/consentscope",
            "code": "patient-privacy",
        }]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"identifier": {"system": "urn:example:family-id", "value": "F-7"}},
        "dateTime": "2026-06-13",
        "performer": [{"identifier": {"system": "urn:example:family-id", "value": "F-7"}}],
        "sourceAttachment": {"hash": "2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
        "policyRule": {"coding": [{
            "system": "urn:kinbridge:fhir:consent-kind",
            "code": "privacy_directive",
        }]},
        "provision": provision,
    })
}

pub fn coded(system: &str, code: &str) -> Value {
    json!({"system": system, "code": code})
}

/// Purposes by their codes.
pub fn purposes(codes: &[&str]) -> Value {
    codes.iter().map(|code| coded(REASON, code)).collect()
}

/// Somebody who receives, by an identifier.
pub fn receiver(system: &str, value: &str) -> Value {
    json!({
        "role": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
            "code": "IRCP",
        }]},
        "reference": {"identifier": {"system": system, "value": value}},
    })
}

/// A partner of the gateway.
pub fn partner(id: &str) -> Value {
    receiver("urn:kinbridge:fhir:partner", id)
}

fn known(id: &str) -> Option<Vec<RecipientRole>> {
    match id {
        "clinic" => Some(vec![RecipientRole::Mhp]),
        "program" => Some(vec![RecipientRole::Ppp]),
        _ => None,
    }
}

pub fn reading(document: &Value) -> (Option<Reading>, Vec<Finding>) {
    let parsed = json::parse(document.to_string().as_bytes());
    let mut findings = parsed.findings;
    let tree = parsed.tree.expect("JSON");
    let read = read(&tree, &CODES, &known, &mut findings);
    (read, findings)
}

/// The papers of a document without an error.
pub fn papers(document: &Value) -> Vec<Inward> {
    let (reading, findings) = reading(document);
    let errors: Vec<&Finding> = findings.iter().filter(|f| f.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    reading.expect("a reading").papers
}

/// The codes and places of the findings.
pub fn told(document: &Value) -> Vec<(String, String)> {
    let (_, findings) = reading(document);
    let told = findings.into_iter();
    told.map(|finding| (finding.code.into_owned(), finding.path))
        .collect()
}

/// The papers as the registry would keep them under an id.
fn kept(papers: &[Inward]) -> Vec<Kept> {
    papers
        .iter()
        .map(|one| {
            let mut paper = one.paper.clone();
            if one.except {
                paper.insert(String::from("exception_to"), json!(["c-1"]));
            }
            Kept {
                paper: Value::Object(paper),
            }
        })
        .collect()
}

/// Holds that what was read is written and read again the same.
pub fn comes_back(name: &str, papers: &[Inward]) {
    let mut written =
        write(&CODES, "c-1", "c-1", &kept(papers), false).unwrap_or_else(|| panic!("{name}"));
    written["patient"] = json!({"identifier": {"system": "urn:example:family-id", "value": "F-7"}});
    let (reading, findings) = reading(&written);
    assert!(findings.is_empty(), "{name}: {findings:?}\n{written:#}");
    assert_eq!(
        reading.expect("a reading").papers,
        papers,
        "{name}: {written:#}"
    );
}

/// Numbers that look random and are the same every time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("small") % n
    }

    fn some<T: Copy>(&mut self, all: &[T]) -> Vec<T> {
        let picked: Vec<T> = all.iter().copied().filter(|_| self.below(4) == 0).collect();
        match picked.is_empty() {
            true => vec![all[self.below(all.len())]],
            false => picked,
        }
    }
}

#[test]
fn every_paper_of_the_registry_comes_back_from_fhir_as_it_was() {
    // Goal: in(out(x)) = x for papers of every kind, whatever they say that FHIR has a place for.
    // Method: two thousand papers drawn over the vocabularies.
    let mut draw = Draw(7);
    for at in 0..2000 {
        let kind = ConsentKind::ALL[at % ConsentKind::ALL.len()];
        let direction = Direction::ALL[draw.below(2)];
        let mut paper = json!({
            "kind": kind,
            "type": direction,
            "grantor": (GRANTORS[draw.below(5)]),
            "classes": draw.some(DataClass::ALL),
            "recipients": draw.some(RecipientRole::ALL),
            "purposes": draw.some(Purpose::ALL),
            "signed": "2026-06-13",
            "start": ([json!(null), json!("2026-07-01")][draw.below(2)]),
            "end": ([json!(null), json!("2027-07-01T08:00:00-07:00")][draw.below(2)]),
            "elements": (["date", "purpose"][..draw.below(3)].to_vec()),
        });
        for (name, value) in [
            ("grantor_id", json!("one-of-two")),
            ("recipient_ids", json!(["clinic", "program"])),
            (
                "data_period",
                json!([(["", "2026-01-01"][draw.below(2)]), "2026-02-01"]),
            ),
            ("discloser_ids", json!(["clinic"])),
            ("expiry_statement", json!("none")),
            ("ends_on_event", json!("case_closes")),
            ("coercion_flag", json!(draw.below(2) == 0)),
            ("supersedes", json!(["old-1", "old-2"])),
            ("exception_to", json!(["other-refusal"])),
            ("elements_missing", json!(["date"])),
        ] {
            if draw.below(3) == 0 {
                paper[name] = value;
            }
        }
        let paper = match paper {
            Value::Object(members) => members,
            other => panic!("{other}"),
        };
        let one = Inward {
            direction,
            except: false,
            paper,
        };
        comes_back(kind.as_str(), &[one]);
    }
}
