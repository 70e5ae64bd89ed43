//! Authors, said in words. Texts from outside pass through [`crate::text`] here.

use crate::model::{Author, Evidence};
use crate::query::blame::{Alive, Fate, Origin, Replacer};
use crate::query::types::SessionRow;
use crate::text;
use crate::ui::pane::timeline::verb_of;
use crate::ui::phrase::{self, Moment};

/// So much of a commit's name tells it from others.
const COMMIT: usize = 7;

/// Who it is: the agent's name, or the word for the author.
pub fn who(origin: &Origin) -> &'static str {
    match (origin.author, origin.agent) {
        (Author::Agent, Some(agent)) => agent.name(),
        (author, _) => author.word(),
    }
}

/// The beginning of a commit's name.
pub fn commit(origin: &Origin) -> Option<&str> {
    let id = origin.commit.as_deref()?;
    Some(&id[..id.floor_char_boundary(COMMIT)])
}

/// An origin in a few words: `claude, prompt 3`.
pub fn short(origin: &Origin) -> String {
    match &origin.step {
        Some(step) if step.prompt_no > 0 => format!("{}, prompt {}", who(origin), step.prompt_no),
        _ => who(origin).to_owned(),
    }
}

/// When something happened that no step did.
pub fn span(origin: &Origin, moment: &Moment) -> String {
    match (origin.at, origin.until) {
        (Some(a), Some(b)) => format!("between {} and {}", moment.full(a), moment.full(b)),
        (Some(a), None) => format!("after {}", moment.full(a)),
        (None, Some(b)) => format!("before {}", moment.full(b)),
        (None, None) => "at an unknown time".to_owned(),
    }
}

/// An origin, all of it on one line.
pub fn whole(origin: &Origin, moment: &Moment) -> String {
    let mut parts = vec![short(origin)];
    match (&origin.step, origin.author) {
        (Some(step), _) => {
            let title = text::one_line(&step.title);
            parts.push(format!(
                "{} {}",
                verb_of(step.kind),
                text::middle(&title, 40)
            ));
            parts.extend(origin.at.map(|at| moment.full(at)));
            parts.extend(origin.evidence.map(|e| e.word().to_owned()));
        }
        (None, Author::Before) => {
            parts[0] = "older than the first record".to_owned();
            if let (None, Some(seen)) = (&origin.commit, origin.until) {
                parts[0].push_str(&format!(" of {}", moment.full(seen)));
            }
            if let Some(id) = commit(origin) {
                let at = origin.at.map(|at| format!(" of {}", moment.full(at)));
                parts.push(format!("commit {id}{}", at.unwrap_or_default()));
            }
        }
        (None, Author::Unknown) => {
            parts[0] = format!("changed {}", span(origin, moment));
            parts.push("nobody saw by whom".to_owned());
        }
        (None, _) => {
            parts.push(format!("changed {}", span(origin, moment)));
            parts.extend(origin.evidence.map(|e| e.word().to_owned()));
        }
    }
    parts.join(" · ")
}

/// Whether the evidence is worth a sign on every row.
pub fn is_weak(origin: &Origin) -> bool {
    origin.evidence == Some(Evidence::PatchOnly)
}

/// How much of what a prompt wrote still stands; `None` if it wrote nothing.
pub fn alive(alive: &Alive, session: SessionRow) -> Option<String> {
    if alive.written + alive.unknown == 0 {
        return None;
    }
    if alive.written == 0 {
        return Some(nothing_known(alive.unknown));
    }
    let mut words = of_lines(alive.alive, alive.written);
    for (by, lines) in &alive.replaced {
        let lines = phrase::grouped(u64::from(*lines));
        words.push_str(&match by {
            Replacer::Prompt(row, _, by) if *row == session => {
                format!("; {lines} replaced by prompt {by}")
            }
            Replacer::Prompt(_, id, by) => {
                let id = &id[..id.floor_char_boundary(6)];
                format!("; {lines} replaced by {id}/{by}")
            }
            Replacer::Unknown => format!("; {lines} gone, nobody saw by whom"),
        });
    }
    words.push_str(&unknown(alive.unknown));
    Some(words)
}

/// What became of the lines of a step; `None` if it wrote none.
pub fn fate(fate: &Fate) -> Option<String> {
    if fate.written + fate.unknown == 0 {
        return None;
    }
    if fate.written == 0 {
        return Some(nothing_known(fate.unknown));
    }
    let mut words = of_lines(fate.alive, fate.written);
    let changed: u32 = fate.by.iter().map(|l| l.lines).sum();
    if let [only] = &fate.by[..] {
        let lines = phrase::grouped(u64::from(changed));
        words.push_str(&format!(
            "; {lines} replaced by prompt {}",
            only.step.prompt_no
        ));
    } else if changed > 0 {
        let lines = phrase::grouped(u64::from(changed));
        let steps = phrase::count(fate.by.len() as u64, "later steps");
        words.push_str(&format!("; {lines} replaced by {steps}"));
    }
    if fate.nobody > 0 {
        let lines = phrase::grouped(u64::from(fate.nobody));
        words.push_str(&format!("; {lines} gone, nobody saw by whom"));
    }
    words.push_str(&unknown(fate.unknown));
    Some(words)
}

/// Of files whose text is not known, no line can be counted.
fn nothing_known(files: u32) -> String {
    let files = phrase::count(u64::from(files), "files");
    format!("what is left in {files} is not known")
}

fn of_lines(alive: u32, written: u32) -> String {
    let alive = phrase::grouped(u64::from(alive));
    let written = phrase::count(u64::from(written), "lines");
    format!("{alive} of {written} alive")
}

fn unknown(files: u32) -> String {
    match files {
        0 => String::new(),
        n => format!("; {} not known now", phrase::count(u64::from(n), "files")),
    }
}
