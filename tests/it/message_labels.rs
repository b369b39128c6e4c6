//! Goal: what a message says of who may see it holds for all of its record, wherever in the message
//! it says so, up to the decision; and what of it cannot be read opens nothing. Method: one message
//! of a referral with restrictions of every kind in every place, read and decided.

use crate::release::{PARTNERS, ROI, decide_by, paper, rules_with, sent, text};
use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::base::vocabulary::{ClassSet, DataClass};
use kinbridge::format::Node;
use kinbridge::intake::read::{Reading, read};
use kinbridge::mapping::Labelled;
use kinbridge::record::Record;
use kinbridge::release::Release;
use kinbridge::rules::Rules;
use std::collections::BTreeSet;
use std::sync::OnceLock;

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| rules_with(PARTNERS))
}

const REFERRAL: [&str; 6] = [
    "MSH|^~\\&|EMR|PROGRAM|||20260302091500-0800||REF^I12^REF_I12|R1|P|2.6",
    "RF1|P|||||R-1",
    "PRD|RP|||^^^^^^^^Program|||program^urn:org",
    "PRD|RT|||^^^^^^^^Clinic|||clinic^urn:org",
    "PID|1||P-1^^^PROGRAM^MR||Exampleton^Mara^^^^^L||19900505|F",
    "PV1|1|O",
];

/// The referral with more segments, each behind the one of that place (0 is the head).
fn message(more: &[(usize, &str)]) -> Reading {
    let mut out = String::new();
    for (at, segment) in REFERRAL.iter().enumerate() {
        let behind = more.iter().filter(|(place, _)| *place == at);
        let behind = behind.map(|(_, segment)| *segment);
        for line in [*segment].into_iter().chain(behind) {
            out.push_str(line);
            out.push('\r');
        }
    }
    let referral = RecordType::new("service-referral");
    let format = FormatId::new("hl7v2/2.5.1");
    read(rules(), &format, &[referral], out.as_bytes())
}

/// The classes that stand over all of the record.
fn classes(reading: &Reading) -> BTreeSet<String> {
    let record = reading.records[0].record.as_ref().expect("a record");
    let rows = record.envelope().and_then(|it| it.get("labels"));
    let rows = rows.map(|rows| rows.items().to_vec()).unwrap_or_default();
    let of = |path: &str| -> BTreeSet<String> {
        let row = rows.iter().filter(|row| row.text("path") == Some(path));
        let words = row.flat_map(|row| row.get("classes").expect("classes").items());
        let words = words.map(|word| word.as_str().expect("a word").to_owned());
        words.collect()
    };
    assert_eq!(of("/body"), of("/persons"));
    of("/body")
}

/// Errors with their places.
fn errors(reading: &Reading) -> Vec<String> {
    let findings = reading.records[0].findings.iter();
    let wrong = findings.filter(|it| it.is_error());
    wrong.map(|it| format!("{} {}", it.code, it.path)).collect()
}

fn only(class: &str) -> BTreeSet<String> {
    [class.to_owned()].into()
}

#[test]
fn a_restriction_is_a_class_wherever_it_stands() {
    for at in 0..REFERRAL.len() {
        let reading = message(&[(at, "ARV|1|A|HIV^HIV status^HL70717")]);
        assert!(errors(&reading).is_empty(), "{at} {reading:?}");
        assert_eq!(classes(&reading), only("hiv_test"), "{at}");
        let placed = reading.records[0].findings.iter();
        assert!(!placed.clone().any(|it| it.code == "segment-late"), "{at}");
    }
    let both = message(&[(4, "ARV|1|A|PSY"), (5, "ARV|1||STD")]);
    let said: Vec<String> = classes(&both).into_iter().collect();
    assert_eq!(said, ["mental_health", "reproductive_health"]);
}

#[test]
fn every_value_that_names_something_has_its_class() {
    for (value, class) in [
        ("DRG", "sud_part2"),
        ("42CFRPart2", "sud_part2"),
        ("PSY", "mental_health"),
        ("STD", "reproductive_health"),
        ("LOC", "safe_at_home_address"),
        ("DEM", "demographics"),
        ("PID-7", "demographics"),
        ("PID-17", "icwa_inquiry"),
    ] {
        let reading = message(&[(4, &format!("ARV|1|U|{value}|REG~PAT"))]);
        assert!(errors(&reading).is_empty(), "{value} {reading:?}");
        assert_eq!(classes(&reading), only(class), "{value}");
    }
    for value in ["NO", "OI"] {
        let reading = message(&[(4, &format!("ARV|1|A|{value}"))]);
        assert!(errors(&reading).is_empty() && classes(&reading).is_empty());
        // It opens nothing that another one closes.
        let beside = message(&[(4, &format!("ARV|1|A|{value}")), (5, "ARV|1|A|HIV")]);
        assert_eq!(classes(&beside), only("hiv_test"));
    }
}

