//! Goal: what a spreadsheet makes of a file is told with a fix, and read where the sender's
//! partner file declares it. Method: one good file, spoilt one habit at a time; read without a
//! declaration it has the habit's finding at its place, read by the channel that declares it it
//! gives the very record of the good file.

use crate::release::rules_over;
use kinbridge::base::finding::{Finding, Severity};
use kinbridge::base::id::{ChannelId, FormatId, PartnerId, RecordType};
use kinbridge::catalog::partner::Channel;
use kinbridge::format::tree::Node;
use kinbridge::intake::read::{Reading, read, read_of};
use kinbridge::rules::Rules;
use std::path::Path;
use std::sync::{Arc, OnceLock};

const PARTNER: &str = r#"
id = "sheet-sender"
name = "Sheet Sender"
role = "ppp"
county_fips = "06067"
mode = "test"
"#;

/// A name and what its channel declares.
const CHANNELS: &[(&str, &str)] = &[
    ("code-page", "encoding = \"windows-1252\""),
    ("semicolons", "delimiter = \";\""),
    (
        "days",
        "dates = \"m/d/yyyy\"\nzone = \"America/Los_Angeles\"",
    ),
    ("days-first", "dates = \"d/m/yyyy\""),
    (
        "hours",
        "dates = \"m/d/yyyy\"\ntimes = \"12-hour\"\nzone = \"America/Los_Angeles\"",
    ),
    ("zone", "zone = \"America/Los_Angeles\""),
    ("zeros", "leading_zeros = true"),
    ("exact", "exponents = \"exact\""),
    ("rounded", "exponents = \"rounded\""),
    ("blanks", "blank_rows = true"),
    ("errors", "error_words = true\nempty = [\"NULL\"]"),
];

const GOOD: &str = "person_id,county,created_at,cws_client_id,last,dob,addr1_kind,addr1,addr1_city,\
    addr1_state,addr1_zip,phone\r\n\
    TF-1,06067,2026-03-14T14:30:00-07:00,0012345678,Exémplar,1991-04-09,home,12 Invented Lane,\
    Sampleton,CA,02139,15550142\r\n";

fn rules() -> Arc<Rules> {
    static RULES: OnceLock<Arc<Rules>> = OnceLock::new();
    let load = || {
        let mut text = PARTNER.to_owned();
        for (name, reads) in CHANNELS {
            text.push_str(&format!(
                "[[channel]]\nname = \"{name}\"\ndirection = \"in\"\n\
                 format = \"provider-csv/1.0\"\nrecords = [\"person\"]\n[channel.reads]\n{reads}\n"
            ));
        }
        Arc::new(rules_over(&[], &[&text]))
    };
    Arc::clone(RULES.get_or_init(load))
}

fn channel<'r>(rules: &'r Rules, name: &str) -> &'r Channel {
    let partner = rules.partners.get(&PartnerId::new("sheet-sender"));
    let channel = partner.and_then(|it| it.channel(&ChannelId::new(name)));
    channel.expect("the channel is declared")
}

fn undeclared(bytes: &[u8]) -> Reading {
    let types = [RecordType::new("person")];
    read(&rules(), &FormatId::new("provider-csv/1.0"), &types, bytes)
}

fn declared(name: &str, bytes: &[u8]) -> Reading {
    let rules = rules();
    read_of(&rules, channel(&rules, name), bytes)
}

fn told(reading: &Reading) -> Vec<&Finding> {
    let own = reading.records.iter().flat_map(|record| &record.findings);
    reading.findings.iter().chain(own).collect()
}

fn codes(reading: &Reading) -> Vec<(String, String)> {
    let all = told(reading);
    let code = |it: &&Finding| (it.code.to_string(), it.path.clone());
    all.iter().map(code).collect()
}

fn roots(reading: &Reading) -> Vec<Node> {
    let records = reading.records.iter().filter_map(|it| it.record.as_ref());
    records.map(|record| record.root.clone()).collect()
}

