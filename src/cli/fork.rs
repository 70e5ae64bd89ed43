//! `fork`: a new session of the agent that continues from a step. The one thing that is written where agents keep their
//! files, and only when it is asked for by name; the session it comes from is not touched.

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use serde::Serialize;

use super::args::Fork;
use super::context::Context;
use super::out::{Out, Role};
use crate::clock::Clock;
use crate::model::{Agent, Time};
use crate::query::{Refused, Target, Transcript, transcript};
use crate::source::fork::{New, Origin, fork};
use crate::source::{Places, source_of};
use crate::store::Reader;

/// A new session.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Made {
    agent: &'static str,
    /// The agent's own id of it.
    pub native_id: String,
    /// And of the one it continues.
    forked_from: String,
    /// Its transcript.
    path: String,
    /// What resumes it.
    pub command: String,
    /// Calls without a result that were left out.
    pub left_out: usize,
    /// Lines that are no records, and were left out.
    damaged: usize,
}

pub(super) fn run(context: &Context<'_>, options: &Fork, out: &mut Out) -> Result<()> {
    let ask = context.ask(out)?;
    let target = ask.resolve_target(&options.step)?;
    let reader = Reader::open(&context.place()?)?;
    let made = make(&reader, &context.env.places, context.env.clock, target)?;
    if out.json {
        return out.value(&made, false);
    }
    let line = out.paint(Role::Bold, &made.command);
    out.line(&line)?;
    out.note(&format!("written: {}", made.path))?;
    for words in notes(&made) {
        out.note(&words)?;
    }
    Ok(())
}

/// What a person must know of it.
pub(super) fn notes(made: &Made) -> Vec<String> {
    let mut notes = Vec::new();
    if made.left_out > 0 {
        notes.push(format!(
            "{} without a result at this step left out",
            match made.left_out {
                1 => "1 call".to_owned(),
                n => format!("{n} calls"),
            }
        ));
    }
    if made.damaged > 0 {
        notes.push(format!(
            "{} of the transcript that are no records left out",
            match made.damaged {
                1 => "1 line".to_owned(),
                n => format!("{n} lines"),
            }
        ));
    }
    notes.push(
        "files are as they are now: `regent-tui rewind` puts them back, if that is wanted"
            .to_owned(),
    );
    notes
}

/// Writes the transcript of a new session that continues from a step or from the end of a prompt.
pub(super) fn make(reader: &Reader, places: &Places, clock: Clock, target: Target) -> Result<Made> {
    let from = transcript(reader, target)?;
    let at = clock.now();
    let id = new_id(from.agent, at);
    let origin = Origin {
        bytes: &from.bytes,
        end: from.end,
        key: from.key,
        id: &from.native_id,
    };
    let forked = fork(from.agent, origin, New { id: &id, at }).map_err(|why| {
        Refused::with_hint(
            why,
            "the agent itself can resume the session from its end (in the screen, y r copies the command); tell it where to go on",
        )
    })?;
    let path = place(&from, places, &id, at)
        .ok_or_else(|| Refused::because("it is not known where the agent looks for sessions"))?;
    write(&path, &forked.bytes)
        .wrap_err_with(|| format!("the new session could not be written to {}", path.display()))?;
    Ok(Made {
        agent: from.agent.name(),
        command: command(&from, &id),
        native_id: id,
        forked_from: from.native_id,
        path: path.display().to_string(),
        left_out: forked.left_out,
        damaged: forked.damaged,
    })
}

/// An id as the agent makes them: by chance, or for Codex with the time in front, by which it knows its own turns.
fn new_id(agent: Agent, at: Time) -> String {
    let mut hash = blake3::Hasher::new();
    // Seeded by the system, each anew.
    for _ in 0..4 {
        hash.update(&RandomState::new().hash_one(at.0).to_le_bytes());
    }
    hash.update(&std::process::id().to_le_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize().as_bytes()[..16]);
    let mut version = 4;
    if agent == Agent::Codex {
        version = 7;
        bytes[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
    }
    bytes[6] = bytes[6] & 0x0f | version << 4;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

/// Where the agent looks for it; `None` if that is not known.
fn place(from: &Transcript, places: &Places, id: &str, at: Time) -> Option<PathBuf> {
    let roots = source_of(from.agent).map_or_else(Vec::new, |source| source.roots(places));
    if from.agent == Agent::Codex {
        let local = jiff::Timestamp::from_millisecond(at.0)
            .unwrap_or_default()
            .to_zoned(jiff::tz::TimeZone::system());
        let name = local.strftime("%Y/%m/%d/rollout-%Y-%m-%dT%H-%M-%S");
        return Some(roots.first()?.join(format!("{name}-{id}.jsonl")));
    }
    let name = format!("{id}.jsonl");
    match from.path.parent() {
        // Beside the one that it continues, if that lies where the agent looks.
        Some(folder) if roots.iter().any(|r| folder.parent() == Some(r)) => Some(folder.join(name)),
        _ => {
            let cwd = from.cwd.as_deref().unwrap_or("/");
            let slug: String = cwd
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect();
            Some(roots.first()?.join(slug).join(name))
        }
    }
}

/// Writes a file that is not there yet, whole or not at all, for the user's eyes only.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let done = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(e) = done {
        // Half a session would be resumed as if it were one. The file is ours, made a moment ago.
        fs::remove_file(path)?;
        return Err(e.into());
    }
    Ok(())
}

fn command(from: &Transcript, id: &str) -> String {
    let command = match from.agent == Agent::Codex {
        true => format!("codex resume {id}"),
        false => format!("claude --resume {id}"),
    };
    match from.cwd.as_deref().map(shlex::try_quote) {
        Some(Ok(cwd)) => format!("cd {cwd} && {command}"),
        _ => command,
    }
}
