//! Goal: nothing is dropped, moved or added in silence. Method: steps without a time go out and
//! come back in their order; a list longer than what is read is told at its place; what a mapping
//! leaves unread stands in its loss report.

use super::law::Bench;
use kinbridge::base::id::{FormatId, RecordType};

const STEPS: &str = r#"{
  "envelope": {"record_type": "service-referral", "schema_version": "1.0",
    "source_record_id": "r-1", "service_source": "case", "subject_refs": ["p1"],
    "record_id": "rec_0123456789abcdef0123456789abcdef"},
  "persons": [{"key": "p1", "role": "parent", "birth_date": "1990-05-05"}],
  "body": {"referral_id": "r-1", "status": "completed", "status_history": [
    {"code": "draft", "reason": "first"},
    {"code": "requested", "at": "2026-02-01T09:00:00-08:00"},
    {"code": "accepted", "reason": "in between"},
    {"code": "in-progress", "reason": "after that"},
    {"code": "completed", "at": "2026-02-09T09:00:00-08:00"}]}
}"#;

#[test]
fn steps_without_a_time_keep_their_place() {
    let bench = Bench::new(&[]);
    let (record, _) = bench.read("kinbridge-json/1.0", STEPS.as_bytes()).remove(0);
    for format in ["fhir-r4/4.0", "county-niem/1.0"] {
        let bytes = bench.write(format, &record);
        let (back, _) = bench.read(format, &bytes).remove(0);
        let codes = |record: &kinbridge::record::Record| {
            let history = record.body().and_then(|body| body.get("status_history"));
            let steps = history
                .map(|list| list.items().to_vec())
                .unwrap_or_default();
            let each = steps
                .iter()
                .filter_map(|step| step.text("code").map(str::to_owned));
            each.collect::<Vec<_>>()
        };
        assert_eq!(codes(&back), codes(&record), "{format}");
        assert_eq!(codes(&back).len(), 5);
    }
    let report = bench.plans.loss(
        &FormatId::new("fhir-r4/4.0"),
        &RecordType::new("service-referral"),
    );
    let limits = &report.expect("a report").limits;
    assert!(
        limits.iter().any(|limit| limit.contains("status_history")),
        "the order is a declared limit: {limits:?}"
    );
}

#[test]
fn items_beyond_those_read_are_told_at_their_place_and_declared() {
    let bench = Bench::new(&[]);
    let one = r##"{"resourceType": "ServiceRequest", "id": "r-1", "status": "active",
      "intent": "order", "subject": {"reference": "#p"},
      "performer": [{"display": "One"}EXTRA],
      "contained": [{"resourceType": "Patient", "id": "p"}]}"##;
    let told = |extra: &str| {
        let text = one.replace("EXTRA", extra);
        let (_, findings) = bench.read("fhir-r4/4.0", text.as_bytes()).remove(0);
        let unused = findings.iter().filter(|f| f.code == "wire-item-unused");
        let places = unused.filter_map(|f| f.span).map(|span| {
            text.get(span.start as usize..span.end as usize)
                .expect("a place")
                .to_owned()
        });
        places.collect::<Vec<_>>()
    };
    assert!(told("").is_empty());
    assert_eq!(
        told(r#", {"display": "Two"}, {"display": "Three"}"#),
        [r#"{"display": "Two"}"#]
    );
    let report = bench.plans.loss(
        &FormatId::new("fhir-r4/4.0"),
        &RecordType::new("service-referral"),
    );
    let ignored = &report.expect("a report").ignored;
    assert!(
        ignored
            .iter()
            .any(|loss| loss.path == "ServiceRequest.performer[1..]"),
        "{ignored:?}"
    );
}
