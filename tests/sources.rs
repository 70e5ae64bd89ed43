//! Sessions that are no growing lines: read without a trace, kept whatever their owner does, the same however they came in.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use regent_tui::ingest::{self, Options, Report, Roots};
use regent_tui::model::Time;
use regent_tui::source::Places;
use regent_tui::source::sqlite::{Allow, Db};
use regent_tui::store::Store;
use rusqlite::{Connection, params};

/// Every file of a folder: its bytes, and when it was written.
fn look(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let meta = entry.metadata().unwrap();
        if meta.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            all.insert(entry.path(), (bytes, meta.modified().unwrap()));
        } else {
            all.extend(look(&entry.path()));
        }
    }
    all
}

const ALLOW: &[Allow] = &[
    Allow::table("note"),
    Allow {
        table: "kv",
        keys: &["chat:", "title"],
    },
];

/// A database of a running program: what was written last stands in its log alone. The connection keeps it so.
fn running(path: &Path, log: bool) -> Connection {
    let conn = Connection::open(path).unwrap();
    let mode = if log { "WAL" } else { "DELETE" };
    conn.pragma_update(None, "journal_mode", mode).unwrap();
    conn.execute_batch(
        "CREATE TABLE note (text TEXT); CREATE TABLE secret (text TEXT);
         CREATE TABLE kv (key TEXT UNIQUE, value BLOB);
         CREATE VIEW peep AS SELECT text FROM secret;
         INSERT INTO note VALUES ('one'); INSERT INTO secret VALUES ('hidden');
         INSERT INTO kv VALUES ('chat:1', 'a'), ('chat:2', 'b'), ('chat:3', NULL), ('chatter', 'x'), ('secret://', 'hidden'),
           ('title', 't'), ('titles', 'x');",
    )
    .unwrap();
    if log {
        conn.pragma_update(None, "wal_checkpoint", "TRUNCATE")
            .unwrap();
    }
    conn.execute("INSERT INTO note VALUES ('two')", []).unwrap();
    conn
}

fn notes(db: &Db) -> Vec<String> {
    let mut q = db.prepare("SELECT text FROM note ORDER BY rowid").unwrap();
    let rows = q.query_map([], |r| r.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_database_is_read_without_a_trace() {
    let temp = tempfile::tempdir().unwrap();
    for (name, log, keep) in [
        ("open, with a log", true, true),
        ("closed", true, false),
        ("without a log", false, true),
    ] {
        let folder = temp.path().join(name);
        fs::create_dir(&folder).unwrap();
        let path = folder.join("a b%?#.db");
        let owner = Some(running(&path, log)).filter(|_| keep);
        // What is copied, and what is read where it lies.
        for copy in [u64::MAX, 0] {
            let before = look(&folder);
            let db = Db::open_with(&path, ALLOW, copy).unwrap();
            assert_eq!(notes(&db), ["one", "two"], "{name} {copy}");
            // Nobody is kept waiting meanwhile.
            db.still().unwrap();
            drop(db);
            assert!(
                look(&folder) == before,
                "{name} {copy}: {:?}",
                look(&folder).keys()
            );
            if let Some(owner) = &owner {
                owner.execute("INSERT INTO note VALUES ('x')", []).unwrap();
                owner
                    .execute("DELETE FROM note WHERE text = 'x'", [])
                    .unwrap();
            }
        }
    }
}

#[test]
fn the_owner_writes_while_it_is_read_and_that_is_seen() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.db");
    let owner = running(&path, true);
    let db = Db::open_with(&path, ALLOW, 0).unwrap();
    assert_eq!(notes(&db).len(), 2);
    // More in the log is no harm: what was read is of one moment.
    owner
        .execute("INSERT INTO note VALUES ('three')", [])
        .unwrap();
    db.still().unwrap();
    owner
        .pragma_update(None, "wal_checkpoint", "TRUNCATE")
        .unwrap();
    let why = db.still().unwrap_err();
    assert!(why.is::<regent_tui::source::sqlite::Busy>(), "{why}");
    drop(db);
    assert_eq!(notes(&Db::open_with(&path, ALLOW, 0).unwrap()).len(), 3);
}

#[test]
fn only_what_is_named_is_read() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.db");
    let _owner = running(&path, true);
    let db = Db::open(&path, ALLOW).unwrap();
    for sql in [
        "SELECT text FROM secret",
        "SELECT text FROM peep",
        "SELECT count(*) FROM secret",
        "SELECT value FROM kv",
        "SELECT n.text FROM note n JOIN secret s",
        "INSERT INTO note VALUES ('x')",
        "ATTACH 'y.db' AS y",
        "PRAGMA journal_mode = DELETE",
    ] {
        assert!(db.prepare(sql).is_err(), "{sql}");
    }
    assert!(db.has("note", &["text"]).unwrap());
    assert!(!db.has("note", &["words"]).unwrap());
    assert!(!db.has("peep", &["text"]).unwrap(), "a view");
    let mut chats = Vec::new();
    db.below("kv", "chat:", &mut |key, value| {
        chats.push(format!("{key}={value}"));
        Ok(())
    })
    .unwrap();
    assert_eq!(chats, ["chat:1=a", "chat:2=b"]);
    assert_eq!(db.get("kv", "title").unwrap().as_deref(), Some("t"));
    assert_eq!(db.get("kv", "chat:9").unwrap(), None);
    for key in ["secret://", "titles", "chat", ""] {
        assert!(db.get("kv", key).is_err(), "{key}");
        assert!(db.below("kv", key, &mut |_, _| Ok(())).is_err(), "{key}");
    }
}

