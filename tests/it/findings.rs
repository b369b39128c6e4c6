//! Goal: the reference of finding codes is whole and current. Method: compare with the generator.

use kinbridge::base::finding_codes::ALL;

#[test]
fn every_code_is_unique_and_kebab_case() {
    let mut seen = std::collections::BTreeSet::new();
    for entry in ALL {
        assert!(seen.insert(entry.code), "{} stands twice", entry.code);
        assert!(
            entry
                .code
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '-'),
            "{}",
            entry.code
        );
        assert!(
            !entry.message.is_empty() && !entry.fix.is_empty(),
            "{}",
            entry.code
        );
    }
}

#[test]
fn the_reference_file_is_what_the_command_prints() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings.md");
    let written = std::fs::read_to_string(file).expect("docs/findings.md is readable");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_kinbridge"))
        .arg("findings")
        .output()
        .expect("the executable runs");
    assert_eq!(
        written,
        String::from_utf8_lossy(&run.stdout),
        "run: kinbridge findings"
    );
}
