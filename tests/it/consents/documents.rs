//! Goal: the document of the kinds says what the rules say. Method: the table made from the rules.

use kinbridge::catalog;
use kinbridge::disclosure::tables::KindRow;
use kinbridge::rules::Rules;

fn line(row: &KindRow) -> String {
    let words = |list: Vec<&str>| match list.is_empty() {
        true => String::from("-"),
        false => list.join(", "),
    };
    let elements = row.elements.iter().map(|one| one.as_str()).collect();
    let events = row.events.iter().map(|one| one.as_str()).collect();
    let mut end = format!("{:?}", row.end).to_lowercase();
    if row.single_use {
        end.push_str(", first use");
    }
    let mut signers = format!("{:?}", row.signers).to_lowercase();
    if row.child_attorney {
        signers.push_str(", child's attorney");
    }
    let (elements, events) = (words(elements), words(events));
    format!(
        "| `{}` | {signers} | {elements} | {end} | {events} |\n",
        row.id
    )
}

#[test]
fn the_table_of_kinds_is_the_rules() {
    let (sources, _) = catalog::load(&[]);
    let (rules, _) = Rules::from_sources(sources);
    let rows = &rules.policy.pack().tables.kinds;
    let table: String = rows.iter().map(line).collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/consents.md");
    let document = std::fs::read_to_string(file).expect("docs/consents.md is readable");
    assert!(document.contains(&table), "the table should read:\n{table}");
}
