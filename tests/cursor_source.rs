//! The Cursor source: fixtures, and real sessions where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::cursor::Cursor;
use regent_tui::source::{Os, Places, Source};

#[test]
fn every_case_gives_what_is_expected() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cursor");
    golden::check_cases(&Cursor, &fixtures);
}

#[test]
fn it_lies_where_each_system_has_it() {
    for (os, user) in [
        (Os::Linux, "/h/.config/Cursor/User"),
        (Os::Mac, "/h/Library/Application Support/Cursor/User"),
        (Os::Windows, "/h/AppData/Roaming/Cursor/User"),
    ] {
        let places = Places {
            home: PathBuf::from("/h"),
            os,
            ..Places::default()
        };
        assert_eq!(
            Cursor.roots(&places),
            [
                Path::new(user).join("globalStorage/state.vscdb"),
                Path::new(user).join("workspaceStorage"),
                PathBuf::from("/h/.cursor/chats"),
                PathBuf::from("/h/.cursor/projects"),
            ]
        );
    }
    let is = |path: &str| Cursor.is_transcript(Path::new(path));
    assert!(is("/h/.config/Cursor/User/workspaceStorage/0a/state.vscdb"));
    assert!(is("/h/.cursor/chats/0a/1b/store.db"));
    assert!(is("/h/.cursor/projects/w-shop/agent-transcripts/1b.jsonl"));
    assert!(!is("/h/.cursor/projects/w-shop/terminals/1.jsonl"));
    assert!(!is(
        "/h/.config/Cursor/User/workspaceStorage/0a/state.vscdb.backup"
    ));
}

#[test]
fn a_line_of_somebody_else_is_not_claimed() {
    let claims = |path: &str, head: &str| Cursor.claims(Path::new(path), head.as_bytes());
    let said = |words: &str| {
        format!(
            "{{\"role\":\"user\",\"message\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{words}\"}}]}}}}\n{{"
        )
    };
    let marked = said("<user_query>\\nhi\\n</user_query>");
    assert!(claims("/x/1.jsonl", &marked));
    assert!(claims("/x/agent-transcripts/1.jsonl", &said("hi")));
    assert!(
        !claims("/x/1.jsonl", &said("hi")),
        "nothing says whose it is"
    );
    assert!(!claims("/x/1.txt", &marked));
    let claude = marked.replacen('{', "{\"type\":\"user\",", 1);
    assert!(!claims("/x/1.jsonl", &claude));
    assert!(
        !claims("/x/state.vscdb", "SQLite format 3\0"),
        "it is not there"
    );
}

#[test]
fn real_sessions_give_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    // The same session three times: as the editor keeps it, and twice as the terminal does; alone and all together.
    let editor = real.join("cursor/shubhambasak+omarchy-dotfiles");
    let terminal = real.join("synthetic-other/cursor-cli");
    let transcripts = terminal.join(".cursor/projects");
    // A transcript has no results: its 15 edits are calls of which nobody knows whether they were done.
    for (folders, edits) in [
        (vec![editor.clone()], 15),
        (vec![terminal.join(".cursor/chats")], 15),
        (vec![transcripts], 0),
        (vec![terminal.clone()], 15),
        (vec![editor.clone(), terminal.clone()], 15),
        (vec![terminal, editor], 15),
    ] {
        let (found, told) = inputs::told(&folders.iter().map(PathBuf::as_path).collect::<Vec<_>>());
        assert_eq!(
            (found.sessions, found.prompts, found.edits, found.commands),
            (1, 2, edits, 12),
            "{folders:?}\n{told}"
        );
        assert_eq!(found.damaged + found.unknown, 0, "{told}");
    }
}

/// The program, with nothing of this machine.
fn run(home: &Path, args: &[&str]) -> std::process::Output {
    let store = home.join("history.db");
    std::process::Command::new(assert_cmd::cargo::cargo_bin!("regent-tui"))
        .args(args)
        .arg("--store")
        .arg(store)
        .env_clear()
        .env("HOME", home)
        .current_dir(home)
        .output()
        .unwrap()
}

fn steps(home: &Path) -> Vec<serde_json::Value> {
    let out = run(home, &["log", "--json"]).stdout;
    let text = String::from_utf8(out).unwrap();
    let lines = text.lines().map(|l| serde_json::from_str(l).unwrap());
    lines
        .filter(|s: &serde_json::Value| s["kind"] == "edit" || s["kind"] == "write")
        .collect()
}

