//! `sessions`: one line each, newest first.

use color_eyre::Result;

use super::context::Context;
use super::out::{Out, Role};
use super::{json, retention, when};
use crate::model::{TestOutcome, Time};
use crate::query::types::{SessionInfo, SessionList};
use crate::query::{Ask, one_line};
use crate::text;

/// On fewer columns than this, words become letters.
const NARROW: usize = 110;
/// Columns of a title where there is no terminal to ask.
const TITLE: usize = 60;

pub(super) fn run(context: &Context<'_>, out: &mut Out) -> Result<()> {
    let ask = context.ask(out)?;
    let list = ask.sessions()?;
    if out.json {
        let all: Vec<json::Session<'_>> = list.sessions.iter().map(Into::into).collect();
        return out.value(&all, false);
    }
    if list.sessions.is_empty() {
        return none(&list, out);
    }
    let now = context.env.clock.now();
    // Where words leave no room for the titles, marks must do.
    let narrow = out.width.is_some_and(|w| w < NARROW);
    let fixed: Vec<[String; 6]> = list
        .sessions
        .iter()
        .map(|s| cells(s, now, narrow))
        .collect();
    let widths: Vec<usize> = (0..6)
        .map(|i| fixed.iter().map(|f| text::width(&f[i])).max().unwrap_or(0))
        .collect();
    let taken: usize = widths.iter().map(|w| w + 2).sum::<usize>() + 9 + 2;
    let room = out.width.map_or(TITLE, |w| w.saturating_sub(taken).max(16));
    for (session, cells) in list.sessions.iter().zip(&fixed) {
        row(out, session, cells, &widths, room)?;
    }
    for expiring in &list.expiring {
        if let Some(warning) = retention::warning(expiring) {
            out.note(&format!("{warning} ({})", retention::rule(expiring)))?;
        }
    }
    if list.elsewhere > 0 {
        let n = list.elsewhere;
        let s = if n == 1 { "" } else { "s" };
        out.note(&format!(
            "{n} transcript{s} elsewhere on this machine: --all shows them"
        ))?;
    }
    Ok(())
}

fn cells(s: &SessionInfo, now: Time, narrow: bool) -> [String; 6] {
    let number = |n: u32, noun: &str| match narrow {
        true => format!("{n}{}", &noun[..1]),
        false => count(n, noun),
    };
    let tests = tests(s).0;
    [
        if s.live {
            "now".to_owned()
        } else {
            when::short(s.ended_at.or(s.started_at), now)
        },
        s.agent.to_string(),
        number(s.prompts, "prompt"),
        if narrow {
            tests.replace(" tests", "")
        } else {
            tests.to_owned()
        },
        number(s.files_changed, "file"),
        if narrow { String::new() } else { lines(s) },
    ]
}

fn row(
    out: &mut Out,
    s: &SessionInfo,
    cells: &[String; 6],
    widths: &[usize],
    room: usize,
) -> Result<()> {
    let id: String = s.id.chars().take(9).collect();
    let title = if s.title.is_empty() {
        "(no prompt)".to_owned()
    } else {
        one_line(&s.title, 200)
    };
    let title = text::line(&title).into_owned();
    let title = pad(&text::end(&title, room), room);
    let cell = |i: usize, role: Role| out.paint(role, &pad(&cells[i], widths[i]));
    let mut line = vec![
        out.paint(Role::Accent, &id),
        cell(0, if s.live { Role::Good } else { Role::Dim }),
        cell(1, Role::Text),
        out.paint(
            if s.title.is_empty() {
                Role::Dim
            } else {
                Role::Bold
            },
            &title,
        ),
        cell(2, Role::Text),
        cell(3, tests(s).1),
        cell(4, Role::Text),
        cell(5, Role::Text),
    ];
    if s.archived {
        line.push(out.paint(Role::Dim, "archived"));
    }
    if s.visited_only {
        line.push(out.paint(Role::Dim, "only visited"));
    }
    for warning in &s.warnings {
        line.push(out.paint(Role::Warn, warning));
    }
    out.line(line.join("  ").trim_end())
}

fn none(list: &SessionList, out: &mut Out) -> Result<()> {
    out.note("no session of this repository is recorded; looked in")?;
    for (folder, n) in &list.looked_in {
        out.note(&format!("  {folder}  {}", count(*n, "transcript")))?;
    }
    out.note(&format!(
        "{} elsewhere on this machine; `regent-tui ingest` reads what is new, --from PATH reads from anywhere",
        count(list.elsewhere, "transcript")
    ))
}

fn tests(s: &SessionInfo) -> (&'static str, Role) {
    match (s.test, s.test_stale) {
        (None, _) => ("", Role::Dim),
        (Some(TestOutcome::Passed), false) => ("✓ tests", Role::Good),
        (Some(TestOutcome::Passed), true) => ("✓ tests (stale)", Role::Warn),
        (Some(TestOutcome::Failed), false) => ("✗ tests", Role::Bad),
        (Some(TestOutcome::Failed), true) => ("✗ tests (stale)", Role::Bad),
    }
}

fn lines(s: &SessionInfo) -> String {
    if s.added == 0 && s.removed == 0 {
        String::new()
    } else {
        format!("+{} −{}", s.added, s.removed)
    }
}

/// A number with its noun.
pub(super) fn count(n: u32, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Filled up with blanks to a width.
pub(super) fn pad(cell: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text::width(cell));
    format!("{cell}{}", " ".repeat(blanks))
}
