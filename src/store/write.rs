//! Turning what the fold hands over into rows.
//!
//! Everything here runs inside the caller's transaction. The writer remembers the row ids of roots, paths and
//! contents, so it must be thrown away when its transaction is rolled back.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::blobs::{self, PackedBlob};
use super::rows::{
    ChangeRecord, Known, Named, NamedRecord, PathRecord, PromptRecord, SessionBatch, SessionRecord,
    Span, StepBatch,
};
use super::{Error, Result, beside, observed};
use crate::model::{BlobHash, Id};

/// Contents whose row ids are remembered; beyond it they are looked up.
const REMEMBERED: usize = 200_000;
/// Characters of a prompt that its row keeps.
const PROMPT_HEAD: usize = 1000;

/// Row ids that were met.
#[derive(Default)]
pub struct Writer {
    blobs: HashMap<BlobHash, i64>,
    roots: HashMap<Vec<u8>, i64>,
    paths: HashMap<(i64, Vec<u8>), i64>,
}

impl Writer {
    /// Stores a content and remembers its row.
    ///
    /// # Errors
    /// As SQLite says.
    pub fn blob(&mut self, conn: &Connection, blob: &PackedBlob) -> Result<i64> {
        if let Some(id) = self.blobs.get(&blob.hash) {
            return Ok(*id);
        }
        let id = blobs::put_packed(conn, blob)?;
        self.remember(blob.hash, id);
        Ok(id)
    }

    fn remember(&mut self, hash: BlobHash, id: i64) {
        if self.blobs.len() >= REMEMBERED {
            self.blobs.clear();
        }
        self.blobs.insert(hash, id);
    }

    /// Adds a batch to its session. `files` are the rows of the files that the batch's spans point into; `kind_of` tells what
    /// kind a root is that is met for the first time.
    ///
    /// # Errors
    /// As SQLite says; [`Error::Inconsistent`] if a content was not stored before.
    pub fn session(
        &mut self,
        conn: &Connection,
        batch: &SessionBatch,
        files: &[i64],
        kind_of: &dyn Fn(&[u8]) -> u8,
    ) -> Result<i64> {
        let session = session_row(conn, &batch.session)?;
        if batch.replace {
            Self::drop_session_rows(conn, session)?;
        }
        update_session(conn, session, &batch.session, &batch.checkpoint)?;
        for index in &batch.files {
            let file = file_of(
                files,
                Span {
                    file: *index,
                    off: 0,
                    len: 0,
                },
            )?;
            conn.prepare_cached(
                "INSERT OR IGNORE INTO session_file (session_id, file_id) VALUES (?1, ?2)",
            )?
            .execute([session, file])?;
        }
        for prompt in &batch.prompts {
            self.prompt(conn, session, prompt, files)?;
        }
        for step in &batch.steps {
            self.step(conn, session, step, files, kind_of)?;
        }
        for named in &batch.named {
            self.named(conn, session, named, kind_of)?;
        }
        for (no, off) in &batch.off_path {
            conn.prepare_cached(
                "UPDATE prompt SET off_path = ?3 WHERE session_id = ?1 AND no = ?2",
            )?
            .execute(params![session, no, off])?;
            conn.prepare_cached(
                "UPDATE step SET off_path = ?3 WHERE session_id = ?1 AND prompt_no = ?2",
            )?
            .execute(params![session, no, off])?;
        }
        self.odd_records(conn, session, batch, files)?;
        Ok(session)
    }

