//! Schema files to shapes: references followed, labels inherited, all defects told.
//!
//! A file with a defect still gives a shape where one can be read, so that one run tells
//! everything; a catalog with any defect is not served.

use super::{About, Kind, Shape};
use crate::base::Text;
use crate::base::defect::Defect;
use crate::base::finding::LineIndex;
use crate::base::vocabulary::{ClassSet, DataClass};
use crate::format::json;
use crate::format::tree::{Node, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Shapes of one file after references are followed; more means references multiply.
const SHAPES_MAX: usize = 50_000;
/// The folder whose schemas are closed and labelled.
const CANONICAL: &str = "canonical/";
/// What a value that locates somebody is of: where an address program protects them, such values
/// are kept. The other two go to nobody, or to those alone who may know who reported.
const LOCATING: [DataClass; 4] = [
    DataClass::ContactAddress,
    DataClass::SafeAtHomeAddress,
    DataClass::ImmigrationStatus,
    DataClass::ReporterIdentity,
];
/// Words in the names of members that tell where somebody is or can be reached. Counties are none:
/// the one of a record is that of its jurisdiction.
const PLACES: [&str; 39] = [
    "address",
    "addresses",
    "apartment",
    "building",
    "city",
    "coordinates",
    "directions",
    "email",
    "facility",
    "fax",
    "geo",
    "geocode",
    "geohash",
    "home",
    "household",
    "landline",
    "landmark",
    "latitude",
    "location",
    "longitude",
    "mobile",
    "neighborhood",
    "phone",
    "place",
    "placement",
    "postal",
    "postcode",
    "residence",
    "room",
    "school",
    "shelter",
    "site",
    "street",
    "telecom",
    "telephone",
    "town",
    "whereabouts",
    "zip",
    "zipcode",
];

/// Compiles every schema file given, by path below `schemas/`. A file that only has `$defs` is
/// there for references and gives no shape.
pub fn compile_all(files: &BTreeMap<String, &str>) -> (BTreeMap<String, Arc<Shape>>, Vec<Defect>) {
    let mut compiler = Compiler::new(files);
    let paths: Vec<String> = compiler.files.keys().cloned().collect();
    let mut shapes = BTreeMap::new();
    for path in paths {
        if let Some(shape) = compiler.root(&path) {
            shapes.insert(path, Arc::new(shape));
        }
    }
    (shapes, compiler.defects)
}

struct File<'a> {
    node: Arc<Node>,
    lines: LineIndex<'a>,
}

/// What a schema takes over from where it stands.
#[derive(Clone, Default)]
struct Inherited {
    classes: ClassSet,
    about: Option<About>,
    /// Whether it stands in a record, where every leaf must be labelled.
    labelled: bool,
    /// Whether a member around it is called as a place is.
    place: bool,
}

pub(super) struct Compiler<'a> {
    files: BTreeMap<String, File<'a>>,
    defects: Vec<Defect>,
    told: BTreeSet<(String, u32, u32, &'static str)>,
    /// References being followed, to meet cycles.
    trail: Vec<(String, String)>,
    shapes: usize,
}

