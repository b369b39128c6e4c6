//! Goal: the style rules hold in every file. Method: read the tree and measure.

use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARACTERS_MAX: usize = 100;
const BANNED_MODULES: &[&str] = &[
    "utils", "helpers", "common", "types", "misc", "manager", "service", "util", "helper",
];

/// All Rust files below a folder of the repository.
pub fn rust_files(folder: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    walk(&root().join(folder), &mut out);
    out.sort();
    assert!(!out.is_empty(), "no Rust files below {folder}");
    out
}

/// The repository's top folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file's path as the repository names it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a source file is readable")
}

/// Whether the file holds tests only: `<module>_tests.rs` beside the module it tests.
pub fn is_tests_only(path: &Path) -> bool {
    shown(path).starts_with("tests/") || shown(path).ends_with("_tests.rs")
}

fn fail_on(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn files_functions_and_lines_stay_small() {
    let mut problems = Vec::new();
    for path in rust_files("src").into_iter().chain(rust_files("tests/it")) {
        let text = read(&path);
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            problems.push(format!("{}: {lines} lines", shown(&path)));
        }
        for (at, line) in text.lines().enumerate() {
            if line.chars().count() > LINE_CHARACTERS_MAX && !line.contains("http") {
                problems.push(format!("{}:{}: line too long", shown(&path), at + 1));
            }
        }
        problems.extend(long_functions(&path, &text));
    }
    fail_on(&problems);
}

/// Functions as rustfmt lays them out: from `fn` to the closing brace at the same indentation.
fn long_functions(path: &Path, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut problems = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let head = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "async fn ",
            "pub async fn ",
        ]
        .iter()
        .chain(
            [
                "pub(crate) async fn ",
                "pub(super) async fn ",
                "const fn ",
                "pub const fn ",
            ]
            .iter(),
        )
        .any(|head| body.starts_with(head));
        if !head {
            continue;
        }
        let indent = line.len() - body.len();
        let close = format!("{}}}", " ".repeat(indent));
        let end = lines[at..].iter().position(|l| **l == *close);
        if let Some(length) = end.filter(|length| *length + 1 > FUNCTION_LINES_MAX) {
            problems.push(format!(
                "{}:{}: function of {} lines",
                shown(path),
                at + 1,
                length + 1
            ));
        }
    }
    problems
}

#[test]
fn every_module_opens_with_what_it_does() {
    let problems: Vec<String> = rust_files("src")
        .iter()
        .filter(|path| !read(path).starts_with("//!"))
        .map(|path| format!("{}: no module comment", shown(path)))
        .collect();
    fail_on(&problems);
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let mut problems = Vec::new();
    for path in rust_files("src") {
        let stem = path
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or_default();
        let folder = path
            .parent()
            .and_then(|p| p.file_name())
            .and_then(|s| s.to_str());
        if BANNED_MODULES.contains(&stem) || folder.is_some_and(|f| BANNED_MODULES.contains(&f)) {
            problems.push(shown(&path));
        }
    }
    fail_on(&problems);
}

#[test]
fn nothing_unfinished_or_panicking_stands_on_the_road() {
    let banned = [
        "todo!(",
        "unimplemented!(",
        "FIXME",
        "dbg!(",
        ".unwrap()",
        ".expect(",
        "panic!(",
    ];
    let mut problems = Vec::new();
    for path in rust_files("src").into_iter().filter(|p| !is_tests_only(p)) {
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            for word in banned.iter().filter(|word| line.contains(*word)) {
                problems.push(format!("{}:{}: {word}", shown(&path), at + 1));
            }
        }
    }
    fail_on(&problems);
}

#[test]
fn tests_do_not_sleep() {
    let mut problems = Vec::new();
    for path in rust_files("tests/it").into_iter().chain(rust_files("src")) {
        if path.ends_with("tidy.rs") {
            continue;
        }
        let text = read(&path);
        let code = if is_tests_only(&path) {
            text.as_str()
        } else {
            text.split_once("#[cfg(test)]")
                .map_or("", |(_, tests)| tests)
        };
        if code.contains("thread::sleep") || code.contains("time::sleep(") {
            problems.push(shown(&path));
        }
    }
    fail_on(&problems);
}
