//! Rules of delimited text, one test each.

use super::*;
use crate::base::finding::LineIndex;
use crate::format::{Node, json};

const COMMA: Dialect = Dialect {
    delimiter: b',',
    formulas_guarded: false,
    encoding: Encoding::Utf8,
    blank_rows: false,
};

fn tree(bytes: &[u8]) -> String {
    let parsed = parse(bytes, &COMMA);
    assert!(parsed.findings.is_empty(), "{:?}", parsed.findings);
    let mut out = Vec::new();
    json::write(&parsed.tree.expect("a tree"), &mut out);
    String::from_utf8(out).expect("UTF-8")
}

type Wrong = (String, String, Option<u32>, u32, u32);

fn wrong(bytes: &[u8]) -> Vec<Wrong> {
    let mut findings = parse(bytes, &COMMA).findings;
    LineIndex::new(bytes, 1).fill(&mut findings);
    findings
        .into_iter()
        .map(|f| {
            let (line, column) = (f.line.unwrap_or(0), f.column.unwrap_or(0));
            (f.code.into_owned(), f.path, f.record_index, line, column)
        })
        .collect()
}

fn one(code: &str, path: &str, record: Option<u32>, line: u32, column: u32) -> Vec<Wrong> {
    vec![(code.to_owned(), path.to_owned(), record, line, column)]
}

// Goal: rows become objects by header; empty cells are absent; a byte order mark, CRLF, quoted
// delimiters, quotes and line breaks are read. Method: one file.
#[test]
fn rows_become_objects() {
    let bytes = b"\xEF\xBB\xBFid,name,note\r\n1,\"Lee, Ana\",\r\n\r\n2,,\"a \"\"b\"\"\r\nc\"\r\n";
    assert_eq!(
        tree(bytes),
        r#"[{"id":"1","name":"Lee, Ana"},{"id":"2","note":"a \"b\"\r\nc"}]"#
    );
    assert_eq!(tree(b"id\n\"\"\n5\" pipe"), r#"[{},{"id":"5\" pipe"}]"#);
    assert_eq!(tree(b"id\n"), "[]");
}

// Goal: cells know their bytes. Method: slices of the file.
#[test]
fn cells_know_their_bytes() {
    let bytes = b"\xEF\xBB\xBFid,name\r\n\r\n1,\"a\"\"b\"\r\n";
    let parsed = parse(bytes, &COMMA).tree.expect("rows");
    let cut = |path: &str| {
        let span = parsed.pointer(path).expect("a node").span;
        String::from_utf8_lossy(&bytes[span.start as usize..span.end as usize]).into_owned()
    };
    assert_eq!(cut("/0/id"), "1");
    assert_eq!(cut("/0/name"), "\"a\"\"b\"");
    assert_eq!(cut("/0"), "1,\"a\"\"b\"");
}

// Goal: a bad header ends reading, at its place. Method: an empty file, a name twice, none.
#[test]
fn a_bad_header_is_told() {
    assert_eq!(wrong(b""), one("header-invalid", "row 1", None, 1, 1));
    assert_eq!(
        wrong(b"a,b,a\n"),
        one("header-invalid", "row 1, column 3", None, 1, 5)
    );
    assert_eq!(
        wrong(b"a,,b\n1,2,3\n"),
        one("header-invalid", "row 1, column 2", None, 1, 3)
    );
    assert_eq!(
        wrong(b"a,\xFF\n1,2\n"),
        one("encoding-invalid", "row 1, column 2", None, 1, 3)
    );
    assert_eq!(
        wrong(b"a,b\n1,2\na,b\n"),
        one("header-invalid", "row 3", Some(1), 3, 1)
    );
}

// Goal: a bad row is a finding of that row, and the others are read. Method: too short, too long,
// not UTF-8, bad quotes, a control character.
#[test]
fn a_bad_row_does_not_sink_the_file() {
    let bytes = b"a,b\n1,2\n1\n1,2,3\n4,5\n";
    let found = wrong(bytes);
    assert_eq!(
        found[0],
        ("row-length-mismatch".into(), "row 3".into(), Some(1), 3, 1)
    );
    assert_eq!(
        found[1],
        ("row-length-mismatch".into(), "row 4".into(), Some(2), 4, 1)
    );
    assert_eq!(parse(bytes, &COMMA).tree.expect("rows").items().len(), 4);
    let bytes = b"a,b\n1,\xFF\n2,3\n";
    assert_eq!(
        wrong(bytes),
        one("encoding-invalid", "row 2, column b", Some(0), 2, 3)
    );
    assert_eq!(
        wrong(b"a,b\n1,\"x\"y\n"),
        one("syntax-invalid", "row 2, column b", Some(0), 2, 3)
    );
    assert_eq!(
        wrong(b"a,b\n1,\"x\n"),
        one("syntax-invalid", "row 2, column b", Some(0), 2, 3)
    );
    assert_eq!(
        wrong(b"a,b\n1,\x01\n"),
        one("control-character", "row 2, column b", Some(0), 2, 3)
    );
}

// Goal: too many columns or cells end with a finding. Method: one past each limit.
#[test]
fn cells_are_bounded() {
    let names: Vec<String> = (0..513).map(|n| format!("c{n}")).collect();
    assert_eq!(wrong(names.join(",").as_bytes())[0].0, "size-exceeded");
    let rows = format!("a\n{}", "1\n".repeat(200_001));
    assert_eq!(wrong(rows.as_bytes())[0].0, "size-exceeded");
}

// Goal: what is written reads back the same. Method: awkward cells, one and two columns.
#[test]
fn what_is_written_reads_back() {
    for header in [vec!["a"], vec!["a", "b"]] {
        let header: Vec<crate::base::Text> = header.into_iter().map(Into::into).collect();
        let texts = [
            "x",
            ",",
            "\"",
            "a\"b",
            "\r",
            "\n\r\n",
            " ",
            "\u{FEFF}x",
            "'=1",
        ];
        let rows: Vec<Node> = texts
            .iter()
            .map(|text| {
                let mut row = Node::object();
                row.set("a", Node::string(*text));
                row
            })
            .chain([Node::object()])
            .collect();
        let mut out = Vec::new();
        write(&rows, &header, &COMMA, &mut out);
        let back = parse(&out, &COMMA);
        assert!(back.findings.is_empty(), "{:?}", back.findings);
        assert_eq!(back.tree.expect("rows").items(), rows);
    }
}
