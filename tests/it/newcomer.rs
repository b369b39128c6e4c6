//! Goal: somebody who has only mappings/README.md gets a provider with a layout of its own onto the
//! road. Method: the files of its section 11 are written as they stand there; the catalog has no
//! defect, good rows become records, and each bad one is told where it is.

use kinbridge::base::id::PartnerId;
use kinbridge::intake::read::read_of;
use kinbridge::rules::Rules;
use std::path::Path;

const README: &str = include_str!("../../mappings/README.md");

/// Files of a section: a name in bold, then a fenced block.
fn files(section: &str) -> Vec<(&str, String)> {
    let (_, text) = README.split_once(section).expect("the section");
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("\n**`") {
        let (name, behind) = behind.split_once("`**").expect("a name");
        let (_, behind) = behind.split_once("```").expect("a block");
        let (_, behind) = behind.split_once('\n').expect("its first line");
        let (body, behind) = behind.split_once("\n```").expect("its end");
        found.push((name, format!("{body}\n")));
        rest = behind;
    }
    found
}

fn write(folder: &Path, section: &str) {
    for (name, body) in files(section) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, body).expect("written");
    }
}

#[test]
fn the_worked_example_of_the_language_works() {
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "## 11. A provider with a layout of its own");
    let rules = Rules::load(&[folder.path().join("county")]);
    let rules = rules.map_err(|defects| {
        let told: Vec<String> = defects.iter().map(ToString::to_string).collect();
        told.join("\n")
    });
    let rules = rules.unwrap_or_else(|told| panic!("{told}"));
    let partner = &rules.partners[&PartnerId::new("larkspur")];
    let body = std::fs::read(folder.path().join("larkspur/input.csv")).expect("an input");
    let reading = read_of(&rules, &partner.channel[0], &body);
    assert!(reading.findings.is_empty(), "{:?}", reading.findings);
    let told = reading.records.iter().map(|read| {
        let errors = read.findings.iter().filter(|finding| finding.is_error());
        let of = errors.map(|it| format!("{} {}", it.code, it.path));
        (read.record.is_some(), of.collect::<Vec<_>>())
    });
    let told: Vec<(bool, Vec<String>)> = told.collect();
    let good = (true, Vec::new());
    let bad = |what: &str| (false, vec![what.to_owned()]);
    assert_eq!(
        told,
        [
            good.clone(),
            good,
            bad("date-impossible row 4, column Date"),
            bad("crosswalk-code-unknown row 5, column What1"),
            bad("period-reversed row 6, column Date"),
        ]
    );
    let first = reading.records[0].record.as_ref().expect("a record");
    let start = first.root.pointer("/body/start").and_then(|it| it.as_str());
    assert_eq!(start, Some("2026-03-14T14:30:00-07:00"));
    let born = first.persons()[0].text("birth_date");
    assert_eq!(born, Some("1988-04-09"));
    let codes = first.root.pointer("/body/activities").expect("activities");
    let codes: Vec<_> = codes.items().iter().map(|it| it.text("code")).collect();
    assert_eq!(codes, [Some("A1"), Some("A4")]);
}
