//! Cells: the counts a record of totals states, and those that can be computed from them.
//!
//! A small cell may tell who is in it. So may one that is left out where the total and the other
//! groups stand beside it, and what is left of a denominator. The smallest of all of them is what
//! the law is asked about; nothing here says what is small enough, and nothing is taken out: the
//! sender suppresses, and what it left readable keeps the whole record back.

use super::Record;
use crate::format::{Node, Value};
use std::collections::BTreeMap;

/// Where the entries stand that hold cells.
const ENTRIES: &str = "measures";

/// What counts the same people more closely: a whole, and parts that do not overlap.
const NESTED: [(&str, &[&str]); 2] = [
    (
        "families_offered",
        &["families_accepted", "families_declined"],
    ),
    ("cft_parents_attended", &["cft_fathers_attended"]),
];

/// What one entry counts, and of how many.
#[derive(Clone, Copy)]
struct Cell {
    count: u64,
    out_of: Option<u64>,
}

/// By measure, dimension and group.
type Cells<'r> = BTreeMap<(&'r str, &'r str, String), Cell>;

/// The smallest cell of a record, stated or computed. A stated zero is one; a computed zero is
/// none, for then nothing is left out. `None` when the record states no cell, one that cannot be
/// read, or names persons.
pub fn smallest(record: &Record) -> Option<u64> {
    // What names somebody is no table of counts.
    let body = record.body().filter(|_| record.persons().is_empty())?;
    let mut all = Vec::new();
    integers(body, &mut all);
    let stated = all.into_iter().collect::<Option<Vec<u64>>>()?;
    let cells = cells(body.get(ENTRIES).map(Node::items).unwrap_or_default());
    let mut computed = Vec::new();
    for ((measure, dimension, group), cell) in &cells {
        computed.extend(cell.rest());
        if dimension.is_empty() {
            hidden(cell, &groups(&cells, measure), &mut computed);
        }
        for (_, parts) in NESTED.iter().filter(|(whole, _)| whole == measure) {
            let of = parts.iter();
            let of = of.filter_map(|part| cells.get(&(*part, *dimension, group.clone())));
            // Two wholes have two denominators: only the counts are of the same people.
            let counts: Vec<Cell> = of.map(|cell| cell.counted()).collect();
            hidden(&cell.counted(), &[counts], &mut computed);
        }
    }
    let computed = computed.into_iter().filter(|left| *left > 0);
    stated.into_iter().chain(computed).min()
}

impl Cell {
    /// How many of the denominator it does not count.
    fn rest(self) -> Option<u64> {
        Some(self.out_of?.abs_diff(self.count))
    }

    fn counted(self) -> Cell {
        Cell {
            out_of: None,
            ..self
        }
    }
}

/// What can be computed of a whole once its parts are known: what each of them and all of them
/// leave, in the count, in the denominator and beside the count.
fn hidden(whole: &Cell, breakdowns: &[Vec<Cell>], out: &mut Vec<u64>) {
    let seen: [fn(&Cell) -> Option<u64>; 3] = [
        |cell| Some(cell.count),
        |cell| cell.out_of,
        |cell| cell.rest(),
    ];
    for parts in breakdowns {
        for part in seen {
            let Some(total) = part(whole) else { continue };
            let parts: Vec<u64> = parts.iter().filter_map(part).collect();
            out.extend(parts.iter().map(|one| total.abs_diff(*one)));
            let sum = parts
                .iter()
                .fold(0_u64, |sum, one| sum.saturating_add(*one));
            // Groups that overlap count more than there are.
            out.extend(total.checked_sub(sum).filter(|_| !parts.is_empty()));
        }
    }
}

/// The groups of a measure, dimension by dimension.
fn groups(cells: &Cells<'_>, measure: &str) -> Vec<Vec<Cell>> {
    let mut out: BTreeMap<&str, Vec<Cell>> = BTreeMap::new();
    for ((of, dimension, _), cell) in cells {
        if *of == measure && !dimension.is_empty() {
            out.entry(dimension).or_default().push(*cell);
        }
    }
    out.into_values().collect()
}

fn cells(entries: &[Node]) -> Cells<'_> {
    let each = entries.iter().filter_map(|entry| {
        let group = entry.get("group").map(crate::format::json::canonical);
        let key = (
            entry.text("measure")?,
            entry.text("dimension").unwrap_or_default(),
            String::from_utf8_lossy(&group.unwrap_or_default()).into_owned(),
        );
        let number = |name| entry.get(name).and_then(whole);
        let count = number("count")?;
        let out_of = number("out_of");
        Some((key, Cell { count, out_of }))
    });
    each.collect()
}

