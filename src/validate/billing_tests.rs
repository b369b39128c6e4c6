//! Goal: what is billed is held against the table and nothing else. Method: a right record, and one
//! change each.

use super::{billed, claimed};
use crate::base::finding::Finding;
use crate::catalog::billing::Service;
use crate::format::json;

const RIGHT: &str = r#"{"envelope":{"subject_refs":["p1"]},"persons":[{"key":"p1"},{"key":"w1"}],
  "body":{"contact_id":"c1","start":"2026-03-14T14:00:00-07:00","end":"2026-03-14T14:50:00-07:00",
    "duration_min":50,"mode":"in_person","billable":{"hcpcs":"X0001","units":"3",
      "rendered_by":{"person":"w1","certificate":{"number":"n","issued":"2026-03-14",
        "renews":"2026-03-14"}}}}}"#;

fn services() -> Vec<Service> {
    let row = |hcpcs: &str, certified: bool| Service {
        hcpcs: hcpcs.to_owned(),
        minutes: 15,
        counts_from: 8,
        certified,
        source: "a test".to_owned(),
        mark: "V".to_owned(),
    };
    vec![row("X0001", true), row("X0002", false)]
}

fn told(found: Vec<Finding>) -> Vec<String> {
    found.into_iter().map(|it| it.code.into_owned()).collect()
}

/// Codes told of a changed record, to its sender and where it is to be claimed.
fn both(from: &str, to: &str) -> [Vec<String>; 2] {
    assert!(from.is_empty() || RIGHT.contains(from), "{from}");
    let text = match from {
        "" => RIGHT.to_owned(),
        from => RIGHT.replacen(from, to, 1),
    };
    let record = json::parse(text.as_bytes()).tree.expect("a tree");
    let services = services();
    [
        told(billed(&services, &record)),
        told(claimed(&services, &record)),
    ]
}

const UNITS: &str = "units-mismatch";
const CERTIFICATE: &str = "certification-not-in-force";

#[test]
fn what_is_billed_follows_from_the_table() {
    let nothing: [Vec<String>; 2] = [vec![], vec![]];
    assert_eq!(both("", ""), nothing);
    let right = [
        ("\"units\":\"3\"", "\"units\":\"3.00\""),
        ("\"duration_min\":50,", ""),
        ("X0001", "X9999"),
        ("\"renews\":\"2026-03-14\"", "\"renews\":\"2026-04\""),
        ("\"issued\":\"2026-03-14\"", "\"issued\":\"2025\""),
    ];
    for (from, to) in right {
        assert_eq!(both(from, to), nothing, "{to}");
    }
    let wrong = [
        ("\"units\":\"3\"", "\"units\":\"4\"", UNITS),
        ("\"units\":\"3\"", "\"units\":\"3.5\"", UNITS),
        ("\"duration_min\":50", "\"duration_min\":52", ""),
        ("\"duration_min\":50", "\"duration_min\":53", UNITS),
        (
            "\"renews\":\"2026-03-14\"",
            "\"renews\":\"2026-03-13\"",
            CERTIFICATE,
        ),
        (
            "\"renews\":\"2026-03-14\"",
            "\"renews\":\"2026-03\"",
            CERTIFICATE,
        ),
        (
            "\"issued\":\"2026-03-14\"",
            "\"issued\":\"2026-03-15\"",
            CERTIFICATE,
        ),
        (
            "\"issued\":\"2026-03-14\"",
            "\"issued\":\"2026\"",
            CERTIFICATE,
        ),
    ];
    for (from, to, code) in wrong {
        let want: Vec<&str> = [code].into_iter().filter(|code| !code.is_empty()).collect();
        let [sender, claim] = both(from, to);
        assert_eq!((sender, claim), (owned(&want), owned(&want)), "{to}");
    }
}

fn owned(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

#[test]
fn what_only_a_claim_needs_is_told_only_of_a_claim() {
    let certificate = r#","certificate":{"number":"n","issued":"2026-03-14",
        "renews":"2026-03-14"}"#;
    let rows = [
        (certificate, "", CERTIFICATE),
        ("\"duration_min\":50,\"mode\"", "\"mode\"", ""),
        ("[\"p1\"]", "[\"p1\",\"w1\"]", "billed-for-several"),
    ];
    for (from, to, code) in rows {
        let want: Vec<&str> = [code].into_iter().filter(|code| !code.is_empty()).collect();
        assert_eq!(both(from, to), [vec![], owned(&want)], "{code}");
    }
    // Units without any minutes they could follow from.
    let no_end = RIGHT.replacen("\"duration_min\":50,", "", 1).replacen(
        "\"end\":\"2026-03-14T14:50:00-07:00\",",
        "",
        1,
    );
    let record = json::parse(no_end.as_bytes()).tree.expect("a tree");
    assert_eq!(told(billed(&services(), &record)), owned(&[]));
    assert_eq!(told(claimed(&services(), &record)), owned(&[UNITS]));
    // A contact that is not billed is asked nothing.
    let plain = r#"{"envelope":{"subject_refs":["p1","p2"]},"body":{"contact_id":"c"}}"#;
    let record = json::parse(plain.as_bytes()).tree.expect("a tree");
    assert_eq!(told(claimed(&services(), &record)), owned(&[]));
}
