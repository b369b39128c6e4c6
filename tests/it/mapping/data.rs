//! Goal: formats are data. Method: a test lays a partner, a crosswalk row and three formats
//! (delimited, JSON, XML) over the shipped catalog at run time, reads one family's referral in
//! each, and writes what was read in each of the others, all by the law.

use super::law::Bench;
use kinbridge::base::id::{FormatId, PartnerId, RecordType};
use kinbridge::intake::read;
use kinbridge::record::Record;
use kinbridge::rules::Rules;
use std::path::Path;

const PARTNER: &str = r#"
id = "new-friends"
name = "New Friends"
role = "ppp"
mode = "test"
agreement = [
  { id = "1", kind = "contract_10850" }, { id = "2", kind = "baa" }, { id = "3", kind = "qsoa" } ]
[[channel]]
direction = "in"
format = "plain-json/1.0"
records = ["service-referral"]
[[channel]]
direction = "out"
format = "tiny-xml/1.0"
records = ["service-referral"]
purpose = "care_coordination"
related_by = ["addressee"]
https = { url = "https://new-friends.example/in" }
"#;

const STATES: &str = "\
from,to,relation
draft,D,equivalent
requested,open,equivalent
accepted,taken,equivalent
rejected,R,equivalent
cancelled,C,equivalent
in-progress,P,equivalent
on-hold,H,equivalent
failed,F,equivalent
completed,done,equivalent
entered-in-error,E,equivalent
";

/// Two rows over a shipped table: one more spelling for a code it has.
const ROW: &str = "from,to,relation,preferred\nfemale,F,equivalent,both\nfemale,W,narrower,\n";

const JSON_FORMAT: &str = r#"
name = "Plain JSON"
syntax = "json"
media_types = ["application/json"]
[[node]]
when = "all"
at = "all[]"
type_from = "kind"
[[node]]
at = "."
type_from = "kind"
write = true
[[schema]]
type = "referral"
file = "referral.schema.json"
"#;

const JSON_SCHEMA: &str = r#"{
  "type": "object",
  "required": ["kind", "no", "client", "state"],
  "properties": {
    "kind": {"type": "string", "const": "referral"},
    "no": {"type": "string"},
    "from": {"type": "string"},
    "client": {
      "type": "object",
      "properties": {
        "no": {"type": "string"}, "name": {"type": "string"}, "born": {"type": "string"}
      }
    },
    "state": {"type": "string", "enum": [
      "D", "open", "taken", "R", "C", "P", "H", "F", "done", "E"]},
    "steps": {"type": "array", "items": {
      "type": "object",
      "properties": {"s": {"type": "string"}, "t": {"type": "string"}, "why": {"type": "string"}}
    }}
  }
}"#;

const JSON_MAPPING: &str = r#"
[[part]]
name = "referral"
type = "referral"
root = true
[[part]]
name = "client"
from = "referral"
path = "client"
embedded = true
person = true
record = "envelope.subject_refs[]"
key = "no"
use = ["client"]
[[template]]
name = "client"
  [[template.rule]]
  record = [".names[use='legal'].first", ".names[use='legal'].last"]
  wire = "name"
  transform = ["concat  "]
  [[template.rule]]
  record = ".birth_date"
  wire = "born"
[[rule]]
record = "envelope.source_record_id"
wire = "no"
direction = "in"
[[rule]]
record = "body.referral_id"
wire = "no"
[[rule]]
record = "envelope.service_source"
wire = "from"
[[rule]]
record = "body.status"
wire = "state"
crosswalk = "referral-status--plain-state"
[[each]]
record = "body.status_history[]"
wire = "steps[]"
  [[each.rule]]
  record = ".code"
  wire = "s"
  crosswalk = "referral-status--plain-state"
  [[each.rule]]
  record = ".at"
  wire = "t"
  transform = ["instant"]
  [[each.rule]]
  record = ".reason"
  wire = "why"
"#;

const ROWS_FORMAT: &str = r#"
name = "Sheet"
syntax = "delimited"
media_types = ["text/csv"]
[delimited]
delimiter = ";"
[[schema]]
type = "sheet"
file = "sheet.schema.json"
header = ["Referral No"]
group_by = ["Referral No"]
"#;

const ROWS_SCHEMA: &str = r#"{
  "type": "object",
  "required": ["Referral No"],
  "properties": {
    "Referral No": {"type": "string"}, "client no": {"type": "string"},
    "client first": {"type": "string"}, "client last": {"type": "string"},
    "client born": {"type": "string"}, "client sex": {"type": "string"},
    "source": {"type": "string"}, "state": {"type": "string"},
    "step": {"type": "string"}, "at": {"type": "string"}, "why": {"type": "string"}
  }
}"#;

