//! The file cut into sessions and turns. It must say nothing of what a turn means.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use serde_json::json;

use super::requests::{self, Reply};
use super::turn::{answers, split};
use super::{INPUT, folder};
use crate::source::extract::{Extractor, Input, Stream, Take, read_text};
use crate::source::record::rank;
use crate::source::{Given, Places};

const HEADLINE: &str = "# aider chat started at ";

/// The file and what was typed.
pub(super) struct History;

impl Extractor for History {
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        let beside = |name| input.with_file_name(name);
        vec![input.to_owned(), beside(INPUT), beside(requests::NAME)]
    }

    fn holds_several(&self) -> bool {
        true
    }

    fn open(&self, input: &Path, _: &Places) -> Result<Box<dyn Input>> {
        let text = read_text(input)?;
        // Without it prompts have no time; that is all.
        let typed = read_text(&input.with_file_name(INPUT)).unwrap_or_default();
        Ok(Box::new(Open {
            sessions: sessions(&text),
            typed: typings(&typed),
            replies: requests::replies(&input.with_file_name(requests::NAME)),
            folder: folder(input).map(|f| f.display().to_string()),
        }))
    }
}

/// The local time that a headline names.
pub(super) fn headline(line: &str) -> Option<&str> {
    let time = line.strip_prefix(HEADLINE)?.trim_end();
    jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", time).ok()?;
    Some(time)
}

/// The words of a line of a prompt: each ends with two blanks, which a headline of an answer mostly does not.
pub(super) fn prompt_line(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("####")?.strip_suffix("  ")?;
    match rest.strip_prefix(' ') {
        Some(words) => Some(words),
        None => rest.is_empty().then_some(""),
    }
}

/// One run of Aider.
struct Session {
    name: String,
    started: Option<String>,
    /// What stands above the first prompt.
    head: String,
    turns: Vec<Turn>,
}

/// A prompt and everything up to the next.
struct Turn {
    words: String,
    text: String,
}

struct Open {
    sessions: Vec<Session>,
    /// Local time and words.
    typed: Vec<(String, String)>,
    replies: Vec<Reply>,
    folder: Option<String>,
}

impl Input for Open {
    fn sessions(&mut self) -> Result<Vec<Stream>> {
        let came = self.replies.iter().map(|r| &r.at).collect::<Vec<_>>();
        let times = blake3::hash(json!([self.typed, came]).to_string().as_bytes()).to_hex();
        let stream = |s: &Session| {
            let mut all = blake3::Hasher::new();
            all.update(s.head.as_bytes());
            for turn in &s.turns {
                all.update(turn.text.as_bytes());
            }
            Stream {
                name: s.name.clone(),
                token: format!("{} {times}", all.finalize().to_hex()),
                updated: None,
                folder: self.folder.clone(),
            }
        };
        Ok(self.sessions.iter().map(stream).collect())
    }

    fn records(&mut self, name: &str, take: &mut Take<'_>) -> Result<()> {
        let Some(at) = self.sessions.iter().position(|s| s.name == name) else {
            return Ok(());
        };
        let session = &self.sessions[at];
        let end = self.sessions[at + 1..]
            .iter()
            .find_map(|s| s.started.clone());
        let mut give = |key: &str, order: &str, kind: &str, body: String| {
            take(Given {
                session: name,
                key,
                order,
                kind,
                body: &body,
            })
        };
        let start = session.started.as_deref();
        let body = json!({"started": start, "text": session.head});
        give("start", "", "start", body.to_string())?;
        let times = self.times(session, end.as_deref());
        let mut format = edit_format(&session.head).map(str::to_owned);
        let mut replies = self.replies_to(session, end.as_deref());
        let mut commits = Commits::default();
        let mut clean = false;
        for (no, turn) in session.turns.iter().enumerate() {
            let n = no as u64 + 1;
            // `/code x` is written down twice: as it was typed, and as it was passed on.
            let next = session.turns.get(no + 1).map(|t| t.words.as_str());
            let repeated = passed_on(&turn.words).is_some_and(|words| next == Some(words));
            clean |= commits_first(&turn.text);
            let came = replies.of(turn);
            let asked = came.iter().flatten().next().and_then(|r| r.asked.clone());
            let came: Vec<_> = came.iter().map(|r| r.as_ref().map(|r| &r.at)).collect();
            let body = json!({
                "at": times[no].clone().or(asked), "came": came, "format": format, "repeated": repeated, "clean": clean,
                "undone": commits.undone(&turn.text), "text": turn.text,
            });
            give(&format!("turn {n}"), &rank(n), "turn", body.to_string())?;
            if let Some(changed) = edit_format(&turn.text) {
                format = Some(changed.to_owned());
            }
        }
        Ok(())
    }
}

