//! Goal: a FHIR document is the same as XML and as JSON: the same records, findings and places
//! going in, and what is written as XML is read as what is written as JSON. Method: every fixture
//! turned into XML by a converter of these tests, which knows no schema; every record of every
//! fixture written in both forms.

use crate::fixtures::{Case, cases, format_of, rules};
use kinbridge::base::finding::Finding;
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::format::json;
use kinbridge::format::tree::{Node, Value};
use kinbridge::intake::read::{Reading, read};
use kinbridge::wire::Wire;
use std::collections::BTreeSet;
use std::sync::Arc;

const XML: &str = "application/fhir+xml";

/// Cases that are about what only JSON can say: its own syntax, streams, a number where a word
/// belongs, one object where a list does.
const OF_JSON_ALONE: [&str; 7] = [
    "bad-duplicate-key",
    "bad-name-not-a-list",
    "bad-not-json",
    "bad-priority-number",
    "bad-truncated",
    "lines-one-bad",
    "bad-answer-text",
];

fn fhir() -> FormatId {
    FormatId::new("fhir-r4/4.0")
}

fn as_xml() -> Arc<Wire> {
    let wire = rules().wires.get(&fhir()).expect("shipped").written_as(XML);
    Arc::new(wire.expect("it has an XML form"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('\n', "&#10;")
}

/// One member as elements, by nothing but how FHIR writes JSON and XML.
fn element(name: &str, node: &Node, out: &mut String) {
    match &node.value {
        Value::Array(items) => items.iter().for_each(|item| element(name, item, out)),
        Value::Object(_) if node.text("resourceType").is_some() => {
            out.push_str(&format!("<{name}>"));
            resource(node, "", out);
            out.push_str(&format!("</{name}>\n"));
        }
        Value::Object(members) => {
            out.push_str(&format!("<{name}"));
            let attribute = |key: &str| key == "id" || key == "url" && name.ends_with("xtension");
            for (key, value) in members.iter().filter(|(key, _)| attribute(key)) {
                let text = escaped(value.as_str().expect("an attribute is text"));
                out.push_str(&format!(" {key}=\"{text}\""));
            }
            out.push_str(">\n");
            for (key, value) in members.iter().filter(|(key, _)| !attribute(key)) {
                assert!(!key.starts_with('_'), "no fixture has {key}");
                element(key, value, out);
            }
            out.push_str(&format!("</{name}>\n"));
        }
        Value::String(text) if name == "div" => out.push_str(text),
        Value::String(text) | Value::Number(text) => {
            out.push_str(&format!("<{name} value=\"{}\"/>\n", escaped(text)));
        }
        Value::Bool(flag) => out.push_str(&format!("<{name} value=\"{flag}\"/>\n")),
        Value::Null => panic!("no fixture has a null"),
    }
}

fn resource(node: &Node, declared: &str, out: &mut String) {
    let name = node.text("resourceType").expect("a resource");
    out.push_str(&format!("<{name}{declared}>\n"));
    for (key, value) in node.members() {
        if key != "resourceType" {
            element(key, value, out);
        }
    }
    out.push_str(&format!("</{name}>\n"));
}

fn converted(document: &Node) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    resource(document, " xmlns=\"http://hl7.org/fhir\"", &mut out);
    out
}

fn read_as(record: &str, bytes: &[u8]) -> Reading {
    read(&rules(), &fhir(), &[RecordType::new(record)], bytes)
}

fn all(reading: &Reading) -> impl Iterator<Item = &Finding> {
    let of_records = reading.records.iter().flat_map(|record| &record.findings);
    reading.findings.iter().chain(of_records)
}

/// Findings without lines, names that may not be shown without their ordinals.
fn told(reading: &Reading) -> BTreeSet<String> {
    let shown = |finding: &Finding| {
        let pieces = finding.path.split('?').enumerate().map(|(at, piece)| {
            let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit() && at > 0);
            rest.to_owned()
        });
        let path = pieces.collect::<Vec<String>>().join("?");
        format!("{} {:?} {path}", finding.code, finding.record_index)
    };
    // In XML only what stands in it tells that something is of another type, and is told too.
    let of_another_type: Vec<String> = all(reading)
        .filter(|it| it.code == "schema-type-mismatch")
        .map(|it| format!("{}.", it.path))
        .collect();
    let inside = |it: &&Finding| of_another_type.iter().any(|path| it.path.starts_with(path));
    let whole = all(reading).filter(|it| !inside(it));
    whole.map(shown).collect()
}

fn records(reading: &Reading) -> Vec<Option<Vec<u8>>> {
    let all = reading.records.iter();
    all.map(|it| it.record.as_ref().map(|it| json::canonical(&it.root)))
        .collect()
}

