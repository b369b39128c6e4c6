//! Goal: our verdict on a canonical record is the one its schema files give, every contradiction in
//! the fixtures has its code, and no finding repeats a value. Method: fixtures through schema and
//! rules; generated mutations held against a plain JSON Schema engine on the files themselves.

use crate::tidy::root;
use jsonschema::Registry;
use kinbridge::base::finding::Finding;
use kinbridge::base::id::RecordType;
use kinbridge::catalog::schema::TextFormat;
use kinbridge::catalog::{Sources, load};
use kinbridge::format::{Node, Value, json};
use kinbridge::validate::text_form::{Fit, fit};
use kinbridge::validate::{Schemas, SenderNotation, rules};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Every record type that has fixtures.
static TYPES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = root().join("fixtures/kinbridge-json");
    let folders = std::fs::read_dir(folder).expect("fixtures").flatten();
    let mut names: Vec<String> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
});

static CATALOG: LazyLock<(Sources, Schemas)> = LazyLock::new(|| {
    let (sources, _) = load(&[]);
    let (schemas, defects) = Schemas::compile(&sources);
    assert!(defects.is_empty(), "{defects:?}");
    (sources, schemas)
});

fn path_of(record_type: &str) -> String {
    format!("canonical/{record_type}.schema.json")
}

/// Everything that is wrong with a canonical record.
fn findings(record_type: &str, node: &Node) -> Vec<Finding> {
    let schema = CATALOG.1.get(&path_of(record_type)).expect("a schema");
    let mut found = schema.check(node, &SenderNotation::Pointer);
    found.extend(rules::cross_field(&RecordType(record_type.into()), node));
    found
}

/// The single-record fixtures of canonical JSON: type, case, bytes.
fn fixtures() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut out = Vec::new();
    for record_type in TYPES.iter() {
        let folder = root().join("fixtures/kinbridge-json").join(record_type);
        for entry in std::fs::read_dir(folder).expect("fixtures").flatten() {
            let case = entry.file_name().to_string_lossy().into_owned();
            if let Ok(bytes) = std::fs::read(entry.path().join("input.json"))
                && !case.starts_with("batch-")
            {
                out.push((record_type.as_str(), case, bytes));
            }
        }
    }
    assert!(out.len() > 30, "the fixtures are where they were");
    out
}

