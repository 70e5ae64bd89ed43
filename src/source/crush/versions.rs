//! Which versions of a file in the table `files` a call wrote. The table has every text, numbered for each path, but not who
//! wrote it: `0` is the file as it was before its first change (empty, if there was none); then for each change the text
//! that it found, if that is not the version before (always so at the first change, or somebody else wrote), and the text
//! that it wrote.
//!
//! So the versions of a path are gone through in their order, and one is a call's only if it is what that call makes of the
//! version before it. Nothing is told by time alone.

use std::collections::HashMap;

use color_eyre::Result;
use serde_json::Value;

use crate::source::sqlite::{Db, ValueRef, params};
use crate::source::{Effect, Hunk, tools};

/// The versions of all files of a session.
pub(super) struct Versions {
    /// Of each path: the rows, and up to which of them they belong to calls.
    of: HashMap<String, (Vec<i64>, usize)>,
}

/// What a call wrote.
pub(super) struct Written {
    /// The file, absolute.
    pub(super) path: String,
    /// The text before; `None` if it is not known to the byte.
    pub(super) before: Option<String>,
    /// The text after.
    pub(super) after: String,
    /// There was no file before, or an empty one.
    pub(super) is_first: bool,
}

impl Versions {
    /// Lists them, without their texts.
    pub(super) fn of(db: &Db, session: &str) -> Result<Versions> {
        let mut q = db.prepare("SELECT rowid, path, version FROM files WHERE session_id = ?1")?;
        let mut rows = q.query([session])?;
        let mut listed: HashMap<String, Vec<(u64, i64)>> = HashMap::new();
        while let Some(row) = rows.next()? {
            if let (ValueRef::Text(path), Some(n)) = (row.get_ref(1)?, number(row.get_ref(2)?))
                && let Ok(path) = std::str::from_utf8(path)
            {
                let all = listed.entry(path.to_owned()).or_default();
                all.push((n, row.get(0)?));
            }
        }
        let in_order = |mut all: Vec<(u64, i64)>| {
            all.sort_unstable();
            (all.into_iter().map(|(_, rowid)| rowid).collect(), 0)
        };
        let of = listed
            .into_iter()
            .map(|(path, all)| (path, in_order(all)))
            .collect();
        Ok(Versions { of })
    }

    /// The versions that a call wrote that worked, of each file, by its tool, input and the `metadata` of its result.
    pub(super) fn find(
        &mut self,
        db: &Db,
        tool: &str,
        input: &str,
        metadata: &str,
    ) -> Result<Vec<Written>> {
        let Ok(input) = serde_json::from_str::<Value>(input) else {
            return Ok(Vec::new());
        };
        let metadata = serde_json::from_str(metadata).unwrap_or(Value::Null);
        let patched = match tools::text(&input, &["patch_text"]) {
            Some(patch) if tool == "patch" => tools::begin_patch(patch).1,
            _ => Vec::new(),
        };
        let change = |patched| Change {
            tool,
            input: &input,
            metadata: &metadata,
            patched,
        };
        let mut all = Vec::new();
        for effect in &patched {
            all.extend(self.find_one(db, effect.path(), &change(Some(effect)))?);
        }
        if let Some(path) = tools::path(&input).filter(|_| patched.is_empty()) {
            all.extend(self.find_one(db, path, &change(None))?);
        }
        Ok(all)
    }

    fn find_one(&mut self, db: &Db, given: &str, change: &Change<'_>) -> Result<Option<Written>> {
        let Some(path) = self.path(given) else {
            return Ok(None);
        };
        let Some((rows, used)) = self.of.get_mut(&path) else {
            return Ok(None);
        };
        let from = *used;
        let Some(mut before) = rows.get(from).map(|r| content(db, *r)).transpose()? else {
            return Ok(None);
        };
        for k in from + 1..rows.len() {
            let after = content(db, rows[k])?;
            if let (Some(found), Some(wrote)) = (&before, &after)
                && change.makes(found, wrote)
            {
                *used = k;
                let is_first = k == 1 && found.is_empty();
                let older = match k.checked_sub(2) {
                    Some(older) => content(db, rows[older])?,
                    None => None,
                };
                return Ok(Some(Written {
                    path,
                    before: change.as_on_disk(found, wrote, older.as_deref()),
                    after: wrote.clone(),
                    is_first,
                }));
            }
            before = after;
        }
        Ok(None)
    }

