//! Goal: the one-way flow of ARCHITECTURE.md holds. Method: compare every `crate::x` path in `src`
//! with the table, and look for what may stand in one room only.

use crate::tidy::{is_tests_only, root, rust_files, shown};
use std::collections::BTreeSet;

/// A row of the page's table of rooms.
struct Room {
    name: String,
    pure: bool,
    /// What it may import; nothing where it wires the others together and may import all.
    may_import: Option<BTreeSet<String>>,
}

/// The rooms, as ARCHITECTURE.md has them.
fn rooms() -> Vec<Room> {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let (_, table) = page.split_once("## Rooms").expect("the section");
    let (table, _) = table.split_once("\n## ").expect("another section");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let rooms: Vec<Room> = rows.flat_map(rooms_of).collect();
    assert!(rooms.len() > 20, "{} rooms", rooms.len());
    rooms
}

/// The rooms of one row of the table.
fn rooms_of(row: &str) -> Vec<Room> {
    let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
    let [names, _, may_import] = cells[..] else {
        panic!("three cells: {row}");
    };
    let listed = |text: &str| text.split(", ").map(str::to_owned).collect();
    let may_import: Option<BTreeSet<String>> = match may_import {
        "all" => None,
        "-" => Some(BTreeSet::new()),
        named => Some(listed(named)),
    };
    let pure = names.ends_with("(pure)");
    let names = names.split('`').skip(1).step_by(2);
    let name = |name: &str| {
        name.trim_end_matches(['/'])
            .trim_end_matches(".rs")
            .to_owned()
    };
    names
        .map(|one| {
            let (name, may_import) = (name(one), may_import.clone());
            let mut may_import = may_import;
            // What is told goes by one room, from every room that is not pure.
            if let Some(named) = may_import.as_mut().filter(|_| !pure) {
                named.insert("telemetry".to_owned());
            }
            Room {
                name,
                pure,
                may_import,
            }
        })
        .collect()
}

/// What would let a pure room do more than compute.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "tokio",
    "Instant::now",
];

/// Text that may stand below one folder (or in one file) only.
const ONE_ROOM_ONLY: &[(&str, &[&str])] = &[
    ("sqlx::", &["src/store/"]),
    ("actix_web", &["src/web/"]),
    ("std::env", &["src/config.rs"]),
    ("env::var", &["src/config.rs"]),
    ("SystemTime::now", &["src/base/clock.rs"]),
    ("Timestamp::now()", &["src/base/clock.rs"]),
    // The only road to bytes on the wire is release; what the store keeps of it comes back there.
    ("Kept::of_store", &["src/kept.rs"]),
    ("KeptOutput {", &["src/store/", "src/kept.rs"]),
    ("Parcel {", &["src/deliver/transport.rs"]),
    ("Parcel::new(", &["src/deliver/plan.rs"]),
    // Everything told goes by the one vocabulary of events.
    ("tracing::", &["src/telemetry/"]),
];

fn module_of(path: &str) -> &str {
    let rest = path.strip_prefix("src/").unwrap_or(path);
    rest.split(['/', '.']).next().unwrap_or(rest)
}

/// Modules a source text names after `crate::` or another beginning, grouped imports over any
/// number of lines included.
fn named_modules(text: &str, begins: &str) -> BTreeSet<String> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code: Vec<&str> = text.lines().filter(is_code).collect();
    let code = code.join("\n");
    let mut out = BTreeSet::new();
    for (at, found) in code.match_indices(begins) {
        let (_, rest) = code.split_at(at + found.len());
        let named = match rest.strip_prefix('{') {
            Some(group) => first_names(group),
            None => vec![rest],
        };
        for name in named.into_iter().filter(|name| !name.trim().is_empty()) {
            let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
            out.insert(name.trim().chars().take_while(is_word).collect());
        }
    }
    out
}

