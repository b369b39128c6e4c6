//! Goal: a name a sender made up (a member, an element, a column) can be a value, and no finding
//! ever repeats it, while the sender still finds the place.
//! Method: put an invented person's name as a name into every object, element and header of every
//! fixture and of a table of small documents; look for it in everything that is told; compare the
//! places of a few by hand.

use crate::fixtures::{Case, cases, format_of, rules};
use kinbridge::base::finding::Finding;
use kinbridge::base::id::RecordType;
use kinbridge::intake::read::read;
use std::process::Command;

/// Nobody's name, usable in every syntax.
const STRANGE: &str = "Zilpha_Quintrell";

fn told(case: &Case, bytes: &[u8]) -> Vec<Finding> {
    let rules = rules();
    let format = format_of(&rules, &case.format);
    let reading = read(&rules, &format, &[RecordType::new(&case.record)], bytes);
    let of_records = reading.records.into_iter().flat_map(|r| r.findings);
    reading.findings.into_iter().chain(of_records).collect()
}

/// The document with one strange name more, at every place there is one after the other.
fn variants(case: &Case, text: &str) -> Vec<String> {
    let put = |at: usize, what: &str| format!("{}{what}{}", &text[..at], &text[at..]);
    let member = format!("\"{STRANGE}\":1,");
    let nested = format!("\"{STRANGE}\":{{\"{STRANGE}\":[1e400,{{\"{STRANGE}\":1}}]}},");
    let twice = format!("\"{STRANGE}\":1,\"{STRANGE}\":\"\u{1}\",");
    let inside = format!("<{STRANGE} {STRANGE}=\"1\"><{STRANGE}/><{STRANGE}/></{STRANGE}>");
    let attribute = format!(" {STRANGE}=\"1\" ");
    let is_xml = text.starts_with('<');
    let mut all = Vec::new();
    for (at, c) in text.char_indices() {
        let after = at + c.len_utf8();
        match (case.format.as_str(), c) {
            ("kinbridge-json" | "fhir-r4", '{') => {
                for more in [&member, &nested, &twice] {
                    all.push(put(after, more));
                }
            }
            ("county-niem" | "fhir-r4", '>')
                if is_xml && !text[..at].ends_with(['?', '-', '/']) =>
            {
                all.push(put(after, &inside));
                all.push(put(after, &inside.replace('Z', "z")));
                all.push(put(at, &attribute));
            }
            _ => {}
        }
    }
    if case.format == "provider-csv" {
        let ending = |more: &str| text.replacen('\n', &format!(",{more}\n"), 1);
        all.push(ending(STRANGE));
        all.push(ending(&format!("{STRANGE},{STRANGE}")));
        // Every row one cell longer.
        all.push(text.replace('\n', &format!(",{STRANGE}\n")));
        // Without a header: a row of values stands in its place.
        let rows = text.split_once('\n').map_or("", |(_, rows)| rows);
        all.push(format!("{STRANGE},{rows}"));
        all.push(rows.replacen(',', &format!(",{STRANGE},"), 1));
    }
    if case.format == "hl7v2" {
        // A segment nobody knows behind each of its own, and each with one field more.
        for (at, end) in text.match_indices('\r') {
            let after = at + end.len();
            all.push(put(after, &format!("{STRANGE}|x\r")));
            all.push(put(after, &format!("ZQU|{STRANGE}^{STRANGE}|x\r")));
            all.push(put(at, &format!("|{STRANGE}^&{STRANGE}~\\{STRANGE}\\")));
        }
    }
    all
}

#[test]
fn no_finding_repeats_a_name_the_sender_made_up() {
    let (mut tried, mut found) = (0, 0);
    for case in cases() {
        let Ok(text) = std::fs::read_to_string(&case.input) else {
            continue;
        };
        for document in variants(&case, &text) {
            let findings = told(&case, document.as_bytes());
            tried += 1;
            found += findings.len();
            let shown = serde_json::to_string(&findings).expect("JSON");
            let at = format!("{}/{}/{}", case.format, case.record, case.name);
            assert!(!shown.contains("Quintrell"), "{at}: {shown}");
        }
    }
    assert!(tried > 3_000 && found > 3_000, "{tried} {found}");
}

