//! Values of a request as they were given: absent, empty, readable or odd.
//!
//! Reading is lenient so that deciding can be strict: nothing here fails on a wrong type, it is
//! kept as odd, and what is odd never opens anything.

use crate::base::Text;
use crate::base::vocabulary::{ClassSet, ConsentElement, DataClass, Purpose, RecipientRole};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// Any JSON value, as far as a scalar goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// `null`
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(Text),
    /// An array or object.
    Odd,
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(Text::new(value)))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_none<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<Scalar, D::Error> {
        source.deserialize_any(ScalarVisitor)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Odd)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Odd)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Scalar, D::Error> {
        source.deserialize_any(ScalarVisitor)
    }
}

/// A truth value that may be missing or empty. Only `True` is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Maybe {
    /// The key is not there.
    #[default]
    Absent,
    /// The key is there and empty.
    Null,
    /// `false`
    False,
    /// `true`
    True,
    /// Something that is no truth value.
    Odd,
}

impl Maybe {
    /// Whether it is true, for a fact that opens.
    pub fn holds(self) -> bool {
        self == Maybe::True
    }

    /// Whether it may be true, for a fact that only restricts.
    pub fn restricts(self) -> bool {
        matches!(self, Maybe::True | Maybe::Odd)
    }

    /// Whether it is there and not false, for a fact of the moment or of the person: a key nobody
    /// gave a truth value was not left out.
    pub fn closes(self) -> bool {
        !matches!(self, Maybe::Absent | Maybe::False)
    }

    /// Whether it is there without saying anything.
    pub fn says_nothing(self) -> bool {
        matches!(self, Maybe::Null | Maybe::Odd)
    }
}

impl<'de> Deserialize<'de> for Maybe {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Maybe, D::Error> {
        Ok(match Scalar::deserialize(source)? {
            Scalar::Null => Maybe::Null,
            Scalar::Bool(true) => Maybe::True,
            Scalar::Bool(false) => Maybe::False,
            Scalar::Number(_) | Scalar::Text(_) | Scalar::Odd => Maybe::Odd,
        })
    }
}

/// A word of a closed list that may be missing or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Word<T> {
    /// Missing or empty.
    #[default]
    Absent,
    /// A word of the list.
    Known(T),
    /// Any other value.
    Unknown,
}

impl<T: Copy> Word<T> {
    /// The word, if it is one of the list.
    pub fn known(self) -> Option<T> {
        match self {
            Word::Known(word) => Some(word),
            Word::Absent | Word::Unknown => None,
        }
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Word<T>, D::Error> {
        Ok(match Scalar::deserialize(source)? {
            Scalar::Null => Word::Absent,
            Scalar::Text(text) => text.parse().map_or(Word::Unknown, Word::Known),
            Scalar::Bool(_) | Scalar::Number(_) | Scalar::Odd => Word::Unknown,
        })
    }
}

/// A word that has a place in a list of at most 64.
pub trait Placed: FromStr {
    /// Its place.
    fn place(self) -> usize;
}

impl Placed for DataClass {
    fn place(self) -> usize {
        self.index()
    }
}

impl Placed for RecipientRole {
    fn place(self) -> usize {
        self.index()
    }
}

impl Placed for ConsentElement {
    fn place(self) -> usize {
        self.index()
    }
}

impl Placed for Purpose {
    fn place(self) -> usize {
        self.index()
    }
}

/// A list of words: which are in it, whether it names all, whether it is there at all.
#[derive(Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// One bit per known word.
    pub bits: u64,
    /// Whether it holds `*`.
    pub all: bool,
    /// Whether a list was given.
    pub given: bool,
    /// Whether it holds a word outside the vocabulary, or is no list.
    pub unknown: bool,
    of: PhantomData<T>,
}

impl<T> Clone for Listed<T> {
    fn clone(&self) -> Listed<T> {
        *self
    }
}

impl<T> Copy for Listed<T> {}

impl<T> Default for Listed<T> {
    fn default() -> Listed<T> {
        Listed {
            bits: 0,
            all: false,
            given: false,
            unknown: false,
            of: PhantomData,
        }
    }
}

impl<T: Placed> Listed<T> {
    fn add(&mut self, value: &Scalar) {
        match value {
            Scalar::Text(text) if text == "*" => self.all = true,
            Scalar::Text(text) => match text.parse::<T>() {
                Ok(word) => self.bits |= 1 << word.place(),
                Err(_) => self.unknown = true,
            },
            _ => self.unknown = true,
        }
    }