fn good() -> Vec<Node> {
    let reading = undeclared(GOOD.as_bytes());
    assert!(told(&reading).is_empty(), "{:?}", codes(&reading));
    roots(&reading)
}

/// The good file with one text in place of another.
fn spoilt(from: &str, to: &str) -> Vec<u8> {
    assert!(GOOD.contains(from));
    GOOD.replace(from, to).into_bytes()
}

/// Spoilt so, the file has this finding alone, with advice; declared so it is as good as ever.
fn habit(bytes: &[u8], (code, path): (&str, &str), channel: &str) {
    let reading = undeclared(bytes);
    assert_eq!(codes(&reading), [(code.to_owned(), path.to_owned())]);
    let finding = told(&reading)[0];
    assert!(finding.is_error() && !finding.fix.is_empty(), "{finding:?}");
    let reading = declared(channel, bytes);
    assert!(
        told(&reading).is_empty(),
        "{channel}: {:?}",
        codes(&reading)
    );
    assert_eq!(roots(&reading), good(), "{channel}");
}

#[test]
fn an_older_encoding() {
    let mut bytes = Vec::new();
    for c in GOOD.chars() {
        bytes.push(u8::try_from(u32::from(c)).expect("Latin-1"));
    }
    habit(
        &bytes,
        ("encoding-invalid", "row 2, column last"),
        "code-page",
    );
}

#[test]
fn semicolons_between_cells() {
    habit(&spoilt(",", ";"), ("header-invalid", "row 1"), "semicolons");
}

#[test]
fn days_as_a_spreadsheet_writes_them() {
    let place = ("cell-date-notation", "row 2, column dob");
    habit(&spoilt("1991-04-09", "4/9/1991"), place, "days");
    habit(&spoilt("1991-04-09", "4/9/1991 0:00"), place, "days");
    habit(&spoilt("1991-04-09", "9/4/1991"), place, "days-first");
    let moment = spoilt("2026-03-14T14:30:00-07:00", "3/14/2026 14:30");
    habit(
        &moment,
        ("cell-date-notation", "row 2, column created_at"),
        "days",
    );
}

#[test]
fn a_year_of_two_digits_is_nobodys_to_guess() {
    let bytes = spoilt("1991-04-09", "4/9/91");
    for reading in [undeclared(&bytes), declared("days", &bytes)] {
        let wanted = (
            "cell-date-notation".to_owned(),
            "row 2, column dob".to_owned(),
        );
        assert_eq!(codes(&reading), [wanted]);
    }
    let impossible = declared("days", &spoilt("1991-04-09", "14/9/1991"));
    assert_eq!(codes(&impossible)[0].0, "date-impossible");
}

#[test]
fn times_of_twelve_hours() {
    let column = "row 2, column created_at";
    let plain = spoilt("2026-03-14T14:30:00-07:00", "2026-03-14 2:30 PM");
    habit(&plain, ("cell-time-notation", column), "hours");
    let both = spoilt("2026-03-14T14:30:00-07:00", "3/14/2026 2:30 PM");
    assert_eq!(codes(&undeclared(&both)).len(), 2);
    assert_eq!(roots(&declared("hours", &both)), good());
    let half = declared("days", &both);
    assert_eq!(codes(&half)[0].0, "cell-time-notation");
}

#[test]
fn times_without_an_offset() {
    let bytes = spoilt("2026-03-14T14:30:00-07:00", "2026-03-14 14:30");
    habit(
        &bytes,
        ("cell-time-zone", "row 2, column created_at"),
        "zone",
    );
    for never in ["2026-03-08 2:30", "2026-11-01 1:30"] {
        let bytes = spoilt("2026-03-14T14:30:00-07:00", never);
        assert_eq!(
            codes(&declared("zone", &bytes))[0].0,
            "cell-time-clock-change"
        );
    }
}

