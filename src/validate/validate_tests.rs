//! Rules of validation, one test each.

use super::*;
use crate::base::finding::LineIndex;
use crate::catalog::schema::compile_all;
use crate::format::json;

fn schema(text: &str) -> Schema {
    let files = [("formats/x/a.schema.json".to_owned(), text)].into();
    let (shapes, defects) = compile_all(&files);
    assert!(defects.is_empty(), "{defects:?}");
    Schema::compile(&shapes["formats/x/a.schema.json"]).expect("the engine takes it")
}

type Wrong = (String, String, u32, u32);

fn wrong(schema: &Schema, document: &str) -> Vec<Wrong> {
    let node = json::parse(document.as_bytes()).tree.expect("a tree");
    let mut findings = schema.check(&node, &SenderNotation::Pointer);
    LineIndex::new(document.as_bytes(), 1).fill(&mut findings);
    let valid = findings.iter().all(|f| !f.is_error());
    assert_eq!(schema.is_valid(&node), valid, "both verdicts agree");
    for finding in &findings {
        let told = format!("{} {} {}", finding.message, finding.fix, finding.path);
        assert!(!told.contains("SECRET"), "{told}");
    }
    findings
        .into_iter()
        .map(|f| {
            let (line, column) = (f.line.unwrap_or(0), f.column.unwrap_or(0));
            (f.code.into_owned(), f.path, line, column)
        })
        .collect()
}

const CLOSED: &str = r#"{"type":"object","additionalProperties":false,"required":["id","at"],
  "properties":{
    "id":{"type":"string","pattern":"^[0-9]{3}$"},
    "at":{"type":"string","format":"date-time"},
    "born":{"type":"string","format":"partial-date","pattern":"^[0-9]{4}(-(0[1-9]|1[0-2]))?$"},
    "mode":{"type":"string","enum":["phone","video"]},
    "minutes":{"type":"integer","minimum":0,"maximum":1440},
    "amount":{"type":"number"},
    "note":{"type":"string","minLength":1,"maxLength":12},
    "tags":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"boolean"}}}}"#;

// Goal: every kind of error has its code, the sender's path and its line and column, and never a
// value. Method: one document with all of them.
#[test]
fn every_error_has_its_code_and_place() {
    let document = "{\"id\":\"SECRET\",\n\"born\":\"2026-02-30\",\n\"mode\":\"SECRET\",\n\
        \"minutes\":1441,\n\"amount\":\"SECRET\",\n\"note\":\"SECRET SECRET\",\n\
        \"tags\":[true,\"SECRET\",false],\n\"extra\":{\"SECRET2\":1}}";
    let mut found = wrong(&schema(CLOSED), document);
    found.sort();
    let expected = [
        ("date-impossible", "/born", 2, 8),
        ("schema-code-unknown", "/mode", 3, 8),
        ("schema-pattern-mismatch", "/id", 1, 7),
        ("schema-required-missing", "/at", 1, 1),
        ("schema-type-mismatch", "/amount", 5, 10),
        ("schema-type-mismatch", "/tags/1", 7, 14),
        ("schema-unknown-field", "/extra", 8, 9),
        ("schema-value-out-of-range", "/minutes", 4, 11),
        ("schema-value-out-of-range", "/note", 6, 8),
        ("schema-value-out-of-range", "/tags", 7, 8),
    ];
    let expected: Vec<Wrong> = expected
        .map(|(code, path, line, column)| (code.to_owned(), path.to_owned(), line, column))
        .to_vec();
    assert_eq!(found, expected);
}

// Goal: a right document has no finding; whole numbers may be written as such only. Method: one.
#[test]
fn a_right_document_has_no_finding() {
    let document = r#"{"id":"123","at":"2026-03-08T10:00:00-08:00","born":"2019","mode":"phone",
        "minutes":90,"amount":1.5,"note":"x","tags":[true]}"#;
    assert!(wrong(&schema(CLOSED), document).is_empty());
    let half = document.replace("90", "90.5");
    assert_eq!(wrong(&schema(CLOSED), &half)[0].0, "schema-type-mismatch");
}

// Goal: a text without the form of a date is another finding than a day that does not exist.
// Method: both.
#[test]
fn wrong_form_and_impossible_day_differ() {
    let with = |at: &str| format!("{{\"id\":\"123\",\"at\":\"{at}\"}}");
    let schema = schema(CLOSED);
    assert_eq!(
        wrong(&schema, &with("2026-02-30T10:00:00Z"))[0].0,
        "date-impossible"
    );
    assert_eq!(
        wrong(&schema, &with("02/28/2026"))[0].0,
        "schema-pattern-mismatch"
    );
}

