//! The names a type reads from an object, from the type itself.
//!
//! A second list of them would be one to forget. It reads nothing.

use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// What stands in for an object: it only listens for the names.
struct Listener<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no object"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("only its names are asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The names a type reads; none if it reads no object.
pub fn fields<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    drop(T::deserialize(Listener(&mut fields)));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disclosure::{Consent, Request};

    #[test]
    fn the_names_are_those_of_the_object() {
        // Goal: a name is the one that is written, not the one in the code. Method: a field that is
        // written otherwise than it is called, and a type that is no object.
        assert!(fields::<Request>().contains(&"data_classes"));
        assert!(fields::<Consent>().contains(&"type"));
        assert!(!fields::<Consent>().contains(&"direction"));
        assert!(fields::<u8>().is_empty());
    }
}
