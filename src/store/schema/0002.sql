-- TRUTH: never rebuilt. Contents are named by their BLAKE3 hash (rows of `blob`), things by `Node` as in src/model/node.rs.

-- The work folder at one moment. `tree` names the topmost node of a tree whose nodes are blobs and are shared.
CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  root BLOB NOT NULL,               -- absolute, raw bytes
  dev INTEGER NOT NULL,
  ino INTEGER NOT NULL,             -- of the root: another folder in its place is another root
  at INTEGER NOT NULL,              -- when the walk began, ms
  ended INTEGER NOT NULL,           -- when it ended
  why INTEGER NOT NULL,             -- 1 asked for, 2 before a rewind, 3 after one, 4 automatic, 5 the first of a watcher
  text TEXT,
  tree BLOB NOT NULL,
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  unread INTEGER NOT NULL,          -- things that are there and were not read; 0: complete
  op INTEGER,                       -- the rewind that it was taken for
  same_until INTEGER NOT NULL       -- a later look that began then found the same tree; at first `at`
) STRICT;
CREATE INDEX snapshot_order ON snapshot (root, at);
-- When a path that differs from the snapshot before changed, as far as the disk tells: what the watcher heard first, and
-- the last change of the file itself. A path without a row changed some time between the two.
CREATE TABLE touched (
  snapshot_id INTEGER NOT NULL,     -- the later one
  rel BLOB NOT NULL,
  first INTEGER,                    -- not before this, ms
  last INTEGER,                     -- not after this; of what is still there: the very moment
  PRIMARY KEY (snapshot_id, rel)
) STRICT, WITHOUT ROWID;

-- The journal of rewinds, reverts, undos and redos.
CREATE TABLE rewind (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  token TEXT NOT NULL UNIQUE,       -- name of its stage
  root BLOB NOT NULL,
  kind INTEGER NOT NULL,            -- 1 rewind, 2 revert, 3 undo, 4 redo
  of INTEGER,                       -- which one was undone or redone
  at INTEGER NOT NULL,
  done_at INTEGER,
  state INTEGER NOT NULL,           -- 1 prepared, 2 applying, 3 applied, 4 rolled back
  title TEXT NOT NULL,              -- what it was, in words
  sessions BLOB NOT NULL,           -- public ids of the sessions whose work it undid, 10 bytes each
  closed INTEGER NOT NULL,          -- its stage was looked through for late writers and removed
  -- For its entry in the timeline.
  aim BLOB,                         -- public id of the step or prompt that it led to, 10 bytes, and one of bits: 1 prompt, 2 before, 4 only, 8 not all of it; NULL: an undo or redo
  added INTEGER NOT NULL DEFAULT 0, -- lines, over all files
  removed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX rewind_open ON rewind (state) WHERE state IN (1, 2);
CREATE TABLE rewind_file (
  op INTEGER NOT NULL,
  no INTEGER NOT NULL,
  rel BLOB NOT NULL,
  action INTEGER NOT NULL,          -- 1 exchange, 2 create, 3 remove, 4 make a folder, 5 remove a folder
  before BLOB NOT NULL,
  after BLOB NOT NULL,
  ino INTEGER,                      -- of the staged file, known from `applying` on
  late BLOB,                        -- a content that somebody wrote into the displaced file afterwards
  PRIMARY KEY (op, no)
) STRICT, WITHOUT ROWID;
CREATE INDEX rewind_file_rel ON rewind_file (rel);

-- DERIVED by the link pass: what two snapshots in a row saw differently, and whose it is.
CREATE TABLE observation (
  id INTEGER PRIMARY KEY,
  snapshot_id INTEGER NOT NULL,     -- the later one
  path_id INTEGER NOT NULL,
  lo INTEGER NOT NULL,              -- it changed between these moments, ms
  hi INTEGER NOT NULL,
  before INTEGER,                   -- blob id; 0: there was no file; NULL: no file that was read (a link, too large)
  after INTEGER,
  whose INTEGER NOT NULL,           -- 1 a step's, 2 yours, 3 one of several steps', 4 nobody knows, 5 perhaps one of these steps'
  step_id INTEGER,
  maybe BLOB,                       -- public ids of the steps that it may be of, 10 bytes each
  before_of INTEGER,                -- the change whose `seen_before` it tells, and the one whose `seen_after`
  after_of INTEGER,
  UNIQUE (snapshot_id, path_id)
) STRICT;
CREATE INDEX observation_path ON observation (path_id);
-- Steps that can change files, by their end; and those that have none yet.
CREATE INDEX step_when ON step (at) WHERE kind IN (3, 4, 5, 6, 7, 13, 15);
CREATE INDEX step_open ON step (session_id) WHERE status = 5;
CREATE INDEX change_made ON change (step_id) WHERE linked = 4;

-- What the agents' hooks told while they worked (see src/hook). Exact bounds of steps: the events before and after a tool
-- carry the call's id, which is the step's native key.
CREATE TABLE hook_event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,         -- its name in the spool: stored twice is stored once
  agent TEXT NOT NULL,              -- claude, codex, gemini, cursor, copilot, opencode
  kind INTEGER NOT NULL,            -- 1 session start, 2 prompt, 3 before a tool, 4 after it, 5 waits for a permission, 6 turn over, 7 sub-agent done, 8 session end
  session TEXT NOT NULL,            -- native id; of the parent, if it happened in a sub-agent
  subagent TEXT,                    -- native id of that
  call TEXT,                        -- native id of the tool call
  tool TEXT,
  at INTEGER NOT NULL,              -- when the hook was called, ms
  cwd BLOB NOT NULL,
  root BLOB NOT NULL,               -- the worktree (or folder): that of a snapshot
  shot INTEGER NOT NULL,            -- 0 nothing can have changed, 1 left to a watcher, 2 left to the hook's own child
  snapshot INTEGER                  -- the snapshot that child took; several events may share it; it may be forgotten since
) STRICT;
CREATE INDEX hook_event_session ON hook_event (agent, session, at, id);
CREATE INDEX hook_event_root ON hook_event (root, at, id);
CREATE INDEX hook_event_due ON hook_event (root) WHERE shot = 2 AND snapshot IS NULL;
