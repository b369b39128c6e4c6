//! Rules of the schema profile, one test each.

use super::*;
use crate::base::vocabulary::DataClass;
use std::collections::BTreeMap;
use std::sync::Arc;

fn compile(
    files: &[(&str, &str)],
) -> (
    BTreeMap<String, Arc<Shape>>,
    Vec<crate::base::defect::Defect>,
) {
    compile_all(
        &files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), *text))
            .collect(),
    )
}

fn codes(files: &[(&str, &str)]) -> Vec<&'static str> {
    compile(files)
        .1
        .into_iter()
        .map(|defect| defect.code)
        .collect()
}

// Goal: paths, references over files, inheritance of labels and order come out. Method: a record
// schema whose body refers to another file.
#[test]
fn a_record_schema_becomes_a_shape() {
    let record = r##"{"type":"object","additionalProperties":false,
      "required":["body"],"x-data-class":"referral","x-about":"subject",
      "properties":{
        "envelope":{"type":"object","additionalProperties":false,"properties":{}},
        "persons":{"type":"array","items":{"$ref":"person.schema.json"}},
        "body":{"type":"object","additionalProperties":false,"x-order":["note"],"properties":{
          "status_history":{"type":"array","minItems":1,"maxItems":9,"items":{"$ref":"#/$defs/s"}},
          "note":{"type":"string","x-data-class":["engagement_contact","mental_health"]}}}},
      "$defs":{"s":{"type":"object","additionalProperties":false,"required":["code"],
        "properties":{"code":{"type":"string","enum":["a","b"]},
          "n":{"type":"integer","minimum":0}}}}}"##;
    let person = r#"{"type":"object","additionalProperties":false,"x-about":"./key",
      "x-data-class":"demographics","properties":{"key":{"type":"string","maxLength":9}}}"#;
    let files = [
        ("canonical/referral.schema.json", record),
        ("canonical/person.schema.json", person),
    ];
    let (shapes, defects) = compile(&files);
    assert!(defects.is_empty(), "{defects:?}");
    let shape = &shapes["canonical/referral.schema.json"];
    let code = shape.at("body.status_history[].code").expect("the code");
    assert!(code.required && code.is_leaf());
    assert_eq!(code.classes, ClassSet::of(DataClass::Referral));
    assert_eq!(code.about, Some(About::Subject));
    let key = shape.at("persons[].key").expect("the key");
    assert_eq!(key.classes, ClassSet::of(DataClass::Demographics));
    assert_eq!(key.about, Some(About::Person("./key".into())));
    let note = shape.at("body.note").expect("the note");
    assert_eq!(note.classes.iter().count(), 2);
    assert!(shape.at("body.nothing").is_none() && shape.at("body[].note").is_none());
    let Kind::Object { order, closed, .. } = &shape.at("body").expect("body").kind else {
        panic!("an object");
    };
    assert!(*closed && order.as_deref() == Some(&["note".into()]));
    let mut leaves = Vec::new();
    shape.leaves(&mut |path, _| leaves.push(path.to_owned()));
    assert_eq!(
        leaves,
        [
            "persons[].key",
            "body.status_history[].code",
            "body.status_history[].n",
            "body.note"
        ]
    );
}

