//! Goal: an interchange is taken apart by its own signs, known by what it says, and written so that
//! it reads back; what cannot be said is refused. Method: invented interchanges, whole and damaged.

use super::{Delimiters, InterchangeProfile, Known, parse, recognise, refused, segments, write};
use crate::base::Text;
use crate::format::json;
use crate::format::tree::Node;
use crate::format::xml::Layout;
use std::collections::BTreeMap;

/// The head of an interchange, with its own signs.
fn head(element: char, repetition: char, component: char, segment: char) -> String {
    let parts = [
        "ISA",
        "00",
        "          ",
        "00",
        "          ",
        "ZZ",
        "SENDER-OF-ONE  ",
        "ZZ",
        "RECEIVER-OF-ONE",
        "260314",
        "0000",
        &repetition.to_string(),
        "00501",
        "000000007",
        "0",
        "T",
        &component.to_string(),
    ]
    .join(&element.to_string());
    format!("{parts}{segment}")
}

fn known() -> Vec<Known> {
    let row = |segment: &str, set: &str, guide: &str, says: &str| {
        let text = |word: &str| (!word.is_empty()).then(|| Text::from(word));
        Known {
            segment: text(segment),
            set: text(set),
            guide: text(guide),
            says: says.into(),
        }
    };
    vec![
        row("TA1", "", "", "an answer"),
        row("", "837", "005010X222", "a claim"),
        row("", "837", "", "another claim"),
    ]
}

#[test]
fn signs_are_found_by_the_widths_of_the_head() {
    let usual = Delimiters::read(head('*', '^', ':', '~').as_bytes());
    assert_eq!(usual, Some(Delimiters::default()));
    let own = Delimiters::read(head('|', 'U', '>', '\n').as_bytes()).expect("signs");
    assert_eq!(
        (own.element, own.component, own.segment),
        (b'|', b'>', b'\n')
    );
    assert_eq!(own.repetition, None);
    for wrong in [
        head('*', '*', ':', '~'),
        head('*', '^', '*', '~'),
        head('*', '^', ':', ':'),
        head('*', '^', ':', 'A'),
        head('*', '^', ':', '~').replace("260314", "20260314"),
        head('*', '^', ':', '~')[..104].to_owned(),
        "ISA".to_owned(),
        String::new(),
    ] {
        assert_eq!(Delimiters::read(wrong.as_bytes()), None, "{wrong}");
    }
}

#[test]
fn segments_come_apart_to_their_components() {
    let text = "ABC*one*two:three^four*~\r\nDE~\nXYZ*end";
    let all: Vec<_> = segments(text.as_bytes(), Delimiters::default()).collect();
    let ids: Vec<&[u8]> = all.iter().map(super::Segment::id).collect();
    assert_eq!(ids, [&b"ABC"[..], b"DE", b"XYZ"]);
    assert_eq!(all[0].element(1), b"one");
    assert_eq!(all[0].element(9), b"");
    let repeated: Vec<&[u8]> = all[0].repetitions(2).collect();
    assert_eq!(repeated, [&b"two:three"[..], b"four"]);
    let parts: Vec<&[u8]> = all[2].components(1).collect();
    assert_eq!(parts, [&b"end"[..]]);
    assert_eq!(all[1].start, text.find("DE").expect("there"));
    assert_eq!(segments(b"\r\n", Delimiters::default()).count(), 0);
}

