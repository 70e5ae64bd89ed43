//! `blame`: who wrote each line, and how that is known.

use color_eyre::Result;

use super::args;
use super::context::Context;
use super::out::{Out, Role};
use super::{json, when};
use crate::model::{Author, Evidence, Time};
use crate::query::blame::{Blame, BlameLine, BlameQuery, Origin, When};
use crate::query::{Ask, Refused, StoreAsk, one_line};

/// Of a prompt's words so many characters stand in a heading.
const PROMPT: usize = 60;

pub(super) fn run(context: &Context<'_>, options: &args::Blame, out: &mut Out) -> Result<()> {
    let ask = context.ask(out)?;
    let (path, range) = parse(context, &options.what);
    let query = BlameQuery {
        path: known(context, &ask, &path),
        when: match &options.at {
            Some(step) => When::After(ask.resolve_step(step)?.1),
            None => When::Now,
        },
        range,
        commits: true,
    };
    let now = context.env.clock.now();
    if options.removed {
        return removed(&ask, &query, now, out);
    }
    if let Some(times) = options.back {
        if range.is_none() {
            return Err(Refused::with_hint(
                "walking back needs a line",
                "write PATH:LINE",
            ));
        }
        return back(&ask, &query, times, now, out);
    }
    let blame = ask.blame(&query)?;
    if out.json {
        let lines: Vec<_> = blame
            .lines
            .iter()
            .map(|l| json::Line::new(l, &blame.origins))
            .collect();
        return out.value(&lines, false);
    }
    if let Some(note) = &blame.note {
        out.note(&format!("{}: {note}", blame.path))?;
    }
    lines(&blame, now, out)?;
    // One line is a question about its prompt: all of it.
    if let [line] = &blame.lines[..]
        && let Some(prompt) = &blame.origins[line.origin].prompt_text
    {
        out.line("")?;
        let head = out.paint(Role::Bold, "prompt");
        out.line(&head)?;
        out.block(Role::Text, "    ", prompt)?;
    }
    Ok(())
}

/// `PATH`, `PATH:LINE` or `PATH:LINE-LINE`; a file whose name ends like that is meant as it is.
pub(super) fn parse(context: &Context<'_>, what: &str) -> (String, Option<(u32, u32)>) {
    let whole = || (what.to_owned(), None);
    if context.folder.join(what).exists() {
        return whole();
    }
    let Some((path, lines)) = what.rsplit_once(':') else {
        return whole();
    };
    let (from, to) = lines.split_once('-').unwrap_or((lines, lines));
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) if !path.is_empty() && from > 0 && from <= to => {
            (path.to_owned(), Some((from, to)))
        }
        _ => whole(),
    }
}

/// The path as the store knows it: seen from the folder one is in, else what lies there, else as it was written.
pub(super) fn known(context: &Context<'_>, ask: &StoreAsk, path: &str) -> String {
    let full = context.folder.join(path);
    let real = std::fs::canonicalize(&full).unwrap_or(full.clone());
    [&real, &full]
        .iter()
        .map(|p| p.to_string_lossy().into_owned())
        .find(|p| ask.knows(p))
        .or_else(|| {
            let there = real.is_file() && !ask.knows(path);
            there.then(|| real.to_string_lossy().into_owned())
        })
        .unwrap_or_else(|| path.to_owned())
}

/// Lines under headings, one for each run of one origin.
fn lines(blame: &Blame, now: Time, out: &mut Out) -> Result<()> {
    let width = blame.lines.last().map_or(1, |l| l.line.to_string().len());
    let same = |a: &BlameLine, b: &BlameLine| {
        (a.origin, a.moved, a.spaced, &a.alternatives)
            == (b.origin, b.moved, b.spaced, &b.alternatives)
            && a.line + 1 == b.line
    };
    for run in blame.lines.chunk_by(same) {
        let first = &run[0];
        let mut head = heading(out, &blame.origins[first.origin], now);
        let mut more = Vec::new();
        for (by, word) in [(first.moved, "moved by"), (first.spaced, "white space by")] {
            more.extend(by.map(|by| format!("{word} {}", short(&blame.origins[by]))));
        }
        if !first.alternatives.is_empty() {
            let others = first.alternatives.iter().map(|a| short(&blame.origins[*a]));
            let others: Vec<String> = others.collect();
            more.push(format!("or {}: the diff fits both", others.join(" or ")));
        }
        for word in more {
            head.push_str("  ");
            head.push_str(&out.paint(Role::Warn, &word));
        }
        out.line(&head)?;
        for line in run {
            let number = out.paint(Role::Dim, &format!("{:>width$} │", line.line));
            let text = out.paint(Role::Text, &line.text);
            out.line(format!("{number} {text}").trim_end())?;
        }
    }
    Ok(())
}

