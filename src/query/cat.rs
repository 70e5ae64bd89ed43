//! A file as it was right after a step, or right before it.

use color_eyre::Result;
use rusqlite::Connection;

use super::chain::{Chain, Moment};
use super::contents::{self, State};
use super::refused::Refused;
use super::rows::shown;
use super::types::{Content, StepRow};
use super::{changes, files};
use crate::model::IdKind;

/// At which side of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Right before it.
    Before,
    /// Right after it.
    After,
}

/// The state of a path at a step.
fn state(
    conn: &Connection,
    step: StepRow,
    path: i64,
    side: Side,
) -> Result<(State, Chain, Moment)> {
    let chain = Chain::load(conn, path)?;
    let moment = Moment::of(conn, step)?;
    let state = match side {
        Side::Before => chain.before(&moment),
        Side::After => chain.after(&moment),
    };
    Ok((state, chain, moment))
}

/// The content, or that there is none, or that it is not known.
pub(super) fn content(conn: &Connection, step: StepRow, path: &str) -> Result<Content> {
    let path = files::find(conn, step, path)?;
    contents::content(conn, state(conn, step, path, Side::After)?.0)
}

/// The exact bytes; else why there are none.
pub(super) fn bytes(conn: &Connection, step: StepRow, path: &str, side: Side) -> Result<Vec<u8>> {
    let row = files::find(conn, step, path)?;
    let (state, chain, moment) = state(conn, step, row, side)?;
    if let Some(bytes) = contents::bytes(conn, state)? {
        return Ok(bytes);
    }
    let name = changes::name(conn, row)?;
    if state == State::Unknown {
        return Err(Refused::with_hint(
            format!("{name}: not known at this step"),
            "`regent-tui log --path` shows the steps that touched it",
        ));
    }
    Err(match chain.deleted_by(&moment) {
        Some(by) if by != step || side == Side::After => {
            let id: Vec<u8> = conn
                .prepare_cached("SELECT pub FROM step WHERE id = ?1")?
                .query_row([by.0], |r| r.get(0))?;
            Refused::because(format!("{name}: deleted by {}", shown(&id, IdKind::Step)))
        }
        _ => Refused::because(format!("{name}: there was no such file at this step")),
    })
}