#[test]
fn an_interchange_is_known_by_what_it_says() {
    let known = known();
    let unknown = "of a kind the gateway does not know";
    let tell = |text: &str| recognise(text.as_bytes(), &known).map(str::to_owned);
    let head = head('*', '^', ':', '~');
    let set =
        |group: &str, set: &str| format!("{head}\nGS*HC*A*B*20260314*0000*7*X*{group}~{set}~");
    assert_eq!(
        tell(&format!("{head}TA1*000000007~")).as_deref(),
        Some("an answer")
    );
    assert_eq!(
        tell(&set("005010X222A1", "ST*837*1")).as_deref(),
        Some("a claim")
    );
    // The set may name the guide where the group does not.
    assert_eq!(
        tell(&set("", "ST*837*1*005010X222A2")).as_deref(),
        Some("a claim")
    );
    assert_eq!(
        tell(&set("004010X098", "ST*837*1")).as_deref(),
        Some("another claim")
    );
    assert_eq!(tell(&set("x", "ST*999*1")).as_deref(), Some(unknown));
    assert_eq!(tell(&head).as_deref(), Some(unknown));
    let marked = format!("\u{feff}\r\n {}", set("005010X222A1", "ST*837*1"));
    assert_eq!(tell(&marked).as_deref(), Some("a claim"));
    // A head whose widths were lost on the way is one all the same.
    let trimmed = set("005010X222A1", "ST*837*1").replace("          ", "");
    assert_eq!(tell(&trimmed).as_deref(), Some("a claim"));
}

#[test]
fn what_is_no_interchange_is_not_taken_for_one() {
    let known = known();
    let names: Vec<String> = (0..20).map(|at| format!("col{at}")).collect();
    for text in [
        format!("ISA,{}\nGS,x\n", names.join(",")),
        format!("ISA;{}\nGS;x\n", names.join(";")),
        format!("ISA*{}", names.join("*")),
        // Tables whose second row begins as a group does, behind a column called by a letter.
        format!("ISA|{}|b\nGS|x\n", ["a"; 15].join("|")),
        head('*', '^', ':', '~')
            .replace('*', "\u{7f}")
            .replace("\u{7f}", "A"),
        "ISA*00*\n".to_owned(),
        "ISABELLA".to_owned(),
        "{\"ISA\":1}".to_owned(),
        "MSH|^~\\&|A".to_owned(),
        "ISA".to_owned(),
        String::new(),
    ] {
        assert_eq!(recognise(text.as_bytes(), &known), None, "{text}");
    }
    let told = parse(b"no interchange", &known);
    assert!(told.tree.is_none());
    assert_eq!(told.findings[0].code, "syntax-invalid");
}

#[test]
fn what_is_handed_in_is_told_and_never_read() {
    let text = format!("{}TA1*000000007~", head('*', '^', ':', '~'));
    let told = parse(text.as_bytes(), &known());
    assert!(told.tree.is_none());
    assert_eq!(told.findings.len(), 1);
    assert_eq!(told.findings[0].code, "interchange-not-read");
    assert!(told.findings[0].message.ends_with("an answer"));
}

/// A document whose groups stand in another order than its structure.
fn document() -> Node {
    let text = r#"{"ONE":{"LOOP":[{"N3":{"1":"1 Invented Way"},"NM1":{"1":"IL","3":"Fixture"}},
      {"NM1":{"1":"PR","9":"X"}}],"SV1":{"1":{"1":"HC","2":"X0001","4":"ZZ"},"4":["1","2"]},
      "ST":{"1":"837","3":"G"},"GS":{"1":"HC","8":"G"},"REF":{},
      "ISA":{"1":"00","3":"00","5":"ZZ","6":"SENDER","7":"ZZ","8":"RECEIVER","9":"260314",
        "10":"0000","12":"00501","14":"0","15":"T"}}}"#;
    json::parse(text.as_bytes()).tree.expect("a tree")
}

fn layout(array: bool, order: &[&str], children: Vec<(&str, Layout)>) -> Layout {
    Layout {
        array,
        order: order.iter().map(|name| Text::from(*name)).collect(),
        children: children
            .into_iter()
            .map(|(name, layout)| (name.into(), layout))
            .collect(),
        ..Layout::default()
    }
}

fn profile() -> InterchangeProfile {
    let plain = Layout::default;
    let group = layout(
        true,
        &["NM1", "N3"],
        vec![("NM1", plain()), ("N3", plain())],
    );
    let order = ["ISA", "GS", "ST", "LOOP", "SV1", "REF"];
    let mut children: Vec<(&str, Layout)> = order.iter().map(|name| (*name, plain())).collect();
    children[3].1 = group;
    InterchangeProfile {
        structures: BTreeMap::from([("ONE".into(), layout(false, &order, children))]),
        ..InterchangeProfile::default()
    }
}