/// Fixtures that are wrong, with the code of each error.
const WRONG: &[(&str, &str)] = &[
    ("bad-address-kind", "schema-code-unknown"),
    ("bad-address-member", "schema-unknown-field"),
    ("bad-answer-three", "schema-value-out-of-range"),
    ("bad-before-birth", "assessment-before-birth"),
    ("bad-blanks", "screening-blanks-mismatch"),
    ("bad-block-of-two", "assessment-caregiver-mixed"),
    (
        "bad-caregiver-and-none",
        "assessment-caregiver-contradicted",
    ),
    ("bad-cut-off", "screening-cut-off-contradicted"),
    ("bad-dangling-owner", "reference-dangling"),
    ("bad-dangling-person", "reference-dangling"),
    ("bad-dangling-worker", "reference-dangling"),
    ("bad-deleted", "assessment-deleted"),
    ("bad-duplicate-key", "duplicate-key"),
    ("bad-duration-disagrees", "duration-mismatch"),
    ("bad-duration-text", "schema-type-mismatch"),
    ("bad-end-before-start", "period-reversed"),
    ("bad-enrollment-code", "schema-code-unknown"),
    ("bad-feedback-not-given", "feedback-contradicted"),
    ("bad-feedback-scale", "schema-value-out-of-range"),
    ("bad-experience-rated", "schema-code-unknown"),
    ("bad-history-disagrees", "status-history-mismatch"),
    ("bad-impossible-date", "date-impossible"),
    ("bad-impossible-instant", "date-impossible"),
    ("bad-invalid-utf8", "encoding-invalid"),
    ("bad-match-basis", "schema-code-unknown"),
    ("bad-next-before-this", "next-meeting-before-this"),
    ("bad-item-of-other-form", "assessment-item-foreign"),
    ("bad-item-twice", "assessment-item-repeated"),
    ("bad-item-unknown", "schema-code-unknown"),
    ("bad-mark-without-kind", "confidential-unlabelled"),
    ("bad-no-offset", "schema-pattern-mismatch"),
    ("bad-no-status", "schema-required-missing"),
    ("bad-number-not-exact", "number-not-exact"),
    ("bad-override", "safety-override-contradicted"),
    ("bad-plan-days", "schema-code-unknown"),
    ("bad-plan-missing", "safety-part-missing"),
    ("bad-question-36", "screening-item-unknown"),
    ("bad-question-twice", "assessment-item-repeated"),
    ("bad-rating-eight", "schema-code-unknown"),
    ("bad-rating-number", "schema-type-mismatch"),
    ("bad-relationship-code", "schema-code-unknown"),
    ("bad-reporter", "schema-unknown-field"),
    ("bad-result-of-other-tool", "safety-result-unfit"),
    ("bad-review-before", "period-reversed"),
    ("bad-score", "safety-override-contradicted"),
    ("bad-several-things", "schema-pattern-mismatch"),
    ("bad-status-ready", "schema-code-unknown"),
    ("bad-steps-unordered", "steps-unordered"),
    ("bad-sum", "screening-total-mismatch"),
    ("bad-sum-unlabelled", "total-unlabelled"),
    ("bad-total", "schema-unknown-field"),
    ("bad-truncated", "syntax-invalid"),
    ("bad-two-keys-alike", "person-key-repeated"),
    ("bad-unknown-code", "schema-code-unknown"),
    ("bad-unknown-codes", "schema-code-unknown"),
    ("bad-unknown-field", "schema-unknown-field"),
    ("bad-valid-with-blanks", "screening-not-valid"),
    ("bad-wrong-type", "schema-type-mismatch"),
    ("bad-determined-by-worker", "icwa-not-determined"),
    ("bad-determined-without-court", "icwa-not-determined"),
    ("bad-no-reason-beside-tribe", "icwa-status-contradicted"),
    ("bad-status-unattributed", "icwa-status-unattributed"),
    ("bad-status-by-broker", "schema-code-unknown"),
    ("bad-reporter-among-asked", "schema-code-unknown"),
    ("bad-closed", "schema-unknown-field"),
    ("bad-tribe-answers-before", "period-reversed"),
    ("bad-child-dangling", "reference-dangling"),
    ("bad-exit-before-removal", "period-reversed"),
    ("bad-reason-without-exit", "episode-end-incomplete"),
    ("bad-exit-without-reason", "episode-end-incomplete"),
    ("bad-placement-before-removal", "episode-date-outside"),
    ("bad-visit-after-exit", "episode-date-outside"),
    ("bad-placements-unordered", "episode-unordered"),
    ("bad-two-counties-at-once", "jurisdictions-overlap"),
    ("bad-removed-before-birth", "removed-before-birth"),
    ("bad-no-exit-code", "schema-code-unknown"),
    ("bad-work-joined-to-a-case", "workforce-joined-to-family"),
    ("bad-work-with-a-focus-child", "workforce-joined-to-family"),
    ("bad-client-identifier", "schema-unknown-field"),
    ("bad-child-among-workers", "schema-code-unknown"),
    ("bad-renewed-before-issued", "period-reversed"),
    ("bad-entry-kind", "schema-code-unknown"),
    (
        "bad-lived-experience-without-consent-word",
        "schema-required-missing",
    ),
    ("bad-supervisor-dangling", "reference-dangling"),
    ("bad-more-than-all", "measure-over-whole"),
    ("bad-measure-twice", "measure-repeated"),
    ("bad-group-without-dimension", "measure-group-incomplete"),
    ("bad-names-somebody", "schema-value-out-of-range"),
    ("bad-subject", "schema-unknown-field"),
    ("bad-count-negative", "schema-value-out-of-range"),
    ("bad-period-backwards", "period-reversed"),
    ("bad-unknown-measure", "schema-code-unknown"),
    ("bad-no-measures", "schema-value-out-of-range"),
    ("warn-answer-unfollowed", "icwa-answer-unfollowed"),
    ("warn-notice-missing", "icwa-notice-missing"),
    ("no-release", "meeting-release-missing"),
    ("no-service-source", "service-source-unknown"),
    ("warn-came-and-declined", "attendance-contradicted"),
    ("warn-declined-and-begun", "assignment-not-declined"),
    ("warn-end-without-reason", "assignment-end-unexplained"),
    ("warn-late", "meeting-late"),
    ("warn-next-late", "next-meeting-late"),
    ("warn-nobody-does-it", "action-step-incomplete"),
    ("warn-age", "screening-age-unusual"),
    ("warn-incomplete", "assessment-incomplete"),
    (
        "warn-interpretation-unqualified",
        "interpreter-not-qualified",
    ),
    ("warn-safety-without-report", "check-reporting-duty"),
    ("warn-wish-not-asked", "choice-not-asked"),
    ("warn-two-parts", "safety-part-unexpected"),
    ("warn-withdrawn-tool", "safety-tool-withdrawn"),
];

#[test]
fn every_fixture_has_the_findings_its_name_promises() {
    let table: BTreeMap<&str, &str> = WRONG.iter().copied().collect();
    for (record_type, case, bytes) in fixtures() {
        let parsed = json::parse(&bytes);
        let mut found = parsed.findings;
        if let Some(tree) = &parsed.tree {
            found.extend(findings(record_type, tree));
        }
        // Only a store knows what came before.
        found.retain(|f| rules::EARLIER.iter().all(|earlier| earlier.code != f.code));
        let codes: Vec<&str> = found.iter().map(|f| f.code.as_ref()).collect();
        let errors = found.iter().filter(|f| f.is_error()).count();
        match table.get(case.as_str()) {
            Some(code) => assert!(codes.contains(code), "{record_type}/{case}: {codes:?}"),
            None => assert!(codes.is_empty(), "{record_type}/{case}: {codes:?}"),
        }
        assert_eq!(
            errors > 0,
            case.starts_with("bad-"),
            "{record_type}/{case}: {codes:?}"
        );
    }
}

