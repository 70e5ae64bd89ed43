//! Facts that no transcript holds: git bases, marks, ticks, and where the screen was left. They name things by what
//! never changes, so a rebuild keeps them.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::{Id, Time};

use super::Result;

/// What a path contained in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// It was not there.
    Absent,
    /// This content (a row of `blob`).
    Content(i64),
}

/// Remembers what a path contained in a commit.
pub fn set_base(
    conn: &Connection,
    root: &[u8],
    rel: &[u8],
    commit: &[u8],
    base: Base,
) -> Result<()> {
    let blob = match base {
        Base::Absent => None,
        Base::Content(id) => Some(id),
    };
    conn.prepare_cached(
        "INSERT OR REPLACE INTO base (root, rel, commit_id, blob_id) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![root, rel, commit, blob])?;
    Ok(())
}

/// What a path contained in a commit; `None` if nobody has looked yet.
pub fn base(conn: &Connection, root: &[u8], rel: &[u8], commit: &[u8]) -> Result<Option<Base>> {
    let found: Option<Option<i64>> = conn
        .prepare_cached("SELECT blob_id FROM base WHERE root = ?1 AND rel = ?2 AND commit_id = ?3")?
        .query_row(params![root, rel, commit], |r| r.get(0))
        .optional()?;
    Ok(found.map(|blob| blob.map_or(Base::Absent, Base::Content)))
}

/// Remembers which commit a worktree had checked out at a moment.
pub fn set_head(conn: &Connection, root: &[u8], at: Time, commit: &[u8]) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO head (root, at, commit_id) VALUES (?1, ?2, ?3)")?
        .execute(params![root, at.0, commit])?;
    Ok(())
}

/// The commit that a worktree had checked out at a moment; `None` if nobody asked before.
pub fn head(conn: &Connection, root: &[u8], at: Time) -> Result<Option<Vec<u8>>> {
    Ok(conn
        .prepare_cached("SELECT commit_id FROM head WHERE root = ?1 AND at = ?2")?
        .query_row(params![root, at.0], |r| r.get(0))
        .optional()?)
}

/// Remembers which commit a record meant, and the one it was made on.
pub fn set_told_commit(
    conn: &Connection,
    root: &[u8],
    (name, subject): (&str, &str),
    (commit, parent): (&[u8], Option<&[u8]>),
) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO told_commit (root, name, subject, commit_id, parent) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![root, name, subject, commit, parent])?;
    Ok(())
}

/// A commit, and the one it was made on.
pub type ToldCommit = (Vec<u8>, Option<Vec<u8>>);

/// Which commit a record meant; `None` if it was not found yet.
pub fn told_commit(
    conn: &Connection,
    root: &[u8],
    name: &str,
    subject: &str,
) -> Result<Option<ToldCommit>> {
    Ok(conn
        .prepare_cached(
            "SELECT commit_id, parent FROM told_commit WHERE root = ?1 AND name = ?2 AND subject = ?3",
        )?
        .query_row(params![root, name, subject], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?)
}

/// A step that the user marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The name: a letter, or words.
    pub name: String,
    /// The step.
    pub step: Id,
    /// When it was marked.
    pub at: Time,
}

/// Marks a step; a mark of that name is moved.
pub fn set_mark(conn: &Connection, name: &str, step: Id, at: Time) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO mark (name, step, at) VALUES (?1, ?2, ?3)")?
        .execute(params![name, step.0, at.0])?;
    Ok(())
}

/// Takes a mark away.
pub fn unset_mark(conn: &Connection, name: &str) -> Result<()> {
    conn.prepare_cached("DELETE FROM mark WHERE name = ?1")?
        .execute([name])?;
    Ok(())
}

/// All marks, by name.
pub fn marks(conn: &Connection) -> Result<Vec<Mark>> {
    let mut q = conn.prepare_cached("SELECT name, step, at FROM mark ORDER BY name")?;
    let rows = q.query_map([], |r| {
        let step = Id::from_bytes(r.get_ref(1)?.as_blob()?);
        Ok((r.get(0)?, step, r.get(2)?))
    })?;
    let mut marks = Vec::new();
    for row in rows {
        let (name, step, at) = row?;
        // What is no id marks nothing.
        if let Some(step) = step {
            marks.push(Mark {
                name,
                step,
                at: Time(at),
            });
        }
    }
    Ok(marks)
}

