//! The printable consent forms against the tables the engine checks, read here a second time.

use kinbridge::base::vocabulary::{ConsentKind, DataClass};
use kinbridge::catalog;
use kinbridge::disclosure::sheet::{Language, Sheets};
use kinbridge::rules::Rules;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

fn file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join(path)).expect(path)
}

/// The elements of each kind, straight from the file, in its order.
fn elements() -> BTreeMap<String, Vec<String>> {
    let table: toml::Table = toml::from_str(&file("policies/consents.toml")).expect("TOML");
    let rows = table["kind"].as_array().expect("rows").iter();
    rows.map(|row| {
        let list = row["elements"].as_array().expect("a list").iter();
        let id = row["id"].as_str().expect("text").to_owned();
        (
            id,
            list.map(|e| e.as_str().expect("text").to_owned()).collect(),
        )
    })
    .collect()
}

/// The classes each kind opens, read out of the text of the policies without compiling them.
fn opened() -> BTreeMap<String, BTreeSet<String>> {
    let text = file("policies/consents.cedar");
    let mut opens: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for policy in text.split("@id(").skip(1) {
        let kind = policy.split("@kind(\"").nth(1).expect("a kind");
        let kind = kind.split('"').next().expect("a kind").to_owned();
        let named = policy.split("DataClass::\"").skip(1);
        let named = named.map(|rest| rest.split('"').next().expect("a class").to_owned());
        opens.entry(kind).or_default().extend(named);
    }
    opens
}

/// The values of an attribute, in the order of the page.
fn values(page: &str, attribute: &str) -> Vec<String> {
    let mark = format!("{attribute}=\"");
    let found = page.split(mark.as_str()).skip(1);
    found
        .map(|rest| rest.split('"').next().unwrap_or_default().to_owned())
        .collect()
}

pub fn page(rules: &Rules, kind: ConsentKind, language: Language) -> String {
    let digest = rules.digest.as_str();
    let page = rules
        .sheets
        .page(rules.policy.pack(), kind, language, digest);
    page.expect("a page")
}

#[test]
fn every_element_has_its_numbered_box_and_every_class_box_is_one_the_kind_opens() {
    // Goal: a form asks for exactly what the engine checks, and promises only what the kind opens.
    // Method: all kinds in both languages; the boxes of the page against the files, read anew.
    let rules = Rules::load(&[]).expect("rules");
    let (elements, opened) = (elements(), opened());
    for kind in ConsentKind::ALL {
        for language in Language::ALL {
            let page = page(&rules, *kind, *language);
            assert_eq!(
                values(&page, "data-element"),
                elements[kind.as_str()],
                "{kind}"
            );
            let numbers = page.split("<h2><b>").skip(1);
            let numbers: Vec<&str> = numbers.filter_map(|n| n.split('<').next()).collect();
            let expected: Vec<String> = (1..=numbers.len()).map(|n| n.to_string()).collect();
            assert_eq!(numbers, expected);
            assert_eq!(numbers.len(), elements[kind.as_str()].len());
            let boxes = values(&page, "data-class");
            let set: BTreeSet<String> = boxes.iter().cloned().collect();
            assert_eq!(set.len(), boxes.len(), "{kind}: a class twice");
            assert_eq!(set, opened[kind.as_str()], "{kind}");
            assert!(set.iter().all(|class| class.parse::<DataClass>().is_ok()));
        }
    }
}

#[test]
fn a_page_says_what_it_is_and_no_more() {
    // Goal: form, version, language and rule set in the foot, who signs, how to take it back, what
    // not signing means; Spanish nobody reviewed is marked a draft; 14 point type where CIV 56.11
    // asks for it, marked K; no claim of approval. Method: all pages.
    let rules = Rules::load(&[]).expect("rules");
    for kind in ConsentKind::ALL {
        for language in Language::ALL {
            let page = page(&rules, *kind, *language);
            let (_, foot) = page.split_once("<footer>").expect("a foot");
            assert!(foot.contains(&format!("<code>{kind}</code>")), "{foot}");
            assert!(foot.contains(rules.digest.as_str()), "{foot}");
            assert!(foot.contains(&format!(" {},", language.as_str())), "{foot}");
            let statements = values(&page, "data-statement");
            let (boxes, has) = (values(&page, "data-element"), |w: &str| {
                statements.iter().any(|s| s == w)
            });
            let boxed = |w: &str| boxes.iter().any(|e| e == w);
            assert!(has("signers"), "{kind}");
            assert!(has("take-back") != boxed("right_to_revoke"), "{kind}");
            assert!(
                has("not-signing") != boxed("refusal_consequences"),
                "{kind}"
            );
            assert!(boxed("expiration") || has("ends"), "{kind}");
            assert_eq!(has("part2"), kind.as_str().starts_with("part2_"), "{kind}");
            let draft = page.contains("class=\"draft\"");
            assert_eq!(draft, *language == Language::Spanish, "{kind}");
            let large = ["general_roi", "hipaa_auth", "psych_notes_auth"];
            let large = large.contains(&kind.as_str());
            assert_eq!(page.contains("<body class=\"large\">"), large, "{kind}");
            assert_eq!(foot.contains("CIV 56.11"), large, "{kind}");
            let said = page.to_lowercase();
            for claim in ["certified", "official", "compliant", "approved", "oficial"] {
                assert!(!said.contains(claim), "{kind}: {claim}");
            }
            assert!(
                !said.contains("<script") && !said.contains("http"),
                "{kind}"
            );
        }
    }
}

