//! Goal: a paper form asks for the columns of its file, all of them and nothing else, in both
//! languages. Method: every kind of file of the shipped delimited formats that are read; the boxes
//! of each page against the header of its template.

use crate::fixtures::rules;
use kinbridge::base::language::Language;
use kinbridge::catalog::{columns, paper};

fn boxes(page: &str) -> Vec<&str> {
    let found = page.split("data-column=\"").skip(1);
    found.filter_map(|rest| rest.split('"').next()).collect()
}

/// Format and record type of every file somebody may fill in.
fn files() -> Vec<(String, String)> {
    let rules = rules();
    let formats = rules.sources.formats.values();
    let rows = formats.filter(|format| format.body.delimited.is_some() && format.is_read());
    let of = |format: &kinbridge::catalog::format::FormatSource| {
        let kinds = format.body.schema.iter();
        let names = kinds.map(|kind| kind.get_ref().node_type.clone());
        let id = format.id.to_string();
        names
            .map(move |name| (id.clone(), name))
            .collect::<Vec<_>>()
    };
    rows.flat_map(of).collect()
}

#[test]
fn every_column_is_a_box_in_both_languages() {
    let rules = rules();
    let all = files();
    assert!(all.len() >= 13, "{all:?}");
    for (format, record) in &all {
        let header = columns::template(&rules.sources, format, record).expect("a template");
        let header: Vec<&str> = header.trim_end().split(',').collect();
        for language in Language::ALL {
            let page = paper::sheet(&rules.sources, (format, record), *language).expect("a page");
            assert_eq!(boxes(&page), header, "{format} {record}");
            let draft = page.contains("class=\"draft\"");
            assert_eq!(draft, *language == Language::Spanish, "{record}");
            for trap in ["<script", "http", "src="] {
                assert!(!page.contains(trap), "{record}: {trap}");
            }
        }
    }
}

#[test]
fn what_a_box_asks_for_is_said_in_spanish_too() {
    // Goal: no box of a Spanish sheet falls back to English. Method: every column of a shipped file
    // has words of its own in Spanish; whether they are good ones no test can say.
    let rules = rules();
    for (format, record) in files()
        .iter()
        .filter(|(format, _)| format.starts_with("provider"))
    {
        let source = rules.sources.formats.values();
        let source = source
            .clone()
            .find(|it| it.id.as_str() == format)
            .expect("a format");
        let kinds = source.body.schema.iter().map(|kind| kind.get_ref());
        let kind = kinds
            .clone()
            .find(|kind| kind.node_type == *record)
            .expect("a file");
        let rows = &rules.sources.schema_json[&source.schema_path(kind.file.get_ref())];
        let columns = rows["properties"].as_object().expect("columns");
        let silent = columns.iter().filter(|(_, column)| {
            column["x-es"]
                .as_str()
                .is_none_or(|text| text.trim().is_empty())
        });
        let silent: Vec<&String> = silent.map(|(name, _)| name).collect();
        assert!(silent.is_empty(), "{record}: {silent:?}");
    }
}
