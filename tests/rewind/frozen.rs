//! A folder of forty paths with its store, frozen: copied afresh for each process that is killed or lied to in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regent_tui::model::{Agent, Id, IdKind};
use regent_tui::store::Store;

use crate::crash::forty;
use crate::scene::{Scene, Thing, Tree, tree};

/// The calls that change something.
pub const CALLS: &str = "write,pwrite64,writev,fsync,fdatasync,syncfs,ftruncate,rename,renameat,renameat2,link,linkat,\
    unlink,unlinkat,mkdir,mkdirat,rmdir,symlinkat,fchmod,chmod,fchown";

/// The folder keeps its place, which the records name.
pub struct Frozen {
    scene: Scene,
    _tmp: tempfile::TempDir,
    masters: PathBuf,
    step: String,
    pub pre: Tree,
    pub post: Tree,
}

/// Says so where a test cannot run.
pub fn no_strace() -> bool {
    // It may be installed and yet not be allowed to trace anything.
    let traced = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .output();
    let missing = !traced.is_ok_and(|out| out.status.success());
    if missing {
        eprintln!(
            "SKIPPED: there is no strace that works, so no real process was killed or lied to"
        );
    }
    missing
}

impl Frozen {
    /// Of forty paths, with the masters `before` and `after` the rewind.
    pub fn new() -> Frozen {
        Frozen::of(forty)
    }

    /// Of what is made, which tells the step to go back to.
    pub fn of(make: impl Fn(&mut Scene) -> u32) -> Frozen {
        let mut s = Scene::on_disk();
        let first = make(&mut s);
        let step =
            Id::of(Agent::Claude, "s", IdKind::Step, &format!("s-{first}")).show(IdKind::Step);
        s.store.settle(true).unwrap();
        // Only others use the store from here on.
        s.store = Store::open_in_memory().unwrap();
        let tmp = tempfile::Builder::new()
            .prefix("regent")
            .tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let masters = tmp.path().to_owned();
        let mut frozen = Frozen {
            pre: s.tree(),
            post: Tree::new(),
            scene: s,
            _tmp: tmp,
            masters,
            step,
        };
        frozen.keep("before");
        frozen.run(&frozen.rewind(), &[]);
        frozen.post = frozen.tree();
        assert_ne!(frozen.pre, frozen.post);
        frozen.keep("after");
        frozen
    }

    /// Where the folder and its store are.
    pub fn place(&self) -> &Path {
        self.scene.dir.parent().unwrap()
    }

    pub fn tree(&self) -> Tree {
        tree(&self.scene.dir)
    }

    /// The words of the command that rewinds.
    pub fn rewind(&self) -> [&str; 2] {
        ["rewind", &self.step]
    }

    /// Keeps everything as it is now.
    pub fn keep(&self, name: &str) {
        copy(self.place(), &self.masters.join(name));
    }

    /// The work folder.
    pub fn work(&self) -> &Path {
        &self.scene.dir
    }

    /// The store.
    pub fn db(&self) -> PathBuf {
        self.scene.db()
    }

    /// Kept as `half`: a rewind that was killed in the middle, the last but one thing undone.
    pub fn interrupt(&self) {
        self.fresh("before");
        let calls = self.count(&self.rewind());
        let exchanges = calls.get("renameat2").copied().unwrap_or(0);
        assert!(exchanges > 2, "{calls:?}");
        self.fresh("before");
        let inject = format!("inject=renameat2:signal=SIGKILL:when={}", exchanges - 1);
        let mut command = self.command(&self.rewind(), Some(&["-o", "/dev/null", "-e", &inject]));
        assert!(!command.status().unwrap().success());
        let now = self.tree();
        assert!(now != self.pre && now != self.post);
        self.keep("half");
    }

    /// Everything as it was kept.
    pub fn fresh(&self, name: &str) {
        self.clear();
        copy(&self.masters.join(name).join("."), self.place());
    }

    /// Nothing is left.
    pub fn clear(&self) {
        for entry in std::fs::read_dir(self.place()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            }
            .unwrap();
        }
    }

    /// Runs it to its end, which must be a good one.
    pub fn run(&self, words: &[&str], env: &[(&str, &str)]) -> Output {
        let mut command = self.command(words, None);
        let done = command.envs(env.iter().copied()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{words:?}: {said}");
        done
    }

    /// The program, perhaps below strace with these words.
    pub fn command(&self, words: &[&str], strace: Option<&[&str]>) -> Command {
        let bin = env!("CARGO_BIN_EXE_regent-tui");
        let mut command = match strace {
            Some(options) => {
                let mut c = Command::new("strace");
                c.args(["-f", "-qq", "-e", &format!("trace={CALLS}")]);
                c.args(options).arg(bin);
                c
            }
            None => Command::new(bin),
        };
        let at = self.place();
        command
            .env_clear()
            .env("HOME", at)
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .arg("--repo")
            .arg(at.join("work"))
            .arg("--store")
            .arg(at.join("history.db"))
            .args(words)
            .args(["--yes", "--yes"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// How often each call is made.
    pub fn count(&self, words: &[&str]) -> BTreeMap<String, usize> {
        let log = self.masters.join("log");
        let done = self
            .command(words, Some(&["-o", log.to_str().unwrap()]))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{words:?}: {said}");
        let mut calls = BTreeMap::new();
        for line in std::fs::read_to_string(&log).unwrap().lines() {
            let call = line
                .split('(')
                .next()
                .and_then(|l| l.split(' ').next_back());
            let Some(call) = call.filter(|c| CALLS.split(',').any(|known| known == *c)) else {
                continue;
            };
            *calls.entry(call.to_owned()).or_default() += 1;
        }
        calls
    }

    /// Every file is wholly what it was or wholly what it should be; where a file and a folder change places, there may be
    /// nothing for a moment.
    pub fn check_each(&self, now: &Tree, what: &str) {
        for path in self.pre.keys().chain(self.post.keys()).chain(now.keys()) {
            let (is, was, will) = (now.get(path), self.pre.get(path), self.post.get(path));
            let changes_kind = is.is_none() && was.is_some() && will.is_some()
                || matches!((was, will), (Some(Thing::Dir), _) | (_, Some(Thing::Dir)));
            assert!(
                is == was || is == will || changes_kind,
                "{what}: {:?} is neither old nor new",
                String::from_utf8_lossy(path)
            );
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(done.unwrap().success());
}
