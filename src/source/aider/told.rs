//! What the lines below an answer tell: what was applied, committed, asked and refused.

use std::path::Path;

use super::blocks::{Block, Change, blocks, hunk};
use super::turn::{Turn, say};
use crate::model::{Status, StepKind};
use crate::source::tools::one_line;
use crate::source::{Before, Body, Call, Committed, Effect, Event, Hunk, Outcome, Usage};

/// What the model said, and what Aider told below it.
#[derive(Default)]
pub(super) struct Answer {
    pub said: Option<String>,
    pub told: Vec<String>,
}

/// Formats in which nothing is edited.
const TALK: &[&str] = &["ask", "context", "help", "architect"];

/// What the lines of one answer settle.
#[derive(Default)]
struct Lines {
    applied: Vec<String>,
    created: Vec<String>,
    refused: Vec<String>,
    /// Changed by somebody else before the edit.
    dirty: Vec<String>,
    /// Blocks failed, and others were applied all the same.
    partly: bool,
    failed: bool,
    /// The commit that holds the edits, without the id of a call.
    commit: Option<Committed>,
}

/// Says what an answer says and what was done about it. `id` names it.
pub(super) fn told(id: &str, turn: Option<&Turn>, answer: &Answer, out: &mut Vec<Event>) {
    if let Some(said) = &answer.said {
        let text = said.trim_matches('\n').to_owned();
        if !text.trim().is_empty() {
            say(out, None, Body::Say { text });
        }
    }
    let mut lines = settled(&answer.told);
    lines.commit = commit(turn, &answer.told);
    let format = turn.and_then(|t| t.format.as_deref());
    let found = blocks(answer.said.as_deref().unwrap_or_default());
    // Edits come before the commits that hold them; what the person had changed was committed before.
    let first = answer
        .told
        .iter()
        .position(|l| l.starts_with("Applied edit to "));
    let mut rest = Vec::new();
    let mut done = false;
    for n in 0..answer.told.len() {
        if Some(n) == first {
            edits(id, format, &lines, &found, out);
            done = true;
        }
        one(id, n, &answer.told, &mut rest, out);
    }
    if !done {
        edits(id, format, &lines, &found, out);
    }
    if let Some(turn) = turn.filter(|_| answer.told.iter().any(|l| l.starts_with("Removed: "))) {
        for (n, path) in turn.undone.iter().enumerate() {
            let effects = vec![unsure(path, Vec::new())];
            let call = call(format!("{id} undo {n}"), StepKind::Edit, "/undo", path);
            let commit = removed(&answer.told).map(|c| of_call(c, &call));
            step(call, Status::Ok, effects, out);
            out.extend(commit);
        }
    }
    if !rest.is_empty() {
        let what = if id.starts_with("start") {
            "started"
        } else {
            "aider"
        };
        let text = rest.join("\n");
        say(out, None, Body::Notice { what, text });
    }
}

/// One line that is told.
fn one<'l>(id: &str, n: usize, told: &'l [String], rest: &mut Vec<&'l str>, out: &mut Vec<Event>) {
    let line = told[n].as_str();
    if let Some(usage) = usage(id, line) {
        say(out, None, Body::Usage(usage));
    } else if let Some(commit) = line.strip_prefix("Commit ") {
        let before = &told[..n];
        let has = |start: &str| before.iter().any(|l| l.starts_with(start));
        let whose = if has("Applied edit to ") {
            "Aider's edits"
        } else if has("Committing ") || told[n..].iter().any(|l| l.starts_with("Applied edit to "))
        {
            "what was changed before"
        } else {
            "not said whose"
        };
        let text = format!("{commit} ({whose})");
        say(
            out,
            None,
            Body::Notice {
                what: "commit",
                text,
            },
        );
    } else if let Some((question, answer)) = asked(line) {
        if question.starts_with("Run shell command") {
            let target = n.checked_sub(1).map_or("", |n| told[n].as_str());
            if rest.last() == Some(&target) {
                rest.pop();
            }
            let ran = is_yes(answer);
            let status = if ran { Status::Unknown } else { Status::Denied };
            let mut call = call(format!("{id} run {n}"), StepKind::Command, "shell", target);
            call.input = target.to_owned();
            step(call, status, Vec::new(), out);
        } else if question == "Create new file" {
            // The edit says it; the file stands on the line above.
            rest.pop();
        } else {
            rest.push(line);
        }
    } else if !line.starts_with("Committing ")
        && !line.starts_with("Applied edit to ")
        && !line.starts_with("You can use /undo")
    {
        rest.push(line);
    }
}

