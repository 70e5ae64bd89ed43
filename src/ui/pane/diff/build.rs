//! Makes a content of what the queries answer. For a worker: it compares texts and reads colours.
//!
//! A pane is never empty: where there is nothing to show, the remark says why.

use std::sync::Arc;

use super::compare::{code, compare, recorded};
use super::content::{Body, Content, Head, Lines, Numbers, Opening, Section};
use super::output;
use super::search::Search;
use super::words;
use crate::model::{Op, Status, StepKind, TestOutcome};
use crate::query::types::{Content as FileContent, FileChange, StepDetail};
use crate::text;
use crate::ui::marks::{Marks, UNICODE};
use crate::ui::theme::{ColorDepth, Scheme, Theme};

/// What a step can be looked at as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// Words for people: a message, a plan, a question, a report.
    Words,
    /// The files it changed.
    Change,
    /// The lines it was shown.
    Lines,
    /// What came out.
    Output,
    /// What went in.
    Input,
    /// The records in the transcript.
    Raw,
}

impl View {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            View::Words => "words",
            View::Change => "change",
            View::Lines => "lines",
            View::Output => "output",
            View::Input => "input",
            View::Raw => "raw",
        }
    }

    /// The views that a step has, the one to begin with first.
    pub fn of(step: &StepDetail) -> Vec<View> {
        let mut views = Vec::new();
        if !step.changes.is_empty() {
            views.push(View::Change);
        }
        if step.shown.is_some() {
            views.push(View::Lines);
        }
        if words::has(step) {
            views.push(View::Words);
        }
        // A change that failed is told by what came back.
        let told =
            step.info.status != Status::Ok && !step.output.is_empty() && step.info.added.is_none();
        if told && !words::has(step) {
            views.insert(0, View::Output)
        } else if !words::has(step) || words::tells_output(step) {
            views.push(View::Output)
        }
        if !step.input.is_empty() {
            views.push(View::Input);
        }
        views.push(View::Raw);
        views
    }
}

/// What to show.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A step, as one of its views.
    Step(&'a StepDetail, View),
    /// The changes of a scope.
    Changes(&'a [FileChange]),
}

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Lines that differ in white space only are the same.
    pub ignore_whitespace: bool,
    /// The width of the pane, for words that are laid out.
    pub width: u16,
    /// Their styles.
    pub theme: Theme,
    /// Their signs.
    pub marks: &'static Marks,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            ignore_whitespace: false,
            width: 80,
            theme: Theme::new(Scheme::Terminal, ColorDepth::None),
            marks: &UNICODE,
        }
    }
}

/// Makes the content of a subject.
pub fn build(subject: Subject<'_>, options: Options) -> Content {
    match subject {
        Subject::Changes([]) => said("Changes", "No file was changed here."),
        Subject::Changes(changes) => changed(changes, options),
        Subject::Step(step, View::Change) if step.changes.is_empty() => {
            said(&step.info.title, "This step changed no file.")
        }
        Subject::Step(step, View::Change) => changed(&step.changes, options),
        Subject::Step(step, View::Words) => words::content(step, options),
        Subject::Step(step, View::Lines) => shown(step),
        Subject::Step(step, View::Output) => output_of(step),
        Subject::Step(step, View::Input) => input(step),
        Subject::Step(step, View::Raw) => raw(step),
    }
}

/// A file as it is, opened at a line (from 1).
pub fn file(path: &str, text: Arc<str>, line: u32) -> Content {
    let head = Head {
        title: text::line(path).into_owned(),
        path: Some(path.to_owned()),
        ..Head::default()
    };
    if text.is_empty() {
        return nothing(head, vec!["The file is empty.".to_owned()]);
    }
    let lines = Lines {
        text: code(path, text, Numbers::From(1)),
        ..Lines::default()
    };
    let opening = match (line as usize).min(lines.text.len()) {
        0 | 1 => Opening::Top,
        line => Opening::Line(line - 1),
    };
    one(head, Vec::new(), lines, opening)
}

/// Words instead of a content.
pub fn said(title: &str, words: &str) -> Content {
    let head = Head {
        title: text::one_line(title),
        ..Head::default()
    };
    let remarks = vec![text::one_line(words)];
    nothing(head, remarks)
}

fn nothing(head: Head, remarks: Vec<String>) -> Content {
    Content {
        sections: vec![Section {
            head,
            remarks,
            body: Body::Nothing,
        }],
        ..Content::default()
    }
}

fn changed(changes: &[FileChange], options: Options) -> Content {
    let sections = changes
        .iter()
        .map(|change| section(change, options))
        .collect();
    Content {
        sections,
        ..Content::default()
    }
}

/// That a path or a command is not what it looks like.
fn doubtful(name: &str) -> Option<String> {
    text::doubt(name).map(|doubt| format!("! The name {doubt}."))
}