#[test]
fn zeros_that_are_gone() {
    for (from, to, column) in [
        ("06067", "6067", "county"),
        ("0012345678", "12345678", "cws_client_id"),
        ("02139", "2139", "addr1_zip"),
    ] {
        let path = format!("row 2, column {column}");
        habit(&spoilt(from, to), ("cell-zeros-lost", &path), "zeros");
    }
}

#[test]
fn numbers_shortened_to_a_power_of_ten() {
    let place = ("cell-exponent", "row 2, column phone");
    habit(&spoilt("15550142", "1.5550142E+07"), place, "exact");
    habit(&spoilt("15550142", "1.5550142E+07"), place, "rounded");
    let rounded = spoilt("15550142", "1.6E+07");
    assert_eq!(codes(&declared("exact", &rounded))[0].0, "cell-exponent");
    let reading = declared("rounded", &rounded);
    let finding = told(&reading)[0];
    assert_eq!(finding.code, "cell-digits-rounded");
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(roots(&reading).len(), 1);
    // Two records must not become one by their rounded ids.
    let id = declared("rounded", &spoilt("TF-1", "1.6E+07"));
    assert_eq!(codes(&id)[0].0, "cell-exponent");
}

#[test]
fn rows_that_hold_nothing() {
    let blank = format!("{}\r\n", ",".repeat(11));
    let behind = format!("{GOOD}{blank}{blank}{blank}").into_bytes();
    habit(&behind, ("row-blank", "row 3"), "blanks");
    assert!(
        told(&undeclared(&behind))[0]
            .message
            .contains("rows 3 to 5")
    );
    assert_eq!(roots(&undeclared(&behind)), good(), "the rows before stand");
    let (head, row) = GOOD.split_once("\r\n").expect("two lines");
    let before = format!("{head}\r\n{blank}{row}").into_bytes();
    habit(&before, ("row-blank", "row 2"), "blanks");
}

#[test]
fn errors_of_the_spreadsheet() {
    let without = roots(&undeclared(&spoilt(",15550142", ",")));
    for word in ["#N/A", "#REF!", "########"] {
        let bytes = spoilt("15550142", word);
        let wanted = (
            "cell-error-word".to_owned(),
            "row 2, column phone".to_owned(),
        );
        assert_eq!(codes(&undeclared(&bytes)), [wanted]);
        assert_eq!(roots(&declared("errors", &bytes)), without);
    }
    assert_eq!(
        roots(&declared("errors", &spoilt("15550142", "NULL"))),
        without
    );
    let id = declared("errors", &spoilt("TF-1", "#N/A"));
    assert_eq!(
        codes(&id)[0].0,
        "cell-error-word",
        "an id is never taken for empty"
    );
}

// Goal: text stays text. Method: the same cells in a column that is free text.
#[test]
fn text_that_only_looks_like_it_is_left_alone() {
    for text in ["4/9/1991", "2:30 PM", "007", "# 5", "1.2E"] {
        let reading = undeclared(&spoilt("12 Invented Lane", text));
        assert!(told(&reading).is_empty(), "{text}: {:?}", codes(&reading));
    }
}

// Goal: a declaration that cannot be followed is told before it is served. Method: one broken
// declaration each.
#[test]
fn a_declaration_that_cannot_work_is_a_defect() {
    for (reads, cause) in [
        ("zone = \"Pacific/Nowhere\"", "is not a time zone"),
        ("times = \"12-hour\"", "needs `zone`"),
        ("empty = [\" \"]", "is itself empty"),
        ("delimiter = \"+\"", "the delimiter is"),
        ("dates = \"yyyy/d/m\"", "unknown variant"),
        ("encoding = \"latin\"", "unknown variant"),
        ("guess = true", "unknown field"),
    ] {
        let text = format!(
            "{PARTNER}[[channel]]\nname = \"c\"\ndirection = \"in\"\n\
             format = \"provider-csv/1.0\"\nrecords = [\"person\"]\n[channel.reads]\n{reads}\n"
        );
        let told = defects(&text);
        assert!(told.contains(cause), "{reads}: {told}");
    }
    for (format, way, cause) in [
        ("fhir-r4/4.0", "in", "rows and cells"),
        ("provider-csv/1.0", "pull", "in-channels"),
    ] {
        let text = format!(
            "{PARTNER}[[channel]]\nname = \"c\"\ndirection = \"{way}\"\nformat = \"{format}\"\n\
             records = [\"person\"]\n[channel.reads]\nblank_rows = true\n"
        );
        let told = defects(&text);
        assert!(told.contains(cause), "{format}: {told}");
    }
}

