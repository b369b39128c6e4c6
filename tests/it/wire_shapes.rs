//! Goal: the wire schemas of fhir-r4 and county-niem take the good fixtures and refuse those that
//! are bad on the wire. Method: every fixture is parsed and its nodes are held against the schema
//! of their type, without mapping; what only the record or a rule can refuse is listed.

use kinbridge::base::finding::Finding;
use kinbridge::base::id::FormatId;
use kinbridge::catalog::{self, Sources};
use kinbridge::format::Node;
use kinbridge::validate::{Schemas, SenderNotation};
use kinbridge::wire::Wires;
use std::path::{Path, PathBuf};

/// Bad FHIR cases that are valid on the wire: the record or a rule refuses them.
const FHIR_LATER: &[&str] = &[
    "bad-of-r5",
    "bad-answer",
    "bad-answer-three",
    "bad-asked-relation",
    "bad-attendee-role",
    "bad-caregiver-without-block",
    "bad-child-dangling",
    "bad-cin-form",
    "bad-component",
    "bad-dangling-subject",
    "bad-days",
    "bad-determined-without-court",
    "bad-end-before-start",
    "bad-goal-proposed",
    "bad-identifier-without-system",
    "bad-instrument",
    "bad-item-of-other-form",
    "bad-item-twice",
    "bad-kind",
    "bad-link-id",
    "bad-location-code",
    "bad-match-basis",
    "bad-meeting-cancelled",
    "bad-meeting-type",
    "bad-need-code",
    "bad-next-before-this",
    "bad-no-start",
    "bad-no-version",
    "bad-observation-cancelled",
    "bad-patient-dangling",
    "bad-plan-draft",
    "bad-plan-of-another",
    "bad-planned-with-its-time",
    "bad-question-twice",
    "bad-question-word",
    "bad-rating-eight",
    "bad-relationship-code",
    "bad-resource-type",
    "bad-result-of-other-tool",
    "bad-result-twice",
    "bad-review-before",
    "bad-risk-cancelled",
    "bad-role",
    "bad-state-name",
    "bad-status-by-broker",
    "bad-status-twice",
    "bad-status-unattributed",
    "bad-step-status",
    "bad-steps-unordered",
    "bad-subject-dangling",
    "bad-sum",
    "bad-virtual-without-mode",
    "bad-xml-modifier-in-contained",
];
/// The same of county documents.
const COUNTY_LATER: &[&str] = &[
    "bad-certificate-without-status",
    "bad-child-among-workers",
    "bad-child-dangling",
    "bad-dangling-person",
    "bad-determined-without-court",
    "bad-end-before-start",
    "bad-exit-before-removal",
    "bad-exit-without-reason",
    "bad-experience-rated",
    "bad-item-of-other-form",
    "bad-item-twice",
    "bad-measure-twice",
    "bad-member-of-other-kind",
    "bad-more-than-all",
    "bad-next-before-this",
    "bad-period-backwards",
    "bad-question-twice",
    "bad-renewed-before-issued",
    "bad-result-of-other-tool",
    "bad-review-before",
    "bad-same-id-twice",
    "bad-status-unattributed",
    "bad-steps-unordered",
    "bad-subject-dangling",
    "bad-sum",
    "bad-two-counties-at-once",
    "bad-work-joined-to-a-case",
];

struct Bench {
    sources: Sources,
    schemas: Schemas,
    wires: Wires,
}

fn bench() -> Bench {
    let (sources, _) = catalog::load(&[]);
    let (schemas, _) = Schemas::compile(&sources);
    let (wires, _) = Wires::compile(&sources);
    Bench {
        sources,
        schemas,
        wires,
    }
}

fn cases(format: &str) -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(format);
    let mut out = Vec::new();
    for record in std::fs::read_dir(&root).expect("fixtures").flatten() {
        for case in std::fs::read_dir(record.path()).expect("cases").flatten() {
            for file in std::fs::read_dir(case.path()).expect("files").flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                if name.starts_with("input.") {
                    let case = case.file_name().to_string_lossy().into_owned();
                    out.push((case, file.path()));
                }
            }
        }
    }
    assert!(out.len() > 30, "{format} has only {} fixtures", out.len());
    out
}

/// The nodes of a document that have a schema of their own, by the type in their member.
fn resources(document: &Node) -> Vec<&Node> {
    match document.text("resourceType") {
        Some("Bundle") => document
            .get("entry")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| entry.get("resource"))
            .collect(),
        _ => vec![document],
    }
}

fn errors(findings: &[Finding]) -> Vec<String> {
    let errors = findings.iter().filter(|finding| finding.is_error());
    errors
        .map(|f| format!("{} at {}", f.code, f.path))
        .collect()
}

impl Bench {
    fn errors_of(&self, id: &str, path: &Path) -> Vec<String> {
        let id = FormatId::new(id);
        let format = &self.sources.formats[&id];
        let wire = self.wires.get(&id).expect("the format is shipped");
        let bytes = std::fs::read(path).expect("the fixture is there");
        let mut findings = Vec::new();
        for unit in wire.units(&bytes) {
            let parsed = match unit {
                Ok(unit) => wire.parse(&unit),
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            findings.extend(parsed.findings);
            let Some(tree) = parsed.tree else { continue };
            let document = format.body.document.as_ref().map(|f| f.as_ref().as_str());
            let nodes: Vec<(&str, &Node)> = match document {
                Some(file) => vec![(file, &tree)],
                None => resources(&tree)
                    .into_iter()
                    .filter_map(|node| {
                        let kind = node.text("resourceType")?;
                        let schema = format.body.schema.iter();
                        let mut of_kind = schema.filter(|s| s.as_ref().node_type == kind);
                        Some((of_kind.next()?.as_ref().file.as_ref().as_str(), node))
                    })
                    .collect(),
            };
            for (file, node) in nodes {
                let schema = self.schemas.get(&format.schema_path(file)).expect("schema");
                findings.extend(schema.check(node, &SenderNotation::Pointer));
            }
        }
        errors(&findings)
    }

    fn hold(&self, id: &str, later: &[&str]) {
        let mut wrong = Vec::new();
        let folder = id.split('/').next().expect("a format name");
        for (case, path) in cases(folder) {
            let errors = self.errors_of(id, &path);
            let bad = case.starts_with("bad-") || case.contains("-one-bad");
            let refused = bad && !later.contains(&case.as_str());
            if errors.is_empty() == refused {
                wrong.push(format!("{}: {errors:?}", path.display()));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn fhir_on_the_wire() {
    bench().hold("fhir-r4/4.0", FHIR_LATER);
}

#[test]
fn county_niem_on_the_wire() {
    bench().hold("county-niem/1.0", COUNTY_LATER);
}