#[test]
fn what_is_no_database_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.db");
    assert!(Db::open(&path, ALLOW).is_err());
    fs::write(&path, b"SQLite format 3\0 and then nothing of the kind").unwrap();
    for copy in [u64::MAX, 0] {
        assert!(Db::open_with(&path, ALLOW, copy).is_err());
    }
    // Torn in the middle.
    let whole = temp.path().join("whole.db");
    let owner = running(&whole, false);
    owner
        .execute("INSERT INTO note VALUES (?1)", [&"x".repeat(300_000)])
        .unwrap();
    drop(owner);
    let bytes = fs::read(&whole).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    for copy in [u64::MAX, 0] {
        let read = Db::open_with(&path, ALLOW, copy).and_then(|db| {
            let mut q = db.prepare("SELECT text FROM note")?;
            let rows = q.query_map([], |r| r.get::<_, String>(0))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        assert!(read.is_err());
    }
}

/// An OpenCode of our own making.
struct Opencode {
    home: PathBuf,
    conn: Connection,
}

impl Opencode {
    fn new(home: &Path) -> Opencode {
        let folder = home.join(".local/share/opencode");
        fs::create_dir_all(&folder).unwrap();
        let conn = Connection::open(folder.join("opencode.db")).unwrap();
        conn.pragma_update(None, "journal_mode", "WAL").unwrap();
        conn.execute_batch(
            "CREATE TABLE session (id TEXT PRIMARY KEY, parent_id TEXT, directory TEXT, title TEXT, version TEXT, revert TEXT,
               time_created INTEGER, time_updated INTEGER);
             CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
             CREATE TABLE part (id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER,
               data TEXT);
             CREATE TABLE credential (value TEXT);
             INSERT INTO credential VALUES ('do-not-read-me');",
        )
        .unwrap();
        Opencode {
            home: home.to_owned(),
            conn,
        }
    }

    fn session(&self, id: &str, directory: &str) {
        self.conn
            .execute(
                "INSERT INTO session VALUES (?1, NULL, ?2, 'a title', '1.2.3', NULL, 1000, 1000)",
                [id, directory],
            )
            .unwrap();
    }

    fn message(&self, session: &str, id: &str, at: i64, data: &str) {
        self.conn
            .execute(
                "INSERT OR REPLACE INTO message VALUES (?1, ?2, ?3, ?3, ?4)",
                params![id, session, at, data],
            )
            .unwrap();
    }

    fn part(&self, session: &str, message: &str, id: &str, at: i64, data: &str) {
        self.conn
            .execute(
                "INSERT OR REPLACE INTO part VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
                params![id, message, session, at, data],
            )
            .unwrap();
    }

    fn prompt(&self, session: &str, n: i64, text: &str) {
        let (message, at) = (format!("msg_{n:04}"), 1000 * n);
        let data = format!(r#"{{"role":"user","time":{{"created":{at}}}}}"#);
        self.message(session, &message, at, &data);
        let data = serde_json::json!({"type": "text", "text": text}).to_string();
        self.part(session, &message, &format!("prt_{n:04}"), at, &data);
    }

    fn reply(&self, session: &str, n: i64) {
        let at = 1000 * n;
        let data = format!(
            r#"{{"role":"assistant","modelID":"m","path":{{"cwd":"/w/shop"}},"tokens":{{"input":10,"output":2,"cache":{{"read":5,"write":0}}}},"time":{{"created":{at}}}}}"#
        );
        self.message(session, &format!("msg_{n:04}"), at, &data);
    }

    fn tool(&self, session: &str, n: i64, part: &str, at: i64, state: &str, tool: &str) {
        let data = format!(
            r#"{{"type":"tool","tool":"{tool}","callID":"functions.{tool}:1","state":{state}}}"#
        );
        self.part(session, &format!("msg_{n:04}"), part, at, &data);
    }

    fn options(&self) -> Options {
        Options {
            places: Places {
                home: self.home.clone(),
                ..Places::default()
            },
            roots: Roots::new(Some(Path::new("/w/shop")), &[], &[]),
            ..Options::default()
        }
    }

    fn read(&self, store: &Store) -> Report {
        let report = ingest::run(store, &self.options(), Time(0), &mut |_| {}).unwrap();
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        report
    }
}

/// All that is told of the sessions, without the places in the raw bytes.
fn told(store: &Store) -> String {
    let mut out = String::new();
    let conn = store.begin().unwrap();
    for sql in [
        "SELECT native_id, title, cwd, model, version, prompts, steps, edits, commands, failed, tokens_in, tokens_out,
           tokens_cached, last_words, unknown, damaged, belongs FROM session ORDER BY 1",
        "SELECT hex(pub), no, at, via, head, off_path FROM prompt ORDER BY session_id, no",
        "SELECT hex(pub), prompt_no, seq, at, started_at, kind, status, tool, target, exit_code, duration_ms, added, removed,
           spawned FROM step WHERE alias_of IS NULL ORDER BY session_id, seq",
        "SELECT hex(s.pub), c.no, p.rel, c.op, hex(b.hash), hex(a.hash), c.evidence FROM change c JOIN step s ON s.id = c.step_id
           JOIN path p ON p.id = c.path_id LEFT JOIN blob b ON b.id = c.before LEFT JOIN blob a ON a.id = c.after
           ORDER BY s.session_id, s.seq, c.no",
    ] {
        let mut q = conn.prepare(sql).unwrap();
        let n = q.column_count();
        let mut rows = q.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for i in 0..n {
                let value = regent_tui::source::sqlite::text(row.get_ref(i).unwrap());
                out.push_str(&format!("{value:?} "));
            }
            out.push('\n');
        }
    }
    out
}