/// The plain engine on the schema files themselves, references followed by name.
fn plain(record_type: &str, registry: &Registry<'_>) -> jsonschema::Validator {
    let mut options = jsonschema::options().with_registry(registry).offline();
    for word in TextFormat::WORDS {
        let format = TextFormat::of(word).expect("a format");
        options = options.with_format(*word, move |text| fit(format, text) == Fit::Right);
    }
    let reference = format!("kb:///{}", path_of(record_type));
    options
        .should_validate_formats(true)
        .build(&serde_json::json!({ "$ref": reference }))
        .expect("the schema files compile as they are")
}

static PLAIN: LazyLock<BTreeMap<&'static str, jsonschema::Validator>> = LazyLock::new(|| {
    let mut registry = Registry::new();
    for (path, schema) in &CATALOG.0.schema_json {
        if path.starts_with("canonical/") {
            let uri = format!("kb:///{path}");
            registry = registry.add(uri, schema.clone()).expect("a schema file");
        }
    }
    let registry = registry.prepare().expect("the references resolve");
    TYPES
        .iter()
        .map(|t| (t.as_str(), plain(t, &registry)))
        .collect()
});

/// Every node of a tree, one after another.
fn count(node: &Node) -> usize {
    let members = node.members().iter().map(|(_, child)| count(child));
    1 + members.sum::<usize>() + node.items().iter().map(count).sum::<usize>()
}

/// Changes the node that is `at` steps into the tree; false when it was removed from its parent.
fn change(node: &mut Node, at: &mut usize, what: u8) -> bool {
    if *at == 0 {
        *at = usize::MAX;
        let canary = || Node::string("CANARY-VALUE");
        match what {
            0 => return false,
            1 => node.value = Value::Null,
            2 => *node = canary(),
            3 => node.value = Value::Number("17".into()),
            4 => node.value = Value::Array(vec![canary()]),
            5 => node.value = Value::Object(vec![("strange".into(), canary())]),
            6 => node.value = Value::Bool(true),
            _ => node.set("strange", canary()),
        }
        return true;
    }
    *at -= 1;
    match &mut node.value {
        Value::Object(members) => {
            members.retain_mut(|(_, m)| *at == usize::MAX || change(m, at, what))
        }
        Value::Array(items) => items.retain_mut(|item| *at == usize::MAX || change(item, at, what)),
        _ => {}
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn our_verdict_is_that_of_the_schema_files(
        pick in any::<Index>(),
        edits in proptest::collection::vec((any::<Index>(), 0u8..8), 0..3),
    ) {
        let all = fixtures();
        let (record_type, _, bytes) = &all[pick.index(all.len())];
        let Some(mut node) = json::parse(bytes).tree else {
            return Ok(());
        };
        for (at, what) in edits {
            let mut at = at.index(count(&node));
            change(&mut node, &mut at, what);
        }
        let mut text = Vec::new();
        json::write(&node, &mut text);
        let value: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let theirs = PLAIN[record_type].is_valid(&value);
        let schema = CATALOG.1.get(&path_of(record_type)).expect("a schema");
        prop_assert_eq!(schema.is_valid(&node), theirs);
        let found = findings(record_type, &node);
        let by_schema = schema.check(&node, &SenderNotation::Pointer);
        prop_assert_eq!(by_schema.iter().any(Finding::is_error), !theirs);
        for finding in &found {
            let told = format!("{} {} {}", finding.message, finding.fix, finding.path);
            prop_assert!(!told.contains("CANARY"), "{told}");
        }
    }
}

#[test]
fn the_shipped_schemas_are_in_the_profile() {
    // Goal: the profile's own schema says what the compiler takes. Method: every shipped schema
    // against it, and schemas the compiler refuses.
    let text = std::fs::read(root().join("schemas/kinbridge/schema-profile.schema.json"));
    let profile: serde_json::Value =
        serde_json::from_slice(&text.expect("the profile")).expect("JSON");
    let profile = jsonschema::options().build(&profile).expect("a schema");
    for (path, schema) in &CATALOG.0.schema_json {
        if path.starts_with("canonical/") || path.starts_with("formats/") {
            assert!(profile.is_valid(schema), "{path}");
        }
    }
    for refused in [
        r#"{"type":["string","null"]}"#,
        r#"{"type":"string","format":"email"}"#,
        r#"{"type":"object","patternProperties":{}}"#,
        r#"{"$ref":"https://example.test/a.json"}"#,
        r#"{"type":"string","x-about":"mother"}"#,
        r#"{"allOf":[]}"#,
        r#"{"type":"array"}"#,
    ] {
        let schema = serde_json::from_str(refused).expect("JSON");
        assert!(!profile.is_valid(&schema), "{refused}");
        let files = [("formats/x/a.schema.json".to_owned(), refused)].into();
        assert!(
            !kinbridge::catalog::schema::compile_all(&files).1.is_empty(),
            "{refused}"
        );
    }
}
