//! Rules of the XML syntax, one test each.

use super::*;
use crate::base::finding::LineIndex;
use crate::format::json;

fn leaf(array: bool) -> Layout {
    Layout {
        array,
        text: true,
        ..Layout::default()
    }
}

/// `<k:Root>` with repeating `k:Item`, single `n:Name` and an unordered rest.
fn profile() -> XmlProfile {
    XmlProfile {
        namespaces: vec![("k".into(), "urn:k".into()), ("n".into(), "urn:n".into())],
        root: "k:Root".into(),
        layout: Layout {
            order: vec!["n:Name".into(), "k:Item".into()],
            children: [
                ("k:Item".into(), leaf(true)),
                ("n:Name".into(), leaf(false)),
            ]
            .into(),
            ..Layout::default()
        },
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
    findings
        .into_iter()
        .map(|f| {
            let (line, column) = (f.line.unwrap_or(0), f.column.unwrap_or(0));
            (f.code.into_owned(), f.path, line, column)
        })
        .collect()
}

fn codes(text: &str) -> Vec<String> {
    wrong(text).into_iter().map(|w| w.0).collect()
}

// Goal: elements, attributes, text and arrays come out as the tree says. Method: one document.
#[test]
fn elements_attributes_and_text() {
    let text =
        "<?xml version='1.0'?>\n<k:Root xmlns:k='urn:k' xmlns:n='urn:n' id='1' k:at='a&amp;b'>
        <n:Name xml:lang='es'>Ana &lt;&#x41;<![CDATA[<&>]]></n:Name>
        <k:Item>x</k:Item><!-- c --><?p i?></k:Root>\n";
    assert_eq!(
        tree(text),
        concat!(
            r#"{"@id":"1","@k:at":"a&b","n:Name":{"@xml:lang":"es","#,
            r#""$":"Ana <A<&>"},"k:Item":[{"$":"x"}]}"#
        )
    );
}

// Goal: names carry the format's prefixes whatever the document's are; foreign namespaces can
// never be taken for ours. Method: other prefixes, a default namespace, a foreign one.
#[test]
fn prefixes_are_the_formats() {
    let text = "<Root xmlns='urn:k'><q:Name xmlns:q='urn:n'>x</q:Name><Item/>\
        <k:Part xmlns:k='urn:other'/><Part xmlns=''/></Root>";
    assert_eq!(
        tree(text),
        r#"{"n:Name":{"$":"x"},"k:Item":[{}],"{urn:other}Part":{},"Part":{}}"#
    );
    assert_eq!(
        codes("<k:Root xmlns:k='urn:k'><u:x/></k:Root>"),
        ["syntax-invalid"]
    );
    assert_eq!(codes("<k:Root xmlns:k='urn:n'/>"), ["xml-root-unexpected"]);
}

// Goal: an element repeats only where its schema says so; unknown ones are kept for the schema to
// tell. Method: a repeated single element and a repeated unknown one.
#[test]
fn elements_repeat_only_where_the_schema_says() {
    let text = "<k:Root xmlns:k='urn:k' xmlns:n='urn:n'>\n<n:Name>a</n:Name>\n \
        <n:Name>b</n:Name></k:Root>";
    let expected = (
        "element-repeated".to_owned(),
        "k:Root/n:Name".to_owned(),
        3,
        2,
    );
    assert_eq!(wrong(text), [expected]);
    let text = "<k:Root xmlns:k='urn:k'><k:U>1</k:U><k:U>2</k:U></k:Root>";
    assert_eq!(tree(text), r#"{"k:U":[{"$":"1"},{"$":"2"}]}"#);
}

// Goal: blanks mean something only in elements with text. Method: both kinds.
#[test]
fn blanks_between_elements_are_no_text() {
    let text = "<k:Root xmlns:k='urn:k' xmlns:n='urn:n'> <n:Name> </n:Name> <k:U> </k:U> </k:Root>";
    assert_eq!(tree(text), r#"{"n:Name":{"$":" "},"k:U":{}}"#);
}

// Goal: every node knows its bytes, after a byte order mark too. Method: slices of the document.
#[test]
fn spans_are_exact() {
    let text = "\u{FEFF}<k:Root xmlns:k='urn:k' id='v1'><k:Item>x&amp;y</k:Item></k:Root>";
    let root = parse(text.as_bytes(), &profile()).tree.expect("a tree");
    let cut = |node: &crate::format::Node| {
        text[node.span.start as usize..node.span.end as usize].to_owned()
    };
    assert_eq!(cut(root.get("@id").expect("id")), "v1");
    let item = root.pointer("/k:Item/0").expect("item");
    assert_eq!(cut(item), "<k:Item>x&amp;y</k:Item>");
    assert_eq!(cut(item.get("$").expect("text")), "x&amp;y");
}

// Goal: nothing is expanded, fetched or nested without bound. Method: the known attacks.
#[test]
fn attacks_are_refused() {
    let bomb = "<!DOCTYPE k:Root [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><k:Root>&b;</k:Root>";
    assert_eq!(codes(bomb), ["doctype-refused"]);
    let external = "<?xml version='1.0'?>\n<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x/>";
    assert_eq!(
        wrong(external),
        [("doctype-refused".to_owned(), String::new(), 2, 1)]
    );
    assert_eq!(
        codes("<k:Root xmlns:k='urn:k'>&b;</k:Root>"),
        ["syntax-invalid"]
    );
    assert_eq!(
        codes("<k:Root xmlns:k='urn:k' a='&b;'/>"),
        ["syntax-invalid"]
    );
    let deep = format!("<k:Root xmlns:k='urn:k'>{}", "<a>".repeat(1_000_000));
    assert_eq!(codes(&deep), ["depth-exceeded"]);
    let attributes: String = (0..65).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(
        codes(&format!("<k:Root xmlns:k='urn:k'{attributes}/>")),
        ["size-exceeded"]
    );
    let wide = format!(
        "<k:Root xmlns:k='urn:k'>{}</k:Root>",
        "<a/>".repeat(200_001)
    );
    assert_eq!(codes(&wide), ["size-exceeded"]);
}

// Goal: what is not well formed is refused with one finding. Method: a table.
#[test]
fn what_is_not_well_formed_is_refused() {
    for bad in [
        "",
        " ",
        "x",
        "<k:Root xmlns:k='urn:k'>",
        "<k:Root xmlns:k='urn:k'></k:Rot>",
        "<k:Root xmlns:k='urn:k'/><k:Root xmlns:k='urn:k'/>",
        "<k:Root xmlns:k='urn:k'/>x",
        "<k:Root xmlns:k='urn:k' a=1/>",
        "<k:Root xmlns:k='urn:k' a='1' a='2'/>",
        "<k:Root xmlns:k='urn:k' a='<'/>",
        "<k:Root xmlns:k='urn:k'>]]></k:Root>",
        "<k:Root xmlns:k='urn:k'><1/></k:Root>",
        "<k:Root xmlns:k='urn:k'>&</k:Root>",
        "<k:Root xmlns:k='urn:k'><!-- -- --></k:Root>",
        "<k:Root xmlns:k='urn:k'>&#0;</k:Root>",
        " <?xml version='1.0'?><k:Root xmlns:k='urn:k'/>",
        "<k:Root xmlns:k=''/>",
        "<?xml version='1.1'?><k:Root xmlns:k='urn:k'/>",
        "<k:Root xmlns:k='urn:k'><a></k:Root>",
    ] {
        let parsed = parse(bad.as_bytes(), &profile());
        assert!(parsed.tree.is_none(), "{bad}");
        assert_eq!(codes(bad), ["syntax-invalid"], "{bad}");
    }
    assert_eq!(
        codes("<k:Root xmlns:k='urn:k'>&#1;</k:Root>"),
        ["control-character"]
    );
    let latin = "<?xml version='1.0' encoding='ISO-8859-1'?><k:Root xmlns:k='urn:k'/>";
    assert_eq!(codes(latin), ["encoding-invalid"]);
    let doubled = "<k:Root xmlns:k='urn:k' xmlns:j='urn:k' k:a='1' j:a='2'/>";
    assert_eq!(codes(doubled), ["duplicate-key"]);
}

// Goal: written in schema order, declared once, escaped, and nothing that breaks the document.
// Method: a tree in the wrong order with awkward texts and names.
#[test]
fn writing_orders_declares_and_escapes() {
    let node = json::parse(
        br#"{"k:Item":[{"$":"a<&>\r"},{"@id":"\"\n"}],"n:Name":{"$":"x"},"bad name":{"$":"y"},
            "z:Q":{"$":"y"},"k:None":null,"k:Flag":{"$":true}}"#,
    );
    let mut out = Vec::new();
    write(&node.tree.expect("a tree"), &profile(), &mut out);
    assert_eq!(
        String::from_utf8_lossy(&out),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<k:Root xmlns:k=\"urn:k\" xmlns:n=\"urn:n\">\
         <n:Name>x</n:Name><k:Item>a&lt;&amp;&gt;&#13;</k:Item><k:Item id=\"&quot;&#10;\"/>\
         <k:Flag>true</k:Flag></k:Root>\n"
    );
    assert!(parse(&out, &profile()).findings.is_empty());
}

// Goal: another version's namespace is told where it stands, with the one that is read. Method: a
// child and a root that are called right, and a child that is called otherwise.
#[test]
fn what_only_its_namespace_makes_another_is_told_as_that() {
    let told = |text: &str| parse(text.as_bytes(), &profile()).findings;
    let child = "<k:Root xmlns:k='urn:k'><n:Name xmlns:n='urn:n:2'>x</n:Name>\
        <n:More xmlns:n='urn:n:2'/></k:Root>";
    let found = told(child);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].code, "xml-namespace-unexpected");
    assert!(found[0].fix.contains("`n:Name` in the namespace `urn:n`"));
    let bare = told("<k:Root xmlns:k='urn:k'><Item/><k:Item/></k:Root>");
    assert_eq!(bare.len(), 1, "{bare:?}");
    let root = told("<k:Root xmlns:k='urn:k:2'/>");
    assert_eq!(root[0].code, "xml-root-unexpected");
    assert!(root[0].message.contains("in a namespace"), "{root:?}");
    assert!(root[0].fix.contains("`k:Root` in the namespace `urn:k`"));
    let other = told("<k:Other xmlns:k='urn:k'/>");
    assert!(!other[0].message.contains("in a namespace"), "{other:?}");
    let texts = found
        .iter()
        .chain(&root)
        .map(|it| format!("{} {}", it.message, it.fix));
    assert!(texts.into_iter().all(|text| !text.contains(":2")));
}