const RUNNING: &str = r#"{"status":"running","input":{"command":"ls"},"time":{"start":2100}}"#;
const DONE: &str = r#"{"status":"completed","input":{"command":"ls"},"output":"a\n","metadata":{"exit":0},"time":{"start":2100,"end":2200}}"#;
const WRITTEN: &str = r#"{"status":"completed","input":{"filePath":"/w/shop/a.txt","content":"one\n"},"output":"","metadata":{"exists":false},"time":{"start":2300,"end":2400}}"#;

/// What happens one after the other; the second command ends before the first.
fn story(opencode: &Opencode, from: usize, to: usize) {
    let s = "ses_1";
    for step in from..to {
        match step {
            0 => {
                opencode.session(s, "/w/shop");
                opencode.prompt(s, 1, "make it so");
            }
            1 => opencode.reply(s, 2),
            2 => opencode.tool(s, 2, "prt_2001", 2100, RUNNING, "bash"),
            3 => opencode.tool(s, 2, "prt_2002", 2400, WRITTEN, "write"),
            4 => opencode.tool(s, 2, "prt_2001", 2500, DONE, "bash"),
            5 => opencode.part(
                s,
                "msg_0002",
                "prt_2003",
                2600,
                r#"{"type":"text","text":"hal"}"#,
            ),
            6 => opencode.part(
                s,
                "msg_0002",
                "prt_2003",
                2700,
                r#"{"type":"text","text":"half done","time":{"start":2600,"end":2700}}"#,
            ),
            7 => opencode.prompt(s, 3, "go on"),
            _ => unreachable!(),
        }
    }
}