#[test]
fn what_restricts_and_cannot_be_read_refuses_the_record() {
    let unknown = "security-label-unknown";
    for (segment, place) in [
        ("ARV|1|A|ALL", "ARV[1]-3"),
        ("ARV|1|A|SMD^Sensitive medical data^HL70717", "ARV[1]-3"),
        ("ARV|1|A|OO", "ARV[1]-3"),
        ("ARV|1|A|hiv", "ARV[1]-3"),
        ("ARV|1|A|HIV^HIV^99LOCAL", "ARV[1]-3"),
        ("ARV|1|A|^only words", "ARV[1]-3"),
        ("ARV|1|D|HIV", "ARV[1]-2"),
        ("ARV|1|Q|HIV", "ARV[1]-2"),
        ("ARV|1|A|HIV|XX", "ARV[1]-4"),
        ("ARV|1|A|HIV|REG~XX", "ARV[1]-4[2]"),
        ("ARV|1|A|NO|PAT", "ARV[1]-4"),
        ("ARV|1|A|HIV||tell nobody at home", "ARV[1]-5"),
        ("ARV|1|A|HIV||||V", "ARV[1]-7"),
        ("ARV|1|A|HIV|||||NODSCLCD", "ARV[1]-8"),
        ("ARV|1|A|HIV|REG^^^PAT", "ARV[1]-4[1].4"),
    ] {
        let reading = message(&[(4, segment)]);
        assert_eq!(
            errors(&reading),
            [format!("{unknown} {place}")],
            "{segment}"
        );
        assert!(reading.records[0].record.is_none(), "{segment}");
    }
    // What another segment says is no reading of it.
    let beside = message(&[(4, "ARV|1|A|HIV"), (5, "ARV|1|A|ALL")]);
    assert_eq!(errors(&beside), [format!("{unknown} ARV[2]-3")]);
    // Nothing of a segment that restricts is left unread: a second level, a later field.
    for segment in [
        "ARV|1|A&D|HIV",
        "ARV|1|A|NO&HIV",
        "ARV|1|A|NO||||||X",
        "ARV|1|A~D|HIV",
    ] {
        let reading = message(&[(4, segment)]);
        assert!(!errors(&reading).is_empty(), "{segment}");
        assert!(reading.records[0].record.is_none(), "{segment}");
    }
    // The days a restriction is meant for do not end it.
    for days in ["20200101^20200102", "^20200102", "20300101"] {
        let reading = message(&[(4, &format!("ARV|1|A|HIV|||{days}"))]);
        assert_eq!(classes(&reading), only("hiv_test"), "{days}");
    }
    let empty = message(&[(4, "ARV|1|A")]);
    assert!(!errors(&empty).is_empty() && empty.records[0].record.is_none());
    let protected = message(&[(5, "PV2||||||||||||||||||||||Y")]);
    assert_eq!(
        errors(&protected),
        ["modifier-not-read PATIENT_VISIT.PV2-22"]
    );
}

/// As intake completes it.
fn record(reading: Reading) -> Record {
    let read = reading.records.into_iter().next().expect("one message");
    let mut record = read.record.expect("a record");
    let envelope = record.root.get_mut("envelope").expect("an envelope");
    envelope.set("county_fips", Node::string("06067"));
    envelope.set("service_source", Node::string("case"));
    record
}

#[test]
fn what_is_restricted_goes_to_nobody_who_may_only_see_the_rest() {
    let goes = |more: &[(usize, &str)], paper_text: &str| {
        let record = record(message(more));
        let way = ("program", "clinic");
        let release = decide_by(rules(), &record, way, &[paper(1, paper_text)]);
        match &release {
            Release::Go(_) => text(sent(&release)).contains("Exampleton"),
            Release::Withheld(_) => false,
            other => panic!("{other:?}"),
        }
    };
    assert!(goes(&[], ROI));
    assert!(goes(&[(4, "ARV|1|A|NO")], ROI));
    assert!(
        goes(&[(4, "ARV|1|A|DEM")], ROI),
        "demographics are agreed to"
    );
    for value in ["HIV", "PSY", "DRG", "STD", "LOC", "PID-17"] {
        for at in [4, 5] {
            let segment = format!("ARV|1|A|{value}");
            assert!(!goes(&[(at, &segment)], ROI), "{value} {at}");
        }
    }
}

