//! Paths: which ones there are, which one a user means, and what lies on the disk now. Never writes to the tree.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension};

use super::contents;
use super::refused::Refused;
use super::rows::path_name;
use super::types::{Content, StepRow};
use crate::model::BlobHash;

/// Larger files on the disk are told by their size only.
const LARGEST: u64 = 64 << 20;

/// Every path that was changed or shown, with the last step that touched it, newest first.
pub(super) fn all(conn: &Connection) -> Result<Vec<(String, StepRow)>> {
    // Gathered here: SQLite would sort every change there ever was.
    let mut last: HashMap<i64, (i64, i64)> = HashMap::new();
    for table in ["change", "sighting"] {
        let mut touched = conn.prepare_cached(&format!(
            "SELECT x.path_id, COALESCE(s.at, s.started_at, 0), x.step_id
               FROM {table} x JOIN step s ON s.id = x.step_id WHERE s.alias_of IS NULL"
        ))?;
        let mut rows = touched.query([])?;
        while let Some(r) = rows.next()? {
            let touch = (r.get(1)?, r.get(2)?);
            let known = last.entry(r.get(0)?).or_insert(touch);
            *known = touch.max(*known);
        }
    }
    let mut paths = conn
        .prepare_cached("SELECT p.id, r.kind, p.rel FROM path p JOIN root r ON r.id = p.root_id")?;
    let mut rows = paths.query([])?;
    let mut found = Vec::with_capacity(last.len());
    while let Some(r) = rows.next()? {
        let path: i64 = r.get(0)?;
        if let Some((at, step)) = last.get(&path) {
            let name = path_name(r.get(1)?, r.get_ref(2)?.as_bytes()?);
            found.push((Reverse(*at), path, name, StepRow(*step)));
        }
    }
    found.sort_unstable_by_key(|(at, path, _, _)| (*at, *path));
    Ok(found
        .into_iter()
        .map(|(_, _, name, step)| (name, step))
        .collect())
}

/// A path row as a candidate for what a user means.
struct Candidate {
    id: i64,
    root: Vec<u8>,
    kind: i64,
    changed: bool,
}

/// The path that a user means: relative to a root or absolute. In several worktrees the one of the step's own session.
/// `None`: no session knows it.
pub(super) fn look_up(conn: &Connection, step: StepRow, text: &str) -> Result<Option<i64>> {
    let wanted = text.strip_prefix("./").unwrap_or(text);
    let mut statement = conn.prepare_cached(
        "SELECT p.id, r.path, r.kind, EXISTS (SELECT 1 FROM change c WHERE c.step_id = ?1 AND c.path_id = p.id)
           FROM root r JOIN path p ON p.root_id = r.id AND p.rel = CASE
                WHEN substr(?2, 1, 1) <> x'2f' THEN ?2
                WHEN r.kind = 0 THEN substr(?2, 2)
                WHEN substr(?2, 1, length(r.path) + 1) = CAST(r.path || x'2f' AS BLOB) THEN substr(?2, length(r.path) + 2)
                END",
    )?;
    let mut candidates = statement
        .query_map((step.0, wanted.as_bytes()), |r| {
            Ok(Candidate {
                id: r.get(0)?,
                root: r.get(1)?,
                kind: r.get(2)?,
                changed: r.get(3)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let folder: Option<String> = conn
        .prepare_cached(
            "SELECT e.cwd FROM step s JOIN session e ON e.id = s.session_id WHERE s.id = ?1",
        )?
        .query_row([step.0], |r| r.get(0))
        .optional()?
        .flatten();
    candidates.sort_by_key(|c| {
        let home = folder
            .as_deref()
            .is_some_and(|f| Path::new(f).starts_with(OsStr::from_bytes(&c.root)) && c.kind != 0);
        (!c.changed, !home, c.kind, c.id)
    });
    Ok(candidates.first().map(|c| c.id))
}

/// The path that a user means, or that no session knows it.
pub(super) fn find(conn: &Connection, step: StepRow, text: &str) -> Result<i64> {
    look_up(conn, step, text)?.ok_or_else(|| {
        Refused::with_hint(
            format!("no session read or changed {text}"),
            "give the path relative to the repository, as `regent-tui show` prints it",
        )
    })
}

/// A file of the work folder that no session knows: its name below its root, and where it lies. What lies outside every
/// root is nobody's business here.
pub(super) fn unrecorded(conn: &Connection, text: &str) -> Result<Option<(String, PathBuf)>> {
    let wanted = Path::new(text.strip_prefix("./").unwrap_or(text));
    let mut roots =
        conn.prepare_cached("SELECT path FROM root WHERE kind <> 0 ORDER BY kind, id")?;
    let mut rows = roots.query([])?;
    while let Some(r) = rows.next()? {
        let root = PathBuf::from(OsStr::from_bytes(r.get_ref(0)?.as_bytes()?));
        let file = root.join(wanted);
        let rel = file.strip_prefix(&root).ok();
        let name = rel.filter(|r| !goes_up(r)).map(|r| r.to_string_lossy());
        if let Some(name) = name.filter(|_| file.is_file()) {
            let name = name.into_owned();
            return Ok(Some((name, file)));
        }
    }
    Ok(None)
}

fn goes_up(path: &Path) -> bool {
    let mut parts = path.components();
    parts.any(|c| c == std::path::Component::ParentDir)
}

/// Where a path lies, and the root that it lies under.
pub(super) fn location(conn: &Connection, path: i64) -> Result<(PathBuf, PathBuf)> {
    Ok(conn
        .prepare_cached(
            "SELECT r.path, p.rel FROM path p JOIN root r ON r.id = p.root_id WHERE p.id = ?1",
        )?
        .query_row([path], |r| {
            let root = PathBuf::from(OsStr::from_bytes(r.get_ref(0)?.as_bytes()?));
            let rel = OsStr::from_bytes(r.get_ref(1)?.as_bytes()?);
            Ok((root.clone(), root.join(rel)))
        })?)
}

/// What lies on the disk, with its BLAKE3; `None` where that cannot be said (its root is not on this machine).
pub(super) fn on_disk(conn: &Connection, path: i64) -> Result<Option<(Content, Option<String>)>> {
    let (root, file) = location(conn, path)?;
    if !root.is_dir() {
        return Ok(None);
    }
    Ok(Some(read(&file)))
}

/// What lies there, with its BLAKE3.
pub(super) fn read(file: &Path) -> (Content, Option<String>) {
    let meta = match std::fs::symlink_metadata(file) {
        Ok(meta) => meta,
        Err(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return (Content::Absent, None);
        }
        Err(_) => return (Content::Unknown, None),
    };
    // A pipe or a device is not opened: reading one may block or act.
    if !meta.is_file() {
        return (Content::Unknown, None);
    }
    if meta.len() > LARGEST {
        return (Content::Binary(meta.len()), None);
    }
    match std::fs::read(file) {
        Ok(bytes) => {
            let hash = BlobHash::of(&bytes).hex();
            (contents::of_bytes(bytes), Some(hash))
        }
        Err(_) => (Content::Unknown, None),
    }
}
