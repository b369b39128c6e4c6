//! The schema profile: JSON Schema 2020-12 reduced so that every path is known statically.
//!
//! A schema file becomes one [`Shape`]: references followed, data classes and the person a value
//! is about inherited downwards. What is outside the profile is a defect, never ignored: a keyword
//! nobody checks would be a promise nobody keeps.

mod compile;
mod keywords;

pub use compile::compile_all;

use crate::base::Text;
use crate::base::vocabulary::ClassSet;
use crate::format::xml::{Layout, Leaf, Lexical};

/// What may stand at one place of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Its form.
    pub kind: Kind,
    /// Whether the object it is a member of must have it.
    pub required: bool,
    /// Data classes of the value, its own or inherited; empty in wire schemas.
    pub classes: ClassSet,
    /// Whom the value is about, own or inherited; absent in wire schemas.
    pub about: Option<About>,
    /// Whether it is free text, which goes only where every label in the record may go.
    pub narrative: bool,
    /// Set when it is an identifier of a person that holds statewide: how it is compared.
    pub statewide: Option<Compared>,
}

/// How two values of one naming system are compared. Surrounding space never counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// As they are written.
    Exactly,
    /// Upper and lower case and inner spaces make no difference.
    AnyCase,
}

/// Whom a value is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// The record's focus person.
    Subject,
    /// The record's focus child or children.
    Case,
    /// The person whose key stands at this pointer; `./x` is the member `x` of the nearest object
    /// around the value whose schema has that member, anything else starts at the record.
    Person(Text),
    /// Nobody: it is a total, and of many. Only `aggregate_deidentified` is about nobody.
    Nobody,
}

/// The form of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Named members.
    Object {
        /// In the order of the schema file.
        members: Vec<(Text, Shape)>,
        /// Whether other members are an error (closed) or ignored with a warning (open).
        closed: bool,
        /// The order they are written in, where the syntax has one.
        order: Option<Vec<Text>>,
    },
    /// Items of one form.
    Array {
        /// The form of each.
        item: Box<Shape>,
        /// Fewest.
        min: usize,
        /// Most.
        max: Option<usize>,
    },
    /// Text.
    Text(TextRule),
    /// A number.
    Number {
        /// Least.
        min: Option<f64>,
        /// Most.
        max: Option<f64>,
    },
    /// A whole number.
    Integer {
        /// Least.
        min: Option<i64>,
        /// Most.
        max: Option<i64>,
    },
    /// A boolean.
    Boolean,
    /// One of several objects, told apart by a constant member.
    OneOf {
        /// The member.
        discriminator: Text,
        /// Its value and the object it means.
        variants: Vec<(Text, Shape)>,
    },
}

/// What a text must be.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TextRule {
    /// The only texts allowed; empty for any. A constant is a list of one.
    pub codes: Vec<Text>,
    /// A linear regular expression it must match.
    pub pattern: Option<Text>,
    /// A form with a meaning.
    pub format: Option<TextFormat>,
    /// Forms of XML Schema that are read as this one.
    pub lexical: Option<Lexical>,
    /// Fewest characters.
    pub min_chars: usize,
    /// Most characters.
    pub max_chars: Option<usize>,
}

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// The words of the keyword `format`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum TextFormat { $($(#[$doc])* $name,)* }

        impl TextFormat {
            /// All words.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// The format of that word.
            pub fn of(word: &str) -> Option<TextFormat> {
                match word { $($word => Some(TextFormat::$name),)* _ => None }
            }

            /// The word.
            pub const fn word(self) -> &'static str {
                match self { $(TextFormat::$name => $word,)* }
            }
        }
    };
}

