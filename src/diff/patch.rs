//! Unified diffs as text: read, written, and applied strictly.
//!
//! Applying never guesses: every line that a hunk says was there must be there, byte for byte, at the line it names, or,
//! where the numbers cannot be relied on, at the only place where it fits. Lines end in `\n`; a `\r` before it belongs
//! to the line. The lines above the hunks (`---`, `diff --git`) are written in
//! [`super::headers`].

use std::fmt;

use crate::source::Hunk;

/// The mark under a last line that has no line end.
pub const NO_NEWLINE: &str = "\\ No newline at end of file";

/// Why a text could not be read as a unified diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the diff: {}", self.line, self.what)
    }
}

impl std::error::Error for Malformed {}

/// Why hunks do not fit a text. Hunks and lines are numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The lines of a hunk are not as many as its head says.
    Counts {
        /// Which hunk.
        hunk: usize,
    },
    /// A line of a hunk has none of the marks ` `, `-`, `+`, `\`.
    Mark {
        /// Which hunk.
        hunk: usize,
    },
    /// A hunk begins before the end of the one before it.
    Order {
        /// Which hunk.
        hunk: usize,
    },
    /// The text ends before the lines that a hunk speaks of.
    TooShort {
        /// Which hunk.
        hunk: usize,
        /// How many lines the text has.
        lines: usize,
    },
    /// A line is another one than the hunk says.
    Differs {
        /// Which hunk.
        hunk: usize,
        /// Which line of the text.
        line: usize,
    },
    /// A hunk without reliable numbers fits nowhere.
    NotFound {
        /// Which hunk.
        hunk: usize,
    },
    /// A hunk without reliable numbers fits in several places, or says nothing of its place.
    Ambiguous {
        /// Which hunk.
        hunk: usize,
    },
    /// A line without line end would stand before others.
    NoNewline {
        /// Which hunk.
        hunk: usize,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Counts { hunk } => {
                write!(f, "hunk {hunk} has not as many lines as its head says")
            }
            Mismatch::Mark { hunk } => write!(f, "hunk {hunk} has a line without a mark"),
            Mismatch::Order { hunk } => {
                write!(f, "hunk {hunk} reaches back into the one before it")
            }
            Mismatch::TooShort { hunk, lines } => {
                write!(
                    f,
                    "hunk {hunk} speaks of lines behind the end: the text has {lines}"
                )
            }
            Mismatch::Differs { hunk, line } => {
                write!(f, "line {line} is not what hunk {hunk} expects")
            }
            Mismatch::NotFound { hunk } => {
                write!(f, "the lines of hunk {hunk} are nowhere in the text")
            }
            Mismatch::Ambiguous { hunk } => write!(f, "hunk {hunk} fits in more than one place"),
            Mismatch::NoNewline { hunk } => write!(f, "hunk {hunk} ends the text in its middle"),
        }
    }
}

impl std::error::Error for Mismatch {}

/// Reads the hunks of a unified diff of one file. Lines before the first hunk are passed over; a line behind a complete
/// hunk that does not begin another is an error, as is an incomplete hunk.
pub fn parse(text: &str) -> Result<Vec<Hunk>, Malformed> {
    let mut hunks: Vec<Hunk> = Vec::new();
    // Lines still to come in the old and in the new file.
    let mut open = (0_u32, 0_u32);
    for (at, line) in text
        .strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .enumerate()
    {
        let fail = |what| Err(Malformed { line: at + 1, what });
        let Some(hunk) = hunks
            .last_mut()
            .filter(|h| open != (0, 0) || line.starts_with('\\') && !h.lines.is_empty())
        else {
            if line.starts_with("@@") {
                let Some(hunk) = parse_head(line) else {
                    return fail("not a hunk head");
                };
                open = (hunk.old_lines, hunk.new_lines);
                hunks.push(hunk);
            } else if !hunks.is_empty() && !line.is_empty() {
                return fail("more than the hunks of one file");
            }
            continue;
        };
        let (old, new) = match line.as_bytes().first() {
            // Mailers and editors take the space of an empty line away.
            Some(b' ') | None => (1, 1),
            Some(b'-') => (1, 0),
            Some(b'+') => (0, 1),
            Some(b'\\') => (0, 0),
            Some(_) => return fail("a line without a mark"),
        };
        let (Some(old), Some(new)) = (open.0.checked_sub(old), open.1.checked_sub(new)) else {
            return fail("more lines than the head of the hunk says");
        };
        open = (old, new);
        hunk.lines.push(if line.is_empty() {
            " ".to_owned()
        } else {
            line.to_owned()
        });
    }
    match open {
        (0, 0) => Ok(hunks),
        _ => Err(Malformed {
            line: text.lines().count(),
            what: "the last hunk is not complete",
        }),
    }
}