#[test]
fn the_contents_that_edits_point_at_come_out_byte_for_byte() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let user = real.join("cursor/shubhambasak+omarchy-dotfiles/.config/Cursor/User");
    let db = user.join("globalStorage/state.vscdb");
    let done = run(home.path(), &["ingest", "--from", db.to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    // What the database says itself, asked in another way.
    let uri = format!(
        "file:{}?immutable=1",
        db.display().to_string().replace('+', "%2B")
    );
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_URI;
    let conn = rusqlite::Connection::open_with_flags(uri, flags).unwrap();
    let mut q = conn
        .prepare(
            "WITH edit AS (SELECT b.value ->> '$.createdAt' AS at, b.value ->> '$.toolFormerData.params' AS p,
                b.value ->> '$.toolFormerData.result' AS r FROM cursorDiskKV b
                WHERE key LIKE 'bubbleId:%' AND b.value ->> '$.toolFormerData.name' = 'edit_file_v2')
             SELECT at, p ->> '$.relativeWorkspacePath', r ->> '$.beforeContentId',
               (SELECT value FROM cursorDiskKV WHERE key = r ->> '$.beforeContentId'),
               (SELECT value FROM cursorDiskKV WHERE key = r ->> '$.afterContentId') FROM edit",
        )
        .unwrap();
    let text = |r: &rusqlite::Row<'_>, n| -> Vec<u8> {
        match r.get_ref(n).unwrap() {
            rusqlite::types::ValueRef::Text(b) | rusqlite::types::ValueRef::Blob(b) => b.to_vec(),
            other => panic!("{other:?}"),
        }
    };
    let mut told = Vec::new();
    let mut rows = q.query([]).unwrap();
    while let Some(r) = rows.next().unwrap() {
        let word = |n| String::from_utf8(text(r, n)).unwrap();
        told.push((word(0), word(1), text(r, 3), text(r, 4)));
    }
    assert_eq!(told.len(), 15);
    let mut same = 0;
    for step in steps(home.path()) {
        let at = step["at"].as_str().unwrap();
        let id = step["id"].as_str().unwrap();
        let (_, path, before, after) = told.iter().find(|t| t.0 == at).unwrap();
        let cat = run(home.path(), &["cat", &format!("{id}:{path}")]);
        assert_eq!(cat.stdout, *after, "{id} {path}");
        let cat = run(home.path(), &["cat", &format!("{id}^:{path}")]);
        assert_eq!(cat.stdout, *before, "{id}^ {path}");
        assert!(cat.status.success() || before.is_empty(), "{id}^ {path}");
        same += 2;
    }
    assert_eq!(same, 30);
    // The terminal's database tells the same of the same steps. It has no times: they stand in their order.
    told.sort();
    let home = tempfile::tempdir().unwrap();
    let chats = real.join("synthetic-other/cursor-cli/.cursor/chats");
    let done = run(home.path(), &["ingest", "--from", chats.to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    let mut edits = steps(home.path());
    edits.reverse();
    assert_eq!(edits.len(), told.len());
    for (step, (_, path, before, after)) in edits.iter().zip(&told) {
        let id = step["id"].as_str().unwrap();
        let cat = run(home.path(), &["cat", &format!("{id}:{path}")]);
        assert_eq!(cat.stdout, *after, "{id} {path}");
        let cat = run(home.path(), &["cat", &format!("{id}^:{path}")]);
        assert_eq!(cat.stdout, *before, "{id}^ {path}");
    }
}

/// Makes a database of a fixture.
fn make(sql: &str, at: &Path) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    let conn = rusqlite::Connection::open(at).unwrap();
    conn.execute_batch(sql).unwrap();
}

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cursor");
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn a_chat_that_does_not_say_its_folder_has_that_of_its_window() {
    let temp = tempfile::tempdir().unwrap();
    let user = temp.path().join("User");
    let window = user.join("workspaceStorage/0a1b");
    let (global, own) = (
        user.join("globalStorage/state.vscdb"),
        window.join("state.vscdb"),
    );
    make(&fixture("composers/state.vscdb.sql"), &global);
    make(
        &fixture("workspace/workspaceStorage/0a1b/state.vscdb.sql"),
        &own,
    );
    let list = r#"{"allComposers":[{"composerId":"c3"},{"composerId":"w1","conversation":[{"type":1,"text":"hi"}]}]}"#;
    let conn = rusqlite::Connection::open(&own).unwrap();
    let sql = "INSERT INTO ItemTable VALUES ('composer.composerData', ?1)";
    conn.execute(sql, [list]).unwrap();
    fs::write(
        window.join("workspace.json"),
        r#"{"folder":"file:///w/my%20shop"}"#,
    )
    .unwrap();
    let folders = |path: &Path| -> Vec<(String, Option<String>)> {
        let extractor = Cursor.extractor(path).unwrap();
        let mut input = extractor.open(path, &Places::default()).unwrap();
        let streams = input.sessions().unwrap();
        streams.into_iter().map(|s| (s.name, s.folder)).collect()
    };
    let of = |name: &str, folder: Option<&str>| (name.to_owned(), folder.map(str::to_owned));
    let shop = Some("/w/my shop");
    assert_eq!(
        folders(&global),
        [of("c1", Some("/w/shop")), of("c2", None), of("c3", shop)]
    );
    assert_eq!(folders(&own), [of("t1", shop), of("w1", shop)]);
}

