//! Goal: assessments leave as rows for analysis with what their reader may have and nothing that
//! tells of the rest: no total, no name, no caregiver; what has no place in a row is not written.
//! Method: good records of the canonical fixtures go the road of a release toward an invented
//! receiver of each file, with a consent that opens them and with one that opens less; the files
//! are held against golden ones. `KINBRIDGE_BLESS=assessment-files` writes what is expected.

use crate::fixtures::rules as shipped;
use crate::release::{asking, persons, rules_with};
use kinbridge::base::id::{ConsentId, FormatId, PartnerId, PersonId, RecordType};
use kinbridge::base::sensitive::{Reason, Sensitive};
use kinbridge::format::Node;
use kinbridge::intake::read::read;
use kinbridge::record::Record;
use kinbridge::release::{HeldConsent, Hold, Release, ReleaseInput, SinceLodged, release};
use kinbridge::rules::Rules;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const LONG: &str = "cans-long/1.0";
const WIDE: &str = "fast-profile/0.1";

/// What the family agreed to: not all of what an assessment may hold.
const PAPER: &str = r#"{"id": "k1", "kind": "general_roi", "type": "permit", "grantor": "parent",
  "classes": ["cans", "demographics", "mental_health", "general_health", "juvenile_case_file"],
  "recipients": ["health_provider"], "purposes": ["care_coordination"], "signed": "2026-03-01",
  "start": "2026-03-01", "end": "2027-02-28", "revoked": null}"#;

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let partner = |id: &str, channel: &str| {
            format!(
                "id = \"{id}\"\nname = \"Invented {id}\"\nrole = \"health_provider\"\n\
                 mode = \"live\"\ncounty_fips = \"06067\"\nagreement = [ {{ id = \"1\", \
                 kind = \"contract_10850\" }}, {{ id = \"2\", kind = \"baa\" }} ]\n[[channel]]\n\
                 {channel}"
            )
        };
        let records = "records = [\"cans-assessment\", \"screening-instrument\"]";
        let out = |format: &str, records: &str| {
            format!(
                "name = \"out\"\ndirection = \"out\"\nformat = \"{format}\"\n{records}\n\
                 purpose = \"care_coordination\"\nrelated_by = [\"county\"]\n\
                 https = {{ url = \"https://files.example/in\" }}\n"
            )
        };
        let inward = format!(
            "name = \"in\"\ndirection = \"in\"\nformat = \"kinbridge-json/1.0\"\n{records}\n"
        );
        let long = out(LONG, "records = [\"cans-assessment\"]");
        let files = [
            partner("clinic", &inward),
            partner("long-reader", &long),
            partner("wide-reader", &out(WIDE, records)),
        ];
        rules_with(&files.each_ref().map(String::as_str))
    })
}

fn fixture(kind: &str, name: &str) -> Record {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kinbridge-json");
    let bytes = std::fs::read(root.join(kind).join(name).join("input.json")).expect("an input");
    let format = FormatId::new("kinbridge-json/1.0");
    let mut reading = read(&shipped(), &format, &[RecordType::new(kind)], &bytes);
    let first = reading.records.pop();
    first.and_then(|read| read.record).expect("a record")
}

fn decided(record: &Record, reader: &str) -> Release {
    let rules = rules();
    let partner = |id: &str| &rules.partners[&PartnerId::new(id)];
    let reader = partner(reader);
    let (id, lodger) = (ConsentId::new("k1"), PartnerId::new("clinic"));
    let body = Sensitive::new(crate::release::complete(PAPER).into_bytes());
    let persons = persons(record);
    let of = |subject: PersonId| HeldConsent {
        id: &id,
        lodger: &lodger,
        subject,
        revoked_at: None,
        revision: 1,
        since: SinceLodged::default(),
        body: &body,
    };
    let consents: Vec<HeldConsent<'_>> = persons.iter().map(|(_, person)| of(*person)).collect();
    release(
        rules,
        &ReleaseInput {
            consents: &consents,
            ..asking(
                (record, &persons),
                partner("clinic"),
                (reader, &reader.channel[0]),
            )
        },
    )
}

fn written(name: &str, release: Release) -> String {
    match release {
        Release::Go(outgoing) => {
            assert_eq!(outgoing.media_type(), "text/csv");
            let bytes = outgoing.bytes().expose(Reason::Test).clone();
            String::from_utf8(bytes).expect("text")
        }
        other => panic!("{name}: {other:?}"),
    }
}