/// Reads `@@ -1,4 +1,5 @@ anything`.
fn parse_head(line: &str) -> Option<Hunk> {
    let (ranges, _) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(u32, u32)> {
        match text.split_once(',') {
            Some((start, lines)) => Some((start.parse().ok()?, lines.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let ((old_start, old_lines), (new_start, new_lines)) = (range(old)?, range(new)?);
    Some(Hunk {
        old_start,
        old_lines,
        new_start,
        new_lines,
        lines: Vec::new(),
    })
}

/// The head of a hunk: `@@ -1,4 +1,5 @@`.
pub fn head(hunk: &Hunk) -> String {
    let range = |start: u32, lines: u32| match lines {
        1 => start.to_string(),
        _ => format!("{start},{lines}"),
    };
    let old = range(hunk.old_start, hunk.old_lines);
    format!("@@ -{old} +{} @@", range(hunk.new_start, hunk.new_lines))
}

/// Writes hunks as `git apply` reads them, below the headers that the caller writes.
pub fn render(hunks: &[Hunk]) -> String {
    let mut out = String::new();
    for hunk in hunks {
        out.push_str(&head(hunk));
        out.push('\n');
        for line in &hunk.lines {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// The hunks that undo these.
pub fn reverse(hunks: &[Hunk]) -> Vec<Hunk> {
    hunks.iter().map(reverse_one).collect()
}

fn reverse_one(hunk: &Hunk) -> Hunk {
    let mut lines = Vec::with_capacity(hunk.lines.len());
    // Within a run of changes, removed lines come first: what was added becomes the front part.
    let (mut removed, mut added): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut last = ' ';
    for line in &hunk.lines {
        let mark = line.chars().next().unwrap_or(' ');
        let body = line.get(1..).unwrap_or("");
        match (mark, last) {
            ('+', _) => removed.push(format!("-{body}")),
            ('-', _) => added.push(format!("+{body}")),
            ('\\', '+') => removed.push(line.clone()),
            ('\\', '-') => added.push(line.clone()),
            _ => {
                lines.append(&mut removed);
                lines.append(&mut added);
                lines.push(line.clone());
            }
        }
        if mark != '\\' {
            last = mark;
        }
    }
    lines.append(&mut removed);
    lines.append(&mut added);
    Hunk {
        old_start: hunk.new_start,
        old_lines: hunk.new_lines,
        new_start: hunk.old_start,
        new_lines: hunk.old_lines,
        lines,
    }
}

/// Applies hunks to a text: all of them, or none.
///
/// With `numbered`, each hunk goes to the line it names. Without, each goes to the only place behind the one before it
/// where all its old lines stand; heads whose four numbers are zero are then not held against the lines.
pub fn apply(base: &str, hunks: &[Hunk], numbered: bool) -> Result<String, Mismatch> {
    let lines: Vec<&str> = base.split_inclusive('\n').collect();
    let mut out = Output {
        text: String::with_capacity(base.len() + 256),
        hunk: 0,
    };
    let mut done = 0;
    for (hunk, no) in hunks.iter().zip(1..) {
        let sides = Sides::of(hunk, no)?;
        sides.check_counts(hunk, numbered, no)?;
        let at = if numbered {
            named_place(hunk, &lines)
        } else {
            only_place(&sides.old, &lines, done)
                .ok_or(Mismatch::NotFound { hunk: no })?
                .map_err(|()| Mismatch::Ambiguous { hunk: no })?
        };
        if at < done {
            return Err(Mismatch::Order { hunk: no });
        }
        let end = at + sides.old.len();
        if end > lines.len() {
            return Err(Mismatch::TooShort {
                hunk: no,
                lines: lines.len(),
            });
        }
        if let Some(wrong) = (at..end).find(|&i| !sides.old[i - at].is(lines[i])) {
            return Err(Mismatch::Differs {
                hunk: no,
                line: wrong + 1,
            });
        }
        for line in &lines[done..at] {
            out.push(line)?;
        }
        out.hunk = no;
        for line in &sides.new {
            out.push(line.text)?;
            if line.ended {
                out.text.push('\n');
            }
        }
        done = end;
    }
    for line in &lines[done..] {
        out.push(line)?;
    }
    Ok(out.text)
}

/// The text as far as it is written.
struct Output {
    text: String,
    /// The hunk that was written last.
    hunk: usize,
}

impl Output {
    /// Adds a line, behind a complete one only.
    fn push(&mut self, line: &str) -> Result<(), Mismatch> {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            return Err(Mismatch::NoNewline {
                hunk: self.hunk.max(1),
            });
        }
        self.text.push_str(line);
        Ok(())
    }
}

/// A line of a hunk: its text, and whether a line end follows it.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    ended: bool,
}

impl Line<'_> {
    fn is(&self, line: &str) -> bool {
        match line.strip_suffix('\n') {
            Some(text) => self.ended && text == self.text,
            None => !self.ended && line == self.text,
        }
    }
}

/// The lines of a hunk in the old and in the new file.
struct Sides<'a> {
    old: Vec<Line<'a>>,
    new: Vec<Line<'a>>,
}

impl<'a> Sides<'a> {
    fn of(hunk: &'a Hunk, no: usize) -> Result<Self, Mismatch> {
        let mut sides = Sides {
            old: Vec::new(),
            new: Vec::new(),
        };
        let mut last = (false, false);
        for line in &hunk.lines {
            let in_sides = match line.as_bytes().first() {
                Some(b' ') | None => (true, true),
                Some(b'-') => (true, false),
                Some(b'+') => (false, true),
                Some(b'\\') => {
                    for (side, _) in [(&mut sides.old, last.0), (&mut sides.new, last.1)]
                        .into_iter()
                        .filter(|s| s.1)
                    {
                        if let Some(line) = side.last_mut() {
                            line.ended = false;
                        }
                    }
                    continue;
                }
                Some(_) => return Err(Mismatch::Mark { hunk: no }),
            };
            let line = Line {
                text: line.get(1..).unwrap_or(""),
                ended: true,
            };
            if in_sides.0 {
                sides.old.push(line);
            }
            if in_sides.1 {
                sides.new.push(line);
            }
            last = in_sides;
        }
        Ok(sides)
    }

    fn check_counts(&self, hunk: &Hunk, numbered: bool, no: usize) -> Result<(), Mismatch> {
        let unknown = [
            hunk.old_start,
            hunk.old_lines,
            hunk.new_start,
            hunk.new_lines,
        ] == [0; 4];
        let right =
            self.old.len() == hunk.old_lines as usize && self.new.len() == hunk.new_lines as usize;
        if right || (unknown && !numbered) {
            Ok(())
        } else {
            Err(Mismatch::Counts { hunk: no })
        }
    }
}

/// Where a hunk says that it belongs, counted from 0. An empty old range names the line behind which it stands; for an
/// empty text some tools write 1.
fn named_place(hunk: &Hunk, lines: &[&str]) -> usize {
    match hunk.old_lines {
        0 if lines.is_empty() => 0,
        0 => hunk.old_start as usize,
        _ => (hunk.old_start as usize).saturating_sub(1),
    }
}

/// The only place from `from` on where the old lines stand: `None` without any, `Err` with several.
fn only_place(old: &[Line<'_>], lines: &[&str], from: usize) -> Option<Result<usize, ()>> {
    if old.is_empty() {
        return Some(if lines.is_empty() { Ok(0) } else { Err(()) });
    }
    let fits = |&at: &usize| old.iter().zip(&lines[at..]).all(|(old, line)| old.is(line));
    let mut places = (from..=lines.len().checked_sub(old.len())?).filter(fits);
    let place = places.next()?;
    Some(if places.next().is_none() {
        Ok(place)
    } else {
        Err(())
    })
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
