//! Goal: what a sender says of a whole place is never passed over. Method: one FHIR bundle of a
//! referral, with a label or a modifier at one place after the other.

use kinbridge::base::finding::Finding;
use kinbridge::base::finding_codes::DATA_CLASS_REFUSED;
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::format::Node;
use kinbridge::intake::read::{Reader, Reading, read};
use kinbridge::rules::Rules;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::OnceLock;

const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const SECRECY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const INLINE: &str = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/\
                      extension-inline-sec-label";

fn rules() -> &'static Rules {
    static RULES: OnceLock<std::sync::Arc<Rules>> = OnceLock::new();
    RULES.get_or_init(|| Rules::load(&[]).expect("the shipped catalog has no defect"))
}

fn taken(bundle: &Value) -> Reading {
    let bytes = serde_json::to_vec(bundle).expect("it is JSON");
    let format = FormatId::new("fhir-r4/4.0");
    read(
        rules(),
        &format,
        &[RecordType::new("service-referral")],
        &bytes,
    )
}

/// Places of the bundle below.
const TASK: &str = "/entry/1/resource";
const REQUEST: &str = "/entry/0/resource";
const PATIENT: &str = "/entry/2/resource";
const UNUSED: &str = "/entry/4/resource";
const CONTAINED: &str = "/entry/0/resource/contained/0";
const NODES: [&str; 6] = ["", REQUEST, TASK, PATIENT, "/entry/3/resource", CONTAINED];

/// A referral whose parts say where they are sensitive, and a second one that has none of it.
fn bundle() -> Value {
    let request = |id: &str, patient: &str, performer: &str| {
        json!({"resourceType": "ServiceRequest", "id": id, "status": "active", "intent": "order",
            "authoredOn": "2026-02-01T09:00:00-08:00",
            "subject": {"reference": format!("Patient/{patient}")},
            "requester": {"reference": "#role"},
            "performer": [{"reference": format!("Organization/{performer}")}],
            "contained": [{"resourceType": "PractitionerRole", "id": "role",
                "organization": {"display": "Riverbend Invented House"}}]})
    };
    let entries = [
        request("r1", "a", "o1"),
        json!({"resourceType": "Task", "id": "t1", "status": "requested", "intent": "order",
            "authoredOn": "2026-02-01T09:00:00-08:00",
            "focus": {"reference": "ServiceRequest/r1"}}),
        json!({"resourceType": "Patient", "id": "a", "birthDate": "1990-05-05"}),
        json!({"resourceType": "Organization", "id": "o1", "name": "Invented Clinic"}),
        json!({"resourceType": "Appointment", "id": "x", "status": "booked", "participant": []}),
        json!({"resourceType": "Patient", "id": "b", "birthDate": "1991-06-06"}),
        json!({"resourceType": "Organization", "id": "o2", "name": "Other Invented Clinic"}),
        request("r2", "b", "o2"),
    ];
    let entries: Vec<Value> = entries.iter().map(|it| json!({"resource": it})).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
}

fn with(place: &str, member: &str, value: Value) -> Value {
    let mut bundle = bundle();
    let at = bundle.pointer_mut(place).expect("a place");
    at[member] = value;
    bundle
}

fn labelled(place: &str, labels: &[(&str, &str)]) -> Value {
    let labels: Vec<Value> = labels
        .iter()
        .map(|(system, code)| json!({"system": system, "code": code}))
        .collect();
    with(place, "meta", json!({"security": labels}))
}

/// Classes put on the whole of a record: those of both rows, which must be the same.
fn classes(reading: &Reading, index: usize) -> BTreeSet<String> {
    let record = reading.records[index].record.as_ref().expect("a record");
    let rows = record.envelope().and_then(|e| e.get("labels"));
    let rows = rows.map(|rows| rows.items().to_vec()).unwrap_or_default();
    let of = |path: &str| -> BTreeSet<String> {
        let row = rows.iter().filter(|row| row.text("path") == Some(path));
        let words = row.flat_map(|row| row.get("classes").expect("classes").items());
        words
            .map(|word| word.as_str().expect("a word").to_owned())
            .collect()
    };
    assert_eq!(of("/body"), of("/persons"));
    of("/body")
}

fn errors(reading: &Reading, index: usize) -> Vec<&str> {
    let findings = reading.records[index].findings.iter();
    let errors = findings.filter(|finding| finding.is_error());
    errors.map(|finding| finding.code.as_ref()).collect()
}

