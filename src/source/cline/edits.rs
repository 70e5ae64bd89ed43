//! Edits as these agents write them: blocks of `SEARCH` and `REPLACE`, and what a result shows of a file.

use crate::source::{Effect, Hunk};

/// A block: what is looked for, and what takes its place.
pub(super) type Block = (String, String, bool);

/// The blocks of a diff, in the marks of all versions; none if one of them is not whole.
pub(super) fn blocks(diff: &str) -> Vec<Block> {
    enum At {
        Outside,
        Search,
        Replace,
    }
    let (mut all, mut old, mut new) = (Vec::new(), String::new(), String::new());
    let mut at = At::Outside;
    for line in diff.split_inclusive('\n') {
        let bare = line.trim_end();
        match at {
            At::Outside if is_mark(bare, &["-", "<"], "SEARCH") => {
                (old, new) = (String::new(), String::new());
                at = At::Search;
            }
            At::Outside => {}
            At::Search if bare.len() >= 7 && bare.bytes().all(|b| b == b'=') => at = At::Replace,
            // Roo Code: the place stands above the text, with a line between.
            At::Search if bare.len() >= 7 && bare.bytes().all(|b| b == b'-') && is_place(&old) => {
                old.clear();
            }
            At::Search => old.push_str(line),
            At::Replace if is_mark(bare, &["+", ">"], "REPLACE") => {
                all.push((std::mem::take(&mut old), std::mem::take(&mut new), false));
                at = At::Outside;
            }
            At::Replace => new.push_str(line),
        }
    }
    match at {
        At::Outside => all,
        At::Search | At::Replace => Vec::new(),
    }
}

fn is_mark(line: &str, signs: &[&str], word: &str) -> bool {
    let Some(marks) = line
        .trim_end_matches('>')
        .strip_suffix(word)
        .and_then(|m| m.strip_suffix(' '))
    else {
        return false;
    };
    signs
        .iter()
        .any(|sign| marks.len() >= 3 && marks.split(sign).all(str::is_empty))
}

fn is_place(text: &str) -> bool {
    !text.is_empty()
        && text.lines().all(|line| {
            let line = line.trim();
            line.starts_with(":start_line:") || line.starts_with(":end_line:")
        })
}

/// The whole text of a file that a result gives as it is after the edit, with the path that it names.
pub(super) fn final_content(result: &str) -> Option<(&str, &str)> {
    const OPEN: &str = "<final_file_content path=\"";
    // What the person changed may stand before it and quote anything; the last line that opens one is the real one unless
    // it is inside of the file, and then the words that lead to it are the first such.
    let lead = result.find("Here is the full, updated content of the file");
    let from = lead.unwrap_or(0);
    let at = from + result[from..].find(OPEN)? + OPEN.len();
    let (path, rest) = result[at..].split_once("\">\n")?;
    let end = rest.rfind("</final_file_content>")?;
    let text = &rest[..end];
    Some((path, text.strip_suffix('\n').unwrap_or(text)))
}

/// The blocks as hunks of the text after them, with true line numbers; none if one of them does not stand there as it was
/// written (the editor formatted it), or leaves nothing to be found. Whether they fit the text before, others must check.
pub(super) fn hunks(after: &str, blocks: &[Block]) -> Vec<Hunk> {
    let lines: Vec<&str> = after.lines().collect();
    let (mut all, mut from, mut grown) = (Vec::new(), 0, 0_i64);
    for (old, new, _) in blocks {
        let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
        let found = lines
            .get(from..)
            .filter(|_| !new.is_empty())
            .and_then(|rest| rest.windows(new.len()).position(|w| w == new));
        let Some(found) = found else {
            return Vec::new();
        };
        let at = from + found;
        let number = |n: i64| u32::try_from(n).unwrap_or(0);
        let start = at as i64 + 1;
        let (removed, added) = (old.len() as i64, new.len() as i64);
        all.push(Hunk {
            // An empty range stands behind the line that it names.
            old_start: number(start - grown - i64::from(old.is_empty())),
            old_lines: number(removed),
            new_start: number(start),
            new_lines: number(added),
            lines: marked(&old, &new),
        });
        grown += added - removed;
        from = at + new.len();
    }
    all
}

/// Lines with their marks; what both texts begin and end with is context.
fn marked(old: &[&str], new: &[&str]) -> Vec<String> {
    let front = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[front..], &new[front..]);
    let back = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old_rest, tail) = old_rest.split_at(old_rest.len() - back);
    let new_rest = &new_rest[..new_rest.len() - back];
    let with = |mark: char, lines: &[&str]| -> Vec<String> {
        lines.iter().map(|l| format!("{mark}{l}")).collect()
    };
    [
        with(' ', &old[..front]),
        with('-', old_rest),
        with('+', new_rest),
        with(' ', tail),
    ]
    .concat()
}

