//! Goal: what a syntax writes it reads back the same, and no bytes bring a parser down. Method:
//! generated trees through writer and parser, arbitrary bytes and mutated fixtures into every
//! parser, whole and in chunks.

use crate::tidy::root;
use kinbridge::base::Text;
use kinbridge::format::delimited::{self, Dialect};
use kinbridge::format::split::{SplitKind, Splitter};
use kinbridge::format::xml::members::{self, MembersProfile};
use kinbridge::format::xml::{self, Layout, XmlProfile};
use kinbridge::format::{Names, Node, Value, json};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Text that may stand in a record: everything XML 1.0 can carry.
fn text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just('"'),
        Just('\\'),
        Just('&'),
        Just('<'),
        Just('>'),
        Just('\''),
        Just(','),
        Just('\n'),
        Just('\r'),
        Just('\t'),
        Just(']'),
        Just('é'),
        Just('😀'),
        Just('\u{FEFF}'),
        Just('\u{85}'),
        Just('\u{2028}'),
        Just('\u{FFFD}'),
        Just('\u{7F}')
    ];
    vec(
        prop_oneof![3 => proptest::char::range(' ', '~'), 1 => odd],
        0..12,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i32>().prop_map(|n| n.to_string()),
        (any::<i16>(), 0u32..99_999).prop_map(|(whole, part)| format!("{whole}.{part}")),
        (1u8..9, -20i8..20).prop_map(|(digit, power)| format!("{digit}e{power}")),
    ]
}

fn json_tree() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(|n| Value::Number(n.into())),
        text().prop_map(|t| Value::String(t.into())),
    ];
    leaf.prop_map(Node::from).prop_recursive(6, 64, 6, |inner| {
        let members = vec((text(), inner.clone()), 0..6).prop_map(|pairs| {
            // No name twice, as in any tree.
            let unique: BTreeMap<String, Node> = pairs.into_iter().collect();
            let mut members: Vec<(Text, Node)> =
                unique.into_iter().map(|(n, v)| (n.into(), v)).collect();
            members.reverse();
            Value::Object(members)
        });
        let items = vec(inner, 0..6).prop_map(Value::Array);
        prop_oneof![members, items].prop_map(Node::from)
    })
}

/// Objects with names an element may have, some of them beside others, and what they hold.
fn named_tree() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(|n| Value::Number(n.into())),
        text().prop_map(|t| Value::String(t.into())),
    ];
    leaf.prop_map(Node::from).prop_recursive(4, 48, 5, |inner| {
        let members = vec(("_?[ab]", inner.clone()), 0..5).prop_map(|pairs| {
            let unique: BTreeMap<String, Node> = pairs.into_iter().collect();
            let members = unique.into_iter().map(|(n, v)| (n.into(), v));
            Value::Object(members.collect())
        });
        let items = vec(inner, 0..4).prop_map(Value::Array);
        prop_oneof![3 => members, 1 => items].prop_map(Node::from)
    })
}

/// An XML form of which no schema says anything.
fn form() -> MembersProfile {
    MembersProfile {
        namespaces: MembersProfile::namespaces("urn:t", Some("urn:html")),
        node_type: "kind".into(),
        value: "value".into(),
        aside: "_".into(),
        attributes: vec![("id".into(), Vec::new())],
        embedded: vec!["div".into()],
        names: Names::ALL,
        ..MembersProfile::default()
    }
}

/// `k:R` with repeating `k:Box` (children), single `n:Name` (text) and attributes.
fn profile() -> XmlProfile {
    let name = Layout {
        text: true,
        ..Layout::default()
    };
    let inner = Layout {
        array: true,
        order: vec!["n:Name".into()],
        children: [("n:Name".into(), name.clone())].into(),
        ..Layout::default()
    };
    let children = [("n:Name".into(), name), ("k:Box".into(), inner)];
    XmlProfile {
        namespaces: vec![
            ("k".into(), "urn:k?a&b".into()),
            ("n".into(), "urn:n".into()),
        ],
        root: "k:R".into(),
        layout: Layout {
            order: vec!["n:Name".into(), "k:Box".into()],
            children: children.into(),
            ..Layout::default()
        },
        names: Names::ALL,
    }
}