#[test]
fn the_bundle_without_marks_is_taken() {
    let reading = taken(&bundle());
    assert_eq!(reading.records.len(), 2, "{:?}", reading.findings);
    for index in 0..2 {
        assert!(errors(&reading, index).is_empty(), "{reading:?}");
        assert!(classes(&reading, index).is_empty());
    }
}

#[test]
fn a_label_holds_for_every_record_its_place_went_into() {
    for place in NODES {
        let reading = taken(&labelled(place, &[(ACT, "42CFRPart2"), (ACT, "HIV")]));
        let said: Vec<String> = classes(&reading, 0).into_iter().collect();
        assert_eq!(said, ["hiv_test", "sud_part2"], "{place}");
        // Only what is said of the whole bundle is said of the other referral.
        assert_eq!(
            classes(&reading, 1).is_empty(),
            !place.is_empty(),
            "{place}"
        );
    }
    let unused = taken(&labelled(UNUSED, &[(ACT, "HIV")]));
    assert!(classes(&unused, 0).is_empty() && classes(&unused, 1).is_empty());
}

#[test]
fn a_label_beside_one_value_holds_for_its_record() {
    let coding = |code: &str| json!({"url": INLINE, "valueCoding": {"system": ACT, "code": code}});
    let name = json!([{"family": "Quill", "extension": [coding("MH"), coding("HIV")]}]);
    let reading = taken(&with(PATIENT, "name", name));
    let said: Vec<String> = classes(&reading, 0).into_iter().collect();
    assert_eq!(said, ["hiv_test", "mental_health"]);
    let reading = taken(&with(
        PATIENT,
        "_birthDate",
        json!({"extension": [coding("NOT-A-CODE")]}),
    ));
    assert_eq!(errors(&reading, 0), ["security-label-unknown"]);
}

#[test]
fn a_prohibition_to_tell_without_consent_asks_for_consent() {
    for code in ["NODSCLCD", "NORDSCLCD"] {
        let said = classes(&taken(&labelled(TASK, &[(ACT, code)])), 0);
        assert!(said.contains("sud_part2"), "{code}");
    }
}

#[test]
fn a_label_nobody_can_read_refuses_what_it_stands_over() {
    let unread = [
        (ACT, "NOT-A-CODE"),
        ("urn:some:other:system", "SUD"),
        (SECRECY, "V"),
        (SECRECY, "R"),
    ];
    for place in NODES {
        for label in unread {
            let reading = taken(&labelled(place, &[label]));
            assert!(
                errors(&reading, 0).contains(&"security-label-unknown"),
                "{place} {label:?}"
            );
            assert!(reading.records[0].record.is_none());
            assert_eq!(reading.records[1].record.is_some(), !place.is_empty());
        }
    }
    let bare = taken(&with(
        TASK,
        "meta",
        json!({"security": [{"display": "secret"}]}),
    ));
    assert_eq!(errors(&bare, 0), ["security-label-unknown"]);
}

#[test]
fn a_restriction_is_explained_by_the_label_beside_it_and_the_ordinary_ones_close_nothing() {
    let reading = taken(&labelled(TASK, &[(SECRECY, "R"), (ACT, "MH")]));
    assert!(classes(&reading, 0).contains("mental_health"));
    let elsewhere = with(
        PATIENT,
        "meta",
        json!({"security": [{"system": SECRECY, "code": "R"}]}),
    );
    assert_eq!(errors(&taken(&elsewhere), 0), ["security-label-unknown"]);
    let plain = taken(&labelled(
        TASK,
        &[(SECRECY, "N"), (ACT, "PROCESSINLINELABEL")],
    ));
    assert!(errors(&plain, 0).is_empty() && classes(&plain, 0).is_empty());
}

#[test]
fn what_changes_the_meaning_and_is_not_read_refuses_the_record() {
    let modifier = json!([{"url": "urn:invented:not", "valueBoolean": true}]);
    for place in NODES {
        for (member, value) in [
            ("modifierExtension", &modifier),
            ("implicitRules", &json!("urn:invented:rules")),
        ] {
            let reading = taken(&with(place, member, value.clone()));
            assert!(
                errors(&reading, 0).contains(&"modifier-not-read"),
                "{place} {member} {reading:?}"
            );
        }
    }
    let inside = json!([{"family": "Quill", "modifierExtension": modifier}]);
    let reading = taken(&with(PATIENT, "name", inside));
    assert_eq!(errors(&reading, 0), ["modifier-not-read"]);
    for (value, expected) in [(true, 1), (false, 0)] {
        let reading = taken(&with(REQUEST, "doNotPerform", json!(value)));
        let told = errors(&reading, 0);
        let told = told.iter().filter(|code| **code == "modifier-not-read");
        assert_eq!(told.count(), expected);
    }
}

