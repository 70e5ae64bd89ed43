//! Rewinds, reverts, undos and redos as events of the repository: what the journal holds of them, and where they stand
//! among the steps of a session. The journal is a fact; nothing here is derived that a rebuild would have to make again.

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension};

use super::refused::Refused;
use super::resolve::{self, Target};
use super::types::{Content, FileChange, PromptHead, RewindEntry, SessionRow, StepLite};
use crate::model::{Evidence, Id, IdKind, IdPrefix, Node, Op as FileOp, Time};
use crate::store::Reader;
use crate::store::journal::{self, Action, Kind, Op};

/// An operation on a work folder.
#[derive(Clone, Debug)]
pub struct Rewound {
    /// Its row.
    pub op: i64,
    /// Public id (`w…`).
    pub id: String,
    /// `rewind`, `revert`, `undo` or `redo`.
    pub kind: &'static str,
    /// When it was done.
    pub at: Time,
    /// What it was, in words.
    pub title: String,
    /// Public ids of the sessions whose work it undid.
    pub sessions: Vec<String>,
    /// The files that it changed, relative to its folder.
    pub paths: Vec<String>,
    /// Lines added and removed.
    pub lines: (u32, u32),
    /// It was undone, or redone, since.
    pub taken_back: bool,
}

impl Rewound {
    fn of(conn: &Connection, op: &Op, all: &[Op]) -> Result<Rewound> {
        let paths = journal::files(conn, op.id)?;
        Ok(Rewound {
            op: op.id,
            id: op.public_id(),
            kind: op.kind.word(),
            at: op.done_at.unwrap_or(op.at),
            title: op.title.clone(),
            sessions: op
                .sessions
                .iter()
                .map(|id| id.show(IdKind::Session))
                .collect(),
            paths: paths
                .iter()
                .map(|p| String::from_utf8_lossy(p).into_owned())
                .collect(),
            lines: op.lines,
            taken_back: all.iter().any(|o| o.of == Some(op.id)),
        })
    }
}

/// All of them, newest first; only those that undid work of a session, if one is named.
pub(super) fn all(conn: &Connection, session: Option<SessionRow>) -> Result<Vec<Rewound>> {
    let ops = journal::applied(conn)?;
    let session = match session {
        Some(row) => Some(public(conn, row)?),
        None => None,
    };
    ops.iter()
        .rev()
        .filter(|op| session.is_none_or(|id| op.sessions.contains(&id)))
        .map(|op| Rewound::of(conn, op, &ops))
        .collect()
}

/// The operation that a user names by its id or the beginning of it.
pub fn resolve(reader: &Reader, text: &str) -> Result<i64> {
    let is_id = IdPrefix::parse(text).is_some_and(|p| p.kind == IdKind::Rewind);
    let ops = journal::applied(reader.conn())?;
    let mut found = ops
        .iter()
        .filter(|op| is_id && op.public_id().starts_with(text));
    match (found.next(), found.next()) {
        (Some(op), None) => Ok(op.id),
        (Some(_), Some(_)) => Err(Refused::because(format!(
            "{text} is the beginning of several rewinds"
        ))),
        _ => Err(Refused::with_hint(
            format!("no rewind {text}"),
            "`regent-tui log` lists them with their ids (w…)",
        )),
    }
}

fn public(conn: &Connection, session: SessionRow) -> Result<Id> {
    let id: Vec<u8> = conn
        .prepare_cached("SELECT pub FROM session WHERE id = ?1")?
        .query_row([session.0], |r| r.get(0))?;
    Id::from_bytes(&id).ok_or_else(|| Refused::because("this session has no proper id"))
}

/// What stands in the timeline of a session, oldest first.
pub(super) fn of_timeline(
    conn: &Connection,
    session: SessionRow,
    prompts: &[PromptHead],
    steps: &[StepLite],
) -> Result<Vec<RewindEntry>> {
    let ops = journal::applied(conn)?;
    let id = public(conn, session)?;
    let mut out = Vec::new();
    for op in ops.iter().filter(|op| op.sessions.contains(&id)) {
        let known = Rewound::of(conn, op, &ops)?;
        let (prompt, place) = place(conn, session, known.at, prompts, steps)?;
        let stands = !known.taken_back && op.kind != Kind::Undo;
        let first = first_of(op, &ops);
        let aim = first.aim.filter(|_| stands);
        // Done again, it may have been less.
        let less = first.id != op.id && known.paths.len() < journal::files(conn, first.id)?.len();
        let undone = match aim {
            Some(aim) => cut(conn, session, aim, (prompts, steps), place)?,
            None => None,
        };
        out.push(RewindEntry {
            op: op.id,
            id: known.id,
            kind: known.kind,
            at: known.at,
            title: known.title,
            files: known.paths.len() as u32,
            lines: known.lines,
            taken_back: known.taken_back,
            prompt,
            place,
            undone,
            part: less || aim.is_some_and(|aim| aim.part),
        });
    }
    out.sort_by_key(|r| (r.prompt, r.place, r.op));
    Ok(out)
}