    /// Whether the word is named, or all are.
    pub fn names(self, word: T) -> bool {
        self.all || self.bits & (1 << word.place()) != 0
    }

    /// Whether no word of it is understood: for a refusal, no limit.
    pub fn limits_nothing(self) -> bool {
        !self.all && self.bits == 0
    }

    /// Whether it names nothing at all.
    pub fn is_blank(self) -> bool {
        !self.all && !self.unknown && self.bits == 0
    }
}

impl Listed<DataClass> {
    /// The known classes in it.
    pub fn classes(self) -> ClassSet {
        ClassSet(self.bits)
    }
}

struct ListedVisitor<T>(PhantomData<T>);

impl<'de, T: Placed> Visitor<'de> for ListedVisitor<T> {
    type Value = Listed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of words")
    }

    fn visit_unit<E>(self) -> Result<Listed<T>, E> {
        Ok(Listed::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Listed<T>, A::Error> {
        let mut list = Listed {
            given: true,
            ..Listed::default()
        };
        while let Some(word) = seq.next_element::<Scalar>()? {
            list.add(&word);
        }
        Ok(list)
    }

    fn visit_str<E>(self, word: &str) -> Result<Listed<T>, E> {
        let mut list = Listed {
            given: true,
            ..Listed::default()
        };
        list.add(&Scalar::Text(Text::new(word)));
        Ok(list)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Listed<T>, E> {
        Ok(odd_list())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Listed<T>, E> {
        Ok(odd_list())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Listed<T>, E> {
        Ok(odd_list())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Listed<T>, E> {
        Ok(odd_list())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listed<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(odd_list())
    }
}

fn odd_list<T>() -> Listed<T> {
    Listed {
        given: true,
        unknown: true,
        ..Listed::default()
    }
}

impl<'de, T: Placed> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Listed<T>, D::Error> {
        source.deserialize_any(ListedVisitor(PhantomData))
    }
}

/// What stands for a value that is no text: equal to no id.
const ODD: &str = "\u{0}";

/// Whether it stands for a value that is no text.
pub fn is_odd(text: &Text) -> bool {
    text == ODD
}

/// A text or nothing; a number is its digits, anything else equals no other value.
pub fn text<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Text>, D::Error> {
    Ok(match Scalar::deserialize(source)? {
        Scalar::Null => None,
        Scalar::Text(text) => Some(text),
        Scalar::Number(number) => Some(Text::from(number.to_string())),
        Scalar::Bool(_) | Scalar::Odd => Some(Text::const_new(ODD)),
    })
}

/// Some texts: a list of them, or one alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<Text>);

impl Texts {
    /// Whether the text is one of them.
    pub fn hold(&self, text: &str) -> bool {
        self.0.iter().any(|one| one == text)
    }

    /// Whether none of them can be meant: for a refusal, no limit.
    pub fn name_none(&self) -> bool {
        self.0.iter().all(is_odd)
    }

    /// Whether one of them is no text.
    pub fn has_odd(&self) -> bool {
        self.0.iter().any(is_odd)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(one) = seq.next_element::<Scalar>()? {
            texts.push(match one {
                Scalar::Text(text) => text,
                Scalar::Number(number) => Text::from(number.to_string()),
                Scalar::Null | Scalar::Bool(_) | Scalar::Odd => Text::const_new(ODD),
            });
        }
        Ok(Texts(texts))
    }

    fn visit_str<E>(self, one: &str) -> Result<Texts, E> {
        Ok(Texts(vec![Text::new(one)]))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Texts, E> {
        Ok(Texts(vec![Text::const_new(ODD)]))
    }

    fn visit_i64<E>(self, one: i64) -> Result<Texts, E> {
        Ok(Texts(vec![Text::from(one.to_string())]))
    }

    fn visit_u64<E>(self, one: u64) -> Result<Texts, E> {
        Ok(Texts(vec![Text::from(one.to_string())]))
    }

    fn visit_f64<E>(self, one: f64) -> Result<Texts, E> {
        Ok(Texts(vec![Text::from(one.to_string())]))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Texts(vec![Text::const_new(ODD)]))
    }

    fn visit_unit<E>(self) -> Result<Texts, E> {
        Ok(Texts(Vec::new()))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Texts, D::Error> {
        source.deserialize_any(TextsVisitor)
    }
}