    /// The path in the table; a call may name it from the project's folder.
    fn path(&self, given: &str) -> Option<String> {
        if self.of.contains_key(given) {
            return Some(given.to_owned());
        }
        let end = format!("/{}", given.trim_start_matches("./"));
        let mut fit = self.of.keys().filter(|p| p.ends_with(&end));
        match (fit.next(), fit.next()) {
            (Some(one), None) if !given.starts_with('/') => Some(one.clone()),
            _ => None,
        }
    }
}

/// A version's number: `3`, and `initial` or `v3` in the forerunner.
fn number(version: ValueRef<'_>) -> Option<u64> {
    match version {
        ValueRef::Integer(n) => u64::try_from(n).ok(),
        ValueRef::Text(b"initial") => Some(0),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).ok()?;
            text.strip_prefix('v').unwrap_or(text).parse().ok()
        }
        _ => None,
    }
}

/// The text of a version; `None` if it is not text, which a record cannot hold.
fn content(db: &Db, rowid: i64) -> Result<Option<String>> {
    let mut q = db.prepare("SELECT content FROM files WHERE rowid = ?1")?;
    let mut rows = q.query(params![rowid])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(match row.get_ref(0)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        }
        _ => None,
    })
}

/// What a call says that it does.
struct Change<'c> {
    tool: &'c str,
    input: &'c Value,
    metadata: &'c Value,
    /// What a patch does to this file.
    patched: Option<&'c Effect>,
}

impl Change<'_> {
    /// Whether this is what it makes of that.
    fn makes(&self, before: &str, after: &str) -> bool {
        if self.tool == "write" {
            return tools::content(self.input) == Some(after);
        }
        match self.patched {
            Some(Effect::Write { content, .. }) => return same(content, after),
            Some(Effect::Patch { hunks, .. }) => {
                return patch(before, hunks).is_some_and(|text| text == after);
            }
            Some(_) => return false,
            None => {}
        }
        // The result may have both texts. An empty one is left out.
        let told = |name| self.metadata.get(name).and_then(Value::as_str);
        let (old, new) = (told("old_content"), told("new_content"));
        if old.is_some() || new.is_some() {
            return same(old.unwrap_or_default(), before) && same(new.unwrap_or_default(), after);
        }
        let several = self.input.get("edits").and_then(Value::as_array);
        let edits: Vec<_> = match several {
            Some(edits) => edits.iter().filter_map(tools::replacement).collect(),
            None => tools::replacement(self.input).into_iter().collect(),
        };
        let mut text = unix(before);
        for (old, new, all) in &edits {
            text = match (old.is_empty(), all) {
                (true, _) if text.is_empty() => new.clone(),
                (true, _) => return false,
                (false, true) => text.replace(old, new),
                (false, false) => text.replacen(old, new, 1),
            };
        }
        !edits.is_empty() && same(&text, after)
    }

    /// The text before an edit as it was on the disk: what the tool noted of a file with the line ends of Windows has none
    /// of them, while what it wrote has them everywhere.
    fn as_on_disk(&self, noted: &str, after: &str, older: Option<&str>) -> Option<String> {
        if self.tool == "write" || noted.contains('\r') || !after.contains("\r\n") {
            return Some(noted.to_owned());
        }
        older
            .filter(|o| o.contains('\r') && unix(o) == noted)
            .map(str::to_owned)
    }
}

/// A text with hunks applied whose line numbers are not known: each in the first place behind the one before that has its
/// lines.
fn patch(text: &str, hunks: &[Hunk]) -> Option<String> {
    let (mut done, mut rest) = (String::new(), text);
    for hunk in hunks {
        let side = |other: char| {
            let lines = hunk.lines.iter().filter(|l| !l.starts_with([other, '\\']));
            lines
                .map(|l| l.get(1..).unwrap_or_default())
                .collect::<Vec<_>>()
                .join("\n")
        };
        let (old, new) = (side('+'), side('-'));
        let at = rest.find(&old)?;
        done.push_str(&rest[..at]);
        done.push_str(&new);
        rest = &rest[at + old.len()..];
    }
    done.push_str(rest);
    Some(done)
}

fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The same but for line ends: some versions of the tools note them as on the disk, some do not.
fn same(told: &str, kept: &str) -> bool {
    told == kept || unix(told) == unix(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_version_is_a_calls_only_if_it_makes_it_of_the_one_before() {
        let edit = json!({"file_path": "/a", "old_string": "x", "new_string": "y"});
        let all =
            json!({"file_path": "/a", "old_string": "x", "new_string": "y", "replace_all": true});
        let several = json!({"file_path": "/a", "edits": [{"old_string": "x", "new_string": "y"},
            {"old_string": "y\n", "new_string": "z\n"}]});
        let new = json!({"file_path": "/a", "old_string": "", "new_string": "n\n"});
        let write = json!({"file_path": "/a", "content": "w\n"});
        let none = Value::Null;
        let whole = json!({"old_content": "x\n", "new_content": "Y\n"});
        let emptied = json!({"old_content": "x\n", "additions": 0});
        for (tool, input, metadata, before, after, makes) in [
            ("edit", &edit, &none, "x x\n", "y x\n", true),
            ("edit", &edit, &none, "x x\n", "y y\n", false),
            ("edit", &all, &none, "x x\n", "y y\n", true),
            ("edit", &edit, &none, "x\n\n", "y\r\n\r\n", true),
            ("edit", &edit, &whole, "x\n", "Y\n", true),
            ("edit", &edit, &whole, "x\n", "y\n", false),
            ("edit", &edit, &emptied, "x\n", "", true),
            ("edit", &new, &none, "", "n\n", true),
            ("edit", &new, &none, "x", "n\n", false),
            ("multiedit", &several, &none, "x\n", "z\n", true),
            ("write", &write, &none, "x\n", "w\n", true),
            ("write", &write, &none, "x\n", "w\r\n", false),
            ("view", &json!({"file_path": "/a"}), &none, "x", "x", false),
        ] {
            let change = Change {
                tool,
                input,
                metadata,
                patched: None,
            };
            assert_eq!(
                change.makes(before, after),
                makes,
                "{tool} {before:?} {after:?}"
            );
        }
    }

    #[test]
    fn the_text_before_is_told_only_where_its_line_ends_are_known() {
        let change = |tool| Change {
            tool,
            input: &Value::Null,
            metadata: &Value::Null,
            patched: None,
        };
        let edit = change("edit");
        let told = |noted, after, older| edit.as_on_disk(noted, after, older);
        assert_eq!(told("a\n", "b\n", None).as_deref(), Some("a\n"));
        assert_eq!(told("a\n", "b\r\n", None), None);
        assert_eq!(
            told("a\n", "b\r\n", Some("a\r\n")).as_deref(),
            Some("a\r\n")
        );
        assert_eq!(told("a\n", "b\r\n", Some("c\r\n")), None);
        // One that writes takes what it finds.
        let write = change("write").as_on_disk("a\n", "b\r\n", None);
        assert_eq!(write.as_deref(), Some("a\n"));
    }

    #[test]
    fn a_patch_has_its_lines_one_behind_the_other() {
        let hunk = |lines: &[&str]| Hunk {
            lines: lines.iter().map(|l| (*l).to_owned()).collect(),
            ..Hunk::default()
        };
        let hunks = [hunk(&[" a", "-b", "+B"]), hunk(&["-b", "+c", "+d"])];
        assert_eq!(
            patch("b\na\nb\nb\n", &hunks).as_deref(),
            Some("b\na\nB\nc\nd\n")
        );
        assert_eq!(patch("a\nb\n", &hunks), None);
    }

    #[test]
    fn versions_are_numbered_in_two_ways() {
        let text = |t: &'static str| number(ValueRef::Text(t.as_bytes()));
        assert_eq!(number(ValueRef::Integer(3)), Some(3));
        assert_eq!(
            (text("initial"), text("v12"), text("7")),
            (Some(0), Some(12), Some(7))
        );
        assert_eq!(
            (
                text("x"),
                number(ValueRef::Null),
                number(ValueRef::Integer(-1))
            ),
            (None, None, None)
        );
    }
}
