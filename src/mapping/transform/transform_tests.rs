//! The table of transforms: each undoes itself, and what is outside its domain is a fault.

use super::*;

fn text(text: &str) -> Node {
    Node::string(text)
}

fn both(transform: &str, wire: Node, record: Node) {
    let it = Transform::parse(transform).unwrap();
    assert_eq!(it.inward(&wire).unwrap(), record, "{transform} in");
    assert_eq!(it.outward(&record).unwrap(), wire, "{transform} out");
}

/// Goal: each transform with an inverse undoes itself. Method: a pair of values for each.
#[test]
fn each_transform_undoes_itself() {
    let number = |n: &str| Node::from(Value::Number(n.into()));
    both("date MM/DD/YYYY", text("03/09/2026"), text("2026-03-09"));
    both("date YYYYMMDD", text("20260309"), text("2026-03-09"));
    both(
        "instant",
        text("2026-03-09T10:00:00-07:00"),
        text("2026-03-09T10:00:00-07:00"),
    );
    both("lower", text("FAMILY"), text("family"));
    both("upper", text("family"), text("FAMILY"));
    both("strip-prefix urn:x:", text("urn:x:7"), text("7"));
    both("strip-suffix -x", text("7-x"), text("7"));
    both("add-prefix c:", text("7"), text("c:7"));
    both("integer", text("45"), number("45"));
    both("decimal", number("1.50"), text("1.50"));
    both("text", Node::from(Value::Bool(true)), text("true"));
    both("bool Y N", text("N"), Node::from(Value::Bool(false)));
    both("minutes", text("PT1H30M"), number("90"));
    both("pad 5 0", text("00042"), text("42"));
    let list = Node::from(Value::Array(vec![text("F1"), text("F3")]));
    both("split ;", text("F1;F3"), list);
    let mut coding = Node::object();
    coding.set("system", text("http://s"));
    coding.set("code", text("c"));
    both("pair system code", coding, text("http://s|c"));
}

/// Goal: local time gets the offset of its day and goes back. Method: winter and summer.
#[test]
fn local_time_follows_the_zone() {
    let it = Transform::parse("local-instant America/Los_Angeles MM/DD/YYYY HH:MM").unwrap();
    for (wire, record) in [
        ("01/15/2026 09:30", "2026-01-15T09:30:00-08:00"),
        ("07/15/2026 09:30", "2026-07-15T09:30:00-07:00"),
    ] {
        assert_eq!(it.inward(&text(wire)).unwrap(), text(record));
        assert_eq!(it.outward(&text(record)).unwrap(), text(wire));
    }
    assert!(!it.inverts(&[]), "another offset would be lost");
}

/// Goal: what is outside a domain is a fault, never passed on. Method: one value each.
#[test]
fn outside_the_domain_is_a_fault() {
    for (transform, wire, fault) in [
        ("date MM/DD/YYYY", "02/30/2026", Fault::Date),
        ("date MM/DD/YYYY", "2026-03-01", Fault::Date),
        ("instant", "yesterday", Fault::Date),
        ("integer", "4.5", Fault::Form),
        ("bool Y N", "maybe", Fault::Form),
        ("strip-prefix a:", "b:1", Fault::Form),
        ("minutes", "PT30S", Fault::Form),
        ("phone", "none", Fault::Form),
    ] {
        let it = Transform::parse(transform).unwrap();
        assert_eq!(it.inward(&text(wire)), Err(fault), "{transform}");
    }
    let split = Transform::parse("split ;").unwrap();
    let list = Node::from(Value::Array(vec![text("a;b")]));
    assert_eq!(
        split.outward(&list),
        Err(Fault::Form),
        "the separator would split it"
    );
    let date = Transform::parse("date MM/DD/YYYY").unwrap();
    assert_eq!(
        date.outward(&text("2026")),
        Err(Fault::Date),
        "a year has no day"
    );
}

/// Goal: instants become RFC 3339, the offset kept. Method: what spreadsheets write.
#[test]
fn instants_become_one_form() {
    let it = Transform::parse("instant").unwrap();
    for (wire, record) in [
        ("2026-03-08T09:30-08:00", "2026-03-08T09:30:00-08:00"),
        ("2026-03-08 09:30:15-08:00", "2026-03-08T09:30:15-08:00"),
        ("2026-03-08T17:30:15.250z", "2026-03-08T17:30:15.250Z"),
    ] {
        assert_eq!(it.inward(&text(wire)).unwrap(), text(record));
    }
    for (wire, fault) in [
        ("2026-03-08T09:30", Fault::Form),
        ("2026-03-08", Fault::Form),
        ("2026-02-30T09:30-08:00", Fault::Date),
    ] {
        assert_eq!(it.inward(&text(wire)), Err(fault), "{wire}");
    }
}

/// Goal: phones of many notations become one. Method: four spellings.
#[test]
fn phones_become_one_form() {
    let it = Transform::parse("phone").unwrap();
    for wire in [
        "(916) 555-0100",
        "916.555.0100",
        "1 916 555 0100",
        "+19165550100",
    ] {
        assert_eq!(it.inward(&text(wire)).unwrap(), text("+19165550100"));
    }
}