#[test]
fn a_status_that_takes_a_referral_back_is_not_passed_over() {
    for status in ["entered-in-error", "revoked", "on-hold"] {
        let mut said = bundle();
        said.pointer_mut(REQUEST).expect("a request")["status"] = json!(status);
        let reading = taken(&said);
        assert_eq!(errors(&reading, 0), ["status-history-mismatch"], "{status}");
        let task = json!(if status == "revoked" {
            "cancelled"
        } else {
            status
        });
        said.pointer_mut(TASK).expect("a task")["status"] = task;
        let reading = taken(&said);
        assert!(errors(&reading, 0).is_empty(), "{status}");
        let record = reading.records[0].record.as_ref().expect("a record");
        let told = record.body().and_then(|body| body.text("status"));
        assert_ne!(told, Some("requested"));
    }
}

#[test]
fn a_draft_is_refused_and_a_consent_is_told_where_it_belongs() {
    let mut said = bundle();
    said.pointer_mut(TASK).expect("a task")["status"] = json!("draft");
    let consent = json!({"resourceType": "Consent", "id": "c", "status": "active"});
    *said.pointer_mut(UNUSED).expect("a node") = consent;
    let reading = taken(&said);
    assert_eq!(errors(&reading, 0), ["referral-draft"]);
    assert!(errors(&reading, 1).is_empty());
    let codes = reading.findings.iter().map(|finding| finding.code.as_ref());
    assert_eq!(codes.collect::<Vec<_>>(), ["consent-elsewhere"]);
}

/// Rows of one contact, read.
fn rows(second: &str) -> Reading {
    let head = "contact_id,src,subject_id,subject_last,start,mode,result,who_id,who_part";
    let first = "k1,case,s1,Quill,2026-09-01T10:00:00-07:00,phone,completed,,";
    let text = format!("{head}\r\n{first}\r\n{second}\r\n");
    let format = FormatId::new("provider-csv/1.0");
    let contact = RecordType::new("engagement-contact");
    read(rules(), &format, &[contact], text.as_bytes())
}

#[test]
fn rows_of_one_record_that_disagree_are_told_by_row_and_column() {
    let told = |second: &str| {
        let reading = rows(second);
        assert_eq!(reading.records.len(), 1);
        let findings = reading.records[0].findings.iter();
        let own = findings.filter(|it| it.code.contains("disagree") || it.code.contains("review"));
        let told: Vec<String> = own.map(|it| format!("{} {}", it.code, it.path)).collect();
        (told, reading.records[0].hold.is_some())
    };
    assert_eq!(told("k1,,,,,,,s2,youth"), (vec![], false));
    let same = "k1,case,s1,Quill,2026-09-01T10:00:00-07:00,phone,completed,,";
    assert_eq!(told(same), (vec![], false));
    let mode = "k1,case,s1,Quill,2026-09-01T10:00:00-07:00,video,completed,,";
    assert_eq!(told(mode).0, ["rows-disagree row 3, column mode"]);
    let name = "k1,case,s1,Other,2026-09-01T10:00:00-07:00,phone,completed,,";
    assert_eq!(
        told(name).0,
        ["person-disagrees row 3, column subject_last"]
    );
    let other = "k1,case,s2,Other,2026-09-01T10:00:00-07:00,phone,completed,,";
    let expected = vec!["rows-need-review row 3, column subject_id".to_owned()];
    assert_eq!(told(other), (expected, true));
    let nameless = "k1,case,,Other,2026-09-01T10:00:00-07:00,phone,completed,,";
    let expected = vec!["rows-need-review row 3, column subject_last".to_owned()];
    assert_eq!(told(nameless), (expected, true));
}

