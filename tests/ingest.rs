//! However transcripts come in (cut anywhere, in any order, again and again), the store ends up the same.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::ingest::{self, Options, Report, Roots};
use regent_tui::model::Time;
use regent_tui::source::Places;
use regent_tui::store::Store;

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/home")
}

fn real() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(PathBuf::from(dir)).filter(|d| d.is_dir());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|d| d.join("shared/transcripts"))
        .find(|d| d.is_dir())
}

fn jsonl(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "jsonl") {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// A small generator of pseudo-random numbers: the same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

fn read(store: &Store, from: &[PathBuf]) -> Report {
    let options = Options {
        from: from.to_vec(),
        ..Options::default()
    };
    let report = ingest::run(store, &options, Time(0), &mut |_| {}).unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    report
}

fn once(dir: &Path) -> String {
    let store = Store::open_in_memory().unwrap();
    read(&store, &[dir.to_owned()]);
    store.derived_digest().unwrap()
}

/// Copies a tree of transcripts, cut at random places into several reads.
fn grown(files: &[PathBuf], from: &Path, to: &Path, numbers: &mut Numbers, cuts: usize) -> String {
    let store = Store::open_in_memory().unwrap();
    let contents: Vec<Vec<u8>> = files.iter().map(|f| fs::read(f).unwrap()).collect();
    let mut lens: Vec<Vec<usize>> = contents
        .iter()
        .map(|c| {
            let mut at: Vec<usize> = (0..cuts).map(|_| numbers.below(c.len() + 1)).collect();
            at.sort_unstable();
            at.push(c.len());
            at
        })
        .collect();
    let mut open: Vec<usize> = (0..files.len()).collect();
    while !open.is_empty() {
        let pick = numbers.below(open.len());
        let i = open[pick];
        let len = lens[i].remove(0);
        let path = to.join(files[i].strip_prefix(from).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &contents[i][..len]).unwrap();
        read(&store, &[to.to_owned()]);
        if lens[i].is_empty() {
            open.remove(pick);
        }
    }
    store.derived_digest().unwrap()
}

#[test]
fn any_cut_and_any_order_give_the_same_store() {
    let dir = demo();
    let files = jsonl(&dir);
    let temp = tempfile::tempdir().unwrap();
    for seed in 1..12 {
        let to = temp.path().join("home");
        fs::create_dir_all(&to).unwrap();
        let digest = grown(&files, &dir, &to, &mut Numbers(seed * 7919), 4);
        assert_eq!(digest, once(&to), "seed {seed}");
        fs::remove_dir_all(&to).unwrap();
    }
}

#[test]
fn any_cut_and_any_order_of_real_sessions() {
    let Some(real) = real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let temp = tempfile::tempdir().unwrap();
    // Small ones by themselves, and the folders in which several files hold one session.
    for (n, folder) in [
        "claude-code/entireio+cli/snapshots",
        "claude-code/daaain+claude-code-log",
        "claude-code/jazzyalex+agent-sessions/fixtures/Resources/Fixtures/stage0/agents/claude",
        "codex",
    ]
    .into_iter()
    .enumerate()
    {
        let dir = real.join(folder);
        let files: Vec<PathBuf> = jsonl(&dir)
            .into_iter()
            .filter(|f| f.metadata().unwrap().len() < 600_000)
            .collect();
        let to = temp.path().join(n.to_string());
        fs::create_dir_all(&to).unwrap();
        let digest = grown(&files, &dir, &to, &mut Numbers(77 + n as u64), 2);
        assert_eq!(digest, once(&to), "{folder}");
    }
}

#[test]
fn a_rebuild_gives_the_same_store() {
    let store = Store::open_in_memory().unwrap();
    let mut from = vec![demo()];
    from.extend(real().map(|r| r.join("codex")));
    from.extend(real().map(|r| r.join("claude-code/entireio+cli/snapshots")));
    read(&store, &from);
    let before = store.derived_digest().unwrap();
    ingest::rebuild(&store, &Roots::default(), false, &mut |_| {}).unwrap();
    assert_eq!(store.derived_digest().unwrap(), before);
}

#[test]
fn reading_again_reads_nothing_and_an_appended_line_is_one_line() {
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path().join("home");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    for file in jsonl(&demo()) {
        let to = home.join(file.strip_prefix(demo()).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&file, &to).unwrap();
        fs::File::options()
            .write(true)
            .open(&to)
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    let store = Store::open_in_memory().unwrap();
    let options = Options {
        places: Places {
            home: home.clone(),
            env: Vec::new(),
            ..Places::default()
        },
        roots: Roots::new(Some(Path::new("/home/ada/src/shop")), &[], &[]),
        ..Options::default()
    };
    let first = ingest::run(&store, &options, Time(0), &mut |_| {}).unwrap();
    assert_eq!(
        (first.read, first.elsewhere),
        (jsonl(&home).len(), 0),
        "{first:?}"
    );
    let again = ingest::run(&store, &options, Time(0), &mut |_| {}).unwrap();
    assert_eq!(
        (again.read, again.unchanged),
        (0, jsonl(&home).len()),
        "{again:?}"
    );

    let elsewhere = Options {
        roots: Roots::new(Some(Path::new("/somewhere/else")), &[], &[]),
        ..options.clone()
    };
    let other = Store::open_in_memory().unwrap();
    let report = ingest::run(&other, &elsewhere, Time(0), &mut |_| {}).unwrap();
    assert_eq!((report.read, report.elsewhere), (0, jsonl(&home).len()));
    let report = ingest::run(&other, &elsewhere, Time(0), &mut |_| {}).unwrap();
    assert_eq!(
        (report.elsewhere, report.unchanged),
        (0, jsonl(&home).len()),
        "strangers are remembered"
    );

    let file = jsonl(&home)
        .into_iter()
        .max_by_key(|f| f.metadata().unwrap().len())
        .unwrap();
    let line = "{\"type\":\"assistant\",\"uuid\":\"00000000-0000-4000-8000-00000000abcd\",\"parentUuid\":null,\"timestamp\":\"2026-11-20T14:40:00.000Z\",\"sessionId\":\"x\",\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"one more word\"}]}}\n";
    let session = file.file_stem().unwrap().to_string_lossy().into_owned();
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str(&line.replace(
        "\"sessionId\":\"x\"",
        &format!("\"sessionId\":\"{session}\""),
    ));
    fs::write(&file, text).unwrap();
    let more = ingest::run(&store, &options, Time(0), &mut |_| {}).unwrap();
    assert_eq!(
        (more.read, more.unchanged),
        (1, jsonl(&home).len() - 1),
        "{more:?}"
    );
}

#[test]
fn a_moved_project_is_found_by_its_old_name_and_stays_found() {
    let store = Store::open_in_memory().unwrap();
    let here = Path::new("/somewhere/else");
    let options = |map: &[(PathBuf, PathBuf)]| Options {
        places: Places {
            home: demo(),
            env: Vec::new(),
            ..Places::default()
        },
        roots: Roots::new(Some(here), &[], map),
        ..Options::default()
    };
    let n = jsonl(&demo()).len();
    let first = ingest::run(&store, &options(&[]), Time(0), &mut |_| {}).unwrap();
    assert_eq!((first.read, first.elsewhere), (0, n));
    let map = [(PathBuf::from("/home/ada/src/shop"), here.to_owned())];
    let mapped = ingest::run(&store, &options(&map), Time(0), &mut |_| {}).unwrap();
    assert_eq!((mapped.read, mapped.elsewhere), (n, 0), "{mapped:?}");
    let digest = store.derived_digest().unwrap();
    ingest::rebuild(
        &store,
        &Roots::new(Some(here), &[], &[]),
        false,
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(
        store.derived_digest().unwrap(),
        digest,
        "the mapping is remembered"
    );
}

#[test]
fn half_a_line_does_not_take_the_session_away() {
    let temp = tempfile::tempdir().unwrap();
    let (home, shop) = (temp.path().join("home"), temp.path().join("shop"));
    let dir = home.join(".claude/projects/-shop");
    fs::create_dir_all(&dir).unwrap();
    let line = |n: u32| {
        format!(
            r#"{{"parentUuid":null,"isSidechain":false,"cwd":{shop:?},"sessionId":"s1","version":"2.1.100","type":"user","message":{{"role":"user","content":"prompt {n}"}},"uuid":"u{n}","timestamp":"2026-03-01T09:00:0{n}.000Z"}}"#
        ) + "\n"
    };
    let options = Options {
        places: Places {
            home,
            env: Vec::new(),
            ..Places::default()
        },
        roots: Roots::new(Some(&shop), &[], &[]),
        ..Options::default()
    };
    let store = Store::open_in_memory().unwrap();
    let grow = |text: &str| {
        fs::write(dir.join("s1.jsonl"), text).unwrap();
        let report = ingest::run(&store, &options, Time(0), &mut |_| {}).unwrap();
        (
            report.read,
            report.elsewhere,
            store.derived_digest().unwrap(),
        )
    };
    let first = grow(&line(1));
    let whole = line(1) + &line(2);
    let torn = grow(&whole[..whole.len() - 40]);
    assert_eq!((torn.0, torn.1), (1, 0), "it is still ours");
    assert_eq!(torn.2, first.2, "and nothing of it is gone");
    assert_ne!(grow(&whole).2, first.2);
}
