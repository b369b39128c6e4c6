//! Goal: `decide` answers every line of a file, whatever one of them is. Method: run the command on
//! a file with a question, a line far too long, a list, one that is no JSON, and a question again.

use std::io::Write as _;
use std::process::Command;

const QUESTION: &str = concat!(
    r#"{"id":"Q1","source_role":"mhp","recipient_role":"mhp","purpose":"treatment","#,
    r#""data_classes":["mental_health"],"subject":{"id":"s1","role":"parent","age":34}}"#
);

#[test]
fn a_line_too_long_is_one_error_and_the_rest_is_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("questions.jsonl");
    let mut file = std::fs::File::create(&path).expect("a file");
    let long = "x".repeat(5 << 20);
    // A question of exactly the limit is still one: the line end does not count.
    let full = format!("{QUESTION}{}", " ".repeat((1 << 20) - QUESTION.len()));
    let lists = "[]\n{\"subject\":[\"s1\",\"parent\",34]}";
    write!(
        file,
        "{QUESTION}\n{long}\n{full}\n{lists}\nno\n{QUESTION}\n{long}"
    )
    .expect("written");
    drop(file);
    let run = Command::new(env!("CARGO_BIN_EXE_kinbridge"))
        .arg("decide")
        .arg(&path)
        .output()
        .expect("the command runs");
    assert_eq!(run.status.code(), Some(1));
    let out = String::from_utf8(run.stdout).expect("text");
    let told: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let decisions: Vec<&str> = told.iter().filter_map(|d| d["decision"].as_str()).collect();
    let expected = [
        "permit", "deny", "permit", "deny", "deny", "deny", "permit", "deny",
    ];
    assert_eq!(decisions, expected);
    let errors = String::from_utf8(run.stderr).expect("text");
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(
        lines,
        [
            "line 2: longer than 1 MiB",
            "line 4: not a question",
            "line 5: not a question",
            "line 6: not a question",
            "line 8: longer than 1 MiB",
        ]
    );
}
