//! The words of a step or prompt, read again from the raw lines of its transcript.
//!
//! The store keeps texts once, in the frames; what a row points at is parsed again by the agent's source, and the
//! event that belongs to the row is picked by its native key.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use color_eyre::{Result, eyre::eyre};
use rusqlite::OptionalExtension;

use super::types::{SessionRow, StepRow};
use crate::model::{Agent, StepKind, key_hash};
use crate::source::{self, Before, Body, Call, Effect, Event, Hunk, Outcome, ParseState};
use crate::store::Reader;

/// A raw line of a transcript and what its source makes of it.
pub(super) struct Line {
    /// As it stands in the transcript, without its line end.
    pub text: String,
    /// What it says.
    pub events: Vec<Event>,
}

/// Everything that the raw lines say of one step.
#[derive(Default)]
pub(super) struct RawStep {
    /// The agent's request.
    pub call: Option<Call>,
    /// What came back, in order; a step may have several results.
    pub outcomes: Vec<Outcome>,
    /// What was said, or the text of a notice.
    pub words: Vec<String>,
    /// The lines.
    pub lines: Vec<String>,
}

impl RawStep {
    /// What the agent said.
    pub fn said(&self) -> String {
        self.words.join("\n\n")
    }

    /// What the step did to files, or showed of them, in order.
    pub fn effects(&self) -> impl Iterator<Item = &Effect> {
        self.outcomes.iter().flat_map(|o| &o.effects)
    }
}

/// A line, read and parsed.
pub(super) fn line(reader: &Reader, file: i64, off: i64, len: i64) -> Result<Line> {
    // The format is the file's: another program may tell of the session.
    let (agent, path): (u8, Vec<u8>) = reader
        .conn()
        .prepare_cached("SELECT agent, path FROM file WHERE id = ?1")?
        .query_row([file], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?
        .ok_or_else(|| {
            eyre!("the store names a transcript (number {file}) that it does not have")
        })?;
    let agent =
        Agent::from_code(agent).ok_or_else(|| eyre!("an agent that this version does not know"))?;
    let mut bytes = reader.raw(file, off.max(0) as u64, len.max(0) as u64)?;
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    let mut events = Vec::new();
    let path = Path::new(std::ffi::OsStr::from_bytes(&path));
    source::events(agent, path, &bytes, &mut ParseState::default(), &mut events);
    Ok(Line {
        text: String::from_utf8_lossy(&bytes).into_owned(),
        events,
    })
}

/// The place of a raw line: file, offset, length.
type Place = (i64, i64, i64);

/// The raw words of a step.
pub(super) fn of_step(reader: &Reader, step: StepRow) -> Result<RawStep> {
    let mut statement = reader.conn().prepare_cached(
        "SELECT s.key_hash, s.kind, s.call_file, s.call_off, s.call_len, s.out_file, s.out_off, s.out_len
           FROM step s WHERE s.id = ?1",
    )?;
    let found = statement
        .query_row([step.0], |r| {
            let place = |at: usize| -> rusqlite::Result<Option<Place>> {
                Ok(match r.get::<_, Option<i64>>(at)? {
                    Some(file) => Some((file, r.get(at + 1)?, r.get(at + 2)?)),
                    None => None,
                })
            };
            let head: (i64, u8) = (r.get(0)?, r.get(1)?);
            Ok((head, place(2)?, place(5)?))
        })
        .optional()?;
    let Some(((key, kind), call, out)) = found else {
        return Ok(RawStep::default());
    };
    let mut places: Vec<Place> = call.into_iter().collect();
    let mut parts = reader
        .conn()
        .prepare_cached("SELECT file_id, off, len FROM part WHERE step_id = ?1 ORDER BY no")?;
    for part in parts.query_map([step.0], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))? {
        places.push(part?);
    }
    places.extend(out);
    let mut seen: Vec<Place> = Vec::new();
    places.retain(|p| {
        let new = !seen.contains(p);
        seen.push(*p);
        new
    });
    let kind = super::rows::kind(kind);
    let mut raw = RawStep::default();
    for (file, off, len) in places {
        let line = line(reader, file, off, len)?;
        take(&mut raw, line, key, kind);
    }
    Ok(raw)
}

