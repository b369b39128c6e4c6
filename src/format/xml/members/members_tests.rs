//! Rules of the XML form of a JSON format, one test each.

use super::*;
use crate::base::finding::LineIndex;
use crate::format::json;

fn leaf(leaf: Leaf, array: bool) -> Layout {
    Layout {
        array,
        leaf: Some(leaf),
        ..Layout::default()
    }
}

fn object(array: bool, members: Vec<(&str, Layout)>) -> Layout {
    Layout {
        array,
        order: members.iter().map(|(name, _)| Text::from(*name)).collect(),
        children: members
            .into_iter()
            .map(|(name, layout)| (Text::from(name), layout))
            .collect(),
        ..Layout::default()
    }
}

/// Nodes `Thing` with a repeating name, a day, a measure, a flag, notes and a held node.
fn profile() -> MembersProfile {
    let name = object(
        true,
        vec![
            ("family", leaf(Leaf::Text, false)),
            ("given", leaf(Leaf::Text, true)),
        ],
    );
    let text = object(false, vec![("div", leaf(Leaf::Text, false))]);
    let thing = object(
        false,
        vec![
            ("kind", leaf(Leaf::Text, false)),
            ("id", leaf(Leaf::Text, false)),
            ("text", text),
            ("inner", object(true, Vec::new())),
            ("name", name),
            ("born", leaf(Leaf::Text, false)),
            ("measure", leaf(Leaf::Number, false)),
            ("flag", leaf(Leaf::Boolean, false)),
        ],
    );
    MembersProfile {
        namespaces: MembersProfile::namespaces("urn:t", Some("urn:html")),
        node_type: "kind".into(),
        value: "value".into(),
        aside: "_".into(),
        attributes: vec![
            ("id".into(), Vec::new()),
            ("url".into(), vec!["more".into()]),
        ],
        embedded: vec!["div".into()],
        repeated: vec!["more".into()],
        first_of_nodes: vec!["id".into(), "text".into(), "more".into()],
        first: vec!["more".into()],
        types: [("Thing".into(), thing)].into(),
        names: Names::ALL,
    }
}

fn tree(text: &str) -> String {
    let parsed = parse(text.as_bytes(), &profile());
    assert!(parsed.findings.is_empty(), "{text}: {:?}", parsed.findings);
    let mut out = Vec::new();
    json::write(&parsed.tree.expect("a tree"), &mut out);
    String::from_utf8(out).expect("UTF-8")
}

fn wrong(text: &str) -> Vec<(String, String, u32, u32)> {
    let mut findings = parse(text.as_bytes(), &profile()).findings;
    LineIndex::new(text.as_bytes(), 1).fill(&mut findings);
    let told = findings.into_iter().map(|f| {
        let (line, column) = (f.line.unwrap_or(0), f.column.unwrap_or(0));
        (f.code.into_owned(), f.path, line, column)
    });
    told.collect()
}

fn codes(text: &str) -> Vec<String> {
    wrong(text).into_iter().map(|it| it.0).collect()
}

fn written(json_text: &str) -> String {
    let node = json::parse(json_text.as_bytes()).tree.expect("a tree");
    let mut out = Vec::new();
    write(&node, &profile(), &mut out);
    String::from_utf8(out).expect("UTF-8")
}

fn thing(inside: &str) -> String {
    format!("<Thing xmlns='urn:t'>{inside}</Thing>")
}

// Goal: what is a list, a number or a boolean is what the schema says, however often it stands.
// Method: each kind, known and unknown, alone and repeated.
#[test]
fn a_schema_says_what_a_value_is() {
    let known = thing(
        "<name><family value='A'/><given value='B'/></name><measure value='1.10'/>\
         <flag value='true'/><born value='1994'/>",
    );
    assert_eq!(
        tree(&known),
        concat!(
            r#"{"kind":"Thing","name":[{"family":"A","given":["B"]}],"measure":1.10,"#,
            r#""flag":true,"born":"1994"}"#
        )
    );
    let unknown = thing("<a value='1'/><b value='1'/><b value='2'/><more url='u'/><c/>");
    assert_eq!(
        tree(&unknown),
        r#"{"kind":"Thing","a":"1","b":["1","2"],"more":[{"url":"u"}],"c":{}}"#
    );
}

