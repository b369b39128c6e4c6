//! Tests of the syntax: what is read, what is told, that writing gives back what was read.

use super::*;
use crate::base::finding::{Finding, LineIndex};
use crate::format::names::Names;
use crate::format::tree::{Node, Value};
use crate::format::{Parsed, hl7v2};

const LEAF: fn() -> Layout = Layout::default;

fn parts(members: &[(&str, Layout)]) -> Layout {
    Layout {
        order: members.iter().map(|(name, _)| (*name).into()).collect(),
        children: members
            .iter()
            .map(|(name, inner)| ((*name).into(), inner.clone()))
            .collect(),
        ..Layout::default()
    }
}

fn many(layout: Layout) -> Layout {
    Layout {
        array: true,
        ..layout
    }
}

fn numbered(members: &[(&str, Layout)]) -> Layout {
    Layout {
        order: Vec::new(),
        ..parts(members)
    }
}

/// A message with a group that repeats and holds another.
fn profile() -> MessageProfile {
    let two = || numbered(&[("1", LEAF()), ("2", LEAF())]);
    let head = numbered(&[
        ("1", LEAF()),
        ("2", LEAF()),
        ("3", two()),
        (
            "9",
            numbered(&[("1", LEAF()), ("2", LEAF()), ("3", LEAF())]),
        ),
        ("10", LEAF()),
        ("18", many(LEAF())),
    ]);
    let person = numbered(&[
        ("1", LEAF()),
        ("3", many(numbered(&[("1", LEAF()), ("4", two())]))),
        ("5", many(numbered(&[("1", two()), ("2", LEAF())]))),
        ("7", LEAF()),
        ("13", many(LEAF())),
    ]);
    let note = || many(numbered(&[("1", LEAF()), ("3", many(LEAF()))]));
    let must = |layout: Layout| Layout {
        required: true,
        ..layout
    };
    let value = must(numbered(&[("3", two()), ("5", many(LEAF()))]));
    let observation = many(parts(&[("OBX", value), ("NTE", note())]));
    let result = many(parts(&[
        ("OBR", must(numbered(&[("1", LEAF()), ("4", two())]))),
        ("NTE", note()),
        ("OBSERVATION", observation),
    ]));
    let message = parts(&[
        ("MSH", head),
        ("PID", person),
        ("NK1", many(numbered(&[("1", LEAF()), ("2", two())]))),
        ("RESULT", result),
        ("ZAR", many(numbered(&[("3", LEAF())]))),
    ]);
    MessageProfile {
        messages: [("ORU^R01".into(), "ORU_R01".into())].into_iter().collect(),
        structures: [("ORU_R01".into(), message)].into_iter().collect(),
        anywhere: vec!["ZAR".into()],
        whole: Vec::new(),
        restricting: Vec::new(),
        names: Names::only([]),
    }
}

fn read(text: &str) -> Parsed {
    hl7v2::parse(text.as_bytes(), &profile())
}

fn at<'a>(parsed: &'a Parsed, pointer: &str) -> Option<&'a str> {
    parsed.tree.as_ref()?.pointer(pointer)?.as_str()
}

fn told(findings: &[Finding]) -> Vec<(&str, &str)> {
    let told = findings
        .iter()
        .map(|it| (it.code.as_ref(), it.path.as_str()));
    told.collect()
}

const HEAD: &str = "MSH|^~\\&|EMR^X||||||ORU^R01||P|2.5.1\r";

