//! Goal: a command whose reader has gone ends as any filter does, quietly. Method: commands of
//! every way of writing, each with a standard output that nobody reads from the start; and one
//! whose words beside its answer nobody hears, which answers all the same.

use std::process::{Command, Stdio};

/// How a shell tells a filter whose reader has gone.
const CLOSED: i32 = 141;

fn kinbridge(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinbridge"));
    command.args(args).stdin(Stdio::null());
    command
}

#[test]
fn a_command_nobody_reads_ends_quietly() {
    let root = env!("CARGO_MANIFEST_DIR");
    let cases = format!("{root}/policies/cases/disclosure-cases.jsonl");
    let empty = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(empty.path().join("policies")).expect("a folder");
    let folder = empty.path().to_str().expect("text");
    let verbs: [&[&str]; 9] = [
        &["decide", &cases],
        &["decide", "--explain", &cases],
        &["policy", "list"],
        &["policy", "list", "--output", "json"],
        &["policy", "test"],
        &["policy", "diff", "--catalog", folder],
        &["records"],
        &["findings"],
        &["validate", "--format", "kinbridge-json/1.0", &cases],
    ];
    for args in verbs {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let run = kinbridge(args).stdout(writer).output();
        let run = run.expect("the command runs");
        let errors = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(CLOSED), "{args:?}: {errors}");
        assert_eq!(errors, "", "{args:?}");
    }
}

#[test]
fn what_is_said_beside_an_answer_need_not_be_heard() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("questions.jsonl");
    std::fs::write(&path, "no\nno\n").expect("written");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let run = kinbridge(&["decide", path.to_str().expect("text")])
        .stderr(writer)
        .output()
        .expect("the command runs");
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), 2);
}