#[test]
fn any_cut_gives_the_same_session() {
    let temp = tempfile::tempdir().unwrap();
    let whole = Opencode::new(&temp.path().join("whole"));
    story(&whole, 0, 8);
    let once = Store::open_in_memory().unwrap();
    assert_eq!(whole.read(&once).read, 1);
    let want = told(&once);
    assert!(
        want.contains("half done") && want.contains("go on"),
        "{want}"
    );
    for cuts in [
        0b1u32, 0b10, 0b100, 0b1000, 0b10000, 0b100000, 0b10100, 0b1001010, 0b1111111,
    ] {
        let opencode = Opencode::new(&temp.path().join(cuts.to_string()));
        let store = Store::open_in_memory().unwrap();
        let mut from = 0;
        for to in 1..=8 {
            if to == 8 || cuts & (1 << (to - 1)) != 0 {
                story(&opencode, from, to);
                from = to;
                opencode.read(&store);
            }
        }
        assert_eq!(told(&store), want, "{cuts:b}");
        let sum = store.derived_digest().unwrap();
        ingest::rebuild(&store, &opencode.options().roots, false, &mut |_| {}).unwrap();
        assert_eq!(store.derived_digest().unwrap(), sum, "rebuilt, {cuts:b}");
        // And it goes on after that.
        opencode.part(
            "ses_1",
            "msg_0002",
            "prt_2004",
            9000,
            r#"{"type":"text","text":"more"}"#,
        );
        opencode.message(
            "ses_1",
            "msg_0003",
            3000,
            r#"{"role":"user","time":{"created":3000}}"#,
        );
        opencode.read(&store);
        assert!(told(&store).contains("more"), "{cuts:b}");
    }
}

#[test]
fn what_the_owner_deletes_stays_and_what_is_unchanged_is_not_opened() {
    let temp = tempfile::tempdir().unwrap();
    let opencode = Opencode::new(temp.path());
    story(&opencode, 0, 8);
    opencode.session("ses_2", "/w/shop/sub");
    opencode.prompt("ses_2", 7, "another");
    opencode.session("ses_3", "/elsewhere");
    opencode.prompt("ses_3", 8, "not for us /w/shop");
    let store = Store::open_in_memory().unwrap();
    let first = opencode.read(&store);
    assert_eq!((first.read, first.elsewhere), (2, 1), "{first:?}");
    let want = told(&store);
    let again = opencode.read(&store);
    assert_eq!((again.read, again.unchanged, again.gone), (0, 3, 0));
    opencode
        .conn
        .execute_batch("DELETE FROM part WHERE session_id = 'ses_1'; UPDATE session SET time_updated = 9; DELETE FROM session WHERE id = 'ses_2'")
        .unwrap();
    let after = opencode.read(&store);
    assert_eq!((after.read, after.gone), (1, 1), "{after:?}");
    assert_eq!(told(&store), want);
    fs::remove_dir_all(temp.path().join(".local")).unwrap();
    let gone = opencode.read(&store);
    assert_eq!(gone.gone, 2, "{gone:?}");
    assert!(told(&store).contains("another"));
}

