//! Lenient values: what is of another type than expected counts as absent, and its bytes are skipped.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A text, or nothing if the value is of another type.
#[derive(Clone, Debug, Default)]
pub(super) struct Text<'a>(pub Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, if there is one.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text, or an empty one.
    pub fn str(&self) -> &str {
        self.get().unwrap_or_default()
    }

    /// The text if it says something.
    pub fn filled(&self) -> Option<&str> {
        self.get().filter(|t| !t.is_empty())
    }
}

/// A yes or no, or nothing if the value is of another type.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Flag(pub Option<bool>);

impl Flag {
    /// Whether it says yes.
    pub fn set(self) -> bool {
        self.0 == Some(true)
    }
}

/// A number of something, or nothing if the value is of another type.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Number(pub Option<u64>);

impl Number {
    /// The number, 0 if there is none.
    pub fn or_zero(self) -> u64 {
        self.0.unwrap_or(0)
    }
}

/// An object, or nothing if the value is of another type.
pub(super) struct Map<T>(pub Option<T>);

impl<T> Default for Map<T> {
    fn default() -> Self {
        Map(None)
    }
}

/// A list, empty if the value is of another type.
#[derive(Default)]
pub(super) struct List<T>(pub Vec<T>);

/// Drains what a lenient visitor does not want.
macro_rules! nothing_else {
    ($($method:ident: $ty:ty),*) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok(Default::default()) }
        $(fn $method<E>(self, _: $ty) -> Result<Self::Value, E> { Ok(Default::default()) })*
    };
}
macro_rules! no_map {
    () => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}
macro_rules! no_seq {
    () => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}

macro_rules! expecting {
    ($what:literal) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str($what)
        }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for V<'a> {
            type Value = Text<'a>;
            expecting!("a text");
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Text<'a>, E> {
                Ok(Text(Some(Cow::Borrowed(v))))
            }
            fn visit_str<E>(self, v: &str) -> Result<Text<'a>, E> {
                Ok(Text(Some(Cow::Owned(v.to_owned()))))
            }
            nothing_else!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);
            no_map!();
            no_seq!();
        }
        d.deserialize_any(V(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Flag;
            expecting!("a yes or no");
            fn visit_bool<E>(self, v: bool) -> Result<Flag, E> {
                Ok(Flag(Some(v)))
            }
            nothing_else!(visit_str: &str, visit_i64: i64, visit_u64: u64, visit_f64: f64);
            no_map!();
            no_seq!();
        }
        d.deserialize_any(V)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Number;
            expecting!("a number");
            fn visit_u64<E>(self, v: u64) -> Result<Number, E> {
                Ok(Number(Some(v)))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Number, E> {
                // Saturates; negative numbers become 0.
                Ok(Number(Some(v.round() as u64)))
            }
            nothing_else!(visit_str: &str, visit_i64: i64, visit_bool: bool);
            no_map!();
            no_seq!();
        }
        d.deserialize_any(V)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = Map<T>;
            expecting!("an object");
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Map<T>, A::Error> {
                T::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    .map(|v| Map(Some(v)))
            }
            nothing_else!(visit_str: &str, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_bool: bool);
            no_seq!();
        }
        d.deserialize_any(V(PhantomData))
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for V<T> {
            type Value = List<T>;
            expecting!("a list");
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<T>()? {
                    items.push(item);
                }
                Ok(List(items))
            }
            nothing_else!(visit_str: &str, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_bool: bool);
            no_map!();
        }
        d.deserialize_any(V(PhantomData))
    }
}

pub(super) use {expecting, no_map, no_seq, nothing_else};
