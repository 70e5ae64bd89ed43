//! A step, whole: its words from the raw lines, its changes from the chain.

use std::borrow::Cow;
use std::sync::Arc;

use color_eyre::Result;

use super::raw::{self, RawStep};
use super::refused::Refused;
use super::rows;
use super::types::{Shown, StepDetail, StepInfo, StepRow};
use crate::model::StepKind;
use crate::source::Effect;
use crate::store::Reader;
use crate::store::beside::{Whole, outputs};

/// So much of an output is handed over.
const OUTPUT: usize = 4 << 20;

/// The step.
pub(super) fn step(reader: &Reader, row: StepRow) -> Result<StepDetail> {
    let info = rows::steps(reader.conn(), &[row])?
        .pop()
        .ok_or_else(|| Refused::because("this step is no longer in the store"))?;
    let mut words = raw::of_step(reader, row)?;
    let changes = super::changes::of_step(reader, row, &words)?;
    let (output, output_cut) = output(&info, &words, outputs(reader.conn(), row.0)?);
    let said = words.said();
    let (prompt_text, reply) = surroundings(reader, &info, &said)?;
    Ok(StepDetail {
        prompt_text,
        reply,
        input: words
            .call
            .as_ref()
            .map_or_else(String::new, |c| c.input.clone()),
        output,
        output_cut,
        shown: shown(&info, &words),
        changes,
        raw: std::mem::take(&mut words.lines),
        info,
    })
}

/// What came back, the parts one after the other; of what is too long, the beginning and the end.
fn output(info: &StepInfo, words: &RawStep, mut spilled: Vec<Whole>) -> (String, u64) {
    let mut whole = String::new();
    let mut left_off = 0;
    for outcome in &words.outcomes {
        let of_this = |w: &Whole| outcome.spilled.as_ref().is_some_and(|s| s.name == w.name);
        let part = match spilled.iter().position(of_this) {
            Some(at) => {
                let (text, missing) = unspilled(&outcome.output, spilled.remove(at));
                left_off += missing;
                Cow::Owned(text)
            }
            None => Cow::Borrowed(outcome.output.as_str()),
        };
        if !whole.is_empty() && !part.is_empty() && !whole.ends_with('\n') {
            whole.push('\n');
        }
        whole.push_str(&part);
    }
    if whole.is_empty() && info.kind == StepKind::Notice {
        whole = words.said();
    }
    if whole.len() <= OUTPUT {
        return (whole, left_off);
    }
    // Both ends matter: a build says at its end what failed. The cut is at characters, the end at a line if it can be.
    let head = floor(&whole, OUTPUT / 2);
    let tail = floor(&whole, whole.len() - OUTPUT / 2);
    let tail = whole[tail..].find('\n').map_or(tail, |n| tail + n + 1);
    let cut = (tail - head) as u64;
    let text = format!(
        "{}\n… {cut} bytes left off …\n{}",
        &whole[..head],
        &whole[tail..]
    );
    (text, cut + left_off)
}

/// An output of which the record holds only the beginning, with the rest of it, or with how much that is.
fn unspilled(recorded: &str, whole: Whole) -> (String, u64) {
    let at = usize::try_from(whole.said.begins).unwrap_or(usize::MAX);
    let (begins, behind) = recorded.split_at(floor(recorded, at.min(recorded.len())));
    match whole.content {
        Ok(bytes) => (String::from_utf8_lossy(&bytes).into_owned() + behind, 0),
        Err(why) => {
            let (said, rest) = match whole.said.size {
                Some(size) => {
                    let rest = size.saturating_sub(begins.len() as u64);
                    (format!("{rest} bytes"), rest)
                }
                None => ("the rest".to_owned(), 0),
            };
            let name = whole.name;
            let text = format!("{begins}\n… {said} left off: in {name}, and {why} …\n{behind}");
            (text, rest)
        }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The prompt behind a step, and what the agent said right before it.
fn surroundings(reader: &Reader, info: &StepInfo, said: &str) -> Result<(String, String)> {
    let conn = reader.conn();
    let (session, no): (i64, u32) = conn
        .prepare_cached("SELECT session_id, prompt_no FROM step WHERE id = ?1")?
        .query_row([info.row.0], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let prompt = raw::prompt_text(reader, super::types::SessionRow(session), no)?;
    if info.kind == StepKind::Message {
        return Ok((prompt, said.to_owned()));
    }
    // Back to the step before that is no message; steps that were still open when this one was asked for do not stand
    // between it and the words that they share.
    let mut statement = conn.prepare_cached(
        "SELECT id, kind, at FROM step WHERE session_id = ?1 AND prompt_no = ?2 AND seq < ?3 AND alias_of IS NULL
          ORDER BY seq DESC",
    )?;
    let mut rows = statement.query((session, no, info.seq))?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        let open = rows::time(row.get(2)?) >= info.started_at && info.started_at.is_some();
        match rows::kind(row.get(1)?) {
            StepKind::Message => messages.push(StepRow(row.get(0)?)),
            _ if messages.is_empty() && open => {}
            _ => break,
        }
    }
    let mut reply = Vec::new();
    for message in messages.into_iter().rev() {
        reply.push(raw::of_step(reader, message)?.said());
    }
    Ok((prompt, reply.join("\n\n")))
}

/// What a read showed.
fn shown(info: &StepInfo, words: &RawStep) -> Option<Shown> {
    words.effects().find_map(|effect| match effect {
        Effect::Read {
            path,
            content,
            first_line,
            ..
        } => Some(Shown {
            path: named(info, path),
            text: Arc::from(content.as_str()),
            first_line: *first_line,
        }),
        _ => None,
    })
}

/// The name that the store has for a path of the record: the step's own path that it ends with.
fn named(info: &StepInfo, path: &str) -> String {
    info.paths
        .iter()
        .filter(|known| {
            path.strip_suffix(known.as_str()).is_some_and(|front| {
                front.is_empty() || front.ends_with('/') || known.starts_with('/')
            })
        })
        .max_by_key(|known| known.len())
        .cloned()
        .unwrap_or_else(|| path.to_owned())
}