fn of_json() -> Vec<(Case, Node)> {
    let own = cases().into_iter().filter(|case| {
        let of_json = !OF_JSON_ALONE.contains(&case.name.as_str());
        let json = case.input.extension().is_some_and(|it| it == "json");
        case.format == "fhir-r4" && of_json && json
    });
    own.map(|case| {
        let bytes = std::fs::read(&case.input).expect("the input is readable");
        let tree = json::parse(&bytes).tree.expect("JSON");
        (case, tree)
    })
    .collect()
}

#[test]
fn every_fixture_is_read_alike_as_xml() {
    let mut wrong = Vec::new();
    let own = of_json();
    assert!(own.len() > 80, "only {} cases", own.len());
    for (case, tree) in own {
        let bytes = std::fs::read(&case.input).expect("the input is readable");
        let (plain, other) = (
            read_as(&case.record, &bytes),
            read_as(&case.record, converted(&tree).as_bytes()),
        );
        let at = format!("{}/{}", case.record, case.name);
        if told(&plain) != told(&other) {
            wrong.push(format!("{at}: {:?}\n{:?}", told(&plain), told(&other)));
        }
        if records(&plain) != records(&other) {
            wrong.push(format!("{at}: other records"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The same tree with the members of every object by their names.
fn sorted(node: &Node) -> Node {
    match &node.value {
        Value::Array(items) => Node::from(Value::Array(items.iter().map(sorted).collect())),
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(name, node)| (name.clone(), sorted(node)))
                .collect();
            members.sort_by(|left, right| left.0.cmp(&right.0));
            Node::from(Value::Object(members))
        }
        _ => node.clone(),
    }
}

fn parsed(wire: &Wire, bytes: &[u8]) -> Node {
    let mut units = wire.units(bytes);
    let unit = units.next().expect("a document").expect("it is cut");
    let parsed = wire.parse(&unit);
    assert!(parsed.findings.is_empty(), "{:?}", parsed.findings);
    parsed.tree.expect("a tree")
}

#[test]
fn what_is_written_as_xml_is_what_is_written_as_json() {
    let (rules, xml) = (rules(), as_xml());
    let plain = rules.wires.get(&fhir()).expect("shipped");
    assert_eq!(
        (xml.media_type(), plain.media_type()),
        (XML, "application/fhir+json")
    );
    let mut seen = 0;
    for case in cases() {
        let source = format_of(&rules, &case.format);
        let bytes = std::fs::read(&case.input).expect("the input is readable");
        let kind = RecordType::new(&case.record);
        let reading = read(&rules, &source, std::slice::from_ref(&kind), &bytes);
        for record in reading.records.iter().filter_map(|it| it.record.as_ref()) {
            let at = format!("{}/{}/{}", case.format, case.record, case.name);
            let Ok(out) = rules.plans.outbound(&fhir(), record) else {
                continue;
            };
            assert!(xml.refused(&out.tree).is_empty(), "{at}");
            let (text, json) = (xml.write(&out.tree), plain.write(&out.tree));
            assert!(text.starts_with(b"<?xml"), "{at}");
            let (one, other) = (parsed(&xml, &text), parsed(plain, &json));
            assert_eq!(sorted(&one), sorted(&other), "{at}");
            // Both forms give the same record, and it the same bytes again.
            let back = [&text, &json].map(|bytes| read_as(&case.record, bytes));
            assert_eq!(records(&back[0]), records(&back[1]), "{at}");
            let again = back[0].records.first().and_then(|it| it.record.as_ref());
            // What is written without a decision has no labels: some of it is not taken again.
            let Some(again) = again else {
                continue;
            };
            let again = rules.plans.outbound(&fhir(), again).expect("written again");
            assert!(xml.write(&again.tree) == text, "{at}: other bytes");
            seen += 1;
        }
    }
    assert!(seen > 150, "only {seen} records");
}

const PATIENT: &str = "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"p-1\"/>\
    <identifier><system value=\"urn:example:x\"/><value value=\"1\"/></identifier>\
    <name><family value=\"Exampleton\"/></name></Patient>";

fn codes(text: &str) -> Vec<String> {
    let reading = read_as("person", text.as_bytes());
    let errors = all(&reading).filter(|finding| finding.is_error());
    let codes: BTreeSet<String> = errors.map(|it| it.code.to_string()).collect();
    codes.into_iter().collect()
}

// Goal: a sender of XML is told what is wrong as one of JSON is, and nothing hostile is read.
// Method: one small patient, spoilt in one way each.
#[test]
fn what_is_wrong_in_xml_is_told() {
    assert_eq!(codes(PATIENT), [""; 0]);
    let spoilt = |from: &str, to: &str| codes(&PATIENT.replacen(from, to, 1));
    let name = "<name>";
    for (from, to, code) in [
        (
            "http://hl7.org/fhir",
            "urn:hl7-org:v3",
            "xml-root-unexpected",
        ),
        (" xmlns=\"http://hl7.org/fhir\"", "", "xml-root-unexpected"),
        ("<Patient", "<!DOCTYPE Patient><Patient", "doctype-refused"),
        (
            "<id value=\"p-1\"/>",
            "<id>p-1</id>",
            "xml-content-misplaced",
        ),
        ("Patient xmlns", "Persona xmlns", "syntax-invalid"),
        (
            name,
            "<birthDate value=\"1990-02-30\"/><name>",
            "date-impossible",
        ),
        (name, "<active value=\"1\"/><name>", "schema-type-mismatch"),
        (name, "<active value=\"false\"/><name>", "modifier-not-read"),
        (
            name,
            "<implicitRules value=\"urn:x\"/><name>",
            "modifier-not-read",
        ),
        (
            "<family",
            "<modifierExtension url=\"urn:x\"><valueCode value=\"y\"/></modifierExtension>\
             <family",
            "modifier-not-read",
        ),
        (
            name,
            "<meta><security><system value=\"urn:x\"/><code value=\"y\"/></security></meta><name>",
            "security-label-unknown",
        ),
        (
            name,
            "<gender value=\"female\"/><gender value=\"male\"/><name>",
            "element-repeated",
        ),
    ] {
        assert_eq!(spoilt(from, to), [code], "{to}");
    }
    let persona = PATIENT.replace("Patient", "Persona");
    assert_eq!(codes(&persona), ["record-type-unknown"]);
}

// Goal: places are those of JSON with the lines of the XML. Method: a wrong code in a list, on its
// own line.
#[test]
fn a_place_is_told_as_in_json() {
    let text = PATIENT.replace(
        "<name>",
        "\n<telecom/>\n<telecom>\n <use value=\"x\"/></telecom><name>",
    );
    let reading = read_as("person", text.as_bytes());
    let found: Vec<_> = all(&reading)
        .filter(|it| it.is_error())
        .map(|it| (it.path.as_str(), it.line, it.column))
        .collect();
    assert_eq!(found, [("Patient.telecom[1].use", Some(4), Some(14))]);
}

// Goal: what a media type says is what the body is. Method: both forms under both types.
#[test]
fn a_body_is_what_its_media_type_says() {
    let rules = rules();
    let wire = rules.wires.get(&fhir()).expect("shipped");
    let json = "application/fhir+json";
    for (media, body, wrong) in [
        (json, "{}", false),
        (json, "\u{feff} <Patient/>", true),
        (XML, "\n<Patient/>", false),
        ("Application/XML", "{}", true),
        (XML, "", false),
    ] {
        let told = wire.differs(media, body.as_bytes());
        assert_eq!(told.is_some(), wrong, "{media} {body}");
        assert!(told.is_none_or(|it| it.code == "media-type-differs"));
    }
    let county = rules.wires.get(&FormatId::new("county-niem/1.0"));
    let county = county.expect("shipped");
    assert!(county.differs("application/xml", b"{}").is_none());
    assert!(county.written_as(XML).is_none() && county.written_as("application/xml").is_some());
}

// Goal: in a stream of lines XML is told and not read. Method: a good document as the second line.
#[test]
fn a_line_of_a_stream_is_never_xml() {
    let json = r#"{"resourceType":"Patient","id":"p-2","name":[{"family":"Exampleton"}],
        "identifier":[{"system":"urn:example:x","value":"2"}]}"#;
    let json = json.replace('\n', "");
    let reading = read_as("person", format!("{json}\n{PATIENT}\n{json}\n").as_bytes());
    assert_eq!(reading.records.len(), 3);
    let second = &reading.records[1];
    assert!(second.record.is_none());
    let told = &second.findings[0];
    assert_eq!((told.code.as_ref(), told.line), ("syntax-invalid", Some(2)));
    assert!(told.message.contains("begins as XML"), "{}", told.message);
    // Alone it is a document like any other.
    assert!(
        read_as("person", PATIENT.as_bytes()).records[0]
            .record
            .is_some()
    );
}

// Goal: a consent sent alone is told where it is, and where consents go. Method: one in each form.
#[test]
fn a_consent_sent_alone_is_told_where_consents_go() {
    let json = r#"{"resourceType":"Consent","id":"c","status":"active"}"#;
    let xml = "<Consent xmlns=\"http://hl7.org/fhir\"><id value=\"c\"/>\
        <status value=\"active\"/></Consent>";
    for text in [json, xml] {
        let reading = read_as("service-referral", text.as_bytes());
        let told = reading.findings.iter();
        let told: Vec<(&str, &str)> = told.map(|it| (&*it.code, it.path.as_str())).collect();
        let expected = [
            ("record-type-unknown", "Consent"),
            ("consent-elsewhere", "Consent"),
        ];
        assert_eq!(told, expected, "{text}");
        for way in ["PUT /v1/consents/{id}", "POST /fhir/Consent"] {
            assert!(reading.findings[1].fix.contains(way), "{way}");
        }
    }
}