/// Whether a result says that the person or the editor changed what was written.
pub(super) fn is_amended(result: &str) -> bool {
    result.contains("\"user_edits\":") || result.contains("The user made the following updates")
}

/// Files that a result shows with numbers before the lines; `path` is the one that was asked for.
pub(super) fn numbered(path: &str, result: &str) -> Vec<Effect> {
    let mut all = Vec::new();
    let mut path = path.to_owned();
    let (mut first, mut next, mut content) = (None, 0, String::new());
    let mut flush = |path: &str, first: &mut Option<u32>, content: &mut String| {
        let content = std::mem::take(content);
        if let Some(first_line) = first.take()
            && !path.is_empty()
        {
            all.push(Effect::Read {
                path: path.to_owned(),
                content,
                first_line,
                // Whether the last line has a line end is not told.
                whole: false,
            });
        }
    };
    for line in result.lines() {
        let number = line
            .split_once(" | ")
            .or_else(|| line.split_once(" |"))
            .and_then(|(n, text)| Some((n.trim().parse::<u32>().ok()?, text)));
        match number {
            Some((n, text)) if first.is_none() || n == next => {
                first.get_or_insert(n);
                next = n.saturating_add(1);
                content.push_str(text);
                content.push('\n');
            }
            _ => {
                flush(&path, &mut first, &mut content);
                let named = line.trim().strip_prefix("<path>");
                let named = named.and_then(|l| l.strip_suffix("</path>"));
                let named = named.or_else(|| line.strip_prefix("File: "));
                if let Some(named) = named.or_else(|| file_tag(line)) {
                    named.clone_into(&mut path);
                }
            }
        }
    }
    flush(&path, &mut first, &mut content);
    all
}

/// `<file><path>a.rs</path>` on one line.
fn file_tag(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("<file><path>")?;
    Some(rest.split_once("</path>")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_in_the_marks_of_all_versions() {
        let block = |old: &str, new: &str| (old.to_owned(), new.to_owned(), false);
        for (diff, all) in [
            (
                "------- SEARCH\na\n=======\nb\n+++++++ REPLACE\n\n------- SEARCH\nc\n=======\n+++++++ REPLACE\n",
                vec![block("a\n", "b\n"), block("c\n", "")],
            ),
            (
                "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE",
                vec![block("a\n", "b\n")],
            ),
            (
                "<<<<<<< SEARCH\n:start_line:10\n-------\na\n-------\n=======\nb\n>>>>>>> REPLACE",
                vec![block("a\n-------\n", "b\n")],
            ),
            ("<<<<<<< SEARCH\na\n=======\nb\n", vec![]),
            ("------- SEARCH\na\n", vec![]),
            ("words", vec![]),
        ] {
            assert_eq!(blocks(diff), all, "{diff}");
        }
    }

    #[test]
    fn the_final_content_is_what_stands_between_its_tags() {
        let result = "The content was successfully saved to a.md.\n\nHere is the full, updated content of the file that was saved:\n\n<final_file_content path=\"a.md\">\nx\n</final_file_content>\ny\n\n</final_file_content>\n\nIMPORTANT: words";
        assert_eq!(
            final_content(result),
            Some(("a.md", "x\n</final_file_content>\ny\n"))
        );
        assert_eq!(final_content("<final_file_content path=\"a\">\nx"), None);
        assert_eq!(final_content(""), None);
    }

    #[test]
    fn blocks_have_their_places_in_the_text_after_them() {
        let block = |old: &str, new: &str| (old.to_owned(), new.to_owned(), false);
        let base = "a\nb\nc\nd\ne\n";
        let after = "a\nB\nB2\nc\nd\nE\n";
        let blocks = [block("a\nb\n", "a\nB\nB2\n"), block("e\n", "E\n")];
        let found = hunks(after, &blocks);
        assert_eq!(found[0].lines, [" a", "-b", "+B", "+B2"]);
        assert_eq!((found[1].old_start, found[1].new_start), (5, 6));
        let applied = crate::diff::patch::apply(base, &found, true);
        assert_eq!(applied.ok().as_deref(), Some(after));
        assert!(hunks("a\n", &blocks).is_empty(), "not there any more");
        assert!(
            hunks(after, &[block("x\n", "")]).is_empty(),
            "nothing to find"
        );
    }

    #[test]
    fn numbered_lines_are_a_part_of_their_file() {
        let shown = "<files>\n<file><path>a.rs</path>\n<content lines=\"9-11\">\n 9 | x\n10 |\n11 |  y\n</content></file>\n</files>";
        let read = numbered("", shown);
        assert_eq!(
            read,
            [Effect::Read {
                path: "a.rs".to_owned(),
                content: "x\n\n y\n".to_owned(),
                first_line: 9,
                whole: false
            }]
        );
        assert!(numbered("a", "no numbers").is_empty());
    }
}