/// Goal: a transform that is not in the table is refused. Method: several.
#[test]
fn the_table_is_closed() {
    for text in [
        "eval x",
        "upper x",
        "bool Y Y",
        "pad 5 00",
        "date MM/DD",
        "truncate many",
    ] {
        assert!(Transform::parse(text).is_err(), "{text}");
    }
}

// Goal: dates in the compact notation keep their precision. Method: values of every precision
// there and back, and some that are none.
#[test]
fn compact_dates_keep_their_precision() {
    let date = Transform::parse("date YYYY[MM[DD[HH[MM[SS[+ZZZZ]]]]]]").unwrap();
    for (wire, record) in [
        ("1994", "1994"),
        ("199405", "1994-05"),
        ("19940502", "1994-05-02"),
    ] {
        let read = date.inward(&Node::string(wire)).unwrap();
        assert_eq!(read.as_str(), Some(record));
        let written = date.outward(&read).unwrap();
        assert_eq!(written.as_str(), Some(wire));
    }
    let timed = date.inward(&Node::string("199405021530")).unwrap();
    assert_eq!(timed.as_str(), Some("1994-05-02"));
    for wire in ["19940502153000+0700", "199405021530-0800"] {
        let timed = date.inward(&Node::string(wire)).unwrap();
        assert_eq!(timed.as_str(), Some("1994-05-02"), "{wire}");
    }
    for wire in [
        "",
        "199",
        "19941",
        "19941301",
        "19940230",
        "1994-05",
        "19940502+07",
    ] {
        assert!(date.inward(&Node::string(wire)).is_err(), "{wire}");
    }
    for broken in [
        "date [YYYY]",
        "date YYYY[MM",
        "date YYYY]MM[",
        "date YYYY[MM]DD",
        "date YYYY+ZZZZ",
    ] {
        assert!(Transform::parse(broken).is_err(), "{broken}");
    }
}

// Goal: an instant in the compact notation keeps its offset. Method: some there and back.
#[test]
fn compact_instants_keep_their_offset() {
    let instant = Transform::parse("compact-instant America/Los_Angeles").unwrap();
    for (wire, record, again) in [
        (
            "202603081530-0700",
            "2026-03-08T15:30:00-07:00",
            "20260308153000-0700",
        ),
        (
            "20260308153001.25+0000",
            "2026-03-08T15:30:01.25+00:00",
            "20260308153001.25+0000",
        ),
        (
            "202601021530",
            "2026-01-02T15:30:00-08:00",
            "20260102153000-0800",
        ),
    ] {
        let read = instant.inward(&Node::string(wire)).unwrap();
        assert_eq!(read.as_str(), Some(record));
        assert_eq!(instant.outward(&read).unwrap().as_str(), Some(again));
    }
    let utc = Node::string("2026-01-02T15:30:00.123456Z");
    let written = instant.outward(&utc).unwrap();
    assert_eq!(written.as_str(), Some("20260102153000.1234+0000"));
    for wire in [
        "20260102",
        "2026010225",
        "202613021530",
        "202601021530-07",
        "2026010215300",
        "x",
    ] {
        assert!(instant.inward(&Node::string(wire)).is_err(), "{wire}");
    }
}

// Goal: a mark behind so many characters goes and comes back, and one elsewhere is refused.
// Method: texts of each length, both ways.
#[test]
fn a_mark_behind_some_characters_goes_and_comes_back() {
    let mark = Transform::parse("mark-after 3 .").expect("a transform");
    for (wire, record) in [
        ("A01", "A01"),
        ("A011", "A01.1"),
        ("A01234", "A01.234"),
        ("A", "A"),
    ] {
        let there = mark.inward(&Node::string(wire)).expect("in");
        assert_eq!(there.as_str(), Some(record));
        let back = mark.outward(&there).expect("out");
        assert_eq!(back.as_str(), Some(wire));
    }
    for wrong in ["A.01", "A011", "A01.", "A01.2.3"] {
        assert!(mark.outward(&Node::string(wrong)).is_err(), "{wrong}");
    }
    for wrong in [
        "mark-after",
        "mark-after 3",
        "mark-after x .",
        "mark-after 3 ..",
        "mark-after 99 .",
    ] {
        assert!(Transform::parse(wrong).is_err(), "{wrong}");
    }
}

// Goal: letters with marks are written bare, others stay for the wire to refuse. Method: names.
#[test]
fn letters_with_marks_are_written_bare() {
    let plain = Transform::parse("plain-letters").expect("a transform");
    let rows = [
        ("Pe\u{f1}a \u{c1}vila", "Pena Avila"),
        ("O\u{2019}Example", "O'Example"),
        ("Plain", "Plain"),
        ("\u{5d0}\u{4e00}", "\u{5d0}\u{4e00}"),
    ];
    for (record, wire) in rows {
        let out = plain.outward(&Node::string(record)).expect("out");
        assert_eq!(out.as_str(), Some(wire));
    }
    assert!(!plain.inverts(&[]));
}
