//! Goal: what would be read wrong, or held record by record, is told by `check`. Method: formats of
//! the test laid over the shipped catalog, each with one thing wrong.

use super::data::lay;
use crate::labels::{CONTACT, record};
use crate::release::{PARTNERS, asking, persons, rules_over};
use kinbridge::base::id::{FormatId, PartnerId};
use kinbridge::release::{Hold, Release, release};
use kinbridge::rules::Rules;
use std::path::Path;

/// Codes and messages of what is wrong once a file of the overlay is changed.
fn told(file: &str, change: &dyn Fn(&str) -> String) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    lay(folder.path());
    let path = folder.path().join(file);
    let text = std::fs::read_to_string(&path).expect("a file");
    let changed = change(&text);
    assert_ne!(changed, text, "{file}");
    std::fs::write(&path, changed).expect("written");
    codes(folder.path())
}

fn codes(folder: &Path) -> Vec<String> {
    let defects = Rules::load(&[folder.to_owned()]).err().unwrap_or_default();
    let told = defects
        .iter()
        .map(|it| format!("{} {}", it.code, it.message));
    told.collect()
}

#[test]
fn a_channel_does_not_contradict_the_notation_of_a_column() {
    let channel = |reads: &str| {
        let records = "records = [\"service-referral\"]\n";
        let next = "[[channel]]\ndirection = \"out\"";
        let reads = format!("{records}[channel.reads]\n{reads}\n{next}");
        told("mappings/partners/new-friends.toml", &|text| {
            let text = text.replacen("plain-json/1.0", "sheet/1.0", 1);
            text.replacen(&format!("{records}{next}"), &reads, 1)
        })
    };
    assert_eq!(channel("dates = \"m/d/yyyy\""), Vec::<String>::new());
    let other = channel("dates = \"d/m/yyyy\"");
    assert_eq!(other.len(), 1, "{other:?}");
    assert!(other[0].contains("column `born`"), "{other:?}");
}

#[test]
fn what_the_wire_requires_is_written() {
    let schema = "schemas/formats/sheet/1.0/sheet.schema.json";
    let more = told(schema, &|text| {
        let text = text.replacen("[\"Referral No\"]", "[\"Referral No\", \"site\"]", 1);
        text.replacen("\"why\":", "\"site\": {\"type\": \"string\"}, \"why\":", 1)
    });
    assert_eq!(more.len(), 1, "{more:?}");
    assert!(more[0].starts_with("wire-required-unset"), "{more:?}");
    assert!(more[0].contains("`site`"), "{more:?}");
}

// Of a row with another defect nothing more is told.
#[test]
fn one_defect_of_a_row_brings_no_other() {
    let mapping = "mappings/sheet/1.0/service-referral.toml";
    let told = told(mapping, &|text| {
        text.replacen("record = \".birth_date\"", "record = \".birth_day\"", 1)
    });
    assert!(
        told.iter().all(|it| !it.starts_with("row-not-lossy")),
        "{told:?}"
    );
    assert!(
        told.iter().all(|it| !it.starts_with("crosswalk-unused")),
        "{told:?}"
    );
    let unknown = told.iter().filter(|it| it.contains("birth_day"));
    assert!(unknown.count() > 0, "{told:?}");
}

#[test]
fn what_the_recipients_format_refuses_is_told_by_the_record_too() {
    // Method: the county's exchange with room for three letters of a name.
    let folder = tempfile::tempdir().expect("a folder");
    let file = "schemas/formats/county-niem/1.0/person.schema.json";
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(shipped).expect("a schema");
    let (head, tail) = text.split_once("\"nc:PersonSurName\"").expect("a name");
    let tail = tail.replacen("\"maxLength\": 100", "\"maxLength\": 3", 1);
    let path = folder.path().join(file);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(&path, format!("{head}\"nc:PersonSurName\"{tail}")).expect("written");
    let rules = rules_over(&[folder.path().to_owned()], PARTNERS);
    let record = record("engagement-contact", CONTACT);
    let mut recipient = rules.partners[&PartnerId::new("county")].clone();
    let channel = recipient.channel.iter_mut().find(|c| c.https.is_some());
    channel.expect("an out-channel").format = FormatId::new("county-niem/1.0");
    let source = &rules.partners[&PartnerId::new("program")];
    let to = (&recipient, &recipient.channel[1]);
    let release = release(&rules, &asking((&record, &persons(&record)), source, to));
    let Release::Held(Hold::OutputInvalid, taken) = release else {
        panic!("{release:?}");
    };
    let told = &taken.invalid[0];
    assert_eq!(told.code, "schema-value-out-of-range");
    assert!(told.path.contains("nc:PersonSurName"), "{}", told.path);
    let from = "; it is made of /persons/1/names/0/last of what was to go";
    assert!(told.message.ends_with(from), "{}", told.message);
    assert!(!told.message.contains("Quill"));
}
