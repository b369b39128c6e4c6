//! Goal: `decide` answers every line of a file, whatever one of them is. Method: run the command on
//! a file with a question, a line far too long, a list, one that is no JSON, and a question again;
//! and on questions with a name or an age that is none.

use serde_json::{Value, json};
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
    let told: Vec<Value> = out
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

/// Runs `decide` on lines.
fn decide(lines: &[String], more: &[&str]) -> std::process::Output {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("questions.jsonl");
    std::fs::write(&path, lines.join("\n")).expect("written");
    let run = Command::new(env!("CARGO_BIN_EXE_kinbridge"))
        .arg("decide")
        .args(more)
        .arg(&path)
        .output();
    run.expect("the command runs")
}

fn with(pointer: &str, name: &str, value: Value) -> String {
    let mut question: Value = serde_json::from_str(QUESTION).expect("JSON");
    question["context"] = serde_json::json!({"mdt": {"member": true}});
    question["consents"] = serde_json::json!([{"id": "d", "type": "permit"}]);
    let at = question.pointer_mut(pointer).expect("a place");
    at[name] = value;
    question.to_string()
}

/// A name that is none: where it stands, the name, its value and what is meant by it.
fn slips() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        ("", "consent", json!([]), "`consents`"),
        ("", "suspected_abuser", json!(true), "member of `context`"),
        ("", "contxt", json!({}), "`context`"),
        ("/subject", "emancpated", json!(true), "`emancipated`"),
        (
            "/context",
            "suspectedabuser",
            json!(true),
            "`suspected_abuser`",
        ),
        (
            "/context",
            "Restraining-Order",
            json!(true),
            "`restraining_order`",
        ),
        (
            "/context/mdt",
            "identity_verifed",
            json!(false),
            "`identity_verified`",
        ),
        ("/consents/0", "clases", json!(["sogi"]), "`classes`"),
    ]
}

/// The answers and what is told beside them.
fn read(run: &std::process::Output) -> (Vec<Value>, Vec<String>) {
    let out = String::from_utf8_lossy(&run.stdout).into_owned();
    let errors = String::from_utf8_lossy(&run.stderr).into_owned();
    let answers = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    (
        answers.collect(),
        errors.lines().map(str::to_owned).collect(),
    )
}

#[test]
fn a_name_or_an_age_that_is_none_makes_a_line_no_question() {
    // Goal: what a slip of the pen would leave out never permits. Method: each slip once, in every
    // kind of object; the place and the name meant are told, the line is denied and the exit is 1.
    let slips = slips();
    let ages = [json!(-4), json!(200), json!("nine")];
    let wrong = slips
        .iter()
        .map(|(at, name, value, _)| with(at, name, value.clone()));
    let mut lines: Vec<String> = wrong.collect();
    lines.extend(ages.iter().map(|age| with("/subject", "age", age.clone())));
    lines.push(QUESTION.to_owned());
    let run = decide(&lines, &[]);
    assert_eq!(run.status.code(), Some(1));
    let (answers, told) = read(&run);
    assert_eq!(told.len(), lines.len() - 1, "{told:?}");
    for ((at, name, _, meant), told) in slips.iter().zip(&told) {
        assert!(told.contains(&format!(" {at}/?")), "{told}");
        assert!(told.contains(meant), "{told}");
        let own = ["suspected_abuser", "consent"].contains(name);
        assert!(
            own || !told.contains(name),
            "what was written stays out: {told}"
        );
    }
    for told in &told[slips.len()..] {
        assert!(
            told.contains("/subject/age: ") && told.contains("0 or more"),
            "{told}"
        );
    }
    let (last, denied) = answers.split_last().expect("answers");
    assert_eq!(denied.len() + 1, lines.len());
    for answer in denied {
        assert_eq!(answer["decision"], "deny", "{answer}");
        assert_eq!(answer["id"], "Q1");
        assert_eq!(answer["obligations"], json!(["human_review"]));
    }
    assert_eq!(last["decision"], "permit");
}

#[test]
fn a_name_like_no_other_is_noted_and_somebody_looks() {
    // Goal: what may be a note of a county's own, or a fact nobody reads, does not permit by
    // itself. Method: such a name in two places; the line is answered, and owes a look before.
    let lines = [
        with("", "ticket", json!("a")),
        with("/context", "moon", json!(true)),
    ];
    let run = decide(&lines, &[]);
    assert_eq!(run.status.code(), Some(0));
    let (answers, told) = read(&run);
    assert_eq!(told.len(), 2);
    for (answer, told) in answers.iter().zip(&told) {
        assert_eq!(answer["decision"], "permit", "{answer}");
        let owed = answer["obligations"].as_array().expect("a list");
        assert!(owed.contains(&json!("human_review")), "{answer}");
        assert!(told.contains("note: ") && !told.contains("moon"), "{told}");
    }
}

#[test]
fn what_a_case_says_beside_its_question_is_no_slip() {
    // Goal: the rules' own names without effect pass. Method: a question with each; no word of it.
    let names = [
        ("", "expect"),
        ("", "why"),
        ("", "confidence"),
        ("", "law_mark"),
        ("", "tags"),
        ("/subject", "ward"),
        ("/subject", "dependent_child"),
        ("/subject", "indian_child"),
        ("/context", "custody"),
        ("/context", "grant_requires_reporting"),
        ("/context", "parent_is_party"),
        ("/context", "report_filed_on"),
    ];
    let lines: Vec<String> = names
        .iter()
        .map(|(at, name)| with(at, name, json!(null)))
        .collect();
    let run = decide(&lines, &[]);
    assert_eq!(String::from_utf8_lossy(&run.stderr), "");
    assert_eq!(run.status.code(), Some(0));
}

#[test]
fn a_reason_is_told_in_both_languages() {
    // Goal: whoever reads Spanish is told why, too. Method: a class a policy opens, one nothing
    // opens, one of no vocabulary, and a question that cannot be decided.
    let three = "[\"mental_health\",\"sogi\",\"x\"]";
    let asked = QUESTION.replace("[\"mental_health\"]", three);
    let lacks = QUESTION.replace("\"treatment\"", "\"curiosity\"");
    let run = decide(&[asked, lacks], &["--explain"]);
    let out = String::from_utf8(run.stdout).expect("text");
    let rows: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .flat_map(|told| told["trace"].as_array().cloned().unwrap_or_default())
        .collect();
    assert_eq!(rows.len(), 4);
    let mut seen = std::collections::BTreeSet::new();
    for row in &rows {
        let (en, es) = (row["reason"].as_str(), row["reason_es"].as_str());
        assert!(en.is_some_and(|text| !text.is_empty()), "{row}");
        assert!(es.is_some_and(|text| !text.is_empty()) && en != es, "{row}");
        assert!(row["es_machine_draft"].is_boolean(), "{row}");
        seen.insert(es.map(str::to_owned));
    }
    assert_eq!(seen.len(), 4, "four reasons: {rows:?}");
}