const ROWS_MAPPING: &str = r#"
[[part]]
name = "sheet"
type = "sheet"
root = true
[[part]]
name = "client"
from = "sheet"
path = "."
embedded = true
person = true
record = "envelope.subject_refs[]"
prefix = "client "
key = "'client no'"
use = ["client"]
[[template]]
name = "client"
  [[template.rule]]
  record = ".names[use='legal'].first"
  wire = "first"
  [[template.rule]]
  record = ".names[use='legal'].last"
  wire = "last"
  [[template.rule]]
  record = ".birth_date"
  wire = "born"
  transform = ["date MM/DD/YYYY"]
  lossy = "a year or a month alone has no cell"
  [[template.rule]]
  record = ".gender_admin"
  wire = "sex"
  crosswalk = "gender-admin--sex-letter"
[[rule]]
record = "envelope.source_record_id"
wire = "'Referral No'"
direction = "in"
[[rule]]
record = "body.referral_id"
wire = "'Referral No'"
[[rule]]
record = "envelope.service_source"
wire = "source"
[[rule]]
record = "body.status"
wire = "state"
crosswalk = "referral-status--plain-state"
[[each]]
record = "body.status_history[]"
wire = "$rows[]"
  [[each.rule]]
  record = ".code"
  wire = "step"
  crosswalk = "referral-status--plain-state"
  [[each.rule]]
  record = ".at"
  wire = "at"
  transform = ["instant"]
  [[each.rule]]
  record = ".reason"
  wire = "why"
"#;

const XML_FORMAT: &str = r#"
name = "Tiny XML"
syntax = "xml"
media_types = ["application/xml"]
document = "tiny.schema.json"
[xml]
root = "t:All"
namespaces = { t = "urn:example:tiny" }
[reference]
id = "@id"
value = "@who"
names = ["{id}"]
write = "{id}"
id_form = "ncname"
[[node]]
at = "t:Referral[]"
type = "t:Referral"
[[node]]
at = "t:Person[]"
type = "t:Person"
[[schema]]
type = "t:Referral"
file = "referral.schema.json"
[[schema]]
type = "t:Person"
file = "person.schema.json"
"#;

const XML_DOCUMENT: &str = r#"{
  "type": "object",
  "x-order": ["t:Person", "t:Referral"],
  "properties": {
    "t:Person": {"type": "array", "items": {"$ref": "person.schema.json"}},
    "t:Referral": {"type": "array", "items": {"$ref": "referral.schema.json"}}
  }
}"#;

const XML_PERSON: &str = r##"{
  "type": "object",
  "x-order": ["t:Given", "t:Family", "t:Born"],
  "properties": {
    "@id": {"type": "string"},
    "t:Given": {"type": "array", "items": {"$ref": "#/$defs/text"}},
    "t:Family": {"$ref": "#/$defs/text"},
    "t:Born": {"$ref": "#/$defs/text"}
  },
  "$defs": {"text": {"type": "object", "properties": {"$": {"type": "string"}}}}
}"##;

const XML_REFERRAL: &str = r##"{
  "type": "object",
  "x-order": ["t:Client", "t:Step"],
  "properties": {
    "@id": {"type": "string"}, "@no": {"type": "string"}, "@state": {"type": "string"},
    "@source": {"type": "string"},
    "t:Client": {"type": "object", "properties": {"@who": {"type": "string"}}},
    "t:Step": {"type": "array", "items": {
      "type": "object",
      "properties": {
        "@code": {"type": "string"}, "@at": {"type": "string"}, "$": {"type": "string"}
      }
    }}
  }
}"##;

const XML_MAPPING: &str = r#"
[[part]]
name = "referral"
type = "t:Referral"
root = true
[[part]]
name = "client"
type = "t:Person"
from = "referral"
path = "t:Client"
person = true
record = "envelope.subject_refs[]"
order = -1
use = ["client"]
[[template]]
name = "client"
  [[template.rule]]
  record = ".names[use='legal'].first"
  wire = "t:Given[0]"
  [[template.rule]]
  record = ".names[use='legal'].last"
  wire = "t:Family"
  [[template.rule]]
  record = ".birth_date"
  wire = "t:Born"
[[rule]]
record = "envelope.source_record_id"
wire = "@no"
direction = "in"
[[rule]]
record = "body.referral_id"
wire = "@no"
[[rule]]
record = "envelope.service_source"
wire = "@source"
[[rule]]
record = "body.status"
wire = "@state"
crosswalk = "referral-status--plain-state"
[[each]]
record = "body.status_history[]"
wire = "t:Step[]"
  [[each.rule]]
  record = ".code"
  wire = "@code"
  crosswalk = "referral-status--plain-state"
  [[each.rule]]
  record = ".at"
  wire = "@at"
  transform = ["instant"]
  [[each.rule]]
  record = ".reason"
  wire = "."
"#;