/// Ticks a file of a session as viewed in a state.
pub fn set_viewed(
    conn: &Connection,
    session: Id,
    path: &str,
    state: &[u8],
    at: Time,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO viewed (session, path, content, at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![session.0, path, state, at.0])?;
    Ok(())
}

/// Takes the tick away.
pub fn unset_viewed(conn: &Connection, session: Id, path: &str) -> Result<()> {
    conn.prepare_cached("DELETE FROM viewed WHERE session = ?1 AND path = ?2")?
        .execute(params![session.0, path])?;
    Ok(())
}

/// The ticked files of a session, each with the state in which it was viewed.
pub fn viewed(conn: &Connection, session: Id) -> Result<Vec<(String, Vec<u8>)>> {
    let mut q =
        conn.prepare_cached("SELECT path, content FROM viewed WHERE session = ?1 ORDER BY path")?;
    let rows = q.query_map([session.0], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A word remembered between starts.
pub fn memo(conn: &Connection, name: &str) -> Result<Option<String>> {
    Ok(conn
        .prepare_cached("SELECT value FROM memo WHERE name = ?1")?
        .query_row([name], |r| r.get(0))
        .optional()?)
}

/// Remembers a word between starts.
pub fn set_memo(conn: &Connection, name: &str, value: &str) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO memo (name, value) VALUES (?1, ?2)")?
        .execute([name, value])?;
    Ok(())
}

/// Forgets a word.
pub fn unset_memo(conn: &Connection, name: &str) -> Result<()> {
    conn.prepare_cached("DELETE FROM memo WHERE name = ?1")?
        .execute([name])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Agent;
    use crate::store::Store;

    #[test]
    fn facts_come_back_as_they_were_told() {
        let store = Store::open_in_memory().unwrap();
        let c = store.conn();
        let id = Id::session(Agent::Claude, "one");
        assert_eq!(base(c, b"/r", b"a", b"c1").unwrap(), None);
        set_base(c, b"/r", b"a", b"c1", Base::Absent).unwrap();
        set_base(c, b"/r", b"a", b"c2", Base::Content(7)).unwrap();
        assert_eq!(base(c, b"/r", b"a", b"c1").unwrap(), Some(Base::Absent));
        assert_eq!(base(c, b"/r", b"a", b"c2").unwrap(), Some(Base::Content(7)));

        assert_eq!(told_commit(c, b"/r", "12345", "one").unwrap(), None);
        set_told_commit(c, b"/r", ("12345", "one"), (b"123456", Some(b"0"))).unwrap();
        let told = Some((b"123456".to_vec(), Some(b"0".to_vec())));
        assert_eq!(told_commit(c, b"/r", "12345", "one").unwrap(), told);
        assert_eq!(told_commit(c, b"/r", "12345", "two").unwrap(), None);

        set_mark(c, "b", id, Time(1)).unwrap();
        set_mark(c, "a", id, Time(2)).unwrap();
        set_mark(c, "b", id, Time(3)).unwrap();
        let names: Vec<_> = marks(c)
            .unwrap()
            .into_iter()
            .map(|m| (m.name, m.at))
            .collect();
        assert_eq!(
            names,
            [("a".to_owned(), Time(2)), ("b".to_owned(), Time(3))]
        );
        unset_mark(c, "a").unwrap();
        assert_eq!(marks(c).unwrap().len(), 1);

        set_viewed(c, id, "src/a.rs", b"x", Time(1)).unwrap();
        set_viewed(c, id, "src/a.rs", b"y", Time(2)).unwrap();
        assert_eq!(
            viewed(c, id).unwrap(),
            [("src/a.rs".to_owned(), b"y".to_vec())]
        );
        unset_viewed(c, id, "src/a.rs").unwrap();
        assert!(viewed(c, id).unwrap().is_empty());

        assert_eq!(memo(c, "left").unwrap(), None);
        set_memo(c, "left", "here").unwrap();
        assert_eq!(memo(c, "left").unwrap().as_deref(), Some("here"));
        unset_memo(c, "left").unwrap();
        assert_eq!(memo(c, "left").unwrap(), None);
    }
}