/// A question and its answer: `Create new file? (Y)es/(N)o [Yes]: y`; older versions leave out the choice.
fn asked(line: &str) -> Option<(&str, &str)> {
    let (question, rest) = line.split_once('?')?;
    let answer = rest.rsplit([':', ' ']).next()?.trim();
    (!answer.is_empty()).then_some((question, answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(
        answer.to_ascii_lowercase().as_str(),
        "y" | "yes" | "a" | "all"
    )
}

fn settled(told: &[String]) -> Lines {
    let mut lines = Lines::default();
    for (n, line) in told.iter().enumerate() {
        if let Some(file) = line.strip_prefix("Applied edit to ") {
            lines.applied.push(file.to_owned());
        } else if let Some(rest) = line.strip_prefix("Committing ") {
            let file = rest.split(" before applying").next().unwrap_or(rest);
            lines.dirty.push(file.to_owned());
        } else if let Some((question, answer)) = asked(line) {
            let above = n.checked_sub(1).map(|n| told[n].as_str());
            let file = match question {
                "Create new file" => above,
                _ => question
                    .strip_prefix("Create new file ")
                    .or_else(|| question.strip_prefix("Allow creation of new file ")),
            };
            if let Some(file) = file {
                let list = match is_yes(answer) {
                    true => &mut lines.created,
                    false => &mut lines.refused,
                };
                list.push(file.to_owned());
            }
        }
        lines.failed |= line.contains("failed to match") || line.contains("did not conform");
        lines.failed |= line.starts_with("Did not apply edit");
        lines.partly |= line.contains("were applied successfully");
    }
    lines
}

/// The commit that holds the edits of an answer: the first one below them. Those above hold somebody else's changes, and
/// later ones what a linter did.
fn commit(turn: Option<&Turn>, told: &[String]) -> Option<Committed> {
    let is_edit = |l: &String| l.starts_with("Applied edit to ");
    let (first, last) = (
        told.iter().position(is_edit)?,
        told.iter().rposition(is_edit)?,
    );
    let made = |l: &String| l.strip_prefix("Commit ").map(str::to_owned);
    let line = told[last..].iter().find_map(made)?;
    let (name, subject) = line.split_once(' ')?;
    let is_first = told[..first].iter().any(|l| l.starts_with("Committing "));
    let on = told[..first].iter().rev().find_map(made);
    let on = on.filter(|_| is_first);
    let on = on.and_then(|l| l.split(' ').next().map(str::to_owned));
    Some(Committed {
        call_id: String::new(),
        name: name.to_owned(),
        subject: subject.lines().next().unwrap_or_default().trim().to_owned(),
        clean: turn.is_some_and(|t| t.clean) || on.is_some(),
        on,
        undone: false,
    })
}

/// The commit that was taken back. Aider refuses to if one of its files was changed since.
fn removed(told: &[String]) -> Option<Committed> {
    let line = told.iter().find_map(|l| l.strip_prefix("Removed: "))?;
    let (name, subject) = line.split_once(' ')?;
    Some(Committed {
        call_id: String::new(),
        name: name.to_owned(),
        subject: subject.trim().to_owned(),
        on: None,
        clean: true,
        undone: true,
    })
}

fn of_call(mut commit: Committed, call: &Call) -> Event {
    commit.call_id.clone_from(&call.call_id);
    Event {
        key: None,
        at: None,
        node: None,
        body: Body::Committed(Box::new(commit)),
    }
}

/// The changes: one step for each file.
fn edits(id: &str, format: Option<&str>, lines: &Lines, found: &[Block], out: &mut Vec<Event>) {
    let mut taken = vec![false; found.len()];
    for (n, path) in lines.applied.iter().enumerate() {
        let mut changes = Vec::new();
        for (i, (name, change)) in found.iter().enumerate() {
            if !taken[i] && is_of(name, path, lines) {
                taken[i] = true;
                changes.push(change);
            }
        }
        let effects = effects(path, &changes, format, lines);
        let write = matches!(effects[..], [Effect::Write { .. }]);
        let kind = if write {
            StepKind::Write
        } else {
            StepKind::Edit
        };
        let mut call = call(
            format!("{id} edit {n}"),
            kind,
            format.unwrap_or("edit"),
            path,
        );
        call.input = readable(&changes);
        // One that is applied twice by what is told is not clear.
        let once = lines.applied.iter().filter(|a| *a == path).count() == 1;
        let commit = lines.commit.clone().filter(|_| once);
        let commit = commit.map(|c| of_call(c, &call));
        step(call, Status::Ok, effects, out);
        out.extend(commit);
    }
    if format.is_some_and(|f| TALK.contains(&f)) {
        return;
    }
    let left = found.iter().zip(&taken).filter(|(_, taken)| !**taken);
    for (n, ((name, change), _)) in left.enumerate() {
        let Change::Replace { old, new } = change else {
            continue;
        };
        let (status, effects) = if lines.refused.contains(name) {
            (Status::Denied, Vec::new())
        } else if lines.partly {
            // Which of them were written is not told for sure.
            let both = vec![(old.clone(), new.clone(), false)];
            (Status::Failed, vec![unsure(name, both)])
        } else if lines.failed {
            (Status::Failed, Vec::new())
        } else {
            (Status::Unknown, Vec::new())
        };
        let tool = format.unwrap_or("edit");
        let mut call = call(format!("{id} left {n}"), StepKind::Edit, tool, name);
        call.input = readable(&[change]);
        step(call, status, effects, out);
    }
}

/// Whether a block is about a file: by its name, or by the last part of it if that is one file's only.
fn is_of(name: &str, path: &str, lines: &Lines) -> bool {
    if lines.applied.iter().any(|a| a == name) {
        return name == path;
    }
    let last = |p: &str| Path::new(p).file_name().map(std::ffi::OsStr::to_owned);
    let same = |p: &&String| last(p).is_some_and(|l| l == *name);
    lines.applied.iter().filter(same).count() == 1 && same(&&path.to_owned())
}

fn effects(path: &str, changes: &[&Change], format: Option<&str>, lines: &Lines) -> Vec<Effect> {
    let created = lines.created.iter().any(|c| c == path);
    let is_whole = format.is_some_and(|f| f.contains("whole"));
    let fenced: Vec<&String> = changes
        .iter()
        .filter_map(|c| match c {
            Change::Fenced(text) => Some(text),
            _ => None,
        })
        .collect();
    if let (true, [content]) = (is_whole, &fenced[..])
        && changes.len() == 1
    {
        return vec![write(path, created, content)];
    }
    let changes: Vec<&&Change> = changes
        .iter()
        .filter(|c| !matches!(c, Change::Fenced(_)))
        .collect();
    let replacements = || {
        let both = changes.iter().filter_map(|c| match c {
            Change::Replace { old, new } => Some((old.clone(), new.clone(), false)),
            _ => None,
        });
        both.collect()
    };
    // Nothing is known of what it did to the file, or of what the file was.
    let is_dirty = lines.dirty.iter().any(|d| d == path);
    let is_clear = !changes.is_empty() && !changes.iter().any(|c| matches!(c, Change::Unclear));
    if is_dirty || !is_clear {
        return vec![unsure(path, replacements())];
    }
    let mut effects = Vec::new();
    for (n, change) in changes.iter().enumerate() {
        match change {
            Change::Replace { old, new } if n == 0 && created && old.trim().is_empty() => {
                effects.push(write(path, true, new));
            }
            Change::Replace { old, new } => effects.push(patch(path, vec![hunk(old, new)])),
            Change::Diff(hunks) => effects.push(patch(path, hunks.clone())),
            Change::Fenced(_) | Change::Unclear => {}
        }
    }
    effects
}

fn write(path: &str, created: bool, content: &str) -> Effect {
    Effect::Write {
        path: path.to_owned(),
        before: match created {
            true => Before::Absent,
            false => Before::Unknown,
        },
        content: content.to_owned(),
        hunks: Vec::new(),
    }
}

fn patch(path: &str, hunks: Vec<Hunk>) -> Effect {
    Effect::Patch {
        path: path.to_owned(),
        moved_to: None,
        hunks,
        numbered: false,
    }
}

/// A change whose result cannot be worked out, whatever is known of the file.
fn unsure(path: &str, replacements: Vec<(String, String, bool)>) -> Effect {
    Effect::Edit {
        path: path.to_owned(),
        before: Before::Unknown,
        replacements,
        hunks: Vec::new(),
        amended: true,
    }
}

fn readable(changes: &[&Change]) -> String {
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    for change in changes {
        match change {
            Change::Replace { old, new } => hunks.push(hunk(old, new)),
            Change::Diff(all) => hunks.extend(all.iter().cloned()),
            Change::Fenced(text) => texts.push(text.clone()),
            Change::Unclear => {}
        }
    }
    texts.extend(hunks.iter().map(|h| h.lines.join("\n") + "\n"));
    texts.join("@@\n")
}

fn call(call_id: String, kind: StepKind, tool: &str, target: &str) -> Call {
    let is_command = kind == StepKind::Command;
    Call {
        call_id,
        kind,
        tool: tool.to_owned(),
        target: match is_command {
            true => target.to_owned(),
            false => one_line(target),
        },
        workdir: None,
        input: String::new(),
        paths: match is_command {
            true => Vec::new(),
            false => vec![target.to_owned()],
        },
    }
}

fn step(call: Call, status: Status, effects: Vec<Effect>, out: &mut Vec<Event>) {
    let call_id = call.call_id.clone();
    say(out, None, Body::Call(Box::new(call)));
    let outcome = Outcome {
        call_id,
        status,
        exit_code: None,
        duration_ms: None,
        output: String::new(),
        spilled: None,
        effects,
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    };
    say(out, None, Body::Outcome(Box::new(outcome)));
}

/// `Tokens: 2.4k sent, 1.1k cache hit, 104 received. ...`: rounded by Aider.
fn usage(id: &str, line: &str) -> Option<Usage> {
    let rest = line.strip_prefix("Tokens: ")?;
    let counts = rest.split(". ").next()?.trim_end_matches('.');
    let (mut input, mut output, mut cached) = (0, 0, 0);
    for part in counts.split(", ") {
        let (n, what) = part.split_once(' ')?;
        let n = number(n)?;
        match what {
            // What was written to a cache or read from one is a part of it.
            "sent" => input += n,
            "cache hit" => cached += n,
            "received" => output += n,
            _ => {}
        }
    }
    Some(Usage {
        request: id.to_owned(),
        model: None,
        input,
        output,
        cached,
    })
}

/// `104`, `2.4k`, `1,024`, `1.2M`.
fn number(text: &str) -> Option<u64> {
    let text = text.replace(',', "");
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000.0),
        None => match text.strip_suffix('M') {
            Some(digits) => (digits, 1_000_000.0),
            None => (text.as_str(), 1.0),
        },
    };
    let n: f64 = digits.parse().ok()?;
    // Rounded by who wrote it; beyond any number of tokens it is none.
    (0.0..1e12).contains(&n).then(|| (n * unit).round() as u64)
}