/// A document of a meeting, whatever its end says, with more segments behind PID.
fn document(end: &str, more: &str) -> Reading {
    let text = format!(
        "MSH|^~\\&|EMR|PROGRAM|||20260302091500-0800||MDM^T02^MDM_T02|D1|P|2.6\rEVN|T02\r\
         PID|1||P-1^^^PROGRAM^MR||Exampleton^Tomi\r{more}PV1||O\r\
         TXA|1|CFT|TX|20260228100000-0800||||||||M-1|||||{end}\r\
         OBX||ST|TYPE^^99KBCFT||periodic||||||F\r"
    );
    let meeting = RecordType::new("cft-meeting");
    let format = FormatId::new("hl7v2/2.5.1");
    read(rules(), &format, &[meeting], text.as_bytes())
}

#[test]
fn a_secret_document_says_what_of_or_is_refused() {
    for code in ["U", "UC", ""] {
        let reading = document(&format!("AU|{code}|AV"), "");
        assert!(errors(&reading).is_empty() && classes(&reading).is_empty());
        let beside = document(&format!("AU|{code}|AV"), "ARV|1|A|HIV\r");
        assert_eq!(classes(&beside), only("hiv_test"), "{code} opens nothing");
    }
    let unknown = ["security-label-unknown TXA-18"];
    for (code, value, class) in [
        ("R", "PSY", "mental_health"),
        ("RE", "DEM", "demographics"),
        ("V", "HIV", "hiv_test"),
        ("VR", "LOC", "safe_at_home_address"),
    ] {
        let end = format!("AU|{code}|AV");
        assert_eq!(errors(&document(&end, "")), unknown);
        let reading = document(&end, &format!("ARV|1|A|{value}\r"));
        assert!(errors(&reading).is_empty(), "{reading:?}");
        assert_eq!(classes(&reading), only(class));
    }
    // What is no more secret than most explains no document that is very restricted.
    for value in ["PSY", "DEM", "PID-7", "DRG"] {
        let restriction = format!("ARV|1|A|{value}\r");
        for code in ["V", "VR"] {
            assert_eq!(
                errors(&document(&format!("AU|{code}|AV"), &restriction)),
                unknown
            );
        }
    }
    for code in ["1", "X", "r"] {
        let reading = document(&format!("AU|{code}|AV"), "ARV|1|A|PSY\r");
        assert_eq!(errors(&reading), ["security-label-unknown TXA-18"]);
    }
}

#[test]
fn a_document_that_is_not_to_be_used_is_no_record() {
    for (end, told) in [
        ("IP||AV", "modifier-not-read TXA-17"),
        ("DI||AV", "modifier-not-read TXA-17"),
        ("AU||OB", "modifier-not-read TXA-19"),
        ("AU||UN", "modifier-not-read TXA-19"),
    ] {
        assert_eq!(errors(&document(end, "")), [told]);
    }
    let reading = document("AU||CA", "");
    assert!(errors(&reading).is_empty(), "{reading:?}");
    let record = reading.records[0].record.as_ref().expect("a record");
    let action = record.envelope().and_then(|it| it.text("action"));
    assert_eq!(action, Some("void"));
}

#[test]
fn a_document_goes_out_with_how_secret_what_is_in_it_is() {
    let reading = document("AU||AV", "");
    let record = reading.records[0].record.as_ref().expect("a record");
    let format = FormatId::new("hl7v2/2.5.1");
    let wire = rules().wires.get(&format).expect("the format is shipped");
    let said = |classes: &[DataClass]| {
        let leaves = [classes.iter().copied().collect::<ClassSet>()];
        let labelled = Labelled {
            leaves: &leaves,
            owed: &[],
        };
        let out = rules().plans.outbound_labelled(&format, record, labelled);
        let text = wire.write(&out.expect("it can be written").tree);
        let text = String::from_utf8(text).expect("text");
        let document = text.split('\r').find(|line| line.starts_with("TXA|"));
        let fields: Vec<&str> = document.expect("a document").split('|').collect();
        fields.get(18).copied().unwrap_or_default().to_owned()
    };
    assert_eq!(said(&[DataClass::GeneralHealth]), "U");
    assert_eq!(said(&[DataClass::CftPlan]), "R");
    assert_eq!(said(&[DataClass::CftPlan, DataClass::HivTest]), "V");
    assert!(rules().plans.writes_labels(&format));
}

