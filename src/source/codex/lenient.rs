//! Fields that are read leniently: one of another type than expected is absent, it does not cost its record. Texts are
//! borrowed from the line wherever they hold no escapes.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A text; a number or a truth value counts as its text, anything else as absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// The text, if there is one.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text, if there is one that is not empty.
    pub(super) fn some(&self) -> Option<&str> {
        self.get().filter(|t| !t.is_empty())
    }

    /// The text, or the empty one.
    pub(super) fn or_empty(&self) -> &str {
        self.get().unwrap_or("")
    }

    /// An owned text, if there is one that is not empty.
    pub(super) fn owned(&self) -> Option<String> {
        self.some().map(str::to_owned)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(v))))
    }
    fn visit_str<E>(self, v: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(v.to_owned()))))
    }
    fn visit_string<E>(self, v: String) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(v))))
    }
    fn visit_bool<E>(self, v: bool) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(if v { "true" } else { "false" }))))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(v.to_string()))))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(v.to_string()))))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(v.to_string()))))
    }
    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Text<'a>, D::Error> {
        d.deserialize_any(TextVisitor)
    }
}

/// What a call is given: a text (often JSON itself) or an object.
#[derive(Clone, Debug, Default)]
pub(super) enum Args<'a> {
    #[default]
    None,
    Text(Cow<'a, str>),
    Json(serde_json::Value),
}

impl<'de: 'a, 'a> Deserialize<'de> for Args<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Args<'a>, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Args<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Args<'de>, E> {
                Ok(Args::Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Args<'de>, E> {
                Ok(Args::Text(Cow::Owned(v.to_owned())))
            }
            fn visit_unit<E>(self) -> Result<Args<'de>, E> {
                Ok(Args::None)
            }
            fn visit_bool<E>(self, v: bool) -> Result<Args<'de>, E> {
                Ok(Args::Json(v.into()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Args<'de>, E> {
                Ok(Args::Json(v.into()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Args<'de>, E> {
                Ok(Args::Json(v.into()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Args<'de>, E> {
                Ok(Args::Json(v.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Args<'de>, A::Error> {
                let seq = de::value::SeqAccessDeserializer::new(seq);
                Ok(Args::Json(Deserialize::deserialize(seq)?))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Args<'de>, A::Error> {
                let map = de::value::MapAccessDeserializer::new(map);
                Ok(Args::Json(Deserialize::deserialize(map)?))
            }
        }
        d.deserialize_any(Either)
    }
}

/// A text, a list of parts with texts, or one such part; images and what is encrypted are parts without a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts<'a> {
    /// The texts, in order.
    pub texts: Vec<Text<'a>>,
    /// Whether one part is a picture.
    pub pictures: bool,
    /// What an object says beside its text: whether the tool worked.
    pub success: Option<bool>,
}

impl<'a> Parts<'a> {
    fn of(text: Text<'a>) -> Parts<'a> {
        Parts {
            texts: vec![text],
            ..Parts::default()
        }
    }

    /// All texts, each on lines of its own.
    pub(super) fn joined(&self) -> Cow<'_, str> {
        if let [only] = self.texts.as_slice() {
            return Cow::Borrowed(only.or_empty());
        }
        let mut all = String::new();
        for text in &self.texts {
            if !all.is_empty() && !all.ends_with('\n') {
                all.push('\n');
            }
            all.push_str(text.or_empty());
        }
        Cow::Owned(all)
    }
}

/// One part, or the object that older versions wrap an output in.
#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default)]
    content: Text<'a>,
    #[serde(borrow, default)]
    success: Text<'a>,
}

impl<'a> Parts<'a> {
    fn add(&mut self, part: Part<'a>) {
        self.pictures |= part.kind.or_empty().contains("image");
        self.success = self.success.or(match part.success.get() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        });
        if part.text.get().is_some() {
            self.texts.push(part.text);
        } else if part.content.get().is_some() {
            self.texts.push(part.content);
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Parts<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Parts<'a>, D::Error> {
        struct AnyShape;
        impl<'de> Visitor<'de> for AnyShape {
            type Value = Parts<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Parts<'de>, E> {
                Ok(Parts::of(Text(Some(Cow::Borrowed(v)))))
            }
            fn visit_str<E>(self, v: &str) -> Result<Parts<'de>, E> {
                Ok(Parts::of(Text(Some(Cow::Owned(v.to_owned())))))
            }
            fn visit_unit<E>(self) -> Result<Parts<'de>, E> {
                Ok(Parts::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Parts<'de>, E> {
                Ok(Parts::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Parts<'de>, E> {
                Ok(Parts::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Parts<'de>, E> {
                Ok(Parts::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Parts<'de>, E> {
                Ok(Parts::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Parts<'de>, A::Error> {
                let mut parts = Parts::default();
                while let Some(raw) = seq.next_element::<&RawValue>()? {
                    if let Some(part) = parse::<Part<'de>>(raw) {
                        parts.add(part);
                    } else if let Some(text) = parse::<Text<'de>>(raw) {
                        parts.texts.push(text);
                    }
                }
                Ok(parts)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Parts<'de>, A::Error> {
                let map = de::value::MapAccessDeserializer::new(map);
                let mut parts = Parts::default();
                parts.add(Part::deserialize(map)?);
                Ok(parts)
            }
        }
        d.deserialize_any(AnyShape)
    }
}

/// Reads a shape from raw JSON; `None` if it has another one.
pub(super) fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    // A derived shape would also take an array for its fields in order.
    serde_json::from_str(raw.get()).ok()
}
