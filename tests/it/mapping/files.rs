//! Goal: the schemas of our own files say what the reader takes. Method: every shipped mapping and
//! format file is held against them, and a key that the reader refuses is refused there too.

use kinbridge::catalog;

fn schema(name: &str) -> jsonschema::Validator {
    let (sources, _) = catalog::load(&[]);
    let path = format!("kinbridge/{name}.schema.json");
    jsonschema::validator_for(&sources.schema_json[&path]).expect("a schema")
}

#[test]
fn shipped_files_are_as_their_schemas_say() {
    let (sources, _) = catalog::load(&[]);
    let (mapping, format) = (schema("mapping"), schema("format"));
    let mut count = 0;
    for (path, file) in &sources.files {
        let kind = match path.split('/').collect::<Vec<_>>().as_slice() {
            ["schemas", "formats", _, _, "format.toml"] => &format,
            ["mappings", "partners", ..] => continue,
            ["mappings", _, _, name] if name.ends_with(".toml") => &mapping,
            _ => continue,
        };
        let value: serde_json::Value = toml::from_str(&file.text).expect("TOML");
        let wrong: Vec<String> = kind.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{path}: {wrong:?}");
        count += 1;
    }
    assert!(count > 15, "{count} files");
}

#[test]
fn unknown_keys_are_refused_by_schema_and_reader_alike() {
    let text = "[[rule]]\nrecord = \"body.x\"\nwire = \"y\"\nscript = \"z\"\n";
    let value: serde_json::Value = toml::from_str(text).expect("TOML");
    assert!(!schema("mapping").is_valid(&value));
    assert!(toml::from_str::<catalog::mapping::MappingFile>(text).is_err());
}
