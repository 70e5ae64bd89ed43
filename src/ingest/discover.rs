//! Finding transcripts on this machine, and telling which of them have anything new.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::read::range;
use crate::model::Agent;
use crate::source::{Places, SOURCES, Source};
use crate::store::files::{FileRow, Form, Owner, Seen, Standing};

/// Folders below a root are looked into no deeper than this: links can make circles.
const DEPTH: usize = 12;
/// Bytes at the start of a file by which an agent recognises its own.
const HEAD: u64 = 64 * 1024;

/// A transcript that was found.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where.
    pub path: PathBuf,
    /// Whose format.
    pub agent: Agent,
    /// How it looks now.
    pub seen: Seen,
    /// It was named with `--from`.
    pub named: bool,
    /// What its raw bytes are.
    pub form: Form,
    /// The folder that it worked in, where that is known without reading it.
    pub folder: Option<String>,
}

/// An input that holds several sessions: a database.
#[derive(Clone, Debug)]
pub struct Database {
    /// Where.
    pub path: PathBuf,
    /// Whose format.
    pub agent: Agent,
    /// How it looks now, its log included.
    pub seen: Seen,
    /// It was named with `--from`.
    pub named: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Discovered {
    /// The transcripts, oldest write first.
    pub candidates: Vec<Candidate>,
    /// Inputs of which it is not known yet which sessions they hold.
    pub databases: Vec<Database>,
    /// The folders that were looked in, with the number of transcripts found there.
    pub looked_in: Vec<(PathBuf, u32)>,
    /// What could not be looked at: path and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Looks where the agents keep their transcripts, and at what was named.
pub fn discover(places: &Places, from: &[PathBuf], agent: Option<Agent>) -> Discovered {
    let now = SystemTime::now();
    let mut found = Discovered::default();
    let mut met = HashSet::new();
    for path in from {
        named(path, agent, now, &mut met, &mut found);
    }
    if from.is_empty() {
        for source in SOURCES
            .iter()
            .filter(|s| agent.is_none_or(|a| a == s.agent()))
        {
            for root in source.roots(places) {
                let mut files = Vec::new();
                let enter = |folder: &Path| source.may_hold(folder);
                walk(
                    &root,
                    0,
                    &enter,
                    &mut found.unreadable,
                    &mut |path, meta| {
                        if source.is_transcript(path) && met.insert(path.to_owned()) {
                            files.push((path.to_owned(), meta.clone()));
                        }
                    },
                );
                let n = u32::try_from(files.len()).unwrap_or(u32::MAX);
                for (path, meta) in files {
                    found.add(*source, path, &meta, now, false);
                }
                found.looked_in.push((root, n));
            }
        }
    }
    once(&mut found.candidates);
    found.sort();
    found
}

/// One file may be reached by several names: one of the folders that are looked in is a link to another, or a link leads
/// in a circle. The shortest name counts, always the same one, so that it is read once.
fn once(candidates: &mut Vec<Candidate>) {
    candidates.sort_by(|a, b| {
        let length = |c: &Candidate| c.path.as_os_str().len();
        (length(a), &a.path).cmp(&(length(b), &b.path))
    });
    let mut met = HashSet::new();
    candidates
        .retain(|c| c.form != Form::Lines || met.insert((c.agent as u8, c.seen.dev, c.seen.ino)));
}

impl Discovered {
    fn add(
        &mut self,
        source: &dyn Source,
        path: PathBuf,
        meta: &fs::Metadata,
        now: SystemTime,
        named: bool,
    ) {
        let agent = source.agent();
        let (seen, form) = match source.extractor(&path) {
            None => (Seen::new(meta, now), Form::Lines),
            Some(extractor) => {
                let seen = match Seen::together(&extractor.files(&path), now) {
                    Ok(seen) => seen,
                    Err(e) => return self.unreadable.push((path, e.to_string())),
                };
                if extractor.holds_several() {
                    return self.databases.push(Database {
                        path,
                        agent,
                        seen,
                        named,
                    });
                }
                (seen, Form::Records)
            }
        };
        self.candidates.push(Candidate {
            path,
            agent,
            seen,
            named,
            form,
            folder: None,
        });
    }

    /// Puts the candidates in order: the oldest write first.
    pub fn sort(&mut self) {
        self.candidates.sort_by(|a, b| {
            a.seen
                .mtime_ns
                .cmp(&b.seen.mtime_ns)
                .then_with(|| a.path.cmp(&b.path))
        });
    }
}

/// Endings of the files that may be somebody's transcript.
const ENDINGS: &[&str] = &["jsonl", "json", "db", "vscdb", "md", "sqlite", "history"];

/// A file or folder that the user named: whose it is, its first lines tell.
fn named(
    path: &Path,
    agent: Option<Agent>,
    now: SystemTime,
    met: &mut HashSet<PathBuf>,
    found: &mut Discovered,
) {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut files = Vec::new();
    match fs::metadata(&path) {
        Ok(meta) if meta.is_file() => files.push((path.clone(), meta)),
        Ok(_) => walk(
            &path,
            0,
            &|_| true,
            &mut found.unreadable,
            &mut |p, meta| {
                if p.extension()
                    .is_some_and(|e| ENDINGS.iter().any(|known| e == *known))
                {
                    files.push((p.to_owned(), meta.clone()));
                }
            },
        ),
        Err(e) => found.unreadable.push((path.clone(), e.to_string())),
    }
    let mut n = 0;
    for (file, meta) in files {
        let head = match head(&file) {
            Ok(head) => head,
            Err(e) => {
                found.unreadable.push((file, e.to_string()));
                continue;
            }
        };
        let Some(source) = SOURCES
            .iter()
            .filter(|s| agent.is_none_or(|a| a == s.agent()))
            .find(|s| s.claims(&file, &head))
        else {
            continue;
        };
        if met.insert(file.clone()) {
            n += 1;
            found.add(*source, file, &meta, now, true);
        }
    }
    found.looked_in.push((path, n));
}

fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(HEAD).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Every regular file below a folder, or the file itself. A root that is not there is not an error: most agents are not installed.
fn walk(
    dir: &Path,
    depth: usize,
    enter: &dyn Fn(&Path) -> bool,
    unreadable: &mut Vec<(PathBuf, String)>,
    each: &mut dyn FnMut(&Path, &fs::Metadata),
) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return,
        Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => {
            if let Ok(meta) = fs::metadata(dir)
                && meta.is_file()
            {
                each(dir, &meta);
            }
            return;
        }
        Err(e) => {
            unreadable.push((dir.to_owned(), e.to_string()));
            return;
        }
    };
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(e) => {
                unreadable.push((dir.to_owned(), e.to_string()));
                return;
            }
        };
        match fs::metadata(&path) {
            // A repository: Roo Code keeps one in each task, with thousands of objects and no transcript.
            Ok(meta) if meta.is_dir() && (entry_is_git(&path) || !enter(&path)) => {}
            Ok(meta) if meta.is_dir() && depth < DEPTH => {
                walk(&path, depth + 1, enter, unreadable, each)
            }
            Ok(meta) if meta.is_file() => each(&path, &meta),
            Ok(_) => {}
            // It went since the folder was listed, or is a link that leads nowhere.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {}
            Err(e) => unreadable.push((path, e.to_string())),
        }
    }
}

