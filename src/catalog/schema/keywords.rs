//! Which keywords the profile has, and how one keyword is read.
//!
//! Reading a keyword gives its value or a defect at the keyword's own place, never a default in
//! silence.

use super::compile::Compiler;
use super::{About, Compared, TextFormat, TextRule};
use crate::base::Text;
use crate::base::vocabulary::{ClassSet, DataClass};
use crate::format::tree::{Node, Value};
use crate::format::xml::Lexical;

/// Keywords that say nothing about a value.
const SILENT: &[&str] = &[
    "$schema",
    "$defs",
    "$comment",
    "title",
    "description",
    "examples",
    "deprecated",
    "x-es",
];
/// Keywords of ours, allowed everywhere.
const LABELS: &[&str] = &["x-data-class", "x-about", "x-narrative", "x-locates"];

/// The keywords allowed beside a `type` (or beside `$ref` and `oneOf`, under those names).
fn allowed(form: &str) -> &'static [&'static str] {
    match form {
        "object" => &[
            "type",
            "properties",
            "required",
            "additionalProperties",
            "x-order",
        ],
        "array" => &["type", "items", "minItems", "maxItems"],
        "string" => &[
            "type",
            "enum",
            "const",
            "pattern",
            "minLength",
            "maxLength",
            "format",
            "x-identifier",
            "x-lexical",
        ],
        "number" | "integer" => &["type", "minimum", "maximum"],
        "boolean" => &["type"],
        "$ref" => &["$ref", "required"],
        "oneOf" => &["oneOf"],
        _ => &[],
    }
}

