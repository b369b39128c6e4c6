//! Goal: a sender gets a receipt only for what is committed, or every finding at once; what the
//! operator may not hold is refused or taken out and never kept. Method: submissions in
//! kinbridge-json against a store in a temporary folder.

use crate::labels::CONTACT;
use crate::release::{PARTNERS, rules_over, rules_with};
use crate::store::world::{START, World, inbound};
use kinbridge::base::finding::Finding;
use kinbridge::base::id::{ChannelId, CorrelationId, FormatId, PartnerId, RecordType};
use kinbridge::intake::admission::{Papers, Sender};
use kinbridge::intake::batch::{Batch, Opening};
use kinbridge::intake::{Reading, Receipt, Refusal, accept, admit_all, dry_run, read};
use kinbridge::rules::Rules;
use kinbridge::store::{HoldCause, RecordStatus, Store};
use std::sync::{Arc, OnceLock};

/// A health provider whose papers cover little.
const PROVIDER: &str = r#"
id = "provider"
name = "A provider"
role = "mhp"
mode = "live"
agreement = [{ id = "1", kind = "contract_10850" }]
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]
classes = ["engagement_contact", "demographics", "contact_address", "juvenile_case_file"]
"#;

const SHELTER: &str = r#"
id = "shelter"
name = "A domestic-violence program"
role = "dv_program"
mode = "live"
agreement = [{ id = "1", kind = "contract_10850" }, { id = "2", kind = "baa" }]
[[channel]]
name = "in"
direction = "in"
format = "kinbridge-json/1.0"
records = ["engagement-contact"]
"#;

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut all = PARTNERS.to_vec();
        all.extend([PROVIDER, SHELTER]);
        rules_with(&all)
    })
}

async fn hand_in(store: &Store, body: &str) -> Result<Receipt, Refusal> {
    accept(store, rules(), inbound("program", Some("k"), body, START)).await
}

fn plain() -> String {
    // Without what a parent partner program's county would not expect in the simplest contact.
    CONTACT.replace("\"case_ref\": \"K-17\",", "")
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|f| f.code.as_ref()).collect()
}

