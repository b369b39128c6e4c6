//! Rules of the JSON parser, one test each.

use super::parse;
use crate::base::finding::LineIndex;
use crate::format::tree::Value;

/// Codes, paths, lines and columns of what is wrong with a document.
fn wrong(bytes: &[u8]) -> Vec<(String, String, u32, u32)> {
    let mut findings = parse(bytes).findings;
    LineIndex::new(bytes, 1).fill(&mut findings);
    findings
        .into_iter()
        .map(|f| {
            let (line, column) = (f.line.unwrap_or(0), f.column.unwrap_or(0));
            (f.code.into_owned(), f.path, line, column)
        })
        .collect()
}

fn one(code: &str, path: &str, line: u32, column: u32) -> Vec<(String, String, u32, u32)> {
    vec![(code.to_owned(), path.to_owned(), line, column)]
}

// Goal: every kind of value becomes its node, numbers as written, spans exact.
// Method: one document.
#[test]
fn values_become_nodes_with_spans() {
    let bytes = br#" {"a":[1.50,true,null],"b":"\u00e9\ud83d\ude00\n"} "#;
    let parsed = parse(bytes);
    assert!(parsed.findings.is_empty(), "{:?}", parsed.findings);
    let tree = parsed.tree.expect("a tree");
    assert_eq!(tree.text("b"), Some("é😀\n"));
    let number = tree.pointer("/a/0").expect("the number");
    assert_eq!(number.value, Value::Number("1.50".into()));
    assert_eq!(
        &bytes[number.span.start as usize..number.span.end as usize],
        b"1.50"
    );
    assert_eq!(
        (tree.span.start, tree.span.end as usize),
        (1, bytes.len() - 1)
    );
}

// Goal: a byte order mark is no error and does not shift places. Method: an error after one.
#[test]
fn a_byte_order_mark_is_tolerated() {
    assert!(parse(b"\xEF\xBB\xBF{}").findings.is_empty());
    assert_eq!(
        wrong(b"\xEF\xBB\xBF{\n x}"),
        one("syntax-invalid", "", 2, 2)
    );
}

// Goal: a name that stands twice is told at its second place, however many names there are, and
// reading goes on. Method: a small and a large object.
#[test]
fn a_name_twice_is_a_finding_and_the_first_stays() {
    let bytes = b"{\"x\":{\"consent\":\"deny\",\n \"consent\":\"permit\"},\"y\":1}";
    assert_eq!(wrong(bytes), one("duplicate-key", "/x/consent", 2, 2));
    let tree = parse(bytes).tree.expect("a tree");
    assert_eq!(
        tree.pointer("/x/consent").and_then(|n| n.as_str()),
        Some("deny")
    );
    assert!(tree.get("y").is_some());
    let many: Vec<String> = (0..60).map(|n| format!("\"k{}\":0", n % 50)).collect();
    let findings = parse(format!("{{{}}}", many.join(",")).as_bytes()).findings;
    assert_eq!(findings.len(), 10);
}

// Goal: text that is not UTF-8 is told with its place. Method: a bad byte on the second line.
#[test]
fn invalid_utf8_is_placed() {
    assert_eq!(
        wrong(b"{\n\"a\":\"\xFF\"}"),
        one("encoding-invalid", "", 2, 6)
    );
    assert_eq!(wrong(br#"["\ud800"]"#), one("encoding-invalid", "/0", 1, 3));
    assert_eq!(
        wrong(br#"["\ud800\u0041"]"#),
        one("encoding-invalid", "/0", 1, 3)
    );
}

// Goal: 64 levels are read, 65 are not, a million do not end the process. Method: brackets.
#[test]
fn depth_is_bounded() {
    let nested = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
    assert!(parse(&nested(64)).findings.is_empty());
    let path = "/0".repeat(64);
    assert_eq!(wrong(&nested(65)), one("depth-exceeded", &path, 1, 65));
    assert!(parse(&nested(1_000_000)).tree.is_none());
}

// Goal: too many nodes end with a finding. Method: an array of zeros past the limit.
#[test]
fn nodes_are_bounded() {
    let bytes = format!("[{}0]", "0,".repeat(200_000));
    assert_eq!(parse(bytes.as_bytes()).findings[0].code, "size-exceeded");
}

// Goal: a number that a double would round is told and the rest read. Method: two in one array.
#[test]
fn rounded_numbers_are_told() {
    let bytes = b"[12345678901234567890123, 1e999, 5]";
    let codes: Vec<String> = wrong(bytes).into_iter().map(|w| w.0).collect();
    assert_eq!(codes, ["number-not-exact", "number-not-exact"]);
}

// Goal: control characters are told, raw or escaped; tab and line breaks may be escaped.
// Method: one of each.
#[test]
fn control_characters_are_told() {
    assert_eq!(wrong(b"[\"a\tb\"]"), one("control-character", "/0", 1, 4));
    assert_eq!(
        wrong(br#"["\u0000"]"#),
        one("control-character", "/0", 1, 3)
    );
    assert!(parse(br#"["\t\r\n"]"#).findings.is_empty());
}

// Goal: whatever RFC 8259 refuses is refused. Method: a table of short documents.
#[test]
fn what_is_not_json_is_refused() {
    for bad in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "nul",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "[1]x",
        "{\"a\"}",
        "{\"a\":}",
        "'a'",
        "NaN",
        "-",
        "//c\n1",
    ] {
        let parsed = parse(bad.as_bytes());
        assert!(parsed.tree.is_none(), "{bad}");
        assert_eq!(parsed.findings.len(), 1, "{bad}");
        assert_eq!(parsed.findings[0].code, "syntax-invalid", "{bad}");
    }
}