/// Record type and document, code, path and line of a finding in it.
const PLACES: &[(&str, &str, &str, &str, &str, u32)] = &[
    (
        "kinbridge-json",
        "person",
        "{\"envelope\":{\"record_type\":\"person\"},\n\
         \"persons\":[{\"key\":\"a\",\n\"Zilpha_Quintrell\":1}],\"body\":{}}",
        "schema-unknown-field",
        "/persons/0/?2",
        3,
    ),
    (
        "kinbridge-json",
        "person",
        "{\"envelope\":{\"Zilpha_Quintrell\":1,\n\"Zilpha_Quintrell\":2},\
         \"persons\":[],\"body\":{}}",
        "duplicate-key",
        "/envelope/?1",
        2,
    ),
    (
        "fhir-r4",
        "person",
        "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\n\"Zilpha_Quintrell\":\"x\"}]}",
        "wire-unknown-field",
        "Patient.name[0].?1",
        2,
    ),
    (
        "fhir-r4",
        "person",
        "{\"resourceType\":\"Zilpha_Quintrell\",\"id\":1e400}",
        "number-not-exact",
        "id",
        1,
    ),
    (
        "fhir-r4",
        "person",
        "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"p\"/><name>\n\
         <zilpha_Quintrell value=\"x\"/></name></Patient>",
        "wire-unknown-field",
        "Patient.name[0].?1",
        2,
    ),
    (
        "fhir-r4",
        "person",
        "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"p\" Zilpha_Quintrell=\"1\"/>\n\
         <zilpha_Quintrell>&no;",
        "syntax-invalid",
        "?4",
        2,
    ),
    (
        "county-niem",
        "person",
        "<k:CountyExchange xmlns:k=\"urn:kinbridge:county-exchange:1.0\" x=\"1\">\n\
         <Zilpha_Quintrell/>\n<Zilpha_Quintrell a=\"1\" y:a=\"2\" xmlns:y=\"urn:y\">&no;",
        "syntax-invalid",
        "kx:CountyExchange/?1[2]",
        3,
    ),
    (
        "provider-csv",
        "person",
        "person_id,Zilpha_Quintrell\nP1,\u{1}\n",
        "control-character",
        "row 2, column ?2",
        2,
    ),
    (
        "provider-csv",
        "person",
        "Zilpha_Quintrell,1990-01-01\nP1,x\n",
        "header-invalid",
        "row 1",
        1,
    ),
];

#[test]
fn the_place_of_a_strange_name_is_its_ordinal() {
    for (format, record, document, code, path, line) in PLACES {
        let case = Case::named(format, record);
        let findings = told(&case, document.as_bytes());
        let hit = findings
            .iter()
            .any(|f| f.code == *code && f.path == *path && f.line == Some(*line));
        assert!(hit, "{code} at {path}: {findings:#?}");
        let shown = serde_json::to_string(&findings).expect("JSON");
        assert!(!shown.contains("Quintrell"), "{shown}");
    }
}

#[test]
fn the_command_does_not_repeat_it_either() {
    let folder = tempfile::tempdir().expect("a folder");
    for (at, (format, _, document, ..)) in PLACES.iter().enumerate() {
        let file = folder.path().join(format!("input-{at}"));
        std::fs::write(&file, document).expect("the file is writable");
        for output in ["text", "json"] {
            let run = Command::new(env!("CARGO_BIN_EXE_kinbridge"))
                .args(["validate", "--format", format, "--output", output])
                .arg(&file)
                .output()
                .expect("the command runs");
            let all = [run.stdout, run.stderr].concat();
            let shown = String::from_utf8_lossy(&all);
            assert!(!shown.is_empty() && !shown.contains("Quintrell"), "{shown}");
        }
    }
}
