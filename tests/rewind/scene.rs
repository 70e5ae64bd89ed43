//! A work folder, a store, and sessions whose steps really change the folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regent_tui::clock::Clock;
use regent_tui::fsx::Root;
use regent_tui::model::{Agent, BlobHash, Evidence, Id, IdKind, Op, Status, StepKind, Time};
use regent_tui::query::past::Reach;
use regent_tui::query::{StoreAsk, Target};
use regent_tui::rewind::{self, How, Plan, Report, Verdict, Wish};
use regent_tui::source::Places;
use regent_tui::store::rows::{
    ChangeRecord, Known, PathRecord, SessionBatch, SessionRecord, StepBatch, StepRecord,
};
use regent_tui::store::write::Writer;
use regent_tui::store::{Place, Reader, Store, blobs};

/// What lies under a name: a file with its mode, or a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    File(Vec<u8>, u32),
    Link(Vec<u8>),
    Dir,
}

pub type Tree = BTreeMap<Vec<u8>, Thing>;

pub struct Scene {
    _tmp: tempfile::TempDir,
    pub dir: PathBuf,
    pub store: Store,
    pub clock: i64,
    steps: BTreeMap<&'static str, u32>,
}

/// A fast place for throw-away folders: thousands of them are synced.
fn shm() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    match tempfile::Builder::new().prefix("regent").tempdir_in(shm) {
        Ok(tmp) => tmp,
        Err(_) => tempfile::tempdir().unwrap(),
    }
}

impl Scene {
    pub fn new() -> Scene {
        Scene::with(Store::open_in_memory().unwrap())
    }

    pub fn with(store: Store) -> Scene {
        let tmp = shm();
        let dir = tmp.path().canonicalize().unwrap().join("work");
        fs::create_dir(&dir).unwrap();
        Scene {
            _tmp: tmp,
            dir,
            store,
            clock: 1_000_000_000,
            steps: BTreeMap::new(),
        }
    }

    pub fn on_disk() -> Scene {
        let tmp = shm();
        let dir = tmp.path().canonicalize().unwrap().join("work");
        fs::create_dir(&dir).unwrap();
        let uid = fs::metadata(&dir).unwrap().uid();
        let db = tmp.path().join("history.db");
        let store = Store::open(&Place::explicit(&db, uid)).unwrap();
        Scene {
            _tmp: tmp,
            dir,
            store,
            clock: 1_000_000_000,
            steps: BTreeMap::new(),
        }
    }

    pub fn db(&self) -> PathBuf {
        self.dir.parent().unwrap().join("history.db")
    }

    pub fn root(&self) -> Root {
        Root::open(&self.dir, None).unwrap()
    }

    pub fn reader(&self) -> Reader {
        self.store.reader().unwrap()
    }

    pub fn tick(&mut self) -> Time {
        self.clock += 20_000;
        Time(self.clock)
    }

    pub fn path(&self, rel: impl AsRef<[u8]>) -> PathBuf {
        self.dir.join(std::ffi::OsStr::from_bytes(rel.as_ref()))
    }

    pub fn put(&self, rel: &str, text: impl AsRef<[u8]>) {
        let path = self.path(rel);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // As most tools write: a new file in place of the old one, with its mode.
        let mode = fs::symlink_metadata(&path)
            .ok()
            .filter(|m| m.is_file())
            .map(|m| m.permissions());
        if path.symlink_metadata().is_ok_and(|m| m.is_symlink()) {
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, text).unwrap();
        if let Some(mode) = mode {
            fs::set_permissions(&path, mode).unwrap();
        }
    }

    pub fn link(&self, rel: &str, target: &str) {
        let path = self.path(rel);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        symlink(target, path).unwrap();
    }

