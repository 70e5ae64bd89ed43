//! What a turn says: a prompt, then answers, each with the lines below it that tell what was done about it.

use std::path::Path;

use serde::Deserialize;

use super::Zone;
use super::blocks::is_fence;
use super::history::{passed_on, prompt_line};
use super::told::{Answer, told};
use crate::model::{Time, Via};
use crate::source::{Body, Context, Event, ParseState, Record, SessionHead};

/// What stands above the first prompt.
#[derive(Deserialize)]
struct Start {
    started: Option<String>,
    text: String,
}

/// A turn.
#[derive(Deserialize)]
pub(super) struct Turn {
    at: Option<String>,
    /// When each of its answers came, as far as that is known.
    #[serde(default)]
    came: Vec<Option<String>>,
    /// The edit format that holds, as far as it was announced.
    pub format: Option<String>,
    /// The same words follow as a prompt of their own.
    repeated: bool,
    /// A commit of somebody else's changes before edits was seen in this session: Aider makes them, then, always.
    #[serde(default)]
    pub clean: bool,
    /// The files whose last change was taken back.
    pub undone: Vec<String>,
    text: String,
}

/// Reads one line.
pub(super) fn line(
    zone: Zone,
    folder: Option<&Path>,
    line: &[u8],
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    let record = match Record::parse(line) {
        Ok(record) => record,
        Err(why) => return say(out, None, Body::Damaged { why }),
    };
    record.enter(state, out);
    let before = out.len();
    let said = match &*record.kind {
        "start" => record
            .body()
            .map(|s: Start| start(zone, folder, &record, &s, out)),
        "turn" => record.body().map(|t: Turn| turn(zone, &record, &t, out)),
        other => {
            let record = other.to_owned();
            return say(out, None, Body::Unknown { record });
        }
    };
    if said.is_err() {
        out.truncate(before);
        let record = format!("{}/?", record.kind);
        say(out, None, Body::Unknown { record });
    }
}

pub(super) fn say(out: &mut Vec<Event>, at: Option<Time>, body: Body) {
    out.push(Event {
        key: None,
        at,
        node: None,
        body,
    });
}

/// A local time.
fn time(zone: Zone, text: Option<&str>) -> Option<Time> {
    let local: jiff::civil::DateTime = text?.parse().ok()?;
    let zone = match zone {
        Zone::Here => jiff::tz::TimeZone::system(),
        Zone::Utc => jiff::tz::TimeZone::UTC,
    };
    let at = local.to_zoned(zone).ok()?.timestamp();
    Some(Time(at.as_millisecond()))
}

fn start(
    zone: Zone,
    folder: Option<&Path>,
    record: &Record<'_>,
    start: &Start,
    out: &mut Vec<Event>,
) {
    let at = time(zone, start.started.as_deref());
    let text = start.text.trim_start();
    let text = match start.started.is_some() {
        true => text.split_once('\n').map_or("", |(_, rest)| rest),
        false => text,
    };
    let answers = answers(text);
    let lines = || answers.iter().flat_map(|a| a.told.iter());
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        cwd: folder.map(|f| f.display().to_string()),
        model: lines().find_map(|l| model(l)).map(str::to_owned),
        version: lines()
            .find_map(|l| l.strip_prefix("Aider v"))
            .map(str::to_owned),
        ..SessionHead::default()
    };
    say(out, at, Body::Session(Box::new(head)));
    for (n, answer) in answers.iter().enumerate() {
        told(&format!("start.{}", n + 1), None, answer, out);
    }
}

/// The model that a line announces.
fn model(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("Main model: ")
        .or_else(|| line.strip_prefix("Model: "))?;
    let name = rest.split(" with ").next()?.trim();
    (!name.is_empty()).then_some(name)
}

fn turn(zone: Zone, record: &Record<'_>, turn: &Turn, out: &mut Vec<Event>) {
    let at = time(zone, turn.at.as_deref());
    let (words, rest) = split(&turn.text);
    match prompt(&words).filter(|_| !turn.repeated) {
        Some(body) => out.push(Event {
            key: Some(record.key.clone().into_owned()),
            at,
            node: None,
            body,
        }),
        None => say(out, at, Body::Ignored),
    }
    for (n, answer) in answers(rest).iter().enumerate() {
        let from = out.len();
        if let Some(model) = answer.told.iter().find_map(|l| model(l)) {
            let model = Some(model.to_owned());
            let context = Context {
                model,
                ..Context::default()
            };
            say(out, None, Body::Context(context));
        }
        told(
            &format!("{}.{}", record.key, n + 1),
            Some(turn),
            answer,
            out,
        );
        if let Some(at) = turn.came.get(n).and_then(|t| time(zone, t.as_deref())) {
            for event in &mut out[from..] {
                event.at = Some(at);
            }
        }
    }
}