    fn odd_records(
        &mut self,
        conn: &Connection,
        session: i64,
        batch: &SessionBatch,
        files: &[i64],
    ) -> Result<()> {
        for (version, record, n) in &batch.unknown {
            conn.prepare_cached(
                "INSERT INTO unknown_record (agent, version, record, session_id, n) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET n = n + excluded.n",
            )?
            .execute(params![batch.session.agent as u8, version, record, session, n])?;
        }
        for (span, why) in &batch.damaged {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO damage (file_id, off, len, why) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                file_of(files, *span)?,
                span.off as i64,
                span.len,
                why
            ])?;
        }
        Ok(())
    }

    fn prompt(
        &mut self,
        conn: &Connection,
        session: i64,
        p: &PromptRecord,
        files: &[i64],
    ) -> Result<()> {
        let head = match p.text.char_indices().nth(PROMPT_HEAD) {
            Some((end, _)) => &p.text[..end],
            None => p.text.as_str(),
        };
        let span = p
            .place
            .map(|s| file_of(files, s).map(|f| (f, s)))
            .transpose()?;
        conn.prepare_cached(
            "INSERT INTO prompt (session_id, no, pub, at, via, dup, head, len, file_id, off, rec_len)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            session,
            p.no,
            p.id.0,
            p.at.map(|t| t.0),
            p.via as u8,
            p.dup,
            head,
            p.text.chars().count() as i64,
            span.map(|(f, _)| f),
            span.map(|(_, s)| s.off as i64),
            span.map(|(_, s)| s.len)
        ])?;
        let id = conn.last_insert_rowid();
        conn.prepare_cached("INSERT INTO words (rowid, prompt) VALUES (?1, ?2)")?
            .execute(params![id * 2, p.text])?;
        // Asked only for what is not ASCII, which a text in ASCII cannot hold.
        if !head.is_ascii() {
            conn.prepare_cached("INSERT INTO letters (rowid, text) VALUES (?1, ?2)")?
                .execute(params![id, head])?;
        }
        Ok(())
    }

    fn step(
        &mut self,
        conn: &Connection,
        session: i64,
        batch: &StepBatch,
        files: &[i64],
        kind_of: &dyn Fn(&[u8]) -> u8,
    ) -> Result<()> {
        let s = &batch.step;
        let span = |span: Option<Span>| -> Result<(Option<i64>, Option<i64>, Option<u32>)> {
            Ok(match span {
                Some(span) => (
                    Some(file_of(files, span)?),
                    Some(span.off as i64),
                    Some(span.len),
                ),
                None => (None, None, None),
            })
        };
        let (call, out) = (span(s.call)?, span(s.out)?);
        if batch.known {
            conn.prepare_cached(UPDATE_STEP)?
        } else {
            conn.prepare_cached(INSERT_STEP)?
        }
        .execute(params![
            session,
            s.prompt_no,
            s.seq,
            s.id.0,
            s.key_hash,
            s.dup,
            s.at.map(|t| t.0),
            s.started_at.map(|t| t.0),
            s.kind as u8,
            s.status as u8,
            s.tool,
            s.target,
            s.exit_code,
            s.duration_ms.map(|d| d as i64),
            s.counts.map(|c| c.0),
            s.counts.map(|c| c.1),
            s.evidence.map(|e| e as u8),
            s.test.map(|t| t as u8),
            s.spawned,
            call.0,
            call.1,
            call.2,
            out.0,
            out.1,
            out.2,
        ])?;
        let id = if batch.known {
            conn.prepare_cached("SELECT id FROM step WHERE pub = ?1")?
                .query_row([s.id.0], |r| r.get(0))?
        } else {
            conn.last_insert_rowid()
        };
        for (no, part) in s.parts.iter().enumerate() {
            conn.prepare_cached("INSERT OR REPLACE INTO part (step_id, no, file_id, off, len) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![id, no as i64, file_of(files, *part)?, part.off as i64, part.len])?;
        }
        for change in &batch.changes {
            self.change(conn, id, change, kind_of)?;
        }
        for sighting in &batch.sightings {
            let path = self.path(conn, &sighting.path, kind_of)?;
            let blob = sighting
                .content
                .map(|h| self.blob_row(conn, &h))
                .transpose()?;
            conn.prepare_cached(
                "INSERT INTO sighting (step_id, path_id, blob_id) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![id, path, blob])?;
        }
        if batch.known {
            // The link pass may know more of its changes than the fold does.
            Self::sum_changes(conn, id)?;
            observed::disturb(conn, s.started_at.or(s.at).map(|t| t.0))?;
        }
        index_words(conn, id, batch)
    }

    /// What a step's row says of its changes, from their rows: the weakest evidence, and the lines that the record tells.
    ///
    /// # Errors
    /// As SQLite says.
    pub fn sum_changes(conn: &Connection, step: i64) -> Result<()> {
        conn.prepare_cached(
            "UPDATE step SET (added, removed) =
               (SELECT min(sum(added), 4294967295), min(sum(removed), 4294967295) FROM change WHERE step_id = ?1 AND linked <> 4)
              WHERE id = ?1",
        )?
        .execute([step])?;
        conn.prepare_cached(EVIDENCE)?.execute([step])?;
        Ok(())
    }

    /// Notes that a session has records in these files, without adding rows: it will be folded anew from all its files.
    ///
    /// # Errors
    /// As SQLite says.
    pub fn note_session(conn: &Connection, s: &SessionRecord, files: &[i64]) -> Result<i64> {
        let session = session_row(conn, s)?;
        for file in files {
            conn.prepare_cached(
                "INSERT OR IGNORE INTO session_file (session_id, file_id) VALUES (?1, ?2)",
            )?
            .execute([session, *file])?;
        }
        // A session without the state of its fold waits to be folded anew, whatever happens before that.
        conn.prepare_cached("DELETE FROM fold_state WHERE session_id = ?1")?
            .execute([session])?;
        Ok(session)
    }

    /// The files of sessions that wait to be folded anew: those of this reading, and those of one that was interrupted.
    ///
    /// # Errors
    /// As SQLite says.
    pub fn waiting(conn: &Connection) -> Result<Vec<i64>> {
        let mut q = conn.prepare_cached(
            "SELECT DISTINCT f.file_id FROM session s JOIN session_file f ON f.session_id = s.id
              WHERE NOT EXISTS (SELECT 1 FROM fold_state w WHERE w.session_id = s.id) ORDER BY 1",
        )?;
        let rows = q.query_map([], |r| r.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn change(
        &mut self,
        conn: &Connection,
        step: i64,
        c: &ChangeRecord,
        kind_of: &dyn Fn(&[u8]) -> u8,
    ) -> Result<()> {
        let path = self.path(conn, &c.path, kind_of)?;
        let old = c
            .old_path
            .as_ref()
            .map(|p| self.path(conn, p, kind_of))
            .transpose()?;
        let (before, after) = (self.known(conn, c.before)?, self.known(conn, c.after)?);
        conn.prepare_cached(
            "INSERT INTO change (step_id, no, path_id, old_path_id, op, before, after, evidence, linked, added, removed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10)",
        )?
        .execute(params![step, c.no, path, old, c.op as u8, before, after, c.evidence as u8, c.added, c.removed])?;
        Ok(())
    }

    fn named(
        &mut self,
        conn: &Connection,
        session: i64,
        named: &NamedRecord,
        kind_of: &dyn Fn(&[u8]) -> u8,
    ) -> Result<()> {
        let path = match &named.what {
            Named::Copy { path, .. } => Some(self.path(conn, path, kind_of)?),
            Named::Output { .. } => None,
        };
        beside::insert(conn, session, path, named)
    }

    fn known(&mut self, conn: &Connection, known: Known) -> Result<Option<i64>> {
        Ok(match known {
            Known::Unknown => None,
            Known::Absent => Some(0),
            Known::Blob(hash) => Some(self.blob_row(conn, &hash)?),
        })
    }

    fn blob_row(&mut self, conn: &Connection, hash: &BlobHash) -> Result<i64> {
        if let Some(id) = self.blobs.get(hash) {
            return Ok(*id);
        }
        let id = blobs::find(conn, hash)?
            .ok_or_else(|| Error::Inconsistent(format!("content {} was not stored", hash.hex())))?;
        self.remember(*hash, id);
        Ok(id)
    }

    /// The row of a path, made if it is new.
    ///
    /// # Errors
    /// As SQLite says.
    pub fn path(
        &mut self,
        conn: &Connection,
        path: &PathRecord,
        kind_of: &dyn Fn(&[u8]) -> u8,
    ) -> Result<i64> {
        let root = match self.roots.get(&*path.root) {
            Some(id) => *id,
            None => {
                conn.prepare_cached(
                    "INSERT INTO root (path, kind) VALUES (?1, ?2) ON CONFLICT (path) DO NOTHING",
                )?
                .execute(params![&*path.root, kind_of(&path.root)])?;
                let id = conn
                    .prepare_cached("SELECT id FROM root WHERE path = ?1")?
                    .query_row([&*path.root], |r| r.get(0))?;
                self.roots.insert(path.root.to_vec(), id);
                id
            }
        };
        let key = (root, path.rel.clone());
        if let Some(id) = self.paths.get(&key) {
            return Ok(*id);
        }
        let found: Option<i64> = conn
            .prepare_cached("SELECT id FROM path WHERE root_id = ?1 AND rel = ?2")?
            .query_row(params![root, path.rel], |r| r.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                conn.prepare_cached("INSERT INTO path (root_id, rel) VALUES (?1, ?2)")?
                    .execute(params![root, path.rel])?;
                conn.last_insert_rowid()
            }
        };
        self.paths.insert(key, id);
        Ok(id)
    }

    /// Takes all derived rows of a session away, so that it can be folded anew.
    fn drop_session_rows(conn: &Connection, session: i64) -> Result<()> {
        let (steps, first): (i64, Option<i64>) = conn
            .prepare_cached(
                "SELECT count(*), min(coalesce(started_at, at)) FROM step WHERE session_id = ?1",
            )?
            .query_row([session], |r| Ok((r.get(0)?, r.get(1)?)))?;
        if steps > 0 {
            observed::disturb(conn, first)?;
            // What the disk tells of the new rows is added up anew.
            conn.prepare_cached(
                "UPDATE session SET (seen_edits, seen_files, seen_added, seen_removed, seen_seq) = (0, 0, 0, 0, NULL) WHERE id = ?1",
            )?
            .execute([session])?;
        }
        for sql in [
            "DELETE FROM words WHERE rowid IN (SELECT id * 2 + 1 FROM step WHERE session_id = ?1)",
            "DELETE FROM words WHERE rowid IN (SELECT id * 2 FROM prompt WHERE session_id = ?1)",
            "DELETE FROM letters WHERE rowid IN (SELECT id FROM prompt WHERE session_id = ?1)",
            "DELETE FROM change WHERE step_id IN (SELECT id FROM step WHERE session_id = ?1)",
            "DELETE FROM sighting WHERE step_id IN (SELECT id FROM step WHERE session_id = ?1)",
            "DELETE FROM part WHERE step_id IN (SELECT id FROM step WHERE session_id = ?1)",
            "DELETE FROM step WHERE session_id = ?1",
            "DELETE FROM prompt WHERE session_id = ?1",
            "DELETE FROM unknown_record WHERE session_id = ?1",
            "DELETE FROM named WHERE session_id = ?1",
        ] {
            conn.prepare_cached(sql)?.execute([session])?;
        }
        Ok(())
    }

    /// Takes a session and all its rows away (its file turned out to belong to nobody here, or was replaced).
    ///
    /// # Errors
    /// As SQLite says.
    pub fn drop_session(conn: &Connection, session: i64) -> Result<()> {
        Self::drop_session_rows(conn, session)?;
        for sql in [
            "DELETE FROM fold_state WHERE session_id = ?1",
            "DELETE FROM session_file WHERE session_id = ?1",
            "DELETE FROM session WHERE id = ?1",
        ] {
            conn.prepare_cached(sql)?.execute([session])?;
        }
        Ok(())
    }
}

/// The weakest evidence of a step's changes. What was seen on disk on both sides of a change is observed.
pub const EVIDENCE: &str = "UPDATE step SET evidence = (
   SELECT max(CASE WHEN seen_before IS NOT NULL AND seen_after IS NOT NULL THEN 1 ELSE evidence END)
     FROM change WHERE step_id = ?1) WHERE id = ?1";

const INSERT_STEP: &str = "INSERT INTO step (session_id, prompt_no, seq, pub, key_hash, dup, at, started_at, kind, status, tool, target,
 exit_code, duration_ms, added, removed, evidence, test, spawned, call_file, call_off, call_len, out_file, out_off, out_len)
 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)";