fn section(change: &FileChange, options: Options) -> Section {
    let head = Head {
        title: text::line(&change.path).into_owned(),
        path: Some(change.path.clone()),
        old_path: change.old_path.clone(),
        op: Some(change.op),
        evidence: Some(change.evidence),
        counts: Some((change.added, change.removed)),
        outcome: None,
        doubtful: text::doubt(&change.path).is_some(),
    };
    let mut remarks = Vec::new();
    if let Some(old) = change.old_path.as_ref().filter(|old| **old != change.path) {
        remarks.push(format!("Renamed from {}.", text::line(old)));
    }
    remarks.extend(doubtful(&change.path));
    remarks.extend(change.old_path.as_deref().and_then(doubtful));
    remarks.extend(change.note.as_deref().map(text::one_line));
    let body = file_body(change, options, &mut remarks);
    Section {
        head,
        remarks,
        body,
    }
}

fn file_body(change: &FileChange, options: Options, remarks: &mut Vec<String>) -> Body {
    let nothing: Arc<str> = "".into();
    let (old, new) = match (&change.before, &change.after) {
        (FileContent::Text(old), FileContent::Text(new)) => (old, new),
        (FileContent::Absent, FileContent::Text(new)) => (&nothing, new),
        (FileContent::Text(old), FileContent::Absent) => (old, &nothing),
        _ if !change.hunks.is_empty() => return Body::Change(recorded(change)),
        (FileContent::Unknown, FileContent::Text(new)) => {
            remarks.push(
                "What was there before is not known; this is the file as the step left it.".into(),
            );
            return as_it_is(&change.path, new);
        }
        (FileContent::Text(old), FileContent::Unknown) => {
            remarks.push("What the step left is not known; this is the file before it.".into());
            return as_it_is(&change.path, old);
        }
        (FileContent::Unknown, FileContent::Unknown) => {
            remarks.push("The text is not known, neither before nor after.".into());
            return Body::Nothing;
        }
        (before, after) => {
            remarks.push(format!(
                "Before: {}. After: {}.",
                describe(before),
                describe(after)
            ));
            return Body::Nothing;
        }
    };
    if old == new {
        remarks.push(unchanged(change, new).into());
        return Body::Nothing;
    }
    let compared = compare(change, old.clone(), new.clone(), options);
    if compared.blocks.iter().all(|block| !block.changed) {
        remarks.push("Only white space differs.".into());
        return Body::Nothing;
    }
    Body::Change(compared)
}

/// What to say of a file whose text did not change.
fn unchanged(change: &FileChange, text: &str) -> &'static str {
    match change.op {
        Op::Create if text.is_empty() => "Created empty.",
        Op::Delete if text.is_empty() => "It was empty when it was deleted.",
        Op::Rename => "The content is the same.",
        Op::Mode => "Only the mode changed.",
        _ => "The content is the same as before.",
    }
}