impl<'a> Compiler<'a> {
    fn new(files: &BTreeMap<String, &'a str>) -> Compiler<'a> {
        let mut compiler = Compiler {
            files: BTreeMap::new(),
            defects: Vec::new(),
            told: BTreeSet::new(),
            trail: Vec::new(),
            shapes: 0,
        };
        for (path, text) in files {
            compiler.read(path, text);
        }
        compiler
    }

    fn read(&mut self, path: &str, text: &'a str) {
        let lines = LineIndex::new(text.as_bytes(), 1);
        let mut parsed = json::parse(text.as_bytes());
        lines.fill(&mut parsed.findings);
        for finding in parsed.findings {
            self.defects.push(Defect {
                file: format!("schemas/{path}"),
                line: finding.line.unwrap_or(0),
                column: finding.column.unwrap_or(0),
                code: "schema-syntax",
                message: finding.message,
                help: finding.fix,
            });
        }
        if let Some(node) = parsed.tree {
            let node = Arc::new(node);
            self.files.insert(path.to_owned(), File { node, lines });
        }
    }

    /// Tells one defect once, however often its schema is referred to.
    pub(super) fn defect(
        &mut self,
        file: &str,
        node: &Node,
        code: &'static str,
        message: String,
        help: String,
    ) {
        let (line, column) = self
            .files
            .get(file)
            .map_or((0, 0), |f| f.lines.locate(node.span.start));
        if self.told.insert((file.to_owned(), line, column, code)) {
            self.defects.push(Defect {
                file: format!("schemas/{file}"),
                line,
                column,
                code,
                message,
                help,
            });
        }
    }

    fn root(&mut self, path: &str) -> Option<Shape> {
        let node = Arc::clone(&self.files.get(path)?.node);
        let forms = ["type", "$ref", "oneOf"];
        if node.get("$defs").is_some() && !forms.iter().any(|form| node.get(form).is_some()) {
            return None;
        }
        let properties = node.get("properties");
        let record = ["envelope", "persons", "body"]
            .iter()
            .all(|name| properties.is_some_and(|p| p.get(name).is_some()));
        self.shapes = 0;
        let inherited = Inherited {
            labelled: record && path.starts_with(CANONICAL),
            ..Inherited::default()
        };
        self.shape(path, &node, &inherited)
    }

    fn shape(&mut self, file: &str, schema: &Node, from: &Inherited) -> Option<Shape> {
        self.shapes += 1;
        if self.shapes > SHAPES_MAX {
            self.invalid(
                file,
                schema,
                "schema-too-large",
                "its references multiply without end",
            );
            return None;
        }
        let mut own = from.clone();
        if let Some(classes) = self.classes(file, schema) {
            own.classes = classes;
        }
        if let Some(about) = self.about(file, schema) {
            own.about = Some(about);
        }
        if self.locates(file, schema) == Some(false) {
            own.place = false;
        }
        let kind = if let Some(reference) = schema.get("$ref") {
            self.check_keywords(file, schema, "$ref");
            let mut shape = self.follow(file, reference, &own)?;
            self.require(file, schema, &mut shape);
            return Some(shape);
        } else if let Some(variants) = schema.get("oneOf") {
            self.check_keywords(file, schema, "oneOf");
            self.one_of(file, variants, &own)?
        } else {
            self.typed(file, schema, &own)?
        };
        let shape = Shape {
            kind,
            required: false,
            classes: own.classes,
            about: own.about.clone(),
            narrative: self.narrative(file, schema),
            statewide: self.statewide(file, schema),
        };
        if shape.is_leaf() {
            self.look_at_label(file, schema, &own, &shape);
        }
        Some(shape)
    }

    /// What is wrong with the label of a value.
    fn look_at_label(&mut self, file: &str, schema: &Node, own: &Inherited, shape: &Shape) {
        if own.labelled && (shape.classes.is_empty() || shape.about.is_none()) {
            self.invalid(
                file,
                schema,
                "schema-label-missing",
                "the value has no `x-data-class` or no `x-about`, own or inherited",
            );
        }
        let totals = ClassSet::of(DataClass::AggregateDeidentified);
        if shape.about == Some(About::Nobody) && shape.classes != totals {
            self.invalid(
                file,
                schema,
                "schema-label-contradicted",
                "only what is `aggregate_deidentified` and nothing else is about nobody",
            );
        }
        let locating = shape.classes.iter().any(|class| LOCATING.contains(&class));
        if own.labelled && own.place && !locating {
            self.defect(
                file,
                schema,
                "schema-place-unlabelled",
                "the value is called as a place is, and no class of addresses covers it".to_owned(),
                "give it `contact_address`; or \"x-locates\": false, if it tells of nobody's \
                 whereabouts"
                    .to_owned(),
            );
        }
    }

    /// What a place asks of a part beyond the part's own `required`.
    fn require(&mut self, file: &str, schema: &Node, shape: &mut Shape) {
        for name in self.texts(file, schema, "required").unwrap_or_default() {
            let member = match &mut shape.kind {
                Kind::Object { members, .. } => members.iter_mut().find(|(n, _)| *n == name),
                _ => None,
            };
            if let Some((_, member)) = member {
                member.required = true;
                continue;
            }
            self.defect(
                file,
                schema.get("required").unwrap_or(schema),
                "schema-member-unknown",
                format!("`required` names `{name}`, which the part does not have"),
                "correct the name".to_owned(),
            );
        }
    }

    fn invalid(&mut self, file: &str, node: &Node, code: &'static str, message: &str) {
        self.defect(file, node, code, message.to_owned(), String::new());
    }

    fn typed(&mut self, file: &str, schema: &Node, own: &Inherited) -> Option<Kind> {
        let form = schema.text("type").unwrap_or_default();
        let kind = match form {
            "object" => self.object(file, schema, own),
            "array" => self.array(file, schema, own)?,
            "string" => Kind::Text(self.text_rule(file, schema)),
            "number" => Kind::Number {
                min: self.number(file, schema, "minimum"),
                max: self.number(file, schema, "maximum"),
            },
            "integer" => Kind::Integer {
                min: self.number(file, schema, "minimum"),
                max: self.number(file, schema, "maximum"),
            },
            "boolean" => Kind::Boolean,
            _ => {
                self.defect(
                    file,
                    schema.get("type").unwrap_or(schema),
                    "schema-type-invalid",
                    "there is no `type` of the schema profile here".to_owned(),
                    "one of object, array, string, number, integer, boolean; or $ref; or oneOf"
                        .to_owned(),
                );
                return None;
            }
        };
        self.check_keywords(file, schema, form);
        Some(kind)
    }

    fn object(&mut self, file: &str, schema: &Node, own: &Inherited) -> Kind {
        let required = self.texts(file, schema, "required").unwrap_or_default();
        let mut members = Vec::new();
        let properties = schema.get("properties").map(Node::members);
        for (name, node) in properties.unwrap_or_default() {
            let mut here = own.clone();
            here.place |= names_place(name);
            if let Some(mut shape) = self.shape(file, node, &here) {
                shape.required = required.contains(name);
                members.push((name.clone(), shape));
            }
        }
        let known = |name: &Text| {
            properties
                .unwrap_or_default()
                .iter()
                .any(|(n, _)| n == name)
        };
        let order = self.texts(file, schema, "x-order");
        for (list, word) in [(Some(&required), "required"), (order.as_ref(), "x-order")] {
            for name in list.into_iter().flatten().filter(|name| !known(name)) {
                self.defect(
                    file,
                    schema.get(word).unwrap_or(schema),
                    "schema-member-unknown",
                    format!("`{word}` names `{name}`, which is not in `properties`"),
                    "correct the name or add the property".to_owned(),
                );
            }
        }
        let closed = matches!(
            schema.get("additionalProperties").map(|node| &node.value),
            Some(Value::Bool(false))
        );
        if !closed && file.starts_with(CANONICAL) {
            self.defect(
                file,
                schema,
                "schema-open",
                "a canonical object is open".to_owned(),
                "add \"additionalProperties\": false".to_owned(),
            );
        }
        Kind::Object {
            members,
            closed,
            order,
        }
    }

    fn array(&mut self, file: &str, schema: &Node, own: &Inherited) -> Option<Kind> {
        let Some(items) = schema.get("items") else {
            self.invalid(
                file,
                schema,
                "schema-items-missing",
                "the array has no `items`",
            );
            return None;
        };
        Some(Kind::Array {
            item: Box::new(self.shape(file, items, own)?),
            min: self.count(file, schema, "minItems").unwrap_or(0),
            max: self.count(file, schema, "maxItems"),
        })
    }

    fn follow(&mut self, file: &str, reference: &Node, own: &Inherited) -> Option<Shape> {
        let text = reference.as_str().unwrap_or_default();
        let (path, pointer) = text.split_once('#').unwrap_or((text, ""));
        let target = if path.is_empty() {
            Some(file.to_owned())
        } else {
            beside(file, path)
        };
        let found = target.and_then(|target| {
            let root = Arc::clone(&self.files.get(&target)?.node);
            root.pointer(pointer)?;
            Some((target, root))
        });
        let Some((target, root)) = found else {
            self.defect(
                file,
                reference,
                "schema-ref-unresolved",
                "the reference leads nowhere in the catalog".to_owned(),
                "refer to \"#/$defs/name\" or to a file relative to this one".to_owned(),
            );
            return None;
        };
        let step = (target, pointer.to_owned());
        if self.trail.contains(&step) {
            self.invalid(
                file,
                reference,
                "schema-ref-cycle",
                "the reference leads to itself",
            );
            return None;
        }
        let node = root.pointer(pointer)?;
        self.trail.push(step.clone());
        let shape = self.shape(&step.0, node, own);
        self.trail.pop();
        shape
    }

    fn one_of(&mut self, file: &str, variants: &Node, own: &Inherited) -> Option<Kind> {
        let mut shapes = Vec::new();
        for node in variants.items() {
            shapes.push(self.shape(file, node, own)?);
        }
        let first = shapes.first().map(Shape::members).unwrap_or_default();
        let discriminator = first
            .iter()
            .map(|(name, _)| name.clone())
            .find(|name| shapes.iter().all(|shape| constant(shape, name).is_some()));
        let named: Vec<(Text, Shape)> = shapes
            .into_iter()
            .filter_map(|shape| Some((constant(&shape, discriminator.as_ref()?)?, shape)))
            .collect();
        let distinct: BTreeSet<&Text> = named.iter().map(|(value, _)| value).collect();
        match discriminator {
            Some(discriminator) if distinct.len() == named.len() => Some(Kind::OneOf {
                discriminator,
                variants: named,
            }),
            _ => {
                self.defect(
                    file,
                    variants,
                    "schema-discriminator-missing",
                    "the variants of `oneOf` are not told apart by one constant".to_owned(),
                    "give each a required property with its own `const` text".to_owned(),
                );
                None
            }
        }
    }
}

/// Whether a member is called as a place is.
fn names_place(name: &str) -> bool {
    name.split('_').any(|word| PLACES.contains(&word))
}

/// The constant a required member of an object must have.
fn constant(shape: &Shape, name: &str) -> Option<Text> {
    let (_, member) = shape.members().iter().find(|(known, _)| known == name)?;
    match &member.kind {
        Kind::Text(rule) if member.required => match rule.codes.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// A path relative to the folder of a file; `None` when it leaves the catalog.
fn beside(file: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
