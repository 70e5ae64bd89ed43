//! Finding the repository of a folder, and all of its worktrees, from git's own files.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// A repository as seen from one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The main worktree; `None` for a bare repository.
    pub main_worktree: Option<PathBuf>,
    /// The git folder of this worktree (for a linked one: `<common>/worktrees/<name>`).
    pub git_dir: PathBuf,
    /// The git folder that all worktrees share: objects, refs, config.
    pub common_dir: PathBuf,
    /// The main worktree, then the linked ones that still say that they belong here, in order of name.
    pub worktrees: Vec<PathBuf>,
    /// The worktree that the folder lies in; `None` for a bare repository.
    pub this_worktree: Option<PathBuf>,
}

/// Files such as `HEAD`, `gitdir` and `commondir` are one short line; a larger one is not git's.
pub(super) const SMALL: u64 = 64 * 1024;

/// Finds the repository that `dir` lies in, going up folder by folder.
///
/// A `.git` that is a link is followed, as git does. A `.git` that is neither a git folder nor points to one is passed by.
pub fn discover(dir: &Path) -> Option<Repository> {
    let start = fs::canonicalize(dir).ok()?;
    for folder in start.ancestors() {
        let dot_git = folder.join(".git");
        if let Some(git_dir) = git_dir_of(&dot_git) {
            return Some(describe(git_dir, Some(folder.to_path_buf())));
        }
        // The folder may itself be a git folder: a bare repository, or `.git` of a worktree.
        if is_git_dir(folder) {
            return Some(describe_from_inside(folder.to_path_buf()));
        }
    }
    None
}

/// What `.git` leads to: itself if it is a git folder, else where its `gitdir:` line points.
fn git_dir_of(dot_git: &Path) -> Option<PathBuf> {
    let meta = fs::metadata(dot_git).ok()?;
    if meta.is_dir() {
        let real = fs::canonicalize(dot_git).ok()?;
        return is_git_dir(&real).then_some(real);
    }
    let text = read_small(dot_git)?;
    let target = path_from(trim_line(text.strip_prefix(b"gitdir:")?))?;
    let target = fs::canonicalize(resolve(dot_git.parent()?, &target)).ok()?;
    is_git_dir(&target).then_some(target)
}

/// A git folder has a `HEAD`, and objects and refs of its own or a `commondir` that has them.
fn is_git_dir(dir: &Path) -> bool {
    if !dir.join("HEAD").is_file() && !dir.join("HEAD").is_symlink() {
        return false;
    }
    let common = common_dir_of(dir);
    common.join("objects").is_dir() && common.join("refs").is_dir()
}

/// The folder that a linked worktree's git folder shares with the others; the folder itself elsewhere.
fn common_dir_of(git_dir: &Path) -> PathBuf {
    read_small(&git_dir.join("commondir"))
        .and_then(|text| path_from(trim_line(&text)))
        .and_then(|path| fs::canonicalize(resolve(git_dir, &path)).ok())
        .unwrap_or_else(|| git_dir.to_path_buf())
}

fn describe(git_dir: PathBuf, around: Option<PathBuf>) -> Repository {
    let common_dir = common_dir_of(&git_dir);
    // Some keep a bare repository in `.git` and work in linked worktrees only: the folder around it is then none.
    let this_worktree = around.filter(|_| git_dir != common_dir || !is_bare(&common_dir));
    let main_worktree = if git_dir == common_dir {
        this_worktree.clone()
    } else {
        main_worktree_of(&common_dir)
    };
    let mut worktrees: Vec<PathBuf> = main_worktree.iter().cloned().collect();
    worktrees.extend(linked_worktrees(&common_dir));
    if let Some(this) = &this_worktree {
        worktrees.push(this.clone());
    }
    let mut seen = std::collections::HashSet::new();
    worktrees.retain(|w| seen.insert(w.clone()));
    Repository {
        main_worktree,
        git_dir,
        common_dir,
        worktrees,
        this_worktree,
    }
}

/// Called from within a git folder: the worktree, if there is one, is known from git's files alone.
fn describe_from_inside(git_dir: PathBuf) -> Repository {
    let common_dir = common_dir_of(&git_dir);
    let this = if git_dir == common_dir {
        main_worktree_of(&common_dir)
    } else {
        worktree_of_link(&git_dir)
    };
    describe(git_dir, this)
}

/// The main worktree of a common git folder: what `core.worktree` says, else the folder around `.git`, unless bare.
fn main_worktree_of(common_dir: &Path) -> Option<PathBuf> {
    let config = read_small(&common_dir.join("config")).unwrap_or_default();
    let config = String::from_utf8_lossy(&config);
    if let Some(path) = config_value(&config, "core", "worktree") {
        return fs::canonicalize(resolve(common_dir, Path::new(&path)))
            .ok()
            .filter(|p| p.is_dir());
    }
    let named_dot_git = common_dir.file_name().is_some_and(|name| name == ".git");
    if is_bare(common_dir) || !named_dot_git {
        return None;
    }
    common_dir.parent().map(Path::to_path_buf)
}

fn is_bare(common_dir: &Path) -> bool {
    let config = read_small(&common_dir.join("config")).unwrap_or_default();
    config_value(&String::from_utf8_lossy(&config), "core", "bare").is_some_and(|v| is_true(&v))
}

fn is_true(value: &str) -> bool {
    ["true", "yes", "on", "1"]
        .iter()
        .any(|t| value.eq_ignore_ascii_case(t))
}

/// The linked worktrees that still exist and point back here.
fn linked_worktrees(common_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(common_dir.join("worktrees")) else {
        return Vec::new();
    };
    let mut links: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    links.sort();
    links.iter().filter_map(|l| worktree_of_link(l)).collect()
}

/// `<common>/worktrees/<name>/gitdir` holds the path of the worktree's `.git` file, which must lead back.
fn worktree_of_link(link: &Path) -> Option<PathBuf> {
    let text = read_small(&link.join("gitdir"))?;
    let dot_git = resolve(link, &path_from(trim_line(&text))?);
    let back = git_dir_of(&dot_git)?;
    if back != fs::canonicalize(link).ok()? {
        return None;
    }
    fs::canonicalize(dot_git.parent()?).ok()
}

/// The last value of `key` in `[section]`; enough of git's config for `core.*`: no includes, no continued lines.
pub(super) fn config_value(text: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(head) = line.strip_prefix('[') {
            inside = head
                .split(']')
                .next()
                .is_some_and(|s| s.trim().eq_ignore_ascii_case(section));
        } else if inside && !line.starts_with(['#', ';']) {
            let (name, value) = line.split_once('=').unwrap_or((line, "true"));
            if name.trim().eq_ignore_ascii_case(key) {
                found = Some(value.trim().trim_matches('"').to_owned());
            }
        }
    }
    found
}

/// A file of git's that is small by nature; `None` if it is absent, unreadable or too large.
pub(super) fn read_small(path: &Path) -> Option<Vec<u8>> {
    let file = fs::File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(SMALL + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= SMALL).then_some(bytes)
}

/// Without the blanks around and the line's end.
pub(super) fn trim_line(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// A path from bytes, as the system keeps it; `None` if it is empty or holds a NUL.
pub(super) fn path_from(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    if bytes.is_empty() || bytes.contains(&0) {
        return None;
    }
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

/// `path` seen from `base`, with `.` and `..` left to the system (a link may stand between).
fn resolve(base: &Path, path: &Path) -> PathBuf {
    match path.components().next() {
        Some(Component::RootDir | Component::Prefix(_)) => path.to_path_buf(),
        _ => base.join(path),
    }
}