impl Open {
    /// When the prompts of a session were typed: the same words in the same order, between its start and the next one's.
    fn times(&self, session: &Session, end: Option<&str>) -> Vec<Option<String>> {
        let Some(start) = session.started.as_deref() else {
            return vec![None; session.turns.len()];
        };
        let within = |t: &&(String, String)| {
            t.0.as_str() >= start && end.is_none_or(|end| t.0.as_str() < end)
        };
        let typed: Vec<_> = self.typed.iter().filter(within).collect();
        let mut from = 0;
        let time = |turn: &Turn| {
            let words = turn.words.trim_end();
            let found = typed[from..].iter().position(|t| t.1.trim_end() == words)?;
            from += found + 1;
            Some(typed[from - 1].0.clone())
        };
        session.turns.iter().map(time).collect()
    }

    /// The replies that came while a session went on.
    fn replies_to(&self, session: &Session, end: Option<&str>) -> Replies<'_> {
        let start = session.started.as_deref();
        let within = |r: &&Reply| {
            start.is_some_and(|start| r.at.as_str() >= start)
                && end.is_none_or(|end| r.at.as_str() < end)
        };
        Replies(self.replies.iter().filter(within).collect())
    }
}

/// Replies that no answer was found for yet.
struct Replies<'o>(Vec<&'o Reply>);

impl Replies<'_> {
    /// The reply that each answer of a turn is: the same words in the same order.
    fn of(&mut self, turn: &Turn) -> Vec<Option<Reply>> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let (_, rest) = split(&turn.text);
        let mut all = Vec::new();
        for answer in answers(rest) {
            let words = answer.said.as_deref().map(requests::words);
            let found = words.and_then(|w| self.0.iter().position(|r| r.words == w));
            all.push(found.map(|at| {
                let reply = self.0[at].clone();
                self.0.drain(..=at);
                reply
            }));
        }
        all
    }
}

/// Which files the commits of a session hold.
#[derive(Default)]
struct Commits {
    /// Short name of a commit, files.
    made: Vec<(String, Vec<String>)>,
}

impl Commits {
    /// Takes in a turn, and gives the files of the commits that it took back.
    fn undone(&mut self, text: &str) -> Vec<String> {
        let (mut applied, mut undone) = (Vec::new(), Vec::new());
        for line in text.lines().map(str::trim_end) {
            if let Some(file) = line.strip_prefix("> Applied edit to ") {
                applied.push(file.to_owned());
            } else if let Some(rest) = line.strip_prefix("> Commit ") {
                let name = rest.split(' ').next().unwrap_or_default();
                self.made
                    .push((name.to_owned(), std::mem::take(&mut applied)));
            } else if let Some(rest) = line.strip_prefix("> Removed: ") {
                let name = rest.split(' ').next().unwrap_or_default();
                let of = self.made.iter().rev().find(|c| c.0 == name);
                undone.extend(of.into_iter().flat_map(|c| c.1.clone()));
            }
        }
        undone
    }
}

