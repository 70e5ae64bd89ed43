//! Cutting JSON documents into their members without reading what they hold: each stays the text that it was.
//!
//! A document may be torn (it is being rewritten, or the disk was full): what stands whole before the tear is handed out,
//! and the tear is an error.

use serde::de::IgnoredAny;

/// The members of an object in order, each with its name and its text, until `each` says `false`. A member whose text is
/// torn is handed out with what there is of it, and `whole` is `false`.
///
/// # Errors
/// Why it is no object, or where it is torn.
pub fn members<'t>(
    text: &'t str,
    each: &mut dyn FnMut(&str, Part<'t>) -> bool,
) -> Result<(), String> {
    let mut rest = opened(text, '{')?;
    loop {
        rest = rest.trim_start();
        if rest.starts_with('}') {
            return Ok(());
        }
        let (name, after) = value(rest).ok_or("it is torn")?;
        let name: String = serde_json::from_str(name).map_err(|e| e.to_string())?;
        let after = after.trim_start().strip_prefix(':').ok_or("it is torn")?;
        let after = after.trim_start();
        let Some((text, after)) = value(after) else {
            each(
                &name,
                Part {
                    text: after,
                    whole: false,
                },
            );
            return Err("it is torn".to_owned());
        };
        if !each(&name, Part { text, whole: true }) {
            return Ok(());
        }
        rest = next(after, '}')?;
    }
}

/// The elements of an array in order, each as its text, until `each` says `false`.
///
/// # Errors
/// Why it is no array, or where it is torn; the elements before that were handed out.
pub fn elements<'t>(text: &'t str, each: &mut dyn FnMut(&'t str) -> bool) -> Result<(), String> {
    let mut rest = opened(text, '[')?;
    loop {
        rest = rest.trim_start();
        if rest.starts_with(']') {
            return Ok(());
        }
        let (text, after) = value(rest).ok_or("it is torn")?;
        if !each(text) {
            return Ok(());
        }
        rest = next(after, ']')?;
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'t> {
    /// Its text.
    pub text: &'t str,
    /// Whether that is all of it.
    pub whole: bool,
}

fn opened(text: &str, open: char) -> Result<&str, String> {
    let text = text.trim_start();
    text.strip_prefix(open)
        .ok_or_else(|| format!("it does not begin with `{open}`"))
}

/// A value at the start of a text, and what follows it.
fn value(text: &str) -> Option<(&str, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    match values.next()? {
        Ok(_) => Some(text.split_at(values.byte_offset())),
        Err(_) => None,
    }
}

/// What stands behind the comma, or at the end.
fn next(after: &str, close: char) -> Result<&str, String> {
    let after = after.trim_start();
    match after.strip_prefix(',') {
        Some(rest) => Ok(rest),
        None if after.starts_with(close) => Ok(after),
        None => Err("it is torn".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn elements_of(text: &str) -> (Vec<&str>, bool) {
        let mut got = Vec::new();
        let done = elements(text, &mut |e| {
            got.push(e);
            true
        });
        (got, done.is_ok())
    }

    #[test]
    fn elements_keep_their_texts_and_a_tear_costs_only_the_last() {
        let cases: &[(&str, &[&str], bool)] = &[
            (
                " [ 1.10 , {\"a\": \"]\"},[2 ,3] ] ",
                &["1.10", "{\"a\": \"]\"}", "[2 ,3]"],
                true,
            ),
            ("[]", &[], true),
            ("[1,{\"a\":", &["1"], false),
            ("[1, \"x", &["1"], false),
            ("[\"a\" \"b\"]", &["\"a\""], false),
            ("{}", &[], false),
            ("", &[], false),
        ];
        for (text, want, whole) in cases {
            assert_eq!(elements_of(text), (want.to_vec(), *whole), "{text}");
        }
    }

    #[test]
    fn members_keep_their_texts_and_a_torn_one_is_handed_out_as_it_is() {
        let mut got = Vec::new();
        let done = members(r#"{"a" : 1, "b\n":[{}], "c":[1,2"#, &mut |name, part| {
            got.push((name.to_owned(), part.text, part.whole));
            true
        });
        assert!(done.is_err());
        assert_eq!(
            got,
            [
                ("a".to_owned(), "1", true),
                ("b\n".to_owned(), "[{}]", true),
                ("c".to_owned(), "[1,2", false)
            ]
        );
    }
}