/// Every number below; one that is not whole cannot be read as a count.
fn integers(node: &Node, out: &mut Vec<Option<u64>>) {
    match &node.value {
        Value::Number(_) => out.push(whole(node)),
        _ => {
            let members = node.members().iter().map(|(_, member)| member);
            members
                .chain(node.items())
                .for_each(|below| integers(below, out));
        }
    }
}

fn whole(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Number(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    //! Goal: no count that can be computed is larger than what is told as the smallest. Method:
    //! records with one thing left out at a time, and the number that is left readable.
    use super::*;
    use crate::base::id::RecordType;
    use crate::format::json;

    fn of(entries: &str) -> Option<u64> {
        let text = format!("{{\"envelope\":{{}},\"body\":{{\"measures\":[{entries}]}}}}");
        smallest(&Record {
            record_type: RecordType::new("outcome-snapshot"),
            root: json::parse(text.as_bytes()).tree.expect("JSON"),
        })
    }

    fn entry(measure: &str, group: &str, count: &str) -> String {
        let group = match group {
            "" => String::new(),
            one => format!("\"dimension\":\"role\",\"group\":\"{one}\","),
        };
        format!("{{\"measure\":\"{measure}\",{group}\"count\":{count}}}")
    }

    #[test]
    fn what_is_stated_counts_and_so_does_zero() {
        assert_eq!(of(&entry("contacts", "", "40")), Some(40));
        assert_eq!(of(&entry("contacts", "", "0")), Some(0));
        assert_eq!(of(""), None);
        assert_eq!(of(&entry("contacts", "", "1.5")), None);
        assert_eq!(of(&entry("contacts", "", "-3")), None);
    }

    #[test]
    fn what_a_denominator_leaves_is_a_cell_unless_it_leaves_nothing() {
        assert_eq!(
            of(&entry("referrals_closed", "", "95,\"out_of\":100")),
            Some(5)
        );
        assert_eq!(
            of(&entry("referrals_closed", "", "100,\"out_of\":100")),
            Some(100)
        );
        assert_eq!(
            of(&entry("referrals_closed", "", "40,\"out_of\":100")),
            Some(40)
        );
    }

    #[test]
    fn a_group_that_was_left_out_is_what_the_others_leave_of_the_total() {
        let total = entry("families_served", "", "60");
        let (one, two) = (
            entry("families_served", "a", "30"),
            entry("families_served", "b", "24"),
        );
        assert_eq!(
            of(&[total.clone(), one.clone(), two.clone()].join(",")),
            Some(6)
        );
        let whole = entry("families_served", "c", "30");
        assert_eq!(of(&[total, one.clone(), whole].join(",")), Some(30));
        // Without the total nothing can be computed.
        assert_eq!(of(&[one, two].join(",")), Some(24));
    }

    #[test]
    fn what_one_group_leaves_of_the_total_is_a_cell_though_groups_overlap() {
        let all = [
            entry("families_served", "", "60"),
            entry("families_served", "a", "52"),
            entry("families_served", "b", "40"),
        ];
        assert_eq!(of(&all.join(",")), Some(8));
    }

    #[test]
    fn a_group_left_out_shows_beside_the_counts_too() {
        let all = [
            entry("referrals_closed", "", "60,\"out_of\":160"),
            entry("referrals_closed", "a", "30,\"out_of\":100"),
        ];
        // 30 of 60 are left for whoever is not in it.
        assert_eq!(of(&all.join(",")), Some(30));
        let all = [
            entry("referrals_closed", "", "60,\"out_of\":160"),
            entry("referrals_closed", "a", "30,\"out_of\":125"),
        ];
        assert_eq!(of(&all.join(",")), Some(5));
    }

    #[test]
    fn parts_of_another_measure_count() {
        let all = [
            entry("families_offered", "", "60"),
            entry("families_accepted", "", "40"),
            entry("families_declined", "", "13"),
        ];
        assert_eq!(of(&all.join(",")), Some(7));
        let all = [
            entry("cft_parents_attended", "", "50,\"out_of\":90"),
            entry("cft_fathers_attended", "", "47,\"out_of\":90"),
        ];
        assert_eq!(of(&all.join(",")), Some(3));
    }
}