fn entry_is_git(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".git")
}

/// What is to be done with a candidate.
#[derive(Debug)]
pub enum Todo {
    /// Read it from its beginning; with the row of what was known there before, if anything was.
    Whole(Candidate, Option<i64>),
    /// Read what was appended.
    More(Candidate, FileRow),
}

/// What is new among the candidates, and which known files are gone.
pub struct Plan {
    /// Work, oldest first.
    pub todo: Vec<Todo>,
    /// Known files with nothing new.
    pub unchanged: usize,
    /// Known files that are not there any more.
    pub gone: Vec<i64>,
    /// Known files that cannot be looked into: path and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

impl Plan {
    /// Bytes to read.
    pub fn bytes(&self) -> u64 {
        let left = |todo: &Todo| match todo {
            Todo::Whole(candidate, _) => candidate.seen.size,
            Todo::More(candidate, row) => candidate.seen.size.saturating_sub(row.read_to),
        };
        self.todo.iter().map(left).sum()
    }
}

/// Compares what was found with what is known. A file that cannot be compared costs only itself. `listed` are the databases
/// whose sessions are all among what was found.
pub fn plan(
    found: Vec<Candidate>,
    listed: &HashSet<PathBuf>,
    known: Vec<FileRow>,
    everything: bool,
) -> Plan {
    let mut known: HashMap<PathBuf, FileRow> =
        known.into_iter().map(|f| (f.path.clone(), f)).collect();
    let mut plan = Plan {
        todo: Vec::new(),
        unchanged: 0,
        gone: Vec::new(),
        unreadable: Vec::new(),
    };
    for candidate in found {
        // Another agent's file, or another form of it, stands where one stood before.
        let before = known.remove(&candidate.path);
        let before_id = before.as_ref().map(|r| r.id);
        let Some(row) = before.filter(|r| r.form == candidate.form && r.agent == candidate.agent)
        else {
            plan.todo.push(Todo::Whole(candidate, before_id));
            continue;
        };
        let stranger = row.owner == Owner::Nobody;
        let compared = row.compare(Some(&candidate.seen), |off, len| range(&row.path, off, len));
        let standing = match compared {
            Ok(standing) => standing,
            // It went since it was found: the next look sees that.
            Err(_) if !row.path.exists() => Standing::Unchanged,
            Err(e) => {
                plan.unreadable.push((candidate.path, format!("{e:#}")));
                continue;
            }
        };
        match standing {
            Standing::Unchanged if stranger && (candidate.named || everything) => {
                plan.todo.push(Todo::Whole(candidate, Some(row.id)))
            }
            Standing::Unchanged => plan.unchanged += 1,
            Standing::Appended if stranger => plan.todo.push(Todo::Whole(candidate, Some(row.id))),
            Standing::Appended => plan.todo.push(Todo::More(candidate, row)),
            Standing::Replaced | Standing::Gone => {
                plan.todo.push(Todo::Whole(candidate, Some(row.id)))
            }
        }
    }
    plan.gone = known
        .into_values()
        .filter(|f| f.gone_at.is_none() && is_gone(f, listed))
        .map(|f| f.id)
        .collect();
    plan
}

fn is_gone(file: &FileRow, listed: &HashSet<PathBuf>) -> bool {
    match (file.form, file.path.parent()) {
        // Deleted in the database; of one that could not be read nothing is known.
        (Form::Session, Some(database)) => listed.contains(database) || !database.exists(),
        _ => !file.path.exists(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::files;

    fn row(path: &Path, read_to: u64) -> FileRow {
        FileRow {
            id: 7,
            agent: Agent::Claude,
            path: path.to_owned(),
            generation: 0,
            seen: Seen::default(),
            read_to,
            tail_hash: files::tail_hash(b"what stood there"),
            owner: Owner::Found,
            form: Form::Lines,
            gone_at: None,
        }
    }

    fn candidate(path: &Path) -> Candidate {
        Candidate {
            path: path.to_owned(),
            agent: Agent::Claude,
            seen: Seen {
                size: 100,
                ..Seen::default()
            },
            named: false,
            form: Form::Lines,
            folder: None,
        }
    }

    #[test]
    fn a_file_that_cannot_be_compared_costs_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let (gone, odd, new) = (
            dir.path().join("gone.jsonl"),
            dir.path().join("odd.jsonl"),
            dir.path().join("new.jsonl"),
        );
        // A folder can be opened, and not read.
        fs::create_dir(&odd).unwrap();
        let plan = plan(
            vec![candidate(&gone), candidate(&odd), candidate(&new)],
            &HashSet::new(),
            vec![row(&gone, 16), row(&odd, 16)],
            false,
        );
        assert_eq!((plan.todo.len(), plan.unchanged), (1, 1));
        assert_eq!(plan.unreadable.len(), 1);
        let (path, why) = &plan.unreadable[0];
        assert_eq!(*path, odd);
        assert!(
            why.contains("cannot read") && why.contains("directory"),
            "{why}"
        );
    }

    #[test]
    fn links_that_lead_nowhere_or_in_circles_are_no_failure() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("a.jsonl")).unwrap();
        std::os::unix::fs::symlink("b.jsonl", dir.path().join("b.jsonl")).unwrap();
        std::os::unix::fs::symlink(".", dir.path().join("circle")).unwrap();
        fs::write(dir.path().join("c.jsonl"), "").unwrap();
        let (mut unreadable, mut found) = (Vec::new(), 0);
        walk(dir.path(), 0, &|_| true, &mut unreadable, &mut |_, _| {
            found += 1
        });
        assert!(unreadable.is_empty(), "{unreadable:?}");
        assert_eq!(found, DEPTH + 1, "a circle is left at some depth");
    }
}