/// Picks what belongs to the step with this key out of a line.
fn take(raw: &mut RawStep, line: Line, key: i64, kind: StepKind) {
    raw.lines.push(line.text);
    for event in line.events {
        let own_key = event.key.as_deref().unwrap_or_default();
        let own = key_hash(own_key) == key;
        match event.body {
            Body::Call(call) if key_hash(&call.call_id) == key => raw.call = Some(*call),
            Body::Outcome(outcome) if key_hash(&outcome.call_id) == key => {
                if raw.call.is_none()
                    && let Some(call) = &outcome.standalone
                {
                    raw.call = Some((**call).clone());
                }
                raw.outcomes.push(*outcome);
            }
            Body::Say { text } if own && kind == StepKind::Message => raw.words.push(text),
            Body::Notice { text, .. } if own && kind == StepKind::Notice => raw.words.push(text),
            _ => {}
        }
    }
}

/// A prompt's words, whole; empty for number 0. The row holds the first 1000 characters: only longer ones are read.
pub(super) fn prompt_text(reader: &Reader, session: SessionRow, no: u32) -> Result<String> {
    let mut statement = reader.conn().prepare_cached(
        "SELECT p.head, p.len, p.file_id, p.off, p.rec_len FROM prompt p WHERE p.session_id = ?1 AND p.no = ?2",
    )?;
    type Found = (String, i64, Option<i64>, Option<i64>, Option<i64>);
    let found: Option<Found> = statement
        .query_row((session.0, no), |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
        })
        .optional()?;
    let Some((head, chars, file, off, len)) = found else {
        return Ok(String::new());
    };
    if chars <= head.chars().count() as i64 {
        return Ok(head);
    }
    let (Some(file), Some(off), Some(len)) = (file, off, len) else {
        return Ok(head);
    };
    let texts = line(reader, file, off, len)?
        .events
        .into_iter()
        .filter_map(|e| match e.body {
            Body::Prompt { text, .. } | Body::Queued { text } => Some(text),
            Body::Outcome(outcome) => outcome.answer,
            _ => None,
        });
    Ok(texts
        .filter(|text| text.starts_with(&head))
        .max_by_key(|text| text.len())
        .unwrap_or(head))
}

/// The hunks that a record gives, or what can be said in their place: lines without numbers.
pub(super) fn hunks_of(effect: &Effect) -> Vec<Hunk> {
    let bare = |old: &str, new: &str| {
        let mut lines: Vec<String> = old.lines().map(|l| format!("-{l}")).collect();
        let old_lines = lines.len() as u32;
        lines.extend(new.lines().map(|l| format!("+{l}")));
        Hunk {
            old_start: 0,
            old_lines,
            new_start: 0,
            new_lines: lines.len() as u32 - old_lines,
            lines,
        }
    };
    match effect {
        Effect::Edit { hunks, .. } | Effect::Write { hunks, .. } if !hunks.is_empty() => {
            hunks.clone()
        }
        Effect::Edit { replacements, .. } => replacements
            .iter()
            .map(|(old, new, _)| bare(old, new))
            .collect(),
        Effect::Write {
            before, content, ..
        } => match before {
            Before::Text(old) => vec![bare(old, content)],
            Before::Absent | Before::Unchecked | Before::Unknown => vec![bare("", content)],
        },
        Effect::Patch {
            hunks, numbered, ..
        } => hunks
            .iter()
            .map(|h| match numbered {
                true => h.clone(),
                false => Hunk {
                    old_start: 0,
                    new_start: 0,
                    ..h.clone()
                },
            })
            .collect(),
        Effect::Delete {
            before: Before::Text(old),
            ..
        } => vec![bare(old, "")],
        Effect::Delete { .. } | Effect::Move { .. } | Effect::Read { .. } => Vec::new(),
    }
}