/// Whether Aider committed somebody else's changes before it edited. It does so always, or (by a setting) never.
fn commits_first(text: &str) -> bool {
    let mut lines = text.lines();
    lines.any(|l| {
        l.strip_prefix("> Committing ")
            .is_some_and(|rest| rest.ends_with(" before applying edits.  "))
    }) && lines.any(|l| l.starts_with("> Commit "))
}

/// What a command that asks passes on to the model.
pub(super) fn passed_on(words: &str) -> Option<&str> {
    ["/code ", "/ask ", "/architect ", "/context ", "/help "]
        .iter()
        .find_map(|c| words.strip_prefix(c))
        .map(str::trim)
}

/// The edit format that was announced last.
fn edit_format(text: &str) -> Option<&str> {
    text.lines()
        .rev()
        .filter(|l| l.starts_with("> ") && l.contains("odel: "))
        .find_map(|l| {
            let (_, rest) = l.split_once(" with ")?;
            rest.split_once(" edit format").map(|(format, _)| format)
        })
}

fn sessions(text: &str) -> Vec<Session> {
    let mut starts: Vec<(usize, Option<String>)> = vec![(0, None)];
    let mut at = 0;
    let mut after_blank = true;
    for line in text.split_inclusive('\n') {
        if let Some(time) = headline(line).filter(|_| after_blank && line.ends_with('\n')) {
            starts.push((at, Some(time.to_owned())));
        }
        after_blank = line.trim().is_empty();
        at += line.len();
    }
    let mut found = Vec::new();
    let mut met: HashMap<String, u32> = HashMap::new();
    for (n, (from, started)) in starts.iter().enumerate() {
        let to = starts.get(n + 1).map_or(text.len(), |s| s.0);
        let (mut session, named_by) = turns(&text[*from..to]);
        // What names a session must not change while it grows: it is there once its first prompt is, or once it is over.
        let is_over = to < text.len();
        let Some(named_by) = named_by.or((is_over && started.is_some()).then_some(to - from))
        else {
            continue;
        };
        let hash = blake3::hash(&text.as_bytes()[*from..from + named_by]).to_hex();
        let time = started.as_deref().unwrap_or("undated").replace(' ', "T");
        let mut name = format!("{time}-{}", &hash[..12]);
        let times = met.entry(name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            name = format!("{name}-{times}");
        }
        session.name = name;
        session.started.clone_from(started);
        found.push(session);
    }
    found
}

/// The turns of a session, and where the first line of the first prompt ends.
fn turns(text: &str) -> (Session, Option<usize>) {
    let mut session = Session {
        name: String::new(),
        started: None,
        head: String::new(),
        turns: Vec::new(),
    };
    let (mut named_by, mut at) = (None, 0);
    let (mut after_blank, mut in_prompt) = (true, false);
    for line in text.split_inclusive('\n') {
        at += line.len();
        let bare = line.trim_end_matches(['\n', '\r']);
        let words = prompt_line(bare).filter(|_| line.ends_with('\n'));
        let begins = words.is_some() && after_blank;
        let goes_on = words.is_some() && in_prompt;
        in_prompt = begins || goes_on;
        if begins && !goes_on {
            named_by = named_by.or(Some(at));
            session.turns.push(Turn {
                words: String::new(),
                text: String::new(),
            });
        }
        match session.turns.last_mut() {
            Some(turn) => {
                if let Some(words) = words.filter(|_| in_prompt) {
                    if goes_on {
                        turn.words.push('\n');
                    }
                    turn.words.push_str(words);
                }
                turn.text.push_str(line);
            }
            None => session.head.push_str(line),
        }
        after_blank = bare.trim().is_empty();
    }
    (session, named_by)
}

/// `.aider.input.history`: `# time`, then lines with `+`.
fn typings(text: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(time) = line.strip_prefix("# ") {
            all.push((time.trim().to_owned(), String::new()));
        } else if let (Some(words), Some(last)) = (line.strip_prefix('+'), all.last_mut()) {
            last.1.push_str(words);
            last.1.push('\n');
        }
    }
    all
}
