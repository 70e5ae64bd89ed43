//! Reconstructed file states against git blob ids, on real sessions where they are at hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::git::blob_sha1;
use crate::store::{Store, blobs};

/// The folder of real sessions, if it is there.
fn transcripts() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(PathBuf::from(dir)).filter(|d| d.is_dir());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|d| d.join("shared/transcripts"))
        .find(|d| d.is_dir())
}

struct Gold {
    transcript: String,
    path: String,
    expected: String,
    exact: bool,
    deletion: bool,
    agent: String,
    until: Option<Time>,
    lines: Option<usize>,
}

fn gold(dir: &Path) -> Vec<Gold> {
    let text = std::fs::read_to_string(dir.join("GOLD.tsv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let c: Vec<&str> = line.split('\t').collect();
            Gold {
                transcript: c[2].to_owned(),
                path: c[8].to_owned(),
                expected: c[10].to_owned(),
                exact: c[12] == "exact",
                deletion: c[10].bytes().all(|b| b == b'0'),
                agent: c[1].to_owned(),
                until: Time::parse(c[6]).map(|t| Time(t.0 + 2000)),
                lines: c.get(13).and_then(|n| n.trim().parse().ok()),
            }
        })
        .collect()
}

fn ingested(file: &Path) -> Store {
    let store = Store::open_in_memory().unwrap();
    let options = Options {
        from: vec![file.to_owned()],
        ..Options::default()
    };
    let report = run(&store, &options, Time(0), &mut |_| {}).unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    store
}

/// The state of a path after its last change until then: `None` if no change is known, else the blob's id in git.
fn state(store: &Store, path: &str, until: Option<Time>) -> Option<String> {
    let conn = store.conn();
    let mut q = conn
        .prepare(
            "SELECT c.after, c.old_path_id, p.id, c.path_id FROM change c JOIN step t ON t.id = c.step_id
             JOIN path p ON p.id = c.path_id OR p.id = c.old_path_id JOIN root r ON r.id = p.root_id
             WHERE rtrim(CAST(r.path AS TEXT), '/') || '/' || CAST(p.rel AS TEXT) = ?1 AND coalesce(t.at, 0) <= ?2
             ORDER BY t.seq DESC, c.no DESC LIMIT 1",
        )
        .unwrap();
    let (after, moved): (Option<i64>, bool) = q
        .query_row(
            rusqlite::params![path, until.map_or(i64::MAX, |t| t.0)],
            |r| Ok((r.get(0)?, r.get::<_, Option<i64>>(1)? == Some(r.get(2)?))),
        )
        .ok()?;
    let sha = |bytes: &[u8]| {
        blob_sha1(bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    Some(match (moved, after) {
        (true, _) | (_, Some(0)) => "0".repeat(40),
        (_, Some(blob)) => sha(&blobs::get(conn, blob).unwrap()),
        (_, None) => "not known".to_owned(),
    })
}

#[test]
fn states_agree_with_the_commits_that_followed() {
    let Some(dir) = transcripts() else {
        eprintln!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let mut by_file: BTreeMap<(String, Option<usize>), Vec<Gold>> = BTreeMap::new();
    for row in gold(&dir) {
        by_file
            .entry((row.transcript.clone(), row.lines))
            .or_default()
            .push(row);
    }
    let (mut exact, mut better, mut wrong) = (0, 0, Vec::new());
    for ((transcript, lines), rows) in by_file {
        let file = dir.join(&transcript);
        let temp = tempfile::tempdir().unwrap();
        let file = match lines {
            Some(n) => {
                let text = std::fs::read(&file).unwrap();
                let end = memchr::memchr_iter(b'\n', &text)
                    .nth(n - 1)
                    .map_or(text.len(), |i| i + 1);
                let part = temp.path().join(file.file_name().unwrap());
                std::fs::write(&part, &text[..end]).unwrap();
                part
            }
            None => file,
        };
        let store = ingested(&file);
        for row in rows {
            let got = state(
                &store,
                &row.path,
                if row.lines.is_some() { None } else { row.until },
            );
            let right = got.as_deref() == Some(&row.expected);
            let base_elsewhere = row.agent == "codex" && !row.deletion;
            match (right, row.exact && !base_elsewhere) {
                (true, true) => exact += 1,
                (true, false) => better += 1,
                (false, true) => wrong.push(format!(
                    "{transcript} {} {got:?}, not {}",
                    row.path, row.expected
                )),
                (false, false) => {}
            }
        }
    }
    println!("{exact} of 143 rows exact; {better} more of those that a plain replay gets wrong");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(exact, 143);
}