fn defects(partner: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), partner);
    let defects = Rules::load(&[folder.path().to_owned()]).err();
    let all: Vec<String> = defects.iter().flatten().map(ToString::to_string).collect();
    all.join("\n")
}

fn write(folder: &Path, partner: &str) {
    let partners = folder.join("mappings/partners");
    std::fs::create_dir_all(&partners).expect("a folder");
    std::fs::write(partners.join("sheet-sender.toml"), partner).expect("a file");
}

#[test]
fn columns_at_the_end_that_nobody_named_are_none() {
    let mut lines = GOOD.split_terminator("\r\n");
    let (head, row) = (
        lines.next().expect("a header"),
        lines.next().expect("a row"),
    );
    for (names, cells) in [(",,", ",,"), (", ,", ",, "), (",", ",")] {
        let text = format!("{head}{names}\r\n{row}{cells}\r\n");
        let reading = undeclared(text.as_bytes());
        assert!(told(&reading).is_empty(), "{:?}", codes(&reading));
        assert_eq!(roots(&reading), good());
    }
    // What stands below one says something nobody can read.
    let text = format!("{head},,\r\n{row},,R\r\n");
    let reading = undeclared(text.as_bytes());
    let place = (
        "row-length-mismatch".to_owned(),
        "row 2, column ?14".to_owned(),
    );
    assert_eq!(codes(&reading), [place]);
    assert!(roots(&reading).is_empty());
    // A row of another width is one of shifted cells, blank at its end or not.
    for (names, cells) in [("", ","), (",,", ","), (",,", ",,,")] {
        let text = format!("{head}{names}\r\n{row}{cells}\r\n");
        let reading = undeclared(text.as_bytes());
        let place = ("row-length-mismatch".to_owned(), "row 2".to_owned());
        assert_eq!(codes(&reading), [place], "{names} {cells}");
    }
    // Between names it is a fault, as ever.
    let text = GOOD.replacen(",dob,", ",,", 1);
    let found = codes(&undeclared(text.as_bytes()));
    assert_eq!(
        found,
        [("header-invalid".to_owned(), "row 1, column 6".to_owned())]
    );
}

#[test]
fn rows_behind_empty_lines_are_counted_as_a_spreadsheet_shows_them() {
    let mut lines = GOOD.split_terminator("\r\n");
    let (head, row) = (
        lines.next().expect("a header"),
        lines.next().expect("a row"),
    );
    let wrong = row
        .replace("TF-1", "TF-2")
        .replace("1991-04-09", "1991-02-30");
    for end in ["\r\n", "\n", "\r"] {
        let text = [head, "", row, "", "", &wrong].join(end) + end;
        let reading = undeclared(text.as_bytes());
        let place = ("date-impossible".to_owned(), "row 6, column dob".to_owned());
        assert_eq!(codes(&reading), [place], "{end:?}");
        if end != "\r" {
            assert_eq!(told(&reading)[0].line, Some(6), "{end:?}");
        }
        let text = ["", "", head, row, &wrong].join(end) + end;
        let reading = undeclared(text.as_bytes());
        let place = ("date-impossible".to_owned(), "row 5, column dob".to_owned());
        assert_eq!(codes(&reading), [place], "{end:?}");
    }
}