// Goal: a number keeps its characters, and a text that is none stays a text for the schema to
// tell. Method: lexemes of both kinds.
#[test]
fn numbers_keep_their_characters() {
    for number in ["1.10", "1E2", "-0.50", "0"] {
        let read = tree(&thing(&format!("<measure value='{number}'/>")));
        assert_eq!(read, format!(r#"{{"kind":"Thing","measure":{number}}}"#));
    }
    for text in ["1,5", "+1", "01", "", " 1", "true", "\"1\""] {
        let escaped = text.replace('"', "&quot;");
        let read = parse(
            thing(&format!("<measure value='{escaped}'/>")).as_bytes(),
            &profile(),
        );
        let tree = read.tree.expect("a tree");
        assert_eq!(tree.text("measure"), Some(text));
    }
    let long = thing("<measure value='0.1234567890123456789'/>");
    assert_eq!(codes(&long), ["number-not-exact"]);
    assert_eq!(
        tree(&thing("<flag value='1'/>")),
        r#"{"kind":"Thing","flag":"1"}"#
    );
}

// Goal: what else stands in the element of a plain value is kept beside it, in lists by its place.
// Method: an id, something unknown, and an item that says why it has no value.
#[test]
fn what_stands_beside_a_value_is_kept() {
    let text = thing(
        "<born id='b' value='1994'><more url='u'><x value='1'/></more></born>\
         <name><given value='B'/><given><more url='v'/></given></name>",
    );
    assert_eq!(
        tree(&text),
        concat!(
            r#"{"kind":"Thing","born":"1994","_born":{"id":"b","more":[{"url":"u","x":"1"}]},"#,
            r#""name":[{"given":["B",null],"_given":[null,{"more":[{"url":"v"}]}]}]}"#
        )
    );
    let alone = thing("<born><more url='u'/></born>");
    assert_eq!(
        tree(&alone),
        r#"{"kind":"Thing","_born":{"more":[{"url":"u"}]}}"#
    );
}

// Goal: a node stands for what holds it, at any depth, and an element of another namespace for its
// own characters. Method: a held node, and text with its markup.
#[test]
fn nodes_are_held_and_text_is_carried() {
    let text = thing(
        "<id value='1'/><text id='t'><div xmlns='urn:html'>a <b>c</b> &amp;</div></text>\
         <inner><Thing><id value='2'/></Thing></inner><inner><Other/></inner>",
    );
    assert_eq!(
        tree(&text),
        concat!(
            r#"{"kind":"Thing","id":"1","text":{"id":"t","#,
            r#""div":"<div xmlns='urn:html'>a <b>c</b> &amp;</div>"},"#,
            r#""inner":[{"kind":"Thing","id":"2"},{"kind":"Other"}]}"#
        )
    );
}

// Goal: nothing that has no place in the form is passed over. Method: text, a node beside
// something, two nodes, a node where none is held, what stands twice.
#[test]
fn what_has_no_place_is_told() {
    let misplaced = "xml-content-misplaced";
    assert_eq!(
        wrong("<Thing xmlns='urn:t'>\n<born>1994</born></Thing>"),
        [(misplaced.to_owned(), "/born".to_owned(), 2, 7)]
    );
    for inside in [
        "x",
        "<inner><id value='1'/><Thing/></inner>",
        "<inner><Thing/><id value='1'/></inner>",
        "<inner><Thing/><Thing/></inner>",
        "<inner id='1'><Thing/></inner>",
        "<Other/>",
    ] {
        assert_eq!(codes(&thing(inside)), [misplaced], "{inside}");
    }
    assert_eq!(
        wrong(&thing(
            "<name><given value='a'/><family value='b'/>\n<family value='c'/></name>"
        )),
        [(
            "element-repeated".to_owned(),
            "/name/0/family".to_owned(),
            2,
            16
        )]
    );
    assert_eq!(codes(&thing("<kind value='Other'/>")), ["element-repeated"]);
    assert_eq!(
        codes(
            "<Thing xmlns='urn:t' xmlns:a='urn:a' xmlns:b='urn:a'><born a:x='1' b:x='2'/></Thing>"
        ),
        ["duplicate-key"]
    );
}

// Goal: an element of another type than its schema's is told as one, as a list where an object
// belongs is in JSON. Method: members of none, of some, of all; extensions alone.
#[test]
fn another_type_is_told() {
    let mut profile = profile();
    let own = profile.types.get_mut("Thing").expect("a type");
    let code = object(false, vec![("code", leaf(Leaf::Text, false))]);
    own.children.insert("class".into(), code);
    for (inside, codes) in [
        ("<coding><code value='1'/></coding>", 1),
        ("<code value='1'/><coding/>", 0),
        ("<more url='u'/>", 0),
        ("", 0),
    ] {
        let text = thing(&format!("<class>{inside}</class>"));
        let found = parse(text.as_bytes(), &profile).findings;
        assert_eq!(found.len(), codes, "{inside}");
        assert!(found.iter().all(|it| it.code == "schema-type-mismatch"));
        assert!(found.iter().all(|it| it.path == "/class"));
    }
}

// Goal: only the format's namespace is its own. Method: others at the top, below, at attributes.
#[test]
fn another_namespace_is_never_the_formats() {
    let root = "xml-root-unexpected";
    for other in [
        "<Thing/>",
        "<Thing xmlns='urn:u'/>",
        "<div xmlns='urn:html'/>",
    ] {
        assert_eq!(codes(other), [root], "{other}");
    }
    let prefixed = "<t:Thing xmlns:t='urn:t'><t:born value='1'/></t:Thing>";
    assert_eq!(tree(prefixed), r#"{"kind":"Thing","born":"1"}"#);
    let below = thing("<born xmlns='' value='1'/><born xmlns='urn:u'/>");
    assert_eq!(
        tree(&below),
        r#"{"kind":"Thing","{}born":"1","{urn:u}born":{}}"#
    );
    let attribute = "<Thing xmlns='urn:t' xmlns:t='urn:t'><born t:value='1' x='2'/></Thing>";
    assert_eq!(
        tree(attribute),
        r#"{"kind":"Thing","_born":{"@{urn:t}value":"1","@x":"2"}}"#
    );
}

// Goal: nothing is expanded or nested without bound. Method: the known attacks.
#[test]
fn attacks_are_refused() {
    let bomb = "<!DOCTYPE Thing [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><Thing>&b;</Thing>";
    assert_eq!(codes(bomb), ["doctype-refused"]);
    assert_eq!(codes(&thing("<born value='&b;'/>")), ["syntax-invalid"]);
    let deep = format!("<Thing xmlns='urn:t'>{}", "<a>".repeat(1_000_000));
    assert_eq!(codes(&deep), ["depth-exceeded"]);
    let inside = format!("<div xmlns='urn:html'>{}", "<a>".repeat(100));
    assert_eq!(
        codes(&format!("<Thing xmlns='urn:t'>{inside}")),
        ["depth-exceeded"]
    );
    assert_eq!(codes(&thing(&"<a/>".repeat(200_001))), ["size-exceeded"]);
    assert_eq!(codes("<Thing xmlns='urn:t'><born>"), ["syntax-invalid"]);
}

// Goal: a name that is not ours is told by its place. Method: a profile that knows few names.
#[test]
fn strange_names_become_ordinals() {
    let profile = MembersProfile {
        names: Names::only(["kind".into(), "born".into()]),
        ..profile()
    };
    let text = thing("<Mara value='1'/>").replace("Mara", "mara") + "";
    let read = parse(text.as_bytes(), &profile);
    let tree = read.tree.expect("a tree");
    assert_eq!(tree.text("?2"), Some("1"));
    let twice = thing("<born value='1' mara='2'/><x>y</x>");
    let read = parse(twice.as_bytes(), &profile);
    let told: Vec<&str> = read.findings.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(told, ["/?4"]);
}

// Goal: what is written is in order, escaped, and the same tree again. Method: a tree of every
// kind in the wrong order.
#[test]
fn writing_orders_and_comes_back() {
    let text = concat!(
        r#"{"kind":"Thing","flag":true,"measure":1.10,"name":[{"given":["B",null],"family":"<\n","#,
        r#""_given":[null,{"id":"g"}]}],"more":[{"more":[{"url":"a"}],"url":"b"}],"id":"1","#,
        r#""inner":[{"kind":"Thing","id":"2"}],"text":{"div":"<div xmlns='urn:html'>x</div>"}}"#
    );
    let xml = written(text);
    assert_eq!(
        xml,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Thing xmlns=\"urn:t\"><id value=\"1\"/>\
         <text><div xmlns='urn:html'>x</div></text><more url=\"b\"><more url=\"a\"/></more>\
         <inner><Thing><id value=\"2\"/></Thing></inner><name><family value=\"&lt;&#10;\"/>\
         <given value=\"B\"/><given id=\"g\"/></name><measure value=\"1.10\"/>\
         <flag value=\"true\"/></Thing>\n"
    );
    let again = tree(&xml);
    assert_eq!(written(&again), xml);
}

// Goal: what the form has no place for is told before it is written. Method: a table of trees.
#[test]
fn what_cannot_be_written_is_told() {
    for (text, place) in [
        (r#"{"id":"1"}"#, ""),
        (r#"{"kind":"a b"}"#, ""),
        (r#"{"kind":"Thing","a b":"1"}"#, "/a b"),
        (r#"{"kind":"Thing","?2":"1"}"#, "/?2"),
        (r#"{"kind":"Thing","@x":"1"}"#, "/@x"),
        (r#"{"kind":"Thing","Thing":{}}"#, "/Thing"),
        (r#"{"kind":"Thing","a":[["1"]]}"#, "/a/0"),
        (r#"{"kind":"Thing","a":["1",null]}"#, "/a/1"),
        (r#"{"kind":"Thing","a":{"b":"1"},"_a":{"id":"1"}}"#, "/a"),
        (r#"{"kind":"Thing","inner":[{"kind":"thing"}]}"#, "/inner/0"),
        (r#"{"kind":"Thing","text":{"div":"a<b"}}"#, "/text/div"),
        (r#"{"kind":"Thing","text":{"div":"<div/>"}}"#, "/text/div"),
        (
            r#"{"kind":"Thing","text":{"div":"<div xmlns='urn:html'/><id value='1'/>"}}"#,
            "/text/div",
        ),
    ] {
        let node = json::parse(text.as_bytes()).tree.expect("a tree");
        assert_eq!(unwritable(&node, &profile()), [place], "{text}");
    }
    let good = r#"{"kind":"Thing","text":{"div":"<div xmlns='urn:html'/>"},"a":[]}"#;
    let node = json::parse(good.as_bytes()).tree.expect("a tree");
    assert!(unwritable(&node, &profile()).is_empty());
}