const JSON_INPUT: &str = r#"{"kind": "referral", "no": "R-1",
  "client": {"no": "C-1", "name": "Testa Exemplar", "born": "1991-04-02"}, "state": "taken",
  "steps": [{"s": "open", "t": "2026-03-01T09:00:00-08:00"},
            {"s": "taken", "t": "2026-03-02T09:00:00-08:00", "why": "there is room"}]}"#;

const ROWS_INPUT: &str = "\
Referral No;client no;client first;client last;client born;client sex;source;state;step;at;why
R-1;C-1;Testa;Exemplar;04/02/1991;W;case;taken;open;2026-03-01T09:00:00-08:00;
R-1;C-1;Testa;Exemplar;04/02/1991;W;case;taken;taken;2026-03-02T09:00:00-08:00;there is room
";

const XML_INPUT: &str = r#"<x:All xmlns:x="urn:example:tiny">
  <x:Person id="a1"><x:Given>Testa</x:Given><x:Family>Exemplar</x:Family>
    <x:Born>1991-04-02</x:Born></x:Person>
  <x:Referral no="R-1" state="taken" source="case"><x:Client who="a1"/>
    <x:Step code="open" at="2026-03-01T09:00:00-08:00"/>
    <x:Step code="taken" at="2026-03-02T09:00:00-08:00">there is room</x:Step></x:Referral>
</x:All>"#;

const INPUTS: &[(&str, &str)] = &[
    ("plain-json/1.0", JSON_INPUT),
    ("sheet/1.0", ROWS_INPUT),
    ("tiny-xml/1.0", XML_INPUT),
];

pub(super) fn lay(folder: &Path) {
    let files = [
        ("mappings/partners/new-friends.toml", PARTNER),
        (
            "mappings/crosswalks/referral-status--plain-state.csv",
            STATES,
        ),
        ("mappings/crosswalks/gender-admin--sex-letter.csv", ROW),
        ("schemas/formats/plain-json/1.0/format.toml", JSON_FORMAT),
        (
            "schemas/formats/plain-json/1.0/referral.schema.json",
            JSON_SCHEMA,
        ),
        (
            "mappings/plain-json/1.0/service-referral.toml",
            JSON_MAPPING,
        ),
        ("schemas/formats/sheet/1.0/format.toml", ROWS_FORMAT),
        ("schemas/formats/sheet/1.0/sheet.schema.json", ROWS_SCHEMA),
        ("mappings/sheet/1.0/service-referral.toml", ROWS_MAPPING),
        ("schemas/formats/tiny-xml/1.0/format.toml", XML_FORMAT),
        (
            "schemas/formats/tiny-xml/1.0/tiny.schema.json",
            XML_DOCUMENT,
        ),
        (
            "schemas/formats/tiny-xml/1.0/person.schema.json",
            XML_PERSON,
        ),
        (
            "schemas/formats/tiny-xml/1.0/referral.schema.json",
            XML_REFERRAL,
        ),
        ("mappings/tiny-xml/1.0/service-referral.toml", XML_MAPPING),
    ];
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
}

fn taken(rules: &Rules, format: &str, bytes: &[u8]) -> Record {
    let types = [RecordType::new("service-referral")];
    let reading = read::read(rules, &FormatId::new(format), &types, bytes);
    assert!(
        reading.findings.is_empty(),
        "{format}: {:?}",
        reading.findings
    );
    assert_eq!(reading.records.len(), 1, "{format}");
    let one = &reading.records[0];
    one.record
        .clone()
        .unwrap_or_else(|| panic!("{format}: {:#?}", one.findings))
}

#[test]
fn a_partner_a_row_and_three_formats_are_added_at_run_time() {
    let folder = tempfile::tempdir().expect("a folder");
    lay(folder.path());
    let overlays = [folder.path().to_path_buf()];
    let rules = Rules::load(&overlays).unwrap_or_else(|defects| {
        let all: Vec<String> = defects.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n"));
    });
    assert!(rules.partners.contains_key(&PartnerId::new("new-friends")));
    let bench = Bench::new(&overlays);
    for (format, input) in INPUTS {
        let record = taken(&rules, format, input.as_bytes());
        let body = record.body().expect("a body");
        assert_eq!(body.text("status"), Some("accepted"), "{format}");
        assert_eq!(
            body.pointer("/status_history/1/reason")
                .and_then(|n| n.as_str()),
            Some("there is room")
        );
        assert_eq!(
            record.persons()[0]
                .pointer("/names/0/last")
                .and_then(|n| n.as_str()),
            Some("Exemplar")
        );
        for (other, _) in INPUTS {
            let bytes = bench.write(other, &record);
            let again = taken(&rules, other, &bytes);
            assert_eq!(again.body(), record.body(), "{format} to {other}");
            bench.hold(other, &record, format);
        }
        // The shipped formats take it too.
        for shipped in ["fhir-r4/4.0", "county-niem/1.0", "provider-csv/1.0"] {
            bench.hold(shipped, &record, format);
        }
    }
    let sheet = taken(&rules, "sheet/1.0", ROWS_INPUT.as_bytes());
    assert_eq!(
        sheet.persons()[0].text("gender_admin"),
        Some("female"),
        "the added row"
    );
}