impl Compiler<'_> {
    /// Tells every keyword that the form does not have.
    pub(super) fn check_keywords(&mut self, file: &str, schema: &Node, form: &str) {
        let own = allowed(form);
        for (name, node) in schema.members() {
            let known = |list: &[&str]| list.contains(&name.as_str());
            if !known(own) && !known(SILENT) && !known(LABELS) {
                self.defect(
                    file,
                    node,
                    "schema-keyword-unknown",
                    format!("`{name}` is not in the schema profile beside `{form}`"),
                    format!("the profile has: {}", own.join(", ")),
                );
            }
        }
    }

    /// A whole number that is not negative.
    pub(super) fn count(&mut self, file: &str, schema: &Node, name: &str) -> Option<usize> {
        let node = schema.get(name)?;
        let value = node.lexeme().and_then(|text| text.parse().ok());
        self.want(file, node, value, name, "a whole number from 0")
    }

    /// A number of any kind.
    pub(super) fn number<T: std::str::FromStr>(
        &mut self,
        file: &str,
        schema: &Node,
        name: &str,
    ) -> Option<T> {
        let node = schema.get(name)?;
        let value = match &node.value {
            Value::Number(lexeme) => lexeme.parse().ok(),
            _ => None,
        };
        self.want(file, node, value, name, "a number of this type")
    }

    /// Whether the value is free text.
    pub(super) fn narrative(&mut self, file: &str, schema: &Node) -> bool {
        let Some(node) = schema.get("x-narrative") else {
            return false;
        };
        self.want(file, node, node.as_bool(), "x-narrative", "true or false")
            .unwrap_or(false)
    }

    /// Whether the value tells where somebody is, where that is said.
    pub(super) fn locates(&mut self, file: &str, schema: &Node) -> Option<bool> {
        let node = schema.get("x-locates")?;
        self.want(file, node, node.as_bool(), "x-locates", "true or false")
    }

    /// Set when the value is an identifier that holds statewide: how it is compared.
    pub(super) fn statewide(&mut self, file: &str, schema: &Node) -> Option<Compared> {
        let node = schema.get("x-identifier")?;
        let value = match node.as_str() {
            Some("statewide") => Some(Compared::Exactly),
            Some("statewide-any-case") => Some(Compared::AnyCase),
            _ => None,
        };
        let wanted = "\"statewide\" or \"statewide-any-case\"";
        self.want(file, node, value, "x-identifier", wanted)
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, file: &str, schema: &Node, name: &str) -> Option<Vec<Text>> {
        let node = schema.get(name)?;
        let value = match &node.value {
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(Text::from))
                .collect::<Option<Vec<Text>>>(),
            _ => None,
        };
        self.want(file, node, value, name, "a list of texts")
    }

    fn want<T>(
        &mut self,
        file: &str,
        node: &Node,
        value: Option<T>,
        name: &str,
        wanted: &str,
    ) -> Option<T> {
        if value.is_none() {
            self.defect(
                file,
                node,
                "schema-value-invalid",
                format!("`{name}` is not {wanted}"),
                String::new(),
            );
        }
        value
    }

    /// What a string must be.
    pub(super) fn text_rule(&mut self, file: &str, schema: &Node) -> TextRule {
        let constant = schema.get("const").and_then(|node| {
            let value = node.as_str().map(|text| vec![Text::from(text)]);
            self.want(file, node, value, "const", "a text")
        });
        let codes = constant.or_else(|| self.texts(file, schema, "enum"));
        TextRule {
            codes: codes.unwrap_or_default(),
            pattern: self.pattern(file, schema),
            format: self.format(file, schema),
            lexical: self.lexical(file, schema),
            min_chars: self.count(file, schema, "minLength").unwrap_or(0),
            max_chars: self.count(file, schema, "maxLength"),
        }
    }

    fn pattern(&mut self, file: &str, schema: &Node) -> Option<Text> {
        let node = schema.get("pattern")?;
        let pattern = node.as_str().unwrap_or_default();
        // The same engine that runs it: linear, so look-around and back-references do not compile.
        match regex::Regex::new(pattern) {
            Ok(_) => Some(pattern.into()),
            Err(_) => {
                self.defect(
                    file,
                    node,
                    "schema-pattern-invalid",
                    "the pattern does not compile on the linear engine".to_owned(),
                    "no look-around and no back-references".to_owned(),
                );
                None
            }
        }
    }

    fn lexical(&mut self, file: &str, schema: &Node) -> Option<Lexical> {
        let node = schema.get("x-lexical")?;
        let value = match node.as_str() {
            Some("collapsed") => Some(Lexical::Collapsed),
            Some("boolean") => Some(Lexical::Boolean),
            Some("date") => Some(Lexical::Date),
            _ => None,
        };
        let wanted = "\"collapsed\", \"boolean\" or \"date\"";
        self.want(file, node, value, "x-lexical", wanted)
    }

    fn format(&mut self, file: &str, schema: &Node) -> Option<TextFormat> {
        let node = schema.get("format")?;
        let format = node.as_str().and_then(TextFormat::of);
        if format.is_none() {
            self.defect(
                file,
                node,
                "schema-format-unknown",
                "the format is not in the schema profile".to_owned(),
                format!("one of: {}", TextFormat::WORDS.join(", ")),
            );
        }
        format
    }

    /// The data classes a schema names itself.
    pub(super) fn classes(&mut self, file: &str, schema: &Node) -> Option<ClassSet> {
        let node = schema.get("x-data-class")?;
        let one = std::slice::from_ref(node);
        let words = if node.items().is_empty() {
            one
        } else {
            node.items()
        };
        let mut set = ClassSet::EMPTY;
        for word in words {
            match word
                .as_str()
                .and_then(|text| text.parse::<DataClass>().ok())
            {
                Some(class) => set.insert(class),
                None => self.defect(
                    file,
                    word,
                    "schema-class-unknown",
                    "this is not a data class".to_owned(),
                    "use the words of the data class vocabulary".to_owned(),
                ),
            }
        }
        Some(set)
    }

    /// Whom a schema says its value is about.
    pub(super) fn about(&mut self, file: &str, schema: &Node) -> Option<About> {
        let node = schema.get("x-about")?;
        match node.as_str() {
            Some("subject") => Some(About::Subject),
            Some("case") => Some(About::Case),
            Some("nobody") => Some(About::Nobody),
            Some(pointer) if pointer.starts_with("./") || pointer.starts_with('/') => {
                Some(About::Person(pointer.into()))
            }
            _ => {
                self.defect(
                    file,
                    node,
                    "schema-about-invalid",
                    "`x-about` is neither subject, case, nobody nor a pointer".to_owned(),
                    "write \"subject\", \"case\", \"nobody\", \"./member\" or \"/from/the/record\""
                        .to_owned(),
                );
                None
            }
        }
    }
}
