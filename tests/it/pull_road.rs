//! Goal: nothing goes into a pulled file but what a release made, and no stored record is carried
//! past its decision. Method: read the sources of the room, tests left out.

use crate::tidy::{rust_files, shown};

fn code_of(path: &std::path::Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source file is readable");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .map(|l| l.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn room() -> Vec<(String, String)> {
    let files = rust_files("src/extract");
    assert!(
        files.len() > 4,
        "the room was looked for in the wrong place"
    );
    files
        .iter()
        .map(|path| (shown(path), code_of(path)))
        .collect()
}

#[test]
fn a_stored_record_is_read_nowhere_in_the_room() {
    for (name, code) in room() {
        assert!(!code.contains("StoredRecord"), "{name}");
        assert!(!code.contains("payload"), "{name}");
        assert!(!code.contains("Sensitive"), "{name}");
    }
}

#[test]
fn a_record_that_was_read_is_held_by_no_struct_and_goes_to_its_decision_alone() {
    for (name, code) in room() {
        let fields = code.lines().map(str::trim).filter(|l| l.ends_with(','));
        let held: Vec<&str> = fields
            .filter(|line| !line.starts_with('(') && line.contains("Readied<"))
            .collect();
        assert!(held.is_empty(), "{name}: {held:?}");
        let decides = name.ends_with("pass.rs") || name.ends_with("file.rs");
        assert_eq!(code.contains("Readied"), decides, "{name}");
    }
}

#[test]
fn bytes_enter_a_file_only_from_a_release() {
    let exits: Vec<(String, usize)> = room()
        .into_iter()
        .map(|(name, code)| (name, code.matches("expose(").count()))
        .filter(|(_, exits)| *exits > 0)
        .collect();
    assert_eq!(exits, [("src/extract/joint.rs".to_owned(), 1)]);
    let (_, code) = room()
        .into_iter()
        .find(|(n, _)| n.ends_with("joint.rs"))
        .expect("joint.rs");
    assert!(code.contains("expose(Reason::Send)"));
    let open = code.split("pub ").skip(1).filter_map(|item| {
        let head = item.split('{').next()?;
        head.contains("fn ").then(|| head.to_owned())
    });
    for head in open {
        let parameters = head.split("->").next().unwrap_or_default();
        for bytes in ["[u8]", "Vec<u8>", "Bytes"] {
            assert!(!parameters.contains(bytes), "{head}");
        }
    }
    assert!(
        code.contains("pub struct Piece(Vec<u8>);"),
        "its bytes stay private"
    );
    assert!(
        code.contains("pub struct Chunk(Vec<u8>);"),
        "its bytes stay private"
    );
}