#[test]
fn a_store_is_made_only_for_what_belongs_here() {
    let temp = tempfile::tempdir().unwrap();
    let opencode = Opencode::new(temp.path());
    opencode.session("ses_3", "/elsewhere");
    opencode.prompt("ses_3", 8, "not for us");
    assert!(!ingest::any_belongs(&opencode.options()).unwrap());
    story(&opencode, 0, 3);
    assert!(ingest::any_belongs(&opencode.options()).unwrap());
    let everything = Options {
        everything: true,
        ..opencode.options()
    };
    let store = Store::open_in_memory().unwrap();
    let report = ingest::run(&store, &everything, Time(0), &mut |_| {}).unwrap();
    assert_eq!((report.read, report.elsewhere), (2, 0));
    // Nothing that holds secrets is in the store, in any form.
    let conn = store.begin().unwrap();
    let frames: Vec<Vec<u8>> = {
        let mut q = conn.prepare("SELECT id FROM file").unwrap();
        let ids: Vec<i64> = q
            .query_map([], |r| r.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        ids.iter()
            .map(|id| {
                let end = regent_tui::store::frames::end(&conn, *id).unwrap();
                regent_tui::store::frames::read(&conn, *id, 0, end).unwrap()
            })
            .collect()
    };
    assert!(
        frames
            .iter()
            .all(|f| !String::from_utf8_lossy(f).contains("do-not-read-me"))
    );
}

/// A Gemini document of the first `n` messages; the third one grows.
fn gemini(home: &Path, n: usize) -> PathBuf {
    let chats = home.join(".gemini/tmp/shop/chats");
    fs::create_dir_all(&chats).unwrap();
    fs::write(home.join(".gemini/tmp/shop/.project_root"), "/w/shop").unwrap();
    let call = |result: &str| {
        format!(
            r#"{{"id":"c1","name":"run_shell_command","args":{{"command":"ls"}},"timestamp":"2026-01-10T02:08:03.000Z"{result}}}"#
        )
    };
    let done = r#","status":"success","result":[{"functionResponse":{"id":"c1","name":"run_shell_command","response":{"output":"Output: a"}}}]"#;
    let messages = [
        r#"{"id":"m1","timestamp":"2026-01-10T02:08:01.000Z","type":"user","content":"first"}"#
            .to_owned(),
        format!(
            r#"{{"id":"m2","timestamp":"2026-01-10T02:08:02.000Z","type":"gemini","content":"so","toolCalls":[{}]}}"#,
            call(if n > 2 {
                done
            } else {
                r#","status":"executing""#
            })
        ),
        r#"{"id":"m3","timestamp":"2026-01-10T02:08:04.000Z","type":"user","content":"second"}"#
            .to_owned(),
        r#"{"id":"m4","timestamp":"2026-01-10T02:08:05.000Z","type":"gemini","content":"done"}"#
            .to_owned(),
    ];
    let path = chats.join("session-2026-01-10T02-08-0a.json");
    let text = format!(
        r#"{{"sessionId":"0a","projectHash":"x","startTime":"2026-01-10T02:08:00.000Z","lastUpdated":"{n}","messages":[{}]}}"#,
        messages[..n].join(",\n")
    );
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_document_that_is_rewritten_gives_the_same_session_and_loses_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let options = |home: &Path| Options {
        places: Places {
            home: home.to_owned(),
            ..Places::default()
        },
        roots: Roots::new(Some(Path::new("/w/shop")), &[], &[]),
        ..Options::default()
    };
    let read = |store: &Store, home: &Path| {
        ingest::run(store, &options(home), Time(0), &mut |_| {}).unwrap()
    };
    let (whole, once) = (temp.path().join("whole"), Store::open_in_memory().unwrap());
    gemini(&whole, 4);
    assert_eq!(read(&once, &whole).read, 1);
    let want = told(&once);
    assert!(want.contains("second"), "{want}");
    let (home, store) = (temp.path().join("grown"), Store::open_in_memory().unwrap());
    for n in 1..=4 {
        gemini(&home, n);
        assert!(read(&store, &home).failed.is_empty());
    }
    assert_eq!(told(&store), want);
    // Torn in the middle of a write: what stands whole is read, and that it was torn is said.
    let path = gemini(&home, 4);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 90]).unwrap();
    let torn = read(&store, &home);
    assert_eq!(torn.failed.len(), 1, "{torn:?}");
    assert_eq!(told(&store), want);
    // The owner takes back half of it.
    gemini(&home, 2);
    assert!(read(&store, &home).failed.is_empty());
    assert!(told(&store).contains("second"));
    let sum = store.derived_digest().unwrap();
    ingest::rebuild(&store, &options(&home).roots, false, &mut |_| {}).unwrap();
    assert_eq!(store.derived_digest().unwrap(), sum);
    fs::remove_file(path).unwrap();
    assert_eq!(read(&store, &home).gone, 1);
    assert!(told(&store).contains("second"));
}

