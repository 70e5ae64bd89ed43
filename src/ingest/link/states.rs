//! One change on a known state: what stood before, what stands after.

use std::collections::HashMap;
use std::sync::Arc;

use color_eyre::Result;
use rusqlite::Connection;

use super::super::fold::{line_counts, replace};
use crate::diff::patch;
use crate::model::Op;
use crate::source::{Effect, Hunk};
use crate::store::blobs;

/// Bytes of texts that are remembered.
const REMEMBERED: usize = 32 << 20;

/// What a path contains at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Unknown,
    Absent,
    Blob(i64),
}

impl State {
    /// From a column: NULL unknown, 0 absent, else the content's row.
    pub fn of(row: Option<i64>) -> State {
        match row {
            None => State::Unknown,
            Some(0) => State::Absent,
            Some(blob) => State::Blob(blob),
        }
    }

    /// The inverse of [`State::of`].
    pub fn row(self) -> Option<i64> {
        match self {
            State::Unknown => None,
            State::Absent => Some(0),
            State::Blob(blob) => Some(blob),
        }
    }
}

/// What was worked out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worked {
    pub before: State,
    pub after: State,
}

/// Contents as text, the last ones remembered: one path's states come one after the other.
#[derive(Default)]
pub(super) struct Texts {
    held: HashMap<i64, Option<Arc<str>>>,
    size: usize,
}

impl Texts {
    /// A content as text; `None` if it is none.
    pub fn get(&mut self, conn: &Connection, blob: i64) -> Result<Option<Arc<str>>> {
        if let Some(text) = self.held.get(&blob) {
            return Ok(text.clone());
        }
        let text: Option<Arc<str>> = String::from_utf8(blobs::get(conn, blob)?)
            .ok()
            .map(Into::into);
        self.keep(blob, text.clone());
        Ok(text)
    }

    /// Lines added and removed from one state to the other; `None` where that cannot be counted.
    pub fn lines(
        &mut self,
        conn: &Connection,
        before: State,
        after: State,
    ) -> Result<Option<(u32, u32)>> {
        let mut text = |state| match state {
            State::Blob(blob) => self.get(conn, blob),
            State::Absent => Ok(Some(Arc::from(""))),
            State::Unknown => Ok(None),
        };
        let (before, after) = (text(before)?, text(after)?);
        Ok(before.zip(after).map(|(b, a)| line_counts(&b, &a)))
    }

    fn put(&mut self, conn: &Connection, text: String) -> Result<i64> {
        let blob = blobs::put(conn, text.as_bytes())?;
        self.keep(blob, Some(text.into()));
        Ok(blob)
    }

    fn keep(&mut self, blob: i64, text: Option<Arc<str>>) {
        self.size += text.as_ref().map_or(0, |t| t.len());
        if self.size > REMEMBERED {
            self.held.clear();
            self.size = text.as_ref().map_or(0, |t| t.len());
        }
        self.held.insert(blob, text);
    }
}

/// Works out a change from the state before it. Nothing is taken on trust: an edit must find its old text, a patch its
/// context at its line, a written file's recorded hunks must lead from the one to the other.
pub(super) fn work_out(
    conn: &Connection,
    texts: &mut Texts,
    base: State,
    recorded: (Option<i64>, Option<i64>),
    op: Op,
    effect: Option<&Effect>,
) -> Result<Worked> {
    let rec = (State::of(recorded.0), State::of(recorded.1));
    let before = if rec.0 == State::Unknown { base } else { rec.0 };
    let unknown = Worked {
        before: rec.0,
        after: rec.1,
    };
    if op == Op::Delete {
        // The record says that it is gone; what it was, the chain says (but not that it was nothing).
        let before = if before == State::Absent {
            State::Unknown
        } else {
            before
        };
        return Ok(Worked {
            before,
            after: State::Absent,
        });
    }
    let Some(effect) = effect else {
        // A rename that no tool reported was a shell's `mv`: the content goes along.
        let moved = op == Op::Rename && matches!(before, State::Blob(_));
        return Ok(if moved {
            Worked {
                before,
                after: before,
            }
        } else {
            unknown
        });
    };
    let text = match before {
        State::Blob(blob) => texts.get(conn, blob)?,
        State::Absent => Some(Arc::from("")),
        State::Unknown => None,
    };
    let after = match (effect, &text) {
        (Effect::Move { .. }, _) if before != State::Absent => {
            return Ok(Worked {
                before,
                after: before,
            });
        }
        (
            Effect::Edit {
                replacements,
                hunks,
                amended,
                ..
            },
            Some(text),
        ) => {
            let patched = if hunks.is_empty() {
                None
            } else {
                patch::apply(text, hunks, true).ok()
            };
            match (replace(text, replacements), patched) {
                (_, Some(patched)) if *amended => Some(patched),
                (Some(replaced), _) if hunks.is_empty() && !amended => Some(replaced),
                (Some(replaced), Some(patched)) if replaced == patched => Some(replaced),
                (Some(replaced), None) if !amended && fits_without_tabs(text, hunks) => {
                    Some(replaced)
                }
                _ => None,
            }
        }
        (
            Effect::Patch {
                hunks, numbered, ..
            },
            Some(text),
        ) => patch::apply(text, hunks, *numbered).ok(),
        (Effect::Write { content, hunks, .. }, Some(text)) => {
            let leads = match hunks.is_empty() {
                true => **text == **content,
                false => patch::apply(text, hunks, true).is_ok_and(|t| t == *content),
            };
            return Ok(Worked {
                before: if leads { before } else { rec.0 },
                after: rec.1,
            });
        }
        _ => None,
    };
    Ok(match after {
        Some(text) => Worked {
            before,
            after: State::Blob(texts.put(conn, text)?),
        },
        None => unknown,
    })
}

/// Whether what the hunks say of the text before stands at their lines, if leading tabs count as two spaces: Claude Code
/// shows them so in its hunks (measured on 2,103 lines), and without the text before they cannot be put back.
fn fits_without_tabs(text: &str, hunks: &[Hunk]) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    hunks.iter().all(|hunk| {
        let old = hunk.lines.iter().filter(|l| l.starts_with([' ', '-']));
        old.enumerate().all(|(i, shown)| {
            let at = (hunk.old_start as usize).saturating_sub(1) + i;
            lines
                .get(at)
                .is_some_and(|line| untabbed(line) == untabbed(&shown[1..]))
        })
    })
}

fn untabbed(line: &str) -> String {
    let rest = line.trim_start_matches(['\t', ' ']);
    let indent: usize = line[..line.len() - rest.len()]
        .chars()
        .map(|c| if c == '\t' { 2 } else { 1 })
        .sum();
    format!("{}{rest}", " ".repeat(indent))
}
