//! The closed table of transforms: name, domain, range, inverse or none.
//!
//! Read wire to record; going out the chain runs backwards through the inverses. There is no way
//! to add one from a catalog, and none looks at anything but its value.

mod calendar;
mod textual;

use crate::base::Text;
use crate::catalog::schema::{Kind, Shape, TextFormat};
use crate::format::tree::{Node, Value};
pub use calendar::DateForm;

/// One transform with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    /// `date FORMAT`
    Date(DateForm),
    /// `instant`
    Instant,
    /// `local-instant ZONE [FORMAT]`
    LocalInstant(jiff::tz::TimeZone, Option<DateForm>),
    /// `compact-instant ZONE`
    CompactInstant(jiff::tz::TimeZone),
    /// `date-of`
    DateOf,
    /// `upper`
    Upper,
    /// `lower`
    Lower,
    /// `strip-prefix P`
    StripPrefix(Text),
    /// `strip-suffix S`
    StripSuffix(Text),
    /// `add-prefix P`
    AddPrefix(Text),
    /// `add-suffix S`
    AddSuffix(Text),
    /// `split SEP`
    Split(Text),
    /// `concat SEP`
    Concat(Text),
    /// `integer`
    Integer,
    /// `decimal`
    Decimal,
    /// `text`
    AsText,
    /// `bool T F`
    Bool(Text, Text),
    /// `pair A B [DISPLAY]`
    Pair(Text, Text, Option<Text>),
    /// `minutes`
    Minutes,
    /// `pad N C`
    Pad(usize, char),
    /// `mark-after N C`
    MarkAfter(usize, char),
    /// `plain-letters`
    PlainLetters,
    /// `phone`
    Phone,
    /// `trim`
    Trim,
    /// `truncate N`
    Truncate(usize),
}

/// What a value is, as far as transforms care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Text,
    /// A number or integer.
    Number,
    /// A boolean.
    Bool,
    /// A list of texts.
    Texts,
    /// An object.
    Object,
}

impl Form {
    /// The form of a shape; `None` for lists of anything but text.
    pub fn of(shape: &Shape) -> Option<Form> {
        match &shape.kind {
            Kind::Text(_) => Some(Form::Text),
            Kind::Number { .. } | Kind::Integer { .. } => Some(Form::Number),
            Kind::Boolean => Some(Form::Bool),
            Kind::Array { item, .. } => matches!(item.kind, Kind::Text(_)).then_some(Form::Texts),
            Kind::Object { .. } | Kind::OneOf { .. } => Some(Form::Object),
        }
    }

    /// For a defect.
    pub fn word(self) -> &'static str {
        match self {
            Form::Text => "text",
            Form::Number => "a number",
            Form::Bool => "a boolean",
            Form::Texts => "a list of texts",
            Form::Object => "an object",
        }
    }
}

/// Why a value could not be transformed; never says which value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not of the form the transform reads.
    Form,
    /// It is a date or time that does not exist, or not in this notation.
    Date,
    /// The clocks of its zone change then: it is there twice, or never.
    Clock,
}

