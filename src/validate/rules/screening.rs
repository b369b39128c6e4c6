//! Rules of a screening: its answers, its blanks, and what is said of their sum.
//!
//! What a sender says of a sum is never taken for true where the answers are there. An instrument
//! without a row here is only held against itself.

use super::{Check, time};
use crate::base::finding_codes::{
    ASSESSMENT_BEFORE_BIRTH, ASSESSMENT_ITEM_REPEATED, SCREENING_AGE_UNUSUAL,
    SCREENING_BLANKS_MISMATCH, SCREENING_CUT_OFF_CONTRADICTED, SCREENING_ITEM_UNKNOWN,
    SCREENING_NOT_VALID, SCREENING_TOTAL_MISMATCH, TOTAL_UNLABELLED,
};
use crate::format::tree::Node;
use std::collections::BTreeMap;

/// What is known of an instrument.
struct Instrument {
    code: &'static str,
    questions: i64,
    /// With more blanks it does not count.
    blanks_max: i64,
    bands: &'static [Band],
}

/// Ages in whole years, both included.
struct Band {
    from: i64,
    to: i64,
    cut_off: i64,
    /// Questions that do not count at these ages.
    left_out: &'static [i64],
}

/// K: the checklist's published scoring; questions about school do not count before it.
const INSTRUMENTS: &[Instrument] = &[Instrument {
    code: "psc_35",
    questions: 35,
    blanks_max: 3,
    bands: &[
        Band {
            from: 3,
            to: 5,
            cut_off: 24,
            left_out: &[5, 6, 17, 18],
        },
        Band {
            from: 6,
            to: 18,
            cut_off: 28,
            left_out: &[],
        },
    ],
}];

const ITEMS: &str = "/body/items";

/// What is said of all answers together.
const SUMS: [&str; 4] = [
    "/body/total",
    "/body/at_cut_off",
    "/body/blanks",
    "/body/valid",
];

pub(super) fn check(check: &mut Check<'_>) {
    sums_are_labelled(check);
    let answers = answers(check);
    let named = check.text("/body/instrument");
    let Some(known) = INSTRUMENTS.iter().find(|it| Some(it.code) == named) else {
        return;
    };
    for (at, item) in check.items(ITEMS).iter().enumerate() {
        if integer(item.get("number")).is_some_and(|number| number > known.questions) {
            check.tell(&SCREENING_ITEM_UNKNOWN, &format!("{ITEMS}/{at}/number"));
        }
    }
    let ages = ages(check);
    if ages.is_some_and(|(_, oldest)| oldest < 0) {
        check.tell(&ASSESSMENT_BEFORE_BIRTH, "/body/date");
        return;
    }
    let covers = |band: &&Band, age: i64| (band.from..=band.to).contains(&age);
    let of = |age: i64| known.bands.iter().find(|band| covers(band, age));
    let band = match ages {
        Some((youngest, oldest)) => {
            if of(youngest).is_none() && of(oldest).is_none() {
                check.tell(&SCREENING_AGE_UNUSUAL, "/body/date");
            }
            let (low, high) = (of(youngest), of(oldest));
            low.filter(|low| high.is_some_and(|high| high.from == low.from))
        }
        None => None,
    };
    sums(check, (known, band), &answers);
}

/// Answers by question; a question asked twice is told, and the first answer stands.
fn answers(check: &mut Check<'_>) -> BTreeMap<i64, Option<i64>> {
    let mut answers = BTreeMap::new();
    for (at, item) in check.items(ITEMS).iter().enumerate() {
        let Some(number) = integer(item.get("number")) else {
            continue;
        };
        if let std::collections::btree_map::Entry::Vacant(e) = answers.entry(number) {
            e.insert(integer(item.get("answer")));
        } else {
            check.tell(&ASSESSMENT_ITEM_REPEATED, &format!("{ITEMS}/{at}/number"));
        }
    }
    answers
}

/// What is said of the answers together, held against them. Where the age is not known, what holds
/// at any age is right.
fn sums(
    check: &mut Check<'_>,
    (known, band): (&Instrument, Option<&Band>),
    answers: &BTreeMap<i64, Option<i64>>,
) {
    let bands: Vec<&Band> = match band {
        Some(band) => vec![band],
        None => known.bands.iter().collect(),
    };
    let total = integer(check.at("/body/total"));
    let blanks = integer(check.at("/body/blanks"));
    let counted = |band: &Band| {
        let own = answers.iter().filter(|(at, _)| !band.left_out.contains(at));
        let given: Vec<i64> = own.filter_map(|(_, answer)| *answer).collect();
        let asked = known.questions - i64::try_from(band.left_out.len()).unwrap_or_default();
        let blank = asked - i64::try_from(given.len()).unwrap_or_default();
        (given.iter().sum::<i64>(), blank)
    };
    let told = !answers.is_empty();
    if told && total.is_some_and(|said| bands.iter().all(|band| counted(band).0 != said)) {
        check.tell(&SCREENING_TOTAL_MISMATCH, "/body/total");
    }
    if told && blanks.is_some_and(|said| bands.iter().all(|band| counted(band).1 != said)) {
        check.tell(&SCREENING_BLANKS_MISMATCH, "/body/blanks");
    }
    let few = match told {
        true => bands.iter().all(|band| counted(band).1 > known.blanks_max),
        false => blanks.is_some_and(|blanks| blanks > known.blanks_max),
    };
    if few && flag(check, "/body/valid") == Some(true) {
        check.tell(&SCREENING_NOT_VALID, "/body/valid");
    }
    let sum = |band: &&Band| if told { Some(counted(band).0) } else { total };
    let said = flag(check, "/body/at_cut_off");
    let wrong = |band: &&Band| sum(band).is_some_and(|sum| said == Some(sum < band.cut_off));
    if said.is_some() && bands.iter().all(wrong) {
        check.tell(&SCREENING_CUT_OFF_CONTRADICTED, "/body/at_cut_off");
    }
}

/// A sum says what a labelled answer says: it needs the same label.
fn sums_are_labelled(check: &mut Check<'_>) {
    let labels = check.items("/envelope/labels");
    let classes = |of: &dyn Fn(&str) -> bool| -> Vec<&str> {
        let rows = labels.iter().filter(|row| row.text("path").is_some_and(of));
        let each = rows.flat_map(|row| row.get("classes").map(Node::items).unwrap_or_default());
        each.filter_map(Node::as_str).collect()
    };
    let below = |path: &str| path.starts_with(ITEMS);
    let wanted = classes(&below);
    for sum in SUMS {
        let own = classes(&|path: &str| path == sum || path == "/body");
        if check.at(sum).is_some() && wanted.iter().any(|class| !own.contains(class)) {
            check.tell(&TOTAL_UNLABELLED, sum);
        }
    }
}

/// The least and the greatest age in whole years a subject may have been.
fn ages(check: &Check<'_>) -> Option<(i64, i64)> {
    let date = check.text("/body/date")?;
    let subject = check.items("/envelope/subject_refs").first()?.as_str();
    let mut persons = check.items("/persons").iter();
    let person = persons.find(|person| person.text("key") == subject)?;
    time::ages(person.text("birth_date")?, date)
}

fn integer(node: Option<&Node>) -> Option<i64> {
    node?.lexeme()?.parse().ok()
}

fn flag(check: &Check<'_>, pointer: &str) -> Option<bool> {
    check.at(pointer).and_then(Node::as_bool)
}