#[test]
fn a_header_that_is_not_the_template_is_told_with_its_cause() {
    let told = |text: &str| {
        let format = FormatId::new("provider-csv/1.0");
        let contact = RecordType::new("engagement-contact");
        let reading = read(rules(), &format, &[contact], text.as_bytes());
        let own = reading
            .records
            .iter()
            .flat_map(|record| record.findings.clone());
        let all: Vec<_> = reading.findings.iter().cloned().chain(own).collect();
        let wrong = all.into_iter().filter(|f| f.code == "header-invalid");
        wrong
            .map(|f| format!("{} {}: {}", f.path, f.message, f.fix))
            .collect::<Vec<_>>()
    };
    let good = "contact_id,src,start,mode\r\nk1,case,2026-09-01T10:00:00-07:00,phone\r\n";
    assert_eq!(told(good), Vec::<String>::new());
    for (text, cause) in [
        (good.replace(',', ";"), "a semicolon"),
        (good.replace(',', "\t").to_uppercase(), "a tab"),
        (good.to_uppercase(), "write it `contact_id`"),
        (
            good.replace("contact_id", "Contact ID"),
            "write it `contact_id`",
        ),
        (good.replace("mode", "Mode"), "write it `mode`"),
        (good.replace("contact_id", "Ada Testperson"), "`contact_id`"),
    ] {
        let told = told(&text);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("row 1 ") && told[0].contains(cause),
            "{told:?}"
        );
        assert!(!told[0].contains("Testperson"));
    }
    let more = good
        .replace("mode\r\n", "mode,Mode\r\n")
        .replace("phone", "phone,x");
    assert_eq!(
        told(&more),
        Vec::<String>::new(),
        "a column more is told by itself"
    );
}

#[test]
fn what_is_found_after_reading_is_told_in_the_sender_s_file() {
    let head = "contact_id,src,subject_id,subject_last,start,mode\r\n";
    let text = format!("{head}k1,case,s1,Quill,2026-09-01T10:00:00-07:00,phone\r\n");
    let format = FormatId::new("provider-csv/1.0");
    let contact = [RecordType::new("engagement-contact")];
    let reading = read(rules(), &format, &contact, text.as_bytes());
    let only = &reading.records[0];
    let reader = Reader::new(rules(), &format, &contact).expect("a format");
    let places = ["/body/mode", "/persons/0/names/0/last"];
    let mut findings = places.map(|at| Finding::new(&DATA_CLASS_REFUSED).at(at));
    let (record, source) = (only.record.as_ref(), only.source.as_ref());
    let (record, source) = (record.expect("a record"), source.expect("a source"));
    reader.place(source, record, &mut findings);
    let told = findings.map(|f| (f.path, f.line));
    assert_eq!(told[0], ("row 2, column mode".to_owned(), Some(2)));
    assert_eq!(told[1], ("row 2, column subject_last".to_owned(), Some(2)));
}

#[test]
fn a_formula_is_no_formula_in_a_table() {
    let reading = rows("k1,case,s1,\"'=HYPERLINK(1)\",2026-09-01T10:00:00-07:00,phone,completed,,");
    let codes = reading.records[0]
        .findings
        .iter()
        .map(|f| f.code.to_string());
    assert!(
        codes
            .collect::<Vec<_>>()
            .contains(&"person-disagrees".to_owned())
    );
    let head = "contact_id,src,subject_id,subject_last,start,mode\r\n";
    let text = format!("{head}k1,case,s1,'=1+1,2026-09-01T10:00:00-07:00,phone\r\n");
    let format = FormatId::new("provider-csv/1.0");
    let contact = RecordType::new("engagement-contact");
    let reading = read(rules(), &format, &[contact], text.as_bytes());
    let record = reading.records[0].record.as_ref().expect("a record");
    let last = record.root.pointer("/persons/0/names/0/last");
    assert_eq!(last.and_then(|it| it.as_str()), Some("=1+1"));
    let out = rules().plans.outbound(&format, record).expect("written");
    let wire = rules().wires.get(&format).expect("a format");
    let written = String::from_utf8(wire.write(&out.tree)).expect("text");
    assert!(written.contains(",'=1+1,"), "{written}");
}

