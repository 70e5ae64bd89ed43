//! Cutting a document into turns, and turns into what was said and done.
//!
//! What people and tools wrote stands in it as it is, headlines and fences included. So a headline counts only between empty
//! lines and in the form that the first one has, and a tool's block ends only where something else begins.

use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Value, json};

use super::SIDE;
use crate::model::BlobHash;
use crate::source::extract::Take;
use crate::source::record::rank;
use crate::source::{Given, Places};

const TOOL: &str = "<tool-use ";
const TOOL_END: &str = "</details></tool-use>";
const THINK: &str = "<think>";
const THINK_END: &str = "</details></think>";
/// Ends of blocks that are looked at for the one behind which something else begins.
const ENDS: usize = 16;

/// Cuts a document.
pub(super) fn cut(path: &Path, text: &str, _: &Places, take: &mut Take<'_>) -> Result<()> {
    let lines: Vec<&str> = text.lines().collect();
    let turns = turns(&lines);
    let (name, id) = session(&lines[..turns.first().map_or(lines.len(), |t| t.line)]);
    let session = match (id, turns.first()) {
        (Some(id), _) => id.to_owned(),
        (None, Some(first)) => {
            let whole = lines[first.line..first.end].join("\n");
            BlobHash::of(whole.as_bytes()).hex()[..16].to_owned()
        }
        (None, None) if text.trim_end().ends_with("-->") => return Ok(()),
        (None, None) => return Err(eyre!("it has no turn that could be read")),
    };
    let mut book = Book {
        session: &session,
        agent: id.and(name),
        n: 0,
        take,
    };
    let folder = path
        .ancestors()
        .find(|p| p.file_name().is_some_and(|n| n == ".specstory"))
        .and_then(Path::parent)
        .filter(|p| p.is_absolute())
        .map(|p| p.to_string_lossy());
    book.put(
        "session",
        false,
        json!({"folder": folder, "head": lines.first()}),
    )?;
    let first_minute = turns.first().and_then(|t| t.head.at);
    for (n, turn) in turns.iter().enumerate() {
        // A time without seconds is the session's, whichever turn it stands on.
        let at = turn.head.at.filter(|at| at.len() > 17).or(match n {
            0 => first_minute,
            _ => None,
        });
        book.turn(&lines, turn, at)?;
    }
    Ok(())
}

/// What stands in a headline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head<'t> {
    user: bool,
    side: bool,
    /// Whether it has anything in brackets.
    bracket: bool,
    at: Option<&'t str>,
    model: Option<&'t str>,
}

/// A turn: its headline's place, and where the next one begins.
struct Turn<'t> {
    head: Head<'t>,
    line: usize,
    end: usize,
}

fn head(line: &str) -> Option<Head<'_>> {
    let inner = line.strip_prefix("_**")?.strip_suffix("**_")?;
    let (who, rest) = match inner.split_once(" (") {
        Some((who, rest)) => (who, Some(rest.strip_suffix(')')?)),
        None => (inner, None),
    };
    let (who, side) = match who.strip_suffix(" - sidechain") {
        Some(who) => (who, true),
        None => (who, false),
    };
    let user = match who {
        "User" => true,
        "Agent" | "Assistant" => false,
        _ => return None,
    };
    let (model, at) = match rest {
        Some(rest) => stamp(rest),
        None => (None, None),
    };
    Some(Head {
        user,
        side,
        bracket: rest.is_some(),
        at,
        model: model
            .map(|m| m.strip_prefix("model ").unwrap_or(m))
            .map(|m| m.split(", ").next().unwrap_or(m))
            .filter(|m| !user && !m.is_empty()),
    })
}

/// What stands before a time, and the time.
fn stamp(text: &str) -> (Option<&str>, Option<&str>) {
    let from = text.len().checked_sub(20).or(text.len().checked_sub(17));
    for from in [from, text.len().checked_sub(17)].into_iter().flatten() {
        let Some(at) = text.get(from..) else { continue };
        let shape = at
            .bytes()
            .zip("0000-00-00 00:00:00Z".bytes())
            .all(|(b, like)| match like {
                b'0' => b.is_ascii_digit(),
                _ => b == like || (at.len() == 17 && b == b'Z'),
            });
        if shape && at.ends_with('Z') {
            let before = text[..from].trim();
            return (Some(before).filter(|b| !b.is_empty()), Some(at));
        }
    }
    (Some(text), None)
}

fn blank(line: Option<&&str>) -> bool {
    line.is_none_or(|l| l.trim().is_empty())
}

fn turns<'t>(lines: &[&'t str]) -> Vec<Turn<'t>> {
    let mut turns: Vec<Turn<'t>> = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let around = at == 0 || blank(lines.get(at - 1));
        let shape = |h: &Head<'_>| turns.first().is_none_or(|f| f.head.bracket == h.bracket);
        if around
            && blank(lines.get(at + 1))
            && let Some(head) = head(line).filter(shape)
        {
            if let Some(last) = turns.last_mut() {
                last.end = at;
            }
            turns.push(Turn {
                head,
                line: at,
                end: lines.len(),
            });
        } else if turns.last().is_some_and(|t| !t.head.user)
            && let Some(end) = block(lines, at)
        {
            at = end;
        }
        at += 1;
    }
    turns
}