fn name_element() -> impl Strategy<Value = Node> {
    (text(), proptest::option::of(text())).prop_map(|(content, id)| {
        let mut node = Node::object();
        if let Some(id) = id {
            node.set("@k:id", Node::string(id));
        }
        // An element without text has no `$`.
        if !content.is_empty() {
            node.set("$", Node::string(content));
        }
        node
    })
}

fn xml_tree() -> impl Strategy<Value = Node> {
    let name = proptest::option::of(name_element());
    let boxes = vec((proptest::option::of(name_element()), text()), 0..4);
    (text(), name, boxes).prop_map(|(id, name, boxes)| {
        let mut root = Node::object();
        root.set("@id", Node::string(id));
        if let Some(name) = name {
            root.set("n:Name", name);
        }
        let items: Vec<Node> = boxes
            .into_iter()
            .map(|(name, note)| {
                let mut node = Node::object();
                node.set("@note", Node::string(note));
                if let Some(name) = name {
                    node.set("n:Name", name);
                }
                node
            })
            .collect();
        if !items.is_empty() {
            root.set("k:Box", Node::from(Value::Array(items)));
        }
        root
    })
}

fn rows() -> impl Strategy<Value = (Vec<Text>, Vec<Node>)> {
    (1usize..5).prop_flat_map(|columns| {
        let header: Vec<Text> = (0..columns).map(|n| format!("c{n}").into()).collect();
        let row = vec(text(), columns);
        let named = header.clone();
        let rows = vec(row, 0..6).prop_map(move |rows| {
            let object = |cells: Vec<String>| {
                let mut node = Node::object();
                for (name, cell) in named.iter().zip(cells) {
                    if !cell.is_empty() {
                        node.set(name, Node::string(cell));
                    }
                }
                node
            };
            rows.into_iter().map(object).collect::<Vec<Node>>()
        });
        (Just(header), rows)
    })
}

/// Every fixture of the repository, as bytes.
fn fixtures() -> Vec<Vec<u8>> {
    fn walk(folder: &Path, out: &mut Vec<Vec<u8>>) {
        for entry in std::fs::read_dir(folder)
            .expect("fixtures are readable")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else {
                out.push(std::fs::read(&path).expect("a fixture is readable"));
            }
        }
    }
    let mut out = Vec::new();
    walk(&root().join("fixtures"), &mut out);
    assert!(!out.is_empty(), "no fixtures");
    out
}

/// Puts bytes through every parser and through the splitter whole and in chunks; all that may be
/// said of any bytes is checked.
fn survive(bytes: &[u8]) {
    let dialect = |delimiter: u8, formulas_guarded: bool| Dialect {
        delimiter,
        formulas_guarded,
        ..Dialect::default()
    };
    for dialect in [
        dialect(b',', false),
        dialect(b',', true),
        dialect(b'|', false),
    ] {
        let parsed = delimited::parse(bytes, &dialect);
        assert!(parsed.tree.is_some() || !parsed.findings.is_empty());
    }
    let form = members::parse(bytes, &form());
    for parsed in [json::parse(bytes), xml::parse(bytes, &profile()), form] {
        assert!(parsed.tree.is_some() || !parsed.findings.is_empty());
        for finding in &parsed.findings {
            let span = finding.span.unwrap_or_default();
            assert!(span.start <= span.end && span.start as usize <= bytes.len());
        }
    }
    let dialect = Dialect::default();
    let group_by = vec![Text::from("c0")];
    for kind in [
        SplitKind::Lines,
        SplitKind::Whole,
        SplitKind::Delimited { dialect, group_by },
        SplitKind::Delimited {
            dialect,
            group_by: Vec::new(),
        },
    ] {
        assert_eq!(cut(&kind, bytes, bytes.len().max(1)), cut(&kind, bytes, 3));
    }
}