#[test]
fn what_a_mapping_must_not_be_is_told_with_its_place() {
    // Goal: start-up errors have codes and places. Method: one broken row per error.
    let cases = [
        (
            "wire = \"no\"\ndirection",
            "wire = \"number\"\ndirection",
            "wire-path-unknown",
        ),
        (
            "\"body.referral_id\"",
            "\"body.referral_number\"",
            "record-path-unknown",
        ),
        ("wire = \"state\"\n", "wire = \"steps\"\n", "type-clash"),
        (
            "wire = \"from\"\n",
            "wire = \"from\"\ndefault = \"friendship\"\nlossy = \"a test\"\n",
            "code-not-in-value-set",
        ),
        ("\"instant\"", "\"date-of\"", "row-not-invertible"),
        ("\"instant\"", "\"rot13\"", "transform-unknown"),
        (
            "person = true\nrecord = \"envelope.subject_refs[]\"",
            "record = \"body.status_history[]\"",
            "part-record-list",
        ),
        (
            "type = \"referral\"\nroot",
            "type = \"letter\"\nroot",
            "part-type-unknown",
        ),
        (
            "use = [\"client\"]",
            "use = [\"friend\"]",
            "template-unknown",
        ),
        (
            "key = \"no\"",
            "key = \"no\"\nfancy = 1",
            "catalog-file-invalid",
        ),
        (
            "record = \"body.status\"\n",
            "record = \"body.outcome\"\n",
            "required-target-unset",
        ),
    ];
    for (from, to, code) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        lay(folder.path());
        let file = folder
            .path()
            .join("mappings/plain-json/1.0/service-referral.toml");
        assert!(JSON_MAPPING.contains(from), "{from}");
        std::fs::write(file, JSON_MAPPING.replacen(from, to, 1)).expect("written");
        let defects = Rules::load(&[folder.path().to_path_buf()])
            .err()
            .unwrap_or_default();
        let found = defects.iter().find(|defect| defect.code == code);
        let found = found.unwrap_or_else(|| panic!("{code}: {defects:#?}"));
        assert!(found.file.ends_with("service-referral.toml"), "{found}");
        assert!(found.line > 0 || code == "required-target-unset", "{found}");
    }
}

#[test]
fn a_crosswalk_gap_is_told() {
    // Goal: a code without a row is found before any record has it. Method: a row taken away.
    let folder = tempfile::tempdir().expect("a folder");
    lay(folder.path());
    let file = folder
        .path()
        .join("mappings/crosswalks/referral-status--plain-state.csv");
    std::fs::write(file, STATES.replace("on-hold,H,equivalent\n", "")).expect("written");
    let defects = Rules::load(&[folder.path().to_path_buf()])
        .err()
        .unwrap_or_default();
    assert!(
        defects.iter().any(|d| d.code == "crosswalk-gap"),
        "{defects:#?}"
    );
}

// Goal: a warning never stands in for what refuses a record. Method: a required code without a row,
// of a table that lets such records wait for a person.
#[test]
fn a_code_that_waits_does_not_hide_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    lay(folder.path());
    let write = |path: &str, text: String| {
        std::fs::write(folder.path().join(path), text).expect("written");
    };
    let table = "mappings/crosswalks/referral-status--plain-state.csv";
    write(table, format!("# unmapped = hold\n{STATES}"));
    let (head, tail) = JSON_SCHEMA.split_once("\"enum\"").expect("codes");
    let (_, tail) = tail.split_once(']').expect("their end");
    let schema = format!("{head}\"maxLength\": 9{tail}");
    assert_ne!(schema, JSON_SCHEMA);
    write(
        "schemas/formats/plain-json/1.0/referral.schema.json",
        schema,
    );
    let rules = Rules::load(&[folder.path().to_path_buf()]).expect("no defect");
    let input = JSON_INPUT.replace("\"state\": \"taken\"", "\"state\": \"never\"");
    let types = [RecordType::new("service-referral")];
    let format = FormatId::new("plain-json/1.0");
    let reading = read::read(&rules, &format, &types, input.as_bytes());
    let one = &reading.records[0];
    let told: Vec<&str> = one.findings.iter().map(|it| it.code.as_ref()).collect();
    assert!(one.record.is_none(), "{told:?}");
    assert!(told.contains(&"schema-required-missing"), "{told:?}");
    assert!(told.contains(&"crosswalk-code-held"), "{told:?}");
}