#[test]
fn words_and_boxes_that_do_not_meet_are_defects() {
    // Goal: neither an element nor a class can lose its words, nor words their box, unnoticed.
    // Method: the shipped catalog with one row of the words renamed, each defect by its message.
    let rules = Rules::load(&[]).expect("rules");
    let changes = [
        (
            "id = \"discloser\"",
            "id = \"redisclosure_statement\"",
            "`discloser` of hipaa_auth",
        ),
        (
            "id = \"hiv_test\"",
            "id = \"immigration_status\"",
            "class hiv_test of hiv_auth",
        ),
        (
            "id = \"hiv_test\"",
            "id = \"immigration_status\"",
            "`immigration_status`",
        ),
        (
            "id = \"patient_name\"",
            "id = \"shoe_size\"",
            "`shoe_size` without a box",
        ),
        (
            "kinds = [\"cft_roi\"]",
            "kinds = [\"sogi_permission\"]",
            "`recipient` without a box",
        ),
        (
            "id = \"tribe\"",
            "id = \"student\"",
            "who may sign tribal_authorization",
        ),
        (
            "id = \"vawa_release\"",
            "id = \"hiv_auth\"",
            "vawa_release needs exactly one row",
        ),
    ];
    for (from, to, told) in changes {
        let (mut sources, _) = catalog::load(&[]);
        let words = sources.files.get_mut("policies/forms.toml").expect("words");
        assert!(words.text.contains(from), "{from}");
        words.text = words.text.replacen(from, to, 1);
        let (_, defects) = Sheets::compile(&sources, rules.policy.pack());
        let told = told.trim_matches('`');
        let found = defects.iter().any(|defect| {
            defect
                .message
                .replace('`', "")
                .contains(&told.replace('`', ""))
        });
        assert!(found, "{told}: {defects:?}");
    }
}

/// A file of reviewed Spanish for these English texts.
fn spanish(texts: &[String], reviewer: &str) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let rows = texts.iter().map(|en| {
        let es = quoted(&format!("revisado {}", en.len()));
        format!("[[text]]\nen = {}\nes = {es}\n", quoted(en))
    });
    let head = format!("es_reviewer = {}\n", quoted(reviewer));
    head + &rows.collect::<String>()
}

/// Every English text of a table.
fn english(value: &toml::Value, out: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            let en = table.get("en").and_then(toml::Value::as_str);
            out.extend(en.map(str::to_owned));
            table.values().for_each(|inner| english(inner, out));
        }
        toml::Value::Array(list) => list.iter().for_each(|inner| english(inner, out)),
        _ => {}
    }
}

fn laid_over(text: &str) -> Result<Arc<Rules>, Vec<String>> {
    let folder = tempfile::tempdir().expect("folder");
    let policies = folder.path().join("policies");
    std::fs::create_dir_all(&policies).expect("folder");
    std::fs::write(policies.join("spanish-county.toml"), text).expect("written");
    let rules = Rules::load(&[folder.path().to_path_buf()]);
    rules.map_err(|defects| defects.into_iter().map(|defect| defect.message).collect())
}

#[test]
fn a_county_lays_reviewed_spanish_over_the_words() {
    // Goal: a page is a draft until all it says has a reviewer; English and boxes stay. Method: a
    // row for every text of forms and explanations but the title of one form.
    let mut texts = Vec::new();
    for path in ["policies/forms.toml", "policies/explanations.toml"] {
        let table: toml::Value = toml::from_str(&file(path)).expect("TOML");
        english(&table, &mut texts);
    }
    texts.sort();
    texts.dedup();
    let left_out = "Release of information";
    assert!(texts.len() > 100 && texts.iter().any(|text| text == left_out));
    texts.retain(|text| text != left_out);
    let rules = laid_over(&spanish(&texts, "A. Reviewer, 2026-11-01")).expect("no defects");
    let plain = Rules::load(&[]).expect("rules");
    for kind in ConsentKind::ALL {
        let es = page(&rules, *kind, Language::Spanish);
        let draft = es.contains("class=\"draft\"");
        assert_eq!(draft, *kind == ConsentKind::GeneralRoi, "{kind}");
        assert!(es.contains("revisado"), "{kind}");
        let en = page(&rules, *kind, Language::English);
        let before = page(&plain, *kind, Language::English);
        let same = before.replace(plain.digest.as_str(), rules.digest.as_str());
        assert_eq!(en, same, "{kind}");
    }
    let told = rules.policy.plain(&[]);
    assert!(!told.es_machine_draft && told.reason_es.starts_with("revisado"));
    assert!(plain.policy.plain(&[]).es_machine_draft);
}

#[test]
fn reviewed_spanish_is_of_words_that_are_said_and_of_a_reviewer() {
    // Goal: nothing counts as reviewed that nobody reviewed. Method: one thing wrong at a time.
    let text = vec![String::from("If you do not sign")];
    assert!(laid_over(&spanish(&text, "A. Reviewer")).is_ok());
    let twice = spanish(&text, "A. Reviewer");
    let other = twice.replace("revisado", "otro");
    let (_, row) = other.split_once('\n').expect("a row");
    for (wrong, told) in [
        (spanish(&text, " "), "names who reviewed it"),
        (
            spanish(&[String::from("If you sign")], "A. Reviewer"),
            "no form or explanation",
        ),
        (format!("{twice}{row}"), "in two ways"),
        (String::from("[[text]]\n"), "it holds"),
    ] {
        let defects = laid_over(&wrong).map(|_| ()).expect_err(told);
        assert!(defects.iter().any(|one| one.contains(told)), "{defects:?}");
    }
}