// Goal: every level is read where the layout has it. Method: one message with all levels.
#[test]
fn every_level_has_its_place() {
    let text = format!(
        "{HEAD}PID|1||A1^^^AUTH&1.2~B2||Exampleton&Van^Mara~^Second||19940502^D\rNK1|1|Testa\r"
    );
    let parsed = read(&text);
    let person = "/ORU_R01/PID";
    let told_at = |path: &str| at(&parsed, &format!("{person}{path}")).map(str::to_owned);
    assert_eq!(told_at("/3/0/1").as_deref(), Some("A1"));
    assert_eq!(told_at("/3/0/4/2").as_deref(), Some("1.2"));
    assert_eq!(told_at("/3/1/1").as_deref(), Some("B2"));
    assert_eq!(told_at("/5/0/1/2").as_deref(), Some("Van"));
    assert_eq!(told_at("/5/1/2").as_deref(), Some("Second"));
    assert_eq!(told_at("/7").as_deref(), Some("19940502"));
    assert_eq!(at(&parsed, "/ORU_R01/NK1/0/2/1"), Some("Testa"));
    assert_eq!(at(&parsed, "/ORU_R01/MSH/1"), Some("|"));
    assert_eq!(at(&parsed, "/ORU_R01/MSH/2"), Some("^~\\&"));
    // The second component of a field that has none is told, not read.
    assert_eq!(told(&parsed.findings), [("wire-unknown-field", "PID-7.2")]);
}

// Goal: segments go to the nearest open group. Method: two results, the first with two
// observations and notes on each level.
#[test]
fn segments_find_their_group() {
    let text = format!(
        "{HEAD}PID|1\rOBR|1\rNTE|1||of the result\rOBX|||a||1\rNTE|1||of the first\rOBX|||b||2\r\
         OBR|2\rOBX|||c||3\r"
    );
    let parsed = read(&text);
    assert_eq!(told(&parsed.findings), []);
    let result = "/ORU_R01/RESULT";
    let read = |path: &str| at(&parsed, &format!("{result}{path}")).map(str::to_owned);
    assert_eq!(read("/0/NTE/0/3/0").as_deref(), Some("of the result"));
    assert_eq!(
        read("/0/OBSERVATION/0/NTE/0/3/0").as_deref(),
        Some("of the first")
    );
    assert_eq!(read("/0/OBSERVATION/1/OBX/5/0").as_deref(), Some("2"));
    assert_eq!(read("/1/OBSERVATION/0/OBX/3/1").as_deref(), Some("c"));
}

// Goal: what stands where it should not is told at its place and never put into another's. Method:
// one segment of each kind.
#[test]
fn segments_out_of_place_are_told() {
    let text = format!("{HEAD}OBR|1\rNK1|1\rPID|1\rPID|2\rZZZ|Ada Testperson\rNTE|1\r");
    let parsed = read(&text);
    let expected = [
        ("segment-late", "NK1[1]"),
        ("segment-late", "PID"),
        ("element-repeated", "PID"),
        ("segment-misplaced", "NTE"),
    ];
    assert_eq!(told(&parsed.findings), expected);
    let document = parsed.tree.unwrap();
    let message = document.get("ORU_R01").unwrap();
    assert!(message.get("?6").is_some() && message.get("ZZZ").is_none());
    assert_eq!(
        document.pointer("/ORU_R01/PID/1").unwrap().as_str(),
        Some("1")
    );
}

// Goal: a place is told by its occurrence, field, repetition and parts, and by line and column
// whatever ends the lines. Method: a control character deep down, with three line ends.
#[test]
fn a_finding_names_the_true_place() {
    for end in ["\r", "\n", "\r\n"] {
        let text = format!("{HEAD}PID|1\rOBR|1\rOBX|||a\rOBX|||a||x~y\u{1}\rPID|3||A^^^B&C\u{2}\r");
        let text = text.replace('\r', end);
        let mut parsed = read(&text);
        LineIndex::with_returns(text.as_bytes(), 7).fill(&mut parsed.findings);
        let place = "RESULT[1].OBSERVATION[2].OBX-5[2]";
        let expected = [("control-character", place), ("element-repeated", "PID")];
        assert_eq!(told(&parsed.findings), expected);
        let lines: Vec<_> = parsed
            .findings
            .iter()
            .map(|it| (it.line, it.column))
            .collect();
        assert_eq!(lines, [(Some(11), Some(12)), (Some(12), Some(1))]);
    }
    let parsed = read(&format!("{HEAD}PID|1||A~B^^^C&D\u{2}\r"));
    let expected = [("control-character", "PID-3[2].4.2")];
    assert_eq!(told(&parsed.findings), expected);
}

