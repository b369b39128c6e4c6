//! Goal: nothing of a record stands anywhere its decision does not let it stand. Method: a token
//! planted in every classed leaf of every canonical schema, for several persons and senders, run
//! through a real gateway; then everything that comes out of it is searched.

mod around;
mod dates;
mod doors;
pub mod grow;
mod road;
mod scan;
mod spoil;
mod stripped;
mod world;

use grow::{Grown, grow};
use kinbridge::catalog;
use kinbridge::validate::rules::REFERENCES;
use scan::Scanner;

/// One record of each type the catalog has, for a sender known by that identifier.
fn of_all_types(asker: &str, numbers: &mut u32) -> Vec<Grown> {
    let (sources, _) = catalog::load(&[]);
    let types = grow::types(&sources).into_iter();
    let grown = types.map(|kind| grow(&sources, &kind, asker, numbers));
    grown.collect()
}

#[test]
fn a_planted_leak_is_found_however_it_is_written() {
    // Goal: the search itself works. Method: a token put into made-up outputs as it is, in other
    // case, in base64 at each of its three places, as hexadecimal; and outputs without one.
    use base64::Engine as _;
    let grown = of_all_types("program", &mut 0);
    let scanner = Scanner::new(&grown);
    let mut tokens = 0;
    for (record, one) in grown.iter().enumerate() {
        for (at, canary) in one.canaries.iter().enumerate() {
            let Some(token) = &canary.token else { continue };
            tokens += 1;
            for text in [token.clone(), token.to_lowercase(), token.to_uppercase()] {
                let output = format!("{{\"told\":\"x{text}y\"}}");
                let found = scanner.planted(output.as_bytes());
                assert!(found.contains(&(record, at)), "{}", canary.place);
                assert!(scanner.anything(output.as_bytes()).is_some());
            }
        }
    }
    assert!(tokens > 400, "{tokens} tokens");
    for word in [grow::MARK, grow::KEY_MARK] {
        for before in ["", "a", "ab"] {
            let secret = format!("{before}{word}00017w");
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let base64 = base64::engine::general_purpose::STANDARD.encode(&secret);
            for hidden in [secret.clone(), hex, base64] {
                let output = format!("at=1 x=\"{hidden}\"");
                assert!(scanner.anything(output.as_bytes()).is_some(), "{hidden}");
            }
        }
    }
    let clean = b"{\"status\":\"accepted\",\"at\":\"2026-09-15T12:00:00-07:00\",\"n\":7319}";
    assert!(scanner.planted(clean).is_empty());
    assert_eq!(scanner.anything(clean), None);
}

#[test]
fn what_is_planted_is_a_record_without_errors_in_every_leaf() {
    // Goal: the planted records are ones a sender may hand in, and no leaf of a schema is without
    // its own. Method: each is read as the gateway reads it; places are compared with the schema's.
    let rules = kinbridge::rules::Rules::load(&[]).expect("no defects");
    let (sources, _) = catalog::load(&[]);
    for one in of_all_types("program", &mut 0) {
        let kind = one.record.record_type.clone();
        let format = kinbridge::base::id::FormatId::new("kinbridge-json/1.0");
        let text = one.text();
        let types = std::slice::from_ref(&kind);
        let read = kinbridge::intake::read::read(&rules, &format, types, text.as_bytes());
        let of_records = read.records.iter().flat_map(|record| &record.findings);
        let wrong: Vec<_> = read
            .findings
            .iter()
            .chain(of_records)
            .filter(|f| f.is_error())
            .collect();
        assert!(wrong.is_empty(), "{kind}: {wrong:#?}");
        let shape = &sources.schemas[&format!("canonical/{kind}.schema.json")];
        let mut leaves = std::collections::BTreeSet::new();
        places(shape, String::new(), &mut leaves);
        let planted: std::collections::BTreeSet<String> = one
            .canaries
            .iter()
            .map(|canary| canary.place.clone())
            .collect();
        let bare: Vec<_> = leaves.difference(&planted).collect();
        let known = |place: &&&String| {
            let left_out = grow::LEFT_OUT.iter();
            left_out.into_iter().any(|out| place.starts_with(out))
                || place.ends_with("/key")
                || grow::OF_A_FAMILY.contains(&place.as_str())
                || REFERENCES
                    .iter()
                    .any(|reference| reference.replace("/*", "") == ***place)
        };
        let bare: Vec<_> = bare.iter().filter(|place| !known(place)).collect();
        assert!(bare.is_empty(), "{kind}: {bare:?}");
    }
}

fn places(
    shape: &kinbridge::catalog::schema::Shape,
    at: String,
    out: &mut std::collections::BTreeSet<String>,
) {
    use kinbridge::catalog::schema::Kind;
    match &shape.kind {
        Kind::Object { members, .. } => {
            for (name, member) in members {
                places(member, format!("{at}/{name}"), out);
            }
        }
        Kind::Array { item, .. } => places(item, at, out),
        Kind::OneOf { variants, .. } => {
            for (_, variant) in variants {
                places(variant, at.clone(), out);
            }
        }
        _ => {
            out.insert(at);
        }
    }
}
