//! Goal: the operator's law is data, complete, and a county's file can only tighten it. Method: the
//! shipped file, alone and with files laid beside it or in its place.

use super::*;
use crate::catalog::{files, from_files};

const COUNTY: &str = "policies/operator-county.toml";

fn files_with(path: &str, text: &str) -> BTreeMap<String, SourceFile> {
    let (mut all, _) = files::read(&[]);
    let shipped = all.get(path).map(|file| file.text.clone());
    let file = SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
        overlay: true,
        shipped,
    };
    all.insert(path.to_owned(), file);
    all
}

fn with(path: &str, text: &str) -> (OperatorLaw, Vec<Defect>) {
    OperatorLaw::read(&files_with(path, text))
}

/// Defects of the whole catalog, and its digest.
fn catalog_with(path: &str, text: &str) -> (crate::base::id::RuleSetId, Vec<&'static str>) {
    let mut defects = Vec::new();
    let sources = from_files(files_with(path, text), &mut defects);
    let codes = defects.iter().map(|defect| defect.code).collect();
    (sources.digest, codes)
}

fn shipped_text() -> String {
    files::read(&[]).0[SHIPPED].text.clone()
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).expect("an instant")
}

fn partner(kinds: &[&str]) -> Partner {
    let shown: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{{ id = \"a\", kind = \"{kind}\" }}"))
        .collect();
    let text = format!(
        "id = \"p\"\nname = \"P\"\nrole = \"ppp\"\nmode = \"live\"\nagreement = [{}]\n",
        shown.join(", ")
    );
    toml::from_str(&text).expect("a partner")
}

fn row(table: &str, classes: &str, more: &str) -> String {
    format!(
        "[[{table}]]\nid = \"county-row\"\nclasses = [{classes}]\n{more}\n\
         citation = \"policy:county\"\nmark = \"K\"\neffective = 2027-01-01\n\
         owner = \"counsel\"\nplain_en = \"A rule\"\nplain_es = \"Una regla\"\n"
    )
}

const BEFORE: &str = "2026-12-31T23:59:59-08:00";
const AFTER: &str = "2027-01-01T00:00:00-08:00";

#[test]
fn a_county_contract_does_not_carry_health_data() {
    let (law, defects) = with(COUNTY, "");
    assert!(defects.is_empty(), "{defects:?}");
    let asked: ClassSet = [
        DataClass::Referral,
        DataClass::SudPart2,
        DataClass::Demographics,
    ]
    .into_iter()
    .collect();
    let lacking = law.missing(&partner(&["contract_10850"]), asked, at(BEFORE));
    assert_eq!(lacking, ClassSet::of(DataClass::SudPart2));
    for kind in ["qsoa", "baa"] {
        let both = partner(&["contract_10850", kind]);
        assert!(law.missing(&both, asked, at(BEFORE)).is_empty(), "{kind}");
    }
    assert!(!law.missing(&partner(&[]), asked, at(BEFORE)).is_empty());
}

#[test]
fn every_class_has_exactly_one_row_of_the_shipped_file() {
    let shipped = shipped_text();
    let without = shipped.replacen("\"sogi\", ", "", 1);
    let twice = shipped.replacen("[\"sud_part2\",", "[\"sud_part2\", \"sogi\",", 1);
    for (text, told) in [(without, "no `[[agreement]]` row"), (twice, "two rows")] {
        let (_, defects) = with(SHIPPED, &text);
        assert!(
            defects.iter().any(|d| d.message.contains(told)),
            "{told}: {defects:?}"
        );
    }
}

#[test]
fn a_county_file_asks_for_more_from_its_day_on() {
    let county = row("agreement", "\"demographics\"", "any_of = [\"baa\"]");
    let (law, defects) = with(COUNTY, &county);
    assert!(defects.is_empty(), "{defects:?}");
    let asked = ClassSet::of(DataClass::Demographics);
    assert!(law.missing(&partner(&[]), asked, at(BEFORE)).is_empty());
    assert_eq!(law.missing(&partner(&[]), asked, at(AFTER)), asked);
    assert!(law.missing(&partner(&["baa"]), asked, at(AFTER)).is_empty());
}

#[test]
fn a_county_file_never_asks_for_less() {
    let asked = ClassSet::of(DataClass::SudPart2);
    for any_of in ["", "\"contract_10850\""] {
        let county = row(
            "agreement",
            "\"sud_part2\"",
            &format!("any_of = [{any_of}]"),
        );
        let (law, defects) = with(COUNTY, &county);
        assert!(defects.is_empty(), "{defects:?}");
        let shown = partner(&["contract_10850"]);
        assert_eq!(law.missing(&shown, asked, at(AFTER)), asked);
    }
    let (_, codes) = catalog_with(SHIPPED, &shipped_text().replacen("\"qsoa\", ", "", 1));
    assert_eq!(codes, ["overlay-replaces-policy"]);
}

#[test]
fn a_file_nobody_reads_is_a_defect_and_every_file_counts_for_the_digest() {
    let (plain, _) = catalog_with(COUNTY, "");
    let (more, codes) = catalog_with(COUNTY, &row("take_out", "\"sogi\"", ""));
    assert_ne!(plain, more);
    assert!(codes.is_empty(), "{codes:?}");
    let (_, codes) = catalog_with("policies/operater-county.toml", "");
    assert_eq!(codes, ["catalog-file-misplaced"]);
}

#[test]
fn what_cannot_be_understood_is_told_with_its_place() {
    let agreement = |classes: &str, more: &str| row("agreement", classes, more);
    let sound = agreement("\"sogi\"", "any_of = [\"baa\"]");
    for (text, line, told) in [
        (
            agreement("\"weather\"", "any_of = []"),
            3,
            "not a data class",
        ),
        (
            agreement("\"sogi\"", "any_of = [\"dua\"]"),
            4,
            "between two partners",
        ),
        (
            agreement("\"sogi\"", "any_of = [\"handshake\"]"),
            4,
            "no kind of agreement",
        ),
        (agreement("\"sogi\"", ""), 1, "`any_of` is missing"),
        (agreement("", "any_of = []"), 1, "no data class"),
        (
            row("refuse", "\"sogi\"", "unless = \"a_nod\""),
            4,
            "not a consent kind",
        ),
        (
            row("refuse", "\"sogi\"", "any_of = []"),
            1,
            "means nothing here",
        ),
        (
            row("take_out", "\"sogi\"", "unless = \"vawa_release\""),
            4,
            "means nothing here",
        ),
        (
            row("source", "\"sogi\"", "roles = [\"friend\"]"),
            4,
            "not a source role",
        ),
        (row("source", "\"sogi\"", ""), 1, "`roles` is missing"),
        (sound.replace("\"K\"", "\"X\""), 6, "V or K"),
        (
            sound.replace("\"policy:county\"", "\"\""),
            5,
            "give citations",
        ),
        (sound.replace("2027-01-01", "12:00:00"), 7, "is a day"),
        (
            sound.replace("county-row", "operator-health"),
            2,
            "two rows are called",
        ),
        (sound.replace("owner =", "owned_by ="), 8, "unknown field"),
    ] {
        let (law, defects) = with(COUNTY, &text);
        let found = defects
            .iter()
            .find(|d| d.file == COUNTY && d.message.contains(told));
        let found = found.unwrap_or_else(|| panic!("{told}: {defects:?}"));
        assert_eq!(found.line, line, "{told}");
        assert!(law.rows.iter().all(|row| row.id != "county-row"), "{told}");
    }
}
