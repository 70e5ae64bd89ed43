//! Blame and the removed lines, as answers.

use std::path::Path;
use std::sync::Arc;

use color_eyre::Result;

use super::super::chain::Item;
use super::super::refused::Refused;
use super::super::{changes, files};
use super::alive::name_now;
use super::commits::{self, Commits, Start};
use super::origins::Origins;
use super::story::{Maker, Story, Text};
use super::types::{Blame, BlameLine, BlameQuery, Removed, RemovedLine, Stop, When};
use super::walk::{Mark, Walked, bare};
use super::{Cache, path_row};
use crate::model::Time;
use crate::store::Reader;

/// The lines of a file with their authors.
pub(in super::super) fn blame(
    reader: &Reader,
    cache: &mut Cache,
    query: &BlameQuery,
) -> Result<Blame> {
    if let Some((name, file)) = super::unrecorded(reader, query)? {
        return of_unrecorded(reader, cache, query, (name, &file));
    }
    let mut path = path_row(reader, &query.path, query.when)?;
    let mut story = Story::of(reader, path, query.when)?;
    if query.when == When::Now && matches!(story.end(), Text::Absent) {
        // It may have another name by now.
        path = name_now(reader, path, |chain| {
            chain.items.iter().rposition(Item::left_for_another)
        })?;
        story = Story::of(reader, path, query.when)?;
    }
    let name = changes::name(reader.conn(), path)?;
    let walked = cache.walk(reader, &story)?;
    present(&story, &walked, &name, query.when)?;
    let range = range_of(query, &walked, &name)?;
    let marks = walked.marks.get(range.clone()).unwrap_or_default();
    let found = if query.commits && marks.iter().any(|m| m.by == 0) {
        let key = (story.fingerprint(story.turns.len()), path);
        cache.commits(key, |stop| commits_of(reader, stop, path, &story, &walked))?
    } else {
        Arc::default()
    };
    let mut blame = render(reader, &story, &walked, range, &found)?;
    blame.path = name;
    if query.when == When::Now && !story.disk {
        let note = "its folder is not on this machine: as the last record left it";
        blame.note = Some(note.to_owned());
    }
    Ok(blame)
}

/// The lines that are asked for, from 0.
fn range_of(query: &BlameQuery, walked: &Walked, name: &str) -> Result<std::ops::Range<usize>> {
    let all = walked.lines.len();
    let range = match query.range {
        Some((from, to)) => (from.max(1) as usize - 1).min(all)..(to as usize).min(all),
        None => 0..all,
    };
    match range.is_empty() && query.range.is_some() {
        true => Err(Refused::because(format!("{name} has {all} lines"))),
        false => Ok(range),
    }
}

/// A file that no session knows: all of it is older than the records, and git may know more.
fn of_unrecorded(
    reader: &Reader,
    cache: &mut Cache,
    query: &BlameQuery,
    (name, file): (String, &Path),
) -> Result<Blame> {
    let story = Story::of_file(file);
    let walked = cache.walk(reader, &story)?;
    present(&story, &walked, &name, query.when)?;
    let range = range_of(query, &walked, &name)?;
    let found = if query.commits {
        let mut key = blake3::Hasher::new();
        key.update(story.fingerprint(0).as_bytes());
        key.update(file.as_os_str().as_encoded_bytes());
        cache.commits((key.finalize(), 0), |stop| {
            let start = Start {
                commit: None,
                before: None,
                stop,
            };
            commits::of_lines(file, &start, &walked.lines)
        })?
    } else {
        Arc::default()
    };
    let mut blame = render(reader, &story, &walked, range, &found)?;
    blame.path = name;
    blame.note = Some("no session read or changed it: these are its commits".to_owned());
    blame.unrecorded = true;
    Ok(blame)
}