/// The entries of an import group, each from its first name on; entries inside nested braces are
/// not of this level.
fn first_names(group: &str) -> Vec<&str> {
    let (mut depth, mut from, mut out) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                out.push(&group[from..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                out.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    out
}

#[test]
fn grouped_imports_are_seen_whole() {
    let text =
        "use crate::{\n    store::{Store, model},\n    web,\n};\nfn f() { crate::app::run() }";
    let named: Vec<String> = named_modules(text, "crate::").into_iter().collect();
    assert_eq!(named, ["app", "store", "web"]);
}

#[test]
fn every_import_is_allowed_by_the_table() {
    // Goal: the page is true. Method: its own table, read here; every room of `src` is in it, and
    // names no other room that it does not list, by `crate::` or from its root file by `super::`.
    let rooms = rooms();
    let known: BTreeSet<&str> = rooms.iter().map(|room| room.name.as_str()).collect();
    let mut problems = Vec::new();
    for room in rooms.iter().filter_map(|room| room.may_import.as_ref()) {
        let strange = room.iter().filter(|named| !known.contains(named.as_str()));
        problems.extend(strange.map(|named| format!("the table lists `{named}`, which is no row")));
    }
    let mut seen = BTreeSet::from(["main".to_owned()]);
    for (name, code) in code_of("src") {
        let module = module_of(&name).to_owned();
        seen.insert(module.clone());
        let Some(room) = rooms.iter().find(|room| room.name == module) else {
            if module != "lib" {
                problems.push(format!("{name}: `{module}` is no room of the table"));
            }
            continue;
        };
        let Some(allowed) = &room.may_import else {
            continue;
        };
        let mut named = named_modules(&code, "crate::");
        if is_root_file(&name) {
            named.extend(named_modules(&code, "super::"));
        }
        for named in named.iter().filter(|named| known.contains(named.as_str())) {
            if *named != module && !allowed.contains(named) {
                problems.push(format!("{name}: {module} may not import {named}"));
            }
        }
    }
    let gone = rooms.iter().filter(|room| !seen.contains(&room.name));
    problems.extend(gone.map(|room| format!("`{}` is not in src", room.name)));
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn pure_rooms_only_compute() {
    // Goal: what the page calls pure opens nothing and waits for nothing. Method: the names of what
    // would, looked for in all code of those rooms.
    let rooms = rooms();
    let pure = |name: &str| rooms.iter().any(|room| room.pure && room.name == name);
    let (mut problems, mut files) = (Vec::new(), 0);
    for (name, code) in code_of("src") {
        if !pure(module_of(&name)) {
            continue;
        }
        files += 1;
        for line in code
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default())
        {
            let words = IMPURE.iter().filter(|word| line.contains(*word));
            problems.extend(words.map(|word| format!("{name}: {word}")));
        }
    }
    assert!(files > 100, "{files} files of pure rooms");
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn nothing_but_tests_follows_the_mark_of_tests() {
    // Goal: no code hides behind `#[cfg(test)]`, where the other tests here stop reading. Method:
    // one mark a file, then `mod tests` and its end, which is the file's.
    let mut problems = Vec::new();
    for path in rust_files("src").into_iter().filter(|p| !is_tests_only(p)) {
        let text = std::fs::read_to_string(&path).expect("a source file is readable");
        let Some((_, tests)) = text.split_once("#[cfg(test)]\n") else {
            if text.contains("cfg(test)") && !shown(&path).ends_with("src/lib.rs") {
                problems.push(format!("{}: another form of the mark", shown(&path)));
            }
            continue;
        };
        let mut lines = tests
            .lines()
            .skip_while(|line| line.starts_with("#[path = "));
        let opens = lines.next().unwrap_or_default();
        let rest: Vec<&str> = lines.skip_while(|line| *line != "}").collect();
        let ends = match opens {
            "mod tests;" => tests.trim_end().ends_with("mod tests;"),
            "mod tests {" => rest == ["}"],
            _ => false,
        };
        if !ends {
            problems.push(shown(&path));
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Every file below a folder that is not of tests only, with what stands before its tests.
fn code_of(folder: &str) -> Vec<(String, String)> {
    let files = rust_files(folder).into_iter().filter(|p| !is_tests_only(p));
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source file is readable");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        (shown(&path), code.to_owned())
    };
    files.map(read).collect()
}

/// Whether the file is a room's own: `super` of it is the crate.
fn is_root_file(name: &str) -> bool {
    let rest = name.strip_prefix("src/").unwrap_or(name);
    !rest.contains('/') || (rest.ends_with("/mod.rs") && rest.matches('/').count() == 1)
}

#[test]
fn what_belongs_to_one_room_stays_there() {
    let mut problems = Vec::new();
    for path in rust_files("src") {
        let name = shown(&path);
        let text = std::fs::read_to_string(&path).expect("a source file is readable");
        for (at, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (word, rooms) in ONE_ROOM_ONLY {
                if code.contains(word) && !rooms.iter().any(|room| name.starts_with(room)) {
                    problems.push(format!("{name}:{}: {word}", at + 1));
                }
            }
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn no_statement_writes_a_state_of_a_delivery_by_hand() {
    // Method: every statement of the store that changes deliveries, line ends taken out; what it
    // assigns to state and exposure is a value bound or made of the outbox's steps, never a number.
    let mut seen = 0;
    let mut problems = Vec::new();
    for path in rust_files("src/store")
        .into_iter()
        .filter(|p| !is_tests_only(p))
    {
        let text = std::fs::read_to_string(&path).expect("a source file is readable");
        let joined: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
        let joined = joined.concat();
        for statement in joined.split("UPDATE delivery SET ").skip(1) {
            seen += 1;
            let set = statement.split(" WHERE ").next().unwrap_or_default();
            if writes_a_number(set) {
                problems.push(format!("{}: {set}", shown(&path)));
            }
        }
    }
    assert!(seen > 5, "statements of the store are found: {seen}");
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
    for (set, by_hand) in [
        ("state = 2, updated_at = ?", true),
        ("updated_at = ?, exposure = 2", true),
        (
            "state = v.column2, exposure = max(delivery.exposure, v.column4)",
            false,
        ),
        ("{set}, updated_at = ?", false),
    ] {
        assert_eq!(writes_a_number(set), by_hand, "{set}");
    }
}

fn writes_a_number(set: &str) -> bool {
    let assigned = |name: &&str| {
        let assigned = format!("{name} = ");
        let values = set.split(assigned.as_str()).skip(1);
        let mut first = values.map(|value| value.trim_start().chars().next());
        first.any(|c| c.is_some_and(|c| c.is_ascii_digit()))
    };
    ["state", "exposure"].iter().any(assigned)
}

#[test]
fn the_exits_of_sensitive_payloads_are_counted() {
    // Raising a number here is a decision to review, not a chore.
    const EXITS: usize = 20;
    let exits: usize = rust_files("src")
        .iter()
        .filter(|path| !shown(path).starts_with("src/base/") && !is_tests_only(path))
        .map(|path| std::fs::read_to_string(path).expect("a source file is readable"))
        .map(|text| {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            code.matches("expose(Reason::").count() + code.matches("exposed(Reason::").count()
        })
        .sum();
    assert_eq!(
        exits, EXITS,
        "exits of Sensitive, and how many are reviewed"
    );
}

#[test]
fn no_partner_code_or_crosswalk_stands_in_the_source() {
    let mut words = BTreeSet::new();
    collect_catalog_words(&root().join("mappings"), &mut words);
    collect_catalog_words(&root().join("fixtures"), &mut words);
    let mut problems = Vec::new();
    for path in rust_files("src") {
        let text = std::fs::read_to_string(&path).expect("a source file is readable");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for literal in literals(code) {
            let fips = literal.len() == 5 && literal.starts_with("060");
            if words.contains(&literal) || fips {
                problems.push(format!("{}: \"{literal}\"", shown(&path)));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn no_word_of_a_wire_format_stands_in_the_source() {
    // Method: what the shipped formats call their nodes, where they say it, and whose code systems
    // and namespaces they use, looked for in every literal.
    let mut words = BTreeSet::new();
    let mut names = Vec::new();
    collect_format_words(&root().join("schemas/formats"), &mut words, &mut names);
    assert!(words.contains("Patient") && words.contains("resourceType") && names.len() > 4);
    let mut problems = Vec::new();
    for path in rust_files("src").into_iter().filter(|p| !is_tests_only(p)) {
        let text = std::fs::read_to_string(&path).expect("a source file is readable");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for literal in literals(code) {
            let mut inside = literal.split(|c: char| !c.is_alphanumeric());
            let told = inside.any(|word| words.contains(word))
                || names.iter().any(|name| literal.contains(name.as_str()))
                || ["hl7.org", "niemopen.org"]
                    .iter()
                    .any(|host| literal.contains(host));
            // The type every FHIR server answers errors with is an interface, not a format.
            if told && !literal.starts_with("application/fhir") {
                problems.push(format!("{}: \"{literal}\"", shown(&path)));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Node types with a name of their own, members that say the type, and names of the formats.
fn collect_format_words(
    folder: &std::path::Path,
    words: &mut BTreeSet<String>,
    names: &mut Vec<String>,
) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if folder.ends_with("schemas/formats") {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
            collect_format_words(&path, words, names);
        } else if path.ends_with("format.toml") {
            let text = std::fs::read_to_string(&path).expect("a format file is readable");
            let body: toml::Table = toml::from_str(&text).expect("it is TOML");
            let rows = |key: &str| body.get(key).and_then(toml::Value::as_array);
            let said = |key: &str, name: &str| -> Vec<String> {
                let rows = rows(key).into_iter().flatten();
                rows.filter_map(|row| row.get(name)?.as_str().map(str::to_owned))
                    .collect()
            };
            words.extend(said("node", "type_from"));
            let own = |word: &String| word.starts_with(char::is_uppercase);
            words.extend(said("schema", "type").into_iter().filter(own));
        }
    }
}

/// Partner ids, crosswalk names and hosts of the shipped catalog and the demo's.
fn collect_catalog_words(folder: &std::path::Path, words: &mut BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let parent = folder
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            collect_catalog_words(&path, words);
        } else if parent == "partners" || parent == "crosswalks" {
            let stem = path
                .file_stem()
                .and_then(|s| s.to_str())
                .unwrap_or_default();
            words.insert(stem.to_owned());
        }
    }
}

/// String literals of a source text, comments left out. Good enough for rustfmt's layout.
fn literals(code: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        let mut parts = line.split('"');
        parts.next();
        while let (Some(inside), Some(_)) = (parts.next(), parts.next()) {
            out.push(inside.to_owned());
        }
    }
    out
}