// Goal: what is outside the profile is told with its place. Method: one schema per defect.
#[test]
fn what_is_outside_the_profile_is_a_defect() {
    for (schema, code) in [
        (
            r#"{"type":"string","format":"email"}"#,
            "schema-format-unknown",
        ),
        (
            r#"{"type":"string","pattern":"(?=a)b"}"#,
            "schema-pattern-invalid",
        ),
        (
            r#"{"type":"object","patternProperties":{}}"#,
            "schema-keyword-unknown",
        ),
        (r#"{"type":["string","null"]}"#, "schema-type-invalid"),
        (r#"{"allOf":[]}"#, "schema-type-invalid"),
        (r#"{"type":"array"}"#, "schema-items-missing"),
        (
            r#"{"type":"integer","minimum":"1"}"#,
            "schema-value-invalid",
        ),
        (
            r#"{"type":"object","required":["a"],"properties":{}}"#,
            "schema-member-unknown",
        ),
        (r##"{"$ref":"#/$defs/a"}"##, "schema-ref-unresolved"),
        (
            r##"{"$ref":"../../../etc/x.json"}"##,
            "schema-ref-unresolved",
        ),
        (r##"{"$ref":"#"}"##, "schema-ref-cycle"),
        (
            r#"{"type":"string","x-data-class":"secret"}"#,
            "schema-class-unknown",
        ),
        (
            r#"{"type":"string","x-about":"mother"}"#,
            "schema-about-invalid",
        ),
        (
            r#"{"type":"string","x-about":"nobody","x-data-class":"demographics"}"#,
            "schema-label-contradicted",
        ),
        (
            r#"{"oneOf":[{"type":"object","properties":{}}]}"#,
            "schema-discriminator-missing",
        ),
        (
            "{\"type\":\"string\",\n\"type\":\"string\"}",
            "schema-syntax",
        ),
    ] {
        assert_eq!(
            codes(&[("formats/x/1.0/a.schema.json", schema)]),
            [code],
            "{schema}"
        );
    }
    let (_, defects) = compile(&[("a.json", "{\"type\":\"string\",\n \"format\": \"email\"}")]);
    assert_eq!((defects[0].line, defects[0].column), (2, 12));
    assert_eq!(defects[0].file, "schemas/a.json");
}

// Goal: canonical objects are closed and record leaves labelled. Method: one of each without.
#[test]
fn canonical_schemas_are_closed_and_labelled() {
    let open = r#"{"type":"object","properties":{}}"#;
    assert_eq!(codes(&[("canonical/a.json", open)]), ["schema-open"]);
    let bare = r#"{"type":"object","additionalProperties":false,"properties":{
      "envelope":{"type":"string","x-about":"subject"},
      "persons":{"type":"string","x-data-class":"demographics"},
      "body":{"type":"string","x-data-class":"referral","x-about":"case"}}}"#;
    assert_eq!(
        codes(&[("canonical/a.json", bare)]),
        ["schema-label-missing", "schema-label-missing"]
    );
    assert!(codes(&[("formats/a.json", open)]).is_empty());
}

// Goal: what is called as a place is has a class of addresses, or says that it locates nobody.
// Method: such members of a record, below one and by themselves, with and without.
#[test]
fn what_is_called_as_a_place_is_locates_somebody() {
    let with = |more: &str| {
        format!(
            r#"{{"type":"object","additionalProperties":false,"x-about":"subject",
            "x-data-class":"referral","properties":{{"envelope":{{"type":"string"}},
            "persons":{{"type":"string"}},"body":{{"type":"object",
            "additionalProperties":false,"properties":{{{more}}}}}}}}}"#
        )
    };
    for (more, told) in [
        (r#""visit_site":{"type":"string"}"#, true),
        (
            r#""shelter":{"type":"object","additionalProperties":false,"properties":{
                "name":{"type":"string"}}}"#,
            true,
        ),
        (
            r#""visit_site":{"type":"string","x-data-class":"contact_address"}"#,
            false,
        ),
        (
            r#""visit_site":{"type":"string","x-data-class":["referral","safe_at_home_address"]}"#,
            false,
        ),
        (r#""visit_site":{"type":"string","x-locates":false}"#, false),
        (
            r#""visitor":{"type":"string"},"county_fips":{"type":"string"}"#,
            false,
        ),
    ] {
        let found = codes(&[("canonical/a.json", &with(more))]);
        let expected: &[&str] = if told {
            &["schema-place-unlabelled"]
        } else {
            &[]
        };
        assert_eq!(found, expected, "{more}");
        assert!(codes(&[("formats/a.json", &with(more))]).is_empty());
    }
}

// Goal: variants are told apart by a constant, and paths reach into them. Method: two resources.
#[test]
fn variants_are_told_apart_by_a_constant() {
    let schema = r#"{"oneOf":[
      {"type":"object","required":["kind"],"properties":{"kind":{"type":"string","const":"A"},
        "x":{"type":"string"}}},
      {"type":"object","required":["kind"],"properties":{"kind":{"type":"string","const":"B"},
        "y":{"type":"boolean"}}}]}"#;
    let (shapes, defects) = compile(&[("a.json", schema)]);
    assert!(defects.is_empty(), "{defects:?}");
    assert_eq!(
        shapes["a.json"].at("y").map(|s| &s.kind),
        Some(&Kind::Boolean)
    );
    assert!(
        shapes["a.json"]
            .variant("B")
            .is_some_and(|b| b.at("x").is_none())
    );
}