const OPEN: &str = r#"{"type":"object","properties":{"entry":{"type":"array","items":{
  "type":"object","properties":{"resource":{"oneOf":[
    {"type":"object","required":["kind","id"],"properties":{
      "kind":{"type":"string","const":"A"},"id":{"type":"string"}}},
    {"type":"object","required":["kind"],"properties":{
      "kind":{"type":"string","const":"B"},"n":{"type":"integer"}}}]}}}}}}"#;

// Goal: unknown members of open schemas are one warning per path; unknown kinds likewise; errors
// inside a variant are told one by one. Method: one document with each.
#[test]
fn open_schemas_warn_once_per_path() {
    let document = r#"{"x":1,"entry":[
      {"resource":{"kind":"A","id":"1","more":1}},
      {"resource":{"kind":"A","more":2}},
      {"resource":{"kind":"B","n":"SECRET"}},
      {"resource":{"kind":"SECRET"}},{"resource":{"kind":"SECRET"}},{"resource":{}}]}"#;
    let found: Vec<(String, String)> = wrong(&schema(OPEN), document)
        .into_iter()
        .map(|w| (w.0, w.1))
        .collect();
    let expected = [
        ("schema-required-missing", "/entry/1/resource/id"),
        ("schema-type-mismatch", "/entry/2/resource/n"),
        ("schema-required-missing", "/entry/5/resource/kind"),
        ("wire-unknown-field", "/x"),
        ("wire-unknown-field", "/entry/0/resource/more"),
        ("wire-unknown-field", "/entry/3/resource"),
    ];
    let expected: Vec<(String, String)> = expected
        .map(|(code, path)| (code.to_owned(), path.to_owned()))
        .to_vec();
    assert_eq!(found, expected);
}

// Goal: an unknown kind in closed variants is an error. Method: the same choice, closed.
#[test]
fn closed_choices_refuse_unknown_kinds() {
    let closed = OPEN.replace(
        "\"properties\":{\n      \"kind\"",
        "\"additionalProperties\":false,\"properties\":{\n      \"kind\"",
    );
    let document = r#"{"entry":[{"resource":{"kind":"C"}}]}"#;
    let found = wrong(&schema(&closed), document);
    assert_eq!(
        (found[0].0.as_str(), found[0].1.as_str()),
        ("schema-code-unknown", "/entry/0/resource/kind")
    );
    assert_eq!(found.len(), 1);
}

// Goal: findings are bounded. Method: a list of wrong items.
#[test]
fn findings_are_bounded() {
    let schema = schema(r#"{"type":"array","items":{"type":"integer"}}"#);
    let document = format!("[{}\"\"]", "\"\",".repeat(500));
    let found = wrong(&schema, &document);
    assert_eq!(found.len(), 101);
    assert_eq!(found[100].0, "findings-truncated");
}

// Goal: a node inside a document is told by its whole path. Method: steps above it.
#[test]
fn a_node_is_told_by_its_whole_path() {
    let node = json::parse(br#"{"id":"1","at":"x"}"#).tree.expect("a tree");
    let above = [Step::Name("entry"), Step::Item(4), Step::Name("resource")];
    let found = schema(CLOSED).check_under(&node, &above, &SenderNotation::Dotted("Bundle".into()));
    let paths: Vec<&str> = found.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(
        paths,
        ["Bundle.entry[4].resource.id", "Bundle.entry[4].resource.at"]
    );
}

// Goal: all shipped schemas compile. Method: the shipped catalog.
#[test]
fn the_shipped_schemas_compile() {
    let (sources, _) = crate::catalog::load(&[]);
    assert!(sources.schemas.contains_key("canonical/person.schema.json"));
    let (schemas, defects) = Schemas::compile(&sources);
    assert!(defects.is_empty(), "{defects:?}");
    assert!(
        schemas
            .get("canonical/engagement-contact.schema.json")
            .is_some()
    );
}

// Goal: what is graver is never left out for what is less so. Method: one place with both, of codes
// of which one says the other.
#[test]
fn a_warning_says_nothing_for_an_error() {
    let warned = |severity| {
        let mut by = Finding::new(&SCHEMA_CODE_UNKNOWN).at("a");
        by.severity = severity;
        let mut all = vec![by, Finding::new(&CROSSWALK_CODE_UNKNOWN).at("a")];
        tell_once(&mut all);
        all.len()
    };
    assert_eq!((warned(Severity::Warning), warned(Severity::Error)), (2, 1));
}