/// What was done first, of one that was redone.
fn first_of<'a>(op: &'a Op, all: &'a [Op]) -> &'a Op {
    let mut at = op;
    while let Some(before) = at.of.and_then(|id| all.iter().find(|o| o.id == id)) {
        at = before;
    }
    at
}

/// Under which prompt, and before which step.
fn place(
    conn: &Connection,
    session: SessionRow,
    at: Time,
    prompts: &[PromptHead],
    steps: &[StepLite],
) -> Result<(u32, u32)> {
    let last: Option<i64> = conn
        .prepare_cached(
            "SELECT id FROM step WHERE session_id = ?1 AND alias_of IS NULL AND COALESCE(at, started_at) <= ?2
              ORDER BY prompt_no DESC, seq DESC LIMIT 1",
        )?
        .query_row((session.0, at.0), |r| r.get(0))
        .optional()?;
    let mut behind = match last.and_then(|id| steps.iter().position(|s| s.row.0 == id)) {
        Some(index) => index + 1,
        None => 0,
    };
    // What a sub-agent did stands behind the step that started it.
    while steps.get(behind).is_some_and(|s| s.depth > 0) {
        behind += 1;
    }
    let behind = behind as u32;
    let asked = prompts.iter().rposition(|p| p.at.is_some_and(|p| p <= at));
    let holds = prompts.iter().rposition(|p| p.steps.start < behind);
    let prompt = asked.max(holds).unwrap_or(0);
    let place = match prompts.get(prompt) {
        Some(p) => behind.clamp(p.steps.start, p.steps.end.max(p.steps.start)),
        None => 0,
    };
    Ok((prompt as u32, place))
}

/// The steps before `end` that it undid.
fn cut(
    conn: &Connection,
    session: SessionRow,
    aim: journal::Aim,
    (prompts, steps): (&[PromptHead], &[StepLite]),
    end: u32,
) -> Result<Option<std::ops::Range<u32>>> {
    let own = match resolve::by_public(conn, &aim.id, aim.prompt)? {
        Some(Target::Step(of, row)) if of == session => steps
            .iter()
            .position(|s| s.row == row)
            .map(|i| i as u32..i as u32 + 1),
        Some(Target::Prompt(of, no)) if of == session => {
            prompts.iter().find(|p| p.no == no).map(|p| p.steps.clone())
        }
        _ => None,
    };
    let range = own.map(|own| match (aim.only, aim.before) {
        (true, _) => own.start..own.end.min(end),
        (false, true) => own.start..end,
        (false, false) => own.end..end,
    });
    Ok(range.filter(|r| !r.is_empty()))
}

/// What an operation did, file by file.
pub(super) fn changes(reader: &Reader, op: i64) -> Result<Vec<FileChange>> {
    let conn = reader.conn();
    let content = |node: &Node| -> Result<Content> {
        Ok(match node {
            Node::Absent => Content::Absent,
            Node::File { hash, .. } => super::contents::of_bytes(journal::content(conn, hash)?),
            Node::Link { target } => super::contents::of_bytes(target.clone()),
            _ => Content::Unknown,
        })
    };
    let mut out = Vec::new();
    for m in journal::moves(conn, op)? {
        let what = match m.action {
            Action::Exchange if m.before.hash() == m.after.hash() => FileOp::Mode,
            Action::Exchange => FileOp::Modify,
            Action::Create => FileOp::Create,
            Action::Remove => FileOp::Delete,
            Action::MakeFolder | Action::RemoveFolder => continue,
        };
        let (before, after) = (content(&m.before)?, content(&m.after)?);
        let (added, removed) = counts(&before, &after);
        out.push(FileChange {
            path: String::from_utf8_lossy(&m.rel).into_owned(),
            op: what,
            old_path: None,
            before,
            after,
            before_hash: m.before.hash().map(|h| h.hex()),
            after_hash: m.after.hash().map(|h| h.hex()),
            evidence: Evidence::Observed,
            added,
            removed,
            hunks: Vec::new(),
            note: m.late.map(|hash| {
                format!(
                    "somebody wrote to it while it was put back; that text is kept as {}",
                    hash.hex()
                )
            }),
            steps: Vec::new(),
        });
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

fn counts(before: &Content, after: &Content) -> (u32, u32) {
    use crate::diff::lines::{Options, blocks, split};
    let text = |c: &Content| match c {
        Content::Text(text) => text.clone(),
        _ => "".into(),
    };
    let (before, after) = (text(before), text(after));
    let blocks = blocks(&split(&before), &split(&after), &Options::default());
    let changed = blocks.iter().filter(|b| b.changed);
    changed.fold((0, 0), |(a, r), b| {
        (a + b.new.len() as u32, r + b.old.len() as u32)
    })
}
