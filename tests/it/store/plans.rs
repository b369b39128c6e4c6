//! Goal: no statement of the store reads a whole table that grows with what counties send, nor an
//! index of it, but those that are meant to. Method: every statement written out in `src/store` is
//! explained by the database on its own schema; those put together at run time are not seen.

use super::world::World;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Tables that grow.
const GROWING: &[&str] = &[
    "consent",
    "consent_confirmation",
    "consent_notice",
    "consent_revision",
    "consent_use",
    "decision",
    "delivery",
    "delivery_output",
    "emergency_access",
    "emergency_disclosure",
    "extract_record",
    "extract_work",
    "fact",
    "fact_revision",
    "idempotency",
    "person",
    "person_disclosure",
    "person_identifier",
    "person_join",
    "record",
    "record_key",
    "record_person",
    "record_version",
    "submission",
    "submission_record",
    "work_item",
];

/// Who reads a table whole by intent: where, and which.
const WHOLE: &[(&str, &str)] = &[
    // Holding the whole database against its ledger.
    ("crosscheck", "submission"),
    ("crosscheck", "record_version"),
    // New rules change when every fact turns.
    ("turn.rs", "fact"),
    // How many items are open is counted.
    ("views.rs", "work_item"),
];

/// The statements written out in a file: whole ones, and those that end before a list of keys.
fn statements(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let mut literal = String::new();
        let mut ended = rest.len();
        let mut chars = rest[at + 1..].char_indices();
        while let Some((place, char)) = chars.next() {
            match char {
                '\\' => match chars.next() {
                    // The line goes on behind its indentation.
                    Some((_, '\n')) => {
                        let more = rest[at + 1..][place + 2..].chars();
                        let indented = more.take_while(|c| *c == ' ').count();
                        chars.by_ref().take(indented).for_each(|_| {});
                    }
                    Some((_, escaped)) => literal.push(escaped),
                    None => {}
                },
                '"' => {
                    ended = at + place + 2;
                    break;
                }
                other => literal.push(other),
            }
        }
        rest = &rest[ended.min(rest.len())..];
        let verbs = ["SELECT ", "WITH ", "UPDATE ", "DELETE "];
        let whole = !literal.contains('{') && verbs.iter().any(|verb| literal.starts_with(verb));
        if whole {
            out.push(match literal.ends_with(" IN") {
                true => format!("{literal} (?, ?)"),
                false => literal,
            });
        }
    }
    out
}

/// Whether its condition is written elsewhere.
fn is_part(sql: &str) -> bool {
    let mut words = sql.rsplit(' ');
    let last = [words.next(), words.next(), words.next()];
    let of = matches!(last[1], Some("WHERE" | "FROM")) || last[2] == Some("FROM");
    of || !sql.contains(" WHERE ")
}

/// Files under a folder, with their text.
fn sources(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = std::fs::read_to_string(&path).expect("text");
            out.push((path.display().to_string(), text));
        }
    }
}

/// What the names of a statement stand for, where it gives tables others.
fn aliases(sql: &str) -> BTreeMap<&str, &str> {
    let words: Vec<&str> = sql.split([' ', ',', '(', ')']).collect();
    let pairs = words.windows(2);
    let named = pairs.filter(|pair| GROWING.contains(&pair[0]));
    named.map(|pair| (pair[1], pair[0])).collect()
}

/// Indexes of what waits alone: reading one whole is reading what waits.
async fn partial(conn: &mut SqliteConnection) -> BTreeSet<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %' \
               AND name <> 'work_item_waiting'";
    let rows = sqlx::query(sql).fetch_all(conn).await.expect("indexes");
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

/// The growing tables a statement reads whole; `None` when it is only a part of one.
async fn whole(
    conn: &mut SqliteConnection,
    sql: &str,
    partial: &BTreeSet<String>,
) -> Option<Vec<String>> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let steps = sqlx::query(explain).fetch_all(conn).await.ok()?;
    let aliases = aliases(sql);
    let mut out = Vec::new();
    for step in &steps {
        let step: String = step.get(3);
        let words: Vec<&str> = step.split(' ').collect();
        // All open items are many as well.
        let open = step.ends_with("work_item_open (state=?)");
        if words[0] != "SCAN" && !open {
            continue;
        }
        let table = aliases.get(words[1]).copied().unwrap_or(words[1]);
        let waits = words.last().is_some_and(|index| partial.contains(*index));
        if GROWING.contains(&table) && !waits {
            out.push(table.to_owned());
        }
    }
    Some(out)
}

#[tokio::test]
async fn no_statement_reads_a_growing_table_whole() {
    let world = World::new();
    let store = world.open().await;
    let url = format!("sqlite://{}", world.database().display());
    let mut conn = SqliteConnection::connect(&url).await.expect("open");
    let partial = partial(&mut conn).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut files = Vec::new();
    sources(&folder, &mut files);
    let (mut explained, mut found) = (0, Vec::new());
    for (file, text) in &files {
        for sql in statements(text) {
            if is_part(&sql) {
                continue;
            }
            let Some(tables) = whole(&mut conn, &sql, &partial).await else {
                continue;
            };
            explained += 1;
            let meant = |table: &String| {
                let meant = |(place, of): &(&str, &str)| file.contains(place) && of == table;
                WHOLE.iter().any(meant)
            };
            for table in tables.iter().filter(|table| !meant(table)) {
                found.push(format!("{file}: {table}: {sql}"));
            }
        }
    }
    drop(store);
    assert!(explained > 120, "only {explained} statements were seen");
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
