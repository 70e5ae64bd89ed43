//! What messages and results hold: a text or blocks.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::lenient::{Flag, Text, expecting, no_map, no_seq, nothing_else};

/// A part of a message.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub text: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    #[serde(borrow)]
    pub tool_use_id: Text<'a>,
    pub is_error: Flag,
    #[serde(borrow)]
    pub content: Content<'a>,
}

/// A message's content: a text or blocks.
#[derive(Default)]
pub(super) enum Content<'a> {
    #[default]
    Nothing,
    Text(Cow<'a, str>),
    Blocks(Vec<Block<'a>>),
}

impl Content<'_> {
    /// The text blocks, or the text itself; images as `[image]`.
    pub fn joined(&self) -> String {
        match self {
            Content::Nothing => String::new(),
            Content::Text(text) => text.clone().into_owned(),
            Content::Blocks(blocks) => {
                let mut out = String::new();
                for block in blocks {
                    let text = match block.kind.str() {
                        "image" => "[image]",
                        _ => block.text.str(),
                    };
                    if !out.is_empty() && !text.is_empty() {
                        out.push('\n');
                    }
                    out.push_str(text);
                }
                out
            }
        }
    }
}

/// The texts of an object, in the order of the record.
#[derive(Default)]
pub(super) struct Pairs(pub Vec<(String, String)>);

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for V<'a> {
            type Value = Content<'a>;
            expecting!("a text or blocks");
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Content<'a>, E> {
                Ok(Content::Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Content<'a>, E> {
                Ok(Content::Text(Cow::Owned(v.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content<'a>, A::Error> {
                let mut blocks = Vec::new();
                while let Some(Piece(block)) = seq.next_element::<Piece<'a>>()? {
                    blocks.push(block);
                }
                Ok(Content::Blocks(blocks))
            }
            nothing_else!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);
            no_map!();
        }
        d.deserialize_any(V(PhantomData))
    }
}

/// An item of a content: a block, or a bare text, which counts as a block of text.
#[derive(Default)]
struct Piece<'a>(Block<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Piece<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for V<'a> {
            type Value = Piece<'a>;
            expecting!("a block");
            fn visit_str<E>(self, v: &str) -> Result<Piece<'a>, E> {
                Ok(Piece(Block {
                    kind: Text(Some(Cow::Borrowed("text"))),
                    text: Text(Some(Cow::Owned(v.to_owned()))),
                    ..Block::default()
                }))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Piece<'a>, A::Error> {
                Block::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Piece)
            }
            nothing_else!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);
            no_seq!();
        }
        d.deserialize_any(V(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Pairs;
            expecting!("an object of texts");
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Content<'de>>()? {
                    pairs.push((name, value.joined()));
                }
                Ok(Pairs(pairs))
            }
            nothing_else!(visit_str: &str, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_bool: bool);
            no_seq!();
        }
        d.deserialize_any(V)
    }
}