#[test]
fn a_contact_that_was_none_is_refused() {
    let contact = |status: &str| {
        let bytes = json!({"resourceType": "Encounter", "id": "e1", "status": status,
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"},
            "subject": {"reference": "#a"},
            "period": {"start": "2026-02-01T09:00:00-08:00"},
            "contained": [{"resourceType": "Patient", "id": "a", "birthDate": "1990-05-05"}]});
        let bytes = serde_json::to_vec(&bytes).expect("it is JSON");
        let format = FormatId::new("fhir-r4/4.0");
        let contact = RecordType::new("engagement-contact");
        read(rules(), &format, &[contact], &bytes)
    };
    assert!(errors(&contact("finished"), 0).is_empty());
    for status in ["planned", "cancelled"] {
        assert_eq!(errors(&contact(status), 0), ["modifier-not-read"]);
    }
    let mistaken = contact("entered-in-error");
    assert!(errors(&mistaken, 0).is_empty(), "{mistaken:?}");
    let record = mistaken.records[0].record.as_ref().expect("a record");
    let action = record.envelope().and_then(|it| it.text("action"));
    assert_eq!(action, Some("void"));
    // Going out it says so again; what says nothing of how it came out is not said to be finished.
    let format = FormatId::new("fhir-r4/4.0");
    let written = |reading: &Reading| {
        let record = reading.records[0].record.as_ref().expect("a record");
        let out = rules().plans.outbound(&format, record);
        let out = out.expect("it can be written");
        let text = rules()
            .wires
            .get(&format)
            .expect("a format")
            .write(&out.tree);
        let text: Value = serde_json::from_slice(&text).expect("it is JSON");
        let entries = text["entry"].as_array().expect("entries").clone();
        let contacts = entries
            .iter()
            .filter(|it| it["resource"]["resourceType"] == "Encounter");
        let said: Vec<String> = contacts
            .map(|it| {
                it["resource"]["status"]
                    .as_str()
                    .expect("a status")
                    .to_owned()
            })
            .collect();
        said.join(",")
    };
    assert_eq!(written(&mistaken), "entered-in-error");
    let mut held = contact("finished");
    assert_eq!(written(&held), "unknown");
    let record = held.records[0].record.as_mut().expect("a record");
    let body = record.root.get_mut("body").expect("a body");
    body.set("attempt_result", Node::string("no_show"));
    assert_eq!(written(&held), "cancelled");
    assert_eq!(written(&contact("unknown")), "unknown");
}

#[test]
fn what_nobody_ordered_and_who_is_not_in_use_is_refused() {
    for intent in ["original-order", "instance-order"] {
        let reading = taken(&with(REQUEST, "intent", json!(intent)));
        assert!(errors(&reading, 0).is_empty(), "{intent}");
    }
    for intent in ["proposal", "plan", "directive", "option"] {
        let reading = taken(&with(REQUEST, "intent", json!(intent)));
        assert_eq!(errors(&reading, 0), ["modifier-not-read"], "{intent}");
    }
    let reading = taken(&with(TASK, "intent", json!("proposal")));
    assert_eq!(errors(&reading, 0), ["modifier-not-read"]);
    for (active, expected) in [(true, 0), (false, 1)] {
        let reading = taken(&with(PATIENT, "active", json!(active)));
        assert_eq!(errors(&reading, 0).len(), expected);
        assert!(errors(&reading, 1).is_empty());
    }
}

#[test]
fn a_number_of_the_past_joins_nobody() {
    let cin = "urn:kinbridge:id:cin";
    let numbers = |first: &str, second: &str| {
        let row = |system: &str, value: &str, of: &str| match of {
            "" => json!({"system": system, "value": value}),
            _ => json!({"system": system, "value": value, "use": of}),
        };
        let rows = json!([
            row(cin, "91234567A", first),
            row(cin, "98765432B", second),
            row("urn:invented", "A-1", first),
            row("urn:invented", "B-2", second)
        ]);
        let reading = taken(&with(PATIENT, "identifier", rows));
        assert!(errors(&reading, 0).is_empty(), "{reading:?}");
        let record = reading.records[0].record.as_ref().expect("a record");
        let person = record.persons().first().expect("a person").clone();
        let rows = person.get("identifiers").map(|it| it.items().to_vec());
        let rows = rows.unwrap_or_default();
        let others: Vec<String> = rows
            .iter()
            .filter_map(|it| it.text("value").map(str::to_owned))
            .collect();
        (person.text("cin").map(str::to_owned), others)
    };
    let current = (Some("98765432B".to_owned()), vec!["B-2".to_owned()]);
    assert_eq!(numbers("old", ""), current);
    assert_eq!(numbers("temp", "official"), current);
    assert_eq!(numbers("old", "temp"), (None, Vec::new()));
}