/// An origin in a few words.
fn short(origin: &Origin) -> String {
    match &origin.step {
        Some(step) => format!("{} {}", origin.author, &step.id[..step.id.len().min(9)]),
        None => origin.author.to_string(),
    }
}

/// An origin on a line: author, step, prompt, when, evidence.
fn heading(out: &Out, origin: &Origin, now: Time) -> String {
    let role = match origin.author {
        Author::Agent | Author::Tool => Role::Accent,
        Author::You => Role::Good,
        Author::Before => Role::Dim,
        Author::Unknown => Role::Warn,
    };
    let mut parts = vec![out.paint(role, origin.author.word())];
    if let Some(step) = &origin.step {
        let agent = origin.agent.map_or("", |a| a.name());
        let id = &step.id[..step.id.len().min(9)];
        parts.push(out.paint(Role::Text, &format!("{agent} {id}")));
        let words = one_line(origin.prompt_text.as_deref().unwrap_or_default(), PROMPT);
        parts.push(out.paint(Role::Bold, &format!("prompt {}: {words}", step.prompt_no)));
    }
    if let Some(commit) = &origin.commit {
        parts.push(out.paint(
            Role::Text,
            &format!("commit {}", &commit[..commit.len().min(10)]),
        ));
    }
    let time = match (origin.author, origin.at, origin.until) {
        (Author::Unknown, Some(_), Some(_)) => format!(
            "between {} and {}",
            when::short(origin.at, now),
            when::short(origin.until, now)
        ),
        (Author::Unknown, Some(_), None) => format!("after {}", when::short(origin.at, now)),
        (Author::Before, None, Some(_)) => format!("older than {}", when::short(origin.until, now)),
        (_, Some(_), _) => when::short(origin.at, now),
        _ => String::new(),
    };
    if !time.is_empty() {
        parts.push(out.paint(Role::Dim, &time));
    }
    match origin.evidence {
        Some(Evidence::PatchOnly) => parts.push(out.paint(Role::Warn, "? patch only")),
        Some(evidence) if origin.step.is_some() => {
            parts.push(out.paint(Role::Dim, evidence.word()));
        }
        _ => {}
    }
    parts.join("  ")
}

/// The lines that are gone, under who removed them.
fn removed(ask: &StoreAsk, query: &BlameQuery, now: Time, out: &mut Out) -> Result<()> {
    let removed = ask.removed(query)?;
    if out.json {
        let lines: Vec<_> = removed
            .lines
            .iter()
            .map(|l| json::Gone::new(l, &removed.origins))
            .collect();
        return out.value(&lines, false);
    }
    for run in removed.lines.chunk_by(|a, b| a.removed == b.removed) {
        let head = heading(out, &removed.origins[run[0].removed], now);
        out.line(&format!("{} {head}", out.paint(Role::Bad, "removed by")))?;
        for lines in run.chunk_by(|a, b| a.origin == b.origin) {
            let written = heading(out, &removed.origins[lines[0].origin], now);
            out.line(&format!(
                "  {} {written}",
                out.paint(Role::Dim, "written by")
            ))?;
            for line in lines {
                let number = out.paint(Role::Dim, &format!("{:>6} │", line.line));
                let text = out.paint(Role::Text, &line.text);
                out.line(format!("{number} {text}").trim_end())?;
            }
        }
    }
    if removed.lines.is_empty() {
        out.note("no line is gone since the first record")?;
    }
    Ok(())
}

/// What each change further back replaced.
fn back(ask: &StoreAsk, query: &BlameQuery, times: u32, now: Time, out: &mut Out) -> Result<()> {
    let hops = ask.walk_back(query, times)?;
    if out.json {
        let all: Vec<_> = hops
            .iter()
            .map(|hop| json::Hop {
                undone: (&hop.undone).into(),
                prompt_text: hop.undone.prompt_text.as_deref(),
                replaced: hop
                    .replaced
                    .lines
                    .iter()
                    .map(|l| json::Line::new(l, &hop.replaced.origins))
                    .collect(),
                nearest: hop.nearest.map(|n| hop.replaced.lines[n].line),
            })
            .collect();
        return out.value(&all, false);
    }
    for hop in &hops {
        let head = heading(out, &hop.undone, now);
        let word = if hop.replaced.lines.is_empty() {
            "added by"
        } else {
            "replaced by"
        };
        out.line(&format!("{} {head}", out.paint(Role::Dim, word)))?;
        lines(&hop.replaced, now, out)?;
    }
    if hops.is_empty() {
        out.note("the line is older than the first record")?;
    }
    Ok(())
}