    pub fn chmod(&self, rel: &str, mode: u32) {
        fs::set_permissions(self.path(rel), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn read(&self, rel: &str) -> Option<String> {
        fs::read(self.path(rel))
            .ok()
            .map(|b| String::from_utf8_lossy(&b).into_owned())
    }

    fn known(&self, rel: &[u8]) -> Known {
        match fs::read(self.path(rel)) {
            Ok(bytes) => self.blob(&bytes),
            Err(_) => Known::Absent,
        }
    }

    pub fn blob(&self, bytes: &[u8]) -> Known {
        let tx = self.store.begin().unwrap();
        blobs::put(&tx, bytes).unwrap();
        tx.commit().unwrap();
        Known::Blob(BlobHash::of(bytes))
    }

    /// A step of a session that really writes a file (or removes it), recorded as agents record it.
    pub fn step(&mut self, session: &'static str, rel: &str, text: Option<&str>) -> u32 {
        let before = self.known(rel.as_bytes());
        match text {
            Some(text) => self.put(rel, text),
            None => fs::remove_file(self.path(rel)).unwrap(),
        }
        let after = self.known(rel.as_bytes());
        self.record(session, 1, &[(rel, before, after)], Status::Ok)
    }

    /// Many steps of a session, each of which really writes a file; in one transaction.
    pub fn many_steps(&mut self, session: &'static str, writes: &[(String, usize)]) {
        let root: Arc<[u8]> = self.dir.as_os_str().as_bytes().into();
        let mut batches = Vec::new();
        for (rel, no) in writes {
            let before = self.known(rel.as_bytes());
            self.put(rel, format!("step {no}\n"));
            let path = PathRecord {
                root: root.clone(),
                rel: rel.as_bytes().to_vec(),
            };
            let after = self.known(rel.as_bytes());
            let changes = vec![(path, None, before, after)];
            batches.push(self.batch(session, 1, StepKind::Write, changes, Status::Ok));
        }
        self.write(session, None, batches);
    }

    /// A step that only the record knows of.
    pub fn record(
        &mut self,
        session: &'static str,
        prompt: u32,
        changes: &[(&str, Known, Known)],
        status: Status,
    ) -> u32 {
        let root: Arc<[u8]> = self.dir.as_os_str().as_bytes().into();
        let changes: Vec<(PathRecord, Option<PathRecord>, Known, Known)> = changes
            .iter()
            .map(|(rel, b, a)| {
                (
                    PathRecord {
                        root: root.clone(),
                        rel: rel.as_bytes().to_vec(),
                    },
                    None,
                    *b,
                    *a,
                )
            })
            .collect();
        self.record_at(session, prompt, StepKind::Write, changes, status)
    }

    pub fn record_at(
        &mut self,
        session: &'static str,
        prompt: u32,
        kind: StepKind,
        changes: Vec<(PathRecord, Option<PathRecord>, Known, Known)>,
        status: Status,
    ) -> u32 {
        let batch = self.batch(session, prompt, kind, changes, status);
        let seq = batch.step.seq;
        self.write(session, None, vec![batch]);
        seq
    }

    fn batch(
        &mut self,
        session: &'static str,
        prompt: u32,
        kind: StepKind,
        changes: Vec<(PathRecord, Option<PathRecord>, Known, Known)>,
        status: Status,
    ) -> StepBatch {
        let at = self.tick();
        let seq = self.steps.entry(session).or_default();
        *seq += 1;
        let seq = *seq;
        let key = format!("{session}-{seq}");
        let step = StepRecord {
            id: Id::of(Agent::Claude, session, IdKind::Step, &key),
            prompt_no: prompt,
            seq,
            key_hash: seq.into(),
            dup: i64::from(seq) * 1000 + session.len() as i64,
            at: Some(at),
            started_at: Some(Time(at.0 - 10)),
            kind,
            status,
            tool: None,
            target: key,
            exit_code: None,
            duration_ms: None,
            counts: (!changes.is_empty()).then_some((1, 1)),
            evidence: Some(Evidence::Recorded),
            test: None,
            spawned: None,
            call: None,
            out: None,
            parts: Vec::new(),
        };
        let changes =
            changes
                .into_iter()
                .enumerate()
                .map(|(no, (path, old_path, before, after))| ChangeRecord {
                    no: no as u32,
                    op: match (&old_path, before, after) {
                        (Some(_), ..) => Op::Rename,
                        (_, Known::Absent, _) => Op::Create,
                        (_, _, Known::Absent) => Op::Delete,
                        _ => Op::Modify,
                    },
                    path,
                    old_path,
                    before,
                    after,
                    evidence: Evidence::Recorded,
                    added: 1,
                    removed: 1,
                });
        StepBatch {
            step,
            known: false,
            changes: changes.collect(),
            sightings: Vec::new(),
            words: Default::default(),
        }
    }

    pub fn write(&self, session: &str, parent: Option<(&str, u8)>, steps: Vec<StepBatch>) {
        let record = SessionRecord {
            agent: Agent::Claude,
            native_id: session.to_owned(),
            parent: parent.map(|p| p.0.to_owned()),
            relation: parent.map(|p| p.1),
            title: None,
            cwd: Some(self.dir.display().to_string()),
            branch: None,
            commit: None,
            version: None,
            model: None,
            role: None,
            started_at: Some(Time(1_000_000_000)),
            ended_at: Some(Time(self.clock)),
            prompts: 1,
            steps: 1,
            edits: 1,
            commands: 0,
            failed: 0,
            files_changed: 1,
            added: 1,
            removed: 1,
            tokens: (0, 0, 0),
            last_words: None,
            test: None,
            edit_seq: None,
            damaged: 0,
            unknown: 0,
            belongs: 1,
        };
        let batch = SessionBatch {
            session: record,
            files: Vec::new(),
            replace: false,
            prompts: Vec::new(),
            steps,
            off_path: Vec::new(),
            unknown: Vec::new(),
            damaged: Vec::new(),
            named: Vec::new(),
            checkpoint: Vec::new(),
        };
        let tx = self.store.begin().unwrap();
        Writer::default().session(&tx, &batch, &[], &|_| 1).unwrap();
        tx.commit().unwrap();
    }

    pub fn target(&self, session: &str, seq: u32) -> Target {
        let ask = StoreAsk::new(
            self.reader(),
            Place::explicit(&self.db(), 0),
            Places {
                home: self.dir.clone(),
                env: Vec::new(),
                ..Places::default()
            },
            Clock::frozen(Time(self.clock)),
        );
        let id = Id::of(
            Agent::Claude,
            session,
            IdKind::Step,
            &format!("{session}-{seq}"),
        );
        ask.resolve_target(&id.show(IdKind::Step)).unwrap()
    }

    pub fn wish(&self, session: &str, seq: u32) -> Wish {
        // Long after the last record, so that nobody counts as at work.
        Wish::back_to(
            self.target(session, seq),
            "it",
            Time(self.clock + 3_600_000),
        )
    }

    pub fn plan(&self, wish: &Wish) -> Plan {
        rewind::plan(&self.reader(), &self.root(), wish).unwrap()
    }

    pub fn how(&mut self) -> How {
        let now = self.tick();
        How {
            clock: Clock::frozen(now),
            partial: false,
            snapshots: true,
        }
    }

    pub fn apply(&mut self, plan: &Plan) -> Report {
        let how = self.how();
        rewind::apply(&self.store, &self.root(), plan, how, &mut |_, _, _| {}).unwrap()
    }

    pub fn rewind(&mut self, session: &str, seq: u32) -> Report {
        let plan = self.plan(&self.wish(session, seq));
        self.apply(&plan)
    }

    pub fn undo(&mut self) -> Report {
        let plan = rewind::undo::undo(&self.reader(), &self.root()).unwrap();
        self.apply(&plan)
    }

    pub fn redo(&mut self) -> Report {
        let plan = rewind::undo::redo(&self.reader(), &self.root()).unwrap();
        self.apply(&plan)
    }

    pub fn snapshot(&mut self) {
        use regent_tui::snapshot::{self, Wanted};
        let now = self.tick();
        let wanted = Wanted::new(
            Clock::frozen(now),
            regent_tui::store::snapshots::Reason::Asked,
        );
        snapshot::take(&self.store, &self.root(), &wanted).unwrap();
    }

    pub fn tree(&self) -> Tree {
        tree(&self.dir)
    }
}

impl Default for Scene {
    fn default() -> Scene {
        Scene::new()
    }
}

pub fn verdict(plan: &Plan, path: &str) -> Verdict {
    plan.files
        .iter()
        .find(|f| f.path == path)
        .unwrap_or_else(|| panic!("{path} is not in the plan"))
        .verdict
}

pub fn everybody(mut wish: Wish) -> Wish {
    wish.reach = Reach::AllSessions;
    wish
}

/// All of a folder but our own and git's.
pub fn tree(dir: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let rel = path
                .strip_prefix(dir)
                .unwrap()
                .as_os_str()
                .as_bytes()
                .to_vec();
            if rel == b".regent" || rel == b".git" {
                continue;
            }
            let meta = fs::symlink_metadata(&path).unwrap();
            let thing = if meta.is_symlink() {
                Thing::Link(
                    fs::read_link(&path)
                        .unwrap()
                        .as_os_str()
                        .as_bytes()
                        .to_vec(),
                )
            } else if meta.is_dir() {
                folders.push(path);
                Thing::Dir
            } else if meta.is_file() {
                Thing::File(fs::read(&path).unwrap_or_default(), meta.mode() & 0o7777)
            } else {
                continue;
            };
            tree.insert(rel, thing);
        }
    }
    tree
}
