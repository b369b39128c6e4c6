//! Goal: nothing a sender says of one record is replaced in silence by what it says further down in
//! the same submission. Method: rows and lines of one id that stand apart, alike and different.

use kinbridge::base::id::{FormatId, RecordType};
use kinbridge::intake::read::{Reading, read};
use kinbridge::rules::Rules;
use std::sync::OnceLock;

const HEAD: &str = "start,src,subject_id,subject_last,subject_role,who_id,who_last,who_role,\
                    who_part,mode,result,contact_id";

fn taken(format: &str, body: &str) -> Reading {
    static RULES: OnceLock<std::sync::Arc<Rules>> = OnceLock::new();
    let rules = RULES.get_or_init(|| Rules::load(&[]).expect("no defect"));
    let types = [RecordType::new("engagement-contact")];
    read(rules, &FormatId::new(format), &types, body.as_bytes())
}

fn row(id: &str, worker: &str) -> String {
    format!(
        "2026-09-21T09:30:00-07:00,referral,TF-1005,Specimen,parent,{worker},Mentora,\
         partner_worker,parent_partner,phone,left_message,{id}"
    )
}

/// Of every record: whether it stands, and its errors with their places.
fn verdicts_of(reading: &Reading) -> Vec<(bool, Vec<String>)> {
    let of = |it: &kinbridge::intake::ReadRecord| {
        let errors = it.findings.iter().filter(|finding| finding.is_error());
        let told = errors.map(|it| format!("{} {:?} {}", it.code, it.line, it.message));
        (it.record.is_some(), told.collect())
    };
    reading.records.iter().map(of).collect()
}

fn standing(reading: &Reading) -> Vec<bool> {
    let records = reading.records.iter();
    records.map(|it| it.record.is_some()).collect()
}

#[test]
fn rows_of_one_id_that_stand_apart_are_told_with_both_places() {
    let rows = [row("C-9", "W-1"), row("C-8", "W-1"), row("C-9", "W-2")];
    let reading = taken(
        "provider-csv/1.0",
        &format!("{HEAD}\n{}\n", rows.join("\n")),
    );
    let verdicts = verdicts_of(&reading);
    assert_eq!(verdicts.len(), 3, "{reading:?}");
    // Which of the two holds nobody here can say: neither stands.
    let stand: Vec<bool> = verdicts.iter().map(|it| it.0).collect();
    assert_eq!(stand, [false, true, false], "{verdicts:?}");
    for (at, line, other) in [(0, 2, "(row 4)"), (2, 4, "(row 2)")] {
        let [told] = verdicts[at].1.as_slice() else {
            panic!("{verdicts:?}");
        };
        let start = format!("record-contradicted Some({line}) ");
        assert!(told.starts_with(&start) && told.ends_with(other), "{told}");
    }
    // The same said again is no loss.
    let again = [row("C-9", "W-1"), row("C-8", "W-1"), row("C-9", "W-1")];
    let reading = taken(
        "provider-csv/1.0",
        &format!("{HEAD}\n{}\n", again.join("\n")),
    );
    assert!(reading.records.iter().all(|it| it.record.is_some()));
    // All of them, however many say which; another id is not touched.
    let rows = [
        row("C-9", "W-1"),
        row("C-8", "W-1"),
        row("C-9", "W-1"),
        row("C-7", "W-1"),
        row("C-9", "W-2"),
        row("C-7", "W-1"),
        row("C-9", "W-1"),
    ];
    let reading = taken(
        "provider-csv/1.0",
        &format!("{HEAD}\n{}\n", rows.join("\n")),
    );
    let stand = standing(&reading);
    assert_eq!(stand, [false, true, false, true, false, true, false]);
    // One that is refused for something else may be the one that restricts.
    for (at, spoilt) in [(0, "by_pigeon"), (2, "by_pigeon")] {
        let mut rows = [row("C-9", "W-1"), row("C-8", "W-1"), row("C-9", "W-2")];
        rows[at] = rows[at].replace("phone", spoilt);
        let reading = taken(
            "provider-csv/1.0",
            &format!("{HEAD}\n{}\n", rows.join("\n")),
        );
        assert_eq!(standing(&reading), [false, true, false]);
        let codes = |at: usize| verdicts_of(&reading)[at].1.join("\n");
        assert!(codes(at).contains("record-contradicted"), "{}", codes(at));
        assert!(codes(at).contains("schema-code-unknown"), "{}", codes(at));
    }
}

#[test]
fn an_open_row_does_not_stand_beside_a_restricted_one_of_its_id() {
    let head = format!("{HEAD},access_level");
    for levels in [["", "R"], ["R", ""], ["N", "S"], ["S", "N"]] {
        let marked = |level: &str| format!("{},{level}", row("C-9", "W-1"));
        let rows = [
            marked(levels[0]),
            row("C-8", "W-1") + ",",
            marked(levels[1]),
        ];
        let body = format!("{head}\n{}\n", rows.join("\n"));
        let reading = taken("provider-csv/1.0", &body);
        assert_eq!(standing(&reading), [false, true, false], "{levels:?}");
    }
}

#[test]
fn what_is_taken_back_contradicts_nothing() {
    let head = format!("{HEAD},action");
    let rows = [
        row("C-9", "W-1") + ",",
        row("C-8", "W-1") + ",",
        row("C-9", "W-1") + ",void",
    ];
    let body = format!("{head}\n{}\n", rows.join("\n"));
    let reading = taken("provider-csv/1.0", &body);
    assert_eq!(standing(&reading), [true; 3], "{:?}", verdicts_of(&reading));
}

#[test]
fn documents_of_one_id_are_told_with_both_places() {
    let one = crate::labels::CONTACT
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let other = one.replace("in_person", "phone");
    let body = [one.as_str(), "", &one, &other].join("\n");
    let reading = taken("kinbridge-json/1.0", &body);
    let verdicts = verdicts_of(&reading);
    let stand: Vec<bool> = verdicts.iter().map(|it| it.0).collect();
    assert_eq!(stand, [false, false, false], "{verdicts:?}");
    for at in [0, 1] {
        let told = format!("{:?}", verdicts[at].1);
        assert!(told.contains("(line 4)"), "{told}");
    }
    let errors = &verdicts[2].1;
    assert_eq!(errors.len(), 1, "{verdicts:?}");
    assert!(
        errors[0].starts_with("record-contradicted Some(4) "),
        "{errors:?}"
    );
    assert!(errors[0].ends_with("(line 1)"), "{errors:?}");
}

#[test]
fn line_ends_do_not_take_rows_apart() {
    // The column that tells the kind of file stands last, quoted or not.
    let rows = [row("C-9", "W-1"), row("C-9", "W-2"), row("C-8", "W-1")];
    for end in ["\n", "\r\n", "\r"] {
        for head in [
            HEAD.to_owned(),
            HEAD.replace("contact_id", "\"contact_id\""),
        ] {
            for mark in ["", "\u{feff}"] {
                let body = format!("{mark}{head}{end}{}{end}", rows.join(end));
                let reading = taken("provider-csv/1.0", &body);
                assert_eq!(reading.records.len(), 2, "{end:?} {head} {reading:?}");
                let record = reading.records[0].record.as_ref().expect("it stands");
                let workers = record.body().and_then(|it| it.get("participants"));
                assert_eq!(workers.map(|it| it.items().len()), Some(2), "{end:?}");
            }
        }
    }
}
