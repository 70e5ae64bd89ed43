-- TRUTH: never rebuilt.

-- A transcript file, or one generation of it (a file that was replaced by other content gets a new generation).
CREATE TABLE file (
  id INTEGER PRIMARY KEY,
  agent INTEGER NOT NULL,
  path BLOB NOT NULL,               -- absolute, raw bytes
  generation INTEGER NOT NULL,
  dev INTEGER NOT NULL,
  ino INTEGER NOT NULL,
  size INTEGER NOT NULL,            -- as last looked at
  mtime_ns INTEGER NOT NULL,
  read_to INTEGER NOT NULL,         -- bytes taken in, always just behind a line end
  tail_hash BLOB,                   -- BLAKE3 of the (up to) 4096 bytes before read_to
  owner INTEGER NOT NULL,           -- 0 belongs to nobody here (nothing of it is stored), 1 found and belongs, 2 named with --from
  gone_at INTEGER,                  -- when it was first seen to be missing, ms
  -- 0 a file of growing lines; its raw bytes are the file's. 1 anything else that is one session: the raw bytes are the lines
  -- of its records, each version as it came, and `read_to` is their length. 2 the same for one session of a database: its
  -- path is the database's with the session's name behind it.
  form INTEGER NOT NULL,
  UNIQUE (path, generation)
) STRICT;