impl Transform {
    /// Reads one transform as written; the error is a sentence for a defect.
    pub fn parse(text: &str) -> Result<Transform, String> {
        let (name, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let words: Vec<&str> = rest.split_whitespace().collect();
        let argument = || -> Result<Text, String> {
            match rest {
                "" => Err(format!("`{name}` needs an argument")),
                some => Ok(some.into()),
            }
        };
        Ok(match (name, words.as_slice()) {
            ("date", _) => Transform::Date(DateForm::parse(rest)?),
            ("instant", []) => Transform::Instant,
            ("compact-instant", [zone]) => Transform::CompactInstant(zone_of(zone)?),
            ("local-instant", [zone, form @ ..]) => {
                let zone = zone_of(zone)?;
                let form = form.join(" ");
                let form = (!form.is_empty())
                    .then(|| DateForm::parse(&form))
                    .transpose()?;
                Transform::LocalInstant(zone, form)
            }
            ("date-of", []) => Transform::DateOf,
            ("upper", []) => Transform::Upper,
            ("lower", []) => Transform::Lower,
            ("strip-prefix", _) => Transform::StripPrefix(argument()?),
            ("strip-suffix", _) => Transform::StripSuffix(argument()?),
            ("add-prefix", _) => Transform::AddPrefix(argument()?),
            ("add-suffix", _) => Transform::AddSuffix(argument()?),
            ("split", _) => Transform::Split(argument()?),
            ("concat", _) => Transform::Concat(if rest.is_empty() {
                " ".into()
            } else {
                rest.into()
            }),
            ("integer", []) => Transform::Integer,
            ("decimal", []) => Transform::Decimal,
            ("text", []) => Transform::AsText,
            ("bool", [yes, no]) if yes != no => Transform::Bool((*yes).into(), (*no).into()),
            ("pair", [a, b]) => Transform::Pair((*a).into(), (*b).into(), None),
            ("pair", [a, b, c]) => Transform::Pair((*a).into(), (*b).into(), Some((*c).into())),
            ("minutes", []) => Transform::Minutes,
            ("pad", [width, with]) => textual::parse_pad(width, with)?,
            ("mark-after", [count, sign]) => textual::parse_mark(count, sign)?,
            ("plain-letters", []) => Transform::PlainLetters,
            ("phone", []) => Transform::Phone,
            ("trim", []) => Transform::Trim,
            ("truncate", [count]) => Transform::Truncate(
                count
                    .parse()
                    .map_err(|_| "`truncate` needs a number".to_owned())?,
            ),
            _ => {
                return Err(format!(
                    "there is no transform `{name}` with these arguments"
                ));
            }
        })
    }

    /// What it reads from the wire and what it makes of it.
    pub fn forms(&self) -> (Form, Form) {
        match self {
            Transform::Split(_) | Transform::Concat(_) => (Form::Text, Form::Texts),
            Transform::Integer => (Form::Text, Form::Number),
            Transform::Decimal => (Form::Number, Form::Text),
            Transform::Bool(..) => (Form::Text, Form::Bool),
            Transform::Pair(..) => (Form::Object, Form::Text),
            Transform::Minutes => (Form::Text, Form::Number),
            _ => (Form::Text, Form::Text),
        }
    }

    /// Whether a value of that record shape comes back the same after out and in.
    pub fn inverts(&self, record: &[&Shape]) -> bool {
        let all_codes = |case: fn(&str) -> bool| {
            !record.is_empty()
                && record.iter().all(|shape| match &shape.kind {
                    Kind::Text(rule) => {
                        !rule.codes.is_empty() && rule.codes.iter().all(|code| case(code))
                    }
                    _ => false,
                })
        };
        match self {
            Transform::LocalInstant(..)
            | Transform::CompactInstant(_)
            | Transform::DateOf
            | Transform::PlainLetters
            | Transform::Phone
            | Transform::Trim
            | Transform::Truncate(_) => false,
            Transform::Upper => all_codes(|code| code.to_uppercase() == code),
            Transform::Lower => all_codes(|code| code.to_lowercase() == code),
            Transform::Date(form) => {
                form.has_day() && !record.iter().any(|s| is_partial(s)) || form.keeps_precision()
            }
            _ => true,
        }
    }

    /// Wire to record.
    pub fn inward(&self, node: &Node) -> Result<Node, Fault> {
        let value = match self {
            Transform::Decimal | Transform::AsText => textual::scalar(node)?,
            Transform::Pair(first, second, _) => textual::join_pair(node, first, second)?,
            _ => {
                let text = node.lexeme().ok_or(Fault::Form)?;
                self.text_inward(text)?
            }
        };
        Ok(Node {
            value,
            span: node.span,
        })
    }

    fn text_inward(&self, text: &str) -> Result<Value, Fault> {
        let string = |text: &str| Value::String(text.into());
        Ok(match self {
            Transform::Date(form) => string(&form.read(text)?),
            Transform::Instant => string(&calendar::instant(text)?),
            Transform::LocalInstant(zone, form) => {
                string(&calendar::from_local(text, zone, form.as_ref())?)
            }
            Transform::CompactInstant(zone) => string(&calendar::from_compact(text, zone)?),
            Transform::DateOf => string(text.split(['T', ' ']).next().unwrap_or(text)),
            Transform::Upper => string(&text.to_uppercase()),
            Transform::Lower => string(&text.to_lowercase()),
            Transform::StripPrefix(p) => string(text.strip_prefix(p.as_str()).ok_or(Fault::Form)?),
            Transform::StripSuffix(s) => string(text.strip_suffix(s.as_str()).ok_or(Fault::Form)?),
            Transform::AddPrefix(p) => string(&format!("{p}{text}")),
            Transform::AddSuffix(s) => string(&format!("{text}{s}")),
            Transform::Split(by) => textual::split(text, by),
            Transform::Concat(by) => textual::pieces(text, by),
            Transform::Integer => textual::integer(text)?,
            Transform::Bool(yes, _) if text == yes => Value::Bool(true),
            Transform::Bool(_, no) if text == no => Value::Bool(false),
            Transform::Bool(..) => return Err(Fault::Form),
            Transform::Minutes => calendar::minutes(text)?,
            Transform::Pad(_, with) => string(textual::unpad(text, *with)),
            Transform::MarkAfter(count, sign) => string(&textual::mark(text, *count, *sign)),
            Transform::Phone => string(&textual::phone(text)?),
            Transform::Trim => string(text.trim()),
            Transform::PlainLetters => string(text),
            Transform::Truncate(_) | Transform::Decimal | Transform::AsText => string(text),
            Transform::Pair(..) => return Err(Fault::Form),
        })
    }

    /// Record to wire.
    pub fn outward(&self, node: &Node) -> Result<Node, Fault> {
        Ok(Node::from(match self {
            Transform::Split(by) | Transform::Concat(by) => {
                textual::join(node, by, matches!(self, Transform::Split(_)))?
            }
            Transform::Bool(yes, no) => {
                let yes_or_no = if node.as_bool().ok_or(Fault::Form)? {
                    yes
                } else {
                    no
                };
                Value::String(yes_or_no.clone())
            }
            Transform::Integer => Value::String(node.lexeme().ok_or(Fault::Form)?.into()),
            Transform::Minutes => calendar::from_minutes(node)?,
            _ => self.text_outward(node.lexeme().ok_or(Fault::Form)?)?,
        }))
    }

    fn text_outward(&self, text: &str) -> Result<Value, Fault> {
        let string = |text: &str| Value::String(text.into());
        Ok(match self {
            Transform::Date(form) => string(&form.write(text)?),
            Transform::LocalInstant(zone, form) => {
                string(&calendar::to_local(text, zone, form.as_ref())?)
            }
            Transform::CompactInstant(_) => string(&calendar::to_compact(text)?),
            Transform::Upper => string(&text.to_lowercase()),
            Transform::Lower => string(&text.to_uppercase()),
            Transform::StripPrefix(p) => string(&format!("{p}{text}")),
            Transform::StripSuffix(s) => string(&format!("{text}{s}")),
            Transform::AddPrefix(p) => string(text.strip_prefix(p.as_str()).ok_or(Fault::Form)?),
            Transform::AddSuffix(s) => string(text.strip_suffix(s.as_str()).ok_or(Fault::Form)?),
            Transform::Decimal => Value::Number(text.into()),
            Transform::AsText => textual::unscalar(text),
            Transform::Pair(first, second, _) => textual::unpair(text, first, second)?,
            Transform::Pad(width, with) => string(&textual::pad(text, *width, *with)?),
            Transform::MarkAfter(count, sign) => string(&textual::unmark(text, *count, *sign)?),
            Transform::PlainLetters => string(&textual::plain_letters(text)),
            Transform::Truncate(count) => string(&text.chars().take(*count).collect::<String>()),
            _ => string(text),
        })
    }
}

fn zone_of(name: &str) -> Result<jiff::tz::TimeZone, String> {
    jiff::tz::TimeZone::get(name).map_err(|_| format!("`{name}` is not a time zone"))
}

/// Whether a shape also takes a year or a month alone.
fn is_partial(shape: &Shape) -> bool {
    match &shape.kind {
        Kind::Text(rule) => rule.format != Some(TextFormat::Date),
        _ => true,
    }
}

#[cfg(test)]
#[path = "transform/transform_tests.rs"]
mod tests;
