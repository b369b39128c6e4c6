//! Goal: a sender who names no format is understood where its body can only be of one, and never
//! guessed at. Method: every shipped fixture told by how it begins; a partner with a channel of
//! each format hands examples in without naming them; bodies that fit two channels, and none.

use super::harness::{Gateway, client};
use crate::fixtures::{cases, format_of, rules};
use kinbridge::base::id::FormatId;
use kinbridge::wire::{Unclear, sole};
use serde_json::Value;

/// One in-channel of each way in, and a second one of rows.
const MANY: &str = r#"
[[channel]]
name = "canonical"
direction = "in"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]

[[channel]]
name = "fhir"
direction = "in"
format = "fhir-r4/4.0"
records = ["service-referral"]

[[channel]]
name = "xml"
direction = "in"
format = "county-niem/1.0"
records = ["service-referral"]

[[channel]]
name = "rows"
direction = "in"
format = "provider-csv/1.0"
records = ["engagement-contact"]

[[channel]]
name = "other-rows"
direction = "in"
format = "provider-csv/1.0"
records = ["person"]

[[channel]]
name = "messages"
direction = "in"
format = "hl7v2/2.5.1"
records = ["service-referral"]

[[agreement]]
id = "1"
kind = "contract_10850"

[[agreement]]
id = "2"
kind = "baa"

[[agreement]]
id = "3"
kind = "qsoa"
"#;

/// An interchange of another standard.
const CLAIM: &str = "ISA*00*          *00*          *ZZ*A              *ZZ*B              \
    *260901*0900*^*00501*000000001*0*T*:~GS*HC*A*B*20260901*0900*1*X*005010X222A1~\
    ST*837*0001*005010X222A1~";

/// Asks, without storing anything, what would be said of a body with these headers.
async fn tried(gateway: &Gateway, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Value) {
    let mut ask = client()
        .post(gateway.url("/v1/submissions?dry_run=true"))
        .bearer_auth("token-alpha");
    for (name, value) in headers {
        ask = ask.header(*name, *value);
    }
    let answer = ask.body(body).send().await.expect("answer");
    let status = answer.status().as_u16();
    let mut told: Value = answer.json().await.expect("json");
    // What is of this one answer.
    for own in ["correlation_id", "instance", "correlation"] {
        told.as_object_mut().expect("an object").remove(own);
    }
    (status, told)
}

#[test]
fn every_fixture_is_told_by_its_beginning() {
    // A body that is broken in its beginning may be of none; of another it never is.
    let rules = rules();
    let formats: Vec<&FormatId> = rules.sources.formats.keys().collect();
    let wires = || {
        formats
            .iter()
            .map(|id| (*id, rules.wires.get(id).expect("a wire")))
    };
    let (mut told, mut untold) = (0, Vec::new());
    for case in cases() {
        let body = std::fs::read(&case.input).expect("an input");
        let own = format_of(&rules, &case.format);
        match sole(wires(), &body) {
            Ok(found) => {
                assert_eq!(*found, own, "{}/{}/{}", case.format, case.record, case.name);
                told += 1;
            }
            Err(Unclear::Unlike) => untold.push((case.format, case.record, case.name)),
            Err(unclear) => panic!("{} {}: {unclear:?}", case.format, case.name),
        }
    }
    let well_formed = |name: &str| !name.starts_with("bad");
    assert!(
        untold.iter().all(|(_, _, name)| !well_formed(name)),
        "{untold:?}"
    );
    assert!(told > 10 * untold.len(), "{told} told; {untold:?}");
}

#[test]
fn what_is_almost_one_is_told_by_that_ones_reader_and_an_interchange_by_any_that_reads() {
    // Goal: a sender who leaves the format out gets the finding that naming it would give. Method:
    // headers as spreadsheets spoil them, a claim, and a file that is only written.
    let rules = rules();
    let formats = || rules.sources.formats.keys();
    let told = |body: &str| {
        let offered = formats().filter_map(|id| Some((id, rules.wires.get(id)?)));
        sole(offered, body.as_bytes()).map(FormatId::as_str)
    };
    for head in [
        "person_id;last;first\n",
        "Person_ID,Last\n",
        "\n\nperson_id,last\n",
    ] {
        assert_eq!(told(head), Ok("provider-csv/1.0"), "{head:?}");
    }
    let claim = told(CLAIM).expect("told");
    let wire = rules.wires.get(&FormatId::new(claim)).expect("a wire");
    assert!(wire.is_read(), "{claim}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_read_as_what_it_can_only_be() {
    let gateway = Gateway::start_with_partners(&[("alpha", MANY)], |_| {}).await;
    let mut tried_of = Vec::new();
    for case in cases() {
        let wanted = matches!(
            (case.format.as_str(), case.record.as_str()),
            ("kinbridge-json" | "provider-csv", "engagement-contact")
                | ("fhir-r4" | "county-niem" | "hl7v2", "service-referral")
        );
        if !wanted || case.name.starts_with("bad") || tried_of.contains(&case.format) {
            continue;
        }
        let body = std::fs::read(&case.input).expect("an input");
        let rules = rules();
        let format = format_of(&rules, &case.format);
        let media = rules.wires.get(&format).expect("a wire").media_type();
        let mut named = vec![
            ("content-type", media),
            ("kinbridge-format", format.as_str()),
        ];
        let rows = ("kinbridge-channel", "rows");
        // Two channels take rows: which one is meant must be said.
        let mut unsaid = vec![("content-type", "application/octet-stream")];
        if case.format == "provider-csv" {
            let (status, told) = tried(&gateway, &unsaid, body.clone()).await;
            assert_eq!(
                (status, told["code"].as_str()),
                (415, Some("format-unsupported"))
            );
            assert!(
                told["detail"]
                    .to_string()
                    .contains("several of your channels")
            );
            named.push(rows);
            unsaid.push(rows);
        }
        let said = tried(&gateway, &named, body.clone()).await;
        assert_eq!(said.0, 200, "{}: {}", case.format, said.1);
        assert_eq!(
            tried(&gateway, &unsaid, body.clone()).await,
            said,
            "{}",
            case.format
        );
        // No content type at all tells as much.
        assert_eq!(
            tried(&gateway, &unsaid[1..], body).await,
            said,
            "{}",
            case.format
        );
        tried_of.push(case.format);
    }
    assert_eq!(tried_of.len(), 5, "{tried_of:?}");
    gateway.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_like_nothing_is_told_so_without_its_words() {
    let gateway = Gateway::start_with_partners(&[("alpha", MANY)], |_| {}).await;
    for body in [
        "",
        "CANARY-8812",
        "{\"CANARY-8812\":1}",
        "<CANARY-8812/>",
        "[]",
    ] {
        let (status, told) = tried(&gateway, &[], body.as_bytes().to_vec()).await;
        assert_eq!(
            (status, told["code"].as_str()),
            (415, Some("format-unsupported"))
        );
        assert!(
            told["detail"].to_string().contains("begins like nothing"),
            "{told}"
        );
        assert!(!told.to_string().contains("CANARY"), "{told}");
    }
    // An interchange of another standard is told as what it is, not as unlike anything.
    let (status, told) = tried(&gateway, &[], CLAIM.as_bytes().to_vec()).await;
    assert_eq!(
        (status, told["code"].as_str()),
        (422, Some("nothing-accepted")),
        "{told}"
    );
    assert_eq!(
        told["findings"][0]["code"], "interchange-not-read",
        "{told}"
    );
    gateway.running.shutdown().await;
}