/// That there is a text to blame, or why not.
fn present(story: &Story, walked: &Walked, name: &str, when: When) -> Result<()> {
    let hint =
        "`--at STEP` blames it as it was right after a step, `regent-tui history` lists them";
    if matches!(story.end(), Text::Absent) {
        let place = if when == When::Now && story.disk {
            "on disk"
        } else {
            "there"
        };
        return Err(Refused::with_hint(format!("{name} is not {place}"), hint));
    }
    if !walked.known {
        let why = if when == When::Now && story.disk {
            "is no text"
        } else {
            "is not known at this moment"
        };
        return Err(Refused::with_hint(format!("{name} {why}"), hint));
    }
    Ok(())
}

/// Lines of a walk as an answer; the name is the caller's.
pub(super) fn render(
    reader: &Reader,
    story: &Story,
    walked: &Walked,
    range: std::ops::Range<usize>,
    found: &[Option<(String, Time)>],
) -> Result<Blame> {
    let mut origins = Origins::new(reader, story);
    let mut lines = Vec::with_capacity(range.len());
    for at in range {
        let mark = walked.marks[at];
        let commit = found
            .get(at)
            .and_then(Option::as_ref)
            .filter(|_| mark.by == 0);
        let by = |m: u32, origins: &mut Origins<'_>| match m {
            0 => Ok(None),
            m => origins.number(m - 1, None).map(Some),
        };
        lines.push(BlameLine {
            line: at as u32 + 1,
            text: String::from_utf8_lossy(bare(walked.lines.get(at))).into_owned(),
            origin: origins.number(mark.by, commit)?,
            alternatives: alternatives(&mut origins, walked, mark)?,
            moved: by(mark.moved, &mut origins)?,
            spaced: by(mark.spaced, &mut origins)?,
        });
    }
    Ok(Blame {
        path: String::new(),
        total: walked.lines.len() as u32,
        lines,
        origins: origins.done(),
        note: None,
        unrecorded: false,
    })
}

fn alternatives(origins: &mut Origins<'_>, walked: &Walked, mark: Mark) -> Result<Vec<usize>> {
    let set = walked.sets.get(mark.or as usize);
    let set = set.map(Vec::as_slice).unwrap_or_default();
    let others = set.iter().filter(|m| **m != mark.by);
    others.map(|m| origins.number(*m, None)).collect()
}

/// The commits of what is older than the records.
fn commits_of(
    reader: &Reader,
    stop: Option<&Stop>,
    path: i64,
    story: &Story,
    walked: &Walked,
) -> Result<Commits> {
    let Some(Maker::Before {
        seen: Some((at, session)),
    }) = story.makers.first()
    else {
        return Ok(Vec::new());
    };
    let commit: Option<String> = reader
        .conn()
        .prepare_cached("SELECT commit_id FROM session WHERE id = ?1")?
        .query_row([session.0], |r| r.get(0))?;
    let (_, file) = files::location(reader.conn(), path)?;
    let start = Start {
        commit: commit.as_deref(),
        before: *at,
        stop,
    };
    commits::of_lines(&file, &start, &walked.lines)
}

/// The lines that are gone: who wrote them, and who removed them.
pub(in super::super) fn removed(
    reader: &Reader,
    cache: &mut Cache,
    query: &BlameQuery,
) -> Result<Removed> {
    let path = path_row(reader, &query.path, query.when)?;
    let story = Story::of(reader, path, query.when)?;
    let walked = cache.walk(reader, &story)?;
    let mut origins = Origins::new(reader, &story);
    let mut lines = Vec::with_capacity(walked.gone.len());
    for gone in &walked.gone {
        lines.push(RemovedLine {
            line: gone.line as u32 + 1,
            text: String::from_utf8_lossy(bare(&gone.text)).into_owned(),
            origin: origins.number(gone.mark.by, None)?,
            alternatives: alternatives(&mut origins, &walked, gone.mark)?,
            removed: origins.number(gone.by as u32, None)?,
        });
    }
    Ok(Removed {
        path: changes::name(reader.conn(), path)?,
        lines,
        origins: origins.done(),
    })
}