formats! {
    /// `YYYY-MM-DD`.
    Date = "date";
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`: its length is its precision.
    PartialDate = "partial-date";
    /// RFC 3339 with an offset.
    DateTime = "date-time";
    /// A partial date or a date and time with an offset.
    PartialDateTime = "partial-date-time";
    /// A date and time without an offset.
    LocalDateTime = "local-date-time";
    /// A time of day.
    Time = "time";
    /// A decimal as text.
    Decimal = "decimal";
    /// A UUID.
    Uuid = "uuid";
    /// An absolute URI.
    Uri = "uri";
    /// A language tag (BCP 47).
    Language = "language";
}

impl Shape {
    /// The same with nothing required, but for what tells one of several objects apart: what a part
    /// of a valid value still is.
    #[must_use]
    pub fn as_excerpt(&self) -> Shape {
        let loose = |members: &[(Text, Shape)], kept: Option<&Text>| {
            let each = members.iter().map(|(name, shape)| {
                let required = kept == Some(name) && shape.required;
                let shape = Shape {
                    required,
                    ..shape.as_excerpt()
                };
                (name.clone(), shape)
            });
            each.collect::<Vec<_>>()
        };
        let kind = match &self.kind {
            Kind::Object {
                members,
                closed,
                order,
            } => Kind::Object {
                members: loose(members, None),
                closed: *closed,
                order: order.clone(),
            },
            Kind::Array { item, max, .. } => Kind::Array {
                item: Box::new(item.as_excerpt()),
                min: 0,
                max: *max,
            },
            Kind::OneOf {
                discriminator,
                variants,
            } => {
                let each = variants.iter().map(|(word, shape)| {
                    let mut one = shape.as_excerpt();
                    if let (Kind::Object { members, .. }, Kind::Object { members: whole, .. }) =
                        (&mut one.kind, &shape.kind)
                    {
                        *members = loose(whole, Some(discriminator));
                    }
                    (word.clone(), one)
                });
                Kind::OneOf {
                    discriminator: discriminator.clone(),
                    variants: each.collect(),
                }
            }
            other => other.clone(),
        };
        Shape {
            kind,
            required: false,
            ..self.clone()
        }
    }

    /// A shape without classes.
    pub fn of(kind: Kind) -> Shape {
        Shape {
            kind,
            required: false,
            classes: ClassSet::EMPTY,
            about: None,
            narrative: false,
            statewide: None,
        }
    }

    /// The shape at a path such as `body.status_history[].code`; empty is this shape. In a
    /// `OneOf` the first variant that has the path is meant.
    pub fn at(&self, path: &str) -> Option<&Shape> {
        if path.is_empty() {
            return Some(self);
        }
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let (name, items) = strip_items(first);
        self.member(name, &|shape| {
            let mut at = shape;
            for _ in 0..items {
                at = at.item()?;
            }
            at.at(rest)
        })
    }

    fn member<'a>(
        &'a self,
        name: &str,
        go_on: &dyn Fn(&'a Shape) -> Option<&'a Shape>,
    ) -> Option<&'a Shape> {
        match &self.kind {
            Kind::Object { members, .. } => members
                .iter()
                .find(|(known, _)| known == name)
                .and_then(|(_, shape)| go_on(shape)),
            Kind::OneOf { variants, .. } => variants
                .iter()
                .find_map(|(_, variant)| variant.member(name, go_on)),
            _ => None,
        }
    }

    /// The shape of the items of an array.
    pub fn item(&self) -> Option<&Shape> {
        match &self.kind {
            Kind::Array { item, .. } => Some(item),
            _ => None,
        }
    }

    /// The members of an object; empty for anything else.
    pub fn members(&self) -> &[(Text, Shape)] {
        match &self.kind {
            Kind::Object { members, .. } => members,
            _ => &[],
        }
    }

    /// The object a discriminator value means.
    pub fn variant(&self, value: &str) -> Option<&Shape> {
        match &self.kind {
            Kind::OneOf { variants, .. } => variants
                .iter()
                .find(|(known, _)| known == value)
                .map(|(_, shape)| shape),
            _ => None,
        }
    }

    /// What the XML syntax needs to know of this shape.
    pub fn layout(&self) -> Layout {
        self.laid_out(false)
    }

    /// The same where every object has an order: without `x-order` that of its properties.
    pub fn ordered_layout(&self) -> Layout {
        self.laid_out(true)
    }

    fn laid_out(&self, ordered: bool) -> Layout {
        let mut layout = Layout::default();
        match &self.kind {
            Kind::Array { item, .. } => {
                layout = item.laid_out(ordered);
                layout.array = true;
            }
            Kind::Object { members, order, .. } => {
                let listed = members.iter().map(|(name, _)| name.clone());
                layout.order = match order {
                    Some(order) => order.clone(),
                    None if ordered => listed.collect(),
                    None => Vec::new(),
                };
                let text = members.iter().find(|(name, _)| name == "$");
                layout.text = text.is_some();
                layout.lexical = text.and_then(|(_, text)| text.lexical());
                let children = members
                    .iter()
                    .filter(|(name, _)| !name.starts_with(['@', '$']));
                layout.children = children
                    .map(|(name, shape)| (name.clone(), shape.laid_out(ordered)))
                    .collect();
            }
            Kind::OneOf { variants, .. } => {
                for (_, variant) in variants {
                    layout.children.extend(variant.laid_out(ordered).children);
                }
            }
            Kind::Text(_) => layout.leaf = Some(Leaf::Text),
            Kind::Number { .. } | Kind::Integer { .. } => layout.leaf = Some(Leaf::Number),
            Kind::Boolean => layout.leaf = Some(Leaf::Boolean),
        }
        layout.required = self.required;
        layout
    }

    /// How XML may write the text otherwise: as its schema says, and blanks around what is one of a
    /// list or has a form are no part of it.
    fn lexical(&self) -> Option<Lexical> {
        let Kind::Text(rule) = &self.kind else {
            return None;
        };
        let formed = rule.format.is_some() || !rule.codes.is_empty();
        rule.lexical.or(formed.then_some(Lexical::Collapsed))
    }

    /// Whether it is neither object nor array.
    pub fn is_leaf(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Object { .. } | Kind::Array { .. } | Kind::OneOf { .. }
        )
    }

    /// Visits the name of every member there is.
    pub fn names<'a>(&'a self, visit: &mut dyn FnMut(&'a Text)) {
        match &self.kind {
            Kind::Object { members, .. } => {
                for (name, shape) in members {
                    visit(name);
                    shape.names(visit);
                }
            }
            Kind::Array { item, .. } => item.names(visit),
            Kind::OneOf {
                discriminator,
                variants,
            } => {
                visit(discriminator);
                for (_, variant) in variants {
                    variant.names(visit);
                }
            }
            _ => {}
        }
    }

    /// Visits every leaf with its path, in the notation of [`Shape::at`].
    pub fn leaves<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a Shape)) {
        self.walk(&mut String::new(), visit);
    }

    fn walk<'a>(&'a self, path: &mut String, visit: &mut dyn FnMut(&str, &'a Shape)) {
        let length = path.len();
        match &self.kind {
            Kind::Object { members, .. } => {
                for (name, shape) in members {
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(name);
                    shape.walk(path, visit);
                    path.truncate(length);
                }
            }
            Kind::Array { item, .. } => {
                path.push_str("[]");
                item.walk(path, visit);
                path.truncate(length);
            }
            Kind::OneOf { variants, .. } => {
                for (_, variant) in variants {
                    variant.walk(path, visit);
                }
            }
            _ => visit(path, self),
        }
    }
}

/// A segment without its `[]`s, and how many it had.
fn strip_items(segment: &str) -> (&str, usize) {
    let mut name = segment;
    let mut items = 0;
    while let Some(shorter) = name.strip_suffix("[]") {
        name = shorter;
        items += 1;
    }
    (name, items)
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