#[test]
fn rows_of_a_hostile_database_cost_only_themselves() {
    let temp = tempfile::tempdir().unwrap();
    let opencode = Opencode::new(temp.path());
    story(&opencode, 0, 8);
    opencode
        .conn
        .execute_batch(
            "INSERT INTO session VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
             INSERT INTO session VALUES ('../../x', x'ff00', '/w/shop', 5, 6, '{', 'then', -1);
             INSERT INTO message VALUES ('m', '../../x', 9223372036854775807, 0, x'fffe');
             INSERT INTO message VALUES (NULL, '../../x', 1, 0, '{\"role\":\"user\"}');
             INSERT INTO message VALUES ('n', '../../x', -5, 0, '{\"role\":\"user\",\"time\":{\"created\":1e99}}');
             INSERT INTO part VALUES ('p', 'n', '../../x', 0, 0, '{\"type\":\"text\",\"text\":\"odd\\u0000\"}');
             INSERT INTO part VALUES ('q', 'm', '../../x', 0, 0, '[[[[');
             INSERT INTO message VALUES ('d', 'ses_1', 2000, 0, '{\"role\":7}');",
        )
        .unwrap();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    opencode.part("ses_1", "msg_0002", "prt_9", 1, &deep);
    let store = Store::open_in_memory().unwrap();
    let report = ingest::run(&store, &opencode.options(), Time(0), &mut |_| {}).unwrap();
    let told = told(&store);
    assert!(told.contains("half done"), "{told}\n{report:?}");
    assert!(
        told.contains("../../x") && told.contains("odd"),
        "{told}\n{report:?}"
    );
}

#[test]
fn every_agent_has_its_places_on_every_system() {
    use regent_tui::source::{Os, SOURCES};
    for os in [Os::Linux, Os::Mac, Os::Windows] {
        let places = Places {
            home: PathBuf::from("/h"),
            os,
            projects: vec![PathBuf::from("/p")],
            ..Places::default()
        };
        for source in SOURCES {
            let name = source.agent().name();
            let roots = source.roots(&places);
            assert!(!roots.is_empty(), "{name} on {os:?}");
            for root in roots.iter().chain(&source.watched(&places)) {
                let inside = root.starts_with("/h") || root.starts_with("/p");
                let whole = ["/h", "/p", "/h/.config", "/h/.local/share"].map(Path::new);
                // All of a root is walked through at each look.
                assert!(
                    inside && !whole.contains(&root.as_path()),
                    "{name}: {root:?}"
                );
            }
        }
    }
}

#[test]
fn an_unknown_file_is_never_guessed_into_an_agent() {
    use regent_tui::source::SOURCES;
    let temp = tempfile::tempdir().unwrap();
    let db = temp.path().join("opencode.db");
    drop(running(&db, true));
    let db_head = fs::read(&db).unwrap();
    let mut heads: Vec<(PathBuf, Vec<u8>)> = vec![(db, db_head)];
    for (name, text) in [
        (
            "notes.md",
            "# aider is a word\n\n> quoted\n\n#### heading\n",
        ),
        (
            "package.json",
            r#"{"name":"x","version":"1.0.0","messages":[]}"#,
        ),
        (
            "data.jsonl",
            "{\"id\":1,\"type\":\"user\",\"text\":\"hi\"}\n",
        ),
        (
            "chat.json",
            r#"[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]"#,
        ),
        (
            "log.jsonl",
            "{\"timestamp\":\"2026-01-02T03:04:05Z\",\"level\":\"info\",\"message\":\"started\"}\n",
        ),
        ("sessions.json", "[]"),
        ("empty.jsonl", ""),
        ("binary.db", "\u{0}\u{1}\u{2}"),
    ] {
        heads.push((temp.path().join(name), text.as_bytes().to_vec()));
    }
    for (path, head) in &heads {
        for source in SOURCES {
            assert!(
                !source.claims(path, head),
                "{} claims {}",
                source.agent(),
                path.display()
            );
        }
    }
}