fn refused(result: Result<Receipt, Refusal>) -> Vec<Finding> {
    match result {
        Err(Refusal::Nothing(findings)) => findings,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_good_record_gives_a_receipt_and_the_same_key_the_same_receipt() {
    let world = World::new();
    let store = world.open().await;
    let first = hand_in(&store, &plain()).await.expect("a receipt");
    assert_eq!(first.counts.accepted, 1);
    assert_eq!(first.records[0].status, RecordStatus::Accepted);
    assert_eq!(first.records[0].source_record_id.as_deref(), Some("c-1"));
    let again = hand_in(&store, &plain()).await.expect("a receipt");
    assert_eq!(again.submission_id, first.submission_id);
    assert_eq!(again.records, first.records);
    let other = plain().replace("in_person", "phone");
    let conflict = hand_in(&store, &other).await;
    assert!(
        matches!(conflict, Err(Refusal::KeyConflict)),
        "{conflict:?}"
    );
}

#[tokio::test]
async fn a_receipt_has_the_members_senders_rely_on() {
    let world = World::new();
    let store = world.open().await;
    let receipt = hand_in(&store, &plain()).await.expect("a receipt");
    let json = serde_json::to_value(&receipt).expect("JSON");
    for name in [
        "submission_id",
        "digest",
        "rule_set",
        "correlation_id",
        "ledger",
        "counts",
        "records",
        "findings_truncated",
        "records_url",
    ] {
        assert!(json.get(name).is_some(), "{name}");
    }
    assert_eq!(json["records"][0]["status"], "accepted");
}

#[tokio::test]
async fn a_bad_record_does_not_sink_its_batch() {
    let world = World::new();
    let store = world.open().await;
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let bad = plain().replace("in_person", "by_pigeon");
    let bad = bad.replace("\"c-1\"", "\"c-2\"");
    let broken = "{\"envelope\": ";
    let body = [line(&plain()), line(&bad), broken.to_owned()].join("\n");
    let receipt = hand_in(&store, &body).await.expect("a receipt");
    let counts = receipt.counts;
    assert_eq!((counts.accepted, counts.rejected), (1, 2), "{receipt:?}");
    let second = &receipt.records[1];
    assert_eq!(codes(&second.findings), ["schema-code-unknown"]);
    assert_eq!(second.findings[0].path, "/body/mode");
    assert_eq!(second.findings[0].line, Some(2));
    assert_eq!(receipt.records[2].status, RecordStatus::Rejected);
}

#[tokio::test]
async fn a_bad_first_record_does_not_sink_its_batch() {
    let world = World::new();
    let store = world.open().await;
    let good = plain().split_whitespace().collect::<Vec<_>>().join(" ");
    let renamed = |id: &str| good.replace("\"c-1\"", &format!("\"{id}\""));
    // A number that cannot be kept, a quote left out, a line cut off, and one with nothing in it.
    let odd = good.replacen('{', "{\"n\": 1e999, ", 1);
    let unquoted = good.replacen("\"envelope\"", "envelope\"", 1);
    let cut = good.get(..good.len() - 30).expect("it is longer");
    for first in [odd.as_str(), unquoted.as_str(), cut, "{}"] {
        let body = ["", first, &renamed("c-2"), "", &renamed("c-3"), ""].join("\n");
        let accepted = hand_in_as(&store, first.len(), &body).await;
        let counts = accepted.expect("a receipt").counts;
        let stand = counts.accepted + counts.duplicate;
        assert_eq!((stand, counts.rejected), (2, 1), "{first}");
        store_is_batched(&store, &body).await;
    }
    // What is one document stays one, however its lines are broken.
    let pretty = plain().replacen("{", "{\n", 1).replace("},", "},\n");
    let receipt = hand_in_as(&store, 0, &pretty).await.expect("a receipt");
    assert_eq!(receipt.records.len(), 1);
    let listed = "\"persons\": [{\"key\": \"a\"},\n{\"key\": \"b\"},\n";
    let listed = pretty.replacen("\"persons\": [", listed, 1);
    assert_ne!(listed, pretty);
    let receipt = hand_in_as(&store, 3, &listed).await.expect("a receipt");
    assert_eq!(receipt.records.len(), 1);
    let broken = pretty.replace("},\n", "}\n");
    let findings = refused(hand_in_as(&store, 1, &broken).await);
    assert_eq!(codes(&findings), ["syntax-invalid"], "{broken}");
}

async fn hand_in_as(store: &Store, key: usize, body: &str) -> Result<Receipt, Refusal> {
    let key = format!("key-{key}");
    accept(store, rules(), inbound("program", Some(&key), body, START)).await
}

/// The same as a batch, whatever the pieces it comes in.
async fn store_is_batched(store: &Store, body: &str) {
    let rules = Arc::new(rules_with(PARTNERS));
    for chunk in [1, 7, body.len()] {
        let key = format!("{chunk} of {}", body.len());
        let mut batch = Batch::begin(store.clone(), Arc::clone(&rules), opening(&key))
            .await
            .expect("a batch");
        for part in body.as_bytes().chunks(chunk) {
            batch.push(part).await.expect("taken");
        }
        let counts = batch.finish().await.expect("a receipt").counts;
        assert_eq!(
            (counts.accepted + counts.duplicate, counts.rejected),
            (2, 1)
        );
    }
}

#[tokio::test]
async fn reading_ends_where_a_small_submission_must() {
    let world = World::new();
    let store = world.open().await;
    let body = format!("{{\"a\": 1}}\n{}", "1\n".repeat(5_000));
    let answer = hand_in(&store, &body).await;
    assert!(matches!(answer, Err(Refusal::TooLarge)), "{answer:?}");
    let format = FormatId::new("kinbridge-json/1.0");
    let allowed = [RecordType::new("engagement-contact")];
    let reading = read(rules(), &format, &allowed, body.as_bytes());
    assert_eq!(reading.records.len(), 1_001, "what follows is not read");
}

#[tokio::test]
async fn what_is_wrong_with_everything_is_told_and_nothing_is_kept() {
    let world = World::new();
    let store = world.open().await;
    for (body, code) in [
        ("", "syntax-invalid"),
        ("[]", "record-type-unknown"),
        ("{\"a\": 1, \"a\": 2}", "duplicate-key"),
        (
            "{\"envelope\": {\"record_type\": \"person\"}}",
            "record-type-unknown",
        ),
    ] {
        let findings = refused(hand_in(&store, body).await);
        assert!(codes(&findings).contains(&code), "{body}: {findings:?}");
    }
    // The key was bound by no receipt.
    assert!(hand_in(&store, &plain()).await.is_ok());
}

#[tokio::test]
async fn findings_never_carry_a_value() {
    let world = World::new();
    let store = world.open().await;
    let bad = plain()
        .replace("in_person", "Zanzibar")
        .replace("2026-09-01T10:00:00-07:00", "Yesteryear")
        .replace("\"role\": \"parent\"", "\"role\": \"Xylophone\"");
    let told = format!("{:?}", refused(hand_in(&store, &bad).await));
    for value in ["Zanzibar", "Yesteryear", "Xylophone", "Quill", "Hidden"] {
        assert!(!told.contains(value), "{value} in {told}");
    }
}

fn admitted(partner: &str, body: &str) -> Reading {
    admitted_by(rules(), partner, body)
}

fn admitted_by(rules: &Rules, partner: &str, body: &str) -> Reading {
    let format = FormatId::new("kinbridge-json/1.0");
    let allowed = [RecordType::new("engagement-contact")];
    let mut reading = read(rules, &format, &allowed, body.as_bytes());
    let partner = &rules.partners[&PartnerId::new(partner)];
    let channel = partner.channel.first().expect("a channel");
    admit_all(
        rules,
        &mut reading,
        &Sender {
            partner,
            channel,
            papers: &Papers::new(),
            now: START,
        },
    );
    reading
}

#[tokio::test]
async fn what_cannot_have_happened_yet_is_refused() {
    // Goal: births and contacts to come are told before anything is kept. Method: one record with
    // each, at the instant of the tests.
    let world = World::new();
    let store = world.open().await;
    let contact = plain();
    let born = "\"key\": \"mother\", \"birth_date\": \"2991-04-02\",";
    for (from, to, code, place) in [
        (
            "\"key\": \"mother\",",
            born,
            "birth-date-impossible",
            "/persons/1/birth_date",
        ),
        (
            "2026-09-01T10:",
            "2062-09-01T10:",
            "event-far-ahead",
            "/body/start",
        ),
    ] {
        let told = refused(hand_in(&store, &contact.replace(from, to)).await);
        let found = told.iter().find(|it| it.code == code);
        assert_eq!(found.expect(code).path, place);
        assert!(found.is_some_and(|it| it.line.is_some()));
    }
}

#[test]
fn immigration_status_is_taken_out_with_a_warning() {
    let body = plain()
        .replace(
            "\"key\": \"mother\",",
            "\"key\": \"mother\", \"immigration\": {\"alien_number\": \"A000000001\"},",
        )
        .replace("{\"topic\": \"dv\"}", "{\"topic\": \"imm\"}");
    let reading = admitted("program", &body);
    let read = &reading.records[0];
    assert!(codes(&read.findings).contains(&"data-class-stripped"));
    let record = read.record.as_ref().expect("it stands");
    let mut bytes = Vec::new();
    kinbridge::format::json::write(&record.root, &mut bytes);
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(
        !text.contains("A000000001") && !text.contains("\"imm\""),
        "{text}"
    );
    assert!(text.contains("\"sud\""), "the other topic stays");
    // Each is told where it stood, although it stands no more.
    let lines: Vec<&str> = body.lines().collect();
    let stripped = read
        .findings
        .iter()
        .filter(|f| f.code == "data-class-stripped");
    for finding in stripped {
        let line = finding.line.expect("a line") as usize;
        let rest: String = lines[line - 1]
            .chars()
            .skip(finding.column.expect("a column") as usize - 1)
            .collect();
        let value = match finding.path.starts_with("/persons") {
            true => "\"A000000001\"",
            false => "\"imm\"",
        };
        assert!(rest.starts_with(value), "{finding:?}");
    }
}

#[test]
fn what_is_never_accepted_is_refused_and_its_content_dropped() {
    for class in [
        "psychotherapy_notes",
        "attorney_client",
        "dv_counselor_comm",
    ] {
        let rows = format!("[{{\"path\": \"/body/mode\", \"classes\": [\"{class}\"]}}]");
        let body = plain().replacen(
            "\"missing\"",
            &format!("\"labels\": {rows}, \"missing\""),
            1,
        );
        let reading = admitted("program", &body);
        let read = &reading.records[0];
        assert!(read.record.is_none(), "{class}");
        let refused = read
            .findings
            .iter()
            .find(|f| f.code == "data-class-refused");
        let refused = refused.expect("a refusal");
        assert_eq!(refused.path, "/body/mode", "{class}");
        assert!(refused.line.is_some() && refused.column.is_some());
    }
}

#[test]
fn a_class_needs_an_agreement_and_an_open_channel() {
    let reading = admitted("provider", &plain());
    let findings = &reading.records[0].findings;
    assert!(codes(findings).contains(&"operator-agreement-missing"));
    assert!(codes(findings).contains(&"data-class-not-on-channel"));
    let told = findings.iter().filter(|f| f.is_error());
    assert!(
        told.clone().all(|f| f.path.len() > 1 && f.line.is_some()),
        "{findings:?}"
    );
    assert!(reading.records[0].record.is_none());
}

#[test]
fn a_county_file_closes_the_door_further() {
    let row = |table: &str, id: &str, more: &str| {
        format!(
            "[[{table}]]\nid = \"{id}\"\nclasses = [\"contact_address\"]\n{more}\n\
             citation = \"policy:county\"\nmark = \"K\"\neffective = 2026-01-01\n\
             owner = \"counsel\"\nplain_en = \"A rule\"\nplain_es = \"Una regla\"\n"
        )
    };
    for (table, more, code) in [
        (
            "agreement",
            "any_of = [\"qsoa\"]",
            "operator-agreement-missing",
        ),
        ("refuse", "", "data-class-refused"),
        ("take_out", "", "data-class-stripped"),
        ("source", "roles = [\"ppp\"]", "release-needed"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let policies = folder.path().join("policies");
        std::fs::create_dir(&policies).expect("a folder");
        let text = row(table, "county-row", more);
        std::fs::write(policies.join("operator-county.toml"), text).expect("written");
        let without = |file: &&str| file.replace("{ id = \"3\", kind = \"qsoa\" },", "");
        let partners: Vec<String> = PARTNERS.iter().map(without).collect();
        let partners: Vec<&str> = partners.iter().map(String::as_str).collect();
        let rules = rules_over(&[folder.path().to_owned()], &partners);
        let reading = admitted_by(&rules, "program", &plain());
        let read = &reading.records[0];
        assert!(
            codes(&read.findings).contains(&code),
            "{code}: {:?}",
            read.findings
        );
        assert_eq!(read.record.is_some(), table == "take_out", "{table}");
    }
    let shipped = admitted("program", &plain());
    assert!(
        shipped.records[0].record.is_some(),
        "without the rows it stands"
    );
}

#[test]
fn a_domestic_violence_program_needs_a_release_naming_the_operator() {
    let reading = admitted("shelter", &plain());
    let findings = &reading.records[0].findings;
    assert!(codes(findings).contains(&"release-needed"), "{findings:?}");
    assert!(reading.records[0].record.is_none());
}

fn opening(key: &str) -> Opening {
    Opening {
        partner: PartnerId::new("program"),
        channel: ChannelId::new("in"),
        key: Some(key.to_owned()),
        correlation: CorrelationId::new("test"),
        received_at: START,
    }
}

fn lines(count: usize) -> String {
    let line: String = plain().split_whitespace().collect::<Vec<_>>().join(" ");
    let each = (0..count).map(|at| {
        let id = format!("\"source_record_id\": \"c-{at}\"");
        line.replacen("\"source_record_id\": \"c-1\"", &id, 1)
    });
    each.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_batch_in_small_pieces_is_one_submission_with_every_verdict() {
    let world = World::new();
    let store = world.open().await;
    let rules = Arc::new(rules_with(PARTNERS));
    let mut body = lines(620);
    body.push_str("\n{\"broken\": \n");
    let mut batch = Batch::begin(store.clone(), rules, opening("b"))
        .await
        .expect("a batch");
    for piece in body.as_bytes().chunks(1_777) {
        batch.push(piece).await.expect("taken");
    }
    let receipt = batch.finish().await.expect("a receipt");
    assert_eq!(receipt.counts.accepted, 620, "{:?}", receipt.counts);
    assert_eq!(receipt.counts.rejected, 1);
    let expected = kinbridge::base::digest::Digest::of(body.as_bytes());
    assert_eq!(receipt.digest, expected);
    let partner = PartnerId::new("program");
    let last = store.submission_records(&partner, receipt.submission_id, Some(619), 10);
    let last = last.await.expect("the store answers").expect("known");
    assert_eq!(last[0].index, 620);
    assert_eq!(last[0].status, RecordStatus::Rejected);
    // The same body again under the same key gives the same receipt.
    let mut again = Batch::begin(store.clone(), Arc::new(rules_with(PARTNERS)), opening("b"))
        .await
        .expect("a batch");
    again.push(body.as_bytes()).await.expect("taken");
    let second = again.finish().await.expect("a receipt");
    assert_eq!(second.submission_id, receipt.submission_id);
}

#[tokio::test]
async fn a_batch_lets_nothing_go_that_a_later_record_of_it_contradicts() {
    // Goal: neither what was stored before nor what is read with it goes out beside a record of its
    // id that says something else. Method: an id of the first chunk and one of the last come again,
    // sealed; the first of them also as it was.
    let world = World::new();
    let store = world.open().await;
    let all = lines(620);
    let mut lines: Vec<String> = all.lines().map(str::to_owned).collect();
    let sealed = |line: &String| {
        line.replacen(
            "\"envelope\": {",
            "\"envelope\": {\"access_level\": \"R\",",
            1,
        )
    };
    let again = [sealed(&lines[0]), sealed(&lines[610]), lines[0].clone()];
    assert!(again[0] != lines[0], "the mark is in it");
    lines.extend(again);
    let rules = Arc::new(rules_with(PARTNERS));
    let batch = Batch::begin(store.clone(), rules, opening("b")).await;
    let mut batch = batch.expect("a batch");
    batch
        .push(lines.join("\n").as_bytes())
        .await
        .expect("taken");
    let receipt = batch.finish().await.expect("a receipt");
    let counts = receipt.counts;
    assert_eq!((counts.accepted, counts.held, counts.rejected), (618, 1, 4));
    let partner = PartnerId::new("program");
    let status = async |after: Option<u32>| {
        let page = store.submission_records(&partner, receipt.submission_id, after, 1);
        page.await.expect("the store answers").expect("known")[0].status
    };
    assert_eq!(status(None).await, RecordStatus::Held);
    for index in [610, 620, 621, 622] {
        assert_eq!(
            status(Some(index - 1)).await,
            RecordStatus::Rejected,
            "{index}"
        );
    }
    let items = store.work_items(None, None, 10).await.expect("work items");
    let causes: Vec<HoldCause> = items.iter().map(|item| item.cause).collect();
    assert_eq!(causes, [HoldCause::RecordContradicted]);
}

#[tokio::test]
async fn a_batch_without_a_good_record_leaves_nothing() {
    let world = World::new();
    let store = world.open().await;
    let rules = Arc::new(rules_with(PARTNERS));
    let mut batch = Batch::begin(store, rules, opening("b"))
        .await
        .expect("a batch");
    batch
        .push(b"{\"broken\": \n{\"more\": \n")
        .await
        .expect("taken");
    let findings = refused(batch.finish().await);
    assert!(codes(&findings).contains(&"syntax-invalid"), "{findings:?}");
}

#[tokio::test]
async fn a_dry_run_tells_who_would_be_given_what_and_stores_nothing() {
    let world = World::new();
    let store = world.open().await;
    let run = dry_run(
        &store,
        rules(),
        inbound("program", Some("k"), &plain(), START),
    )
    .await;
    let run = run.expect("a dry run");
    let json = serde_json::to_value(&run).expect("JSON");
    let county = &json["records"][0]["recipients"][0];
    assert_eq!(county["partner"], "county");
    assert_eq!(county["outcome"], "released");
    let released = county["released"].as_array().expect("paths");
    assert!(released.iter().any(|path| path == "/body/mode"));
    assert!(!released.iter().any(|path| path == "/body/narrative"));
    let trace = county["trace"].as_array().expect("rows");
    assert!(trace.iter().any(|row| row["effect"] == "withhold"));
    assert!(!json.to_string().contains("Quill"));
    let receipt = hand_in(&store, &plain()).await.expect("a receipt");
    assert_eq!(receipt.counts.accepted, 1, "the dry run had stored it");
}