/// The last line of the block that begins here; the document's last one if it is torn. `None` if none begins here.
fn block(lines: &[&str], at: usize) -> Option<usize> {
    let end = match lines[at] {
        line if line.starts_with(TOOL) => TOOL_END,
        line if line.starts_with(THINK) => THINK_END,
        _ => return None,
    };
    let ends: Vec<usize> = (at..lines.len())
        .filter(|n| lines[*n].ends_with(end))
        .take(ENDS)
        .collect();
    let real = ends.iter().find(|n| {
        let next = lines[**n + 1..].iter().find(|l| !l.trim().is_empty());
        next.is_none_or(|l| {
            *l == "---" || l.starts_with(TOOL) || l.starts_with(THINK) || head(l).is_some()
        })
    });
    Some(*real.or(ends.first()).unwrap_or(&(lines.len() - 1)))
}

/// Whose session it is: the agent's name and the session's id.
fn session<'t>(lines: &[&'t str]) -> (Option<&'t str>, Option<&'t str>) {
    let found = lines.iter().find_map(|line| {
        let inner = line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
        let (name, rest) = inner.split_once(" Session ")?;
        let id = rest.split_whitespace().next()?;
        let is_id = id.len() >= 8
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        is_id.then_some((name, id))
    });
    (found.map(|f| f.0), found.map(|f| f.1))
}

/// Hands out records, numbered.
struct Book<'b, 't> {
    session: &'b str,
    agent: Option<&'b str>,
    n: u64,
    take: &'b mut Take<'t>,
}

impl Book<'_, '_> {
    fn put(&mut self, kind: &str, side: bool, mut body: Value) -> Result<()> {
        // Each record says whose it is: it may be the only new one.
        body["agent"] = json!(self.agent);
        let order = rank(self.n);
        self.n += 1;
        let child = format!("{}{SIDE}", self.session);
        (self.take)(Given {
            session: if side { &child } else { self.session },
            key: &order,
            order: &order,
            kind,
            body: &body.to_string(),
        })
    }

    fn turn(&mut self, lines: &[&str], turn: &Turn<'_>, at: Option<&str>) -> Result<()> {
        let Head {
            user, side, model, ..
        } = turn.head;
        let body = |text: &str| json!({"text": text, "at": at, "model": model});
        let own = &lines[turn.line + 1..turn.end];
        if user {
            let kind = if side { "task" } else { "user" };
            return self.put(kind, side, body(&words(own)));
        }
        let (mut said, mut n) = (0, 0);
        while n < own.len() {
            let from = turn.line + 1 + n;
            let Some(end) = block(&lines[..turn.end], from) else {
                n += 1;
                continue;
            };
            self.say(side, &own[said..n], &body)?;
            let kind = match lines[from].starts_with(TOOL) {
                true => "tool",
                false => "think",
            };
            self.put(kind, side, body(&lines[from..=end].join("\n")))?;
            n = end - turn.line;
            said = n;
        }
        self.say(side, &own[said..], &body)
    }

    fn say(&mut self, side: bool, lines: &[&str], body: &dyn Fn(&str) -> Value) -> Result<()> {
        match words(lines) {
            text if text.is_empty() => Ok(()),
            text => self.put("say", side, body(&text)),
        }
    }
}

/// The text between two headlines, without the rule that stands where the speaker changes.
fn words(lines: &[&str]) -> String {
    let text = |lines: &[&str]| {
        let text = lines.join("\n");
        text.trim_matches('\n').trim_end().to_owned()
    };
    let whole = text(lines);
    match whole.strip_suffix("---") {
        Some(before) if before.is_empty() || before.ends_with("\n\n") => {
            before.trim_end().trim_start_matches('\n').to_owned()
        }
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headlines_of_all_versions() {
        let of = |line| head(line).map(|h| (h.user, h.side, h.at, h.model));
        let at = Some("2026-07-01 12:53:16Z");
        assert_eq!(
            of("_**User (2026-07-01 12:53:16Z)**_"),
            Some((true, false, at, None))
        );
        assert_eq!(
            of("_**Agent - sidechain (a-b-4 2026-07-01 12:53:16Z)**_"),
            Some((false, true, at, Some("a-b-4")))
        );
        assert_eq!(
            of("_**Agent (model default, mode Agent)**_"),
            Some((false, false, None, Some("default")))
        );
        assert_eq!(
            of("_**User (2025-04-27 20:17Z)**_"),
            Some((true, false, Some("2025-04-27 20:17Z"), None))
        );
        assert_eq!(of("_**User**_"), Some((true, false, None, None)));
        for none in [
            "_**Users**_",
            "_**User (x**_",
            "**User**",
            "_**é (2026-07-01 12:5é)**_",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