#[test]
fn secrets_are_never_read_and_hostile_values_do_no_harm() {
    let home = tempfile::tempdir().unwrap();
    let db = home.path().join("state.vscdb");
    make(&fixture("composers/state.vscdb.sql"), &db);
    let conn = rusqlite::Connection::open(&db).unwrap();
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let values: [(&str, &str); 6] = [
        ("composerData:h1", &deep),
        (
            "composerData:h2",
            "{\"fullConversationHeadersOnly\":{\"bubbleId\":1},\"conversation\":5}",
        ),
        (
            "composerData:h3",
            "{\"fullConversationHeadersOnly\":[{\"bubbleId\":\"x\"},7]}",
        ),
        (
            "bubbleId:h3:x",
            "{\"type\":2,\"toolFormerData\":{\"name\":9,\"params\":\"[1\",\"result\":\"{\",\"status\":[]}}",
        ),
        (
            "composerData:h4",
            "{\"conversation\":[{\"type\":1,\"bubbleId\":\"y\",\"text\":\"whole\"},{\"type\":1,\"te",
        ),
        ("composerData:", "{}"),
    ];
    for (key, value) in values {
        conn.execute("INSERT INTO cursorDiskKV VALUES (?1, ?2)", [key, value])
            .unwrap();
    }
    drop(conn);
    let done = run(home.path(), &["ingest", "--from", db.to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    let out = run(home.path(), &["sessions", "--json"]).stdout;
    let sessions: serde_json::Value = serde_json::from_slice(&out).unwrap();
    // Two of the fixture (a sub-agent is not listed), the odd one, and what stands before the tear.
    assert_eq!(sessions.as_array().unwrap().len(), 4, "{sessions:#}");
    let extractor = Cursor.extractor(&db).unwrap();
    let mut input = extractor.open(&db, &Places::default()).unwrap();
    for stream in input.sessions().unwrap() {
        input
            .records(&stream.name, &mut |given| {
                assert!(!given.body.contains("NEVER-SHOWN"), "{}", given.key);
                Ok(())
            })
            .unwrap();
    }
    // Cut anywhere, it is refused or read as far as it goes; nothing panics.
    let bytes = fs::read(&db).unwrap();
    for cut in (0..bytes.len()).step_by(4096 + 17) {
        let torn = home.path().join(format!("{cut}.vscdb"));
        fs::write(&torn, &bytes[..cut]).unwrap();
        if let Ok(mut input) = extractor.open(&torn, &Places::default()) {
            for stream in input.sessions().unwrap_or_default() {
                let _torn = input.records(&stream.name, &mut |_| Ok(()));
            }
        }
    }
}

#[test]
fn a_session_in_several_forms_is_one_whichever_came_first() {
    let home = tempfile::tempdir().unwrap();
    let said = home
        .path()
        .join(".cursor/projects/w-shop/agent-transcripts/1b/1b.jsonl");
    fs::create_dir_all(said.parent().unwrap()).unwrap();
    let transcript = fixture("transcripts/projects/w-shop/agent-transcripts/t1/t1.jsonl");
    let lines: Vec<&str> = transcript.lines().collect();
    let write = |n: usize| fs::write(&said, lines[..n].join("\n") + "\n").unwrap();
    let counts = || {
        let done = run(home.path(), &["ingest"]);
        assert!(done.status.success(), "{done:?}");
        let out = run(home.path(), &["sessions", "--json"]).stdout;
        let all: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let all = all.as_array().unwrap();
        assert_eq!(all.len(), 1, "{all:#?}");
        let n = |name: &str| all[0][name].as_u64().unwrap();
        (n("prompts"), n("edits"), n("commands"))
    };
    write(2);
    let first = run(home.path(), &["ingest", "--from", said.to_str().unwrap()]);
    assert!(first.status.success(), "{first:?}");
    assert_eq!(counts(), (1, 0, 0));
    // The database tells more of it.
    let db = home.path().join(".cursor/chats/0a/1b/store.db");
    make(&fixture("terminal/chats/0a/1b/store.db.sql"), &db);
    let second = run(home.path(), &["ingest", "--from", db.to_str().unwrap()]);
    assert!(second.status.success(), "{second:?}");
    assert_eq!(counts(), (1, 2, 2));
    // The transcript goes on, and says no more for it.
    write(lines.len() - 1);
    let third = run(home.path(), &["ingest", "--from", said.to_str().unwrap()]);
    assert!(third.status.success(), "{third:?}");
    assert_eq!(counts(), (1, 2, 2));
    let rebuilt = run(home.path(), &["doctor", "--rebuild"]);
    assert!(rebuilt.status.success(), "{rebuilt:?}");
    assert_eq!(counts(), (1, 2, 2));
}
