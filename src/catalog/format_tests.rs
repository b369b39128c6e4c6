//! Goal: what a format's own file may say is told from what nothing reads. Method: signs and
//! conditions of each kind.

use super::*;

// Goal: cells are told apart by nothing that a cell is written with. Method: signs of each
// kind.
#[test]
fn a_delimiter_is_a_sign_of_its_own() {
    let read = |sign: &str| {
        let table: Result<DelimitedSource, _> = toml::from_str(&format!("delimiter = \"{sign}\""));
        table.is_ok()
    };
    assert!([",", ";", "|", "\\t"].iter().all(|sign| read(sign)));
    let wrong = [
        "\\\"", "'", "\\n", "\\r", " ", "a", "7", "=", "\u{e9}", ",,", "",
    ];
    assert!(!wrong.iter().any(|sign| read(sign)));
}

// Goal: no form of a document is told by a condition nothing reads. Method: conditions of each
// kind.
#[test]
fn a_form_is_told_by_one_plain_condition() {
    let read = |when: &str| {
        let node: Result<NodeSource, _> = toml::from_str(&format!("at = \".\"\nwhen = \"{when}\""));
        node.is_ok()
    };
    assert!(
        ["records", "kind='Bundle'", "a.b = 'x'"]
            .iter()
            .all(|when| read(when))
    );
    let wrong = [
        "kind='Bundle', type!='history'",
        "kind!='Bundle'",
        "!kind",
        "kind=Bundle",
        "kind='a'b'",
        "='x'",
        "",
    ];
    assert!(!wrong.iter().any(|when| read(when)));
}
