//! A session at a glance: how it ended, what deserves a look, which files and whether they were looked at.

use std::collections::{HashMap, HashSet};

use color_eyre::Result;
use rusqlite::Connection;

use super::types::{
    FileChange, PromptHead, Scope, SessionInfo, StepInfo, StepRow, Summary, SummaryFile,
};
use super::{changes, class, rows, timeline};
use crate::model::{Status, StepKind};
use crate::source::shell;
use crate::store::Reader;

/// More commands than this are not listed: a look at all of them is what the timeline is for.
const RISKY: usize = 50;

/// The summary.
pub(super) fn summary(reader: &Reader, session: SessionInfo) -> Result<Summary> {
    let conn = reader.conn();
    let row = session.row;
    let timeline = timeline::timeline(conn, session)?;
    let last_test = timeline
        .steps
        .iter()
        .rev()
        .find(|s| s.test.is_some() && !s.off_path)
        .map(|s| s.row);
    let last_test = match last_test {
        Some(step) => rows::steps(conn, &[step])?.pop(),
        None => None,
    };
    let prompts = prompts(conn, &timeline)?;
    let files = changes::in_scope(reader, Scope::Session(row))?;
    Ok(Summary {
        last_words: timeline::last_message(reader, row, None)?,
        last_test,
        prompts,
        risky: risky(conn, &timeline)?,
        files: files_of(conn, &timeline.session, &files)?,
        session: timeline.session,
    })
}

/// The prompts, each with the number of files that its steps changed and of steps that failed.
fn prompts(
    conn: &Connection,
    timeline: &super::types::Timeline,
) -> Result<Vec<(PromptHead, u32, u32)>> {
    let mut statement = conn.prepare_cached("SELECT path_id FROM change WHERE step_id = ?1")?;
    let mut out = Vec::with_capacity(timeline.prompts.len());
    for prompt in &timeline.prompts {
        let steps = &timeline.steps[prompt.steps.start as usize..prompt.steps.end as usize];
        let mut paths: HashSet<i64> = HashSet::new();
        for step in steps.iter().filter(|s| s.changed) {
            for path in statement.query_map([step.row.0], |r| r.get(0))? {
                paths.insert(path?);
            }
        }
        let failed = steps.iter().filter(|s| s.status == Status::Failed).count();
        out.push((prompt.clone(), paths.len() as u32, failed as u32));
    }
    Ok(out)
}

/// Commands that deserve a look, riskiest first, each command once.
fn risky(
    conn: &Connection,
    timeline: &super::types::Timeline,
) -> Result<Vec<(StepInfo, &'static str)>> {
    let mut target = conn.prepare_cached("SELECT target FROM step WHERE id = ?1")?;
    let mut found: Vec<(StepRow, &'static str)> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for step in timeline
        .steps
        .iter()
        .filter(|s| s.kind == StepKind::Command && s.status != Status::Denied)
    {
        let command: String = target.query_row([step.row.0], |r| r.get(0))?;
        if let Some(why) = shell::risk(&command) {
            match seen.get(&command) {
                // The latest run of it stands for all.
                Some(at) => found[*at].0 = step.row,
                None => {
                    seen.insert(command, found.len());
                    found.push((step.row, why));
                }
            }
        }
    }
    found.sort_by_key(|(_, why)| std::cmp::Reverse(weight(why)));
    found.truncate(RISKY);
    let infos = rows::steps(conn, &found.iter().map(|(row, _)| *row).collect::<Vec<_>>())?;
    let mut why: HashMap<StepRow, &'static str> = found.into_iter().collect();
    Ok(infos
        .into_iter()
        .filter_map(|i| why.remove(&i.row).map(|w| (i, w)))
        .collect())
}

/// The changed files, source first.
fn files_of(
    conn: &Connection,
    session: &SessionInfo,
    changes: &[FileChange],
) -> Result<Vec<SummaryFile>> {
    let viewed = viewed(conn, session)?;
    let mut out: Vec<SummaryFile> = changes
        .iter()
        .filter_map(|change| {
            let last_step = *change.steps.last()?;
            let state = state_of(change);
            Some(SummaryFile {
                path: change.path.clone(),
                class: class::of(&change.path),
                op: change.op,
                added: change.added,
                removed: change.removed,
                evidence: change.evidence,
                viewed: viewed
                    .get(&change.path)
                    .is_some_and(|v| *v == state.as_bytes()),
                state,
                last_step,
            })
        })
        .collect();
    out.sort_by(|a, b| (a.class, &a.path).cmp(&(b.class, &b.path)));
    Ok(out)
}

/// What a tick is for: it goes when the file changes.
fn state_of(change: &FileChange) -> String {
    match (&change.after_hash, &change.after) {
        (Some(hash), _) => hash.clone(),
        (None, super::types::Content::Absent) => "absent".to_owned(),
        // Of what is not known whole, the number of recorded changes tells one state from the next.
        (None, _) => format!("after {} changes", change.steps.len()),
    }
}

fn viewed(conn: &Connection, session: &SessionInfo) -> Result<HashMap<String, Vec<u8>>> {
    let mut statement = conn.prepare_cached(
        "SELECT v.path, v.content FROM viewed v JOIN session e ON e.pub = v.session WHERE e.id = ?1",
    )?;
    let rows = statement.query_map([session.row.0], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How much a reason weighs: what destroys files or data, then what others see or history loses, then the rest.
fn weight(why: &str) -> u8 {
    match why {
        "mkfs" | "dd of=" | "shred" | "rm -rf" | "find -delete" | "drop database"
        | "drop table" | "truncate table" | "destroy" | "git clean" | "git reset --hard"
        | "git checkout --" | "git restore" | "kubectl delete" => 3,
        "publish" | "git push --force" | "git push --delete" | "rewrites history" | "curl | sh" => {
            2
        }
        "sudo" | "kill -9" | "git stash" => 0,
        _ => 1,
    }
}