/// The words of a turn's prompt, and what stands below them.
pub(super) fn split(text: &str) -> (String, &str) {
    let mut words = Vec::new();
    let mut rest = text;
    for line in text.split_inclusive('\n') {
        let Some(said) = prompt_line(line.trim_end_matches(['\n', '\r'])) else {
            break;
        };
        words.push(said);
        rest = &rest[line.len()..];
    }
    (words.join("\n"), rest)
}

fn prompt(words: &str) -> Option<Body> {
    if words.trim().is_empty() || words == "<blank>" {
        return None;
    }
    let shell = words
        .strip_prefix('!')
        .or_else(|| words.strip_prefix("/run "));
    let (text, via) = match shell {
        Some(command) => (command.trim(), Via::Shell),
        // What it asks is a person's words; without them it is a command like any other.
        None if words.starts_with('/') && passed_on(words).is_none() => (words, Via::Command),
        None => (passed_on(words).unwrap_or(words), Via::Typed),
    };
    Some(Body::Prompt {
        text: text.to_owned(),
        via,
    })
}

/// Lines that only Aider itself writes, even where an answer's fence was never closed.
const SURE: &[&str] = &["> Tokens: ", "> Applied edit to ", "> Commit ", "> ^C"];

/// The answers with what is told below each. What is told ends with two blanks; other lines that begin like it are an
/// answer's quotations.
pub(super) fn answers(text: &str) -> Vec<Answer> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = vec![Answer::default()];
    let (mut fence, mut i): (Option<usize>, usize) = (None, 0);
    while i < lines.len() {
        let line = lines[i];
        let open = fence.is_some() && !SURE.iter().any(|s| line.starts_with(s));
        let found = match open {
            true => None,
            false => told_at(&lines, i),
        };
        if let Some((said, next)) = found {
            if let Some(answer) = all.last_mut() {
                answer.told.push(said);
            }
            (fence, i) = (None, next);
            continue;
        }
        if is_fence(line) {
            let ticks = line.len() - line.trim_start_matches('`').len();
            fence = match fence {
                None => Some(ticks),
                Some(n)
                    if n == ticks
                        && line.trim_end().len()
                            == n.max("</source>".len() * usize::from(n == 0)) =>
                {
                    None
                }
                Some(n) => Some(n),
            };
        }
        if let Some(last) = all.last().filter(|a| !a.told.is_empty())
            && (!line.trim().is_empty() || last.said.is_none())
        {
            all.push(Answer::default());
        }
        if let Some(answer) = all.last_mut() {
            let said = answer.said.get_or_insert_default();
            said.push_str(line);
            said.push('\n');
        }
        i += 1;
    }
    all.retain(|a| !a.told.is_empty() || a.said.as_ref().is_some_and(|s| !s.trim().is_empty()));
    all
}

/// What is told on the line, and the line behind it. Of what is told on several lines only the first is marked.
fn told_at(lines: &[&str], at: usize) -> Option<(String, usize)> {
    let said = lines[at].strip_prefix("> ")?;
    if let Some(said) = said.strip_suffix("  ") {
        return Some((said.to_owned(), at + 1));
    }
    let rest = &lines[at + 1..];
    let end = if said.starts_with('#') && said.contains("SEARCH/REPLACE block") {
        rest.iter().position(|l| l.ends_with("  ")).map(|n| n + 1)
    } else if said.starts_with("Commit ") {
        // A message of several lines.
        let below = rest.iter().take(50).take_while(|l| !l.starts_with("> "));
        below
            .enumerate()
            .find(|(_, l)| l.ends_with("  "))
            .map(|(n, _)| n + 1)
    } else {
        // The commands that are asked about.
        rest.iter()
            .take(50)
            .position(|l| l.starts_with("> ") || l.trim().is_empty())
            .filter(|n| rest[*n].starts_with("> Run shell command"))
    }?;
    let mut all = vec![said.trim_end()];
    all.extend(rest[..end].iter().map(|l| l.trim_end()));
    Some((all.join("\n"), at + 1 + end))
}