fn golden(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("fixtures/assessment-files")
        .join(format!("{name}.csv"))
}

#[test]
fn files_are_as_the_golden_ones() {
    let mut wrong = Vec::new();
    for (name, kind, case, reader) in [
        ("long", "cans-assessment", "two-caregivers", "long-reader"),
        (
            "long-early",
            "cans-assessment",
            "zero-to-five-in-progress",
            "long-reader",
        ),
        ("wide", "cans-assessment", "two-caregivers", "wide-reader"),
        ("wide-psc", "screening-instrument", "whole", "wide-reader"),
    ] {
        let got = written(name, decided(&fixture(kind, case), reader));
        if std::env::var("KINBRIDGE_BLESS").is_ok_and(|word| word == "assessment-files") {
            std::fs::write(golden(name), &got).expect("a file");
        } else if std::fs::read_to_string(golden(name)).unwrap_or_default() != got {
            wrong.push(format!("{name}: {got}"));
        }
        // No name of anybody and no key of the sender's goes along.
        for trace in ["Exemplar", "Specimen", "TF-1", "p1", "p2", "p3"] {
            assert!(!got.contains(trace), "{name}: {trace}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Items the paper does not open, whoever they are about.
fn strict(code: &str) -> bool {
    let starts = ["SCHOOL_", "SEXUAL_", "WITNESS_FAMILY"];
    let whole = ["DELINQUENT_BEHAVIOR", "CG_CRIMINAL_BEHAVIOR", "SAFETY"];
    whole.contains(&code) || starts.iter().any(|start| code.starts_with(start))
}

#[test]
fn what_a_reader_may_not_have_is_as_if_it_had_never_been_rated() {
    // Goal: a file is byte for byte that of a record without the withheld items. Method: they are
    // taken out of the record by hand, and it goes again.
    for reader in ["long-reader", "wide-reader"] {
        let whole = fixture("cans-assessment", "two-caregivers");
        let mut bare = whole.clone();
        let body = bare.root.get_mut("body").expect("a body");
        let items = body
            .get_mut("items")
            .and_then(Node::items_mut)
            .expect("items");
        let before = items.len();
        items.retain(|item| !item.text("code").is_some_and(strict));
        assert_eq!(before - items.len(), 11, "{reader}: what is strict");
        let file = written(reader, decided(&whole, reader));
        assert_eq!(file, written(reader, decided(&bare, reader)), "{reader}");
        let rated = file
            .lines()
            .filter(|line| strict(line.split(',').nth(12).unwrap_or("")));
        assert_eq!(rated.count(), 0, "{reader}");
    }
}

#[test]
fn what_is_no_core_form_is_not_written_as_one() {
    for (kind, case) in [
        ("cans-assessment", "zero-to-five-in-progress"),
        ("screening-instrument", "another-instrument"),
    ] {
        let got = decided(&fixture(kind, case), "wide-reader");
        assert!(
            matches!(got, Release::Held(Hold::OutputInvalid, _)),
            "{case}: {got:?}"
        );
    }
}

#[test]
fn files_that_are_only_written_are_never_read() {
    // Goal: no channel in, and no body, is taken for one. Method: a partner with such a channel;
    // a golden file told by its beginning.
    let text = "id = \"reader\"\nname = \"Reader\"\nrole = \"ppp\"\nmode = \"test\"\n[[channel]]\n\
                name = \"in\"\ndirection = \"in\"\nformat = \"cans-long/1.0\"\n\
                records = [\"cans-assessment\"]\n";
    let folder = tempfile::tempdir().expect("folder");
    let files = folder.path().join("mappings/partners");
    std::fs::create_dir_all(&files).expect("folder");
    std::fs::write(files.join("reader.toml"), text).expect("written");
    let loaded = Rules::load(&[folder.path().to_owned()]);
    let defects = loaded.err().expect("a defect");
    let told: Vec<String> = defects.iter().map(ToString::to_string).collect();
    assert!(
        told.iter()
            .any(|it| it.contains("only written, never read")),
        "{told:?}"
    );
    let rules = shipped();
    let body = std::fs::read(golden("wide")).expect("a golden file");
    let wires = rules.sources.formats.keys();
    let wires = wires.filter_map(|id| Some((id, rules.wires.get(id)?)));
    let told = kinbridge::wire::sole(wires, &body);
    assert!(!told.is_ok_and(|id| id.as_str() == WIDE));
}