// Goal: escapes are read as what they mean, and what is none is kept. Method: one of each.
#[test]
fn escapes_are_read() {
    let text = |raw: &str| {
        let parsed = read(&format!("{HEAD}PID|1||||||{raw}\r"));
        let codes: Vec<String> = parsed
            .findings
            .iter()
            .map(|it| it.code.to_string())
            .collect();
        (at(&parsed, "/ORU_R01/PID/7").map(str::to_owned), codes)
    };
    let clean = |raw: &str| {
        let (text, codes) = text(raw);
        assert!(codes.is_empty(), "{raw}: {codes:?}");
        text.unwrap()
    };
    assert_eq!(clean(r"a\F\b\S\c\T\d\R\e\E\f"), r"a|b^c&d~e\f");
    assert_eq!(clean(r"\X41C3A9\"), "A\u{e9}");
    assert_eq!(clean(r"one\.br\two\.sp2\three"), "one\ntwo\n\nthree");
    assert_eq!(clean(r#"\X22\""#), "\"\"");
    let warned = |raw: &str| {
        let (text, codes) = text(raw);
        assert_eq!(codes, ["escape-unread"], "{raw}");
        text.unwrap()
    };
    assert_eq!(warned(r"\H\loud\N\ voice"), "loud voice");
    assert_eq!(warned(r"C:\dir\file"), r"C:\dir\file");
    assert_eq!(warned(r"\Zab\x\T\"), r"\Zab\x&");
    assert_eq!(warned(r"half \T"), r"half \T");
    assert_eq!(text(r"\C2842\x").1, ["encoding-invalid"]);
    assert_eq!(text(r"\X00\").1, ["control-character"]);
    assert_eq!(text("\"\"").0, None);
}

// Goal: text is read in the declared character set and in no other. Method: the same bytes under
// several declarations.
#[test]
fn the_declared_character_set_holds() {
    let under = |set: &str, byte: u8| {
        let head = format!("MSH|^~\\&|||||||ORU^R01||P|2.5||||||{set}\rPID|1||||||J");
        let mut bytes = head.into_bytes();
        bytes.extend([byte, b'\r']);
        let parsed = hl7v2::parse(&bytes, &profile());
        let codes: Vec<String> = parsed
            .findings
            .iter()
            .map(|it| it.code.to_string())
            .collect();
        (at(&parsed, "/ORU_R01/PID/7").map(str::to_owned), codes)
    };
    assert_eq!(under("8859/1", 0xE9), (Some("J\u{e9}".to_owned()), vec![]));
    assert_eq!(under("8859/15~", 0xA4).0.as_deref(), Some("J\u{20ac}"));
    for set in ["", "UNICODE UTF-8", "ASCII"] {
        assert_eq!(
            under(set, 0xE9),
            (None, vec!["encoding-invalid".to_owned()]),
            "{set}"
        );
    }
    // What a word processor writes there is no letter of that set.
    assert_eq!(under("8859/1", 0x92).1, ["encoding-invalid"]);
    let unread = hl7v2::parse(
        b"MSH|^~\\&|||||||ORU^R01||P|2.5||||||ISO IR87\rPID|1\r",
        &profile(),
    );
    assert_eq!(told(&unread.findings), [("encoding-invalid", "MSH-18")]);
    assert!(unread.tree.is_none());
}

// Goal: what hides the rest ends reading and says where. Method: heads that are none.
#[test]
fn a_message_without_a_usable_head_is_refused() {
    let codes = |text: &str| -> Vec<(String, String)> {
        let parsed = read(text);
        assert!(parsed.tree.is_none(), "{text}");
        let told = parsed.findings.into_iter();
        told.map(|it| (it.code.to_string(), it.path)).collect()
    };
    let one = |code: &str, path: &str| vec![(code.to_owned(), path.to_owned())];
    assert_eq!(codes(""), one("syntax-invalid", ""));
    assert_eq!(codes("PID|1"), one("syntax-invalid", ""));
    assert_eq!(codes("MSH"), one("syntax-invalid", "MSH-2"));
    assert_eq!(codes("MSH|||a"), one("syntax-invalid", "MSH-2"));
    assert_eq!(codes("MSH|^^\\&|a"), one("syntax-invalid", "MSH-2"));
    assert_eq!(codes("MSHA^~\\&Aa"), one("syntax-invalid", "MSH-2"));
    assert_eq!(codes("MSH|^~\\&|a"), one("record-type-unknown", "MSH-9"));
    let other = "MSH|^~\\&|||||||ORU^R02";
    assert_eq!(codes(other), one("record-type-unknown", "MSH-9"));
    let many = format!("{HEAD}PID|{}", "~".repeat(crate::base::limits::NODES_MAX));
    assert_eq!(codes(&many), one("size-exceeded", ""));
    let broken = read(&format!("{HEAD}PID|1\rand so on\r"));
    assert_eq!(told(&broken.findings), [("syntax-invalid", "segment 3")]);
}

/// A small generator, the same numbers for the same seed.
struct Seed(u64);

impl Seed {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 16] = [
            "|",
            "^",
            "~",
            "\\",
            "&",
            "#",
            "\n",
            "\r",
            "\"\"",
            "\u{e9}",
            "Exampleton",
            "\\E\\",
            "MSH|",
            "A",
            " ",
            "\\.br\\",
        ];
        let pieces = 1 + self.below(4);
        (0..pieces)
            .map(|_| PIECES[self.below(PIECES.len())])
            .collect()
    }

    /// What a layout may hold; nothing where nothing was chosen.
    fn node(&mut self, layout: &Layout, in_segment: bool) -> Option<Node> {
        if layout.children.is_empty() {
            return (self.below(3) > 0).then(|| Node::string(self.text()));
        }
        let mut node = Node::object();
        for (name, inner) in &layout.children {
            let segment = is_segment(name.as_bytes());
            let count = if inner.array { self.below(3) } else { 1 };
            let mut items: Vec<Node> = (0..count)
                .filter_map(|_| {
                    let made = self.node(inner, in_segment || segment);
                    let empty = !inner.children.is_empty() && (segment || in_segment);
                    made.or_else(|| empty.then(Node::object))
                })
                .collect();
            if in_segment {
                while items.last().is_some_and(Node::is_empty_container) {
                    items.pop();
                }
            }
            match (inner.array, items.is_empty()) {
                (_, true) => {}
                (true, _) => node.set(name, Node::from(Value::Array(items))),
                (false, _) => node.set(name, items.remove(0)),
            }
        }
        (!node.is_empty_container()).then_some(node)
    }
}

/// A message of the profile, with a head of its own.
fn generated(seed: &mut Seed, profile: &MessageProfile) -> Node {
    let layout = &profile.structures["ORU_R01"];
    let mut message = seed.node(layout, false).unwrap();
    let mut head = Node::object();
    let signs = ["|^~\\&", "!@+*%", "|^~\\&#"][seed.below(3)];
    head.set("1", Node::string(&signs[..1]));
    head.set("2", Node::string(&signs[1..]));
    head.set("9", Node::object());
    let kind = head.get_mut("9").unwrap();
    kind.set("1", Node::string("ORU"));
    kind.set("2", Node::string("R01"));
    head.set("10", Node::string(seed.text()));
    message.set("MSH", head);
    // A group begins with its first segment: without it the next one would join the group before.
    if let Some(results) = message.get_mut("RESULT").and_then(Node::items_mut) {
        for result in results {
            if result.get("OBR").is_none() {
                result.set("OBR", Node::object());
            }
            for observation in result
                .get_mut("OBSERVATION")
                .and_then(Node::items_mut)
                .into_iter()
                .flatten()
            {
                if observation.get("OBX").is_none() {
                    observation.set("OBX", Node::object());
                }
            }
        }
    }
    let mut document = Node::object();
    document.set("ORU_R01", message);
    document
}

/// Members in one order, so that trees can be compared.
fn sorted(node: &Node) -> Node {
    match &node.value {
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(name, node)| (name.clone(), sorted(node)))
                .collect();
            members.sort_by(|left, right| left.0.cmp(&right.0));
            Node::from(Value::Object(members))
        }
        Value::Array(items) => Node::from(Value::Array(items.iter().map(sorted).collect())),
        _ => node.clone(),
    }
}

// Goal: what is written is read as what it was, and writing it again gives the same bytes, whatever
// the separators, the text and the line ends. Method: 5,000 generated messages, seeded.
#[test]
fn writing_gives_back_what_was_read() {
    let profile = profile();
    let mut seed = Seed(20_261_122);
    for round in 0..5_000 {
        let tree = generated(&mut seed, &profile);
        let mut bytes = Vec::new();
        hl7v2::write(&tree, &profile, &mut bytes);
        let shown = String::from_utf8_lossy(&bytes).replace('\r', "\n");
        let parsed = hl7v2::parse(&bytes, &profile);
        assert!(
            parsed.findings.is_empty(),
            "{round}: {:?}\n{shown}",
            told(&parsed.findings)
        );
        let read = parsed.tree.unwrap();
        assert_eq!(sorted(&read), sorted(&tree), "{round}:\n{shown}");
        let mut again = Vec::new();
        hl7v2::write(&read, &profile, &mut again);
        assert_eq!(again, bytes, "{round}:\n{shown}");
        let other = String::from_utf8(bytes).unwrap().replace('\r', "\r\n");
        let other = hl7v2::parse(format!("\u{feff}\u{b}{other}\u{1c}\r").as_bytes(), &profile);
        assert_eq!(other.tree.unwrap(), read, "{round}:\n{shown}");
    }
}

// Goal: nothing that arrives makes the reader or the writer panic, and every finding points into
// the message. Method: a message cut off at every byte, and 20,000 with bytes changed, seeded.
#[test]
fn nothing_that_arrives_makes_it_panic() {
    let profile = profile();
    let text = format!(
        "\u{feff}{HEAD}PID|1||A1^^^AUTH&1.2~B2||Ex\\T\\n&Van^Mara~^S\\X41\\||1994\r\n\
         NK1|1|T\nOBR|1\r\
         NTE|1||a\\.br\\b\rOBX|||a^b||1~2\rOBX|||b||2\rZXX|1|2\r"
    );
    let whole = text.into_bytes();
    let look = |bytes: &[u8]| {
        let parsed = hl7v2::parse(bytes, &profile);
        for span in parsed.findings.iter().filter_map(|it| it.span) {
            assert!(span.start <= span.end && span.end as usize <= bytes.len());
        }
        if let Some(tree) = parsed.tree {
            hl7v2::write(&tree, &profile, &mut Vec::new());
        }
    };
    for end in 0..=whole.len() {
        look(&whole[..end]);
    }
    let mut seed = Seed(7);
    const SIGNS: &[u8] = b"|^~\\&\r\n\"MSHPIDX0\x0b\x1c\x00\xff\xc3 .";
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..=seed.below(4) {
            let at = seed.below(bytes.len());
            match seed.below(3) {
                0 => bytes[at] = SIGNS[seed.below(SIGNS.len())],
                1 => bytes.insert(at, SIGNS[seed.below(SIGNS.len())]),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        look(&bytes);
    }
}

// Goal: what holds for the whole message is read wherever it comes, and closes no group. Method:
// such a segment between and inside groups that go on behind it.
#[test]
fn what_may_stand_anywhere_stands_at_the_top() {
    let first = "OBR|1\rZAR|||b\rOBX|||X\rZAR|||c\rNTE|1||more\r";
    let text = format!("{HEAD}ZAR|||a\rPID|1\r{first}OBR|2\rOBX|||Y\r");
    let parsed = read(&text);
    assert!(told(&parsed.findings).is_empty(), "{:?}", parsed.findings);
    for (place, said) in [(0, "a"), (1, "b"), (2, "c")] {
        assert_eq!(at(&parsed, &format!("/ORU_R01/ZAR/{place}/3")), Some(said));
    }
    let note = "/ORU_R01/RESULT/0/OBSERVATION/0/NTE/0/3/0";
    assert_eq!(at(&parsed, note), Some("more"));
    assert_eq!(
        at(&parsed, "/ORU_R01/RESULT/1/OBSERVATION/0/OBX/3/1"),
        Some("Y")
    );
}