fn written(tree: &Node) -> String {
    let mut out = Vec::new();
    write(tree, &profile(), &mut out);
    String::from_utf8(out).expect("text")
}

#[test]
fn what_is_written_reads_back_with_the_right_counts() {
    let text = written(&document());
    let delimiters = Delimiters::read(text.as_bytes()).expect("signs");
    assert_eq!(delimiters, Delimiters::default());
    let all: Vec<_> = segments(text.as_bytes(), delimiters).collect();
    let ids: Vec<&str> = all
        .iter()
        .map(|it| std::str::from_utf8(it.id()).expect("text"))
        .collect();
    let order = [
        "ISA", "GS", "ST", "NM1", "N3", "NM1", "SV1", "SE", "GE", "IEA",
    ];
    assert_eq!(ids, order);
    let (isa, gs, st, sv1) = (all[0], all[1], all[2], all[6]);
    assert_eq!(isa.element(6), b"SENDER         ");
    assert_eq!(isa.element(13).len(), 9);
    let parts: Vec<&[u8]> = sv1.components(1).collect();
    assert_eq!(parts, [&b"HC"[..], b"X0001", b"", b"ZZ"]);
    assert_eq!(sv1.repetitions(4).count(), 2);
    // From the set's head to its end, both counted.
    assert_eq!(
        (all[7].element(1), all[7].element(2)),
        (&b"6"[..], st.element(2))
    );
    assert_eq!(
        (all[8].element(1), all[8].element(2)),
        (&b"1"[..], gs.element(6))
    );
    assert_eq!(
        (all[9].element(1), all[9].element(2)),
        (&b"1"[..], isa.element(13))
    );
    // No empty element ends a segment.
    assert!(!text.contains("*~"), "{text}");
}

#[test]
fn control_numbers_follow_from_what_is_written() {
    let number = |tree: &Node| {
        let text = written(tree);
        let all: Vec<_> = segments(text.as_bytes(), Delimiters::default()).collect();
        String::from_utf8_lossy(all[0].element(13)).into_owned()
    };
    assert_eq!(written(&document()), written(&document()));
    let mut other = document();
    let sv1 = other.get_mut("ONE").and_then(|it| it.get_mut("SV1"));
    sv1.expect("there").set("4", Node::string("2"));
    assert_ne!(number(&document()), number(&other));
    let mut given = document();
    let isa = given.get_mut("ONE").and_then(|it| it.get_mut("ISA"));
    isa.expect("there").set("13", Node::string("000000042"));
    assert_eq!(number(&given), "000000042");
    assert!(written(&given).ends_with("IEA*1*000000042~"));
}

#[test]
fn a_value_with_a_sign_is_refused_and_nothing_is_written() {
    for sign in ["*", ":", "^", "~", "\n", "\u{1}", "\u{f1}"] {
        let mut tree = document();
        let segment = tree.get_mut("ONE").and_then(|it| it.get_mut("SV1"));
        segment
            .expect("there")
            .set("2", Node::string(format!("a{sign}b")));
        let found = refused(&tree);
        let told: Vec<_> = found
            .iter()
            .map(|f| (f.code.as_ref(), f.path.as_str()))
            .collect();
        assert_eq!(told, [("character-not-writable", "SV1-2")], "{sign:?}");
        assert_eq!(written(&tree), "", "{sign:?}");
    }
    assert_eq!(refused(&document()), []);
    // An element of the head too wide for its place would move all signs.
    let mut wide = document();
    let isa = wide.get_mut("ONE").and_then(|it| it.get_mut("ISA"));
    isa.expect("there")
        .set("6", Node::string("SIXTEEN-LETTERS!"));
    assert_eq!(refused(&wide)[0].path, "ISA-6");
    assert_eq!(written(&wide), "");
}
