//! Goal: the list of facts is data, complete and closed; a county's file only shortens. Method: the
//! shipped file, alone, changed in one place, and with files laid beside it.

use super::*;
use crate::catalog::{files, from_files};

fn laid(path: &str, text: &str) -> BTreeMap<String, SourceFile> {
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

fn shipped_text() -> String {
    files::read(&[]).0[SHIPPED].text.clone()
}

#[test]
fn the_shipped_list_gives_every_fact_once_and_each_row_says_whose_reading_it_is() {
    let (law, defects) = FactLaw::read(&files::read(&[]).0);
    assert!(defects.is_empty(), "{defects:?}");
    assert_eq!(law.kinds.len(), FactKey::ALL.len());
    assert_eq!(law.standing_max_age_days, 30);
    for key in FactKey::ALL {
        let kind = law.giving(*key).expect("a row");
        assert!(
            !kind.plain_en.is_empty() && !kind.plain_es.is_empty(),
            "{key}"
        );
        assert!(kind.es_machine_draft, "{key}: no reviewer is named");
    }
    let threat = law.kind("imminent_threat").expect("a kind");
    assert_eq!(threat.validity, Validity::Hours(24));
}

#[test]
fn a_row_changed_in_one_place_is_a_defect() {
    let text = shipped_text();
    for (from, to) in [
        (
            "sets = \"context.appointed\"",
            "sets = \"context.anointed\"",
        ),
        (
            "sets = \"context.appointed\"",
            "sets = \"context.cft.member\"",
        ),
        ("id = \"casa_appointed\"", "id = \"cft_member\""),
        ("value = \"date\"", "value = \"truth\""),
        (
            "words = [\"intact\", \"terminated\"]",
            "words = [\"intact\", \"ended\"]",
        ),
        ("restrictive = true\n", ""),
        ("fresh = true\n", ""),
        ("hours_max = 24", "hours_max = 0"),
        ("hours_max = 24", "hours_max = 24\ndays_max = 1"),
        ("asserters = [\"cws\"]", "asserters = []"),
        ("asserters = [\"cws\"]", "asserters = [\"anybody\"]"),
        ("mark = \"V\"", "mark = \"X\""),
        ("about = \"subject\"", "about = \"nobody\""),
        ("confirm = true", "confirmed = true"),
        ("citation = \"FAM7050\"", "citation = \"\""),
        ("standing_max_age_days = 30", "standing_max_age_days = 0"),
        ("effective = 2000-01-01", "effective = 2000-01-01T00:00:00Z"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let (_, defects) = FactLaw::read(&laid(SHIPPED, &changed));
        assert!(!defects.is_empty(), "{from} -> {to}");
        assert!(defects.iter().all(|defect| defect.line > 0), "{defects:?}");
    }
}

#[test]
fn a_missing_list_is_a_defect() {
    let (mut all, _) = files::read(&[]);
    all.remove(SHIPPED);
    let (law, defects) = FactLaw::read(&all);
    assert!(law.kinds.is_empty());
    assert_eq!(defects[0].code, "fact-law-missing");
}

#[test]
fn a_county_shortens_how_long_standing_counts_and_changes_nothing_else() {
    let county = "policies/facts-county.toml";
    let mut defects = Vec::new();
    let sources = from_files(laid(county, "standing_max_age_days = 14\n"), &mut defects);
    assert!(defects.is_empty(), "{defects:?}");
    assert_eq!(sources.facts.standing_max_age_days, 14);
    // A longer one would change nothing, so it is told.
    let (law, defects) = FactLaw::read(&laid(county, "\nstanding_max_age_days = 90\n"));
    assert_eq!(law.standing_max_age_days, 30);
    let told = &defects[0];
    assert_eq!((told.file.as_str(), told.line), (county, 2));
    assert!(told.message.contains("the shortest counts"), "{told}");
    for text in [
        "standing_max_age_days = 14\n[[kind]]\nid = \"x\"\n",
        "owner = \"us\"\n",
    ] {
        let (law, defects) = FactLaw::read(&laid(county, text));
        assert!(!defects.is_empty(), "{text}");
        assert_eq!(law.standing_max_age_days, 30);
    }
    let mut defects = Vec::new();
    from_files(laid(SHIPPED, &shipped_text()), &mut defects);
    let codes: Vec<&str> = defects.iter().map(|defect| defect.code).collect();
    assert!(codes.contains(&"overlay-replaces-policy"), "{codes:?}");
}

#[test]
fn a_partner_asserts_only_what_its_role_may() {
    let partner = |role: &str, asserts: &str| {
        let path = "mappings/partners/asserting.toml";
        let text = format!(
            "id = \"asserting\"\nname = \"A\"\nrole = \"{role}\"\nmode = \"test\"\n\
             asserts = [{asserts}]\n"
        );
        let mut defects = Vec::new();
        from_files(laid(path, &text), &mut defects);
        let own = defects.into_iter().filter(|defect| defect.file == path);
        own.map(|defect| (defect.code, defect.line))
            .collect::<Vec<_>>()
    };
    assert_eq!(partner("cws", "\"standing\", \"removed\""), []);
    assert_eq!(partner("mhp", "\"imminent_threat\""), []);
    let not_its_own = ("partner-fact-not-its-own", 5);
    assert_eq!(
        partner("mhp", "\"imminent_threat\", \"standing\""),
        [not_its_own]
    );
    assert_eq!(partner("parent", "\"standing\""), [not_its_own]);
    assert_eq!(partner("cws", "\"standig\""), [("partner-fact-unknown", 5)]);
}