-- Raw bytes of a transcript, cut at lines to about 256 KiB; the open tail is small frames, repacked later. A long line spans frames.
CREATE TABLE frame (
  id INTEGER PRIMARY KEY,
  file_id INTEGER NOT NULL,
  start INTEGER NOT NULL,           -- byte offset of its first byte in the file
  len INTEGER NOT NULL,             -- uncompressed bytes
  codec INTEGER NOT NULL,           -- 0 plain, 1 zstd
  data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX frame_at ON frame (file_id, start);

-- Contents of files, named by BLAKE3.
CREATE TABLE blob (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,               -- 32 bytes
  size INTEGER NOT NULL,            -- uncompressed
  codec INTEGER NOT NULL,           -- 0 plain, 1 zstd
  data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX blob_hash ON blob (hash);

-- Facts that no transcript holds; they name things by what never changes, not by derived row ids.
CREATE TABLE base (                 -- what a path contained in a commit; blob_id NULL: it was not there
  root BLOB NOT NULL, rel BLOB NOT NULL, commit_id BLOB NOT NULL, blob_id INTEGER,
  PRIMARY KEY (root, rel, commit_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE head (                 -- the commit that a worktree had checked out at a moment (ms), by git's own log, which forgets
  root BLOB NOT NULL, at INTEGER NOT NULL, commit_id BLOB NOT NULL,
  PRIMARY KEY (root, at)
) STRICT, WITHOUT ROWID;
-- The commit that an agent's record names by the beginning of its name and its first line, and the one it was made on (NULL: none).
CREATE TABLE told_commit (
  root BLOB NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL, commit_id BLOB NOT NULL, parent BLOB,
  PRIMARY KEY (root, name, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE mark (name TEXT PRIMARY KEY, step BLOB NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE viewed (session BLOB NOT NULL, path TEXT NOT NULL, content BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (session, path)) STRICT, WITHOUT ROWID;
CREATE TABLE memo (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;   -- where the screen was left, and the like

-- What lies beside a transcript and one of its records names. Found once: agents delete these files after some weeks.
CREATE TABLE beside (
  owner BLOB NOT NULL,              -- public id of the step whose output it is, or of the session that has a copy of a file
  name TEXT NOT NULL,               -- the file's name
  why TEXT,                         -- why its content is not here
  blob_id INTEGER,                  -- its content; NULL: it was not there, or was not what the record says
  PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;

-- DERIVED: dropped and folded again from the truth by `doctor --rebuild`.

CREATE TABLE root (
  id INTEGER PRIMARY KEY,
  path BLOB NOT NULL UNIQUE,        -- absolute; '/' for what lies outside every root
  kind INTEGER NOT NULL             -- 0 outside, 1 main worktree, 2 linked worktree, 3 folder of a session that came with --from or --all
) STRICT;
CREATE TABLE path (
  id INTEGER PRIMARY KEY,
  root_id INTEGER NOT NULL,
  rel BLOB NOT NULL,                -- raw bytes, relative to the root, no leading slash
  UNIQUE (root_id, rel)
) STRICT;

CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  pub BLOB NOT NULL UNIQUE,         -- 10 bytes
  agent INTEGER NOT NULL,
  native_id TEXT NOT NULL,
  parent_native TEXT,               -- as recorded
  relation INTEGER,                 -- 1 sub-agent, 2 fork or resume
  parent_id INTEGER,                -- resolved by the link pass
  spawn_step INTEGER,               -- the parent's step that started it, resolved by the link pass
  spawn_prompt_no INTEGER,          -- the number of the parent's prompt then
  title TEXT,
  cwd TEXT,
  branch TEXT,
  commit_id TEXT,
  version TEXT,
  model TEXT,
  role TEXT,
  started_at INTEGER,               -- ms
  ended_at INTEGER,
  prompts INTEGER NOT NULL DEFAULT 0,       -- real ones
  steps INTEGER NOT NULL DEFAULT 0,
  edits INTEGER NOT NULL DEFAULT 0,         -- steps that changed files
  commands INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  files_changed INTEGER NOT NULL DEFAULT 0,
  added INTEGER NOT NULL DEFAULT 0,
  removed INTEGER NOT NULL DEFAULT 0,
  tokens_in INTEGER NOT NULL DEFAULT 0,
  tokens_out INTEGER NOT NULL DEFAULT 0,
  tokens_cached INTEGER NOT NULL DEFAULT 0,
  last_words TEXT,                  -- the beginning of the agent's last message
  test INTEGER,                     -- outcome of the last test run
  test_seq INTEGER,
  edit_seq INTEGER,                 -- the last step that changed a file
  damaged INTEGER NOT NULL DEFAULT 0,       -- lines
  unknown INTEGER NOT NULL DEFAULT 0,       -- records
  belongs INTEGER NOT NULL DEFAULT 1,       -- 1 its folder or a changed path is in this repository, 2 it only visited, 3 came with --from or --all
  -- What the disk tells beyond the record, added up by the link pass: to be added to the counts above.
  seen_edits INTEGER NOT NULL DEFAULT 0,
  seen_files INTEGER NOT NULL DEFAULT 0,
  seen_added INTEGER NOT NULL DEFAULT 0,
  seen_removed INTEGER NOT NULL DEFAULT 0,
  seen_seq INTEGER
) STRICT;
CREATE INDEX session_native ON session (native_id);
CREATE TABLE fold_state (session_id INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT;    -- to go on from; apart, since lists of sessions never need it

CREATE TABLE session_file (session_id INTEGER NOT NULL, file_id INTEGER NOT NULL, PRIMARY KEY (session_id, file_id)) STRICT, WITHOUT ROWID;
CREATE INDEX session_file_file ON session_file (file_id);
CREATE TABLE file_state (file_id INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT;      -- what the source carries from line to line

CREATE TABLE prompt (
  id INTEGER PRIMARY KEY AUTOINCREMENT,     -- never used twice: the link pass goes by what is newer than it saw
  session_id INTEGER NOT NULL,
  no INTEGER NOT NULL,              -- from 1, in file order
  pub BLOB NOT NULL UNIQUE,
  at INTEGER,
  via INTEGER NOT NULL,
  off_path INTEGER NOT NULL DEFAULT 0,      -- on a branch that was left, or rolled back
  alias_of INTEGER,                 -- a copy (resume, fork) of this prompt in an earlier session
  dup INTEGER NOT NULL,             -- hash of (agent, kind, native key, time, payload): equal for copies
  head TEXT NOT NULL,               -- the first 1000 characters
  len INTEGER NOT NULL,             -- characters in all
  file_id INTEGER, off INTEGER, rec_len INTEGER     -- its raw line
) STRICT;
CREATE UNIQUE INDEX prompt_no ON prompt (session_id, no);
CREATE INDEX prompt_dup ON prompt (dup);

CREATE TABLE step (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id INTEGER NOT NULL,
  prompt_no INTEGER NOT NULL,       -- within the session; 0 before any prompt
  seq INTEGER NOT NULL,             -- position of the result within the session
  pub BLOB NOT NULL UNIQUE,
  key_hash INTEGER NOT NULL,        -- of the native key (call id, record id)
  dup INTEGER NOT NULL,
  alias_of INTEGER,
  at INTEGER,                       -- of the result, ms
  started_at INTEGER,               -- of the call, ms
  kind INTEGER NOT NULL,
  status INTEGER NOT NULL,
  tool TEXT,
  target TEXT NOT NULL,             -- first 400 characters; a path inside a root is relative to it
  exit_code INTEGER,
  duration_ms INTEGER,
  added INTEGER, removed INTEGER,   -- NULL: it changed no file
  evidence INTEGER,                 -- weakest of its changes
  test INTEGER,                     -- it ran tests: the outcome
  off_path INTEGER NOT NULL DEFAULT 0,
  spawned TEXT,                     -- native id of the sub-agent session that it started
  call_file INTEGER, call_off INTEGER, call_len INTEGER,    -- raw line of the call (or of the message)
  out_file INTEGER, out_off INTEGER, out_len INTEGER,       -- raw line of the result
  seen_added INTEGER, seen_removed INTEGER  -- lines of what the disk tells beyond the record; NULL: nothing
) STRICT;
CREATE INDEX step_order ON step (session_id, prompt_no, seq);
CREATE INDEX step_key ON step (key_hash);
CREATE INDEX step_dup ON step (dup);
CREATE INDEX step_spawned ON step (spawned) WHERE spawned IS NOT NULL;
CREATE TABLE part (step_id INTEGER NOT NULL, no INTEGER NOT NULL, file_id INTEGER NOT NULL, off INTEGER NOT NULL, len INTEGER NOT NULL, PRIMARY KEY (step_id, no)) STRICT, WITHOUT ROWID;  -- earlier results of a step with several

CREATE TABLE change (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  step_id INTEGER NOT NULL,
  no INTEGER NOT NULL,              -- index of the effect within the outcome
  path_id INTEGER NOT NULL,         -- the new path of a rename
  old_path_id INTEGER,
  op INTEGER NOT NULL,
  before INTEGER,                   -- blob id; 0: there was no file; NULL: not known
  after INTEGER,                    -- the same
  evidence INTEGER NOT NULL,
  linked INTEGER NOT NULL,          -- bits: 1 `before`, 2 `after` were worked out by the link pass, not recorded; 4 no record has it, the disk does
  added INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  seen_before INTEGER,              -- as `before` and `after`, but seen on disk: better than what the record tells
  seen_after INTEGER
) STRICT;
CREATE INDEX change_step ON change (step_id);
CREATE INDEX change_path ON change (path_id);
CREATE INDEX change_old_path ON change (old_path_id) WHERE old_path_id IS NOT NULL;

-- A file as a step showed it.
CREATE TABLE sighting (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  step_id INTEGER NOT NULL,
  path_id INTEGER NOT NULL,
  blob_id INTEGER                   -- NULL: only a part of it was shown
) STRICT;
CREATE INDEX sighting_step ON sighting (step_id);
CREATE INDEX sighting_path ON sighting (path_id);

-- A file beside the transcript that a record names: a copy of a file before it was changed, or an output that was too large.
CREATE TABLE named (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id INTEGER NOT NULL,
  prompt_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,             -- position within the session at which it is named
  path_id INTEGER,                  -- of which file it is a copy
  at INTEGER,                       -- when the copy was made, ms
  step BLOB,                        -- public id of the step whose output it is
  name TEXT,                        -- NULL: there was no such file to copy
  size INTEGER,                     -- of an output: its bytes, as the record says
  begins INTEGER,                   -- of an output: how many bytes of its beginning the record holds, and their hash
  begins_hash BLOB
) STRICT;
CREATE INDEX named_session ON named (session_id);
CREATE INDEX named_path ON named (path_id) WHERE path_id IS NOT NULL;
CREATE INDEX named_step ON named (step) WHERE step IS NOT NULL;

CREATE TABLE damage (file_id INTEGER NOT NULL, off INTEGER NOT NULL, len INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (file_id, off)) STRICT, WITHOUT ROWID;
CREATE TABLE unknown_record (agent INTEGER NOT NULL, version TEXT NOT NULL, record TEXT NOT NULL, session_id INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (agent, version, record, session_id)) STRICT, WITHOUT ROWID;

-- Full text. Row ids: prompt id * 2, step id * 2 + 1. Contentless: the texts are in the frames.
CREATE VIRTUAL TABLE words USING fts5 (prompt, said, input, output, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2", detail=column);
-- Prompts that are not all ASCII, by three letters (scripts without spaces). Row ids: prompt id.
CREATE VIRTUAL TABLE letters USING fts5 (text, content='', contentless_delete=1, tokenize="trigram");
-- A first read gathers more before it writes, and merges what it wrote less often.
INSERT INTO words (words, rank) VALUES ('hashsize', 8388608);
INSERT INTO words (words, rank) VALUES ('automerge', 8);