fn describe(content: &FileContent) -> String {
    match content {
        FileContent::Text(text) => format!("text, {} lines", text.lines().count()),
        FileContent::Binary(bytes) => format!("not text, {}", size(*bytes)),
        FileContent::Absent => "not there".into(),
        FileContent::Unknown => "not known".into(),
    }
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

fn as_it_is(path: &str, text: &Arc<str>) -> Body {
    Body::Lines(Lines {
        text: code(path, text.clone(), Numbers::From(1)),
        ..Lines::default()
    })
}

fn shown(step: &StepDetail) -> Content {
    let Some(shown) = &step.shown else {
        return said(&step.info.title, "The record does not hold what was read.");
    };
    if shown.text.is_empty() {
        return said(&shown.path, "The file was empty.");
    }
    let numbers = Numbers::From(shown.first_line.max(1));
    let lines = Lines {
        text: code(&shown.path, shown.text.clone(), numbers),
        ..Lines::default()
    };
    let head = Head {
        title: text::line(&shown.path).into_owned(),
        path: Some(shown.path.clone()),
        doubtful: text::doubt(&shown.path).is_some(),
        ..Head::default()
    };
    let remarks = doubtful(&shown.path).into_iter().collect();
    one(head, remarks, lines, Opening::Top)
}

fn output_of(step: &StepDetail) -> Content {
    let failed =
        matches!(step.info.status, Status::Failed) || step.info.test == Some(TestOutcome::Failed);
    let acts = matches!(step.info.kind, StepKind::Command | StepKind::Web);
    let doubt = acts.then(|| doubtful(&step.info.target)).flatten();
    let head = Head {
        title: text::one_line(&step.info.target),
        outcome: outcome(step),
        doubtful: doubt.is_some(),
        ..Head::default()
    };
    let mut remarks: Vec<String> = doubt.into_iter().collect();
    if step.output.is_empty() {
        let words = match (step.info.status, step.info.kind) {
            (Status::Running, _) => "No result is recorded: it runs, or it ended without one.",
            (Status::Denied, _) => "It was refused: nothing happened.",
            (Status::Interrupted, _) => "It was stopped before it said anything.",
            (Status::Unknown, _) => "The record does not hold what came out.",
            _ => "It printed nothing.",
        };
        remarks.push(words.to_owned());
        if step.input.is_empty() || step.input.trim() == head.title {
            return nothing(head, remarks);
        }
        // What was asked for is all that there is to see.
        return one(head, remarks, input_lines(step), Opening::Top);
    }
    let mut lines = match is_data(step) {
        true => as_json(json(&step.output)),
        false => output::read(&step.output),
    };
    if step.info.kind == StepKind::Search {
        // What looks like an error in what was found is a line of somebody's file.
        lines.marks.clear();
        lines.found = Search::of_tool(&step.info.target);
    }
    if step.output_cut > 0 {
        let cut = size(step.output_cut);
        remarks.push(format!("{cut} of the output are left off here."));
    }
    let opening = match lines.marks.first() {
        Some(&line) if failed => Opening::Line(line as usize),
        _ if step.info.kind == StepKind::Command => Opening::Tail,
        _ => Opening::Top,
    };
    one(head, remarks, lines, opening)
}

fn outcome(step: &StepDetail) -> Option<(bool, String)> {
    let code = step.info.exit_code.filter(|&code| code != 0);
    match step.info.status {
        Status::Ok => Some((true, String::new())),
        Status::Failed => Some((false, code.map(|code| code.to_string()).unwrap_or_default())),
        Status::Denied | Status::Interrupted => Some((false, step.info.status.word().into())),
        Status::Running | Status::Unknown => None,
    }
}

/// The answer of a tool that answers programs: one line of JSON.
fn is_data(step: &StepDetail) -> bool {
    let output = step.output.trim();
    matches!(step.info.kind, StepKind::Mcp | StepKind::Other)
        && output.starts_with(['{', '['])
        && memchr::memchr(b'\n', output.as_bytes()).is_none()
        && serde_json::from_str::<&serde_json::value::RawValue>(output).is_ok()
}

fn as_json(text: String) -> Lines {
    Lines {
        text: code("record.json", text.into(), Numbers::None),
        ..Lines::default()
    }
}

fn input(step: &StepDetail) -> Content {
    if step.input.is_empty() {
        return said(&step.info.title, "What went in is not in the record.");
    }
    let head = Head {
        title: text::one_line(&step.info.title),
        ..Head::default()
    };
    one(head, Vec::new(), input_lines(step), Opening::Top)
}

/// What went in, coloured as what it is.
fn input_lines(step: &StepDetail) -> Lines {
    let name = match (step.info.kind, step.input.as_bytes().first()) {
        (StepKind::Command, _) => "command.sh",
        (_, Some(b'{')) => "input.json",
        _ => "input.txt",
    };
    Lines {
        text: code(name, step.input.as_str().into(), Numbers::None),
        ..Lines::default()
    }
}

fn raw(step: &StepDetail) -> Content {
    if step.raw.is_empty() {
        return said(
            &step.info.title,
            "The records of this step are gone from the transcript and were not kept.",
        );
    }
    let head = Head {
        title: format!("{} of the transcript", count(step.raw.len(), "record")),
        ..Head::default()
    };
    let all: Vec<String> = step.raw.iter().map(|record| json(record)).collect();
    one(head, Vec::new(), as_json(all.join("\n\n")), Opening::Top)
}

/// A line of JSON with breaks and indentation between its members; not a byte of it is changed or moved.
pub(super) fn json(record: &str) -> String {
    let mut out = String::with_capacity(record.len() * 5 / 4);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut chars = record.trim_end().chars().peekable();
    while let Some(c) = chars.next() {
        let breaks = !in_string && matches!(c, '}' | ']') && !out.ends_with(['{', '[']);
        if !in_string && matches!(c, '}' | ']') {
            depth = depth.saturating_sub(1);
        }
        if breaks {
            new_line(&mut out, depth);
        }
        out.push(c);
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => in_string = true,
            '{' | '[' => {
                depth += 1;
                if !matches!(chars.peek(), Some('}' | ']')) {
                    new_line(&mut out, depth);
                }
            }
            ',' => new_line(&mut out, depth),
            ':' if chars.peek() != Some(&' ') => out.push(' '),
            _ => {}
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(20)));
}

fn count(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

fn one(head: Head, remarks: Vec<String>, lines: Lines, opening: Opening) -> Content {
    Content {
        sections: vec![Section {
            head,
            remarks,
            body: Body::Lines(lines),
        }],
        opening,
        ..Content::default()
    }
}