/// A message of one record, as lines.
fn told(record: &str, lines: &[&str]) -> Vec<String> {
    let format = FormatId::new("hl7v2/2.5.1");
    let text = lines.join("\r");
    let reading = read(
        rules(),
        &format,
        &[RecordType::new(record)],
        text.as_bytes(),
    );
    let records = reading.records.iter().flat_map(|it| &it.findings);
    let wrong = records.chain(&reading.findings).filter(|it| it.is_error());
    wrong.map(|it| format!("{} {}", it.code, it.path)).collect()
}

const RESULTS: [&str; 11] = [
    "MSH|^~\\&|EMR|PROGRAM|||20260302091500-0800||ORU^R01^ORU_R01|R1|P|2.5.1",
    "PID|1||P-1^^^PROGRAM^MR||Exampleton^Tomi||20120401",
    "PV1||O",
    "OBR|1||A-1|CANS^^99KINBRIDGE|||20260228||||||||||||||||||F",
    "OBX||ST|INSTRUMENT^^99KBCANS-HEAD||IP-CANS||||||F",
    "OBX||ST|VERSION^^99KBCANS-HEAD||1.0||||||F",
    "OBX||ST|AGE-FORM^^99KBCANS-HEAD||6_20||||||F",
    "OBX||ST|TYPE^^99KBCANS-HEAD||initial||||||F",
    "OBX||ST|STATUS^^99KBCANS-HEAD||completed||||||F",
    "OBX||NM|1^^99KBCANS||2||||||F",
    "NTE|||N|CONFIDENTIAL",
];

/// The assessment, its line of that place replaced, or with one more behind it.
fn results(at: usize, line: &str, more: bool) -> Vec<String> {
    let mut lines = RESULTS.to_vec();
    match more {
        true => lines.insert(at + 1, line),
        false => lines[at] = line,
    }
    let all = told("cans-assessment", &lines);
    let marks = ["item-not-read", "modifier-not-read", "element-repeated"];
    let marks = all
        .into_iter()
        .filter(|it| marks.iter().any(|code| it.starts_with(code)));
    marks.collect()
}

#[test]
fn an_observation_or_a_note_nobody_reads_refuses_the_record() {
    assert!(results(8, "", true).is_empty());
    let observation = "PATIENT_RESULT[1].ORDER_OBSERVATION[1].OBSERVATION[6]";
    for table in [
        "99KBCFT",
        "99KBSDM",
        "99KBSCREEN-HEAD",
        "99KBCANS",
        "99LOCAL",
        "LN",
        "",
    ] {
        let line = format!("OBX||ST|ACCESS-LEVEL^^{table}||R||||||F");
        let all = results(8, &line, true);
        // An item code nobody knows is told as that.
        if table != "99KBCANS" {
            assert_eq!(all, [format!("item-not-read {observation}")], "{table}");
        }
    }
    let whole = told(
        "cans-assessment",
        &[&RESULTS[..9], &["OBX||ST|ACCESS-LEVEL^^99KBCANS||R||||||F"]].concat(),
    );
    assert!(!whole.is_empty(), "no item is called so");
    for code in [
        "confidential",
        "Confidential",
        "CONFIDENTIAL ",
        "PRIVATE",
        "",
    ] {
        let all = results(10, &format!("NTE|||Y|{code}"), false);
        assert_eq!(all.len(), 1, "{code} {all:?}");
        assert!(all[0].starts_with("item-not-read"), "{all:?}");
    }
    for line in [
        "NTE|||N~Y|CONFIDENTIAL",
        "NTE|||N&Y|CONFIDENTIAL",
        "NTE|||N^Y|CONFIDENTIAL",
    ] {
        let all = results(10, line, false);
        assert!(
            all.iter().all(|it| it.starts_with("modifier-not-read")),
            "{all:?}"
        );
        assert!(!all.is_empty(), "{line}");
    }
    let twice = results(10, "NTE|||Y|CONFIDENTIAL", true);
    assert!(!twice.is_empty(), "one of two notes is not chosen");
    for value in ["N&R", "N^R", "N~R"] {
        let line = format!("OBX||ST|ACCESS-LEVEL^^99KBCANS-HEAD||{value}||||||F");
        let all = results(8, &line, true);
        assert!(!all.is_empty(), "{value}");
    }
}

