//! The shapes of Codex's records, read leniently: a field of another type than expected is absent, it does not cost the
//! record. Texts are borrowed from the line wherever they hold no escapes.

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

/// One line: an envelope, or in files from before September 2025 the record itself.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow, default)]
    pub timestamp: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub payload: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub record_type: Text<'a>,
    #[serde(borrow, default)]
    pub id: Text<'a>,
}

/// `session_meta`, and the first line of the oldest files.
#[derive(Deserialize, Default)]
pub(super) struct Meta<'a> {
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub session_id: Text<'a>,
    #[serde(borrow, default)]
    pub cwd: Text<'a>,
    #[serde(borrow, default)]
    pub cli_version: Text<'a>,
    #[serde(borrow, default)]
    pub source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub git: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub forked_from_id: Text<'a>,
    #[serde(borrow, default)]
    pub parent_thread_id: Text<'a>,
    #[serde(borrow, default)]
    pub agent_nickname: Text<'a>,
    #[serde(borrow, default)]
    pub agent_role: Text<'a>,
    #[serde(borrow, default)]
    pub agent_path: Text<'a>,
}

/// `session_meta.git`.
#[derive(Deserialize, Default)]
pub(super) struct Git<'a> {
    #[serde(borrow, default)]
    pub commit_hash: Text<'a>,
    #[serde(borrow, default)]
    pub branch: Text<'a>,
}

/// `turn_context`, and what else tells which turn it belongs to.
#[derive(Deserialize, Default)]
pub(super) struct Turn<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub turn_id: Text<'a>,
    #[serde(borrow, default)]
    pub cwd: Text<'a>,
    #[serde(borrow, default)]
    pub model: Text<'a>,
}

/// `compacted`; its `replacement_history` repeats what was said before and is never read.
#[derive(Deserialize)]
pub(super) struct Compacted<'a> {
    #[serde(borrow, default)]
    pub message: Text<'a>,
}

/// `response_item`.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub call_id: Text<'a>,
    #[serde(borrow, default)]
    pub role: Text<'a>,
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub namespace: Text<'a>,
    #[serde(borrow, default)]
    pub status: Text<'a>,
    #[serde(borrow, default)]
    pub content: Parts<'a>,
    #[serde(borrow, default)]
    pub arguments: Args<'a>,
    #[serde(borrow, default)]
    pub input: Args<'a>,
    #[serde(borrow, default)]
    pub action: Args<'a>,
    #[serde(borrow, default)]
    pub output: Parts<'a>,
    #[serde(borrow, default)]
    pub tools: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub revised_prompt: Text<'a>,
}

/// `event_msg`.
#[derive(Deserialize)]
pub(super) struct Happening<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub message: Text<'a>,
    #[serde(borrow, default, rename = "kind")]
    pub sort: Text<'a>,
    #[serde(borrow, default)]
    pub images: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub local_images: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub reason: Text<'a>,
    #[serde(borrow, default)]
    pub call_id: Text<'a>,
    #[serde(borrow, default)]
    pub success: Text<'a>,
    #[serde(borrow, default)]
    pub status: Text<'a>,
    #[serde(borrow, default)]
    pub stdout: Text<'a>,
    #[serde(borrow, default)]
    pub stderr: Text<'a>,
    #[serde(borrow, default)]
    pub changes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub invocation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub duration: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub command: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub cwd: Text<'a>,
    #[serde(borrow, default)]
    pub exit_code: Text<'a>,
    #[serde(borrow, default)]
    pub aggregated_output: Text<'a>,
    #[serde(borrow, default)]
    pub num_turns: Text<'a>,
    #[serde(borrow, default)]
    pub thread_name: Text<'a>,
    #[serde(borrow, default)]
    pub new_thread_id: Text<'a>,
    #[serde(borrow, default)]
    pub agent_thread_id: Text<'a>,
    #[serde(borrow, default)]
    pub event_id: Text<'a>,
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub review_output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub user_facing_hint: Text<'a>,
    #[serde(borrow, default)]
    pub item: Option<&'a RawValue>,
}

/// The `item` of an `item_completed`: the newest versions' way to say what several events said before.
#[derive(Deserialize)]
pub(super) struct Completed<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub text: Text<'a>,
    #[serde(borrow, default)]
    pub content: Parts<'a>,
}

/// A change of `patch_apply_end`.
#[derive(Deserialize, Default)]
pub(super) struct Change<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub content: Text<'a>,
    #[serde(borrow, default)]
    pub unified_diff: Text<'a>,
    #[serde(borrow, default)]
    pub move_path: Text<'a>,
}

/// The changes of `patch_apply_end`, in the order in which they stand there.
pub(super) struct Changes<'a>(pub Vec<(String, Option<Change<'a>>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Changes<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Changes<'a>, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Changes<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("changes by path")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Changes<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some((path, change)) = map.next_entry::<String, &RawValue>()? {
                    all.push((path, parse(change)));
                }
                Ok(Changes(all))
            }
        }
        d.deserialize_map(InOrder)
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
