//! Cuts a text to a number of cells, with `…` where something is missing. Expects sanitised text of one line.

use std::borrow::Cow;

use super::width::{cells, take, width};

/// Keeps the beginning.
pub fn end(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    match limit {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned(format!("{}…", take(text, limit - 1).0)),
    }
}

/// Keeps the end.
pub fn start(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    match limit {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned(format!("…{}", tail(text, limit - 1))),
    }
}

/// Keeps both ends, the end a little longer: that is where names differ.
pub fn middle(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    if limit < 3 {
        return end(text, limit);
    }
    let (head, used) = take(text, (limit - 1) / 2);
    Cow::Owned(format!("{head}…{}", tail(text, limit - 1 - used)))
}

/// The longest end that fits.
fn tail(text: &str, limit: usize) -> &str {
    let (mut from, mut used) = (text.len(), 0);
    for (cluster, width) in cells(text).rev() {
        if used + width > limit {
            break;
        }
        from -= cluster.len();
        used += width;
    }
    &text[from..]
}

/// A path, file name first: `retry.rs  src/http`. The folder is drawn dim, two cells behind the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathCut<'a> {
    /// The file name; cut in the middle only if it does not fit alone.
    pub name: Cow<'a, str>,
    /// The folder, its beginning cut first; empty if there is none or no room for it.
    pub folder: Cow<'a, str>,
}

impl PathCut<'_> {
    /// The cells both take, with the gap between them.
    pub fn width(&self) -> usize {
        let gap = if self.folder.is_empty() { 0 } else { 2 };
        width(&self.name) + gap + width(&self.folder)
    }
}

/// Cuts a path to `limit` cells. A folder is left out rather than cut to fewer than six cells.
pub fn path(text: &str, limit: usize) -> PathCut<'_> {
    let (folder, name) = match text.trim_end_matches('/').rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((folder, name)) => (folder, name),
        None => ("", text),
    };
    let name = middle(name, limit);
    let room = limit.saturating_sub(width(&name) + 2);
    let folder = match () {
        () if width(folder) <= room => Cow::Borrowed(folder),
        () if room >= 6 => start(folder, room),
        () => Cow::Borrowed(""),
    };
    PathCut { name, folder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_middles() {
        assert_eq!(end("abcdef", 6), "abcdef");
        assert_eq!(end("abcdef", 4), "abc…");
        assert_eq!(end("日本語", 4), "日…");
        assert_eq!(start("abcdef", 4), "…def");
        assert_eq!(middle("abcdefghij", 7), "abc…hij");
        assert_eq!(middle("abcdefghij", 1), "…");
        assert_eq!(end("abc", 0), "");
    }

    #[test]
    fn paths_keep_their_file_name() {
        let cut = path("src/http/retry.rs", 20);
        assert_eq!((&*cut.name, &*cut.folder), ("retry.rs", "src/http"));
        let cut = path("crates/core/src/http/retry.rs", 20);
        assert_eq!((&*cut.name, &*cut.folder), ("retry.rs", "…/src/http"));
        let cut = path("src/http/retry.rs", 10);
        assert_eq!((&*cut.name, &*cut.folder), ("retry.rs", ""));
        let cut = path("a_very_long_name_of_a_file.rs", 12);
        assert_eq!(&*cut.name, "a_ver…ile.rs");
        assert_eq!(path("/etc", 10).folder, "/");
        for limit in 0..30 {
            assert!(path("crates/日本/src/http/retry.rs", limit).width() <= limit);
        }
    }
}
