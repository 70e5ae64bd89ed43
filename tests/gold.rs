//! Files as `cat STEP:PATH` gives them, against the git blob ids of the commits that followed; on real sessions, where they
//! are at hand.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regent_tui::clock::Clock;
use regent_tui::git::blob_sha1;
use regent_tui::ingest::{self, Options};
use regent_tui::model::Time;
use regent_tui::query::{Ask, LogQuery, Side, StoreAsk};
use regent_tui::source::Places;
use regent_tui::store::{Place, Store};

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

fn ingested(file: &Path, dir: &Path) -> StoreAsk {
    let place = Place::explicit(&dir.join("history.db"), rustix::process::getuid().as_raw());
    let store = Store::open(&place).unwrap();
    let options = Options {
        from: vec![file.to_owned()],
        ..Options::default()
    };
    let report = ingest::run(&store, &options, Time(0), &mut |_| {}).unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    drop(store);
    StoreAsk::open(&place, Places::default(), Clock::system()).unwrap()
}

/// The state of a path after its last change until then: `None` if no change is known, else the blob's id in git.
fn state(ask: &StoreAsk, path: &str, until: Option<Time>) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let query = LogQuery {
        path: Some(name.to_owned()),
        ..LogQuery::default()
    };
    let steps = ask.rows(&ask.log(&query).unwrap()).unwrap();
    let last = steps
        .iter()
        .filter(|s| s.added.is_some())
        .filter(|s| until.is_none_or(|u| s.at.is_none_or(|at| at <= u)))
        .max_by_key(|s| s.seq)?;
    Some(match ask.bytes_at(last.row, path, Side::After) {
        Ok(bytes) => blob_sha1(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect(),
        Err(e) if e.to_string().contains("deleted by") => "0".repeat(40),
        Err(e) => e.to_string(),
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
        let ask = ingested(&file, temp.path());
        for row in rows {
            let got = state(
                &ask,
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