#[test]
fn a_whole_number_has_one_form() {
    let contact = |minutes: &str| {
        let text =
            include_str!("../../fixtures/kinbridge-json/engagement-contact/home-visit/input.json");
        let (before, after) = text.split_once("\"duration_min\":").expect("minutes");
        let (own, rest) = after.split_once(',').expect("more members");
        let minutes = if minutes.is_empty() { own } else { minutes };
        let text = format!("{before}\"duration_min\": {minutes},{rest}");
        let format = FormatId::new("kinbridge-json/1.0");
        let contact = RecordType::new("engagement-contact");
        read(rules(), &format, &[contact], text.as_bytes())
    };
    assert!(errors(&contact(""), 0).is_empty());
    for minutes in ["45.0", "4.5e1", "-0", "0.0", "0e0"] {
        let reading = contact(minutes);
        assert_eq!(errors(&reading, 0), ["schema-type-mismatch"], "{minutes}");
        let told = &reading.records[0].findings[0];
        assert!(told.path.ends_with("/body/duration_min") && told.fix.contains("digits"));
    }
}

#[test]
fn the_codes_of_the_dictionary_are_known() {
    // Goal: no code the dictionary names refuses a record. Method: each on the request, those that
    // only ask for care beside one that says why.
    for (code, class) in [
        ("EMOTDIS", "mental_health"),
        ("NORDSLCD", "sud_part2"),
        ("BH", "sud_part2"),
        ("RACE", "icwa_inquiry"),
        ("REL", "icwa_inquiry"),
    ] {
        let reading = taken(&labelled(REQUEST, &[(ACT, code)]));
        assert!(errors(&reading, 0).is_empty(), "{code}");
        assert!(classes(&reading, 0).contains(class), "{code}");
    }
    for (system, code) in [
        (ACT, "NOAUTH"),
        (ACT, "REDACT"),
        (ACT, "NORELINK"),
        (ACT, "DELAU"),
        (SECRECY, "V"),
    ] {
        let reading = taken(&labelled(REQUEST, &[(system, code), (ACT, "SDV")]));
        assert!(errors(&reading, 0).is_empty(), "{code}");
        let alone = taken(&labelled(REQUEST, &[(system, code)]));
        assert!(!errors(&alone, 0).is_empty(), "{code} alone says nothing");
    }
}

#[test]
fn the_step_of_another_person_s_order_refuses_the_record() {
    for (whose, told) in [
        ("Patient/a", &[][..]),
        ("Patient/b", &["person-disagrees"]),
        ("https://b.example/Patient/9", &["reference-dangling"]),
    ] {
        let reading = taken(&with(TASK, "for", json!({"reference": whose})));
        assert_eq!(errors(&reading, 0), told, "{whose}");
    }
}

#[test]
fn only_what_is_brought_is_read_out_of_a_batch() {
    // Goal: an order to take down is never read as data. Method: each verb at the referral's entry.
    for verb in ["POST", "PUT", "DELETE", "PATCH", "GET"] {
        let mut said = bundle();
        said["type"] = json!("batch");
        said["entry"][0]["request"] = json!({"method": verb, "url": "ServiceRequest/r1"});
        let told = errors(&taken(&said), 0).contains(&"modifier-not-read");
        assert_eq!(told, !["POST", "PUT"].contains(&verb), "{verb}");
    }
}

#[test]
fn a_referral_taken_back_is_no_order_with_who_reads_no_extension() {
    // Goal: a void withdraws in FHIR's own words. Method: one referral, held and taken back.
    let mut reading = taken(&bundle());
    let record = reading.records[0].record.as_mut().expect("a record");
    let format = FormatId::new("fhir-r4/4.0");
    let wire = rules().wires.get(&format).expect("a format");
    for (action, expected) in [
        ("update", ["active", "requested"]),
        ("void", ["entered-in-error", "entered-in-error"]),
    ] {
        let envelope = record.root.get_mut("envelope").expect("one");
        envelope.set("action", Node::string(action));
        let out = rules().plans.outbound(&format, record);
        let text = wire.write(&out.expect("it can be written").tree);
        let text: Value = serde_json::from_slice(&text).expect("it is JSON");
        let entries = text["entry"].as_array().expect("entries");
        let told = ["ServiceRequest", "Task"].map(|kind| {
            let mut all = entries.iter().map(|it| &it["resource"]);
            let own = all.find(|it| it["resourceType"] == kind);
            own.expect(kind)["status"].as_str().expect("a status")
        });
        assert_eq!(told, expected, "{action}");
    }
}