/// The units and codes of a stream that comes in chunks of that size.
fn cut(kind: &SplitKind, bytes: &[u8], chunk: usize) -> Vec<Result<Vec<u8>, String>> {
    let mut splitter = Splitter::new(kind.clone(), 400);
    let mut out = Vec::new();
    let mut take = |splitter: &mut Splitter| {
        while let Some(next) = splitter.next_unit() {
            out.push(next.map(|u| u.bytes).map_err(|f| f.code.into_owned()));
        }
    };
    for part in bytes.chunks(chunk) {
        splitter.push(part);
        take(&mut splitter);
    }
    splitter.finish();
    take(&mut splitter);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn json_reads_what_it_writes(tree in json_tree()) {
        let mut bytes = Vec::new();
        json::write(&tree, &mut bytes);
        let back = json::parse(&bytes);
        prop_assert!(back.findings.is_empty(), "{:?}", back.findings);
        let back = back.tree.expect("a tree");
        prop_assert_eq!(&back, &tree);
        // The form for digests does not depend on the order of members.
        let canonical = json::canonical(&tree);
        let again = json::parse(&canonical).tree.expect("a tree");
        prop_assert_eq!(json::canonical(&again), canonical);
    }

    #[test]
    fn xml_reads_what_it_writes(tree in xml_tree()) {
        let mut bytes = Vec::new();
        xml::write(&tree, &profile(), &mut bytes);
        let back = xml::parse(&bytes, &profile());
        prop_assert!(back.findings.is_empty(), "{:?}", back.findings);
        prop_assert_eq!(back.tree.expect("a tree"), tree);
    }

    #[test]
    fn any_tree_is_written_as_well_formed_xml(tree in json_tree()) {
        let mut bytes = Vec::new();
        xml::write(&tree, &profile(), &mut bytes);
        let codes: Vec<String> = xml::parse(&bytes, &profile())
            .findings
            .into_iter()
            .map(|f| f.code.into_owned())
            .filter(|code| code != "duplicate-key" && code != "element-repeated")
            .collect();
        prop_assert!(codes.is_empty(), "{codes:?} {}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_tree_its_xml_form_has_a_place_for_comes_back(tree in named_tree()) {
        let mut document = Node::object();
        document.set("kind", Node::string("T"));
        document.set("c", tree);
        let mut bytes = Vec::new();
        members::write(&document, &form(), &mut bytes);
        let back = members::parse(&bytes, &form());
        prop_assert!(back.findings.is_empty(), "{:?}", back.findings);
        let back = back.tree.expect("a tree");
        // Without a schema a number is text and one item no list: the form is the same again.
        if members::unwritable(&document, &form()).is_empty() {
            let mut again = Vec::new();
            members::write(&back, &form(), &mut again);
            prop_assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&bytes));
            prop_assert!(members::unwritable(&back, &form()).is_empty());
        }
    }

    #[test]
    fn any_tree_is_written_as_a_well_formed_xml_form(tree in json_tree()) {
        let mut document = Node::object();
        document.set("kind", Node::string("T"));
        document.set("c", tree);
        let mut bytes = Vec::new();
        members::write(&document, &form(), &mut bytes);
        let back = members::parse(&bytes, &form());
        prop_assert!(back.tree.is_some(), "{:?}", back.findings);
    }

    #[test]
    fn delimited_text_reads_what_it_writes((header, rows) in rows()) {
        let dialect = Dialect::default();
        let mut bytes = Vec::new();
        delimited::write(&rows, &header, &dialect, &mut bytes);
        let back = delimited::parse(&bytes, &dialect);
        prop_assert!(back.findings.is_empty(), "{:?}", back.findings);
        let back = back.tree.expect("rows");
        prop_assert_eq!(back.items(), rows.as_slice());
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..200)) {
        survive(&bytes);
    }

    #[test]
    fn any_markup_is_survived(text in "[<>/!?a-c:=\"' &;#x0-9\\[\\]{},\\\\\n-]{0,80}") {
        survive(text.as_bytes());
    }

    #[test]
    fn mutated_fixtures_are_survived(
        pick in any::<proptest::sample::Index>(),
        edits in vec((any::<proptest::sample::Index>(), any::<u8>(), 0u8..3), 1..8),
    ) {
        let all = fixtures();
        let mut bytes = all[pick.index(all.len())].clone();
        bytes.truncate(20_000);
        for (at, byte, what) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        survive(&bytes);
    }
}
