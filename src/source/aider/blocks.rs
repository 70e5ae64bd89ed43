//! The blocks of an answer that say how files are to change. Whether they did is not said here.

use crate::source::Hunk;

/// What a block says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// These lines become those.
    Replace { old: String, new: String },
    /// Hunks of a unified diff without line numbers.
    Diff(Vec<Hunk>),
    /// A fenced text below the file's name: the whole file, if that is the format.
    Fenced(String),
    /// The marks are such that Aider's versions read them differently.
    Unclear,
}

/// A file as the block names it, and the change.
pub(super) type Block = (String, Change);

/// The line that opens or closes a fence.
pub(super) fn is_fence(line: &str) -> bool {
    line.starts_with("```") || matches!(line.trim_end(), "<source>" | "</source>")
}

fn is_mark(line: &str, mark: char, word: &str) -> bool {
    let rest = line.trim_start_matches(mark);
    let n = line.len() - rest.len();
    (5..=9).contains(&n) && rest.trim_end() == word
}

fn is_search(line: &str) -> bool {
    is_mark(line, '<', " SEARCH") || is_mark(line, '<', " SEARCH>")
}

/// Every block of an answer, in order. One that is torn is none.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let bare = |i: usize| lines[i].trim_end_matches(['\n', '\r']);
    let mut found: Vec<Block> = Vec::new();
    let mut i = 0;
    while i < lines.len() {
        if is_search(bare(i)) {
            let name = name_above(&lines, i).or_else(|| found.last().map(|b| b.0.clone()));
            let Some((change, end)) = replacement(&lines, i + 1) else {
                return found;
            };
            if let Some(name) = name {
                found.push((name, change));
            }
            i = end;
        } else if is_fence(bare(i)) && !lines.get(i + 1).is_some_and(|l| is_search(l.trim_end())) {
            let Some(end) = closing(&lines, i) else {
                i += 1;
                continue;
            };
            let inside = &lines[i + 1..end];
            let has_search = inside.iter().any(|l| is_search(l.trim_end()));
            if has_search {
                i += 1;
                continue;
            }
            let diffs = diff(inside);
            if !diffs.is_empty() {
                found.extend(diffs);
            } else if let Some(name) = name_above(&lines, i) {
                found.push((name, Change::Fenced(inside.concat().replace("\r\n", "\n"))));
            }
            i = end + 1;
        } else {
            i += 1;
        }
    }
    found
}

/// The name on the nearest of the three lines above that is no fence.
fn name_above(lines: &[&str], at: usize) -> Option<String> {
    let above = lines[at.saturating_sub(3)..at].iter().rev();
    let line = above.map(|l| l.trim()).find(|l| !is_fence(l))?;
    let name = line
        .trim_end_matches(':')
        .trim_start_matches('#')
        .trim()
        .trim_matches('`')
        .trim_matches('*');
    (!name.is_empty() && name != "...").then(|| name.to_owned())
}

/// Old and new text, and the line behind them.
fn replacement(lines: &[&str], from: usize) -> Option<(Change, usize)> {
    let find = |from: usize, mark: char, word: &str| {
        (from..lines.len()).find(|i| is_mark(lines[*i].trim_end(), mark, word))
    };
    let middle = find(from, '=', "")?;
    let end = find(middle + 1, '>', " REPLACE")?;
    if find(middle + 1, '=', "").is_some_and(|second| second < end) {
        return Some((Change::Unclear, end + 1));
    }
    let text = |part: &[&str]| part.concat().replace("\r\n", "\n");
    let (old, new) = (text(&lines[from..middle]), text(&lines[middle + 1..end]));
    Some((Change::Replace { old, new }, end + 1))
}

/// The fence that closes the one at `at`: as long as that one, and nothing behind it.
fn closing(lines: &[&str], at: usize) -> Option<usize> {
    let open = lines[at].trim_end();
    let ticks = open.len() - open.trim_start_matches('`').len();
    let close = match ticks {
        0 => "</source>".to_owned(),
        n => "`".repeat(n),
    };
    (at + 1..lines.len()).find(|i| lines[*i].trim_end() == close)
}

/// The files of a unified diff whose hunks have no numbers that count.
fn diff(lines: &[&str]) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (i, line) in lines.iter().enumerate() {
        let line = line.trim_end_matches(['\n', '\r']);
        let next = lines.get(i + 1).is_some_and(|l| l.starts_with("+++ "));
        if line.starts_with("--- ") && next {
            open = false;
        } else if let Some(name) = line.strip_prefix("+++ ") {
            let name = name.trim();
            let name = name.strip_prefix("b/").unwrap_or(name);
            found.push((name.to_owned(), Change::Diff(Vec::new())));
            open = false;
        } else if let Some((_, Change::Diff(hunks))) = found.last_mut() {
            if line.starts_with("@@") {
                hunks.push(Hunk::default());
                open = true;
            } else if let (true, Some(hunk)) = (open, hunks.last_mut()) {
                let line = if line.is_empty() { " " } else { line };
                hunk.lines.push(line.to_owned());
            }
        }
    }
    for (_, change) in &mut found {
        if let Change::Diff(hunks) = change {
            hunks.retain(|h| !h.lines.is_empty());
            hunks.iter_mut().for_each(count);
        }
    }
    found
}

/// The hunk that replaces whole lines by whole lines.
pub(super) fn hunk(old: &str, new: &str) -> Hunk {
    let side = |mark: char, text: &str| -> Vec<String> {
        text.lines().map(|l| format!("{mark}{l}")).collect()
    };
    let mut lines = side('-', old);
    lines.extend(side('+', new));
    let mut hunk = Hunk {
        lines,
        ..Hunk::default()
    };
    count(&mut hunk);
    hunk
}

fn count(hunk: &mut Hunk) {
    let is = |other: char| move |l: &&String| !l.starts_with(other);
    hunk.old_lines = hunk.lines.iter().filter(is('+')).count() as u32;
    hunk.new_lines = hunk.lines.iter().filter(is('-')).count() as u32;
}