#[test]
fn a_message_whose_observations_are_not_read_has_none_that_restricts() {
    let referral = |line: &str| {
        let lines = [&REFERRAL[..5], &[line], &REFERRAL[5..]].concat();
        told("service-referral", &lines)
    };
    for system in ["99KBCFT", "99KBSDM", "99LOCAL", "LN", ""] {
        let all = referral(&format!("OBX||ST|ACCESS-LEVEL^^{system}||R||||||F"));
        assert_eq!(all, ["item-not-read OBX"], "{system}");
    }
    assert_eq!(referral("OBX||ST|FOCUS^^99KBCFT||kid||||||F").len(), 1);
    for code in [
        "access_level^^L",
        "FOO^^L^Access Level^^99KBCFT",
        "^ACCESS-LEVEL",
        "FOO&X^^L",
    ] {
        assert_eq!(
            referral(&format!("OBX||ST|{code}||R||||||F")).len(),
            1,
            "{code}"
        );
    }
    assert!(referral("OBX||NM|8302-2^Body height^LN||152||||||F").is_empty());
}

#[test]
fn what_says_who_may_see_it_is_passed_over_in_no_segment() {
    let referral = |line: &str| {
        let lines = [&REFERRAL[..5], &[line], &REFERRAL[5..]].concat();
        told("service-referral", &lines)
    };
    for line in [
        "ORC|RE|||||||||||||||||||||||||||R",
        "CON|1|do not disclose",
        "PD1|||||||||||N",
        "PD1||||||||||||N^Y",
    ] {
        let all = referral(line);
        assert!(
            all.iter().any(|it| it.starts_with("modifier-not-read")),
            "{line} {all:?}"
        );
    }
    let protected = [&REFERRAL[..], &["PV2||||||||||||||||||||||N&Y"]].concat();
    assert!(!told("service-referral", &protected).is_empty());
    assert!(referral("ORC|RE").is_empty() && referral("PD1|||||||||||U|N").is_empty());
    for line in ["PV1|1|O||||||||||||||VIP", "PV1|1|O||||||||||||||1"] {
        let mut lines = REFERRAL.to_vec();
        lines[5] = line;
        assert_eq!(
            told("service-referral", &lines),
            ["modifier-not-read PATIENT_VISIT.PV1-16"]
        );
        lines[5] = "PV1|1|O||||||||||||||N";
        assert!(told("service-referral", &lines).is_empty());
    }
    let mut lines = REFERRAL.to_vec();
    lines[0] = "MSH|^~\\&|EMR|PROGRAM|||20260302091500-0800|SEALED|REF^I12^REF_I12|R1|P|2.6";
    assert_eq!(
        told("service-referral", &lines),
        ["modifier-not-read MSH-8"]
    );
    for head in [
        "BHS|^~\\&|EMR||||20260302|SEALED",
        "FHS|^~\\&|EMR||||20260302|X",
    ] {
        let batch = [&[head], &REFERRAL[..]].concat();
        let all = told("service-referral", &batch);
        assert_eq!(all, ["modifier-not-read "]);
    }
    let open = [
        &["BHS|^~\\&|EMR||||20260302||B1"],
        &REFERRAL[..],
        &["BTS|1"],
    ]
    .concat();
    assert!(told("service-referral", &open).is_empty());
}

#[test]
fn an_address_that_is_not_listed_is_nobody_s_to_be_told() {
    for (field, code) in [("11", "UL"), ("13", "UP")] {
        let address = match field {
            "11" => format!(
                "PID|1||P-1||Exampleton^Mara||||||1 Example Way{}{code}",
                "^".repeat(21)
            ),
            _ => format!(
                "PID|1||P-1||Exampleton^Mara||||||||5550100{}{code}",
                "^".repeat(15)
            ),
        };
        let mut lines = REFERRAL.to_vec();
        lines[4] = &address;
        let all = told("service-referral", &lines);
        assert!(
            all[0].starts_with(&format!("security-label-unknown PID-{field}")),
            "{all:?}"
        );
    }
}

#[test]
fn a_confidential_item_is_labelled_by_what_holds_for_the_message() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/hl7v2/cans-assessment/full/input.hl7"
    );
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    let rating = "OBX||NM|SLEEP^^99KBCANS||0||||||F\r";
    let confidential = text.replacen(rating, &format!("{rating}NTE|||Y|CONFIDENTIAL\r"), 1);
    let marked = |more: &str| {
        let text = confidential.replacen("PV1|", &format!("{more}PV1|"), 1);
        told("cans-assessment", &[&text])
    };
    assert_eq!(marked("").len(), 1, "{:?}", marked(""));
    assert!(marked("")[0].starts_with("confidential-unlabelled"));
    assert!(marked("ARV|1|A|PSY\r").is_empty());
    // A date of birth says nothing of a rating.
    assert_eq!(marked("ARV|1|A|PID-7\r").len(), 1);
}