const UPDATE_STEP: &str = "UPDATE step SET session_id = ?1, prompt_no = ?2, seq = ?3, key_hash = ?5, dup = ?6, at = ?7, started_at = ?8,
 kind = ?9, status = ?10, tool = ?11, target = ?12, exit_code = ?13, duration_ms = ?14, added = ?15, removed = ?16, evidence = ?17,
 test = ?18, spawned = ?19, call_file = ?20, call_off = ?21, call_len = ?22, out_file = ?23, out_off = ?24, out_len = ?25
 WHERE pub = ?4";

fn index_words(conn: &Connection, step: i64, batch: &StepBatch) -> Result<()> {
    let [said, input, output] = &batch.words;
    if said.is_empty() && input.is_empty() && output.is_empty() {
        return Ok(());
    }
    let rowid = step * 2 + 1;
    if batch.known {
        conn.prepare_cached("DELETE FROM words WHERE rowid = ?1")?
            .execute([rowid])?;
    }
    conn.prepare_cached("INSERT INTO words (rowid, said, input, output) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![rowid, said, input, output])?;
    Ok(())
}

fn file_of(files: &[i64], span: Span) -> Result<i64> {
    files.get(usize::from(span.file)).copied().ok_or_else(|| {
        Error::Inconsistent(format!(
            "a record is in file {} of {}",
            span.file,
            files.len()
        ))
    })
}

fn session_row(conn: &Connection, s: &SessionRecord) -> Result<i64> {
    let id = Id::session(s.agent, &s.native_id);
    let found: Option<i64> = conn
        .prepare_cached("SELECT id FROM session WHERE pub = ?1")?
        .query_row([id.0], |r| r.get(0))
        .optional()?;
    if let Some(row) = found {
        return Ok(row);
    }
    conn.prepare_cached("INSERT INTO session (pub, agent, native_id) VALUES (?1, ?2, ?3)")?
        .execute(params![id.0, s.agent as u8, s.native_id])?;
    Ok(conn.last_insert_rowid())
}

fn update_session(conn: &Connection, row: i64, s: &SessionRecord, checkpoint: &[u8]) -> Result<()> {
    conn.prepare_cached(
        "UPDATE session SET parent_native = ?2, relation = ?3, title = ?4, cwd = ?5, branch = ?6, commit_id = ?7, version = ?8,
         model = ?9, role = ?10, started_at = ?11, ended_at = ?12, prompts = ?13, steps = ?14, edits = ?15, commands = ?16,
         failed = ?17, files_changed = ?18, added = ?19, removed = ?20, tokens_in = ?21, tokens_out = ?22, tokens_cached = ?23,
         last_words = ?24, test = ?25, test_seq = ?26, edit_seq = ?27, damaged = ?28, unknown = ?29, belongs = ?30
         WHERE id = ?1",
    )?
    .execute(params![
        row,
        s.parent,
        s.relation,
        s.title.as_ref().map(|(_, t)| t),
        s.cwd,
        s.branch,
        s.commit,
        s.version,
        s.model,
        s.role,
        s.started_at.map(|t| t.0),
        s.ended_at.map(|t| t.0),
        s.prompts,
        s.steps,
        s.edits,
        s.commands,
        s.failed,
        s.files_changed,
        s.added as i64,
        s.removed as i64,
        i64::try_from(s.tokens.0).unwrap_or(i64::MAX),
        i64::try_from(s.tokens.1).unwrap_or(i64::MAX),
        i64::try_from(s.tokens.2).unwrap_or(i64::MAX),
        s.last_words,
        s.test.map(|(t, _)| t as u8),
        s.test.map(|(_, seq)| seq),
        s.edit_seq,
        s.damaged,
        s.unknown,
        s.belongs
    ])?;
    conn.prepare_cached("INSERT OR REPLACE INTO fold_state (session_id, state) VALUES (?1, ?2)")?
        .execute(params![row, checkpoint])?;
    Ok(())
}
